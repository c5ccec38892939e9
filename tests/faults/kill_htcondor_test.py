#!/usr/bin/env python3
"""kill -9 of the factory at random moments, pilots in a real HTCondor pool. POOL_NAME names the pool."""

import os
import pathlib

from kill_loop import Loop, main

POOL = pathlib.Path(__file__).resolve().parents[1] / "systems" / "htcondor" / "pool"


def pilots(loop):
    """What the schedd's queue and its history say: (submission, number in its cluster)."""
    found = {}
    for tool in ("condor_q", "condor_history"):
        text = loop.call(tool, *(["-all"] if tool == "condor_q" else []), "-constraint", 'APF_FACTORY_ID == "kills"',
                         "-af", "ClusterId", "ProcId", "APF_SUBMISSION")
        for line in text.splitlines():
            cluster, proc, submission = line.split()
            found[(cluster, proc)] = (submission, int(proc))
    return list(found.values())


if __name__ == "__main__":
    owner = os.environ.get("POOL_USER", "condorpool") if os.geteuid() == 0 else None
    loop = Loop('plugin = "htcondor"\ninterval = "2s"', prefix=[str(POOL), "exec"], owner=owner)
    main(loop, int(os.environ.get("APF_KILLS", 30)), pilots)
