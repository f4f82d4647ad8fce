#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Suspensions as phones, guessers and operators see them. The digits of an address tell its part: 127.0.1.x
are honest, 127.0.2.x guess."""
import json
import os
import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from sip_client import Phone  # noqa: E402
from siplib import Agent, make_sdp, stop_cleanly  # noqa: E402
from switch import Switch, wait_for  # noqa: E402

PASSWORD = 'a long one'
SILENCE_S = 0.5
USERS = ('1001', '1002', '1003', '1004')


class LockoutCase(unittest.TestCase):
    params = ('SS_AUTHENTICATION_MAX_RETRY = 3', 'SS_SIP_AUTHENTICATION_RETRY = 999')

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='vos-lockout-')
        self.addCleanup(folder.cleanup)
        phones = [f'phone {user}\n password plain "{PASSWORD}"\n exit' for user in USERS]
        self.switch = Switch(folder.name, '\n'.join([*phones, *self.params])).start()
        self.addCleanup(self.end)

    def end(self):
        if self.switch.process:
            stop_cleanly(self.switch)
        if sys.exc_info()[0]:
            print(f'log of switchd:\n{self.switch.log()[-8000:]}', file=sys.stderr)

    def phone(self, user='1001', password=PASSWORD, address='127.0.1.1', **more):
        phone = Phone((self.switch.address, self.switch.port), user, password, address=address, **more)
        self.addCleanup(phone.close)
        return phone

    def agent(self, user, address='127.0.1.1'):
        agent = Agent(self.switch, user, PASSWORD, address=address)
        self.addCleanup(agent.close)
        return agent

    def guess(self, times, user='1001', address='127.0.2.1'):
        """Statuses of so many wrong passwords."""
        guesser = self.phone(user, 'wrong', address)
        return [guesser.register().status for _ in range(times)]

    def suspend(self, address='127.0.2.1', user='1001'):
        self.assertEqual(self.guess(4, user, address), [401, 401, 401, 403])

    def suspended(self, *words):
        return [(row['source_address'], row['user']) for row in
                self.switch.rows('show', 'authentication', 'suspended', *words)]

    def alarms(self, kind='illegal-call'):
        return [row for row in self.switch.rows('show', 'alarms') if row['kind'] == kind]

    def counter(self, name):
        [value] = [row['value'] for row in self.switch.rows('show', 'counters')
                   if row['group'] == 'guard' and row['counter'] == name]
        return value

    def audit(self):
        return [json.loads(line)['command'] for line in
                (self.switch.folder / 'state' / 'audit.log').read_text().splitlines()]


class ByAddress(LockoutCase):
    def test_it_is_told_and_ended_by_an_operator(self):
        self.suspend()
        wait_for('an alarm is raised', self.alarms)
        [alarm] = self.alarms()
        self.assertEqual(alarm['subject'], '127.0.2.1')
        wait_for('the audit trail has it', lambda: any('suspended: address 127.0.2.1 for 180 s' in line and
                                                       'the last for 1001' in line for line in self.audit()))
        self.suspend('127.0.2.9', '1002')
        self.assertEqual(set(self.suspended()), {('127.0.2.1', None), ('127.0.2.9', None)})
        self.assertEqual(self.suspended('address', '127.0.2.9'), [('127.0.2.9', None)])
        self.assertEqual(self.suspended('address', '127.0.2.8'), [])
        self.switch.do('clear', 'authentication', 'suspended', 'address', '127.0.2.1')
        wait_for('its alarm ends', lambda: [row['subject'] for row in self.alarms()] == ['127.0.2.9'])
        wait_for('the audit trail has its end', lambda: any('suspension cleared: address 127.0.2.1' in line
                                                            for line in self.audit()))
        self.assertEqual(self.phone(address='127.0.2.1').register().status, 200)
        self.assertNotEqual(self.switch.ctl('clear', 'authentication', 'suspended', 'address',
                                            '127.0.2.1').returncode, 0)
        self.switch.do('clear', 'authentication', 'suspended', 'all')
        self.assertEqual(self.suspended(), [])

    def test_failures_are_listed(self):
        self.guess(2)
        self.guess(1, '1002', '127.0.2.2')
        rows = {row['source_address']: row for row in self.switch.rows('show', 'authentication', 'failures')}
        self.assertEqual({address: row['failures'] for address, row in rows.items()},
                         {'127.0.2.1': 2, '127.0.2.2': 1})
        self.assertFalse(rows['127.0.2.1']['is_suspended'])
        [row] = self.switch.rows('show', 'authentication', 'failures', 'address', '127.0.2.2')
        self.assertEqual(row['failures'], 1)

    def test_it_outlives_a_restart_and_a_kill(self):
        self.suspend()
        self.suspend('127.0.2.2')
        [before] = self.switch.rows('show', 'authentication', 'suspended', 'address', '127.0.2.1')
        self.assertEqual(self.switch.stop(), 0)
        self.switch.start(apply=False)
        [after] = self.switch.rows('show', 'authentication', 'suspended', 'address', '127.0.2.1')
        for name in 'source_address', 'failures', 'last_time':
            self.assertEqual(after[name], before[name])
        self.assertLessEqual(after['suspended_s'], before['suspended_s'])
        guesser = self.phone(address='127.0.2.1')
        self.assertEqual(guesser.ask(guesser.text()).status, 403)
        wait_for('its alarm is back', lambda: len(self.alarms()) == 2)
        self.switch.do('clear', 'authentication', 'suspended', 'address', '127.0.2.2')
        since_ns = time.time_ns()
        bindings = self.switch.folder / 'state' / 'bindings' / 'data.mdb'
        # Once a second; a write that began before is followed by another.
        wait_for('that is written', lambda: since_ns < bindings.stat().st_mtime_ns < time.time_ns() - 1_500_000_000)
        self.assertEqual(self.switch.stop(signal.SIGKILL), -signal.SIGKILL)
        self.switch.start(apply=False)
        self.assertEqual(self.suspended(), [('127.0.2.1', None)])

    def test_few_are_answered_and_the_rest_is_dropped_before_the_parser(self):
        self.suspend()
        guesser = self.phone(address='127.0.2.1')
        for _ in range(400):
            guesser.send(guesser.text())
        wait_for('all are dealt with',
                 lambda: self.counter('suspended_dropped') + self.counter('suspended_answered') >= 400)
        answers = 0
        while guesser.receive(SILENCE_S):
            answers += 1
        self.assertGreaterEqual(answers, 1)
        self.assertLessEqual(answers, self.counter('suspended_answered'))
        self.assertLess(self.counter('suspended_answered'), 100)
        [row] = self.switch.rows('show', 'sip', 'guard')
        self.assertEqual(row['suspended_dropped'], self.counter('suspended_dropped'))
        # Not even OPTIONS tells that somebody is here.
        self.assertIsNone(guesser.ask(guesser.text(method='OPTIONS'), SILENCE_S))
        self.assertEqual(self.phone().register().status, 200)

    def test_silence(self):
        self.switch.set('SS_REPLY_UNAUTHORIZED', 'off')
        guesser = self.phone('1001', 'wrong', '127.0.2.1')
        for _ in range(3):
            self.assertEqual(guesser.register().status, 401)
        self.assertIsNone(guesser.ask(guesser.signed()))
        self.assertIsNone(guesser.ask(guesser.text(), SILENCE_S))
        self.assertEqual(self.counter('suspended_answered'), 0)

    def test_calls_that_are_up_can_be_ended(self):
        """The address of a phone in a call is suspended by another who guesses there."""
        caller, callee = self.agent('1001', '127.0.2.1'), self.agent('1002', '127.0.1.2')
        caller.register(expires=300)
        callee.register()
        call = caller.invite('1002', make_sdp('127.0.2.1', 40000))
        ring = callee.incoming()
        ring.answer(200, make_sdp('127.0.1.2', 40002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        caller.register(expires=0)  # so that it is nobody's home, and can be suspended
        self.suspend('127.0.2.1', '1003')
        other = ring.send('INFO')
        call.reply(call.wait_request('INFO'), 200)  # an answer from there goes through
        self.assertEqual(callee.wait_status(other).status, 200)
        call.reinvite(make_sdp('127.0.2.1', 40000))
        ring.wait_request('INVITE')
        ring.answer(200, make_sdp('127.0.1.2', 40002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        ended = call.send('BYE')
        ring.reply(ring.wait_request('BYE'), 200)
        self.assertEqual(caller.wait_status(ended).status, 200)
        self.assertGreater(self.counter('suspended_inside'), 0)
        # But no new one begins.
        again = caller.invite('1002', make_sdp('127.0.2.1', 40000))
        self.assertEqual(again.wait(lambda m: m.status >= 200).status, 403)

    def test_nobody_counts_in_anothers_name(self):
        """A stranger who forges an address never sees a nonce that was sent there. Another address' nonce is no
        failure, however wrong the password."""
        victim, thief = self.phone(address='127.0.1.7'), self.phone('1001', 'wrong', '127.0.2.7')
        for _ in range(10):
            challenge = thief.challenge()
            answer = victim.ask(victim.text(victim.credentials(challenge, password='wrong')))
            self.assertEqual(answer.status, 401)
            self.assertEqual(answer.challenge()['stale'], 'true')
        self.assertEqual(self.switch.rows('show', 'authentication', 'failures'), [])
        self.assertEqual(victim.register().status, 200)

    def test_a_home_is_not_suspended_for_others(self):
        home = self.phone('1001', address='127.0.1.5')
        self.assertEqual(home.register(expires=300).status, 200)
        # An old password of a second phone behind the same address.
        self.assertEqual(self.guess(4, '1002', '127.0.1.5'), [401, 401, 401, 403])
        self.assertEqual(self.suspended(), [('127.0.1.5', '1002')])
        self.assertEqual(home.register(expires=300).status, 200)
        self.assertEqual(self.phone('1003', address='127.0.1.5').register().status, 200)
        # The right password does not help that user, while it is suspended there.
        self.assertEqual(self.phone('1002', address='127.0.1.5').register().status, 403)
        self.assertEqual(self.phone('1002', address='127.0.1.6').register().status, 200)
        self.switch.do('clear', 'authentication', 'suspended', 'address', '127.0.1.5', 'user', '1002')
        self.assertEqual(self.phone('1002', address='127.0.1.5').register().status, 200)

    def test_one_who_guesses_at_home_is_stopped_for_strangers(self):
        home = self.phone('1001', address='127.0.1.5')
        self.assertEqual(home.register(expires=300).status, 200)
        statuses = [self.guess(1, f'2{number:03}', '127.0.1.5')[0] for number in range(33)]
        self.assertEqual(statuses, [401] * 32 + [403])
        self.assertEqual(self.suspended(), [('127.0.1.5', '*')])
        self.assertEqual(self.phone('1002', address='127.0.1.5').register().status, 403)
        self.assertEqual(home.register(expires=300).status, 200)

    def test_a_gateway_is_not_cut_off(self):
        self.switch.do('set', 'mapping-gateway', 'trunk', 'address', '127.0.2.1')
        self.suspend('127.0.2.1', '1002')
        callee = self.agent('1001')
        callee.register()
        trunk = Agent(self.switch, 'trunk', address='127.0.2.1')
        self.addCleanup(trunk.close)
        call = trunk.invite('1001', make_sdp('127.0.2.1', 40000), expect_challenge=False)
        callee.incoming().answer(486)
        self.assertEqual(call.wait(486).status, 486)

    def test_a_trusted_prefix_ends_what_it_was_too_late_for(self):
        self.suspend()
        self.switch.do('set', 'trusted', '127.0.2.0/24', 'memo', 'ours')
        self.assertEqual(self.phone(address='127.0.2.1').register().status, 200)


class ByUser(LockoutCase):
    params = (*LockoutCase.params, 'SS_AUTHENTICATION_LOCK_KEY = address-user')

    def test_a_pair(self):
        self.suspend('127.0.2.1', '1001')
        self.assertEqual(self.suspended(), [('127.0.2.1', '1001')])
        self.assertEqual(self.phone('1001', address='127.0.2.1').register().status, 403)
        self.assertEqual(self.phone('1002', address='127.0.2.1').register().status, 200)
        self.assertEqual(self.phone('1001', address='127.0.2.2').register().status, 200)
        wait_for('the alarm names both', lambda: [row['subject'] for row in self.alarms()] ==
                 ['127.0.2.1 user 1001'])

    def test_many_users_are_the_source(self):
        self.assertEqual([self.guess(1, f'20{number}')[0] for number in range(4)], [401, 401, 401, 403])
        self.assertEqual(self.suspended(), [('127.0.2.1', None)])


if __name__ == '__main__':
    if os.environ.get('VOS_BUILD_DIR') is None:
        print('VOS_BUILD_DIR is not set; ../../build is used', file=sys.stderr)
    unittest.main(verbosity=2)
