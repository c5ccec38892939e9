"""kill -9 at random moments: the factory is started, given work, killed, again and again; then it is left alone and
must have lost no pilot, doubled none, and served all the work.

What counts as the truth: a pilot's own first action is a line in `started` (its submission and index), written by the
pilot itself; and the batch system's own records. Used by kill_local_test.py and kill_htcondor_test.py.
"""

import collections
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

BIN = pathlib.Path(os.environ.get("APF_BIN_DIR") or pathlib.Path(__file__).resolve().parents[2] / "build" / "bin")
QUEUE = "KILLS"

CONFIG = """version = 1
[factory]
factory_id = "kills"
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
arguments = [ "{bootstrap}", "--wrapperurl", "file://{wrapper}", "--wrappersha256", "{sha}", "--wrapperwmsurl", "{url}", "--wrapperwmsqueue", "{queue}", "--wrappertokenfile", "pilot.token", "--wrapperlifetime", "2 min" ]
"""

PILOT = """#!/bin/sh
# one line a start, in one write: two lines of one pilot would be a pilot started twice
echo "$APF_SUBMISSION $APF_INDEX" >> "{started}"
exec /bin/sh "$@"
"""


class Loop:
    def __init__(self, batch_section, prefix=(), owner=None):
        self.prefix = list(prefix)
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="apf-kills.", dir="/var/tmp"))
        self.work.chmod(0o755)
        (self.work / "bin").mkdir()
        for name in ("apf", "apf-jobqueue", "apf-wrapper", "apf-keeper", "apf-bootstrap.sh"):
            shutil.copy(BIN / name, self.work / "bin" / name)
        self.started = self.work / "started"
        self.started.touch()
        pilot = self.work / "pilot.sh"
        pilot.write_text(PILOT.format(started=self.started))
        pilot.chmod(0o755)
        self.batch_section = batch_section
        self.owner = owner
        self.give_away()
        self.processes = []
        self.jobs = 0

    def give_away(self):
        if self.owner:
            subprocess.run(["chown", "-R", self.owner, str(self.work)], check=True)

    def start(self, *argv):
        log = open(self.work / (pathlib.Path(argv[0]).name + ".log"), "ab")
        return subprocess.Popen([*self.prefix, *map(str, argv)], stdout=log, stderr=log, stdin=subprocess.DEVNULL)

    def call(self, *argv, check=True):
        done = subprocess.run([*self.prefix, *map(str, argv)], capture_output=True, text=True, timeout=60)
        if check and done.returncode != 0:
            raise RuntimeError(f"{argv}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def start_jobqueue(self):
        data = self.work / "jobqueue"
        self.processes.append(self.start(self.work / "bin/apf-jobqueue", "run", "--data", data, "--listen", "127.0.0.1:0"))
        until(20, "the job queue's address", lambda: (data / "address").exists() and (data / "address").read_text().strip())
        url = (data / "address").read_text().strip()
        url = url if url.startswith("http") else "http://" + url
        sha = subprocess.run(["sha256sum", self.work / "bin/apf-wrapper"], capture_output=True, text=True, check=True)
        config = self.work / "apf.toml"
        config.write_text(CONFIG.format(url=url, queue=QUEUE, batch=self.batch_section, sha=sha.stdout.split()[0],
                                        wrapper=self.work / "bin/apf-wrapper", bootstrap=self.work / "bin/apf-bootstrap.sh"))
        self.give_away()

    def submit_jobs(self, n):
        self.call(self.work / "bin/apf-jobqueue", "submit", "--data", self.work / "jobqueue", "--queue", QUEUE,
                  "--count", n, "--", "/bin/sleep", "0.2")
        self.jobs += n

    def start_factory(self):
        return self.start(self.work / "bin/apf", "run", self.work / "apf.toml")

    def finished(self):
        text = self.call(self.work / "bin/apf-jobqueue", "status", "--data", self.work / "jobqueue", "--json")
        return sum(cell["jobs"].get("finished", 0) for cell in json.loads(text)["cells"])

    def run(self, kills, seed):
        chance = random.Random(seed)
        for _ in range(kills):
            factory = self.start_factory()
            if chance.random() < 0.7:
                time.sleep(chance.uniform(0.0, 0.3))
                self.submit_jobs(chance.randint(1, 3))
            # the submit path's moments lie within the first second or so of new work
            time.sleep(chance.uniform(0.02, 0.9))
            factory.send_signal(signal.SIGKILL)
            factory.wait()
        factory = self.start_factory()
        self.processes.append(factory)
        until(240, "all jobs done", lambda: self.finished() == self.jobs)
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
        print(f"{self.jobs} jobs, {len(set(in_batch_system))} pilots, {len(starts)} starts, {len(failures)} failures")
        return failures

    def stop(self, keep):
        for p in reversed(self.processes):
            p.send_signal(signal.SIGTERM)
        for p in self.processes:
            try:
                p.wait(20)
            except subprocess.TimeoutExpired:
                p.kill()
        if not keep:
            shutil.rmtree(self.work, ignore_errors=True)
        else:
            print(f"what was written stays in {self.work}")


def ask_ledger(path, sql):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def lost_and_doubled(ledger, pilots):
    """Of all (submission, index) that a batch system has or had: those that the ledger does not know, and those that
    were submitted more than once, with their numbers."""
    known = set(ask_ledger(ledger, "SELECT submission, idx FROM pilots"))
    times = collections.Counter(pilots)
    return [p for p in times if p not in known], {p: n for p, n in times.items() if n > 1}


def until(seconds, what, condition):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.2)
    raise TimeoutError(f"{what}: not within {seconds} s")


def main(loop, kills, in_batch_system):
    seed = int(os.environ.get("APF_SEED", time.time_ns() % 1_000_000))
    print(f"{kills} kills, APF_SEED={seed}")
    failures = ["did not end"]
    try:
        loop.start_jobqueue()
        loop.run(kills, seed)
        failures = loop.check(in_batch_system(loop))
    except Exception as e:  # the log says the rest
        failures = [f"{type(e).__name__}: {e}"]
    finally:
        loop.stop(keep=bool(failures))
    for f in failures:
        print("FAILED:", f)
    sys.exit(1 if failures else 0)
