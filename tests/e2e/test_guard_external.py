"""Guards that ask somebody outside: a moderation endpoint or a webhook, by way of a tool."""

import json
import threading

import pytest

import bodies
import wire
from test_cache_similar import Model
from test_guards import RULES, TICKET, response, response_stream, said
from test_mcp_server import legacy, message, names, plain, post
from test_memory import MB, check_refused, held, unfinished, wait_held
from test_usage_cli import run
from upstream import cut, error, reply, sse, stall

BAD = "something terrible"


def moderation(*flagged):
    return {"id": "modr-1", "model": "omni-moderation-latest",
            "results": [{"flagged": f, "categories": {"violence": f}, "category_scores": {"violence": 0.9 if f else 0.1}} for f in flagged]}


def judge(seen):
    return reply(200, moderation(BAD in seen.json()["input"]))


def asking(weir, upstream, url, tool=None, **external):
    tool = {"kind": "http", "method": "POST", "url": f"{url}/moderations", "allow_private": True, "description": "Judges.",
            "headers": {"authorization": "Bearer key-of-the-judge-01"}, **(tool or {})}
    return weir(upstream, tools={"judge": tool, "get_current_time": {"kind": "builtin"}}, guard={"external": {"tool": "judge", **external}},
                retry={"retries": 0})


def ask(w, *texts, **more):
    return wire.chat(w, messages=[{"role": "user", "content": t} for t in texts], **more)


def test_what_is_objected_to_is_refused(weir, upstream, upstreams):
    outside = upstreams()
    outside.always(judge)
    upstream.always(reply(200, bodies.completion()))
    w = asking(weir, upstream, outside.url)
    assert ask(w, "good", "morning").status == 200
    for stream in (False, True):
        refused = ask(w, "first", f"then {BAD} of it", stream=stream)
        assert refused.status == 400 and refused.json()["error"]["code"] == "content_blocked"
        assert refused.json()["error"]["message"] == "The request has something that the gateway's guard does not let through: external."
    said = wire.call(w, "POST", "/v1/responses", {"model": "gpt-test", "input": BAD})
    assert said.status == 400
    assert [r.json()["input"] for r in outside.wait_requests(4)] == ["good\nmorning", f"first\nthen {BAD} of it", f"first\nthen {BAD} of it", BAD]
    assert outside.requests[0].path == "/v1/moderations" and outside.requests[0].header("authorization") == "Bearer key-of-the-judge-01"
    assert len(upstream.requests) == 1
    w.stop()
    assert sorted(r.get("guard", "") for r in w.log if r.get("event") == "call") == [""] + ["in.external.block=1"] * 3


def test_it_may_only_note(weir, upstream, upstreams):
    outside = upstreams()
    outside.always(judge)
    upstream.always(reply(200, bodies.completion()))
    w = asking(weir, upstream, outside.url, **{"in": "flag"})
    assert ask(w, BAD).status == 200
    assert w.wait_event("call")["guard"] == "in.external.flag=1"
    w.stop()
    w = asking(weir, upstream, outside.url, **{"in": "off"})
    assert ask(w, BAD).status == 200 and len(outside.requests) == 1


def test_a_webhook_says_it_in_a_word(weir, upstream, upstreams):
    outside = upstreams()
    outside.script(reply(200, {"flagged": False}), reply(200, {"flagged": True, "why": "x"}), reply(200, moderation(False, True)))
    upstream.always(reply(200, bodies.completion()))
    w = asking(weir, upstream, outside.url)
    assert [ask(w, "x").status for _ in range(3)] == [200, 400, 400]


@pytest.mark.parametrize("what", ["slow", "away", "refuses", "cut", "no json", "no verdict", "half a verdict", "empty"])
@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_who_does_not_answer_is_as_configured(weir, upstream, upstreams, what, on_failure):
    outside = upstreams()
    url = outside.url
    if what == "away":
        outside.close()
    else:
        outside.always({"slow": stall("before_head"), "refuses": error(500), "cut": cut("in_body"), "no json": reply(200, b"no"), "no verdict": reply(200, {"results": []}),
                        "half a verdict": reply(200, {"results": [{"flagged": False}, {"other": 1}]}), "empty": reply(200, b"")}[what])
    upstream.always(reply(200, bodies.completion()))
    w = asking(weir, upstream, url, tool={"timeout": "300ms"}, on_failure=on_failure)
    answer = ask(w, "hello")
    if on_failure == "open":
        assert answer.status == 200
    else:
        assert answer.status == 503 and answer.json()["error"]["code"] == "guard_unavailable" and answer.header("x-should-retry") == "true"
        assert not upstream.requests
    assert "key-of-the-judge-01" not in answer.body.decode()
    assert ask(w, "hello").status == answer.status  # and goes on


