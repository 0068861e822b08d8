"""Keys that providers refuse or limit: what answers in their place, and who is told."""

import threading
import time

import pytest

import bodies
import daemon
import wire
from upstream import error, reply, sse

FIRST, SECOND = "first-key-123456", "second-key-123456"
REVOKED = error(401, "Incorrect API key provided: first-***3456.", code="invalid_api_key")
HEALTHY = {"status": "healthy", "refused_keys": []}


def by_key(**behaviours):
    """A provider that behaves differently to each key."""

    def answer(request):
        key = request.header("authorization").removeprefix("Bearer ")
        behaviour = behaviours[{FIRST: "first", SECOND: "second"}[key]]
        return behaviour() if callable(behaviour) else behaviour

    return answer


def good(name="Hello."):
    return reply(200, bodies.completion(name))


def keys_of(up):
    return ["1" if r.header("authorization") == f"Bearer {FIRST}" else "2" for r in up.requests]


def health(w):
    got = wire.call(w, "GET", "/health").json()
    return {name: got[name] for name in HEALTHY}


def events(w, name):
    w.wait_text(f'"{name}"')
    return [line for line in w.log if line["event"] == name]


def gauge(w, provider, key):
    return w.metrics().get(f'weir_provider_key_refused{{provider="{provider}",key="{key}"}}')


def wait_gauge(w, provider, key, value):
    daemon.wait_until(lambda: gauge(w, provider, key) == value, 10, f"the gauge of {provider}'s key {key} did not become {value}")


OFF = {"retries": 0}


def test_a_revoked_key_that_a_fallback_hides(weir, upstreams):
    main, spare = upstreams(), upstreams()
    main.always(REVOKED)
    spare.always(good())
    w = weir(main, retry=OFF, server={"workers": 1}, models={"*": ["main", "spare"]},
             providers={"spare": {"kind": "openai", "url": spare.url, "key": "spare-key-123456"}})
    assert health(w) == HEALTHY
    wait_gauge(w, "main", 1, 0)
    began = time.monotonic()
    first = wire.chat(w)
    assert (first.status, first.header("x-weir-attempts"), first.header("x-weir-target")) == (200, "2", "spare/gpt-test")
    second = wire.chat(w)
    looked = second.header("x-weir-attempts") == "2"
    assert second.status == 200 and (not looked or time.monotonic() - began >= 1)  # the refused one is asked last
    # Its first rest, a second, is over: one call looks, and is refused again.
    daemon.wait_until(lambda: looked or wire.chat(w).header("x-weir-attempts") == "2", 10, "it is never asked again")

    told = events(w, "provider_refused")
    assert [(e["level"], e["target"], e["key"], e["status"], e["code"]) for e in told] == [("warn", "main/gpt-test", "1", "401", "invalid_api_key")]
    assert health(w) == {"status": "healthy",
                         "refused_keys": [{"provider": "main", "key": 1, "status": 401, "code": "invalid_api_key"}]}
    wait_gauge(w, "main", 1, 1)
    assert gauge(w, "spare", 1) == 0
    assert daemon.PROVIDER_KEY not in "\n".join(w.texts())

    main.always(good())
    daemon.wait_until(lambda: wire.chat(w).header("x-weir-target") == "main/gpt-test", 10, "it is not asked again")
    assert [(e["target"], e["key"]) for e in events(w, "provider_accepted")] == [("main/gpt-test", "1")]
    assert health(w) == HEALTHY
    wait_gauge(w, "main", 1, 0)


@pytest.mark.parametrize("refusal, status, code", [
    (REVOKED, 401, "invalid_api_key"),
    (error(402, "Payment required.", code="payment_required"), 402, "payment_required"),
    (error(429, "You exceeded your current quota.", code="insufficient_quota"), 429, "insufficient_quota"),
    (reply(401, b"no"), 401, None),
], ids=["revoked", "unpaid", "quota", "without a word"])
def test_a_list_of_keys_is_a_list_of_chances(weir, upstream, refusal, status, code):
    upstream.always(by_key(first=refusal, second=good))
    w = weir(upstream, retry=OFF, server={"workers": 1}, providers={"main": {"key": [FIRST, SECOND]}})
    answers = [wire.chat(w) for _ in range(10)]
    assert [a.status for a in answers] == [200] * 10
    assert answers[0].header("x-weir-attempts") == "2" and keys_of(upstream)[:2] == ["1", "2"]
    assert health(w)["refused_keys"] == [{"provider": "main", "key": 1, "status": status, "code": code}]


