#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls with their media forwarded by switchd, steered or not, and by the kernel: the same tests on all paths.

    phones (192.0.2.11, .12) --- switch (192.0.2.1)
                                       (10.8.0.1) --- far (198.51.100.7, to which there is no route)

Three network namespaces; this process lives in the one of the phones. What went over the wire is judged by
tshark. SS_MEDIA_FAST_PATH and SS_MEDIA_STEERING required refuse to start where there is none, auto does without."""
import ctypes
import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import netns  # noqa: E402
from siplib import Agent, Rtp, Sdp, make_sdp, stop_cleanly  # noqa: E402
from switch import BUILD, SKIPPED, Switch, wait_for  # noqa: E402

SWITCH, ONE, TWO, EVIL = '192.0.2.1', '192.0.2.11', '192.0.2.12', '192.0.2.66'
TO_FAR, FAR = '10.8.0.1', '198.51.100.7'
SIP_PORT = 5060
TOS = 0xa0
PATIENCE_S = 30
PAUSE_S = 0.9  # a little less than what switchd takes for silence
SETTLED = 80  # packets after which a stream is where it belongs
CONFIG = '''
phone 1001
 password plain "one-password"
 exit
phone 1002
 password plain "two-password"
 exit
SS_MEDIA_PROXY_MODE = must-on
SS_RTP_PORT_RANGE = 30000,30099
SS_QOS_RTP = 160
'''
SIOCETHTOOL, ETHTOOL_STXCSUM, ETHTOOL_SGRO = 0x8946, 0x17, 0x2c
WITHOUT_RIGHTS = ('setpriv', '--bounding-set', '-bpf,-sys_admin,-perfmon')
# 1: good.
SUMS = ('ip.checksum.status', 'udp.checksum.status')
world = None


def set_feature(device, command, value):
    value = struct.pack('II', command, value)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        buffer = ctypes.create_string_buffer(value)
        request = struct.pack('16sP', device.encode(), ctypes.addressof(buffer)).ljust(40, b'\0')
        fcntl.ioctl(one, SIOCETHTOOL, request)


def fill_in_checksums(device):
    """Otherwise nobody does on a cable that is none, and tshark could not judge them."""
    set_feature(device, ETHTOOL_STXCSUM, 0)


class World:
    def __init__(self):
        self.switch = netns.Netns('sw')
        self.phones = netns.Netns('ph')
        netns.link(self.switch, 'wan', f'{SWITCH}/24', self.phones, 'eth0', f'{ONE}/24')
        for address in (TWO, EVIL):
            self.phones.ip('addr', 'add', f'{address}/24', 'dev', 'eth0')
        self.far = netns.Netns('far')
        netns.link(self.switch, 'far', f'{TO_FAR}/24', self.far, 'eth0', '10.8.0.2/24')
        self.far.ip('addr', 'add', f'{FAR}/32', 'dev', 'lo')
        for device in ('all', 'far'):
            self.switch.sysctl(f'net.ipv4.conf.{device}.rp_filter', 0)
        self.enter(self.switch)
        fill_in_checksums('wan')
        self.enter(self.phones)
        fill_in_checksums('eth0')

    @staticmethod
    def enter(one):
        with open(f'/run/netns/{one.name}') as inside:
            if netns.libc.setns(inside.fileno(), netns.CLONE_NEWNET) != 0:
                raise OSError('setns')

    def delete(self):
        for one in (self.switch, self.phones, self.far):
            one.delete()


def has_bye(capture):
    """While it is being written it may end within a packet."""
    try:
        return capture.packets('sip.Method == "BYE"', 'frame.number')
    except RuntimeError:
        return []


def judged(capture, display_filter, *fields):
    """As capture.packets(), with the sums looked at."""
    words = [word for field in fields for word in ('-e', field)]
    out = netns.run('tshark', '-r', str(capture.path), '-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE',
                    '-Y', display_filter, '-T', 'fields', '-E', 'separator=/t', *words)
    return [tuple(line.split('\t')) for line in out.splitlines()]


class Fixture(unittest.TestCase):
    mode = 'off'
    steering = 'off'
    busy_poll = 0
    xdp = 'on'

    @property
    def path(self):
        return 'switchd' if self.mode == 'off' else 'kernel'

    def folder(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-fast-')
        self.addCleanup(scratch.cleanup)
        return Path(scratch.name)

    def make_switch(self, mode, folder=None, words=()):
        config = f'{CONFIG}SS_MEDIA_FAST_PATH = {mode}\nSS_MEDIA_STEERING = {self.steering}\n'
        config += f'SS_MEDIA_BUSY_POLL = {self.busy_poll}\nSS_MEDIA_XDP = {self.xdp}\n'
        return Switch(folder or self.folder(), config, SWITCH, SIP_PORT, [*world.switch.launcher, *words])

    def start(self, mode=None, words=()):
        self.switch = self.make_switch(mode or self.mode, words=words)
        self.addCleanup(self.end)
        self.switch.start()
        self.register()

    def register(self):
        self.ended = []
        self.sent_at = {}
        self.longest_pause_s = 0
        self.caller = Agent(self.switch, '1001', 'one-password', ONE)
        self.callee = Agent(self.switch, '1002', 'two-password', TWO)
        for agent in (self.caller, self.callee):
            self.addCleanup(agent.close)
            agent.register()

    def end(self):
        if self.switch.process and self.switch.process.poll() is None:
            stop_cleanly(self.switch)

    def rtp(self, address):
        rtp = Rtp(address)
        self.addCleanup(rtp.close)
        return rtp

    def far_rtp(self):
        with world.far.entered():
            return self.rtp(FAR)

    def call(self, b=None):
        """A call that is up: both ends, their RTP, and where each sends it."""
        a, b = self.rtp(ONE), b or self.rtp(TWO)
        call = self.caller.invite('1002', sdp=make_sdp(ONE, a.port))
        ring = self.callee.incoming(PATIENCE_S)
        ring.answer(200, sdp=make_sdp(b.address, b.port))
        answer = call.wait(200, PATIENCE_S)
        call.ack()
        ring.wait_request('ACK', PATIENCE_S)
        self.addCleanup(self.hang_up, call, ring, self.switch.process)
        return call, ring, a, b, Sdp(answer.body).rtp, Sdp(ring.invite_request.body).rtp

    def hang_up(self, call, ring, process=None):
        """So that switchd need not wait for it at its end; once, and not with another process."""
        if call in self.ended or process not in (None, self.switch.process):
            return
        self.ended.append(call)
        call.send('BYE')
        ring.reply(ring.wait_request('BYE', PATIENCE_S), 200)

    def passes(self, source, to, sink, count):
        for _ in range(count):
            self.longest_pause_s = max(self.longest_pause_s, time.monotonic() - self.sent_at.get(source, 0))
            data = source.send(to)
            self.sent_at[source] = time.monotonic()
            got = sink.receive(PATIENCE_S)
            self.assertIsNotNone(got, f'a packet from {source.address} did not come to {sink.address}')
            self.assertEqual(got[0], data)

    def streams(self):
        return {row['leg']: row for row in self.switch.rows('show', 'media', 'sessions')}

    def settle(self, source, to, sink, leg, path=None):
        """Packets until the stream is on its path."""
        self.passes(source, to, sink, SETTLED)

        def is_there():
            self.passes(source, to, sink, 1)
            return self.streams()[leg]['path'] == (path or self.path)
        wait_for(f'stream of {leg} is on its path', is_there, PATIENCE_S)

    def counted(self, streams, count):
        """Of so many packets a stream, how many the kernel forwarded. None when something came between that brings
        a stream back to switchd for a packet: news of routes or interfaces, or a pause of the stream's."""
        before = self.fast_path()
        for stream in streams:
            self.passes(*stream, 1)
        begin = self.fast_path()
        if begin['packets'] - before['packets'] != (len(streams) if self.mode != 'off' else 0):
            return None
        self.longest_pause_s = 0
        for stream in streams:
            self.passes(*stream, count)
        end = self.fast_path()
        if end['changes'] != begin['changes'] or self.longest_pause_s > PAUSE_S:
            return None
        return {name: end[name] - begin[name] for name in ('packets', 'steered_packets', 'batched_packets')}

    def fast_path(self):
        return self.switch.json('show', 'media', 'fast-path')['item']


