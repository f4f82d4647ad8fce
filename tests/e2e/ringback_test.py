#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Local ring: the caller hears a tone of the switch while the callee rings, by frequencies and cadence, until
media of the callee's own or the answer comes; tones of countries, and of a file."""
import struct
import sys
import tempfile
import time
import unittest
import wave
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
import audio
from siplib import Agent, Rtp, Sdp, Switch, make_sdp
from switch import free_port_range, wait_for

IVR_LOW = free_port_range(40)
IVR_HIGH = IVR_LOW + 39
RELAY_LOW = free_port_range(40)

CONFIG = f'''
phone 1001
 password plain "caller"
 exit
phone 1002
 password plain "callee"
 local-ring on
 exit
phone 1003
 password plain "quiet"
 exit
phone 1004
 password plain "caller"
 remote-ringing 180-sdp
 exit
phone 1005
 password plain "callee"
 local-ring on
 local-ring-delay 1
 exit
SS_MEDIA_PROXY_MODE = auto
SS_MEDIA_PROXY_BETWEEN_NET = off
SS_RTP_PORT_RANGE = {RELAY_LOW},{RELAY_LOW + 39}
IVR_RTP_PORT = {IVR_LOW},{IVR_HIGH}
IVR_RING_TONE = gb
'''


class Heard:
    """RTP as it came: fields of the headers, and the sound."""

    def __init__(self, packets):
        self.sources = {source for _, source in packets}
        fields = [struct.unpack('!BBHII', data[:12]) for data, _ in packets]
        self.marks = [byte >> 7 for _, byte, _, _, _ in fields]
        self.types = {byte & 127 for _, byte, _, _, _ in fields}
        self.sequences = [sequence for _, _, sequence, _, _ in fields]
        self.timestamps = [timestamp for _, _, _, timestamp, _ in fields]
        self.ssrcs = {ssrc for _, _, _, _, ssrc in fields}
        self.samples = [sample for data, _ in packets
                        for sample in audio.decode(data[12:], data[1] & 127)]


class RingBase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-ringback-')
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.switch = Switch(cls.scratch.name, CONFIG)
        cls.addClassCleanup(cls.switch.stop)
        cls.switch.start()

    def setUp(self):
        self.caller = self.enter(Agent(self.switch, '1001', 'caller'))
        self.callee = self.enter(Agent(self.switch, '1002', 'callee'))
        self.rtp = self.enter(Rtp(payload_type=0))
        self.far = self.enter(Rtp(payload_type=0))
        self.caller.register()
        self.callee.register()
        self.addCleanup(self.callee.register, expires=0)

    def enter(self, thing):
        self.addCleanup(thing.close)
        return thing

    def call(self, formats=(0, 8), callee='1002', extra=()):
        call = self.caller.invite(callee, sdp=make_sdp('127.0.0.1', self.rtp.port, formats, extra=extra))
        return call, self.callee.incoming()

    def hear(self, count, timeout_s=20):
        packets = []
        deadline = time.monotonic() + timeout_s
        while len(packets) < count and time.monotonic() < deadline:
            got = self.rtp.receive(1)
            if got:
                packets.append(got)
        self.assertEqual(len(packets), count)
        return Heard(packets)

    def end(self, call, far):
        call.bye()
        far.reply(far.wait_request('BYE'), 200)
        wait_for('all ports are given back',
                 lambda: self.switch.json('show', 'media', 'ports')['item']['pairs_used'] == 0)


