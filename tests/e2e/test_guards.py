"""Guards: what goes to a model and what comes from one, in every place, plain and streamed, cut anywhere."""

import base64
import json
import random
import re
import subprocess

import pytest

import bodies
import daemon
import wire
from test_call import figure
from test_sdk_python import RESPONSE, create, sdk
from test_telemetry import receiver, telling  # noqa: F401: a fixture
from upstream import reply, sse

RULES = [{"name": "ticket", "pattern": "TICK-[0-9]{6}", "lead": "TICK-", "show": 0},
         {"name": "bomb", "pattern": "BOMB-[0-9]{6}", "lead": "BOMB-", "action": "block", "show": 0}]
TICKET, OTHER, BOMB = "TICK-123456", "TICK-654321", "BOMB-123456"


def guard(**more):
    return {"guard": {"shipped": False, "rules": RULES, **more}}


def said(answer, index=0):
    """The text of a streamed choice, and why it ended."""
    text, finish = "", None
    for e in answer.events():
        for choice in e["choices"] if e != "[DONE]" else []:
            if choice["index"] == index:
                text += choice["delta"].get("content") or ""
                finish = choice["finish_reason"] or finish
    return text, finish


def response(text):
    return {**RESPONSE, "output": [{**RESPONSE["output"][0], "content": [{"type": "output_text", "text": text, "annotations": []}]}]}


