# SPDX-License-Identifier: GPL-2.0-or-later
"""A small SIP and RTP user agent for end-to-end tests: standard library only, one thread.

A script drives both ends: Agent sends and Agent.wait_for() reads datagrams until one matches or the
deadline passes. What an agent received twice in the same bytes is a retransmission: it is kept in
`received`, but handed out once. Nothing is answered behind the script's back.

    with Switch(folder, config) as switch, Agent(switch, '1001', 'a') as ann, Agent(switch, '1002', 'b') as bob:
        ann.register(); bob.register()
        call = ann.invite('1002', sdp=make_sdp('127.0.0.1', 40000))
        ring = bob.incoming()
        ring.answer(180); call.wait(180)
        ring.answer(200, sdp=make_sdp('127.0.0.1', 40002))
        call.wait(200); call.ack(); ring.wait_request('ACK')
        call.bye(); ring.reply(ring.wait_request('BYE'), 200)
"""
import hashlib
import re
import secrets
import socket
import struct
import time

from switch import Switch, free_udp_port, wait_for  # noqa: F401  (what most scripts need beside this)

COMPACT = {'v': 'via', 'f': 'from', 't': 'to', 'i': 'call-id', 'm': 'contact', 'l': 'content-length',
           'c': 'content-type', 'k': 'supported', 's': 'subject', 'x': 'session-expires'}
REASONS = {100: 'Trying', 180: 'Ringing', 183: 'Session Progress', 200: 'OK', 404: 'Not Found',
           408: 'Request Timeout', 480: 'Temporarily Unavailable', 481: 'Call/Transaction Does Not Exist',
           486: 'Busy Here', 487: 'Request Terminated', 488: 'Not Acceptable Here', 491: 'Request Pending',
           500: 'Server Internal Error', 503: 'Service Unavailable', 603: 'Decline'}
SANITIZER = re.compile(r'(Address|Thread|Leak|UndefinedBehavior|Memory)Sanitizer|runtime error:')


def long_name(name):
    return COMPACT.get(name.lower(), name.lower())


class Message:
    """A request or response: first line, header fields in order, body."""

    def __init__(self, first_line, headers=(), body=b''):
        self.first_line = first_line
        self.headers = list(headers)
        self.body = body.encode() if isinstance(body, str) else body
        self.source = None  # address it came from

    @classmethod
    def parse(cls, data):
        head, _, body = data.partition(b'\r\n\r\n')
        text = re.sub(r'\r\n[ \t]+', ' ', head.decode('utf-8', 'replace'))
        first_line, *lines = text.split('\r\n')
        fields = [line.partition(':') for line in lines]
        message = cls(first_line, [(name.strip(), value.strip()) for name, _, value in fields], body)
        length = message.get('Content-Length')
        if length is not None and length.isdigit():
            message.body = body[:int(length)]
        return message

    def all(self, name):
        return [value for key, value in self.headers if long_name(key) == long_name(name)]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    @property
    def status(self):
        """None in a request."""
        return int(self.first_line.split()[1]) if self.first_line.startswith('SIP/2.0 ') else None

    @property
    def method(self):
        """Of the request line; of CSeq in a response."""
        return self.first_line.split()[0] if self.status is None else self.get('CSeq').split()[1]

    @property
    def uri(self):
        return self.first_line.split()[1]

    @property
    def cseq(self):
        return int(self.get('CSeq').split()[0])

    @property
    def call_id(self):
        return self.get('Call-ID')

    def tag(self, name):
        match = re.search(r';\s*tag=([^;\s]+)', self.get(name) or '')
        return match.group(1) if match else None

    def to_bytes(self):
        lines = [self.first_line] + [f'{name}: {value}' for name, value in self.headers]
        if self.get('Content-Length') is None:
            lines.append(f'Content-Length: {len(self.body)}')
        return ('\r\n'.join(lines) + '\r\n\r\n').encode() + self.body

    def __repr__(self):
        return f'<{self.first_line} | CSeq {self.get("CSeq")}>'


def uri_of(value):
    """URI of a name-addr."""
    match = re.search(r'<([^>]*)>', value)
    return match.group(1) if match else value.partition(';')[0].strip()


# --- Digest (RFC 7616: what the challenge names, qop=auth). ---

def parse_challenge(value):
    return {key.lower(): quoted or plain for key, quoted, plain in
            re.findall(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))', value.partition(' ')[2])}


