"""Tools whose calls an operator's URL approves (functions.approval), wherever they are called from."""

import json

import pytest

import bodies
import daemon
import wire
from test_alerts import SECRET, verify
from test_check import check
from test_functions import call, called_chunks, calling, saying
from test_server_tools_responses import answers, ask as ask_response, call as item_call, message
from upstream import after, refused_port, reply, sse, stall

KEY = "client-key-0123456789"
FREE = {"kind": "command", "command": ["cat"], "description": "Reads.", "parameters": {"type": "object"}}
TOOLS = {"delete": {**FREE, "approve": "webhook",
                    "parameters": {"type": "object", "properties": {"path": {"type": "string"}, "n": {"type": "integer"}}}},
         "read": FREE, "hold": {**FREE, "approve": "ask"}}
YES, LATER = reply(200, {"approve": True}), reply(202, b"")
NO = reply(200, {"approve": False, "reason": "Not on a Sunday."})
DENIED = "the call was not approved"
SILENT = f"{DENIED}: whoever decides that gave no answer"


@pytest.fixture
def decider(upstreams):
    return upstreams()


def serve(weir, upstream, decider, tmp_path, approval=None, **over):
    to = decider if isinstance(decider, str) else f"http://127.0.0.1:{decider.port}/may?x=1"
    approval = {"url": to, "secret": SECRET, "allow_private": True, **(approval or {})}
    options = {"tools": json.loads(json.dumps(TOOLS)), "ledger": {"store": f"sqlite:{tmp_path}/kept/ledger.db"}, "functions": {"approval": approval}}
    return weir(upstream, **daemon.merged(options, over))


def ask(w, **fields):
    return wire.call(w, "POST", "/chat/functions", {"message": "Clean up.", "user": "ann", **fields}, {"authorization": f"Bearer {KEY}"})


def say(w, paused, approve=True):
    return wire.call(w, "POST", f"/chat/functions/{paused['id']}", {"approve": approve}, {"authorization": f"Bearer {KEY}"})


