#!/usr/bin/env python3
"""The real factory against a made-up PanDA server over TLS: a private CA, an X.509 proxy, a token, fail-over to a second
address and back, and reports of pilots. All on loopback; certificates are made with the openssl command line.
"""
import http.server
import json
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BIN = pathlib.Path(os.environ.get("APF_BIN_DIR", ROOT / "build/bin"))
sys.path.insert(0, str(ROOT / "tests/faults"))
from lab import until  # noqa: E402

STATS = "/api/v1/statistics/active_job_detailed_stats_by_site"
SPECS = "/api/v1/metaconfig/get_site_specs"
ALLOW_PROXY_CERTS = 0x40  # X509_V_FLAG_ALLOW_PROXY_CERTS, as grid servers set it

CONFIG = """version = 1
[factory]
factory_id = "tls-factory"
state_dir = "state"
log_dir = "logs"
log_url = "https://logs.example.org"
listen = "127.0.0.1:0"
[wms.panda]
plugin = "panda"
url = "https://127.0.0.1:{first}"
fallback_urls = ["https://127.0.0.1:{second}"]
return_after = "1s"
ca_file = "ca.pem"
cert = "proxy.pem"
interval = "1s"
[batch.machine]
plugin = "local"
interval = "1s"
[monitor.panda]
plugin = "panda"
url = "https://127.0.0.1:{second}"
fallback_urls = ["https://127.0.0.1:{first}"]
ca_file = "ca.pem"
token_file = "token"
origin = "wlcg.production"
harvester_id = "tls_lab"
interval = 0
[queue.Q]
wms = "panda"
wms_queue = "LAB_GRID"
batch = "machine"
sched = [ {{ use = "fixed", pilotspercycle = 1 }}, {{ use = "maxtorun", maximum = 1 }} ]
executable = "/bin/true"
"""


def openssl(where, *argv):
    subprocess.run(["openssl", *argv], cwd=where, check=True, capture_output=True)


def make_certificates(where):
    """ca.pem; server.pem and robot.pem with their keys; proxy.pem, an RFC 3820 proxy of the robot."""
    openssl(where, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj",
            "/DC=test/CN=Private CA", "-days", "2")
    (where / "server.ext").write_text("subjectAltName=IP:127.0.0.1\n")
    (where / "robot.ext").write_text("keyUsage=critical,digitalSignature\n")
    for name, subject in (("server", "/DC=test/CN=127.0.0.1"), ("robot", "/DC=test/CN=Robot")):
        openssl(where, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", subject)
        openssl(where, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
                f"{name}.pem", "-days", "2", "-extfile", f"{name}.ext")
    make_proxy(where, "proxy.pem")


def make_proxy(where, name, days="1"):
    (where / "proxy.ext").write_text("keyUsage=critical,digitalSignature\nproxyCertInfo=critical,language:id-ppl-inheritAll\n")
    openssl(where, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "proxy.key", "-out", "proxy.csr", "-subj",
            "/DC=test/CN=Robot/CN=4711")
    openssl(where, "x509", "-req", "-in", "proxy.csr", "-CA", "robot.pem", "-CAkey", "robot.key", "-CAcreateserial", "-out",
            "proxy.crt", "-days", days, "-extfile", "proxy.ext")
    whole = "".join((where / part).read_text() for part in ("proxy.crt", "proxy.key", "robot.pem"))
    write_secret(where / name, whole)


def write_secret(path, text):
    fresh = path.with_suffix(".new")
    fresh.touch(0o600)
    fresh.write_text(text)
    fresh.replace(path)


class Panda:
    """One address of it. Statistics want a certificate here, reports a token; what came is kept."""

    def __init__(self, where, port=0):
        self.lock = threading.Lock()
        self.asked, self.tokens, self.subjects, self.workers, self.counts = [], set(), set(), {}, {}
        panda = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self, success, message, data):
                body = json.dumps({"success": success, "message": message, "data": data}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                path = self.path.split("?")[0]
                subject = (self.connection.getpeercert() or {}).get("subject", ())
                with panda.lock:
                    panda.asked.append(path)
                    panda.subjects.add("/".join(value for part in subject for _, value in part))
                if not subject:
                    return self.answer(False, "SSL secure connection is required", None)
                self.answer(True, "", {"LAB_GRID": {"status": "online"}} if path == SPECS else
                            {"LAB_GRID": {"SCORE": {"managed": {"activated": 1}}}})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                token = self.headers.get("Authorization", "")
                if not token.startswith("Bearer ") or self.headers.get("Origin") != "wlcg.production":
                    return self.answer(False, "SSL secure connection is required", None)
                with panda.lock:
                    panda.tokens.add(token)
                    for worker in body.get("workers", []):
                        panda.workers.setdefault(worker["workerID"], {}).update(worker)
                    if "panda_queue" in body:
                        panda.counts[body["panda_queue"]] = json.loads(body["statistics"])
                self.answer(True, "", [True] * len(body.get("workers", [])))

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(where / "server.pem", where / "server.key")
        context.load_verify_locations(where / "ca.pem")
        context.verify_mode = ssl.CERT_OPTIONAL
        context.verify_flags |= ALLOW_PROXY_CERTS
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler, bind_and_activate=False)
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.server.server_bind()
        self.server.server_activate()
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def seen(self, what):
        with self.lock:
            return what(self)