def hasher(algorithm):
    name = 'sha256' if algorithm.upper().startswith('SHA-256') else 'md5'
    return lambda text: hashlib.new(name, text.encode()).hexdigest()


def digest(challenge, method, uri, user, password, nonce_count=1, cnonce=None):
    """Value of Authorization for a parsed challenge."""
    cnonce = cnonce or secrets.token_hex(8)
    nonce = challenge['nonce']
    algorithm = challenge.get('algorithm', 'MD5')
    h = hasher(algorithm)
    ha1 = h(f'{user}:{challenge["realm"]}:{password}')
    if algorithm.lower().endswith('-sess'):
        ha1 = h(f'{ha1}:{nonce}:{cnonce}')
    ha2 = h(f'{method}:{uri}')
    value = f'Digest username="{user}", realm="{challenge["realm"]}", nonce="{nonce}", uri="{uri}"'
    if 'auth' in challenge.get('qop', '').split(','):
        response = h(f'{ha1}:{nonce}:{nonce_count:08x}:{cnonce}:auth:{ha2}')
        value += f', qop=auth, nc={nonce_count:08x}, cnonce="{cnonce}"'
    else:
        response = h(f'{ha1}:{nonce}:{ha2}')
    if 'opaque' in challenge:
        value += f', opaque="{challenge["opaque"]}"'
    return value + f', response="{response}", algorithm={algorithm}'


# --- SDP. ---

CODECS = {0: 'PCMU/8000', 8: 'PCMA/8000', 18: 'G729/8000', 101: 'telephone-event/8000'}


def family_of(address):
    return socket.AF_INET6 if ':' in address else socket.AF_INET


def host_of(address):
    """As it stands in a URI."""
    return f'[{address}]' if ':' in address else address


def make_sdp(address, port, formats=(0, 8, 101), direction='sendrecv', version=1, extra=()):
    kind = 'IP6' if ':' in address else 'IP4'
    lines = ['v=0', f'o=test 4711 {version} IN {kind} {address}', 's=test', f'c=IN {kind} {address}', 't=0 0',
             f'm=audio {port} RTP/AVP ' + ' '.join(str(number) for number in formats)]
    lines += [f'a=rtpmap:{number} {CODECS[number]}' for number in formats if number in CODECS]
    return '\r\n'.join([*lines, f'a={direction}', *extra]) + '\r\n'


class Sdp:
    """Of the first audio stream: address, port, formats, direction; all lines in `lines`."""

    def __init__(self, body):
        self.lines = (body.decode() if isinstance(body, bytes) else body).split('\r\n')
        media = next(i for i, line in enumerate(self.lines) if line.startswith('m=audio '))
        after = next((i for i, line in enumerate(self.lines) if i > media and line.startswith('m=')),
                     len(self.lines))
        section = self.lines[media:after]
        session = self.lines[:next(i for i, line in enumerate(self.lines) if line.startswith('m='))]
        _, port, _, *formats = section[0][2:].split()
        self.port = int(port)
        self.formats = [int(number) for number in formats]
        connection = [line for line in section + session if line.startswith('c=')]
        self.address = connection[0].split()[2] if connection else None
        words = [line[2:] for line in section + session
                 if line in ('a=sendrecv', 'a=sendonly', 'a=recvonly', 'a=inactive')]
        self.direction = words[0] if words else 'sendrecv'

    @property
    def rtp(self):
        return self.address, self.port


# --- RTP. ---