class BySwitchd(Fixture):
    def test_packets_on_the_wire(self):
        folder = self.folder()
        self.start()
        capture = netns.Capture(world.phones, folder, 'wire', 'eth0')
        self.addCleanup(capture.stop)
        call, ring, a, b, to_a, to_b = self.call()
        self.settle(a, to_a, b, 'a')
        self.settle(b, to_b, a, 'b')
        self.settle(a, to_a, b, 'a')
        found = wait_for('packets pass undisturbed', lambda: self.counted(((a, to_a, b), (b, to_b, a)), 50), PATIENCE_S)
        self.assertEqual(found['packets'], 0 if self.mode == 'off' else 100)
        self.assertEqual(found['steered_packets'], 100 if self.steering == 'required' else 0)
        self.assertEqual(found['batched_packets'], found['steered_packets'])
        # Reports pass as well.
        report = b'\x80\xc8\x00\x01' + a.ssrc.to_bytes(4, 'big')
        a.rtcp.sendto(report, (to_a[0], to_a[1]))
        self.assertEqual(b.receive(PATIENCE_S, rtcp=True)[0], report)
        rows = self.streams()
        for leg, sent in (('a', a), ('b', b)):
            self.assertEqual(rows[leg]['path'], self.path)
            self.assertEqual(rows[leg]['dropped'], 0)
            self.assertGreater(rows[leg]['packets'], SETTLED + 50)
            shown = self.switch.json('show', 'call', rows[leg]['call'])['item']['legs']['ab'.index(leg)]
            self.assertEqual((shown['path'], shown['packets']), (self.path, rows[leg]['packets']))
            self.assertEqual(shown['ssrc'], f'{sent.ssrc:08x}')
        self.hang_up(call, ring)
        # The capture has the last packet when it has one that was sent after it.
        wait_for('the capture has the BYE', lambda: has_bye(capture), PATIENCE_S)
        capture.stop()
        leaves = judged(capture, f'udp && ip.src == {SWITCH} && udp.srcport >= 30000 && udp.length > 100', 'ip.dst',
                                 'ip.dsfield', 'ip.ttl', 'udp.srcport', 'udp.dstport', 'udp.length', *SUMS)
        self.assertEqual(len(leaves), sum(row['packets'] for row in rows.values()))
        expected = {(TWO, f'{TOS:#04x}', '64', str(to_b[1]), str(b.port), '180', '1', '1'),
                    (ONE, f'{TOS:#04x}', '64', str(to_a[1]), str(a.port), '180', '1', '1')}
        self.assertEqual(set(leaves), expected)

    def test_a_party_that_moves(self):
        self.start()
        call, ring, a, b, to_a, _ = self.call()
        self.settle(a, to_a, b, 'a')
        moved = self.rtp(TWO)
        ring.reinvite(make_sdp(TWO, moved.port, version=2))
        offered = call.wait_request('INVITE', PATIENCE_S)
        call.answer(200, sdp=make_sdp(ONE, a.port, version=2))
        ring.wait(200, PATIENCE_S)
        ring.ack()
        call.wait_request('ACK', PATIENCE_S)
        self.assertEqual(Sdp(offered.body).rtp, to_a)
        # The move is a letter to the media thread; packets before it still go to the old place.
        self.assertTrue(wait_for('packets come to the new place', lambda: a.send(to_a) and moved.receive(0.1),
                                 PATIENCE_S))
        while moved.receive(0.1):
            pass
        while b.receive(0.1):
            pass
        self.settle(a, to_a, moved, 'a')
        self.assertIsNone(b.receive(0.01))

    def test_sprayed_ports(self):
        """Before the first packet, in the middle and after the end: nothing of it gets through, or back."""
        self.start()
        call, ring, a, b, to_a, to_b = self.call()
        evil = self.rtp(EVIL)

        def spray(count):
            for to in (to_a, to_b):
                for _ in range(count):
                    evil.send(to)
            wait_for('they are refused', lambda: [self.streams()[leg]['dropped'] for leg in 'ab'] == [spray.sent] * 2,
                     PATIENCE_S)
        spray.sent = 10
        spray(10)
        self.settle(a, to_a, b, 'a')
        self.settle(b, to_b, a, 'b')
        # As one who has seen the call's packets.
        evil.ssrc, evil.sequence, evil.timestamp = a.ssrc, a.sequence, a.timestamp
        spray.sent = 30
        spray(20)
        self.settle(a, to_a, b, 'a')
        self.settle(b, to_b, a, 'b')
        self.assertEqual([(row['path'], row['dropped']) for row in self.streams().values()], [(self.path, 30)] * 2)
        self.hang_up(call, ring)
        wait_for('the ports rest', lambda: not self.streams(), PATIENCE_S)
        for one in (evil, a, b):
            for to in (to_a, to_b):
                one.send(to)
        for one in (evil, a, b):
            self.assertIsNone(one.receive(0.1))

    def test_an_interface_that_goes_down(self):
        self.start()
        _, _, a, b, to_a, _ = self.call()
        self.settle(a, to_a, b, 'a')
        world.switch.ip('link', 'set', 'wan', 'down')
        world.switch.ip('link', 'set', 'wan', 'up')
        # The link takes a moment until it carries again.
        wait_for('packets pass again', lambda: a.send(to_a) and b.receive(0.1), PATIENCE_S)
        while b.receive(0.1):
            pass
        self.settle(a, to_a, b, 'a')


    def test_reports_at_ports_of_their_own(self):
        self.start()
        self.switch.do('set', 'phone', '1002', 'rtp-port-layout', 'paired')
        _, _, a, b, to_a, to_b = self.call()
        self.assertEqual((to_a[1] % 2, to_b[1] % 2), (0, 0))
        self.settle(a, to_a, b, 'a')
        self.settle(b, to_b, a, 'b')
        for source, to, sink, leaves in ((a, to_a, b, to_b), (b, to_b, a, to_a)):
            report = b'\x80\xc8\x00\x01' + source.ssrc.to_bytes(4, 'big')
            source.rtcp.sendto(report, (to[0], to[1] + 1))
            self.assertEqual(sink.receive(PATIENCE_S, rtcp=True), (report, (SWITCH, leaves[1] + 1)))
        self.settle(a, to_a, b, 'a')
        rows = self.streams()
        self.assertEqual([(rows[leg]['path'], rows[leg]['dropped']) for leg in 'ab'], [(self.path, 0)] * 2)

    def test_a_network_behind_an_interface(self):
        self.start()
        self.switch.do('set', 'network', 'far', 'interface', 'far')
        self.switch.do('set', 'phone', '1002', 'network', 'far')
        call, ring, a, b, to_a, to_b = self.call(self.far_rtp())
        self.assertEqual((to_a[0], to_b[0]), (SWITCH, TO_FAR))
        self.settle(a, to_a, b, 'a')
        self.settle(b, to_b, a, 'b')
        self.settle(a, to_a, b, 'a')
        a.send(to_a)
        self.assertEqual(b.receive(PATIENCE_S)[1], to_b)
        legs = self.switch.json('show', 'call', self.streams()['a']['call'])['item']['legs']
        self.assertEqual([(leg['relay_address'], leg.get('relay_interface')) for leg in legs],
                         [(SWITCH, None), (TO_FAR, 'far')])
        # The interface gets another address: calls that come have it.
        world.switch.ip('addr', 'add', '10.8.0.77/24', 'dev', 'far')
        self.addCleanup(world.switch.ip, 'addr', 'add', f'{TO_FAR}/24', 'dev', 'far')
        self.addCleanup(world.switch.ip, 'addr', 'flush', 'dev', 'far')
        world.switch.ip('addr', 'del', f'{TO_FAR}/24', 'dev', 'far')
        world.switch.ip('addr', 'replace', '10.8.0.77/24', 'dev', 'far')
        wait_for('its ports are at the new address', lambda: '10.8.0.77' in [
            pool['address'] for pool in self.switch.json('show', 'media', 'ports')['item']['addresses']], PATIENCE_S)
        self.hang_up(call, ring)
        _, _, a, b, to_a, to_b = self.call(b)
        self.assertEqual(to_b[0], '10.8.0.77')
        self.settle(a, to_a, b, 'a')


