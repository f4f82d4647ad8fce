#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The interactive shell on a terminal: keys as somebody types or pastes them, and the screen."""
import os
import signal
import stat
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from switch import BUILD, SKIPPED, Switch  # noqa: E402
from terminal import Terminal  # noqa: E402

CONFIG = 'hostname sw1\nphone 1001\n name "Front desk"\n exit\nphone 1002\n exit\n'
CTRL_C, CTRL_D, CTRL_V, CTRL_Z, UP = '\x03', '\x04', '\x16', '\x1a', '\x1b[A'


class ShellTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='vos-pty-')
        cls.switch = Switch(cls.folder.name, CONFIG).start()

    @classmethod
    def tearDownClass(cls):
        cls.switch.stop()
        cls.folder.cleanup()

    def setUp(self):
        self.home = tempfile.TemporaryDirectory(prefix='vos-home-')
        self.addCleanup(self.home.cleanup)
        self.shell = self.open()

    def open(self, **settings):
        shell = Terminal([str(BUILD / 'vosctl'), '-s', self.switch.socket],
                         {'HOME': self.home.name}, **settings)
        self.addCleanup(shell.close)
        return shell.wait_last('sw1#')

    def configure(self):
        return self.shell.line('configure').wait_last('sw1(config)#')

    def leave(self, shell=None):
        shell = shell or self.shell
        self.assertEqual(shell.line('exit').wait_end(), 0)

    def history(self):
        path = Path(self.home.name, '.vosctl_history')
        return path.read_text().splitlines() if path.exists() else []

    # --- Prompt and modes. ---

    def test_greets_and_leaves(self):
        self.shell.wait_text('? lists what may be typed')
        self.leave()

    def test_prompt_follows_modes(self):
        self.configure()
        self.shell.line('soft add sip').wait_last('sw1(config-sip-parameter)#')
        self.shell.line('exit').wait_last('sw1(config-additional-settings)#')
        self.shell.line('end').wait_last('sw1#')
        self.shell.line('conf t').wait_last('sw1(config)#')
        self.shell.line('phone 1001').wait_last('sw1(config-phone:1001)#')
        self.shell.keys(CTRL_Z).wait_last('sw1#')
        self.leave()

    def test_shows_pending_changes(self):
        self.configure()
        self.shell.line('phone 1001 name x').wait_last('sw1(config)*#').wait_text('[1 change]')
        self.shell.line('phone 1002 name y').wait_text('[2 changes]')
        self.shell.line('discard').wait_last('sw1(config)#')

    def test_asks_before_leaving_changes(self):
        question = '1 change is not committed: commit, keep or discard?'
        self.configure()
        self.shell.line('phone 1001 name x').wait_last('sw1(config)*#')
        self.shell.line('end').wait_last(question)
        self.shell.line('what').wait(
            'asked again', lambda screen: screen.text().count(question) == 2)
        self.shell.keys(CTRL_D).wait_last('sw1(config)*#')
        self.shell.line('exit').wait_last(question)
        self.shell.line('keep').wait_last('sw1#')
        self.configure_kept()
        self.shell.line('exit').wait_last(question)
        self.shell.line('d').wait_last('sw1#')
        self.assertNotIn('name x', self.switch.do('show', 'running-config'))

    def configure_kept(self):
        self.shell.line('configure').wait_last('sw1(config)*#')

    def test_commits_when_asked_to(self):
        self.configure()
        self.shell.line('phone 1002 name "A b"').wait_last('sw1(config)*#')
        self.shell.line('exit').wait_text('commit, keep or discard?')
        self.shell.line('commit').wait_text('committed generation').wait_last('sw1#')
        self.assertIn('name "A b"', self.switch.do('show', 'running-config', 'phone', '1002'))

    # --- Help and completion. ---

    def test_help_keeps_the_line(self):
        self.configure()
        self.shell.line('sip').wait_last('sw1(config-sip-parameter)#')
        self.shell.keys('nat-keep-alive-p?').wait_text('<10..86400 s>')
        self.shell.wait_text('one round over all NAT devices')
        self.shell.wait_last('sw1(config-sip-parameter)# nat-keep-alive-p')

    def test_help_shows_default_and_current(self):
        self.switch.set('SS_SIP_NAT_KEEP_ALIVE_PERIOD', '45')
        self.configure()
        self.shell.line('sip').wait_last('sw1(config-sip-parameter)#')
        self.shell.keys('nat-keep-alive-period ?')
        self.shell.wait('default and value', lambda screen: any(
            row.split()[-3:] == ['30,', 'now', '45'] for row in screen.rows))

    def test_help_separates_word_and_next_word(self):
        self.shell.keys('show call?').wait_text('calls in progress')
        self.shell.wait_last('sw1# show call')
        self.assertNotIn('<id>', self.shell.screen.text())
        self.shell.keys(' ?').wait_text('<id>')
        self.shell.wait_last('sw1# show call')

    def test_question_mark_as_text(self):
        self.shell.keys('show parameters SS_Q' + CTRL_V + '?')
        self.shell.wait_last('sw1# show parameters SS_Q?')
        self.shell.keys(CTRL_C).wait_last('sw1#')
        self.shell.keys('show calls caller "what?').wait_last('sw1# show calls caller "what?')

    def test_help_behind_a_wrong_word(self):
        self.shell.keys('show cals ?').wait_text('% unknown word "cals"')
        self.shell.wait_last('sw1# show cals')

    def test_tab_completes(self):
        self.shell.keys('sho\t').wait_last('sw1# show')
        self.shell.keys('runn\t').wait_last('sw1# show running-config')
        self.shell.keys(CTRL_C).wait_last('sw1#')
        self.shell.keys('set ss_sip_nat\t').wait_last('sw1# set SS_SIP_NAT_KEEP_ALIVE_')

    def test_tab_lists_candidates(self):
        self.shell.keys('show c\t').wait_text('clock').wait_text('configuration')
        self.shell.wait_last('sw1# show c')
        self.shell.keys('l\t').wait_last('sw1# show clock')

    def test_tab_asks_the_switch(self):
        self.configure()
        self.shell.keys('phone 10\t').wait_last('sw1(config)# phone 100')
        self.shell.keys('\t').wait_text('1001').wait_text('1002')
        self.shell.keys('2\t').wait_last('sw1(config)# phone 1002')

    def test_tab_completes_file_names(self):
        home = Path(self.home.name)
        for name in 'more.conf', 'more of it.conf', '.hidden.conf':
            (home / name).write_text('phone 1002\n name loaded\n')
        (home / 'folder').mkdir()
        prompt = 'sw1(config)#'
        self.configure()
        self.shell.keys(f'load merge {home}/mo\t').wait_last(f'{prompt} load merge {home}/more')
        self.shell.keys('\t').wait_text('  more of it.conf  more.conf').wait_last(f'{prompt} load merge {home}/more')
        self.assertNotIn('hidden', self.shell.screen.text())
        self.shell.keys(' ')  # makes it a name with a blank only when it is quoted
        self.shell.keys(CTRL_C).wait_last(prompt)
        self.shell.keys('load merge "~/more \t').wait_last(f'{prompt} load merge "{home}/more of it.conf"')
        self.shell.keys('\r').wait_last('sw1(config)*#').wait_text('1 change')
        self.shell.line('discard').wait_last(prompt)
        self.shell.keys('configure rep ~/fo\t').wait_last(f'{prompt} configure rep {home}/folder/')
        self.shell.keys(CTRL_C).wait_last(prompt)
        self.shell.keys('do show clock | save ~/.hi\t').wait_last(f'{prompt} do show clock | save {home}/.hidden.conf')
        self.shell.keys(CTRL_C).wait_last(prompt)
        self.shell.line('do show clock | save "~/saved here"').wait_last(prompt)
        self.shell.line('end').wait_last('sw1#')
        self.assertIn('time', (home / 'saved here').read_text())

    # --- Commands and faults. ---

    def test_abbreviations(self):
        self.shell.line('sh ver').wait_text('protocol').wait_last('sw1#')

    def test_caret_stands_under_the_word(self):
        self.shell.line('show cals')
        self.shell.wait_text('% unknown word "cals"; did you mean "calls"?')
        rows = self.shell.screen.text().splitlines()
        at = next(i for i, row in enumerate(rows) if row.strip() == '^')
        self.assertEqual(rows[at].index('^'), rows[at - 1].index('cals'))

    def test_caret_counts_characters_not_bytes(self):
        self.shell.line('show calls caller "é€" bogus').wait_text('% unknown word "bogus"')
        rows = self.shell.screen.text().splitlines()
        at = next(i for i, row in enumerate(rows) if row.strip() == '^')
        self.assertEqual(rows[at].index('^'), rows[at - 1].index('bogus'))

    def test_fault_of_the_switch_has_a_caret(self):
        self.shell.line('show call ffff').wait_text('% ').wait_last('sw1#')

    def test_filters_output(self):
        self.shell.line('show version | inc proto | count').wait(
            'count', lambda screen: '1' in screen.text().splitlines())
        self.shell.wait_last('sw1#')

    def test_pages_and_quits(self):
        shell = self.open(height=10)
        shell.line('show parameters').wait_last('--More-- (space, enter, q)')
        shell.keys(' ').wait_last('--More-- (space, enter, q)')
        shell.keys('q').wait_last('sw1#')
        shell.line('terminal length 0').wait(
            'prompt', lambda screen: screen.text().count('sw1#') >= 3 and screen.last() == 'sw1#')
        shell.line('show parameters').wait(
            'prompt', lambda screen: screen.text().count('sw1#') >= 4 and screen.last() == 'sw1#')

    def test_ctrl_c_ends_a_long_output(self):
        shell = self.open(height=10)
        shell.line('show parameters').wait_last('--More-- (space, enter, q)')
        shell.keys(CTRL_C).wait_last('sw1#')
        shell.line('show clock').wait_text('Z').wait_last('sw1#')

    # --- Keys. ---

    def test_ctrl_c_abandons_the_line(self):
        self.shell.keys('show vers').wait_last('sw1# show vers')
        self.shell.keys(CTRL_C).wait_last('sw1#')
        self.shell.line('show clock').wait_text('Z').wait_last('sw1#')
        self.assertEqual(self.history(), ['show clock'])

    def test_ctrl_d_ends_on_an_empty_line_only(self):
        self.shell.keys('show').wait_last('sw1# show')
        self.shell.keys(CTRL_D)
        self.shell.keys(' clock\r').wait_text('Z').wait_last('sw1#')
        self.assertEqual(self.shell.keys(CTRL_D).wait_end(), 0)

    def test_wide_characters_are_edited(self):
        self.shell.keys('show calls caller é€x').wait_last('sw1# show calls caller é€x')
        self.shell.keys('\x7f\x7f').wait_last('sw1# show calls caller é')

    def test_term_ends_with_its_code(self):
        os.kill(self.shell.pid, signal.SIGTERM)
        self.assertEqual(self.shell.wait_end(), 128 + signal.SIGTERM)

    def test_paste_is_text(self):
        self.configure()
        self.shell.paste('phone 1001\nname "what? now"\n\npassword a?b\nexit')
        # The last line has no line break yet: it waits to be finished.
        self.shell.wait_last('sw1(config-phone:1001)*# exit')
        self.shell.keys('\r').wait_last('sw1(config)*#')
        self.shell.line('show configuration changes')
        self.shell.wait_text('name "what? now"').wait_text('password').wait_last('sw1(config)*#')
        self.assertNotIn('a?b', '\n'.join(self.history()))
        self.shell.line('discard').wait_last('sw1(config)#')

    def test_tab_in_a_paste_completes_nothing(self):
        self.shell.paste('sho\tver\n').wait_text('protocol').wait_last('sw1#')
        self.assertNotIn('show', self.shell.screen.text())
        self.assertEqual(self.history(), ['sho\tver'])

    # --- History. ---

    def test_history_has_no_secrets(self):
        self.configure()
        self.shell.line('phone 1001 password hunter2').wait_last('sw1(config)*#')
        self.shell.line(' phone 1002 name unseen').wait_text('[2 changes]')
        self.shell.line('phone 1001 passwort hunter3').wait_text('% unknown word "passwort"')
        self.shell.line('discard').wait_last('sw1(config)#')
        self.assertEqual(self.history(),
                         ['configure', 'phone 1001 password ******', 'discard'])
        mode = os.stat(Path(self.home.name, '.vosctl_history')).st_mode
        self.assertEqual(stat.S_IMODE(mode), 0o600)

    def test_history_comes_back(self):
        self.shell.line('show clock').wait_text('Z').wait_last('sw1#')
        self.leave()
        again = self.open()
        again.keys(UP + UP).wait_last('sw1# show clock')


class LostConnectionTest(unittest.TestCase):
    def test_reconnects_and_keeps_the_line(self):
        with tempfile.TemporaryDirectory(prefix='vos-pty-') as folder:
            switch = Switch(folder, 'hostname sw1\n').start()
            shell = Terminal([str(BUILD / 'vosctl'), '-s', switch.socket], {'HOME': folder})
            try:
                shell.wait_last('sw1#').keys('show clo').wait_last('sw1# show clo')
                switch.stop()
                shell.wait_text('[disconnected]').wait_last('sw1# show clo')
                switch.start(apply=False)
                shell.wait_text('% connected again').wait_last('sw1# show clo')
                shell.line('ck').wait_text('Z').wait_last('sw1#')
            finally:
                shell.close()
                switch.stop()


if __name__ == '__main__':
    if not (BUILD / 'switchd').exists() or not (BUILD / 'vosctl').exists():
        print('switchd or vosctl is not built')
        sys.exit(SKIPPED)
    unittest.main()
