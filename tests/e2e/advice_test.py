#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is said to be wrong with real calls, up and over, and what it is judged by."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, stop_cleanly
from switch import Switch, free_udp_port, wait_for


def configuration(port):
    return f'''
phone 1001
 password plain "one"
 exit
routing-gateway carrier
 address 127.0.0.1:{port}
 prefixes 9
 exit
phone 1002
 password plain "two"
 exit
SS_MEDIA_PROXY_MODE = off
'''


class Advice(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-advice-')
        self.addCleanup(scratch.cleanup)
        port = free_udp_port()
        self.switch = Switch(scratch.name, configuration(port)).start()
        self.addCleanup(lambda: stop_cleanly(self.switch))
        self.carrier = self.agent('carrier', port=port)
        self.caller = self.agent('1001', 'one')
        self.caller.register()

    def agent(self, user, password='', port=0):
        agent = Agent(self.switch, user, password, port=port)
        self.addCleanup(agent.close)
        return agent

    def advice(self, key):
        return {row['finding']: row for row in self.switch.rows('show', 'call', key, 'advice')}

    def ring(self, media):
        call = self.caller.invite('900', make_sdp(media, 6000))
        callee = self.carrier.incoming()
        callee.answer(180)
        call.wait(180)
        return call, callee, self.switch.rows('show', 'calls')[0]['id']

    def test_a_call_that_is_well_and_one_without_ack(self):
        call, callee, key = self.ring('127.0.0.1')
        callee.answer(200, make_sdp('127.0.0.1', 7000))
        call.wait(200)
        self.assertNotIn('missing-ack', self.advice(key))
        wait_for('the missing ACK', lambda: 'missing-ack' in self.advice(key))
        row = self.advice(key)['missing-ack']
        self.assertIn('ACK received=0', row['evidence'])
        self.assertIn(f'to=127.0.0.1:{self.caller.port}', row['evidence'])
        self.assertIn('Contact', row['advice'])
        call.ack()
        wait_for('the ACK', lambda: self.advice(key) == {})
        call.bye()
        wait_for('the end', lambda: not self.switch.rows('show', 'calls'))
        self.assertEqual(self.advice(key), {})
        # The beginning of its name is enough.
        self.assertEqual(self.advice(key[:15]), {})

    def test_private_address_and_refusal(self):
        call, callee, key = self.ring('192.168.1.5')
        row = self.advice(key)['private-media-address']
        self.assertEqual(row['evidence'],
                         f'c=192.168.1.5; came from 127.0.0.1:{self.caller.port}; media=direct')
        callee.answer(486)
        call.wait(486)
        wait_for('the end', lambda: not self.switch.rows('show', 'calls'))
        self.assertEqual(self.advice(key)['busy']['evidence'], 'status=486; party=routing-gateway carrier')
        done = self.switch.ctl('show', 'call', key, 'advice')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('busy', done.stdout)
        done = self.switch.ctl('show', 'call', 'fff', 'advice')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('the recorder has no call fff', done.stderr + done.stdout)

    def over(self, key):
        wait_for('the end', lambda: not self.switch.rows('show', 'calls'))
        return self.advice(key)

    def up(self, call, callee):
        callee.answer(200, make_sdp('127.0.0.1', 7000))
        callee.wait_request('ACK')
        call.wait(200)
        call.ack()

    def test_calls_that_are_well(self):
        """However they go and end: nothing is said of them."""
        media = '127.0.0.1'
        call, callee, key = self.ring(media)
        self.up(call, callee)
        call.reinvite(make_sdp(media, 6000, direction='sendonly', version=2))
        request = callee.wait_request('INVITE')
        callee.reply(request, 200, headers=[('Contact', self.carrier.contact)],
                     body=make_sdp(media, 7000, direction='recvonly').encode())
        call.wait(200)
        call.ack()
        callee.wait_request('ACK')
        call.bye()
        callee.reply(callee.wait_request('BYE'), 200)
        self.assertEqual(self.over(key), {})
        # The callee ends it; media came before the answer.
        call, callee, key = self.ring(media)
        callee.answer(183, make_sdp(media, 7000))
        call.wait(183)
        self.up(call, callee)
        callee.send('BYE')
        call.reply(call.wait_request('BYE'), 200)
        self.assertEqual(self.over(key), {})
        # The caller gives up.
        call, callee, key = self.ring(media)
        call.cancel()
        callee.reply(callee.wait_request('CANCEL'), 200)
        callee.answer(487)
        call.wait(487)
        self.assertEqual(self.over(key), {})

    def test_codecs_that_do_not_fit(self):
        call, callee, key = self.ring('127.0.0.1')
        callee.answer(488)
        call.wait(488)
        evidence = self.over(key)['codec-mismatch']['evidence']
        self.assertRegex(evidence, r'^cause=488; offered m=audio 6000 RTP/AVP 0 8 101')

    def test_a_way_through_nat_that_is_closed(self):
        phone = self.agent('1002', 'two')
        phone.register(contact='<sip:1002@192.168.7.7:5060>')
        call = self.caller.invite('1002', make_sdp('127.0.0.1', 6000))
        key = wait_for('the call', lambda: self.switch.rows('show', 'calls'))[0]['id']
        row = wait_for('silence', lambda: self.advice(key).get('nat-binding-lost'), timeout_s=60)
        self.assertRegex(row['evidence'],
                         rf'^party=phone 1002; INVITE sent=\d+, answered=0; to=127.0.0.1:{phone.port}; '
                         r'Request-URI=sip:1002@192.168.7.7:5060')
        call.cancel()
        call.wait(lambda message: message.status >= 400)

    def test_a_message_that_something_rewrites(self):
        """Its body is longer than its length says, as by a router that puts in another address."""
        sdp = make_sdp('127.0.0.1', 6000)
        request = self.caller.request('INVITE', 'sip:900@127.0.0.1',
                                      [('Contact', self.caller.contact), ('Content-Length', str(len(sdp) - 2))], sdp)
        challenge = self.caller.wait_status(self.caller.send(request))
        self.caller.send(self.caller.authorize(request, challenge))
        callee = self.carrier.incoming()
        key = self.switch.rows('show', 'calls')[0]['id']
        self.assertEqual(self.advice(key)['sip-alg']['evidence'],
                         f'Content-Length={len(sdp) - 2}, body={len(sdp)}')
        callee.answer(486)
        self.caller.wait_for(lambda message: message.status == 486)
        self.assertIn('sip-alg', self.over(key))


if __name__ == '__main__':
    unittest.main()
