"""Forms on the paths that are passed through (audio, images): whose model they name, and what follows from that."""

import email
import io

import openai
import pytest
from openai import OpenAI

import daemon
import wire
from test_client_paths import clients  # noqa: F401
from test_ledger import record_of
from upstream import reply, sse

KEY = "client-key-0123456789"
USED = {"type": "tokens", "input_tokens": 100, "input_token_details": {"text_tokens": 10, "audio_tokens": 90}, "output_tokens": 20, "total_tokens": 120}
PATHS = {"passthrough": ["/v1/audio/*", "/v1/images/*", "/v1/files"]}


def form(*fields, boundary="b0undary"):
    """(name, value) or (name, value, file's name), in order."""
    parts = [b"--%s\r\nContent-Disposition: form-data; name=\"%s\"%s\r\n\r\n%s\r\n" % (
        boundary.encode(), f[0].encode(), b'; filename="%s"' % f[2].encode() if len(f) > 2 else b"", f[1] if isinstance(f[1], bytes) else f[1].encode()) for f in fields]
    return b"".join(parts) + b"--%s--\r\n" % boundary.encode()


def send(w, body, path="/v1/audio/transcriptions", kind="multipart/form-data; boundary=b0undary", key=None, **headers):
    return wire.call(w, "POST", path, body, {"Content-Type": kind, **({"Authorization": f"Bearer {key}"} if key else {}), **headers})


def fields_of(request):
    """What Python's own reader of MIME finds."""
    message = email.message_from_bytes(b"Content-Type: " + request.header("content-type").encode() + b"\r\n\r\n" + request.body)
    return {p.get_param("name", header="content-disposition"): p.get_payload(decode=True) for p in message.get_payload()}


def test_a_transcription_by_the_sdk(weir, upstream, clients):  # noqa: F811
    """Where its model leads, under what name, and what it cost."""
    said = [{"type": "transcript.text.delta", "delta": "Hi"}, {"type": "transcript.text.done", "text": "Hi", "usage": USED}]
    upstream.script(reply(200, {"text": "Hi", "usage": USED}), sse(said, end="no_done"))
    w = weir(upstream, models={"hearing": "main/gpt-4o-transcribe", "*": None}, prices={"main/gpt-4o-transcribe": {"input": 1, "audio": 6, "output": 10}}, **PATHS)
    client = clients(OpenAI, base_url=w.base_url)
    sound = bytes(range(256)) * 40
    assert client.audio.transcriptions.create(model="hearing", file=("a.mp3", sound), language="de").text == "Hi"
    events = list(client.audio.transcriptions.create(model="hearing", file=("a.mp3", io.BytesIO(sound)), stream=True))
    assert events[-1].text == "Hi"
    with pytest.raises(openai.NotFoundError, match="whisper-1"):
        client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", sound))
    for request in upstream.requests:
        found = fields_of(request)
        assert (found["model"], found["file"]) == (b"gpt-4o-transcribe", sound)
    for line, streamed in zip(w.calls(3), (False, True)):
        assert (line["model"], line["target"], line["stream"]) == ("hearing", "main/gpt-4o-transcribe", streamed)
        assert (line["prompt_tokens"], line["completion_tokens"], line["cost_nano"]) == (100, 20, 90 * 6000 + 10 * 1000 + 20 * 10000)


@pytest.mark.parametrize("size", [100, 400_000])
@pytest.mark.parametrize("last", [False, True])
def test_only_the_models_name_is_changed(weir, upstream, size, last):
    """Before the file or behind it; what is large is read on another thread."""
    upstream.always(reply(200, {"text": "Hi"}))
    w = weir(upstream, models={"a": "main/longer-than-a", "b": "main", "*": None}, **PATHS)
    sound = bytes(i * 7 % 256 for i in range(size))

    def body(model):
        fields = [("model", model), ("file", sound, "a.mp3"), ("language", "de")]
        return form(*(reversed(fields) if last else fields))

    assert send(w, body("a")).status == send(w, body("b")).status == 200
    assert [r.body for r in upstream.requests] == [body("longer-than-a"), body("b")]


