"""The client that is awaited. It has no thread: the asyncio event loop in which it is first used drives it."""

from __future__ import annotations

import asyncio
import weakref
from contextlib import asynccontextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, AsyncIterator, Callable, Iterable, List, Mapping, Optional, Tuple, Type, TypeVar, Union

from . import _many as many
from . import _native as c
from ._asks import Ask, batch_requests
from ._async_resources import (
    AsyncAudio,
    AsyncChat,
    AsyncEmbeddings,
    AsyncFiles,
    AsyncImages,
    AsyncModels,
    AsyncModerations,
    AsyncResponses,
    AsyncTextCompletions,
)
from ._call import outcome_from
from ._errors import APIError, error_from
from ._handle import Handle
from ._many import BatchProgress, Progress
from ._raw import RawResponse
from ._request import Request
from ._stream import AsyncStream, LoopCall
from ._tools import Driver as RunDriver
from ._tools import HasTools, Run, call_awaiting
from ._types import AnyObject, ChatCompletion, Messages, Result

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._types import ChatParams

Self = TypeVar("Self")
T = TypeVar("T")


@asynccontextmanager
async def _closing(iterator: Any) -> AsyncIterator[Any]:
    """contextlib.aclosing(), which Python 3.9 has not."""
    try:
        yield iterator
    finally:
        await iterator.aclose()


class Driver:
    """Steps a C client from an asyncio loop: when its descriptor is readable, and when its time has come."""

    def __init__(self, handle: Handle) -> None:
        self.handle = handle
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._fd = -1
        self._soon = False  # _turn is scheduled
        self._timer: Optional[asyncio.TimerHandle] = None

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        assert self._loop is not None
        return self._loop

    def bind(self) -> None:
        """The running loop is the client's from its first use on."""
        running = asyncio.get_running_loop()
        with self.handle.use():
            pointer = self.handle.pointer
        if self._loop is running:
            return
        if self._loop is not None:
            raise RuntimeError("this AsyncWeir belongs to another event loop: make one in each loop (in each asyncio.run())")
        self._fd = c.client_fd(pointer)
        self._loop = running
        running.add_reader(self._fd, self._ready)

    def touched(self) -> None:
        """A function of the library was called: the client may have something to do, or another time-out."""
        if not self._soon and not self.loop.is_closed():
            self._soon = True
            self.loop.call_soon(self._turn)

    def _turn(self) -> None:
        self._soon = False
        if self._usable:
            if c.client_timeout_ms(self.handle.pointer) == 0:
                c.client_step(self.handle.pointer)
            self._arm()

    def _ready(self) -> None:
        if self._usable:
            c.client_step(self.handle.pointer)
            self._arm()

    def _arm(self) -> None:
        self._disarm()
        wait = c.client_timeout_ms(self.handle.pointer)
        if wait == 0:
            self.touched()
        elif wait > 0:
            self._timer = self.loop.call_later(wait / 1000, self._ready)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def _usable(self) -> bool:
        return not self.handle.closed and self.handle.owned

    def call_later_from_anywhere(self, do: Callable[[], None]) -> None:
        """Runs it in the loop's thread; at once where the loop does not run and so uses nothing."""
        if self._loop is not None and self._loop.is_running():
            try:
                self._loop.call_soon_threadsafe(do)
                return
            except RuntimeError:  # closed in this very moment
                pass
        do()

    def abandon(self) -> None:
        self.call_later_from_anywhere(self.close)

    def close(self) -> None:
        if self._usable and self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._fd)
            self._disarm()
        self.handle.close()


