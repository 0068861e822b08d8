"""What weir itself answers: /chat, health, metrics, its description, CORS, paths and methods."""

import gzip
import re
import threading
import zlib

import pytest

import bodies
import daemon
import wire
from upstream import black_hole, cut, error, refused_port, reply, reset, sse, stall


def chat(w, headers=(), **fields):
    return wire.call(w, "POST", "/chat", fields, headers)


# -- /chat -------------------------------------------------------------------------------------------------------------


def test_chat(weir, upstream):
    upstream.script(reply(200, bodies.completion("Hello there.", model="gpt-4o-mini-2024")))
    w = weir(upstream)
    answer = chat(w, message="  Say hello. \n")
    assert answer.status == 200
    got = answer.json()
    assert got["success"] is True
    assert got["response"] == "Hello there."
    assert got["usage"] == {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    assert got["model"] == "gpt-4o-mini-2024"
    assert got["request_id"] == answer.header("x-request-id")
    sent = upstream.requests[0].json()
    assert sent["messages"] == [{"role": "user", "content": "Say hello."}]
    assert (sent["model"], sent["max_tokens"], sent["temperature"]) == ("gpt-4o-mini", 1000, 0.7)
    assert upstream.requests[0].path == "/v1/chat/completions"
    assert w.wait_call(got["request_id"])["endpoint"] == "chat"


def test_configured_fields_stand_in_the_place_of_a_clients_and_weirs_own(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, providers={"main": {"headers": {"User-Agent": "mine/1", "Authorization": "Token of-mine-123456", "X-Who": "weir"}}})
    assert wire.chat(w, headers={"User-Agent": "an-sdk/2", "x-who": "somebody"}).status == 200
    asked = upstream.requests[-1]
    assert [asked.header(name) for name in ("user-agent", "authorization", "x-who")] == ["mine/1", "Token of-mine-123456", "weir"]


def test_chat_options_and_defaults(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, chat={"model": "house", "max_tokens": 50, "temperature": 0.25, "system": "Be brief."})
    assert chat(w, message="x").status == 200
    assert chat(w, message="x", model="other", max_tokens=4000, temperature=2).status == 200
    first, second = (r.json() for r in upstream.requests)
    assert (first["model"], first["max_tokens"], first["temperature"]) == ("house", 50, 0.25)
    assert first["messages"][0] == {"role": "system", "content": "Be brief."}
    assert (second["model"], second["max_tokens"], second["temperature"]) == ("other", 4000, 2)


@pytest.mark.parametrize("fields, field, words", [
    ({}, "message", ()),
    ({"message": ""}, "message", ()),
    ({"message": " \t\n　"}, "message", ()),
    ({"message": 5}, "message", ()),
    ({"message": "é" * 10_001}, "message", ("10000", "10001")),
    ({"message": "x", "max_tokens": 0}, "max_tokens", ("1", "4000", "0")),
    ({"message": "x", "max_tokens": 4001}, "max_tokens", ("4000", "4001")),
    ({"message": "x", "max_tokens": 1.5}, "max_tokens", ()),
    ({"message": "x", "max_tokens": "10"}, "max_tokens", ()),
    ({"message": "x", "temperature": 2.1}, "temperature", ("2", "2.1")),
    ({"message": "x", "temperature": -0.1}, "temperature", ("-0.1",)),
    ({"message": "x", "model": 1}, "model", ()),
    ({"message": "x", "stream": "yes"}, "stream", ()),
    ({"message": "x", "max_token": 5}, "max_token", ("max_tokens",)),
    ({"message": "x", "k" * 63 + "é": 5}, "k" * 63, ()),  # shown up to 64 bytes, decoded, in whole characters
    ({"message": "x", "k" * 62 + "éé": 5}, "k" * 62 + "é", ()),
])
def test_chat_names_the_field_the_limit_and_the_value(weir, upstream, fields, field, words):
    answer = chat(weir(upstream), **fields)
    assert answer.status in (400, 422)
    got = answer.json()
    assert got["success"] is False
    assert got["error"]["field"] == field
    assert got["response"].startswith("Invalid request: ")
    assert got["error"]["type"] and all(word in got["error"]["message"] for word in (field, *words))
    assert got["request_id"] == answer.header("x-request-id")
    assert not upstream.requests


def test_the_longest_message_counts_in_characters(weir, upstream):
    upstream.script(reply(200, bodies.completion()))
    assert chat(weir(upstream), message="😀" * 10_000).status == 200
    assert upstream.requests[0].json()["messages"][0]["content"] == "😀" * 10_000


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"", b'{"message":"x","message":"y"}'])
def test_chat_wants_json(weir, upstream, body):
    answer = wire.call(weir(upstream), "POST", "/chat", body)
    assert answer.status == 400
    assert answer.json()["success"] is False
    assert not upstream.requests


