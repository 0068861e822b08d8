"""HTTP over raw sockets: every legal and every refused form of a request, through the whole of weir with a provider that
records. Nothing refused is ever forwarded. The forms are data (tests/data/http1_requests.txt), shared with the unit tests."""

import json
import re
import socket
import time

import pytest

import bodies
import daemon
import wire
from upstream import Upstream, after, cut, reply, sse

BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Say hello to everyone."}]}, separators=(",", ":"))
VARIABLES = {"BODY": BODY, "LEN": str(len(BODY)), "HEXB": f"{len(BODY) - 1:x}", "HEX": f"{len(BODY):x}", "A": BODY[0], "B": BODY[1:]}
ESCAPES = {"r": "\r", "n": "\n", "t": "\t", "0": "\0", "\\": "\\"}


def unescape(line):
    def one(found):
        if found["var"]:
            return VARIABLES[found["var"]]
        return chr(int(found["hex"], 16)) if found["hex"] else ESCAPES[found["esc"]]

    return re.sub(r"\$(?P<var>BODY|LEN|HEXB|HEX|A|B)|\\x(?P<hex>[0-9a-f]{2})|\\(?P<esc>[rnt0\\])", one, line)


def cases():
    """(verdict, name, number, bytes) of each case."""
    found = []
    for line in (daemon.ROOT / "tests/data/http1_requests.txt").read_text().splitlines():
        if line.startswith("  "):
            found[-1][3] += unescape(line[2:]).encode("latin-1")
        elif line and not line.startswith("#"):
            verdict, name, number = line.split()
            found.append([verdict, name, int(number), b""])
    return found


