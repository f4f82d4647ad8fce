# SPDX-License-Identifier: GPL-2.0-or-later
"""A phone in a few lines: one UDP socket that sends requests as text, reads answers, and does digest.

It is not a user agent: nothing is retransmitted, and a test may send whatever it wants to see refused."""
import hashlib
import re
import secrets
import socket


class Answer:
    def __init__(self, data):
        self.data = data
        head, _, self.body = data.decode('utf-8', 'surrogateescape').partition('\r\n\r\n')
        self.first_line, *lines = head.split('\r\n')
        self.status = int(self.first_line.split()[1])
        self.reason = self.first_line.split(' ', 2)[2]
        self.headers = [tuple(part.strip() for part in line.split(':', 1)) for line in lines]

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name):
        values = self.all(name)
        return values[0] if values else None

    def contacts(self):
        """Contact URI -> seconds left."""
        found = {}
        for value in self.all('Contact'):
            uri, expires = re.fullmatch(r'<(.*)>;expires=(\d+)(?:;q=0\.\d{3})?', value).groups()
            found[uri] = int(expires)
        return found

    def challenges(self):
        """Parameters of each challenge, in their order."""
        return [{name: quoted or plain for name, quoted, plain in
                 re.findall(r'(\w+)=(?:"([^"]*)"|([^",\s]*))', value.removeprefix('Digest '))}
                for value in self.all('WWW-Authenticate') + self.all('Proxy-Authenticate')]

    def challenge(self):
        """Parameters of the first challenge."""
        return self.challenges()[0]

    def normal(self):
        """The bytes without what differs from one request to the next."""
        text = self.data.decode('utf-8', 'surrogateescape')
        text = re.sub(r'tag=[0-9A-Za-z]+', 'tag=', text)
        text = re.sub(r'nonce="[^"]*"', 'nonce=""', text)
        text = re.sub(r'branch=[^;\r]*', 'branch=', text)
        text = re.sub(r'(Call-ID|Date): [^\r]*', r'\1:', text)
        return re.sub(r'CSeq: \d+', 'CSeq:', text)


def hasher(algorithm):
    """H of a digest algorithm (RFC 7616): text to hex."""
    name = 'sha256' if algorithm.upper().startswith('SHA-256') else 'md5'
    return lambda text: hashlib.new(name, text.encode()).hexdigest()


class Phone:
    def __init__(self, switch_address, user, password, address='127.0.0.1', advertised=None):
        """advertised: host:port that Via and Contact claim instead of the truth."""
        self.family = socket.AF_INET6 if ':' in address else socket.AF_INET
        self.socket = socket.socket(self.family, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.switch = switch_address
        self.port = self.socket.getsockname()[1]
        self.host = f'[{address}]' if self.family == socket.AF_INET6 else address
        self.switch_host = f'[{switch_address[0]}]' if self.family == socket.AF_INET6 else switch_address[0]
        self.advertised = advertised or f'{self.host}:{self.port}'
        self.user = user
        self.password = password
        self.call_id = secrets.token_hex(8)
        self.cseq = 0
        self.nonce_count = 0
        self.contact = f'sip:{user}@{self.advertised}'
        self.uri = f'sip:{self.switch_host}:{switch_address[1]}'

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def text(self, *lines, method='REGISTER', uri=None, to=None, cseq=None, call_id=None):
        """A request with the usual headers and these lines; each call is a new CSeq unless one is given."""
        if cseq is None:
            self.cseq += 1
            cseq = self.cseq
        to = to or f'<sip:{self.user}@{self.switch_host}>'
        head = [f'{method} {uri or self.uri} SIP/2.0',
                f'Via: SIP/2.0/UDP {self.advertised};rport;branch=z9hG4bK{secrets.token_hex(6)}',
                f'From: {to};tag={secrets.token_hex(4)}', f'To: {to}', f'Call-ID: {call_id or self.call_id}',
                f'CSeq: {cseq} {method}', 'Max-Forwards: 70', 'User-Agent: test phone']
        return '\r\n'.join([*head, *lines, 'Content-Length: 0', '', ''])

    def send(self, text):
        self.socket.sendto(text if isinstance(text, bytes) else text.encode(), self.switch)

    def receive(self, timeout_s=15):
        """The next datagram, None when there is none in time."""
        self.socket.settimeout(timeout_s)
        try:
            return self.socket.recv(65535)
        except TimeoutError:
            return None

    def ask(self, text, timeout_s=15):
        self.send(text)
        data = self.receive(timeout_s)
        return Answer(data) if data is not None else None

    def credentials(self, challenge, header='Authorization', method='REGISTER', uri=None, count=1, qop=True,
                    username=None, password=None, realm=None, algorithm='MD5', body=''):
        """The header line that answers a challenge. qop: True (auth), False (none) or a word; algorithm None:
        MD5, and not said."""
        uri = uri or self.uri
        username = self.user if username is None else username
        realm = realm or challenge['realm']
        h = hasher(algorithm or 'MD5')
        cnonce = secrets.token_hex(4)
        ha1 = h(f'{username}:{realm}:{self.password if password is None else password}')
        if algorithm and algorithm.lower().endswith('-sess'):
            ha1 = h(f'{ha1}:{challenge["nonce"]}:{cnonce}')
        ha2 = h(f'{method}:{uri}:{h(body)}' if qop == 'auth-int' else f'{method}:{uri}')
        if qop:
            word = 'auth' if qop is True else qop
            response = h(f'{ha1}:{challenge["nonce"]}:{count:08x}:{cnonce}:{word}:{ha2}')
            tail = f', qop={word}, nc={count:08x}, cnonce="{cnonce}"'
        else:
            response = h(f'{ha1}:{challenge["nonce"]}:{ha2}')
            tail = ''
        if algorithm:
            tail += f', algorithm={algorithm}'
        return (f'{header}: Digest username="{username}", realm="{realm}", nonce="{challenge["nonce"]}", '
                f'uri="{uri}", response="{response}"{tail}')

    def challenge(self):
        """Parameters of a fresh challenge."""
        return self.ask(self.text()).challenge()

    def signed(self, *lines, **arguments):
        """A request with good credentials for a fresh challenge, as text."""
        return self.text(self.credentials(self.challenge()), *lines, **arguments)

    def register(self, *lines, expires=None, contact=None):
        """Challenge and answer; the final answer."""
        lines = list(lines)
        if contact is not False:
            lines.append(f'Contact: <{contact or self.contact}>')
        if expires is not None:
            lines.append(f'Expires: {expires}')
        return self.ask(self.signed(*lines))
