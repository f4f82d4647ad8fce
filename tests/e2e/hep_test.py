#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Copies of messages to a HOMER collector: a collector of this test's own, which reads HEP version 3 by the
document of the protocol, gets every message of a call once, both legs under the call's id."""
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, Message, make_sdp, stop_cleanly
from stream_client import StreamAgent, client_context, make_certificate
from switch import Switch, free_tcp_port, free_udp_port, wait_for

PASSWORD = 'hep-test-password'
SECRET = 'collector-secret'
GUARD_S = 30
NUMBER, ADDRESS, TEXT = 'number', 'address', 'text'
# Chunks of vendor 0: name, how to read it, length of the value.
CHUNKS = {1: ('family', NUMBER, 1), 2: ('protocol', NUMBER, 1), 3: ('from', ADDRESS, 4), 4: ('to', ADDRESS, 4),
          5: ('from', ADDRESS, 16), 6: ('to', ADDRESS, 16), 7: ('from_port', NUMBER, 2), 8: ('to_port', NUMBER, 2),
          9: ('seconds', NUMBER, 4), 10: ('microseconds', NUMBER, 4), 11: ('kind', NUMBER, 1),
          12: ('capture_id', NUMBER, 4), 14: ('password', TEXT, None), 15: ('payload', TEXT, None),
          17: ('correlation', TEXT, None)}
NEEDED = {'family', 'protocol', 'from', 'to', 'from_port', 'to_port', 'seconds', 'microseconds', 'kind', 'capture_id',
          'payload'}


def decode(data):
    """A packet as a dictionary; AssertionError when it is none."""
    assert data[:4] == b'HEP3' and struct.unpack('!H', data[4:6])[0] == len(data), data[:6]
    found, at = {}, 6
    while at < len(data):
        vendor, kind, length = struct.unpack('!HHH', data[at:at + 6])
        value = data[at + 6:at + length]
        assert vendor == 0 and kind in CHUNKS and len(value) == length - 6 >= 1, (vendor, kind, length)
        name, how, size = CHUNKS[kind]
        assert name not in found and size in (None, len(value)), (name, length)
        if how == ADDRESS:
            found[name] = socket.inet_ntop(socket.AF_INET if size == 4 else socket.AF_INET6, value)
        else:
            found[name] = int.from_bytes(value, 'big') if how == NUMBER else value.decode()
        at += length
    assert NEEDED <= set(found), NEEDED - set(found)
    return found


class Collector:
    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.port = free_udp_port()
        self.socket.bind(('127.0.0.1', self.port))
        self.packets = []

    def wait(self, what, predicate):
        """All packets that came until predicate(packets) holds."""
        deadline = time.monotonic() + GUARD_S
        while not predicate(self.packets):
            self.socket.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                data = self.socket.recv(65536)
            except socket.timeout:
                raise AssertionError(f'{what}: not within {GUARD_S} s; {len(self.packets)} packets') from None
            self.packets.append(decode(data))
        return self.packets


