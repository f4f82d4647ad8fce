#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Floods: what one source may send, what the switch takes in calls, and what overload leaves alone. Honest
parties are 127.0.1.x, floods come from 127.0.2.x and above."""
import secrets
import socket
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from sip_client import Answer, Phone  # noqa: E402
from siplib import Agent, make_sdp, stop_cleanly  # noqa: E402
from switch import Switch, wait_for  # noqa: E402

PASSWORD = 'a long one'
USERS = ('1001', '1002', '1003', '1004')


class Flood(threading.Thread):
    """Sends until it is stopped, with a pause after each round: none fills the socket of the switch, from which the
    kernel then drops whatever comes. Keeps the 503s of what is answered."""

    def __init__(self, switch, addresses, make, pause_s=0.002):
        super().__init__(daemon=True)
        self.to = switch.address, switch.port
        self.sockets = []
        for address in addresses:
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.bind((address, 0))
            one.setblocking(False)
            self.sockets.append(one)
        self.messages = [make(*one.getsockname()) for one in self.sockets]
        self.pause_s = pause_s
        self.is_ending = threading.Event()
        self.refusals = []

    def run(self):
        while not self.is_ending.wait(self.pause_s):
            for one, message in zip(self.sockets, self.messages):
                for _ in range(20):
                    try:
                        one.sendto(message, self.to)
                    except BlockingIOError:
                        break
                try:
                    for _ in range(20):
                        data = one.recv(65535)
                        if data.startswith(b'SIP/2.0 503') and len(self.refusals) < 1000:
                            self.refusals.append(Answer(data))
                except BlockingIOError:
                    pass

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_ending.set()
        self.join()
        for one in self.sockets:
            one.close()


def new_request(method, to='1001', lines=()):
    def make(host, port):
        tag = secrets.token_hex(6)
        return '\r\n'.join([f'{method} sip:{to}@127.0.0.1 SIP/2.0',
                            f'Via: SIP/2.0/UDP {host}:{port};rport;branch=z9hG4bK{tag}',
                            f'From: <sip:x@{host}>;tag={tag}', f'To: <sip:{to}@127.0.0.1>', f'Call-ID: {tag}',
                            f'CSeq: 1 {method}', 'Max-Forwards: 70', f'Contact: <sip:x@{host}:{port}>', *lines,
                            'Content-Length: 0', '', '']).encode()
    return make


class FloodCase(unittest.TestCase):
    params = ()

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='vos-flood-')
        self.addCleanup(folder.cleanup)
        phones = [f'phone {user}\n password plain "{PASSWORD}"\n exit' for user in USERS]
        self.switch = Switch(folder.name, '\n'.join([*phones, *self.params])).start()
        self.addCleanup(stop_cleanly, self.switch)

    def agent(self, user, address):
        agent = Agent(self.switch, user, PASSWORD, address=address)
        self.addCleanup(agent.close)
        return agent

    def phone(self, user, address):
        phone = Phone((self.switch.address, self.switch.port), user, PASSWORD, address=address)
        self.addCleanup(phone.close)
        return phone

    def counters(self):
        return {row['counter']: row['value'] for row in self.switch.rows('show', 'counters')
                if row['group'] == 'guard'}

    def call(self, caller, callee):
        """An answered call; both ends of it."""
        call = caller.invite(callee.user, make_sdp('127.0.1.1', 40000))
        ring = callee.incoming()
        ring.answer(200, make_sdp('127.0.1.2', 40002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        return call, ring

    def hang_up(self, call, ring, timeout_s=60):
        """A BYE that is repeated as the timers of RFC 3261 say, and its answer."""
        bye = call.in_dialog('BYE')
        for _ in range(120):
            call.agent.send(bye)
            try:
                request = ring.wait_request('BYE', 0.5)
                break
            except AssertionError:
                continue
        ring.reply(request, 200)
        for _ in range(120):
            try:
                return call.agent.wait_status(bye, timeout_s=0.5).status
            except AssertionError:
                call.agent.send(bye)
        raise AssertionError('no answer to BYE')

    def refresh(self, phone, tries=60):
        """A registration with repetitions of what is lost; its final status."""
        for _ in range(tries):
            answer = phone.ask(phone.text(f'Contact: <{phone.contact}>'), 0.5)
            if not answer or answer.status != 401:
                continue
            text = phone.text(phone.credentials(answer.challenge()), f'Contact: <{phone.contact}>')
            for _ in range(6):
                answer = phone.ask(text, 0.5)
                if answer and answer.status != 401:
                    return answer.status
        return None


class OneSource(FloodCase):
    params = ('SS_SIP_GUARD_RATE = 10', 'SS_SIP_GUARD_BURST = 50')

    def test_a_flood_does_not_touch_others(self):
        """Nor the calls of its own address: what belongs to them is not counted."""
        caller, callee = self.agent('1001', '127.0.2.1'), self.agent('1002', '127.0.1.2')
        phone = self.phone('1003', '127.0.1.3')
        caller.register()
        callee.register()
        self.assertEqual(phone.register().status, 200)
        call, ring = self.call(caller, callee)
        for method in 'INVITE', 'REGISTER', 'OPTIONS', 'SUBSCRIBE':
            with self.subTest(method=method):
                before = self.counters()['flood_dropped']
                with Flood(self.switch, ['127.0.2.1'], new_request(method)):
                    wait_for('it is dropped', lambda: self.counters()['flood_dropped'] > before + 1000, 60)
                    self.assertEqual(self.refresh(phone), 200)
                    reinvite = call.reinvite(make_sdp('127.0.2.1', 40000))
                    for _ in range(60):
                        try:
                            ring.wait_request('INVITE', 0.5)
                            break
                        except AssertionError:
                            caller.send(reinvite)
                    ring.answer(200, make_sdp('127.0.1.2', 40002))
                    call.wait(200, 30)
                    call.ack()
                    ring.wait_request('ACK', 30)
        with Flood(self.switch, ['127.0.2.1'], new_request('REGISTER')):
            self.assertEqual(self.hang_up(call, ring), 200)
        self.assertEqual(self.counters()['overload_calls'], 0)

    def test_the_burst_is_what_is_answered(self):
        phone = self.phone('1001', '127.0.2.1')
        for _ in range(200):
            phone.send(phone.text(method='OPTIONS'))
        wait_for('the rest is dropped', lambda: self.counters()['flood_dropped'] >= 100)
        answers = 0
        while phone.receive(0.5):
            answers += 1
        dropped = self.counters()['flood_dropped']
        self.assertEqual(answers + dropped, 200)
        self.assertGreaterEqual(answers, 50)

    def test_gateways_and_trusted_prefixes_may(self):
        self.switch.do('set', 'mapping-gateway', 'trunk', 'address', '127.0.3.1')
        self.switch.do('set', 'routing-gateway', 'out', 'address', '127.0.3.2:5060')
        self.switch.do('set', 'trusted', '127.0.4.0/24', 'memo', 'ours')
        for address in '127.0.3.1', '127.0.3.2', '127.0.4.9':
            phone = self.phone('1001', address)
            for _ in range(100):
                self.assertEqual(phone.ask(phone.text(method='OPTIONS')).status, 200)
        self.assertEqual(self.counters()['flood_dropped'], 0)

    def test_off(self):
        self.switch.set('SS_SIP_GUARD_RATE', '0')
        phone = self.phone('1001', '127.0.2.1')
        for _ in range(200):
            self.assertEqual(phone.ask(phone.text(method='OPTIONS')).status, 200)


class CallsPerSecond(FloodCase):
    params = ('SS_MAX_CPS = 5', 'SS_SIP_SIGNALLING_THREADS = 2',
              'mapping-gateway trunk\n address 127.0.3.1\n exit')

    def test_more_are_refused(self):
        """The limit is the switch's, whichever thread a call is of; who may not call does not use it up."""
        stranger = self.phone('1001', '127.0.2.1')
        for _ in range(50):
            stranger.send(stranger.text(f'Contact: <{stranger.contact}>', method='INVITE', uri='sip:1001@127.0.0.1',
                                        call_id=secrets.token_hex(8)))
        trunk = self.agent('trunk', '127.0.3.1')
        start = time.monotonic()
        calls = [trunk.invite('7777', make_sdp('127.0.3.1', 40000), expect_challenge=False) for _ in range(30)]
        elapsed_s = time.monotonic() - start
        answers = [call.wait(lambda m: m.status >= 200) for call in calls]
        refused = [answer for answer in answers if answer.status == 503]
        # 7777 is nobody: what was let in ends with 404.
        self.assertEqual({answer.status for answer in answers}, {404, 503})
        self.assertEqual({answer.get('Retry-After') for answer in refused}, {'1'})
        self.assertGreaterEqual(len(answers) - len(refused), 5)
        self.assertLessEqual(len(answers) - len(refused), 5 + 5 * (elapsed_s + 1))
        self.assertTrue(refused)
        self.assertEqual(self.counters()['cps_refused'], len(refused))

        def goes_through():
            call = trunk.invite('7777', make_sdp('127.0.3.1', 40000), expect_challenge=False)
            return call.wait(lambda m: m.status >= 200).status == 404
        wait_for('a second later there is room again', goes_through)


