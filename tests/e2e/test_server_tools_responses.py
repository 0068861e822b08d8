"""Tools of the server in /v1/responses, beside the client's own, by the official SDK."""

import json

import openai
import pytest
from openai import OpenAI

import daemon
import wire
from test_functions import TIME
from test_sdk_python import RESPONSE
from upstream import reply, sse

ON = {**TIME, "functions": {"server_tools": True}}
WEATHER = {"type": "function", "name": "weather", "description": "Of a place.", "strict": False,
           "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}


def message(text, number=1):
    return {"id": f"msg_{number}", "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": text, "annotations": []}]}


def call(name, arguments="{}", number=1):
    return {"id": f"fc_{number}", "type": "function_call", "call_id": f"call_{number}", "name": name, "arguments": arguments,
            "status": "completed"}


def reasoning(number=1, **over):
    return {"id": f"rs_{number}", "type": "reasoning", "summary": [], **over}


def events_of(response):
    """As OpenAI streams it."""
    running = {**response, "status": "in_progress", "output": [], "usage": None}
    yield "response.created", {"response": running}
    yield "response.in_progress", {"response": running}
    for i, item in enumerate(response["output"]):
        at = {"item_id": item["id"], "output_index": i}
        begun = {"content": []} if item["type"] == "message" else {"arguments": ""} if item["type"] == "function_call" else {}
        yield "response.output_item.added", {"output_index": i, "item": {**item, "status": "in_progress", **begun}}
        if item["type"] == "message":
            part = item["content"][0]
            yield "response.content_part.added", {**at, "content_index": 0, "part": {**part, "text": ""}}
            for piece in (part["text"][:3], part["text"][3:]):
                yield "response.output_text.delta", {**at, "content_index": 0, "delta": piece, "logprobs": []}
            yield "response.output_text.done", {**at, "content_index": 0, "text": part["text"], "logprobs": []}
            yield "response.content_part.done", {**at, "content_index": 0, "part": part}
        elif item["type"] == "function_call":
            yield "response.function_call_arguments.delta", {**at, "delta": item["arguments"]}
            yield "response.function_call_arguments.done", {**at, "arguments": item["arguments"], "name": item["name"]}
        yield "response.output_item.done", {"output_index": i, "item": item}
    yield f"response.{response['status']}", {"response": response}


def answers(stream, *items, number=1, **over):
    response = {**RESPONSE, "id": f"resp_{number}", "output": list(items), **over}
    if not stream:
        return reply(200, response)
    return sse([f"event: {name}\ndata: {json.dumps({'type': name, 'sequence_number': i, **data})}\n\n".encode()
                for i, (name, data) in enumerate(events_of(response))], end="no_done")


def unnamed(*items, number=1):
    """A stream whose events say what they are in their data alone, and are not numbered, as some servers have it."""
    response = {**RESPONSE, "id": f"resp_{number}", "output": list(items)}
    return sse([f"data: {json.dumps({'type': name, **data})}\n\n".encode() for name, data in events_of(response)], end="no_done")


def ask(w, stream, input="Weather now?", **fields):
    """The whole response; of a stream as the SDK's helper puts it together, whose parts have to agree with it."""
    with OpenAI(base_url=w.base_url, api_key=daemon.CLIENT_KEY, max_retries=0, timeout=20) as client:
        if not stream:
            return client.responses.create(model="gpt-test", input=input, **fields)
        with client.responses.stream(model="gpt-test", input=input, **fields) as s:
            events = list(s)
            whole = events[-1].response
    assert [e.sequence_number for e in events] == list(range(len(events)))
    told = [e.item for e in events if e.type == "response.output_item.done"]
    assert [(i.type, i.id) for i in told] == [(i.type, i.id) for i in whole.output]
    assert [getattr(i, "call_id", None) for i in told] == [getattr(i, "call_id", None) for i in whole.output]
    assert [e.output_index for e in events if e.type == "response.output_item.added"] == list(range(len(told)))
    assert [e.type for e in events].count("response.created") == 1
    return whole


def asked(upstream, n):
    return [json.loads(r.body) for r in upstream.wait_requests(n)]


both = pytest.mark.parametrize("stream", [False, True])


