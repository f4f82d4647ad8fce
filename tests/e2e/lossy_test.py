#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls over a bad path: each way 5 % lost, 3 % doubled, 5 % swapped, between the switch and either end.
Every call is set up, acknowledged and hung up at both ends, by nothing but the retransmissions of RFC 3261.

VOS_SEED chooses another run; the seed is printed."""
import heapq
import os
import select
import socket
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from lossy import Lossy
from siplib import Message, make_sdp, stop_cleanly
from switch import Switch, free_udp_port, wait_for

SEED = os.environ.get('VOS_SEED', '5')
CALLS = 50
START_EVERY_S = 0.04
TALK_S = 1.5
T1_S, T2_S, GIVE_UP_S = 0.5, 4.0, 32.0
LIMIT_S = 60


class Timers:
    def __init__(self):
        self.heap = []
        self.count = 0

    def after(self, delay_s, action):
        self.count += 1
        heapq.heappush(self.heap, (time.monotonic() + delay_s, self.count, action))

    def run(self):
        while self.heap and self.heap[0][0] <= time.monotonic():
            heapq.heappop(self.heap)[2]()


class End:
    """What caller and callee share: a socket, and sending until somebody says stop."""

    def __init__(self, timers, to=None):
        self.timers = timers
        self.to = to
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.address = self.socket.getsockname()

    def send(self, data, to=None):
        self.socket.sendto(data, to or self.to)

    def repeat(self, data, is_done, to=None, wait_s=T1_S, spent_s=0.0):
        if is_done() or spent_s > GIVE_UP_S:
            return
        self.send(data, to)
        self.timers.after(wait_s, lambda: self.repeat(data, is_done, to, min(2 * wait_s, T2_S), spent_s + wait_s))


class Caller(End):
    def __init__(self, timers, to):
        super().__init__(timers, to)
        self.calls = {}

    def request(self, number, method, cseq, to, branch, body=''):
        host = '%s:%d' % self.address
        headers = [('Via', f'SIP/2.0/UDP {host};rport;branch=z9hG4bK{branch}-{number}'), ('Max-Forwards', '70'),
                   ('From', f'<sip:caller@{host}>;tag=c{number}'), ('To', to), ('Call-ID', f'lossy-{number}'),
                   ('CSeq', f'{cseq} {method}'), ('Contact', f'<sip:caller@{host}>')]
        if body:
            headers.append(('Content-Type', 'application/sdp'))
        return Message(f'{method} sip:9{number:03}@127.0.0.1 SIP/2.0', headers, body).to_bytes()

    def start(self, number):
        call = self.calls[f'lossy-{number}'] = {'number': number, 'state': 'calling'}
        invite = self.request(number, 'INVITE', 1, f'<sip:9{number:03}@127.0.0.1>', 'i', make_sdp('127.0.0.1', 45000))
        self.repeat(invite, lambda: call['state'] != 'calling')

    def hang_up(self, call):
        call['state'] = 'ending'
        self.repeat(self.request(call['number'], 'BYE', 2, call['to'], 'b'), lambda: call['state'] == 'done')

    def take(self, message, _source):
        call = self.calls[message.call_id]
        if message.method == 'BYE':
            call['state'] = 'done' if message.status == 200 else f'BYE {message.status}'
        elif 200 <= message.status < 300:
            is_first = call['state'] in ('calling', 'ringing')
            call['to'] = message.get('To')
            self.send(self.request(call['number'], 'ACK', 1, call['to'], 'a'))  # again for every copy
            if is_first:
                call['state'] = 'up'
                self.timers.after(TALK_S, lambda: self.hang_up(call))
        elif message.status >= 300:
            call['state'] = f'INVITE {message.status}'
        elif call['state'] == 'calling':
            call['state'] = 'ringing'

    def is_done(self):
        return len(self.calls) == CALLS and all(call['state'] == 'done' for call in self.calls.values())


class Callee(End):
    def __init__(self, timers):
        super().__init__(timers)
        self.calls = {}
        self.relay = None  # where the switch reaches us: our Contact

    def answer(self, request, status, body=''):
        headers = [(name, f'{value};tag=callee' if name == 'To' and ';tag=' not in value else value)
                   for name, value in request.headers if name in ('Via', 'From', 'To', 'Call-ID', 'CSeq')]
        headers.append(('Contact', '<sip:callee@%s:%d>' % self.relay))
        if body:
            headers.append(('Content-Type', 'application/sdp'))
        return Message(f'SIP/2.0 {status} X', headers, body).to_bytes()

    def take(self, message, source):
        call = self.calls.setdefault(message.call_id, {'invite': False, 'ack': False, 'bye': False})
        if message.method == 'INVITE' and not call['invite']:
            call['invite'] = True
            self.send(self.answer(message, 180), source)
            self.repeat(self.answer(message, 200, make_sdp('127.0.0.1', 45002)),
                        lambda: call['ack'] or call['bye'], source)
        elif message.method == 'ACK':
            call['ack'] = True
        elif message.method == 'BYE':
            call['bye'] = True
            self.send(self.answer(message, 200), source)

    def is_done(self):
        return len(self.calls) == CALLS and all(call['bye'] for call in self.calls.values())


class LossyPath(unittest.TestCase):
    def test_all_calls_complete(self):
        timers = Timers()
        switch_at = ('127.0.0.1', free_udp_port())
        callee = Callee(timers)
        with tempfile.TemporaryDirectory(prefix='vos-lossy-') as scratch, \
                Lossy(switch_at, f'{SEED}/caller') as near, Lossy(switch_at, f'{SEED}/callee') as far:
            callee.relay, far.agent = far.outside, callee.address
            caller = Caller(timers, near.inside)
            config = '\n'.join(['mapping-gateway in\n address 127.0.0.1\n exit',
                                f'routing-gateway out\n address 127.0.0.1:{far.outside[1]}\n prefixes 9\n exit',
                                'SS_MEDIA_PROXY_MODE = off'])
            switch = Switch(scratch, config, port=switch_at[1]).start()
            self.addCleanup(switch.stop)  # also when the test fails
            callee.to = far.inside
            for number in range(CALLS):
                timers.after(number * START_EVERY_S, lambda number=number: caller.start(number))
            self.run_until_done(timers, caller, callee)
            states = sorted({call['state'] for call in caller.calls.values()})
            print(f'seed {SEED}: caller {states}, near {near.counts()}, far {far.counts()}')
            self.assertTrue(caller.is_done(), caller.calls)
            self.assertTrue(callee.is_done(), callee.calls)
            wait_for('no call is left', lambda: not switch.rows('show', 'calls'))
            # A path on which nothing happened proves nothing.
            self.assertGreater(near.counts()['out']['lost'] + far.counts()['out']['lost'], 3)
            stop_cleanly(switch)
        caller.socket.close()
        callee.socket.close()

    def run_until_done(self, timers, caller, callee):
        ends = {end.socket: end for end in (caller, callee)}
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline and not (caller.is_done() and callee.is_done()):
            timers.run()
            for sock in select.select(list(ends), [], [], 0.01)[0]:
                data, source = sock.recvfrom(65535)
                # Requests come in at the relay's inside; answers go back the same way.
                ends[sock].take(Message.parse(data), source)


if __name__ == '__main__':
    print(f'seed {SEED}')
    unittest.main()
