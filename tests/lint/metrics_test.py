#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules for Prometheus and panels for Grafana speak of metrics, and of labels, that switchd has: counters as
NAME_total, gauges as NAME, recorded series as they are recorded."""
import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import lint

SOURCE = 'switchd/stats/metrics.c'
RULES = 'data/prometheus/switchd.rules.yml'
DASHBOARD = 'data/grafana/switchd.json'

# Those of Prometheus itself.
LABELS = {'instance', 'job', 'le'}
NAME = re.compile(r'\bswitchd(?::\w+)+|\bswitchd_\w+')
SELECTOR = re.compile(r'\{([^{}]*)\}')
GROUPING = re.compile(r'\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)')


def known_names(source):
    """Names of series, from the calls that print a family, and from the table of sums, which are counters."""
    gauges = set(re.findall(r'\bgauge\(\s*&?printing,\s*"(\w+)"', source))
    gauges |= set(re.findall(r'\bprint_gateways\(\s*&?printing,\s*"(\w+)"', source))
    counters = set(re.findall(r'\bcounter\(\s*&?printing,\s*"(\w+)"', source))
    counters |= set(re.findall(r'^\t\{"(\w+)",', source, re.M))
    for name, is_counter in re.findall(r'\bfamily\(\s*&?printing,\s*"(\w+)",\s*(true|false)', source):
        (counters if is_counter == 'true' else gauges).add(name)
    return {f'switchd_{name}' for name in gauges} | {f'switchd_{name}_total' for name in counters}


def known_labels(source):
    return LABELS | set(re.findall(r'[{,](\w+)=\\"', source))


def expressions(rules, dashboard):
    """(file, expression) of all rules and panels."""
    found = [(RULES, text) for text in re.findall(r'^\s+expr: (?!>-)(.*)$', rules, re.M)]
    found += [(RULES, text) for text in re.findall(r'^\s+expr: >-\n((?: {10}.*\n)+)', rules, re.M)]
    parsed = json.loads(dashboard)
    for panel in parsed['panels']:
        found += [(DASHBOARD, target['expr']) for target in panel.get('targets', [])]
    for variable in parsed.get('templating', {}).get('list', []):
        query = variable['query']
        if isinstance(query, dict):
            found.append((DASHBOARD, query['query']))
    return found


def labels_of(expression):
    used = set()
    for selector in SELECTOR.findall(expression):
        used |= set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)', selector))
    for group in GROUPING.findall(expression):
        used |= set(re.findall(r'\w+', group))
    used |= set(re.findall(r'label_values\([^,]+,\s*(\w+)\)', expression))
    return used


def check(root):
    source = (root / SOURCE).read_text()
    rules = (root / RULES).read_text()
    dashboard = (root / DASHBOARD).read_text()
    names = known_names(source) | set(re.findall(r'record: (\S+)', rules))
    labels = known_labels(source)
    faults = []
    for where, expression in expressions(rules, dashboard):
        used = NAME.findall(expression)
        if not used and 'up{' not in expression:
            faults.append(f'{where}: {expression}: no metric of switchd')
        faults += [f'{where}: {name} is no metric' for name in used if name not in names]
        faults += [f'{where}: {label} is no label' for label in sorted(labels_of(expression) - labels)]
    return faults


def tree(rule='switchd_calls > 1', panel='rate(switchd_rang_total{scope="total"}[5m])'):
    return {
        SOURCE: 'static const struct sum_row sum_rows[] = {\n\t{"rang", "help", 1},\n};\n'
                'gauge(&printing, "calls", "help", 1);\nbuf_printf(out, "switchd_%s{scope=\\"%s\\"}");\n',
        RULES: f'groups:\n  - rules:\n      - alert: A\n        expr: {rule}\n',
        DASHBOARD: json.dumps({'panels': [{'targets': [{'expr': panel}]}]}),
    }


if __name__ == '__main__':
    lint.prove(check, ((tree(rule='switchd_call > 1'), 'switchd_call is no metric'),
                       (tree(rule='switchd_calls_total > 1'), 'switchd_calls_total is no metric'),
                       (tree(rule='1 > 0'), 'no metric of switchd'),
                       (tree(panel='switchd_rang{scope="total"}'), 'switchd_rang is no metric'),
                       (tree(panel='switchd_calls{gate="x"}'), 'gate is no label'),
                       (tree(panel='sum by (cause) (switchd_calls)'), 'cause is no label'),
                       (tree(panel='switchd:asr:ratio'), 'switchd:asr:ratio is no metric')),
               (tree(), tree(panel='sum by (scope, instance) (switchd_calls)')))
    lint.report(check(lint.ROOT))