class Rtp:
    """An RTP port with the RTCP port above it."""

    def __init__(self, address='127.0.0.1', payload_type=0):
        self.socket, self.rtcp, self.port = self._pair(address)
        self.address = address
        self.payload_type = payload_type
        self.ssrc = secrets.randbits(32)
        self.sequence = secrets.randbits(15)
        self.timestamp = secrets.randbits(31)

    @staticmethod
    def _pair(address):
        for _ in range(200):
            port = free_udp_port(address) & ~1
            pair = [socket.socket(family_of(address), socket.SOCK_DGRAM) for _ in range(2)]
            try:
                for offset, one in enumerate(pair):
                    one.bind((address, port + offset))
                return (*pair, port)
            except OSError:
                for one in pair:
                    one.close()
        raise AssertionError('no free pair of ports')

    def packet(self, payload):
        self.sequence = self.sequence + 1 & 0xffff
        self.timestamp = self.timestamp + 160 & 0xffffffff
        return struct.pack('!BBHII', 0x80, self.payload_type, self.sequence, self.timestamp, self.ssrc) + payload

    def send(self, to, payload=b'\xff' * 160):
        """One packet; returns its bytes."""
        data = self.packet(payload)
        self.socket.sendto(data, to)
        return data

    def send_stream(self, to, count, interval_s=0.02, payload=b'\xff' * 160):
        """Packets at the pace of a phone."""
        start = time.monotonic()
        for i in range(count):
            time.sleep(max(0, start + i * interval_s - time.monotonic()))
            self.send(to, payload)

    def receive(self, timeout_s=15, rtcp=False):
        """(bytes, source) of the next packet; None when none comes in time."""
        one = self.rtcp if rtcp else self.socket
        one.settimeout(timeout_s)
        try:
            return one.recvfrom(65536)
        except socket.timeout:
            return None

    def exchange(self, to, peer, tries=50):
        """Sends until peer (another Rtp) receives that very payload; the source that peer sees."""
        mark = secrets.token_bytes(160)
        for _ in range(tries):
            self.send(to, mark)
            got = peer.receive(0.1)
            while got:
                if got[0][12:] == mark:
                    return got[1]
                got = peer.receive(0.01)
        raise AssertionError(f'no RTP from {self.port} through {to} to {peer.port}')

    def close(self):
        self.socket.close()
        self.rtcp.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


# --- SIP. ---

def new_branch():
    return 'z9hG4bK' + secrets.token_hex(8)


