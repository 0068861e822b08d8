"""How long what is waited for, by whose word, and what is not done twice. What each fault comes to is in test_faults.py."""

import pytest

import bodies
import daemon
import wire
from upstream import after, black_hole, reply, sse, stall


def said(words):
    return reply(200, bodies.completion(words))


def two(main, spare=None, **over):
    providers = {"main": {"kind": "openai", "url": main.url, "key": daemon.PROVIDER_KEY}}
    if spare:
        providers["spare"] = {"kind": "openai", "url": spare.url, "key": daemon.PROVIDER_KEY}
    return daemon.merged({"providers": providers, "models": {"*": ["main", "spare"] if spare else "main"},
                          "retry": {"base": "1ms"}, "breaker": "off"}, over)


def ask(w, stream=False, model="m"):
    return wire.chat(w, model=model, **({"stream": True} if stream else {}))


@pytest.mark.parametrize("over, named", [
    ({"timeouts": {"first_byte": "150ms"}}, "timeouts.first_byte"),
    ({"timeouts": {"first_byte": "1h"}, "providers": {"main": {"timeouts": {"first_byte": "150ms"}}}},
     "providers.main.timeouts.first_byte"),
    ({"providers": {"main": {"timeouts": {"first_byte": "1h"}}},
      "models": {"*": {"targets": "main", "timeouts": {"first_byte": "150ms"}}}}, "models.*.timeouts.first_byte"),
    ({"models": {"*": {"targets": "main", "timeouts": {"total": "1s"}}}}, "models.*.timeouts.total (1 s)"),
], ids=["file", "provider", "model", "total of a model"])
def test_the_narrowest_deadline_rules_and_is_named(weir, upstream, over, named):
    upstream.always(stall("before_head"))
    w = weir(two(upstream, **over))
    answer = ask(w)
    assert answer.status == 504 and named in answer.error["message"]
    assert answer.error["message"].replace(named, "").count("timeouts.") == 0
    assert len(upstream.wait_requests(1)) == 1  # it may be at it still


@pytest.mark.parametrize("at, name", [("first_token", "first_token_timeout"), ("between_events", "stream_stalled")])
def test_of_a_stream(weir, upstream, at, name):
    begun = [bodies.chunk({"role": "assistant", "content": ""})] + ([bodies.chunk("Hi")] if at == "between_events" else [])
    upstream.always(sse(begun, end="stall"))
    w = weir(two(upstream, providers={"main": {"timeouts": {at: "500ms"}}}))
    answer = ask(w, True)
    told = answer.events()[-1]["error"] if at == "between_events" else answer.error
    assert told["code"] == name and f"providers.main.timeouts.{at}" in told["message"] and "500 ms" in told["message"]
    assert len(upstream.wait_requests(1)) == 1


def test_a_slow_provider_may_have_its_time(weir, upstreams):
    """A deadline of one provider is not the others'."""
    main, spare = upstreams(), upstreams()
    main.always(after(0.4, said("Slow.")))
    spare.always(stall("before_head"))
    w = weir(two(main, spare, timeouts={"first_byte": "150ms"}, models={"s": "spare"},
                 providers={"main": {"timeouts": {"first_byte": "30s"}}}))
    assert ask(w).json()["choices"][0]["message"]["content"] == "Slow."
    assert ask(w, model="s").error["code"] == "first_byte_timeout"


def test_another_target_is_asked(weir, upstreams):
    main, spare = upstreams(), upstreams()
    main.always(stall("before_head"))
    spare.always(said("Saved."))
    w = weir(two(main, spare, providers={"main": {"timeouts": {"first_byte": "150ms"}}}))
    answer = ask(w)
    assert answer.status == 200 and (len(main.wait_requests(1)), len(spare.requests)) == (1, 1)


def test_again_where_it_is_wanted(weir, upstream):
    upstream.script(stall("before_head"), said("At last."))
    w = weir(two(upstream, timeouts={"first_byte": "1s"}, retry={"after_timeout": True}))
    answer = ask(w)
    assert (answer.status, answer.header("x-weir-attempts")) == (200, "2")


def test_what_has_not_left_is_not_paid(weir, upstream):
    kept, port = black_hole()
    w = weir(two(upstream, providers={"main": {"url": f"http://127.0.0.1:{port}/v1", "timeouts": {"connect": "100ms"}}},
                 retry={"retries": 1}))
    answer = ask(w)
    assert (answer.status, answer.header("x-weir-attempts")) == (504, "2")
    assert "providers.main.timeouts.connect" in answer.error["message"]
    for sock in kept:
        sock.close()
