#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Lines that switchd sends while somebody types: the line stays whole, a flood is bounded and counted."""
import json
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from switch import BUILD, SKIPPED, Switch, wait_for  # noqa: E402
from terminal import Terminal  # noqa: E402

CONFIG = 'hostname sw1\nphone 1001\n exit\n'
CTRL_C, LEFT = '\x03', '\x1b[D'
A_SECOND = 200
FLOOD = 5000
LOST = re.compile(r'^% (\d+) events? (?:was|were) not shown$', re.M)


class Peer:
    """A program that speaks the protocol."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.stream = self.socket.makefile('rb')
        self.id = 0

    def send(self, method, **params):
        self.id += 1
        self.socket.sendall(json.dumps({'jsonrpc': '2.0', 'id': self.id, 'method': method,
                                        'params': params}).encode() + b'\n')

    def next(self):
        return json.loads(self.stream.readline())

    def do(self, line):
        self.send('exec', line=line, mode='exec')
        while True:
            message = self.next()
            if message.get('id') == self.id:
                return message

    def event(self, fits):
        while True:
            message = self.next()
            if message.get('method') == 'event' and fits(message['params']):
                return message['params']

    def flood(self, count):
        """Commands that are refused: each is a line of the audit in the log. A few are on their way at a time."""
        for at in range(count):
            self.send('exec', line=f'clear call {at:x}', mode='exec')
            if at >= 16:
                self.next()
        for _ in range(min(count, 16)):
            self.next()

    def close(self):
        self.stream.close()
        self.socket.close()


class EventsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='vos-events-')
        cls.switch = Switch(cls.folder.name, CONFIG).start()

    @classmethod
    def tearDownClass(cls):
        cls.switch.stop()
        cls.folder.cleanup()

    def setUp(self):
        self.home = tempfile.TemporaryDirectory(prefix='vos-home-')
        self.addCleanup(self.home.cleanup)

    def open(self, *words, **settings):
        shell = Terminal([str(BUILD / 'vosctl'), '-s', self.switch.socket, *words],
                         {'HOME': self.home.name}, **settings)
        self.addCleanup(shell.close)
        return shell

    def monitor(self, **settings):
        shell = self.open(**settings).wait_last('sw1#')
        # The command itself is not logged: nothing stands behind it but the next prompt.
        shell.line('terminal monitor').wait(
            'prompt', lambda screen: screen.text().count('sw1#') == 2 and screen.last() == 'sw1#')
        return shell

    def peer(self):
        peer = Peer(self.switch.socket)
        self.addCleanup(peer.close)
        return peer

    def cause(self, word):
        """A line in the log with that word."""
        self.assertEqual(self.switch.ctl('clear', 'registration', word).returncode, 6)

    def rows_with(self, shell, text):
        return [row for row in shell.screen.text().splitlines() if text in row]

    # --- The line that is typed. ---

    def test_line_stays_whole(self):
        shell = self.monitor(columns=200)
        shell.keys('show clo').wait_last('sw1# show clo')
        self.cause('stranger')
        shell.wait_text('clear registration stranger').wait_last('sw1# show clo')
        # The prompt has left its old row: it is there once, under the event.
        self.assertEqual(len(self.rows_with(shell, 'sw1# show clo')), 1)
        self.assertRegex(self.rows_with(shell, 'stranger')[0], r'^\d{4}-\S+Z notice audit: user=')
        shell.line('ck')
        shell.wait('clock', lambda screen: re.search(r'sw1# show clock\n.*Z', screen.text()))
        shell.wait_last('sw1#')

    def test_wrapped_line_stays_whole(self):
        # Wide characters, one of which does not fit at the end of a row; 62 end with the third row, where only
        # that column tells the row of the cursor.
        for count in 50, 61, 62, 63:
            with self.subTest(count=count):
                self.wrapped('show calls caller "é' + '漢字' * 20 + 'x" callee "' + 'ß' * count + '"')

    def wrapped(self, typed):
        shell = self.monitor(columns=60)

        def is_whole(screen):
            return screen.text().replace('\n', '').endswith('sw1# ' + typed)
        shell.keys(typed).wait('line', is_whole)
        for word in 'once', 'again', 'middle':
            if word == 'middle':
                shell.keys(LEFT * 75)
            self.cause(word)
            shell.wait('event above', lambda screen, word=word: f'clear registration {word}' in
                       screen.text().replace('\n', ''))
            shell.wait('line below', is_whole)
            self.assertEqual(shell.screen.text().count('sw1# show calls'), 1)
        shell.keys('\r').wait_last('sw1#')
        history = Path(self.home.name, '.vosctl_history').read_text().splitlines()
        self.assertEqual(history[-1], typed)

    def test_right_prompt_stays(self):
        shell = self.monitor(columns=200)
        shell.line('configure').wait_last('sw1(config)#')
        shell.line('phone 1001 name x').wait_text('[1 change]').wait_last('sw1(config)*#')
        shell.keys('commit com').wait_last('sw1(config)*# commit com')
        self.cause('right')
        shell.wait_text('clear registration right').wait_last('sw1(config)*# commit com')
        self.assertTrue(shell.screen.last().endswith('[1 change]'))
        shell.keys(CTRL_C).wait_last('sw1(config)*#')
        shell.line('discard').wait_last('sw1(config)#')

    def test_events_wait_for_help_and_output(self):
        shell = self.monitor(columns=200, height=10)
        shell.line('show parameters').wait_last('--More-- (space, enter, q)')
        self.cause('later')
        self.assertNotIn('later', shell.screen.text())
        shell.keys('q').wait_text('clear registration later').wait_last('sw1#')

    def test_ends_when_told(self):
        shell = self.monitor(columns=200)
        shell.line('terminal no monitor').wait(
            'prompt', lambda screen: screen.text().count('sw1#') == 3 and screen.last() == 'sw1#')
        self.cause('unseen')
        shell.line('show clock').wait(
            'prompt', lambda screen: screen.text().count('sw1#') == 4 and screen.last() == 'sw1#')
        self.assertNotIn('unseen', shell.screen.text())

    # --- Commits. ---

    def test_commit_of_another(self):
        shell = self.monitor(columns=200)
        shell.keys('show ver').wait_last('sw1# show ver')
        self.switch.do('-c', 'configure', '-c', 'phone 1001 name "seen"', '-c', 'commit comment "night shift"')
        shell.wait_text('committed by').wait_last('sw1# show ver')
        self.assertRegex(shell.screen.text(), r'% generation \d+ was committed by \S+: night shift')

    def test_commit_that_nothing_else_tells_of(self):
        """No line of the log comes with it, and no end of a connection."""
        follower, other = self.peer(), self.peer()
        self.switch.do('set', 'logging', 'level', 'error')
        self.addCleanup(self.switch.do, 'set', 'logging', 'level', 'notice')
        follower.do('terminal monitor')
        for name in 'first', 'second':
            result = other.do(f'set phone 1001 name {name}')['result']
            event = follower.event(lambda event: True)
            self.assertEqual((event['kind'], event['generation'], event['lost']),
                             ('commit', result['generation'], 0))

    def test_own_commit_is_no_news(self):
        shell = self.monitor(columns=200)
        shell.line('set phone 1001 name own').wait_text('result=ok command="set phone 1001').wait_last('sw1#')
        self.assertNotIn('was committed by', shell.screen.text())

    def test_confirmation(self):
        shell = self.monitor(columns=200)
        self.switch.do('-c', 'configure', '-c', 'phone 1001 name "maybe"', '-c', 'commit confirmed 5')
        shell.wait_text('unless commit confirm comes').wait_text('[confirm in 4:5')
        self.switch.do('commit', 'confirm')
        shell.wait('confirmed', lambda screen: re.search(r'% generation \d+ of \S+ is confirmed', screen.text()))
        shell.wait('no countdown', lambda screen: screen.last() == 'sw1#')

    # --- Bounds. ---

    def test_flood_is_bounded_and_counted(self):
        shell = self.monitor(columns=200)
        shell.keys('show clo').wait_last('sw1# show clo')
        begin = time.monotonic()
        self.peer().flood(FLOOD)
        shell.wait_text(f'clear call {FLOOD - 1:x}"', 20).wait_last('sw1# show clo')
        # What is on the screen and what is said to be missing are all there were.
        text = shell.screen.text()
        shown = text.count('command="clear call ')
        lost = sum(int(count) for count in LOST.findall(text))
        self.assertEqual(shown + lost, FLOOD)
        seconds = time.monotonic() - begin
        self.assertLessEqual(shown, A_SECOND * (int(seconds) + 1))
        shell.line('ck').wait('clock', lambda screen: re.search(r'sw1# show clock\n.*Z', screen.text()))

    def test_who_does_not_read_delays_nobody(self):
        deaf = self.peer()
        deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        # Without the bound of a terminal there is more than its buffers hold.
        deaf.send('exec', line='monitor log', mode='exec', batch=True)
        wait_for('it is followed', lambda: deaf.next().get('method') == 'columns')
        self.peer().flood(FLOOD)
        self.cause('afterwards')
        shown = lost = 0
        is_end = False
        while not is_end:
            for row in deaf.next()['params']['rows']:
                count = re.match(r'(\d+) lines were not shown', row[3])
                lost += int(count.group(1)) if count else 0
                shown += 'clear call ' in row[3]
                is_end = is_end or 'afterwards' in row[3]
        self.assertGreater(lost, 0)
        self.assertEqual(shown + lost, FLOOD)

    # --- The protocol, and monitor log. ---

    def test_event_of_a_line(self):
        peer = self.peer()
        self.assertIn('result', peer.do('terminal monitor'))
        self.cause('raw')
        event = peer.event(lambda event: 'raw' in event.get('text', ''))
        self.assertEqual({key: event[key] for key in ('kind', 'level', 'subsystem', 'lost')},
                         {'kind': 'log', 'level': 'notice', 'subsystem': 'audit', 'lost': 0})
        self.assertRegex(event['time'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d')

    def test_batch_sees_no_events(self):
        done = subprocess.run([str(BUILD / 'vosctl'), '-s', self.switch.socket],
                              input='terminal monitor\nclear registration nobody\nshow clock\n', text=True,
                              capture_output=True, timeout=30)
        self.assertNotIn('audit', done.stdout + done.stderr)

    def test_monitor_log_ends_by_ctrl_c(self):
        shell = self.open(columns=200).wait_last('sw1#')
        shell.line('monitor log | include registration')
        # Followed from the moment that a line is seen.
        self.wait_followed(shell, 'follow')
        shell.keys(CTRL_C).wait_last('sw1#')
        shell.line('show clock').wait('clock', lambda screen: re.search(r'sw1# show clock\n.*Z', screen.text()))
        self.assertEqual(shell.line('exit').wait_end(), 0)

    def wait_followed(self, shell, word):
        for count in range(100):
            self.cause(f'{word}{count}')
            try:
                return shell.wait_text(f'clear registration {word}{count}', 0.5)
            except AssertionError:
                continue
        raise AssertionError('no line of the log is seen')

    def test_monitor_log_in_batch(self):
        for words in (('-J', 'monitor', 'log'), ('monitor', 'log')):
            process = subprocess.Popen([str(BUILD / 'vosctl'), '-s', self.switch.socket, *words],
                                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            try:
                while not select.select([process.stdout], [], [], 0.1)[0]:
                    self.cause('batch')
                seen = process.stdout.readline()
                self.assertIn('clear registration batch', seen)
                if words[0] == '-J':
                    self.assertEqual(json.loads(seen)['subsystem'], 'audit')
                else:
                    self.assertRegex(seen, r'^\S+Z +notice +audit +user=')
            finally:
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(10), -signal.SIGTERM)
                process.stdout.close()

    def test_monitor_log_ends_when_nothing_can_be_written(self):
        with open('/dev/full', 'w') as full:
            process = subprocess.Popen([str(BUILD / 'vosctl'), '-s', self.switch.socket, 'monitor', 'log'],
                                       stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True)

        def is_ended():
            self.cause('full')
            return process.poll() is not None
        wait_for('end', is_ended)
        self.assertEqual(process.returncode, 1)
        self.assertIn('cannot write to standard output', process.stderr.read())
        process.stderr.close()

    def test_monitor_log_ends_in_time(self):
        done = self.switch.ctl('-t', '0.3', 'monitor', 'log')
        self.assertEqual(done.returncode, 7)


class ReconnectTest(unittest.TestCase):
    def test_follows_again(self):
        with tempfile.TemporaryDirectory(prefix='vos-events-') as folder:
            switch = Switch(folder, 'hostname sw1\n').start()
            shell = Terminal([str(BUILD / 'vosctl'), '-s', switch.socket], {'HOME': folder}, columns=200)
            try:
                shell.wait_last('sw1#').line('terminal monitor').wait(
                    'prompt', lambda screen: screen.text().count('sw1#') == 2 and screen.last() == 'sw1#')
                shell.keys('show clo').wait_last('sw1# show clo')
                switch.stop()
                shell.wait_text('[disconnected]')
                switch.start(apply=False)
                shell.wait_text('% connected again').wait_last('sw1# show clo')
                switch.ctl('clear', 'registration', 'again')
                shell.wait_text('clear registration again').wait_last('sw1# show clo')
            finally:
                shell.close()
                switch.stop()


if __name__ == '__main__':
    if not (BUILD / 'switchd').exists() or not (BUILD / 'vosctl').exists():
        print('switchd or vosctl is not built')
        sys.exit(SKIPPED)
    unittest.main()
