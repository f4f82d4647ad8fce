# SPDX-License-Identifier: GPL-2.0-or-later
"""Ports for tests that run side by side. A port that is merely free now may be somebody's a moment later: the
kernel's own choice for a client, an RTP port of another test's switchd, the next test that looks. So ports come
from where the kernel gives none to clients and switchd's RTP range does not reach by default, and each is
leased: a byte of one file is locked for as long as the test's process lives."""
import contextlib
import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

SINGLE = range(2000, 10000)
LEASES = Path(tempfile.gettempdir()) / f'vos-test-ports-{os.getuid()}'
WELL_KNOWN = {3306, 5060, 5061, 5080, 5432, 6379, 8080, 9060, 9090}
# Where each sipp takes ports of its own accord: for media, and to be controlled by.
WELL_KNOWN.update(range(6000, 6300), range(8888, 8949))


class _Leases:
    """Locks of one process do not stop itself, so it also keeps what it has taken."""

    def __init__(self):
        self.file = None
        self.taken = set()

    def take(self, low, count):
        if any(port in self.taken for port in range(low, low + count)):
            return False
        if self.file is None:
            self.file = os.open(LEASES, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB, count, low)
        except OSError:
            return False
        self.taken.update(range(low, low + count))
        return True


_leases = _Leases()


def _is_free(port, address, kinds):
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    with contextlib.ExitStack() as probes:
        try:
            for kind in kinds:
                probe = probes.enter_context(socket.socket(family, kind))
                if kind == socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((address, port))
        except OSError:
            return False
    return True


def free_port(address='127.0.0.1'):
    """One that is free for UDP and TCP."""
    for _ in range(1000):
        port = random.choice(SINGLE)
        if port in WELL_KNOWN or not _leases.take(port, 1):
            continue
        if _is_free(port, address, (socket.SOCK_DGRAM, socket.SOCK_STREAM)):
            return port
    raise AssertionError('no free port')


def free_port_range(count, address='127.0.0.1'):
    """The lowest of that many UDP ports, from an even one on."""
    with open('/proc/sys/net/ipv4/ip_local_port_range') as limits:
        given_from = int(limits.read().split()[0])
    top = given_from if given_from > 20000 else 65536
    for _ in range(200):
        low = random.randrange(10000, top - count, 2)
        if _leases.take(low, count) and \
                all(_is_free(port, address, (socket.SOCK_DGRAM,)) for port in range(low, low + count)):
            return low
    raise AssertionError(f'no {count} free ports in a row')
