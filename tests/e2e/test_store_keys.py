"""Clients' keys in the ledger's store: made and revoked beside a running weir, which follows."""

import json
import os
import sqlite3
import subprocess
import threading
import time
import zlib

import pytest

import bodies
import daemon
import postgres
import wire
from daemon import WEIR, wait_until
from test_prices import usage
from upstream import reply

CLIENT = "client-key-0123456789"
ADMIN = "admin-key-0123456789"


def keys(w, *args, check=True, stdout=subprocess.PIPE):
    """weir keys … beside that weir: what it printed."""
    env = {"PATH": os.environ["PATH"], "HOME": str(w.directory), "XDG_STATE_HOME": str(w.directory)}
    done = subprocess.run([str(WEIR), "keys", *args, "-c", str(w.config_path)], stdout=stdout, stderr=subprocess.PIPE, text=True, env=env, cwd=w.directory)
    if check:
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
    return done


def create(w, name, *args):
    return keys(w, "create", "--name", name, *args)


def ask(w, key=None, model="gpt-4o", **more):
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], **more}
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return wire.call(w, "POST", "/v1/chat/completions", body, headers=headers)


def code(answer):
    return answer.status, answer.json()["error"]["code"]


def until(w, key, expected, within=1.0):
    """Asks until that comes; what came before must have been an answer. Of the time in which the machine let nobody work, an
    answer that took longer than a moment, no more than that moment counts."""
    waited = 0
    while True:
        began = time.monotonic()
        answer = ask(w, key)
        if answer.status != 200:
            assert code(answer) == expected
            return
        assert waited < within, f"still answered after {within} s"
        waited += min(time.monotonic() - began, 0.05)


@pytest.fixture
def served(weir, upstream):
    upstream.always(reply(200, bodies.completion("Hello.")))

    def start(**config):
        return weir(upstream, **config)

    return start


@pytest.mark.parametrize("workers", [1, 2])
def test_a_key_is_made_used_rotated_and_revoked(served, workers):
    w = served(server={"workers": workers})
    assert ask(w).status == 200  # there is no key yet: nobody is asked for one
    key = create(w, "app")
    assert key.startswith("wk-") and len(key) == 52
    until(w, None, (401, "invalid_api_key"))
    for _ in range(8):
        assert ask(w, key).status == 200
    assert code(ask(w, key[:-1] + ("0" if key[-1] != "0" else "1"))) == (401, "api_key_mistyped")
    assert w.calls(10)[-1].get("client") in ("app", None)
    new = keys(w, "rotate", "app", "--overlap", "1h")
    assert new != key
    assert ask(w, new).status == 200
    assert ask(w, key).status == 200
    newest = keys(w, "rotate", "app")
    until(w, new, (401, "api_key_rotated"))
    until(w, key, (401, "api_key_rotated"))
    assert ask(w, newest).status == 200
    keys(w, "revoke", "app")
    until(w, newest, (401, "api_key_revoked"))
    assert code(ask(w, key)) == (401, "api_key_revoked")
    assert code(ask(w)) == (401, "invalid_api_key")  # the last key is gone, and nobody is let in for that


# ---- the API ----


def api(w, method, path="", body=None, key=ADMIN):
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return wire.call(w, method, f"/admin/v1/keys{path}", body, headers=headers)


def test_the_api_makes_shows_changes_rotates_and_revokes(served):
    w = served(admin={"keys": [ADMIN]}, clients=[{"name": "file", "key": CLIENT}])
    made = api(w, "POST", body={"name": "app", "owner": "search", "models": ["gpt-4o*"], "limits": {"requests": "100/m"}})
    assert made.status == 200 and made.header("cache-control") == "no-store"
    row = made.json()
    key, id = row.pop("key"), row["id"]
    assert row["name"] == "app" and row["status"] == "active" and row["owner"] == "search" and row["models"] == ["gpt-4o*"]
    assert ask(w, key).status == 200 and ask(w, CLIENT).status == 200
    assert code(ask(w, key, model="o1")) == (403, "model_not_allowed")

    assert api(w, "GET", f"/{id}").json() == row == api(w, "GET", "/app").json()
    assert api(w, "GET").json() == {"object": "list", "data": [row], "has_more": False}
    changed = api(w, "PATCH", f"/{id}", {"models": None, "owner": "find", "tags": {"team": "find"}})
    assert changed.status == 200 and "models" not in changed.json() and changed.json()["owner"] == "find"
    answer = ask(w, key, model="o1")
    assert answer.status == 200
    assert w.wait_call(answer.header("x-request-id"))["tags"] == "team=find"

    again = api(w, "POST", f"/{id}/rotate", {"overlap": "1h"}).json()
    assert again["id"] == id and again["key"] != key
    assert ask(w, key).status == 200 and ask(w, again["key"]).status == 200
    last = api(w, "POST", f"/{id}/rotate").json()["key"]
    assert code(ask(w, key)) == (401, "api_key_rotated") and ask(w, last).status == 200
    assert api(w, "POST", f"/{id}/revoke").json()["status"] == "revoked"
    assert code(ask(w, last)) == (401, "api_key_revoked")
    assert code(api(w, "POST", f"/{id}/rotate")) == (409, "key_revoked")
    assert code(api(w, "PATCH", f"/{id}", {"owner": "x"})) == (409, "key_revoked")
    for page in (api(w, "GET").body, w.output().encode()):
        assert not any(k.encode() in page for k in (key, again["key"], last))


