#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls to phones that are forwarded: always, when busy, when nobody answers, when the phone is not there; and circles,
which end the call without ringing anybody twice."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from switch import wait_for
from transfer import WAIT_S, Phones


class Forward(Phones):
    PARAMETERS = 'phone 1004\n exit\nphone 1005\n exit\n'

    def forward(self, *fields):
        """(phone, kind, number)... in one commit, instead of those there are."""
        lines = []
        for phone in ('1002', '1003', '1004', '1005'):
            lines += [f'phone {phone}', *(f'no {kind}' for kind in
                                          ('forward-always', 'forward-busy', 'forward-no-answer', 'forward-offline'))]
            lines += [f'{kind} {number}' for of, kind, number in fields if of == phone] + ['exit']
        words = ['-c', 'configure']
        for line in [*lines, 'commit']:
            words += ['-c', line]
        self.switch.do(*words)

    def call(self, number='1002'):
        return self.agents['1001'].invite(number, self.sdp('1001'))

    def ring(self, number):
        ring = self.agents[number].incoming(WAIT_S)
        ring.answer(180)
        return ring

    def refuse(self, ring, status):
        ring.answer(status)
        ring.wait_request('ACK', WAIT_S)

    def ends(self, call, status):
        final = call.wait(lambda m: m.status >= 200, WAIT_S)
        self.assertEqual(final.status, status)
        call.ack(final)
        wait_for('the call is gone', lambda: not self.switch.rows('show', 'calls'), WAIT_S)

    def was_a_loop(self, count):
        """All calls so far, and nothing else."""
        def causes():
            return [row['cause'] for row in self.switch.rows('show', 'calls', 'history', 'cause', 'forward-loop')]
        wait_for('the records say so', lambda: len(causes()) == count, WAIT_S)

    def quiet(self, *numbers):
        """Nobody called them: the switch has nothing more to say, the call is over."""
        for number in numbers:
            agent = self.agents[number]
            while agent.read(0.05):
                pass
            self.assertEqual([m for m in agent.unread if m.method == 'INVITE' and m.status is None], [])

    def answered(self, call, ring, number):
        ring.answer(200, self.sdp(number))
        ring.wait_request('ACK', WAIT_S)
        call.wait(200, WAIT_S)
        call.ack()
        self.end(call, ring)

    def test_each_reason(self):
        self.forward(('1002', 'forward-always', '1003'))
        call = self.call()
        self.answered(call, self.ring('1003'), '1003')
        self.quiet('1002')

        self.forward(('1002', 'forward-busy', '1003'))
        call = self.call()
        self.refuse(self.ring('1002'), 486)
        self.answered(call, self.ring('1003'), '1003')

        self.forward(('1002', 'forward-no-answer', '1003'))
        self.switch.do('set', 'phone', '1002', 'forward-ring-time', '1')
        call = self.call()
        unanswered = self.ring('1002')
        unanswered.reply(unanswered.wait_request('CANCEL', WAIT_S), 200)
        self.refuse(unanswered, 487)
        self.answered(call, self.ring('1003'), '1003')

        self.forward(('1004', 'forward-offline', '1003'))
        call = self.call('1004')
        self.answered(call, self.ring('1003'), '1003')

    def test_circles(self):
        circles = {
            'of one': [('1002', 'forward-always', '1002')],
            'of two': [('1002', 'forward-always', '1003'), ('1003', 'forward-always', '1002')],
            'that is entered late': [('1002', 'forward-always', '1004'), ('1004', 'forward-offline', '1005'),
                                     ('1005', 'forward-always', '1004')],
        }
        for count, (name, fields) in enumerate(circles.items(), 1):
            with self.subTest(name):
                self.forward(*fields)
                self.ends(self.call(), 482)
                self.quiet('1002', '1003')
                self.was_a_loop(count)

    def test_a_circle_through_busy_phones(self):
        """Each is rung once."""
        self.forward(('1002', 'forward-busy', '1003'), ('1003', 'forward-busy', '1002'))
        call = self.call()
        self.refuse(self.ring('1002'), 486)
        self.refuse(self.ring('1003'), 486)
        self.ends(call, 482)
        self.quiet('1002', '1003')


if __name__ == '__main__':
    unittest.main(verbosity=2)
