#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP over TCP and TLS: registrations and calls over connections of IPv4 and IPv6, what happens when one is
lost, and that nobody who sends half a message, garbage, or reads nothing is in anybody's way."""
import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, Message, make_sdp, stop_cleanly
from stream_client import StreamAgent, client_context, connect, make_certificate
from switch import BUILD, SKIPPED, Switch, free_tcp_port, wait_for

PASSWORD = 'stream-password'
PHONES = ('1001', '1002', '1003', '1004')
MESSAGE_TIMEOUT_S = 2


def sdp(port=40000):
    return make_sdp('127.0.0.1', port)


class StreamSwitch(Switch):
    """One with TCP and TLS on both families beside UDP."""

    def __init__(self, folder, config='', **more):
        self.tcp, self.tls = free_tcp_port(), free_tcp_port()
        self.tcp6, self.tls6 = free_tcp_port('::1'), free_tcp_port('::1')
        self.certificate, self.key = make_certificate(Path(folder))
        tls = f' certificate {self.certificate}\n key {self.key}\n'
        lines = [f'listen four\n tcp 127.0.0.1:{self.tcp}\n tls 127.0.0.1:{self.tls}\n{tls} exit',
                 f'listen six\n tcp [::1]:{self.tcp6}\n tls [::1]:{self.tls6}\n{tls} exit',
                 *(f'phone {number}\n password plain "{PASSWORD}"\n exit' for number in PHONES),
                 f'SS_SIP_STREAM_MESSAGE_TIMEOUT = {MESSAGE_TIMEOUT_S}',
                 'SS_SIP_STREAM_CONNECTIONS_PER_SOURCE = 0', 'SS_SIP_GUARD_RATE = 0', 'SS_MEDIA_PROXY_MODE = off',
                 'SS_SIP_AUTHENTICATION_REALM = stream.test', config]
        super().__init__(folder, '\n'.join(lines), **more)

    def port_of(self, transport, address):
        return getattr(self, transport + ('6' if ':' in address else ''))

    def agent(self, user, transport='tcp', address='127.0.0.1', **more):
        context = client_context() if transport == 'tls' else None
        return StreamAgent(self, user, PASSWORD, self.port_of(transport, address), transport, address, context,
                           **more)

    def connections(self, agent=None):
        rows = self.rows('show', 'sip', 'connections')
        if agent is None:
            return rows
        host, port = agent.main.socket.getsockname()[:2]
        mine = f'[{host}]:{port}' if ':' in host else f'{host}:{port}'
        return [row for row in rows if row['remote_address'] == mine]

    def transport(self, transport, address='127.0.0.1'):
        host = f'[{address}]' if ':' in address else address
        return next(row for row in self.rows('show', 'sip', 'transports')
                    if row['transport'] == transport and row['local_address'] ==
                    f'{host}:{self.port_of(transport, address)}')

    def is_well(self):
        """Answers over TCP as ever."""
        with self.agent('1004') as probe:
            return probe.options().status == 200


class Case(unittest.TestCase):
    config = ''

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-stream-')
        cls.folder = Path(cls.scratch.name)
        cls.switch = StreamSwitch(cls.scratch.name, cls.config).start()

    @classmethod
    def tearDownClass(cls):
        stop_cleanly(cls.switch)
        cls.scratch.cleanup()

    def setUp(self):
        self.agents = []

    def tearDown(self):
        for agent in self.agents:
            agent.close()
        if self.switch.process:
            self.switch.do('-y', 'clear', 'registration', 'all')

    def agent(self, *arguments, **named):
        agent = self.switch.agent(*arguments, **named)
        self.agents.append(agent)
        return agent

    def udp_agent(self, user):
        agent = Agent(self.switch, user, PASSWORD)
        self.agents.append(agent)
        return agent


