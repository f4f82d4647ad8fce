#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Registrations and calls with sipp at both ends: what each side is told, and in which order, stands in
the scenarios of tests/e2e/sipp; what may not be in a message is judged here from sipp's log."""
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
from siplib import Agent
from sipp import Message, Sipp
from switch import SKIPPED, Switch, free_udp_port, wait_for

CALLER, CALLEE, OFFLINE, NOBODY = '1001', '1002', '1003', '7777'
PASSWORDS = {CALLER: 'caller-password', CALLEE: 'callee-password', OFFLINE: 'offline-password'}
RTP_LOW, RTP_HIGH = 20000, 20199


def configuration(gateway_port):
    lines = [f'phone {number}\n password plain "{password}"\n exit' for number, password in PASSWORDS.items()]
    lines.append(f'routing-gateway out\n address 127.0.0.1:{gateway_port}\n prefixes 9\n exit')
    # Short enough for a test, long enough for sipp on a loaded machine.
    lines += [f'SS_RTP_PORT_RANGE = {RTP_LOW},{RTP_HIGH}', 'SS_SIP_TIMEOUT_RINGING = 3',
              'SS_SIP_TIMEOUT_INVITE = 3', 'SS_SIP_AUTHENTICATION_REALM = sipp.test']
    return '\n'.join(lines)


SO_TIMESTAMPNS = 35  # asm-generic/socket.h


def arrival_s(ancillary):
    """When the kernel had the datagram, whenever this process came to it."""
    [stamp] = [data for level, kind, data in ancillary if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS)]
    seconds, nanoseconds = struct.unpack('qq', stamp)
    return seconds + nanoseconds / 1e9


class SippCase(unittest.TestCase):
    """One switch for all tests of a class; each test brings its own phones."""

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-sipp-')
        cls.gateway_port = free_udp_port()
        cls.switch = Switch(cls.scratch.name, configuration(cls.gateway_port)).start()

    @classmethod
    def tearDownClass(cls):
        code = cls.switch.stop()
        print(f'log of switchd:\n{cls.switch.log()[-8000:]}', file=sys.stderr)
        cls.scratch.cleanup()
        if code not in (0, None):
            raise AssertionError(f'switchd ended with {code}')

    def setUp(self):
        self.started = []
        self.challenge = 401

    def tearDown(self):
        for sipp in self.started:
            sipp.stop()
        if self.switch.process:
            # Each test's phones have ports of their own; those of the last test answer no more.
            self.switch.do('-y', 'clear', 'registration', 'all')

    def sipp(self, scenario, user=CALLER, **arguments):
        values = dict(USER=user, PASSWORD=PASSWORDS[user], CHALLENGE=self.challenge, HOLD_MS=0, EXPIRES=300,
                      ANSWER=200, STATUS=0, REASON='', LINGER_MS=0)
        values.update((key, arguments.pop(key)) for key in list(arguments) if key.isupper())
        sipp = Sipp(self.scratch.name, scenario, self.switch, **arguments, **values)
        self.started.append(sipp)
        return sipp

    def register(self, user=CALLEE, port=None, **values):
        """The phone's port; a callee takes it over afterwards."""
        sipp = self.sipp('register', user=user, port=port, auth_uri=f'127.0.0.1:{self.switch.port}', **values)
        return sipp.finish()

    def caller(self, scenario, called=CALLEE, user=CALLER, **arguments):
        return self.sipp(scenario, user=user, service=called, auth_uri=f'{called}@127.0.0.1:{self.switch.port}',
                         **arguments)

    def callee(self, scenario, user=CALLEE, **arguments):
        """Registers the phone and starts its scenario on the registered port."""
        port = self.register(user).port
        return self.sipp(scenario, port=port, **arguments).ready()

    def play(self, callee_scenario, caller_scenario, callee_values=(), **caller_values):
        callee = self.callee(callee_scenario, **dict(callee_values))
        caller = self.caller(caller_scenario, **caller_values).finish()
        callee.finish()
        self.assert_no_call()
        return caller, callee

    def assert_no_call(self):
        wait_for('no call is left', lambda: not self.switch.rows('show', 'calls'))


