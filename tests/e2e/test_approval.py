"""Tools that need somebody's word: a run that waits, and goes on."""

import concurrent.futures
import contextlib
import json
import sqlite3
import time

import pytest

import bodies
import daemon
import postgres
import wire
from test_functions import call, called_chunks, calling, saying
from test_store_keys import keys
from upstream import sse

KEY, OTHER = "client-key-0123456789", "other-key-0123456789"
ASKS = {"kind": "command", "command": ["cat"], "description": "Deletes.", "parameters": {"type": "object"}, "approve": "ask"}
FREE = {"kind": "command", "command": ["cat"], "description": "Reads.", "parameters": {"type": "object"}}
TOOLS = {"delete": ASKS, "read": FREE}


def configured(upstream, tmp_path, **over):
    own = {"tools": json.loads(json.dumps(TOOLS)), "ledger": {"store": f"sqlite:{tmp_path}/kept/ledger.db"}}
    return daemon.config_for(upstream, **daemon.merged(own, over))


def serve(weir, upstream, tmp_path, **over):
    return weir(configured(upstream, tmp_path, **over))


def ask(w, key=None, headers=(), **fields):
    return wire.call(w, "POST", "/chat/functions", {"message": "Clean up.", **fields}, {**({"authorization": f"Bearer {key}"} if key else {}), **dict(headers)})


def say(w, paused, approve=True, key=None):
    return wire.call(w, "POST", f"/chat/functions/{paused['id']}", {"approve": approve}, {"authorization": f"Bearer {key}"} if key else ())


def one_call(upstream, *more):
    upstream.script(calling(call("delete", '{"path": "a"}'), content="Let me."), *more)


def test_a_run_waits_and_goes_on(weir, upstream, tmp_path):
    one_call(upstream, saying("Done."))
    w = serve(weir, upstream, tmp_path, server={"workers": 2})
    answer = ask(w, model="m", max_steps=3)
    said = answer.json()
    paused = said["paused"]
    assert answer.status == 200 and said["success"] is False and said["response"] == "Let me." and said["steps"] == []
    assert (said["error"]["type"], said["error"]["code"]) == ("run_stopped", "paused") and paused["expires"] in said["error"]["message"]
    assert paused["id"].startswith("run_") and paused["calls"] == [{"id": "call_1", "tool": "delete", "arguments": {"path": "a"}}]
    assert len(upstream.requests) == 1
    went_on = say(w, paused)
    done = went_on.json()
    assert went_on.status == 200 and done["success"] is True and done["response"] == "Done." and "paused" not in done
    (step,) = done["steps"]
    assert (step["tool"], step["arguments"], step["result"]) == ("delete", {"path": "a"}, '{"path":"a"}') or json.loads(step["result"]) == {"path": "a"}
    assert done["usage"]["total_tokens"] == 2 * said["usage"]["total_tokens"]  # of the whole run
    first, second = (json.loads(r.body) for r in upstream.requests)
    assert second["messages"][: len(first["messages"])] == first["messages"] and second["model"] == first["model"] == "m"
    assert [m["role"] for m in second["messages"]][-2:] == ["assistant", "tool"]
    assert second["messages"][-1]["tool_call_id"] == second["messages"][-2]["tool_calls"][0]["id"] == "call_1"
    again = say(w, paused)  # no call is made twice
    assert (again.status, again.error["code"]) == (404, "run_not_found")
    assert w.wait_call(answer.header("x-request-id"))["finish_reason"] == "paused"


def test_what_is_not_approved_is_not_made(weir, upstream, tmp_path):
    one_call(upstream, saying("As you like."))
    w = serve(weir, upstream, tmp_path)
    done = say(w, ask(w).json()["paused"], False).json()
    assert done["success"] is True and done["steps"][0]["error"] == "the call was not approved" and "result" not in done["steps"][0]
    assert json.loads(upstream.requests[1].body)["messages"][-1]["content"] == "Error: the call was not approved"
    assert w.metrics().get('weir_tool_calls_total{tool="delete",outcome="done"}', 0) == 0


