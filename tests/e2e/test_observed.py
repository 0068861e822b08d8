"""What an operator sees: the outcome of calls in log and metrics, series that are there before their first event, and pages that name
all there is."""

import re

import pytest

import bodies
import daemon
import pki
import wire
from test_call import figure
from upstream import cut, error, reply, sse

DOCS = daemon.ROOT / "docs"


def two(main, spare, **over):
    return daemon.merged({
        "providers": {"main": {"kind": "openai", "url": main.url, "key": "sk-main"},
                      "spare": {"kind": "openai", "url": spare.url, "key": "sk-spare"}},
        "models": {"m": ["main/a", "spare/b"]},
        "retry": {"retries": 0},
        "hedge": {"after": "30s"},
    }, over)


# -- outcomes ----------------------------------------------------------------------------------------------------------


def test_a_stream_that_breaks_off_is_a_failure(weir, upstream):
    """Its status is 200, since that was told before: neither log nor metrics may count it among the good ones."""
    upstream.script(cut("in_stream"), sse(bodies.stream("Hi", usage=bodies.USAGE)), error(500), error(400))
    w = weir(upstream, retry={"retries": 0})
    before = w.metrics()
    answers = [wire.chat(w, stream=stream) for stream in (True, True, False, False)]
    lines = [w.wait_call(answer.header("x-request-id")) for answer in answers]
    assert [(r["outcome"], r["status"], r["level"]) for r in lines] == [
        ("cut", 200, "warn"), ("ok", 200, "info"), ("failed", 500, "warn"), ("failed", 400, "info")]
    series = 'weir_calls_total{endpoint="chat.completions",model="*",target="main",status="200",outcome="cut"}'
    assert (before[series], w.metrics()[series]) == (0, 1)
    assert figure(w, "weir_calls_total", outcome="failed") == 2 and figure(w, "weir_calls_total", outcome="ok") == 1


def test_a_client_that_leaves_has_cancelled(weir, upstream):
    upstream.script(sse(bodies.stream(*"abcdef"), pace=0.2))
    w = weir(upstream)
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]})
        c.head()
    line = w.calls(1)[0]
    assert (line["outcome"], line["status"], line["level"], line["error"]) == ("cancelled", 499, "info", "client_closed_request")


def test_a_client_that_takes_nothing_is_left(weir, upstream):
    """It has not gone: weir ends it, and says so. Nothing of the kernel's buffers is left for what comes after the first bytes."""
    upstream.script(sse(bodies.stream(*["x" * 4000] * 4000)))
    w = weir(upstream, server={"idle_timeout": "500ms"})
    with wire.connect(w, receive_buffer=4096) as c:
        c.request("POST", "/v1/chat/completions", {"model": "m", "stream": True, "messages": [{"role": "user", "content": "x"}]})
        line = w.calls(1)[0]
    assert (line["outcome"], line["status"], line["error"]) == ("cancelled", 499, "client_too_slow")
    assert line["message"] == "The client did not take its answer in time, and weir ended its connection."


def test_a_fallback_tells_what_was_left_and_why(weir, upstreams):
    main, spare = upstreams(), upstreams()
    main.script(error(503), error(404))
    spare.always(reply(200, bodies.completion()))
    w = weir(two(main, spare))
    kept = 'weir_fallbacks_total{target="spare/b",from="main/a",reason="%s"}'
    before = w.metrics()
    assert (before[kept % "overload"], before[kept % "target"]) == (0, 0)
    for _ in range(2):
        assert wire.chat(w, model="m").status == 200
    after = w.metrics()
    assert (after[kept % "overload"], after[kept % "target"]) == (1, 1)


def test_the_log_has_each_try(weir, upstreams):
    main, spare = upstreams(), upstreams()
    main.script(error(503), error(503))
    spare.script(sse(bodies.stream("Saved."), pace=0.02))
    w = weir(two(main, spare, retry={"retries": 1}))
    answer = wire.chat(w, model="m", stream=True)
    line = w.wait_call(answer.header("x-request-id"))
    assert [(target, outcome) for target, outcome, _ in line["tries"]] == [
        ("main/a", "overload"), ("main/a", "overload"), ("spare/b", "ok")]
    took = [ms for _, _, ms in line["tries"]]
    assert all(0 < ms <= line["total_ms"] for ms in took) and sum(took) <= line["total_ms"]
    assert took[2] > 20 and line["attempts"] == 3


# -- answers without a call ---------------------------------------------------------------------------------------------

BODY = b'{"model": "m", "messages": []}'


def post(path=b"/v1/chat/completions", headers=b"", body=BODY, length=None):
    return (b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s"
            % (path, len(body) if length is None else length, headers, body))


