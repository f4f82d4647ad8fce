#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where answers and requests go, and what is sent from where: parties that listen on other ports than they send
from, gateways and registrations bound to one listen address, a registration by way of a proxy."""
import re
import socket
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, stop_cleanly
from switch import Switch, free_udp_port, wait_for


class Split(Agent):
    """It sends from one port, names another one in Via, which it hears answers at, and a third in Contact."""

    def __init__(self, *words, **options):
        super().__init__(*words, **options)
        self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.out.bind((self.address, 0))
        self.other = Agent(*words, **options)
        self.via_host = self.address

    @property
    def contact(self):
        return self.other.contact

    def request(self, *words, **fields):
        request = super().request(*words, **fields)
        request.headers[0] = ('Via', request.headers[0][1].replace(self.address, self.via_host))
        return request

    def send_raw(self, data, to=None):
        self.out.sendto(data, to or self.switch)

    def close(self):
        self.out.close()
        self.other.close()
        super().close()


class Addresses(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-addresses-')
        self.addCleanup(scratch.cleanup)
        # Its port is in the configuration, so it is there before the switch.
        self.carrier = Agent(SimpleNamespace(address='127.0.0.1', port=0), 'carrier')
        self.addCleanup(self.carrier.close)
        self.second = ('127.0.0.5', free_udp_port('127.0.0.5'))
        self.switch = Switch(scratch.name, f'''listen second
 udp 127.0.0.5:{self.second[1]}
 exit
phone 300
 password plain "three"
 exit
mapping-gateway in
 address 127.0.0.3
 exit
routing-gateway carrier
 address 127.0.0.1:{self.carrier.port}
 prefixes 00
 exit
routing-gateway trunk
 registration register
 prefixes 7
 exit
''')
        self.switch.start()
        self.addCleanup(lambda: self.switch.process and stop_cleanly(self.switch))
        self.carrier.switch = (self.switch.address, self.switch.port)

    def agent(self, kind, *words, **options):
        agent = kind(self.switch, *words, **options)
        self.addCleanup(agent.close)
        return agent

    def configure(self, *lines):
        self.switch.do(*(word for line in ('configure', *lines, 'commit') for word in ('-c', line)))

    def legs(self):
        row, = self.switch.rows('show', 'calls')
        return self.switch.json('show', 'call', row['id'])['item']['legs']

    def up(self, source, callee='0012'):
        call = source.invite(callee, make_sdp('127.0.0.3', 41000), expect_challenge=False)
        ring = self.carrier.incoming()
        ring.answer(200, make_sdp('127.0.0.1', 41002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        return call, ring

    def test_a_caller_that_listens_elsewhere(self):
        self.configure('mapping-gateway in', 'reply-address port', 'request-address port', 'exit', 'phone 300',
                       'reply-address socket')
        source = self.agent(Split, '5551', address='127.0.0.3')
        _, ring = self.up(source)
        leg = self.legs()[0]
        self.assertEqual(leg['signalling_address'], f'127.0.0.3:{source.out.getsockname()[1]}')
        self.assertEqual(leg['request_address'], f'127.0.0.3:{source.other.port}')
        ring.bye()
        bye = source.other.wait_for(lambda m: m.method == 'BYE')
        source.other.reply(bye, 200)
        # A NAT has given the phone another port than its Via says, and it knows no rport: the challenge finds it.
        phone = self.agent(Agent, '300', 'three')
        request = phone.request('REGISTER', f'sip:{phone.domain}', [('Contact', phone.contact), ('Expires', '60')],
                                to=f'<{phone.aor}>')
        request.headers[0] = ('Via', re.sub(r':\d+;rport', ':9', request.headers[0][1]))
        self.assertEqual(phone.transact(request).status, 200)

    def test_an_address_of_somebody_else(self):
        """Via names another one: it is answered there only when the configuration knows it."""
        self.configure('mapping-gateway in', 'reply-address full')
        source = self.agent(Split, '5551', address='127.0.0.3')
        stranger = self.agent(Agent, 'stranger', address='127.0.0.6', port=source.port)
        source.via_host = '127.0.0.6'
        source.invite('999', make_sdp('127.0.0.3', 41000), expect_challenge=False).wait(404)
        self.assertTrue(stranger.is_quiet())
        self.configure('trusted 127.0.0.6/32')
        call = source.invite('999', make_sdp('127.0.0.3', 41000), expect_challenge=False)
        answer = stranger.wait_for(lambda m: m.status == 404)
        self.assertEqual(answer.call_id, call.call_id)

    def test_from_one_listen_address(self):
        self.configure('routing-gateway carrier', 'local-address 127.0.0.5', 'memo "by the second"')
        row, = self.switch.rows('show', 'routing-gateways', 'carrier', 'detail')
        self.assertEqual((row['local_address'], row['memo']), ('127.0.0.5', 'by the second'))
        self.assertEqual(self.switch.rows('show', 'route', '0012')[0]['local_address'], '127.0.0.5')
        source = self.agent(Agent, '5551', address='127.0.0.3')
        call, ring = self.up(source)
        here = '%s:%d' % self.second
        self.assertEqual(ring.invite_request.source, self.second)
        self.assertIn(f'@{here}>', ring.invite_request.get('Contact'))
        self.assertEqual([leg['local_address'] for leg in self.legs()],
                         [f'{self.switch.address}:{self.switch.port}', here])
        call.bye()
        bye = ring.wait_request('BYE')
        self.assertEqual(bye.source, self.second)
        ring.reply(bye, 200)
        # Its OPTIONS too, those of the supervision as well.
        self.configure('SS_SIP_OPTIONS_CHECK_PERIOD 1', 'routing-gateway carrier', 'options-check on')
        asked = self.carrier.wait_for(lambda m: m.method == 'OPTIONS')
        self.assertEqual(asked.source, self.second)
        self.carrier.reply(asked, 200)
        refused = self.switch.ctl('set', 'routing-gateway', 'carrier', 'local-address', '127.0.0.9')
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn('127.0.0.9 is not listened on for udp; these addresses are: ', refused.stderr)

    def test_a_registration_by_a_proxy(self):
        def row():
            return self.switch.rows('show', 'registrations', 'outbound', 'r')[0]
        # Its removal at the end would wait for an answer.
        self.configure('SS_SIP_USER_AGENT_SEND_UNREGISTER off', 'registration r', 'server carrier.example',
                       f'proxy 127.0.0.1:{self.carrier.port}', 'local-address 127.0.0.5', 'user-agent "PBX 9"',
                       'capacity 1', 'memo "by the proxy"', 'account alice', 'routing-gateway trunk')
        request = self.carrier.wait_for(lambda m: m.method == 'REGISTER')
        self.assertEqual((request.uri, request.source), ('sip:carrier.example', self.second))
        self.assertIn('<sip:alice@carrier.example>', request.get('From'))
        self.assertEqual(request.get('User-Agent'), 'PBX 9')
        self.carrier.reply(request, 200, to_tag='s', headers=[('Contact', f'{request.get("Contact").partition(";")[0]}'
                                                                          ';expires=300')])
        wait_for('registered', lambda: row()['state'] == 'registered')
        self.assertEqual([row()[name] for name in ('server', 'proxy', 'user_agent', 'calls', 'capacity', 'memo')],
                         ['carrier.example', f'127.0.0.1:{self.carrier.port}', 'PBX 9', 0, 1, 'by the proxy'])
        self.assertEqual(row()['local_address'], '%s:%d' % self.second)
        source = self.agent(Agent, '5551', address='127.0.0.3')
        call, ring = self.up(source, '7001')
        invite = ring.invite_request
        self.assertEqual((invite.uri, invite.source), ('sip:7001@carrier.example', self.second))
        self.assertEqual((invite.get('User-Agent'), row()['calls']), ('PBX 9', 1))
        # Its one line is taken.
        refused = source.invite('7002', make_sdp('127.0.0.3', 41000), expect_challenge=False)
        refused.ack(refused.wait(503))
        route = self.switch.rows('show', 'route', '7002')[0]
        self.assertEqual((route['party'], route['verdict']), ('routing-gateway trunk', 'registration-capacity'))
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)
        wait_for('the line is free', lambda: row()['calls'] == 0)


if __name__ == '__main__':
    unittest.main()
