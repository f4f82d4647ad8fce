#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A registration of ours at a Kamailio, which asks for credentials for REGISTER (401) and INVITE (407), calls
over it through the proxy, and calls that it sends to our registered contact."""
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, stop_cleanly
from switch import SKIPPED, Switch, free_udp_port, udp_port_is_bound, wait_for

ADDRESS = '127.0.0.7'
# Phones (their names begin with 7) register and call without a password; our account has one.
CONFIG = '''
debug=2
log_stderror=yes
children=1
disable_tcp=yes
listen=udp:{address}:{port}
mpath="{modules}/"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("registrar", "max_expires", 60)
modparam("auth", "nonce_expire", 30)
modparam("auth", "algorithm", "{algorithm}")
request_route {{
	if (is_method("REGISTER")) {{
		if ($tU == "alice" && !pv_www_authenticate("carrier.test", "secret", "0")) {{
			www_challenge("carrier.test", "1");
			exit;
		}}
		save("location");
		exit;
	}}
	if (is_method("CANCEL") && !t_check_trans())
		exit;
	if (has_totag()) {{
		loose_route();
		t_relay();
		exit;
	}}
	if (is_method("INVITE")) {{
		if ($si != "127.0.0.9" && !pv_proxy_authenticate("carrier.test", "secret", "0")) {{
			proxy_challenge("carrier.test", "1");
			exit;
		}}
		consume_credentials();
		record_route();
	}}
	if (!lookup("location")) {{
		sl_send_reply("404", "Not Found");
		exit;
	}}
	t_relay();
}}
'''


def modules_folder():
    return next(Path('/usr/lib').glob('**/kamailio/modules'), None)


class Kamailio:
    """What an Agent needs to know of where it sends to."""

    def __init__(self, folder, algorithm):
        self.address, self.port = ADDRESS, free_udp_port(ADDRESS)
        path = Path(folder) / 'kamailio.cfg'
        path.write_text(CONFIG.format(address=ADDRESS, port=self.port, modules=modules_folder(), algorithm=algorithm))
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


class AtKamailio(unittest.TestCase):
    algorithm = 'MD5'

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-outbound-kamailio-')
        self.addCleanup(scratch.cleanup)
        self.kamailio = Kamailio(scratch.name, self.algorithm)
        self.addCleanup(self.kamailio.stop)
        self.switch = Switch(scratch.name, f'''routing-gateway trunk
 registration register
 prefixes 7
 exit
mapping-gateway in
 address 127.0.0.3
 exit
mapping-gateway from-carrier
 exit
phone 300
 password plain "three"
 exit
number-transform did
 rule *->300
 exit
mapping-gateway from-carrier
 callee-transform did
 exit
registration carrier
 server {ADDRESS}:{self.kamailio.port}
 account alice
 password plain "secret"
 routing-gateway trunk
 mapping-gateway from-carrier
 exit
SS_MEDIA_PROXY_MODE = off
''').start()
        self.addCleanup(lambda: self.switch.process and stop_cleanly(self.switch))
        wait_for('it is registered', lambda: self.row()['state'] == 'registered', 20)

    def row(self):
        row, = self.switch.rows('show', 'registrations', 'outbound')
        return row

    def agent(self, *words, **options):
        agent = Agent(*words, **options)
        self.addCleanup(agent.close)
        return agent

    def test_the_grant_is_kamailios(self):
        self.assertEqual((self.row()['granted_s'], self.row()['last_answer']), (60, '200 OK'))
        self.assertTrue(self.row()['next_s'] <= 54)
        self.switch.do('clear', 'registration', 'outbound', 'carrier')
        wait_for('again', lambda: self.row()['state'] == 'registered', 20)
        self.assertEqual(self.row()['failures'], 0)

    def test_a_call_out(self):
        callee = self.agent(self.kamailio, '7001', '', address='127.0.0.9')
        callee.register()
        source = self.agent(self.switch, '555', '', address='127.0.0.3')
        call = source.invite('7001', make_sdp('127.0.0.3', 41000), expect_challenge=False)
        ring = callee.incoming()
        # The proxy has taken the credentials out, and none of them is ours to see here.
        self.assertIsNone(ring.invite_request.get('Proxy-Authorization'))
        self.assertEqual(ring.invite_request.cseq, 2)
        ring.answer(180)
        call.wait(180)
        ring.answer(200, make_sdp('127.0.0.9', 41002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        bye = call.send('BYE')
        ring.reply(ring.wait_request('BYE'), 200)
        self.assertEqual(source.wait_status(bye).status, 200)

    def test_a_call_in(self):
        phone = self.agent(self.switch, '300', 'three')
        phone.register()
        caller = self.agent(self.kamailio, '7002', '', address='127.0.0.9')
        call = caller.invite('alice', make_sdp('127.0.0.9', 41000), expect_challenge=False)
        ring = phone.incoming()
        ring.answer(200, make_sdp('127.0.0.1', 41002))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        row, = self.switch.rows('show', 'calls')
        self.assertEqual((row['caller'], row['caller_party']), ('7002', 'mapping-gateway from-carrier'))
        bye = ring.send('BYE')
        call.reply(call.wait_request('BYE'), 200)
        self.assertEqual(phone.wait_status(bye).status, 200)


class AtKamailioWithSha256(AtKamailio):
    algorithm = 'SHA-256'


if __name__ == '__main__':
    if not shutil.which('kamailio') or not modules_folder():
        print('kamailio is not installed', file=sys.stderr)
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
