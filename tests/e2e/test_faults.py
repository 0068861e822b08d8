"""Plays every row of the table 'What the client sees' in docs/faults.md, in each of its four columns.

The table is the specification: number of attempts, final status, error code, and the waits between attempts.
"""

import email.utils
import gzip
import json
import pathlib
import re
import time
import zlib

import pytest

import bodies
import daemon
import wire
from connect_proxy import ConnectProxy
from upstream import after, cut, error, make_head, raw, refused_port, black_hole, reply, reset, sse, stall

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "faults.md"
BASE = 0.02
COMMENT = 0.06
OWN = {"code": "own_code", "type": "own_type", "message": "The provider's own words."}
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
JSON_HEAD = make_head(200, {"content-type": "application/json", "content-length": 4000})


def table():
    lines = PAGE.read_text().split("## What the client sees")[1].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    assert rows[0][0] == "fault" and len(rows) > 40
    return rows[2:]


def chunk_of(text):
    data = text.encode() if isinstance(text, str) else text
    return b"%x\r\n%s\r\n" % (len(data), data)


def event_of(chunk):
    return chunk_of("data: " + json.dumps(chunk) + "\n\n")


DONE = chunk_of("data: [DONE]\n\n") + b"0\r\n\r\n"
ROLE = bodies.chunk({"role": "assistant", "content": ""})
WORD = bodies.chunk("Hello")
FINISH = bodies.chunk(finish="stop")


def own_error(status, headers=(), **fields):
    return error(status, headers=headers, **{**OWN, **fields})


COMPLETION = json.dumps(bodies.completion("Hello.")).encode()


def coded(body, coding="gzip", status=200):
    return reply(status, body, headers=[("Content-Encoding", coding), ("Content-Type", "application/json")])


def stream_error_event():
    return {"error": {"param": None, **OWN}}


KEYS = ["main-key-123456", "other-key-123456"]


def is_first(request):
    """The first of two keys came with it."""
    return request.header("authorization") == f"Bearer {KEYS[0]}"


def dripping(data):
    """A byte at a time, never silent for long."""
    return [part for byte in data for part in (bytes([byte]), 0.02)]