@pytest.mark.parametrize(
    "body, param",
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": 7}, "name"),
        ({"name": "key_x"}, "name"),
        ({"name": "a", "expires": "soon"}, "expires"),
        ({"name": "a", "expires": "-1d"}, "expires"),
        ({"name": "a", "limits": {"requests": "60"}}, None),
        ({"name": "a", "limits": {"wishes": "60/m"}}, None),
        ({"name": "a", "addresses": ["10.0.0.0/33"]}, None),
        ({"name": "a", "models": {"x": 1}}, None),
        ({"name": "a", "colour": "red"}, None),
        ({"name": "a", "tags": {"team": "a,b"}}, None),
        ({"name": "a", "owner": "${HOME}"}, None),
        ([], None),
    ],
)
def test_what_makes_no_key_is_refused(served, body, param):
    w = served(admin={"keys": [ADMIN]})
    answer = api(w, "POST", body=body)
    assert code(answer) == (400, "invalid_value"), answer.body
    assert answer.json()["error"]["param"] == param and len(answer.json()["error"]["message"]) > 10
    assert api(w, "GET").json()["data"] == []


def test_nothing_that_was_meant_is_passed_over(served):
    w = served(admin={"keys": [ADMIN]})
    key = create(w, "app")
    for method, path, body in (("POST", "/app/rotate?overlap=1h", None), ("POST", "/app/revoke", {"in": "1h"}), ("POST", "/app/revoke?dry_run=1", None),
                               ("PATCH", "/app?owner=x", {}), ("POST", "?name=b", {"name": "a"}), ("GET", "/app?x=1", None)):
        assert code(api(w, method, path, body)) == (400, "invalid_value"), path
    assert ask(w, key).status == 200 and len(api(w, "GET").json()["data"]) == 1
    assert api(w, "POST", "/app/revoke", {}).json()["status"] == "revoked"


def test_the_api_is_for_admins(served):
    w = served(admin={"keys": [ADMIN]}, clients=[{"name": "file", "key": CLIENT}])
    key = create(w, "app")
    for method, path in (("GET", ""), ("POST", ""), ("GET", "/app"), ("PATCH", "/app"), ("POST", "/app/rotate"), ("POST", "/app/revoke")):
        assert code(api(w, method, path, key=None)) == (401, "invalid_api_key")
        assert code(api(w, method, path, key="stranger-0123456789")) == (401, "invalid_api_key")
        assert code(api(w, method, path, key=CLIENT)) == (403, "forbidden")
        assert code(api(w, method, path, key=key)) == (403, "forbidden")
    assert ask(w, key).status == 200
    assert api(w, "DELETE", "/app").status == 405
    assert code(api(w, "GET", "/other")) == (404, "key_not_found")
    assert code(api(w, "POST", body={"name": "app"})) == (409, "key_exists")
    assert code(api(w, "POST", body={"name": "file"})) == (409, "key_exists")
    assert code(ask(w, ADMIN)) == (401, "invalid_api_key")  # an admin's key makes no calls
    w = served()
    assert code(api(w, "GET", key=None)) == (403, "forbidden")


def test_pages_of_the_list(served):
    w = served(admin={"keys": [ADMIN]})
    for name in ("a b", "c", "d"):
        assert api(w, "POST", body={"name": name}).status == 200
    page = api(w, "GET", "?limit=2").json()
    assert [k["name"] for k in page["data"]] == ["a b", "c"] and page["has_more"]
    page = api(w, "GET", "?limit=2&after=c").json()
    assert [k["name"] for k in page["data"]] == ["d"] and not page["has_more"]
    assert api(w, "GET", "/a%20b").json()["name"] == "a b"
    for query in ("?limit=0", "?limit=1001", "?limit=x", "?page=2", "?limit=1&limit=2", "?after=a&after=b"):
        assert code(api(w, "GET", query)) == (400, "invalid_value")


# ---- words of the command line ----


@pytest.mark.parametrize(
    "args, says",
    [
        (["create"], "needs --name"),
        (["create", "--name", "key_x"], "printable bytes"),
        (["create", "--name", "a", "--limit", "requests=60"], "limits.requests is '60'"),
        (["create", "--name", "a", "--limit", "requests"], "expected NAME=VALUE"),
        (["create", "--name", "a", "--expires", "soon"], "expires is a duration"),
        (["create", "--name", "a", "--addresses", "10.0.0.0/33"], "addresses[0] is '10.0.0.0/33'"),
        (["create", "--name", "a", "--models", ","], "empty list"),
        (["create", "--name", "a", "--option", "guard.in"], "--option is guard.in; expected NAME=VALUE"),
        (["create", "--name", "a", "--option", "guard.in=flag", "--option", "guard.in=block"], "--option says guard.in twice"),
        (["create", "--name", "a", "--option", "guard=", "--option", "guard.in=block"], "--option says guard twice"),
        (["create", "--name", "a", "--option", "guard.in=maybe"], "guard.in is another word; allowed: off, flag, redact, block."),
        (["create", "--name", "a", "--option", "limits.requests=1"], "limits.requests is '1'"),
        (["create", "--name", "a", "--option", "key=abc"], "unknown option"),
        (["create", "--name", "a", "--option", "name=b"], "--option says name, and --name does too"),
        (["create", "--name", "a", "--tag", "b=1", "--option", "tags.c=2"], "--option says tags.c, and --tag does too"),
        (["create", "--name", "a", "--tag", "b=1", "--tag", "c=1", "--tag", "b=2"], "--tag says b twice"),
        (["create", "--name", "a", "--limit", "request=5/m"], "--limit has no kind request; expected requests, tokens, spend or parallel"),
        (["create", "--name", "a", "--option", "limits=", "--limit", "spend=5/d"], "--option says limits, and --limit does too"),
        (["create", "--name", "a", "--option", "limits=", "--option", "limits.request.n=2"], "--option says limits twice"),
        (["create", "--name", "file"], "the configuration has a client named file"),
        (["show", "nobody"], "there is no key nobody"),
        (["rotate", "nobody"], "there is no key nobody"),
        (["revoke", "nobody"], "there is no key nobody"),
        (["set", "nobody"], "needs to know what to change"),
        (["rotate", "a", "--overlap", "1"], "--overlap is 1"),
    ],
)
def test_what_the_commands_refuse(served, args, says):
    w = served(clients=[{"name": "file", "key": CLIENT}])
    done = keys(w, *args, check=False)
    assert says in done.stderr and not done.stdout
    assert done.returncode == (1 if says.endswith((" nobody", " file")) else 2), "what the command line says is told from what is there"
    assert keys(w, "list") == ""


