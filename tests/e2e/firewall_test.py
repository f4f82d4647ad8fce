#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Suspended sources in the kernel: a switch and a guesser in network namespaces of the test's own, and the sets
of nftables between them."""
import json
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import netns  # noqa: E402
from switch import BUILD, ROOT, SKIPPED, Switch, wait_for  # noqa: E402

PASSWORD = 'a long one'

# A phone in the guesser's namespace: one JSON line in, one out.
GUESSER = '''
import json, sys
sys.path.insert(0, sys.argv[1])
from sip_client import Phone
phones = {}
for line in sys.stdin:
    ask = json.loads(line)
    phone = phones.setdefault(ask["address"], Phone((ask["switch"], 5060), "1001", "", address=ask["address"]))
    phone.password = ask["password"]
    if ask["what"] == "register":
        answer = phone.ask(phone.text())
        answer = answer and phone.ask(phone.text(phone.credentials(answer.challenge()))) \\
            if answer and answer.status == 401 else answer
    else:
        answer = phone.ask(phone.text(method=ask["what"]), ask["timeout_s"])
    print(answer.status if answer else 0, flush=True)
'''


class Firewall(unittest.TestCase):
    def setUp(self):
        self.inside, self.outside = netns.Netns('in'), netns.Netns('out')
        self.addCleanup(self.inside.delete)
        self.addCleanup(self.outside.delete)
        netns.link(self.inside, 'sw', '192.0.2.1/24', self.outside, 'net', '192.0.2.66/24')
        self.outside.ip('addr', 'add', '192.0.2.77/24', 'dev', 'net')
        self.inside.ip('addr', 'add', '2001:db8::1/64', 'dev', 'sw', 'nodad')
        self.outside.ip('addr', 'add', '2001:db8::66/64', 'dev', 'net', 'nodad')
        folder = tempfile.TemporaryDirectory(prefix='vos-firewall-')
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.guesser = subprocess.Popen(
            [*self.outside.launcher, sys.executable, '-c', GUESSER, str(ROOT / 'tests' / 'support')],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(self.stop_guesser)

    def stop_guesser(self):
        self.guesser.stdin.close()
        self.guesser.wait(10)
        self.guesser.stdout.close()

    def start(self, *params, launcher=()):
        config = '\n'.join([f'phone 1001\n password plain "{PASSWORD}"\n exit',
                            'listen six\n udp [2001:db8::1]:5060\n exit', 'SS_AUTHENTICATION_MAX_RETRY = 1', *params])
        self.switch = Switch(self.folder, config, '192.0.2.1', 5060, [*self.inside.launcher, *launcher])
        self.addCleanup(self.stop_switch)
        return self.switch.start()

    def stop_switch(self):
        if self.switch.process:
            self.assertEqual(self.switch.stop(), 0)

    def ask(self, what='register', address='192.0.2.66', password='wrong', timeout_s=0.5):
        switch = '2001:db8::1' if ':' in address else '192.0.2.1'
        self.guesser.stdin.write(json.dumps({'what': what, 'address': address, 'switch': switch,
                                             'password': password, 'timeout_s': timeout_s}) + '\n')
        self.guesser.stdin.flush()
        return int(self.guesser.stdout.readline())

    def ruleset(self):
        return self.inside.run('nft', 'list', 'ruleset')

    def elements(self, which):
        found = re.search(rf'set {which} {{.*?(?:elements = {{(.*?)}}\s*)?}}', self.ruleset(), re.S)
        return re.findall(r'(\S+) timeout', found.group(1) or '') if found else None

    def state(self):
        return self.switch.json('show', 'authentication', 'firewall')['item']

    def suspend(self, address='192.0.2.66'):
        self.assertEqual([self.ask(address=address) for _ in range(2)], [401, 403])

    def test_the_sets_follow(self):
        self.start('SS_AUTHENTICATION_FIREWALL = nftables')
        wait_for('the table is there', lambda: self.state()['state'] == 'active')
        self.assertEqual((self.elements('suspended4'), self.elements('suspended6')), ([], []))
        self.suspend()
        self.suspend('2001:db8::66')
        wait_for('the address is in', lambda: self.elements('suspended4') == ['192.0.2.66'])
        wait_for('the network is in', lambda: self.elements('suspended6') == ['2001:db8::'])
        self.assertRegex(self.ruleset(), r'192\.0\.2\.66 timeout (2m5\ds|3m)')
        # REGISTER ends in the kernel, before switchd; what may belong to a call does not.
        before = self.switch.rows('show', 'sip', 'guard')[0]
        self.assertEqual(self.ask('REGISTER'), 0)
        self.assertEqual(self.ask('REGISTER', '2001:db8::66'), 0)
        self.assertEqual(self.ask('OPTIONS'), 0)
        self.assertEqual(self.ask('BYE'), 481)
        after = self.switch.rows('show', 'sip', 'guard')[0]
        self.assertEqual(after['suspended_dropped'], before['suspended_dropped'])
        self.assertEqual(after['suspended_inside'], before['suspended_inside'] + 1)
        wait_for('what was dropped is counted', lambda: self.state()['packets'] == 3, 20)
        self.assertEqual(self.ask(address='192.0.2.77', password=PASSWORD), 200)
        self.switch.do('clear', 'authentication', 'suspended', 'address', '192.0.2.66')
        wait_for('it is out', lambda: self.elements('suspended4') == [])
        self.assertEqual(self.ask(password=PASSWORD), 200)
        self.assertEqual(self.elements('suspended6'), ['2001:db8::'])
        self.assertEqual(self.switch.stop(), 0)
        self.assertEqual(self.ruleset(), '')
        # After a restart the kernel gets what the store kept.
        self.switch.start(apply=False)
        wait_for('the network is in again', lambda: self.elements('suspended6') == ['2001:db8::'])

    def test_it_is_switched_while_running(self):
        self.start()
        self.suspend()
        self.assertEqual(self.ruleset(), '')
        self.assertEqual(self.state()['state'], 'off')
        self.switch.set('SS_AUTHENTICATION_FIREWALL', 'nftables')
        wait_for('the address is in', lambda: self.elements('suspended4') == ['192.0.2.66'])
        self.switch.do('set', 'trusted', '192.0.2.0/24', 'memo', 'ours')
        wait_for('one that is trusted is not', lambda: self.elements('suspended4') == [])
        self.inside.run('nft', 'flush', 'ruleset')
        wait_for('a table that somebody removed is made again', lambda: self.elements('suspended4') == [], 40)
        self.switch.set('SS_AUTHENTICATION_FIREWALL', 'off')
        wait_for('the table is gone', lambda: self.ruleset() == '')

    def test_the_right_is_missing(self):
        self.start('SS_AUTHENTICATION_FIREWALL = nftables',
                   launcher=['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'])
        wait_for('it is said', lambda: self.state()['state'] == 'failed')
        self.assertIn('Operation not permitted', self.state()['fault'])
        wait_for('and is an alarm', lambda: [row for row in self.switch.rows('show', 'alarms')
                                             if row['kind'] == 'firewall'])
        self.assertIn('CAP_NET_ADMIN', self.switch.log())
        # The guard does it alone.
        self.suspend()
        for _ in range(10):
            self.ask('REGISTER', timeout_s=0.05)
        self.assertGreater(self.switch.rows('show', 'sip', 'guard')[0]['suspended_dropped'], 0)
        self.switch.set('SS_AUTHENTICATION_FIREWALL', 'off')
        wait_for('its alarm ends', lambda: not [row for row in self.switch.rows('show', 'alarms')
                                                if row['kind'] == 'firewall'])


if __name__ == '__main__':
    if not netns.are_possible():
        print('no network namespaces here')
        sys.exit(SKIPPED)
    assert BUILD
    unittest.main(verbosity=2)
