"""Alerts (docs/alerts.md): what is told by itself, to whom, and what becomes of it where nobody takes it."""

import base64
import hashlib
import hmac
import json
import re
import signal
import subprocess
import threading
import time

import pytest

import bodies
import daemon
import wire
from upstream import after, error, refused_port, reply, sse

OK = reply(204, b"")
ANSWER = reply(200, bodies.completion("Hello there."))
SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
ADMIN = "admin-key-of-some-length"
PRICES = {"gpt-test": {"input": 1000000, "output": 1000000}}  # a token costs 1


class Receiver:
    """Where a webhook leads. Alerts that it has been sent, as they were told."""

    def __init__(self, up):
        self.up, self.url = up, f"http://127.0.0.1:{up.port}/hook"

    def alerts(self, kind=None):
        told = [r.json() for r in self.up.requests]
        return [t for t in told if kind in (None, t["type"])]

    def wait(self, kind, count=1):
        daemon.wait_until(lambda: len(self.alerts(kind)) >= count, 20, f"{count} of {kind} did not come: {self.up.requests}")
        return self.alerts(kind)


@pytest.fixture
def receiver(upstreams):
    up = upstreams()
    up.always(OK)
    return Receiver(up)


def telling(receiver, hook=None, **over):
    hook = {"url": receiver.url, "secret": SECRET, "allow_private": True, **(hook or {})}
    return {"webhooks": [hook], "unusual": {"learn": "0s"}, **over}


def client(**over):
    return [{"name": "app", "key": daemon.CLIENT_KEY, **over}]


def ask(w, text="Hi", **more):
    return wire.chat(w, messages=[{"role": "user", "content": text}], headers={"authorization": f"Bearer {daemon.CLIENT_KEY}"}, **more)


def admin(w, method, path):
    return wire.call(w, method, path, headers={"authorization": f"Bearer {ADMIN}"})


ONE = {"server": {"workers": 1}}  # whose notes come in their order


def settle(w, receiver, model):
    """Of a weir with one worker, after at least one call: all before has been looked at. model: one that the client has not asked for yet."""
    ask(w, model=model)
    daemon.wait_until(lambda: model in [a["data"]["model"] for a in receiver.alerts("key.new_model")], 20, f"{model} was not told")


def verify(request, secret=SECRET):
    """As Standard Webhooks says it."""
    signed = f'{request.header("webhook-id")}.{request.header("webhook-timestamp")}.'.encode() + request.body
    expected = base64.b64encode(hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()).decode()
    assert request.header("webhook-signature") == "v1," + expected
    assert abs(int(request.header("webhook-timestamp")) - time.time()) < 60


# ---- each kind ----


def test_the_same_request_again_and_again(weir, upstream, receiver):
    upstream.always(ANSWER)
    w = weir(upstream, clients=client(), alerts=telling(receiver, loop={"same": 3}))
    for i in range(5):
        assert ask(w).status == 200
        assert ask(w, f"Other {i}").status == 200
    (told,) = receiver.wait("loop.prompt")
    (request,) = receiver.up.requests
    assert (request.method, request.path, request.header("content-type")) == ("POST", "/hook", "application/json")
    verify(request)
    assert request.header("webhook-id") == "msg_" + told["data"]["id"]
    assert told["data"] | {"id": ""} == {
        "id": "", "level": "critical", "message": "Client app has sent the same request 3 times within 60s.",
        "client": "app", "address": told["data"]["address"], "model": "gpt-test", "calls": 3, "seconds": 60}
    daemon.wait_until(lambda: any(e.get("event") == "alert" for e in w.log), 5, "not logged")
    (line,) = [e for e in w.log if e.get("event") == "alert"]
    assert (line["kind"], line["client"], line["level"]) == ("loop.prompt", "app", "warn")
    daemon.wait_until(lambda: w.metrics().get('weir_alert_deliveries_total{outcome="delivered"}') == 1, 5, "not counted")
    assert w.metrics()['weir_alerts_total{kind="loop.prompt"}'] == 1


