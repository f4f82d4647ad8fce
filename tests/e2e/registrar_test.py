#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The registrar as a phone sees it: challenges, expiries, contacts, refusals, and what outlives a restart."""
import signal
import socket
import statistics
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from sip_client import Phone
from switch import Switch, free_udp_port, wait_for

PASSWORD = 'right-password'
SILENCE_S = 0.5  # no answer within that is none: answers come in less than a millisecond


def has_ip6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(('::1', 0))
    except OSError:
        return False
    return True


def configuration(*params):
    lines = [f'phone {number}\n password plain "{PASSWORD}"\n exit' for number in (1001, 1002, 1003)]
    lines += [f'phone 1008\n password plain "{PASSWORD}"\n lock all\n exit',
              f'phone 1009\n password plain "{PASSWORD}"\n registration static\n address 127.0.0.1:5999\n exit']
    return '\n'.join([*lines, 'SS_SIP_AUTHENTICATION_REALM = test.realm', 'SS_ENDPOINT_EXPIRE = 300/3600',
                      'SS_ENDPOINT_NAT_EXPIRE = 60', *params])


class RegistrarCase(unittest.TestCase):
    params = ('SS_AUTHENTICATION_MAX_RETRY = 0', 'SS_SIP_AUTHENTICATION_RETRY = 999')

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-registrar-')
        text = configuration(*cls.params)
        cls.port6 = free_udp_port()
        if has_ip6():
            text += f'\nlisten six\n udp [::1]:{cls.port6}\n exit'
        cls.switch = Switch(cls.scratch.name, text).start()

    @classmethod
    def tearDownClass(cls):
        code = cls.switch.stop()
        print(f'log of switchd:\n{cls.switch.log()[-8000:]}', file=sys.stderr)
        cls.scratch.cleanup()
        if code not in (0, None):
            raise AssertionError(f'switchd ended with {code}')

    def setUp(self):
        self.phones = []

    def tearDown(self):
        for phone in self.phones:
            phone.close()
        if self.switch.process:
            self.switch.do('-y', 'clear', 'registration', 'all')

    def phone(self, user='1001', password=PASSWORD, **arguments):
        phone = Phone((self.switch.address, self.switch.port), user, password, **arguments)
        self.phones.append(phone)
        return phone

    def registrations(self, user='1001'):
        return [row for row in self.switch.rows('show', 'registrations') if row['phone'] == user]

    def assert_status(self, answer, status):
        self.assertIsNotNone(answer, 'no answer')
        self.assertEqual(answer.status, status, answer.data.decode('utf-8', 'replace'))


