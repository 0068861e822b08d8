"""Clients that send whatever a random number says, in whatever way, and leave when it pleases them.

A session is a product of three choices: what is sent (one request or many, sound or broken), how it gets there (at once, in
a trickle, not whole), and how it ends (read to the end, slowly, partly; closed, reset, half closed). What weir answered is
kept: of each answer whose head arrived, its x-request-id and its status, and of which calls all of it came."""

import json
import random
import re
import socket
import struct
import threading
import time

KEYS = ("sk-soak-one", "sk-soak-two")
ADMIN = "sk-soak-admin-0123456789"
MADE = []  # keys of the store, as answers told them; of many the last
ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n(?:[^\r\n]+\r\n)*?x-request-id: ([^\r\n]+)\r\n")
NEW_KEY = re.compile(rb'"key":"(wk-\w+)"')
LONGEST = 8.0  # a session is over by then
# What a guard looks for, and what hides it; none of it is anybody's.
FOUND = ["anna@example.com ", "4111 1111 1111 1111 ", "ghp_" + "a1B2c3D4" * 4 + "wxyz ", "+49 30 901820 ", "192.0.2.7 ", "TICK-123456 ", "TICK-12", "an\u200bna@exa\u00admple.com ", "[EMAIL_1] ",
         "\u202etxet ", "a@" * 3000, "4" * 5000, "\ud83d\ude00", "\u0000", "DE89 3704 0044 0532 0130 00 ", "ghp_", "http://user:pass@example.com/ "]


def text(rng):
    if rng.random() < 0.4:
        return "Hi " * rng.choice([1, 1, 1, 10, 2000])
    return "".join(rng.choices(["Hi ", *FOUND], k=rng.randrange(1, 12)))


def functions_body(rng):
    request = {"message": text(rng), "stream": rng.random() < 0.5, "model": rng.choice(["gpt-test", "two"])}
    if rng.random() < 0.3:
        request[rng.choice(["tools", "max_steps", "max_tokens", "temperature", "messages", "user", "parallel_tool_calls", "odd"])] = rng.choice(
            [["get_current_time"], [], ["nobody"], 1, 3, 1e300, -1, None, "x", True, {}, [{"role": "user", "content": "x"}]])
    return json.dumps(request).encode()


def key_request(rng):
    """Keys of the store, made, turned and revoked by whoever has the key for it, and by who has not."""
    name = f"k{rng.randrange(200)}"
    path, body = rng.choice([
        ("POST /admin/v1/keys", {"name": name, "limits": {"requests": "600/m"}, **rng.choice([{}, {"models": ["gpt*"]}, {"expires": "1s"}, {"metadata": {"a": "b" * 3000}}, {"limits": 7}, {"name": "\u0000"}])}),
        ("POST /admin/v1/keys", {"name": name}), ("GET /admin/v1/keys?limit=2", None), (f"GET /admin/v1/keys/{name}", None), (f"POST /admin/v1/keys/{name}/revoke", None),
        (f"POST /admin/v1/keys/{name}/rotate", rng.choice([{}, {"overlap": "1s"}, {"overlap": 1e300}])), (f"PATCH /admin/v1/keys/{name}", {"owner": rng.choice(["a", None, {}]), "models": rng.choice([["*"], None, "x"])}),
        ("GET /admin/v1/cache", None), ("POST /admin/v1/cache", rng.choice([{}, {"model": "gpt*"}, {"client": "c1"}, {"older": "1s"}, {"older": -1}, []]))])
    data = b"" if body is None else json.dumps(body).encode()
    return (f"{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {rng.choice([ADMIN] * 6 + [KEYS[0], 'sk-wrong'])}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(data)}\r\n\r\n").encode() + data


def call_body(rng):
    request = {"model": rng.choice(["gpt-test", "other", "two", "none"]), "messages": [{"role": "user", "content": text(rng)}]}
    if rng.random() < 0.5:
        request["stream"] = True
    if rng.random() < 0.2:
        request[rng.choice(["n", "stop", "tools", "max_tokens", "stream_options"])] = rng.choice([0, -1, 1e300, "x", [], {}, None, ["a"] * 50])
    data = json.dumps(request).encode()
    odd = rng.random()
    if odd < 0.08:
        damaged = bytearray(data)
        damaged[rng.randrange(len(data))] = rng.randrange(256)
        return bytes(damaged)
    if odd < 0.12:
        return data[: rng.randrange(len(data))]
    if odd < 0.18:
        return rng.choice([b"", b"null", b"[]", b"{}", b"[" * 5000, b'{"model":' * 300, b'{"messages":[]}', b"\xff\xfe", b'{"model":"gpt-test","messages":"x"}', b" " * 200000,
                           b'{"model":"gpt-test","messages":[' + b'{"role":"user","content":"x"},' * 3000 + b"{}]}"])
    return data


