"""Who is silent, and who has left: raw sockets on both sides."""

import contextlib
import json
import select
import socket
import threading

import pytest

import bodies
import pki
import wire
from upstream import after, chunk, make_head, raw, reply, sse, stall

CALL = {"model": "m", "messages": [{"role": "user", "content": "Take your time."}]}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return pki.Authority(tmp_path_factory.mktemp("pki"))


def listener(over, authority, tmp_path):
    if over == "tls":
        identity = authority.issue("localhost")
        return {"address": "127.0.0.1:0", "tls": {"cert": str(identity.cert), "key": str(identity.key)}}
    return "127.0.0.1:0" if over == "tcp" else f"unix:{tmp_path}/weir.sock"


# -- clients that leave behind what nobody has read --------------------------------------------------------------------

LEAVING = {"close": wire.Client.close, "half": lambda c: c.sock.shutdown(socket.SHUT_WR), "reset": wire.Client.abort}


@pytest.mark.parametrize("how", LEAVING)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("over", ["tcp", "tls", "unix"])
def test_a_client_that_leaves_behind_pipelined_bytes_is_missed(weir, upstream, authority, tmp_path, over, stream, how):
    upstream.script(stall("before_head"))
    w = weir(upstream, listen=listener(over, authority, tmp_path))
    later = wire.make_request("POST", "/v1/chat/completions", json.dumps(CALL | {"user": "u" * 900}))
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", CALL | {"stream": stream})
        upstream.wait_requests(1)
        c.send(later * 40)
        LEAVING[how](c)
        upstream.requests[0].wait_closed()
    assert len(upstream.requests) == 1


def fill(client):
    """As much as the kernels take on both sides: what comes next, the end, stands behind it."""
    client.sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            client.sock.send(b"\r\n" * 30_000)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_client_that_leaves_behind_any_amount_is_missed(weir, upstream, stream):
    """The kernel cannot tell before something is read."""
    upstream.script(stall("before_head"))
    w = weir(upstream)
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", CALL | {"stream": stream})
        upstream.wait_requests(1)
        fill(c)
    upstream.requests[0].wait_closed()


def test_a_client_that_crowds_its_connection_is_told_what_was_lost(weir, upstream):
    """It is still there: its call is answered, and the connection ends, as the head says."""
    go_on = threading.Event()
    upstream.script(after(go_on, reply(200, bodies.completion("Here you are."))))
    w = weir(upstream)
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", CALL)
        upstream.wait_requests(1)
        fill(c)
        assert select.select([], [c.sock], [], 10)[1]
        c.sock.settimeout(10)
        go_on.set()
        answer = c.answer()
        assert (answer.status, answer.header("connection")) == (200, "close")
    assert len(upstream.requests) == 1


# -- comments go into streams of events alone --------------------------------------------------------------------------


@pytest.mark.parametrize("kind, before, pieces", [
    ("text/event-stream", 0.3, [b'{"a":1}\n', b'{"b":2}\n']),
    ("text/event-stream", 0, [b"RIFF", b"\n\n\n"]),
    ("text/event-stream", 0.3, [b"\r\n", b"ID3...."]),
    ("text/event-stream", 0, [b"dat", b"um"]),
    ("application/x-ndjson", 0.3, [b'{"a":1}\n', b'{"b":2}\n']),
    ("text/plain", 0, [b"data: x\n\n", b"data: y\n\n"]),
    ("audio/mpeg", 0.3, [b"ID3", b"...."]),
    ("application/json", 0, [b'{"a":', b"1}"]),
])
def test_what_is_passed_through_and_no_events_goes_as_it_comes(weir, upstream, kind, before, pieces):
    head = make_head(200, {"content-type": kind, "transfer-encoding": "chunked"})
    upstream.script(after(before, raw([head, chunk(pieces[0]), 0.3, chunk(pieces[1]), b"0\r\n\r\n"], end="keep")))
    w = weir(upstream, passthrough=["/v1/audio/speech"], server={"keep_alive_comment": "100ms"})
    answer = wire.call(w, "POST", "/v1/audio/speech", {"model": "m", "stream": True})
    assert (answer.status, answer.header("content-type").split(";")[0]) == (200, kind)
    assert answer.body == b"".join(pieces)


def test_events_that_are_passed_through_get_comments(weir, upstream):
    upstream.script(sse(["one", 0.3, "two"]))
    w = weir(upstream, passthrough=["/v1/audio/speech"], server={"keep_alive_comment": "100ms"})
    body = wire.call(w, "POST", "/v1/audio/speech", {"model": "m", "stream": True}).body
    assert b": keep-alive\n\n" in body
    assert body.replace(b": keep-alive\n\n", b"") == b"data: one\n\ndata: two\n\ndata: [DONE]\n\n"


@pytest.mark.parametrize("path, answer", [
    ("/v1/embeddings", {"object": "list", "data": [{"index": 0, "embedding": [0.5]}]}),
    ("/v1/moderations", {"id": "m", "results": [{"flagged": False}]}),
])
def test_no_comments_where_no_model_writes(weir, upstream, path, answer):
    """A member "stream" changes nothing there: the answer is JSON."""
    upstream.script(after(0.3, reply(200, answer)))
    w = weir(upstream, server={"keep_alive_comment": "100ms"})
    got = wire.call(w, "POST", path, {"model": "m", "input": "x", "stream": True})
    assert (got.status, got.header("content-type"), got.json()) == (200, "application/json", answer)


# -- what drips --------------------------------------------------------------------------------------------------------


def drip(client, byte=b"x"):
    """A byte at a time, until something comes or nobody listens any more."""
    with contextlib.suppress(OSError):
        for _ in range(2000):
            client.send(byte)
            if not client.silent(0.01):
                break


@pytest.mark.parametrize("framing, first", [
    ("Content-Length: 9000", b'{"model": "'),
    ("Transfer-Encoding: chunked", b"9;"),
    ("Transfer-Encoding: chunked", b"2\r\n{}\r\n0\r\nTrailer: "),
])
def test_a_body_has_its_time_in_all(weir, upstream, framing, first):
    w = weir(upstream, server={"body_total": "400ms", "body_rate": "off"})
    with wire.connect(w) as c:
        c.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n" + framing.encode() + b"\r\n\r\n" + first)
        drip(c)
        answer = c.answer()
        assert (answer.status, answer.error["code"]) == (408, "request_timeout")
        assert answer.error["message"] == "The body of the request took longer than it may."
        assert c.at_end()
    assert upstream.requests == []


@pytest.mark.parametrize("key, path, status", [("wrong-key-1234567890", "/v1/chat/completions", 401), ("right-key-1234567890", "/nowhere", 404)])
@pytest.mark.parametrize("server", [{"body_total": "400ms"}, {"body_timeout": "400ms"}])
def test_a_body_that_is_dropped_has_its_time_too(weir, upstream, server, key, path, status):
    """It was answered at its head; the connection would live on behind it."""
    w = weir(upstream, clients=[{"name": "a", "key": "right-key-1234567890"}], server=server)
    with wire.connect(w) as c:
        c.send(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Length: 9000\r\n\r\n".encode())
        assert c.answer().status == status
        drip(c)
        assert c.at_end()


@pytest.mark.parametrize("first", [b"", b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"], ids=["first", "second"])
def test_a_head_has_its_time_in_all(weir, upstream, first):
    """Also one of a connection that is kept."""
    w = weir(upstream, server={"header_timeout": "400ms"})
    with wire.connect(w) as c:
        if first:
            c.send(first)
            assert c.answer().status == 200
        c.send(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Long: ")
        drip(c)
        assert c.answer().status == 408
        assert c.at_end()
