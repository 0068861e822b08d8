"""Who is silent, and who has left: raw sockets on both sides."""

import json
import socket

import pytest

import bodies
import pki
import wire
from upstream import stall

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