class AsyncWeir(HasTools):
    """An asyncio client for chat-model APIs whose calls are retried, fall back, and are bounded and counted.

    Making one may read files and run key commands, which blocks. One client belongs to one event loop.
    """

    _foreign_loop = True

    def _opened(self) -> None:
        self._driver = Driver(self._handle)
        self._abandon = weakref.finalize(self, self._driver.abandon)

    @property
    def chat(self) -> AsyncChat:
        return AsyncChat(self)

    @property
    def completions(self) -> AsyncTextCompletions:
        return AsyncTextCompletions(self)

    @property
    def embeddings(self) -> AsyncEmbeddings:
        return AsyncEmbeddings(self)

    @property
    def responses(self) -> AsyncResponses:
        return AsyncResponses(self)

    @property
    def moderations(self) -> AsyncModerations:
        return AsyncModerations(self)

    @property
    def images(self) -> AsyncImages:
        return AsyncImages(self)

    @property
    def audio(self) -> AsyncAudio:
        return AsyncAudio(self)

    @property
    def files(self) -> AsyncFiles:
        return AsyncFiles(self)

    @property
    def models(self) -> AsyncModels:
        return AsyncModels(self)

    async def ask(self, question: Messages, *, model: Optional[str] = None, **params: Unpack[ChatParams]) -> str:
        """The text of the answer; of a call for tools ""."""
        result = await self._result(self._chat_request(question, model, params))
        if not result.ok:
            raise error_from(result)
        return result.text or ""

    async def safe_completion(self, messages: Messages, *, model: Optional[str] = None, **params: Unpack[ChatParams]) -> str:
        """The text of the answer, or where there is none a plain sentence for people (chat.say.* of the configuration)."""
        return (await self._result(self._chat_request(messages, model, params))).safe_text

    async def run(
        self,
        messages: Messages,
        *,
        model: Optional[str] = None,
        max_steps: Optional[int] = None,
        max_time: Optional[float] = None,
        max_result: Optional[int] = None,
        **params: Unpack[ChatParams],
    ) -> Run:
        """As Weir.run(); functions that a model calls at once run beside each other, those that are not `async` in threads."""
        driver = RunDriver(self, self._chat_request(messages, model, params), max_steps, max_time, max_result)
        try:
            while True:
                state = driver.next()
                if state == c.RUN_ENDED:
                    return driver.outcome()
                if state == c.RUN_CALLS:
                    await call_awaiting(driver)
                    continue
                call = LoopCall(self._driver)
                call.told = driver.take
                call.start(driver.request(), stream=False)
                await call.result()
        finally:
            driver.free()

    async def batch(
        self,
        requests: Iterable[Union[Messages, Mapping[str, Any]]],
        *,
        model: Optional[str] = None,
        on_progress: Optional[Progress] = None,
        **params: Unpack[ChatParams],
    ) -> List[Union[ChatCompletion, APIError]]:
        """As Weir.batch()."""
        prepared = list(batch_requests(self, requests, model, params))
        outcomes: List[Any] = [None] * len(prepared)
        done = failed = 0
        async with _closing(many.run_in_loop(self._driver, prepared, self._ahead)) as ended:
            async for number, result in ended:
                outcomes[number] = outcome_from(ChatCompletion, result)
                done += 1
                failed += isinstance(outcomes[number], APIError)
                if on_progress:
                    on_progress(BatchProgress(done, failed, len(prepared)))
        return outcomes

    async def as_completed(
        self, requests: Iterable[Union[Messages, Mapping[str, Any]]], *, model: Optional[str] = None, **params: Unpack[ChatParams]
    ) -> AsyncIterator[Tuple[int, Union[ChatCompletion, APIError]]]:
        """As Weir.as_completed(), for `async for`. Who leaves the loop early and waits for more in the same task cancels what
        runs by aclose(), or by contextlib.aclosing()."""
        prepared = batch_requests(self, requests, model, params)
        async with _closing(many.run_in_loop(self._driver, prepared, self._ahead)) as ended:
            async for number, result in ended:
                yield number, outcome_from(ChatCompletion, result)

    async def close(self) -> None:
        """Cancels what runs; the client cannot be used afterwards, nor those that with_options() made of it."""
        for client in self._take_variants():
            await client.close()
        if not self._handle.closed and self._driver._loop is not None and not self._driver.loop.is_closed():
            self._driver.bind()  # refuses another loop than the client's
        self._abandon.detach()
        self._driver.close()

    aclose = close

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        await self.close()

    async def _do(self, ask: Ask[T]) -> T:
        """As Weir._do()."""
        if self._gives_raw:
            ask.request.keep_headers()
        result = await self._result(ask.request)
        if self._gives_raw and result.ok:
            return RawResponse(result, ask.read)  # type: ignore[return-value]
        return ask.read(result)

    async def _result(self, request: Request) -> Result:
        call = LoopCall(self._driver)
        call.start(request, stream=False)
        return await call.result()

    async def _stream(self, kind: Type[AnyObject], request: Request) -> AsyncStream[AnyObject]:
        self._refuse_raw_stream()
        stream = AsyncStream(kind, self, LoopCall(self._driver))
        await stream.start(request)
        return stream
