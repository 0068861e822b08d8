"""Limits of several weirs in one Redis: exact while it is there, bounded while it is not, and no call fails for it."""

import signal
import threading
import time

import pytest

import bodies
import daemon
import pki
import redis_server
import wire
from ports import free_port
from test_call import figure
from test_limits import DEAR, KEY, OTHER, ask, client, together
from test_prices import usage
from upstream import reply, sse

pytestmark = pytest.mark.skipif(redis_server.why_not() is not None, reason=str(redis_server.why_not()))


@pytest.fixture
def server():
    made = redis_server.Server()
    yield made
    made.close()


def patient(server):
    """For what must be exact on a machine that is busy with something else, too."""
    return {"url": server.url, "timeout": "5s"}


def weirs(weir, upstream, count, shared, **limits):
    return [weir(upstream, clients=[client(**limits)], shared=shared, server={"workers": 2}, **DEAR) for _ in range(count)]


def wait_seen(several):
    """Until each has heard of all."""
    for w in several:
        daemon.wait_until(lambda: figure(w, "weir_shared_nodes") == len(several), 20, "the weirs have not seen each other")


def wait_away(w, workers=2):
    daemon.wait_until(lambda: figure(w, "weir_shared_away") == workers, 20, "the server is not found to be away")


def wait_back(w):
    w.wait_event("shared_back", timeout=20)
    daemon.wait_until(lambda: figure(w, "weir_shared_away") == 0, 20, "the server is not found to be there")


def through_a_pause(w, server, ask_once):
    """What 64 clients got, who went on asking until the server had been away and was back, and each was refused."""
    stop = threading.Event()

    def many(i):
        got = []
        while not stop.is_set() or got[-1:] != [429]:
            got.append(ask_once())
        return got

    def meanwhile():
        server.pause()
        w.wait_event("shared_away", timeout=20)
        server.resume()
        wait_back(w)
        stop.set()
    conductor = threading.Thread(target=meanwhile)
    conductor.start()
    got = [status for each in together(64, many) for status in each]
    conductor.join()
    return got


def statuses(answers):
    return sorted(a.status for a in answers)


def test_64_clients_of_three_weirs_get_exactly_n(weir, upstream, server):
    """Of an hour, so that no machine is slow enough to be given one more."""
    upstream.always(reply(200, bodies.completion()))
    three = weirs(weir, upstream, 3, patient(server), requests="50/h")
    answers = together(64, lambda i: [ask(three[i % 3]), ask(three[(i + 1) % 3])])
    assert statuses(a for pair in answers for a in pair) == [200] * 50 + [429] * 78
    assert sum(figure(w, "weir_shared_local_total") for w in three) == 0


def test_tokens_come_back_and_places_too(weir, upstream, server):
    """What a call did not use is there for the next one, of whichever weir. It leaves before the answer, over another connection than the
    next call asks by, and a server that finds both at once may read that first. A lease of 15 s would end by itself: nobody waits so long."""
    upstream.always(reply(200, bodies.completion(usage=usage(10, 10))))
    two = weirs(weir, upstream, 2, patient(server), tokens="3000/d", parallel=1, spend="3/d")
    for i in range(20):  # each may use 1000 and more, and uses 20
        for _ in range(100):
            answer = ask(two[i % 2], max_tokens=1000)
            if answer.status == 200:
                break
            assert answer.status == 429 and "parallel" in answer.error["message"]
            time.sleep(0.05)
        assert answer.status == 200, "a place that was given back is not free"
    assert ask(two[0], max_tokens=2960).status == 429


@pytest.mark.parametrize("how", ["tls", "unix"])
def test_other_ways_to_it(weir, upstream, tmp_path, how):
    upstream.always(reply(200, bodies.completion()))
    authority = pki.Authority(tmp_path)
    cert = authority.issue("localhost", "127.0.0.1")
    port = free_port()
    server = redis_server.Server(f"tls-port {port}", f"tls-cert-file {cert.cert}", f"tls-key-file {cert.key}", f"tls-ca-cert-file {authority.file}",
                                 "tls-auth-clients no", "user app on >se%cret ~{weir}:* +@all", password="hunter2hunter2")
    shared = {"tls": {"url": f"rediss://app:se%25cret@localhost:{port}/3", "ca_file": str(authority.file), "timeout": "5s"},
              "unix": {"url": f"unix:{server.socket}?db=3", "password": "${REDIS_PASSWORD}", "timeout": "5s"}}[how]
    try:
        w = weir(upstream, clients=[client(requests="2/h")], shared=shared, env={"REDIS_PASSWORD": "hunter2hunter2"})
        assert [ask(w).status for _ in range(3)] == [200, 200, 429]
        assert figure(w, "weir_shared_local_total") == 0
        assert server.ask("GET", "{weir}:client:requests:h:app") is None  # it is in another database
    finally:
        server.close()


# -- a server that is none ----------------------------------------------------------------------------------------