class Steered(BySwitchd):
    steering = 'required'
    busy_poll = 50

    def test_reports_and_strangers(self):
        self.start()
        _, _, a, b, to_a, _ = self.call()
        self.settle(a, to_a, b, 'a')
        before = self.fast_path()['steered_packets']
        # Another port of the same phone: not the stream that is steered.
        stranger = self.rtp(ONE)
        for _ in range(20):
            stranger.send(to_a)
        wait_for('strangers are counted', lambda: self.streams()['a']['dropped'] == 20, PATIENCE_S)
        self.assertEqual(self.fast_path()['steered_packets'], before)
        self.passes(a, to_a, b, 10)
        self.assertEqual(self.fast_path()['steered_packets'], before + 10)
        self.assertEqual(self.switch.json('show', 'capacity')['item']['media_path'], 'steered')


    def test_a_tone_and_the_rest(self):
        """The caller's port is from IVR_RTP_PORT; given back, nothing is steered to it."""
        self.start()
        self.switch.do('set', 'phone', '1002', 'local-ring', 'on')
        a, b = self.rtp(ONE), self.rtp(TWO)
        call = self.caller.invite('1002', sdp=make_sdp(ONE, a.port))
        ring = self.callee.incoming(PATIENCE_S)
        ring.answer(180)
        to_a = Sdp(call.wait(183, PATIENCE_S).body).rtp
        self.assertIn(to_a[1], range(40000, 48000))
        self.assertEqual(a.receive(PATIENCE_S)[1], to_a)
        ring.answer(200, sdp=make_sdp(TWO, b.port))
        call.wait(200, PATIENCE_S)
        call.ack()
        ring.wait_request('ACK', PATIENCE_S)
        wait_for('the end of the tone',
                 lambda: self.switch.json('show', 'media', 'ports')['item']['tones_playing'] == 0, PATIENCE_S)
        while a.receive(0.1):
            pass
        to_b = Sdp(ring.invite_request.body).rtp
        self.settle(a, to_a, b, 'a')
        self.settle(b, to_b, a, 'b')
        before = self.fast_path()['steered_packets']
        self.passes(a, to_a, b, 10)
        self.passes(b, to_b, a, 10)
        self.assertEqual(self.fast_path()['steered_packets'], before + 20)
        self.hang_up(call, ring)
        wait_for('both pairs rest', lambda: not self.switch.json('show', 'media', 'ports')['item']['sessions'],
                 PATIENCE_S)
        for _ in range(5):
            a.send(to_a)
            b.send(to_b)
        self.assertIsNone(b.receive(0.1))
        self.assertIsNone(a.receive(0.1))
        self.assertEqual(self.fast_path()['steered_packets'], before + 20)

    def sleeps(self):
        """How often the media threads have gone to sleep."""
        count = 0
        for task in Path(f'/proc/{self.switch.process.pid}/task').iterdir():
            if re.fullmatch(r'media-\d+', (task / 'comm').read_text().strip()):
                count += int(re.search(r'^voluntary_ctxt_switches:\s+(\d+)', (task / 'status').read_text(), re.M)[1])
        return count

    def test_busy_poll_under_a_call(self):
        self.start()
        _, _, a, b, to_a, _ = self.call()
        self.settle(a, to_a, b, 'a')

        def slept(count):
            before = self.sleeps()
            self.passes(a, to_a, b, count)
            return self.sleeps() - before
        for poll_us, is_right in ((0, lambda: slept(50) > 25), (1000, lambda: slept(50) < 25),
                                  (0, lambda: slept(50) > 25)):
            self.switch.set('SS_MEDIA_BUSY_POLL', str(poll_us))
            wait_for(f'threads that poll for {poll_us} us', is_right, PATIENCE_S)


