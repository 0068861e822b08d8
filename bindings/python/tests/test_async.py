"""The client that is awaited: every form, cancellation, a thousand calls at once, and the loop it belongs to."""

from __future__ import annotations

import asyncio
import gc
import json
import resource
import threading
from typing import Any, Callable, Coroutine, List

import pytest

from conftest import Holder
from weir import AsyncStream, AsyncWeir, BadRequestError, CallCancelledError, ChatCompletion, RateLimitError, StreamInterruptedError
from weir._stream import HIGH, LoopCall

HELLO = [{"role": "user", "content": "Hello"}]
Connect = Callable[..., AsyncWeir]


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work, debug=True)


async def text_of(stream: Any) -> str:
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])


def test_every_form(aconnect: Connect) -> None:
    async def work() -> None:
        async with aconnect(max_retries=1) as client:
            answer = await client.chat.completions.create(messages=HELLO, temperature=0.1)
            assert answer.choices[0].message.content == "You said: Hello" and answer.weir.ok
            assert await client.ask("Hi", model="sim/flaky") == "You said: Hi"
            assert (await client.safe_completion(HELLO, model="sim/500")).startswith("An unexpected error")
            vectors = await client.embeddings.create(model="e", input="one", dimensions=4)
            assert len(vectors.data[0].embedding) == 4
            stream = await client.chat.completions.create(messages=HELLO, stream=True)
            assert isinstance(stream, AsyncStream)
            assert await text_of(stream) == "You said: Hello" and stream.weir and stream.weir.ok
            with pytest.raises(RateLimitError):
                await client.ask("Hi", model="sim/429")
            with pytest.raises(RateLimitError):
                await client.chat.completions.create(messages=HELLO, model="sim/429", stream=True)
            assert client.usage_summary()["total_calls"] == 7

    run(work())


def test_batch(aconnect: Connect) -> None:
    async def work() -> None:
        async with aconnect() as client:
            outcomes = await client.batch(["one", {"messages": HELLO, "model": "sim/400"}, HELLO], model="sim/echo")
            assert [type(o) for o in outcomes] == [ChatCompletion, BadRequestError, ChatCompletion]

    run(work())


def test_a_cut_stream_is_no_clean_end(aconnect: Connect) -> None:
    async def work() -> None:
        async with aconnect() as client:
            stream = await client.chat.completions.create(messages="one two three", model="sim/cut-2", stream=True)
            with pytest.raises(StreamInterruptedError):
                await text_of(stream)
            assert stream.weir and stream.weir.text == "You said:"

    run(work())


def test_cancelling_a_task_cancels_its_call(aconnect: Connect, holder: Holder) -> None:
    async def work() -> None:
        async with aconnect(holder.base_url) as client:
            waits: List[Coroutine[Any, Any, Any]] = [
                client.ask("Hello"), client.batch(["Hello"]), client.chat.completions.create(messages=HELLO, stream=True)
            ]
            for number, wait in enumerate(waits, 1):
                task = asyncio.ensure_future(wait)
                await in_thread(lambda: holder.wait_arrived(number))
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await in_thread(lambda: holder.wait_left(number))
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.ask("Hello"), 0.05)
            await in_thread(lambda: holder.wait_left(len(waits) + 1))

    run(work())


@pytest.mark.parametrize("how", ["close", "with", "del", "task", "client"])
def test_a_stream_that_is_left_is_cancelled(aconnect: Connect, stream_holder: Holder, how: str) -> None:
    async def work() -> None:
        client = aconnect(stream_holder.base_url)
        stream = await client.chat.completions.create(messages=HELLO, stream=True)
        assert (await stream.__anext__()).choices[0].delta.content == "Hi"
        if how == "close":
            await stream.close()
            assert await text_of(stream) == ""
        elif how == "with":
            async with stream:
                pass
        elif how == "del":
            del stream
        elif how == "task":
            reader = asyncio.ensure_future(stream.__anext__())
            await asyncio.sleep(0)
            with pytest.raises(RuntimeError, match="two tasks"):
                await stream.__anext__()
            reader.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reader
        else:
            reader = asyncio.ensure_future(stream.__anext__())
            await asyncio.sleep(0)
            await client.close()
            with pytest.raises(CallCancelledError):
                await reader
        await in_thread(stream_holder.wait_left)
        await client.aclose()

    run(work())