@pytest.mark.parametrize("command", [["create", "--name", "unseen"], ["create", "--name", "unseen", "--json"], ["rotate", "unseen"]])
def test_a_key_that_nobody_has_seen_is_told_of(served, command):
    w = served()
    if command[0] == "rotate":
        create(w, "unseen")
    with open("/dev/full", "w") as full:
        done = keys(w, *command, check=False, stdout=full)
    assert done.returncode == 1 and "cannot write to standard output" in done.stderr
    assert "the key unseen (key_" in done.stderr and "nobody has seen" in done.stderr and "weir keys rotate gives it another" in done.stderr
    assert keys(w, "rotate", "unseen").startswith("wk-")


def test_what_a_key_says_does_not_steer_the_terminal(served):
    w = served()
    create(w, "a\u009b31mb", "--owner", "x\nstatus       revoked\x1b[2J\u009b", "--tag", "t=v")
    for told in (keys(w, "show", "a\u009b31mb"), keys(w, "list")):
        assert "31mb" in told and all(line.isprintable() for line in told.split("\n")), told
    shown = dict(line.split(maxsplit=1) for line in keys(w, "show", "a\u009b31mb").splitlines())
    assert shown["status"] == "active" and "revoked" in shown["owner"]


def test_the_commands_say_what_one_may_not_expect(served):
    w = served()
    none = keys(w, "list", check=False)
    assert (none.returncode, none.stdout, none.stderr) == (0, "", "weir: there are no keys yet; weir keys create --name NAME makes one\n")
    assert json.loads(keys(w, "list", "--json"))["data"] == []
    closes = "this is the first key of the store: from now on every call needs one"
    assert closes in keys(w, "create", "--name", "a", check=False).stderr
    assert closes not in keys(w, "create", "--name", "b", check=False).stderr  # and it is closed
    typo = keys(w, "creat", "--name", "c", check=False)
    assert (typo.returncode, typo.stderr) == (2, "weir: keys has no part creat; did you mean create?\n")


@pytest.mark.parametrize("over", [{"keys": "on"}, {"keys": "off"}, {"clients": [{"name": "file", "key": CLIENT}]},
                                  {"auth": {"jwt": {"jwks": "https://127.0.0.1:1/jwks.json", "issuer": "i", "audience": "weir"}}}])
def test_a_first_key_that_closes_nothing_is_none_to_speak_of(served, over):
    made = keys(served(**over), "create", "--name", "a", check=False)
    assert made.returncode == 0 and "first key" not in made.stderr and made.stdout.startswith("wk-")


def test_the_commands_need_no_running_weir_and_say_what_they_did(served):
    w = served()
    w.stop()
    made = json.loads(create(w, "app", "--json", "--owner", "search", "--environment", "prod", "--expires", "30d", "--models", "gpt-4o*,o1",
                             "--endpoints", "/v1/chat/completions", "--addresses", "127.0.0.1,10.0.0.0/8", "--limit", "requests=60/m",
                             "--limit", "requests=1000/d", "--limit", "parallel=4", "--tag", "team=search", "--metadata", "ticket=7"))
    assert made.pop("key").startswith("wk-")
    assert (made["owner"], made["environment"], made["models"]) == ("search", "prod", ["gpt-4o*", "o1"])
    assert made["limits"] == {"requests": ["60/m", "1000/d"], "parallel": 4}
    assert made["tags"] == {"team": "search"} and made["metadata"] == {"ticket": "7"}
    assert json.loads(keys(w, "show", "app", "--json")) == made == json.loads(keys(w, "show", made["id"], "--json"))
    keys(w, "set", "app", "--owner", "", "--limit", "requests=5/m")
    shown = json.loads(keys(w, "show", "app", "--json"))
    assert "owner" not in shown and shown["limits"] == {"requests": "5/m", "parallel": 4} and shown["models"] == made["models"]
    assert json.loads(keys(w, "revoke", "app", "--json"))["status"] == "revoked"
    assert [k["name"] for k in json.loads(keys(w, "list", "--json"))["data"]] == ["app"]
    assert "revoked" in keys(w, "list")


