# SPDX-License-Identifier: GPL-2.0-or-later
"""The control protocol by hand: sessions that stay open side by side, as no vosctl process would."""
import json
import socket


class Session:
    def __init__(self, path, batch=True):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(20)
        self.sock.connect(path)
        self.file = self.sock.makefile('rb')
        self.batch = batch
        self.mode = 'exec'
        self.number = 0

    def call(self, method, **params):
        """(result or error data, notices)"""
        self.number += 1
        self.sock.sendall(json.dumps({'jsonrpc': '2.0', 'id': self.number, 'method': method,
                                      'params': params}).encode() + b'\n')
        notices = []
        while True:
            message = json.loads(self.file.readline())
            if message.get('id') != self.number:
                notices.append(message)
                continue
            data = message.get('result') or message['error']['data']
            self.mode = data.get('mode', self.mode)
            return data, notices

    def run(self, line, **more):
        return self.call('exec', line=line, mode=self.mode, batch=self.batch, **more)

    def do(self, *lines):
        """Lines that have to succeed; the text of the last one."""
        said = ''
        for line in lines:
            data, notices = self.run(line)
            if data.get('status') != 'ok':
                raise AssertionError(f'{line}: {data}')
            said = ''.join(notice['params']['text'] for notice in notices if notice['method'] == 'text')
        return said

    def refused(self, line):
        """A line that has to be refused; the fault's code and sentence."""
        data, _ = self.run(line)
        if 'code' not in data:
            raise AssertionError(f'{line}: not refused: {data}')
        return data['code'], data['message']

    def rows(self, line):
        """(rows of op and line as text)"""
        _, notices = self.run(line)
        return [' '.join(row) for notice in notices if notice['method'] == 'rows'
                for row in notice['params']['rows']]

    def close(self):
        self.file.close()
        self.sock.close()
