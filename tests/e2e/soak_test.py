#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A slice of bench/soak.py: calls that end in every way over a bad path leave no call, no port and no media
session. What lingers for half a minute, as RFC 3261 wants it, is the whole soak's matter."""
import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'bench'))
from siplib import stop_cleanly
from soak import Soak

CALLS, RATE = 1000, 500
SHORT = 'SS_MAX_CALL_DURATION = 2\nSS_NO_MEDIA_HANGUP_TIME = 1\n'  # those of which one end is gone
SEED = int(os.environ.get('VOS_SEED', '1'))
KINDS = ('answered', 'refused', 'cancelled', 'silent', 'bye_caller', 'bye_callee', 'again', 'vanished_caller',
         'vanished_callee', 'second', 'redirected', 'reliable', 'lost', 'doubled', 'late')


class SoakSlice(unittest.TestCase):
    def test_nothing_is_left(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-soak-')
        self.addCleanup(scratch.cleanup)
        soak = Soak(scratch.name, seed=SEED, more=SHORT)
        self.addCleanup(soak.stop)
        soak.start()
        seen = soak.run(CALLS, RATE)
        print(f'seed {SEED}: {seen}')
        self.assertEqual([kind for kind in KINDS if not seen[kind]], [])
        self.assertGreater(seen['answered'], CALLS // 4)
        left = soak.left()
        self.assertEqual([left[kind] for kind in ('calls', 'sessions')], [0, 0])
        stop_cleanly(soak.switch)


if __name__ == '__main__':
    unittest.main(verbosity=2)
