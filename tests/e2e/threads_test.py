#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Three signalling threads: every phone registers and calls over its own socket, so the kernel gives most
datagrams to another thread than the one that owns their Call-ID, while the configuration changes under them."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, stop_cleanly
from switch import Switch, wait_for

THREADS = 3
PHONES = [str(number) for number in range(2001, 2031)]


class Threads(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix='vos-threads-')
        self.addCleanup(self.scratch.cleanup)
        lines = [f'phone {number}\n password plain "pw-{number}"\n exit' for number in PHONES]
        lines += [f'SS_SIP_SIGNALLING_THREADS = {THREADS}', 'SS_RTP_PORT_RANGE = 26000,26999',
                  'SS_MEDIA_PROXY_MODE = must-on']
        self.switch = Switch(self.scratch.name, '\n'.join(lines)).start()
        self.addCleanup(self.switch.stop)  # also when the test fails
        self.commits = 0
        self.agents = [Agent(self.switch, number, f'pw-{number}') for number in PHONES]
        for agent in self.agents:
            self.addCleanup(agent.close)

    def names(self):
        tasks = Path(f'/proc/{self.switch.process.pid}/task')
        return sorted((task / 'comm').read_text().strip() for task in tasks.iterdir())

    def test_threads_have_names(self):
        # media-fast is there where the kernel lets it, hep and firewall where they are wanted.
        expected = {'alarm-hook', 'alarm-post', 'backups', 'control', 'control-files', 'media-0', 'monitor', 'record-files',
                    'record-push', 'records', 'sip-0', 'sip-1', 'sip-2', 'storage'}
        wait_for('names of all threads', lambda: expected <= set(self.names()) and self.names().count('switchd') == 1)
        stop_cleanly(self.switch)

    def commit(self):
        self.commits += 1
        self.switch.set('SS_SIP_TIMEOUT_TRYING', str(15 + self.commits % 10))

    def set_up(self, index):
        """A call from one phone to the next, in the ring of all phones."""
        caller, callee = self.agents[index], self.agents[(index + 1) % len(self.agents)]
        call = caller.invite(callee.user, sdp=make_sdp('127.0.0.1', 46000 + 2 * index))
        ring = callee.incoming()
        ring.answer(180)
        call.wait(180)
        ring.answer(200, sdp=make_sdp('127.0.0.1', 47000 + 2 * index))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        return call, ring

    def test_calls_across_threads(self):
        for index, agent in enumerate(self.agents):
            agent.register()
            if index % 3 == 0:
                self.commit()
        self.assertEqual(len(self.switch.rows('show', 'registrations')), len(PHONES))
        pairs = []
        for index in range(len(self.agents)):
            pairs.append(self.set_up(index))
            if index % 3 == 0:
                self.commit()
        # A re-INVITE inside each call goes to the thread that owns it, wherever it comes in.
        for index, (call, ring) in enumerate(pairs):
            call.reinvite(make_sdp('127.0.0.1', 46000 + 2 * index, version=2))
            ring.wait_request('INVITE')
            ring.answer(200, sdp=make_sdp('127.0.0.1', 47000 + 2 * index, version=2))
            call.wait(200)
            call.ack()
            ring.wait_request('ACK')
        calls = self.switch.rows('show', 'calls')
        self.assertEqual(len(calls), len(PHONES))
        self.assertGreater(len({row['id'][:2] for row in calls}), 1, 'all calls are in one thread')
        for index, (call, ring) in enumerate(pairs):
            # Either side hangs up.
            first, other = (call, ring) if index % 2 else (ring, call)
            request = first.send('BYE')
            other.reply(other.wait_request('BYE'), 200)
            first.agent.wait_for(lambda m, cseq=request.cseq, call_id=request.call_id: m.status == 200 and
                                 m.cseq == cseq and m.call_id == call_id and m.method == 'BYE')
            if index % 3 == 0:
                self.commit()
        wait_for('no call is left', lambda: not self.switch.rows('show', 'calls'))
        threads = self.switch.rows('show', 'sip', 'statistics')
        self.assertEqual(len(threads), THREADS)
        self.assertGreater(sum(row['rx_handed_over'] for row in threads), 0)
        self.assertEqual(sum(row['handover_full'] for row in threads), 0)
        stop_cleanly(self.switch)


if __name__ == '__main__':
    unittest.main()
