"""parse(): answers as a program's own types."""

from __future__ import annotations

import asyncio
import json
import sys
from enum import Enum
from typing import Any, Callable, Dict, List, Optional

import pytest

pydantic = pytest.importorskip("pydantic")

from scripted import Scripted
from weir import AsyncWeir, ContentFilterFinishReasonError, LengthFinishReasonError, Weir, pydantic_function_tool

Connect = Callable[..., Weir]


class Kind(Enum):
    SHARP = "sharp"
    BROAD = "broad"


class Crest(pydantic.BaseModel):  # type: ignore[misc,name-defined]
    """A weir's crest."""

    height: float = pydantic.Field(description="in metres")
    kind: Kind
    note: Optional[str] = None


class River(pydantic.BaseModel):  # type: ignore[misc,name-defined]
    name: str
    crests: List[Crest]
    main: Crest = pydantic.Field(description="the largest")


RIVER = {"name": "Isar", "crests": [], "main": {"height": 2.5, "kind": "sharp", "note": None}}


def completion(content: Optional[str], finish: str = "stop", **message: Any) -> Dict[str, Any]:
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}]}


def test_a_completion(provider: Scripted, connect: Connect, aconnect: Callable[..., AsyncWeir]) -> None:
    provider.answers["POST /v1/chat/completions"] = completion(json.dumps(RIVER))
    answer = connect(provider.base_url).chat.completions.parse(messages="Which?", model="m", response_format=River)
    parsed = answer.choices[0].message.parsed
    assert isinstance(parsed, River) and parsed.main.kind is Kind.SHARP and answer.weir.ok
    sent = provider.asked[0].json()["response_format"]
    assert sent["type"] == "json_schema" and sent["json_schema"]["strict"] is True and sent["json_schema"]["name"] == "River"
    schema = sent["json_schema"]["schema"]
    assert schema["additionalProperties"] is False and schema["required"] == ["name", "crests", "main"]
    assert schema["properties"]["main"]["description"] == "the largest" and "$ref" not in schema["properties"]["main"]

    async def work() -> None:
        async with aconnect(provider.base_url) as client:
            again = await client.chat.completions.parse(messages="Which?", model="m", response_format=River)
            assert again.choices[0].message.parsed == parsed
            raw = await client.chat.completions.with_raw_response.parse(messages="Which?", response_format=River)
            assert raw.parse().choices[0].message.parsed == parsed and raw.status_code == 200

    asyncio.run(work())


def test_tools(provider: Scripted, connect: Connect) -> None:
    call = {"id": "t", "type": "function", "function": {"name": "Crest", "arguments": '{"height": 1, "kind": "broad", "note": "x"}'}}
    provider.answers["POST /v1/chat/completions"] = completion(None, "tool_calls", tool_calls=[call])
    answer = connect(provider.base_url).chat.completions.parse(messages="?", tools=[pydantic_function_tool(Crest)])
    calls = answer.choices[0].message.tool_calls
    assert calls and calls[0].function.parsed_arguments == Crest(height=1, kind=Kind.BROAD, note="x")
    sent = provider.asked[0].json()["tools"][0]
    assert sent["function"]["description"] == "A weir's crest." and sent["function"]["strict"] is True
    assert answer.choices[0].message.parsed is None


def test_answers_that_are_not_whole(provider: Scripted, connect: Connect) -> None:
    client = connect(provider.base_url)
    for finish, error in (("length", LengthFinishReasonError), ("content_filter", ContentFilterFinishReasonError)):
        provider.answers["POST /v1/chat/completions"] = completion('{"name": "Is', finish)
        with pytest.raises(error):
            client.chat.completions.parse(messages="?", response_format=River)
    provider.answers["POST /v1/chat/completions"] = completion('{"name": "Isar"}')
    with pytest.raises(pydantic.ValidationError):
        client.chat.completions.parse(messages="?", response_format=River)
    provider.answers["POST /v1/chat/completions"] = completion(None, refusal="No.")
    assert client.chat.completions.parse(messages="?", response_format=River).choices[0].message.parsed is None


def test_a_response(provider: Scripted, connect: Connect) -> None:
    text = {"type": "output_text", "text": json.dumps(RIVER)}
    provider.answers["POST /v1/responses"] = {
        "id": "r", "object": "response", "created_at": 1, "model": "m", "output": [{"type": "message", "role": "assistant", "content": [text]}]}
    answer = connect(provider.base_url).responses.parse(input="?", model="m", text_format=River, text={"verbosity": "low"})
    assert isinstance(answer.output_parsed, River)
    sent = provider.asked[0].json()["text"]
    assert sent["verbosity"] == "low" and sent["format"]["type"] == "json_schema" and sent["format"]["name"] == "River"


def test_without_pydantic(client: Weir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pydantic", None)
    with pytest.raises(ImportError, match="pip install pydantic"):
        client.chat.completions.parse(messages="?", response_format=River)
    assert client.ask("Hello") == "You said: Hello"
