"""Event streams: every legal form goes in, one normal form comes out, and a cut never passes for an end.

wire.parse_events() insists on the normal form in all of these: LF, no id:, no retry:, no event without data."""

import json
import threading
import time
import zlib

import openai
import pytest
from openai import OpenAI

import bodies
import daemon
import wire
from upstream import after, chunk, cut, error, event, make_head, raw, reply, reset, sse, stall

A = json.dumps(bodies.chunk("Grüße, 世界 😀"), ensure_ascii=False)
B = json.dumps(bodies.chunk("b"))
END = json.dumps(bodies.chunk(finish="stop"))
EXPECTED = [A, B, END, "[DONE]"]
PLAIN = b"".join(event(e) for e in EXPECTED)
a, b, end = A.encode(), B.encode(), END.encode()
FORMS = {
    "lf": PLAIN,
    "crlf": PLAIN.replace(b"\n", b"\r\n"),
    "cr": PLAIN.replace(b"\n", b"\r"),
    "mixed_line_ends": b"data: " + a + b"\r\n\ndata: " + b + b"\r\r\ndata: " + end + b"\n\rdata: [DONE]\r\n\r",
    "bom": b"\xef\xbb\xbf" + PLAIN,
    "comments": b": hello\n\n:\n" + PLAIN.replace(b"\n\n", b"\n: within\n\n:keep-alive\n\n"),
    "no_space": PLAIN.replace(b"data: ", b"data:"),
    "id_and_retry": b"retry: 10000\n\n" + PLAIN.replace(b"data: ", b"id: 7\nretry: 3\ndata: "),
    "unknown_fields": PLAIN.replace(b"data: ", b"colour: blue\nlonely\ndata: "),
    "events_without_data": b"event: ping\n\n" + PLAIN.replace(b"\n\n", b"\n\nevent: ping\nid: 1\n\n\n\n"),
    "empty_data": PLAIN.replace(b"\n\n", b"\n\ndata\n\ndata:\n\n", 2),
    "no_final_blank_line": PLAIN[:-1],
    "no_final_line_end": PLAIN[:-2],
    "bad_json": PLAIN.replace(b"data: " + b, b'data: {"id": nonsense\n\ndata: ' + b),
    "no_json_at_all": PLAIN.replace(b"data: " + b, b"data: <html>\n\ndata: " + b),
    "after_the_end": PLAIN + b"data: " + b + b"\n\n",
}


def stream(w, **fields):
    return wire.chat(w, stream=True, **fields)


def data_of(answer):
    return [d for _, d in answer.named_events()]


@pytest.mark.parametrize("pieces", ["whole", "bytes", "bytes_unchunked"])
@pytest.mark.parametrize("form", FORMS)
def test_forms(weir, upstream, form, pieces):
    body = FORMS[form]
    parts = [body] if pieces == "whole" else [bytes([c]) for c in body]
    upstream.script(sse(parts, end="no_done", chunked=pieces != "bytes_unchunked"))
    w = weir(upstream)
    answer = stream(w)
    assert answer.status == 200 and answer.complete
    assert answer.header("content-type").startswith("text/event-stream")
    assert data_of(answer) == EXPECTED
    (line,) = w.calls(1)
    assert (line["status"], line["attempts"]) == (200, 1)
    assert not line.get("error")