class Registration(SippCase):
    def registered(self, user=CALLEE):
        return [row for row in self.switch.rows('show', 'registrations') if user in map(str, row.values())]

    def test_a_phone_registers_and_takes_it_back(self):
        sipp = self.register()
        answer = sipp.received(status=200)[-1]
        self.assertIn(f'127.0.0.1:{sipp.port}', answer.get('Contact'))
        self.assertEqual(re.search(r'expires=(\d+)', answer.get('Contact')).group(1), '300')
        self.assertEqual(len(self.registered()), 1)
        self.register(port=sipp.port, EXPIRES=0)
        self.assertEqual(self.registered(), [])

    def test_the_challenge_is_a_digest_of_the_realm(self):
        challenge = self.register().received(status=401)[0].get('WWW-Authenticate')
        self.assertTrue(challenge.startswith('Digest '))
        self.assertIn('realm="sipp.test"', challenge)
        self.assertIn('qop="auth"', challenge)

    def test_the_challenge_follows_the_parameter(self):
        self.switch.set('SS_SIP_AUTHENTICATION_CODE', '407')
        try:
            self.challenge = 407
            challenge = self.register().received(status=407)[0]
            self.assertIsNotNone(challenge.get('Proxy-Authenticate'))
            self.assertIsNone(challenge.get('WWW-Authenticate'))
            self.play('uas_byed', 'uac_bye')
        finally:
            self.switch.set('SS_SIP_AUTHENTICATION_CODE', '401')

    def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(self):
        wrong = self.register(PASSWORD='wrong', ANSWER=401).received()[-1]
        unknown = self.sipp('register', auth_uri=f'127.0.0.1:{self.switch.port}', USER=NOBODY, PASSWORD='wrong',
                            ANSWER=401).finish().received()[-1]
        self.assertEqual([name for name, _ in wrong.headers], [name for name, _ in unknown.headers])
        self.assertEqual(wrong.first_line, unknown.first_line)
        self.assertEqual(self.registered(NOBODY), [])


