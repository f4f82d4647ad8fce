# SPDX-License-Identifier: GPL-2.0-or-later
"""A baresip in a namespace: plays a tone, writes what it hears to a file, and is driven over its control
port, where it also reports what happens to its calls."""
import json
import math
import socket
import struct
import subprocess
import time
import wave
from pathlib import Path

from switch import wait_for

RATE = 8000
CONTROL_PORT = 4444

CONFIG = '''poll_method epoll
sip_listen {address}:{port}
call_local_timeout 120
call_max_calls 4
audio_source aufile,{folder}/tone.wav
audio_player aufile,/dev/null
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_buffer 20-160
rtp_tos 0
rtcp_mux no
jitter_buffer_delay 5-10
module_path {modules}
module g711.so
module sndfile.so
module aufile.so
{more}module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {folder}
'''


def modules_folder():
    return str(next(Path('/usr/lib').glob('**/baresip/modules')))


def write_tone(path, frequency_hz, seconds=60):
    period = [int(12000 * math.sin(2 * math.pi * frequency_hz * i / RATE)) for i in range(RATE)]
    second = struct.pack(f'<{RATE}h', *period)
    with wave.open(str(path), 'wb') as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(second * seconds)


def tone_share(samples, frequency_hz):
    """Share of the energy that lies at the frequency, 0 to 1 (Goertzel)."""
    energy = sum(sample * sample for sample in samples)
    if not energy:
        return 0.0
    turn = 2 * math.cos(2 * math.pi * frequency_hz / RATE)
    last = before = 0.0
    for sample in samples:
        last, before = sample + turn * last - before, last
    power = last * last + before * before - turn * last * before
    return 2 * power / (len(samples) * energy)


def loudest_share(path, frequency_hz, window=RATE // 2):
    """The best share over the windows of a recording: its start and end may be silent."""
    with wave.open(str(path)) as recording:
        frames = recording.readframes(recording.getnframes())
    samples = struct.unpack(f'<{len(frames) // 2}h', frames)
    return max((tone_share(samples[start:start + window], frequency_hz)
                for start in range(0, len(samples) - window + 1, window)), default=0.0)


class Baresip:
    def __init__(self, netns, folder, user, password, server, address, tone_hz, answers, port=5060,
                 control=CONTROL_PORT, more=(), account=''):
        """control: its control port; more, account: further lines and parameters, as baresip has them."""
        self.netns = netns
        self.control_port = control
        self.folder = Path(folder) / f'baresip-{user}'
        self.folder.mkdir()
        self.events = []
        self.pending = b''
        write_tone(self.folder / 'tone.wav', tone_hz)
        (self.folder / 'config').write_text(CONFIG.format(address=address, port=port, folder=self.folder,
                                                          modules=modules_folder(), control=control,
                                                          more=''.join(f'{line}\n' for line in more)))
        (self.folder / 'accounts').write_text(
            f'<sip:{user}@{server}>;auth_pass={password};regint=3600;audio_codecs=pcma;'
            f'answermode={"auto" if answers else "manual"}{account}\n')
        (self.folder / 'contacts').write_text('')
        with open(self.folder / 'log', 'wb') as log:
            self.process = subprocess.Popen([*netns.launcher, 'baresip', '-4', '-f', str(self.folder)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.control = wait_for(f'baresip {user} starts', self._connect, 20)
        self.control.setblocking(False)

    def _connect(self):
        try:
            return self.netns.connect('127.0.0.1', self.control_port)
        except OSError:
            if self.process.poll() is not None:
                raise AssertionError(f'baresip ended\n{self.log()}') from None
            return None

    def log(self):
        return (self.folder / 'log').read_text(errors='replace')

    def registered(self):
        """Its first registration may be over before the control port is, so the log has to tell."""
        return '200 OK' in self.log()

    def command(self, name, parameters=''):
        text = json.dumps({'command': name, 'params': parameters, 'token': name}).encode()
        self.control.sendall(b'%d:%s,' % (len(text), text))

    def _read(self):
        try:
            data = self.control.recv(65536)
        except (BlockingIOError, socket.timeout):
            return
        self.pending += data
        while b':' in self.pending:
            length, _, rest = self.pending.partition(b':')
            if len(rest) <= int(length):
                return
            self.events.append({'time': time.time(), **json.loads(rest[:int(length)])})
            self.pending = rest[int(length) + 1:]

    def seen(self, kind, since=0):
        """The events of a kind from number `since` on."""
        self._read()
        return [event for event in self.events[since:] if event.get('type') == kind]

    def incoming(self, since=0):
        """Whatever happened from event `since` on to calls that came in."""
        self._read()
        return [event for event in self.events[since:] if event.get('direction') == 'incoming']

    def wait(self, kind, timeout_s=15, since=0):
        try:
            return wait_for(f'{kind} at {self.folder.name}', lambda: self.seen(kind, since), timeout_s)[0]
        except AssertionError as error:
            raise AssertionError(f'{error}\n{self.log()[-3000:]}\n{self.events[since:]}') from None

    def recordings(self):
        return sorted(self.folder.glob('dump-*-dec.wav'))

    def stop(self):
        self.control.close()
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
