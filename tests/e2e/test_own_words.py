"""Failures that providers tell in forms of their own: their words reach the client, and decide what is asked next."""

import json

import pytest

import bodies
import wire
from upstream import event, raw, reply, sse

TOO_LONG = {"code": 400, "message": "the request exceeds the available context size. try increasing the context size or enable context shift",
            "type": "invalid_request_error"}
LOST = {"code": 502, "message": "Upstream disconnected", "metadata": {"provider_name": "Far"}}


def line(error):
    """As llama.cpp's server told a failure amid a stream until late in 2025: a field of its own, then the mark of an end."""
    return b"error: " + json.dumps(error).encode() + b"\n\n"


def events(*parts):
    return sse([p if isinstance(p, bytes) else event(json.dumps(p)) for p in parts] + [event("[DONE]")], end="no_done")


# -- a field `error:` --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("stream", [False, True])
def test_a_field_that_is_an_error(weir, upstream, stream):
    """What it says decides: the request is too long for this target, and is not asked again."""
    upstream.script(events(line(TOO_LONG)))
    answer = wire.chat(weir(upstream), stream=stream)
    assert answer.status == 400 and answer.error["message"].endswith(TOO_LONG["message"])
    assert answer.header("x-weir-attempts") == "1"


@pytest.mark.parametrize("kind", ["text/event-stream", "application/json"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_field_that_is_an_error_and_the_last_of_a_body(weir, upstream, stream, kind):
    """With no line end behind it."""
    body = line(TOO_LONG).rstrip()
    upstream.script(raw([b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n" % (kind.encode(), len(body)), body]))
    answer = wire.chat(weir(upstream), stream=stream)
    assert answer.status == 400 and answer.error["message"].endswith(TOO_LONG["message"])


def test_a_field_that_is_an_error_leads_to_the_next_target(weir, upstreams):
    small, large = upstreams(), upstreams()
    small.script(events(line(TOO_LONG)))
    large.script(sse(bodies.stream("Hi")))
    w = weir({"providers": {"small": {"kind": "openai", "url": small.url, "key": "k-12345678"},
                            "large": {"kind": "openai", "url": large.url, "key": "k-12345678"}},
              "models": {"*": ["small", "large"]}})
    answer = wire.chat(w, stream=True)
    assert bodies.text_of(answer.events()) == "Hi" and answer.events()[-1] == "[DONE]"


def test_a_field_that_is_an_error_amid_a_stream(weir, upstream):
    """Half an answer is no whole one, mark or not."""
    upstream.script(events(bodies.chunk("Half of "), line({**TOO_LONG, "message": "it broke"})))
    answer = wire.chat(weir(upstream), stream=True)
    assert answer.events()[-1]["error"]["message"].endswith("it broke") and not answer.complete


# -- a status that is a text -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("stream", [False, True])
def test_a_status_that_is_a_text(weir, upstream, stream):
    """As LiteLLM's proxy writes it: what is the request's fault is not asked again."""
    error = {"error": {"message": "no such voice", "type": "None", "param": "None", "code": "400"}}
    upstream.script(events(error) if stream else reply(200, error))
    answer = wire.chat(weir(upstream), stream=stream)
    assert answer.status == 400 and answer.error["message"] == "no such voice"


# -- an error beside the choice that it ended --------------------------------------------------------------------------

def ended(**beside):
    return {**bodies.chunk({"content": ""}, finish="error"), **beside}


def failed_choice(**beside):
    first = bodies.completion("Half of")["choices"][0]
    return bodies.completion(choices=[{**first, "finish_reason": "error", **beside}])


def test_why_a_stream_ended_in_error(weir, upstream):
    upstream.script(events(bodies.chunk("Half of"), ended(error=LOST)))
    last = wire.chat(weir(upstream), stream=True).events()[-1]
    assert last["error"]["message"] == LOST["message"] and last["error"]["code"] == "502"


@pytest.mark.parametrize("stream", [False, True])
def test_why_a_choice_ended_in_error(weir, upstream, stream):
    """OpenRouter tells it within the choice, too."""
    chunk = bodies.chunk({"content": ""}, finish="error")
    chunk["choices"][0]["error"] = LOST
    upstream.always(events(bodies.chunk("Half of"), chunk) if stream else reply(200, failed_choice(error=LOST)))
    answer = wire.chat(weir(upstream, retry={"retries": 0}), stream=stream)
    error = answer.events()[-1]["error"] if stream else answer.error
    assert error["message"] == LOST["message"] and error["code"] == "502"


def test_a_limit_that_ended_a_choice_is_a_limit(weir, upstream):
    upstream.always(reply(200, failed_choice(error={"code": 429, "message": "Rate limit exceeded"})))
    answer = wire.chat(weir(upstream, retry={"retries": 0}))
    assert answer.status == 429 and answer.error["message"] == "Rate limit exceeded"


def test_an_end_in_error_without_a_word(weir, upstream):
    upstream.always(reply(200, failed_choice()))
    answer = wire.chat(weir(upstream, retry={"retries": 0}))
    assert answer.status == 502 and "finish_reason: error" in answer.error["message"]
