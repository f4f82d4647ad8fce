#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""vosctl without a terminal against the real switchd: exit codes, faults with their place, apply as all or
nothing, JSON documents, two sessions that disagree, and clients that misbehave."""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from session import Session  # noqa: E402
from switch import BUILD, SKIPPED, Switch, wait_for  # noqa: E402

VOSCTL = BUILD / 'vosctl'

CONFIG = '''phone 1001
 password plain "secret one"
 name "Front desk"
 exit
phone 1002
 exit
routing-gateway a
 address 127.0.0.1:5090
 prefixes 00
 exit
hostname sw1
'''


class VosctlBatch(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.switch = Switch(cls.folder.name, CONFIG)
        try:
            cls.switch.start()
        except BaseException:
            cls.folder.cleanup()
            raise

    @classmethod
    def tearDownClass(cls):
        code = cls.switch.stop()
        log = cls.switch.log()
        cls.folder.cleanup()
        if code != 0:
            raise AssertionError(f'switchd ended with {code}\n{log[-4000:]}')

    def vosctl(self, *words, text=None, env=None):
        return subprocess.run([str(VOSCTL), '-s', self.switch.socket, *words], input=text or '',
                              capture_output=True, text=True, timeout=60, env=env)

    def write(self, name, text):
        path = Path(self.folder.name) / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    def generation(self):
        return self.switch.json('show', 'version')['generation']

    def expect(self, done, code):
        self.assertEqual(done.returncode, code, f'{done.args}\n{done.stdout}\n{done.stderr}')
        return done

    # --- exit codes ---

    def test_exit_codes(self):
        for code, words in [
                (0, ['show', 'version']),
                (1, ['show', 'nothing']),
                (1, ['shutdown']),
                (1, ['set', 'SS_SIP_NAT_KEEP_ALIVE_PERIOD', '5']),
                (2, ['-t', 'soon', 'show', 'version']),
                (2, ['--no-such-option']),
                (2, ['-c', 'show version', 'show', 'version']),
                (2, ['apply']),
                (2, ['-f', '/nonexistent/file']),
                (2, ['-f', '/']),
                (2, ['apply', '/']),
                (1, ['clear', 'calls', 'all']),
                (1, ['clear', 'registration', 'all']),
                (0, ['-y', 'clear', 'registration', 'all']),
                (5, ['set', 'phone', '1001', 'network', 'nowhere']),
                (6, ['show', 'call', '0000']),
                (6, ['show', 'phones', '9999']),
                (0, ['show', 'phones', '9999*']),
                (6, ['clear', 'registration', '1001']),
                (6, ['show', 'parameter', 'SS_NONE']),
        ]:
            with self.subTest(words=words):
                self.expect(self.vosctl(*words), code)

    def test_no_connection(self):
        done = subprocess.run([str(VOSCTL), '-s', '/nonexistent/socket', 'show', 'version'],
                              capture_output=True, text=True, timeout=20)
        self.expect(done, 3)
        self.assertIn('/nonexistent/socket', done.stderr)
        done = subprocess.run([str(VOSCTL), '-j', '-s', '/nonexistent/socket', 'show', 'version'],
                              capture_output=True, text=True, timeout=20)
        self.assertEqual(json.loads(done.stdout)['error']['code'], 'conn.lost')

    def test_socket_from_the_environment(self):
        done = subprocess.run([str(VOSCTL), 'show', 'version'], capture_output=True, text=True, timeout=20,
                              env={**os.environ, 'VOSCTL_SOCKET': self.switch.socket})
        self.expect(done, 0)

    def silent_server(self, hangs_up, asked=None):
        """A socket that says hello, sets the event when it is asked something, and then hangs up or waits."""
        path = str(Path(self.folder.name) / f'silent-{len(os.listdir(self.folder.name))}')
        server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        server.bind(path)
        server.listen()

        def serve():
            peer, _ = server.accept()
            with peer, peer.makefile('rb') as lines:
                lines.readline()
                peer.sendall(b'{"jsonrpc":"2.0","id":1,"result":{"protocol":1,"role":"admin"}}\n')
                lines.readline()
                if asked:
                    asked.set()
                if not hangs_up:
                    lines.readline()
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        self.addCleanup(server.close)
        return path

    def test_timed_out_and_lost(self):
        done = subprocess.run([str(VOSCTL), '-q', '-s', self.silent_server(False), '-t', '0.2', 'show',
                               'version'], capture_output=True, text=True, timeout=20)
        self.expect(done, 7)
        done = subprocess.run([str(VOSCTL), '-q', '-s', self.silent_server(True), 'show', 'version'],
                              capture_output=True, text=True, timeout=20)
        self.expect(done, 3)
        self.assertIn('lost during: show', done.stderr)

    def test_ended_by_a_signal(self):
        asked = threading.Event()
        process = subprocess.Popen([str(VOSCTL), '-q', '-s', self.silent_server(False, asked), 'show', 'version'],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.addCleanup(process.kill)
        self.assertTrue(asked.wait(20))
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), -signal.SIGINT)

    def test_standard_output_that_is_full(self):
        with open('/dev/full', 'wb') as full:
            done = subprocess.run([str(VOSCTL), '-s', self.switch.socket, 'show', 'parameters'],
                                  stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b'standard output', done.stderr)

    @unittest.skipUnless(os.geteuid() == 0, 'only root can become somebody else')
    def test_roles(self):
        def as_nobody(*words):
            return subprocess.run([str(VOSCTL), '-s', self.switch.socket, *words], capture_output=True,
                                  text=True, timeout=20, user='nobody', group='nogroup', extra_groups=[])
        os.chmod(self.folder.name, 0o755)
        if as_nobody('--version').returncode != 0:
            self.skipTest('nobody cannot run this vosctl')
        self.assertIn('no right', self.expect(as_nobody('show', 'version'), 4).stderr)
        os.chmod(self.switch.socket, 0o666)
        self.addCleanup(os.chmod, self.switch.socket, 0o660)
        self.expect(as_nobody('show', 'version'), 0)
        self.assertIn('needs the role admin', self.expect(as_nobody('set', 'hostname', 'x'), 4).stderr)
        self.expect(as_nobody('clear', 'registration', '1001'), 4)
        self.expect(as_nobody('apply', self.write('roles.conf', 'hostname x\n')), 4)
        self.switch.do('set', 'user', 'nobody', 'role', 'operator')
        self.expect(as_nobody('clear', 'registration', '1001'), 6)
        self.expect(as_nobody('set', 'hostname', 'x'), 4)
        self.switch.do('set', 'user', 'nobody', 'role', 'admin')
        self.expect(as_nobody('set', 'phone', '1002', 'name', 'by nobody'), 0)
        self.assertIn('user=nobody', self.switch.log())

    # --- lines from arguments, files, standard input ---

    def test_no_banner_no_prompt(self):
        done = self.expect(self.vosctl(text='show clock\n'), 0)
        self.assertRegex(done.stdout, r'\Atime  \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n\Z')
        self.assertEqual(done.stderr, '')

    def test_stops_at_the_first_failure(self):
        text = 'show clock\nshow nothing\nshow version\n'
        done = self.expect(self.vosctl(text=text), 1)
        self.assertNotIn('version', done.stdout)
        self.assertRegex(done.stderr, r'\A<stdin>:2:6: error: .*nothing.*\n\Z')
        done = self.expect(self.vosctl('--keep-going', text=text + 'show call 00\n'), 1)
        self.assertIn('version', done.stdout)
        path = self.write('lines', text)
        self.assertIn(f'{path}:2:6: error: ', self.expect(self.vosctl('-f', path), 1).stderr)
        done = self.expect(self.vosctl('-c', 'show clock', '-c', 'show nothing'), 1)
        self.assertIn('-c:2:6: error: ', done.stderr)

    def test_missing_file(self):
        self.expect(self.vosctl('-f', '/nonexistent'), 2)
        self.expect(self.vosctl('apply', '/nonexistent'), 2)

    def test_words_with_blanks_stay_one(self):
        self.expect(self.vosctl('set', 'phone', '1002', 'name', 'A "quoted" name'), 0)
        self.assertIn('name "A \\"quoted\\" name"', self.switch.do('show', 'running-config', 'phone', '1002'))

    def test_a_block_without_commit_is_a_failure(self):
        before = self.generation()
        done = self.expect(self.vosctl(text='configure\nhostname lost\n'), 1)
        self.assertIn('not committed', done.stderr)
        self.expect(self.vosctl(text='configure\nhostname lost\nexit\n'), 1)
        self.assertEqual(self.generation(), before)
        self.expect(self.vosctl(text='configure\nphone 1002\nlock out\ncommit\nend\n'), 0)
        self.assertEqual(self.generation(), before + 1)

    def test_secrets_are_never_echoed(self):
        done = self.vosctl(text='configure\nphone 1001\npassword "hush hush"\nnme x\n')
        self.expect(done, 1)
        self.assertNotIn('hush', done.stdout + done.stderr)
        self.assertNotIn('hush', self.switch.log())
        self.assertIn('command="password ', self.switch.log())

    # --- apply ---

    def test_apply_tells_all_faults_and_changes_nothing(self):
        before = self.generation()
        path = self.write('bad.conf', 'hostname changed\nphone 1003\n nme x\nsip-parameter\n'
                          ' nat-keep-alive-period 5\n foo bar\n')
        done = self.expect(self.vosctl('apply', path), 1)
        places = re.findall(rf'^{re.escape(path)}:(\d+:\d+): error:', done.stderr, re.M)
        self.assertEqual(places, ['3:2', '5:24', '6:2'])
        self.assertIn('now 30', done.stderr)
        self.assertEqual(self.generation(), before)
        document = json.loads(self.vosctl('-j', 'apply', path).stdout)
        self.assertEqual(document['error']['code'], 'syntax.unknown-word')
        self.assertEqual(len(document['warnings']), 3)
        path = self.write('check.conf', 'hostname changed\nphone 1003\n network nowhere\n')
        self.expect(self.vosctl('apply', path), 5)
        self.assertEqual(self.generation(), before)

    def test_apply_not_text(self):
        path = self.write('binary.conf', b'hostname a\nphone 1\xff\n')
        self.assertIn(f'{path}:2:8: error:', self.expect(self.vosctl('apply', path), 1).stderr)
        path = self.write('nul.conf', b'hostname a\0b\n')
        self.assertIn(f'{path}:1:11: error:', self.expect(self.vosctl('apply', path), 1).stderr)

    def test_apply_diff_check_and_again(self):
        before = self.generation()
        path = self.write('one.conf', 'phone 1004\n name "Fourth"\n password plain "p w"\n')
        done = self.expect(self.vosctl('apply', path, '--diff'), 10)
        self.assertIn('+ phone 1004 name Fourth\n', done.stdout)
        self.expect(self.vosctl('apply', '--check', path), 0)
        self.assertEqual(self.generation(), before)
        self.expect(self.vosctl('apply', path, '--comment', 'the fourth'), 0)
        self.assertEqual(self.generation(), before + 1)
        self.assertEqual(self.switch.rows('show', 'configuration', 'history', 'last', '1')[0]['comment'],
                         'the fourth')
        self.expect(self.vosctl('apply', path), 0)
        self.expect(self.vosctl('apply', path, '--diff'), 0)
        self.assertEqual(self.generation(), before + 1)

    def test_apply_from_standard_input(self):
        self.expect(self.vosctl('apply', '-', text='phone 1006\n name x\n'), 0)
        self.assertEqual(len(self.switch.rows('show', 'phones', '1006')), 1)

    def test_replace(self):
        whole = self.switch.do('show', 'running-config')
        self.expect(self.vosctl('apply', '--replace', self.write('part.conf', 'phone 9\n')), 1)
        cut = whole[:whole.rindex('end')]
        self.expect(self.vosctl('apply', self.write('cut.conf', cut)), 1)
        self.expect(self.vosctl('apply', '--replace', '--diff', self.write('same.conf', whole)), 0)
        self.switch.do('set', 'phone', '1777', 'name', 'extra')
        done = self.expect(self.vosctl('apply', '--replace', self.write('whole.conf', whole)), 0)
        self.assertIn('committed', done.stdout)
        self.assertEqual(self.switch.rows('show', 'phones', '1777*'), [])
        strip = lambda text: [line for line in text.splitlines() if not line.startswith('! generation')]
        self.assertEqual(strip(self.switch.do('show', 'running-config')), strip(whole))

    def test_ten_thousand_lines(self):
        lines = ''.join(f'phone {50000 + i}\n name "Number {i} \u00fc"\n' for i in range(5000))
        before = self.generation()
        self.expect(self.vosctl('apply', self.write('big.conf', lines)), 0)
        self.assertEqual(self.generation(), before + 1)
        self.assertEqual(len(self.switch.rows('show', 'phones', '5*')), 5000)
        self.assertIn('name "Number 4999 \u00fc"', self.switch.do('show', 'running-config'))

    # --- documents ---

    def test_documents(self):
        for words, kind in [(['show', 'phones'], 'rows'), (['show', 'calls'], 'rows'),
                            (['show', 'registrations'], 'rows'), (['show', 'parameters'], 'rows'),
                            (['show', 'sessions'], 'rows'), (['show', 'counters'], 'rows'),
                            (['show', 'sip', 'statistics'], 'rows'), (['show', 'route', '0012'], 'rows'),
                            (['show', 'routing-gateways'], 'rows'), (['show', 'mapping-gateways'], 'rows'),
                            (['show', 'media', 'sessions'], 'rows'),
                            (['show', 'authentication', 'failures'], 'rows'),
                            (['show', 'configuration', 'history'], 'rows'),
                            (['show', 'configuration', 'diff'], 'rows'),
                            (['show', 'status'], 'item'), (['show', 'nat-keep-alive'], 'item'),
                            (['show', 'nat-keep-alive', 'capacity', 'devices', '7'], 'item'),
                            (['show', 'media', 'ports'], 'item'), (['show', 'uptime'], 'item'),
                            (['show', 'media', 'decision', 'caller', '1001', 'callee', 'a'], 'item'),
                            (['show', 'parameter', 'SS_SIP_SESSION_TTL'], 'item'),
                            (['show', 'running-config'], 'text')]:
            with self.subTest(words=words):
                document = self.switch.json(*words)
                self.assertRegex(document['schema'], r'^[a-z0-9-]+/1$')
                self.assertIsInstance(document['generation'], int)
                self.assertRegex(document['time'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$')
                self.assertIn(kind, document)
                if kind != 'rows':
                    continue
                self.assertEqual(document['count'], len(document['rows']))
                self.assertIs(document['complete'], True)
                for row in document['rows']:
                    self.assertTrue(all(re.fullmatch('[a-z0-9_]+', name) for name in row))

    def test_json_lines(self):
        lines = [json.loads(line) for line in self.switch.do('-J', 'show', 'parameters').splitlines()]
        self.assertEqual(lines[-1]['status'], 'ok')
        self.assertEqual(lines[-1]['count'], len(lines) - 1)
        self.assertIs(lines[-1]['complete'], True)

    def test_json_of_a_fault(self):
        done = self.expect(self.vosctl('-j', 'show', 'call', '00'), 6)
        error = json.loads(done.stdout)['error']
        self.assertEqual(error['code'], 'not-found')
        self.assertEqual(set(error), {'code', 'message', 'path', 'line', 'column'})

    def test_what_is_named_and_missing_has_no_heading(self):
        for words in ['show', 'phones', '9999'], ['show', 'phones', '9999', '|', 'csv']:
            done = self.expect(self.vosctl(*words), 6)
            self.assertEqual(done.stdout, '')
        document = json.loads(self.expect(self.vosctl('-j', 'show', 'phones', '9999'), 6).stdout)
        self.assertEqual(set(document), {'error'})
        self.assertIsNone(document['error']['path'])
        # A pattern names nothing; its list is empty, not missing.
        self.assertIn('NUMBER', self.expect(self.vosctl('show', 'phones', '9999*'), 0).stdout)
        self.assertEqual(self.switch.json('show', 'phones', '9999*')['rows'], [])

    def test_pipes(self):
        self.assertEqual(self.switch.do('show phones 1001 | count'), '1\n')
        self.assertEqual(json.loads(self.switch.do('show phones 1* | include 1002 | json'))['count'], 1)
        rows = self.switch.do('show phones 1001 | csv').splitlines()
        self.assertEqual(rows[0].split(',')[0], 'number')
        self.assertEqual(rows[1].split(',')[:2], ['1001', 'Front desk'])
        self.assertEqual(self.switch.do('show', 'running-config', '|', 'include', '^hostname'), 'hostname sw1\n')

    # --- several at a time ---

    def test_two_sessions_disagree(self):
        one = Session(self.switch.socket)
        two = Session(self.switch.socket)
        self.addCleanup(one.close)
        self.addCleanup(two.close)
        for session in one, two:
            session.run('configure')
        one.run('phone 1001 lock out')
        two.run('phone 1001 lock in')
        two.run('phone 1002 lock in')
        self.assertEqual(one.run('commit')[0]['status'], 'ok')
        data, notices = two.run('commit')
        self.assertEqual(data['code'], 'conflict.generation')
        self.assertEqual(data['stage'], 'commit')
        self.assertEqual([notice['params']['path'] for notice in notices
                          if notice['method'] == 'warning'], ['phone 1001 lock'])
        self.assertEqual(data['pending'], 2)
        self.assertEqual(two.run('commit force')[0]['status'], 'ok')
        lock = self.switch.rows('show', 'phones', '1001')[0]['lock']
        self.assertEqual(lock, 'in')

    def test_clients_that_misbehave(self):
        slow = Session(self.switch.socket)
        self.addCleanup(slow.close)
        request = json.dumps({'id': 1, 'method': 'exec', 'params': {'line': 'show parameters'}}).encode() + b'\n'
        slow.sock.setblocking(False)
        try:
            for _ in range(20000):
                slow.sock.send(request)
            self.fail('the daemon reads without bound')
        except BlockingIOError:
            pass
        for garbage in b'\0\1\2\xff' * 1000, b'\n' * 5000, b'{"id":' * 5000, b'{}\n' * 5000, b'[' * 100000:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
                peer.connect(self.switch.socket)
                peer.settimeout(20)
                try:
                    peer.sendall(garbage)
                except OSError:
                    pass
        for _ in range(1000):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
                peer.connect(self.switch.socket)
        self.switch.do('show', 'version')
        # The dead ones are forgotten: this session and the slow one are left.
        wait_for('sessions end', lambda: len(self.switch.rows('show', 'sessions')) == 2)

    def test_commands_that_change_are_audited(self):
        self.switch.do('set', 'phone', '1002', 'password', 'very-secret')
        line = [line for line in self.switch.log().splitlines() if 'audit' in line][-1]
        self.assertIn('set phone 1002 password', line)
        self.assertIn('result=ok', line)
        self.assertNotIn('very-secret', self.switch.log())


if __name__ == '__main__':
    if not (BUILD / 'switchd').exists() or not VOSCTL.exists():
        sys.exit(SKIPPED)
    unittest.main()
