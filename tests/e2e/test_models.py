"""GET /v1/models: the configured names, and what patterns let through of what their providers list."""

import gzip
import json
import threading

import pytest
from openai import OpenAI

import daemon
import wire
from upstream import after, cut, error, raw, refused_port, reply, reset, stall

ONE = {"server": {"workers": 1}}  # what providers list is remembered by each worker


def models(*ids, **more):
    return reply(200, {"object": "list", "data": [{"id": i, "object": "model", "created": 7, "owned_by": "them", **more} for i in ids]})


def listed(w, path="/v1/models", headers=()):
    answer = wire.call(w, "GET", path, headers=headers)
    assert answer.status == 200, answer.body
    assert answer.json()["object"] == "list"
    return [m["id"] for m in answer.json()["data"]]


def test_names_and_what_patterns_let_through(weir, upstream):
    upstream.script(models("gpt-5", "fast", "o3", "gpt-*", context_length=8192))
    w = weir(upstream, **ONE, models={"fast": "main/llama", "gpt-*": "main", "*": None})
    with OpenAI(base_url=w.base_url, api_key=daemon.CLIENT_KEY, max_retries=0) as client:
        first, second, third = client.models.list()
        assert [first.id, second.id, third.id] == ["fast", "gpt-5", "gpt-*"]
        assert (first.object, first.owned_by) == ("model", "main")
        assert second.to_dict() == {"id": "gpt-5", "object": "model", "created": 7, "owned_by": "them", "context_length": 8192}
        assert client.models.retrieve("gpt-5").to_dict()["context_length"] == 8192
        assert client.models.retrieve("gpt-4o").id == "gpt-4o"  # a call could use it
    (request,) = upstream.requests  # and is not asked again
    assert (request.method, request.path, request.body) == ("GET", "/v1/models", b"")
    assert request.header("authorization") == f"Bearer {daemon.PROVIDER_KEY}"


def test_without_models_the_first_provider_tells(weir, upstream):
    upstream.script(models("a", "b"))
    w = weir(upstream, **ONE)
    assert listed(w) == listed(w, "/openai/models") == listed(w, "/models") == ["a", "b"]
    head = wire.call(w, "HEAD", "/v1/models")
    assert (head.status, head.body) == (200, b"")


def test_a_compressed_list_is_read(weir, upstream):
    body = json.dumps({"object": "list", "data": [{"id": "a"}]}).encode()
    upstream.script(reply(200, gzip.compress(body), {"content-type": "application/json", "content-encoding": "gzip"}))
    assert listed(weir(upstream, **ONE)) == ["a"]


def test_names_alone(weir, upstream):
    w = weir(upstream, server={"workers": 1, "list_models": "names"}, models={"fast": "main"})
    assert listed(w) == ["fast"]
    assert wire.call(w, "GET", "/v1/models/gpt-5").json()["id"] == "gpt-5"
    assert not upstream.requests


def test_who_is_not_asked(weir, upstream, upstreams):
    """Names alone; targets with a model of their own; Azure, whose list is not that of its deployments."""
    azure = upstreams()
    w = weir(upstream, **ONE, providers={"azure": {"url": azure.url, "api_version": "2024-10-21"}},
             models={"a": "main", "b-*": "main/b", "c-*": "azure", "*": None})
    assert listed(w) == ["a"]
    assert wire.call(w, "GET", "/v1/models/c-1").json()["owned_by"] == "azure"
    assert wire.call(w, "GET", "/v1/models/d").error["code"] == "model_not_found"
    assert not upstream.requests and not azure.requests


