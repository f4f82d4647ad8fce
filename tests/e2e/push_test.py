#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Records over HTTP: each arrives, in order, whatever the server does and whenever the switch dies; what comes
twice says so; and nothing of that holds up a call or the stop."""
import os
import random
import signal
import sys
import tempfile
import time
import unittest
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from http_sink import HttpSink
from siplib import Agent, make_sdp, stop_cleanly
from switch import Switch, wait_for


def half_of_them(chance):
    """Fails, but no more than twice in a row: pauses double."""
    ways = [500, 503, 'close', 'midway', 'silent']
    before = []

    def judge(_):
        fails = chance.random() < 0.5 and before[-2:] != [True, True]
        before.append(fails)
        return chance.choice(ways) if fails else 200
    return judge


class Push(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix='vos-push-')
        self.addCleanup(self.scratch.cleanup)
        self.carrier = Agent(SimpleNamespace(address='127.0.0.1', port=0), 'carrier')
        self.addCleanup(self.carrier.close)
        self.sink = HttpSink()
        self.addCleanup(self.sink.stop)

    def start(self, more=''):
        self.switch = Switch(self.scratch.name, f'''hostname sw1
mapping-gateway in
 address 127.0.0.3
 exit
routing-gateway out
 address 127.0.0.1:{self.carrier.port}
 prefixes 9
 exit
cdr
 push-url "{self.sink.url}"
 push-token plain "secret-token"
 push-timeout 1
 exit
{more}''').start()
        self.addCleanup(lambda: stop_cleanly(self.switch))
        self.source = Agent(self.switch, '5551', address='127.0.0.3')
        self.addCleanup(self.source.close)

    def refused(self, number):
        call = self.source.invite(number, make_sdp('127.0.0.3', 41000), expect_challenge=False)
        self.carrier.incoming().answer(486)
        call.ack(call.wait(lambda m: m.status >= 300))

    def status(self):
        return self.switch.json('show', 'cdr', 'status')['item']

    def flows(self):
        """Numbers of the records in the order in which each came first."""
        return list(dict.fromkeys(record['flow'] for _, record, _ in self.sink.taken))

    def all_came(self, count):
        self.sink.wait(f'{count} records', lambda: len(self.flows()) >= count)
        self.assertEqual(self.flows(), list(range(1, count + 1)))
        keys = {}
        for key, record, _ in self.sink.taken:
            self.assertEqual(keys.setdefault(record['flow'], (key, record)), (key, record))
        self.assertEqual(len({key for key, _ in keys.values()}), count)

    def alarms(self):
        return [(row['kind'], row['subject'], row['level']) for row in self.switch.rows('show', 'alarms')]

    def test_each_arrives(self):
        """Half of the requests fail, each in its own way, and the switch is killed twice meanwhile."""
        seed = int(os.environ.get('VOS_SEED') or time.time_ns() % 1000000)
        chance = random.Random(seed)
        self.sink.judge = half_of_them(chance)
        self.sink.start()
        self.start()
        total = 0
        for _ in range(2):
            for _ in range(chance.randrange(5, 9)):
                total += 1
                self.refused(f'9{total:03}')
            self.sink.wait('something came', lambda: len(self.flows()) >= total - chance.randrange(1, 5))
            self.switch.stop(signal.SIGKILL)
            self.switch.start(apply=False)
        for _ in range(3):
            total += 1
            self.refused(f'9{total:03}')
        with self.subTest(VOS_SEED=seed):
            self.all_came(total)
        wait_for('nothing waits', lambda: self.status()['push_pending'] == 0)
        _, record, headers = self.sink.taken[-1]
        self.assertEqual((headers['Authorization'], headers['Content-Type']),
                         ('Bearer secret-token', 'application/json'))
        shown = self.switch.json('show', 'cdr', str(total))['item']
        self.assertEqual(list(record), list(shown))
        self.assertEqual({name: value for name, value in record.items() if not name.endswith('_time')},
                         {name: value for name, value in shown.items() if not name.endswith('_time')})
        self.assertNotIn('secret-token', self.switch.do('show', 'running-config'))

    def test_hangs_and_is_absent(self):
        self.sink.judge = lambda number: 'hang'
        self.sink.start()
        self.start()
        self.refused('9001')
        self.sink.wait('a try', lambda: len(self.sink.tries) >= 1)
        # Calls go on, and so does the shell.
        self.refused('9002')
        wait_for('it is told why', lambda: 'timed out' in (self.status()['push_answer'] or ''))
        self.assertEqual(self.status()['push_pending'], 2)
        # A stop does not wait for the server.
        self.sink.wait('another try', lambda: len(self.sink.tries) >= 2)
        stop_cleanly(self.switch)
        self.sink.stop()
        self.switch.start(apply=False)
        wait_for('the alarm', lambda: self.alarms() == [('push', 'records', 'high')])
        status = self.status()
        self.assertIn('connect', status['push_answer'].lower())
        self.assertGreaterEqual(status['push_failures_now'], 5)
        self.assertEqual((status['push_url'], status['push_taken']), (self.sink.url, 0))
        self.assertIsNotNone(status['push_answer_time'])
        self.sink.judge = lambda number: 200
        self.sink.start()
        self.switch.do('set', 'cdr', 'push-timeout', '5')
        self.all_came(2)
        wait_for('the alarm is over', lambda: not self.alarms())
        wait_for('it is told', lambda: self.status()['push_taken'] == 2)
        self.assertEqual(self.status()['push_answer'], 'HTTP 200')

    def test_when_to_try_again(self):
        """As late as the server asks; at once when the URL is another; and not at all without one."""
        self.sink.retry_after = 3000
        self.sink.judge = lambda number: 503 if number == 2 else 200
        self.sink.start()
        self.start()
        self.refused('9001')
        self.all_came(1)
        self.refused('9002')
        wait_for('a next try', lambda: self.status()['push_next_time'])
        status = self.status()
        self.assertEqual(status['push_answer'], 'HTTP 503')
        late = [datetime.fromisoformat(status[name]) for name in ('push_answer_time', 'push_next_time')]
        self.assertGreaterEqual((late[1] - late[0]).total_seconds(), 2999)
        self.switch.do('set', 'cdr', 'push-url', self.sink.url + '&again')
        self.all_came(2)
        self.switch.do('set', 'no', 'cdr', 'push-url')
        self.refused('9003')
        wait_for('nobody waits', lambda: self.status()['newest'] == 3 and self.status()['pending'] == 0)
        self.assertIsNone(self.status()['push_url'])
        self.switch.do('set', 'cdr', 'push-url', self.sink.url)
        self.refused('9004')
        self.sink.wait('the fourth', lambda: len(self.flows()) == 3)
        self.assertEqual(self.flows(), [1, 2, 4])

    def test_what_is_refused(self):
        self.sink.start()
        self.start()
        for url in ('ftp://host/x', 'http://', 'http://user:word@host/', 'https://host/a b', 'host/x'):
            done = self.switch.ctl('set', 'cdr', 'push-url', url)
            self.assertNotEqual(done.returncode, 0, url)
        for url in ('https://cdr.example.net', 'http://[::1]:8080/a?b=c', 'http://192.0.2.1'):
            self.switch.do('set', 'cdr', 'push-url', url)
        done = self.switch.ctl('set', 'cdr', 'push-token', 'plain', 'two words')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('token', done.stderr)


if __name__ == '__main__':
    unittest.main(verbosity=2)
