"""When an answer has begun, when it is whole, and what is none: as clients see it.

The rules are docs/wire-contract.md's; the tables of what follows what are tests/unit/dialect and tests/unit/call."""

import json
import threading
import time

import pytest

import bodies
import wire
from upstream import cut, event, reply, sse

PATHS = {"chat": "/v1/chat/completions", "completions": "/v1/completions", "responses": "/v1/responses"}
ASKS = {"chat": {"messages": [{"role": "user", "content": "Hi"}]}, "completions": {"prompt": "Hi"},
        "responses": {"input": "Hi"}}


def ask(w, form="chat", *, stream=True, **fields):
    return wire.call(w, "POST", PATHS[form], {"model": "m", "stream": stream, **ASKS[form], **fields})


def data_of(answer):
    return [data for _, data in answer.named_events()]


def assert_broken(answer, code="stream_interrupted"):
    """It began, and ends with an error event and without [DONE]."""
    assert answer.status == 200
    last = json.loads(data_of(answer)[-1])
    assert last["error"]["code"] == code
    assert b"[DONE]" not in answer.body


# -- begun -------------------------------------------------------------------------------------------------------------


def response(kind, **fields):
    return {"type": f"response.{kind}", **fields}


CREATED = response("created", response={"id": "r", "status": "in_progress"})
COMPLETED = response("completed", response={"id": "r", "object": "response", "status": "completed", "output": []})
QUICK = {"retry": {"base": "1ms", "cap": "1ms"}}


@pytest.mark.parametrize("kind", ["output_item.added", "web_search_call.in_progress", "file_search_call.searching",
                                  "code_interpreter_call.interpreting", "image_generation_call.partial_image",
                                  "mcp_list_tools.in_progress", "reasoning_summary_part.added", "novel.thing"])
def test_work_that_has_begun_is_not_asked_for_again(weir, upstream, kind):
    upstream.always(cut("in_stream", events=[CREATED, response(kind, output_index=0)]))
    answer = ask(weir(upstream, **QUICK), "responses")
    assert [json.loads(d)["type"] for d in data_of(answer)] == ["response.created", f"response.{kind}", "error"]
    assert answer.header("x-weir-attempts") == "1"


def test_a_response_that_was_only_taken_on_is_asked_for_again(weir, upstream):
    begun = [CREATED, response("in_progress"), {"type": "keepalive"}]
    upstream.script(cut("in_stream", events=begun), sse([CREATED, COMPLETED], end="no_done"))
    answer = ask(weir(upstream, **QUICK), "responses")
    assert [json.loads(d)["type"] for d in data_of(answer)] == ["response.created", "response.completed"]
    assert answer.header("x-weir-attempts") == "2"


def test_a_response_in_the_background_has_begun_once_it_is_taken_on(weir, upstream):
    upstream.always(cut("in_stream", events=[CREATED]))
    answer = ask(weir(upstream, **QUICK), "responses", background=True)
    assert json.loads(data_of(answer)[0])["type"] == "response.created"
    assert answer.header("x-weir-attempts") == "1"


def test_what_has_begun_goes_on_as_it_comes_and_is_no_silence(weir, upstream):
    search = response("web_search_call.searching", output_index=0)
    seen = threading.Event()
    upstream.script(sse([CREATED, search, seen, search, COMPLETED], end="no_done"))
    w = weir(upstream, timeouts={"first_token": "1s"})
    with wire.connect(w) as c:
        c.request("POST", PATHS["responses"], {"model": "m", "stream": True, **ASKS["responses"]})
        answer = c.head()
        pieces = c.body_pieces(answer)
        while b"searching" not in answer.body:  # not held until the text comes
            next(pieces)
        time.sleep(1.1)  # past the first token's deadline
        seen.set()
        for _ in pieces:
            pass
    assert json.loads(data_of(answer)[-1])["type"] == "response.completed"


# -- whole -------------------------------------------------------------------------------------------------------------


def text(index, words="", finish=None):
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m",
            "choices": [{"index": index, "text": words, "finish_reason": finish, "logprobs": None}]}


FIRST = [text(0, "a"), text(0, finish="stop")]
SECOND = [text(1, "b"), text(1, finish="length")]


@pytest.mark.parametrize("fields, events, whole", [
    ({"prompt": ["one", "two"]}, FIRST, False),
    ({"prompt": ["one", "two"]}, FIRST + SECOND[:1], False),
    ({"prompt": ["one", "two"]}, FIRST + SECOND, True),
    ({"prompt": [[1, 2], [3]]}, FIRST, False),
    ({"prompt": ["one", "two"], "n": 2}, FIRST + SECOND, False),
    ({"prompt": ["one"]}, FIRST, True),
    ({"prompt": [1, 2, 3]}, FIRST, True),
    ({"prompt": "one", "n": 2}, FIRST, False),
    ({"prompt": "one", "best_of": 2}, FIRST, True),
    ({"prompt": "one"}, FIRST + SECOND[:1], False),
], ids=lambda value: json.dumps(value) if isinstance(value, dict) else None)
def test_a_stream_is_whole_when_all_that_were_asked_for_and_all_that_began_are_finished(weir, upstream, fields, events,
                                                                                         whole):
    upstream.always(sse(events, end="no_done"))
    answer = ask(weir(upstream), "completions", **fields)
    assert [json.loads(d) for d in data_of(answer)[:-1]] == events
    if whole:
        assert data_of(answer)[-1] == "[DONE]"
    else:
        assert_broken(answer)


