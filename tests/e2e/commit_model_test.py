#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Candidates and commits against the real switchd: confirmed commits across its death, the lock, conflicts,
candidates of lost connections, old generations, whole files."""
import glob
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from session import Session  # noqa: E402
from sip_client import Phone  # noqa: E402
from switch import BUILD, SKIPPED, Switch, wait_for  # noqa: E402
from terminal import Terminal  # noqa: E402

VOSCTL = BUILD / 'vosctl'
CONFIG = '''hostname sw1
phone 1001
 name "Front desk"
 password plain "secret one"
 exit
phone 1002
 exit
'''
EXPIRED = 'commit confirmed expired'


class CommitModel(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='vos-commit-')
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.switch = Switch(self.folder, CONFIG).start()
        self.addCleanup(self.stop)

    def stop(self):
        if self.switch.process:
            self.switch.stop()

    def session(self, batch=True):
        session = Session(self.switch.socket, batch)
        self.addCleanup(session.close)
        return session

    def configure(self, *lines, batch=True):
        session = self.session(batch)
        session.do('configure', *lines)
        return session

    def generation(self):
        return self.switch.json('show', 'status')['generation']

    def state(self):
        return self.switch.json('show', 'configuration')['item']

    def hostname(self):
        return re.search(r'^hostname (\S+)$', self.switch.do('show', 'running-config'), re.M).group(1)

    def newest(self):
        return self.switch.rows('show', 'configuration', 'history', 'last', '1')[0]

    def kill(self):
        self.switch.process.send_signal(signal.SIGKILL)
        self.switch.process.wait()
        self.switch.process = None

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def expect(self, code, *words):
        done = self.switch.ctl(*words)
        self.assertEqual(done.returncode, code, f'{words}\n{done.stdout}{done.stderr}')
        return done.stdout + done.stderr

    # --- commit confirmed ---

    def test_confirm_keeps(self):
        session = self.configure('hostname changed')
        said = session.do('commit confirmed 5 comment trial')
        self.assertRegex(said, r'taken back at \d{4}-.*Z unless commit confirm')
        state = self.state()
        self.assertTrue(state['is_confirm_pending'])
        self.assertEqual(state['confirm_generation'], state['generation'])
        self.assertTrue(290 <= state['confirm_s'] <= 300, state)
        data, _ = session.run('show clock')
        self.assertTrue(290 <= data['confirm_s'] <= 300, data)
        self.assertTrue(290 <= self.session().call('hello', client='test')[0]['confirm_s'] <= 300)
        # From another session: the first may be the one that is locked out.
        self.assertIn('is confirmed', self.expect(0, 'commit', 'confirm'))
        self.assertFalse(self.state()['is_confirm_pending'])
        self.assertNotIn('confirm_s', session.run('show clock')[0])
        self.assertIn('no commit waits', self.expect(1, 'commit', 'confirm'))
        self.kill()
        self.switch.start(apply=False)
        self.assertEqual(self.hostname(), 'changed')
        self.assertFalse(self.state()['is_confirm_pending'])

    def test_others_wait(self):
        before = self.generation()
        self.configure('hostname changed').do('commit confirmed 1440')
        who = self.state()['confirm_author']
        other = self.configure('phone 1002 name other')
        code, text = other.refused('commit')
        self.assertEqual(code, 'state.pending-confirm')
        self.assertRegex(text, rf'generation {before + 1} of {re.escape(who)} waits until \d{{4}}-.*Z')
        self.assertEqual(other.refused('commit force')[0], 'state.pending-confirm')
        self.assertEqual(other.refused('commit confirmed 3')[0], 'state.pending-confirm')
        other.do('commit check')
        self.assertIn('waits until', self.expect(1, 'set', 'phone', '1002', 'name', 'x'))
        path = self.write('other.conf', 'phone 1002\n name x\n')
        self.assertIn('waits until', self.expect(1, 'apply', path))
        self.expect(0, 'apply', '--check', path)
        self.expect(10, 'apply', '--diff', path)
        # Nothing to commit is nothing to refuse.
        self.expect(0, 'set', 'hostname', 'changed')
        self.assertEqual(self.generation(), before + 1)
        self.expect(0, 'commit', 'confirm')
        other.do('commit')
        self.assertEqual(self.generation(), before + 2)

    def test_more_time(self):
        session = self.configure('hostname changed')
        session.do('commit confirmed 2')
        session.do('commit confirmed 10')
        self.assertGreater(self.state()['confirm_s'], 590)
        self.kill()
        self.switch.start(apply=False)
        self.assertTrue(500 < self.state()['confirm_s'] <= 600, self.state())

    def test_nothing_to_confirm(self):
        before = self.generation()
        self.assertIn('nothing to change', self.configure('hostname sw1').do('commit confirmed 5'))
        self.assertFalse(self.state()['is_confirm_pending'])
        self.assertEqual(self.generation(), before)

    def test_death_before_the_deadline(self):
        self.configure('hostname changed').do('commit confirmed 5')
        self.kill()
        # --apply is a commit too, which has to wait; the switch starts all the same.
        self.switch.config_path.write_text('hostname third\n')
        self.switch.start(apply=True)
        self.assertEqual(self.hostname(), 'changed')
        self.assertIn('is not applied: generation', self.switch.log())
        state = self.state()
        self.assertTrue(0 < state['confirm_s'] <= 300, state)
        self.assertEqual(self.configure('hostname x').refused('commit')[0], 'state.pending-confirm')
        self.expect(0, 'commit', 'confirm')
        self.assertEqual(self.switch.stop(), 0)
        self.switch.start(apply=True)
        self.assertEqual(self.hostname(), 'third')

    def test_apply_confirm(self):
        path = self.write('new.conf', 'hostname new\n')
        for wrong in '0', '1441', 'x', '-1':
            self.expect(2, 'apply', path, '--confirm', wrong)
        self.assertIn('unless commit confirm', self.expect(0, 'apply', path, '--confirm', '7'))
        self.assertTrue(400 < self.state()['confirm_s'] <= 420)

    # --- the lock ---

    def test_exclusive(self):
        other = self.configure('phone 1002 name other')
        holder = self.session()
        self.assertRegex(holder.do('configure exclusive'), r'has 1 change that cannot be committed')
        number = self.state()['lock_session']
        for code, text in (other.refused('commit'), self.session().refused('configure')):
            self.assertEqual(code, 'state')
            self.assertRegex(text, rf'locked by \S+, session {number}, since')
        self.assertIn('locked by', self.expect(1, 'set', 'hostname', 'x'))
        self.assertIn('locked by', self.expect(1, 'apply', self.write('x.conf', 'hostname x\n')))
        self.expect(0, 'apply', '--check', self.write('x.conf', 'hostname x\n'))
        other.do('commit check')
        holder.do('hostname held', 'commit', 'end')
        self.assertFalse(self.state()['is_locked'])
        other.do('commit')
        # A connection that ends gives the lock back; its changes are not carried along.
        holder.do('configure exclusive')
        self.assertTrue(self.state()['is_locked'])
        holder.close()
        wait_for('the lock is free', lambda: not self.state()['is_locked'])
        self.session().do('configure')

    def test_exclusive_and_replace_within_configuration(self):
        holder = self.configure('phone 1002')
        holder.do('configure exclusive')
        self.assertEqual(holder.mode, 'config-phone:1002')
        self.assertTrue(self.state()['is_locked'])
        self.assertIn('locked by', self.expect(1, 'set', 'hostname', 'x'))
        # Twice is once, and the candidate is still the same.
        holder.do('name typed', 'configure exclusive', 'configure')
        self.assertEqual(holder.rows('show configuration changes'), ['+ phone 1002 name typed'])
        holder.do('commit', 'end')
        self.assertFalse(self.state()['is_locked'])
        whole = self.switch.do('show', 'running-config')
        path = self.write('whole.conf', whole.replace('name typed', 'name replaced'))
        done = self.switch.ctl('-c', 'configure', '-c', 'phone 1001', '-c', f'configure replace {path}',
                               '-c', 'show configuration changes', '-c', 'phone 1002 lock in', '-c', 'commit')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('+ phone 1002 name replaced', done.stdout)
        self.assertIn('name replaced\n lock in', self.switch.do('show', 'running-config', 'phone', '1002'))
        self.assertIn('commit or discard them first', self.expect(
            1, '-c', 'configure', '-c', 'hostname pending', '-c', f'configure replace {path}'))

    # --- set, in one line ---

    def test_set_no_and_default(self):
        before = self.generation()
        self.switch.do('set', 'SS_SIP_SESSION_TTL', '900')
        self.assertIn('1 change', self.expect(0, 'set', 'no', 'SS_SIP_SESSION_TTL'))
        self.assertNotIn('SESSION_TTL', self.switch.do('show', 'running-config', 'names'))
        self.switch.do('set', 'SS_SIP_SESSION_TTL', '900')
        self.switch.do('set default sip-parameter session-ttl')
        self.switch.do('set', 'no', 'phone', '1001', 'name')
        self.assertNotIn('Front desk', self.switch.do('show', 'running-config'))
        self.switch.do('set', 'no', 'phone', '1002')
        self.assertEqual([row['number'] for row in self.switch.rows('show', 'phones')], ['1001'])
        self.assertEqual(self.generation(), before + 6)
        self.assertIn('there is no phone 1002', self.expect(6, 'set', 'no', 'phone', '1002'))
        self.assertIn('incomplete', self.expect(1, 'set', 'no', 'phone'))
        self.assertEqual(self.generation(), before + 6)

    # --- two who disagree ---

    def test_conflicts_are_all_listed(self):
        mine = self.configure('hostname mine', 'phone 1001 name mine', 'no phone 1002', 'phone 1003 lock out')
        theirs = self.configure('hostname theirs', 'phone 1001 name theirs', 'phone 1002 name a',
                                'phone 1002 lock in', 'phone 1004')
        theirs.do('commit')
        data, notices = mine.run('commit')
        self.assertEqual((data['code'], data['stage']), ('conflict.generation', 'commit'))
        found = [(notice['params']['path'], notice['params']['message']) for notice in notices
                 if notice['method'] == 'warning']
        self.assertEqual([path for path, _ in found],
                         ['hostname', 'phone 1001 name', 'phone 1002 name', 'phone 1002 lock'])
        who = self.newest()['author']
        for path, text in found:
            self.assertEqual(text, f'{path}: changed by {who} in generation {data["generation"]}')
        self.assertEqual(self.hostname(), 'theirs')
        self.assertEqual(mine.refused('commit check')[0], 'conflict.generation')
        said = mine.do('rebase')
        self.assertIn('with 2 changes', said)
        mine.do('commit')
        text = self.switch.do('show', 'running-config')
        self.assertIn('hostname theirs', text)
        self.assertIn('phone 1002\n', text)
        self.assertIn('phone 1003\n lock out', text)
        self.assertIn('name theirs', text)

    def test_force(self):
        mine = self.configure('hostname mine')
        self.switch.do('set', 'hostname', 'theirs')
        self.assertEqual(mine.refused('commit')[0], 'conflict.generation')
        mine.do('commit force')
        self.assertEqual(self.hostname(), 'mine')

    def test_force_over_what_others_deleted(self):
        self.switch.do('apply', self.write('more.conf', 'network office\n prefix 10.0.0.0/8\n exit\n'
                       'routing-gateway out\n address 192.0.2.1\n address 192.0.2.2\n prefixes 00\n prefixes 01\n exit\n'))
        base = self.generation()
        mine = self.configure('routing-gateway out', 'priority 7', 'exit', 'phone 1001 name mine', 'no phone 1002')
        for path in 'routing-gateway out', 'phone 1001', 'phone 1002':
            self.switch.do(f'set no {path}')
        data, notices = mine.run('commit')
        self.assertEqual((data['code'], data['stage']), ('conflict.generation', 'commit'))
        # That both delete 1002 is no conflict.
        self.assertEqual([notice['params']['path'] for notice in notices if notice['method'] == 'warning'],
                         ['routing-gateway out priority', 'phone 1001 name'])
        data, notices = mine.run('commit force')
        self.assertEqual(data['status'], 'ok', data)
        said = ''.join(notice['params']['text'] for notice in notices if notice['method'] == 'text')
        for path in 'routing-gateway out', 'phone 1001':
            self.assertIn(f'{path}, deleted by others meanwhile, is made again as it was in generation {base}', said)
        text = self.switch.do('show', 'running-config')
        self.assertRegex(text, r'routing-gateway out\n( .*\n)*? priority 7\n')
        for part in ' address 192.0.2.1\n', ' address 192.0.2.2\n', ' prefixes 00\n prefixes 01\n', ' name mine\n':
            self.assertIn(part, text)
        self.assertRegex(text, r'password sealed v1:')
        self.assertNotIn('phone 1002', text)

    def test_force_does_not_bring_back_a_reference(self):
        self.switch.do('apply', self.write('more.conf', 'network office\n prefix 10.0.0.0/8\n exit\n'
                       'phone 1002\n network office\n exit\n'))
        mine = self.configure('phone 1002 name mine')
        self.switch.do('set no phone 1002')
        self.switch.do('set no network office')
        code, text = mine.refused('commit force')
        self.assertEqual(code, 'ref.missing')
        self.assertIn('office', text)
        # The way out: ours goes.
        mine.do('rebase')
        self.assertEqual(mine.rows('show configuration changes'), [])

    def test_both_delete_the_same(self):
        mine = self.configure('no phone 1002', 'hostname mine')
        self.switch.do('set no phone 1002')
        mine.do('commit')
        self.assertEqual(self.hostname(), 'mine')
        gone = self.configure('no phone 1001')
        self.switch.do('set no phone 1001')
        self.assertIn('nothing to change', gone.do('commit'))

    # --- a lost connection ---

    def test_resume(self):
        lost = self.configure('hostname typed', 'phone 1005 name "a b"', batch=False)
        lost.close()
        wait_for('the candidate is kept', lambda: self.state().get('kept_changes') == 3)
        self.assertTrue(590 < self.state()['kept_s'] <= 600)
        session = self.session(batch=False)
        self.assertEqual(session.call('hello', client='test')[0]['kept'], 3)
        self.assertIn('configure resume', session.do('configure'))
        session.do('end', 'configure resume')
        self.assertEqual(session.rows('show configuration changes'),
                         ['- hostname sw1', '+ hostname typed', '+ phone 1005', '+ phone 1005 name "a b"'])
        # It is one candidate: nobody else gets it too.
        self.assertEqual(self.session().refused('configure resume')[0], 'not-found')
        session.do('commit')
        self.assertEqual(self.hostname(), 'typed')
        self.expect(6, 'configure resume')

    def test_resume_sees_conflicts(self):
        self.configure('hostname typed', batch=False).close()
        wait_for('the candidate is kept', lambda: self.state().get('kept_changes') == 1)
        self.switch.do('set', 'hostname', 'newer')
        session = self.session()
        session.do('configure resume')
        self.assertEqual(session.refused('commit')[0], 'conflict.generation')

    def test_what_was_acknowledged_outlives_a_kill(self):
        """At any moment: each line that was answered is there, in its order, and at most one more."""
        random.seed(11)
        for number in range(12):
            session = self.configure(batch=False)
            killer = threading.Timer(random.uniform(0.0, 0.02), self.switch.process.kill)
            killer.start()
            count = 0
            try:
                while count < 100000:
                    session.do(f'phone {3000 + number * 100 + count % 97} name n{count}')
                    count += 1
                    if count % 50 == 0:
                        session.do('discard')
                        count = 0
            except (OSError, ValueError):
                pass
            killer.join()
            self.switch.process.wait()
            self.switch.start(apply=False)
            again = self.session(batch=False)
            if count == 0:
                again.do('configure')
                continue
            data, _ = again.run('configure resume')
            if 'code' in data:
                # Only the discard that was under way can have left nothing.
                self.assertEqual(count % 50, 0, f'{count} lines: {data}')
                again.do('configure')
                continue
            names = [row.split()[-1] for row in again.rows('show configuration changes') if ' name ' in row]
            self.assertIn(len(names), (count, count + 1, 1))
            if len(names) >= count:
                self.assertEqual(sorted(names, key=lambda name: int(name[1:]))[:count],
                                 [f'n{i}' for i in range(count)])
            again.do('discard', 'end')
            again.close()

    def test_restart_sees_conflicts(self):
        self.configure('hostname typed', 'phone 1001 lock in', batch=False)
        self.switch.do('set', 'hostname', 'newer')
        self.kill()
        self.switch.start(apply=False)
        session = self.session()
        session.do('configure resume')
        data, notices = session.run('commit')
        self.assertEqual(data['code'], 'conflict.generation')
        self.assertEqual([notice['params']['path'] for notice in notices if notice['method'] == 'warning'],
                         ['hostname'])
        self.assertIn('with 1 change', session.do('rebase'))
        # Once more, on the new generation.
        session.close()
        wait_for('the candidate is gone', lambda: self.state().get('kept_changes') is None)

    def test_another_user_gets_nothing_after_a_restart(self):
        self.configure('hostname typed', batch=False)
        self.kill()
        for path in (self.folder / 'state' / 'candidates').iterdir():
            data = bytearray(path.read_bytes())
            at = data.index(b'session\t')
            # The uid of the record, by hand: its check sum does not fit any more.
            data[at + 10:at + 11] = b'7'
            path.write_bytes(bytes(data))
        self.switch.start(apply=False)
        self.assertEqual(self.session().refused('configure resume')[0], 'not-found')
        self.assertEqual(list((self.folder / 'state' / 'candidates').iterdir()), [])

    def test_disk_that_takes_no_candidates(self):
        folder = self.folder / 'state' / 'candidates'
        folder.write_text('in the way')
        session = self.configure(batch=False)
        self.assertRegex(self.switch.log(), r'alarm: disk candidates raised: .*candidates')
        session.do('hostname typed', 'commit')
        self.assertEqual(self.hostname(), 'typed')
        folder.unlink()
        other = self.configure('hostname other', batch=False)
        self.assertRegex(self.switch.log(), r'alarm: disk candidates over: ')
        other.do('discard')

    def test_batch_keeps_nothing(self):
        self.configure('hostname typed').close()
        self.expect(1, '-c', 'configure', '-c', 'hostname typed')
        self.expect(6, 'configure resume')
        busy = self.configure('hostname typed', batch=False)
        self.assertEqual(busy.refused('configure resume')[0], 'state')

    # --- the past ---

    def test_rollback(self):
        start = self.generation()
        whole = self.switch.do('show', 'running-config')
        session = self.configure()
        for i in range(52):
            session.do(f'phone 1001 name "n {i}"', f'phone {2000 + i % 7} lock out',
                       f'no phone {2000 + i % 7}' if i % 7 == 3 else 'hostname sw1', 'commit')
        newest = self.generation()
        self.assertEqual(newest, start + 52)
        self.assertEqual(len(self.switch.rows('show', 'configuration', 'history')), 50)
        code, text = session.refused(f'rollback {newest - 51}')
        self.assertEqual(code, 'not-found')
        self.assertIn('not kept any more', text)
        self.assertEqual(session.refused(f'rollback {newest}')[0], 'not-found')
        wanted = self.switch.do('show', 'configuration', 'generation', str(newest - 50))
        session.do(f'rollback {newest - 50}')
        self.assertEqual(session.refused(f'rollback {newest - 1}')[0], 'state')
        session.do('commit')
        self.assertEqual(self.body(self.switch.do('show', 'running-config')), self.body(wanted))
        self.assertIn('name "n 1"', wanted)
        self.assertNotEqual(self.body(whole), self.body(wanted))
        self.assertEqual(self.switch.rows('show', 'configuration', 'diff', str(newest - 49 + 1), str(newest))[0],
                         {'op': '-', 'line': 'phone 1001 name "n 3"'})

    @staticmethod
    def body(text):
        return [line for line in text.splitlines() if not line.startswith('!')]

    def test_diff_of_any_two(self):
        first = self.generation()
        for name in 'a', 'b', 'c':
            self.switch.do('set', 'hostname', name)
        rows = lambda *g: [row['op'] + row['line'] for row in
                           self.switch.rows('show', 'configuration', 'diff', *map(str, g))]
        self.assertEqual(rows(), ['-hostname b', '+hostname c'])
        self.assertEqual(rows(first), ['-hostname sw1', '+hostname c'])
        self.assertEqual(rows(first + 1, first + 2), ['-hostname a', '+hostname b'])
        self.assertEqual(rows(first + 2, first), ['-hostname b', '+hostname sw1'])
        self.assertEqual(rows(first, first), [])
        self.expect(6, 'show', 'configuration', 'diff', '1', str(first + 9))
        self.expect(6, 'show', 'configuration', 'generation', str(first + 9))
        self.assertIn('hostname a\n', self.switch.do('show', 'configuration', 'generation', str(first + 1)))

    # --- files ---

    def test_load_merge(self):
        path = self.write('more.conf', 'phone 1001\n name "Loaded"\n password plain "secret one"\n exit\n'
                          'phone 1007\n lock out\n exit\n')
        bad = self.write('bad.conf', 'phone 1008\n exit\nhostname good\nphone 1009\n nme x\n lock sideways\n')
        done = self.switch.ctl('-c', 'configure', '-c', 'phone 1007 lock in', '-c', f'load merge {path}',
                               '-c', 'show configuration changes', '-c', 'commit')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('+ phone 1007 lock out\n', done.stdout)
        self.assertIn('+ phone 1001 name Loaded\n', done.stdout)
        self.assertNotIn('password', done.stdout)
        before = self.generation()
        done = self.switch.ctl('--keep-going', '-c', 'configure', '-c', 'hostname kept', '-c', f'load merge {bad}',
                               '-c', 'show configuration changes', '-c', 'discard')
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rf'{re.escape(bad)}:5:2: error: .*nme')
        self.assertRegex(done.stderr, rf'{re.escape(bad)}:6:7: error: ')
        self.assertIn(f'-c:3:1: error: 2 errors in {bad}', done.stderr)
        self.assertIn('+ hostname kept', done.stdout)
        self.assertNotIn('good', done.stdout)
        self.assertNotIn('1008', done.stdout)
        self.assertEqual(self.generation(), before)
        self.assertIn('cannot read', self.expect(1, '-c', 'configure', '-c', 'load merge /nonexistent'))

    def test_configure_replace(self):
        whole = self.switch.do('show', 'running-config')
        path = self.write('whole.conf', whole.replace('hostname sw1', 'hostname replaced'))
        self.switch.do('set', 'phone', '1009', 'name', 'extra')
        done = self.switch.ctl('-c', f'configure replace {path}', '-c', 'show configuration changes',
                               '-c', 'commit', '-c', 'end')
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn('- phone 1009', done.stdout)
        self.assertEqual(self.body(self.switch.do('show', 'running-config')),
                         self.body(Path(path).read_text()))
        part = self.write('part.conf', 'hostname part\n')
        self.assertIn('running-config', self.expect(1, f'configure replace {part}'))
        self.assertEqual(self.hostname(), 'replaced')

    def test_replace_is_idempotent(self):
        text = re.sub(r'password sealed \S+', 'password plain "secret one"', self.switch.do('show', 'running-config'))
        self.assertIn('plain', text)
        path = self.write('plain.conf', text)
        before = self.generation()
        self.assertIn('nothing to change', self.expect(0, 'apply', '--replace', path))
        self.expect(0, 'apply', '--replace', '--diff', path)
        self.assertEqual(self.generation(), before)
        other = self.write('other.conf', text.replace('secret one', 'secret two'))
        self.expect(10, 'apply', '--replace', '--diff', other)
        self.assertEqual(self.generation(), before)
        self.assertIn('1 change', self.expect(0, 'apply', '--replace', '--check', other))
        self.assertEqual(self.generation(), before)
        self.expect(0, 'apply', '--replace', other)
        self.assertEqual(self.generation(), before + 1)

    def test_ten_thousand_lines_take_themselves_back(self):
        whole = self.body(self.switch.do('show', 'running-config'))
        lines = ''.join(f'phone {50000 + i}\n password plain "p{i}"\n' for i in range(5000))
        self.expect(0, 'apply', self.write('big.conf', lines), '--confirm', '1440')
        self.assertEqual(len(self.switch.rows('show', 'phones', '5*')), 5000)
        generation = self.generation()
        self.kill()
        self.switch.start(apply=False)
        self.expect(0, 'commit', 'confirm')
        self.assertEqual(self.generation(), generation)
        session = self.configure(f'rollback {generation - 1}')
        session.do('commit')
        self.assertEqual(self.body(self.switch.do('show', 'running-config')), whole)

    def test_killed_at_any_moment(self):
        """Both values of a commit or none, and never a confirmation that waits for another generation."""
        random.seed(7)
        for number in range(200):
            session = self.session()
            session.do('configure')
            killer = threading.Timer(random.uniform(0.0, 0.03), self.switch.process.kill)
            killer.start()
            try:
                for i in range(10000):
                    session.do(f'hostname h{number}-{i}', f'phone 1001 name h{number}-{i}',
                               'commit confirmed 9' if i % 2 else 'commit')
                    if i % 2:
                        session.do('commit confirm')
            except (OSError, ValueError):
                pass
            killer.join()
            self.switch.process.wait()
            self.switch.start(apply=False)
            text = self.switch.do('show', 'running-config')
            name = re.search(r'^ name "?([^"\n]*)"?$', text, re.M).group(1)
            host = re.search(r'^hostname (\S+)$', text, re.M).group(1)
            self.assertIn((name, host), ((host, host), ('Front desk', 'sw1')))
            state = self.state()
            self.assertEqual(state['generation'], self.newest()['generation'])
            if state['is_confirm_pending']:
                self.assertEqual(state['confirm_generation'], state['generation'])
                self.expect(0, 'commit', 'confirm')

    # --- what a commit says ---

    def test_says_what_holds_when(self):
        session = self.configure('SS_SIP_NAT_KEEP_ALIVE_PERIOD 60', 'listen other', 'udp 127.0.0.2:5999', 'exit')
        data, notices = session.run('commit')
        self.assertEqual(data['status'], 'ok')
        said = ''.join(notice['params']['text'] for notice in notices if notice['method'] == 'text')
        self.assertRegex(said, r'after a restart of switchd: .*listen other')
        self.assertRegex(said, r'SS_SIP_NAT_KEEP_ALIVE_PERIOD')

    def test_warns_with_figures(self):
        self.switch.set('SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL', '60000')
        for user in '1001', '1002':
            self.switch.do('set', 'phone', user, 'password', 'secret one')
            phone = Phone((self.switch.address, self.switch.port), user, 'secret one', advertised='192.0.2.9:5060')
            self.addCleanup(phone.close)
            self.assertEqual(phone.register(expires=600).status, 200)
        done = self.switch.ctl('set', 'SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME', '1')
        self.assertRegex(done.stderr, r'warning: .*a keepalive round of 30 s reaches 1 of the 2 devices registered '
                         r'now; SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME 2,? .*or SS_SIP_NAT_KEEP_ALIVE_PERIOD 120')
        done = self.switch.ctl('set', 'SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME', '2')
        self.assertNotIn('keepalive', done.stderr)
        done = self.switch.ctl('set', 'phone', '1002', 'media-proxy', 'off')
        self.assertRegex(done.stderr, r'warning: .*phone 1002 media-proxy off: it is registered through NAT now')
        low, high = map(int, Path('/proc/sys/net/ipv4/ip_local_port_range').read_text().split())
        done = self.switch.ctl('set', 'SS_RTP_PORT_RANGE', f'{low},{low + 1999}')
        self.assertIn(f"overlaps the system's ephemeral ports {low},{high}", done.stderr)

    def test_range_says_what_it_is_now(self):
        self.switch.do('set', 'SS_SIP_NAT_KEEP_ALIVE_PERIOD', '44')
        self.assertIn('allowed 10..86400 s, now 44', self.expect(1, 'set', 'SS_SIP_NAT_KEEP_ALIVE_PERIOD', '5'))


class Cable:
    """Stands between vosctl and switchd, and can be cut."""

    def __init__(self, path, target):
        self.path = path
        self.target = target
        self.pairs = []
        self.cut_pairs = []
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(path)
        self.listener.listen()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            far.connect(self.target)
            self.pairs.append((near, far))
            for source, sink in (near, far), (far, near):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    @staticmethod
    def _pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass

    def cut(self):
        for near, far in self.pairs:
            for end in far, near:
                end.shutdown(socket.SHUT_RDWR)
        self.cut_pairs += self.pairs
        self.pairs = []

    def close(self):
        self.cut()
        self.listener.close()
        for pair in self.cut_pairs:
            for end in pair:
                end.close()


class Prompt(unittest.TestCase):
    """The same from a terminal."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='vos-prompt-')
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.switch = Switch(self.folder, CONFIG).start()
        self.addCleanup(lambda: self.switch.process and self.switch.stop())

    def shell(self, path=None):
        shell = Terminal([str(VOSCTL), '-s', path or self.switch.socket], {'HOME': str(self.folder)})
        self.addCleanup(shell.close)
        return shell.wait_last('sw1#')

    def test_counts_down(self):
        shell = self.shell()
        shell.line('configure').wait_last('sw1(config)#')
        shell.line('phone 1002 name x').wait_text('[1 change]')
        shell.line('commit confirmed 2').wait_text('[confirm in 2:00]')
        # While nothing is typed, too.
        shell.wait_text('[confirm in 1:58]')
        late = self.shell()
        late.wait_text('[confirm in 1:5')
        late.line('commit confirm').wait_text('is confirmed')
        shell.line('do show clock').wait_text('time  ')
        shell.wait('the clock is gone', lambda screen: screen.rows[screen.row].rstrip() == 'sw1(config)#')

    def test_range_says_what_it_is_now(self):
        shell = self.shell()
        shell.line('configure').wait_last('sw1(config)#')
        shell.line('sip').wait_last('sw1(config-sip-parameter)#')
        shell.line('nat-keep-alive-period 5').wait_text('allowed 10..86400 s, now 30')
        caret = next(row for row in shell.screen.rows if row.strip() == '^')
        self.assertEqual(len(caret.rstrip()), len('sw1(config-sip-parameter)# nat-keep-alive-period 5'))

    def test_loads_files(self):
        path = self.folder / 'more.conf'
        path.write_text('phone 1007\n nme x\n')
        shell = self.shell()
        shell.line('configure').wait_last('sw1(config)#')
        shell.line(f'load merge {path}').wait_text('% line 2:2: ')
        shell.wait_last('sw1(config)#')
        path.write_text('phone 1007\n name x\n')
        shell.line(f'load merge {path}').wait_text('[2 changes]')
        shell.line('commit').wait_text('committed generation')

    def test_lost_connection(self):
        cable = Cable(str(self.folder / 'cable.sock'), self.switch.socket)
        self.addCleanup(cable.close)
        shell = self.shell(cable.path)
        shell.line('configure').wait_last('sw1(config)#')
        shell.line('phone 1002').wait_last('sw1(config-phone:1002)#')
        shell.line('name typed').wait_text('[1 change]')
        shell.keys('lock o')
        cable.cut()
        shell.wait_text('connected again; the candidate goes on')
        shell.wait_last('sw1(config-phone:1002)*# lock o')
        shell.line('ut').wait_text('[2 changes]')
        shell.line('commit').wait_text('committed generation')
        self.assertIn('name typed\n lock out', self.switch.do('show', 'running-config', 'phone', '1002'))

    def restart(self, shell, number):
        if number == signal.SIGKILL:
            self.switch.process.kill()
            self.switch.process.wait()
            self.switch.process = None
        else:
            self.switch.stop(number)
        shell.wait_text('[disconnected]')
        self.switch.start(apply=False)

    def test_restarted_switch(self):
        """Candidate, mode and the line being typed are there again, however it ended."""
        for number in signal.SIGTERM, signal.SIGKILL:
            with self.subTest(number=number):
                shell = self.shell()
                shell.line('configure').wait_last('sw1(config)#')
                shell.line('phone 1002').wait_last('sw1(config-phone:1002)#')
                shell.line(f'name "typed {number}"').wait_text('[1 change]')
                shell.keys('lock o').wait_last('sw1(config-phone:1002)*# lock o')
                self.restart(shell, number)
                shell.wait_text('connected again; the candidate goes on')
                shell.wait_last('sw1(config-phone:1002)*# lock o')
                shell.line('ut').wait_text('[2 changes]')
                shell.line('commit').wait_text('committed generation').wait_last('sw1(config-phone:1002)#')
                self.assertIn(f'name "typed {number}"\n lock out',
                              self.switch.do('show', 'running-config', 'phone', '1002'))
                self.switch.do('set', 'no', 'phone', '1002', 'lock')
                shell.line('end').wait_last('sw1#')

    def test_restarted_switch_without_changes(self):
        shell = self.shell()
        shell.line('configure').wait_last('sw1(config)#').line('sip').wait_last('sw1(config-sip-parameter)#')
        self.restart(shell, signal.SIGTERM)
        shell.wait_text('connected again; configuration goes on').wait_last('sw1(config-sip-parameter)#')
        shell.line('session-ttl 900').wait_text('[1 change]').line('discard')
        shell.wait_last('sw1(config-sip-parameter)#').line('end').wait_last('sw1#')

    def test_everybody_gets_his_own_again(self):
        shells = [self.shell() for _ in range(3)]
        for number, shell in enumerate(shells):
            shell.line('configure').wait_last('sw1(config)#')
            if number < 2:
                shell.line(f'phone 200{number} name mine').wait_text('[2 changes]')
        self.restart(shells[0], signal.SIGKILL)
        for number, shell in enumerate(shells):
            shell.wait_text('connected again; ' + ('the candidate' if number < 2 else 'configuration') + ' goes on')
            shell.line('show configuration changes')
            if number < 2:
                shell.wait_text(f'+ phone 200{number} name mine')
                self.assertNotIn(f'+ phone 200{1 - number}', shell.screen.text())
        shells[2].line('do show clock').wait_text('time')
        self.assertNotIn('+ phone', shells[2].screen.text())

    def test_lock_is_taken_again(self):
        shell = self.shell()
        shell.line('configure exclusive').wait_last('sw1(config)#')
        shell.line('phone 1002 name x').wait_text('[1 change]')
        self.restart(shell, signal.SIGKILL)
        shell.wait_text('goes on, locked again')
        self.assertEqual(self.switch.ctl('set', 'hostname', 'x').returncode, 1)
        shell.line('commit').wait_text('committed generation')

    def test_unread_secrets_stay_sealed(self):
        shell = self.shell()
        shell.line('configure').wait_last('sw1(config)#')
        shell.line('phone 1002 password plain "Xy7secretz"').wait_text('[1 change]')
        folder = self.folder / 'state' / 'candidates'
        data = b''.join(path.read_bytes() for path in folder.iterdir())
        self.assertIn(b'1002', data)
        self.assertNotIn(b'secretz', data)
        self.assertEqual([path.stat().st_mode & 0o777 for path in [folder, *folder.iterdir()]], [0o700, 0o600])
        shell.line('discard').wait_last('sw1(config)#').line('end').wait_last('sw1#')
        wait_for('the file goes', lambda: not list(folder.iterdir()))


