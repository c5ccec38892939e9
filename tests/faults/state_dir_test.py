#!/usr/bin/env python3
"""What can be wrong with a state directory, and what an operator is told: the real program, no pilots.

Each case ends with a clear error (exit code, stable code, advice) or goes on by itself; nothing is lost.
"""

import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import time
import unittest

BIN = pathlib.Path(os.environ.get("APF_BIN_DIR") or pathlib.Path(__file__).resolve().parents[2] / "build" / "bin")

CONFIG = """version = 1
[factory]
factory_id = "{id}"
state_dir = "state"
log_dir = "logs"
listen = "{listen}"
[wms.none]
plugin = "panda"
url = "http://127.0.0.1:9"
interval = "1h"
[batch.machine]
plugin = "local"
slots = 1
interval = "1s"
[queue.Q]
wms = "none"
batch = "machine"
executable = "/bin/true"
sched = [ {{ use = "ready" }}, {{ use = "maxpending", maximum = {maximum} }} ]
"""


class Factory:
    """A directory with a configuration, and the daemon that runs on it."""

    def __init__(self, user=None):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="apf-state.", dir="/var/tmp"))
        self.work.chmod(0o755)
        self.program = self.work / "apf"
        shutil.copy(BIN / "apf", self.program)  # its user may not be able to read ours
        self.user = user
        self.daemon = None
        self.write()

    def write(self, **changes):
        values = {"id": "faults", "listen": "127.0.0.1:0", "maximum": 5, **changes}
        (self.work / "apf.toml").write_text(CONFIG.format(**values))

    def run(self, *argv, env=None):
        prefix = []
        if self.user is not None and os.geteuid() == 0:
            prefix = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups"]
        return subprocess.run([*prefix, self.program, *argv], cwd=self.work, capture_output=True, text=True, timeout=60,
                              env={**os.environ, **(env or {})})

    def ask(self, *argv):
        return self.run(*argv, "--config", "apf.toml")

    def start(self):
        with open(self.work / "log", "ab") as log:
            self.daemon = subprocess.Popen([self.program, "run", "apf.toml"], cwd=self.work, stdout=log, stderr=log)
        self.until(lambda: self.ask("status").returncode == 0)

    def until(self, condition):
        end = time.monotonic() + 60
        while not condition():
            if time.monotonic() > end:
                raise AssertionError("did not come: " + (self.work / "log").read_text()[-2000:])
            time.sleep(0.05)

    def stop(self, how=signal.SIGTERM):
        if self.daemon is None:
            return 0
        self.daemon.send_signal(how)
        daemon, self.daemon = self.daemon, None
        return daemon.wait(20)

    def end(self):
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.work, ignore_errors=True)