class Overload(FloodCase):
    """So much from so many sources that no bucket of one is empty, and each message is dear to read."""
    params = ('SS_SIP_OVERLOAD_LAG = 1', 'SS_SIP_GUARD_RATE = 0')

    def alarms(self):
        return [row for row in self.switch.rows('show', 'alarms') if row['kind'] == 'overload']

    def guard(self):
        [row] = self.switch.rows('show', 'sip', 'guard')
        return row

    def test_calls_and_refreshes_go_on(self):
        caller, callee = self.agent('1001', '127.0.1.1'), self.agent('1002', '127.0.1.2')
        phone = self.phone('1003', '127.0.1.3')
        caller.register()
        callee.register()
        self.assertEqual(phone.register().status, 200)
        call, ring = self.call(caller, callee)
        lines = [f'X-{number}: {"x" * 60}' for number in range(180)]
        floods = [f'127.0.{net}.{host}' for net in (5, 6) for host in range(1, 21)]
        with Flood(self.switch, floods, new_request('REGISTER', 'nobody', lines), 0) as flood:
            wait_for('the overload is told', self.alarms, 120)
            wait_for('strangers are refused', lambda: self.counters()['overload_strangers'] > 100, 120)
            self.assertEqual(self.refresh(phone), 200)
            self.assertEqual(self.hang_up(call, ring), 200)
            wait_for('its rates are shown', lambda: self.guard()['strangers_per_s'], 60)
        self.assertTrue(flood.refusals)
        for answer in flood.refusals:
            self.assertIn(int(answer.get('Retry-After')), range(5, 11))
        wait_for('it is over', lambda: not self.guard()['is_overloaded'], 60)
        wait_for('its alarm too', lambda: not self.alarms(), 60)
        self.assertEqual(self.phone('1004', '127.0.1.4').register().status, 200)


if __name__ == '__main__':
    unittest.main(verbosity=2)
