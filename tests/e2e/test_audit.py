"""The audit trail: everything that was asked and done stands in it once, and what is done to it shows."""

import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import time

import pytest

import bodies
import daemon
import redis_server
import wire
from test_call import figure
from test_ledger import Clients, Simulator, all_calls, ask
from test_usage_cli import run
from upstream import error, reply, sse

CHAT = "/v1/chat/completions"
KEY = "a-key-that-signs-heads-0001"


def audited(upstream, tmp_path, **over):
    return daemon.config_for(upstream, **daemon.merged({"ledger": {"store": f"sqlite:{tmp_path}/kept/ledger.db"}, "audit": True}, over))


def records(tmp_path, *args):
    return [json.loads(line) for line in run(tmp_path, "audit", "export", tmp_path / "kept", *args).splitlines()]


def verified(tmp_path, *args, expect=0):
    return json.loads(run(tmp_path, "audit", "verify", tmp_path / "kept", "--json", *args)) if not expect else None


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def request(**fields):
    return json.dumps({"model": "gpt-test", "messages": [{"role": "user", "content": "Hi"}], **fields}).encode()


def post(w, body, key=None):
    return wire.call(w, "POST", CHAT, body, headers=[("content-type", "application/json")] + ([("authorization", f"Bearer {key}")] if key else []))


USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}


@pytest.mark.parametrize("usage, kept", [
    (json.dumps(USAGE), USAGE), (json.dumps(USAGE, indent=2).replace("\n", "\r\n"), USAGE),
    (json.dumps(USAGE, indent=2).replace("3,", "3,\r"), USAGE), (json.dumps(USAGE)[:-1] + ', "x": 1, "x": 2}', None),
    (json.dumps(USAGE)[:-1] + ', "x": ' + "[" * 125 + "]" * 125 + "}", None)], ids=["plain", "lines of windows", "laid out", "a name twice", "deep"])
def test_what_a_provider_tells_of_use_breaks_no_record(weir, upstream, tmp_path, usage, kept):
    """On one line, and where weir itself could not read it again it is left out."""
    body = json.dumps(bodies.completion() | {"usage": 0}).replace('"usage": 0', f'"usage": {usage}').encode()
    upstream.always(reply(200, body))
    w = weir(audited(upstream, tmp_path))
    answers = [post(w, request()) for _ in range(3)]
    assert [a.status for a in answers] == [200] * 3 and answers[0].body == body
    ids = [a.header("x-request-id") for a in answers]
    asked = [wire.call(w, "GET", f"/usage/calls/{i}").json() for i in ids]
    w.stop()
    listed = json.loads(run(tmp_path, "calls", "--json", "-c", w.config_path))["data"]
    alone = [run(tmp_path, "calls", "--json", i, "-c", w.config_path) for i in ids]
    assert [text.count("\n") for text in alone] == [1] * 3
    for calls in (asked, listed, [json.loads(text) for text in alone], [r["call"] for r in records(tmp_path, "--kind", "call")]):
        assert {c["request_id"]: (c["total_tokens"], c["usage"]) for c in calls} == {i: (7, kept) for i in ids}
    assert verified(tmp_path)["whole"]


def test_each_call_is_there_with_what_was_asked_and_answered(weir, upstream, tmp_path):
    upstream.script(reply(200, bodies.completion()), sse(bodies.stream("a", "b")), error(400))
    config = audited(upstream, tmp_path, clients=[{"name": "app", "key": "key-of-the-app-0001"}], retry={"retries": 0})
    w = weir(config)
    asked = [(request(), "key-of-the-app-0001"), (request(stream=True), "key-of-the-app-0001"), (request(), "key-of-the-app-0001"),
             (b'{"model": ', "key-of-the-app-0001"), (request(), "key-of-somebody-0001"),
             (request(user="x" * 400_000), "key-of-the-app-0001")]
    upstream.always(reply(200, bodies.completion()))
    answers = [post(w, body, key) for body, key in asked]
    assert [a.status for a in answers] == [200, 200, 400, 400, 401, 200]
    w.stop()
    found = {r["call"]["request_id"]: r for r in records(tmp_path, "--kind", "call")}
    assert len(found) == len(asked)
    for (body, key), answer in zip(asked, answers):
        r = found[answer.header("x-request-id")]
        assert r["call"]["status"] == answer.status
        assert r["answer_sha256"] == sha256(answer.body) if answer.status != 401 else True
        assert r["prompt_sha256"] == sha256(body) if answer.status != 401 else True
        assert r["call"]["client"] == ("app" if answer.status != 401 else None)
    report = verified(tmp_path)
    assert report["whole"] and report["records"] == len(asked) + 2 and report["behind_head"] == 0  # and start and stop
    for secret in ("key-of-the-app-0001", "key-of-somebody-0001"):
        assert not any(secret.encode() in f.read_bytes() for f in (tmp_path / "kept").glob("audit*"))


