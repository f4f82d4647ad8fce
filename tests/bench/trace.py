#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What the flight recorder costs, in one run on one machine.

  trace.py [--rounds N]

Calls in a closed loop to two switches that take turns, one with the recorder as by default and one without
(`trace ring-size 0`): CPU time a call of the signalling thread, and the ratio. Then, in the one whose ring has gone
round, the ladder of a call as vosctl prints it, beside a command that asks for nothing: the difference is the CPU time
of both programs and the clock's. Needs what calls.py needs; the load is the same."""
import argparse
import contextlib
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import calls  # noqa: E402
from switch import BUILD, free_udp_port  # noqa: E402

DRAIN_S = 2  # records of calls go to the disk
PARAMS = 'SS_MEDIA_PROXY_MODE = off'


def ask(server, *words):
    return subprocess.run([str(BUILD / 'vosctl'), '-s', f'{server.folder}/control.sock', *words], check=True,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout


def cost_ms(server, *words):
    """(milliseconds of CPU of both programs, of the clock)"""
    def spent():
        child = resource.getrusage(resource.RUSAGE_CHILDREN)
        return server.cpu_s() + child.ru_utime + child.ru_stime
    before, start = spent(), time.monotonic()
    ask(server, *words)
    clock = time.monotonic() - start
    return (spent() - before) * 1e3, clock * 1e3


def ladder(server):
    rows = ask(server, 'show', 'trace', 'calls', 'latest', '20').splitlines()
    call = rows[10].split()[0]
    drawn = [cost_ms(server, 'show', 'trace', 'call', call) for _ in range(7)]
    nothing = [cost_ms(server, 'show', 'clock') for _ in range(7)]
    for at, what in enumerate(('CPU', 'clock')):
        figure = min(one[at] for one in drawn)
        print(f'  a ladder from a full ring of 64 MiB: {figure:.1f} ms of {what}, '
              f'{figure - min(one[at] for one in nothing):.1f} more than show clock (bar 50)')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--rounds', type=int, default=3)
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        stack.enter_context(calls.load_tool())
        callee = free_udp_port()
        servers = {'with': stack.enter_context(calls.switchd({'9': callee}, PARAMS)),
                   'without': stack.enter_context(calls.switchd({'9': callee}, PARAMS, 'trace\n ring-size 0\n exit'))}
        costs = {name: [] for name in servers}
        for number in range(given.rounds + 1):
            for name, server in servers.items():
                busiest, _, _ = calls.cost_us(server, callee, '-n', 8000, '-w', 64, '-d', 10)
                time.sleep(DRAIN_S)
                if number:
                    costs[name].append(busiest)
        medians = {name: statistics.median(seen) for name, seen in costs.items()}
        share = 1 - medians['without'] / medians['with']
        print(f'  us of CPU a call in the signalling thread: {medians["with"]:.1f} with the recorder, '
              f'{medians["without"]:.1f} without: {share:.1%} of the call rate (bar 5 %)')
        ladder(servers['with'])


if __name__ == '__main__':
    main()
