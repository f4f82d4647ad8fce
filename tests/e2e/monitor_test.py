#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What goes on in a switch, asked for by name or followed: contacts of a gateway that registers here, counters
while they change."""
import json
import select
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent
from switch import BUILD, Switch, wait_for
from terminal import Terminal

CONFIG = '''hostname sw1
phone 1001
 password plain "one"
 exit
routing-gateway dialled
 registration dynamic
 password plain "two"
 exit
routing-gateway silent
 registration dynamic
 password plain "three"
 exit
routing-gateway fixed
 address 127.0.0.1:5090
 exit
'''
NOT_FOUND = 6
CTRL_C = '\x03'
GUARD_S = 30


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='vos-monitor-')
        cls.addClassCleanup(cls.folder.cleanup)
        cls.switch = Switch(cls.folder.name, CONFIG).start()
        cls.addClassCleanup(cls.switch.stop)

    def agent(self, user, password):
        agent = Agent(self.switch, user, password)
        self.addCleanup(agent.close)
        return agent


class RegistrationsOfGateway(Case):
    def test_its_contacts_alone(self):
        self.agent('1001', 'one').register()
        gateway = self.agent('dialled', 'two')
        gateway.register()
        rows = self.switch.rows('show', 'registrations', 'gateway', 'dialled')
        self.assertEqual([(row['phone'], row['gateway'], row['source_address']) for row in rows],
                         [(None, 'dialled', f'127.0.0.1:{gateway.port}')])
        every = self.switch.rows('show', 'registrations')
        self.assertEqual(sorted(row['phone'] or row['gateway'] for row in every), ['1001', 'dialled'])
        detail = self.switch.rows('show', 'registrations', 'gateway', 'dialled', 'detail')
        self.assertEqual(list(detail[0]), list(every[0]))

    def test_nobody_has_registered(self):
        self.assertEqual(self.switch.rows('show', 'registrations', 'gateway', 'silent'), [])

    def test_not_one_that_registers_here(self):
        for name in 'fixed', 'nobody', '1001', '@dialled':
            done = self.switch.ctl('show', 'registrations', 'gateway', name)
            self.assertEqual((done.returncode, done.stdout), (NOT_FOUND, ''))
            self.assertIn(f'there is no routing gateway {name} that registers here', done.stderr)


class MonitorCounters(Case):
    def value(self):
        return next(row['value'] for row in self.switch.rows('show', 'counters', 'sip')
                    if row['counter'] == 'rx_datagrams')

    def follow(self, *words):
        """A row is there by the time that it returns: what is followed is caused until then."""
        process = subprocess.Popen([str(BUILD / 'vosctl'), '-s', self.switch.socket, *words, 'monitor', 'counters'],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, bufsize=0)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, GUARD_S)
        self.addCleanup(process.terminate)
        sender = self.agent('1001', 'one')
        while not select.select([process.stdout], [], [], 0.1)[0]:
            self.assertIsNone(process.poll())
            sender.send_raw(b'no SIP')
        return process, sender

    def row(self, process):
        """Unbuffered, so that select() knows of every line."""
        line = b''
        while not line.endswith(b'\n'):
            self.assertTrue(select.select([process.stdout], [], [], GUARD_S)[0])
            line += process.stdout.read(1)
        return json.loads(line)

    def received(self, process):
        """The next row of datagrams received."""
        while True:
            row = self.row(process)
            self.assertNotEqual(row['change'], 0)
            if row['counter'] == 'rx_datagrams':
                return row

    def test_rows_of_what_changes(self):
        process, sender = self.follow('-J')
        first = self.received(process)
        self.assertEqual(list(first), ['time', 'group', 'subject', 'counter', 'value', 'change'])
        self.assertEqual((first['group'], first['subject']), ('sip', None))
        last = first
        while last['value'] < self.value():
            last = self.received(process)
        for count in 3, 1:
            for _ in range(count):
                sender.send_raw(b'no SIP')
            # They may come in more than one second.
            risen = 0
            while risen < count:
                row = self.received(process)
                risen += row['change']
                self.assertEqual(row['value'], last['value'] + row['change'])
                last = row
            self.assertEqual(risen, count)

    def test_cleared_is_a_change(self):
        process, _ = self.follow('-J')
        last = self.received(process)
        while last['value'] < self.value():
            last = self.received(process)
        self.switch.do('clear', 'counters', 'sip')
        self.assertEqual((self.received(process)['change'], self.value()), (-last['value'], 0))

    def test_ends_by_ctrl_c(self):
        sender = self.agent('1001', 'one')
        shell = Terminal([str(BUILD / 'vosctl'), '-s', self.switch.socket], {'HOME': self.folder.name}, columns=200)
        self.addCleanup(shell.close)
        shell.wait_last('sw1#').line('monitor counters')

        def is_seen():
            sender.send_raw(b'no SIP')
            try:
                shell.wait_text('rx_datagrams', 0.2)
            except AssertionError:
                return False
            return True
        wait_for('a row', is_seen, GUARD_S)
        shell.keys(CTRL_C).wait_last('sw1#')
        self.assertEqual(shell.line('exit').wait_end(), 0)

    def test_ends_in_time(self):
        self.assertEqual(self.switch.ctl('-t', '0.3', 'monitor', 'counters').returncode, 7)


if __name__ == '__main__':
    unittest.main(verbosity=2)
