"""Every place that a guard looks at, of every form that weir serves, in one table: a secret in each, in a request, a plain answer and a stream whose
texts come interleaved, cut anywhere."""

import json
import random

import pytest

import bodies
import wire
from test_guards import RULES, TICKET
from test_mcp_server import META, TOOLS, message, post
from test_sdk_python import RESPONSE
from upstream import reply, sse

SAID, SHOWN = f"see {TICKET}, ok", "see [TICKET_1], ok"
ARGUMENTS = json.dumps({"a": SAID})
ESCAPED = TICKET.replace("-", "\\u002d")  # as JSON may have it
MODEL = {"model": "gpt-test"}


def redacted(what):
    return json.loads(json.dumps(what).replace(TICKET, "[TICKET_1]").replace(json.dumps(ESCAPED)[1:-1], "[TICKET_1]"))


def guarded(weir, upstream, action, **more):
    return weir(upstream, chat=MODEL, tools=TOOLS, guard={"shipped": False, "rules": RULES, "in": action, "out": action}, **more)


# -- requests ----------------------------------------------------------------------------------------------------------

HI = {"role": "user", "content": "hi"}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": ARGUMENTS}}
FUNCTION = {"name": "f", "description": SAID, "parameters": {"type": "object", "properties": {"a": {"type": "string", "description": "x"}}}}
SCHEMA = {"name": "f", "parameters": {"type": "object", "properties": {"a": {"description": SAID}, "b": {"items": {"enum": ["x", SAID]}}}}}


def chat(*messages, **more):
    return "/v1/chat/completions", {**MODEL, "messages": [*messages, HI], **more}


def responses(said, **more):
    return "/v1/responses", {**MODEL, "input": said, **more}


def items(*all_of_them):
    return responses([*all_of_them, {"role": "user", "content": "hi"}])


MANY = [{"type": "function", "function": {"name": "f"}}] * 2100  # more than an outline has room for

