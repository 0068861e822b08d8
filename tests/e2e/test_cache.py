"""The cache: what was asked before is given again, and of identical calls at a time one is made."""

import asyncio
import itertools
import json
import os
import random
import re
import subprocess
import threading
import time
from pathlib import Path

import openai
import pytest

import bodies
import daemon
import wire
from test_call import figure
from upstream import after, cut, error, reply, reset, sse

KEY, OTHER = "0123456789abcdef-app", "0123456789abcdef-other"
CLIENTS = [{"name": "app", "key": KEY}, {"name": "other", "key": OTHER}]
CACHE = {"models": ["gpt-*"]}


def awaited(look, timeout, why):
    """What look() finds, once it finds something."""
    found = []
    daemon.wait_until(lambda: found.append(look()) or found[-1], timeout, why)
    return found[-1]


MESSAGES = [{"role": "user", "content": "hi"}]


def ask(w, key=None, headers=(), path="/v1/chat/completions", **fields):
    body = {"model": "gpt-test", "messages": MESSAGES, **fields}
    body = {k: v for k, v in body.items() if v is not None}
    more = [("authorization", f"Bearer {key}")] if key else []
    return wire.call(w, "POST", path, body, headers=[*more, *headers])


def cached(answer):
    assert answer.status == 200, answer.body
    return answer.header("x-weir-cache")


def settings(**over):
    return {**CACHE, **over}


# -- what is given again ---------------------------------------------------------------------------------------------


def test_a_hit_costs_nothing_and_is_counted(weir, upstream):
    """A budget for one call lets any number of hits through, and the record says what they saved."""
    upstream.script(reply(200, bodies.completion()))
    w = weir(upstream, cache=CACHE, clients=[{"name": "app", "key": KEY, "limits": {"requests": "1/h", "tokens": "200000/d"}}],
             prices={"gpt-test": {"input": 1, "output": 2}})
    first = ask(w, KEY)
    assert cached(first) == "miss" and first.header("age") is None
    for _ in range(5):
        hit = ask(w, KEY)
        assert cached(hit) == "hit" and hit.header("age") == "0" and hit.body == first.body
        assert hit.header("x-weir-target") is None and hit.header("x-weir-cost") is None
    line = w.wait_call(hit.header("x-request-id"))
    told = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12, "finish_reason": "stop"}
    assert told.items() <= line.items()  # though nobody has read the answer again
    assert line["cache"] == "hit" and line["attempts"] == 0 and line["saved_nano"] == 9 * 1000 + 3 * 2000
    assert w.wait_call(first.header("x-request-id"))["cache"] == "miss"
    assert ask(w, KEY, seed=1).status == 429  # nothing was given back that was used
    assert figure(w, "weir_cache_calls_total", cache="hit") == 5 and figure(w, "weir_cache_calls_total", cache="miss") == 2
    assert figure(w, "weir_tokens_total", kind="prompt") == 9
    summary = awaited(
        lambda: (s := wire.call(w, "GET", "/usage/summary", headers=[("authorization", f"Bearer {KEY}")]).json())["cached_calls"] == 5 and s,
        10, "the records")
    assert summary["saved_nano"] == 5 * 15000


def test_off_until_it_is_said(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream)
    assert [cached(ask(w)) for _ in range(2)] == [None, None]
    w = weir(upstream, cache={"models": ["other"]})
    assert [cached(ask(w)) for _ in range(2)] == [None, None]
    assert len(upstream.wait_requests(4)) == 4


SAME = [
    b'{"model":"gpt-test","messages":[{"role":"user","content":"hi"}],"seed":1}',
    b' { "seed" : 1.0 , "messages" : [ {"content":"h\\u0069","role":"user"} ] , "model" : "gpt-test" } ',
    b'{"model":"gpt-test","messages":[{"role":"user","content":"hi"}],"seed":10e-1,"user":"u","metadata":{"a":"b"},'
    b'"safety_identifier":"s","prompt_cache_key":"k","stream":false,"stream_options":null}',
]
DIFFERENT = [
    b'{"model":"gpt-test","messages":[{"role":"user","content":"hi"}],"seed":2}',
    b'{"model":"gpt-test","messages":[{"role":"user","content":"hi"}],"seed":9007199254740992}',
    b'{"model":"gpt-test","messages":[{"role":"user","content":"hi"}],"seed":9007199254740993}',
    b'{"model":"gpt-test","messages":[{"role":"user","content":"Hi"}],"seed":1}',
    b'{"model":"gpt-test","messages":[{"role":"user","content":"hi"}],"seed":1,"x":null}',
    b'{"model":"gpt-other","messages":[{"role":"user","content":"hi"}],"seed":1}',
]


def test_what_is_the_same(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, cache=CACHE)
    assert [cached(wire.call(w, "POST", "/v1/chat/completions", b)) for b in SAME] == ["miss", "hit", "hit"]
    assert [cached(wire.call(w, "POST", "/v1/chat/completions", b)) for b in DIFFERENT] == ["miss"] * len(DIFFERENT)


