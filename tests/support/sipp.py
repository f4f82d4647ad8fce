# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs sipp with the scenarios of tests/e2e/sipp.

The scenario files are templates: <!--#include NAME--> takes in another file of the folder, @NAME@ is
replaced by a value. What sipp sent and received is read back from its message log."""
import re
import subprocess
from pathlib import Path

from switch import ROOT, free_udp_port, tcp_port_is_bound, udp_port_is_bound, wait_for

SCENARIOS = ROOT / 'tests' / 'e2e' / 'sipp'


def scenario_text(name, values):
    text = (SCENARIOS / f'{name}.xml').read_text()
    text = re.sub(r'<!--#include ([\w.]+)-->', lambda match: (SCENARIOS / match.group(1)).read_text(), text)
    text = re.sub(r'@([A-Z_]+)@', lambda match: str(values[match.group(1)]), text)
    return text


class Message:
    """A SIP message out of a log."""

    def __init__(self, text):
        head, _, self.body = text.partition('\n\n')
        self.first_line, *lines = head.split('\n')
        self.headers = [tuple(part.strip() for part in line.split(':', 1)) for line in lines if ':' in line]

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    @property
    def method(self):
        return self.first_line.split()[0]

    @property
    def status(self):
        return int(self.first_line.split()[1]) if self.first_line.startswith('SIP/2.0 ') else None

    def sdp(self, kind):
        """Values of the lines "kind=..." of the body."""
        return [line[2:].strip() for line in self.body.split('\n') if line.startswith(kind + '=')]


class Sipp:
    """One sipp process that plays one scenario once."""

    count = 0

    def __init__(self, folder, scenario, switch, port=None, service='', auth_uri=None, timeout_s=10, transport='u1',
                 switch_port=None, calls=1, **values):
        """transport: sipp's -t. switch_port: of another listen address than UDP's."""
        Sipp.count += 1
        name = f'{scenario}-{Sipp.count}'
        self.scenario = scenario
        self.transport = transport
        self.port = port or free_udp_port()
        self.messages_path = Path(folder) / f'{name}.messages'
        self.errors_path = Path(folder) / f'{name}.errors'
        self.screen_path = Path(folder) / f'{name}.screen'
        scenario_path = Path(folder) / f'{name}.xml'
        scenario_path.write_text(scenario_text(scenario, {'CONTACT_PARAMS': '', **values}))
        command = ['sipp', f'127.0.0.1:{switch_port or switch.port}', '-sf', str(scenario_path), '-i', '127.0.0.1',
                   '-t', transport, '-p', str(self.port), '-m', str(calls), '-nostdin', '-nd', '-timeout', str(timeout_s), '-timeout_error',
                   '-trace_msg', '-message_file', str(self.messages_path), '-message_overwrite', 'true',
                   '-trace_err', '-error_file', str(self.errors_path), '-recv_timeout', str(timeout_s * 1000)]
        if transport.endswith('n'):
            command += ['-max_socket', '1000']  # no more than it may open
        if service:
            command += ['-s', service]
        if auth_uri:
            command += ['-auth_uri', auth_uri]
        with open(self.screen_path, 'wb') as screen:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=screen,
                                            stderr=subprocess.STDOUT, cwd=folder)
        self.timeout_s = timeout_s

    def ready(self):
        """Waits until a callee can be called."""
        is_bound = udp_port_is_bound if self.transport.startswith('u') else tcp_port_is_bound
        wait_for(f'{self.scenario} listens', lambda: is_bound(self.port) or self.process.poll() is not None)
        return self

    def finish(self):
        """Waits for the end, which has to be a success. Returns self."""
        try:
            code = self.process.wait(self.timeout_s + 5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if code != 0:
            errors = self.errors_path.read_text() if self.errors_path.exists() else ''
            raise AssertionError(f'{self.scenario}: sipp ended with {code}\n{errors}\n'
                                 + self._log_text()[-6000:])
        return self

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def _log_text(self):
        return self.messages_path.read_text(errors='replace') if self.messages_path.exists() else ''

    def _parts(self, direction):
        text = self._log_text().replace('\r\n', '\n')
        for part in re.split(r'^-{20,} .*$', text, flags=re.M):
            match = re.match(rf'\s*(?:UDP|TCP) message {direction}[^\n]*:\n\n', part)
            if match:
                yield Message(part[match.end():])

    def received(self, method=None, status=None):
        return [message for message in self._parts('received')
                if (method is None or message.method == method) and (status is None or message.status == status)]

    def sent(self, method=None, status=None):
        return [message for message in self._parts('sent')
                if (method is None or message.method == method) and (status is None or message.status == status)]
