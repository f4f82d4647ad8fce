#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Patterns of fraud: what is over a limit is seen, is an alarm with its figures, and by setting its caller is
refused from then on."""
import struct
import sys
import tempfile
import time
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, stop_cleanly
from switch import BUILD, Switch, wait_for

DAY_S = 86400


class Fraud(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-fraud-')
        self.addCleanup(scratch.cleanup)
        self.carrier = Agent(SimpleNamespace(address='127.0.0.1', port=0), 'carrier')
        self.addCleanup(self.carrier.close)
        self.clock = Path(scratch.name) / 'clock'
        # Half past: no hour ends during a test.
        self.offset = 1800 - int(time.time()) % 3600
        self.step(0)
        preload = [f'LD_PRELOAD={BUILD / "tests" / "clock_step.so"}', f'VOS_CLOCK_STEP={self.clock}',
                   'ASAN_OPTIONS=verify_asan_link_order=0']
        self.switch = Switch(scratch.name, f"""phone 1001
 password plain "secret"
 dynamic-black-list on
 exit
mapping-gateway in
 address 127.0.0.3
 dynamic-black-list on
 exit
routing-gateway out
 address 127.0.0.1:{self.carrier.port}
 prefixes 00
 exit
SS_BLACK_LIST_CALLER_MALICIOUS_CALL_CHECK_INTERVAL = 3600
SS_BLACK_LIST_CALLER_MALICIOUS_CALL_LIMIT = 1000
SS_BLACK_LIST_CALLER_MALICIOUS_CALL_EXPIRE = 1800
SS_BLACK_LIST_CALLER_CONCURRENT_LIMIT = 1000
SS_BLACK_LIST_CALLER_CONCURRENT_EXPIRE = 1800
""", launcher=['env', *preload])
        self.switch.start()
        self.addCleanup(self.switch.stop)
        self.carrier.switch = (self.switch.address, self.switch.port)

    def step(self, seconds):
        self.clock.write_bytes(struct.pack('=q', self.offset + seconds))

    def look_for(self, **values):
        for name, value in values.items():
            self.switch.set(f'SS_FRAUD_{name}', str(value))

    def looked(self):
        """There is a look every two seconds, and one after each commit."""
        self.switch.do('set', 'hostname', f'sw{time.monotonic_ns()}')

    def agent(self, number, password='', address='127.0.0.3'):
        agent = Agent(self.switch, number, password, address=address)
        self.addCleanup(agent.close)
        return agent

    def answered(self, agent, callee='0088212345'):
        call = agent.invite(callee, make_sdp(agent.address, 41000), expect_challenge=bool(agent.password))
        ring = self.carrier.incoming()
        ring.answer(200, make_sdp('127.0.0.1', 41002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        return call, ring

    def hang_up(self, agent, call, ring):
        request = call.send('BYE')
        ring.reply(ring.wait_request('BYE'), 200)
        self.assertEqual(agent.wait_status(request).status, 200)

    def refused(self, agent, callee='0088212345'):
        call = agent.invite(callee, make_sdp(agent.address, 41000), expect_challenge=bool(agent.password))
        answer = call.wait(lambda m: m.status >= 200)
        call.ack(answer)
        return answer.status

    def findings(self):
        return self.switch.rows('show', 'fraud')

    def found(self, pattern, figure):
        """The finding of that pattern with that figure, and the text of its alarm."""
        def find():
            rows = [row for row in self.findings() if row['pattern'] == pattern and row['calls'] == figure]
            return rows and rows[0]
        self.looked()
        row = wait_for(f'{pattern} of {figure}', find)
        return row, self.alarm(row)

    def alarm(self, row):
        subject = ' '.join(filter(None, (row['pattern'], row['destination'], row['party'])))
        alarms = {alarm['subject']: alarm for alarm in self.switch.rows('show', 'alarms') if alarm['kind'] == 'fraud'}
        self.assertIn(subject, alarms)
        self.assertEqual(alarms[subject]['level'], 'high')
        return alarms[subject]['text']

    def test_calls_at_a_time(self):
        phone = self.agent('1001', 'secret', '127.0.0.1')
        self.look_for(CONCURRENT_LIMIT=1)
        self.assertEqual(self.findings(), [])
        calls = [self.answered(phone), self.answered(phone)]
        row, text = self.found('concurrent', 2)
        self.assertEqual((row['party'], row['limit'], row['caller'], row['is_listed']), ('caller 1001', 1, '1001', False))
        self.assertEqual(text, 'caller 1001: 2 calls at a time, limit 1')
        # By setting the next such call lists its caller, and the one after it is refused.
        self.look_for(ACTION='black-list')
        calls.append(self.answered(phone))
        row, text = self.found('concurrent', 3)
        self.assertTrue(row['is_listed'])
        self.assertIn('; listed: caller 1001', text)
        self.assertEqual(self.refused(phone), 403)
        self.assertEqual([(row['number'], row['type'], row['calls']) for row in self.switch.rows('show', 'black-list')],
                         [('1001', 'concurrent', 3)])
        for call in calls:
            self.hang_up(phone, *call)
        self.looked()
        wait_for('it is over', lambda: not self.findings())
        self.assertEqual([row for row in self.switch.rows('show', 'alarms') if row['kind'] == 'fraud'], [])
        stop_cleanly(self.switch)

    def test_short_calls_and_the_night(self):
        self.look_for(SHORT_CALL_LIMIT=2, SHORT_CALL_TALK=300, NIGHT_LIMIT=2, NIGHT_BEGIN=0, NIGHT_END=24, ACTION='black-list')
        caller = self.agent('5551')
        for _ in range(3):
            self.hang_up(caller, *self.answered(caller))
        row, text = self.found('short-calls', 3)
        self.assertEqual((row['party'], row['limit'], row['is_listed']), ('caller 5551', 2, True))
        self.assertIn('3 calls that ended soon after the answer, limit 2', text)
        row, text = self.found('night', 3)
        self.assertEqual((row['party'], row['limit'], row['caller']), ('mapping-gateway in', 2, '5551'))
        self.assertIn('3 calls in an hour of the night, limit 2', text)
        self.assertEqual(self.refused(caller), 403)
        # Others of the gateway may call, and are listed too if the night's limit is broken.
        other = self.agent('5552')
        self.hang_up(other, *self.answered(other))
        self.found('night', 4)
        self.assertEqual(self.refused(other), 403)
        # A limit that is taken away ends what it has found.
        for name in 'SHORT_CALL', 'NIGHT':
            self.switch.do('set', 'no', f'SS_FRAUD_{name}_LIMIT')
        wait_for('nobody looks', lambda: not self.findings())
        stop_cleanly(self.switch)

    def test_a_destination_never_called_before(self):
        self.look_for(DESTINATION_LIMIT=2)
        caller = self.agent('5551')
        self.hang_up(caller, *self.answered(caller, '0037155512'))
        wait_for('the call is stored', lambda: self.switch.rows('show', 'calls', 'history'))
        stop_cleanly(self.switch)
        # A day later, in another run: what is known comes from the records.
        self.step(DAY_S + 60)
        self.switch.start()
        for number in range(3):
            self.hang_up(caller, *self.answered(caller, f'003715550{number}'))
        for number in range(3):
            self.hang_up(caller, *self.answered(caller, f'008825550{number}'))
        row, text = self.found('destination', 3)
        self.assertEqual((row['party'], row['destination'], row['limit'], row['is_listed']), ('mapping-gateway in', '00882', 2, False))
        self.assertIn('mapping-gateway in: 3 calls to a destination that was not called before, limit 2', text)
        self.assertEqual(len(self.findings()), 1)
        stop_cleanly(self.switch)


if __name__ == '__main__':
    unittest.main(verbosity=2)