@pytest.mark.parametrize("large", [False, True])
def test_headers_by_which_another_answer_comes(weir, upstream, large):
    """Those that weir knows, and that are named; of one that comes twice both. What only names the request makes no other question."""
    upstream.always(lambda r: reply(200, bodies.completion()))
    w = weir(upstream, cache=settings(headers=["x-variant", "X-Route-*"]))
    fields = {"metadata": {"pad": "x" * 300_000}} if large else {}

    def verdict(*headers):
        return cached(ask(w, headers=headers, **fields))

    other = [
        [], [("OpenAI-Beta", "a=1")], [("OpenAI-Beta", "a=1"), ("openai-beta", "b=2")], [("anthropic-beta", "a=1")], [("anthropic-version", "a=1")],
        [("x-portkey-config", "pc-1")], [("x-portkey-config", "pc-2")], [("x-litellm-tags", "free")], [("groq-model-version", "latest")], [("extra-parameters", "drop")],
        [("X-Amzn-Bedrock-GuardrailIdentifier", "g")], [("x-variant", "b")], [("x-variant", "")], [("x-route-a", "b")], [("x-variant", "b"), ("x-route-a", "b")],
    ]
    assert [verdict(*headers) for headers in other] == ["miss"] * len(other)
    assert [verdict(*headers) for headers in other] == ["hit"] * len(other)
    assert verdict(("X-VARIANT", "b")) == "hit"
    same = [("x-portkey-trace-id", "1"), ("helicone-request-id", "1"), ("openai-organization", "o"), ("openai-project", "p"), ("helicone-session-id", "1"), ("x-litellm-call-id", "1"), ("x-variants", "c"), ("x-correlation-id", "1"), ("accept-language", "de"), ("traceparent", "00-" + "1" * 32 + "-" + "2" * 16 + "-01")]
    assert [verdict(header) for header in same] == ["hit"] * len(same)
    for name in ("openai-beta", "x-litellm-model-group", "x-variant"):  # what ends at weir makes no other answer, for whoever sends it on
        assert verdict(("Connection", name), (name, "new")) == "hit", name
    assert len(upstream.requests) == len(other)


def test_a_group_shares_and_nobody_else_does(weir, upstream):
    """Its name stands in the configuration: a client cannot say that he is of it, nor be called as it is."""
    upstream.always(reply(200, bodies.completion()))
    people = {"one": {"team": "search"}, "two": {"team": "search", "group": "x"}, "three": {"team": "chat"}, "search": None, "last": {"group": "search"}}
    keys = {name: f"0123456789abcdef-{name}" for name in people}
    w = weir(upstream, cache=settings(scope="group", group="team"),
             clients=[{"name": name, "key": keys[name], **({"tags": tags} if tags else {})} for name, tags in people.items()])
    said = [("x-weir-tag", "team=search")]
    assert {name: cached(ask(w, key, headers=said)) for name, key in keys.items()} == {
        "one": "miss", "two": "hit", "three": "miss", "search": "miss", "last": "miss"}
    assert [cached(ask(w, key)) for key in keys.values()] == ["hit"] * 5


def test_clients_never_see_each_others_answers(weir, upstream):
    """Random requests, by two clients in turn: each is given its own answer, with its own name in it."""
    def answer(request):
        return reply(200, bodies.completion(f"for {request.json()['seed']}: {request.arrived}"))
    upstream.always(answer)
    w = weir(upstream, cache=CACHE, clients=CLIENTS)
    draw, own = random.Random(16), {KEY: {}, OTHER: {}}
    for _ in range(300):
        key, seed = draw.choice([KEY, OTHER]), draw.randrange(40)
        got = ask(w, key, seed=seed)
        known = own[key].setdefault(seed, got.body)
        assert got.body == known
        assert cached(got) == ("hit" if known is not got.body else "miss") or known is got.body
    assert not set(own[KEY].values()) & set(own[OTHER].values())


def test_who_shares(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, cache=settings(scope="global"), clients=CLIENTS)
    assert [cached(ask(w, key)) for key in (KEY, OTHER)] == ["miss", "hit"]


def test_what_a_client_may_say(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, cache=CACHE)

    def control(text):
        return ask(w, headers=[("cache-control", text)])
    refused = control("only-if-cached")
    assert refused.status == 504 and refused.error["code"] == "not_cached"
    assert cached(control("no-store")) == "bypass"
    assert control("only-if-cached").status == 504
    assert cached(ask(w)) == "miss"
    assert cached(control("only-if-cached")) == "hit"
    assert cached(control("no-cache")) == "miss"
    assert cached(control("max-age=60")) == "hit"
    assert cached(control("max-age=0")) == "miss"
    assert cached(control("no-store")) == "bypass"
    assert control("max-age=x").status == 400
    bad = ask(w, headers=[("x-weir-cache-ttl", "1h")])
    assert bad.status == 400 and "x-weir-cache-ttl" in bad.error["message"]
    assert cached(ask(w, seed=5, headers=[("x-weir-cache-ttl", "0")])) == "miss"
    assert cached(ask(w, seed=5, headers=[("x-weir-cache-ttl", "1")])) == "miss"
    assert cached(ask(w, seed=5)) == "hit"
    daemon.wait_until(lambda: cached(ask(w, seed=5)) == "miss", 5, "its end")
    assert all(r.header("x-weir-cache-ttl") is None for r in upstream.wait_requests(1))


def test_age(weir, upstream):
    upstream.script(reply(200, bodies.completion()))
    w = weir(upstream, cache=CACHE)
    ask(w)
    daemon.wait_until(lambda: ask(w).header("age") == "1", 5, "a second")


