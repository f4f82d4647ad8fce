# SPDX-License-Identifier: GPL-2.0-or-later
"""A switch whose records are looked at: phone 1001 calls numbers that begin with 8, which a gateway of the
test's own takes; its files of records, and what the shell says of them."""
import csv
import json
import tempfile
import unittest
from pathlib import Path

from siplib import Agent, make_sdp, stop_cleanly
from switch import Switch, free_udp_port, wait_for


def configuration(port, more=''):
    return f'''
phone 1001
 password plain "one"
 exit
routing-gateway carrier
 address 127.0.0.1:{port}
 prefixes 8
 exit
SERVER_CDR_FILE_WRITE_INTERVAL = 1
SS_CDR_RECORD_TO_FILE = on
SS_CDR_RECORD_NONCONNECT = on
SS_SIP_SIGNALLING_THREADS = 2
{more}
'''


class RecordsCase(unittest.TestCase):
    launcher = ()

    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix='vos-cdr-')
        self.addCleanup(self.scratch.cleanup)
        self.files = Path(self.scratch.name) / 'state' / 'cdr-files'

    def start(self, more=''):
        port = free_udp_port()
        self.switch = Switch(self.scratch.name, configuration(port, more), launcher=self.launcher).start()
        self.addCleanup(lambda: stop_cleanly(self.switch))
        self.gateway = Agent(self.switch, 'carrier', port=port)
        self.addCleanup(self.gateway.close)
        self.log_in()

    def log_in(self):
        self.caller = self.phone('1001', 'one')

    def phone(self, number, password):
        agent = Agent(self.switch, number, password)
        self.addCleanup(agent.close)
        agent.register()
        return agent

    def connect(self, number, agent=None, callee=None):
        """A call that is up: its two ends."""
        call = (agent or self.caller).invite(number, make_sdp('127.0.0.1', 6000))
        callee = (callee or self.gateway).incoming()
        callee.answer(200, make_sdp('127.0.0.1', 7000))
        callee.wait_request('ACK')
        call.wait(200)
        call.ack()
        return call, callee

    def end(self, call, other, headers=()):
        """Hung up by the first."""
        bye = call.send('BYE', headers)
        other.reply(other.wait_request('BYE'), 200)
        call.agent.wait_status(bye)

    def talk(self, number):
        call, callee = self.connect(number)
        self.end(call, callee)
        return call

    def refuse(self, number, status=486):
        call = self.caller.invite(number, make_sdp('127.0.0.1', 6000))
        self.gateway.incoming().answer(status)
        call.ack(call.wait(status))

    def rotating(self, ending='.csv'):
        """Rows of all the files that are closed."""
        rows = []
        for path in sorted(self.files.glob('cdr-*' + ending)):
            with open(path, newline='') as file:
                rows += csv.DictReader(file) if ending == '.csv' else map(json.loads, file)
        return rows

    def hourly(self):
        return [line.split('|') for path in self.files.glob('*.txt') for line in path.read_text().splitlines()]

    def wait_files(self, count, ending='.csv'):
        wait_for(f'{count} records in closed files', lambda: len(self.rotating(ending)) >= count, 60)
        return self.rotating(ending)

    def status(self):
        return self.switch.json('show', 'cdr', 'status')['item']

    def wait_newest(self, number):
        wait_for(f'record {number}', lambda: self.status()['newest'] >= number)

    def record(self, number):
        """All of that record, once it is stored."""
        self.wait_newest(number)
        return self.switch.json('show', 'cdr', str(number))['item']

    def is_raised(self, kind='disk'):
        return any(row['kind'] == kind for row in self.switch.rows('show', 'alarms'))

    def wait_alarm(self, raised, kind='disk'):
        wait_for(f'alarm {kind} ' + ('raised' if raised else 'cleared'), lambda: self.is_raised(kind) == raised, 60)
