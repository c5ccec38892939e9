"""A schedd larger than this machine carries, as far as the factory sees one: tools that answer from files, and an event
log that is written as HTCondor 23.9 writes it. Its tools are shell scripts of a few lines, so nothing of HTCondor's own
cost is in what is measured with it.
"""
import datetime
import json
import os
import pathlib
import random
import re
import threading
import time

from measuring import until

Q_SHIM = '#!/bin/sh\ncase "$*" in *-totals*) exit 1 ;; esac\necho >>"{0}/polls"\nexec cat "{0}/condor_q.txt"\n'
SUBMIT_SHIM = '#!/bin/sh\nfor last; do :; done\necho "$last" >"{0}/asked"\nread -r answer <"{0}/answer"\necho "$answer"\n'
IN_DESCRIPTION = {"submission": r'^\+APF_SUBMISSION = "(.*)"', "queue": r'^\+MATCH_APF_QUEUE = "(.*)"',
                  "run": r"^\+APF_RUN = (\d+)", "n": r"^queue (\d+)"}
SCHEDD = "<127.0.0.1:9618?addrs=127.0.0.1-9618&alias=schedd.site.example.org&noUDP&sock=schedd_8984_0dc5>"
NOW = int(time.time())


class Pilot:
    __slots__ = ("cluster", "proc", "submission", "queue", "run", "started")

    def __init__(self, cluster, proc, submission, queue, run, started):
        self.cluster, self.proc, self.submission, self.queue, self.run = cluster, proc, submission, queue, run
        self.started = started  # 0: it waits

    def host(self):
        return f"slot1_{self.proc}@worker{(self.cluster * 100 + self.proc) % 5000}.site.example.org"


