"""The harness itself: the upstream does what its scripts say, and reports what became of it. One case starts weir."""

import os
import subprocess
import threading
import time

import pytest

import batches
import bodies
import daemon
import wire
from upstream import (black_hole, chunk, cut, error, after, raw, refuse, refused_port, reply, reset, sse, stall)


def test_a_weir_that_is_started_by_hand_keeps_its_records_in_the_tests_place(tmp_path):
    process = subprocess.Popen([daemon.WEIR, "serve", "-l", "127.0.0.1:0"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    assert any("weir: try: " in line for line in process.stderr)
    locks = [path for path in tmp_path.parent.rglob("ledger.lock") if path.is_relative_to(os.environ["XDG_STATE_HOME"])]
    process.terminate()
    process.communicate()
    assert process.returncode == 0 and len(locks) == 1


def address(up):
    return (up.host, up.port)


def get(c, path="/x"):
    c.request("GET", path)
    return c.answer()


def test_script_in_order_on_one_connection(upstream):
    upstream.script(reply(200, {"a": 1}), error(429, code="rate_limit_exceeded", headers={"retry-after": "2"}))
    with wire.connect(address(upstream)) as c:
        assert get(c).json() == {"a": 1}
        second = get(c)
    assert (second.status, second.header("retry-after")) == (429, "2")
    assert second.error["code"] == "rate_limit_exceeded"
    assert [r.connection for r in upstream.requests] == [0, 0]


def test_request_is_recorded(upstream):
    upstream.always(lambda request: reply(200, request.body))
    answer = wire.call(address(upstream), "POST", "/v1/x?y=1", b"\x00body", {"X-A": "1", "Content-Type": "a/b"})
    assert answer.body == b"\x00body"
    (request,) = upstream.wait_requests(1)
    assert (request.method, request.path, request.header("x-a")) == ("POST", "/v1/x?y=1", "1")
    assert request.head.startswith(b"POST /v1/x?y=1 HTTP/1.1\r\n")
    assert request.began <= request.arrived <= request.answered


def test_chunked_request_and_pieces(upstream):
    upstream.script(reply(200, "abcdef", pieces=3, chunked=True, pace=0.01))
    with wire.connect(address(upstream)) as c:
        c.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", chunk(b"one"), chunk(b"two") + b"0\r\n\r\n")
        answer = c.answer()
    assert upstream.requests[0].body == b"onetwo"
    assert [p for _, p in answer.pieces] == [b"ab", b"cd", b"ef"]


@pytest.mark.parametrize("when", ["accept", "before_head", "in_head", "after_head", "in_body", "in_stream"])
@pytest.mark.parametrize("how", [reset, cut])
def test_broken_answers(upstream, how, when):
    upstream.script(how(when))
    try:
        with wire.connect(address(upstream)) as c:
            c.request("GET", "/x")
            answer = c.answer()
    except OSError:  # on a busy machine a reset may come before connect() has returned
        answer = None
    if when in ("accept", "before_head", "in_head"):
        assert answer is None
    else:
        assert answer.status == 200 and not answer.complete
    assert len(upstream.requests) == (0 if when == "accept" else 1)


def test_stall_sees_the_peer_leave(upstream):
    upstream.script(stall("in_stream"))
    with wire.connect(address(upstream)) as c:
        c.request("GET", "/x")
        next(c.body_pieces(c.head()))
        left = time.monotonic()
    (request,) = upstream.wait_requests(1)
    assert request.wait_closed() >= left


def test_stream_with_gate_and_pace(upstream):
    gate = threading.Event()
    upstream.script(sse([bodies.chunk("a"), gate, bodies.chunk("b")]), sse(["x", "y"], end="no_done", pace=0.02),
                    sse(["x"], end="cut"))
    with wire.connect(address(upstream)) as c:
        c.request("GET", "/x")
        answer = c.head()
        pieces = c.body_pieces(answer)
        next(pieces)
        assert len(answer.pieces) == 1
        gate.set()
        assert list(pieces)[-1] == b"data: [DONE]\n\n"
        assert bodies.text_of(answer.events()) == "ab"
        assert get(c).events() == ["x", "y"]
        assert not get(c).complete


def test_raw_and_after(upstream):
    upstream.script(after(0.05, raw([b"HTTP/1.1 200 OK\r\n", 0.01, b"content-length: 2\r\n\r\nok"], end="keep")), raw(b"junk"))
    began = time.monotonic()
    with wire.connect(address(upstream)) as c:
        assert get(c).body == b"ok"
        assert time.monotonic() - began >= 0.06
        c.request("GET", "/x")
        with pytest.raises(wire.Closed):
            c.answer()


def test_refuse_for_a_while(upstream):
    upstream.script(refuse(0.1), reply(200, "up"))
    with pytest.raises(ConnectionRefusedError):
        wire.call(address(upstream), "GET", "/x")
    deadline = time.monotonic() + 5
    while True:
        try:
            assert wire.call(address(upstream), "GET", "/x").body == b"up"
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_ports_that_do_not_connect():
    keep, port = refused_port()
    with pytest.raises(ConnectionRefusedError):
        wire.connect(("127.0.0.1", port))
    keep.close()
    keep, port = black_hole()
    with pytest.raises(TimeoutError):
        wire.TIMEOUT, old = 0.2, wire.TIMEOUT
        try:
            wire.connect(("127.0.0.1", port))
        finally:
            wire.TIMEOUT = old
    for s in keep:
        s.close()


def test_a_reader_that_does_not_read_stops_the_upstream(upstream):
    upstream.script(reply(200, b"x" * 50_000_000))
    with wire.connect(address(upstream), receive_buffer=4096) as c:
        c.request("GET", "/x")
        (request,) = upstream.wait_requests(1)
        assert upstream.wait_held(request) < 50_000_000
    request.wait_closed()


# -- the terminal ----------------------------------------------------------------------------------------------------


def shell(terminal, script, **options):
    return terminal(program=["sh", "-c", script], **options)


def test_terminal_shows_what_is_drawn_and_keeps_what_scrolled_out(terminal):
    t = shell(terminal, r"printf 'one\ntwo\nthree\nfour\r\033[1;31mF\033[0m'", columns=20, rows=3)
    assert t.wait_exit() == 0
    assert t.lines() == ["two", "three", "Four"]
    assert t.history() == ["one", "two", "three", "Four"]
    assert t.cursor() == (2, 1)
    assert (t.style(2, 0).bold, t.style(2, 0).fg, t.style(2, 1).bold) == (True, "red", False)


def test_terminal_takes_keys(terminal):
    t = shell(terminal, "stty -echo; echo ready; read line; echo got $line; cat >/dev/null; echo end")
    t.expect("^ready")
    t.send("Grüße\r")
    t.expect("^got Grüße")
    t.press("ctrl-d")
    t.expect("^end")
    assert t.wait_exit() == 0
    with pytest.raises(AssertionError, match="the program ended first"):
        t.expect("got")  # it was taken already


def test_terminal_interrupts_and_resizes(terminal):
    t = shell(terminal, "trap 'stty size' WINCH; trap 'echo stopped; exit 3' INT; stty size; while :; do sleep 0.01; done", columns=40, rows=10)
    t.expect("^10 40")
    t.resize(132, 50)
    t.expect("^50 132")
    assert len(t.lines()) == 50
    t.press("ctrl-c")
    t.expect("stopped")
    assert t.wait_exit() == 3


def test_terminal_tells_what_did_not_come(terminal):
    t = shell(terminal, "echo something else; read line")
    t.wait_screen("something")
    with pytest.raises(AssertionError, match=r"(?s)'prompt' did not come: not within 0.1 s.*\|something else"):
        t.expect("prompt", timeout=0.1)
    with pytest.raises(AssertionError, match="the screen still shows 'else'"):
        t.wait_gone("else", timeout=0.1)


def test_terminal_may_be_one_stream_alone(terminal, tmp_path):
    with open(tmp_path / "out", "wb") as out:
        t = shell(terminal, "test -t 0 && test ! -t 1 && test -t 2 && echo data && echo words >&2", stdout=out)
    assert t.wait_exit() == 0
    assert (tmp_path / "out").read_text() == "data\n" and t.lines()[0] == "words"


def test_a_secret_in_a_file_of_weirs_is_found(tmp_path):
    """Each weir of a test is looked through so at its end, but for its configuration."""
    w = daemon.Weir.__new__(daemon.Weir)
    w.directory, w.config_path = tmp_path, tmp_path / "weir.yaml"
    (tmp_path / "weir").mkdir()
    for name in ("weir.yaml", "weir.new", "weir/ledger.db"):
        (tmp_path / name).write_bytes(b"\0\1" + daemon.PROVIDER_KEY.encode() + b"\0")
    assert w.files_with(daemon.PROVIDER_KEY) == ["ledger.db"]
    assert not w.files_with(daemon.CLIENT_KEY)


def test_a_result_that_is_being_written_is_no_result_yet(tmp_path):
    """A write of several pages is seen page by page: results() may meet a line without its end while a batch runs, and not after."""
    path = tmp_path / "out.jsonl"
    whole = b'{"id":"batch_req_1_0123456789ab","custom_id":"a","response":null,"error":{"code":"x","message":"y"}}\n'
    for torn in (b"", b'{"id":"batch_req_2_', whole[:-1]):
        path.write_bytes(whole + torn)
        assert [one["custom_id"] for one in batches.results(path, growing=True)] == ["a"]
        if torn:
            with pytest.raises(AssertionError, match="in the middle of a line"):
                batches.results(path)
