#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether the catalogue tells the truth about what is in effect.

A row of params.def or objects.def marked IN_EFFECT must be named in switchd's code, a row marked
NOT_YET must not be: a user is told "not in effect yet" exactly where that is so."""

import os
import pathlib
import re
import sys

ROOT = pathlib.Path(os.environ.get("VOS_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))

# Read by switchd, and rightly NOT_YET all the same: what the row promises does not happen yet.
READ_IN_PART = {}

STRINGS_AND_COMMENTS = re.compile(
    r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|//[^\n]*|/\*.*?\*/', re.DOTALL
)


def without_comments(text):
    return STRINGS_AND_COMMENTS.sub(" ", text)


def rows(text, macro):
    """The arguments of every macro(...) in a .def file, up to the effect mark."""
    for match in re.finditer(rf"^{macro}\((.*?)\b(IN_EFFECT|NOT_YET)\b", text, re.M | re.S):
        names = [word.strip() for word in match.group(1).split(",")]
        yield names, match.group(2) == "IN_EFFECT"


def catalogue(root):
    """Constant of the C code -> whether the row says that it is in effect."""
    found = {}
    folder = root / "shared/catalog"
    params = (folder / "params.def").read_text(encoding="utf-8")
    objects = (folder / "objects.def").read_text(encoding="utf-8")
    for names, in_effect in rows(params, "PARAM"):
        found[f"PARAM_{names[0]}"] = in_effect
    for names, in_effect in rows(objects, "OBJECT"):
        found[f"OBJECT_{names[0]}"] = in_effect
    for names, in_effect in rows(objects, "FIELD"):
        found[f"FIELD_{names[0]}_{names[1]}"] = in_effect
    expected = len(re.findall(r"^(?:PARAM|OBJECT|FIELD)\(", params + objects, re.M))
    if len(found) != expected:
        raise SystemExit(f"read {len(found)} rows of {expected}")
    return found


# What switchd does by these it has in common with the check at commit.
SHARED = ("shared/config/keepalive_fit.c",)


def mentions(root):
    """Constants named in switchd's code -> the files that name them."""
    where = {}
    for path in [*sorted((root / "switchd").rglob("*.[ch]")), *(root / name for name in SHARED)]:
        code = without_comments(path.read_text(encoding="utf-8"))
        for word in set(re.findall(r"\b(?:PARAM|OBJECT|FIELD)_[A-Z0-9_]+\b", code)):
            where.setdefault(word, []).append(str(path.relative_to(root)))
    return where


def faults(found, where):
    for name, in_effect in found.items():
        files = where.get(name, [])
        if in_effect and not files:
            yield f"{name} is marked IN_EFFECT, and nothing in switchd reads it"
        if not in_effect and files and name not in READ_IN_PART:
            yield f"{name} is marked NOT_YET, but {', '.join(files)} read it"
        if name in READ_IN_PART and (in_effect or not files):
            yield f"{name} need not be in READ_IN_PART"
    for name in READ_IN_PART:
        if name not in found:
            yield f"{name} of READ_IN_PART does not exist"


def main():
    messages = list(faults(catalogue(ROOT), mentions(ROOT)))
    for message in messages:
        print(message)
    return 1 if messages else 0


if __name__ == "__main__":
    sys.exit(main())