class Challenges(RegistrarCase):
    def test_a_request_without_credentials_is_challenged(self):
        phone = self.phone()
        answer = phone.ask(phone.text())
        self.assert_status(answer, 401)
        challenge = answer.challenge()
        self.assertEqual(challenge['realm'], 'test.realm')
        self.assertEqual(challenge['qop'], 'auth')
        self.assertEqual(challenge['algorithm'], 'MD5')
        self.assertNotIn('stale', challenge)
        self.assertIn('tag=', answer.get('To'))
        self.assertEqual(self.registrations(), [])

    def test_the_right_password_registers(self):
        phone = self.phone()
        answer = phone.register()
        self.assert_status(answer, 200)
        self.assertEqual(answer.contacts(), {phone.contact: 300})
        self.assertRegex(answer.get('Date'), r'^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$')
        [row] = self.registrations()
        self.assertEqual(row['contact'], phone.contact)
        self.assertEqual(row['source_address'], f'127.0.0.1:{phone.port}')
        self.assertEqual(row['user_agent'], 'test phone')
        self.assertFalse(row['is_nat'])

    def test_code_407_and_either_header(self):
        self.switch.set('SS_SIP_AUTHENTICATION_CODE', '407')
        self.addCleanup(self.switch.set, 'SS_SIP_AUTHENTICATION_CODE', '401')
        phone = self.phone()
        answer = phone.ask(phone.text())
        self.assert_status(answer, 407)
        self.assertIsNotNone(answer.get('Proxy-Authenticate'))
        self.assertIsNone(answer.get('WWW-Authenticate'))
        for header in ('Proxy-Authorization', 'Authorization'):
            line = phone.credentials(phone.challenge(), header=header)
            self.assert_status(phone.ask(phone.text(line, f'Contact: <{phone.contact}>')), 200)

    def test_credentials_of_our_realm_are_found_among_others(self):
        phone = self.phone()
        foreign = phone.credentials({'realm': 'elsewhere', 'nonce': 'x'})
        line = phone.credentials(phone.challenge(), header='Proxy-Authorization')
        self.assert_status(phone.ask(phone.text(foreign, line)), 200)
        self.assert_status(phone.ask(phone.text(foreign)), 401)

    def test_a_client_without_qop(self):
        phone = self.phone()
        line = phone.credentials(phone.challenge(), qop=False)
        self.assert_status(phone.ask(phone.text(line)), 200)
        answer = phone.ask(phone.text(line))
        self.assert_status(answer, 401)
        self.assertEqual(answer.challenge()['stale'], 'true')

    def test_a_nonce_count_cannot_be_replayed(self):
        phone = self.phone()
        challenge = phone.challenge()
        line = phone.credentials(challenge)
        contact = f'Contact: <{phone.contact}>'
        self.assert_status(phone.ask(phone.text(line, contact)), 200)
        answer = phone.ask(phone.text(line, contact))
        self.assert_status(answer, 401)
        self.assertEqual(answer.challenge()['stale'], 'true')
        # Someone who saw it, from elsewhere, with the very same text.
        thief = self.phone()
        text = phone.text(phone.credentials(challenge, count=2), contact)
        self.assert_status(phone.ask(text), 200)
        answer = thief.ask(text.replace(phone.contact, 'sip:thief@127.0.0.1:9'))
        self.assertIn(answer.status if answer else None, (401, None))
        self.assertEqual([row['contact'] for row in self.registrations()], [phone.contact])
        self.assert_status(phone.ask(phone.text(phone.credentials(challenge, count=3), contact)), 200)

    def test_a_retransmission_gets_the_same_answer(self):
        phone = self.phone()
        text = phone.signed(f'Contact: <{phone.contact}>', 'Expires: 600')
        first, second = phone.ask(text), phone.ask(text)
        self.assert_status(first, 200)
        self.assert_status(second, 200)
        self.assertEqual(first.get('To'), second.get('To'))
        self.assertEqual(list(first.contacts()), list(second.contacts()))
        self.assertLessEqual(second.contacts()[phone.contact], 600)

    def test_foreign_and_old_nonces_are_stale(self):
        self.switch.set('SS_SIP_AUTHENTICATION_TIMEOUT', '1')
        self.addCleanup(self.switch.set, 'SS_SIP_AUTHENTICATION_TIMEOUT', '10')
        phone = self.phone()
        challenge = phone.challenge()
        made_up = dict(challenge, nonce='A' * 24)
        answer = phone.ask(phone.text(phone.credentials(made_up)))
        self.assert_status(answer, 401)
        self.assertEqual(answer.challenge()['stale'], 'true')

        def is_stale():
            count[0] += 1
            aged = phone.ask(phone.text(phone.credentials(challenge, count=count[0])))
            return aged.status == 401 and aged.challenge().get('stale') == 'true'
        count = [0]
        wait_for('the nonce gets old', is_stale)
        self.assert_status(phone.register(), 200)

    def test_unreadable_credentials(self):
        phone = self.phone()
        for value in ('Digest', 'Digest username="1001"', 'Digest username="1001', 'Digest realm=a, realm=b'):
            self.assert_status(phone.ask(phone.text(f'Authorization: {value}')), 400)
        self.assert_status(phone.ask(phone.text('Authorization: Basic MTAwMTp4')), 401)


