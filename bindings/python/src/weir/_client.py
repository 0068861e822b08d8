"""The client that waits: any number of threads may use one."""

from __future__ import annotations

import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Any, Iterable, Iterator, List, Mapping, Optional, Tuple, Type, TypeVar, Union

from . import _many as many
from . import _native as c
from ._asks import Ask, batch_requests
from ._call import outcome_from
from ._errors import APIError, error_from
from ._many import BatchProgress, Progress
from ._raw import RawResponse
from ._request import Request
from ._resources import Audio, Chat, Embeddings, Files, Images, Models, Moderations, Responses, TextCompletions
from ._stream import Stream, ThreadCall
from ._tools import Driver, HasTools, Run, call_waiting
from ._types import AnyObject, ChatCompletion, Messages, Result

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._types import ChatParams

Self = TypeVar("Self")
T = TypeVar("T")


class Weir(HasTools):
    """A client for chat-model APIs whose calls are retried, fall back, and are bounded and counted."""

    _foreign_loop = False

    def _opened(self) -> None:
        # Runs also when the client is collected, and before the interpreter ends: no callback may come after that.
        self._close = weakref.finalize(self, self._handle.close)

    @property
    def chat(self) -> Chat:
        return Chat(self)

    @property
    def completions(self) -> TextCompletions:
        return TextCompletions(self)

    @property
    def embeddings(self) -> Embeddings:
        return Embeddings(self)

    @property
    def responses(self) -> Responses:
        return Responses(self)

    @property
    def moderations(self) -> Moderations:
        return Moderations(self)

    @property
    def images(self) -> Images:
        return Images(self)

    @property
    def audio(self) -> Audio:
        return Audio(self)

    @property
    def files(self) -> Files:
        return Files(self)

    @property
    def models(self) -> Models:
        return Models(self)

    def ask(self, question: Messages, *, model: Optional[str] = None, **params: Unpack[ChatParams]) -> str:
        """The text of the answer; of a call for tools ""."""
        result = self._result(self._chat_request(question, model, params))
        if not result.ok:
            raise error_from(result)
        return result.text or ""

    def safe_completion(self, messages: Messages, *, model: Optional[str] = None, **params: Unpack[ChatParams]) -> str:
        """The text of the answer, or where there is none a plain sentence for people (chat.say.* of the configuration)."""
        return self._result(self._chat_request(messages, model, params)).safe_text

    def run(
        self,
        messages: Messages,
        *,
        model: Optional[str] = None,
        max_steps: Optional[int] = None,
        max_time: Optional[float] = None,
        max_result: Optional[int] = None,
        **params: Unpack[ChatParams],
    ) -> Run:
        """Asks the model, calls the functions of @client.tool that it calls, one after the other, and asks again, until it answers or a
        limit is reached: max_steps rounds of calls (8), max_time seconds (120; a function is not interrupted), max_result bytes of
        what one function says (65536).
        """
        driver = Driver(self, self._chat_request(messages, model, params), max_steps, max_time, max_result)
        try:
            while True:
                state = driver.next()
                if state == c.RUN_ENDED:
                    return driver.outcome()
                if state == c.RUN_CALLS:
                    call_waiting(driver)
                    continue
                call = ThreadCall(self._handle)
                call.told = driver.take
                call.start(driver.request(), stream=False)
                call.result()
        finally:
            driver.free()

    def batch(
        self,
        requests: Iterable[Union[Messages, Mapping[str, Any]]],
        *,
        model: Optional[str] = None,
        on_progress: Optional[Progress] = None,
        **params: Unpack[ChatParams],
    ) -> List[Union[ChatCompletion, APIError]]:
        """Asks all, max_concurrency at a time; answers, or the exceptions that they ended with, in the order of the requests.

        A request is a conversation as create() takes it, or a mapping with `messages` and parameters of its own. on_progress is
        called after each call that ends, in this thread; an exception of it cancels the rest.
        """
        prepared = list(batch_requests(self, requests, model, params))
        outcomes: List[Any] = [None] * len(prepared)
        failed = 0
        for done, (number, result) in enumerate(many.run(self._handle, prepared, self._ahead), 1):
            outcomes[number] = outcome_from(ChatCompletion, result)
            failed += isinstance(outcomes[number], APIError)
            if on_progress:
                on_progress(BatchProgress(done, failed, len(prepared)))
        return outcomes

    def as_completed(
        self, requests: Iterable[Union[Messages, Mapping[str, Any]]], *, model: Optional[str] = None, **params: Unpack[ChatParams]
    ) -> Iterator[Tuple[int, Union[ChatCompletion, APIError]]]:
        """As batch(), in the order in which calls end: pairs of a request's number, from 0, and what it came to.

        Requests are read as calls end, so there may be any number of them. Leaving the loop cancels what runs.
        """
        for number, result in many.run(self._handle, batch_requests(self, requests, model, params), self._ahead):
            yield number, outcome_from(ChatCompletion, result)

    def close(self) -> None:
        """Cancels what runs; the client cannot be used afterwards, nor those that with_options() made of it."""
        for client in self._take_variants():
            client.close()
        self._close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def _do(self, ask: Ask[T]) -> T:
        """Asks and reads; through with_raw_response a RawResponse comes in the place of what is read."""
        if self._gives_raw:
            ask.request.keep_headers()
        result = self._result(ask.request)
        if self._gives_raw and result.ok:
            return RawResponse(result, ask.read)  # type: ignore[return-value]
        return ask.read(result)

    def _result(self, request: Request) -> Result:
        call = ThreadCall(self._handle)
        call.start(request, stream=False)
        return call.result()

    def _stream(self, kind: Type[AnyObject], request: Request) -> Stream[AnyObject]:
        self._refuse_raw_stream()
        stream = Stream(kind, self, ThreadCall(self._handle))
        stream.start(request)
        return stream
