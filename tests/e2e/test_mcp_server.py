"""/mcp: weir as a server of the Model Context Protocol."""

import asyncio
import json
import os
import subprocess
import threading

import pytest

import bodies
import daemon
import wire
from test_store_keys import create
from upstream import reply, stall

KEY, OTHER = "client-key-0123456789", "other-key-0123456789"
CLIENTS = [{"name": "app", "key": KEY}, {"name": "ops", "key": OTHER}]
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
ECHO = {"kind": "command", "command": ["cat"], "description": "Says what it is told.",
        "parameters": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}}
TOOLS = {"get_current_time": {"kind": "builtin"}, "echo": ECHO,
         "broken": {"kind": "command", "command": ["sh", "-c", "echo no luck >&2; exit 3"], "description": "Fails.", "parameters": {"type": "object"}}}
SHARED = {**TOOLS, "restart": {**ECHO, "clients": ["ops"]}}  # not by all of CLIENTS


def plain(config):
    """Without anything that stands in it twice, which YAML would tell by an alias."""
    return json.loads(json.dumps(config))


def serve(weir, upstream, tools, **over):
    return weir(upstream, **plain({"tools": tools, **over}))


def post(w, message, key=None, **headers):
    """One message; headers by their names with _ for -."""
    fields = {"accept": "application/json, text/event-stream", **{n.replace("_", "-"): v for n, v in headers.items()}}
    if key:
        fields["authorization"] = f"Bearer {key}"
    return wire.call(w, "POST", "/mcp", message, fields)


def message(method, number=1, **params):
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


def legacy(w, method, key=None, **params):
    answer = post(w, message(method, **params), key, mcp_protocol_version="2025-11-25")
    assert answer.status == 200, answer.body
    return answer.json()


def modern(w, method, key=None, status=200, **params):
    named = {"mcp_name": params["name"]} if "name" in params else {}
    answer = post(w, message(method, **params, _meta=META), key, mcp_protocol_version="2026-07-28", mcp_method=method, **named)
    assert answer.status == status, answer.body
    return answer.json()


def names(listed):
    return [t["name"] for t in listed["result"]["tools"]]


# -- what is there -----------------------------------------------------------------------------------------------------

