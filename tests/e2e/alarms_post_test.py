#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Alarms over HTTP, from beginning to end and in order, whatever the server does; alarms over a restart and a
crash; and the alarm of a call that lasts."""
import signal
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from http_sink import HttpSink
from siplib import Agent, make_sdp, stop_cleanly
from switch import Switch, wait_for


class Alarms(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix='vos-alarms-')
        self.addCleanup(self.scratch.cleanup)
        self.sink = HttpSink()
        self.addCleanup(self.sink.stop)

    def start(self, more=''):
        self.switch = Switch(self.scratch.name, f'hostname sw1\n{more}').start()
        self.addCleanup(lambda: stop_cleanly(self.switch))

    def active(self):
        return {(row['kind'], row['subject']): row for row in self.switch.rows('show', 'alarms')}

    def history(self):
        return self.switch.rows('show', 'alarms', 'history')

    def notices(self):
        return {row['way']: row for row in self.switch.rows('show', 'alarms', 'notices')}

    def told(self):
        return [(body['event'], body['kind']) for _, body, _ in self.sink.taken]

    def test_posted(self):
        """The server refuses, hangs and is away; each arrives, in order."""
        self.sink.judge = lambda number, ways={1: 500, 2: 'close', 3: 'hang'}: ways.get(number, 200)
        self.sink.start()
        self.start(f'alarm-hook\n post {self.sink.url}\n token plain "sesame"\n time-limit 1\n exit')
        self.switch.do('set', 'alarm', 'memory', 'upper', '0')
        self.sink.wait('it is raised', lambda: self.told() == [('raised', 'memory')])
        number = self.active()['memory', None]['id']
        self.switch.do('alarm', 'acknowledge', str(number), 'comment', 'caf\u00e9 "first"')
        self.sink.wait('it is acknowledged', lambda: len(self.told()) == 2)
        # Away: what happens meanwhile waits, and that it waits is an alarm too.
        self.sink.stop()
        self.switch.do('set', 'no', 'alarm', 'memory')
        wait_for('that is an alarm', lambda: ('push', 'alarms') in self.active())
        row = self.notices()['post']
        self.assertEqual((row['target'], row['told'], row['lost']), (self.sink.url, 2, 0))
        self.assertGreaterEqual(row['failed'], 6)
        self.assertIn('connect', row['answer'].lower())
        wait_for('both wait', lambda: self.notices()['post']['waiting'] == 2)
        self.sink.start()
        self.switch.do('set', 'alarm-hook', 'time-limit', '5')
        self.sink.wait('all is told', lambda: len(self.told()) == 5)
        self.assertEqual(self.told(), [('raised', 'memory'), ('acknowledged', 'memory'), ('cleared', 'memory'),
                                       ('raised', 'push'), ('cleared', 'push')])
        key, body, headers = self.sink.taken[1]
        self.assertEqual((body['id'], body['switch'], body['level'], body['comment']),
                         (number, 'sw1', 'low', 'caf\u00e9 "first"'))
        self.assertTrue(body['acknowledged_by'])
        self.assertEqual(headers['Authorization'], 'Bearer sesame')
        self.assertEqual(len({key for key, *_ in self.sink.taken}), 5)
        self.assertNotIn('sesame', self.switch.do('show', 'running-config'))
        # Only what is serious enough, and then nothing.
        self.switch.do('set', 'alarm-hook', 'level', 'high')
        self.switch.do('set', 'alarm', 'memory', 'upper', '0')
        wait_for('it is raised', lambda: ('memory', None) in self.active())
        wait_for('nothing waits', lambda: self.notices()['post']['waiting'] == 0)
        self.switch.do('set', 'no', 'alarm-hook', 'post')
        self.assertIsNone(self.notices()['post']['target'])
        self.assertEqual(len(self.told()), 5)

    def test_outlive_a_crash(self):
        self.sink.start()
        self.start(f'alarm memory\n upper 0\n exit\nalarm-hook\n post {self.sink.url}\n exit')
        wait_for('memory is in use', self.active)
        self.switch.do('alarm', 'acknowledge', '1', 'comment', 'night shift')
        before = self.active()
        self.sink.wait('it is told', lambda: len(self.told()) == 2)
        self.switch.stop(signal.SIGKILL)
        self.switch.start(apply=False)
        wait_for('the crash is told', lambda: len(self.told()) == 4)
        self.assertEqual(self.told()[2:], [('raised', 'process-ended'), ('cleared', 'process-ended')])
        self.assertEqual([row['kind'] for row in self.history()], ['process-ended'])
        # Still active, and still acknowledged; nobody is told of it again.
        after = self.active()
        self.assertEqual(list(after), [('memory', None)])
        for name in ('id', 'raised_time', 'acknowledged_time', 'acknowledged_by', 'comment', 'cleared_time'):
            self.assertEqual(after['memory', None][name], before['memory', None][name], name)
        self.switch.do('set', 'no', 'alarm', 'memory')
        wait_for('it is over', lambda: not self.active())
        history = self.history()
        stop_cleanly(self.switch)
        self.switch.start(apply=False)
        self.assertEqual(self.history(), history)
        self.assertEqual(history[0]['comment'], 'night shift')
        self.assertEqual(self.active(), {})

    def test_call_duration(self):
        carrier = Agent(SimpleNamespace(address='127.0.0.1', port=0), 'carrier')
        self.addCleanup(carrier.close)
        self.start(f'''mapping-gateway in
 address 127.0.0.3
 exit
routing-gateway out
 address 127.0.0.1:{carrier.port}
 prefixes 9
 exit
alarm call-duration
 upper 0
 level critical
 exit''')
        source = Agent(self.switch, '5551', address='127.0.0.3')
        self.addCleanup(source.close)
        call = source.invite('9111', make_sdp('127.0.0.3', 41000), expect_challenge=False)
        ring = carrier.incoming()
        ring.answer(200, make_sdp('127.0.0.1', 41002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        [row] = wait_for('it lasts', lambda: list(self.active().values()))
        shown = self.switch.rows('show', 'calls')
        self.assertEqual((row['kind'], row['level']), ('call-duration', 'critical'))
        self.assertIn(row['subject'].lstrip('0'), str(shown))
        self.assertIn('5551 to 9111 talks for ', row['text'])
        request = call.send('BYE')
        ring.reply(ring.wait_request('BYE'), 200)
        source.wait_status(request)
        wait_for('it is over', lambda: not self.active())
        self.assertEqual([row['kind'] for row in self.history()], ['call-duration'])


if __name__ == '__main__':
    unittest.main(verbosity=2)