IN = {
    **{f"chat, {role}": chat({"role": role, "content": SAID}) for role in ("user", "system", "developer", "assistant")},
    **{f"chat, {role}, in parts": chat({"role": role, "content": [{"type": "text", "text": "x"}, {"type": "text", "text": SAID}]})
       for role in ("user", "system", "developer", "assistant")},
    "chat, refusal": chat({"role": "assistant", "content": None, "refusal": SAID}),
    "chat, refusal in parts": chat({"role": "assistant", "content": [{"type": "refusal", "refusal": SAID}]}),
    "chat, tool call": chat({"role": "assistant", "content": None, "tool_calls": [CALL]}),
    "chat, custom call": chat({"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "f", "input": SAID}}]}),
    "chat, call of both kinds": chat({"role": "assistant", "content": None, "tool_calls": [{**CALL, "custom": {"name": "f", "input": "x"}}]}),
    "chat, function call": chat({"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": ARGUMENTS}}),
    "chat, tool result": chat({"role": "assistant", "content": None, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": "{}"}}]},
                              {"role": "tool", "tool_call_id": "c", "content": SAID}),
    "chat, tool result in parts": chat({"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": SAID}]}),
    "chat, function result": chat({"role": "function", "name": "f", "content": SAID}),
    "chat, tool description": chat(tools=[{"type": "function", "function": FUNCTION}]),
    "chat, tool schema": chat(tools=[{"type": "function", "function": SCHEMA}]),
    "chat, custom tool": chat(tools=[{"type": "custom", "custom": {"name": "f", "description": SAID}}]),
    "chat, function description": chat(functions=[FUNCTION]),
    "chat, form of the answer": chat(response_format={"type": "json_schema", "json_schema": {"name": "n", "description": SAID, "schema": {"description": "x"}}}),
    "chat, more than is outlined": chat({"role": "user", "content": SAID}, tools=MANY),
    **{f"chat, escaped in arguments, {what}": chat({"role": "assistant", "content": None, "tool_calls": [
        {**CALL, "function": {"name": "f", "arguments": f'{{"a": "see {ESCAPED}", "b": 1}}'}}]}, **more)
       for what, more in {"outlined": {}, "more than is outlined": {"tools": MANY}}.items()},
    "chat, prediction": chat(prediction={"type": "content", "content": SAID}),
    "chat, prediction in parts": chat(prediction={"type": "content", "content": [{"type": "text", "text": SAID}]}),
    "chat, what weir does not know": chat({"role": "user", "content": [{"type": "new", "deep": [{"er": SAID}]}]}, documents=[{"text": SAID}]),
    "responses, input": responses(SAID),
    "responses, instructions": responses("hi", instructions=SAID),
    "responses, prompt's variables": responses("hi", prompt={"id": "pmpt_1", "variables": {"a": SAID, "b": {"type": "input_text", "text": SAID}}}),
    "responses, message": items({"role": "user", "content": SAID}),
    "responses, parts": items({"role": "user", "content": [{"type": "input_text", "text": SAID}]}),
    "responses, what was said": items({"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": SAID, "annotations": []}]}),
    "responses, refusal": items({"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": SAID}]}),
    "responses, reasoning": items({"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": SAID}]}),
    "responses, call": items({"type": "function_call", "call_id": "c", "name": "f", "arguments": ARGUMENTS}),
    "responses, result": items({"type": "function_call_output", "call_id": "c", "output": SAID}),
    "responses, result in parts": items({"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": SAID}]}),
    "responses, custom call": items({"type": "custom_tool_call", "call_id": "c", "name": "f", "input": SAID}),
    "responses, custom result": items({"type": "custom_tool_call_output", "call_id": "c", "output": SAID}),
    "responses, tool description": responses("hi", tools=[{"type": "function", **FUNCTION}]),
    "responses, tool schema": responses("hi", tools=[{"type": "function", **SCHEMA}]),
    "responses, form of the answer": responses("hi", text={"format": {"type": "json_schema", "name": "n", "description": SAID, "schema": {"description": SAID}}}),
    "completions, prompt": ("/v1/completions", {**MODEL, "prompt": SAID}),
    "completions, prompts": ("/v1/completions", {**MODEL, "prompt": ["x", SAID]}),
    "completions, suffix": ("/v1/completions", {**MODEL, "prompt": "x", "suffix": SAID}),
    "embeddings, input": ("/v1/embeddings", {**MODEL, "input": SAID}),
    "embeddings, inputs": ("/v1/embeddings", {**MODEL, "input": ["x", SAID]}),
    "moderations, input": ("/v1/moderations", {**MODEL, "input": SAID}),
    "moderations, parts": ("/v1/moderations", {**MODEL, "input": [{"type": "text", "text": SAID}]}),
    "/chat": ("/chat", {"message": SAID}),
    "/chat/functions": ("/chat/functions", {"message": SAID}),
}
PLAIN = {"embeddings": {"object": "list", "data": [{"object": "embedding", "embedding": [1], "index": 0}], "model": "gpt-test"},
         "moderations": {"id": "m", "model": "gpt-test", "results": [{"flagged": False}]}, "responses": RESPONSE,
         "completions": {"id": "c", "object": "text_completion", "choices": [{"index": 0, "text": "x", "finish_reason": "stop"}]}}


