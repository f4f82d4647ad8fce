#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Captures with media: RTP and RTCP of calls that a trace-media object chooses or an operator names, with both
legs, in a file that tshark reads; a call over TLS in clear; what a capture lacks is said."""
import secrets
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, Rtp, Sdp, make_sdp, stop_cleanly
from stream_client import StreamAgent, client_context, make_certificate
from switch import Switch, free_tcp_port, free_udp_port, wait_for

PASSWORD = 'trace-media-password'


def configuration(ports, tls, certificate, key):
    return f'''
listen secure
 tls 127.0.0.1:{tls}
 certificate {certificate}
 key {key}
 exit
phone 1001
 password plain "{PASSWORD}"
 exit
phone 1002
 password plain "{PASSWORD}"
 media-proxy off
 exit
routing-gateway carrier
 address 127.0.0.1:{ports[0]}
 prefixes 8
 exit
routing-gateway other
 address 127.0.0.1:{ports[1]}
 prefixes 9
 media-proxy off
 exit
trace-media carrier
 gateway carrier
 caller 10*
 exit
trace-media direct
 phone 1002
 exit
SS_MEDIA_PROXY_MODE = on
'''


class TraceMedia(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-trace-media-')
        cls.addClassCleanup(cls.scratch.cleanup)
        ports = [free_udp_port(), free_udp_port()]
        cls.tls = free_tcp_port()
        cls.switch = Switch(cls.scratch.name, configuration(
            ports, cls.tls, *make_certificate(Path(cls.scratch.name)))).start()
        cls.addClassCleanup(lambda: stop_cleanly(cls.switch))
        cls.carrier, cls.other = (Agent(cls.switch, name, port=port)
                                  for name, port in zip(('carrier', 'other'), ports))
        cls.phones = {number: Agent(cls.switch, number, PASSWORD) for number in ('1001', '1002')}
        for agent in (cls.carrier, cls.other, *cls.phones.values()):
            cls.addClassCleanup(agent.close)
        for phone in cls.phones.values():
            phone.register()

    def setUp(self):
        self.a, self.b = Rtp(), Rtp()
        self.addCleanup(self.a.close)
        self.addCleanup(self.b.close)
        self.streams(0)

    def streams(self, count):
        """Waits until that many are captured."""
        wait_for(f'{count} captured', lambda: self.switch.json('show', 'trace', 'media')['item']['streams'] == count)

    def call(self, caller, gateway, number):
        """Both legs of a call that is up, the ports of ours that they talk to, and its id."""
        call = caller.invite(number, make_sdp('127.0.0.1', self.a.port))
        callee = gateway.incoming()
        callee.answer(200, make_sdp('127.0.0.1', self.b.port))
        callee.wait_request('ACK')
        answer = call.wait(200)
        call.ack()
        key = next(row['id'] for row in self.switch.rows('show', 'calls') if row['callee'] == number)
        return call, callee, Sdp(answer.body).rtp, Sdp(callee.invite_request.body).rtp, key

    def end(self, call, callee, key):
        call.bye()
        callee.reply(callee.wait_request('BYE'), 200)
        wait_for('the end', lambda: key not in [row['id'] for row in self.switch.rows('show', 'calls')])

    def export(self, key):
        """Path of the capture, and what was said about it."""
        path = Path(self.scratch.name, f'{key}.pcap')
        done = self.switch.ctl('trace', 'export', 'call', key, 'file', str(path), 'pcap')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stdout, '')
        return path, done.stderr

    def tshark(self, path, *words, sip=None):
        done = subprocess.run(['tshark', '-r', str(path), '-d', f'udp.port=={sip or self.switch.port},sip', *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def packets(self, path, kind, sip=None):
        """(source port, destination port, payload) of each."""
        fields = {'rtp': 'rtp.payload', 'rtcp': 'rtcp.senderssrc'}[kind]
        out = self.tshark(path, '-Y', kind, '-T', 'fields', '-e', 'udp.srcport', '-e', 'udp.dstport', '-e', fields,
                          sip=sip)
        return [(int(line.split('\t')[0]), int(line.split('\t')[1]), line.split('\t')[2].replace(':', ''))
                for line in out.splitlines()]

    def talk(self, to_a):
        """One packet of the caller's, and its arrival."""
        sent = self.a.send(to_a)
        self.assertEqual(self.b.receive()[0], sent)

    def report(self, ssrc):
        return struct.pack('!BBHI5I', 0x80, 200, 6, ssrc, 0, 0, 0, 1, 160)

    def test_both_legs_with_rtp_and_rtcp(self):
        call, callee, to_a, to_b, key = self.call(self.phones['1001'], self.carrier, '8001')
        sent = [secrets.token_bytes(160).replace(b'\x00', b'\x01') for _ in range(12)]
        for i, payload in enumerate(sent):
            rtp, to, peer = (self.b, to_b, self.a) if i % 2 else (self.a, to_a, self.b)
            rtp.send(to, payload)
            self.assertEqual(peer.receive()[0][12:], payload)
        self.a.rtcp.sendto(self.report(self.a.ssrc), to_a)
        self.assertIsNotNone(self.b.receive(rtcp=True))
        # They are there while the call is up, and when it is over.
        self.export(key)
        self.end(call, callee, key)
        path, said = self.export(key)
        self.assertEqual(said, '')
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        wanted = []
        for i, payload in enumerate(sent):
            ways = [(self.a.port, to_a[1]), (to_b[1], self.b.port)]
            if i % 2:
                ways = [(self.b.port, to_b[1]), (to_a[1], self.a.port)]
            wanted += [(*way, payload.hex()) for way in ways]
        self.assertEqual(self.packets(path, 'rtp'), wanted)
        self.assertEqual([packet[:2] for packet in self.packets(path, 'rtcp')],
                         [(self.a.port + 1, to_a[1]), (to_b[1], self.b.port + 1)])
        # Wireshark knows them as the streams of these calls, by their SDP, and nothing is lost.
        streams = [line.split() for line in self.tshark(path, '-q', '-z', 'rtp,streams').splitlines() if '0x' in line]
        self.assertEqual(len(streams), 4)
        setup = self.tshark(path, '-Y', 'rtp', '-T', 'fields', '-e', 'rtp.setup-method').split()
        self.assertEqual(set(setup), {'SDP'})
        self.assertRegex(self.tshark(path, '-q', '-z', 'sip,stat'), r'INVITE\s*:\s*\d')
        ids = set(self.tshark(path, '-Y', 'sip', '-T', 'fields', '-e', 'sip.Call-ID').split())
        self.assertEqual(len(ids), 2)
        self.assertEqual(self.tshark(path, '-Y', '_ws.malformed'), '')
        status = self.switch.json('show', 'trace', 'media')['item']
        self.assertEqual((status['filters'], status['memory_bytes']), (2, 64 << 20))
        self.assertGreater(status['written_bytes'], 26 * 160)
        self.assertIsNotNone(status['oldest_time'])
        notes = [row['text'] for row in self.switch.rows('show', 'trace', 'call', key) if row['kind'] == 'note']
        self.assertIn('media is kept for capture files: relayed', notes)
        # Rows of a trace have none of it.
        self.assertEqual({row['packet'] for row in self.switch.rows('show', 'trace', 'call', key)}, {None})

    def test_a_call_that_is_up_and_was_not_chosen(self):
        self.switch.do('set', 'routing-gateway', 'other', 'media-proxy', 'on')
        self.addCleanup(self.switch.do, 'set', 'routing-gateway', 'other', 'media-proxy', 'off')
        call, callee, to_a, _, key = self.call(self.phones['1001'], self.other, '9001')
        self.talk(to_a)
        self.assertEqual(self.packets(self.export(key)[0], 'rtp'), [])
        self.switch.do('trace', 'media', 'start', key)
        self.streams(1)
        self.talk(to_a)
        found = self.packets(self.export(key)[0], 'rtp')
        self.assertEqual(len(found), 2)
        self.switch.do('trace', 'media', 'stop', key)
        self.streams(0)
        self.talk(to_a)
        self.assertEqual(self.packets(self.export(key)[0], 'rtp'), found)
        self.end(call, callee, key)
        self.assertEqual(self.switch.ctl('trace', 'media', 'start', key).returncode, 6)

    def test_a_named_trace_with_media(self):
        self.switch.do('set', 'routing-gateway', 'other', 'media-proxy', 'on')
        self.addCleanup(self.switch.do, 'set', 'routing-gateway', 'other', 'media-proxy', 'off')
        self.switch.do('trace', 'start', 'heard', 'callee', '9003', 'media')
        self.addCleanup(self.switch.do, 'clear', 'trace', 'heard')
        self.assertEqual([(row['name'], row['has_media']) for row in self.switch.rows('show', 'traces')],
                         [('heard', True)])
        call, callee, to_a, _, key = self.call(self.phones['1001'], self.other, '9003')
        self.streams(1)
        self.talk(to_a)
        self.end(call, callee, key)
        # A call that the trace is not about.
        call, callee, to_a, _, key = self.call(self.phones['1001'], self.carrier, '8003')
        self.talk(to_a)
        self.end(call, callee, key)
        self.switch.do('trace', 'stop', 'heard')
        path = Path(self.scratch.name, 'heard.pcap')
        self.switch.do('trace', 'export', 'heard', 'file', str(path), 'pcap')
        self.assertEqual(len(self.packets(path, 'rtp')), 2)
        users = self.tshark(path, '-Y', 'sip.Method == "BYE"', '-T', 'fields', '-e', 'sip.r-uri.user').split()
        self.assertEqual(len(users), 2)

    def test_media_that_does_not_pass_here_is_said(self):
        call, callee, to_a, _, key = self.call(self.phones['1002'], self.other, '9002')
        self.assertEqual(to_a, ('127.0.0.1', self.b.port))
        self.end(call, callee, key)
        path, _ = self.export(key)
        self.assertEqual(self.packets(path, 'rtp'), [])
        notes = [row['text'] for row in self.switch.rows('show', 'trace', 'call', key) if row['kind'] == 'note']
        self.assertIn('media is kept for capture files: none, it does not pass by the switch', notes)

    def test_a_call_over_tls_is_in_clear(self):
        agent = StreamAgent(self.switch, '1001', PASSWORD, self.tls, 'tls', '127.0.0.1', client_context())
        self.addCleanup(agent.close)
        call, callee, to_a, _, key = self.call(agent, self.carrier, '8002')
        self.talk(to_a)
        self.end(call, callee, key)
        path, _ = self.export(key)
        requests = self.tshark(path, '-d', f'udp.port=={self.tls},sip', '-Y', 'sip.Method == "INVITE"', '-T', 'fields',
                               '-e', 'udp.dstport', '-e', 'sip.auth.digest.response').splitlines()
        self.assertEqual([line.split('\t')[0] for line in requests],
                         [str(self.tls)] * 2 + [str(self.carrier.port)])
        self.assertEqual([line.partition('\t')[2].strip('"') for line in requests if line.partition('\t')[2]],
                         ['***'])
        self.assertNotIn(PASSWORD.encode(), path.read_bytes())
        self.assertEqual(len(self.packets(path, 'rtp')), 2)


if __name__ == '__main__':
    unittest.main()