@pytest.mark.parametrize("form", FORMS)
def test_the_sdk_reads_them_all(weir, upstream, form):
    upstream.script(sse([FORMS[form]], end="no_done"))
    w = weir(upstream)
    client = OpenAI(base_url=w.base_url, api_key=daemon.CLIENT_KEY, max_retries=0, timeout=10)
    chunks = list(client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "Grüße, 世界 😀b"


def test_cuts_inside_characters(weir, upstream):
    """The same event again and again, cut at another byte of its text each time; each half is a packet of its own."""
    one = event(A)
    places = range(one.index("Grüße".encode()), one.index("😀".encode()) + 5)
    parts = [p for at in places for p in (one[:at], 0.002, one[at:])]
    upstream.script(sse([*parts, event(END)]))
    assert data_of(stream(weir(upstream))) == [A] * len(places) + [END, "[DONE]"]


def test_data_on_several_lines(weir, upstream):
    half = a.index(b'"choices"')
    upstream.script(sse([b"data: " + a[:half] + b"\ndata: " + a[half:] + b"\n\n", END]))
    first, *rest = data_of(stream(weir(upstream)))
    assert json.loads(first) == json.loads(A)
    assert rest == [END, "[DONE]"]


def test_big_event(weir, upstream):
    text = "é" * 500_000
    big = json.dumps(bodies.chunk(text), ensure_ascii=False)
    whole = event(big)
    assert len(whole) > 1_000_000
    upstream.script(sse([big, B, END]), sse([whole[i : i + 777] for i in range(0, len(whole), 777)] + [B, END]))
    w = weir(upstream)
    for _ in range(2):
        assert data_of(stream(w)) == [big, B, END, "[DONE]"]


def test_too_big_event(weir, upstream):
    upstream.script(sse([B, json.dumps(bodies.chunk("x" * 200_000)), END]))
    w = weir(upstream, limits={"event": "64KB"})
    events = stream(w).events()
    assert events[0] == json.loads(B)
    assert "error" in events[-1] and len(events) == 2


def test_many_events_in_one_piece(weir, upstream):
    chunks = [json.dumps(bodies.chunk(f"{i} ")) for i in range(5000)]
    upstream.script(sse([b"".join(event(c) for c in chunks), END]))
    assert data_of(stream(weir(upstream))) == [*chunks, END, "[DONE]"]


# -- how a stream ends -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunked", [True, False])
def test_end_without_done_is_complete_where_the_answer_has_finished(weir, upstream, chunked):
    upstream.script(sse([A, END], end="no_done", chunked=chunked))
    w = weir(upstream)
    answer = stream(w)
    assert data_of(answer) == [A, END, "[DONE]"] and answer.complete
    assert w.calls(1)[0]["status"] == 200


@pytest.mark.parametrize("odd", [{"choices": None}, {}])
@pytest.mark.parametrize("asks", [False, True])
def test_a_usage_chunk_without_a_list_of_choices(weir, upstream, odd, asks):
    """SDKs go through the list of each chunk, their helpers for streams among them."""
    last = {**odd, "id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-test", "usage": bodies.USAGE}
    upstream.script(sse([*bodies.stream("Hi"), last]))
    w = weir(upstream)
    answer = wire.chat(w, stream=True, **({"stream_options": {"include_usage": True}} if asks else {}))
    *rest, done = data_of(answer)[3:]
    assert [json.loads(e) for e in rest] == ([{**last, "choices": []}] if asks else []) and done == "[DONE]"
    line = w.wait_call(answer.header("x-request-id"))
    assert (line["prompt_tokens"], line["completion_tokens"]) == (bodies.USAGE["prompt_tokens"], bodies.USAGE["completion_tokens"])


def test_usage_after_the_finish_is_counted_without_done(weir, upstream):
    upstream.script(sse(bodies.stream("Hi", usage=bodies.USAGE), end="no_done"))
    w = weir(upstream)
    assert data_of(stream(w))[-1] == "[DONE]"
    assert w.calls(1)[0]["total_tokens"] == 12


def assert_interrupted(w, answer, before, *codes):
    """The events before, then an error event with one of the codes, then nothing: no [DONE], and no last chunk."""
    assert not answer.complete
    *events, last = answer.events()
    assert events == [json.loads(e) for e in before]
    assert set(last) == {"error"}
    assert set(last["error"]) >= {"message", "type", "param", "code"}
    assert last["error"]["type"] == "server_error"
    assert last["error"]["code"] in codes
    line = w.wait_call(answer.header("x-request-id"))
    assert (line["attempts"], line["stream"]) == (1, True)
    assert line["error"]


def bad_chunk(events):
    head = make_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"})
    return raw([head, *(e if isinstance(e, threading.Event) else chunk(event(e)) for e in events), b"zz\r\n"])


ENDS = {
    "end": lambda events: sse(events, end="no_done"),
    "close": lambda events: sse(events, end="no_done", chunked=False),
    "cut": lambda events: sse(events, end="cut"),
    "reset": lambda events: sse(events, end="reset"),
    "half_an_event": lambda events: sse([*events, b"data: " + b[:30]], end="no_done"),
    "bad_chunk": bad_chunk,
}


def packed(events, end=True):
    """A stream whose body is one gzip, flushed after each event, as a server does that compresses what it sends."""
    gzip = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [e if isinstance(e, threading.Event) else chunk(gzip.compress(event(e)) + gzip.flush(zlib.Z_SYNC_FLUSH)) for e in events]
    last = [chunk(gzip.flush()), b"0\r\n\r\n"] if end else [b"0\r\n\r\n"]
    head = make_head(200, {"content-type": "text/event-stream", "content-encoding": "gzip", "transfer-encoding": "chunked"})
    return raw([head, *parts, *last], end="keep")


def test_a_compressed_stream_is_handed_on_as_it_comes(weir, upstream):
    gate = threading.Event()
    upstream.script(packed([A, gate, B, END, "[DONE]"]), packed([A, B, END, "[DONE]"], end=False))
    w = weir(upstream)
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
        answer = c.head()
        assert answer.header("content-encoding") is None
        for _ in c.body_pieces(answer):
            if a in answer.body:
                gate.set()
    assert data_of(answer) == EXPECTED
    assert data_of(stream(w)) == EXPECTED, "many a server forgets the end of its compression"


@pytest.mark.parametrize("end", ENDS)
def test_a_cut_is_never_a_clean_end(weir, upstream, end):
    gate = threading.Event()  # so that content has gone out when the end comes
    upstream.script(ENDS[end]([A, B, gate]))
    w = weir(upstream)
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
        answer = c.head()
        for _ in c.body_pieces(answer):
            if b in answer.body:
                gate.set()
    assert_interrupted(w, answer, [A, B], "stream_interrupted", *(["provider_bad_answer"] if end == "bad_chunk" else []))


def test_a_silent_stream_is_ended(weir, upstream):
    upstream.script(stall("in_stream", events=[A, B]))
    w = weir(upstream, timeouts={"between_events": "1s"})
    answer = stream(w)
    assert_interrupted(w, answer, [A, B], "stream_stalled")
    (request,) = upstream.requests
    assert request.wait_closed() - request.answered >= 1


def test_comments_are_no_content(weir, upstream):
    """A provider that sends nothing but comments does not keep a call alive for ever."""
    upstream.always(sse([p for _ in range(400) for p in (b": ping\n\n", 0.01)] + [A, END]))
    w = weir(upstream, timeouts={"first_token": "200ms"}, retry={"retries": 0})
    answer = stream(w)
    assert answer.status == 504
    assert answer.error["code"] == "first_token_timeout"


def test_an_error_event_is_handed_on_and_ends_the_stream(weir, upstream):
    words = {"error": {"message": "Overheated.", "type": "server_error", "param": None, "code": "hot"}}
    upstream.script(sse([A, words]), sse([A, b"event: error\n" + event(words)], end="no_done"))
    w = weir(upstream)
    for _ in range(2):
        answer = stream(w)
        first, last = answer.events()
        assert first == json.loads(A)
        assert (last["error"]["message"], last["error"]["code"]) == ("Overheated.", "hot")
        assert w.wait_call(answer.header("x-request-id"))["error"]


@pytest.mark.parametrize("first", [
    sse([{"error": {"message": "Overloaded.", "type": "server_error", "param": None, "code": None}}]), sse([], end="cut"), sse([], end="reset"),
    sse([bodies.chunk({"role": "assistant", "content": ""})], end="cut"), sse([b": ping\n\n"], end="no_done")],
    ids=["error_event", "cut", "reset", "cut_after_the_role", "end_without_content"])
def test_what_breaks_before_content_is_tried_again_unseen(weir, upstream, first):
    upstream.script(first, sse([A, END]))
    answer = stream(weir(upstream))
    assert data_of(answer) == [A, END, "[DONE]"]
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("broken", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf5\x80\x80\x80"])
def test_invalid_utf8_does_not_reach_the_client(weir, upstream, broken):
    """The SDK for Python dies of it. The event is no JSON, so it is left out; the others pass."""
    upstream.script(sse([A, b"data: " + b.replace(b'"b"', b'"' + broken + b'"') + b"\n\n", B, END]))
    answer = stream(weir(upstream))
    answer.body.decode()
    assert data_of(answer) == [A, B, END, "[DONE]"]


def test_a_stream_gives_its_connection_back(weir, upstream):
    """Also where the end of the body comes a little after the last event."""
    late_end = [make_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}), chunk(PLAIN), 0.02, b"0\r\n\r\n"]
    upstream.script(sse([A, END]), raw(late_end, end="keep"), sse([A, END], end="no_done"), sse([A, END]))
    w = weir(upstream, server={"workers": 1})
    for _ in range(4):
        assert data_of(stream(w))[-1] == "[DONE]"
    assert len({r.connection for r in upstream.requests}) <= 2


