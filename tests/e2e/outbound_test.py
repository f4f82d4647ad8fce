#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Registrations at other servers end to end: at a second switchd, at servers that the test plays, calls out
and in over them, gateways that register here and call by a password."""
import signal
import socket
import struct
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, Message, digest, make_sdp, parse_challenge, stop_cleanly
from switch import Switch, free_tcp_port, free_udp_port, wait_for

REALM = 'carrier.test'
SO_TIMESTAMP = 29  # of Linux; its struct timeval comes beside the datagram


class Case(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix='vos-outbound-')
        self.addCleanup(self.scratch.cleanup)
        self.folders = 0

    def switch(self, config, **options):
        self.folders += 1
        folder = Path(self.scratch.name) / f'switch-{self.folders}'
        folder.mkdir()
        switch = Switch(folder, config, **options)
        switch.start()
        self.addCleanup(lambda: switch.process and stop_cleanly(switch))
        return switch

    def agent(self, switch, *words, **options):
        agent = Agent(switch, *words, **options)
        self.addCleanup(agent.close)
        return agent

    def state(self, switch, name='carrier'):
        row, = switch.rows('show', 'registrations', 'outbound', name)
        return row

    def wait_state(self, switch, state, name='carrier', timeout_s=20):
        wait_for(f'{name} is {state}', lambda: self.state(switch, name)['state'] == state, timeout_s)
        return self.state(switch, name)


def trunk(server, *lines, password='secret', account='alice'):
    more = ''.join(f' {line}\n' for line in lines)
    return f'''routing-gateway trunk
 registration register
 prefixes 7
 exit
registration carrier
 server {server}
 account {account}
 password plain "{password}"
 routing-gateway trunk
{more} exit
mapping-gateway in
 address 127.0.0.3
 exit
'''


class AtAnother(Case):
    """The server is a switchd too."""

    def setUp(self):
        super().setUp()
        self.carrier = self.switch('''phone 49301
 password plain "secret"
 exit
phone 7001
 password plain "seven"
 exit
mapping-gateway pstn
 address 127.0.0.4
 exit
SS_SIP_AUTHENTICATION_ALGORITHMS = sha-256,md5
''')
        self.own = self.switch(trunk(f'127.0.0.1:{self.carrier.port}', 'mapping-gateway from-carrier',
                                     'from account', account='49301')
                               + 'mapping-gateway from-carrier\n exit\n'
                               + 'phone 300\n password plain "three"\n exit\n')

    def bindings(self):
        return [row for row in self.carrier.rows('show', 'registrations') if row['phone'] == '49301']

    def test_registered_refreshed_and_removed(self):
        row = self.wait_state(self.own, 'registered')
        self.assertEqual((row['account'], row['granted_s'], row['failures'], row['last_answer']),
                         ('49301', 3600, 0, '200 OK'))
        self.assertTrue(3200 < row['next_s'] <= 3240)
        self.assertEqual(row['server_address'], f'127.0.0.1:{self.carrier.port}')
        self.assertEqual(row['local_address'], f'127.0.0.1:{self.own.port}')
        binding, = self.bindings()
        self.assertEqual(binding['contact'], f'sip:49301@127.0.0.1:{self.own.port}')
        self.assertIn('a new REGISTER was sent', self.own.do('clear', 'registration', 'outbound', 'carrier'))
        time_before = binding['registered_time']
        wait_for('a fresh binding', lambda: self.bindings()[0]['registered_time'] >= time_before)
        self.wait_state(self.own, 'registered')
        stop_cleanly(self.own)
        self.assertEqual(self.bindings(), [])

    def test_left_when_it_stops_if_so_wanted(self):
        self.wait_state(self.own, 'registered')
        self.own.set('SS_SIP_USER_AGENT_SEND_UNREGISTER', 'off')
        stop_cleanly(self.own)
        self.assertEqual(len(self.bindings()), 1)

    def test_shutdown_removes_it_too(self):
        self.wait_state(self.own, 'registered')
        self.own.do('-y', 'shutdown')
        self.assertEqual(self.own.process.wait(20), 0)
        self.own.process = None
        self.assertEqual(self.bindings(), [])

    def test_a_call_out(self):
        self.wait_state(self.own, 'registered')
        callee = self.agent(self.carrier, '7001', 'seven')
        callee.register()
        source = self.agent(self.own, '555', '', address='127.0.0.3')
        call = source.invite('7001', make_sdp('127.0.0.3', 41000), expect_challenge=False)
        ring = callee.incoming()
        self.assertIn('sip:49301@', ring.invite_request.get('From'))
        ring.answer(180)
        call.wait(180)
        ring.answer(200, make_sdp('127.0.0.1', 41002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        row, = self.carrier.rows('show', 'calls')
        self.assertEqual(row['caller'], '49301')
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)
        for switch in (self.own, self.carrier):
            wait_for('no call is left', lambda switch=switch: not switch.rows('show', 'calls'))

    def test_a_call_in(self):
        self.wait_state(self.own, 'registered')
        phone = self.agent(self.own, '300', 'three')
        phone.register()
        source = self.agent(self.carrier, '555', '', address='127.0.0.4')
        call = source.invite('49301', make_sdp('127.0.0.4', 41000), expect_challenge=False)
        # The carrier calls the account; nobody here has that number.
        answer = call.wait(lambda m: m.status >= 200)
        call.ack(answer)
        self.assertEqual(answer.status, 404)
        # The same with a plan that leads the account to a phone.
        self.own.do('set', 'number-transform', 'did', 'rule', '49301->300')
        self.own.do('set', 'mapping-gateway', 'from-carrier', 'callee-transform', 'did')
        call = source.invite('49301', make_sdp('127.0.0.4', 41000), expect_challenge=False)
        ring = phone.incoming()
        ring.answer(200, make_sdp('127.0.0.1', 41002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        row, = self.own.rows('show', 'calls')
        self.assertEqual((row['caller_party'], row['caller'], row['callee_party']),
                         ('mapping-gateway from-carrier', '555', 'phone 300'))
        ring.bye()
        call.reply(call.wait_request('BYE'), 200)

    def test_a_wrong_password(self):
        self.wait_state(self.own, 'registered')
        self.own.do('set', 'registration', 'carrier', 'password', 'plain', 'wrong')
        row = self.wait_state(self.own, 'failed')
        self.assertRegex(row['last_answer'], '^40[13] ')
        self.assertEqual(row['failures'], 1)
        self.assertTrue(50 <= row['next_s'] <= 60)
        alarm, = [row for row in self.own.rows('show', 'alarms') if row['kind'] == 'gateway-offline']
        self.assertEqual(alarm['subject'], 'carrier')
        states = {row['name']: row['state'] for row in self.own.rows('show', 'routing-gateways')}
        self.assertEqual(states['trunk'], 'offline')
        route, = self.own.rows('show', 'route', '7001')
        self.assertEqual((route['party'], route['verdict']), ('routing-gateway trunk', 'offline'))


class AtATestServer(Case):
    """The server is the test: what it answers is chosen."""

    def open(self, *lines, **options):
        self.port = free_udp_port()
        self.own = self.switch(trunk(f'127.0.0.1:{self.port}', *lines, **options))
        self.server = self.agent(self.own, 'carrier', '', port=self.port)
        return self.server

    def register(self, timeout_s=10):
        return self.server.wait_for(lambda m: m.method == 'REGISTER' and m.status is None, timeout_s, 'REGISTER')

    def grant(self, request, seconds=300):
        contact = request.get('Contact').partition(';')[0]
        self.server.reply(request, 200, to_tag='s', headers=[('Contact', f'{contact};expires={seconds}')])

    def challenge(self, request, status, algorithm, nonce, **more):
        name = 'WWW-Authenticate' if status == 401 else 'Proxy-Authenticate'
        value = f'Digest realm="{REALM}", nonce="{nonce}", algorithm={algorithm}, qop="auth", opaque="op"'
        lines = [(name, f'Digest realm="{REALM}", nonce="{nonce}x", algorithm=SHA-512-256'), (name, value)]
        self.server.reply(request, status, to_tag='s', headers=lines)

    def assert_signed(self, request, status, algorithm, nonce, count, uri=None):
        """The response is the one that the formulas give, with the client's own cnonce."""
        value = request.get('Authorization' if status == 401 else 'Proxy-Authorization')
        self.assertIsNotNone(value)
        given = parse_challenge(value)
        self.assertEqual((given['username'], given['realm'], given['nonce'], given['opaque']),
                         ('alice', REALM, nonce, 'op'))
        self.assertEqual(given['nc'], f'{count:08x}')
        self.assertEqual(given['uri'], uri or request.uri)
        challenge = {'realm': REALM, 'nonce': nonce, 'algorithm': algorithm, 'qop': 'auth'}
        right = parse_challenge(digest(challenge, request.method, given['uri'], 'alice', 'secret', count,
                                       given['cnonce']))
        self.assertEqual(given['response'], right['response'])

    def test_challenges(self):
        for status in (401, 407):
            for algorithm in ('MD5', 'SHA-256', 'SHA-256-sess', 'MD5-sess'):
                with self.subTest(status=status, algorithm=algorithm):
                    self.open()
                    first = self.register()
                    self.assertIsNone(first.get('Authorization') or first.get('Proxy-Authorization'))
                    self.challenge(first, status, algorithm, 'n1')
                    second = self.register()
                    self.assertEqual((second.call_id, second.cseq), (first.call_id, first.cseq + 1))
                    self.assert_signed(second, status, algorithm, 'n1', 1)
                    self.grant(second)
                    self.wait_state(self.own, 'registered')
                    # The nonce again, with the next count, for the removal.
                    self.own.process.send_signal(signal.SIGTERM)
                    last = self.register()
                    self.assertEqual(last.get('Expires'), '0')
                    self.assert_signed(last, status, algorithm, 'n1', 2)
                    self.grant(last, 0)
                    self.assertEqual(self.own.process.wait(20), 0)
                    self.own.process = None

    def test_423(self):
        self.open('expire 60')
        request = self.register()
        self.assertEqual(request.get('Expires'), '60')
        self.server.reply(request, 423, to_tag='s', headers=[('Min-Expires', '900')])
        request = self.register()
        self.assertEqual(request.get('Expires'), '900')
        self.grant(request, 900)
        self.assertEqual(self.wait_state(self.own, 'registered')['granted_s'], 900)

    def test_503_with_retry_after(self):
        self.open('retry-delay 30')
        self.server.reply(self.register(), 503, to_tag='s', headers=[('Retry-After', '120')])
        row = self.wait_state(self.own, 'failed')
        self.assertEqual(row['last_answer'], '503 Service Unavailable')
        self.assertTrue(115 <= row['next_s'] <= 120)
        self.own.do('clear', 'registration', 'outbound', 'all')
        self.grant(self.register())
        self.wait_state(self.own, 'registered')
        self.assertEqual(self.own.rows('show', 'alarms'), [])

    def test_silence(self):
        self.open()
        self.own.set('SS_SIP_RESEND_INTERVAL', '0.1,0.1')
        self.own.do('clear', 'registration', 'outbound', 'carrier')
        row = self.wait_state(self.own, 'failed')
        self.assertEqual(row['last_answer'], 'no answer')
        # Nobody listens there: the stop does not wait long for the answer that never comes.
        start = time.monotonic()
        stop_cleanly(self.own)
        self.assertLess(time.monotonic() - start, 10)

    def test_changed_and_removed_by_a_commit(self):
        self.open()
        first = self.register()
        self.grant(first)
        self.wait_state(self.own, 'registered')
        self.own.do('set', 'registration', 'carrier', 'account', 'bob')
        requests = [self.register(), self.register()]
        leaving, = [one for one in requests if one.get('Expires') == '0']
        coming, = [one for one in requests if one.get('Expires') != '0']
        self.assertIn('sip:alice@', leaving.get('To'))
        self.assertEqual(leaving.call_id, first.call_id)
        self.assertIn('sip:bob@', coming.get('To'))
        self.grant(leaving, 0)
        self.grant(coming)
        self.wait_state(self.own, 'registered')
        path = Path(self.scratch.name) / 'remove.conf'
        path.write_text('no registration carrier\nend\n')
        self.own.do('apply', str(path))
        last = self.register()
        self.assertEqual((last.call_id, last.get('Expires')), (coming.call_id, '0'))
        self.grant(last, 0)
        self.assertEqual(self.own.rows('show', 'registrations', 'outbound'), [])

    def test_an_invite_is_challenged(self):
        self.open()
        self.grant(self.register())
        self.wait_state(self.own, 'registered')
        source = self.agent(self.own, '555', '', address='127.0.0.3')
        for status, algorithm in ((407, 'SHA-256'), (401, 'MD5')):
            call = source.invite('7001', make_sdp('127.0.0.3', 41000), expect_challenge=False)
            ring = self.server.incoming()
            first = ring.invite_request
            name = 'WWW-Authenticate' if status == 401 else 'Proxy-Authenticate'
            ring.answer(status, headers=[(name, f'Digest realm="{REALM}", nonce="i{status}", '
                                          f'algorithm={algorithm}, qop="auth", opaque="op"')])
            ring.wait_request('ACK')
            second = ring.wait_request('INVITE')
            self.assertEqual((second.call_id, second.tag('From'), second.cseq),
                             (first.call_id, first.tag('From'), first.cseq + 1))
            self.assert_signed(second, status, algorithm, f'i{status}', 1)
            self.assertEqual(second.get('Contact'), f'<sip:alice@127.0.0.1:{self.own.port}>')
            ring.answer(200, make_sdp('127.0.0.1', 41002))
            call.wait(200)
            call.ack()
            ack = ring.wait_request('ACK')
            self.assert_signed_ack(ack, second, status)
            call.bye()
            bye = ring.wait_request('BYE')
            self.assert_signed(bye, status, algorithm, f'i{status}', 2)
            ring.reply(bye, 200)

    def assert_signed_ack(self, ack, invite, status):
        """RFC 3261 22.1: the ACK has the INVITE's credentials."""
        name = 'Authorization' if status == 401 else 'Proxy-Authorization'
        self.assertEqual(ack.get(name), invite.get(name))

    def test_by_name_and_over_tcp(self):
        port = free_udp_port()
        carrier = self.switch('phone alice\n password plain "secret"\n exit\n'
                              f'listen stream\n tcp 127.0.0.1:{port}\n exit\n')
        own = self.switch(trunk(f'localhost:{port}', 'transport tcp')
                          + f'listen stream\n tcp 127.0.0.1:{free_tcp_port()}\n exit\n')
        row = self.wait_state(own, 'registered')
        self.assertEqual((row['transport'], row['server_address']), ('tcp', f'127.0.0.1:{port}'))
        binding, = carrier.rows('show', 'registrations')
        self.assertEqual(binding['transport'], 'tcp')
        connection, = [row for row in own.rows('show', 'sip', 'connections') if row['is_outgoing']]
        self.assertTrue(connection['is_registered'])
        stop_cleanly(own)
        self.assertEqual(carrier.rows('show', 'registrations'), [])

    def test_a_connection_that_is_lost(self):
        """Calls come in by it, so there has to be another one, long before the refresh is due."""
        listener = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listener.close)
        listener.settimeout(20)
        port = listener.getsockname()[1]
        own = self.switch(trunk(f'127.0.0.1:{port}', 'transport tcp')
                          + f'listen stream\n tcp 127.0.0.1:{free_tcp_port()}\n exit\n')
        for cseq in (1, 2):
            connection, _ = listener.accept()
            connection.settimeout(20)
            data = b''
            while b'\r\n\r\n' not in data:
                data += connection.recv(65536)
            request = Message.parse(data)
            self.assertEqual((request.method, request.cseq), ('REGISTER', cseq))
            fields = [(name, request.get(name)) for name in ('Via', 'From', 'To', 'Call-ID', 'CSeq', 'Contact')]
            connection.sendall(Message('SIP/2.0 200 OK', fields).to_bytes())
            row = self.wait_state(own, 'registered')
            self.assertEqual(row['granted_s'], 3600)
            connection.close()
        self.assertEqual(self.state(own)['state'], 'registered')

    def test_what_cannot_be(self):
        own = self.switch(trunk('nowhere.invalid') + 'registration half\n account x\n exit\n')
        row = self.wait_state(own, 'failed')
        self.assertEqual(row['last_answer'], 'its name cannot be looked up')
        self.assertEqual(self.state(own, 'half')['state'], 'incomplete')
        done = own.ctl('clear', 'registration', 'outbound', 'half')
        self.assertEqual(done.returncode, 1)
        self.assertIn('has no server or no account', done.stderr)
        self.assertEqual(own.ctl('show', 'registrations', 'outbound', 'none').returncode, 6)
        self.assertEqual(own.ctl('clear', 'registration', 'outbound', 'none').returncode, 6)
        self.assertNotIn('secret', own.do('show', 'running-config'))


