#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Session timers with sipp at both ends: refreshes by UPDATE and by re-INVITE, a peer that is gone, a 422, and
media that never comes. Times are those of sipp's log; every timer to the second is a unit test's matter."""
import re
import shutil
import sys
import tempfile
import unittest
from datetime import datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from sipp import Sipp
from switch import SKIPPED, Switch, free_udp_port, wait_for

REFRESH_S = 9  # the least there is: 90 / 10
GIVE_UP_S = 3.5  # after the first refresh without answer: 1 + 1.5, and 1 once more


def configuration(ports):
    lines = ['mapping-gateway in\n address 127.0.0.1\n exit']
    lines += [f'routing-gateway out{prefix}\n address 127.0.0.1:{port}\n prefixes {prefix}\n exit'
              for prefix, port in ports.items()]
    lines += ['SS_SIP_SESSION_TTL = 90', 'SS_SIP_SESSION_UPDATE_SEGMENT = 10', 'SS_SIP_RESEND_INTERVAL = 1,1.5',
              'SS_MEDIA_PROXY_MODE = off', 'SS_RTP_PORT_RANGE = 20000,20199']
    return '\n'.join(lines)


def times(sipp, start):
    """When messages that start like this were received, in seconds."""
    text = sipp.messages_path.read_text(errors='replace')
    found = []
    for stamp, message in re.findall(r'^-{20,} (\S+ \S+)\n.*?message received[^\n]*\n\n([^\n]*)', text, re.M):
        if message.startswith(start):
            found.append(datetime.fromisoformat(stamp).timestamp())
    return found


class SessionTimer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-session-')
        cls.ports = {prefix: free_udp_port() for prefix in (7, 8, 9)}
        cls.switch = Switch(cls.scratch.name, configuration(cls.ports)).start()

    @classmethod
    def tearDownClass(cls):
        code = cls.switch.stop()
        print(f'log of switchd:\n{cls.switch.log()[-4000:]}', file=sys.stderr)
        cls.scratch.cleanup()
        if code not in (0, None):
            raise AssertionError(f'switchd ended with {code}')

    def setUp(self):
        self.started = []

    def tearDown(self):
        for sipp in self.started:
            sipp.stop()

    def sipp(self, scenario, **arguments):
        sipp = Sipp(self.scratch.name, scenario, self.switch, timeout_s=60, **arguments)
        self.started.append(sipp)
        return sipp

    def call(self, callee_scenario, prefix, **values):
        callee = self.sipp(callee_scenario, port=self.ports[prefix], **values).ready()
        return callee, self.sipp('uac_timer', service=f'{prefix}00')

    def assert_no_call(self):
        wait_for('no call is left', lambda: not self.switch.rows('show', 'calls'))

    def assert_ended_by_us(self, caller, why):
        bye = caller.received('BYE')[0]
        self.assertIn(why, bye.get('Reason'))
        self.assert_no_call()

    def test_refreshes_and_a_peer_that_is_gone(self):
        calls = {'UPDATE': self.call('uas_refresh_update', 7, ALLOW='INVITE, ACK, BYE, CANCEL, UPDATE'),
                 'INVITE': self.call('uas_refresh_invite', 8, ALLOW='INVITE, ACK, BYE, CANCEL')}
        wait_for('both calls are up', lambda: sum('connected' in map(str, row.values())
                                                  for row in self.switch.rows('show', 'calls')) == 2)
        for row in self.switch.rows('show', 'calls'):
            timers = self.switch.json('show', 'call', str(row['id']))['item']['timers']
            self.assertRegex(timers, r'callee refreshed by us in \d s, ends in \d\d s')
            self.assertIn('caller without timer', timers)
        for method, (callee, caller) in calls.items():
            callee.finish()
            caller.finish()
            start = times(callee, 'ACK')[0]
            refreshes = times(callee, method)[-2:]
            end = times(caller, 'BYE')[0]
            for wait, least in ((refreshes[0] - start, REFRESH_S), (refreshes[1] - refreshes[0], REFRESH_S),
                                (end - refreshes[1], GIVE_UP_S)):
                # Never early by more than a tick; late only by what the machine is busy with.
                self.assertGreater(wait, least - 0.05)
                self.assertLess(wait, least + 3)
            requests = callee.received(method)
            self.assertEqual(requests[-1].get('Session-Expires'), '90;refresher=uac')
            self.assert_ended_by_us(caller, 'session timer ran out')
        first, *refreshes = calls['INVITE'][0].received('INVITE')
        self.assertEqual([refresh.body for refresh in refreshes], [first.body] * len(refreshes))
        self.assertEqual(calls['UPDATE'][0].received('UPDATE')[0].body.strip(), '')
        # The caller hears nothing of all that.
        for _, caller in calls.values():
            self.assertEqual([message.method for message in caller.received() if message.status is None], ['BYE'])

    def test_a_longer_interval_is_proposed_once_more(self):
        callee, caller = self.call('uas_raise', 9)
        wait_for('the call is up', lambda: self.switch.rows('show', 'calls'))
        wait_for('the callee has its ACK', lambda: len(callee.received('ACK')) == 2)
        self.switch.do('-y', 'clear', 'calls', 'all')
        caller.finish()
        callee.finish()
        first, second = callee.received('INVITE')
        self.assertEqual(first.get('Session-Expires'), '90')
        self.assertEqual((second.get('Session-Expires'), second.get('Min-SE')), ('600', '600'))
        self.assertEqual(first.get('Call-ID'), second.get('Call-ID'))
        self.assertEqual(second.get('CSeq'), '2 INVITE')

    def test_a_relayed_call_without_media_ends(self):
        self.switch.set('SS_MEDIA_PROXY_MODE', 'on')
        self.switch.set('SS_NO_MEDIA_HANGUP_TIME', '2')
        try:
            callee, caller = self.call('uas_byed', 9)
            caller.finish()
            callee.finish()
        finally:
            self.switch.set('SS_MEDIA_PROXY_MODE', 'off')
        wait = times(caller, 'BYE')[0] - times(caller, 'SIP/2.0 200')[0]
        self.assertGreater(wait, 1.95)
        self.assertLess(wait, 5)
        self.assert_ended_by_us(caller, 'no media packet')


if __name__ == '__main__':
    if not shutil.which('sipp'):
        print('sipp is not installed')
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
