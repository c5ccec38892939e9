"""What the scripts bench/*_measure share: processes and their CPU, a directory with a factory and a job queue in it."""
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = ROOT / "build/bin"
TICK = os.sysconf("SC_CLK_TCK")


def give(name, value):
    print(json.dumps({"id": name, "value": value}), flush=True)


def percentile(values, percent):
    """The value that so many percent of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def stat_times(pid):
    """User and system seconds of a process, then those of its children that have ended."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return [int(f) / TICK for f in fields[11:15]]


def cpu(pid):
    return sum(stat_times(pid)[:2])


def tree_cpu(pid):
    """CPU of a live process and of its children that have ended."""
    return sum(stat_times(pid))


def children_cpu():
    """CPU of the processes that this one started and waited for, so far."""
    times = os.times()
    return times.children_user + times.children_system


def status(pid, key):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1])
    raise KeyError(key)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("apf", timeout=30)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(30)
        self.sock.connect(self.path)


def ask(sock, path="/api/v1/status"):
    connection = UnixConnection(sock)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        body = reply.read()
        return json.loads(body) if reply.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def until(seconds, condition, what, every=0.005):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        got = condition()
        if got:
            return got
        time.sleep(every)
    raise TimeoutError(what)


class Site:
    """A state directory, a job queue, and the programs that run on them."""

    def __init__(self, prefix=(), owner=None):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="apf-bench.", dir="/var/tmp"))
        self.work.chmod(0o755)
        self.prefix, self.owner, self.processes = list(prefix), owner, []
        self.sock = self.work / "state/apf.sock"
        (self.work / "bin").mkdir()
        for name in ("apf", "apf-jobqueue", "apf-wrapper", "apf-keeper", "apf-bootstrap.sh"):
            shutil.copy(BIN / name, self.work / "bin" / name)
        self.give_away()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def give_away(self):
        if self.owner:
            subprocess.run(["chown", "-R", self.owner, str(self.work)], check=True)

    def start(self, *argv, **environment):
        with open(self.work / "log", "ab") as log:
            p = subprocess.Popen([*self.prefix, *map(str, argv)], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                 env=os.environ | environment)
        self.processes.append(p)
        return p

    def jobqueue(self):
        data = self.work / "jobqueue"
        self.start(self.work / "bin/apf-jobqueue", "run", "--data", data, "--listen", "127.0.0.1:0")
        until(20, lambda: (data / "address").exists() and (data / "address").read_text().strip(), "job queue")
        self.url = (data / "address").read_text().strip()
        self.url = self.url if self.url.startswith("http") else "http://" + self.url

    def call(self, *argv):
        return subprocess.run([*self.prefix, *map(str, argv)], check=True, capture_output=True, text=True).stdout

    def jobs(self, queue, count):
        self.call(self.work / "bin/apf-jobqueue", "submit", "--data", self.work / "jobqueue", "--queue", queue,
                  "--count", count, "--", "/bin/true")

    def jobs_for(self, queues, each):
        with open(self.work / "jobs.jsonl", "w") as f:
            for queue in queues:
                f.write((json.dumps({"computingSite": queue, "transformation": "/bin/true"}) + "\n") * each)
        self.call(self.work / "bin/apf-jobqueue", "submit", "--data", self.work / "jobqueue", "--from",
                  self.work / "jobs.jsonl")

    def factory(self, **environment):
        """The factory and the seconds until it answered."""
        began = time.monotonic()
        p = self.start(self.work / "bin/apf", "run", self.work / "apf.toml", **environment)
        until(60, lambda: ask(self.sock), "factory")
        return p, time.monotonic() - began

    def stop(self, process):
        """Seconds that it took."""
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.wait()
        return time.monotonic() - began

    def total(self, key):
        return (ask(self.sock) or {"totals": {key: -1}})["totals"][key]

    def instance(self):
        """The name that marks the pilots of this factory; there once it has run."""
        db = sqlite3.connect(self.work / "state/ledger.db")
        try:
            return db.execute("SELECT value FROM meta WHERE key = 'instance'").fetchone()[0]
        finally:
            db.close()

    def end(self):
        for p in reversed(self.processes):
            if p.poll() is None:
                p.send_signal(signal.SIGTERM)
        for p in self.processes:
            try:
                p.wait(10)
            except subprocess.TimeoutExpired:
                p.kill()
        shutil.rmtree(self.work, ignore_errors=True)
