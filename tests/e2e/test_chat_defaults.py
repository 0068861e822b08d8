"""What /chat and /chat/functions put into a request by themselves, at a model that refuses it, as those that reason do."""

import pytest

import bodies
import wire
from upstream import error, reply, sse

BOUND = {"error": {"message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
                   "type": "invalid_request_error", "param": "max_tokens", "code": "unsupported_parameter"}}
TEMPERATURE = {"error": {"message": "Unsupported value: 'temperature' does not support 0.7 with this model. Only the default (1) value is supported.",
                         "type": "invalid_request_error", "param": "temperature", "code": "unsupported_value"}}


def reasons(request):
    asked = request.json()
    if "max_tokens" in asked:
        return reply(400, BOUND)
    if asked.get("temperature", 1) != 1:
        return reply(400, TEMPERATURE)
    return sse(bodies.stream("Hi", usage=bodies.USAGE)) if asked.get("stream") else reply(200, bodies.completion("Hi"))


def asked(upstream):
    """Of each request the bound, by its name, and the temperature."""
    return [tuple(r.json().get(name) for name in ("max_tokens", "max_completion_tokens", "temperature")) for r in upstream.requests]


FULL, RENAMED, BARE = (1000, None, 0.7), (None, 1000, 0.7), (None, 1000, None)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/chat", "/chat/functions"])
def test_a_model_that_reasons_is_asked_as_it_wants(weir, upstream, path, stream):
    upstream.always(reasons)
    w = weir(upstream, retry={"retries": 0})
    answers = [wire.call(w, "POST", path, {"message": "Hello", "stream": stream}) for _ in range(2)]
    assert [a.status for a in answers] == [200, 200], answers[0].body
    assert b"Hi" in answers[0].body and b"Hi" in answers[1].body
    assert asked(upstream) == [FULL, RENAMED, BARE, BARE]  # what it refuses is known the second time


def test_what_the_client_says_is_its_own(weir, upstream):
    upstream.always(reasons)
    w = weir(upstream)
    assert wire.call(w, "POST", "/chat", {"message": "Hello", "max_tokens": 5}).status == 200
    refused = wire.call(w, "POST", "/chat", {"message": "Hello", "temperature": 0.2})
    assert refused.status == 400 and "temperature" in refused.json()["error"]["message"]
    assert asked(upstream) == [(5, None, 0.7), (None, 5, 0.7), (None, 5, None), (None, 1000, 0.2)]
    refused = wire.chat(w, max_tokens=5)
    assert refused.status == 400 and refused.error["param"] == "max_tokens"


def test_a_provider_whose_name_for_it_is_told(weir, upstream):
    upstream.script(reply(400, BOUND))
    w = weir(upstream, providers={"main": {"max_tokens_member": "max_tokens"}})
    assert wire.call(w, "POST", "/chat", {"message": "Hello"}).status == 400
    assert asked(upstream) == [FULL]


@pytest.mark.parametrize("words", ["This model's maximum context length is 10 tokens; max_completion_tokens and temperature are fine.", "Overloaded: temperature"])
def test_what_is_refused_for_another_reason_is_not(weir, upstream, words):
    upstream.script(error(400 if "context" in words else 503, words))
    w = weir(upstream, retry={"retries": 0})
    assert wire.call(w, "POST", "/chat", {"message": "Hello"}).status in (400, 503)
    assert asked(upstream) == [FULL]
