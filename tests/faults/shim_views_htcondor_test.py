#!/usr/bin/env python3
"""A shim lies for condor_q in front of a real pool. The factory must not flood the pool nor remove a good pilot, has to
say what is wrong, and goes on by itself.

Each lie is tried with the schedd's events and by polls only, in APF_SITUATIONS: at a full site, as the first view after
a restart (both by default), in mid-ramp, while draining. Arguments: modes of the shim, to try only these.
"""

import collections
import os
import signal
import sys
import time

from document import differs
from pool_lab import IDLE, REMOVED, main

SCHEDDS = ("schedd1@pool.test", "schedd2@pool.test")
SITUATIONS = os.environ.get("APF_SITUATIONS", "full restart").split()
RAMP = 24  # pilots in the queue: half of them is more than may be absent without a reason

# `told`: words of the alarm; None: nothing is wrong, and nobody is woken up. `small`: it can be told of few pilots, too.
Lie = collections.namedtuple("Lie", "name mode told small options", defaults=(False, {}))
LIES = (
    Lie("rc 0 and empty", "empty", "totals|without a trace"),
    Lie("a good answer that shows no pilots", "nobody", "without a trace"),
    Lie("rc 1", "fail", "does not answer", small=True),
    Lie("hang", "hang", "no answer before the deadline", small=True),
    Lie("half a list", "half", "the schedd counts|without a trace"),
    Lie("doubled lines", "double", None, small=True),
    Lie("contradicting lines", "contradict", "contradicts another one", small=True),
    Lie("an old list", "old", "without a trace|the view is old|the schedd counts", options={"slots": 3, "seconds": 1}),
    Lie("garbled bytes", "garble", "no proper job id", small=True),
    Lie("an attribute missing", "attribute", "lacks attributes", small=True),
    Lie("very slow", "slow", None, small=True),
)
OPTIONS = {"ramp": {"waiting": 48, "cap": 8}, "draining": {"seconds": 60}}


class Case:
    def __init__(self, lab, lie, events, situations):
        self.lie, self.situations = lie, situations
        options = {"max_age": 8, **OPTIONS.get(situations[0], {}), **lie.options}
        if situations[0] == "draining":
            options["seconds"] = 60
        self.site = lab.site(f"{lie.name}, {'events' if events else 'polls'}", SCHEDDS[events], events=events, **options)
        self.excess = self.removed = self.alarms = self.lost = self.doubled = 0

    def bring_to(self, situation):
        site = self.site
        if situation == "restart":
            site.wait_until_full()
            site.stop(signal.SIGKILL)
            return
        site.tell("keep" if self.lie.mode == "old" else "truth")
        site.start()
        if situation == "ramp":
            site.wait("the first pilots", lambda: len(site.pilots() or []) >= site.cap)
            site.tell("truth")
            site.wait("mid-ramp", lambda: len(site.pilots() or []) >= RAMP)
            return
        site.wait_until_full()
        kept = {(r.cluster, r.proc) for r in site.pilots()}
        site.wait("a list that is kept", lambda: self.lie.mode != "old" or (site.tools / "condor_q.kept").exists())
        site.tell("truth")
        if situation == "draining":
            site.ask("drain")
        elif self.lie.mode == "old":
            site.wait("an old list", lambda: not kept & {(r.cluster, r.proc) for r in site.pilots() or []} and site.pilots())

    def lie_for_a_while(self, situation):
        site, lie = self.site, self.lie
        alarms, lies, begun = site.raised(), site.lies(), time.time()
        site.tell(lie.mode)
        if situation == "restart":
            site.start()
        if lie.told is not None and (lie.small or situation != "draining"):
            site.wait(f"an alarm that says '{lie.told}'", lambda: site.status_says(lie.told))
            if situation != "draining":
                site.wait("the reason in explain", lambda: site.events or site.explain_says(f"HELD: .*({lie.told})"))
        site.wait("more lies", lambda: site.lies() >= lies + (2 if lie.mode == "hang" else 3))
        if site.events and situation != "draining":
            site.wait("pilots that events made room for", lambda: any(r.queued > begun for r in site.pilots() or []))
        raised = site.raised() - alarms
        site.tell("truth")
        if lie.small or situation != "draining":
            self.alarms = max(self.alarms, raised)
            if raised != (lie.told is not None):
                raise AssertionError(f"{site.name}, {situation}: {raised} alarms; see {site.log}")

    def go_on(self, situation):
        site, truth = self.site, time.time()
        site.wait("an end of the alarms", lambda: not site.alarms())
        if situation == "draining":
            site.wait("nothing that waits", lambda: site.pilots(IDLE) == [])
            site.wait_until_it_agrees()
            site.ask("resume")
        site.wait("new pilots", lambda: any(r.queued > truth for r in site.pilots() or []))
        site.wait_until_it_agrees()

    def __call__(self):
        for situation in self.situations:
            self.bring_to(situation)
            self.lie_for_a_while(situation)
            self.go_on(situation)
        rows = self.site.history()
        self.excess = self.site.excess()
        draining = "draining" in self.situations  # that removes pilots which wait, and no others
        self.removed = sum(r.status == REMOVED and (r.started > 0 or not draining) for r in rows)
        self.lost, self.doubled = self.site.check()
        if self.excess or self.removed or self.lost or self.doubled:
            raise AssertionError(f"{self.site.name}: {self.excess} pilots in excess, {self.removed} removed, "
                                 f"{self.lost} lost, {self.doubled} doubled")


def table(cases):
    """A row a lie: the worst of its cases."""
    for lie in LIES:
        of = [c for c in cases if c.lie is lie]
        yield [lie.name, *(max(getattr(c, what) for c in of)
                           for what in ("excess", "removed", "alarms", "lost", "doubled"))]


if __name__ == "__main__":
    chains = [("full", "restart")] if SITUATIONS == ["full", "restart"] else [(s,) for s in SITUATIONS]
    wanted = [lie for lie in LIES if lie.mode in sys.argv[1:] or not sys.argv[1:]]
    main(SCHEDDS, 1, lambda lab: [Case(lab, lie, events, chain)
                               for chain in chains for lie in wanted for events in (True, False)],
         lambda cases: differs("shim_views_htcondor_test.py",
                               ["condor_q says", "excess pilots", "removed", "alarms", "lost", "doubled"],
                               table(cases))  # a site that drains need not miss what a list hides
         if len(wanted) == len(LIES) and "draining" not in SITUATIONS else [])