PART, AGAIN = 256 * 1024, 1024


def parts_of(text):
    """As they are told: each behind the last 1 KB of the one before, none ending within a character."""
    rest, parts = text.encode(), []
    while len(rest) > PART:
        part = rest[:PART].decode(errors="ignore").encode()
        again = part[:-AGAIN].decode(errors="ignore").encode()
        parts.append(part.decode())
        rest = rest[len(again):]
    return [*parts, rest.decode()]


# Where one part ends, and the next begins: it is seen whole in one of them.
PLACES = (0, PART - len(BAD) + 1, PART - 1, 2 * PART - AGAIN - 3, 700_000)


def test_what_is_more_than_is_told_at_once_is_told_in_parts(weir, upstream, upstreams):
    """All of it, in order, and never cut within a character; the first part that is objected to is enough, wherever in it that stands."""
    outside = upstreams()
    outside.always(judge)
    upstream.always(reply(200, bodies.completion()))
    w = asking(weir, upstream, outside.url)
    for texts in (["é" * 50_000] * 5, ["y" + "é" * 400_000], ["y" * PART], ["y" * (PART + 1)]):
        before = len(outside.requests)
        assert ask(w, *texts).status == 200
        assert heard(outside)[before:] == parts_of("\n".join(texts))
    for place in PLACES:
        before, text = len(outside.requests), "y" * place + BAD + "z" * (800_000 - place)
        refused = ask(w, text)
        assert refused.status == 400 and refused.json()["error"]["code"] == "content_blocked"
        told = heard(outside)[before:]
        assert told == parts_of(text)[:len(told)] and BAD in told[-1] and not any(BAD in t for t in told[:-1])
    assert len(upstream.requests) == 4


@pytest.mark.parametrize("on_failure, status", [("closed", 503), ("open", 200)])
def test_of_one_part_of_a_large_request_nothing_is_said(weir, upstream, upstreams, on_failure, status):
    outside = upstreams()
    outside.script(reply(200, moderation(False)), error(500))
    upstream.always(reply(200, bodies.completion()))
    w = asking(weir, upstream, outside.url, on_failure=on_failure)
    assert ask(w, *["y" * 200_000] * 3).status == status and len(outside.requests) == 2


def test_a_large_request_may_find_no_room_to_be_asked_about(weir, upstream, upstreams):
    """Its texts take as much again while they are told: then nobody is asked, and nothing of it stays held."""
    outside = upstreams()
    outside.always(judge)
    upstream.always(reply(200, bodies.completion()))
    judged = {"kind": "http", "method": "POST", "url": outside.url, "allow_private": True, "description": "x"}
    w = weir(upstream, tools={"judge": judged}, guard={"external": {"tool": "judge", "on_failure": "open"}}, limits={"memory": "16MB"}, server={"workers": 1})
    check_refused(ask(w, "y" * 9 * MB), 503, "memory_full")
    assert not outside.requests and not upstream.requests
    wait_held(w, 0)
    assert ask(w, "y" * 3 * MB).status == 200 and len(outside.requests) == len(parts_of("y" * 3 * MB))
    wait_held(w, 0)


def test_who_leaves_while_a_large_request_is_asked_about(weir, upstream, upstreams):
    outside = upstreams()
    outside.script(reply(200, moderation(False)), stall("before_head"))
    w = asking(weir, upstream, outside.url, tool={"timeout": "5m"})
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "gpt-test", "messages": [{"role": "user", "content": "y" * 200_000}] * 2})
        asked = outside.wait_requests(2)[1]
        c.abort()
    asked.wait_closed()
    assert not upstream.requests


