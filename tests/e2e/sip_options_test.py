#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a stranger's datagram gets from the SIP port: OPTIONS, methods that are not served, messages that
are broken, and what is no SIP at all. The switch has to answer an honest OPTIONS after each of them."""
import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, Message, stop_cleanly
from switch import BUILD, ROOT, SKIPPED, Switch

TORTURE = Path(os.environ.get('VOS_TORTURE_DIR') or ROOT.parent / 'shared' / 'testdata' / 'rfc4475')

# RFC 4475 by class. A valid one may be challenged or find nobody, but is never called malformed.
VALID = ('wsinv esc01 lwsdisp longreq dblreq semiuri transports mpart01 badbranch unkscm novelsc '
         'bext01 invut regaut01 zeromf cparam01 cparam02 regescrt sdp01 inv2543').split()
# Well-formed, but no address that could be a phone's: a user with a NUL, a book.
NO_PHONE = ('escnull', 'unksm2')
UNSERVED = ('intmeth', 'esc02')
INVALID = ('badinv01 clerr ncl scalar02 quotbal ltgtruri lwsruri lwsstart trws escruri badaspec baddn '
           'mismatch01 mismatch02 insuf multi01 mcl01').split()
# Only the full parse sees what is wrong; credentials are asked for before it.
CHALLENGED_OR_INVALID = ('baddate', 'regbadct')
RESPONSES = ('unreason', 'noreason', 'scalarlg', 'bigcode', 'bcast')


class StrangerCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-options-')
        cls.switch = Switch(cls.scratch.name, 'phone 1001\n password plain "caller-password"\n exit').start()

    @classmethod
    def tearDownClass(cls):
        try:
            stop_cleanly(cls.switch)
        finally:
            cls.scratch.cleanup()

    def setUp(self):
        self.agent = Agent(self.switch, '1001', 'caller-password')
        self.addCleanup(self.agent.close)

    def ask(self, method, headers=(), **fields):
        """The final response to a request from outside a dialog."""
        request = self.agent.request(method, f'sip:{self.switch.address}', headers, **fields)
        return self.agent.wait_status(self.agent.send(request))

    def assert_alive_and_silent(self, message):
        """An OPTIONS is answered, and nothing else has come: order is kept on loopback."""
        del self.agent.received[:]
        self.assertEqual(self.agent.options().status, 200)
        self.assertEqual(len(self.agent.received), 1, f'{message}: {self.agent.received}')


class OptionsTest(StrangerCase):
    def test_options(self):
        response = self.ask('OPTIONS')
        self.assertEqual(response.status, 200)
        self.assertTrue(response.tag('To'))
        allowed = {method.strip() for method in response.get('Allow').split(',')}
        self.assertLessEqual({'INVITE', 'ACK', 'CANCEL', 'BYE', 'OPTIONS', 'REGISTER'}, allowed)
        self.assertIn('application/sdp', response.get('Accept'))
        self.assertEqual(response.get('Content-Length'), '0')

    def test_answer_goes_to_the_source_port_with_rport(self):
        response = self.ask('OPTIONS')
        self.assertIn(f'rport={self.agent.port}', response.get('Via'))
        self.assertEqual(response.source, (self.switch.address, self.switch.port))

    def test_every_via_and_route_record_comes_back(self):
        request = self.agent.request('OPTIONS', 'sip:test')
        vias = ['SIP/2.0/UDP b.example.com;branch=z9hG4bKb, SIP/2.0/TCP c.example.com;branch=z9hG4bKc',
                'SIP/2.0/UDP d.example.com;branch=z9hG4bKd']
        request.headers += [('Via', via) for via in vias]
        response = self.agent.wait_status(self.agent.send(request))
        self.assertEqual(response.all('Via')[1:], vias)

    def test_compact_and_folded_request(self):
        self.agent.send_raw((f'OPTIONS sip:test SIP/2.0\r\nv: SIP/2.0/UDP\r\n {self.agent.address}:'
                             f'{self.agent.port};rport;\r\n\tbranch=z9hG4bKfold\r\nf: <sip:a@example.com>;tag=1\r\n'
                             't: <sip:b@example.com>\r\ni:\r\n folded-call-id\r\nCSeq: 1\r\n OPTIONS\r\nl: 0\r\n\r\n'
                             ).encode())
        response = self.agent.wait_for(lambda m: m.status is not None)
        self.assertEqual((response.status, response.call_id), (200, 'folded-call-id'))

    def test_unserved_methods(self):
        for method, status in (('SUBSCRIBE', 405), ('NOTIFY', 405), ('DANCE', 501),
                               ('invite', 501), ("a-.!%*_+`'~", 501)):
            with self.subTest(method):
                response = self.ask(method)
                self.assertEqual(response.status, status)
                self.assertIn('OPTIONS', response.get('Allow'))

    def test_requests_of_no_dialog(self):
        for method in ('BYE', 'UPDATE', 'INFO'):
            with self.subTest(method):
                self.assertEqual(self.ask(method, to='<sip:x@example.com>;tag=nobody').status, 481)
        # CANCEL of nothing; the same answer.
        self.assertEqual(self.ask('CANCEL').status, 481)


class BrokenTest(StrangerCase):
    def refusal(self, change):
        """Status of the answer to an OPTIONS whose bytes are changed."""
        data = self.agent.request('OPTIONS', 'sip:test', [('Content-Length', '0')]).to_bytes()
        broken = change(data)
        self.assertNotEqual(data, broken)
        self.agent.send_raw(broken)
        return self.agent.wait_for(lambda m: m.status is not None).status

    def test_refused(self):
        rows = {
            'URI in <>': (400, lambda d: d.replace(b'sip:test ', b'<sip:test> ', 1)),
            'two spaces': (400, lambda d: d.replace(b'OPTIONS sip', b'OPTIONS  sip', 1)),
            'version': (505, lambda d: d.replace(b' SIP/2.0\r\n', b' SIP/7.0\r\n', 1)),
            'CSeq method': (400, lambda d: d.replace(b'1 OPTIONS', b'1 INVITE')),
            'CSeq number': (400, lambda d: d.replace(b'1 OPTIONS', b'2147483648 OPTIONS')),
            'Content-Length': (400, lambda d: d.replace(b'Length: 0', b'Length: 9')),
            'two Call-ID': (400, lambda d: d.replace(b'Content-Length', b'i: 2\r\nContent-Length')),
            'NUL': (400, lambda d: d.replace(b'Content-Length', b'Subject: \0\r\nContent-Length')),
            'lone CR': (400, lambda d: d.replace(b'Content-Length', b'Subject: a\rb\r\nContent-Length')),
            'open quote': (400, lambda d: d.replace(b'To: ', b'To: "')),
            'lines': (400, lambda d: d.replace(b'Content-Length', b'X-Y: z\r\n' * 200 + b'Content-Length')),
            'commas': (400, lambda d: d.replace(b'Content-Length', b'X-Y: ' + b',' * 201 + b'\r\nContent-Length')),
            'size': (513, lambda d: d.replace(b'Content-Length', b'X-Y: ' + b'z' * 16384 + b'\r\nContent-Length')),
        }
        for name, (status, change) in rows.items():
            with self.subTest(name):
                self.assertEqual(self.refusal(change), status)

    def test_refusal_reflects_no_more_than_it_got(self):
        data = self.agent.request('OPTIONS', 'sip:test').to_bytes().replace(b'1 OPTIONS', b'1 INVITE')
        self.agent.send_raw(data + b'z' * 1000)
        self.agent.wait_for(lambda m: m.status == 400)
        self.assertLess(len(self.agent.received[-1]), 2 * len(data))

    def test_never_answered(self):
        good = self.agent.request('OPTIONS', 'sip:test').to_bytes()
        ack = self.agent.request('ACK', 'sip:test')
        rows = {
            'CRLF': b'\r\n\r\n', 'one CRLF': b'\r\n', 'keepalive': b'HELLO', 'NUL': b'\0' * 4, 'empty': b'',
            'STUN': bytes.fromhex('000100002112a442') + b'x' * 12, 'RTP': b'\x80\0\0\1' + b'x' * 168,
            'HTTP': b'GET / HTTP/1.1\r\nHost: example.com\r\n\r\n',
            'no Via': b''.join(line + b'\r\n' for line in good.split(b'\r\n')[:-1] if not line.startswith(b'Via')),
            'ACK': ack.to_bytes(), 'broken ACK': ack.to_bytes().replace(b'1 ACK', b'1 BYE'),
            'response': Message('SIP/2.0 200 OK', ack.headers).to_bytes(),
            'broken response': b'SIP/2.0 999 What\r\n' + good.partition(b'\r\n')[2],
            'start of a message': good[:40],
        }
        for name, data in rows.items():
            with self.subTest(name):
                self.agent.send_raw(data)
                self.assert_alive_and_silent(name)


class TortureTest(StrangerCase):
    """The messages of RFC 4475, where they are at hand. Most name port 5060 in Via without rport, so they
    are sent from that port of an address of their own."""

    def setUp(self):
        if not TORTURE.is_dir():
            self.skipTest('no torture messages here')
        try:
            self.agent = Agent(self.switch, '1001', address='127.44.75.1', port=5060)
        except OSError as error:
            self.skipTest(f'port 5060 of 127.44.75.1: {error}')
        self.addCleanup(self.agent.close)

    def answer(self, name):
        data = (TORTURE / f'{name}.dat').read_bytes()
        self.agent.send_raw(data.replace(b':5050;', b':5060;', 1))
        return self.agent.wait_for(lambda m: m.status is not None and m.status > 100, what=f'answer to {name}').status

    def test_valid(self):
        for name in VALID:
            with self.subTest(name):
                self.assertNotIn(self.answer(name), (400, 500, 501, 505, 513))

        for name in NO_PHONE:
            with self.subTest(name):
                self.assertIn(self.answer(name), (400, 401, 403, 404, 407))

    def test_unserved_method(self):
        for name in UNSERVED:
            with self.subTest(name):
                self.assertEqual(self.answer(name), 501)

    def test_invalid(self):
        for name in INVALID:
            with self.subTest(name):
                self.assertEqual(self.answer(name), 400)
        for name in CHALLENGED_OR_INVALID:
            with self.subTest(name):
                self.assertIn(self.answer(name), (400, 401, 407, 403, 404))
        self.assertEqual(self.answer('badvers'), 505)

    def test_responses_out_of_the_blue(self):
        for name in RESPONSES:
            with self.subTest(name):
                self.agent.send_raw((TORTURE / f'{name}.dat').read_bytes())
                self.assert_alive_and_silent(name)


if __name__ == '__main__':
    for program in ('switchd', 'vosctl'):
        if not (BUILD / program).exists():
            print(f'{BUILD / program} is not built')
            sys.exit(SKIPPED)
    sys.stdout.flush()
    unittest.main(verbosity=2)
