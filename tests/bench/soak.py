#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Calls that end in every way, over a path that loses, doubles and swaps datagrams, until nothing must be left.

  soak.py [--calls N] [--rounds N] [--rate CALLS/S] [--threads N] [--seed N]

A caller and two gateways (soak_calls.c) with media relayed: cancelled at any time, refused, hung up by either side
or by both at once, redirected, in a loop too, switched to the second gateway, parties that fall silent at any time,
INVITEs within the call that meet, reliable provisional answers without memory. After each round, when its last
transaction has gone, there may be no call, leg, transaction, timer of a call or port left, and no more memory than
after the first: that is printed, and judged at the end."""
import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from switch import BUILD, Switch, free_udp_port, wait_for  # noqa: E402

LINGER_S = 33  # of a transaction that has ended
CONFIG = '''
mapping-gateway soak
 address {caller}
 exit
routing-gateway first
 address {first}:{first_port}
 prefixes 9
 priority 1
 exit
routing-gateway second
 address {second}:{second_port}
 prefixes 9
 priority 2
 exit
SS_MEDIA_PROXY_MODE = must-on
SS_RTP_PORT_RANGE = 20000,29999
SS_RTP_PORT_REST = 1
SS_NO_MEDIA_HANGUP_TIME = 2
SS_MAX_CALL_DURATION = 4
SS_GATEWAY_SWITCH_UNTIL_CONNECT = on
SS_SIP_STOP_SWITCH_AFTER_SDP = off
SS_SIP_RESEND_INTERVAL = 0.1,0.2,0.4,0.8
SS_SIP_TIMEOUT_INVITE = 1
SS_SIP_TIMEOUT_TRYING = 1
SS_SIP_TIMEOUT_SESSION_PROGRESS = 1
SS_SIP_TIMEOUT_SESSION_PROGRESS_SDP = 1
SS_SIP_TIMEOUT_RINGING = 1
SS_SIP_SIGNALLING_THREADS = {threads}
SS_SIP_GUARD_RATE = 0
SS_SIP_OVERLOAD_LAG = 0
SS_MAX_CPS = 100000
'''


class Soak:
    def __init__(self, folder, threads=1, seed=1, more=''):
        """more: further lines of configuration."""
        # Addresses of its own, of which it has all ports: a range for media is hard to find beside other tests.
        self.net = f'127.{64 + os.getpid() // 256 % 128}.{os.getpid() % 256}'
        here, caller, first, second = (f'{self.net}.{host}' for host in range(1, 5))
        self.ports = [free_udp_port(address) for address in (caller, first, second)]
        self.seed = seed
        self.switch = Switch(folder, CONFIG.format(caller=caller, first=first, first_port=self.ports[1], second=second,
                                                   second_port=self.ports[2], threads=threads)
                             + more, here)
        self.agents = None
        self.next = 1

    def start(self):
        self.switch.start()
        self.idle = self.left()
        return self

    def run(self, calls, rate):
        """What the ends have seen, when all of them were made and none is there any more."""
        command = [BUILD / 'tests' / 'soak_calls', self.net, self.switch.port, *self.ports, self.next, calls, rate, self.seed]
        self.agents = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       text=True)
        self.next += calls
        if self.agents.stdout.readline() != 'started\n':
            raise AssertionError(f'soak_calls ended with {self.agents.wait()}')
        try:
            wait_for('no call or port is left', lambda: not self.busy(), 120)
        except AssertionError as error:
            raise AssertionError(f'{error}\n{self.switch.log()[-8000:]}') from None
        said, _ = self.agents.communicate()
        if self.agents.returncode != 0:
            raise AssertionError(f'soak_calls ended with {self.agents.returncode}')
        return {name: int(count) for name, count in (word.split('=') for word in said.split())}

    def busy(self):
        status = self.switch.json('show', 'status')['item']
        return status['calls'] + status['media_pairs_used'] + self.switch.json('show', 'media', 'ports')['item']['sessions']

    def left(self):
        """What calls leave behind, over all threads."""
        rows = self.switch.rows('show', 'sip', 'statistics')
        ports = self.switch.json('show', 'media', 'ports')['item']
        return {'calls': len(self.switch.rows('show', 'calls')) + sum(row['calls'] for row in rows),
                'legs': sum(row['legs'] for row in rows), 'timers': sum(row['timers'] for row in rows),
                'transactions': sum(row['count'] for row in self.switch.rows('show', 'sip', 'transactions')),
                'ports': ports['pairs_used'] + ports['pairs_resting'], 'sessions': ports['sessions']}

    def settle(self):
        """What is left when everything that has ended should be forgotten."""
        deadline = time.monotonic() + 3 * LINGER_S
        while self.left() != self.idle and time.monotonic() < deadline:
            time.sleep(0.5)
        return self.left()

    def memory(self):
        """Anonymous memory in KiB: heap, stacks."""
        for line in Path(f'/proc/{self.switch.process.pid}/status').read_text().splitlines():
            if line.startswith('RssAnon:'):
                return int(line.split()[1])
        raise AssertionError('no RssAnon')

    def descriptors(self):
        return len(list(Path(f'/proc/{self.switch.process.pid}/fd').iterdir()))

    def stop(self):
        if self.agents and self.agents.poll() is None:
            self.agents.kill()
            self.agents.communicate()
        if self.switch.process and self.switch.process.poll() is None:
            self.switch.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--calls', type=int, default=200000)
    parser.add_argument('--rounds', type=int, default=4)
    parser.add_argument('--rate', type=float, default=400)
    parser.add_argument('--threads', type=int, default=1)
    parser.add_argument('--seed', type=int, default=1)
    options = parser.parse_args()
    failed = []
    memory = []
    with tempfile.TemporaryDirectory(prefix='vos-soak-') as folder:
        soak = Soak(folder, options.threads, options.seed)
        try:
            soak.start()
            print(f'idle: {soak.idle}, {soak.memory()} KiB, {soak.descriptors()} descriptors', flush=True)
            for _ in range(options.rounds):
                seen = soak.run(options.calls // options.rounds, options.rate)
                left = soak.settle()
                memory.append(soak.memory())
                print(f'after {soak.next - 1} calls: {left}, {memory[-1]} KiB, {soak.descriptors()} descriptors\n'
                      f'  {seen}', flush=True)
                if left != soak.idle:
                    failed.append(f'left after {soak.next - 1} calls: {left}')
            half = memory[(len(memory) - 1) // 2]
            if memory[-1] > half * 1.02 + 1024:
                failed.append(f'memory has grown from {half} to {memory[-1]} KiB')
        finally:
            soak.stop()
        print(soak.switch.log()[-3000:])
    sys.exit('\n'.join(failed) or 0)


if __name__ == '__main__':
    main()