class Sameness(RegistrarCase):
    """An answer does not tell whether a user exists."""

    USERS = ('1001', '9009')  # one that is there and one that is not, of the same length

    def answers(self, make):
        """The answers to the same request for both users, made comparable."""
        texts = []
        for user in self.USERS:
            with Phone((self.switch.address, self.switch.port), user, 'wrong', advertised='127.0.0.1:5099') as phone:
                answer = make(phone)
                texts.append(answer.normal().replace(user, 'USER').replace(f'rport={phone.port}', 'rport='))
        return texts

    def assert_same(self, make, status):
        known, unknown = self.answers(make)
        self.assertEqual(known, unknown)
        self.assertTrue(known.startswith(f'SIP/2.0 {status} '), known)

    def test_without_credentials(self):
        self.assert_same(lambda phone: phone.ask(phone.text()), 401)

    def test_wrong_password(self):
        self.assert_same(lambda phone: phone.register(), 401)

    def test_wrong_password_without_qop(self):
        self.assert_same(lambda phone: phone.ask(phone.text(phone.credentials(phone.challenge(), qop=False))), 401)

    def test_old_nonce(self):
        self.assert_same(lambda phone: phone.ask(phone.text(
            phone.credentials(dict(phone.challenge(), nonce='B' * 24)))), 401)

    def test_unreadable(self):
        self.assert_same(lambda phone: phone.ask(phone.text('Authorization: Digest x')), 400)

    def test_someone_elses_record(self):
        """Who has a password of his own learns nothing about other numbers either."""
        def make(phone):
            line = phone.credentials(phone.challenge(), username='1002', password=PASSWORD)
            return phone.ask(phone.text(line, f'Contact: <{phone.contact}>'))
        self.assert_same(make, 403)

    def test_too_often_in_one_call_id(self):
        self.switch.set('SS_SIP_AUTHENTICATION_RETRY', '1')
        self.addCleanup(self.switch.set, 'SS_SIP_AUTHENTICATION_RETRY', '999')

        def make(phone):
            self.assertEqual(phone.register().status, 401)
            return phone.register()
        self.assert_same(make, 403)

    def test_time(self):
        """A figure for people; a loaded machine is no reason to fail."""
        times = {user: [] for user in self.USERS}
        phones = {user: self.phone(user, 'wrong') for user in self.USERS}
        for _ in range(300):
            for user, phone in phones.items():
                text = phone.signed()
                start = time.perf_counter()
                answer = phone.ask(text)
                times[user].append(time.perf_counter() - start)
                self.assert_status(answer, 401)
        known, unknown = (statistics.median(times[user]) * 1e6 for user in self.USERS)
        print(f'median answer: wrong password {known:.1f} us, unknown user {unknown:.1f} us', file=sys.stderr)