def test_each_call_has_its_word(weir, upstream, tmp_path):
    upstream.script(calling(call("delete", '{"n": 1}', 1), call("read", '{"n": 2}', 2), call("delete", '{"n": 3}', 3), call("nope", "{}", 4)), saying("Done."))
    w = serve(weir, upstream, tmp_path)
    paused = ask(w).json()["paused"]
    assert [c["id"] for c in paused["calls"]] == ["call_1", "call_3"]
    for words in ({"call_1": True}, {}, {"call_2": True}):  # one is missing, and the run goes on waiting
        refused = say(w, paused, words)
        assert refused.status == 422 and "call_" in refused.json()["error"]["message"]
    done = say(w, paused, {"call_1": True, "call_3": False})
    assert done.status == 200
    steps = done.json()["steps"]
    assert ["result" in s for s in steps] == [True, True, False, False]
    assert steps[2]["error"] == "the call was not approved" and "no tool of the name 'nope'" in steps[3]["error"]


def database(tmp_path):
    return contextlib.closing(sqlite3.connect(tmp_path / "kept/ledger.db", isolation_level=None, timeout=10))


def made(w, tool="delete"):
    return w.metrics().get(f'weir_tool_calls_total{{tool="{tool}",outcome="done"}}', 0)


def test_a_run_does_not_leave_the_store_before_it_goes_on(weir, upstream, tmp_path):
    """Nothing can be put back there: not a run whose word was refused either."""
    one_call(upstream, saying("Done."))
    w = serve(weir, upstream, tmp_path)
    paused = ask(w).json()["paused"]
    with database(tmp_path) as other:
        other.execute("CREATE TRIGGER t BEFORE INSERT ON weir_runs BEGIN SELECT RAISE(ABORT, 'no more'); END")
    assert say(w, paused, {"call_9": True}).status == 422
    assert say(w, paused).json()["response"] == "Done." and made(w) == 1


def test_a_store_that_others_write_to_loses_no_run(weir, upstream, tmp_path):
    """A word is read and refused all the same; one that is good has to be said again."""
    one_call(upstream, saying("Done."))
    w = serve(weir, upstream, tmp_path)
    paused = ask(w).json()["paused"]
    with database(tmp_path) as other:
        other.execute("BEGIN IMMEDIATE")
        assert say(w, paused, {"call_9": True}).status == 422
        for _ in range(2):
            away = say(w, paused)
            assert (away.status, away.json()["error"]["code"]) == (503, "ledger_unavailable") and "goes on waiting" in away.json()["error"]["message"]
        other.execute("ROLLBACK")
    assert made(w) == 0 and len(upstream.requests) == 1
    assert say(w, paused).json()["response"] == "Done." and made(w) == 1


def test_a_client_that_leaves_while_the_store_is_waited_for(weir, upstream, tmp_path):
    """Nobody would hear of the calls: they are not made, and the run is not taken out for nobody."""
    one_call(upstream, saying("Done."))
    w = serve(weir, upstream, tmp_path, server={"workers": 1})  # whose next question to the store comes after that
    paused = ask(w).json()["paused"]
    with database(tmp_path) as other:
        other.execute("BEGIN IMMEDIATE")
        with wire.connect(w) as c:
            c.request("POST", f"/chat/functions/{paused['id']}", {"approve": True})
            daemon.wait_until(lambda: w.metrics()["weir_open_calls"] == 1, 5, "it has not begun")
            c.abort()
        # Where all this took longer than weir waits for its turn, it has failed: that is as good.
        daemon.wait_until(lambda: len([e for e in w.calls() if e["endpoint"] == "chat.functions"]) == 2, 5, "the run has no line")
        other.execute("ROLLBACK")
    assert say(w, paused).json()["response"] == "Done." and made(w) == 1


def test_of_several_words_at_once_one_counts(weir, upstream, tmp_path):
    upstream.always(lambda r: saying("Done.") if has_called(r) else calling(call("delete", '{"path": "a"}')))
    w = serve(weir, upstream, tmp_path, server={"workers": 2})
    for n in range(5):
        check_one_counts([w, w, w, w], ask(w).json()["paused"])
        assert made(w) == n + 1


def check_one_counts(weirs, paused):
    with concurrent.futures.ThreadPoolExecutor(len(weirs)) as pool:
        answers = list(pool.map(lambda w: say(w, paused), weirs))
    assert sorted(a.status for a in answers) == [200] + [404] * (len(weirs) - 1)
    assert {a.json()["error"]["code"] for a in answers if a.status == 404} == {"run_not_found"}


