#!/usr/bin/env python3
"""kill -9 of apf-monitor while news come in: whatever was answered is there after the next start, and its figures agree.

Half of the clients tell one pilot a call in APFMon's form, half a hundred in bulk.
"""
import http.client
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = pathlib.Path(os.environ["APF_BIN_DIR"]) / "apf-monitor"
ROUNDS, CLIENTS, PATIENCE = 4, 4, 120


class Monitor:
    def __init__(self, data):
        self.address = data / "address"
        self.address.unlink(missing_ok=True)  # that of the one that was killed
        self.process = subprocess.Popen([PROGRAM, "run", "--data", data, "--listen", "127.0.0.1:0"])
        end = time.monotonic() + PATIENCE
        while not self.address.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                sys.exit("apf-monitor does not start")
            time.sleep(0.01)
        self.port = int(self.address.read_text().rsplit(":", 1)[1])

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)


def ask(connection, method, path, body=None):
    connection.request(method, path, body)
    reply = connection.getresponse()
    return reply.status, reply.read()


class Told(list):
    """Pilots that were answered, by one client."""

    refused = None


def tell(monitor, number, bulk, first, told):
    """Tells pilots until the monitor goes; `told` gets those that were answered."""
    factory = f"factory-{number}"
    try:
        connection = monitor.connect()
        for cluster in range(first, first + 10**6):
            ids = [f"{cluster}.{proc}" for proc in range(100 if bulk else 1)]
            if bulk:
                pilots = [{"id": i, "label": "L", "state": "running"} for i in ids]
                status, _ = ask(connection, "POST", "/api/v1/news", json.dumps({"factory": factory, "pilots": pilots}))
            else:
                status, _ = ask(connection, "POST", f"/api/jobs/{factory}:{ids[0]}", "state=running")
            if status != 200:
                told.refused = status
                return
            told.extend((factory, i) for i in ids)
    except (OSError, http.client.HTTPException):
        pass


def check(monitor, told):
    connection = monitor.connect()
    for factory, i in told:
        status, body = ask(connection, "GET", f"/api/jobs/{factory}:{i}")
        if status != 200 or json.loads(body)["state"] != "running":
            sys.exit(f"{factory}:{i} was answered and is lost: {status} {body}")


def main():
    with tempfile.TemporaryDirectory() as work:
        data = pathlib.Path(work) / "data"
        everything = 0
        for turn in range(ROUNDS):
            monitor = Monitor(data)
            told = [Told() for _ in range(CLIENTS)]
            threads = [threading.Thread(target=tell, args=(monitor, n, n % 2 == 0, 1 + turn * 10**6, told[n]))
                       for n in range(CLIENTS)]
            for t in threads:
                t.start()
            end = time.monotonic() + PATIENCE
            while not all(told) and time.monotonic() < end:  # each has been answered at least once
                time.sleep(0.01)
            time.sleep(random.uniform(0, 0.3))
            monitor.process.send_signal(signal.SIGKILL)
            monitor.process.wait()
            for t in threads:
                t.join()
            if not all(told) or any(some.refused for some in told):
                sys.exit(f"not answered, or refused: {[(len(some), some.refused) for some in told]}")
            monitor = Monitor(data)
            sample = [one for some in told for one in random.sample(some, min(200, len(some))) + some[-1:]]
            check(monitor, sample)
            everything += sum(map(len, told))
            _, body = ask(monitor.connect(), "GET", "/healthz")
            stored = json.loads(body)["pilots"]
            if stored < everything:
                sys.exit(f"{everything} pilots were answered, {stored} are stored")
            everything = stored  # calls that had no answer any more may have been stored
            monitor.process.terminate()
            if monitor.process.wait(PATIENCE) != 0:
                sys.exit("apf-monitor did not end well")
        print(f"{everything} pilots, none lost")


if __name__ == "__main__":
    main()
