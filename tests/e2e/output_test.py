#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What comes out of vosctl: the same rows as table, JSON, NDJSON and CSV; filters alone, cut short and
chained; faults as documents; colours, width, time stamps and watch on a terminal."""
import csv
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from sip_client import Phone  # noqa: E402
from switch import BUILD, Switch, wait_for  # noqa: E402
from terminal import Terminal  # noqa: E402

VOSCTL = str(BUILD / 'vosctl')
CONFIG = '''hostname sw1
phone 1001
 password plain "one"
 name "Küche, \\"rechts\\""
 exit
phone 13912345678
 exit
mapping-gateway in
 address 192.0.2.0/24
 exit
routing-gateway out
 address 192.0.2.77:5090
 prefixes 00
 exit
user nobody
 role operator
 exit
SS_SIP_SESSION_TTL = 900
'''
# Rows that stay as they are while the test runs.
STEADY = ['show phones', 'show mapping-gateways', 'show routing-gateways', 'show parameters',
          'show parameters changed', 'show parameters tab sip-parameter', 'show parameters SS_SIP_NAT*',
          'show configuration history', 'show configuration diff 0 1', 'show route 0049301234',
          'show authentication failures', 'show calls', 'show media sessions', 'show audit']
ITEMS = ['show version', 'show parameter SS_SIP_SESSION_TTL', 'show media ports', 'show nat-keep-alive capacity',
         'show media decision caller 1001 callee out']
AGENT = 'Tele\x1b[31mfon/1'
PROMPT = re.compile(rb'sw1(\([^)]*\)\*?)?# ')
SGR = re.compile(rb'\x1b\[[0-9;]*m')


class Output(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='vos-output-')
        cls.addClassCleanup(cls.folder.cleanup)
        cls.switch = Switch(cls.folder.name, CONFIG)
        cls.switch.start()
        cls.addClassCleanup(cls.switch.stop)
        phone = Phone((cls.switch.address, cls.switch.port), '1001', 'one')
        cls.addClassCleanup(phone.close)
        text = phone.signed(f'Contact: <{phone.contact}>').replace('test phone', AGENT)
        assert phone.ask(text).status == 200

    def vosctl(self, *words, code=0, text=None, env=None):
        done = subprocess.run([VOSCTL, '-s', self.switch.socket, *words], input=text or '', capture_output=True,
                              text=True, timeout=30, env=env)
        self.assertEqual(done.returncode, code, f'{words}\n{done.stdout}\n{done.stderr}')
        return done

    def out(self, line):
        return self.vosctl(line).stdout

    def lines(self, line):
        return self.out(line).splitlines()

    # --- formats ---

    @staticmethod
    def as_csv(value):
        return {None: '', True: 'true', False: 'false'}.get(value, str(value)) \
            if value is None or isinstance(value, bool) else str(value)

    @staticmethod
    def as_cell(value):
        return '-' if value is None else 'yes' if value is True else 'no' if value is False else str(value)

    def test_all_formats_say_the_same(self):
        for line in STEADY:
            with self.subTest(line=line):
                document = json.loads(self.out(f'{line} | json'))
                rows = document['rows']
                self.assertEqual((document['count'], document['complete']), (len(rows), True))
                *objects, status = map(json.loads, self.lines(f'{line} | ndjson'))
                self.assertEqual(objects, rows)
                self.assertEqual((status['status'], status['count'], status['complete']), ('ok', len(rows), True))
                self.assertEqual(status['generation'], document['generation'])
                heading, *table = csv.reader(io.StringIO(self.out(f'{line} | csv')))
                self.assertEqual(table, [[self.as_csv(value) for value in row.values()] for row in rows])
                if rows:
                    self.assertEqual(heading, list(rows[0]))
                text = self.lines(line)
                shown = [row for row in text if not row.isupper()] if text else []
                self.assertEqual(len(text) - (1 if text and 'diff' not in line else 0), len(rows))
                for row, printed in zip(rows, text[len(text) - len(rows):]):
                    for name, value in row.items():
                        self.assertIn(self.as_cell(value), printed, name)
                self.assertLessEqual(len(shown), len(text))

    def test_things(self):
        for line in ITEMS:
            with self.subTest(line=line):
                item = json.loads(self.out(f'{line} | json'))['item']
                first, status = map(json.loads, self.lines(f'{line} | ndjson'))
                self.assertEqual(first, item)
                self.assertEqual(status['status'], 'ok')
                heading, values = csv.reader(io.StringIO(self.out(f'{line} | csv')))
                self.assertEqual(heading, list(item))
                self.assertEqual(len(values), len(item))
                text = self.out(line)
                for value in item.values():
                    if not isinstance(value, list):
                        self.assertIn(self.as_cell(value), text)

    def test_options_are_the_pipes(self):
        self.assertEqual(json.loads(self.vosctl('-j', 'show phones').stdout)['rows'],
                         json.loads(self.out('show phones | json'))['rows'])
        self.assertEqual(self.vosctl('-J', 'show phones').stdout, self.out('show phones | ndjson'))
        for option in '-j', '-J':
            self.assertEqual([json.loads(line).get('rows') for line in
                              self.vosctl('show', 'phones', option).stdout.splitlines()],
                             [json.loads(line).get('rows') for line in
                              self.vosctl(option, 'show', 'phones').stdout.splitlines()])
        # The line's own pipe wins.
        self.assertEqual(self.vosctl('-j', 'show phones | csv').stdout, self.out('show phones | csv'))

    def test_values_that_are_numbers(self):
        for name, default in [('SS_SIP_NAT_KEEP_ALIVE_PERIOD', 30), ('SS_RTP_PORT_RANGE', '10000,39999'),
                              ('SS_GATEWAY_SWITCH_LIMIT', 'none'), ('SS_SIP_AUTHENTICATION_REALM', ''),
                              ('SS_REPLY_UNAUTHORIZED', 'on')]:
            with self.subTest(name=name):
                item = json.loads(self.vosctl('-j', 'show', 'parameter', name).stdout)['item']
                self.assertEqual(item['default'], default)
                rows = json.loads(self.vosctl('-j', 'show', 'parameters', name).stdout)['rows']
                self.assertEqual([(row['value'], row['default']) for row in rows],
                                 [(item['value'], item['default'])])

    def test_unknown_is_null_and_empty_is_a_list(self):
        rows = {row['number']: row for row in self.switch.rows('show', 'phones')}
        self.assertEqual(rows['1001']['name'], 'Küche, "rechts"')
        self.assertTrue(rows['1001']['is_reachable'])
        self.assertIsNone(rows['13912345678']['name'])
        self.assertIsNone(rows['13912345678']['source_address'])
        document = json.loads(self.out('show calls | json'))
        self.assertEqual((document['rows'], document['count'], document['complete']), ([], 0, True))
        self.assertEqual(len(self.lines('show calls | csv')), 1)
        self.assertEqual(self.out('show calls | count'), '0\n')

    def test_strangers_do_not_drive_the_terminal(self):
        for line in 'show registrations detail', 'show registrations detail | csv', 'show registrations | json':
            self.assertNotIn('\x1b', self.out(line))
        self.assertEqual(self.switch.rows('show', 'registrations')[0]['user_agent'], AGENT)

    def test_faults_are_documents(self):
        for line, code, name in [
                ('show nothing', 1, 'syntax.unknown-word'), ('show c', 1, 'syntax.ambiguous'),
                ('show call', 1, 'syntax.incomplete'), ('show call 00ff', 6, 'not-found'),
                ('set SS_SIP_SESSION_TTL 1', 1, 'value.range'), ('set SS_SIP_SESSION_TTL x', 1, 'value.format'),
                ('set phone 1001 network nowhere', 5, 'ref.missing'), ('shutdown', 1, 'state')]:
            with self.subTest(line=line):
                done = self.vosctl('-j', line, code=code)
                error = json.loads(done.stdout)['error']
                self.assertEqual(set(error), {'code', 'message', 'path', 'line', 'column'})
                self.assertEqual(error['code'], name)
                self.assertIn(error['message'], done.stderr)
                done = self.vosctl('-J', line, code=code)
                status = json.loads(done.stdout.splitlines()[-1])
                self.assertEqual((status['status'], status['complete']), ('error', False))
                self.assertEqual(status['error']['code'], name)

    # --- filters ---

    def test_filters(self):
        heading, *rows = self.lines('show parameters')

        def fitting(pattern):
            return [row for row in rows if re.search(pattern, row)]
        nat = fitting('NAT_KEEP')
        self.assertGreater(len(nat), 3)
        for line, wanted in [
                ('| include NAT_KEEP', nat),
                ('| exclude NAT_KEEP', [heading, *[row for row in rows if row not in nat]]),
                ('| include "NAT_KEEP.*(PERIOD|MESSAGE)"', fitting('NAT_KEEP.*(PERIOD|MESSAGE)')),
                ('| begin SS_SIP_SESSION_TTL', rows[rows.index(fitting('SS_SIP_SESSION_TTL')[0]):]),
                ('| include ^SS_SIP | count', [str(len(fitting('^SS_SIP')))]),
                ('| count', [str(len(rows))]),
                ('| last 3', [heading, *rows[-3:]]),
                ('| include NAT_KEEP | exclude PERIOD | last 1', [r for r in nat if 'PERIOD' not in r][-1:]),
                ('| last 20 | include SS_ | count', [str(len([r for r in rows[-20:] if 'SS_' in r]))]),
                ('| include nothing-has-this', []),
                ('| no-more', [heading, *rows]),
                # Cut short, as fingers do.
                ('| inc NAT_KEEP | e PERIOD | l 1', [r for r in nat if 'PERIOD' not in r][-1:]),
                ('| beg SS_SIP_SESSION_TTL | cou',
                 [str(len(rows) - rows.index(fitting('SS_SIP_SESSION_TTL')[0]))])]:
            with self.subTest(line=line):
                self.assertEqual(self.lines('show parameters ' + line), wanted)

    def test_section(self):
        text = self.lines('show running-config | section phone')
        self.assertEqual(text[0], 'phone 1001')
        self.assertIn('phone 13912345678', text)
        self.assertNotIn('routing-gateway out', text)
        self.assertIn(' name "Küche, \\"rechts\\""', text)

    def test_filters_of_documents(self):
        rows = self.switch.rows('show', 'parameters')
        document = json.loads(self.out('show parameters | include NAT_KEEP | json'))
        self.assertEqual(document['rows'], [row for row in rows if 'NAT_KEEP' in json.dumps(row)])
        self.assertEqual(document['count'], len(document['rows']))
        document = json.loads(self.out('show parameters | json | last 2'))
        self.assertEqual(document['rows'], rows[-2:])
        document = json.loads(self.out('show parameters | count | json'))
        self.assertEqual((document['rows'], document['count']), ([], len(rows)))
        self.assertEqual(self.lines('show phones | csv | include 1001')[0].split(',')[0], '1001')

    def test_wrong_filters(self):
        for line in ('| include (', '| include', '| last 0', '| last', '| nothing', '| count 3', '|', '| save',
                     '| save /nonexistent/x', 'include x'):
            with self.subTest(line=line):
                done = self.vosctl('show phones ' + line, code=1)
                self.assertEqual(done.stdout, '')
                self.assertIn('error: ', done.stderr)

    def test_save(self):
        path = Path(self.folder.name) / 'saved file'
        self.assertEqual(self.out(f'show phones | save "{path}"'), '')
        once = self.out('show phones')
        self.assertEqual(path.read_text(), once)
        self.out(f'show phones | sav "{path}" app')
        self.assertEqual(path.read_text(), once * 2)
        self.out(f'show phones | include 1001 | json | save "{path}"')
        self.assertEqual(json.loads(path.read_text())['count'], 1)
        self.assertIn('cannot write', self.vosctl('show parameters | save /dev/full', code=1).stderr)

    def test_redact(self):
        text = self.out('show running-config | redact')
        self.assertIn('password <redacted>', text.replace('sealed ', ''))
        self.assertNotIn('v1:', text)
        self.assertIn('phone 1391xxxxxxx', text)
        self.assertIn('phone 1001', text)
        self.assertNotIn('13912345678', self.out('show phones | redact | json'))
        self.assertNotIn('13912345678', self.out('show phones | csv | redact'))

    # --- more than one in one ---

    def test_tech_support(self):
        document = json.loads(self.out('show tech-support | json'))
        commands = [part['command'] for part in document['sections']]
        self.assertEqual((document['schema'], document['count'], document['complete']),
                         ('tech-support/1', len(commands), True))
        text = self.lines('show tech-support')
        self.assertEqual([row for row in text if row.startswith('------ ')],
                         [f'------ {command} ------' for command in commands])
        for wanted in ('show version', 'show running-config redact', 'show registrations brief', 'show counters'):
            self.assertIn(wanted, commands)
        lines = [json.loads(row) for row in self.lines('show tech-support | ndjson')]
        self.assertEqual([row['section'] for row in lines if 'section' in row], commands)
        self.assertEqual((lines[-1]['status'], lines[-1]['complete']), ('ok', True))
        self.assertEqual([row for row in self.lines('show tech-support | csv') if row.startswith('# ')],
                         [f'# {command}' for command in commands])
        path = Path(self.folder.name) / 'support'
        self.out(f'show tech-support | redact | save "{path}"')
        self.assertNotIn('13912345678', path.read_text())
        self.assertIn('show logging', path.read_text())
        self.assertNotIn('sealed', self.out('show tech-support'))
        self.vosctl('show tech-support | json | include x', code=1)

    def test_logging(self):
        self.switch.do('set', 'phone', '1001', 'lock', 'none')
        self.assertEqual(self.vosctl('clear call 00aa', code=6).stdout, '')
        newest = self.switch.rows('show', 'logging', 'last', '1')
        self.assertEqual(len(newest), 1)
        self.assertIn('clear call 00aa', newest[0]['message'])
        self.assertEqual((newest[0]['level'], newest[0]['subsystem']), ('notice', 'audit'))
        log = self.switch.log().splitlines()
        self.assertEqual([row['message'] for row in self.switch.rows('show', 'logging')][:len(log)],
                         [line.split(': ', 1)[1] for line in log])

    def test_capacity_follows_the_ports(self):
        self.switch.set('SS_RTP_PORT_RANGE', '30000,30019')
        item = self.switch.json('show', 'capacity')['item']
        self.assertEqual((item['media_ports_low'], item['media_ports_high']), (30000, 30019))
        self.assertEqual((item['media_pairs_total'], item['relayed_call_limit'], item['relayed_call_limit_by']),
                         (10, 10, 'ports'))
        # Sockets of the old range are closed a little later.
        folder = f'/proc/{self.switch.process.pid}/fd'
        wait_for('the number of descriptors', lambda: abs(
            self.switch.json('show', 'capacity')['item']['descriptors_used'] - len(os.listdir(folder))) <= 4)
        self.switch.do('set', 'SS_RTP_PORT_RANGE', '10000,39999')

    # --- a terminal ---

    def shell(self, environment=None, **settings):
        home = tempfile.TemporaryDirectory(prefix='vos-home-')
        self.addCleanup(home.cleanup)
        shell = Terminal([VOSCTL, '-s', self.switch.socket], {'HOME': home.name, **(environment or {})}, **settings)
        self.addCleanup(shell.close)
        return shell.wait_last('sw1#')

    def raw(self, environment, lines):
        """All bytes of a session on a terminal; None takes a variable away."""
        pid, fd = pty.fork()
        if pid == 0:
            os.environ.update({'LC_ALL': 'C.UTF-8', 'HOME': self.folder.name})
            for name in 'TERM', 'NO_COLOR':
                os.environ.pop(name, None)
            os.environ.update(environment)
            os.execv(VOSCTL, [VOSCTL, '-s', self.switch.socket])
        self.addCleanup(os.close, fd)
        data = b''

        def read():
            self.assertTrue(select.select([fd], [], [], 20)[0], data)
            return os.read(fd, 65536)
        for line in [*lines, 'exit']:
            while not PROMPT.search(data.rpartition(b'\n')[2]):
                data += read()
            os.write(fd, line.encode() + b'\r')
            data += b'\n'
        try:
            while piece := read():
                data += piece
        except OSError:
            pass  # the terminal is gone: the program has ended
        os.waitpid(pid, 0)
        return data

    def test_colours_only_where_they_are_wanted(self):
        lines = ['show phones | no-more']
        self.assertRegex(self.raw({'TERM': 'xterm'}, lines), rb'\x1b\[1mNUMBER [^\x1b]*\x1b\[m')
        self.assertRegex(self.raw({'TERM': 'xterm', 'NO_COLOR': ''}, lines), rb'\x1b\[1mNUMBER ')
        for environment in ({'TERM': 'xterm', 'NO_COLOR': '1'}, {'TERM': 'dumb'}, {}):
            data = self.raw(environment, lines)
            self.assertIn(b'NUMBER ', data)
            self.assertEqual(SGR.findall(data), [], environment)
        for line in 'show phones', 'show configuration diff 0 1':
            self.assertNotIn('\x1b', self.vosctl(line, env={**os.environ, 'TERM': 'xterm'}).stdout)

    def test_colours_of_a_difference(self):
        lines = ['configure', 'no user nobody', 'phone 1001 name x', 'show configuration changes', 'discard', 'end']
        data = self.raw({'TERM': 'xterm'}, lines)
        self.assertRegex(data, rb'\x1b\[32m\+[^\x1b]*name[^\x1b]*\x1b\[m')
        self.assertRegex(data, rb'\x1b\[31m-[^\x1b]*\x1b\[m')
        path = Path(self.folder.name) / 'plain'
        self.raw({'TERM': 'xterm'}, [f'show phones | save {path}'])
        self.assertNotIn(b'\x1b', path.read_bytes())

    def test_tables_fit_the_screen(self):
        for columns, least in (80, 4), (60, 2), (132, 4), (40, 0):
            shell = self.shell(columns=columns)
            for line in ('show phones', 'show parameters SS_SIP_NAT*', 'show sessions', 'show audit', 'show logging',
                         'show registrations', 'show routing-gateways'):
                prompts = shell.screen.text().count('sw1#')
                shell.line(f'{line} | no-more')
                shell.wait('the next prompt', lambda screen, n=prompts: screen.text().count('sw1#') > n)
            wide = [row for row in shell.screen.rows if len(row.rstrip()) > columns]
            self.assertEqual(wide, [])
            # A row that wrapped would leave its rest at the start of the next one.
            headings = [row for row in shell.screen.rows if row.startswith(('NUMBER', 'TIME', 'SESSION'))]
            self.assertGreaterEqual(len(headings), least)
            shell.line('exit').wait_end()

    def test_help_fits_the_screen(self):
        """Also where the words of a value need a row of their own, which once pushed all else off the screen."""
        for width in 60, 80, 100, 132:
            # The terminal is wide, so that a row too long would be seen as one.
            shell = self.shell(columns=1000)
            shell.line(f'terminal width {width}').line('terminal length 0').line('configure').wait_last('sw1(config)#')
            shell.line('routing-gateway fits').wait_text('gateway:fits)*#').keys('?')
            shell.wait_text('one mode up; from exec').keys('codecs ?').wait_text('codecs allowed, most', 20)
            shell.wait('both', lambda screen: len(re.findall(r'\S*#\s+codecs', screen.text())) > 1)
            shell.keys('\x15').line('discard').line('end').wait_last('sw1#').line('exit').wait_end()
            first = next(at for at, row in enumerate(shell.screen.rows) if row.startswith('sw1#'))
            rows = [row.rstrip() for row in shell.screen.rows[first:] if not row.startswith('sw1')]
            self.assertGreater(len(rows), 60)
            self.assertEqual([row for row in rows if len(row) > width], [])
            # The codecs are all there, and their help begins in a row of its own.
            text = ' '.join(shell.screen.text().split())
            self.assertRegex(text, r'codecs \{g711a\|.*\|opus\} codecs allowed')

    def test_terminal_settings(self):
        shell = self.shell(columns=100, height=30)
        shell.line('terminal width 60').wait_last('sw1#').line('show phones').wait_text('1001')
        shell.wait_last('sw1#')
        self.assertTrue(all(len(row.rstrip()) <= 60 for row in shell.screen.rows if '1001' in row))
        shell.line('terminal length 5').wait_last('sw1#').line('show parameters').wait_text('--More--')
        shell.keys('q').wait_last('sw1#').line('terminal length 0').wait_last('sw1#')
        stamp = re.compile(r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$', re.M)
        self.assertFalse(stamp.search(shell.screen.text()))
        shell.line('terminal timestamps on').wait_last('sw1#').line('show uptime').wait_text('start time')
        shell.wait_last('sw1#')
        self.assertEqual(len(stamp.findall(shell.screen.text())), 1)
        shell.line('terminal timestamps off').wait_last('sw1#').line('show media ports').wait_text('ports low')
        shell.wait_last('sw1#')
        self.assertEqual(len(stamp.findall(shell.screen.text())), 1)

    def test_watch_at_the_prompt(self):
        shell = self.shell(environment={'TERM': 'dumb'})
        shell.line('watch 1 show clock | include time')
        shell.wait('three times', lambda screen: len(re.findall('^time  ', screen.text(), re.M)) == 3)
        self.assertIn('every 1 s: show clock | include time', shell.screen.text())
        shell.keys('\x03').wait_last('sw1#')
        shell.line('watch 1 clear registration all').wait_text('show commands only')
        shell.wait_last('sw1#').line('watch 1 show nothing').wait_text('unknown word "nothing"')
        shell.wait_last('sw1#').line('watch 0 show clock').wait_text('1..86400')
        shell.wait_last('sw1#').line('watch 1 show call 00bb').wait_text('00bb')
        # What fails once is not tried again.
        shell.wait_last('sw1#').line('show uptime').wait_text('uptime')
        self.assertEqual(shell.wait_last('sw1#').line('exit').wait_end(), 0)

    def test_watch_in_batch(self):
        process = subprocess.Popen([VOSCTL, '-s', self.switch.socket, '-J', 'watch 1 show clock'],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        documents = [json.loads(process.stdout.readline()) for _ in range(4)]
        self.assertEqual([set(documents[0]), documents[1]['status']], [{'time'}, 'ok'])
        self.assertGreater(documents[2]['time'], documents[0]['time'])
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(20), -signal.SIGINT)
        self.vosctl('watch 1 show call 00cc', code=6)
        self.vosctl('watch 1 set hostname x', code=1)


if __name__ == '__main__':
    unittest.main()
