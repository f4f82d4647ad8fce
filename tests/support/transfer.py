# SPDX-License-Identifier: GPL-2.0-or-later
"""Three phones at a switch, and what transfers between them are made of."""
import tempfile
import unittest
import urllib.parse

from siplib import Agent, Rtp, Sdp, make_sdp, stop_cleanly
from switch import Switch

WAIT_S = 30


class Phones(unittest.TestCase):
    PARAMETERS = ''

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='vos-transfer-')
        self.addCleanup(folder.cleanup)
        phones = ''.join(f'phone {number}\n password plain "{number}"\n session-timer off\n exit\n'
                         for number in ('1001', '1002', '1003'))
        self.switch = Switch(folder.name, phones + self.PARAMETERS).start()
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

    def refer_attended(self, by, consult):
        replaces = urllib.parse.quote(f'{consult.call_id};to-tag={consult.remote_tag};'
                                      f'from-tag={consult.local_tag}', safe='')
        self.refer(by, f'<sip:1003@{by.agent.domain}?Replaces={replaces}>')
