"""What the tests of this folder share: a directory with the programs, a job queue, and a look into ledgers."""

import collections
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time

BIN = pathlib.Path(os.environ.get("APF_BIN_DIR") or pathlib.Path(__file__).resolve().parents[2] / "build" / "bin")
PROGRAMS = ("apf", "apf-jobqueue", "apf-wrapper.tar.gz", "apf-keeper", "apf-bootstrap.sh")


class Lab:
    """A directory that everybody can read, programs in it, and processes that end with it.

    `prefix` stands before each command; `owner` is the account that it makes of root.
    """

    def __init__(self, name, prefix=(), owner=None):
        self.prefix = list(prefix)
        self.owner = owner
        self.work = pathlib.Path(tempfile.mkdtemp(prefix=f"apf-{name}.", dir="/var/tmp"))
        self.work.chmod(0o755)
        (self.work / "bin").mkdir()
        for program in PROGRAMS:
            shutil.copy(BIN / program, self.work / "bin" / program)
        self.processes = []
        self.jobs = 0
        self.give_away()

    def give_away(self):
        if self.owner:
            subprocess.run(["chown", "-R", self.owner, str(self.work)], check=True)

    def start(self, *argv, log=None, env=None):
        with open(log or self.work / (pathlib.Path(argv[0]).name + ".log"), "ab") as out:
            return subprocess.Popen([*self.prefix, *map(str, argv)], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                    env=env)

    def call(self, *argv, check=True):
        done = subprocess.run([*self.prefix, *map(str, argv)], capture_output=True, text=True, timeout=120)
        if check and done.returncode != 0:
            raise RuntimeError(f"{argv}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def start_jobqueue(self):
        """Its URL."""
        data = self.work / "jobqueue"
        self.processes.append(self.start(self.work / "bin/apf-jobqueue", "run", "--data", data, "--listen", "127.0.0.1:0"))
        until(60, "the job queue's address", lambda: (data / "address").exists() and (data / "address").read_text().strip())
        url = (data / "address").read_text().strip()
        return url if url.startswith("http") else "http://" + url

    def submit_jobs(self, queue, n):
        self.call(self.work / "bin/apf-jobqueue", "submit", "--data", self.work / "jobqueue", "--queue", queue,
                  "--count", n, "--", "/bin/sleep", "0.2")
        self.jobs += n

    def finished(self):
        text = self.call(self.work / "bin/apf-jobqueue", "status", "--data", self.work / "jobqueue", "--json")
        return sum(cell["jobs"].get("finished", 0) for cell in json.loads(text)["cells"])

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
