"""What is secret between weir and a provider, put by the provider into all that it can send: it is nowhere in what clients get, in the
log, in the metrics, on the pages, in the results of a batch (which are libweir's)."""

import gzip
import json
import zlib

import pytest

import bodies
import daemon
import wire
from batches import ask
from upstream import Upstream, raw, reply, sse

FIRST, SECOND, RENEWED = "sk-first/aaaa-0001", "sk-second/bbbb-0002", "sk-renewed/cccc-0003"
GATE = "gate/dddd-0004"
SECRETS = [FIRST, SECOND, RENEWED, GATE]


def coded(secret):
    return "".join(f"\\u{ord(c):04x}" for c in secret)


SPELLINGS = [str, coded, lambda secret: secret.replace("/", "\\/")]


def answer(status, headers, body, reason="OK"):
    """A whole answer, byte by byte as the provider likes, with a trailer."""
    fields = "".join(f"{n}: {v}\r\n" for n, v in headers)
    chunks = f"{len(body):x};ext=\"{reason}\"\r\n{body}\r\n0\r\nx-{reason}: {reason}\r\n\r\n" if body else "0\r\n\r\n"
    return raw(f"HTTP/1.1 {status} {reason}\r\n{fields}transfer-encoding: chunked\r\n\r\n{chunks}".encode())


JSON, EVENTS = ("content-type", "application/json"), ("content-type", "text/event-stream")


def zstd(body):
    """One frame of one block, as it is."""
    return b"\x28\xb5\x2f\xfd\xa0" + len(body).to_bytes(4, "little") + (len(body) << 3 | 1).to_bytes(3, "little") + body


def brotli(body):
    """One block as it is, and an empty one behind it."""
    return (len(body) - 1 << 4 | 1 << 20).to_bytes(3, "little") + body + b"\x03"


CODINGS = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli, "zstd": zstd}


def packed(coding):
    """An answer as above in a content coding, in chunks of seven bytes, behind an interim one that tells too."""
    def build(status, headers, body, reason="OK"):
        if not body or "content-encoding" in dict(headers):
            return answer(status, headers, body, reason)
        fields = "".join(f"{n}: {v}\r\n" for n, v in [*headers, ("content-encoding", coding)])
        early = f"HTTP/1.1 103 {reason}\r\n{fields}link: <{reason}>\r\n\r\n"
        data = CODINGS[coding](body.encode())
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(data[i:i + 7]), data[i:i + 7]) for i in range(0, len(data), 7))
        end = f"0\r\nx-{reason}: {reason}\r\n\r\n"
        return raw(f"{early}HTTP/1.1 {status} {reason}\r\n{fields}transfer-encoding: chunked\r\n\r\n".encode() + chunks + end.encode())
    return build


