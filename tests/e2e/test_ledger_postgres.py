"""The ledger in PostgreSQL: whatever becomes of the server, of weir or of the way between them, each call is there once."""

import glob
import os
import random
import select
import signal
import subprocess
import time
from pathlib import Path

import pytest

import bodies
import daemon
import postgres
import wire
from batches import Simulator
from test_ledger import Clients, all_calls, ask, record_of, wait_moved
from upstream import reply

pytestmark = pytest.mark.skipif(postgres.why_not() is not None, reason=str(postgres.why_not()))


@pytest.fixture(scope="module")
def server():
    made = postgres.Server()
    yield made
    made.close()


@pytest.fixture
def store(server, request):
    """The address of an empty database."""
    store.count = getattr(store, "count", 0) + 1
    return server.database(f"w{store.count}")


def loaded(w):
    return "libpq" in Path(f"/proc/{w.process.pid}/maps").read_text()


def check_exact(w, received):
    """What clients have received whole is there once, with its tokens, and the sums are those of the calls."""
    calls = all_calls(w)
    kept = {c["request_id"]: c["total_tokens"] for c in calls if c["outcome"] == "ok"}
    assert len(calls) == len({c["request_id"] for c in calls})
    assert {i: t for i, t in received.items() if kept.get(i) != t} == {}
    summary = ask(w, "/usage/summary")
    assert summary["total_calls"] == len(calls)
    assert summary["total_tokens"] == sum(c["total_tokens"] or 0 for c in calls)


def wait_counted(w, count):
    daemon.wait_until(lambda: ask(w, "/usage/summary")["total_calls"] == count, 30, f"{count} calls in the store")


def test_records_are_kept_and_asked_for(weir, upstream, store):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, ledger={"store": store}, server=daemon.LOOKED_INTO)
    answers = [wire.chat(w) for _ in range(5)]
    assert {c["request_id"] for c in all_calls(w)} == {a.header("x-request-id") for a in answers}
    assert record_of(w, answers[0])["total_tokens"] == 12
    assert ask(w, "/usage/summary?group=model")["groups"][0]["total_tokens"] == 60
    assert loaded(w)
    assert (w.directory / "weir" / "node").exists() and not (w.directory / "weir" / "ledger.db").exists()


def test_the_library_is_loaded_by_nobody_else(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, server=daemon.LOOKED_INTO)
    assert wire.chat(w).status == 200 and ask(w, "/usage/summary")["total_calls"] == 1
    assert not loaded(w)


KILLS = int(os.environ.get("LEDGER_KILLS", 50 if not daemon.sanitized() else 4))


@pytest.mark.timeout(60 + 2 * KILLS)
def test_whatever_kills_weir_each_call_is_there_once(weir, store, tmp_path):
    """Fifty times; LEDGER_KILLS says otherwise."""
    rng = random.Random(23)
    received = {}
    sim = Simulator()
    config = {"providers": {"main": {"kind": "simulator", "url": sim.url}}, "ledger": {"store": store}}
    env = {"STATE_DIRECTORY": str(tmp_path / "kept")}
    try:
        for _ in range(KILLS):
            w = weir(config, env=env)
            clients = Clients(w)
            clients.wait(rng.randint(1, 60))  # a random moment
            time.sleep(rng.uniform(0, 0.1))
            w.process.send_signal(signal.SIGKILL)
            w.process.wait()  # before it is gone, its lock is there
            w.expect_exit = None
            clients.join()
            received.update(clients.whole)
        w = weir(config, env=env)
        wait_moved(tmp_path / "kept" / "journal")
        check_exact(w, received)
    finally:
        sim.close()
    assert len(received) > 10 * KILLS


def test_whatever_kills_the_server_each_call_is_there_once(weir, server, store):
    rng = random.Random(29)
    sim = Simulator()
    try:
        w = weir({"providers": {"main": {"kind": "simulator", "url": sim.url}}, "ledger": {"store": store}})
        clients = Clients(w)
        for how in (signal.SIGQUIT, signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            clients.wait(len(clients.whole) + rng.randint(30, 200))  # a random moment
            server.stop(how)
            server.start()
        clients.wait(len(clients.whole) + 30)
        w.process.send_signal(signal.SIGTERM)  # what is under way ends, and all of it is kept
        clients.join()
        w.wait_exit()
    finally:
        sim.close()
    again = weir({"providers": {"main": {"kind": "simulator", "url": "http://127.0.0.1:9"}}, "ledger": {"store": store}},
                 env={"STATE_DIRECTORY": str(w.directory / "weir")})
    check_exact(again, clients.whole)
    assert len(clients.whole) > 100


def test_a_server_that_is_down_costs_no_call(weir, upstream, server, store):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, ledger={"store": store})
    assert wire.chat(w).status == 200
    wait_counted(w, 1)
    server.stop(signal.SIGINT)
    try:
        for _ in range(20):
            assert wire.chat(w).status == 200
        assert w.wait_event("ledger_store_away")["reason"]
        assert ask(w, "/usage/summary", expect=503)["error"]["code"]
    finally:
        server.start()
    w.wait_event("ledger_store_back")
    wait_counted(w, 21)