class ByTheKernel(BySwitchd):
    mode = 'required'

    def test_kill_and_restart(self):
        self.start()
        _, _, a, b, to_a, _ = self.call()
        self.settle(a, to_a, b, 'a')
        folder = self.switch.folder
        self.switch.process.send_signal(signal.SIGKILL)
        self.switch.process.wait()
        self.switch.process = None
        # Nothing of it forwards on: packets for the port meet nobody.
        for _ in range(20):
            try:
                a.send(to_a)
            except ConnectionRefusedError:
                pass
        self.assertIsNone(b.receive(0.2))
        self.switch = self.make_switch(self.mode, folder)
        self.switch.start(apply=False)
        self.assertTrue(self.fast_path()['is_on'])
        self.register()
        _, _, a, b, to_a, _ = self.call()
        self.settle(a, to_a, b, 'a')


class InTheDriver(Fixture):
    """The end of a cable sends by XDP when the other polls, which it does with GRO."""
    mode = 'required'

    def setUp(self):
        set_feature('eth0', ETHTOOL_SGRO, 1)
        self.addCleanup(set_feature, 'eth0', ETHTOOL_SGRO, 0)

    test_packets_on_the_wire = BySwitchd.test_packets_on_the_wire

    def counted(self, streams, count):
        before = self.fast_path()
        if not before['xdp_interfaces']:
            self.skipTest('the kernel does not say that the cable can send by XDP')
        self.assertEqual((before['interfaces'], before['xdp_interfaces']), ('wan', 'wan'))
        found = super().counted(streams, count)
        if found:
            # One in 256 is left to the hook behind the driver, and a few that it cannot tell from unfinished ones.
            by_xdp = self.fast_path()['xdp_packets'] - before['xdp_packets']
            self.assertGreaterEqual(by_xdp, len(streams) * (count + 1) - 8)
        return found

    def test_turned_off(self):
        self.xdp = 'off'
        self.start()
        item = self.fast_path()
        self.assertEqual((item['interfaces'], item['xdp_interfaces']), ('wan', None))


