#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones that are probed with OPTIONS: what they get, what their silence does, and what brings them back."""
import re
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, Message, make_sdp
from sip_client import Phone
from stream_client import StreamAgent
from switch import Switch, free_udp_port, wait_for

PASSWORD = 'right-password'
PERIOD_S = 10
HIDDEN = '10.20.30.40:5060'
BRANCH = re.compile(r'branch=(z9hG4bKk[0-9a-f]{24})$')


class Probes(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix='vos-probe-')
        self.addCleanup(self.scratch.cleanup)
        self.tcp_port = free_udp_port()
        self.switch = Switch(self.scratch.name, f'''
phone 1001
 password plain "{PASSWORD}"
 keepalive options
 exit
phone 1002
 password plain "{PASSWORD}"
 exit
phone 1003
 password plain "{PASSWORD}"
 keepalive options
 exit
phone 1004
 password plain "{PASSWORD}"
 exit
listen stream
 tcp 127.0.0.1:{self.tcp_port}
 exit
SS_SIP_SIGNALLING_THREADS = 3
SS_SIP_NAT_KEEP_ALIVE_PERIOD = {PERIOD_S}
SS_SIP_NAT_KEEP_ALIVE_PROBE_FAILS = 1
SS_SIP_TIMEOUT_INVITE = 3
''').start()
        self.addCleanup(self.stop)

    def stop(self):
        code = self.switch.stop()
        print(f'log of switchd:\n{self.switch.log()[-8000:]}', file=sys.stderr)
        self.assertIn(code, (0, None))

    def phone(self, user, **arguments):
        phone = Phone((self.switch.address, self.switch.port), user, PASSWORD, **arguments)
        self.addCleanup(phone.close)
        self.assertEqual(phone.register().status, 200)
        return phone

    def status(self):
        return self.switch.json('show', 'nat-keep-alive')['item']

    def row(self, port):
        source = f'127.0.0.1:{port}'
        return next(row for row in self.switch.rows('show', 'nat-keep-alive', 'phones') if row['source_address'] == source)

    def registered(self, port):
        source = f'127.0.0.1:{port}'
        return next(row for row in self.switch.rows('show', 'registrations') if row['source_address'] == source)

    def probe(self, phone):
        data = phone.receive(2 * PERIOD_S)
        self.assertIsNotNone(data, 'no probe')
        return Message.parse(data)

    def answer(self, phone, probe, status='200 OK', branch=None):
        via = probe.get('Via')
        if branch:
            via = BRANCH.sub(f'branch={branch}', via)
        phone.send(Message(f'SIP/2.0 {status}', [
            ('Via', via), ('From', probe.get('From')), ('To', probe.get('To') + ';tag=a'),
            ('Call-ID', probe.call_id), ('CSeq', probe.get('CSeq'))]).to_bytes())

    def unreachable(self, port):
        return wait_for('it is unreachable', lambda: self.row(port)['is_reachable'] is False, 3 * PERIOD_S)

    def test_who_gets_what(self):
        """All in one round: by UDP with and without NAT, and by the connection that a phone registered by."""
        with StreamAgent(self.switch, '1003', PASSWORD, self.tcp_port) as stream, \
                StreamAgent(self.switch, '1004', PASSWORD, self.tcp_port) as silent_stream:
            stream.register()
            # The message is not for connections.
            silent_stream.register(contact=f'<sip:1004@{HIDDEN};transport=tcp>')
            self.assertIs(self.switch.rows('show', 'registrations', 'phone', '1004')[0]['is_nat'], True)
            hidden = self.phone('1001', advertised=HIDDEN)
            direct = self.phone('1001')
            message = self.phone('1002', advertised=HIDDEN)
            first = self.probe(hidden)
            self.check_probe(first, f'sip:1001@{HIDDEN}')
            self.check_probe(self.probe(direct), direct.contact)
            self.assertEqual(message.receive(2 * PERIOD_S), b'HELLO')
            over_tcp = stream.wait_for(lambda found: found.method == 'OPTIONS', 2 * PERIOD_S)
            self.check_probe(over_tcp, stream.contact[1:-1], 'TCP', self.tcp_port)
            self.assertIs(over_tcp.source, stream.main)
            rows = self.switch.rows('show', 'nat-keep-alive', 'phones')
            self.assertEqual(sorted((row['phone'], row['kind'], row['unanswered_probes']) for row in rows),
                             [('1001', 'options', 1), ('1001', 'options', 1), ('1002', 'message', None),
                              ('1003', 'options', 1)])
            self.assertIsNone(self.registered(message.port)['is_reachable'])
            # Each is one turn of the round, and there is no transaction that would repeat it or wait.
            status = self.status()
            self.assertEqual((status['devices'], status['devices_probed'], status['sent_total']), (4, 3, 4))
            self.assertEqual([row for row in self.switch.rows('show', 'sip', 'transactions')
                              if row['method'] == 'OPTIONS'], [])
            stream.reply(over_tcp, 200, to_tag='a')
            wait_for('the answer is seen', lambda: 0 in [
                row['unanswered_probes'] for row in self.switch.rows('show', 'nat-keep-alive', 'phones')])
            again = self.probe(hidden)
            self.check_probe(again, f'sip:1001@{HIDDEN}')
            self.assertNotEqual(again.get('Via'), first.get('Via'))
            self.assertNotEqual(again.call_id, first.call_id)

    def check_probe(self, probe, uri, transport='UDP', port=None):
        host = f'{self.switch.address}:{port or self.switch.port}'
        self.assertEqual(probe.first_line, f'OPTIONS {uri} SIP/2.0')
        via = probe.all('Via')
        self.assertEqual(len(via), 1)
        self.assertTrue(via[0].startswith(f'SIP/2.0/{transport} {host};rport;'))
        self.assertRegex(via[0], BRANCH)
        self.assertEqual(probe.get('Max-Forwards'), '70')
        self.assertRegex(probe.get('From'), rf'^<sip:{re.escape(host)}>;tag=[0-9a-f]+$')
        self.assertEqual(probe.get('To'), f'<{uri}>')
        self.assertRegex(probe.call_id, '^v1-00k[0-9a-f]{24}$')
        self.assertRegex(probe.get('CSeq'), r'^\d+ OPTIONS$')
        self.assertEqual(probe.get('Content-Length'), '0')

    def test_silence_and_signs_of_life(self):
        phone = self.phone('1001', advertised=HIDDEN)
        first = self.probe(phone)
        self.assertIs(self.row(phone.port)['is_reachable'], True)
        self.assertEqual(self.row(phone.port)['unanswered_probes'], 1)
        self.unreachable(phone.port)
        self.assertEqual(self.status()['devices_unreachable'], 1)
        self.assertIs(self.registered(phone.port)['is_reachable'], False)
        self.assertIs(self.switch.rows('show', 'phones', '1001')[0]['is_reachable'], False)
        self.assertEqual(len(self.switch.rows('show', 'nat-keep-alive', 'phones', 'unreachable')), 1)
        # An answer to another probe, or with a mark of one's own, is none.
        newest = self.probe(phone)
        self.answer(phone, first)
        self.answer(phone, newest, branch='z9hG4bKk00000001' + '0' * 16)
        # Answers come in order: when this one is there, those before were looked at.
        self.assertEqual(phone.ask(phone.text(method='OPTIONS')).status, 200)
        self.assertIs(self.row(phone.port)['is_reachable'], False)
        # Anything else that a phone could say is a sign of life.
        self.answer(phone, newest, '481 Call Does Not Exist')
        wait_for('it is back', lambda: self.row(phone.port)['is_reachable'] is True)
        self.assertEqual(self.row(phone.port)['unanswered_probes'], 0)
        self.assertEqual(self.status()['devices_unreachable'], 0)
        self.assertIs(self.registered(phone.port)['is_reachable'], True)
        self.assertIs(self.switch.rows('show', 'phones', '1001')[0]['is_reachable'], True)
        # And so is a REGISTER.
        self.unreachable(phone.port)
        phone.socket.setblocking(False)
        while True:
            try:
                phone.socket.recv(65535)
            except BlockingIOError:
                break
        self.assertEqual(phone.register().status, 200)
        self.assertIs(self.row(phone.port)['is_reachable'], True)

    def test_a_silent_contact_is_tried_last(self):
        with Agent(self.switch, '1001', PASSWORD) as good, Agent(self.switch, '1001', PASSWORD) as silent, \
                Agent(self.switch, '1002', PASSWORD) as caller:
            good.register()
            silent.register()  # the newest one: it would be tried first
            caller.register()
            alive = 0
            while self.row(silent.port)['is_reachable'] is not False:
                probe = good.wait_for(lambda message: message.method == 'OPTIONS', 3 * PERIOD_S)
                good.reply(probe, 200, to_tag='a')
                alive += 1
            self.assertGreater(alive, 0)
            wait_for('the answer is seen', lambda: self.row(good.port)['is_reachable'] is True)
            call = caller.invite('1001', make_sdp('127.0.0.1', 40000))
            incoming = good.incoming()
            incoming.answer(200, make_sdp('127.0.0.1', 40002))
            call.wait(200)
            call.ack()
            incoming.wait_request('ACK')
            call.bye()
            incoming.reply(incoming.wait_request('BYE'), 200)
            while silent.read(0.1):
                pass
            self.assertNotIn(b'INVITE', [data[:6] for data in silent.received])
            self.assertIn(b'OPTION', [data[:6] for data in silent.received])

    def test_after_a_restart(self):
        """What a binding is kept alive by is the configuration's to say, not the stored binding's."""
        phone = self.phone('1001', advertised=HIDDEN)
        wait_for('it is stored', lambda: self.switch.json('show', 'status')['item']['registrations'] == 1)
        self.switch.stop()
        self.switch.start(apply=False)
        self.assertEqual(self.row(phone.port)['kind'], 'options')
        self.assertEqual(self.probe(phone).method, 'OPTIONS')


if __name__ == '__main__':
    unittest.main(verbosity=2)
