"""A scripted provider over raw sockets: the stand-in for a chat-model API in fault tests.

A test says what each request shall meet, in order, and reads back what arrived:

    up = Upstream()                                   # listens on a free port of 127.0.0.1
    up.script(reset("before_head"), reply(200, {"id": "x"}))
    ...                                               # drive weir, whose provider url is up.url
    first, second = up.wait_requests(2)
    assert second.began - first.began >= 0.02

One behaviour is used up per request; kept-alive connections are served as HTTP says. When the script is used up,
`up.always(behaviour)` answers; without it the request gets a 500 and `up.unexpected` says so (the fixture then
fails the test). A behaviour may also be a function: it is given the Request and returns a behaviour.

    reply(200, json)                    a whole answer
    sse(events, end="done")             a stream; end: done, no_done, cut, reset, stall
    reset(when), cut(when)              RST or FIN; when: accept, before_head, in_head, after_head, in_body, in_stream
    stall(at)                           silence at the same places, until the peer leaves (or seconds=)
    refuse(seconds)                     the port is shut: connections are refused
    raw(pieces)                         any bytes, as they are
    after(seconds, behaviour)           the same, later

Among the events of sse() and the pieces of raw() may stand a number (seconds of pause) or a threading.Event
(wait until the test sets it). All times are time.monotonic().
"""

import json
import select
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field

from daemon import asleep
from wire import PATIENCE

POLLRDHUP = getattr(select, "POLLRDHUP", 0x2000)
LONGEST_WAIT = 60.0


class PeerLeft(Exception):
    """The peer closed or reset the connection."""


class Ended(Exception):
    """The behaviour ended the connection itself, or the upstream is being closed."""


def writable(sock):
    return bool(select.select([], [sock], [], 0)[1])


@dataclass
class Request:
    """One request as it arrived, and what became of its answer."""

    connection: int  # number of the connection it came on, from 0
    method: str
    path: str  # with the query, as sent
    version: str
    headers: list  # (name, value) in order, as sent
    head: bytes  # the raw head
    began: float  # when its first byte was read
    body: bytes = b""
    arrived: float = 0.0  # when it was complete
    answered: float = 0.0  # when the first byte of the answer was written, 0: none was
    sent: int = 0  # bytes of the answer written so far
    closed_at: float = 0.0  # when the peer closed before the answer was complete, 0: it did not
    _closed: threading.Event = field(default_factory=threading.Event, repr=False)
    _done: threading.Event = field(default_factory=threading.Event, repr=False)

    def header(self, name, default=None):
        """The value of a header field, or default. Fails if it came more than once."""
        found = self.header_all(name)
        assert len(found) <= 1, f"{name} came {len(found)} times: {found}"
        return found[0] if found else default

    def header_all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def json(self):
        return json.loads(self.body)

    def wait_closed(self, timeout=PATIENCE):
        """Waits until the peer has closed before the answer was complete; returns when that was."""
        assert self._closed.wait(timeout), f"the peer did not close {self.path} within {timeout} s"
        return self.closed_at

    def wait_done(self, timeout=PATIENCE):
        """Waits until the behaviour has ended, in whichever way."""
        assert self._done.wait(timeout), f"the answer to {self.path} did not end within {timeout} s"


