"""Clients that spell the paths of the API in other ways: Azure's, by the official SDK, and base URLs without /v1; and their keys."""

import base64
import json
import struct

import openai
import pytest
from openai import AzureOpenAI, OpenAI

import bodies
import daemon
import wire
from test_sdk_python import HELLO, RESPONSE, create, embedding_answer, response_events
from upstream import raw, reply, sse

VERSION = "2024-10-21"


@pytest.fixture
def clients():
    """Makes SDK clients, and closes them before weir is stopped."""
    made = []

    def make(kind, **options):
        made.append(kind(api_key=daemon.CLIENT_KEY, max_retries=0, timeout=10, **options))
        return made[-1]

    yield make
    for client in made:
        client.close()


def azure(clients, w, **options):
    return clients(AzureOpenAI, azure_endpoint=w.url, api_version=VERSION, **options)


def keyed(name="ci"):
    return {"clients": [{"name": name, "key": daemon.CLIENT_KEY}]}


# -- Azure's SDK ---------------------------------------------------------------------------------------------------------


def test_azure_plain_and_streamed(weir, upstream, clients):
    upstream.script(reply(200, bodies.completion("Hello there.")), sse(bodies.stream("Hel", "lo.")))
    w = weir(upstream, **keyed())
    client = azure(clients, w)
    answer = create(client, model="gpt-4o")
    assert answer.choices[0].message.content == "Hello there."
    assert "".join(c.choices[0].delta.content or "" for c in create(client, model="gpt-4o", stream=True)) == "Hello."
    for request in upstream.requests:
        assert request.path == "/v1/chat/completions"  # neither the deployment nor the version
        assert request.json()["model"] == "gpt-4o"
        assert request.header("authorization") == f"Bearer {daemon.PROVIDER_KEY}"
        assert request.header("api-key") is None
    first = w.wait_call(answer._request_id)
    assert (first["client"], first["endpoint"], first["model"]) == ("ci", "chat.completions", "gpt-4o")


def test_azure_before_azure(weir, upstream, clients):
    """What stands beside the deployments is asked there, whatever names the model."""
    provider = {"kind": "openai", "url": upstream.url.removesuffix("/v1"), "auth": "api-key", "api_version": "2025-04-01-preview", "key": daemon.PROVIDER_KEY}
    w = weir({"providers": {"azure": provider}, "models": {"*": "azure", "mini": "azure/gpt-4o-mini"}, "passthrough": ["/v1/files"]})
    client = azure(clients, w)
    upstream.script(reply(200, bodies.completion()), reply(200, RESPONSE), reply(200, RESPONSE), reply(200, {"object": "list", "data": []}))
    create(client, model="gpt-4o")
    client.responses.create(model="gpt-4o", input="x")
    client.responses.create(model="mini", input="x")
    client.files.list()
    dated = "?api-version=2025-04-01-preview"
    assert [r.path for r in upstream.requests] == ["/openai/deployments/gpt-4o/chat/completions" + dated, "/openai/responses" + dated,
                                                   "/openai/responses" + dated, "/openai/files" + dated]
    assert [r.json()["model"] for r in upstream.requests[:3]] == ["gpt-4o", "gpt-4o", "gpt-4o-mini"]