SENTENCES = [
    (error(429, code="rate_limit_exceeded"), 429, "Service temporarily unavailable due to rate limits. Please try again later."),
    (reset("before_head"), 502, "Unable to connect to the service. Please check your internet connection."),
    (error(400, "No such tool."), 400, "Invalid request: No such tool."),
    (error(500, "Odd."), 500, "An unexpected error occurred: "),
]


@pytest.mark.parametrize("behaviour, status, sentence", SENTENCES, ids=["rate", "reach", "invalid", "failed"])
def test_chat_fails_in_plain_words(weir, upstream, behaviour, status, sentence):
    """The sentence for people, and beside it the error for machines."""
    upstream.script(behaviour)
    answer = chat(weir(upstream, retry={"retries": 0}), message="x")
    assert answer.status == status
    got = answer.json()
    assert got["success"] is False
    assert got["response"].startswith(sentence)
    assert got["error"]["type"] and got["error"]["message"]
    assert got["request_id"] == answer.header("x-request-id")


def test_chat_sentences_are_configurable(weir, upstream):
    upstream.script(error(400, "Why not."))
    w = weir(upstream, chat={"say": {"invalid": "Das geht nicht: {error}"}})
    assert chat(w, message="x").json()["response"] == "Das geht nicht: Why not."


def test_chat_retries_and_falls_back(weir, upstream, upstreams):
    other = upstreams()
    upstream.script(error(401))
    other.script(error(503), reply(200, bodies.completion("From the other.")))
    w = weir(upstream, providers={"spare": {"kind": "openai", "url": other.url, "key": "sk-spare"}}, models={"*": ["main", "spare/backup"]})
    answer = chat(w, message="x")
    assert answer.json()["response"] == "From the other."
    assert answer.header("x-weir-target") == "spare/backup"
    assert answer.header("x-weir-attempts") == "3"
    assert other.requests[0].json()["model"] == "backup"


def test_chat_stream(weir, upstream):
    upstream.script(sse(bodies.stream("Hel", "lo.", usage=bodies.USAGE)))
    w = weir(upstream)
    answer = chat(w, message="x", stream=True)
    assert answer.status == 200
    assert answer.header("content-type").startswith("text/event-stream")
    *deltas, last = answer.events()
    assert deltas == [{"delta": "Hel"}, {"delta": "lo."}]
    assert last == {"done": True, "success": True, "usage": bodies.USAGE, "model": "gpt-test", "request_id": answer.header("x-request-id")}
    assert upstream.requests[0].json()["stream"] is True
    assert w.calls(1)[0]["total_tokens"] == 12


def test_chat_stream_that_is_cut_says_so(weir, upstream):
    upstream.script(cut("in_stream", bodies.stream("One")[:2]))
    answer = chat(weir(upstream), message="x", stream=True)
    first, last = answer.events()
    assert first == {"delta": "One"}
    assert last["success"] is False and last["error"]["code"] == "stream_interrupted"
    assert last["request_id"] == answer.header("x-request-id")
    assert answer.complete  # its clients know this event as an end