@pytest.mark.parametrize("fields", [{"temperature": 1.5}, {"n": 2}, {"tools": [{"type": "function", "function": {"name": "f"}}]}, {"store": True},
                                    {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:x"}}]}]}],
                         ids=["temperature", "n", "tools", "store", "image"])
def test_what_is_passed_by(weir, upstream, fields):
    upstream.always(lambda r: reply(200, bodies.completion(choices=[bodies.completion()["choices"][0] | {"index": i} for i in range(r.json().get("n", 1))])))
    w = weir(upstream, cache=CACHE)
    assert [cached(ask(w, **fields)) for _ in range(2)] == ["bypass"] * 2
    if "store" in fields:
        return
    w = weir(upstream, cache=settings(max_temperature=2, tools="on", choices="on", images="on"))
    assert [cached(ask(w, **fields)) for _ in range(2)] == ["miss", "hit"]


@pytest.mark.parametrize("scope", ["client", "group", "global"])
def test_responses_that_the_provider_keeps_are_nobody_else_s(weir, upstream, scope):
    """Each has an id of its own, by which the one who was answered goes on, or deletes it."""
    numbers = itertools.count()
    upstream.always(lambda r: reply(200, {**RESPONSE, "id": f"resp_{next(numbers)}"}))
    w = weir(upstream, clients=[{**c, "tags": {"group": "x"}} for c in CLIENTS], cache=settings(scope=scope, semantic={"model": "emb", "threshold": 0.5}))
    kept = [{}, {"store": None}, {"store": True}, {"previous_response_id": "resp_0", "store": False}, {"conversation": "conv_1", "store": False}]
    for fields in kept:
        got = [wire.call(w, "POST", "/v1/responses", {"model": "gpt-test", "input": "hi", **fields}, headers=[("authorization", f"Bearer {key}")])
               for key in (KEY, KEY, OTHER)]
        assert [cached(a) for a in got] == ["bypass"] * 3 and len({a.json()["id"] for a in got}) == 3, fields
    assert not [r for r in upstream.requests if r.path.endswith("/embeddings")]


def ended(reason):
    whole = bodies.completion()
    whole["choices"][0]["finish_reason"] = reason
    return whole


@pytest.mark.parametrize("answer,fields", [
    (reply(200, ended("length")), {}), (reply(200, ended("content_filter")), {}), (error(400), {}), (error(500), {}),
    (sse(bodies.stream("a", finish="length")), {"stream": True}), (sse(bodies.stream("a")[:2], end="cut"), {"stream": True})],
    ids=["length", "filter", "400", "500", "length-stream", "cut"])
def test_what_is_never_kept(weir, upstream, answer, fields):
    upstream.always(answer)
    w = weir(upstream, cache=CACHE, retry={"retries": 0})
    for n in (1, 2):
        with wire.Client(w) as c:
            c.request("POST", "/v1/chat/completions", {"model": "gpt-test", "messages": MESSAGES, **fields})
            assert c.head().header("x-weir-cache") == "miss"
            daemon.wait_until(lambda: len(w.calls()) == n, 10, "its end")
    assert len(upstream.wait_requests(2)) == 2


# -- streams ------------------------------------------------------------------------------------------------------------


def test_a_stream_is_given_again_event_for_event(weir, upstream):
    upstream.script(sse(bodies.stream("Hel", "lo", " there", usage=bodies.USAGE)))
    w = weir(upstream, cache=CACHE)
    first = ask(w, stream=True)
    again = ask(w, stream=True)
    assert [cached(first), cached(again)] == ["miss", "hit"]
    assert again.body == first.body and bodies.text_of(again.events()) == "Hello there"
    assert not any("usage" in e for e in again.events() if isinstance(e, dict))
    counted = ask(w, stream=True, stream_options={"include_usage": True})
    assert cached(counted) == "hit"
    assert counted.events()[-2]["usage"] == bodies.USAGE and counted.events()[-1] == "[DONE]"


def test_a_thousand_random_streams(weir, upstream):
    """Any words, any cuts, with figures and without: given again they are byte for byte what was given first."""
    draw = random.Random(1)
    letters = "ab\u00e9\u20ac\U0001F600 \n\"\\\t{}"

    def words(seed):
        own = random.Random(seed)
        return ["".join(own.choice(letters) for _ in range(own.randrange(12))) for _ in range(own.randrange(1, 9))]
    upstream.always(lambda r: sse(bodies.stream(*words(r.json()["seed"]), usage=bodies.USAGE if r.json().get("stream_options") else None)))
    w = weir(upstream, cache=CACHE)
    with wire.Client(w) as c:
        for seed in range(334):
            got = []
            asks = {"model": "gpt-test", "messages": MESSAGES, "stream": True, "seed": seed}
            if draw.random() < 0.3:
                asks["stream_options"] = {"include_usage": True}
            for _ in range(3):
                c.request("POST", "/v1/chat/completions", asks)
                got.append(c.answer())
            assert [cached(a) for a in got] == ["miss", "hit", "hit"]
            assert got[0].body == got[1].body == got[2].body
            assert bodies.text_of(got[0].events()) == "".join(words(seed))


def pieces(draw, most=8):
    return ["".join(draw.choice("ab\u00e9\u20ac\U0001F600 \n\"\\\t{}") for _ in range(draw.randrange(1, 12))) for _ in range(draw.randrange(1, most))]


def chat_chunks(draw, *deltas, finish="stop", choices=1):
    chunks = [bodies.chunk({"role": "assistant", "content": ""}, index=i) for i in range(choices)]
    chunks += [bodies.chunk(d, index=draw.randrange(choices)) for d in deltas]
    return [*chunks, *(bodies.chunk(finish=finish, index=i) for i in range(choices)), bodies.usage_chunk()]


def form_tools(draw):
    deltas = []
    for i in range(draw.randrange(1, 4)):
        deltas.append({"tool_calls": [{"index": i, "id": f"call_{i}", "type": "function", "function": {"name": "look", "arguments": ""}}]})
        deltas += [{"tool_calls": [{"index": i, "function": {"arguments": a}}]} for a in ['{"q":', json.dumps("".join(pieces(draw))), "}"]]
    return chat_chunks(draw, *deltas, finish="tool_calls")


def form_reasoning(draw):
    return chat_chunks(draw, *({"reasoning_content": p} for p in pieces(draw)), *pieces(draw))


def form_refusal(draw):
    return chat_chunks(draw, *({"refusal": p} for p in pieces(draw)))


def form_obfuscated(draw):
    chunks = chat_chunks(draw, *pieces(draw, 30))
    return [{**c, "obfuscation": "".join(draw.choice("abcXYZ019") for _ in range(draw.randrange(16)))} for c in chunks]


def form_choices(draw):
    return chat_chunks(draw, *pieces(draw, 20), choices=3)


def form_text(draw):
    chunk = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "gpt-test"}
    told = [{"index": 0, "text": p, "logprobs": None, "finish_reason": None} for p in pieces(draw)] + [{"index": 0, "text": "", "logprobs": None, "finish_reason": "stop"}]
    return [{**chunk, "choices": [c]} for c in told]


def form_response(draw):
    words, item = pieces(draw, 20), {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    running = {**RESPONSE, "status": "in_progress", "output": [], "usage": None}
    whole = json.loads(json.dumps(RESPONSE))
    whole["output"][0]["content"][0]["text"] = "".join(words)
    message = whole["output"][0]
    begun, part, empty = {**message, "status": "in_progress", "content": []}, message["content"][0], {**message["content"][0], "text": ""}
    events = [("response.created", {"response": running}), ("response.in_progress", {"response": running}),
              ("response.output_item.added", {"output_index": 0, "item": begun}), ("response.content_part.added", {**item, "part": empty}),
              *(("response.output_text.delta", {**item, "delta": w, "logprobs": []}) for w in words),
              ("response.output_text.done", {**item, "text": "".join(words), "logprobs": []}), ("response.content_part.done", {**item, "part": part}),
              ("response.output_item.done", {"output_index": 0, "item": message}), ("response.completed", {"response": whole})]
    return [f"event: {name}\ndata: {json.dumps({'type': name, 'sequence_number': i, **data})}\n\n".encode() for i, (name, data) in enumerate(events)]


FORMS = {"tools": (form_tools, "chat"), "reasoning": (form_reasoning, "chat"), "refusal": (form_refusal, "chat"), "obfuscated": (form_obfuscated, "chat"),
         "choices": (form_choices, "chat"), "text": (form_text, "completions"), "response": (form_response, "responses")}


@pytest.mark.parametrize("form", FORMS)
def test_streams_of_every_form_into_the_official_sdk(weir, upstream, form):
    """150 of each: what the SDK reads of the one that is given again is, event for event, what it read the first time, and that has all that was sent."""
    make, api = FORMS[form]
    upstream.always(lambda r: sse(make(random.Random(r.json()["temperature"])), end="no_done" if api == "responses" else "done"))
    w = weir(upstream, cache=settings(tools=True, choices=True, max_temperature=2))
    sdk = openai.OpenAI(base_url=w.base_url, api_key="none", max_retries=0)
    ask_for = {"chat": lambda **k: sdk.chat.completions.create(messages=MESSAGES, stream_options={"include_usage": True}, **k, **({"n": 3} if form == "choices" else {})),
               "completions": lambda **k: sdk.completions.create(prompt="hi", **k), "responses": lambda **k: sdk.responses.create(input="hi", store=False, **k)}[api]
    for seed in range(150):
        said, got = make(random.Random(seed / 100)), []
        for _ in range(2):
            with ask_for(model="gpt-test", stream=True, temperature=seed / 100) as events:
                got.append([e.to_dict() for e in events])
                assert events.response.headers["x-weir-cache"] == ["miss", "hit"][len(got) - 1]
        assert got[0] == got[1] and len(got[0]) == len(said)


def test_either_as_the_other(weir, upstream):
    upstream.script(sse(bodies.stream("Hel", "lo", usage=bodies.USAGE)), reply(200, bodies.completion("Good day")))
    w = weir(upstream, cache=CACHE)
    ask(w, stream=True)
    plain = ask(w)
    assert cached(plain) == "hit" and plain.json()["choices"][0]["message"]["content"] == "Hello"
    assert plain.json()["usage"] == bodies.USAGE
    ask(w, seed=1)
    stream = ask(w, seed=1, stream=True)
    assert cached(stream) == "hit" and bodies.text_of(stream.events()) == "Good day" and stream.events()[-1] == "[DONE]"


RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1700000000, "status": "completed", "model": "gpt-test", "error": None,
            "incomplete_details": None, "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
                                                    "content": [{"type": "output_text", "text": "Hello", "annotations": []}]}],
            "usage": {"input_tokens": 9, "output_tokens": 3, "total_tokens": 12}}
