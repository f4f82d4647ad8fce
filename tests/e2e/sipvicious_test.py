#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What scanners of the trade find: svwar no user, svcrack no password, and both their own suspension."""
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from sip_client import Phone  # noqa: E402
from switch import SKIPPED, Switch, free_udp_port, wait_for  # noqa: E402

PASSWORD = '4711'
TOOLS = ('svmap', 'svwar', 'svcrack')
SCANNER = '127.0.0.1'  # they bind to all addresses, whatever one asks for


class Scanners(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix='vos-scan-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        phones = [f'phone {user}\n password plain "{PASSWORD}"\n exit' for user in ('1001', '1002')]
        self.switch = Switch(self.folder, '\n'.join(phones)).start()
        self.addCleanup(self.stop)

    def stop(self):
        self.assertEqual(self.switch.stop(), 0)

    def start(self, tool, *words):
        return subprocess.Popen([tool, '-x', SCANNER, '-P', str(free_udp_port()), '-p', str(self.switch.port),
                                 '-t', '0.05', *words, self.switch.address], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                env={'HOME': self.folder, 'PATH': '/usr/bin:/bin'})

    def scan(self, tool, *words):
        """Everything it prints."""
        return self.start(tool, *words).communicate(timeout=120)[0]

    def suspended(self):
        return [row['source_address'] for row in self.switch.rows('show', 'authentication', 'suspended')]

    def can_register(self):
        with Phone((self.switch.address, self.switch.port), '1001', PASSWORD, address='127.0.1.1') as phone:
            return phone.register().status == 200

    def test_svmap_finds_a_switch_that_says_little(self):
        self.assertNotIn('1001', self.scan('svmap'))
        self.assertTrue(self.can_register())

    def test_svwar_tells_no_user_from_nobody(self):
        for method in 'REGISTER', 'INVITE', 'OPTIONS':
            with self.subTest(method=method):
                # It asks for somebody unheard of first, and gives up as he is challenged like everybody.
                self.assertNotIn('1001', self.scan('svwar', '-m', method, '-e', '1000-1003'))
                forced = self.scan('svwar', '-m', method, '-e', '1000-1003', '--force')
                found = [user for user in ('1000', '1001', '1002', '1003') if f'| {user} ' in forced]
                self.assertIn(found, ([], ['1000', '1001', '1002', '1003']), forced)
        self.assertTrue(self.can_register())

    def crack(self):
        return self.start('svcrack', '-u', '1001', '-r', '4700-4720', '-z', '4')

    def test_svcrack_is_suspended_before_it_finds_a_password(self):
        cracker = self.crack()
        self.addCleanup(cracker.stdout.close)
        self.addCleanup(cracker.kill)
        wait_for('it is suspended', lambda: self.suspended() == [SCANNER], 60)
        # It goes on for as long as anybody answers.
        wait_for('it is dropped', lambda: self.switch.rows('show', 'sip', 'guard')[0]['suspended_dropped'] > 20, 60)
        cracker.terminate()
        self.assertNotIn(f'| {PASSWORD} ', cracker.communicate(timeout=60)[0])
        self.assertTrue(self.can_register())

    def test_without_suspensions_it_would_have_found_it(self):
        self.switch.set('SS_AUTHENTICATION_MAX_RETRY', '0')
        self.switch.set('SS_SIP_AUTHENTICATION_RETRY', '999')
        self.assertIn(f'| {PASSWORD} ', self.crack().communicate(timeout=120)[0])


if __name__ == '__main__':
    if not all(map(shutil.which, TOOLS)):
        print('sipvicious is not installed')
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