def test_chat_is_abandoned_with_its_client(weir, upstream):
    upstream.script(stall("before_head"))
    w = weir(upstream)
    with wire.connect(w) as c:
        c.request("POST", "/chat", {"message": "x"})
        upstream.wait_requests(1)
    upstream.requests[0].wait_closed()


# -- health ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/health"])
def test_health(weir, upstream, path):
    w = weir(upstream)
    answer = wire.call(w, "GET", path)
    assert answer.status == 200
    assert answer.header("content-type").startswith("application/json")
    assert answer.json()
    assert "no-store" in (answer.header("cache-control") or "")
    head = wire.call(w, "HEAD", path)
    assert (head.status, head.body) == (200, b"")
    assert not upstream.requests  # health costs no tokens


def test_health_needs_no_key(weir, upstream):
    w = weir(upstream, clients=[{"name": "a", "key": daemon.CLIENT_KEY}])
    assert wire.call(w, "GET", "/health/ready").status == 200
    assert wire.call(w, "GET", "/v1/models").status == 401


def test_not_ready_while_draining(weir, upstream):
    go_on = threading.Event()
    upstream.script(sse([bodies.chunk("a"), go_on, bodies.chunk(finish="stop")]))
    w = weir(upstream)
    with wire.connect(w) as standing, wire.connect(w) as probe:
        probe.request("GET", "/health/ready")
        assert probe.answer().status == 200
        standing.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
        answer = standing.head()
        pieces = standing.body_pieces(answer)
        next(pieces)
        w.process.terminate()
        w.wait_text("(?i)drain|shutting down|stopping")
        go_on.set()
        for _ in pieces:
            pass
        assert answer.events()[-1] == "[DONE]"


# -- metrics -----------------------------------------------------------------------------------------------------------


def test_metrics(weir, upstream):
    upstream.script(reply(200, bodies.completion()), error(503), sse(bodies.stream("a", usage=bodies.USAGE)), error(404, code="model_not_found"))
    w = weir(upstream)
    wire.chat(w), wire.chat(w, stream=True), wire.chat(w)
    w.calls(3)
    metrics = w.metrics()

    def total(name, **labels):
        return sum(v for k, v in metrics.items() if k.partition("{")[0] == name and all(f'{a}="{b}"' in k for a, b in labels.items()))

    assert total("weir_calls_total") == 3
    assert total("weir_calls_total", status="200") == 2
    assert total("weir_calls_total", status="404") == 1
    assert total("weir_attempts_total") == 4
    assert total("weir_retries_total") == 1
    assert total("weir_tokens_total", kind="prompt") == 18
    assert total("weir_tokens_total", kind="completion") == 6
    assert total("weir_call_duration_seconds_count") == 3
    assert total("weir_first_token_seconds_count") == 1
    assert total("weir_open_calls") == 0
    assert daemon.PROVIDER_KEY not in str(metrics)


def test_metrics_are_well_formed(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream)
    for model in ('quote"d', "back\\slash", "line\nend", "é", "x" * 500):
        wire.chat(w, model=model)
    w.calls(5)
    plain = wire.call(w, "GET", "/metrics")
    assert plain.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    families = {}
    sample = re.compile(r'^([a-zA-Z_][a-zA-Z0-9_]*)(\{([a-zA-Z_][a-zA-Z0-9_]*="([^"\\\n]|\\["\\n])*",?)*\})? (NaN|[+-]?Inf|[-+0-9.e]+)$')
    for line in plain.body.decode().splitlines():
        if line.startswith("# "):
            _, what, name, rest = line.split(" ", 3)
            families.setdefault(name, {})[what] = rest
            continue
        found = sample.match(line)
        assert found, line
        base = re.sub(r"_(bucket|count|sum)$", "", found[1])
        family = families.get(found[1]) or families.get(base)
        assert family and family["HELP"] and family["TYPE"], line
        assert (family["TYPE"] == "counter") == found[1].endswith("_total"), line
    accept = {"Accept": "application/openmetrics-text; version=1.0.0, text/plain;q=0.5"}
    open_metrics = wire.call(w, "GET", "/metrics", headers=accept)
    assert open_metrics.header("content-type").startswith("application/openmetrics-text; version=1.0.0")
    assert open_metrics.body.endswith(b"# EOF\n")
    assert b"# TYPE weir_calls counter\n" in open_metrics.body


