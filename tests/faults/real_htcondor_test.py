#!/usr/bin/env python3
"""Real faults on a real pool: the schedd is killed, stopped, killed together with its client in mid-commit; its event log
rotates, is deleted, moved, cut; the factory's wall clock is stepped. After each, the factory's counts are those of condor_q,
no pilot is lost or doubled, and work is served.

The wall clock is stepped by a preloaded library, for the factory and the tools that it runs. Arguments: names of cases, to
try only these.
"""

import contextlib
import os
import pathlib
import signal
import struct
import sys
import time

from document import differs
from lab import BIN
from pool_lab import Site, main

OF_SCHEDD, OF_LOG = "schedd3@pool.test", "schedd4@pool.test"
MID_COMMIT = 6  # kills


class Case:
    """Sites on a schedd, and what happens to them one after the other."""

    def __init__(self, name, lab, schedd, ways=(True, False), **options):
        self.name, self.lab, self.schedd = name, lab, schedd
        self.sites = [lab.site(f"{name}, {'events' if events else 'polls'}", schedd, events=events, waiting=8, seconds=2,
                               timeout=8, **options) for events in ways]
        self.rows = []

    def each(self, what, condition):
        for site in self.sites:
            site.wait(what, lambda site=site: condition(site))

    def begin(self):
        for site in self.sites:
            site.start()
        for site in self.sites:
            site.wait_until_full()

    def recover(self, name):
        """Everything is as it should be, without a restart."""
        now = time.time()
        self.each("new pilots", lambda site: any(r.queued > now for r in site.pilots() or []))
        self.each("an end of the alarms", lambda site: not site.alarms())
        for site in self.sites:
            site.wait_until_it_agrees(polls=2)
        sums = [site.check() for site in self.sites]
        lost, doubled = sum(s[0] for s in sums), sum(s[1] for s in sums)
        excess = max(s.excess() for s in self.sites)
        if lost or doubled or excess:
            raise AssertionError(f"{self.name}, {name}: {lost} lost, {doubled} doubled, {excess} pilots in excess")
        self.rows.append([name, excess, lost, doubled])
        print(f"{name}: {lost} lost, {doubled} doubled", flush=True)


class ScheddCase(Case):
    def schedd_pid(self):
        self.sites[0].wait("a schedd", lambda: self.lab.pool.schedd_pid(self.schedd))
        return self.lab.pool.schedd_pid(self.schedd)

    def until_it_answers(self):
        self.sites[0].wait("the schedd's answer", lambda: self.lab.pool.answers(self.schedd))

    def __call__(self):
        self.begin()
        os.kill(self.schedd_pid(), signal.SIGKILL)
        self.until_it_answers()
        self.recover("schedd killed and restarted")
        pid = self.schedd_pid()
        os.kill(pid, signal.SIGSTOP)
        self.each("alarms", Site.alarms)
        os.kill(pid, signal.SIGCONT)
        self.recover("schedd stopped for longer than a call may take")
        for _ in range(MID_COMMIT):
            for site in self.sites:
                site.tell(f"cut {self.schedd_pid()}", "condor_submit")
            before = [site.lies("condor_submit") for site in self.sites]
            self.sites[0].wait("a killed client", lambda before=before: before != [
                site.lies("condor_submit") for site in self.sites])
            for site in self.sites:
                site.tell("truth", "condor_submit")
            self.until_it_answers()
        self.recover(f"schedd and submitting client killed at random moments of a submission, {MID_COMMIT} times")


class LogCase(Case):
    """Of the schedd's event log; it rotates every 50 kB."""

    def __call__(self):
        log = pathlib.Path(self.lab.pool.ask("condor_config_val", "-name", self.schedd, "-schedd", "EVENT_LOG").strip())
        self.begin()
        file = log.stat().st_ino
        self.sites[0].wait("a rotation", lambda: log.exists() and log.stat().st_ino != file)
        self.recover("event log rotated")
        log.unlink()
        self.recover("event log deleted")
        log.rename(log.with_name("moved-" + log.name))
        self.recover("event log moved away")
        os.truncate(log, log.stat().st_size // 2)
        self.recover("event log cut to half")


class DiskCase(Case):
    """Of a log on a small disk: full_disk_htcondor makes it."""

    def __call__(self):
        disk = pathlib.Path(os.environ["APF_SMALL_DISK"])
        self.begin()
        events = self.sites[0]
        with open(disk / "filler", "wb", buffering=0) as file, contextlib.suppress(OSError):  # until it is full
            while True:
                file.write(bytes(4096))
        events.wait("the trouble in the status", lambda: "disk is full" in events.ask("status", check=False))
        self.recover("event log's disk full")
        (disk / "filler").unlink()
        events.wait("an end of the trouble", lambda: "disk is full" not in events.ask("status", check=False))
        self.recover("event log's disk full, and no longer")


class ClockCase(Case):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.clocks = [site.work / "wall-clock" for site in self.sites]
        for site, clock in zip(self.sites, self.clocks):
            clock.write_bytes(struct.pack("q", 0))
            site.environment = {"LD_PRELOAD": str(BIN.parent / "tests/libwall_clock.so"), "APF_WALL_CLOCK": str(clock)}

    def step(self, hours):
        for clock in self.clocks:
            with open(clock, "r+b") as file:
                file.write(struct.pack("q", hours * 3600))

    def __call__(self):
        self.begin()
        for hours, name in ((1, "an hour forward"), (0, "back again"), (-1, "an hour back")):
            self.step(hours)
            self.recover(f"wall clock stepped {name}")
        for site in self.sites:
            site.stop(signal.SIGKILL)
        self.step(1)
        for site in self.sites:
            site.start()
        self.recover("wall clock stepped two hours forward while the factory was dead")


CASES = {  # a slot whose claim a killed schedd held is nobody's for a while: there are more than one
         "schedd": lambda lab: ScheddCase("schedd", lab, OF_SCHEDD, slots=8, at_least=1),
         "log": lambda lab: LogCase("log", lab, OF_LOG),
         "clock": lambda lab: ClockCase("clock", lab, OF_LOG)}
ELSEWHERE = {"disk": lambda lab: DiskCase("disk", lab, OF_LOG)}
TABLES = {tuple(CASES): "real_htcondor_test.py", tuple(ELSEWHERE): "full_disk_htcondor"}  # of docs/reliability.md


if __name__ == "__main__":
    wanted = sys.argv[1:] or list(CASES)
    main((OF_SCHEDD, OF_LOG), 50, lambda lab: [{**CASES, **ELSEWHERE}[name](lab) for name in wanted],
         lambda cases: differs(TABLES[tuple(wanted)], ["fault", "excess pilots", "lost", "doubled"],
                               [row for case in cases for row in case.rows]) if tuple(wanted) in TABLES else [])
