"""What the guard of a configuration says holds for calls of weir batch and weir chat, as for those through the gateway."""

import json
import subprocess

import pytest

import bodies
import daemon
from batches import ask, by_id, content, echo, said
from terminal import environment
from upstream import reply, sse

RULES = [{"name": "ticket", "pattern": "TICKET-[0-9]+", "show": 0}]


def config(folder, upstream, guard, **over):
    """-c FILE of one with a guard of a rule of its own."""
    return folder.config(upstream, guard={"shipped": False, "rules": RULES, **guard}, **over)


def chat(folder, *args, expect=0):
    done = subprocess.run([daemon.WEIR, "chat", *map(str, args)], cwd=folder.path, env=environment(folder.path, {}), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == expect, (done.stdout, done.stderr)
    return done.stderr if expect else done.stdout


def test_what_is_blocked_goes_nowhere(folder, upstream):
    upstream.always(echo)
    where = config(folder, upstream, {"in": "block"})
    folder.put(ask("a", "about TICKET-4711"), ask("b", "about nothing"))
    folder.run("in.jsonl", "-o", "out.jsonl", *where, expect=3)
    found = by_id(folder.output, folder.errors)
    assert found["a"]["response"]["status_code"] == 400 and found["a"]["response"]["body"]["error"]["code"] == "content_blocked"
    assert content(found["b"]) == "about nothing"
    assert "does not let through" in chat(folder, *where, "about TICKET-4711", expect=1)
    assert [said(r) for r in upstream.requests] == ["about nothing"]


def test_of_a_model_too(folder, upstream):
    upstream.always(echo)
    where = config(folder, upstream, {}, models={"m": {"targets": "main", "guard": {"in": "block"}}, "*": "main"})
    folder.put(ask("a", "TICKET-1"), ask("b", "TICKET-2", model="other"))
    folder.run("in.jsonl", "-o", "out.jsonl", *where, expect=3)
    assert [said(r) for r in upstream.requests] == ["TICKET-2"]


def answer(request):
    text = "you said " + said(request)
    return sse(bodies.stream(text[:-4], text[-4:])) if request.json().get("stream") else reply(200, bodies.completion(text))


@pytest.mark.parametrize("more", [[], ["--no-stream"]], ids=["stream", "plain"])
@pytest.mark.parametrize("restore", [True, False])
def test_what_is_hidden_is_put_back(folder, upstream, more, restore):
    upstream.always(answer)
    where = config(folder, upstream, {"in": "redact", "restore": restore})
    assert chat(folder, *where, *more, "-m", "m", "TICKET-4711").strip() == f"you said {'TICKET-4711' if restore else '[TICKET_1]'}"
    assert [said(r) for r in upstream.requests] == ["[TICKET_1]"]


@pytest.mark.parametrize("more", [[], ["--no-stream"]], ids=["stream", "plain"])
def test_answers_are_looked_at(folder, upstream, more):
    upstream.always(answer)
    where = config(folder, upstream, {"in": "off", "out": "redact"})
    assert chat(folder, *where, *more, "-m", "m", "TICKET-4711").strip() == "you said [TICKET_1]"
    folder.put(ask("a", "TICKET-4711"))
    folder.run("in.jsonl", "-o", "out.jsonl", *where)
    assert content(by_id(folder.output)["a"]) == "you said [TICKET_1]"


def test_a_record_has_what_was_found(folder, upstream):
    upstream.always(echo)
    where = config(folder, upstream, {"in": "redact"}, ledger={"store": f"sqlite:{folder.path}/kept/ledger.db"})
    folder.put(ask("a", "TICKET-1 and TICKET-2"))
    folder.run("in.jsonl", "-o", "out.jsonl", *where, "--ledger")
    listed = subprocess.run([daemon.WEIR, "calls", *map(str, where), "--json"], cwd=folder.path, env=environment(folder.path, {}), capture_output=True,
                            text=True, check=True)
    assert [c["guard"] for c in json.loads(listed.stdout)["data"]] == ["in.ticket.redact=2"]


@pytest.mark.parametrize("external, goes", [({}, False), ({"in": "flag"}, False), ({"in": "off", "out": "block"}, False), ({"in": "off"}, True),
                                            ({"on_failure": "open"}, True)])
def test_a_guard_outside_is_not_gone_round(folder, upstream, external, goes):
    """weir serve alone can ask it. What may not go out unseen does not."""
    upstream.always(echo)
    where = folder.config(upstream, tools={"judge": {"kind": "http", "url": "https://judge.example/", "description": "judges",
                                                     "parameters": {"type": "object"}}}, guard={"external": {"tool": "judge", **external}})
    folder.put(ask("a"))
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", *where, expect=0 if goes else 1)
    assert ("guard.external" in err) is not goes
    assert len(upstream.requests) == goes
