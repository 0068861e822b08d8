"""limits.memory: what all bodies and answers may take together, played with real limits of the process."""

import gzip
import json
import random

import pytest

import bodies
import daemon
import wire
from upstream import reply

MB = 1 << 20
KEYS = ("sk-client-one", "sk-client-two")
CLIENTS = [{"name": f"c{i}", "key": key} for i, key in enumerate(KEYS)]


def body_of(size):
    """A request of that many bytes."""
    head, tail = b'{"model":"m","messages":[{"role":"user","content":"', b'"}]}'
    return head + b"x" * (size - len(head) - len(tail)) + tail


def head_of(size, key=None, more=""):
    who = f"Authorization: Bearer {key}\r\n" if key else ""
    return (f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{who}"
            f"Content-Length: {size}\r\n{more}\r\n").encode()


def unfinished(w, size, key=None):
    """A connection that has sent all of a body but its last byte, or has been refused meanwhile: (connection, its answer or None)."""
    c = wire.connect(w)
    c.send(head_of(size, key, "Expect: 100-continue\r\n"))
    first = c.head()
    if first.status != 100:
        for _ in c.body_pieces(first):
            pass
        c.close()
        return c, first
    c.send(body_of(size)[:-1])
    return c, None


def finish(c):
    c.send(b"}")
    return c.answer()


def held(w):
    return w.metrics()["weir_memory_held_bytes"]


def wait_held(w, size):
    daemon.wait_until(lambda: held(w) == size, 10, f"{held(w)} bytes held, not {size},")


def check_refused(answer, status, code):
    assert answer.status == status and answer.error["code"] == code, (answer.status, answer.body)
    assert answer.header("x-should-retry") == "true" and answer.header("retry-after") == "1"


@pytest.mark.skipif(daemon.sanitized(), reason="a sanitizer needs more address space than any limit leaves")
def test_unfinished_bodies_do_not_end_the_process(upstream, weir):
    """Some 27 bodies of 20 MB ended a process that may have 900 MB: out of memory is abort."""
    upstream.always(reply(200, bodies.completion("Hello.")))
    w = weir(upstream, rlimits=[f"--as={900 * MB}"], server={"workers": 2})
    assert w.metrics()["weir_memory_limit_bytes"] == 225 * MB
    assert [r["memory_limit_bytes"] for r in w.log if r["event"] == "serving"] == [225 * MB]
    open_ones = [unfinished(w, 20 * MB) for _ in range(27)]
    taken = [c for c, refused in open_ones if refused is None]
    assert len(taken) in (10, 11)  # the blocks that workers have for small bodies may be the eleventh
    for answer in [refused for _, refused in open_ones if refused]:
        check_refused(answer, 503, "memory_full")
    assert w.wait_text(r'"event": "shortage".*"room".*limits\.memory')
    assert w.metrics()['weir_shortages_total{shortage="room",provider=""}'] == len(open_ones) - len(taken)
    wait_held(w, len(taken) * 20 * MB)
    assert wire.chat(w).status == 200  # who asks for little still has room
    assert finish(taken.pop()).status == 200
    for c in taken:
        c.close()
    wait_held(w, 0)
    c, refused = unfinished(w, 20 * MB)
    assert not refused and finish(c).status == 200
    wait_held(w, 0)


def test_a_body_for_which_there_is_never_room(upstream, weir):
    upstream.always(reply(200, bodies.completion("Hello.")))
    w = weir(upstream, limits={"memory": "16MB"}, server={"workers": 1})
    assert w.wait_text("limits.body is 50MB, more than limits.memory, which is 16MB: larger bodies are refused")
    c, refused = unfinished(w, 16 * MB + 1)
    assert refused.status == 413 and refused.header("x-should-retry") == "false"
    c, refused = unfinished(w, 15 * MB)
    assert not refused and finish(c).status == 200


def test_one_client_leaves_room_for_others(upstream, weir):
    """A client may hold limits.client_share of it, over all workers, and one body more than that where it is its only one."""
    upstream.always(reply(200, bodies.completion("Hello.")))
    w = weir(upstream, limits={"memory": "40MB", "client_share": "50%"}, server={"workers": 2}, clients=CLIENTS)
    mine = [unfinished(w, 9 * MB, KEYS[0]) for _ in range(3)]
    assert [refused is None for _, refused in mine] == [True, True, False]
    check_refused(mine[2][1], 429, "too_many_bytes")
    wait_held(w, 18 * MB)  # before they leave: another worker's gauge is a second old, and 0 before its first
    c, refused = unfinished(w, 9 * MB, KEYS[1])
    assert not refused and finish(c).status == 200
    for c, _ in mine:
        c.close()
    wait_held(w, 0)
    c, refused = unfinished(w, 30 * MB, KEYS[0])
    assert not refused and finish(c).status == 200
    wait_held(w, 0)


def test_addresses_of_an_open_server_share(upstream, weir):
    """Where anyone may ask, one machine's bodies leave room for others; this machine's own are bounded together alone."""
    upstream.always(reply(200, bodies.completion("Hello.")))
    w = weir(upstream, limits={"memory": "40MB", "client_share": "10%"}, server={"workers": 1, "open": True})
    mine = [unfinished(w, 9 * MB) for _ in range(5)]
    assert [refused is None for _, refused in mine] == [True] * 4 + [False]
    check_refused(mine[4][1], 503, "memory_full")
    for c, _ in mine:
        c.close()


