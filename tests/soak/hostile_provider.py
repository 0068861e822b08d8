"""A provider that does whatever a random number says: good answers, errors of every dialect, and both of them broken anywhere.

Each connection has a source of random numbers of its own, made of the seed and the connection's number. `calm()` makes a good
provider of it that closes each connection behind its answer."""

import gzip
import json
import random
import select
import socket
import struct
import threading
import time

import bodies
from hostile_clients import FOUND
from upstream import POLLRDHUP, chunk, event, make_head

FIRST_NUMBER = 1000  # of good answers' prompts; those that are not good have bodies.USAGE
SILENCE = 6.0  # longest; weir's deadlines are shorter
JSON = "application/json"
EVENTS = "text/event-stream"

# (status, content type, body, further fields): what gateways, servers and load balancers say when they do not answer. Hints
# are short: weir keeps to longer ones for up to ten minutes, and a run would be over before it asks again.
ERRORS = [
    (400, JSON, {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}}, {}),
    (400, JSON, {"error": {"message": "long", "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}}, {}),
    (400, JSON, {"error": {"message": "filtered", "code": "content_filter", "status": 400, "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, {}),
    (400, JSON, {"object": "error", "message": "too long", "type": "BadRequestError", "param": None, "code": 400}, {}),
    (401, JSON, {"error": {"message": "key", "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}}, {}),
    (402, JSON, {"error": "pay"}, {}),
    (403, "text/html", "<html><body>forbidden</body></html>", {}),
    (404, JSON, {"error": "model 'm' not found"}, {}),
    (404, JSON, {"detail": "Not Found"}, {}),
    (408, "text/plain", "", {}),
    (409, JSON, {"error": {"message": "busy", "type": "conflict"}}, {}),
    (413, "text/html", "<h1>413</h1>", {}),
    (422, JSON, {"detail": [{"loc": ["body"], "msg": "field required", "type": "value_error"}]}, {}),
    (425, JSON, {}, {}),
    (429, JSON, {"error": {"message": "slow down", "type": "requests", "code": "rate_limit_exceeded"}}, {"retry-after": "0"}),
    (429, JSON, {"error": {"message": "quota", "type": "insufficient_quota", "code": "insufficient_quota"}}, {}),
    (429, "text/plain", "later", {"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}),
    (429, JSON, [], {"retry-after": "-1", "retry-after-ms": "7e2"}),
    (500, JSON, {"error": {"code": 500, "message": "context shift", "type": "server_error"}}, {}),
    (500, "text/plain", "Internal Server Error", {}),
    (502, "text/html", "<html>bad gateway</html>", {}),
    (503, JSON, {"error": {"message": "loading", "type": "unavailable_error", "code": 503}}, {"retry-after": "1"}),
    (504, "", b"\xff\xfe\x00", {}),
    (529, JSON, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}, {}),
    (200, JSON, {"error": {"message": "an error that calls itself an answer"}}, {}),
    (204, "", b"", {}), (302, "text/html", "gone", {"location": "http://127.0.0.1:1/"}), (304, "", b"", {}),
    (101, "", b"", {"upgrade": "h2c", "connection": "upgrade"}), (599, JSON, None, {}),
]


class Left(Exception):
    """The connection is over."""


def as_bytes(body):
    if isinstance(body, bytes):
        return body
    return (body if isinstance(body, str) else json.dumps(body)).encode()


class Provider:
    def __init__(self, seed):
        self.seed = seed
        self.answered = 0
        self.said = {}  # what good answers told of their use: prompt_tokens, another number each → completion_tokens
        self._calm = threading.Event()
        self._closing = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        self._open = set()
        self._lock = threading.Lock()
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    def calm(self):
        """From here on it is good; what is open is closed, so that nobody keeps a connection to it."""
        self._calm.set()
        with self._lock:
            for sock in self._open:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.calm()
        self._closing.set()
        self._listener.close()

    def wild(self):
        self._calm.clear()

    def usage(self):
        with self._lock:
            number = FIRST_NUMBER + len(self.said)
            self.said[number] = completion = 3 + number % 97
        return {"prompt_tokens": number, "completion_tokens": completion, "total_tokens": number + completion}

    # -- connections ----------------------------------------------------------------------------------------------
    def _serve(self):
        number = 0
        while not self._closing.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            number += 1
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._converse, args=(sock, random.Random(f"{self.seed} provider {number}")), daemon=True).start()

    def _converse(self, sock, rng):
        with self._lock:
            self._open.add(sock)
        try:
            sock.settimeout(30)
            if not self._calm.is_set() and rng.random() < 0.04:
                self._play(sock, rng, [rng.choice(["reset", "silence", "close", b"SSH-2.0-x\r\n", bytes(rng.randbytes(64))]), "close"])
            buffer = b""
            while True:
                buffer = self._request(sock, rng, buffer)
        except (Left, OSError, ValueError):
            pass
        finally:
            with self._lock:
                self._open.discard(sock)
            sock.close()

    def _request(self, sock, rng, buffer):
        """Reads one request and answers it, maybe before it is whole. Returns what was read beyond it."""
        def more():
            data = sock.recv(1 << 16)
            if not data:
                raise Left
            return data

        while b"\r\n\r\n" not in buffer:
            buffer += more()
        head, _, body = buffer.partition(b"\r\n\r\n")
        wild = not self._calm.is_set()
        if wild and rng.random() < 0.05:  # early
            self._play(sock, rng, hostile(rng, b"stream" in body))
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if b": " in line)
        if fields.get(b"transfer-encoding") == b"chunked":
            while b"0\r\n\r\n" not in body:
                body += more()
            body, rest = body, b""
        else:
            length = int(fields.get(b"content-length", 0))
            while len(body) < length:
                body += more()
            body, rest = body[:length], body[length:]
        streamed = b'"stream":true' in body.replace(b" ", b"")
        self.answered += 1
        self._play(sock, rng, hostile(rng, streamed, b'"tools":[' in body, self.usage()) if wild else good(streamed, self.usage(), chunked=True) + ["close"])
        return rest

    def _play(self, sock, rng, steps):
        """Bytes are written, numbers waited for; the words end the connection."""
        for step in steps:
            if isinstance(step, bytes):
                sock.sendall(step)
            elif isinstance(step, float):
                self._wait(sock, step)
            elif step == "silence":
                self._wait(sock, SILENCE)
                raise Left
            elif step == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                raise Left
            else:  # close: what is still on its way is read, lest a reset overtake the answer
                sock.shutdown(socket.SHUT_WR)
                sock.settimeout(0.3)
                while sock.recv(1 << 16):
                    pass
                raise Left

    def _wait(self, sock, seconds):
        poller = select.poll()
        poller.register(sock, POLLRDHUP)
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if poller.poll(left * 1000):
                raise Left


# -- answers: lists of steps ----------------------------------------------------------------------------------------


def framed(status, content_type, data, extra=(), chunked=False, rng=None):
    """An answer as [head, pieces of the body …]."""
    fields = [("content-type", content_type)] if content_type else []
    fields += list(dict(extra).items())
    pieces = [data]
    if rng and len(data) > 1:
        cuts = sorted({rng.randrange(1, len(data)) for _ in range(rng.randrange(0, 6))})
        pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)])]
    if chunked:
        return [make_head(status, [*fields, ("transfer-encoding", "chunked")]), *[chunk(p) for p in pieces if p], b"0\r\n\r\n"]
    return [make_head(status, [*fields, ("content-length", len(data))]), *pieces]


def stream_bytes(words, usage=bodies.USAGE):
    return b"".join(event(c) for c in bodies.stream(*words, usage=usage)) + b"data: [DONE]\n\n"


def called(rng, streamed):
    """Calls of tools: those of trouble.py, others, with arguments good and bad."""
    names = rng.choices(["get_current_time", "echo", "hangs", "floods", "forks", "fails", "web", "nobody", ""], k=rng.choice([1, 1, 2, 5, 70]))
    calls = [{"index": i, "id": rng.choice([f"call_{i}", "call_x", ""]), "type": "function", "function": {"name": n, "arguments": rng.choice(
        ["{}", "{}", '{"a": 1}', '{"timezone": "Europe/Berlin"}', "{", "", "null", "[" * 500, '{"a": "\\u0000"}', '{"a":' * 300, '{"n": 1e999, "a": "TICK-123456"}'])}} for i, n in enumerate(names)]
    if streamed:
        return framed(200, EVENTS, b"".join(event(c) for c in [bodies.chunk({"role": "assistant"}), *[bodies.chunk({"tool_calls": [c]}) for c in calls], bodies.chunk(finish="tool_calls")]) + b"data: [DONE]\n\n",
                      chunked=True, rng=rng)
    answer = bodies.completion(rng.choice([None, "One moment."]))
    answer["choices"][0]["message"]["tool_calls"] = calls
    answer["choices"][0]["finish_reason"] = "tool_calls"
    return framed(200, JSON, as_bytes(answer), rng=rng)


def good(streamed, usage=bodies.USAGE, chunked=False, rng=None):
    words = ["Hello", " there", "."]
    if rng:
        words = [rng.choice(["w\u00e9ird ", *FOUND]) * rng.choice([1, 1, 40]) for _ in range(rng.randrange(1, 30))]
    if streamed:
        return framed(200, EVENTS, stream_bytes(words, usage), chunked=True, rng=rng)
    return framed(200, JSON, as_bytes(bodies.completion("".join(words), usage=usage)), chunked=chunked, rng=rng)


def odd_stream(rng):
    """Streams whose events are what they should not be."""
    events = [event(c) for c in bodies.stream(*["word "] * rng.randrange(1, 8))] + [b"data: [DONE]\n\n"]
    for _ in range(rng.randrange(1, 4)):
        events.insert(rng.randrange(len(events) + 1), rng.choice([
            b": comment\n\n", b"data: {not json\n\n", b"data:\n\n", b"event: error\ndata: {\"error\":{\"message\":\"late\"}}\n\n", b"\n\n\n", b"id: 7\nretry: 1\n\n",
            b"data: {\"error\":\"late\"}\n\n", b"data: [DONE]\n\n", b"data: " + b"[" * rng.choice([50, 400]) + b"\n\n", b"\xff\xfe\xff\n", b"data: \xc3\x28\n\n",
            b"data: {\"choices\":[]}\r\n\r\n", b"data: null\r\r", b"data: {\"choices\":[{\"index\":9,\"delta\":null}]}\n\n",
            event(bodies.chunk("x" * rng.choice([1 << 10, 1 << 16, 1 << 20])))]))
    if rng.random() < 0.3:
        del events[rng.randrange(len(events)):]
    return framed(200, EVENTS, b"".join(events), chunked=True, rng=rng)


def coded(rng, streamed):
    """Content codings: true, of another kind than said, cut, of nobody."""
    data = b"".join(good(streamed, rng=rng)[1:]) if not streamed else stream_bytes(["a", "b"])
    packed = gzip.compress(data)
    said, body = rng.choice([("gzip", packed), ("gzip", data), ("br", packed), ("deflate", packed), ("gzip", packed[: len(packed) // 2]), ("gzip, gzip", gzip.compress(packed)),
                             ("nobody", data), ("zstd", b""), ("gzip", gzip.compress(b" " * (3 << 20)))])
    return framed(200, EVENTS if streamed else JSON, body, {"content-encoding": said}, chunked=rng.random() < 0.5, rng=rng)


def wrong_frame(rng, streamed):
    """Heads and chunks that no two readers understand alike."""
    data = stream_bytes(["a"]) if streamed else as_bytes(bodies.completion())
    kind = ("content-type", EVENTS if streamed else JSON)
    one = chunk(data)
    return rng.choice([
        [make_head(200, [kind, ("content-length", len(data) + 9)]), data, "close"],
        [make_head(200, [kind, ("content-length", len(data) - 9)]), data],
        [make_head(200, [kind, ("content-length", len(data)), ("content-length", 3)]), data],
        [make_head(200, [kind, ("content-length", len(data)), ("transfer-encoding", "chunked")]), one, b"0\r\n\r\n"],
        [make_head(200, [kind, ("content-length", "-1")]), data, "close"],
        [make_head(200, [kind, ("content-length", "99999999999999999999")]), data, "silence"],
        [make_head(200, [kind, ("transfer-encoding", "chunked")]), rng.choice([b"zz\r\n", b"-1\r\n", b"ffffffffffffffff1\r\n", b"5\nhello", b"5;" + b"e" * 70000 + b"\r\n"]), "close"],
        [make_head(200, [kind, ("transfer-encoding", "chunked")]), one[:-2] + b"XX", b"0\r\n\r\n"],
        [make_head(200, [kind, ("transfer-encoding", "chunked")]), one, b"0\r\nTrailer: x\r\n" * 3, b"\r\n"],
        [make_head(200, [kind, ("transfer-encoding", "gzip, chunked")]), one, b"0\r\n\r\n"],
        [make_head(200, [kind], version="1.0"), data, "close"],
        [make_head(200, [kind, ("x-large", "v" * rng.choice([10000, 70000, 200000]))]), data, "close"],
        [make_head(200, [kind, *[(f"x-{i}", "v") for i in range(rng.choice([90, 300]))], ("content-length", len(data))]), data],
        [make_head(rng.choice([0, 99, 1000, 200]), [kind], reason="\x00\x01"), data, "close"],
        [b"HTTP/2.0 200\r\n\r\n" + data, "close"], [b"\r\n\r\n" + data, "close"], [b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}", "close"],
    ])


def wrong_type(rng, streamed):
    data = rng.choice([stream_bytes(["a"]), as_bytes(bodies.completion()), b"<html>", b"", b"null", b"[" * rng.choice([10, 5000]), b'{"choices":', rng.randbytes(300)])
    return framed(200, rng.choice([EVENTS, JSON, "text/html", "", "application/x-ndjson", "application/octet-stream", "text/event-stream; charset=latin1", ";;;"]), data,
                  chunked=rng.random() < 0.5, rng=rng)


def informed(rng, streamed):
    """1xx before the answer, maybe many of them, maybe nothing else."""
    first = [make_head(rng.choice([100, 102, 103]), {"link": "</x>"} if rng.random() < 0.5 else {}) for _ in range(rng.choice([1, 1, 2, 40]))]
    return first + (good(streamed, rng=rng) if rng.random() < 0.8 else ["silence"])


def refusing(rng, streamed):
    status, kind, body, extra = rng.choice(ERRORS)
    data = b"" if status in (204, 304, 101) else as_bytes(body)
    return framed(status, kind, data, extra, chunked=rng.random() < 0.3 and bool(data), rng=rng)


KINDS = [(good, 6), (refusing, 5), (wrong_frame, 2), (wrong_type, 2), (informed, 1), (coded, 2)]


def hostile(rng, streamed, tools=False, usage=bodies.USAGE):
    """One answer of any kind, and what happens on its way. usage: of a good one."""
    make = rng.choices([k for k, _ in KINDS], [n for _, n in KINDS])[0]
    if tools and rng.random() < 0.6:
        steps = called(rng, streamed)
    elif streamed and rng.random() < 0.3:
        steps = odd_stream(rng)
    else:
        steps = good(streamed, usage, rng=rng) if make is good else make(rng, streamed)
    way = rng.random()
    if way < 0.45:
        return steps
    if way < 0.55:
        return [rng.random() * 0.5, *steps]
    if way < 0.60:
        return [*steps, rng.choice(["close", "reset", b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b"\x00"])]
    if way < 0.63:
        return ["silence"]
    whole = b"".join(s for s in steps if isinstance(s, bytes))
    if way < 0.80:  # it ends at any byte
        return [whole[: rng.randrange(len(whole) + 1)], rng.choice(["close", "reset", "silence"])]
    if way < 0.90:  # a trickle
        cuts = sorted({rng.randrange(len(whole)) for _ in range(rng.randrange(2, 20))})
        pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)])]
        return [x for piece in pieces for x in (piece, rng.random() * 0.05)]
    damaged, end = bytearray(whole), whole.find(b'"prompt_tokens"')  # what it says of its use is counted, and stays
    for _ in range(rng.randrange(1, 4)):
        damaged[rng.randrange(end if end > 0 else len(damaged))] = rng.randrange(256)
    return [bytes(damaged), rng.choice(["close", "silence"])]
