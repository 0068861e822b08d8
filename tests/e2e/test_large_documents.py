"""Documents that a loop would stand still for: what becomes of them, and that it does not.

In a build that measures it (make watch) they are large, and no piece of work on a loop takes more than 5 ms."""

import gzip
import zlib

import pytest

import bodies
import daemon
import wire
from upstream import reply

WATCHED = b"loop watch: " in daemon.WEIR.read_bytes()
BYTES = (40 if WATCHED else 2) * 1000 * 1000  # both are beyond what is read on a loop


def filled(before, unit, after):
    return before + unit * ((BYTES - len(before) - len(after)) // len(unit)) + after


def stood_still(w):
    """What took too long on a loop of a weir that is stopped by this."""
    w.stop()
    assert not WATCHED or any("longest" in line for line in w.text)
    return [line for line in w.text if line.startswith("loop watch:") and "longest" not in line]


SAYS = b'{"model":"m","messages":[{"role":"user","content":"'
ASIDE = b'{"model":"m","messages":[{"role":"user","content":"x"}],"metadata":'
REQUESTS = {
    "text": lambda: filled(SAYS, b"the quick brown fox ", b'"}]}'),
    "text beyond ASCII": lambda: filled(SAYS, "你好При".encode(), b'"}]}'),
    "escapes": lambda: filled(SAYS, b"\\n", b'"}]}'),
    "needless escapes": lambda: filled(SAYS, b"a\\/", b'"}]}'),
    "numbers": lambda: filled(ASIDE + b"[0", b",0", b"]}"),
    "objects": lambda: filled(ASIDE + b"[0", b',{"a":1}', b"]}"),
    "blanks": lambda: filled(SAYS + b'"}]', b" ", b"}"),
    "blanks in front": lambda: filled(b"{", b"\n", SAYS[1:] + b'"}]}'),
    "options of a stream": lambda: filled(SAYS + b'"}],"stream":true,"stream_options":{"x":[0', b",0", b"]}}"),
}
REFUSED = {
    "members": (lambda: ASIDE + b"{" + b",".join(b'"k%d":1' % i for i in range(BYTES // 13)) + b"}}", "limits.members"),
    "nothing": (lambda: b"\n" * BYTES + b"x", "expected an object"),
    "a broken end": (lambda: filled(SAYS, b"\\n", b"\n"), "must be escaped"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_large_request_goes_on_as_it_is(weir, upstream, name):
    upstream.script(reply(200, bodies.completion("Read.")))
    w = weir(upstream, server={"workers": 1}, providers={"main": {"stream_usage": "never"}})
    body = REQUESTS[name]()
    assert wire.call(w, "POST", "/v1/chat/completions", body, timeout=60).status == 200
    assert upstream.requests[0].body == body
    assert stood_still(w) == []


@pytest.mark.parametrize("name", ["escapes", "blanks in front", "options of a stream"])
def test_a_large_request_is_changed_where_it_must_be(weir, upstream, name):
    """Its model's name, the usage that is asked for and the name of its bound."""
    upstream.script(reply(200, bodies.completion("Read.")))
    w = weir(upstream, server={"workers": 1}, models={"*": "main/other"},
             providers={"main": {"max_tokens_member": "max_tokens"}})
    body = REQUESTS[name]()[:-1] + b',"max_completion_tokens":7}'
    assert wire.call(w, "POST", "/v1/chat/completions", body, timeout=60).status == 200
    wanted = body.replace(b'"m"', b'"other"', 1).replace(b"max_completion_tokens", b"max_tokens")
    wanted = wanted.replace(b']},"max_tokens', b'],"include_usage":true},"max_tokens')
    assert upstream.requests[0].body == wanted
    assert stood_still(w) == []


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses", "/chat"])
def test_a_large_request_is_refused(weir, upstream, name, path):
    w = weir(upstream, server={"workers": 1})
    make, says = REFUSED[name]
    answer = wire.call(w, "POST", path, make(), timeout=60)
    assert answer.status == 400
    assert says in answer.json()["error"]["message"]
    assert stood_still(w) == []


def test_others_are_served_while_a_large_request_is_read(weir, upstream):
    """Its client leaves; nobody else sees anything of it, and no provider."""
    upstream.always(reply(200, bodies.completion("Small.")))
    w = weir(upstream, server={"workers": 1})
    large = REQUESTS["needless escapes"]()
    for _ in range(3):
        with wire.connect(w) as leaving:
            leaving.request("POST", "/v1/chat/completions", large)
        assert wire.chat(w).status == 200
    assert [r.body for r in upstream.requests if len(r.body) > 1000] in ([], [large], [large] * 2, [large] * 3)
    assert stood_still(w) == []


@pytest.mark.parametrize("name", REQUESTS)
def test_a_large_question_is_found_in_the_cache(weir, upstream, name):
    """Its key is made where no loop stands still for it, of all that it says."""
    upstream.always(reply(200, bodies.completion("Read.")))
    w = weir(upstream, server={"workers": 1}, cache={"models": ["*"], "max_temperature": 2})
    body = REQUESTS[name]()
    told = [wire.call(w, "POST", "/v1/chat/completions", b, timeout=60).header("x-weir-cache") for b in (body, b" " + body, body.replace(b'"m"', b'"n"', 1))]
    assert told == ["miss", "hit", "miss"]
    assert wire.call(w, "POST", "/v1/chat/completions", body[:-1] + b',"tools":[{}]}', timeout=60).header("x-weir-cache") == "bypass"
    other = body[:-1] + b',"seed":7}'
    assert wire.call(w, "POST", "/v1/chat/completions", other, {"cache-control": "only-if-cached"}, timeout=60).error["code"] == "not_cached"
    for headers, says in (({"cache-control": "no-cache"}, "miss"), ({}, "hit"), ({"cache-control": "no-store"}, "bypass")):
        assert wire.call(w, "POST", "/v1/chat/completions", other, headers, timeout=60).header("x-weir-cache") == says
    assert stood_still(w) == []


def test_a_large_question_with_images_is_passed_by(weir, upstream):
    upstream.always(reply(200, bodies.completion("Seen.")))
    w = weir(upstream, server={"workers": 1}, cache={"models": ["*"], "max_temperature": 2})
    part = b'{"type":"text","text":"the quick brown fox"},'
    for last, says in ((b'{"type":"text","text":"x"}', "miss"), (b'{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}', "bypass")):
        body = b'{"model":"m","messages":[{"role":"user","content":[' + part * 10_000 + last + b"]}]}"
        assert wire.call(w, "POST", "/v1/chat/completions", body, timeout=60).header("x-weir-cache") == says
    assert stood_still(w) == []


def empty_blocks(count):
    """Of deflate, each with tables that say nothing but that it ends: eleven bytes, microseconds of work."""
    bits = [(0, 1), (2, 2), (0, 5), (0, 5), (14, 4), *[(int(i in (2, 17)), 3) for i in range(18)], (255, 8), (215, 8), (0, 3)]
    block, width = 0, 0
    for value, size in bits:
        block |= value << width
        width += size
    one_turn = sum(block << (width * i) for i in range(4))  # four of them are whole bytes
    assert width * 4 % 8 == 0
    return one_turn.to_bytes(width * 4 // 8, "little") * (count // 4)


def deflated(body):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


SMALL = SAYS + b'x"}]}'
DENSE = SAYS + b"\\n" * 3_900_000 + b'"}]}'
CODED = {
    "dense": ("gzip", lambda: (gzip.compress(DENSE), DENSE)),
    "nothing": ("deflate", lambda: (empty_blocks(24_000) + deflated(SMALL), SMALL)),
}


@pytest.mark.parametrize("name", CODED)
def test_a_coded_request_is_undone_in_slices(weir, upstream, name):
    upstream.always(reply(200, bodies.completion("Read.")))
    w = weir(upstream, server={"workers": 1}, providers={"main": {"stream_usage": "never"}})
    coding, make = CODED[name]
    packed, body = make()
    assert wire.call(w, "POST", "/v1/chat/completions", packed, headers={"content-encoding": coding}, timeout=60).status == 200
    assert upstream.requests[0].body == body
    assert stood_still(w) == []


BEGINS = b'{"id":"c","object":"chat.completion","choices":['
ANSWERS = {
    "a text": lambda: filled(BEGINS + b'{"index":0,"message":{"role":"assistant","content":"', b"word\\n", b'"},"finish_reason":"stop"}]}'),
    "choices": lambda: filled(BEGINS + b"0", b',{"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}', b"]}"),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_large_answer_comes_as_it_is(weir, upstream, name):
    body = ANSWERS[name]()
    upstream.script(reply(200, body, [("content-type", "application/json")]))
    w = weir(upstream, server={"workers": 1})
    answer = wire.chat(w, timeout=60)
    assert (answer.status, answer.body) == (200, body)


def test_a_large_answer_is_told_as_the_stream_that_was_asked_for(weir, upstream):
    body = ANSWERS["choices"]()
    upstream.script(reply(200, body, [("content-type", "application/json")]))
    w = weir(upstream, server={"workers": 1})
    answer = wire.chat(w, stream=True, timeout=60)
    assert answer.body.count(b'"content":"a"') == body.count(b'"content":"a"')
    assert answer.body.count(b'"finish_reason":"stop"') == body.count(b'"finish_reason":"stop"')
    assert answer.body.endswith(b"data: [DONE]\n\n")


def test_whoever_leaves_a_large_answer_leaves_nothing(weir, upstream):
    """The thread may be at it then; the next call is answered."""
    body = ANSWERS["choices"]()
    upstream.always(reply(200, body, [("content-type", "application/json")]))
    w = weir(upstream, server={"workers": 1})
    for _ in range(5):
        with wire.connect(w) as leaving:
            leaving.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}]})
            upstream.wait_requests(1)
    assert wire.chat(w, timeout=60).body == body