def main():
    with tempfile.TemporaryDirectory(prefix="apf-tls.", dir="/var/tmp") as name:
        where = pathlib.Path(name)
        make_certificates(where)
        write_secret(where / "token", "first\n")
        first = Panda(where)
        second = Panda(where)
        first_port = first.port
        first.stop()
        (where / "apf.toml").write_text(CONFIG.format(first=first_port, second=second.port))
        checked = subprocess.run([BIN / "apf", "check", where / "apf.toml"], capture_output=True, text=True, timeout=60)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        log = open(where / "apf.log", "wb")
        factory = subprocess.Popen([BIN / "apf", "run", where / "apf.toml"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            run(where, first_port, second)
        except BaseException:
            print((where / "apf.log").read_text()[-6000:])
            raise
        finally:
            factory.terminate()
            factory.wait(30)
            log.close()


def status_of(where):
    shown = subprocess.run([BIN / "apf", "status", "--config", where / "apf.toml"], capture_output=True, text=True, timeout=60)
    return shown.stdout + shown.stderr


def run(where, first_port, second):
    until(60, "a pilot's end is reported", lambda: second.seen(
        lambda p: any(w.get("status") == "finished" for w in p.workers.values())))
    worker = next(w for w in second.seen(lambda p: list(p.workers.values())) if w["status"] == "finished")
    assert worker["computingSite"] == "LAB_GRID" and worker["queueName"] == "Q", worker
    for field, ending in (("stdOut", ".out"), ("stdErr", ".err"), ("batchLog", ".log")):
        assert worker[field].startswith("https://logs.example.org/") and worker[field].endswith(worker["batchID"] + ending), worker
    until(60, "counts are reported", lambda: second.seen(lambda p: "LAB_GRID" in p.counts))
    assert second.seen(lambda p: p.subjects) == {"test/Robot/4711"}, "the proxy is who asks"
    shown = status_of(where)
    assert f"https://127.0.0.1:{second.port} (https://127.0.0.1:{first_port}: " in shown, shown
    assert "detailed statistics" in shown, shown

    write_secret(where / "token", "second\n")  # renewed: no restart
    until(60, "the renewed token", lambda: second.seen(lambda p: "Bearer second" in p.tokens))
    assert second.seen(lambda p: p.tokens) == {"Bearer first", "Bearer second"}

    back = Panda(where, first_port)
    until(60, "the return to the preferred address", lambda: STATS in back.seen(lambda p: p.asked))
    until(60, "its view", lambda: "(https" not in status_of(where))

    make_proxy(where, "proxy.pem", days="-1")  # ended yesterday: nothing is sent
    until(60, "the ended proxy in words", lambda: "the proxy ended at" in status_of(where))
    make_proxy(where, "proxy.pem")
    until(60, "the renewed proxy", lambda: "the proxy ended at" not in status_of(where))
    back.stop()
    second.stop()


if __name__ == "__main__":
    main()
