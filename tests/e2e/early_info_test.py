#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""INFO before the answer, both ways in the early dialog, and a call that changes its codec once it is up: with a
whole switch."""
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Sdp, make_sdp
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


if __name__ == '__main__':
    unittest.main(verbosity=2)