def test_a_choice_of_a_chat_that_nobody_asked_for_is_waited_for_too(weir, upstream):
    upstream.always(sse([bodies.chunk("a"), bodies.chunk("b", index=1), bodies.chunk(finish="stop")], end="no_done"))
    assert_broken(ask(weir(upstream)))


STOP = bodies.chunk(finish="stop")
LAST = {"chat": [bodies.chunk("a"), STOP], "completions": FIRST, "responses": [CREATED, COMPLETED]}
PIECE = {"chat": bodies.chunk("a"), "completions": text(0, "a"), "responses": response("output_text.delta", delta="a")}


@pytest.mark.parametrize("form", PATHS)
def test_an_end_without_a_reason_is_a_cut_where_reasons_are_told(weir, upstream, form):
    mark = [] if form == "responses" else ["[DONE]"]
    upstream.script(sse([PIECE[form]]), sse(LAST[form]), sse([PIECE[form]]), sse(LAST[form]))
    w = weir(upstream)
    first = ask(w, form)
    assert [json.loads(d) for d in data_of(first)[:1]] == [PIECE[form]] and data_of(first)[1:] == mark
    line = w.wait_call(first.header("x-request-id"))
    assert line["finish_reason"] == "unfinished" and "error" not in line
    ask(w, form)
    assert_broken(ask(w, form))
    assert data_of(ask(w, form))[len(LAST[form]):] == mark


def test_what_is_known_of_a_target_is_known_of_it_alone(weir, upstreams):
    tells, never = upstreams(), upstreams()
    tells.script(sse(LAST["chat"]), sse([PIECE["chat"]]))
    never.script(sse([PIECE["chat"]]))
    w = weir({"providers": {"a": {"kind": "openai", "url": tells.url}, "b": {"kind": "openai", "url": never.url}},
              "models": {"m": "a", "other": "b"}})
    ask(w)
    assert_broken(ask(w))
    assert data_of(ask(w, model="other"))[-1] == "[DONE]"


def test_a_server_that_does_not_know_n_gives_what_it_has(weir, upstream):
    upstream.always(sse(LAST["chat"]))
    w = weir(upstream)
    for _ in range(2):
        assert data_of(ask(w, n=2))[-1] == "[DONE]"


@pytest.mark.parametrize("form, events", [
    ("chat", [bodies.chunk("a"), STOP]),
    ("chat", [bodies.chunk({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}), bodies.chunk(finish="tool_calls")]),
    ("completions", FIRST),
    ("responses", [CREATED, COMPLETED]),
    ("responses", [CREATED, response("output_text.delta", delta="a"), response("incomplete", response={})]),
], ids=["chat", "tools", "completions", "responses", "incomplete"])
@pytest.mark.parametrize("after", [[], [0.2, b": ping\n\n"] * 40], ids=["silence", "heartbeats"])
def test_a_whole_answer_ends_although_its_connection_does_not(weir, upstream, form, events, after):
    upstream.always(sse(events + after, end="stall"))
    w = weir(upstream, timeouts={"between_events": "10s"})
    answer = ask(w, form)
    mark = [] if form == "responses" else ["[DONE]"]
    assert [json.loads(d) for d in data_of(answer)[:len(events)]] == events
    assert data_of(answer)[len(events):] == mark
    assert "error" not in w.wait_call(answer.header("x-request-id"))


def test_the_usage_chunk_is_waited_for(weir, upstream):
    upstream.always(sse([bodies.chunk("a"), STOP, 0.5, bodies.usage_chunk()], end="stall"))
    answer = ask(weir(upstream), stream_options={"include_usage": True})
    assert json.loads(data_of(answer)[-2])["usage"] == bodies.USAGE
    assert data_of(answer)[-1] == "[DONE]"


def test_whole_answers_are_no_failures_of_their_target(weir, upstream):
    upstream.always(sse([bodies.chunk("a"), STOP], end="reset"))
    w = weir(upstream, breaker={"failures": "50%", "of": 2})
    for _ in range(5):
        assert data_of(ask(w))[-1] == "[DONE]"


# -- none --------------------------------------------------------------------------------------------------------------

GOOD = {"/v1/chat/completions": bodies.completion("Saved."),
        "/v1/completions": {**text(0, "Saved.", "stop"), "usage": bodies.USAGE},
        "/v1/embeddings": {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}], "model": "m"},
        "/v1/moderations": {"id": "x", "model": "m", "results": [{"flagged": False}]},
        "/v1/responses": {"id": "r", "object": "response", "status": "completed", "output": []}}
FAILED = {"id": "r", "object": "response", "status": "failed", "output": [], "error": {"code": "server_error", "message": "no"}}