class Modes(Fixture):
    def test_off(self):
        self.start('off')
        item = self.fast_path()
        self.assertEqual((item['wanted'], item['is_on'], item['reason']), ('off', False, 'off'))

    def test_auto_takes_it(self):
        self.start('auto')
        item = self.fast_path()
        self.assertTrue(item['is_on'])
        self.assertEqual(item['interfaces'], 'wan')
        self.assertIsNone(item['xdp_interfaces'])
        self.assertIn(item['hook'], ('tcx', 'clsact'))

    @unittest.skipUnless(shutil.which('setpriv'), 'without setpriv rights cannot be taken away')
    def test_auto_without_rights(self):
        self.start('auto', words=WITHOUT_RIGHTS)
        item = self.fast_path()
        self.assertFalse(item['is_on'])
        self.assertTrue(item['reason'])
        _, _, a, b, to_a, _ = self.call()
        self.settle(a, to_a, b, 'a', 'switchd')

    def test_not_steered(self):
        self.start('off')
        item = self.fast_path()
        self.assertEqual((item['steering_wanted'], item['steering_is_on'], item['steering_reason']),
                         ('off', False, 'off'))
        self.assertEqual(self.switch.json('show', 'capacity')['item']['media_path'], 'sockets')

    @unittest.skipUnless(shutil.which('setpriv'), 'without setpriv rights cannot be taken away')
    def test_steered_without_raw_sockets(self):
        self.steering = 'required'
        self.start('off', words=('setpriv', '--bounding-set', '-net_raw'))
        _, _, a, b, to_a, _ = self.call()
        self.settle(a, to_a, b, 'a', 'switchd')
        item = self.fast_path()
        self.assertGreaterEqual(item['steered_packets'], SETTLED - 1)
        self.assertEqual(item['batched_packets'], 0)

    @unittest.skipUnless(shutil.which('setpriv'), 'without setpriv rights cannot be taken away')
    def test_required_without_rights(self):
        self.refuses('required', 'SS_MEDIA_FAST_PATH is required, and there is no fast path: ')

    @unittest.skipUnless(shutil.which('setpriv'), 'without setpriv rights cannot be taken away')
    def test_steering_required_without_rights(self):
        self.steering = 'required'
        self.refuses('off', 'SS_MEDIA_STEERING is required, and nothing can be steered: ')

    def refuses(self, mode, why):
        switch = self.make_switch(mode)
        done = subprocess.run([*world.switch.launcher, *WITHOUT_RIGHTS, str(BUILD / 'switchd'), '--foreground',
                               '--state', str(switch.folder / 'state'), '--socket', switch.socket, '--apply',
                               str(switch.config_path)], capture_output=True, text=True, timeout=PATIENCE_S)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn(why, done.stderr)


