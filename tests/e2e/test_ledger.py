"""The ledger: the record of a call that nothing loses, and what is asked of it."""

import contextlib
import os
import random
import shutil
import signal
import sqlite3
import threading
import time

import pytest

import bodies
import daemon
import wire
from batches import Simulator
from test_call import figure
from upstream import Behaviour, after, error, reply, sse, stall

USAGE = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}


def ask(w, path, key=None, expect=200):
    answer = wire.call(w, "GET", path, headers=[("authorization", f"Bearer {key}")] if key else [])
    assert answer.status == expect, answer.body
    return answer.json()


def record_of(w, answer, **options):
    return ask(w, "/usage/calls/" + answer.header("x-request-id"), **options)


def all_calls(w, query="", key=None):
    calls, cursor = [], ""
    while cursor is not None:
        page = ask(w, f"/usage/calls?limit=100{query}" + (f"&cursor={cursor}" if cursor else ""), key)
        calls += page["data"]
        cursor = page["next"]
    return calls


def wait_moved(folder):
    """Until the store has what earlier processes have left in the journal: only then are their files gone."""
    daemon.wait_until(lambda: len({path.name.split("-")[0] for path in folder.glob("*.journal")}) <= 1, 600, "all of the journal in the store")


# -- one call ----------------------------------------------------------------------------------------------------

def test_a_call_is_told_whole_and_at_once(weir, upstream):
    upstream.script(error(503), reply(200, bodies.completion(), headers=[("x-request-id", "req_provider")]))
    w = weir(upstream, retry={"base": "1ms"})
    answer = wire.chat(w, headers=[("x-request-id", "mine")])
    record = record_of(w, answer)
    assert record["success"] is True and record["outcome"] == "ok" and record["status"] == 200
    assert record["model"] == "gpt-test" and record["target"] == "main/gpt-test" and record["endpoint"] == "chat.completions"
    assert (record["prompt_tokens"], record["completion_tokens"], record["total_tokens"]) == (9, 3, 12)
    assert record["provider_request_id"] == "req_provider" and record["client_request_id"] == "mine"
    assert record["attempts"] == 2 and [t["outcome"] for t in record["tries"]] == ["overload", "ok"]
    assert record["tries"][0]["status"] == 503 and record["tries"][1]["prompt_tokens"] == 9
    assert record["tries"][0]["ended_ms"] <= record["tries"][1]["began_ms"] <= record["response_time"] * 1000
    assert record["finish_reason"] == "stop" and record["stream"] is False and record["error_code"] is None
    assert record["bytes_out"] == len(answer.body) and record["bytes_in"] > 0


@pytest.mark.parametrize("stream", [False, True])
def test_the_providers_usage_is_kept_as_it_came(weir, upstream, stream):
    usage = {**USAGE, "prompt_tokens_details": {"cached_tokens": 4, "theirs": [1, "x"]}, "cost": 0.25}
    upstream.script(sse(bodies.stream("a", "b", usage=usage)) if stream else reply(200, bodies.completion(usage=usage)))
    w = weir(upstream)
    record = record_of(w, wire.chat(w, stream=stream))
    assert record["usage"] == usage and record["cached_tokens"] == 4


@pytest.mark.parametrize("script, fields, expected", [
    ([sse(bodies.stream("a", "b", usage=USAGE))], {"stream": True}, {"outcome": "ok", "status": 200, "total_tokens": 12, "stream": True}),
    ([sse(bodies.stream("a", "b")[:-1], end="cut")], {"stream": True}, {"outcome": "cut", "status": 200, "error_code": "stream_interrupted", "estimated": True}),
    ([error(400)], {}, {"outcome": "failed", "status": 400, "error_code": "provider_error"}),
    ([], {"model": 1}, {"outcome": "failed", "status": 400, "error_code": "invalid_value", "attempts": 0, "cost_nano": 0}),
], ids=["stream", "cut", "refused", "malformed"])
def test_each_end_has_its_record(weir, upstream, script, fields, expected):
    upstream.script(*script)
    w = weir(upstream, retry={"retries": 0})
    record = record_of(w, wire.chat(w, **fields))
    assert {name: record[name] for name in expected} == expected