def test_it_is_told_nothing_that_rules_take_out(weir, upstream, upstreams):
    outside = upstreams()
    outside.always(judge)
    upstream.always(reply(200, bodies.completion()))
    tool = {"kind": "http", "method": "POST", "url": outside.url, "allow_private": True, "description": "x"}
    w = weir(upstream, tools={"judge": tool}, guard={"in": "redact", "shipped": False, "rules": RULES, "external": {"tool": "judge"}})
    assert ask(w, f"see {TICKET}").status == 200
    assert outside.wait_requests(1)[0].json()["input"] == "see [TICKET_1]"
    assert ask(w, f"see {TICKET} and {BAD}").status == 400
    w.stop()
    assert sorted(r["guard"] for r in w.log if r.get("event") == "call") == ["in.external.block=1,in.ticket.redact=1", "in.ticket.redact=1"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/functions"])
def test_what_is_embedded_to_be_compared_is_no_second_text(weir, upstream, upstreams, path):
    """cache.semantic asks for an embedding of a call's own words, of a run's step as well, which have a verdict by then."""
    outside = upstreams()
    outside.always(judge)
    model = Model(upstream)
    w = weir(upstream, tools={"judge": {"kind": "http", "method": "POST", "url": outside.url, "allow_private": True, "description": "x"}},
             guard={"external": {"tool": "judge", "in": "flag"}}, cache={"models": ["gpt-*"], "semantic": {"model": "emb", "timeout": "20s"}})
    body = {"model": "gpt-test", "messages": [{"role": "user", "content": f"x {BAD}"}]} if path.startswith("/v1") else {"model": "gpt-test", "message": f"x {BAD}"}
    assert wire.call(w, "POST", path, body).status == 200
    assert model.embedded == [f"x {BAD}"] and heard(outside) == [f"x {BAD}"]
    w.stop()
    assert [r["guard"] for r in w.log if r.get("event") == "call" and "guard" in r] == ["in.external.flag=1"]


# -- answers -----------------------------------------------------------------------------------------------------------

OUT = {"in": "off", "out": "block"}


def heard(outside):
    return [r.json()["input"] for r in outside.requests]


def test_a_plain_answer_waits_for_its_verdict(weir, upstream, upstreams):
    outside = upstreams()
    outside.always(judge)
    choices = [{"index": i, "message": {"role": "assistant", "content": t}, "finish_reason": "stop"} for i, t in enumerate(["fine", f"and {BAD}"])]
    upstream.script(reply(200, bodies.completion("all good")), reply(200, bodies.completion(choices=choices)), reply(200, response(f"so {BAD}")))
    w = asking(weir, upstream, outside.url, **OUT)
    assert ask(w, "x").json()["choices"][0]["message"]["content"] == "all good"
    blocked = ask(w, "x", n=2)
    assert blocked.status == 200 and BAD not in blocked.body.decode()
    assert [c["finish_reason"] for c in blocked.json()["choices"]] == ["content_filter"] * 2
    assert wire.call(w, "POST", "/v1/responses", {"model": "gpt-test", "input": "x"}).json()["status"] == "incomplete"
    assert heard(outside) == ["all good", f"fine\nand {BAD}", f"so {BAD}"]
    w.stop()
    assert sorted(r.get("guard", "") for r in w.log if r.get("event") == "call") == ["", "out.external.block=1", "out.external.block=1"]


def test_a_stream_goes_no_further_than_its_last_good_sentence(weir, upstream, upstreams):
    """Whatever its pieces: asked about by sentence, and the provider is cancelled."""
    outside = upstreams()
    outside.always(judge)
    good, bad = ["Hel", "lo there.", " All", " is good!", " No end"], ["One.", " Then ", BAD, " came.", " More."]
    upstream.script(sse(bodies.stream(*good)), sse([*bodies.stream(*bad)[:-1], threading.Event()]))
    w = asking(weir, upstream, outside.url, **OUT)
    answer = ask(w, "x", stream=True)
    assert said(answer) == ("".join(good), "stop") and answer.complete
    assert heard(outside) == ["Hello there.", " All is good!", " No end"]
    answer = ask(w, "x", stream=True)
    assert said(answer) == ("One.", "content_filter") and answer.complete
    assert heard(outside)[3:] == ["One.", f" Then {BAD} came."]
    upstream.requests[1].wait_closed()


def test_a_stream_that_ends_without_a_word_has_its_last_ones_asked_about(weir, upstream, upstreams):
    """Without a finish_reason, that is, and without the end of a sentence: what has no verdict stays behind."""
    outside = upstreams()
    outside.always(judge)
    upstream.script(*(sse(bodies.stream("One.", " then", f" {what}")[:-1]) for what in ("good", BAD)))
    w = asking(weir, upstream, outside.url, **OUT)
    good, bad = ask(w, "x", stream=True), ask(w, "x", stream=True)
    assert said(good)[0] == "One. then good" and good.complete
    assert said(bad) == ("One.", "content_filter") and BAD not in bad.body.decode()
    assert heard(outside) == ["One.", " then good", "One.", f" then {BAD}"]


@pytest.mark.parametrize("out", ["block", "flag"])
def test_a_stream_may_be_cut_while_what_was_judged_comes_out(weir, upstream, upstreams, out):
    """By a bound on its length, which stands behind: it ends in the midst of what waited for the verdict."""
    outside = upstreams()
    outside.always(judge)
    upstream.always(sse(bodies.stream("One.", " Two", " three", " four", " five.", " Six.")))
    w = weir(upstream, tools={"judge": {"kind": "http", "method": "POST", "url": f"{outside.url}/moderations", "allow_private": True, "description": "Judges."}},
             guard={"external": {"tool": "judge", "out": out}}, output={"characters": 12})
    for _ in range(3):
        answer = ask(w, "x", stream=True)
        assert said(answer) == ("One. Two thr", "length") and answer.complete


@pytest.mark.parametrize("last", [[], [bodies.chunk(finish="stop")]], ids=["without a word", "finished"])
def test_lanes_may_be_cut_while_they_come_out(weir, upstream, last):
    """What rules held of three texts of a choice comes out at the end. The first of it is more than may be said, with which the answer is over:
    there is no second to come out."""
    texts = [{k: "It is TICK-1"} for k in ("content", "refusal", "reasoning_content")]
    upstream.always(sse([*map(bodies.chunk, texts), *last]))
    w = weir(upstream, guard={"out": "redact", "shipped": False, "rules": RULES}, output={"characters": 20}, retry={"retries": 0})
    for _ in range(3):
        answer = ask(w, "x", stream=True)
        deltas = [c["delta"] for e in answer.events() if e != "[DONE]" for c in e["choices"]]
        out = {k: "".join(d.get(k) or "" for d in deltas) for t in texts for k in t}
        assert sorted(out.values()) == ["It is ", "It is ", "It is TI"] and said(answer)[1] == "length" and answer.complete


def test_a_response_s_stream_and_its_repeats(weir, upstream, upstreams):
    outside = upstreams()
    outside.always(judge)
    upstream.script(sse(response_stream("So. ", "Good. "), end="done", done=b""), sse(response_stream("So. ", f"{BAD}. ", "More. "), end="done", done=b""))
    w = asking(weir, upstream, outside.url, **OUT)
    good = wire.call(w, "POST", "/v1/responses", {"model": "gpt-test", "input": "x", "stream": True}).body.decode()
    assert "response.completed" in good and heard(outside) == ["So. Good. "] or heard(outside) == ["So. ", "Good. "]
    bad = wire.call(w, "POST", "/v1/responses", {"model": "gpt-test", "input": "x", "stream": True}).body.decode()
    assert BAD not in bad and "More" not in bad and "response.incomplete" in bad and '"content_filter"' in bad


def test_a_stream_that_is_blocked_may_end_with_an_error(weir, upstream, upstreams):
    outside = upstreams()
    outside.always(judge)
    upstream.always(sse(bodies.stream("One.", f" {BAD}.")))
    tool = {"kind": "http", "method": "POST", "url": outside.url, "allow_private": True, "description": "x"}
    w = weir(upstream, tools={"judge": tool}, guard={"stream_end": "error", "external": {"tool": "judge", **OUT}})
    events = ask(w, "x", stream=True).events()
    assert events[-1]["error"]["code"] == "content_blocked" and BAD not in json.dumps(events)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_an_answer_of_which_nothing_is_said(weir, upstream, upstreams, stream, on_failure):
    outside = upstreams()
    outside.script(*[reply(200, moderation(False))] * stream, stall("before_head"), error(500))
    upstream.always(sse(bodies.stream("One.", " Two.", " Three.")) if stream else reply(200, bodies.completion("One. Two. Three.")))
    w = asking(weir, upstream, outside.url, tool={"timeout": "1s"}, on_failure=on_failure, **OUT)
    answer = ask(w, "x", stream=stream)
    if on_failure == "open":
        assert "Three." in answer.body.decode() and answer.complete
    elif stream:
        assert said_so_far(answer) == "One." and answer.events()[-1]["error"]["code"] == "guard_unavailable"
    else:
        assert answer.status == 503 and answer.json()["error"]["code"] == "guard_unavailable"


def test_a_long_plain_answer_is_told_in_parts(weir, upstream, upstreams):
    outside = upstreams()
    outside.always(judge)
    w = asking(weir, upstream, outside.url, **OUT)
    for texts in (["y" + "é" * 400_000], ["a\n\"" * 100_000, "", "x" * 300_000], ["y" * PART], ["y" * (PART + 1), "z"]):
        before, choices = len(outside.requests), choices_of(texts)
        upstream.script(reply(200, bodies.completion(choices=choices)))
        assert ask(w, "x", n=len(texts)).json()["choices"] == choices
        assert heard(outside)[before:] == parts_of("\n".join(texts))
    for place in PLACES:
        before, text = len(outside.requests), "y" * place + BAD + "z" * (800_000 - place)
        upstream.script(reply(200, bodies.completion(choices=choices_of(["good", text]))))
        blocked = ask(w, "x", n=2)
        assert [c["finish_reason"] for c in blocked.json()["choices"]] == ["content_filter"] * 2 and len(blocked.body) < 2000
        told = heard(outside)[before:]
        assert told == parts_of("good\n" + text)[:len(told)] and BAD in told[-1] and not any(BAD in t for t in told[:-1])


def choices_of(texts):
    return [{"index": i, "message": {"role": "assistant", "content": t}, "finish_reason": "stop"} for i, t in enumerate(texts)]


def test_long_events_of_a_stream_are_told_in_parts(weir, upstream, upstreams):
    """One that is too large for a part of its own, behind what has waited for a sentence's end; what follows is asked about by sentence again."""
    outside = upstreams()
    outside.always(judge)
    w = asking(weir, upstream, outside.url, **OUT)
    texts = ["One.", " Two", "yé" * 200_000, " three.", " Four"]
    upstream.script(sse(bodies.stream(*texts)))
    assert said(ask(w, "x", stream=True)) == ("".join(texts), "stop")
    assert heard(outside) == ["One.", *parts_of(" Two" + texts[2]), " three.", " Four"]
    for place in PLACES:
        before, text = len(outside.requests), "y" * place + BAD + "z" * (800_000 - place)
        upstream.script(sse(bodies.stream("One.", text, " Four.")))
        answer = ask(w, "x", stream=True)
        assert said(answer) == ("One.", "content_filter") and answer.complete
        told = heard(outside)[before + 1:]
        assert told == parts_of(text)[:len(told)] and BAD in told[-1] and not any(BAD in t for t in told[:-1])


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_of_one_part_of_a_long_answer_nothing_is_said(weir, upstream, upstreams, stream, on_failure):
    outside = upstreams()
    outside.script(reply(200, moderation(False)), error(500))
    text = "y" * 700_000
    upstream.always(sse(bodies.stream(text)) if stream else reply(200, bodies.completion(text)))
    w = asking(weir, upstream, outside.url, on_failure=on_failure, **OUT)
    answer = ask(w, "x", stream=stream)
    assert heard(outside) == parts_of(text)[:2]
    if on_failure == "open":
        assert text in answer.body.decode() and answer.complete
    elif stream:
        assert said_so_far(answer) == "" and answer.events()[-1]["error"]["code"] == "guard_unavailable"
    else:
        assert answer.status == 503 and answer.json()["error"]["code"] == "guard_unavailable"


@pytest.mark.parametrize("stream", [False, True])
def test_who_leaves_while_a_long_answer_is_asked_about(weir, upstream, upstreams, stream):
    outside = upstreams()
    outside.script(reply(200, moderation(False)), stall("before_head"))
    upstream.always(sse(bodies.stream("y" * 700_000)) if stream else reply(200, bodies.completion("y" * 700_000)))
    w = asking(weir, upstream, outside.url, tool={"timeout": "5m"}, **OUT)
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "gpt-test", "messages": [{"role": "user", "content": "x"}], "stream": stream})
        asked = outside.wait_requests(2)[1]
        c.abort()
    asked.wait_closed()


