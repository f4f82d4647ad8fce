#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a record says of a call: who ended it and why, how it came to where it went, how long it lasted whatever
became of the clock; and of those who may not call."""
import secrets
import socket
import sys
import time
import unittest
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from records import RecordsCase
from siplib import Agent, make_sdp
from switch import BUILD, wait_for

PHONES = '''
phone 1002
 password plain "two"
 forward-busy 8777
 session-timer off
 exit
phone 1003
 password plain "three"
 session-timer off
 exit
'''


class Fields(RecordsCase):
    def test_who_ended_it(self):
        self.start('mapping-gateway trunk\n address 127.0.0.2\n replace-cause 503:486\n exit')
        call, callee = self.connect('8001')
        self.end(callee, call, [('Reason', 'Q.850;cause=31;text="Normal, unspecified"')])
        record = self.record(1)
        self.assertEqual((record['hang_up_side'], record['cause'], record['reason'], record['told_status']),
                         (1, 0, 'Q.850;cause=31;text="Normal, unspecified"', 0))
        call = self.caller.invite('8002', make_sdp('127.0.0.1', 6000))
        self.gateway.incoming().answer(503, headers=[('Reason', 'Q.850;cause=34'), ('Reason', 'SIP;cause=503')])
        call.ack(call.wait(503))
        record = self.record(2)
        self.assertEqual((record['cause'], record['told_status'], record['reason']),
                         (503, 503, 'Q.850;cause=34, SIP;cause=503'))
        # What the caller is told in place of it does not hide what it was.
        trunk = Agent(self.switch, '700', address='127.0.0.2')
        self.addCleanup(trunk.close)
        call = trunk.invite('8003', make_sdp('127.0.0.2', 6000), expect_challenge=False)
        self.gateway.incoming().answer(503)
        call.ack(call.wait(486))
        record = self.record(3)
        self.assertEqual((record['cause'], record['cause_name'], record['told_status'], record['reason']),
                         (503, '503', 486, None))

    def test_transfer_and_forward(self):
        self.start(PHONES)
        second, third = self.phone('1002', 'two'), self.phone('1003', 'three')
        self.forward(second)
        self.transfer(third)
        self.attended(third)

    def forward(self, second):
        """A phone that is busy forwards to the gateway: one call, two that were called."""
        call = self.caller.invite('1002', make_sdp('127.0.0.1', 6000))
        second.incoming().answer(486)
        callee = self.gateway.incoming()
        callee.answer(200, make_sdp('127.0.0.1', 7000))
        callee.wait_request('ACK')
        call.wait(200)
        call.ack()
        self.end(call, callee)
        record = self.record(1)
        self.assertEqual((record['callee'], record['callee_sent'], record['diverted_by'], record['tried']),
                         ('1002', '8777', 'phone 1002', 'phone 1002:486, routing-gateway carrier:answered'))
        self.assertEqual((record['attempts'], record['linked_from'], record['linked_to']), (2, 0, 0))

    def transfer(self, third):
        """1001 called the gateway and sends it on to 1003: two calls, each of which names the other."""
        by, kept = self.connect('8100')
        refer = by.send('REFER', [('Refer-To', f'<sip:1003@{by.agent.domain}>'), ('Contact', by.agent.contact)])
        self.caller.wait_status(refer, 202)
        target = third.incoming()
        target.answer(200, make_sdp('127.0.0.1', 7200))
        kept.wait_request('INVITE')
        kept.answer(200, make_sdp('127.0.0.1', 7000))
        kept.wait_request('ACK')
        target.wait_request('ACK')
        by.reply(by.wait_request('BYE'), 200)
        self.end(kept, target)
        old, new = self.record(2), self.record(3)
        self.assertEqual((old['cause_name'], old['linked_to']), ('transferred', new['call']))
        self.assertEqual((new['linked_from'], new['diverted_by']), (old['call'], 'phone 1001'))
        self.assertEqual((new['caller'], new['callee'], new['caller_party'], new['callee_party'], new['tried']),
                         ('8100', '1003', 'routing-gateway carrier', 'phone 1003', 'phone 1003:answered'))
        self.assertEqual((new['caller_call_id'], new['callee_call_id']), (kept.call_id, target.call_id))
        self.assertTrue(new['answer_time'])
        self.assertGreaterEqual(new['talk_ms'], 0)

    def attended(self, third):
        """1001 called the gateway and 1003, and joins the two: a third call, that of the parties which are left."""
        by, kept = self.connect('8101')
        consult, target = self.connect('1003', callee=third)
        replaces = urllib.parse.quote(f'{consult.call_id};to-tag={consult.remote_tag};from-tag={consult.local_tag}')
        refer = by.send('REFER', [('Refer-To', f'<sip:1003@{by.agent.domain}?Replaces={replaces}>'),
                                  ('Contact', by.agent.contact)])
        self.caller.wait_status(refer, 202)
        target.wait_request('INVITE')
        target.answer(200, make_sdp('127.0.0.1', 7200))
        kept.wait_request('INVITE')
        kept.answer(200, make_sdp('127.0.0.1', 7000))
        kept.wait_request('ACK')
        target.wait_request('ACK')
        consult.reply(consult.wait_request('BYE'), 200)
        by.reply(by.wait_request('BYE'), 200)
        self.end(kept, target)
        self.wait_newest(6)  # the calls may be different threads': their records come in any order
        records = [self.record(number) for number in (4, 5, 6)]
        new, = [record for record in records if record['caller'] == '8101']
        before = {record['callee']: record for record in records if record is not new}
        for record in before.values():
            self.assertEqual((record['caller'], record['cause_name'], record['linked_to']),
                             ('1001', 'transferred', new['call']))
        self.assertEqual((new['caller'], new['callee'], new['caller_party'], new['callee_party']),
                         ('8101', '1003', 'routing-gateway carrier', 'phone 1003'))
        self.assertEqual((new['linked_from'], new['diverted_by'], new['hang_up_side'], new['cause_name']),
                         (before['8101']['call'], 'phone 1001', 0, 'normal'))
        self.assertEqual((new['caller_call_id'], new['callee_call_id']), (kept.call_id, target.call_id))
        self.assertTrue(new['answer_time'])
        self.assertGreaterEqual(new['talk_ms'], 0)

    def test_leg_that_takes_over(self):
        self.start(PHONES + 'SS_SIP_SIGNALLING_THREADS = 1\n')
        second, third = self.phone('1002', 'two'), self.phone('1003', 'three')
        call, callee = self.connect('1002', third, second)
        replaces = ('Replaces', f'{call.call_id};to-tag={call.remote_tag};from-tag={call.local_tag}')
        device = Agent(self.switch, '1003', 'three')
        self.addCleanup(device.close)
        other = device.invite('1002', make_sdp('127.0.0.1', 6200), [replaces])
        callee.wait_request('INVITE')
        callee.answer(200, make_sdp('127.0.0.1', 7000))
        callee.wait_request('ACK')
        other.wait(200)
        other.ack()
        call.reply(call.wait_request('BYE'), 200)
        self.end(other, callee)
        record = self.record(1)
        self.assertEqual((record['caller_call_id'], record['replaced_by'], record['cause_name']),
                         (call.call_id, other.call_id, 'normal'))
        self.assertEqual(self.status()['newest'], 1)


class Strangers(RecordsCase):
    """Who may not call, and is not in the figures of those who may."""

    def test_strangers(self):
        self.start('SS_SIP_AUTHENTICATION_TIMEOUT = 1\nSS_SIP_SIGNALLING_THREADS = 1\n'
                   'phone 1004\n password plain "four"\n lock out\n exit')
        stranger = Agent(self.switch, '1001', 'guess')
        self.addCleanup(stranger.close)
        call = stranger.invite('8900', make_sdp('127.0.0.1', 6000), expect_challenge=False)
        call.ack(call.wait(lambda m: m.status > 100))
        record = self.record(1)
        self.assertEqual((record['cause_name'], record['caller_received'], record['callee'], record['billing_mode']),
                         ('unauthorized', '1001', '8900', -1))
        self.assertEqual((record['caller_address'], record['caller_call_id'], record['told_status'],
                          record['hang_up_side']), (f'127.0.0.1:{stranger.port}', call.call_id, 401, 2))
        call = stranger.invite('8901', make_sdp('127.0.0.1', 6000))
        call.ack(call.wait(lambda m: m.status > 100))
        self.assertEqual(self.record(2)['cause_name'], 'wrong-password')
        # Who comes back with the password is none.
        self.talk('8902')
        self.assertEqual((self.record(3)['billing_mode'], self.record(3)['callee']), (0, '8902'))
        wait_for('18 fields', lambda: len(self.hourly()) == 3)
        self.assertEqual([line[16] for line in self.hourly()], ['-1', '-1', '0'])
        self.barred()
        total, = [row for row in self.switch.rows('show', 'statistics') if row['scope'] == 'total']
        self.assertEqual(total['attempts'], 2)

    def test_late_credentials(self):
        """A pending call is forgotten after SS_SIP_AUTHENTICATION_TIMEOUT: what comes then is challenged anew."""
        self.start('SS_SIP_AUTHENTICATION_TIMEOUT = 1\nSS_SIP_SIGNALLING_THREADS = 1\n')
        call = self.caller.invite('8900', make_sdp('127.0.0.1', 6000), expect_challenge=False)
        first = call.wait(401)
        call.ack(first)
        self.assertEqual(self.record(1)['cause_name'], 'unauthorized')
        # The right password, for a challenge that is over.
        call.invite_request = self.caller.send(self.caller.authorize(call.invite_request, first))
        second = call.wait(401)
        call.ack(second)
        self.assertIn('stale=true', second.get('WWW-Authenticate').lower())
        record = self.record(2)
        self.assertEqual((record['cause'], record['cause_name'], record['told_status'], record['hang_up_side'],
                          record['caller_call_id'], record['callee_received'], record['billing_mode']),
                         (-63, 'authentication-timeout', 401, 2, call.call_id, '8900', -1))
        # In time after the second challenge it is a call as any, and no failure.
        call = self.caller.invite('8901', make_sdp('127.0.0.1', 6000))
        self.gateway.incoming().answer(486)
        call.ack(call.wait(486))
        self.assertEqual((self.record(3)['cause'], self.record(3)['callee']), (486, '8901'))
        self.assertEqual(self.switch.rows('show', 'authentication', 'suspended'), [])

    def barred(self):
        agent = self.phone('1004', 'four')
        call = agent.invite('8903', make_sdp('127.0.0.1', 6000))
        call.ack(call.wait(403))
        record = self.record(4)
        self.assertEqual((record['cause_name'], record['caller_party'], record['billing_mode'],
                          record['told_status']), ('locked', 'phone 1004', 0, 403))

    def test_flood_and_switches(self):
        self.start('SS_SIP_AUTHENTICATION_TIMEOUT = 1\nSS_SIP_SIGNALLING_THREADS = 1\n'
                   'SS_SIP_GUARD_RATE = 0\n')
        self.flood(300)
        wait_for('all are dealt with', lambda: sum(self.refused()) >= 300)
        recorded, left_out = self.refused()
        # 60 at once and one a second; a busy machine takes long for them.
        self.assertGreaterEqual(recorded, 60)
        self.assertLess(recorded, 300)
        self.assertEqual(recorded + left_out, 300)
        self.wait_newest(recorded)
        self.switch.set('SERVER_BILLING_RECORD_ILLEGAL_CALL', 'off')
        self.flood(10)
        self.switch.set('SERVER_BILLING_RECORD_SERVER_HANG_UP', 'off')
        call = self.caller.invite('7000', make_sdp('127.0.0.1', 6000))
        call.ack(call.wait(lambda m: m.status > 180))
        self.refuse('8001')
        newest = self.status()['newest']
        wait_for('the one that the gateway refused', lambda: self.last()['callee'] == '8001')
        self.switch.set('SERVER_BILLING_RECORD_ZERO_HOLD_TIME', 'off')
        self.refuse('8002')
        self.talk('8003')
        wait_for('the one that was answered', lambda: self.last()['callee'] == '8003')
        self.assertEqual(sum(self.refused()), 300)
        self.assertLessEqual(newest, recorded + 1)
        self.assertEqual(self.status()['newest'], recorded + 2)

    def last(self):
        return self.switch.rows('show', 'calls', 'history', 'last', '1')[0]

    def refused(self):
        values = {row['counter']: row['value'] for row in self.switch.rows('show', 'counters', 'sip')}
        return values['refused_recorded'], values['refused_left_out']

    def flood(self, count):
        """INVITEs of nobody, each of which is challenged."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(('127.0.0.1', 0))
            udp.settimeout(20)
            port = udp.getsockname()[1]
            for number in range(count):
                udp.sendto(f'INVITE sip:00{number}@127.0.0.1 SIP/2.0\r\n'
                           f'Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{secrets.token_hex(6)}\r\n'
                           f'Max-Forwards: 70\r\nFrom: <sip:x@127.0.0.1>;tag=1\r\nTo: <sip:00{number}@127.0.0.1>\r\n'
                           f'Call-ID: {secrets.token_hex(8)}\r\nCSeq: 1 INVITE\r\n'
                           f'Contact: <sip:x@127.0.0.1:{port}>\r\nContent-Length: 0\r\n\r\n'.encode(),
                           (self.switch.address, self.switch.port))
                self.assertIn(b' 401 ', udp.recv(65536).partition(b'\r\n')[0])