def test_a_connection_that_the_server_ends_is_made_anew_and_nobody_is_told(weir, upstream, server, store):
    """As one that idles is ended, by the server or by what stands before it; what is recorded next is there at once all the same."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, ledger={"store": store}, audit=True)
    name = store.partition("?")[0].rpartition("/")[2]
    for count in range(1, 4):
        assert wire.chat(w).status == 200
        assert ask(w, "/usage/summary")["total_calls"] == count
        time.sleep(0.8)  # one that is in use is told of
        server.sql(f"SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity WHERE datname = '{name}'")  # and waits for the end of each
    assert [line["event"] for line in w.log if line.get("event", "").startswith(("ledger_", "keys_"))] == []
    w.stop()
    assert "whole" in subprocess.run([daemon.WEIR, "audit", "verify", w.directory / "weir"], capture_output=True, text=True).stdout


def test_connections_that_end_at_each_record_are_told_of(weir, upstream, server, store):
    """As a pooler ends them that does not like what is asked: one is made anew, and is all that is tried at once."""
    upstream.always(reply(200, bodies.completion()))
    relay = postgres.Relay(server)
    database = store.partition("@/")[2].partition("?")[0]
    try:
        w = weir(upstream, ledger={"store": f"postgres://weir@127.0.0.1:{relay.port}/{database}"})
        assert wire.chat(w).status == 200
        wait_counted(w, 1)
        time.sleep(0.8)
        relay.end_after = b"INSERT INTO weir_calls"
        assert wire.chat(w).status == 200
        w.wait_event("ledger_store_away")
        relay.end_after = None
        w.wait_event("ledger_store_back")
        wait_counted(w, 2)
    finally:
        relay.close()


def test_a_start_without_the_server_serves_and_records_later(weir, upstream, server, store):
    upstream.always(reply(200, bodies.completion()))
    server.stop(signal.SIGINT)
    try:
        w = weir(upstream, ledger={"store": store})
        assert wire.chat(w).status == 200
        w.wait_event("ledger_store_away")
    finally:
        server.start()
    w.wait_event("ledger_store_back")
    wait_counted(w, 1)


def test_a_server_that_is_paused_holds_up_neither_calls_nor_the_end(weir, upstream, server, store):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, ledger={"store": store})
    assert wire.chat(w).status == 200
    wait_counted(w, 1)
    server.signal_all(signal.SIGSTOP)
    try:
        for _ in range(20):
            assert wire.chat(w).status == 200
        w.stop()  # which waits for an answer that does not come
    finally:
        server.signal_all(signal.SIGCONT)
    again = weir(upstream, ledger={"store": store})
    assert ask(again, "/usage/summary")["total_calls"] == 1  # the others wait in the journal of the other
    again.stop()
    third = weir(daemon.config_for(upstream, ledger={"store": store}), env={"STATE_DIRECTORY": str(w.directory / "weir")})
    wait_counted(third, 21)


def test_a_question_that_is_not_answered_does_not_hold_up_the_end(weir, upstream, server, store):
    """It would wait for 22 s, which is longer than weir may take to end here."""
    upstream.always(reply(200, bodies.completion()))
    relay = postgres.Relay(server)
    database = store.partition("@/")[2].partition("?")[0]
    try:
        w = weir(upstream, ledger={"store": f"postgres://weir@127.0.0.1:{relay.port}/{database}"}, server={"drain": "1s"})
        assert wire.chat(w).status == 200
        wait_counted(w, 1)
        relay.mute_after = b"REPEATABLE READ"
        with wire.Client(w) as c:
            c.request("GET", "/usage/summary")
            assert relay.muted.wait(20)
            w.stop()
    finally:
        relay.close()


def test_questions_that_are_not_answered_hold_up_no_call(weir, upstream, server, store):
    """Each worker has one under way, and there are more of them than cores: names are looked up all the same."""
    upstream.always(reply(200, bodies.completion()))
    relay = postgres.Relay(server)
    database = store.partition("@/")[2].partition("?")[0]
    config = daemon.config_for(upstream, ledger={"store": f"postgres://weir@127.0.0.1:{relay.port}/{database}"},
                               server={"drain": "1s", "workers": 4 + (os.cpu_count() or 1)})
    config["providers"]["main"]["url"] = config["providers"]["main"]["url"].replace("127.0.0.1", "localhost")
    clients = []
    try:
        w = weir(config)
        relay.mute_after = b"REPEATABLE READ"
        for _ in range(100):  # so many that each worker gets some
            clients.append(wire.Client(w))
            clients[-1].request("GET", "/usage/summary")
        assert relay.muted.wait(20)
        with wire.Client(w) as c:
            c.request("POST", "/v1/chat/completions", {"model": "gpt-test", "messages": [{"role": "user", "content": "x"}]})
            assert c.answer("POST").status == 200
        assert not any(select.select([c.sock for c in clients], [], [], 0))  # none of them has been answered before
    finally:
        relay.close()
        for c in clients:
            c.close()


LIBRARIES = glob.glob("/usr/lib/*/libpq.so.5")


@pytest.mark.skipif(os.geteuid() != 0 or len(LIBRARIES) != 1, reason="the library can only be taken away by root, in a namespace of its own")
def test_without_the_library_a_sentence_says_what_brings_it(tmp_path, store):
    path = tmp_path / "weir.yaml"
    path.write_text(f"listen: 127.0.0.1:0\nproviders: {{a: {{kind: simulator}}}}\nledger: {{store: \"{store}\"}}\n")
    path.chmod(0o600)
    hidden = ["unshare", "--mount", "sh", "-c", 'mount --bind /dev/null "$(readlink -f "$0")" || exit 77; exec "$@"', LIBRARIES[0]]
    done = subprocess.run([*hidden, daemon.WEIR, "serve", "-c", path], capture_output=True, text=True, env={**os.environ, "STATE_DIRECTORY": str(tmp_path)})
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("nothing may be mounted here")
    assert done.returncode == 1
    assert "the PostgreSQL database of ledger.store: PostgreSQL's client library libpq.so.5 is not installed: install the package libpq5" in done.stderr + done.stdout


def test_a_commit_whose_answer_is_lost_counts_once(weir, upstream, server, store):
    upstream.always(reply(200, bodies.completion()))
    relay = postgres.Relay(server)
    database = store.partition("@/")[2].partition("?")[0]
    try:
        w = weir(upstream, ledger={"store": f"postgres://weir@127.0.0.1:{relay.port}/{database}"})
        wait_counted(w, 0)
        for cut in range(1, 4):
            relay.cuts = 1
            for _ in range(7):
                assert wire.chat(w).status == 200
            daemon.wait_until(lambda: relay.cut == cut, 20, "a commit without an answer")
            wait_counted(w, 7 * cut)
    finally:
        relay.close()
        for running in weir.running:
            running.stop()
    assert server.sql("SELECT count(*), sum(total_tokens) FROM weir_calls", database) == "21|252"
    assert server.sql("SELECT sum(calls), sum(total_tokens) FROM weir_usage", database) == "21|252"


def test_two_weirs_share_a_database(weir, upstream, server, store):
    """They begin on an empty one at once."""
    upstream.always(reply(200, bodies.completion()))
    both = [weir(upstream, ledger={"store": store}, wait=False) for _ in range(2)]
    for w in both:
        w.wait_ready()
    for _ in range(10):
        for w in both:
            assert wire.chat(w).status == 200
    for w in both:
        wait_counted(w, 20)
        assert len(all_calls(w)) == 20
        assert not [r for r in w.log if r.get("event") == "ledger_store_away"]
    nodes = {(w.directory / "weir" / "node").read_text() for w in both}
    kept = set(server.sql("SELECT DISTINCT node FROM weir_journal", store.partition("@/")[2].partition("?")[0]).split())
    assert len(nodes) == 2 and kept == nodes


SECRET = "tiger-in-the-tank"


@pytest.mark.parametrize("where", ["{host}", "host:1", "127.0.0.1:1", "unknown.invalid"])
def test_the_password_is_never_told(weir, upstream, server, where):
    upstream.always(reply(200, bodies.completion()))
    url = f"postgres://weir:{SECRET}@/postgres?host={server.folder}" if where == "{host}" else f"postgres://weir:{SECRET}@{where}/d"
    config = daemon.config_for(upstream, ledger={"store": "${STORE_URL}"})
    w = weir(config, env={"STORE_URL": url})
    assert wire.chat(w).status == 200
    if where != "{host}":
        w.wait_event("ledger_store_away")
    seen = [wire.call(w, "GET", path).body.decode() for path in ("/health", "/health/ready", "/usage/summary", "/metrics")]
    env = {**os.environ, "STORE_URL": url}
    explained = subprocess.run([daemon.WEIR, "check", "-c", w.config_path, "--explain"], capture_output=True, text=True, env=env)
    assert "store: (set)" in explained.stdout
    w.stop()
    for text in (*seen, *w.texts(), explained.stdout, explained.stderr):
        assert SECRET not in text


@pytest.mark.parametrize("url", [f"postgres://weir:{SECRET}@part@h/d", f"postgres://weir:{SECRET}/part@h/d", f"postgres://weir:{SECRET}%zz@h/d",
                                 f"postgre://weir:{SECRET}@h/d", f"mysql://weir:{SECRET}@h/d"])
@pytest.mark.parametrize("by", ["file", "environment"])
def test_a_wrong_address_is_refused_and_not_told(tmp_path, url, by):
    path = tmp_path / "weir.yaml"
    path.write_text("ledger:\n  store: \"" + (url if by == "file" else "${STORE_URL}") + "\"\n")
    path.chmod(0o600)
    done = subprocess.run([daemon.WEIR, "check", "-c", path], capture_output=True, text=True, env={**os.environ, "STORE_URL": url})
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "ledger.store" in said and "postgres://USER:PASSWORD@HOST/DATABASE" in said
    assert "tiger" not in said and "part" not in said.replace(str(path), "")
