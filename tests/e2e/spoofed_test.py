#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Requests from addresses that are nobody's: no phone is locked out by them, and no memory grows. In network
namespaces of the test's own, with a raw socket; the tables themselves meet ten million sources in
auth_crowd_test."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import netns  # noqa: E402
from switch import BUILD, ROOT, SKIPPED, Switch, wait_for  # noqa: E402

SOURCES = 100000
GROWTH_MAX_KB = 50 * 1024
PASSWORD = 'a long one'

# Each address sends a REGISTER with credentials for a nonce that was never sent to it.
FLOOD = '''
import random, socket, struct, sys, time
to, count, nonce = socket.inet_aton(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
random.seed(7)
print('ready', flush=True)
sys.stdin.readline()
for number in range(count):
    source = struct.pack('!I', 0x0a000000 | random.randrange(1, 1 << 24))
    text = (f'REGISTER sip:sw SIP/2.0\\r\\nVia: SIP/2.0/UDP 10.9.9.9:5060;branch=z9hG4bK{number}\\r\\n'
            f'From: <sip:1001@sw>;tag=1\\r\\nTo: <sip:1001@sw>\\r\\nCall-ID: {number}\\r\\nCSeq: 1 REGISTER\\r\\n'
            f'Authorization: Digest username="1001", realm="sw", nonce="{nonce}", uri="sip:sw", '
            f'response="{"0" * 32}", algorithm=MD5\\r\\nContent-Length: 0\\r\\n\\r\\n').encode()
    udp = struct.pack('!HHHH', 5060, 5060, 8 + len(text), 0)
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 28 + len(text), 0, 0, 64, 17, 0, source, to)
    raw.sendto(head + udp + text, (sys.argv[1], 0))
    if number % 100 == 99:
        time.sleep(0.001)  # a pace, so that a busy machine's socket buffers hold it
'''

PHONE = '''
import sys
sys.path.insert(0, sys.argv[1])
from sip_client import Phone
phone = Phone(('192.0.2.1', 5060), '1001', sys.argv[2], address='192.0.2.66')
if sys.argv[3] == 'nonce':
    print(phone.challenge()['nonce'])
else:
    for _ in range(100):
        answer = phone.ask(phone.text(), 0.5)
        if answer and answer.status == 401:
            answer = phone.ask(phone.text(phone.credentials(answer.challenge()), f'Contact: <{phone.contact}>'), 0.5)
            if answer and answer.status == 200:
                break
    print(answer.status if answer else 0)
'''


class Spoofed(unittest.TestCase):
    def setUp(self):
        self.inside, self.outside = netns.Netns('in'), netns.Netns('out')
        self.addCleanup(self.inside.delete)
        self.addCleanup(self.outside.delete)
        netns.link(self.inside, 'sw', '192.0.2.1/24', self.outside, 'net', '192.0.2.66/24')
        self.inside.ip('route', 'add', '10.0.0.0/8', 'via', '192.0.2.66')
        self.inside.sysctl('net.ipv4.conf.all.rp_filter', 0)
        folder = tempfile.TemporaryDirectory(prefix='vos-spoofed-')
        self.addCleanup(folder.cleanup)
        self.switch = Switch(folder.name, '\n'.join([
            f'phone 1001\n password plain "{PASSWORD}"\n exit', 'SS_SIP_AUTHENTICATION_REALM = sw',
            'SS_AUTHENTICATION_MAX_RETRY = 1', 'SS_SIP_AUTHENTICATION_TIMEOUT = 60']), '192.0.2.1', 5060,
            self.inside.launcher).start()
        self.addCleanup(self.stop_switch)

    def stop_switch(self):
        self.assertEqual(self.switch.stop(), 0)

    def phone(self, what):
        return self.outside.run(sys.executable, '-c', PHONE, str(ROOT / 'tests' / 'support'), PASSWORD, what).strip()

    def memory_kb(self):
        with open(f'/proc/{self.switch.process.pid}/status') as status:
            [line] = [line for line in status if line.startswith('VmRSS')]
        return int(line.split()[1])

    def received(self):
        return self.switch.rows('show', 'sip', 'statistics')[0]['rx_datagrams']

    def test_nobody_is_locked_out(self):
        nonce = self.phone('nonce')
        self.assertEqual(self.phone('register'), '200')
        before_kb, before = self.memory_kb(), self.received()
        flood = subprocess.Popen([*self.outside.launcher, sys.executable, '-c', FLOOD, '192.0.2.1', str(SOURCES), nonce],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            self.assertEqual(flood.stdout.readline(), 'ready\n')
            flood.stdin.write('go\n')
            flood.stdin.flush()
            wait_for('the flood arrives', lambda: self.received() > before + 1000, 60)
            self.assertEqual(self.phone('register'), '200')
            self.assertEqual(flood.wait(300), 0)
        finally:
            flood.kill()
            flood.wait()
            flood.stdin.close()
            flood.stdout.close()
        self.assertGreater(self.received(), before + SOURCES // 2)
        self.assertEqual(self.switch.rows('show', 'authentication', 'failures'), [])
        self.assertEqual(self.phone('register'), '200')
        self.assertLess(self.memory_kb() - before_kb, GROWTH_MAX_KB)


if __name__ == '__main__':
    if not netns.are_possible():
        print('no network namespaces here')
        sys.exit(SKIPPED)
    assert BUILD
    unittest.main(verbosity=2)
