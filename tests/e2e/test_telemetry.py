"""What a receiver of OTLP is told of calls (docs/telemetry.md), and what becomes of it, and of calls, when it does not take it."""

import json
import re
import signal
import threading
import time

import pytest

import bodies
import daemon
import pki
import wire
from receiver import Receiver, partial
from test_functions import TIME, call, calling
from upstream import after, black_hole, error, refused_port, reply, sse, stall

OK = reply(200, b"")
ANSWER = reply(200, bodies.completion("Hello there."))
TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
SOON = "100ms"


@pytest.fixture
def receiver(upstreams):
    up = upstreams()
    up.always(OK)
    return Receiver(up)


def telling(receiver, **over):
    return daemon.merged({"endpoint": receiver.endpoint, "interval": SOON}, over)


def traceparent(request):
    found = re.fullmatch(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})", request.header("traceparent"))
    assert found, request.header("traceparent")
    return found.groups()


def count(w, outcome):
    return w.metrics().get(f'weir_telemetry_spans_total{{outcome="{outcome}"}}', 0)


# ---- spans ----


@pytest.mark.parametrize("form", [{}, {"compression": "gzip"}, {"protocol": "json"}, {"protocol": "json", "compression": "gzip"}],
                         ids=["protobuf", "protobuf gzip", "json", "json gzip"])
def test_a_call_and_its_attempt(weir, upstream, receiver, form):
    upstream.script(reply(200, bodies.completion("Hello there."), {"x-request-id": "req_1"}))
    w = weir(upstream, telemetry=telling(receiver, headers={"x-key": "tiger-tiger-burning"}, resource={"team": "search"}, **form))
    answer = wire.chat(w, max_tokens=50, temperature=0.25)
    call, attempt = receiver.wait_call()
    assert call.name == "POST /v1/chat/completions"
    assert call.resource["service.name"] == "weir" and call.resource["team"] == "search"
    assert call.resource["service.instance.id"] and call.resource["service.version"]
    assert call["http.response.status_code"] == 200
    assert call["weir.request_id"] == answer.header("x-request-id")
    assert (call["weir.model"], call["weir.target"], call["weir.attempts"]) == ("gpt-test", "main/gpt-test", 1)
    assert call["client.address"] == "127.0.0.1"
    assert not [key for key in call.attributes if key.startswith("gen_ai.")]
    assert attempt.name == "chat gpt-test"
    expected = {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-test", "gen_ai.request.max_tokens": 50, "gen_ai.request.temperature": 0.25,
        "gen_ai.response.model": "gpt-test", "gen_ai.response.id": bodies.completion()["id"], "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": bodies.USAGE["prompt_tokens"], "gen_ai.usage.output_tokens": bodies.USAGE["completion_tokens"],
        "server.address": "127.0.0.1", "server.port": upstream.port, "http.response.status_code": 200,
        "weir.outcome": "ok", "weir.provider_request_id": "req_1",
    }
    assert expected.items() <= attempt.attributes.items()
    assert call.start <= attempt.start <= attempt.end <= call.end
    assert abs(call.start / 1e9 - time.time()) < 60
    assert (call.status, attempt.status) == (0, 0)
    assert receiver.requests("traces")[0].header("x-key") == "tiger-tiger-burning"
    assert "Hello" not in str([s.attributes for s in (call, attempt)])
    assert "tiger" not in w.output()


