#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Digest authentication as clients see it: algorithms and qop that are offered, what is taken, and what a
stranger cannot do with it."""
import itertools
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from sip_client import Phone
from sipp import Sipp
from siplib import Agent, make_sdp
from switch import Switch

PASSWORD = 'right-password'
ALGORITHMS = ('SHA-256', 'SHA-256-sess', 'MD5', 'MD5-sess')
CONFIGURATION = '\n'.join([f'phone {number}\n password plain "{PASSWORD}"\n exit' for number in (1001, 1002)] + [
    'SS_SIP_AUTHENTICATION_REALM = test.realm', 'SS_SIP_AUTHENTICATION_RETRY = 999',
    'SS_SIP_AUTHENTICATION_TIMEOUT = 300', 'SS_AUTHENTICATION_MAX_RETRY = 999'])


class DigestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-digest-')
        cls.switch = Switch(cls.scratch.name, CONFIGURATION).start()

    @classmethod
    def tearDownClass(cls):
        code = cls.switch.stop()
        print(f'log of switchd:\n{cls.switch.log()[-8000:]}', file=sys.stderr)
        cls.scratch.cleanup()
        if code not in (0, None):
            raise AssertionError(f'switchd ended with {code}')

    def setUp(self):
        self.offer('md5', 'auth')
        self.switch.do('-y', 'clear', 'authentication', 'suspended', 'all')

    def offer(self, algorithms, qop='auth'):
        self.switch.set('SS_SIP_AUTHENTICATION_ALGORITHMS', algorithms)
        self.switch.set('SS_SIP_AUTHENTICATION_QOP', qop)

    def phone(self, user='1001', password=PASSWORD, **arguments):
        phone = Phone((self.switch.address, self.switch.port), user, password, **arguments)
        self.addCleanup(phone.close)
        return phone

    def failures(self):
        """Source address -> wrong answers."""
        return {row['source_address']: row['failures'] for row in self.switch.rows('show', 'authentication', 'failures')}

    def status_of(self, phone, *lines, **arguments):
        answer = phone.ask(phone.text(*lines, 'Contact: <sip:1001@127.0.0.1:5999>', **arguments))
        self.assertIsNotNone(answer, 'no answer')
        return answer.status


class Offers(DigestCase):
    def test_md5_alone_unless_configured(self):
        """A client that knows nothing but RFC 2617 sees what it always saw."""
        phone = self.phone()
        answer = phone.ask(phone.text())
        self.assertEqual(len(answer.challenges()), 1)
        self.assertRegex(answer.get('WWW-Authenticate'),
                         r'^Digest realm="test\.realm", nonce="[\w-]{24}", qop="auth", algorithm=MD5$')

    def test_strongest_first_under_either_code(self):
        self.addCleanup(self.switch.set, 'SS_SIP_AUTHENTICATION_CODE', '401')
        for code, header in (('401', 'WWW-Authenticate'), ('407', 'Proxy-Authenticate')):
            self.switch.set('SS_SIP_AUTHENTICATION_CODE', code)
            for count in range(1, 5):
                for some in itertools.combinations(ALGORITHMS, count):
                    self.offer(','.join(reversed(some)).lower())
                    answer = self.phone().ask(self.phone().text())
                    self.assertEqual(answer.status, int(code))
                    self.assertEqual(len(answer.all(header)), count)
                    self.assertEqual([challenge['algorithm'] for challenge in answer.challenges()], list(some))

    def test_each_algorithm_registers(self):
        self.offer('sha-256,sha-256-sess,md5,md5-sess')
        for header in ('Authorization', 'Proxy-Authorization'):
            for algorithm in (None, *ALGORITHMS, 'sha-256', 'md5-SESS'):
                phone = self.phone()
                line = phone.credentials(phone.challenge(), header=header, algorithm=algorithm)
                self.assertEqual(self.status_of(phone, line), 200, algorithm)
                line = phone.credentials(phone.challenge(), algorithm=algorithm, password='wrong')
                self.assertEqual(self.status_of(phone, line), 401, algorithm)

    def test_what_is_not_offered_is_asked_for_again_and_counts_nothing(self):
        for offered in ALGORITHMS:
            self.offer(offered)
            for algorithm in (*ALGORITHMS, 'SHA-512-256', 'SHA-512-256-sess', 'AKAv1-MD5', 'x'):
                if algorithm == offered:
                    continue
                for password in (PASSWORD, 'wrong'):
                    phone = self.phone(password=password)
                    answer = phone.ask(phone.text(phone.credentials(phone.challenge(), algorithm=algorithm)))
                    self.assertEqual(answer.status, 401, algorithm)
                    self.assertEqual([c['algorithm'] for c in answer.challenges()], [offered])
                    self.assertNotIn('stale', answer.challenge())
        self.assertEqual(self.failures(), {})

    def test_the_strongest_of_several_answers_counts(self):
        self.offer('sha-256,md5')
        for right, status in (('SHA-256', 200), ('MD5', 401)):
            phone = self.phone()
            challenge = phone.challenge()
            lines = [phone.credentials(challenge, algorithm=algorithm, header=header,
                                       password=PASSWORD if algorithm == right else 'wrong')
                     for algorithm, header in (('MD5', 'Authorization'), ('SHA-256', 'Proxy-Authorization'))]
            self.assertEqual(self.status_of(phone, *lines), status)

    def test_a_call_is_challenged_the_same_way(self):
        self.offer('sha-256,md5')
        with Agent(self.switch, '1001', PASSWORD) as ann, Agent(self.switch, '1002', PASSWORD) as bob:
            ann.register()
            bob.register()
            call = ann.invite('1002', sdp=make_sdp('127.0.0.1', 40000))
            self.assertIn('algorithm=SHA-256', call.invite_request.get('Authorization'))
            ring = bob.incoming()
            ring.answer(486)
            call.wait(486)

    def test_wrong_words_are_refused(self):
        for text in ('sha-512-256', 'md5,md5', 'none', ','):
            result = self.switch.ctl('-c', 'configure', '-c', f'SS_SIP_AUTHENTICATION_ALGORITHMS {text}')
            self.assertNotEqual(result.returncode, 0, text)


class Integrity(DigestCase):
    def ask(self, phone, line, body):
        text = phone.text(line, f'Contact: <{phone.contact}>', 'Content-Type: text/plain')
        answer = phone.ask(text.replace('Content-Length: 0', f'Content-Length: {len(body)}') + body)
        self.assertIsNotNone(answer)
        return answer

    def test_the_body_is_bound(self):
        for algorithm in ALGORITHMS:
            self.offer(algorithm, 'auth-or-auth-int')
            phone = self.phone()
            self.assertEqual(phone.challenge()['qop'], 'auth,auth-int')
            for sent, status in (('as it was', 200), ('as it is not', 401), ('', 401)):
                line = phone.credentials(phone.challenge(), algorithm=algorithm, qop='auth-int', body='as it was')
                self.assertEqual(self.ask(phone, line, sent).status, status, (algorithm, sent))
            line = phone.credentials(phone.challenge(), algorithm=algorithm)
            self.assertEqual(self.ask(phone, line, 'whatever').status, 200)

    def test_only_what_is_offered(self):
        for offered, qop, status in (('auth', 'auth-int', 401), ('auth-int', True, 401), ('auth-int', False, 401),
                                     ('auth-int', 'auth-int', 200), ('auth', 'auth-conf', 401)):
            self.offer('md5', offered)
            phone = self.phone()
            line = phone.credentials(phone.challenge(), qop=qop, body='text')
            answer = self.ask(phone, line, 'text')
            self.assertEqual(answer.status, status, (offered, qop))
            if status == 401:
                self.assertNotIn('stale', answer.challenge())
        self.assertEqual(self.failures(), {})


class Nonces(DigestCase):
    def test_a_nonce_is_for_the_address_it_was_sent_to(self):
        """A nonce that somebody else received opens nothing and counts nothing, whatever password is tried."""
        challenge = self.phone(address='127.0.0.1').challenge()
        victim = self.phone(address='127.0.0.2')
        for password in [f'guess {number}' for number in range(20)] + [PASSWORD]:
            line = victim.credentials(challenge, password=password)
            answer = victim.ask(victim.text(line, f'Contact: <{victim.contact}>'))
            self.assertEqual(answer.status, 401)
            self.assertEqual(answer.challenge()['stale'], 'true')
        self.assertEqual(self.failures(), {})
        self.assertEqual(victim.register().status, 200)

    def test_where_addresses_change(self):
        """Each request of a phone from another address, as behind some NATs; a replay still opens nothing."""
        name = 'SS_SIP_AUTHENTICATION_NONCE_ADDRESS'
        homes = [self.phone(address=f'127.0.0.{number}') for number in (3, 4, 5)]
        self.assertEqual(self.status_of(homes[1], homes[1].credentials(homes[0].challenge())), 401)
        self.switch.set(name, 'off')
        self.addCleanup(self.switch.do, 'set', 'default', name)
        line = homes[1].credentials(homes[0].challenge())
        self.assertEqual(self.status_of(homes[1], line), 200)
        self.assertEqual(self.status_of(homes[2], line), 401)
        self.assertEqual(self.failures(), {})
        wrong = homes[1].credentials(homes[0].challenge(), password='wrong')
        self.assertEqual(self.status_of(homes[1], wrong), 401)
        self.assertEqual(self.failures(), {'127.0.0.4': 1})

    def test_another_port_of_the_address_is_the_same_phone(self):
        """A NAT may map the second request to another port."""
        first, second = self.phone(), self.phone()
        self.assertNotEqual(first.port, second.port)
        self.assertEqual(self.status_of(second, second.credentials(first.challenge())), 200)

    def test_a_wrong_answer_to_a_nonce_of_ones_own_counts(self):
        phone = self.phone(address='127.0.0.3', password='wrong')
        self.assertEqual(phone.register().status, 401)
        self.assertEqual(self.failures(), {'127.0.0.3': 1})


class Garbage(DigestCase):
    HEX = '0123456789abcdef' * 2
    GOOD = f'username="1001", realm="test.realm", nonce="n", uri="sip:x", response="{HEX}"'
    BAD = (
        'Digest', 'Digest ,', 'Digest =', f'Digest {GOOD},', f'Digest {GOOD} {GOOD}', f'Digest {GOOD}, {GOOD}',
        f'Digest {GOOD}, username="1002"', f'Digest {GOOD}, response="{HEX}"', f'Digest {GOOD}, x', f'Digest {GOOD}, x=',
        f'Digest {GOOD}, x="', f'Digest {GOOD}, x="\\', f'Digest {GOOD}, x="a\\"', f'Digest {GOOD}, qop=auth',
        f'Digest {GOOD}, qop="", nc=00000001, cnonce=""', f'Digest {GOOD}, qop=auth, nc=0, cnonce=""',
        f'Digest {GOOD}, qop=auth, nc=00000000, cnonce=""', f'Digest {GOOD}, qop=auth, nc=-0000001, cnonce=""',
        f'Digest {GOOD}, qop=auth, nc=100000000, cnonce=""', f'Digest {GOOD}, qop=auth, nc=0000000g, cnonce=""',
        f'Digest {GOOD.replace(HEX, HEX + "0" * 97)}', f'Digest {GOOD.replace(HEX, "")}',
        f'Digest {GOOD.replace(HEX, "z" * 32)}', f'Digest {GOOD.replace(HEX, HEX * 2)}',
        f'Digest {GOOD}, algorithm=MD5, algorithm=SHA-256', f'Digest {GOOD}, x="{"y" * 2048}"',
        'Digest ' + ', '.join(f'p{number}=1' for number in range(33)), f'Digest username*=UTF-8\'\'1001, {GOOD[17:]}',
        'Digest \x80=1', 'Digest username="\x7f"',
    )
    TAKEN_AS_NONE = (
        'Basic MTAwMTp4', 'Bearer x.y.z', 'DigestX a=b', f'Digest {GOOD}, algorithm=SHA-512-256',
        f'Digest {GOOD.replace("test.realm", "elsewhere")}', f'Digest {GOOD}, algorithm=""',
        f'Digest {GOOD}, qop="auth,auth-int", nc=00000001, cnonce="x"',
    )

    def test_garbage_is_answered_without_harm(self):
        for code, header in (('401', 'Authorization'), ('407', 'Proxy-Authorization')):
            self.switch.set('SS_SIP_AUTHENTICATION_CODE', code)
            self.addCleanup(self.switch.set, 'SS_SIP_AUTHENTICATION_CODE', '401')
            phone = self.phone()
            for status, values in ((400, self.BAD), (int(code), self.TAKEN_AS_NONE)):
                for value in values:
                    answer = phone.ask(phone.text(f'{header}: {value}').encode('latin-1'))
                    self.assertIsNotNone(answer, value)
                    self.assertEqual(answer.status, status, value)
        self.assertEqual(self.failures(), {})
        self.assertEqual(self.phone().register().status, 200)

    def test_the_last_count_there_is(self):
        phone = self.phone()
        challenge = phone.challenge()
        self.assertEqual(self.status_of(phone, phone.credentials(challenge, count=0xffffffff)), 200)
        self.assertEqual(self.status_of(phone, phone.credentials(challenge, count=0xffffffff)), 401)
        self.assertEqual(self.status_of(phone, phone.credentials(challenge, count=1)), 401)


class Sameness(DigestCase):
    def test_unknown_users_under_every_algorithm(self):
        self.offer('sha-256,sha-256-sess,md5,md5-sess', 'auth-or-auth-int')
        for algorithm in ALGORITHMS:
            for qop in (True, False, 'auth-int'):
                if not qop and algorithm.endswith('-sess'):
                    continue
                texts = []
                for user in ('1001', '9009'):
                    with Phone((self.switch.address, self.switch.port), user, 'wrong',
                               advertised='127.0.0.1:5099') as phone:
                        line = phone.credentials(phone.challenge(), algorithm=algorithm, qop=qop)
                        answer = phone.ask(phone.text(line))
                        self.assertEqual(answer.status, 401)
                        texts.append(answer.normal().replace(user, 'USER').replace(f'rport={phone.port}', 'rport='))
                self.assertEqual(*texts)
            self.switch.do('-y', 'clear', 'authentication', 'suspended', 'all')


class Others(DigestCase):
    """Clients that are not ours, with the default."""

    @unittest.skipUnless(shutil.which('sipp'), 'sipp is not installed')
    def test_sipp(self):
        with tempfile.TemporaryDirectory(prefix='vos-digest-sipp-') as folder:
            for user, password, answer in (('1001', PASSWORD, 200), ('1001', 'wrong', 401)):
                client = Sipp(folder, 'register', self.switch, USER=user, PASSWORD=password, EXPIRES=60, CHALLENGE=401,
                              ANSWER=answer)
                client.finish()

    @unittest.skipUnless(shutil.which('sipsak'), 'sipsak is not installed')
    def test_sipsak(self):
        for password, is_good in ((PASSWORD, True), ('wrong', False)):
            done = subprocess.run(
                ['sipsak', '-U', '-u', '1001', '-s', f'sip:1001@{self.switch.address}:{self.switch.port}', '-a', password, '-C',
                 'sip:1001@127.0.0.1:5999', '-x', '60'], capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode == 0, is_good, done.stdout + done.stderr)


if __name__ == '__main__':
    unittest.main(verbosity=2)