def test_stopped_and_started_again(weir, upstream, server):
    """Each weir has its share meanwhile; afterwards all count together again, that of meanwhile too."""
    upstream.always(reply(200, bodies.completion()))
    two = weirs(weir, upstream, 2, patient(server), requests="12/h")
    wait_seen(two)
    server.kill()
    for w in two:
        wait_away(w)
    assert [ask(two[0]).status for _ in range(8)] == [200] * 6 + [429] * 2 and [ask(two[1]).status for _ in range(2)] == [200] * 2
    assert two[0].wait_event("shared_away")["weirs"] == 2 and figure(two[0], "weir_shared_local_total") == 8
    refused = ask(two[0])
    assert refused.header("x-ratelimit-limit-requests") == "12" and "clients[].limits.requests" in refused.error["message"]
    server.start()
    for w in two:
        wait_back(w)
    assert statuses(together(24, lambda i: ask(two[i % 2]))) == [200] * 4 + [429] * 20


def test_it_never_was_there(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, clients=[client(requests="3/h")], shared=f"redis://127.0.0.1:{free_port()}")
    wait_away(w, figure(w, "weir_shared_away") or 1)
    assert [ask(w).status for _ in range(4)] == [200] * 3 + [429]
    assert "refused" in w.wait_event("shared_away")["reason"]


def test_paused_under_64_clients(weir, upstream, server):
    """Every call is served or refused by a limit, and what is decided without the server is not counted twice: they get exactly N."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, clients=[client(requests="1000/d")], shared=server.url, server={"workers": 2})
    got = through_a_pause(w, server, lambda: ask(w).status)
    assert set(got) <= {200, 429} and got.count(200) == 1000
    assert "no answer within 50 ms" in w.wait_event("shared_away")["reason"]


def test_an_answer_that_comes_late_is_counted(weir, upstream, server):
    """The calls that it lets through late are its own: they are not counted twice."""
    upstream.always(reply(200, bodies.completion()))
    way = redis_server.Way(server)
    try:
        w = weir(upstream, clients=[client(requests="10/h")], shared={"url": way.url, "timeout": "400ms"}, server={"workers": 1})
        daemon.wait_until(lambda: figure(w, "weir_shared_nodes") == 1 and server.ask("EXISTS", "{weir}:nodes"), 20, "it does not connect")
        assert ask(w).status == 200
        way.delay = 1
        assert ask(w).status == 200  # by itself
        assert "no answer within 400 ms" in w.wait_event("shared_away")["reason"]
        way.delay = 0
        wait_back(w)
        assert [ask(w).status for _ in range(9)] == [200] * 8 + [429]
        assert figure(w, "weir_shared_local_total") == 1
    finally:
        way.close()


def test_its_script_is_sent_again(weir, upstream, server):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, clients=[client(requests="5/h")], shared=patient(server))
    assert [ask(w).status for _ in range(2)] == [200] * 2
    server.ask("SCRIPT", "FLUSH")
    assert [ask(w).status for _ in range(4)] == [200] * 3 + [429]
    assert figure(w, "weir_shared_local_total") == 0


def test_a_wrong_password_is_told_and_not_shown(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    server = redis_server.Server(password="hunter2hunter2")
    try:
        w = weir(upstream, clients=[client(requests="3/h")], shared=f"redis://:wrong-hunter@127.0.0.1:{server.port}")
        assert [ask(w).status for _ in range(4)] == [200] * 3 + [429]
        event = w.wait_event("shared_away")
        assert "WRONGPASS" in event["reason"] and event["server"] == f"redis://127.0.0.1:{server.port}/0"
        assert "hunter" not in w.output()
    finally:
        server.close()


def test_a_replica_cannot_be_written(weir, upstream, server):
    """It became one while weir was connected, and is none any more afterwards."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, clients=[client(requests="4/h")], shared=patient(server), server={"workers": 1})
    assert ask(w).status == 200
    server.ask("REPLICAOF", "127.0.0.1", free_port())
    assert ask(w).status == 200
    assert "READONLY" in w.wait_event("shared_away")["reason"]
    server.ask("REPLICAOF", "NO", "ONE")
    wait_back(w)
    assert [ask(w).status for _ in range(3)] == [200, 200, 429]  # the one of meanwhile is counted


@pytest.mark.parametrize("what", [("SADD", "x"), ("SET", "no weir's"), ("HSET", "a", "b")], ids=lambda w: w[0].lower())
def test_what_is_no_weirs_under_a_key_gives_way(weir, upstream, server, what):
    for key in ("{weir}:client:requests:h:app", "{weir}:client:parallel::app", "{weir}:client:spend:d:app", "{weir}:nodes", "{weir}:since"):
        server.ask(what[0], key, *what[1:])
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, clients=[client(requests="5/h", parallel=4, spend="5/d")], shared=patient(server), **DEAR)
    assert [ask(w, max_tokens=1).status for _ in range(6)] == [200] * 5 + [429]
    assert figure(w, "weir_shared_local_total") == 0