def response_stream(*pieces):
    """The events of a streamed response, with all the repeats that OpenAI has."""
    text, part = "".join(pieces), {"type": "output_text", "text": "".join(pieces), "annotations": []}
    item, at = response(text)["output"][0], {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events = [("response.created", {"response": {**RESPONSE, "status": "in_progress", "output": []}}),
              ("response.output_item.added", {"output_index": 0, "item": {**item, "content": []}}),
              ("response.content_part.added", {**at, "part": {**part, "text": ""}}),
              *[("response.output_text.delta", {**at, "delta": p}) for p in pieces],
              ("response.output_text.done", {**at, "text": text}), ("response.content_part.done", {**at, "part": part}),
              ("response.output_item.done", {"output_index": 0, "item": item}), ("response.completed", {"response": response(text)})]
    return [f"event: {name}\ndata: {json.dumps({'type': name, 'sequence_number': i, **data})}\n\n".encode()
            for i, (name, data) in enumerate(events)]


# -- on the way in -----------------------------------------------------------------------------------------------------

HI = {"messages": [{"role": "user", "content": "hi"}]}
TOOL = {"type": "function", "function": {"name": "f", "description": "x", "parameters": {}}}
PLACES = {
    "message": ("chat/completions", {"messages": [{"role": "user", "content": f"see {TICKET}."}]}),
    "piece": ("chat/completions", {"messages": [{"role": "user", "content": [{"type": "text", "text": f"see {TICKET}"}]}]}),
    "system": ("chat/completions", {"messages": [{"role": "system", "content": TICKET}, {"role": "user", "content": "hi"}]}),
    "tool result": ("chat/completions", {"messages": [{"role": "user", "content": "hi"}, {"role": "tool", "tool_call_id": "c", "content": TICKET}]}),
    "tool call": ("chat/completions", {"messages": [{"role": "assistant", "content": None, "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"t": TICKET})}}]}]}),
    "description": ("chat/completions", {**HI, "tools": [{"type": "function", "function": {"name": "f", "description": f"of {TICKET}"}}]}),
    "schema": ("chat/completions", {**HI, "tools": [
        {"type": "function", "function": {"name": "f", "parameters": {"properties": {"a": {"description": TICKET}}}}}]}),
    "unknown": ("chat/completions", {**HI, "documents": [{"text": TICKET}]}),
    "prompt": ("completions", {"prompt": ["a", TICKET]}),
    "input": ("embeddings", {"input": TICKET}),
    "moderated": ("moderations", {"input": [TICKET]}),
    "instructions": ("responses", {"instructions": TICKET, "input": "hi"}),
    "items": ("responses", {"input": [{"role": "user", "content": [{"type": "input_text", "text": TICKET}]},
                                      {"type": "function_call_output", "call_id": "c", "output": f"is {TICKET}"}]}),
}


@pytest.mark.parametrize("place", PLACES)
def test_each_place_of_a_request(weir, upstream, place):
    path, fields = PLACES[place]
    body = {"model": "gpt-test", **fields}
    answers = {"responses": RESPONSE, "embeddings": {"object": "list", "data": [{"embedding": [1], "index": 0}]},
               "completions": {"choices": [{"index": 0, "text": "x", "finish_reason": "stop"}]},
               "moderations": {"id": "m", "results": [{"flagged": False}]}}
    upstream.script(reply(200, answers.get(path, bodies.completion())))
    w = weir(upstream, models={"gpt-test": "main", "strict": {"targets": "main/gpt-test", "guard": {"in": "block"}}}, **guard(**{"in": "redact"}))
    assert wire.call(w, "POST", "/v1/" + path, body).status == 200
    sent, = upstream.wait_requests(1)
    assert sent.json() == json.loads(json.dumps(body).replace(TICKET, "[TICKET_1]"))
    refused = wire.call(w, "POST", "/v1/" + path, {**body, "model": "strict"})
    assert refused.status == 400 and refused.error["code"] == "content_blocked" and refused.error["type"] == "invalid_request_error"
    assert "ticket" in refused.error["message"] and TICKET not in refused.body.decode()
    assert figure(w, "weir_guard_matches_total", direction="in", rule="ticket", action="block") == 1
    assert w.wait_call(refused.header("x-request-id"))["guard"] == "in.ticket.block=1"


def test_escapes_are_undone_and_other_bytes_stay(weir, upstream):
    upstream.script(reply(200, bodies.completion()), reply(200, bodies.completion()))
    w = weir(upstream, **guard(**{"in": "redact"}))
    body = b'{ "messages":[{"role":"user","content":"\\u00e9 \\/ %s\\n"}], "model" : "gpt-test","x":1.10 }'
    for spelt in (TICKET.encode(), b"\\u0054ICK\\u002d123456"):
        assert wire.chat(w, body % spelt).status == 200
    for request in upstream.wait_requests(2):
        assert request.body == body % b"[TICKET_1]"


def test_chat_is_guarded(weir, upstream):
    upstream.script(reply(200, bodies.completion("to [TICKET_1]")))
    w = weir(upstream, chat={"model": "gpt-test"}, **guard(**{"in": "redact", "restore": True}))
    answer = wire.call(w, "POST", "/chat", {"message": f"see {TICKET}"}).json()
    assert answer["response"] == f"to {TICKET}"
    sent, = upstream.wait_requests(1)
    assert sent.json()["messages"][-1]["content"] == "see [TICKET_1]"
    refused = wire.call(w, "POST", "/chat", {"message": BOMB})
    assert refused.status == 400 and refused.json()["error"]["code"] == "content_blocked"


# -- on the way out ----------------------------------------------------------------------------------------------------

TEXT = f"see {TICKET}, {OTHER} and {TICKET}; TICK-12 no"
REDACTED = "see [TICKET_1], [TICKET_2] and [TICKET_1]; TICK-12 no"


def test_a_stream_says_what_a_plain_answer_says_at_every_cut(weir, upstream):
    cuts = [[TEXT[:i], TEXT[i:]] for i in range(len(TEXT) + 1)] + [list(TEXT)]
    for seed in range(20):
        places = sorted(random.Random(seed).sample(range(1, len(TEXT)), 5))
        cuts.append([TEXT[a:b] for a, b in zip([0, *places], [*places, len(TEXT)])])
    upstream.script(reply(200, bodies.completion(TEXT)), *[sse(bodies.stream(*cut)) for cut in cuts])
    w = weir(upstream, **guard(out="redact"))
    assert wire.chat(w).json()["choices"][0]["message"]["content"] == REDACTED
    for cut in cuts:
        answer = wire.chat(w, stream=True)
        assert said(answer) == (REDACTED, "stop") and answer.complete, cut


def percent(text):
    return "".join(f"%{b:02X}" if i % 3 else chr(b) for i, b in enumerate(text.encode()))


def test_what_is_encoded_is_found_where_that_is_asked(weir, upstream):
    """In base64 and behind percent escapes, in and out, whole and at every cut; a tool's arguments too; and not where it is not asked."""
    coded = base64.b64encode(f"the {TICKET}!".encode()).decode()
    text, redacted = f"a {coded} and {percent(OTHER)}, {TICKET}.", re.compile(r"a dGhl[A-Za-z0-9]*\[TICKET_1\]\S* and \[TICKET_2\], \[TICKET_3\]\.")
    upstream.script(reply(200, bodies.completion()), reply(200, bodies.completion()), reply(200, bodies.completion(text)),
                    *[sse(bodies.stream(text[:i], text[i:])) for i in range(len(text))], reply(200, bodies.completion(text)))
    w = weir(upstream, **guard(**{"in": "redact", "out": "redact", "encoded": True, "restore": True}))
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"t": text})}}
    assert wire.chat(w, messages=[{"role": "user", "content": text}]).status == 200
    assert wire.chat(w, messages=[{"role": "assistant", "content": None, "tool_calls": [call]}]).status == 200
    plain = wire.chat(w).json()["choices"][0]["message"]["content"]
    assert redacted.fullmatch(plain), plain
    for i in range(len(text)):
        assert said(wire.chat(w, stream=True))[0] == plain, i
    asked = upstream.wait_requests(3)
    assert redacted.fullmatch(asked[0].json()["messages"][0]["content"])
    assert redacted.fullmatch(json.loads(asked[1].json()["messages"][0]["tool_calls"][0]["function"]["arguments"])["t"])
    w.stop()
    w = weir(upstream, **guard(out="redact"))
    assert wire.chat(w).json()["choices"][0]["message"]["content"] == text.replace(TICKET, "[TICKET_1]")


def test_what_was_encoded_is_put_back_as_it_was(weir, upstream):
    coded = base64.b64encode(TICKET.encode()).decode().rstrip("=")
    text = f"{coded} {percent(TICKET)} {TICKET}"
    upstream.always(lambda seen: reply(200, bodies.completion(seen.json()["messages"][0]["content"])))
    w = weir(upstream, **guard(**{"in": "redact", "encoded": True, "restore": True}))
    assert wire.chat(w, messages=[{"role": "user", "content": text}]).json()["choices"][0]["message"]["content"] == text
    assert TICKET not in upstream.wait_requests(1)[0].body.decode()


def test_each_place_of_an_answer(weir, upstream):
    message = {"role": "assistant", "content": TICKET, "refusal": TICKET, "reasoning_content": f"because {TICKET}", "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": json.dumps({"t": TICKET})}}], "x_new": [{"deep": TICKET}]}
    plain = bodies.completion(choices=[{"index": i, "message": message, "finish_reason": "stop"} for i in range(2)])
    deltas = [{**message, "tool_calls": [{"index": 0, **message["tool_calls"][0]}]}]
    events = [bodies.chunk(d, index=i) for i in (1, 0) for d in deltas] + [bodies.chunk(finish="stop", index=i) for i in range(2)]
    upstream.script(reply(200, plain), sse(events))
    w = weir(upstream, **guard(out="redact"))
    answer = wire.chat(w, n=2)
    assert TICKET not in answer.body.decode() and answer.json() == json.loads(json.dumps(plain).replace(TICKET, "[TICKET_1]"))
    answer = wire.chat(w, n=2, stream=True)
    assert TICKET not in answer.body.decode() and answer.body.decode().count("[TICKET_1]") == 10