def test_labels_are_bounded(weir, upstream):
    """A client that invents model names does not make series without end."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream)
    with wire.connect(w) as c:
        for i in range(700):
            c.request("POST", "/v1/chat/completions", {"model": f"m{i}", "messages": [{"role": "user", "content": "x"}]})
            assert c.answer().status == 200
    w.calls(700)
    metrics = w.metrics()
    assert len(metrics) < 20_000
    assert sum(1 for k in metrics if k.startswith("weir_calls_total{")) <= 600
    assert sum(v for k, v in metrics.items() if k.startswith("weir_calls_total{")) == 700


# -- description -------------------------------------------------------------------------------------------------------


def test_openapi(weir, upstream):
    w = weir(upstream)
    answer = wire.call(w, "GET", "/openapi.json")
    assert answer.status == 200 and answer.header("content-type").startswith("application/json")
    document = answer.json()
    assert document["openapi"].startswith("3.")
    assert {"/chat", "/v1/chat/completions", "/v1/embeddings", "/v1/models", "/health", "/metrics"} <= set(document["paths"])
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in ("get", "post"):
                assert operation["responses"], (path, method)
    for reference in re.findall(r'"\$ref":\s*"([^"]+)"', answer.body.decode()):
        node = document
        for step in reference.removeprefix("#/").split("/"):
            node = node[step]


def test_docs(weir, upstream):
    answer = wire.call(weir(upstream), "GET", "/docs")
    assert answer.status == 200 and answer.header("content-type").startswith("text/html")
    assert b"/v1/chat/completions" in answer.body or b"openapi.json" in answer.body
    assert not re.findall(rb'(?:src|href)="https?:', answer.body)  # a page that needs nobody else


# -- CORS --------------------------------------------------------------------------------------------------------------

APP = "https://app.example.com"


def cors(answer):
    return {n.lower(): v for n, v in answer.headers if n.lower().startswith("access-control-")}


def test_cors_is_off_by_default(weir, upstream):
    upstream.always(reply(200, bodies.completion(), {"access-control-allow-origin": "*"}))
    w = weir(upstream)
    assert not cors(wire.chat(w, headers={"Origin": APP}))
    preflight = wire.call(w, "OPTIONS", "/chat", headers={"Origin": APP, "Access-Control-Request-Method": "POST"})
    assert "access-control-allow-origin" not in cors(preflight)


def test_cors(weir, upstream):
    upstream.script(reply(200, bodies.completion()), sse(bodies.stream("a")), error(400))
    w = weir(upstream, cors={"origins": [APP], "credentials": True, "max_age": "60s"})
    preflight = wire.call(w, "OPTIONS", "/v1/chat/completions", headers={
        "Origin": APP, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type, x-stainless-lang"})
    assert preflight.status in (200, 204)
    got = cors(preflight)
    assert got["access-control-allow-origin"] == APP
    assert "POST" in got["access-control-allow-methods"]
    allowed = {h.strip().lower() for h in got["access-control-allow-headers"].split(",")}
    assert {"authorization", "content-type", "x-stainless-lang"} <= allowed
    assert got["access-control-allow-credentials"] == "true"
    assert got["access-control-max-age"] == "60"
    for answer in (wire.chat(w, headers={"Origin": APP}), wire.chat(w, headers={"Origin": APP}, stream=True), wire.chat(w, headers={"Origin": APP})):
        assert cors(answer)["access-control-allow-origin"] == APP
        assert "origin" in answer.header("vary").lower()
        exposed = cors(answer)["access-control-expose-headers"].lower()
        assert "x-request-id" in exposed and "retry-after" in exposed
    assert "access-control-allow-origin" not in cors(wire.call(w, "GET", "/health", headers={"Origin": "https://evil.example"}))
    assert not upstream.unexpected


def test_pages_of_others_may_read_each_header_that_an_answer_has(weir, upstream):
    table = re.search(r"\*\*Headers of an answer\.\*\*\n\n(.*?)\n\n", (daemon.ROOT / "docs" / "wire-contract.md").read_text(), re.S).group(1)
    told = {name for line in table.splitlines() for name in re.findall(r"`([^`]+)`", line.split("|")[1])}
    assert {"x-request-id", "age", "retry-after-ms"} < told
    sources = "".join(path.read_text() for path in (daemon.ROOT / "src" / "exchange").glob("*.c"))
    assert set(re.findall(r'\(http_header\)\{SPAN_OF\("(x-weir-[^"]+)"\)', sources)) <= told
    w = weir(upstream, cors={"origins": [APP]})
    answer = wire.call(w, "GET", "/openapi.json", headers={"Origin": APP})
    assert told <= {name.strip() for name in cors(answer)["access-control-expose-headers"].split(",")}
    assert told <= set(answer.json()["components"]["headers"])


def test_cors_tells_the_methods_that_passthrough_has_beside_weirs_own(weir, upstream):
    """Else a browser, which asks first, would not delete what weir lets it delete."""
    upstream.always(reply(200, {"id": "ft:x", "deleted": True}))
    w = weir(upstream, passthrough=["/v1/*"], cors={"origins": [APP]})
    for method, path, own in (("DELETE", "/v1/models/ft:x", "GET"), ("GET", "/v1/chat/completions", "POST")):
        preflight = wire.call(w, "OPTIONS", path, headers={"Origin": APP, "Access-Control-Request-Method": method})
        for told in (cors(preflight)["access-control-allow-methods"], preflight.header("allow")):
            assert {method, own} <= set(told.split(", "))
        assert wire.call(w, method, path, headers={"Origin": APP}).status == 200
    refused = wire.call(w, "TRACE", "/v1/chat/completions")
    assert refused.status == 405 and "GET, HEAD, POST" in refused.header("allow")


def test_cors_for_any_never_with_credentials(weir, upstream):
    w = weir(upstream, cors={"origins": ["*"]})
    got = cors(wire.call(w, "GET", "/health", headers={"Origin": APP}))
    assert got["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in got


# -- paths, methods, headers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method, path, status, code", [
    ("GET", "/", 404, "unknown_url"), ("GET", "/v2/models", 404, "unknown_url"), ("POST", "/v1/unknown", 404, "unknown_url"),
    ("GET", "/v1/chat/completions", 405, "method_not_allowed"), ("DELETE", "/chat", 405, "method_not_allowed"),
    ("POST", "/metrics", 405, "method_not_allowed"), ("GET", "/v1/../metrics", 404, "unknown_url"), ("GET", "/%2e%2e/etc/passwd", 404, "unknown_url"),
])
def test_paths_and_methods(weir, upstream, method, path, status, code):
    answer = wire.call(weir(upstream), method, path, b"{}" if method == "POST" else None)
    assert answer.status == status
    assert answer.error["code"] == code
    assert answer.header("x-request-id")
    if status == 405:
        assert answer.header("allow")


@pytest.mark.parametrize("path, rest", [
    ("/v1/chat/completions/", "did you mean /v1/chat/completions?"), ("//v1/chat/completions", "did you mean /v1/chat/completions?"),
    ("/v1/v1/responses", "did you mean /v1/responses?"), ("/api/embeddings", "did you mean /v1/embeddings?"), ("/api/health/", "did you mean /health?"),
    ("/v1/files", "GET /docs lists what there is, and passthrough hands on more of a provider's."), ("/v2", "GET /docs lists what there is."),
])
def test_what_may_have_been_meant_is_told(weir, upstream, path, rest):
    assert wire.call(weir(upstream), "POST", path, {}).error["message"] == f"There is nothing at {path}; {rest}"


def test_what_any_connection_field_names_ends_there(weir, upstream):
    fields = [("Connection", "X-First"), ("X-First", "1"), ("connection", "x-second"), ("X-Second", "2"), ("X-Third", "3")]
    upstream.script(reply(200, bodies.completion(), fields))
    answer = wire.chat(weir(upstream), headers=fields)
    request = upstream.requests[0]
    for name, value in [("x-first", None), ("x-second", None), ("x-third", "3")]:
        assert (request.header(name), answer.header(name)) == (value, value)


def test_every_answer_has_an_id_of_its_own(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream)
    with wire.connect(w) as c:
        ids = []
        for _ in range(50):
            c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}]})
            ids.append(c.answer().header("x-request-id"))
    assert len(set(ids)) == 50 and all(ids)


@pytest.mark.parametrize("sent, own", [
    ({"X-Request-Id": "mine-7"}, "mine-7"), ({"x-client-request-id": "mine-8"}, "mine-8"), ({"X-Request-Id": "trace", "X-Client-Request-Id": "mine-9"}, "mine-9"),
    ({"x-request-id": "i" * 512}, "i" * 512), ({"x-request-id": "i" * 513}, None), ({"x-request-id": "\u00e9"}, None), ({}, None),
])
def test_a_clients_own_id(weir, upstream, sent, own):
    """It is logged, handed on and answered beside weir's, whoever answers."""
    theirs = {"x-request-id": "req_1", "x-client-request-id": "req_2"}
    upstream.script(reply(200, bodies.completion(), theirs), sse(bodies.stream("Hi")), error(400, headers=theirs))
    w = weir(upstream, models={"gpt-test": "main", "*": None})
    answers = [wire.chat(w, headers=sent), wire.chat(w, headers=sent, stream=True), wire.chat(w, headers=sent)]
    for answer, request in zip(answers, upstream.requests, strict=True):
        assert answer.header("x-client-request-id") == own
        assert request.header("x-client-request-id") == own
        assert request.header("x-request-id") is None
        line = w.wait_call(answer.header("x-request-id"))
        assert line["request_id"] != own and line.get("client_request_id") == own
    for method, path in [("GET", "/v1/models"), ("GET", "/health"), ("GET", "/nowhere"), ("GET", "/v1/embeddings")]:
        answer = wire.call(w, method, path, headers=sent)
        assert answer.header("x-client-request-id") == own and answer.header("x-request-id") not in (None, own)


