#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Terminals of all kinds: one that knows no control sequences, one that changes its size under the line, the
pager and the question; text that is not one column a character; whole configurations pasted; a commit that
runs out while somebody types."""
import glob
import os
import re
import subprocess
import sys
import tempfile
import termios
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from session import Session  # noqa: E402
from switch import BUILD, SKIPPED, Switch, wait_for  # noqa: E402
from terminal import Terminal  # noqa: E402

CONFIG = 'hostname sw1\nphone 1001\n name "Front desk"\n exit\nphone 1002\n exit\n'
CTRL_A, CTRL_C, CTRL_D, CTRL_E, CTRL_U, CTRL_W, CTRL_Z = '\x01', '\x03', '\x04', '\x05', '\x15', '\x17', '\x1a'
LEFT, BACKSPACE = '\x1b[D', '\x7f'
ESCAPES = re.compile(rb'\x1b')
MORE = '--More-- (space, enter, q)'


class Base(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix='vos-terminal-')
        cls.addClassCleanup(cls.folder.cleanup)
        cls.switch = Switch(cls.folder.name, CONFIG).start()
        cls.addClassCleanup(cls.switch.stop)

    def setUp(self):
        self.home = tempfile.TemporaryDirectory(prefix='vos-home-')
        self.addCleanup(self.home.cleanup)

    def open(self, environment=None, **settings):
        shell = Terminal([str(BUILD / 'vosctl'), '-s', self.switch.socket],
                         {'HOME': self.home.name, **(environment or {})}, **settings)
        self.addCleanup(shell.close)
        return shell.wait_last('sw1#')

    def history(self):
        return Path(self.home.name, '.vosctl_history').read_text().splitlines()

    def text_of(self, *words):
        return self.switch.do('show', 'running-config', *words)


class Dumb(Base):
    """Nothing but characters, line ends and backspaces."""

    def open(self, environment=None, **settings):
        return super().open({'TERM': 'dumb', **(environment or {})}, **settings)

    def end(self, shell):
        self.assertEqual(shell.line('exit').wait_end(), 0)
        self.assertEqual(ESCAPES.findall(shell.raw), [])

    def test_prompt_modes_and_editing(self):
        shell = self.open()
        shell.line('configure').wait_last('sw1(config)#')
        shell.line('phone 1002').wait_last('sw1(config-phone:1002)#')
        shell.keys('nae x').keys(LEFT * 3).keys('m').keys(CTRL_E)
        shell.keys(BACKSPACE).keys('"dumb é€"\r').wait_last('sw1(config-phone:1002)*#')
        shell.line('show configuration changes').wait_text('+ phone 1002 name "dumb é€"')
        shell.wait_last('sw1(config-phone:1002)*#')
        shell.keys(CTRL_Z).wait_last('1 change is not committed: commit, keep or discard?')
        shell.line('discard').wait_last('sw1#')
        self.end(shell)

    def test_help_and_completion(self):
        shell = self.open()
        shell.keys('show cl?').wait_text("the switch's time").wait_last('sw1# show cl')
        shell.keys('\t').wait_last('sw1# show clock')
        shell.keys('\r').wait_text('time  ').wait_last('sw1#')
        shell.keys('show c\t').wait_text('clock').wait_text('configuration').wait_last('sw1# show c')
        shell.keys(CTRL_C).wait_last('sw1#')
        shell.line('show cals').wait_text('did you mean "calls"?').wait_last('sw1#')
        self.end(shell)

    def test_paging_and_events(self):
        shell = self.open(height=10, columns=200)
        shell.line('show parameters').wait_last(MORE).keys('q').wait_last('sw1#')
        shell.line('terminal monitor').wait('prompt', lambda screen: screen.text().count('sw1#') == 3)
        shell.keys('show clo').wait_last('sw1# show clo')
        self.switch.ctl('clear', 'registration', 'stranger')
        shell.wait_text('clear registration stranger').wait_last('sw1# show clo')
        shell.keys('ck\r').wait_text('time  ').wait_last('sw1#')
        self.end(shell)

    def test_pasted_lines(self):
        """Without marks around it a paste is what somebody types very fast."""
        shell = self.open()
        shell.keys('configure\rphone 1002\rname pasted\rexit\r').wait_last('sw1(config)*#')
        shell.line('discard').wait_last('sw1(config)#').line('end').wait_last('sw1#')
        self.end(shell)

    def test_no_type_at_all_and_an_unknown_one(self):
        for name in '', 'no-such-terminal':
            shell = self.open({'TERM': name})
            shell.line('show clock').wait_text('time  ').wait_last('sw1#')
            # The library's own complaint about the type is not seen.
            self.assertNotIn('terminal', shell.screen.text().lower().replace('terminal-test', ''))
            self.end(shell)

    def test_no_colour_with_colours(self):
        shell = super().open({'TERM': 'xterm', 'NO_COLOR': '1'})
        shell.line('configure').wait_last('sw1(config)#').line('no phone 1002').wait_last('sw1(config)*#')
        shell.line('show configuration changes').wait_text('- phone 1002').wait_last('sw1(config)*#')
        shell.line('discard').wait_last('sw1(config)#').line('end').wait_last('sw1#')
        self.assertEqual(shell.line('exit').wait_end(), 0)
        self.assertEqual(re.findall(rb'\x1b\[[0-9;]*m', shell.raw), [])


class Suspend(Base):
    def test_ctrl_z_while_a_command_runs_is_a_key_later(self):
        shell = self.open(columns=200)
        shell.line('configure').wait_last('sw1(config)#').line('do monitor log')

        def follows():
            self.switch.ctl('clear', 'registration', 'seen')
            shell._read(0.1)
            return 'registration seen' in shell.screen.text()
        wait_for('it follows', follows)
        characters = termios.tcgetattr(shell.fd)[6]
        self.assertEqual((characters[termios.VSUSP], characters[termios.VINTR]), (b'\0', CTRL_C.encode()))
        shell.keys(CTRL_C).wait_last('sw1(config)#')
        shell.keys(CTRL_Z).wait_last('sw1#')
        self.assertEqual(shell.line('exit').wait_end(), 0)


class Resize(Base):
    TYPED = 'show calls caller "a number that is long" callee "another that is even longer than that"'

    def whole(self, shell, columns):
        """The line is there once, however it is folded."""
        def fits(screen):
            text = screen.text().replace('\n', '')
            return text.endswith('sw1# ' + self.TYPED) and screen.columns == columns
        return fits

    def test_while_a_line_is_typed(self):
        shell = self.open(columns=120)
        shell.keys(self.TYPED).wait('line', self.whole(shell, 120))
        for columns in 60, 41, 80, 200:
            shell.resize(columns, 24)
            shell.wait(f'line at {columns}', self.whole(shell, columns))
            shell.keys(LEFT).keys('x').keys(BACKSPACE).keys(CTRL_E)
            shell.wait(f'line edited at {columns}', self.whole(shell, columns))
        shell.keys('\r').wait_last('sw1#')
        self.assertEqual(self.history(), [self.TYPED])

    def test_with_the_cursor_in_the_middle(self):
        shell = self.open(columns=100)
        shell.keys(self.TYPED).wait('line', self.whole(shell, 100))
        shell.keys(CTRL_A)
        shell.resize(50, 24)
        shell.wait('line', self.whole(shell, 50))
        shell.keys('do ').keys(CTRL_E).keys(' brief\r').wait_text('unknown word "do"').wait_last('sw1#')

    def test_while_the_pager_waits(self):
        shell = self.open(columns=100, height=30)
        shell.line('show parameters').wait_last(MORE)
        before = len(shell.screen.rows)
        shell.resize(100, 10)
        # A key is still a key; the next page is as long as the screen is now.
        shell.keys(' ').wait('the next page', lambda screen: len(screen.rows) > before and screen.last() == MORE)
        self.assertLessEqual(len(shell.screen.rows) - before, 10)
        shell.keys('q').wait_last('sw1#')
        shell.line('show clock').wait_text('time  ').wait_last('sw1#')

    def test_while_a_question_waits(self):
        shell = self.open(columns=100)
        question = '1 change is not committed: commit, keep or discard?'
        shell.line('configure').wait_last('sw1(config)#').line('phone 1002 name x').wait_last('sw1(config)*#')
        shell.line('end').wait_last(question)
        shell.keys('disc').wait_last(question + ' disc')
        shell.resize(70, 20)
        shell.wait('question', lambda screen: screen.columns == 70 and screen.last() == question + ' disc')
        shell.keys('\r').wait_last('sw1#')

    def test_help_and_tables_follow_the_width(self):
        shell = self.open(columns=150)
        shell.line('show sessions').wait_text('SESSION').wait_last('sw1#')
        shell.resize(40, 40)
        shell.line('show sessions').wait_text('session: ').wait_last('sw1#')
        shell.resize(150, 40)
        shell.line('show sessions').wait('a table again', lambda screen: screen.text().count('SESSION') == 2)


class Characters(Base):
    def name(self, number='1002'):
        match = re.search(r'^ name (.*)$', self.text_of('phone', number), re.M)
        return match and match.group(1)

    def set_name(self, shell, keys):
        shell.keys('set phone 1002 name "').keys(keys).keys(CTRL_E + '"\r')
        shell.wait('done', lambda screen: re.search(r'(committed|nothing to change|%) .*\n.*sw1#$', screen.text(), re.S))

    def test_wide_combining_and_beyond(self):
        for typed, wanted in [
                ('漢字', '漢字'),
                ('漢字' + BACKSPACE + 'か', '漢か'),
                ('e\u0301a', 'e\u0301a'),              # two characters, one column
                ('e\u0301' + BACKSPACE + 'x', 'ex'),   # the accent goes alone
                ('a\u0308' + LEFT + LEFT + 'b', 'ba\u0308'),
                ('ü漢' + LEFT + 'x', 'üx漢'),
                ('\U0001f600' + LEFT + 'y', 'y\U0001f600'),
                ('один два' + CTRL_W + 'три', 'один три')]:
            with self.subTest(typed=typed):
                shell = self.open()
                self.set_name(shell, typed)
                self.assertEqual((self.name() or '').strip('"'), wanted)
                self.switch.do('set', 'phone', '1002', 'name', 'reset')
                self.assertEqual(shell.line('exit').wait_end(), 0)

    def test_halves_and_what_is_no_text(self):
        shell = self.open()
        # A character whose bytes come one by one; a stray byte and half a character are dropped.
        for byte in '漢'.encode():
            shell.keys(bytes([byte]))
        shell.wait_last('sw1# 漢')
        shell.keys(CTRL_U).wait_last('sw1#')
        shell.keys(b'show\xff cl\xe6\xbcock\r').wait_text('time  ').wait_last('sw1#')

    def test_wide_line_over_the_edge(self):
        shell = self.open(columns=40)
        typed = 'show calls caller "' + '漢' * 30 + '"'
        shell.keys(typed)
        shell.wait('line', lambda screen: screen.text().replace('\n', '').endswith('sw1# ' + typed))
        shell.keys(CTRL_A + LEFT + CTRL_E + BACKSPACE + '"\r').wait_last('sw1#')
        self.assertEqual(self.history(), [typed])


class Paste(Base):
    def test_a_whole_configuration(self):
        """With tabs, question marks, quotes and comments, as it stands in somebody's editor."""
        lines = ['! pasted', 'sip-parameter', '\tnat-keep-alive-message "a?b"', '\tsession-ttl 900', '\texit',
                 '\texit', 'exit']
        for number in range(150):
            lines += [f'phone {5000 + number}', f'\tname "What?\\" {number}: Tür 漢"', f'\tpassword plain "p?{number} x"',
                      '\t# remark', '', '\texit']
        lines += ['routing-gateway pasted', '\taddress 192.0.2.1:5060', '\taddress 192.0.2.2', '\tprefixes 00', '\texit']
        shell = self.open(columns=120)
        shell.line('configure').wait_last('sw1(config)#')
        shell.paste('\n'.join(lines) + '\n').wait_last('sw1(config)*#', 60)
        shell.line('commit').wait_text('committed generation', 30).wait_last('sw1(config)#')
        shell.line('end').wait_last('sw1#')
        self.assertEqual([row for row in shell.screen.rows if row.startswith('% ') and 'warning: ' not in row], [])
        text = self.text_of()
        for number in range(150):
            self.assertRegex(text, rf'phone {5000 + number}\n password sealed v1:\S+\n name "What\?\\" {number}: Tür 漢"\n')
        self.assertIn(' address 192.0.2.1:5060\n address 192.0.2.2\n prefixes 00\n', text)
        self.assertIn('session-ttl 900', text)
        self.assertRegex('\n'.join(self.history()), r'password plain \*+')
        self.assertNotIn('p?1 x', '\n'.join(self.history()))

    def test_a_fault_in_the_middle_stops_nothing_silently(self):
        shell = self.open()
        shell.line('configure').wait_last('sw1(config)#')
        shell.paste('phone 6001\n nme wrong\n name right\n exit\n').wait_last('sw1(config)*#')
        shell.wait_text('% unknown word "nme"; did you mean "name"?')
        shell.line('show configuration changes').wait_text('+ phone 6001 name right').wait_last('sw1(config)*#')
        shell.line('discard').wait_last('sw1(config)#')

    def test_ctrl_c_ends_a_paste_whose_end_was_lost(self):
        shell = self.open()
        shell.keys('\x1b[200~show ver').keys('sion' + CTRL_C).wait_last('sw1#')
        shell.line('show clock').wait_text('time  ').wait_last('sw1#')

    def test_a_paste_into_a_line(self):
        shell = self.open()
        shell.keys('show  brief').keys(LEFT * 6).paste('calls\tcaller "a? b"')
        shell.wait('line', lambda screen: screen.last().endswith('brief') and 'calls caller' in screen.last())
        shell.keys('\r').wait_last('sw1#')
        self.assertEqual(self.history(), ['show calls\tcaller "a? b" brief'])