class Connection:
    """The server's side of one connection. Behaviours write through it."""

    def __init__(self, upstream, sock, number):
        self.upstream = upstream
        self.sock = sock
        self.number = number
        self.opened = time.monotonic()
        self.closed = 0.0  # when it was over, whoever ended it
        self.by_peer = False
        self.resumed = False  # TLS: the session of an earlier connection was taken up
        self.request = None
        self._buffer = bytearray()

    # -- waiting -------------------------------------------------------------------------------------------------
    def _poll(self, events, deadline):
        """Waits for events; True when one came, False at the deadline. Raises PeerLeft, Ended."""
        poller = select.poll()
        poller.register(self.sock, events | POLLRDHUP)
        while True:
            left = deadline - time.monotonic()
            found = poller.poll(max(0, left) * 1000)
            if self.upstream.closing.is_set():
                raise Ended
            if found:
                got = found[0][1]
                if got & (POLLRDHUP | select.POLLHUP | select.POLLERR) and not got & select.POLLIN & events:
                    raise PeerLeft
                if got & events:
                    return True
            elif left <= 0:
                return False

    def pause(self, seconds):
        """Waits, but notices at once when the peer leaves."""
        self._poll(0, time.monotonic() + seconds)

    def wait_for(self, event):
        deadline = time.monotonic() + LONGEST_WAIT
        while not event.is_set():
            assert time.monotonic() < deadline, "an event that a behaviour waits for was never set"
            self._poll(0, time.monotonic() + 0.005)

    # -- writing -------------------------------------------------------------------------------------------------
    def write(self, data):
        """Writes all of data; blocks as long as the peer does not read."""
        view = memoryview(data)
        while view:
            self._poll(select.POLLOUT, time.monotonic() + LONGEST_WAIT)
            if self.request is not None and not self.request.answered:
                self.request.answered = time.monotonic()
            try:
                n = self.sock.send(view[: 1 << 16])
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                continue
            except OSError as e:
                raise PeerLeft from e
            if self.request is not None:
                self.request.sent += n
            view = view[n:]

    def write_all(self, pieces, pace=0.0):
        """Writes pieces one by one; numbers pause, threading.Events are waited for."""
        first = True
        for piece in pieces:
            if isinstance(piece, (int, float)):
                self.pause(piece)
            elif isinstance(piece, threading.Event):
                self.wait_for(piece)
            else:
                if pace and not first:
                    self.pause(pace)
                first = False
                self.write(piece)

    def reset(self):
        """Ends the connection with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Ended

    def finish(self):
        """Ends the connection with FIN, reading away what the peer still sends so that no RST follows."""
        try:
            (self.sock.unwrap() if isinstance(self.sock, ssl.SSLSocket) else self.sock).shutdown(socket.SHUT_WR)
            self.sock.settimeout(0.5)
            while self.sock.recv(65536):
                pass
        except OSError:
            pass
        raise Ended

    def hold(self, seconds=None):
        """Silence until the peer leaves, or for some seconds."""
        self.pause(LONGEST_WAIT if seconds is None else seconds)

    # -- reading -------------------------------------------------------------------------------------------------
    def _fill(self):
        while True:
            if not (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()):
                if not self._poll(select.POLLIN, time.monotonic() + LONGEST_WAIT):
                    raise Ended
            try:
                data = self.sock.recv(1 << 16)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                continue
            except OSError as e:
                raise PeerLeft from e
            if not data:
                raise PeerLeft
            self._buffer += data
            return

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

    def _exactly(self, n):
        while len(self._buffer) < n:
            self._fill()
        return self._take(n)

    def read_request(self):
        if not self._buffer:
            self._fill()
        began = time.monotonic()
        head = self._until(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")[:-2]
        method, path, version = lines[0].split(" ")
        headers = [(n, v.strip()) for n, _, v in (line.partition(":") for line in lines[1:])]
        request = Request(self.number, method, path, version, headers, head, began)
        if (request.header("transfer-encoding") or "").lower() == "chunked":
            while size := int(self._until(b"\r\n").split(b";")[0], 16):
                request.body += self._exactly(size)
                assert self._exactly(2) == b"\r\n"
            while self._until(b"\r\n") != b"\r\n":
                pass
        else:
            request.body = self._exactly(int(request.header("content-length") or 0))
        request.arrived = time.monotonic()
        return request


class Upstream:
    """The scripted provider. Close it, or use it as a context manager."""

    def __init__(self, tls=None, host="127.0.0.1"):
        """tls: an ssl.SSLContext for the server's side."""
        self.requests = []
        self.connections = []
        self.unexpected = []
        self.closing = threading.Event()
        self._tls = tls
        self._script = []
        self._always = None
        self._changed = threading.Condition()
        self._sock = None
        self._listening = False
        self.host = host
        self.port = 0
        self._wake_r, self._wake_w = socket.socketpair()
        self._bind(listen=True)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    # -- what a test uses ----------------------------------------------------------------------------------------
    @property
    def url(self):
        """The base URL for a provider's entry in weir's configuration."""
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}/v1"

    def script(self, *behaviours):
        """Adds behaviours, one per request to come. Returns the upstream."""
        with self._changed:
            self._script += behaviours
        self._wake_w.send(b"x")
        self._settle(lambda: self._listening != self._head_refuses())
        return self

    def always(self, behaviour):
        """What every request beyond the script meets. Returns the upstream."""
        with self._changed:
            self._always = behaviour
        return self

    def wait_requests(self, n, timeout=PATIENCE):
        """Waits until at least n requests have arrived whole; returns them all."""
        self._settle(lambda: len(self.requests) >= n, timeout, lambda: f"{len(self.requests)} of {n} requests came")
        return list(self.requests)

    def wait_idle(self, timeout=PATIENCE):
        """Waits until every request's behaviour has ended; returns the requests."""
        for request in list(self.requests):
            request.wait_done(timeout)
        return list(self.requests)

    def wait_held(self, request, pid=None, timeout=PATIENCE):
        """Waits until the answer cannot go on because its reader does not read: the connection is full although the process pid
        sleeps of its own accord, so it is no busy machine that keeps it from reading. Returns how much has been written."""
        sock = self.connections[request.connection].sock
        deadline = time.monotonic() + timeout
        while True:
            sent = request.sent
            if sent and not writable(sock) and (pid is None or asleep(pid)) and not writable(sock) and request.sent == sent:
                return sent
            assert time.monotonic() < deadline, f"the upstream goes on writing: {request.sent} bytes"
            time.sleep(0.01)

    def close(self):
        self.closing.set()
        self._wake_w.send(b"x")
        self._thread.join()
        self._sock.close()
        for c in list(self.connections):  # wakes whoever polls
            if not c.closed:
                try:
                    c.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        for c in list(self.connections):
            c.thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # -- the listener --------------------------------------------------------------------------------------------
    def _settle(self, ready, timeout=PATIENCE, why=lambda: "the listener did not follow"):
        with self._changed:
            assert self._changed.wait_for(ready, timeout), f"{why()} within {timeout} s"

    def _bind(self, listen):
        """A bound socket that does not listen refuses connections and keeps its port."""
        if self._sock:
            self._sock.close()
        self._sock = socket.socket()
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._sock.bind((self.host, self.port))
        self.port = self._sock.getsockname()[1]
        if listen:
            self._sock.listen(4096)
            self._sock.setblocking(False)
        self._listening = listen

    def _head_refuses(self):
        return bool(self._script) and isinstance(self._script[0], Refuse)

    def _serve(self):
        while not self.closing.is_set():
            with self._changed:
                refusing = self._script[0] if self._head_refuses() else None
                if self._listening == (refusing is not None):
                    self._bind(listen=refusing is None)
                self._changed.notify_all()
            if refusing:
                self._drop_idle()
                self.closing.wait(refusing.seconds)
                with self._changed:
                    self._script.pop(0)
                continue
            readable, _, _ = select.select([self._sock, self._wake_r], [], [])
            if self._wake_r in readable:
                self._wake_r.recv(4096)
            if self._sock in readable:
                try:
                    sock, _ = self._sock.accept()
                except OSError:
                    continue
                self._accept(sock)

    def _drop_idle(self):
        for c in list(self.connections):
            if c.request is None and not c.closed:
                try:
                    c.sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _accept(self, sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._changed:
            connection = Connection(self, sock, len(self.connections))
            self.connections.append(connection)
        connection.thread = threading.Thread(target=self._converse, args=(connection,), daemon=True)
        connection.thread.start()

    # -- one connection ------------------------------------------------------------------------------------------
    def _take(self, kind=None):
        """The next behaviour of the script; with kind, only if it is one of that class."""
        with self._changed:
            if self._script and (kind is None or isinstance(self._script[0], kind)):
                head = self._script.pop(0)
                if self._head_refuses():
                    self._wake_w.send(b"x")
                return head
            return None if kind else self._always

    def _converse(self, c):
        try:
            at_accept = self._take(AtAccept)
            if at_accept:
                at_accept.run(c, None)
                raise Ended
            if self._tls:
                c.sock.settimeout(PATIENCE)
                c.sock = self._tls.wrap_socket(c.sock, server_side=True)
                c.resumed = c.sock.session_reused
            c.sock.setblocking(False)
            while True:
                c.request = None
                request = c.read_request()
                c.request = request
                with self._changed:
                    self.requests.append(request)
                    self._changed.notify_all()
                try:
                    self._behave(c, request)
                except PeerLeft:
                    request.closed_at = time.monotonic()
                    request._closed.set()
                    raise
                finally:
                    request._done.set()
        except PeerLeft:
            c.by_peer = True
        except (Ended, ssl.SSLError, OSError):
            pass
        finally:
            c.closed = time.monotonic()
            c.sock.close()
            with self._changed:
                self._changed.notify_all()

    def _behave(self, c, request):
        behaviour = self._take()
        while behaviour is not None and not isinstance(behaviour, Behaviour):
            behaviour = behaviour(request)
        if behaviour is None:
            with self._changed:
                self.unexpected.append(f"{request.method} {request.path}")
            behaviour = reply(500, {"error": {"message": "the test's script is used up", "type": "test"}})
        behaviour.run(c, request)


def refused_port():
    """A port of 127.0.0.1 that refuses connections, as (socket to keep, port)."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    return sock, sock.getsockname()[1]


def black_hole():
    """A port where connecting never completes, as (sockets to keep, port): its accept queue is full."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(0)
    fill = []
    for _ in range(4):
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex(sock.getsockname())
        fill.append(s)
    return [sock, *fill], sock.getsockname()[1]


# -- behaviours --------------------------------------------------------------------------------------------------------


class Behaviour:
    def run(self, c, request):
        raise NotImplementedError


class AtAccept(Behaviour):
    """Acts on a new connection, before anything is read."""

    def __init__(self, act):
        self.act = act

    def run(self, c, request):
        self.act(c)


class Refuse(Behaviour):
    def __init__(self, seconds):
        self.seconds = seconds


class Answer(Behaviour):
    """An answer as pieces of head and body, and how it ends."""

    def __init__(self, head, body, pace=0.0, end=None):
        self.head, self.body, self.pace, self.end = head, body, pace, end

    def run(self, c, request):
        if self.head or self.body:
            body = self.body
            if self.head and body and isinstance(body[0], bytes) and not self.pace:
                c.write(self.head + body[0])  # as servers do: head and first piece in one segment
                body = body[1:]
            elif self.head:
                c.write(self.head)
            c.write_all(body, self.pace)
        if self.end:
            self.end(c)


class After(Behaviour):
    def __init__(self, wait, behaviour):
        self.wait, self.behaviour = wait, behaviour

    def run(self, c, request):
        c.wait_for(self.wait) if isinstance(self.wait, threading.Event) else c.pause(self.wait)
        behaviour = self.behaviour
        while not isinstance(behaviour, Behaviour):
            behaviour = behaviour(request)
        behaviour.run(c, request)


REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests",
           500: "Internal Server Error", 503: "Service Unavailable"}