def test_interleaved_tool_arguments(weir, upstream):
    def args(item, text):
        return bodies.chunk({"tool_calls": [{"index": item, "function": {"arguments": text}}]})
    pieces = [(0, '{"a":"TI'), (1, 'CK-1"'), (0, "CK-123"), (1, '"TICK-654'), (0, '456"}'), (1, '321"')]
    upstream.script(sse([*[args(i, t) for i, t in pieces], bodies.chunk(finish="tool_calls")]))
    w = weir(upstream, **guard(out="redact"))
    texts = {0: "", 1: ""}
    for e in wire.chat(w, stream=True).events()[:-1]:
        for call in e["choices"][0]["delta"].get("tool_calls") or []:
            texts[call["index"]] += call["function"]["arguments"] or ""
    assert texts == {0: '{"a":"[TICKET_1]"}', 1: 'CK-1""[TICKET_2]"'}


def test_a_response_and_its_repeats(weir, upstream):
    cuts = [[TEXT[:i], TEXT[i:]] for i in range(len(TEXT) + 1)] + [list(TEXT)]
    upstream.script(reply(200, response(TEXT)), *[sse(response_stream(*cut), end="no_done") for cut in cuts])
    w = weir(upstream, **guard(out="redact"))
    asked = {"model": "gpt-test", "input": "x"}
    assert wire.call(w, "POST", "/v1/responses", asked).json() == response(REDACTED)
    for cut in cuts:
        events = wire.call(w, "POST", "/v1/responses", {**asked, "stream": True}).events()
        assert "".join(e["delta"] for e in events if "delta" in e) == REDACTED, cut
        told = {e["type"]: e for e in events}
        assert told["response.output_text.done"]["text"] == told["response.content_part.done"]["part"]["text"] == REDACTED
        assert told["response.output_item.done"]["item"] == response(REDACTED)["output"][0]
        assert events[-1]["response"] == response(REDACTED)
    assert figure(w, "weir_guard_matches_total", direction="out", action="redact") == 3 * (1 + len(cuts))


def test_a_blocked_response(weir, upstream):
    upstream.script(reply(200, response(f"good {BOMB}")), sse(response_stream("good BO", "MB-123456", " more"), end="no_done"))
    w = weir(upstream, **guard())
    answer = wire.call(w, "POST", "/v1/responses", {"model": "gpt-test", "input": "x"})
    assert answer.json()["status"] == "incomplete" and answer.json()["incomplete_details"] == {"reason": "content_filter"}
    stream = sdk(w).responses.create(model="gpt-test", input="x", stream=True)
    events = list(stream)
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == "good "
    assert events[-1].type == "response.incomplete" and events[-1].response.incomplete_details.reason == "content_filter"


def test_a_response_that_is_stopped_is_the_one_that_began(weir, upstream):
    """The SDK's stream raises where the last event names another; and it tells what was used, as a provider's does."""
    upstream.always(lambda _: sse(response_stream("good ", "and ", "BO", "MB-123456", " more"), end="no_done"))
    for options in guard(), {"output": {"characters": 7}}:
        w = weir(upstream, **options)
        with sdk(w).responses.stream(model="gpt-test", input="x") as stream:
            events = list(stream)
        w.stop()
        began, ended = events[0].response, events[-1].response
        assert events[-1].type == "response.incomplete" and (ended.id, ended.model, ended.created_at) == (began.id, began.model, began.created_at)
        assert ended.usage.input_tokens > 0 and ended.usage.total_tokens == ended.usage.input_tokens + ended.usage.output_tokens


