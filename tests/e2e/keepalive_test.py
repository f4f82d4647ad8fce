#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""NAT keepalives as phones see them: who gets them, from where, and when (behaviour A1)."""
import socket
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from sip_client import Phone
from switch import Switch, wait_for

PASSWORD = 'right-password'
PERIOD_S, INTERVAL_S = 10, 3
SLACK_S = 1  # of a loaded machine
HIDDEN = '10.20.30.40:5060'


class Keepalive(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix='vos-keepalive-')
        phones = '\n'.join(f'phone {number}\n password plain "{PASSWORD}"\n exit' for number in range(1001, 1007))
        self.switch = Switch(self.scratch.name, f'''{phones}
SS_SIP_NAT_KEEP_ALIVE_PERIOD = {PERIOD_S}
SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL = {INTERVAL_S * 1000}
SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME = 1''').start()

    def tearDown(self):
        code = self.switch.stop()
        print(f'log of switchd:\n{self.switch.log()[-8000:]}', file=sys.stderr)
        self.scratch.cleanup()
        self.assertIn(code, (0, None))

    def phone(self, user, **arguments):
        phone = Phone((self.switch.address, self.switch.port), user, PASSWORD, **arguments)
        self.addCleanup(phone.close)
        self.assertEqual(phone.register().status, 200)
        return phone

    def status(self):
        return self.switch.json('show', 'nat-keep-alive')['item']

    def next_of(self, phones, seconds):
        """The next datagram to any of the phones: phone, bytes, source, time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for phone in phones:
                phone.socket.setblocking(False)
                try:
                    data, source = phone.socket.recvfrom(65535)
                except BlockingIOError:
                    continue
                return phone, data, source, time.monotonic()
            time.sleep(0.005)
        self.fail(f'nothing within {seconds} s')

    def test_pace_source_and_payload(self):
        """Five phones behind NAT, one burst of one each 3 s, four bursts a round of 10 s: the fifth starves."""
        direct = self.phone('1006')
        hidden = [self.phone(str(1001 + i), advertised=HIDDEN) for i in range(5)]
        status = self.status()
        self.assertTrue(status['is_on'])
        self.assertEqual(status['devices'], 5)
        self.assertEqual(status['capacity_devices'], 4)
        self.assertEqual(status['needed_period_s'], 15)
        # A whole round, wherever the first one begins for us: up to the first phone's second turn.
        seen = []
        while not seen or seen.count(hidden[0]) < 2:
            phone, data, source, now = self.next_of([*hidden, direct], 2 * PERIOD_S)
            self.assertEqual(data, b'HELLO')
            self.assertEqual(source, (self.switch.address, self.switch.port))
            if phone is hidden[0] or seen:
                if seen:
                    wanted_s = PERIOD_S - 3 * INTERVAL_S if phone is hidden[0] else INTERVAL_S
                    self.assertAlmostEqual(now - before, wanted_s, delta=SLACK_S)
                seen.append(phone)
                before = now
        self.assertEqual(seen, [*hidden[:4], hidden[0]])
        wait_for('the round is accounted', lambda: self.status()['missed_last_round'] == 1)
        status = self.status()
        self.assertEqual(status['sent_last_round'], 4)
        self.assertIn('NAT devices not reached within nat-keep-alive-period: 1; it would take 15 s', self.switch.log())
        # Off at once, and the pinholes of those who left are not kept.
        self.switch.set('SS_SIP_NAT_KEEP_ALIVE_MESSAGE', '')
        self.assertFalse(self.status()['is_on'])
        sent = self.status()['sent_total']
        hidden[4].register(expires=0)
        self.assertEqual(self.status()['devices'], 4)
        self.assertEqual(self.status()['sent_total'], sent)

    def test_a_payload_from_outside_is_swallowed(self):
        stranger = self.phone('1001')
        for payload in (b'HELLO', b'\r\n\r\n', b'', b'keepalive', b'\x00\x00\x00\x00'):
            stranger.socket.sendto(payload, stranger.switch)
        # Answers come in order: the first one that comes is to the request behind them.
        answer = stranger.ask(stranger.text(method='OPTIONS'))
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.get('CSeq'), f'{stranger.cseq} OPTIONS')
        with self.assertRaises((BlockingIOError, TimeoutError, socket.timeout)):
            stranger.socket.settimeout(0.2)
            stranger.socket.recv(65535)


if __name__ == '__main__':
    unittest.main(verbosity=2)
