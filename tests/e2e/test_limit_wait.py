"""limits.wait: calls that wait for a limit, in turns, and no longer than they may."""

import json
import threading
import time

import pytest

import bodies
import daemon
import wire
from test_call import figure
from test_limits import KEY, OTHER, ask, client, together, usage
from upstream import after, reply, sse

WAIT = {"clients": 100, "time": "20s"}
ANSWER = reply(200, bodies.completion())


def model(**limits):
    return {"model": {"gpt-test": limits}, "wait": WAIT}


def waiting(w, n):
    daemon.wait_until(lambda: figure(w, "weir_waiting_calls") == n, 10, f"{n} calls do not wait")


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_all_are_served_at_the_limits_rate(weir, upstream, workers):
    """30 at once against 10 at once and 20 a second: all are answered, none before its time, and none is refused."""
    upstream.script(*[ANSWER] * 30)
    w = weir(upstream, limits=model(requests="10/s"), server={"workers": workers})
    began = time.monotonic()

    def one(_):
        asked = time.monotonic()
        answer = wire.chat(w, timeout=30)
        assert answer.status == 200
        return (time.monotonic() - asked) * 1000 - float(answer.header("x-weir-overhead-ms"))
    assert max(together(30, one)) > 1900  # the wait is none of weir's own time
    assert time.monotonic() - began > 1.9  # 20 of them one each 100 ms
    arrived = sorted(r.arrived - began for r in upstream.wait_requests(30))
    assert all(at >= (n - 9) * 0.1 - 0.01 for n, at in enumerate(arrived))
    waiting(w, 0)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_one_client_does_not_keep_ten_others_waiting(weir, upstream, workers):
    """One has 300 that wait; then ten come with one each: each is served within a few of the other's turns."""
    keys = [f"0123456789abcdef-{i:02}" for i in range(11)]
    gate = threading.Event()
    upstream.script(after(gate, ANSWER), *[ANSWER] * 310)
    w = weir(upstream, clients=[client(f"c{i}", key) for i, key in enumerate(keys)],
             limits={"model": {"gpt-test": {"parallel": 1}}, "wait": {"clients": 1000, "time": "2m"}, "client_share": "100%"},
             server={"workers": workers})
    statuses = []

    def one(i):
        statuses.append(ask(w, keys[i], timeout=120, user=f"c{i}").status)
    threads = [threading.Thread(target=one, args=(0,)) for _ in range(301)]
    for t in threads:
        t.start()
    waiting(w, 300)
    others = [threading.Thread(target=one, args=(i,)) for i in range(1, 11)]
    for t in others:
        t.start()
    waiting(w, 310)
    gate.set()
    for t in threads + others:
        t.join()
    places = [n for n, request in enumerate(upstream.requests) if request.json()["user"] != "c0"]
    assert statuses == [200] * 311 and len(places) == 10 and max(places) < 40, places


def test_who_would_wait_too_long_is_told_at_once(weir, upstream):
    upstream.script(ANSWER)
    w = weir(upstream, clients=[client(requests="1/m")], limits={"wait": {"time": "10s"}})
    assert ask(w).status == 200
    began = time.monotonic()
    refused = ask(w)
    assert refused.status == 429 and refused.error["code"] == "rate_limit_exceeded" and time.monotonic() - began < 5
    assert "clients[].limits.requests" in refused.error["message"] and 50_000 < int(refused.header("retry-after-ms")) <= 60_000


def test_a_budget_that_is_spent_meanwhile_is_not_waited_for(weir, upstream):
    gate = threading.Event()
    upstream.script(after(gate, reply(200, bodies.completion(usage=usage(0, 900)))), ANSWER)
    w = weir(upstream, clients=[client(spend="1/d", parallel=1)], limits={"wait": {"clients": 100, "time": "1m"}}, prices={"*": {"input": 0, "output": 1000}})
    got = []

    def one(most):
        got.append((most, ask(w, max_tokens=most, timeout=30).status))
    threads = []
    for n, most in enumerate((400, 300, 10)):
        threads.append(threading.Thread(target=one, args=(most,)))
        threads[-1].start()
        if n:
            waiting(w, n)
        else:
            upstream.wait_requests(1)
    gate.set()
    for t in threads:
        t.join()
    assert sorted(got) == [(10, 200), (300, 429), (400, 200)]