def test_azure_embeddings_completions_responses_models(weir, upstream, clients):
    packed = base64.b64encode(struct.pack("<3f", 0.5, -2.0, 0.25)).decode()
    completion = {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": [{"index": 0, "text": "Hi", "logprobs": None, "finish_reason": "stop"}]}
    upstream.script(reply(200, embedding_answer(packed)), reply(200, completion), reply(200, RESPONSE), sse(response_events(), end="no_done"))
    w = weir(upstream, models={"emb": "main", "instruct": "main", "gpt-4o": "main/other", "*": None})
    client = azure(clients, w)
    assert client.embeddings.create(model="emb", input="x").data[0].embedding == [0.5, -2.0, 0.25]
    assert client.completions.create(model="instruct", prompt="x").choices[0].text == "Hi"
    assert client.responses.create(model="gpt-4o", input="x").output_text == "Hello."
    assert [e.type for e in client.responses.create(model="gpt-4o", input="x", stream=True)][-1] == "response.completed"
    assert [m.id for m in client.models.list()] == ["emb", "instruct", "gpt-4o"]
    assert client.models.retrieve("emb").id == "emb"
    assert [r.path for r in upstream.requests] == ["/v1/embeddings", "/v1/completions", "/v1/responses", "/v1/responses"]
    assert [r.json()["model"] for r in upstream.requests] == ["emb", "instruct", "other", "other"]


def test_the_deployment_goes_before_the_bodys_model(weir, upstream, clients):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, models={"prod": "main/gpt-4o-2024", "meta/llama 3": "main", "*": None})
    assert create(azure(clients, w, azure_deployment="prod"), model="gpt-4o").choices
    assert create(azure(clients, w, azure_deployment="meta%2Fllama%203"), model="gpt-4o").choices
    assert wire.call(w, "POST", "/openai/deployments/prod/chat/completions", {"messages": HELLO}).status == 200
    assert [r.json()["model"] for r in upstream.requests] == ["gpt-4o-2024", "meta/llama 3", "gpt-4o-2024"]
    with pytest.raises(openai.NotFoundError) as raised:
        create(azure(clients, w, azure_deployment="none"), model="prod")
    assert raised.value.code == "model_not_found"
    assert len(upstream.requests) == 3
    assert sorted(c["model"] for c in w.calls(4)) == ["meta/llama 3", "none", "prod", "prod"]  # lines of several workers may change places


def test_azures_newer_form(weir, upstream, clients):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, **keyed())
    assert create(clients(OpenAI, base_url=f"{w.url}/openai/v1/", default_query={"api-version": "preview", "x": "1"})).choices
    assert upstream.requests[0].path == "/v1/chat/completions?x=1"


def test_from_azures_client_to_azure(weir, upstream, clients):
    """The deployment and the version are those of the configuration."""
    upstream.script(reply(200, bodies.completion()))
    w = weir(upstream, providers={"main": {"url": upstream.url.removesuffix("/v1"), "auth": "api-key", "api_version": "2025-01-01"}}, models={"prod": "main/theirs"})
    create(azure(clients, w), model="prod")
    (request,) = upstream.requests
    assert request.path == "/openai/deployments/theirs/chat/completions?api-version=2025-01-01"
    assert request.header("api-key") == daemon.PROVIDER_KEY


