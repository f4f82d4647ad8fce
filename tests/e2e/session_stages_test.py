#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a session timer of 90 s, refreshed every 9 s, makes of parties that agree to it in different ways: judged by
the time at which tshark saw the messages. All calls are up at once. A party that has to refresh has 45 s at least for
it: its end is a unit test's matter, on a clock that is set."""
import shutil
import sys
import tempfile
import unittest
from collections import namedtuple
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from capture import GUARD_S, Capture
from siplib import Agent, make_sdp, stop_cleanly
from switch import SKIPPED, Switch

REFRESH_S = 9
EARLY_S, LATE_S = 0.05, 6
TIMER = [('Supported', 'timer'), ('Allow', 'INVITE, ACK, BYE, CANCEL, UPDATE')]
Line = namedtuple('Line', 'caller callee')
# Header lines of the INVITE and of the 200.
LINES = {
    'caller refreshes': Line([*TIMER, ('Session-Expires', '3600;refresher=uac')], []),
    'caller leaves it to us': Line([*TIMER, ('Session-Expires', '3600')], []),
    'caller without timer': Line([], []),
    'callee knows no such call': Line([], [*TIMER, ('Require', 'timer'), ('Session-Expires', '90;refresher=uac')]),
    'callee is busy with another': Line([], [*TIMER, ('Require', 'timer'), ('Session-Expires', '90;refresher=uac')]),
    'callee without UPDATE is busy': Line([], [*TIMER[:1], ('Require', 'timer'), ('Session-Expires', '90;refresher=uac')]),
    'caller without UPDATE is busy': Line([*TIMER[:1], ('Session-Expires', '3600')], []),
    'callee refreshes': Line([], [*TIMER, ('Require', 'timer'), ('Session-Expires', '90;refresher=uas')]),
}
NUMBERS = {name: f'90{number}' for number, name in enumerate(LINES)}