def test_a_client_that_left_is_499(weir, upstream):
    upstream.script(after(0.2, reply(200, bodies.completion())))
    w = weir(upstream)
    with wire.Client(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "gpt-test", "messages": [{"role": "user", "content": "x"}]})
        upstream.wait_requests(1)
    calls = []
    deadline = time.monotonic() + 10
    while not calls and time.monotonic() < deadline:
        calls = all_calls(w)
    assert [(c["status"], c["outcome"], c["error_code"]) for c in calls] == [(499, "cancelled", "client_closed_request")]


# -- for whom, and what for ---------------------------------------------------------------------------------------

def test_user_and_tags_are_recorded_logged_and_kept_from_the_provider(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, ledger={"user_header": "x-weir-user"})
    tags = [("x-weir-tag", "team=search"), ("X-Weir-Tag", "feature=chat, run=7")]
    first = record_of(w, wire.chat(w, headers=tags, user="ada", safety_identifier="eve"))
    second = record_of(w, wire.chat(w, headers=[("x-weir-user", "bob"), ("x-weir-tag", "team=ads")], user="ada"))
    third = record_of(w, wire.chat(w))
    assert (first["user"], first["tags"]) == ("eve", {"feature": "chat", "run": "7", "team": "search"})
    assert (second["user"], second["tags"]) == ("bob", {"team": "ads"})
    assert (third["user"], third["tags"]) == (None, {})
    assert [c["request_id"] for c in all_calls(w, "&user=eve")] == [first["request_id"]]
    assert [c["request_id"] for c in all_calls(w, "&tag=team%3Dads")] == [second["request_id"]]
    assert [g["key"] for g in ask(w, "/usage/summary?group=tag")["groups"]] == [None, "feature=chat", "run=7", "team=ads", "team=search"]
    lines = [w.wait_call(record["request_id"]) for record in (first, second, third)]
    assert [(line.get("user"), line.get("tags")) for line in lines] == [("eve", "feature=chat,run=7,team=search"), ("bob", "team=ads"), (None, None)]
    for request in upstream.requests:
        assert not [name for name, _ in request.headers if name.lower().startswith("x-weir")]


def test_a_malformed_tag_names_its_header(weir, upstream):
    w = weir(upstream)
    answer = wire.chat(w, headers=[("x-weir-tag", "team=search"), ("x-weir-tag", "team=ads")])
    assert answer.status == 400 and answer.json()["error"]["param"] == "x-weir-tag"
    assert "'team' twice" in answer.json()["error"]["message"]
    assert record_of(w, answer)["error_code"] == "invalid_value"
    assert upstream.requests == []


# -- who sees what -----------------------------------------------------------------------------------------------

KEYS = {"clients": [{"name": "a", "key": "key-of-client-a-0001"}, {"name": "b", "key": "key-of-client-b-0001"}],
        "admin": {"keys": ["key-of-the-admin-0001"]}}


def test_a_client_sees_its_own_and_an_admin_all(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, **KEYS)
    a, b, admin = "key-of-client-a-0001", "key-of-client-b-0001", "key-of-the-admin-0001"
    of_a = wire.chat(w, headers=[("authorization", f"Bearer {a}")])
    of_b = wire.chat(w, headers=[("authorization", f"Bearer {b}")])
    assert [c["client"] for c in all_calls(w, key=a)] == ["a"]
    assert {c["client"] for c in all_calls(w, key=admin)} == {"a", "b"}
    assert ask(w, "/usage/summary", a)["total_calls"] == 1
    assert ask(w, "/usage/summary", admin)["total_calls"] == 2
    assert [g["key"] for g in ask(w, "/usage/summary?group=client", admin)["groups"]] == ["a", "b"]
    assert record_of(w, of_b, key=b)["client"] == "b"
    assert record_of(w, of_b, key=admin)["client"] == "b"
    assert record_of(w, of_b, key=a, expect=404)["error"]["code"] == "call_not_found"
    assert ask(w, "/usage/summary?client=b", a, expect=403)["error"]["code"] == "forbidden"
    assert ask(w, "/usage/summary?client=a", a)["total_calls"] == 1
    for path in ("/usage/summary", "/usage/calls", "/usage/calls/" + of_a.header("x-request-id")):
        assert ask(w, path, expect=401)["error"]["code"] == "invalid_api_key"
        assert ask(w, path, "key-of-nobody-000001", expect=401)["error"]["code"] == "invalid_api_key"
    assert wire.chat(w, headers=[("authorization", f"Bearer {admin}")]).status == 401  # no client