EMBEDDINGS = {"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.5, -0.25]}], "model": "gpt-test",
              "usage": {"prompt_tokens": 2, "total_tokens": 2}}
TEXT = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "gpt-test",
        "choices": [{"index": 0, "text": "Hello", "logprobs": None, "finish_reason": "stop"}], "usage": bodies.USAGE}
MODERATION = {"id": "modr-1", "model": "gpt-test", "results": [{"flagged": False, "categories": {}, "category_scores": {}}]}


@pytest.mark.parametrize("path,body,answer", [
    ("/v1/responses", {"input": "hi", "store": False}, RESPONSE), ("/v1/embeddings", {"input": "hi"}, EMBEDDINGS),
    ("/v1/completions", {"prompt": "hi"}, TEXT), ("/v1/moderations", {"input": "hi"}, MODERATION), ("/chat", {"message": "hi"}, bodies.completion())],
    ids=["responses", "embeddings", "completions", "moderations", "chat"])
def test_each_endpoint(weir, upstream, path, body, answer):
    upstream.script(reply(200, answer))
    w = weir(upstream, cache=CACHE)
    got = [wire.call(w, "POST", path, {"model": "gpt-test", **body}) for _ in range(2)]
    assert [cached(a) for a in got] == ["miss", "hit"]
    first, second = [{k: v for k, v in a.json().items() if k != "request_id"} for a in got]
    assert first == second


NODE_STREAMS = 150


