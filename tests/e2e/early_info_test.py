#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""INFO before the answer, both ways in the early dialog, a call that changes its codec once it is up, and a late
offer that two phones behind a proxy answer: with a whole switch."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Call, Sdp, make_sdp
from transfer import Phones, WAIT_S


class Early(Phones):
    def pass_info(self, from_end, to_end):
        request = from_end.in_dialog('INFO', [('Content-Type', 'application/dtmf-relay')])
        request.body = b'Signal=5\r\nDuration=160\r\n'
        from_end.agent.send(request)
        passed = to_end.wait_request('INFO', WAIT_S)
        self.assertEqual(passed.get('Content-Type'), 'application/dtmf-relay')
        self.assertEqual(passed.body, request.body)
        to_end.reply(passed, 200)
        self.assertEqual(from_end.agent.wait_status(request, timeout_s=WAIT_S).status, 200)

    def test_info_and_codec(self):
        out = self.agents['1001'].invite('1002', self.sdp('1001'))
        into = self.agents['1002'].incoming(WAIT_S)
        into.answer(180)
        out.wait(180, WAIT_S)
        self.pass_info(out, into)
        self.pass_info(into, out)
        into.answer(200, self.sdp('1002'))
        into.wait_request('ACK', WAIT_S)
        out.wait(200, WAIT_S)
        out.ack()
        self.pass_info(out, into)
        out.reinvite(make_sdp('127.0.0.1', self.audio['1001'].port, (8,), version=2))
        offer = into.wait_request('INVITE', WAIT_S)
        self.assertEqual(Sdp(offer.body).formats, [8])
        into.answer(200, make_sdp('127.0.0.1', self.audio['1002'].port, (8,), version=2))
        answer = out.wait(200, WAIT_S)
        out.ack()
        into.wait_request('ACK', WAIT_S)
        self.assertEqual(Sdp(answer.body).formats, [8])
        for audio in self.audio.values():
            audio.payload_type = 8
        self.audio['1001'].exchange(Sdp(answer.body).rtp, self.audio['1002'])
        self.audio['1002'].exchange(Sdp(offer.body).rtp, self.audio['1001'])
        self.end(out, into)

    def test_late_offer_to_two_phones(self):
        """The caller takes the offer of the first, the second answers the call: each offer has its answer."""
        out = self.agents['1001'].invite('1002', headers=[('Supported', '100rel')])
        first = self.agents['1002'].incoming(WAIT_S)
        second = Call(self.agents['1002'], first.invite_request, is_caller=False)
        cseq = first.invite_request.cseq
        first.answer(183, self.sdp('1002'), [('Require', '100rel'), ('RSeq', '1')])
        early = out.wait(183, WAIT_S)
        request = out.send('PRACK', [('RAck', f'{early.get("RSeq")} {early.cseq} INVITE')], self.sdp('1001'))
        self.assertEqual(self.agents['1001'].wait_status(request, timeout_s=WAIT_S).status, 200)
        prack = first.wait_request('PRACK', WAIT_S)
        first.reply(prack, 200)
        self.audio['1002'].exchange(Sdp(prack.body).rtp, self.audio['1001'])
        second.answer(183, self.sdp('1003'), [('Require', '100rel'), ('RSeq', '7')])
        prack = second.wait_request('PRACK', WAIT_S)
        self.assertEqual((prack.get('RAck'), prack.tag('To')), (f'7 {cseq} INVITE', second.local_tag))
        self.assertEqual(Sdp(prack.body).direction, 'inactive')
        second.reply(prack, 200)
        second.answer(200)
        self.assertFalse(second.wait_request('ACK', WAIT_S).body)
        self.assertFalse(second.wait_request('INVITE', WAIT_S).body)
        second.answer(200, self.sdp('1003'))
        answer = out.wait(200, WAIT_S)
        self.assertNotEqual(answer.tag('To'), early.tag('To'))
        out.ack(sdp=self.sdp('1001'))
        ack = second.wait_request('ACK', WAIT_S)
        self.audio['1003'].exchange(Sdp(ack.body).rtp, self.audio['1001'])
        self.audio['1001'].exchange(Sdp(answer.body).rtp, self.audio['1003'])
        self.end(out, second)


if __name__ == '__main__':
    unittest.main(verbosity=2)