class Calls(SippCase):
    def test_the_caller_hangs_up(self):
        caller, callee = self.play('uas_byed', 'uac_bye', HOLD_MS=200)
        self.assertTrue(caller.received(status=180), 'the caller hears that it rings')
        self.assertEqual(len(callee.received('INVITE')), 1)

    def test_the_callee_hangs_up(self):
        self.play('uas_bye', 'uac_byed')

    def test_a_call_by_a_gateway(self):
        callee = self.sipp('uas_byed', port=self.gateway_port).ready()
        self.caller('uac_bye', called='9555').finish()
        callee.finish()
        self.assertIn('9555', callee.received('INVITE')[0].first_line)

    def test_legs_share_nothing_but_what_must_pass(self):
        caller, callee = self.play('uas_byed', 'uac_bye')
        sent, passed = caller.sent('INVITE')[-1], callee.received('INVITE')[0]
        self.assertNotEqual(sent.get('Call-ID'), passed.get('Call-ID'))
        self.assertNotEqual(sent.get('From').split('tag=')[1], passed.get('From').split('tag=')[1])
        self.assertEqual(len(passed.all('Via')), 1)
        self.assertIn(f'sip:{CALLER}@', passed.get('From'))
        text = repr((passed.first_line, passed.headers, passed.body))
        for secret in ('secret-of-the-caller', 'caller-agent', 'Authorization', PASSWORDS[CALLER], 'sipp.test',
                       sent.get('Call-ID')):
            self.assertNotIn(secret, text)
        answer = caller.received(status=200)[0]
        text = repr((answer.headers, answer.body))
        for secret in ('secret-of-the-callee', 'callee-agent'):
            self.assertNotIn(secret, text)

    def test_the_caller_gives_up(self):
        self.play('uas_cancelled', 'uac_cancel')

    def test_an_answer_after_the_cancel_is_acknowledged_and_ended(self):
        self.play('uas_late_200', 'uac_cancel')

    def test_busy(self):
        self.play('uas_refuse', 'uac_refused', dict(STATUS=486, REASON='Busy Here'), STATUS=486)

    def test_declined(self):
        self.play('uas_refuse', 'uac_refused', dict(STATUS=603, REASON='Decline'), STATUS=603)

    def test_nobody_answers(self):
        self.play('uas_cancelled', 'uac_refused', STATUS=480)

    def test_an_unknown_number(self):
        self.caller('uac_refused', called=NOBODY, STATUS=404).finish()
        self.assert_no_call()

    def test_a_phone_that_is_not_registered(self):
        self.caller('uac_refused', called=OFFLINE, STATUS=480).finish()
        self.assert_no_call()

    def test_a_caller_with_a_wrong_password(self):
        caller = self.caller('uac_refused', PASSWORD='wrong', STATUS=401).finish()
        self.assertFalse(caller.received(status=100)[1:], 'nothing is tried for an unauthorised caller')
        self.assert_no_call()

    def test_hold_and_resume(self):
        _, callee = self.play('uas_hold', 'uac_hold')
        self.assertEqual(len(callee.received('INVITE')), 3)

    def test_a_phone_that_answers_nothing_is_asked_again_as_the_list_says(self):
        self.switch.set('SS_SIP_RESEND_INTERVAL', '0.2,0.4,0.8,10')
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
                port = self.register().port
                phone.bind(('127.0.0.1', port))
                phone.settimeout(10)
                phone.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
                caller = self.caller('uac_refused', STATUS=408)
                times = []
                while not times or times[-1] - times[0] < 1.3:
                    data, ancillary, _, _ = phone.recvmsg(65536, 64)
                    if data.startswith(b'INVITE '):
                        times.append(arrival_s(ancillary))
                caller.finish()
        finally:
            self.switch.set('SS_SIP_RESEND_INTERVAL', '0.5,1,2,4,4,4,4,4,4,4')
        waits = [later - earlier for earlier, later in zip(times, times[1:])]
        self.assertEqual(len(waits), 3)
        for wait, later, expected, since_first in zip(waits, times[1:], (0.2, 0.4, 0.8), (0.2, 0.6, 1.4)):
            # Never early by more than the timer's tick; late only by what the machine is busy with.
            self.assertGreater(later - times[0], since_first - 0.03)
            self.assertLess(wait, expected + 0.3)
        self.assert_no_call()

    def test_header_fields_of_a_contact_stay_out_of_the_request_uri(self):
        # RFC 3261 section 19.1.1.
        with Agent(self.switch, OFFLINE, PASSWORDS[OFFLINE]) as phone:
            target = f'sip:{OFFLINE}@127.0.0.1:{phone.port};ob'
            phone.register(contact=f'<{target}?Subject=none&Priority=low>')
            try:
                caller = self.caller('uac_refused', called=OFFLINE, STATUS=486)
                ring = phone.incoming()
                ring.answer(486)
                ring.wait_request('ACK')
                caller.finish()
            finally:
                phone.register(contact='*', expires=0)
        self.assertEqual(ring.invite_request.uri, target)
        self.assert_no_call()

    def test_a_call_that_is_up_is_shown(self):
        callee = self.callee('uas_byed')
        caller = self.caller('uac_bye', HOLD_MS=1500)
        rows = wait_for('the call is shown', lambda: [row for row in self.switch.rows('show', 'calls')
                                                      if 'connected' in map(str, row.values())])
        self.assertEqual(len(rows), 1)
        self.assertIn(CALLER, map(str, rows[0].values()))
        detail = self.switch.json('show', 'call', str(rows[0]['id']))
        self.assertIn(CALLEE, repr(detail['item']))
        caller.finish()
        callee.finish()