def test_events_without_names_go_on_as_they_come(weir, upstream):
    upstream.script(unnamed(reasoning(), message("Let me see."), call("get_current_time")), unnamed(message("It is noon.", 2), number=2))
    events = wire.call(weir(upstream, **ON), "POST", "/v1/responses", {"model": "gpt-test", "input": "x", "stream": True}).events()
    assert "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta") == "Let me see.It is noon."
    assert [e["item"]["type"] for e in events if e["type"] == "response.output_item.added"] == ["reasoning", "message", "mcp_call", "message"]
    assert {e["response"]["id"] for e in events if "response" in e} == {"resp_1"}


@both
def test_the_server_makes_the_calls_of_its_tools(weir, upstream, stream):
    upstream.script(answers(stream, reasoning(), message("Let me see."), call("get_current_time")),
                    answers(stream, message("It is noon.", 2), number=2))
    answer = ask(weir(upstream, **ON), stream)
    # A stream has told its name when the model has spoken before it called.
    assert (answer.id, answer.status, answer.output_text) == (
        "resp_1" if stream else "resp_2", "completed", "Let me see.It is noon.")
    assert [i.type for i in answer.output] == ["reasoning", "message", "mcp_call", "message"]
    made = answer.output[2]
    assert (made.id, made.server_label, made.name, made.arguments, made.error, made.status) == (
        "weir_call_1", "weir", "get_current_time", "{}", None, "completed")
    assert made.output.startswith("20")
    assert answer.usage.to_dict() == {"input_tokens": 10, "output_tokens": 4, "total_tokens": 14,
                                      "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    assert answer.tools == [] and answer.tool_choice == "auto"
    first, second = asked(upstream, 2)
    tool, = first["tools"]
    assert (tool["type"], tool["name"], tool["strict"]) == ("function", "get_current_time", False)
    assert second["input"] == [{"role": "user", "content": "Weather now?"}, reasoning(), message("Let me see."),
                               {k: v for k, v in call("get_current_time").items()},
                               {"type": "function_call_output", "call_id": "call_1", "output": made.output}]


@both
@pytest.mark.parametrize("store", [None, False])
def test_the_name_is_that_of_the_response_which_has_all(weir, upstream, stream, store):
    """Of what the provider keeps: the next request may follow it."""
    upstream.script(answers(stream, reasoning(), call("get_current_time")), answers(stream, reasoning(2), call("weather"), number=2))
    answer = ask(weir(upstream, **ON), stream, tools=[WEATHER], **({} if store is None else {"store": store}))
    assert answer.id == ("resp_1" if stream and store is False else "resp_2")
    assert [i.type for i in answer.output] == ["reasoning", "mcp_call", "reasoning", "function_call"]


@both
def test_one_model_call_passes(weir, upstream, stream):
    upstream.script(answers(stream, message("Hello.")))
    answer = ask(weir(upstream, **ON), stream)
    assert answer.output_text == "Hello." and answer.usage.total_tokens == 7 and answer.id == "resp_1"


@both
@pytest.mark.parametrize("kept", [False, True])
def test_a_call_of_the_clients_is_handed_out(weir, upstream, stream, kept):
    """And comes back with its result: in an input that has all, or one that follows the response which the provider has."""
    upstream.script(answers(stream, call("get_current_time")),
                    answers(stream, reasoning(2), call("get_current_time", number=2), call("weather", '{"at":"Rome"}', 3), number=2),
                    answers(stream, message("Sunny."), number=3))
    w = weir(upstream, **ON)
    first = ask(w, stream, tools=[WEATHER])
    assert [i.type for i in first.output] == ["mcp_call", "reasoning", "mcp_call", "function_call"]
    assert [t.name for t in first.tools] == ["weather"] if first.tools else True
    handed = first.output[3]
    result = {"type": "function_call_output", "call_id": handed.call_id, "output": "sun"}
    if kept:
        again = ask(w, stream, [result], previous_response_id=first.id, tools=[WEATHER])
    else:
        items = [{"role": "user", "content": "Weather now?"}, *(i.to_dict() for i in first.output), result]
        again = ask(w, stream, items, tools=[WEATHER])
    assert again.output_text == "Sunny."
    _, _, third = asked(upstream, 3)
    told = [(i.get("type"), i.get("call_id")) for i in third["input"]]
    outputs = [("function_call_output", "call_2"), ("function_call_output", "call_3")]
    if kept:
        assert third["previous_response_id"] == "resp_2" and told == outputs
    else:
        assert told == [(None, None), ("function_call", "call_1"), ("function_call_output", "call_1"), ("reasoning", None),
                        ("function_call", "call_2"), outputs[0], ("function_call", "call_3"), outputs[1]]
    assert third["input"][-1] == {**result, "call_id": "call_3"}


def test_of_one_name_the_clients_counts(weir, upstream):
    upstream.script(answers(False, call("get_current_time")))
    mine = {**WEATHER, "name": "get_current_time"}
    answer = ask(weir(upstream, **ON), False, tools=[mine])
    assert answer.output[0].to_dict() == call("get_current_time") and asked(upstream, 1)[0]["tools"] == [mine]


def test_what_the_provider_does_not_keep_is_not_named(weir, upstream):
    upstream.script(answers(False, reasoning(1), reasoning(2, encrypted_content="gAAA"), call("get_current_time")),
                    answers(False, message("Noon.")))
    ask(weir(upstream, **ON), False, store=False)
    told = asked(upstream, 2)[1]["input"]
    assert [i.get("type") for i in told] == [None, "reasoning", "function_call", "function_call_output"]
    assert not any("id" in i for i in told) and told[1]["encrypted_content"] == "gAAA"


@both
def test_a_run_that_is_stopped_says_so(weir, upstream, stream):
    upstream.script(answers(stream, message("Wait."), call("get_current_time")),
                    answers(stream, message("Wait.", 2), call("get_current_time", number=2), number=2))
    answer = ask(weir(upstream, **TIME, functions={"server_tools": True, "max_tokens": 10}), stream)
    assert (answer.status, answer.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert [i.type for i in answer.output] == ["message", "mcp_call", "message"]
    told = answer.model_extra["weir"]
    assert told["error"]["code"] == "max_tokens" and len(told["steps"]) == 1


def test_a_tool_that_fails_says_so(weir, upstream):
    upstream.script(answers(False, call("get_current_time", '{"timezone": "Nowhere/At_All"}')), answers(False, message("Sorry.")))
    w = weir(upstream, **ON)
    made = ask(w, False).output[0]
    assert made.status == "failed" and made.output is None and "Nowhere" in made.error
    assert asked(upstream, 2)[1]["input"][-1]["output"] == f"Error: {made.error}"


def test_a_response_that_fails(weir, upstream):
    failed = {"status": "failed", "error": {"code": "server_error", "message": "Broken."}}
    upstream.script(answers(True, call("get_current_time")), answers(True, message("Noon is"), number=2, **failed))
    w = weir(upstream, **ON)
    with OpenAI(base_url=w.base_url, api_key=daemon.CLIENT_KEY, max_retries=0) as client:
        events = list(client.responses.create(model="gpt-test", input="x", stream=True))
    assert events[-1].type == "response.failed" and events[-1].response.error.message == "Broken."
    assert [e.sequence_number for e in events] == list(range(len(events)))


@pytest.mark.parametrize("fields", [{"background": True}, {"conversation": "conv_1"}])
def test_what_goes_on_elsewhere_passes(weir, upstream, fields):
    upstream.script(answers(False, message("Hello.")))
    ask(weir(upstream, **ON), False, **fields)
    assert "tools" not in asked(upstream, 1)[0]


def test_records(weir, upstream):
    upstream.script(answers(False, call("get_current_time")), answers(False, message("Noon.")))
    w = weir(upstream, **ON)
    answer = wire.call(w, "POST", "/v1/responses", {"model": "gpt-test", "input": "x"})
    assert answer.header("x-weir-steps") == "1"
    w.wait_call(answer.header("x-request-id"))
    daemon.wait_until(lambda: len(wire.call(w, "GET", "/usage/calls").json()["data"]) == 3, 10, "no records")
    records = wire.call(w, "GET", "/usage/calls").json()["data"]
    assert sorted((r["endpoint"], r["total_tokens"]) for r in records) == [("responses", 14), ("responses.step", 7), ("responses.step", 7)]


@both
def test_a_provider_that_fails_fails_the_run(weir, upstream, stream):
    upstream.script(answers(stream, call("get_current_time")), reply(400, {"error": {"message": "No.", "type": "x", "code": "y"}}))
    with pytest.raises(openai.APIError, match="No."):
        ask(weir(upstream, **ON), stream)
