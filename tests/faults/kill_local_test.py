#!/usr/bin/env python3
"""kill -9 of the factory at random moments, pilots in the slots of this machine (batch/local)."""

from kill_loop import Loop, main


def pilots(loop):
    """Each pilot has an output file <submission>.<index>.out; a second submission of it would have another name."""
    cids = [f.name.removesuffix(".out").rsplit(".", 1) for f in (loop.work / "logs").glob("*/*/*.out")]
    return [(submission, int(index)) for submission, index in cids]


if __name__ == "__main__":
    main(lambda number: Loop('plugin = "local"\nslots = 4\ninterval = "1s"', number), pilots)
