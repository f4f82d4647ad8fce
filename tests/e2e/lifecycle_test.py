#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How switchd starts and stops: exit codes with one clear line, calls ended with BYE, signals."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from switch import BUILD, SKIPPED, free_udp_port, wait_for  # noqa: E402

SDP = ('v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n'
       'm=audio 4000 RTP/AVP 0\r\n')


class Peer:
    """A UDP endpoint that reads SIP as text."""

    def __init__(self, port):
        self.switch = ('127.0.0.1', port)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(('127.0.0.1', 0))
        self.sock.settimeout(10)
        self.port = self.sock.getsockname()[1]

    def move_to(self, port):
        self.sock.close()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(('127.0.0.1', port))
        self.sock.settimeout(10)
        self.port = port

    def send(self, text):
        self.sock.sendto(text.encode(), self.switch)

    def get(self, start):
        while True:
            text = self.sock.recv(65536).decode()
            if text.startswith(start):
                return text

    def answer(self, request, status, body=''):
        lines = [f'SIP/2.0 {status}']
        for line in request.split('\r\n'):
            name = line.split(':')[0]
            if name in ('Via', 'From', 'Call-ID', 'CSeq'):
                lines.append(line)
            elif name == 'To':
                lines.append(line if ';tag=' in line else line + ';tag=callee')
        lines.append(f'Contact: <sip:900@127.0.0.1:{self.port}>')
        if body:
            lines.append('Content-Type: application/sdp')
        self.send('\r\n'.join(lines) + f'\r\nContent-Length: {len(body)}\r\n\r\n{body}')


