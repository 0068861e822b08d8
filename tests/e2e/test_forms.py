"""Answers in another form than the one that was asked for, or in other words, as their clients want them."""

import json
import threading

import openai
import pytest
from openai import OpenAI

import bodies
import wire
from test_sdk_python import RESPONSE, response_events
from upstream import after, error, event, raw, reply, sse


@pytest.mark.parametrize("native, word", [("end_turn", "stop"), ("MAX_TOKENS", "length"), ("tool_use", "tool_calls"),
                                          ("SAFETY", "content_filter"), ("of_a_kind_to_come", "stop")])
def test_foreign_finish_reasons(weir, upstream, native, word):
    plain = json.dumps(bodies.completion("Hi")).replace('"finish_reason": "stop"', f'"finish_reason":  "{native}"')
    last = json.dumps(bodies.chunk(finish=native), indent=None)
    upstream.script(reply(200, plain), sse([json.dumps(bodies.chunk("Hi")), last]))
    w = weir(upstream)
    beside = f'"{word}","native_finish_reason":"{native}"'
    answer = wire.chat(w)
    assert answer.body.decode() == plain.replace(f'"{native}"', beside)  # and nothing else is changed
    assert w.wait_call(answer.header("x-request-id"))["finish_reason"] == word
    answer = wire.chat(w, stream=True)
    assert answer.named_events()[1][1] == last.replace(f'"{native}"', beside)
    assert answer.events()[-1] == "[DONE]" and answer.complete


# -- events and documents ----------------------------------------------------------------------------------------------

TYPES = ["application/json", "text/plain; charset=utf-8", "application/octet-stream", None]
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Zürich"}'}}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
           "content": [{"type": "output_text", "text": "Hello.", "annotations": [], "logprobs": []},
                       {"type": "refusal", "refusal": "No more."}]}
CALL = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Zürich"}'}
THOUGHT = {"id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Why not."}]}
LARGER = {**RESPONSE, "output": [THOUGHT, MESSAGE, CALL]}
ASK = {"model": "gpt-test", "messages": [{"role": "user", "content": "x"}]}


def under(content_type, events):
    """Events as they are, under a type that says another thing, or none."""
    head = b"HTTP/1.1 200 OK\r\n" + (f"content-type: {content_type}\r\n".encode() if content_type else b"")
    return raw([head + b"connection: close\r\n\r\n", *events], end="close")


def rich():
    answer = bodies.completion("one", x_new={"deep": [1, None]})
    first = answer["choices"][0]
    first["message"] |= {"reasoning_content": "since", "tool_calls": [TOOL_CALL]}
    first["logprobs"] = {"content": [{"token": "one", "logprob": -0.5, "bytes": None, "top_logprobs": []}], "refusal": None}
    answer["choices"].append({"index": 1, "message": {"role": "assistant", "content": "two", "refusal": None}, "logprobs": None,
                              "finish_reason": "stop"})
    return answer


@pytest.mark.parametrize("content_type", TYPES)
def test_events_under_another_type(weir, upstream, content_type):
    """They go on one by one, as they come."""
    gate = threading.Event()
    upstream.script(under(content_type, [event(json.dumps(bodies.chunk("Hi"))), gate, event(json.dumps(bodies.chunk(finish="stop"))),
                                         event("[DONE]")]))
    with wire.connect(weir(upstream)) as c:
        c.request("POST", "/v1/chat/completions", {**ASK, "stream": True})
        answer = c.head()
        for _ in c.body_pieces(answer):
            gate.set()
    assert answer.complete and answer.header("content-type").startswith("text/event-stream")
    assert bodies.text_of(answer.events()) == "Hi" and answer.events()[-1] == "[DONE]"


@pytest.mark.parametrize("content_type", ["text/event-stream", *TYPES])
def test_events_where_json_was_asked_for(weir, upstream, content_type):
    events = [event(json.dumps(c)) for c in bodies.stream("Hel", "lo.", usage=bodies.USAGE)]
    upstream.script(under(content_type, [*events, event("[DONE]")]))
    w = weir(upstream)
    answer = wire.chat(w)
    assert answer.status == 200 and answer.header("content-type") == "application/json"
    assert answer.json() == {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1700000000, "model": "gpt-test", "usage": bodies.USAGE,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "logprobs": None, "finish_reason": "stop"}]}
    line = w.wait_call(answer.header("x-request-id"))
    assert (line["attempts"], line["total_tokens"], line["stream"]) == (1, 12, False)


