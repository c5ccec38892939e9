"""The tables of docs/reliability.md that these tests make: each stands between two marks. A test fails when the document
says something else than it measured; with APF_WRITE_DOCUMENT=1 it writes its table instead.
"""

import fcntl
import os
import pathlib
import re

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def differs(name, head, rows):
    """[] or what is wrong. `rows` as measured; the first column says what was tried."""
    lines = ["| " + " | ".join(map(str, line)) + " |" for line in (head, *rows)]
    table = "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]])
    begin, end = f"<!-- {name} -->\n", "\n<!-- end -->"
    with open(DOCUMENT, "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = file.read()
        found = re.search(re.escape(begin) + "(.*?)" + re.escape(end), text, re.S)
        if found is None:
            return [f"{DOCUMENT.name} has no place for the table '{name}'"]
        if found.group(1) == table:
            return []
        if not os.environ.get("APF_WRITE_DOCUMENT"):
            return [f"{DOCUMENT.name} differs from what was measured ({name}):\n{table}"]
        file.seek(0)
        file.write(text[: found.start(1)] + table + text[found.end(1) :])
        file.truncate()
    return []