@pytest.mark.parametrize("sent, status, error, more", [
    (b"GET /wp-login.php?token=x HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: mine-7\r\n\r\n", 404, "unknown_url",
     {"method": "GET", "path": "/wp-login.php", "client_request_id": "mine-7"}),
    (b"DELETE /health HTTP/1.1\r\nHost: localhost\r\n\r\n", 405, "method_not_allowed", {"method": "DELETE", "path": "/health"}),
    (b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\n\r\n", 401, "invalid_api_key", {"method": "GET", "path": "/v1/models"}),
    (post(headers=b"Authorization: Bearer %s\r\n" % daemon.CLIENT_KEY.encode(), length=1 << 40), 413, "request_too_large",
     {"method": "POST", "path": "/v1/chat/completions"}),
    (post(headers=b"Expect: a miracle\r\n"), 417, "expectation_failed", {"method": "POST"}),
    (post(headers=b"Transfer-Encoding: chunked\r\n"), 400, "bad_http", {}),
    (b"nonsense\r\n\r\n", 400, "bad_http", {}),
    (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\n", 414, "url_too_long", {}),
    (b"GET / HTTP/1.1\r\nA: " + b"x" * 100_000 + b"\r\n", 431, "headers_too_large", {}),
    (b"GET /health HTTP/1.1\r\nHost: loc", 408, "request_timeout", {}),
    (post(headers=b"Authorization: Bearer %s\r\n" % daemon.CLIENT_KEY.encode(), length=1000), 408, "request_timeout", {"method": "POST"}),
], ids=lambda v: str(v) if isinstance(v, int) else "")
def test_an_answer_without_a_call_has_a_line(weir, upstream, sent, status, error, more):
    """Under the names of the line of a call, whoever answers: the door, or the server beneath it."""
    limit = "300ms" if status == 408 else "30s"
    w = weir(upstream, clients=[{"name": "c", "key": daemon.CLIENT_KEY}], server={"header_timeout": limit, "body_timeout": limit})
    with wire.connect(w) as c:
        c.send(sent)
        answer = c.answer()
    assert (answer.status, answer.error["code"]) == (status, error)
    w.wait_text('"request_refused"')
    line, = [r for r in w.log if r["event"] == "request_refused"]
    assert line["message"] == answer.error["message"] and line["request_id"] == answer.header("x-request-id")
    assert (line["level"], line["status"], line["error"]) == ("info", status, error)
    assert line["peer"].startswith("127.0.0.1:") and more.items() <= line.items()
    assert "token" not in str(line) and not w.calls()
    assert figure(w, "weir_errors_total", code=error) == 1


def test_good_answers_without_a_call_have_none(weir, upstream):
    w = weir(upstream)
    for path in ("/health", "/health/live", "/metrics", "/openapi.json", "/docs"):
        assert wire.call(w, "GET", path).status == 200
    assert wire.call(w, "GET", "/nothing").status == 404
    w.wait_text('"request_refused"')
    assert [r["path"] for r in w.log if r["event"] == "request_refused"] == ["/nothing"]


BEHIND = b"X-Forwarded-For: 192.0.2.7\r\n"
KEYED = BEHIND + b"Authorization: Bearer %s\r\n" % daemon.CLIENT_KEY.encode()


@pytest.mark.parametrize("sent, status, event", [
    (b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n" + BEHIND + b"\r\n", 404, "request_refused"),
    (b"GET /usage/summary HTTP/1.1\r\nHost: localhost\r\n" + BEHIND + b"\r\n", 401, "request_refused"),
    (b"GET /health HTTP/1.1\r\nHost: localhost\r\n" + BEHIND + b"\r\n", 200, "request_answered"),
    (post(headers=KEYED, length=1000), 408, "request_refused"),
], ids=lambda v: str(v) if isinstance(v, int) else "")
def test_behind_a_trusted_proxy_each_line_has_the_clients_address(weir, upstream, sent, status, event):
    w = weir(upstream, clients=[{"name": "c", "key": daemon.CLIENT_KEY}], logs={"level": "debug"},
             server={"trusted_proxies": "127.0.0.1", "body_timeout": "300ms" if status == 408 else "30s"})
    with wire.connect(w) as c:
        c.send(sent)
        answer = c.answer()
    assert answer.status == status
    w.wait_text(answer.header("x-request-id"))
    line, = [r for r in w.log if r.get("request_id") == answer.header("x-request-id") and r["event"] == event]
    assert line["peer"] == "192.0.2.7"


def test_a_scanner_does_not_fill_the_log(weir, upstream):
    """Each is counted, and is either a line or one of those that the metrics and the next line tell of."""
    w = weir(upstream, server={"workers": 1})
    with wire.connect(w) as c:
        for i in range(2000):
            c.request("GET", f"/scan/{i}")
            assert c.answer().status == 404
    daemon.wait_until(lambda: wire.call(w, "GET", "/last").status == 404 and any(
        r.get("path") == "/last" and "passed_over" in r for r in w.log), 10, "no line told of those that were left out")
    figures = w.metrics()
    unlogged = figures["weir_refused_requests_unlogged_total"]
    all_of_them = figures['weir_errors_total{code="unknown_url",fault="client"}']

    def lines():
        return [r for r in w.log if r["event"] == "request_refused"]

    daemon.wait_until(lambda: len(lines()) + unlogged >= all_of_them, 5, "some are neither in the log nor counted")
    assert len(lines()) + unlogged == all_of_them >= 2001
    assert 0 < sum(r.get("passed_over", 0) for r in lines()) <= unlogged


# -- JSON from the first line ------------------------------------------------------------------------------------------


def test_every_line_is_json_from_the_first(weir, upstream):
    upstream.script(error(500), reply(200, bodies.completion()))
    config = daemon.config_for(upstream, models={"m": "main", "*": None}, retry={"retries": 0})  # /chat's model is served by none: a warning
    w = weir(config)
    assert [wire.chat(w, model="m").status for _ in range(2)] == [500, 200]
    w.reload({**config, "nonsense": 1})
    w.reload(config)
    w.stop()
    assert w.text == []
    events = [r["event"] for r in w.log]
    assert events[:4] == ["starting", "config_warning", "listening", "serving"]
    assert {"call", "config_reload_failed", "config_reloaded", "draining", "stopped"} <= set(events)
    assert all({"time", "level", "event"} <= set(r) for r in w.log)
    started = dict(zip(events, w.log))
    assert started["listening"]["address"] == f"127.0.0.1:{w.port}" and started["serving"]["models"] == "m"
    warning = w.log[1]
    assert warning["level"] == "warn" and "chat.model" in warning["message"] and warning["file"].endswith("weir.yaml")


def test_why_it_does_not_start_is_json_too(weir, upstream):
    first = weir(upstream)
    second = weir(upstream, listen=f"127.0.0.1:{first.port}", wait=False)
    second.expect_exit = 1
    second.wait_exit()
    assert second.text == [] and [(r["event"], r["level"]) for r in second.log] == [("start_failed", "error")]
    assert "another program does already" in second.log[0]["message"]


def test_who_asks_for_nothing_reads_the_start_as_people_do(weir, upstream):
    """auto is for whoever reads: a person who starts it behind a pipe finds the command to paste."""
    w = weir(upstream, logs={"format": "auto"})
    assert re.match(r"weir \d", w.text[0]) and w.text[-1].startswith("weir: try: curl ")


# -- debug -------------------------------------------------------------------------------------------------------------


def test_debug_tells_each_try_and_what_was_decided(weir, upstreams):
    main, spare = upstreams(), upstreams()
    main.script(error(503), error(503))
    spare.script(reply(200, bodies.completion()))
    w = weir(two(main, spare, retry={"retries": 1, "base": "1ms", "cap": "1ms"}, logs={"level": "debug"}))
    answer = wire.chat(w, model="m")
    w.wait_call(answer.header("x-request-id"))
    told = [r for r in w.log if r["level"] == "debug" and r.get("request_id") == answer.header("x-request-id")]
    assert [(r["event"], r["target"]) for r in told] == [
        ("try_began", "main/a"), ("try_ended", "main/a"), ("try_followed", "main/a"),
        ("try_began", "main/a"), ("try_ended", "main/a"), ("try_followed", "main/a"),
        ("try_began", "spare/b"), ("try_ended", "spare/b")]
    assert [r["try"] for r in told if "try" in r] == [1, 1, 2, 2, 3, 3]
    assert [(r["decision"], r["rule"]) for r in told if r["event"] == "try_followed"] == [("wait", "backs off"), ("next", "tried twice")]
    assert [(r["outcome"], r["status"]) for r in told if r["event"] == "try_ended"] == [("overload", 503), ("overload", 503), ("ok", 200)]
    wire.call(w, "GET", "/health")
    w.wait_text('"request_answered".*"/health"')


def test_debug_is_silent_where_it_is_not_asked_for(weir, upstream):
    upstream.script(error(503), reply(200, bodies.completion()))
    w = weir(upstream)
    w.wait_call(wire.chat(w).header("x-request-id"))
    wire.call(w, "GET", "/health")
    w.stop()
    assert [r["event"] for r in w.log if r["level"] == "debug"] == []


# -- what the pages say of labels --------------------------------------------------------------------------------------


def labels_of_the_page():
    """{(label, family): words}; words None where any may stand there. A family of "all" is any."""
    page = (DOCS / "metrics.md").read_text()
    rows = {}
    for label, families, values in re.findall(r"^\| `(\w+)` \| (all|`\w+`) \| (.*) \|$", page, re.M):
        closed = values.startswith("`")
        rows[label, families.strip("`")] = set(re.findall(r"`(\w+(?:\.\w+)?)`", values)) if closed else None
    return rows


def samples(metrics):
    for name, value in metrics.items():
        family, _, rest = name.partition("{")
        yield re.sub(r"_(bucket|sum|count)$", "", family), dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', rest)), value


def test_every_label_and_value_is_on_the_page(weir, upstreams, tmp_path):
    cert = pki.Authority(tmp_path).issue("127.0.0.1")
    main, spare = upstreams(), upstreams()
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12, "prompt_tokens_details": {"cached_tokens": 4},
             "completion_tokens_details": {"reasoning_tokens": 1}}
    main.script(reply(200, bodies.completion(usage=usage)), error(503))
    spare.always(reply(200, bodies.completion()))
    receiver = upstreams().always(reply(200))
    w = weir(two(main, spare, clients=[{"name": "c", "key": daemon.CLIENT_KEY}], telemetry={"endpoint": receiver.url}, alerts={"again": "1h"}), listen=[
        "127.0.0.1:0", {"address": "127.0.0.1:0", "tls": {"cert": str(cert.cert), "key": str(cert.key)}}])
    key = {"authorization": f"Bearer {daemon.CLIENT_KEY}"}
    for _ in range(2):
        assert wire.chat(w, model="m", headers=key).status == 200
    for path in ("completions", "embeddings", "responses", "moderations"):  # refused for their body
        wire.call(w, "POST", f"/v1/{path}", {}, headers=key)
    wire.call(w, "POST", "/chat", {}, headers=key)
    assert wire.call(w, "POST", "/v1/chat/completions", {}).status == 401
    page, seen = labels_of_the_page(), {}
    # Of what is not configured here: test_functions.py, test_cache.py, test_cache_store.py, test_cache_similar.py, test_guards.py.
    elsewhere = {"weir_tool_calls_total", "weir_cache_calls_total", "weir_guard_matches_total", "weir_cache_store_lookups_total",
                 "weir_cache_store_writes_total", "weir_cache_similar_total"}
    for family, labels, _ in samples(w.metrics()):
        for label, value in labels.items():
            if label == "le":
                continue
            row = (label, family) if (label, family) in page else (label, "all")
            assert row in page, f"docs/metrics.md says nothing of {label} of {family}"
            seen.setdefault(row, set()).add(value)
    for row, words in page.items():
        if words is None or row[1] in elsewhere and row not in seen:
            continue
        assert seen[row] <= words, f"docs/metrics.md does not name {seen[row] - words} of {row}"
        if row[0] in ("outcome", "reason", "fault", "state", "kind"):  # all are there, as 0
            spoken = words - {"context_length", "content_policy"} if row[0] == "reason" else words
            assert spoken <= seen[row], f"docs/metrics.md names {spoken - seen[row]} of {row}, which there is not"
    codes = set(re.findall(r"^\| \d+ \| (?:null \()?`(\w+)`", (DOCS / "errors.md").read_text(), re.M))
    assert seen["code", "weir_errors_total"] == codes
    shortages = set(re.findall(r"^\| `(\w+)` \| \w.* \| \d+ `", (DOCS / "shortages.md").read_text(), re.M))
    assert seen["shortage", "weir_shortages_total"] == shortages


def test_every_event_of_the_log_is_on_the_page():
    """By the names in the code."""
    page, names = (DOCS / "logs.md").read_text(), set()
    for file in (daemon.ROOT / "src").rglob("*.c"):
        for call in re.findall(r"log_(?:event|key|write_json)\((.*?)\);", file.read_text(), re.S):
            names |= set(re.findall(r'"([a-z]+(?:_[a-z]+)*)"', call))
    assert {"breaker_opened", "config_reloaded", "request_refused", "starting"} <= names
    missing = {name for name in names if f"`{name}`" not in page}
    assert not missing, f"docs/logs.md does not name {missing}"


@pytest.mark.parametrize("word", ["connection", "our_way", "request"])
def test_each_word_of_a_failure_is_explained(word):
    """Of the attempts' outcomes, on the page that names them."""
    assert re.search(rf"^\| `{word}` \| \w", (DOCS / "metrics.md").read_text(), re.M)
