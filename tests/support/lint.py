# SPDX-License-Identifier: GPL-2.0-or-later
"""What the lint tests share: finding sources, and a check that first has to prove it can fail.

A lint test is a function check(root) that returns faults as text. Before it looks at the project it is
run on small bad trees, each of which has to give the fault that it was made for, and on the good ones,
which have to give none.
"""
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(os.environ.get('VOS_SOURCE_DIR') or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get('VOS_BUILD_DIR') or ROOT / 'build')
SKIPPED = 77


def find(root, folders, suffixes):
    """Files below the folders with one of the suffixes, as paths relative to root, sorted."""
    found = []
    for folder in folders:
        for path in (root / folder).rglob('*'):
            if path.is_file() and path.name.endswith(suffixes) and '__pycache__' not in path.parts:
                found.append(path.relative_to(root))
    return sorted(found)


def write_tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def prove(check, bad, good=()):
    """bad: (files, part of the fault that must come). good: files that must pass."""
    for files, expected in bad:
        with tempfile.TemporaryDirectory() as folder:
            write_tree(Path(folder), files)
            faults = check(Path(folder))
        if not any(expected in fault for fault in faults):
            sys.exit(f'self-check: no fault with "{expected}" for {sorted(files)}, but {faults}')
    for files in good:
        with tempfile.TemporaryDirectory() as folder:
            write_tree(Path(folder), files)
            faults = check(Path(folder))
        if faults:
            sys.exit(f'self-check: {sorted(files)} is good, yet {faults}')


def report(faults):
    for fault in faults:
        print(fault)
    print(f'{len(faults)} faults')
    sys.exit(1 if faults else 0)
