#!/usr/bin/env python3
"""What a real pilot3 said, said again to apf-jobqueue: each request must get an answer of the recorded form.

Twice: as it was recorded (compressed JSON, as pilot3 sends it over urllib), and as pilot3 says the same over curl when
that fails (forms, and answers in JSON).
"""
import gzip
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
EXCHANGE = os.path.join(HERE, "../../data/pilot3/exchange.jsonl")
PROGRAM = os.path.join(os.environ.get("APF_BIN_DIR", os.path.join(HERE, "../../../build/bin")), "apf-jobqueue")
PATIENCE = 120


class JobQueue:
    def __init__(self, directory):
        self.data = os.path.join(directory, "data")
        self.log = open(os.path.join(directory, "log"), "w")
        self.process = subprocess.Popen([PROGRAM, "run", "--data", self.data, "--listen", "127.0.0.1:0"], stderr=self.log)
        until = time.monotonic() + PATIENCE
        while not os.path.exists(os.path.join(self.data, "address")):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("apf-jobqueue does not listen: see " + self.log.name)
            time.sleep(0.02)
        self.address = self.word("address")
        self.tokens = {scope: self.word(f"tokens/{scope}.token") for scope in ("pilot", "submit")}

    def word(self, name):
        with open(os.path.join(self.data, name)) as file:
            return file.read().strip()

    def ask(self, method, path, body, headers, scope):
        connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
        connection.request(method, path, body, {**headers, "Authorization": "Bearer " + self.tokens[scope]})
        reply = connection.getresponse()
        text = reply.read().decode()
        connection.close()
        return reply.status, reply.headers["Content-Type"], text

    def order(self, path, order):
        status, _, text = self.ask("POST", path, json.dumps(order), {"Content-Type": "application/json"}, "submit")
        assert status == 200 and json.loads(text)["success"], text

    def stop(self):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.log.close()


def fields(text):
    """A reply as a dict of texts, whether it is a form or JSON."""
    if text.startswith("{"):
        return {key: "None" if value is None else str(value) for key, value in json.loads(text).items()}
    return dict(urllib.parse.parse_qsl(text, keep_blank_values=True))


class Replay(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.server = JobQueue(self.directory.name)
        self.addCleanup(self.server.stop)
        self.attempts = {}  # recorded attemptNr -> that of now: it is the attempt's secret

    def replay(self, as_form):
        asked = 0
        with open(EXCHANGE) as lines:
            for number, line in enumerate(lines, 1):
                step = json.loads(line)
                with self.subTest(line=number, path=step.get("path")):
                    if "submit" in step:
                        self.server.order("/api/v1/job/submit", {"jobs": [step["submit"]]})
                    elif "kill" in step:
                        self.server.order("/api/v1/job/kill", {"job_ids": [step["kill"]]})
                    else:
                        self.request(step, as_form)
                        asked += 1
        self.assertGreater(asked, 30)
        self.check_jobs()

    def request(self, step, as_form):
        body, headers = None, dict(step["headers"])
        if "json" in step:
            said = dict(step["json"])
            if "attemptNr" in said:
                said["attemptNr"] = self.attempts[str(said["attemptNr"])]
            if as_form:
                body = urllib.parse.urlencode(said)
                headers["Content-Type"] = "application/x-www-form-urlencoded"
                headers["Accept"] = "application/json"
            else:
                body = json.dumps(said).encode()
                body = gzip.compress(body) if step["gzip"] else body
        status, kind, text = self.server.ask(step["method"], step["path"], body, headers, "pilot")
        self.assertEqual(status, step["status"], text)
        if "json" not in step:
            self.assertEqual(kind, step["type"])
            if kind == "application/json":
                self.assertEqual(json.loads(text), json.loads(step["reply"]))
            else:
                self.assertEqual(text, step["reply"])
            return
        self.assertEqual(kind, "application/json" if as_form else "text/plain")
        self.compare(fields(step["reply"]), fields(text))

    def compare(self, recorded, got):
        recorded.pop("errorDialog", None)  # words, in JSON only
        got.pop("errorDialog", None)
        self.assertEqual(sorted(recorded), sorted(got))
        for key, value in recorded.items():
            if key == "attemptNr":
                self.attempts[value] = int(got[key])
                self.assertEqual(int(got[key]) % 10000, int(value) % 10000)
            elif key == "transformation":
                self.assertEqual(got[key], "http://" + self.server.address + urllib.parse.urlparse(value).path)
            else:
                self.assertEqual(got[key], value, key)

    def check_jobs(self):
        """What became of the jobs, by what the pilots said."""
        _, _, text = self.server.ask("GET", "/api/v1/apf/list_jobs", None, {}, "submit")
        jobs = json.loads(text)["data"]
        self.assertEqual([job["jobStatus"] for job in jobs], ["finished", "failed", "cancelled"])
        self.assertEqual([job["transExitCode"] for job in jobs[:2]], [0, 5])
        self.assertIn("pilot error 1305", jobs[1]["pilotErrorDiag"])
        self.assertGreater(jobs[0]["apf_wall_s"], 1)

    def test_as_recorded(self):
        self.replay(as_form=False)

    def test_as_curl_says_it(self):
        self.replay(as_form=True)


if __name__ == "__main__":
    sys.stderr.flush()
    unittest.main()