def test_a_403_may_be_about_what_was_asked(weir, upstream):
    blocked = {"now": True}
    upstream.always(by_key(first=lambda: error(403, "Not that.") if blocked["now"] else good(), second=good))
    w = weir(upstream, retry=OFF, server={"workers": 1}, providers={"main": {"key": [FIRST, SECOND]}})
    for _ in range(2):
        assert wire.chat(w).status == 200
    assert keys_of(upstream) == ["1", "2", "1", "2"] and health(w) == HEALTHY  # no refusal yet
    blocked["now"] = False
    assert wire.chat(w).header("x-weir-attempts") == "1"
    assert keys_of(upstream)[4:] == ["1"]
    blocked["now"] = True
    for _ in range(4):  # the third in a row is one
        assert wire.chat(w).status == 200
    assert health(w)["refused_keys"] == [{"provider": "main", "key": 1, "status": 403, "code": None}]
    blocked["now"] = False
    daemon.wait_until(lambda: wire.chat(w).status == 200 and health(w) == HEALTHY, 10, "the key did not come back")


def test_workers_share_what_is_known_and_a_reload_keeps_it(weir, upstream):
    upstream.always(by_key(first=REVOKED, second=good))
    config = daemon.config_for(upstream, retry=OFF, server={"workers": 2}, providers={"main": {"key": [FIRST, SECOND]}})
    w = weir(config)
    began = time.monotonic()
    for _ in range(40):  # a connection each: both workers have some
        assert wire.chat(w).status == 200
    assert keys_of(upstream).count("1") <= 1 + int(time.monotonic() - began)  # its first rest is a second
    assert health(w)["refused_keys"]
    config["retry"] = {"retries": 1}
    w.reload(config)
    assert health(w)["refused_keys"] == [{"provider": "main", "key": 1, "status": 401, "code": "invalid_api_key"}]
    assert len(events(w, "provider_refused")) == 1
    config["providers"]["main"]["key"] = SECOND  # it is configured no more, so nobody is to be told of it
    w.reload(config)
    assert health(w) == HEALTHY
    wait_gauge(w, "main", 1, 0)


def test_all_keys_are_limited(weir, upstream):
    """Nothing is sent until the provider has said that it may be; who cannot wait is told 429, with the hint."""
    limited = error(429, "Slow down.", headers=[("retry-after-ms", "2500")])
    state = {"now": lambda: limited}
    upstream.always(by_key(first=lambda: state["now"](), second=lambda: state["now"]()))
    w = weir(upstream, retry=OFF, server={"workers": 1}, providers={"main": {"key": [FIRST, SECOND]}})
    answer = wire.chat(w)
    assert (answer.status, answer.error["message"], answer.header("x-weir-attempts")) == (429, "Slow down.", "2")
    assert keys_of(upstream) == ["1", "2"]
    answer = wire.chat(w)
    assert (answer.status, answer.error["code"], answer.error["type"]) == (429, "provider_rate_limited", "rate_limit_error")
    assert answer.header("x-should-retry") == "true" and 0 < int(answer.header("retry-after-ms")) <= 2500
    assert len(upstream.requests) == 2
    state["now"] = good
    config = daemon.config_for(upstream, retry={"retries": 1}, server={"workers": 1}, providers={"main": {"key": [FIRST, SECOND]}})
    w.reload(config)
    asked = time.monotonic()
    answer = wire.chat(w)  # the same limits, and time to wait
    assert answer.status == 200 and answer.header("x-weir-attempts") == "1"
    assert len(upstream.requests) == 3 and upstream.requests[2].arrived - upstream.requests[0].answered >= 2.5
    assert upstream.requests[2].arrived >= asked


