# SPDX-License-Identifier: GPL-2.0-or-later
"""A switchd of the test's own: started on a free port with a scratch state folder, asked through vosctl,
and stopped. Nothing here sleeps for a fixed time; wait_for() polls for an event up to a deadline."""
import json
import os
import signal
import subprocess
import time
from pathlib import Path

from ports import free_port, free_port_range  # noqa: F401  (what its users need beside it)

ROOT = Path(os.environ.get('VOS_SOURCE_DIR') or Path(__file__).resolve().parents[2])
BUILD = Path(os.environ.get('VOS_BUILD_DIR') or ROOT / 'build')
SKIPPED = 77
free_udp_port = free_tcp_port = free_port


def wait_for(what, predicate, timeout_s=30):
    """The first true value of predicate(); fails the test with `what` when there is none in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f'{what}: not within {timeout_s} s')
        time.sleep(0.02)


def udp_port_is_bound(port, pid='self'):
    """Looks into /proc, so that nothing is sent to a program that is not ready yet."""
    ends = f':{port:04X}'
    with open(f'/proc/{pid}/net/udp') as table:
        return any(line.split()[1].endswith(ends) for line in table.readlines()[1:])


def tcp_port_is_bound(port, pid='self'):
    """Whether somebody listens on it."""
    ends = f':{port:04X}'
    with open(f'/proc/{pid}/net/tcp') as table:
        rows = [line.split() for line in table.readlines()[1:]]
    return any(row[1].endswith(ends) and row[3] == '0A' for row in rows)


class Switch:
    def __init__(self, folder, config, address='127.0.0.1', port=None, launcher=()):
        """config: text for --apply, to which the listen object is added. launcher: words in front of the
        command (ip netns exec ...)."""
        self.folder = Path(folder)
        self.address = address
        self.port = port or free_udp_port(address)
        self.socket = str(self.folder / 'control.sock')
        self.log_path = self.folder / 'switchd.log'
        self.launcher = list(launcher)
        self.process = None
        self.config_path = self.folder / 'switch.conf'
        self.config_path.write_text(
            f'listen test\n udp {address}:{self.port}\n exit\n{config}\nend\n')

    def start(self, apply=True):
        command = [*self.launcher, str(BUILD / 'switchd'), '--foreground', '--state',
                   str(self.folder / 'state'), '--socket', self.socket]
        if apply:
            command += ['--apply', str(self.config_path)]
        with open(self.log_path, 'ab') as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_for('switchd answers', self._answers)
        return self

    def _answers(self):
        code = self.process.poll()
        if code is not None:
            raise AssertionError(f'switchd ended with {code}:\n{self.log()}')
        return self.ctl('show', 'version').returncode == 0

    def ctl(self, *words):
        """One vosctl command; the finished process with its output as text."""
        return subprocess.run([str(BUILD / 'vosctl'), '-s', self.socket, *words],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=90)

    def do(self, *words):
        """The same, which has to succeed."""
        done = self.ctl(*words)
        if done.returncode != 0:
            raise AssertionError(f'vosctl {" ".join(words)}: exit {done.returncode}\n{done.stderr}')
        return done.stdout

    def json(self, *words):
        return json.loads(self.do('-j', *words))

    def rows(self, *words):
        return self.json(*words)['rows']

    def set(self, name, value):
        self.do('set', name, value)

    def log(self):
        return self.log_path.read_text(errors='replace') if self.log_path.exists() else ''

    def stop(self, number=signal.SIGTERM, timeout_s=60):
        """Exit code (negative: ended by a signal)."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f'switchd did not stop within {timeout_s} s\n{self.log()}') from None
        self.process = None
        return code

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.stop()