class Media(SippCase):
    """What the session descriptions say; the packets themselves are judged in nat_baresip_test."""

    def offered(self, mode):
        self.switch.set('SS_MEDIA_PROXY_MODE', mode)
        caller, callee = self.play('uas_byed', 'uac_bye')
        return callee.received('INVITE')[0], caller.received(status=200)[0]

    @staticmethod
    def port(message):
        return int(message.sdp('m')[0].split()[1])

    def test_relayed(self):
        offer, answer = self.offered('on')
        for message in (offer, answer):
            self.assertTrue(RTP_LOW <= self.port(message) <= RTP_HIGH, message.body)
            self.assertEqual(message.sdp('c'), ['IN IP4 127.0.0.1'])
        # Compact layout: the answer that the caller gets has the even port, the callee's offer the next.
        self.assertEqual(self.port(answer) % 2, 0)
        self.assertEqual(self.port(offer), self.port(answer) + 1)
        self.assertIn('rtpmap:101 telephone-event/8000', offer.sdp('a'))

    def test_direct(self):
        offer, answer = self.offered('off')
        self.assertEqual(self.port(offer), 6000)
        self.assertEqual(self.port(answer), 7000)

    def test_ports_are_given_back(self):
        self.switch.set('SS_MEDIA_PROXY_MODE', 'on')
        for _ in range(3):
            self.play('uas_byed', 'uac_bye')
        rows = self.switch.json('show', 'media', 'sessions')['rows']
        self.assertEqual(rows, [])


class Requests(SippCase):
    """Requests outside of calls, over a plain socket."""

    def ask(self, method, extra=''):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
            phone.bind(('127.0.0.1', 0))
            phone.settimeout(5)
            port = phone.getsockname()[1]
            phone.sendto(f'{method} sip:127.0.0.1:{self.switch.port} SIP/2.0\r\n'
                         f'Via: SIP/2.0/UDP 127.0.0.1:{port};rport;branch=z9hG4bK-{method}-{port}\r\n'
                         f'Max-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:b@127.0.0.1>\r\n'
                         f'Call-ID: {method}-{port}\r\nCSeq: 1 {method}\r\n{extra}Content-Length: 0\r\n\r\n'.encode(),
                         ('127.0.0.1', self.switch.port))
            return Message(phone.recv(65536).decode().replace('\r\n', '\n'))

    def test_options(self):
        answer = self.ask('OPTIONS')
        self.assertEqual(answer.status, 200)
        self.assertIn('INVITE', answer.get('Allow'))

    def test_unknown_methods(self):
        self.assertEqual(self.ask('FROBNICATE').status, 501)
        self.assertIn(self.ask('SUBSCRIBE').status, (405, 501))

    def test_a_bye_to_no_call(self):
        self.assertEqual(self.ask('BYE').status, 481)


class Stopping(SippCase):
    def test_sigterm_ends_calls_with_bye(self):
        callee = self.callee('uas_byed')
        caller = self.caller('uac_byed')
        wait_for('the call is up', lambda: any('connected' in map(str, row.values())
                                               for row in self.switch.rows('show', 'calls')))
        self.assertEqual(self.switch.stop(signal.SIGTERM), 0)
        caller.finish()
        callee.finish()
        self.switch.start(apply=False)

    def test_bindings_survive_a_restart(self):
        port = self.register().port
        self.assertEqual(self.switch.stop(signal.SIGTERM), 0)
        self.switch.start(apply=False)
        callee = self.sipp('uas_byed', port=port).ready()
        self.caller('uac_bye').finish()
        callee.finish()

    def test_bindings_of_more_than_a_second_survive_a_kill(self):
        port = self.register().port
        time.sleep(2)  # the promise itself: at most the last second is lost
        self.assertEqual(self.switch.stop(signal.SIGKILL), -signal.SIGKILL)
        self.switch.start(apply=False)
        callee = self.sipp('uas_byed', port=port).ready()
        self.caller('uac_bye').finish()
        callee.finish()

    def test_a_second_switch_on_the_same_folder_is_refused(self):
        command = list(self.switch.process.args)
        command[command.index('--socket') + 1] += '2'
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)
        self.assertEqual(done.returncode, 4, done.stderr)

    def test_a_port_in_use_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            second = Switch(folder, '', port=self.switch.port)
            with self.assertRaisesRegex(AssertionError, 'ended with 3') as caught:
                second.start()
            self.assertIn(str(self.switch.port), str(caught.exception))


if __name__ == '__main__':
    if not shutil.which('sipp'):
        print('sipp is not installed')
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