def test_a_limit_that_begins_anew_is_waited_for(weir, upstream):
    upstream.script(error(429, "Slow down.", headers=[("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "250ms")]), good())
    w = weir(upstream, retry={"base": "1ms", "cap": "1ms"})
    assert wire.chat(w).status == 200
    first, second = upstream.requests
    assert second.arrived - first.answered >= 0.25


def test_a_provider_that_is_sent_no_key_asks_for_one(weir, upstreams):
    main, spare = upstreams(), upstreams()
    main.always(error(401, "Who are you?"))
    spare.always(good())
    w = weir(main, retry=OFF, models={"*": ["main", "spare"], "alone": "main"},
             providers={"main": {"auth": "none"}, "spare": {"kind": "openai", "url": spare.url, "key": "spare-key-123456"}})
    assert wire.chat(w).header("x-weir-attempts") == "2"
    answer = wire.chat(w, model="alone")
    assert (answer.status, answer.error["code"]) == (502, "provider_refused")
    assert answer.error["message"] == "The provider main asks for a key, and none is configured for it (status 401)."
    assert health(w)["refused_keys"] == [{"provider": "main", "key": 1, "status": 401, "code": None}]


# -- what /health tells beside -------------------------------------------------------------------------------------------


def test_health_tells_what_rests_and_what_was_asked(weir, upstream):
    answers = {FIRST: error(429, headers={"Retry-After": "300"}), SECOND: good()}
    upstream.always(lambda request: answers[request.header("authorization").removeprefix("Bearer ")])
    w = weir(upstream, retry=OFF, server={"workers": 1}, providers={"main": {"key": [FIRST, SECOND]}})
    assert wire.call(w, "GET", "/health").json()["resting_keys"] == []
    for _ in range(2):
        assert wire.chat(w).status == 200
    told = wire.call(w, "GET", "/health").json()
    assert [(k["target"], k["key"]) for k in told["resting_keys"]] == [("main", 1)]
    assert 200 < told["resting_keys"][0]["seconds"] <= 300
    assert told["refused_keys"] == [] and told["status"] == "healthy"
    assert told["targets"] == [{"name": "main", "breaker": "closed", "last_minute": {"calls": 2, "extra": 0}}]


def test_health_tells_of_reloads_and_of_what_is_open(weir, upstream):
    gate = threading.Event()
    upstream.script(sse([bodies.chunk("a"), gate, bodies.chunk(finish="stop")]))
    w = weir(upstream, server={"workers": 1})
    told = wire.call(w, "GET", "/health").json()
    assert (told["reloads"], told["open"]["calls"], told["open"]["streams"]) == ({"ok": 0, "failed": 0}, 0, 0)
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
        next(c.body_pieces(c.head()))
        told = wire.call(w, "GET", "/health").json()
        assert (told["open"]["calls"], told["open"]["streams"]) == (1, 1) and told["open"]["connections"] >= 2
        gate.set()
    w.calls(1)
    assert wire.call(w, "GET", "/health").json()["open"]["streams"] == 0
    w.reload("nonsense: 1\n")
    daemon.wait_until(lambda: wire.call(w, "GET", "/health").json()["reloads"]["failed"] == 1, 5, "no word of the reload")
    told = wire.call(w, "GET", "/health").json()["reloads"]
    assert told["last"] == "failed" and told["last_seconds_ago"] >= 0 and told["ok"] == 0


# -- a client's own keys -------------------------------------------------------------------------------------------------


def times(w, provider, key):
    """Since when weir has it, and when it was used last."""
    seen = w.metrics()
    labels = f'{{provider="{provider}",key="{key}"}}'
    return [seen.get(f"weir_provider_key_{name}_timestamp_seconds{labels}") for name in ("since", "used")]


def test_keys_have_weights_and_times(weir, upstream, tmp_path):
    upstream.always(good())
    began = int(time.time())
    kept = tmp_path / "second"
    kept.write_text(SECOND)
    keys = [{"value": "${FIRST}", "weight": 3}, {"file": str(kept)}]
    w = weir(upstream, providers={"main": {"key": keys}}, env={"FIRST": FIRST}, server={"workers": 1})
    daemon.wait_until(lambda: times(w, "main", 1)[0], 10, "no time of the key")
    assert [times(w, "main", n)[1] for n in (1, 2)] == [0, 0]
    for _ in range(8):
        assert wire.chat(w).status == 200
    assert keys_of(upstream) == list("11211121")
    daemon.wait_until(lambda: all(times(w, "main", n)[1] for n in (1, 2)), 10, "no use of a key is told")
    (first, used), second = times(w, "main", 1), times(w, "main", 2)
    assert began <= first <= used <= time.time() + 1 and began <= second[0]
    kept.write_text("third-key-123456")  # another key in its place, which nobody has used
    daemon.wait_until(lambda: times(w, "main", 2)[1] == 0, 10, "the new key is taken for the old one")
    assert times(w, "main", 1) == [first, used]
    page = wire.call(w, "GET", "/metrics").body.decode()
    assert FIRST not in page and SECOND not in page and "third-key" not in page


def test_a_client_turns_its_key(weir, upstream):
    upstream.always(good())
    old, new = "sk-client-old-0123456789", "sk-client-new-0123456789"
    w = weir(upstream, clients=[{"name": "checkout", "key": [old, new]}, {"name": "other", "key": daemon.CLIENT_KEY}])

    def status(key):
        return wire.chat(w, headers={"Authorization": f"Bearer {key}"}).status

    assert [status(key) for key in (old, new, old + new, old[:-1])] == [200, 200, 401, 401]
    known = [line for line in w.calls(4) if line["status"] == 200]
    assert [line["client"] for line in known] == ["checkout", "checkout"]
    w.reload(daemon.config_for(upstream, clients=[{"name": "checkout", "key": new}]))
    assert [status(key) for key in (old, new)] == [401, 200]
