"""JSON objects with attributes."""

from __future__ import annotations

import copy
import pickle

import pytest

from weir import ChatCompletion, ChatCompletionChunk, Object

JSON = {
    "id": "c", "object": "chat.completion", "created": 1, "model": "m", "new": {"deep": [1, None, {"er": 1.5}]},
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Hi", "refusal": None}}],
}


def test_members_are_attributes() -> None:
    answer = ChatCompletion(JSON)
    assert answer.new.deep[2] == {"er": 1.5} or answer.new.deep == [1, None, {"er": 1.5}]
    assert answer.usage is None and answer.system_fingerprint is None
    with pytest.raises(AttributeError):
        answer.nothing
    assert repr(answer).startswith("ChatCompletion(id='c', object='chat.completion'")
    assert answer == ChatCompletion(copy.deepcopy(JSON)) and answer != ChatCompletion({})


def test_a_dump_is_ones_own() -> None:
    answer = ChatCompletion(JSON)
    answer.to_dict()["choices"].clear()
    assert answer.to_dict() == answer.model_dump() == JSON
    assert "refusal" not in answer.model_dump(exclude_none=True)["choices"][0]["message"]


def test_members_do_not_hide_what_is_the_packages() -> None:
    strange = ChatCompletionChunk({"to_dict": 1, "weir": 2, "_json": 3, "choices": []})
    assert strange.to_dict() == {"to_dict": 1, "weir": 2, "_json": 3, "choices": []}
    assert not hasattr(strange, "weir")


def test_objects_can_be_copied() -> None:
    answer = ChatCompletion(JSON)
    for again in (copy.deepcopy(answer), pickle.loads(pickle.dumps(answer))):
        assert again == answer and isinstance(again, ChatCompletion) and again.choices[0].message.content == "Hi"
        assert isinstance(answer.new, Object)
