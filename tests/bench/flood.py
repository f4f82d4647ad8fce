#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a flood costs, and what is left of a switch that gets five times what it can do.

  flood.py [--seconds N] [--rate DATAGRAMS] [--quota PERCENT]

Two parts, one signalling thread on one core, all load on the other:

  suspended  a REGISTER flood from a suspended source beside calls of a gateway: CPU a datagram, and the calls
             that go through with and without it
  overload   calls a second in a closed loop, then a multiple of them in an open one, with overload control and
             without. The thread gets --quota percent of a core, since one load generator cannot overload a whole
             one; left out where the cpu controller of cgroups cannot be written.

VOS_BUILD_DIR holds the programs, built with VOS_BENCH; VOS_BENCH_DIR the load generator (sipblast.c), by default
../shared/bench/sip beside the checkout. Prints figures and judges nothing."""
import argparse
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from sip_client import Phone  # noqa: E402
from switch import BUILD, ROOT, Switch, free_udp_port  # noqa: E402

BENCH = Path(os.environ.get('VOS_BENCH_DIR') or ROOT.parent / 'shared' / 'bench' / 'sip')
CPU = Path('/sys/fs/cgroup/cpu')
SERVER_CORE = os.environ.get('SERVER_CPU', '1')
LOAD_CORE = os.environ.get('LOAD_CPU', '0')
CALLER, CALLEE = free_udp_port(), free_udp_port()
CONFIG = '''
SS_SIP_AUTHENTICATION_REALM = bench.test
SS_MAX_CPS = 100000
SS_AUTHENTICATION_MAX_RETRY = 1
mapping-gateway bench
 address 127.0.0.1
 exit
routing-gateway bench
 address 127.0.0.1:@CALLEE@
 exit
phone 1001
 password plain "a long one"
 exit
'''


@contextlib.contextmanager
def running(*params):
    with tempfile.TemporaryDirectory(prefix='vos-bench-') as folder:
        switch = Switch(folder, CONFIG.replace('@CALLEE@', str(CALLEE)) + '\n'.join(params), launcher=['taskset', '-c', SERVER_CORE])
        with switch:
            yield switch


def cpu_s(switch):
    """CPU seconds of the signalling thread: the busiest one."""
    best = 0
    for task in Path(f'/proc/{switch.process.pid}/task').iterdir():
        best = max(best, int((task / 'schedstat').read_text().split()[0]))
    return best / 1e9


def received(switch):
    return switch.rows('show', 'sip', 'statistics')[0]['rx_datagrams']


def admitted(switch):
    [row] = switch.rows('show', 'sip', 'guard')
    return row['calls_admitted']


def drops(switch):
    """Datagrams that found the socket's buffer full."""
    with open('/proc/net/udp') as table:
        return sum(int(line.split()[-1]) for line in table if f':{switch.port:04X} ' in line)


class Blast:
    """sipblast with these arguments; figures() waits for its end."""

    def __init__(self, tool, switch, *words):
        self.process = subprocess.Popen(['taskset', '-c', LOAD_CORE, tool, '-m', 'call', '-s',
                                         f'127.0.0.1:{switch.port}', '-c', str(CALLER), '-S', str(CALLEE), *map(str, words)],
                                        stdout=subprocess.PIPE, text=True)

    def figures(self):
        out, _ = self.process.communicate()
        found = dict(re.findall(r'(\w+)=([\d.]+)', out))
        found['p99_us'] = re.search(r'p99=(\d+)', out).group(1)
        return {name: float(value) for name, value in found.items()}


def suspend(switch, address):
    with Phone((switch.address, switch.port), '1001', 'wrong', address=address) as phone:
        while phone.register().status != 403:
            pass