def test_passthrough(weir, upstream):
    """A configured path goes to the provider as it is: any type of body, with the key swapped and the query kept."""
    upstream.always(lambda r: reply(200, r.body, {"content-type": "application/octet-stream"}))
    w = weir(upstream, passthrough=["/v1/audio/*", "/v1/rerank"])
    body = bytes(range(256)) * 100
    answer = wire.call(w, "POST", "/v1/audio/transcriptions?x=1&y=%20", body, {"Content-Type": "multipart/form-data; boundary=a", "Authorization": f"Bearer {daemon.CLIENT_KEY}"})
    assert (answer.status, answer.body) == (200, body)
    assert wire.call(w, "POST", "/v1/rerank", {"model": "r", "query": "q"}).json() == {"model": "r", "query": "q"}
    first, second = upstream.requests
    assert first.path == "/v1/audio/transcriptions?x=1&y=%20"
    assert first.header("content-type") == "multipart/form-data; boundary=a"
    assert first.header("authorization") == f"Bearer {daemon.PROVIDER_KEY}"
    assert second.path == "/v1/rerank"
    assert wire.call(w, "POST", "/v1/images/generations", {}).status == 404


def test_a_compressed_answer_is_undone_whatever_it_is(weir, upstream):
    audio = bytes(range(256)) * 1000
    coded = {"Content-Encoding": "gzip", "Content-Type": "audio/mpeg", "Content-MD5": "x", "ETag": '"a"'}
    upstream.always(lambda r: reply(200, gzip.compress(audio), coded))
    w = weir(upstream, passthrough=["/v1/audio/*"])
    answer = wire.call(w, "POST", "/v1/audio/speech", {"model": "m", "input": "x"})
    assert (answer.status, answer.body) == (200, audio)
    assert answer.header("content-encoding") is None and answer.header("content-md5") is None
    assert answer.header("etag") == '"a"'
    assert upstream.requests[-1].header("accept-encoding") == "identity"
    for body, text in ((zlib.compress(b"Hi"), b"Hi"), (b"", b"")):
        upstream.always(reply(200, body, {"Content-Encoding": "deflate", "Content-Type": "text/plain"}))
        answer = wire.call(w, "POST", "/v1/audio/speech", {"model": "m"})
        assert (answer.status, answer.body) == (200, text)
    upstream.always(reply(200, b"\xff\xff\xff", {"Content-Encoding": "deflate", "Content-Type": "text/plain"}))
    answer = wire.call(w, "POST", "/v1/audio/speech", {"model": "m"})
    assert (answer.status, answer.body, answer.complete) == (200, b"", False), "its head has gone out: it is cut visibly"


