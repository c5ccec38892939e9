#!/usr/bin/env python3
"""A monitor whose PostgreSQL goes away: backends are terminated while news come in, the server is killed and started, it is
stopped in the middle (SIGSTOP). Whatever was answered is stored, /healthz says what is wrong, callers get 503, and writer and
readers come back by themselves.
"""
import http.client
import json
import os
import pathlib
import pwd
import signal
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = pathlib.Path(os.environ["APF_BIN_DIR"]) / "apf-monitor"
PATIENCE = 240


def until(what, condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"never came true: {what}")
        time.sleep(0.05)


class Postgres:
    def __init__(self, work):
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: float(p.parent.name))
        if not found:
            sys.exit("Debian's package postgresql is missing")
        self.programs, self.work = found[-1], work
        self.data = work / "pg"
        self.be = []
        if os.getuid() == 0:  # PostgreSQL does not run as root
            nobody = pwd.getpwnam("nobody")
            os.chown(work, nobody.pw_uid, nobody.pw_gid)
            self.be = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]
        self.run("initdb", "-D", self.data, "-U", "apf", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self.start()

    def run(self, program, *arguments):
        return subprocess.run([*self.be, self.programs / program, *map(str, arguments)], cwd=self.work, check=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True).stdout

    def start(self):
        with open(self.work / "ctl.log", "a", encoding="utf-8") as log:
            subprocess.run([*self.be, self.programs / "pg_ctl", "-D", self.data, "-l", self.data / "log", "-w", "-t", "120",
                            "-o", f"-k {self.work} -c listen_addresses= -c shared_buffers=32MB", "start"],
                           cwd=self.work, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def kill(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def pid(self):
        return int((self.data / "postmaster.pid").read_text().split()[0])

    def processes(self):
        """The server's: the postmaster and its children."""
        postmaster, found = self.pid(), []
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                if int(stat.read_text().rsplit(")", 1)[1].split()[1]) == postmaster:
                    found.append(int(stat.parent.name))
            except (FileNotFoundError, ProcessLookupError):
                pass
        return [postmaster, *found]

    def signal(self, which):
        for pid in self.processes():
            try:
                os.kill(pid, which)
            except ProcessLookupError:
                pass

    def terminate_backends(self):
        return int(self.run("psql", "-h", self.work, "-U", "apf", "-d", "postgres", "-Atc",
                            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'apf' "
                            "AND pid <> pg_backend_pid()"))


class Monitor:
    def __init__(self, work, server):
        config = work / "monitor.toml"
        config.write_text(f'[store]\nserver = "host={server.work} user=apf dbname=postgres"\n')
        data = work / "data"
        self.process = subprocess.Popen([PROGRAM, "run", "--config", config, "--data", data, "--listen", "127.0.0.1:0"])
        until("the monitor is there", lambda: (data / "address").exists() or self.process.poll() is not None)
        self.port = int((data / "address").read_text().rsplit(":", 1)[1])

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        connection.request(method, path, json.dumps(body) if body else None)
        reply = connection.getresponse()
        text = reply.read()
        connection.close()
        return reply, json.loads(text)

    def healthy(self):
        return self.ask("GET", "/healthz")[0].status == 200

    def reads(self):
        return self.ask("GET", "/api/v1/pilots?factory=F&limit=5")[0].status == 200


class Client(threading.Thread):
    """Tells one pilot after the other, and keeps those that were answered with 200."""

    def __init__(self, monitor, number):
        super().__init__(daemon=True)
        self.monitor, self.number = monitor, number
        self.told, self.refused, self.odd, self.ending = [], 0, [], False

    def run(self):
        for proc in range(10**9):
            if self.ending:
                return
            pilot = f"{self.number}.{proc}"
            reply, body = self.monitor.ask("POST", "/api/v1/news", {"factory": "F", "pilots": [
                {"id": pilot, "label": "L", "state": "running"}]})
            if reply.status == 200:
                self.told.append(pilot)
            elif reply.status == 503 and reply.getheader("Retry-After"):
                self.refused += 1
                time.sleep(0.05)
            else:
                self.odd.append((reply.status, body))
                return


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        work.chmod(0o755)
        (work / "server").mkdir()
        server = Postgres(work / "server")
        monitor = Monitor(work, server)
        clients = [Client(monitor, n) for n in range(1, 4)]
        for client in clients:
            client.start()
        try:
            survive(server, monitor, clients)
        finally:
            server.signal(signal.SIGCONT)
            monitor.process.terminate()
            ended = monitor.process.wait(PATIENCE)
            server.kill()
        if ended != 0:
            sys.exit("apf-monitor did not end well")


def survive(server, monitor, clients):
    def goes_on(what):
        before = [len(c.told) for c in clients]
        until(f"news are taken after {what}", lambda: all(
            c.odd or len(c.told) > b + 3 for c, b in zip(clients, before)))
        until(f"pages are answered after {what}", monitor.reads)
        until(f"/healthz is content after {what}", monitor.healthy)

    goes_on("the start")
    for _ in range(5):
        if server.terminate_backends() < 1:
            sys.exit("there was no connection to terminate")
        goes_on("a backend was terminated")
    server.kill()
    until("/healthz says that the server is gone", lambda: not monitor.healthy())
    _, said = monitor.ask("GET", "/healthz")
    if said["error"]["code"] != "db.unreachable":
        sys.exit(f"/healthz: {said}")
    until("callers are told to come again", lambda: all(c.refused or c.odd for c in clients))
    server.start()
    goes_on("the server was killed")
    server.signal(signal.SIGSTOP)
    until("/healthz says that the server hangs", lambda: not monitor.healthy())
    server.signal(signal.SIGCONT)
    goes_on("the server hung")
    for client in clients:
        client.ending = True
    for client in clients:
        client.join(PATIENCE)
        if client.odd:
            sys.exit(f"an odd answer: {client.odd}")
    everything = [pilot for client in clients for pilot in client.told]
    for pilot in everything:
        reply, body = monitor.ask("GET", f"/api/v1/pilot?factory=F&id={pilot}")
        if reply.status != 200 or body["state"] != "running":
            sys.exit(f"{pilot} was answered and is lost: {reply.status} {body}")
    print(f"{len(everything)} pilots, none lost; {sum(c.refused for c in clients)} calls were told to come again")


if __name__ == "__main__":
    main()
