#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Within a call that is up: offers of both sides that meet, an offer that is refused; and what either side ever reads
of the other, in all kinds of messages."""
import sys
import tempfile
import unittest
from collections import namedtuple
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, Message, Rtp, Sdp, make_sdp, stop_cleanly
from switch import Switch, wait_for

WAIT_S = 30
CALLER, CALLEE = '127.45.1.6', '127.46.2.7'
CONFIG = '''
mapping-gateway in
 address {caller}
 exit
routing-gateway out
 address {callee}:{port}
 prefixes 9
 session-timer off
 exit
SS_MEDIA_PROXY_MODE = must-on
'''


class Dialog(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='vos-dialog-')
        self.addCleanup(folder.cleanup)
        self.callee = self.open(Agent(namedtuple('Where', 'address port')('127.0.0.1', 0), 'callee', address=CALLEE))
        self.switch = Switch(folder.name, CONFIG.format(caller=CALLER, callee=CALLEE, port=self.callee.port)).start()
        self.addCleanup(lambda: self.switch.process and stop_cleanly(self.switch))
        self.callee.switch = (self.switch.address, self.switch.port)
        self.caller = self.open(Agent(self.switch, 'caller', address=CALLER))
        self.near, self.far = self.open(Rtp(CALLER)), self.open(Rtp(CALLEE))

    def open(self, what):
        self.addCleanup(what.close)
        return what

    def sdp(self, rtp, version=1, direction='sendrecv'):
        return make_sdp(rtp.address, rtp.port, version=version, direction=direction)

    def connect(self):
        """A call that is up: its ends, and where each sends its audio."""
        out = self.caller.invite('900', self.sdp(self.near), expect_challenge=False)
        into = self.callee.incoming(WAIT_S)
        into.answer(200, self.sdp(self.far))
        into.wait_request('ACK', WAIT_S)
        answer = out.wait(200, WAIT_S)
        out.ack()
        return out, into, Sdp(answer.body).rtp, Sdp(into.invite_request.body).rtp

    def hears(self, near, near_to, far, far_to):
        """Each hears the other through the relay."""
        near.exchange(near_to, far)
        far.exchange(far_to, near)

    def refused(self, call, status):
        final = call.wait(lambda m: m.status >= 200, WAIT_S)
        self.assertEqual(final.status, status)
        call.ack(final)

    def hang_up(self, call, other):
        call.bye()
        other.reply(other.wait_request('BYE', WAIT_S), 200)
        wait_for('the call is gone', lambda: not self.switch.rows('show', 'calls'), WAIT_S)

    # --- Offers. ---

    def pass_offer(self, call, other, sdp, answer):
        """One side's offer, the other's answer to it; the answer that comes back."""
        call.reinvite(sdp)
        offer = other.wait_request('INVITE', WAIT_S)
        self.assertEqual(Sdp(offer.body).direction, Sdp(sdp).direction)
        other.answer(200, answer)
        other.wait_request('ACK', WAIT_S)
        back = call.wait(200, WAIT_S)
        call.ack()
        return back

    def test_offers_of_both_at_once(self):
        """Neither side's offer is taken (RFC 3261 14.2): each reads 491, nothing changes, and each may try again."""
        out, into, near_to, far_to = self.connect()
        out.reinvite(self.sdp(self.near, 2, 'sendonly'))
        own = into.reinvite(self.sdp(self.far, 2, 'recvonly'))
        crossed = into.wait_request('INVITE', WAIT_S)  # now the one that answer() answers
        self.assertEqual(Sdp(crossed.body).direction, 'sendonly')
        self.assertEqual(self.callee.wait_status(own, timeout_s=WAIT_S).status, 491)
        into.agent.send(self.ack_of(into, own))
        self.assertEqual([m for m in self.caller.unread if m.method == 'INVITE' and m.status is None], [],
                         'an offer that was refused went on')
        into.answer(491)
        into.wait_request('ACK', WAIT_S)
        self.refused(out, 491)
        self.hears(self.near, near_to, self.far, far_to)
        # The callee does not own the Call-ID of its dialog: it is the one that waits less.
        self.pass_offer(into, out, self.sdp(self.far, 3, 'recvonly'), self.sdp(self.near, 3, 'sendonly'))
        self.pass_offer(out, into, self.sdp(self.near, 4), self.sdp(self.far, 4))
        self.hears(self.near, near_to, self.far, far_to)
        self.hang_up(out, into)

    def ack_of(self, call, request):
        """For a failure of an INVITE that is not the last."""
        fields = [(name, value) for name, value in request.headers if name in ('Via', 'Max-Forwards', 'From', 'Call-ID')]
        return Message(f'ACK {request.uri} SIP/2.0', [*fields, ('To', call.remote), ('CSeq', f'{request.cseq} ACK')])

    def test_an_offer_that_is_refused(self):
        """By 488, and by whoever has to be asked first: the session is what it was (RFC 3261 14.1)."""
        out, into, near_to, far_to = self.connect()
        moved = self.open(Rtp(CALLER))
        for call, other, mine, status in ((out, into, moved, 488), (into, out, self.open(Rtp(CALLEE)), 603)):
            with self.subTest(status=status):
                call.reinvite(self.sdp(mine, 2))
                other.wait_request('INVITE', WAIT_S)
                other.answer(status)
                other.wait_request('ACK', WAIT_S)
                self.refused(call, status)
                self.hears(self.near, near_to, self.far, far_to)
        # The next one is a matter of its own.
        back = self.pass_offer(out, into, self.sdp(moved, 3), self.sdp(self.far, 2))
        self.hears(moved, Sdp(back.body).rtp, self.far, far_to)
        self.assertEqual(len(self.switch.rows('show', 'calls')), 1)
        self.hang_up(into, out)

    # --- What is hidden. ---

    def extra(self, agent, name):
        """Header lines by which a side gives itself away."""
        where = f'{agent.address}:{agent.port}'
        return [('User-Agent', f'{name}-agent/1 ({agent.address})'), ('Server', f'{name}-agent/1'),
                ('Organization', f'{name}-works'), ('Warning', f'399 {agent.address} "{name}-works"'),
                ('Record-Route', f'<sip:{where};lr>'), ('P-Charging-Vector', f'icid-value={name}-works'),
                ('P-Asserted-Identity', f'<sip:4711@{agent.address}>'), ('Diversion', f'<sip:4711@{where}>'),
                ('Remote-Party-ID', f'<sip:4711@{agent.address}>'), ('History-Info', f'<sip:4711@{where}>;index=1'),
                ('Call-Info', f'<http://{where}/>'), ('Alert-Info', f'<http://{where}/>'),
                ('Reason', f'SIP;cause=200;text="{name}-works"'), ('X-Network', f'{name}-works'),
                ('Geolocation', f'<cid:1@{agent.address}>'), ('Referred-By', f'<sip:4711@{where}>')]

    def session(self, rtp, name, version=1):
        return make_sdp(rtp.address, rtp.port, version=version, extra=(
            f'a=rtcp:{rtp.port + 1} IN IP4 {rtp.address}', f'a=candidate:1 1 UDP 1 {rtp.address} {rtp.port} typ host',
            f'a=ice-ufrag:{name}-works'))

    def test_nothing_of_the_other_side(self):
        """Not an address, a name, a tag, a branch or a Call-ID of one leg in any byte that the other leg gets."""
        ends = {'caller': self.caller, 'callee': self.callee}
        extra = {name: self.extra(agent, name) for name, agent in ends.items()}
        offer = {name: self.session(rtp, name) for name, rtp in (('caller', self.near), ('callee', self.far))}
        out = self.caller.invite('900', offer['caller'], [*extra['caller'], ('Supported', '100rel')],
                                 expect_challenge=False)
        into = self.callee.incoming(WAIT_S)
        for status, body, more in ((180, '', []), (183, offer['callee'], [('Require', '100rel'), ('RSeq', '7')])):
            into.answer(status, body, [*extra['callee'], *more])
            progress = out.wait(status, WAIT_S)
            for end, name in ((out, 'caller'), (into, 'callee')):
                self.prack(end, name, extra, progress, into if end is out else out)
        into.answer(200, '', extra['callee'])
        into.wait_request('ACK', WAIT_S)
        out.wait(200, WAIT_S)
        out.agent.send(self.with_lines(out.in_dialog('ACK', cseq=out.answered.cseq), extra['caller']))
        for name, call, other_name, other in (('caller', out, 'callee', into), ('callee', into, 'caller', out)):
            self.exchange(name, call, other_name, other, extra, offer)
        request = into.send('BYE', extra['callee'])
        out.reply(out.wait_request('BYE', WAIT_S), 200, headers=extra['caller'])
        self.assertEqual(self.callee.wait_status(request, timeout_s=WAIT_S).status, 200)
        self.look_through(out, into, {'INVITE', 'INFO', 'BYE', 'PRACK'})

    def with_lines(self, request, lines):
        request.headers += lines
        return request

    def prack(self, end, name, extra, progress, other):
        """What is reliable on a leg is acknowledged there."""
        if end.is_caller:
            if progress.get('RSeq'):
                request = end.send('PRACK', [('RAck', f'{progress.get("RSeq")} {progress.get("CSeq")}'), *extra[name]])
                self.assertEqual(end.agent.wait_status(request, timeout_s=WAIT_S).status, 200)
        elif progress.status == 183:
            end.reply(end.wait_request('PRACK', WAIT_S), 200, headers=extra[name])

    def exchange(self, name, call, other_name, other, extra, offer):
        """Requests of one side, each answered by the other if it gets there."""
        call.send('INVITE', [('Contact', call.agent.contact), *extra[name]], offer[name].replace(' 4711 1 ', ' 4711 2 '))
        other.wait_request('INVITE', WAIT_S)
        other.answer(200, offer[other_name].replace(' 4711 1 ', ' 4711 2 '), extra[other_name])
        other.wait_request('ACK', WAIT_S)
        call.wait(200, WAIT_S)
        call.ack()
        for method, body in (('INFO', 'Signal=5\r\nDuration=160\r\n'), ('OPTIONS', ''), ('UPDATE', ''), ('MESSAGE', 'x')):
            request = call.in_dialog(method, [*extra[name], ('Contact', call.agent.contact)], body)
            request.headers = [(key, 'application/dtmf-relay' if key == 'Content-Type' and method == 'INFO' else value)
                               for key, value in request.headers]
            call.agent.send(request)
            self.answer_what_comes(call, request, other, extra[other_name])

    def answer_what_comes(self, call, request, other, lines):
        def is_final(message):
            return message.status is not None and message.status >= 200 and message.get('CSeq') == request.get('CSeq')

        def is_answered():
            other.agent.read(0.02)
            for passed in [m for m in other.agent.unread if m.status is None and m.method == request.method]:
                other.agent.unread.remove(passed)
                other.reply(passed, 200, headers=lines)
            call.agent.read(0.02)
            return any(map(is_final, call.agent.unread))
        wait_for(f'{request.method} is answered', is_answered, WAIT_S)

    def test_nothing_of_it_in_a_failure(self):
        """A refusal with words of its own, a call that is given up with a reason, 3xx to where it cannot go."""
        extra = {name: self.extra(agent, name) for name, agent in (('caller', self.caller), ('callee', self.callee))}
        for status, more in ((486, []), (302, [('Contact', f'<sip:666@{CALLEE}:9>')]), (None, [])):
            self.caller.received.clear()
            self.callee.received.clear()
            out = self.caller.invite('900', self.sdp(self.near), extra['caller'], expect_challenge=False)
            into = self.callee.incoming(WAIT_S)
            into.answer(180, '', extra['callee'])
            out.wait(180, WAIT_S)
            if status:
                self.callee.reply(into.invite_request, status, 'callee-works', into.local_tag, [*extra['callee'], *more])
            else:
                out.cancel()
                self.callee.reply(into.wait_request('CANCEL', WAIT_S), 200, 'callee-works', headers=extra['callee'])
                into.answer(487, '', extra['callee'], 'callee-works')
            into.wait_request('ACK', WAIT_S)
            final = out.wait(lambda m: m.status >= 300, WAIT_S)
            out.ack(final)
            self.look_through(out, into, {'INVITE'})

    def look_through(self, out, into, methods):
        words = {'caller': self.words(self.caller, self.near, out), 'callee': self.words(self.callee, self.far, into)}
        for name, other in (('caller', self.callee), ('callee', self.caller)):
            self.assertLessEqual(methods, {Message.parse(data).method for data in other.received})
            for data in other.received:
                for word in words[name]:
                    self.assertNotIn(word.encode(), data, f'of the {name}, in what the other one reads')

    def words(self, agent, rtp, call):
        sent = {f'{agent.user}-works', f'{agent.user}-agent', agent.address, call.call_id, call.local_tag,
                f':{agent.port}', f' {rtp.port} '}
        return sent | {call.remote_tag} - {None}  # the switch's own towards it is of that leg too


if __name__ == '__main__':
    unittest.main(verbosity=2)
