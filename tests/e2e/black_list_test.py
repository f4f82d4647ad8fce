#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Black lists, static and dynamic: who is refused, with which cause, and how an operator sees and ends it."""
import signal
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, stop_cleanly
from switch import Switch, wait_for


class BlackLists(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-black-')
        self.addCleanup(scratch.cleanup)
        # Its port is in the configuration, so it is there before the switch.
        self.carrier = Agent(SimpleNamespace(address='127.0.0.1', port=0), 'carrier')
        self.addCleanup(self.carrier.close)
        self.switch = Switch(scratch.name, f'''mapping-gateway in
 address 127.0.0.3
 dynamic-black-list on
 exit
mapping-gateway free
 address 127.0.0.4
 exit
routing-gateway carrier
 address 127.0.0.1:{self.carrier.port}
 prefixes 00
 exit
SS_BLACK_LIST_CALLER_MALICIOUS_CALL_CHECK_INTERVAL = 3600
SS_BLACK_LIST_CALLER_MALICIOUS_CALL_LIMIT = 3
SS_BLACK_LIST_CALLER_MALICIOUS_CALL_EXPIRE = 1800
SS_BLACK_LIST_CALLER_CONCURRENT_LIMIT = 1
SS_BLACK_LIST_CALLER_CONCURRENT_EXPIRE = 1800
SS_BLACK_LIST_NO_ANSWER_PERIOD = 3600
SS_BLACK_LIST_NO_ANSWER_LIMIT = 1
SS_BLACK_LIST_NO_ANSWER_EXPIRE = 1800
''')
        self.switch.start()
        self.addCleanup(self.stop)
        self.carrier.switch = (self.switch.address, self.switch.port)

    def stop(self):
        if self.switch.process:
            stop_cleanly(self.switch)

    def agent(self, number, address='127.0.0.3'):
        agent = Agent(self.switch, number, '', address=address)
        self.addCleanup(agent.close)
        return agent

    def refused(self, agent, callee='0012'):
        """Status of a call that comes to nothing without the carrier having seen it."""
        call = agent.invite(callee, make_sdp('127.0.0.3', 41000), expect_challenge=False)
        answer = call.wait(lambda m: m.status >= 200)
        call.ack(answer)
        return answer.status

    def attempt(self, agent, status=486, callee='0012'):
        """A call that the carrier ends with that status after it rang."""
        call = agent.invite(callee, make_sdp('127.0.0.3', 41000), expect_challenge=False)
        ring = self.carrier.incoming()
        ring.answer(180)
        call.wait(180)
        ring.answer(status)
        ring.wait_request('ACK')
        answer = call.wait(lambda m: m.status >= 300)
        call.ack(answer)
        return answer.status

    def rows(self, *words):
        return [(row['number'], row['side'], row['type']) for row in
                self.switch.rows('show', 'black-list', *words)]

    def causes(self):
        return [row['cause'] for row in self.switch.rows('show', 'calls', 'history')]

    def why(self, caller, callee='0012'):
        row = self.switch.rows('show', 'route', callee, 'caller', caller, 'mapping-gateway', 'in')[0]
        return row['verdict'], row['reason']

    def alarms(self):
        return {alarm['subject']: alarm['text'] for alarm in self.switch.rows('show', 'alarms')
                if alarm['kind'] == 'illegal-call'}

    def test_too_many_attempts(self):
        caller = self.agent('5551')
        for _ in range(3):
            self.assertEqual(self.attempt(caller), 486)
        self.assertEqual(self.refused(caller), 403)
        self.assertEqual(self.attempt(self.agent('5552')), 486)
        row, = self.switch.rows('show', 'black-list')
        self.assertEqual((row['number'], row['side'], row['type'], row['calls'], row['refused']),
                         ('5551', 'caller', 'malicious', 3, 1))
        self.assertTrue(1700 < row['left_s'] <= 1800, row)
        self.assertEqual(self.why('5551'),
                         ('source', 'the caller number is listed for too many calls in a time'))
        self.assertEqual(self.why('5552')[0], 'in')
        # By a gateway that has it off the number may call on.
        self.assertEqual(self.attempt(self.agent('5551', '127.0.0.4')), 486)
        wait_for('an alarm', lambda: '3 attempts' in self.alarms().get('caller 5551', ''))
        self.assertEqual(self.rows('type', 'no-answer'), [])
        self.switch.do('clear', 'black-list', 'number', '5551')
        self.assertEqual(self.attempt(caller), 486)
        wait_for('the alarm is over', lambda: self.alarms() == {})
        status = self.switch.ctl('clear', 'black-list', 'number', '5559')
        self.assertIn('5559 is not on the dynamic black list', str(status))

    def test_too_many_at_a_time(self):
        caller = self.agent('5551')
        call = caller.invite('0012', make_sdp('127.0.0.3', 41000), expect_challenge=False)
        ring = self.carrier.incoming()
        ring.answer(200, make_sdp('127.0.0.1', 41002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        self.assertEqual(self.refused(self.agent('5551')), 403)
        self.assertEqual(self.rows(), [('5551', 'caller', 'concurrent')])
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)
        # The entry outlasts the calls.
        self.assertEqual(self.refused(caller), 403)
        self.switch.do('clear', 'black-list', 'type', 'concurrent')
        self.assertEqual(self.attempt(caller), 486)

    def test_nobody_answers(self):
        # Busy is somebody; 480 after ringing is nobody.
        self.assertEqual(self.attempt(self.agent('5551')), 486)
        self.assertEqual(self.rows(), [])
        self.assertEqual(self.attempt(self.agent('5552'), 480), 480)
        self.assertEqual(self.rows('number', '0012'), [('0012', 'callee', 'no-answer')])
        self.assertEqual(self.refused(self.agent('5553')), 403)
        self.assertEqual(self.attempt(self.agent('5553'), callee='0013'), 486)
        # The white list goes before all.
        self.switch.do('-c', 'configure', '-c', 'white-list 0012', '-c', 'commit')
        self.assertEqual(self.attempt(self.agent('5554')), 486)

    def test_entries_outlive_a_crash(self):
        caller = self.agent('5551')
        for _ in range(3):
            self.attempt(caller)
        self.assertEqual(self.attempt(self.agent('5552'), 480), 480)
        wait_for('both are written', lambda: self.is_written('caller 5551') and self.is_written('callee 0012'))
        # What is written after them is a later transaction: theirs has ended.
        self.assertEqual(self.attempt(self.agent('5552'), 480, '0014'), 480)
        wait_for('a later one is written', lambda: self.is_written('callee 0014'))
        before = {row['number']: row for row in self.switch.rows('show', 'black-list')}
        self.switch.stop(signal.SIGKILL)
        self.switch.start()
        after = {row['number']: row for row in self.switch.rows('show', 'black-list')}
        for number in '5551', '0012':
            for key in 'side', 'type', 'calls', 'since_time', 'until_time':
                self.assertEqual(after[number][key], before[number][key], key)
            self.assertTrue(1000 < after[number]['left_s'] <= before[number]['left_s'], after)
        self.assertEqual(self.refused(caller, '0013'), 403)
        self.assertEqual(self.refused(self.agent('5553')), 403)
        # What is cleared stays away.
        self.switch.do('clear', 'black-list', 'all')
        stop_cleanly(self.switch)
        self.switch.start()
        self.assertEqual(self.rows(), [])
        self.assertEqual(self.attempt(caller), 486)

    def is_written(self, key):
        return b'l/' + key.encode() in (self.switch.folder / 'state' / 'bindings' / 'data.mdb').read_bytes()

    def test_lists_of_the_configuration(self):
        self.switch.do('-c', 'configure', '-c', 'black-list 5551', '-c', 'memo "a nuisance"', '-c', 'exit',
                       '-c', 'black-list 0012', '-c', 'listed-as caller', '-c', 'exit',
                       '-c', 'black-list 0013', '-c', 'commit')
        caller = self.agent('5552', '127.0.0.4')
        self.assertEqual(self.refused(self.agent('5551', '127.0.0.4')), 403)
        self.assertEqual(self.refused(caller, '0013'), 403)
        self.assertEqual(self.attempt(caller), 486)
        self.assertEqual(self.rows('type', 'static'), [
            ('0012', 'caller', 'static'), ('0013', 'both', 'static'), ('5551', 'both', 'static')])
        row, = self.switch.rows('show', 'black-list', 'number', '5551')
        self.assertEqual(row['memo'], 'a nuisance')
        self.assertEqual(self.why('5551'), ('source', 'the caller number is on the black list'))
        self.assertEqual(self.why('5552', '0013'), ('source', 'the called number is on the black list'))


if __name__ == '__main__':
    unittest.main(verbosity=2)
