"""weir usage and weir calls: over the store beside a weir, and over a running weir's address."""

import csv
import io
import json
import signal
import sqlite3
import subprocess
import time

import pytest

import bodies
import daemon
import wire
from terminal import environment
from upstream import error, reply

CLIENTS = {"clients": [{"name": "a", "key": "key-of-client-a-0001"}, {"name": "b", "key": "key-of-client-b-0001"}],
           "admin": {"keys": ["key-of-the-admin-0001"]}}


def run(folder, *args, expect=0, **env):
    done = subprocess.run([daemon.WEIR, *map(str, args)], cwd=folder, env=environment(folder, env), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30)
    assert done.returncode == expect, (done.stdout, done.stderr)
    return done.stderr if expect else done.stdout


def table(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def kept(weir, upstream, tmp_path):
    """A weir with three calls of two users, one of which failed at first; its store is not where others look."""
    upstream.script(error(503), reply(200, bodies.completion()), reply(200, bodies.completion()), error(400))
    w = weir(upstream, ledger={"store": f"sqlite:{tmp_path}/kept/ledger.db"}, retry={"base": "1ms"})
    tag = [("x-weir-tag", "team=search")]
    w.ids = [wire.chat(w, headers=tag, user="ada").header("x-request-id"), wire.chat(w, user="bob").header("x-request-id"),
             wire.chat(w, user="bob").header("x-request-id")]
    wire.call(w, "GET", "/usage/summary")  # which waits until they are in the store
    return w


def sources(w):
    return [("-c", w.config_path), ("--url", w.url), ("--url", w.base_url)]


def test_records_that_cannot_be_read_are_named(tmp_path):
    store = tmp_path / "kept" / "ledger.db"
    (tmp_path / "weir.yaml").write_text(json.dumps({"ledger": {"store": f"sqlite:{store}"}}))
    for command in ("usage", "calls"):
        said = run(tmp_path, command, "-c", "weir.yaml", expect=1)
        assert said == f"weir: there are no records yet: {store}, where weir serve keeps them, is not there\n"
    store.parent.mkdir()
    store.write_bytes(b"no database at all, but long enough to be looked at " * 20)
    said = run(tmp_path, "usage", "-c", "weir.yaml", expect=1)
    assert said.startswith(f"weir: cannot read the records in {store}: ") and "not a database" in said
    store.unlink()
    store.symlink_to(store)  # which even root cannot follow
    assert run(tmp_path, "calls", "-c", "weir.yaml", expect=1) == f"weir: cannot read the records in {store}: Too many levels of symbolic links\n"


def test_json_is_the_apis_object_whoever_is_asked(kept, tmp_path):
    summary = wire.call(kept, "GET", "/usage/summary?group=user&from=1h").json()
    calls = wire.call(kept, "GET", "/usage/calls?limit=2&user=bob").json()
    one = wire.call(kept, "GET", "/usage/calls/" + kept.ids[0]).json()
    assert summary["total_calls"] == 3 and len(calls["data"]) == 2 and one["attempts"] == 2
    for source in sources(kept):
        assert json.loads(run(tmp_path, "usage", *source, "--json", "--group", "user", "--from", "1h")) == summary
        assert json.loads(run(tmp_path, "calls", *source, "--json", "--limit", "2", "--user", "bob")) == calls
        assert json.loads(run(tmp_path, "calls", *source, "--json", kept.ids[0])) == one


def put_sums(path, rows):
    """Sums of calls into a store, a dict each; what it does not name is empty or 0, and the hour this one."""
    store = sqlite3.connect(path, isolation_level=None)
    names = [name for _, name, *_ in store.execute("PRAGMA table_info(weir_usage)")]
    none = {n: "" if n in ("client", "user", "model", "target", "tags") else 0 for n in names}
    columns = ", ".join(f'"{n}"' for n in names)
    store.executemany(f"INSERT INTO weir_usage ({columns}) VALUES ({', '.join(':' + n for n in names)})", [{**none, "hour": int(time.time()) // 3600, **row} for row in rows])
    store.close()


def test_as_many_groups_as_may_be_and_no_more(kept, tmp_path):
    """A client may name a new user with each call: the answer stays bounded, whoever asks."""
    path, most = tmp_path / "kept" / "ledger.db", 10_000
    rows = [{"user": f"user-{n}", "model": f"model-{n}", "calls": 1} for n in range(most)]
    put_sums(path, rows[: most - 2])  # beside the two that are there
    for source in sources(kept):
        summary = json.loads(run(tmp_path, "usage", *source, "--group", "user", "--json"))
        assert len(summary["groups"]) == most and summary["total_calls"] == most + 1
        assert len(summary["models_used"]) == most - 1 and "more_models" not in summary
    put_sums(path, rows[most - 2 :])
    refused = wire.call(kept, "GET", "/usage/summary?group=user")
    assert (refused.status, refused.error["param"], refused.error["code"]) == (400, "group", "invalid_value")
    assert "'user'" in refused.error["message"] and "more than 10000" in refused.error["message"]
    for source in sources(kept):
        assert refused.error["message"] in run(tmp_path, "usage", *source, "--group", "user", expect=1)
        assert len(json.loads(run(tmp_path, "usage", *source, "--group", "user", "--user", "bob", "--json"))["groups"]) == 1
        summary = json.loads(run(tmp_path, "usage", *source, "--group", "day", "--json"))
        assert summary["total_calls"] == most + 3 and summary["more_models"] is True and len(summary["models_used"]) == most


def test_people_read_a_table(kept, tmp_path):
    for source in sources(kept):
        lines = [line.split() for line in run(tmp_path, "usage", *source, "--group", "user").splitlines()]
        assert lines[0] == ["user", "calls", "failed", "prompt", "completion", "cost", "average"]
        assert [line[:5] for line in lines[1:4]] == [["ada", "1", "0", "9", "3"], ["bob", "2", "1", "9", "3"], ["total", "3", "1", "18", "6"]]
        days = run(tmp_path, "usage", *source, "--group", "day").splitlines()
        assert len(days[1].split("ms")[1].strip()) in (1, 2) and set(days[1].split("ms")[1].strip()) <= set("▁▂▃▄▅▆▇█")
        calls = run(tmp_path, "calls", *source).splitlines()
        assert [line.split()[-2:] if "provider_error" in line else line.split()[-1:] for line in calls[1:]] == [["bob", "provider_error"], ["bob"], ["ada"]]
        assert [kept.ids[2 - i] in line for i, line in enumerate(calls[1:])] == [True] * 3


def test_a_call_has_its_story(kept, tmp_path):
    for source in sources(kept):
        lines = run(tmp_path, "calls", *source, kept.ids[0]).splitlines()
        assert lines[0] == f"call {kept.ids[0]}: ok 200"
        assert ["user", "ada"] in [line.split() for line in lines] and ["tags", '{"team":"search"}'] in [line.split() for line in lines]
        tries = lines[lines.index("tries (─ waiting for the provider, ━ its answer)") + 1:]
        assert len(tries) == 2 and "overload 503 after" in tries[0] and "ok 200 after" in tries[1] and "9+3 tokens" in tries[1]
        assert "no call " + kept.ids[0][:-1] + "x" in run(tmp_path, "calls", *source, kept.ids[0][:-1] + "x", expect=1)


def test_tables_with_commas(kept, tmp_path):
    for source in sources(kept):
        rows = table(run(tmp_path, "usage", *source, "--csv", "--group", "tag"))
        assert [(r["key"], r["total_calls"], r["prompt_tokens"]) for r in rows] == [("", "2", "9"), ("team=search", "1", "9")]
        assert [r["total_calls"] for r in table(run(tmp_path, "usage", *source, "--csv"))] == ["3"]
        rows = table(run(tmp_path, "calls", *source, "--csv", "--tag", "team=search"))
        assert [(r["request_id"], r["success"], json.loads(r["tags"]), json.loads(r["usage"])["prompt_tokens"]) for r in rows] == [
            (kept.ids[0], "true", {"team": "search"}, 9)]
        assert [r["request_id"] for r in table(run(tmp_path, "calls", *source, "--csv", kept.ids[1]))] == [kept.ids[1]]


def test_a_table_that_is_a_part_says_so(weir, upstream, tmp_path):
    """Who keeps it as a file would take it for all that there is; who asks for so many gets them without a word."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream)
    ids = [wire.chat(w).header("x-request-id") for _ in range(102)][::-1]
    wire.call(w, "GET", "/usage/summary")

    def calls(*args):
        done = subprocess.run([daemon.WEIR, "calls", "--url", w.url, *args], env=environment(tmp_path, {}), capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    for form in ((), ("--csv",)):
        out, err = calls(*form)
        assert len(out.splitlines()) == 101
        assert err == f"weir: there are older calls; --cursor {ids[99]} goes on with them, --limit 1000 shows more at a time\n"
        assert [row.split(",")[1] for row in calls("--csv", "--cursor", ids[99])[0].splitlines()[1:]] == ids[100:]
        for args in (("--limit", "100"), ("--limit", "1000"), ("--cursor", ids[99])):
            assert calls(*form, *args)[1] == "", args
    out, err = calls("--json")
    assert json.loads(out)["next"] == ids[99] and err == ""


def test_the_store_is_read_when_no_weir_runs(kept, tmp_path):
    kept.stop()
    assert json.loads(run(tmp_path, "usage", "-c", kept.config_path, "--json"))["total_calls"] == 3
    assert len(run(tmp_path, "calls", "-c", kept.config_path).splitlines()) == 4
    assert "connection refused" in run(tmp_path, "usage", "--url", kept.url, expect=1)


def test_calls_are_followed_as_they_end(kept, upstream, tmp_path):
    upstream.always(reply(200, bodies.completion()))
    for source in sources(kept):
        before = wire.chat(kept).header("x-request-id")
        wire.call(kept, "GET", "/usage/calls/" + before)
        with subprocess.Popen([daemon.WEIR, "calls", *map(str, source), "-f", "--json"], cwd=tmp_path, env=environment(tmp_path, {}),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as p:
            try:
                seen = []
                while not seen or seen[-1] != before:
                    seen.append(json.loads(p.stdout.readline())["request_id"])
                new = [wire.chat(kept).header("x-request-id") for _ in range(3)]
                while len(seen) < 3 or seen[-1] != new[-1]:
                    seen.append(json.loads(p.stdout.readline())["request_id"])
                assert seen[-3:] == new and len(set(seen)) == len(seen)
                p.send_signal(signal.SIGINT)
                assert p.stdout.read() == "" and p.wait(10) == 0
            finally:
                p.kill()


def test_following_ends_where_nobody_reads_it_any_more(kept, upstream, tmp_path):
    upstream.always(reply(200, bodies.completion()))
    with subprocess.Popen([daemon.WEIR, "calls", "--url", kept.url, "-f"], cwd=tmp_path, env=environment(tmp_path, {}), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        try:
            assert p.stdout.readline()
            p.stdout.close()
            wire.chat(kept)
            assert p.wait(30) == 1 and p.stderr.read() == ""
        finally:
            p.kill()


@pytest.mark.parametrize("command, args, name", [
    ("usage", ["--from", "yesterday"], "from"), ("usage", ["--group", "week"], "group"), ("usage", ["--tag", "team"], "tag"),
    ("usage", ["--limit", "1"], "limit"), ("calls", ["--limit", "0"], "limit"), ("calls", ["--status", "2xx"], "status"),
    ("calls", ["--group", "day"], "group"), ("calls", ["--to", ""], "to"), ("calls", ["-f", "x"], "follow"),
    ("calls", ["--outcome", "fail"], "outcome"), ("calls", ["--cursor", "2"], "cursor"), ("calls", ["--from", "2026-04-31"], "from"),
    ("usage", ["--from", "1h", "--to", "2h"], "'from' is later than 'to'"), ("usage", ["--tag", "a=b", "--tag", "c=d"], "--tag is given twice"),
    ("usage", ["--ca", "x.pem"], "--ca is for an https address"), ("prices", ["--ca", "x.pem"], "--ca is for an https address"),
    ("calls", [""], "ID is empty"), ("calls", ["--model", "m", "x"], "--model is for a list"), ("calls", ["-f", "--limit", "3"], "--limit"),
    ("calls", ["-f", "--to", "1h"], "--to"), ("prices", [""], "PATTERN is empty"), ("sim", ["--key", ""], "--key is empty"),
    ("calls", ["--json", "--csv"], "csv"), ("usage", ["--url", "ftp://x"], "ftp"),
])
def test_a_wrong_value_is_named(tmp_path, command, args, name):
    assert name in run(tmp_path, command, *args, expect=2)


PRICED = {"prices": {"up/gpt-4o*": {"input": 2.5, "cached": 1.25, "output": 10, "tiers": [{"above": 1000, "input": 5}]},
                     "up/cheap": {"input": 1, "output": 2, "service_tiers": {"flex": {"input": 0.5}}}}}


def test_prices_are_those_of_whoever_is_asked(weir, upstream, tmp_path):
    w = weir(upstream, ledger="off", **PRICED)  # what tokens cost is known without records
    told = wire.call(w, "GET", "/usage/prices")
    assert told.header("cache-control") == "no-store" and [p["pattern"] for p in told.json()] == ["up/gpt-4o*", "up/cheap"]
    for operand in ([], ["up/gpt-4o-mini"], ["cheap"], ["up/*"]):
        for form in ([], ["--json"]):
            at_home = run(tmp_path, "prices", "-c", w.config_path, *form, *operand)
            assert run(tmp_path, "prices", "--url", w.base_url, *form, *operand) == at_home and at_home.strip() not in ("", "[]")
    assert "no price is known for up/other" in run(tmp_path, "prices", "--url", w.url, "up/other", expect=1)
    assert wire.call(w, "GET", "/usage/prices?pattern=up/other").json() == []
    for query, param in (("pattern=", "pattern"), ("group=day", "group"), ("pattern=a&pattern=b", "pattern"), ("pattern=%zz", "pattern")):
        refused = wire.call(w, "GET", "/usage/prices?" + query)
        assert (refused.status, refused.error["param"]) == (400, param), refused.body
    assert "--url is 'ftp://x'" in run(tmp_path, "prices", "--url", "ftp://x", expect=2)
    assert "--config" in run(tmp_path, "prices", "--url", w.url, "-c", w.config_path, expect=2)


def test_prices_are_for_those_with_a_key(weir, upstream, tmp_path):
    w = weir(upstream, **CLIENTS, **PRICED)
    assert wire.call(w, "GET", "/usage/prices").status == 401
    its = json.loads(run(tmp_path, "prices", "--url", w.url, "--json", OPENAI_API_KEY="key-of-client-a-0001"))
    assert {p["from"] for p in its} == {"the configuration"}  # a client need not know where that lies
    all_of_it = json.loads(run(tmp_path, "prices", "--url", w.url, "--json", OPENAI_API_KEY="key-of-the-admin-0001"))
    assert all(p["from"].startswith(str(w.config_path)) for p in all_of_it)
    assert [{**p, "from": ""} for p in its] == [{**p, "from": ""} for p in all_of_it]
    assert "401" in run(tmp_path, "prices", "--url", w.url, OPENAI_API_KEY="wrong", expect=1)


def test_a_list_that_is_none_is_said_to_be(upstream, tmp_path):
    upstream.script(*[reply(200, body) for body in ('{"data": []}', '[{"pattern": 7}]', '[3]')])
    for _ in range(3):
        assert run(tmp_path, "prices", "--url", upstream.url, expect=1) == "weir: what was answered is no list of prices\n"


@pytest.mark.parametrize("command, says", [
    (["usage"], "what was answered is no summary"),
    (["usage", "--json"], "what was answered is no summary"),
    (["calls"], "what was answered is no list of calls"),
    (["calls", "--csv"], "what was answered is no list of calls"),
    (["calls", "some-id"], "what was answered is no call"),
    (["cache", "stats"], "URL has answered, but with nothing of a cache"),
    (["cache", "purge"], "URL has answered, but with nothing of a cache"),
])
def test_who_answers_anything_is_no_weir(upstream, tmp_path, command, says):
    """A page of health, say: it is no weir without calls, nor one that has purged nothing."""
    upstream.script(*[reply(200, body) for body in ('{"status": "ok"}', '{"total_calls": "1", "data": {}, "request_id": 1, "entries": []}', '[1]', "no JSON")])
    for _ in range(4):
        assert run(tmp_path, *command, "--url", upstream.url, expect=1) == f"weir: {says.replace('URL', upstream.url)}\n"


def test_a_key_is_sent_and_sees_its_own(weir, upstream, tmp_path):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, **CLIENTS)
    for key in ("key-of-client-a-0001", "key-of-client-b-0001"):
        assert wire.chat(w, headers=[("authorization", f"Bearer {key}")]).status == 200
    assert "OPENAI_API_KEY" in run(tmp_path, "usage", "--url", w.url, expect=1)
    seen = {key: json.loads(run(tmp_path, "usage", "--url", w.url, "--json", OPENAI_API_KEY=key))["total_calls"]
            for key in ("key-of-client-a-0001", "key-of-the-admin-0001")}
    assert seen == {"key-of-client-a-0001": 1, "key-of-the-admin-0001": 2}


def test_without_a_ledger_it_says_so(weir, upstream, tmp_path):
    w = weir(upstream, ledger="off")
    assert "ledger: off" in run(tmp_path, "usage", "-c", w.config_path, expect=1)
    assert "ledger: off" in run(tmp_path, "calls", "--url", w.url, expect=1)