class OnAllThreads(Case):
    """Registrations are spread over the signalling threads, and calls of each thread use them."""

    COUNT = 40

    def test_many(self):
        accounts = [f'49{number:03d}' for number in range(self.COUNT)]
        carrier = self.switch('\n'.join(f'phone {account}\n password plain "{account}"\n exit'
                                        for account in accounts)
                              + '\nphone 7001\n password plain "seven"\n exit\n'
                              + 'SS_SIP_SIGNALLING_THREADS = 3\n')
        text = 'routing-gateway trunk\n registration register\n prefixes 7\n exit\n'
        for account in accounts:
            text += (f'registration r{account}\n server localhost:{carrier.port}\n account {account}\n'
                     f' password plain "{account}"\n routing-gateway trunk\n exit\n')
        own = self.switch(text + 'mapping-gateway in\n address 127.0.0.3\n exit\n'
                          + 'SS_SIP_SIGNALLING_THREADS = 3\n')
        def states():
            return [row['state'] for row in own.rows('show', 'registrations', 'outbound')]
        wait_for('all are registered', lambda: states() == ['registered'] * self.COUNT, 30)
        rows = own.rows('show', 'registrations', 'outbound')
        self.assertEqual([row['name'] for row in rows], sorted(row['name'] for row in rows))
        self.assertIn(f'{self.COUNT} new REGISTERs', own.do('clear', 'registration', 'outbound', 'all'))
        callee = self.agent(carrier, '7001', 'seven')
        callee.register()
        source = self.agent(own, '555', '', address='127.0.0.3')
        for _ in range(12):
            call = source.invite('7001', make_sdp('127.0.0.3', 41000), expect_challenge=False)
            ring = callee.incoming()
            ring.answer(200, make_sdp('127.0.0.1', 41002))
            call.wait(200)
            call.ack()
            ring.wait_request('ACK')
            call.bye()
            ring.reply(ring.wait_request('BYE'), 200)
        wait_for('all are registered', lambda: states() == ['registered'] * self.COUNT, 30)
        stop_cleanly(own)
        self.assertEqual([row['phone'] for row in carrier.rows('show', 'registrations')], ['7001'])


