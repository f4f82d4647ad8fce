#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Attended transfer with three signalling threads: the two calls are different threads'. Whose a call is follows
from its Call-ID, so the test makes calls until two are."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Sdp, make_sdp
from switch import wait_for
from transfer import Phones, WAIT_S


class AcrossThreads(Phones):
    PARAMETERS = 'SS_SIP_SIGNALLING_THREADS = 3\n'

    def connect_elsewhere(self, caller, callee, but):
        """A call of another thread than that one; its ends."""
        for _ in range(60):
            before = {row['id'] for row in self.switch.rows('show', 'calls')}
            pair = self.connect(caller, callee)
            row, = [row for row in self.switch.rows('show', 'calls') if row['id'] not in before]
            if row['id'][:2] != but:
                return (*pair, row['id'][:2])
            self.end(*pair)
        raise AssertionError('every call is of the same thread')

    def connect_two(self):
        by, kept, thread = self.connect_elsewhere('1001', '1002', '')
        consult, target, _ = self.connect_elsewhere('1001', '1003', thread)
        return by, kept, consult, target

    def join(self, by, kept, consult, target):
        """All of the transfer; where audio goes for the two that are left."""
        self.refer_attended(by, consult)
        self.assertFalse(target.wait_request('INVITE', WAIT_S).body)
        target.answer(200, self.sdp('1003'))
        to_target = self.take_offer(kept, '1002')
        ack = target.wait_request('ACK', WAIT_S)
        self.assertEqual(self.told(by), [100, 200])
        self.hung_up(by)
        self.hung_up(consult)
        return to_target, Sdp(ack.body).rtp

    def test_attended(self):
        by, kept, consult, target = self.connect_two()
        to_target, to_kept = self.join(by, kept, consult, target)
        self.audio['1002'].exchange(to_target, self.audio['1003'])
        self.audio['1003'].exchange(to_kept, self.audio['1002'])
        shown, = self.switch.rows('show', 'calls')
        self.assertEqual((shown['caller'], shown['callee']), ('1002', '1003'))
        # The leg that has moved takes requests and makes them, as any other.
        target.answer(200, self.sdp('1003'))  # its 2xx again: the same ACK again
        cseq = f'CSeq: {target.invite_request.cseq} ACK'.encode()
        while sum(cseq in data for data in target.agent.received) < 2:
            self.assertTrue(target.agent.read(WAIT_S))
        target.reinvite(make_sdp('127.0.0.1', self.audio['1003'].port, direction='sendonly', version=9))
        self.assertEqual(Sdp(kept.wait_request('INVITE', WAIT_S).body).direction, 'sendonly')
        kept.answer(200, make_sdp('127.0.0.1', self.audio['1002'].port, direction='recvonly'))
        target.wait(200, WAIT_S)
        target.ack()
        # What it sends comes in order: with this answer its ACK has come too.
        target.agent.wait_status(target.send('OPTIONS'), timeout_s=WAIT_S)
        kept.wait_request('ACK', WAIT_S)
        kept.reinvite(make_sdp('127.0.0.1', self.audio['1002'].port, version=9))
        target.wait_request('INVITE', WAIT_S)
        target.answer(200, self.sdp('1003'))
        kept.wait(200, WAIT_S)
        kept.ack()
        target.wait_request('ACK', WAIT_S)
        self.end(target, kept)
        wait_for('no call is left', lambda: not self.switch.rows('show', 'calls'))

    def test_kept_hangs_up_afterwards(self):
        by, kept, consult, target = self.connect_two()
        self.join(by, kept, consult, target)
        self.end(kept, target)
        wait_for('no call is left', lambda: not self.switch.rows('show', 'calls'))

    def test_transferred_again(self):
        """What has come from another thread is handed on once more: the target asks for the next one."""
        by, kept, consult, target = self.connect_two()
        self.join(by, kept, consult, target)
        self.refer(target, f'<sip:1001@{by.agent.domain}>')
        third = self.agents['1001'].incoming(WAIT_S)
        third.answer(200, self.sdp('1001'))
        to_third = self.take_offer(kept, '1002')
        third.wait_request('ACK', WAIT_S)
        self.assertEqual(self.told(target)[-1], 200)
        self.hung_up(target)
        self.audio['1002'].exchange(to_third, self.audio['1001'])
        self.end(third, kept)

    def test_target_refuses(self):
        by, kept, consult, target = self.connect_two()
        self.refer_attended(by, consult)
        target.wait_request('INVITE', WAIT_S)
        target.answer(488)
        target.wait_request('ACK', WAIT_S)
        self.assertEqual(self.told(by), [100, 488])
        self.assertEqual(len(self.switch.rows('show', 'calls')), 2)
        self.end(consult, target)
        self.end(by, kept)

    def test_kept_hangs_up_while_the_target_is_asked(self):
        by, kept, consult, target = self.connect_two()
        self.refer_attended(by, consult)
        asked = target.wait_request('INVITE', WAIT_S)
        self.agents['1002'].send(kept.in_dialog('BYE'))
        self.assertEqual(self.told(by)[-1], 500)
        self.hung_up(by)
        wait_for('the other call is left', lambda: len(self.switch.rows('show', 'calls')) == 1)
        target.invite_request = asked
        target.answer(200, self.sdp('1003'))
        target.wait_request('ACK', WAIT_S)
        self.end(consult, target)

    def test_referrer_leaves_while_the_target_is_asked(self):
        by, kept, consult, target = self.connect_two()
        self.refer_attended(by, consult)
        target.wait_request('INVITE', WAIT_S)
        consult.bye()
        target.answer(200, self.sdp('1003'))
        to_target = self.take_offer(kept, '1002')
        target.wait_request('ACK', WAIT_S)
        self.assertEqual(self.told(by), [100, 200])
        self.hung_up(by)
        self.audio['1002'].exchange(to_target, self.audio['1003'])
        self.end(kept, target)

    def invite_instead(self, call):
        """The party of a call takes it over with a new dialog."""
        return self.agents['1001'].invite('1002', make_sdp('127.0.0.1', self.audio['1001'].port, version=7), headers=[
            ('Replaces', f'{call.call_id};to-tag={call.remote_tag};from-tag={call.local_tag}')])

    def test_leg_takes_over(self):
        """Eight times, each with a Call-ID of chance: it is another thread's two times of three."""
        call, kept = self.connect('1001', '1002')
        for _ in range(8):
            new = self.invite_instead(call)
            kept.wait_request('INVITE', WAIT_S)
            kept.answer(200, self.sdp('1002'))
            kept.wait_request('ACK', WAIT_S)
            answer = new.wait(200, WAIT_S)
            new.ack()
            self.hung_up(call)
            self.audio['1001'].exchange(Sdp(answer.body).rtp, self.audio['1002'])
            new.agent.wait_status(new.send('OPTIONS'), timeout_s=WAIT_S)
            call = new
        self.assertEqual(len(self.switch.rows('show', 'calls')), 1)
        self.end(call, kept)
        wait_for('no leg is left', lambda: not sum(row['legs'] for row in
                                                    self.switch.rows('show', 'sip', 'statistics')))

    def test_other_side_refuses_the_new_leg(self):
        call, kept = self.connect('1001', '1002')
        for _ in range(4):
            new = self.invite_instead(call)
            kept.wait_request('INVITE', WAIT_S)
            kept.answer(488)
            kept.wait_request('ACK', WAIT_S)
            new.ack(new.wait(488, WAIT_S))
        new = self.invite_instead(call)
        kept.wait_request('INVITE', WAIT_S)
        kept.answer(100)
        new.cancel()
        new.ack(new.wait(487, WAIT_S))
        cancel = kept.wait_request('CANCEL', WAIT_S)
        kept.reply(cancel, 200)
        kept.answer(487)
        kept.wait_request('ACK', WAIT_S)
        self.end(call, kept)


if __name__ == '__main__':
    unittest.main(verbosity=2)
