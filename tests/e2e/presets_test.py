#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every file of data/presets: it passes a check, it applies on a fresh switch, each line of it is in force
then, and the figures in its comments are those that the switch reckons itself."""
import json
import re
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from switch import ROOT, Switch

FOLDER = ROOT / 'data' / 'presets'
PRESETS = sorted(FOLDER.glob('*.conf'))
SCREEN = FOLDER / 'vos3000-screen.conf'
LINE = re.compile(r'([A-Z0-9_]+) = (.+)')


def settings(text):
    """Name -> value, of every line that is no comment; each has to be a setting."""
    found = {}
    for line in text.splitlines():
        if not line or line.startswith('#'):
            continue
        match = LINE.fullmatch(line)
        if not match or match.group(1) in found:
            raise AssertionError(f'no single setting: {line}')
        found[match.group(1)] = match.group(2).strip('"')
    return found


def claim(text, pattern):
    """The number of a line such as "# Capacity: 3,000 devices"; None when there is none."""
    match = re.search(rf'^# {pattern}$', text, re.M)
    return int(match.group(1).replace(',', '')) if match else None


class Presets(unittest.TestCase):
    def fresh(self):
        folder = tempfile.TemporaryDirectory(prefix='vos-presets-')
        self.addCleanup(folder.cleanup)
        switch = Switch(folder.name, '').start()
        self.addCleanup(switch.stop)
        return switch

    def value(self, switch, name):
        return str(switch.json('show', 'parameter', name)['item']['value'])

    def capacity(self, switch, text):
        devices = claim(text, r'Capacity: ([\d,]+) devices')
        self.assertIsNotNone(devices)
        for count, fits in (devices, True), (devices + 1, False):
            item = switch.json(f'show nat-keep-alive capacity devices {count}')['item']
            self.assertEqual(item['capacity_devices'], devices)
            self.assertIs(item['fits'], fits)

    def keepalive(self, switch, text):
        self.capacity(switch, text)
        item = switch.json('show nat-keep-alive capacity')['item']
        bursts = -(-item['period_s'] * 1000 // item['send_interval_ms'])
        self.assertIn(f'#     ceil({item["period_s"]} x 1000 / {item["send_interval_ms"]}) x {item["send_one_time"]}'
                      f' = {bursts} x {item["send_one_time"]}\n', text)
        fair = re.search(r'^# Fair: ([\d,]+) devices, each within (\d+) rounds, (\d+) s$', text, re.M)
        self.assertIs(fair is not None, item['is_fair'])
        if fair:
            devices, rounds, seconds = (int(number.replace(',', '')) for number in fair.groups())
            item = switch.json(f'show nat-keep-alive capacity devices {devices}')['item']
            self.assertEqual((item['fair_rounds'], item['fair_reach_s']), (rounds, seconds))
            self.assertEqual(item['starved_devices'], devices - item['capacity_devices'])

    def calls(self, switch, text):
        calls = claim(text, r'Calls: ([\d,]+)')
        self.assertIsNotNone(calls)
        ports = switch.json('show media ports')['item']
        self.assertEqual(ports['pairs_total'], calls)

    def refresh(self, switch, text):
        ttl = int(self.value(switch, 'SS_SIP_SESSION_TTL'))
        segment = int(self.value(switch, 'SS_SIP_SESSION_UPDATE_SEGMENT'))
        refresh_s = claim(text, r'Refresh: (\d+) s')
        if ttl == 0:
            self.assertIsNone(refresh_s)
        else:
            self.assertEqual(ttl // segment if segment <= 10 else segment, refresh_s)

    def guesses(self, switch, text):
        retry = int(self.value(switch, 'SS_AUTHENTICATION_MAX_RETRY'))
        suspend_s = int(self.value(switch, 'SS_AUTHENTICATION_FAILED_SUSPEND'))
        expected = (retry + 1) * 3600 // suspend_s if retry else None
        self.assertEqual(claim(text, r'Guesses: ([\d,]+) an hour'), expected)

    FIGURES = {'keepalive': keepalive, 'rtp': calls, 'session': refresh, 'authentication': guesses}

    def check_warnings(self, path, text, warnings):
        """Only what is not in effect yet, and an overlap of which the file itself speaks."""
        for warning in warnings:
            message = warning['message']
            if 'not in effect yet' in message or ('ephemeral' in message and 'ephemeral' in text):
                continue
            self.fail(f'{path.name}: {message}')

    def test_every_preset(self):
        self.assertGreaterEqual(len(PRESETS), 18)
        for path in PRESETS:
            with self.subTest(preset=path.name):
                text = path.read_text()
                switch = self.fresh()
                generation = switch.json('show', 'version')['generation']
                switch.do('-q', 'apply', '--check', str(path))
                self.assertEqual(switch.json('show', 'version')['generation'], generation)
                done = json.loads(switch.do('-q', '-j', 'apply', str(path)))
                self.check_warnings(path, text, done.get('warnings', ()))
                for name, value in settings(text).items():
                    now = self.value(switch, name)
                    self.assertEqual(now.lower(), value.lower(), name)
                kind = path.name.partition('-')[0]
                if kind in self.FIGURES:
                    self.FIGURES[kind](self, switch, text)

    def test_a_preset_after_another(self):
        """On a switch where another one of each kind was applied before, in either order."""
        switch = self.fresh()
        for path in [*PRESETS, *reversed(PRESETS)]:
            switch.do('-q', 'apply', str(path))
            for name, value in settings(path.read_text()).items():
                self.assertEqual(self.value(switch, name).lower(), value.lower(), f'{path.name}: {name}')

    def test_the_screen_is_the_defaults(self):
        switch = self.fresh()
        found = settings(SCREEN.read_text())
        parameters = switch.rows('show', 'parameters')
        self.assertEqual(set(found), {row['name'] for row in parameters if row['default'] is not None})
        switch.set('SS_MEDIA_PROXY_MODE', 'off')
        switch.set('SS_SIP_RESEND_INTERVAL', '1,2')
        switch.do('-q', 'apply', str(SCREEN))
        self.assertEqual(switch.rows('show', 'parameters', 'changed'), [])

    def test_figures_that_are_wrong_are_found(self):
        switch = self.fresh()
        switch.set('SS_SIP_NAT_KEEP_ALIVE_FAIR', 'on')
        text = '#     ceil(30 x 1000 / 500) x 3000 = 60 x 3000\n# Capacity: 180,000 devices\n' \
            '# Fair: 200,000 devices, each within 2 rounds, 60 s\n# Calls: 15,000\n# Refresh: 300 s\n# Guesses: 140 an hour\n'
        for check in self.FIGURES.values():
            check(self, switch, text)
            with self.assertRaises(AssertionError):
                check(self, switch, text.replace('0', '1'))


if __name__ == '__main__':
    unittest.main(verbosity=2)
