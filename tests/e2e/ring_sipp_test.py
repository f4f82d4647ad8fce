#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A phone with several contacts, sipp at every end: rung in turn and at once, and nothing left of it."""
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
sys.path.insert(0, str(Path(__file__).resolve().parent))
import calls_sipp_test
from calls_sipp_test import CALLER, PASSWORDS
from switch import SKIPPED, Switch, wait_for

IN_TURN, AT_ONCE = '1002', '1003'


def configuration():
    return '\n'.join([
        f'phone {CALLER}\n password plain "{PASSWORDS[CALLER]}"\n exit',
        f'phone {IN_TURN}\n password plain "{PASSWORDS[IN_TURN]}"\n max-addresses 10\n exit',
        f'phone {AT_ONCE}\n password plain "{PASSWORDS[AT_ONCE]}"\n max-addresses 10\n ring at-once\n exit',
        'SS_RTP_PORT_RANGE = 20200,20399', 'SS_MEDIA_PROXY_MODE = on', 'SS_SIP_TIMEOUT_RINGING = 3',
        'SS_SIP_AUTHENTICATION_REALM = sipp.test'])


class Ring(calls_sipp_test.SippCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-ring-')
        cls.switch = Switch(cls.scratch.name, configuration()).start()

    def contact(self, user, q, scenario, **values):
        """Registers one more contact of the phone and starts its scenario there."""
        port = self.register(user, CONTACT_PARAMS=f';q={q}').port
        return self.sipp(scenario, user=user, port=port, **values).ready()

    def call(self, user, scenario, *callees, **values):
        caller = self.caller(scenario, called=user, **values).finish()
        for callee in callees:
            callee.finish()
        self.assert_no_call()
        self.assertEqual(self.switch.rows('show', 'media', 'sessions'), [])
        wait_for('all ports are given back',
                 lambda: self.switch.json('show', 'media', 'ports')['item']['pairs_used'] == 0)
        return caller

    def assert_cancelled(self, callee, is_elsewhere):
        cancels = callee.received('CANCEL')
        self.assertEqual(len(cancels), 1)
        self.assertEqual('cause=200' in (cancels[0].get('Reason') or ''), is_elsewhere)


class AtOnce(Ring):
    def test_the_first_answer_wins(self):
        losers = [self.contact(AT_ONCE, '1.0', 'uas_cancelled') for _ in range(2)]
        winner = self.contact(AT_ONCE, '1.0', 'uas_byed')
        caller = self.call(AT_ONCE, 'uac_bye', winner, *losers)
        for loser in losers:
            self.assert_cancelled(loser, True)
        self.assertEqual(len(caller.received(status=180)), 1)
        tags = {message.get('To').split('tag=')[1] for message in caller.received() if message.status in (180, 200)
                and 'INVITE' in message.get('CSeq')}
        self.assertEqual(len(tags), 1)
        ports = [callee.received('INVITE')[0].sdp('m')[0].split()[1] for callee in (winner, *losers)]
        self.assertEqual(len(set(ports)), 3, 'each phone has a port of the relay for itself')

    def test_an_answer_that_crosses_the_cancel(self):
        late = self.contact(AT_ONCE, '1.0', 'uas_late_200')
        winner = self.contact(AT_ONCE, '1.0', 'uas_byed')
        self.call(AT_ONCE, 'uac_bye', winner, late, HOLD_MS=500)
        self.assertEqual(len(late.received('BYE')), 1)

    def test_one_is_busy_and_one_does_not_answer(self):
        busy = self.contact(AT_ONCE, '1.0', 'uas_refuse', STATUS=486, REASON='Busy Here')
        silent = self.contact(AT_ONCE, '1.0', 'uas_cancelled')
        self.call(AT_ONCE, 'uac_refused', busy, silent, STATUS=480)
        self.assert_cancelled(silent, False)

    def test_all_are_busy(self):
        busy = [self.contact(AT_ONCE, '1.0', 'uas_refuse', STATUS=486, REASON='Busy Here') for _ in range(3)]
        self.call(AT_ONCE, 'uac_refused', *busy, STATUS=486)

    def test_one_declines_for_all(self):
        declining = self.contact(AT_ONCE, '1.0', 'uas_refuse', STATUS=603, REASON='Decline')
        ringing = self.contact(AT_ONCE, '1.0', 'uas_cancelled')
        self.call(AT_ONCE, 'uac_refused', declining, ringing, STATUS=603)
        self.assert_cancelled(ringing, False)

    def test_the_caller_gives_up_while_three_ring(self):
        ringing = [self.contact(AT_ONCE, '1.0', 'uas_cancelled') for _ in range(3)]
        caller = self.call(AT_ONCE, 'uac_cancel', *ringing)
        for callee in ringing:
            self.assert_cancelled(callee, False)
        answers = [message for message in caller.received() if message.status in (200, 487)]
        self.assertEqual(len({message.get('To').split('tag=')[1] for message in answers}), 1)

    def test_the_lower_q_rings_after_the_others(self):
        last = self.contact(AT_ONCE, '0.5', 'uas_byed')
        first = [self.contact(AT_ONCE, '0.9', 'uas_refuse', STATUS=486, REASON='Busy Here') for _ in range(2)]
        self.call(AT_ONCE, 'uac_bye', last, *first)


class InTurn(Ring):
    def test_the_next_rings_when_the_first_does_not_answer(self):
        second = self.contact(IN_TURN, '0.5', 'uas_byed')
        first = self.contact(IN_TURN, '1.0', 'uas_cancelled')
        self.call(IN_TURN, 'uac_bye', second, first)
        self.assert_cancelled(first, False)

    def test_the_next_rings_when_the_first_is_busy(self):
        third = self.contact(IN_TURN, '0.1', 'uas_byed')
        second = self.contact(IN_TURN, '0.5', 'uas_refuse', STATUS=480, REASON='Away')
        first = self.contact(IN_TURN, '1.0', 'uas_refuse', STATUS=486, REASON='Busy Here')
        self.call(IN_TURN, 'uac_bye', third, second, first)

    def test_none_rings_after_one_declined(self):
        # Nobody is at the second contact: an INVITE there would keep the caller waiting.
        self.register(IN_TURN, CONTACT_PARAMS=';q=0.5')
        first = self.contact(IN_TURN, '1.0', 'uas_refuse', STATUS=603, REASON='Decline')
        self.call(IN_TURN, 'uac_refused', first, STATUS=603)


class Afterwards(Ring):
    def test_no_transaction_is_left(self):
        losers = [self.contact(AT_ONCE, '1.0', 'uas_cancelled') for _ in range(2)]
        self.call(AT_ONCE, 'uac_bye', self.contact(AT_ONCE, '1.0', 'uas_byed'), *losers)
        rows = self.switch.rows('show', 'sip', 'transactions')
        self.assertTrue(any(row['kind'] == 'client' and row['method'] == 'INVITE' for row in rows), rows)
        # 32 s after its end an INVITE's transaction is forgotten (RFC 6026).
        wait_for('no transaction is left', lambda: not self.switch.rows('show', 'sip', 'transactions'), 60)


if __name__ == '__main__':
    if not shutil.which('sipp'):
        print('sipp is not installed')
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
