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