def test_whose_model_it_is_a_form_says_too(weir, upstream):
    """A key that is for one model is for that in a form as well, and where nobody can be sure it is refused."""
    upstream.always(reply(200, {"text": "Hi"}))
    w = weir(upstream, clients=[{"name": "held", "key": KEY, "models": ["hearing"]}, {"name": "free", "key": KEY[::-1]}], **PATHS)
    assert send(w, form(("file", "x", "a.mp3"), ("model", "hearing")), key=KEY).status == 200
    assert send(w, form(("model", "other"), ("file", "x", "a.mp3")), key=KEY).error["code"] == "model_not_allowed"
    assert send(w, form(("file", "x", "a.mp3")), key=KEY).error["code"] == "model_not_allowed"
    assert send(w, b"model=other&a=b", kind="application/x-www-form-urlencoded", key=KEY).error["code"] == "model_not_allowed"
    assert send(w, b"a=b&mode%6c=hearing", kind="application/x-www-form-urlencoded", key=KEY).status == 200
    good = form(("model", "hearing"), ("file", "x", "a.mp3"))
    unsure = [
        form(("model", "hearing"), ("model", "other")), form(("model", "hearing"), ("x", "a\n--b0undary\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nother")),
        good.replace(b'name="model"', b'name=model; name="other"'), good.replace(b'name="model"', b'name*=utf-8\'\'model'), good[:-4], good.replace(b"\r\n", b"\n"), good + b"--b0undary",
        form(("model", "hearing"), (" model", "other")), form(("model", "hearing"), ("model[0]", "other")), form(("model", "hearing"), ("Model", "other")),
        good.replace(b'name="model"', b'name="x"; x-name="model"'), good.replace(b'"a.mp3"', b'"; name=model; x=a.mp3"'), form(("model", "hearing"), ("_charset_", "utf-7")), b"x" + good, b'{"model": "hearing"}',
    ]
    for body in unsure:
        answer = send(w, body, key=KEY)
        assert (answer.status, answer.error["code"]) == (400, "invalid_form"), body
        assert "not acceptable as a form" in answer.error["message"]
    for kind in ("multipart/form-data; xboundary=b; boundary=b0undary", 'multipart/form-data; boundary=b0undary; x="; boundary=b"', "multipart/form-data", "multipart/form-data; boundary=b0undary; boundary=b", "multipart/form-data; boundary=b0undary; charset=utf-7", 'multipart/form-data; boundary="b0und\\ary"', "Multipart/Form-Data; boundary*=utf-8''b0undary"):
        assert send(w, good, kind=kind, key=KEY).error["code"] == "invalid_form", kind
    assert len(upstream.requests) == 2
    for body in unsure[:-1]:  # nobody would have been asked: they go on as they came
        assert send(w, body, key=KEY[::-1]).status == 200
    assert [r.body for r in upstream.requests[2:]] == unsure[:-1]


def test_a_form_whose_json_says_another_model(weir, upstream):
    """curl -d says urlencoded unless it is told otherwise. Servers go by the type or by the bytes: both find the same, or it is refused."""
    upstream.always(reply(200, {"ok": True}))
    w = weir(upstream, clients=[{"name": "held", "key": KEY, "models": ["m"]}], passthrough=["/v1/*"])

    def code(body):
        answer = send(w, body, path="/v1/messages", kind="application/x-www-form-urlencoded", key=KEY)
        return answer.status if answer.status == 200 else answer.error["code"]

    assert code(b'{"model": "m", "x": "a=b"}') == 200
    assert code(b'{"model": "other"}') == "model_not_allowed"
    assert code(b'{"model": "m", "x": "&model=other&"}') == "invalid_form"
    assert code(b"model=m;model=other") == "invalid_form"


def test_limits_of_a_forms_model(weir, upstream):
    upstream.always(reply(200, {"text": "Hi"}))
    w = weir(upstream, limits={"model": {"hearing": {"requests": "1/h"}}, "request": {"n": 2}}, **PATHS)
    assert [send(w, form(("model", m))).status for m in ("hearing", "hearing", "other")] == [200, 429, 200]
    assert send(w, form(("model", "m"), ("n", "3")), path="/v1/images/edits").error["code"] == "integer_above_max_value"
    assert send(w, form(("model", "m"), ("n", "2")), path="/v1/images/edits").status == 200
    assert send(w, b"--", kind="multipart/form-data; boundary=b0undary").error["code"] == "invalid_form"