class AtTheStart(Case):
    """Many carriers are not asked in one moment."""

    COUNT = 200

    def test_spread(self):
        port = free_udp_port()
        text = 'routing-gateway trunk\n registration register\n prefixes 7\n exit\n' + ''.join(
            f'registration r{number:03}\n server 127.0.0.1:{port}\n account a{number:03}\n password plain "x"\n'
            ' routing-gateway trunk\n exit\n' for number in range(self.COUNT))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            # The kernel says when each has come, however late this test looks.
            server.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMP, 1)
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            server.settimeout(20)
            server.bind(('127.0.0.1', port))
            own = self.switch(text)
            times = {}
            while len(times) < self.COUNT:
                data, control, _, source = server.recvmsg(65536, 1024)
                request = Message.parse(data)
                self.assertEqual(request.method, 'REGISTER')
                seconds, microseconds = struct.unpack('@ll', control[0][2])
                times.setdefault(request.get('To'), seconds + microseconds / 1e6)
                answer = Message('SIP/2.0 200 OK', [
                    (name, value + (';tag=s' if name == 'To' else '')) for name, value in request.headers
                    if name in ('Via', 'From', 'To', 'Call-ID', 'CSeq')] + [('Contact', request.get('Contact')),
                                                                           ('Expires', '300')])
                server.sendto(answer.to_bytes(), source)
            wait_for('all are registered', lambda: {row['state'] for row in own.rows(
                'show', 'registrations', 'outbound')} == {'registered'}, 30)
        # One every 10 ms: no timer is early, so the least that all take is a matter of arithmetic. Half of it is enough.
        times = list(times.values())
        self.assertGreater(times[-1] - times[0], self.COUNT * 0.010 / 2)
        # No tenth of that time has half of them.
        tenths = [int((time - times[0]) / (times[-1] - times[0]) * 10) for time in times]
        self.assertLess(max(map(tenths.count, range(10))), self.COUNT / 2)