class Registration(Case):
    def test_every_transport_and_family(self):
        for transport in ('tcp', 'tls'):
            for address in ('127.0.0.1', '::1'):
                with self.subTest(transport=transport, address=address):
                    phone = self.agent('1001', transport, address)
                    contact = phone.register().get('Contact')
                    self.assertIn(f'transport={transport}', contact)
                    row, = self.switch.rows('show', 'registrations', 'phone', '1001')
                    # It comes from a port of its own, and that is no NAT.
                    self.assertFalse(row['is_nat'])
                    self.assertEqual(row['source_address'].rpartition(':')[2],
                                     str(phone.main.socket.getsockname()[1]))
                    connection, = self.switch.connections(phone)
                    self.assertEqual(connection['transport'], transport)
                    self.assertTrue(connection['is_registered'])
                    self.assertEqual(connection['rx_messages'], 2)
                    if transport == 'tls':
                        self.assertEqual(connection['tls_version'], phone.main.socket.version())
                        self.assertEqual(connection['tls_cipher'], phone.main.socket.cipher()[0])
                    phone.register(expires=0)
                    self.assertFalse(self.switch.connections(phone)[0]['is_registered'])
                    self.switch.do('-y', 'clear', 'registration', 'all')

    def test_answers_name_the_transport_of_the_request(self):
        phone = self.agent('1001', 'tls')
        response = phone.options()
        self.assertTrue(response.get('Via').startswith('SIP/2.0/TLS '))

    def test_keepalives_over_a_nat_are_for_udp(self):
        # Contact names another address than the connection comes from.
        phone = self.agent('1001')
        phone.register(contact=f'<sip:1001@192.0.2.7:{phone.port};transport=tcp>')
        row, = self.switch.rows('show', 'registrations', 'phone', '1001')
        self.assertTrue(row['is_nat'])
        self.assertEqual(self.switch.json('show', 'nat-keep-alive')['item']['devices'], 0)

    def test_totals_of_a_listen_address(self):
        before = self.switch.transport('tls')
        phone = self.agent('1001', 'tls')
        phone.register()
        after = self.switch.transport('tls')
        self.assertEqual(after['rx_messages'] - before['rx_messages'], 2)
        self.assertEqual(after['tx_messages'] - before['tx_messages'], 2)
        self.assertEqual(after['accepted'] - before['accepted'], 1)
        self.assertGreater(after['rx_bytes'], before['rx_bytes'])
        self.assertGreater(after['tx_bytes'], before['tx_bytes'])
        udp = next(row for row in self.switch.rows('show', 'sip', 'transports') if row['transport'] == 'udp')
        self.assertIsNone(udp['connections'])
        self.udp_agent('1002').options()
        now = next(row for row in self.switch.rows('show', 'sip', 'transports') if row['transport'] == 'udp')
        self.assertGreaterEqual(now['rx_messages'], udp['rx_messages'] + 1)
        self.assertGreaterEqual(now['tx_messages'], udp['tx_messages'] + 1)

    def test_connections_of_an_address(self):
        four, six = self.agent('1001'), self.agent('1002', address='::1')
        four.options()
        six.options()
        rows = self.switch.rows('show', 'sip', 'connections', 'address', '::1')
        self.assertTrue(rows)
        self.assertTrue(all(row['remote_address'].startswith('[::1]:') for row in rows))