def faults(name, stream):
    """The behaviour of the faulty provider for a row: one, for every request."""
    begun = [STREAM_HEAD, event_of(ROLE)]
    spoken = begun + [event_of(WORD)]
    whole = begun + [event_of(bodies.chunk("Saved.")), event_of(FINISH)]
    status = re.match(r"(\d{3})\b", name)
    asked = (lambda r: own_error(400, param="stream_options") if "stream_options" in r.json() else good(stream, "main"))
    simple = {
        "400 for stream_options, which weir has added": lambda: asked,
        "400 for stream_options, which the client has sent": lambda: asked,
        "reset before the head": lambda: reset("before_head"),
        "reset in the head": lambda: reset("in_head"),
        "reset in the body": lambda: raw(begun, end="reset") if stream else reset("in_body"),
        "reset after content": lambda: raw(spoken, end="reset"),
        "closed after content": lambda: raw(spoken, end="close"),
        "ended after content without finish_reason": lambda: raw(spoken + [b"0\r\n\r\n"], end="keep"),
        "ended after one choice of two that have begun": lambda: raw(
            spoken + [event_of(bodies.chunk({"tool_calls": [{"index": 0}]}, index=1)), event_of(FINISH), b"0\r\n\r\n"],
            end="keep"),
        "`[DONE]` after one choice of two that have begun": lambda: raw(
            spoken + [event_of(bodies.chunk({"tool_calls": [{"index": 0}]}, index=1)), event_of(FINISH), DONE], end="keep"),
        "`[DONE]` after content without finish_reason, where none was ever sent": lambda: raw(
            begun + [event_of(bodies.chunk("Saved.")), DONE], end="keep"),
        "finished, then silence": lambda: raw(whole, end="stall"),
        "finished, then comments": lambda: raw(whole + [0.05, chunk_of(": ping\n\n")] * 100, end="stall"),
        "finished, then closed": lambda: raw(whole, end="close"),
        "finished, then reset": lambda: raw(whole, end="reset"),
        "finished, then a malformed chunk": lambda: raw(whole + [b"zz\r\nxx\r\n"], end="stall"),
        "finished, then an error event": lambda: raw(whole + [event_of(stream_error_event())], end="stall"),
        "error event before content": lambda: raw(begun + [event_of(stream_error_event()), b"0\r\n\r\n"], end="keep"),
        "error event after content": lambda: raw(spoken + [event_of(stream_error_event()), b"0\r\n\r\n"], end="keep"),
        "ended before content with finish_reason error": lambda: (
            raw(begun + [event_of(bodies.chunk(finish="error")), b"0\r\n\r\n"], end="keep") if stream
            else reply(200, bodies.completion("Half of", choices=[{**bodies.completion("Half of")["choices"][0], "finish_reason": "error"}]))),
        "ended after content with finish_reason abort": lambda: raw(spoken + [event_of(bodies.chunk(finish="abort")), b"0\r\n\r\n"],
                                                                   end="keep"),
        "silence before the head": lambda: stall("before_head"),
        "silence in the head": lambda: stall("in_head"),
        "silence after the head": lambda: raw([STREAM_HEAD], end="stall") if stream else stall("after_head"),
        "silence in the body": lambda: stall("in_body"),
        "a head a byte at a time": lambda: raw(dripping(make_head(200, {"x-long": "x" * 400, "content-length": 2})), end="stall"),
        "a body a byte at a time": lambda: raw([JSON_HEAD] + dripping(b'{"choices":[' + b" " * 400), end="stall"),
        "a body of blanks": lambda: raw([JSON_HEAD] + dripping(b"\n" * 400), end="stall"),
        "late first token": lambda: raw(begun, end="stall"),
        "silence after content": lambda: raw(spoken, end="stall"),
        "nothing but comments after content": lambda: raw(spoken + [0.05, chunk_of(": ping\n\n")] * 400,
                                                          end="stall"),
        "not HTTP": lambda: raw([b"SSH-2.0-OpenSSH_9.2\r\n\r\n"], end="stall"),
        "not JSON": lambda: reply(200, b"<html>It works!</html>", headers=[("Content-Type", "text/html")]),
        "an answer with nothing in it: `{}`": lambda: reply(200, {}),
        "an answer without choices": lambda: reply(200, {**bodies.completion(), "choices": None}),
        "an answer that is `{\"object\":\"error\"}`": lambda: reply(200, {"object": "error", **OWN}),
        "an answer that is `{\"detail\": …}`": lambda: reply(200, {"detail": OWN["message"]}),
        "an answer that is `{\"errors\":[…]}`": lambda: reply(200, {"errors": [OWN], "success": False}),
        "an event that is `{\"errors\":[…]}` after content": lambda: raw(spoken + [event_of({"errors": [OWN]}), DONE], end="keep"),
        "a stream of nothing but `[DONE]`": lambda: raw([STREAM_HEAD, DONE], end="keep"),
        "a stream without an event": lambda: raw([STREAM_HEAD, b"0\r\n\r\n"], end="keep"),
        "a stream of role, usage and `[DONE]`": lambda: raw(begun + [event_of(bodies.usage_chunk()), DONE], end="keep"),
        "error event of another form before content": lambda: raw(
            begun + [event_of({"object": "error", **OWN}), DONE], end="keep"),
        "error event of another form after content": lambda: raw(
            spoken + [event_of({"object": "error", **OWN}), DONE], end="keep"),
        "an event that is named error after content": lambda: raw(
            spoken + [chunk_of("event: error\ndata: it broke\n\n"), DONE], end="keep"),
        "malformed chunk": lambda: raw(begun + [b"zz\r\nxx\r\n"], end="stall"),
        "malformed chunk after content": lambda: raw(spoken + [b"zz\r\nxx\r\n"], end="stall"),
        "shorter than its length": lambda: cut("in_body"),
        "event larger than limits.event": lambda: raw(begun + [event_of(bodies.chunk("x" * 70_000))], end="stall"),
        "event larger than limits.event after content": lambda: raw(spoken + [event_of(bodies.chunk("x" * 70_000))], end="stall"),
        "answer larger than limits.answer": lambda: reply(200, bodies.completion("x" * 70_000)),
        "a head larger than 64 KB": lambda: reply(200, bodies.completion(), headers=[("X-Long", "x" * 70_000)]),
        "compressed in a way that is not known": lambda: coded(b"\x1f\x9d\x90junk", "compress"),
        "compressed, and cut short": lambda: coded(gzip.compress(COMPLETION)[:-12]),
        "said to be compressed": lambda: coded(COMPLETION),
        "a bomb": lambda: coded(gzip.compress(bytes(80 << 20))),
        "500, compressed": lambda: coded(gzip.compress(json.dumps(stream_error_event()).encode()), status=500),
        "400, compressed": lambda: coded(zlib.compress(json.dumps(stream_error_event()).encode()), "deflate", 400),
        "307 to another host": lambda: reply(307, b"", headers=[("Location", "https://elsewhere.test/v1?key=s3cret")]),
        "304": lambda: raw([b"HTTP/1.1 304 Not Modified\r\n\r\n"], end="keep"),
        "429 behind a keep-alive comment": lambda: after(0.5, own_error(429)),
        "400 behind a keep-alive comment": lambda: after(0.5, own_error(400)),
        "429, retry-after-ms: 60": lambda: own_error(429, [("retry-after-ms", "60")]),
        "503, Retry-After: 0.06": lambda: own_error(503, [("Retry-After", "0.06")]),
        "429, Retry-After: 1": lambda: own_error(429, [("Retry-After", "1")]),
        "500, Retry-After: 1": lambda: own_error(500, [("Retry-After", "1")]),
        "503, Retry-After: a date 2 s ahead": lambda: (
            lambda request: own_error(503, [("Retry-After", email.utils.formatdate(time.time() + 2, usegmt=True))])),
        "429, Retry-After longer than the patience": lambda: own_error(429, [("retry-after-ms", "400")]),
        "429, Retry-After longer than the deadline": lambda: own_error(429, [("Retry-After", "60")]),
        "503, x-should-retry: false": lambda: own_error(503, [("x-should-retry", "false")]),
        "400, x-should-retry: true": lambda: own_error(400, [("x-should-retry", "true")]),
        "429, x-ratelimit-reset-requests: 60ms": lambda: own_error(
            429, [("x-ratelimit-remaining-requests", "0"), ("x-ratelimit-reset-requests", "60ms")]),
        "401 of both keys": lambda: own_error(401),
        "429, Retry-After: 60, of both keys": lambda: own_error(429, [("Retry-After", "60")]),
        "401 of one key and 429, Retry-After: 60, of the other": lambda: (
            lambda r: own_error(429, [("Retry-After", "60")]) if is_first(r) else own_error(401)),
        "429, quota exhausted": lambda: own_error(429, code="insufficient_quota"),
        "400, context length exceeded": lambda: own_error(400, code="context_length_exceeded"),
        "400, content filter": lambda: own_error(400, code="content_filter"),
        "503, and the fallback refuses with 400": lambda: own_error(503),
    }
    if name in REFUSALS:
        return reply(int(status.group(1)), REFUSALS[name])
    if name in simple:
        return simple[name]()
    if name.endswith(" of the first of two keys"):
        headers = [("Retry-After", "60")] if "Retry-After" in name else []
        refusal = own_error(int(status.group(1)), headers, **({"code": "insufficient_quota"} if "quota" in name else {}))
        return lambda r: refusal if is_first(r) else good(stream, "main")
    assert status and name == status.group(1), f"docs/faults.md has a row that the test cannot play: {name}"
    return own_error(int(name))


