"""limits.request: how large and how complex a request may be, and how much it may ask for."""

import json

import pytest

import bodies
import wire
from test_limits import KEY, OTHER, ask, client
from test_prices import usage
from upstream import reply

HELLO = {"role": "user", "content": "hello"}


def clients(**request):
    return [client(request=request), client("other", OTHER)]


@pytest.mark.parametrize("request_limits, fields, param, code, says", [
    ({"messages": 2}, {"messages": [HELLO] * 3}, "messages", "array_above_max_length", "3 messages; at most 2 "),
    ({"tools": 1}, {"tools": [{"type": "function", "function": {"name": n}} for n in "ab"]}, "tools", "array_above_max_length", "2 tools; at most 1 "),
    ({"characters": 4}, {"messages": [HELLO]}, "messages", "string_above_max_length", "5 characters; at most 4 "),
    ({"images": 1}, {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a/b.png"}}] * 2}]},
     "messages", "array_above_max_length", "2 images; at most 1 "),
    ({"depth": 4}, {"metadata": {"a": [[["deep"]]]}}, None, "invalid_value", "nested 5 deep; at most 4 "),
    ({"n": 2}, {"n": 3}, "n", "integer_above_max_value", "'n' is 3; at most 2 "),
    ({"max_tokens": {"at_most": 100}}, {"max_completion_tokens": 101}, "max_completion_tokens", "integer_above_max_value",
     "'max_completion_tokens' is 101; at most 100 "),
])
def test_what_a_client_may_not_ask(weir, upstream, request_limits, fields, param, code, says):
    """It is refused by weir alone, and another client, whom nothing bounds, is served the same."""
    upstream.script(reply(200, bodies.completion()))
    w = weir(upstream, clients=clients(**request_limits))
    refused = ask(w, **fields)
    assert refused.status == 400 and refused.error["type"] == "invalid_request_error"
    assert (refused.error["param"], refused.error["code"]) == (param, code)
    [name] = request_limits
    option = name + (".at_most" if name == "max_tokens" else "")
    assert says in refused.error["message"] and f"(clients[].limits.request.{option})" in refused.error["message"]
    assert refused.header("x-should-retry") == "false"
    assert w.wait_call(refused.header("x-request-id"))["error"] == code
    assert ask(w, OTHER, **fields).status == 200


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("where", ["clients[].limits.request.body", "limits.request.body", "limits.body"])
def test_a_body_that_is_too_large(weir, upstream, where, chunked):
    """Told at its head, or when it has come so far, and with the name of whose limit it is."""
    options = {"clients": clients(body="2KB") if where.startswith("clients") else clients(body="9KB")}
    if where != "clients[].limits.request.body":
        options["limits"] = {"body": "2KB"} if where == "limits.body" else {"request": {"body": "2KB"}}
    w = weir(upstream, **options)
    body = json.dumps({"model": "gpt-test", "messages": [{"role": "user", "content": "x" * 3000}]}).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n" % KEY.encode()
    with wire.connect(w) as c:
        if chunked:
            c.send(head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(body), body))
        else:
            c.send(head + b"Content-Length: %d\r\n\r\n" % len(body))
        answer = c.answer()
    assert answer.status == 413 and answer.error["code"] == "request_too_large"
    assert answer.error["message"] == f"The request body is larger than the 2048 bytes that are allowed ({where})."


def test_a_models_own(weir, upstream):
    """Of a pattern's entry, beside the file's; the strictest of all holds."""
    upstream.script(reply(200, bodies.completion()), reply(200, bodies.completion()))
    models = {"small*": {"targets": "main", "limits": {"request": {"messages": 1, "body": "1KB"}}}, "*": "main"}
    w = weir(upstream, models=models, limits={"request": {"messages": 2}})
    assert wire.chat(w, model="small-1").status == 200
    refused = wire.chat(w, model="small-1", messages=[HELLO] * 2)
    assert refused.status == 400 and "(models.small*.limits.request.messages)" in refused.error["message"]
    refused = wire.chat(w, model="small-1", messages=[{"role": "user", "content": "x" * 1500}])
    assert refused.status == 413 and "at most 1024 are allowed (models.small*.limits.request.body)" in refused.error["message"]
    assert wire.chat(w, model="big", messages=[HELLO] * 2).status == 200
    assert wire.chat(w, model="big", messages=[HELLO] * 3).status == 400