class Calls(Case):
    def talk(self, caller, callee, number, hangs_up):
        """A whole call; how many connections are opened for it does not change."""
        before = len(self.switch.connections())
        call = caller.invite(number, sdp=sdp(40000))
        ring = callee.incoming()
        ring.answer(180)
        call.wait(180)
        ring.answer(200, sdp=sdp(40002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        self.assertEqual(len(self.switch.rows('show', 'calls')), 1)
        if hangs_up is caller:
            hanging = call.send('BYE')
            ring.reply(ring.wait_request('BYE'), 200)
        else:
            hanging = ring.send('BYE')
            call.reply(call.wait_request('BYE'), 200)
        self.assertEqual(hangs_up.wait_status(hanging).status, 200)
        wait_for('the call is gone', lambda: not self.switch.rows('show', 'calls'))
        self.assertEqual(len(self.switch.connections()), before)
        return ring.invite_request

    def test_udp_calls_tcp_and_back(self):
        caller, callee = self.udp_agent('1001'), self.agent('1002')
        caller.register()
        callee.register()
        invite = self.talk(caller, callee, '1002', caller)
        # It came by the connection that the phone keeps, and says so.
        self.assertIs(invite.source, callee.main)
        self.assertTrue(invite.get('Via').startswith(f'SIP/2.0/TCP 127.0.0.1:{self.switch.tcp};'))
        self.assertIn(f'@127.0.0.1:{self.switch.tcp};transport=tcp>', invite.get('Contact'))
        self.assertIn(';transport=tcp', invite.uri)
        self.talk(caller, callee, '1002', callee)
        self.talk(callee, caller, '1001', caller)

    def test_tls_calls_tcp_of_the_other_family(self):
        caller, callee = self.agent('1001', 'tls'), self.agent('1002', 'tcp', '::1')
        caller.register()
        callee.register()
        invite = self.talk(caller, callee, '1002', callee)
        self.assertIs(invite.source, callee.main)
        invite = self.talk(callee, caller, '1001', callee)
        self.assertTrue(invite.get('Via').startswith(f'SIP/2.0/TLS 127.0.0.1:{self.switch.tls};'))
        self.assertIn(f'@127.0.0.1:{self.switch.tls};transport=tls>', invite.get('Contact'))

    def test_sips_stays_sips(self):
        caller, callee = self.agent('1001', 'tls'), self.agent('1002', 'tls')
        caller.register()
        callee.register(contact=f'<sips:1002@127.0.0.1:{callee.port}>')
        caller.invite('1002', sdp=sdp())
        invite = callee.incoming().invite_request
        self.assertTrue(invite.uri.startswith('sips:'))
        # RFC 3261 8.1.1.8
        self.assertTrue(invite.get('Contact').startswith(f'<sips:1001@127.0.0.1:{self.switch.tls}>'))

    def test_several_messages_in_one_write(self):
        phone = self.agent('1001')
        requests = [phone.request('OPTIONS', 'sip:127.0.0.1') for _ in range(20)]
        phone.send_raw(b'\r\n'.join(request.to_bytes() for request in requests))
        for request in requests:
            self.assertEqual(phone.wait_status(request).status, 200)

    def test_byte_by_byte(self):
        phone = self.agent('1001', 'tls')
        request = phone.request('OPTIONS', 'sip:127.0.0.1', body=sdp())
        for byte in request.to_bytes():
            phone.send_raw(bytes([byte]))
        self.assertEqual(phone.wait_status(request).status, 200)

    def test_a_call_without_its_connection(self):
        """The caller's connection is reset in the call: the call goes on, and a new one is opened for it."""
        caller, callee = self.agent('1001'), self.udp_agent('1002')
        callee.register()
        call = caller.invite('1002', sdp=sdp(40000))
        ring = callee.incoming()
        ring.answer(200, sdp=sdp(40002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        caller.main.reset()
        caller.streams.remove(caller.main)
        wait_for('the connection is gone', lambda: not self.switch.connections())
        self.assertEqual(len(self.switch.rows('show', 'calls')), 1)
        hanging = ring.send('BYE')
        self.assertEqual(callee.wait_status(hanging).status, 200)
        bye = call.wait_request('BYE')  # at the port that Contact names
        call.reply(bye, 200)
        wait_for('the call is gone', lambda: not self.switch.rows('show', 'calls'))

    def test_a_call_whose_phone_is_gone_for_good(self):
        caller, callee = self.agent('1001'), self.udp_agent('1002')
        callee.register()
        call = caller.invite('1002', sdp=sdp(40000))
        ring = callee.incoming()
        ring.answer(200, sdp=sdp(40002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        caller.close()
        self.assertEqual(callee.wait_status(ring.send('BYE')).status, 200)
        wait_for('the call is gone', lambda: not self.switch.rows('show', 'calls'))

    def test_calls_to_a_lost_connection_fail_at_once(self):
        caller, callee = self.udp_agent('1001'), self.agent('1002')
        callee.register()
        callee.close()
        wait_for('the connection is gone', lambda: not self.switch.connections())
        started = time.monotonic()
        call = caller.invite('1002', sdp=sdp())
        response = call.wait(lambda m: m.status >= 300)
        self.assertEqual(response.status, 503)
        self.assertLess(time.monotonic() - started, 5)  # INVITE would be given up after 10 s
        call.ack(response)

    def test_a_connection_that_breaks_while_the_invite_waits(self):
        caller, callee = self.udp_agent('1001'), self.agent('1002')
        callee.register()
        call = caller.invite('1002', sdp=sdp())
        callee.incoming()
        callee.close()
        response = call.wait(lambda m: m.status >= 300)
        self.assertEqual(response.status, 503)
        call.ack(response)

    def test_an_answer_finds_its_way_without_the_connection(self):
        """RFC 3261 18.2.2: to the port of sent-by."""
        caller, callee = self.agent('1001'), self.udp_agent('1002')
        callee.register()
        call = caller.invite('1002', sdp=sdp())
        ring = callee.incoming()
        ring.answer(180)
        call.wait(180)
        caller.main.close()
        caller.streams.remove(caller.main)
        wait_for('the connection is gone', lambda: not self.switch.connections())
        ring.answer(486)
        response = call.wait(486)
        self.assertIsNot(response.source, caller.main)
        caller.main = response.source
        call.ack(response)


class Gateways(Case):
    @classmethod
    def setUpClass(cls):
        cls.gateways = {'tcp': free_tcp_port(), 'tls': free_tcp_port()}
        cls.config = '\n'.join(
            [f'routing-gateway {name}\n address 127.0.0.1:{port}\n transport {name}\n prefixes {prefix}\n exit'
             for (name, port), prefix in zip(cls.gateways.items(), '78')] +
            ['mapping-gateway in\n address 127.0.0.1\n exit'])
        super().setUpClass()

    def gateway(self, transport):
        """A gateway that only listens."""
        context = None
        if transport == 'tls':
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.switch.certificate, self.switch.key)
        gateway = self.agent('gw', 'tcp', listen_context=context)
        gateway.transport = transport
        gateway.main.close()
        gateway.streams.clear()
        gateway.listener.close()
        gateway.listener = socket.create_server(('127.0.0.1', self.gateways[transport]))
        gateway.port = self.gateways[transport]
        return gateway

    def test_calls_go_out_by_the_transport_of_the_gateway(self):
        for transport, number in (('tcp', '7001'), ('tls', '8001')):
            with self.subTest(transport=transport):
                caller, gateway = self.udp_agent('1001'), self.gateway(transport)
                for _ in range(2):  # the second one by the same connection
                    call = caller.invite(number, sdp=sdp(), expect_challenge=False)
                    ring = gateway.incoming()
                    invite = ring.invite_request
                    self.assertEqual(
                        invite.uri, f'sip:{number}@127.0.0.1:{self.gateways[transport]};transport={transport}')
                    self.assertTrue(invite.get('Via').startswith(f'SIP/2.0/{transport.upper()} '))
                    ring.answer(200, sdp=sdp(40002))
                    call.wait(200)
                    call.ack()
                    ring.wait_request('ACK')
                    call.send('BYE')
                    ring.reply(ring.wait_request('BYE'), 200)
                    wait_for('the call is gone', lambda: not self.switch.rows('show', 'calls'))
                self.assertEqual(len(gateway.streams), 1)
                self.assertEqual([row['is_outgoing'] for row in self.switch.connections()
                                  if row['transport'] == transport], [True])
                gateway.close()
                caller.close()

    def test_a_gateway_must_be_who_the_authority_says(self):
        stranger = make_certificate(self.folder, name='stranger')
        self.switch.do('set', 'listen', 'four', 'ca', str(stranger[0]))
        self.switch.do('set', 'listen', 'four', 'verify-peer', 'on')
        self.addCleanup(self.switch.do, 'set', 'listen', 'four', 'verify-peer', 'off')
        caller, gateway = self.udp_agent('1001'), self.gateway('tls')
        # The handshake of the gateway's end fails with the switch's.
        accepting = threading.Thread(target=self.assertRaises, args=(OSError, gateway._accept))
        accepting.start()
        call = caller.invite('8001', sdp=sdp(), expect_challenge=False)
        self.assertEqual(call.wait(lambda m: m.status >= 300).status, 503)
        accepting.join()
        self.switch.do('set', 'listen', 'four', 'ca', str(self.switch.certificate))
        call = caller.invite('8001', sdp=sdp(), expect_challenge=False)
        self.assertIn('sip:8001@', gateway.incoming().invite_request.uri)
        call.cancel()

    def test_a_gateway_that_refuses_connections(self):
        caller = self.udp_agent('1001')
        started = time.monotonic()
        call = caller.invite('7001', sdp=sdp(), expect_challenge=False)
        self.assertEqual(call.wait(lambda m: m.status >= 300).status, 503)
        self.assertLess(time.monotonic() - started, 5)

    def test_a_source_is_known_whatever_the_transport(self):
        caller, gateway = self.agent('4711', 'tls'), self.gateway('tcp')
        caller.invite('7001', sdp=sdp(), expect_challenge=False)
        self.assertIn('sip:4711@', gateway.incoming().invite_request.get('From'))


class Strangers(Case):
    """Peers that mean no good, or cannot do better."""

    def test_ping_and_pong(self):
        phone = self.agent('1001', 'tls')
        for ping in (b'\r\n\r\n', b'\r\n', b'\r', b'\n'):
            phone.send_raw(ping)
        self.assertEqual(phone.wait_junk()[0], b'\r\n')
        self.assertEqual(phone.wait_junk()[0], b'\r\n')  # of the two halves
        phone.register()
        phone.send_raw(b'\r\n\r\n')
        self.assertEqual(phone.wait_junk()[0], b'\r\n')

    def test_a_message_without_length_is_refused_and_ends_the_connection(self):
        phone = self.agent('1001')
        request = phone.request('OPTIONS', 'sip:127.0.0.1')
        head = request.to_bytes().replace(b'Content-Length: 0\r\n', b'')
        phone.send_raw(head + phone.request('OPTIONS', 'sip:127.0.0.1').to_bytes())
        answers = phone.main.wait_end()
        self.assertEqual([Message.parse(data).first_line for data in answers],
                         ['SIP/2.0 400 Missing Content-Length'])

    def test_what_is_too_long_gets_513(self):
        for body, header in ((20000, ''), (0, 'x' * 17000)):
            phone = self.agent('1001')
            request = phone.request('OPTIONS', 'sip:127.0.0.1', [('Subject', header or 'y')], body=b'z' * body)
            try:
                phone.send_raw(request.to_bytes())
            except ConnectionError:
                pass
            answers = phone.main.wait_end()
            self.assertEqual([Message.parse(data).status for data in answers], [513])
        self.assertTrue(self.switch.is_well())

    def test_garbage(self):
        pieces = [b'\x00' * 100, b'\xff', b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', b'\r\n\r\n\x16\x03\x01',
                  b'SIP/2.0 200 OK\r\nVia: x\r\n\r\n', secrets.token_bytes(5000),
                  b'INVITE\r\nContent-Length: nine\r\n\r\n', b'x: y\r\nContent-Length: -4\r\n\r\n']
        for transport in ('tcp', 'tls'):
            for piece in pieces:
                with self.subTest(transport=transport, piece=piece[:30]):
                    with connect('127.0.0.1', self.switch.port_of(transport, ''),
                                 client_context() if transport == 'tls' else None) as stream:
                        try:
                            stream.send(piece)
                        except ConnectionError:
                            continue
                        for answer in stream.wait_end():
                            self.assertEqual(answer, b'\r\n')
        self.assertTrue(self.switch.is_well())

    def test_tls_port_without_tls(self):
        with connect('127.0.0.1', self.switch.tls) as stream:
            stream.send(b'OPTIONS sip:a SIP/2.0\r\nContent-Length: 0\r\n\r\n')
            stream.wait_end()
        errors = self.switch.transport('tls')['errors']
        self.assertGreater(errors, 0)

    def test_malformed_messages_are_answered_as_over_udp(self):
        """What the gate refuses, it refuses here too, and the next message is read all the same."""
        good = ['OPTIONS sip:127.0.0.1 SIP/2.0', 'Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{n}',
                'From: <sip:a@b>;tag=1', 'To: <sip:a@b>', 'Call-ID: c{n}', 'CSeq: 1 OPTIONS', 'Max-Forwards: 70']
        bad = [(0, 'OPTIONS  sip:127.0.0.1 SIP/2.0', 400), (0, 'OPTIONS sip:127.0.0.1 SIP/7.0', 505),
               (2, 'From: <sip:a@b>;tag=1;tag=2', 400), (4, 'Call-ID: a b', 400), (5, 'CSeq: 1 INVITE', 400),
               (5, 'CSeq: x OPTIONS', 400), (6, 'Max-Forwards: 300', 400), (6, 'broken', 400),
               (3, 'To: <sip:a@b>\r\nTo: <sip:a@b>', 400), (6, 'X: a\x00b', 400), (0, 'NEW sip:127.0.0.1 SIP/2.0', 400)]
        phone = self.agent('1001')
        for number, (at, line, status) in enumerate(bad):
            lines = [part.format(n=number) for part in good]
            lines[at] = line
            phone.send_raw(('\r\n'.join([*lines, 'Content-Length: 3']) + '\r\n\r\nabc').encode())
            answer = phone.wait_for(lambda m: m.status is not None, what=f'answer to {line!r}')
            self.assertEqual((answer.status, line), (status, line))
        self.assertEqual(phone.options().status, 200)

    def test_who_begins_and_does_not_go_on(self):
        """Slow handshakes, first messages, and rests of messages end with the connection."""
        half = b'OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bK1\r\n'
        waiting = [connect('127.0.0.1', self.switch.tcp), connect('127.0.0.1', self.switch.tls),
                   connect('127.0.0.1', self.switch.tcp), connect('127.0.0.1', self.switch.tls)]
        waiting[2].send(half)
        waiting[3].send(b'\x16\x03\x01')
        # One that has been heard of before has no more time for the rest of a message.
        phone = self.agent('1001')
        phone.options()
        phone.send_raw(half)
        for stream in [*waiting, phone.main]:
            self.assertEqual(stream.wait_end(MESSAGE_TIMEOUT_S + 10), [])
            stream.close()
        # And one that trickles on is no better.
        with connect('127.0.0.1', self.switch.tcp) as slow:
            deadline = time.monotonic() + MESSAGE_TIMEOUT_S + 10
            slow.send(half)
            while not slow.is_ended and time.monotonic() < deadline:
                try:
                    slow.send(b'X: y\r\n')
                except ConnectionError:
                    break
                slow.read(0.1)
            else:
                self.assertTrue(slow.is_ended)

    def test_a_peer_that_reads_nothing(self):
        phone = self.agent('1001')
        phone.main.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        requests = b''.join(phone.request('OPTIONS', 'sip:127.0.0.1').to_bytes() for _ in range(200))
        phone.main.socket.settimeout(20)  # without any progress
        with self.assertRaises((ConnectionError, socket.timeout)) as raised:
            while True:
                rest = memoryview(requests)
                while rest:
                    rest = rest[phone.main.socket.send(rest):]
                self.assertTrue(self.switch.is_well())  # nobody else waits
        self.assertNotIsInstance(raised.exception, socket.timeout)
        wait_for('its connection is gone', lambda: not self.switch.connections(phone))
        self.assertTrue(self.switch.is_well())

    def test_many_idle_connections(self):
        count = 2000
        idle = []
        before = resident_bytes(self.switch)
        try:
            for _ in range(count):
                stream = connect('127.0.0.1', self.switch.tcp)
                stream.send(b'\r\n\r\n')  # heard of, so not waited for
                idle.append(stream)
            for stream in idle:
                self.assertEqual(stream.read(20), b'\r\n')
            self.assertGreaterEqual(self.switch.transport('tcp')['connections'], count)
            each = (resident_bytes(self.switch) - before) / count
            print(f'{each:.0f} bytes of the process for an idle TCP connection', file=sys.stderr)
            if not is_sanitized():
                self.assertLess(each, 2048)
            phone = self.agent('1001', 'tls')
            phone.register()
            self.assertTrue(self.switch.is_well())
        finally:
            for stream in idle:
                stream.close()
        wait_for('they are gone', lambda: self.switch.transport('tcp')['connections'] == 0, 20)

    def test_resets_in_the_middle(self):
        for piece in (b'', b'\r', b'OPTIONS sip:127.0.0.1 SIP/2.0\r\n', b'\x16\x03\x01\x02\x00'):
            for transport in ('tcp', 'tls'):
                stream = connect('127.0.0.1', self.switch.port_of(transport, ''))
                stream.send(piece)
                stream.reset()
        self.assertTrue(self.switch.is_well())


def is_sanitized():
    return b'__asan_init' in (BUILD / 'switchd').read_bytes() or b'__tsan_init' in (BUILD / 'switchd').read_bytes()


def resident_bytes(switch):
    with open(f'/proc/{switch.process.pid}/smaps_rollup') as rollup:
        return next(int(line.split()[1]) for line in rollup if line.startswith('Pss_Anon:')) * 1024


class Limits(Case):
    def restore(self, *names):
        for name in names:
            self.switch.do('set', 'default', name)

    def test_connections_of_a_source(self):
        self.switch.set('SS_SIP_STREAM_CONNECTIONS_PER_SOURCE', '2')
        self.addCleanup(self.switch.set, 'SS_SIP_STREAM_CONNECTIONS_PER_SOURCE', '0')
        refused = self.switch.transport('tcp')['refused']
        streams = [connect('127.0.0.1', self.switch.tcp) for _ in range(3)]
        streams[2].wait_end()
        for stream in streams[:2]:
            stream.send(b'\r\n\r\n')
            self.assertEqual(stream.read(), b'\r\n')
        self.assertEqual(self.switch.transport('tcp')['refused'], refused + 1)
        with connect('::1', self.switch.tcp6) as other:  # another source
            other.send(b'\r\n\r\n')
            self.assertEqual(other.read(), b'\r\n')
        streams[0].close()
        wait_for('there is room again', lambda: self.switch.transport('tcp')['connections'] == 1)
        with connect('127.0.0.1', self.switch.tcp) as again:
            again.send(b'\r\n\r\n')
            self.assertEqual(again.read(), b'\r\n')
        for stream in streams:
            stream.close()

    def test_connections_in_all(self):
        self.switch.set('SS_SIP_STREAM_CONNECTIONS_MAX', '2')
        self.addCleanup(self.restore, 'SS_SIP_STREAM_CONNECTIONS_MAX')
        streams = [connect('127.0.0.1', self.switch.tcp), connect('::1', self.switch.tcp6)]
        for stream in streams:
            stream.send(b'\r\n\r\n')
            self.assertEqual(stream.read(), b'\r\n')
        with connect('127.0.0.1', self.switch.tls) as third:
            third.wait_end()
        for stream in streams:
            stream.send(b'\r\n\r\n')
            self.assertEqual(stream.read(), b'\r\n')
            stream.close()
        self.assertIn('SS_SIP_STREAM_CONNECTIONS_MAX', self.switch.log())

    def test_who_says_nothing_gives_way(self):
        self.switch.set('SS_SIP_STREAM_CONNECTIONS_MAX', '3')
        self.addCleanup(self.restore, 'SS_SIP_STREAM_CONNECTIONS_MAX')
        known = connect('127.0.0.1', self.switch.tcp)
        known.send(b'\r\n\r\n')
        self.assertEqual(known.read(), b'\r\n')
        silent = []
        for _ in range(6):
            silent.append(connect('127.0.0.1', self.switch.tls if len(silent) % 2 else self.switch.tcp))
            port = silent[-1].socket.getsockname()[1]
            wait_for('it is in', lambda: any(row['remote_address'] == f'127.0.0.1:{port}'
                                             for row in self.switch.connections()))
        for stream in silent[:4]:
            stream.wait_end()
        self.assertEqual(len(self.switch.connections()), 3)
        agent = self.agent('1001')
        agent.register()
        for stream in (known, silent[5]):
            if stream is known:
                stream.send(b'\r\n\r\n')
                self.assertEqual(stream.read(), b'\r\n')
            stream.close()
        silent[4].wait_end()
        for stream in silent[:5]:
            stream.close()

    def test_silence(self):
        self.switch.set('SS_SIP_STREAM_IDLE_TIMEOUT', '1')
        self.addCleanup(self.restore, 'SS_SIP_STREAM_IDLE_TIMEOUT')
        registered, pinging, silent = self.agent('1001'), self.agent('1002'), self.agent('1003')
        registered.register()
        silent.options()
        pinging.options()

        def ping():
            while not silent.main.is_ended:
                pinging.send_raw(b'\r\n\r\n')
                time.sleep(0.2)

        thread = threading.Thread(target=ping)
        thread.start()
        silent.main.wait_end()
        thread.join()
        self.assertEqual(len(self.switch.connections(registered)), 1)
        self.assertEqual(len(self.switch.connections(pinging)), 1)

    def test_a_suspended_source_is_not_let_in(self):
        self.switch.set('SS_AUTHENTICATION_MAX_RETRY', '2')
        self.addCleanup(self.restore, 'SS_AUTHENTICATION_MAX_RETRY')
        phone = self.agent('1001', address='::1')
        phone.password = 'wrong'
        for _ in range(6):
            request = phone.request('REGISTER', 'sip:[::1]', [('Contact', phone.contact)], to='<sip:1001@[::1]>')
            response = phone.wait_status(phone.send(request))
            if response.status != 401:
                break
            phone.wait_status(phone.send(phone.authorize(request, response)))
        self.assertTrue(self.switch.rows('show', 'authentication', 'suspended'))
        refused = self.switch.transport('tcp', '::1')['refused']
        with connect('::1', self.switch.tcp6) as stream:
            stream.wait_end()
        self.assertEqual(self.switch.transport('tcp', '::1')['refused'], refused + 1)
        # What was up stays: who is suspended may still hear that he is.
        self.assertFalse(phone.main.is_ended)
        self.switch.do('-y', 'clear', 'authentication', 'suspended', 'all')


class Certificates(Case):
    def serial(self):
        with connect('127.0.0.1', self.switch.tls, client_context()) as stream:
            return ssl.DER_cert_to_PEM_cert(stream.socket.getpeercert(True))

    def alarms(self):
        return [row for row in self.switch.rows('show', 'alarms') if row['kind'] == 'certificate']

    def renew(self, days=30):
        make_certificate(self.folder, days=days)

    def test_reload_with_a_call_up(self):
        caller, callee = self.agent('1001', 'tls'), self.udp_agent('1002')
        callee.register()
        call = caller.invite('1002', sdp=sdp())
        ring = callee.incoming()
        ring.answer(200, sdp=sdp(40002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        before = self.serial()
        self.renew()
        self.assertEqual(self.serial(), before)
        self.assertIn('read again', self.switch.do('certificates', 'reload'))
        wait_for('the new one is shown', lambda: self.serial() != before)
        # A bad file changes nothing, says so, and is an alarm until it is mended.
        good = self.switch.key.read_text()
        shown = self.serial()
        make_certificate(self.folder, name='other')
        self.switch.key.write_text((self.folder / 'other.key').read_text())
        failed = self.switch.ctl('certificates', 'reload')
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn(str(self.switch.key), failed.stderr)
        self.assertIn('stay in force', failed.stderr)
        wait_for('an alarm', self.alarms)
        self.assertEqual(self.serial(), shown)
        self.switch.key.write_text(good)
        self.switch.process.send_signal(signal.SIGHUP)
        wait_for('the alarm ends', lambda: not self.alarms())
        # The call never noticed.
        call.send('BYE')
        ring.reply(ring.wait_request('BYE'), 200)
        self.assertEqual(caller.wait_for(lambda m: m.method == 'BYE' and m.status).status, 200)

    def test_one_that_expires_soon(self):
        self.renew(days=13)
        self.switch.do('certificates', 'reload')
        rows = wait_for('an alarm', self.alarms)
        self.assertIn('expires at', rows[0]['text'])
        self.renew(days=16)
        self.switch.do('certificates', 'reload')
        wait_for('the alarm ends', lambda: not self.alarms())

    def test_old_versions_are_refused(self):
        context = client_context()
        context.set_ciphers('ALL:@SECLEVEL=0')
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            connect('127.0.0.1', self.switch.tls, context)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        with connect('127.0.0.1', self.switch.tls, context) as stream:
            self.assertEqual(stream.socket.version(), 'TLSv1.2')

    def test_peers_that_must_show_a_certificate(self):
        authority = make_certificate(self.folder, name='authority')
        known = make_certificate(self.folder, name='known', issuer=authority)
        stranger = make_certificate(self.folder, name='stranger')
        self.switch.do('set', 'listen', 'four', 'ca', str(authority[0]))
        self.switch.do('set', 'listen', 'four', 'verify-peer', 'on')
        self.addCleanup(self.switch.do, 'set', 'listen', 'four', 'verify-peer', 'off')
        for certificate, is_let_in in ((known, True), (stranger, False), (None, False)):
            with self.subTest(certificate=certificate):
                try:
                    with connect('127.0.0.1', self.switch.tls, client_context(certificate=certificate)) as stream:
                        stream.send(b'\r\n\r\n')
                        answer = stream.read()
                except (ssl.SSLError, ConnectionError):
                    answer = None
                self.assertEqual(answer, b'\r\n' if is_let_in else None)

    def test_commits_that_cannot_work(self):
        def refuse(text, *lines):
            path = self.folder / 'bad.conf'
            path.write_text('listen more\n' + '\n'.join(f' {line}' for line in lines) + '\n exit\nend\n')
            done = self.switch.ctl('apply', str(path))
            self.assertNotEqual(done.returncode, 0, lines)
            self.assertIn(text, done.stderr + done.stdout)

        tls = f'tls 127.0.0.1:{free_tcp_port()}'
        refuse('needs a certificate and a key', tls)
        refuse('set listen more key', tls, f'certificate {self.switch.certificate}')
        refuse('No such file', tls, 'certificate /nonexistent.pem', f'key {self.switch.key}')
        refuse(str(self.switch.key), tls, f'certificate {self.switch.key}', f'key {self.switch.key}')
        refuse('set listen more ca', tls, f'certificate {self.switch.certificate}', f'key {self.switch.key}',
               'verify-peer on')


class Starts(unittest.TestCase):
    """What needs a switch of its own."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-stream-')
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def test_a_port_that_is_taken(self):
        taken = socket.create_server(('127.0.0.1', 0))
        config = self.folder / 'switch.conf'
        config.write_text(f'listen a\n tcp 127.0.0.1:{taken.getsockname()[1]}\n exit\nend\n')
        done = subprocess.run([BUILD / 'switchd', '--foreground', '--state', self.folder / 'state', '--socket',
                               self.folder / 'socket', '--apply', config], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 3)
        errors = [line for line in done.stderr.splitlines() if ' error ' in line]
        self.assertEqual(len(errors), 1, done.stderr)
        self.assertIn(f'cannot bind tcp 127.0.0.1:{taken.getsockname()[1]} (listen a)', errors[0])
        taken.close()

    def test_registrations_come_back_and_their_connections_do_not(self):
        with StreamSwitch(self.folder) as switch:
            phone = switch.agent('1002')
            phone.register()
            time_to_store = lambda: switch.rows('show', 'registrations')
            wait_for('the registration', time_to_store)
            stop_cleanly(switch)
            phone.close()
            switch.start()
            row, = switch.rows('show', 'registrations')
            self.assertEqual(row['phone'], '1002')
            with Agent(switch, '1001', PASSWORD) as caller:
                started = time.monotonic()
                call = caller.invite('1002', sdp=sdp())
                self.assertEqual(call.wait(lambda m: m.status >= 300).status, 503)
                self.assertLess(time.monotonic() - started, 5)
            # It registers again by a new connection, and is called by that.
            with switch.agent('1002') as again, Agent(switch, '1001', PASSWORD) as caller:
                again.register(contact=phone.contact)
                caller.invite('1002', sdp=sdp())
                self.assertIs(again.incoming().invite_request.source, again.main)
            stop_cleanly(switch)

    def test_a_switch_that_starts_without_its_certificate(self):
        switch = StreamSwitch(self.folder)
        with switch:
            stop_cleanly(switch)
            kept = switch.certificate.read_bytes()
            switch.certificate.unlink()
            switch.start(apply=False)
            self.assertTrue(switch.rows('show', 'alarms'))
            with connect('127.0.0.1', switch.tls) as stream:
                stream.wait_end()
            self.assertTrue(switch.is_well())
            switch.certificate.write_bytes(kept)
            switch.do('certificates', 'reload')
            wait_for('the alarm ends', lambda: not switch.rows('show', 'alarms'))
            with switch.agent('1001', 'tls') as phone:
                phone.register()
            stop_cleanly(switch)

    def test_descriptors_run_out(self):
        """Connections take half of them at most; what is let in is served, and nothing spins."""
        with StreamSwitch(self.folder, 'SS_RTP_PORT_RANGE = 20000,20019',
                          launcher=['prlimit', '--nofile=256:256']) as switch:
            streams = [connect('127.0.0.1', switch.tcp) for _ in range(300)]
            for stream in streams:
                try:
                    stream.send(b'\r\n\r\n')
                except ConnectionError:
                    pass
            served = sum(stream.read(20) == b'\r\n' for stream in streams)
            self.assertLessEqual(served, 128)
            self.assertGreater(served, 60)
            before = cpu_seconds(switch)
            time.sleep(1)  # a second of its idling is what is measured
            self.assertLess(cpu_seconds(switch) - before, 0.5)
            for stream in streams:
                stream.close()
            wait_for('there is room again', switch.is_well, 20)
            stop_cleanly(switch)

    def test_several_signalling_threads(self):
        with StreamSwitch(self.folder, 'SS_SIP_SIGNALLING_THREADS = 3') as switch:
            callee = switch.agent('1002', 'tls')
            callee.register()
            with switch.agent('1001') as caller:
                for _ in range(12):  # Call-IDs of several owners
                    call = caller.invite('1002', sdp=sdp())
                    ring = callee.incoming()
                    ring.answer(200, sdp=sdp(40002))
                    call.wait(200)
                    call.ack()
                    ring.wait_request('ACK')
                    call.send('BYE')
                    ring.reply(ring.wait_request('BYE'), 200)
            callee.close()
            stop_cleanly(switch)


def cpu_seconds(switch):
    with open(f'/proc/{switch.process.pid}/stat') as stat:
        fields = stat.read().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


if __name__ == '__main__':
    if not shutil.which('openssl'):
        print('openssl is not installed')
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
