# SPDX-License-Identifier: GPL-2.0-or-later
"""Phones of siplib on TCP and TLS: the same Agent, with a connection (and a port to be called at) in place
of a datagram socket. Certificates are made with openssl(1) for the test that asks for one."""
import re
import select
import socket
import ssl
import subprocess
import time

from siplib import Agent, Message


def make_certificate(folder, name='switch', days=30, issuer=None, address='127.0.0.1', key='ec'):
    """(certificate, key) as paths. issuer: such a pair that signs it; without one it signs itself."""
    cert_path, key_path, request = folder / f'{name}.pem', folder / f'{name}.key', folder / f'{name}.csr'
    kind = ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256'] if key == 'ec' else [key]
    subject = ['-subj', f'/CN={name}', '-addext', f'subjectAltName=IP:{address}']
    if not issuer:
        run('req', '-x509', '-newkey', *kind, '-nodes', '-keyout', key_path, '-out', cert_path, '-days', days, *subject)
        return cert_path, key_path
    run('req', '-newkey', *kind, '-nodes', '-keyout', key_path, '-out', request, *subject)
    run('x509', '-req', '-in', request, '-CA', issuer[0], '-CAkey', issuer[1], '-CAcreateserial', '-out', cert_path,
        '-days', days)
    return cert_path, key_path


def run(*words):
    done = subprocess.run(['openssl', *map(str, words)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f'openssl {words[0]}: {done.stderr}')


def client_context(ca=None, certificate=None):
    """ca: whom to trust (none: anybody). certificate: (path, key path) to show."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if ca else ssl.CERT_NONE
    if ca:
        context.load_verify_locations(ca)
    if certificate:
        context.load_cert_chain(*certificate)
    return context


class Stream:
    """One connection as a peer has it: bytes out, messages and CRLFs in."""

    def __init__(self, connection):
        self.socket = connection
        self.data = b''
        self.is_ended = False

    def send(self, data):
        self.socket.sendall(data)

    def take(self):
        """The next message or run of CRLF in what was read; None when there is none."""
        if self.data.startswith(b'\r\n'):
            self.data = self.data[2:]
            return b'\r\n'
        head, end, rest = self.data.partition(b'\r\n\r\n')
        if not end:
            return None
        length = re.search(rb'(?im)^(?:content-length|l)\s*:\s*(\d+)', head)
        if not length:
            raise AssertionError(f'a message without Content-Length: {head!r}')
        size = len(head) + 4 + int(length.group(1))
        if len(self.data) < size:
            return None
        message, self.data = self.data[:size], self.data[size:]
        return message

    def read(self, timeout_s=15):
        """The next message or CRLF; None when none comes in time, or ever (is_ended)."""
        deadline = time.monotonic() + timeout_s
        while True:
            taken = self.take()
            if taken is not None:
                return taken
            self.socket.settimeout(max(deadline - time.monotonic(), 0.000001))
            try:
                more = self.socket.recv(65536)
            except (socket.timeout, ssl.SSLWantReadError):
                return None
            except (ConnectionError, ssl.SSLError):
                more = b''
            if not more:
                self.is_ended = True
                return None
            self.data += more

    def wait_end(self, timeout_s=15):
        """What came until the switch closed; fails when it does not."""
        found = []
        while not self.is_ended:
            message = self.read(timeout_s)
            if message is None and not self.is_ended:
                raise AssertionError(f'the connection is still there after {timeout_s} s; it brought {found}')
            if message is not None:
                found.append(message)
        return found

    def close(self):
        self.socket.close()

    def reset(self):
        """Ends it with RST."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\x01\0\0\0\0\0\0\0')
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def wait_readable(sockets, timeout_s):
    """Those that have something; poll() knows no highest descriptor."""
    poller = select.poll()
    for one in sockets:
        poller.register(one, select.POLLIN)
    ready = {descriptor for descriptor, _ in poller.poll(max(timeout_s, 0) * 1000)}
    return [one for one in sockets if one.fileno() in ready]


def connect(address, port, context=None, source='', timeout_s=10):
    connection = socket.create_connection((address, port), timeout_s, (source, 0) if source else None)
    return Stream(context.wrap_socket(connection) if context else connection)


class StreamAgent(Agent):
    """A phone that keeps one connection to the switch and listens for others. What it sends goes by the
    connection; an answer by the one that its request came by."""

    def __init__(self, switch, user, password='', port=None, transport='tcp', address='127.0.0.1', context=None,
                 listen_context=None, contact_port=None):
        """port: of the switch's TCP or TLS address. contact_port: what Contact claims instead of ours."""
        host = f'[{address}]' if ':' in address else address
        self.listener = socket.create_server((address, 0), family=socket.AF_INET6 if ':' in address else socket.AF_INET)
        self.address = self.host = host
        self.port = self.listener.getsockname()[1]
        self.transport = transport
        self.contact_port = contact_port
        self.context = context if transport == 'tls' else None
        self.listen_context = listen_context
        self.where = (address, port)
        self.user, self.password = user, password
        self.domain = host
        self.received, self.unread, self.junk = [], [], []
        self.cseq = 1
        self.call_id = f'{user}-{self.port}'
        self.streams = []
        self.main = self.open()

    def open(self):
        """Another connection to the switch, which becomes the one that requests go by."""
        self.main = connect(*self.where, self.context, source=self.where[0])
        self.streams.append(self.main)
        return self.main

    @property
    def contact(self):
        return f'<sip:{self.user}@{self.address}:{self.contact_port or self.port};transport={self.transport}>'

    def request(self, *arguments, **named):
        message = super().request(*arguments, **named)
        message.headers = [(name, value.replace('SIP/2.0/UDP', f'SIP/2.0/{self.transport.upper()}', 1)
                            if name == 'Via' else value) for name, value in message.headers]
        return message

    def send_raw(self, data, to=None):
        (to if isinstance(to, Stream) else self.main).send(data)

    def _accept(self):
        connection, _ = self.listener.accept()
        if self.listen_context:
            connection = self.listen_context.wrap_socket(connection, server_side=True)
        self.streams.append(Stream(connection))

    def _take(self):
        for stream in self.streams:
            data = stream.take()
            if data:
                if data == b'\r\n':
                    self.junk.append((data, stream))
                else:
                    self.received.append(data)
                    message = Message.parse(data)
                    message.source = stream
                    self.unread.append(message)
                return True
        return False

    def read(self, timeout_s):
        deadline = time.monotonic() + timeout_s
        while not self._take():
            live = [stream for stream in self.streams if not stream.is_ended and stream.socket.fileno() >= 0]
            pending = [stream.socket for stream in live if getattr(stream.socket, 'pending', lambda: 0)()]
            readable = pending or wait_readable([self.listener] + [stream.socket for stream in live],
                                                deadline - time.monotonic())
            if not readable:
                return False
            if self.listener in readable:
                self._accept()
            for stream in live:
                if stream.socket in readable:
                    data = stream.read(0.05)
                    if data:
                        stream.data = data + stream.data
        return True

    def close(self):
        self.listener.close()
        for stream in self.streams:
            stream.close()
