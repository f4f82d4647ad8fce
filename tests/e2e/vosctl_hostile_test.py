#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody who types anything: lines made of the grammar's own words, half of them spoilt, through batch and the
prompt, and bytes that are no lines at all. Nothing crashes, every exit code is in the table, every fault stands
in its place, and afterwards the shell and the switch answer. VOS_HOSTILE_LINES makes more of it; the same seed is
the same test."""
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from session import Session  # noqa: E402
from switch import BUILD, SKIPPED, Switch  # noqa: E402
from terminal import Terminal  # noqa: E402

VOSCTL = str(BUILD / 'vosctl')
LINES = int(os.environ.get('VOS_HOSTILE_LINES', '500'))
SEED = int(os.environ.get('VOS_HOSTILE_SEED', '5'))
CONFIG = '''hostname sw1
phone 1001
 name "Front desk"
 password plain "secret one"
 exit
mapping-gateway in
 address 127.0.0.9
 exit
routing-gateway out
 address 127.0.0.8:5090
 prefixes 00
 exit
'''
MODES = {
    'exec': [], 'config': ['configure'], 'config-sip-parameter': ['configure', 'sip-parameter'],
    'config-system-parameter': ['configure', 'system-parameter'],
    'config-server-parameter': ['configure', 'server-parameter'],
    'config-phone:1001': ['configure', 'phone 1001'], 'config-routing-gateway:out': ['configure', 'routing-gateway out'],
    'config-mapping-gateway:in': ['configure', 'mapping-gateway in'], 'config-logging': ['configure', 'logging'],
    'config-listen:a': ['configure', 'listen a'], 'config-registration:r': ['configure', 'registration r'],
}
# What ends the switch or the test, never ends by itself, or reaches out of the folder and of this machine.
HARMFUL = re.compile(r'\b(shut|mon|wat|nftables|fire|backup|restore|export|test|terminal mon|exit|end|trace)', re.I)
EXIT_CODES = {0, 1, 3, 4, 5, 6, 7}
FAULT = re.compile(r'^(<stdin>|other\.conf|whole\.conf|vosctl|\./\S+|[^:]*)(:\d+:\d+)?: (error|warning): \S')
VALUES = ['0', '1', '-1', '30', '65536', '99999999999999999999', '1001', '7777', '"a b"', '""', '"x\\"y"', '127.0.0.1',
          '127.0.0.7:5062', '::1', '127.0.0.0/8', 'on', 'off', 'default', '|', '!', 'é漢', 'x' * 200, 'plain', 'sealed',
          'v1:AAAA', 'SS_SIP_SESSION_TTL', 'SS_', '=', 'none', '00ff', '"open', '\\', '*', '1*', '%s%n', '\x7f', '-',
          '2026-01-01T00:00:00Z', 'udp', '30s', '1,2', '10000,20000']
FILES = ['other.conf', 'whole.conf', '/nonexistent/x', '.', '/dev/null', '/dev/full', './saved']


class Talker:
    """Makes lines by asking the switch what may follow, as ? does."""

    def __init__(self, path, seed):
        self.random = random.Random(seed)
        self.session = Session(path)

    def offers(self, line, mode):
        data, _ = self.session.call('help', line=line, mode=mode)
        return data.get('candidates', [])

    def spoil(self, word):
        kind = self.random.randrange(14)
        if kind == 0:
            return word[:self.random.randrange(1, len(word) + 1)] if word else word
        if kind == 1 and word:
            at = self.random.randrange(len(word))
            return word[:at] + self.random.choice('aZ0-_"\\|?é ') + word[at + 1:]
        if kind == 2:
            return f'"{word}"'
        if kind == 3:
            return word.upper()
        if kind == 4:
            return word + word
        return word

    def value(self, line):
        if re.search(r'\b(load|merge|repl\w*|sav\w*)\W*$', line.strip(), re.I):
            return self.random.choice(FILES)
        return self.random.choice(VALUES)

    def line(self, mode):
        line = ''
        for _ in range(self.random.randrange(1, 10)):
            offers = self.offers(line, mode)
            words = [offer['word'] for offer in offers]
            if not offers or ('<cr>' in words and self.random.random() < 0.25):
                break
            word = self.random.choice(words)
            if word == '<cr>':
                break
            line += (self.spoil(word) if word and self.random.random() < 0.95 else self.value(line)) + ' '
        line = line.rstrip('\n')
        # A file is named by a word of ours, wherever a spoilt line may put it.
        if re.search(r'sav|load|repl', line, re.I):
            words = line.split()
            words[-1] = self.random.choice(FILES)
            line = ' '.join(words)
        return 'show clock' if HARMFUL.search(line) or 'socket' in line else line

    def close(self):
        self.session.close()


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='vos-hostile-')
        cls.addClassCleanup(cls.folder.cleanup)
        cls.before = os.getcwd()
        cls.addClassCleanup(os.chdir, cls.before)
        os.chdir(cls.folder.name)
        cls.switch = Switch(cls.folder.name, CONFIG).start()
        cls.addClassCleanup(cls.end)
        Path('other.conf').write_text('phone 1001\n name other\n exit\nbogus\n')
        cls.whole = cls.switch.do('show', 'running-config')
        Path('whole.conf').write_text(cls.whole)

    @classmethod
    def end(cls):
        code = cls.switch.stop()
        log = cls.switch.log()
        if code != 0 or 'Sanitizer' in log or 'runtime error' in log:
            raise AssertionError(f'switchd ended with {code}\n{log[-4000:]}')

    def setUp(self):
        self.talker = Talker(self.switch.socket, SEED)
        self.addCleanup(self.talker.close)
        self.random = self.talker.random

    def tearDown(self):
        """The switch lives, with the configuration it had."""
        self.assertIsNone(self.switch.process.poll(), self.switch.log()[-3000:])
        self.assertEqual(self.switch.ctl('show', 'clock').returncode, 0)
        Path('whole.conf').write_text(self.whole)  # a line may have saved its output there
        self.switch.ctl('commit', 'confirm')  # a line may have been commit confirmed
        self.switch.do('apply', '--replace', 'whole.conf')

    # --- batch ---

    def check(self, done, lines):
        text = '\n'.join(lines)
        self.assertIn(done.returncode, EXIT_CODES, f'{text}\n{done.stderr[-2000:]}')
        for row in done.stderr.splitlines():
            self.assertRegex(row, FAULT, text)
        self.assertNotIn('\x1b', done.stdout)

    def run_batch(self, lines, *options):
        return subprocess.run([VOSCTL, '-s', self.switch.socket, '-t', '20', '--keep-going', *options, '-f', '-'],
                              input='\n'.join(lines) + '\n', capture_output=True, text=True, errors='replace',
                              timeout=120)

    def test_lines_through_batch(self):
        made = 0
        while made < LINES:
            mode = self.random.choice(list(MODES))
            lines = [self.talker.line(mode) for _ in range(25)]
            made += len(lines)
            block = MODES[mode] + lines
            if mode != 'exec':
                block += [self.random.choice(['commit', 'commit check', 'discard', 'commit force']), 'discard', 'end']
            self.check(self.run_batch(block, *self.random.choice([(), ('-j',), ('-J',), ('-q',)])), block)

    def test_lines_as_arguments(self):
        for _ in range(LINES // 10):
            line = self.talker.line('exec')
            done = subprocess.run([VOSCTL, '-s', self.switch.socket, '-t', '20', *line.replace('\0', '').split(' ')],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True, errors='replace',
                                  timeout=60)
            self.assertIn(done.returncode, EXIT_CODES | {2}, line)
            if done.returncode != 2:
                for row in done.stderr.splitlines():
                    self.assertRegex(row, FAULT, line)

    def test_files_of_bytes(self):
        """apply: any bytes as a file, and a real one with a few bytes that are others."""
        whole = Path('whole.conf').read_bytes()
        before = self.switch.json('show', 'version')['generation']
        for number in range(LINES // 10):
            if number % 2:
                data = bytes(self.random.randrange(256) for _ in range(self.random.randrange(1, 400)))
            else:
                data = bytearray(whole)
                for _ in range(self.random.randrange(1, 6)):
                    data[self.random.randrange(len(data))] = self.random.randrange(256)
            Path('bytes.conf').write_bytes(bytes(data))
            done = subprocess.run([VOSCTL, '-s', self.switch.socket, 'apply', '--check',
                                   *self.random.choice([(), ('--replace',)]), 'bytes.conf'], capture_output=True,
                                  text=True, errors='replace', stdin=subprocess.DEVNULL, timeout=60)
            self.check(done, [repr(bytes(data))])
        self.assertEqual(self.switch.json('show', 'version')['generation'], before)

    def test_bytes_as_commands(self):
        for _ in range(LINES // 20):
            data = bytes(self.random.randrange(256) for _ in range(self.random.randrange(1, 2000)))
            done = subprocess.run([VOSCTL, '-s', self.switch.socket, '--keep-going'], input=data, capture_output=True,
                                  timeout=60, check=False)
            self.assertIn(done.returncode, EXIT_CODES)
            for row in done.stderr.decode(errors='replace').split('\n')[:-1]:
                self.assertRegex(row, FAULT)

    # --- the prompt ---

    def open(self):
        home = tempfile.TemporaryDirectory(prefix='vos-home-')
        self.addCleanup(home.cleanup)
        shell = Terminal([VOSCTL, '-s', self.switch.socket], {'HOME': home.name, 'TERM': self.random.choice(
            ['vt100', 'xterm', 'dumb'])}, columns=self.random.choice([20, 40, 80, 200]), height=24)
        self.addCleanup(shell.close)
        shell.screen.feed = lambda text: None  # what strange keys draw is of no interest
        shell.wait('prompt', lambda _: b'# ' in shell.raw)
        return self.answer(shell)

    def answer(self, shell):
        """Whatever state the keys have left: end of paste, resume output, give up questions, and ask the time."""
        for keys in '\x1b[201~', '\x11', 'q', '\x03', '\x03', '\x15':
            if not self.is_open(shell):
                return self.open()
            shell.keys(keys)
        mark = f'mark{self.random.randrange(10**9)}'
        seen = len(shell.raw)

        def is_answered(_):
            return re.search(rb'unknown word.{0,10}' + mark.encode(), shell.raw[seen:], re.S)
        for _ in range(4):
            try:
                shell.keys('\x15' + mark + '\r')
                return shell.wait('an answer', is_answered, 5)
            except (AssertionError, OSError):
                if not self.is_open(shell, 1):
                    return self.open()
                shell.keys('q\x03d\r')
        raise AssertionError(f'no answer: {shell.raw[-3000:]!r}')

    def is_open(self, shell, patience_s=0):
        """An end of input is a way to leave; no signal is."""
        try:
            code = shell.wait_end(patience_s)
        except AssertionError:
            return True
        self.assertIn(code, (0, 3), f'{shell.raw[-3000:]!r}')
        return False

    def test_bytes_through_the_terminal(self):
        shell = self.open()
        sequences = [b'\x1b[A', b'\x1b[B', b'\x1b[C', b'\x1b[D', b'\x1b[200~', b'\x1b[201~', b'\x12', b'\x09', b'?',
                     b'\x1bx', b'\x1b[3~', b'\x1b', b'\xe6\xbc', b'\x16', b'\x01', b'\x05', b'\x14', b'\x19', b'\x1a',
                     'é漢\u0301\U0001f600'.encode(), b'"', b' | ', b'show ', b'configure\r', b'\r', b'end\r']
        # Ctrl-\ means to end the program, and Ctrl-S to say nothing.
        plain = [bytes([byte]) for byte in range(256) if byte not in (0x1c, 0x13)]
        for _ in range(LINES // 12):
            burst = b''.join(self.random.choice(sequences) if self.random.random() < 0.4 else self.random.choice(plain)
                             for _ in range(self.random.randrange(1, 80)))
            burst = re.sub(HARMFUL.pattern.encode(), b'show', burst)
            try:
                shell.keys(burst)
            except OSError:
                pass
            shell = self.answer(shell)

    def test_lines_through_the_terminal(self):
        shell = self.open()
        for _ in range(LINES // 12):
            mode = self.random.choice(list(MODES))
            for line in [*MODES[mode], self.talker.line(mode)]:
                shell.keys(line.replace('\x7f', '').replace('\n', ' ').replace('?', '\x16?') + '\r')
            shell = self.answer(shell)
            shell.keys('discard\rend\r')
            shell = self.answer(shell)


if __name__ == '__main__':
    if not (BUILD / 'switchd').exists() or not (BUILD / 'vosctl').exists():
        print('switchd or vosctl is not built')
        sys.exit(SKIPPED)
    unittest.main()
