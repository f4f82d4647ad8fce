#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who may do what over the control sockets, what the audit trail keeps of it, and that no secret is found
anywhere afterwards. Needs root, to become somebody else."""
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from switch import BUILD, SKIPPED, Switch, wait_for  # noqa: E402
from terminal import Terminal  # noqa: E402

VOSCTL = str(BUILD / 'vosctl')
NOBODY = pwd.getpwnam('nobody')
STRANGER = 61234  # a uid that has no name
# Its own, as switchd is started again on the same port: nobody may take it meanwhile.
ADDRESS = f'127.7.{os.getpid() >> 8 & 255}.{os.getpid() & 255}'
SECRET = 'Xq7mystery5ecretZw'
CONFIG = f'''hostname sw1
phone 1001
 password plain "{SECRET}0"
 exit
'''


class Authority(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix='vos-authority-')
        self.addCleanup(self.folder.cleanup)
        os.chmod(self.folder.name, 0o755)
        self.switch = Switch(self.folder.name, CONFIG, address=ADDRESS)
        self.addCleanup(self.stop)
        self.switch.start()
        # A copy that others may run, wherever the build lies.
        self.vosctl = str(Path(self.folder.name) / 'vosctl')
        shutil.copy(VOSCTL, self.vosctl)
        os.chmod(self.vosctl, 0o755)

    def stop(self):
        if self.switch.process:
            self.assertEqual(self.switch.stop(), 0, self.switch.log()[-2000:])

    def run_as(self, uid, *words, gid=None, groups=(), socket=None, text=None):
        command = ['setpriv', f'--reuid={uid}', f'--regid={gid or NOBODY.pw_gid}']
        command += [f'--groups={",".join(map(str, groups))}'] if groups else ['--clear-groups']
        return subprocess.run([*command, self.vosctl, '-s', socket or self.switch.socket, *words],
                              input=text or '', capture_output=True, text=True, timeout=30)

    def refused(self, done):
        """Exit 4, and the reason in words and as a stable code."""
        self.assertEqual(done.returncode, 4, f'{done.args}\n{done.stdout}\n{done.stderr}')
        return done

    def done(self, done):
        self.assertEqual(done.returncode, 0, f'{done.args}\n{done.stdout}\n{done.stderr}')
        return done

    def audit(self, *words):
        """What people did; --apply at the start is switchd's own act."""
        return [row for row in self.switch.rows('show', 'audit', *words) if row['user'] != 'switchd']

    def open_to_all(self):
        os.chmod(self.switch.socket, 0o666)

    # --- roles ---

    def test_socket_is_for_its_owner_and_group(self):
        self.assertEqual(os.stat(self.switch.socket).st_mode & 0o777, 0o660)
        done = self.refused(self.run_as(NOBODY.pw_uid, '-j', 'show', 'version'))
        self.assertIn('no right', done.stderr)

    def test_stranger_is_a_monitor(self):
        self.open_to_all()
        self.done(self.run_as(STRANGER, 'show', 'version'))
        row = self.own_session(self.run_as(STRANGER, '-j', 'show', 'sessions'))
        self.assertEqual((row['role'], row['uid'], row['user']), ('monitor', STRANGER, f'uid {STRANGER}'))
        for words in (['set', 'hostname', 'x'], ['clear', 'registration', 'all'], ['configure'],
                      ['-y', 'shutdown'], ['clear', 'authentication', 'suspended', 'all']):
            done = self.refused(self.run_as(STRANGER, '-j', *words))
            self.assertEqual(json.loads(done.stdout)['error']['code'], 'auth.role', words)
        path = Path(self.folder.name) / 'some.conf'
        path.write_text('hostname x\n')
        self.refused(self.run_as(STRANGER, 'apply', str(path)))
        self.assertEqual(self.switch.json('show', 'version')['item']['hostname'], 'sw1')

    @staticmethod
    def own_session(done):
        return next(row for row in json.loads(done.stdout)['rows'] if row['is_self'])

    def test_group_of_the_socket_is_operator(self):
        gid = 61235
        self.switch.stop()
        # The group is the one the socket is made with: a folder that hands its group down.
        folder = Path(self.folder.name) / 'run'
        folder.mkdir()
        os.chown(folder, 0, gid)
        os.chmod(folder, 0o2755)
        self.switch.socket = str(folder / 'control.sock')
        self.switch.start(apply=False)
        for groups, main in (((gid,), None), ((), gid)):
            row = self.own_session(self.run_as(STRANGER, '-j', 'show', 'sessions', gid=main, groups=groups))
            self.assertEqual(row['role'], 'operator')
        self.assertEqual(self.run_as(STRANGER, 'clear', 'registration', '1001', gid=gid).returncode, 6)
        self.refused(self.run_as(STRANGER, 'set', 'hostname', 'x', gid=gid))

    def test_user_object_decides_and_at_once(self):
        self.open_to_all()
        self.switch.do('set', 'user', 'nobody', 'role', 'operator')
        self.assertEqual(self.run_as(NOBODY.pw_uid, 'clear', 'registration', '1001').returncode, 6)
        self.refused(self.run_as(NOBODY.pw_uid, 'set', 'hostname', 'x'))
        self.switch.do('set', 'user', 'nobody', 'role', 'admin')
        # Admin by configuration, and the same session is a monitor once the object says so.
        text = 'set user nobody role monitor\nset hostname mine\n'
        done = self.run_as(NOBODY.pw_uid, '--keep-going', text=text)
        self.refused(done)
        self.assertEqual(self.switch.json('show', 'version')['item']['hostname'], 'sw1')
        self.assertEqual([row['result'] for row in self.audit('last', '2')], ['ok', 'auth.role'])

    def test_daemons_own_user_is_admin(self):
        self.stop()
        for path in [Path(self.folder.name), *Path(self.folder.name, 'state').rglob('*'),
                     Path(self.folder.name, 'state')]:
            os.chown(path, NOBODY.pw_uid, NOBODY.pw_gid)
        switchd = str(Path(self.folder.name) / 'switchd')
        shutil.copy(str(BUILD / 'switchd'), switchd)
        os.chmod(switchd, 0o755)
        with open(self.switch.log_path, 'ab') as log:
            self.switch.process = subprocess.Popen(
                ['setpriv', f'--reuid={NOBODY.pw_uid}', f'--regid={NOBODY.pw_gid}', '--clear-groups', switchd,
                 '--foreground', '--state', str(Path(self.folder.name) / 'state'), '--socket',
                 self.switch.socket], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for('switchd answers', self.switch._answers)
        self.done(self.run_as(NOBODY.pw_uid, 'set', 'hostname', 'theirs'))
        self.done(self.switch.ctl('set', 'hostname', 'roots'))
        self.assertEqual([row['user'] for row in self.audit('last', '2')], ['nobody', 'root'])

    # --- the read-only socket ---

    def test_read_only_socket(self):
        path = str(Path(self.folder.name) / 'read-only.sock')
        self.switch.do('set', 'control', 'read-only-socket', path)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o666)
        for uid in (0, NOBODY.pw_uid, STRANGER):
            row = self.own_session(self.run_as(uid, '-j', 'show', 'sessions', socket=path))
            self.assertEqual((row['role'], row['is_read_only']), ('monitor', True))
            self.done(self.run_as(uid, 'show', 'running-config', socket=path))
            self.refused(self.run_as(uid, 'set', 'hostname', 'x', socket=path))
            self.refused(self.run_as(uid, 'clear', 'registration', 'all', socket=path))
        # Nor by the protocol's other methods.
        conf = Path(self.folder.name) / 'some.conf'
        conf.write_text('hostname x\n')
        self.refused(self.run_as(0, 'apply', str(conf), socket=path))
        self.refused(self.run_as(0, 'apply', str(conf), '--check', socket=path))
        # It moves with the configuration, and comes back with it.
        other = path + '2'
        self.switch.do('set', 'control', 'read-only-socket', other)
        self.assertFalse(os.path.exists(path))
        self.done(self.run_as(STRANGER, 'show', 'clock', socket=other))
        self.stop()
        self.assertFalse(os.path.exists(other))
        self.switch.start(apply=False)
        self.done(self.run_as(STRANGER, 'show', 'clock', socket=other))
        self.switch.do('-c', 'configure', '-c', 'no control', '-c', 'commit')
        self.assertFalse(os.path.exists(other))

    def test_read_only_socket_that_cannot_be(self):
        taken = Path(self.folder.name) / 'taken'
        taken.write_text('mine')
        done = self.done(self.switch.ctl('set', 'control', 'read-only-socket', str(taken)))
        self.assertIn(f'warning: control socket {taken}: a file that is no socket is there', done.stderr)
        wait_for('the log says so', lambda: 'no read-only socket' in self.switch.log())
        self.assertIn('alarm: control-socket read-only raised: ', self.switch.log())
        self.assertEqual(taken.read_text(), 'mine')
        self.switch.do('set', 'control', 'read-only-socket', self.switch.socket)
        wait_for('again', lambda: self.switch.log().count('no read-only socket') == 2)
        self.done(self.switch.ctl('set', 'hostname', 'still'))

    def test_read_only_socket_comes_when_its_place_is_free(self):
        place = Path(self.folder.name) / 'place'
        place.write_text('mine')
        self.switch.do('set', 'control', 'read-only-socket', str(place))
        place.unlink()
        wait_for('the socket', lambda: place.is_socket() and self.run_as(
            STRANGER, 'show', 'clock', socket=str(place)).returncode == 0, 40)
        wait_for('the alarm ends', lambda: 'alarm: control-socket read-only over: ' in self.switch.log())

    # --- the audit trail ---

    def audit_file(self):
        return Path(self.folder.name) / 'state' / 'audit.log'

    def test_audit_of_changes_only(self):
        self.switch.do('show', 'running-config')
        self.switch.do('set', 'hostname', 'sw2')
        self.assertEqual(self.switch.ctl('set', 'phone', '1001', 'network', 'nowhere').returncode, 5)
        self.assertEqual(self.switch.ctl('clear', 'call', '0123').returncode, 6)
        rows = self.audit()
        self.assertEqual([(row['command'], row['result']) for row in rows],
                         [('set hostname sw2', 'ok'), ('set phone 1001 network nowhere', 'ref.missing'),
                          ('clear call 0123', 'not-found')])
        for row in rows:
            self.assertEqual((row['user'], row['uid'], row['generation']), ('root', 0, 2))
            self.assertRegex(row['time'], r'^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$')
        self.assertEqual(self.audit('last', '1'), rows[-1:])
        self.assertEqual(os.stat(self.audit_file()).st_mode & 0o777, 0o600)
        for line in self.audit_file().read_text().splitlines():
            self.assertEqual(set(json.loads(line)),
                             {'time', 'user', 'uid', 'session', 'command', 'result', 'generation'})

    def test_audit_survives_kill_and_a_torn_line(self):
        self.switch.do('set', 'hostname', 'sw2')
        self.switch.stop(signal.SIGKILL)
        with open(self.audit_file(), 'a') as file:
            file.write('{"time":"2026-01-01T00:00:00Z","user":"ro')
        os.unlink(self.switch.socket)
        self.switch.start(apply=False)
        self.switch.do('set', 'hostname', 'sw3')
        self.assertEqual([row['command'] for row in self.audit()], ['set hostname sw2', 'set hostname sw3'])
        self.assertEqual(len(self.audit('last', '1')), 1)

    def test_audit_is_rotated(self):
        file = self.audit_file()
        line = json.dumps({'time': '2026-01-01T00:00:00Z', 'user': 'past', 'uid': 1, 'session': 1,
                           'command': 'x' * 900, 'result': 'ok', 'generation': 1}) + '\n'
        self.stop()
        for number in ('', '.1', '.2', '.3'):
            Path(str(file) + number).write_text(line * (4 * 1024 * 1024 // len(line)))
        self.switch.start(apply=False)
        self.switch.do('set', 'hostname', 'sw2')
        self.assertEqual(sorted(path.name for path in file.parent.glob('audit*')),
                         ['audit.log', 'audit.log.1', 'audit.log.2', 'audit.log.3'])
        self.assertLess(file.stat().st_size, 1000)
        rows = self.audit('last', '5000')
        self.assertEqual(len(rows), 5000)
        self.assertEqual((rows[-1]['command'], rows[-2]['user']), ('set hostname sw2', 'past'))

    def test_full_disk_stops_no_command(self):
        state = Path(self.folder.name) / 'small'
        state.mkdir()
        if subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', str(state)],
                          capture_output=True).returncode != 0:
            self.skipTest('cannot mount here')
        self.addCleanup(subprocess.run, ['umount', '-l', str(state)], check=True)
        self.stop()
        # The trail on a disk of its own; a symbolic link at its last place would not be followed.
        file = self.audit_file()
        self.audit_file().unlink(missing_ok=True)
        file.touch()
        subprocess.run(['mount', '--bind', str(self.fill(state)), str(file)], check=True)
        self.addCleanup(subprocess.run, ['umount', '-l', str(file)], check=False)
        self.switch.start(apply=False)
        for number in range(40):
            self.switch.do('set', 'phone', '1001', 'name', f'{number} ' + 'n' * 60)
        warnings = re.findall(r'warning audit: cannot write', self.switch.log())
        self.assertEqual(len(warnings), 1)
        self.assertRegex(self.switch.log(), r'warning alarm: disk audit.log raised: .* cannot be written: .*No space')
        os.truncate(file, 0)
        self.switch.do('set', 'hostname', 'sw3')
        self.assertRegex(self.switch.log(), r'warning audit: .* written again; \d+ commands are missing')
        self.assertIn('set hostname sw3', [row['command'] for row in self.audit()])
        self.assertRegex(self.switch.log(), r'notice alarm: disk audit.log over: ')

    def test_start_with_a_file_is_audited(self):
        rows = self.switch.rows('show', 'audit')
        self.assertEqual([(row['user'], row['session'], row['command'], row['result'], row['generation'])
                          for row in rows],
                         [('switchd', None, f'apply {self.switch.config_path}', 'ok', 1)])
        # The same again changes nothing, and nothing is said to have changed.
        self.stop()
        self.switch.start()
        self.assertEqual(len(self.switch.rows('show', 'audit')), 1)

    @staticmethod
    def fill(folder):
        """A file there that cannot grow by much."""
        path = folder / 'audit.log'
        path.write_bytes(b'')
        (folder / 'ballast').write_bytes(b'x' * (60 * 1024))
        return path

    # --- secrets ---

    def known_secrets(self):
        return [f'{SECRET}{number}' for number in range(8)]

    def test_no_secret_is_left_anywhere(self):
        secrets = self.known_secrets()
        outputs = []

        def run(*words, text=None):
            done = subprocess.run([VOSCTL, '-s', self.switch.socket, *words], input=text or '',
                                  capture_output=True, text=True, timeout=30)
            outputs.append(done.stdout + done.stderr)
            return done
        run('set', 'phone', '1001', 'password', 'plain', secrets[1])
        run(text=f'configure\nphone 1002\npassword plain {secrets[2]}\nshow configuration changes\ncommit\nend\n')
        conf = Path(self.folder.name) / 'secret.conf'
        conf.write_text(f'phone 1003\n password plain {secrets[3]}\n exit\nend\n')
        for words in ([], ['--diff'], ['--check']):
            run('apply', *words, str(conf))
        conf.unlink()
        # Refused lines: too long, of an object that is not there, behind the wrong word.
        run('set', 'phone', '1001', 'password', 'plain', secrets[4] + 'x' * 200)
        run('set', 'phone', '1001', 'password', 'plain', secrets[4], 'more')
        run('set', 'phone', '1001', 'password', 'sealed', secrets[4])
        run('set', 'phone', '1001', 'network', 'nowhere')
        self.refused(self.run_as(STRANGER, 'show', 'version'))
        self.open_to_all()
        outputs.append(self.refused(
            self.run_as(STRANGER, 'set', 'phone', '1001', 'password', 'plain', secrets[5])).stderr)
        home = Path(self.folder.name) / 'home'
        home.mkdir()
        shell = Terminal([VOSCTL, '-s', self.switch.socket], {'HOME': str(home)})
        self.addCleanup(shell.close)
        shell.wait_last('sw1#').line(f'set phone 1004 password plain {secrets[6]}')
        shell.wait_text('committed').line('configure').wait_last('sw1(config)#')
        shell.line('phone 1004').wait_last('sw1(config-phone:1004)#')
        shell.line(f'password plain {secrets[7]}').wait_last('sw1(config-phone:1004)*#')
        shell.line('commit').wait_last('sw1(config-phone:1004)#').line('end').wait_last('sw1#')
        self.assertEqual(shell.line('exit').wait_end(), 0)
        self.assertIn('password plain', (home / '.vosctl_history').read_text())
        for words in (['show', 'running-config'], ['show', 'running-config', 'all'],
                      ['show', 'running-config', 'redact'], ['-j', 'show', 'running-config'], ['show', 'audit'],
                      ['-j', 'show', 'audit'], ['show', 'logging'], ['show', 'tech-support'],
                      ['-j', 'show', 'phones'], ['show', 'configuration', 'history'],
                      ['show', 'configuration', 'diff', '0'], ['show', 'configuration', 'diff', '1'],
                      ['-j', 'show', 'configuration', 'diff', '1']):
            run(*words)
        self.stop()
        self.switch.config_path.unlink()  # the test's own file, in clear text
        self.search(secrets, '\n'.join(outputs), home)

    def search(self, secrets, output, home):
        files = [path for path in Path(self.folder.name).rglob('*')
                 if path.is_file() and path.name not in ('vosctl', 'switchd')]
        names = {path.name for path in files}
        self.assertLessEqual({'data.mdb', 'audit.log', 'switchd.log', '.vosctl_history'}, names)
        self.assertIn(home / '.vosctl_history', files)
        # That the search itself works: the number of a phone is found where a password must not be.
        self.assertTrue(any(b'1004' in path.read_bytes() for path in files if path.name == 'data.mdb'))
        self.assertIn('sealed v1:', output)
        for secret in secrets:
            self.assertNotIn(secret, output)
            for path in files:
                data = path.read_bytes()
                for form in (secret.encode(), secret.encode('utf-16-le'), secret.encode().hex().encode()):
                    self.assertNotIn(form, data, f'{secret} in {path}')


if __name__ == '__main__':
    if os.geteuid() != 0 or not shutil.which('setpriv'):
        print('skipped: needs root and setpriv')
        sys.exit(SKIPPED)
    unittest.main()
