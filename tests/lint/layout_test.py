#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The shape of the tree: its top level, lengths of files and functions, licence lines, marks of unfinished
work, and that every unit test asserts something."""
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import lint

TOP_LEVEL = {'switchd', 'vosctl', 'shared', 'data', 'man', 'tests', 'CMakeLists.txt', 'README'}
# Made by builds; .gitignore names them too.
IGNORED = re.compile(r'^(build.*|\..*|compile_commands\.json)$')
SOURCES = ('shared', 'switchd', 'vosctl', 'man')
EVERYTHING = SOURCES + ('tests', 'data', '.ci')

LINES_MAX = {'.c': 500, '.h': 200}
TEST_LINES_MAX = 750  # a unit test lists the cases of one unit
FUNCTION_LINES_MAX = 60
LONG_FILES = {
    # name: why it is one file all the same
}

# Spelled so that this file does not hold the marks itself.
MARKS = re.compile(r'\b(TO' r'DO|FIX' r'ME|X' r'XX|HA' r'CK|not imple' r'mented|unimple' r'mented)\b')
RUNS_TESTS = re.compile(r'^(TEST_MAIN|.*\bcmocka_run_group_tests\w*)\(', re.M)
NAMELESS = re.compile(r'\bpthread_(create|setname_np)\(')
THREADS = 'shared/base/thread.c'
ASSERTION = re.compile(r'\b(assert_[a-z_]+|fail|fail_msg|expect_[a-z_]+)\s*\(')
SPDX = 'SPDX-License-Identifier: GPL-2.0-or-later'


def top_level(root):
    for entry in sorted(os.listdir(root)):
        if entry not in TOP_LEVEL and not IGNORED.match(entry):
            yield f'{entry}: does not belong to the top level'


def functions(lines):
    """(first line, length) of each function: a body opens and closes with a brace in the first column."""
    start = None
    for number, line in enumerate(lines, 1):
        if line == '{':
            start = number
        elif line == '}' and start:
            yield start, number - start - 1
            start = None


def lengths(root):
    for path in lint.find(root, SOURCES + ('tests',), ('.c', '.h')):
        lines = (root / path).read_text().splitlines()
        most = TEST_LINES_MAX if path.parts[:2] == ('tests', 'unit') else LINES_MAX[path.suffix]
        if len(lines) > most and path.as_posix() not in LONG_FILES:
            yield f'{path}: {len(lines)} lines, at most {most}'
        for start, length in functions(lines):
            if length > FUNCTION_LINES_MAX:
                yield f'{path}:{start}: a function of {length} lines, at most {FUNCTION_LINES_MAX}'


def stale_exemptions(root):
    for name in LONG_FILES:
        path = root / name
        if not path.is_file() or len(path.read_text().splitlines()) <= LINES_MAX[path.suffix]:
            yield f'{name}: is exempt from the length limit without need'


def heads(root):
    for path in lint.find(root, SOURCES + ('tests',), ('.c', '.h', '.def', '.py', '.sh')):
        if SPDX not in '\n'.join((root / path).read_text().splitlines()[:2]):
            yield f'{path}: has no SPDX line at its head'


def marks(root):
    for path in lint.find(root, EVERYTHING, ('',)):
        try:
            text = (root / path).read_text()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            match = MARKS.search(line)
            if match:
                yield f'{path}:{number}: "{match.group(1)}" marks unfinished work'


def unit_tests(root):
    for path in lint.find(root, ('tests/unit',), ('.c',)):
        text = (root / path).read_text()
        if not path.name.endswith('_test.c'):
            yield f'{path}: is not named *_test.c, so ctest does not run it'
        if not RUNS_TESTS.search(text):
            yield f'{path}: runs no tests'
        if not ASSERTION.search(text):
            yield f'{path}: asserts nothing'


def threads(root):
    for path in lint.find(root, SOURCES, ('.c', '.h')):
        if path.as_posix() != THREADS and NAMELESS.search((root / path).read_text()):
            yield f'{path}: a thread is begun by thread_start(), which gives it a name'


def scripts(root):
    for path in lint.find(root, ('tests/lint', 'tests/e2e'), ('_test.py', '_test.sh')):
        if not os.access(root / path, os.X_OK):
            yield f'{path}: is not executable, so ctest cannot run it'


def check(root):
    rules = (top_level, lengths, heads, marks, unit_tests, threads, scripts)
    return [fault for rule in rules for fault in rule(root)]


HEAD = f'/* {SPDX} */\n'
BAD = (
    ({'docs/a.txt': ''}, 'docs: does not belong'),
    ({'notes.md': ''}, 'notes.md: does not belong'),
    ({'shared/base/a.c': HEAD + 'int a;\n' * 500}, '501 lines, at most 500'),
    ({'shared/base/a.h': HEAD + 'int a;\n' * 200}, '201 lines, at most 200'),
    ({'switchd/a.c': HEAD + 'void a(void)\n{\n' + '\tb();\n' * 61 + '}\n'}, 'a.c:3: a function of 61 lines'),
    ({'switchd/a.c': 'int a;\n'}, 'no SPDX'),
    ({'switchd/a.c': HEAD + 'int b = pthread_create(&a, NULL, a, NULL);\n'}, 'begun by thread_start()'),
    ({'switchd/a.c': HEAD + '/* TO' + 'DO: later */\n'}, 'marks unfinished work'),
    ({'tests/unit/a_test.c': HEAD + 'TEST_MAIN(cmocka_unit_test(a))\n'}, 'asserts nothing'),
    ({'tests/unit/a_test.c': HEAD + 'assert_int_equal(1, 1);\n'}, 'runs no tests'),
    ({'tests/unit/a_test.c': HEAD + 'int a;\n' * 750}, '751 lines, at most 750'),
    ({'tests/unit/a.c': HEAD + 'TEST_MAIN(a) assert_true(1);\n'}, 'ctest does not run it'),
    ({'tests/lint/a_test.py': f'# {SPDX}\n'}, 'is not executable'),
)
GOOD = (
    {
        'switchd/a.c': HEAD + 'void a(void)\n{\n' + '\tb();\n' * 60 + '}\n',
        'tests/unit/a_test.c': HEAD + 'assert_true(a());\nTEST_MAIN(cmocka_unit_test(a))\n',
        'build-address/x': '',
        '.ci/run': '',
        'README': '',
        THREADS: HEAD + 'int b = pthread_create(&a, NULL, a, NULL);\n',
    },
)

if __name__ == '__main__':
    lint.prove(check, BAD, GOOD)
    lint.report(check(lint.ROOT) + list(stale_exemptions(lint.ROOT)))
