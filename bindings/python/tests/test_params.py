"""What may be given to a call and to a client, and what is said of what may not."""

from __future__ import annotations

import asyncio
from typing import Any, Callable, Mapping

import pytest

from weir import NOT_GIVEN, AsyncWeir, BadRequestError, Weir, WeirError, not_given, omit
from weir._params import PARAMS
from weir._param_types import CompletionParams, ResponseParams
from weir._types import ChatParams, EmbeddingParams

HELLO = [{"role": "user", "content": "Hello"}]
Connect = Callable[..., Weir]


@pytest.mark.parametrize(
    "slip, meant",
    [("temprature", "temperature"), ("max_token", "max_tokens"), ("Stop", "stop"), ("time_out", "timeout"), ("extra_header", "extra_headers")],
)
@pytest.mark.parametrize("ask", [
    lambda client, params: client.chat.completions.create(messages=HELLO, **params),
    lambda client, params: client.chat.completions.create(messages=HELLO, stream=True, **params),
    lambda client, params: client.ask("Hello", **params),
    lambda client, params: client.safe_completion("Hello", **params),
    lambda client, params: client.batch(["Hello"], **params),
    lambda client, params: client.batch([{"messages": HELLO, **params}]),
])
def test_a_slip_is_refused_with_the_nearest_name(
    client: Weir, ask: Callable[[Weir, Mapping[str, Any]], Any], slip: str, meant: str
) -> None:
    with pytest.raises(TypeError, match=f"no parameter '{slip}'; did you mean '{meant}'"):
        ask(client, {slip: 1})
    assert client.usage_summary()["total_calls"] == 0


def test_what_is_like_nothing_goes_into_extra_body(client: Weir, aconnect: Callable[..., AsyncWeir]) -> None:
    with pytest.raises(TypeError, match="has no parameter 'guided_regex'; what else the provider takes goes into extra_body"):
        client.ask("Hello", guided_regex="a+")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="did you mean 'dimensions'"):
        client.embeddings.create(input="one", dimension=4)  # type: ignore[call-arg]
    assert client.ask("Hello", extra_body={"guided_regex": "a+"}) == "You said: Hello"

    async def work() -> None:
        async with aconnect() as aclient:
            with pytest.raises(TypeError, match="did you mean 'top_p'"):
                await aclient.ask("Hello", topp=1)  # type: ignore[call-arg]

    asyncio.run(work())


def test_only_create_streams(client: Weir) -> None:
    with pytest.raises(TypeError, match="stream=True is for create"):
        client.ask("Hello", stream=True)  # type: ignore[call-arg]
    assert client.ask("Hello", stream=False) == "You said: Hello"  # type: ignore[call-arg]


@pytest.mark.parametrize("nothing", [None, NOT_GIVEN, not_given, omit])
def test_what_is_not_given_is_left_out(client: Weir, nothing: Any) -> None:
    nothings = {"temperature": nothing, "timeout": nothing, "extra_headers": nothing, "extra_body": nothing, "model": nothing}
    assert client.chat.completions.create(messages=HELLO, stop=nothing, **nothings).choices[0].message.content == "You said: Hello"
    assert not nothing and len(set(map(repr, (NOT_GIVEN, not_given, omit)))) == 2


def test_the_hints_are_those_of_the_table() -> None:
    """What a type checker allows is what is sent."""
    own = {"extra_headers", "extra_query", "extra_body", "timeout"}
    assert set(ChatParams.__annotations__) == set(PARAMS["/chat/completions"]) - {"messages", "model", "stream"} | own
    assert set(CompletionParams.__annotations__) == set(PARAMS["/completions"]) - {"prompt", "model", "stream"} | own
    assert set(ResponseParams.__annotations__) == set(PARAMS["/responses"]) - {"input", "model", "stream"} | own
    assert set(EmbeddingParams.__annotations__) == set(PARAMS["/embeddings"]) - {"input", "model", "stream"} | own


