#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Packets a second through the media relay without loss, and its delay, beside rtpengine on the same streams.

usage: relay.py BUILD-DIR [--calls N] [--seconds S] [--rounds R] [--only NAME...]

Needs root, two cores, iproute2, nft and ethtool; rtpengine-daemon for the comparison. BUILD-DIR is one that was
configured with -DVOS_BENCH=ON and found clang and libbpf. Two network namespaces of its own are joined by a
veth pair: the load (kload) runs on the first core, the relay with one thread on the second, which also does
the kernel's receive work for it. switchd is tried with a socket for each port (sockets), with
packets steered to one socket (steered), the same with a thread that looks for the next packet for 100 us before it
sleeps (polling), with streams left to the kernel (kernel), and with the kernel forwarding them in the driver of the
interface (driver; the load counts in its driver too, and nothing is stamped, so that only the whole way is known);
--only names those to be tried. Without any relay the
kernel sends what comes in back to where it came from (cable): no delay can be less than that.
A rate passes with less than 0.5 % of the packets lost in one of two runs (others may use the machine); the
highest is found by halving. Rounds of the relays take turns; figures are medians. Delays are of the whole way, the
cable and the kernel's wake-up for it included, and of what the relay adds: from when a packet has come to its kernel
(the first program at its interface) until it is back at the load's interface. The CPU time is that of the relay's process
for each packet; the kernel's receive work is not in it."""
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

# A cable of this kind holds 256 packets: a core that is busy with others' work for half a millisecond loses some.
LOSS_MAX = 0.005
A_BASE, B_BASE, PORT = '10.10.0.1', '10.11.0.1', 4000
RELAY_IP, LOAD_IP = '10.9.0.2', '10.9.0.1'
NG = ('127.0.0.1', 22222)
FIRST_RATE = {'cable': 800000, 'rtpengine': 80000, 'sockets': 120000, 'steered': 160000, 'polling': 160000, 'kernel': 800000,
              'driver': 1200000}
RATE_STEPS = 5
RUNS = 2
DELAY_RATES = {'cable': (20000, 60000, 100000), 'rtpengine': (20000, 60000), 'sockets': (20000, 60000), 'steered': (20000, 60000, 100000),
               'polling': (20000, 60000, 100000), 'kernel': (20000, 100000), 'driver': (20000, 100000)}
DELAY_RUNS = 3
# All relays and the load alike: what else the machine does must not be in the figures.
NICE = ('chrt', '-f', '1')
REACHED_MIN = 0.9  # of the rate that was asked for; with less the load was the limit
CPU_RATE = 40000
WARM_ROUNDS = 80  # of kload


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
        # Receive work of the relay's interface on the relay's core, by a thread of the kernel's, as from a card.
        run('ip', 'netns', 'exec', relay, 'ethtool', '-K', 'relay0', 'gro', 'on')
        run('ip', 'netns', 'exec', relay, 'sh', '-c', 'echo 1 > /sys/class/net/relay0/threaded')
        for line in run('ps', '-eo', 'pid,comm').splitlines():
            pid, comm = line.split(None, 1)
            if comm.startswith('napi/relay0'):
                run('taskset', '-pc', '1', pid)
                run('chrt', '-f', '-p', '2', pid)
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
def ours(relay, build, calls, map_path, *path):
    command = ['ip', 'netns', 'exec', relay, *NICE, 'taskset', '-c', '1', f'{build}/tests/relay_host', RELAY_IP,
               str(calls), A_BASE, B_BASE, str(PORT), '1', *path]
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


