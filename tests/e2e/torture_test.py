#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The messages of RFC 4475 and the test cases of PROTOS c07-sip, over UDP and TCP, with a healthy call before and
after each batch. They come from a gateway that may call, so that what passes the parser goes on to routing, SDP and
the other side.

Neither is part of the source. They are read where they lie beside the checkout (VOS_TORTURE_DIR, a folder of .dat
files; VOS_PROTOS, the archive of test cases), and the test is skipped where they do not. VOS_PROTOS_STEP takes every
so many cases of the archive: 1 is all of them."""
import os
import re
import select
import socket
import sys
import tarfile
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, Message, make_sdp, stop_cleanly
from stream_client import StreamAgent, connect
from switch import ROOT, SKIPPED, Switch, free_tcp_port, wait_for

DATA = ROOT.parent / 'shared' / 'testdata'
TORTURE = Path(os.environ.get('VOS_TORTURE_DIR') or DATA / 'rfc4475')
PROTOS = Path(os.environ.get('VOS_PROTOS') or DATA / 'protos-c07-sip' / 'testcases.tar.xz')
STEP = int(os.environ.get('VOS_PROTOS_STEP', '7'))
BATCH = 500
CONNECTIONS = 100
QUIET_S = 0.5  # longer than a message of ours is repeated
DATAGRAM_MAX = 65507
SOURCE = '127.44.75.2'
PATIENCE_S = 30


def torture_messages():
    return [(path.name, [path.read_bytes()]) for path in sorted(TORTURE.glob('*.dat'))]


def protos_messages():
    """(name, templates of messages) of each case; a file has each with its length before it."""
    found = []
    with tarfile.open(PROTOS) as archive:
        members = sorted((member for member in archive if member.isfile() and Path(member.name).name.isdigit()),
                         key=lambda member: member.name)
        for member in members[::STEP]:
            data, parts = archive.extractfile(member).read(), []
            while data:
                size, _, rest = data.partition(b' ')
                parts.append(rest[:int(size)])
                data = rest[int(size):]
            found.append((Path(member.name).name, parts))
    return found


class Gateway(threading.Thread):
    """Where calls go: rings and declines whatever comes."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self.port = self.socket.getsockname()[1]
        self.calls = set()
        self.is_stopping = False
        self.start()

    def run(self):
        while not self.is_stopping:
            if not select.select([self.socket], [], [], 0.1)[0]:
                continue
            data, source = self.socket.recvfrom(65536)
            if data[:4] == b'ACK ' or data[:4] == b'SIP/':
                continue
            message = Message.parse(data)
            headers = [(name, value + (';tag=g' if name == 'To' and ';tag=' not in value else ''))
                       for name, value in message.headers if name in ('Via', 'From', 'To', 'Call-ID', 'CSeq')]
            statuses = (200,)
            if data[:7] == b'INVITE ':
                self.calls.add(message.call_id)
                statuses = (180, 486)
            for status in statuses:
                self.socket.sendto(Message(f'SIP/2.0 {status} X', headers).to_bytes(), source)

    def close(self):
        self.is_stopping = True
        self.join()
        self.socket.close()


class Filler:
    """Makes messages of the templates of PROTOS."""

    def __init__(self, transport, port):
        self.transport, self.port, self.count = transport.encode(), str(port).encode(), 0

    def fill(self, template, method, serial):
        address = SOURCE.encode()
        values = {b'From-Address': address, b'From-IP': address, b'Local-Port': self.port,
                  b'From': b'protos@' + address, b'To': b'9100@127.0.0.1', b'Branch-ID': b'%d' % serial,
                  b'Call-ID': b'%d' % serial, b'CSeq': b'1', b'Teardown-Method': method}
        for name, value in values.items():
            template = template.replace(b'<' + name + b'>', value)
        body = template.partition(b'\r\n\r\n')[2]
        return template.replace(b'<Content-Length>', b'%d' % len(body)).replace(b'SIP/2.0/UDP', b'SIP/2.0/' +
                                                                                self.transport)

    def case(self, parts):
        """The INVITE, CANCEL and ACK of it."""
        self.count += 1
        messages = [self.fill(parts[0], b'', self.count)]
        return messages + [self.fill(part, method, self.count) for part in parts[1:] for method in (b'CANCEL', b'ACK')]


