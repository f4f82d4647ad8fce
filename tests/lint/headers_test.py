#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every header compiles alone, twice in a row, without a warning."""
import concurrent.futures
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import lint

COMPILER = os.environ.get('CC') or shutil.which('cc') or 'gcc'
FLAGS = ('-std=c11', '-D_GNU_SOURCE', '-Wall', '-Wextra', '-Wstrict-prototypes', '-Werror', '-fsyntax-only', '-x', 'c')


def compile_alone(root, path):
    source = f'#include "{path.as_posix()}"\n#include "{path.as_posix()}"\n'
    done = subprocess.run([COMPILER, *FLAGS, f'-I{root}', '-'], input=source, text=True, capture_output=True)
    return f'{path}: does not compile alone\n{done.stderr}' if done.returncode else None


def check(root):
    headers = lint.find(root, ('shared', 'switchd', 'vosctl', 'tests/support'), ('.h',))
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return [fault for fault in pool.map(lambda path: compile_alone(root, path), headers) if fault]


BAD = (
    ({'shared/base/a.h': '#pragma once\nstruct a { uint32_t n; };\n'}, 'a.h: does not compile alone'),
    ({'switchd/sip/b.h': 'struct b { int n; };\n'}, 'b.h: does not compile alone'),
    ({'vosctl/c.h': '#pragma once\nint c();\n'}, 'c.h: does not compile alone'),
)
GOOD = ({'shared/base/a.h': '#pragma once\n#include <stdint.h>\nstruct a { uint32_t n; };\n'},)

if __name__ == '__main__':
    lint.prove(check, BAD, GOOD)
    lint.report(check(lint.ROOT))
