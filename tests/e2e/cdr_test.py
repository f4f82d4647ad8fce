#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Records of calls, from the call to the files: each call once, over kill -9, a full disk and a folder that
cannot be written; the hourly file; the history that operators ask."""
import os
import random
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from records import RecordsCase
from siplib import stop_cleanly
from switch import wait_for

CHECKPOINT_S = 10


class Records(RecordsCase):
    def test_what_is_recorded(self):
        self.start()
        self.talk('8123')
        self.wait_newest(1)
        self.refuse('8456')
        rows = self.wait_files(2)
        self.assertEqual([row['flow'] for row in rows], ['1', '2'])
        self.assertEqual((rows[0]['caller'], rows[0]['callee'], rows[0]['cause']), ('1001', '8123', '0'))
        self.assertEqual((rows[1]['cause'], rows[1]['answer_time'], rows[1]['hang_up_side']), ('486', '', '1'))
        wait_for('hourly file', lambda: len(self.hourly()) == 2)
        first, second = self.hourly()
        self.assertEqual(len(first), 18)
        self.assertEqual((first[0], first[1], first[5], first[6], first[8]), ('1001', '8123', '0', '0', 'carrier'))
        self.assertEqual((first[9], first[10], first[11], first[17]), ('127.0.0.1', '127.0.0.1', '1001', '1'))
        self.assertEqual((second[4], second[5], second[17]), ('0', '486', '2'))
        self.history()

    def history(self):
        rows = self.switch.rows('show', 'calls', 'history')
        self.assertEqual([row['flow'] for row in rows], [2, 1])
        rows = self.switch.rows('show', 'calls', 'history', 'failed', 'last', '20')
        self.assertEqual([(row['callee'], row['cause'], row['hang_up_side']) for row in rows], [('8456', 486, 'callee')])
        self.assertEqual([row['why'] for row in self.switch.rows('show', 'calls', 'history')],
                         ['refused: 486 Busy Here', 'hung up'])
        line, = [line for line in self.switch.do('show', 'calls', 'history', 'failed').splitlines() if '8456' in line]
        self.assertRegex(line, ' callee +refused: 486 Busy Here')
        for words, flows in ((['cause', '486'], [2]), (['cause', '4xx'], [2]), (['cause', 'normal'], [1]),
                             (['cause', '5xx'], []), (['cause', 'no-answer'], []), (['callee', '812*'], [1]),
                             (['gateway', 'carrier', 'last', '1'], [2]), (['phone', '1001', 'since', '1h'], [2, 1]),
                             (['caller', '7'], [])):
            rows = self.switch.rows('show', 'calls', 'history', *words)
            self.assertEqual([row['flow'] for row in rows], flows, words)
        self.assertEqual(self.switch.json('show', 'cdr', '1')['item']['callee'], '8123')
        self.assertNotEqual(self.switch.ctl('show', 'cdr', '3').returncode, 0)
        status = self.status()
        self.assertEqual((status['newest'], status['pending']), (2, 0))
        self.assertEqual({item['name']: item['done'] for item in status['consumers']}, {'files': 2, 'hourly': 2, 'push': 2})

    def test_json_and_off(self):
        self.start('cdr\n format json\n exit')
        self.talk('8123')
        row, = self.wait_files(1, '.json')
        self.assertEqual((row['flow'], row['callee'], row['callee_party']), (1, '8123', 'routing-gateway carrier'))
        self.switch.do('set', 'cdr', 'format', 'off')
        self.talk('8124')
        self.wait_newest(2)
        wait_for('nobody waits', lambda: self.status()['pending'] == 0)
        self.switch.do('set', 'cdr', 'format', 'csv')
        wait_for('on again', lambda: self.status()['consumers'][0]['is_on'])
        self.talk('8125')
        self.assertEqual([row['flow'] for row in self.wait_files(1)], ['3'])

    def test_full_and_read_only_disk(self):
        folder = Path(self.scratch.name) / 'disk'
        folder.mkdir()
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', str(folder)],
                          capture_output=True).returncode != 0:
            self.skipTest('cannot mount here')
        self.addCleanup(subprocess.run, ['umount', '-l', str(folder)], check=True)
        self.files = folder / 'records'
        self.files.mkdir()
        self.start(f'cdr\n directory {self.files}\n exit')
        self.talk('8001')
        self.wait_files(1)
        filler = folder / 'filler'
        self.fill(filler)
        for number in range(2, 12):
            self.refuse(f'80{number:02}')
        self.wait_alarm(True)
        self.assertGreater(self.status()['pending'], 0)
        filler.unlink()
        self.wait_alarm(False)
        self.expect(11)
        self.remove_folder()
        self.read_only(folder)

    def remove_folder(self):
        """One that the operator has named is not made again: it may be a mount that is missing."""
        self.files.rename(self.files.with_name('away'))
        self.talk('8012')
        self.wait_alarm(True)
        self.files.mkdir()
        self.wait_alarm(False)
        self.assertEqual([row['flow'] for row in self.wait_files(1)], ['12'])

    def read_only(self, folder):
        stop_cleanly(self.switch)
        subprocess.run(['mount', '-o', 'remount,ro', str(folder)], check=True)
        self.switch.start(apply=False)
        self.log_in()
        self.talk('8013')
        self.wait_alarm(True)
        subprocess.run(['mount', '-o', 'remount,rw', str(folder)], check=True)
        self.wait_alarm(False)
        self.assertEqual([row['flow'] for row in self.wait_files(2)], ['12', '13'])

    def fill(self, path):
        with open(path, 'wb', buffering=0) as file:
            try:
                while True:
                    file.write(bytes(512))
            except OSError:
                pass

    def expect(self, count):
        """Each record once, in either kind of file."""
        rows = self.wait_files(count)
        self.assertEqual(sorted(int(row['flow']) for row in rows), list(range(1, count + 1)))
        wait_for('hourly file', lambda: len(self.hourly()) >= count)
        self.assertEqual([int(line[17]) for line in self.hourly()], list(range(1, count + 1)))

    def test_kills(self):
        seed = int(os.environ.get('VOS_SEED') or time.time_ns() % 1000000)
        chance = random.Random(seed)
        talked = {}
        self.start()
        for kill in range(3):
            if kill:
                self.switch.start(apply=False)
                self.log_in()
            self.some_calls(chance, talked)
            self.switch.stop(signal.SIGKILL)
            ended = time.monotonic()
            for times in talked.values():
                times.setdefault('cut', ended)
        self.switch.start(apply=False)
        self.reconcile(talked, seed)

    def some_calls(self, chance, talked):
        """Up to a dozen calls in whatever state they are in when the switch is killed."""
        up = []
        for number in range(chance.randrange(3, 13)):
            call, callee = self.connect(f'8{number:03}')
            talked[call.call_id] = {'answer': time.monotonic()}
            up.append((call, callee))
            if chance.random() < 0.5:
                call, callee = up.pop(chance.randrange(len(up)))
                bye = call.send('BYE')
                callee.reply(callee.wait_request('BYE'), 200)
                self.caller.wait_status(bye)
                talked[call.call_id]['bye'] = time.monotonic()

    def reconcile(self, talked, seed):
        rows = self.wait_files(len(talked))
        self.assertEqual(sorted(row['caller_call_id'] for row in rows), sorted(talked), f'VOS_SEED={seed}')
        self.assertEqual(sorted(int(row['flow']) for row in rows), list(range(1, len(rows) + 1)))
        for row in rows:
            times = talked[row['caller_call_id']]
            real_s = times.get('bye', times['cut']) - times['answer']
            talk_s = int(row['talk_ms']) / 1000
            if 'bye' in times:
                self.assertNotEqual(row['cause_name'], 'restart', row)
            else:
                self.assertEqual(row['cause_name'], 'restart', row)
            # The caller's log begins and ends a little later than the switch's.
            self.assertGreater(talk_s, real_s - CHECKPOINT_S - 5, row)
            self.assertLess(talk_s, real_s + 5, row)


if __name__ == '__main__':
    unittest.main()
