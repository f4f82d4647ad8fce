# SPDX-License-Identifier: GPL-2.0-or-later
"""A program on a terminal of the test's own: keys go in, a screen comes out. The screen knows what a
line editor uses of a VT100; tests wait for what it shows, never for time to pass."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
import unicodedata

ESCAPE = re.compile(r'\x1b\[([?0-9;]*)([@-~])|\x1b[()][0-9A-Za-z]|\x1b[=>78DMEHc]')
BEHIND = '\0'  # the second column of a wide character
PASTE = '\x1b[200~{}\x1b[201~'


class Screen:
    """Rows of text, newest last; rows that scrolled off stay in `rows`, like a scrollback."""

    def __init__(self, columns, height):
        self.columns = columns
        self.height = height
        self.rows = ['']
        self.row = 0
        self.column = 0
        self.pending = ''

    def _line(self):
        while self.row >= len(self.rows):
            self.rows.append('')
        return self.rows[self.row].ljust(self.column)

    def _put(self, char):
        if unicodedata.combining(char):
            return  # shares the cell of the character in front
        width = 2 if unicodedata.east_asian_width(char) in 'WF' else 1
        if self.column + width > self.columns:
            self.row += 1
            self.column = 0
        line = self._line()
        self.rows[self.row] = line[:self.column] + char + BEHIND * (width - 1) + line[self.column + width:]
        self.column += width

    def _escape(self, parameters, final):
        if not final or '?' in parameters:
            return
        numbers = [int(part or 0) for part in parameters.split(';')] if parameters else [0]
        count = numbers[0] or 1
        line = self._line()
        if final == 'A':
            self.row = max(0, self.row - count)
        elif final == 'B':
            self.row += count
        elif final == 'C':
            self.column = min(self.columns - 1, self.column + count)
        elif final == 'D':
            self.column = max(0, self.column - count)
        elif final == 'K':
            self.rows[self.row] = line[:self.column] if numbers[0] == 0 else ''
        elif final == 'J' and numbers[0] == 0:
            self.rows[self.row] = line[:self.column]
            del self.rows[self.row + 1:]

    def feed(self, text):
        text = self.pending + text
        self.pending = ''
        at = 0
        while at < len(text):
            char = text[at]
            if char == '\x1b':
                match = ESCAPE.match(text, at)
                if not match:
                    if len(text) - at < 16:
                        self.pending = text[at:]
                        return
                    raise AssertionError(f'unknown escape {text[at:at + 16]!r}')
                self._escape(match.group(1) or '', match.group(2))
                at = match.end()
                continue
            if char == '\r':
                self.column = 0
            elif char == '\n':
                self.row += 1
                self._line()
            elif char == '\b':
                self.column = max(0, self.column - 1)
            elif char == '\t':
                self.column = min(self.columns - 1, self.column - self.column % 8 + 8)
            elif char >= ' ':
                self._put(char)
            at += 1

    def text(self):
        return '\n'.join(row.replace(BEHIND, '').rstrip() for row in self.rows)

    def last(self):
        """The row that the cursor is in."""
        return self._line().replace(BEHIND, '').rstrip()


class Terminal:
    def __init__(self, command, environment=None, columns=100, height=40):
        self.screen = Screen(columns, height)
        self.code = None
        self.undecoded = b''
        self.raw = b''  # all that was written
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update({'TERM': 'vt100', 'LC_ALL': 'C.UTF-8', **(environment or {})})
            os.execv(command[0], command)
        self.resize(columns, height)

    def resize(self, columns, height):
        self.screen.columns = columns
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('HHHH', height, columns, 0, 0))

    def _read(self, timeout_s):
        """True while the program may still write."""
        if not select.select([self.fd], [], [], timeout_s)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            data = b''
        if not data:
            return False
        self.raw += data
        self.undecoded += data
        # A character may be cut between two reads.
        for cut in range(4):
            end = len(self.undecoded) - cut
            try:
                self.screen.feed(self.undecoded[:end].decode())
            except UnicodeDecodeError:
                continue
            self.undecoded = self.undecoded[end:]
            break
        return True

    def keys(self, text):
        os.write(self.fd, text.encode() if isinstance(text, str) else text)
        return self

    def line(self, text):
        return self.keys(text + '\r')

    def paste(self, text):
        return self.keys(PASTE.format(text))

    def wait(self, what, predicate, timeout_s=10):
        """Reads until predicate(screen) holds; fails with the screen when it does not in time."""
        deadline = time.monotonic() + timeout_s
        while not predicate(self.screen):
            if time.monotonic() > deadline or not self._read(0.05):
                if predicate(self.screen):
                    return self
                raise AssertionError(f'{what}: not seen; the screen:\n{self.screen.text()}')
        return self

    def wait_text(self, text, timeout_s=10):
        return self.wait(repr(text), lambda screen: text in screen.text(), timeout_s)

    def wait_last(self, text, timeout_s=10):
        """The cursor's row starts with the text, and nothing but the right prompt follows it."""
        def fits(screen):
            row = re.sub(r' {2,}\[[^\]]*\]$', '', screen.last())
            return row.rstrip() == text.rstrip()
        return self.wait(f'row {text!r}', fits, timeout_s)

    def wait_end(self, timeout_s=10):
        """Exit code of the program (128+n when a signal ended it)."""
        deadline = time.monotonic() + timeout_s
        while self.code is None:
            reading = self._read(0.05)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
            elif time.monotonic() > deadline:
                raise AssertionError(f'still running; the screen:\n{self.screen.text()}')
            elif not reading:
                time.sleep(0.01)
        return self.code

    def close(self):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.code = -signal.SIGKILL
        os.close(self.fd)
