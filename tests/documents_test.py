#!/usr/bin/env python3
"""Documents must be true: links lead somewhere, commands exist, configurations pass the check.

Needs built programs: APF_BIN_DIR (default build/bin).
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BIN = pathlib.Path(os.environ.get("APF_BIN_DIR", ROOT / "build/bin"))
LISTED = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT,
                        check=True, capture_output=True).stdout.decode().split("\0")
DOCUMENTS = {name: (ROOT / name).read_text(encoding="utf-8") for name in LISTED if name and (ROOT / name).is_file()}


class Documents(unittest.TestCase):
    def test_links_lead_somewhere(self):
        broken = []
        for name, text in DOCUMENTS.items():
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
                if "://" not in target and not ((ROOT / name).parent / target).exists():
                    broken.append(f"{name}: {target}")
        self.assertEqual(broken, [])

    def test_files_that_are_named_exist(self):
        broken = []
        for name, text in DOCUMENTS.items():
            for target in re.findall(r"`((?:src|tests|tools|bench|include|packaging|examples)/[\w./-]+\.\w+)`", text):
                if not (ROOT / target).exists():
                    broken.append(f"{name}: {target}")
        self.assertEqual(broken, [])

    def test_commands_exist(self):
        mentioned = {}
        for name, text in DOCUMENTS.items():
            if name == "CHANGELOG.md":
                continue
            code = re.findall(r"^```\w*\n(.*?)^```", text, re.S | re.M) + re.findall(r"`([^`\n]+)`", text)
            for piece in code:
                for program, words in re.findall(r"^\s*(?:build/bin/)?(apf|apf-jobqueue) ((?:[a-z][a-z-]*(?= |$) ?){1,2})",
                                                 piece, re.M):
                    mentioned.setdefault((program, words.split()[0]), name)
        self.assertGreater(len(mentioned), 10)
        unknown = []
        for (program, command), name in sorted(mentioned.items()):
            done = subprocess.run([BIN / program, command, "--help"], capture_output=True, text=True)
            if f"Usage: {program} {command} " not in done.stdout:
                unknown.append(f"{name}: {program} {command}")
        self.assertEqual(unknown, [])

    def test_whole_configurations_pass_the_check(self):
        checked = 0
        for name, text in DOCUMENTS.items():
            for piece in re.findall(r"^```toml\n(.*?)^```", text, re.S | re.M):
                if "[factory]" not in piece:
                    continue  # a fragment
                with tempfile.TemporaryDirectory() as folder:
                    file = pathlib.Path(folder) / "apf.toml"
                    file.write_text(piece)
                    done = subprocess.run([BIN / "apf", "check", "--offline", file], capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, f"{name}: {done.stdout}{done.stderr}")
                checked += 1
        self.assertGreater(checked, 0)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=0))
