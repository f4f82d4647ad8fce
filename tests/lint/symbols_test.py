#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""No function of ours has the name of one that a linked library exports: the library's own calls would
then end in ours. Read with nm from what was built; skipped where nothing is."""
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import lint

LIBRARIES = ('libvos.a', 'libswitchd_core.a', 'libvosctl_core.a')
PROGRAMS = ('switchd', 'vosctl')
# Put in by the compiler (sanitizers, coverage), not by us.
COMPILER = re.compile(r'__(asan|ubsan|tsan|sanitizer|gcov|llvm)|_?_(init|fini|start|stop)')


def names(output):
    """Global names with a definition in the output of nm: three columns, the last without a version."""
    rows = (line.split() for line in output.splitlines())
    return {row[2].partition('@')[0] for row in rows if len(row) == 3 and row[1] in 'TDBRWVi'}


def clashes(ours, theirs):
    return sorted(name for name in ours & theirs if not COMPILER.match(name))


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def linked_libraries(program):
    return re.findall(r'=> (/\S+)', run('ldd', program))


def check():
    faults = []
    theirs = {library: names(run('nm', '-D', '--defined-only', library))
              for program in PROGRAMS for library in linked_libraries(lint.BUILD / program)}
    for archive in LIBRARIES:
        ours = names(run('nm', '-g', '--defined-only', str(lint.BUILD / archive)))
        if not ours:
            faults.append(f'{archive}: nm finds no names')
        for library, exported in theirs.items():
            faults += [f'{archive}: {name} is also exported by {library}' for name in clashes(ours, exported)]
    return faults


assert clashes(names('0 T sip_a\n1 t local\n2 D table'), names('0 T sip_a@@Base\n0 T local')) == ['sip_a']
assert clashes(names('0 T __asan_init'), names('0 T __asan_init')) == []
if not all((lint.BUILD / name).exists() for name in LIBRARIES + PROGRAMS):
    print(f'not all of it is built in {lint.BUILD}')
    sys.exit(lint.SKIPPED)
lint.report(check())