class StateDirTest(unittest.TestCase):
    def factory(self, user=None):
        f = Factory(user)
        self.addCleanup(f.end)
        return f

    def refused(self, f, code, *words, status=2):
        answer = f.run("run", "apf.toml")
        self.assertEqual(answer.returncode, status, answer.stderr)
        for word in (f"[{code}]", *words):
            self.assertIn(word, answer.stderr)

    def test_second_factory_is_told_who_is_there(self):
        f = self.factory()
        f.start()
        self.refused(f, "engine.locked", str(f.daemon.pid))
        self.assertEqual(f.ask("status").returncode, 0)
        self.assertEqual(f.stop(), 0)

    def test_lock_ends_with_a_killed_factory(self):
        f = self.factory()
        f.start()
        f.stop(signal.SIGKILL)
        f.start()
        self.assertIn("run 2", f.ask("status").stdout)

    def test_corrupt_ledger_can_be_rebuilt(self):
        f = self.factory()
        f.start()
        f.stop()
        (f.work / "state/ledger.db").write_bytes(b"nonsense " * 1000)
        self.refused(f, "store.corrupt", "apf ledger rebuild", status=1)
        self.assertEqual(f.ask("ledger", "rebuild").returncode, 0)
        f.start()
        aside = [p for p in (f.work / "state").glob("ledger.db.*") if p.read_bytes().startswith(b"nonsense")]
        self.assertEqual(len(aside), 1)  # set aside, not destroyed

    def test_newer_ledger_is_left_alone(self):
        f = self.factory()
        f.start()
        f.stop()
        file = f.work / "state/ledger.db"
        with sqlite3.connect(file) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        before = file.read_bytes()
        self.refused(f, "store.newer")
        self.assertEqual(file.read_bytes(), before)

    def test_ledger_of_another_factory(self):
        f = self.factory()
        f.start()
        f.stop()
        f.write(id="other")
        self.refused(f, "ledger.other_factory", "faults", "other")

    def test_directory_that_may_not_be_written(self):
        f = self.factory(user=65534)
        (f.work / "state").mkdir(mode=0o755)
        if os.geteuid() != 0:
            (f.work / "state").chmod(0o555)
        self.refused(f, "engine.state_dir_not_writable")

    def test_copied_directory_submits_nothing_until_adopted(self):
        f = self.factory()
        f.start()
        f.stop()
        shutil.copytree(f.work / "state", f.work / "copy", ignore=shutil.ignore_patterns("apf.sock"))
        shutil.rmtree(f.work / "state")
        (f.work / "copy").rename(f.work / "state")
        for _ in range(2):  # a restart is no consent
            f.start()
            f.until(lambda: "identity.foreign" in f.ask("status").stdout)
            f.stop()
        f.start()
        self.assertEqual(f.ask("adopt").returncode, 0)
        f.until(lambda: "identity.foreign" not in f.ask("status").stdout)
        f.stop()
        f.start()
        f.until(lambda: "0 orders" in f.ask("status").stdout)  # a view has come
        self.assertNotIn("identity.foreign", f.ask("status").stdout)

    def test_port_in_use(self):
        f, other = self.factory(), self.factory()
        f.start()
        other.write(listen=(f.work / "state/address").read_text().strip())
        self.refused(other, "net.address_in_use")

    def test_commands_say_when_nobody_runs(self):
        f = self.factory()
        answer = f.ask("status")
        self.assertEqual(answer.returncode, 3)
        self.assertIn("[client.not_running]", answer.stderr)
        self.assertEqual(f.run("status", "--state-dir", "nowhere", "--json").returncode, 3)
        self.assertEqual(f.run("status", env={"APF_STATE_DIR": "nowhere"}).returncode, 3)
        self.assertEqual(f.run("status", "--config", "nowhere.toml").returncode, 2)

    def test_reload_is_all_or_nothing(self):
        f = self.factory()
        f.start()
        f.write(maximum=6)
        answer = f.ask("reload")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("maximum 6", answer.stdout)
        f.write(maximum='"many"')
        answer = f.ask("reload")
        self.assertEqual(answer.returncode, 2)
        self.assertIn("apf.toml:", answer.stderr)
        self.assertIn("configuration 2 ", f.ask("status").stdout)
        f.write(maximum=7)
        f.daemon.send_signal(signal.SIGHUP)
        f.until(lambda: "configuration 3 " in f.ask("status").stdout)

    def test_holds_are_kept_and_shown(self):
        f = self.factory()
        f.start()
        self.assertEqual(f.ask("pause", "Q", "--reason", "power cut", "--until", "2h").returncode, 0)
        f.stop(signal.SIGKILL)  # what was answered is durable
        f.start()
        self.assertIn("power cut", f.ask("status").stdout)
        self.assertIn("power cut", f.ask("explain", "Q").stdout)
        self.assertEqual(f.ask("resume", "Q").returncode, 0)
        self.assertEqual(f.ask("resume", "Q").returncode, 1)
        self.assertEqual(f.ask("pause", "queue:NONE").returncode, 2)
        self.assertEqual(f.ask("explain", "NONE").returncode, 2)

    def test_removing_everything_needs_a_word_more(self):
        f = self.factory()
        f.start()
        self.assertEqual(f.ask("pilots", "remove").returncode, 2)
        self.assertIn("0 pilots", f.ask("pilots", "remove", "--all", "--dry-run").stdout)

    def test_journal_replays(self):
        f = self.factory()
        f.start()
        f.stop()
        answer = f.ask("replay")
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("0 different", answer.stdout)
        self.assertEqual(f.run("replay", "--journal", "nowhere").returncode, 2)


if __name__ == "__main__":
    unittest.main()