def mcp(w, method, **params):
    return wire.call(w, "POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).json()["result"]


def one_call(upstream, *more):
    upstream.script(calling(call("delete", '{"path": "a"}')), *more)


def counted(w, answer):
    return w.metrics().get(f'weir_tool_approvals_total{{tool="delete",answer="{answer}"}}', 0)


# ---- in a run ----


def test_an_approved_call_is_made(weir, upstream, decider, tmp_path):
    one_call(upstream, saying("Done."))
    decider.script(YES)
    w = serve(weir, upstream, decider, tmp_path, clients=[{"name": "app", "key": KEY}])
    answer = ask(w)
    said = answer.json()
    assert said["success"] is True and said["response"] == "Done." and json.loads(said["steps"][0]["result"]) == {"path": "a"}
    (asked,) = decider.requests
    assert (asked.method, asked.path, asked.header("content-type")) == ("POST", "/may?x=1", "application/json")
    verify(asked)
    told = asked.json()
    assert told["type"] == "tool.approval" and asked.header("webhook-id") == "msg_" + told["data"].pop("id")
    assert told["data"] == {"tool": "delete", "arguments": {"path": "a"}, "call_id": "call_1", "request_id": answer.header("x-request-id"),
                            "endpoint": "chat.functions", "client": "app", "user": "ann", "confirmed": False}
    assert counted(w, "approved") == 1


def test_a_denial_goes_to_the_model_with_its_reason(weir, upstream, decider, tmp_path):
    one_call(upstream, saying("As you like."))
    decider.script(NO)
    w = serve(weir, upstream, decider, tmp_path)
    done = ask(w).json()
    assert done["success"] is True and done["steps"][0]["error"] == f"{DENIED}: Not on a Sunday." and "result" not in done["steps"][0]
    assert json.loads(upstream.requests[1].body)["messages"][-1]["content"] == f"Error: {DENIED}: Not on a Sunday."
    assert counted(w, "denied") == 1 and w.metrics().get('weir_tool_calls_total{tool="delete",outcome="done"}', 0) == 0


@pytest.mark.parametrize("answer", [
    reply(500, b"oops"), reply(403, {"approve": True}), reply(204, b""), reply(200, b"yes"), reply(200, {"approve": "true"}),
    reply(200, {"approved": True}), reply(200, [True]), reply(302, b"", headers=[("location", "/yes")]),
    reply(200, {"approve": True, "more": "x" * 100_000}), reply(200, b'{"approve": false, "approve": true}'), stall("before_head"), stall("in_body")])
def test_no_answer_is_no_approval(weir, upstream, decider, tmp_path, answer):
    one_call(upstream, saying("Then not."))
    decider.script(answer)
    w = serve(weir, upstream, decider, tmp_path, {"timeout": "300ms"})
    done = ask(w).json()
    assert done["response"] == "Then not." and done["steps"][0]["error"] == SILENT
    assert counted(w, "failed") == 1
    daemon.wait_until(lambda: any(e.get("event") == "approval_failed" for e in w.log), 5, "not logged")
    (line,) = [e for e in w.log if e.get("event") == "approval_failed"]
    assert line["tool"] == "delete" and line["reason"] and "whsec" not in json.dumps(line) and "/may" not in json.dumps(line)


@pytest.mark.parametrize("url, private", [(None, True), ("http://127.0.0.1:9/x", False), ("http://[::ffff:127.0.0.1]:9/x", False), ("http://localhost:9/x", False)])
def test_nobody_there_is_no_approval(weir, upstream, tmp_path, url, private):
    """Nor is an address of a private network asked, unless it may be."""
    one_call(upstream, saying("Then not."))
    sock, port = refused_port()
    with sock:
        w = serve(weir, upstream, url or f"http://127.0.0.1:{port}/x", tmp_path, {"allow_private": private})
        said = ask(w).json()
    assert said["steps"][0]["error"] == SILENT
    daemon.wait_until(lambda: any(e.get("event") == "approval_failed" for e in w.log), 5, "not logged")
    (line,) = [e for e in w.log if e.get("event") == "approval_failed"]
    assert private or "public" in line["reason"] or "private" in line["reason"], line


def test_nobody_is_asked_about_a_call_that_cannot_be(weir, upstream, decider, tmp_path):
    upstream.script(calling(call("delete", '{"path": 5}', 1), call("delete", "no JSON", 2), call("nope", "{}", 3)), saying("I see."))
    w = serve(weir, upstream, decider, tmp_path)
    first, second, third = ask(w).json()["steps"]
    assert first["error"] == "path: expected a string, got 5" and second["arguments"] == "no JSON" and "error" in second and "error" in third
    assert decider.requests == []


def test_none_of_an_answer_is_made_before_all_is_known(weir, upstream, decider, tmp_path):
    upstream.script(calling(call("read", '{"n": 1}', 1), call("delete", '{"n": 2}', 2), call("delete", '{"n": 3}', 3)), saying("Done."))
    decider.script(after(0.3, YES), NO)
    w = serve(weir, upstream, decider, tmp_path)
    done = ask(w).json()
    assert sorted("result" in s for s in done["steps"]) == [False, True, True] and "result" in done["steps"][0]
    assert {json.dumps(r.json()["data"]["arguments"]) for r in decider.requests} == {'{"n": 2}', '{"n": 3}'}


# ---- later ----


def test_later_makes_the_run_wait_and_asks_again(weir, upstream, decider, tmp_path):
    one_call(upstream, saying("Done."))
    decider.script(LATER, LATER, YES)
    w = serve(weir, upstream, decider, tmp_path, clients=[{"name": "app", "key": KEY}])
    first = ask(w).json()
    assert first["success"] is False and first["error"]["code"] == "paused" and first["steps"] == []
    assert first["paused"]["calls"] == [{"id": "call_1", "tool": "delete", "arguments": {"path": "a"}}]
    second = say(w, first["paused"]).json()  # what its client says is no approval
    assert second["error"]["code"] == "paused" and second["paused"] == {**first["paused"], "expires": second["paused"]["expires"]}
    assert second["paused"]["expires"] > first["paused"]["expires"]  # it waits as long again
    assert w.metrics().get('weir_tool_calls_total{tool="delete",outcome="done"}', 0) == 0
    done = say(w, second["paused"]).json()
    assert done["response"] == "Done." and "result" in done["steps"][0]
    assert [r.json()["data"]["confirmed"] for r in decider.requests] == [False, True, True]
    assert counted(w, "later") == 2


def test_a_client_may_give_up_a_call_that_waits(weir, upstream, decider, tmp_path):
    one_call(upstream, saying("As you like."))
    decider.script(LATER)
    w = serve(weir, upstream, decider, tmp_path)
    done = say(w, ask(w).json()["paused"], {"call_1": False}).json()
    assert done["steps"][0]["error"] == DENIED and len(decider.requests) == 1


def test_a_client_that_leaves_before_all_is_known_leaves_its_run_waiting(weir, upstream, decider, tmp_path):
    one_call(upstream, saying("Done."))
    decider.script(LATER, stall("before_head"), YES)
    w = serve(weir, upstream, decider, tmp_path, {"timeout": "1m"})
    paused = ask(w).json()["paused"]
    with wire.connect(w) as c:
        c.request("POST", f"/chat/functions/{paused['id']}", {"approve": True})
        decider.wait_requests(2)
        c.abort()
    decider.requests[1].wait_closed()
    assert say(w, paused).json()["response"] == "Done."


def test_a_weir_that_is_killed_before_all_is_known_leaves_the_run_waiting(weir, upstream, decider, tmp_path):
    one_call(upstream, saying("Done."))
    decider.script(LATER, stall("before_head"), YES)
    w = serve(weir, upstream, decider, tmp_path, {"timeout": "1m"})
    paused = ask(w).json()["paused"]
    with wire.connect(w) as c:
        c.request("POST", f"/chat/functions/{paused['id']}", {"approve": True})
        decider.wait_requests(2)
        w.expect_exit = None
        w.kill()
    w = serve(weir, upstream, decider, tmp_path)
    done = say(w, paused).json()
    assert done["response"] == "Done." and json.loads(done["steps"][0]["result"]) == {"path": "a"}


def test_both_kinds_in_one_answer(weir, upstream, decider, tmp_path):
    upstream.script(calling(call("delete", '{"n": 1}', 1), call("hold", '{"n": 2}', 2), call("delete", '{"n": 3}', 3)), saying("Done."))
    decider.script(YES, YES, YES, NO)
    w = serve(weir, upstream, decider, tmp_path)
    paused = ask(w).json()["paused"]
    assert [c["id"] for c in paused["calls"]] == ["call_2"]
    done = say(w, paused, {"call_2": True}).json()
    assert sum("result" in s for s in done["steps"]) == 2 and "result" in done["steps"][1]  # the URL has changed its mind of one


def test_a_run_waits_where_nobody_answers_if_that_is_wanted(weir, upstream, decider, tmp_path):
    one_call(upstream, saying("Done."))
    decider.script(reply(500, b""), YES)
    w = serve(weir, upstream, decider, tmp_path, {"failed": "ask"})
    paused = ask(w).json()["paused"]
    assert say(w, paused).json()["response"] == "Done."


def test_without_a_store_nothing_waits(weir, upstream, decider, tmp_path):
    one_call(upstream, saying("Then not."))
    decider.script(LATER)
    w = serve(weir, upstream, decider, tmp_path, tools={"hold": None}, ledger="off")
    assert ask(w).json()["steps"][0]["error"] == f"{DENIED}: it is not decided yet, and calls cannot wait for that here"


# ---- ends ----


def test_a_client_that_leaves_ends_the_question(weir, upstream, decider, tmp_path):
    one_call(upstream)
    decider.script(stall("before_head"))
    w = serve(weir, upstream, decider, tmp_path, {"timeout": "1m"})
    with wire.connect(w) as c:
        c.request("POST", "/chat/functions", {"message": "Clean up."})
        decider.wait_requests(1)
        c.abort()
    daemon.wait_until(lambda: [e["outcome"] for e in w.calls() if e["endpoint"] == "chat.functions"] == ["cancelled"], 5, "the run has no line")
    decider.requests[0].wait_closed()


def test_the_time_of_a_run_ends_the_question(weir, upstream, decider, tmp_path):
    one_call(upstream)
    decider.script(stall("before_head"))
    w = serve(weir, upstream, decider, tmp_path, {"timeout": "1m"}, functions={"max_time": "300ms"})
    said = ask(w).json()
    assert said["error"]["code"] in ("max_time",) or said["steps"][0]["error"] == SILENT, said


# ---- elsewhere ----


@pytest.mark.parametrize("answer, result", [(YES, '{"path":"a"}'), (NO, f"Error: {DENIED}: Not on a Sunday."),
                                            (LATER, f"Error: {DENIED}: it is not decided yet, and calls cannot wait for that here")])
@pytest.mark.parametrize("stream", [False, True])
def test_chat_completions(weir, upstream, decider, tmp_path, answer, result, stream):
    if stream:
        upstream.script(sse(called_chunks("delete", '{"path":"a"}')), sse(bodies.stream("Done.", usage=bodies.USAGE)))
    else:
        upstream.script(calling(call("delete", '{"path":"a"}')), saying("Done."))
    decider.script(answer)
    w = serve(weir, upstream, decider, tmp_path, functions={"server_tools": True})
    assert wire.chat(w, stream=stream).status == 200
    first, second = (json.loads(r.body) for r in upstream.requests)
    assert [t["function"]["name"] for t in first["tools"]] == ["delete", "read"]  # not what its client would be asked about
    assert second["messages"][-1]["content"] == result
    assert decider.requests[0].json()["data"]["endpoint"] == "chat.completions"


@pytest.mark.parametrize("stream", [False, True])
def test_responses(weir, upstream, decider, tmp_path, stream):
    upstream.script(answers(stream, item_call("delete", '{"path":"a"}')), answers(stream, message("As you like.", 2), number=2))
    decider.script(NO)
    w = serve(weir, upstream, decider, tmp_path, functions={"server_tools": True})
    whole = ask_response(w, stream)
    (called,) = [i for i in whole.output if i.type == "mcp_call"]
    assert called.output is None and f"{DENIED}: Not on a Sunday." in json.dumps(called.error)
    assert decider.requests[0].json()["data"]["endpoint"] == "responses"


@pytest.mark.parametrize("answer, failed, text", [(YES, False, '{"path":"a"}'), (NO, True, f"{DENIED}: Not on a Sunday."),
                                                  (LATER, True, f"{DENIED}: it is not decided yet, and calls cannot wait for that here"),
                                                  (reply(500, b""), True, SILENT)])
def test_a_client_of_mcp(weir, upstream, decider, tmp_path, answer, failed, text):
    decider.script(answer)
    w = serve(weir, upstream, decider, tmp_path)
    assert [t["name"] for t in mcp(w, "tools/list")["tools"]] == ["delete", "read"]
    called = mcp(w, "tools/call", name="delete", arguments={"path": "a"})
    assert called["isError"] is failed and called["content"][0]["text"].replace(" ", "") == text.replace(" ", "")
    (asked,) = decider.requests
    verify(asked)
    assert asked.json()["data"]["endpoint"] == "mcp" and asked.json()["data"]["arguments"] == {"path": "a"}


def test_a_client_of_mcp_that_leaves(weir, upstream, decider, tmp_path):
    decider.script(stall("before_head"))
    w = serve(weir, upstream, decider, tmp_path, {"timeout": "1m"})
    with wire.connect(w) as c:
        c.request("POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "delete", "arguments": {}}})
        decider.wait_requests(1)
        c.abort()
    daemon.wait_until(lambda: [e["outcome"] for e in w.calls()] == ["cancelled"], 5, "the call has no line")


# ---- what is configured ----


def test_a_tool_needs_somebody_to_be_asked(tmp_path):
    said = check(tmp_path, {"providers": {"main": {"url": "http://127.0.0.1:1/v1", "key": "k"}}, "tools": {"delete": TOOLS["delete"]}})
    assert said.returncode == 1
    assert "tools.delete.approve is webhook, and functions.approval.url, which would be asked, is not set" in said.stdout + said.stderr
