#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""NAT keepalives as phones see them: who gets them, from where, and when (behaviour A1)."""
import json
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
NAMES = {'SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME': 'send_one_time',
         'SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL': 'send_interval_ms',
         'SS_SIP_NAT_KEEP_ALIVE_PERIOD': 'period_s'}


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
        self.assertEqual(status['starved_devices'], 1)
        self.assertIs(status['is_fair'], False)
        # One line a round, an alarm with the figures, and who it was.
        line = ('round 1 of 10 s reached 4 of 5 NAT devices, 1 missed; SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME 2, '
                'SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL 2000 or SS_SIP_NAT_KEEP_ALIVE_PERIOD 15 would fit')
        log = self.switch.log()
        self.assertEqual(log.count(', 1 missed; '), status['missed_total'])
        self.assertEqual(log.count('nat-keep-alive raised'), 1)
        self.assertRegex(log, line.replace('round 1 ', r'round \d+ '))
        self.assertRegex(log, 'nat-keep-alive raised: round of 10 s reached [0-4] of [1-5] NAT devices; SS_SIP_NAT_')
        missed = self.switch.rows('show', 'nat-keep-alive', 'phones', 'missed')
        self.assertEqual([row['phone'] for row in missed], ['1005'])
        self.assertIs(missed[0]['is_starved'], True)
        self.assertIsNone(missed[0]['last_sent_s'])
        self.assertIsNone(missed[0]['is_reachable'])
        row = self.switch.rows('show', 'nat-keep-alive', 'phones', 'phone', '1001')[0]
        self.assertEqual((row['missed_rounds'], row['is_starved'], row['kind']), (0, False, 'message'))
        self.assertLessEqual(row['last_sent_s'], PERIOD_S)
        self.assertEqual(row['source_address'], f'127.0.0.1:{hidden[0].port}')
        self.assertEqual(self.switch.rows('show', 'nat-keep-alive', 'phones', 'phone', '1006'), [])
        # Fair rounds go on with the one that was left out, and what the alarm names ends it.
        self.switch.set('SS_SIP_NAT_KEEP_ALIVE_FAIR', 'on')
        while self.next_of([*hidden, direct], 2 * PERIOD_S)[0] is not hidden[4]:
            pass
        self.assertIs(self.status()['is_fair'], True)
        self.switch.set('SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME', '2')
        wait_for('the alarm ends', lambda: 'nat-keep-alive over' in self.switch.log(), 3 * PERIOD_S)
        status = self.status()
        self.assertEqual((status['missed_last_round'], status['starved_devices']), (0, 0))
        # Off at once, and the pinholes of those who left are not kept.
        self.switch.set('SS_SIP_NAT_KEEP_ALIVE_MESSAGE', '')
        self.assertFalse(self.status()['is_on'])
        sent = self.status()['sent_total']
        hidden[4].socket.setblocking(False)
        with self.assertRaises(BlockingIOError):
            while hidden[4].socket.recv(65535):
                pass
        hidden[4].register(expires=0)
        self.assertEqual(self.status()['devices'], 4)
        self.assertEqual(self.status()['sent_total'], sent)

    def test_capacity_answers_what_would_fit(self):
        self.switch.do('set', 'no', 'SS_SIP_NAT_KEEP_ALIVE_PERIOD')
        self.switch.do('set', 'no', 'SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL')
        self.switch.do('set', 'no', 'SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME')
        fits = self.capacity(180000)
        self.assertEqual((fits['capacity_devices'], fits['fits']), (180000, True))
        self.assertNotIn('fitting_period_s', fits)
        item = self.capacity(200000)
        self.assertIs(item['fits'], False)
        self.assertEqual((item['starved_devices'], item['fair_rounds'], item['fair_reach_s']), (20000, 2, 60))
        self.assertEqual((item['fitting_send_one_time'], item['fitting_send_interval_ms'], item['fitting_period_s']),
                         (3334, 447, 34))
        # Each of them alone does it, and so do those that go together; and the switch agrees.
        for name, member in NAMES.items():
            self.switch.set(name, str(item[f'fitting_{member}']))
            self.assertIs(self.capacity(200000)['fits'], True)
            self.switch.do('set', 'no', name)
        for name, member in NAMES.items():
            self.switch.set(name, str(item[f'together_{member}']))
        self.assertIs(self.capacity(200000)['fits'], True)
        self.assertIs(self.switch.json('show', 'nat-keep-alive', 'capacity')['item']['fits'], True)

    def capacity(self, devices):
        return self.switch.json('show', 'nat-keep-alive', 'capacity', 'devices', str(devices))['item']

    def test_the_check_at_commit(self):
        for i in range(5):
            self.phone(str(1001 + i), advertised=HIDDEN)
        warnings = json.loads(self.switch.do('-j', 'set', 'SS_SIP_NAT_KEEP_ALIVE_MESSAGE', 'HI'))['warnings']
        self.assertEqual([warning['message'] for warning in warnings],
                         ['a keepalive round of 10 s reaches 4 of the 5 devices registered now; '
                          'SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME 2, SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL 2000 or '
                          'SS_SIP_NAT_KEEP_ALIVE_PERIOD 15 would reach all'])

    def test_none_of_it(self):
        self.switch.do('set', 'phone', '1001', 'keepalive', 'none')
        self.phone('1001', advertised=HIDDEN)
        self.phone('1002', advertised=HIDDEN)
        self.assertEqual(self.status()['devices'], 1)
        self.assertEqual([row['phone'] for row in self.switch.rows('show', 'nat-keep-alive', 'phones')], ['1002'])

    def test_two_switches_face_each_other(self):
        """Each is a phone behind NAT for the other: their keepalives are swallowed, and keep nothing alive."""
        mine = self.phone('1001', advertised=HIDDEN)
        before = self.switch.rows('show', 'registrations', 'phone', '1001')[0]['expires_s']
        data = self.next_of([mine], 2 * PERIOD_S)[1]
        # The very bytes that a switch sends, from where the phone is registered, each second.
        for _ in range(3):
            mine.send(data)
            self.assertIsNone(mine.receive(1), 'an answer')
        after = self.switch.rows('show', 'registrations', 'phone', '1001')[0]['expires_s']
        self.assertLess(after, before)
        self.assertGreaterEqual(sum(row['rx_ignored'] for row in self.switch.rows('show', 'sip', 'statistics')), 3)

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
