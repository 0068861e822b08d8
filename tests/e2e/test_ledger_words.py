"""Words that others choose, in records and in what is asked of them: they are themselves, and nothing else."""

import json
import urllib.parse

import pytest

import bodies
import wire
from test_ledger import KEYS, all_calls, ask, record_of
from upstream import reply

A = "key-of-client-a-0001"
WORDS = {
    "quotes": "it's \"quoted\"; DROP TABLE calls --",
    "wildcards": "a%b_c*[d]?",
    "controls": "two\nlines\r\t\x1b[2J\x7f",
    "beyond ASCII": "名前 \u202e\u2028 é\u0301 \U0001f642",
    "an escape": "\\n \\u0000 {x}",
    "like another": "a,b=c",
}


@pytest.mark.parametrize("name", WORDS)
def test_a_word_is_found_as_it_was_written(weir, upstream, name):
    word = WORDS[name]
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream)
    record = record_of(w, wire.chat(w, model=word, user=word))
    wire.chat(w, model="axbyc", user="axbyc")
    assert (record["model"], record["user"]) == (word, word)
    said = urllib.parse.quote(word, safe="")
    for field in ("model", "user"):
        assert [c["request_id"] for c in all_calls(w, f"&{field}={said}")] == [record["request_id"]]
        assert ask(w, f"/usage/summary?{field}={said}")["total_calls"] == 1
        assert word in [g["key"] for g in ask(w, f"/usage/summary?group={field}")["groups"]]
    line = w.wait_call(record["request_id"])
    assert (line["model"], line["user"]) == (word, word)
    assert not [text for text in w.text if "\x1b" in text]
    w.metrics()


@pytest.mark.parametrize("pattern", ["%", "_", "*", "gpt%", "gpt-tes_", "GPT-TEST", "' OR '1'='1", "gpt-test' --"])
def test_no_sign_stands_for_others(weir, upstream, pattern):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream)
    record_of(w, wire.chat(w, user="gpt-test", headers=[("x-weir-tag", "gpt-test=gpt-test")]))
    said = urllib.parse.quote(pattern, safe="")
    for field in ("model", "user", "client", "target", "error_code", "endpoint"):
        assert all_calls(w, f"&{field}={said}") == []
    assert ask(w, f"/usage/calls?outcome={said}", expect=400)["error"]["param"] == "outcome", "those words are known"
    assert all_calls(w, f"&tag=gpt-test={said}") == [] and all_calls(w, f"&tag={said}=gpt-test") == []


@pytest.mark.parametrize("cursor", ["0", "'", "zz" * 500, "%00", "%F0%9F%99%82", "-1", "01J00000000000000000000000' OR 1=1 --"])
def test_a_made_up_cursor_shows_nothing_of_others(weir, upstream, cursor):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, **KEYS)
    b = "key-of-client-b-0001"

    def call(key):
        return record_of(w, wire.chat(w, headers=[("authorization", f"Bearer {key}")]), key=key)["request_id"]

    call(b)  # before each cursor there is something of both
    own = call(A)
    for made_up in (cursor, call(b)):
        answer = wire.call(w, "GET", "/usage/calls?cursor=" + made_up.replace(" ", "%20"), headers=[("authorization", f"Bearer {A}")])
        assert answer.status == 400 or answer.status == 200 and {c["request_id"] for c in answer.json()["data"]} <= {own}
    assert answer.status == 200 and answer.json()["data"]


@pytest.mark.parametrize("query", ["user=" + "x" * 6000, "x" * 6000 + "=1", "&" * 6000, "%00=1", "user=%c0%af", "user=%ed%a0%80", "=", "user",
                                   "from=" + "9" * 400 + "d", "from=-1d", "limit=" + "1" * 400, "limit=+1", "%0a%1b[2J=1"])
def test_what_is_asked_amiss_is_told_in_one_clean_line(weir, upstream, query):
    w = weir(upstream)
    for page in ("/usage/summary", "/usage/calls", "/usage/calls/x"):
        answer = wire.call(w, "GET", f"{page}?{query}")
        assert answer.status in (200, 400, 404, 414)
        message = "" if answer.status == 200 else answer.json()["error"]["message"]
        assert message.isprintable() and len(message) < 600
    assert ask(w, "/usage/summary")["total_calls"] == 0


@pytest.mark.parametrize("path", ["/usage/summary", "/usage/calls", "/usage/calls/x"])
def test_pages_of_records_are_read_alone(weir, upstream, path):
    w = weir(upstream, **KEYS)
    own = [("authorization", f"Bearer {A}")]
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = wire.call(w, method, path, {}, headers=own)
        assert answer.status == 405 and "GET" in answer.header("allow")
    for headers in (own, []):
        got, head = (wire.call(w, method, path, headers=headers) for method in ("GET", "HEAD"))
        assert head.status == got.status and head.body == b""
    assert wire.call(w, "OPTIONS", path).status in (204, 405)
    assert upstream.requests == []
    json.loads(wire.call(w, "GET", path, headers=own).body)
