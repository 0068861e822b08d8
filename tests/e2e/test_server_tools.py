"""Tools of the server in APIs that have tools of their own: /v1/chat/completions, by the official SDK."""

import base64
import json

import openai
import pytest
from openai import OpenAI

import bodies
import daemon
import wire
from test_functions import FIGURES, TIME, call, called_chunks, calling, saying
from upstream import reply, sse

HELLO = [{"role": "user", "content": "Weather now?"}]
ON = {**TIME, "functions": {"server_tools": True}}
WEATHER = {"type": "function", "function": {"name": "weather", "description": "Of a place.",
                                            "parameters": {"type": "object", "properties": {"at": {"type": "string"}}}}}


def sdk(w, key=daemon.CLIENT_KEY):
    return OpenAI(base_url=w.base_url, api_key=key, max_retries=0, timeout=20)


def create(w, messages=HELLO, **fields):
    with sdk(w) as client:
        answer = client.chat.completions.create(model="gpt-test", messages=messages, **fields)
        return list(answer) if fields.get("stream") else answer


def gathered(w, messages=HELLO, **fields):
    """A stream as the SDK's own helper puts it together."""
    with sdk(w) as client, client.chat.completions.stream(model="gpt-test", messages=messages, **fields) as s:
        return s.get_final_completion()


def ask(w, stream, **fields):
    return (gathered if stream else create)(w, **fields)


def both_ways(stream, *calls, content=None):
    """An answer that calls tools, plain or as chunks."""
    if not stream:
        return calling(*calls, content=content)
    deltas = [bodies.chunk({"role": "assistant", "content": content})]
    for i, c in enumerate(calls):
        deltas += [bodies.chunk({"tool_calls": [{"index": i, **c}]})]
    return sse([*deltas, bodies.chunk(finish="tool_calls"), bodies.usage_chunk()])


def words(stream, text):
    return sse(bodies.stream(text, usage=bodies.USAGE)) if stream else saying(text)


def asked(upstream, n):
    return [json.loads(r.body) for r in upstream.wait_requests(n)]


# -- the server's tools alone ------------------------------------------------------------------------------------------

def test_the_server_makes_the_calls_of_its_tools(weir, upstream):
    upstream.script(calling(call("get_current_time")), saying("It is noon."))
    w = weir(upstream, limits={"address": {"requests": "60/m", "tokens": "10000/h"}}, **ON)
    with sdk(w) as client:
        raw = client.chat.completions.with_raw_response.create(model="gpt-test", messages=HELLO, temperature=0.5, seed=7)
    answer = raw.parse()
    choice, = answer.choices
    assert (answer.object, choice.message.content, choice.finish_reason) == ("chat.completion", "It is noon.", "stop")
    assert choice.message.tool_calls is None and answer.usage.model_dump(exclude_none=True) == FIGURES
    assert raw.headers["x-weir-steps"] == "1" and "x-weir-stopped" not in raw.headers
    assert raw.headers["x-ratelimit-remaining-requests"] == "59" and raw.headers["x-ratelimit-limit-tokens"] == "10000"
    first, second = asked(upstream, 2)
    assert [t["function"]["name"] for t in first["tools"]] == ["get_current_time"]
    assert [m["role"] for m in second["messages"]] == ["user", "assistant", "tool"]
    assert all((r["temperature"], r["seed"], r["model"]) == (0.5, 7, "gpt-test") for r in (first, second))


def test_a_stream_is_one_stream(weir, upstream):
    upstream.script(sse([bodies.chunk({"role": "assistant", "content": "Let me see."}), *called_chunks("get_current_time", "{}")]),
                    sse([{**c, "id": "chatcmpl-2"} for c in bodies.stream("It is ", "noon.", usage=bodies.USAGE)]))
    w = weir(upstream, **ON)
    chunks = create(w, stream=True, stream_options={"include_usage": True})
    assert {c.id for c in chunks} == {"chatcmpl-1"} and {c.object for c in chunks} == {"chat.completion.chunk"}
    *said, figures = chunks
    assert figures.choices == [] and figures.usage.model_dump(exclude_none=True) == FIGURES
    assert all(c.usage is None for c in said)
    deltas = [c.choices[0].delta for c in said]
    assert [d.role for d in deltas] == ["assistant"] + [None] * (len(deltas) - 1)
    assert "".join(d.content or "" for d in deltas) == "Let me see.\n\nIt is noon."
    assert not any(d.tool_calls for d in deltas)
    assert [c.choices[0].finish_reason for c in said] == [None] * (len(said) - 1) + ["stop"]