def test_what_is_set_keeps_what_is_not_named(served):
    """A key whose rate is raised keeps its budget, and one that gets a tag its team's; '' takes away what is named."""
    w = served(admin={"keys": [ADMIN]})
    create(w, "app", "--limit", "requests=60/m", "--limit", "spend=5/d", "--tag", "team=search", "--metadata", "ticket=7", "--option", "limits.request.n=2")

    def after(*args):
        return {name: value for name, value in json.loads(keys(w, "set", "app", "--json", *args)).items() if name in ("limits", "tags", "metadata")}

    assert after("--limit", "requests=120/m", "--tag", "feature=chat") == {
        "limits": {"spend": "5/d", "request": {"n": 2}, "requests": "120/m"}, "tags": {"team": "search", "feature": "chat"}, "metadata": {"ticket": "7"}}
    assert after("--limit", "requests=", "--tag", "feature=", "--metadata", "ticket=") == {
        "limits": {"spend": "5/d", "request": {"n": 2}}, "tags": {"team": "search"}}
    assert after("--option", "limits.request.body=100B", "--tag", "") == {"limits": {"spend": "5/d", "request": {"n": 2, "body": "100B"}}}
    assert after("--option", "limits.request.n=") == {"limits": {"spend": "5/d", "request": {"body": "100B"}}}
    assert after("--option", "limits.request.n=1", "--limit", "spend=") == {"limits": {"request": {"body": "100B", "n": 1}}}
    assert after("--option", "limits.request=", "--limit", "spend=5/d") == {"limits": {"spend": "5/d"}}
    assert after("--option", "limits=") == {}
    assert after("--limit", "requests=60/m", "--limit", "spend=5/d") == {"limits": {"requests": "60/m", "spend": "5/d"}}
    assert after("--limit", "") == {}
    changed = api(w, "PATCH", "/app", body={"limits": {"requests": "1/m"}}).json()
    assert api(w, "PATCH", "/app", body={"limits": {"spend": "1/d"}}).json()["limits"] == {"spend": "1/d"} != changed["limits"]  # the API's members are whole


@pytest.mark.parametrize(
    "args, says",
    [
        (["--limit", "", "--limit", "requests=5/m"], "--limit '' takes all of them away; give it alone"),
        (["--limit", "requests=5/m", "--limit", ""], "--limit '' takes all of them away; give it alone"),
        (["--limit", "", "--limit", ""], "--limit '' takes all of them away; give it alone"),
        (["--limit", "", "--option", "limits.request.n=3"], "--limit '' takes all of them away, and --option says limits too"),
        (["--tag", "a=1", "--tag", ""], "--tag '' takes all of them away; give it alone"),
        (["--tag", "", "--tag", "a=1"], "--tag '' takes all of them away; give it alone"),
        (["--metadata", "a=1", "--metadata", ""], "--metadata '' takes all of them away; give it alone"),
        (["--models", "o3", "--models", ""], "--models '' takes all of them away; give it alone"),
        (["--limit", "spend=", "--limit", "spend=5/month"], "limits.spend"),
        (["--limit", "spent="], "--limit has no kind spent; expected requests, tokens, spend or parallel"),
        (["--limit", "request="], "--limit has no kind request; expected requests, tokens, spend or parallel"),
        (["--option", "limits.spent="], "unknown option 'limits.spent'; did you mean 'limits.spend'?"),
        (["--option", "limits.request.m="], "unknown option 'limits.request.m'; did you mean 'limits.request.n'?"),
        (["--option", "gaurd=", "--owner", "b"], "unknown option 'gaurd'; did you mean 'guard'?"),
    ],
)
def test_what_may_be_meant_otherwise_changes_nothing(served, args, says):
    """Whoever takes a limit away that there cannot be would believe it gone, and whoever takes all away and gives one that all others are."""
    w = served()
    rights = ["--models", "gpt-4o", "--limit", "requests=60/m", "--limit", "spend=5/d", "--option", "limits.request.n=2", "--tag", "team=search"]
    made = json.loads(create(w, "app", "--json", *rights))
    done = keys(w, "set", "app", *args, check=False)
    assert done.returncode == 2 and says in done.stderr and not done.stdout, done
    assert json.loads(keys(w, "show", "app", "--json")) == {name: value for name, value in made.items() if name != "key"}


def test_what_no_key_has_the_api_does_not_take_away(served):
    w = served(admin={"keys": [ADMIN]})
    create(w, "app", "--limit", "spend=5/d", "--owner", "search")
    for body in ({"limit": None}, {"owner": None, "limits.spend": None}):
        answer = api(w, "PATCH", "/app", body=body)
        assert code(answer) == (400, "invalid_value") and "limits" in answer.error["message"]
    assert api(w, "GET", "/app").json()["owner"] == "search"
    assert api(w, "PATCH", "/app", body={"limits": None, "owner": None, "guard": None}).status == 200


def test_a_budget_that_a_start_forgets_is_told_where_it_is_given(served):
    w = served(ledger={"keep": "1d"})
    told = "weir: ledger.keep is 24h, and limits.spend is for a month: whenever weir is started, what was spent before that is forgotten\n"
    assert told not in keys(w, "create", "--name", "a", "--limit", "spend=5/d", check=False).stderr
    made = keys(w, "create", "--name", "b", "--limit", "spend=50/month", check=False)
    assert made.returncode == 0 and told in made.stderr and made.stdout.startswith("wk-")
    changed = keys(w, "set", "a", "--limit", "spend=50/month", check=False)
    assert (changed.returncode, changed.stdout, changed.stderr) == (0, "a is changed\n", told)


# ---- what a key may do ----