# What real servers send, in their own shapes.
REFUSALS = {
    "400, Gemini: the key is not valid": [{"error": {
        "code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT",
        "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]}}],
    "400, Anthropic: the account is empty": {"type": "error", "error": {
        "type": "invalid_request_error", "message": "Your credit balance is too low to access the Anthropic API."}},
    "400, Groq: the model is decommissioned": {"error": {
        "message": "The model `llama3-8b-8192` has been decommissioned and is no longer supported.",
        "type": "invalid_request_error", "code": "model_decommissioned"}},
    "400, Ollama: the model does not support tools": {"error": {
        "message": "registry.ollama.ai/library/gemma3:4b does not support tools", "type": "api_error", "param": None,
        "code": None}},
    "400, OpenAI: previous_response_not_found": {"error": {
        "message": "Previous response with id 'resp_1' not found.", "type": "invalid_request_error",
        "param": "previous_response_id", "code": "previous_response_not_found"}},
    "400, OpenAI: max_tokens is not supported with this model": {"error": {
        "message": "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
        "type": "invalid_request_error", "param": "max_tokens", "code": "unsupported_parameter"}},
    "400, xAI: the prompt is too long": {
        "code": "Client specified an invalid argument",
        "error": "This model's maximum prompt length is 131072 but the request contains 537812 tokens."},
    "413, Groq: more than a minute's tokens": {"error": {
        "message": "Request too large for model `m` in organization `o` service tier `on_demand` on tokens per minute (TPM): "
                   "Limit 6000, Requested 14810, please reduce your message size and try again.",
        "type": "tokens", "code": "rate_limit_exceeded"}},
    "422, TGI: the prompt is too long": {
        "error": "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000", "error_type": "validation"},
    "422, FastAPI: a field is missing": {"detail": [
        {"type": "missing", "loc": ["body", "input"], "msg": "Field required", "input": {"context length": "no such model"}}]},
    "500, a validation error": {"error": {
        "message": "1 validation error:\n  {'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required'}",
        "type": "internal_server_error", "param": None, "code": None}},
    "429, Google: retryDelay 0.06s in the body": {"error": {
        "code": 429, "message": "Resource has been exhausted.", "status": "RESOURCE_EXHAUSTED",
        "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.06s"}]}},
    "429, OpenAI: try again in 60ms, in the message": {"error": {
        "message": "Rate limit reached for m on requests per min. Please try again in 60ms. Visit us.",
        "type": "requests", "param": None, "code": "rate_limit_exceeded"}},
    "500, llama.cpp: no image input": {"error": {
        "code": 500, "message": "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
        "type": "server_error"}},
}

HINTS = {"429, retry-after-ms: 60": 0.06, "429, Google: retryDelay 0.06s in the body": 0.06,
         "429, OpenAI: try again in 60ms, in the message": 0.06, "429, x-ratelimit-reset-requests: 60ms": 0.06, "503, Retry-After: 0.06": 0.06, "429, Retry-After: 1": 1.0,
         "500, Retry-After: 1": 1.0, "503, Retry-After: a date 2 s ahead": 1.0,
         "429, Retry-After longer than the patience": 0.4}
OWN_CODES = {"429, Google: retryDelay 0.06s in the body": "429",
             "429, OpenAI: try again in 60ms, in the message": "rate_limit_exceeded",
             "429, quota exhausted": "insufficient_quota", "400, context length exceeded": "context_length_exceeded",
             "400, content filter": "content_filter", "400, Gemini: the key is not valid": "400",
             "400, Anthropic: the account is empty": None, "400, Groq: the model is decommissioned": "model_decommissioned",
             "400, Ollama: the model does not support tools": None,
             "400, OpenAI: previous_response_not_found": "previous_response_not_found",
             "400, OpenAI: max_tokens is not supported with this model": "unsupported_parameter",
             "400, xAI: the prompt is too long": "Client specified an invalid argument",
             "413, Groq: more than a minute's tokens": "rate_limit_exceeded",
             "422, TGI: the prompt is too long": "provider_error", "422, FastAPI: a field is missing": "provider_error",
             "500, a validation error": None, "500, llama.cpp: no image input": "500"}

CASES = [
    pytest.param(row[0], column % 2 == 1, column >= 2, row[1 + column], row[5],
                 id=f"{row[0]}-{'stream' if column % 2 else 'plain'}-{'fallback' if column >= 2 else 'alone'}")
    for row in table() for column in range(4) if row[1 + column] != "–"
]


PROXIES = {"a proxy that refuses with 407": lambda: ConnectProxy(refuse=407), "a proxy that refuses with 502": lambda: ConnectProxy(refuse=502),
           "a proxy that refuses connections": lambda: NoProxy(*refused_port()),
           "a proxy that does not answer": lambda: NoProxy(*black_hole())}
FULL = "a stream that holds the whole pool"
CHECKED = "connection refused, and found by health checks"


# Where weir has to find out that nothing more comes, the one deadline that tells it is short, at the faulty provider. What comes
# before that, and from the fallback, has time: a machine with other work to do is no fault.
ENDED_BY = {"connect_timeout": "connect", "first_byte_timeout": "first_byte", "first_token_timeout": "first_token", "stream_stalled": "between_events"}
ENDED_UNTOLD = {"a proxy that does not answer": "connect", FULL: "connect", "finished, then silence": "between_events",
                "finished, then comments": "between_events"}
LONG = dict.fromkeys(ENDED_BY.values(), "15s")


def waited_for(name, stream):
    """The deadline that ends an attempt at the faulty provider, as the cell without a fallback says; none: {}."""
    (cell,) = [row[2 if stream else 1] for row in table() if row[0] == name]
    deadline = ENDED_UNTOLD.get(name) or ENDED_BY.get(cell.split()[-1])
    return {deadline: "250ms"} if deadline else {}


class NoProxy:
    def __init__(self, kept, port):
        self.kept = kept
        self.url = f"http://127.0.0.1:{port}"


def expected(cell, name):
    found = re.fullmatch(r"(\d)(?:\+(\d))? → (\d{3})(?:(, then)? (\w+))?", cell)
    assert found, f"docs/faults.md: a cell that cannot be read: {cell}"
    first, second, status, after, code = found.groups()
    if code == "own":
        code = OWN_CODES.get(name, OWN["code"])
    return int(first), int(second or 0), int(status), bool(after), code


def good(stream, model="spare"):
    if stream:
        return sse(bodies.stream("Saved", ".", model=model))
    return reply(200, bodies.completion("Saved.", model=model))


@pytest.mark.parametrize("name, stream, fallback, cell, waits", CASES)
def test_row(weir, upstreams, name, stream, fallback, cell, waits):
    first, second, status, in_stream, code = expected(cell, name)
    up, spare = upstreams(), upstreams()
    url, proxy = up.url, None
    if name in ("connection refused", CHECKED):
        kept, port = refused_port()
        url = f"http://127.0.0.1:{port}/v1"
    elif name == "silence while connecting":
        kept, port = black_hole()
        url = f"http://127.0.0.1:{port}/v1"
    elif name.startswith("flapping"):
        up.script(own_error(503), good(stream, "main"))
    elif name in PROXIES:
        proxy = PROXIES[name]()
    elif name == FULL:
        up.always(raw([STREAM_HEAD] + [event_of(WORD), 0.05] * 400, end="stall"))
    else:
        up.always(faults(name, stream))
    spare.always(own_error(400) if "fallback refuses" in name else good(stream))
    long_wait = name == "503, Retry-After: a date 2 s ahead" or name.endswith(", Retry-After: 1")
    # Where there is to be no wait, it would be longer than the deadline.
    backoff = {"base": "60s", "cap": "60s"} if waits == "at once" else {"base": "20ms", "cap": "100ms"}
    w = weir({
        "providers": {"main": {"kind": "openai", "url": url, "key": KEYS if " keys" in name or " of the other" in name else KEYS[0],
                               "proxy": proxy.url if proxy else "none", "max_connections": 1 if name == FULL else 1024,
                               "timeouts": waited_for(name, stream),
                               "health": {"path": "/health" if name == CHECKED else ""}},
                      "spare": {"kind": "openai", "url": spare.url, "key": "spare-key-123456"}},
        "models": {"*": ["main", "spare"] if fallback else "main"},
        "retry": {**backoff, "patience": "5s" if long_wait else "200ms"},
        "breaker": "off",
        "server": {"workers": 1 if name == FULL else 2, "keep_alive_comment": f"{COMMENT * 1000:.0f}ms" if "keep-alive" in name else "15s"},
        "limits": {"event": "64KB", "answer": "64KB"},
        "timeouts": {**LONG, "total": "20s"},
    })
    said = {"stream_options": {"include_usage": True}} if "the client has sent" in name else {}
    if name == FULL:
        holding = wire.connect(w)
        holding.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True})
        up.wait_requests(1)
    if name == CHECKED:
        daemon.wait_until(lambda: wire.call(w, "GET", "/health").json()["providers"][0]["health"] == "down", 5, "it is not down")
    answer = wire.chat(w, **({"stream": True, **said} if stream else {}))

    # What the client gets.
    hidden = "keep-alive" in name  # the head has gone out before anything was known
    assert answer.status == status
    assert answer.header("x-request-id")
    if in_stream:
        events = answer.events()
        assert bodies.text_of(events[:-1]) == ("" if hidden else "Hello")
        assert events[-1]["error"]["code"] == code
        if hidden:
            assert events[-1]["error"]["status"] == int(name[:3])
            assert events[-1]["error"]["message"] == f"{OWN['message']} (status {name[:3]})"
            assert answer.body.startswith(b": keep-alive\n\n")
        assert set(events[-1]["error"]) >= {"message", "type", "param", "code"}
        assert b"[DONE]" not in answer.body
        assert not answer.complete  # for those who do not look at errors among events
    elif status == 200:
        text = bodies.text_of(answer.events()) if stream else answer.json()["choices"][0]["message"]["content"]
        assert text == "Saved."
        assert not stream or answer.events()[-1] == "[DONE]"
    else:
        said = answer.json()["error"]
        assert said["code"] == code
        assert isinstance(said["message"], str)
        assert all(said[member] is None or isinstance(said[member], str) for member in ("type", "param", "code"))
        if name == "422, FastAPI: a field is missing":
            assert said["message"] == "The provider answered with status 422: body.input: Field required"
        if name in HINTS and first > 1 and not fallback:  # the hint is handed on
            assert float(answer.header("retry-after-ms")) > 0
        elif "Retry-After: 60, of" in name:
            assert 59_000 < float(answer.header("retry-after-ms")) <= 60_000 and answer.header("x-should-retry") == "true"
        elif "deadline" in name:
            assert answer.header("retry-after-ms") == "60000" and answer.header("x-should-retry") == "true"
        else:
            own = code in ("proxy_failed", "no_free_connection", "out_of_resources")
            assert answer.header("x-should-retry") == ("true" if own else "false")
            assert answer.header("retry-after") == ("1" if own else None)

    # How often each target was asked.
    assert answer.header("x-weir-attempts") == (None if hidden else str(first + second))
    if url == up.url and not proxy:
        assert len(up.wait_requests(first)) == first  # of a pool that is full, by who holds it
    assert len(spare.wait_requests(second)) == second

    # The waits between the attempts at the first target.
    gaps = [b.arrived - a.arrived for a, b in zip(up.requests, up.requests[1:])]
    if waits == "backoff":
        for i, gap in enumerate(gaps):
            assert gap >= BASE * 2**i * 0.999
    elif waits == "hint":
        for gap in gaps:
            assert gap >= HINTS[name] * 0.99
    elif waits == "at once":
        assert gaps
    else:
        assert waits == "–" and not gaps

    # What the log says.
    line = w.wait_call(answer.header("x-request-id"))
    assert line["status"] == status and line["attempts"] == first + second
    assert line["target"].split("/")[0] == ("spare" if second else "main")
    if status != 200 or in_stream:
        assert line["error"]
    else:
        assert "error" not in line
