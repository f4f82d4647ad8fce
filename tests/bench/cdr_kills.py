#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Nothing lost: a switch under load on a slow disk is killed at random moments, and its records are reconciled
with the callers' own log (cdr_load.c).

  cdr_kills.py [--kills N] [--rate CALLS/S] [--sync-ms N] [--steady SECONDS] [--seed N]

Each answered call has to have exactly one record, in the files that rotate and in the hourly ones, with its talk
time: that between the caller's two messages if it was hung up, else within a checkpoint of the kill. Before that,
--steady seconds without a kill: records stored a second, and what waited. Prints figures, and fails on a record
that is missing, wrong, or there twice."""
import argparse
import csv
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from switch import BUILD, Switch, free_udp_port, wait_for  # noqa: E402

CHECKPOINT_S = 10
CONFIG = '''
mapping-gateway callers
 address 127.0.0.2
 exit
routing-gateway callees
 address 127.0.0.3:{port}
 prefixes 8
 exit
SERVER_CDR_FILE_WRITE_INTERVAL = 1
SERVER_CDR_FILE_WRITE_MAX = 1000000
SS_CDR_RECORD_TO_FILE = on
SS_CDR_RECORD_NONCONNECT = on
SS_MEDIA_PROXY_MODE = off
SS_SIP_GUARD_RATE = 0
SS_SIP_OVERLOAD_LAG = 0
SS_MAX_CPS = 100000
'''


class Kills:
    def __init__(self, folder, rate, sync_ms, seed):
        self.folder = Path(folder)
        self.files = self.folder / 'state' / 'cdr-files'
        self.log = self.folder / 'calls.log'
        self.rate = rate
        self.chance = random.Random(seed)
        self.ports = [free_udp_port(), free_udp_port()]
        self.rounds = 0
        self.ends = {}  # of a round: when its load ended, and whether by a kill
        self.load = None
        shim = [f'LD_PRELOAD={BUILD / "tests" / "slow_sync.so"}', f'VOS_SYNC_MS={sync_ms}']
        self.switch = Switch(folder, CONFIG.format(port=self.ports[1]), launcher=['env', *shim])

    def start(self):
        self.switch.start(apply=self.rounds == 0)

    def begin_load(self):
        self.rounds += 1
        self.load = subprocess.Popen(
            [str(BUILD / 'tests' / 'cdr_load'), str(self.switch.port), *map(str, self.ports), str(self.rate),
             '700', f'round{self.rounds}', str(self.log)], stdin=subprocess.PIPE)

    def end_load(self):
        if not self.load:
            return
        self.load.stdin.close()
        code = self.load.wait(60)
        self.load = None
        if code:
            raise AssertionError(f'cdr_load ended with {code}')

    def kill(self, is_late=False):
        """A run that is killed while calls begin and end; is_late: not before one has ended."""
        self.start()
        newest = self.status()['newest']
        self.begin_load()
        if is_late:
            wait_for('a record', lambda: self.status()['newest'] > newest)
        time.sleep(self.chance.uniform(0.2, 1.5))
        self.switch.stop(signal.SIGKILL)
        self.ends[self.rounds] = time.monotonic()
        self.end_load()

    def stop(self):
        self.end_load()
        if self.switch.process and self.switch.process.poll() is None:
            self.switch.stop()

    def status(self):
        return self.switch.json('show', 'cdr', 'status')['item']

    def settle(self):
        """One more start and an end in order, after which all records stand in closed files."""
        self.start()
        wait_for('all records are in files', lambda: self.status()['pending'] == 0, 120)
        recovered = self.status()['newest']
        self.switch.stop()
        return recovered

    def steady(self, seconds):
        """Records stored a second on the slow disk, and the most that waited."""
        self.start()
        self.begin_load()
        time.sleep(2)
        began, first = time.monotonic(), self.status()
        pending = spool = 0
        while time.monotonic() - began < seconds:
            time.sleep(0.5)
            status = self.status()
            pending, spool = max(pending, status['pending']), max(spool, status['spool_bytes'])
        took, last = time.monotonic() - began, self.status()
        self.switch.stop(signal.SIGKILL)
        self.ends[self.rounds] = time.monotonic()
        self.end_load()
        return {'records_per_s': round((last['newest'] - first['newest']) / took),
                'commits_per_s': round((last['commits'] - first['commits']) / took, 1),
                'longest_commit_ms': last['longest_commit_us'] // 1000, 'most_pending': pending,
                'most_spool_bytes': spool}

    # --- Reconciliation. ---

    def calls(self):
        """Of each Call-ID, when what happened: {'I': s, 'A': s, ...}."""
        calls = {}
        for line in self.log.read_text().splitlines():
            what, call_id, us = line.split()
            calls.setdefault(call_id, {})[what] = int(us) / 1e6
        return calls

    def records(self):
        rows = []
        for path in sorted(self.files.glob('cdr-*.csv')):
            with open(path, newline='') as file:
                rows += csv.DictReader(file)
        return rows

    def hourly_flows(self):
        return [int(line.split('|')[17]) for path in self.files.glob('*.txt') for line in path.read_text().splitlines()]

    def reconcile(self, slack_s):
        """Figures of the records; raises AssertionError on the first that is wrong."""
        calls, rows = self.calls(), self.records()
        flows = sorted(int(row['flow']) for row in rows)
        expect(flows == list(range(1, len(flows) + 1)), 'numbers of the files that rotate', flows[-5:])
        expect(sorted(self.hourly_flows()) == flows, 'numbers of the hourly files', len(flows))
        expect(not list(self.files.glob('*.part')), 'files that are not closed', '')
        by_call = {row['caller_call_id']: row for row in rows}
        expect(len(by_call) == len(rows), 'calls with two records', len(rows) - len(by_call))
        expect(by_call.keys() <= calls.keys(), 'records of calls that were not', by_call.keys() - calls.keys())
        figures = dict.fromkeys(('calls', 'records', 'answered', 'hung_up', 'cut', 'refused', 'latest_s'), 0)
        figures.update(calls=len(calls), records=len(rows))
        for call_id, times in calls.items():
            self.check(times, call_id, by_call.get(call_id), slack_s, figures)
        return figures

    def check(self, times, call_id, row, slack_s, figures):
        if 'A' not in times and 'R' not in times:
            return  # it was under way: whether the switch had answered is not known
        expect(row, f'record of {call_id}', times)
        figures['answered'] += 'A' in times
        figures['refused'] += 'R' in times
        if 'R' in times:
            expect(not row['answer_time'], f'{call_id} was refused', row)
            return
        expect(row['answer_time'], f'{call_id} was answered', row)
        talk_s = int(row['talk_ms']) / 1000
        killed = self.ends[int(call_id.split('-')[0].removeprefix('round'))]
        is_cut = row['cause_name'] == 'restart'
        figures['cut'] += is_cut
        figures['hung_up'] += not is_cut
        expect(not ('E' in times and is_cut), f'{call_id} was hung up', row)
        expect(is_cut or 'B' in times or 'X' in times, f'{call_id} was up when the switch was killed', row)
        real_s = (killed if is_cut else times.get('B', killed)) - times['A']
        least_s = real_s - slack_s - (CHECKPOINT_S if is_cut else 0)
        if 'X' not in times:
            expect(least_s <= talk_s <= real_s + slack_s, f'talk of {call_id}: {real_s} s', row)
            figures['latest_s'] = max(figures['latest_s'], round(abs(real_s - talk_s), 3))


def expect(is_good, what, found):
    if not is_good:
        raise AssertionError(f'{what}: {found}')


def main():
    options = argparse.ArgumentParser()
    options.add_argument('--kills', type=int, default=100)
    options.add_argument('--rate', type=int, default=2000)
    options.add_argument('--sync-ms', type=int, default=10)
    options.add_argument('--steady', type=int, default=20)
    options.add_argument('--seed', type=int, default=int(os.environ.get('VOS_SEED') or time.time_ns() % 1000000))
    options = options.parse_args()
    print(f'seed {options.seed}', flush=True)
    with tempfile.TemporaryDirectory(prefix='vos-cdr-kills-') as folder:
        kills = Kills(folder, options.rate, options.sync_ms, options.seed)
        try:
            if options.steady:
                print(json.dumps(kills.steady(options.steady)), flush=True)
            for number in range(options.kills):
                kills.kill()
                if number % 10 == 9:
                    print(f'{number + 1} kills', flush=True)
            kills.settle()
            print(json.dumps(kills.reconcile(slack_s=2)))
        finally:
            kills.stop()


if __name__ == '__main__':
    main()