def test_half_a_stream_is_no_json(weir, upstream):
    """A failed attempt, like any that ends before its answer does."""
    chunks = [event(json.dumps(bodies.chunk("Half"))), event(json.dumps(bodies.chunk(finish="stop")))]
    upstream.script(under("text/event-stream", chunks[:1]), under("text/event-stream", chunks))
    answer = wire.chat(weir(upstream))
    assert answer.json()["choices"][0]["message"]["content"] == "Half"
    assert answer.header("x-weir-attempts") == "2"


@pytest.mark.parametrize("usage", [False, True])
@pytest.mark.parametrize("content_type", ["application/json", "text/event-stream"])
def test_json_where_events_were_asked_for(weir, upstream, content_type, usage):
    upstream.script(reply(200, json.dumps(bodies.completion("Hello."), indent=1), headers=[("content-type", content_type)]))
    w = weir(upstream)
    answer = wire.chat(w, stream=True, **({"stream_options": {"include_usage": True}} if usage else {}))
    assert answer.complete and answer.header("content-type").startswith("text/event-stream")
    *events, done = answer.events()
    assert done == "[DONE]" and bodies.text_of(events) == "Hello."
    assert {e["object"] for e in events} == {"chat.completion.chunk"}
    assert [e["choices"][0]["finish_reason"] for e in events[:2]] == [None, "stop"]
    assert [e["usage"] for e in events[2:]] == ([bodies.USAGE] if usage else [])
    assert w.wait_call(answer.header("x-request-id"))["total_tokens"] == 12


def test_there_and_back(weir, upstream):
    """What is made of a document, by a second weir that gets it as an answer, is that document."""
    upstream.script(reply(200, rich()))
    w = weir(upstream)
    made = wire.chat(w, stream=True, stream_options={"include_usage": True})
    upstream.script(under("text/event-stream", [made.body]))
    assert wire.chat(w).json() == rich()


def test_chat_of_either_form(weir, upstream):
    upstream.script(under(None, [event(json.dumps(c)) for c in bodies.stream("Hello.")]), reply(200, bodies.completion("Hello.")))
    w = weir(upstream)
    assert wire.call(w, "POST", "/chat", {"message": "x"}).json()["response"] == "Hello."
    first, last = wire.call(w, "POST", "/chat", {"message": "x", "stream": True}).events()
    assert first == {"delta": "Hello."} and last["done"] is True


def test_python_sdk_gets_what_it_asks_for(weir, upstream):
    """The accumulators of the official SDK put the events together to what the document was."""
    upstream.script(reply(200, rich()), reply(200, LARGER), under("text/event-stream", response_events(response=LARGER)),
                    reply(200, {**RESPONSE, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}))
    with OpenAI(base_url=weir(upstream).base_url, api_key="k", max_retries=0, timeout=10) as client:
        with client.chat.completions.stream(**ASK, stream_options={"include_usage": True}) as stream:
            kinds = {e.type for e in stream}
            answer = stream.get_final_completion()
        assert kinds >= {"content.done", "tool_calls.function.arguments.done", "logprobs.content.done"}
        assert [(c.message.content, c.finish_reason) for c in answer.choices] == [("one", "stop"), ("two", "stop")]
        assert answer.choices[0].message.tool_calls[0].function.arguments == TOOL_CALL["function"]["arguments"]
        assert answer.usage.total_tokens == 12

        text, refusal, arguments = "", "", ""
        with client.responses.stream(model="gpt-test", input="x") as stream:
            for e in stream:
                text += e.delta if e.type == "response.output_text.delta" else ""
                refusal += e.delta if e.type == "response.refusal.delta" else ""
                arguments += e.delta if e.type == "response.function_call_arguments.delta" else ""
                if e.type in ("response.output_text.delta", "response.function_call_arguments.delta"):
                    assert e.snapshot == {"msg_1": "Hello.", "fc_1": CALL["arguments"]}[e.item_id]  # what it has put together
            answer = stream.get_final_response()
        assert (text, refusal, arguments) == ("Hello.", "No more.", CALL["arguments"])
        assert answer.output_text == "Hello." and answer.output[2].arguments == CALL["arguments"]

        assert client.responses.create(model="gpt-test", input="x").to_dict() == LARGER
        *_, last = client.responses.create(model="gpt-test", input="x", stream=True)
        assert last.type == "response.incomplete" and last.response.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize("stream", [False, True])
