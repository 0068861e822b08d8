"""What a provider is asked beyond what the client asks: the usage chunk of a stream; and what becomes of it at a provider that
refuses it. The client has not sent it, so it never hears of it."""

import pytest

import bodies
import daemon
import wire
from test_chat import chat  # noqa: F401 - a fixture
from upstream import error, reply, sse

ADDED = {"include_usage": True}

OPENAI = error(400, "Unrecognized request argument supplied: stream_options", code=None)
FASTAPI = reply(422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"],
                                  "msg": "Extra inputs are not permitted", "input": ADDED}]})
TEXT = reply(400, b'json: unknown field "stream_options"', headers=[("Content-Type", "text/plain")])
NAMELESS = error(422, "Extra inputs are not permitted", code=None)
MARSHMALLOW = reply(422, {"errors": {"json": {"stream_options": {"include_usage": ["Unknown field."]}}}})


def strict(refusal=OPENAI, *words):
    """Knows no stream_options."""
    def answer(request):
        asked = request.json()
        if "stream_options" in asked:
            return refusal
        if "prompt" in asked:
            return sse([{"object": "text_completion", "choices": [{"index": 0, "text": "Hi", "finish_reason": "stop"}]}])
        return sse(bodies.stream(*(words or ("Hi",))))
    return answer


def options_of(up):
    return [request.json().get("stream_options") for request in up.requests]


@pytest.mark.parametrize("refusal", [OPENAI, FASTAPI, TEXT, MARSHMALLOW, NAMELESS], ids=["openai", "fastapi", "text", "marshmallow", "nameless"])
def test_a_stream_arrives_where_its_options_are_refused(weir, upstreams, refusal):
    up = upstreams()
    up.always(strict(refusal))
    w = weir(daemon.config_for(up, retry={"retries": 0}))
    for attempts in "2", "1":  # what was refused is not asked for again
        answer = wire.chat(w, stream=True)
        assert answer.status == 200 and bodies.text_of(answer.events()) == "Hi"
        assert answer.events()[-1] == "[DONE]"
        assert answer.header("x-weir-attempts") == attempts
    assert options_of(up) == [ADDED, None, None]
    line = w.wait_call(answer.header("x-request-id"))
    assert line["estimated"] and line["completion_tokens"] > 0
    assert not any(key.startswith("weir_retries_total") and value for key, value in w.metrics().items())


def test_completions_likewise(weir, upstreams):
    up = upstreams()
    up.always(strict())
    w = weir(daemon.config_for(up, retry={"retries": 0}))
    answer = wire.call(w, "POST", "/v1/completions", {"model": "m", "prompt": "x", "stream": True})
    assert answer.status == 200 and answer.events()[-1] == "[DONE]"
    assert options_of(up) == [ADDED, None]


def test_it_is_one_target_that_refuses(weir, upstreams):
    """Another model, and another provider, may well take it."""
    main, spare = upstreams(), upstreams()
    main.always(strict())
    spare.always(sse(bodies.stream("Hi", usage=bodies.USAGE)))
    w = weir(daemon.config_for(main, providers={"spare": {"kind": "openai", "url": spare.url}}, models={"b": "spare"},
                               retry={"retries": 0}))
    for model in "a", "b", "c", "a":
        assert wire.chat(w, model=model, stream=True).status == 200
    assert options_of(main) == [ADDED, None, ADDED, None, None]
    assert options_of(spare) == [ADDED]


@pytest.mark.parametrize("said", [{"include_usage": True}, {"include_usage": False}], ids=["yes", "no"])
def test_what_the_client_says_is_the_clients(weir, upstreams, said):
    up = upstreams()
    up.always(strict())
    w = weir(daemon.config_for(up))
    answer = wire.chat(w, stream=True, stream_options=said)
    assert answer.status == 400 and "stream_options" in answer.error["message"]
    assert answer.header("x-weir-attempts") == "1"
    assert options_of(up) == [said]


def test_no_is_kept(weir, upstreams):
    up = upstreams()
    up.always(sse(bodies.stream("Hi")))
    w = weir(daemon.config_for(up))
    answer = wire.chat(w, stream=True, stream_options={"include_usage": False})
    assert bodies.text_of(answer.events()) == "Hi"
    assert options_of(up) == [{"include_usage": False}]
    assert w.wait_call(answer.header("x-request-id"))["estimated"]


def test_another_fault_is_the_clients_though_the_request_is_repeated(weir, upstreams):
    """FastAPI repeats the body in which it misses something: that is no word about what stands there."""
    up = upstreams()
    up.always(lambda request: reply(422, {"detail": [{"type": "missing", "loc": ["body", "x"], "msg": "Field required",
                                                      "input": request.json()}]}))
    w = weir(daemon.config_for(up))
    answer = wire.chat(w, stream=True)
    assert (answer.status, answer.header("x-weir-attempts")) == (422, "1")


