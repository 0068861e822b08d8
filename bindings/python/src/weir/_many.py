"""Many calls at once, whose results come in the order in which they end.

So many are under way that the client always has calls waiting for their turn, and no more: requests may be millions that are
read one by one.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, AsyncIterator, Callable, Deque, Dict, Iterable, Iterator, Optional, Tuple, Union

from ._call import Call
from ._handle import Handle
from ._request import Request
from ._types import Result

if TYPE_CHECKING:
    from ._async import Driver

Ended = Tuple[int, Union[Result, BaseException]]
"""Which request, from 0, and how its call ended."""


@dataclass(frozen=True)
class BatchProgress:
    """How far a batch is."""

    done: int
    """Calls that have ended, answered or failed."""
    failed: int
    total: int


Progress = Callable[[BatchProgress], None]


class _Member(Call):
    """One of many: it only says how it ended."""

    def __init__(self, handle: Handle, number: int, tell: Callable[[Ended], None]) -> None:
        super().__init__(handle)
        self._number, self._tell = number, tell

    def ended(self, result: Result) -> None:
        self._tell((self._number, result))

    def failed(self, error: BaseException) -> None:
        self._tell((self._number, error))


class _Running:
    """The calls under way."""

    def __init__(self, handle: Handle, requests: Iterable[Request], ahead: int, tell: Callable[[Ended], None]) -> None:
        self._handle, self._requests, self._ahead, self._tell = handle, enumerate(requests), ahead, tell
        self.calls: Dict[int, _Member] = {}

    def start_next(self) -> bool:
        """False: there is no room, or no request any more."""
        if len(self.calls) >= self._ahead:
            return False
        number, request = next(self._requests, (-1, None))
        if request is None:
            return False
        self.calls[number] = call = _Member(self._handle, number, self._tell)
        call.start(request, stream=False)
        return True

    def take(self, ended: Ended) -> Tuple[int, Result]:
        number, result = ended
        self.calls.pop(number).free()
        if isinstance(result, BaseException):
            raise result
        return number, result

    def cancel(self) -> None:
        for call in self.calls.values():
            call.cancel()


def run(handle: Handle, requests: Iterable[Request], ahead: int) -> Iterator[Tuple[int, Result]]:
    """Results as they come. Left early, it cancels what runs."""
    queue: SimpleQueue[Ended] = SimpleQueue()
    running = _Running(handle, requests, ahead, queue.put)
    try:
        # One for each that has ended, and more only while no result waits: requests may be slow to come.
        while running.start_next() or running.calls:
            while queue.empty() and running.start_next():
                pass
            yield running.take(queue.get())
    finally:
        running.cancel()


async def run_in_loop(driver: Driver, requests: Iterable[Request], ahead: int) -> AsyncIterator[Tuple[int, Result]]:
    """The same, awaited."""
    ended: Deque[Ended] = deque()
    waiter: Optional[asyncio.Future[None]] = None

    def tell(how: Ended) -> None:
        ended.append(how)
        if waiter is not None and not waiter.done() and not driver.loop.is_closed():
            waiter.set_result(None)

    driver.bind()
    running = _Running(driver.handle, requests, ahead, tell)
    try:
        while running.start_next() or running.calls:
            driver.touched()
            while not ended and running.start_next():
                driver.touched()
                await asyncio.sleep(0)  # the loop goes on beside requests that are slow to come
            while not ended:
                waiter = driver.loop.create_future()
                await waiter
            yield running.take(ended.popleft())
    finally:
        running.cancel()
        driver.touched()
