#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is built in only where its tools are there (#ifdef VOS_..._OBJECT) has the same names without it, or a machine
that lacks them could not link. Each such source is compiled both ways; skipped where there is no build."""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import lint

OPTIONAL = re.compile(r'^#ifdef VOS_\w+_OBJECT$', re.M)
OBJECTS = 'CMakeFiles/switchd_core.dir'


def names(object_file):
    done = subprocess.run(['nm', '-g', '--defined-only', object_file], check=True, capture_output=True, text=True)
    return {line.split()[-1] for line in done.stdout.splitlines()}


def names_without(root, source):
    with tempfile.NamedTemporaryFile(suffix='.o') as target:
        subprocess.run(['cc', '-std=c11', '-D_GNU_SOURCE', '-I', root, '-c', root / source, '-o', target.name], check=True)
        return names(target.name)


def lost(source, with_it, without):
    return [f'{source}: {name} is not there without it' for name in sorted(with_it - without)]


def check(root):
    sources = [path for path in lint.find(root, ['switchd'], ('.c',))
               if OPTIONAL.search((root / path).read_text()) and not path.name.endswith('.bpf.c')]
    faults = [] if sources else ['no source with an optional part was found']
    for source in sources:
        faults += lost(source, names(lint.BUILD / OBJECTS / f'{source}.o'), names_without(root, source))
    return faults


assert lost('a.c', {'one', 'two'}, {'one'}) == ['a.c: two is not there without it']
if not (lint.BUILD / 'libswitchd_core.a').exists():
    print(f'not all of it is built in {lint.BUILD}')
    sys.exit(lint.SKIPPED)
lint.report(check(lint.ROOT))
