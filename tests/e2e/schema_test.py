#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every show command against its schema in data/schema: what `vosctl -j` prints on a switch with phones, a
relayed call, wrong passwords and a history validates, and no schema is left untried."""
import copy
import json
import re
import select
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import jsonschema
from sip_client import Phone
from siplib import Agent, Rtp, Sdp, make_sdp
from stream_client import connect
from session import Session
from switch import BUILD, ROOT, Switch, free_tcp_port, wait_for
from terminal import Terminal

SCHEMAS = {path.stem: json.loads(path.read_text()) for path in sorted((ROOT / 'data/schema').glob('*.json'))}
CONFIG = '''black-list 1
 exit
gateway-group lines
 capacity 3
 exit
phone 1001
 password plain "one"
 name "Front desk"
 exit
phone 1002
 password plain "two"
 exit
phone 1003
 registration static
 address 127.0.0.1:5099
 exit
phone 1004
 password plain "four"
 exit
mapping-gateway in
 address 127.0.0.9
 exit
routing-gateway out
 address 127.0.0.1:5090
 prefixes 00
 priority 3
 exit
routing-gateway locked
 lock all
 exit
routing-gateway dialled
 registration dynamic
 password plain "five"
 exit
registration ours
 server 127.0.0.1:5097
 account 77
 exit
number-group odd
 number 77
 exit
SS_MEDIA_PROXY_MODE = On
SS_AUTHENTICATION_MAX_RETRY = 1
SS_RTP_PORT_RANGE = 21000,21199
'''

# Schema -> command lines; CALL is the id of the call, BACKUP the name of a copy.
COMMANDS = {
    'version': ['show version'],
    'status': ['show status'],
    'uptime': ['show uptime'],
    'clock': ['show clock'],
    'calls': ['show calls', 'show calls detail', 'show calls state trying'],
    'call': ['show call CALL'],
    'advice': ['show advice CALL'],
    'calls-history': ['show calls history', 'show calls history failed last 1'],
    'cdr': ['show cdr 1'],
    'cdr-status': ['show cdr status'],
    'registrations': ['show registrations', 'show registrations nat', 'show registrations phone 1001 detail',
                      'show registrations gateway dialled'],
    'registrations-outbound': ['show registrations outbound', 'show registrations outbound ours'],
    'phones': ['show phones', 'show phones 100*', 'show phones 9*', 'show phones 1001 detail',
               'show phones brief', 'show phones capacity'],
    'mapping-gateways': ['show mapping-gateways', 'show mapping-gateways in detail', 'show mapping-gateways capacity'],
    'gateway-groups': ['show gateway-groups', 'show gateway-groups l*'],
    'number-groups': ['show number-groups', 'show number-groups o*', 'show number-groups number 77'],
    'routing-gateways': ['show routing-gateways', 'show routing-gateways o* detail',
                         'show routing-gateways brief'],
    'nat-keep-alive': ['show nat-keep-alive'],
    'nat-keep-alive-capacity': ['show nat-keep-alive capacity', 'show nat-keep-alive capacity devices 10000000'],
    'nat-keep-alive-phones': ['show nat-keep-alive phones', 'show nat-keep-alive phones phone 1002',
                              'show nat-keep-alive phones missed'],
    'media-ports': ['show media ports'],
    'media-fast-path': ['show media fast-path'],
    'media-sessions': ['show media sessions'],
    'media-decision': ['show media decision caller 1001 callee out',
                       'show media decision caller 1003 callee 1004'],
    'media-decision-of-call': ['show media decision CALL'],
    'route': ['show route 1001', 'show route 1004', 'show route 0049', 'show route 7',
              'show route 0049 caller 12 mapping-gateway in'],
    'sip-options': ['test sip options [::1]:5060'],
    'backups': ['backup list'],
    'backup': ['backup verify BACKUP'],
    'test-route': ['test route 0049'],
    'test-media': ['test media caller 1003 callee 1004'],
    'parameters': ['show parameters', 'show parameters changed', 'show parameters tab h323-parameter'],
    'parameter': ['show parameter SS_SIP_SESSION_TTL', 'show parameter SS_RTP_ENCRYPTION_KEY',
                  'show parameter SS_SIP_AUTHENTICATION_REALM'],
    'running-config': ['show running-config', 'show running-config all', 'show running-config names redact',
                       'show running-config phone 1001'],
    'configuration': ['show configuration'],
    'configuration-history': ['show configuration history', 'show configuration history last 1'],
    'configuration-diff': ['show configuration diff', 'show configuration diff 1 2', 'show configuration diff 1 1'],
    'configuration-generation': ['show configuration generation 1'],
    'sessions': ['show sessions'],
    'audit': ['show audit', 'show audit last 1'],
    'logging': ['show logging', 'show logging last 2'],
    'capacity': ['show capacity'],
    'statistics': ['show statistics', 'show statistics total window 5', 'show statistics total'],
    'statistics-causes': ['show statistics causes', 'show statistics causes total'],
    'report': ['show report daily', 'show report monthly last 2'],
    'report-growth': ['show report growth'],
    'fraud': ['show fraud'],
    'capacity-firewall': ['show capacity firewall', 'show capacity firewall iptables', 'show capacity firewall ip6tables'],
    'alarms-notices': ['show alarms notices'],
    'alarms': ['show alarms', 'show alarms active', 'show alarms history', 'show alarms history last 1'],
    'trace-calls': ['show trace calls', 'show trace calls method REGISTER', 'show trace calls latest 1'],
    'trace-call': ['show trace call CALL', 'show trace call CALL summary'],
    'trace-media': ['show trace media'],
    'trace-registrations': ['show trace registrations', 'show trace registrations phone 1001 latest 1'],
    'traces': ['show traces'],
    'debugging': ['show debugging'],
    'trace-hep': ['show trace hep'],
    'tech-support': ['show tech-support'],
    'counters': ['show counters', 'show counters gateway'],
    'sip-statistics': ['show sip statistics'],
    'sip-transports': ['show sip transports'],
    'sip-connections': ['show sip connections', 'show sip connections address 127.0.0.1'],
    'sip-transactions': ['show sip transactions'],
    'sip-transactions-list': ['show sip transactions list', 'show sip transactions list limit 1'],
    'sip-guard': ['show sip guard'],
    'authentication-firewall': ['show authentication firewall'],
    'authentication-failures': ['show authentication failures'],
    'authentication-suspended': ['show authentication suspended'],
    'black-list': ['show black-list', 'show black-list type static', 'show black-list number 1'],
}
# Written by vosctl into a file: what is in there is looked at.
EXPORTS = {'trace-export-call': 'trace export call CALL file FILE json',
           'trace-export': 'trace export caller 1001 back 1h file FILE json'}
# Needs a candidate, hence several lines in one session.
IN_CONFIG = {'configuration-changes': 'show configuration changes'}
# Without end: its rows are looked at, not its document.
ENDLESS = {'monitor-log': 'monitor log', 'monitor-counters': 'monitor counters', 'monitor-calls': 'monitor calls',
           'monitor-trace': 'monitor trace method INVITE'}
MAY_BE_EMPTY = ('show fraud', 'show statistics causes', 'show statistics causes total', 'show report daily',
                'show report monthly last 2', 'show advice CALL', 'show registrations nat',
                'show nat-keep-alive phones missed',
                'show calls state trying',
                'show phones 9*', 'show configuration diff 1 1', 'show route 7')


def rows_of(rows, line):
    """What a shell has printed behind the last such line, up to the prompt."""
    first = max(index for index, row in enumerate(rows) if row.rstrip().endswith(f'# {line}')) + 1
    last = next((index for index in range(first, len(rows)) if re.search(r'^\S*# show clock', rows[index])), None)
    return rows[first:last]


def rows_since(rows, line):
    """Those from where the line was entered last."""
    first = max((index for index, row in enumerate(rows) if row.rstrip().endswith(f'# {line}')), default=len(rows))
    return rows[first:]


def is_over(rows, line):
    rest = rows_since(rows, line)
    return len(rest) > 1 and rest[-1].rstrip().endswith('#')


def is_shown(rows, line):
    rest = rows_since(rows, line)
    at = [index for index, row in enumerate(rest) if re.search(r'^\S*# show clock', row)]
    return bool(at) and any(row.startswith('time') for row in rest[at[0]:]) and rest[-1].rstrip().endswith('#')


class Schemas(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='vos-schema-')
        cls.addClassCleanup(cls.folder.cleanup)
        port = free_tcp_port()
        cls.switch = Switch(cls.folder.name, f'{CONFIG}listen stream\n tcp 127.0.0.1:{port}\n exit\n')
        cls.switch.start()
        stream = connect('127.0.0.1', port)
        cls.addClassCleanup(stream.close)
        stream.send(b'\r\n\r\n')  # who says nothing at all is not kept
        stream.read()
        cls.addClassCleanup(cls.switch.stop)
        cls.switch.set('SS_SIP_NAT_KEEP_ALIVE_PERIOD', '20')
        cls.switch.do('set', 'phone', '1001', 'lock', 'none')
        cls.switch.do('set', 'phone', '1002', 'keepalive', 'options')
        cls.switch.do('trace', 'start', 'busy', 'status', '486', 'duration', '1h')
        session = Session(cls.switch.socket, batch=False)
        cls.addClassCleanup(session.close)
        session.do('debug media caller 1001')
        cls.fail_to_register()
        cls.make_alarms()
        cls.make_call()
        cls.agent('dialled', 'five').register()
        cls.backup = cls.switch.do('backup', 'create', 'comment', 'tried').split()[1]

    @classmethod
    def fail_to_register(cls):
        """From an address of its own, as it is suspended for it."""
        with Phone((cls.switch.address, cls.switch.port), '1004', 'wrong', address='127.0.0.2') as phone:
            for _ in range(2):
                phone.register()

    @classmethod
    def make_alarms(cls):
        """One that is over and one that is active, seen by somebody: sockets in folders that are not there."""
        cls.switch.do('set', 'control', 'read-only-socket', f'{cls.folder.name}/missing/one')
        cls.switch.do('clear', 'alarm', '1')
        cls.switch.do('set', 'control', 'read-only-socket', f'{cls.folder.name}/missing/two')
        cls.switch.do('alarm', 'acknowledge', '2', 'comment', 'a folder is missing')

    @classmethod
    def make_call(cls):
        """A call between 1001 and 1002 with RTP in both directions, which stays up."""
        cls.caller = caller = cls.agent('1001', 'one')
        callee = cls.agent('1002', 'two')
        media = [Rtp(), Rtp()]
        for one in media:
            cls.addClassCleanup(one.close)
        caller.register()
        callee.register()
        call = caller.invite('1002', make_sdp('127.0.0.1', media[0].port))
        incoming = callee.incoming()
        incoming.answer(200, make_sdp('127.0.0.1', media[1].port))
        answer = call.wait(200)
        call.ack()
        incoming.wait_request('ACK')
        to_switch = Sdp(answer.body).rtp, Sdp(incoming.invite_request.body).rtp
        media[0].exchange(to_switch[0], media[1])
        media[1].exchange(to_switch[1], media[0])
        cls.call = cls.switch.rows('show', 'calls')[0]['id']
        refused = caller.invite('999', make_sdp('127.0.0.1', media[0].port))
        refused.ack(refused.wait(lambda answer: answer.status >= 300))
        wait_for('a record', lambda: cls.switch.rows('show', 'calls', 'history'))

    @classmethod
    def agent(cls, user, password):
        agent = Agent(cls.switch, user, password)
        cls.addClassCleanup(agent.close)
        return agent

    def filled(self, line):
        return line.replace('CALL', self.call).replace('BACKUP', self.backup)

    def check(self, name, document):
        schema = SCHEMAS[name]
        self.assertEqual(list(jsonschema.faults(schema, schema, document)), [])

    def test_every_schema_is_tried(self):
        self.assertEqual(set(COMMANDS) | set(EXPORTS) | set(IN_CONFIG) | set(ENDLESS), set(SCHEMAS))

    def test_documents(self):
        for name, lines in COMMANDS.items():
            for line in lines:
                with self.subTest(line=line):
                    document = self.switch.json(self.filled(line))
                    self.check(name, document)
                    if 'rows' in document and line not in MAY_BE_EMPTY:
                        self.assertGreater(document['count'], 0)

    def test_documents_of_exports(self):
        path = Path(self.folder.name, 'export.json')
        for name, line in EXPORTS.items():
            self.switch.do(*self.filled(line).replace('FILE', str(path)).split())
            document = json.loads(path.read_text())
            self.check(name, document)
            self.assertGreater(document['count'], 0)

    def test_documents_of_a_candidate(self):
        for name, line in IN_CONFIG.items():
            done = subprocess.run([str(BUILD / 'vosctl'), '-q', '-j', '-s', self.switch.socket, '-c', 'configure',
                                   '-c', 'hostname other', '-c', line, '-c', 'discard', '-c', 'end'],
                                  capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 0, done.stderr)
            documents = [json.loads(text) for text in done.stdout.splitlines()]
            wanted = [document for document in documents if document['schema'] == f'{name}/1']
            self.assertEqual(len(wanted), 1)
            self.check(name, wanted[0])
            self.assertGreater(wanted[0]['count'], 0)

    def test_lines(self):
        """A line of -J is a row of the same schema."""
        for name in 'calls', 'registrations', 'parameters', 'media-sessions':
            schema = SCHEMAS[name]
            *rows, status = self.switch.do('-J', COMMANDS[name][0]).splitlines()
            self.assertEqual(json.loads(status)['status'], 'ok')
            for row in rows:
                self.assertEqual(list(jsonschema.faults(schema, schema['$defs']['row'], json.loads(row))), [])

    def test_lines_without_end(self):
        for name, line in ENDLESS.items():
            followed = subprocess.Popen([str(BUILD / 'vosctl'), '-J', '-s', self.switch.socket, line],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            try:
                # What it follows is caused until it follows.
                while not select.select([followed.stdout], [], [], 0.1)[0]:
                    self.assertIsNone(followed.poll())
                    self.switch.ctl('clear', 'registration', 'nobody')
                    with Agent(self.switch, '1001') as agent:
                        agent.send_raw(b'no SIP')
                    if name in ('monitor-calls', 'monitor-trace'):
                        self.caller.invite('1004', make_sdp('127.0.0.1', 6000)).wait(480)
                row = json.loads(followed.stdout.readline())
                schema = SCHEMAS[name]
                self.assertEqual(list(jsonschema.faults(schema, schema['$defs']['row'], row)), [])
            finally:
                followed.terminate()
                followed.wait(10)
                followed.stdout.close()

    def test_the_parts_of_tech_support(self):
        for part in self.switch.json('show tech-support')['sections']:
            schema = SCHEMAS[part['schema'].partition('/')[0]]
            for row in part.get('rows', ()):
                self.assertEqual(list(jsonschema.faults(schema, schema['$defs']['row'], row)), [])
            if 'item' in part:
                self.assertEqual(list(jsonschema.faults(schema, schema['$defs']['item'], part['item'])), [])

    def test_every_screen_fits_its_terminal(self):
        """At any width no row is longer than the screen: a table, and where that is too wide, records. What can
        be loaded again is text and is never cut."""
        lines = [line for name, lines in COMMANDS.items() for line in lines
                 if name not in ('tech-support', 'configuration-diff') and 'text' not in SCHEMAS[name]['properties']]
        self.assertGreater(len(lines), 30)
        for width in 40, 60, 80, 132:
            # The terminal is wide, so that a row too long would be seen as one.
            shell = Terminal([str(BUILD / 'vosctl'), '-q', '-s', self.switch.socket], {'HOME': self.folder.name},
                             columns=1000, height=24)
            self.addCleanup(shell.close)
            shell.wait('prompt', lambda screen: screen.last().endswith('#'))
            records = 0
            shell.line(f'terminal width {width}').line('terminal length 0')
            for line in lines:
                with self.subTest(line=line, width=width):
                    line = self.filled(line)
                    # What is typed before the prompt is back would be echoed into the rows.
                    shell.line(line + ' ').wait(line, lambda screen, line=line: is_over(screen.rows, line))
                    shell.line('show clock')
                    shell.wait(line, lambda screen, line=line: is_shown(screen.rows, line))
                    shown = rows_of(shell.screen.rows, line)
                    wide = [row for row in shown if len(row.replace('\0', '').rstrip()) > width]
                    self.assertEqual(wide, [])
                    # detail leaves no column out, so that it may take records on any screen.
                    records += 'detail' not in line and any(re.match('[a-z_]+: ', row) for row in shown)
            # Of the widths between, the number of figures decides.
            if width in (40, 132):
                self.assertEqual(records > 0, width == 40)
            shell.line('exit').wait_end()

    def test_a_wrong_document_is_found(self):
        document = self.switch.json('show calls')
        schema = SCHEMAS['calls']

        def spoilt(change):
            wrong = copy.deepcopy(document)
            change(wrong)
            return list(jsonschema.faults(schema, schema, wrong))
        self.assertTrue(spoilt(lambda d: d['rows'][0].pop('id')))
        self.assertTrue(spoilt(lambda d: d['rows'][0].update(more=1)))
        self.assertTrue(spoilt(lambda d: d['rows'][0].update(age_s='1')))
        self.assertTrue(spoilt(lambda d: d['rows'][0].update(is_relayed=1)))
        self.assertTrue(spoilt(lambda d: d['rows'][0].update(start_time='yesterday')))
        self.assertTrue(spoilt(lambda d: d.update(schema='calls/2')))
        self.assertTrue(spoilt(lambda d: d.update(count=-1)))
        self.assertFalse(spoilt(lambda d: d['rows'][0].update(codec=None)))


if __name__ == '__main__':
    unittest.main(verbosity=2)