def test_what_a_key_may_do_is_held_to(served):
    w = served(keys="on", admin={"keys": [ADMIN]}, server={"environment": "prod"})
    refused = {
        "expired": (["--expires", "2020-01-01"], (401, "api_key_expired")),
        "env": (["--environment", "dev"], (403, "wrong_environment")),
        "model": (["--environment", "prod", "--models", "o*"], (403, "model_not_allowed")),
        "endpoint": (["--environment", "prod", "--endpoints", "embeddings"], (403, "endpoint_not_allowed")),
        "address": (["--environment", "prod", "--addresses", "192.0.2.0/24"], (403, "address_not_allowed")),
    }
    for name, (args, expected) in refused.items():
        assert code(ask(w, create(w, name, *args))) == expected
    small = api(w, "POST", body={"name": "small", "environment": "prod", "limits": {"request": {"body": "64B"}}}).json()["key"]
    assert [code(ask(w, small))[0] for _ in range(2)] == [413, 413]  # looked up first, and known
    key = create(w, "few", "--environment", "prod", "--limit", "requests=2/h")
    other = create(w, "other", "--environment", "prod", "--limit", "requests=2/h")
    assert [ask(w, key).status for _ in range(3)] == [200, 200, 429]
    assert [ask(w, other).status for _ in range(3)] == [200, 200, 429]
    keys(w, "set", "few", "--limit", "requests=100/h")
    wait_until(lambda: ask(w, key).status == 200, 2, "the change did not arrive")


def stranger(n):
    """A key as weir makes them, which nobody has."""
    digits, text = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", f"wk-{n:0>43}"
    crc, check = zlib.crc32(text.encode()), ""
    for _ in range(6):
        crc, at = divmod(crc, 62)
        check = digits[at] + check
    return text + check


def begun(key, length, *lines):
    """The head of a call, and one byte of its body."""
    lines = ["POST /v1/chat/completions HTTP/1.1", "Host: localhost", f"Authorization: Bearer {key}", "Content-Type: application/json", *lines]
    return "\r\n".join([*lines, f"Content-Length: {length}", "", "{"]).encode()


def test_a_stranger_is_refused_while_his_body_is_on_its_way(served):
    """He holds no room in memory for it, in which those who have a key find none."""
    w = served(keys="on", server={"workers": 1}, limits={"memory": "16MB"})
    key = create(w, "app")
    assert ask(w, key).status == 200
    with wire.connect(w) as one, wire.connect(w) as other:
        for n, c in enumerate((one, other)):
            c.send(begun(stranger(n), 8_000_000))
            assert code(c.answer()) == (401, "invalid_api_key")
            assert c.at_end()
        assert ask(w, key, padding="x" * 4_000_000).status == 200


def test_a_key_that_is_looked_up_may_take_its_time_with_the_body(served):
    w = served(keys="on", server={"workers": 1})
    key = create(w, "app")
    small = create(w, "small", "--option", "limits.request.body=100B")
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "x" * 200}]}).encode()
    for n, expected in ((key, 200), (small, 413)):
        with wire.connect(w) as c:
            c.send(begun(n, len(body)))
            assert ask(w, n).status != 401  # it is known by now
            c.send(body[1:])
            assert c.answer().status == expected


@pytest.mark.parametrize("known", [False, True], ids=["looked up", "known"])
def test_a_key_that_is_looked_up_has_its_share_of_memory(served, known):
    """As one that is known: with the heads of its bodies alone."""
    w = served(keys="on", server={"workers": 1}, limits={"memory": "64MB", "client_share": "25%"})
    key, other = create(w, "app"), create(w, "other")
    if known:
        assert ask(w, key).status == 200
    mine = [wire.connect(w) for _ in range(4)]
    for c in mine:
        c.send(begun(key, 15_000_000))
    wait_until(lambda: w.metrics()["weir_memory_held_bytes"] == 15_000_000, 10, "it holds more than its share")
    statuses = []
    for c in mine:
        if c.silent(0.1):
            statuses.append(None)
        else:
            answer = c.answer()
            statuses.append(code(answer))
            assert answer.header("x-should-retry") == "true" and answer.header("retry-after") == "1" and c.at_end()
    assert sorted(statuses, key=str) == [(429, "too_many_bytes")] * 3 + [None]
    assert ask(w, other, padding="x" * 8_000_000).status == 200
    for c in mine:
        c.close()


@pytest.mark.parametrize("known", [False, True], ids=["looked up", "known"])
def test_a_key_that_is_looked_up_has_its_own_limit(served, known):
    """Which the length that a head tells is held against, before the body is there."""
    w = served(keys="on", server={"workers": 1})
    small = create(w, "small", "--option", "limits.request.body=1000B")
    if known:
        assert ask(w, small).status == 200
    with wire.connect(w) as c:
        c.send(begun(small, 15_000_000))
        answer = c.answer()
        assert code(answer) == (413, "request_too_large") and "1000 bytes that are allowed (clients[].limits.request.body)" in answer.error["message"]
        assert c.at_end()
    assert w.metrics()["weir_memory_held_bytes"] == 0


@pytest.mark.parametrize("known", [False, True], ids=["looked up", "known"])
def test_a_key_that_is_looked_up_has_its_share_of_connections(served, known):
    w = served(keys="on", server={"workers": 1, "max_connections": 6}, limits={"client_share": "50%"})
    key, other = create(w, "app"), create(w, "other")
    if known:
        assert ask(w, key).status == 200
    mine = [wire.connect(w) for _ in range(4)]
    for c in mine:
        c.send(begun(key, 100))
    assert ask(w, other).status == 200  # which is looked up behind it
    refused = [c for c in mine if not c.silent(0.1)]
    assert [code(c.answer()) for c in refused] == [(429, "too_many_connections")]
    for c in mine:
        c.close()


