"""What calls cost: the nano units of answers, records, metrics and logs are those of what the provider sent."""

import json
import re
import subprocess
from decimal import Decimal

import pytest

import bodies
import daemon
import wire
from test_call import HEDGE, ask as chat, figure, two
from test_ledger import all_calls, ask, record_of
from upstream import after, error, reply, sse

PRICES = {"prices": {"main/gpt-test": {"input": "2.50", "cached": "1.25", "cache_write": 3, "output": 10, "reasoning": 12},
                     "*": {"input": 1, "output": 1}}}


def usage(prompt, completion, **details):
    inner = {name: details[name] for name in ("cached_tokens", "cache_write_tokens") if name in details}
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion,
            "prompt_tokens_details": inner,
            "completion_tokens_details": {"reasoning_tokens": details.get("reasoning_tokens", 0)}}


def nano(u):
    """The price of PRICES, in nano units a token."""
    cached = u["prompt_tokens_details"].get("cached_tokens", 0)
    written = u["prompt_tokens_details"].get("cache_write_tokens", 0)
    reasoning = u["completion_tokens_details"]["reasoning_tokens"]
    return (1250 * cached + 3000 * written + 2500 * (u["prompt_tokens"] - cached - written)
            + 12000 * reasoning + 10000 * (u["completion_tokens"] - reasoning))


def test_the_sum_is_what_the_provider_sent(weir, upstream):
    """Plain and streamed answers, a retry after a 503, a refusal, details with prices of their own."""
    used = [usage(9, 3), usage(100, 20, cached_tokens=64, cache_write_tokens=10, reasoning_tokens=7), usage(1, 1), usage(0, 5)]
    upstream.script(reply(200, bodies.completion(usage=used[0])), error(503), reply(200, bodies.completion(usage=used[1])),
                    sse(bodies.stream("a", usage=used[2])), error(400), reply(200, bodies.completion(usage=used[3])))
    w = weir(upstream, retry={"base": "1ms"}, **PRICES)
    plain = [wire.chat(w), wire.chat(w)]
    stream = wire.chat(w, stream=True)
    refused, last = wire.chat(w), wire.chat(w)
    assert [a.header("x-weir-cost") for a in [*plain, last]] == [str(nano(u)) for u in (used[0], used[1], used[3])]
    assert stream.header("x-weir-cost") is None and record_of(w, stream)["cost_nano"] == nano(used[2])
    assert refused.status == 400 and record_of(w, refused)["cost_nano"] == 0
    record = record_of(w, plain[1])
    assert (record["cached_tokens"], record["cache_write_tokens"], record["reasoning_tokens"]) == (64, 10, 7)
    assert [t["cost_nano"] for t in record["tries"]] == [0, nano(used[1])]
    total = sum(map(nano, used))
    assert sum(c["cost_nano"] for c in all_calls(w)) == total
    summary = ask(w, "/usage/summary")
    assert (summary["cost_nano"], summary["unpriced_calls"]) == (total, 0)
    assert w.wait_call(plain[0].header("x-request-id"))["cost_nano"] == nano(used[0])
    exposed = re.findall(r'^weir_cost_total\{.*target="main"\} (\S+)$', wire.call(w, "GET", "/metrics").body.decode(), re.M)
    assert [Decimal(value) * 10**9 for value in exposed] == [total]


def test_a_lost_hedge_costs_too(weir, upstreams):
    """It told what it had used before it was stopped: that stands in tries and in the cost, not in the call's tokens."""
    main, spare = upstreams(), upstreams()
    told = bodies.chunk({"role": "assistant", "content": ""}) | {"usage": usage(50, 0)}
    main.script(sse([told], end="stall"))
    spare.script(after(0.1, sse(bodies.stream("Quick.", usage=usage(7, 2)))))
    w = weir(two(main, spare, **HEDGE, prices={"main/a": {"input": 1, "output": 1}, "spare/b": {"input": 10, "output": 10}}))
    record = record_of(w, chat(w, True))
    assert (record["prompt_tokens"], record["completion_tokens"]) == (7, 2)
    assert [(t["prompt_tokens"], t["cost_nano"]) for t in record["tries"]] == [(50, 50000), (7, 90000)]
    assert record["cost_nano"] == 140000