def test_with_an_admin_alone_the_records_are_his(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, admin={"keys": ["key-of-the-admin-0001"]})
    assert wire.chat(w).status == 200
    assert ask(w, "/usage/summary", expect=401)["error"]["code"] == "invalid_api_key"
    assert ask(w, "/usage/summary", "key-of-the-admin-0001")["total_calls"] == 1


@pytest.mark.parametrize("path, name", [
    ("/usage/summary?form=1", "form"), ("/usage/summary?from=", "from"), ("/usage/summary?from=yesterday", "from"),
    ("/usage/summary?group=week", "group"), ("/usage/summary?limit=1", "limit"), ("/usage/calls?limit=0", "limit"),
    ("/usage/calls?limit=1001", "limit"), ("/usage/calls?limit=ten", "limit"), ("/usage/calls?group=day", "group"),
    ("/usage/calls?model=a&model=b", "model"), ("/usage/calls?status=2xx", "status"), ("/usage/calls?tag=team", "tag"),
    ("/usage/calls?outcome=odd", "outcome"), ("/usage/calls?outcome=OK", "outcome"), ("/usage/calls?endpoint=/v1/embedings", "endpoint"), ("/usage/calls?cursor=x", "cursor"),
    ("/usage/calls?cursor=01a223c2-c0ee-7716-9773-ba8a0104b7fg", "cursor"), ("/usage/calls?from=2026-02-29", "from"),
    ("/usage/summary?to=2026-11-31T00:00:00Z", "to"), ("/usage/calls?model=%zz", "model"), ("/usage/calls?model=%ff", "model"), ("/usage/calls/x?limit=1", "limit"),
])
def test_a_wrong_parameter_is_named(weir, upstream, path, name):
    e = ask(weir(upstream), path, expect=400)["error"]
    assert e["param"] == name and (name in e["message"] or "percent" in e["message"])


def test_an_endpoint_may_be_named_by_its_path(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream)
    here = [wire.chat(w).header("x-request-id"), wire.call(w, "POST", "/chat", {"message": "Hi"}).header("x-request-id")]
    for which, names in ((0, ("chat.completions", "/v1/chat/completions", "/chat/completions")), (1, ("chat", "/chat"))):
        for name in names:
            assert [c["request_id"] for c in ask(w, f"/usage/calls?endpoint={name}")["data"]] == [here[which]], name


def test_without_a_ledger_there_is_nothing_to_ask(weir, upstream):
    upstream.script(reply(200, bodies.completion()))
    w = weir(upstream, ledger="off")
    assert wire.chat(w).status == 200
    assert "ledger" in ask(w, "/usage/summary", expect=404)["error"]["message"]
    assert not (w.directory / "weir").exists()


# -- what a crash cuts off ---------------------------------------------------------------------------------------

class Clients:
    """Clients that count what they have received whole, until the process is gone."""

    def __init__(self, w, count=6):
        self.whole = {}  # id: tokens
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.run, args=(w, i)) for i in range(count)]
        for thread in self.threads:
            thread.start()

    def run(self, w, number):
        try:
            with wire.Client(w) as c:
                for i in range(10_000):
                    stream = (number + i) % 2 == 0
                    request = {"model": "gpt-test", "messages": [{"role": "user", "content": "x"}], "stream": stream}
                    c.request("POST", "/v1/chat/completions", {**request, **({"stream_options": {"include_usage": True}} if stream else {})})
                    answer = c.answer("POST")
                    if answer.status != 200 or not answer.complete or (stream and answer.events()[-1] != "[DONE]"):
                        return
                    usage = next(e["usage"] for e in reversed(answer.events()) if isinstance(e, dict)) if stream else answer.json()["usage"]
                    with self.lock:
                        self.whole[answer.header("x-request-id")] = usage["total_tokens"]
        except (OSError, wire.Closed):
            pass  # killed

    def wait(self, calls):
        """Until they have received so many answers, and whatever is under way then."""
        daemon.wait_until(lambda: len(self.whole) >= calls, wire.PATIENCE, f"{len(self.whole)} of {calls} answers came")

    def join(self):
        for thread in self.threads:
            thread.join()


