"""JSON that is valid, and more than Python reads: integers of very many digits, deep nesting."""

from __future__ import annotations

import asyncio
import sys
from typing import Any, Callable, List, Tuple, Union

import pytest

from conftest import quick
from scripted import Scripted
from weir import APIResponseValidationError, AsyncWeir, Weir
from weir._json import read_object

Connect = Callable[..., Weir]

DIGITS = getattr(sys, "get_int_max_str_digits", lambda: 0)()
LONG = "1" * (DIGITS + 1)
limited = pytest.mark.skipif(not DIGITS, reason="this Python reads integers of any length")
DEEP = "[" * 480 + "]" * 480
UNREAD = pytest.mark.parametrize("more", [pytest.param(LONG, marks=limited, id="long"), pytest.param(DEEP, id="deep")])
PATH = "POST /v1/chat/completions"


def chunk(content: str, more: str = "null") -> str:
    choices = '[{"index": 0, "delta": {"content": "%s"}, "finish_reason": null}]' % content
    return '{"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": %s, "more": %s}' % (choices, more)


def events(*data: str) -> Tuple[str, bytes]:
    return "text/event-stream", "".join(f"data: {one}\n\n" for one in data).encode()


@UNREAD
def test_a_chunk_that_python_does_not_read_fails_its_stream(connect: Connect, provider: Scripted, more: str) -> None:
    provider.answers[PATH] = events(chunk("a"), chunk("b", more), chunk("c"))
    stream = connect(provider.base_url).chat.completions.create(messages="Hello", stream=True)
    said: List[Any] = []
    with pytest.raises(APIResponseValidationError) as raised:
        for one in stream:
            said.append(one.choices[0].delta.content)
    assert said == ["a"] and raised.value.weir is stream.weir and raised.value.weir.attempts == 1
    assert list(stream) == []


@UNREAD
def test_the_first_chunk_is_read_by_create(connect: Connect, provider: Scripted, more: str) -> None:
    provider.answers[PATH] = events(chunk("a", more), "[DONE]")
    with pytest.raises(APIResponseValidationError):
        connect(provider.base_url).chat.completions.create(messages="Hello", stream=True)


@UNREAD
def test_a_chunk_of_the_asynchronous_client(provider: Scripted, more: str) -> None:
    provider.answers[PATH] = events(chunk("a"), chunk("b", more), chunk("c"))

    async def read() -> List[Any]:
        said: List[Any] = []
        async with AsyncWeir(**quick(provider.base_url)) as client:
            stream = await client.chat.completions.create(messages="Hello", stream=True)
            with pytest.raises(APIResponseValidationError):
                async for one in stream:
                    said.append(one.choices[0].delta.content)
            assert [one async for one in stream] == []
        return said

    assert asyncio.run(read()) == ["a"]


@pytest.mark.parametrize("text", ["", "{", b"\xff", "[" * 100000, "[]", pytest.param(f'{{"a": {LONG}}}', marks=limited)])
def test_whatever_is_wrong_is_a_value_error(text: Union[str, bytes]) -> None:
    with pytest.raises(ValueError):
        read_object(text, dict)


@limited
def test_arguments_that_python_does_not_read_go_back_to_the_model(client: Weir) -> None:
    asked: List[int] = []
    client.tool(name="count", parameters={"type": "object"})(lambda n: asked.append(n))
    run = client.run(f'count {{"n": {LONG}}}', model="sim/script")
    (step,) = run.steps
    assert "too many digits" in step["error"] and step["arguments"] == {"n": LONG}
    assert not asked and run.text and run.stopped is None


@limited
def test_arguments_of_the_asynchronous_client(sim: str) -> None:
    async def ask() -> Any:
        async with AsyncWeir(**quick(sim)) as client:
            client.tool(name="count", parameters={"type": "object"})(lambda n: "never")
            return await client.run(f'count {{"n": {LONG}}}', model="sim/script")

    (step,) = asyncio.run(ask()).steps
    assert "too many digits" in step["error"]