def everything(secret, spell, answer=answer):
    """(path, fields of the request, answer): the secret in each place."""
    s = spell(secret)
    name = secret.replace("/", "-")  # where a slash cannot stand no secret does
    chunk = {"choices": [{"index": 0, "delta": {"content": "S", "S": ["S"]}, "finish_reason": "S", "logprobs": {"S": "S"}}],
             "id": "S", "model": "S", "object": "S", "system_fingerprint": "S", "usage": {"prompt_tokens": 1, "completion_tokens": 1, "S": "S"}}
    plain = bodies.completion("Hi S.", model="S", id="S", service_tier="S", S="S")
    tools = bodies.chunk({"tool_calls": [{"index": 0, "id": "S", "type": "function", "function": {"name": "S", "arguments": '{"S":"S"}'}}]})
    refused = {"error": {"message": "Wrong: S", "type": "S", "param": "S", "code": "S", "S": "S"}, "S": "S"}
    chat, stream = "/v1/chat/completions", {"stream": True}

    def text(value):
        return (value if isinstance(value, str) else json.dumps(value)).replace("S", s)

    def events(*values, before=""):
        return before.replace("S", s) + "".join(f"data: {text(v)}\n\n" for v in values) + "data: [DONE]\n\n"

    odd = [("x-note", secret), ("x-request-id", secret), ("x-" + name, "1"), ("retry-after", secret), ("x-list", f"a, {secret}, b")]
    return [
        (chat, {}, answer(200, [JSON, *odd], text(plain), secret)),
        (chat, {}, answer(200, [JSON, ("content-encoding", secret)], text(plain))),
        (chat, {}, answer(200, [("content-type", f"application/json; x={secret}")], text(plain))),
        (chat, {}, answer(302, [JSON, ("location", f"https://{secret}")], "", secret)),
        (chat, {}, answer(400, [JSON, *odd], text(refused), secret)),
        (chat, {}, answer(401, [JSON], text({"error": {"message": "Incorrect API key: S", "code": "invalid_api_key_S"}}))),
        (chat, {}, answer(422, [JSON], text({"detail": [{"loc": ["body", "S"], "msg": "S", "type": "S"}]}))),
        (chat, {}, answer(500, [("content-type", "text/html")], text("<html><title>S</title>S</html>"))),
        (chat, {}, answer(400, [JSON], text({"error": "S", "message": "S", "error_code": "S"}))),
        (chat, {}, answer(200, [JSON], text("{\"choices\": S"))),
        (chat, stream, answer(200, [EVENTS, *odd], events(chunk, tools, before=": S\nid: S\nevent: S\nretry: S\nS: S\n"), secret)),
        (chat, stream, answer(200, [EVENTS], events({"error": {"message": "S", "type": "S", "code": "S"}}))),
        (chat, stream, answer(200, [EVENTS], events(bodies.chunk("Hi"), refused))),
        (chat, stream, answer(200, [EVENTS], events("S", bodies.chunk("Hi", finish="S S")))),
        (chat, stream, answer(200, [JSON], text(plain))),
        (chat, {}, answer(200, [EVENTS], events(chunk))),
        ("/v1/responses", stream, answer(200, [EVENTS], events(
            {"type": "response.output_text.delta", "delta": "S", "item_id": "S"}, {"type": "response.S", "S": "S"},
            {"type": "response.failed", "response": {"id": "S", "error": {"code": "S", "message": "S"}}}))),
        ("/v1/embeddings", {"input": "a"}, answer(200, [JSON], text({"data": [{"embedding": [1], "S": "S"}], "model": "S"}))),
        ("/v1/rerank", {}, answer(200, [("content-type", secret), *odd], text("\x01 S {S} SS"))),
        ("/v1/rerank", {}, answer(200, [EVENTS], events("S", {"S": "S"}, before="event: S\n"))),
        ("/v1/rerank", {}, answer(200, [JSON], text({"S": ["S"]}))),
        ("/chat", {}, answer(400, [JSON], text(refused))),
        ("/chat", {}, answer(200, [JSON], text(plain))),
    ]


def asked(w, path, fields):
    request = {"message": "Hi"} if path == "/chat" else {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "input": "a", **fields}
    return wire.call(w, "POST", path, request)


def shown(answer):
    return f"{answer.head} {answer.body}"


def leaks(what):
    return [s for s in SECRETS if s in what or coded(s) in what.lower() or s.replace("/", "\\/") in what]


def provider(upstream, *keys):
    return {"main": {"kind": "openai", "url": upstream.url, "key": list(keys), "headers": {"x-gate": f"Bearer {GATE}"}}}


def check_pages(w):
    for path in ("/health", "/metrics", "/v1/models", "/v1/models/m"):
        assert not leaks(shown(wire.call(w, "GET", path))), path
    assert not leaks(w.output())


@pytest.mark.parametrize("secret", [FIRST, SECOND, GATE])
def test_no_secret_comes_out(weir, upstream, secret):
    w = weir(upstream, providers=provider(upstream, FIRST, SECOND), passthrough=["/v1/rerank"], retry={"retries": 0}, breaker="off",
             logs={"level": "debug"})
    for spell in SPELLINGS:
        for path, fields, behaviour in everything(secret, spell):
            upstream.always(behaviour)
            got = asked(w, path, fields)
            assert not leaks(shown(got)), (path, fields, shown(got))
    upstream.always(reply(200, {"data": [{"id": secret}, {"id": f"m-{secret}", "object": "model"}, {"id": "good", secret: 1}]}))
    check_pages(w)


@pytest.mark.parametrize("coding", CODINGS)
def test_no_secret_comes_out_of_a_coded_answer(weir, upstream, coding):
    w = weir(upstream, providers=provider(upstream, FIRST), passthrough=["/v1/rerank"], retry={"retries": 0}, breaker="off", logs={"level": "debug"})
    for spell in SPELLINGS:
        for path, fields, behaviour in everything(FIRST, spell, packed(coding)):
            upstream.always(behaviour)
            got = asked(w, path, fields)
            assert not leaks(shown(got)), (path, fields, shown(got))
    assert wire.call(w, "GET", "/health").status == 200
    upstream.always(packed(coding)(200, [JSON], json.dumps(bodies.completion(f"Hi {FIRST}."))))
    assert wire.chat(w).json()["choices"][0]["message"]["content"] == "Hi [redacted]."
    check_pages(w)


