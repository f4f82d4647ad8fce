#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A phone behind an edge proxy: Kamailio adds the Path (RFC 3327), and calls to the phone go back through it."""
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp
from switch import SKIPPED, Switch, free_udp_port, udp_port_is_bound, wait_for

PASSWORD = 'right-password'
EDGE, PHONE = '127.0.0.7', '127.0.0.9'
SDP = make_sdp('127.0.0.1', 40000)
CONFIG = '''
debug=2
log_stderror=yes
children=1
disable_tcp=yes
listen=udp:{edge}:{port}
mpath="{modules}/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "path.so"
loadmodule "textops.so"
loadmodule "siputils.so"
request_route {{
	if (is_method("REGISTER"))
		add_path();
	if (is_method("INVITE") && !has_totag())
		record_route();
	if (is_method("CANCEL") && !t_check_trans())
		exit;
	# From the switch: where Route and Request-URI say. From a phone: to the switch.
	if (!loose_route() && $sp != {switch_port})
		$du = "sip:{switch}:{switch_port}";
	t_relay();
}}
'''


def modules_folder():
    return next(Path('/usr/lib').glob('**/kamailio/modules'), None)


class Edge:
    """What an Agent needs to know of where it sends to."""

    def __init__(self, folder, switch):
        self.address, self.port = EDGE, free_udp_port(EDGE)
        path = Path(folder) / 'kamailio.cfg'
        path.write_text(CONFIG.format(edge=EDGE, port=self.port, modules=modules_folder(), switch=switch.address,
                                      switch_port=switch.port))
        self.log = Path(folder) / 'kamailio.log'
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(['kamailio', '-DD', '-f', str(path), '-Y', folder, '-m', '32', '-M', '8'],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for('kamailio listens', self._is_ready, 20)

    def _is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f'kamailio ended: {self.log.read_text()[-2000:]}')
        return udp_port_is_bound(self.port)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class BehindAnEdge(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-edge-')
        self.addCleanup(scratch.cleanup)
        phones = '\n'.join(f'phone {number}\n password plain "{PASSWORD}"\n exit' for number in (1001, 1002))
        self.switch = Switch(scratch.name, phones + '\nSS_MEDIA_PROXY_MODE = off').start()
        self.addCleanup(self.switch.stop)
        self.edge = Edge(scratch.name, self.switch)
        self.addCleanup(self.edge.stop)
        self.ann = Agent(self.edge, '1001', PASSWORD, address=PHONE, domain=self.switch.address)
        self.bob = Agent(self.switch, '1002', PASSWORD)
        for agent in (self.ann, self.bob):
            self.addCleanup(agent.close)
            agent.register(headers=[('Supported', 'path')])

    def test_the_path_is_kept(self):
        [row] = self.switch.rows('show', 'registrations', 'phone', '1001')
        self.assertEqual(row['path'], f'<sip:{EDGE}:{self.edge.port};lr>')
        self.assertEqual(row['source_address'], f'{EDGE}:{self.edge.port}')
        # The proxy is in the open, whatever the contact says.
        self.assertFalse(row['is_nat'])

    def test_a_call_comes_through_the_edge_and_ends(self):
        call = self.bob.invite('1001', sdp=SDP)
        leg = self.ann.incoming()
        self.assertEqual(leg.invite_request.source, (EDGE, self.edge.port))
        leg.answer(180)
        call.wait(180)
        leg.answer(200, sdp=SDP)
        call.wait(200)
        call.ack()
        leg.wait_request('ACK')
        bye = call.send('BYE')
        leg.reply(leg.wait_request('BYE'), 200)
        self.assertEqual(self.bob.wait_status(bye).status, 200)

    def test_a_call_is_cancelled_through_the_edge(self):
        call = self.bob.invite('1001', sdp=SDP)
        leg = self.ann.incoming()
        leg.answer(180)
        call.wait(180)
        call.cancel()
        leg.reply(leg.wait_request('CANCEL'), 200)
        leg.answer(487)
        leg.wait_request('ACK')
        call.ack(call.wait(487))


if __name__ == '__main__':
    if not shutil.which('kamailio') or not modules_folder():
        print('kamailio is not installed', file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