def test_a_lost_hedge_that_told_nothing_costs_its_prompt(weir, upstreams):
    main, spare = upstreams(), upstreams()
    main.script(sse([bodies.chunk({"role": "assistant", "content": ""})], end="stall"))
    spare.script(after(0.1, sse(bodies.stream("Quick.", usage=usage(7, 2)))))
    w = weir(two(main, spare, **HEDGE, prices={"main/a": {"input": 1, "output": 1}, "spare/b": {"input": 10, "output": 10}}))
    record = record_of(w, chat(w, True))
    lost, won = record["tries"]
    assert lost["estimated"] is True and lost["prompt_tokens"] > 0 and lost["completion_tokens"] == 0
    assert lost["cost_nano"] == 1000 * lost["prompt_tokens"]
    assert record["cost_nano"] == lost["cost_nano"] + won["cost_nano"] == lost["cost_nano"] + 90000
    assert record["prompt_tokens"] == 7 and not record["estimated"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_its_client_leaves_costs_its_prompt(weir, upstream, stream):
    """Before anything has come: a client that is in a hurry, and asks again, spends what its budget counts."""
    upstream.always(after(60, reply(200, bodies.completion())))
    w = weir(upstream, clients=[{"name": "app", "key": "0123456789abcdef", "limits": {"spend": "0.02/d"}}], prices={"*": {"input": 1000, "output": 1}})
    for times in (1, 2):
        with wire.connect(w) as c:
            c.request("POST", "/v1/chat/completions", {"model": "gpt-test", "stream": stream, "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]},
                      headers=[("authorization", "Bearer 0123456789abcdef")])
            upstream.wait_requests(times)
            c.abort()
        line = w.calls(times)[-1]
        assert line["outcome"] == "cancelled" and line["cost_nano"] > 4_000_000, line
    assert wire.chat(w, headers={"Authorization": "Bearer 0123456789abcdef"}, max_tokens=1).error["code"] == "insufficient_quota"


def test_a_lost_hedge_that_was_not_answered_costs_its_prompt(weir, upstreams):
    main, spare = upstreams(), upstreams()
    main.script(after(60, reply(200, bodies.completion())))
    spare.script(after(0.1, reply(200, bodies.completion(usage=usage(7, 2)))))
    w = weir(two(main, spare, **HEDGE, prices={"main/a": {"input": 1, "output": 1}, "spare/b": {"input": 10, "output": 10}}))
    lost, won = record_of(w, chat(w, True))["tries"]
    assert lost["estimated"] is True and lost["cost_nano"] == 1000 * lost["prompt_tokens"] > 0 and won["cost_nano"] == 90000


def test_a_broken_stream_costs_what_is_reckoned(weir, upstream):
    upstream.script(sse(bodies.stream("a", "b")[:-1], end="cut"))
    w = weir(upstream, retry={"retries": 0}, **PRICES)
    record = record_of(w, wire.chat(w, stream=True))
    assert record["outcome"] == "cut" and record["estimated"] is True and record["completion_tokens"] > 0
    assert record["cost_nano"] == 2500 * record["prompt_tokens"] + 10000 * record["completion_tokens"]
    assert record["tries"][0]["cost_nano"] == record["cost_nano"]


def test_without_a_price_a_call_is_unpriced_and_not_free(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, prices={"other/*": {"input": 1, "output": 1}})
    answer = wire.chat(w)
    assert answer.header("x-weir-cost") is None
    assert record_of(w, answer)["cost_nano"] is None
    summary = ask(w, "/usage/summary")
    assert (summary["cost_nano"], summary["unpriced_calls"]) == (0, 1)
    assert figure(w, "weir_unpriced_calls_total", target="main") == 1


def test_a_tier_of_service_has_prices_of_its_own(weir, upstream):
    """As the answer names it, plain, streamed and in a response; what the tier leaves out, and one without prices, costs as any other."""
    def answer(tier, **more):
        return reply(200, {**bodies.completion(usage=usage(10, 2, reasoning_tokens=1)), "service_tier": tier, **more})
    stream = [{**chunk, "service_tier": "priority"} for chunk in bodies.stream("a", usage=usage(10, 2))]
    response = {"id": "resp_1", "object": "response", "status": "completed", "output": [], "service_tier": "batch",
                "usage": {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}}
    upstream.script(answer("flex"), answer("default"), answer("scale"), sse(stream), reply(200, response),
                    sse([{"type": "response.created", "response": {**response, "status": "in_progress", "usage": None}},
                         {"type": "response.completed", "response": response}], end="no_done"))
    w = weir(upstream, prices={"main/gpt-test": {"input": 2, "output": 10, "reasoning": 20, "service_tiers": {
        "flex": {"input": 1, "output": 5}, "priority": {"input": 4, "output": 20}, "batch": {"output": 1}}}})
    costs = [record_of(w, wire.chat(w))["cost_nano"] for _ in range(3)]
    assert costs == [10 * 1000 + 5000 + 20000, 10 * 2000 + 10000 + 20000, 10 * 2000 + 10000 + 20000]
    assert record_of(w, wire.chat(w, stream=True))["cost_nano"] == 10 * 4000 + 2 * 20000
    for streamed in (False, True):
        made = wire.call(w, "POST", "/v1/responses", {"model": "gpt-test", "input": "x", "stream": streamed})
        assert record_of(w, made)["cost_nano"] == 10 * 2000 + 2 * 1000


def test_what_is_reckoned_has_the_prices_of_its_tier_of_service(weir, upstream):
    """Of a plain answer without usage, and of streams that break off, the one's tier told in a chunk, the other's in a response."""
    chunks = [{**chunk, "service_tier": "priority"} for chunk in bodies.stream("a", "b")[:-1]]
    begun = [{"type": "response.created", "response": {"id": "resp_1", "object": "response", "status": "in_progress", "output": [],
                                                       "service_tier": "priority"}},
             {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "one two three"}]
    upstream.script(reply(200, bodies.completion(usage=None, service_tier="priority")), sse(chunks, end="cut"), sse(begun, end="cut"))
    w = weir(upstream, retry={"retries": 0}, prices={"main/gpt-test": {"input": 2, "output": 10, "service_tiers": {
        "priority": {"input": 4, "output": 30}}}})
    made = [wire.chat(w), wire.chat(w, stream=True),
            wire.call(w, "POST", "/v1/responses", {"model": "gpt-test", "input": "x", "stream": True})]
    for record in [record_of(w, answer) for answer in made]:
        assert record["estimated"] is True and record["prompt_tokens"] > 0 and record["completion_tokens"] > 0
        assert record["cost_nano"] == 4000 * record["prompt_tokens"] + 30000 * record["completion_tokens"]


def test_figures_that_come_in_pieces_are_one_usage(weir, upstream):
    """The prompt at the beginning of a stream and the rest at its end; whole numbers with a point; a total that leaves out its parts."""
    chunks = bodies.stream("a")
    chunks[0]["usage"] = {"prompt_tokens": 5000, "prompt_tokens_details": {"cached_tokens": 4000}}
    chunks[-1]["usage"] = {"completion_tokens": 7, "prompt_tokens": 0}
    upstream.script(sse(chunks), reply(200, bodies.completion(usage={"prompt_tokens": 50.0, "completion_tokens": 7.0, "total_tokens": 0})))
    w = weir(upstream, **PRICES)
    record = record_of(w, wire.chat(w, stream=True))
    assert (record["prompt_tokens"], record["cached_tokens"], record["completion_tokens"], record["total_tokens"]) == (5000, 4000, 7, 5007)
    assert record["cost_nano"] == 1250 * 4000 + 2500 * 1000 + 10000 * 7 and not record["estimated"]
    record = record_of(w, wire.chat(w))
    assert (record["prompt_tokens"], record["completion_tokens"], record["total_tokens"]) == (50, 7, 57)
    assert record["cost_nano"] == 2500 * 50 + 10000 * 7


def test_what_a_transcription_hears_has_a_price_of_its_own(weir, upstream):
    """Its details have names of their own (TranscriptionTextDoneEvent of the OpenAI SDK), plain and streamed."""
    used = {"type": "tokens", "input_tokens": 100, "input_token_details": {"text_tokens": 10, "audio_tokens": 90}, "output_tokens": 20, "total_tokens": 120}
    said = [{"type": "transcript.text.delta", "delta": "Hi"}, {"type": "transcript.text.done", "text": "Hi", "usage": used}]
    upstream.script(reply(200, {"text": "Hi", "usage": used}), sse(said, end="no_done"))
    w = weir(upstream, passthrough=["/v1/audio/*"], prices={"main/hearing": {"input": 1, "audio": 6, "output": 10}})
    for _ in range(2):
        answer = wire.call(w, "POST", "/openai/deployments/hearing/audio/transcriptions", b"--b--", {"Content-Type": "multipart/form-data; boundary=b"})
        record = record_of(w, answer)
        assert (record["prompt_tokens"], record["audio_tokens"], record["completion_tokens"]) == (100, 90, 20)
        assert record["cost_nano"] == 90 * 6000 + 10 * 1000 + 20 * 10000


def test_what_is_looked_at_once_more_is_not_paid_once_more(weir, upstream):
    """A stored response that is fetched, changed and removed, and a batch: they tell what another call, or the batch, has used."""
    response = {"id": "resp_1", "object": "response", "status": "completed", "output": [], "model": "gpt-test",
                "usage": {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}}
    batch = {"id": "batch_1", "object": "batch", "status": "completed", "usage": {"input_tokens": 900, "output_tokens": 90, "total_tokens": 990}}
    upstream.always(lambda r: reply(200, batch if "batch" in r.path else response))
    w = weir(upstream, passthrough=["/v1/responses/*", "/v1/batches", "/v1/batches/*"], prices={"*": {"input": 1, "output": 1}})
    assert record_of(w, wire.call(w, "POST", "/v1/responses", {"model": "gpt-test", "input": "x"}))["cost_nano"] == 12000
    looks = [("GET", "/v1/responses/resp_1", None), ("DELETE", "/v1/responses/resp_1", None), ("POST", "/v1/responses/resp_1/cancel", None),
             ("GET", "/v1/batches/batch_1", None), ("POST", "/v1/batches", {"input_file_id": "file_1"}), ("POST", "/v1/batches/batch_1/cancel", {})]
    for method, path, body in 2 * looks:
        answer = wire.call(w, method, path, body)
        assert answer.status == 200, answer.body
        record = record_of(w, answer)
        assert (record["prompt_tokens"], record["total_tokens"], record["cost_nano"]) == (None, None, 0), path
    made = record_of(w, wire.call(w, "POST", "/v1/responses/compact", {"model": "gpt-test", "input": "x"}))
    assert (made["total_tokens"], made["cost_nano"]) == (12, 12000)  # a model was asked
    summary = ask(w, "/usage/summary")
    assert (summary["total_tokens"], summary["cost_nano"], summary["unpriced_calls"]) == (24, 24000, 0)
    assert figure(w, "weir_unpriced_calls_total", model="*", target="main") == 0


def test_a_model_that_is_not_named_is_asked_all_the_same(weir, upstream):
    """A run of an assistant's, an agent's completion: the model is what the provider keeps with it."""
    upstream.always(reply(200, {"object": "thread.run", "status": "completed", "usage": usage(900, 90)}))
    w = weir(upstream, passthrough=["/v1/threads/*", "/v1/agents/completions"], prices={"*": {"input": 1, "output": 1}})
    asked = [("/v1/threads/t_1/runs", {"assistant_id": "a_1"}), ("/v1/agents/completions", {"agent_id": "a_1", "messages": [{"role": "user", "content": "x"}]})]
    for path, body in asked:
        record = record_of(w, wire.call(w, "POST", path, body))
        assert (record["total_tokens"], record["cost_nano"]) == (990, 990_000), path


def test_an_hour_of_the_day_has_prices_of_its_own(weir, upstream):
    """What holds when the call ends; the listing shows all of them."""
    upstream.always(reply(200, {**bodies.completion(usage=usage(10, 2))}))
    around_the_clock = [{"from": "00:00", "to": "12:00", "input": 4}, {"from": "12:00", "to": "24:00", "input": 4}]
    w = weir(upstream, prices={"main/gpt-test": {"input": 2, "output": 10, "hours": around_the_clock}})
    assert record_of(w, wire.chat(w))["cost_nano"] == 10 * 4000 + 2 * 10000
    listed, = wire.call(w, "GET", "/usage/prices?pattern=main/gpt-test").json()
    assert listed["hours"] == [{**one, "output": 10, "tiers": []} for one in around_the_clock]


# -- weir prices ---------------------------------------------------------------------------------------------------

FILE = """providers: {openai: {url: "http://127.0.0.1:1/v1"}, far: {url: "http://127.0.0.1:2/v1"}}
prices:
  "openai/gpt-4o*": {input: 2.50, cached: 1.25, output: 10}
  llama: {input: 0.1, tiers: [{above: 200000, input: 0.2}]}
  slow: {input: 2, service_tiers: {flex: {input: 1, tiers: [{above: 9, input: 3}]}, batch: {input: 2}}}
  night: {input: 2, output: 4, hours: [{from: "22:30", to: "06:00", input: 1, tiers: [{above: 9, output: 3}]}, {from: "12:00", to: "24:00", output: 5}]}
"""


def prices(tmp_path, *args):
    path = tmp_path / "weir.yaml"
    path.write_text(FILE)
    run = subprocess.run([daemon.WEIR, "prices", "-c", path, *args], capture_output=True, text=True, timeout=20)
    return run.returncode, run.stdout.replace(str(path), "weir.yaml"), run.stderr


@pytest.mark.parametrize("operand, expected", [
    ("openai/gpt-4o-mini", "openai/gpt-4o-mini: {input: 2.5, cached: 1.25, output: 10}  # weir.yaml:3\n"),
    ("far/llama", "far/llama: {input: 0.1, tiers: [{above: 200000, input: 0.2}]}  # weir.yaml:4\n"),
    ("llama", "llama: {input: 0.1, tiers: [{above: 200000, input: 0.2}]}  # weir.yaml:4\n"),
    ("far/slow", "far/slow: {input: 2, service_tiers: {flex: {input: 1, tiers: [{above: 9, input: 3}]}, batch: {}}}  # weir.yaml:5\n"),
    ("far/night", 'far/night: {input: 2, output: 4, hours: [{from: "22:30", to: "06:00", input: 1, tiers: [{above: 9, output: 3}]}, '
                  '{from: "12:00", to: "24:00", output: 5}]}  # weir.yaml:6\n'),
    ("openai/gpt-4o*", '"openai/gpt-4o*": {input: 2.5, cached: 1.25, output: 10}  # weir.yaml:3\n'),
])
def test_prices_says_what_is_in_force_and_where_it_stands(tmp_path, operand, expected):
    assert prices(tmp_path, operand) == (0, expected, "")


def test_prices_has_the_table_beneath(tmp_path):
    status, out, _ = prices(tmp_path)
    assert status == 0 and len(out.splitlines()) > 50 and "openai/gpt-4o-mini" not in out and "far/gpt" not in out
    status, out, _ = prices(tmp_path, "openai/gpt-4", "--json")
    row = json.loads(out)[0]
    assert status == 0 and (row["pattern"], row["input"], row["output"]) == ("openai/gpt-4", 30, 60)
    assert row["from"].startswith("genai-prices ")


def test_prices_without_one_fails(tmp_path):
    assert prices(tmp_path, "far/gpt-4") == (1, "", "weir: no price is known for far/gpt-4\n")
    status, out, err = prices(tmp_path, "a", "b")
    assert (status, out) == (2, "") and "b" in err
