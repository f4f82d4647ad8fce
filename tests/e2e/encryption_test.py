#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Encryption of the media on single legs: SRTP by SDES with a baresip, whose SRTP is its own, and the scrambling
between two switchds; what passes in between is judged by tshark."""
import os
import re
import secrets
import shutil
import struct
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import audio
from baresip import Baresip, loudest_share
from netns import Capture
from siplib import Agent, Rtp, Sdp, Switch, make_sdp
from switch import SKIPPED, free_port, free_port_range, wait_for

SECRETS = {'1001': 'one-secret', '1002': 'two-secret', '1003': 'three-secret'}


class Loopback:
    """Stands where a namespace would."""
    launcher = ()

    @staticmethod
    def connect(address, port):
        import socket
        return socket.create_connection((address, port), timeout=5)


def phone(number, *fields):
    lines = ''.join(f' {field}\n' for field in fields)
    return f'phone {number}\n password plain "{SECRETS[number]}"\n{lines} exit\n'


def sdes(suite='AES_CM_128_HMAC_SHA1_80', tag=1, key=None, more=''):
    import base64
    text = base64.b64encode(key or secrets.token_bytes(30)).decode()
    return f'a=crypto:{tag} {suite} inline:{text}{more}'


def secure(sdp):
    return sdp.replace('RTP/AVP', 'RTP/SAVP')


def crypto_lines(message):
    return [line for line in message.body.decode().split('\r\n') if line.startswith('a=crypto')]


class Case(unittest.TestCase):
    def enter(self, thing):
        self.addCleanup(thing.close)
        return thing

    def agent(self, switch, number):
        agent = self.enter(Agent(switch, number, SECRETS[number]))
        agent.register()
        self.addCleanup(agent.register, expires=0)
        return agent

    def start(self, name, config, port=None):
        folder = tempfile.TemporaryDirectory(prefix=f'vos-{name}-')
        self.addCleanup(folder.cleanup)
        switch = Switch(folder.name, config, port=port)
        self.addCleanup(switch.stop)
        return switch.start()


class Srtp(Case):
    @classmethod
    def setUpClass(cls):
        low = free_port_range(40)
        cls.folder = tempfile.TemporaryDirectory(prefix='vos-srtp-')
        cls.addClassCleanup(cls.folder.cleanup)
        cls.switch = Switch(cls.folder.name, ''.join([
            phone('1001', 'srtp required'), phone('1002'), phone('1003', 'srtp optional'),
            f'SS_RTP_PORT_RANGE = {low},{low + 39}\nSS_MEDIA_PROXY_MODE = auto\n']))
        cls.addClassCleanup(cls.switch.stop)
        cls.switch.start()

    def baresip(self, number, mediaenc, tone_hz, answers):
        folder = tempfile.TemporaryDirectory(prefix='vos-baresip-')
        self.addCleanup(folder.cleanup)
        peer = Baresip(Loopback, folder.name, number, SECRETS[number], f'127.0.0.1:{self.switch.port}', '127.0.0.1',
                       tone_hz, answers, port=free_port(), control=free_port(), more=('module srtp.so', 'net_interface 127.0.0.1'),
                       account=f';mediaenc={mediaenc}')
        self.addCleanup(peer.stop)
        wait_for(f'baresip {number} is registered', peer.registered, 20)
        return peer

    def listen(self, rtp, to, frequency_hz, packets=60):
        """Sends a tone of 1000 Hz in A-law, and waits until the other is heard."""
        import math
        tone = bytes(audio.A_LAW.index(min(audio.A_LAW, key=lambda level, i=i: abs(
            level - 8000 * math.sin(2 * math.pi * 1000 * i / 8000)))) for i in range(8))
        samples = []
        rtp.payload_type = 8
        for _ in range(packets):
            rtp.send(to, tone * 20)
            got = rtp.receive(1)
            if got:
                samples += audio.decode(got[0][12:], 8)
        best = max((audio.share(samples[at:at + 1600], frequency_hz) for at in range(0, len(samples) - 1600, 800)),
                   default=0)
        self.assertGreater(best, 0.9)

    def test_baresip_is_called(self):
        peer = self.baresip('1001', 'srtp-mand', 440, True)
        caller = self.agent(self.switch, '1002')
        rtp = self.enter(Rtp(payload_type=8))
        call = caller.invite('1001', sdp=make_sdp('127.0.0.1', rtp.port, (8,)))
        answer = call.wait(200, 15)
        call.ack()
        self.assertIn('RTP/AVP ', answer.body.decode())
        self.assertEqual(crypto_lines(answer), [])
        self.listen(rtp, Sdp(answer.body).rtp, 440, 100)
        shown = self.switch.json('show', 'call', self.switch.rows('show', 'calls')[0]['id'])
        self.assertIn('srtp AES_CM_128_HMAC_SHA1_80', str(shown))
        call.bye()
        peer.wait('CALL_CLOSED')
        wait_for('baresip has written what it heard',
                 lambda: any(loudest_share(path, 1000) > 0.9 for path in peer.recordings()))
        self.assertNotRegex(self.switch.log(), r'inline:')

    def test_baresip_calls(self):
        peer = self.baresip('1001', 'srtp-mand', 440, False)
        callee = self.agent(self.switch, '1002')
        rtp = self.enter(Rtp(payload_type=8))
        peer.command('dial', f'sip:1002@127.0.0.1:{self.switch.port}')
        ring = callee.incoming(15)
        offer = ring.invite_request
        self.assertIn('RTP/AVP ', offer.body.decode())
        self.assertEqual(crypto_lines(offer), [])
        ring.answer(200, sdp=make_sdp('127.0.0.1', rtp.port, (8,)))
        ring.wait_request('ACK')
        self.listen(rtp, Sdp(offer.body).rtp, 440, 100)
        ring.bye()
        peer.wait('CALL_CLOSED')

    def test_required_and_not_offered(self):
        caller = self.agent(self.switch, '1001')
        callee = self.agent(self.switch, '1002')
        call = caller.invite('1002', sdp=make_sdp('127.0.0.1', 4000, (8,)))
        call.ack(call.wait(488))
        bad = secure(make_sdp('127.0.0.1', 4000, (8,), extra=[
            sdes('AES_CM_256_HMAC_SHA1_80'), sdes(more='|2^20|1:4'), sdes(more=' UNENCRYPTED_SRTP')]))
        call = caller.invite('1002', sdp=bad)
        call.ack(call.wait(488))
        self.assertTrue(callee.is_quiet())

    def test_off_and_offered(self):
        caller = self.agent(self.switch, '1002')
        callee = self.agent(self.switch, '1003')
        call = caller.invite('1003', sdp=secure(make_sdp('127.0.0.1', 4000, (8,), extra=[sdes()])))
        call.ack(call.wait(488))
        self.assertTrue(callee.is_quiet())

    def test_required_and_not_answered(self):
        caller = self.agent(self.switch, '1002')
        callee = self.agent(self.switch, '1001')
        call = caller.invite('1001', sdp=make_sdp('127.0.0.1', 4000, (8,)))
        ring = callee.incoming()
        self.assertIn('RTP/SAVP ', ring.invite_request.body.decode())
        self.assertEqual([line.split()[1] for line in crypto_lines(ring.invite_request)],
                         ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'])
        ring.answer(200, sdp=make_sdp('127.0.0.1', 4002, (8,)))
        call.ack(call.wait(488))
        ring.wait_request('ACK')
        ring.reply(ring.wait_request('BYE'), 200)

    def test_optional_with_one_that_cannot(self):
        caller = self.agent(self.switch, '1002')
        callee = self.agent(self.switch, '1003')
        with Rtp(payload_type=8) as near, Rtp(payload_type=8) as far:
            call = caller.invite('1003', sdp=make_sdp('127.0.0.1', near.port, (8,)))
            ring = callee.incoming()
            self.assertIn('RTP/AVP ', ring.invite_request.body.decode())
            self.assertEqual(len(crypto_lines(ring.invite_request)), 2)
            ring.answer(200, sdp=make_sdp('127.0.0.1', far.port, (8,)))
            answer = call.wait(200)
            call.ack()
            ring.wait_request('ACK')
            self.assertEqual(crypto_lines(answer), [])
            near.exchange(Sdp(answer.body).rtp, far)
            call.bye()
            ring.reply(ring.wait_request('BYE'), 200)

    def test_keys_over_tls_only(self):
        self.switch.set('SS_SRTP_TLS_ONLY', 'on')
        self.addCleanup(self.switch.set, 'SS_SRTP_TLS_ONLY', 'off')
        plain = self.agent(self.switch, '1002')
        caller = self.agent(self.switch, '1001')
        call = caller.invite('1002', sdp=secure(make_sdp('127.0.0.1', 4000, (8,), extra=[sdes()])))
        call.ack(call.wait(488))
        callee = self.agent(self.switch, '1003')
        call = plain.invite('1003', sdp=make_sdp('127.0.0.1', 4000, (8,)))
        ring = callee.incoming()
        self.assertEqual(crypto_lines(ring.invite_request), [])
        ring.answer(486)
        call.ack(call.wait(486))


class Scramble(Case):
    def pair(self, mode, keys=('the-shared-key', 'the-shared-key')):
        """Two switches that are each other's gateway; phone 1001 at the first, 1002 at the second."""
        ports = [free_port(), free_port()]
        self.lows = [free_port_range(20), free_port_range(20)]
        switches = []
        for i in range(2):
            other = ports[1 - i]
            switches.append(self.start(f'scramble{i}', ''.join([
                phone(('1001', '1002')[i]),
                f'mapping-gateway peer\n address 127.0.0.1:{other}\n authentication ip-port\n encryption {mode}\n exit\n',
                f'routing-gateway peer\n address 127.0.0.1:{other}\n encryption {mode}\n exit\n',
                f'SS_RTP_ENCRYPTION_KEY = plain "{keys[i]}"\nSS_MEDIA_PROXY_MODE = auto\n',
                f'SS_RTP_PORT_RANGE = {self.lows[i]},{self.lows[i] + 19}\n']), ports[i]))
        return switches

    def talk(self, mode):
        first, second = self.pair(mode)
        caller, callee = self.agent(first, '1001'), self.agent(second, '1002')
        near, far = self.enter(Rtp(payload_type=8)), self.enter(Rtp(payload_type=8))
        capture = Capture(Loopback, first.folder, 'wire', 'lo')
        self.addCleanup(capture.stop)
        call = caller.invite('1002', sdp=make_sdp('127.0.0.1', near.port, (8,)))
        ring = callee.incoming()
        self.assertNotIn('x-vos', ring.invite_request.body.decode())
        ring.answer(200, sdp=make_sdp('127.0.0.1', far.port, (8,)))
        answer = call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        self.assertNotIn('x-vos', answer.body.decode())
        near.exchange(Sdp(answer.body).rtp, far)
        far.exchange(Sdp(ring.invite_request.body).rtp, near)
        # One voice, some silence: as they were said at the far end.
        said = [b'\xd5' * 160] * 5 + [secrets.token_bytes(160) for _ in range(5)]
        for payload in said:
            near.send(Sdp(answer.body).rtp, payload)
            self.assertEqual(far.receive()[0][12:], payload)
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)
        wait_for('tshark has seen the end', lambda: b'BYE ' in capture.path.read_bytes())
        capture.stop()
        between = self.between(capture)
        self.assertGreaterEqual(len(between), len(said))
        plain = {payload.hex() for payload in said}
        self.assertEqual([payload for payload in between if payload[24:] in plain], [])
        return between

    def between(self, capture):
        """Payloads of UDP from one switch's relay to the other's."""
        ranges = [range(low, low + 20) for low in self.lows]
        rows = capture.packets('udp && !icmp', 'udp.srcport', 'udp.dstport', 'udp.payload')
        return [row[2].replace(':', '') for row in rows if len(row) == 3 and any(
            int(row[0]) in ranges[i] and int(row[1]) in ranges[1 - i] for i in range(2))]

    def test_xor(self):
        self.talk('xor')

    def test_rc4(self):
        self.talk('rc4')

    def test_aes128(self):
        between = self.talk('aes128')
        self.assertEqual(len(between), len(set(between)), 'silence never looks the same twice')

    def test_another_key(self):
        first, second = self.pair('aes128', ('the-shared-key', 'another-key'))
        caller, callee = self.agent(first, '1001'), self.agent(second, '1002')
        call = caller.invite('1002', sdp=make_sdp('127.0.0.1', 4000, (8,)))
        call.ack(call.wait(488))
        self.assertTrue(callee.is_quiet())

    def test_without_a_key(self):
        switch = self.start('nokey', phone('1001'))
        done = switch.ctl('set', 'phone', '1001', 'encryption', 'aes128')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('SS_RTP_ENCRYPTION_KEY', done.stderr)


if __name__ == '__main__':
    for program in ('baresip', 'tshark'):
        if not shutil.which(program):
            print(f'{program} is not installed')
            sys.exit(SKIPPED)
    if os.geteuid() != 0:
        print('tshark captures as root only')
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