def answer_to(seen):
    name = seen.path.rpartition("/")[2]
    if seen.json().get("stream"):
        return sse([{"type": "response.completed", "response": RESPONSE}] if name == "responses" else
                   [{"choices": [{"index": i, "text": "x", "finish_reason": "stop"}]} for i in range(2)] if "chat" not in seen.path and name == "completions" else
                   bodies.stream("x"))
    return reply(200, bodies.completion() if "/chat/" in seen.path else PLAIN[name])


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_each_place_of_a_request(weir, upstream, stream):
    """What a model reads is not there, whatever of it is elsewhere is as it came; where a rule blocks nothing is asked."""
    upstream.always(answer_to)
    w = guarded(weir, upstream, "redact")
    asked = {place: (path, {**body, "stream": True} if stream and not path.endswith(("embeddings", "moderations")) else body) for place, (path, body) in IN.items()}
    for n, (place, (path, body)) in enumerate(asked.items()):
        answer = wire.call(w, "POST", path, body)
        sent = upstream.wait_requests(n + 1)[n]
        assert answer.status == 200 and answer.complete, (place, answer.body)
        assert TICKET not in sent.body.decode() and "[TICKET_1]" in sent.body.decode(), place
        if path.startswith("/v1"):
            told = sent.json()
            assert {k: told.get(k) for k in body} == redacted(body), place
    w.stop()
    w = guarded(weir, upstream, "block")
    for place, (path, body) in asked.items():
        refused = wire.call(w, "POST", path, body)
        assert refused.status == 400 and refused.json()["error"]["code"] == "content_blocked" and TICKET not in refused.body.decode(), place
    assert len(upstream.requests) == len(IN)


@pytest.mark.parametrize("tools", [[], MANY], ids=["few", "many"])
@pytest.mark.parametrize("text", ["hi", f"of {TICKET}"], ids=["clean", "not clean"])
def test_what_no_model_reads_is_as_it_came(weir, upstream, text, tools):
    """Whatever else is in the request."""
    upstream.always(answer_to)
    w = guarded(weir, upstream, "redact")
    body = {**MODEL, "messages": [{"role": "user", "content": text}], "user": SAID, "metadata": {"a": SAID}, **({"tools": tools} if tools else {})}
    assert wire.call(w, "POST", "/v1/chat/completions", body).status == 200
    told = upstream.wait_requests(1)[0].json()
    assert (told["user"], told["metadata"], told["messages"]) == (body["user"], body["metadata"], redacted(body["messages"]))


# -- answers -----------------------------------------------------------------------------------------------------------
#
# A form has texts, each a lane of its own: (name, whether it is JSON). plain(said) is an answer that says in each lane what said(lane) is; events(pieces)
# are those of a stream that says pieces, (lane, text) in their order; read(events) what each lane has come to, by its name.

def said_in(lane):
    return ARGUMENTS if lane[1] else SAID


def shown_in(lane):
    return said_in(lane).replace(TICKET, "[TICKET_1]")


class Chat:
    path, asked = "/v1/chat/completions", {**MODEL, "n": 2, "messages": [HI]}
    lanes = [((choice, kind), kind in ("call 0", "call 1", "function_call")) for choice in (1, 0)
             for kind in ("content", "refusal", "reasoning_content", "reasoning", "call 0", "call 1", "custom", "function_call", "audio", "new")]
    slots = {"call 0": (0, "function", "arguments"), "call 1": (1, "function", "arguments"), "custom": (2, "custom", "input")}

    @classmethod
    def put(cls, kind, text, index=True):
        if kind in cls.slots:
            number, sort, member = cls.slots[kind]
            call = {"id": f"c{number}", "type": sort, sort: {"name": "f", member: text}}
            return {"tool_calls": [{"index": number, **call} if index else call]}
        if kind == "function_call":
            return {kind: {"name": "f", "arguments": text}}
        if kind == "audio":
            return {kind: {"id": "a", "transcript": text}}
        return {"x_new" if kind == "new" else kind: [{"deep": text}] if kind == "new" else text}

    @classmethod
    def get(cls, delta, kind):
        if kind in cls.slots:
            number, sort, member = cls.slots[kind]
            return "".join(c[sort].get(member) or "" for i, c in enumerate(delta.get("tool_calls") or []) if c.get("index", i) == number)
        if kind == "new":
            return "".join(d["deep"] for d in delta.get("x_new") or [])
        held = delta.get(kind)
        return (held if isinstance(held, str) else held.get("arguments") or held.get("transcript") or "") if held else ""

    @classmethod
    def plain(cls):
        choices = []
        for choice in (0, 1):
            said = {"role": "assistant", "content": None}
            for lane in cls.lanes:
                if lane[0][0] == choice:
                    more = cls.put(lane[0][1], said_in(lane), index=False)
                    said = {**said, **more, "tool_calls": [*said.get("tool_calls", []), *more.get("tool_calls", [])]}
            choices.append({"index": choice, "message": said, "finish_reason": "stop"})
        return bodies.completion(choices=choices)

    @classmethod
    def events(cls, pieces):
        return [*[bodies.chunk(cls.put(kind, text), index=choice) for ((choice, kind), _), text in pieces], *[bodies.chunk(finish="stop", index=i) for i in (0, 1)]]

    @classmethod
    def read(cls, events):
        told = {lane[0]: "" for lane in cls.lanes}
        for c in (c for e in events for c in e["choices"]):
            for choice, kind in told:
                if c["index"] == choice:
                    told[choice, kind] += cls.get(c["delta"] if "delta" in c else c["message"], kind)
        return told

    whole = read


