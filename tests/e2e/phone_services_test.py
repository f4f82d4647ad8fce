#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What phones have beside a number (forwarding of every kind, further numbers, do-not-disturb, lines of either
way, gateways in their place) with a whole switch; and static phones, by TCP and TLS too."""
import ssl
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, stop_cleanly
from stream_client import StreamAgent, client_context, make_certificate
from switch import Switch, free_tcp_port, free_udp_port, wait_for

WAIT_S = 30

# 1001 calls, 1009 is where calls are forwarded to. The others are offline unless a test registers them.
CONFIG = '''
phone 1001
 password plain "1001"
 exit
phone 1002
 password plain "1002"
 forward-busy 1009
 exit
phone 1003
 password plain "1003"
 forward-no-answer 1009
 forward-ring-time 1
 exit
phone 1004
 forward-offline 1009
 exit
phone 1005
 forward-always 1009
 exit
phone 1006
 forward-in-period 1009
 forward-period "mon-sun 00:00-24:00 allow caller 1001"
 forward-always 8999
 exit
phone 1007
 forward-always 1009
 forward-always 8007
 forward-order all-at-once
 exit
phone 1008
 offline-routing on
 exit
phone 1009
 password plain "1009"
 did 7009
 did 7010
 exit
phone 1010
 do-not-disturb on
 exit
routing-gateway carrier
 address 127.0.0.1:{carrier}
 prefixes 8
 prefixes 1008
 exit
'''


class Services(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix='vos-services-')
        cls.addClassCleanup(folder.cleanup)
        port = free_udp_port()
        cls.switch = Switch(folder.name, CONFIG.format(carrier=port)).start()
        cls.addClassCleanup(stop_cleanly, cls.switch)
        cls.carrier = Agent(cls.switch, 'carrier', port=port)
        cls.addClassCleanup(cls.carrier.close)
        cls.caller, cls.target = cls.phone('1001'), cls.phone('1009')

    @classmethod
    def phone(cls, number):
        agent = Agent(cls.switch, number, number)
        cls.addClassCleanup(agent.close)
        agent.register()
        return agent

    def call(self, number):
        return self.caller.invite(number, make_sdp('127.0.0.1', 6000))

    def answer(self, call, callee):
        """The call comes up, and is ended."""
        into = callee.incoming(WAIT_S)
        into.answer(200, make_sdp('127.0.0.1', 7000))
        into.wait_request('ACK', WAIT_S)
        call.wait(200, WAIT_S)
        call.ack()
        bye = call.send('BYE')
        into.reply(into.wait_request('BYE', WAIT_S), 200)
        call.agent.wait_status(bye)
        return into.invite_request

    def refuse(self, call, callee, status):
        """What is called refuses, and so is the caller."""
        into = callee.incoming(WAIT_S)
        into.answer(status)
        call.ack(call.wait(status, WAIT_S))
        return into.invite_request

    def newest(self, callee):
        """The record of the last call to that number, once it is stored."""
        def found():
            newest = self.switch.json('show', 'cdr', 'status')['item']['newest']
            for number in range(newest, 0, -1):
                record = self.switch.json('show', 'cdr', str(number))['item']
                if record['callee_received'] == callee:
                    return record
            return None
        return wait_for(f'a record of {callee}', found)

    def rule(self, number):
        rows = self.switch.rows('show', 'route', number, 'caller', '1001')
        return [(row['party'], row['verdict']) for row in rows]

    def test_busy(self):
        busy = self.phone('1002')
        call = self.call('1002')
        busy.incoming(WAIT_S).answer(486)
        invite = self.answer(call, self.target)
        self.assertIn('reason=user-busy', invite.get('Diversion'))
        busy.register(expires=0)

    def test_no_answer(self):
        silent = self.phone('1003')
        call = self.call('1003')
        ring = silent.incoming(WAIT_S)
        ring.answer(180)
        cancel = ring.wait_request('CANCEL', WAIT_S)
        ring.reply(cancel, 200)
        ring.answer(487)
        invite = self.answer(call, self.target)
        self.assertIn('reason=no-answer', invite.get('Diversion'))
        silent.register(expires=0)

    def test_offline(self):
        invite = self.answer(self.call('1004'), self.target)
        self.assertIn('reason=unavailable', invite.get('Diversion'))

    def test_always_and_in_period(self):
        invite = self.answer(self.call('1005'), self.target)
        self.assertIn('reason=unconditional', invite.get('Diversion'))
        self.assertEqual(self.rule('1005'), [('phone 1005', 'forwarded')])
        invite = self.answer(self.call('1006'), self.target)
        self.assertIn('reason=time-of-day', invite.get('Diversion'))
        row, = self.switch.rows('show', 'route', '1006', 'caller', '1001')
        self.assertIn('at this time of the week', row['reason'])

    def test_all_at_once(self):
        call = self.call('1007')
        ring = self.target.incoming(WAIT_S)
        ring.answer(180)
        call.wait(180, WAIT_S)
        self.answer(call, self.carrier)
        ring.reply(ring.wait_request('CANCEL', WAIT_S), 200)
        ring.answer(487)
        ring.wait_request('ACK', WAIT_S)

    def test_further_number(self):
        self.assertEqual(self.rule('7010'), [('phone 1009', 'in')])
        invite = self.answer(self.call('7010'), self.target)
        self.assertTrue(invite.get('To').startswith('<sip:7010@'), invite.get('To'))
        record = self.newest('7010')
        self.assertEqual((record['callee_received'], record['callee'], record['callee_party']),
                         ('7010', '7010', 'phone 1009'))
        done = self.switch.ctl('-c', 'configure', '-c', 'phone 1010', '-c', 'did 7009', '-c', 'commit')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('phone 1010 did: 7009 is a did of phone 1009 already', done.stdout + done.stderr)

    def test_not_disturbed(self):
        self.assertEqual(self.rule('1010'), [('phone 1010', 'do-not-disturb')])
        call = self.call('1010')
        call.ack(call.wait(486, WAIT_S))
        self.assertEqual(self.newest('1010')['cause_name'], 'do-not-disturb')

    def test_gateways_while_offline(self):
        self.assertEqual(self.rule('1008'), [('phone 1008', 'offline'), ('routing-gateway carrier', 'in')])
        invite = self.answer(self.call('1008'), self.carrier)
        self.assertTrue(invite.uri.startswith('sip:1008@'), invite.uri)
        self.assertEqual(self.newest('1008')['callee_party'], 'routing-gateway carrier')

    def test_lines(self):
        self.switch.do('set', 'phone', '1009', 'capacity-in', '1')
        self.addCleanup(self.switch.do, 'set', 'phone', '1009', 'capacity-in', '0')
        call = self.call('1009')
        ring = self.target.incoming(WAIT_S)
        row, = self.switch.rows('show', 'phones', '1009', 'detail')
        self.assertEqual((row['calls_in'], row['capacity_in'], row['calls_out']), (1, 1, None))
        row, = self.switch.rows('show', 'route', '7009', 'caller', '1001')
        self.assertEqual((row['verdict'], row['reason']), ('capacity', 'all its lines for calls to it are taken'))
        second = self.call('1009')
        second.ack(second.wait(486, WAIT_S))
        self.assertEqual(self.newest('1009')['cause_name'], 'callee-capacity-in')
        ring.answer(404)
        call.ack(call.wait(404, WAIT_S))


STATIC = '''
listen tcp
 tcp 127.0.0.2:{tcp}
 exit
listen tls
 tls 127.0.0.3:{tls}
 certificate {certificate}
 key {key}
 exit
phone 1001
 password plain "1001"
 exit
phone 2002
 registration static
 address 127.0.0.2
 transport tcp
 authentication ip
 display-number 4930
 did 2200
 exit
phone 2003
 registration static
 address 127.0.0.3
 transport tls
 authentication ip
 exit
'''


class Static(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='vos-static-')
        self.addCleanup(folder.cleanup)
        certificate, key = make_certificate(Path(folder.name))
        served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        served.load_cert_chain(certificate, key)
        ports = {'tcp': free_tcp_port('127.0.0.2'), 'tls': free_tcp_port('127.0.0.3')}
        self.switch = Switch(folder.name, STATIC.format(certificate=certificate, key=key, **ports)).start()
        self.addCleanup(stop_cleanly, self.switch)
        self.dynamic = self.enter(Agent(self.switch, '1001', '1001'))
        self.dynamic.register()
        self.tcp = self.enter(StreamAgent(self.switch, '2002', port=ports['tcp'], address='127.0.0.2'))
        self.tls = self.enter(StreamAgent(self.switch, '2003', port=ports['tls'], address='127.0.0.3', transport='tls',
                                          context=client_context(), listen_context=served))
        for agent in self.tcp, self.tls:
            self.switch.do('set', 'phone', agent.user, 'address', f'{agent.address}:{agent.port}')

    def enter(self, agent):
        self.addCleanup(agent.close)
        return agent

    def refuse(self, agent, number, callee):
        """A call to that number of somebody who is not asked for a password; what the callee was sent."""
        call = agent.invite(number, make_sdp('127.0.0.1', 6000), expect_challenge=agent is self.dynamic)
        into = callee.incoming(WAIT_S)
        into.answer(404)
        call.ack(call.wait(404, WAIT_S))
        return into.invite_request

    def test_calls(self):
        for callee, number, via in (self.tcp, '2200', 'TCP'), (self.tls, '2003', 'TLS'):
            invite = self.refuse(self.dynamic, number, callee)
            self.assertTrue(invite.uri.startswith(f'sip:{number}@{callee.address}:{callee.port}'), invite.uri)
            self.assertTrue(invite.get('Via').startswith(f'SIP/2.0/{via} '), invite.get('Via'))
        for caller, shown in (self.tcp, '4930'), (self.tls, '2003'):
            invite = self.refuse(caller, '1001', self.dynamic)
            self.assertIn(f'<sip:{shown}@', invite.get('From'))
        for callee, number, via in (self.tcp, '2200', 'TCP'), (self.tls, '2003', 'TLS'):
            asked = self.dynamic.request('MESSAGE', f'sip:{number}@{self.dynamic.domain}')
            challenge = self.dynamic.wait_status(self.dynamic.send(asked))
            asked = self.dynamic.send(self.dynamic.authorize(asked, challenge))
            message = callee.wait_for(lambda m: m.status is None and m.method == 'MESSAGE', WAIT_S, 'MESSAGE')
            self.assertTrue(message.get('Via').startswith(f'SIP/2.0/{via} '), message.get('Via'))
            callee.reply(message, 200)
            self.assertEqual(self.dynamic.wait_status(asked).status, 200)


if __name__ == '__main__':
    unittest.main(verbosity=2)
