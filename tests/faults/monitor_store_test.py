#!/usr/bin/env python3
"""A monitor whose SQLite can't be written: another program holds it, then its disk is full. Callers get 503 with Retry-After,
/healthz says what is wrong, pages are answered, and it comes back by itself with all that was answered.

The disk is a small one in a mount namespace of its own; where that is not allowed, only the lock is tried.
"""
import http.client
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

PROGRAM = pathlib.Path(os.environ["APF_BIN_DIR"]).resolve() / "apf-monitor"
PATIENCE = 120
INSIDE = "APF_SMALL_DISK"


def until(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"never came true: {what}")
        time.sleep(0.05)


class Monitor:
    def __init__(self, data):
        self.process = subprocess.Popen([PROGRAM, "run", "--data", data, "--listen", "127.0.0.1:0"])
        until("the monitor is there", lambda: (data / "address").exists() or self.process.poll() is not None)
        self.port = int((data / "address").read_text().rsplit(":", 1)[1])
        self.stored = 0

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, json.dumps(body) if body else None)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        return reply, json.loads(text)

    def tell(self):
        """A hundred new pilots with long words. True: they were taken."""
        pilots = [{"id": f"{self.stored // 100 + 1}.{i}", "label": "L", "state": "fault", "text": "x" * 250}
                  for i in range(100)]
        reply, body = self.ask("POST", "/api/v1/news", {"factory": "F", "pilots": pilots})
        if reply.status == 503 and reply.getheader("Retry-After"):
            return False
        if reply.status != 200:
            sys.exit(f"an odd answer: {reply.status} {body}")
        self.stored += 100
        return True

    def expect_trouble(self, code):
        def said():
            taken, (reply, body) = self.tell(), self.ask("GET", "/healthz")
            return not taken and reply.status == 503 and body["error"]["code"] == code

        until(f"news are refused, and /healthz says {code}", said)
        if self.ask("GET", "/api/v1/pilots?factory=F&limit=5")[0].status != 200:
            sys.exit("pages are not answered")

    def expect_all_well(self):
        until("news are taken again", self.tell)
        until("/healthz is content", lambda: self.ask("GET", "/healthz")[0].status == 200)
        until("all is there", lambda: self.ask("GET", "/healthz")[1].get("pilots") == self.stored)

    def end(self):
        self.process.terminate()
        if self.process.wait(PATIENCE) != 0:
            sys.exit("apf-monitor did not end well")


def main():
    small = os.environ.get(INSIDE)
    with tempfile.TemporaryDirectory() as work:
        data = pathlib.Path(small or work) / "data"
        monitor = Monitor(data)
        monitor.expect_all_well()
        other = sqlite3.connect(data / "monitor.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        monitor.expect_trouble("store.busy")
        other.execute("ROLLBACK")
        other.close()
        monitor.expect_all_well()
        if small:
            fill = data.parent / "fill"
            with open(fill, "wb", buffering=0) as f:
                try:
                    while True:
                        f.write(b"x" * 65536)
                except OSError:
                    pass
            monitor.expect_trouble("store.full")
            fill.unlink()
            monitor.expect_all_well()
        monitor.end()
        monitor = Monitor(data)  # and all of it is there after a start
        stored = monitor.ask("GET", "/healthz")[1]["pilots"]
        monitor.end()
        print(f"{stored} pilots, none lost; {'lock and full disk' if small else 'lock only: no mount namespace here'}")


if __name__ == "__main__":
    if INSIDE not in os.environ and subprocess.run(["unshare", "--mount", "true"], stderr=subprocess.DEVNULL).returncode == 0:
        with tempfile.TemporaryDirectory() as disk:
            script = f'mount -t tmpfs -o size=16m small "{disk}" && {INSIDE}="{disk}" "{os.path.abspath(__file__)}"'
            sys.exit(subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script]).returncode)
    main()