CASES = cases()
ACCEPTED = [pytest.param(*c[2:], id=c[1]) for c in CASES if c[0] == "accept"]
REFUSED = [pytest.param(*c[2:], id=c[1]) for c in CASES if c[0] == "refuse"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """One provider and one weir for all forms."""
    with Upstream() as up:
        up.always(reply(200, bodies.completion("Hello.")))
        w = daemon.Weir(tmp_path_factory.mktemp("raw"), daemon.config_for(up, server={"hosts": "*"}))
        yield up, w
        w.stop()


def methods_of(data):
    return re.findall(rb"(?:^|\r\n|\}|\r\n\r\n)(GET|HEAD|POST|OPTIONS) ", data)


def read_answers(c, data):
    return [c.answer(method.decode()) for method in methods_of(data)]


def check_forwarded(up, before, data):
    """Each POST was forwarded once, in order, with the body that was sent."""
    posts = methods_of(data).count(b"POST")
    forwarded = [r for r in up.requests[before:] if r.method == "POST"]
    assert [r.body for r in forwarded] == [BODY.encode()] * posts
    for r in forwarded:
        assert r.header("transfer-encoding") is None
        assert r.header("content-length") == str(len(BODY))


@pytest.mark.parametrize("count, data", ACCEPTED)
def test_legal(pair, count, data):
    up, w = pair
    for pieces in ([data], [data[i:i + 1] for i in range(len(data))]):
        before = len(up.requests)
        with wire.connect(w) as c:
            c.send(*pieces)
            answers = read_answers(c, data)
            assert len(answers) == count
            assert all(a.status in (200, 204) and a.complete for a in answers), answers
            assert all(a.header("date") and a.version == "HTTP/1.1" for a in answers)
        check_forwarded(up, before, data)


@pytest.mark.parametrize("status, data", REFUSED)
def test_refused(pair, status, data):
    up, w = pair
    before = len(up.requests)
    with wire.connect(w) as c:
        c.send(data)
        answer = c.answer()
        assert answer.status == status
        assert answer.header("connection") == "close"
        assert answer.header("x-should-retry") == "false"
        assert answer.header("x-request-id")
        assert answer.error["code"] == ("unsupported_transfer_coding" if status == 501 else "bad_http")
        assert c.at_end()
    assert len(up.requests) == before


def test_refused_behind_a_good_one(pair):
    """The first of two pipelined requests is served; the second, refused, ends the connection."""
    up, w = pair
    before = len(up.requests)
    with wire.connect(w) as c:
        c.send(wire.make_request("POST", "/v1/chat/completions", BODY) + b"POST /v1/chat/completions HTTP/1.1\nHost: localhost\n\n")
        assert c.answer().status == 200
        assert c.answer().status == 400
        assert c.at_end()
    assert len(up.requests) == before + 1


def test_smuggled_request_is_never_seen(pair):
    """CL.TE and TE.CL with a request hidden in the body: neither reading is acted upon."""
    up, w = pair
    before = len(up.requests)
    hidden = wire.make_request("POST", "/v1/chat/completions", BODY)
    for framing in (b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n", b"Transfer-Encoding: chunked\r\nContent-Length: %d\r\n"):
        with wire.connect(w) as c:
            data = b"0\r\n\r\n" + hidden
            c.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\n" + framing % len(data) + b"\r\n" + data)
            assert c.answer().status == 400
            assert c.at_end()
    assert len(up.requests) == before


# -- bounds ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def bounded(weir, upstream):
    upstream.always(reply(200, bodies.completion("Hello.")))
    return weir(upstream, limits={"body": "1KB", "head": "4KB", "url": "1KB", "headers": 20})


def refusal(w, data):
    with wire.connect(w) as c:
        c.send(data)
        answer = c.answer()
        assert c.at_end()
        assert answer.header("connection") == "close"
        return answer


def test_body_too_large_is_refused_by_its_length(bounded, upstream):
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n"
    answer = refusal(bounded, head)
    assert (answer.status, answer.error["code"]) == (413, "request_too_large")
    assert upstream.requests == []


def test_body_too_large_in_chunks(bounded, upstream):
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer = refusal(bounded, head + (b"100\r\n" + b"x" * 256 + b"\r\n") * 5)
    assert (answer.status, answer.error["code"]) == (413, "request_too_large")
    assert upstream.requests == []


def test_error_reaches_a_client_that_goes_on_sending(bounded):
    with wire.connect(bounded) as c:
        c.send(wire.make_request("POST", "/v1/chat/completions", b"x" * 2_000_000))
        assert c.answer().status == 413
        assert c.at_end()


def test_heads_too_large(bounded):
    assert refusal(bounded, b"GET /" + b"a" * 1500 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n").status == 414
    assert refusal(bounded, b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 5000).status == 431
    assert refusal(bounded, b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 20).status == 431


def test_slow_clients(weir, upstream):
    w = weir(upstream, server={"header_timeout": "500ms", "body_timeout": "500ms", "idle_timeout": "500ms"})
    answer = refusal(w, b"GET / HTTP/1.1\r\nHo")
    assert (answer.status, answer.error["code"]) == (408, "request_timeout")
    assert answer.header("x-should-retry") == "true"
    answer = refusal(w, b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{")
    assert answer.status == 408
    with wire.connect(w) as c:
        assert c.at_end(), "a connection that says nothing is closed without a word"
    with wire.connect(w) as c:
        c.request("GET", "/health/live")
        assert c.answer().status == 200
        assert c.at_end()


def test_a_head_that_drips_is_cut_off(weir, upstream):
    """The time is for the whole head: a byte now and then does not prolong it."""
    w = weir(upstream, server={"header_timeout": "300ms"})
    began = time.monotonic()
    with wire.connect(w) as c:
        for byte in b"GET /health/live HTTP/1.1\r\nHost: " + b"x" * 1000:
            c.send(bytes([byte]))
            if not c.silent(0.02):
                break
        else:
            pytest.fail("it was never cut off")
        assert time.monotonic() - began >= 0.3
        assert c.answer().status == 408


def test_a_body_that_trickles_is_cut_off(weir, upstream):
    """Its bytes come, never far apart, but too few of them; nobody else is asked to wait for it."""
    w = weir(upstream, server={"body_timeout": "400ms", "body_rate": "10KB"})
    with wire.connect(w) as c:
        c.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n")
        for _ in range(1000):
            c.send(b" ")
            if not c.silent(0.02):
                break
        else:
            pytest.fail("it was never cut off")
        answer = c.answer()
        assert (answer.status, answer.error["code"]) == (408, "request_timeout")
        assert answer.error["message"] == "The body of the request arrives too slowly."
        assert c.at_end()
    assert upstream.requests == []


def test_a_slow_body_is_waited_for(weir, upstream):
    upstream.always(reply(200, bodies.completion("Hello.")))
    w = weir(upstream, server={"body_timeout": "1s", "body_rate": "off"})
    with wire.connect(w) as c:
        c.send(wire.make_request("POST", "/v1/chat/completions", BODY).replace(BODY.encode(), b""))
        step = len(BODY) // 12 + 1
        for at in range(0, len(BODY), step):
            time.sleep(0.12)
            c.send(BODY[at:at + step].encode())
        assert c.answer().status == 200


# -- forms -------------------------------------------------------------------------------------------------------------


def test_expect_continue(pair):
    _, w = pair
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
    with wire.connect(w) as c:
        c.send(head.encode())
        assert c.answer(skip_continue=False).status == 100
        c.send(BODY.encode())
        assert c.answer().status == 200
        c.send(head.replace("/v1/chat/completions", "/nowhere").encode())
        assert c.answer(skip_continue=False).status == 404
        assert c.at_end()
    with wire.connect(w) as c:
        c.send(head.replace("100-continue", "magic").encode())
        assert c.answer(skip_continue=False).status == 417
        assert c.at_end()


def test_pipelined_answers_come_in_order(weir, upstream):
    """The first provider's answer is the slowest."""
    def by_model(request):
        pause = {"a": 0.2, "b": 0.1, "c": 0.0}[request.json()["model"]]
        return after(pause, reply(200, bodies.completion(request.json()["model"])))

    upstream.always(by_model)
    w = weir(upstream)
    with wire.connect(w) as c:
        c.send(b"".join(wire.make_request("POST", "/v1/chat/completions", {"model": m, "messages": [{"role": "user", "content": "x"}]}) for m in "abc"))
        assert [c.answer().json()["choices"][0]["message"]["content"] for _ in "abc"] == ["a", "b", "c"]


def test_stream_to_an_old_client(weir, upstream):
    """HTTP/1.0 knows no chunks: the stream ends with the connection."""
    upstream.always(sse(bodies.stream("Hello.")))
    w = weir(upstream)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
    with wire.connect(w) as c:
        c.send(wire.make_request("POST", "/v1/chat/completions", body, {"Connection": "keep-alive"}).replace(b"HTTP/1.1", b"HTTP/1.0"))
        answer = c.answer()
        assert answer.header("transfer-encoding") is None
        assert answer.header("connection") == "close"
        assert answer.events()[-1] == "[DONE]"


def test_broken_stream_to_an_old_client(weir, upstream):
    """The error event arrives: a reset, the only sign of a cut that there is without chunks, could take it along."""
    upstream.always(cut("in_stream", bodies.stream("One")[:2]))
    w = weir(upstream)
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
    with wire.connect(w) as c:
        c.send(wire.make_request("POST", "/v1/chat/completions", body).replace(b"HTTP/1.1", b"HTTP/1.0"))
        answer = c.answer()
        assert answer.complete  # closed without a reset
        assert answer.events()[-1]["error"]["code"] == "stream_interrupted"


def test_keep_alive_of_an_old_client(pair):
    _, w = pair
    with wire.connect(w) as c:
        for _ in range(2):
            c.send(b"GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            assert c.answer().header("connection") == "keep-alive"
        c.send(b"GET /health/live HTTP/1.0\r\n\r\n")
        assert c.answer().header("connection") == "close"
        assert c.at_end()


def test_head_and_options(pair):
    _, w = pair
    with wire.connect(w) as c:
        c.request("HEAD", "/v1/models")
        answer = c.answer("HEAD")
        assert answer.status == 200 and int(answer.header("content-length")) > 0
        c.request("OPTIONS", "/v1/chat/completions")
        answer = c.answer()
        assert answer.status == 204 and "POST" in answer.header("allow")
        assert answer.header("content-length") is None
        c.request("GET", "/health/live")
        assert c.answer().status == 200


def test_a_client_that_closes_its_side_has_left(weir, upstream):
    """Nobody can tell half a close from a whole one: the call is cancelled."""
    upstream.always(sse([bodies.chunk({"content": "Hello."}), 30]))
    w = weir(upstream)
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
        upstream.wait_requests(1)
        c.sock.shutdown(socket.SHUT_WR)
        upstream.requests[0].wait_closed()


def test_unix_socket(weir, upstream, tmp_path):
    upstream.always(reply(200, bodies.completion("Hello.")))
    path = tmp_path / "w.sock"
    w = weir(upstream, listen=f"unix:{path}")
    assert path.stat().st_mode & 0o777 == 0o660
    assert wire.chat(w).status == 200
