#!/usr/bin/env python3
"""A monitor that hangs, is dead and comes back: the factory's pilots do all the work meanwhile, and the monitor hears of it
afterwards. Real factory, job queue and pilots; the server is a fake one on a real socket.
"""

import collections
import http.server
import json
import sys
import threading
import urllib.parse

from lab import Lab, until
from monitored_site import QUEUE, start_factory

JOBS = 12


class Monitor(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.go_on = threading.Event()
        self.held = 0
        self.factories, self.labels, self.states = {}, {}, collections.defaultdict(list)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        monitor = self.server
        if not monitor.go_on.is_set():
            monitor.held += 1
            monitor.go_on.wait(300)
            return  # the factory has given this one up long ago
        path = urllib.parse.unquote(self.path).removeprefix("/api/")
        if self.command == "POST":
            form = dict(urllib.parse.parse_qsl(body.decode()))
            if path.startswith("jobs/"):
                monitor.states[path.removeprefix("jobs/")].append(form["state"])
            else:
                monitor.labels[path.removeprefix("labels/")] = form["status"]
        elif path.startswith("factories/"):
            monitor.factories[path.removeprefix("factories/")] = json.loads(body)
        elif path == "jobs":
            for job in json.loads(body):
                monitor.states[f"{job['factory']}:{job['cid']}"].append("created")
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT

    def log_message(self, *_):
        pass


def main():
    lab, monitor = Lab("monitor"), Monitor()
    port = monitor.server_port
    try:
        url = lab.start_jobqueue()
        lab.submit_jobs(QUEUE, JOBS)
        start_factory(lab, "watched", url, f"http://127.0.0.1:{port}", 'interval = "1s"')

        until(120, "a call that hangs", lambda: monitor.held > 0)
        until(240, "all jobs done while the monitor hangs", lambda: lab.finished() == lab.jobs)
        monitor.shutdown()
        monitor.server_close()
        lab.submit_jobs(QUEUE, JOBS)
        until(240, "all jobs done while the monitor is dead", lambda: lab.finished() == lab.jobs)
        monitor.go_on.set()

        back = monitor = Monitor(port)
        back.go_on.set()
        until(120, "news of the factory", lambda: back.factories.get("watched", {}).get("version"))
        until(120, "a decision", lambda: "MaxPending" in back.labels.get(f"watched:{QUEUE}", ""))
        until(120, "the end of each pilot", lambda: back.states and all(
            states[0] == "created" and states[-1] in ("done", "fault") for states in list(back.states.values())))
        print(f"{lab.jobs} jobs, {len(back.states)} pilots")
        lab.stop(keep=False)
    except BaseException:
        lab.stop(keep=True)
        raise
    finally:
        monitor.go_on.set()
        monitor.server_close()


if __name__ == "__main__":
    sys.exit(main())
