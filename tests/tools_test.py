#!/usr/bin/env python3
"""The checkers must find what they are there for: each case is a small tree with one fault."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent


def check(tool, files):
    """Exit status and report of a tool in a tree that holds only these files."""
    with tempfile.TemporaryDirectory(prefix="apf tools ") as folder:
        tree = pathlib.Path(folder)
        for name, text in files.items():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_text(text)
        (tree / "tools").mkdir(exist_ok=True)
        shutil.copy(ROOT / "tools" / tool, tree / "tools" / tool)
        subprocess.run(["git", "init", "-q", folder], check=True)
        done = subprocess.run([tree / "tools" / tool], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


class Includes(unittest.TestCase):
    def wrong(self, expected, files):
        status, report = check("check-includes", files)
        self.assertEqual(status, 1, report)
        self.assertIn(expected, report)

    def right(self, files):
        status, report = check("check-includes", files)
        self.assertEqual(status, 0, report)

    def test_right_directions(self):
        self.right({
            "include/apf/a.h": "#include <string>\n", "src/core/b.h": '#include "apf/a.h"\n',
            "src/engine/c.cc": '#include "core/b.h"\n', "src/config/c.cc": '#include "core/b.h"\n#include <toml++/toml.h>\n',
            "plugins/common/htcondor/d.h": '#include "apf/a.h"\n',
            "plugins/batch/htcondor/plugin.cc": '#include "htcondor/d.h"\n#include <nlohmann/json.hpp>\n',
            "src/core/b_test.cc": '#include "engine/c.h"\n#include <gtest/gtest.h>\n'})

    def test_core_includes_outside_world(self):
        self.wrong("src/core/b.cc:2: may not include src/store/s.h",
                   {"src/store/s.h": "", "src/core/b.cc": '\n#include "store/s.h"\n'})

    def test_plugin_includes_engine(self):
        self.wrong("wrong direction", {"src/engine/e.h": "", "plugins/wms/x/plugin.cc": '#include "engine/e.h"\n'})

    def test_plugin_includes_another_system(self):
        self.wrong("wrong direction",
                   {"plugins/common/slurm/d.h": "", "plugins/batch/htcondor/plugin.cc": '#include "slurm/d.h"\n'})

    def test_engine_includes_program(self):
        self.wrong("wrong direction", {"src/factory/f.h": "", "src/engine/e.cc": '#include "factory/f.h"\n'})

    def test_wrapper_includes_network(self):
        self.wrong("wrong direction", {"src/net/n.h": "", "src/wrapper/w.cc": '#include "net/n.h"\n'})

    def test_heavy_header_in_a_header(self):
        self.wrong("heavy header", {"src/engine/e.h": "#include <nlohmann/json.hpp>\n"})

    def test_boost_elsewhere(self):
        self.wrong("only", {"src/engine/e.cc": "#include <boost/asio.hpp>\n"})

    def test_cycle(self):
        self.wrong("cycle: src/core/a.h -> src/core/b.h -> src/core/a.h",
                   {"src/core/a.h": '#include "core/b.h"\n', "src/core/b.h": '#include "core/a.h"\n'})


class Files(unittest.TestCase):
    def test_sizes_and_paths(self):
        self.assertEqual(check("check-files", {"a.cc": "x\n" * 400, "doc.md": "x\n" * 2000})[0], 0)
        status, report = check("check-files", {"a.cc": "x\n" * 401})
        self.assertEqual((status, "a.cc: 401 lines" in report), (0, True), report)
        self.assertEqual(check("check-files", {"a.cc": "x\n" * 601})[0], 1)
        status, report = check("check-files", {"a.md": "see\n/home/" + "jane/apf/x\n"})
        self.assertEqual((status, "a.md:2" in report), (1, True), report)
        self.assertEqual(check("check-files", {"a.md": "/home/apf/x https://x.org/home/jane\n"})[0], 0)


class Dev(unittest.TestCase):
    def dev(self, *arguments):
        return subprocess.run([ROOT / "dev", *arguments], cwd="/", capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/nonexistent"})

    def test_help_and_unknown_command(self):
        alone = self.dev()
        self.assertEqual(alone.returncode, 0, alone.stderr)
        for command in ("setup", "build", "demo", "test", "bench", "lint", "fuzz", "pool"):
            self.assertIn(f"\n  {command} ", alone.stdout)
        unknown = self.dev("buidl")
        self.assertEqual(unknown.returncode, 2)
        self.assertIn("no command 'buidl'", unknown.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=0))