def test_figures_are_for_those_who_asked(weir, upstream):
    upstream.script(both_ways(True, call("get_current_time")), words(True, "Noon."))
    with wire.connect(weir(upstream, **ON)) as c:
        c.request("POST", "/v1/chat/completions", {"model": "gpt-test", "messages": HELLO, "stream": True})
        answer = c.answer()
    assert b"usage" not in answer.body and answer.body.rstrip().endswith(b"data: [DONE]")


@pytest.mark.parametrize("on, own, offered", [(False, None, False), (False, True, True), (True, None, True),
                                              (True, False, False)])
def test_whose_models_are_offered_them(weir, upstream, on, own, offered):
    upstream.script(saying("Hello."))
    client = {"name": "ci", "key": daemon.CLIENT_KEY}
    if own is not None:
        client["functions"] = {"server_tools": own}
    create(weir(upstream, clients=[client], **TIME, functions={"server_tools": on}))
    assert ("tools" in asked(upstream, 1)[0]) is offered


def test_what_passes_as_it_came(weir, upstream):
    """One model call answers it: no byte of that differs."""
    answer = bodies.completion("Hello.")
    upstream.script(saying("Hello."))
    w = weir(upstream, **ON)
    got = wire.call(w, "POST", "/v1/chat/completions", {"model": "gpt-test", "messages": HELLO})
    assert got.json() == answer and got.header("x-weir-steps") == "0"


def test_what_a_chunk_tells_beside_its_words(weir, upstream):
    """Its tokens, its tier, what was found: a stream has them as a plain answer does."""
    chunk = bodies.chunk({"role": "assistant", "content": "Hi"}, service_tier="flex", system_fingerprint="fp", citations=["u"])
    chunk["choices"][0] |= {"logprobs": {"content": [{"token": "Hi", "logprob": -0.5, "bytes": None, "top_logprobs": []}], "refusal": None}, "novel": [1]}
    upstream.script(sse([chunk, bodies.chunk(finish="stop")]))
    first, last, _ = wire.chat(weir(upstream, **ON), stream=True, logprobs=True).events()
    assert first == chunk and last["choices"][0]["finish_reason"] == "stop"


def test_several_choices_are_refused_and_older_functions_pass(weir, upstream):
    upstream.script(saying("Hello."))
    w = weir(upstream, **ON)
    with pytest.raises(openai.BadRequestError, match="'n' is 2; it must be 1"):
        create(w, n=2)
    create(w, functions=[{"name": "weather"}])
    assert "tools" not in asked(upstream, 1)[0]


# -- the client's tools, too -------------------------------------------------------------------------------------------

@pytest.mark.parametrize("stream", [False, True])
def test_a_call_of_the_clients_is_handed_out(weir, upstream, stream):
    upstream.script(both_ways(stream, call("weather", '{"at":"Rome"}')), words(stream, "Sunny."))
    w = weir(upstream, **ON)
    first = ask(w, stream, tools=[WEATHER])
    handed, = first.choices[0].message.tool_calls
    assert (handed.id, handed.function.name, handed.function.arguments) == ("call_1", "weather", '{"at":"Rome"}')
    assert first.choices[0].finish_reason == "tool_calls"
    names = [t["function"]["name"] for t in asked(upstream, 1)[0]["tools"]]
    assert names == ["weather", "get_current_time"]
    talk = [*HELLO, first.choices[0].message.to_dict(), {"role": "tool", "tool_call_id": handed.id, "content": "sun"}]
    assert ask(w, stream, messages=talk, tools=[WEATHER]).choices[0].message.content == "Sunny."


