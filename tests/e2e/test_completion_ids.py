"""Completions whose provider gives several the same id (providers.NAME.completion_ids): each gets one of weir's own, and nothing else of it changes."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import bodies
import daemon
import wire
from test_call import figure
from test_functions import TIME, call, calling
from upstream import reply, sse

PLAIN = bodies.completion("Hello.", id="chatcmpl-7")
CHUNKS = [{**c, "id": "chatcmpl-7"} for c in bodies.stream("Hel", "lo.", usage=bodies.USAGE)]


def own(answer):
    return "chatcmpl-" + answer.header("x-request-id")


def told(answer):
    """The events of a stream, which all have one id: that, and the events without it."""
    events = [e for e in answer.events() if isinstance(e, dict)]
    (name,) = {e.pop("id") for e in events}
    return name, events


@pytest.fixture
def of_ollama(weir, upstream):
    return lambda **over: weir(daemon.config_for(upstream, providers={"main": {"kind": "ollama", **over.pop("provider", {})}}, **over))


def test_each_plain_answer_has_an_id_of_its_own(of_ollama, upstream):
    upstream.always(reply(200, PLAIN))
    w = of_ollama()
    first, second = wire.chat(w), wire.chat(w)
    assert first.json() == {**PLAIN, "id": own(first)} and second.json() == {**PLAIN, "id": own(second)}
    assert first.json()["id"] != second.json()["id"]
    assert first.body.replace(own(first).encode(), b"chatcmpl-7") == second.body.replace(own(second).encode(), b"chatcmpl-7")


def test_the_events_of_a_stream_have_one(of_ollama, upstream):
    upstream.always(sse(CHUNKS))
    w = of_ollama()
    for usage in ({}, {"stream_options": {"include_usage": True}}):
        answer = wire.chat(w, stream=True, **usage)
        name, events = told(answer)
        assert name == own(answer) and bodies.text_of(events) == "Hello."
        assert ("usage" in events[-1]) is bool(usage)


def test_what_weir_ends_itself_has_it_too(of_ollama, upstream):
    upstream.always(sse(CHUNKS))
    w = of_ollama(output={"characters": 2})
    answer = wire.chat(w, stream=True)
    name, events = told(answer)
    assert name == own(answer) and bodies.text_of(events) == "He" and events[-1]["choices"][0]["finish_reason"] == "length"


def test_a_legacy_completion(of_ollama, upstream):
    body = {"id": "cmpl-7", "object": "text_completion", "created": 1, "model": "m", "choices": [{"index": 0, "text": "Hi", "finish_reason": "stop"}]}
    upstream.always(reply(200, body))
    w = of_ollama()
    answer = wire.call(w, "POST", "/v1/completions", {"model": "gpt-test", "prompt": "Hi"})
    assert answer.json() == {**body, "id": "cmpl-" + answer.header("x-request-id")}


def test_an_answer_out_of_the_cache_is_another(of_ollama, upstream):
    upstream.always(reply(200, PLAIN))
    w = of_ollama(cache={"models": "*"})
    first, again = wire.chat(w), wire.chat(w)
    assert len(upstream.requests) == 1 and (first.json()["id"], again.json()["id"]) == (own(first), own(again))


@pytest.mark.parametrize("before, after", [(True, True), (True, False), (False, True)], ids=["stream", "then plain", "then a stream"])
def test_of_the_cache_also_in_another_form(of_ollama, upstream, before, after):
    upstream.always(sse(CHUNKS) if before else reply(200, PLAIN))
    w = of_ollama(cache={"models": "*"})
    wire.chat(w, stream=before)
    again = wire.chat(w, stream=after)
    assert len(upstream.requests) == 1 and again.header("x-weir-cache") == "hit"
    assert (told(again)[0] if after else again.json()["id"]) == own(again)


def test_who_joins_a_stream_has_his_own(of_ollama, upstream):
    go_on = threading.Event()
    upstream.always(sse([CHUNKS[0], go_on, *CHUNKS[1:]]))
    w = of_ollama(cache={"models": "*"})
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(wire.chat, w, stream=True) for _ in range(2)]
        daemon.wait_until(lambda: figure(w, "weir_open_calls") >= 2, 10, "the other has joined")
        go_on.set()
        answers = [one.result() for one in both]
    assert len(upstream.requests) == 1
    assert [told(a)[0] for a in answers] == [own(a) for a in answers] and own(answers[0]) != own(answers[1])


def test_what_is_asked_for_by_its_id_later_keeps_it(of_ollama, upstream):
    upstream.always(reply(200, PLAIN))
    w = of_ollama()
    assert wire.chat(w, store=True).json() == PLAIN and wire.chat(w, store=False).json()["id"] != "chatcmpl-7"


def test_a_large_answer_keeps_it(of_ollama, upstream):
    large = bodies.completion("x" * (300 << 10), id="chatcmpl-7")
    upstream.always(reply(200, large))
    assert wire.chat(of_ollama()).json() == large


@pytest.mark.parametrize("provider", [{"completion_ids": "as_sent"}, {"kind": "openai"}], ids=["as sent", "of openai"])
def test_others_are_left_alone(of_ollama, upstream, provider):
    upstream.always(reply(200, PLAIN))
    w = of_ollama(provider=provider)
    assert wire.chat(w).json() == PLAIN
    upstream.always(sse(CHUNKS))
    assert told(wire.chat(w, stream=True))[0] == "chatcmpl-7"


def test_the_id_is_that_of_whoever_answers(weir, upstreams):
    """Behind one whose ids repeat another is asked, whose do not."""
    main, spare = upstreams(), upstreams()
    main.always(reply(503, {"error": {"message": "away"}}))
    spare.always(reply(200, PLAIN))
    w = weir({"providers": {"main": {"kind": "ollama", "url": main.url}, "spare": {"kind": "openai", "url": spare.url, "key": "sk-spare"}},
              "models": {"m": ["main/a", "spare/b"]}, "retry": {"retries": 0}})
    assert wire.chat(w, model="m").json()["id"] == "chatcmpl-7"


def test_of_a_run_it_is_that_of_the_last_who_answered(weir, upstreams):
    """Tools of the server are called between the two, and nobody is asked by the run itself."""
    main, spare = upstreams(), upstreams()
    main.always(calling(call("get_current_time")))
    spare.always(reply(200, PLAIN))
    over = {"functions": {"server_tools": True}, "models": {"gpt-test": ["main", "spare"]}, "retry": {"retries": 0}}
    w = weir(daemon.merged(daemon.config_for(main, **TIME), {**over, "providers": {"main": {"kind": "ollama"}, "spare": {"kind": "openai", "url": spare.url, "key": "sk-spare"}}}))
    main.script(calling(call("get_current_time")), reply(503, {"error": {"message": "away"}}))
    assert wire.chat(w).json()["id"] == "chatcmpl-7"
