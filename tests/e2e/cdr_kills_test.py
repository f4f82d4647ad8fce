#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A slice of bench/cdr_kills.py: under load, with a disk whose sync takes 10 ms, a switch that is killed keeps a
record of every answered call, and each once."""
import os
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'bench'))
from cdr_kills import Kills

KILLS, RATE, SYNC_MS = 3, 300, 10
SLACK_S = 15  # of a machine that has other things to do


class KillsSlice(unittest.TestCase):
    def test_nothing_is_lost(self):
        seed = int(os.environ.get('VOS_SEED') or time.time_ns() % 1000000)
        scratch = tempfile.TemporaryDirectory(prefix='vos-cdr-kills-')
        self.addCleanup(scratch.cleanup)
        kills = Kills(scratch.name, RATE, SYNC_MS, seed)
        self.addCleanup(kills.stop)
        for number in range(KILLS):
            kills.kill(is_late=number == 0)
        newest = kills.settle()
        figures = kills.reconcile(SLACK_S)
        print(f'seed {seed}: {figures}')
        self.assertEqual(figures['records'], newest)
        self.assertGreater(figures['answered'], 0)


if __name__ == '__main__':
    unittest.main(verbosity=2)