class NodeProvider:
    """The model is gpt-FORM, and says what its stream is made by; gpt-plain has a document of each endpoint."""

    PLAIN = {"chat/completions": bodies.completion("Good day"), "completions": TEXT, "responses": RESPONSE, "embeddings": EMBEDDINGS, "moderations": MODERATION}

    def __call__(self, request):
        asked, path = request.json(), request.path.removeprefix("/v1/")
        form = asked["model"].removeprefix("gpt-")
        if form == "plain":
            return reply(200, self.PLAIN[path])
        make, api = FORMS[form]
        return sse(make(random.Random(asked["temperature"])), end="no_done" if api == "responses" else "done")


@pytest.mark.timeout(600)
def test_streams_of_every_form_into_the_official_sdk_for_node(weir, upstream, capsys):
    """node/cache.test.mjs: the same from the provider itself, through weir, and from the cache."""
    upstream.always(NodeProvider())
    w = weir(upstream, cache=settings(tools=True, choices=True, max_temperature=2))
    forms = {form: {"api": api, "fields": {"n": 3} if form == "choices" else {}} for form, (_, api) in FORMS.items()}
    environment = {**os.environ, "WEIR_URL": w.url, "UPSTREAM_URL": upstream.url.removesuffix("/v1"), "FORMS": json.dumps(forms), "STREAMS": str(NODE_STREAMS)}
    node = Path(os.environ.get("NODE", daemon.ROOT / ".venv" / "bin" / "node"))
    run = subprocess.run([node, "--test", "--test-reporter=spec", "cache.test.mjs"], cwd=Path(__file__).parent / "node", env=environment,
                         capture_output=True, text=True, timeout=580)
    if run.returncode:
        pytest.fail(f"{run.stdout}\n{run.stderr}", pytrace=False)
    with capsys.disabled():
        print("\n  Node:", *[line for line in run.stdout.splitlines() if "pass " in line or "tests " in line])
    asked = [r for r in upstream.requests if r.header("authorization") != "Bearer sk-client-secret"]
    streams = len(FORMS) * NODE_STREAMS + len(("tools", "refusal", "obfuscated", "response"))
    assert len(asked) == streams + len(NodeProvider.PLAIN) + len(("document", "stream")), "each was asked of the provider once"


def test_the_official_sdk_reads_what_is_given_again(weir, upstream):
    upstream.script(sse(bodies.stream("Hel", "lo", usage=bodies.USAGE)), reply(200, bodies.completion("Good day")))
    w = weir(upstream, cache=CACHE)
    sdk = openai.OpenAI(base_url=w.base_url, api_key="none", max_retries=0)
    for _ in range(3):
        chunks = list(sdk.chat.completions.create(model="gpt-test", messages=MESSAGES, stream=True, stream_options={"include_usage": True}))
        assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == "Hello" and chunks[-1].usage.total_tokens == 12
        whole = sdk.chat.completions.create(model="gpt-test", messages=MESSAGES, seed=1)
        assert whole.choices[0].message.content == "Good day"
        with sdk.chat.completions.stream(model="gpt-test", messages=MESSAGES, seed=1) as stream:
            assert stream.get_final_completion().choices[0].message.content == "Good day"


# -- memory -----------------------------------------------------------------------------------------------------------


def test_a_flood_of_large_answers_stays_within_the_bound(weir, upstream):
    upstream.always(lambda r: reply(200, bodies.completion("x" * 200_000 + str(r.json()["seed"]))))
    w = weir(upstream, cache=settings(memory="4MB"))
    for seed in range(60):
        assert cached(ask(w, seed=seed)) == "miss"
    assert cached(ask(w, seed=59)) == "hit"
    daemon.wait_until(lambda: 0 < figure(w, "weir_cache_bytes") <= 4 << 20 and figure(w, "weir_cache_evicted_total") > 30, 5, "the figures")
    upstream.always(lambda r: reply(200, bodies.completion("x" * 2_000_000)))
    assert [cached(ask(w, seed=100)) for _ in range(2)] == ["miss"] * 2  # larger than cache.max_answer


def test_a_reload_takes_it_away_and_back(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, cache=CACHE)
    assert [cached(ask(w)) for _ in range(2)] == ["miss", "hit"]
    w.reload(daemon.config_for(upstream, listen=w.listen))
    assert cached(ask(w)) is None
    w.reload(daemon.config_for(upstream, listen=w.listen, cache=CACHE))
    assert [cached(ask(w)) for _ in range(2)] == ["miss", "hit"]


def test_another_address_answers_for_itself(weir, upstreams):
    """A provider of the same name that is elsewhere after a reload: what the one has said the other has not."""
    there, elsewhere = upstreams(), upstreams()
    there.always(reply(200, bodies.completion("there")))
    elsewhere.always(reply(200, bodies.completion("elsewhere")))
    w = weir(there, cache=CACHE)
    assert [cached(ask(w)) for _ in range(2)] == ["miss", "hit"]
    w.reload(daemon.config_for(elsewhere, listen=w.listen, cache=CACHE))
    answer = ask(w)
    assert cached(answer) == "miss" and b"elsewhere" in answer.body and cached(ask(w)) == "hit"
    w.reload(daemon.config_for(there, listen=w.listen, cache=CACHE))
    answer = ask(w)
    assert cached(answer) == "hit" and b"there" in answer.body