class Completions:
    path, asked = "/v1/completions", {**MODEL, "n": 3, "prompt": "x"}
    lanes = [(i, False) for i in range(3)]

    @classmethod
    def plain(cls):
        return {"id": "c", "object": "text_completion", "choices": [{"index": i, "text": SAID, "finish_reason": "stop"} for i in range(3)]}

    @classmethod
    def events(cls, pieces):
        chunks = [{"index": i, "text": text, "finish_reason": None} for (i, _), text in pieces] + [{"index": i, "text": "", "finish_reason": "stop"} for i in range(3)]
        return [{"id": "c", "object": "text_completion", "choices": [c]} for c in chunks]

    @classmethod
    def read(cls, events):
        told = {i: "" for i, _ in cls.lanes}
        for c in (c for e in events for c in e["choices"]):
            told[c["index"]] += c["text"]
        return told

    whole = read


class Response:
    """Two messages, one of them a refusal, reasoning and its summary, calls of three kinds. Each text four times: in pieces, and whole in three repeats."""

    path, asked = "/v1/responses", {**MODEL, "input": "x"}
    kinds = [("reasoning_summary_text", "text", "summary_index", False), ("reasoning_text", "text", "content_index", False), ("output_text", "text", "content_index", False),
             ("refusal", "refusal", "content_index", False), ("function_call_arguments", "arguments", None, True), ("function_call_arguments", "arguments", None, True),
             ("custom_tool_call_input", "input", None, False), ("mcp_call_arguments", "arguments", None, True)]
    places = [0, 0, 1, 2, 3, 4, 5, 6]  # in the output
    lanes = [(i, kind[3]) for i, kind in enumerate(kinds)]

    @classmethod
    def items(cls, full=True):
        t, a = (SAID, ARGUMENTS) if full else ("", "")
        made = [{"id": "i0", "type": "reasoning", "summary": [{"type": "summary_text", "text": t}] * full, "content": [{"type": "reasoning_text", "text": t}] * full},
                {"id": "i1", "type": "message", "role": "assistant", "content": [{"type": "output_text", "text": t, "annotations": []}] * full},
                {"id": "i2", "type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": t}] * full},
                *[{"id": f"i{n}", "type": "function_call", "call_id": f"c{n}", "name": "f", "arguments": a} for n in (3, 4)],
                {"id": "i5", "type": "custom_tool_call", "call_id": "c5", "name": "f", "input": t},
                {"id": "i6", "type": "mcp_call", "server_label": "s", "name": "f", "arguments": a}]
        return [{**item, "status": "completed" if full else "in_progress"} for item in made]

    @classmethod
    def plain(cls):
        return {**RESPONSE, "output": cls.items()}

    @classmethod
    def at(cls, lane):
        kind, member, index, _ = cls.kinds[lane]
        return kind, member, {"item_id": f"i{cls.places[lane]}", "output_index": cls.places[lane], **({index: 0} if index else {})}

    @classmethod
    def events(cls, pieces):
        told = [("response.created", {"response": {**RESPONSE, "status": "in_progress", "output": []}})]
        told += [("response.output_item.added", {"output_index": i, "item": item}) for i, item in enumerate(cls.items(False))]
        for (lane, _), text in pieces:
            kind, _, at = cls.at(lane)
            told.append((f"response.{kind}.delta", {**at, "delta": text}))
        for lane in cls.lanes:
            kind, member, at = cls.at(lane[0])
            told.append((f"response.{kind}.done", {**at, member: said_in(lane)}))
        for i, item in enumerate(cls.items()):
            for n, part in enumerate(item.get("content", [])):
                told.append(("response.content_part.done", {"item_id": f"i{i}", "output_index": i, "content_index": n, "part": part}))
            for n, part in enumerate(item.get("summary", [])):
                told.append(("response.reasoning_summary_part.done", {"item_id": f"i{i}", "output_index": i, "summary_index": n, "part": part}))
            told.append(("response.output_item.done", {"output_index": i, "item": item}))
        told.append(("response.completed", {"response": cls.plain()}))
        return [f"event: {name}\ndata: {json.dumps({'type': name, 'sequence_number': n, **data})}\n\n".encode() for n, (name, data) in enumerate(told)]

    @classmethod
    def read(cls, events):
        told = {lane: "" for lane, _ in cls.lanes}
        for e in events:
            for lane, (kind, member, _, _) in enumerate(cls.kinds):
                if e["type"].startswith(f"response.{kind}.") and e["output_index"] == cls.places[lane]:
                    if e["type"].endswith(".delta"):
                        told[lane] += e["delta"]
                    else:
                        assert e[member] == shown_in(cls.lanes[lane])
            if e["type"] == "response.output_item.done":
                assert e["item"] == redacted(cls.items()[e["output_index"]])
        assert events[-1]["response"] == redacted(cls.plain())
        return told

    @classmethod
    def whole(cls, answers):
        assert answers[0] == redacted(cls.plain())
        return {lane[0]: shown_in(lane) for lane in cls.lanes}


