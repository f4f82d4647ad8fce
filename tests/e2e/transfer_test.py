#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Transfers and redirections with a whole switch: three phones, and audio that flows from end to end between
those who are left."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Sdp
from transfer import Phones, WAIT_S


class Transfer(Phones):
    def test_blind(self):
        by, kept = self.connect('1001', '1002')
        self.refer(by, f'<sip:1003@{by.agent.domain}>')
        target = self.agents['1003'].incoming(WAIT_S)
        self.assertFalse(target.invite_request.body)
        target.answer(180)
        target.answer(200, self.sdp('1003'))
        to_target = self.take_offer(kept, '1002')
        ack = target.wait_request('ACK', WAIT_S)
        self.assertEqual(self.told(by), [100, 180, 200])
        self.hung_up(by)
        self.audio['1002'].exchange(to_target, self.audio['1003'])
        self.audio['1003'].exchange(Sdp(ack.body).rtp, self.audio['1002'])
        shown, = self.switch.rows('show', 'calls')
        self.assertEqual((shown['caller'], shown['callee']), ('1002', '1003'))
        self.end(kept, target)

    def test_target_is_busy(self):
        by, kept = self.connect('1001', '1002')
        self.refer(by, f'<sip:1003@{by.agent.domain}>')
        target = self.agents['1003'].incoming(WAIT_S)
        target.answer(486)
        self.assertEqual(self.told(by), [100, 486])
        self.audio['1001'].exchange(Sdp(by.answered.body).rtp, self.audio['1002'])
        self.end(by, kept)

    def test_attended(self):
        by, kept = self.connect('1001', '1002')
        consult, target = self.connect('1001', '1003')
        self.refer_attended(by, consult)
        asked = target.wait_request('INVITE', WAIT_S)
        self.assertFalse(asked.body)
        target.answer(200, self.sdp('1003'))
        to_target = self.take_offer(kept, '1002')
        ack = target.wait_request('ACK', WAIT_S)
        self.assertEqual(self.told(by), [100, 200])
        self.hung_up(by)
        self.hung_up(consult)
        self.audio['1002'].exchange(to_target, self.audio['1003'])
        self.audio['1003'].exchange(Sdp(ack.body).rtp, self.audio['1002'])
        self.end(kept, target)

    def test_redirected(self):
        out = self.agents['1001'].invite('1002', self.sdp('1001'))
        into = self.agents['1002'].incoming(WAIT_S)
        # Nobody is called where a phone points, unless it is one of ours.
        self.agents['1002'].reply(into.invite_request, 302, to_tag=into.local_tag, headers=[
            ('Contact', '<sip:666@127.0.0.1:9>;q=0.9, '
                        f'<sip:1003@{self.switch.address}:{self.switch.port}>;q=0.5')])
        into.wait_request('ACK', WAIT_S)
        target = self.agents['1003'].incoming(WAIT_S)
        diversion = target.invite_request.get('Diversion')
        self.assertTrue(diversion.startswith('<sip:1002@'), diversion)
        self.assertIn('reason=deflection', diversion)
        target.answer(200, self.sdp('1003'))
        target.wait_request('ACK', WAIT_S)
        answer = out.wait(200, WAIT_S)
        out.ack()
        self.audio['1001'].exchange(Sdp(answer.body).rtp, self.audio['1003'])
        self.end(out, target)

    def test_switched_off(self):
        self.switch.do('-c', 'configure', '-c', 'phone 1001', '-c', 'transfer off', '-c', 'commit')
        by, kept = self.connect('1001', '1002')
        self.refer(by, f'<sip:1003@{by.agent.domain}>', expect=603)
        self.end(by, kept)


if __name__ == '__main__':
    unittest.main(verbosity=2)