def said_so_far(answer):
    return "".join(c["delta"].get("content") or "" for e in answer.events() if e != "[DONE]" for c in e.get("choices", []))


# -- tools that clients call -------------------------------------------------------------------------------------------

ECHO = {"kind": "command", "command": ["cat"], "description": "x", "parameters": {"type": "object"}}
REVERSE = {**ECHO, "command": ["sh", "-c", "rev"]}


def at_mcp(weir, upstream, url, timeout="20s", max_result="64KB", **external):
    echo, reverse = {**ECHO, "max_result": max_result}, {**REVERSE, "max_result": max_result}
    judge = {"kind": "http", "method": "POST", "url": url, "allow_private": True, "description": "x", "timeout": timeout}
    return weir(upstream, tools=plain({"judge": judge, "echo": echo, "reverse": reverse}), guard={"in": "redact", "shipped": False, "rules": RULES,
                                                                                           "external": {"tool": "judge", **external}})


def call(w, tool, **arguments):
    return post(w, message("tools/call", name=tool, arguments=arguments), mcp_protocol_version="2025-11-25")


def test_a_tool_that_its_client_calls_is_asked_about(weir, upstream, upstreams):
    """What it is given, before it is called and behind the rules; and what it has said."""
    outside = upstreams()
    outside.always(judge)
    w = at_mcp(weir, upstream, outside.url, **{"in": "block", "out": "block"})
    good = call(w, "echo", a=f"fine {TICKET}", b=[{"c": "day"}]).json()["result"]
    assert json.loads(good["content"][0]["text"]) == {"a": "fine [TICKET_1]", "b": [{"c": "day"}]} and good["isError"] is False
    assert [heard(outside)[0], json.loads(heard(outside)[1])] == ["fine [TICKET_1]\nday", {"a": "fine [TICKET_1]", "b": [{"c": "day"}]}]
    refused = call(w, "echo", a=["x", BAD])
    assert refused.status == 400 and refused.json()["error"]["data"]["code"] == "content_blocked" and len(outside.requests) == 3
    assert refused.json()["error"]["message"] == "The arguments have something that the gateway's guard does not let through: external."
    result = call(w, "reverse", a=BAD[::-1]).json()["result"]
    assert result["isError"] is True and BAD not in json.dumps(result) and "structuredContent" not in result
    assert result["content"][0]["text"] == "the tool has said something that the gateway's guard does not let through"
    w.stop()
    assert sorted(r.get("guard", "") for r in w.log if r.get("event") == "call") == ["in.external.block=1", "in.ticket.redact=1", "out.external.block=1"]