class RunsOut(unittest.TestCase):
    """A commit that nobody confirms, seen from the prompt; the test sets the switch's clock."""

    def test_while_somebody_types(self):
        library = glob.glob('/usr/lib/*/faketime/libfaketimeMT.so.1')
        if not library:
            self.skipTest('libfaketime is not installed')
        kept = tempfile.TemporaryDirectory(prefix='vos-terminal-')
        # Registered first: it goes last, after the switch that writes into it.
        self.addCleanup(kept.cleanup)
        folder = kept.name
        clock = Path(folder) / 'clock'
        clock.write_text('+0\n')
        environment = [f'LD_PRELOAD={library[0]}', f'FAKETIME_TIMESTAMP_FILE={clock}', 'FAKETIME_NO_CACHE=1',
                       'DONT_FAKE_MONOTONIC=1']
        if subprocess.run(['env', environment[0], str(BUILD / 'switchd'), '--version'],
                          capture_output=True, check=False).returncode != 0:
            self.skipTest('this switchd cannot run under libfaketime')
        switch = Switch(folder, CONFIG, launcher=['env', *environment]).start()
        self.addCleanup(switch.stop)
        shell = Terminal([str(BUILD / 'vosctl'), '-s', switch.socket], {'HOME': folder}, columns=160)
        self.addCleanup(shell.close)
        shell.wait_last('sw1#').line('terminal monitor')
        shell.wait('prompt', lambda screen: screen.text().count('sw1#') == 2)
        session = Session(switch.socket)
        self.addCleanup(session.close)
        session.do('configure', 'hostname sw2', 'commit confirmed 5')
        shell.wait_text('unless commit confirm comes before').wait_text('[confirm in 4:5')
        shell.keys('show run').wait('typed', lambda screen: screen.last().startswith('sw1# show run'))
        new = clock.with_suffix('.new')
        new.write_text('+310s\n')
        os.replace(new, clock)
        shell.wait('taken back', lambda screen: re.search(
            r'% generation 2 of \S+ was not confirmed and is taken back; in force is generation 3', screen.text()))
        # The line is still what was typed, the countdown is gone.
        shell.wait('line', lambda screen: screen.last().rstrip() == 'sw1# show run')
        shell.keys(' | include ^hostname\r').wait_text('hostname sw1').wait_last('sw1#')
        wait_for('its row', lambda: switch.rows('show', 'configuration', 'history')[0]['author'] ==
                 'commit confirmed expired')


if __name__ == '__main__':
    if not (BUILD / 'switchd').exists() or not (BUILD / 'vosctl').exists():
        print('switchd or vosctl is not built')
        sys.exit(SKIPPED)
    unittest.main()