def test_passthrough_in_a_deployment(weir, upstream):
    upstream.always(reply(200, b"sound", {"content-type": "audio/mpeg"}))
    w = weir(upstream, passthrough=["/v1/audio/*"], models={"tts": "main/tts-1", "whisper": "main", "*": None})
    assert wire.call(w, "POST", f"/openai/deployments/tts/audio/speech?api-version={VERSION}", {"model": "x", "input": "Hi"}).body == b"sound"
    assert wire.call(w, "POST", "/openai/deployments/whisper/audio/transcriptions", b"--b--", {"Content-Type": "multipart/form-data; boundary=b"}).status == 200
    assert wire.call(w, "POST", "/openai/deployments/none/audio/speech", {"input": "Hi"}).error["code"] == "model_not_found"
    first, second = upstream.requests
    assert (first.path, first.json()) == ("/v1/audio/speech", {"model": "tts-1", "input": "Hi"})
    assert (second.path, second.body) == ("/v1/audio/transcriptions", b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n--b--')


# -- what is passed through ---------------------------------------------------------------------------------------


def test_what_the_api_has_beside_a_call(weir, upstream, clients):
    """Stored completions are listed where new ones are made, and one's own models deleted where weir describes them."""
    stored = {"object": "list", "data": [{**bodies.completion("Hello."), "id": "chatcmpl-1"}], "first_id": "chatcmpl-1", "last_id": "chatcmpl-1", "has_more": False}
    upstream.always(lambda r: reply(200, stored if r.method == "GET" else {"id": "ft:a::1", "object": "model", "deleted": True} if r.method == "DELETE" else bodies.completion("Hi.")))
    w = weir(upstream, passthrough=["/v1/*"], **keyed())
    client = clients(OpenAI, base_url=w.base_url)
    assert [c.id for c in client.chat.completions.list(model="gpt-4o", metadata={"a": "b"})] == ["chatcmpl-1"]
    assert client.models.delete("ft:a::1").deleted
    assert create(client, model="gpt-4o").choices[0].message.content == "Hi."
    listed, deleted, made = upstream.requests
    assert (listed.method, listed.path.partition("?")[0]) == ("GET", "/v1/chat/completions") and "model=gpt-4o" in listed.path
    assert (deleted.method, deleted.path) == ("DELETE", "/v1/models/ft:a::1") and made.method == "POST"
    assert all(r.header("authorization") == f"Bearer {daemon.PROVIDER_KEY}" for r in upstream.requests)


def test_what_is_beside_a_call_is_not_its_clients(weir, upstream):
    """Who may make completions may not therefore read those of others."""
    upstream.always(reply(200, bodies.completion("Hi.")))
    held = {"name": "ci", "key": daemon.CLIENT_KEY, "endpoints": ["/v1/chat/completions", "/v1/models/*"]}
    w = weir(upstream, passthrough=["/v1/*"], clients=[held])
    key = {"Authorization": f"Bearer {daemon.CLIENT_KEY}"}
    assert wire.call(w, "POST", "/v1/chat/completions", {"model": "m", "messages": HELLO}, key).status == 200
    for method, path in (("GET", "/v1/chat/completions"), ("HEAD", "/v1/chat/completions"), ("DELETE", "/v1/models/m")):
        refused = wire.call(w, method, path, headers=key)
        assert refused.status == 403 and (method == "HEAD" or refused.error["code"] == "endpoint_not_allowed"), path
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/functions", "/v1/mcp"])
def test_what_passthrough_has_by_the_name_of_one_of_weirs_own(weir, upstream, path):
    """Cohere's older chat, and the like: weir's own /chat is elsewhere."""
    upstream.always(reply(200, {"text": "Hi."}))
    w = weir(upstream, passthrough=[path], clients=[{"name": "ci", "key": GOOD, "endpoints": [path]}])
    assert wire.call(w, "POST", path, {"message": "Hi", "model": "command"}, {"authorization": f"Bearer {GOOD}"}).status == 200
    assert len(upstream.requests) == 1


def test_passthrough_of_an_answer_without_a_type(weir, upstream):
    """SDKs parse what is called JSON, an empty answer too, and fail over it."""
    w = weir(upstream, passthrough=["/v1/files/*"])
    for status, body in (("204 No Content", b""), ("200 OK", b""), ("200 OK", b"fine"), ("200 OK", b'{"deleted": true}')):
        length = b"" if status.startswith("204") else b"content-length: %d\r\n" % len(body)
        upstream.script(raw([f"HTTP/1.1 {status}\r\n".encode() + length + b"\r\n" + body], end="keep"))
        answer = wire.call(w, "DELETE", "/v1/files/file-1")
        assert (answer.status, answer.body, answer.header("content-type")) == (int(status[:3]), body, None)
    upstream.script(raw([b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(plain := json.dumps(bodies.completion("Hi.")).encode()) + plain], end="keep"))
    assert wire.chat(w).header("content-type") == "application/json"


# -- neighbours ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/chat/completions", "/openai/v1/chat/completions", "/openai/chat/completions", "/openai/deployments/gpt-test/chat/completions"])
def test_each_spelling(weir, upstream, path):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream)
    body = {"model": "gpt-test", "messages": HELLO}
    assert wire.call(w, "POST", path, body).status == 200
    assert upstream.requests[0].path == "/v1/chat/completions"
    refused = wire.call(w, "GET", path)
    assert (refused.status, refused.header("allow"), refused.error["code"]) == (405, "POST, OPTIONS", "method_not_allowed")
    assert wire.call(w, "POST", path, b"x=1", {"Content-Type": "application/x-www-form-urlencoded"}).status == 415
    assert wire.call(w, "OPTIONS", path).status == 204


@pytest.mark.parametrize("method, path, status, code", [
    ("POST", "/openai/deployments//chat/completions", 404, "unknown_url"),
    ("POST", "/openai/deployments/x/chat", 404, "unknown_url"),
    ("POST", "/openai/deployments/x", 404, "unknown_url"),
    ("GET", "/openai/deployments", 404, "unknown_url"),
    ("GET", "/openai/deployments/x/models", 404, "unknown_url"),
    ("GET", "/openai/health", 404, "unknown_url"),
    ("POST", "/openai/v1/unknown", 404, "unknown_url"),
    ("POST", "/unknown", 404, "unknown_url"),
    ("GET", "/embeddings", 405, "method_not_allowed"),
    ("POST", "/models", 405, "method_not_allowed"),
    ("POST", "/openai/deployments/%zz/chat/completions", 404, "model_not_found"),
    ("POST", "/openai/deployments/a%0Ab/embeddings", 404, "model_not_found"),
])
def test_neighbours(weir, upstream, method, path, status, code):
    answer = wire.call(weir(upstream), method, path, {} if method == "POST" else None)
    assert (answer.status, answer.error["code"]) == (status, code)
    assert not upstream.requests


