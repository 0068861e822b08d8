"""What weir itself is short of is not its providers' failure: docs/shortages.md, met for real."""

import os
import resource

import pytest

import bodies
import daemon
import wire
from connect_proxy import ConnectProxy
from upstream import after, raw, reply, sse

STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
WORD = b'data: {"choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n'
# Two failures of any kind that counts would open it, for longer than a test takes.
BREAKER = {"failures": "50%", "of": 2, "window": "60s", "probe": "60s"}
CLIENTS = [{"name": "ann", "key": "ann-key-123456"}, {"name": "ben", "key": "ben-key-123456"}]
ANN, BEN = ({"Authorization": f"Bearer {c['key']}"} for c in CLIENTS)


def endless():
    """A stream that says a word every 50 ms for as long as somebody listens."""
    return raw([STREAM_HEAD] + [b"%x\r\n%s\r\n" % (len(WORD), WORD), 0.05] * 2000, end="stall")


def answer_to(request):
    return endless() if request.json().get("stream") else reply(200, bodies.completion("Hello."))


def start_stream(w, headers=(), model="m"):
    c = wire.connect(w)
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    c.request("POST", "/v1/chat/completions", body, headers)
    assert c.head().status == 200
    return c


def shortages(w):
    return [line for line in w.log if line.get("event") == "shortage"]


def wait_shortages(w, n):
    daemon.wait_until(lambda: len(shortages(w)) >= n, 5, f"{n} lines of a shortage")
    return shortages(w)


def breakers(w):
    return {t["name"]: t["breaker"] for t in wire.call(w, "GET", "/health").json()["targets"]}


def counted(w, shortage, provider="main"):
    return w.metrics().get(f'weir_shortages_total{{shortage="{shortage}",provider="{provider}"}}', 0)


# -- a pool and its shares ---------------------------------------------------------------------------------------------


def test_streams_of_one_client_hold_its_share_alone(weir, upstream):
    upstream.always(answer_to)
    w = weir(upstream, clients=CLIENTS, providers={"main": {"max_connections": 2}}, server={"workers": 1}, breaker=BREAKER,
             timeouts={"connect": "100ms"})
    with start_stream(w, ANN) as stream:
        for _ in range(5):
            answer = wire.chat(w, headers=ANN)
            assert (answer.status, answer.error["code"]) == (503, "no_free_connection")
            assert "this client's share, 1 of 2 connections, was busy for 100 ms" in answer.error["message"]
            assert answer.header("x-should-retry") == "true" and answer.header("retry-after") == "1"
            assert wire.chat(w, headers=BEN).status == 200
        assert set(breakers(w).values()) == {"closed"}
        assert counted(w, "share") == 5
        [line] = wait_shortages(w, 1)
        assert line["level"] == "warn" and line["shortage"] == "share" and line["provider"] == "main"
        assert line["look_at"] == "limits.client_share, providers.main.max_connections"
        stream.close()
    daemon.wait_until(lambda: wire.chat(w, headers=ANN).status == 200, 5, "the share is free again")


def test_a_queue_is_not_one_clients(weir, upstream):
    """Over one connection: a client with forty calls waits for them, not the other."""
    upstream.always(after(0.03, reply(200, bodies.completion("Hello."))))
    w = weir(upstream, clients=CLIENTS, providers={"main": {"max_connections": 1}}, server={"workers": 1}, timeouts={"connect": "10s"})
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    many = [wire.connect(w) for _ in range(40)]
    for c in many:
        c.request("POST", "/v1/chat/completions", body, ANN)
    upstream.wait_requests(1)
    assert wire.chat(w, headers=BEN).status == 200
    assert len(upstream.requests) < 20
    assert all(c.answer().status == 200 for c in many)


def test_a_pool_that_is_full_is_no_failure_of_the_provider(weir, upstream):
    upstream.always(answer_to)
    w = weir(upstream, providers={"main": {"max_connections": 1}}, server={"workers": 1}, breaker=BREAKER, timeouts={"connect": "100ms"})
    with start_stream(w):
        for _ in range(4):
            answer = wire.chat(w)
            assert (answer.status, answer.error["code"]) == (503, "no_free_connection")
            assert "all 1 connections were busy" in answer.error["message"]
        assert answer.header("x-weir-attempts") == "1"
        [line] = wait_shortages(w, 1)
        assert line["shortage"] == "pool" and line["look_at"] == "providers.main.max_connections"
    daemon.wait_until(lambda: wire.chat(w).status == 200, 5, "the place is free again")
    assert set(breakers(w).values()) == {"closed"}


def test_two_providers_of_one_url_have_pools_of_their_own(weir, upstream):
    upstream.always(answer_to)
    for first, second in ((1, 3), (3, 1)):
        w = weir(upstream, server={"workers": 1}, timeouts={"connect": "100ms"}, models={"first": "main", "second": "more"},
                 providers={"main": {"max_connections": first}, "more": {"kind": "openai", "url": upstream.url, "key": daemon.PROVIDER_KEY, "max_connections": second}})
        streams = [start_stream(w, model="first") for _ in range(first)] + [start_stream(w, model="second") for _ in range(second)]
        for model in ("first", "second"):
            assert wire.chat(w, model=model).error["code"] == "no_free_connection"
        for stream in streams:
            stream.close()
        w.stop()


# -- the head of an answer ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limits, fields, size, passes", [
    ({}, 180, 10, True), ({}, 210, 10, False), ({"headers": 250}, 210, 10, True), ({"headers": 8}, 150, 10, True),
    ({}, 1, 60_000, True), ({}, 1, 70_000, False), ({"head": "100KB"}, 1, 70_000, True), ({"head": "1KB", "url": "1KB"}, 1, 60_000, True)])
