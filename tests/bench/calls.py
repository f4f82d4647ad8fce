#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What calls cost switchd beside Kamailio, in one run on one machine.

  calls.py [--rounds N] [--held N] [PART ...]

Parts, all of them when none is named:

  calls    calls in a closed loop, no authentication, no media: CPU a call of both, and the ratio
  auth     the same with 407, and with the SDP rewritten: switchd relays, Kamailio only changes the c= line
  silent   12,000 INVITEs at 1,500 a second to a callee that never answers: until the last was given up, and the
           first 16 s of it, as long as `sipblast -n 12000 -w 100000 -r 1500 -d 9` lasts
  delay    what the switch adds to the delay until the callee rings, at half the rate of a closed loop
  held     bytes of 5,000 and of --held calls that are up, without media
  flat     CPU a call while 100 and while --held others are up
  threads  CPU a call of one signalling thread and of the busier one of two

The figure is CPU time, system calls included, since others may use the machine as well: for `calls`, `auth` and
`flat` that of the thread or process that handles the calls, whose core is the limit of their rate; for `silent` that
of all. For the same reason overload control is off. The server has one core, the load the other; SERVER_CPU and
LOAD_CPU choose them (default 1 and 0). Part `threads` lets both run on both: two free cores beside a load are not
there, so the ratio is that of the CPU time a call of one thread to that of the busier one of two. It is what two free
cores would carry if neither thread waits for the other; the number of futex calls says whether one does (needs
strace).

