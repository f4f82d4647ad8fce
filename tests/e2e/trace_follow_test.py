#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The flight recorder while things happen: monitor trace, debug beside a prompt, and named traces. A call that
is only found to match at its end is told from its beginning; no form of any of it shows a credential."""
import json
import queue
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from session import Session
from siplib import Agent, make_sdp, stop_cleanly
from switch import BUILD, Switch, free_udp_port, wait_for
from terminal import Terminal

NOT_FOUND = 6
GUARD_S = 60
PASSWORD = 'one'
KEY = 'PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR'
SDES = f'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}\r\n'
CTRL_C = '\x03'


def configuration(ports):
    return f'''hostname sw1
phone 1001
 password plain "{PASSWORD}"
 exit
routing-gateway carrier
 address 127.0.0.1:{ports[0]}
 prefixes 8
 exit
routing-gateway other
 address 127.0.0.1:{ports[1]}
 prefixes 9
 exit
'''


class Follower:
    """vosctl with a command that does not end, its lines as they come."""

    def __init__(self, switch, *words):
        self.process = subprocess.Popen([str(BUILD / 'vosctl'), '-s', switch.socket, *words],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.lines = queue.Queue()
        self.thread = threading.Thread(target=self._read)
        self.thread.start()
        self.seen = []

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip('\n'))

    def until(self, what, fits):
        """All lines up to the first that fits."""
        first = len(self.seen)
        while True:
            try:
                self.seen.append(self.lines.get(timeout=GUARD_S))
            except queue.Empty:
                raise AssertionError(f'{what}: not seen in\n' + '\n'.join(self.seen)) from None
            if fits(self.seen[-1]):
                return self.seen[first:]

    def close(self):
        self.process.terminate()
        self.process.wait(GUARD_S)
        self.thread.join(GUARD_S)
        self.process.stdout.close()


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix='vos-follow-')
        cls.addClassCleanup(cls.scratch.cleanup)
        ports = [free_udp_port(), free_udp_port()]
        cls.switch = Switch(cls.scratch.name, configuration(ports)).start()
        cls.addClassCleanup(lambda: stop_cleanly(cls.switch))
        cls.carrier, cls.other, cls.phone = agents = [
            Agent(cls.switch, 'carrier', port=ports[0]), Agent(cls.switch, 'other', port=ports[1]),
            Agent(cls.switch, '1001', PASSWORD)]
        for agent in agents:
            cls.addClassCleanup(agent.close)
        cls.phone.register()

    def follow(self, *words):
        """Rows of `monitor trace` from some time on: it has begun when it is found to follow."""
        follower = Follower(self.switch, '-J', 'monitor', 'trace', *words)
        self.addCleanup(follower.close)
        return follower

    def session(self):
        session = Session(self.switch.socket, batch=False)
        session.sock.settimeout(GUARD_S)
        self.addCleanup(session.close)
        return session

    def answered(self, callee='8001'):
        call = self.phone.invite(callee, make_sdp('127.0.0.1', 6000) + SDES)
        called = self.carrier.incoming(GUARD_S)
        called.answer(180)
        call.wait(180, GUARD_S)
        called.answer(200, make_sdp('127.0.0.1', 7000))
        called.wait_request('ACK', GUARD_S)
        call.wait(200, GUARD_S)
        call.ack()
        call.bye()
        called.reply(called.wait_request('BYE', GUARD_S), 200)

    def refused(self, callee='9001'):
        call = self.phone.invite(callee, make_sdp('127.0.0.1', 6000) + SDES)
        self.other.incoming(GUARD_S).answer(486)
        call.ack(call.wait(486, GUARD_S))  # else it is sent again, and the call goes on in the recorder

    def assert_masked(self, text):
        self.assertNotIn(KEY, text)
        self.assertNotRegex(text, r'response=\\?"[0-9a-f]{16}')
        self.assertIn('***', text)


def is_end(row):
    return row.get('text', '').startswith('ended by') if row.get('text') else False


class MonitorTrace(Case):
    def rows_until_end(self, follower, cause):
        return [json.loads(line) for line in follower.until(
            cause, lambda line: is_end(json.loads(line)) and cause in line)]

    def begin(self, follower, *words):
        """Calls until it is seen to follow them."""
        done = threading.Event()
        self.addCleanup(done.set)

        def seen():
            try:
                follower.seen.append(follower.lines.get(timeout=0.2))
            except queue.Empty:
                return False
            return True

        while True:
            self.refused()
            if seen():
                break
        follower.until('the end of a call', lambda line: is_end(json.loads(line)))
        done.set()

    def test_whole_calls_chosen_at_their_end(self):
        follower = self.follow('failed')
        self.begin(follower)
        self.answered()
        self.refused('9777')
        while True:
            rows = self.rows_until_end(follower, '486')
            rows = [row for row in rows if row['call'] == rows[-1]['call']]
            if any(row['text'] == 'to 9777' for row in rows):
                break
        # From its first message on, both sides, though only its end has made it fail.
        self.assertEqual((rows[0]['name'], rows[0]['kind'], rows[0]['leg']), ('INVITE', 'received', 'a'))
        self.assertEqual({row['leg'] for row in rows if row['message']}, {'a', 'b1'})
        self.assertEqual([row['offset_us'] for row in rows], sorted(row['offset_us'] for row in rows))
        self.assertEqual(rows[0]['party'], 'phone 1001')
        every = '\n'.join(follower.seen)
        self.assertNotIn('to 8001', every)
        self.assertNotIn('lost', {json.loads(line)['kind'] for line in follower.seen})
        self.assert_masked(every)

    def test_filters_of_a_leg(self):
        a, b = self.follow('status', '486', 'leg', 'a'), self.follow('method', 'BYE', 'leg', 'b')
        # The 486 comes on leg b and is passed on to leg a; BYE reaches the callee on leg b.
        self.begin(a)
        while not b.seen:
            self.answered()
            try:
                b.seen.append(b.lines.get(timeout=0.2))
            except queue.Empty:
                continue
        rows = self.rows_until_end(b, 'normal')
        self.assertIn('to 8001', [row['text'] for row in rows])

    def test_drawn_while_it_happens(self):
        follower = Follower(self.switch, 'monitor', 'trace', 'number', '8002', 'ladder')
        self.addCleanup(follower.close)
        while not follower.seen:
            self.answered('8002')
            try:
                follower.seen.append(follower.lines.get(timeout=0.2))
            except queue.Empty:
                continue
        self.answered('8002')
        lines = follower.until('the end', lambda line: '* ended by caller: normal release' in line)
        text = '\n'.join([follower.seen[0], *lines])
        self.assertRegex(follower.seen[0], '^call [0-9a-f]{16}$')
        self.assertRegex(text, r'phone 1001 +switchd +routing-gateway carrier')
        self.assertRegex(text, r'\|-+ INVITE -+>\|')
        self.assertIn('* calls routing-gateway carrier', text)
        self.assertNotIn(KEY, text)

    def test_on_a_terminal_it_is_bounded_and_ends(self):
        terminal = Terminal([str(BUILD / 'vosctl'), '-s', self.switch.socket])
        self.addCleanup(terminal.close)
        terminal.wait_last('sw1#', GUARD_S)
        terminal.line('monitor trace method OPTIONS')
        done = threading.Event()
        self.addCleanup(done.set)
        flood = threading.Thread(target=self.flood, args=(done,))
        flood.start()
        self.addCleanup(flood.join)
        self.addCleanup(done.set)
        # It may have left the screen already.
        terminal.wait('what is left out', lambda _: b'records were not shown' in terminal.raw, GUARD_S)
        done.set()
        terminal.keys(CTRL_C).wait_last('sw1#', GUARD_S)
        audit = [row['command'] for row in self.switch.rows('show', 'audit')]
        self.assertIn('monitor trace method OPTIONS', audit)

    def flood(self, done):
        with Agent(self.switch, 'flood') as agent:
            while not done.is_set():
                for _ in range(50):
                    agent.send(agent.request('OPTIONS', f'sip:{self.switch.address}'))
                agent.read(0.01)


class Debug(Case):
    def event(self, session, fits):
        while True:
            message = json.loads(session.file.readline())
            if message.get('method') == 'event' and fits(message['params']):
                return message['params']

    def test_areas_of_chosen_calls(self):
        session = self.session()
        session.do('debug route callee 8*', 'debug media callee 8*', 'debug sip messages callee 8*')
        rows = self.switch.rows('show', 'debugging')
        self.assertEqual([(row['debug'], row['filter']) for row in rows],
                         [('route', 'callee 8*'), ('media', 'callee 8*'), ('sip messages', 'callee 8*')])
        self.refused()
        self.answered()
        events = []

        def is_last(params):
            events.append(params)
            return {'route', 'media', 'sip messages'} <= {event['debug'] for event in events} and any(
                event.get('message', '').startswith('BYE') and event['leg'] == 'b1' for event in events)

        self.event(session, is_last)
        self.assertEqual(len({event['call'] for event in events}), 1)
        self.assertIn('calls routing-gateway carrier', [event.get('text') for event in events])
        self.assertEqual({event['area'] for event in events if event['debug'] == 'media'}, {'media'})
        self.assert_masked(json.dumps(events))
        session.do('no debug route')
        self.assertEqual([row['debug'] for row in self.switch.rows('show', 'debugging')], ['media', 'sip messages'])
        session.close()
        wait_for('it ends with the connection', lambda: not self.switch.rows('show', 'debugging'), GUARD_S)

    def test_registrations_and_who_was_believed(self):
        session = self.session()
        session.do('debug sip registrations phone 1001', 'debug authentication phone 1001')
        with Agent(self.switch, '1002', 'nobody') as stranger:
            stranger.transact(stranger.request('REGISTER', f'sip:{self.switch.address}'))
        self.phone.register()
        events = []

        def is_last(params):
            events.append(params)
            told = {event['debug'] for event in events if event.get('text', '').startswith('1001 registered for')}
            return told == {'sip registrations', 'authentication'}

        self.event(session, is_last)
        self.assertIn('authenticated 1001', [event.get('text') for event in events])
        self.assertNotIn('sip:1002', json.dumps(events))
        self.assert_masked(json.dumps(events))
        rows = self.switch.rows('show', 'trace', 'registrations', 'phone', '1001')
        self.assertEqual({(row['phone'], row['state']) for row in rows}, {('1001', 'registered')})
        ladder = self.switch.do('show', 'trace', 'call', rows[-1]['call_id'])
        self.assertIn('REGISTER', ladder)
        self.assertIn('1001 registered for', ladder)

    def test_a_busy_switch_asks_first(self):
        session = self.session()
        asked = False
        with Agent(self.switch, 'flood') as agent:
            def ask():
                nonlocal asked
                for _ in range(600):
                    agent.send(agent.request('OPTIONS', f'sip:{self.switch.address}'))
                data, _ = session.run('debug sip messages')
                asked = 'question' in data
                session.do('no debug all')
                return asked
            wait_for('it asks', ask, GUARD_S)
        data, _ = session.run('debug sip messages', yes=True)
        self.assertEqual(data['status'], 'ok')
        session.do('no debug sip', 'debug nat caller 1')
        self.assertEqual([row['debug'] for row in self.switch.rows('show', 'debugging')], ['nat'])
        done = self.switch.ctl('debug', 'route')
        self.assertIn('debug needs a prompt', done.stderr)

    def test_nat(self):
        session = self.session()
        session.do('debug nat phone 1001')
        self.phone.register(contact='<sip:1001@192.0.2.9:5060>')
        event = self.event(session, lambda params: params['debug'] == 'nat')
        self.assertEqual((event['area'], event['text']), ('nat', '1001 registers from behind NAT'))

    def test_beside_a_prompt(self):
        terminal = Terminal([str(BUILD / 'vosctl'), '-s', self.switch.socket])
        self.addCleanup(terminal.close)
        terminal.wait_last('sw1#', GUARD_S)
        terminal.line('debug route callee 9001').wait_last('sw1#', GUARD_S)
        wait_for('debug is on', lambda: self.switch.rows('show', 'debugging'), GUARD_S)
        self.refused()
        terminal.wait_text('calls routing-gateway other', GUARD_S)
        terminal.wait_last('sw1#', GUARD_S)


class Named(Case):
    def trace(self, name):
        return next(row for row in self.switch.rows('show', 'traces') if row['name'] == name)

    def test_what_it_keeps(self):
        self.switch.do('trace', 'start', 'bad', 'failed', 'duration', '1h', 'limit', '1000')
        self.assertIn('already', self.switch.ctl('trace', 'start', 'bad').stderr)
        self.answered()
        self.refused()
        wait_for('the call is kept', lambda: self.trace('bad')['calls'] == 1, GUARD_S)
        self.switch.do('trace', 'stop', 'bad')
        row = self.trace('bad')
        self.assertEqual((row['state'], row['filter'], row['limit'], row['lost']), ('stopped', 'failed', 1000, 0))
        self.refused()
        self.assertEqual(self.trace('bad')['records'], row['records'])
        texts = {}
        for form in 'json', 'text', 'pcap':
            path = Path(self.scratch.name, f'bad.{form}')
            self.switch.do('trace', 'export', 'bad', 'file', str(path), form)
            texts[form] = path.read_bytes().decode('latin-1')
            self.assert_masked(texts[form])
            self.assertNotIn('sip:8001', texts[form])  # digits alone may be in any tag
        rows = json.loads(texts['json'])['rows']
        self.assertEqual(len(rows), row['records'])
        self.assertEqual((rows[0]['name'], rows[0]['leg'], rows[0]['party']), ('INVITE', 'a', 'phone 1001'))
        self.assertTrue(is_end(rows[-1]) or any(map(is_end, rows)))
        self.switch.do('clear', 'trace', 'bad')
        self.assertEqual(self.switch.ctl('trace', 'export', 'bad', 'file', '/dev/null', 'text').returncode, NOT_FOUND)
        self.assertTrue(any('trace start bad' in row['command'] for row in self.switch.rows('show', 'audit')))

    def test_how_it_ends(self):
        self.switch.do('trace', 'start', 'few', 'caller', '1001', 'limit', '10')
        self.switch.do('trace', 'start', 'short', 'caller', '1001', 'duration', '1s')
        self.refused()
        wait_for('it is full', lambda: self.trace('few')['state'] == 'full', GUARD_S)
        self.assertEqual(self.trace('few')['records'], 10)
        wait_for('its time is over', lambda: self.trace('short')['state'] == 'time over', GUARD_S)
        self.assertIn('has ended', self.switch.ctl('trace', 'stop', 'short').stderr)
        self.switch.do('clear', 'trace', 'all')
        self.assertEqual(self.switch.rows('show', 'traces'), [])
        self.assertEqual(self.switch.ctl('trace', 'stop', 'few').returncode, NOT_FOUND)


class Off(unittest.TestCase):
    def test_nothing_is_recorded(self):
        with tempfile.TemporaryDirectory(prefix='vos-follow-') as scratch:
            switch = Switch(scratch, configuration([free_udp_port(), free_udp_port()]) + 'trace\n ring-size 0\n exit\n')
            with switch, Agent(switch, '1001', PASSWORD) as phone:
                phone.register()
                for line in ('show trace calls', 'show trace registrations', 'monitor trace', 'trace start a',
                             'show trace call 0123456789abcdef', 'trace export back 1h file /dev/null text'):
                    done = switch.ctl(line)
                    self.assertNotEqual(done.returncode, 0)
                    self.assertIn('nothing is recorded', done.stderr)
                self.assertEqual(switch.rows('show traces'), [])


if __name__ == '__main__':
    unittest.main()