def test_an_answers_head_has_room_as_configured_and_always_some(weir, upstream, limits, fields, size, passes):
    upstream.always(reply(200, bodies.completion("Hello."), headers=[(f"x-more-{i}", "m" * size) for i in range(fields)]))
    w = weir(upstream, limits=limits)
    answer = wire.chat(w)
    if passes:
        assert answer.status == 200
        return
    assert (answer.status, answer.error["code"]) == (503, "provider_answer_too_large")
    [line] = wait_shortages(w, 1)
    assert "limits.head" in line["look_at"] and "limits.headers" in line["look_at"]


# -- descriptors -------------------------------------------------------------------------------------------------------


def use_up_descriptors(w):
    """Those that it has are all that it may have, from now on. Returns what gives it others."""
    pid = w.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    lowest_free = next(n for n in range(len(used) + 1) if n not in used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest_free, before[1]))
    return lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_descriptor_for_a_provider(weir, upstreams, host):
    up, spare = upstreams(), upstreams()
    for u in (up, spare):
        u.always(reply(200, bodies.completion("Hello.")))
    w = weir({"providers": {"main": {"kind": "openai", "url": f"http://{host}:{up.port}/v1", "key": "main-key-123456"},
                            "spare": {"kind": "openai", "url": spare.url, "key": "spare-key-123456"}},
              "models": {"*": ["main", "spare"]}, "breaker": BREAKER, "server": {"workers": 1, **daemon.LOOKED_INTO}})
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    with wire.connect(w) as c:
        c.request("GET", "/health/live")
        assert c.answer().status == 200  # this connection is there
        give_back = use_up_descriptors(w)
        try:
            for _ in range(10):
                c.request("POST", "/v1/chat/completions", body)
                answer = c.answer()
                assert (answer.status, answer.error["code"]) == (503, "out_of_resources"), answer.body
                assert answer.header("x-should-retry") == "true" and answer.header("x-weir-attempts") == "1"
        finally:
            give_back()
        [line] = wait_shortages(w, 1)
        assert line["level"] == "error" and line["shortage"] == "descriptors"
        assert "RLIMIT_NOFILE" in line["look_at"] and line["detail"]
        assert counted(w, "descriptors") == 10
        assert set(breakers(w).values()) == {"closed"}
        assert not up.requests and not spare.requests
        c.request("POST", "/v1/chat/completions", body)
        assert c.answer().status == 200
    assert len(up.requests) == 1


# -- a proxy -----------------------------------------------------------------------------------------------------------


def test_a_proxy_that_refuses_shuts_no_breaker(weir, upstream):
    upstream.always(reply(200, bodies.completion("Hello.")))
    with ConnectProxy(refuse=407) as proxy:
        w = weir(upstream, providers={"main": {"proxy": proxy.url}}, breaker=BREAKER)
        for _ in range(5):
            answer = wire.chat(w)
            assert (answer.status, answer.error["code"]) == (503, "proxy_failed")
            assert "407" in answer.error["message"]
        assert len(proxy.heads) == 5
        [line] = wait_shortages(w, 1)
        assert line["shortage"] == "proxy" and "refused the tunnel" in line["detail"]
        proxy.refuse = None
        assert wire.chat(w).status == 200
        assert set(breakers(w).values()) == {"closed"}


# -- deadlines ---------------------------------------------------------------------------------------------------------


def test_the_total_is_the_calls_own(weir, upstream):
    """Calls that want more time than a call has shut no breaker for those that do not."""
    upstream.always(lambda r: after(1.0 if r.json()["model"] == "slow" else 0, reply(200, bodies.completion("Hello."))))
    w = weir(upstream, breaker=BREAKER, timeouts={"total": "150ms"})
    for _ in range(4):
        answer = wire.chat(w, model="slow")
        assert (answer.status, answer.error["code"]) == (504, "total_timeout")
    assert set(breakers(w).values()) == {"closed"}


def test_a_long_plain_answer_is_no_silence(weir, upstream):
    """At a target that answers others meanwhile."""
    slow = []

    def behaviour(request):
        if request.json().get("max_tokens") == 9000:
            slow.append(request)
            return after(3.0, reply(200, bodies.completion("Long.")))
        return sse(bodies.stream("Hello"))

    upstream.always(behaviour)
    w = weir(upstream, breaker={**BREAKER, "of": 4}, timeouts={"first_byte": "1s"})
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    for n in range(4):
        with wire.connect(w) as c:
            c.request("POST", "/v1/chat/completions", {**body, "max_tokens": 9000})
            daemon.wait_until(lambda: len(slow) == n + 1, 5, "the long one is asked")
            assert wire.chat(w, model="m", stream=True).status == 200
            assert c.answer().error["code"] == "first_byte_timeout"
    assert set(breakers(w).values()) == {"closed"}


# -- weir's own limits -------------------------------------------------------------------------------------------------


def test_an_answer_beyond_the_limits_names_them(weir, upstream):
    upstream.always(reply(200, bodies.completion("x" * 70_000)))
    w = weir(upstream, breaker=BREAKER, limits={"answer": "64KB"})
    for _ in range(4):
        answer = wire.chat(w)
        assert (answer.status, answer.error["code"]) == (503, "provider_answer_too_large")
        assert answer.header("x-should-retry") == "false"
    [line] = wait_shortages(w, 1)
    assert line["level"] == "warn" and "limits.answer" in line["look_at"]
    assert set(breakers(w).values()) == {"closed"}
    assert w.metrics()['weir_errors_total{code="provider_answer_too_large",fault="weir"}'] == 4
