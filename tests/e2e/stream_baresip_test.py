#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A real phone over TCP and TLS: baresip registers, is called by the connection it keeps, and calls."""
import random
import shutil
import socket
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import baresip
from siplib import Agent, make_sdp, stop_cleanly
from stream_client import make_certificate
from switch import SKIPPED, Switch, free_tcp_port, wait_for

PASSWORD = 'baresip-password'
# Of its own, in each run, with a port that is free: baresip takes that of UDP and of TCP, and the next for TLS.
PHONE_ADDRESS = '127.51.' + '.'.join(str(random.randint(1, 254)) for _ in range(2))


class Here:
    """In place of a namespace."""
    launcher = ()

    @staticmethod
    def connect(address, port):
        return socket.create_connection((address, port), 1)


class RealPhone(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix='vos-stream-baresip-')
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        certificate, key = make_certificate(self.folder)
        self.ports = {'tcp': free_tcp_port(), 'tls': free_tcp_port()}
        lines = [f'phone {number}\n password plain "{PASSWORD}"\n exit' for number in ('1001', '1002')]
        lines += [f'listen stream\n tcp 127.0.0.1:{self.ports["tcp"]}\n tls 127.0.0.1:{self.ports["tls"]}\n'
                  f' certificate {certificate}\n key {key}\n exit', 'SS_RTP_PORT_RANGE = 21400,21499']
        self.switch = Switch(self.folder, '\n'.join(lines)).start()
        self.addCleanup(self.stop_phone)
        self.phone = None

    def stop_phone(self):
        if self.phone:
            self.phone.process.terminate()
            self.phone.process.wait(10)
            self.phone.control.close()
        if self.switch.process:
            self.switch.stop()

    def talk(self, transport):
        baresip.CONTROL_PORT = free_tcp_port()
        self.phone = baresip.Baresip(Here, self.folder, '1001', PASSWORD,
                                     f'127.0.0.1:{self.ports[transport]};transport={transport}', PHONE_ADDRESS, 440, True,
                                     free_tcp_port(PHONE_ADDRESS))
        wait_for('it registers', lambda: self.switch.rows('show', 'registrations', 'phone', '1001'), 20)
        connection, = self.switch.rows('show', 'sip', 'connections')
        self.assertEqual((connection['transport'], connection['is_registered']), (transport, True))
        with Agent(self.switch, '1002', PASSWORD) as other:
            other.register()
            call = other.invite('1001', sdp=make_sdp('127.0.0.1', 40000, formats=(8,)))
            call.wait(200, timeout_s=15)
            call.ack()
            call.bye()
            self.phone.wait('CALL_CLOSED')
            self.phone.command('dial', f'sip:1002@127.0.0.1:{self.ports[transport]};transport={transport}')
            ring = other.incoming(15)
            ring.answer(200, sdp=make_sdp('127.0.0.1', 40000, formats=(8,)))
            ring.wait_request('ACK')
            closed = len(self.phone.seen('CALL_CLOSED'))
            other.wait_status(ring.send('BYE'))
            wait_for('it hears the end', lambda: len(self.phone.seen('CALL_CLOSED')) > closed)
        wait_for('no call is left', lambda: not self.switch.rows('show', 'calls'))
        # All of it went by the connection of the registration.
        self.assertEqual([row['connection'] for row in self.switch.rows('show', 'sip', 'connections')],
                         [connection['connection']])
        self.phone.process.terminate()
        self.phone.process.wait(10)
        stop_cleanly(self.switch)

    def test_tcp(self):
        self.talk('tcp')

    def test_tls(self):
        self.talk('tls')


if __name__ == '__main__':
    if not shutil.which('baresip') or not shutil.which('openssl'):
        print('baresip or openssl is not installed')
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
