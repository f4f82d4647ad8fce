#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Registrations over TCP and TLS, and what an idle connection costs, beside Kamailio on TCP.

usage: stream.py BUILD-DIR [--connections N] [--seconds S] [--rounds R] [--idle N]

The load is this script, on the first core: it is what limits the rate, so the figure is CPU time of the
server, all its processes and threads on the second core, for one registration (REGISTER, 401, REGISTER with
digest, 200; each connection one phone, which registers again and again). Memory is anonymous memory of the
server's processes; what the kernel holds for a socket is not in it."""
import argparse
import hashlib
import os
import re
import select
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from stream_client import client_context, make_certificate

REALM, PASSWORD, FIRST_USER = 'bench.test', 'pw', 1000
PORT, TLS_PORT = 5070, 5071


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


class Phone:
    """One connection that registers its user without end."""

    def __init__(self, user, port, context):
        self.user = str(user)
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context:
            self.socket = context.wrap_socket(self.socket)
        self.local = '%s:%d' % self.socket.getsockname()
        self.ha1 = md5(f'{self.user}:{REALM}:{PASSWORD}')
        self.ha2 = md5(f'REGISTER:sip:127.0.0.1:{PORT}')
        self.cseq = 0
        self.done = 0
        self.data = b''

    def send(self, authorization=''):
        self.cseq += 1
        self.socket.sendall((f'REGISTER sip:127.0.0.1:{PORT} SIP/2.0\r\n'
                             f'Via: SIP/2.0/TCP {self.local};branch=z9hG4bK{self.user}x{self.cseq}\r\n'
                             f'From: <sip:{self.user}@127.0.0.1>;tag=t{self.user}\r\nTo: <sip:{self.user}@127.0.0.1>\r\n'
                             f'Call-ID: c{self.user}@bench\r\nCSeq: {self.cseq} REGISTER\r\nMax-Forwards: 70\r\n'
                             f'Contact: <sip:{self.user}@{self.local};transport=tcp>\r\nExpires: 3600\r\n{authorization}'
                             'Content-Length: 0\r\n\r\n').encode())

    def read(self):
        self.data += self.socket.recv(65536)
        if not self.data.endswith(b'\r\n\r\n'):
            return
        answer, self.data = self.data, b''
        if answer.startswith(b'SIP/2.0 200'):
            self.done += 1
            self.send()
            return
        nonce = re.search(rb'nonce="([^"]*)"', answer)
        if not answer.startswith(b'SIP/2.0 401') or not nonce:
            sys.exit(f'not expected: {answer!r}')
        nonce = nonce.group(1).decode()
        response = md5(f'{self.ha1}:{nonce}:00000001:c:auth:{self.ha2}')
        self.send(f'Authorization: Digest username="{self.user}", realm="{REALM}", nonce="{nonce}", '
                  f'uri="sip:127.0.0.1:{PORT}", qop=auth, nc=00000001, cnonce="c", response="{response}", '
                  'algorithm=MD5\r\n')


