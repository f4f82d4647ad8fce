#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Records that cannot go where they should: the alarms at 50 and 90 % of what may wait, the refusal of new calls,
and that all come out once the disk is back; of the folder of files, and of the store itself."""
import socket
import subprocess
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from records import RecordsCase
from switch import wait_for

PENDING_MAX = 1000  # the least that may be set
TRUNK = f'''
mapping-gateway trunk
 address 127.0.0.2
 exit
SERVER_MAX_CDR_PENDING_LIST_LENGTH = {PENDING_MAX}
SS_SIP_GUARD_RATE = 0
SS_SIP_OVERLOAD_LAG = 0
SS_MAX_CPS = 100000
SS_SIP_SIGNALLING_THREADS = 1
'''


class Queue(RecordsCase):
    def start(self, more=''):
        super().start(TRUNK + more)
        self.trunk = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(self.trunk.close)
        self.trunk.bind(('127.0.0.2', 0))
        self.trunk.settimeout(20)
        self.trunk.connect((self.switch.address, self.switch.port))
        self.made = 0

    def call(self):
        """One that finds no route, and is a record at once; its final status."""
        self.made += 1
        port = self.trunk.getsockname()[1]
        fields = (f'Via: SIP/2.0/UDP 127.0.0.2:{port};branch=z9hG4bKq{self.made}\r\nMax-Forwards: 70\r\n'
                  f'From: <sip:700@127.0.0.2>;tag=1\r\nCall-ID: queue-{self.made}\r\n'
                  f'Contact: <sip:700@127.0.0.2:{port}>\r\nContent-Length: 0\r\n')
        to = f'To: <sip:7{self.made}@127.0.0.1>'
        line = f'sip:7{self.made}@127.0.0.1 SIP/2.0\r\n'
        self.trunk.send(f'INVITE {line}{to}\r\nCSeq: 1 INVITE\r\n{fields}\r\n'.encode())
        while True:
            answer = self.trunk.recv(65536).decode()
            status = int(answer.split()[1])
            if f'\r\nCall-ID: queue-{self.made}\r\n' in answer and status >= 200:
                break
        tag = answer.partition('\r\nTo: ')[2].partition('\r\n')[0]
        self.trunk.send(f'ACK {line}To: {tag}\r\nCSeq: 1 ACK\r\n{fields}\r\n'.encode())
        return status

    def calls_until(self, count):
        while self.made < count:
            self.call()

    def alarm(self):
        return [row['text'] for row in self.switch.rows('show', 'alarms') if row['kind'] == 'pending-cdr']

    def test_queue(self):
        """A folder that is missing."""
        folder = Path(self.scratch.name) / 'records'
        self.files = folder
        self.start(f'cdr\n directory {folder}\n exit')
        self.wait_alarm(True)
        self.calls_until(PENDING_MAX // 2 - 10)
        self.wait_newest(self.made)
        self.assertEqual(self.alarm(), [])
        self.calls_until(PENDING_MAX // 2 + 1)
        wait_for('alarm at 50 %', lambda: any('over 50 %' in text for text in self.alarm()))
        self.calls_until(PENDING_MAX * 9 // 10 + 1)
        wait_for('alarm at 90 %', lambda: any('over 90 %' in text for text in self.alarm()))
        self.assertFalse(self.status()['refuses_calls'])
        self.calls_until(PENDING_MAX)
        wait_for('calls are refused', lambda: self.status()['refuses_calls'])
        self.assertEqual(self.call(), 503)
        self.switch.do('set', 'cdr', 'refuse-when-full', 'off')
        wait_for('calls are taken', lambda: not self.status()['refuses_calls'])
        self.assertNotEqual(self.call(), 503)
        folder.mkdir()
        self.wait_alarm(False)
        rows = self.wait_files(self.made)
        self.assertEqual(sorted(int(row['flow']) for row in rows), list(range(1, self.made + 1)))
        refused, = [row for row in rows if row['cause_name'] == 'cdr-full']
        self.assertEqual(refused['told_status'], '503')
        wait_for('no alarm', lambda: not self.alarm())


class FullStore(RecordsCase):
    def test_store(self):
        """The disk that the store itself is on is full: calls go on, and no record is missing afterwards."""
        state = Path(self.scratch.name) / 'state'
        state.mkdir()
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64m,mode=700', 'none', str(state)],
                          capture_output=True).returncode != 0:
            self.skipTest('cannot mount here')
        self.addCleanup(subprocess.run, ['umount', '-l', str(state)], check=True)
        self.start()
        self.talk('8001')
        self.wait_files(1)
        call, callee = self.connect('8002')
        filler = state / 'filler'
        with open(filler, 'wb', buffering=0) as file:
            size = 1 << 20
            while size:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2
        for number in range(3, 23):
            self.refuse(f'80{number:02}')
        self.talk('8023')
        self.wait_alarm(True, 'database')
        self.end(call, callee)
        filler.unlink()
        self.wait_alarm(False, 'database')
        wait_for('the store is written', lambda: not self.status()['is_failing'])
        rows = self.wait_files(23)
        self.assertEqual(sorted(int(row['flow']) for row in rows), list(range(1, 24)))
        self.assertEqual(sorted(row['callee'] for row in rows), [f'8{number:03}' for number in range(1, 24)])
        wait_for('hourly file', lambda: len(self.hourly()) == 23)


if __name__ == '__main__':
    unittest.main()
