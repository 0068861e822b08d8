"""The client that waits: any number of threads may use one."""

from __future__ import annotations

import weakref
from types import TracebackType
from typing import TYPE_CHECKING, Any, Iterable, List, Literal, Mapping, Optional, Sequence, Type, TypeVar, Union, overload

from ._call import answer_from, outcome_from
from ._errors import APIError, error_from
from ._handle import ClientBase
from ._request import Request
from ._stream import Stream, ThreadCall
from ._types import AnyObject, ChatCompletion, ChatCompletionChunk, CreateEmbeddingResponse, Messages, Result

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._types import ChatParams, EmbeddingParams

Self = TypeVar("Self")


class Weir(ClientBase):
    """A client for chat-model APIs whose calls are retried, fall back, and are bounded and counted."""

    _foreign_loop = False

    def _opened(self) -> None:
        # Runs also when the client is collected, and before the interpreter ends: no callback may come after that.
        self._close = weakref.finalize(self, self._handle.close)

    @property
    def chat(self) -> Chat:
        return Chat(self)

    @property
    def embeddings(self) -> Embeddings:
        return Embeddings(self)

    def ask(self, question: Messages, *, model: Optional[str] = None, **params: Unpack[ChatParams]) -> str:
        """The text of the answer; of a call for tools ""."""
        result = self._result(self._chat_request(question, model, params))
        if not result.ok:
            raise error_from(result)
        return result.text or ""

    def safe_completion(self, messages: Messages, *, model: Optional[str] = None, **params: Unpack[ChatParams]) -> str:
        """The text of the answer, or where there is none a plain sentence for people (chat.say.* of the configuration)."""
        return self._result(self._chat_request(messages, model, params)).safe_text

    def batch(
        self, requests: Iterable[Union[Messages, Mapping[str, Any]]], *, model: Optional[str] = None, **params: Unpack[ChatParams]
    ) -> List[Union[ChatCompletion, APIError]]:
        """Asks all, max_concurrency at a time; answers, or the exceptions that they ended with, in the order of the requests.

        A request is a conversation as create() takes it, or a mapping with `messages` and parameters of its own.
        """
        prepared = [self._batch_request(request, model, params) for request in requests]
        calls: List[ThreadCall] = []
        try:
            for request in prepared:
                calls.append(ThreadCall(self._handle))
                calls[-1].start(request, stream=False)
            return [outcome_from(ChatCompletion, call.result()) for call in calls]
        except BaseException:
            for call in calls:
                call.cancel()
            raise

    def close(self) -> None:
        """Cancels what runs; the client cannot be used afterwards."""
        self._close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()

    def _result(self, request: Request) -> Result:
        call = ThreadCall(self._handle)
        call.start(request, stream=False)
        return call.result()

    def _stream(self, kind: Type[AnyObject], request: Request) -> Stream[AnyObject]:
        stream = Stream(kind, self, ThreadCall(self._handle))
        stream.start(request)
        return stream


class Chat:
    def __init__(self, client: Weir) -> None:
        self._client = client

    @property
    def completions(self) -> Completions:
        return Completions(self._client)


class Completions:
    def __init__(self, client: Weir) -> None:
        self._client = client

    @overload
    def create(
        self, *, messages: Messages, model: Optional[str] = ..., stream: Optional[Literal[False]] = ..., **params: Unpack[ChatParams]
    ) -> ChatCompletion: ...

    @overload
    def create(
        self, *, messages: Messages, model: Optional[str] = ..., stream: Literal[True], **params: Unpack[ChatParams]
    ) -> Stream[ChatCompletionChunk]: ...

    @overload
    def create(
        self, *, messages: Messages, model: Optional[str] = ..., stream: Optional[bool], **params: Unpack[ChatParams]
    ) -> Union[ChatCompletion, Stream[ChatCompletionChunk]]: ...

    def create(
        self, *, messages: Messages, model: Optional[str] = None, stream: Optional[bool] = False, **params: Any
    ) -> Union[ChatCompletion, Stream[ChatCompletionChunk]]:
        """A chat completion, or with stream=True an iterator of its chunks.

        timeout: seconds, for this call; extra_headers and extra_body: further header fields, and members of the body.
        Raises the exceptions of weir._errors, which are named as the OpenAI SDK's.
        """
        request = self._client._chat_request(messages, model, params)
        if stream:
            return self._client._stream(ChatCompletionChunk, request)
        return answer_from(ChatCompletion, self._client._result(request))


class Embeddings:
    def __init__(self, client: Weir) -> None:
        self._client = client

    def create(
        self,
        *,
        input: Union[str, Sequence[str], Sequence[int], Sequence[Sequence[int]]],
        model: Optional[str] = None,
        **params: Unpack[EmbeddingParams],
    ) -> CreateEmbeddingResponse:
        """Vectors of one or more texts, as lists of numbers."""
        request = self._client._request("/embeddings", {"model": model, "input": input}, **params)
        return answer_from(CreateEmbeddingResponse, self._client._result(request))