TAKEN = "as many as are taken at this path"
MESSAGE = "the most that a message to this path may have; no option allows more"


@pytest.mark.parametrize("method, path, most, why", [("GET", "/health/live", 4096, TAKEN), ("GET", "/metrics", 4096, TAKEN), ("HEAD", "/docs", 4096, TAKEN),
                                                     ("GET", "/v1/models", 4096, TAKEN), ("POST", "/mcp", 4 * MB, MESSAGE)])
def test_what_is_no_call_has_no_room_kept_for_it(upstream, weir, method, path, most, why):
    """Pages are there for anybody, whose bodies nobody reads."""
    upstream.always(reply(200, bodies.completion("Hi.")))
    w = weir(upstream, clients=CLIENTS, limits={"memory": "16MB"})
    more = [wire.connect(w) for _ in range(3)]
    for c in more:
        c.send(f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {KEYS[0]}\r\nContent-Type: application/json\r\nContent-Length: {8 * MB}\r\n\r\nx".encode())
        answer = c.answer(method)
        assert answer.status == 413
        if method != "HEAD":
            assert answer.error["message"] == f"The request body is larger than the {most} bytes that are allowed ({why})."
        assert c.at_end()
    assert held(w) == 0
    assert wire.call(w, "POST", "/v1/chat/completions", body_of(4 * MB), {"authorization": f"Bearer {KEYS[1]}"}).status == 200


def test_a_reload_changes_it(upstream, weir):
    upstream.always(reply(200, bodies.completion("Hello.")))
    config = daemon.config_for(upstream, limits={"memory": "20MB"}, server={"workers": 1})
    w = weir(config)
    first, refused = unfinished(w, 12 * MB)
    assert not refused
    check_refused(unfinished(w, 12 * MB)[1], 503, "memory_full")
    w.reload(daemon.merged(config, {"limits": {"memory": "40MB"}}))
    second, refused = unfinished(w, 12 * MB)
    assert not refused and finish(second).status == 200 and finish(first).status == 200


def test_bodies_that_are_packed_or_of_untold_length(upstream, weir):
    """What they come to takes the room, in steps; where there is none left they are refused in the middle."""
    upstream.always(reply(200, bodies.completion("Hello.")))
    w = weir(upstream, limits={"memory": "40MB"}, server={"workers": 1})
    held_open, _ = unfinished(w, 30 * MB)
    data = body_of(20 * MB)
    packed = gzip.compress(data, 6)
    answer = wire.call(w, "POST", "/v1/chat/completions", packed,
                       [("Content-Type", "application/json"), ("Content-Encoding", "gzip")])
    if answer.status == 413:  # packed more densely than is allowed
        data = bytes(random.Random(7).choices(b"abcdefgh", k=20 * MB))
        answer = wire.call(w, "POST", "/v1/chat/completions", gzip.compress(data, 1),
                           [("Content-Type", "application/json"), ("Content-Encoding", "gzip")])
    check_refused(answer, 503, "memory_full")
    with wire.connect(w) as c:
        c.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(body_of(15 * MB)), body_of(15 * MB), b"\r\n")
        check_refused(c.answer(), 503, "memory_full")
    assert finish(held_open).status == 200
    wait_held(w, 0)


def test_an_answer_that_finds_no_room_is_no_failure_of_its_provider(upstream, weir):
    """It is weir's own shortage: told so, not asked again, and nothing that the breaker counts."""
    upstream.always(reply(200, bodies.completion("y" * 12 * MB)))
    w = weir(upstream, limits={"memory": "20MB"}, server={"workers": 1}, breaker={"of": 1})
    held_open, _ = unfinished(w, 12 * MB)
    for _ in range(3):
        answer = wire.chat(w)
        check_refused(answer, 503, "memory_full")
        assert answer.header("x-weir-attempts") == "1"
    assert not any("breaker_open" in json.dumps(line) for line in w.log)
    assert w.metrics()['weir_shortages_total{shortage="room",provider="main"}'] == 3
    held_open.close()
    wait_held(w, 0)
    assert wire.chat(w).status == 200
    wait_held(w, 0)


def test_answers_that_nobody_reads_are_held_for_their_client(upstream, weir):
    """They wait in memory; then there is none for more, and when their reader takes them, or leaves, there is."""
    upstream.always(reply(200, bodies.completion("y" * 9 * MB)))
    w = weir(upstream, limits={"memory": "40MB"}, server={"workers": 1}, clients=CLIENTS)
    slow = []
    for _ in range(2):
        slow.append(wire.connect(w, receive_buffer=4096))
        slow[-1].send(head_of(200, KEYS[0]), body_of(200))
        w.calls(len(slow))
    daemon.wait_until(lambda: 8 * MB < held(w) < 20 * MB, 10, f"{held(w)} bytes held")
    with wire.connect(w) as c:
        c.send(head_of(200, KEYS[0]), body_of(200))
        check_refused(c.answer(), 503, "memory_full")
    with wire.connect(w) as c:
        c.send(head_of(200, KEYS[1]), body_of(200))
        assert c.answer().status == 200
    assert slow[0].answer().status == 200
    slow[1].close()
    wait_held(w, 0)
