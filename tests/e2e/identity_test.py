#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Who calls, as a callee is told: every setting of a gateway with every wish of a caller, and phones that are trusted
and not, each INVITE beside what the rules below say of it."""
import itertools
import sys
import tempfile
import unittest
from collections import namedtuple
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'support'))
from siplib import Agent, make_sdp, stop_cleanly
from switch import Switch

WAIT_S = 30
# Two gateways that call: the second one's Privacy is not heeded.
HEEDED, UNHEEDED = '127.47.1.2', '127.47.1.3'
Setting = namedtuple('Setting', 'privacy asserted preferred remote_party')
Caller = namedtuple('Caller', 'privacy asserted preferred remote_party address')
SETTINGS = [Setting(*words) for words in itertools.product(
    ('ignore', 'passthrough', 'id', 'none'), ('none', 'passthrough', 'caller'), ('none', 'passthrough', 'caller'),
    ('off', 'on'))]
PHONES = SETTINGS[::5]
WISHES = ('', 'none', 'id', 'header', 'user', 'critical;ID, user')
ORDER = ('header', 'session', 'user', 'id', 'none', 'critical')
ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'
OWN, ASSERTED, PREFERRED = '100', '+4911', '+4922'


def lines_of(setting):
    return (f' privacy {setting.privacy}\n asserted-identity {setting.asserted}\n'
            f' preferred-identity {setting.preferred}\n remote-party-id {setting.remote_party}\n')


# --- The rules: RFC 3323, RFC 3325, and of a phone that it is nobody's billing. ---

def wishes_of(caller):
    words = caller.privacy.lower().replace(',', ';').split(';') if caller.address == HEEDED else []
    return {word.strip() for word in words if word.strip()}


def told(setting, caller, is_phone):
    """(From is anonymous, Privacy, P-Asserted-Identity, P-Preferred-Identity, Remote-Party-ID's privacy)"""
    wishes = wishes_of(caller)
    privacy = {'ignore': set(), 'passthrough': wishes, 'id': {'id'}, 'none': {'none'}}[setting.privacy]
    is_hidden = bool(privacy & {'id', 'user'})
    if is_phone and wishes & {'id', 'user'} and not is_hidden:
        return True, None, None, None, None
    asserted = {'none': None, 'passthrough': ASSERTED if caller.asserted else None, 'caller': OWN}[setting.asserted]
    preferred = {'none': None, 'passthrough': PREFERRED if caller.preferred else None, 'caller': OWN}[setting.preferred]
    # A gateway has to know whom to bill.
    is_anonymous = is_hidden and (is_phone or bool(asserted or preferred))
    remote_party = None if setting.remote_party == 'off' else 'full' if is_hidden else 'off'
    return is_anonymous, ';'.join(word for word in ORDER if word in privacy) or None, asserted, preferred, remote_party


class Identity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix='vos-identity-')
        cls.addClassCleanup(folder.cleanup)
        cls.callee = Agent(None, 'callee', domain='none', listen=('127.0.0.1', 0))
        cls.addClassCleanup(cls.callee.close)
        text = f'''SS_SIP_GUARD_RATE = 0
mapping-gateway heeded
 address {HEEDED}
 exit
mapping-gateway unheeded
 address {UNHEEDED}
 recognise-privacy off
 exit
'''
        for number, setting in enumerate(SETTINGS):
            text += f'routing-gateway g{number}\n address 127.0.0.1:{cls.callee.port}\n prefixes 9{number:02}\n' \
                    f'{lines_of(setting)} exit\n'
        for number, setting in enumerate(PHONES):
            text += f'phone 2{number:02}\n password plain "2{number:02}"\n{lines_of(setting)} exit\n'
        cls.switch = Switch(folder.name, text).start()
        cls.addClassCleanup(lambda: cls.switch.process and cls.switch.stop())
        cls.callee.switch = (cls.switch.address, cls.switch.port)
        cls.sources = {address: Agent(cls.switch, OWN, address=address) for address in (HEEDED, UNHEEDED)}
        for source in cls.sources.values():
            cls.addClassCleanup(source.close)

    def seen(self, callee, number, caller):
        """What the callee reads of a call, in the shape of told()."""
        headers = [('Privacy', caller.privacy)] if caller.privacy else []
        if caller.asserted:
            headers.append(('P-Asserted-Identity', f'"x" <sip:{ASSERTED}@192.0.2.77>, <tel:+4912>'))
        if caller.preferred:
            headers.append(('P-Preferred-Identity', f'<tel:{PREFERRED};phone-context=z>'))
        if caller.remote_party:
            headers.append(('Remote-Party-ID', '<sip:+4933@192.0.2.77>;party=calling'))
        call = self.sources[caller.address].invite(number, make_sdp(caller.address, 40000), headers,
                                                   expect_challenge=False)
        ring = callee.incoming(WAIT_S)
        ring.answer(486)
        ring.wait_request('ACK', WAIT_S)
        call.ack(call.wait(486, WAIT_S))
        return self.shape(ring.invite_request)

    def shape(self, invite):
        here = f'{self.switch.address}:{self.switch.port}'
        text = str(invite.headers)
        for strange in ('192.0.2.77', '+4933', '+4912', 'phone-context'):
            self.assertNotIn(strange, text)
        sender = invite.get('From').partition(';tag=')[0]
        self.assertIn(sender, (ANONYMOUS, f'<sip:{OWN}@{here}>'))
        numbers = []
        for name in ('P-Asserted-Identity', 'P-Preferred-Identity'):
            value = invite.get(name)
            self.assertLessEqual(len(invite.all(name)), 1)
            numbers.append(value and value.removeprefix('<sip:').removesuffix(f'@{here}>'))
        party = invite.get('Remote-Party-ID')
        start = f'<sip:{OWN}@{here}>;party=calling;screen=yes;privacy='
        if party is not None:
            self.assertTrue(party.startswith(start), party)
        return sender == ANONYMOUS, invite.get('Privacy'), *numbers, party and party.removeprefix(start)

    def callers(self):
        """Without end: each wish in turn, the ways to bring identities along in another order, every seventh unheeded."""
        for which in itertools.count():
            bits = which + which // len(WISHES)
            yield Caller(WISHES[which % len(WISHES)], bits & 1, bits & 2, bits & 4, UNHEEDED if which % 7 == 6 else HEEDED)

    def test_gateways(self):
        callers = self.callers()
        for number, setting in enumerate(SETTINGS):
            for caller in itertools.islice(callers, 5):
                with self.subTest(setting=setting, caller=caller):
                    self.assertEqual(self.seen(self.callee, f'9{number:02}', caller), told(setting, caller, False))

    def test_phones(self):
        callers = self.callers()
        for number, setting in enumerate(PHONES):
            with Agent(self.switch, f'2{number:02}', f'2{number:02}') as phone:
                phone.register()
                for caller in itertools.islice(callers, 7):
                    with self.subTest(setting=setting, caller=caller):
                        self.assertEqual(self.seen(phone, phone.user, caller), told(setting, caller, True))

    @classmethod
    def tearDownClass(cls):
        stop_cleanly(cls.switch)


if __name__ == '__main__':
    unittest.main(verbosity=2)