class Hep(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-hep-')
        self.addCleanup(scratch.cleanup)
        self.collector = Collector()
        self.addCleanup(self.collector.socket.close)
        self.tls, port = free_tcp_port(), free_udp_port()
        certificate, key = make_certificate(Path(scratch.name))
        self.switch = Switch(scratch.name, f'''
hep
 address 127.0.0.1:{self.collector.port}
 capture-id 2101
 password plain "{SECRET}"
 exit
listen secure
 tls 127.0.0.1:{self.tls}
 certificate {certificate}
 key {key}
 exit
phone 1001
 password plain "{PASSWORD}"
 exit
routing-gateway carrier
 address 127.0.0.1:{port}
 prefixes 8
 exit
''').start()
        self.addCleanup(lambda: stop_cleanly(self.switch))
        self.carrier = Agent(self.switch, 'carrier', port=port)
        self.addCleanup(self.carrier.close)

    def talk(self, caller, number):
        call = caller.invite(number, make_sdp('127.0.0.1', 6000))
        callee = self.carrier.incoming()
        key = self.switch.rows('show', 'calls')[0]['id']
        callee.answer(200, make_sdp('127.0.0.1', 7000))
        callee.wait_request('ACK')
        call.wait(200)
        call.ack()
        call.bye()
        callee.reply(callee.wait_request('BYE'), 200)
        wait_for('the end', lambda: not self.switch.rows('show', 'calls'))
        return key

    def messages(self, key):
        """What the recorder has of the call, once it is whole."""
        return [row for row in self.switch.rows('show', 'trace', 'call', key) if row['message']]

    def compare(self, key, packets, capture_id=2101):
        """Every message of the call, once, as the recorder has it."""
        rows = self.messages(key)
        mine = [packet for packet in packets if packet.get('correlation') == key]
        self.assertEqual([packet['payload'] for packet in mine], [row['message'] for row in rows])
        for packet, row in zip(mine, rows):
            ends = [f'{packet["from"]}:{packet["from_port"]}', f'{packet["to"]}:{packet["to_port"]}']
            self.assertEqual(ends if row['kind'] == 'received' else ends[::-1],
                             [row['peer_address'], row['local_address']])
            self.assertEqual(packet['protocol'], 17 if row['transport'] == 'udp' else 6)
            self.assertEqual((packet['family'], packet['kind'], packet['capture_id']), (2, 1, capture_id))
            self.assertLess(abs(packet['seconds'] + packet['microseconds'] / 1e6 - row['time_us'] / 1e6), 0.1)
            self.assertLess(packet['microseconds'], 1000000)
        return mine

    def last_of(self, key, answers=2):
        """Whether the answers to BYE of both legs are there."""
        return lambda packets: len([packet for packet in packets if packet.get('correlation') == key and
                                    packet['payload'].startswith('SIP/2.0 200') and
                                    Message.parse(packet['payload'].encode()).method == 'BYE']) == answers

    def test_a_call_and_what_is_none(self):
        caller = Agent(self.switch, '1001', PASSWORD)
        self.addCleanup(caller.close)
        caller.register()
        key = self.talk(caller, '8001')
        self.collector.wait('the call', self.last_of(key))
        # Those of another signalling thread may come behind it.
        packets = self.collector.wait('the rest', lambda packets: len(
            [packet for packet in packets if 'correlation' not in packet]) >= 4)
        mine = self.compare(key, packets)
        self.assertEqual({packet['password'] for packet in packets}, {SECRET})
        self.assertEqual(len({Message.parse(packet['payload'].encode()).call_id for packet in mine}), 2)
        # REGISTER has no call; nobody's credentials go along.
        others = [packet for packet in packets if 'correlation' not in packet]
        self.assertEqual([Message.parse(packet['payload'].encode()).method for packet in others], ['REGISTER'] * 4)
        for packet in packets:
            self.assertNotRegex(packet['payload'], r'[ ,]response="[0-9a-f]')
        self.assertEqual(self.item(), {'is_on': True, 'address': f'127.0.0.1:{self.collector.port}', 'capture_id': 2101,
                                       'has_password': True, 'sent': len(packets), 'dropped': 0, 'lost_bytes': 0})
        self.assertNotIn(SECRET, self.switch.do('show', 'running-config'))

    def test_tls_and_settings_that_change(self):
        caller = StreamAgent(self.switch, '1001', PASSWORD, self.tls, 'tls', '127.0.0.1', client_context())
        self.addCleanup(caller.close)
        key = self.talk(caller, '8001')
        self.assertIn(6, {packet['protocol'] for packet in
                          self.compare(key, self.collector.wait('the call', self.last_of(key)))})
        # Off, and to another one: what was said meanwhile stays here.
        self.switch.do('set', 'hep', 'capture-id', '7')
        second = Collector()
        self.addCleanup(second.socket.close)
        self.switch.do('apply', self.write('no hep address\n'))
        wait_for('nothing is sent', lambda: not self.item()['is_on'])
        between = self.talk(caller, '8002')
        self.switch.do('set', 'hep', 'address', f'127.0.0.1:{second.port}')
        wait_for('the other one', lambda: self.item()['is_on'])
        key = self.talk(caller, '8003')
        packets = second.wait('the call', self.last_of(key))
        self.compare(key, packets, 7)
        self.assertEqual([packet for packet in packets if packet.get('correlation') == between], [])

    def write(self, text):
        path = Path(self.switch.folder, 'change.conf')
        path.write_text(f'{text}end\n')
        return str(path)

    def item(self):
        return self.switch.json('show', 'trace', 'hep')['item']

    def test_nobody_listens(self):
        """A collector that is gone is in nobody's way, and gets what comes after it is back."""
        port = self.collector.port
        self.collector.socket.close()
        caller = Agent(self.switch, '1001', PASSWORD)
        self.addCleanup(caller.close)
        caller.register()
        self.talk(caller, '8001')
        wait_for('refusals', lambda: self.item()['dropped'])
        self.assertEqual(self.item()['lost_bytes'], 0)
        back = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(back.close)
        back.bind(('127.0.0.1', port))
        self.collector.socket = back
        key = self.talk(caller, '8002')
        packets = self.collector.wait('the call', self.last_of(key))
        self.compare(key, packets)


if __name__ == '__main__':
    unittest.main()
