#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Reports over restarts: calls that a crash cuts count once, time up, most calls at a time, media quality, the
same as CSV and JSON, and how it grows from day to day."""
import csv
import io
import json
import signal
import struct
import sys
import tempfile
import time
import unittest
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, Rtp, Sdp, make_sdp, stop_cleanly
from switch import BUILD, Switch, wait_for

TOTAL, IN, OUT = ('total', None), ('mapping-gateway', 'in'), ('routing-gateway', 'out')
DAY_S = 86400


class Reports(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-report-')
        self.addCleanup(scratch.cleanup)
        self.carrier = Agent(SimpleNamespace(address='127.0.0.1', port=0), 'carrier')
        self.addCleanup(self.carrier.close)
        self.clock = Path(scratch.name) / 'clock'
        self.clock.write_bytes(struct.pack('=q', 0))
        preload = [f'LD_PRELOAD={BUILD / "tests" / "clock_step.so"}', f'VOS_CLOCK_STEP={self.clock}',
                   'ASAN_OPTIONS=verify_asan_link_order=0']
        self.switch = Switch(scratch.name, f'''mapping-gateway in
 address 127.0.0.3
 media-proxy on
 exit
routing-gateway out
 address 127.0.0.1:{self.carrier.port}
 prefixes 9
 capacity 5
 exit''', launcher=['env', *preload]).start()
        self.addCleanup(self.switch.stop)
        self.carrier.switch = (self.switch.address, self.switch.port)
        self.source = Agent(self.switch, '5551', address='127.0.0.3')
        self.addCleanup(self.source.close)

    def answered(self, caller_port=41000, callee_port=41002):
        call = self.source.invite('9111', make_sdp('127.0.0.3', caller_port), expect_challenge=False)
        ring = self.carrier.incoming()
        ring.answer(180)
        call.wait(180)
        ring.answer(200, make_sdp('127.0.0.1', callee_port))
        answer = call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        return call, ring, answer

    def hang_up(self, call, ring, _):
        request = call.send('BYE')
        ring.reply(ring.wait_request('BYE'), 200)
        self.assertEqual(self.source.wait_status(request).status, 200)

    def report(self, *words):
        return {(row['scope'], row['gateway']): row for row in self.switch.rows('show', 'report', *words)}

    def attempts(self):
        return self.report('daily').get(TOTAL, {'attempts': 0})['attempts']

    def test_a_crash_and_a_stop(self):
        self.answered()
        self.switch.stop(signal.SIGKILL)
        self.switch.start()
        rows = self.report('daily')
        self.assertEqual(set(rows), {TOTAL, IN, OUT})
        for row in rows.values():
            self.assertEqual((row['attempts'], row['answered']), (1, 1), row)
        self.switch.stop(signal.SIGKILL)
        self.switch.start()
        self.assertEqual(self.attempts(), 1)
        # Two at a time, seen by a sample; the row has them at the latest when the switch stops.
        calls = [self.answered(), self.answered()]
        self.sample(2)
        for call in calls:
            self.hang_up(*call)
        wait_for('they are counted', lambda: self.attempts() == 3)
        # Two samples that are a second apart.
        self.watched(True)
        first = time.monotonic()
        wait_for('a second passes', lambda: time.monotonic() > first + 1.2)
        self.watched(False)
        stop_cleanly(self.switch)
        self.switch.start()
        daily = self.report('daily')
        for key in TOTAL, IN, OUT:
            row = daily[key]
            self.assertEqual((row['attempts'], row['answered'], row['peak_calls']), (3, 3, 2), row)
            self.assertGreater(row['up_s'], 0)
            self.assertLessEqual(row['up_permille'], 1000)
        self.assertEqual(self.report('monthly')[TOTAL]['peak_calls'], 2)
        # The same rows as a table of numbers.
        table = list(csv.DictReader(io.StringIO(self.switch.do('show', 'report', 'daily', 'gateway', 'out', '|', 'csv'))))
        self.assertEqual([(row['gateway'], row['attempts'], row['peak_calls']) for row in table], [('out', '3', '2')])
        text = self.switch.do('show', 'report', 'daily', 'gateway', 'out', '|', 'json')
        self.assertEqual(json.loads(text)['rows'][0]['attempts'], 3)
        stop_cleanly(self.switch)

    def statistics(self, scope):
        return next(row for row in self.switch.rows('show', 'statistics') if row['scope'] == scope)

    def sample(self, calls):
        """There is a sample every two seconds, and one after each commit."""
        self.switch.do('set', 'hostname', f'sw{calls}-{time.monotonic_ns()}')
        wait_for(f'{calls} at a time', lambda: self.statistics('total')['peak_calls'] == calls)

    def watched(self, is_raised):
        """A look behind this commit, which samples before it judges; some memory is in use."""
        self.switch.do('set', *(() if is_raised else ('no',)), 'alarm', 'memory', *(('upper', '0') if is_raised else ()))
        wait_for('a look', lambda: bool(self.switch.rows('show', 'alarms')) == is_raised)

    def test_media_quality(self):
        with Rtp('127.0.0.3') as caller, Rtp('127.0.0.1') as callee:
            call = self.answered(caller.port, callee.port)
            relay = Sdp(call[2].body).rtp
            # What the caller sends: a packet in ten is left out.
            for number in range(60):
                packet = caller.packet(b'\xff' * 160)
                if number % 10 != 5:
                    caller.socket.sendto(packet, relay)
                    self.assertIsNotNone(callee.receive())
            self.hang_up(*call)
        wait_for('it is counted', lambda: self.attempts() == 1)
        rows = self.report('daily')
        for key in TOTAL, IN:
            self.assertEqual(rows[key]['loss_permille'], 100, rows[key])
            self.assertTrue(100 <= rows[key]['mos_hundredths'] < 400, rows[key])
        # Nothing came from there.
        self.assertIsNone(rows[OUT]['loss_permille'])
        stop_cleanly(self.switch)

    def test_growth(self):
        for day in range(1, 4):
            calls = [self.answered() for _ in range(day)]
            self.sample(day)
            for call in calls:
                self.hang_up(*call)
            wait_for('they are counted', lambda: self.statistics('total')['attempts'] == day)
            stop_cleanly(self.switch)
            self.clock.write_bytes(struct.pack('=q', day * DAY_S))
            self.switch.start()
        rows = self.report('growth')
        self.assertEqual(set(rows), {TOTAL, IN, OUT})
        for row in rows.values():
            self.assertEqual([row[key] for key in ('days', 'attempts_day', 'attempts_week_trend', 'peak_calls', 'peak_week_trend')],
                             [3, 2, 7, 3, 7], row)
        # 1, 2, 3: on the fifth day there are five, and this is the fourth.
        self.assertEqual((rows[OUT]['call_limit'], rows[OUT]['limit_days']), (5, 1))
        days = [row['period'] for row in self.switch.rows('show', 'report', 'daily', 'gateway', 'out')]
        self.assertEqual(rows[OUT]['limit_day'], str(date.fromisoformat(days[-1]) + timedelta(days=2)))
        self.assertIsNone(rows[IN]['call_limit'])
        self.assertGreater(rows[TOTAL]['call_limit'], 5)
        self.assertEqual(len(days), 3)
        self.assertEqual(set(self.report('growth', 'gateway', 'out')), {OUT})
        stop_cleanly(self.switch)


if __name__ == '__main__':
    unittest.main(verbosity=2)