def chunked(rng, data):
    out = b""
    while data:
        n = rng.randrange(1, max(2, min(len(data), 2000)) + 1)
        out += b"%x%s\r\n" % (len(data[:n]), rng.choice([b"", b"", b";a=b", b';q="\\";x"', b" ", b";" + b"e" * 300])) + data[:n] + b"\r\n"
        data = data[n:]
    out += rng.choice([b"0\r\n\r\n", b"0\r\n\r\n", b"0;last\r\nX-Trailer: 1\r\n\r\n", b"00000\r\n\r\n"])
    if rng.random() < 0.15:
        damaged = bytearray(out)
        damaged[rng.randrange(len(out))] = rng.randrange(256)
        return bytes(damaged)
    return out


def call_request(rng):
    path = rng.choice(["/v1/chat/completions"] * 6 + ["/chat/functions"] * 3 + ["/v1/completions", "/v1/embeddings", "/v1/responses", "/chat", "/v1/moderations", "/v1/files", "/v1/files/a/content"])
    data = functions_body(rng) if path == "/chat/functions" and rng.random() < 0.9 else call_body(rng)
    fields = [("Host", "localhost"), ("Content-Type", rng.choice(["application/json"] * 8 + ["text/plain", "multipart/form-data; boundary=x", ""]))]
    key = rng.choice([*KEYS] * 4 + ["sk-wrong", "", "sk-soak-one\t", "x" * 5000, None, *MADE[-4:]])
    if key is not None:
        fields.append(("Authorization", f"Bearer {key}"))
    if rng.random() < 0.1:
        fields.append(rng.choice([("Expect", "100-continue"), ("Expect", "miracles"), ("Connection", "close"), ("Connection", "upgrade, x"), ("Upgrade", "h2c"), ("X-Client-Request-Id", "\u00e9" * 100),
                                  ("Content-Encoding", "gzip"), ("Accept-Encoding", "gzip;q=0, *"), ("Host", "other"), ("Origin", "http://evil.invalid"), ("X-Large", "v" * rng.choice([5000, 70000])),
                                  ("Bad Name", "x"), ("X-Fold", "a\r\n b"), ("Transfer-Encoding", "identity"), ("Content-Length", "1"), ("Idempotency-Key", "k")]))
    if rng.random() < 0.2:
        fields.append(rng.choice([("Cache-Control", rng.choice(["no-cache", "no-store", "max-age=0", "max-age=1e3", "only-if-cached", ",,=\"", "max-age=99999999999999999999"])), ("X-Weir-Cache-TTL", rng.choice(["0", "1", "-1", "9" * 30])),
                                  ("X-Weir-Tag", rng.choice(["team=a", "team=a, b=c", "=", "a=" + "b" * 500]))]))
    if rng.random() < 0.05:
        fields += [(f"X-{i}", "v") for i in range(rng.choice([50, 200]))]
    if rng.random() < 0.25:
        fields.append(("Transfer-Encoding", "chunked"))
        data = chunked(rng, data)
    else:
        length = len(data) if rng.random() < 0.92 else rng.choice([0, len(data) + 100, max(0, len(data) - 3), "-1", "1e3", "0x10", "99999999999999999999"])
        fields.append(("Content-Length", length))
    rng.shuffle(fields)
    return (f"POST {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n").encode("latin-1", "replace") + data


def page_request(rng):
    method = rng.choice(["GET"] * 6 + ["HEAD", "OPTIONS", "DELETE", "PUT", "BREW"])
    path = rng.choice(["/metrics", "/health", "/health/ready", "/health/live", "/docs", "/v1/models", "/v1/models/gpt-test", "/v1/files", "/", "/nothing", "*", "/v1/..;/x", "/%2e%2e/", "/" + "a" * 9000])
    fields = [("Host", rng.choice(["localhost", "127.0.0.1", "rebound.invalid", ""])), ("Authorization", f"Bearer {rng.choice([*KEYS, 'sk-wrong'])}")]
    if rng.random() < 0.2:
        fields.append(rng.choice([("Accept", "application/openmetrics-text"), ("Range", "bytes=0-1"), ("If-None-Match", "*"), ("Access-Control-Request-Method", "POST"), ("Content-Length", "5")]))
    version = rng.choice(["1.1"] * 9 + ["1.0", "2.0", "9"])
    return (f"{method} {path} HTTP/{version}\r\n" + "".join(f"{n}: {v}\r\n" for n, v in fields) + "\r\n").encode("latin-1")