def test_what_names_nothing_may_be_about_the_clients_own(weir, upstreams):
    up = upstreams()
    up.always(lambda request: NAMELESS if "strange" in request.json() else sse(bodies.stream("Hi")))
    w = weir(daemon.config_for(up))
    answer = wire.chat(w, stream=True, strange=1)
    assert (answer.status, answer.header("x-weir-attempts")) == (422, "2")
    assert wire.chat(w, stream=True).status == 200
    assert options_of(up) == [ADDED, None, ADDED]  # nothing was learnt of it


def test_a_provider_that_is_never_asked_for_it(weir, upstreams):
    up = upstreams()
    up.always(strict())
    w = weir(daemon.config_for(up, providers={"main": {"stream_usage": "never"}}))
    assert wire.chat(w, stream=True).header("x-weir-attempts") == "1"
    assert options_of(up) == [None]


def test_weir_chat_talks_to_it_too(chat, upstreams):  # noqa: F811
    up = upstreams()
    up.always(strict(OPENAI, "Hello", " there."))
    status, out, err = chat("Hi", url=up.url).finish()
    assert (status, out) == (0, "Hello there.\n"), err
    assert options_of(up) == [ADDED, None]


# -- what comes of the question ---------------------------------------------------------------------------------------


CHUNKS = bodies.stream("Hi", " there", usage=bodies.USAGE)


def data_of(answer):
    return [data for _, data in answer.named_events()]


@pytest.mark.parametrize("said, kept", [({}, False), ({"stream_options": {"include_usage": True}}, True),
                                        ({"stream_options": {"include_usage": False}}, True)], ids=["nothing", "yes", "no"])
def test_usage_null_is_for_those_who_ask(weir, upstreams, said, kept):
    """OpenAI tells who asks for usage in every chunk that it has none there. Clients that did not ask need not take that."""
    up = upstreams()
    up.always(sse(CHUNKS))
    w = weir(daemon.config_for(up))
    answer = wire.chat(w, stream=True, **said)
    assert bodies.text_of(answer.events()) == "Hi there"
    chunks = [event for event in answer.events() if event != "[DONE]" and event["choices"]]
    assert [("usage" in chunk) for chunk in chunks] == [kept] * 4
    if not kept:
        assert chunks == [{k: v for k, v in chunk.items() if k != "usage"} for chunk in CHUNKS[:-1]]
    assert answer.events()[-1] == "[DONE]"
    line = w.wait_call(answer.header("x-request-id"))
    assert line["total_tokens"] == 12 and "estimated" not in line


def test_usage_null_of_completions(weir, upstreams):
    up = upstreams()
    up.always(sse([b'data: {"usage": null, "choices": [{"index": 0, "text": "Hi", "finish_reason": null}]}\n\n',
                   b'data: {"choices":[{"index":0,"text":"","finish_reason":"stop"}],"usage":null}\n\n']))
    w = weir(daemon.config_for(up))
    answer = wire.call(w, "POST", "/v1/completions", {"model": "m", "prompt": "x", "stream": True})
    assert data_of(answer) == ['{"choices": [{"index": 0, "text": "Hi", "finish_reason": null}]}',
                               '{"choices":[{"index":0,"text":"","finish_reason":"stop"}]}', "[DONE]"]


def test_usage_null_that_weir_did_not_bring_stays(weir, upstreams):
    up = upstreams()
    up.always(sse([b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}, "finish_reason": "stop"}], "usage": null}\n\n']))
    w = weir(daemon.config_for(up, providers={"main": {"stream_usage": "never"}}))
    assert data_of(wire.chat(w, stream=True))[0].endswith('"usage": null}')


# -- what the bound is called -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("option, sent, arrives", [
    ({"max_tokens_member": "max_tokens"}, "max_completion_tokens", "max_tokens"),
    ({"max_tokens_member": "max_completion_tokens"}, "max_tokens", "max_completion_tokens"),
    ({"kind": "ollama"}, "max_completion_tokens", "max_tokens"),
    ({"kind": "ollama", "max_tokens_member": "as_sent"}, "max_completion_tokens", "max_completion_tokens"),
    ({}, "max_completion_tokens", "max_completion_tokens"),
], ids=["old", "new", "kind", "kind, overruled", "as sent"])
def test_the_bound_has_the_name_that_the_provider_knows(weir, upstream, option, sent, arrives):
    upstream.always(reply(200, bodies.completion("Hi")))
    w = weir(daemon.config_for(upstream, providers={"main": option}))
    assert wire.chat(w, **{sent: 7}).status == 200
    asked = upstream.requests[0].json()
    assert asked[arrives] == 7 and len({"max_tokens", "max_completion_tokens"} & set(asked)) == 1


def test_chats_own_bound_likewise(weir, upstream):
    upstream.always(reply(200, bodies.completion("Hi")))
    w = weir(daemon.config_for(upstream, providers={"main": {"max_tokens_member": "max_completion_tokens"}}))
    assert wire.call(w, "POST", "/chat", {"message": "Hi", "max_tokens": 7}).json()["response"] == "Hi"
    asked = upstream.requests[0].json()
    assert asked["max_completion_tokens"] == 7 and "max_tokens" not in asked