class Expiry(RegistrarCase):
    def test_default_and_ceiling(self):
        phone = self.phone()
        for asked, granted in ((None, 300), (20, 20), (120, 120), (3600, 3600), (3601, 3600), (99999999999, 3600)):
            answer = phone.register(expires=asked)
            self.assert_status(answer, 200)
            self.assertEqual(answer.contacts(), {phone.contact: granted})

    def test_a_parameter_of_the_contact_beats_the_header(self):
        phone = self.phone()
        answer = phone.ask(phone.signed(f'Contact: <{phone.contact}>;expires=77', 'Expires: 500'))
        self.assertEqual(answer.contacts(), {phone.contact: 77})

    def test_too_brief(self):
        phone = self.phone()
        for lines in (['Contact: <CONTACT>', 'Expires: 19'], ['Contact: <CONTACT>;expires=1', 'Expires: 300']):
            lines = [line.replace('CONTACT', phone.contact) for line in lines]
            answer = phone.ask(phone.signed(*lines))
            self.assert_status(answer, 423)
            self.assertEqual(answer.get('Min-Expires'), '20')
        self.assertEqual(self.registrations(), [])

    def test_behind_nat(self):
        phone = self.phone(advertised='10.11.12.13:5060')
        answer = phone.register(expires=3600)
        self.assert_status(answer, 200)
        self.assertEqual(answer.contacts(), {phone.contact: 60})
        self.assertIn(f'rport={phone.port}', answer.get('Via'))
        self.assertIn('received=127.0.0.1', answer.get('Via'))
        [row] = self.registrations()
        self.assertTrue(row['is_nat'])
        self.assertEqual(row['source_address'], f'127.0.0.1:{phone.port}')
        self.assertLessEqual(row['expires_s'], 60)

    def test_a_private_contact_alone_tells_nat(self):
        phone = self.phone()
        answer = phone.register(contact='sip:1001@192.168.7.7:5060', expires=3600)
        self.assertEqual(answer.contacts(), {'sip:1001@192.168.7.7:5060': 60})

    def test_configuration_changes_count_at_once(self):
        self.switch.set('SS_ENDPOINT_EXPIRE', '200/400')
        self.addCleanup(self.switch.set, 'SS_ENDPOINT_EXPIRE', '300/3600')
        phone = self.phone()
        self.assertEqual(phone.register().contacts(), {phone.contact: 200})
        self.assertEqual(phone.register(expires=900).contacts(), {phone.contact: 400})


class Contacts(RegistrarCase):
    def test_several_with_q(self):
        phone = self.phone()
        answer = phone.ask(phone.signed('Contact: <sip:a@127.0.0.1>;q=0.5, "B, \\"b\\"" <sip:b@127.0.0.1;x=1>;expires=60',
                                        'm: sip:c@127.0.0.1;q=0.8;expires=90'))
        self.assert_status(answer, 200)
        self.assertEqual(answer.contacts(), {'sip:a@127.0.0.1': 300, 'sip:b@127.0.0.1;x=1': 60, 'sip:c@127.0.0.1': 90})
        # Best q first.
        self.assertEqual(list(answer.contacts()), ['sip:b@127.0.0.1;x=1', 'sip:c@127.0.0.1', 'sip:a@127.0.0.1'])
        self.assertEqual(len(self.registrations()), 3)

    def test_query_shows_all_and_changes_nothing(self):
        phone = self.phone()
        self.assertEqual(phone.register(contact=False).contacts(), {})
        phone.register(expires=100)
        answer = phone.register(contact=False)
        self.assert_status(answer, 200)
        self.assertIn(answer.contacts()[phone.contact], (99, 100))

    def test_removal_of_one_and_of_all(self):
        phone = self.phone()
        phone.register(contact='sip:a@127.0.0.1')
        phone.register(contact='sip:b@127.0.0.1')
        answer = phone.register(contact='sip:a@127.0.0.1', expires=0)
        self.assert_status(answer, 200)
        self.assertEqual(list(answer.contacts()), ['sip:b@127.0.0.1'])
        phone.register(contact='sip:a@127.0.0.1')
        answer = phone.ask(phone.signed('Contact: *', 'Expires: 0'))
        self.assert_status(answer, 200)
        self.assertEqual(answer.contacts(), {})
        self.assertEqual(self.registrations(), [])

    def test_star_stands_alone_and_with_expires_0(self):
        phone = self.phone()
        phone.register()
        for lines in (['Contact: *'], ['Contact: *', 'Expires: 60'],
                      ['Contact: *', f'Contact: <{phone.contact}>', 'Expires: 0']):
            self.assert_status(phone.ask(phone.signed(*lines)), 400)
        self.assertEqual(len(self.registrations()), 1)

    def test_an_older_request_changes_nothing(self):
        phone = self.phone()
        phone.cseq = 100
        self.assert_status(phone.register(), 200)
        self.assert_status(phone.ask(phone.signed(f'Contact: <{phone.contact}>', 'Expires: 0', cseq=50)), 400)
        self.assertEqual(len(self.registrations()), 1)

    def test_number_and_length_are_bounded(self):
        phone = self.phone()
        many = ', '.join(f'<sip:{i}@127.0.0.1>' for i in range(11))
        self.assert_status(phone.ask(phone.signed(f'Contact: {many}')), 403)
        self.assertEqual(self.registrations(), [])
        many = ', '.join(f'<sip:{i}@127.0.0.1>' for i in range(10))
        self.assert_status(phone.ask(phone.signed(f'Contact: {many}')), 200)
        self.assertEqual(len(self.registrations()), 10)
        self.assert_status(phone.register(contact='sip:one-more@127.0.0.1'), 403)
        self.assert_status(phone.register(contact='sip:' + 'a' * 242 + '@127.0.0.1'), 400)
        self.assertEqual(len(self.registrations()), 10)

    def test_a_bad_contact_is_refused_whole(self):
        phone = self.phone()
        for value in ('<sip:a@127.0.0.1>, <>', '<tel:123>', '<sip:a@127.0.0.1', 'mailto:a@b'):
            self.assert_status(phone.ask(phone.signed(f'Contact: {value}')), 400)
        self.assertEqual(self.registrations(), [])

    def test_a_refresh_from_a_new_port_moves_the_binding(self):
        first, second = (self.phone(advertised='10.11.12.13:5060') for _ in range(2))
        first.register()
        second.register()
        [row] = self.registrations()
        self.assertEqual(row['source_address'], f'127.0.0.1:{second.port}')

    @unittest.skipUnless(has_ip6(), 'no IPv6 on loopback')
    def test_over_ip6(self):
        phone = Phone(('::1', self.port6), '1002', PASSWORD, address='::1')
        self.phones.append(phone)
        answer = phone.register()
        self.assert_status(answer, 200)
        self.assertEqual(answer.contacts(), {phone.contact: 300})
        [row] = self.registrations('1002')
        self.assertEqual(row['source_address'], f'[::1]:{phone.port}')
        self.assertFalse(row['is_nat'])