def test_a_reload_changes_what_may_be_in_it(weir, upstream):
    """Also for what was given before in the very same bytes."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, cache=CACHE)
    assert [cached(ask(w, temperature=0.9)) for _ in range(3)] == ["miss", "hit", "hit"]
    w.reload(daemon.config_for(upstream, listen=w.listen, cache=settings(max_temperature=0.5)))
    assert cached(ask(w, temperature=0.9)) == "bypass"
    w.reload(daemon.config_for(upstream, listen=w.listen, cache=CACHE))
    assert cached(ask(w, temperature=0.9)) == "hit"


def test_other_rules_are_asked_of_what_is_in_it(weir, upstream):
    """An answer that was kept was looked at by the rules of its time, which may have let more through."""
    upstream.always(reply(200, bodies.completion("It is TICK-123456.")))
    def guard(**options):
        return daemon.config_for(upstream, listen=w.listen, cache=CACHE, guard={"out": "flag", **options})
    ticket = {"name": "ticket", "pattern": "TICK-[0-9]{6}", "lead": "TICK-", "action": "redact"}
    w = weir(upstream, cache=CACHE, guard={"out": "flag"})
    def said():
        answer = ask(w)
        return cached(answer), answer.json()["choices"][0]["message"]["content"]
    as_it_came, redacted = "It is TICK-123456.", "It is TICK-[TICKET_1]."
    assert [said() for _ in range(2)] == [("miss", as_it_came), ("hit", as_it_came)]
    w.reload(guard(rules=[ticket]))
    assert [said() for _ in range(2)] == [("miss", redacted), ("hit", redacted)]
    w.reload(guard(rules=[ticket], actions={"ticket": "off"}))
    assert said() == ("miss", as_it_came)
    w.reload(guard(rules=[ticket]))
    assert said() == ("hit", redacted)  # the same rules again


# -- one call for all who ask the same --------------------------------------------------------------------------------


async def one_of_many(port, body, begun):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    data = json.dumps(body).encode()
    writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: application/json\r\n"
                 b"content-length: %d\r\n\r\n" % len(data) + data)
    head = (await reader.readuntil(b"\r\n\r\n")).removesuffix(b"\r\n\r\n")
    begun()
    rest = await reader.read(-1)
    writer.close()
    lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    if lines.get("transfer-encoding") == "chunked":
        whole = b""
        while rest and (size := int(rest.partition(b"\r\n")[0], 16)):
            rest = rest.partition(b"\r\n")[2]
            whole, rest = whole + rest[:size], rest[size + 2:]
        rest = whole
    return head.split(b" ", 2)[1], lines.get("x-weir-cache"), rest


def many(w, n, all_begun=lambda: None, **fields):
    """all_begun: called when each has the head of its answer."""
    begun = []

    def begin():
        begun.append(True)
        if len(begun) == n:
            all_begun()

    async def run():
        body = {"model": "gpt-test", "messages": MESSAGES, **fields}
        return await asyncio.gather(*[one_of_many(w.port, body, begin) for _ in range(n)])
    return asyncio.run(run())


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_thousand_at_once_make_one_call(weir, upstream, stream, workers):
    answer = sse([0.2, *[e for word in bodies.stream("a", "b", "c", "d") for e in (word, 0.1)]]) if stream else reply(200, bodies.completion())
    upstream.script(after(0.5, answer))
    w = weir(upstream, cache=CACHE, server={"workers": workers}, limits={"calls": 2000}, timeouts={"total": "60s"})
    answers = many(w, 1000, **({"stream": True} if stream else {}))
    assert {status for status, _, _ in answers} == {b"200"}
    assert len({body for _, _, body in answers}) == 1
    said = [cache for _, cache, _ in answers]
    assert said.count("miss") == 1 and set(said) <= {"miss", "coalesced", "hit"}
    assert len(upstream.wait_requests(1)) == 1
    calls = w.calls(1000, timeout=20)
    assert sum(line["attempts"] for line in calls) == 1  # the one call is in one record


@pytest.mark.parametrize("asks", ["auto", "never"])
def test_who_asks_for_usage_is_told_it(weir, upstream, asks):
    """Also beside one who does not, of a provider that weir is not to ask: then the two are two calls."""
    def answer(r):
        told = r.json().get("stream_options", {}).get("include_usage")
        return sse([0.5, *bodies.stream("a", usage=bodies.USAGE if told else None)])
    upstream.always(answer)
    w = weir(upstream, providers={"main": {"stream_usage": asks}}, cache=CACHE)
    answers = {}
    def one(name, **fields):
        answers[name] = ask(w, stream=True, **fields)
    first = threading.Thread(target=one, args=("first",))
    first.start()
    upstream.wait_requests(1)
    one("second", stream_options={"include_usage": True})
    first.join()
    assert cached(answers["first"]) == "miss" and b"prompt_tokens" not in answers["first"].body
    assert b"prompt_tokens" in answers["second"].body
    assert cached(answers["second"]) == ("coalesced" if asks == "auto" else "miss")


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("begun", [False, True], ids=["before", "after"])
def test_the_one_whose_call_it_is_leaves(weir, upstream, stream, begun):
    if begun and not stream:
        pytest.skip("a document comes whole")
    go = threading.Event()
    events = bodies.stream("a", "b")
    upstream.script(sse([*events[:2], go, *events[2:]]) if begun else after(go, sse(events) if stream else reply(200, bodies.completion("ab"))))
    w = weir(upstream, cache=CACHE, server={"workers": 2})
    body = {"model": "gpt-test", "messages": MESSAGES, **({"stream": True} if stream else {})}
    leader = wire.Client(w)
    leader.request("POST", "/v1/chat/completions", body)
    request, = upstream.wait_requests(1)
    if begun:
        leader.head()
    got = []
    followers = [threading.Thread(target=lambda: got.append(wire.call(w, "POST", "/v1/chat/completions", body))) for _ in range(5)]
    for f in followers:
        f.start()
    daemon.wait_until(lambda: figure(w, "weir_open_calls") >= 6, 10, "all to be there")
    leader.abort()
    daemon.wait_until(lambda: figure(w, "weir_open_connections") <= 6, 10, "it to leave")
    go.set()
    for f in followers:
        f.join()
    assert [cached(a) for a in got] == ["coalesced"] * 5
    for a in got:
        text = bodies.text_of(a.events()) if stream else a.json()["choices"][0]["message"]["content"]
        assert text == "ab"
    assert len(upstream.wait_requests(1)) == 1 and not request.closed_at
    line = awaited(lambda: [x for x in w.calls() if x["attempts"]], 10, "its record")[0]
    assert line["outcome"] == "cancelled" and line["cache"] == "miss"
    assert cached(ask(w, **({"stream": True} if stream else {}))) == "hit"


def test_all_leave_and_the_call_ends(weir, upstream):
    upstream.script(after(30, reply(200, bodies.completion())))
    w = weir(upstream, cache=CACHE)
    clients = [wire.Client(w) for _ in range(3)]
    for c in clients:
        c.request("POST", "/v1/chat/completions", {"model": "gpt-test", "messages": MESSAGES})
    request, = upstream.wait_requests(1)
    daemon.wait_until(lambda: figure(w, "weir_open_calls") >= 3, 10, "all to be there")
    for c in clients:
        c.abort()
    request.wait_closed(10)
    daemon.wait_until(lambda: figure(w, "weir_open_calls") == 0, 10, "the end")


def test_the_one_whose_call_it_is_reads_slowly(weir, upstream):
    """Its socket is full; the others have all of it meanwhile, and it has all of it later."""
    words = ["x" * 1000 + str(i) for i in range(3000)]
    upstream.script(sse(bodies.stream(*words)))
    w = weir(upstream, cache=settings(max_answer="16MB"), server={"workers": 1})
    slow = wire.Client(w, receive_buffer=4096)
    body = {"model": "gpt-test", "messages": MESSAGES, "stream": True}
    slow.request("POST", "/v1/chat/completions", body)
    upstream.wait_requests(1)
    other = wire.call(w, "POST", "/v1/chat/completions", body, timeout=60)
    assert other.header("x-weir-cache") in ("coalesced", "hit") and bodies.text_of(other.events()) == "".join(words)
    mine = slow.answer(timeout=60)
    assert mine.body == other.body
    assert len(upstream.wait_requests(1)) == 1


def open_when_all_wait(gates, w, upstream, n):
    """Beside the test: opens the first gate when n calls are there and wait for the first request's answer, the second when all
    but the one whose call that was wait for the second's."""
    def run():
        for number, gate in enumerate(gates):
            upstream.wait_requests(number + 1)
            daemon.wait_until(lambda: figure(w, "weir_open_calls") >= n - number, 10, "all to be there")
            w.wait_asleep()
            gate.set()
    threading.Thread(target=run, daemon=True).start()


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_one_new_try_after_a_failure(weir, upstream, stream):
    answer = sse(bodies.stream("a")) if stream else reply(200, bodies.completion())
    gates = [threading.Event(), threading.Event()]
    upstream.script(after(gates[0], reset("before_head")), after(gates[1], answer))
    w = weir(upstream, cache=CACHE, retry={"retries": 0}, server={"workers": 2})
    open_when_all_wait(gates, w, upstream, 50)
    answers = many(w, 50, **({"stream": True} if stream else {}))
    statuses = [s for s, _, _ in answers]
    assert statuses.count(b"502") == 1 and statuses.count(b"200") == 49
    assert len({body for s, _, body in answers if s == b"200"}) == 1
    assert len(upstream.wait_requests(2)) == 2


