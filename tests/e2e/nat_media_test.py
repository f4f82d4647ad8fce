#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Whose packets a relayed call takes, behind NAT of three kinds, with somebody who sprays the ports before the
first packet, in the middle of the call, and after its end.

    lan (1001) --- nat --- switch --- open (1002)
                             |
                            evil

Full cone: one mapping, anybody may use it. Restricted: one mapping, for who was written to. Symmetric: another
port for each destination, so that the SDP's is never right."""
import contextlib
import os
import secrets
import socket
import struct
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import netns  # noqa: E402
from siplib import Agent, Rtp, Sdp, make_sdp, stop_cleanly  # noqa: E402
from switch import SKIPPED, Switch, wait_for  # noqa: E402

SWITCH, NAT_OUTSIDE = '198.51.100.1', '198.51.100.2'
NAT_INSIDE, INSIDE = '192.168.77.1', '192.168.77.10'
SWITCH_OPEN, OPEN = '203.0.113.1', '203.0.113.2'
SWITCH_EVIL, EVIL = '192.0.2.1', '192.0.2.66'
SPRAY = 60

KINDS = {
    'full cone': '''
        chain arriving { type nat hook prerouting priority dstnat; iifname "wan" meta l4proto udp dnat to %s; }
        chain leaving { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }''' % INSIDE,
    'restricted': '''
        chain leaving { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }
        chain shield { type filter hook forward priority 0; iifname "wan" ct state new drop; }''',
    'symmetric': '''
        chain leaving { type nat hook postrouting priority srcnat; oifname "wan" masquerade fully-random; }
        chain shield { type filter hook forward priority 0; iifname "wan" ct state new drop; }''',
}

CONFIG = '''
phone 1001
 password plain "a long one"
 exit
phone 1002
 password plain "another long one"
 exit
SS_MEDIA_PROXY_MODE = on
SS_RTP_PORT_RANGE = 30000,30199
'''


@contextlib.contextmanager
def inside(namespace):
    """Sockets made meanwhile are of that namespace."""
    with open('/proc/thread-self/ns/net') as home, open(f'/run/netns/{namespace.name}') as there:
        if netns.libc.setns(there.fileno(), netns.CLONE_NEWNET) != 0:
            raise OSError('setns')
        try:
            yield
        finally:
            if netns.libc.setns(home.fileno(), netns.CLONE_NEWNET) != 0:
                raise OSError('setns')


class Evil:
    """Sends what it likes from wherever it likes, and hears whether anything comes back."""

    def __init__(self, namespace):
        with inside(namespace):
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.bind((EVIL, 0))
            self.raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def close(self):
        self.socket.close()
        self.raw.close()

    def spray(self, port, like):
        """RTP as the stream's own, reports of its sender, what looks like STUN."""
        for number in range(SPRAY):
            rtp = struct.pack('!BBHII', 0x80, 0, like.sequence + number & 0xffff, like.timestamp, like.ssrc)
            self.socket.sendto(rtp + b'evil' * 40, (SWITCH, port))
        self.socket.sendto(struct.pack('!BBHI', 0x80, 201, 1, like.ssrc), (SWITCH, port))
        self.socket.sendto(struct.pack('!HHI', 1, 0, 0x2112a442) + bytes(12), (SWITCH, port))

    def forge(self, source, source_port, port, like):
        """The same under the address of the peer's NAT."""
        for number in range(SPRAY):
            rtp = struct.pack('!BBHII', 0x80, 0, like.sequence + number & 0xffff, like.timestamp, like.ssrc)
            rtp += b'evil' * 40
            udp = struct.pack('!HHHH', source_port, port, 8 + len(rtp), 0)
            head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 28 + len(rtp), 0, 0, 64, 17, 0, socket.inet_aton(source),
                               socket.inet_aton(SWITCH))
            self.raw.sendto(head + udp + rtp, (SWITCH, 0))

    def heard(self):
        self.socket.setblocking(False)
        try:
            return self.socket.recvfrom(2048)
        except BlockingIOError:
            return None