class Server:
    def __init__(self, command, port):
        self.process = subprocess.Popen(['taskset', '-c', '1', *map(str, command)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(('127.0.0.1', port)).close()
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f'{command[0]} does not listen')
                time.sleep(0.05)

    def processes(self):
        return subprocess.run(['ps', '-o', 'pid=', '--sid', str(self.process.pid)], capture_output=True,
                              text=True).stdout.split()

    def cpu_us(self):
        total = 0
        for pid in self.processes():
            fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
            total += int(fields[11]) + int(fields[12])
        return total * 1000000 / os.sysconf('SC_CLK_TCK')

    def memory(self):
        return sum(int(size) * 1024 for pid in self.processes()
                   for size in re.findall(r'^Pss_(?:Anon|Shmem): +(\d+) kB',
                                          Path(f'/proc/{pid}/smaps_rollup').read_text(), re.M))

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def register(server, arguments, port, context):
    """(registrations a second, CPU us of the server for each)."""
    phones = [Phone(FIRST_USER + i, port, context) for i in range(arguments.connections)]
    poller = select.epoll()
    by_descriptor = {phone.socket.fileno(): phone for phone in phones}
    for phone in phones:
        poller.register(phone.socket, select.EPOLLIN)
        phone.send()
    before, cpu, started = None, 0, time.monotonic()
    while True:
        for descriptor, _ in poller.poll(1):
            by_descriptor[descriptor].read()
        elapsed = time.monotonic() - started
        if before is None and elapsed > 0.5:
            before, cpu, measured = sum(phone.done for phone in phones), server.cpu_us(), time.monotonic()
        if elapsed > arguments.seconds + 0.5:
            break
    count = sum(phone.done for phone in phones) - before
    result = count / (time.monotonic() - measured), (server.cpu_us() - cpu) / count
    for phone in phones:
        phone.socket.close()
    return result


def idle(server, arguments, port, context):
    """Bytes of the server for a connection that has said something once."""
    connections = []

    def open_some(count):
        for _ in range(count):
            connection = socket.create_connection(('127.0.0.1', port))
            connections.append(context.wrap_socket(connection) if context else connection)
        for connection in connections[-count:]:
            connection.sendall(b'\r\n\r\n')
            connection.recv(4)
        return server.memory()

    quarter = arguments.idle // 4
    before = open_some(quarter)  # what is there once is there now
    each = (open_some(3 * quarter) - before) / (3 * quarter)
    for connection in connections:
        connection.close()
    return each


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('build', type=Path)
    parser.add_argument('--connections', type=int, default=100)
    parser.add_argument('--seconds', type=float, default=4)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--idle', type=int, default=2000)
    arguments = parser.parse_args()
    os.sched_setaffinity(0, {0})
    folder = Path(tempfile.mkdtemp(prefix='vos-stream-bench-'))
    certificate, key = make_certificate(folder)
    config = folder / 'switch.conf'
    config.write_text('\n'.join(
        [f'SS_SIP_AUTHENTICATION_REALM = {REALM}', 'SS_SIP_GUARD_RATE = 0', 'SS_AUTHENTICATION_MAX_RETRY = 0',
         'SS_SIP_STREAM_CONNECTIONS_PER_SOURCE = 0', 'SS_SIP_AUTHENTICATION_ALGORITHMS = md5',
         f'listen bench\n tcp 127.0.0.1:{PORT}\n tls 127.0.0.1:{TLS_PORT}\n certificate {certificate}\n key {key}\n exit',
         *(f'phone {FIRST_USER + i}\n password plain "{PASSWORD}"\n exit' for i in range(arguments.connections)),
         'end', '']))
    peer = folder / 'kamailio.cfg'
    peer.write_text((Path(__file__).parent / 'kamailio.cfg').read_text().replace(
        'disable_tcp = yes', 'disable_tcp = no\ntcp_children = 1\ntcp_max_connections = 20000'))
    commands = {
        'switchd': [arguments.build / 'switchd', '--foreground', '--state', folder / 'state', '--socket',
                    folder / 'control.sock', '--apply', config],
        'kamailio': ['kamailio', '-x', 'tlsf', '-f', peer, '-DD', '-E', '-m', '1024', '-M', '32', '-n', '1', '-P',
                     folder / 'kamailio.pid', '-Y', folder, '-A', f'LISTEN=tcp:127.0.0.1:{PORT}', '-A',
                     'CALLEE="sip:127.0.0.1:5080"'],
    }
    work = [('switchd', 'tcp', PORT, None), ('switchd', 'tls', TLS_PORT, client_context())]
    if shutil.which('kamailio'):
        work.append(('kamailio', 'tcp', PORT, None))
    figures = {}
    for _ in range(arguments.rounds):
        for name, transport, port, context in work:
            shutil.rmtree(folder / 'state', ignore_errors=True)
            server = Server(commands[name], port)
            figures.setdefault((name, transport), []).append(
                (*register(server, arguments, port, context),
                 idle(server, arguments, port, context) if name == 'switchd' else None))
            server.stop()
    shutil.rmtree(folder)
    print(f'{"":10} {"":5} {"registrations/s":>16} {"CPU us each":>12} {"bytes idle":>12}')
    for (name, transport), rounds in figures.items():
        rate, cpu = (statistics.median(one[i] for one in rounds) for i in range(2))
        memory = f'{statistics.median(one[2] for one in rounds):,.0f}' if name == 'switchd' else '-'
        print(f'{name:10} {transport:5} {rate:16,.0f} {cpu:12.1f} {memory:>12}')


if __name__ == '__main__':
    main()