def test_passthrough_of_json_that_is_no_object(weir, upstream):
    upstream.always(lambda r: reply(200, r.body, {"content-type": "application/json"}))
    w = weir(upstream, passthrough=["/v1/rerank"])
    assert wire.call(w, "POST", "/v1/rerank", b' [1, {"a": 2}]').body == b' [1, {"a": 2}]'
    assert wire.call(w, "POST", "/v1/rerank", b" [1, {'a': 2}]").error["code"] == "invalid_json"


ASKED = b'{"model":"m","messages":[{"role":"user","content":"Say hello, hello, hello."}]}'
BARE = zlib.compressobj(9, zlib.DEFLATED, -15)
PACKED = [
    ("gzip", gzip.compress(ASKED)),
    ("X-GZip", gzip.compress(ASKED[:9]) + gzip.compress(ASKED[9:])),
    ("deflate", zlib.compress(ASKED)),
    ("deflate", BARE.compress(ASKED) + BARE.flush()),
    # Python's own library makes neither of these.
    ("br", bytes.fromhex("1b4e000004ca6da98ecb43fa976a1483a0cd619631d8801382c0d285065b6998c871c041f8fd24f1f6b988c011148d4414c4406170aedf42f4f52d85766cd42c")),
    ("identity, zstd", bytes.fromhex("28b52ffd204ffd010022840d11a0ed3c1f426df94e6b64aad8c8ced4bf60b3cc8bd0ccab4034e3fac7f6b13e0f6febe0f5cbdd2e89de6d32ceed7af8ba9e17f5ba0c0100ada34001")),
    ("identity", ASKED),
]