def test_who_asks_the_same_does_not_wait_for_another_clients_limit(weir, upstream):
    """It is his client's alone: that one's own calls of the question are one call still."""
    gate = threading.Event()
    upstream.script(after(gate, ANSWER), ANSWER, ANSWER)
    cache = {"ttl": "1h", "models": ["gpt-test"], "scope": "global"}
    w = weir(upstream, clients=[client(parallel=1), client("other", OTHER)], limits={"wait": {"clients": 100, "time": "1m"}},
             models={"gpt-test": {"targets": "main/gpt-test"}}, cache=cache)
    got = []

    def one(text):
        got.append(ask(w, messages=[{"role": "user", "content": text}], timeout=30).status)
    threads = [threading.Thread(target=one, args=(text,)) for text in ("first", "second", "second")]
    threads[0].start()
    upstream.wait_requests(1)
    threads[1].start()
    waiting(w, 1)
    threads[2].start()
    answer = ask(w, OTHER, messages=[{"role": "user", "content": "second"}], timeout=30)
    assert answer.status == 200 and answer.header("x-weir-cache") == "miss" and not gate.is_set()
    gate.set()
    for t in threads:
        t.join()
    assert got == [200] * 3 and len(upstream.wait_requests(3)) == 3


def test_who_asks_the_same_does_not_wait_for_another_users_limit(weir, upstream):
    """Of one client, whose answers they share: the limit is that user's alone."""
    gate = threading.Event()
    upstream.script(after(gate, ANSWER), ANSWER, ANSWER)
    w = weir(upstream, clients=[client()], limits={"user": {"parallel": 1}, "wait": {"clients": 100, "time": "1m"}},
             models={"gpt-test": {"targets": "main/gpt-test"}}, cache={"ttl": "1h", "models": ["gpt-test"]})
    got = []

    def one(text):
        answer = ask(w, user="ann", messages=[{"role": "user", "content": text}], timeout=30)
        got.append((answer.status, answer.header("x-weir-cache")))
    threads = [threading.Thread(target=one, args=(text,)) for text in ("first", "second", "second")]
    threads[0].start()
    upstream.wait_requests(1)
    for t in threads[1:]:
        t.start()
        waiting(w, 1)
    answer = ask(w, user="bob", messages=[{"role": "user", "content": "second"}], timeout=30)
    assert answer.status == 200 and answer.header("x-weir-cache") == "miss" and not gate.is_set()
    gate.set()
    for t in threads:
        t.join()
    assert sorted(got) == [(200, "coalesced"), (200, "miss"), (200, "miss")] and len(upstream.wait_requests(3)) == 3


def test_who_asks_the_same_does_not_wait_for_a_limit_that_came_second(weir, upstream):
    """Its first call waits for the model, with all who ask that, and then for its client's limit, alone."""
    gates = {"model": threading.Event(), "client": threading.Event()}

    def said(request):
        text = json.loads(request.body)["messages"][0]["content"]
        return after(gates[text], ANSWER) if text in gates else ANSWER
    upstream.always(said)
    w = weir(upstream, clients=[client(parallel=1), client("other", OTHER)], limits={"model": {"gpt-test": {"parallel": 1}}, "wait": {"clients": 100, "time": "1m"}},
             models={m: {"targets": f"main/{m}"} for m in ("gpt-test", "gpt-b")}, cache={"ttl": "1h", "models": ["gpt-test"], "scope": "global"})
    got = {}

    def one(name, key, text, model="gpt-test"):
        answer = ask(w, key, model=model, messages=[{"role": "user", "content": text}], timeout=30)
        got[name] = answer.status, answer.header("x-weir-cache")
    calls = [("model", OTHER, "model"), ("first", KEY, "both"), ("client", KEY, "client", "gpt-b"), ("other", OTHER, "both")]
    threads = [threading.Thread(target=one, args=c) for c in calls]
    threads[0].start()
    upstream.wait_requests(1)
    threads[1].start()
    waiting(w, 1)
    threads[2].start()
    upstream.wait_requests(2)
    threads[3].start()
    daemon.wait_until(lambda: figure(w, "weir_open_calls") == 4, 10, "they are not there")
    gates["model"].set()
    threads[3].join(20)
    assert got["other"] == (200, "miss") and "first" not in got
    gates["client"].set()
    for t in threads:
        t.join()
    assert {status for status, _ in got.values()} == {200} and got["first"][1] == "miss"