class Lifecycle(unittest.TestCase):
    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix='vos-life-'))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.processes = []
        self.addCleanup(self.end_all)

    def end_all(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()

    def spawn(self, *options, log='log'):
        with open(self.folder / log, 'wb') as out:
            process = subprocess.Popen(
                [str(BUILD / 'switchd'), '--foreground', '--socket', str(self.folder / 'ctl'), *options],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.processes.append(process)
        return process

    def log(self, name='log'):
        return (self.folder / name).read_text(errors='replace')

    def config(self, text):
        path = self.folder / 'conf'
        path.write_text(text)
        return str(path)

    def start(self, config=''):
        self.port = free_udp_port()
        text = f'listen test\n udp 127.0.0.1:{self.port}\n exit\n{config}end\n'
        process = self.spawn('--state', str(self.folder / 'state'), '--apply', self.config(text))

        def ready():
            if process.poll() is not None:
                self.fail(f'switchd ended with {process.returncode}: {self.log()}')
            return ' ready' in self.log()
        wait_for('switchd is ready', ready)
        return process

    def fails(self, code, word, *options, log='log'):
        """Starts, expects that exit code, and `word` in the one line that says why."""
        process = self.spawn(*options, log=log)
        self.assertEqual(process.wait(20), code, self.log(log))
        errors = [line for line in self.log(log).splitlines() if ' error ' in line or not line[:1].isdigit()]
        self.assertTrue(any(word in line for line in errors), f'{word!r} not in {self.log(log)}')
        return errors

    def test_calls_end_with_bye(self):
        callee_port = free_udp_port()
        process = self.start(
            'mapping-gateway in\n address 127.0.0.1\n exit\n'
            f'routing-gateway out\n address 127.0.0.1:{callee_port}\n exit\n')
        caller = Peer(self.port)
        callee = Peer(self.port)
        callee.move_to(callee_port)
        self.addCleanup(caller.sock.close)
        self.addCleanup(callee.sock.close)
        head = (f'Via: SIP/2.0/UDP 127.0.0.1:{caller.port};branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n'
                'From: <sip:1@a>;tag=x\r\nTo: <sip:900@a>%s\r\nCall-ID: life\r\nCSeq: 1 %s\r\n'
                f'Contact: <sip:1@127.0.0.1:{caller.port}>\r\n')
        caller.send('INVITE sip:900@127.0.0.1 SIP/2.0\r\n' + head % ('a', '', 'INVITE') +
                    f'Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}')
        callee.answer(callee.get('INVITE '), '200 OK', SDP)
        answer = caller.get('SIP/2.0 200 ')
        tag = answer.split('\r\nTo: ')[1].split('\r\n')[0].split(';tag=')[1]
        caller.send('ACK sip:900@127.0.0.1 SIP/2.0\r\n' + head % ('b', f';tag={tag}', 'ACK') +
                    'Content-Length: 0\r\n\r\n')
        callee.get('ACK ')
        process.send_signal(signal.SIGTERM)
        for peer in (caller, callee):
            bye = peer.get('BYE ')
            self.assertIn('Reason: Q.850;cause=38', bye)
            peer.answer(bye, '200 OK')
        self.assertEqual(process.wait(20), 0, self.log())
        self.assertFalse((self.folder / 'ctl').exists())

    def test_signals(self):
        process = self.start()
        process.send_signal(signal.SIGHUP)
        wait_for('SIGHUP is noticed', lambda: 'SIGHUP' in self.log())
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), 0)

    def test_wrong_usage(self):
        self.fails(2, 'usage:', '--no-such-option')
        self.fails(2, 'unexpected argument', 'word')

    def test_port_in_use(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(('127.0.0.1', 0))
            port = taken.getsockname()[1]
            conf = self.config(f'listen test\n udp 127.0.0.1:{port}\n exit\nend\n')
            errors = self.fails(3, f'127.0.0.1:{port}', '--state', str(self.folder / 'state'), '--apply',
                                conf)
            self.assertEqual(len(errors), 1, errors)

    def test_address_not_here(self):
        conf = self.config('listen test\n udp 192.0.2.1:5060\n exit\nend\n')
        self.fails(3, '192.0.2.1:5060', '--state', str(self.folder / 'state'), '--apply', conf)

    def test_configuration_refused(self):
        conf = self.config('sip-parameter\n nat-keep-alive-period 5\n nonsense\n exit\nend\n')
        errors = self.fails(1, ':2:', '--state', str(self.folder / 'state'), '--apply', conf)
        self.assertTrue(any(':3:' in line for line in errors), errors)
        self.assertTrue(any('10..86400' in line for line in errors), errors)

    def test_check_only(self):
        good = self.config('sip-parameter\n nat-keep-alive-period 20\n exit\nend\n')
        process = self.spawn('--state', str(self.folder / 'state'), '--apply', good, '--check')
        self.assertEqual(process.wait(20), 0, self.log())

    def test_state_in_use(self):
        first = self.start()
        conf = self.config('end\n')
        self.fails(4, str(first.pid), '--state', str(self.folder / 'state'), '--apply', conf, log='second')

    def test_state_is_a_file(self):
        (self.folder / 'state').write_text('')
        self.fails(4, str(self.folder / 'state'), '--state', str(self.folder / 'state'))

    def test_state_parent_missing(self):
        self.fails(4, 'nowhere', '--state', str(self.folder / 'nowhere' / 'state'))

    def test_damaged_databases(self):
        process = self.start()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(20), 0)
        for name in ('config', 'bindings'):
            files = sorted((self.folder / 'state' / name).glob('data.mdb'))
            self.assertEqual(len(files), 1)
            whole = files[0].read_bytes()
            cut = [whole[:5000]] if name == 'config' else []  # no binding is stored, so nothing to lose
            for damage in [b'\0' * len(whole), os.urandom(len(whole)), *cut]:
                files[0].write_bytes(damage)
                self.fails(4, name, '--state', str(self.folder / 'state'), '--check', log='damaged')
            # What is missing at the end may be free pages; either way there is no crash.
            files[0].write_bytes(whole[:-4096])
            process = self.spawn('--state', str(self.folder / 'state'), '--check', log='damaged')
            self.assertIn(process.wait(20), (0, 4), self.log('damaged'))
            # Nothing at all is a first start that was cut off: taken as new, but said.
            files[0].write_bytes(b'')
            process = self.spawn('--state', str(self.folder / 'state'), '--check', log='damaged')
            self.assertEqual(process.wait(20), 0, self.log('damaged'))
            self.assertIn(f'{name}/data.mdb has no bytes', self.log('damaged'))
            files[0].write_bytes(whole)

    def test_read_only_state(self):
        """Root writes everywhere, so the folder is mounted read-only in a namespace of the test's own."""
        state = self.folder / 'state'
        state.mkdir()
        script = (f'mount --bind {state} {state} && mount -o remount,ro,bind {state} && '
                  f'exec {BUILD}/switchd --foreground --state {state} --socket {self.folder}/ctl')
        done = subprocess.run(['unshare', '-m', 'sh', '-c', script], capture_output=True, text=True,
                              timeout=30, stdin=subprocess.DEVNULL)
        if 'unshare' in done.stderr or 'mount:' in done.stderr:
            self.skipTest('no mount namespaces here')
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn(str(state), done.stderr)

    def test_full_disk(self):
        state = self.folder / 'state'
        state.mkdir()
        script = (f'mount -t tmpfs -o size=16k tmpfs {state} && '
                  f'exec {BUILD}/switchd --foreground --state {state} --socket {self.folder}/ctl')
        done = subprocess.run(['unshare', '-m', 'sh', '-c', script], capture_output=True, text=True,
                              timeout=30, stdin=subprocess.DEVNULL)
        if 'unshare' in done.stderr or 'mount:' in done.stderr:
            self.skipTest('no mount namespaces here')
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn(str(state), done.stderr)


if __name__ == '__main__':
    if not (BUILD / 'switchd').exists():
        print('switchd is not built', file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
