#!/usr/bin/env python3
"""A CRIC server that answers, lies and dies: what `apf queues` then shows. The real program; the server is a
fake one, on a real socket.
"""

import http.server
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import threading
import unittest

BIN = pathlib.Path(os.environ.get("APF_BIN_DIR") or pathlib.Path(__file__).resolve().parents[2] / "build" / "bin")

CONFIG = """version = 1
[factory]
factory_id = "faults"
state_dir = "state"
log_dir = "logs"
listen = "127.0.0.1:0"
[wms.panda]
plugin = "panda"
url = "http://127.0.0.1:9"
[batch.pool]
plugin = "htcondor"
[config.cric]
plugin = "cric"
url = "http://127.0.0.1:{port}/pandaqueue?json"
copy = "copy.json"
[defaults]
wms = "panda"
batch = "pool"
sched = [ {{ use = "ready" }} ]
"""


def table(n):
    ce = {"ce_endpoint": "ce.example.org:9619", "ce_flavour": "HTCONDOR-CE", "ce_state": "ACTIVE", "ce_status": "production"}
    return json.dumps({f"Q{i}": {"panda_resource": f"Q{i}", "state": "ACTIVE", "resource_type": "GRID", "corecount": 8,
                                 "queues": [ce]} for i in range(n)}).encode()


class Server(http.server.ThreadingHTTPServer):
    """Each request is answered by `answer(handler)`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = None
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.answer(self)

    def log_message(self, *_):
        pass

    def say(self, status, body, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)


class CricServer(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="apf-cric.", dir="/var/tmp"))
        self.addCleanup(shutil.rmtree, self.work, True)
        self.server = Server()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        (self.work / "apf.toml").write_text(CONFIG.format(port=self.server.server_port))

    def queues(self):
        """Exit code, names of the queues, what was said beside them."""
        done = subprocess.run([BIN / "apf", "queues", "--config", self.work / "apf.toml"], capture_output=True, text=True, timeout=120)
        return done.returncode, [line.split()[0] for line in done.stdout.splitlines() if line.startswith("Q") and line[1].isdigit()], done.stderr

    def with_good_copy(self):
        self.server.answer = lambda h: h.say(200, table(10))
        code, names, said = self.queues()
        self.assertEqual((code, len(names)), (0, 10), said)

    def test_queues_come_by_url(self):
        self.with_good_copy()
        self.assertEqual(len(json.loads((self.work / "copy.json").read_text())), 10)

    def test_lies_change_nothing(self):
        self.with_good_copy()

        def half_sent(h):
            h.send_response(200)
            h.send_header("Content-Length", "100000")
            h.end_headers()
            h.wfile.write(table(10)[:500])
            h.close_connection = True

        lies = {"an error page": (lambda h: h.say(200, b"<html>maintenance</html>", Content_Type="text/html"), "JSON"),
                "HTTP 500": (lambda h: h.say(500, b"oops"), "HTTP status 500"),
                "an empty table": (lambda h: h.say(200, b"{}"), "cric"),
                "nothing": (lambda h: h.say(200, b""), "cric"),
                "a few of the queues": (lambda h: h.say(200, table(4)), "4 queues where there were 10"),
                "cut off": (lambda h: h.say(200, table(10)[:500]), "JSON"),
                "a connection that breaks": (half_sent, "127.0.0.1")}
        for name, (answer, why) in lies.items():
            with self.subTest(name):
                self.server.answer = answer
                code, names, said = self.queues()
                self.assertEqual((code, len(names)), (0, 10), said)
                self.assertIn(why, said)
                self.assertIn("copy.json", said)

    def test_a_server_that_is_gone_changes_nothing(self):
        self.with_good_copy()
        self.server.shutdown()
        self.server.server_close()
        code, names, said = self.queues()
        self.assertEqual((code, len(names)), (0, 10), said)

    def test_without_a_copy_it_says_what_to_do(self):
        self.server.answer = lambda h: h.say(503, b"")
        code, _, said = self.queues()
        self.assertNotEqual(code, 0)
        self.assertIn("HTTP status 503", said)


if __name__ == "__main__":
    unittest.main()