def test_a_renewed_key_is_still_a_secret(weir, upstream):
    """An answer that is kept at the provider was made with the key that was."""
    config = {"providers": provider(upstream, FIRST), "models": {"*": "main"}}
    w = weir(config)
    upstream.always(reply(200, bodies.completion(f"{FIRST} {RENEWED}")))
    assert FIRST not in shown(wire.chat(w))
    w.reload({**config, "providers": provider(upstream, RENEWED)})
    got = wire.chat(w)
    assert upstream.requests[-1].header("authorization") == f"Bearer {RENEWED}"
    assert got.json()["choices"][0]["message"]["content"] == "[redacted] [redacted]"
    check_pages(w)


@pytest.mark.parametrize("cut", range(1, len(FIRST)))
def test_pieces_of_what_nobody_reads(weir_once, cut):
    w, upstream = weir_once
    body = f"before {FIRST} after".encode()
    at = len("before ") + cut
    head = f"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: {len(body)}\r\n\r\n".encode()
    upstream.always(raw([head + body[:at], 0.02, body[at:]]))
    assert asked(w, "/v1/rerank", {}).body == b"before [redacted] after"


@pytest.fixture(scope="module")
def weir_once(tmp_path_factory):
    with Upstream() as upstream:
        config = daemon.config_for(upstream, providers=provider(upstream, FIRST), passthrough=["/v1/rerank"])
        w = daemon.Weir(tmp_path_factory.mktemp("weir"), config)
        yield w, upstream
        w.stop()


def test_a_stream_that_spells_one_is_broken_off(weir, upstream):
    w = weir(upstream, providers=provider(upstream, FIRST), retry={"retries": 0})
    upstream.always(sse([bodies.chunk(letter) for letter in f"It is {FIRST}."] + [bodies.chunk(finish="stop")]))
    told = wire.chat(w, stream=True).events()
    assert "[DONE]" not in told
    assert bodies.text_of(told) == "It is " + FIRST[:11]
    assert told[-1]["error"]["code"] == "provider_bad_answer"
    assert told[-1]["error"]["message"] == "The provider's answer spells what is secret between weir and it."
    upstream.always(sse([bodies.chunk(word) for word in ("A key begins with sk", "-fir", "st/.")] + [bodies.chunk(finish="stop")]))
    assert bodies.text_of(wire.chat(w, stream=True).events()) == "A key begins with sk-first/."


@pytest.mark.parametrize("delta", [lambda t: {**{f"m{i}": "x" for i in range(20)}, "last": t}, lambda t: {"content": t, "context": "x", "refusal": None}],
                         ids=["the last of many members", "one with a namesake"])
def test_whichever_text_spells_it(weir, upstream, delta):
    """However many a delta has, and whatever the others are called."""
    w = weir(upstream, providers=provider(upstream, FIRST), retry={"retries": 0})
    upstream.script(sse([bodies.chunk(delta(letter)) for letter in f"It is {FIRST}."] + [bodies.chunk(finish="stop")]))
    told = wire.chat(w, stream=True).events()
    assert "[DONE]" not in told and told[-1]["error"]["code"] == "provider_bad_answer"
    assert len(told) == 1 + len("It is ") + 11


@pytest.mark.parametrize("shown_as", ["sk-fir****0001", "sk-...0001", "****0001", "sk-fir\u2026001"])
def test_a_key_that_an_error_shows_in_part(weir, upstream, shown_as):
    """Also where the error is about something else."""
    said = f"Rate limit reached for {shown_as} today."
    event = {"error": {"message": said, "type": "t", "param": None, "code": "c"}}
    upstream.script(reply(429, event), reply(400, {"detail": said}), sse([bodies.chunk("Hi"), event]))
    w = weir(upstream, providers={"main": {"key": FIRST}}, retry={"retries": 0})
    answers = [wire.chat(w), wire.chat(w), wire.chat(w, stream=True)]
    assert [a.status for a in answers] == [429, 400, 200]
    for a in answers:
        assert "Rate limit reached for [redacted] today." in a.body.decode()
    w.calls(3)
    assert "001 today" not in "\n".join(w.texts())


def test_a_batchs_results_have_none(folder, upstream):
    """They are libweir's."""
    folder.put(ask("a"), ask("b"))
    config = folder.config(upstream, providers=provider(upstream, FIRST, SECOND), retry={"retries": 0})
    for behaviour in [b for path, fields, b in everything(SECOND, coded) if path == "/v1/chat/completions" and not fields]:
        upstream.always(behaviour)
        process = folder.start("in.jsonl", *config)
        said = b"".join(process.communicate(timeout=50)).decode()
        assert not leaks(said)
        for path in (folder.output, folder.errors):
            assert not leaks(path.read_text() if path.exists() else ""), path
            path.unlink(missing_ok=True)
