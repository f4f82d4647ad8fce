#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The flight recorder in the shell: calls that are over, found by what was in them; one as a ladder, in full,
and as a capture that tshark reads."""
import json
import re
import select
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, stop_cleanly
from switch import BUILD, Switch, free_udp_port, wait_for

NOT_FOUND = 6
GUARD_S = 60


def configuration(ports):
    return f'''
phone 1001
 password plain "one"
 exit
routing-gateway carrier
 address 127.0.0.1:{ports[0]}
 prefixes 8
 exit
routing-gateway other
 address 127.0.0.1:{ports[1]}
 prefixes 9
 exit
'''


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-trace-')
        cls.addClassCleanup(cls.scratch.cleanup)
        ports = [free_udp_port(), free_udp_port()]
        cls.switch = Switch(cls.scratch.name, configuration(ports)).start()
        cls.addClassCleanup(lambda: stop_cleanly(cls.switch))
        cls.agents = [Agent(cls.switch, 'carrier', port=ports[0]), Agent(cls.switch, 'other', port=ports[1]),
                      Agent(cls.switch, '1001', 'one')]
        for agent in cls.agents:
            cls.addClassCleanup(agent.close)
        cls.agents[2].register()

    @classmethod
    def calls(cls, *words):
        return cls.switch.rows('show', 'trace', 'calls', *words)

    @classmethod
    def answered(cls):
        call = cls.agents[2].invite('8001', make_sdp('127.0.0.1', 6000))
        callee = cls.agents[0].incoming()
        callee.answer(180)
        call.wait(180)
        callee.answer(200, make_sdp('127.0.0.1', 7000))
        callee.wait_request('ACK')
        call.wait(200)
        call.ack()
        call.bye()
        callee.reply(callee.wait_request('BYE'), 200)

    @classmethod
    def refused(cls):
        call = cls.agents[2].invite('9001', make_sdp('127.0.0.1', 6000))
        callee = cls.agents[1].incoming()
        callee.answer(486)
        call.wait(486)


class Monitor(Case):
    def test_calls_while_they_happen(self):
        process = subprocess.Popen([str(BUILD / 'vosctl'), '-J', '-s', self.switch.socket, 'monitor', 'calls'],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, GUARD_S)
        self.addCleanup(process.terminate)
        # It follows from some time on: what it follows is caused until then.
        while not select.select([process.stdout], [], [], 0.1)[0]:
            self.assertIsNone(process.poll())
            self.refused()
        self.answered()
        guard = threading.Timer(GUARD_S, process.kill)
        guard.start()
        self.addCleanup(guard.cancel)
        rows = []
        for line in process.stdout:
            rows.append(json.loads(line))
            if (rows[-1].get('event'), rows[-1].get('callee')) == ('end', '8001'):
                break
        mine = [row for row in rows if row['call'] == rows[-1]['call']]
        self.assertEqual([row['event'] for row in mine], ['begin', 'ring', 'answer', 'end'])
        self.assertEqual({(row['caller'], row['callee'], row['from']) for row in mine}, {('1001', '8001', 'phone 1001')})
        self.assertEqual([row['cause'] for row in mine], [None, None, None, 'normal'])
        self.assertEqual(mine[-1]['to'], 'routing-gateway carrier')
        self.assertGreaterEqual(mine[-1]['talk_ms'], 0)
        failed = [row for row in rows if row['callee'] == '9001']
        self.assertEqual((failed[-1]['event'], failed[-1]['cause'], failed[-1]['talk_ms']), ('end', '486', None))
        self.assertNotIn('answer', [row['event'] for row in failed])
        self.assertEqual(sum(row['lost'] for row in rows), 0)


class Trace(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.answered()
        cls.refused()
        wait_for('both calls are over', lambda: [row['state'] for row in cls.calls()] == ['ended', 'failed'])
        cls.good, cls.bad = cls.calls()

    def test_calls_are_found_by_what_was_in_them(self):
        def callees(*words):
            return [row['callee'] for row in self.calls(*words)]

        self.assertEqual(self.good['caller'], '1001')
        self.assertEqual(self.good['from'], 'phone 1001')
        self.assertEqual(self.good['to'], 'routing-gateway carrier')
        self.assertEqual((self.good['cause'], self.good['ended_by']), ('normal', 'caller'))
        self.assertEqual((self.bad['cause'], self.bad['attempts']), ('486', 1))
        self.assertIsNone(self.bad['talk_ms'])
        self.assertEqual(callees('failed'), ['9001'])
        self.assertEqual(callees('callee', '8*'), ['8001'])
        self.assertEqual(callees('caller', '1001'), ['8001', '9001'])
        self.assertEqual(callees('number', '9001'), ['9001'])
        self.assertEqual(callees('phone', '1001'), ['8001', '9001'])
        self.assertEqual(callees('gateway', 'other'), ['9001'])
        self.assertEqual(callees('status', '486'), ['9001'])
        self.assertEqual(callees('status', '180'), ['8001'])
        self.assertEqual(callees('cause', 'normal'), ['8001'])
        self.assertEqual(callees('cause', '486'), ['9001'])
        self.assertEqual(callees('method', 'BYE'), ['8001'])
        self.assertEqual(callees('latest', '1'), ['9001'])
        self.assertEqual(callees('caller', '1001', 'address', '127.0.0.0/8', 'back', '1h'), ['8001', '9001'])
        self.assertEqual(callees('caller', '1001', 'address', '192.0.2.0/24'), [])
        # What is no call is found by its method.
        self.assertEqual([(row['id'], row['method']) for row in self.calls('method', 'REGISTER')], [(None, 'REGISTER')])
        for words in ('status', '999'), ('status', '4x'), ('address', 'nowhere'):
            self.assertEqual(self.switch.ctl('show', 'trace', 'calls', *words).returncode, 1)

    def test_ladder(self):
        ladder = self.switch.do('show', 'trace', 'call', self.good['id'])
        heading, addresses, *lines = ladder.splitlines()
        self.assertEqual(heading.split(), ['phone', '1001', 'switchd', 'routing-gateway', 'carrier'])
        self.assertEqual(addresses.split(), [f'127.0.0.1:{self.agents[2].port}', f'127.0.0.1:{self.agents[0].port}'])
        arrows = [(match.start(), match.group(1)) for match in (re.search(r'[<-]-+ (.+?) -+[->]', line)
                                                                for line in lines) if match]
        split = heading.index('switchd')
        self.assertEqual([text for at, text in arrows if at < split],
                         ['INVITE', '401 Unauthorized', 'ACK', 'INVITE', '100 Trying', '180 Ringing', '200 OK', 'ACK',
                          'BYE', '200 OK'])
        self.assertEqual([text for at, text in arrows if at >= split],
                         ['INVITE', '180 Ringing', '200 OK', 'ACK', 'BYE', '200 OK'])
        for text in ('call from 1001', 'to 8001', 'attempt 1 answered: routing-gateway carrier',
                     'ended by caller: normal release'):
            self.assertIn('* ' + text, ladder)
        self.assertIn('127.0.0.1:6000 PCMU PCMA telephone-event', ladder)

    def test_credentials_are_masked(self):
        messages = self.switch.do('show', 'trace', 'call', self.good['id'], 'messages')
        register = self.switch.do('trace', 'export', 'method', 'REGISTER', 'file', f'{self.scratch.name}/r.txt', 'text')
        self.assertEqual(register, '')
        texts = messages, Path(self.scratch.name, 'r.txt').read_text()
        self.assertIn('INVITE sip:8001@', texts[0])
        for text in texts:
            self.assertNotRegex(text, r'[ ,]response="[0-9a-f]')
        self.assertIn('response="***"', texts[1])
        self.assertIn('username="1001"', texts[1])

    def test_rows(self):
        rows = self.switch.rows('show', 'trace', 'call', self.good['id'])
        self.assertEqual({row['call'] for row in rows}, {self.good['id']})
        self.assertEqual({row['leg'] for row in rows if row['message']}, {'a', 'b1'})
        offsets = [row['offset_us'] for row in rows]
        self.assertEqual(offsets, sorted(offsets))
        self.assertIn('media', {row['area'] for row in rows})
        self.assertIn('OFFSET_US', self.switch.do('show', 'trace', 'call', self.good['id'], 'summary'))
        self.assertEqual(self.switch.ctl('show', 'trace', 'call', '0123456789abcdef').returncode, NOT_FOUND)

    def tshark(self, path, *words):
        done = subprocess.run(['tshark', '-r', str(path), '-d', f'udp.port=={self.switch.port},sip', *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_capture(self):
        path = Path(self.scratch.name, 'call.pcap')
        self.switch.do('trace', 'export', 'call', self.good['id'], 'file', str(path), 'pcap')
        self.assertEqual(path.stat().st_mode & 0o777, 0o600)
        rows = [row for row in self.switch.rows('show', 'trace', 'call', self.good['id']) if row['message']]
        seen = [line.split('\t') for line in self.tshark(
            path, '-T', 'fields', '-e', 'sip.Call-ID', '-e', 'udp.srcport', '-e', 'udp.dstport', '-e', 'ip.checksum.status',
            '-e', 'udp.checksum.status', '-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE').splitlines()]
        self.assertEqual(len(seen), len(rows))
        self.assertEqual(len({fields[0] for fields in seen}), 2)
        self.assertEqual({fields[3] for fields in seen} | {fields[4] for fields in seen}, {'1'})
        for fields, row in zip(seen, rows):
            ends = [row['peer_address'], row['local_address']]
            self.assertEqual([end.rsplit(':')[-1] for end in (ends if row['kind'] == 'received' else ends[::-1])],
                             fields[1:3])
        statistics = self.tshark(path, '-q', '-z', 'sip,stat')
        self.assertRegex(statistics, r'INVITE\s*:\s*\d')
        self.assertEqual(self.tshark(path, '-Y', '_ws.malformed'), '')
        voip = self.tshark(path, '-q', '-z', 'voip,calls') if 'voip,calls' in self.taps() else None
        if voip:
            self.assertIn('8001', voip)

    def taps(self):
        done = subprocess.run(['tshark', '-z', 'help'], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)
        return done.stdout + done.stderr

    def test_many_calls_in_one_capture(self):
        path = Path(self.scratch.name, 'many.pcap')
        self.switch.do('trace', 'export', 'caller', '1001', 'back', '10m', 'file', str(path), 'pcap')
        times = [float(line) for line in self.tshark(path, '-T', 'fields', '-e', 'frame.time_epoch').splitlines()]
        self.assertEqual(times, sorted(times))
        self.assertGreater(len(times), 10)

    def test_json_export(self):
        path = Path(self.scratch.name, 'call.json')
        self.switch.do('trace', 'export', 'call', self.bad['id'], 'file', str(path), 'json')
        document = json.loads(path.read_text())
        self.assertEqual(document['schema'], 'trace-export-call/1')
        self.assertEqual({row['call'] for row in document['rows']}, {self.bad['id']})
        # A file that cannot be made is said, and nothing is asked of the switch.
        done = self.switch.ctl('trace', 'export', 'call', self.bad['id'], 'file', '/nonexistent/x', 'json')
        self.assertEqual(done.returncode, 1)
        self.assertIn('cannot write', done.stderr)


if __name__ == '__main__':
    unittest.main()