def test_a_place_that_does_not_come(weir, upstream):
    """It waits for as long as it may, and then is refused with the limit's name."""
    gate = threading.Event()
    upstream.script(after(gate, ANSWER))
    w = weir(upstream, clients=[client(parallel=1)], limits={"wait": {"time": "300ms"}})
    first = threading.Thread(target=ask, args=(w,))
    first.start()
    upstream.wait_requests(1)
    began = time.monotonic()
    refused = ask(w)
    assert refused.status == 429 and "clients[].limits.parallel" in refused.error["message"]
    assert time.monotonic() - began >= 0.3
    assert w.wait_call(refused.header("x-request-id"))["error"] == "rate_limit_exceeded"
    gate.set()
    first.join()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_reload_lifts_a_limit_for_who_comes_then_and_who_waits(weir, upstream, workers):
    gate = threading.Event()
    upstream.script(after(gate, ANSWER), ANSWER, ANSWER)

    def config(parallel):
        return daemon.config_for(upstream, clients=[client(parallel=parallel)], limits={"wait": WAIT}, server={"workers": workers})
    w = weir(config(1))
    statuses = []
    calls = [threading.Thread(target=lambda: statuses.append(ask(w, timeout=60).status)) for _ in range(2)]
    calls[0].start()
    upstream.wait_requests(1)
    calls[1].start()
    waiting(w, 1)
    assert "reloaded" in w.reload(config(10))
    assert ask(w, timeout=10).status == 200  # the first one has its place yet
    calls[1].join()
    assert statuses == [200]
    gate.set()
    calls[0].join()


@pytest.mark.parametrize("workers", [1, 2])
def test_who_leaves_frees_its_place(weir, upstream, workers):
    """A stream's client leaves: who waits is served, while another that waited has left before."""
    gate = threading.Event()
    upstream.script(sse([*bodies.stream("a", "b")[:2], gate, *bodies.stream("a", "b")[2:]]), ANSWER)
    w = weir(upstream, limits=model(parallel=1), server={"workers": workers})
    body = {"model": "gpt-test", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", body)
        c.head()
        with wire.connect(w) as gone:
            gone.request("POST", "/v1/chat/completions", {**body, "stream": False})
            waiting(w, 1)
            gone.abort()
        waiting(w, 0)
        answers = []
        waits = threading.Thread(target=lambda: answers.append(wire.chat(w)))
        waits.start()
        waiting(w, 1)
        c.abort()
        waits.join(10)
    gate.set()
    assert [a.status for a in answers] == [200]
    assert len(upstream.wait_requests(2)) == 2


def test_a_full_queue_is_the_noisy_ones_loss(weir, upstream):
    """Five may wait, one client has all five: another that comes has its place, and the last of the five is refused."""
    gate = threading.Event()
    upstream.script(after(gate, ANSWER), *[ANSWER] * 5)
    w = weir(upstream, clients=[client(), client("other", OTHER)], limits={"model": {"gpt-test": {"parallel": 1}}, "wait": {"clients": 5, "time": "60s"}})
    answers, lock = [], threading.Lock()

    def one(key):
        answer = ask(w, key, timeout=60)
        with lock:
            answers.append((key, answer))
    first = threading.Thread(target=one, args=(KEY,))
    first.start()
    upstream.wait_requests(1)
    noisy = [threading.Thread(target=one, args=(KEY,)) for _ in range(5)]
    for t in noisy:
        t.start()
    waiting(w, 5)
    assert ask(w).status == 429  # there is no place for a sixth of the same
    quiet = threading.Thread(target=one, args=(OTHER,))
    quiet.start()
    daemon.wait_until(lambda: len(answers) == 1, 10, "nobody makes room")
    [(key, refused)] = answers
    assert key == KEY and refused.status == 429 and "(limits.model.gpt-test.parallel)" in refused.error["message"]
    gate.set()
    for t in [first, *noisy, quiet]:
        t.join()
    assert sorted(a.status for _, a in answers) == [200] * 6 + [429] and dict(answers)[OTHER].status == 200


def test_the_end_of_weir_does_not_wait(weir, upstream):
    gate = threading.Event()
    upstream.script(after(gate, ANSWER))
    w = weir(upstream, limits=model(parallel=1), server={"drain": "300ms"})
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(wire.chat(w))) for _ in range(2)]
    for t in threads:
        t.start()
    waiting(w, 1)
    w.stop()
    gate.set()
    for t in threads:
        t.join()
    assert [a.status for a in answers] == [503, 503]