class OwnChat:
    """/chat: what is said, of the first choice alone."""

    path, asked = "/chat", {"message": "x"}
    lanes = [("response", False)]

    @classmethod
    def plain(cls):
        return bodies.completion(SAID)

    @classmethod
    def events(cls, pieces):
        return bodies.stream(*[text for _, text in pieces])

    @classmethod
    def read(cls, events):
        return {"response": "".join(e.get("delta") or "" for e in events)}

    @classmethod
    def whole(cls, answers):
        return {"response": answers[0]["response"]}


FORMS = [Chat, Completions, Response, OwnChat]


def interleaved(form):
    """Cuttings: each text in two, at each place, those of all lanes by turns; then each byte by itself, by turns; then anywhere, in any order."""
    def by_turns(cut):
        texts = [(lane, cut(said_in(lane))) for lane in form.lanes]
        for i in range(max(len(t) for _, t in texts)):
            yield from ((lane, t[i]) for lane, t in texts if i < len(t))
    for at in range(1, len(ARGUMENTS)):
        yield list(by_turns(lambda text: [text[:at], text[at:]]))
    yield list(by_turns(list))
    for seed in range(10):
        draw, left, pieces = random.Random(seed), {lane: said_in(lane) for lane in form.lanes}, []
        while left:
            lane = draw.choice(list(left))
            n = draw.randint(1, 9)
            pieces.append((lane, left[lane][:n]))
            left[lane] = left[lane][n:]
            if not left[lane]:
                del left[lane]
        yield pieces


