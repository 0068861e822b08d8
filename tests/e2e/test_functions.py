"""POST /chat/functions: a model that may call tools."""

import json
import re
import threading

import pytest

import bodies
import wire
from upstream import after, reply, sse, stall

TIME = {"tools": {"get_current_time": {"kind": "builtin"}}}
FIGURES = {"prompt_tokens": 18, "completion_tokens": 6, "total_tokens": 24}  # two answers of bodies.USAGE


def call(name, arguments="{}", number=1):
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*calls, content=None):
    """A plain answer that calls tools."""
    answer = bodies.completion(content)
    answer["choices"][0]["message"]["tool_calls"] = list(calls)
    answer["choices"][0]["finish_reason"] = "tool_calls"
    return reply(200, answer)


def saying(text):
    return reply(200, bodies.completion(text))


def run(w, message="What time is it?", headers=(), **fields):
    return wire.call(w, "POST", "/chat/functions", {"message": message, **fields}, headers)


def test_a_tool_is_called_and_the_model_answers(weir, upstream):
    upstream.script(calling(call("get_current_time")), saying("It is noon."))
    w = weir(upstream, **TIME)
    answer = run(w)
    assert answer.status == 200, answer.body
    said = answer.json()
    step, = said.pop("steps")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", step.pop("result"))
    assert step.pop("ms") >= 0 and step == {"tool": "get_current_time", "arguments": {}}
    assert said == {"success": True, "response": "It is noon.", "usage": FIGURES, "model": "gpt-test",
                    "request_id": answer.header("x-request-id")}
    first, second = (json.loads(r.body) for r in upstream.wait_requests(2))
    assert [t["function"]["name"] for t in first["tools"]] == ["get_current_time"]
    assert [m["role"] for m in second["messages"]] == ["user", "assistant", "tool"]
    assert second["messages"][2]["tool_call_id"] == second["messages"][1]["tool_calls"][0]["id"]