@pytest.mark.skipif(postgres.why_not() is not None, reason=str(postgres.why_not()))
def test_two_weirs_on_one_server(weir, upstream, tmp_path):
    upstream.always(lambda r: saying("Done.") if has_called(r) else calling(call("delete", '{"path": "a"}')))
    with contextlib.closing(postgres.Server()) as server:
        store = server.database("runs")
        first, second = both = [serve(weir, upstream, tmp_path, ledger={"store": store}) for _ in range(2)]
        for n in range(5):
            check_one_counts(both * 2, ask(first).json()["paused"])
            assert made(first) + made(second) == n + 1
        paused = ask(first).json()["paused"]
        server.stop()
        assert say(second, paused).status == 503 and say(first, paused).status == 503
        server.start()
        assert say(second, paused).json()["response"] == "Done." and made(first) + made(second) == 6
        for w in both:
            w.stop()


def test_a_weir_that_is_killed_while_a_call_is_made(weir, upstream, tmp_path):
    """Whether it has been made nobody knows: it is not made again."""
    one_call(upstream, saying("Done."))
    made, begun = tmp_path / "made", tmp_path / "begun"  # who sees `begun` knows that `made` has been written, not only opened
    tools = {"delete": {**ASKS, "command": ["sh", "-c", f"echo x >> {made}; touch {begun}; sleep 30"]}}
    w = serve(weir, upstream, tmp_path, tools=tools)
    paused = ask(w).json()["paused"]
    with wire.connect(w) as c:
        c.request("POST", f"/chat/functions/{paused['id']}", {"approve": True})
        daemon.wait_until(begun.exists, 5, "the tool has not begun")
        w.expect_exit = None
        w.kill()
    w = serve(weir, upstream, tmp_path, tools=tools)
    assert say(w, paused).status == 404 and made.read_text() == "x\n"


def test_a_run_survives_its_weir(weir, upstream, tmp_path):
    one_call(upstream, saying("Done."))
    w = serve(weir, upstream, tmp_path, clients=[{"name": "app", "key": KEY}, {"name": "ops", "key": OTHER}])
    paused = ask(w, KEY).json()["paused"]
    w.stop()
    w = serve(weir, upstream, tmp_path, clients=[{"name": "app", "key": KEY}, {"name": "ops", "key": OTHER}])
    assert say(w, paused, key=OTHER).status == 404  # it is nobody else's
    assert say(w, paused).status == 401
    assert say(w, {"id": "run_" + "0" * 32}, key=KEY).status == 404
    assert say(w, paused, key=KEY).json()["response"] == "Done."


def has_called(request):
    return request.json()["messages"][-1]["role"] == "tool"


def test_a_run_that_cannot_be_looked_at_any_more_goes_on_waiting(weir, upstream, tmp_path):
    """Its client's key has come to want a guard whose file has gone: no tool is called whose words nobody could look at."""
    upstream.always(lambda r: saying("Done.") if has_called(r) else calling(call("delete", '{"path": "a"}')))
    rules = tmp_path / "rules"
    rules.write_text("[]\n")
    w = serve(weir, upstream, tmp_path, guard={"in": "off", "out": "off", "files": [str(rules)]})
    key = keys(w, "create", "--name", "app")
    daemon.wait_until(lambda: ask(w).status == 401, 5, "the key did not arrive")
    paused = ask(w, key).json()["paused"]
    keys(w, "set", "app", "--option", "guard.out=block")
    rules.unlink()  # weir reads it with the first call that is to be looked at
    daemon.wait_until(lambda: ask(w, key).status == 503, 5, "the guard did not arrive")
    refused = say(w, paused, key=key)
    assert (refused.status, refused.json()["error"]["code"]) == (503, "guard_unavailable")
    assert w.metrics().get('weir_tool_calls_total{tool="delete",outcome="done"}', 0) == 0 and not any(map(has_called, upstream.requests))
    rules.write_text("[]\n")  # the command reads it
    keys(w, "set", "app", "--option", "guard=")
    went_on = []

    def goes_on():
        went_on[:] = [say(w, paused, key=key)]
        return went_on[0].status != 503

    daemon.wait_until(goes_on, 5, "the guard is not taken away")
    assert went_on[0].json()["response"] == "Done."


def test_a_run_does_not_wait_for_ever(weir, upstream, tmp_path):
    one_call(upstream)
    w = serve(weir, upstream, tmp_path, functions={"approval_time": "1s"})
    paused = ask(w).json()["paused"]
    time.sleep(1.2)  # its time
    assert say(w, paused).status == 404