def test_a_handshake_a_list_and_a_call(weir, upstream):
    w = serve(weir, upstream, tools=TOOLS)
    hello = post(w, message("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "t", "version": "1"}))
    said = hello.json()["result"]
    assert said["protocolVersion"] == "2025-06-18" and said["serverInfo"]["name"] == "weir"
    assert said["capabilities"] == {"tools": {"listChanged": True}}
    session = hello.header("mcp-session-id")
    assert len(session) == 32
    done = post(w, {"jsonrpc": "2.0", "method": "notifications/initialized"}, mcp_session_id=session)
    assert done.status == 202 and done.body == b""
    assert names(legacy(w, "tools/list")) == ["broken", "echo", "get_current_time"]
    called = legacy(w, "tools/call", name="echo", arguments={"text": "Grüße"})["result"]
    assert json.loads(called["content"][0]["text"]) == called["structuredContent"] == {"text": "Grüße"}
    assert called["isError"] is False
    assert legacy(w, "ping")["result"] == {}
    assert upstream.requests == []


def test_no_handshake(weir, upstream):
    w = serve(weir, upstream, tools=TOOLS)
    found = modern(w, "server/discover")["result"]
    assert found["supportedVersions"][0] == "2026-07-28" and found["resultType"] == "complete"
    listed = modern(w, "tools/list")
    assert listed["result"]["cacheScope"] == "private" and listed["result"]["ttlMs"] > 0
    called = modern(w, "tools/call", name="echo", arguments={"text": "x"})["result"]
    assert called["resultType"] == "complete" and called["structuredContent"] == {"text": "x"}
    assert modern(w, "ping", status=404)["error"]["code"] == -32601


def test_what_goes_wrong_in_a_tool_is_its_result(weir, upstream):
    w = serve(weir, upstream, tools=TOOLS)
    failed = legacy(w, "tools/call", name="broken")["result"]
    assert failed["isError"] is True and "no luck" in failed["content"][0]["text"]
    odd = legacy(w, "tools/call", name="echo", arguments={"text": 7})["result"]
    assert odd["isError"] is True and "text: expected a string" in odd["content"][0]["text"]
    unknown = legacy(w, "tools/call", name="nope")["error"]
    assert unknown == {"code": -32602, "message": "Unknown tool: nope"}
    figures = w.metrics()
    assert figures['weir_tool_calls_total{tool="broken",outcome="failed"}'] == 1
    assert figures['weir_tool_calls_total{tool="echo",outcome="bad_arguments"}'] == 1


def test_what_is_no_message_of_the_protocol(weir, upstream):
    w = serve(weir, upstream, tools=TOOLS)
    for body, code in ((b"{", -32700), (b"[]", -32600), (b'{"jsonrpc":"2.0","id":null,"method":"ping"}', -32600)):
        answer = post(w, body, content_type="application/json")
        assert (answer.status, answer.json()["error"]["code"]) == (400, code), body
    assert post(w, b"{}", content_type="text/plain").status == 415
    assert post(w, message("ping"), accept="text/html").status == 406
    assert post(w, message("ping"), mcp_protocol_version="1999-01-01").json()["error"]["code"] == -32022
    for method in ("DELETE", "PUT", "HEAD"):
        assert wire.call(w, method, "/mcp").status == 405
    mismatch = post(w, message("tools/call", name="echo", _meta=META), mcp_protocol_version="2026-07-28", mcp_method="tools/call", mcp_name="restart")
    assert (mismatch.status, mismatch.json()["error"]["code"]) == (400, -32020)


def test_many_tools_come_in_pages(weir, upstream):
    w = serve(weir, upstream, tools={f"tool_{i:03}": ECHO for i in range(700)})
    seen, cursor = [], None
    while True:
        listed = legacy(w, "tools/list", **({"cursor": cursor} if cursor else {}))
        seen += names(listed)
        cursor = listed["result"].get("nextCursor")
        if not cursor:
            break
    assert seen == [f"tool_{i:03}" for i in range(700)]
    assert legacy(w, "tools/list", cursor="made-up")["error"]["code"] == -32602


# -- who may what ------------------------------------------------------------------------------------------------------

def test_each_client_sees_and_calls_its_own_tools(weir, upstream):
    w = serve(weir, upstream, tools=SHARED, clients=CLIENTS)
    assert "restart" not in names(legacy(w, "tools/list", KEY)) and "restart" in names(legacy(w, "tools/list", OTHER))
    assert legacy(w, "tools/call", KEY, name="restart", arguments={"text": "x"})["error"] == {"code": -32602, "message": "Unknown tool: restart"}
    assert legacy(w, "tools/call", OTHER, name="restart", arguments={"text": "x"})["result"]["isError"] is False


def test_a_tool_may_be_that_of_a_key_of_the_store(weir, upstream):
    w = serve(weir, upstream, tools=SHARED, clients=CLIENTS[:1], keys="on")  # ops is none of these
    key, other = create(w, "ops"), create(w, "app2")
    assert "restart" in names(legacy(w, "tools/list", key)) and "restart" not in names(legacy(w, "tools/list", other))
    assert legacy(w, "tools/call", key, name="restart", arguments={"text": "x"})["result"]["isError"] is False


def test_a_key_is_asked_for(weir, upstream):
    w = serve(weir, upstream, tools=TOOLS, clients=[CLIENTS[0], {**CLIENTS[1], "endpoints": ["chat.completions"]}, {"name": "mcp", "key": "mcp-key-0123456789", "endpoints": ["mcp"], "models": ["gpt-4o"]}])
    for key in (None, "stranger-0123456789"):
        for method in ("tools/list", "tools/call"):
            answer = post(w, message(method, name="echo"), key)
            assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    for method in ("initialize", "tools/list", "tools/call"):
        answer = post(w, message(method, name="echo", protocolVersion="2025-11-25"), OTHER)
        assert answer.status == 403 and answer.json()["error"] == {"code": 403, "message": "This API key may not be used for mcp."}
    assert wire.call(w, "GET", "/mcp", headers={"authorization": f"Bearer {OTHER}"}).status == 403
    assert legacy(w, "tools/call", "mcp-key-0123456789", name="echo", arguments={"text": "x"})["result"]["isError"] is False


def test_pages_of_other_origins_may_not(weir, upstream):
    w = serve(weir, upstream, tools=TOOLS)
    assert post(w, message("tools/list"), origin="http://evil.example").status == 403
    assert post(w, message("tools/list"), host="evil.example").status == 403


def test_limits_count_calls(weir, upstream):
    w = serve(weir, upstream, tools=TOOLS, clients=[{**CLIENTS[0], "limits": {"requests": "2/h"}}])
    for _ in range(2):
        assert legacy(w, "tools/call", KEY, name="echo", arguments={"text": "x"})["result"]["isError"] is False
    answer = post(w, message("tools/call", 7, name="echo", arguments={"text": "x"}), KEY)
    said = answer.json()
    assert answer.status == 429 and said["id"] == 7 and said["error"]["code"] == 429
    assert said["error"]["data"]["request_id"] == answer.header("x-request-id") and answer.header("retry-after")
    assert names(legacy(w, "tools/list", KEY))  # no call


def test_each_call_is_recorded_and_stands_in_the_trail(weir, upstream, tmp_path):
    w = serve(weir, upstream, tools=SHARED, clients=CLIENTS, audit=True, ledger={"store": f"sqlite:{tmp_path}/kept/ledger.db"}, admin={"keys": ["admin-key-0123456789"]})
    answer = post(w, message("tools/call", name="echo", arguments={"text": "x"}), KEY, x_weir_tag="team=search")
    wanted = answer.header("x-request-id")
    line = w.wait_call(wanted)
    assert (line["endpoint"], line["target"], line["client"], line["outcome"], line["finish_reason"]) == ("mcp", "tool/echo", "app", "ok", "done")
    assert line["tags"] == "team=search" and line["attempts"] == 0 and line["total_tokens"] == 0
    refused = post(w, message("tools/call", name="restart"), KEY).header("x-request-id")
    line = w.wait_call(refused)
    assert (line["outcome"], line["error"]) == ("failed", "validation_failed") and "target" not in line

    def kept():
        found = wire.call(w, "GET", f"/usage/calls/{wanted}", headers={"authorization": "Bearer admin-key-0123456789"})
        return found.status == 200 and found.json()

    daemon.wait_until(kept, 10, "the call is not in the store")
    call = kept()
    assert (call["endpoint"], call["client"], call["target"], call["total_tokens"]) == ("mcp", "app", "tool/echo", 0)
    trail = "".join(p.read_text() for p in (tmp_path / "kept").glob("audit*"))
    assert wanted in trail and refused in trail and "answer_sha256" in trail


# -- what is ended -----------------------------------------------------------------------------------------------------

SHOP = {"kind": "http", "allow_private": True, "timeout": "50s"}


@pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
def test_a_client_that_leaves_ends_its_tool(weir, upstream, upstreams, era):
    shop = upstreams()
    shop.always(stall("before_head"))
    w = serve(weir, upstream, tools={"stock": {**SHOP, "url": shop.url}})
    with wire.connect(w) as c:
        c.request("POST", "/mcp", message("tools/call", name="stock", _meta=META) if era == "2026-07-28" else message("tools/call", name="stock"),
                  {"mcp-protocol-version": era, "mcp-method": "tools/call", "mcp-name": "stock"})
        shop.wait_requests(1)
        c.abort()
    shop.requests[0].wait_closed()
    daemon.wait_until(lambda: [e["outcome"] for e in w.calls()] == ["cancelled"], 5, "the call has no line")


def test_a_note_cancels_its_clients_call_alone(weir, upstream, upstreams):
    shop = upstreams()
    shop.always(stall("before_head"))
    w = serve(weir, upstream, tools={"stock": {**SHOP, "url": shop.url}}, clients=CLIENTS, server={"workers": 2})
    session = {"mcp_session_id": "s-1", "mcp_protocol_version": "2025-11-25"}
    note = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 7}}
    with wire.connect(w) as c:
        c.request("POST", "/mcp", message("tools/call", 7, name="stock"),
                  {"authorization": f"Bearer {KEY}", "mcp-session-id": "s-1", "mcp-protocol-version": "2025-11-25"})
        shop.wait_requests(1)
        # nobody else's, of no other session, with no other id, which is another for "7"
        assert post(w, note, OTHER, **session).status == 202
        assert post(w, note, KEY, **{**session, "mcp_session_id": "s-2"}).status == 202
        assert post(w, {**note, "params": {"requestId": "7"}}, KEY, **session).status == 202
        assert post(w, note, KEY, mcp_protocol_version="2025-11-25").status == 202
        assert c.silent(0.3)
        assert post(w, note, KEY, **session).status == 202
        answer = c.answer()
    assert answer.status == 200 and answer.json() == {"jsonrpc": "2.0", "id": 7, "error": {"code": -32800, "message": "Request cancelled"}}
    shop.requests[0].wait_closed()
    daemon.wait_until(lambda: [e["outcome"] for e in w.calls()] == ["cancelled"], 5, "the call has no line")


