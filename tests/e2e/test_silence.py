"""Who is silent, and who has left: raw sockets on both sides."""

import contextlib
import json
import select
import socket
import threading

import pytest

import bodies
import bodies
import pki
import wire
from upstream import after, reply, stall

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
        upstream.requests[0].wait_closed(5)
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
    upstream.requests[0].wait_closed(10)


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
