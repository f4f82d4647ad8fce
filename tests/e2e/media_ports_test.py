#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Ports of the relay: a range changed under live calls, ports that others have, the alarm before none is left,
the paired layout, an address each; and what limits the number of calls, with rules of a packet filter that fit."""
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import netns  # noqa: E402
from ports import free_port, free_port_range  # noqa: E402
from siplib import Agent, Rtp, Sdp, make_sdp, stop_cleanly  # noqa: E402
from switch import Switch, wait_for  # noqa: E402

PHONES = 'phone 1001\n password plain "one-password"\n exit\nphone 1002\n password plain "two-password"\n exit\n' \
         'SS_MEDIA_PROXY_MODE = must-on\n'
PATIENCE_S = 30


class Fixture(unittest.TestCase):
    def start(self, config=''):
        scratch = tempfile.TemporaryDirectory(prefix='vos-ports-')
        self.addCleanup(scratch.cleanup)
        self.switch = Switch(scratch.name, PHONES + config)
        self.addCleanup(self.end)
        self.switch.start()
        self.caller = Agent(self.switch, '1001', 'one-password')
        self.callee = Agent(self.switch, '1002', 'two-password')
        for agent in (self.caller, self.callee):
            self.addCleanup(agent.close)
            agent.register()

    def end(self):
        if self.switch.process and self.switch.process.poll() is None:
            self.switch.stop()

    def call(self, ports=(41000, 41002), callee='1002'):
        """A call that is up: both ends, and the two SDPs of the switch, at the callee's and the caller's."""
        call = self.caller.invite(callee, sdp=make_sdp('127.0.0.1', ports[0]))
        ring = self.callee.incoming(PATIENCE_S)
        ring.answer(200, sdp=make_sdp('127.0.0.1', ports[1]))
        answer = call.wait(200, PATIENCE_S)
        call.ack()
        ring.wait_request('ACK', PATIENCE_S)
        return call, ring, Sdp(ring.invite_request.body), Sdp(answer.body)

    def refused(self):
        call = self.caller.invite('1002', sdp=make_sdp('127.0.0.1', 41000))
        answer = call.wait(lambda m: m.status >= 300, PATIENCE_S)
        call.ack(answer)
        return answer

    def hang_up(self, call, ring, *_):
        request = call.send('BYE')
        ring.reply(ring.wait_request('BYE', PATIENCE_S), 200)
        self.caller.wait_for(lambda m: m.status == 200 and m.call_id == call.call_id and m.cseq == request.cseq,
                             PATIENCE_S)

    def ports(self, address='127.0.0.1'):
        item = self.switch.json('show', 'media', 'ports')['item']
        item['pool'] = next((pool for pool in item['addresses'] if pool['address'] == address), None)
        return item

    def capacity(self):
        item = self.switch.json('show', 'capacity')['item']
        item['by'] = {limit['limit']: limit for limit in item['limits']}
        return item


class Ports(Fixture):
    def test_a_range_changed_under_calls(self):
        low = free_port_range(24)
        self.start(f'SS_RTP_PORT_RANGE = {low},{low + 7}\nSS_RTP_PORT_REST = 300\n')
        first = self.call()
        self.assertIn(first[2].port, range(low, low + 8))
        self.switch.set('SS_RTP_PORT_RANGE', f'{low + 8},{low + 23}')
        second = self.call()
        self.assertIn(second[2].port, range(low + 8, low + 24))
        pool = self.ports()['pool']
        self.assertEqual((pool['pairs_total'], pool['pairs_used'], pool['pairs_used_outside']), (8, 2, 1))
        # The old call keeps its ports over a new offer too.
        first[0].reinvite(make_sdp('127.0.0.1', 41010, version=2))
        again = first[1].wait_request('INVITE', PATIENCE_S)
        self.assertEqual(Sdp(again.body).port, first[2].port)
        first[1].answer(200, sdp=make_sdp('127.0.0.1', 41002, version=2))
        first[0].wait(200, PATIENCE_S)
        first[0].ack()
        first[1].wait_request('ACK', PATIENCE_S)
        # Back to a range that has the old call's pair: nobody else gets it.
        self.switch.set('SS_RTP_PORT_RANGE', f'{low},{low + 7}')
        others = [self.call() for _ in range(3)]
        self.assertNotIn(first[2].port, [other[2].port for other in others])
        self.assertEqual(self.refused().status, 503)
        for call in [first, second, *others]:
            self.hang_up(*call)
        wait_for('all pairs rest', lambda: self.ports()['pool']['pairs_used'] == 0, PATIENCE_S)
        pool = self.ports()['pool']
        self.assertEqual((pool['pairs_resting'], pool['pairs_free'], pool['refused']), (4, 0, 1))
        # Without a rest they are free at once.
        self.switch.set('SS_RTP_PORT_REST', '0')
        wait_for('nothing rests', lambda: self.ports()['pool']['pairs_free'] == 4, PATIENCE_S)
        stop_cleanly(self.switch)

    def test_ports_of_others_and_the_alarm(self):
        low = free_port_range(20)
        taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(taken.close)
        taken.bind(('127.0.0.1', low + 5))  # the odd port of the third pair
        self.start(f'SS_RTP_PORT_RANGE = {low},{low + 15}\n')
        calls = [self.call() for _ in range(5)]
        self.assertFalse(self.alarms())
        calls.append(self.call())
        wait_for('6 of 8 are no alarm; the seventh pair is', lambda: self.ports()['pool']['pairs_used'] == 6)
        # With 7 of the 7 that can be had, or of 8, it is past 85 %.
        calls.append(self.call())
        alarm = wait_for('the alarm', self.alarms, PATIENCE_S)[0]
        self.assertEqual((alarm['kind'], alarm['subject'], alarm['level']), ('media-ports', '127.0.0.1', 'high'))
        refusal = self.refused()
        self.assertEqual(refusal.status, 503)
        self.assertIn('no media port is free', refusal.get('Reason'))
        pool = self.ports()['pool']
        self.assertEqual((pool['pairs_used'], pool['pairs_taken'], pool['pairs_free']), (7, 1, 0))
        self.assertGreaterEqual(pool['skipped'], 1)
        self.assertGreaterEqual(pool['refused'], 1)
        self.assertNotIn(low + 5, [call[2].port for call in calls])
        for call in calls[:4]:
            self.hang_up(*call)
        wait_for('the end of the alarm', lambda: not self.alarms(), PATIENCE_S)
        for call in calls[4:]:
            self.hang_up(*call)
        stop_cleanly(self.switch)

    def alarms(self):
        return [alarm for alarm in self.switch.rows('show', 'alarms', 'active') if alarm['kind'] == 'media-ports']

    def test_layout_and_decision(self):
        low = free_port_range(8)
        self.start(f'SS_RTP_PORT_RANGE = {low},{low + 7}\nnetwork far\n prefix 198.51.100.0/24\n exit\n'
                   'mapping-gateway in\n address 198.51.100.7\n exit\n'
                   'routing-gateway out\n address 192.0.2.9\n rtp-port-layout paired\n media-proxy off\n exit\n')
        compact = self.call()
        self.assertEqual((compact[2].port % 2, compact[3].port % 2), (1, 0))
        self.assertIn(f'a=rtcp:{compact[2].port}', compact[2].lines)
        self.hang_up(*compact)
        self.switch.do('set', 'phone', '1002', 'rtp-port-layout', 'paired')
        paired = self.call()
        self.assertEqual((paired[2].port % 2, paired[3].port % 2), (0, 0))
        self.assertFalse([line for line in paired[2].lines if line.startswith('a=rtcp')])
        wait_for('two pairs', lambda: self.ports()['pool']['pairs_used'] == 2, PATIENCE_S)
        row, = self.switch.rows('show', 'calls')
        decision = self.switch.json('show', 'media', 'decision', row['id'])['item']
        self.assertEqual((decision['is_relayed'], decision['port_layout'], decision['step']),
                         (True, 'paired', 'global-must-on'))
        self.hang_up(*paired)
        # Any two, without a call.
        self.switch.set('SS_MEDIA_PROXY_MODE', 'auto')
        for caller, callee, relayed, reason in (
                ('in', '1002', True, 'the caller is in network far, the callee in none'),
                ('in', 'out', False, "the callee's media-proxy is off"),
                ('1001', '1002', False, 'nothing asks for the relay')):
            item = self.switch.json('show', 'media', 'decision', 'caller', caller, 'callee', callee)['item']
            self.assertEqual((item['is_relayed'], item['reason']), (relayed, reason))
        stop_cleanly(self.switch)

    @unittest.skipUnless(Path('/proc/net/if_inet6').exists(), 'there is no IPv6')
    def test_between_versions_of_ip(self):
        port = free_port('::1')
        self.start(f'SS_MEDIA_PROXY_MODE = off\nlisten six\n udp [::1]:{port}\n exit\n')
        self.callee.register(expires=0)
        self.callee = Agent(self.switch, '1002', 'two-password', '::1', listen=('::1', port))
        self.addCleanup(self.callee.close)
        self.callee.register()
        near, far = Rtp('127.0.0.1'), Rtp('::1')
        self.addCleanup(near.close)
        self.addCleanup(far.close)
        call = self.caller.invite('1002', sdp=make_sdp('127.0.0.1', near.port))
        ring = self.callee.incoming(PATIENCE_S)
        ring.answer(200, sdp=make_sdp('::1', far.port))
        to_near = Sdp(call.wait(200, PATIENCE_S).body)
        call.ack()
        ring.wait_request('ACK', PATIENCE_S)
        to_far = Sdp(ring.invite_request.body)
        self.assertEqual((to_near.address, to_far.address), ('127.0.0.1', '::1'))
        self.assertEqual(near.exchange(to_near.rtp, far)[:2], to_far.rtp)
        self.assertEqual(far.exchange(to_far.rtp, near)[:2], to_near.rtp)
        report = b'\x80\xc8\x00\x01' + near.ssrc.to_bytes(4, 'big')
        near.rtcp.sendto(report, to_near.rtp)
        self.assertEqual(far.receive(PATIENCE_S, rtcp=True)[0], report)
        row, = self.switch.rows('show', 'calls')
        item = self.switch.json('show', 'call', row['id'])['item']
        self.assertEqual((item['media_step'], item['media_reason']),
                         ('address-family', 'the caller has IPv4, the callee IPv6'))
        self.assertEqual([leg['path'] for leg in item['legs']], ['switchd', 'switchd'])
        self.hang_up(call, ring)
        stop_cleanly(self.switch)

    def test_an_address_of_its_own(self):
        low = free_port_range(8)
        self.start(f'SS_RTP_PORT_RANGE = {low},{low + 7}\nlisten second\n udp 127.0.0.3:{free_port_range(2)}\n'
                   ' media-address 127.0.0.2\n exit\n')
        self.assertEqual(sorted(pool['address'] for pool in self.ports()['addresses']), ['127.0.0.1', '127.0.0.2'])
        # A network may have its own, though its parties come in where others do.
        self.switch.do('set', 'network', 'inner', 'media-address', '127.0.0.4')
        self.switch.do('set', 'network', 'inner', 'advertised-address', '203.0.113.4')
        self.switch.do('set', 'phone', '1002', 'network', 'inner')
        inner = self.call()
        self.assertEqual((inner[2].address, inner[3].address), ('203.0.113.4', '127.0.0.1'))
        row, = self.switch.rows('show', 'calls')
        legs = self.switch.json('show', 'call', row['id'])['item']['legs']
        self.assertEqual([(leg['relay_address'], leg.get('advertised_address')) for leg in legs],
                         [('127.0.0.1', None), ('127.0.0.4', '203.0.113.4')])
        inner[0].reinvite(make_sdp('127.0.0.1', 41010, version=2))
        self.assertEqual(Sdp(inner[1].wait_request('INVITE', PATIENCE_S).body).address, '203.0.113.4')
        inner[1].answer(200, sdp=make_sdp('127.0.0.1', 41002, version=2))
        self.assertEqual(Sdp(inner[0].wait(200, PATIENCE_S).body).address, '127.0.0.1')
        inner[0].ack()
        inner[1].wait_request('ACK', PATIENCE_S)
        self.assertEqual([self.ports(address)['pool']['pairs_used'] for address in ('127.0.0.1', '127.0.0.4')], [1, 1])
        self.hang_up(*inner)
        self.switch.do('set', 'no', 'phone', '1002', 'network')
        wait_for('its ports are free', lambda: self.ports('127.0.0.1')['pool']['pairs_used'] == 0, PATIENCE_S)
        call = self.call()
        self.assertEqual(self.ports()['pool']['pairs_used'], 1)
        self.assertEqual(self.ports('127.0.0.2')['pool']['pairs_used'], 0)
        self.assertEqual(self.ports('127.0.0.2')['pool']['pairs_total'], 4)
        self.hang_up(*call)
        stop_cleanly(self.switch)


class Capacity(Fixture):
    def test_limits(self):
        low = free_port_range(40)
        self.start(f'SS_RTP_PORT_RANGE = {low},{low + 39}\nSS_MEDIA_FAST_PATH = off\n')
        idle = self.capacity()
        self.assertEqual((idle['relayed_call_limit'], idle['relayed_call_limit_by']), (20, 'ports'))
        self.assertEqual(sorted(idle['by']), ['calls', 'descriptors', 'memory', 'packets', 'ports'])
        self.assertGreater(idle['by']['memory']['calls'], 20)
        self.assertIsNone(idle['by']['packets']['calls'])
        call = self.call()
        busy = self.capacity()
        self.assertEqual(busy['relayed_calls'], 1)
        self.assertEqual((busy['by']['ports']['calls'], busy['by']['ports']['calls_left']), (20, 19))
        self.measured(call)
        self.switch.set('SS_RTP_PORT_LAYOUT', 'paired')
        self.assertEqual(self.capacity()['by']['ports']['calls_left'], 9)
        self.hang_up(*call)
        stop_cleanly(self.switch)

    def measured(self, call):
        """Under a stream of packets the relay knows what one costs."""
        stop = threading.Event()
        source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        source.bind(('127.0.0.1', 0))
        sink.bind(('127.0.0.1', 0))
        first, ring = call[:2]
        first.reinvite(make_sdp('127.0.0.1', source.getsockname()[1], version=2))
        ring.wait_request('INVITE', PATIENCE_S)
        ring.answer(200, sdp=make_sdp('127.0.0.1', sink.getsockname()[1], version=2))
        first.wait(200, PATIENCE_S)
        first.ack()
        ring.wait_request('ACK', PATIENCE_S)

        def send():
            number = 0
            while not stop.is_set():
                for _ in range(20):
                    number += 1
                    source.sendto(b'\x80\x00' + (number & 0xffff).to_bytes(2, 'big') + (160 * number).to_bytes(4, 'big')
                                  + b'\x00\x00\x00\x09' + bytes(160), ('127.0.0.1', call[3].port))
                stop.wait(0.005)

        sender = threading.Thread(target=send)
        sender.start()
        try:
            item = wait_for('the measured rate', lambda: self.capacity()['packet_rate_limit'] and self.capacity(),
                            PATIENCE_S)
            self.assertGreater(item['packet_rate'], 0)
            self.assertGreater(item['by']['packets']['calls'], 0)
        finally:
            stop.set()
            sender.join()
            source.close()
            sink.close()

    @unittest.skipUnless(shutil.which('nft') and shutil.which('iptables-restore') and netns.are_possible(),
                         'needs nft, iptables-restore and network namespaces')
    def test_rules_can_be_loaded(self):
        self.start('listen six\n udp [::1]:5070\n exit\nlisten all\n tcp 0.0.0.0:5072\n'
                   ' media-address 192.0.2.44\n exit\nSS_RTP_PORT_RANGE = 20000,20999\nIVR_RTP_PORT = 21000,21499\n')
        space, outside = netns.Netns('rules'), netns.Netns('outside')
        for one in (space, outside):
            self.addCleanup(one.delete)
        netns.link(space, 'in0', '192.0.2.44/24', outside, 'out0', '192.0.2.45/24')
        nft = self.switch.do('show', 'capacity', 'firewall')
        self.assertEqual(nft, self.switch.do('show', 'capacity', 'firewall', 'nftables'))
        for rule in (f'ip daddr 127.0.0.1 udp dport {self.switch.port} accept', 'tcp dport 5072 accept',
                     'ip6 daddr ::1 udp dport 5070 accept', 'ip6 daddr ::1 udp dport 20000-20999 accept',
                     'ip daddr 192.0.2.44 udp dport 20000-20999 accept', 'udp dport 21000-21499 accept'):
            self.assertIn(rule, nft)
        space.run('nft', '-c', '-f', '-', text=nft)
        # Loaded twice is loaded once: the chain is made anew.
        space.run('nft', '-f', '-', text=nft)
        before = space.run('nft', 'list', 'ruleset')
        space.run('nft', '-f', '-', text=nft)
        self.assertEqual(space.run('nft', 'list', 'ruleset'), before)
        space.run('nft', 'add chain inet filter input { type filter hook input priority 0; policy drop; }')
        space.run('nft', 'add rule inet filter input jump switchd')
        self.let_through(space, outside)
        space.run('nft', 'flush', 'ruleset')
        for words, address in ((['iptables'], '192.0.2.44/32'), (['ip6tables'], '::1/128')):
            text = self.switch.do('show', 'capacity', 'firewall', *words)
            self.assertIn(f'-d {address} -p udp -m udp --dport 20000:20999', text)
            done = subprocess.run([*space.launcher, f'{words[0]}-restore', '--noflush', '--test'], input=text,
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stderr)
        space.run('iptables-restore', '--noflush', text=self.switch.do('show', 'capacity', 'firewall', 'iptables'))
        space.run('iptables', '-P', 'INPUT', 'DROP')
        space.run('iptables', '-A', 'INPUT', '-j', 'switchd')
        self.let_through(space, outside)
        stop_cleanly(self.switch)

    def let_through(self, space, outside):
        """Packets to the ports of media, and to none beside them."""
        ports = {20000: True, 20999: True, 21000: True, 21499: True, 19999: False, 21500: False}
        sockets = {port: space.udp('192.0.2.44', port) for port in ports}
        source = outside.udp('192.0.2.45')
        try:
            for port in [*sorted(ports), 20000]:
                source.sendto(b'%d' % port, ('192.0.2.44', port))
            for port, passes in ports.items():
                sockets[port].settimeout(PATIENCE_S if passes else 0)
                if passes:
                    self.assertEqual(sockets[port].recv(16), b'%d' % port)
            # The last one sent has come, and with it all that ever will.
            self.assertEqual(sockets[20000].recv(16), b'20000')
            for port in (19999, 21500):
                with self.assertRaises(BlockingIOError):
                    sockets[port].recv(16)
        finally:
            for one in (*sockets.values(), source):
                one.close()


if __name__ == '__main__':
    unittest.main()
