"""cache.semantic: who asks nearly the same is given the answer, and nobody else's; whatever fails with an embedding costs a miss."""

import base64
import math
import struct
import sys
import threading
import unicodedata

import pytest

import bodies
import daemon
import wire
from test_cache import CLIENTS, KEY, OTHER, admin, ask, cached, many
from test_call import figure
from upstream import after, error, reply, reset, sse

SEMANTIC = {"model": "emb", "threshold": 0.95, "timeout": "20s"}
CACHE = {"models": ["gpt-*"], "semantic": SEMANTIC}
NEAR = math.acos(0.97)


def packed(numbers):
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


class Model:
    """A provider whose embeddings are angles that the test says: texts that it says nothing of are far from all others."""

    def __init__(self, upstream, **angles):
        self.angles, self.strangers, self.dimensions, self.answer = dict(angles), {}, 12, None
        self.form, self.embedded, self.asked = packed, [], []
        upstream.always(self)

    def vector(self, text):
        of = [0.0] * self.dimensions
        if text in self.angles:
            of[0], of[1] = 3 * math.cos(self.angles[text]), 3 * math.sin(self.angles[text])
        else:
            of[2 + self.strangers.setdefault(text, len(self.strangers))] = 1.0
        return of

    def __call__(self, request):
        body = request.json()
        if request.path.endswith("/embeddings"):
            assert body.keys() == {"model", "input", "encoding_format"} and body["model"] == "emb"
            self.embedded.append(body["input"])
            return reply(200, {"object": "list", "model": "emb", "data": [{"object": "embedding", "index": 0, "embedding": self.form(self.vector(body["input"]))}],
                               "usage": {"prompt_tokens": 7, "total_tokens": 7}})
        self.asked.append(body)
        text = f"answer {len(self.asked)}"
        if self.answer:
            return self.answer(body, text)
        return sse(bodies.stream(*text.split(" ", 1), usage=bodies.USAGE)) if body.get("stream") else reply(200, bodies.completion(text))


@pytest.fixture
def model(upstream):
    return Model(upstream, **{"how do I reset my password": 0, "reset password how": NEAR, "how to bake bread": 1.5})


def say(text, *before):
    return [*before, {"role": "user", "content": text}]


def words(answer):
    return answer.json()["choices"][0]["message"]["content"]


def in_ledger(w, answer):
    path = "/usage/calls/" + answer.header("x-request-id")
    daemon.wait_until(lambda: wire.call(w, "GET", path).status == 200, 10, "no record")
    return wire.call(w, "GET", path).json()


A, B, C = "how do I reset my password", "reset password how", "how to bake bread"


def test_nearly_the_same_is_given_the_answer(weir, upstream, model):
    w = weir(upstream, cache=CACHE, prices={"gpt-test": {"input": 1, "output": 2}, "emb": {"input": 1}})
    first = ask(w, messages=say(A))
    assert cached(first) == "miss" and first.header("x-weir-cache-similarity") is None
    second = ask(w, messages=say(B))
    assert cached(second) == "hit" and words(second) == "answer 1" and second.header("age") is not None
    assert second.header("x-weir-cache-similarity") == "0.9700"
    record = w.wait_call(second.header("x-request-id"))
    assert (record["cache"], record["cache_similarity"], record["attempts"]) == ("hit", 0.97, 0) and record["saved_nano"] > 0
    assert in_ledger(w, second)["cache_similarity"] == 0.97 and in_ledger(w, first)["cache_similarity"] is None
    assert "cache_similarity" not in w.wait_call(first.header("x-request-id"))
    third = ask(w, messages=say(C))
    assert cached(third) == "miss" and words(third) == "answer 2"
    assert model.embedded == [A, B, C] and len(model.asked) == 2
    again = ask(w, messages=say(B))  # no embedding is needed for what was asked in the same words
    assert cached(again) == "hit" and again.header("x-weir-cache-similarity") == "0.9700" and len(model.embedded) == 3
    exact = ask(w, messages=say(A))
    assert cached(exact) == "hit" and exact.header("x-weir-cache-similarity") is None
    steps = [c for c in w.calls(8) if c["endpoint"] == "embeddings.step"]
    assert len(steps) == 3 and all(c["model"] == "emb" and c["prompt_tokens"] == 7 and c["cost_nano"] == 7000 for c in steps)
    assert [figure(w, "weir_cache_similar_total", result=r) for r in ("hit", "miss", "failed")] == [1, 2, 0]


def test_off_costs_nothing(weir, upstream, model):
    w = weir(upstream, cache={"models": ["gpt-*"]})
    assert [cached(ask(w, messages=say(t))) for t in (A, B, A)] == ["miss", "miss", "hit"]
    assert model.embedded == []