def test_what_is_not_the_same_request(weir, upstream, upstreams, receiver):
    """Other paths, objects and deployments with the same body; what polls; and answers that were there already."""
    upstream.always(lambda r: reply(200, bodies.completion("Hello there.")) if r.path.endswith("completions") else reply(200, {"id": r.path}))
    w = weir(upstream, clients=client(), passthrough=["/v1/files", "/v1/files/*", "/v1/threads/*"], cache={"models": ["gpt-cached"]},
             alerts=telling(receiver, loop={"same": 3, "pause": True}), **ONE)
    key = {"authorization": f"Bearer {daemon.CLIENT_KEY}"}

    def passed(method, path, body=None):
        assert wire.call(w, method, path, body, headers=key).status == 200, path

    for i in range(4):
        passed("GET", f"/v1/files/file-{i}")
        passed("GET", "/v1/files/file-0")  # is it done?
        passed("DELETE", "/v1/files/file-0")
        passed("POST", "/v1/threads/run-0/cancel")
        passed("POST", f"/v1/threads/{i}/messages", {"content": "Go on"})
        passed("POST", f"/v1/threads/x/messages?page={i}", {"content": "Go on"})
        passed("POST", f"/openai/deployments/gpt-{i}/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]})
        assert ask(w, model="gpt-cached").header("x-weir-cache") == ("hit" if i else "miss")
        assert wire.chat(w, model="gpt-cached", headers={**key, "cache-control": "only-if-cached"}).status == 504
    settle(w, receiver, "gpt-last")
    assert not receiver.alerts("loop.prompt")
    for _ in range(3):
        passed("POST", "/v1/threads/9/messages", {"content": "Go on"})
    (told,) = receiver.wait("loop.prompt")
    assert told["data"]["calls"] == 3 and ask(w).error["code"] == "client_paused"


def test_calls_of_tools_count(weir, upstream, receiver):
    echo = {"kind": "command", "command": ["cat"], "description": "Says it again.",
            "parameters": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}
    w = weir(upstream, clients=client(), tools={"echo": echo},
             alerts=telling(receiver, loop={"same": 3, "pause": True}, unusual={"learn": "0s", "calls": 5}))

    def call(number, text):
        headers = {"authorization": f"Bearer {daemon.CLIENT_KEY}", "accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25"}
        body = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": "echo", "arguments": {"text": text}}}
        return wire.call(w, "POST", "/mcp", body, headers)

    for n in range(5):
        assert call(n, f"Text {n}").status == 200
    (often,) = receiver.wait("key.rate")
    assert often["data"]["calls"] == 5
    assert not receiver.alerts("loop.prompt")
    for n in range(5, 8):
        assert call(n, "The same").status == 200  # though each message has its number
    (told,) = receiver.wait("loop.prompt")
    assert told["data"]["model"] == "tool/echo" and told["data"]["calls"] == 3
    assert call(8, "Whatever").status == 403
    assert not receiver.alerts("errors.rate")


def test_a_client_in_a_loop_is_paused_and_resumed(weir, upstream, receiver):
    upstream.always(ANSWER)
    w = weir(upstream, clients=client() + [{"name": "other", "key": "another-client-key"}], admin={"keys": [ADMIN]},
             alerts=telling(receiver, loop={"same": 3, "pause": True}))
    for _ in range(3):
        assert ask(w).status == 200
    (told,) = receiver.wait("loop.prompt")
    assert told["data"]["paused"] is True
    refused = ask(w, "Something else")
    assert (refused.status, refused.error["code"], refused.header("x-should-retry")) == (403, "client_paused", "false")
    assert wire.chat(w, headers={"authorization": "Bearer another-client-key"}).status == 200
    (paused,) = admin(w, "GET", "/admin/v1/clients/paused").json()["data"]
    assert paused["client"] == "app" and "the same request 3 times" in paused["reason"]
    assert admin(w, "POST", "/admin/v1/clients/app/resume").json() == {"client": "app", "paused": False}
    assert ask(w, "Something else").status == 200
    assert admin(w, "GET", "/admin/v1/clients/paused").json()["data"] == []


def use_tool(w):
    """What an MCP client's call of a tool is answered."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "get_current_time", "arguments": {}}}
    return wire.call(w, "POST", "/mcp", asked, headers={"authorization": f"Bearer {daemon.CLIENT_KEY}", "content-type": "application/json",
                                                        "accept": "application/json, text/event-stream"}).body


def test_an_admin_pauses(weir, upstream):
    upstream.always(ANSWER)
    w = weir(upstream, clients=client(), admin={"keys": [ADMIN]})
    for path, body in (("pause", {"for": "1h"}), ("pause?for=1h", None), ("pause", []), ("pause", "1h")):
        refused = wire.call(w, "POST", "/admin/v1/clients/app/" + path, body, headers={"authorization": f"Bearer {ADMIN}"})
        assert (refused.status, refused.error["code"]) == (400, "invalid_value"), "nothing is passed over that was meant"
    assert ask(w).status == 200
    assert wire.call(w, "POST", "/admin/v1/clients/app/resume", {}, headers={"authorization": f"Bearer {ADMIN}"}).status == 200
    assert admin(w, "POST", "/admin/v1/clients/app/pause").json() == {"client": "app", "paused": True}
    assert ask(w).error["code"] == "client_paused"
    assert b"paused" in use_tool(w)  # nor tools
    assert wire.call(w, "POST", "/admin/v1/clients/app/resume", headers={"authorization": f"Bearer {daemon.CLIENT_KEY}"}).status == 403
    assert admin(w, "POST", "/admin/v1/clients/app/resume").status == 200
    assert ask(w).status == 200 and b"paused" not in use_tool(w)


def test_a_thousand_are_paused_and_no_more(weir, upstream, receiver):
    """Who is in a loop then goes on, and is told as going on."""
    upstream.always(ANSWER)
    others = [{"name": f"c{i}", "key": f"key-of-client-{i:04}"} for i in range(1001)]
    w = weir(upstream, clients=client() + others, admin={"keys": [ADMIN]}, alerts=telling(receiver, loop={"same": 3, "pause": True}))
    for i in range(1000):
        assert admin(w, "POST", f"/admin/v1/clients/c{i}/pause").json() == {"client": f"c{i}", "paused": True}
    full = admin(w, "POST", "/admin/v1/clients/c1000/pause")
    assert (full.status, full.error["code"], full.error["message"]) == (400, "array_above_max_length", "1000 clients are paused, and no more can be.")
    assert wire.chat(w, headers={"authorization": "Bearer key-of-client-1000"}).status == 200
    assert wire.chat(w, headers={"authorization": "Bearer key-of-client-0999"}).error["code"] == "client_paused"
    assert admin(w, "POST", "/admin/v1/clients/c0/pause").json() == {"client": "c0", "paused": True}, "that is so already"
    for _ in range(3):
        assert ask(w).status == 200
    (told,) = receiver.wait("loop.prompt")
    assert told["data"]["paused"] is False and "It goes on: 1000 clients are paused" in told["data"]["message"]
    assert ask(w).status == 200
    assert len(admin(w, "GET", "/admin/v1/clients/paused").json()["data"]) == 1000
    assert admin(w, "POST", "/admin/v1/clients/c500/resume").json() == {"client": "c500", "paused": False}
    assert admin(w, "POST", "/admin/v1/clients/c1000/pause").json() == {"client": "c1000", "paused": True}
    assert wire.chat(w, headers={"authorization": "Bearer key-of-client-1000"}).error["code"] == "client_paused"


@pytest.mark.parametrize("ledger", ["on", "off"])
def test_who_is_nobody_is_not_paused(weir, upstream, ledger, tmp_path):
    upstream.always(ANSWER)
    store = {"ledger": {"store": f"sqlite:{tmp_path}/weir.db"}} if ledger == "on" else {"ledger": "off"}
    w = weir(upstream, clients=client(), admin={"keys": [ADMIN]}, **store)
    for order in "resume", "pause":
        refused = admin(w, "POST", f"/admin/v1/clients/apq/{order}")
        assert (refused.status, refused.error["code"]) == (404, "key_not_found") and "'apq'" in refused.error["message"]
    assert admin(w, "GET", "/admin/v1/clients/paused").json()["data"] == []
    if ledger == "off":
        return
    made = wire.call(w, "POST", "/admin/v1/keys", {"name": "ci"}, headers={"authorization": f"Bearer {ADMIN}"}).json()
    assert admin(w, "POST", f"/admin/v1/clients/{made['id']}/pause").json() == {"client": "ci", "paused": True}
    assert wire.chat(w, headers={"authorization": f"Bearer {made['key']}"}).error["code"] == "client_paused"
    assert admin(w, "POST", "/admin/v1/clients/ci/resume").json() == {"client": "ci", "paused": False}
    assert wire.chat(w, headers={"authorization": f"Bearer {made['key']}"}).status == 200


def test_shares_of_a_budget(weir, upstream, receiver):
    usage = {"prompt_tokens": 30, "completion_tokens": 30, "total_tokens": 60}
    upstream.always(reply(200, bodies.completion("Hello there.", usage=usage)))
    w = weir(upstream, clients=client(limits={"spend": "100/d"}), prices=PRICES, alerts=telling(receiver, budget="50%, 80%, 100%"))
    assert ask(w, max_tokens=3).status == 200
    (told,) = receiver.wait("budget.threshold")
    assert told["data"] | {"id": ""} == {
        "id": "", "level": "warning", "message": "50% of what client app may spend in a day has been spent: 60 of 100.",
        "client": "app", "percent": 50, "spent": 60, "budget": 100, "period": "day"}
    assert ask(w, max_tokens=3).status == 200
    assert receiver.wait("budget.threshold", 2)[1]["data"]["percent"] == 100


def test_what_a_call_has_taken_beforehand_is_not_spent(weir, upstream, receiver):
    """Nor does it use up the alert of when that has been spent indeed."""
    gate = threading.Event()
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    small = reply(200, bodies.completion("Hello there.", usage=usage))
    dear = reply(200, bodies.completion("Hello there.", usage=usage | {"completion_tokens": 59, "total_tokens": 60}))
    upstream.script(after(gate, small), small, dear)
    w = weir(upstream, clients=client(limits={"spend": "100/d"}), prices=PRICES, alerts=telling(receiver, budget="1%, 50%"), **ONE)
    held = threading.Thread(target=ask, args=(w,), kwargs={"max_tokens": 80})
    held.start()
    upstream.wait_requests(1)
    assert ask(w, max_tokens=3).status == 200
    (told,) = receiver.wait("budget.threshold")
    assert told["data"]["percent"] == 1 and told["data"]["spent"] == 2
    gate.set()
    held.join()
    assert ask(w, max_tokens=60).status == 200
    told = receiver.wait("budget.threshold", 2)[1]
    assert told["data"]["percent"] == 50 and told["data"]["spent"] == 64


def test_a_key_near_its_end(weir, upstream, receiver):
    def at(seconds):
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
    weir(upstream, clients=client(expires=at(3600)) + [{"name": "other", "key": "another-client-key", "expires": at(10 * 86400)}],
         alerts=telling(receiver))
    (told,) = receiver.wait("key.expiring")
    assert told["data"]["client"] == "app" and told["data"]["expires"].startswith(at(3600)[:10])


def test_unusual_use(weir, upstream, receiver):
    upstream.always(ANSWER)
    w = weir(upstream, clients=client(), alerts=telling(receiver, unusual={"learn": "0s", "calls": 4}), **ONE)
    assert ask(w).status == 200
    assert ask(w, model="gpt-other").status == 200
    (told,) = receiver.wait("key.new_model")
    assert (told["data"]["client"], told["data"]["model"]) == ("app", "gpt-other")
    for _ in range(3):
        assert ask(w, model="gpt-other").status == 200
    (told,) = receiver.wait("key.rate")
    assert told["data"]["calls"] >= 4 and told["data"]["busiest"] == 0


def test_a_new_address(weir, upstream, receiver):
    upstream.always(ANSWER)
    w = weir(upstream, clients=client(), server={"workers": 1, "trusted_proxies": ["127.0.0.0/8"]}, alerts=telling(receiver))
    for address in ("203.0.113.5", "203.0.113.5", "203.0.113.9"):
        answer = wire.chat(w, headers={"authorization": f"Bearer {daemon.CLIENT_KEY}", "x-forwarded-for": address})
        assert answer.status == 200
    (told,) = receiver.wait("key.new_address")
    assert told["data"]["address"] == "203.0.113.9"


def test_runaway_spending(weir, upstream, receiver):
    upstream.always(reply(200, bodies.completion("Hello there.", usage={"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6})))
    w = weir(upstream, clients=client(), prices=PRICES, alerts=telling(receiver, unusual={"learn": "0s", "spend": 10}))
    assert ask(w, "One").status == ask(w, "Two").status == 200
    (told,) = receiver.wait("loop.spend")
    assert (told["data"]["client"], told["data"]["spent"]) == ("app", 12)


def test_calls_that_fail_and_a_breaker(weir, upstream, receiver):
    upstream.always(error(500))
    w = weir(upstream, clients=client(), retry={"retries": 0}, breaker={"failures": "50%", "of": 4, "probe": "100ms"},
             alerts=telling(receiver, errors={"calls": 3}))
    for i in range(4):
        assert ask(w, f"{i}").status >= 500
    (told,) = receiver.wait("errors.rate")
    assert (told["data"]["model"], told["data"]["failed"]) == ("*", told["data"]["calls"])
    (told,) = receiver.wait("breaker.opened")
    assert told["data"]["target"].startswith("main")
    upstream.always(ANSWER)
    daemon.wait_until(lambda: ask(w).status == 200, 10, "it did not close")
    receiver.wait("breaker.closed")


def test_what_is_not_cached_is_no_failure_and_hides_none(weir, upstream, receiver):
    upstream.always(error(500))
    w = weir(upstream, clients=client(), retry={"retries": 0}, breaker={"of": 100}, models={"gpt-test": "main", "*": "main"}, cache={"models": ["*"]},
             alerts=telling(receiver, errors={"calls": 4}), **ONE)

    def cached_only(text):
        return wire.chat(w, messages=[{"role": "user", "content": text}],
                         headers={"authorization": f"Bearer {daemon.CLIENT_KEY}", "cache-control": "only-if-cached"})

    for i in range(20):
        refused = cached_only(f"{i}")
        assert (refused.status, refused.error["code"]) == (504, "not_cached")
    settle(w, receiver, "gpt-one")
    assert not receiver.alerts("errors.rate")
    for i in range(4):
        assert ask(w, f"{i}").status >= 500
        assert cached_only(f"again {i}").status == 504
    (told,) = receiver.wait("errors.rate")
    assert (told["data"]["calls"], told["data"]["failed"]) == (4, 4)


def test_a_stream_that_a_guard_breaks_off_is_no_failure(weir, upstream, receiver):
    upstream.always(sse(bodies.stream("A ", "tangerine ", "here.", usage=bodies.USAGE)))
    w = weir(upstream, clients=client(), guard={"out": "own", "stream_end": "error", "rules": [{"name": "word", "pattern": "tangerine", "action": "block"}]},
             alerts=telling(receiver, errors={"calls": 2}), **ONE)
    for i in range(3):
        assert "content_blocked" in ask(w, f"{i}", stream=True).body.decode()
    assert {(c["outcome"], c["error"]) for c in w.calls(3)} == {("cut", "content_blocked")}
    settle(w, receiver, "gpt-last")
    assert receiver.alerts("guard.verdict") and not receiver.alerts("errors.rate")


def test_what_weir_asks_itself_is_not_what_a_client_does(weir, upstream, receiver):
    """The embeddings of cache.semantic."""
    def answer(request):
        if request.path.endswith("/embeddings"):
            return reply(200, {"object": "list", "model": "emb", "data": [{"object": "embedding", "index": 0, "embedding": [len(request.json()["input"]), 1.0]}],
                               "usage": {"prompt_tokens": 1, "total_tokens": 1}})
        return ANSWER
    upstream.always(answer)
    w = weir(upstream, clients=client(), cache={"models": ["gpt-test"], "semantic": {"model": "emb", "threshold": 1}},
             alerts=telling(receiver, unusual={"learn": "0s", "calls": 8}), **ONE)
    for i in range(7):
        assert ask(w, "x" * (i + 1)).status == 200
    assert len([c for c in w.calls(14) if c["endpoint"] == "embeddings.step"]) == 7
    settle(w, receiver, "gpt-last")
    assert [a["data"]["calls"] for a in receiver.wait("key.rate")] == [8]
    assert [a["data"]["model"] for a in receiver.alerts("key.new_model")] == ["gpt-last"]


def test_the_guard_s_verdicts(weir, upstream, receiver):
    upstream.always(ANSWER)
    w = weir(upstream, clients=client(), guard={"in": "own", "out": "own", "rules": [{"name": "word", "pattern": "tangerine", "action": "block"}]},
             alerts=telling(receiver))
    assert ask(w, "A tangerine").error["code"] == "content_blocked"
    (told,) = receiver.wait("guard.verdict")
    assert told["data"]["client"] == "app" and "word.block=1" in told["data"]["verdicts"]
    assert "tangerine" not in json.dumps(told)


def test_nothing_hides_a_block(weir, upstream, receiver):
    """However much is noted before it."""
    upstream.always(ANSWER)
    rules = [{"name": f"project-codeword-{i:02}", "pattern": f"CODE{i:02}X", "action": "flag"} for i in range(18)]
    names = [f"client-{count}" for count in (0, 8, 18)]
    w = weir(upstream, clients=[{"name": n, "key": f"key-of-{n}-0123456789"} for n in names], alerts=telling(receiver, guard="block"),
             guard={"in": "own", "rules": [*rules, {"name": "ticket", "pattern": "TICK-[0-9]{6}", "action": "block"}]})
    for name, count in zip(names, (0, 8, 18)):
        text = " ".join([f"CODE{i:02}X" for i in range(count)] + ["TICK-123456"])
        refused = wire.chat(w, messages=[{"role": "user", "content": text}], headers={"authorization": f"Bearer key-of-{name}-0123456789"})
        assert refused.error["code"] == "content_blocked"
    told = sorted((a["data"]["verdicts"] for a in receiver.wait("guard.verdict", 3)), key=len)
    noted = sorted((c["guard"] for c in w.calls(3)), key=len)
    assert told == noted and all(n.startswith("in.ticket.block=1") for n in noted)
    assert noted[1].count(".flag=1") == 8 and noted[2].count(".flag=1") >= 10


# ---- what is told, and how often ----


def test_without_keys_an_address_is_one_client_over_all_its_connections(weir, upstream, receiver):
    upstream.always(ANSWER)
    rules = [{"name": name, "pattern": name, "action": "flag"} for name in ("tangerine", "quince")]
    w = weir(upstream, guard={"in": "own", "rules": rules}, alerts=telling(receiver, guard="flag"))
    for text in ("tangerine", "tangerine", "quince"):  # a connection each
        assert wire.chat(w, messages=[{"role": "user", "content": text}]).status == 200
    told = receiver.wait("guard.verdict", 2)
    assert [(t["data"]["address"], t["data"]["verdicts"]) for t in told] == [("127.0.0.1", "in.tangerine.flag=1"), ("127.0.0.1", "in.quince.flag=1")]


def test_the_same_is_not_told_again_at_once(weir, upstream, receiver):
    upstream.always(ANSWER)
    w = weir(upstream, clients=client(), alerts=telling(receiver, again="2s", loop={"same": 2, "time": "1s"}))
    daemon.wait_until(lambda: ask(w).status == 200 and len(receiver.alerts("loop.prompt")) >= 2, 20, "it was told once only")
    first, second = receiver.alerts("loop.prompt")[:2]
    assert "passed_over" not in first["data"]
    assert second["data"]["passed_over"] >= 1


def test_events_are_chosen_and_slack_has_its_form(weir, upstream, upstreams):
    hooks = [Receiver(upstreams()), Receiver(upstreams())]
    for hook in hooks:
        hook.up.always(OK)
    upstream.always(ANSWER)
    w = weir(upstream, clients=client(), alerts={"unusual": {"learn": "0s"}, "loop": {"same": 2}, "webhooks": [
        {"url": hooks[0].url, "allow_private": True, "events": ["key.*"]},
        {"url": hooks[1].url, "allow_private": True, "events": "loop.prompt", "format": "slack"}]})
    assert ask(w, model="a<b>&c").status == 200
    assert ask(w, model="a<b>&c").status == 200
    assert ask(w, model="other").status == 200
    hooks[0].wait("key.new_model")
    (request,) = hooks[1].up.wait_requests(1)
    assert request.json() == {"text": ":rotating_light: *weir* `loop.prompt` Client app has sent the same request 2 times within 60s."}
    assert request.header("webhook-signature") is None
    assert [a["type"] for a in hooks[0].alerts()] == ["key.new_model"]


def check_alerts(tmp_path, config):
    path = tmp_path / "weir.yaml"
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    done = subprocess.run([str(daemon.WEIR), "check", "-c", str(path), "--alerts"], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stdout.splitlines()[1:], done.stderr


def test_weir_check_sends_a_test(tmp_path, upstream, upstreams, receiver):
    refuses = upstreams()
    refuses.script(error(403))
    hooks = [{"url": receiver.url, "secret": SECRET, "allow_private": True}, {"url": refuses.url, "allow_private": True},
             {"url": receiver.url, "allow_private": False}]
    status, lines, _ = check_alerts(tmp_path, daemon.config_for(upstream, alerts={"webhooks": hooks}))
    assert status == 1
    assert lines[:2] == ["alerts.webhooks[0]: taken, status 204", "alerts.webhooks[1]: not taken, status 403"]
    assert re.fullmatch(r"alerts\.webhooks\[2\]: not taken: 127\.0\.0\.1:\d+ is not a public address, .*", lines[2])
    (told,) = receiver.alerts("test")
    assert told["data"]["level"] == "info"
    verify(receiver.up.requests[0])
    assert check_alerts(tmp_path, daemon.config_for(upstream, alerts={"webhooks": hooks[:1]}))[0] == 0
    status, _, said = check_alerts(tmp_path, daemon.config_for(upstream))
    assert (status, said) == (1, "alerts.webhooks names nobody\n")


# ---- where nobody takes it ----


def test_a_webhook_that_fails_is_asked_again(weir, upstream, receiver):
    receiver.up.script(error(503), reply(429, b"", {"retry-after": "1"}))
    upstream.always(ANSWER)
    w = weir(upstream, clients=client(), alerts=telling(receiver, loop={"same": 2}))
    assert ask(w).status == ask(w).status == 200
    first, second, third = receiver.up.wait_requests(3)
    assert first.header("webhook-id") == second.header("webhook-id") == third.header("webhook-id")
    assert first.body == second.body == third.body
    for request in (first, second, third):
        verify(request)
    daemon.wait_until(lambda: w.metrics().get('weir_alert_deliveries_total{outcome="failed"}') == 2, 5, "not counted")
    daemon.wait_until(lambda: any(e.get("event") == "alert_failed" and e["status"] == 503 for e in w.log), 5, "it is not logged")


@pytest.mark.parametrize("status", [302, 400, 410])
def test_a_refusal_stays_one_and_redirects_lead_nowhere(weir, upstream, upstreams, receiver, status):
    elsewhere = upstreams()
    receiver.up.script(reply(status, b"", {"location": f"http://127.0.0.1:{elsewhere.port}/"}))
    upstream.always(ANSWER)
    w = weir(upstream, clients=client(), alerts=telling(receiver, loop={"same": 2}))
    assert ask(w).status == ask(w).status == 200
    daemon.wait_until(lambda: w.metrics().get('weir_alert_deliveries_total{outcome="given_up"}') == 1, 10, "it was not given up")
    assert len(receiver.up.requests) == 1 and not elsewhere.requests


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_private_addresses_are_refused(weir, upstream, receiver, host):
    upstream.always(ANSWER)
    hook = {"url": receiver.url.replace("127.0.0.1", host), "allow_private": False}
    w = weir(upstream, clients=client(), alerts=telling(receiver, hook, loop={"same": 2}))
    assert ask(w).status == ask(w).status == 200
    daemon.wait_until(lambda: any(e.get("event") == "alert_failed" for e in w.log), 10, "it was not refused")
    (line,) = [e for e in w.log if e.get("event") == "alert_failed"]
    assert "is not a public address" in line["detail"]
    assert not receiver.up.requests


def test_what_waits_is_bounded_and_nobody_waits(weir, upstream):
    upstream.always(ANSWER)
    kept, port = refused_port()
    hook = {"url": f"http://127.0.0.1:{port}/secret-path", "allow_private": True}
    w = weir(upstream, clients=client(), alerts={"webhooks": [hook], "queue": 1, "unusual": {"learn": "0s"}})
    for i in range(6):
        assert ask(w, model=f"gpt-{i}").status == 200
    daemon.wait_until(lambda: w.metrics().get('weir_alert_deliveries_total{outcome="dropped"}', 0) >= 2, 10, "none was dropped")
    assert w.metrics()["weir_alerts_waiting"] <= 2
    w.stop()
    assert any(e.get("event") == "alerts_dropped" for e in w.log)
    assert "secret-path" not in w.output()
    kept.close()


def test_what_waits_at_the_end_is_sent(weir, upstream, receiver):
    receiver.up.script(error(500))
    upstream.always(ANSWER)
    w = weir(upstream, clients=client(), alerts=telling(receiver, loop={"same": 2}))
    assert ask(w).status == ask(w).status == 200
    receiver.up.wait_requests(1)
    w.stop()
    assert len(receiver.up.requests) == 2


def test_what_is_under_way_at_the_end_and_fails_is_sent_once_more(weir, upstream, receiver):
    asked_to_end = threading.Event()
    receiver.up.script(after(asked_to_end, error(500)), error(500))
    upstream.always(ANSWER)
    w = weir(upstream, clients=client(), alerts=telling(receiver, loop={"same": 2}))
    assert ask(w).status == ask(w).status == 200
    receiver.up.wait_requests(1)
    w.process.send_signal(signal.SIGTERM)
    w.wait_event("draining")
    asked_to_end.set()
    w.wait_exit()
    assert len(receiver.up.requests) == 2
    (line,) = [e for e in w.log if e.get("event") == "alert_failed"]
    assert line["status"] == 500


def test_a_reload_moves_what_waits(weir, upstream, receiver):
    receiver.up.script(error(500), error(500))
    upstream.always(ANSWER)
    w = weir(upstream, clients=client(), alerts=telling(receiver, loop={"same": 2}))
    assert ask(w).status == ask(w).status == 200
    receiver.up.wait_requests(1)
    other = "whsec_" + base64.b64encode(bytes(range(1, 33))).decode()
    w.reload(daemon.config_for(upstream, clients=client(), alerts=telling(receiver, {"secret": other}, loop={"same": 2})))
    third = receiver.up.wait_requests(3)[2]
    verify(third, other)
    assert third.header("webhook-id") == receiver.up.requests[0].header("webhook-id")
