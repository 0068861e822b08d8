"""Answers that several weirs keep together in a Redis: given by each, never to another client, and for nothing where it is slow or gone."""

import json
import subprocess
import threading
import time

import pytest

import bodies
import daemon
import redis_server
import wire
from test_cache import CLIENTS, KEY, OTHER, ask, cached
from test_call import figure
from upstream import after, reply, sse

pytestmark = pytest.mark.skipif(redis_server.why_not() is not None, reason=str(redis_server.why_not()))
ADMIN = "admin-key-0123456789"


@pytest.fixture
def server():
    made = redis_server.Server()
    yield made
    made.close()


def at(server, **over):
    """Patient, for what must be there on a machine that is busy with something else, too."""
    return {"models": ["gpt-*"], "store": {"url": server.url, "timeout": "5s"}, **over}


def answers(server):
    return server.ask("KEYS", "weir:cache:1:a:*")


def wait_written(server, count=1):
    daemon.wait_until(lambda: len(answers(server)) == count, 10, f"{count} answers in the store")


def wait_figure(w, expected, name, **labels):
    daemon.wait_until(lambda: figure(w, name, **labels) == expected, 10, f"{name} {labels} {expected}")


# -- what is shared ----------------------------------------------------------------------------------------------


def test_two_weirs_share_answers(weir, upstream, server):
    upstream.script(reply(200, bodies.completion("from the provider")))
    one, two = (weir(upstream, cache=at(server), clients=CLIENTS) for _ in range(2))
    first = ask(one, KEY)
    assert cached(first) == "miss"
    wait_written(server)
    hit = ask(two, KEY)
    assert cached(hit) == "hit" and hit.body == first.body and int(hit.header("age")) >= 0
    assert cached(ask(two, KEY)) == "hit" and figure(two, "weir_cache_store_lookups_total", result="hit") == 1
    assert len(upstream.wait_requests(1)) == 1


def test_each_client_has_his_own(weir, upstream, server):
    upstream.always(reply(200, bodies.completion()))
    one, two = (weir(upstream, cache=at(server), clients=CLIENTS) for _ in range(2))
    assert cached(ask(one, KEY)) == "miss"
    wait_written(server)
    assert [cached(ask(w, OTHER)) for w in (one, two)] == ["miss", "hit"]
    assert cached(ask(two, KEY)) == "hit"
    # An answer that is put under the other's key is none: it says by itself whose it is.
    a, b = sorted(answers(server))
    server.ask("COPY", a, b, "REPLACE")
    three = weir(upstream, cache=at(server), clients=CLIENTS)
    assert sorted(cached(ask(three, key)) for key in (KEY, OTHER)) == ["hit", "miss"]


def test_streams_and_documents_in_each_form(weir, upstream, server):
    upstream.script(sse(bodies.stream("a", "b", "c")), reply(200, bodies.completion("whole")))
    one, two, three = (weir(upstream, cache=at(server)) for _ in range(3))
    told = ask(one, stream=True)
    assert cached(ask(one, seed=1)) == cached(told) == "miss"
    wait_written(server, 2)
    again = ask(two, stream=True)
    assert cached(again) == "hit" and again.body == told.body
    turned = ask(three)
    assert cached(turned) == "hit" and turned.json()["choices"][0]["message"]["content"] == "abc"
    streamed = ask(two, stream=True, seed=1)
    assert cached(streamed) == "hit" and b"whole" in streamed.body and streamed.body.endswith(b"data: [DONE]\n\n")
    assert len(upstream.wait_requests(2)) == 2


def test_large_answers_are_packed(weir, upstream, server):
    """And read elsewhere than on the loop."""
    text = "all work and no play " * 10_000
    upstream.script(reply(200, bodies.completion(text)))
    one, two = (weir(upstream, cache=at(server)) for _ in range(2))
    first = ask(one)
    wait_written(server)
    assert server.ask("STRLEN", answers(server)[0]) < len(text) / 20
    hit = ask(two)
    assert cached(hit) == "hit" and hit.body == first.body


def test_what_is_random_is_read_on_another_thread(weir, upstream, server):
    text = "".join(f"{i * 2654435761 % 2**32:08x}" for i in range(20_000))
    upstream.script(reply(200, bodies.completion(text)))
    one, two = (weir(upstream, cache=at(server)) for _ in range(2))
    first = ask(one)
    wait_written(server)
    assert server.ask("STRLEN", answers(server)[0]) > 32 * 1024
    hit = ask(two)
    assert cached(hit) == "hit" and hit.body == first.body


