#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Out of descriptors and out of media ports: calls that are up go on, new ones get 503 at once, nobody spins,
and what was used comes back."""
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, stop_cleanly
from switch import BUILD, Switch, free_port_range, wait_for

PHONES = 'phone 1001\n password plain "one-password"\n exit\nphone 1002\n password plain "two-password"\n exit\n' \
         'SS_MEDIA_PROXY_MODE = must-on\n'
REFUSAL_LIMIT_S = 1.0
TRIES = 40


def sockets(switch):
    """Open ones; files, such as that of the call records, come and go by themselves."""
    count = 0
    for entry in os.scandir(f'/proc/{switch.process.pid}/fd'):
        try:
            count += os.readlink(entry.path).startswith('socket:')
        except FileNotFoundError:
            pass
    return count


def cpu_s(switch):
    """Processor time used so far."""
    fields = Path(f'/proc/{switch.process.pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


class Exhaustion(unittest.TestCase):
    def start(self, config='', launcher=()):
        scratch = tempfile.TemporaryDirectory(prefix='vos-exhaustion-')
        self.addCleanup(scratch.cleanup)
        self.switch = Switch(scratch.name, PHONES + config, launcher=launcher).start()
        self.caller = Agent(self.switch, '1001', 'one-password')
        self.callee = Agent(self.switch, '1002', 'two-password')
        for agent in (self.caller, self.callee):
            self.addCleanup(agent.close)
            agent.register()

    def tearDown(self):
        if self.switch.process and self.switch.process.poll() is None:
            self.switch.stop()

    def call(self):
        """One call more: (call, ring), or the status that refused it."""
        start = time.monotonic()
        call = self.caller.invite('1002', sdp=make_sdp('127.0.0.1', 41000))
        first = call.wait(lambda m: m.status >= 180 or m.status == 100)
        if first.status == 100:
            # Either the callee rings, or a refusal follows.
            while not self.callee.unread:
                self.callee.read(0.005)
                self.caller.read(0.000001)
                refusals = [m for m in self.caller.unread if m.status and m.status >= 300]
                if refusals:
                    first = refusals[0]
                    self.caller.unread.remove(first)
                    break
        if first.status >= 300:
            call.ack(first)
            self.assertLess(time.monotonic() - start, REFUSAL_LIMIT_S)
            self.assertEqual(first.status, 503)
            return None
        ring = self.callee.incoming()
        ring.answer(200, sdp=make_sdp('127.0.0.1', 41002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        return call, ring

    def hang_up(self, call, ring):
        request = call.send('BYE')
        ring.reply(ring.wait_request('BYE'), 200)
        self.caller.wait_for(lambda m: m.status == 200 and m.call_id == call.call_id and m.cseq == request.cseq)

    def check_until_full(self):
        """Calls until they are refused; those that are up go on. How many were up."""
        pairs = [pair for pair in (self.call() for _ in range(TRIES)) if pair]
        self.assertGreater(len(pairs), 0)
        self.assertLess(len(pairs), TRIES)
        call, ring = pairs[0]
        call.reinvite(make_sdp('127.0.0.1', 41000, version=2))
        ring.wait_request('INVITE')
        ring.answer(200, sdp=make_sdp('127.0.0.1', 41002, version=2))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        self.assertEqual(len(self.switch.rows('show', 'calls')), len(pairs))
        for call, ring in pairs:
            self.hang_up(call, ring)
        wait_for('no call is left', lambda: not self.switch.rows('show', 'calls'))
        return len(pairs)

    def test_ports(self):
        low = free_port_range(16)
        self.start(f'SS_RTP_PORT_RANGE = {low},{low + 15}\n')
        before = sockets(self.switch)
        for _ in range(2):
            # A pair a call; those that rest after their release are used when nothing else is left.
            self.assertEqual(self.check_until_full(), 8)
        wait_for('sockets are closed', lambda: sockets(self.switch) <= before)
        stop_cleanly(self.switch)

    def test_descriptors(self):
        if not shutil.which('prlimit') or not shutil.which('setpriv'):
            self.skipTest('no prlimit or setpriv')
        # Who may would raise the limit again.
        drop = ('setpriv', '--bounding-set=-sys_resource', '--inh-caps=-sys_resource') if os.getuid() == 0 else ()
        self.start(launcher=(*drop, 'prlimit', '--nofile=64:64'))
        first = self.check_until_full()
        self.assertEqual(self.check_until_full(), first)
        stop_cleanly(self.switch)

    def test_limit_lowered_under_way(self):
        if not shutil.which('prlimit'):
            self.skipTest('no prlimit')
        self.start()
        pair = self.call()
        subprocess.run(['prlimit', '--pid', str(self.switch.process.pid), '--nofile=16:'], check=True)
        clients = [subprocess.Popen([str(BUILD / 'vosctl'), '-s', self.switch.socket, 'show', 'version'],
                                    stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for _ in range(3)]
        start_s, used_s = time.monotonic(), cpu_s(self.switch)
        self.hang_up(*pair)
        # What is measured is processor time over a second of waiting clients.
        wait_for('a second', lambda: time.monotonic() - start_s > 1)
        self.assertLess(cpu_s(self.switch) - used_s, 0.5)
        subprocess.run(['prlimit', '--pid', str(self.switch.process.pid), '--nofile=256:'], check=True)
        for client in clients:
            self.assertEqual(client.wait(10), 0)
        stop_cleanly(self.switch)


if __name__ == '__main__':
    unittest.main()