@pytest.mark.parametrize("coding, body", PACKED, ids=[f"{i}-{coding}" for i, (coding, _) in enumerate(PACKED)])
def test_a_compressed_request_goes_on_as_what_it_stands_for(weir, upstream, coding, body):
    upstream.always(lambda r: reply(200, bodies.completion("Hello.")))
    w = weir(upstream, passthrough=["/v1/rerank"])
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    for path in ("/v1/chat/completions", "/v1/rerank"):
        assert wire.call(w, "POST", path, body, headers).status == 200
        request = upstream.requests[-1]
        assert request.body == ASKED
        assert request.header("content-encoding") is None
        assert request.header("content-length") == str(len(request.body))


def test_a_compressed_request_that_cannot_be_undone_goes_nowhere(weir, upstream):
    w = weir(upstream, passthrough=["/v1/rerank"], limits={"body": "1MB"})
    bomb = gzip.compress(b'{"x":"' + bytes(16 << 20) + b'"}')
    refusals = [
        ("compress", ASKED, 415, "unsupported_content_encoding"),
        ("aws-chunked", ASKED, 415, "unsupported_content_encoding"),
        ("gzip, gzip", gzip.compress(gzip.compress(ASKED)), 415, "unsupported_content_encoding"),
        ("gzip", ASKED, 400, "invalid_encoded_body"),
        ("gzip", gzip.compress(ASKED)[:-1], 400, "invalid_encoded_body"),
        ("br", gzip.compress(ASKED), 400, "invalid_encoded_body"),
        ("gzip", gzip.compress(ASKED) + b"{}", 400, "invalid_encoded_body"),
        ("gzip", bomb, 413, "request_too_large"),
        ("gzip", gzip.compress(b"{'a':1}"), 400, "invalid_json"),
    ]
    for path in ("/v1/chat/completions", "/v1/rerank"):
        for coding, body, status, code in refusals:
            answer = wire.call(w, "POST", path, body, {"Content-Type": "application/json", "Content-Encoding": coding})
            assert (answer.status, answer.error["code"]) == (status, code), (path, coding)
            assert answer.header("accept-encoding") == ("gzip, deflate, br, zstd" if status == 415 else None)
    assert upstream.requests == []
    assert wire.call(w, "GET", "/health/live", headers={"Content-Encoding": "compress"}).status == 200


