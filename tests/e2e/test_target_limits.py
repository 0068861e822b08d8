"""limits.target: how much a target may be asked, whoever asks; one at its limit is passed over."""

import threading

import pytest

import bodies
import wire
from test_call import ask as ask_m, figure, text, two
from test_limits import DEAR, ask, client, together
from test_prices import usage
from upstream import after, error, reply, sse


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_n_of_the_first_and_the_rest_of_the_next(weir, upstreams, workers):
    """40 at once: the first target has its 10, the next its 20, and the rest are told so."""
    main, spare = upstreams(), upstreams()
    main.script(*[reply(200, bodies.completion())] * 10)
    spare.script(*[reply(200, bodies.completion())] * 20)
    w = weir(two(main, spare, limits={"target": {"main*": {"requests": "10/h"}, "spare/*": {"requests": "20/h"}}}, server={"workers": workers}))
    answers = together(40, lambda i: ask_m(w))
    assert sorted(a.status for a in answers) == [200] * 30 + [429] * 10
    assert len(main.wait_requests(10)) == 10 and len(spare.wait_requests(20)) == 20
    refused = next(a for a in answers if a.status == 429)
    assert refused.error["code"] == "rate_limit_exceeded" and refused.error["type"] == "rate_limit_error"
    assert "(limits.target.spare/*.requests)" in refused.error["message"] and refused.error["message"].startswith("This target has made its 20 ")
    assert 0 < int(refused.header("retry-after-ms")) <= 180_000 and int(refused.header("retry-after")) <= 180
    assert refused.header("x-should-retry") == "false"  # no SDK waits for three minutes
    assert (refused.header("x-ratelimit-limit-requests"), refused.header("x-ratelimit-remaining-requests")) == ("20", "0")
    assert refused.header("x-weir-attempts") == "0"
    answered = next(a for a in answers if a.status == 200)
    assert not answered.header("x-ratelimit-limit-requests")  # the targets' limits are no client's
    assert figure(w, "weir_limited_total", scope="target", limit="requests") == 30 + 10


@pytest.mark.parametrize("how", ["ends", "leaves"])
def test_calls_at_a_time(weir, upstreams, how):
    """One place at the first target: while a stream has it others go to the next, and when it is over back to the first."""
    main, spare, gate = upstreams(), upstreams(), threading.Event()
    main.script(sse([*bodies.stream("a", "b")[:2], gate, *bodies.stream("a", "b")[2:]]), reply(200, bodies.completion("main")))
    spare.script(reply(200, bodies.completion("spare")))
    w = weir(two(main, spare, limits={"target": {"main*": {"parallel": 1}}}, server={"workers": 1}))
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
        head = c.head()
        assert text(ask_m(w)) == "spare"
        [request] = main.wait_requests(1)
        if how == "ends":
            gate.set()
            list(c.body_pieces(head))
        else:
            c.abort()
            request.wait_closed()
            gate.set()
    assert text(ask_m(w)) == "main"


def test_a_place_is_free_when_its_attempt_is_over(weir, upstreams):
    """Not when the call is: another target streams its answer still."""
    main, spare, gate = upstreams(), upstreams(), threading.Event()
    main.script(error(404, code="model_not_found"), reply(200, bodies.completion("main")))
    spare.script(sse([*bodies.stream("a", "b")[:2], gate, *bodies.stream("a", "b")[2:]]), reply(200, bodies.completion("spare")))
    w = weir(two(main, spare, limits={"target": {"main*": {"requests": "5/h", "parallel": 1}}}, server={"workers": 1}))
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hi"}]})
        head = c.head()
        assert text(ask_m(w)) == "main"
        gate.set()
        list(c.body_pieces(head))


def test_a_fallback_at_its_limit_is_none(weir, upstreams):
    """What the first target has said is told, as if there were no other."""
    main, spare = upstreams(), upstreams()
    main.script(error(404, code="model_not_found"), error(404, code="model_not_found"))
    spare.script(reply(200, bodies.completion("spare")))
    w = weir(two(main, spare, limits={"target": {"spare*": {"requests": "1/h"}}}))
    assert text(ask_m(w)) == "spare"
    second = ask_m(w)
    assert second.status == 404 and second.error["code"] == "model_not_found" and second.header("x-weir-attempts") == "1"


def test_tokens_and_money_are_settled(weir, upstream):
    """Reserved by what a call may use, settled by what it has; whose budget is spent is passed over for the day."""
    upstream.script(reply(200, bodies.completion(usage=usage(400, 190))), reply(200, bodies.completion(usage=usage(90, 10))))
    w = weir(upstream, limits={"target": {"main*": {"tokens": "5000/h", "spend": "1/d"}}}, **DEAR)
    assert wire.chat(w, max_tokens=900).status == 200  # 0.59 of 1
    refused = wire.chat(w, max_tokens=900)
    assert refused.status == 429 and refused.error["code"] == "insufficient_quota" and "(limits.target.main*.spend)" in refused.error["message"]
    assert wire.chat(w, max_tokens=300).status == 200
    refused = wire.chat(w, max_tokens=4900, model="another")
    assert refused.status == 429 and "(limits.target.main*." in refused.error["message"]


def test_a_targets_budget_outlives_the_process(weir, upstream, tmp_path):
    options = dict(ledger={"store": f"sqlite:{tmp_path}/ledger.db"}, limits={"target": {"main/gpt*": {"spend": "1/d"}}}, **DEAR)
    upstream.script(reply(200, bodies.completion(usage=usage(590, 10))), reply(200, bodies.completion()))
    w = weir(upstream, **options)
    assert wire.chat(w, max_tokens=400).status == 200
    w.stop()
    again = weir(upstream, **options)
    refused = wire.chat(again, max_tokens=500)
    assert refused.status == 429 and refused.error["code"] == "insufficient_quota"
    assert wire.chat(again, max_tokens=300).status == 200


def test_beside_a_clients(weir, upstream):
    """What a target refuses comes back to the client's own limits, and of its headers the tighter is told."""
    upstream.script(after(0, reply(200, bodies.completion())))
    w = weir(upstream, clients=[client(requests="5/h")], limits={"target": {"main*": {"requests": "1/h"}}})
    first = ask(w)
    assert first.status == 200 and first.header("x-ratelimit-limit-requests") == "5"
    refused = ask(w)
    assert refused.status == 429 and "(limits.target.main*.requests)" in refused.error["message"]
    assert refused.header("x-ratelimit-limit-requests") == "1"
    assert int(ask(w).header("x-ratelimit-remaining-requests")) == 0