class HereByName(Case):
    def setUp(self):
        super().setUp()
        self.own = self.switch('''routing-gateway box
 registration dynamic
 password plain "boxed"
 prefixes 8
 exit
routing-gateway fixed
 password plain "boxed"
 prefixes 9
 exit
mapping-gateway box
 authentication password
 password plain "called"
 exit
phone 300
 password plain "three"
 exit
''')

    def gateway(self):
        return next(row for row in self.own.rows('show', 'routing-gateways') if row['name'] == 'box')

    def test_it_registers_and_is_called(self):
        self.assertEqual((self.gateway()['state'], self.gateway()['addresses']), ('offline', None))
        box = self.agent(self.own, 'box', 'boxed')
        phone = self.agent(self.own, '300', 'three')
        call = phone.invite('8001', make_sdp('127.0.0.1', 41000))
        answer = call.wait(lambda m: m.status >= 200)
        call.ack(answer)
        self.assertEqual(answer.status, 503)
        box.register()
        self.assertEqual((self.gateway()['state'], self.gateway()['addresses']),
                         ('enabled', f'127.0.0.1:{box.port}'))
        row, = self.own.rows('show', 'registrations', 'gateway', 'box')
        self.assertEqual((row['phone'], row['gateway']), (None, 'box'))
        call = phone.invite('8001', make_sdp('127.0.0.1', 41000))
        ring = box.incoming()
        self.assertEqual(ring.invite_request.uri, f'sip:8001@127.0.0.1:{box.port}')
        ring.answer(200, make_sdp('127.0.0.1', 41002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)
        box.register(expires=0)
        self.assertEqual(self.gateway()['state'], 'offline')

    def test_it_outlives_a_restart(self):
        box = self.agent(self.own, 'box', 'boxed')
        box.register()
        wait_for('the binding is stored', lambda: self.own.stop() == 0)
        self.own.start(apply=False)
        wait_for('it is there again', lambda: self.gateway()['state'] == 'enabled')
        self.own.do('-y', 'clear', 'registration', 'all')
        wait_for('it is gone', lambda: self.gateway()['state'] == 'offline')

    def test_who_may_not_register(self):
        self.agent(self.own, 'box', 'wrong').register(expect=401)
        self.agent(self.own, 'fixed', 'boxed').register(expect=401)
        # A phone's password is good for the phone only.
        phone = self.agent(self.own, '300', 'three')
        request = phone.request('REGISTER', f'sip:{phone.domain}',
                                [('Contact', phone.contact), ('Expires', '60')], to=f'<sip:box@{phone.domain}>')
        self.assertEqual(phone.transact(request).status, 403)

    def test_a_mapping_gateway_by_password(self):
        callee = self.agent(self.own, '300', 'three')
        callee.register()
        stranger = self.agent(self.own, 'box', 'boxed')
        call = stranger.invite('300', make_sdp('127.0.0.1', 41000))
        answer = call.wait(lambda m: m.status > 100)
        self.assertEqual(answer.status, 401)
        call.ack(answer)
        source = self.agent(self.own, 'box', 'called')
        call = source.invite('300', make_sdp('127.0.0.1', 41000))
        ring = callee.incoming()
        ring.answer(200, make_sdp('127.0.0.1', 41002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        row, = self.own.rows('show', 'calls')
        self.assertEqual(row['caller_party'], 'mapping-gateway box')
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)


if __name__ == '__main__':
    unittest.main()