# -- places and money --------------------------------------------------------------------------------------------


def test_the_places_of_a_killed_weir_run_out(weir, upstream, server):
    gate = threading.Event()
    upstream.script(*[sse([*bodies.stream("a", "b")[:2], gate, *bodies.stream("a", "b")[2:]])] * 2, reply(200, bodies.completion()))
    one, other = weirs(weir, upstream, 2, patient(server), parallel=2)
    body = {"model": "gpt-test", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    open_calls = [wire.connect(one) for _ in range(2)]
    try:
        for c in open_calls:
            c.request("POST", "/v1/chat/completions", body, headers=[("authorization", f"Bearer {KEY}")])
            c.head()
        assert "clients[].limits.parallel" in ask(other).error["message"]
        one.expect_exit = -signal.SIGKILL
        one.process.kill()
        one.process.wait()
        assert ask(other).status == 429
        daemon.wait_until(lambda: ask(other).status == 200, 40, "the places are never free")
    finally:
        gate.set()
        for c in open_calls:
            c.close()


def test_a_place_is_held_as_long_as_its_call_lasts(weir, upstream, server):
    """Longer than a lease, and though the server forgets it meanwhile."""
    gate = threading.Event()
    upstream.script(sse([*bodies.stream("a", "b")[:2], gate, *bodies.stream("a", "b")[2:]]), reply(200, bodies.completion()))
    one, other = weirs(weir, upstream, 2, patient(server), parallel=1)
    body = {"model": "gpt-test", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    with wire.connect(one) as c:
        c.request("POST", "/v1/chat/completions", body, headers=[("authorization", f"Bearer {KEY}")])
        c.head()
        server.ask("FLUSHALL")
        daemon.wait_until(lambda: server.ask("ZCARD", "{weir}:client:parallel::app"), 20, "the lease is never renewed")
        [(_, until)] = [server.ask("ZRANGE", "{weir}:client:parallel::app", 0, -1, "WITHSCORES")]
        daemon.wait_until(lambda: server.ask("ZRANGE", "{weir}:client:parallel::app", 0, -1, "WITHSCORES")[1] != until, 20, "it is not renewed again")
        assert ask(other).status == 429
        gate.set()
    [request] = upstream.wait_requests(1)
    request.wait_done()
    daemon.wait_until(lambda: ask(other).status == 200, 10, "the place is not free")


def test_budgets_are_common_and_outlive_the_servers_data(weir, upstream, server):
    """0.6 of 1 is spent; a server that has forgotten it is told by whoever knows."""
    upstream.always(reply(200, bodies.completion(usage=usage(590, 10))))
    two = weirs(weir, upstream, 2, patient(server), spend="1/d")
    assert ask(two[0], max_tokens=400).status == 200
    assert ask(two[1], max_tokens=500).status == 429
    server.kill()
    for w in two:
        wait_away(w)
    server.start()
    for w in two:
        wait_back(w)
    assert ask(two[0], max_tokens=500).status == 429
    assert ask(two[1], max_tokens=500).status == 429


@pytest.mark.parametrize("whose", ["client", "address"])
def test_a_budget_without_records_goes_on_from_the_common_sum(weir, upstream, server, whose):
    """0.6 of 1 is spent. Who starts while the server is away knows nothing of it until the server is back."""
    upstream.always(reply(200, bodies.completion(usage=usage(590, 10))))
    limits = {"clients": [client(spend="1/d")]} if whose == "client" else {"clients": [client()], "limits": {"address": {"spend": "1/d"}}}
    options = dict(ledger="off", shared=patient(server), **limits, **DEAR)
    w = weir(upstream, **options)
    assert ask(w, max_tokens=400).status == 200
    w.stop()
    again = weir(upstream, **options)
    assert ask(again, max_tokens=500).status == 429
    assert "begins anew" not in again.output()
    again.stop()
    server.pause()
    late = weir(upstream, **options)
    daemon.wait_until(lambda: figure(late, "weir_shared_away"), 20, "the server is not found to be away")
    assert ask(late, max_tokens=400).status == 200
    server.resume()
    wait_back(late)
    assert ask(late, max_tokens=1).status == 429


def test_what_is_spent_while_it_is_away_is_told_it(weir, upstream, server):
    """Each may spend its share of the rest; all of it counts afterwards, for both."""
    upstream.always(reply(200, bodies.completion(usage=usage(90, 10))))
    way = redis_server.Way(server)
    try:
        two = weirs(weir, upstream, 2, {"url": way.url, "timeout": "5s"}, spend="1/d")
        wait_seen(two)
        way.cut()
        for w in two:
            wait_away(w)
        assert [[ask(w, max_tokens=100).status for _ in range(6)] for w in two] == [[200] * 4 + [429] * 2] * 2
        way.mend()
        for w in two:
            wait_back(w)
        assert [ask(w, max_tokens=100).status for w in two] == [200, 429]  # of 0.2
    finally:
        way.close()