def opaque(lane):
    """What weir does not know is looked at piece by piece: whether a text goes on in the next is not known either."""
    return isinstance(lane[0], tuple) and lane[0][1] == "new"


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.path)
def test_each_place_of_an_answer(weir, upstream, form):
    """As many choices and items as there may be, all of them at the same time, cut anywhere: each text is what the plain answer has."""
    lanes = [lane for lane in form.lanes if not opaque(lane)]
    cuts = [[p for p in cut if not opaque(p[0])] for cut in interleaved(form)] + [[(lane, said_in(lane)) for lane in form.lanes]]
    upstream.script(reply(200, form.plain()), *[sse(form.events(cut), end="no_done" if form is Response else "done") for cut in cuts])
    w = guarded(weir, upstream, "redact")
    shown = {lane[0]: shown_in(lane) for lane in form.lanes}
    plain = wire.call(w, "POST", form.path, form.asked)
    assert plain.status == 200 and TICKET not in plain.body.decode()
    assert form.whole([plain.json()]) == shown
    for n, cut in enumerate(cuts):
        answer = wire.call(w, "POST", form.path, {**form.asked, "stream": True})
        assert answer.complete and TICKET not in answer.body.decode(), cut
        told = form.read([e for e in answer.events() if e != "[DONE]"])
        assert {lane[0]: told[lane[0]] for lane in (lanes if n < len(cuts) - 1 else form.lanes)} == \
            {lane[0]: shown_in(lane) for lane in (lanes if n < len(cuts) - 1 else form.lanes)}, cut


@pytest.mark.parametrize("form", FORMS, ids=lambda f: f.path)
def test_each_place_of_an_answer_that_is_blocked(weir, upstream, form):
    """Whichever text it is in: nothing of it goes out, whole or in pieces, and no other text goes on behind it."""
    cases = []
    for lane in form.lanes:
        pieces = [(other, "so") for other in form.lanes if other != lane] + [(lane, t) for t in ("is TICK-12", "3456", " more")]
        cases.append(pieces if not opaque(lane) else [(lane, f"is {TICKET} more")])
    upstream.script(*[sse(form.events(pieces), end="no_done" if form is Response else "done") for pieces in cases], reply(200, form.plain()))
    w = guarded(weir, upstream, "block")
    for pieces in cases:
        answer = wire.call(w, "POST", form.path, {**form.asked, "stream": True})
        body = answer.body.decode()
        assert "TICK-" not in body and " more" not in body, pieces
        assert w.wait_call(answer.header("x-request-id"))["finish_reason"] == "content_filter", pieces
    plain = wire.call(w, "POST", form.path, form.asked)
    assert plain.status == 200 and TICKET not in plain.body.decode()
    assert w.wait_call(plain.header("x-request-id"))["finish_reason"] == "content_filter"


@pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
def test_each_place_of_a_tool_that_its_client_calls(weir, upstream, era):
    """At /mcp, in both eras: strings at any depth, and JSON within; the result as text and as what it says."""
    places = {"text": {"text": SAID}, "deep": {"text": "x", "a": [{"b": [SAID]}]}, "nested": {"text": ARGUMENTS}, "name of a member": {"text": "x", "c d": {"e": SAID}}}

    def call(w, name, arguments):
        headers = {"mcp_method": "tools/call", "mcp_name": name} if era > "2026" else {}
        more = {"_meta": META} if era > "2026" else {}
        return post(w, message("tools/call", name=name, arguments=arguments, **more), mcp_protocol_version=era, **headers)
    w = guarded(weir, upstream, "redact")
    for place, arguments in places.items():
        result = call(w, "echo", arguments).json()["result"]
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"] == redacted(arguments), place
    w.stop()
    w = guarded(weir, upstream, "block")
    for place, arguments in places.items():
        refused = call(w, "echo", arguments)
        assert refused.status == 400 and refused.json()["error"]["data"]["code"] == "content_blocked" and TICKET not in refused.body.decode(), place
    assert not upstream.requests
