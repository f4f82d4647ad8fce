#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Why a call went as it did: whom it was matched to, the candidates, the media step, timers, who ended it and
the cause in words, while the call is up and when it is over; what a call would do, without one."""
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, stop_cleanly
from switch import Switch, free_udp_port, wait_for

NOT_FOUND = 6


class Why(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix='vos-why-')
        cls.addClassCleanup(scratch.cleanup)
        first, second = free_udp_port(), free_udp_port()
        cls.switch = Switch(scratch.name, f'''
phone 1001
 password plain "one"
 exit
routing-gateway first
 address 127.0.0.1:{first}
 prefixes 8
 priority 1
 timeout-ringing 1
 exit
routing-gateway full
 address 127.0.0.1:{first}
 prefixes 8
 priority 2
 lock all
 exit
routing-gateway second
 address 127.0.0.1:{second}
 prefixes 8
 priority 3
 exit
SS_MEDIA_PROXY_MODE = on
''').start()
        cls.addClassCleanup(lambda: stop_cleanly(cls.switch))
        cls.first, cls.second = (Agent(cls.switch, name, port=port)
                                 for name, port in (('first', first), ('second', second)))
        cls.caller = Agent(cls.switch, '1001', 'one')
        for agent in (cls.first, cls.second, cls.caller):
            cls.addClassCleanup(agent.close)
        cls.caller.register()

    def why(self, key):
        item = self.switch.json('show', 'call', key)['item']
        offsets = [note['offset_ms'] for note in item['why']]
        self.assertEqual((offsets[0], offsets), (0, sorted(offsets)))
        return item, [note['text'] for note in item['why']]

    def key(self, number):
        return next(row['id'] for row in self.switch.rows('show', 'calls') if row['callee'] == number)

    def over(self, key):
        wait_for('the end', lambda: key not in [row['id'] for row in self.switch.rows('show', 'calls')])

    def contains(self, notes, *wanted):
        """These, in that order."""
        at = 0
        for text in wanted:
            self.assertIn(text, notes[at:])
            at += notes[at:].index(text) + 1

    def test_a_call_while_it_is_up_and_when_it_is_over(self):
        call = self.caller.invite('8001', make_sdp('127.0.0.1', 6000))
        first = self.first.incoming()
        first.answer(503)
        second = self.second.incoming()
        second.answer(200, make_sdp('127.0.0.1', 7000))
        second.wait_request('ACK')
        call.wait(200)
        call.ack()
        key = self.key('8001')
        item, notes = self.why(key)
        self.assertEqual(item['state'], 'connected')
        self.contains(notes, 'call from 1001', 'to 8001', 'caller is phone 1001', 'candidate first', 'candidate second',
                      'not full: its lock bars calls to it', 'calls routing-gateway first', 'attempt 1 over: SIP 503',
                      'calls routing-gateway second', 'attempt 2 answered: routing-gateway second')
        self.assertTrue([text for text in notes if text.startswith('known by ')])
        self.assertTrue([text for text in notes if text.startswith('media relayed: step global-on, ')])
        call.bye()
        second.reply(second.wait_request('BYE'), 200)
        self.over(key)
        item, after = self.why(key)
        self.assertEqual(after, notes + ['ended by caller: normal release'])
        self.assertEqual((item['id'], item['state'], item['caller'], item['callee']), (key, 'over', '1001', '8001'))
        self.assertEqual(item['cause'], 'ended by caller: normal release')
        self.assertEqual((item['legs'], item['attempts']), ([], []))
        # The beginning of the id is enough; what never was is not there.
        self.assertEqual(self.switch.json('show', 'call', key[:15])['item']['id'], key)
        self.assertIn('ended by caller: normal release', self.switch.do('show', 'call', key))
        self.assertEqual(self.switch.ctl('show', 'call', 'ffffffffffffffff').returncode, NOT_FOUND)

    def test_failures_a_line_each(self):
        call = self.caller.invite('8002', make_sdp('127.0.0.1', 6000))
        self.first.incoming().answer(486)
        call.wait(486)
        rows = wait_for('the record', lambda: [row for row in self.switch.rows(
            'show', 'calls', 'history', 'failed', 'last', '20') if row['callee'] == '8002'])
        self.assertEqual([(row['caller'], row['cause_name'], row['cause'], row['is_answered']) for row in rows],
                         [('1001', '486', 486, False)])
        _, notes = self.why(rows[0]['call'])
        self.assertEqual(notes[-1], 'ended by switch: SIP 486')

    def test_a_timer_that_ran_out(self):
        call = self.caller.invite('8003', make_sdp('127.0.0.1', 6000))
        first = self.first.incoming()
        first.answer(180)
        call.wait(180)
        key = self.key('8003')
        call.wait(lambda message: message.status >= 400, timeout_s=60)
        self.over(key)
        item, notes = self.why(key)
        self.contains(notes, 'timer ringing ran out after 1 s', item['cause'])
        self.assertEqual(item['cause'], 'ended by switch: rang without answer')

    def test_what_a_call_would_do(self):
        rows = self.switch.rows('test', 'route', '8009', 'caller', '1001')
        self.assertEqual([(row['party'], row['is_used']) for row in rows],
                         [('routing-gateway first', True), ('routing-gateway second', True),
                          ('routing-gateway full', False)])
        media = self.switch.json('test', 'media', 'caller', '1001', 'callee', 'first')
        self.assertIn('relayed', str(media))


if __name__ == '__main__':
    unittest.main()