class Agent:
    """A phone on its own UDP port."""

    def __init__(self, switch, user, password='', address='127.0.0.1', domain=None, port=0, listen=None):
        """listen: address and port of the switch, if not the usual one."""
        self.switch = listen or (switch.address, switch.port)
        self.user = user
        self.password = password
        self.domain = domain or host_of(self.switch[0])
        self.socket = socket.socket(family_of(address), socket.SOCK_DGRAM)
        self.socket.bind((address, port))
        self.address, self.port = self.socket.getsockname()[:2]
        self.host = host_of(self.address)
        self.received = []  # every datagram, as bytes
        self.unread = []    # messages not handed out yet
        self.junk = []      # datagrams that are no SIP: keepalive payloads
        self.cseq = secrets.randbelow(1000) + 1
        self.call_id = secrets.token_hex(8)

    @property
    def aor(self):
        return f'sip:{self.user}@{self.domain}'

    @property
    def contact(self):
        return f'<sip:{self.user}@{self.host}:{self.port}>'

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send_raw(self, data, to=None):
        self.socket.sendto(data, to or self.switch)

    def send(self, message, to=None):
        self.send_raw(message.to_bytes(), to)
        return message

    def read(self, timeout_s):
        """Takes in one datagram; False when none comes in time."""
        self.socket.settimeout(max(timeout_s, 0.000001))
        try:
            data, source = self.socket.recvfrom(65536)
        except socket.timeout:
            return False
        is_new = data not in self.received
        self.received.append(data)
        if b'SIP/2.0' not in data.partition(b'\r\n')[0]:
            self.junk.append((data, source))
        elif is_new:
            message = Message.parse(data)
            message.source = source
            self.unread.append(message)
        return True

    def wait_for(self, predicate, timeout_s=15, what='message'):
        """The first unread message that matches; it is no longer unread then."""
        deadline = time.monotonic() + timeout_s
        while True:
            for message in self.unread:
                if predicate(message):
                    self.unread.remove(message)
                    return message
            left = deadline - time.monotonic()
            if left <= 0 or not self.read(left):
                raise AssertionError(f'{self.user}: no {what} within {timeout_s} s; unread: {self.unread}')

    def wait_junk(self, timeout_s=15):
        """The next datagram that is no SIP, and its source."""
        deadline = time.monotonic() + timeout_s
        while not self.junk:
            left = deadline - time.monotonic()
            if left <= 0 or not self.read(left):
                raise AssertionError(f'{self.user}: no keepalive within {timeout_s} s')
        return self.junk.pop(0)

    def wait_status(self, request, at_least=200, timeout_s=15):
        """The response to that very request with that status or a higher one."""
        return self.wait_for(lambda m: m.status is not None and m.status >= at_least and
                             m.call_id == request.call_id and m.get('CSeq') == request.get('CSeq'),
                             timeout_s, f'response >= {at_least} to {request!r}')

    def is_quiet(self, timeout_s=0.3):
        """True when no datagram at all comes for so long (what proves a negative needs a time)."""
        return not self.read(timeout_s)

    def request(self, method, uri, headers=(), body=b'', to=None, from_tag=None, call_id=None, cseq=None,
                branch=None):
        """A request with the fields that every one has; `headers` come after them."""
        fields = [('Via', f'SIP/2.0/UDP {self.host}:{self.port};rport;branch={branch or new_branch()}'),
                  ('Max-Forwards', '70'),
                  ('From', f'<{self.aor}>;tag={from_tag or secrets.token_hex(4)}'),
                  ('To', to or f'<{uri}>'),
                  ('Call-ID', call_id or f'{secrets.token_hex(8)}@{self.host}'),
                  ('CSeq', f'{cseq or 1} {method}')]
        if body:
            fields.append(('Content-Type', 'application/sdp'))
        return Message(f'{method} {uri} SIP/2.0', fields + list(headers), body)

    def authorize(self, request, response, password=None, nonce_count=1):
        """The request again, with the answer to the challenge, a new branch and the next CSeq."""
        name, answer = (('WWW-Authenticate', 'Authorization') if response.status == 401 else
                        ('Proxy-Authenticate', 'Proxy-Authorization'))
        challenge = parse_challenge(response.get(name))
        fields = []
        for key, value in request.headers:
            if key == 'Via':
                value = re.sub(r'branch=[^;]+', f'branch={new_branch()}', value)
            elif key == 'CSeq':
                value = f'{request.cseq + 1} {request.method}'
            if key not in ('Authorization', 'Proxy-Authorization'):
                fields.append((key, value))
        value = digest(challenge, request.method, request.uri, self.user,
                       self.password if password is None else password, nonce_count)
        return Message(request.first_line, fields + [(answer, value)], request.body)

    def transact(self, request, timeout_s=15):
        """Sends a non-INVITE request, answers one challenge, returns the final response."""
        response = self.wait_status(self.send(request), timeout_s=timeout_s)
        if response.status in (401, 407):
            response = self.wait_status(self.send(self.authorize(request, response)), timeout_s=timeout_s)
        return response

    def register(self, expires=300, contact=None, headers=(), expect=200):
        request = self.request('REGISTER', f'sip:{self.domain}',
                               [('Contact', contact or self.contact), ('Expires', str(expires)), *headers],
                               to=f'<{self.aor}>', call_id=self.call_id, cseq=self.cseq)
        response = self.transact(request)
        self.cseq = response.cseq + 1
        if response.status != expect:
            raise AssertionError(f'REGISTER of {self.user}: {response.first_line}')
        return response

    def options(self, uri=None, **fields):
        return self.transact(self.request('OPTIONS', uri or f'sip:{self.domain}', **fields))

    def reply(self, request, status, reason=None, to_tag=None, headers=(), body=b''):
        """Answers a request to where it came from."""
        fields = [(name, value) for name, value in request.headers
                  if long_name(name) in ('via', 'record-route', 'from', 'to', 'call-id', 'cseq')]
        if to_tag and not request.tag('To'):
            fields = [(name, f'{value};tag={to_tag}' if long_name(name) == 'to' else value)
                      for name, value in fields]
        if body:
            fields.append(('Content-Type', 'application/sdp'))
        first_line = f'SIP/2.0 {status} {reason or REASONS.get(status, "Answer")}'
        return self.send(Message(first_line, fields + list(headers), body), request.source)

    def invite(self, callee, sdp='', headers=(), expect_challenge=True):
        """Calls a number; answers the challenge that comes for it. The Call to go on with."""
        uri = callee if ':' in callee else f'sip:{callee}@{self.domain}'
        request = self.request('INVITE', uri, [('Contact', self.contact), *headers], sdp)
        call = Call(self, request, is_caller=True)
        self.send(request)
        if not expect_challenge:
            return call
        response = call.wait(lambda m: m.status in (401, 407) or m.status > 100)
        if response.status not in (401, 407):
            self.unread.insert(0, response)
            return call
        call.ack(response)
        call.invite_request = self.send(self.authorize(request, response))
        call.cseq = call.invite_request.cseq
        return call

    def incoming(self, timeout_s=15):
        """Waits for an INVITE that starts a call."""
        request = self.wait_for(lambda m: m.status is None and m.method == 'INVITE' and not m.tag('To'),
                                timeout_s, 'INVITE')
        return Call(self, request, is_caller=False)