class Refusals(RegistrarCase):
    def test_who_may_not_register(self):
        for user in ('1008', '1009'):  # locked, static
            self.assert_status(self.phone(user).register(), 403)
            self.assertEqual(self.registrations(user), [])

    def test_required_extension(self):
        phone = self.phone()
        answer = phone.ask(phone.text('Require: outbound, path, GRUU'))
        self.assert_status(answer, 420)
        self.assertEqual(answer.get('Unsupported'), 'outbound')

    def test_bad_addresses(self):
        phone = self.phone()
        self.assert_status(phone.ask(phone.text(uri='tel:1001')), 416)
        self.assert_status(phone.ask(phone.text(to='<sip:127.0.0.1>')), 400)
        self.assert_status(phone.ask(phone.text(to='<tel:1001>')), 400)
        self.assert_status(phone.ask(phone.text(to=f'<sip:{"9" * 72}@127.0.0.1>')), 400)

    def test_an_escaped_user_is_the_same_user(self):
        phone = self.phone()
        answer = phone.ask(phone.signed(f'Contact: <{phone.contact}>', to='<sip:%31001@127.0.0.1>'))
        self.assert_status(answer, 200)
        self.assertEqual(len(self.registrations()), 1)


class Lockout(RegistrarCase):
    params = ('SS_AUTHENTICATION_MAX_RETRY = 3', 'SS_SIP_AUTHENTICATION_RETRY = 999',
              'trusted 127.0.0.9/32\n exit')

    def fail(self, phone, times):
        return [phone.register().status for _ in range(times)]

    def test_suspension(self):
        """The fourth failure in a row suspends the source, whatever the user, and no other."""
        thief = self.phone('1001', 'wrong', address='127.0.0.2')
        guess = self.phone('1002', 'wrong', address='127.0.0.2')
        honest = self.phone('1001', address='127.0.0.2')
        other = self.phone('1003')
        self.assertEqual(self.fail(thief, 2) + self.fail(guess, 1), [401, 401, 401])
        self.assertEqual(guess.register().status, 403)
        # Suspended: no challenge, and the right password does not help.
        self.assert_status(honest.ask(honest.text()), 403)
        self.assert_status(other.register(), 200)
        [row] = self.switch.rows('show', 'authentication', 'suspended')
        self.assertEqual(row['source_address'], '127.0.0.2')
        wait_for('the log tells', lambda: '127.0.0.2' in self.switch.log())
        self.switch.set('SS_REPLY_UNAUTHORIZED', 'off')
        self.addCleanup(self.switch.set, 'SS_REPLY_UNAUTHORIZED', 'on')
        self.assertIsNone(honest.ask(honest.text(), timeout_s=SILENCE_S))
        self.assert_status(other.register(), 200)
        self.switch.do('-y', 'clear', 'authentication', 'suspended', 'all')
        self.assert_status(honest.register(), 200)

    def test_success_starts_over(self):
        phone = self.phone(address='127.0.0.3')
        for _ in range(3):
            phone.password = 'wrong'
            self.assertEqual(self.fail(phone, 3), [401, 401, 401])
            phone.password = PASSWORD
            self.assert_status(phone.register(), 200)

    def test_a_trusted_source_is_never_suspended(self):
        phone = self.phone(password='wrong', address='127.0.0.9')
        self.assertEqual(self.fail(phone, 8), [401] * 8)


