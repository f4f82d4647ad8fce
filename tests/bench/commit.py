#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints what a commit costs: one parameter among 50,000 phones, and how long OPTIONS wait meanwhile.
Judges nothing. VOS_BUILD_DIR names the build; --phones N another size."""
import argparse
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from session import Session  # noqa: E402
from switch import Switch  # noqa: E402

OPTIONS = ('OPTIONS sip:{0}:{1} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{2};rport;branch=z9hG4bK{3}\r\n'
           'From: <sip:a@b>;tag=1\r\nTo: <sip:b@c>\r\nCall-ID: bench{3}\r\nCSeq: 1 OPTIONS\r\n'
           'Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n')


class Pinger(threading.Thread):
    """One OPTIONS at a time; the waits in ms."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.is_stopping = False
        self.waits = []

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(('127.0.0.1', 0))
            sock.settimeout(2)
            number = 0
            while not self.is_stopping:
                number += 1
                text = OPTIONS.format(*self.address, sock.getsockname()[1], number)
                start = time.perf_counter()
                sock.sendto(text.encode(), self.address)
                sock.recv(4096)
                self.waits.append((time.perf_counter() - start) * 1000)
                time.sleep(0.0005)

    def figures(self):
        waits = sorted(self.waits)
        return f'median {waits[len(waits) // 2]:.2f}, 99 % {waits[len(waits) * 99 // 100]:.2f}, 99.9 % {waits[len(waits) * 999 // 1000]:.2f}, ' \
               f'longest {waits[-1]:.2f} ms of {len(waits)}'


def commits(session, count):
    """Milliseconds of each commit of one parameter."""
    times = []
    for i in range(count):
        session.do(f'SS_SIP_NAT_KEEP_ALIVE_PERIOD {20 + i % 2}')
        start = time.perf_counter()
        session.do('commit')
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times)


def measure(switch, phones):
    lines = ''.join(f'phone {100000 + i}\n password plain "password {i}"\n name "Phone {i}"\n'
                    for i in range(phones))
    path = Path(switch.folder, 'phones.conf')
    path.write_text(lines)
    start = time.perf_counter()
    switch.do('apply', str(path))
    print(f'apply of {3 * phones} lines: {time.perf_counter() - start:.2f} s')
    session = Session(switch.socket)
    session.do('configure')
    quiet, busy = Pinger((switch.address, switch.port)), Pinger((switch.address, switch.port))
    quiet.start()
    time.sleep(3)
    quiet.is_stopping = True
    quiet.join()
    busy.start()
    times = commits(session, 400)
    busy.is_stopping = True
    busy.join()
    print(f'commit among {phones} phones: median {times[len(times) // 2]:.1f}, longest {times[-1]:.1f} ms')
    print(f'OPTIONS without commits: {quiet.figures()}')
    print(f'OPTIONS during commits:  {busy.figures()}')
    session.close()


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--phones', type=int, default=50000)
    with tempfile.TemporaryDirectory(prefix='vos-bench-') as folder, Switch(folder, 'hostname sw1') as bench:
        measure(bench, parser.parse_args().phones)