def make_head(status=200, headers=(), reason=None, version="1.1"):
    """The bytes of an answer's head. headers: a dict, or (name, value) pairs where one may come twice."""
    pairs = headers.items() if isinstance(headers, dict) else headers
    lines = [f"HTTP/{version} {status} {reason or REASONS.get(status, 'Other')}"]
    return ("\r\n".join(lines + [f"{n}: {v}" for n, v in pairs]) + "\r\n\r\n").encode("latin-1")


def chunk(data):
    """One chunk of chunked coding."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def to_bytes(body):
    if isinstance(body, bytes):
        return body
    return body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()


def _default(headers, name, value):
    pairs = list(headers.items() if isinstance(headers, dict) else headers)
    return pairs if any(n.lower() == name for n, _ in pairs) else pairs + [(name, value)]


def reply(status=200, body=b"", headers=(), *, chunked=False, pace=0.0, pieces=1, close=False):
    """A whole answer. body: bytes, text, or anything that JSON can say. pieces, pace: the body in several writes."""
    data = to_bytes(body)
    pairs = _default(headers, "content-type", "application/json")
    size = max(1, -(-len(data) // pieces))
    parts = [data[i : i + size] for i in range(0, len(data), size)]
    if chunked:
        pairs.append(("transfer-encoding", "chunked"))
        parts = [chunk(p) for p in parts] + [b"0\r\n\r\n"]
    else:
        pairs = _default(pairs, "content-length", len(data))
    if close:
        pairs.append(("connection", "close"))
    return Answer(make_head(status, pairs), parts, pace, Connection.finish if close else None)


def error(status, message="no", type="invalid_request_error", code=None, param=None, headers=()):
    """An answer with an error of OpenAI's shape."""
    return reply(status, {"error": {"message": message, "type": type, "param": param, "code": code}}, headers)