class Clock(unittest.TestCase):
    """Deadlines, with a switchd whose wall clock the test sets."""

    def setUp(self):
        library = glob.glob('/usr/lib/*/faketime/libfaketimeMT.so.1')
        if not library:
            self.skipTest('libfaketime is not installed')
        folder = tempfile.TemporaryDirectory(prefix='vos-clock-')
        self.addCleanup(folder.cleanup)
        self.clock = Path(folder.name) / 'clock'
        self.set_clock('+0')
        self.switch = Switch(folder.name, CONFIG, launcher=[
            'env', f'LD_PRELOAD={library[0]}', f'FAKETIME_TIMESTAMP_FILE={self.clock}', 'FAKETIME_NO_CACHE=1',
            'DONT_FAKE_MONOTONIC=1'])
        # A sanitizer wants to be the first library of a process.
        if subprocess.run(['env', f'LD_PRELOAD={library[0]}', str(BUILD / 'switchd'), '--version'],
                          capture_output=True, check=False).returncode != 0:
            self.skipTest('this switchd cannot run under libfaketime')
        self.switch.start()
        self.addCleanup(lambda: self.switch.process and self.switch.stop())

    def set_clock(self, offset):
        new = self.clock.with_suffix('.new')
        new.write_text(offset + '\n')
        os.replace(new, self.clock)

    def history(self):
        return self.switch.rows('show', 'configuration', 'history')

    def hostname(self):
        return re.search(r'^hostname (\S+)$', self.switch.do('show', 'running-config'), re.M).group(1)

    def commit(self):
        session = Session(self.switch.socket)
        session.do('configure', 'hostname changed', 'commit confirmed 5')
        session.close()
        self.assertEqual(self.hostname(), 'changed')

    def assert_taken_back(self):
        first, second = self.history()[:2]
        self.assertEqual(self.hostname(), 'sw1')
        self.assertEqual(first['author'], EXPIRED)
        self.assertEqual(first['comment'], f'takes back generation {second["generation"]} of {second["author"]}')
        self.assertFalse(self.switch.json('show', 'configuration')['item']['is_confirm_pending'])
        self.assertIn('was not confirmed', self.switch.log())
        self.switch.set('hostname', 'free-again')

    def test_while_it_runs(self):
        self.commit()
        self.set_clock('+290s')
        self.assertTrue(0 < self.switch.json('show', 'configuration')['item']['confirm_s'] <= 10)
        self.set_clock('+310s')
        wait_for('the commit is taken back', lambda: self.history()[0]['author'] == EXPIRED)
        self.assert_taken_back()

    def test_it_is_audited(self):
        self.commit()
        self.set_clock('+310s')
        wait_for('the commit is taken back', lambda: self.history()[0]['author'] == EXPIRED)
        row = self.switch.rows('show', 'audit', 'last', '1')[0]
        self.assertEqual((row['user'], row['session'], row['result']), ('switchd', None, 'ok'))
        self.assertEqual(row['command'], self.history()[0]['comment'])

    def test_while_it_was_dead(self):
        self.commit()
        self.switch.process.send_signal(signal.SIGKILL)
        self.switch.process.wait()
        self.set_clock('+310s')
        self.switch.start(apply=False)
        first = self.history()[0]
        row = self.switch.rows('show', 'audit', 'last', '1')[0]
        self.assertEqual((row['user'], row['session'], row['command'], row['result'], row['generation']),
                         ('switchd', None, first['comment'], 'ok', first['generation']))
        self.assert_taken_back()
        count = len(self.history())
        self.switch.stop()
        self.switch.start(apply=False)
        self.assertEqual(len(self.history()), count)

    def test_candidate_is_kept_ten_minutes_of_the_clock(self):
        for offset, is_kept in (500, True), (601, False):
            self.set_clock('+0')
            session = Session(self.switch.socket, batch=False)
            session.do('configure', 'hostname typed')
            session.close()
            wait_for('the candidate is kept', lambda: self.switch.json(
                'show', 'configuration')['item'].get('kept_changes') == 1)
            self.switch.stop()
            self.set_clock(f'+{offset}s')
            self.switch.start(apply=False)
            session = Session(self.switch.socket, batch=False)
            if is_kept:
                session.do('configure resume', 'discard', 'end')
            else:
                self.assertEqual(session.refused('configure resume')[0], 'not-found')
            session.close()

    def test_dead_and_back_in_time(self):
        self.commit()
        self.switch.stop()
        self.set_clock('+200s')
        self.switch.start(apply=False)
        self.assertEqual(self.hostname(), 'changed')
        self.assertTrue(80 < self.switch.json('show', 'configuration')['item']['confirm_s'] <= 100)
        self.set_clock('+301s')
        wait_for('the commit is taken back', lambda: self.history()[0]['author'] == EXPIRED)
        self.assert_taken_back()

    def test_a_clock_set_back_gives_no_more_time(self):
        self.commit()
        self.switch.stop()
        self.set_clock('-7200s')
        self.switch.start(apply=False)
        self.assertLessEqual(self.switch.json('show', 'configuration')['item']['confirm_s'], 300)


if __name__ == '__main__':
    if not (BUILD / 'switchd').exists() or not VOSCTL.exists():
        sys.exit(SKIPPED)
    unittest.main()