def test_a_key_is_held_to_what_there_is(served):
    """An endpoint that nobody can call is refused where it is written; that of a key that is there may go with its passthrough."""
    w = served(keys="on", admin={"keys": [ADMIN]}, passthrough=["/v1/rerank"])
    made = keys(w, "create", "--name", "a", "--endpoints", "chat,embedings", check=False)
    assert made.returncode == 2 and made.stderr.startswith('weir: endpoints has "embedings"; expected chat.completions, completions, embeddings'), made
    create(w, "a", "--endpoints", "chat,/v1/rerank,/v1/chat/*")
    assert keys(w, "set", "a", "--endpoints", "/v1/images", check=False).returncode == 2
    for method, which, body in (("POST", "", {"name": "b", "endpoints": ["embedings"]}), ("POST", "", {"name": "b", "endpoints": "embedings"}),
                                ("PATCH", "/a", {"endpoints": ["embeddings", "embedings"]})):
        answer = api(w, method, which, body=body)
        assert (answer.status, answer.error["param"], answer.error["code"]) == (400, "endpoints", "invalid_value"), answer.body
        assert answer.error["message"].startswith('endpoints has "embedings"; expected chat.completions')
    assert json.loads(keys(w, "show", "a", "--json"))["endpoints"] == ["chat", "/v1/rerank", "/v1/chat/*"]
    assert api(w, "PATCH", "/a", body={"endpoints": None}).status == 200


def test_a_key_may_have_whatever_a_client_may(served, upstream):
    """Also a guard, where the configuration has none, which nobody else is looked at by."""
    w = served(limits={"user": {"parallel": 100}})
    plain = create(w, "plain")
    until(w, None, (401, "invalid_api_key"))
    secret = {"messages": [{"role": "user", "content": "My key is AKIAIOSFODNN7TESTKEY."}]}
    assert ask(w, plain, **secret).status == 200
    held = create(w, "held", "--option", "guard.in=block", "--option", "output.characters=4", "--option", "limits.request.messages=1",
                  "--limit", "requests=50/m", "--option", "functions.server_tools=false", "--option", "weight=3")
    assert code(ask(w, held, **secret)) == (400, "content_blocked")
    assert code(ask(w, held, messages=[{"role": "user", "content": "Hi"}] * 2)) == (400, "array_above_max_length")
    answer = ask(w, held)
    choice = answer.json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Hell", "length")
    assert answer.header("x-ratelimit-limit-requests") == "50"
    assert ask(w, plain, **secret).json()["choices"][0]["message"]["content"] == "Hello."
    keys(w, "set", "held", "--option", "guard=", "--option", "output.characters=5")
    daemon.wait_until(lambda: ask(w, held, **secret).status == 200, 5, "the guard is not taken away")
    assert ask(w, held).json()["choices"][0]["message"]["content"] == "Hello"


def test_rules_that_cannot_be_read_let_nothing_through(served, tmp_path):
    """A guard that only a key wants, over a file that has gone since: better no call than one that is not looked at. Told once; and
    with the file, which a reload or another try finds, what it holds back is held back."""
    rules = tmp_path / "rules"
    rules.write_text("[]\n")
    w = served(guard={"in": "off", "out": "off", "files": [str(rules)]})
    key = create(w, "held", "--option", "guard.in=block")
    until(w, None, (401, "invalid_api_key"))
    rules.unlink()
    for _ in range(3):
        answer = ask(w, key)
        assert code(answer) == (503, "guard_unavailable") and answer.header("x-should-retry") == "true"
    rules.write_text("- {name: ticket, pattern: 'TICK-[0-9]{6}', lead: 'TICK-'}\n")
    daemon.wait_until(lambda: ask(w, key).status == 200, 20, "the rules are not tried again")
    assert code(ask(w, key, messages=[{"role": "user", "content": "TICK-123456"}])) == (400, "content_blocked")
    w.stop()
    (told,) = [e for e in w.log if e.get("event") == "guard_rules_failed"]
    assert told["level"] == "error" and told["reason"] == f"guard.files: cannot read {rules}"


def test_only_who_is_told_to_is_asked_for_a_key(served, tmp_path):
    store = {"store": f"sqlite:{tmp_path}/ledger.db"}
    w = served(keys="on", ledger=store)
    assert code(ask(w)) == (401, "invalid_api_key")
    key = create(w, "app")
    assert ask(w, key).status == 200
    w.stop()
    w = served(keys="off", ledger=store)
    assert ask(w).status == 200
    w.stop()
    w = served(keys="off", ledger=store, clients=[{"name": "file", "key": CLIENT}])
    assert code(ask(w, key)) == (401, "invalid_api_key")
    w.stop()
    w = served(ledger=store)
    assert code(ask(w)) == (401, "invalid_api_key") and ask(w, key).status == 200


def test_a_store_that_takes_no_records_delays_no_revocation(served):
    """Keys with budgets are looked up while nothing can be written; another that is revoked meanwhile is refused in time."""
    w = served(admin={"keys": [ADMIN]}, server={"workers": 1})
    made = [wire.call(w, "POST", "/admin/v1/keys", {"name": f"k{i}", "limits": {"spend": "5/d"}}, headers={"authorization": f"Bearer {ADMIN}"}).json()["key"]
            for i in range(60)]
    known = create(w, "known", "--limit", "spend=5/d")
    assert ask(w, known).status == 200
    other = sqlite3.connect(next(w.directory.rglob("ledger.db")), isolation_level=None, timeout=10)
    other.execute("BEGIN IMMEDIATE")
    asking = [threading.Thread(target=ask, args=(w, key)) for key in made]
    for thread in asking:
        thread.start()
    daemon.wait_until(lambda: ask(w, known).status == 200, 5, "no answer came")
    other.execute("ROLLBACK")
    keys(w, "revoke", "known")
    other.execute("BEGIN IMMEDIATE")
    try:
        until(w, known, (401, "api_key_revoked"))
    finally:
        other.execute("ROLLBACK")
        for thread in asking:
            thread.join()


