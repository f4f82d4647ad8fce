#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Traffic seen from outside: statistics and reports in the shell, metrics and health over HTTP, alarms by
thresholds, and the program that is told of them."""
import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, stop_cleanly
from switch import ROOT, Switch, free_tcp_port, wait_for

OPEN_METRICS = 'application/openmetrics-text; version=1.0.0'
HOOK = '''#!/bin/sh
echo "$ALARM_ID|$1|$2|$3|$4|$5|$(ls /proc/$$/fd | wc -l)" >> "{path}"
'''


class Metrics(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-metrics-')
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        self.carrier = Agent(SimpleNamespace(address='127.0.0.1', port=0), 'carrier')
        self.addCleanup(self.carrier.close)
        self.port = free_tcp_port()
        self.switch = Switch(scratch.name, f'''hostname sw1
mapping-gateway in
 address 127.0.0.3
 exit
routing-gateway out
 address 127.0.0.1:{self.carrier.port}
 prefixes 9
 exit
metrics
 http 127.0.0.1:{self.port}
 exit''').start()
        self.addCleanup(self.switch.stop)
        self.source = Agent(self.switch, '5551', address='127.0.0.3')
        self.addCleanup(self.source.close)

    # --- Calls. ---

    def answered(self):
        call = self.source.invite('9111', make_sdp('127.0.0.3', 41000), expect_challenge=False)
        ring = self.carrier.incoming()
        ring.answer(180)
        call.wait(180)
        ring.answer(200, make_sdp('127.0.0.1', 41002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        return call, ring

    def hang_up(self, call, ring):
        request = call.send('BYE')
        ring.reply(ring.wait_request('BYE'), 200)
        self.assertEqual(self.source.wait_status(request).status, 200)

    def busy(self):
        call = self.source.invite('9111', make_sdp('127.0.0.3', 41000), expect_challenge=False)
        self.carrier.incoming().answer(486)
        call.ack(call.wait(lambda m: m.status >= 300))

    def statistics(self, *words):
        return {(row['scope'], row['gateway']): row for row in self.switch.rows('show', 'statistics', *words)}

    def counted(self, attempts, *words):
        """Records are stored within some ms of a call's end."""
        key = ('total', None)
        return wait_for(f'{attempts} are counted', lambda: self.statistics(*words)
                        if self.statistics(*words)[key]['attempts'] == attempts else None)

    # --- HTTP. ---

    def get(self, path, method='GET', **headers):
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=30)
        try:
            connection.request(method, path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read().decode(), response.getheader('Content-Type')
        finally:
            connection.close()

    def is_served(self):
        try:
            return self.get('/healthz')[0] == 200
        except OSError:
            return False

    def metrics(self, **headers):
        wait_for('metrics are served', self.is_served)
        status, text, kind = self.get('/metrics', **headers)
        self.assertEqual(status, 200)
        values = {name: float(value) for name, value in
                  (line.rsplit(' ', 1) for line in text.splitlines() if not line.startswith('#'))}
        return values, text, kind

    # --- Tests. ---

    def test_calls_count(self):
        self.assertEqual(self.statistics()[('total', None)]['attempts'], 0)
        call, ring = self.answered()
        name = 'switchd_gateway_calls{scope="routing-gateway",gateway="out"}'
        values, *_ = self.metrics()
        self.assertEqual((values['switchd_calls'], values[name]), (1, 1))
        self.assertEqual(self.statistics()[('total', None)]['calls'], 1)
        self.hang_up(call, ring)
        self.busy()
        rows = self.counted(2)
        self.assertEqual(set(rows), {('total', None), ('mapping-gateway', 'in'), ('routing-gateway', 'out')})
        for row in rows.values():
            self.assertEqual([row[key] for key in ('attempts', 'answered', 'asr_permille', 'ner_permille', 'response_permille', 'abandoned')],
                             [2, 1, 500, 1000, 500, 0])
        self.assertEqual(self.counted(2, 'window', '5')[('total', None)]['window_min'], 5)
        self.assertEqual(list(self.statistics('gateway', 'out')), [('routing-gateway', 'out')])
        self.assertEqual(list(self.statistics('mapping-gateway', 'in')), [('mapping-gateway', 'in')])
        self.assertEqual(list(self.statistics('total')), [('total', None)])
        causes = self.switch.rows('show', 'statistics', 'causes', 'gateway', 'out')
        self.assertEqual([(row['cause'], row['attempts'], row['share_permille']) for row in causes], [('486', 1, 500)])

        values, *_ = self.metrics()
        self.assertEqual(values['switchd_calls'], 0)
        for scope, gateway in ('total', ''), ('mapping-gateway', 'in'), ('routing-gateway', 'out'):
            labels = f'{{scope="{scope}",gateway="{gateway}"'
            self.assertEqual(values[f'switchd_attempts_total{labels}}}'], 2)
            self.assertEqual(values[f'switchd_answered_total{labels}}}'], 1)
            self.assertEqual(values[f'switchd_failures_total{labels},cause="486"}}'], 1)
        stop_cleanly(self.switch)

    def test_reports_outlive_a_crash(self):
        self.hang_up(*self.answered())
        self.busy()
        self.counted(2)
        wait_for('the rows are stored', lambda: self.report('daily').get(('total', None), (0,))[0] == 2)
        before = self.report('daily')
        self.assertEqual(set(before), {('total', None), ('mapping-gateway', 'in'), ('routing-gateway', 'out')})
        self.switch.stop(signal.SIGKILL)
        self.switch.start()
        self.assertEqual(self.report('daily'), before)
        self.assertEqual(self.statistics()[('total', None)]['attempts'], 0)
        self.busy()
        wait_for('the day goes on', lambda: self.report('daily')[('total', None)][:3] == (3, 1, '486:2'))
        self.assertEqual(self.report('monthly'), self.report('daily'))
        self.assertEqual(set(self.report('daily', 'gateway', 'in', 'last', '2')), {('mapping-gateway', 'in')})
        self.assertIn('period,scope,gateway,attempts',
                      self.switch.do('-c', 'show report daily | csv').splitlines()[0])

    def report(self, *words):
        return {(row['scope'], row['gateway']): (row['attempts'], row['answered'], row['causes'], row['talk_s'])
                for row in self.switch.rows('show', 'report', *words)}

    def test_http(self):
        _, plain, kind = self.metrics()
        self.assertIn('text/plain', kind)
        self.assertNotIn('# EOF', plain)
        _, text, kind = self.metrics(Accept=OPEN_METRICS)
        self.assertTrue(kind.startswith('application/openmetrics-text'))
        self.assertTrue(text.endswith('# EOF\n'))
        self.assertIn('# TYPE switchd_attempts counter\n', text)
        self.assertIn('# TYPE switchd_attempts_total counter\n', plain)
        if shutil.which('promtool'):
            done = subprocess.run(['promtool', 'check', 'metrics'], input=plain, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (0, ''), done.stderr)
        self.assertEqual(self.get('/readyz')[:2], (200, 'ready\n'))
        self.assertEqual(self.get('/healthz')[:2], (200, 'ok\n'))
        self.assertEqual(self.get('/passwd')[0], 404)
        self.assertEqual(self.get('/metrics', 'HEAD')[:2], (200, ''))
        self.assertEqual(self.get('/metrics', 'DELETE')[0], 405)
        # Clients that connect and say nothing take no more than their share, and not for ever.
        idle = [socket.create_connection(('127.0.0.1', self.port), 30) for _ in range(40)]
        self.assertEqual(self.switch.ctl('show', 'version').returncode, 0)
        for sock in idle:
            sock.close()
        wait_for('it serves again', self.is_served)
        # Other machines only when that is wanted.
        done = self.switch.ctl('set', 'metrics', 'http', f'0.0.0.0:{self.port}')
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('remote', done.stderr)
        # Taken by somebody else: an alarm until it is free.
        with socket.socket() as other:
            other.bind(('127.0.0.1', 0))
            other.listen()
            self.switch.do('set', 'metrics', 'http', f'127.0.0.1:{other.getsockname()[1]}')
            wait_for('an alarm says so', lambda: [row['kind'] for row in self.switch.rows('show', 'alarms')] ==
                     ['metrics'])
            self.assertFalse(self.is_served())
        self.switch.do('set', 'metrics', 'http', f'127.0.0.1:{self.port}')
        wait_for('it serves again', self.is_served)
        wait_for('the alarm ends', lambda: not self.switch.rows('show', 'alarms'))
        stop_cleanly(self.switch)

    def test_alarms_and_their_program(self):
        told = self.folder / 'told'
        hook = self.folder / 'hook'
        hook.write_text(HOOK.format(path=told))
        hook.chmod(0o755)
        self.switch.do('set', 'alarm-hook', 'command', str(hook))
        self.switch.do('set', 'alarm', 'routing-gateway-asr', 'attempts', '2')
        self.switch.do('set', 'alarm', 'routing-gateway-asr', 'lower', '40')
        self.busy()
        self.busy()
        [alarm] = wait_for('the ratio is too low', lambda: self.switch.rows('show', 'alarms'))
        self.assertEqual((alarm['kind'], alarm['subject'], alarm['level']), ('routing-gateway-asr', 'out', 'low'))
        self.assertIn('percent is 0; lower 40', alarm['text'])
        # At 33 % it is still below; at 50 % it has come back by more than a tenth.
        for _ in range(2):
            self.hang_up(*self.answered())
        wait_for('the alarm ends', lambda: not self.switch.rows('show', 'alarms'))
        lines = wait_for('the program is told of both', lambda: told.exists() and
                         len(told.read_text().splitlines()) == 2 and told.read_text().splitlines())
        for line, word in zip(lines, ('raised', 'cleared')):
            number, what, kind, subject, level, text, descriptors = line.split('|')
            self.assertEqual((number, what, kind, subject, level),
                             (str(alarm['id']), word, 'routing-gateway-asr', 'out', 'low'))
            self.assertIn('lower 40', text)
            # Its own three, and some of the shell's; ours would be dozens.
            self.assertLess(int(descriptors), 10)
        # A threshold that is taken away ends what it raised. The machine has some memory in use.
        self.switch.do('set', 'alarm', 'memory', 'upper', '0')
        wait_for('memory is in use', lambda: [row['kind'] for row in self.switch.rows('show', 'alarms')] == ['memory'])
        self.switch.do('set', 'no', 'alarm', 'memory')
        wait_for('nobody watches', lambda: not self.switch.rows('show', 'alarms'))
        # One that hangs is ended, with what it started.
        hook.write_text(f'#!/bin/sh\necho $$ > {self.folder}/pid\nsleep 1000\n')
        self.switch.do('set', 'alarm-hook', 'time-limit', '1')
        self.switch.do('set', 'alarm', 'memory', 'upper', '0')
        wait_for('it is ended', lambda: 'it took longer than 1 s' in self.switch.log())
        group = int((self.folder / 'pid').read_text())
        wait_for('nothing of it is left', lambda: not processes_of(group))
        stop_cleanly(self.switch)


def processes_of(group):
    found = []
    for stat in Path('/proc').glob('[0-9]*/stat'):
        try:
            fields = re.sub(r'^.*\) ', '', stat.read_text()).split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != 'Z':
            found.append(stat.parent.name)
    return found


class Files(unittest.TestCase):
    """What is installed for Prometheus and Grafana speaks of metrics there are."""

    def test_names(self):
        source = (ROOT / 'switchd/stats/metrics.c').read_text()
        known = {f'switchd_{name}' for name in re.findall(r'"([a-z_]+)"', source)}
        known |= {f'{name}_total' for name in known}
        dashboard = (ROOT / 'data/grafana/switchd.json').read_text()
        rules = (ROOT / 'data/prometheus/switchd.rules.yml').read_text()
        for text in dashboard, rules:
            used = set(re.findall(r'\bswitchd_[a-z_]+', text))
            self.assertTrue(used)
            self.assertEqual(used - known, set())
        recorded = set(re.findall(r'record: (\S+)', rules))
        self.assertEqual(set(re.findall(r'switchd:\w+:\w+', dashboard)) - recorded, set())
        panels = json.loads(dashboard)['panels']
        self.assertEqual(len({panel['id'] for panel in panels}), len(panels))

    @unittest.skipUnless(shutil.which('promtool'), 'promtool is not installed')
    def test_rules(self):
        for words in ['check', 'rules', 'switchd.rules.yml'], ['test', 'rules', 'switchd.rules.test.yml']:
            done = subprocess.run(['promtool', *words], cwd=ROOT / 'data/prometheus', capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == '__main__':
    unittest.main()