def test_an_answers_length_is_capped(weir, upstream):
    """No byte but the bound changes; where there is none it is added. What is reserved is what is asked for."""
    upstream.script(*[reply(200, bodies.completion(usage=usage(5, 5)))] * 3)
    options = clients(max_tokens={"at_most": 100, "over": "cap"})
    options[0]["limits"]["tokens"] = "1000/d"
    w = weir(upstream, clients=options)

    asks = b'{ "model":"gpt-test","messages": [ {"role":"user","content":"hi"} ]%s}'
    rows = [  # of the request, and what the provider gets
        (b', "max_tokens" : 5000, "temperature":1.0e0 ', b', "max_tokens" : 100, "temperature":1.0e0 '),
        (b', "max_tokens" : 99', b', "max_tokens" : 99'),
        (b'', b',"max_completion_tokens":100'),
    ]
    auth = [("authorization", f"Bearer {KEY}"), ("content-type", "application/json")]
    for n, (said, sent) in enumerate(rows, 1):
        answer = wire.call(w, "POST", "/v1/chat/completions", asks % said, headers=auth)
        assert answer.status == 200 and int(answer.header("x-ratelimit-remaining-tokens")) > 800
        assert upstream.wait_requests(n)[-1].body == asks % sent


@pytest.mark.parametrize("path", ["/chat", "/chat/functions"])
@pytest.mark.parametrize("whose", ["file", "model", "client"])
def test_what_weir_puts_in_is_no_more_than_may_be_asked_for(weir, upstream, path, whose):
    """chat.max_tokens is 1000 where a request says nothing; what it says itself is judged as ever."""
    upstream.always(reply(200, bodies.completion()))
    request = {"request": {"max_tokens": {"at_most": 500}}}
    w = weir(upstream, chat={"model": "gpt-test"}, clients=[client(**request if whose == "client" else {})],
             models={"gpt-test": {"targets": "main", **({"limits": request} if whose == "model" else {})}},
             **({"limits": request} if whose == "file" else {}))

    def say(**fields):
        return wire.call(w, "POST", path, {"message": "Hello", **fields}, headers={"authorization": f"Bearer {KEY}"})

    answer = say()
    assert answer.status == 200, answer.body
    assert say(max_tokens=400).status == 200
    assert [r.json()["max_tokens"] for r in upstream.requests] == [500, 400]
    refused = say(max_tokens=501)
    assert refused.status == 400 and "'max_tokens' is 501; at most 500 is allowed" in refused.body.decode()


def test_a_large_request_is_counted_too(weir, upstream):
    """One of 400 KB, which another thread reads."""
    upstream.script(reply(200, bodies.completion()))
    w = weir(upstream, clients=clients(characters=500_000))
    assert ask(w, messages=[{"role": "user", "content": "x" * 400_000}]).status == 200
    refused = ask(w, messages=[{"role": "user", "content": "x" * 400_000}, {"role": "user", "content": "x" * 100_001}])
    assert refused.status == 400 and "500001 characters; at most 500000 " in refused.error["message"]


def test_a_capped_answer_is_nobody_elses(weir, upstream):
    """Where answers are kept for all, one that may have been cut off is not given to a client who may have it whole."""
    upstream.script(reply(200, bodies.completion("cut")), reply(200, bodies.completion("whole")))
    w = weir(upstream, clients=clients(max_tokens={"at_most": 100, "over": "cap"}), cache={"models": ["*"], "scope": "global"})
    said = [ask(w, key).json()["choices"][0]["message"]["content"] for key in (KEY, OTHER, KEY, OTHER)]
    assert said == ["cut", "whole", "cut", "whole"]
