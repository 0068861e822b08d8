"""Texts of any kind: halves of surrogate pairs, NUL, names of files that are no UTF-8; and messages of other packages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Callable

import pydantic
import pytest

from scripted import Scripted
from weir import APIResponseValidationError, Weir

Connect = Callable[..., Weir]
HALF = "a\ud83db"


def answer(content: str, **more: Any) -> Any:
    message = {"role": "assistant", "content": content}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], **more}


def test_what_a_model_said_can_be_said_to_it_again(connect: Connect, provider: Scripted) -> None:
    provider.answers["POST /v1/chat/completions"] = answer(HALF)
    client = connect(provider.base_url)
    message = client.chat.completions.create(messages="Hello").choices[0].message
    assert message.content == HALF
    client.ask([message, {"role": "user", "content": "\ud83d\ude00 grün"}])
    messages = provider.asked[-1].json()["messages"]
    assert [one["content"] for one in messages] == [HALF, "\U0001f600 grün"]


def test_a_text_with_a_nul_is_whole(connect: Connect, provider: Scripted) -> None:
    provider.answers["POST /v1/chat/completions"] = answer("a\0b")
    client = connect(provider.base_url)
    assert client.ask("Hello") == client.safe_completion("Hello") == "a\0b"


def test_a_form_takes_any_name(connect: Connect, provider: Scripted, tmp_path: Path) -> None:
    provider.answers["POST /v1/audio/transcriptions"] = {"text": "Hello"}
    file = tmp_path / os.fsdecode(b"caf\xe9.mp3")
    file.write_bytes(b"sound")
    connect(provider.base_url).audio.transcriptions.create(file=file, model="m", prompt="\ud83d\ude00" + HALF)
    sent = provider.asked[-1].body
    assert 'filename="caf�.mp3"'.encode() in sent and "\U0001f600a�b".encode() in sent


def test_a_configuration_may_have_any_name(sim: str, tmp_path: Path) -> None:
    config = tmp_path / os.fsdecode(b"caf\xe9.yaml")
    config.write_text(f"providers:\n  simulator: {{url: '{sim}', key: any}}\nmodels:\n  '*': simulator\n")
    with Weir(config=config) as client:
        assert client.ask("Hello") == "You said: Hello"
    with pytest.raises(TypeError, match="^config is a path, a str or os.PathLike; not int$"):
        Weir(config=5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="^config has a NUL character"):
        Weir(config="a\0b")


@pytest.mark.parametrize("argument, value, says", [
    ("api_key", HALF, "^api_key has half a surrogate pair"),
    ("default_headers", {"x-a": HALF}, r"^default_headers\['x-a'\] has half"),
])
def test_half_a_pair_is_refused_by_its_argument(argument: str, value: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Weir(**{"base_url": "http://h/v1", argument: value})


def test_messages_of_pydantic(connect: Connect, provider: Scripted) -> None:
    class Message(pydantic.BaseModel):
        role: str
        content: str
        refusal: Any = None

    provider.answers["POST /v1/chat/completions"] = answer("Hi")
    connect(provider.base_url).ask([Message(role="user", content="Hello")])
    assert provider.asked[-1].json()["messages"] == [{"role": "user", "content": "Hello"}]


def test_what_python_does_not_read_is_one_failure_of_many(connect: Connect, provider: Scripted) -> None:
    deep: Any = 1
    for _ in range(480):  # JSON that weir takes, and too much for Python's stack
        deep = [deep]
    provider.answers["POST /v1/chat/completions"] = answer("Hi", deep=deep)
    (outcome,) = connect(provider.base_url).batch(["Hello"])
    assert isinstance(outcome, APIResponseValidationError)
