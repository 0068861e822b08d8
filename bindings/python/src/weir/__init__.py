"""Chat-model calls that are retried, fall back, stream, and are bounded and counted.

    from weir import Weir

    client = Weir(base_url="http://127.0.0.1:8080/v1", api_key="…")
    print(client.ask("Hello"))

Names are those of the OpenAI SDK where it has one. The work is done by libweir, weir's C library.
"""

from ._async import AsyncWeir
from ._client import Weir
from ._errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    CallCancelledError,
    ConflictError,
    ContentFilterFinishReasonError,
    InternalServerError,
    LengthFinishReasonError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    StreamInterruptedError,
    UnprocessableEntityError,
    WeirError,
)
from ._files import FileTypes
from ._kinds import (
    BinaryContent,
    Completion,
    Deleted,
    FileObject,
    Image,
    ImagesResponse,
    Model,
    ModerationCreateResponse,
    Page,
    ParsedChatCompletion,
    ParsedResponse,
    Response,
    ResponseStreamEvent,
    Transcription,
)
from ._many import BatchProgress
from ._native import version as _version
from ._raw import RawResponse
from ._schema import pydantic_function_tool
from ._stream import AsyncStream, Stream
from ._tools import Run
from ._types import (
    NOT_GIVEN,
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionMessage,
    CompletionUsage,
    CreateEmbeddingResponse,
    Embedding,
    Fallback,
    NotGiven,
    Object,
    Omit,
    Result,
    UsageSummary,
    not_given,
    omit,
)

Client = OpenAI = Weir
AsyncClient = AsyncOpenAI = AsyncWeir
OpenAIError = WeirError

__version__ = "0.1.0"
library_version: str = _version().decode()
"""Of the libweir that was found."""

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncClient",
    "AsyncOpenAI",
    "AsyncStream",
    "AsyncWeir",
    "AuthenticationError",
    "BadRequestError",
    "BatchProgress",
    "BinaryContent",
    "CallCancelledError",
    "ChatCompletion",
    "ChatCompletionChunk",
    "ChatCompletionMessage",
    "Client",
    "Completion",
    "CompletionUsage",
    "ConflictError",
    "ContentFilterFinishReasonError",
    "CreateEmbeddingResponse",
    "Deleted",
    "Embedding",
    "Fallback",
    "FileObject",
    "FileTypes",
    "Image",
    "ImagesResponse",
    "InternalServerError",
    "LengthFinishReasonError",
    "Model",
    "ModerationCreateResponse",
    "NOT_GIVEN",
    "NotFoundError",
    "NotGiven",
    "Object",
    "Omit",
    "OpenAI",
    "OpenAIError",
    "Page",
    "ParsedChatCompletion",
    "ParsedResponse",
    "PermissionDeniedError",
    "RateLimitError",
    "RawResponse",
    "Response",
    "ResponseStreamEvent",
    "Result",
    "Run",
    "Stream",
    "StreamInterruptedError",
    "Transcription",
    "UnprocessableEntityError",
    "UsageSummary",
    "Weir",
    "WeirError",
    "library_version",
    "not_given",
    "omit",
    "pydantic_function_tool",
]