def test_a_budget_goes_on_after_a_kill(weir, upstream, tmp_path):
    upstream.always(reply(200, bodies.completion("Hello.", usage=usage(590, 10))))
    options = dict(keys="on", ledger={"store": f"sqlite:{tmp_path}/ledger.db"}, prices={"*": {"input": 1000, "output": 1000}})
    w = weir(upstream, **options)
    key = create(w, "app", "--limit", "spend=1/d")
    assert ask(w, key, max_tokens=100).status == 200  # 0.6
    w.expect_exit = None
    w.process.kill()
    w.wait_exit()
    w = weir(upstream, **options)
    assert ask(w, key, max_tokens=600).status == 429
    assert ask(w, key, max_tokens=100).status == 200


def test_a_budget_of_users_that_a_reload_brings_knows_what_was_spent(weir, upstream, tmp_path):
    """Of a key, too, that is known already and not looked up again."""
    options = dict(keys="on", ledger={"store": f"sqlite:{tmp_path}/ledger.db"}, prices={"dear": {"input": 0, "output": 1000}})
    first = weir(upstream, **options)
    key = create(first, "app")
    first.stop()
    w = weir(upstream, **options)  # for which nothing has changed since its start: it forgets no key
    upstream.always(reply(200, bodies.completion(usage=usage(0, 600))))
    assert ask(w, key, model="dear", user="ann").status == 200  # 0.6
    w.reload(daemon.config_for(upstream, limits={"user": {"spend": "0.5/d"}}, **options))
    wait_until(lambda: ask(w, key, user="ann").status == 429, 10, "the records were never read")
    assert ask(w, key, user="bob").status == 200


# ---- the store ----


def test_no_key_is_in_any_file_or_line(served):
    w = served(admin={"keys": [ADMIN]}, logs={"level": "debug"}, audit=True)
    texts = [create(w, "a"), api(w, "POST", body={"name": "b"}).json()["key"], keys(w, "rotate", "a", "--overlap", "1h")]
    for text in texts:
        assert ask(w, text).status == 200
        assert code(ask(w, text[:-1] + ("0" if text[-1] != "0" else "1"))) == (401, "api_key_mistyped")
    keys(w, "revoke", "b")
    until(w, texts[1], (401, "api_key_revoked"))
    metrics = wire.call(w, "GET", "/metrics").body
    w.stop()
    seen = [metrics, "\n".join(w.texts()).encode()] + [f.read_bytes() for f in w.directory.rglob("*") if f.is_file()]
    assert len(seen) > 4
    for text in texts:
        assert not [s for s in seen if text.encode() in s or text[7:40].encode() in s]


def test_a_killed_weir_leaves_its_keys(served, tmp_path):
    store = {"store": f"sqlite:{tmp_path}/ledger.db"}
    w = served(ledger=store, admin={"keys": [ADMIN]})
    for i in range(5):
        key = api(w, "POST", body={"name": f"app{i}"}).json()["key"]
    gone = api(w, "POST", body={"name": "gone"}).json()["key"]
    assert api(w, "POST", "/gone/revoke").status == 200
    w.expect_exit = None
    w.process.kill()
    w.wait_exit()
    w = served(ledger=store, admin={"keys": [ADMIN]})
    assert ask(w, key).status == 200
    assert code(ask(w, gone)) == (401, "api_key_revoked")
    assert len(api(w, "GET").json()["data"]) == 6


CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'weir' AND query LIKE '%weir_meta%'"
postgres_only = pytest.mark.skipif(postgres.why_not() is not None, reason=str(postgres.why_not()))


@pytest.fixture(scope="module")
def server():
    made = postgres.Server()
    yield made
    made.close()


@postgres_only
def test_two_weirs_on_one_server_know_the_same_keys(served, server):
    config = dict(ledger={"store": server.database("two")}, admin={"keys": [ADMIN]})
    a, b = served(**config), served(**config, server={"workers": 2})
    assert ask(a).status == ask(b).status == 200
    key = create(a, "app")
    until(b, None, (401, "invalid_api_key"))
    assert ask(a, key).status == ask(b, key).status == 200
    new = api(a, "POST", "/app/rotate").json()["key"]
    until(b, key, (401, "api_key_rotated"))
    assert ask(b, new).status == 200
    assert api(b, "POST", "/app/revoke").status == 200
    assert code(ask(b, new)) == (401, "api_key_revoked")
    until(a, new, (401, "api_key_revoked"))


HEARD = """SELECT clock_timestamp() AS t \\gset
NOTIFY weir_keys;
SELECT pg_sleep(0.1);
SELECT count(*) FROM pg_stat_activity WHERE application_name = 'weir' AND query LIKE 'SELECT value FROM weir_meta%' AND query_start > :'t';
"""


@postgres_only
def test_a_server_tells_of_changes(served, server):
    """Each notice is followed by a look; by the clock alone, eight in a row within 100 ms each would be by chance."""
    served(ledger={"store": server.database("told")})
    in_a_row = 0
    for _ in range(80):
        in_a_row = in_a_row + 1 if server.script(HEARD, "told")[-1] == "1" else 0
        if in_a_row == 8:
            return
    raise AssertionError("no look follows a notice")


@postgres_only
def test_a_change_is_told_to_who_listens(served, server):
    w = served(ledger={"store": server.database("tells")})
    with server.session("tells") as listener:
        listener.say("LISTEN weir_keys; SELECT 'listening';", "listening")
        create(w, "app")
        listener.say("SELECT 'asked';", 'Asynchronous notification "weir_keys"')