VOS_BUILD_DIR holds the programs; VOS_BENCH_DIR the load generator (sipblast.c), by default ../shared/bench/sip
beside the checkout. Prints figures; the bars beside them are what the project wants to reach."""
import argparse
import contextlib
import os
import re
import resource
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from switch import BUILD, ROOT, free_udp_port  # noqa: E402

BENCH = Path(os.environ.get('VOS_BENCH_DIR') or ROOT.parent / 'shared' / 'bench' / 'sip')
SERVER_CPU = os.environ.get('SERVER_CPU', '1')
LOAD_CPU = os.environ.get('LOAD_CPU', '0')
BOTH = f'{SERVER_CPU},{LOAD_CPU}'
SETTLE_S = 36  # no transaction is left
SWITCH = '''
SS_SIP_AUTHENTICATION_REALM = bench.test
SS_AUTHENTICATION_MAX_RETRY = 0
SS_SIP_GUARD_RATE = 0
SS_MAX_CPS = 100000
SS_SIP_TIMEOUT_INVITE = 32
SS_SIP_OVERLOAD_LAG = 0
'''


class Server:
    """A server under test on a port of its own, that sends calls to `callees`."""

    def __init__(self, folder, command, port, cores=SERVER_CPU):
        self.port = port
        self.folder = Path(folder)
        with open(self.folder / 'server.log', 'ab') as log:
            self.process = subprocess.Popen(['nice', '-n', '-15', 'taskset', '-c', cores, *command],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._await()

    def _await(self):
        deadline = time.monotonic() + 30
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(('127.0.0.1', 0))
            probe.settimeout(0.2)
            own = probe.getsockname()[1]
            for number in range(10**6):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    sys.exit('server does not answer:\n' + (self.folder / 'server.log').read_text()[-2000:])
                text = (f'OPTIONS sip:p@127.0.0.1:{self.port} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{own};rport;'
                        f'branch=z9hG4bKp{number}\r\nMax-Forwards: 70\r\nFrom: <sip:p@bench.test>;tag=p{number}\r\n'
                        f'To: <sip:p@bench.test>\r\nCall-ID: probe{number}\r\nCSeq: 1 OPTIONS\r\n'
                        'Content-Length: 0\r\n\r\n')
                with contextlib.suppress(OSError):
                    probe.sendto(text.encode(), ('127.0.0.1', self.port))
                    probe.recv(4096)
                    return
                time.sleep(0.05)

    def pids(self):
        parents = {}
        for entry in os.listdir('/proc'):
            if entry.isdigit():
                with contextlib.suppress(OSError):
                    stat = Path(f'/proc/{entry}/stat').read_text()
                    parents.setdefault(int(stat[stat.rindex(')') + 2:].split()[1]), []).append(int(entry))
        found = [self.process.pid]
        for pid in found:
            found += parents.get(pid, [])
        return found

    def threads_s(self):
        """CPU seconds by thread."""
        times = {}
        for pid in self.pids():
            for task in Path(f'/proc/{pid}/task').iterdir():
                with contextlib.suppress(OSError):
                    times[task.name] = int((task / 'schedstat').read_text().split()[0]) / 1e9
        return times

    def cpu_s(self):
        return sum(self.threads_s().values())

    def memory(self):
        """Bytes of all processes, shared ones once."""
        total = 0
        for pid in self.pids():
            rollup = Path(f'/proc/{pid}/smaps_rollup').read_text()
            total += int(re.search(r'^Pss: +(\d+)', rollup, re.M).group(1)) * 1024
        return total

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def switchd(callees, *params, threads=1, asks=False, cores=SERVER_CPU):
    """callees: ports by the prefix of the numbers that go there."""
    port = free_udp_port()
    with tempfile.TemporaryDirectory(prefix='vos-bench-') as folder:
        config = [f'listen bench\n udp 127.0.0.1:{port}\n exit', SWITCH, f'SS_SIP_SIGNALLING_THREADS = {threads}',
                  *(params or ['SS_MEDIA_PROXY_MODE = off'])]
        if asks:
            config += [f'phone {user}\n password plain "pw"\n exit' for user in range(1000, 2000)]
        else:
            config.append('mapping-gateway bench\n address 127.0.0.1\n exit')
        config += [f'routing-gateway to-{prefix}\n address 127.0.0.1:{callee}\n prefixes {prefix}\n exit'
                   for prefix, callee in callees.items()]
        (Path(folder) / 'switch.conf').write_text('\n'.join(config) + '\nend\n')
        server = Server(folder, [str(BUILD / 'switchd'), '--foreground', '--state', f'{folder}/state', '--socket',
                                 f'{folder}/control.sock', '--apply', f'{folder}/switch.conf'], port, cores)
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def kamailio(callees, *defines):
    port = free_udp_port()
    [callee] = callees.values()
    with tempfile.TemporaryDirectory(prefix='vos-bench-') as folder:
        command = ['kamailio', '-x', 'tlsf', '-f', str(ROOT / 'tests' / 'bench' / 'kamailio.cfg'), '-DD', '-E', '-m',
                   '2048', '-M', '32', '-n', '1', '-P', f'{folder}/pid', '-Y', folder,
                   '-A', f'LISTEN=udp:127.0.0.1:{port}', '-A', f'CALLEE="sip:127.0.0.1:{callee}"']
        for define in defines:
            command += ['-A', define]
        server = Server(folder, command, port)
        try:
            yield server
        finally:
            server.stop()


class Blast:
    """sipblast against a server; results() waits for its end."""

    tool = None

    def __init__(self, server, callee, *words, cores=LOAD_CPU):
        self.server = server
        self.process = subprocess.Popen(
            ['nice', '-n', '-15', 'taskset', '-c', cores, self.tool, '-m', 'call', '-s', f'127.0.0.1:{server.port}',
             '-c', str(free_udp_port()), '-S', str(callee), *map(str, words)], stdout=subprocess.PIPE, text=True)

    def await_held(self):
        line = self.process.stdout.readline()
        if not line.startswith('held'):
            sys.exit(f'the calls did not come up: {line}')
        return int(line.split()[1])

    def results(self):
        out, _ = self.process.communicate()
        found = {name: float(value) for name, value in re.findall(r'(\w+)=([\d.]+)', out)}
        if found.get('failed', 1) or not found['ok']:
            sys.exit(f'calls failed: {out}')
        return found

    def end(self):
        self.process.kill()
        self.process.communicate()


def cost_us(server, callee, *words):
    """CPU microseconds a call, of the busiest thread and of all; and what the load has seen."""
    before = server.threads_s()
    found = Blast(server, callee, *words).results()
    time.sleep(0.2)
    spent = [(value - before.get(task, 0)) * 1e6 / found['ok'] for task, value in server.threads_s().items()]
    return max(spent), sum(spent), found


def verdict(value, bar, at_least):
    return 'reached' if (value >= bar if at_least else value <= bar) else 'MISSED'


def median_of(seen, key):
    return statistics.median(one[key] for one in seen)


def compare(bar, rounds, runs):
    """runs: how to start each server, and where it calls. The first load finds servers that have just been started,
    the others those that use their memory again: when their transactions of the load before are gone."""
    costs = {name: [] for name in runs}
    with contextlib.ExitStack() as stack:
        servers = {name: stack.enter_context(start()) for name, (start, _) in runs.items()}
        for _ in range(rounds + 1):
            for name, (_, callee) in runs.items():
                busiest, whole, found = cost_us(servers[name], callee, '-n', 20000, '-w', 64, '-d', 10)
                costs[name].append((busiest, whole, found['ok'] / found['elapsed']))
            time.sleep(SETTLE_S)
    for what, part in (('just started', slice(0, 1)), ('warm', slice(1, None))):
        for name in runs:
            seen = costs[name][part]
            busiest = median_of(seen, 0)
            print(f'  {what}, {name}: {busiest:.1f} us of CPU a call in the thread that handles them '
                  f'({min(seen)[0]:.1f} to {max(seen)[0]:.1f}), {1e6 / busiest:,.0f} calls a CPU second; '
                  f'{median_of(seen, 1):.1f} us in all threads, {median_of(seen, 2):,.0f}/s by the clock')
        ratio = median_of(costs['kamailio'][part], 0) / median_of(costs['switchd'][part], 0)
        print(f'  {what}, ratio {ratio:.2f}, bar {bar}: {verdict(ratio, bar, True)}', flush=True)


def part_calls(given):
    print('calls, no authentication, no media', flush=True)
    callee = free_udp_port()
    compare(2.0, given.rounds, {
        'switchd': (lambda: switchd({'9': callee}), callee),
        'kamailio': (lambda: kamailio({'9': callee}), callee)})


def part_auth(given):
    print('calls with 407 and a changed SDP', flush=True)
    callee = free_udp_port()
    compare(1.3, given.rounds, {
        'switchd': (lambda: switchd({'9': callee}, 'SS_MEDIA_PROXY_MODE = must-on', 'SS_RTP_PORT_REST = 0',
                                    asks=True), callee),
        'kamailio': (lambda: kamailio({'9': callee}, 'WITH_AUTH', 'WITH_SDP'), callee)})


# --- silent ---

INVITE = ('INVITE sip:9{0}@127.0.0.1:{1} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{2};rport;branch=z9hG4bKs{0}\r\n'
          'Max-Forwards: 70\r\nFrom: <sip:1000@bench.test>;tag=s{0}\r\nTo: <sip:9{0}@bench.test>\r\n'
          'Call-ID: silent-{0}-{3}\r\nCSeq: 1 INVITE\r\nContact: <sip:1000@127.0.0.1:{2}>\r\n'
          'Content-Type: application/sdp\r\nContent-Length: {4}\r\n\r\n{5}')
ACK = ('ACK sip:9{0}@127.0.0.1:{1} SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:{2};rport;branch=z9hG4bKs{0}\r\n'
       'Max-Forwards: 70\r\nFrom: <sip:1000@bench.test>;tag=s{0}\r\nTo: {4}\r\n'
       'Call-ID: silent-{0}-{3}\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n')
SDP = ('v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 8\r\n'
       'a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n')


class Silent:
    """Callers that give nobody up, and the callee that says nothing."""

    def __init__(self, server, callee):
        self.server = server
        self.callers, self.callee = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self.callers.bind(('127.0.0.1', 0))
        self.callee.bind(('127.0.0.1', callee))
        for one in (self.callers, self.callee):
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.own = self.callers.getsockname()[1]
        self.heard = 0  # messages at the callee
        self.ended = set()

    def invite(self, number):
        text = INVITE.format(10000 + number, self.server.port, self.own, os.getpid(), len(SDP), SDP)
        self.callers.sendto(text.encode(), ('127.0.0.1', self.server.port))

    def _answer(self, text):
        status = int(text[8:11])
        if status < 200:
            return
        number = int(re.search(r'Call-ID: silent-(\d+)-', text).group(1))
        to = re.search(r'^To: (.*?)\r$', text, re.M).group(1)
        self.callers.sendto(ACK.format(number, self.server.port, self.own, os.getpid(), to).encode(),
                            ('127.0.0.1', self.server.port))
        self.ended.add(number)

    def work(self, wait_s):
        for ready in select.select([self.callers, self.callee], [], [], wait_s)[0]:
            with contextlib.suppress(BlockingIOError):
                for _ in range(200):
                    data = ready.recv(8192)
                    if ready is self.callers:
                        self._answer(data.decode())
                    else:
                        self.heard += data.startswith(b'INVITE ')

    def close(self):
        self.callers.close()
        self.callee.close()


FIRST_S = 16


def silent_run(server, callee, count=12000, rate=1500):
    """CPU seconds, those of the first 16 s, INVITEs that the callee got for each, calls that were given up."""
    silent = Silent(server, callee)
    before = server.cpu_s()
    start = time.monotonic()
    sent = 0
    first = None
    while len(silent.ended) < count and time.monotonic() - start < 120:
        due = min(count, int((time.monotonic() - start) * rate) + 1)
        while sent < due:
            silent.invite(sent)
            sent += 1
        silent.work(0.002 if sent < count else 0.05)
        if first is None and time.monotonic() - start >= FIRST_S:
            first = server.cpu_s() - before
    time.sleep(1)
    silent.work(0)
    silent.close()
    return server.cpu_s() - before, first, silent.heard / count, len(silent.ended)


def part_silent(given):
    print('12,000 INVITEs at 1,500/s to a callee that never answers', flush=True)
    costs = {'switchd': [], 'kamailio': []}
    for _ in range(max(1, given.rounds // 2)):
        for name, start in (('switchd', switchd), ('kamailio', kamailio)):
            callee = free_udp_port()
            with start({'9': callee}) as server:
                spent, first, sent, ended = silent_run(server, callee)
            costs[name].append((spent, first))
            print(f'  {name:9} {spent:.2f} s of CPU, {first:.2f} of them in the first {FIRST_S} s, '
                  f'{sent:.1f} INVITEs sent a call, {ended} given up')
    for what, key in (('until all were given up', 0), (f'the first {FIRST_S} s', 1)):
        ratio = median_of(costs['switchd'], key) / median_of(costs['kamailio'], key)
        print(f'  {what}, ratio {ratio:.2f}, bar 1: {verdict(ratio, 1, False)}', flush=True)


# --- delay, held, flat ---

class Nobody:
    """In the place of a server: the load talks to itself."""

    def __init__(self, callee):
        self.port = callee


def part_delay(given):
    print('delay until the answer of a callee that answers at once, at half of the peak', flush=True)
    seen = []
    for _ in range(given.rounds):
        callee = free_udp_port()
        with switchd({'9': callee}) as server:
            found = Blast(server, callee, '-n', 40000, '-w', 64, '-d', 2).results()
            rate = int(found['ok'] / found['elapsed'] / 2)
            time.sleep(1)
            load = ('-n', 10**6, '-w', 100000, '-r', rate, '-d', 3)
            half = Blast(server, callee, *load).results()
        direct = Blast(Nobody(callee), callee, *load).results()
        seen.append((half['p99'] / 1000, half['p50'] / 1000, direct['p99'] / 1000, rate))
        print(f'  at {rate:,}/s: median {half["p50"] / 1000:.2f} ms, p99 {half["p99"] / 1000:.2f} ms; '
              f'without a switch p99 {direct["p99"] / 1000:.2f} ms', flush=True)
    added = statistics.median(p99 - direct for p99, _, direct, _ in seen)
    print(f'  added to p99 {added:.2f} ms, bar 10: {verdict(added, 10, False)}', flush=True)


def part_held(given):
    print('calls that are up, no media', flush=True)
    for count in (5000, given.held):
        callee = free_udp_port()
        with switchd({'9': callee}) as server:
            before = server.memory()
            blast = Blast(server, callee, '-n', count, '-w', 64, '-d', 60, '-K', '-H', SETTLE_S + 30)
            up = blast.await_held()
            peak = (server.memory() - before) / up
            time.sleep(SETTLE_S)
            each = (server.memory() - before) / up
            blast.end()
        print(f'  {up:6,}: {each:,.0f} bytes each, {peak:,.0f} while their transactions last; '
              f'bar 4096: {verdict(each, 4096, False)}', flush=True)


def part_flat(given):
    """Both servers run at the same time and are loaded in turns, so that they have the same machine. The first load
    counts for neither: it finds memory of the recorder that was never written."""
    print('CPU a call while others are up', flush=True)
    runs, costs = {}, {}
    with contextlib.ExitStack() as stack:
        for count in (100, given.held):
            callee, other = free_udp_port(), free_udp_port()
            server = stack.enter_context(switchd({'91': callee, '95': other}))
            blast = Blast(server, callee, '-n', count, '-w', 64, '-d', 60, '-K', '-H', 3600)
            stack.callback(blast.end)
            runs[count] = (server, other, blast.await_held())
            costs[count] = []
        time.sleep(SETTLE_S)
        for number in range(max(3, given.rounds) + 1):
            for count, (server, other, _) in runs.items():
                cost = cost_us(server, other, '-n', 10000, '-w', 64, '-d', 10, '-b', 5000)[0]
                if number:
                    costs[count].append(cost)
    for count, (_, _, up) in runs.items():
        seen = costs[count]
        print(f'  {up:6,} up: {statistics.median(seen):.1f} us ({min(seen):.1f} to {max(seen):.1f})', flush=True)
    print(f'  ratio {statistics.median(costs[given.held]) / statistics.median(costs[100]):.2f}')


# --- threads ---

STREAMS = 4  # so that each thread has its share of the sockets' datagrams


def threads_run(threads):
    """CPU microseconds a call: of all threads, of the busiest."""
    callees = {f'9{1 + i}': free_udp_port() for i in range(STREAMS)}
    with switchd(callees, threads=threads, cores=BOTH) as server:
        before = server.threads_s()
        blasts = [Blast(server, callee, '-n', 10000, '-w', 32, '-d', 20, '-b', 1000 * int(prefix[1]), cores=BOTH)
                  for prefix, callee in callees.items()]
        done = sum(blast.results()['ok'] for blast in blasts)
        time.sleep(0.2)
        spent = {task: value - before.get(task, 0) for task, value in server.threads_s().items()}
    return sum(spent.values()) * 1e6 / done, max(spent.values()) * 1e6 / done


def futex_calls():
    """System calls that wait or wake, of all threads, while calls go through two of them: a call."""
    callees = {f'9{1 + i}': free_udp_port() for i in range(STREAMS)}
    with switchd(callees, threads=2, cores=BOTH) as server, tempfile.NamedTemporaryFile() as out:
        trace = subprocess.Popen(['strace', '-f', '-c', '-e', 'trace=futex', '-o', out.name, '-p', str(server.process.pid)],
                                 stderr=subprocess.PIPE, text=True)
        trace.stderr.readline()  # attached
        done = sum(blast.results()['ok'] for blast in [
            Blast(server, callee, '-n', 1000, '-w', 16, '-d', 20, '-b', 1000 * int(prefix[1]), cores=BOTH)
            for prefix, callee in callees.items()])
        trace.terminate()
        trace.wait()
        found = re.search(r'(\d+)\s+(?:\d+\s+)?futex$', Path(out.name).read_text(), re.M)
    return int(found.group(1)) / done if found else 0


def part_threads(given):
    print('one signalling thread and two, on two cores that the load shares', flush=True)
    ones, twos = [], []
    for _ in range(given.rounds):
        ones.append(threads_run(1)[1])
        twos.append(threads_run(2))
    one, two = statistics.median(ones), statistics.median(busiest for _, busiest in twos)
    print(f'  one: {one:.1f} us a call; two: {statistics.median(whole for whole, _ in twos):.1f} us, '
          f'{two:.1f} of them the busier one')
    with contextlib.suppress(FileNotFoundError):
        print(f'  futex calls: {futex_calls():.3f} a call')
    print(f'  ratio {one / two:.2f}, bar 1.7: {verdict(one / two, 1.7, True)}', flush=True)


PARTS = {'calls': part_calls, 'auth': part_auth, 'silent': part_silent, 'delay': part_delay, 'held': part_held,
         'flat': part_flat, 'threads': part_threads}


@contextlib.contextmanager
def load_tool():
    """The load generator, and this process as one that others do not disturb."""
    # With autogroups niceness counts inside a session only: the weight of our own shields the run from other jobs.
    with contextlib.suppress(OSError):
        os.setsid()
    with contextlib.suppress(OSError):
        Path('/proc/self/autogroup').write_text('-15')
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))
    with tempfile.TemporaryDirectory(prefix='vos-bench-tool-') as folder:
        Blast.tool = f'{folder}/sipblast'
        subprocess.run(['cc', '-O2', '-w', '-o', Blast.tool, str(BENCH / 'sipblast.c'), '-lm'], check=True)
        yield


def main():
    options = argparse.ArgumentParser()
    options.add_argument('--rounds', type=int, default=5)
    options.add_argument('--held', type=int, default=15000)
    options.add_argument('parts', nargs='*', metavar='PART', help=', '.join(PARTS))
    given = options.parse_args()
    unknown = set(given.parts) - set(PARTS)
    if unknown:
        options.error(f'no such part: {", ".join(sorted(unknown))}')
    with load_tool():
        for part in given.parts or PARTS:
            PARTS[part](given)


if __name__ == '__main__':
    main()