def test_a_tool_that_its_client_calls_may_only_be_noted(weir, upstream, upstreams):
    outside = upstreams()
    outside.always(reply(200, {"flagged": True}))
    w = at_mcp(weir, upstream, outside.url, **{"in": "flag", "out": "flag"})
    assert json.loads(call(w, "echo", a="x").json()["result"]["content"][0]["text"]) == {"a": "x"}
    assert w.wait_event("call")["guard"] == "in.external.flag=1,out.external.flag=1"


@pytest.mark.parametrize("way", ["in", "out"])
@pytest.mark.parametrize("on_failure", ["open", "closed"])
def test_of_a_tool_that_its_client_calls_nothing_is_said(weir, upstream, upstreams, way, on_failure):
    outside = upstreams()
    outside.always(stall("before_head"))
    w = at_mcp(weir, upstream, outside.url, timeout="300ms", on_failure=on_failure, **{"in": "off", "out": "off", way: "block"})
    answer = call(w, "echo", a="x")
    if on_failure == "open":
        assert json.loads(answer.json()["result"]["content"][0]["text"]) == {"a": "x"}
    elif way == "in":
        assert answer.status == 503 and answer.json()["error"]["data"]["code"] == "guard_unavailable"
    else:
        result = answer.json()["result"]
        assert result["isError"] is True and "could not ask its guard" in result["content"][0]["text"]