@postgres_only
def test_connections_that_end_at_each_look_are_told_of(served, server):
    """One is made anew untold; where that ends, too, before it has served, keys cannot be read."""
    relay = postgres.Relay(server)
    server.database("ended")
    try:
        w = served(ledger={"store": f"postgres://weir@127.0.0.1:{relay.port}/ended"})
        key = create(w, "app")
        assert ask(w, key).status == 200
        time.sleep(0.8)
        relay.end_after = b"WHERE name = 'keys'"
        w.wait_event("keys_unavailable")
        relay.end_after = None
        w.wait_event("keys_available")
    finally:
        relay.close()


@postgres_only
def test_a_connection_that_is_cut_misses_no_revocation(served, server):
    config = dict(ledger={"store": server.database("cut")})
    a, b = served(**config), served(**config, server={"workers": 2})
    for n in range(6):
        key = create(a, f"app{n}")
        until(b, None, (401, "invalid_api_key"))
        assert ask(a, key).status == ask(b, key).status == 200
        cutting = threading.Thread(target=server.sql, args=(CUT, "cut"))
        cutting.start()
        revoked = keys(a, "revoke", f"app{n}", check=False)
        cutting.join()
        if revoked.returncode:  # the cut met the command's own connection, and it says so
            assert revoked.stderr.startswith("weir: the keys ")
            keys(a, "revoke", f"app{n}")
        until(a, key, (401, "api_key_revoked"))
        until(b, key, (401, "api_key_revoked"))
        server.sql(CUT, "cut")
        new = create(b, f"more{n}")
        assert ask(a, new).status == ask(b, new).status == 200  # a look-up finds its way over another connection


@postgres_only
def test_a_store_that_is_away_keeps_who_is_known(served, server):
    config = dict(ledger={"store": server.database("away")})
    w = served(**config)
    known, new = create(w, "known"), create(w, "new")
    until(w, None, (401, "invalid_api_key"))
    assert ask(w, known).status == 200
    server.stop()
    try:
        w.wait_event("keys_unavailable")
        assert ask(w, known).status == 200
        answer = ask(w, new)
        assert code(answer) == (503, "keys_unavailable") and answer.header("x-should-retry") == "true"
        assert code(ask(w)) == (401, "invalid_api_key")
        wait_until(lambda: w.metrics()["weir_keys_store_away"] == 1, 5, "the metric does not tell of it")
    finally:
        server.start()
    w.wait_event("keys_available", 20)
    assert ask(w, new).status == 200
    wait_until(lambda: w.metrics()["weir_keys_store_away"] == 0, 5, "the metric does not tell of the end")


@postgres_only
def test_who_is_known_can_be_paused_while_the_store_is_away(served, server):
    """By name, which is believed; whose an id is nobody can say, and nobody is told that it was done."""
    options = dict(ledger={"store": server.database("paused")}, admin={"keys": [ADMIN]})
    w = served(**options)
    made = api(w, "POST", body={"name": "app"}).json()
    w.stop()
    w = served(**options)  # where a key was made, what is known of it is forgotten once more when the store tells of that
    assert ask(w, made["key"]).status == 200

    def order(who, what):
        return wire.call(w, "POST", f"/admin/v1/clients/{who}/{what}", headers={"authorization": f"Bearer {ADMIN}"})

    assert code(order("nobody", "pause")) == (404, "key_not_found")
    server.stop()
    try:
        w.wait_event("keys_unavailable")
        for what in "pause", "resume":
            answer = order(made["id"], what)
            assert code(answer) == (503, "keys_unavailable") and "By its name" in answer.error["message"]
        assert ask(w, made["key"]).status == 200
        assert order("app", "pause").json() == {"client": "app", "paused": True}
        assert code(ask(w, made["key"])) == (403, "client_paused")
        assert code(order(made["id"], "resume")) == (503, "keys_unavailable")
        assert code(ask(w, made["key"])) == (403, "client_paused")
        assert order("app", "resume").json() == {"client": "app", "paused": False}
        assert ask(w, made["key"]).status == 200
        assert order("nobody", "pause").json() == {"client": "nobody", "paused": True}, "it might be somebody"
        assert order("app", "pause").status == 200
    finally:
        server.start()
    w.wait_event("keys_available", 20)
    assert code(ask(w, made["key"])) == (403, "client_paused")
    assert order(made["id"], "resume").json() == {"client": "app", "paused": False}
    assert ask(w, made["key"]).status == 200


@postgres_only
@pytest.mark.parametrize("full", [False, True], ids=["", "whose disk had no room then"])
def test_a_start_without_the_store_lets_nobody_in_who_was_kept_out(weir, upstream, server, tmp_path, full):
    upstream.always(reply(200, bodies.completion("Hello.")))
    options = dict(ledger={"store": server.database(f"later{int(full)}")}, env={"XDG_STATE_HOME": str(tmp_path / "state")})
    w = weir(upstream, **options)
    mark = tmp_path / "state" / "weir" / "keys"
    if full:  # what has no room for a file has none for this one
        mark.symlink_to(tmp_path / "nowhere" / "keys")
    key = create(w, "app")
    until(w, None, (401, "invalid_api_key"))
    if full:
        mark.unlink()
        wait_until(mark.exists, 10, "it is noted that there are keys, once there is room")
    w.stop()
    server.stop()
    try:
        w = weir(upstream, **options)
        assert code(ask(w)) == (401, "invalid_api_key")
        assert code(ask(w, key)) == (503, "keys_unavailable")
    finally:
        server.start()
    w.wait_event("keys_available", 20)
    assert ask(w, key).status == 200