@pytest.mark.parametrize("path, body, route", [
    ("/chat", {"message": "Hi"}, "/chat"), ("/chat/functions", {"message": "Hi"}, "/chat/functions"),
    ("/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}, "/chat/completions"),
    ("/openai/deployments/a%20b/chat/completions", {"messages": [{"role": "user", "content": "Hi"}]}, "/openai/deployments/{deployment}/chat/completions"),
    ("/v1/files/file-1", {"x": 1}, None)], ids=["chat", "functions", "bare", "deployment", "passthrough"])
def test_paths_as_they_were_sent(weir, upstream, receiver, path, body, route):
    upstream.always(ANSWER)
    w = weir(upstream, telemetry=telling(receiver), chat={"model": "gpt-test"}, passthrough=["/v1/files/*"], **TIME)
    assert wire.call(w, "POST", path + "?secret=1", body).status == 200
    daemon.wait_until(lambda: [s for s in receiver.spans() if s.kind == "SERVER"], 15, "no span came")
    (call,) = [s for s in receiver.spans() if s.kind == "SERVER"]
    assert call.name == ("POST " + route if route else "POST") and call["url.path"] == path
    assert call.attributes.get("http.route") == route and "secret" not in str(call.attributes)


def test_the_steps_of_a_run_are_no_requests(weir, upstream, receiver):
    upstream.script(calling(call("get_current_time")), ANSWER)
    w = weir(upstream, telemetry=telling(receiver, traces=False), chat={"model": "gpt-test"}, **TIME)
    assert wire.call(w, "POST", "/chat/functions", {"message": "Hi"}).status == 200
    receiver.wait_point("gen_ai.client.operation.duration", lambda p: p.count == 2)
    daemon.wait_until(lambda: receiver.points("gen_ai.server.request.duration"), 15, "the run was not counted")
    assert sum(p.count for p in receiver.points("gen_ai.server.request.duration")) == 1


def test_a_client_s_trace_goes_on(weir, upstream, receiver):
    upstream.script(ANSWER)
    w = weir(upstream, telemetry=telling(receiver))
    answer = wire.chat(w, headers={"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "congo=t61, rojo=00f0", "baggage": "a=b"})
    call, attempt = receiver.wait_call()
    assert (call.trace, call.parent, call.state) == (TRACE, PARENT, "congo=t61, rojo=00f0")
    (request,) = upstream.requests
    assert traceparent(request) == (TRACE, attempt.id, "01")
    assert (request.header("tracestate"), request.header("baggage")) == ("congo=t61, rojo=00f0", "a=b")
    assert w.wait_call(answer.header("x-request-id"))["trace_id"] == TRACE


@pytest.mark.parametrize("sent", [
    {"traceparent": f"00-{TRACE}-{PARENT}-1", "tracestate": "a=1"},
    {"traceparent": f"00-{'0' * 32}-{PARENT}-01", "tracestate": "a=1"},
    {"traceparent": f"ff-{TRACE}-{PARENT}-01", "tracestate": "a=1"},
    {"tracestate": "a=1"},
    {},
], ids=["short", "no trace", "version ff", "no parent", "nothing"])
def test_what_is_no_trace_begins_anew(weir, upstream, receiver, sent):
    upstream.script(ANSWER)
    w = weir(upstream, telemetry=telling(receiver))
    wire.chat(w, headers=sent)
    call, attempt = receiver.wait_call()
    (request,) = upstream.requests
    trace, span, flags = traceparent(request)
    assert (trace, span, call.parent, call.state) == (call.trace, attempt.id, "", "")
    assert trace != TRACE and int(flags, 16) & 1
    assert request.header("tracestate") is None


def test_two_traceparents_are_none(weir, upstream, receiver):
    upstream.script(ANSWER)
    w = weir(upstream, telemetry=telling(receiver))
    wire.chat(w, headers=[("traceparent", f"00-{TRACE}-{PARENT}-01"), ("traceparent", f"00-{TRACE}-{PARENT}-01")])
    call, _ = receiver.wait_call()
    assert call.trace != TRACE


@pytest.mark.parametrize("sent, sample", [({"traceparent": f"00-{TRACE}-{PARENT}-00"}, "100%"), ({}, "0%")], ids=["client", "share"])
def test_what_is_not_sampled_is_handed_on(weir, upstream, receiver, sent, sample):
    upstream.script(ANSWER, ANSWER)
    w = weir(upstream, telemetry=telling(receiver, sample=sample))
    wire.chat(w, headers=sent)
    wire.chat(w, headers={"traceparent": f"00-{'1' * 32}-{PARENT}-01"})
    (call, _) = receiver.wait_call()
    assert call.trace == "1" * 32
    trace, span, flags = traceparent(upstream.requests[0])
    assert int(flags, 16) & 1 == 0 and span != PARENT
    assert trace == TRACE or not sent


def test_a_stream(weir, upstream, receiver):
    upstream.script(sse(bodies.stream("Hello ", "there.", usage=bodies.USAGE), pace=0.02))
    w = weir(upstream, telemetry=telling(receiver))
    wire.chat(w, stream=True)
    call, attempt = receiver.wait_call()
    assert attempt["gen_ai.request.stream"] is True and call["weir.stream"] is True
    assert 0 < attempt["gen_ai.response.time_to_first_chunk"] <= (attempt.end - attempt.start) / 1e9
    assert attempt["gen_ai.usage.output_tokens"] == bodies.USAGE["completion_tokens"]
    assert attempt["gen_ai.response.finish_reasons"] == ["stop"]
    assert attempt["gen_ai.response.model"] == "gpt-test"


def test_retries_and_fallbacks_are_attempts(weir, upstreams, upstream, receiver):
    spare = upstreams().script(ANSWER)
    upstream.script(error(503), error(503))
    w = weir(upstream, telemetry=telling(receiver), retry={"retries": 1}, models={"*": ["main", "spare/other"]},
             providers={"spare": {"kind": "openai", "url": spare.url}})
    wire.chat(w)
    call, first, second, third = receiver.wait_call(3)
    assert (call["weir.attempts"], call.status) == (3, 0)
    for number, attempt in enumerate((first, second), 1):
        assert (attempt["error.type"], attempt["weir.outcome"], attempt.status) == ("503", "overload", 2)
        assert attempt["weir.attempt"] == number
        assert "gen_ai.usage.input_tokens" not in attempt and "gen_ai.response.id" not in attempt
    assert (third.name, third["weir.outcome"], third["server.port"]) == ("chat other", "ok", spare.port)
    assert [traceparent(r)[1] for r in upstream.requests + spare.requests] == [first.id, second.id, third.id]


def test_a_hedge_is_linked(weir, upstreams, upstream, receiver):
    spare = upstreams().script(ANSWER)
    upstream.script(stall("before_head"))
    w = weir(upstream, telemetry=telling(receiver), hedge={"after": "50ms", "at_most": "100%"}, models={"*": ["main", "spare"]},
             providers={"spare": {"kind": "openai", "url": spare.url}})
    wire.chat(w)
    call, lost, hedge = receiver.wait_call(2)
    assert call["weir.hedges"] == 1
    assert (lost["weir.outcome"], lost.status, "error.type" in lost) == ("cancelled", 0, False)
    assert hedge["weir.hedge"] is True and hedge["weir.outcome"] == "ok"
    assert hedge.links == [lost.id] and not lost.links


def test_refusals_have_a_span(weir, upstream, receiver):
    w = weir(upstream, telemetry=telling(receiver), clients=[{"name": "ci", "key": "client-key-0123456789"}])
    wire.chat(w, headers={"authorization": "Bearer wrong", "traceparent": f"00-{TRACE}-{PARENT}-01"})
    wire.call(w, "POST", "/v1/chat/completions", b'{"model":', {"authorization": "Bearer client-key-0123456789"})
    spans = {s["http.response.status_code"]: s for s in receiver.wait_spans(2)}
    assert spans[400]["error.type"] == "invalid_json" and spans[400]["weir.client"] == "ci"
    assert spans[401]["error.type"] == "invalid_api_key" and spans[401].trace == TRACE
    assert all(s.kind == "SERVER" and s.status == 0 for s in spans.values())


def test_a_cut_stream_and_a_client_that_leaves(weir, upstream, receiver):
    upstream.script(sse(bodies.stream("Hello ")[:2], end="cut"), sse(bodies.stream("Hello ")[:2], end="stall"))
    w = weir(upstream, telemetry=telling(receiver))
    wire.chat(w, stream=True)
    cut, attempt = receiver.wait_call()
    assert (cut["weir.outcome"], cut.status, attempt.status) == ("cut", 2, 2)
    with wire.connect(w) as client:
        client.send(wire.make_request("POST", "/v1/chat/completions", json.dumps(
            {"model": "gpt-test", "stream": True, "messages": [{"role": "user", "content": "Hi"}]})))
        upstream.wait_requests(2)
    left, attempt = receiver.wait_spans(4)[2:]
    assert (left["http.response.status_code"], left["weir.outcome"], left.status) == (499, "cancelled", 0)
    assert (attempt["weir.outcome"], attempt.status) == ("cancelled", 0)


SECRET = "the moon is made of basalt"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("content", [False, True])
def test_words_only_where_they_are_asked_for(weir, upstream, receiver, stream, content):
    said = f"Yes: {SECRET}"
    upstream.script(sse(bodies.stream("Yes: ", SECRET)) if stream else reply(200, bodies.completion(said)))
    w = weir(upstream, telemetry=telling(receiver, content=content))
    wire.chat(w, stream=stream, messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": f"Is it true that {SECRET}?"}])
    call, attempt = receiver.wait_call()
    assert SECRET not in str(call.attributes)
    if not content:
        assert SECRET not in str(attempt.attributes)
        return
    assert json.loads(attempt["gen_ai.input.messages"]) == [
        {"role": "system", "parts": [{"type": "text", "content": "Be brief."}]},
        {"role": "user", "parts": [{"type": "text", "content": f"Is it true that {SECRET}?"}]}]
    assert json.loads(attempt["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "text", "content": said}], "finish_reason": "stop"}]
    assert "weir.content_cut" not in attempt


def test_tools_and_what_is_too_long(weir, upstream, receiver):
    tool = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    answer = bodies.completion(None)
    answer["choices"][0]["message"]["tool_calls"] = [tool]
    answer["choices"][0]["finish_reason"] = "tool_calls"
    upstream.script(reply(200, answer))
    w = weir(upstream, telemetry=telling(receiver, content=True))
    wire.chat(w, messages=[{"role": "assistant", "tool_calls": [tool]}, {"role": "tool", "tool_call_id": "call_1", "content": "2"},
                           {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]},
                           {"role": "user", "content": "é" * 30000}, {"role": "user", "content": "beyond"}])
    _, attempt = receiver.wait_call()
    asked = json.loads(attempt["gen_ai.input.messages"])
    assert asked[0]["parts"] == [{"type": "tool_call", "id": "call_1", "name": "add", "arguments": '{"a": 1}'}]
    assert asked[1]["parts"] == [{"type": "tool_call_response", "id": "call_1", "response": "2"}]
    assert asked[2]["parts"] == [{"type": "image"}]
    long = asked[3]["parts"][0]["content"]
    assert 16000 < len(long) <= 16384 and set(long) == {"é"} and len(asked) == 4
    assert attempt["weir.content_cut"] is True
    assert json.loads(attempt["gen_ai.output.messages"]) == [
        {"role": "assistant", "parts": [{"type": "tool_call", "name": "add", "arguments": '{"a": 1}'}], "finish_reason": "tool_calls"}]


# ---- metrics ----


def test_metrics(weir, upstream, receiver):
    upstream.script(ANSWER, sse(bodies.stream("Hello ", "there.", usage=bodies.USAGE)), error(400))
    w = weir(upstream, telemetry=telling(receiver, traces=False), models={"known": "main/gpt-test"})
    before = time.time()
    for more in ({}, {"stream": True}, {}):
        wire.chat(w, model="known", **more)
    labels = {"gen_ai__operation__name": "chat", "gen_ai__provider__name": "openai", "gen_ai__request__model": "gpt-test"}
    took = receiver.wait_point("gen_ai.client.operation.duration", lambda p: p.count == 2, **labels)
    assert list(took.explicit_bounds) == [0.01 * 2**n for n in range(14)] and sum(took.bucket_counts) == 2
    receiver.wait_point("gen_ai.client.operation.duration", lambda p: p.count == 1, error__type="400", **labels)
    tokens = receiver.wait_point("gen_ai.client.token.usage", lambda p: p.count == 2, gen_ai__token__type="input", **labels)
    assert tokens.sum == 2 * bodies.USAGE["prompt_tokens"] and list(tokens.explicit_bounds) == [4**n for n in range(14)]
    for name in ("gen_ai.client.operation.time_to_first_chunk", "gen_ai.server.time_to_first_token"):
        receiver.wait_point(name, lambda p: p.count == 1, **labels)
    receiver.wait_point("gen_ai.server.request.duration", lambda p: p.count == 2, **labels)
    calls = receiver.wait_point("weir.calls", lambda p: p.as_int == 2, endpoint="chat.completions", outcome="ok")
    assert before - 30 < calls.start_time_unix_nano / 1e9 < calls.time_unix_nano / 1e9 < time.time() + 1
    metric = receiver.metrics()["weir.calls"]
    assert metric.sum.is_monotonic and metric.sum.aggregation_temporality == 2
    assert receiver.metrics()["weir.call_duration"].unit == "s"
    receiver.wait_point("process.resident_memory")
    assert not receiver.requests("traces")
    assert "gen_ai" not in wire.call(w, "GET", "/metrics").body.decode()


def test_a_client_s_word_is_no_series(weir, upstream, receiver):
    upstream.always(error(404, code="model_not_found"))
    w = weir(upstream, telemetry=telling(receiver, traces=False))
    for n in range(3):
        wire.chat(w, model=f"made-up-{n}")
    receiver.wait_point("gen_ai.client.operation.duration", lambda p: p.count == 3, error__type="404")
    assert "made-up" not in str(receiver.metrics())


# ---- where to, and whether ----


def test_off_it_is_off(weir, upstream, receiver):
    upstream.script(ANSWER)
    w = weir(upstream, env={"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint}, telemetry="off")
    answer = wire.chat(w, headers={"traceparent": "theirs", "tracestate": "a=1"})
    assert (upstream.requests[0].header("traceparent"), upstream.requests[0].header("tracestate")) == ("theirs", "a=1")
    assert "trace_id" not in w.wait_call(answer.header("x-request-id"))
    w.stop()
    assert not receiver.upstream.requests


def test_the_variables_of_opentelemetry(weir, upstream, receiver):
    upstream.script(ANSWER)
    w = weir(upstream, env={"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint + "/base", "OTEL_SERVICE_NAME": "gateway",
                            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20dGlnZXI6cw", "OTEL_RESOURCE_ATTRIBUTES": "a=b",
                            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"})
    wire.chat(w)
    w.stop()  # what waits is sent
    requests = receiver.upstream.requests
    assert {r.path for r in requests} == {"/base/v1/traces", "/base/v1/metrics"}
    assert {r.header("authorization") for r in requests} == {"Basic dGlnZXI6cw"}
    body = json.loads(next(r.body for r in requests if "traces" in r.path))
    named = {a["key"]: a["value"].get("stringValue") for a in body["resourceSpans"][0]["resource"]["attributes"]}
    assert (named["service.name"], named["a"]) == ("gateway", "b")


def test_over_tls(weir, upstream, upstreams, tmp_path_factory):
    authority = pki.Authority(tmp_path_factory.mktemp("pki"))
    receiver = Receiver(upstreams(tls=authority.issue("127.0.0.1").server()))
    receiver.upstream.always(OK)
    upstream.script(ANSWER)
    w = weir(upstream, telemetry=telling(receiver, ca_file=str(authority.file)))
    wire.chat(w)
    receiver.wait_call()


def test_a_reload_sends_elsewhere_and_stops(weir, upstream, upstreams, receiver):
    upstream.always(ANSWER)
    kept, port = refused_port()
    other = Receiver(upstreams().always(OK))
    w = weir(upstream, telemetry={"endpoint": f"http://127.0.0.1:{port}", "interval": SOON, "metrics": False})
    wire.chat(w)
    w.wait_event("telemetry_failed")
    w.reload(daemon.config_for(upstream, telemetry=telling(receiver)))
    receiver.wait_call()  # what waited goes to the new one
    w.reload(daemon.config_for(upstream, telemetry=telling(other, protocol="json")))
    wire.chat(w)
    other.wait_call()
    w.reload(daemon.config_for(upstream))
    answer = wire.chat(w)
    assert "trace_id" not in w.wait_call(answer.header("x-request-id"))
    assert len(receiver.spans()) == 2 and len(other.spans()) == 2
    kept.close()


def test_what_waits_at_the_end_is_sent(weir, upstream, receiver):
    upstream.always(ANSWER)
    w = weir(upstream, telemetry=telling(receiver, interval="1h"), server={"workers": 2})
    for _ in range(10):
        wire.chat(w)
    w.stop()
    assert len(receiver.spans()) == 20
    assert receiver.points("weir.calls", outcome="ok")[0].as_int == 10


def test_what_is_under_way_at_the_end_and_fails_is_sent_once_more(weir, upstream, receiver):
    asked_to_end = threading.Event()
    receiver.upstream.script(after(asked_to_end, error(503)), OK)
    upstream.always(ANSWER)
    w = weir(upstream, telemetry=telling(receiver, metrics=False))
    wire.chat(w)
    receiver.upstream.wait_requests(1)
    w.process.send_signal(signal.SIGTERM)
    w.wait_event("draining")
    asked_to_end.set()
    w.wait_exit()
    first, second = receiver.requests("traces")
    assert first.body == second.body


# ---- a receiver that does not take it ----


def end_within(seconds, begun):
    """Of a promise that is a time: the best of three weirs, as begun() starts them, keeps it at their end."""
    took = []
    while not took or min(took) >= seconds and len(took) < 3:
        w = begun()
        began = time.monotonic()
        w.stop()
        took.append(time.monotonic() - began)
    assert min(took) < seconds, took


def test_a_receiver_that_is_down(weir, upstream):
    upstream.always(ANSWER)
    kept, port = refused_port()

    def begun():
        w = weir(upstream, telemetry={"endpoint": f"http://127.0.0.1:{port}", "interval": SOON}, server={"workers": 1})
        for _ in range(5):
            assert wire.chat(w).status == 200
        failed = w.wait_event("telemetry_failed")
        assert failed["level"] == "warn" and failed["signal"] in ("traces", "metrics") and failed["detail"]
        daemon.wait_until(lambda: w.metrics()['weir_telemetry_failed_requests_total{signal="metrics"}'] >= 1, 10, "it is not counted")
        daemon.wait_until(lambda: w.metrics().get('weir_telemetry_failed_requests_total{signal="traces"}', 0) >= 1, 10, "it is not counted")
        daemon.wait_until(lambda: w.metrics()["weir_telemetry_queue_bytes"] > 0, 5, "what waits for another try is not told")
        return w

    end_within(2.5, begun)  # nobody waits for one who is not there
    kept.close()


@pytest.mark.parametrize("answer", [stall("before_head"), stall("in_body"), after(30, OK)], ids=["silent", "half an answer", "slow"])
def test_a_receiver_that_is_slow(weir, upstream, receiver, answer):
    upstream.always(ANSWER)
    receiver.upstream.always(answer)
    w = weir(upstream, telemetry=telling(receiver, timeout="300ms"))
    for _ in range(5):
        assert wire.chat(w).status == 200
    assert "telemetry.timeout" in w.wait_event("telemetry_failed")["detail"]
    receiver.upstream.always(OK)
    daemon.wait_until(lambda: len({s.id for s in receiver.spans()}) == 10, 20, "not all spans came")
    daemon.wait_until(lambda: count(w, "sent") == 10, 10, "they are not counted as sent")
    assert count(w, "dropped") == 0
    w.wait_event("telemetry_restored")


def test_a_receiver_behind_a_black_hole_does_not_hold_the_end(weir, upstream):
    upstream.always(ANSWER)
    held, hole = black_hole()

    def begun():
        w = weir(upstream, telemetry={"endpoint": f"http://127.0.0.1:{hole}", "interval": SOON})
        wire.chat(w)
        daemon.wait_until(lambda: w.metrics()["weir_telemetry_queue_bytes"] > 0, 5, "nothing is under way")
        return w

    end_within(8, begun)  # 3 s are allowed
    for s in held:
        s.close()


def test_too_many_is_sent_again_when_it_says(weir, upstream, receiver):
    upstream.always(ANSWER)
    receiver.upstream.script(error(429, headers={"retry-after": "1"}))
    w = weir(upstream, telemetry=telling(receiver, metrics=False))
    wire.chat(w)
    first, second = receiver.upstream.wait_requests(2, timeout=10)
    assert second.began - first.arrived >= 1
    assert second.body == first.body
    failed = w.wait_event("telemetry_failed")
    assert (failed["status"], failed["signal"]) == (429, "traces")
    daemon.wait_until(lambda: count(w, "sent") == 2, 5, "they are not counted as sent")


@pytest.mark.parametrize("status", [400, 401, 404, 413, 500])
def test_what_is_refused_is_dropped(weir, upstream, receiver, status):
    upstream.always(ANSWER)
    receiver.upstream.script(reply(status, f"bad key tiger-tiger-burning {status}".encode()))
    w = weir(upstream, telemetry=telling(receiver, metrics=False, headers={"x-key": "tiger-tiger-burning"}))
    assert wire.chat(w).status == 200
    failed = w.wait_event("telemetry_failed")
    assert failed["status"] == status and failed["detail"] == f"bad key [redacted] {status}"
    daemon.wait_until(lambda: count(w, "dropped") == 2, 10, "they are not counted as dropped")
    wire.chat(w)
    daemon.wait_until(lambda: count(w, "sent") == 2, 10, "the next ones are not sent")
    assert len(receiver.requests("traces")) == 2
    assert "tiger" not in w.output()
    assert w.wait_event("telemetry_dropped")["spans"] == 2


def test_a_part_is_refused(weir, upstream, receiver):
    upstream.always(ANSWER)
    receiver.upstream.script(reply(200, partial(1, "too old"), {"content-type": "application/x-protobuf"}))
    w = weir(upstream, telemetry=telling(receiver, metrics=False))
    wire.chat(w)
    failed = w.wait_event("telemetry_failed")
    assert (failed["rejected"], failed["detail"]) == (1, "too old")
    assert (count(w, "sent"), count(w, "rejected")) == (1, 1)


def test_what_waits_is_bounded(weir, upstream, receiver):
    upstream.always(ANSWER)
    receiver.upstream.always(stall("before_head"))
    w = weir(upstream, telemetry=telling(receiver, metrics=False, queue="256KB", timeout="5m", interval="100ms"))

    def some():
        with wire.connect(w) as client:
            for _ in range(100):
                client.send(wire.make_request("POST", "/v1/chat/completions", json.dumps(
                    {"model": "gpt-test", "messages": [{"role": "user", "content": "Hi"}]})))
                assert client.answer().status == 200

    deadline = time.monotonic() + 60
    while not count(w, "dropped"):
        threads = [threading.Thread(target=some) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        assert w.metrics()["weir_telemetry_queue_bytes"] <= 256 * 1024
        assert time.monotonic() < deadline
    w.wait_event("telemetry_dropped")
    assert len([e for e in w.log if e["event"] == "telemetry_dropped"]) == 1  # a minute
