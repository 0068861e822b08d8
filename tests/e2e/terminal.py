"""A terminal with a person before it: a program in a pseudo-terminal of a given size, the keys, and what the screen shows.

pyte reads the escape sequences, so a test looks at lines as a person does. Everything is read in the test's own thread, while it waits.
"""

import codecs
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pyte

from daemon import DAMAGE, STRANGE

KEYS = {"enter": "\r", "escape": "\033", "tab": "\t", "backspace": "\x7f", "delete": "\033[3~", "up": "\033[A", "down": "\033[B",
        "right": "\033[C", "left": "\033[D", "home": "\033[H", "end": "\033[F",
        **{f"ctrl-{letter}": chr(ord(letter) & 0x1f) for letter in "abcdefghijklmnopqrstuvwxyz\\"}}

# CSI, OSC and other escape sequences, for those who read the stream and not the screen.
SEQUENCE = re.compile(r"\033(?:\[[0-?]*[ -/]*[@-~]|\][^\a\033]*(?:\a|\033\\)|[ -/]*[0-~])")


def environment(home, env=None):
    """That of a new user with nothing set up, who has a modern terminal. A value of None takes a variable out."""
    out = {k: v for k, v in os.environ.items() if not STRANGE.match(k)}
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_DIRS"):
        out[name] = str(home)
    for name in ("NO_COLOR", "COLUMNS", "LINES", "INPUTRC", "EDITRC", "POSIXLY_CORRECT"):
        out.pop(name, None)
    out.update(TERM="xterm-256color", LC_ALL="C.UTF-8")
    out.update(env or {})
    return {k: v for k, v in out.items() if v is not None}


class Terminal:
    """A program in a terminal. It ends with the test; ask wait_exit() for its status."""

    def __init__(self, argv, *, columns=80, rows=24, home=".", cwd=None, env=None, stdin=None, stdout=None, stderr=None):
        """home: an empty folder, also the working directory unless cwd says otherwise. env: laid over environment(home).
        stdin, stdout, stderr: as of subprocess.Popen, for those that shall not be the terminal."""
        self.transcript = b""  # every byte that came
        self.screen = pyte.HistoryScreen(columns, rows, history=10000)
        self.screen.write_process_input = self.send  # when the program asks where the cursor is
        self._stream = pyte.Stream(self.screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._text = ""  # the same as text; expect() takes from it
        self._ended = False
        self._master, slave = os.openpty()
        self._set_size(columns, rows)

        def own_terminal():
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a suite in the background ignores it, and children take that over
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        try:
            self.process = subprocess.Popen(
                [str(word) for word in argv], cwd=cwd or home, env=environment(home, env), start_new_session=True,
                preexec_fn=own_terminal, stdin=slave if stdin is None else stdin,
                stdout=slave if stdout is None else stdout, stderr=slave if stderr is None else stderr)
        finally:
            os.close(slave)

    # -- output --------------------------------------------------------------------------------------------------
    def _read(self, deadline):
        """Takes what there is, or waits for some; false: the deadline has passed, or the terminal is closed."""
        if self._ended or not select.select([self._master], [], [], max(0, deadline - time.monotonic()))[0]:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # EIO: nobody holds the other end any more
            data = b""
        self._ended = not data
        self.transcript += data
        text = self._decoder.decode(data, self._ended)
        self._text += text
        self._stream.feed(text)
        return not self._ended

    def _wait(self, ready, timeout, why):
        deadline = time.monotonic() + timeout
        while not (found := ready()):
            if self._read(deadline) or (found := ready()):
                continue
            end = "the program ended first" if self._ended else f"not within {timeout} s"
            raise AssertionError(f"{why}: {end}\n{self.report()}")
        return found

    def expect(self, pattern, timeout=30.0):
        """Waits for text (without escape sequences) behind what the last expect() found; returns the match. For what is
        written line by line. What is drawn anew is for wait_screen()."""
        def ready():
            whole = SEQUENCE.sub("", self._text)
            found = re.search(pattern, whole, re.M)
            if found:
                self._text = whole[found.end():]
            return found

        return self._wait(ready, timeout, f"{pattern!r} did not come")

    def wait_screen(self, pattern, timeout=30.0):
        """Waits until the screen's lines, joined, match; returns the match."""
        return self._wait(lambda: re.search(pattern, "\n".join(self.lines()), re.M), timeout, f"the screen does not show {pattern!r}")

    def wait_gone(self, pattern, timeout=30.0):
        """Waits until the screen's lines match no longer."""
        self._wait(lambda: not re.search(pattern, "\n".join(self.lines()), re.M), timeout, f"the screen still shows {pattern!r}")

    def lines(self):
        """The screen as it was last seen: as many strings as it has rows, without blanks at their ends."""
        return [line.rstrip() for line in self.screen.display]

    def history(self):
        """What has scrolled out at the top, then the screen."""
        above = ["".join(line[x].data for x in range(self.screen.columns)).rstrip() for line in self.screen.history.top]
        return above + self.lines()

    def cursor(self):
        """(row, column), from 0."""
        return self.screen.cursor.y, self.screen.cursor.x

    def style(self, row, column):
        """pyte's Char: data, fg, bg, bold, reverse …"""
        return self.screen.buffer[row][column]

    # -- input ---------------------------------------------------------------------------------------------------
    def send(self, text):
        """Types text as it is; "\\r" is the enter key."""
        data = text.encode() if isinstance(text, str) else text
        while data:
            data = data[os.write(self._master, data):]

    def press(self, *keys):
        """Keys by their names: press("up", "enter"), press("ctrl-c")."""
        for key in keys:
            self.send(KEYS[key])

    def resize(self, columns, rows):
        """The kernel tells the programs of the foreground by SIGWINCH."""
        self.screen.resize(rows, columns)
        self._set_size(columns, rows)

    def _set_size(self, columns, rows):
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    # -- end -----------------------------------------------------------------------------------------------------
    def wait_exit(self, timeout=30.0):
        """The status (negative: a signal's number), after everything has been read."""
        self._wait(lambda: self._ended, timeout, "the program did not end")
        status = self.process.wait(timeout)
        assert not DAMAGE.search(self.transcript.decode("utf-8", "replace")), self.report()
        return status

    def close(self):
        """Hangs up, and ends the program if need be."""
        if self._master < 0:
            return
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._master)
        self._master = -1

    def report(self):
        drawn = "\n".join(self.lines()).rstrip().split("\n")
        return "\n".join(["screen:", *(f"|{line}" for line in drawn), f"the last bytes: {self.transcript[-2000:]!r}"])