def test_a_note_finds_its_call_at_any_worker(weir, upstream, upstreams):
    shop = upstreams()
    shop.always(stall("before_head"))
    w = serve(weir, upstream, tools={"stock": {**SHOP, "url": shop.url}}, server={"workers": 2})
    calls = [wire.connect(w) for _ in range(12)]  # shared out by the kernel
    for i, c in enumerate(calls):
        c.request("POST", "/mcp", message("tools/call", i, name="stock"), {"mcp-session-id": "s-1"})
    shop.wait_requests(len(calls))
    with wire.connect(w) as notes:  # all at one of the two
        for i in range(len(calls)):
            notes.request("POST", "/mcp", {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": i}}, {"mcp-session-id": "s-1"})
            assert notes.answer().status == 202
    for i, c in enumerate(calls):
        assert c.answer().json() == {"jsonrpc": "2.0", "id": i, "error": {"code": -32800, "message": "Request cancelled"}}
        c.close()


def test_a_slow_tool_is_answered_as_a_stream(weir, upstream, upstreams):
    shop, gate = upstreams(), threading.Event()
    shop.always(lambda request: gate.wait(20) and reply(200, {"left": 3}))
    w = serve(weir, upstream, tools={"stock": {**SHOP, "url": shop.url}}, server={"keep_alive_comment": "100ms"})
    with wire.connect(w) as c:
        c.request("POST", "/mcp", message("tools/call", name="stock"), {"accept": "application/json, text/event-stream"})
        answer = c.head()
        assert answer.header("content-type").startswith("text/event-stream")
        for _ in c.body_pieces(answer):
            gate.set()  # the first comment is here before the tool has answered
    (name, data), = answer.named_events()
    said = json.loads(data)
    assert name == "message" and said["result"]["content"][0]["text"] == '{"left": 3}' and b": keep-alive" in answer.body
    # who takes no events gets JSON, whenever that comes
    gate.clear()
    threading.Timer(0.5, gate.set).start()
    answer = wire.call(w, "POST", "/mcp", message("tools/call", name="stock"), {"accept": "application/json"})
    assert answer.json()["result"]["isError"] is False and answer.header("content-type") == "application/json"


def test_a_cancelled_call_whose_stream_has_begun_is_ended_in_it(weir, upstream, upstreams):
    shop = upstreams()
    shop.always(stall("before_head"))
    w = serve(weir, upstream, tools={"stock": {**SHOP, "url": shop.url}}, server={"keep_alive_comment": "100ms"})
    with wire.connect(w) as c:
        c.request("POST", "/mcp", message("tools/call", name="stock"), {"mcp-session-id": "s-1"})
        answer = c.head()
        shop.wait_requests(1)
        assert post(w, {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}, mcp_session_id="s-1").status == 202
        for _ in c.body_pieces(answer):
            pass
    said, = answer.events()
    assert said["error"]["code"] == -32800 and answer.complete
    shop.requests[0].wait_closed()


def test_a_tool_that_does_not_end_in_time(weir, upstream):
    w = serve(weir, upstream, tools={"sleep": {"kind": "command", "command": ["sleep", "60"], "description": "Sleeps.", "parameters": {"type": "object"}, "timeout": "200ms"}})
    said = legacy(w, "tools/call", name="sleep")["result"]
    assert said["isError"] is True and "200ms" in said["content"][0]["text"]


def test_a_weir_that_goes_down_says_so(weir, upstream, upstreams):
    shop = upstreams()
    shop.always(stall("before_head"))
    w = serve(weir, upstream, tools={"stock": {**SHOP, "url": shop.url}}, server={"drain": "300ms"})
    with wire.connect(w) as c:
        c.request("POST", "/mcp", message("tools/call", 5, name="stock"))
        shop.wait_requests(1)
        w.stop()
        answer = c.answer()
    said = answer.json()
    assert answer.status == 503 and (said["id"], said["error"]["code"], said["error"]["data"]["code"]) == (5, 503, "shutting_down")
    shop.requests[0].wait_closed()


def test_a_call_has_the_time_of_any_call(weir, upstream, upstreams):
    shop = upstreams()
    shop.always(stall("before_head"))
    w = serve(weir, upstream, tools={"stock": {**SHOP, "url": shop.url}}, timeouts={"total": "1s"})
    said = legacy(w, "tools/call", name="stock")["result"]
    assert said["isError"] is True and "in the time that was left" in said["content"][0]["text"]
    shop.wait_requests(1)[0].wait_closed()


def test_calls_at_a_time_are_limited(weir, upstream, upstreams):
    shop = upstreams()
    shop.always(stall("before_head"))
    w = serve(weir, upstream, tools={"echo": ECHO, "stock": {**SHOP, "url": shop.url}}, clients=[{**CLIENTS[0], "limits": {"parallel": 1}}])
    with wire.connect(w) as c:
        c.request("POST", "/mcp", message("tools/call", name="stock"), {"authorization": f"Bearer {KEY}"})
        shop.wait_requests(1)
        assert post(w, message("tools/call", name="echo", arguments={"text": "x"}), KEY).status == 429
        c.abort()
    shop.requests[0].wait_closed()
    daemon.wait_until(lambda: post(w, message("tools/call", name="echo", arguments={"text": "x"}), KEY).status == 200, 5, "its place was not given back")


# -- changes of the list -----------------------------------------------------------------------------------------------

def open_stream(c, key=None, subscription=None, wanted=None):
    headers = {"accept": "application/json, text/event-stream"} | ({"authorization": f"Bearer {key}"} if key else {})
    if subscription is None:
        c.request("GET", "/mcp", headers=headers)
    else:
        c.request("POST", "/mcp", message("subscriptions/listen", subscription, notifications=wanted, _meta=META),
                  {**headers, "mcp-protocol-version": "2026-07-28", "mcp-method": "subscriptions/listen"})
    answer = c.head()
    assert answer.status == 200 and answer.header("content-type").startswith("text/event-stream")
    return answer


def collect(c, answer):
    """Reads on, on another thread, until the stream ends."""
    def run():
        for _ in c.body_pieces(answer):
            pass
    reader = threading.Thread(target=run)
    reader.start()
    return reader


def said_on(answer):
    return answer.events()


def test_streams_tell_whom_a_change_concerns(weir, upstream):
    config = daemon.merged(daemon.config_for(upstream), {"tools": SHARED, "clients": CLIENTS, "server": {"workers": 2}})
    w = weir(plain(config))
    mark = {"_meta": {"io.modelcontextprotocol/subscriptionId": "s"}}
    changed = {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}
    with wire.connect(w) as old, wire.connect(w) as new, wire.connect(w) as deaf, wire.connect(w) as other:
        streams = [open_stream(old, KEY), open_stream(new, KEY, "s", {"toolsListChanged": True}), open_stream(deaf, KEY, "s", {"promptsListChanged": True}),
                   open_stream(other, OTHER)]
        readers = [collect(c, a) for c, a in zip((old, new, deaf, other), streams)]
        w.reload(plain({**config, "tools": {**SHARED, "restart": {**SHARED["restart"], "description": "Another."}}}))  # ops' alone
        daemon.wait_until(lambda: said_on(streams[3]) == [{**changed, "params": {}}], 5, "ops was not told")
        w.reload(plain({**config, "tools": {**SHARED, "more": ECHO}}))
        daemon.wait_until(lambda: said_on(streams[0]) == [{**changed, "params": {}}], 5, "app was not told")
        daemon.wait_until(lambda: len(said_on(streams[1])) == 2, 5, "the subscriber was not told")
        assert "more" in names(legacy(w, "tools/list", KEY))
        w.stop()  # does not wait for them, and tells subscribers that it was no accident
        for reader in readers:
            reader.join(10)
    acknowledged = {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": {**mark, "notifications": {"toolsListChanged": True}}}
    end = {"jsonrpc": "2.0", "id": "s", "result": {"resultType": "complete", **mark}}
    assert said_on(streams[0]) == [{**changed, "params": {}}]
    assert said_on(streams[1]) == [acknowledged, {**changed, "params": mark}, end]
    acknowledged["params"]["notifications"] = {}
    assert said_on(streams[2]) == [acknowledged, end]
    assert len(said_on(streams[3])) == 2 and all(s.complete for s in streams)


def test_a_stream_shows_that_it_lives(weir, upstream):
    w = serve(weir, upstream, tools=TOOLS, server={"keep_alive_comment": "200ms"})
    with wire.connect(w) as c:
        answer = open_stream(c)
        for _ in c.body_pieces(answer):
            break
    assert answer.body.startswith(b": keep-alive")


# -- official clients --------------------------------------------------------------------------------------------------

class Python:
    """The official client for Python."""

    def __init__(self, w, mode, key=None):
        self.w, self.mode, self.key = w, mode, key

    async def __aenter__(self):
        import httpx2
        import mcp
        from mcp.client.streamable_http import streamable_http_client
        self.http = httpx2.AsyncClient(headers={"authorization": f"Bearer {self.key}"} if self.key else {})
        self.client = mcp.Client(streamable_http_client(f"{self.w.url}/mcp", http_client=self.http), mode=self.mode)
        return await self.client.__aenter__()

    async def __aexit__(self, *why):
        await self.client.__aexit__(*why)
        await self.http.aclose()


@pytest.mark.parametrize("mode", ["legacy", "auto", "2026-07-28"])
async def test_python_client(weir, upstream, mode):
    from mcp.shared.exceptions import MCPError
    w = serve(weir, upstream, tools=SHARED, clients=CLIENTS)
    async with Python(w, mode, KEY) as client:
        listed = await client.list_tools()
        assert [t.name for t in listed.tools] == ["broken", "echo", "get_current_time"]
        assert listed.tools[1].input_schema == ECHO["parameters"] and listed.tools[1].description == ECHO["description"]
        said = await client.call_tool("echo", {"text": "Grüße 😀"})
        assert said.structured_content == {"text": "Grüße 😀"} and not said.is_error
        failed = await client.call_tool("broken", {})
        assert failed.is_error and "no luck" in failed.content[0].text
        with pytest.raises(MCPError) as refused:
            await client.call_tool("restart", {"text": "x"})
        assert refused.value.error.code == -32602
    with pytest.raises(ExceptionGroup) as stranger:
        async with Python(w, mode, "stranger-0123456789") as client:
            await client.list_tools()
    assert stranger.group_contains(MCPError)
    w.wait_text(r"\"request_refused\".*\"status\": 401")


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_python_client_that_waits_no_longer(weir, upstream, upstreams, mode):
    from mcp.shared.exceptions import MCPError
    shop = upstreams()
    shop.always(stall("before_head"))
    w = serve(weir, upstream, tools={**TOOLS, "stock": {**SHOP, "url": shop.url}}, server={"workers": 2})
    async with Python(w, mode) as client:
        with pytest.raises(MCPError, match="timed out"):
            await client.call_tool("stock", {}, read_timeout_seconds=0.5)
        await asyncio.to_thread(shop.requests[0].wait_closed)
        assert (await client.call_tool("echo", {"text": "on"})).structured_content == {"text": "on"}


async def test_python_client_that_listens(weir, upstream):
    config = daemon.merged(daemon.config_for(upstream), {"tools": TOOLS})
    w = weir(plain(config))
    async with Python(w, "auto") as client:
        async with client.listen(tools_list_changed=True) as changes:
            assert len((await client.list_tools()).tools) == 3
            await asyncio.to_thread(w.reload, plain({**config, "tools": {**TOOLS, "more": ECHO}}))
            async for _ in changes:
                break
            assert len((await client.list_tools()).tools) == 4


def node(*args, timeout=110, **env):
    program = os.environ.get("NODE", daemon.ROOT / ".venv" / "bin" / "node")
    folder = daemon.ROOT / "tests" / "e2e" / "node"
    return subprocess.run([program, *args], cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, timeout=timeout)


@pytest.mark.timeout(120)
def test_node_clients(weir, upstream, upstreams):
    shop = upstreams()
    shop.always(stall("before_head"))
    w = serve(weir, upstream, tools={**SHARED, "stock": {**SHOP, "url": shop.url}}, clients=[CLIENTS[0], {**CLIENTS[1], "endpoints": ["embeddings"]}], server={"workers": 2})
    run = node("--test", "--test-reporter=spec", "mcp.test.mjs", WEIR_URL=w.url, KEY=KEY, OTHER=OTHER)
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
    assert len(shop.requests) == 2
    for request in shop.requests:
        request.wait_closed()


# -- the official conformance suite ------------------------------------------------------------------------------------

COMMAND = {"kind": "command", "parameters": {"type": "object"}}
FIXTURES = {
    "test_simple_text": {**COMMAND, "command": ["printf", "This is a simple text response for testing."], "description": "Text."},
    "test_error_handling": {**COMMAND, "command": ["sh", "-c", "echo This tool intentionally returns an error for testing >&2; exit 1"], "description": "Fails."},
    "test_streaming_elicitation": {**COMMAND, "command": ["printf", "Asked."], "description": "Asks nobody."},
    "test_logging_tool": {**COMMAND, "command": ["printf", "Logged."], "description": "Logs nothing to its client."},
    "marked": {**ECHO, "parameters": {"type": "object", "properties": {"text": {"type": "string", "x-mcp-header": "Text"}}}},
    "json_schema_2020_12_tool": {
        **COMMAND, "command": ["cat"], "description": "Tool with JSON Schema 2020-12 features.",
        "parameters": {
            "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
            "$defs": {"address": {"$anchor": "addressDef", "type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
            "properties": {"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"}, "contactMethod": {"type": "string", "enum": ["phone", "email"]},
                           "phone": {"type": "string"}, "email": {"type": "string"}},
            "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
            "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]}, "then": {"required": ["phone"]},
            "else": {"required": ["email"]}, "additionalProperties": False}},
}
# What asks a server for more than tools, which weir does not offer, or for a tool that asks its client: nothing of weir's does.
NOT_OFFERED = {"sep-2575-server-sends-tools-list-changed-on-subscription",  # has a test of its own
               "sep-2575-server-rejects-undeclared-capability", "sep-2575-missing-capability-http-400", "sep-2549-prompts-list-caching-hints",
               "sep-2549-resources-list-caching-hints", "sep-2549-resources-templates-list-caching-hints"}
SCENARIOS = [
    ("server-initialize", "2025-06-18"), ("server-initialize", "2025-11-25"), ("ping", "2025-11-25"), ("tools-list", "2025-06-18"), ("tools-list", "2025-11-25"),
    ("tools-list", "2026-07-28"), ("tools-call-simple-text", "2025-06-18"), ("tools-call-simple-text", "2025-11-25"), ("tools-call-simple-text", "2026-07-28"),
    ("tools-call-error", "2025-11-25"), ("tools-call-error", "2026-07-28"), ("json-schema-2020-12", "2025-11-25"), ("json-schema-2020-12", "2026-07-28"),
    ("server-session-lifecycle", "2025-03-26"), ("server-session-lifecycle", "2025-11-25"), ("server-sse-multiple-streams", "2025-11-25"),
    ("server-sse-multiple-streams", "2026-07-28"), ("dns-rebinding-protection", "2025-11-25"), ("dns-rebinding-protection", "2026-07-28"),
    ("server-stateless", "2026-07-28"), ("caching", "2026-07-28"), ("http-header-validation", "2026-07-28"), ("http-custom-header-server-validation", "2026-07-28"),
]


def conform(w, folder, name, revision):
    """What the suite has found: {check: (status, why)}, the worst of those of one name."""
    run = node("node_modules/@modelcontextprotocol/conformance/dist/index.js", "server", "--url", f"{w.url}/mcp", "--scenario", name,
               "--spec-version", revision, "--output-dir", str(folder))
    found = [c for p in folder.rglob("checks.json") for c in json.loads(p.read_text())]
    assert found, f"{run.stdout}\n{run.stderr}"
    worst = ["INFO", "SKIPPED", "SUCCESS", "WARNING", "FAILURE"]
    return {c["id"]: (c["status"], c.get("errorMessage")) for c in sorted(found, key=lambda c: worst.index(c["status"]))}


def bad_ones(found):
    return {check: why for check, (status, why) in found.items() if status in ("FAILURE", "WARNING") and check not in NOT_OFFERED}


@pytest.fixture
def fixtures(weir, upstream, tmp_path):
    """A weir with the tools that the suite asks for; one of them has weir read another configuration, in which another tool differs."""
    w = None

    def config(words):
        swap = f"cd {w.directory} && mv weir.yaml third.yaml && mv other.yaml weir.yaml && mv third.yaml other.yaml && kill -HUP {w.process.pid}" if w else "true"
        change = {**COMMAND, "command": ["sh", "-c", swap], "description": "Changes the list."}
        return plain({**daemon.config_for(upstream), "tools": {**FIXTURES, "test_trigger_tool_change": change, "changed": {**ECHO, "description": words}}})

    w = weir(config("One."))
    w.write_config(config("Two."))
    w.config_path.rename(w.directory / "other.yaml")
    w.reload(config("One."))
    return w


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name, revision", SCENARIOS)
def test_the_official_conformance_suite(fixtures, tmp_path, name, revision):
    found = conform(fixtures, tmp_path / "results", name, revision)
    assert bad_ones(found) == {} and any(status in ("SUCCESS", "INFO") for status, _ in found.values())


def test_the_official_conformance_suite_hears_of_changes(fixtures, tmp_path):
    """It waits for 1.5 s, which weir owes nobody: on a machine that is busy another try is fair."""
    check = "sep-2575-server-sends-tools-list-changed-on-subscription"
    for i in range(5):
        status, why = conform(fixtures, tmp_path / str(i), "server-stateless", "2026-07-28")[check]
        if status == "SUCCESS":
            break
    assert status == "SUCCESS", why
