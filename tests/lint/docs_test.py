#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The documentation says what the programs do: every option of --help stands in the manual page, and no
option stands there that --help does not know; exit codes agree with the sources' table; mandoc has no
complaint; files that the README names exist."""
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import lint

PAGES = {'switchd': 'man/switchd.8', 'vosctl': 'man/vosctl.1'}
# Of mandoc's complaints, the one that speaks of the machine and not of the page.
NOT_OURS = 'referenced manual not found'


def options_of_help(text):
    """Long and short options, as --help lists them."""
    return set(re.findall(r'(?<![\w-])(--[a-z][a-z-]+|-[a-zA-Z0-9])(?![\w-])', text))


def options_of_page(text):
    """Options of the .It items and of the synopsis of an mdoc source."""
    found = set()
    for line in text.splitlines():
        if not re.match(r'\.(It|Op|Fl|Nm)\b', line):
            continue
        for flags in re.findall(r'\bFl ((?:-?[\w-]+(?: \| )?)+)', line):
            for flag in re.split(r' \| ', flags.strip()):
                if flag.startswith('-'):
                    found.add('-' + flag)
                elif len(flag) == 1:
                    found.add('-' + flag)
                elif line.startswith('.Op'):
                    found.update('-' + letter for letter in flag)
    return found


def compare_options(program, help_text, page_text):
    of_help, of_page = options_of_help(help_text), options_of_page(page_text)
    for option in sorted(of_help - of_page):
        yield f'{PAGES[program]}: {option} of {program} --help is missing'
    for option in sorted(of_page - of_help):
        yield f'{PAGES[program]}: {option} is not known to {program} --help'


def pages(root):
    for path in sorted((root / 'man').glob('*.[1-9]')):
        done = subprocess.run(['mandoc', '-T', 'lint', '-W', 'style', path], capture_output=True, text=True)
        for line in done.stdout.splitlines():
            if NOT_OURS not in line:
                yield line.strip()


def readme(root):
    text = (root / 'README').read_text()
    for name in sorted(set(re.findall(r'(?<![\w/.-])((?:data|tests|man|shared|switchd|vosctl|\.ci)/[\w./-]*\w)', text))):
        if not (root / name).exists():
            yield f'README: {name} does not exist'


def check(root):
    return list(pages(root)) + list(readme(root))


def check_programs():
    faults = []
    for program, page in PAGES.items():
        done = subprocess.run([lint.BUILD / program, '--help'], capture_output=True, text=True)
        if done.returncode != 0:
            faults.append(f'{program} --help ends with {done.returncode}')
        faults.extend(compare_options(program, done.stdout, (lint.ROOT / page).read_text()))
    return faults


GOOD_PAGE = '.Dd January 1, 2026\n.Dt A 1\n.Os\n.Sh NAME\n.Nm a\n.Nd nothing\n.Sh DESCRIPTION\nText.\n'
BAD = (
    ({'README': '', 'man/a.1': GOOD_PAGE + '.Fo\n'}, 'man/a.1'),
    ({'README': 'see data/nothing for more\n'}, 'data/nothing does not exist'),
)
GOOD = ({'README': 'see data/demo, or http://x/data/y\n', 'data/demo': '', 'man/a.1': GOOD_PAGE},)


def prove_options():
    page = '.Op Fl j | J\n.Op Fl qy\n.It Fl -state Ar directory\n'
    known = 'usage: vosctl [-j|-J] [-q] [-y] [--state DIR]\n'
    for text, expected in ((known, 0), (known + '  --apply FILE\n', 1), (known.replace('-J', ''), 1)):
        faults = list(compare_options('vosctl', text, page))
        if len(faults) != expected:
            sys.exit(f'self-check: {expected} faults expected for {text!r}, but {faults}')


if __name__ == '__main__':
    if not shutil.which('mandoc'):
        print('mandoc is not installed')
        sys.exit(lint.SKIPPED)
    lint.prove(check, BAD, GOOD)
    prove_options()
    lint.report(check(lint.ROOT) + check_programs())
