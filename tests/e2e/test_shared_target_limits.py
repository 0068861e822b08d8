"""limits.target of several weirs in one Redis: what a target may be asked is counted in common, a call waits for the server's word and for
no more than its time, and nothing stays taken that was not used."""

import threading

import pytest

import bodies
import daemon
import redis_server
import wire
from ports import free_port
from test_call import ask, figure, text, two
from test_limits import together
from test_shared_limits import patient, server, through_a_pause, wait_away, wait_back, wait_seen  # noqa: F401 (a fixture)
from upstream import error, reply, sse

pytestmark = pytest.mark.skipif(redis_server.why_not() is not None, reason=str(redis_server.why_not()))

REQUESTS, PLACES = "{weir}:target:requests:h:main*", "{weir}:target:parallel::main*"


def weirs(weir, main, spare, count, shared, limits, workers=2, **over):
    return [weir(two(main, spare, shared=shared, limits={"target": limits}, server={"workers": workers}, **over)) for _ in range(count)]


def stream_at(w, c):
    c.request("POST", "/v1/chat/completions", {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
    return c.head()


def test_64_clients_of_three_weirs_get_exactly_n_of_each_target(weir, upstreams, server):
    main, spare = upstreams(), upstreams()
    main.always(reply(200, bodies.completion()))
    spare.always(reply(200, bodies.completion()))
    three = weirs(weir, main, spare, 3, patient(server), {"main*": {"requests": "10/h"}, "spare/*": {"requests": "20/h"}})
    answers = together(64, lambda i: ask(three[i % 3]))
    assert sorted(a.status for a in answers) == [200] * 30 + [429] * 34
    assert len(main.requests) == 10 and len(spare.requests) == 20
    refused = next(a for a in answers if a.status == 429)
    assert "(limits.target.spare/*.requests)" in refused.error["message"] and refused.header("x-weir-attempts") == "0"
    assert sum(figure(w, "weir_shared_local_total") for w in three) == 0


def test_a_place_is_one_for_all(weir, upstreams, server):
    """While a stream through one weir has it, calls of the others go to the next target; then it is free for them."""
    main, spare, gate = upstreams(), upstreams(), threading.Event()
    main.script(sse([*bodies.stream("a", "b")[:2], gate, *bodies.stream("a", "b")[2:]]))
    main.always(reply(200, bodies.completion("main")))
    spare.always(reply(200, bodies.completion("spare")))
    three = weirs(weir, main, spare, 3, patient(server), {"main*": {"parallel": 1}})
    with wire.connect(three[0]) as c:
        head = stream_at(three[0], c)
        assert [text(ask(w)) for w in three] == ["spare"] * 3
        gate.set()
        list(c.body_pieces(head))
    daemon.wait_until(lambda: text(ask(three[1])) == "main", 10, "the place is not free")
    daemon.wait_until(lambda: server.ask("ZCARD", PLACES) == 0, 10, "a place is held by nobody")


def test_a_place_is_free_when_its_attempt_is_over(weir, upstreams, server):
    """Not when the call is: another target streams its answer still."""
    main, spare, gate = upstreams(), upstreams(), threading.Event()
    main.always(error(404, code="model_not_found"))
    spare.script(sse([*bodies.stream("a", "b")[:2], gate, *bodies.stream("a", "b")[2:]]))
    [w] = weirs(weir, main, spare, 1, patient(server), {"main*": {"requests": "5/h", "parallel": 1}})
    with wire.connect(w) as c:
        head = stream_at(w, c)
        assert len(main.requests) == 1 and server.ask("GET", REQUESTS)
        daemon.wait_until(lambda: server.ask("ZCARD", PLACES) == 0, 10, "the place is not free")
        gate.set()
        list(c.body_pieces(head))


def test_stopped_and_started_again(weir, upstreams, server):
    """Each weir has its share meanwhile; what was used then counts for all afterwards."""
    main, spare = upstreams(), upstreams()
    main.always(reply(200, bodies.completion("main")))
    spare.always(reply(200, bodies.completion("spare")))
    three = weirs(weir, main, spare, 3, patient(server), {"main*": {"requests": "12/h"}})
    wait_seen(three)
    server.kill()
    for w in three:
        wait_away(w)
    assert [[text(ask(w)) for _ in range(5)] for w in three[:2]] == [["main"] * 4 + ["spare"]] * 2
    server.start()
    for w in three:
        wait_back(w)
    assert sorted(text(a) for a in together(12, lambda i: ask(three[i % 3]))) == ["main"] * 4 + ["spare"] * 8


def test_paused(weir, upstreams, server):
    """No call fails or hangs for it: each weir goes on by its share within its time, and afterwards by the server's count."""
    main, spare = upstreams(), upstreams()
    main.always(reply(200, bodies.completion("main")))
    spare.always(reply(200, bodies.completion("spare")))
    three = weirs(weir, main, spare, 3, server.url, {"main*": {"requests": "30/h"}})
    wait_seen(three)
    server.pause()
    answers = together(48, lambda i: ask(three[i % 3]))
    assert sorted(text(a) for a in answers) == ["main"] * 30 + ["spare"] * 18
    server.resume()
    for w in three:
        wait_back(w)
    assert [text(ask(w)) for w in three] == ["spare"] * 3


def test_paused_under_64_clients(weir, upstream, server):
    """Every call is served or refused, and what is decided without the server is not counted twice: they get exactly N."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, limits={"target": {"main*": {"requests": "1000/d"}}}, shared=server.url, server={"workers": 2})
    got = through_a_pause(w, server, lambda: wire.chat(w).status)
    assert set(got) <= {200, 429} and got.count(200) == len(upstream.requests) == 1000


@pytest.mark.parametrize("at", ["first", "fallback"])
def test_a_client_that_leaves_while_the_server_is_asked(weir, upstreams, server, at):
    """What the server gives it then is given back, place and all; the target is never asked."""
    main, spare, way = upstreams(), upstreams(), redis_server.Way(server)
    main.always(reply(200, bodies.completion("main")))
    spare.always(error(404, code="model_not_found"))
    order = ["main/a", "spare/b"] if at == "first" else ["spare/b", "main/a"]
    try:
        [w] = weirs(weir, main, spare, 1, {"url": way.url, "timeout": "10s"}, {"main*": {"requests": "5/h", "parallel": 2}}, workers=1, models={"m": order})
        assert text(ask(w)) == "main"
        one = server.ask("GET", REQUESTS)
        daemon.wait_until(lambda: server.ask("ZCARD", PLACES) == 0, 10, "the place is not free")
        way.delay = 1
        with wire.connect(w) as c:
            c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "hi"}]})
            daemon.wait_until(lambda: server.ask("ZCARD", PLACES) == 1, 20, "the server is never asked")
            c.abort()
        way.delay = 0
        daemon.wait_until(lambda: server.ask("ZCARD", PLACES) == 0, 10, "the place is not given back")
        daemon.wait_until(lambda: server.ask("GET", REQUESTS).split(":")[0] == one.split(":")[0], 10, "the request is not given back")
        assert len(main.requests) == 1
        assert [text(ask(w)) for _ in range(4)] == ["main"] * 4
    finally:
        way.close()


def test_a_target_that_is_not_there_was_not_asked(weir, upstreams, server):
    """Its request comes back, as nothing was sent; a fallback that is full in common is none."""
    main, spare = upstreams(), upstreams()
    spare.always(reply(200, bodies.completion("spare")))
    [one, other] = weirs(weir, main, spare, 2, patient(server), {"main*": {"requests": "1/h", "parallel": 1}, "spare/*": {"requests": "2/h"}},
                         providers={"main": {"url": f"http://127.0.0.1:{free_port()}"}}, retry={"retries": 0})
    assert [text(ask(one)), text(ask(other))] == ["spare", "spare"]
    for w in (one, other):
        daemon.wait_until(lambda: server.ask("EXISTS", REQUESTS) == server.ask("ZCARD", PLACES) == 0, 10, "it stays taken")
        assert ask(w).error["code"] == "provider_unreachable"


def test_a_hedge_asks_in_common_too(weir, upstreams, server):
    """The spare has one request for both weirs: the second call's hedge is kept out, and the slow one answers."""
    main, spare, gates = upstreams(), upstreams(), [threading.Event(), threading.Event()]
    main.script(*[sse([g, *bodies.stream("main")]) for g in gates])
    spare.always(sse(bodies.stream("spare")))
    [one, other] = weirs(weir, main, spare, 2, patient(server), {"spare*": {"requests": "1/h"}}, hedge={"after": "20ms", "at_most": "100%"})
    assert text(ask(one, stream=True)) == "spare"
    got = []
    t = threading.Thread(target=lambda: got.append(text(ask(other, stream=True))))
    t.start()
    daemon.wait_until(lambda: figure(other, "weir_limited_total", scope="target", limit="requests") == 1, 20, "the hedge is not refused")
    for g in gates:
        g.set()
    t.join()
    assert got == ["main"] and len(spare.requests) == 1
