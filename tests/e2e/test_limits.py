"""Limits: who may have how much, exactly, whoever asks at the same time and of which worker."""

import asyncio
import contextlib
import json
import re
import sqlite3
import threading
import time

import openai
import pytest

import bodies
import daemon
import wire
from test_call import figure
from test_prices import usage
from test_store_keys import create
from upstream import after, error, reply, reset, sse

KEY, OTHER = "0123456789abcdef-app", "0123456789abcdef-other"
DEAR = {"prices": {"*": {"input": 1000, "output": 1000}}}  # 0.001 a token


def client(name="app", key=KEY, **limits):
    return {"name": name, "key": key, "limits": limits}


def ask(w, key=KEY, headers=(), **fields):
    return wire.chat(w, headers=[("authorization", f"Bearer {key}"), *headers], **fields)


def together(n, one):
    """What n threads that begin at one instant get of one(i)."""
    gate, got = threading.Barrier(n), [None] * n

    def run(i):
        gate.wait()
        got[i] = one(i)
    threads = [threading.Thread(target=run, args=(i,)) for i in range(n)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    return got


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_n_a_minute_are_exactly_n(weir, upstream, workers):
    """64 at once, twice over; of an hour, so that no machine is slow enough to be given one more."""
    upstream.script(*[reply(200, bodies.completion())] * 50)
    w = weir(upstream, clients=[client(requests="50/h")], server={"workers": workers})
    answers = together(64, lambda i: [ask(w).status, ask(w).status])
    statuses = [s for pair in answers for s in pair]
    assert sorted(statuses) == [200] * 50 + [429] * 78
    assert figure(w, "weir_limited_total", scope="client", limit="requests") == 78


def test_how_a_limit_is_told(weir, upstream):
    upstream.script(reply(200, bodies.completion(), headers=[("x-ratelimit-limit-requests", "10000"), ("x-request-id", "theirs")]))
    w = weir(upstream, clients=[client(requests="1/m", tokens="100000/m")])
    answer = ask(w, max_tokens=100)
    assert answer.status == 200 and [v for n, v in answer.headers if n == "x-ratelimit-limit-requests"] == ["1"]
    assert answer.header("x-ratelimit-remaining-requests") == "0" and answer.header("x-ratelimit-reset-requests") == "1m0s"
    assert answer.header("x-ratelimit-limit-tokens") == "100000" and 99_000 < int(answer.header("x-ratelimit-remaining-tokens")) < 99_900
    refused = ask(w)
    assert refused.status == 429 and refused.error["code"] == "rate_limit_exceeded" and refused.error["type"] == "rate_limit_error"
    assert "clients[].limits.requests" in refused.error["message"]
    assert refused.header("x-should-retry") == "true"
    assert 50_000 < int(refused.header("retry-after-ms")) <= 60_000 and 50 < int(refused.header("retry-after")) <= 60
    line = w.wait_call(refused.header("x-request-id"))
    assert line["error"] == "rate_limit_exceeded" and line["attempts"] == 0


def test_the_sdk_waits_as_long_as_it_is_told(weir, upstream):
    """The official SDK comes back by itself when the limit allows it, and then is served."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, clients=[client(requests="1/s")])
    sdk = openai.OpenAI(base_url=w.base_url, api_key=KEY, max_retries=3)
    began = time.monotonic()
    for _ in range(2):
        sdk.chat.completions.create(model="gpt-test", messages=[{"role": "user", "content": "hi"}])
    _, second = upstream.requests
    assert second.began - began > 0.9  # the limit's second begins in weir, not when a provider hears of the first
    impatient = openai.OpenAI(base_url=w.base_url, api_key=KEY, max_retries=0)
    with pytest.raises(openai.RateLimitError) as refused:
        for _ in range(100):  # as soon as two begin within a second
            impatient.chat.completions.create(model="gpt-test", messages=[{"role": "user", "content": "hi"}])
    assert refused.value.code == "rate_limit_exceeded"


def test_tokens_are_settled_by_what_was_used(weir, upstream):
    """1,000 reserved, 60 used: the difference is there for the next call at once; what failed has used none."""
    upstream.script(reply(200, bodies.completion(usage=usage(50, 10))), error(400), reply(200, bodies.completion(usage=usage(2000, 10))))
    w = weir(upstream, clients=[client(tokens="2000/h")], retry={"retries": 0})
    ask(w, max_tokens=1000)
    second = ask(w, max_tokens=1000)
    assert second.status == 400 and 900 <= int(second.header("x-ratelimit-remaining-tokens")) <= 940
    third = ask(w, max_tokens=1000)
    assert third.status == 200 and third.header("x-ratelimit-remaining-tokens") == second.header("x-ratelimit-remaining-tokens")
    over = ask(w, max_tokens=1)
    assert over.status == 429 and over.header("x-ratelimit-remaining-tokens") == "0"
    assert over.header("x-should-retry") == "false"  # no SDK waits for minutes
    assert int(over.header("retry-after")) > 60


def test_a_budget_refuses_for_the_day(weir, upstream):
    upstream.script(reply(200, bodies.completion(usage=usage(100, 10))), reply(200, bodies.completion(usage=usage(900, 10))))
    w = weir(upstream, clients=[client(spend="1/d"), client("other", OTHER)], **DEAR)
    assert ask(w, max_tokens=10).status == 200 and ask(w, max_tokens=10).status == 200
    refused = ask(w, max_tokens=10)
    assert refused.status == 429 and refused.error["code"] == refused.error["type"] == "insufficient_quota"
    assert "clients[].limits.spend" in refused.error["message"] and refused.header("x-should-retry") == "false"
    upstream.script(reply(200, bodies.completion()))
    assert ask(w, OTHER).status == 200


def test_how_a_budget_is_told(weir, upstream):
    """In billionths, as costs are: of the day's and the month's that of which less is left, with what this call may cost taken
    off. What the provider says of its own limits goes on, as weir has none of that kind."""
    theirs = [("x-ratelimit-remaining-requests", "9999"), ("x-weir-budget-remaining", "7")]
    upstream.always(reply(200, bodies.completion(usage=usage(100, 10)), headers=theirs))
    w = weir(upstream, clients=[client(spend=["1/d", "0.5/month"]), client("other", OTHER)], **DEAR)
    first, second = (ask(w, max_tokens=10) for _ in range(2))
    assert [v for n, v in first.headers if n == "x-weir-budget-limit"] == ["500000000"] and first.header("x-ratelimit-remaining-requests") == "9999"
    assert 470_000_000 < int(first.header("x-weir-budget-remaining")) < 490_000_000
    assert int(first.header("x-weir-budget-remaining")) - int(second.header("x-weir-budget-remaining")) == 110_000_000
    assert re.fullmatch(r"(\d+h)?(\d+m)?[\d.]+s", second.header("x-weir-budget-reset"))
    refused = ask(w, max_tokens=1000)
    assert refused.status == 429 and refused.header("x-weir-budget-remaining") == "280000000"
    free = ask(w, OTHER)
    assert free.status == 200 and free.header("x-weir-budget-limit") is None and free.header("x-weir-budget-remaining") is None


def test_a_budget_is_reserved_at_the_tier_that_is_asked_for(weir, upstream):
    """What an answer of a dearer tier may cost is not there; that of a cheaper one is. It is settled at the tier that answered."""
    price = {"prices": {"*": {"input": 0, "output": 1000, "service_tiers": {"flex": {"output": 100}, "priority": {"output": 5000}}}}}
    flex = {**bodies.completion(usage=usage(100, 10)), "service_tier": "flex"}
    upstream.script(reply(200, flex), reply(200, bodies.completion(usage=usage(100, 10))))
    w = weir(upstream, clients=[client(spend="1/d")], **price)
    assert ask(w, max_tokens=500, service_tier="priority").status == 429
    assert ask(w, max_tokens=5000).status == 429 and ask(w, max_tokens=5000, service_tier="auto").status == 429
    assert ask(w, max_tokens=5000, service_tier="flex").status == 200  # 0.5 reserved, 0.001 used
    assert ask(w, max_tokens=999).status == 200
    assert len(upstream.requests) == 2


def test_an_attempt_without_a_price_hides_no_money(weir, upstream, upstreams):
    """A model of one's own, which costs nothing, breaks off, and one that costs something answers."""
    other = upstreams()
    upstream.always(reset("in_body"))
    other.always(reply(200, bodies.completion(usage=usage(0, 600))))
    w = weir(upstream, clients=[client(spend="1/d")], providers={"paid": {"url": other.url, "kind": "openai", "key": "k"}},
             models={"gpt-test": {"targets": ["main/own", "paid/gpt-test"]}}, prices={"paid/*": {"input": 0, "output": 1000}}, retry={"retries": 1})
    first = ask(w, max_tokens=600)
    assert first.status == 200 and w.wait_call(first.header("x-request-id"))["cost_nano"] == 600_000_000
    assert ask(w, max_tokens=600).status == 429


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("told", [False, True])
def test_what_goes_on_in_the_background_keeps_what_was_taken(weir, upstream, told, stream):
    answer = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-test", "output": [], "status": "completed" if told else "queued",
              "background": True, "usage": {"input_tokens": 5, "output_tokens": 10, "total_tokens": 15} if told else None}
    events = [json.dumps({"type": "response.created", "sequence_number": 0, "response": {**answer, "status": "queued", "usage": None}}),
              json.dumps({"type": "response.completed" if told else "response.in_progress", "sequence_number": 1, "response": answer})]
    upstream.script(sse(events, end="done" if told else "no_done") if stream else reply(200, answer))
    limits = {"model": {"gpt-test": {"tokens": "1000/h", "spend": "1/d"}}, "target": {"main/*": {"tokens": "1000/h"}}}
    w = weir(upstream, limits=limits, prices={"*": {"input": 0, "output": 1000}})
    body = {"model": "gpt-test", "input": "hi", "background": True, "max_output_tokens": 600}
    assert wire.call(w, "POST", "/v1/responses", {**body, "stream": stream}).status == 200
    if told:
        upstream.script(reply(200, answer))
    assert wire.call(w, "POST", "/v1/responses", body).status == (200 if told else 429)


