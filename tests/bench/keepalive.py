#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What keepalives cost a running switch, how evenly they leave, and what the signalling notices of it.

usage: keepalive.py BUILD-DIR [--devices N] [--rounds R] [--options]

Prints a table and judges nothing. Phones register through sipblast.c of $VOS_BENCH_DIR (default
../shared/bench/sip beside the checkout), built into a scratch folder with another address in its Contact, so that
the switch sees NAT. CPU is that of switchd with keepalives less that without, of the same time. The pace is
tshark's timestamps of the payload (left out without tshark or the right to capture). With --options the phones are probed in place of
getting the message, and do not answer; there is no pace then."""
import argparse
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'tests' / 'support'))
FIRST = 1000
REALM = 'bench.test'
PASSWORD = 'pw'
PERIOD_S = 10


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build')
    parser.add_argument('--devices', type=int, default=100000)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--options', action='store_true')
    return parser.parse_args()


OPTIONS = arguments()
os.environ['VOS_BUILD_DIR'] = OPTIONS.build
from switch import Switch, wait_for  # noqa: E402


def report(what, value, unit=''):
    print(f'{what:<64}{value:>12} {unit}', flush=True)


def write_phones(path, count, field=''):
    with open(path, 'w') as file:
        for number in range(FIRST, FIRST + count):
            file.write(f'phone {number}\n password plain {PASSWORD}\n{field} exit\n')
        file.write('end\n')
    return str(path)


def build_blast(folder):
    source = Path(os.environ.get('VOS_BENCH_DIR') or ROOT / '../shared/bench/sip') / 'sipblast.c'
    text = source.read_text()
    hidden = text.replace('user, ua.ip, ua.port, expires)', 'user, "10.9.8.7", ua.port, expires)')
    if hidden == text:
        raise SystemExit('sipblast.c has no Contact to change')
    (folder / 'blast.c').write_text(hidden)
    subprocess.run(['cc', '-O2', '-w', '-o', folder / 'blast', folder / 'blast.c', '-lm'], check=True)
    return str(folder / 'blast')


class Bench:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.switch = Switch(folder, f'hostname sw1\ntrusted 127.0.0.0/8\n exit\nSS_SIP_AUTHENTICATION_REALM {REALM}\n'
                                     f'SS_SIP_NAT_KEEP_ALIVE_PERIOD {PERIOD_S}\nSS_SIP_NAT_KEEP_ALIVE_MESSAGE ""\n'
                                     'SS_ENDPOINT_NAT_EXPIRE 3600\n')
        self.blast = None

    def status(self):
        return self.switch.json('show', 'nat-keep-alive')['item']

    def cpu_s(self):
        """Of all its threads, in user and kernel."""
        total = 0
        for task in Path(f'/proc/{self.switch.process.pid}/task').iterdir():
            total += int((task / 'schedstat').read_text().split()[0])
        return total / 1e9

    def register(self, count):
        program = build_blast(self.folder)
        self.blast = subprocess.Popen(
            [program, '-m', 'reg', '-s', f'127.0.0.1:{self.switch.port}', '-D', REALM, '-p', PASSWORD, '-b', str(FIRST),
             '-n', str(count), '-u', str(count), '-w', '64', '-H', '3600'],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for('all are registered', lambda: self.status()['devices'] == count, 300)
        # The bindings are written to the disk for a while.
        time.sleep(5)

    def pace(self, burst, interval_ms):
        self.switch.set('SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME', str(burst))
        self.switch.set('SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL', str(interval_ms))

    def cost(self, what):
        """CPU a keepalive over whole rounds, less that of as long a silence."""
        self.switch.set('SS_SIP_NAT_KEEP_ALIVE_MESSAGE', '')
        seconds = OPTIONS.rounds * PERIOD_S
        idle = self.cpu_s()
        time.sleep(seconds)
        idle = self.cpu_s() - idle
        self.switch.set('SS_SIP_NAT_KEEP_ALIVE_MESSAGE', 'HELLO')
        before = self.status()['sent_total']
        busy = self.cpu_s()
        time.sleep(seconds)
        busy = self.cpu_s() - busy
        sent = self.status()['sent_total'] - before
        report(f'{what}: sent in {seconds} s', f'{sent:,}')
        report(f'{what}: CPU', f'{(busy - idle) / sent * 1e6:.2f}', 'us each')
        report(f'{what}: of a core, {OPTIONS.devices:,} devices every 30 s',
               f'{(busy - idle) / sent * OPTIONS.devices / 30 * 100:.2f}', '%')
        status = self.status()
        report(f'{what}: missed', f'{status["missed_total"]:,}')

    def ping(self, seconds):
        """Round trips of OPTIONS, 500 a second, in ms."""
        times = []
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind(('127.0.0.1', 0))
            sock.settimeout(2)
            host = f'127.0.0.1:{sock.getsockname()[1]}'
            end = time.monotonic() + seconds
            number = 0
            while time.monotonic() < end:
                number += 1
                text = (f'OPTIONS sip:127.0.0.1:{self.switch.port} SIP/2.0\r\n'
                        f'Via: SIP/2.0/UDP {host};branch=z9hG4bKp{number}\r\nFrom: <sip:p@{host}>;tag=p\r\n'
                        f'To: <sip:p@{host}>\r\nCall-ID: p{number}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n'
                        'Content-Length: 0\r\n\r\n').encode()
                start = time.monotonic()
                sock.sendto(text, ('127.0.0.1', self.switch.port))
                sock.recv(4096)
                times.append((time.monotonic() - start) * 1000)
                time.sleep(0.002)
        return sorted(times)

    def delay(self, what):
        times = self.ping(2 * PERIOD_S)
        report(f'{what}: answer to OPTIONS, median', f'{statistics.median(times):.2f}', 'ms')
        report(f'{what}: 99.9 % under', f'{times[len(times) * 999 // 1000]:.2f}', 'ms')
        report(f'{what}: longest of {len(times):,}', f'{times[-1]:.2f}', 'ms')

    def spacing(self, burst, interval_ms):
        self.switch.set('SS_SIP_NAT_KEEP_ALIVE_MESSAGE', '')
        self.pace(burst, interval_ms)
        path = self.folder / 'capture.pcap'
        try:
            capture = subprocess.Popen(
                ['tshark', '-q', '-i', 'lo', '-f', f'udp src port {self.switch.port} and less 60', '-w', path, '-B', '64'],
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        except FileNotFoundError:
            return
        for line in capture.stderr:
            if 'Capturing' in line:
                break
        else:
            return
        time.sleep(1)
        self.switch.set('SS_SIP_NAT_KEEP_ALIVE_MESSAGE', 'HELLO')
        time.sleep(PERIOD_S)
        self.switch.set('SS_SIP_NAT_KEEP_ALIVE_MESSAGE', '')
        time.sleep(1)
        capture.terminate()
        capture.wait()
        done = subprocess.run(['tshark', '-r', path, '-Y', 'udp.payload == 48:45:4c:4c:4f', '-T', 'fields', '-e',
                               'frame.time_epoch'], capture_output=True, text=True, check=True)
        times = [float(word) for word in done.stdout.split()]
        starts = [times[0]]
        sizes, lengths = [], []
        for i in range(1, len(times) + 1):
            if i == len(times) or times[i] - times[i - 1] > interval_ms / 2000:
                first = i - (sum(sizes))
                sizes.append(first)
                lengths.append((times[i - 1] - starts[-1]) * 1000)
                if i < len(times):
                    starts.append(times[i])
        gaps = [(b - a) * 1000 for a, b in zip(starts, starts[1:])]
        name = f'bursts of {burst:,} each {interval_ms} ms'
        report(f'{name}: captured', f'{len(times):,}')
        report(f'{name}: bursts, smallest and largest', f'{len(sizes)}: {min(sizes):,} {max(sizes):,}')
        report(f'{name}: pause, least / median / most',
               f'{min(gaps):.2f} / {statistics.median(gaps):.2f} / {max(gaps):.2f}', 'ms')
        report(f'{name}: from its first to its last packet, most', f'{max(lengths):.1f}', 'ms')

    def run(self):
        count = OPTIONS.devices
        self.switch.do('apply', write_phones(self.folder / 'phones.conf', count,
                                             ' keepalive options\n' if OPTIONS.options else ''))
        self.register(count)
        status = self.status()
        report(f'bytes of the list a device, {count:,} devices', f'{status["memory_bytes"] / count:.1f}')
        self.delay('without keepalives')
        self.pace(-(-count // 100), 100)
        self.cost(f'bursts of {-(-count // 100):,} each 100 ms')
        self.pace(count, 10000)
        self.cost('all in one burst')
        self.delay('all in one burst')
        start = time.monotonic()
        rows = self.switch.do('show nat-keep-alive phones | count').strip()
        report(f'show nat-keep-alive phones, {rows}', f'{time.monotonic() - start:.2f}', 's')
        if OPTIONS.options:
            return
        self.spacing(500, 100)
        self.spacing(2000, 500)


def main():
    with tempfile.TemporaryDirectory(prefix='vos-bench-') as folder:
        bench = Bench(folder)
        with bench.switch:
            try:
                bench.run()
            finally:
                if bench.blast and bench.blast.poll() is None:
                    bench.blast.terminate()
                    bench.blast.wait()


if __name__ == '__main__':
    main()