def test_they_expire(weir, upstream, server):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, cache=at(server, ttl="10m"))
    ask(w)
    wait_written(server)
    assert 595_000 < server.ask("PTTL", answers(server)[0]) <= 600_000
    ask(w, headers=[("x-weir-cache-ttl", "20")], seed=1)
    wait_written(server, 2)
    assert any(0 < server.ask("PTTL", key) <= 20_000 for key in answers(server))
    ask(w, headers=[("x-weir-cache-ttl", "0")], seed=2)
    ask(w, headers=[("cache-control", "no-store")], seed=3)
    ask(w, seed=4)
    wait_written(server, 3)


def test_what_a_request_says_of_it(weir, upstream, server):
    upstream.always(reply(200, bodies.completion()))
    one, two = (weir(upstream, cache=at(server)) for _ in range(2))
    only = [("cache-control", "only-if-cached")]
    assert ask(two, headers=only).status == 504
    assert cached(ask(one)) == "miss"
    wait_written(server)
    assert cached(ask(two, headers=[("cache-control", "no-cache")])) == "miss"
    three = weir(upstream, cache=at(server))
    assert cached(ask(three, headers=only)) == "hit"
    assert len(upstream.wait_requests(2)) == 2


def test_other_providers_answers_are_others(weir, upstream, server):
    """Of the same name, elsewhere."""
    upstream.always(reply(200, bodies.completion()))
    with_path = daemon.config_for(upstream, cache=at(server))
    one = weir(with_path)
    ask(one)
    wait_written(server)
    for provider in with_path["providers"].values():
        provider["url"] = provider["url"].replace("127.0.0.1", "localhost")
    assert cached(ask(weir(with_path))) == "miss"


def test_the_address_of_shared(weir, upstream, server):
    upstream.script(reply(200, bodies.completion()))
    one = weir(upstream, cache={"models": ["gpt-*"], "store": True}, shared={"url": server.url, "timeout": "5s"})
    two = weir(upstream, cache={"models": ["gpt-*"], "store": {"timeout": "5s"}}, shared=server.url)
    assert cached(ask(one)) == "miss"
    wait_written(server)
    assert cached(ask(two)) == "hit"


def test_a_thousand_who_ask_at_once(weir, upstream, server):
    """One of them looks; the others find what he found."""
    upstream.script(reply(200, bodies.completion()))
    one, two = (weir(upstream, cache=at(server)) for _ in range(2))
    ask(one)
    wait_written(server)
    found = []
    threads = [threading.Thread(target=lambda: found.append(cached(ask(two)))) for _ in range(50)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert set(found) <= {"hit", "coalesced"} and len(found) == 50
    assert len(upstream.wait_requests(1)) == 1


# -- what goes wrong costs nothing but misses ----------------------------------------------------------------------


def rounds(w, count, **more):
    """So many calls, each of its own kind; how long they took, at the most."""
    took = []
    for i in range(count):
        began = time.monotonic()
        assert ask(w, seed=i, **more).status == 200
        took.append(time.monotonic() - began)
    return took


def quick(server, **over):
    return {"models": ["gpt-*"], "store": {"url": server.url, "timeout": "100ms"}, **over}


def test_stopped(weir, upstream, server):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, cache=at(server))
    ask(w)
    wait_written(server)
    server.kill()
    w.wait_event("cache_store_away", timeout=20)
    assert [cached(ask(w)), cached(ask(w, seed=1)), cached(ask(w, seed=1))] == ["hit", "miss", "hit"]
    server.start()
    w.wait_event("cache_store_back", timeout=20)
    assert figure(w, "weir_cache_store_away") == 0
    ask(w, seed=2)
    wait_written(server)


def test_not_there_at_the_start(weir, upstream, server):
    server.kill()
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, cache=at(server))
    assert [cached(ask(w)) for _ in range(2)] == ["miss", "hit"]