class Tones(RingBase):
    def test_heard_until_the_answer(self):
        call, ring = self.call()
        ring.answer(180)
        ringing = call.wait(183)
        early = Sdp(ringing.body)
        self.assertIn(early.port, range(IVR_LOW, IVR_HIGH + 1))
        self.assertEqual(early.formats, [0])
        heard = self.hear(160)
        self.assertEqual(heard.sources, {early.rtp})
        self.assertEqual(heard.marks, [1] + [0] * 159)
        self.assertEqual(heard.types, {0})
        self.assertEqual(len(heard.ssrcs), 1)
        ports = self.switch.json('show', 'media', 'ports')['item']
        self.assertEqual((ports['tone_ports_low'], ports['tone_ports_high']), (IVR_LOW, IVR_HIGH))
        self.assertEqual((ports['tone_pairs_used'], ports['tones_playing']), (1, 1))
        self.assertGreaterEqual(ports['tone_packets'], 160)
        steps = [(after - before) & 0xffff for before, after in zip(heard.sequences, heard.sequences[1:])]
        self.assertEqual(set(steps), {1})
        steps = [(after - before) & 0xffffffff for before, after in zip(heard.timestamps, heard.timestamps[1:])]
        self.assertEqual(set(steps), {160})
        self.assertEqual(audio.cadence_ms(heard.samples), [400, 200, 400, 2000, 200])
        sound = heard.samples[800:2400]
        for frequency in (400, 450):
            self.assertGreater(audio.share(sound, frequency), 0.4, frequency)
        self.assertAlmostEqual(audio.level_dbm0(sound), -10, delta=1)
        # More ringing is no news to who hears a tone.
        ring.answer(180)
        ring.answer(200, sdp=make_sdp('127.0.0.1', self.far.port, (0,)))
        answer = call.wait(200)
        self.assertEqual(answer.tag('To'), ringing.tag('To'))
        self.assertEqual(Sdp(answer.body).rtp, early.rtp)
        call.ack()
        ring.wait_request('ACK')
        relayed = Sdp(ring.invite_request.body).rtp
        self.assertNotIn(relayed[1], range(IVR_LOW, IVR_HIGH + 1))
        self.assertEqual(self.far.exchange(relayed, self.rtp), early.rtp)
        self.rtp.exchange(early.rtp, self.far)
        # The tone is over: what comes now is the callee's.
        self.assertEqual(self.switch.json('show', 'media', 'ports')['item']['tones_playing'], 0)
        while self.rtp.receive(0.2):
            pass
        self.far.send(relayed)
        got = self.rtp.receive()
        self.assertEqual(struct.unpack('!I', got[0][8:12])[0], self.far.ssrc)
        self.assertIsNone(self.rtp.receive(0.2))
        self.end(call, ring)

    def test_media_of_the_callee_ends_it(self):
        call, ring = self.call((8, 0))
        ring.answer(180)
        early = Sdp(call.wait(183).body)
        self.assertEqual(early.formats, [8])
        tone = self.hear(10)
        self.assertEqual(tone.types, {8})
        ring.answer(183, sdp=make_sdp('127.0.0.1', self.far.port, (8,)))
        call.wait(183)
        # Only described so far: the tone goes on.
        while self.rtp.receive(0.001):
            pass
        self.assertEqual(self.hear(5).ssrcs, tone.ssrcs)
        relayed = Sdp(ring.invite_request.body).rtp
        self.far.payload_type = 8
        self.far.exchange(relayed, self.rtp)
        while self.rtp.receive(0.2):
            pass
        self.far.send(relayed)
        self.assertEqual(struct.unpack('!I', self.rtp.receive()[0][8:12])[0], self.far.ssrc)
        self.assertIsNone(self.rtp.receive(0.2))
        ring.answer(200, sdp=make_sdp('127.0.0.1', self.far.port, (8,)))
        call.wait(200)
        call.ack()
        ring.wait_request('ACK')
        self.end(call, ring)

    def test_no_codec_of_ours_means_plain_ringing(self):
        call, ring = self.call((18,))
        ring.answer(180)
        self.assertEqual(call.wait(180).body, b'')
        self.assertIsNone(self.rtp.receive(0.3))
        ring.answer(486)
        call.ack(call.wait(486))
        ring.wait_request('ACK')

    def test_tone_after_the_delay_of_a_phone(self):
        caller = self.enter(Agent(self.switch, '1004', 'caller'))
        late = self.enter(Agent(self.switch, '1005', 'callee'))
        late.register()
        self.addCleanup(late.register, expires=0)
        call = caller.invite('1005', sdp=make_sdp('127.0.0.1', self.rtp.port, (0, 8)))
        ring = late.incoming()
        # It does not ring, and the tone comes all the same: by 180, as the caller's remote-ringing says.
        ringing = call.wait(lambda m: m.status > 100)
        self.assertEqual((ringing.status, Sdp(ringing.body).formats), (180, [0]))
        self.assertEqual(self.hear(5).types, {0})
        ring.answer(486)
        call.ack(call.wait(486))
        ring.wait_request('ACK')

    def test_another_codec_is_another_session(self):
        call, ring = self.call((18, 0))
        ring.answer(180)
        first = call.wait(183)
        self.assertEqual(Sdp(first.body).formats, [0])
        self.hear(3)
        ring.answer(200, sdp=make_sdp('127.0.0.1', self.far.port, (18,)))
        answer = call.wait(200)
        self.assertEqual(Sdp(answer.body).formats, [18])
        self.assertNotEqual(answer.tag('To'), first.tag('To'))
        call.ack(answer)
        ring.wait_request('ACK')
        self.end(call, ring)


class Files(RingBase):
    def write(self, name, rate=8000, channels=1, frequency=1000):
        path = Path(self.scratch.name) / name
        period = [int(8000 * audio.math.sin(2 * audio.math.pi * frequency * i / rate)) for i in range(rate)]
        with wave.open(str(path), 'wb') as out:
            out.setnchannels(channels)
            out.setsampwidth(2)
            out.setframerate(rate)
            out.writeframes(b''.join(struct.pack('<h', sample) * channels for sample in period))
        return str(path)

    def test_a_file_in_place_of_the_tone(self):
        self.switch.set('IVR_RING_FILE', self.write('ring.wav'))
        call, ring = self.call()
        ring.answer(180)
        call.wait(183)
        samples = self.hear(60).samples
        self.assertGreater(audio.share(samples[:4000], 1000), 0.95)
        # One second, over and over.
        self.assertGreater(audio.share(samples[8000:9600], 1000), 0.95)
        ring.answer(486)
        call.ack(call.wait(486))
        ring.wait_request('ACK')

    def test_files_that_cannot_be_used_are_refused(self):
        text = Path(self.scratch.name) / 'text.wav'
        text.write_text('no audio at all')
        for path, why in ((self.write('fast.wav', rate=16000), 'rate is not 8000'),
                          (self.write('wide.wav', channels=2), 'must be mono'),
                          (str(text), 'no RIFF/WAVE file'),
                          (str(Path(self.scratch.name) / 'none.wav'), 'No such file'),
                          (self.scratch.name, 'no regular file')):
            done = self.switch.ctl('set', 'IVR_RING_FILE', path)
            self.assertNotEqual(done.returncode, 0, path)
            self.assertIn(why, done.stderr)


if __name__ == '__main__':
    unittest.main(verbosity=2)
