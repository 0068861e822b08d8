"""Answers and events that a loop would stand still for: what becomes of them, and that it does not.

In a build that measures it (make watch) they are large, and no piece of work on a loop takes more than 5 ms. The
figures of docs/decisions/0019-large-documents.md come from here."""

import gzip
import json

import pytest

import bodies
import wire
from test_large_documents import BYTES, WATCHED, stood_still
from upstream import event, raw, reply

MB = 1000 * 1000
BEGINS = b'{"id":"c","object":"chat.completion","created":1,"model":"gpt-test","choices":['
SAYS = BEGINS + b'{"index":0,"message":{"role":"assistant","content":"'
STOPS = b'"},"finish_reason":"stop"}]}'
CALLS = BEGINS + (b'{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"t","type":"function",'
                  b'"function":{"name":"f","arguments":"')
CALLED = b'"}}]},"finish_reason":"tool_calls"}]}'


def filled(before, unit, after):
    return lambda size=BYTES: before + unit * ((size - len(before) - len(after)) // len(unit)) + after


ANSWERS = {
    "a text": filled(SAYS, b"the quick brown fox ", STOPS),
    "a text beyond ASCII": filled(SAYS, "你好При".encode(), STOPS),
    "escapes": filled(SAYS, b"word\\n", STOPS),
    "choices": filled(BEGINS + b"0", b',{"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}', b"]}"),
    "tool arguments": filled(CALLS, b'{\\"a\\":1}', CALLED),
    "many tools": filled(BEGINS + b'{"index":0,"message":{"role":"assistant","tool_calls":[{}',
                                 b',{"id":"t","type":"function","function":{"name":"f","arguments":"{}"}}',
                                 b']},"finish_reason":"tool_calls"}]}'),
    "pretty": filled(BEGINS + b'{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}', b"\n ", b"]}"),
}
JSON = [("content-type", "application/json")]
STREAM = [("content-type", "text/event-stream")]


def quick(weir, upstream, **over):
    """A weir of one loop."""
    return weir(upstream, server={"workers": 1}, **over)


@pytest.mark.parametrize("coded", ["", "in chunks", "gzip"])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_large_answer_comes_as_it_is(weir, upstream, name, coded):
    body = ANSWERS[name](8 * MB if coded == "gzip" and WATCHED else BYTES)  # more would be too dense
    if coded == "gzip":
        upstream.script(reply(200, gzip.compress(body, 6), [*JSON, ("content-encoding", "gzip")]))
    else:
        upstream.script(reply(200, body, JSON, chunked=coded == "in chunks", pieces=50 if coded else 1))
    w = quick(weir, upstream)
    answer = wire.chat(w, timeout=60)
    assert (answer.status, answer.body) == (200, body)
    assert stood_still(w) == []


@pytest.mark.parametrize("name", ANSWERS)
def test_a_large_answer_is_told_as_the_stream_that_was_asked_for(weir, upstream, name):
    body = ANSWERS[name]()
    upstream.script(reply(200, body, JSON))
    w = quick(weir, upstream)
    answer = wire.chat(w, stream=True, timeout=60)
    assert answer.body.endswith(b"data: [DONE]\n\n")
    for word in (b'"finish_reason":"', b"quick", "你好".encode(), b"word\\n", b'"content":"a"', b'{\\"a\\":1}', b'"arguments":"{}"'):
        assert answer.body.count(word) == body.count(word), word
    assert stood_still(w) == []


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("name", ANSWERS)
def test_a_large_answer_is_told_in_words(weir, upstream, name, stream):
    body = ANSWERS[name]()
    upstream.script(reply(200, body, JSON))
    w = quick(weir, upstream)
    answer = wire.call(w, "POST", "/chat", {"message": "x", "stream": stream}, timeout=60)
    assert answer.status == 200
    for word in (b"quick", "你好".encode(), b"word\\n"):
        assert answer.body.count(word) == body.count(word), word
    assert stood_still(w) == []


def delta(says, member=b'"content":"', after=b'"'):
    return lambda size: ((before := b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-test","choices":[{"index":0,"delta":{' + member)
                         + says * ((size - len(before)) // len(says)) + after + b'},"finish_reason":null}]}')


EVENTS = {
    "a text": delta(b"the quick brown fox "),
    "a text beyond ASCII": delta("你好При".encode()),
    "escapes": delta(b"word\\n"),
    "a picture": delta(b"iVBORw0KGgoAAAANSUhEUg", b'"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,', b'"}}]'),
    "tool arguments": delta(b'{\\"a\\":1}', b'"tool_calls":[{"index":0,"id":"t","type":"function","function":{"name":"f","arguments":"', b'"}}]'),
    "numbers": delta(b"0,", b'"x":[', b"0]"),
}
SIZES = {"6 MB": 6 * MB, "40 MB": 40 * MB} if WATCHED else {"2 MB": 2 * MB}
ROOM = {"limits": {"event": "64MB", "answer": "64MB"}}


def streamed(data):
    begin, end = bodies.chunk({"role": "assistant", "content": "I "}), bodies.chunk(finish="stop")
    return [event(begin), b"data: " + data + b"\n\n", event(end), b"data: [DONE]\n\n"]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", EVENTS)
def test_a_large_event_goes_on_as_it_is(weir, upstream, name, size):
    data = EVENTS[name](SIZES[size])
    upstream.script(reply(200, b"".join(streamed(data)), STREAM))
    w = quick(weir, upstream, **ROOM)
    answer = wire.chat(w, stream=True, timeout=60)
    assert answer.body.split(b"\n\n")[1] == b"data: " + data
    assert answer.body.endswith(b"data: [DONE]\n\n")
    assert stood_still(w) == []


@pytest.mark.parametrize("name", EVENTS)
def test_a_large_event_is_told_in_words(weir, upstream, name):
    data = EVENTS[name](list(SIZES.values())[-1])
    upstream.script(reply(200, b"".join(streamed(data)), STREAM))
    w = quick(weir, upstream, **ROOM)
    answer = wire.call(w, "POST", "/chat", {"message": "x", "stream": True}, timeout=60)
    told = [json.loads(e[6:]) for e in answer.body.split(b"\n\n")[:-1]]
    said = json.loads(data)["choices"][0]["delta"].get("content")
    assert [e["delta"] for e in told[:-1]] == ["I ", *([said] if said else [])]
    assert told[-1]["done"] is True
    assert stood_still(w) == []


@pytest.mark.parametrize("name", EVENTS)
def test_large_events_are_told_as_the_document_that_was_asked_for(weir, upstream, name):
    data = EVENTS[name](list(SIZES.values())[-1])
    upstream.script(reply(200, b"".join(streamed(data)), STREAM))
    w = quick(weir, upstream, **ROOM)
    answer = wire.chat(w, timeout=60)
    said = json.loads(data)["choices"][0]["delta"].get("content", "")
    assert answer.json()["choices"][0]["message"]["content"] == "I " + said
    assert stood_still(w) == []


def test_many_events_are_told_as_the_document_that_was_asked_for(weir, upstream):
    one = event(bodies.chunk({"content": "the quick brown fox jumps over the lazy dog " * 100}))
    begin, _, end, done = streamed(b"{}")
    upstream.script(reply(200, begin + one * (BYTES // len(one)) + end + done, STREAM))
    w = quick(weir, upstream, **ROOM)
    answer = wire.chat(w, timeout=60)
    assert answer.json()["choices"][0]["message"]["content"].count("fox") == BYTES // len(one) * 100
    assert stood_still(w) == []


def test_an_event_of_many_lines_is_told_whole(weir, upstream):
    lines = b"".join(b"data: %d,\n" % i for i in range(BYTES // 16))
    data = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}],"x":[\n' + lines + b"data: 0]}\n\n"
    begin, _, end, done = streamed(b"{}")
    upstream.script(reply(200, begin + data + end + done, STREAM))
    w = quick(weir, upstream, **ROOM)
    answer = wire.chat(w, stream=True, timeout=60)
    assert answer.body.split(b"\n\n")[1] + b"\n\n" == data
    assert stood_still(w) == []


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_what_is_densely_packed_is_unpacked_in_slices(weir, upstream, stream):
    begin, _, end, done = streamed(b"{}")
    size = 8 * MB if WATCHED else BYTES
    body = begin + b'data: {"choices":[]}\n\n' * (size // 22) + end + done if stream else ANSWERS["a text"](size)
    upstream.script(reply(200, gzip.compress(body, 9), [*(STREAM if stream else JSON), ("content-encoding", "gzip")]))
    w = quick(weir, upstream)
    answer = wire.chat(w, stream=stream, timeout=60)
    assert answer.body == body
    assert stood_still(w) == []


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize("unit", [b"the quick brown fox ", "你好При".encode(), b"a\\/"], ids=["text", "beyond ASCII", "needless escapes"])
def test_what_nobody_tells_is_counted_beside_the_loop(weir, upstream, unit, stream):
    """A question of 8 MB, and an answer without figures."""
    before, after = b'{"model":"m","stream":%s,"messages":[{"role":"user","content":"' % (b"true" if stream else b"false"), b'"}]}'
    question = before + unit * ((min(8 * 1024 * 1024, 4 * BYTES) - len(before) - len(after)) // len(unit)) + after
    answers = [event(bodies.chunk({"role": "assistant", "content": "I"})), event(bodies.chunk(finish="stop")), b"data: [DONE]\n\n"]
    upstream.script(reply(200, b"".join(answers), STREAM) if stream else reply(200, bodies.completion("Read.", usage=None)))
    w = quick(weir, upstream)
    assert wire.call(w, "POST", "/v1/chat/completions", question, timeout=60).status == 200
    assert stood_still(w) == []


def test_a_client_that_reads_slowly_gets_all_of_it(weir, upstream):
    body = ANSWERS["a text"]()
    upstream.script(reply(200, body, JSON))
    w = quick(weir, upstream)
    with wire.connect(w, receive_buffer=8192) as c:
        c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}]})
        assert c.answer(timeout=60).body == body
    assert stood_still(w) == []


@pytest.mark.parametrize("member", ['"content":"%s"', '"reasoning_content":"%s"'])
def test_many_small_events_of_one_read_are_no_large_piece(weir, upstream, member):
    one = b'data: {"choices":[{"delta":{' + member.encode() % b"x" + b"}}]}\n\n"
    begin, _, end, done = streamed(b"{}")
    body = begin + one * (BYTES // 20 // len(one)) + end + done
    upstream.script(reply(200, body, STREAM))
    w = quick(weir, upstream)
    answer = wire.chat(w, stream=True, timeout=60)
    assert answer.body.count(b'"x"') == body.count(b'"x"')
    assert stood_still(w) == []
