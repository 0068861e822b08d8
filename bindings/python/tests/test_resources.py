"""Every resource besides chat: what goes to the provider, and what comes back, for both clients."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple
from urllib.parse import unquote

import pytest

import weir
from scripted import Scripted
from weir import AsyncWeir, NotFoundError, Weir

Connect = Callable[..., Weir]
FILE = {"id": "file-1", "object": "file", "bytes": 3, "created_at": 1, "filename": "a.bin", "purpose": "batch"}
IMAGES = {"created": 1, "data": [{"b64_json": "aGk="}]}
RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": "completed", "output": []}
GONE = {"id": "x", "object": "file", "deleted": True}
BYTES = bytes(range(256)) * 300


def both(provider: Scripted, connect: Connect, aconnect: Callable[..., AsyncWeir], do: Callable[[Any], Any]) -> List[Any]:
    """What it gives through the client that waits, and through the one that is awaited."""

    async def work() -> Any:
        async with aconnect(provider.base_url, max_retries=0) as client:
            return await do(client)

    return [do(connect(provider.base_url, max_retries=0)), asyncio.run(work())]


JSON_CALLS: Dict[str, Tuple[Callable[[Any], Any], str, Any, Dict[str, Any], Any]] = {
    "generate": (lambda c: c.images.generate(prompt="a weir", model="gpt-image-1", size="1024x1024", n=None),
                 "POST /v1/images/generations", IMAGES, {"prompt": "a weir", "model": "gpt-image-1", "size": "1024x1024"}, weir.ImagesResponse),
    "moderations": (lambda c: c.moderations.create(input=["a", "b"]), "POST /v1/moderations",
                    {"id": "m", "model": "x", "results": [{"flagged": False, "categories": {}, "category_scores": {}}]},
                    {"input": ["a", "b"]}, weir.ModerationCreateResponse),
    "retrieve": (lambda c: c.files.retrieve("file-1"), "GET /v1/files/file-1", FILE, {}, weir.FileObject),
    "delete": (lambda c: c.files.delete("file-1"), "DELETE /v1/files/file-1", GONE, {}, weir.Deleted),
    "response": (lambda c: c.responses.retrieve("resp_1"), "GET /v1/responses/resp_1", RESPONSE, {}, weir.Response),
    "cancel": (lambda c: c.responses.cancel("resp_1"), "POST /v1/responses/resp_1/cancel", RESPONSE, {}, weir.Response),
    "forget": (lambda c: c.responses.delete("resp_1"), "DELETE /v1/responses/resp_1", GONE, {}, weir.Deleted),
    "models": (lambda c: c.models.list(), "GET /v1/models", {"object": "list", "data": [{"id": "m", "object": "model"}]}, {}, weir.Page),
    "model": (lambda c: c.models.retrieve("org/m"), "GET /v1/models/org/m", {"id": "org/m", "object": "model"}, {}, weir.Model),
}


@pytest.mark.parametrize("name", JSON_CALLS)
def test_json_there_and_back(provider: Scripted, connect: Connect, aconnect: Callable[..., AsyncWeir], name: str) -> None:
    do, line, answer, sent, kind = JSON_CALLS[name]
    provider.answers[line] = answer
    for came in both(provider, connect, aconnect, do):
        assert isinstance(came, kind) and came.to_dict() == answer and came.weir.ok
    assert [f"{a.method} {a.path}" for a in provider.asked] == [line] * 2
    for asked in provider.asked:
        assert (asked.json() if asked.body else {}) == sent
        assert asked.headers["authorization"] == "Bearer any"


def test_lists_have_a_query_and_are_iterated(provider: Scripted, connect: Connect, aconnect: Callable[..., AsyncWeir]) -> None:
    provider.answers["GET /v1/files"] = {"object": "list", "data": [FILE], "has_more": False}
    for page in both(provider, connect, aconnect, lambda c: c.files.list(after="a b&c", limit=2, extra_query={"deep": True})):
        assert [file.filename for file in page] == ["a.bin"] and isinstance(page.data[0], weir.FileObject)
    assert {a.path for a in provider.asked} == {"/v1/files?after=a+b%26c&limit=2&deep=true"}


def test_forms(provider: Scripted, connect: Connect, aconnect: Callable[..., AsyncWeir], tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG")
    provider.answers |= {"POST /v1/files": FILE, "POST /v1/images/edits": IMAGES, "POST /v1/images/variations": IMAGES}
    expires = {"anchor": "created_at", "seconds": 3600}
    both(provider, connect, aconnect, lambda c: c.files.create(file=("in \"x\".jsonl", BYTES), purpose="batch", expires_after=expires))
    both(provider, connect, aconnect, lambda c: c.images.edit(
        image=[tmp_path / "a.png", ("b.webp", io.BytesIO(b"B"))], prompt="ü", mask=b"M", background="transparent", n=1))
    both(provider, connect, aconnect, lambda c: c.images.create_variation(image=(tmp_path / "a.png").open("rb")))
    forms = [asked.form() for asked in provider.asked]
    assert forms[0] == forms[1] == [
        ("file", ("in %22x%22.jsonl", "application/octet-stream", BYTES)), ("purpose", "batch"),
        ("expires_after[anchor]", "created_at"), ("expires_after[seconds]", "3600")]
    assert forms[2] == forms[3] == [
        ("image[]", ("a.png", "image/png", b"\x89PNG")), ("image[]", ("b.webp", "image/webp", b"B")), ("prompt", "ü"),
        ("mask", ("upload", "application/octet-stream", b"M")), ("background", "transparent"), ("n", "1")]
    assert forms[4] == forms[5] == [("image", ("a.png", "image/png", b"\x89PNG"))]


def test_what_is_no_file(connect: Connect, provider: Scripted, tmp_path: Path) -> None:
    client = connect(provider.base_url)
    with pytest.raises(TypeError, match="^file is bytes, an open file, a path"):
        client.files.create(file="name.jsonl", purpose="batch")  # type: ignore[arg-type]
    (tmp_path / "a").write_text("x")
    with (tmp_path / "a").open() as text, pytest.raises(TypeError, match="open it in binary mode"):
        client.files.create(file=text, purpose="batch")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="has no parameter 'langage'; did you mean 'language'"):
        client.audio.transcriptions.create(file=b"x", model="whisper-1", langage="de")  # type: ignore[call-arg]
    for bad in ("", ".", "..", "../models", "a/b", "a\\b", "a\nb"):
        with pytest.raises(ValueError, match="^file_id is "):
            client.files.retrieve(bad)
    assert not provider.asked
    with pytest.raises(NotFoundError):
        client.files.retrieve("a b%2f?#ü")
    assert provider.asked[0].path == "/v1/files/a%20b%252f%3F%23%C3%BC"


def test_bytes_come_whole(provider: Scripted, connect: Connect, aconnect: Callable[..., AsyncWeir], tmp_path: Path) -> None:
    provider.answers |= {"POST /v1/audio/speech": ("audio/mpeg", BYTES), "GET /v1/files/file-1/content": ("application/octet-stream", BYTES)}
    for came in both(provider, connect, aconnect, lambda c: c.audio.speech.create(input="Hi", model="tts-1", voice="alloy", speed=1.5)):
        assert came.content == came.read() == b"".join(came.iter_bytes(1000)) == BYTES
        came.write_to_file(tmp_path / "out.mp3")
        assert (tmp_path / "out.mp3").read_bytes() == BYTES
    assert provider.asked[0].json() == {"input": "Hi", "model": "tts-1", "voice": "alloy", "speed": 1.5}
    for came in both(provider, connect, aconnect, lambda c: c.files.content("file-1")):
        assert came.content == BYTES
    provider.answers["GET /v1/files/file-1/content"] = ("application/jsonl", b"")
    assert connect(provider.base_url).files.content("file-1").content == b""


def test_what_is_said_in_a_recording(provider: Scripted, connect: Connect, aconnect: Callable[..., AsyncWeir]) -> None:
    line = "POST /v1/audio/transcriptions"

    def do(client: Any, form: str) -> Any:
        return client.audio.transcriptions.create(
            file=("a.wav", b"RIFF"), model="whisper-1", response_format=form, timestamp_granularities=["word", "segment"], temperature=0.5)

    provider.answers[line] = {"text": "Hello", "language": "en"}
    for came in both(provider, connect, aconnect, lambda c: do(c, "verbose_json")):
        assert isinstance(came, weir.Transcription) and came.text == "Hello"
    assert provider.asked[0].form() == [
        ("file", ("a.wav", "audio/x-wav", b"RIFF")), ("model", "whisper-1"), ("response_format", "verbose_json"),
        ("timestamp_granularities[]", "word"), ("timestamp_granularities[]", "segment"), ("temperature", "0.5")]
    provider.answers[line] = ("text/plain; charset=utf-8", "Grüße\n".encode())
    assert both(provider, connect, aconnect, lambda c: do(c, "text")) == ["Grüße\n"] * 2
    provider.answers["POST /v1/audio/translations"] = {"text": "Hello"}
    assert both(provider, connect, aconnect, lambda c: c.audio.translations.create(file=b"x", model="whisper-1"))[0].text == "Hello"


def test_too_much_is_refused_and_not_gathered(provider: Scripted, connect: Connect) -> None:
    provider.answers["GET /v1/files/f/content"] = ("application/octet-stream", BYTES)
    client = connect(provider.base_url, max_retries=0, options={"limits.answer": "16KB"})
    with pytest.raises(weir.APIError):
        client.files.content("f")


def test_responses(client: Weir, aconnect: Callable[..., AsyncWeir]) -> None:
    answer = client.responses.create(model="gpt-4o-mini", input="Hello")
    assert answer.output_text == "You said: Hello" and answer.usage and answer.usage.total_tokens > 0
    events = list(client.responses.create(model="gpt-4o-mini", input="Hello", stream=True))
    assert events[-1].type == "response.completed" and events[-1].response.output_text == "You said: Hello"
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta") == "You said: Hello"
    assert client.completions.create(prompt="Hello", model="m").choices[0].text == "You said: Hello"
    assert "".join(c.choices[0].text for c in client.completions.create(prompt="Hello", model="m", stream=True) if c.choices) == "You said: Hello"

    async def work() -> None:
        async with aconnect() as aclient:
            assert (await aclient.responses.create(model="m", input="Hello")).output_text == "You said: Hello"
            stream = await aclient.responses.create(model="m", input="Hello", stream=True)
            assert [e.type async for e in stream][-1] == "response.completed"
            assert (await aclient.completions.create(prompt="Hello", model="m")).choices[0].text == "You said: Hello"

    asyncio.run(work())


def test_raw_responses(client: Weir, provider: Scripted, connect: Connect, aconnect: Callable[..., AsyncWeir]) -> None:
    raw = client.chat.completions.with_raw_response.create(messages="Hello")
    assert raw.parse().choices[0].message.content == "You said: Hello" and raw.status_code == 200
    assert raw.headers["X-RateLimit-Limit-Requests"] and raw.headers["content-type"].startswith("application/json")
    assert raw.json()["object"] == "chat.completion" and raw.retries_taken == 0 and raw.elapsed.total_seconds() > 0
    assert client.chat.completions.create(messages="Hello").weir.headers is None
    with pytest.raises(TypeError, match="with_raw_response gives whole answers"):
        client.chat.completions.with_raw_response.create(messages="Hello", stream=True)
    with pytest.raises(weir.RateLimitError) as refused:
        connect(max_retries=0).chat.completions.with_raw_response.create(messages="Hello", model="sim/429")
    assert refused.value.weir.headers
    provider.answers["GET /v1/files/f"] = FILE
    for came in both(provider, connect, aconnect, lambda c: c.files.with_raw_response.retrieve("f")):
        assert came.headers["x-ratelimit-remaining-requests"] == "7" and came.parse().id == "file-1"


def test_extra_query_reaches_the_provider(provider: Scripted, connect: Connect) -> None:
    choices = [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}]
    provider.answers["POST /v1/chat/completions"] = {"id": "c", "object": "chat.completion", "model": "m", "choices": choices}
    client = connect(provider.base_url)
    answer = client.chat.completions.create(messages="Hi", extra_query={"tier": "1 & 2"})
    assert provider.asked[0].path == "/v1/chat/completions?tier=1+%26+2" and provider.asked[0].json()["messages"][0]["content"] == "Hi"
    # All else is as without it.
    assert provider.asked[0].json()["model"] == "gpt-4o-mini" and answer.weir.text == "Hello" and answer.weir.model == "m"
    assert client.ask("Hi", extra_query={"tier": 1}) == client.safe_completion("Hi", extra_query={"tier": 1}) == "Hello"
    assert client.run("Hi", extra_query={"tier": 1}).text == "Hello" and provider.asked[-1].path.endswith("?tier=1")
    client.ask("Hi", extra_query={"include": ["a", "b"], "by": {"team": "x", "open": True}, "n": None, "e": []})
    assert unquote(provider.asked[-1].path) == "/v1/chat/completions?include[]=a&include[]=b&by[team]=x&by[open]=true"
    stream = client.chat.completions.create(messages="Hi", extra_query={"tier": "1"}, stream=True)
    assert [chunk.choices[0].delta.content for chunk in stream if chunk.choices][0] == "Hello" and provider.asked[-1].json()["stream"]
