#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What docgen prints is what is kept in the tree: nobody edits it by hand, and nobody forgets it. With
--write the tree is brought up to date instead."""
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import lint

DOCGEN = lint.BUILD / 'docgen'
DOCUMENTS = {
    'man/vos-parameters.7': ('parameters',),
    'man/vos-commands.7': ('commands',),
    'data/completion/vosctl.bash': ('bash',),
    'data/completion/_vosctl': ('zsh',),
    'data/presets/vos3000-screen.conf': ('screen',),
}
OPTION = re.compile(r'(?<![\w-])(--[a-z][a-z-]+|-[a-zA-Z0-9])(?![\w-])')


def docgen(*words):
    return subprocess.run([DOCGEN, *words], capture_output=True, text=True, check=True).stdout


def documents():
    found = dict(DOCUMENTS)
    for name in docgen('schema').split():
        found[f'data/schema/{name}.json'] = ('schema', name)
    return found


def compare(root, expected):
    """expected: file -> (text, how it is printed)."""
    for name, (text, words) in sorted(expected.items()):
        path = root / name
        if not path.is_file():
            yield f'{name}: is missing; docgen {" ".join(words)} prints it'
        elif path.read_text() != text:
            yield f'{name}: is not what docgen {" ".join(words)} prints now'
    for path in lint.find(root, ('data/schema',), ('',)):
        if path.as_posix() not in expected:
            yield f'{path}: no command has this schema'


def write(expected):
    for name, (text, _) in expected.items():
        path = lint.ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for path in lint.find(lint.ROOT, ('data/schema',), ('',)):
        if path.as_posix() not in expected:
            (lint.ROOT / path).unlink()


def options():
    """The options in the completion are typed there by hand: they have to be those of --help."""
    known = set(OPTION.findall(subprocess.run([lint.BUILD / 'vosctl', '--help'], capture_output=True, text=True,
                                              check=True).stdout))
    text = (lint.ROOT / 'data/completion/vosctl.bash').read_text()
    offered = set()
    for line in re.findall(r"^_vosctl(?:_apply)?_options='(.*)'$", text, re.M):
        offered.update(line.split())
    for option in sorted(known ^ offered):
        yield f'completion: {option} is {"not offered" if option in known else "not an option of vosctl"}'


EXPECTED = {'data/schema/a.json': ('{}\n', ('schema', 'a'))}
BAD = (
    ({}, 'data/schema/a.json: is missing'),
    ({'data/schema/a.json': '{ }\n'}, 'is not what docgen schema a prints'),
    ({'data/schema/a.json': '{}\n', 'data/schema/b.json': '{}\n'}, 'b.json: no command'),
)
GOOD = ({'data/schema/a.json': '{}\n'},)

if __name__ == '__main__':
    lint.prove(lambda root: list(compare(root, EXPECTED)), BAD, GOOD)
    if not DOCGEN.exists():
        sys.exit(f'{DOCGEN} is not built')
    printed = {name: (docgen(*words), words) for name, words in documents().items()}
    if sys.argv[1:] == ['--write']:
        write(printed)
    lint.report(list(compare(lint.ROOT, printed)) + list(options()))
