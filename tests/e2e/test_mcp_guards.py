"""/mcp beside guards: what a client gives to a tool and what the tool answers; and what a tool's own URL has that is secret."""

import json

import pytest

from test_guards import BOMB, OTHER, RULES, TICKET
from test_mcp_server import KEY, TOOLS, legacy, message, modern, post, serve
from upstream import reply

CLIENTS = [{"name": "app", "key": KEY}]
REVERSE = {"kind": "command", "command": ["sh", "-c", "rev"], "description": "Backwards.", "parameters": {"type": "object"}}


def guarded(weir, upstream, tools=TOOLS, **options):
    return serve(weir, upstream, tools, clients=CLIENTS, guard={"shipped": False, "rules": RULES, **options})


def call(w, ask=legacy, name="echo", **arguments):
    return ask(w, "tools/call", KEY, name=name, arguments=arguments)["result"]


def text(result):
    return result["content"][0]["text"]


@pytest.mark.parametrize("ask", [legacy, modern])
def test_arguments_and_results(weir, upstream, ask):
    """Nested and escaped, as JSON within a string; the result in both of its places, and noted by rule and way."""
    w = guarded(weir, upstream, **{"in": "redact", "out": "redact"})
    result = call(w, ask, text=f"see {TICKET}", deep=[{"x": f"{TICKET} {OTHER}"}], inner=json.dumps({"y": "TICK\u002d123456"}))
    said = json.loads(text(result))
    assert said == {"text": "see [TICKET_1]", "deep": [{"x": "[TICKET_1] [TICKET_2]"}], "inner": '{"y": "[TICKET_1]"}'}
    assert result["structuredContent"] == said and result["isError"] is False
    backwards = {"reverse": REVERSE}
    w = guarded(weir, upstream, backwards, out="redact")
    told = text(call(w, ask, "reverse", text=TICKET[::-1]))
    assert "[TICKET_1]" in told and TICKET not in told
    line = w.wait_event("call")
    assert line["guard"] == "out.ticket.redact=1"


def test_what_was_redacted_is_put_back_for_who_sent_it(weir, upstream):
    w = guarded(weir, upstream, **{"in": "redact", "out": "redact", "restore": True})
    assert json.loads(text(call(w, text=f"see {TICKET}, {OTHER}"))) == {"text": f"see {TICKET}, {OTHER}"}


def test_what_is_blocked(weir, upstream):
    w = guarded(weir, upstream, {**TOOLS, "reverse": REVERSE}, **{"in": "redact", "out": "redact"})
    refused = post(w, message("tools/call", name="echo", arguments={"text": BOMB}), KEY, mcp_protocol_version="2025-11-25")
    assert refused.status == 400 and refused.json()["error"]["data"]["code"] == "content_blocked"
    assert refused.json()["error"]["message"] == "The arguments have something that the gateway's guard does not let through: own (bomb)."
    result = call(w, name="reverse", text=BOMB[::-1])
    assert result["isError"] is True and text(result) == "the tool has said something that the gateway's guard does not let through"
    assert "structuredContent" not in result
    w.stop()
    assert sorted(r["guard"] for r in w.log if r.get("event") == "call") == ["in.bomb.block=1", "out.bomb.block=1"]  # of two workers


def test_a_client_has_its_own(weir, upstream):
    clients = [{**CLIENTS[0], "guard": {"in": "off", "out": "flag"}}]
    w = serve(weir, upstream, TOOLS, clients=clients, guard={"shipped": False, "rules": RULES})
    assert json.loads(text(call(w, text=TICKET)))["text"] == TICKET
    assert w.wait_event("call")["guard"] == "out.ticket.flag=1"


def test_without_guards_nothing_is_noted(weir, upstream):
    w = serve(weir, upstream, TOOLS, clients=CLIENTS)
    assert json.loads(text(call(w, text=TICKET)))["text"] == TICKET
    assert "guard" not in w.wait_event("call")


# -- what a tool's URL has that is secret ----------------------------------------------------------------------------

PIECE, TOKEN = "B0a7Kq2LmPz9RtYb4Wd8NcVf", "s3cret/of+the tool 01"
CODED = "s3cret%2Fof%2Bthe+tool%2001"


@pytest.mark.parametrize("status", [200, 500])
def test_a_secret_of_a_url_does_not_come_back(weir, upstream, upstreams, status):
    """As it stands and decoded, in a result and in a failure; escaped as JSON has it; and what is no secret comes back."""
    tool = upstreams()
    tool.always(lambda seen: reply(status, {"you": seen.path, "decoded": TOKEN, "base": "/hooks/T01", "unit": "celsius", "piece": PIECE}))
    fetch = {"kind": "http", "url": f"{tool.url}/hooks/T01/{PIECE}?unit=celsius&api_key={CODED}&q=ab", "allow_private": True, "description": "Asks.", "parameters": {"type": "object"}}
    w = serve(weir, upstream, {"fetch": fetch}, clients=CLIENTS)
    result = call(w, name="fetch")
    said = text(result)
    for secret in (PIECE, TOKEN, CODED, TOKEN.replace("/", "\\/")):
        assert secret not in json.dumps(result) and secret not in said
    assert "[redacted]" in said and "unit=celsius" in said and "/hooks/T01" in said and result["isError"] is (status == 500)
    assert f"/hooks/T01/{PIECE}?unit=celsius&api_key={CODED}" in tool.wait_requests(1)[0].path