def test_what_a_tool_says_at_length_is_told_in_parts(weir, upstream, upstreams):
    """And what it is given."""
    outside = upstreams()
    outside.always(judge)
    w = at_mcp(weir, upstream, outside.url, max_result="2MB", **{"in": "block", "out": "block"})
    text = "yé" * 200_000
    result = call(w, "echo", a=text).json()["result"]
    given = parts_of(text)
    assert result["isError"] is False and json.loads(result["content"][0]["text"]) == {"a": text}
    assert heard(outside) == given + parts_of(result["content"][0]["text"])
    for place in PLACES:
        before, text = len(outside.requests), "y" * place + BAD + "z" * (800_000 - place)
        refused = call(w, "echo", a=text)
        assert refused.status == 400 and refused.json()["error"]["data"]["code"] == "content_blocked"
        given = heard(outside)[before:]
        assert given == parts_of(text)[:len(given)]
        result = call(w, "reverse", a=text[::-1]).json()["result"]
        assert result["isError"] is True and len(json.dumps(result)) < 2000 and BAD in heard(outside)[-1]


LONG = {**ECHO, "command": ["sh", "-c", "cat > /dev/null; head -c 1500000 /dev/zero | tr '\\0' y"], "max_result": "2MB"}


def test_what_a_tool_says_may_find_no_room_to_wait_in(weir, upstream, upstreams):
    """While another client's body takes it: nobody is asked, no word of it goes out, and nothing stays held of either."""
    outside = upstreams()
    outside.always(reply(200, moderation(False)))
    judge = {"kind": "http", "method": "POST", "url": outside.url, "allow_private": True, "description": "x"}
    w = weir(upstream, tools=plain({"judge": judge, "long": LONG}), limits={"memory": "16MB"}, server={"workers": 1},
             guard={"external": {"tool": "judge", "in": "off", "out": "block", "on_failure": "open"}})
    other, refused = unfinished(w, 15 * MB)
    assert refused is None
    taken = held(w)
    result = call(w, "long").json()["result"]
    assert result["isError"] is True and "yyy" not in json.dumps(result) and "memory" in result["content"][0]["text"]
    assert not outside.requests and held(w) == taken
    other.abort()
    wait_held(w, 0)
    result = call(w, "long").json()["result"]
    assert result["isError"] is False and result["content"][0]["text"] == "y" * 1_500_000 and heard(outside) == parts_of("y" * 1_500_000)
    wait_held(w, 0)