def test_what_is_done_to_weir_is_there(weir, upstream, tmp_path):
    config = audited(upstream, tmp_path)
    w = weir(config)
    w.reload(config)
    w.reload({**config, "retry": {"retries": "many"}})
    w.stop()
    acts = [(r["act"], r["outcome"], r["who"]) for r in records(tmp_path, "--kind", "act")]
    assert acts == [("start", "ok", "operator"), ("reload", "ok", "operator"), ("reload", "refused", "operator"), ("stop", "ok", "operator")]


ADMIN = "key-of-the-admin-0001"


def wire_is_closed(w):
    """It takes no more connections."""
    try:
        wire.connect(w).close()
    except OSError:
        return True
    return False


def admin(w, method, path, body=None, key=ADMIN):
    return wire.call(w, method, path, body, headers={"authorization": f"Bearer {key}"} if key else {})


def test_what_admins_do_is_there(weir, upstream, tmp_path):
    """Keys that are made, changed, rotated and revoked, answers that are thrown away; over HTTP and by the command, beside a
    weir that runs and one that does not; and what was refused."""
    app = "key-of-the-app-0001"
    config = audited(upstream, tmp_path, admin={"keys": ["another-admins-0001", ADMIN]}, clients=[{"name": "file", "key": app}],
                     cache={"models": ["gpt-test"]})
    w = weir(config)
    made = admin(w, "POST", "/admin/v1/keys", {"name": "web", "owner": "search"}).json()
    assert admin(w, "PATCH", f"/admin/v1/keys/{made['id']}", {"owner": None}).status == 200
    assert admin(w, "POST", "/admin/v1/keys/web/rotate", {"overlap": "1h"}).status == 200
    assert admin(w, "GET", "/admin/v1/keys/web").status == 200  # which does nothing
    assert admin(w, "POST", "/admin/v1/keys", {"name": "web"}).status == 409
    assert admin(w, "POST", "/admin/v1/keys/nobody/revoke").status == 404
    assert admin(w, "POST", "/admin/v1/keys/web/revoke", key=app).status == 403
    assert admin(w, "POST", "/admin/v1/keys/web/revoke", key=None).status == 401
    assert admin(w, "POST", "/admin/v1/keys/web/revoke").status == 200
    assert admin(w, "POST", "/admin/v1/cache", {"model": "gpt-*"}).status == 200
    text = run(w.directory, "keys", "create", "--name", "shell", "-c", w.config_path).strip()
    def wait_for(what):
        mark = f'"act":"{what}","who":"operator"'.encode()
        daemon.wait_until(lambda: any(mark in f.read_bytes() for f in (tmp_path / "kept").glob("audit-*.jsonl")), 5, f"no {what} came")
    wait_for("key_create")
    w.stop()
    run(w.directory, "keys", "set", "shell", "--owner", "x", "-c", w.config_path)
    run(w.directory, "keys", "rotate", "shell", "-c", w.config_path)
    run(w.directory, "keys", "revoke", "shell", "-c", w.config_path)
    w = weir(config)
    wait_for("key_revoke")
    w.stop()
    acts = [r for r in records(tmp_path, "--kind", "act") if r["act"] not in ("start", "stop")]
    by = "admin.keys[1]"
    assert sorted((r["act"], r["outcome"], r["who"], r.get("subject")) for r in acts if r["who"] != "operator") == sorted([
        ("key_create", "ok", by, "web"), ("key_change", "ok", by, "web"), ("key_rotate", "ok", by, "web"), ("key_revoke", "ok", by, "web"),
        ("key_create", "key_exists", by, "web"), ("key_revoke", "key_not_found", by, "nobody"), ("cache_purge", "ok", by, "model gpt-*"),
        ("admin", "forbidden", "file", "POST /admin/v1/keys/web/revoke"),
        ("admin", "invalid_api_key", "anyone", "POST /admin/v1/keys/web/revoke")])
    assert [(r["act"], r["outcome"], r["subject"]) for r in acts if r["who"] == "operator"] == [
        (a, "ok", "shell") for a in ("key_create", "key_change", "key_rotate", "key_revoke")]
    assert all(r["from"].startswith("127.0.0.1:") for r in acts if r["who"] != "operator")
    assert verified(tmp_path)["whole"]
    for secret in (ADMIN, app, made["key"], text):
        assert not any(secret.encode() in f.read_bytes() for f in (tmp_path / "kept").glob("audit*"))


