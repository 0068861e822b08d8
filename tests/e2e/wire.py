"""A small HTTP/1.1 client over a raw socket, for tests that must see or send exact bytes.

    answer = wire.call(w, "POST", "/v1/chat/completions", {"model": "m", "messages": []})
    answer.status, answer.header("x-request-id"), answer.json(), answer.events()

    with wire.connect(w) as c:                    # or by hand
        c.send(b"GET / HT", b"TP/1.1\\r\\nHost: localhost\\r\\n\\r\\n", pace=0.01)
        answer = c.answer()
        assert c.at_end()                         # the server has closed
"""

import json
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field

# How long a test waits for what has to come. Only one that fails waits so long: a machine that stands still for some
# seconds is no fault of weir's.
PATIENCE = 30.0
TIMEOUT = PATIENCE


class Closed(OSError):
    """The server closed where more of an answer should have come."""


@dataclass
class Answer:
    status: int
    reason: str
    version: str
    headers: list  # (name, value) in order
    head: bytes
    pieces: list = field(default_factory=list)  # (time.monotonic(), bytes of the body) as they arrived
    complete: bool = True  # the body ended as its framing promised

    def header(self, name, default=None):
        found = [v for n, v in self.headers if n.lower() == name.lower()]
        assert len(found) <= 1, f"{name} came {len(found)} times: {found}"
        return found[0] if found else default

    @property
    def body(self):
        return b"".join(data for _, data in self.pieces)

    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        """The error object; checks that it has OpenAI's shape."""
        error = self.json()["error"]
        assert set(error) >= {"message", "type", "param", "code"}, error
        return error

    def events(self):
        """The data of each event, JSON parsed where it is JSON. Checks weir's normal form: LF, one data: line at least in
        each event, no id:, no retry:, a blank line after each."""
        return [json.loads(d) if d.startswith("{") else d for _, d in self.named_events()]

    def named_events(self):
        """(event name or "", data) of each event."""
        return parse_events(self.body)


def parse_events(body):
    text = body.decode("utf-8", "surrogateescape")
    assert "\r" not in text, "weir writes LF only"
    blocks = text.split("\n\n")
    assert blocks.pop() == "", f"the last event is not ended by a blank line: {text[-200:]!r}"
    found = []
    for block in blocks:
        name, data = "", []
        comment = False
        for line in block.split("\n"):
            key, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if key == "":
                comment = True
            elif key == "event":
                name = value
            elif key == "data":
                data.append(value)
            else:
                raise AssertionError(f"a line that must not be sent: {line!r}")
        assert data or comment, f"an event without data: {block!r}"
        if data:
            found.append((name, "\n".join(data)))
    return found


class Client:
    """One connection to weir."""

    def __init__(self, target, tls=None, receive_buffer=None):
        """target: a Weir, (host, port), or a socket's path. tls: an ssl.SSLContext, or (context, server name)."""
        address = getattr(target, "address", target)
        if tls is None and getattr(target, "tls", False):
            tls = ssl._create_unverified_context()
        family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(address)
        if not isinstance(address, str):
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            context, name = tls if isinstance(tls, tuple) else (tls, "localhost")
            self.sock = context.wrap_socket(self.sock, server_hostname=name)
        self._buffer = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def abort(self):
        """Closes with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def send(self, *pieces, pace=0.0):
        for i, piece in enumerate(pieces):
            if pace and i:
                time.sleep(pace)
            self.sock.sendall(piece)

    def request(self, method, path, body=None, headers=()):
        self.send(make_request(method, path, body, headers))

    def _fill(self):
        data = self.sock.recv(1 << 16)
        if not data:
            raise Closed("the server closed")
        self._buffer += data

    def _take(self, n):
        """So many bytes of what has come. It gathers in a bytearray, since bytes that grow are copied each time."""
        with memoryview(self._buffer) as view:
            data = bytes(view[:n])
        del self._buffer[:n]
        return data

    def _until(self, mark):
        while (at := self._buffer.find(mark)) < 0:
            self._fill()
        return self._take(at + len(mark))

    def head(self, timeout=TIMEOUT):
        """Reads an answer's head only; body() or body_pieces() reads on."""
        self.sock.settimeout(timeout)
        head = self._until(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")[:-2]
        version, status, reason = (lines[0] + "  ").split(" ", 2)
        headers = [(n, v.strip()) for n, _, v in (line.partition(":") for line in lines[1:])]
        return Answer(int(status), reason.strip(), version, headers, head)

    def body_pieces(self, answer, method="GET"):
        """Yields the body as it comes; the answer gathers it too. A cut body sets answer.complete to False."""
        def note(data):
            answer.pieces.append((time.monotonic(), data))
            return data

        if method == "HEAD" or answer.status in (204, 304) or answer.status < 200:
            return
        answer.complete = False
        try:
            if (answer.header("transfer-encoding") or "") == "chunked":
                while size := int(self._until(b"\r\n").split(b";")[0], 16):
                    while len(self._buffer) < size + 2:
                        self._fill()
                    data = self._take(size)
                    assert self._take(2) == b"\r\n"
                    yield note(data)
                while self._until(b"\r\n") != b"\r\n":
                    pass
            elif (length := answer.header("content-length")) is not None:
                left = int(length)
                while left:
                    if not self._buffer:
                        self._fill()
                    data = self._take(left)
                    left -= len(data)
                    yield note(data)
            else:
                while True:
                    if self._buffer:
                        yield note(self._take(len(self._buffer)))
                    try:
                        self._fill()
                    except Closed:
                        break
            answer.complete = True
        except (Closed, ConnectionError):
            return

    def answer(self, method="GET", timeout=TIMEOUT, skip_continue=True):
        """Reads a whole answer. timeout: seconds of silence."""
        answer = self.head(timeout)
        while skip_continue and answer.status == 100:
            answer = self.head(timeout)
        for _ in self.body_pieces(answer, method):
            pass
        return answer

    def at_end(self, timeout=TIMEOUT):
        """True when the server closes within timeout and has sent nothing more."""
        self.sock.settimeout(timeout)
        try:
            return not self._buffer and self.sock.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False

    def silent(self, seconds):
        """True when nothing comes and nothing is closed for so long."""
        self.sock.settimeout(seconds)
        try:
            self._buffer += self.sock.recv(1 << 16)
            return False
        except TimeoutError:
            return True


def make_request(method, path, body=None, headers=()):
    """A request's bytes. body: bytes or text as they are, anything else as JSON. Host, content type and length are added where missing."""
    pairs = list(headers.items() if isinstance(headers, dict) else headers)
    names = {n.lower() for n, _ in pairs}
    data = b"" if body is None else body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    if "host" not in names:
        pairs.insert(0, ("Host", "localhost"))
    if body is not None and "content-type" not in names:
        pairs.append(("Content-Type", "application/json"))
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        pairs.append(("Content-Length", len(data)))
    return (f"{method} {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in pairs) + "\r\n").encode("latin-1") + data


def connect(target, **options):
    return Client(target, **options)


def call(target, method, path, body=None, headers=(), timeout=TIMEOUT, **options):
    """One request on a connection of its own; the whole answer."""
    with Client(target, **options) as c:
        c.request(method, path, body, headers)
        return c.answer(method, timeout)


def chat(target, body=None, headers=(), timeout=TIMEOUT, **fields):
    """POST /v1/chat/completions with a small valid body; fields are laid on it: chat(w, stream=True)."""
    request = {"model": "gpt-test", "messages": [{"role": "user", "content": "Say hello."}], **fields}
    return call(target, "POST", "/v1/chat/completions", request if body is None else body, headers, timeout)
