#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Messages between phones by UDP, TCP and TLS, digits that change their kind on the way, fax in a call, and
a gateway that publishes its capacity: against a whole switch."""
import secrets
import socket
import struct
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, Rtp, Sdp, make_sdp, stop_cleanly
from stream_client import StreamAgent, client_context, make_certificate
from switch import Switch, free_tcp_port, free_udp_port

PASSWORD = 'message-password'
ANN, BOB, INFO_PHONE, EVENT_PHONE, ONE_KIND_PHONE = '1001', '1002', '1003', '1004', '1005'
WAIT_S = 30


class MessageCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-message-')
        cls.addClassCleanup(cls.scratch.cleanup)
        folder = Path(cls.scratch.name)
        cls.tcp, cls.tls, cls.gateway_port = free_tcp_port(), free_tcp_port(), free_udp_port()
        certificate, key = make_certificate(folder)
        dtmf = {INFO_PHONE: ' dtmf info\n', EVENT_PHONE: ' dtmf rfc2833\n',
                ONE_KIND_PHONE: ' dtmf-receive all\n dtmf-payload-type 110\n t38 off\n g729-mode g729a\n'
                                ' g729-annexb no\n'}
        lines = [f'phone {number}\n password plain "{PASSWORD}"\n max-addresses 10\n{dtmf.get(number, "")} exit'
                 for number in (ANN, BOB, INFO_PHONE, EVENT_PHONE, ONE_KIND_PHONE)]
        lines += [f'listen stream\n tcp 127.0.0.1:{cls.tcp}\n tls 127.0.0.1:{cls.tls}\n'
                  f' certificate {certificate}\n key {key}\n exit',
                  f'routing-gateway out\n address 127.0.0.1:{cls.gateway_port}\n prefixes 9\n capacity 100\n'
                  ' allow-publish on\n exit',
                  'SS_MEDIA_PROXY_MODE = on', 'SS_RTP_PORT_RANGE = 21000,21199']
        cls.switch = Switch(cls.scratch.name, '\n'.join(lines)).start()
        cls.addClassCleanup(cls.switch.stop)

    @classmethod
    def tearDownClass(cls):
        stop_cleanly(cls.switch)

    def agent(self, user, transport='udp', **more):
        if transport == 'udp':
            agent = Agent(self.switch, user, PASSWORD, **more)
        else:
            context = client_context() if transport == 'tls' else None
            agent = StreamAgent(self.switch, user, PASSWORD, getattr(self, transport), transport, '127.0.0.1', context,
                                **more)
        self.addCleanup(agent.close)
        return agent

    def registered(self, user, transport='udp'):
        agent = self.agent(user, transport)
        agent.register()
        return agent

    def tearDown(self):
        self.switch.ctl('-y', 'clear', 'registration', 'all')  # the phones are shared

    # --- MESSAGE. ---

    def message(self, agent, to, body, kind='text/plain'):
        request = agent.request('MESSAGE', f'sip:{to}@{agent.domain}', [], body)
        request.headers = [(name, kind if name == 'Content-Type' else value) for name, value in request.headers]
        return request

    def exchange(self, ann, bob, body):
        """The sender's answer to a message that Bob takes."""
        first = ann.wait_status(ann.send(self.message(ann, BOB, body)), timeout_s=WAIT_S)
        self.assertIn(first.status, (401, 407))
        request = ann.authorize(self.message(ann, BOB, body), first)
        ann.send(request)
        got = bob.wait_for(lambda m: m.method == 'MESSAGE' and m.status is None, WAIT_S, 'MESSAGE')
        self.assertEqual(got.body.decode(), body)
        self.assertIn(f'sip:{ANN}@', got.get('From'))
        self.assertIsNone(got.get('Authorization') or got.get('Proxy-Authorization'))
        bob.reply(got, 200, to_tag='bob')
        return ann.wait_status(request, timeout_s=WAIT_S).status

    def test_message_by_each_transport(self):
        for transport in ('udp', 'tcp', 'tls'):
            with self.subTest(transport=transport):
                ann, bob = self.agent(ANN, transport), self.registered(BOB, transport)
                self.assertEqual(self.exchange(ann, bob, f'by {transport}'), 200)
                self.switch.do('-y', 'clear', 'registration', BOB)
        # From one to another; a long one only where no datagram has to carry it.
        ann, bob = self.agent(ANN), self.registered(BOB, 'tcp')
        self.assertEqual(self.exchange(ann, bob, 'x' * 1500), 200)
        self.switch.do('-y', 'clear', 'registration', BOB)
        self.registered(BOB)
        self.assertEqual(ann.transact(self.message(ann, BOB, 'x' * 1500), WAIT_S).status, 413)

    def test_message_is_refused(self):
        ann = self.agent(ANN)
        self.assertEqual(ann.transact(self.message(ann, '5555', 'who'), WAIT_S).status, 404)
        self.assertEqual(ann.transact(self.message(ann, BOB, 'where'), WAIT_S).status, 480)
        # Nobody is written to but phones of the switch, whatever host is named.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind(('127.0.0.1', 0))
            other.settimeout(0.3)
            request = ann.request('MESSAGE', f'sip:5555@127.0.0.1:{other.getsockname()[1]}', [], 'out')
            self.assertEqual(ann.transact(request, WAIT_S).status, 404)
            self.assertRaises(TimeoutError, other.recv, 2000)
        wrong = self.agent(ANN)
        wrong.password = 'guess'
        self.assertIn(wrong.transact(self.message(wrong, BOB, 'me'), WAIT_S).status, (401, 403, 407))

    # --- Digits. ---

    def connect(self, caller, callee, caller_formats, callee_formats, extra=()):
        """A call that is up: (caller's end, callee's, SDP that each was told)."""
        ann, bob = self.agent(caller), self.registered(callee)
        a, b = Rtp(), Rtp()
        self.addCleanup(a.close)
        self.addCleanup(b.close)
        call = ann.invite(callee, make_sdp('127.0.0.1', a.port, caller_formats, extra=extra))
        ring = bob.incoming(WAIT_S)
        told_b = Sdp(ring.invite_request.body)
        ring.answer(200, make_sdp('127.0.0.1', b.port, callee_formats))
        told_a = Sdp(call.wait(200, WAIT_S).body)
        call.ack()
        ring.wait_request('ACK', WAIT_S)
        return call, ring, a, b, told_a, told_b

    def hang_up(self, call, ring):
        call.agent.send(call.in_dialog('BYE'))
        ring.reply(ring.wait_request('BYE', WAIT_S), 200)

    def events_of(self, call):
        """Of each leg, what `show call` says: telephone events, and their packets."""
        rows = [row for row in self.switch.rows('show', 'calls') if row['caller'] == call.agent.user]
        legs = self.switch.json('show', 'call', rows[0]['id'])['item']['legs']
        return [(leg['dtmf_events'], leg['dtmf_packets']) if 'dtmf_events' in leg else None for leg in legs]

    @staticmethod
    def send_digit(rtp, to, event_type, code):
        timestamp = rtp.timestamp + 160
        for number in range(1, 9):
            rtp.sequence = rtp.sequence + 1 & 0xffff
            end = 0x80 if number > 5 else 0
            rtp.socket.sendto(struct.pack('!BBHIIBBH', 0x80, event_type | (0x80 if number == 1 else 0), rtp.sequence,
                                          timestamp, rtp.ssrc, code, 10 | end, min(number, 6) * 160), to)
        rtp.timestamp = timestamp + 1280

    def test_events_become_info(self):
        call, ring, a, b, told_a, told_b = self.connect(ANN, INFO_PHONE, (0, 101), (0,))
        self.assertEqual((told_a.formats, told_b.formats), ([0, 101], [0]))
        a.exchange(told_a.rtp, b)
        for code, signal in ((5, '5'), (10, '*'), (5, '5')):
            self.send_digit(a, told_a.rtp, 101, code)
            info = ring.wait_request('INFO', WAIT_S)
            self.assertEqual(info.get('Content-Type'), 'application/dtmf-relay')
            self.assertEqual(info.body.decode(), f'Signal={signal}\r\nDuration=120\r\n')
            ring.reply(info, 200)
            time.sleep(0.1)  # between digits
        self.assertEqual(self.events_of(call), [(3, 24), None])
        # Not one packet of them has come through, and the audio has no gap.
        mark = secrets.token_bytes(160)
        a.send(told_a.rtp, mark)
        seen = []
        while not seen or seen[-1][12:] != mark:
            got = b.receive(WAIT_S)
            self.assertIsNotNone(got)
            seen.append(got[0])
        self.assertEqual({packet[1] & 0x7f for packet in seen}, {0})
        numbers = [struct.unpack('!H', packet[2:4])[0] for packet in seen]
        self.assertEqual([(later - earlier) & 0xffff for earlier, later in zip(numbers, numbers[1:])],
                         [1] * (len(numbers) - 1))
        self.assertTrue(ring.agent.is_quiet())
        self.hang_up(call, ring)

    def test_info_becomes_events(self):
        call, ring, a, b, told_a, told_b = self.connect(ANN, EVENT_PHONE, (0,), (0, 101))
        self.assertEqual((told_a.formats, told_b.formats), ([0], [0, 101]))
        a.exchange(told_a.rtp, b)
        while b.receive(0.2):
            pass
        info = call.in_dialog('INFO', body='Signal=7\r\nDuration=100\r\n')
        info.headers = [(name, 'application/dtmf-relay' if name == 'Content-Type' else value)
                        for name, value in info.headers]
        self.assertEqual(call.agent.wait_status(call.agent.send(info), timeout_s=WAIT_S).status, 200)
        packets = []
        while sum(packet[13] >> 7 for packet in packets) < 3:
            got = b.receive(WAIT_S)
            self.assertIsNotNone(got)
            packets.append(got[0])
        heads = [struct.unpack('!BBHIIBBH', packet) for packet in packets]
        self.assertEqual([head[1] >> 7 for head in heads], [1] + [0] * (len(heads) - 1))
        self.assertEqual({(head[1] & 0x7f, head[3], head[4], head[5]) for head in heads},
                         {(101, heads[0][3], a.ssrc, 7)})
        self.assertEqual([head[2] for head in heads],
                         [heads[0][2] + i & 0xffff for i in range(len(heads))])
        self.assertEqual(heads[-1][7], 800)
        # The audio goes on behind them.
        a.send(told_a.rtp)
        got = b.receive(WAIT_S)
        self.assertEqual(struct.unpack('!H', got[0][2:4])[0], heads[-1][2] + 1 & 0xffff)
        self.assertTrue(ring.agent.is_quiet())
        self.hang_up(call, ring)

    def test_first_kind_of_digits_counts(self):
        call, ring, a, b, told_a, _ = self.connect(ONE_KIND_PHONE, BOB, (0, 101), (0, 101))
        a.exchange(told_a.rtp, b)
        while b.receive(0.2):
            pass
        self.send_digit(a, told_a.rtp, 101, 5)
        self.assertEqual([b.receive(WAIT_S)[0][1] & 0x7f for _ in range(8)], [101] * 8)
        info = call.in_dialog('INFO', body='Signal=5\r\nDuration=100\r\n')
        info.headers = [(name, 'application/dtmf-relay' if name == 'Content-Type' else value)
                        for name, value in info.headers]
        self.assertEqual(call.agent.wait_status(call.agent.send(info), timeout_s=WAIT_S).status, 200)
        self.assertTrue(ring.agent.is_quiet())
        row = next(row for row in self.switch.rows('show', 'calls') if row['caller'] == ONE_KIND_PHONE)
        item = self.switch.json('show', 'call', row['id'])['item']
        self.assertEqual([(leg['dtmf_receive'], leg['dtmf_payload_type']) for leg in item['legs']],
                         [('all', 101), ('auto', 101)])
        self.assertEqual(item['legs'][0]['path'], 'switchd')  # the kernel would not see the digits
        self.assertTrue(any('by INFO goes no further' in note['text'] for note in item['why']), item['why'])
        self.hang_up(call, ring)

    def test_sdp_in_the_form_of_its_receiver(self):
        call, ring, _, _, told_a, told_b = self.connect(
            ANN, ONE_KIND_PHONE, (18, 101), (18,), ['a=fmtp:18 annexb=yes', 'm=image 6004 udptl t38'])
        self.assertEqual((told_a.formats, told_b.formats), ([18], [18, 110]))
        for line in ('a=rtpmap:18 G729a/8000', 'a=fmtp:18 annexb=no', 'a=rtpmap:110 telephone-event/8000',
                     'm=image 0 udptl t38'):
            self.assertIn(line, told_b.lines)
        self.assertIn('a=rtpmap:18 G729/8000', told_a.lines)
        row = next(row for row in self.switch.rows('show', 'calls') if row['callee'] == ONE_KIND_PHONE)
        legs = self.switch.json('show', 'call', row['id'])['item']['legs']
        self.assertEqual([(leg['codecs_allowed'], leg['g729_mode'], leg['g729_annexb'], leg['t38']) for leg in legs],
                         [('all', 'auto', 'passthrough', True), ('all', 'g729a', 'no', False)])
        # Fax in the place of the audio is refused, and the call goes on.
        ring.reinvite('v=0\r\no=t 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n'
                      'm=image 6006 udptl t38\r\n')
        ring.ack(ring.wait(488, WAIT_S))
        self.assertTrue(call.agent.is_quiet())
        item = self.switch.json('show', 'call', row['id'])['item']
        self.assertTrue(any('t38 of callee is off' in note['text'] for note in item['why']), item['why'])
        self.hang_up(call, ring)

    # --- Fax. ---

    def test_fax_after_voice_and_back(self):
        call, ring, a, b, told_a, told_b = self.connect(ANN, BOB, (0,), (0,))
        a.exchange(told_a.rtp, b)
        b.exchange(told_b.rtp, a)

        def image(port, version):
            return (f'v=0\r\no=t 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n'
                    f'm=image {port} udptl t38\r\na=T38FaxVersion:0\r\n')

        def media_port(message, kind):
            line = next(line for line in message.body.decode().split('\r\n') if line.startswith(f'm={kind} '))
            return int(line.split()[1])

        def renegotiate(kind, offer, answer, status=200):
            ring.reinvite(offer)
            asked = call.wait_request('INVITE', WAIT_S)
            call.answer(status, answer)
            response = ring.wait(status, WAIT_S)
            if status < 300:
                ring.ack()
                call.wait_request('ACK', WAIT_S)
            else:
                ring.ack(response)
            return asked, response

        renegotiate('image', image(b.port, 2), '', 488)
        a.exchange(told_a.rtp, b)
        asked, response = renegotiate('image', image(b.port, 3), image(a.port, 2))
        to_a, to_b = ('127.0.0.1', media_port(response, 'image')), ('127.0.0.1', media_port(asked, 'image'))
        self.assertNotIn(b'a=rtcp', asked.body)
        for number in range(3):
            data = struct.pack('!HB', number, 1) + secrets.token_bytes(20)
            for sender, port, receiver in ((b, to_a, a), (a, to_b, b)):
                sender.socket.sendto(data, port)
                got = receiver.receive(WAIT_S)
                while got[0] != data:
                    got = receiver.receive(WAIT_S)
        renegotiate('audio', make_sdp('127.0.0.1', b.port, (0,), version=4),
                    make_sdp('127.0.0.1', a.port, (0,), version=3))
        a.exchange(told_a.rtp, b)
        b.exchange(told_b.rtp, a)
        self.hang_up(call, ring)

    # --- PUBLISH. ---

    def published(self):
        row = self.switch.rows('show', 'routing-gateways', 'out', 'detail')[0]
        return row['published_capacity'], row['published_calls'], row['publish_expires_s']

    def test_gateway_publishes(self):
        gateway = self.agent('out', port=self.gateway_port)

        def publish(*lines, body=''):
            request = gateway.request('PUBLISH', f'sip:out@{gateway.domain}', [('Event', 'gateway-load'), *lines], body)
            request.headers = [(name, 'application/gateway-load' if name == 'Content-Type' else value)
                               for name, value in request.headers]
            return gateway.wait_status(gateway.send(request), timeout_s=WAIT_S)

        answer = publish(('Expires', '600'), body='capacity: 30\r\ncalls: 12\r\n')
        self.assertEqual((answer.status, answer.get('Expires')), (200, '600'))
        capacity, calls, left_s = self.published()
        self.assertEqual((capacity, calls), (30, 12))
        self.assertTrue(500 < left_s <= 600, left_s)
        self.assertEqual(publish(('SIP-If-Match', 'unknown')).status, 412)
        self.assertEqual(publish(('Expires', '5'), body='capacity: 1\r\n').status, 423)
        again = publish(('SIP-If-Match', answer.get('SIP-ETag')), body='capacity: 0\r\n')
        self.assertEqual(again.status, 200)
        ann = self.agent(ANN)
        call = ann.invite('900', make_sdp('127.0.0.1', 40000))
        call.ack(call.wait(503, WAIT_S))
        self.assertEqual(publish(('SIP-If-Match', again.get('SIP-ETag')), ('Expires', '0')).status, 200)
        self.assertEqual(self.published(), (None, None, None))
        stranger = self.agent('out', address='127.0.0.7')
        request = stranger.request('PUBLISH', f'sip:out@{stranger.domain}', [('Event', 'gateway-load')])
        self.assertEqual(stranger.wait_status(stranger.send(request), timeout_s=WAIT_S).status, 403)


if __name__ == '__main__':
    unittest.main(verbosity=2)