KILLS = int(os.environ.get("LEDGER_KILLS", 50 if not daemon.sanitized() else 8))


@pytest.mark.timeout(60 + 2 * KILLS)
def test_what_was_received_whole_is_recorded_once_whatever_is_killed(weir, tmp_path):
    """Fifty times; LEDGER_KILLS says otherwise."""
    rng = random.Random(17)
    received = {}
    sim = Simulator()
    config = {"providers": {"main": {"kind": "simulator", "url": sim.url}}, "ledger": {"store": f"sqlite:{tmp_path}/kept/ledger.db"}}
    try:
        for _ in range(KILLS):
            w = weir(config)
            clients = Clients(w)
            clients.wait(rng.randint(1, 60))  # a random moment
            time.sleep(rng.uniform(0, 0.02))
            w.process.send_signal(signal.SIGKILL)
            w.process.wait()  # before it is gone, its lock is there
            w.expect_exit = None
            clients.join()
            received.update(clients.whole)
        w = weir(config)
        wait_moved(tmp_path / "kept" / "journal")
        calls = all_calls(w)
    finally:
        sim.close()
    kept = {c["request_id"]: c["total_tokens"] for c in calls if c["outcome"] == "ok"}
    assert len(calls) == len({c["request_id"] for c in calls})
    assert len(received) > 10 * KILLS
    assert {i: t for i, t in received.items() if kept.get(i) != t} == {}
    summary = ask(w, "/usage/summary")
    assert summary["total_calls"] == len(calls)
    assert summary["total_tokens"] == sum(c["total_tokens"] or 0 for c in calls)
    assert {c["outcome"] for c in calls} <= {"ok", "interrupted", "cancelled", "failed", "cut"}


def test_a_call_that_a_crash_cut_off_is_interrupted(weir, upstream, tmp_path):
    config = daemon.config_for(upstream, ledger={"store": f"sqlite:{tmp_path}/kept/ledger.db"})
    upstream.script(after(30, reply(200, bodies.completion())))
    w = weir(config)
    with wire.Client(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "gpt-test", "messages": [{"role": "user", "content": "x"}]})
        upstream.wait_requests(1)
        w.process.send_signal(signal.SIGKILL)
        w.expect_exit = None
        w.process.wait()
    again = weir(config)
    calls = all_calls(again)
    assert [(c["outcome"], c["error_code"], c["success"], c["model"]) for c in calls] == [("interrupted", "interrupted", False, "gpt-test")]
    assert calls[0]["total_tokens"] is None and calls[0]["cost_nano"] is None
    assert ask(again, "/usage/summary")["failed_calls"] == 1
    daemon.wait_until(lambda: figure(again, "weir_ledger_interrupted_calls_total") == 1, 10, "the metrics to tell of it")


# -- the store's troubles ----------------------------------------------------------------------------------------

def store_of(w):
    return w.directory / "weir" / "ledger.db"