@pytest.mark.skipif(redis_server.why_not() is not None, reason=str(redis_server.why_not()))
def test_a_purge_is_told_as_it_went(weir, upstream, tmp_path):
    """Of a store that does not take it when it has begun, of one that does, of one that is slower than who asks waits, and of one that is away."""
    server = redis_server.Server()
    config = audited(upstream, tmp_path, server={"workers": 1}, admin={"keys": [ADMIN]}, cache={"models": ["gpt-*"], "store": {"url": server.url, "timeout": "5s"}})
    w = weir(config)
    server.ask("SET", "weir:cache:1:purges", "no list")
    assert admin(w, "POST", "/admin/v1/cache", {"model": "a"}).status == 503
    server.ask("DEL", "weir:cache:1:purges")
    assert admin(w, "POST", "/admin/v1/cache", {"model": "b"}).status == 200
    server.pause()
    with wire.connect(w) as c:
        c.request("POST", "/admin/v1/cache", b'{"model": "c"}', headers={"authorization": f"Bearer {ADMIN}"})
        daemon.wait_until(lambda: [r["event"] for r in w.log].count("cache_purged") == 3, 10, "it has not begun")
    server.kill()
    w.wait_event("cache_store_away", timeout=20)
    assert admin(w, "POST", "/admin/v1/cache", {"model": "d"}).status == 503
    w.stop()
    server.close()
    assert [(r["subject"], r["outcome"], r["who"]) for r in records(tmp_path, "--kind", "act") if r["act"] == "cache_purge"] == [
        ("model a", "cache_store_away", "admin.keys[0]"), ("model b", "ok", "admin.keys[0]"),
        ("model c", "goes_on", "admin.keys[0]"), ("model d", "cache_store_away", "admin.keys[0]")]


def test_a_reload_that_weirs_end_cuts_short_was_not_refused(weir, upstream, tmp_path):
    """A key command is still running when weir is told to end."""
    begun = tmp_path / "begun"
    slow = tmp_path / "slow"
    slow.write_text(f"#!/bin/sh\n[ -e {tmp_path}/slowly ] && touch {begun} && while [ ! -e {tmp_path}/go ]; do sleep 0.05; done\necho sk-key-0123456789\n")
    slow.chmod(0o755)
    config = audited(upstream, tmp_path)
    config["providers"]["main"]["key"] = {"command": [str(slow)], "timeout": "60s"}
    w = weir(config)
    (tmp_path / "slowly").touch()
    w.process.send_signal(signal.SIGHUP)
    daemon.wait_until(begun.exists, 20, "the reload has not begun")
    w.process.send_signal(signal.SIGTERM)
    daemon.wait_until(lambda: wire_is_closed(w), 20, "it does not end")
    (tmp_path / "go").touch()
    w.wait_exit()
    assert [(r["act"], r["outcome"]) for r in records(tmp_path, "--kind", "act")] == [("start", "ok"), ("stop", "ok")]


# -- what is done to the trail -----------------------------------------------------------------------------------