@pytest.mark.parametrize("stream", [False, True])
def test_what_was_done_before_comes_back_with_the_call(weir, upstream, stream):
    """A turn of the server's, then one of both: the client sees its own call, the next model call all of them."""
    upstream.script(both_ways(stream, call("get_current_time"), content="First the time."),
                    both_ways(stream, call("get_current_time", number=2), call("weather", '{"at":"Rome"}', 3)),
                    words(stream, "Sunny at noon."))
    w = weir(upstream, **ON)
    first = ask(w, stream, tools=[WEATHER])
    handed, = first.choices[0].message.tool_calls
    assert handed.function.name == "weather" and first.choices[0].finish_reason == "tool_calls"
    assert first.usage is None or first.usage.total_tokens == 24
    # As a client that keeps nothing but what the API names brings it back.
    again = {"role": "assistant", "content": None, "tool_calls": [
        {"id": handed.id, "type": "function", "function": {"name": "weather", "arguments": handed.function.arguments}}]}
    talk = [*HELLO, again, {"role": "tool", "tool_call_id": handed.id, "content": "sun"}]
    assert ask(w, stream, messages=talk, tools=[WEATHER]).choices[0].message.content == "Sunny at noon."
    _, second, third = asked(upstream, 3)
    told = third["messages"]
    assert [m["role"] for m in told] == ["user", "assistant", "tool", "assistant", "tool", "tool"]
    assert told[:3] == second["messages"]
    assert [c["id"] for c in told[3]["tool_calls"]] == ["call_2", "call_3"]
    assert [m["tool_call_id"] for m in told[4:]] == ["call_2", "call_3"] and told[5]["content"] == "sun"


def test_of_one_name_the_clients_counts(weir, upstream):
    upstream.script(calling(call("get_current_time")))
    mine = {"type": "function", "function": {"name": "get_current_time", "description": "mine", "parameters": {"type": "object"}}}
    answer = create(weir(upstream, **ON), tools=[mine])
    assert answer.choices[0].message.tool_calls[0].id == "call_1"
    assert asked(upstream, 1)[0]["tools"] == [mine]


def test_a_forced_call_is_forced_once(weir, upstream):
    upstream.script(calling(call("get_current_time")), saying("Noon."), calling(call("weather")))
    w = weir(upstream, **ON)
    create(w, tool_choice="required")
    first, second = asked(upstream, 2)
    assert first["tool_choice"] == "required" and "tool_choice" not in second


# -- ends --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("stream", [False, True])
def test_a_run_that_is_stopped_says_so(weir, upstream, stream):
    upstream.always(both_ways(stream, call("get_current_time"), content="Wait."))
    w = weir(upstream, **TIME, functions={"server_tools": True, "max_tokens": 30})
    if stream:  # the helper's own word for an answer that is not whole
        with pytest.raises(openai.LengthFinishReasonError) as e:
            gathered(w)
        answer = e.value.completion
    else:
        answer = create(w)
    assert answer.choices[0].finish_reason == "length"
    assert answer.choices[0].message.content == ("Wait.\n\nWait.\n\nWait." if stream else "Wait.")
    if not stream:
        told = answer.model_extra["weir"]
        assert told["error"]["code"] == "max_tokens" and [s["tool"] for s in told["steps"]] == ["get_current_time"] * 2
        assert answer.usage.total_tokens == 36


@pytest.mark.parametrize("own", [False, True])
def test_after_the_last_step_no_tool_of_the_server_is_called(weir, upstream, own):
    upstream.script(calling(call("get_current_time")), saying("Noon."))
    w = weir(upstream, **TIME, functions={"server_tools": True, "max_steps": 1})
    create(w, **({"tools": [WEATHER]} if own else {}))
    last = asked(upstream, 2)[1]
    if own:
        assert last["tools"] == [WEATHER] and "tool_choice" not in last
    else:
        assert last["tool_choice"] == "none"


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_fails_fails_the_run(weir, upstream, stream):
    upstream.script(both_ways(stream, call("get_current_time")), reply(400, {"error": {"message": "No.", "type": "x", "code": "y"}}))
    with pytest.raises(openai.APIError, match="No."):
        ask(weir(upstream, **ON), stream)


