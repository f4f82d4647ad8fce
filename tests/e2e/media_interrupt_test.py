#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that end because RTP is missing: rtp-interrupt-detection of the callee, in each direction."""
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, Rtp, Sdp, make_sdp, stop_cleanly  # noqa: E402
from switch import Switch  # noqa: E402

PATIENCE_S = 30
# Phone: what it detects, whose silence ends its calls.
PHONES = {'1002': ('server-to-remote', {'caller'}), '1003': ('remote-to-server', {'callee'}),
          '1004': ('both', {'caller', 'callee'}), '1005': ('none', set())}
CONFIG = 'SS_MEDIA_PROXY_MODE = must-on\nSS_RTP_INTERRUPT_TIME = 2\nphone 1001\n password plain "secret"\n exit\n' + ''.join(
    f'phone {number}\n password plain "secret"\n rtp-interrupt-detection {what}\n exit\n'
    for number, (what, _) in PHONES.items())


class Interrupts(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-interrupt-')
        self.addCleanup(scratch.cleanup)
        self.switch = Switch(scratch.name, CONFIG)
        self.addCleanup(self.end)
        self.switch.start()
        self.streams = []  # (RTP, where it sends)
        self.over = threading.Event()
        self.caller = self.phone('1001')

    def end(self):
        if self.switch.process and self.switch.process.poll() is None:
            self.switch.stop()

    def phone(self, number):
        agent = Agent(self.switch, number, 'secret')
        self.addCleanup(agent.close)
        agent.register()
        return agent

    def call(self, callee, silent):
        """A call that is up, of which one party does not send: both ends."""
        far = self.phone(callee)
        ends = [Rtp(), Rtp()]
        for one in ends:
            self.addCleanup(one.close)
        call = self.caller.invite(callee, sdp=make_sdp('127.0.0.1', ends[0].port))
        ring = far.incoming(PATIENCE_S)
        ring.answer(200, sdp=make_sdp('127.0.0.1', ends[1].port))
        answer = call.wait(200, PATIENCE_S)
        call.ack()
        ring.wait_request('ACK', PATIENCE_S)
        far.register(expires=0)
        self.streams += [(one, Sdp(body).rtp) for one, party, body in (
            (ends[0], 'caller', answer.body), (ends[1], 'callee', ring.invite_request.body)) if party != silent]
        return call, ring

    def send(self):
        while not self.over.wait(0.1):
            for one, to in self.streams:
                one.send(to)

    def test_directions(self):
        calls = []
        sender = threading.Thread(target=self.send)
        sender.start()
        self.addCleanup(sender.join)
        self.addCleanup(self.over.set)
        for number, (_, ends_with) in PHONES.items():
            for silent in ('caller', 'callee'):
                calls.append((self.call(number, silent), silent in ends_with))
        for legs, ends in calls:
            for leg in legs if ends else ():
                bye = leg.wait_request('BYE', PATIENCE_S)
                self.assertIn('media of one side stopped', bye.get('Reason'))
                leg.reply(bye, 200)
        rows = self.switch.rows('show', 'calls')
        self.assertEqual(sorted(row['callee'] for row in rows), ['1002', '1003', '1005', '1005'])
        for (call, ring), ends in calls:
            if not ends:
                call.send('BYE')
                ring.reply(ring.wait_request('BYE', PATIENCE_S), 200)
        self.over.set()
        sender.join()
        stop_cleanly(self.switch)


if __name__ == '__main__':
    unittest.main()