class Torture(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-torture-')
        self.addCleanup(scratch.cleanup)
        self.gateway = Gateway()
        self.addCleanup(self.gateway.close)
        self.tcp = free_tcp_port()
        self.switch = Switch(scratch.name, f'''
listen streams
 tcp 127.0.0.1:{self.tcp}
 exit
phone 1001
 password plain "one"
 exit
phone 1002
 password plain "two"
 exit
mapping-gateway strange
 address {SOURCE}
 exit
routing-gateway out
 address 127.0.0.1:{self.gateway.port}
 exit
SS_MEDIA_PROXY_MODE = must-on
SS_SIP_GUARD_RATE = 0
SS_AUTHENTICATION_MAX_RETRY = 0
SS_SIP_RESEND_INTERVAL = 0.5,1
''')
        self.addCleanup(self.end)
        self.switch.start()
        self.agents = [Agent(self.switch, '1001', 'one'), StreamAgent(self.switch, '1002', 'two', self.tcp)]
        for agent in self.agents:
            self.addCleanup(agent.close)
            agent.register()

    def end(self):
        if self.switch.process:
            self.switch.stop()

    def healthy_call(self, what):
        """From UDP to TCP and the other way."""
        try:
            for caller, callee in (self.agents, self.agents[::-1]):
                call = caller.invite(callee.user, make_sdp('127.0.0.1', 40000))
                ring = callee.incoming(PATIENCE_S)
                ring.answer(180)
                call.wait(180, PATIENCE_S)
                ring.answer(200, make_sdp('127.0.0.1', 40002))
                call.wait(200, PATIENCE_S)
                call.ack()
                ring.wait_request('ACK', PATIENCE_S)
                bye = call.send('BYE')
                ring.reply(ring.wait_request('BYE', PATIENCE_S), 200)
                caller.wait_for(lambda m, bye=bye: m.status == 200 and m.cseq == bye.cseq and m.call_id == bye.call_id,
                                PATIENCE_S)
        except AssertionError as error:
            code = self.switch.process.poll()
            raise AssertionError(f'no healthy call {what}: {error}; switchd: {code}\n'
                                 f'{self.switch.log()[-8000:]}') from None

    def send_udp(self, sock, messages):
        for message in messages:
            if len(message) <= DATAGRAM_MAX:
                sock.sendto(message, ('127.0.0.1', self.switch.port))
        while select.select([sock], [], [], 0)[0]:
            self.answers += sock.recv(65536).startswith(b'SIP/2.0 ')

    def udp_is_taken_in(self, sock):
        """An OPTIONS behind what was sent has its answer: nothing waits in the socket of the switch."""
        where = '%s:%d' % sock.getsockname()
        ask = Message('OPTIONS sip:127.0.0.1 SIP/2.0',
                      [('Via', f'SIP/2.0/UDP {where};rport;branch=z9hG4bKalive'), ('Max-Forwards', '70'),
                       ('From', f'<sip:a@{where}>;tag=1'), ('To', '<sip:127.0.0.1>'), ('Call-ID', 'alive'),
                       ('CSeq', '1 OPTIONS')]).to_bytes()

        def is_answered():
            sock.sendto(ask, ('127.0.0.1', self.switch.port))
            while select.select([sock], [], [], 0.05)[0]:
                data = sock.recv(65536)
                self.answers += data.startswith(b'SIP/2.0 ')
                if b'\r\nCall-ID: alive' in data and data.startswith(b'SIP/2.0 200'):
                    return True
            return False
        wait_for('an answer behind a batch', is_answered, PATIENCE_S)

    def over_udp(self, cases, port):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            try:
                sock.bind((SOURCE, port))
            except OSError as error:
                self.skipTest(f'port {port} of {SOURCE}: {error}')
            filler = Filler('UDP', sock.getsockname()[1])
            for start in range(0, len(cases), BATCH):
                for number, (_, parts) in enumerate(cases[start:start + BATCH]):
                    self.send_udp(sock, filler.case(parts))
                    if number % 50 == 49:
                        self.udp_is_taken_in(sock)
                self.udp_is_taken_in(sock)
                self.healthy_call(f'after {cases[min(start + BATCH, len(cases)) - 1][0]} over UDP')

    def over_tcp(self, cases):
        """A connection for each case, so many at a time: what breaks the framing of one is no other's matter."""
        filler = Filler('TCP', 5060)
        for start in range(0, len(cases), BATCH):
            batch = cases[start:start + BATCH]
            for first in range(0, len(batch), CONNECTIONS):
                streams = []
                for _, parts in batch[first:first + CONNECTIONS]:
                    streams.append(connect('127.0.0.1', self.tcp, source=SOURCE).socket)
                    try:
                        for message in filler.case(parts):
                            streams[-1].sendall(message)
                    except OSError:
                        pass  # refused in the middle
                self.read_answers(streams)
            self.healthy_call(f'after {batch[-1][0]} over TCP')

    def read_answers(self, streams):
        """Until the switch has closed them or says nothing more: some messages have no end."""
        live = set(streams)
        while live and (ready := select.select(live, [], [], QUIET_S)[0]):
            for sock in ready:
                try:
                    data = sock.recv(65536)
                except ConnectionError:
                    data = b''
                self.answers += len(re.findall(rb'^SIP/2.0 ', data, re.M))
                if not data:
                    live.discard(sock)
        for sock in streams:
            sock.close()

    def attack(self, what, cases, by):
        self.answers = 0
        self.healthy_call(f'before {what}')
        by(cases)
        print(f'{what}: {len(cases)} cases, {self.answers} answers, {len(self.gateway.calls)} calls at the gateway',
              flush=True)
        self.assertGreater(self.answers, len(cases) // 3)
        self.assertTrue(self.gateway.calls)
        wait_for('no call is left', lambda: not self.switch.rows('show', 'calls'), PATIENCE_S)
        self.assertEqual(self.switch.json('show', 'status')['item']['media_pairs_used'], 0)
        stop_cleanly(self.switch)


@unittest.skipUnless(TORTURE.is_dir(), 'no messages of RFC 4475 here')
class Rfc4475(Torture):
    def test_udp(self):
        # Most name port 5060 without rport; what is answered elsewhere is not counted.
        self.attack('RFC 4475 over UDP', torture_messages(), lambda cases: self.over_udp(cases, 5060))

    def test_tcp(self):
        self.attack('RFC 4475 over TCP', torture_messages(), self.over_tcp)


@unittest.skipUnless(PROTOS.is_file(), 'no test cases of PROTOS here')
class Protos(Torture):
    def test_udp(self):
        self.attack('PROTOS over UDP', protos_messages(), lambda cases: self.over_udp(cases, 0))

    def test_tcp(self):
        self.attack('PROTOS over TCP', protos_messages(), self.over_tcp)


if __name__ == '__main__':
    if not TORTURE.is_dir() and not PROTOS.is_file():
        print('neither the messages of RFC 4475 nor those of PROTOS are here')
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