class Call:
    """One end of a call: its dialog, and the requests and answers in it."""

    def __init__(self, agent, invite_request, is_caller):
        self.agent = agent
        self.invite_request = invite_request
        self.is_caller = is_caller
        self.call_id = invite_request.call_id
        self.cseq = invite_request.cseq if is_caller else secrets.randbelow(1000) + 1
        self.local_tag = invite_request.tag('From') if is_caller else secrets.token_hex(4)
        self.remote_tag = None if is_caller else invite_request.tag('From')
        self.local = invite_request.get('From' if is_caller else 'To')
        self.remote = invite_request.get('To' if is_caller else 'From')
        self.target = invite_request.uri if is_caller else uri_of(invite_request.get('Contact'))
        self.answered = None  # last 2xx to an INVITE of ours

    def wait(self, status, timeout_s=15):
        """A response to the INVITE: that status, or the first for which status(message) holds."""
        matches = status if callable(status) else lambda m: m.status == status
        response = self.agent.wait_for(
            lambda m: m.status is not None and m.method == 'INVITE' and m.call_id == self.call_id and
            m.cseq == self.invite_request.cseq and matches(m), timeout_s, f'{status} to INVITE')
        if response.tag('To') and 100 < response.status < 300:
            self.remote_tag = response.tag('To')
            self.remote = response.get('To')
            if response.get('Contact'):
                self.target = uri_of(response.get('Contact'))
        if 200 <= response.status < 300:
            self.answered = response
        return response

    def ack(self, response=None, sdp=''):
        """For the last 2xx: a request of its own. For a failure: part of the INVITE's transaction."""
        response = response or self.answered
        if response.status < 300:
            request = self.in_dialog('ACK', body=sdp, cseq=response.cseq)
        else:
            branch = re.search(r'branch=([^;]+)', self.invite_request.get('Via')).group(1)
            request = self.agent.request('ACK', self.invite_request.uri, to=response.get('To'),
                                         from_tag=self.local_tag, call_id=self.call_id,
                                         cseq=response.cseq, branch=branch)
        return self.agent.send(request)

    def cancel(self):
        branch = re.search(r'branch=([^;]+)', self.invite_request.get('Via')).group(1)
        return self.agent.send(self.agent.request(
            'CANCEL', self.invite_request.uri, to=self.invite_request.get('To'), from_tag=self.local_tag,
            call_id=self.call_id, cseq=self.invite_request.cseq, branch=branch))

    def in_dialog(self, method, headers=(), body='', cseq=None):
        """Builds a request of the dialog with the next CSeq."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        request = self.agent.request(method, self.target, headers, body, call_id=self.call_id, cseq=cseq)
        local = self.local if ';tag=' in self.local else f'{self.local};tag={self.local_tag}'
        replaced = {'From': local, 'To': self.remote}
        request.headers = [(name, replaced.get(name, value)) for name, value in request.headers]
        return request

    def send(self, method, headers=(), body=''):
        """Sends a request of the dialog and returns it (wait_status() of the agent gives the answer)."""
        request = self.agent.send(self.in_dialog(method, headers, body))
        if method == 'INVITE':
            self.invite_request = request
        return request

    def reinvite(self, sdp):
        """Offers a new session; wait(200) and ack() follow."""
        return self.send('INVITE', [('Contact', self.agent.contact)], sdp)

    def bye(self, expect=200):
        response = self.agent.wait_status(self.send('BYE'))
        if response.status != expect:
            raise AssertionError(f'BYE: {response.first_line}')
        return response

    def answer(self, status, sdp='', headers=(), reason=None):
        """Answers the last INVITE that came in."""
        return self.agent.reply(self.invite_request, status, reason, self.local_tag,
                                [('Contact', self.agent.contact), *headers], sdp)

    def reply(self, request, status, **more):
        """Answers another request of the dialog."""
        return self.agent.reply(request, status, to_tag=self.local_tag, **more)

    def wait_request(self, method, timeout_s=15):
        """A request of this call; an INVITE becomes the one that answer() answers."""
        request = self.agent.wait_for(
            lambda m: m.status is None and m.method == method and m.call_id == self.call_id, timeout_s, method)
        if method == 'INVITE':
            self.invite_request = request
        return request


def stop_cleanly(switch):
    """Stops by SIGTERM; fails on another exit code than 0 and on a sanitizer's report in the log."""
    code = switch.stop()
    log = switch.log()
    if SANITIZER.search(log):
        raise AssertionError(f'sanitizer report:\n{log[-8000:]}')
    if code != 0:
        raise AssertionError(f'switchd ended with {code}:\n{log[-8000:]}')
