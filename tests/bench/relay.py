#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets a second through the media relay without loss, beside rtpengine on the same streams.

usage: relay.py BUILD-DIR [--calls N] [--seconds S] [--rounds R] [--only ours|rtpengine]

Needs root, two cores, iproute2 and nft; rtpengine-daemon for the comparison. BUILD-DIR is one that was
configured with -DVOS_BENCH=ON. Two network namespaces of its own are joined by a veth pair: the load runs
on the first core, the relay with one thread on the second, which also does the kernel's receive work for
it. A rate passes with less than 0.1 % of the packets lost in one of two runs (others may use the machine);
the highest is found by halving. Rounds of the two relays take turns; the figure is the median. The CPU time
is that of the relay's process for each packet at a rate that both can do; the kernel's receive work is not
in it."""
import argparse
import contextlib
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

LOSS_MAX = 0.001
A_BASE, B_BASE, PORT = '10.10.0.1', '10.11.0.1', 4000
RELAY_IP, LOAD_IP = '10.9.0.2', '10.9.0.1'
NG = ('127.0.0.1', 22222)
FIRST_RATE, RATE_STEPS = 160000, 6
RUNS = 2
NICE = ('nice', '-n', '-10')  # both relays and the load alike
CPU_RATE = 40000


def run(*command, **options):
    return subprocess.run(command, check=True, text=True, capture_output=True, **options).stdout


@contextlib.contextmanager
def test_bed():
    """Two namespaces; yields their names and the relay side's MAC address."""
    load, relay = (f'vosbench-{kind}-{os.getpid()}' for kind in ('load', 'relay'))
    try:
        for name in (load, relay):
            run('ip', 'netns', 'add', name)
            run('ip', '-n', name, 'link', 'set', 'lo', 'up')
        run('ip', 'link', 'add', 'load0', 'netns', load, 'type', 'veth', 'peer', 'name', 'relay0', 'netns', relay)
        for name, device, address in ((load, 'load0', LOAD_IP), (relay, 'relay0', RELAY_IP)):
            run('ip', '-n', name, 'addr', 'add', address + '/24', 'dev', device)
            run('ip', 'netns', 'exec', name, 'sysctl', '-qw', f'net.ipv6.conf.{device}.disable_ipv6=1')
            run('ip', '-n', name, 'link', 'set', device, 'up')
        run('ip', '-n', relay, 'route', 'add', 'default', 'via', LOAD_IP)
        run('ip', 'netns', 'exec', relay, 'sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=0',
            'net.ipv4.conf.relay0.rp_filter=0')
        macs = {}
        for name, device in ((load, 'load0'), (relay, 'relay0')):
            macs[name] = run('ip', 'netns', 'exec', name, 'cat', f'/sys/class/net/{device}/address').strip()
        run('ip', '-n', relay, 'neigh', 'replace', LOAD_IP, 'lladdr', macs[load], 'dev', 'relay0', 'nud', 'permanent')
        # Receive work of the relay's interface on the relay's core, the load's on the load's.
        for name, device, mask in ((load, 'load0', '1'), (relay, 'relay0', '2')):
            run('ip', 'netns', 'exec', name, 'sh', '-c', f'echo {mask} > /sys/class/net/{device}/queues/rx-0/rps_cpus')
        # What was counted at the interface needs no way through the load's kernel.
        run('ip', 'netns', 'exec', load, 'nft', '-f', '-', input="""
            table netdev bench {
                chain arrivals {
                    type filter hook ingress device "load0" priority 10
                    ip protocol udp drop
                }
            }
            """)
        yield load, relay, macs[relay]
    finally:
        for name in (load, relay):
            subprocess.run(['ip', 'netns', 'del', name], capture_output=True, check=False)


@contextlib.contextmanager
def ours(relay, build, calls, map_path):
    command = ['ip', 'netns', 'exec', relay, *NICE, 'taskset', '-c', '1', f'{build}/tests/relay_host', RELAY_IP,
               str(calls), A_BASE, B_BASE, str(PORT), '1']
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               text=True)
    try:
        with open(map_path, 'w', encoding='ascii') as out:
            for line in process.stdout:
                if not line.strip():
                    break
                out.write(line)
        yield process
    finally:
        process.stdin.close()
        process.wait(10)


def bencode(value):
    if isinstance(value, str):
        return f'{len(value)}:{value}'
    if isinstance(value, list):
        return 'l' + ''.join(map(bencode, value)) + 'e'
    return 'd' + ''.join(bencode(key) + bencode(value[key]) for key in sorted(value)) + 'e'


def ng_request(sock, number, message):
    """One request of rtpengine's control protocol; the answer as text."""
    cookie = f'{os.getpid()}_{number}'
    for _ in range(5):
        sock.send(f'{cookie} {bencode(message)}'.encode())
        try:
            while True:
                answer = sock.recv(65536).decode()
                if answer.startswith(cookie + ' '):
                    return answer
        except (socket.timeout, ConnectionRefusedError):
            time.sleep(0.2)
    raise SystemExit('rtpengine does not answer')


def ng_sdp(base, index):
    parts = [int(part) for part in base.split('.')]
    number = (parts[2] << 8 | parts[3]) + index
    address = f'{parts[0]}.{parts[1]}.{number >> 8}.{number & 255}'
    return (f'v=0\r\no=- 1 1 IN IP4 {address}\r\ns=-\r\nc=IN IP4 {address}\r\nt=0 0\r\n'
            f'm=audio {PORT} RTP/AVP 0\r\na=sendrecv\r\n')


