#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The stages of a call that is being set up, and who is called after a gateway has failed: gateways played by sipp,
judged by the time at which tshark saw the messages on loopback. All calls are made at once, each by gateways of its
own: "a" is what the line says, "b" declines with 404 whatever reaches it.

No timer fires early, so lower bounds are tight; upper bounds only tell it from another timer, or from none at all."""
import itertools
import shutil
import sys
import tempfile
import unittest
from collections import namedtuple
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from capture import GUARD_S, Capture
from siplib import Agent, Rtp, Sdp, make_sdp, stop_cleanly
from sipp import Sipp
from switch import SKIPPED, Switch, free_udp_port, wait_for

INVITE_S, TRYING_S, PROGRESS_S, PROGRESS_SDP_S, RINGING_S, PROCEEDING_S = 1, 2, 2, 3, 3, 3
RESEND_S = (0.4, 0.8, 1.6, 1.6, 1.6)
CONFIG = f'''
SS_SIP_TIMEOUT_INVITE = {INVITE_S}
SS_SIP_TIMEOUT_TRYING = {TRYING_S}
SS_SIP_TIMEOUT_SESSION_PROGRESS = {PROGRESS_S}
SS_SIP_TIMEOUT_SESSION_PROGRESS_SDP = {PROGRESS_SDP_S}
SS_SIP_TIMEOUT_RINGING = {RINGING_S}
SS_SIP_RESEND_INTERVAL = {','.join(map(str, RESEND_S))}
SS_GATEWAY_SWITCH_LIMIT = 1
SS_MEDIA_PROXY_MODE = must-on
mapping-gateway in
 address 127.0.0.1
 exit
mapping-gateway hasty
 address {{hasty}}
 proceeding-timeout {PROCEEDING_S}
 exit
'''
EARLY_S = 0.05  # by which a message may have waited in a socket for a thread that was looking at its clock already
LATE_S = 6
HASTY = '127.44.75.3'


# --- What a gateway says. ---

def answer(status, sdp=False, repeats=False):
    body = '''Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=callee 7 1 IN IP4 [local_ip]
    s=-
    c=IN IP4 [local_ip]
    t=0 0
    m=audio 7000 RTP/AVP 8
''' if sdp else 'Content-Length: 0\n\n'
    tag = '' if status == 100 else ';tag=u[pid]t[call_number]'
    return f'''  <send{' retrans="500"' if repeats else ''}><![CDATA[
    SIP/2.0 {status} Answer
    [last_Via:]
    [last_From:]
    [last_To:]{tag}
    [last_Call-ID:]
    CSeq: 1 INVITE
    Contact: <sip:[local_ip]:[local_port]>
    {body}  ]]></send>
'''


def pause(seconds):
    return f'  <pause milliseconds="{int(seconds * 1000)}"/>\n'


def ok():
    return '''  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>
'''


def refused(status):
    return answer(status, repeats=True) + '  <recv request="ACK"/>\n'


CANCELLED = '  <recv request="CANCEL"/>\n' + ok() + refused(487)
# It has answered when the CANCEL comes: sipp wants its ACK, and to be hung up.
ANSWERED = '  <recv request="CANCEL"/>\n' + ok() + answer(200, True, True) + '  <recv request="ACK"/>\n' \
    '  <recv request="BYE"/>\n' + ok()
# It does not care for CANCEL (of which it gets several).
DEAF = '  <recv request="CANCEL"/>\n'

Line = namedtuple('Line', 'steps fields first timeout_s goes_on final which')


def stage(steps, fields, first, timeout_s, goes_on, final=404, end=CANCELLED, which=0):
    """A timer that ends the attempt. first: the message of the gateway that starts it (None: the INVITE); which of
    those it is."""
    return Line(steps + end, fields, first, timeout_s, goes_on, final, which)


def refusal(steps, fields, goes_on, final=404):
    return Line(steps, fields, None, None, goes_on, final, 0)


AFTER_RING, AFTER_SDP, AFTER_BUSY = 'switch-after-ring on', 'switch-after-sdp on', 'switch-after-busy on'
NO_ANSWER, GIVEN_UP = 'no answer', (408, 480)

LINES = {
    # C6
    'silent': stage('', [], None, INVITE_S, True, end=pause(3)),
    'trying': stage(answer(100), [], 100, TRYING_S, True),
    'trying, CANCEL unanswered': stage(answer(100), [], 100, TRYING_S, True, end=DEAF),
    'trying, then answered late': stage(answer(100), [], 100, TRYING_S, True, end=ANSWERED),
    'trying again': stage(answer(100) + pause(TRYING_S - 0.5) + answer(100), [], 100, TRYING_S, True),
    'trying, then progress': stage(answer(100) + pause(TRYING_S - 1) + answer(183), [AFTER_RING], 183, PROGRESS_S, True),
    'progress again': stage(answer(183) + pause(PROGRESS_S - 0.5) + answer(183), [AFTER_RING], 183, PROGRESS_S, True),
    'progress, then with SDP': stage(answer(183) + pause(PROGRESS_S - 1) + answer(183, True), [AFTER_RING, AFTER_SDP],
                                     183, PROGRESS_SDP_S, True, which=-1),
    'progress, then ringing': stage(answer(183) + pause(PROGRESS_S - 1) + answer(180), [AFTER_RING], 180, RINGING_S, True),
    'progress': stage(answer(183), [], 183, PROGRESS_S, False, NO_ANSWER),
    'progress, on after ring': stage(answer(183), [AFTER_RING], 183, PROGRESS_S, True),
    'progress with SDP': stage(answer(183, True), [AFTER_RING], 183, PROGRESS_SDP_S, False, NO_ANSWER),
    'progress with SDP, on after SDP': stage(answer(183, True), [AFTER_RING, AFTER_SDP], 183, PROGRESS_SDP_S, True),
    'progress with SDP again': stage(answer(183, True) + pause(PROGRESS_SDP_S - 0.5) + answer(183, True),
                                     [AFTER_RING, AFTER_SDP], 183, PROGRESS_SDP_S, True),
    'ringing with SDP': stage(answer(180, True), [AFTER_RING, AFTER_SDP], 180, RINGING_S, True),
    'ringing, then progress with SDP': stage(answer(180) + pause(RINGING_S - 0.5) + answer(183, True),
                                             [AFTER_RING, AFTER_SDP], 180, RINGING_S, True),
    'ringing': stage(answer(180), [], 180, RINGING_S, False, NO_ANSWER),
    'ringing again': stage(answer(180) + pause(RINGING_S - 0.5) + answer(180), [AFTER_RING], 180, RINGING_S, True),
    'trying, then ringing': stage(answer(100) + pause(TRYING_S - 1) + answer(180), [AFTER_RING], 180, RINGING_S, True),
    'progress with SDP, then ringing': stage(answer(183, True) + pause(PROGRESS_SDP_S - 1) + answer(180),
                                             [AFTER_RING, AFTER_SDP], 180, RINGING_S, True),
    # Times of the gateway's own.
    'silent, own time': stage('', [f'timeout-invite {INVITE_S + 1}'], None, INVITE_S + 1, True, end=pause(4)),
    'trying, own time': stage(answer(100), [f'timeout-trying {TRYING_S + 1}'], 100, TRYING_S + 1, True),
    'progress, own time': stage(answer(183), [AFTER_RING, f'timeout-session-progress {PROGRESS_S + 1}'], 183,
                                PROGRESS_S + 1, True),
    'progress with SDP, own time': stage(
        answer(183, True), [AFTER_RING, AFTER_SDP, f'timeout-session-progress-sdp {PROGRESS_SDP_S + 1}'], 183,
        PROGRESS_SDP_S + 1, True),
    'ringing, own time': stage(answer(180), [AFTER_RING, f'timeout-ringing {RINGING_S + 1}'], 180, RINGING_S + 1, True),
    # C7
    'refused': refusal(refused(503), [], True),
    'stop code': refusal(refused(503), ['stop-codes 410', 'stop-codes 503'], False, 503),
    'no stop code': refusal(refused(500), ['stop-codes 410', 'stop-codes 503'], True),
    'busy': refusal(refused(486), [], False, 486),
    'busy, on after busy': refusal(refused(486), [AFTER_BUSY], True),
    'busy everywhere': refusal(refused(600), [], False, 600),
    'declined': refusal(refused(603), [AFTER_BUSY], False, 603),
    'after ring': refusal(answer(180) + refused(503), [], False, 503),
    'after ring, on after ring': refusal(answer(180) + refused(503), [AFTER_RING], True),
    'after SDP': refusal(answer(183, True) + refused(503), [AFTER_RING], False, 503),
    'after SDP, on after SDP': refusal(answer(183, True) + refused(503), [AFTER_RING, AFTER_SDP], True),
}


class Stages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-stages-')
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.started = []
        cls.addClassCleanup(lambda: [sipp.stop() for sipp in cls.started])
        cls.ports = {name: free_udp_port() for name in [*LINES, 'b', 'limit', 'hasty', 'behind', 'gone', 'later']}
        cls.media = Agent(namedtuple('Where', 'address port')('127.0.0.1', 0), 'media')
        cls.addClassCleanup(cls.media.close)
        cls.ports['media'] = cls.media.port
        cls.numbers = {name: f'9{number:02}' for number, name in enumerate(cls.ports)}
        cls.fields = {name: line.fields for name, line in LINES.items()}
        cls.fields['media'] = [AFTER_RING, AFTER_SDP]
        cls.switch = Switch(cls.scratch.name, CONFIG.format(hasty=HASTY) + ''.join(map(cls.gateways, cls.ports)))
        cls.addClassCleanup(lambda: cls.switch.process and cls.switch.stop())
        cls.switch.start()
        cls.media.switch = (cls.switch.address, cls.switch.port)
        cls.capture = Capture(cls.scratch.name, cls.switch.port)
        cls.addClassCleanup(cls.capture.stop)
        cls.capture.await_mark(b'all that comes is captured')
        cls.callers = {}
        cls.finals = {}
        cls.make_calls()
        cls.capture.await_mark(b'no more is to come')
        cls.capture.stop()
        cls.packets = cls.capture.packets()

    @classmethod
    def gateways(cls, name):
        """Of the line: the one it is about, the one behind it, and where a third place would be seen."""
        if name in ('b', 'behind'):
            return ''
        number, text = cls.numbers[name], ''
        places = [cls.ports[name], cls.ports['b']]
        if name == 'limit':
            places = [cls.ports['b'], cls.ports['b'], cls.ports['limit']]
        if name == 'hasty':
            places[1] = cls.ports['behind']
        for priority, port in enumerate(places, 1):
            fields = ''.join(f' {field}\n' for field in cls.fields.get(name, []) if priority == 1)
            text += f'routing-gateway g{number}-{priority}\n address 127.0.0.1:{port}\n prefixes {number}\n' \
                    f' priority {priority}\n{fields} exit\n'
        return text

    @classmethod
    def sipp(cls, name, steps, calls=1):
        cls.started.append(Sipp(cls.scratch.name, 'uas_stage', cls.switch, port=cls.ports[name], timeout_s=GUARD_S,
                                calls=calls, STEPS=steps))

    @classmethod
    def call(cls, name, address='127.0.0.1'):
        caller = Agent(cls.switch, 'caller', address=address)
        cls.addClassCleanup(caller.close)
        cls.callers[name] = caller.invite(cls.numbers[name], make_sdp(address, 40000), expect_challenge=False)

    @classmethod
    def make_calls(cls):
        for name, line in LINES.items():
            cls.sipp(name, line.steps)
        cls.sipp('hasty', answer(100) + CANCELLED)
        cls.sipp('behind', answer(180) + CANCELLED)
        cls.sipp('gone', answer(180) + CANCELLED)
        cls.sipp('later', refused(503).replace('Contact:', 'Retry-After: 600 (no line);duration=60\n    Contact:'))
        cls.sipp('b', refused(404), sum(line.goes_on for line in LINES.values()) + 4)
        for sipp in cls.started:
            sipp.ready()
        for name in LINES:
            cls.call(name)
        cls.call('limit')
        cls.call('hasty', HASTY)
        cls.call('gone')
        cls.call('later')
        cls.call('media')
        cls.media_begins()
        cls.callers['gone'].wait(180, GUARD_S)
        cls.callers['gone'].cancel()
        for name in cls.callers:
            cls.end(name)
        cls.call('later')
        cls.end('later')
        for sipp in cls.started:
            sipp.finish()

    @classmethod
    def end(cls, name):
        call = cls.callers[name]
        final = call.wait(lambda m: m.status >= 200 and m.method == 'INVITE', GUARD_S)
        call.ack(final)
        cls.finals[name] = final.status

    @classmethod
    def media_begins(cls):
        """The gateway sends RTP, which is relayed, and gives up."""
        ring = cls.media.incoming(GUARD_S)
        with Rtp() as near, Rtp() as far:
            ring.answer(183, make_sdp('127.0.0.1', far.port))
            progress = cls.callers['media'].wait(183, GUARD_S)
            near.send(Sdp(progress.body).rtp)  # so that the relay knows where the caller is
            where = Sdp(ring.invite_request.body).rtp

            def is_relayed():
                far.send(where)
                rows = cls.switch.rows('show', 'media', 'sessions')
                return any(row.get('b_packets') or row.get('packets_b') for row in rows) or near.receive(0.05)
            wait_for('relayed media', is_relayed, GUARD_S)
        ring.answer(503)
        ring.wait_request('ACK', GUARD_S)

    # --- What was seen. ---

    def of(self, name):
        return [packet for packet in self.packets if packet.user == self.numbers[name]]

    def to(self, port, name, method):
        return [packet for packet in self.of(name) if packet.target == port and packet.method == method]

    def assert_after(self, later, earlier, seconds, most=None):
        self.assertGreaterEqual(later.time - earlier.time, seconds - EARLY_S)
        self.assertLess(later.time - earlier.time, most or seconds + LATE_S)

    def check(self, name, line):
        port = self.ports[name]
        invites, cancels = self.to(port, name, 'INVITE'), self.to(port, name, 'CANCEL')
        onward = self.to(self.ports['b'], name, 'INVITE')
        self.assertEqual(bool(onward), line.goes_on)
        answers = [packet for packet in self.of(name) if packet.source == port and packet.cseq == 'INVITE']
        if line.timeout_s is None:
            self.assertEqual(cancels, [])
            end = next(packet for packet in answers if packet.status >= 300)
        else:
            begin = [packet for packet in answers if packet.status == line.first][line.which] if line.first else invites[0]
            if line.first:
                end = cancels[0]
                self.assert_after(end, begin, line.timeout_s)
                self.assertEqual(len(invites), 1)
            else:  # nothing can be cancelled; nothing is sent any more
                self.assertEqual(cancels, [])
                end = onward[0]
                self.assert_after(end, begin, line.timeout_s)
                resent = [at for at in itertools.accumulate(RESEND_S) if at < line.timeout_s]
                self.assertEqual(len(invites), 1 + len(resent))
                for again, at in zip(invites[1:], resent):
                    self.assert_after(again, begin, at)
                self.assertLess(invites[-1].time, end.time)
        if onward:
            self.assert_after(onward[0], end, 0)
        if line.final is NO_ANSWER:
            self.assertIn(self.finals[name], GIVEN_UP)
        else:
            self.assertEqual(self.finals[name], line.final)

    def test_lines(self):
        for name, line in LINES.items():
            with self.subTest(name):
                self.check(name, line)

    def test_a_repeated_180_starts_nothing(self):
        first, again = (packet for packet in self.of('ringing again')
                        if packet.source == self.ports['ringing again'] and packet.status == 180)
        cancel = self.to(self.ports['ringing again'], 'ringing again', 'CANCEL')[0]
        self.assert_after(cancel, first, RINGING_S, again.time - first.time + RINGING_S - EARLY_S)

    def test_an_unanswered_cancel_holds_nobody_up(self):
        name = 'trying, CANCEL unanswered'
        cancel = self.to(self.ports[name], name, 'CANCEL')[0]
        onward = self.to(self.ports['b'], name, 'INVITE')[0]
        # It would be freed 32 s later.
        self.assert_after(onward, cancel, 0)

    def test_the_time_of_a_mapping_gateway(self):
        """It runs from the INVITE, over all switching, and ends what rings when it is over."""
        invite = self.to(self.switch.port, 'hasty', 'INVITE')[0]
        first = self.to(self.ports['hasty'], 'hasty', 'CANCEL')[0]
        onward = self.to(self.ports['behind'], 'hasty', 'INVITE')[0]
        last = self.to(self.ports['behind'], 'hasty', 'CANCEL')[0]
        self.assert_after(first, invite, TRYING_S)
        self.assert_after(last, invite, PROCEEDING_S, onward.time - invite.time + RINGING_S - EARLY_S)
        self.assertIn(self.finals['hasty'], GIVEN_UP)

    def test_the_limit_of_switches(self):
        """One switch is two gateways."""
        self.assertEqual(len(self.to(self.ports['b'], 'limit', 'INVITE')), 2)
        self.assertEqual(self.to(self.ports['limit'], 'limit', 'INVITE'), [])
        self.assertEqual(self.finals['limit'], 404)

    def test_a_caller_that_is_gone(self):
        self.assertEqual(self.finals['gone'], 487)
        self.assertEqual(self.to(self.ports['b'], 'gone', 'INVITE'), [])
        self.assertEqual(len(self.to(self.ports['gone'], 'gone', 'CANCEL')), 1)

    def test_a_gateway_whose_media_was_relayed(self):
        self.assertEqual(self.to(self.ports['b'], 'media', 'INVITE'), [])
        self.assertEqual(self.finals['media'], 503)

    def test_a_gateway_that_asks_to_be_called_later(self):
        """It is out for as long as it says: the second call does not try it."""
        self.assertEqual(len(self.to(self.ports['later'], 'later', 'INVITE')), 1)
        self.assertEqual(len(self.to(self.ports['b'], 'later', 'INVITE')), 2)
        self.assertEqual(self.finals['later'], 404)
        row, = self.switch.rows('show', 'routing-gateways', f'g{self.numbers["later"]}-1', 'detail')
        self.assertEqual(row['state'], 'retry-after')
        self.assertIn(row['retry_after_s'], range(400, 601))

    def test_nothing_is_left(self):
        wait_for('no call is left', lambda: not self.switch.rows('show', 'calls'), GUARD_S)
        stop_cleanly(self.switch)


if __name__ == '__main__':
    for program in ('sipp', 'tshark'):
        if not shutil.which(program):
            print(f'{program} is not installed')
            sys.exit(SKIPPED)
    unittest.main(verbosity=2)
