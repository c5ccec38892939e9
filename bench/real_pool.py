"""A real HTCondor pool for the scripts bench/*_measure: brought up for one of them, wiped afterwards."""
import os
import pathlib
import subprocess
import sys

from measuring import ROOT, Site, tree_cpu, until

POOL = ROOT / "tests/systems/htcondor/pool"


class Pool:
    def __init__(self, extra=""):
        self.extra = extra  # lines of HTCondor's configuration

    def __enter__(self):
        os.environ |= {"POOL_NAME": "bench", "POOL_SCHEDDS": "1", "POOL_EXTRA": ""}
        if self.extra:
            os.environ["POOL_EXTRA"] = str(ROOT / "build/bench-pool-extra")
            pathlib.Path(os.environ["POOL_EXTRA"]).write_text(self.extra)
        subprocess.run([POOL, "up"], check=True, stdout=sys.stderr)
        said = subprocess.run([POOL, "env"], check=True, capture_output=True, text=True).stdout
        self.directory = pathlib.Path(said.split("CONDOR_CONFIG=")[1].split("/condor_config")[0].strip("'\""))
        self.log = self.directory / "log/EventLog"
        return self

    def __exit__(self, *_):
        subprocess.run([POOL, "wipe"], stdout=sys.stderr)

    def site(self):
        return Site([str(POOL), "exec"], os.environ.get("POOL_USER", "condorpool") if os.geteuid() == 0 else None)

    def tool(self, name, *arguments):
        return subprocess.run([self.directory / "bin" / name, *map(str, arguments)], check=True, capture_output=True,
                              text=True).stdout

    def remove_all(self):
        self.tool("condor_rm", "-all")
        until(300, lambda: not self.tool("condor_q", "-af", "ClusterId", "-limit", 1), "an empty queue", every=0.5)

    def schedd_cpu(self):
        """CPU seconds of the schedd and of its shadows and helpers that have ended."""
        master = (self.directory / "run/master.pid").read_text().strip()
        for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                name, rest = stat.read_text().split("(", 1)[1].rsplit(")", 1)
            except OSError:
                continue  # it has just ended
            if name == "condor_schedd" and rest.split()[1] == master:
                return tree_cpu(stat.parent.name)
        raise LookupError("no schedd")

    def duty(self):
        """Share of its time in which the schedd was busy, by its own account, in percent."""
        return 100 * float(self.tool("condor_status", "-schedd", "-af", "DaemonCoreDutyCycle"))

    def logged(self):
        return self.log.stat().st_size if self.log.exists() else 0

    def submitted(self, since):
        """How many Submit events there are behind the offset `since` of the schedd's log."""
        if not self.log.exists():
            return 0
        with open(self.log, "rb") as log:
            log.seek(since)
            return log.read().count(b'"SubmitEvent"')