@contextlib.contextmanager
def at_the_relay(what, relay, build):
    """kload at the relay's interface."""
    process = subprocess.Popen(['ip', 'netns', 'exec', relay, f'{build}/tests/kload', what, 'relay0'], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        if process.stdout.readline() != 'ready\n':
            raise SystemExit(f'kload cannot {what} what comes to the relay')
        yield
    finally:
        process.stdin.close()
        process.wait(10)


@contextlib.contextmanager
def cable(relay, build, calls, map_path):
    """No relay: packets turn round where they come in."""
    with open(map_path, 'w', encoding='ascii') as out:
        out.writelines(f'{index} 0 0\n' for index in range(calls))
    with at_the_relay('turn', relay, build):
        yield None


def by_kernel(relay, build, calls, map_path):
    return ours(relay, build, calls, map_path, 'fast')


def steered(relay, build, calls, map_path):
    return ours(relay, build, calls, map_path, 'steer')


def polling(relay, build, calls, map_path):
    return ours(relay, build, calls, map_path, 'steer', '100')


@contextlib.contextmanager
def by_driver(relay, build, calls, map_path):
    """With XDP. A veth end can send by it where the other end polls, which it does with GRO."""
    load = relay.replace('-relay-', '-load-')
    run('ip', 'netns', 'exec', load, 'ethtool', '-K', 'load0', 'gro', 'on')
    try:
        with by_kernel(relay, build, calls, map_path) as process:
            yield process
    finally:
        run('ip', 'netns', 'exec', load, 'ethtool', '-K', 'load0', 'gro', 'off')


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


def load_at(bed, start, options, map_path, rate, seconds):
    """What the load says: sent, received, p50, p99 and others by name."""
    load, _relay, mac = bed
    out = run('ip', 'netns', 'exec', load, *NICE, 'taskset', '-c', '0', f'{options.build}/tests/kload', 'load0', mac,
              RELAY_IP, map_path, str(options.calls), A_BASE, B_BASE, str(PORT), str(seconds), str(rate),
              *(['xdp'] if start is by_driver else []))
    words = out.split()
    said = {name: float(value) for name, value in zip(words[::2], words[1::2])}
    if said['wrong']:
        raise SystemExit(f'{said["wrong"]:.0f} packets came to the wrong endpoint')
    return said


def loss_at(bed, start, options, map_path, rate, seconds):
    """The part that got lost, and the rate that the load reached."""
    said = load_at(bed, start, options, map_path, rate, seconds)
    return 1 - said['received'] / said['sent'], said['sent'] / seconds


def delays(bed, start, options, map_path, rate):
    """p50 and p99 in microseconds, of the whole way and since a packet came to the relay's kernel."""
    with start(bed[1], options.build, options.calls, map_path), at_the_relay('stamp', bed[1], options.build):
        said = load_at(bed, start, options, map_path, rate, options.seconds)
    return tuple(said[name] for name in ('p50', 'p99', 'inside50', 'inside99'))


def passes(bed, start, options, map_path, rate):
    """The rate reached when a run was without loss, else 0. The relay is started anew for each run: rtpengine
    does not recover from too high a rate."""
    for _ in range(RUNS):
        with start(bed[1], options.build, options.calls, map_path):
            loss, reached = loss_at(bed, start, options, map_path, rate, options.seconds)
        print(f'    {rate:7d}/s asked, {reached:9.0f}/s sent, {100 * loss:6.2f} % lost', flush=True)
        if loss < LOSS_MAX and reached > REACHED_MIN * rate:
            return reached
    return 0


def highest_rate(bed, start, options, map_path, first):
    best, rate, step = 0, first, first // 2
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
    """Microseconds of the relay's process a packet; of none, 0."""
    seconds = 2 * options.seconds
    with start(bed[1], options.build, options.calls, map_path) as process:
        if not process:
            return 0
        before = cpu_seconds(process.pid)
        _loss, reached = loss_at(bed, start, options, map_path, CPU_RATE, seconds)
        # The load's first packets of each stream are relayed as well.
        packets = reached * seconds + 2 * WARM_ROUNDS * options.calls
        return (cpu_seconds(process.pid) - before) / packets * 1e6


def main():
    if len(sys.argv) == 4 and sys.argv[1] == '--ng-calls':
        ng_calls(int(sys.argv[2]), sys.argv[3])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('build')
    parser.add_argument('--calls', type=int, default=400)
    parser.add_argument('--seconds', type=float, default=2)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--only', choices=tuple(FIRST_RATE), nargs='+')
    parser.add_argument('--delays', action='store_true', help='nothing but delays')
    options = parser.parse_args()
    relays = {'cable': cable, 'rtpengine': rtpengine, 'sockets': ours, 'steered': steered, 'polling': polling,
              'kernel': by_kernel, 'driver': by_driver}
    if options.only:
        relays = {name: relays[name] for name in options.only}
    if 'rtpengine' in relays and not shutil.which('rtpengine'):
        print('rtpengine is not installed (Debian: rtpengine-daemon): no comparison')
        del relays['rtpengine']
    results = {name: [] for name in relays}
    costs = {name: [] for name in relays}
    late = {name: {rate: [] for rate in DELAY_RATES[name]} for name in relays}
    with test_bed() as bed:
        map_path = f'/tmp/vosbench-map-{os.getpid()}'
        try:
            for number in range(options.rounds):
                for name, start in relays.items():
                    print(f'round {number + 1}, {name}, {options.calls} calls', flush=True)
                    if not options.delays:
                        costs[name].append(cpu_of_packet(bed, start, options, map_path))
                        results[name].append(highest_rate(bed, start, options, map_path, FIRST_RATE[name]))
                    for rate, found in late[name].items():
                        found.extend(delays(bed, start, options, map_path, rate) for _ in range(DELAY_RUNS))
        finally:
            if os.path.exists(map_path):
                os.unlink(map_path)
    report(results, costs, late)


def report(results, costs, late):
    for name, rates in results.items():
        print(f'{name}:')
        if rates:
            print(f'  {statistics.median(rates):.0f} packets/s (of {", ".join(f"{rate:.0f}" for rate in rates)}), '
                  f'{statistics.median(costs[name]):.2f} us of CPU a packet')
        for rate, found in late[name].items():
            p50, p99, inside50, inside99 = (statistics.median(column) for column in zip(*found))
            inside = '' if name == 'driver' else f', inside the relay {inside50:.1f} us and {inside99:.1f} us'
            print(f'  at {rate}/s: p50 {p50:.1f} us, p99 {p99:.1f} us{inside} (p99 of '
                  + ", ".join(f"{one[1]:.1f}/{one[3]:.1f}" for one in found) + ')')
    for name in results:
        if name not in ('rtpengine', 'cable') and 'rtpengine' in results:
            whole, inside = ([statistics.median(one[column] for one in late[which][20000])
                              for which in (name, 'rtpengine')] for column in (1, 3))
            part = '' if name == 'driver' else f', inside {inside[0] / inside[1]:.2f}'
            print(f'{name} beside rtpengine: {whole[0] / whole[1]:.2f} of its p99{part}' + times(name, results))


def times(name, results):
    if not results[name]:
        return ''
    return f', {statistics.median(results[name]) / max(1, statistics.median(results["rtpengine"])):.1f} times the packets'


if __name__ == '__main__':
    main()
