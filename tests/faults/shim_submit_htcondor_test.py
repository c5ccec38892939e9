#!/usr/bin/env python3
"""A shim stands before condor_submit, in front of a real pool, and loses answers, kills the client or submits when
nobody waits any more. The factory must lose no pilot and submit none twice.

Each is tried with a factory's first submission (24 pilots), and at a full site with a kill -9 of the factory while it
does not know what became of its submission; with the schedd's events and by polls only. Arguments: modes of the shim.
"""

import collections
import signal
import sys
import time

from document import differs
from lab import ask_ledger
from pool_lab import main

SCHEDDS = ("schedd1@pool.test", "schedd2@pool.test")

# `beyond`: pilots that may be too many for a while: one submission
Fault = collections.namedtuple("Fault", "name mode beyond", defaults=(0,))
FAULTS = (
    Fault("done, then exit code 1", "lost"),
    Fault("done, the answer is nonsense", "garble"),
    Fault("hang, never sent", "hang"),
    Fault("the client is killed at a random moment, again and again", "cut"),
    Fault("timeout, sent 15 s later by a client that lives on", "late"),
    Fault("timeout, sent 15 s later by nobody that can be seen", "orphan", 24),
)


class Case:
    def __init__(self, lab, fault, events):
        self.fault = fault
        # short pilots keep submissions coming
        self.site = lab.site(f"{fault.mode}, {'events' if events else 'polls'}", SCHEDDS[events], events=events, seconds=2,
                             timeout=8)
        self.excess = self.lost = self.doubled = 0

    def open_submissions(self):
        return ask_ledger(self.site.work / "state/ledger.db", "SELECT count(*) FROM submissions WHERE state = 0")[0][0]

    def spoil(self, times):
        """Until so many submissions were spoilt."""
        site = self.site
        before = site.lies("condor_submit")
        site.tell(self.fault.mode, "condor_submit")
        if site.daemon is None:
            site.start()
        site.wait("spoilt submissions", lambda: site.lies("condor_submit") >= before + times)

    def settle(self):
        site = self.site
        site.tell("truth", "condor_submit")
        truth = time.time()
        site.wait("nothing open", lambda: self.open_submissions() == 0)
        site.wait("an end of the alarms", lambda: not site.alarms())
        site.wait("new pilots", lambda: any(r.queued > truth for r in site.pilots() or []))
        if self.fault.mode in ("late", "orphan"):
            site.wait("what was sent late", lambda: time.time() > truth + 20)
        site.wait("a full site", lambda: len(site.pilots() or []) >= site.waiting)
        site.wait_until_it_agrees()

    def __call__(self):
        site, again = self.site, 2 if self.fault.mode == "cut" else 1
        self.spoil(again)
        if self.fault.mode != "cut":  # it may have been too late to do harm
            site.wait("an alarm", lambda: site.status_says("got no answer"))
            site.wait("the reason", lambda: site.explain_says("HELD: submission .* is being looked up"))
        self.settle()
        self.spoil(again)
        site.stop(signal.SIGKILL)
        site.start()
        self.settle()
        self.excess = site.excess()
        self.lost, self.doubled = site.check()
        if self.excess > self.fault.beyond or self.lost or self.doubled:
            raise AssertionError(f"{site.name}: {self.excess} in excess, {self.lost} lost, {self.doubled} doubled")


def table(cases):
    for fault in FAULTS:
        of = [c for c in cases if c.fault is fault]
        excess = max(c.excess for c in of)
        yield [fault.name, f"at most {fault.beyond}" if fault.beyond else excess, max(c.lost for c in of),
               max(c.doubled for c in of)]


if __name__ == "__main__":
    wanted = [fault for fault in FAULTS if fault.mode in sys.argv[1:] or not sys.argv[1:]]
    main(SCHEDDS, 31, lambda lab: [Case(lab, fault, events) for fault in wanted for events in (True, False)],
         lambda cases: differs("shim_submit_htcondor_test.py", ["condor_submit", "excess pilots", "lost", "doubled"],
                               table(cases)) if len(wanted) == len(FAULTS) else [])
