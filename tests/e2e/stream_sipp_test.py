#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The calls of calls_sipp_test over TCP: sipp with one connection for all (t1) and with one for each call (tn).
sipp's own TLS is not in Debian's package; stream_test speaks it."""
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import stop_cleanly
from sipp import Sipp
from switch import SKIPPED, Switch, free_tcp_port, free_udp_port, wait_for

CALLER, CALLEE = '1001', '1002'
PASSWORDS = {CALLER: 'caller-password', CALLEE: 'callee-password'}


class OverTcp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-stream-sipp-')
        cls.port = free_tcp_port()
        lines = [f'phone {number}\n password plain "{password}"\n exit' for number, password in PASSWORDS.items()]
        lines += [f'listen stream\n tcp 127.0.0.1:{cls.port}\n exit', 'SS_SIP_AUTHENTICATION_REALM = sipp.test',
                  'SS_RTP_PORT_RANGE = 21000,21399']
        cls.switch = Switch(cls.scratch.name, '\n'.join(lines)).start()

    @classmethod
    def tearDownClass(cls):
        stop_cleanly(cls.switch)
        cls.scratch.cleanup()

    def setUp(self):
        self.started = []

    def tearDown(self):
        for sipp in self.started:
            sipp.stop()
        if self.switch.process:
            self.switch.do('-y', 'clear', 'registration', 'all')

    def sipp(self, scenario, user=CALLER, transport='t1', **more):
        values = dict(USER=user, PASSWORD=PASSWORDS[user], CHALLENGE=401, HOLD_MS=0, EXPIRES=300, ANSWER=200, STATUS=0,
                      REASON='', LINGER_MS=0, CONTACT_PARAMS='')
        values.update((key, more.pop(key)) for key in list(more) if key.isupper())
        more.setdefault('port', free_tcp_port() if transport.startswith('t') else free_udp_port())
        port = self.port if transport.startswith('t') else None
        sipp = Sipp(self.scratch.name, scenario, self.switch, transport=transport, switch_port=port, timeout_s=30,
                    **more, **values)
        self.started.append(sipp)
        return sipp

    def callee(self, scenario, transport='t1', **more):
        """Registers the phone by a connection that ends, and starts its scenario on the port of its Contact."""
        to = self.port if transport.startswith('t') else self.switch.port
        port = self.sipp('register', CALLEE, transport, auth_uri=f'127.0.0.1:{to}').finish().port
        return self.sipp(scenario, CALLEE, transport, port=port, **more).ready()

    def caller(self, scenario, transport='t1', **more):
        to = self.port if transport.startswith('t') else self.switch.port
        return self.sipp(scenario, CALLER, transport, service=CALLEE, auth_uri=f'{CALLEE}@127.0.0.1:{to}', **more)

    def play(self, callee_scenario, caller_scenario, callee_transport='t1', caller_transport='t1', **more):
        callee = self.callee(callee_scenario, callee_transport, **more)
        caller = self.caller(caller_scenario, caller_transport, **more).finish()
        callee.finish()
        wait_for('no call is left', lambda: not self.switch.rows('show', 'calls'))
        return caller, callee

    def test_a_registration(self):
        sipp = self.sipp('register', auth_uri=f'127.0.0.1:{self.port}').finish()
        self.assertEqual(len(sipp.received(status=200)), 1)

    def test_calls_between_the_transports(self):
        for callee_transport, caller_transport in (('t1', 't1'), ('u1', 't1'), ('t1', 'u1')):
            with self.subTest(callee=callee_transport, caller=caller_transport):
                caller, callee = self.play('uas_byed', 'uac_bye', callee_transport, caller_transport)
                self.assertEqual(len(callee.received('INVITE')), 1)
                self.play('uas_bye', 'uac_byed', callee_transport, caller_transport)

    def test_a_call_that_is_cancelled(self):
        self.play('uas_cancelled', 'uac_cancel')

    def test_hold_and_resume(self):
        self.play('uas_hold', 'uac_hold')

    def test_many_calls_with_a_connection_each(self):
        callee = self.callee('uas_byed', calls=50)
        caller = self.caller('uac_bye', 'tn', calls=50).finish()
        callee.finish()
        # Over TCP nobody repeats anything.
        self.assertEqual(len(callee.received('INVITE')), 50)
        self.assertEqual(len(caller.received(status=200)), 100)
        wait_for('no call is left', lambda: not self.switch.rows('show', 'calls'))


if __name__ == '__main__':
    if not shutil.which('sipp'):
        print('sipp is not installed')
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