def event(data):
    """One event as bytes: bytes stay as they are, text becomes a data: line, anything else JSON in one."""
    if isinstance(data, bytes):
        return data
    return b"data: " + to_bytes(data) + b"\n\n"


def sse(events, *, pace=0.0, end="done", status=200, headers=(), chunked=True, done=b"data: [DONE]\n\n"):
    """A stream of events.

    events: see event(); numbers pause, threading.Events are waited for. pace: seconds between events.
    end     done     [DONE], and the body ends as it should
            no_done  the body ends as it should, without [DONE]
            cut      FIN where more should come (with chunked=False the body ends by the close: no cut to be seen)
            reset    RST
            stall    silence until the peer leaves
    """
    pairs = _default(headers, "content-type", "text/event-stream")
    pairs.append(("transfer-encoding", "chunked") if chunked else ("connection", "close"))
    wrap = chunk if chunked else bytes
    parts = [p if isinstance(p, (int, float, threading.Event)) else wrap(event(p)) for p in events]
    last = (wrap(done) if end == "done" else b"") + (b"0\r\n\r\n" if chunked and end in ("done", "no_done") else b"")
    if last:
        parts.append(last)
    ends = {"done": None if chunked else Connection.finish, "no_done": None if chunked else Connection.finish,
            "cut": Connection.finish, "reset": Connection.reset, "stall": Connection.hold}
    return Answer(make_head(status, pairs), parts, pace, ends[end])