def part_suspended(tool, seconds, rate):
    print(f'suspended source, {seconds} s each', flush=True)
    with running('SS_MEDIA_PROXY_MODE = off') as switch:
        suspend(switch, '127.0.2.1')
        flood = ['taskset', '-c', LOAD_CORE, str(BUILD / 'tests' / 'sipflood'), switch.address, str(switch.port),
                 '127.0.2.1']
        for what in (rate, 0):
            cpu, count, start = cpu_s(switch), received(switch), time.monotonic()
            sent = int(subprocess.run([*flood, str(what), str(seconds)], capture_output=True, text=True,
                                      check=True).stdout)
            elapsed = time.monotonic() - start
            cpu, count = cpu_s(switch) - cpu, received(switch) - count
            print(f'  {sent / elapsed:9,.0f} datagrams/s sent, {count / elapsed:9,.0f} read: '
                  f'{cpu / count * 1e6:.2f} us of CPU a datagram, {cpu / elapsed * 100:.0f} % of a core')
        calls = 4000
        for what in ('alone', 'beside the flood'):
            busy = subprocess.Popen([*flood, str(rate), str(seconds)], stdout=subprocess.DEVNULL) \
                if what != 'alone' else None
            found = Blast(tool, switch, '-r', calls, '-d', seconds, '-w', 20000, '-n', 10**7).figures()
            if busy:
                busy.wait()
            print(f'  {calls} calls/s {what}: {found["ok"] / seconds:,.0f} go through, p99 {found["p99_us"] / 1000:.1f} ms, '
                  f'{found["retrans"]:.0f} repeated, {drops(switch)} dropped by the kernel', flush=True)


@contextlib.contextmanager
def quota(percent, process):
    folder = CPU / f'vos-bench-{os.getpid()}'
    folder.mkdir()
    try:
        (folder / 'cpu.cfs_period_us').write_text('10000')
        (folder / 'cpu.cfs_quota_us').write_text(str(100 * percent))
        (folder / 'cgroup.procs').write_text(str(process.pid))
        yield
        (CPU / 'cgroup.procs').write_text(str(process.pid))
    finally:
        with contextlib.suppress(OSError):
            folder.rmdir()


def part_overload(tool, seconds, percent):
    if not os.access(CPU, os.W_OK):
        print('overload: left out, the cpu controller cannot be written')
        return
    print(f'overload, {percent} % of a core')
    for what, times, params in (
            ('no relay, with control', 5, ('SS_MEDIA_PROXY_MODE = off',)),
            ('relay, with control', 5, ('SS_MEDIA_PROXY_MODE = must-on',)),
            ('relay, with control', 2, ('SS_MEDIA_PROXY_MODE = must-on',)),
            ('relay, without', 5, ('SS_MEDIA_PROXY_MODE = must-on', 'SS_SIP_OVERLOAD_LAG = 0'))):
        with running(*params) as switch, quota(percent, switch.process):
            capacity = Blast(tool, switch, '-w', 64, '-d', seconds, '-n', 10**7).figures()
            capacity = capacity['ok'] / capacity['elapsed']
            before = admitted(switch)
            flood = Blast(tool, switch, '-r', int(times * capacity), '-d', seconds, '-w', 10**6, '-n', 10**7)
            time.sleep(1)  # the rate is found
            count, start = admitted(switch), time.monotonic()
            time.sleep(seconds - 2)
            useful = (admitted(switch) - count) / (time.monotonic() - start)
            flood = flood.figures()
            [guard] = switch.rows('show', 'sip', 'guard')
            done = flood['ok'] / (guard['calls_admitted'] - before)
            print(f'  {what}: {times} x {capacity:,.0f} calls/s, {useful:,.0f} '
                  f'let in ({useful / capacity * 100:.0f} %), {done * 100:.0f} % of them answered, '
                  f'{guard["overload_calls"]} refused or dropped', flush=True)
            start = time.monotonic()
            while switch.rows('show', 'sip', 'guard')[0]['is_overloaded']:
                time.sleep(0.1)
            print(f'    over {time.monotonic() - start:.1f} s after the load')


def main():
    options = argparse.ArgumentParser()
    options.add_argument('--seconds', type=int, default=5)
    options.add_argument('--rate', type=int, default=100000)
    options.add_argument('--quota', type=int, default=15)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix='vos-bench-tool-') as folder:
        tool = f'{folder}/sipblast'
        subprocess.run(['cc', '-O2', '-w', '-o', tool, str(BENCH / 'sipblast.c'), '-lm'], check=True)
        part_suspended(tool, given.seconds, given.rate)
        part_overload(tool, given.seconds, given.quota)


if __name__ == '__main__':
    main()