def test_a_second_failure_is_everybodys(weir, upstream):
    gates = [threading.Event(), threading.Event()]
    upstream.script(*[after(gate, error(500)) for gate in gates])
    w = weir(upstream, cache=CACHE, retry={"retries": 0}, server={"workers": 2})
    open_when_all_wait(gates, w, upstream, 50)
    answers = many(w, 50)
    assert [s for s, _, _ in answers] == [b"500"] * 50
    assert len(upstream.wait_requests(2)) == 2


def test_a_stream_that_is_cut_is_cut_for_all(weir, upstream):
    all_there = threading.Event()
    upstream.script(sse([*bodies.stream("a", "b")[:2], all_there], end="cut"))
    w = weir(upstream, cache=CACHE, retry={"retries": 0}, server={"workers": 2})
    answers = many(w, 20, all_there.set, stream=True)
    for status, _, body in answers:
        assert status == b"200" and b"stream_interrupted" in body and b"[DONE]" not in body
    assert len(upstream.wait_requests(1)) == 1


def test_flights_of_clients_are_their_own(weir, upstream):
    upstream.script(after(0.5, reply(200, bodies.completion())), after(0.5, reply(200, bodies.completion())))
    w = weir(upstream, cache=CACHE, clients=CLIENTS)
    got = {}
    threads = [threading.Thread(target=lambda k=k: got.__setitem__(k, ask(w, k))) for k in (KEY, OTHER)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [cached(a) for a in got.values()] == ["miss", "miss"]


def test_a_comment_while_another_is_waited_for(weir, upstream):
    """Who waits for another's stream is told that he is not forgotten."""
    all_told = threading.Event()
    upstream.script(after(all_told, sse(bodies.stream("a"))))
    w = weir(upstream, cache=CACHE, server={"keep_alive_comment": "200ms", "workers": 2})
    clients = [wire.Client(w) for _ in range(3)]
    for c in clients:
        c.request("POST", "/v1/chat/completions", {"model": "gpt-test", "messages": MESSAGES, "stream": True})
    waiting = []
    for c in clients:
        answer = c.head()
        pieces = c.body_pieces(answer)
        while answer.body.count(b": keep-alive") < 2:
            next(pieces)
        waiting.append((answer, pieces))
    all_told.set()
    for answer, pieces in waiting:
        for _ in pieces:
            pass
        assert bodies.text_of(answer.events()) == "a"


def test_what_is_open_at_the_end_is_given_back(weir, upstream):
    """A weir that is stopped in the middle of a flight ends well."""
    started = time.monotonic()
    upstream.script(after(30, reply(200, bodies.completion())))
    w = weir(upstream, cache=CACHE, server={"drain": "300ms", "drain_delay": "0s"})
    clients = [wire.Client(w) for _ in range(3)]
    for c in clients:
        c.request("POST", "/v1/chat/completions", {"model": "gpt-test", "messages": MESSAGES})
    upstream.wait_requests(1)
    daemon.wait_until(lambda: figure(w, "weir_open_calls") >= 3, 10, "all to be there")
    w.stop()
    assert time.monotonic() - started < 25


# -- looking at it ----------------------------------------------------------------------------------------------------


def admin(w, method="GET", body=None, key=None):
    headers = [("authorization", f"Bearer {key}")] if key else []
    return wire.call(w, method, "/admin/v1/cache", body, headers=headers)


def test_what_an_admin_sees_and_takes_out(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    boss = "0123456789abcdef-boss"
    w = weir(upstream, cache=CACHE, clients=CLIENTS, admin={"keys": [boss]})
    for key in (KEY, OTHER):
        for model in ("gpt-a", "gpt-b"):
            assert [cached(ask(w, key, model=model)) for _ in range(2)] == ["miss", "hit"]
    assert [admin(w, key=k).status for k in (None, KEY, "wrong")] == [401, 403, 401]
    assert [admin(w, "POST", {}, key=k).status for k in (None, KEY)] == [401, 403]
    stats = admin(w, key=boss).json()
    assert stats["entries"] == 4 and stats["hits"] == 4 and stats["misses"] == 4 and stats["stored"] == 4
    assert 0 < stats["bytes"] < stats["limit_bytes"] == 64 << 20 and stats["in_flight"] == 0
    for bad, word in [({"modle": "x"}, "modle"), ({"older": "soon"}, "older"), ({"model": 1}, "model"), ({"client": ""}, "client"), ([], "object")]:
        refused = admin(w, "POST", bad, key=boss)
        assert refused.status == 400 and word in refused.error["message"]
    for query in ("?model=gpt-a", "?older", "?client=app&older=1h"):
        refused = wire.call(w, "POST", "/admin/v1/cache" + query, headers=[("authorization", f"Bearer {boss}")])
        assert refused.status == 400 and refused.error["param"] == query[1:].split("=")[0], "what is meant for a few is not taken for all"
    assert admin(w, key=boss).json()["entries"] == 4
    assert admin(w, "POST", {"older": "1h"}, key=boss).json() == {"purged": 0}
    assert admin(w, "POST", {"older": 3600}, key=boss).json() == {"purged": 0}
    assert admin(w, "POST", {"model": "gpt-a", "client": "app"}, key=boss).json() == {"purged": 1}
    assert [cached(ask(w, key, model="gpt-a")) for key in (KEY, OTHER)] == ["miss", "hit"]
    assert admin(w, "POST", {"client": "app"}, key=boss).json() == {"purged": 2}
    assert admin(w, "POST", key=boss).json() == {"purged": 2}
    assert cached(ask(w, OTHER, model="gpt-b")) == "miss"


@pytest.mark.parametrize("which, kept", [({}, False), ({"model": "gpt-t*"}, False), ({"model": "gpt-other"}, True)])
def test_a_purge_means_what_is_being_asked(weir, upstream, which, kept):
    """An answer that was asked for before a purge and comes after it is not kept; who asks after it does not wait for that one."""
    gates = [threading.Event(), threading.Event()]
    upstream.script(*(after(gate, reply(200, bodies.completion(f"answer {i}"))) for i, gate in enumerate(gates)))
    w = weir(upstream, cache=CACHE)
    said = [[], []]

    def begin(i):
        t = threading.Thread(target=lambda: said[i].append(ask(w)))
        t.start()
        upstream.wait_requests(i + 1)
        return t
    first = begin(0)
    assert admin(w, "POST", which).json() == {"purged": 0}
    second = begin(1)
    gates[0].set()
    first.join(20)
    assert b"answer 0" in said[0][0].body  # who had asked before hears it
    known = ask(w, headers=[("cache-control", "only-if-cached")])
    assert known.status == (200 if kept else 504)
    gates[1].set()
    second.join(20)
    assert b"answer 1" in said[1][0].body
    assert b"answer 1" in ask(w).body and cached(ask(w)) == "hit"
    assert len(upstream.requests) == 2


def test_the_command(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, cache=CACHE)
    assert [cached(ask(w)) for _ in range(3)] == ["miss", "hit", "hit"]

    def run(*args):
        return subprocess.run([daemon.WEIR, "cache", *args], capture_output=True, text=True, timeout=30)
    stats = run("stats", "--url", w.url)
    assert stats.returncode == 0, stats.stderr
    assert re.search(r"^entries +1 ", stats.stdout, re.M) and re.search(r"^hit rate +66.7%", stats.stdout, re.M)
    assert json.loads(run("stats", "--json", "--url", w.url).stdout)["hits"] == 2
    assert run("purge", "--url", w.url, "--model", "other").stdout == "0 answers dropped\n"
    assert run("purge", "--url", w.url, "--model", "gpt*").stdout == "1 answer dropped\n"
    assert cached(ask(w)) == "miss"
    for kept in (("--client", "app"), ("--older", "1h"), ("--model", "gpt*", "--older", "1h")):
        assert run("purge", "--url", w.url, *kept).stdout == "0 answers dropped\n"
    assert cached(ask(w)) == "hit"
    daemon.wait_until(lambda: run("purge", "--url", w.url, "--older", "1ms").stdout == "1 answer dropped\n", 10, "its answer is older")
    assert cached(ask(w)) == "miss"
    bad = run("purge", "--url", w.url, "--older", "soon")
    assert bad.returncode == 2 and "--older is 'soon'" in bad.stderr
    assert run().returncode == 2
    w.stop()
    gone = run("stats", "--url", w.url)
    assert gone.returncode == 1 and "refused" in gone.stderr
