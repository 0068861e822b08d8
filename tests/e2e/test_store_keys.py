"""Clients' keys in the ledger's store: made and revoked beside a running weir, which follows."""

import json
import os
import signal
import subprocess
import time

import pytest

import bodies
import postgres
import wire
from daemon import ROOT, WEIR, wait_until
from upstream import reply

CLIENT = "client-key-0123456789"
ADMIN = "admin-key-0123456789"


def keys(w, *args, check=True):
    """weir keys … beside that weir: what it printed."""
    env = {"PATH": os.environ["PATH"], "HOME": str(w.directory), "XDG_STATE_HOME": str(w.directory)}
    done = subprocess.run([str(WEIR), "keys", *args, "-c", str(w.config_path)], capture_output=True, text=True, env=env, cwd=w.directory)
    if check:
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()
    return done


def create(w, name, *args):
    return keys(w, "create", "--name", name, *args)


def ask(w, key=None, model="gpt-4o", path="/v1/chat/completions", **options):
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return wire.call(w, "POST", path, body, headers=headers, **options)


def code(answer):
    return answer.status, answer.json()["error"]["code"]


def until(w, key, expected, within=1.0):
    """Asks until that comes; what came before must have been an answer."""
    deadline = time.monotonic() + within
    while True:
        began = time.monotonic()
        answer = ask(w, key)
        if answer.status != 200:
            assert code(answer) == expected
            return
        assert began < deadline, f"still answered after {within} s"


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
    for query in ("?limit=0", "?limit=1001", "?limit=x", "?page=2"):
        assert code(api(w, "GET", query)) == (400, "invalid_value")