@pytest.mark.parametrize("where", ["file", "client", "model"])
def test_how_many_answers_a_form_asks_for(weir, upstream, where):
    """Whatever some server may read as a number that weir does not is refused where a number is bounded."""
    upstream.always(reply(200, {"data": []}))
    bound = {"limits": {"request": {"n": 2}}}
    more = {"file": bound, "client": {"clients": [{"name": "a", "key": KEY, **bound}]}, "model": {"models": {"m": {"targets": ["main"], **bound}, "*": "main"}}}[where]
    w = weir(upstream, **more, **PATHS)
    for n in ("+10", "10.0", "1_0", "9" * 30, "ten"):
        assert send(w, form(("model", "m"), ("n", n)), path="/v1/images/edits", key=KEY).error["code"] == "invalid_form", n
    for body in (form(("model", "m"), ("n", "1"), ("n", "9")), form(("model", "m"), ("n", "9", "n.txt")), form(("model", "m"), ("n[]", "9"))):
        assert send(w, body, path="/v1/images/edits", key=KEY).error["code"] == "invalid_form", body
    for n in ("3", " 3 "):
        assert send(w, form(("model", "m"), ("n", n)), path="/v1/images/edits", key=KEY).error["code"] == "integer_above_max_value"
    for n in ("3", " 3", "+3", "3.0", "0_3", "\\u0033", "３"):
        body = b'{"model": "m", "n": "%s"}' % n.encode()
        assert send(w, body, path="/v1/images/generations", kind="application/json", key=KEY).error["code"] == "integer_above_max_value", n
    assert not upstream.requests
    for n in ("2", "", "0"):
        assert send(w, form(("model", "m"), ("n", n)), path="/v1/images/edits", key=KEY).status == 200
    for n in ("2", "two", ""):
        assert send(w, b'{"model": "m", "n": "%s"}' % n.encode(), path="/v1/images/generations", kind="application/json", key=KEY).status == 200


def test_a_query_names_no_other_model(weir, upstream):
    """Go's FormValue, and servers that use it, read the query first."""
    upstream.always(reply(200, {"text": "Hi"}))
    w = weir(upstream, clients=[{"name": "held", "key": KEY, "models": ["hearing"]}, {"name": "free", "key": KEY[::-1]}], **PATHS)
    path = "/v1/audio/transcriptions?model=other&x=1&mode%6C[]=third"
    assert send(w, form(("model", "hearing")), path=path, key=KEY).status == 200
    assert send(w, b'{"model": "hearing"}', path=path, kind="application/json", key=KEY).status == 200
    assert [r.path for r in upstream.requests] == ["/v1/audio/transcriptions?x=1"] * 2
    answer = send(w, bytes(range(256)), path=path, kind="audio/mpeg", key=KEY)
    assert (answer.status, answer.error["param"]) == (400, "model") and len(upstream.requests) == 2
    assert send(w, bytes(range(256)), path=path, kind="audio/mpeg", key=KEY[::-1]).status == 200
    assert upstream.requests[-1].path == path


@pytest.mark.parametrize("word", ["true", "True", "1", "on", "yes", "t", "Y"])
def test_a_form_that_asks_for_a_stream(weir, upstream, word):
    upstream.always(reply(200, {"text": "Hi"}))
    w = weir(upstream, **PATHS)
    assert record_of(w, send(w, form(("model", "m"), ("stream", word))))["stream"]
    assert not record_of(w, send(w, form(("model", "m"), ("stream", "no"))))["stream"]


def test_the_paths_model_goes_before_a_forms(weir, upstream):
    """As for JSON: the provider, which never sees that path, is told of it in the form."""
    upstream.always(reply(200, {"text": "Hi"}))
    w = weir(upstream, models={"whisper": "main/whisper-1", "*": "main"}, **PATHS)
    file = ("file", "x", "a.mp3")
    for name, body in (("whisper", form(("model", "x"), file)), ("whisper", form(file)), ("other", form(("model", "other"))), ("other", b"--b0undary--")):
        assert send(w, body, path=f"/openai/deployments/{name}/audio/transcriptions").status == 200
    assert [fields_of(r)["model"] for r in upstream.requests] == [b"whisper-1", b"whisper-1", b"other", b"other"]
    answer = send(w, form(file), path="/openai/deployments/a--b0undary/audio/transcriptions")
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert send(w, b"a=b", path="/openai/deployments/a%26b/audio/translations", kind="application/x-www-form-urlencoded").status == 200
    assert upstream.requests[-1].body == b"model=a%26b&a=b"


def test_whom_a_form_is_for(weir, upstream):
    upstream.always(reply(200, {"data": []}))
    w = weir(upstream, **PATHS)
    record = record_of(w, send(w, form(("model", "m"), ("user", "jo"), ("prompt", "x")), path="/v1/images/edits"))
    assert (record["model"], record["user"]) == ("m", "jo")


def test_an_upload_names_no_model(weir, upstream):
    upstream.always(reply(200, {"id": "file-1", "object": "file"}))
    w = weir(upstream, **PATHS)
    body = form(("purpose", "batch"), ("file", '{"model": "m"}\n', "in.jsonl"))
    assert send(w, body, path="/v1/files").status == 200
    assert upstream.requests[0].body == body