# -- keys ----------------------------------------------------------------------------------------------------------------

GOOD, OTHER, WRONG = daemon.CLIENT_KEY, "sk-other-0123456789", "dummy"


@pytest.mark.parametrize("headers, client", [
    ({"authorization": f"bearer {GOOD}"}, "ci"), ({"AUTHORIZATION": f"BEARER {GOOD}"}, "ci"),
    ({"api-key": GOOD}, "ci"), ({"X-API-Key": GOOD}, "ci"), ({"x-goog-api-key": GOOD}, "ci"),
    ({"authorization": f"Bearer {WRONG}", "api-key": GOOD}, "ci"),
    ({"x-goog-api-key": GOOD, "x-api-key": WRONG, "api-key": ""}, "ci"),
    ({"x-goog-api-key": GOOD, "x-api-key": OTHER}, "other"),
    ({"x-api-key": GOOD, "api-key": OTHER}, "other"),
    ({"api-key": GOOD, "authorization": f"Bearer {OTHER}"}, "other"),
    ({"authorization": f"Basic {GOOD}"}, None), ({"x-goog-api-key": WRONG}, None), ({}, None),
])
def test_keys(weir, upstream, headers, client):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, clients=[{"name": "ci", "key": GOOD}, {"name": "other", "key": OTHER}])
    answer = wire.chat(w, headers=headers)
    assert answer.status == (200 if client else 401)
    if client:
        assert w.wait_call(answer.header("x-request-id"))["client"] == client
        (request,) = upstream.requests
        assert request.header("authorization") == f"Bearer {daemon.PROVIDER_KEY}"
        assert not any(request.header(name) for name in ("api-key", "x-api-key", "x-goog-api-key"))
    else:
        assert answer.error["code"] == "invalid_api_key" and not upstream.requests


@pytest.mark.parametrize("kind", ["", "Content-Type: application/json\r\nContent-Length: 10\r\n", "Content-Type: text/event-stream\r\n", "Content-Encoding: gzip\r\n", "Content-Encoding: own\r\n"])
def test_what_has_not_changed_is_not_told_again(weir, upstream, kind):
    """A client's cache of a file, with what its server says of the body that does not come (RFC 9110, 15.4.5)."""
    upstream.always(raw([f'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n{kind}\r\n'.encode()], end="keep"))
    w = weir(upstream, passthrough=["/v1/files/*", "/v1/chat/*"])
    for method in ("GET", "HEAD"):
        for asked in ("If-None-Match", "if-modified-since"):
            answer = wire.call(w, method, "/v1/files/f/content", headers={asked: '"a"'})
            assert (answer.status, answer.body, answer.header("etag"), answer.header("content-length"), answer.header("content-type")) == (304, b"", '"a"', None, None)
            line = w.wait_call(answer.header("x-request-id"))
            assert line["status"] == 304 and "error" not in line, line
    for method, path, body, headers in (("GET", "/v1/files/f", None, {}), ("GET", "/v1/files/f", None, {"Connection": "If-None-Match", "If-None-Match": "*"}), ("POST", "/v1/files/f", {}, {"If-None-Match": "*"}), ("POST", "/v1/chat/completions", {"model": "m", "messages": HELLO}, {"If-None-Match": "*"})):
        refused = wire.call(w, method, path, body, headers)
        assert (refused.status, refused.error["code"]) == (502, "provider_redirected"), (method, path)


def test_a_part_of_a_file(weir, upstream):
    w = weir(upstream, passthrough=["/v1/files/*"])
    for kind in ("application/json", "audio/mpeg"):
        upstream.script(reply(206, b'{"', {"content-type": kind, "Content-Range": "bytes 0-1/10"}))
        answer = wire.call(w, "GET", "/v1/files/f/content", headers={"Range": "bytes=0-1", "If-Range": '"a"'})
        assert (answer.status, answer.body, answer.header("content-range")) == (206, b'{"', "bytes 0-1/10")
    assert all((r.header("range"), r.header("if-range")) == ("bytes=0-1", '"a"') for r in upstream.requests)
