#!/usr/bin/env python3
"""Each flavour's submit description, as `apf explain --submit-file` prints it, read by the real condor_submit.

arc, pbs, lsf and sge are tried in no other way. POOL_NAME names the pool.
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
APF = pathlib.Path(os.environ.get("APF_BIN_DIR", ROOT / "build/bin")) / "apf"
CASES = ROOT / "plugins/batch/htcondor/cases/describe"

# What HTCondor must make of a case: attribute -> value, as the job ad shows it.
EXPECTED = {
    "vanilla": {"JobUniverse": "5", "APF_RERUN": "false"},
    "vanilla_full": {"RequestCpus": "8", "RequestGPUs": "1", "RequestMemory": "1908", "AcctGroup": '"group_atlas"',
                     "AcctGroupUser": '"pilot"', "ConcurrencyLimits": '"gpu:2,site_x"', "Project": '"atlas"',
                     "PeriodicHold": "DiskUsage > 10000000",
                     "PeriodicRelease": "NumJobStarts < 3 && HoldReasonCode == 13"},
    "condor_ce": {"JobUniverse": "9", "GridResource": '"condor ce.example.org ce.example.org:9619"',
                  "maxWallTime": "2160", "remote_queue": '"long"', "RequestCpus": "8"},
    "condor_schedd": {"GridResource": '"condor schedd2@pool.example.org cm.example.org:9618"', "remote_JobPrio": "5",
                      "remote_Requirements": "(HasX) && ((MY.NumJobStarts ?: 0) == 0)"},
    "arc": {"GridResource": '"arc https://arc.example.org:443/arex/rest/1.0"', "ArcRte": '"ENV/PROXY,APPS/HEP/X-1.0"',
            "ArcResources": '"<QueueName>grid</QueueName><WallTime>172800</WallTime>"', "RequestCpus": "8"},
    "batch_slurm": {"GridResource": '"batch slurm"', "BatchQueue": '"main"', "BatchProject": '"atlas"',
                    "NodeNumber": "8", "BatchRuntime": "5400", "BatchExtraSubmitArgs": '"--no-requeue --exclusive --constraint=haswell"'},
    "batch_pbs": {"GridResource": '"batch pbs"', "BatchQueue": '"long"', "BatchExtraSubmitArgs": '"-r n"'},
    "batch_lsf": {"GridResource": '"batch lsf"', "BatchQueue": '"normal"'},
    "batch_sge_ssh": {"GridResource": '"batch sge pilot@login.example.org --rgahp-key /etc/apf/key"'},
}
HEAD = """version = 1
[factory]
factory_id = "factory-1"
state_dir = "{dir}"
log_dir = "{dir}/logs"
[batch.pool]
plugin = "htcondor"
[queue.Q]
batch = "pool"
executable = "/bin/true"
sched = [ {{ use = "ready" }} ]
"""


def pool_environment():
    shell = subprocess.run([ROOT / "tests/systems/htcondor/pool", "env"], check=True, capture_output=True, text=True)
    names = dict(re.findall(r"^export (\w+)=(.*)$", shell.stdout, re.M))
    return {**os.environ, "CONDOR_CONFIG": names["CONDOR_CONFIG"],
            "PATH": names["PATH"].replace("$PATH", os.environ["PATH"])}


def job_ads(description, directory, environment):
    """The ads that condor_submit would make, each a dictionary; or its complaint as a string."""
    file = directory / "submit.sub"
    file.write_text(description)
    file.chmod(0o644)
    done = subprocess.run(["condor_submit", "-dry-run", "-", file], env=environment, cwd="/", capture_output=True,
                          text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0 or "ERROR" in done.stderr:
        return f"exit code {done.returncode}: {done.stderr}"
    return [dict(re.findall(r"^([\w.]+) ?= ?(.*)$", block, re.M)) for block in re.split(r"\n\s*\n", done.stdout)
            if "=" in block]


def check(case, directory, environment):
    (directory / "htcondor/example-1.2").mkdir(parents=True)  # the submission's, as the factory would make it
    config = directory / "apf.toml"
    config.write_text(HEAD.format(dir=directory) + (CASES / f"{case}.toml").read_text())
    shown = subprocess.run([APF, "explain", "--submit-file", "Q", "-n", "2", "--config", config], capture_output=True,
                           text=True)
    if shown.returncode != 0:
        return [f"apf explain: {shown.stdout}{shown.stderr}"]
    # the files that the description names need not be there
    description = "skip_filechecks = true\n" + re.sub(r"^(transfer_input_files) = .*$", r"\1 = /dev/null",
                                                       shown.stdout, flags=re.M)
    ads = job_ads(description, directory, environment)
    if isinstance(ads, str):
        return [ads]
    merged = {}
    for ad in ads:  # the first has what all have in common
        merged.update(ad)
    wanted = {**EXPECTED[case], "APF_SUBMISSION": '"example-1"', "APF_INDEX": "1"}
    return [f"{name} is {merged.get(name)}, not {value}" for name, value in wanted.items() if merged.get(name) != value]


def main():
    environment = pool_environment()
    known = {p.stem for p in CASES.glob("*.toml") if not p.stem.startswith("error_")}
    missing = known - EXPECTED.keys() - {"vanilla_rerun", "condor_rerun"}
    if missing:
        sys.exit(f"no expectation for {sorted(missing)}")
    failed = 0
    for case in sorted(EXPECTED):
        with tempfile.TemporaryDirectory() as name:
            directory = pathlib.Path(name)
            directory.chmod(0o777)
            for trouble in check(case, directory, environment):
                failed += 1
                print(f"{case}: {trouble}")
    print(f"{len(EXPECTED)} cases, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
