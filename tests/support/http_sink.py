# SPDX-License-Identifier: GPL-2.0-or-later
"""A real HTTP server for tests, that takes what is posted to it, or behaves as badly as it is told."""
import contextlib
import json
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler

from ports import free_port


class _Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def setup(self):
        super().setup()
        self.server.connections.add(self.connection)

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        sink = self.server.sink
        with sink.lock:
            sink.tries.append(time.monotonic())
            verdict = sink.judge(len(sink.tries))
            if verdict in (200, 'midway', 'silent'):
                sink.taken.append((self.headers['Idempotency-Key'], json.loads(body), dict(self.headers)))
            sink.news.notify_all()
        getattr(self, '_' + verdict if isinstance(verdict, str) else '_answer')(verdict)

    def _answer(self, status):
        self.send_response(status)
        if status in (429, 503) and self.server.sink.retry_after:
            self.send_header('Retry-After', str(self.server.sink.retry_after))
        self.send_header('Content-Length', '2')
        self.end_headers()
        self.wfile.write(b'{}')

    def _close(self, _):
        """Without a word, and without having taken it."""
        self.close_connection = True

    def _midway(self, _):
        """It was taken, but the answer breaks off."""
        self.send_response(200)
        self.send_header('Content-Length', '1000')
        self.end_headers()
        self.wfile.write(b'{"status":')
        self.close_connection = True

    def _silent(self, _):
        """It was taken, but there is no answer."""
        self.close_connection = True

    def _hang(self, _):
        self.server.sink.is_over.wait(60)
        self.close_connection = True

    def log_message(self, *_):
        pass


class _Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, *words):
        self.connections = set()
        super().__init__(*words)

    def handle_error(self, *_):
        """A client that goes away is no fault of the server."""


class HttpSink:
    """judge(number of the try): the status to answer with, or 'close', 'midway', 'silent', 'hang'."""

    def __init__(self, judge=lambda number: 200):
        self.judge = judge
        self.retry_after = 0
        self.tries = []  # when
        self.taken = []  # (Idempotency-Key, what was posted, headers)
        self.lock = threading.Lock()
        self.news = threading.Condition(self.lock)
        self.is_over = threading.Event()
        self.port = free_port()
        self.url = f'http://127.0.0.1:{self.port}/take?from=switch'
        self.server = None

    def start(self):
        self.is_over.clear()
        self.server = _Server(('127.0.0.1', self.port), _Handler)
        self.server.sink = self
        threading.Thread(target=self.server.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()
        return self

    def stop(self):
        self.is_over.set()
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            for connection in self.server.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self.server = None

    def wait(self, what, predicate, timeout_s=60):
        with self.news:
            if not self.news.wait_for(predicate, timeout_s):
                raise AssertionError(f'{what}: not within {timeout_s} s; {len(self.tries)} tries, '
                                     f'{len(self.taken)} taken')
