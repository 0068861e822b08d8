"""Streams: iterators of chunks, plain and asynchronous, over a call's events.

An event waits in Python until it is asked for. When HIGH of them wait the stream is held back at its source, and let
go on when LOW are left: a slow reader costs a bounded amount of memory and loses nothing.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Deque, Generic, Optional, Type, TypeVar

from . import _native as c
from ._call import Call, Item
from ._errors import APIResponseValidationError, error_from
from ._handle import Handle
from ._json import read_object
from ._request import Request
from ._types import AnyObject, Result

if TYPE_CHECKING:
    from ._async import Driver

HIGH, LOW = 64, 16

Self = TypeVar("Self")


class ThreadCall(Call):
    """A call whose callbacks come on the library's thread."""

    def __init__(self, handle: Handle) -> None:
        super().__init__(handle)
        self._items: SimpleQueue[Item] = SimpleQueue()
        # _paused, and that it is looked at together with the queue's length. The library's thread does not wait for it: the
        # reader's may stand in a signal's handler with it, which closes the client and so waits for that thread.
        self._lock = threading.Lock()
        self._paused = False
        self._stopped = False

    def arrived(self, event: bytes) -> bool:
        self._items.put(event)
        if self._lock.acquire(blocking=False):  # else the next event looks
            try:
                if not self._paused and self._call is not None and self._items.qsize() >= HIGH:
                    self._paused = True
                    c.call_pause(self._call)
            finally:
                self._lock.release()
        return not self._stopped

    def ended(self, result: Result) -> None:
        self._items.put(result)

    def failed(self, error: BaseException) -> None:
        self._items.put(error)

    def cancel(self) -> None:
        self._stopped = True
        super().cancel()

    def get(self) -> Item:
        """The next item. Ctrl-C while it waits, or any other exception, cancels the call."""
        try:
            item = self._items.get()
            with self._lock:
                if self._paused and self._call is not None and self._items.qsize() <= LOW:
                    self._paused = False
                    c.call_resume(self._call)
        except BaseException:
            self.cancel()
            raise
        if not isinstance(item, bytes):
            self._items.put(item)  # the end, for every thread that reads the stream
        return item

    def result(self) -> Result:
        """How a call without events ended."""
        return _result(self.get())


class LoopCall(Call):
    """A call whose callbacks come in the event loop's thread, as does everything else of it."""

    def __init__(self, driver: Driver) -> None:
        super().__init__(driver.handle)
        self._driver = driver
        self._items: Deque[Item] = deque()
        self._waiter: Optional[asyncio.Future[None]] = None
        self._paused = False
        self._stopped = False

    def start(self, request: Request, *, stream: bool) -> None:
        self._driver.bind()
        super().start(request, stream=stream)
        self._driver.touched()

    def arrived(self, event: bytes) -> bool:
        self._put(event)
        if not self._paused and self._call is not None and len(self._items) >= HIGH:
            self._paused = True
            c.call_pause(self._call)
        return not self._stopped

    def ended(self, result: Result) -> None:
        self._put(result)
        self.free()  # here and not when it is collected, which may be in another thread

    def failed(self, error: BaseException) -> None:
        self._put(error)

    def cancel(self) -> None:
        self._stopped = True
        if self._call is not None:
            super().cancel()
            self._driver.touched()

    def abandon(self) -> None:
        """Cancels from wherever the garbage collector runs."""
        if self._call is not None:
            self._driver.call_later_from_anywhere(self.cancel)

    async def get(self) -> Item:
        """The next item. Cancelling the task that waits cancels the call."""
        if self._waiter is not None:
            raise RuntimeError("two tasks read one stream")
        while not self._items:
            self._waiter = self._driver.loop.create_future()
            try:
                await self._waiter
            except BaseException:
                self.cancel()
                raise
            finally:
                self._waiter = None
        item = self._items.popleft()
        if self._paused and self._call is not None and len(self._items) <= LOW:
            self._paused = False
            c.call_resume(self._call)
            self._driver.touched()
        return item

    async def result(self) -> Result:
        return _result(await self.get())

    def _put(self, item: Item) -> None:
        self._items.append(item)
        if self._waiter is not None and not self._waiter.done() and not self._driver.loop.is_closed():
            self._waiter.set_result(None)


def _result(item: Item) -> Result:
    if isinstance(item, BaseException):
        raise item
    assert isinstance(item, Result)
    return item


class _StreamBase(Generic[AnyObject]):
    weir: Optional[Result] = None
    """What weir knows of the call; None until the stream has ended."""

    _call: Call

    def __init__(self, kind: Type[AnyObject]) -> None:
        self._kind = kind
        self._first: Optional[AnyObject] = None
        self._over = False
        self._unread = False  # a chunk could not be read: the call is cancelled, and its end is waited for

    def _taken(self, item: Item) -> Optional[AnyObject]:
        """The chunk that an item is; None where it is none, as at the end of the stream; raises what it failed with."""
        if isinstance(item, bytes):
            return None if self._unread else self._read(item)
        self._over = True
        self.weir = result = _result(item)
        if self._unread:
            raise APIResponseValidationError(result)
        if not result.ok:
            raise error_from(result)
        return None

    def _read(self, event: bytes) -> Optional[AnyObject]:
        try:
            return read_object(event, self._kind)
        except ValueError:
            self._unread = True
            self._call.cancel()
            return None


class Stream(_StreamBase[AnyObject]):
    """An iterator of chunks. Close it, or leave its `with`, to stop the answer early."""

    _call: ThreadCall

    def __init__(self, kind: Type[AnyObject], client: object, call: ThreadCall) -> None:
        super().__init__(kind)
        self._client = client  # which would be closed if nobody had it any more
        self._call = call

    def start(self, request: Request) -> None:
        """Returns with the first chunk at hand, so that a refusal is raised here and not in the loop over chunks."""
        self._call.start(request, stream=True)
        self._first = self._next()

    def _next(self) -> Optional[AnyObject]:
        chunk = None
        while chunk is None and not self._over:
            chunk = self._taken(self._call.get())
        return chunk

    def __iter__(self: Self) -> Self:
        return self

    def __next__(self) -> AnyObject:
        chunk, self._first = self._first, None
        if chunk is None:
            chunk = self._next()
        if chunk is None:
            raise StopIteration
        return chunk

    def close(self) -> None:
        """Stops the answer. May be called at any time and more than once."""
        self._over, self._first = True, None
        self._call.cancel()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self._call.cancel()


class AsyncStream(_StreamBase[AnyObject]):
    """An asynchronous iterator of chunks. Close it, or leave its `async with`, to stop the answer early."""

    _call: LoopCall

    def __init__(self, kind: Type[AnyObject], client: object, call: LoopCall) -> None:
        super().__init__(kind)
        self._client = client
        self._call = call

    async def start(self, request: Request) -> None:
        """As Stream.start()."""
        self._call.start(request, stream=True)
        self._first = await self._next()

    async def _next(self) -> Optional[AnyObject]:
        chunk = None
        while chunk is None and not self._over:
            chunk = self._taken(await self._call.get())
        return chunk

    def __aiter__(self: Self) -> Self:
        return self

    async def __anext__(self) -> AnyObject:
        chunk, self._first = self._first, None
        if chunk is None:
            chunk = await self._next()
        if chunk is None:
            raise StopAsyncIteration
        return chunk

    async def close(self) -> None:
        """Stops the answer. May be called at any time and more than once."""
        self._over, self._first = True, None
        self._call.cancel()

    aclose = close

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    def __del__(self) -> None:
        self._call.abandon()
