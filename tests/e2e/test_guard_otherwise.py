"""What a guard sees of an answer that a server writes otherwise than OpenAI documents it: no text of it is passed over, and none that comes in pieces is
taken for several."""

import json
import random

import pytest

import bodies
import wire
from test_guard_places import HI, MANY, MODEL, SAID, SHOWN, Chat, Response, guarded, redacted
from test_guards import TICKET
from test_sdk_python import RESPONSE
from upstream import reply, sse

def answered(**members):
    answer = bodies.completion("x")
    answer["choices"][0]["message"].update(members)
    return answer


def choice(**members):
    answer = bodies.completion("x")
    answer["choices"][0].update(members)
    return answer


def item(**members):
    return {**RESPONSE, "output": [members]}


OTHERWISE = {
    "arguments that are an object": answered(tool_calls=[{"id": "c", "type": "function", "function": {"name": "f", "arguments": {"a": SAID}}}]),
    "arguments that are a list": answered(function_call={"name": "f", "arguments": [SAID]}),
    "a call that is a string": answered(tool_calls=[SAID]),
    "a function that is a string": answered(tool_calls=[{"id": "c", "function": SAID}]),
    "reasoning in parts": answered(reasoning_content=[{"type": "text", "text": SAID}]),
    "a refusal in parts": answered(refusal=[{"type": "text", "text": SAID}]),
    "what stands beside a text": answered(content=[{"type": "text", "text": "x", "annotations": [{"title": SAID}]}]),
    "arguments that speak of logprobs": answered(tool_calls=[{"id": "c", "type": "function", "function": {"name": "f", "arguments": {"logprobs": {"to": SAID}}}}]),
    "what stands beside a message": choice(reasoning=SAID),
    "a message that is a string": choice(messages=SAID),
    "messages": choice(messages=[{"role": "assistant", "content": SAID}]),
    "what was found": {**bodies.completion("x"), "search_results": [{"title": SAID}], "citations": [SAID]},
    "response, arguments that are an object": item(type="tool_search_call", call_id="c", arguments={"q": SAID}),
    "response, an annotation": item(type="message", role="assistant", content=[{"type": "output_text", "text": "x", "annotations": [{"title": SAID}]}]),
    "response, an item that is a string": item(type="message", content=[SAID]),
    "response, all of its text": {**RESPONSE, "output_text": SAID},
}


def test_what_is_written_otherwise(weir, upstream):
    upstream.script(*[reply(200, answer) for answer in OTHERWISE.values()])
    w = guarded(weir, upstream, "redact")
    for place, answer in OTHERWISE.items():
        form = Response if place.startswith("response") else Chat
        told = wire.call(w, "POST", form.path, {k: v for k, v in form.asked.items() if k != "n"})
        assert told.status == 200 and told.json() == redacted(answer), place


