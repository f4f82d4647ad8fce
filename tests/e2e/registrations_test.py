#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bindings as phones and operators meet them: who gives way to whom, paths, instances, a phone behind a NAT
that changes its mind, clocks that step, and what a kill costs."""
import os
import re
import secrets
import signal
import struct
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, uri_of
from switch import BUILD, Switch, wait_for

PASSWORD = 'right-password'
SDP = make_sdp('127.0.0.1', 40000)
INSTANCE = 'urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6'
LOADED = 300
PACE_S = 0.01  # so that some are old enough, and some are not
STORED_WITHIN_S = 1.5  # a write begins every second, and takes its time


def configuration(*lines):
    phones = [f'phone {number}\n password plain "{PASSWORD}"\n exit' for number in (1001, 1002)]
    phones += [f'phone 1003\n password plain "{PASSWORD}"\n max-addresses 2\n exit']
    return '\n'.join([*phones, 'SS_ENDPOINT_EXPIRE = 300/3600', 'SS_ENDPOINT_NAT_EXPIRE = 300',
                      'SS_AUTHENTICATION_MAX_RETRY = 0', 'SS_SIP_AUTHENTICATION_RETRY = 999',
                      'SS_MEDIA_PROXY_MODE = off', *lines])


class Case(unittest.TestCase):
    lines = ()

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-registrations-')
        cls.switch = Switch(cls.scratch.name, configuration(*cls.lines)).start()

    @classmethod
    def tearDownClass(cls):
        code = cls.switch.stop()
        print(f'log of switchd:\n{cls.switch.log()[-6000:]}', file=sys.stderr)
        cls.scratch.cleanup()
        if code not in (0, None):
            raise AssertionError(f'switchd ended with {code}')

    def tearDown(self):
        self.switch.do('-y', 'clear', 'registration', 'all')

    def agent(self, user='1001', address='127.0.0.1'):
        agent = Agent(self.switch, user, PASSWORD, address=address)
        self.addCleanup(agent.close)
        return agent

    def rows(self, *words):
        return self.switch.rows('show', 'registrations', *words)

    def contacts(self, user='1001'):
        return sorted(row['contact'] for row in self.rows('phone', user))

    def talk(self, caller, callee, uri=None):
        """A call that is up: both ends."""
        call = caller.invite(uri or callee.user, sdp=SDP)
        leg = callee.incoming()
        leg.answer(200, sdp=SDP)
        call.wait(200)
        call.ack()
        leg.wait_request('ACK')
        return call, leg

    def assert_rings(self, caller, uri, *expected):
        """A call to uri comes to these agents, one after the other, and no further."""
        call = caller.invite(uri, sdp=SDP)
        for agent in expected:
            leg = agent.incoming()
            leg.answer(480)
            leg.wait_request('ACK')
        call.ack(call.wait(480))


class Replace(Case):
    def test_equal_contacts_are_one(self):
        ann = self.agent()
        for form in ('sip:ann@127.0.0.1:{};transport=UDP', 'sip:%61nn@127.0.0.1:{};transport=udp',
                     'SIP:ann@127.0.0.1:{};ob;transport=udp'):
            contact = form.format(ann.port)
            answer = ann.register(contact=f'<{contact}>')
            self.assertEqual([uri_of(value) for value in answer.all('Contact')], [contact])
        ann.register(contact=f'<sip:ann@127.0.0.1:{ann.port}>')
        self.assertEqual(len(self.rows('phone', '1001')), 2)

    def test_another_address_takes_over_and_calls_go_on(self):
        old, new, bob = self.agent(address='127.0.0.2'), self.agent(address='127.0.0.3'), self.agent('1002')
        old.register()
        bob.register()
        call, leg = self.talk(bob, old)
        new.register()
        self.assertEqual(self.contacts(), [uri_of(new.contact)])
        # The call is the old phone's to the end: a new offer and the end of it go there.
        call.reinvite(SDP)
        leg.wait_request('INVITE')
        leg.answer(200, sdp=SDP)
        call.wait(200)
        call.ack()
        leg.wait_request('ACK')
        self.assertEqual(len(self.switch.rows('show', 'calls')), 1)
        leg.bye()
        call.reply(call.wait_request('BYE'), 200)
        # The next one is not.
        self.assert_rings(bob, '1001', new)
        self.assertTrue(old.is_quiet())

    def test_the_same_address_may_have_several_contacts(self):
        one, two = self.agent(), self.agent()
        one.register()
        two.register()
        self.assertEqual(self.contacts(), sorted([uri_of(one.contact), uri_of(two.contact)]))

    def test_several_addresses_where_the_phone_allows_it(self):
        agents = [self.agent('1003', f'127.0.0.{last}') for last in (2, 3, 4)]
        for agent in agents[:2]:
            agent.register()
        self.assertEqual(len(self.contacts('1003')), 2)
        agents[0].register()
        agents[2].register()
        self.assertEqual(self.contacts('1003'), sorted([uri_of(agents[0].contact), uri_of(agents[2].contact)]))

    def test_off_refuses(self):
        self.switch.set('SS_ENDPOINT_REGISTER_REPLACE', 'off')
        self.addCleanup(self.switch.set, 'SS_ENDPOINT_REGISTER_REPLACE', 'on')
        old, new = self.agent(address='127.0.0.2'), self.agent(address='127.0.0.3')
        old.register()
        answer = new.register(expect=403)
        self.assertIn('Registered Elsewhere', answer.first_line)
        new.register(contact=old.contact, expect=403)
        new.register(contact='*', expires=0, expect=403)
        self.assertEqual(self.contacts(), [uri_of(old.contact)])
        # To ask is no registration, and the same device may move.
        asked = new.transact(new.request('REGISTER', f'sip:{new.domain}', to=f'<{new.aor}>'))
        self.assertEqual((asked.status, len(asked.all('Contact'))), (200, 1))
        new.call_id, new.cseq = old.call_id, old.cseq + 1
        new.register()
        self.assertEqual(self.contacts(), [uri_of(new.contact)])
        new.register(expires=0)
        old.call_id = secrets.token_hex(8)
        old.register()
        self.assertEqual(self.contacts(), [uri_of(old.contact)])


class Instances(Case):
    def register(self, agent, more='', **arguments):
        return agent.register(contact=f'{agent.contact};+sip.instance="<{INSTANCE}>"{more}',
                              headers=[('Supported', 'path, gruu')], **arguments)

    def test_a_new_contact_takes_the_place_of_the_old(self):
        before, after, other = self.agent(), self.agent(), self.agent()
        self.register(before)
        other.register()
        self.register(after)
        self.assertEqual(self.contacts(), sorted([uri_of(after.contact), uri_of(other.contact)]))
        row = next(row for row in self.rows('phone', '1001') if row['instance'])
        self.assertEqual((row['contact'], row['instance'], row['reg_id']), (uri_of(after.contact), INSTANCE, None))

    def test_flows_by_their_reg_id(self):
        one, two, again = self.agent(), self.agent(), self.agent()
        self.register(one, ';reg-id=1')
        answer = self.register(two, ';reg-id=2')
        self.assertEqual(len(answer.all('Contact')), 2)
        self.assertIn(';reg-id=2', ''.join(answer.all('Contact')))
        # What RFC 5626 wants of a first hop is not done, so it is not claimed.
        self.assertIsNone(answer.get('Require'))
        self.register(again, ';reg-id=1')
        self.assertEqual(self.contacts(), sorted([uri_of(two.contact), uri_of(again.contact)]))

    def test_a_gruu_reaches_its_instance(self):
        desk, soft, bob = self.agent(), self.agent(), self.agent('1002')
        desk.register()
        answer = self.register(soft, ';q=0.1')
        gruus = re.findall(r'pub-gruu="([^"]*)"', ''.join(answer.all('Contact')))
        self.assertEqual(gruus, [f'sip:1001@{soft.domain};gr={INSTANCE}'])
        bob.register()
        self.assert_rings(bob, gruus[0], soft)
        self.assertTrue(desk.is_quiet())
        self.assert_rings(bob, f'sip:1001@{soft.domain};gr=urn:uuid:00000000-0000-0000-0000-000000000000')
        self.assert_rings(bob, '1001', desk, soft)
        # It outlives the contact.
        moved = self.agent()
        self.register(moved, ';q=0.1')
        self.assert_rings(bob, gruus[0], moved)

    def test_who_does_not_know_gruus_gets_none(self):
        agent = self.agent()
        answer = agent.register(contact=f'{agent.contact};+sip.instance="<{INSTANCE}>"')
        self.assertNotIn('pub-gruu', answer.get('Contact'))
        self.assertIn(f'+sip.instance="<{INSTANCE}>"', answer.get('Contact'))

    def test_what_cannot_stand_in_a_gruu_is_no_instance(self):
        for value in ('', '<>', 'urn:uuid:1', '<urn:uuid:1', '<a b>', '<a;b>', '<a%00b>', f'<urn:{"x" * 64}>'):
            agent = self.agent()
            answer = agent.register(contact=f'{agent.contact};+sip.instance="{value}"',
                                    headers=[('Supported', 'gruu')])
            self.assertNotIn('instance', ''.join(answer.all('Contact')), value)
            agent.register(expires=0)

    def test_a_caller_with_its_gruu_as_contact_is_found_at_its_address(self):
        soft, bob = self.agent(), self.agent('1002')
        gruu = re.search(r'pub-gruu="([^"]*)"', self.register(soft).get('Contact')).group(1)
        bob.register()
        request = soft.request('INVITE', f'sip:1002@{soft.domain}', [('Contact', f'<{gruu}>')], SDP)
        challenge = soft.wait_status(soft.send(request))
        soft.send(soft.request('ACK', request.uri, call_id=request.call_id, to=challenge.get('To'),
                               from_tag=request.tag('From'), branch=re.search(r'branch=([^;]*)', request.get('Via')).group(1)))
        request = soft.send(soft.authorize(request, challenge))
        leg = bob.incoming()
        leg.answer(200, sdp=SDP)
        answer = soft.wait_status(request)
        self.assertEqual(answer.status, 200)
        soft.send(soft.request('ACK', uri_of(answer.get('Contact')), to=answer.get('To'), call_id=request.call_id,
                               cseq=request.cseq, from_tag=request.tag('From')))
        leg.wait_request('ACK')
        leg.bye()
        bye = soft.wait_for(lambda message: message.method == 'BYE', what='BYE')
        self.assertEqual(bye.uri, gruu)
        soft.reply(bye, 200)


class Paths(Case):
    """The edge is a socket that puts itself into Path, as RFC 3327 has it."""

    def register(self, edge, contact, path, **arguments):
        return edge.register(contact=f'<{contact}>', headers=[('Path', value) for value in path] +
                             [('Supported', 'path'), ('Require', 'path')], **arguments)

    def test_a_path_is_the_way_back(self):
        edge, bob = self.agent(address='127.0.0.5'), self.agent('1002')
        first, second = f'<sip:edge@127.0.0.5:{edge.port};lr>', '<sip:inner.example;lr>'
        contact = 'sip:1001@10.77.0.9:5070'
        answer = self.register(edge, contact, [first, second])
        self.assertEqual(answer.get('Path'), f'{first}, {second}')
        [row] = self.rows('phone', '1001')
        self.assertEqual((row['path'], row['is_nat']), (f'{first}, {second}', False))
        bob.register()
        call = bob.invite('1001', sdp=SDP)
        leg = edge.incoming()
        self.assertEqual(leg.invite_request.get('Route'), f'{first}, {second}')
        self.assertEqual(leg.invite_request.uri, contact)
        leg.answer(180)
        call.wait(180)
        call.cancel()
        # RFC 3261 9.1: the CANCEL takes the same way.
        cancel = leg.wait_request('CANCEL')
        self.assertEqual(cancel.get('Route'), f'{first}, {second}')
        leg.reply(cancel, 200)
        leg.answer(487)
        self.assertEqual(leg.wait_request('ACK').get('Route'), f'{first}, {second}')
        call.wait(487)

    def test_within_the_dialog_the_record_route_counts(self):
        edge, bob = self.agent(address='127.0.0.5'), self.agent('1002')
        path = f'<sip:127.0.0.5:{edge.port};lr;ob>'
        self.register(edge, 'sip:1001@10.77.0.9', [path])
        bob.register()
        call = bob.invite('1001', sdp=SDP)
        leg = edge.incoming()
        leg.answer(200, sdp=SDP, headers=[('Record-Route', f'<sip:127.0.0.5:{edge.port};lr;r=1>')])
        call.wait(200)
        call.ack()
        self.assertEqual(leg.wait_request('ACK').get('Route'), f'<sip:127.0.0.5:{edge.port};lr;r=1>')
        call.send('BYE')
        bye = leg.wait_request('BYE')
        self.assertEqual(bye.get('Route'), f'<sip:127.0.0.5:{edge.port};lr;r=1>')
        leg.reply(bye, 200)

    def test_without_a_path_again(self):
        edge = self.agent()
        self.register(edge, 'sip:1001@127.0.0.1', ['<sip:127.0.0.1;lr>'])
        self.assertEqual(self.rows('phone', '1001')[0]['path'], '<sip:127.0.0.1;lr>')
        answer = edge.register(contact='<sip:1001@127.0.0.1>')
        self.assertIsNone(answer.get('Path'))
        self.assertIsNone(self.rows('phone', '1001')[0]['path'])

    def test_bad_paths(self):
        edge = self.agent()
        for value in ('<sip:', 'nonsense', '<tel:1>', '*', f'<sip:{"x" * 600};lr>'):
            request = edge.request('REGISTER', f'sip:{edge.domain}', [('Contact', edge.contact), ('Path', value)],
                                   to=f'<{edge.aor}>', call_id=edge.call_id, cseq=edge.cseq)
            answer = edge.transact(request)
            edge.cseq = answer.cseq + 1
            self.assertEqual(answer.status, 400, value)
        self.assertEqual(self.rows('phone', '1001'), [])


class Rebinding(Case):
    lines = ('SS_SIP_NAT_KEEP_ALIVE_PERIOD = 10', 'SS_SIP_NAT_KEEP_ALIVE_MESSAGE = HELLO')

    def test_the_keepalive_follows_the_refresh_and_no_late_copy(self):
        first, second = self.agent(), self.agent()
        contact = '<sip:1001@10.9.8.7:5060>'
        second.call_id = first.call_id
        # The request that counts, kept to be sent again later.
        request = first.request('REGISTER', f'sip:{first.domain}', [('Contact', contact)], to=f'<{first.aor}>',
                                call_id=first.call_id, cseq=1)
        signed = first.authorize(request, first.wait_status(first.send(request)))
        self.assertEqual(first.wait_status(first.send(signed)).status, 200)
        self.assertEqual(self.rows('nat')[0]['source_address'], f'127.0.0.1:{first.port}')
        second.cseq = signed.cseq + 1
        second.register(contact=contact)
        [row] = self.rows('nat')
        self.assertEqual(row['source_address'], f'127.0.0.1:{second.port}')
        # The old request, from the old port.
        late = first.send(signed)
        self.assertGreaterEqual(first.wait_status(late).status, 200)
        self.assertEqual(self.rows('nat')[0]['source_address'], f'127.0.0.1:{second.port}')
        first.junk.clear()
        data, _ = second.wait_junk(25)
        self.assertEqual(data, b'HELLO')
        while first.read(0.1):
            pass
        self.assertEqual(first.junk, [])
        [row] = self.rows('nat')
        self.assertEqual(row['keep_alive'], 'message')
        self.assertIsNotNone(row['keep_alive_sent_time'])


class Showing(Case):
    def test_selections_and_details(self):
        ann, bob, hidden = self.agent(), self.agent('1002'), self.agent('1003')
        ann.register(expires=30, contact=f'{ann.contact};q=0.25')
        bob.register(expires=600)
        hidden.register(contact='<sip:1003@10.1.1.1>')
        self.assertEqual([row['phone'] for row in self.rows('expiring', '30')], ['1001'])
        self.assertEqual([row['phone'] for row in self.rows('expiring', '10')], [])
        self.assertEqual(sorted(row['phone'] for row in self.rows('expiring', '600')), ['1001', '1002', '1003'])
        self.assertEqual([row['phone'] for row in self.rows('nat')], ['1003'])
        [row] = self.rows('phone', '1001', 'detail')
        self.assertEqual({name: row[name] for name in ('transport', 'q', 'path', 'instance', 'keep_alive', 'is_nat')},
                         {'transport': 'udp', 'q': '0.250', 'path': None, 'instance': None, 'keep_alive': None,
                          'is_nat': False})
        self.assertEqual(row['local_address'], f'{self.switch.address}:{self.switch.port}')
        text = self.switch.do('show', 'registrations', 'detail')
        for heading in ('TRANSPORT', 'INSTANCE', 'PATH', 'KEEP-ALIVE', 'MISSED'):
            self.assertIn(heading, text)
        self.assertNotIn('INSTANCE', self.switch.do('show', 'registrations', 'brief'))
        self.assertNotEqual(self.switch.ctl('show', 'registrations', 'nat', 'phone', '1001').returncode, 0)


class Survival(unittest.TestCase):
    """Switches of their own: they are killed, and their clocks are stepped."""

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix='vos-registrations-')
        self.clock = Path(self.scratch.name) / 'clock'
        self.clock.write_bytes(struct.pack('=q', 0))
        preload = {'LD_PRELOAD': str(BUILD / 'tests' / 'clock_step.so'), 'VOS_CLOCK_STEP': str(self.clock),
                   'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':verify_asan_link_order=0'}
        loaded = [f'phone {5000 + i}\n password plain "{PASSWORD}"\n exit' for i in range(LOADED)]
        self.switch = Switch(self.scratch.name, configuration(*loaded),
                             launcher=['env', *(f'{name}={value}' for name, value in preload.items())]).start()
        self.marker = self.agent('1002')

    def tearDown(self):
        self.switch.stop()
        print(f'log of switchd:\n{self.switch.log()[-6000:]}', file=sys.stderr)
        self.scratch.cleanup()

    def step(self, seconds):
        """By so much from now on, in the running switch or in the next one."""
        with open(self.clock, 'r+b') as file:
            now, = struct.unpack('=q', file.read(8))
            file.seek(0)
            file.write(struct.pack('=q', now + seconds))

    def agent(self, user='1001'):
        agent = Agent(self.switch, user, PASSWORD)
        self.addCleanup(agent.close)
        return agent

    def rows(self):
        return self.switch.rows('show', 'registrations')

    def kill(self):
        self.assertEqual(self.switch.stop(signal.SIGKILL), -signal.SIGKILL)

    def wait_until_stored(self, count):
        """Every second what has changed is stored; the log tells nothing of that, the folder does."""
        folder = Path(self.switch.folder) / 'state' / 'bindings'

        def written():
            return max(path.stat().st_mtime_ns for path in folder.iterdir())
        before = written()
        self.marker.register()
        wait_for('bindings are stored', lambda: written() > before)
        wait_for('the write is over', lambda: time.time_ns() - written() > 300_000_000)
        self.assertEqual(len(self.rows()), count)

    def test_steps_of_the_clock_bend_no_lifetime(self):
        ann, bob = self.agent(), self.agent('1002')
        ann.register(expires=60)
        bob.register()
        for step_s in (86400, -3 * 86400, 2 * 86400 + 1800):
            registered = next(row for row in self.rows() if row['phone'] == '1001')['registered_time']
            self.step(step_s)
            rows = {row['phone']: row for row in self.rows()}
            self.assertTrue(30 < rows['1001']['expires_s'] <= 60, rows)
            # What people read follows the clock.
            self.assertNotEqual(rows['1001']['registered_time'], registered)
            call = bob.invite('1001', sdp=SDP)
            ann.incoming().answer(486)
            call.wait(486)
        wait_for('the last step is followed', lambda: 'the wall clock was stepped' in self.switch.log())

    def test_a_kill_after_a_step_loses_nothing(self):
        self.agent().register(expires=60)
        self.wait_until_stored(2)
        self.step(86400)
        wait_for('the step is followed', lambda: 'the wall clock was stepped' in self.switch.log())
        self.wait_until_stored(2)
        self.kill()
        self.switch.start(apply=False)
        rows = {row['phone']: row for row in self.rows()}
        self.assertEqual(sorted(rows), ['1001', '1002'])
        self.assertTrue(20 < rows['1001']['expires_s'] <= 60, rows)

    def test_a_clock_that_went_back_while_it_was_down_grants_nothing(self):
        self.agent().register(expires=60)
        self.wait_until_stored(2)
        self.kill()
        self.step(-86400)
        self.switch.start(apply=False)
        rows = {row['phone']: row for row in self.rows()}
        self.assertTrue(0 < rows['1001']['expires_s'] <= 60, rows)

    def test_a_kill_under_load_costs_a_second(self):
        acknowledged = {}
        agents = [self.agent(str(5000 + i)) for i in range(LOADED)]
        for agent in agents:
            agent.register()
            acknowledged[agent.user] = time.monotonic()
            time.sleep(PACE_S)
        # At a moment that nothing chose: between two writes, or in one.
        time.sleep(secrets.randbelow(1000) / 1000)
        killed = time.monotonic()
        self.kill()
        self.switch.start(apply=False)
        kept = {row['phone'] for row in self.rows()}
        due = {user for user, at in acknowledged.items() if at < killed - STORED_WITHIN_S}
        self.assertGreater(len(due), LOADED // 4)
        self.assertEqual(due - kept, set())
        print(f'{len(acknowledged)} acknowledged, {len(due)} of them older than {STORED_WITHIN_S} s, {len(kept)} kept',
              file=sys.stderr)


if __name__ == '__main__':
    unittest.main(verbosity=2)
