#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the flight recorder is told everything that it has words for: each row of note.def is written by
somebody, and not only read."""
import os
import pathlib
import re
import sys

ROOT = pathlib.Path(os.environ.get("VOS_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
READERS = ("trace", "ctl")


def main():
    rows = re.findall(r"^NOTE\((\w+),", (ROOT / "switchd/trace/note.def").read_text(encoding="utf-8"), re.M)
    written = set()
    for path in (ROOT / "switchd").rglob("*.c"):
        if path.relative_to(ROOT / "switchd").parts[0] not in READERS:
            written |= set(re.findall(r"\bTRACE_(\w+)\b", path.read_text(encoding="utf-8")))
    silent = [row for row in rows if row not in written]
    for row in silent:
        print(f"switchd/trace/note.def: nobody writes {row}")
    if not rows:
        print("switchd/trace/note.def: no rows were found")
    return 1 if silent or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