def test_unix_socket(weir, upstream, tmp_path):
    upstream.script(reply(200, bodies.completion("Close by.")))
    w = weir(upstream, listen=f"unix:{tmp_path}/w.sock")
    assert wire.chat(w).json()["choices"][0]["message"]["content"] == "Close by."
    w.stop()
    assert not (tmp_path / "w.sock").exists()


def test_azure_style_provider(weir, upstream):
    upstream.script(reply(200, bodies.completion()), sse([{"id": "", "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}, *bodies.stream("Hi")]))
    w = weir(upstream, providers={"main": {"url": upstream.url.removesuffix("/v1"), "auth": "api-key", "api_version": "2024-10-21"}})
    assert wire.chat(w).status == 200
    events = wire.chat(w, stream=True).events()
    assert bodies.text_of(events) == "Hi" and events[-1] == "[DONE]"
    for request in upstream.requests:
        assert request.path == "/openai/deployments/gpt-test/chat/completions?api-version=2024-10-21"
        assert request.header("api-key") == daemon.PROVIDER_KEY
        assert request.header("authorization") is None


# -- ways of not reaching a provider -----------------------------------------------------------------------------------


def test_refused(weir, upstream):
    keep, port = refused_port()
    config = daemon.config_for(upstream, retry={"retries": 1})
    config["providers"]["main"]["url"] = f"http://127.0.0.1:{port}/v1"
    answer = wire.chat(weir(config))
    keep.close()
    assert (answer.status, answer.error["code"]) == (502, "provider_unreachable")
    assert answer.header("x-weir-attempts") == "2"


def test_connect_timeout(weir, upstream):
    keep, port = black_hole()
    config = daemon.config_for(upstream, retry={"retries": 0}, timeouts={"connect": "100ms"})
    config["providers"]["main"]["url"] = f"http://127.0.0.1:{port}/v1"
    answer = wire.chat(weir(config))
    for s in keep:
        s.close()
    assert (answer.status, answer.error["code"]) == (504, "connect_timeout")


# -- the configuration -------------------------------------------------------------------------------------------------


def test_a_wrong_configuration_does_not_start(weir, upstream):
    config = daemon.config_for(upstream)
    config["retry"] = {"retires": 1}
    w = weir(config, wait=False)
    w.expect_exit = 1
    w.wait_exit()
    text = "\n".join(w.texts())
    assert re.search(r"weir\.yaml:\d+:\d+: ", text)
    assert "retires" in text and "retries" in text