SYSTEM = {"role": "system", "content": "Be brief."}
EARLIER = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "Hi."}]


@pytest.mark.parametrize("other", [
    {"seed": 1}, {"temperature": 0.5}, {"model": "gpt-other"}, {"messages": say(B, SYSTEM)}, {"messages": say(B, *EARLIER)}, {"max_tokens": 5},
    {"messages": [{"role": "user", "content": B, "name": "x"}]}, {"messages": [{"role": "user", "content": [{"type": "text", "text": B}]}]},
    {"response_format": {"type": "json_object"}}], ids=lambda o: next(iter(o)))
def test_all_else_must_be_the_same(weir, upstream, model, other):
    w = weir(upstream, cache=CACHE)
    assert cached(ask(w, messages=say(A))) == "miss"
    assert cached(ask(w, **{"messages": say(B), **other})) == "miss"
    assert cached(ask(w, messages=say(B))) == "hit"


def test_numbers_must_be_the_same(weir, upstream, model):
    texts = ["refund 15 dollars", "refund 50 dollars", "Refund 15 dollars!", "refund of 1 and 5 dollars", "refund dollars"]
    model.angles.update({t: 0 for t in texts})
    w = weir(upstream, cache=CACHE)
    assert [cached(ask(w, messages=say(t))) for t in texts] == ["miss", "miss", "hit", "miss", "miss"]


@pytest.mark.parametrize("one, other", [("Is it -5 degrees?", "Is it 5 degrees?"), ("Is it −5 degrees?", "Is it 5 degrees?"),
                                        ("１５ dollars", "５０ dollars"), ("١٥ dollars", "٥٠ dollars"), ("१५ dollars", "५० dollars"),
                                        ("𝟏𝟓 dollars", "𝟓𝟎 dollars"), ("is 10² much?", "is 102 much?"), ("is x⁻² much?", "is x² much?"),
                                        ("½ a cup", "¼ a cup"), ("step ⑦ of it", "step ⑧ of it"), ("chapter Ⅳ of it", "chapter Ⅵ of it")])
def test_so_must_signs_and_digits_of_other_scripts(weir, upstream, model, one, other):
    model.angles.update({one: 0, other: 0, one.upper(): 0})
    w = weir(upstream, cache=CACHE)
    assert [cached(ask(w, messages=say(t))) for t in (one, other, one.upper())] == ["miss", "miss", "hit"]


def test_whatever_unicode_calls_a_number(weir, upstream, model):
    """Digits of all scripts are the ten that there are; whatever else stands for a number is one of its own. By the Unicode that Python has."""
    model.vector = lambda text: [1.0] + [0.0] * 11
    w = weir(upstream, cache=CACHE)
    first = {}
    for c in filter(lambda c: unicodedata.category(c) in ("Nd", "Nl", "No"), map(chr, range(sys.maxunicode + 1))):
        number = unicodedata.decimal(c, c)
        answer = ask(w, messages=say(f"how much is {c} of it"))
        assert cached(answer) == ("hit" if number in first else "miss"), f"U+{ord(c):04X}"
        assert first.setdefault(number, words(answer)) == words(answer), f"U+{ord(c):04X}"
    assert len(first) > 1000