def test_each_answer_is_asked_about_anew(weir, upstream, tmp_path):
    upstream.script(calling(call("delete", '{"n": 1}', 1)), calling(call("delete", '{"n": 2}', 2)), saying("Done."))
    w = serve(weir, upstream, tmp_path)
    first = ask(w).json()["paused"]
    second = say(w, first).json()
    assert second["paused"]["calls"] == [{"id": "call_2", "tool": "delete", "arguments": {"n": 2}}] and second["paused"]["id"] != first["id"]
    assert len(second["steps"]) == 1
    done = say(w, second["paused"]).json()
    assert done["response"] == "Done." and [json.loads(s["result"]) for s in done["steps"]] == [{"n": 1}, {"n": 2}]


def test_a_streamed_run(weir, upstream, tmp_path):
    upstream.script(sse([bodies.chunk("Let me. "), *called_chunks("delete", '{"n": 1}')]), sse(bodies.stream("Done", ".", usage=bodies.USAGE)))
    w = serve(weir, upstream, tmp_path)
    said = ask(w, stream=True).events()
    assert said[0] == {"delta": "Let me. "} and said[-1]["done"] is True and said[-1]["success"] is False
    went_on = say(w, said[-1]["paused"]).events()
    assert "step" in went_on[0] and "".join(e.get("delta", "") for e in went_on) == "Done." and went_on[-1]["success"] is True


def test_limits_hold_and_the_run_is_not_lost(weir, upstream, tmp_path):
    one_call(upstream, saying("Done."))
    app = {"name": "app", "key": KEY}
    w = serve(weir, upstream, tmp_path, clients=[{**app, "limits": {"requests": "1/h"}}])
    paused = ask(w, KEY).json()["paused"]
    assert [say(w, paused, key=KEY).status for _ in range(2)] == [429, 429]
    w.reload(configured(upstream, tmp_path, clients=[app]))
    went_on = say(w, paused, key=KEY)
    assert went_on.status == 200 and went_on.json()["response"] == "Done."


def test_nobody_else_is_offered_it(weir, upstream, tmp_path):
    upstream.script(saying("Hello."))
    w = serve(weir, upstream, tmp_path, functions={"server_tools": True})
    assert wire.chat(w).status == 200
    assert [t["function"]["name"] for t in json.loads(upstream.requests[0].body)["tools"]] == ["read"]
    listed = wire.call(w, "POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).json()
    assert [t["name"] for t in listed["result"]["tools"]] == ["read"]
    called = wire.call(w, "POST", "/mcp", {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "delete"}}).json()
    assert called["error"]["message"] == "Unknown tool: delete"


@pytest.mark.parametrize("body", [{}, {"approve": "yes"}, {"approve": {"call_1": "yes"}}, {"approve": True, "more": 1}, [True], b"{"])
def test_words_that_are_none(weir, upstream, tmp_path, body):
    one_call(upstream, saying("Done."))
    w = serve(weir, upstream, tmp_path)
    paused = ask(w).json()["paused"]
    answer = wire.call(w, "POST", f"/chat/functions/{paused['id']}", body)
    assert answer.status == (400 if body == b"{" else 422)
    assert say(w, paused).json()["response"] == "Done."  # it has not been touched


def test_a_client_that_leaves_while_its_run_goes_on(weir, upstream, tmp_path):
    """What has begun is over with it, as any run is; nothing of it waits any more."""
    one_call(upstream, saying("Done."))
    w = serve(weir, upstream, tmp_path, tools={"delete": {**ASKS, "command": ["sleep", "30"]}})
    paused = ask(w).json()["paused"]
    with wire.connect(w) as c:
        c.request("POST", f"/chat/functions/{paused['id']}", {"approve": True})
        daemon.wait_until(lambda: "sleep" in daemon_processes(w), 5, "the tool has not begun")
        c.abort()
    # Each worker writes its own lines: which of the two comes first is not said.
    daemon.wait_until(lambda: {e["outcome"] for e in w.calls() if e["endpoint"] == "chat.functions"} == {"ok", "cancelled"}, 5, "the run has no line")
    assert say(w, paused).status == 404


def daemon_processes(w):
    """Names of what runs below it."""
    import subprocess
    rows = [line.split(None, 2) for line in subprocess.run(["ps", "-eo", "pid,ppid,comm"], capture_output=True, text=True).stdout.splitlines()[1:]]
    below, names = {str(w.process.pid)}, []
    for _ in range(4):
        for pid, parent, name in rows:
            if parent in below and pid not in below:
                below.add(pid)
                names.append(name)
    return names