@pytest.fixture
def trail(weir, upstream, tmp_path):
    """Six records of a weir that has ended: its start, four calls, its end."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(audited(upstream, tmp_path, audit={"key": KEY}))
    for _ in range(4):
        assert wire.chat(w).status == 200
    w.stop()
    w.file = tmp_path / "kept" / "audit-00000001.jsonl"
    return w


def fault(w):
    done = subprocess.run([daemon.WEIR, "audit", "verify", "-c", w.config_path, "--json"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1, (done.stdout, done.stderr)
    return json.loads(done.stdout)


def test_a_whole_trail_is_said_to_be(trail, tmp_path):
    assert run(tmp_path, "audit", "verify", "-c", trail.config_path) == "whole: 6 records in 1 file, 1 to 6\n"


def altered(lines):
    assert b'"kind":"' in lines[2]
    lines[2] = lines[2].replace(b'"kind":"', b'"kind":"x')


def removed(lines):
    del lines[2]


def swapped(lines):
    lines[2], lines[3] = lines[3], lines[2]


def doubled(lines):
    lines.insert(3, lines[2])


def cut(lines):
    del lines[4:]


def torn(lines):
    lines[5] = lines[5][:-30]


def beheaded(lines):
    del lines[:2]


@pytest.mark.parametrize("harm, seq, says", [
    (altered, 3, "altered"), (removed, 3, "record 3 is missing"), (swapped, 3, "record 3 is missing"), (doubled, 3, "order was changed, or one was put in"),
    (cut, 5, "missing at the end"), (torn, 6, "cut off"), (beheaded, 1, "missing at the beginning")])
def test_harm_is_named(trail, harm, seq, says):
    lines = trail.file.read_bytes().splitlines(keepends=True)
    harm(lines)
    trail.file.write_bytes(b"".join(lines))
    report = fault(trail)
    assert report["whole"] is False and report["seq"] == seq and says in report["fault"], report


def test_a_forged_head_is_named(trail):
    lines = trail.file.read_bytes().splitlines(keepends=True)
    trail.file.write_bytes(b"".join(lines[:3]))
    last = json.loads(lines[2])
    head = json.loads((trail.file.parent / "audit-head.json").read_bytes())
    for forged in ({**head, "seq": 3, "hash": last["hash"]}, {k: v for k, v in {**head, "seq": 3, "hash": last["hash"]}.items() if k != "mac"}):
        (trail.file.parent / "audit-head.json").write_text(json.dumps(forged, separators=(",", ":")) + "\n")
        assert "forged" in fault(trail)["fault"]


def test_what_was_asked_does_not_steer_the_terminal(weir, upstream, tmp_path):
    """A program gets the record as it stands, for its hash; a terminal what has no controls."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(audited(upstream, tmp_path))
    assert wire.chat(w, user="a \u009b2Jb \u202ec").status == 200
    w.stop()
    command = [daemon.WEIR, "audit", "export", tmp_path / "kept", "--kind", "call"]
    plain = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True).stdout.decode()
    master, slave = os.openpty()
    with open(master, "rb", buffering=0) as screen:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=slave, timeout=60, check=True)
        os.close(slave)
        shown = screen.read(8192).removesuffix(b"\r\n").decode()
    assert shown.isprintable() and json.loads(shown) == json.loads(plain)
    assert json.loads(plain)["call"]["user"] == "a \u009b2Jb \u202ec" and "\u202e" in plain


def test_tail_and_export(trail, tmp_path):
    rows = run(tmp_path, "audit", "tail", "-c", trail.config_path, "-n", "3").splitlines()
    assert [row.split()[0] for row in rows] == ["4", "5", "6"]
    assert run(tmp_path, "audit", "tail", "-c", trail.config_path, "--json").splitlines() == trail.file.read_text().splitlines()
    assert len(records(tmp_path)) == 6 and len(records(tmp_path, "--kind", "act")) == 2
    assert records(tmp_path, "--to", "2020-01-01") == [] and len(records(tmp_path, "--from", "2020-01-01T00:00:00Z")) == 6
    assert len(records(tmp_path, "--from", "1h")) == 6 and records(tmp_path, "--to", "1h") == []
    for args, says in ((("--from", "yesterday"), "expected a time such as"), (("--from", "1h", "--to", "2h"), "--from is later than --to"),
                       (("--client", ""), "--client is empty")):
        assert says in run(tmp_path, "audit", "export", tmp_path / "kept", *args, expect=2)
    assert "tail, export or verify" in run(tmp_path, "audit", expect=2)
    assert "no audit trail" in run(tmp_path, "audit", "verify", tmp_path, expect=1)