class CannedSchedd:
    """Holds `pilots` of `queues` in equal parts, submitted a hundred at a time; every `idle_every`th waits (0: none)."""

    def __init__(self, directory, queues, pilots, idle_every=0):
        self.directory = pathlib.Path(directory)
        self.log = self.directory / "EventLog"
        self.instance = ""
        self.on_submit = lambda queue, n: None
        self.idle = []  # of pilots submitted here
        self.live = [Pilot(1000 + i // 100, i % 100, f"s-{1000 + i // 100}-abcdef", queues[i // 100 % len(queues)], 1,
                           0 if idle_every and i % idle_every else NOW - 7200) for i in range(pilots)]
        self.cluster = 1000 + pilots // 100
        self.lock = threading.Lock()
        self.directory.mkdir()
        for name, text in {"condor_q": Q_SHIM, "condor_submit": SUBMIT_SHIM, "condor_history": "#!/bin/sh\n"}.items():
            (self.directory / name).write_text(text.format(self.directory))
            (self.directory / name).chmod(0o755)
        (self.directory / "condor_q.txt").write_text("")
        for fifo in ("asked", "answer"):
            os.mkfifo(self.directory / fifo)
        self.write_fd = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self._event({"MyType": "GenericEvent", "Info": "Global JobLog: " + " " * 200, "EventTypeNumber": 8})
        threading.Thread(target=self._submissions, daemon=True).start()

    def show(self, instance):
        """From now on condor_q shows the pilots as they are, and as those of this instance of the factory."""
        self.instance = instance
        with self.lock, open(self.directory / "condor_q.new", "w") as f:
            for p in self.live + self.idle:
                start, node = (p.started, f'"{p.host()}"') if p.started else ("undefined", "undefined")
                f.write(f"{p.cluster}\t{p.proc}\t{2 if p.started else 1}\t{1 if p.started else 0}\t{NOW - 7300}\t{start}\t"
                        f'{NOW - 7200}\t{p.run}\t{p.proc}\tfalse\t"{p.submission}"\t"{instance}"\t"{p.queue}"\tundefined\t'
                        f"false\tundefined\tundefined\t{node}\tundefined\n")
        os.rename(self.directory / "condor_q.new", self.directory / "condor_q.txt")

    def polls(self):
        """How often condor_q was asked so far."""
        return (self.directory / "polls").stat().st_size

    # What happens to a pilot, as the event log tells it.

    def end(self, pilot):
        usage = "Usr 0 01:12:09, Sys 0 00:01:33"
        self._told(pilot, 5, "JobTerminatedEvent", "ULOG_JOB_TERMINATED", {
            "ToE": {"How": "OF_ITS_OWN_ACCORD", "Who": "itself", "When": int(time.time()), "HowCode": 0, "ExitCode": 0,
                    "ExitBySignal": False},
            "Cpus": 1, "Disk": 1602622, "Memory": 1024, "CpusUsage": 0.98, "DiskUsage": 45, "SentBytes": 2048.0,
            "MemoryUsage": 2, "RequestCpus": 1, "RequestDisk": 45, "ReturnValue": 0, "ReceivedBytes": 512.0,
            "RequestMemory": 1, "RunLocalUsage": usage, "RunRemoteUsage": usage, "TotalSentBytes": 2048.0,
            "TotalLocalUsage": usage, "TimeExecuteUsage": 4400, "TotalRemoteUsage": usage, "TimeSlotBusyUsage": 4401,
            "TerminatedNormally": True, "TotalReceivedBytes": 512.0})

    def execute(self, pilot):
        pilot.started = int(time.time())
        self._told(pilot, 1, "ExecuteEvent", "ULOG_EXECUTE", {
            "SlotName": pilot.host(), "ExecuteHost": SCHEDD,
            "ExecuteProps": {"Cpus": 1, "Disk": 1602622, "Memory": 1024,
                             "CondorScratchDir": "/var/lib/condor/execute/dir_9648"}})

    def grow(self, pilot):
        self._told(pilot, 6, "JobImageSizeEvent", "ULOG_IMAGE_SIZE",
                   {"Size": 2500, "MemoryUsage": 2, "ResidentSetSize": 1404})

    def live_for(self, seconds, rate, on_end):
        """Pilots end and others start: 4 events a life (submitted, executing, its size, terminated), `rate` events a
        second in all, at irregular moments. `on_end` is told the queue of a pilot that is about to end."""
        dice, began, lives = random.Random(1), time.monotonic(), 0
        while time.monotonic() - began < seconds:
            with self.lock:
                at = dice.randrange(len(self.live))
                self.live[at], self.live[-1] = self.live[-1], self.live[at]
                gone = self.live.pop()
                starting = self.idle.pop(0) if self.idle else None
                if starting:
                    self.live.append(starting)
            on_end(gone.queue)
            self.end(gone)
            if starting:
                self.execute(starting)
                self.grow(starting)
            lives += 1
            time.sleep(max(0, began + (lives + dice.random()) * 4 / rate - time.monotonic()))

    def _told(self, pilot, number, kind, trigger, facts):
        """An event, and the information event that follows it."""
        about = {"Cluster": pilot.cluster, "Proc": pilot.proc, "Subproc": 0} | facts
        place = {"RemoteHost": pilot.host(), "JobCurrentStartDate": pilot.started} if pilot.started else {}
        job = {"QDate": NOW - 7300, "APF_RUN": pilot.run, "APF_INDEX": pilot.proc, "APF_RERUN": False,
               "JobStatus": 2 if pilot.started else 1, "APF_INSTANCE": self.instance, "NumJobStarts": int(pilot.started > 0),
               "APF_FACTORY_ID": "bench", "APF_SUBMISSION": pilot.submission, "MATCH_APF_QUEUE": pilot.queue}
        self._event(about | {"MyType": kind, "EventTypeNumber": number})
        self._event(about | job | place | {"MyType": "JobAdInformationEvent", "EventTypeNumber": 28,
                                           "TriggerEventTypeName": trigger, "TriggerEventTypeNumber": number})

    def _event(self, facts):
        at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        os.write(self.write_fd, (json.dumps({"EventTime": at} | facts, indent=2) + "\n").encode())

    def _submissions(self):
        """Answers condor_submit, and tells of it in the log."""
        asked = open(os.open(self.directory / "asked", os.O_RDWR))
        answer = os.open(self.directory / "answer", os.O_RDWR)
        for line in asked:
            text = pathlib.Path(line.strip()).read_text()
            d = {key: re.search(pattern, text, re.M)[1] for key, pattern in IN_DESCRIPTION.items()}
            new = [Pilot(self.cluster, i, d["submission"], d["queue"], int(d["run"]), 0) for i in range(int(d["n"]))]
            self.on_submit(d["queue"], len(new))
            os.write(answer, f"{self.cluster}.0 - {self.cluster}.{len(new) - 1}\n".encode())
            self.cluster += 1
            for pilot in new:
                self._told(pilot, 0, "SubmitEvent", "ULOG_SUBMIT", {"SubmitHost": SCHEDD})
            with self.lock:
                self.idle += new


def adopt(site, queues, pilots, chain, idle_every=0, interval="10 min", jobs=1):
    """A factory with a CannedSchedd: runs it twice, until its ledger holds all the pilots, and stops it."""
    names = [f"QUEUE_NUMBER_{i}" for i in range(queues)]
    schedd = CannedSchedd(site.work / "schedd", names, pilots, idle_every)
    site.jobqueue()
    (site.work / "apf.toml").write_text(f"""version = 1
[factory]
factory_id = "bench"
state_dir = "state"
log_dir = "logs"
listen = ""
[wms.jobs]
plugin = "panda"
url = "{site.url}"
token_file = "jobqueue/tokens/read.token"
interval = "60s"
[batch.pool]
plugin = "htcondor"
tools = "schedd"
event_log = "{schedd.log}"
interval = "{interval}"
reconcile = "{interval}"
max_age = "1h"
[defaults]
wms = "jobs"
batch = "pool"
executable = "/bin/true"
sched = [ {chain} ]
""" + "".join(f"[queue.{name}]\n" for name in names))
    first, _ = site.factory()
    site.stop(first)
    schedd.show(site.instance())
    site.jobs_for(names, jobs)
    adopting, _ = site.factory()
    until(60, lambda: site.total("running") + site.total("pending") == pilots, "adoption")
    time.sleep(3)
    site.stop(adopting)
    return schedd