def test_who_called_a_tool_may_leave_while_it_is_asked_about(weir, upstream, upstreams):
    outside = upstreams()
    outside.always(stall("before_head"))
    w = at_mcp(weir, upstream, outside.url, timeout="5m", **{"in": "off", "out": "block"})
    with wire.connect(w) as c:
        c.request("POST", "/mcp", message("tools/call", name="echo", arguments={"a": "x"}),
                  {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"})
        asked = outside.wait_requests(1)[0]
        c.abort()
    asked.wait_closed()


def test_nobody_else_may_use_it(weir, upstream, upstreams):
    outside = upstreams()
    outside.always(judge)
    w = asking(weir, upstream, outside.url)
    assert names(legacy(w, "tools/list")) == ["get_current_time"]
    assert "Unknown tool" in post(w, message("tools/call", name="judge", arguments={"input": "x"}), mcp_protocol_version="2025-11-25").json()["error"]["message"]
    assert not outside.requests


def test_a_client_that_leaves_ends_the_asking(weir, upstream, upstreams):
    outside = upstreams()
    outside.always(stall("before_head"))
    w = asking(weir, upstream, outside.url)
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "gpt-test", "messages": [{"role": "user", "content": "x"}]})
        asked = outside.wait_requests(1)[0]
        c.abort()
    asked.wait_closed()
    assert not upstream.requests


@pytest.mark.parametrize("tool, says", [("nobody", "guard.external.tool is 'nobody', and tools has none of that name"),
                                        ("get_current_time", "guard.external.tool is 'get_current_time', which is neither an http nor a command tool")])
def test_who_cannot_be_asked_is_told(tmp_path, tool, says):
    (tmp_path / "w.yaml").write_text(json.dumps({"providers": {"main": {"kind": "openai", "url": "http://127.0.0.1:1/v1", "key": "x"}},
                                                 "tools": {"get_current_time": {"kind": "builtin"}}, "guard": {"external": {"tool": tool}}}))
    assert says in run(tmp_path, "check", "-c", tmp_path / "w.yaml", expect=1)