# How a delta says some text, as servers do: Mistral, OpenRouter, LiteLLM, Ollama and Copilot their reasoning; and how it is read.
DELTAS = {
    "thinking in the content": (lambda t: {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": t}]}]},
                                lambda d: d["content"][0]["thinking"][0]["text"]),
    "thinking, a string": (lambda t: {"content": [{"type": "thinking", "thinking": t, "signature": None}]}, lambda d: d["content"][0]["thinking"]),
    "reasoning_details": (lambda t: {"reasoning_details": [{"type": "reasoning.text", "text": t, "format": "f", "index": 0}]},
                          lambda d: d["reasoning_details"][0]["text"]),
    "a later detail": (lambda t: {"reasoning_details": [{"type": "reasoning.summary", "summary": t, "index": 7}]}, lambda d: d["reasoning_details"][0]["summary"]),
    "thinking_blocks": (lambda t: {"thinking_blocks": [{"type": "thinking", "thinking": t}]}, lambda d: d["thinking_blocks"][0]["thinking"]),
    "thinking": (lambda t: {"thinking": t}, lambda d: d["thinking"]),
    "reasoning_text": (lambda t: {"reasoning_text": t}, lambda d: d["reasoning_text"]),
    "what nobody knows": (lambda t: {"novel_text": t}, lambda d: d["novel_text"]),
    "a text in the content": (lambda t: {"content": {"type": "text", "text": t}}, lambda d: d["content"]["text"]),
}


@pytest.mark.parametrize("name", DELTAS)
def test_a_delta_that_says_it_otherwise(weir, upstream, name):
    """Cut anywhere: what is told of it is the text of a plain answer, without more labels than came."""
    put, get = DELTAS[name]
    cuts = [[SAID[:at], SAID[at:]] for at in range(1, len(SAID))] + [list(SAID)]
    upstream.script(*[sse([bodies.chunk(put(piece)) for piece in cut] + [bodies.chunk(finish="stop")]) for cut in cuts])
    w = guarded(weir, upstream, "redact")
    for cut in cuts:
        answer = wire.chat(w, stream=True)
        deltas = [c["delta"] for e in answer.events() if e != "[DONE]" for c in e["choices"] if c["delta"]]
        assert "".join(get(d) or "" for d in deltas) == SHOWN, cut


def test_what_is_told_of_tokens_within_what_nobody_knows(weir, upstream):
    """It is taken out where anything else is, with what was found in it."""
    answer = choice(novel={"a": SAID, "logprobs": {"to": SAID, "logprobs": [SAID]}})
    upstream.script(reply(200, answer), sse([bodies.chunk({"novel": {"logprobs": [SAID]}, "content": SAID}), bodies.chunk(finish="stop")]))
    w = guarded(weir, upstream, "redact")
    assert wire.chat(w).json()["choices"][0]["novel"] == {"a": SHOWN, "logprobs": None}
    assert b"TICK-" not in wire.chat(w, stream=True).body


def test_what_is_whole_stays_as_it_is(weir, upstream):
    """Labels and figures that each chunk repeats, and what is signed, though it may begin what a rule looks for."""
    deltas = [{"content": "see ", "channel": "TI", "turn": "4111"}, {"content": "we", "channel": "TI", "turn": "4112"},
              {"content": [{"type": "thinking", "thinking": "ends in TI", "signature": "s"}]}, {"content": [{"type": "thinking", "thinking": "CK", "signature": "t"}]}]
    upstream.script(sse([*(bodies.chunk(delta) for delta in deltas), bodies.chunk(finish="stop")]))
    events = [e for e in wire.chat(guarded(weir, upstream, "redact"), stream=True).events() if e != "[DONE]"]
    assert [c["delta"] for e in events for c in e["choices"] if c["delta"]] == deltas


def test_texts_of_a_list_go_on_with_each_other(weir, upstream):
    """Wherever in the list they stand."""
    upstream.script(sse([bodies.chunk({"content": [{"type": "text", "text": "see "}, {"type": "text", "text": TICKET[:7]}]}),
                         bodies.chunk({"content": [{"type": "text", "text": TICKET[7:]}]}), bodies.chunk(", ok"), bodies.chunk(finish="stop")]))
    told = [c["delta"].get("content") for e in wire.chat(guarded(weir, upstream, "redact"), stream=True).events() if e != "[DONE]" for c in e["choices"]]
    assert "".join(t if isinstance(t, str) else "".join(p["text"] for p in t) for t in told if t) == SHOWN


# An event of a response that has no row of its own: how it says some text in pieces, and whole; and which member holds it.
EVENTS = {
    "code_interpreter_call_code": "code", "shell_call_command": "command", "apply_patch_call_operation_diff": "diff", "novel": "novelty",
}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_nobody_knows(weir, upstream, name):
    at = {"item_id": "i0", "output_index": 0}

    def named(what, **members):
        return f"event: response.{what}\ndata: {json.dumps({'type': 'response.' + what, **members})}\n\n".encode()
    cuts = [[SAID[:n], SAID[n:]] for n in range(1, len(SAID))]
    upstream.script(*[sse([named("created", response={**RESPONSE, "status": "in_progress", "output": []}),
                           *[named(f"{name}.delta", **at, delta=piece) for piece in cut], named(f"{name}.done", **at, **{EVENTS[name]: SAID}),
                           named("output_text.annotation.added", **at, annotation={"title": SAID}), named("done", response=item(type="novel", text=SAID)),
                           named("completed", response=RESPONSE)], end="no_done") for cut in cuts])
    w = guarded(weir, upstream, "redact")
    for cut in cuts:
        events = wire.call(w, "POST", Response.path, {**Response.asked, "stream": True}).events()
        assert "".join(e["delta"] for e in events if e["type"].endswith(".delta")) == SHOWN, cut
        told = {e["type"]: e for e in events}
        assert told[f"response.{name}.done"][EVENTS[name]] == told["response.output_text.annotation.added"]["annotation"]["title"] == SHOWN
        assert told["response.done"]["response"]["output"][0]["text"] == SHOWN


NAMES = ["content", "text", "refusal", "reasoning", "reasoning_details", "thinking", "tool_calls", "function", "function_call", "arguments", "input", "name", "audio",
         "transcript", "annotations", "novel", "summary", "output", "item", "part", "delta", "command", "signature", "custom", "image_url"]
TYPES = ["output_item.done", "output_item.added", "content_part.done", "novel.delta", "novel.done", "output_text.delta", "output_text.done", "function_call_arguments.delta"]


def anything(draw, depth=0):
    kind = draw.random()
    if depth > 4 or kind < 0.5:
        return draw.choice([TICKET, SAID, "plain", "", None, 1, True])
    if kind < 0.75:
        return members(draw, depth + 1)
    return [anything(draw, depth + 1) for _ in range(draw.randint(0, 3))]


def members(draw, depth=0):
    return {draw.choice(NAMES): anything(draw, depth) for _ in range(draw.randint(1, 6))}


def answers_of(draw):
    """One of each form: of a completion and a response, whole and in events."""
    yield Chat, False, reply(200, choice(message=members(draw), **{k: v for k, v in members(draw).items() if k != "delta"}))
    yield Chat, True, sse([bodies.chunk(members(draw)) for _ in range(4)] + [bodies.chunk(finish="stop")])
    yield Response, False, reply(200, item(**members(draw)))
    events = [("created", {"response": {**RESPONSE, "status": "in_progress", "output": []}})] + [(draw.choice(TYPES), members(draw)) for _ in range(5)]
    yield Response, True, sse([{"type": f"response.{name}", "output_index": 0, **said} for name, said in [*events, ("completed", {"response": RESPONSE})]], end="no_done")


# -- errors --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["redact", "block", "off"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_what_a_provider_says_in_an_answers_place(weir, upstream, action, stream):
    """Before an answer and within one, to a client of either form, in the log: other words stay as they are."""
    told = {"error": {"message": f"'{SAID}' is not allowed", "type": "invalid_request_error", "param": TICKET, "code": "not_allowed", "details": [SAID]}}
    upstream.always(lambda seen: sse([*bodies.stream("x")[:2], told], end="no_done") if seen.json().get("seed") else reply(400, told))
    w = guarded(weir, upstream, action, retry={"retries": 0})
    asked = [("/v1/chat/completions", {**MODEL, "messages": [HI], "stream": stream}), ("/chat", {"message": "hi", "stream": stream})]
    if stream:
        asked.append(("/v1/chat/completions", {**MODEL, "messages": [HI], "stream": True, "seed": 1}))
    for path, body in asked:
        answer = wire.call(w, "POST", path, body)
        said = answer.body.decode() + json.dumps(w.wait_call(answer.header("x-request-id")))
        assert (TICKET in said) == (action == "off"), said
        if action == "redact":
            assert f"'{SHOWN}' is not allowed" in said and "[TICKET_1]" in said
        if action == "block":
            assert "The provider's error has something that the gateway's guard does not let through." in said
    assert "not_allowed" in wire.call(w, "POST", *asked[0]).body.decode()


@pytest.mark.parametrize("action", ["redact", "block"])
def test_why_a_response_has_failed(weir, upstream, action):
    """Behind a part of it, in the event that ends it."""
    begun = [{"type": "response.created", "response": {**RESPONSE, "status": "in_progress", "output": []}},
             {"type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "x"}]
    failed = {"type": "response.failed", "response": {**RESPONSE, "status": "failed", "output": [], "error": {"code": "server_error", "message": SAID}}}
    upstream.script(sse([*begun, failed], end="no_done"))
    w = guarded(weir, upstream, action, retry={"retries": 0})
    answer = wire.call(w, "POST", "/v1/responses", {**MODEL, "input": "hi", "stream": True})
    assert TICKET not in answer.body.decode()
    if action == "redact":
        assert answer.events()[-1] == redacted(failed)


LETTERS = "x7Kq2LmPz9RtYb4Wd8NcVf3HsJ6GaEo1Ui5T"
TOKEN = "ghp_" + LETTERS
CUT = [reply(502, f"{'x' * 168} {TOKEN} is no key".encode(), {"Content-Type": "text/plain"}),
       reply(422, {"detail": [{"loc": ["body"], "msg": f"{'x' * 362} {TOKEN} bad", "type": "t"}]}),
       reply(422, {"errors": [f"{'x' * 380} {TOKEN}", "x"]})]


@pytest.mark.parametrize("action", ["redact", "block"])
@pytest.mark.parametrize("refused", CUT, ids=["text", "detail", "list"])
def test_of_what_is_cut_no_part_of_a_secret_stays(weir, upstream, action, refused):
    """Which is none any more by its rule, where it ends before its end."""
    upstream.script(refused)
    w = weir(upstream, guard={"out": action}, retry={"retries": 0})
    answer = wire.chat(w)
    said = answer.json()["error"]["message"]
    assert said == w.wait_call(answer.header("x-request-id"))["message"]
    assert "xxx" in said and LETTERS[:4] not in answer.body.decode(), said
    assert said.endswith("…") == (refused is not CUT[0])


@pytest.mark.parametrize("action", ["redact", "block"])
def test_all_of_an_error_is_looked_at(weir, upstream, action):
    """Its numbers and its members' names, and JSON is what it stays."""
    error = {"message": "bad", "type": "invalid_request_error", "param": None, "code": "odd", "n": [1, -2.5], "input": {"card": CARD, "ada.lovelace@example.org": 1},
             "raw": '{"to": "\\u0061da.lov\\u0065lace@example.org", "card": %d}' % CARD}
    upstream.always(reply(400, {"error": error}))
    w = weir(upstream, guard={"out": action}, retry={"retries": 0})
    answer = wire.chat(w)
    told = answer.json()["error"]
    assert answer.status == 400 and told["type"] == "invalid_request_error" and told["code"] == "odd"
    if action == "block":
        assert told == {**{k: told[k] for k in ("type", "code")}, "param": None, "message": "The provider's error has something that the gateway's guard does not let through."}
        assert w.wait_call(answer.header("x-request-id"))["message"] == told["message"]
    else:
        assert told["message"] == "bad" and told["n"] == [1, -2.5]
        raw = json.loads(told["raw"])
        assert raw["card"] == "4111[CARD_1]" and raw["to"].endswith("[EMAIL_1]") and "lace@" not in raw["to"]
        (card, shown), (name, one) = told["input"].items()
        assert (card, shown, one) == ("card", "4111[CARD_1]", 1) and name.endswith("[EMAIL_1]") and "lovelace@" not in name


def test_so_is_what_it_quotes(weir, upstream):
    """JSON of another's, with escapes of its own."""
    raw = '{"to": "\\u0061da.lov\\u0065lace@ex\\u0061mple.org"}'
    upstream.script(reply(400, {"error": {"message": raw, "type": "t", "param": None, "code": None, "metadata": {"raw": raw}}}))
    answer = wire.chat(weir(upstream, guard={"out": "redact"}, retry={"retries": 0}))
    error = answer.json()["error"]
    assert json.loads(error["message"]) == json.loads(error["metadata"]["raw"]) == {"to": "ada.love[EMAIL_1]"}


@pytest.mark.parametrize("guarded", [True, False])
def test_what_was_not_looked_at_is_not_in_the_log(weir, upstream, guarded):
    """Of an error that an answer follows, at logs.level debug, too."""
    said = {"error": {"message": f"no {TOKEN}", "type": "server_error", "param": None, "code": None}}
    upstream.script(reply(500, said), reply(200, bodies.completion("x")))
    w = weir(upstream, logs={"level": "debug"}, retry={"retries": 1, "base": "1ms", "cap": "1ms"}, **({"guard": {"out": "redact"}} if guarded else {}))
    answer = wire.chat(w)
    w.wait_call(answer.header("x-request-id"))
    followed = w.wait_event("try_followed")
    assert answer.status == 200 and followed["failure"] == "overload" and followed["decision"] == "wait" and followed["wait_ms"] in (0, 1)
    assert ("detail" in followed) == (TOKEN in json.dumps(w.log)) == (not guarded)


# -- numbers of arguments ------------------------------------------------------------------------------------------------

CARD = 4111111111111111
NUMBERS = json.dumps({"card": CARD, "all": [CARD, -2.5, 1e5], "text": f"pay with {CARD}"})


def of_numbers(shown):
    return {"card": f"{shown}[CARD_1]", "all": [f"{shown}[CARD_1]", -2.5, 1e5], "text": f"pay with {shown}[CARD_1]"}


def call_of(arguments):
    return {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}


def test_arguments_of_which_a_number_is_hidden_are_json(weir, upstream):
    """What a provider is sent, and what a client reads: plain, and streamed in pieces of each size, whose bytes are the plain answer's."""
    plain = bodies.completion(None)
    plain["choices"][0].update(message={"role": "assistant", "content": None, "tool_calls": [call_of(NUMBERS)]}, finish_reason="tool_calls")

    def answer(seen):
        step = seen.json().get("seed", 1)
        pieces = [bodies.chunk({"tool_calls": [{"index": 0, "function": {"arguments": NUMBERS[i:i + step]}}]}) for i in range(0, len(NUMBERS), step)]
        return sse([bodies.chunk({"tool_calls": [call_of("")]}), *pieces, bodies.chunk(finish="tool_calls")]) if seen.json().get("stream") else reply(200, plain)
    upstream.always(answer)
    w = weir(upstream, guard={"in": "redact", "out": "redact"})
    messages = [{"role": "user", "content": "hi"}]
    for more in ({}, {"tools": MANY}):
        told = wire.chat(w, messages=[*messages, {"role": "assistant", "content": None, "tool_calls": [call_of(NUMBERS)]}], **more)
        sent = upstream.requests[-1].json()["messages"][-1]["tool_calls"][0]["function"]["arguments"]
        assert json.loads(sent) == of_numbers("")
        assert str(CARD) not in told.body.decode()
    whole = wire.chat(w, messages=messages).json()["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(whole) == of_numbers("4111")
    for step in range(1, 20):
        events = wire.chat(w, messages=messages, stream=True, seed=step).events()
        deltas = [c["delta"] for e in events if e != "[DONE]" for c in e["choices"]]
        assert "".join(call["function"]["arguments"] for d in deltas for call in d.get("tool_calls") or []) == whole


def input_of(text):
    return {"index": 0, "id": "c", "type": "custom", "custom": {"name": "f", "input": text}}


# That which begins as JSON does and is none: as it is said, as a provider reads it and as a client does.
NOTES = [("[Note] SSN 123-45-6789.", "[Note] SSN [US_SSN_1].", "[Note] SSN 123-4[US_SSN_1]."),
         ("{'card': '4111111111111111'}", "{'card': '[CARD_1]'}", "{'card': '4111[CARD_1]'}"),
         (f"[Note] my card is {CARD}, ok", "[Note] my card is [CARD_1], ok", "[Note] my card is 4111[CARD_1], ok")]


@pytest.mark.parametrize("text,sent,shown", NOTES, ids=["note", "code", "card"])
def test_what_begins_as_json_and_is_none_is_given_no_quotes(weir, upstream, text, sent, shown):
    """The input of a custom tool, in both forms of a request, plain and streamed in pieces of each size; and whatever else there is where no outline is made."""
    asked = {"role": "assistant", "content": None, "tool_calls": [input_of(text)]}
    plain = bodies.completion(None)
    plain["choices"][0].update(message=asked, finish_reason="tool_calls")
    item = {"id": "i", "type": "custom_tool_call", "call_id": "c", "name": "f", "input": text, "status": "completed"}
    whole = {**RESPONSE, "output": [item]}

    def answer(seen):
        step = seen.json().get("seed", 1)
        pieces = [text[i:i + step] for i in range(0, len(text), step)]
        if seen.path.endswith("responses"):
            at = {"output_index": 0, "item_id": "i"}
            return sse([{"type": "response.output_item.added", "output_index": 0, "item": {**item, "input": ""}},
                        *[{"type": "response.custom_tool_call_input.delta", **at, "delta": p} for p in pieces],
                        {"type": "response.custom_tool_call_input.done", **at, "input": text}, {"type": "response.completed", "response": whole}]
                       ) if seen.json().get("stream") else reply(200, whole)
        chunks = [bodies.chunk({"tool_calls": [{"index": 0, "custom": {"input": p}}]}) for p in pieces]
        return sse([bodies.chunk({"tool_calls": [input_of("")]}), *chunks, bodies.chunk(finish="tool_calls")]) if seen.json().get("stream") else reply(200, plain)
    upstream.always(answer)
    w = weir(upstream, guard={"in": "redact", "out": "redact"})
    for more in ({}, {"tools": MANY}):
        told = wire.chat(w, messages=[asked, {"role": "user", "content": text}], **more)
        messages = upstream.requests[-1].json()["messages"]
        assert (messages[0]["tool_calls"][0]["custom"]["input"], messages[1]["content"]) == (sent, sent)
        assert told.status == 200
    assert wire.call(w, "POST", "/v1/responses", {**MODEL, "input": [item, HI]}).status == 200
    assert upstream.requests[-1].json()["input"][0]["input"] == sent
    assert wire.chat(w).json()["choices"][0]["message"]["tool_calls"][0]["custom"]["input"] == shown
    assert wire.call(w, "POST", "/v1/responses", {**MODEL, "input": "hi"}).json()["output"][0]["input"] == shown
    for step in range(1, 20):
        deltas = [c["delta"] for e in wire.chat(w, stream=True, seed=step).events() if e != "[DONE]" for c in e["choices"]]
        assert "".join(call["custom"]["input"] for d in deltas for call in d.get("tool_calls") or []) == shown
        events = wire.call(w, "POST", "/v1/responses", {**MODEL, "input": "hi", "stream": True, "seed": step}).events()
        assert "".join(e["delta"] for e in events if e["type"].endswith("input.delta")) == shown
        assert [e["input"] for e in events if e["type"].endswith("input.done")] == [shown] == [e["response"]["output"][0]["input"] for e in events if "response" in e]


def test_what_a_tool_says_is_json_or_not(weir, upstream, upstreams):
    """As it was: with quotes around what was a number, and with none in a sentence."""
    look = upstreams()
    calls = bodies.completion(None)
    calls["choices"][0].update(finish_reason="tool_calls", message={"role": "assistant", "content": None, "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "look", "arguments": "{}"}}]})
    w = weir(upstream, chat=MODEL, guard={"out": "redact"}, tools={"look": {
        "kind": "http", "allow_private": True, "url": look.url + "/look", "description": "Looks.", "parameters": {"type": "object"}}})
    for text, shown in [(NUMBERS, None), *[(said, shown) for said, _, shown in NOTES]]:
        look.script(reply(200, text.encode(), {"content-type": "text/plain"}))
        upstream.script(reply(200, calls), reply(200, bodies.completion("Done.")))
        result = wire.call(w, "POST", "/chat/functions", {"message": "look"}).json()["steps"][0]["result"]
        assert result == shown if shown else json.loads(result) == of_numbers("4111")


@pytest.mark.parametrize("action", ["redact", "block"])
def test_wherever_it_stands(weir, upstream, action):
    """Whatever is made of an answer's names: what a string of it says is seen."""
    draw = random.Random(7)
    asked = [answer for _ in range(60) for answer in answers_of(draw)]
    upstream.script(*[behaviour for _, _, behaviour in asked])
    w = guarded(weir, upstream, action, retry={"retries": 0})
    for n, (form, stream, _) in enumerate(asked):
        told = wire.call(w, "POST", form.path, {**{k: v for k, v in form.asked.items() if k != "n"}, "stream": stream})
        assert TICKET not in told.body.decode(), n
