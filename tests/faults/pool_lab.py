"""Factories on a real HTCondor pool, each a small site of its own: some slots, a queue that always has work, and
condor_* tools that can be made to lie (shim/condor_tool). POOL_NAME names the pool.

The truth is what the real condor_q and condor_history say.
"""

import collections
import concurrent.futures
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

from lab import Lab, ask_ledger, lost_and_doubled, until

HERE = pathlib.Path(__file__).resolve().parent
POOL = HERE.parent / "systems" / "htcondor" / "pool"
QUEUE = "SITE"
LYING = ("condor_q", "condor_submit")  # the tools that the shim stands before
IDLE, RUNNING, REMOVED = 1, 2, 3
PATIENCE = 300  # seconds for what has to come; the machine may be slow and busy

Row = collections.namedtuple("Row", "cluster proc status factory submission queued started")
COLUMNS = ("ClusterId", "ProcId", "JobStatus", "APF_FACTORY_ID", "APF_SUBMISSION", "QDate", "JobStartDate")


def pool_owner():
    return os.environ.get("POOL_USER", "condorpool") if os.geteuid() == 0 else None


class Pool:
    """The real tools of the pool."""

    def __init__(self):
        shell = subprocess.run([POOL, "env"], check=True, capture_output=True, text=True).stdout
        names = dict(re.findall(r"^export (\w+)=(.*)$", shell, re.M))
        self.directory = pathlib.Path(names["APF_POOL_DIR"])
        self.bin = self.directory / "bin"
        if not self.bin.is_dir():
            sys.exit(f"no pool in {self.directory}: '{POOL} up', and POOL_NAME as there")
        self.environment = {**os.environ, "CONDOR_CONFIG": names["CONDOR_CONFIG"],
                            "PATH": names["PATH"].replace("$PATH", os.environ["PATH"])}

    def ask(self, tool, *argv, check=True):
        done = subprocess.run([self.bin / tool, *map(str, argv)], env=self.environment, capture_output=True, text=True,
                              timeout=PATIENCE)
        if check and done.returncode != 0:
            raise RuntimeError(f"{tool} {argv}: exit {done.returncode}: {done.stderr}")
        return done.stdout

    def rows(self, tool, schedd, prefix):
        """Pilots of the factories whose id begins with the prefix."""
        everybody = ["-allusers"] if tool == "condor_q" else []
        text = self.ask(tool, "-name", schedd, *everybody, "-constraint", f'regexp("^{prefix}", APF_FACTORY_ID ?: "")',
                        "-af:t", *COLUMNS)
        found = []
        for line in text.splitlines():
            cluster, proc, status, factory, submission, *times = line.split("\t")
            found.append(Row(int(cluster), int(proc), int(status), factory, submission,
                             *(int(t) if t.isdigit() else 0 for t in times)))
        return found

    def all_rows(self, schedd, prefix):
        """Also those that have left; each once."""
        rows = {}
        for tool in ("condor_q", "condor_history"):
            for row in self.rows(tool, schedd, prefix):
                rows[row.cluster, row.proc] = row
        return list(rows.values())

    def schedd_pid(self, schedd):
        """Of a child of this pool's own master."""
        master = (self.directory / "run/master.pid").read_text().strip()
        local = schedd.split("@")[0]
        for pid in pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split():
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if not words[0].endswith(b"condor_schedd"):
                continue
            name = words[words.index(b"-local-name") + 1].decode() if b"-local-name" in words else "schedd1"
            if name == local:
                return int(pid)
        return None

    def answers(self, schedd):
        done = subprocess.run([self.bin / "condor_q", "-name", schedd, "-totals"], env=self.environment, timeout=PATIENCE,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return done.returncode == 0


class Truth:
    """What the schedds really have, looked at again and again for everybody who waits for something. A schedd that does not
    answer keeps nobody from seeing the others."""

    Look = collections.namedtuple("Look", "number factories")  # pilots of each factory; None: the schedd did not answer

    def __init__(self, pool, schedds, prefix):
        self.pool, self.schedds, self.prefix = pool, schedds, prefix
        self.lock = threading.Lock()
        self.looks = {schedd: self.Look(0, {}) for schedd in schedds}
        self.most_waiting = collections.Counter()  # at one look, by factory
        self.ends = False
        self.threads = [threading.Thread(target=self.watch, args=(schedd,)) for schedd in schedds]
        for thread in self.threads:
            thread.start()

    def watch(self, schedd):
        while not self.ends:
            try:
                seen = collections.defaultdict(list)
                for row in self.pool.rows("condor_q", schedd, self.prefix):
                    seen[row.factory].append(row)
            except (RuntimeError, subprocess.TimeoutExpired):  # it is down: nothing is known
                seen = None
            with self.lock:
                self.looks[schedd] = self.Look(self.looks[schedd].number + 1, seen)
                for factory, rows in (seen or {}).items():
                    waiting = sum(r.status == IDLE and not r.started for r in rows)
                    self.most_waiting[factory] = max(self.most_waiting[factory], waiting)
            time.sleep(0.3)

    def look(self, site):
        """The number of the newest look at its schedd, and its pilots; None when the schedd did not answer."""
        with self.lock:
            number, seen = self.looks[site.schedd]
            return number, None if seen is None else seen.get(site.id, [])

    def stop(self):
        self.ends = True
        for thread in self.threads:
            thread.join()


CONFIG = """version = 1
[factory]
factory_id = "{id}"
state_dir = "state"
log_dir = "logs"
listen = "127.0.0.1:0"
[wms.jobs]
plugin = "panda"
url = "{url}"
token_file = "{token}"
interval = "2s"
pickup = "1s"
[batch.pool]
plugin = "htcondor"
tools = "{tools}"
schedd = "{schedd}"
event_log = "{event_log}"
interval = "2s"
reconcile = "2s"
timeout = "{timeout}"
max_age = "{max_age}"
settle_wait = "2s"
[queue.{queue}]
wms = "jobs"
batch = "pool"
sched = [ {{ use = "ready" }}, {{ use = "maxpercycle", maximum = {cap} }}, {{ use = "maxpending", maximum = {waiting} }} ]
trial = 10000
min_pilot_time = "1s"
executable = "{pilot}"
arguments = [ "{seconds}", "{frozen}" ]
submit = {{ job_log = false, requirements = "{requirements}" }}
"""


class Site:
    """A factory, and the slots of its own. Times in seconds."""

    def __init__(self, lab, name, schedd, events=True, slots=1, seconds=5, waiting=24, cap=None, timeout=10, max_age=12,
                 at_least=None):
        self.lab, self.name, self.schedd, self.events = lab, name, schedd, events
        self.id = f"{lab.prefix_of_ids}-{re.sub('[^a-z0-9]+', '-', name.lower())}"
        self.slots, self.waiting, self.cap = slots, waiting, cap or waiting
        self.at_least = at_least or slots  # slots in use when it is called full
        self.work = lab.work / self.id
        self.tools = self.work / "tools"
        self.tools.mkdir(parents=True)
        for tool in lab.pool.bin.glob("condor_*"):
            if tool.name in LYING:
                shutil.copy(HERE / "shim" / "condor_tool", self.tools / tool.name)
            else:
                (self.tools / tool.name).symlink_to(tool)
        mine = lab.take_slots(slots)
        self.frozen = self.work / "frozen"  # while it is there, pilots that run do not end
        self.config = CONFIG.format(
            id=self.id, url=lab.url, token=lab.work / "jobqueue/tokens/read.token", tools=self.tools, schedd=schedd,
            event_log="auto" if events else "none", timeout=f"{timeout}s", max_age=f"{max_age}s", queue=QUEUE,
            cap=self.cap, waiting=waiting, pilot=lab.pilot, seconds=seconds, frozen=self.frozen,
            requirements=" || ".join(f"SlotID == {n}" for n in mine) or "false")
        (self.work / "apf.toml").write_text(self.config)
        self.log = self.work / "factory.log"
        self.daemon = None
        self.environment = {}

    # ---- the factory ----
    def start(self):
        self.daemon = self.lab.start(self.lab.work / "bin/apf", "run", self.work / "apf.toml", log=self.log,
                                     env={**os.environ, **self.environment})

    def stop(self, how=signal.SIGTERM):
        if self.daemon is not None:
            self.daemon.send_signal(how)
            self.daemon.wait(60)
            self.daemon = None

    def ask(self, *words, check=True):
        """What an operator's command says."""
        return self.lab.call(self.lab.work / "bin/apf", *words, "--config", self.work / "apf.toml", check=check)

    def get(self, path):
        """An answer of the factory's HTTP interface; None while it does not answer."""
        connection = http.client.HTTPConnection("localhost", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        try:
            connection.sock.connect(str(self.work / "state/apf.sock"))
            connection.request("GET", path)
            answer = connection.getresponse()
            return json.loads(answer.read()) if answer.status == 200 else None
        except OSError:
            return None
        finally:
            connection.close()

    def alarms(self):
        """Those about its batch system or queue: code -> text."""
        status = self.get("/api/v1/status") or {"alarms": []}
        return {a["code"]: a["text"] for a in status["alarms"] if not a["subject"].startswith("wms:")}

    def raised(self):
        """How many alarms about its batch system were raised so far."""
        return len(re.findall(r"raised batch\.", self.log.read_text()))

    def status_says(self, words):
        """An alarm with these words (a pattern), in what an operator reads."""
        return re.search(words, " ".join(self.alarms().values())) and re.search(words, self.ask("status", check=False))

    def explain_says(self, words):
        return re.search(words, self.ask("explain", QUEUE, check=False)) is not None

    # ---- the lies ----
    def tell(self, lie, tool="condor_q"):
        file = self.tools / f"{tool}.mode"
        file.with_suffix(".new").write_text(lie + "\n")
        file.with_suffix(".new").rename(file)

    def lies(self, tool="condor_q"):
        file = self.tools / f"{tool}.lies"
        return len(file.read_text().splitlines()) if file.exists() else 0

    # ---- what is true ----
    def pilots(self, status=None):
        """In the real queue; None when that is not known."""
        _, rows = self.lab.truth.look(self)
        return rows if rows is None or status is None else [r for r in rows if r.status == status]

    def wait(self, what, condition, seconds=PATIENCE):
        try:
            until(seconds, f"{self.name}: {what}", condition)
        except TimeoutError as e:
            state = f"{len(self.pilots() or [])} pilots in the queue, alarms {self.alarms()}"
            raise TimeoutError(f"{e}; {state}; {self.log}") from None

    def full(self):
        running, idle = self.pilots(RUNNING), self.pilots(IDLE)
        return running is not None and len(running) >= self.at_least and len(idle) == self.waiting

    def wait_until_full(self):
        self.frozen.touch()
        self.wait("a full site", self.full)
        self.frozen.unlink()

    def agrees(self, rows):
        """The ledger's live pilots are these of condor_q, none is missing, and their states count the same."""
        status, queues = self.get("/api/v1/status"), self.get("/api/v1/queues")
        if status is None or queues is None or rows is None:
            return False
        live = [r for r in rows if r.status in (IDLE, RUNNING)]
        counts = queues["queues"][0]["pilots"]
        known = ask_ledger(self.work / "state/ledger.db", "SELECT batch_id FROM pilots WHERE closed = 0")
        return (not status["totals"]["missing"] and not status["totals"]["open_submissions"]
                and {row[0] for row in known} == {f"{r.cluster}.{r.proc}" for r in live}
                and counts["running"] == sum(r.status == RUNNING for r in live)
                and counts["pending"] == sum(r.status == IDLE for r in live))

    def view_is_of(self):
        """When the newest trusted view was true, as the factory says."""
        status = self.get("/api/v1/status") or {"sources": []}
        return next((s["view_as_of"] for s in status["sources"] if s["kind"] == "batch"), None)

    def wait_until_it_agrees(self, polls=None):
        """With polls: at most so many since the queue changed last."""
        self.frozen.touch()
        before, looked, suspected, views = None, 0, None, set()

        def agrees():
            nonlocal before, looked, suspected, views
            look, rows = self.lab.truth.look(self)
            now = None if rows is None else {(r.cluster, r.proc, r.status) for r in rows}
            if now is None or now != before:
                before, suspected, views = now, None, set()
            elif look != looked and suspected is not None:
                views.add(suspected)  # the queue was the same before and after: the factory did not know it
            if look != looked:
                looked, suspected = look, self.view_is_of()
                if self.agrees(rows):
                    return True
            # one view was there before, one may have been asked before the change
            if polls is not None and len(views) > polls + 2:
                raise AssertionError(f"{self.name}: {len(views) - 2} polls after the last change the counts are not those "
                                     f"of condor_q; {self.log}")
            return False

        self.wait("the counts of condor_q", agrees)
        self.frozen.unlink()

    def history(self):
        return [r for r in self.lab.pool.all_rows(self.schedd, self.id + "$")]

    def excess(self):
        """Pilots that waited beyond what may wait, at one time: as condor_q said, whatever the clocks did. One that started is
        not run again and does not wait."""
        return max(0, self.lab.truth.most_waiting[self.id] - self.waiting)

    def check(self):
        """What has become of its pilots: lost and doubled. Those that were submitted a moment ago come into the ledger with the
        answer of condor_submit; what is lost stays so."""
        pilots = [(r.submission, r.proc) for r in self.history()]
        for _ in range(150):
            lost, doubled = lost_and_doubled(self.work / "state/ledger.db", pilots)
            if not lost:
                break
            time.sleep(0.2)
        return len(lost), len(doubled)


PILOT = """#!/bin/sh
echo "$APF_SUBMISSION $APF_INDEX" >> "{started}"
/bin/sleep "$1"
while [ -e "$2" ]; do /bin/sleep 0.2; done
"""


class PoolLab(Lab):
    """Sites on a pool, and one job queue that has work for all of them."""

    def __init__(self, schedds, first_slot):
        super().__init__("faults", [str(POOL), "exec"], pool_owner())
        self.pool = Pool()
        self.prefix_of_ids = f"faults-{os.getpid()}"
        self.sites, self.next_slot = [], first_slot
        self.pilot = self.work / "pilot.sh"
        self.pilot.write_text(PILOT.format(started=self.work / "started"))
        self.pilot.chmod(0o755)
        (self.work / "started").touch()
        self.give_away()
        self.truth = Truth(self.pool, schedds, self.prefix_of_ids + "-")
        try:
            self.url = self.start_jobqueue()
            self.submit_jobs(QUEUE, 1000)
        except BaseException:
            self.close(keep=True)
            raise

    def take_slots(self, n):
        self.next_slot += n
        return range(self.next_slot - n, self.next_slot)

    def site(self, name, schedd, **options):
        self.sites.append(Site(self, name, schedd, **options))
        return self.sites[-1]

    def close(self, keep):
        for site in self.sites:
            site.stop(signal.SIGKILL)
        for schedd in self.truth.schedds:
            self.pool.ask("condor_rm", "-name", schedd, "-constraint",
                          f'regexp("^{self.prefix_of_ids}-", APF_FACTORY_ID ?: "")', check=False)
        try:  # shadows write logs until the end
            until(PATIENCE, "an empty queue", lambda: not any(site.pilots() for site in self.sites))
        except TimeoutError as e:
            print(e)
        self.truth.stop()
        self.stop(keep)


def main(schedds, first_slot, make_cases, at_the_end=lambda cases: []):
    """make_cases(lab): functions without arguments that raise when something is wrong; all run side by side.
    first_slot: tests that run side by side have different ones. at_the_end(cases): what else is wrong, when all went
    well."""
    begun = time.monotonic()
    lab = PoolLab(schedds, first_slot)
    failures = ["did not end"]
    try:
        cases = make_cases(lab)
        lab.give_away()
        with concurrent.futures.ThreadPoolExecutor(len(cases)) as pool:
            running = [pool.submit(case) for case in cases]
            failures = [f"{type(e).__name__}: {e}" for e in (r.exception() for r in running) if e is not None]
        failures = failures or at_the_end(cases)
    finally:
        lab.close(keep=bool(failures))
    for failure in failures:
        print("FAILED:", failure)
    print(f"{len(cases)} cases in {time.monotonic() - begun:.0f} s, {len(failures)} failures")
    sys.exit(1 if failures else 0)