def ways():
    """Whether there is a fast path here, and steering; without them only what switchd does itself can be tested."""
    with tempfile.TemporaryDirectory(prefix='vos-fast-') as folder:
        switch = Switch(folder, f'{CONFIG}SS_MEDIA_FAST_PATH = auto\nSS_MEDIA_STEERING = auto\n', SWITCH, SIP_PORT, world.switch.launcher)
        try:
            switch.start()
            item = switch.json('show', 'media', 'fast-path')['item']
        finally:
            if switch.process and switch.process.poll() is None:
                switch.stop()
    for reason in ('reason', 'steering_reason'):
        if reason in item:
            print(f'{reason}: {item[reason]}')
    return item['is_on'], item['steering_is_on']


def load_tests(loader, _tests, _pattern):
    is_fast, is_steered = ways()
    kinds = [BySwitchd] + is_steered * [Steered] + is_fast * [ByTheKernel, InTheDriver] + (is_fast and is_steered) * [Modes]
    return unittest.TestSuite(loader.loadTestsFromTestCase(kind) for kind in kinds)


if __name__ == '__main__':
    if os.geteuid() != 0 or not shutil.which('ip') or not shutil.which('tshark') or not netns.are_possible():
        print('needs root, ip and tshark: network namespaces cannot be made here')
        sys.exit(SKIPPED)
    world = World()
    try:
        unittest.main(exit=False, verbosity=1, argv=sys.argv).result.wasSuccessful() or sys.exit(1)
    finally:
        world.delete()
