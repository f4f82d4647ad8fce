#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Gateways from the shell: lists in their views, who takes new calls, routes with their reasons, OPTIONS by
hand, counters that begin anew."""
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, stop_cleanly
from switch import BUILD, Switch, wait_for
from terminal import Terminal

VOSCTL = str(BUILD / 'vosctl')
SANITIZED = b'__asan_init' in Path(VOSCTL).read_bytes() or b'__tsan_init' in Path(VOSCTL).read_bytes()


PHONES = 50000
MORE_KIB = 8 * 1024


class ManyPhones(unittest.TestCase):
    """50,000 phones in every view: streamed, so neither process grows with their number."""

    @staticmethod
    def memory_kib(process, name):
        status = Path(f'/proc/{process.pid}/status').read_text()
        return int(re.search(rf'^{name}:\s+(\d+)', status, re.M).group(1))

    def test_streamed(self):
        with tempfile.TemporaryDirectory(prefix='vos-many-') as folder:
            config = ''.join(f'phone {500000 + i}\n name "Phone {i}"\n exit\n' for i in range(PHONES))
            with Switch(folder, config) as self.switch:
                for view in [], ['brief'], ['capacity'], ['detail']:
                    before = self.memory_kib(self.switch.process, 'VmRSS')
                    asked = subprocess.Popen([VOSCTL, '-J', '-s', self.switch.socket, 'show', 'phones', *view],
                                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
                    count = 0
                    for line in asked.stdout:
                        count += line.startswith(b'{"number":')
                        last = line
                        # By half of them it has what it needs for all.
                        if count == PHONES // 2 and not SANITIZED:
                            self.assertLess(self.memory_kib(asked, 'VmHWM'), 16 * 1024)
                    asked.stdout.close()
                    self.assertEqual((asked.wait(), count), (0, PHONES))
                    self.assertEqual(json.loads(last)['status'], 'ok')
                    if not SANITIZED:
                        self.assertLess(self.memory_kib(self.switch.process, 'VmRSS') - before, MORE_KIB)
                # One of them, and those that begin so, without a walk over all.
                row, = self.switch.rows('show', 'phones', '512345')
                self.assertEqual(row['name'], 'Phone 12345')
                self.assertEqual(len(self.switch.rows('show', 'phones', '5123*')), 100)
                stop_cleanly(self.switch)


class ManyNumbers(unittest.TestCase):
    """A group of 20,000 numbers: from a file, as text, taken apart, and after a restart."""

    def test_one_group(self):
        with tempfile.TemporaryDirectory(prefix='vos-numbers-') as folder:
            group = '\n number '.join(['number-group many', *(str(4930000000 + i) for i in range(20000))]) + '\n exit\n'
            Path(folder, 'many.conf').write_text(group)
            Path(folder, 'odd.conf').write_text(re.sub(r' (number [0-9]*[02468]\n)', r' no \1', group))
            with Switch(folder, '') as switch:
                def count(*words):
                    return [row['numbers'] for row in switch.rows('show', 'number-groups', *words)]
                switch.do('apply', f'{folder}/many.conf')
                self.assertEqual(count('number', '4930019999'), [20000])
                self.assertIn(group, switch.do('show', 'running-config', 'number-group', 'many'))
                switch.do('apply', f'{folder}/odd.conf')
                self.assertEqual((count('number', '4930019999'), count('number', '4930019998')), ([10000], []))
                switch.stop()
                switch.start(apply=False)
                self.assertEqual((count('number', '4930019999'), count('number', '4930019998')), ([10000], []))
                stop_cleanly(switch)


class Gateways(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-gateways-')
        self.addCleanup(scratch.cleanup)
        # Its port is in the configuration, so it is there before the switch.
        self.carrier = Agent(SimpleNamespace(address='127.0.0.1', port=0), 'carrier')
        self.addCleanup(self.carrier.close)
        self.carrier_port = self.carrier.port
        self.switch = Switch(scratch.name, f'''hostname sw1
phone 1001
 password plain "one"
 exit
phone 1002
 registration static
 address 127.0.0.1:9
 exit
number-transform us
 rule 0->1
 exit
mapping-gateway in
 address 127.0.0.3
 exit
mapping-gateway in-2
 address 192.0.2.0/24
 exit
routing-gateway carrier
 address 127.0.0.1:{self.carrier_port}
 prefixes 00
 capacity 30
 password plain "secret of the carrier"
 exit
routing-gateway carrier-b
 address 127.0.0.1:9
 prefixes 0044
 lock all
 exit
routing-gateway other
 prefixes 7
 exit
''')
        self.switch.start()
        self.addCleanup(self.stop)
        self.carrier.switch = (self.switch.address, self.switch.port)
        self.source = self.agent('5551', '', address='127.0.0.3')

    def stop(self):
        if self.switch.process:
            stop_cleanly(self.switch)

    def agent(self, *words, **options):
        agent = Agent(self.switch, *words, **options)
        self.addCleanup(agent.close)
        return agent

    def call(self, callee='0012'):
        """A call through the carrier that is up: (call of the source, call of the carrier)."""
        call = self.source.invite(callee, make_sdp('127.0.0.3', 41000), expect_challenge=False)
        ring = self.carrier.incoming()
        ring.answer(200, make_sdp('127.0.0.1', 41002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        return call, ring

    def caller_number(self):
        """The number that the carrier sees for a call."""
        call, ring = self.call()
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)
        return re.search('sip:([^@]+)@', ring.invite_request.get('From'))[1]

    def refused(self, callee='0012'):
        call = self.source.invite(callee, make_sdp('127.0.0.3', 41000), expect_challenge=False)
        answer = call.wait(lambda m: m.status >= 200)
        call.ack(answer)
        return answer.status

    def configure(self, *lines):
        self.switch.do(*(word for line in ('configure', *lines, 'commit') for word in ('-c', line)))

    def states(self):
        rows = self.switch.rows('show', 'mapping-gateways') + self.switch.rows('show', 'routing-gateways')
        return {row['name']: row['state'] for row in rows}

    def fails(self, *words):
        """Exit code and message of a command that is refused."""
        done = self.switch.ctl(*words)
        self.assertEqual(done.stdout, '')
        return done.returncode, done.stderr

    # --- lists ---

    def test_one_several_none(self):
        def names(*words):
            return [row['name'] for row in self.switch.rows('show', 'routing-gateways', *words)]
        self.assertEqual(names(), ['carrier', 'carrier-b', 'other'])
        self.assertEqual(names('carrier'), ['carrier'])
        self.assertEqual(names('carrier*'), ['carrier', 'carrier-b'])
        self.assertEqual(names('*'), ['carrier', 'carrier-b', 'other'])
        self.assertEqual(names('x*'), [])
        for words in (['routing-gateways', 'carrie'], ['routing-gateways', 'in'], ['mapping-gateways', 'carrier'],
                      ['phones', '100'], ['phones', '1001x']):
            code, message = self.fails('show', *words)
            self.assertEqual(code, 6)
            self.assertIn(f'there is no {words[0][:-1]} {words[1]}', message)
        self.assertEqual([row['number'] for row in self.switch.rows('show', 'phones', '100*')], ['1001', '1002'])

    def test_views(self):
        self.assertEqual(self.switch.do('show', 'routing-gateways', 'brief').split()[:4],
                         ['NAME', 'STATE', 'carrier', 'enabled'])
        self.assertEqual(self.switch.do('show', 'mapping-gateways', 'capacity').splitlines()[0].split(),
                         ['NAME', 'STATE', 'CALLS', 'CAPACITY', 'PEAK', 'CPS', 'RATE-LIMIT'])
        self.assertEqual(self.switch.do('show', 'phones', '1001', 'brief').split(),
                         ['NUMBER', 'STATE', '1001', 'offline'])
        text = self.switch.do('show', 'routing-gateways', 'carrier', 'detail')
        self.assertIn('name: carrier\n', text)
        self.assertIn('capacity: 30\n', text)
        # The same in JSON, with the secret as a fact only.
        row, = self.switch.rows('show', 'routing-gateways', 'carrier', 'detail')
        self.assertTrue(row['has_password'])
        self.assertNotIn('secret of the carrier', json.dumps(row) + text)
        self.assertEqual(row['timeout_invite_s'], 0)
        self.assertEqual(row['prefix_mode'], 'extend')
        normal, = self.switch.rows('show', 'routing-gateways', 'carrier')
        self.assertEqual({name: row[name] for name in normal}, normal)
        self.assertGreater(len(row), len(normal) + 20)

    def test_a_phone_in_detail(self):
        phone = self.agent('1001', 'one')
        row, = self.switch.rows('show', 'phones', '1001', 'detail')
        self.assertEqual((row['state'], row['contact'], row['expires_s']), ('offline', None, None))
        phone.register(expires=300)
        row, = self.switch.rows('show', 'phones', '1001', 'detail')
        self.assertEqual((row['state'], row['is_reachable'], row['is_nat']), ('registered', True, False))
        self.assertIn(str(phone.port), row['contact'])
        self.assertTrue(0 < row['expires_s'] <= 300)
        self.assertEqual(row['local_address'], f'127.0.0.1:{self.switch.port}')
        row, = self.switch.rows('show', 'phones', '1002')
        self.assertEqual((row['state'], row['source_address']), ('static', '127.0.0.1:9'))

    # --- supervision by OPTIONS ---

    def check(self, status, count=2):
        """Answers so many rounds of OPTIONS."""
        for _ in range(count):
            asked = self.carrier.wait_for(lambda m: m.status is None and m.method == 'OPTIONS')
            self.carrier.reply(asked, status)

    def test_supervised(self):
        def row():
            return self.switch.rows('show', 'routing-gateways', 'carrier', 'detail')[0]

        def alarms():
            return [alarm['subject'] for alarm in self.switch.rows('show', 'alarms')
                    if alarm['kind'] == 'gateway-offline']
        self.assertIsNone(row()['address_checks'])
        self.switch.set('SS_SIP_OPTIONS_CHECK_PERIOD', '1')
        self.configure('routing-gateway carrier', 'options-check on')
        self.check(503)
        wait_for('offline', lambda: row()['state'] == 'offline')
        self.assertEqual(row()['address_checks'], f'127.0.0.1:{self.carrier_port} dead (503)')
        wait_for('an alarm', lambda: alarms() == ['carrier'])
        self.assertEqual(self.refused(), 503)
        self.check(200)
        wait_for('online', lambda: row()['state'] == 'enabled')
        wait_for('no alarm', lambda: alarms() == [])
        self.assertEqual(row()['address_checks'], f'127.0.0.1:{self.carrier_port} alive (200)')
        # It falls silent while a call is up: the call stays, a new one is refused.
        call, ring = self.call()
        wait_for('silence noticed', lambda: row()['state'] == 'offline', 20)
        self.assertEqual(row()['address_checks'], f'127.0.0.1:{self.carrier_port} dead (no answer)')
        self.assertEqual(self.refused(), 503)
        self.assertEqual(row()['calls'], 1)
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)
        self.configure('routing-gateway carrier', 'options-check off')
        wait_for('no longer watched', lambda: row()['state'] == 'enabled')
        self.assertIsNone(row()['address_checks'])

    # --- who calls ---

    def test_identity(self):
        def invited(*headers):
            call = self.source.invite('0012', make_sdp('127.0.0.3', 41000), headers=headers, expect_challenge=False)
            ring = self.carrier.incoming()
            ring.answer(486)
            call.ack(call.wait(486))
            return ring.invite_request
        ids = [('P-Asserted-Identity', '<sip:+4911@192.0.2.77>'), ('Privacy', 'id')]
        plain = invited(*ids)
        self.assertIn('sip:5551@', plain.get('From'))
        self.assertEqual((plain.get('Privacy'), plain.get('P-Asserted-Identity')), (None, None))
        self.configure('routing-gateway carrier', 'privacy passthrough', 'asserted-identity passthrough',
                       'remote-party-id on')
        hidden = invited(*ids)
        self.assertTrue(hidden.get('From').startswith('"Anonymous" <sip:anonymous@anonymous.invalid>'))
        self.assertEqual(hidden.get('Privacy'), 'id')
        here = f'{self.switch.address}:{self.switch.port}'
        self.assertEqual(hidden.get('P-Asserted-Identity'), f'<sip:+4911@{here}>')
        self.assertEqual(hidden.get('Remote-Party-ID'),
                         f'<sip:5551@{here}>;party=calling;screen=yes;privacy=full')
        self.configure('mapping-gateway in', 'caller-from p-asserted', 'recognise-privacy off')
        shown = invited(*ids)
        self.assertIn('<sip:+4911@', shown.get('From'))
        self.assertIsNone(shown.get('Privacy'))

    # --- enable, disable, drain ---

    def test_drained(self):
        call, ring = self.call()
        said = self.switch.do('gateway', 'carrier', 'drain')
        self.assertIn('routing-gateway carrier has no new calls', said)
        self.assertEqual(self.states()['carrier'], 'draining')
        self.assertGreaterEqual(self.refused(), 400)
        # The call that is up goes on, and ends as its parties want.
        call.reinvite(make_sdp('127.0.0.3', 41000, version=2))
        ring.wait_request('INVITE')
        ring.answer(200, make_sdp('127.0.0.1', 41002, version=2))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)
        self.switch.do('gateway', 'carrier', 'enable')
        call, ring = self.call()
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)

    def test_disabled(self):
        call, ring = self.call()
        code, message = self.fails('gateway', 'carrier', 'disable')
        self.assertEqual(code, 1)
        self.assertIn('confirm with -y', message)
        self.assertEqual(self.states()['carrier'], 'enabled')
        said = self.switch.do('-y', 'gateway', 'carrier', 'disable')
        self.assertIn('1 call ended', said)
        for end in call, ring:
            end.reply(end.wait_request('BYE'), 200)
        wait_for('no call is left', lambda: not self.switch.rows('show', 'calls'))
        self.assertGreaterEqual(self.refused(), 400)
        status = self.switch.json('show', 'status')['item']
        self.assertEqual((status['gateways_disabled'], status['gateways_draining']), (1, 0))

    def test_a_person_is_asked(self):
        for answer, state in ('\r', 'enabled'), ('n\r', 'enabled'), ('nay\r', 'enabled'), ('\x04', 'enabled'), \
                ('y\r', 'disabled'):
            shell = Terminal([VOSCTL, '-q', '-s', self.switch.socket], {'HOME': str(self.switch.folder)}, columns=100)
            self.addCleanup(shell.close)
            shell.wait_last('sw1#').line('gateway carrier disable')
            shell.wait_text('disabling carrier ends its calls, 0 now; go on? [y/N]').keys(answer).wait_last('sw1#')
            self.assertEqual(self.states()['carrier'], state)
            self.assertNotIn('confirm with -y', shell.screen.text())
            shell.line('exit').wait_end()

    def test_a_source_that_is_barred(self):
        self.switch.do('gateway', 'in', 'drain')
        self.assertEqual(self.refused(), 503)
        rows = self.switch.rows('show', 'route', '0012', 'mapping-gateway', 'in')
        self.assertEqual([(row['party'], row['is_used'], row['verdict']) for row in rows][0],
                         ('routing-gateway carrier', False, 'source'))
        self.switch.do('gateway', 'in', 'enable')
        call, ring = self.call()
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)

    def test_it_outlives_a_restart(self):
        self.switch.do('gateway', 'carrier', 'drain')
        self.switch.do('-y', 'gateway', 'in', 'disable')
        before = self.states()
        self.switch.process.kill()
        self.switch.process.wait()
        self.switch.start(apply=False)
        self.assertEqual(self.states(), before)
        self.assertEqual((before['carrier'], before['in']), ('draining', 'disabled'))
        self.assertIn('routing-gateway carrier is draining, as an operator has said before', self.switch.log())
        self.switch.do('gateway', 'carrier', 'enable')
        self.switch.do('gateway', 'in', 'enable')
        self.configure('number-pool p', 'number 700', 'number 701', 'number 702', 'order poll', 'exit',
                       'routing-gateway carrier', 'number-pool p', 'exit')
        numbers = [self.caller_number() for _ in range(2)]
        self.switch.stop()
        self.switch.start(apply=False)
        self.assertEqual(self.states()['carrier'], 'enabled')
        # The pool goes on where it stood.
        self.assertEqual(numbers + [self.caller_number() for _ in range(2)], ['700', '701', '702', '700'])

    def test_it_goes_with_the_gateway(self):
        self.switch.do('gateway', 'other', 'drain')
        self.switch.do('set', 'no', 'routing-gateway', 'other')
        self.switch.do('set', 'routing-gateway', 'other', 'prefixes', '7')
        self.assertEqual(self.states()['other'], 'enabled')
        self.switch.stop()
        self.switch.start(apply=False)
        self.assertEqual(self.states()['other'], 'enabled')

    def test_a_commit_leaves_it_alone(self):
        self.switch.do('gateway', 'carrier', 'drain')
        generation = self.switch.json('show', 'configuration')['generation']
        self.switch.set('SS_SIP_SESSION_TTL', '700')
        self.assertEqual(self.states()['carrier'], 'draining')
        self.assertEqual(self.switch.json('show', 'configuration')['generation'], generation + 1)
        self.assertNotIn('drain', self.switch.do('show', 'running-config'))

    def test_who_may(self):
        self.assertEqual(self.fails('gateway', 'nobody', 'drain')[0], 6)
        rows = self.switch.rows('show', 'audit', 'last', '1')
        self.assertIn('gateway nobody drain', json.dumps(rows))

    # --- routes ---

    def test_routes_and_why(self):
        def route(*words):
            return [(row['party'], row['order'], row['verdict']) for row in
                    self.switch.rows('show', 'route', *words)]
        expected = [('routing-gateway carrier', 1, 'in'), ('routing-gateway carrier-b', None, 'locked'),
                    ('routing-gateway other', None, 'no-prefix')]
        self.assertEqual(route('0044123'), expected)
        self.assertEqual([(row['party'], row['order'], row['verdict']) for row in
                          self.switch.rows('test', 'route', '0044123')], expected)
        self.assertEqual(route('7')[0], ('routing-gateway other', None, 'no-address'))
        self.assertEqual(route('1001'), [('phone 1001', None, 'offline')])
        self.assertEqual(route('1002'), [('phone 1002', 1, 'in')])
        self.switch.do('gateway', 'carrier', 'drain')
        self.assertIn(('routing-gateway carrier', None, 'disabled'), route('0044123'))
        self.assertEqual(self.fails('show', 'route', '1', 'mapping-gateway', 'nobody')[0], 6)

    def test_numbers_of_a_route(self):
        self.switch.do('set', 'mapping-gateway', 'in', 'callee-transform', 'us')
        row = self.switch.rows('show', 'route', '0012', 'caller', '77', 'mapping-gateway', 'in')[-1]
        self.assertEqual((row['caller'], row['callee']), ('77', '1012'))

    def test_sources_that_may_not(self):
        def first():
            row = self.switch.rows('show', 'route', '0012', 'caller', '77', 'mapping-gateway', 'in')[0]
            return row['verdict'], row['reason']
        self.assertEqual(first()[0], 'in')
        self.switch.do('set', 'mapping-gateway', 'in', 'callee-prefixes', '01')
        self.assertEqual(first(), ('source', 'the mapping gateway may not call this number'))
        self.switch.do('set', 'no', 'mapping-gateway', 'in', 'callee-prefixes')
        self.switch.do('set', 'mapping-gateway', 'in', 'capacity', '1')
        self.assertEqual(first()[0], 'in')
        call, ring = self.call()
        self.assertEqual(first(), ('source', 'all lines of the mapping gateway are taken'))
        row, = self.switch.rows('show', 'mapping-gateways', 'in')
        self.assertEqual((row['calls'], row['capacity'], row['calls_peak']), (1, 1, 1))
        row, = self.switch.rows('show', 'routing-gateways', 'carrier')
        self.assertEqual((row['calls'], row['capacity'], row['calls_peak']), (1, 30, 1))
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)
        wait_for('the line is free', lambda: first()[0] == 'in')

    def test_phones_that_may_not(self):
        def first():
            row = self.switch.rows('show', 'route', '0012', 'caller', '1001')[0]
            return row['verdict'], row['is_used'], row['reason']
        self.assertEqual(first()[:2], ('in', True))
        self.switch.do('set', 'phone', '1001', 'capacity', '1')
        self.assertEqual(first()[:2], ('in', True))
        phone = self.agent('1001', 'one')
        call = phone.invite('0012', make_sdp('127.0.0.1', 41000))
        ring = self.carrier.incoming()
        self.assertEqual(first(), ('source', False, 'all lines of the phone are taken'))
        ring.answer(486)
        call.ack(call.wait(486))
        wait_for('the line is free', lambda: first()[0] == 'in')
        self.switch.do('set', 'phone', '1001', 'lock', 'out')
        self.assertEqual(first(), ('source', False, 'the phone is locked for outgoing calls'))
        call = phone.invite('0012', make_sdp('127.0.0.1', 41000))
        call.ack(call.wait(403))

    def test_fields_of_routing(self):
        """A proportional prefix, terms of a period, a drawn talk time: in show route, the call, its trace, its record."""
        self.configure('number-transform strip', 'rule 88->', 'exit', 'SS_GATEWAY_ASR_CALCULATE = On', 'mapping-gateway in',
                       'proportional-prefix 1000:88', 'callee-transform us', 'max-call-duration 90',
                       'max-call-duration-from 60', 'first-route-policy asr', 'exit', 'routing-gateway carrier',
                       'prefixes 881', 'period "mon-sun 00:00-24:00 capacity 1"',
                       'period "mon-sun 00:00-24:00 callee-transform strip"', 'exit')
        row = self.switch.rows('show', 'route', '0012', 'mapping-gateway', 'in')[0]
        self.assertEqual((row['party'], row['prefix'], row['callee'], row['capacity'], row['reason']),
                         ('routing-gateway carrier', '881', '1012', 1, 'prefix fits; now mon-sun 00:00-24:00 capacity 1; '
                          'now mon-sun 00:00-24:00 callee-transform strip'))
        call, ring = self.call()
        self.assertIn('sip:1012@', ring.invite_request.uri)
        shown, = self.switch.rows('show', 'calls')
        item = self.switch.json('show', 'call', shown['id'])['item']
        limit_s, left_s = map(int, re.search(r'max-call-duration (\d+) s, ends in (\d+) s', item['timers']).groups())
        self.assertTrue(60 <= limit_s <= 90 and left_s <= limit_s, item['timers'])
        notes = [note['text'] for note in item['why']]
        for note in ('looked up with its proportional prefix: 881012', f'longest talk time is {limit_s} s, as drawn for this call',
                     'at this time of the week: mon-sun 00:00-24:00 capacity 1'):
            self.assertIn(note, notes)
        row = self.switch.rows('show', 'route', '0012', 'mapping-gateway', 'in')[0]
        self.assertEqual((row['verdict'], row['calls']), ('capacity', 1))
        self.assertEqual(self.refused(), 503)
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)
        wait_for('the record', lambda: len(self.switch.rows('show', 'calls', 'history')) == 2)
        record = self.switch.json('show', 'cdr', '2')['item']
        self.assertEqual((record['callee_received'], record['callee'], record['callee_sent']), ('0012', '1012', '1012'))
        # What does not fit together is refused, and names what and where.
        text = self.fails('set', 'mapping-gateway', 'in', 'max-call-duration', '59')[1]
        self.assertIn('mapping-gateway in max-call-duration-from 60 s is above max-call-duration 59 s', text)
        self.assertIn('number-transform strip is used by routing-gateway carrier (period)',
                      self.fails('set', 'no', 'number-transform', 'strip')[1])

    def test_causes_that_can_be_told(self):
        for pair in '0:503', '408:0', '404:480', '600:699':
            self.switch.do('set', 'mapping-gateway', 'in', 'replace-cause', pair)
        for pair in '408:200', '408:399', '100:503', '408:700', '408', ':', '4o8:503':
            self.assertNotEqual(self.switch.ctl('set', 'mapping-gateway', 'in', 'replace-cause', pair).returncode, 0)

    def random_gateways(self, chance, count):
        """Lines that make `count` gateways for numbers with 6, each of which tells who it is by the number."""
        lines = ['mapping-gateway in', 'no allow-routing-gateways', 'no routing-groups', 'no caller-number-groups',
                 'no callee-number-groups', 'callee-restrict none',
                 f'routing-group-rule {chance.choice(("allow", "deny"))}']
        if chance.random() < 0.5:
            lines.append('routing-groups east')
        if chance.random() < 0.3:
            lines += [f'allow-routing-gateways g{i}' for i in range(count) if i % 3]
        self.is_barred, *numbers = chance.choice((
            *([False] for _ in range(5)), [False, 'caller-number-groups callers'], [False, 'callee-number-groups callees'],
            [False, 'callee-restrict no-phone'], [True, 'caller-number-groups others'],
            [True, 'callee-number-groups others'], [True, 'callee-restrict phone']))
        lines += [*numbers, 'exit']
        for i in range(count):
            lines += [f'no routing-gateway g{i}', f'routing-gateway g{i}', f'address 127.0.0.1:{self.carrier_port}',
                      f'callee-transform t{i}', f'priority {chance.randrange(3)}',
                      *(f'prefixes {text}' for text in chance.choice((['6'], ['66'], ['667'], ['6', '66']))),
                      *(f'groups {name}' for name in chance.choice((['east'], ['west'], ['east', 'west']))),
                      f'prefix-mode {"terminate" if chance.random() < 0.15 else "extend"}',
                      f'protect {"on" if chance.random() < 0.25 else "off"}']
            lines += chance.choice([[]] * 5 + [[line] for line in (
                'lock all', 'lock out', 'lock in', 'period "mon-sun 00:00-24:00 deny"',
                'period "mon-sun 00:00-24:00 deny callee 667"', 'period "mon-sun 00:00-24:00 deny caller 4"', 'caller-prefixes 9',
                'callee-lengths 4', 'caller-lengths 4', 'callee-prefixes 667', 'no address', 'stop-codes 486')])
            lines += chance.choice([[]] * 3 + [[line] for line in (
                'caller-number-groups callers', 'caller-number-groups others', 'callee-number-groups others',
                'callee-restrict phone', 'callee-restrict no-phone', 'pairs 555:667', 'pairs *:77', 'pairs 5:',
                'forwarded-prefixes 43', 'forwarded-prefixes 44')] + [
                    ['callee-number-group-rule deny', 'callee-number-groups callees'], ['pair-rule allow', 'pairs 5:68'],
                    ['caller-number-group-rule deny', 'caller-number-groups others', 'caller-number-groups callers'],
                    ['forwarded-prefix-rule deny', 'forwarded-prefixes 43']])
            lines.append('exit')
        return lines

    def live_order(self, callee, headers):
        """A call that everybody refuses: the numbers it went out with, and why the others were passed over."""
        call = self.source.invite(callee, make_sdp('127.0.0.3', 41000), headers=headers, expect_challenge=False)
        order = []
        while True:
            wait_for('the next one, or the end', lambda: self.carrier.read(0.01) or any(
                m.method == 'INVITE' and m.status is None for m in self.carrier.unread) or self.source.read(0.01) or
                any((m.status or 0) >= 300 for m in self.source.unread))
            if any((m.status or 0) >= 300 for m in self.source.unread):
                call.ack(call.wait(lambda m: m.status >= 300))
                break
            for request in [m for m in self.carrier.unread if m.method == 'INVITE' and m.status is None]:
                self.carrier.unread.remove(request)
                order.append(re.search('sip:([0-9]+)@', request.uri)[1])
                self.carrier.reply(request, 500, to_tag='t')
        record = wait_for('the record', lambda: [row for row in self.switch.rows(
            'show', 'calls', 'history', 'last', '1') if row['callee'] == callee])[0]
        notes = [note['text'] for note in self.switch.json('show', 'call', record['call'])['item']['why']]
        return order, {text[4:] for text in notes if text.startswith('not g')}

    def test_routes_as_live_calls(self):
        """What show route says of a configuration is what a call does: same gateways, order and reasons."""
        seed = random.randrange(1 << 32)
        chance = random.Random(seed)
        count = 8
        self.configure('number-group callers', 'number 5551', 'exit', 'number-group others', 'number 555', 'exit',
                       'number-group callees', *(f'number 66712{turn}' for turn in range(5)), 'exit')
        self.configure(*(line for i in range(count) for line in (
            f'number-transform t{i}', f'rule 6->{i + 1}6', 'exit', f'routing-gateway g{i}', 'lock all', 'exit')))
        for turn in range(5):
            with self.subTest(seed=seed, turn=turn):
                callee = f'66712{turn}'
                self.configure(*self.random_gateways(chance, count))
                by = chance.choice((None, '431', '441'))
                rows = [row for row in self.switch.rows('show', 'route', callee, 'caller', '5551',
                                                        'mapping-gateway', 'in', *(('forwarded-by', by) if by else ()))
                        if row['verdict'] != 'no-prefix']
                order, why_not = self.live_order(callee, [('Diversion', f'<sip:{by}@192.0.2.9>')] if by else [])
                usable = [row for row in rows if row['is_used']]
                if self.is_barred:
                    self.assertEqual((usable, order, why_not), ([], [], set()))
                    continue
                self.assertEqual([row['order'] for row in usable], list(range(1, len(usable) + 1)))
                self.assertEqual(order, [row['callee'] for row in sorted(
                    usable, key=lambda row: row['verdict'] == 'protected')])
                self.assertEqual(why_not, {f'{row["party"].split()[1]}: {row["reason"]}' for row in rows
                                           if not row['is_used']})

    def test_numbers_in_groups(self):
        def refused(callee='0012'):
            self.assertEqual(self.refused(callee), 403)
            return wait_for('the record', lambda: [row for row in self.switch.rows(
                'show', 'calls', 'history', 'last', '1') if row['callee'] == callee])[0]['cause_name']

        def first(callee='0012'):
            row = self.switch.rows('show', 'route', callee, 'caller', '5551', 'mapping-gateway', 'in')[0]
            return row['verdict'], row['reason']
        code, message = self.fails('set', 'mapping-gateway', 'in', 'caller-number-groups', 'mine')
        self.assertIn('number-group mine does not exist', message)
        self.configure('number-group mine', 'number 5551', 'number 5552', 'exit', 'number-group theirs', 'number 0012',
                       'exit', 'mapping-gateway in', 'caller-number-groups mine', 'callee-number-groups theirs',
                       'callee-number-group-rule deny', 'exit', 'number-pool p', 'number-group mine', 'exit',
                       'routing-gateway carrier', 'number-pool p', 'forward-signal-rewrite theirs', 'exit')
        self.assertEqual(self.switch.rows('show', 'number-groups'), [
            {'name': 'mine', 'numbers': 2, 'mapping_gateways': 1, 'routing_gateways': 0, 'number_pools': 1},
            {'name': 'theirs', 'numbers': 1, 'mapping_gateways': 1, 'routing_gateways': 1, 'number_pools': 0}])
        self.assertEqual([row['name'] for row in self.switch.rows('show', 'number-groups', 'number', '0012')], ['theirs'])
        self.assertIn('number-group mine is used by ',
                      self.fails('set', 'no', 'number-group', 'mine')[1])
        self.assertEqual(first(), ('source', 'the number groups of the mapping gateway bar the called number'))
        self.assertEqual(refused(), 'callee-group-denied')
        # What passes goes out with a number of the pool's group, and Diversion with one of the gateway's.
        call = self.source.invite('0013', make_sdp('127.0.0.3', 41000), expect_challenge=False,
                                  headers=[('Diversion', '<sip:431@192.0.2.9>;reason=user-busy')])
        ring = self.carrier.incoming()
        self.assertRegex(ring.invite_request.get('From'), 'sip:555[12]@')
        self.assertRegex(ring.invite_request.get('Diversion'), '<sip:0012@127.0.0.1:[0-9]+>;reason=user-busy;')
        ring.answer(486)
        call.ack(call.wait(486))
        record = wait_for('the record', lambda: [row for row in self.switch.rows(
            'show', 'calls', 'history', 'last', '1') if row['callee'] == '0013'])[0]
        self.assertIn('Diversion shows 0012', [
            note['text'] for note in self.switch.json('show', 'call', record['call'])['item']['why']])
        self.configure('mapping-gateway in', 'caller-number-group-rule deny', 'exit')
        self.assertEqual(first('0013'), ('source', 'the number groups of the mapping gateway bar the caller'))
        self.assertEqual(refused('0014'), 'caller-group-denied')
        self.configure('mapping-gateway in', 'no caller-number-groups', 'callee-restrict phone', 'exit')
        self.assertEqual(first('0013'), ('source', 'the mapping gateway may call phones only'))
        self.assertEqual(refused('0015'), 'callee-restricted')

    def test_an_address_that_is_dead(self):
        self.configure('SS_SIP_RESEND_INTERVAL = 0.1', 'routing-gateway other', 'address 127.0.0.1:9',
                       f'address 127.0.0.1:{self.carrier_port}', 'options-check on', 'exit')
        rows = wait_for('the first address is dead', lambda: [rows for rows in [self.switch.rows(
            'show', 'route', '71')] if rows[0]['verdict'] == 'dead-address'])[0]
        self.assertEqual([(row['address'], row['is_used'], row['order'], row['verdict']) for row in rows[:2]],
                         [('127.0.0.1:9', False, None, 'dead-address'),
                          (f'127.0.0.1:{self.carrier_port}', True, 1, 'in')])

    def test_deleted_under_a_call(self):
        """What a call was set up with stays until its end, and its line is free after that."""
        self.configure('routing-gateway carrier', 'capacity 1', 'exit')
        call, ring = self.call()
        self.configure('no routing-gateway carrier', 'no mapping-gateway in')
        call.reinvite(make_sdp('127.0.0.3', 41010, version=2))
        ring.reply(ring.wait_request('INVITE'), 200, headers=[('Contact', self.carrier.contact)],
                   body=make_sdp('127.0.0.1', 41002, version=2))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)
        row = wait_for('the record', lambda: self.switch.rows('show', 'calls', 'history', 'last', '1'))[0]
        self.assertEqual((row['caller_party'], row['callee_party'], row['cause_name']),
                         ('mapping-gateway in', 'routing-gateway carrier', 'normal'))
        self.configure('mapping-gateway in', 'address 127.0.0.3', 'exit', 'routing-gateway carrier',
                       f'address 127.0.0.1:{self.carrier_port}', 'prefixes 00', 'capacity 1', 'exit')
        call, ring = self.call()
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)

    # --- OPTIONS ---

    def answer_options(self, status):
        def serve():
            request = self.carrier.wait_for(lambda m: m.method == 'OPTIONS' and m.status is None, 20, 'OPTIONS')
            self.seen = request
            self.carrier.reply(request, status, to_tag='t', headers=[('User-Agent', 'a gateway/1')])
        thread = threading.Thread(target=serve)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def test_options(self):
        for status, is_alive in (200, True), (404, True), (503, False):
            thread = self.answer_options(status)
            row, = self.switch.rows('test', 'sip', 'options', 'carrier')
            thread.join()
            self.assertEqual((row['address'], row['status'], row['is_alive'], row['user_agent']),
                             (f'127.0.0.1:{self.carrier_port}', status, is_alive, 'a gateway/1'))
            self.assertGreaterEqual(row['rtt_us'], 0)
            self.assertEqual(row['local_address'], f'127.0.0.1:{self.switch.port}')
            self.assertEqual(self.seen.uri, f'sip:127.0.0.1:{self.carrier_port}')
            self.assertIsNotNone(self.seen.get('Contact'))
        # The switch itself is an address as any.
        row, = self.switch.rows('test', 'sip', 'options', f'127.0.0.1:{self.switch.port}')
        self.assertEqual(row['status'], 200)
        self.assertEqual(self.fails('test', 'sip', 'options', 'nobody')[0], 6)
        self.assertEqual(self.fails('test', 'sip', 'options', 'in-2')[0], 1)
        row, = self.switch.rows('test', 'sip', 'options', '[::1]:5060')
        self.assertEqual((row['is_alive'], row['answer']), (False, 'no listen address to send it from'))

    def test_options_without_an_answer(self):
        row, = self.switch.rows('test', 'sip', 'options', 'carrier')
        self.assertEqual((row['status'], row['is_alive'], row['answer']), (None, False, 'timeout'))
        # It was repeated as every request.
        while self.carrier.read(0.05):
            pass
        self.assertGreater(len(self.carrier.received), 2)

    def test_options_given_up(self):
        """Rows come as they are known, and Ctrl-C ends the rest of it."""
        self.switch.do('set', 'routing-gateway', 'carrier', 'address', f'127.0.0.1:{self.switch.port}')
        asked = subprocess.Popen([VOSCTL, '-s', self.switch.socket, 'test', 'sip', 'options', 'carrier'],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(asked.stdout.close)
        self.assertIn('ADDRESS', asked.stdout.readline())
        self.assertIn(f'127.0.0.1:{self.switch.port}', asked.stdout.readline())
        self.assertIsNone(asked.poll())
        asked.send_signal(signal.SIGINT)
        self.assertNotEqual(asked.wait(4), 0)
        # Nothing is left of it, also not for a switch that stops.
        asked = subprocess.Popen([VOSCTL, '-s', self.switch.socket, 'test', 'sip', 'options', 'carrier'],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(asked.stdout.close)
        self.assertIn('ADDRESS', asked.stdout.readline())
        stop_cleanly(self.switch)
        self.assertNotEqual(asked.wait(10), 0)

    # --- counters ---

    def counters(self, *words):
        return {(row['group'], row['subject'], row['counter']): row for row in
                self.switch.rows('show', 'counters', *words)}

    def test_counters_begin_anew(self):
        key = ('sip', None, 'rx_datagrams')
        started = self.counters()[key]['since_time']
        self.carrier.options()
        first = self.counters()[key]['value']
        self.assertGreaterEqual(first, 1)
        raw = sum(row['rx_datagrams'] for row in self.switch.rows('show', 'sip', 'statistics'))
        self.switch.do('clear', 'counters', 'media')
        self.assertEqual(self.counters()[key]['value'], first)
        self.assertEqual(self.counters()[key]['since_time'], started)
        self.switch.do('clear', 'counters', 'sip')
        self.assertEqual(self.counters()[key]['value'], 0)
        self.carrier.options()
        self.assertEqual(self.counters('sip')[key]['value'], 1)
        # What is counted inside only rises.
        now = sum(row['rx_datagrams'] for row in self.switch.rows('show', 'sip', 'statistics'))
        self.assertEqual(now, raw + 1)
        self.switch.do('clear', 'counters')
        self.assertEqual(self.counters()[key]['value'], 0)

    def test_gateway_groups(self):
        self.configure('gateway-group lines', 'capacity 3', 'exit', 'gateway-group names', 'exit',
                       'mapping-gateway in', 'groups lines', 'exit',
                       'routing-gateway carrier', 'groups lines', 'groups names', 'group-reserve 2', 'exit')
        row = {'name': 'lines', 'calls': 0, 'calls_peak': 0, 'capacity': 3, 'free': 3, 'reserve': 2,
               'mapping_gateways': 1, 'routing_gateways': 1}
        names = {**dict.fromkeys(row), 'name': 'names', 'reserve': 2, 'mapping_gateways': 0, 'routing_gateways': 1}
        self.assertEqual(self.switch.rows('show', 'gateway-groups'), [row, names])
        call, ring = self.call()
        # A line for each of its gateways that the call goes through.
        self.assertEqual(self.switch.rows('show', 'gateway-groups', 'lines'),
                         [{**row, 'calls': 2, 'calls_peak': 2, 'free': 1}])
        # One is left: too few for the carrier.
        self.assertEqual(self.refused(), 503)
        self.configure('gateway-group lines', 'capacity 1')
        self.assertEqual(self.switch.rows('show', 'gateway-groups', 'li*')[0]['free'], 0)
        call.bye()
        ring.reply(ring.wait_request('BYE'), 200)
        wait_for('its lines are free again',
                 lambda: self.switch.rows('show', 'gateway-groups', 'lines')[0]['calls'] == 0)
        status, text = self.fails('show', 'gateway-groups', 'nobody')
        self.assertNotEqual(status, 0)
        self.assertIn('there is no gateway-group nobody', text)

    def test_groups_of_counters(self):
        everything = self.counters()
        groups = {group for group, _, _ in everything}
        for group in 'sip', 'registration', 'media', 'gateway':
            self.assertIn(group, groups)
            self.assertEqual({name for name, _, _ in self.counters(group)}, {group})
        bindings = everything['registration', None, 'bindings']
        self.assertTrue(bindings['is_gauge'])
        self.assertIsNone(bindings['since_time'])
        self.assertIn(('gateway', 'routing-gateway carrier', 'attempts'), everything)


if __name__ == '__main__':
    unittest.main()