class Survival(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix='vos-registrar-')
        self.switch = Switch(self.scratch.name, configuration()).start()

    def tearDown(self):
        self.switch.stop()
        print(f'log of switchd:\n{self.switch.log()[-8000:]}', file=sys.stderr)
        self.scratch.cleanup()

    def phone(self, user='1001', **arguments):
        phone = Phone((self.switch.address, self.switch.port), user, PASSWORD, **arguments)
        self.addCleanup(phone.close)
        return phone

    def contacts(self):
        return {row['contact']: row for row in self.switch.rows('show', 'registrations')}

    def written_ns(self):
        return max(path.stat().st_mtime_ns for path in (Path(self.switch.folder) / 'state' / 'bindings').iterdir())

    def wait_until_written(self, since_ns):
        """The storage thread writes once a second; its write is over when a whole such period saw no other."""
        wait_for('bindings are written', lambda: self.written_ns() > since_ns)
        wait_for('the write is over', lambda: time.time_ns() - self.written_ns() > 300_000_000)

    def test_bindings_outlive_a_restart(self):
        direct, hidden = self.phone(), self.phone('1002', advertised='10.1.1.1:5060')
        direct.register(expires=600)
        hidden.register()
        before = self.contacts()
        self.assertEqual(self.switch.stop(), 0)
        self.switch.start(apply=False)
        after = self.contacts()
        self.assertEqual(after.keys(), before.keys())
        for contact, row in after.items():
            for name in ('phone', 'source_address', 'local_address', 'is_nat', 'registered_time', 'user_agent'):
                self.assertEqual(row[name], before[contact][name])
            self.assertLessEqual(row['expires_s'], before[contact]['expires_s'])
        # Nonces of the first life are stale, which is no failure.
        self.assertEqual(direct.register().status, 200)

    def test_bindings_and_removals_outlive_a_kill(self):
        kept, gone = self.phone(), self.phone('1002')
        since_ns = self.written_ns()
        kept.register(expires=600)
        gone.register()
        self.wait_until_written(since_ns)
        since_ns = self.written_ns()
        gone.register(expires=0)
        self.wait_until_written(since_ns)
        self.assertEqual(self.switch.stop(signal.SIGKILL), -signal.SIGKILL)
        self.switch.start(apply=False)
        self.assertEqual(list(self.contacts()), [kept.contact])


if __name__ == '__main__':
    unittest.main(verbosity=2)