def test_records_of_a_run_and_its_steps(weir, upstream):
    upstream.script(calling(call("get_current_time")), saying("Noon."))
    w = weir(upstream, **ON, prices={"gpt-test": {"input": 1, "output": 2}})
    with sdk(w) as client:
        raw = client.chat.completions.with_raw_response.create(model="gpt-test", messages=HELLO)
    whole = w.wait_call(raw.headers["x-request-id"])["request_id"]
    assert raw.headers["x-weir-cost"] == "30000"
    daemon.wait_until(lambda: len(wire.call(w, "GET", "/usage/calls").json()["data"]) == 3, 10, "no records")
    records = wire.call(w, "GET", "/usage/calls").json()["data"]
    parent, = [r for r in records if r["request_id"] == whole]
    steps = [r for r in records if r["parent_id"] == whole]
    assert (parent["endpoint"], parent["attempts"], parent["total_tokens"], parent["cost_nano"]) == ("chat.completions", 0, 24, 30000)
    assert [(s["endpoint"], s["total_tokens"]) for s in steps] == [("chat.completions.step", 12)] * 2


# -- what is told of the tokens ----------------------------------------------------------------------------------------

DETAILED = {**bodies.USAGE, "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 1},
            "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 0, "accepted_prediction_tokens": 1}, "cost": 0.25}


def figures_of(w, stream):
    fields = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    answer = wire.chat(w, **fields)
    return answer.events()[-2]["usage"] if stream else answer.json()["usage"]


@pytest.mark.parametrize("stream", [False, True])
def test_figures_of_one_model_call_are_its_own(weir, upstream, stream):
    upstream.script(sse(bodies.stream("Noon.", usage=DETAILED)) if stream else reply(200, bodies.completion("Noon.", usage=DETAILED)))
    assert figures_of(weir(upstream, **ON), stream) == DETAILED


def test_figures_of_several_have_all_details(weir, upstream):
    first = bodies.completion(None, usage=DETAILED)
    first["choices"][0] |= {"message": {"role": "assistant", "content": None, "tool_calls": [call("get_current_time")]}, "finish_reason": "tool_calls"}
    upstream.script(reply(200, first), reply(200, bodies.completion("Noon.", usage=DETAILED)))
    figures = figures_of(weir(upstream, **ON), False)
    assert figures["prompt_tokens_details"] == {"cached_tokens": 8, "audio_tokens": 2}
    assert figures["completion_tokens_details"] == {"reasoning_tokens": 4, "audio_tokens": 0}


# -- long conversations ------------------------------------------------------------------------------------------------

def carrying(n):
    """A round as its client brings it back: the server's tool was called first, then the client's, whose id carries that."""
    own = [{"role": "assistant", "content": None, "tool_calls": [{**call("get_current_time"), "id": f"own-{n}"}]},
           {"role": "tool", "tool_call_id": f"own-{n}", "content": "noon"},
           {"role": "assistant", "content": None, "tool_calls": [{**call("weather"), "id": f"its-{n}"}]}]
    text = f"its-{n}\n" + json.dumps(own)[1:-1]
    carrier = "weir-run-" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    return [{"role": "assistant", "content": None, "tool_calls": [{**call("weather"), "id": carrier}]},
            {"role": "tool", "tool_call_id": carrier, "content": f"rain {n}"}]


def test_a_conversation_of_many_rounds(weir, upstream):
    """However many there were, each is put into the conversation as the model had it."""
    upstream.script(saying("Again?"))
    rounds = 200
    create(weir(upstream, **ON), [*HELLO, *(m for n in range(rounds) for m in carrying(n))], tools=[WEATHER])
    messages = asked(upstream, 1)[0]["messages"]
    assert "weir-run-" not in json.dumps(messages) and len(messages) == 1 + 4 * rounds
    assert [m["tool_call_id"] for m in messages if m["role"] == "tool"] == [f"{who}-{n}" for n in range(rounds) for who in ("own", "its")]
