#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Transfers and redirections with a whole switch: three phones, and audio that flows from end to end between
those who are left."""
import sys
import tempfile
import unittest
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, Rtp, Sdp, make_sdp, stop_cleanly
from switch import Switch

WAIT_S = 30


class Transfer(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='vos-transfer-')
        self.addCleanup(folder.cleanup)
        phones = ''.join(f'phone {number}\n password plain "{number}"\n session-timer off\n exit\n'
                         for number in ('1001', '1002', '1003'))
        self.switch = Switch(folder.name, phones).start()
        self.addCleanup(self.stop)
        self.switch.set('SS_MEDIA_PROXY_MODE', 'must-on')
        self.agents, self.audio = {}, {}
        for number in '1001', '1002', '1003':
            agent = Agent(self.switch, number, number)
            self.addCleanup(agent.close)
            agent.register()
            self.agents[number] = agent
            self.audio[number] = Rtp()
            self.addCleanup(self.audio[number].close)

    def stop(self):
        if self.switch.process:
            stop_cleanly(self.switch)

    def sdp(self, number):
        return make_sdp('127.0.0.1', self.audio[number].port)

    def connect(self, caller, callee):
        """A call that is up: its two ends."""
        out = self.agents[caller].invite(callee, self.sdp(caller))
        into = self.agents[callee].incoming(WAIT_S)
        into.answer(200, self.sdp(callee))
        into.wait_request('ACK', WAIT_S)
        out.wait(200, WAIT_S)
        out.ack()
        return out, into

    def refer(self, call, refer_to, expect=202):
        request = call.send('REFER', [('Refer-To', refer_to), ('Contact', call.agent.contact)])
        response = call.agent.wait_status(request, timeout_s=WAIT_S)
        self.assertEqual(response.status, expect)

    def told(self, call):
        """Statuses of the NOTIFYs up to the last; each is answered."""
        statuses = []
        while True:
            notify = call.wait_request('NOTIFY', WAIT_S)
            call.reply(notify, 200)
            self.assertEqual(notify.get('Event').partition(';')[0], 'refer')
            statuses.append(int(notify.body.split()[1]))
            if notify.get('Subscription-State').startswith('terminated'):
                return statuses

    def take_offer(self, call, number):
        """A re-INVITE of the switch's is answered; where its audio goes."""
        offer = call.wait_request('INVITE', WAIT_S)
        call.answer(200, self.sdp(number))
        call.wait_request('ACK', WAIT_S)
        return Sdp(offer.body).rtp

    def end(self, call, other):
        call.bye()
        other.reply(other.wait_request('BYE', WAIT_S), 200)

    def hung_up(self, call):
        call.reply(call.wait_request('BYE', WAIT_S), 200)

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
        replaces = urllib.parse.quote(f'{consult.call_id};to-tag={consult.remote_tag};'
                                      f'from-tag={consult.local_tag}', safe='')
        self.refer(by, f'<sip:1003@{by.agent.domain}?Replaces={replaces}>')
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
