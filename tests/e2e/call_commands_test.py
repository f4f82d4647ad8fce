#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What an operator sees of calls and can do to them: filters, attempts, the decision a call was set up by,
transactions, and the end of many calls."""
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, stop_cleanly
from switch import Switch, free_udp_port, wait_for

LONG = 'carrier-with-a-name-as-long-as-names-may-be-0123456789-0123456789'[:64]


def configuration(ports):
    return f'''
phone 1001
 password plain "one"
 exit
phone 1002
 password plain "two"
 max-addresses 3
 ring at-once
 network home
 exit
network home
 prefix 127.0.0.0/8
 exit
routing-gateway {LONG}
 address 127.0.0.1:{ports[0]}
 prefixes 8
 exit
routing-gateway other
 address 127.0.0.1:{ports[1]}
 prefixes 9
 exit
SS_RTP_PORT_RANGE = 20400,20599
SS_SIP_SIGNALLING_THREADS = 2
'''


class Commands(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix='vos-calls-')
        self.addCleanup(self.scratch.cleanup)
        ports = [free_udp_port(), free_udp_port()]
        self.switch = Switch(self.scratch.name, configuration(ports)).start()
        self.addCleanup(lambda: stop_cleanly(self.switch))
        self.gateways = [self.agent('carrier', port=port) for port in ports]
        self.caller = self.agent('1001', 'one')
        self.caller.register()

    def agent(self, user, password='', port=0):
        agent = Agent(self.switch, user, password, port=port)
        self.addCleanup(agent.close)
        return agent

    def calls(self, *filters):
        return self.switch.rows('show', 'calls', *filters)

    def ring(self, number, gateway):
        """A call that rings at the gateway: both ends."""
        call = self.caller.invite(number, make_sdp('127.0.0.1', 6000))
        callee = gateway.incoming()
        callee.answer(180)
        call.wait(180)
        return call, callee

    def connect(self, number, gateway):
        call, callee = self.ring(number, gateway)
        callee.answer(200, make_sdp('127.0.0.1', 7000))
        callee.wait_request('ACK')
        call.wait(200)
        call.ack()
        return call, callee

    def test_filters(self):
        self.connect('8001', self.gateways[0])
        self.connect('9001', self.gateways[1])
        self.ring('9102', self.gateways[1])
        self.assertEqual(len(self.calls()), 3)

        def callees(*filters):
            return sorted(row['callee'] for row in self.calls(*filters))

        self.assertEqual(callees('callee', '9001'), ['9001'])
        self.assertEqual(callees('callee', '9*'), ['9001', '9102'])
        self.assertEqual(callees('callee', '90*'), ['9001'])
        self.assertEqual(callees('callee', '*'), ['8001', '9001', '9102'])
        self.assertEqual(callees('callee', '9'), [])
        self.assertEqual(callees('caller', '10*'), ['8001', '9001', '9102'])
        self.assertEqual(callees('caller', '1002'), [])
        self.assertEqual(callees('active'), ['8001', '9001'])
        self.assertEqual(callees('state', 'ringing'), ['9102'])
        self.assertEqual(callees('gateway', LONG), ['8001'])
        self.assertEqual(callees('gateway', 'other', 'active'), ['9001'])
        self.assertEqual(callees('phone', '1001', 'callee', '8*'), ['8001'])
        self.assertEqual(callees('older-than', '2h'), [])
        self.assertEqual(callees('older-than', '5m'), [])
        wait_for('calls older than a second', lambda: len(self.calls('older-than', '1s')) == 3)
        self.assertEqual(self.switch.ctl('show', 'calls', 'older-than', 'soon').returncode, 1)
        brief, detail = self.switch.do('show', 'calls'), self.switch.do('show', 'calls', 'detail')
        self.assertNotIn('TO-ADDRESS', brief)
        # A column that has a heading in detail only is not there without it.
        for text, with_address in (brief, False), (detail, True):
            heading, row = text.splitlines()[:2]
            self.assertEqual('127.0.0.1:' in row, with_address)
            self.assertEqual(len(heading.split()) >= 13, with_address)
        self.assertIn('TO-ADDRESS', detail)
        self.assertEqual(self.calls('detail'), self.calls())

    def test_clear_calls(self):
        first = self.connect('8001', self.gateways[0])
        second = self.connect('9001', self.gateways[1])
        third = self.ring('8002', self.gateways[0])
        # A script says that it means it.
        for words in ('gateway', LONG), ('all',):
            self.assertEqual(self.switch.ctl('clear', 'calls', *words).returncode, 1)
        self.assertEqual(len(self.calls()), 3)
        self.assertIn('2 calls ended', self.switch.do('-y', 'clear', 'calls', 'gateway', LONG))
        for side in first:
            side.reply(side.wait_request('BYE'), 200)
        self.assertEqual(third[0].wait(480).status, 480)
        third[1].wait_request('CANCEL')
        self.assertEqual([row['callee'] for row in self.calls()], ['9001'])
        self.assertEqual(self.switch.ctl('clear', 'calls', 'gateway', 'nobody').returncode, 6)
        self.assertIn('1 call ended', self.switch.do('-y', 'clear', 'calls', 'all'))
        for side in second:
            side.reply(side.wait_request('BYE'), 200)
        self.assertEqual(self.calls(), [])
        self.assertIn('0 calls ended', self.switch.do('-y', 'clear', 'calls', 'all'))
        # What was done stands in the audit.
        self.assertTrue(any('clear calls gateway' in str(row) for row in self.switch.rows('show', 'audit')))

    def test_clear_more_calls_than_a_slice(self):
        calls = []
        for number in range(150):
            call = self.caller.invite(f'8{number:03}', make_sdp('127.0.0.1', 6000))
            callee = self.gateways[0].incoming()
            callee.answer(180)
            calls.append(call)
        self.assertEqual(len(self.calls()), 150)
        self.assertIn('150 calls ended', self.switch.do('-y', 'clear', 'calls', 'gateway', LONG))
        self.assertEqual(self.calls(), [])

    def test_attempts_and_decision(self):
        phones = [self.agent('1002', 'two') for _ in range(2)]
        for phone in phones:
            phone.register()
        call = self.caller.invite('1002', make_sdp('127.0.0.1', 6000))
        legs = [phone.incoming() for phone in phones]
        legs[0].answer(180)
        call.wait(180)
        legs[1].answer(486)
        legs[1].wait_request('ACK')
        row = wait_for('the call rings', lambda: self.calls('state', 'ringing'))[0]
        attempts = {attempt['address']: attempt for attempt in
                    self.switch.json('show', 'call', row['id'])['item']['attempts']}
        rings = attempts[f'127.0.0.1:{phones[0].port}']
        busy = attempts[f'127.0.0.1:{phones[1].port}']
        self.assertEqual(len(attempts), 2)
        self.assertEqual((rings['state'], rings['outcome'], rings['end_ms']), ('ringing', None, None))
        self.assertEqual(rings['party'], 'phone 1002')
        self.assertGreater(rings['state_left_s'], 100)
        self.assertEqual((busy['state'], busy['outcome'], busy['ring_ms']), ('failed', '486', None))
        self.check_decision(row['id'])
        legs[0].answer(200, make_sdp('127.0.0.1', 7000))
        call.wait(200)
        call.ack()
        item = self.switch.json('show', 'call', row['id'])['item']
        self.assertEqual(sorted(attempt['state'] for attempt in item['attempts']), ['answered', 'failed'])
        self.check_decision(row['id'])
        # The configuration changes; what the call was set up by does not.
        self.switch.do('set', 'phone', '1002', 'media-proxy', 'must-on')
        self.check_decision(row['id'])
        would = self.switch.json('show', 'media', 'decision', 'caller', '1001', 'callee', '1002')['item']
        self.assertEqual(would['step'], 'party-must-on')
        call.bye()
        self.assertEqual(self.switch.ctl('show', 'media', 'decision', row['id']).returncode, 6)

    def check_decision(self, call):
        item = self.switch.json('show', 'media', 'decision', call)['item']
        self.assertEqual(item['call'], call)
        self.assertEqual(item['step'], self.switch.json('show', 'call', call)['item']['media_step'])
        self.assertNotEqual(item['step'], 'party-must-on')
        caller, callee = item['parties']
        self.assertEqual((caller['party'], callee['party']), ('phone 1001', 'phone 1002'))
        self.assertEqual((caller['network'], callee['network']), ('home', 'home'))
        self.assertEqual(callee['media_proxy'], 'auto')
        self.assertEqual(caller['source_address'], f'127.0.0.1:{self.caller.port}')

    def test_transactions(self):
        self.ring('8001', self.gateways[0])
        rows = self.switch.rows('show', 'sip', 'transactions')
        counts = {(row['kind'], row['method'], row['state']): row['count'] for row in rows}
        self.assertEqual(counts[('server', 'INVITE', 'proceeding')], 1)
        self.assertEqual(counts[('client', 'INVITE', 'proceeding')], 1)
        rows = self.switch.rows('show', 'sip', 'transactions', 'list')
        self.assertEqual({row['thread'] for row in rows} - {0, 1}, set())
        client = [row for row in rows if row['kind'] == 'client' and row['method'] == 'INVITE']
        self.assertEqual([row['peer_address'] for row in client], [f'127.0.0.1:{self.gateways[0].port}'])
        self.assertTrue(client[0]['branch'].startswith('z9hG4bK'))
        before, at = client[0]['age_ms'], time.monotonic()
        wait_for('it grows older', lambda: [row for row in self.switch.rows('show', 'sip', 'transactions', 'list')
                                            if row['branch'] == client[0]['branch']][0]['age_ms'] >= before + 100)
        self.assertGreaterEqual(time.monotonic() - at, 0.05)
        self.assertEqual(len(self.switch.rows('show', 'sip', 'transactions', 'list', 'limit', '1')), 1)
        for number in range(120):
            self.caller.invite(f'8{number:03}', make_sdp('127.0.0.1', 6000))
            self.gateways[0].incoming()
        self.assertEqual(len(self.switch.rows('show', 'sip', 'transactions', 'list')), 100)
        many = self.switch.rows('show', 'sip', 'transactions', 'list', 'limit', '100000')
        self.assertEqual(len({(row['kind'], row['branch']) for row in many}), len(many))
        total = sum(row['count'] for row in self.switch.rows('show', 'sip', 'transactions'))
        self.assertGreaterEqual(total, 240)

    def test_a_request_uri_without_a_number(self):
        for uri in (f'sip:@127.0.0.1:{self.switch.port}', f'sip::secret@127.0.0.1:{self.switch.port}', 'tel:'):
            request = self.caller.request('INVITE', uri, [('Contact', self.caller.contact)])
            self.assertEqual(self.caller.wait_status(self.caller.send(request)).status, 484, uri)
        request = self.caller.request('INVITE', f'sip:127.0.0.1:{self.switch.port}',
                                      [('Contact', self.caller.contact)])
        self.assertEqual(self.caller.wait_status(self.caller.send(request)).status, 404)


if __name__ == '__main__':
    unittest.main(verbosity=2)