def test_a_locked_store_costs_no_call(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream)
    assert ask(w, "/usage/summary")["total_calls"] == 0
    lock = sqlite3.connect(store_of(w), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    for _ in range(20):
        assert wire.chat(w).status == 200
    assert w.wait_event("ledger_store_away")["reason"] == "database is locked"
    lock.execute("ROLLBACK")
    lock.close()
    w.wait_event("ledger_store_back")
    assert ask(w, "/usage/summary")["total_calls"] == 20


def test_a_torn_journal_costs_its_last_record_alone(weir, upstream, tmp_path):
    config = daemon.config_for(upstream, ledger={"store": f"sqlite:{tmp_path}/kept/ledger.db"})
    upstream.always(reply(200, bodies.completion()))
    w = weir(config)
    assert ask(w, "/usage/summary")["total_calls"] == 0
    lock = sqlite3.connect(tmp_path / "kept" / "ledger.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    for _ in range(3):
        assert wire.chat(w).status == 200
    w.process.send_signal(signal.SIGKILL)
    w.expect_exit = None
    w.process.wait()
    lock.execute("ROLLBACK")
    lock.close()
    file = max((tmp_path / "kept" / "journal").iterdir(), key=lambda f: f.stat().st_mtime_ns)
    left = file.stat().st_size - 1
    os.truncate(file, left)
    again = weir(config)
    torn = again.wait_event("journal_torn")
    assert torn["file"] == file.name and int(torn["at"]) + int(torn["bytes"]) == left
    daemon.wait_until(lambda: sorted(c["outcome"] for c in all_calls(again)) == ["interrupted", "ok", "ok"], 10, "the others in the store")
    daemon.wait_until(lambda: figure(again, "weir_journal_damaged_places_total") == 1, 10, "the metrics to tell of it")


def test_a_store_that_is_removed_is_made_again(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream)
    assert wire.chat(w).status == 200
    assert ask(w, "/usage/summary")["total_calls"] == 1
    for path in store_of(w).parent.glob("ledger.db*"):
        path.unlink()
    assert wire.chat(w).status == 200
    # Who asks while it is made is asked to come again.
    daemon.wait_until(lambda: wire.call(w, "GET", "/usage/summary").status != 503, 20, "it is not made again")
    assert ask(w, "/usage/summary")["total_calls"] == 1


def test_a_journal_that_is_full_refuses_or_serves_on(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, ledger={"journal": "1MB"})
    ask(w, "/usage/summary")
    lock = sqlite3.connect(store_of(w), isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    padding = "x" * 1000
    asked = 0
    with wire.Client(w) as c:
        while True:
            c.request("POST", "/v1/chat/completions", {"model": "gpt-test" + "y" * 200, "messages": [{"role": "user", "content": padding}]})
            answer = c.answer("POST")
            if answer.status != 200:
                break
            asked += 1
    assert answer.status == 503 and answer.error["code"] == "ledger_full" and answer.header("x-should-retry") == "true"
    w.wait_event("ledger_store_away")
    served = w.reload(daemon.config_for(upstream, ledger={"journal": "1MB", "on_full": "serve"}))
    assert "reload" in served
    assert wire.chat(w).status == 200  # without a record
    lock.execute("ROLLBACK")
    lock.close()
    w.wait_event("ledger_store_back")
    assert ask(w, "/usage/summary")["successful_calls"] == asked
    assert wire.chat(w).status == 200
    assert ask(w, "/usage/summary")["successful_calls"] == asked + 1


class StreamsStall(Behaviour):
    """Streams go on for as long as their client is there; all else is answered at once, with a usage that fills its record."""

    def __init__(self):
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "padding": "x" * 1900}
        self.stream, self.plain = stall("in_stream"), reply(200, {**bodies.completion(), "usage": usage})

    def run(self, c, request):
        (self.stream if request.json().get("stream") else self.plain).run(c, request)


def test_long_streams_do_not_fill_the_journal_of_a_store_that_is_there(weir, upstream):
    """One began in each of its files, which were kept whole for as long: then every call was refused."""
    upstream.always(StreamsStall())
    w = weir(upstream, server={"workers": 1}, ledger={"journal": "1MB"})
    with contextlib.ExitStack() as streams:
        for _ in range(24):
            stream = streams.enter_context(wire.Client(w))
            stream.request("POST", "/v1/chat/completions", {"model": "gpt-long", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
            assert stream.head().status == 200
            statuses = [wire.chat(w, model="gpt-test" + "y" * 200, user="u" * 250).status for _ in range(24)]
            assert statuses == [200] * 24
            ask(w, "/usage/summary")  # it is all in the store
        daemon.wait_until(lambda: figure(w, "weir_journal_bytes") < 300_000, 20, "the journal to have what is needed of it alone")
    daemon.wait_until(lambda: ask(w, "/usage/summary")["total_calls"] == 24 * 25, 20, "the end of each stream")


def journal_bytes(folder):
    """Of each worker."""
    sizes = {}
    for path in folder.glob("*.journal"):
        worker = path.name.split("-")[1]
        with contextlib.suppress(FileNotFoundError):
            sizes[worker] = sizes.get(worker, 0) + path.stat().st_size
    return sizes


def test_an_idle_worker_does_not_keep_a_smaller_journal_full(weir, upstream, tmp_path):
    """What it has in use is more than all may have since a reload, and it is asked nothing any more."""
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "padding": "x" * 1900}
    upstream.always(reply(200, {**bodies.completion(), "usage": usage}))
    options = {"store": f"sqlite:{tmp_path}/kept/ledger.db"}
    w = weir(upstream, server={"workers": 2}, ledger={**options, "journal": "64MB"})
    body = {"model": "gpt-test" + "y" * 200, "user": "u" * 250, "messages": [{"role": "user", "content": "hi"}]}
    folder = tmp_path / "kept" / "journal"

    def ask_on(c):
        """The worker that was asked, and the status."""
        before = journal_bytes(folder)
        c.request("POST", "/v1/chat/completions", body)
        status = c.answer("POST").status
        grown = [worker for worker, size in journal_bytes(folder).items() if size > before.get(worker, 0)]
        return grown[0] if grown else None, status

    with wire.Client(w) as first, contextlib.ExitStack() as others:
        full, _ = ask_on(first)
        second = others.enter_context(wire.Client(w))
        while ask_on(second)[0] == full:
            second = others.enter_context(wire.Client(w))
        while journal_bytes(folder)[full] < 1_200_000:
            assert ask_on(first)[1] == 200
        assert ask(w, "/usage/summary")["failed_calls"] == 0  # all of it is in the store
        w.reload(daemon.config_for(upstream, server={"workers": 2}, ledger={**options, "journal": "1MB"}))
        daemon.wait_until(lambda: ask_on(second)[1] == 200, 20, "room in the journal")


def test_two_weirs_do_not_share_a_directory(weir, upstream, tmp_path):
    config = daemon.config_for(upstream, ledger={"store": f"sqlite:{tmp_path}/kept/ledger.db"})
    w = weir(config)
    second = weir(config, wait=False)
    second.expect_exit = 1
    assert second.process.wait(20) == 1
    text = second.wait_text("another weir")
    assert f"(process {w.process.pid})" in text and f"{tmp_path}/kept" in text and "ledger: off" in text


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may write anywhere")
def test_a_directory_that_cannot_be_written_ends_the_start(weir, upstream, tmp_path):
    (tmp_path / "file").write_text("no directory")
    w = weir(daemon.config_for(upstream, ledger={"store": f"sqlite:{tmp_path}/file/ledger.db"}), wait=False)
    w.expect_exit = 1
    assert w.process.wait(20) == 1
    text = w.wait_text("cannot keep records")
    assert f"{tmp_path}/file" in text and "ledger: off" in text


def test_records_survive_the_machine_where_that_is_asked(weir, upstream):
    """Each answer waits for its record, streams too; many at once."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, ledger={"sync": "machine"})
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(wire.chat(w))) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [a.status for a in answers] == [200] * 16
    assert {c["request_id"] for c in all_calls(w)} == {a.header("x-request-id") for a in answers}


def test_pages_of_calls_hold_while_others_arrive(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream)
    before = {wire.chat(w).header("x-request-id") for _ in range(25)}
    seen, cursor = [], None
    while True:
        page = ask(w, "/usage/calls?limit=4" + (f"&cursor={cursor}" if cursor else ""))
        seen += [c["request_id"] for c in page["data"]]
        assert [c["timestamp"] for c in page["data"]] == sorted((c["timestamp"] for c in page["data"]), reverse=True)
        cursor = page["next"]
        if not cursor:
            break
        wire.chat(w)
    assert len(seen) == len(set(seen)) and before == set(seen)
