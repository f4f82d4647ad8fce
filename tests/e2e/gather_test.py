#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A signalling thread pauses to let messages gather when they come by the thousand a second, and only then."""
import socket
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import stop_cleanly
from switch import Switch

# 5,000 a second, and on a machine that is busy still the 1,000 at which pauses begin; with twice as many at once
# there are none.
BURST = 10
BURST_S = 0.002
GIVE_UP_S = 120


class Gather(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-gather-')
        self.addCleanup(scratch.cleanup)
        self.switch = Switch(scratch.name, 'SS_SIP_GUARD_RATE = 0\nSS_SIP_OVERLOAD_LAG = 0').start()
        self.addCleanup(self.switch.stop)
        self.peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.peer.close)
        self.peer.bind(('127.0.0.1', 0))
        self.peer.settimeout(GIVE_UP_S)
        self.sent = 0

    def options(self):
        self.sent += 1
        own = self.peer.getsockname()[1]
        text = (f'OPTIONS sip:127.0.0.1:{self.switch.port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{own};'
                f'branch=z9hG4bKg{self.sent}\r\nMax-Forwards: 70\r\nFrom: <sip:g@127.0.0.1>;tag=g\r\n'
                f'To: <sip:127.0.0.1>\r\nCall-ID: gather-{self.sent}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n')
        self.peer.sendto(text.encode(), ('127.0.0.1', self.switch.port))

    def stream(self, count):
        """Whether they are answered or not."""
        for _ in range(count // BURST):
            for _ in range(BURST):
                self.options()
            time.sleep(BURST_S)

    def statistics(self):
        [row] = self.switch.rows('show', 'sip', 'statistics')
        return row

    def test_pauses(self):
        # However fast these come and go, they are few for a window in which the rate is taken.
        for _ in range(20):
            self.options()
            self.assertTrue(self.peer.recv(4096).startswith(b'SIP/2.0 200 '))
        self.assertEqual(self.statistics()['pauses'], 0)

        deadline = time.monotonic() + GIVE_UP_S
        while not self.statistics()['pauses']:
            self.assertLess(time.monotonic(), deadline, 'no pause at all')
            self.stream(1000)

        self.switch.set('SS_SIP_GATHER_TIME', '0')
        before = self.statistics()
        self.stream(1500)
        after = self.statistics()
        self.assertGreater(after['rx_datagrams'], before['rx_datagrams'])
        self.assertEqual(after['pauses'], before['pauses'])
        stop_cleanly(self.switch)


if __name__ == '__main__':
    unittest.main()