def test_a_slow_reader_pauses_the_stream_and_loses_nothing(aconnect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    longest = 0
    arrived = LoopCall.arrived

    def watched(self: LoopCall, event: bytes) -> bool:
        nonlocal longest
        go_on = arrived(self, event)
        longest = max(longest, len(self._items))
        return go_on

    monkeypatch.setattr(LoopCall, "arrived", watched)
    words = 30000

    async def work() -> None:
        async with aconnect() as client:
            stream = await client.chat.completions.create(messages=HELLO, model=f"sim/words-{words},pace-0", stream=True)
            while not stream._call._paused:
                await asyncio.sleep(0.01)
            assert len((await text_of(stream)).split()) == words
            assert HIGH <= longest < words / 10

    asyncio.run(work())


def test_a_thousand_calls_at_once_in_one_loop(aconnect: Connect) -> None:
    """The provider answers none before all of them have arrived."""
    calls = 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4 * calls
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"needs {wanted} open files, the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    arrived = 0

    async def work() -> None:
        all_there = asyncio.Event()

        async def provider(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal arrived
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            question = json.loads(await reader.readexactly(length))["messages"][0]["content"]
            arrived += 1
            if arrived == calls:
                all_there.set()
            await all_there.wait()
            message = {"role": "assistant", "content": f"not {question}"}
            body = json.dumps({
                "id": "c", "object": "chat.completion", "created": 1, "model": "m",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }).encode()
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (len(body), body))
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(provider, "127.0.0.1", 0, backlog=calls)
        port = server.sockets[0].getsockname()[1]
        async with aconnect(f"http://127.0.0.1:{port}/v1", max_concurrency=calls) as client:
            threads = threading.active_count()
            said = await asyncio.gather(*(client.ask(str(i)) for i in range(calls)))
            assert said == [f"not {i}" for i in range(calls)]
            assert threading.active_count() == threads
        server.close()
        await server.wait_closed()

    try:
        asyncio.run(work())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_one_client_belongs_to_one_loop(aconnect: Connect) -> None:
    client = aconnect()
    assert asyncio.run(client.ask("one")) == "You said: one"
    with pytest.raises(RuntimeError, match="another event loop"):
        asyncio.run(client.ask("two"))
    asyncio.run(client.close())
    with pytest.raises(RuntimeError, match="closed"):
        asyncio.run(client.ask("three"))


def test_a_running_loops_client_is_not_closed_from_another(aconnect: Connect) -> None:
    async def work() -> None:
        async with aconnect() as client:
            await client.ask("one")

            def elsewhere() -> None:
                with pytest.raises(RuntimeError, match="another event loop"):
                    asyncio.run(client.close())

            await in_thread(elsewhere)
            assert await client.ask("two") == "You said: two"

    run(work())


def test_a_client_that_is_dropped_is_closed(aconnect: Connect, stream_holder: Holder) -> None:
    async def work() -> None:
        client = aconnect(stream_holder.base_url)
        stream = await client.chat.completions.create(messages=HELLO, stream=True)
        handle = client._handle
        await in_thread(gc.collect)
        assert not handle.closed
        del client, stream
        await in_thread(gc.collect)
        await in_thread(stream_holder.wait_left)
        assert handle.closed

    run(work())


def test_a_client_never_used_needs_no_loop(aconnect: Connect) -> None:
    client = aconnect()
    assert client.usage_summary()["total_calls"] == 0
    asyncio.run(client.close())
    asyncio.run(client.close())


async def in_thread(do: Callable[[], Any]) -> None:
    await asyncio.get_running_loop().run_in_executor(None, do)