def raw(pieces, *, pace=0.0, end="close"):
    """Bytes as they are, in one piece or many. end: close, reset, stall, or keep (the connection goes on)."""
    parts = [pieces] if isinstance(pieces, bytes) else list(pieces)
    ends = {"close": Connection.finish, "reset": Connection.reset, "stall": Connection.hold, "keep": None}
    return Answer(b"", parts, pace, ends[end])


def refuse(seconds):
    """Connections are refused for so long, from when the behaviour's turn comes; idle connections are closed.
    A refused attempt cannot be seen from here: count with x-weir-attempts or the log line."""
    return Refuse(seconds)


def after(wait, behaviour):
    """The same behaviour, but only after so many seconds, or once a threading.Event is set."""
    return After(wait, behaviour)


_SOME_BODY = b'{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"mess'
_SOME_EVENT = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m",
               "choices": [{"index": 0, "delta": {"role": "assistant", "content": "One"}, "finish_reason": None}]}


def _broken(where, end, events):
    """An answer that goes well up to a place and ends there by end(connection)."""
    if where == "accept":
        return AtAccept(end)
    if where == "before_head":
        return Answer(b"", [], 0.0, end)
    if where == "in_head":
        return Answer(b"", [b"HTTP/1.1 200 OK\r\ncontent-type: appli"], 0.0, end)
    if where == "after_head":
        return Answer(make_head(200, {"content-type": "application/json", "content-length": 500}), [], 0.0, end)
    if where == "in_body":
        head = make_head(200, {"content-type": "application/json", "content-length": 500})
        return Answer(head, [_SOME_BODY], 0.0, end)
    if where in ("after_stream_head", "in_stream"):
        head = make_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
        some = events if events is not None else [_SOME_EVENT]
        parts = [p if isinstance(p, (int, float, threading.Event)) else chunk(event(p)) for p in some]
        return Answer(head, parts if where == "in_stream" else [], 0.0, end)
    raise ValueError(f"no such place in an answer: {where}")


def reset(when, events=None):
    """RST at a place: accept (nothing read), before_head (request read), in_head, after_head, in_body (with a length),
    after_stream_head, in_stream (after events, default one with content)."""
    return _broken(when, Connection.reset, events)


def cut(when, events=None):
    """FIN at a place, see reset()."""
    return _broken(when, Connection.finish, events)


def stall(at, seconds=None, events=None):
    """Silence at a place, see reset(), until the peer leaves; with seconds, FIN after them."""

    def silent(c):
        c.hold(seconds)
        c.finish()

    return _broken(at, silent, events)
