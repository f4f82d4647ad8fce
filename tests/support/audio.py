# SPDX-License-Identifier: GPL-2.0-or-later
"""G.711 decoded as ITU-T G.711 has it in its tables, and what can be heard in it."""
import math

RATE = 8000


def mu_law(code):
    code = ~code & 0xff
    magnitude = (((code & 15) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def a_law(code):
    code ^= 0x55
    segment = code >> 4 & 7
    magnitude = ((code & 15) << 4) + 8
    if segment:
        magnitude = magnitude + 0x100 << segment - 1
    return magnitude if code & 0x80 else -magnitude


MU_LAW = [mu_law(code) for code in range(256)]
A_LAW = [a_law(code) for code in range(256)]


def decode(payload, payload_type):
    table = A_LAW if payload_type == 8 else MU_LAW
    return [table[code] for code in payload]


def share(samples, frequency_hz):
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


def level_dbm0(samples):
    """A sine at the top of the scale has 3.14 dBm0."""
    mean = sum(sample * sample for sample in samples) / len(samples)
    return 10 * math.log10(2 * mean / 32768 ** 2) + 3.14 if mean else -99.0


def cadence_ms(samples, frame=160):
    """Lengths of sound and silence in turn, beginning with sound, to the frame."""
    found = []
    for start in range(0, len(samples) - frame + 1, frame):
        piece = samples[start:start + frame]
        is_on = sum(abs(sample) for sample in piece) > 100 * frame
        if not found and not is_on:
            continue
        if found and found[-1][0] == is_on:
            found[-1][1] += 1000 * frame // RATE
        else:
            found.append([is_on, 1000 * frame // RATE])
    return [length for _, length in found]