class SessionStages(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-session-')
        self.addCleanup(scratch.cleanup)
        where = namedtuple('Where', 'address port')('127.0.0.1', 0)
        self.callers = {name: Agent(where, 'caller') for name in LINES}
        self.callee = Agent(where, 'callee')
        for agent in [*self.callers.values(), self.callee]:
            self.addCleanup(agent.close)
        self.switch = Switch(scratch.name, f'''
mapping-gateway in
 address 127.0.0.1
 exit
routing-gateway out
 address 127.0.0.1:{self.callee.port}
 prefixes 9
 exit
SS_SIP_SESSION_TTL = 90
SS_SIP_SESSION_UPDATE_SEGMENT = 10
SS_MEDIA_PROXY_MODE = off
''')
        self.addCleanup(lambda: self.switch.process and self.switch.stop())
        self.switch.start()
        for agent in [*self.callers.values(), self.callee]:
            agent.switch = (self.switch.address, self.switch.port)
        self.capture = Capture(scratch.name, self.switch.port)
        self.addCleanup(self.capture.stop)
        self.capture.await_mark(b'all that comes is captured')

    def set_up(self, name):
        """(its end at the caller, at the callee, the 200 at the caller)"""
        call = self.callers[name].invite(NUMBERS[name], make_sdp('127.0.0.1', 40000), LINES[name].caller,
                                         expect_challenge=False)
        ring = self.callee.incoming(GUARD_S)
        ring.answer(200, make_sdp('127.0.0.1', 40002), LINES[name].callee)
        answer = call.wait(200, GUARD_S)
        call.ack()
        ring.wait_request('ACK', GUARD_S)
        return call, ring, answer

    def both_hung_up(self, *ends):
        for end in ends:
            end.reply(end.wait_request('BYE', GUARD_S), 200)

    def seen(self, port, name, method, back=False):
        """Times of requests to that port, or from it; of one that was repeated its first."""
        times = {}
        for packet in self.packets:
            if packet.method == method and packet.user in (NUMBERS[name], 'caller') \
                    and (packet.source if back else packet.target) == port:
                times.setdefault(packet.number, packet.time)
        return list(times.values())

    def assert_after(self, later, earlier, seconds, more=LATE_S):
        self.assertGreaterEqual(later - earlier, seconds - EARLY_S)
        self.assertLess(later - earlier, seconds + more)

    def test_lines(self):
        calls = {name: self.set_up(name) for name in LINES}
        offers = {name: answer.get('Session-Expires') for name, (_, _, answer) in calls.items()}
        self.assertEqual(offers, {**dict.fromkeys(LINES), 'caller refreshes': '90;refresher=uac',
                                  'caller leaves it to us': '90;refresher=uas',
                                  'caller without UPDATE is busy': '90;refresher=uas'})
        # Ours to refresh, all at the ninth second.
        _, unknown, _ = calls['callee knows no such call']
        unknown.reply(unknown.wait_request('UPDATE', GUARD_S), 481)
        _, busy, _ = calls['callee is busy with another']
        busy.reply(busy.wait_request('UPDATE', GUARD_S), 491)
        caller, _, _ = calls['caller leaves it to us']
        caller.reply(caller.wait_request('UPDATE', GUARD_S), 200,
                     headers=[('Require', 'timer'), ('Session-Expires', '90;refresher=uac')])
        waiting = [calls['caller without UPDATE is busy'][0], calls['callee without UPDATE is busy'][1]]
        for end in waiting:
            end.wait_request('INVITE', GUARD_S)
            end.answer(491)
            end.wait_request('ACK', GUARD_S)
        self.both_hung_up(*calls['callee knows no such call'][:2])
        for end in waiting:
            end.wait_request('INVITE', GUARD_S)
            end.answer(200, make_sdp('127.0.0.1', 40000 if end.is_caller else 40002))
            end.wait_request('ACK', GUARD_S)
        busy.reply(busy.wait_request('UPDATE', GUARD_S), 200,
                   headers=[('Require', 'timer'), ('Session-Expires', '90;refresher=uac')])
        rows = {row['callee'] for row in self.switch.rows('show', 'calls')}
        self.assertEqual(rows, set(NUMBERS.values()) - {NUMBERS['callee knows no such call']})
        for name, (call, ring, _) in calls.items():
            if name != 'callee knows no such call':
                call.send('BYE')
                self.both_hung_up(ring)
        self.capture.await_mark(b'no more is to come')
        self.capture.stop()
        self.packets = self.capture.packets()
        ports = {name: caller.port for name, caller in self.callers.items()}

        name = 'caller leaves it to us'
        answered = self.seen(ports[name], name, 'ACK', True)[0]
        self.assert_after(self.seen(ports[name], name, 'UPDATE')[0], answered, REFRESH_S)

        name = 'callee is busy with another'
        first, again, *_ = self.seen(self.callee.port, name, 'UPDATE')
        # The one that made the Call-ID waits 2.1 to 4 s (RFC 3311 5.2, RFC 3261 14.1).
        self.assert_after(again, first, 2.1)

        name = 'callee without UPDATE is busy'
        _, first, again, *_ = self.seen(self.callee.port, name, 'INVITE')
        self.assert_after(again, first, 2.1)
        # The other one waits less than 2 s.
        name = 'caller without UPDATE is busy'
        first, again, *_ = self.seen(ports[name], name, 'INVITE')
        self.assert_after(first, self.seen(ports[name], name, 'ACK', True)[0], REFRESH_S)
        self.assert_after(again, first, 0)

        name = 'callee knows no such call'
        refused = self.seen(self.callee.port, name, 'UPDATE')[0]
        self.assert_after(self.seen(self.callee.port, name, 'BYE')[0], refused, 0)
        self.assert_after(self.seen(ports[name], name, 'BYE')[0], refused, 0)

        for name in ('caller refreshes', 'callee refreshes', 'caller without timer', *(
                name for name in LINES if 'without UPDATE' in name)):
            self.assertEqual(self.seen(ports[name], name, 'UPDATE') + self.seen(self.callee.port, name, 'UPDATE'), [])
        stop_cleanly(self.switch)


if __name__ == '__main__':
    if not shutil.which('tshark'):
        print('tshark is not installed')
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
