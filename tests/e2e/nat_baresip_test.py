#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The main job with real phones: one baresip behind a NAT that forgets after 13 s, one in the open.

    lan (1001) --- nat (masquerade, udp timeout 13 s) --- switch --- open (1002)

1002 calls 1001 after a silence longer than the NAT's memory. With the keepalive the call comes through and
each side hears the other's tone; without it 1001 is lost. What went over the wires is judged by tshark."""
import os
import shutil
import signal
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import netns
from baresip import Baresip, loudest_share
from switch import SKIPPED, Switch, wait_for

SWITCH, NAT_OUTSIDE = '198.51.100.1', '198.51.100.2'
NAT_INSIDE, INSIDE = '192.168.77.1', '192.168.77.10'
SWITCH_OPEN, OPEN = '203.0.113.1', '203.0.113.2'
SIP_PORT = 5060
NAT_MEMORY_S = 13
PERIOD_S = 10
SILENCE_S = NAT_MEMORY_S + 5
RTP_LOW, RTP_HIGH = 30000, 30099
TONES = {'1001': 440, '1002': 1000}
HELLO = 'udp.payload == 48:45:4c:4c:4f'
TOS = '0xa0'

NAT_RULES = '''
table ip translate {
	chain leaving {
		type nat hook postrouting priority srcnat
		oifname "wan" masquerade random
	}
}
table ip shield {
	chain to_router {
		type filter hook input priority 0
		iifname "wan" ct state new drop
	}
	chain to_lan {
		type filter hook forward priority 0
		iifname "wan" ct state new drop
	}
}
'''

CONFIG = f'''
phone 1001
 password plain "inside-password"
 exit
phone 1002
 password plain "open-password"
 exit
SS_MEDIA_PROXY_MODE = auto
SS_RTP_PORT_RANGE = {RTP_LOW},{RTP_HIGH}
SS_SIP_NAT_KEEP_ALIVE_PERIOD = {PERIOD_S}
SS_SIP_TIMEOUT_INVITE = 4
'''


class World:
    """The four namespaces, the switch, the phones and the captures."""

    def __init__(self, folder):
        self.folder = folder
        self.closers = []
        self.switch_ns, self.nat, self.lan, self.open = (self._namespace(role) for role in ('sw', 'nat', 'lan', 'open'))
        netns.link(self.switch_ns, 'wan', f'{SWITCH}/24', self.nat, 'wan', f'{NAT_OUTSIDE}/24')
        netns.link(self.nat, 'lan', f'{NAT_INSIDE}/24', self.lan, 'eth0', f'{INSIDE}/24')
        netns.link(self.switch_ns, 'open', f'{SWITCH_OPEN}/24', self.open, 'eth0', f'{OPEN}/24')
        self.lan.ip('route', 'add', 'default', 'via', NAT_INSIDE)
        self.open.ip('route', 'add', 'default', 'via', SWITCH_OPEN)
        self.nat.sysctl('net.ipv4.ip_forward', 1)
        self.nat.run('nft', '-f', '-', text=NAT_RULES)
        for name in ('nf_conntrack_udp_timeout', 'nf_conntrack_udp_timeout_stream'):
            self.nat.sysctl(f'net.netfilter.{name}', NAT_MEMORY_S)

    def _namespace(self, role):
        made = netns.Netns(role)
        self.closers.append(made.delete)
        return made

    def start(self):
        self.at_switch = netns.Capture(self.switch_ns, self.folder, 'switch', 'wan', 'open')
        self.closers.append(self.at_switch.stop)
        self.at_phone = netns.Capture(self.lan, self.folder, 'phone', 'eth0')
        self.closers.append(self.at_phone.stop)
        self.switch = Switch(self.folder, CONFIG, address=SWITCH, port=SIP_PORT, launcher=self.switch_ns.launcher)
        self.closers.append(lambda: self.switch.process and self.switch.stop(signal.SIGTERM))
        self.switch.start()
        self.inside = self._phone(self.lan, '1001', 'inside-password', INSIDE, answers=True)
        self.outside = self._phone(self.open, '1002', 'open-password', OPEN, answers=False)

    def _phone(self, namespace, user, password, address, answers):
        phone = Baresip(namespace, self.folder, user, password, SWITCH, address, TONES[user], answers)
        self.closers.append(phone.stop)
        wait_for(f'{user} registers', phone.registered, 15)
        return phone

    def nat_remembers(self):
        """Whether the NAT still has an entry for the phone's signalling."""
        table = self.nat.run('cat', '/proc/net/nf_conntrack')
        return any(f'src={INSIDE}' in line and f'dst={SWITCH}' in line and f'dport={SIP_PORT}' in line
                   for line in table.splitlines())

    def call(self):
        """1002 dials 1001. Number of events before, at each side."""
        before = len(self.inside.events), len(self.outside.events)
        self.outside.command('dial', f'sip:1001@{SWITCH}')
        return before

    def close(self):
        for closer in reversed(self.closers):
            try:
                closer()
            except Exception as error:  # the others have to go too
                print(f'while cleaning up: {error}', file=sys.stderr)


