#!/usr/bin/env python3
"""A WMS with faults on order, for what the real apf-jobqueue can't be made to show (lost answers, refusals, hanging).

usage: fake_wms.py SCRIPT LOG   prints its port, then serves until its standard input ends.

SCRIPT is JSON: {"jobs": [job...], "acquire": [fault...], "update": [fault...], "updates": {"STATUS": data...}}.
A fault is used once, in order: "ok", "drop" (the request is taken in, the connection closed without an answer),
"hang" (no answer for an hour), "503", "403", "html", "unknown_argument" (what PanDA says to our extensions).
"always" instead of a list means that fault for every request. LOG gets one JSON line a request.
"date" is the Date header of all answers, instead of the time. Also serves the factory's report endpoint
(POST .../apfmon/jobs/...), with the same faults under "report".
"""
import http.server
import json
import sys
import threading
import time

script = json.load(open(sys.argv[1]))
log = open(sys.argv[2], "a", buffering=1)
lock = threading.Lock()
given = {}  # request id -> job


def fault(kind):
    faults = script.get(kind, [])
    if isinstance(faults, str):
        return faults
    return faults.pop(0) if faults else "ok"


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def date_time_string(self, timestamp=None):
        return script.get("date") or super().date_time_string(timestamp)

    def do_HEAD(self):
        self.reply(405, "")

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def envelope(self, success, message="", data=None):
        self.reply(200, json.dumps({"success": success, "message": message, "data": data}))

    def acquire(self, request):
        known = given.get(request.get("apf_request_id", object()))
        job = known or (script["jobs"].pop(0) if script["jobs"] else None)
        if job is None:
            return lambda: self.envelope(False, "No jobs in PanDA")
        given[request.get("apf_request_id")] = job
        return lambda: self.envelope(True, "", {"StatusCode": 0, "jobs": [job]})

    def update(self, request):
        data = {"StatusCode": 0, "command": "NULL"}
        data.update(script.get("updates", {}).get(request["job_status"], {}))
        return lambda: self.envelope(True, "", data)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        kind = "acquire" if "acquire_jobs" in self.path else "update" if "update_job" in self.path else "report"
        with lock:
            log.write(json.dumps({"kind": kind, "path": self.path, "body": body, "t": time.time(),
                                  "authorization": self.headers.get("Authorization")}) + "\n")
            what = fault(kind)
            if kind == "report":
                answer = lambda: self.reply(200, "")
            elif what == "unknown_argument":
                answer = lambda: self.envelope(False, "Argument error: got an unexpected keyword argument 'apf_x'")
            elif what in ("ok", "drop"):
                answer = getattr(self, kind)(json.loads(body))
        if what == "hang":
            time.sleep(3600)
        elif what == "drop":
            self.close_connection = True
            self.connection.close()
        elif what in ("503", "403"):
            self.reply(int(what), "no")
        elif what == "html":
            self.reply(200, "<html>a proxy's page</html>")
        else:
            answer()


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