class NatMedia(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        spaces = {}
        for role in ('sw', 'nat', 'lan', 'open', 'evil'):
            spaces[role] = netns.Netns(role)
            cls.addClassCleanup(spaces[role].delete)
        cls.spaces = spaces
        netns.link(spaces['sw'], 'wan', f'{SWITCH}/24', spaces['nat'], 'wan', f'{NAT_OUTSIDE}/24')
        netns.link(spaces['nat'], 'lan', f'{NAT_INSIDE}/24', spaces['lan'], 'eth0', f'{INSIDE}/24')
        netns.link(spaces['sw'], 'open', f'{SWITCH_OPEN}/24', spaces['open'], 'eth0', f'{OPEN}/24')
        netns.link(spaces['sw'], 'evil', f'{SWITCH_EVIL}/24', spaces['evil'], 'eth0', f'{EVIL}/24')
        for role, gateway in (('lan', NAT_INSIDE), ('open', SWITCH_OPEN), ('evil', SWITCH_EVIL)):
            spaces[role].ip('route', 'add', 'default', 'via', gateway)
        spaces['nat'].sysctl('net.ipv4.ip_forward', 1)
        # The forged packets are to reach the switch itself.
        for name in ('all', 'evil'):
            spaces['sw'].sysctl(f'net.ipv4.conf.{name}.rp_filter', 0)
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-nat-media-')
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.switch = Switch(cls.scratch.name, CONFIG, address=SWITCH, port=5060, launcher=spaces['sw'].launcher)
        cls.addClassCleanup(stop_cleanly, cls.switch)
        cls.switch.start()
        cls.evil = Evil(spaces['evil'])
        cls.addClassCleanup(cls.evil.close)

    def translate(self, kind):
        self.spaces['nat'].run('nft', '-f', '-', text=f'flush ruleset\ntable ip translate {{{KINDS[kind]}\n}}\n')

    def enter(self, thing):
        self.addCleanup(thing.close)
        return thing

    def set_up(self):
        """A call that is answered, before any RTP."""
        with inside(self.spaces['lan']):
            self.ann = self.enter(Agent(self.switch, '1001', 'a long one', address=INSIDE))
            self.ann_rtp = self.enter(Rtp(INSIDE))
        with inside(self.spaces['open']):
            self.bob = self.enter(Agent(self.switch, '1002', 'another long one', address=OPEN))
            self.bob_rtp = self.enter(Rtp(OPEN))
        self.ann.register()
        self.bob.register()
        call = self.ann.invite('1002', make_sdp(INSIDE, self.ann_rtp.port))
        ring = self.bob.incoming(20)
        ring.answer(200, make_sdp(OPEN, self.bob_rtp.port))
        self.to_ann = Sdp(ring.invite_request.body).rtp  # where bob sends
        self.to_bob = Sdp(call.wait(200, 20).body).rtp
        call.ack()
        ring.wait_request('ACK', 20)
        self.id = self.switch.rows('show', 'calls')[0]['id']
        return call, ring

    def legs(self):
        return self.switch.json('show', 'call', self.id)['item']['legs']

    def nothing_evil_passed(self):
        """What has arrived at either party is of the other one; and evil has heard nothing."""
        for one in (self.ann_rtp, self.bob_rtp):
            one.socket.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    data, _ = one.socket.recvfrom(2048)
                    self.assertNotIn(b'evil', data)
        self.assertIsNone(self.evil.heard())

    def spray_both(self):
        before = [leg['dropped_source'] for leg in self.legs()]
        for side, (to, like) in enumerate(((self.to_bob, self.ann_rtp), (self.to_ann, self.bob_rtp))):
            self.evil.spray(to[1], like)
            # RTP and the report; the rest is malformed.
            wait_for('the spray is dropped', lambda side=side: self.legs()[side]['dropped_source'] >=
                     before[side] + SPRAY + 1, 30)

    def talk(self):
        self.ann_rtp.exchange(self.to_bob, self.bob_rtp)
        self.bob_rtp.exchange(self.to_ann, self.ann_rtp)

    def one_call(self, kind):
        self.translate(kind)
        call, ring = self.set_up()
        # Before the first packet.
        self.spray_both()
        self.assertEqual([leg.get('packets') for leg in self.legs()], [0, 0])
        # The phone's own port is learned, and only that.
        self.talk()
        leg = self.legs()[0]
        address, port = leg['learned_address'].rsplit(':', 1)
        self.assertEqual((address, leg['is_locked']), (NAT_OUTSIDE, True))
        if kind == 'symmetric':
            self.assertNotEqual(int(port), self.ann_rtp.port)
        else:
            self.assertEqual(int(port), self.ann_rtp.port)
        # In the middle of the call, from its own address and from a port beside the right one.
        self.spray_both()
        before = self.legs()[0]['dropped_source']
        self.evil.forge(NAT_OUTSIDE, int(port) ^ 1, self.to_bob[1], self.ann_rtp)
        wait_for('the forged packets are dropped',
                 lambda: self.legs()[0]['dropped_source'] >= before + SPRAY, 30)
        self.nothing_evil_passed()
        self.talk()
        self.nothing_evil_passed()
        self.assertEqual(self.legs()[0]['learned_address'], leg['learned_address'])
        return call, ring

    def hang_up(self, call, ring):
        call.bye()
        ring.reply(ring.wait_request('BYE', 20), 200)
        wait_for('the call is gone', lambda: not self.switch.rows('show', 'calls'), 20)

    def after_the_end(self, call, ring):
        self.hang_up(call, ring)
        before = self.switch.json('show', 'media', 'ports')['item']
        for to, like in ((self.to_bob, self.ann_rtp), (self.to_ann, self.bob_rtp)):
            self.evil.spray(to[1], like)
            like.send(to)
        # Something that is answered, so that what was sent before has been looked at.
        self.ann.options()
        after = self.switch.json('show', 'media', 'ports')['item']
        self.assertEqual(before['packets'], after['packets'])
        self.nothing_evil_passed()
        for one in (self.ann_rtp, self.bob_rtp):
            self.assertIsNone(one.receive(0.05))

    def test_full_cone(self):
        self.after_the_end(*self.one_call('full cone'))

    def test_restricted(self):
        call, ring = self.one_call('restricted')
        alarm = wait_for('an alarm names the call', lambda: [
            row for row in self.switch.rows('show', 'alarms')
            if row['kind'] == 'foreign-media' and row['subject'] == self.id], 30)[0]
        self.assertIn('from 1001 to 1002', alarm['text'])
        self.after_the_end(call, ring)
        wait_for('it ends with the call', lambda: not any(
            row['kind'] == 'foreign-media' for row in self.switch.rows('show', 'alarms')), 30)

    def test_symmetric(self):
        self.after_the_end(*self.one_call('symmetric'))

    def test_moved_side_is_learned_anew(self):
        """A re-INVITE with another port opens learning for the side that moved; the other's lock stays."""
        call, ring = self.one_call('symmetric')
        before = self.legs()
        with inside(self.spaces['lan']):
            moved = self.enter(Rtp(INSIDE))
        call.reinvite(make_sdp(INSIDE, moved.port, version=2))
        ring.wait_request('INVITE', 20)
        ring.answer(200, make_sdp(OPEN, self.bob_rtp.port))
        call.wait(200, 20)
        call.ack()
        ring.wait_request('ACK', 20)
        moved.exchange(self.to_bob, self.bob_rtp)
        self.bob_rtp.exchange(self.to_ann, moved)
        after = self.legs()
        self.assertNotEqual(after[0]['learned_address'], before[0]['learned_address'])
        self.assertEqual(after[1]['learned_address'], before[1]['learned_address'])
        # The port before is a stranger's now, once what was under way has passed.
        dropped = after[0]['dropped_source']
        self.ann_rtp.send(self.to_bob, secrets.token_bytes(160))
        wait_for('the old port is dropped', lambda: self.legs()[0]['dropped_source'] > dropped, 20)
        self.hang_up(call, ring)

    def test_quality_is_told(self):
        self.translate('restricted')
        call, ring = self.set_up()
        for _ in range(10):
            self.talk()
        self.ann_rtp.sequence += 5
        self.talk()
        item = self.switch.json('show', 'call', self.id)['item']
        self.assertEqual(item['audio'], 'both ways')
        ann, bob = item['legs']
        self.assertEqual((ann['lost'], bob['lost']), (5, 0))
        self.assertGreater(ann['loss_ppm'], 0)
        for leg in (ann, bob):
            self.assertTrue(1 <= float(leg['mos']) <= 4.5, leg['mos'])
        self.assertEqual((ann['duplicates'], ann['late'], ann['payload_type_changes']), (0, 0, 0))
        text = self.switch.do('show', 'call', self.id)
        for word in ('mos', 'jitter', 'loss'):
            self.assertIn(word, text.lower())
        self.hang_up(call, ring)


if __name__ == '__main__':
    if os.geteuid() != 0 or not netns.are_possible():
        print('needs the right to make network namespaces')
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
