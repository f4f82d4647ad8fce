#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The budgets of the shell beside what they cost here: prompt, TAB, one-shot show, apply, long lists, commit.

usage: shell.py BUILD-DIR [--phones N] [--registrations N] [--rounds R]

Prints a table and judges nothing. Fills a switch of its own, on loopback, with phones by `vosctl apply` and
with registrations by sipblast.c of $VOS_BENCH_DIR (default ../shared/bench/sip beside the checkout; built with
cc into a scratch folder; without it the registrations are left out). Times are medians of the rounds, of
single actions as somebody at the terminal sees them."""
import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests' / 'support'))
FIRST = 1000
REALM = 'bench.test'
PASSWORD = 'pw'


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build')
    parser.add_argument('--phones', type=int, default=50000)
    parser.add_argument('--registrations', type=int, default=100000)
    parser.add_argument('--rounds', type=int, default=9)
    return parser.parse_args()


OPTIONS = arguments()
os.environ['VOS_BUILD_DIR'] = OPTIONS.build
from switch import BUILD, Switch  # noqa: E402
from terminal import Terminal  # noqa: E402

VOSCTL = str(BUILD / 'vosctl')


def report(what, value, unit, budget):
    print(f'{what:<58}{value:>10} {unit:<4}  budget {budget}', flush=True)


def ms(seconds):
    return f'{seconds * 1000:.1f}'


def median(action):
    return statistics.median(action() for _ in range(OPTIONS.rounds))


def took(action):
    start = time.monotonic()
    action()
    return time.monotonic() - start


def write_phones(path, first, count):
    with open(path, 'w') as file:
        for number in range(first, first + count):
            file.write(f'phone {number}\n password plain {PASSWORD}\n exit\n')
        file.write('end\n')
    return str(path)


def memory_kib(pid, name):
    with open(f'/proc/{pid}/status') as status:
        return int(re.search(rf'^{name}:\s+(\d+)', status.read(), re.M).group(1))


class Bench:
    def __init__(self, folder):
        self.folder = Path(folder)
        # All registrations come from one address.
        self.switch = Switch(folder, f'hostname sw1\nSS_SIP_AUTHENTICATION_REALM {REALM}\n'
                             'trusted 127.0.0.0/8\n exit\nSS_SIP_OVERLOAD_LAG 0\n')
        self.session = None
        self.period_s = 60

    def shell(self):
        return Terminal([VOSCTL, '-s', self.switch.socket], {'HOME': str(self.folder)}, columns=120)

    def first_prompt(self):
        start = time.monotonic()
        shell = self.shell().wait_last('sw1#')
        seconds = time.monotonic() - start
        shell.close()
        return seconds

    def tab(self, line, wanted):
        shell = self.shell().wait_last('sw1#')
        shell.keys(line).wait_text(line)
        start = time.monotonic()
        shell.keys('\t').wait_text(wanted)
        seconds = time.monotonic() - start
        shell.close()
        return seconds

    def interrupt(self, command):
        shell = self.shell().wait_last('sw1#')
        shell.line(command).wait('rows', lambda screen: len(screen.rows) > 500)
        rows = len(shell.screen.rows)
        start = time.monotonic()
        shell.keys('\x03').wait_last('sw1#')
        seconds = time.monotonic() - start
        shell.close()
        return seconds if rows else 0

    def commit(self):
        """Of one parameter, in a session that is open; what the commit alone takes."""
        self.period_s += 1
        self.session.line('configure').wait_last('sw1(config)#')
        self.session.line(f'SS_SIP_NAT_KEEP_ALIVE_PERIOD {self.period_s}').wait_last('sw1(config)*#')
        start = time.monotonic()
        self.session.line('commit').wait_last('sw1(config)#')
        seconds = time.monotonic() - start
        self.session.line('end').wait_last('sw1#')
        return seconds

    def peak_of_vosctl(self, line):
        """KiB that the line adds to the peak of a vosctl whose output goes nowhere. (The peak that wait4()
        tells would be that of the Python that started it.)"""
        shell = self.shell().wait_last('sw1#')
        before = memory_kib(shell.pid, 'VmHWM')
        shell.line(f'{line} | save /dev/null').wait('prompt', lambda screen: screen.text().count('sw1#') == 2, 60)
        grown = memory_kib(shell.pid, 'VmHWM') - before
        shell.close()
        return grown

    def list_registrations(self, line):
        pid = self.switch.process.pid
        before = memory_kib(pid, 'VmRSS')
        Path(f'/proc/{pid}/clear_refs').write_text('5')
        seconds = took(lambda: self.switch.do(line))
        grown = memory_kib(pid, 'VmHWM') - before
        report(f'{line}: time', f'{seconds:.2f}', 's', '2 s')
        report(f'{line}: switchd grows', f'{grown / 1024:.1f}', 'MiB', '8 MiB')
        report(f'{line}: vosctl grows', f'{self.peak_of_vosctl(line) / 1024:.1f}', 'MiB', '8 MiB')

    def register(self, count):
        source = Path(os.environ.get('VOS_BENCH_DIR') or ROOT / '../shared/bench/sip') / 'sipblast.c'
        if not source.exists():
            print(f'{source} is missing; no registrations (set VOS_BENCH_DIR)')
            return 0
        blast = str(self.folder / 'sipblast')
        subprocess.run(['cc', '-O2', '-w', '-o', blast, str(source), '-lm'], check=True)
        done = subprocess.run([blast, '-m', 'reg', '-s', f'127.0.0.1:{self.switch.port}', '-D', REALM,
                               '-p', PASSWORD, '-b', str(FIRST), '-n', str(count), '-u', str(count), '-w', '64'], capture_output=True, text=True)
        registered = self.switch.json('show', 'status')['item']['registrations']
        if registered < count:
            print(f'only {registered} of {count} registered\n{done.stdout}{done.stderr}')
        print(f'{registered} registrations')
        return registered

    def run(self):
        report('first prompt', ms(median(self.first_prompt)), 'ms', '50 ms')
        report('one-shot show', ms(median(lambda: took(lambda: self.switch.do('show', 'version')))), 'ms', '10 ms')
        lines = write_phones(self.folder / 'lines.conf', 900000000, 3333)
        report('apply of 10,000 lines', f'{took(lambda: self.switch.do("apply", lines)):.2f}', 's', '1 s')
        some = write_phones(self.folder / 'phones.conf', FIRST, OPTIONS.phones - 3333)
        report(f'apply of {(OPTIONS.phones - 3333) * 3} lines', f'{took(lambda: self.switch.do("apply", some)):.2f}',
               's', 'none')
        self.session = self.shell().wait_last('sw1#')
        report(f'commit of one parameter among {OPTIONS.phones} phones', ms(median(self.commit)), 'ms', '50 ms')
        self.session.close()
        report(f'TAB with values, {OPTIONS.phones} phones',
               ms(median(lambda: self.tab('show phones 90000333', '900003332'))), 'ms', '100 ms')
        report(f'show phones | count, {OPTIONS.phones} phones',
               f'{took(lambda: self.switch.do("show phones | count")):.2f}', 's', 'none')
        rest = write_phones(self.folder / 'rest.conf', FIRST + OPTIONS.phones - 3333,
                            max(0, OPTIONS.registrations - OPTIONS.phones + 3333))
        self.switch.do('apply', rest)
        if not self.register(OPTIONS.registrations):
            return
        # A fresh process: memory that the applies left free would hide what a list takes.
        self.switch.stop()
        self.switch.start(apply=False)
        for line in ('show registrations', 'show registrations | json', 'show registrations | csv'):
            self.list_registrations(line)
        report('Ctrl-C on the list to the prompt',
               ms(median(lambda: self.interrupt('show registrations | no-more'))), 'ms', '100 ms')


def main():
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with tempfile.TemporaryDirectory(prefix='vos-bench-') as folder:
        bench = Bench(folder)
        with bench.switch:
            bench.run()


if __name__ == '__main__':
    main()