@pytest.mark.parametrize("kind", [Weir, AsyncWeir])
@pytest.mark.parametrize(
    "arguments, error, says",
    [
        ({"base_ur": "x"}, TypeError, r"Weir has no parameter 'base_ur'; did you mean 'base_url'\?$"),
        ({"http_client": 1}, TypeError, r"Weir has no parameter 'http_client'$"),
        ({}, WeirError, r"^nobody to ask is known: set OPENAI_API_KEY, or give api_key, base_url or config$"),
        ({"config": "/nowhere", "base_url": "http://h/v1"}, WeirError, r"made from config, from config_text, or from base_url, api_key and fallbacks"),
        ({"base_url": "h"}, WeirError, r"^base_url: a URL begins with"),
        ({"base_url": "http://h/v1", "api_key": "…"}, WeirError, r"^api_key: its value holds a character"),
        ({"base_url": "http://h/v1", "fallbacks": ["h"]}, WeirError, r"^base_url of fallback 1: a URL begins with"),
        ({"base_url": "http://h/v1", "fallbacks": [{"base_url": "http://h/v1", "api_key": "a b"}]}, WeirError, r"^api_key of fallback 1: "),
        ({"base_url": "http://h/v1", "fallbacks": "http://h/v1"}, TypeError, r"^fallbacks is one fallback; give a list of them$"),
        ({"base_url": "http://h/v1", "fallbacks": {"base_url": "http://h/v1"}}, TypeError, r"^fallbacks is one fallback"),
        ({"base_url": "http://h/v1", "fallbacks": 5}, TypeError, r"^fallbacks is a list of fallbacks, not int$"),
        ({"base_url": "http://h/v1", "options": [1]}, TypeError, r"^options is a mapping"),
        ({"base_url": "http://h/v1", "max_concurrency": "5"}, ValueError, r"^max_concurrency is '5'; it is a whole number"),
        ({"base_url": "http://h/v1", "fallbacks": [5]}, TypeError, r"^a fallback is a URL, or a dict with base_url, api_key and model; not int$"),
        ({"base_url": "http://h/v1", "max_concurrency": 100001}, WeirError, r"^max_concurrency is 100001; allowed"),
        ({"base_url": "http://h/v1", "max_retries": 21}, WeirError, r"^max_retries is 21; allowed"),
        ({"base_url": "http://h/v1", "options": {"retry.bas": "5ms"}}, WeirError, r"^options\['retry.bas'\]: .*did you mean 'retry.base'"),
        ({"config_text": "retries: {}"}, WeirError, r"^config_text:1:"),
        ({"base_url": "http://h/v1", "timeout": "5"}, TypeError, r"^timeout is a number of seconds, or None; not str"),
        ({"base_url": "http://h/v1", "default_headers": {"a b": "c"}}, ValueError, r"^default_headers has 'a b': a header is"),
        ({"base_url": "http://h/v1", "default_headers": {"a": "b\nc"}}, ValueError, r"^default_headers has 'a': "),
    ],
)
def test_a_clients_arguments_are_refused_by_their_names(kind: Any, arguments: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says) as raised:
        kind(**arguments)
    assert "weir_" not in str(raised.value)


@pytest.mark.parametrize("arguments, error, says", [
    ({"extra_headers": {"a\n": "b"}}, ValueError, "^extra_headers has"),
    ({"extra_headers": {"a": 1}}, TypeError, r"^extra_headers\['a'\] must be a str"),
    ({"extra_headers": [1]}, TypeError, "^extra_headers is a mapping"),
    ({"extra_body": [1]}, TypeError, "^extra_body is a mapping"),
    ({"timeout": "1"}, TypeError, "^timeout is a number of seconds"),
    ({"timeout": 0}, ValueError, "^timeout is 0"),
])
def test_a_calls_arguments_are_refused_by_their_names(client: Weir, arguments: Any, error: Any, says: str) -> None:
    with pytest.raises(error, match=says):
        client.ask("Hello", **arguments)
    with pytest.raises(BadRequestError, match="'temperature' must be a number"):
        client.ask("Hello", temperature="hot")  # type: ignore[arg-type]


@pytest.mark.parametrize("what", [None, 5, b"Hello"])
def test_what_is_no_conversation_is_refused_as_that(client: Weir, what: Any) -> None:
    with pytest.raises(TypeError, match=f"^messages is a str or a list of messages, not {type(what).__name__}$"):
        client.ask(what)
    with pytest.raises(TypeError, match="^messages is a str or a list of messages, not "):
        client.chat.completions.create(messages=what)