class Nat(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-nat-')
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.world = World(cls.scratch.name)
        cls.addClassCleanup(cls.world.close)
        try:
            cls.world.start()
            cls.registrations = cls.world.switch.rows('show', 'registrations')
            cls.with_keepalive(cls.world)
            cls.without_keepalive(cls.world)
        except BaseException:
            if getattr(cls.world, 'switch', None):
                print(cls.world.switch.log()[-4000:], file=sys.stderr)
            raise
        cls.world.at_switch.stop()
        cls.world.at_phone.stop()

    @classmethod
    def with_keepalive(cls, world):
        cls.silent_from = time.time()
        wait_for('the silence is longer than the memory of the NAT',
                 lambda: time.time() - cls.silent_from > SILENCE_S, SILENCE_S + 5)
        cls.remembered = world.nat_remembers()
        cls.keepalive_status = world.switch.json('show', 'nat-keep-alive')
        cls.silent_until = time.time()
        at_inside, at_outside = world.call()
        world.inside.wait('CALL_ESTABLISHED', since=at_inside)
        cls.incoming_while_reached = world.inside.incoming(at_inside)
        world.outside.wait('CALL_ESTABLISHED', since=at_outside)
        for phone in (world.inside, world.outside):
            wait_for(f'{phone.folder.name} hears two seconds', lambda phone=phone: any(
                path.stat().st_size > 2 * 2 * 8000 for path in phone.recordings()), 20)
        cls.calls_up = world.switch.rows('show', 'calls')
        cls.call_detail = world.switch.json('show', 'call', str(cls.calls_up[0]['id']))
        world.outside.command('hangup')
        world.inside.wait('CALL_CLOSED', since=at_inside)
        world.outside.wait('CALL_CLOSED', since=at_outside)
        cls.recordings = {'1001': world.inside.recordings()[0], '1002': world.outside.recordings()[0]}

    @classmethod
    def without_keepalive(cls, world):
        world.switch.set('SS_SIP_NAT_KEEP_ALIVE_MESSAGE', '')
        cls.keepalive_off = time.time()
        wait_for('the NAT forgets the phone', lambda: not world.nat_remembers(), NAT_MEMORY_S + 10)
        cls.still_registered = world.switch.rows('show', 'registrations')
        at_inside, at_outside = world.call()
        cls.refusal = world.outside.wait('CALL_CLOSED', since=at_outside)
        cls.incoming_while_lost = world.inside.incoming(at_inside)

    # --- what was seen ---

    def test_one_phone_is_known_to_be_behind_nat(self):
        texts = {number: [repr(row) for row in self.registrations if number in map(str, row.values())]
                 for number in TONES}
        self.assertEqual([len(rows) for rows in texts.values()], [1, 1])
        self.assertIn(NAT_OUTSIDE, texts['1001'][0])
        nat_columns = [[row[key] for key in row if 'nat' in key] for row in
                       sorted(self.registrations, key=lambda row: '1001' not in map(str, row.values()))]
        self.assertEqual(nat_columns, [[True], [False]])

    def test_with_keepalive_the_phone_is_reached(self):
        self.assertTrue(self.remembered, 'the keepalive holds the entry of the NAT')
        self.assertTrue(self.incoming_while_reached)

    def test_nothing_but_the_keepalive_held_the_entry(self):
        sent = self.world.at_switch.packets(
            f'ip.src == {NAT_OUTSIDE} && udp.dstport == {SIP_PORT}'
            f' && frame.time_epoch > {self.silent_from + 1} && frame.time_epoch < {self.silent_until}', 'frame.number')
        self.assertEqual(sent, [], 'the phone itself was silent')

    def test_each_side_hears_the_tone_of_the_other(self):
        for listener, speaker in (('1001', '1002'), ('1002', '1001')):
            heard = loudest_share(self.recordings[listener], TONES[speaker])
            own = loudest_share(self.recordings[listener], TONES[listener])
            self.assertGreater(heard, 0.9, f'{listener} hears {speaker}')
            self.assertLess(own, 0.1, f'{listener} hears no echo')

    def test_the_call_was_relayed_because_of_nat(self):
        self.assertEqual(len(self.calls_up), 1)
        self.assertIn('behind-nat', repr(self.call_detail['item']))

    def test_without_keepalive_the_phone_is_lost(self):
        self.assertTrue(any('1001' in map(str, row.values()) for row in self.still_registered),
                        'it is the NAT that loses the phone, not the registrar')
        self.assertEqual(self.incoming_while_lost, [])
        self.assertRegex(self.refusal['param'], r'\b(408|480)\b')

    # --- what tshark saw ---

    def hellos(self, capture, condition):
        fields = ('frame.time_epoch', 'ip.src', 'udp.srcport', 'ip.dst', 'udp.dstport', 'ip.dsfield')
        return capture.packets(f'{HELLO} && {condition}', *fields)

    def test_payload_addresses_and_pace_of_the_keepalive(self):
        sent = self.hellos(self.world.at_switch, f'ip.dst == {NAT_OUTSIDE}')
        self.assertGreaterEqual(len(sent), 2)
        contact_port = self.world.at_switch.packets(
            f'ip.src == {NAT_OUTSIDE} && sip.Method == "REGISTER"', 'udp.srcport')[-1][0]
        for _, source, source_port, _, port, tos in sent:
            self.assertEqual((source, source_port, port, tos), (SWITCH, str(SIP_PORT), contact_port, TOS))
        times = [float(packet[0]) for packet in sent]
        for earlier, later in zip(times, times[1:]):
            self.assertAlmostEqual(later - earlier, PERIOD_S, delta=0.7)

    def test_the_keepalive_arrives_at_the_phone(self):
        arrived = self.hellos(self.world.at_phone, f'ip.dst == {INSIDE}')
        self.assertGreaterEqual(len(arrived), 2)
        self.assertEqual({packet[4] for packet in arrived}, {str(SIP_PORT)})

    def test_phones_in_the_open_get_no_keepalive(self):
        self.assertEqual(self.hellos(self.world.at_switch, f'ip.dst == {OPEN}'), [])

    def test_an_empty_message_turns_it_off(self):
        late = self.hellos(self.world.at_switch, f'frame.time_epoch > {self.keepalive_off + 1}')
        self.assertEqual(late, [])

    def test_signalling_carries_its_tos(self):
        marks = self.world.at_switch.packets(f'ip.src == {SWITCH} && udp.srcport == {SIP_PORT}', 'ip.dsfield')
        self.assertGreater(len(marks), 10)
        self.assertEqual({mark[0] for mark in marks}, {TOS})

    def test_media_carries_its_tos_and_stays_in_the_port_range(self):
        for peer in (NAT_OUTSIDE, OPEN):
            packets = self.world.at_switch.packets(
                f'ip.src == {SWITCH} && ip.dst == {peer} && udp && udp.srcport != {SIP_PORT} && !icmp',
                'udp.srcport', 'ip.dsfield')
            self.assertGreater(len(packets), 80, f'media towards {peer}')
            ports = {int(port) for port, _ in packets}
            self.assertEqual(len(ports), 1, 'one port a side')
            self.assertTrue(all(RTP_LOW <= port <= RTP_HIGH for port in ports), ports)
            # The caller is in the open: the even port faces it, the odd one the callee.
            self.assertEqual(ports.pop() % 2, 0 if peer == OPEN else 1)
            self.assertEqual({tos for _, tos in packets}, {TOS})


if __name__ == '__main__':
    if os.geteuid() != 0 or not netns.are_possible():
        print('network namespaces cannot be made here (root is needed)')
        sys.exit(SKIPPED)
    for program in ('baresip', 'tshark', 'nft'):
        if not shutil.which(program):
            print(f'{program} is not installed')
            sys.exit(SKIPPED)
    unittest.main(verbosity=2)