def test_completions_of_either_form(weir, upstream, stream):
    document = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "instruct", "usage": bodies.USAGE,
                "choices": [{"index": 0, "text": "Hello.", "logprobs": None, "finish_reason": "stop"}]}
    pieces = [{**document, "usage": None, "choices": [{**document["choices"][0], "text": t, "finish_reason": f}]}
              for t, f in (("Hel", None), ("lo.", None), ("", "stop"))]
    events = [event(json.dumps(e)) for e in [*pieces, {**document, "choices": []}]]
    upstream.script(reply(200, document) if stream else under("text/event-stream", [*events, event("[DONE]")]))
    with OpenAI(base_url=weir(upstream).base_url, api_key="k", max_retries=0, timeout=10) as client:
        answer = client.completions.create(model="instruct", prompt="x", stream=stream)
        if not stream:
            assert answer.to_dict() == document
            return
        chunks = list(answer)
    assert "".join(c.choices[0].text for c in chunks) == "Hello."
    assert [c.choices[0].finish_reason for c in chunks] == [None, "stop"]


# -- a status that nobody sees -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code, told", [("rate_limit_exceeded", "rate_limit_exceeded"), (None, "429")])
@pytest.mark.parametrize("endpoint", ["chat", "responses"])
def test_the_sdk_tells_the_status_of_a_failure_behind_a_comment(weir, upstream, endpoint, code, told):
    upstream.script(after(0.5, error(429, "Too fast.", "tokens", code)))
    w = weir(upstream, models={"*": {"targets": "main", "keep_alive_comment": "50ms"}}, retry={"retries": 0})
    with OpenAI(base_url=w.base_url, api_key="k", max_retries=0, timeout=10) as client, pytest.raises(openai.APIError) as raised:
        if endpoint == "chat":
            list(client.chat.completions.create(**ASK, stream=True))
        else:
            list(client.responses.create(model="gpt-test", input="x", stream=True))
    assert raised.value.message == "Too fast. (status 429)"
    assert raised.value.code == told
    assert raised.value.body["status"] == 429


@pytest.mark.parametrize("reason, word", [("max_output_tokens", "length"), ("content_filter", "content_filter"), (None, "stop")])
@pytest.mark.parametrize("stream", [False, True])
def test_why_a_response_ended_stands_in_its_record(weir, upstream, stream, reason, word):
    """By the same word, whichever form it was asked for in."""
    whole = {**RESPONSE, "status": "incomplete" if reason else "completed", "incomplete_details": {"reason": reason} if reason else None}
    last = {"type": "response.incomplete" if reason else "response.completed", "response": whole}
    upstream.script(sse([{"type": "response.created", "response": RESPONSE}, last], end="no_done") if stream else reply(200, whole))
    w = weir(upstream)
    answer = wire.call(w, "POST", "/v1/responses", {"model": "m", "input": "x", "stream": stream})
    assert w.wait_call(answer.header("x-request-id"))["finish_reason"] == word


def test_items_of_a_response_stand_at_their_places(weir, upstream):
    """Whichever was done first."""
    said = [{**MESSAGE, "id": f"msg_{n}"} for n in range(3)]
    done = [{"type": "response.output_item.done", "output_index": n, "item": said[n]} for n in (2, 0, 1)]
    upstream.script(sse([*done, {"type": "response.completed", "response": {**RESPONSE, "output": []}}], end="no_done"))
    answer = wire.call(weir(upstream), "POST", "/v1/responses", {"model": "m", "input": "x"})
    assert answer.json()["output"] == said