# -- signs of life -----------------------------------------------------------------------------------------------------


def test_keep_alive_comments(weir, upstream):
    begin, go_on = threading.Event(), threading.Event()
    upstream.script(after(begin, sse([A, go_on, END])))
    w = weir(upstream, server={"keep_alive_comment": "100ms"})
    with wire.connect(w) as c:
        asked = time.monotonic()
        c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
        answer = c.head()
        pieces = c.body_pieces(answer)
        for gate, data in ((begin, 0), (go_on, 1)):  # two comments before the first event, two behind it
            while answer.body.count(b"data: ") < data or answer.body.rpartition(b"data: ")[2].count(b": keep-alive\n\n") < 2:
                next(pieces)
            gate.set()
        for _ in pieces:
            pass
    assert data_of(answer) == [A, END, "[DONE]"]
    assert [at for at, piece in answer.pieces if b": keep-alive" in piece][-1] - asked >= 0.39  # four, each after 100 ms of silence


def test_no_comment_where_events_flow(weir, upstream):
    upstream.script(sse([*[B] * 40, END], pace=0.04))
    w = weir(upstream, server={"keep_alive_comment": "1s"})
    assert b": keep-alive" not in stream(w).body


def test_failure_after_a_comment_is_an_error_event(weir, upstream):
    """The head has gone out with status 200, so the error can only be an event; the SDK raises it."""
    upstream.script(after(0.3, error(400, "No such thing.", code="odd")))
    w = weir(upstream, server={"keep_alive_comment": "100ms"})
    with pytest.raises(openai.APIError, match="No such thing.") as raised:
        client = OpenAI(base_url=w.base_url, api_key=daemon.CLIENT_KEY, max_retries=0, timeout=10)
        list(client.chat.completions.create(model="m", messages=[{"role": "user", "content": "x"}], stream=True))
    assert raised.value.code == "odd"


def test_retries_go_on_behind_the_comments(weir, upstream):
    upstream.script(after(0.3, error(503)), reset("in_head"), sse([A, END]))
    w = weir(upstream, server={"keep_alive_comment": "100ms"})
    answer = stream(w)
    assert data_of(answer) == [A, END, "[DONE]"]
    assert w.calls(1)[0]["attempts"] == 3


# -- answers of another form -------------------------------------------------------------------------------------------


def test_plain_answer_to_a_stream_request(weir, upstream):
    """Some providers do not stream; what they say must not be lost or called a stream."""
    upstream.script(reply(200, bodies.completion("All at once.")))
    answer = stream(weir(upstream))
    if answer.header("content-type").startswith("application/json"):
        assert answer.json()["choices"][0]["message"]["content"] == "All at once."
    else:
        assert bodies.text_of(answer.events()) == "All at once."
