#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reliable provisional answers (RFC 3262) and UPDATE before the answer (RFC 3311), sipp at both ends: one side
reliable, the other not, or both; and that what has no PRACK is repeated on SS_SIP_RESEND_INTERVAL."""
import re
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from sipp import Sipp
from switch import SKIPPED, Switch, free_port_range, free_udp_port, wait_for

WAITS_S = [0.3, 0.5, 0.9]


def configuration(port, low):
    return '\n'.join([
        'mapping-gateway in\n address 127.0.0.1\n exit',
        f'routing-gateway out\n address 127.0.0.1:{port}\n prefixes 9\n exit',
        f'SS_RTP_PORT_RANGE = {low},{low + 99}', 'SS_MEDIA_PROXY_MODE = on'])


class Reliable(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-reliable-')
        self.addCleanup(scratch.cleanup)
        self.folder = scratch.name
        self.port = free_udp_port()
        self.switch = Switch(self.folder, configuration(self.port, free_port_range(100)))
        self.addCleanup(self.switch.stop)
        self.switch.start()

    def sipp(self, scenario, **values):
        sipp = Sipp(self.folder, scenario, self.switch, timeout_s=40, **values)
        self.addCleanup(sipp.stop)
        return sipp

    def play(self, callee, caller, extension='Supported'):
        callee = self.sipp(callee, port=self.port).ready()
        caller = self.sipp(caller, service='900', EXTENSION=extension).finish()
        callee.finish()
        wait_for('no call is left', lambda: not self.switch.rows('show', 'calls'), timeout_s=40)
        return caller, callee

    def final(self, caller):
        return [answer for answer in caller.received(status=200) if answer.get('CSeq') == '1 INVITE'][0]

    def test_both_sides(self):
        caller, callee = self.play('uas_prack', 'uac_prack')
        self.assertIn('100rel', ' '.join(callee.received('INVITE')[0].all('Supported')))
        # Agreed on before: nothing of it stands in the answer.
        self.assertEqual(self.final(caller).sdp('m'), [])

    def test_only_the_callee(self):
        caller, _ = self.play('uas_prack', 'uac_early')
        self.assertIsNone(caller.received(status=183)[0].get('RSeq'))
        # Its 183 has bound nobody; the answer has the SDP that the callee's has not.
        self.assertEqual(self.final(caller).sdp('m'), caller.received(status=183)[0].sdp('m'))

    def test_only_the_caller(self):
        for extension in ('Supported', 'Require'):
            caller, callee = self.play('uas_progress', 'uac_prack', extension)
            self.assertEqual(callee.received('PRACK'), [])
            self.assertEqual(self.final(caller).sdp('m'), [])

    def test_late_offer_is_answered_by_prack(self):
        caller, callee = self.play('uas_prack', 'uac_prack_late')
        self.assertEqual(callee.received('INVITE')[0].sdp('m'), [])
        offer, answer = caller.received(status=183)[0].sdp('m'), callee.received('PRACK')[0].sdp('m')
        self.assertRegex(offer[0], r'^audio \d+ RTP/AVP 8')
        self.assertRegex(answer[0], r'^audio \d+ RTP/AVP 8')
        self.assertNotIn('audio 7000 ', offer[0])
        self.assertNotIn('audio 6000 ', answer[0])

    def test_update_before_the_answer(self):
        caller, callee = self.play('uas_update', 'uac_update')
        self.assertEqual(len(callee.received('UPDATE')), 1)
        answer = [message for message in caller.received(status=200) if message.get('CSeq') == '3 UPDATE'][0]
        # The ports of ours stay where they are.
        self.assertEqual(answer.sdp('m'), caller.received(status=183)[0].sdp('m'))
        self.assertEqual(self.final(caller).sdp('m'), [])

    def test_without_prack(self):
        self.switch.set('SS_SIP_RESEND_INTERVAL', ','.join(map(str, WAITS_S)))
        caller, _ = self.play('uas_progress_cancelled', 'uac_no_prack', 'Require')
        text = caller.messages_path.read_text(errors='replace').replace('\r\n', '\n')
        times = [int(hours) * 3600 + int(minutes) * 60 + float(seconds) for hours, minutes, seconds in re.findall(
            r'^-{20,} \d+-\d+-\d+[ \t](\d+):(\d+):(\d+\.\d+)\nUDP message received[^\n]*\n\nSIP/2.0 (?:183|504) ',
            text, flags=re.M)]
        gaps = [(later - earlier) % 86400 for earlier, later in zip(times, times[1:])]
        self.assertEqual(len(gaps), 4, text)
        # To the tick on the bench's clock (unit/sip_reliable_test); here what is late is the machine's business.
        self.assertGreater(sum(gaps), sum(WAITS_S) + WAITS_S[0] - 0.5, gaps)
        self.assertIn('no PRACK', caller.received(status=504)[0].get('Reason'))

    def test_switched_off(self):
        self.switch.do('set', 'mapping-gateway', 'in', '100rel', 'off')
        callee = self.sipp('uas_progress', port=self.port).ready()
        caller = self.sipp('uac_extension', service='900', EXTENSION='Require').finish()
        self.assertEqual(caller.received(status=420)[0].get('Unsupported'), '100rel')
        self.assertEqual(callee.received(), [])


if __name__ == '__main__':
    if not shutil.which('sipp'):
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