class Clock(RecordsCase):
    def setUp(self):
        super().setUp()
        self.clock = Path(self.scratch.name) / 'clock'
        self.step(0)
        self.launcher = ['env', f'LD_PRELOAD={BUILD / "tests" / "clock_step.so"}', f'VOS_CLOCK_STEP={self.clock}']

    def step(self, seconds):
        with open(self.clock, 'r+b' if self.clock.exists() else 'wb') as file:
            file.write(seconds.to_bytes(8, 'little', signed=True))

    def test_talk_is_not_bent(self):
        """An hour forward and two days back while calls are up."""
        self.start()
        for number, seconds in enumerate((3600, -172800), 1):
            began = time.monotonic()
            call, callee = self.connect(f'80{number}')
            up = time.monotonic()
            self.step(seconds)
            wait_for('the clock is seen', lambda: self.is_stepped(seconds))
            time.sleep(max(0, up + 1.2 - time.monotonic()))
            hung_up = time.monotonic()
            self.end(call, callee)
            longest = time.monotonic() - began
            row, = [row for row in self.wait_files(number) if row['flow'] == str(number)]
            self.assertGreaterEqual(int(row['talk_ms']), (hung_up - up) * 1000 - 50)
            self.assertLessEqual(int(row['talk_ms']), longest * 1000 + 50)
            self.precise(row)

    def is_stepped(self, seconds):
        shown = self.switch.json('show', 'clock')['item']['time']
        there = time.mktime(time.strptime(shown[:19], '%Y-%m-%dT%H:%M:%S')) - time.timezone
        return abs(there - time.time() - seconds) < 60

    def precise(self, row):
        """Whole seconds by SERVER_BILLING_HOLD_TIME_PRECISION, and times that agree with each other."""
        talk_ms = int(row['talk_ms'])
        self.assertEqual(int(row['hold_s']), talk_ms // 1000 + (talk_ms % 1000 >= 50))
        stamps = [self.ms(row[name]) for name in ('start_time', 'answer_time', 'stop_time')]
        self.assertEqual(sorted(stamps), stamps)
        self.assertLessEqual(abs(stamps[2] - stamps[1] - talk_ms), 1)

    def ms(self, text):
        return time.mktime(time.strptime(text[:19], '%Y-%m-%dT%H:%M:%S')) * 1000 + int(text[20:23])


if __name__ == '__main__':
    unittest.main()
