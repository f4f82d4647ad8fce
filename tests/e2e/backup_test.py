#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Backups from the shell: made, listed, checked, restored as a commit, removed; by themselves; on a disk that
is full or cannot be written; under kill -9."""
import json
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, stop_cleanly
from switch import BUILD, Switch, wait_for
from terminal import Terminal

CONFIG = '''hostname sw1
phone 1001
 password plain "one"
 name before
 exit
routing-gateway a
 address 192.0.2.1
 exit
user nobody
 role operator
 exit
backup interval 0
'''
ROUNDS = 12


class Backups(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-backup-')
        self.addCleanup(scratch.cleanup)
        self.switch = Switch(scratch.name, CONFIG)
        self.switch.start()
        self.addCleanup(self.stop)
        self.folder = self.switch.folder / 'state' / 'backups'

    def stop(self):
        if self.switch.process:
            stop_cleanly(self.switch)

    def list(self):
        return self.switch.rows('backup', 'list')

    def create(self, *comment):
        said = self.switch.do('backup', 'create', *comment)
        name = said.split()[1]
        self.assertIn(name, [row['name'] for row in self.list()])
        return name

    def fails(self, *words):
        done = self.switch.ctl(*words)
        self.assertEqual(done.stdout, '')
        return done.returncode, done.stderr

    def config(self):
        """Without the head, which names the generation."""
        return [line for line in self.switch.do('show', 'running-config').splitlines() if not line.startswith('!')]

    def generation(self):
        return self.switch.json('show', 'configuration')['generation']

    # --- by hand ---

    def test_made_and_listed(self):
        self.assertEqual(self.list(), [])
        name = self.create('comment', 'before the move')
        row, = self.list()
        self.assertRegex(name, r'^\d{8}T\d{6}Z-g1$')
        self.assertEqual((row['comment'], row['is_complete'], row['generation']), ('before the move', True, 1))
        self.assertEqual(row['size_bytes'], sum(path.stat().st_size for path in (self.folder / name).glob('*.mdb')))
        self.assertEqual({path.stat().st_mode & 0o777 for path in (self.folder / name).iterdir()}, {0o600})
        item = self.switch.json('backup', 'verify', name)['item']
        self.assertTrue(item['is_good'])
        self.assertGreater(item['config_records'], 4)
        # The key that opens its secrets is not in it.
        key = (self.switch.folder / 'state' / 'host.key').read_bytes()
        for path in (self.folder / name).iterdir():
            self.assertNotIn(key, path.read_bytes())
            self.assertNotIn(b'"one"', path.read_bytes())

    def test_none_of_that_name(self):
        for words in (['verify'], ['-y', 'restore']):
            *option, command = words
            self.assertEqual(self.fails(*option, 'backup', command, '20200101T000000Z-g1')[0], 6)
            self.assertEqual(self.fails(*option, 'backup', command, '../config')[0], 6)
            self.assertEqual(self.fails(*option, 'backup', command, 'x' * 100)[0], 6)

    def test_a_flipped_byte(self):
        name = self.create()
        path = self.folder / name / 'config.mdb'
        good = path.read_bytes()
        generator = random.Random(4711)
        for _ in range(10):
            at = generator.randrange(len(good))
            path.write_bytes(good[:at] + bytes([good[at] ^ 1 << generator.randrange(8)]) + good[at + 1:])
            code, message = self.fails('backup', 'verify', name)
            self.assertEqual(code, 1)
            self.assertIn('is damaged', message)
            self.assertEqual(self.fails('-y', 'backup', 'restore', name)[0], 1)
        path.write_bytes(good)
        self.switch.do('backup', 'verify', name)
        self.assertEqual(self.generation(), 1)

    def test_restored(self):
        before = self.config()
        name = self.create()
        self.switch.do('set', 'phone', '1001', 'name', 'after')
        self.switch.do('set', 'phone', '1001', 'password', 'plain', 'another')
        self.switch.do('set', 'phone', '2002', 'name', 'new')
        self.switch.do('set', 'no', 'routing-gateway', 'a')
        self.switch.set('SS_SIP_SESSION_TTL', '777')
        after = self.config()
        self.assertNotEqual(after, before)
        code, message = self.fails('backup', 'restore', name)
        self.assertEqual(code, 1)
        self.assertIn('confirm with -y', message)
        self.assertEqual(self.config(), after)

        generation = self.generation()
        said = self.switch.do('-y', 'backup', 'restore', name)
        self.assertIn(f'committed generation {generation + 1}', said)
        self.assertEqual(self.config(), before)
        newest = self.switch.rows('show', 'configuration', 'history', 'last', '1')[0]
        self.assertEqual(newest['comment'], f'backup restore {name}')
        # Secrets are those of then.
        with Agent(self.switch, '1001', 'one') as phone:
            phone.register()
        # And what was restored can be taken back as any commit.
        done = subprocess.run([str(BUILD / 'vosctl'), '-s', self.switch.socket, '-c', 'configure', '-c',
                               f'rollback {generation}', '-c', 'commit', '-c', 'end'], capture_output=True,
                              text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.config(), after)
        self.assertIn('nothing to change', self.switch.do('-y', 'backup', 'restore', self.create()))

    def test_after_the_loss_of_the_folder(self):
        """As switchd(8) tells it: the key, and the two files of a copy."""
        with Agent(self.switch, '1001', 'one') as phone:
            phone.register()
            self.switch.do('gateway', 'a', 'drain')
            # Bindings are stored once a second.
            path = None

            def has_binding():
                nonlocal path
                path = self.folder / self.create()
                return self.switch.json('backup', 'verify', path.name)['item']['binding_records'] == 2
            wait_for('the binding is in a copy', has_binding)
            before = self.config()
            self.switch.stop()
            state = self.switch.folder / 'state'
            lost = self.switch.folder / 'lost'
            state.rename(lost)
            for part in 'config', 'bindings':
                (state / part).mkdir(parents=True)
                shutil.copy(lost / 'backups' / path.name / f'{part}.mdb', state / part / 'data.mdb')
            shutil.copy(lost / 'host.key', state / 'host.key')
            self.switch.start(apply=False)
            self.assertEqual(self.config(), before)
            self.assertEqual(self.switch.rows('show', 'routing-gateways')[0]['state'], 'draining')
            self.assertEqual([row['phone'] for row in self.switch.rows('show', 'registrations')], ['1001'])
            phone.register()

    def test_a_candidate_is_left_alone(self):
        name = self.create()
        self.switch.do('set', 'phone', '1001', 'name', 'after')
        shell = Terminal([str(BUILD / 'vosctl'), '-q', '-s', self.switch.socket],
                         {'HOME': str(self.switch.folder)}, columns=120)
        self.addCleanup(shell.close)
        shell.wait_last('sw1#').line('configure').wait_last('sw1(config)#')
        shell.line('hostname other').wait_text('[1 change]')
        shell.line(f'do backup restore {name}').wait_text('go on? [y/N]').line('y').wait_text('committed generation 3')
        shell.line('show configuration changes').wait_text('+ hostname other')
        # A name is completed.
        shell.line('discard').line('end').wait_last('sw1#')
        shell.keys('backup verify 2\t').wait_text(f'backup verify {name}')
        shell.keys('\x03').line('exit').wait_end()

    def test_who_may(self):
        words = [str(BUILD / 'vosctl'), '-s', self.switch.socket, 'backup']
        try:
            done = subprocess.run(['setpriv', '--reuid=nobody', '--regid=0', '--clear-groups', *words, 'prune'],
                                  capture_output=True, text=True, timeout=30)
        except FileNotFoundError:
            self.skipTest('no setpriv')
        if 'cannot connect' in done.stderr or 'setpriv' in done.stderr:
            self.skipTest('nobody does not reach the socket')
        self.assertEqual(done.returncode, 4, done.stderr)

    def test_the_oldest_go(self):
        self.switch.do('set', 'backup', 'keep', '2')
        names = [self.create('comment', str(i)) for i in range(4)]
        self.assertIn('2 backups are removed', self.switch.do('backup', 'prune'))
        left = [row['name'] for row in self.list()]
        self.assertEqual(sorted(left), sorted(path.name for path in self.folder.iterdir()))
        self.assertEqual(len(left), 2)
        self.assertTrue(set(left) <= set(names))
        self.assertIn('0 backups are removed', self.switch.do('backup', 'prune'))

    # --- by themselves ---

    def test_each_interval(self):
        self.switch.do('set', 'backup', 'keep', '2')
        self.switch.do('set', 'backup', 'interval', '1')
        first = wait_for('a backup', self.list, 30)[0]
        self.assertTrue(first['is_complete'])
        self.assertIsNone(first['author'])
        wait_for('two newer ones', lambda: first['name'] not in [row['name'] for row in self.list()], 30)
        self.assertLessEqual(len(self.list()), 3)
        self.switch.do('set', 'backup', 'interval', '0')
        # A restart does not begin the interval anew: the newest one counts.
        self.switch.do('set', 'backup', 'interval', '3600')
        names = {row['name'] for row in self.list()}
        self.switch.stop()
        self.switch.start(apply=False)
        self.assertEqual({row['name'] for row in self.list()}, names)

    def test_another_folder(self):
        self.create()
        elsewhere = self.switch.folder / 'elsewhere'
        self.switch.do('set', 'backup', 'directory', str(elsewhere))
        self.assertEqual(self.list(), [])
        name = self.create()
        self.assertEqual([path.name for path in elsewhere.iterdir()], [name])

    # --- when it cannot be done ---

    def alarms(self):
        return [row for row in self.switch.rows('show', 'alarms', 'active') if row['kind'] == 'disk']

    def test_a_folder_that_cannot_be_made(self):
        self.switch.do('set', 'backup', 'directory', '/proc/backups')
        code, message = self.fails('backup', 'create')
        self.assertEqual(code, 1)
        self.assertIn('/proc/backups', message)
        alarm, = self.alarms()
        self.assertEqual(alarm['subject'], 'backup')
        self.assertIn('/proc/backups', alarm['text'])
        # By itself it fails as well, says so, and goes on.
        self.switch.do('set', 'backup', 'interval', '1')
        wait_for('it is logged', lambda: 'no backup could be made' in self.switch.log(), 30)
        self.switch.do('set', 'no', 'backup', 'directory')
        wait_for('a backup', self.list, 30)
        wait_for('the alarm ends', lambda: not self.alarms(), 30)

    def test_a_full_disk(self):
        small = self.switch.folder / 'small'
        small.mkdir()
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', str(small)],
                          capture_output=True, check=False).returncode != 0:
            self.skipTest('cannot mount here')
        self.addCleanup(subprocess.run, ['umount', '-l', str(small)], check=True)
        self.switch.do('set', 'backup', 'directory', str(small / 'backups'))
        (small / 'ballast').write_bytes(b'x' * 56 * 1024)
        code, message = self.fails('backup', 'create')
        self.assertEqual(code, 1)
        self.assertIn('no space left', message)
        self.assertEqual(list((small / 'backups').glob('.*')) + self.list(), [])
        self.assertEqual(len(self.alarms()), 1)
        (small / 'ballast').unlink()
        self.create()
        self.assertEqual(self.alarms(), [])
        # The switch itself was never in trouble.
        self.switch.do('set', 'phone', '1001', 'name', 'still here')
        stop_cleanly(self.switch)

    def test_killed(self):
        """What is in the list after kill -9 at any moment is good."""
        generator = random.Random(42)
        for i in range(ROUNDS):
            def order():
                while self.switch.ctl('backup', 'create').returncode == 0:
                    pass
            threads = [threading.Thread(target=order) for _ in range(2)]
            for thread in threads:
                thread.start()
            wait_for('one more', lambda n=i: len(self.list()) > n, 30)
            time.sleep(generator.random() * 0.05)
            self.switch.process.kill()
            self.switch.process.wait()
            for thread in threads:
                thread.join()
            self.switch.start(apply=False)
            for row in self.list():
                self.assertTrue(row['is_complete'], row)
                self.switch.do('backup', 'verify', row['name'])
            self.switch.do('set', 'backup', 'keep', str(i + 1))
            self.switch.do('backup', 'prune')
            self.assertEqual(sorted(path.name for path in self.folder.iterdir()),
                             sorted(row['name'] for row in self.list()))
            json.dumps(self.list())


if __name__ == '__main__':
    unittest.main()