FAILURES = {
    "refused": None, "reset": reset("before_head"), "500": error(500), "401": error(401), "redirect": reply(302, b"", {"location": "/v1/other"}),
    "not JSON": reply(200, b"<html>", {"content-type": "text/html"}), "no list": reply(200, {"error": {"message": "No."}}),
    "too long": reply(200, b'{"data":[' + b'{"id":"x"},' * 400_000 + b'{"id":"x"}]}', {"content-type": "application/json"}),
    "compressed, and cut short": reply(200, b"\x1f\x8b", {"content-encoding": "gzip"}),
    "compressed in a way that is not known": reply(200, b"junk", {"content-encoding": "compress"}),
    "cut": cut("in_body"), "silent": stall("before_head"), "silent in the body": stall("in_body"),
    "trickling": raw([b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n", *[b" ", 0.2] * 60]),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_one_that_fails_does_not_empty_the_list(weir, upstream, upstreams, failure):
    other = upstreams()
    other.script(models("a", "b"))
    if FAILURES[failure]:
        upstream.script(FAILURES[failure])
    sock, port = refused_port()
    url = upstream.url if FAILURES[failure] else f"http://127.0.0.1:{port}/v1"
    w = weir(upstream, **ONE, providers={"main": {"url": url}, "other": {"url": other.url}}, models={"named": "main", "*": ["main", "other"]}, logs={"level": "debug"})
    assert listed(w) == ["named", "a", "b"]
    assert listed(w) == ["named", "a", "b"]  # neither is asked again so soon
    assert len(other.requests) == 1 and len(upstream.requests) <= 1
    daemon.wait_until(lambda: [r["provider"] for r in w.log if r.get("event") == "models_unknown"] == ["main"], 5, "the failure was not logged")


def test_they_are_asked_at_once_and_once_for_all(weir, upstream, upstreams):
    other, both = upstreams(), threading.Barrier(2, timeout=10)

    def together(request):  # answers when both have been asked
        both.wait()
        return models("x")

    upstream.always(together)
    other.always(together)
    w = weir(upstream, **ONE, providers={"other": {"url": other.url}}, models={"*": ["main", "other"]})
    got, threads = [], []
    for _ in range(5):
        threads.append(threading.Thread(target=lambda: got.append(listed(w))))
        threads[-1].start()
    for thread in threads:
        thread.join()
    assert got == [["x"]] * 5
    assert len(upstream.requests) == len(other.requests) == 1


def test_a_client_that_leaves_while_they_are_asked(weir, upstream):
    told = threading.Event()
    upstream.script(after(told, models("a")))
    w = weir(upstream, **ONE)
    with wire.connect(w) as c:
        c.request("GET", "/v1/models")
        upstream.wait_requests(1)
    told.set()
    assert listed(w) == ["a"]
    assert len(upstream.requests) == 1


def test_hostile_lists(weir, upstream):
    upstream.script(reply(200, {"data": [{"id": "a\r\nb"}, {"id": "x" * 257}, {"id": "\u0000"}, {"id": 5}, 7, None, {"id": "good", "k": f"Bearer {daemon.PROVIDER_KEY}"},
                                         {"id": "é/1"}, {"id": "é/1", "created": 9}]}))
    w = weir(upstream, **ONE)
    assert listed(w) == ["é/1"]
    assert wire.call(w, "GET", "/v1/models/%C3%A9/1").json()["owned_by"] == "main"


def test_a_reload_takes_a_providers_list_along(weir, upstream, upstreams):
    other = upstreams()
    upstream.script(models("a"))
    other.script(models("b"))
    w = weir(upstream, **ONE)
    assert listed(w) == ["a"]
    config = daemon.config_for(upstream, **ONE, providers={"other": {"url": other.url}}, models={"b": "other", "*": ["main", "other"]})
    w.reload(config)
    assert listed(w) == ["b", "a"]
    assert len(upstream.requests) == len(other.requests) == 1


def test_keys_are_asked_for(weir, upstream):
    upstream.script(models("a"))
    w = weir(upstream, **ONE, clients=[{"name": "ci", "key": daemon.CLIENT_KEY}])
    assert wire.call(w, "GET", "/v1/models").status == 401
    assert not upstream.requests
    assert listed(w, headers={"x-goog-api-key": daemon.CLIENT_KEY}) == ["a"]


def test_another_key_where_one_is_refused(weir, upstream):
    """The next time, as the list is no call."""
    upstream.script(error(401))
    w = weir(upstream, **ONE, providers={"main": {"key": ["sk-first-0000000", "sk-second-000000"]}})
    assert listed(w) == []
    assert upstream.requests[0].header("authorization") == "Bearer sk-first-0000000"
