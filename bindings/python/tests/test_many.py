"""Batches: progress, results as they come, and what becomes of the rest when one leaves early."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Callable, Iterator, List

import pytest

from conftest import Holder
from weir import APIError, AsyncWeir, BadRequestError, BatchProgress, CallCancelledError, ChatCompletion, Weir

Connect = Callable[..., Weir]
AConnect = Callable[..., AsyncWeir]
REQUESTS: List[Any] = ["one", {"messages": "two", "model": "sim/400"}, "three"]


def said(outcome: Any) -> str:
    return type(outcome).__name__ if isinstance(outcome, APIError) else outcome.choices[0].message.content


def test_progress(client: Weir, aconnect: AConnect) -> None:
    steps: List[BatchProgress] = []
    outcomes = client.batch(REQUESTS, on_progress=steps.append)
    assert [said(o) for o in outcomes] == ["You said: one", "BadRequestError", "You said: three"]
    assert [(s.done, s.total) for s in steps] == [(1, 3), (2, 3), (3, 3)] and steps[-1].failed == 1

    async def work() -> None:
        async with aconnect() as aclient:
            seen: List[BatchProgress] = []
            assert [type(o) for o in await aclient.batch(REQUESTS, on_progress=seen.append)] == [ChatCompletion, BadRequestError, ChatCompletion]
            assert [(s.done, s.total) for s in seen] == [(1, 3), (2, 3), (3, 3)] and seen[-1].failed == 1

    asyncio.run(work())
    assert client.batch([], on_progress=steps.append) == [] and len(steps) == 3


def test_results_come_in_the_order_of_their_ends(connect: Connect, aconnect: AConnect) -> None:
    requests: List[Any] = [{"messages": "slow", "model": "sim/ttft-300"}, "quick"]
    pairs = [(number, said(outcome)) for number, outcome in connect().as_completed(requests)]
    assert pairs == [(1, "You said: quick"), (0, "You said: slow")]

    async def work() -> None:
        async with aconnect() as client:
            assert [(number, said(outcome)) async for number, outcome in client.as_completed(requests)] == pairs

    asyncio.run(work())


def test_requests_are_read_as_calls_end(client: Weir, aconnect: AConnect) -> None:
    read = 0

    def endless() -> Iterator[str]:
        nonlocal read
        while True:
            read += 1
            yield str(read)

    for number, (_, outcome) in enumerate(client.as_completed(endless()), 1):
        assert said(outcome).startswith("You said: ") and read <= number + 100
        if number == 300:
            break

    async def work() -> None:
        nonlocal read
        read, number = 0, 0
        async with aconnect() as aclient:
            ended = aclient.as_completed(endless())
            async for _, outcome in ended:
                number += 1
                assert said(outcome).startswith("You said: ") and read <= number + 100
                if number == 300:
                    break
            await ended.aclose()  # type: ignore[attr-defined]

    asyncio.run(work())


def test_who_leaves_early_cancels_the_rest(connect: Connect, aconnect: AConnect, holder: Holder) -> None:
    """The provider answers nobody: what leaves is given up there."""

    def late() -> Iterator[str]:
        yield "one"
        raise KeyError("the file of requests is broken")

    with pytest.raises(KeyError):
        list(connect(holder.base_url).as_completed(late()))

    async def work() -> None:
        async with aconnect(holder.base_url) as aclient:
            in_thread = asyncio.get_running_loop().run_in_executor
            before = holder._arrived
            task = asyncio.ensure_future(aclient.batch(["one", "two"]))
            await in_thread(None, lambda: holder.wait_arrived(before + 2))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await in_thread(None, lambda: holder.wait_left(before + 2))

    asyncio.run(work())


def test_an_exception_of_the_progress_ends_the_batch(client: Weir) -> None:
    def stop(progress: BatchProgress) -> None:
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        client.batch([str(n) for n in range(50)], on_progress=stop)
    assert client.ask("still there") == "You said: still there"


def test_a_client_that_is_closed_meanwhile(connect: Connect, holder: Holder) -> None:
    client = connect(holder.base_url)

    def closing() -> Iterator[str]:
        yield "one"
        yield "two"
        client.close()

    assert [type(o) for _, o in client.as_completed(closing())] == [CallCancelledError] * 2


def test_a_result_does_not_wait_for_requests_that_are_slow_to_come(client: Weir, aconnect: AConnect) -> None:
    heard: List[str] = []
    read = 0

    def slow() -> Iterator[str]:
        """As few as are asked for ahead of the first result, each some time after the one before."""
        nonlocal read
        for read in range(1, 61):
            if heard:
                return
            yield str(read)
            time.sleep(0.02)

    for _, outcome in client.as_completed(slow()):
        heard.append(said(outcome))
    assert heard[0] == "You said: 1" and read < 60

    async def work() -> None:
        async with aconnect() as aclient:
            async for _, outcome in aclient.as_completed(slow()):
                heard.append(said(outcome))

    heard.clear()
    asyncio.run(work())
    assert heard[0] == "You said: 1" and read < 60


@pytest.mark.parametrize("what, says", [("Hello", "is one request; give a list"), ({"messages": "Hello"}, "is one request"), (None, ".*not NoneType$"), (b"x", ".*not bytes$")])
def test_one_request_is_no_list_of_them(client: Weir, what: Any, says: str) -> None:
    for many in (client.batch, lambda requests: list(client.as_completed(requests))):
        with pytest.raises(TypeError, match=f"^requests {says}"):
            many(what)
    assert client.usage_summary()["total_calls"] == 0
