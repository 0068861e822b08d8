"""Guards that ask somebody outside: a moderation endpoint or a webhook, by way of a tool."""

import json

import pytest

import bodies
import wire
from test_guards import RULES, TICKET
from test_mcp_server import legacy, names, post, message
from test_usage_cli import run
from upstream import cut, error, reply, stall

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


def test_what_is_more_than_is_asked_about_counts_as_no_answer(weir, upstream, upstreams):
    outside = upstreams()
    outside.always(judge)
    upstream.always(reply(200, bodies.completion()))
    w = asking(weir, upstream, outside.url)
    assert [ask(w, "y" * n).status for n in (200_000, 263_000, 1_000_000)] == [200, 503, 503]
    assert len(outside.requests) == 1
    w.stop()
    w = asking(weir, upstream, outside.url, on_failure="open")
    assert ask(w, "y" * 1_000_000).status == 200


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
    assert sorted(r["guard"] for r in w.log if r.get("event") == "call") == ["in.ticket.redact=1", "in.ticket.redact=1,in.external.block=1"]


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


@pytest.mark.parametrize("tool, says", [("nobody", "guard.external.tool is nobody, and tools has none of that name"),
                                        ("get_current_time", "guard.external.tool is get_current_time, which is neither an http nor a command tool")])
def test_who_cannot_be_asked_is_told(tmp_path, tool, says):
    (tmp_path / "w.yaml").write_text(json.dumps({"providers": {"main": {"kind": "openai", "url": "http://127.0.0.1:1/v1", "key": "x"}},
                                                 "tools": {"get_current_time": {"kind": "builtin"}}, "guard": {"external": {"tool": tool}}}))
    assert says in run(tmp_path, "check", "-c", tmp_path / "w.yaml", expect=1)