@pytest.mark.parametrize("path, body", [
    *[(path, body) for path in GOOD for body in ({}, [], "text", {"error": "it broke"}, {"object": "error", "message": "no"},
                                                 {"detail": "Not Found"}, {"type": "error", "error": {"message": "no"}})],
    *[("/v1/chat/completions", {**bodies.completion(), "choices": choices}) for choices in (None, [], [None], {}, [{}])],
    ("/v1/embeddings", {"object": "list", "data": []}), ("/v1/moderations", {"id": "x", "results": None}),
    ("/v1/responses", FAILED), ("/v1/responses", {**FAILED, "error": None}), ("/v1/responses", {"id": "r"}),
], ids=lambda value: value if isinstance(value, str) else json.dumps(value)[:60])
def test_a_200_without_an_answer_is_a_failed_attempt(weir, upstream, path, body):
    upstream.script(reply(200, body), reply(200, GOOD[path]))
    answer = wire.call(weir(upstream, **QUICK), "POST", path, {"model": "m", "input": "Hi", "prompt": "Hi", **ASKS["chat"]})
    assert answer.status == 200 and answer.json() == GOOD[path]
    assert answer.header("x-weir-attempts") == "2"


@pytest.mark.parametrize("path", GOOD)
def test_a_byte_order_mark_is_passed_over(weir, upstream, path):
    mark = b"\xef\xbb\xbf"
    upstream.script(reply(200, mark + json.dumps(GOOD[path]).encode(), {"content-type": "application/json"}),
                    reply(400, mark + b'{"error":{"message":"No.","type":"t","param":null,"code":"c"}}', {"content-type": "application/json"}))
    w, asked = weir(upstream, **QUICK), {"model": "m", "input": "Hi", "prompt": "Hi", **ASKS["chat"]}
    answer = wire.call(w, "POST", path, asked)
    assert (answer.status, json.loads(answer.body.decode())) == (200, GOOD[path])
    assert answer.header("x-weir-attempts") == "1"
    refused = wire.call(w, "POST", path, asked)
    assert (refused.status, json.loads(refused.body.decode())["error"]["code"]) == (400, "c")


def test_what_was_missing_is_said(weir, upstream):
    upstream.always(reply(200, {"choices": []}))
    answer = ask(weir(upstream, retry={"retries": 0}), stream=False)
    assert answer.status == 502
    assert answer.error["code"] == "provider_bad_answer"
    assert answer.error["message"] == "The provider's answer has no choices."


@pytest.mark.parametrize("content", ["", None])
def test_an_answer_without_content_is_an_answer(weir, upstream, content):
    filtered = bodies.completion(content)
    filtered["choices"][0]["finish_reason"] = "content_filter"
    upstream.script(reply(200, filtered), sse([bodies.chunk({"role": "assistant"}), bodies.chunk(finish="content_filter")]))
    w = weir(upstream)
    assert ask(w, stream=False).json() == filtered
    assert data_of(ask(w))[-1] == "[DONE]"


ROLE = bodies.chunk({"role": "assistant", "content": ""})
AZURE = {"id": "", "model": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}


@pytest.mark.parametrize("events", [[], [ROLE], [bodies.usage_chunk()], [AZURE], [AZURE, ROLE, bodies.usage_chunk()]])
@pytest.mark.parametrize("end", ["done", "no_done"])
def test_a_stream_of_nothing_but_its_end_is_a_failed_attempt(weir, upstream, events, end):
    upstream.script(sse(events, end=end), sse(LAST["chat"]))
    answer = ask(weir(upstream, **QUICK))
    assert [json.loads(d) for d in data_of(answer)[:-1]] == LAST["chat"]
    assert answer.header("x-weir-attempts") == "2"


ERRORS = {
    "openai": event({"error": {"message": "no", "type": "server_error", "param": None, "code": None}}),
    "text": event({"error": "no"}),
    "vllm": event({"object": "error", "message": "no", "type": "BadRequestError", "param": None, "code": 500}),
    "fastapi": event({"detail": "no"}),
    "anthropic": b"event: error\n" + event({"type": "error", "error": {"type": "overloaded_error", "message": "no"}}),
    "flat": event({"message": "no", "type": "server_error", "code": None}),
    "gemini": event([{"error": {"code": 503, "message": "no", "status": "UNAVAILABLE"}}]),
    "named": b"event: error\ndata: no\n\n",
    "named_json": b"event: error\n" + event({"reason": "no"}),
}


@pytest.mark.parametrize("form", ["chat", "responses"])
@pytest.mark.parametrize("error", ERRORS)
def test_an_error_in_a_stream_in_any_form(weir, upstream, error, form):
    begun = PIECE[form]
    upstream.script(sse([ERRORS[error]], end="stall"), sse([begun, ERRORS[error]], end="stall"))
    answer = ask(weir(upstream, **QUICK), form)
    assert answer.header("x-weir-attempts") == "2"
    events = [json.loads(d) for d in data_of(answer)]
    assert events[0] == begun and len(events) == 2 and events[1]["error"]
    assert b"[DONE]" not in answer.body
