# SPDX-License-Identifier: GPL-2.0-or-later
"""Network namespaces of a test's own: named after the process, wired by veth pairs, gone at the end."""
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
from pathlib import Path

from switch import wait_for

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)


def run(*words, text=None):
    """A command that has to succeed; its output."""
    done = subprocess.run(words, input=text, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f'{" ".join(words)}: {done.stderr.strip()}')
    return done.stdout


def are_possible():
    name = f'vos{os.getpid()}probe'
    try:
        run('ip', 'netns', 'add', name)
        run('ip', '-n', name, 'link', 'set', 'lo', 'up')
    except (RuntimeError, FileNotFoundError):
        return False
    finally:
        subprocess.run(['ip', 'netns', 'del', name], capture_output=True)
    return True


class Netns:
    def __init__(self, role):
        self.name = f'vos{os.getpid()}{role}'
        run('ip', 'netns', 'add', self.name)
        self.ip('link', 'set', 'lo', 'up')

    def ip(self, *words):
        return run('ip', '-n', self.name, *words)

    @property
    def launcher(self):
        """Words in front of a command that is to run in here."""
        return ['ip', 'netns', 'exec', self.name]

    def run(self, *words, text=None):
        return run(*self.launcher, *words, text=text)

    def sysctl(self, name, value):
        path = '/proc/sys/' + name.replace('.', '/')
        self.run('sh', '-c', f'echo {value} >{path}')

    @contextlib.contextmanager
    def entered(self):
        """This thread is inside; sockets made here stay in the namespace."""
        with open('/proc/thread-self/ns/net') as home, open(f'/run/netns/{self.name}') as inside:
            if libc.setns(inside.fileno(), CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), 'setns')
            try:
                yield
            finally:
                if libc.setns(home.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), 'setns')

    def connect(self, address, port):
        """A TCP connection made inside."""
        with self.entered():
            return socket.create_connection((address, port), timeout=5)

    def udp(self, address, port=0):
        """A UDP socket made inside."""
        with self.entered():
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.bind((address, port))
            return one

    def delete(self):
        subprocess.run(['ip', 'netns', 'del', self.name], capture_output=True)


def link(left, left_device, left_address, right, right_device, right_address):
    """A cable between two namespaces; addresses with their prefix length."""
    run('ip', 'link', 'add', left_device, 'netns', left.name, 'type', 'veth', 'peer', 'name', right_device,
        'netns', right.name)
    for end, device, address in ((left, left_device, left_address), (right, right_device, right_address)):
        end.ip('addr', 'add', address, 'dev', device)
        end.ip('link', 'set', device, 'up')


class Capture:
    """tshark in a namespace, from when it really captures until stop()."""

    def __init__(self, netns, folder, name, *devices):
        self.path = Path(folder) / f'{name}.pcapng'
        words = [word for device in devices for word in ('-i', device)]
        with open(Path(folder) / f'{name}.log', 'wb') as log:
            self.process = subprocess.Popen([*netns.launcher, 'tshark', '-q', *words, '-w', str(self.path)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for('tshark captures', lambda: self.path.exists() and self.path.stat().st_size > 0, 20)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(20)

    def packets(self, display_filter, *fields):
        """One tuple of texts a packet, in order of time."""
        words = [word for field in fields for word in ('-e', field)]
        out = run('tshark', '-r', str(self.path), '-Y', display_filter, '-T', 'fields', '-E', 'separator=/t', *words)
        return [tuple(line.split('\t')) for line in out.splitlines()]