def test_lines_that_are_no_records_are_said_to_be(trail, tmp_path):
    lines = trail.file.read_bytes().splitlines(keepends=True)
    lines[2], lines[4] = lines[2][:30] + b"\n", b"\n"
    trail.file.write_bytes(b"".join(lines))
    done = subprocess.run([daemon.WEIR, "audit", "export", "-c", trail.config_path], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and [json.loads(line)["seq"] for line in done.stdout.splitlines()] == [1, 2, 4, 6]
    assert f"{trail.file.name}, line 3: it is no record, and was left out, and not alone" in done.stderr
    rows = run(tmp_path, "audit", "tail", "-c", trail.config_path).splitlines()
    assert [row.split()[0] for row in rows] == ["1", "2", "?", "4", "?", "6"]


# -- ends of every kind ------------------------------------------------------------------------------------------

def test_after_each_kill_the_chain_is_whole_and_has_every_record_once(weir, tmp_path):
    """Twenty times; AUDIT_KILLS says otherwise."""
    kills = int(os.environ.get("AUDIT_KILLS", 20 if not daemon.sanitized() else 5))
    rng = random.Random(23)
    sim = Simulator()
    config = {"providers": {"main": {"kind": "simulator", "url": sim.url}}, "audit": {"key": KEY},
              "ledger": {"store": f"sqlite:{tmp_path}/kept/ledger.db"}}
    try:
        for _ in range(kills):
            w = weir(config)
            clients = Clients(w)
            clients.wait(rng.randint(1, 60))  # a random moment
            time.sleep(rng.uniform(0, 0.05))
            w.process.send_signal(signal.SIGKILL)
            w.process.wait()  # before it is gone, its lock is there
            w.expect_exit = None
            clients.join()
        w = weir(config)
        stored = [c["request_id"] for c in all_calls(w)]
        w.stop()
    finally:
        sim.close()
    report = json.loads(run(tmp_path, "audit", "verify", "-c", w.config_path, "--json"))
    assert report["whole"] and report["behind_head"] == 0
    kept = [r["call"]["request_id"] for r in records(tmp_path, "--kind", "call")]
    assert len(kept) == len(set(kept)) and set(kept) == set(stored)
    assert len([r for r in records(tmp_path, "--kind", "act") if r["act"] == "start"]) >= kills // 2


def test_a_locked_store_holds_the_trail_back_and_loses_nothing(weir, upstream, tmp_path):
    upstream.always(reply(200, bodies.completion()))
    w = weir(audited(upstream, tmp_path))
    assert ask(w, "/usage/summary")["total_calls"] == 0
    lock = sqlite3.connect(tmp_path / "kept" / "ledger.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    ids = {wire.chat(w).header("x-request-id") for _ in range(5)}
    w.wait_event("ledger_store_away")
    lock.execute("ROLLBACK")
    lock.close()
    w.wait_event("ledger_store_back")
    w.stop()
    assert {r["call"]["request_id"] for r in records(tmp_path, "--kind", "call")} == ids
    assert verified(tmp_path)["whole"]


def test_what_is_refused_to_strangers_does_not_grow_a_journal_that_is_full(weir, upstream, tmp_path):
    """Whoever reaches weir could have filled its disk, or its memory, while the store is away; an admin's act is kept all the same."""
    upstream.always(reply(200, bodies.completion()))
    over = {"admin": {"keys": [ADMIN]}, "clients": [{"name": "app", "key": "key-of-the-app-0001"}], "server": {"workers": 1}}
    w = weir(audited(upstream, tmp_path, **over, ledger={"journal": "1MB"}))
    ask(w, "/usage/summary", ADMIN)
    lock = sqlite3.connect(tmp_path / "kept" / "ledger.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with wire.Client(w) as stranger:
        for _ in range(4000):
            stranger.request("PATCH", "/admin/v1/keys/" + "x" * 300)
            assert stranger.answer("PATCH").status == 401
    sizes = sum(path.stat().st_size for path in (tmp_path / "kept" / "journal").glob("*.journal"))
    assert 1_000_000 < sizes < 1_100_000
    w.wait_event("ledger_store_away")
    assert figure(w, "weir_ledger_unrecorded_calls_total") == 0  # an alert is on it, which no stranger fires
    assert admin(w, "POST", "/admin/v1/clients/app/pause").status == 200
    lock.execute("ROLLBACK")
    lock.close()
    w.wait_event("ledger_store_back")
    w.stop()
    acts = [(r["act"], r["who"]) for r in records(tmp_path, "--kind", "act")]
    assert ("client_pause", "admin.keys[0]") in acts and 2000 < acts.count(("admin", "anyone")) < 4000
    assert verified(tmp_path)["whole"]


def test_without_a_ledger_there_is_none(upstream, tmp_path):
    (tmp_path / "w.yaml").write_text("ledger: off\naudit: on\nproviders: {main: {kind: openai, url: http://127.0.0.1:1/v1, key: x}}\n")
    said = run(tmp_path, "check", "-c", tmp_path / "w.yaml", expect=1)
    assert "audit is on and ledger is off" in said