def test_what_was_redacted_is_put_back_for_who_sent_it(weir, upstream):
    text, made = f"mail [TICKET_1] and [TICKET_2], not [TICKET_3] {OTHER}", f"mail {TICKET} and TICK-777777, not [TICKET_3] "
    arguments = '{"to":"[TICKET_1]"}'
    plain = bodies.completion(text)
    plain["choices"][0]["message"]["tool_calls"] = [{"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}]
    cuts = [[text[:i], text[i:]] for i in range(len(text) + 1)] + [list(text)]
    upstream.script(reply(200, plain), *[sse(bodies.stream(*cut)) for cut in cuts])
    w = weir(upstream, **guard(**{"in": "redact", "out": "redact", "restore": True}))
    asked = [{"role": "user", "content": f"{TICKET} TICK-777777"}]
    message = wire.chat(w, messages=asked).json()["choices"][0]["message"]
    assert message["content"].startswith(made) and OTHER not in message["content"]
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"to": TICKET}
    for cut in cuts:
        assert said(wire.chat(w, messages=asked, stream=True))[0] == message["content"], cut
    assert all(TICKET.encode() not in r.body for r in upstream.requests)


LONG = {"name": "long", "pattern": "LONG[a-z]{3000}", "lead": "LONG", "show": 0, "action": "redact", "label": "LONG"}


def test_what_is_put_back_has_a_bound(weir, upstream):
    """A model, or who asks it to, makes of a few bytes each a value of thousands."""
    value = "LONG" + "x" * 3000
    w = weir(upstream, limits={"answer": "4MB"}, guard={"shipped": False, "rules": [LONG], "restore": True})
    asked = [{"role": "user", "content": value}]
    for times in (300, 1300):  # on the loop, and elsewhere
        upstream.script(reply(200, bodies.completion("[LONG_1]" * times)))
        assert wire.chat(w, messages=asked).json()["choices"][0]["message"]["content"] == value * times
    upstream.script(reply(200, bodies.completion("[LONG_1]" * 1400)), reply(200, bodies.completion("[LONG_1]" * 1400 + " " * 300000)))
    for _ in range(2):
        answer = wire.chat(w, messages=asked)
        assert (answer.status, answer.json()["error"]["code"]) == (503, "provider_answer_too_large")
        assert "guard.restore" in answer.json()["error"]["message"] and value.encode() not in answer.body
    upstream.script(sse(bodies.stream(*["[LONG_1]"] * 1300)), sse(bodies.stream(*["[LONG_1]"] * 1500)), sse(bodies.stream("[LONG_1]" * 400)))
    assert said(wire.chat(w, messages=asked, stream=True))[0] == value * 1300
    for _ in range(2):
        last = wire.chat(w, messages=asked, stream=True).events()[-1]
        assert last["error"]["code"] == "provider_answer_too_large"


def test_what_texts_keep_of_an_event_has_a_bound(weir, upstream):
    """Each text that is held comes out in an event of its own, in the form of all of that one."""
    def many(request):
        texts = ["LONGaa"] * request.json()["seed"]
        return sse([bodies.chunk({"content": "x" * 240_000, "reasoning_details": texts}), bodies.chunk(finish="stop")])

    upstream.always(many)
    w = weir(upstream, guard={"shipped": False, "out": "redact", "rules": [LONG]})
    events = wire.chat(w, seed=40, stream=True).events()[:-1]
    told = [text for e in events for text in e["choices"][0]["delta"].get("reasoning_details", [])]
    assert told.count("LONGaa") == 40 and events[-1]["choices"][0]["finish_reason"] == "stop"
    assert wire.chat(w, seed=1000, stream=True).events()[-1]["error"]["code"] == "provider_answer_too_large"


def test_any_number_of_placeholders_in_a_request_costs_next_to_nothing(weir, upstream):
    """Each label's are set aside once; what is redacted comes behind the greatest."""
    upstream.always(reply(200, bodies.completion("[TICKET_401]")))
    w = weir(upstream, **guard(**{"in": "redact", "restore": True}))
    had = "[BOMB_7][TICKET_400][BOMB_400][TICKET_7]" * 10000
    answer = wire.chat(w, messages=[{"role": "user", "content": f"{had} {TICKET}"}])
    assert answer.json()["choices"][0]["message"]["content"] == TICKET
    assert upstream.requests[0].json()["messages"][0]["content"] == f"{had} [TICKET_401]"


def test_a_blocked_answer_ends_there(weir, upstream):
    upstream.script(reply(200, bodies.completion(f"good {BOMB}")), sse(bodies.stream("good BO", "MB-123", "456 more", "more")),
                    sse(bodies.stream("good BO", "MB-123", "456 more", "more")))
    w = weir(upstream, **guard())
    answer = wire.chat(w)
    choice, = answer.json()["choices"]
    assert answer.status == 200 and choice["finish_reason"] == "content_filter" and not choice["message"]["content"]
    assert answer.json()["usage"]["total_tokens"] == 12 and BOMB not in answer.body.decode()
    streamed = wire.chat(w, stream=True)
    assert said(streamed) == ("good ", "content_filter") and streamed.events()[-1] == "[DONE]"
    line = w.wait_call(streamed.header("x-request-id"))
    assert line["guard"] == "out.bomb.block=1" and line["finish_reason"] == "content_filter" and line["outcome"] == "ok"
    assert figure(w, "weir_guard_matches_total", direction="out", rule="bomb", action="block") == 2


def test_or_with_an_error(weir, upstream):
    upstream.script(sse(bodies.stream("good BO", "MB-123", "456 more", "more")))
    w = weir(upstream, **guard(stream_end="error"))
    streamed = wire.chat(w, stream=True)
    *events, last = [e for e in streamed.events() if e != "[DONE]"]
    assert last["error"]["code"] == "content_blocked" and bodies.text_of(events) == "good "
    assert w.wait_call(streamed.header("x-request-id"))["error"] == "content_blocked"


def test_the_official_sdk(weir, upstream):
    upstream.script(reply(200, bodies.completion(f"is [TICKET_1] {OTHER}")), sse(bodies.stream("is [TIC", "KET_1] TICK-65", "4321", usage=bodies.USAGE)),
                    sse(bodies.stream("BOMB-12", "3456", usage=bodies.USAGE)))
    w = weir(upstream, **guard(**{"in": "redact", "out": "redact", "restore": True}))
    client, asked = sdk(w), [{"role": "user", "content": TICKET}]
    assert create(client, messages=asked).choices[0].message.content == f"is {TICKET} [TICKET_2]"
    chunks = list(create(client, messages=asked, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == f"is {TICKET} [TICKET_2]"
    chunks = list(create(client, messages=asked, stream=True, stream_options={"include_usage": True}))
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "content_filter"


@pytest.mark.parametrize("at_once", [False, True])
def test_a_call_is_put_together_as_it_was(weir, upstream, at_once):
    """Its name ends as keys begin, and so does the text: what is held back of them tells neither role nor id once more, which clients join."""
    name, text, tools = "get", "Here comes TICK-1", [{"type": "function", "function": {"name": "get", "parameters": {"type": "object"}}}]
    call, head = {"index": 0, "id": "call_1", "type": "function"}, {"role": "assistant", "content": text}
    if at_once:
        deltas = [{**head, "tool_calls": [{**call, "function": {"name": name, "arguments": '{"a": 1}'}}]}]
    else:
        deltas = [head, {"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]}, {"tool_calls": [{"index": 0, "function": {"arguments": '{"a": 1}'}}]}]
    upstream.always(sse([*map(bodies.chunk, deltas), bodies.chunk(finish="tool_calls")]))
    w = weir(upstream, **guard(out="redact"))
    deltas = [e["choices"][0]["delta"] for e in wire.chat(w, stream=True, tools=tools).events()[:-1]]
    named = [c["function"]["name"] for d in deltas for c in d.get("tool_calls") or [] if c["function"].get("name")]
    assert named == [name] and len(deltas) > (2 if at_once else 4)  # something was held back
    with sdk(w).chat.completions.stream(model="gpt-test", messages=HI["messages"], tools=tools) as chunks:
        message = chunks.until_done().get_final_completion().choices[0].message
    assert (message.role, message.content) == ("assistant", text)
    assert [(c.id, c.type, c.function.name, c.function.arguments) for c in message.tool_calls] == [("call_1", "function", name, '{"a": 1}')]


def test_what_was_held_back_does_not_bring_what_was_hidden_beside_it(weir, upstream):
    """It comes out in the form of the event that it came in, whose tokens are told once more beside the text."""
    held, tokens = f"{TICKET} TICK-1", [{"token": TICKET, "logprob": -1.0}, {"token": " TICK-1", "logprob": -1.0}]
    chat = bodies.chunk(held)
    chat["choices"][0]["logprobs"] = {"content": tokens, "refusal": None}
    text = {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "text": held, "logprobs": {"tokens": [TICKET, " TICK-1"]}, "finish_reason": None}]}
    end = {**text, "choices": [{"index": 0, "logprobs": None, "finish_reason": "stop"}]}
    response = [e.replace(b'"delta": ', b'"logprobs": %s, "delta": ' % json.dumps(tokens).encode()) for e in response_stream(held)]
    upstream.script(sse([chat, bodies.chunk(finish="stop")]), sse([text, end]), sse(response, end="no_done"))
    w = weir(upstream, **guard(out="redact"))
    for path, body in (("/v1/chat/completions", HI), ("/v1/completions", {"prompt": "x"}), ("/v1/responses", {"input": "x"})):
        said = wire.call(w, "POST", path, {"model": "gpt-test", "stream": True, **body}).body.decode()
        assert "[TICKET_1]" in said and TICKET not in said, path
        assert "TICK-1" in said or '"1"' in said


FILLER = "so many words " * 40_000


def test_what_is_large_is_looked_at_elsewhere_and_alike(weir, upstream):
    """More than a loop looks at itself: both ways, plain, and a response's last event."""
    text = f"{FILLER}{TICKET} {FILLER}"
    upstream.script(reply(200, bodies.completion(text)), reply(200, bodies.completion(text)), reply(200, response(text)), sse(response_stream("", text), end="no_done"),
                    reply(200, bodies.completion(f"{text} {BOMB}")))
    w = weir(upstream, limits={"messages": 10}, **guard(**{"in": "redact", "out": "redact"}))
    asked = [{"role": "user", "content": f"{text}{OTHER}"}]
    assert wire.chat(w, messages=asked).json()["choices"][0]["message"]["content"] == text.replace(TICKET, "[TICKET_1]")
    assert upstream.requests[0].json()["messages"][0]["content"] == text.replace(TICKET, "[TICKET_1]") + "[TICKET_2]"
    assert upstream.requests[0].header("content-length") == str(len(upstream.requests[0].body))
    for streams in (False, True):
        answer = wire.call(w, "POST", "/chat", {"message": "x", "model": "gpt-test"}) if not streams else wire.call(
            w, "POST", "/v1/responses", {"model": "gpt-test", "input": "x"})
        assert TICKET not in answer.body.decode() and "[TICKET_1]" in answer.body.decode()
    answer = wire.call(w, "POST", "/v1/responses", {"model": "gpt-test", "input": "x", "stream": True})
    assert TICKET not in answer.body.decode() and "[TICKET_1]" in answer.body.decode() and answer.complete
    blocked = wire.chat(w, messages=[{"role": "user", "content": f"{FILLER}{FILLER}{BOMB}"}])
    assert blocked.status == 400 and blocked.error["code"] == "content_blocked"
    assert wire.chat(w).json()["choices"][0]["finish_reason"] == "content_filter"


def test_a_span_tells_what_goes_out(weir, upstream, receiver):
    upstream.script(reply(200, bodies.completion(f"is {OTHER}")))
    w = weir(upstream, telemetry=telling(receiver, content=True), **guard(**{"in": "redact", "out": "redact"}))
    wire.chat(w, messages=[{"role": "user", "content": TICKET}])
    _, attempt = receiver.wait_call()
    assert "[TICKET_1]" in attempt["gen_ai.input.messages"] and TICKET not in attempt["gen_ai.input.messages"]
    assert "[TICKET_2]" in attempt["gen_ai.output.messages"] and OTHER not in attempt["gen_ai.output.messages"]


def test_an_answer_that_is_kept_has_nobody_s_values(weir, upstream):
    """One client's value is put back behind the cache: another who asks alike gets his own."""
    upstream.script(reply(200, bodies.completion(f"to [TICKET_1], by {BOMB[:4]}")))
    w = weir(upstream, cache={"models": ["gpt-test"], "scope": "global"}, **guard(**{"in": "redact", "restore": True}))
    for ticket in (TICKET, OTHER):
        answer = wire.chat(w, temperature=0, messages=[{"role": "user", "content": f"mail {ticket}"}])
        assert answer.json()["choices"][0]["message"]["content"] == f"to {ticket}, by BOMB"
    assert len(upstream.requests) == 1


def test_answers_that_are_shaped_otherwise_are_kept_apart(weir, upstream):
    upstream.always(reply(200, bodies.completion(f"{TICKET} and more")))
    keys = {"plain": "0123456789-plain", "short": "0123456789-short", "guarded": "0123456789-guarded"}
    w = weir(upstream, cache={"models": ["gpt-test"], "scope": "global"}, clients=[
        {"name": "plain", "key": keys["plain"]}, {"name": "short", "key": keys["short"], "output": {"characters": 3}},
        {"name": "guarded", "key": keys["guarded"], "guard": {"out": "redact"}}], **guard())

    def ask(who):
        answer = wire.chat(w, headers=[("authorization", f"Bearer {keys[who]}")], temperature=0)
        return answer.json()["choices"][0]["message"]["content"], answer.header("x-weir-cache")
    for cached in ("miss", "hit"):
        assert ask("plain") == (f"{TICKET} and more", cached)
        assert ask("guarded") == ("[TICKET_1] and more", cached)
        assert ask("short")[0] == TICKET[:3]


def test_a_run_of_tools_is_guarded_in_each_of_its_steps(weir, upstream, upstreams):
    """A tool is called with what the client wrote; the model reads neither that nor what the tool says of the kind."""
    mail = upstreams()
    mail.script(reply(200, {"sent": OTHER}))
    calls = bodies.completion(None)
    calls["choices"][0].update(finish_reason="tool_calls", message={"role": "assistant", "content": None, "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "mail", "arguments": '{"to":"[TICKET_1]"}'}}]})
    upstream.script(reply(200, calls), reply(200, bodies.completion("sent [TICKET_1]")))
    w = weir(upstream, chat={"model": "gpt-test"}, **guard(**{"in": "redact", "restore": True}), tools={"mail": {
        "kind": "http", "allow_private": True, "url": mail.url + "/mail", "description": "Mails.",
        "parameters": {"type": "object", "properties": {"to": {"type": "string"}}}}})
    answer = wire.call(w, "POST", "/chat/functions", {"message": f"mail {TICKET}"}).json()
    assert mail.requests[0].json() == {"to": TICKET} and answer["response"] == f"sent {TICKET}", answer
    assert not any(t.encode() in r.body for r in upstream.requests for t in (TICKET, OTHER))
    refused = wire.call(w, "POST", "/chat/functions", {"message": BOMB})
    assert refused.status == 400 and refused.json()["error"]["code"] == "content_blocked"


@pytest.mark.parametrize("stream", [False, True])
def test_what_a_tool_says_is_looked_at_before_its_client_reads_it(weir, upstream, upstreams, stream):
    """The steps of a run are a part of its answer. A rule that blocks hides the whole result."""
    look = upstreams()
    look.script(reply(200, {"ticket": TICKET, "again": f"é {TICKET} {OTHER}"}), reply(500, f"no {TICKET}"), reply(200, {"bomb": BOMB}))

    def calls(*ids):
        return [{"id": i, "type": "function", "function": {"name": "look", "arguments": "{}"}} for i in ids]

    def turn(*ids):
        if stream:
            delta = {"tool_calls": [{"index": k, **c} for k, c in enumerate(calls(*ids))]}
            return sse([bodies.chunk(delta), bodies.chunk(finish="tool_calls")])
        answer = bodies.completion(None)
        answer["choices"][0].update(finish_reason="tool_calls", message={"role": "assistant", "content": None, "tool_calls": calls(*ids)})
        return reply(200, answer)
    upstream.script(turn("a"), turn("b"), turn("c"), sse(bodies.stream("Done.")) if stream else reply(200, bodies.completion("Done.")))
    w = weir(upstream, chat={"model": "gpt-test"}, **guard(out="redact"), tools={"look": {
        "kind": "http", "allow_private": True, "url": look.url + "/look", "description": "Looks.", "parameters": {"type": "object"}}})
    answer = wire.call(w, "POST", "/chat/functions", {"message": "look", "stream": stream})
    steps = [e["step"] for e in answer.events() if "step" in e] if stream else answer.json()["steps"]
    assert json.loads(steps[0]["result"]) == {"ticket": "[TICKET_1]", "again": "é [TICKET_1] [TICKET_2]"}
    assert "[TICKET_1]" in steps[1]["error"] and "result" not in steps[1]
    assert "guard" in steps[2]["error"] and "result" not in steps[2]
    assert not any(t.encode() in answer.body for t in (TICKET, OTHER, BOMB)), answer.body
    assert figure(w, "weir_guard_matches_total", direction="out", rule="ticket", action="redact") == 4


@pytest.mark.parametrize("path", ["chat", "responses"])
def test_what_a_tool_says_is_not_in_what_a_call_carries(weir, upstream, upstreams, path):
    """Nor in the items of a response: what the server's tools have said goes to the client there, too."""
    look = upstreams()
    look.script(reply(200, {"ticket": TICKET}))
    named = [("call_1", "look"), ("call_2", "mine")]
    if path == "chat":
        answer = bodies.completion(None)
        answer["choices"][0].update(finish_reason="tool_calls", message={"role": "assistant", "content": None, "tool_calls": [
            {"id": i, "type": "function", "function": {"name": n, "arguments": "{}"}} for i, n in named]})
        asked = ("/v1/chat/completions", {"messages": [{"role": "user", "content": "x"}], "tools": [
            {"type": "function", "function": {"name": "mine", "parameters": {"type": "object"}}}]})
    else:
        answer = {"id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "model": "gpt-test", "output": [
            {"type": "function_call", "id": f"fc_{i}", "call_id": i, "name": n, "arguments": "{}"} for i, n in named]}
        asked = ("/v1/responses", {"input": "x", "tools": [{"type": "function", "name": "mine", "parameters": {"type": "object"}}]})
    upstream.script(reply(200, answer))
    w = weir(upstream, functions={"server_tools": True}, **guard(out="redact"), tools={"look": {
        "kind": "http", "allow_private": True, "url": look.url + "/look", "description": "Looks.", "parameters": {"type": "object"}}})
    got = wire.call(w, "POST", asked[0], {"model": "gpt-test", **asked[1]})
    body = got.body.decode()
    carried = re.search(r"weir-run-([A-Za-z0-9_-]+)", body).group(1)
    told = base64.urlsafe_b64decode(carried + "=" * (-len(carried) % 4)).decode()
    assert "[TICKET_1]" in told and TICKET not in told and TICKET not in body
    assert path == "chat" or "[TICKET_1]" in body


# -- configuration -----------------------------------------------------------------------------------------------------


def test_clients_and_models_have_their_own(weir, upstream):
    upstream.always(reply(200, bodies.completion(TICKET)))
    keys = {"plain": "0123456789-plain", "free": "0123456789-free", "strict": "0123456789-strict"}
    w = weir(upstream, models={"*": "main", "flagged": {"targets": "main", "guard": {"out": "flag"}}}, clients=[
        {"name": "plain", "key": keys["plain"]}, {"name": "free", "key": keys["free"], "guard": {"out": "off"}},
        {"name": "strict", "key": keys["strict"], "guard": {"out": "block"}}], **guard(out="redact"))

    def ask(who, model):
        return wire.chat(w, headers=[("authorization", f"Bearer {keys[who]}")], model=model).json()["choices"][0]["message"]["content"]
    assert [ask("plain", "m"), ask("free", "m"), ask("strict", "m")] == ["[TICKET_1]", TICKET, None]
    assert [ask("plain", "flagged"), ask("free", "flagged"), ask("strict", "flagged")] == [TICKET, TICKET, None]
    assert figure(w, "weir_guard_matches_total", client="strict", model="flagged", action="block") == 1


def test_a_rule_that_is_none_is_told_at_the_start_and_by_check(weir, upstream):
    broken = [{"name": "good", "pattern": "GOOD-[0-9]+", "lead": "GOOD-"}, {"name": "broken", "pattern": "(TICK-["}]
    w = weir(daemon.config_for(upstream, guard={"in": "redact", "rules": broken}), wait=False)
    w.expect_exit = 1
    w.wait_exit()
    assert "guard.rules[1].pattern" in w.output()


def test_rules_of_files(weir, upstream, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("- {name: order, pattern: 'ORDER-[0-9]{4}', lead: 'ORDER-', action: redact}\n- {name: email, action: flag}\n")
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, guard={"files": [str(rules)]})
    body = {"messages": [{"role": "user", "content": "ORDER-1234 for jane.doe@example.com"}]}
    answer = wire.chat(w, **body)
    assert upstream.wait_requests(1)[0].json()["messages"][0]["content"] == "[ORDER_1] for jane.doe@example.com"
    assert w.wait_call(answer.header("x-request-id"))["guard"] == "in.order.redact=1,in.email.flag=1"
    rules.write_text("- {name: order, pattern: '(['}\n")
    check = subprocess.run([daemon.WEIR, "check", "-c", str(w.config_path)], capture_output=True, text=True)
    assert check.returncode != 0 and f"{rules}: order: pattern" in check.stdout + check.stderr
    rules.write_text("# nothing yet\n")
    check = subprocess.run([daemon.WEIR, "check", "-c", str(w.config_path)], capture_output=True, text=True)
    assert check.returncode != 0 and f"{rules}: there is no rule in it; write []" in check.stdout + check.stderr


# -- what weir brings --------------------------------------------------------------------------------------------------

# None of them is anybody's: documented examples, and digits that only pass their checksum.
SHIPPED = {"email": ("jane.doe@example.com", "[EMAIL_1]"), "card": ("4111 1111 1111 1111", "[CARD_1]"),
           "iban": ("DE89 3704 0044 0532 0130 00", "[IBAN_1]")}


@pytest.mark.parametrize("kind", SHIPPED)
def test_what_weir_brings(weir, upstream, kind):
    value, placeholder = SHIPPED[kind]
    text = f"Write {value}, please"
    cuts = [[text[:i], text[i:]] for i in range(len(text) + 1)] + [list(text)]
    upstream.script(reply(200, bodies.completion(text)), *[sse(bodies.stream(*cut)) for cut in cuts])
    w = weir(upstream, guard={"in": "redact", "out": "redact"})
    plain = wire.chat(w, messages=[{"role": "user", "content": text}]).json()["choices"][0]["message"]["content"]
    assert upstream.wait_requests(1)[0].json()["messages"][0]["content"] == text.replace(value, placeholder)
    assert placeholder in plain and value not in plain and value[9:] not in plain
    for cut in cuts:
        assert said(wire.chat(w, stream=True)) == (plain, "stop"), cut


# -- output limits -----------------------------------------------------------------------------------------------------


def test_an_answer_is_cut_and_its_provider_cancelled(weir, upstream):
    upstream.script(reply(200, bodies.completion("0123456789")), sse([*bodies.stream("0123", "456789", "more")[:-1]], end="stall"),
                    sse(bodies.stream("0123", "456")))
    w = weir(upstream, models={"*": {"targets": "main", "output": {"characters": 7}}})
    choice, = wire.chat(w).json()["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("0123456", "length")
    answer = wire.chat(w, stream=True)
    assert said(answer) == ("0123456", "length") and answer.events()[-1] == "[DONE]"
    assert upstream.wait_requests(2)[1].wait_closed()
    assert said(wire.chat(w, stream=True)) == ("0123456", "stop")
    assert w.wait_call(answer.header("x-request-id"))["finish_reason"] == "length"


@pytest.mark.parametrize("path", ["/chat", "/chat/functions"])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_chat_says_that_an_answer_did_not_end_by_itself(weir, upstream, path, stream):
    """Cut by a bound, blocked by a rule, ended by the provider in words of its own; and nothing of one that is whole."""
    rows = [("whole", "stop", None), ("0123456789" * 3, "stop", "length"), (f"x {BOMB}", "stop", "content_filter"),
            ("all", "MAX_TOKENS", "length"), ("seen", "content_filter", "content_filter")]

    def answer(seen):
        text, finish, _ = rows[int(seen.json()["messages"][-1]["content"])]
        whole = bodies.completion(text)
        whole["choices"][0]["finish_reason"] = finish
        return sse(bodies.stream(text[:4], text[4:], finish=finish)) if seen.json().get("stream") else reply(200, whole)
    upstream.always(answer)
    w = weir(upstream, chat={"model": "gpt-test"}, output={"characters": 20}, **guard(out="redact"))
    for n, (text, _, told) in enumerate(rows):
        got = wire.call(w, "POST", path, {"message": str(n), "stream": stream})
        last = got.events()[-1] if stream else got.json()
        assert last["success"] and last.get("finish_reason") == told, text


def test_what_actions_name_is_looked_for_without_more(weir, upstream, tmp_path):
    """As `weir guard test` says of the same configuration."""
    upstream.always(reply(200, bodies.completion("good")))
    w = weir(upstream, guard={"actions": {"email": "block", "card": "redact"}})
    answer = wire.chat(w, messages=[{"role": "user", "content": "jane.doe@example.com"}])
    assert answer.status == 400 and answer.json()["error"]["code"] == "content_blocked"
    assert wire.chat(w, messages=[{"role": "user", "content": "4111 1111 1111 1111, TICK-1"}]).status == 200
    assert upstream.requests[0].json()["messages"][0]["content"] == "[CARD_1], TICK-1"


def test_a_text_is_tried_with_the_configuration(weir, upstream, tmp_path):
    w = weir(upstream, **guard(**{"in": "redact", "out": "off"}))
    text = tmp_path / "text"
    text.write_text(f"see {TICKET} and {BOMB}, then {OTHER}\n")

    def tried(*more):
        done = subprocess.run([daemon.WEIR, "guard", "test", "-c", w.config_path, *more, text], capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout

    assert tried() == (1, f"{text}:1:5: ticket (own, redact): {TICKET}\n{text}:1:21: bomb (own, block): {BOMB}\n")
    assert tried("--redact") == (1, "see [TICKET_1] and ")
    assert [f["action"] for f in json.loads(tried("--json")[1])] == ["redact", "block"]
    assert tried("--out") == (0, "")
    listed = subprocess.run([daemon.WEIR, "guard", "list", "-c", w.config_path], capture_output=True, text=True, timeout=30)
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["ticket", "bomb"]
    refused = subprocess.run([daemon.WEIR, "guard", "test", "-c", tmp_path / "none.yaml", text], capture_output=True, text=True, timeout=30)
    assert refused.returncode == 2 and "none.yaml" in refused.stderr
    aimless = subprocess.run([daemon.WEIR, "guard", "test", "--out", text], capture_output=True, text=True, timeout=30)
    assert aimless.returncode == 2 and "--config" in aimless.stderr
