#!/usr/bin/env python3
"""kill -9 of the factory at random moments, pilots in a real HTCondor pool. POOL_NAME names the pool."""

from kill_loop import Loop, main
from pool_lab import POOL, Pool, pool_owner


def pilots(loop):
    """What the schedd's queue and its history say."""
    return [(row.submission, row.proc) for row in Pool().all_rows("schedd1@pool.test", loop.id)]


if __name__ == "__main__":
    main(lambda number: Loop('plugin = "htcondor"\ninterval = "2s"', number, [str(POOL), "exec"], pool_owner()), pilots)
