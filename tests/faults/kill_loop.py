"""kill -9 at random moments: the factory is started, given work, killed, again and again; then it is left alone and
must have lost no pilot, doubled none, and served all the work. APF_KILLS kills are dealt to APF_LOOPS factories side by
side.

What counts as the truth: a pilot's own first action is a line in `started` (its submission and index), written by the
pilot itself; and the batch system's own records. Used by kill_local_test.py and kill_htcondor_test.py.
"""

import collections
import os
import random
import signal
import subprocess
import sys
import threading
import time

from lab import Lab, ask_ledger, lost_and_doubled, until

QUEUE = "KILLS"

CONFIG = """version = 1
[factory]
factory_id = "{id}"
state_dir = "state"
log_dir = "logs"
listen = "127.0.0.1:0"
[wms.jobs]
plugin = "panda"
url = "{url}"
token_file = "jobqueue/tokens/read.token"
interval = "2s"
pickup = "10s"
[batch.machine]
{batch}
settle_wait = "2s"
[queue.{queue}]
wms = "jobs"
wms_queue = "{queue}"
batch = "machine"
sched = [ {{ use = "ready" }}, {{ use = "maxpercycle", maximum = 4 }}, {{ use = "maxpending", maximum = 8 }} ]
executable = "pilot.sh"
input_files = [ "jobqueue/tokens/pilot.token" ]
arguments = [ "{bootstrap}", "--wrappertarballurl", "file://{wrapper}", "--wrappertarballchecksum", "{sha}", "--wrapperwmsurl", "{url}", "--wrapperwmsqueue", "{queue}", "--wrappertokenfile", "pilot.token", "--wrapperlifetime", "2 min" ]
"""

PILOT = """#!/bin/sh
# one line a start, in one write: two lines of one pilot would be a pilot started twice
echo "$APF_SUBMISSION $APF_INDEX" >> "{started}"
exec /bin/sh "$@"
"""


class Loop(Lab):
    """One factory that is killed again and again."""

    def __init__(self, batch_section, number=0, prefix=(), owner=None):
        super().__init__("kills", prefix, owner)
        self.id = f"kills-{os.getpid()}-{number}"
        self.started = self.work / "started"
        self.started.touch()
        pilot = self.work / "pilot.sh"
        pilot.write_text(PILOT.format(started=self.started))
        pilot.chmod(0o755)
        self.batch_section = batch_section
        self.give_away()

    def configure(self):
        url = self.start_jobqueue()
        sha = subprocess.run(["sha256sum", self.work / "bin/apf-wrapper.tar.gz"], capture_output=True, text=True, check=True)
        config = self.work / "apf.toml"
        config.write_text(CONFIG.format(id=self.id, url=url, queue=QUEUE, batch=self.batch_section,
                                        sha=sha.stdout.split()[0], wrapper=self.work / "bin/apf-wrapper.tar.gz",
                                        bootstrap=self.work / "bin/apf-bootstrap.sh"))
        self.give_away()

    def start_factory(self):
        return self.start(self.work / "bin/apf", "run", self.work / "apf.toml")

    def run(self, kills, seed):
        chance = random.Random(seed)
        for _ in range(kills):
            factory = self.start_factory()
            if chance.random() < 0.7:
                time.sleep(chance.uniform(0.0, 0.3))
                self.submit_jobs(QUEUE, chance.randint(1, 3))
            # the submit path's moments lie within the first second or so of new work
            time.sleep(chance.uniform(0.02, 0.9))
            factory.send_signal(signal.SIGKILL)
            factory.wait()
        factory = self.start_factory()
        self.processes.append(factory)
        until(240 + kills, "all jobs done", lambda: self.finished() == self.jobs)
        until(60, "no open submission", lambda: self.ledger("SELECT count(*) FROM submissions WHERE state = 0") == [(0,)])

    def ledger(self, sql):
        return ask_ledger(f"{self.work}/state/ledger.db", sql)

    def check(self, in_batch_system):
        """in_batch_system: [(submission, index)] of every pilot the batch system has or had."""
        lost, doubled = lost_and_doubled(f"{self.work}/state/ledger.db", in_batch_system)
        failures = [f"pilot {pilot} was submitted {n} times" for pilot, n in doubled.items()]
        failures += [f"pilot {pilot} is in the batch system and not in the ledger" for pilot in lost]
        starts = [tuple(line.split()) for line in self.started.read_text().splitlines()]
        for pilot, n in collections.Counter(starts).items():
            if n > 1:
                failures.append(f"pilot {pilot} was started {n} times")
        print(f"{self.id}: {self.jobs} jobs, {len(set(in_batch_system))} pilots, {len(starts)} starts, "
              f"{len(failures)} failures", flush=True)
        return failures

    def try_it(self, kills, seed, in_batch_system):
        """What went wrong."""
        failures = ["did not end"]
        try:
            self.configure()
            self.run(kills, seed)
            failures = self.check(in_batch_system(self))
        except Exception as e:  # the log says the rest
            failures = [f"{type(e).__name__}: {e}"]
        finally:
            self.stop(keep=bool(failures))
        return failures


def main(make_loop, in_batch_system):
    """make_loop(number): a Loop. in_batch_system(loop): (submission, index) of each of its pilots."""
    kills, loops = int(os.environ.get("APF_KILLS", 30)), int(os.environ.get("APF_LOOPS", 1))
    seed = int(os.environ.get("APF_SEED", time.time_ns() % 1_000_000))
    print(f"{kills} kills of {loops} factories, APF_SEED={seed}", flush=True)
    begun = time.monotonic()
    failures = []

    def one(number):
        share = kills // loops + (1 if number < kills % loops else 0)
        failures.extend(make_loop(number).try_it(share, seed + number, in_batch_system))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(loops)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for f in failures:
        print("FAILED:", f)
    print(f"{kills} kills in {time.monotonic() - begun:.0f} s, {len(failures)} failures")
    sys.exit(1 if failures else 0)
