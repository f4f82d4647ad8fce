# SPDX-License-Identifier: GPL-2.0-or-later
"""A bad path for UDP: a relay between one user agent and a switch that loses, doubles and swaps datagrams, each
way with the same chances, from a seed.

    agent ---- relay.inside | relay.outside ---- switch

The agent sends to relay.inside; the switch sees relay.outside as the agent's address. What is swapped waits for
the next datagram of its direction, at most HOLD_S."""
import random
import select
import socket
import threading
import time

HOLD_S = 0.03


class Direction:
    def __init__(self, seed, loss, duplicate, swap):
        self.random = random.Random(seed)
        self.loss, self.duplicate, self.swap = loss, duplicate, swap
        self.held = None
        self.held_until = 0
        self.counts = {'passed': 0, 'lost': 0, 'doubled': 0, 'swapped': 0}

    def take(self, data, now):
        """What goes out at once for this datagram."""
        chance = self.random.random()
        if chance < self.loss:
            self.counts['lost'] += 1
            return []
        if chance < self.loss + self.duplicate:
            self.counts['doubled'] += 1
            return self.release([data, data])
        if chance < self.loss + self.duplicate + self.swap and self.held is None:
            self.counts['swapped'] += 1
            self.held, self.held_until = data, now + HOLD_S
            return []
        self.counts['passed'] += 1
        return self.release([data])

    def release(self, before):
        after, self.held = self.held, None
        return before if after is None else before + [after]


class Lossy:
    def __init__(self, switch, seed, loss=0.05, duplicate=0.03, swap=0.05, address='127.0.0.1'):
        """switch: (address, port)."""
        self.switch = switch
        self.agent = None  # learned from its first datagram, or set before
        self.sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        for sock in self.sockets:
            sock.bind((address, 0))
            sock.setblocking(False)
        self.inside, self.outside = (sock.getsockname() for sock in self.sockets)
        self.directions = [Direction(f'{seed}/{way}', loss, duplicate, swap) for way in ('out', 'in')]
        self.is_stopping = False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def send(self, way, datagrams):
        target = self.switch if way == 0 else self.agent
        for data in datagrams:
            if target:
                self.sockets[1 - way].sendto(data, target)

    def run(self):
        while not self.is_stopping:
            ready, _, _ = select.select(self.sockets, [], [], HOLD_S / 2)
            now = time.monotonic()
            for way, sock in enumerate(self.sockets):
                if sock in ready:
                    data, source = sock.recvfrom(65535)
                    if way == 0:
                        self.agent = source
                    self.send(way, self.directions[way].take(data, now))
            for way, direction in enumerate(self.directions):
                if direction.held is not None and now >= direction.held_until:
                    self.send(way, direction.release([]))

    def counts(self):
        return {way: direction.counts for way, direction in zip(('out', 'in'), self.directions)}

    def close(self):
        self.is_stopping = True
        self.thread.join()
        for sock in self.sockets:
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
