# SPDX-License-Identifier: GPL-2.0-or-later
"""SIP on loopback as tshark saw it, and when."""
import signal
import socket
import subprocess
from collections import namedtuple
from pathlib import Path

from switch import wait_for

GUARD_S = 60
Packet = namedtuple('Packet', 'time source target method status cseq user number')


class Capture:
    """tshark on loopback, of the datagrams of one port."""

    def __init__(self, folder, port):
        self.path, self.port = Path(folder) / 'loopback.pcapng', port
        with open(Path(folder) / 'tshark.log', 'wb') as log:
            self.process = subprocess.Popen(['tshark', '-q', '-i', 'lo', '-f', f'udp port {port}', '-w', str(self.path)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def await_mark(self, mark):
        """Until a datagram that is sent now is in the file, and so all before it."""
        def is_seen():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                sock.sendto(mark, ('127.0.0.1', self.port))
            return self.path.exists() and mark in self.path.read_bytes()
        wait_for('tshark sees a datagram', is_seen, GUARD_S)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(GUARD_S)

    def packets(self):
        fields = ('frame.time_epoch', 'udp.srcport', 'udp.dstport', 'sip.Method', 'sip.Status-Code', 'sip.CSeq.method',
                  'sip.to.user', 'sip.CSeq.seq')
        words = [word for field in fields for word in ('-e', field)]
        done = subprocess.run(['tshark', '-r', str(self.path), '-d', f'udp.port=={self.port},sip', '-Y', 'sip', '-T',
                               'fields', '-E', 'separator=/t', *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=GUARD_S, check=True)
        found = []
        for line in done.stdout.splitlines():
            time, source, target, method, status, cseq, user, number = line.split('\t')
            found.append(Packet(float(time), int(source), int(target), method, int(status or 0), cseq, user,
                                int(number)))
        return found
