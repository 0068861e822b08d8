"""Streams of the client that waits: whole, cut, stopped, abandoned, read slowly."""

from __future__ import annotations

import gc
import threading
import time
from typing import Any, Callable, List, Type

import pytest

import weir
from conftest import TIMEOUT, Holder
from weir import Stream, StreamInterruptedError, Weir
from weir._stream import HIGH, ThreadCall

Connect = Callable[..., Weir]
ENDLESS = "sim/words-100000,pace-20"  # half an hour


def text_of(stream: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_chunks_read_like_the_sdks(client: Weir) -> None:
    stream = client.chat.completions.create(messages="one two three", stream=True)
    assert isinstance(stream, Stream) and stream.weir is None
    chunks = list(stream)
    assert text_of(chunks) == "You said: one two three"
    assert chunks[0].object == "chat.completion.chunk" and chunks[0].choices[0].delta.tool_calls is None
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert all(c.usage is None for c in chunks)
    ended: Any = stream.weir
    assert ended.ok and ended.text == "You said: one two three" and ended.total_tokens > 0 and ended.first_token_seconds > 0
    assert list(stream) == []


def test_usage_chunk_for_those_who_ask(client: Weir) -> None:
    *_, last = client.chat.completions.create(messages="Hello", stream=True, stream_options={"include_usage": True})
    assert last.choices == [] and last.usage and last.usage.total_tokens > 0


def test_refusal_is_raised_by_create(connect: Connect) -> None:
    with pytest.raises(weir.RateLimitError):
        connect(max_retries=0).chat.completions.create(messages="Hello", model="sim/429", stream=True)


@pytest.mark.parametrize("fault, kind", [("cut-2", StreamInterruptedError), ("error-event-2", weir.APIError)])
def test_a_cut_stream_is_no_clean_end(client: Weir, fault: str, kind: Type[Exception]) -> None:
    stream = client.chat.completions.create(messages="one two three four", model=f"sim/{fault}", stream=True)
    said = ""
    with pytest.raises(kind):
        for chunk in stream:
            said += chunk.choices[0].delta.content or ""
    assert said == "You said:"
    assert stream.weir and not stream.weir.ok and stream.weir.text == said
    assert list(stream) == []


@pytest.mark.parametrize("how", ["close", "with", "del", "cycle", "break"])
def test_a_stream_that_is_left_is_cancelled(connect: Connect, stream_holder: Holder, how: str) -> None:
    client = connect(stream_holder.base_url)
    stream = client.chat.completions.create(messages="Hello", stream=True)
    assert next(stream).choices[0].delta.content == "Hi"
    if how == "close":
        stream.close()
        stream.close()
        assert list(stream) == []
    elif how == "with":
        with stream:
            pass
    elif how == "del":
        del stream
    elif how == "cycle":
        stream.itself = stream  # type: ignore[attr-defined]
        del stream
        gc.collect()
    else:
        del stream
        for _ in client.chat.completions.create(messages="Hello", stream=True):
            break
    stream_holder.wait_left(2 if how == "break" else 1)


def test_its_place_is_free_for_the_next_call(connect: Connect) -> None:
    client = connect(max_concurrency=1)
    with client.chat.completions.create(messages="Hello", model=ENDLESS, stream=True) as stream:
        assert next(stream).choices
    assert client.ask("Hello") == "You said: Hello"


def test_a_stream_keeps_its_client(sim: str, connect: Connect) -> None:
    made = Weir(base_url=sim, api_key="any")
    stream = made.chat.completions.create(messages="one two", stream=True)
    del made
    gc.collect()
    assert text_of(stream) == "You said: one two"


def test_a_slow_reader_pauses_the_stream_and_loses_nothing(client: Weir, monkeypatch: pytest.MonkeyPatch) -> None:
    longest = 0
    arrived = ThreadCall.arrived

    def watched(self: ThreadCall, event: bytes) -> bool:
        nonlocal longest
        go_on = arrived(self, event)
        longest = max(longest, self._items.qsize())
        return go_on

    monkeypatch.setattr(ThreadCall, "arrived", watched)
    words = 30000
    stream = client.chat.completions.create(messages="Hello", model=f"sim/words-{words},pace-0", stream=True)
    deadline = time.monotonic() + TIMEOUT
    while not stream._call._paused:
        assert time.monotonic() < deadline, "a stream that nobody reads is not paused"
        time.sleep(0.01)
    assert len(text_of(stream).split()) == words
    assert HIGH <= longest < words / 10


def test_each_thread_that_reads_a_stream_hears_its_end(client: Weir) -> None:
    for model, ends in ("sim/words-200", "end"), ("sim/cut-20", "StreamInterruptedError"):
        stream = client.chat.completions.create(messages="Hello", model=model, stream=True)
        heard: List[str] = []

        def read() -> None:
            try:
                for _ in stream:
                    pass
                heard.append("end")
            except weir.APIError as error:
                heard.append(type(error).__name__)

        threads = [threading.Thread(target=read, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(TIMEOUT)
        assert heard[:1] == [ends] and len(heard) == 3, heard