@pytest.mark.parametrize("how", ["ends", "leaves"])
def test_a_place_is_free_when_its_call_is_over(weir, upstream, how):
    gate = threading.Event()
    upstream.script(sse([*bodies.stream("a", "b")[:2], gate, *bodies.stream("a", "b")[2:]]), reply(200, bodies.completion()))
    w = weir(upstream, clients=[client(parallel=1)], server={"workers": 1})
    body = {"model": "gpt-test", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", body, headers=[("authorization", f"Bearer {KEY}")])
        c.head()
        refused = ask(w)
        assert refused.status == 429 and "clients[].limits.parallel" in refused.error["message"]
        if how == "ends":
            gate.set()
            [request] = upstream.wait_requests(1)
            request.wait_done()
        else:
            c.abort()
            [request] = upstream.wait_requests(1)
            request.wait_closed()
            gate.set()
    deadline = time.monotonic() + 10
    while (answer := ask(w)).status == 429 and how == "ends" and time.monotonic() < deadline:
        pass  # the last event is on its way through weir
    assert answer.status == 200


def test_a_reload_keeps_what_was_used(weir, upstream):
    upstream.script(*[reply(200, bodies.completion())] * 3)
    w = weir(upstream, clients=[client(requests="2/h")])
    assert [ask(w).status for _ in range(3)] == [200, 200, 429]
    config = daemon.config_for(upstream, clients=[client(requests="3/h")])
    w.reload(config)
    assert [ask(w).status for _ in range(2)] == [200, 429]


def test_users_and_tags_have_their_own(weir, upstream):
    upstream.script(*[reply(200, bodies.completion())] * 4)
    w = weir(upstream, limits={"user": {"requests": "1/h"}, "tag": {"team=*": {"requests": "1/h"}}})
    assert [wire.chat(w, user=u).status for u in ("ada", "ada", "bob")] == [200, 429, 200]
    tagged = [wire.chat(w, headers=[("x-weir-tag", t)]) for t in ("team=a", "x=y, team=a", "team=b")]
    assert [a.status for a in tagged] == [200, 429, 200]
    assert "limits.tag.team=*.requests" in tagged[1].error["message"]


# -- ten thousand calls against a budget of a thousand ----------------------------------------------------------

MANY, AT_A_TIME = 10000, 250


async def one_of_many(port, request, count, statuses):
    """One connection: calls one after the other, until they are made or weir is gone."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(count):
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(re.search(rb"content-length: (\d+)", head.lower())[1]))
            statuses.append(int(head.split(b" ", 2)[1]))
        writer.close()
    except (OSError, asyncio.IncompleteReadError):
        pass


def ask_many(w, count):
    body = json.dumps({"model": "gpt-4o", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}).encode()
    request = (f"POST /v1/chat/completions HTTP/1.1\r\nhost: weir\r\nauthorization: Bearer {KEY}\r\ncontent-type: application/json\r\n"
               f"content-length: {len(body)}\r\n\r\n").encode() + body
    statuses = []

    async def run():
        await asyncio.gather(*[one_of_many(w.port, request, count // AT_A_TIME, statuses) for _ in range(AT_A_TIME)])

    asyncio.run(run())
    assert set(statuses) <= {200, 429}
    return statuses


def test_ten_thousand_calls_against_a_budget_of_a_thousand(weir, upstream, tmp_path):
    """Each call costs 0.01 of 10: never more than a thousand are answered, and hardly fewer."""
    upstream.always(reply(200, bodies.completion(usage=usage(5, 5))))
    w = weir(upstream, clients=[client(spend="10/d")], server={"workers": 2}, **DEAR)
    statuses = ask_many(w, MANY)
    assert len(statuses) == MANY
    answered = statuses.count(200)
    assert len(upstream.requests) == answered and 900 < answered <= 1000
    assert figure(w, "weir_cost_total", target="main") == pytest.approx(0.01 * answered)


def test_the_same_after_a_kill(weir, upstream, tmp_path):
    """What was under way when weir was killed may have been answered without anybody knowing: that is all that is spent beyond."""
    paid = reply(200, bodies.completion(usage=usage(5, 5)))

    def answer(_):
        if len(upstream.requests) > 300:
            w.process.kill()
        return paid

    upstream.always(answer)
    options = dict(clients=[client(spend="10/d")], server={"workers": 2}, ledger={"store": f"sqlite:{tmp_path}/ledger.db"}, **DEAR)
    w = weir(upstream, **options)
    w.expect_exit = -9
    ask_many(w, MANY // 2)
    w.process.wait()
    assert 300 < len(upstream.requests) < 1000
    w.stop()
    upstream.always(paid)
    again = weir(upstream, **options)
    ask_many(again, MANY)
    assert 900 < len(upstream.requests) <= 1000 + AT_A_TIME


# -- budgets beyond the end of a process ------------------------------------------------------------------------

@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_budget_outlives_the_process(weir, upstream, tmp_path, how):
    """Of each scope 0.6 of 1 is spent; after the end a call that may cost 0.5 finds no room, and one of others does."""
    limits = {"user": {"spend": "1/d"}, "model": {"big*": {"spend": "1/month"}}, "tag": {"team=*": {"spend": "1/d"}}}
    options = dict(clients=[client(spend="1/d"), client("other", OTHER)], limits=limits,
                   ledger={"store": f"sqlite:{tmp_path}/ledger.db"}, **DEAR)
    rows = [  # key, model, fields, headers: and the same of somebody else
        ((KEY, {}, ()), (OTHER, {}, ())),
        ((OTHER, {"user": "ada"}, ()), (OTHER, {"user": "bob"}, ())),
        ((OTHER, {"model": "big-1"}, ()), (OTHER, {"model": "small"}, ())),
        ((OTHER, {}, [("x-weir-tag", "team=a")]), (OTHER, {}, [("x-weir-tag", "team=b")])),
    ]
    upstream.script(*[reply(200, bodies.completion(usage=usage(590, 10)))] * 4)
    w = weir(upstream, **options)
    for (key, fields, headers), _ in rows:
        assert ask(w, key, headers, max_tokens=400, **fields).status == 200
    if how == "killed":
        w.process.kill()
        w.process.wait()
    w.expect_exit = -9 if how == "killed" else 0
    w.stop()
    upstream.script(*[reply(200, bodies.completion())] * 4)
    again = weir(upstream, **options)
    for spent, free in rows:
        (key, fields, headers) = spent
        refused = ask(again, key, headers, max_tokens=500, **fields)
        assert refused.status == 429 and refused.error["code"] == "insufficient_quota", spent
        (key, fields, headers) = free
        assert ask(again, key, headers, max_tokens=400, **fields).status == 200, free


def test_a_budget_that_a_reload_brings_knows_what_was_spent(weir, upstream, tmp_path):
    options = dict(ledger={"store": f"sqlite:{tmp_path}/ledger.db"}, **DEAR)
    upstream.script(reply(200, bodies.completion(usage=usage(590, 10))), *[reply(200, bodies.completion(usage=usage(0, 0)))] * 5000)
    w = weir(upstream, clients=[client()], **options)
    assert ask(w, max_tokens=400).status == 200
    w.reload(daemon.config_for(upstream, clients=[client(spend="0.5/d")], **options))
    daemon.wait_until(lambda: ask(w, max_tokens=1).status == 429, 10, "the records were never read")


@pytest.mark.parametrize("how", ["reload", "start", "key"])
def test_a_budget_counts_what_reaches_the_store_late(weir, upstream, tmp_path, how):
    """Records wait while the store takes none, which can be read; it is asked until it has them all. A key of the store has a
    budget that no file names: it is read with the key's first call."""
    upstream.always(reply(200, bodies.completion(usage=usage(590, 10))))
    options = dict(keys="on", ledger={"store": f"sqlite:{tmp_path}/ledger.db"}, **DEAR)
    limited = dict(clients=[client(spend="0.5/d")], **options) if how != "key" else options
    w = weir(upstream, clients=[client()] if how != "key" else [], **options)
    key = create(w, "app", "--limit", "spend=0.5/d") if how == "key" else KEY
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON weir_calls BEGIN SELECT RAISE(FAIL, 'no room'); END")
        assert ask(w, key, max_tokens=400).status == 200
        if how == "reload":
            w.reload(daemon.config_for(upstream, **limited))
        else:
            w.expect_exit = -9
            w.kill()
            w = weir(upstream, **limited)
        if how == "key":
            upstream.always(reply(200, bodies.completion(usage=usage(0, 0))))
            assert ask(w, key, max_tokens=1).status == 200
        assert w.wait_event("budgets_unknown")["reason"]
        other.execute("DROP TRIGGER full")
    w.wait_event("budgets_known")
    assert ask(w, key, max_tokens=1).status == 429


def test_budgets_that_are_gone_wait_for_no_records(weir, upstream, tmp_path):
    """What the store lacks is told of those that there are, and once more of those that come back."""
    upstream.always(reply(200, bodies.completion(usage=usage(590, 10))))
    options = dict(ledger={"store": f"sqlite:{tmp_path}/ledger.db"}, **DEAR)
    limited = daemon.config_for(upstream, clients=[client(spend="0.5/d")], **options)
    w = weir(upstream, clients=[client()], **options)
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
        other.execute("CREATE TRIGGER full BEFORE INSERT ON weir_calls BEGIN SELECT RAISE(FAIL, 'no room'); END")
        assert ask(w, max_tokens=400).status == 200
        for times in (1, 2):
            w.reload(limited)
            daemon.wait_until(lambda: [e["event"] for e in w.log].count("budgets_unknown") == times, 20, f"told {times}")
            w.reload(daemon.config_for(upstream, clients=[client()], **options))
        other.execute("DROP TRIGGER full")
    w.stop()
    assert "budgets_known" not in [e["event"] for e in w.log]


def test_a_budget_counts_what_comes_late_beside_calls_in_progress(weir, upstream, tmp_path):
    """What these have taken, and do not use, comes off no other's."""
    go = threading.Event()
    dear = reply(200, bodies.completion(usage=usage(590, 10)))
    upstream.script(dear, after(go, reply(200, bodies.completion(usage=usage(5, 5)))))
    options = dict(ledger={"store": f"sqlite:{tmp_path}/ledger.db"}, clients=[client(spend="0.7/d")], **DEAR)
    w = weir(upstream, **options)
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert ask(w, max_tokens=100).status == 200
        w.expect_exit = -9
        w.kill()
        w = weir(upstream, **options)
        w.wait_event("budgets_unknown")
        statuses = []
        caller = threading.Thread(target=lambda: statuses.append(ask(w, max_tokens=550).status))
        caller.start()
        upstream.wait_requests(2)
        other.execute("ROLLBACK")
    w.wait_event("budgets_known")
    go.set()
    caller.join()
    assert statuses == [200]
    assert ask(w, max_tokens=100).status == 429


def test_more_users_than_are_told_of_are_told_once(weir, upstream, tmp_path):
    """However often the store is asked until it has all records."""
    upstream.always(reply(200, bodies.completion(usage=usage(5, 5))))
    options = dict(ledger={"store": f"sqlite:{tmp_path}/ledger.db"}, limits={"user": {"spend": "1/d"}}, **DEAR)
    w = weir(upstream, **options)
    with contextlib.closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
        assert ask(w, user="u", max_tokens=5).status == 200
        daemon.wait_until(lambda: other.execute("SELECT count(*) FROM weir_usage").fetchone()[0], 10, "the record never came")
        names = [row[1] for row in other.execute("PRAGMA table_info(weir_usage)")]
        wanted = ", ".join("'u' || n" if name == "user" else name for name in names)
        other.execute(f"""WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10000)
                          INSERT INTO weir_usage SELECT {wanted} FROM weir_usage, numbers""")
        other.execute("CREATE TRIGGER full BEFORE INSERT ON weir_calls BEGIN SELECT RAISE(FAIL, 'no room'); END")
        assert ask(w, user="u", max_tokens=5).status == 200
        w.expect_exit = -9
        w.kill()
        w = weir(upstream, **options)
        w.wait_event("budgets_unknown")
        other.execute("DROP TRIGGER full")
    w.wait_event("budgets_known")
    w.stop()
    assert [e["event"] for e in w.log if e["event"].startswith("budgets_")] == ["budgets_unknown", "budgets_partly_known", "budgets_known"]


def test_many_at_once_stay_within_a_budget(weir, upstream):
    """200 at once, of which some 50 can be paid for: each takes what it may cost before it is asked."""
    upstream.script(*[after(0.2, reply(200, bodies.completion(usage=usage(5, 10))))] * 200)
    w = weir(upstream, clients=[client(spend="1/d")], server={"workers": 2}, **DEAR)
    statuses = together(200, lambda i: ask(w, max_tokens=10).status)
    assert set(statuses) == {200, 429} and statuses.count(200) > 20
    assert figure(w, "weir_cost_total", target="main") == pytest.approx(0.015 * statuses.count(200)) and 0.015 * statuses.count(200) <= 1