def ng_calls(calls, map_path):
    """Runs inside the relay's namespace: offer and answer of every call."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(1)
    sock.connect(NG)
    with open(map_path, 'w', encoding='ascii') as out:
        for index in range(calls):
            ports = []
            for side, (command, base) in enumerate((('offer', A_BASE), ('answer', B_BASE))):
                message = {'command': command, 'call-id': f'call-{index}', 'from-tag': 'a', 'ICE': 'remove',
                           'flags': ['trust-address'], 'sdp': ng_sdp(base, index)}
                if side:
                    message['to-tag'] = 'b'
                answer = ng_request(sock, 2 * index + side, message)
                ports.append(answer.split('m=audio ')[1].split()[0])
            # The offer's answer is what B gets to see.
            out.write(f'{index} {ports[1]} {ports[0]}\n')


@contextlib.contextmanager
def rtpengine(relay, _build, calls, map_path):
    command = ['ip', 'netns', 'exec', relay, *NICE, 'taskset', '-c', '1', shutil.which('rtpengine'), '--config-file=none',
               '--foreground', '--table=-1', f'--interface={RELAY_IP}', f'--listen-ng={NG[0]}:{NG[1]}',
               '--port-min=10000', '--port-max=39999', '--num-threads=1', '--log-level=1', '--log-stderr',
               '--tos=160']
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        run('ip', 'netns', 'exec', relay, sys.executable, os.path.abspath(__file__), '--ng-calls', str(calls), map_path)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def loss_at(bed, options, map_path, rate, seconds):
    """The part that got lost, and the rate that the load reached."""
    load, _relay, mac = bed
    out = run('ip', 'netns', 'exec', load, *NICE, 'taskset', '-c', '0', f'{options.build}/tests/rtpload', 'load0', mac,
              RELAY_IP, map_path, str(options.calls), A_BASE, B_BASE, str(PORT), str(rate), str(seconds))
    words = out.split()
    sent, received, wrong = int(words[1]), int(words[3]), int(words[5])
    if wrong:
        raise SystemExit(f'{wrong} sampled packets came to the wrong endpoint')
    return 1 - received / sent, sent / seconds


def passes(bed, start, options, map_path, rate):
    """The rate reached when a run was without loss, else 0. The relay is started anew for each run: rtpengine
    does not recover from too high a rate."""
    for _ in range(RUNS):
        with start(bed[1], options.build, options.calls, map_path):
            loss, reached = loss_at(bed, options, map_path, rate, options.seconds)
        print(f'    {rate:7d}/s asked, {reached:9.0f}/s sent, {100 * loss:6.2f} % lost', flush=True)
        if loss < LOSS_MAX:
            return reached
    return 0


def highest_rate(bed, start, options, map_path):
    best, rate, step = 0, FIRST_RATE, FIRST_RATE // 2
    for _ in range(RATE_STEPS):
        reached = passes(bed, start, options, map_path, rate)
        best = max(best, reached)
        rate += step if reached else -step
        step //= 2
    return best


def cpu_seconds(pid):
    with open(f'/proc/{pid}/stat', encoding='ascii') as stat:
        fields = stat.read().rsplit(')', 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def cpu_of_packet(bed, start, options, map_path):
    """Microseconds of the relay's process a packet."""
    seconds = 2 * options.seconds
    with start(bed[1], options.build, options.calls, map_path) as process:
        before = cpu_seconds(process.pid)
        _loss, reached = loss_at(bed, options, map_path, CPU_RATE, seconds)
        # The load's first two packets a stream are relayed as well.
        packets = reached * seconds + 4 * options.calls
        return (cpu_seconds(process.pid) - before) / packets * 1e6


def main():
    if len(sys.argv) == 4 and sys.argv[1] == '--ng-calls':
        ng_calls(int(sys.argv[2]), sys.argv[3])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build')
    parser.add_argument('--calls', type=int, default=500)
    parser.add_argument('--seconds', type=float, default=2)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--only', choices=('ours', 'rtpengine'))
    options = parser.parse_args()
    relays = {'ours': ours, 'rtpengine': rtpengine}
    if options.only:
        relays = {options.only: relays[options.only]}
    elif not shutil.which('rtpengine'):
        print('rtpengine is not installed (Debian: rtpengine-daemon): no comparison')
        del relays['rtpengine']
    results = {name: [] for name in relays}
    costs = {name: [] for name in relays}
    with test_bed() as bed:
        map_path = f'/tmp/vosbench-map-{os.getpid()}'
        try:
            for number in range(options.rounds):
                for name, start in relays.items():
                    print(f'round {number + 1}, {name}, {options.calls} calls', flush=True)
                    costs[name].append(cpu_of_packet(bed, start, options, map_path))
                    results[name].append(highest_rate(bed, start, options, map_path))
        finally:
            if os.path.exists(map_path):
                os.unlink(map_path)
    for name, rates in results.items():
        print(f'{name}: {statistics.median(rates):.0f} packets/s (of {", ".join(f"{rate:.0f}" for rate in rates)}), '
              f'{statistics.median(costs[name]):.2f} us of CPU a packet')
    if len(results) == 2:
        ratio = statistics.median(results['ours']) / max(1, statistics.median(results['rtpengine']))
        print(f'ratio of the rates: {ratio:.2f}')


if __name__ == '__main__':
    main()
