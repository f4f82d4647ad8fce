#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Completion of vosctl's command line, driven without a terminal: bash is given the words and the place of
the cursor, what it offers is compared. With a switch that answers, one that is absent and one that hangs."""
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from switch import BUILD, ROOT, Switch

BASH = ROOT / 'data/completion/vosctl.bash'
ZSH = ROOT / 'data/completion/_vosctl'
CONFIG = '''phone 1001
 exit
phone 1002
 exit
routing-gateway carrier-a
 address 127.0.0.1:5090
 exit
network office
 prefix 10.0.0.0/8
 exit
'''
SCRIPT = '''source "$1" || exit
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_vosctl
(( ${#COMPREPLY[@]} == 0 )) || printf '%s\\n' "${COMPREPLY[@]}"
'''


class Completion(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='vos-completion-')
        cls.addClassCleanup(cls.folder.cleanup)
        cls.switch = Switch(cls.folder.name, CONFIG).start()
        cls.addClassCleanup(cls.switch.stop)

    def offered(self, *words, socket_path=None):
        """What bash offers for the last word; the switch's socket stands before the words."""
        command = ['bash', '-c', SCRIPT, 'bash', str(BASH), str(BUILD / 'vosctl'), '-s',
                   socket_path or self.switch.socket, *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd=self.folder.name)
        self.assertEqual(done.stderr, '')
        self.assertEqual(done.returncode, 0)
        return sorted(done.stdout.split('\n')[:-1])

    def test_words_of_the_grammar(self):
        for words, expected in [
                (['sho'], ['show']),
                (['show', 'cal'], ['call', 'calls']),
                (['show', 'media', ''], ['decision', 'fast-path', 'ports', 'sessions']),
                (['show', 'calls', 'ca'], ['caller', 'callee']),
                (['show', 'calls', 'caller', '1001', 'st'], ['state']),
                (['show', 'calls', 'state', 'r'], ['releasing', 'ringing']),
                (['show', 'calls', 'state', 'ringing', 'br'], ['brief']),
                (['show', 'calls', 'active', 'caller', '1001', 'gat'], ['gateway']),
                (['show', 'nat-keep-alive', ''], ['capacity', 'phones']),
                (['show', 'nat-keep-alive', 'capacity', ''], ['devices']),
                (['show', 'nat-keep-alive', 'capacity', 'devices', ''], []),
                (['show', 'media', 'decision', 'caller', '1001', ''], ['callee']),
                (['show', 'version', ''], []),
                (['show', 'nothing', 'ca'], []),
                (['nothing', ''], []),
                (['clear', 'authentication', 'suspended', ''], ['address', 'all']),
                (['set', 'rou'], ['routing-gateway']),
                (['set', 'phone', '1001', 'lo'], ['local-address', 'local-ring', 'local-ring-delay', 'lock']),
                (['set', 'phone', '1001', 'lock', ''], ['all', 'in', 'none', 'out']),
                (['set', 'phone', '1001', 'lock', 'in', ''], []),
                (['set', 'sip-parameter', 'session-t'], ['session-timeout-early-hangup', 'session-ttl']),
        ]:
            with self.subTest(words=words):
                self.assertEqual(self.offered(*words), sorted(expected))

    def test_names_of_parameters(self):
        expected = ['SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP', 'SS_SIP_SESSION_TTL']
        self.assertEqual(self.offered('set', 'SS_SIP_SESSION_T'), expected)
        self.assertEqual(self.offered('show', 'parameter', 'SS_SIP_SESSION_T'), expected)
        self.assertEqual(self.offered('set', 'SS_MEDIA_PROXY_MODE', 'o'), ['off', 'on'])
        self.assertEqual(self.offered('set', 'SS_SIP_SESSION_TTL', ''), [])
        self.assertNotIn('SS_SIP_SESSION_TTL', self.offered('set', ''))
        self.assertEqual(len(self.offered('show', 'parameter', '')),
                         len(self.switch.rows('show', 'parameters')))

    def test_options(self):
        self.assertEqual(self.offered('--k'), ['--keep-going'])
        self.assertEqual(self.offered('-j', '-t', '5', 'show', 'upt'), ['uptime'])
        self.assertEqual(self.offered('-t', ''), [])
        self.assertEqual(self.offered('-c', 'sh'), [])
        self.assertEqual(self.offered('apply', '--d'), ['--diff'])
        self.assertEqual(self.offered('apply', 'x', '--comment', ''), [])
        (Path(self.folder.name) / 'site.conf').write_text('')
        self.assertEqual(self.offered('apply', 'sit'), ['site.conf'])
        self.assertEqual(self.offered('-f', 'sit'), ['site.conf'])

    def test_values_of_the_switch(self):
        """They may take longer than the limit on a loaded machine, then nothing is offered: asked again."""
        for words, expected in [
                (['show', 'phones', ''], ['1001', '1002', 'brief', 'capacity', 'detail']),
                (['clear', 'registration', '10'], ['1001', '1002']),
                (['show', 'calls', 'gateway', ''], ['carrier-a']),
                (['show', 'registrations', 'gateway', ''], ['carrier-a']),
                (['set', 'phone', ''], ['1001', '1002']),
                (['set', 'network', ''], ['office']),
                (['set', 'phone', '1001', 'network', ''], ['office']),
                (['show', 'configuration', 'generation', ''], ['1']),
        ]:
            with self.subTest(words=words):
                for _ in range(20):
                    found = self.offered(*words)
                    if found:
                        break
                self.assertEqual(found, expected)

    def test_no_switch(self):
        self.assertEqual(self.offered('show', 'phones', '', socket_path='/nonexistent/socket'),
                         ['brief', 'capacity', 'detail'])
        self.assertEqual(self.offered('show', 'cal', socket_path='/nonexistent/socket'), ['call', 'calls'])

    def test_a_switch_that_hangs(self):
        path = str(Path(self.folder.name) / 'hangs.sock')
        ended = threading.Event()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
            server.bind(path)
            server.listen()

            def serve():
                with server.accept()[0] as peer:
                    # Never answers; the end of its input is that vosctl has given up.
                    while peer.recv(4096):
                        pass
                ended.set()
            threading.Thread(target=serve, daemon=True).start()
            start = time.monotonic()
            self.assertEqual(self.offered('show', 'phones', '', socket_path=path), ['brief', 'capacity', 'detail'])
            self.assertTrue(ended.wait(10))
            print(f'given up after {time.monotonic() - start:.2f} s', file=sys.stderr)

    @unittest.skipUnless(shutil.which('zsh'), 'zsh is not installed')
    def test_zsh_walks_the_same_table(self):
        text = ZSH.read_text()
        text = text[:text.index('_vosctl_command()')]
        script = text + '\nlocal -a next\n_vosctl_walk "$@"\nprint -rl -- $next\n'
        for words, expected in [
                (['show', 'media'], ['ports', 'fast-path', 'sessions', 'decision']),
                (['show', 'calls', 'state', 'ringing'], ['history', 'active']),
                (['show', 'version'], []),
                (['set', 'phone', '1001', 'lock'], ['@', 'none', 'out', 'in', 'all', '!']),
                (['set', 'phone', '1001', 'lock', 'in'], []),
        ]:
            with self.subTest(words=words):
                done = subprocess.run(['zsh', '-f', '-c', f'f() {{ {script} }}; f "$@"', 'zsh', *words],
                                      capture_output=True, text=True, timeout=30)
                self.assertEqual(done.stderr, '')
                found = [line.partition(':')[0] for line in done.stdout.split('\n') if line]
                self.assertEqual(found[:len(expected)] if expected else found, expected)


if __name__ == '__main__':
    unittest.main(verbosity=2)
