#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Alarms over the shell: one that is real begins, is seen, acknowledged and ends, and who follows is told."""
import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from session import Session
from switch import Switch, wait_for

COLUMNS = ['id', 'level', 'kind', 'subject', 'text', 'raised_time', 'cleared_time', 'acknowledged_time',
           'acknowledged_by', 'comment']
AGAIN_S = 60  # the switch tries the socket again within that; a hang guard


class Alarms(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix='vos-alarms-')
        self.addCleanup(self.scratch.cleanup)
        self.switch = Switch(self.scratch.name, 'hostname sw1').start()
        self.addCleanup(self.switch.stop)
        self.folder = Path(self.scratch.name, 'missing')
        self.path = str(self.folder / 'read-only.sock')

    def session(self, path=None):
        session = Session(path or self.switch.socket, batch=False)
        self.addCleanup(session.close)
        return session

    def watcher(self):
        session = self.session()
        session.sock.settimeout(AGAIN_S)
        session.do('terminal monitor')
        return session

    def point_at(self, path):
        """A read-only socket there: in a folder that is not there it cannot be opened."""
        self.switch.do('set', 'control', 'read-only-socket', path)

    def active(self):
        return self.switch.rows('show', 'alarms')

    def history(self, *words):
        return self.switch.rows('show', 'alarms', 'history', *words)

    def status(self):
        data = self.switch.json('show', 'status')['item']
        return data['alarms'], data['alarms_unacknowledged'], data['alarm_level']

    def event(self, session, *parts):
        """The next line of the log that says all this."""
        while True:
            message = json.loads(session.file.readline())
            if message.get('method') == 'event' and message['params'].get('subsystem') == 'alarm' and \
                    all(part in message['params']['text'] for part in parts):
                return message['params']

    def test_from_beginning_to_end(self):
        self.assertEqual(self.active(), [])
        self.assertEqual(self.history(), [])
        self.assertEqual(self.status(), (0, 0, None))
        watcher = self.watcher()
        self.point_at(self.path)
        event = self.event(watcher, 'control-socket', 'raised')
        self.assertEqual(event['level'], 'warning')
        [row] = self.active()
        self.assertEqual(list(row), COLUMNS)
        self.assertEqual((row['id'], row['level'], row['kind']), (1, 'medium', 'control-socket'))
        self.assertIn(self.path, row['text'])
        self.assertRegex(row['raised_time'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$')
        for name in ('cleared_time', 'acknowledged_time', 'acknowledged_by', 'comment'):
            self.assertIsNone(row[name])
        self.assertEqual(self.switch.rows('show', 'alarms', 'active'), [row])
        self.assertEqual(self.history(), [])
        self.assertEqual(self.status(), (1, 1, 'medium'))

        self.switch.do('alarm', 'acknowledge', '1', 'comment', 'folder comes with the next mount')
        self.event(watcher, 'control-socket', 'acknowledged by')
        [row] = self.active()
        self.assertEqual(row['comment'], 'folder comes with the next mount')
        self.assertIsNotNone(row['acknowledged_time'])
        self.assertTrue(row['acknowledged_by'])
        self.assertEqual(self.status(), (1, 0, 'medium'))

        # The condition goes away by itself, and the alarm with it.
        self.folder.mkdir()
        wait_for('the alarm ends', lambda: not self.active(), AGAIN_S)
        self.event(watcher, 'control-socket', 'over')
        [ended] = self.history()
        self.assertIsNotNone(ended.pop('cleared_time'))
        row.pop('cleared_time')
        self.assertEqual(ended, row)
        self.assertEqual(self.status(), (0, 0, None))

        # Who may only look may not act.
        reader = self.session(self.path)
        self.point_at(str(self.folder / 'no' / 'socket'))
        self.event(watcher, 'control-socket', 'raised')
        for line in ('clear alarm 2', 'alarm acknowledge 2'):
            self.assertIn('operator', reader.refused(line)[1])

    def test_cleared_by_hand_it_comes_back_while_its_condition_holds(self):
        watcher = self.watcher()
        self.point_at(self.path)
        self.event(watcher, 'control-socket', 'raised')
        self.switch.do('clear', 'alarm', '1')
        self.event(watcher, 'control-socket', 'cleared by hand')
        self.assertEqual([row['id'] for row in self.history()], [1])
        wait_for('it is back', self.active, AGAIN_S)
        self.assertEqual([row['id'] for row in self.active()], [2])
        self.switch.do('clear', 'alarm', '2')
        self.assertEqual([row['id'] for row in self.history()], [2, 1])
        self.assertEqual([row['id'] for row in self.history('last', '1')], [2])

    def test_levels_are_configured(self):
        self.switch.do('set', 'alarm', 'control-socket', 'level', 'major')  # VOS3000's word
        self.point_at(self.path)
        self.assertEqual([row['level'] for row in self.active()], ['high'])
        self.switch.do('set', 'alarm', 'control-socket', 'level', 'critical')
        wait_for('the level follows', lambda: self.active()[0]['level'] == 'critical')
        self.assertEqual(self.status(), (1, 1, 'critical'))

    def test_what_is_not_there(self):
        session = self.session()
        for line in ('clear alarm 1', 'alarm acknowledge 7', 'alarm acknowledge 4294967295 comment x'):
            code, text = session.refused(line)
            self.assertIn('no active alarm', text)
        for line in ('clear alarm 0', 'clear alarm x', 'clear alarm', 'alarm acknowledge 4294967296',
                     'show alarms history last 0'):
            session.refused(line)

    def test_completion_and_table(self):
        self.point_at(self.path)
        data, _ = self.session().call('complete', line='clear alarm ', mode='exec')
        self.assertEqual([candidate['word'] for candidate in data['candidates']], ['1'])
        text = self.switch.do('show', 'alarms')
        self.assertRegex(text.splitlines()[0], r'^ *ID +LEVEL +KIND +SUBJECT +TEXT +RAISED')
        self.assertIn('control-socket', text)


if __name__ == '__main__':
    unittest.main(verbosity=2)