def test_what_is_never_compared(weir, upstream, model):
    """Where the last word is not a user's, of other endpoints, and of long texts; what was asked for anew, or not to be kept."""
    model.answer = lambda body, text: reply(200, {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "gpt-test",
                                                  "choices": [{"index": 0, "text": text, "finish_reason": "stop"}]}) if "prompt" in body else reply(200, bodies.completion(text))
    w = weir(upstream, cache={**CACHE, "tools": True, "semantic": {**SEMANTIC, "max_text": "100B"}})
    tool = [{"role": "assistant", "content": None, "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "c", "content": A}]
    assert cached(ask(w, messages=say(A, *EARLIER) + tool)) == "miss"
    assert cached(ask(w, messages=say("x" * 101))) == "miss" and cached(ask(w, messages=say(""))) == "miss"
    assert cached(ask(w, path="/v1/completions", messages=None, prompt=A)) == "miss"
    assert ask(w, messages=say(A), headers=[("cache-control", "only-if-cached")]).status == 504
    assert cached(ask(w, messages=say(A), headers=[("cache-control", "no-store")])) == "bypass"
    assert model.embedded == []
    assert cached(ask(w, messages=say("x" * 100))) == "miss" and len(model.embedded) == 1


@pytest.mark.parametrize("scope, same", [("client", False), ("global", True)])
def test_of_clients(weir, upstream, model, scope, same):
    """A client that may not ask the embeddings' model is served all the same: it is weir that asks."""
    clients = [{**c, "models": ["gpt-*"]} for c in CLIENTS]
    w = weir(upstream, cache={**CACHE, "scope": scope}, clients=clients)
    assert cached(ask(w, KEY, messages=say(A))) == "miss"
    assert cached(ask(w, OTHER, messages=say(B))) == ("hit" if same else "miss")
    assert cached(ask(w, KEY, messages=say(B))) == "hit"
    assert ask(w, KEY, path="/v1/embeddings", model="emb", messages=None, input="x").status == 403


def test_streams(weir, upstream, model):
    w = weir(upstream, cache=CACHE)
    first = ask(w, messages=say(A), stream=True, stream_options={"include_usage": True})
    assert cached(first) == "miss"
    second = ask(w, messages=say(B), stream=True, stream_options={"include_usage": True})
    assert cached(second) == "hit" and second.events() == first.events() and second.header("x-weir-cache-similarity") == "0.9700"
    whole = ask(w, messages=say(B))
    assert cached(whole) == "hit" and words(whole) == "answer1"
    assert len(model.asked) == 1


def test_responses_and_chat(weir, upstream, model):
    from test_cache import RESPONSE
    w = weir(upstream, cache=CACHE, chat={"model": "gpt-test"})
    assert [cached(wire.call(w, "POST", "/chat", {"message": t})) for t in (A, B)] == ["miss", "hit"]
    model.answer = lambda body, text: reply(200, RESPONSE)
    assert [cached(ask(w, path="/v1/responses", messages=None, input=t, store=False)) for t in (A, B)] == ["miss", "hit"]


def test_floats_as_numbers_will_do(weir, upstream, model):
    model.form = list
    w = weir(upstream, cache=CACHE)
    assert [cached(ask(w, messages=say(t))) for t in (A, B, C)] == ["miss", "hit", "miss"]


@pytest.mark.parametrize("form", [lambda v: [], lambda v: [0.0] * 12, lambda v: "no base64!", lambda v: packed(v)[:-4] + "AAA=", lambda v: packed([math.nan] * 12),
                                  lambda v: ["1"], lambda v: {"a": 1}, lambda v: None, lambda v: [1.0] * 9000, lambda v: packed([math.inf, 1.0])],
                         ids=["empty", "zeros", "text", "cut", "nan", "strings", "object", "null", "many", "infinite"])
def test_what_is_no_embedding_is_a_miss(weir, upstream, model, form):
    model.form = form
    w = weir(upstream, cache=CACHE)
    assert [cached(ask(w, messages=say(t))) for t in (A, B)] == ["miss", "miss"]
    assert len(model.asked) == 2 and figure(w, "weir_cache_similar_total", result="failed") == 2


def test_other_dimensions_are_far(weir, upstream, model):
    w = weir(upstream, cache=CACHE)
    assert cached(ask(w, messages=say(A))) == "miss"
    model.dimensions = 3
    assert cached(ask(w, messages=say(B))) == "miss"


def test_a_failure_is_a_miss(weir, upstream, model):
    """Refused, cut off, late, by a limit: the call is made all the same, and what it says is kept."""
    bad = iter([error(400), reset("in_head"), error(500), error(500), error(500)])

    def answer(request):
        return next(bad) if request.path.endswith("/embeddings") else reply(200, bodies.completion())
    upstream.always(answer)
    w = weir(upstream, cache=CACHE, retry={"retries": 0})
    for seed in range(5):
        assert [cached(ask(w, messages=say(A), seed=seed)) for _ in range(2)] == ["miss", "hit"]
    assert figure(w, "weir_cache_similar_total", result="failed") == 5


def test_one_that_is_late_is_a_miss(weir, upstream):
    never = threading.Event()
    upstream.always(lambda r: after(never, reply(200, bodies.completion())) if r.path.endswith("/embeddings") else reply(200, bodies.completion()))
    w = weir(upstream, cache={**CACHE, "semantic": {**SEMANTIC, "timeout": "500ms"}})
    answer = ask(w, messages=say(A))
    assert cached(answer) == "miss" and upstream.requests[0].wait_closed()
    record = w.wait_call(answer.header("x-request-id"))
    assert record["overhead_ms"] <= record["total_ms"] - 250  # it has waited for a provider, which is not weir's own time
    never.set()


def test_a_limit_refuses_the_embedding_alone(weir, upstream, model):
    w = weir(upstream, cache=CACHE, limits={"model": {"emb": {"tokens": "8/h"}}})  # a step is no request
    assert [cached(ask(w, messages=say(t))) for t in (A, B, C)] == ["miss", "miss", "miss"]
    assert model.embedded == [A]
    assert figure(w, "weir_cache_similar_total", result="failed") == 2


def test_nothing_is_embedded_for_who_will_be_refused(weir, upstream, model):
    w = weir(upstream, cache=CACHE, clients=[{"name": "app", "key": KEY, "limits": {"requests": "2/h"}}])
    said = [ask(w, KEY, messages=say(t)) for t in (A, "far", "farther", B)]
    assert [a.status for a in said] == [200, 200, 429, 429]
    assert model.embedded == [A, "far"]


def test_the_client_leaves_meanwhile(weir, upstream, model):
    gate = threading.Event()
    upstream.script(after(gate, reply(200, {})))
    w = weir(upstream, cache=CACHE)
    client = wire.connect(w)
    client.send(wire.make_request("POST", "/v1/chat/completions", {"model": "gpt-test", "messages": say(A)}))
    upstream.wait_requests(1)
    client.close()
    assert upstream.requests[0].wait_closed()
    gate.set()
    assert [cached(ask(w, messages=say(t))) for t in (A, B)] == ["miss", "hit"]


def test_a_purge_reaches_it(weir, upstream, model):
    w = weir(upstream, cache=CACHE)
    assert [cached(ask(w, messages=say(t))) for t in (A, B)] == ["miss", "hit"]
    assert admin(w).json()["compared"] == 1
    assert admin(w, "POST", {}).json() == {"purged": 2}
    assert admin(w).json()["compared"] == 0 and admin(w).json()["bytes"] == 0
    assert cached(ask(w, messages=say(B))) == "miss"


def test_it_lasts_as_long_as_the_answer(weir, upstream, model):
    """One that is given to who asks nearly the same is not younger for it."""
    w = weir(upstream, cache=CACHE)
    ttl = [("x-weir-cache-ttl", "1")]
    assert cached(ask(w, messages=say(A), headers=ttl)) == "miss"
    daemon.wait_until(lambda: cached(ask(w, messages=say(B), headers=[*ttl, ("cache-control", "max-age=3600")])) == "miss", 20, "it has expired")
    old = [("cache-control", "max-age=0")]
    assert cached(ask(w, messages=say(A), headers=old)) == "miss"


def test_the_bound_of_texts(weir, upstream, model):
    model.dimensions = 40
    w = weir(upstream, cache={**CACHE, "semantic": {**SEMANTIC, "entries": 3}})
    texts = [f"{chr(97 + i) * 3}" for i in range(8)]
    for i, text in enumerate(texts):
        model.angles[text] = i * 0.7
        model.angles[text + "!"] = i * 0.7
        assert cached(ask(w, messages=say(text))) == "miss"
    assert admin(w).json()["compared"] == 3
    assert [cached(ask(w, messages=say(t + "!"))) for t in texts[5:]] == ["hit"] * 3
    assert cached(ask(w, messages=say(texts[0] + "!"))) == "miss" and cached(ask(w, messages=say(texts[0]))) == "hit"


def test_many_are_compared_on_another_thread(weir, upstream, model):
    """Each of 400 finds its own."""
    model.dimensions = 1536
    w = weir(upstream, cache=CACHE)
    vectors = {}

    def vector(text):
        key = text.rstrip("!")
        n = vectors.setdefault(key, len(vectors))
        return [1.0 if i == n else 0.0 for i in range(1536)]
    model.vector = vector
    texts = ["".join(chr(97 + int(d)) for d in str(i)) for i in range(400)]
    for text in texts:
        assert cached(ask(w, messages=say(text))) == "miss"
    for i, text in enumerate(texts[::40]):
        answer = ask(w, messages=say(text + "!"))
        assert cached(answer) == "hit" and words(answer) == f"answer {i * 40 + 1}" and answer.header("x-weir-cache-similarity") == "1.0000"


def test_many_at_once_are_embedded_once(weir, upstream, model):
    w = weir(upstream, cache=CACHE)
    assert cached(ask(w, messages=say(A))) == "miss"
    answers = many(w, 200, messages=say(B))
    assert len(answers) == 200 and len(model.asked) == 1 and model.embedded == [A, B]


def test_a_reload_takes_it_away(weir, upstream, model):
    w = weir(upstream, cache=CACHE)
    assert [cached(ask(w, messages=say(t))) for t in (A, B)] == ["miss", "hit"]
    w.reload(daemon.config_for(upstream, listen=w.listen, cache={"models": ["gpt-*"]}))
    assert admin(w).json()["compared"] == 0 and cached(ask(w, messages=say(B + " please"))) == "miss"
    assert model.embedded == [A, B]