def test_paused(weir, upstream, server):
    """Whoever waits for it waits no longer than he may, and nobody does once that is known."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, cache=quick(server), server={"workers": 1})
    ask(w)
    wait_written(server)
    server.pause()
    seconds = int(sum(rounds(w, 30)))  # it is tried again now and then
    assert figure(w, "weir_cache_store_lookups_total", result="failed") <= 3 + seconds
    assert figure(w, "weir_cache_store_lookups_total", result="skipped") >= 27 - seconds
    server.resume()
    daemon.wait_until(lambda: figure(w, "weir_cache_store_away") == 0, 20, "it is back")


def test_slow(weir, upstream, server):
    """It answers, and always too late."""
    way = redis_server.Way(server)
    way.delay = 0.15
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, cache=quick(way), server={"workers": 1})
    daemon.wait_until(lambda: ask(w, seed=time.monotonic()).status == 200 and figure(w, "weir_cache_store_lookups_total", result="failed") >= 3, 30,
                      "three have waited for nothing")
    before = figure(w, "weir_cache_store_lookups_total", result="failed")
    for i in range(10):  # each when it has answered what was asked, and could be asked again
        daemon.wait_until(lambda: figure(w, "weir_cache_store_away") == 0, 20, "it has answered")
        assert ask(w, seed=i).status == 200
    assert figure(w, "weir_cache_store_lookups_total", result="failed") - before <= 6
    way.close()


def test_full(weir, upstream, server):
    """What is there is given; what is not there is made, and not kept."""
    upstream.always(reply(200, bodies.completion()))
    one, two = (weir(upstream, cache=at(server)) for _ in range(2))
    ask(one)
    wait_written(server)
    server.ask("CONFIG", "SET", "maxmemory", "1")
    ask(one, seed=1)
    wait_figure(one, 1, "weir_cache_store_writes_total", result="failed")
    assert [cached(ask(one, seed=1)), cached(ask(two, seed=1)), cached(ask(two))] == ["hit", "miss", "hit"]
    assert figure(one, "weir_cache_store_away") == figure(two, "weir_cache_store_away") == 0


@pytest.mark.parametrize("harm", ["another type", "another version", "older version", "cut off", "altered", "nothing", "no answer"])
def test_what_lies_under_a_key_is_no_answer(weir, upstream, server, harm):
    upstream.always(reply(200, bodies.completion()))
    one = weir(upstream, cache=at(server))
    first = ask(one)
    wait_written(server)
    key = answers(server)[0]
    length = server.ask("STRLEN", key)
    if harm == "another type":
        server.ask("DEL", key)
        server.ask("RPUSH", key, "a", "b")
    elif harm == "another version":
        server.ask("SETRANGE", key, 4, "\x03")
    elif harm == "older version":
        server.ask("SETRANGE", key, 4, "\x01")
    elif harm == "altered":
        server.ask("SETRANGE", key, length - 20, "X")
    elif harm == "cut off":
        server.ask("EVAL", "redis.call('SET', KEYS[1], string.sub(redis.call('GET', KEYS[1]), 1, -9))", 1, key)
    else:
        server.ask("SET", key, "" if harm == "nothing" else "x" * 5000)
    two = weir(upstream, cache=at(server))
    again = ask(two)
    assert cached(again) == "miss" and again.body == first.body and figure(two, "weir_cache_store_away") == 0
    wait_figure(two, 1, "weir_cache_store_writes_total", result="written")
    assert cached(ask(weir(upstream, cache=at(server)))) == "hit"  # the new one has taken its place


def test_a_server_that_lets_nobody_in(weir, upstream):
    server = redis_server.Server(password="the-password-of-it")
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, cache={"models": ["gpt-*"], "store": f"redis://127.0.0.1:{server.port}"})
    w.wait_event("cache_store_away", timeout=20)
    assert [cached(ask(w)) for _ in range(2)] == ["miss", "hit"]
    server.close()


# -- purging and looking at it -------------------------------------------------------------------------------------


def admin(w, method="GET", body=None):
    return wire.call(w, method, "/admin/v1/cache", body, headers=[("authorization", f"Bearer {ADMIN}"), ("content-type", "application/json")])


def weir_cache(w, *args):
    return subprocess.run([daemon.WEIR, "cache", *args, "--url", f"http://127.0.0.1:{w.port}"], capture_output=True, text=True, timeout=30,
                          env={"OPENAI_API_KEY": ADMIN})


@pytest.fixture
def several(weir, upstream, server):
    """Two weirs, each of which has in memory what both have in the store: of two clients, each of two models."""
    upstream.always(reply(200, bodies.completion()))
    two = [weir(upstream, cache=at(server), clients=CLIENTS, admin={"keys": [ADMIN]}) for _ in range(2)]
    for n, (key, model) in enumerate((k, m) for k in (KEY, OTHER) for m in ("gpt-test", "gpt-other")):
        ask(two[0], key, model=model)
        wait_written(server, n + 1)
        assert cached(ask(two[1], key, model=model)) == "hit"
    return two


KINDS = [(KEY, "gpt-test"), (KEY, "gpt-other"), (OTHER, "gpt-test"), (OTHER, "gpt-other")]


@pytest.mark.parametrize("which, goes", [({}, KINDS), ({"model": "gpt-t*"}, [k for k in KINDS if k[1] == "gpt-test"]),
                                         ({"client": "other"}, [k for k in KINDS if k[0] == OTHER]),
                                         ({"model": "gpt-other", "client": "app"}, [KINDS[1]]), ({"older": "1h"}, [])])
def test_a_purge_is_of_all_weirs(several, server, which, goes):
    one, two = several
    answer = admin(one, "POST", which)
    assert answer.status == 200 and answer.json() == {"purged": len(goes), "purged_from_store": len(goes)}
    assert len(answers(server)) == 4 - len(goes)
    only = [("cache-control", "only-if-cached")]
    for w in several:  # the other within a second or so
        for key, model in goes:
            daemon.wait_until(lambda: ask(w, key, model=model, headers=only).status == 504, 10, "it is gone from memory")
        for key, model in set(KINDS) - set(goes):
            assert cached(ask(w, key, model=model, headers=only)) == "hit"


def test_what_was_purged_and_is_written_late_counts_for_nothing(several, server, weir, upstream):
    """As by a weir that was about to write it."""
    one, two = several
    keys = answers(server)
    for key in keys:
        server.ask("COPY", key, "kept:" + key)
    admin(one, "POST", {})
    purged = time.time()
    for key in keys:
        server.ask("RENAME", "kept:" + key, key)
    daemon.wait_until(lambda: time.time() > purged + 0.01, 10, "what is asked in the same moment is purged as well")
    assert cached(ask(one, KEY)) == "miss"
    daemon.wait_until(lambda: ask(two, OTHER, headers=[("cache-control", "only-if-cached")]).status == 504, 10, "the other weir knows of it")
    wait_figure(one, 5, "weir_cache_store_writes_total", result="written")
    assert cached(ask(two, KEY)) == "hit"  # what was stored since


def test_what_was_asked_before_a_purge_counts_for_nothing(weir, upstream, server):
    """Of another weir than the one that is told to purge: it writes its answer after the purge, and before it may have heard of that."""
    gate = threading.Event()
    upstream.script(after(gate, reply(200, bodies.completion("old"))), reply(200, bodies.completion("new")))
    one, two = [weir(upstream, cache=at(server), admin={"keys": [ADMIN]}) for _ in range(2)]
    slow = threading.Thread(target=lambda: ask(two))
    slow.start()
    upstream.wait_requests(1)
    assert admin(one, "POST", {}).json() == {"purged": 0, "purged_from_store": 0}
    gate.set()
    slow.join(20)
    assert b"new" in ask(one).body
    daemon.wait_until(lambda: b"new" in ask(two, headers=[("cache-control", "only-if-cached")]).body, 10, "the other weir knows of it")


def test_a_purge_of_a_store_that_is_away_is_a_failure(several, server):
    one, _ = several
    server.kill()
    one.wait_event("cache_store_away", timeout=20)
    answer = admin(one, "POST", {})
    assert (answer.status, answer.json()["error"]["code"]) == (503, "cache_store_away")
    assert admin(one).json()["entries"] == 0
    assert weir_cache(one, "purge").returncode == 1


def test_many_are_purged_step_by_step(weir, upstream, server):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, cache=at(server), admin={"keys": [ADMIN]})
    for i in range(5):
        ask(w, seed=i)
    wait_written(server, 5)
    source = answers(server)[0]
    for i in range(3000):
        server.ask("COPY", source, f"weir:cache:1:a:{i}")
    server.ask("SET", "somebody-elses", "value")
    assert admin(w, "POST", {"model": "gpt-*"}).json() == {"purged": 5, "purged_from_store": 3005}
    assert set(server.ask("KEYS", "*")) == {"weir:cache:1:purges", "somebody-elses"}


def test_what_is_told_of_it(several, server):
    one, two = several
    told = admin(two).json()["store"]
    assert told == {"server": f"redis://127.0.0.1:{server.port}/0", "away": False, "hits": 4, "misses": 0, "failed": 0, "written": 0, "unwritten": 0}
    assert json.loads(weir_cache(one, "stats", "--json").stdout)["store"]["written"] == 4
    assert "the store, redis://127.0.0.1:" in weir_cache(two, "stats").stdout
    assert weir_cache(one, "purge").stdout == "4 answers dropped, 4 from the store\n"