def garbage(rng):
    return rng.choice([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00" * 100, b"\r\n" * 50, b"GET / HTTP/1.1\nHost: localhost\n\n", b"GET  / HTTP/1.1\r\n\r\n",
                       b"GET / HTTP/1.1\r\n: x\r\n\r\n", b"G" * 100000, rng.randbytes(rng.randrange(1, 2000)), b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"])


def requests(rng):
    """The bytes of a session: one request mostly, several of them in a row sometimes."""
    many = rng.choice([1] * 6 + [2, 3, 8, 16])
    return b"".join(rng.choices([call_request, page_request, key_request, garbage], [12, 3, 1, 1])[0](rng) for _ in range(many))


class Session:
    """One connection, from its beginning to its end."""

    def __init__(self, address, rng):
        self.rng = rng
        self.received = b""
        self.deadline = time.monotonic() + LONGEST
        self.sock = socket.socket()
        if rng.random() < 0.2:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        self.sock.settimeout(LONGEST)
        self.sock.connect(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self):
        rng = self.rng
        try:
            if rng.random() < 0.04:  # comes and goes, or says nothing
                self.receive(0, rng.choice([0.0, 0.2, 2.5]))
            else:
                data = requests(rng)
                if rng.random() < 0.15:
                    data = data[: rng.randrange(len(data) + 1)]
                self.send(data)
                if rng.random() < 0.08:
                    self.sock.shutdown(socket.SHUT_WR)
                self.read_some()
        except OSError:  # weir may refuse all of this
            pass
        finally:
            if rng.random() < 0.3:
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.sock.close()

    def send(self, data):
        rng = self.rng
        if rng.random() < 0.75:
            self.sock.sendall(data)
            return
        cuts = sorted({rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 12))})
        for a, b in zip([0, *cuts], [*cuts, len(data)]):
            self.sock.sendall(data[a:b])
            time.sleep(rng.random() * 0.03)

    def read_some(self):
        """To the end, until nothing comes for a while, some bytes of it slowly, or nothing."""
        how = self.rng.random()
        if how < 0.15:
            return
        if how < 0.40:  # left midway
            self.receive(self.rng.randrange(1, 4000), 3.0)
        elif how < 0.55:  # slowly
            for _ in range(self.rng.randrange(1, 20)):
                if not self.receive(1, 1.0, most=512):
                    return
                time.sleep(0.05)
        else:
            self.receive(1 << 30, self.rng.choice([0.5, 2.0, 5.0]))

    def receive(self, at_least, silence, most=1 << 16):
        """Reads until so many more bytes came, it is silent for so many seconds, or the end. Whether there may be more."""
        want = len(self.received) + at_least
        while len(self.received) < want or not at_least:
            left = min(silence, self.deadline - time.monotonic())
            if left <= 0:
                return False
            self.sock.settimeout(left)
            data = self.sock.recv(most)
            if not data:
                return False
            self.received += data
        return True


def served(received):
    """Of the calls whose good answer came to its end, by its length or with its last chunk: x-request-id, and what is wrong with it or None."""
    found, heads = [], list(ANSWER.finditer(received))
    for head, after in zip(heads, [*heads[1:], None]):
        fields, _, body = received[head.start(): after.start() if after else len(received)].partition(b"\r\n\r\n")
        length = re.search(rb"\r\ncontent-length: (\d+)", fields)
        came = len(body) >= int(length[1]) if length else body.endswith(b"\r\n0\r\n\r\n")
        if came and head[1] == b"200" and b"\r\nx-weir-attempts: " in fields:
            found.append((head[2].decode("latin-1"), wrong(fields, body[: int(length[1])] if length else unchunked(body))))
    return found


def unchunked(body):
    """None where a chunk is not one."""
    data = b""
    while body:
        size, _, body = body.partition(b"\r\n")
        n = int(size, 16)
        data, body = data + body[:n], body[n + 2:]
        if not n:
            return data if not body else None
    return None


def wrong(fields, body):
    """Whatever the provider said: a document of JSON, or events that are, to the last."""
    if body is None:
        return "its chunks are none"
    try:
        if b"\r\ncontent-type: text/event-stream" not in fields:
            json.loads(body)
            return None
        data = [line[6:] for line in body.split(b"\n") if line.startswith(b"data: ")]
        for one in data:
            if one != b"[DONE]":
                json.loads(one)
    except (ValueError, RecursionError) as e:
        return f"{e}: {body[:300]!r}"
    return None


class Crowd:
    """Some clients at a time, each of which has one session after another."""

    def __init__(self, weir, seed, size):
        self.weir = weir
        self.seed = seed
        self.sessions = 0
        self.answers = []  # (x-request-id, status, the process, or None where it was replaced meanwhile)
        self.served = []  # (x-request-id, what is wrong with it) of each answer that is a call's, good, and came to its end
        self.refused = 0  # connections that could not be made
        self.fault = None  # of this file
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, args=(i,), daemon=True) for i in range(size)]
        for t in self._threads:
            t.start()

    def _run(self, number):
        try:
            self._go(random.Random(f"{self.seed} client {number}"))
        except Exception as e:  # one that nobody foresaw: there would be a client less, and nobody would know
            self.fault = e

    def _go(self, rng):
        while not self._stop.is_set() and self.weir.alive():
            received, life = b"", self.weir.life
            try:
                session = Session(self.weir.address, rng)
                session.run()
                received = session.received
            except OSError:
                with self._lock:
                    self.refused += 1
                time.sleep(0.02)
            with self._lock:
                self.sessions += 1
                MADE.extend(k.decode() for k in NEW_KEY.findall(received))
                self.answers += [(i.decode("latin-1"), int(s), life if life == self.weir.life else None) for s, i in ANSWER.findall(received)]
                self.served += served(received)

    def stop(self, timeout=60):
        """Waits for the sessions under way; whether all have ended."""
        self._stop.set()
        deadline = time.monotonic() + timeout
        for t in self._threads:
            t.join(max(0, deadline - time.monotonic()))
        return not any(t.is_alive() for t in self._threads)
