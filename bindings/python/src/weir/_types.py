"""What comes back: JSON objects with attributes, named as in the OpenAI SDK, and what weir knows of a call.

Optional members that a class names are None where the answer left them out; members that it does not name are
attributes too, so nothing that a provider adds is lost.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import (
    TYPE_CHECKING,
    Any,
    Callable,
    ClassVar,
    Dict,
    Iterable,
    List,
    Literal,
    Mapping,
    Optional,
    Protocol,
    Sequence,
    Type,
    TypedDict,
    TypeVar,
    Union,
)

from . import _native as c

if TYPE_CHECKING:
    from ctypes import _Pointer

# ---- what weir knows of a call ----


@dataclass(frozen=True)
class Result:
    """What came of one call, besides the answer itself: `answer.weir`, `error.weir`, `stream.weir`."""

    code: int
    code_name: str
    """"ok", "rate_limited" …"""
    status: int
    """HTTP status; 0: there was no answer."""
    text: Optional[str] = field(repr=False)
    """Of the first choice; of a stream, its pieces joined."""
    safe_text: str = field(repr=False)
    """The text, or a plain sentence for people."""
    body: Optional[bytes] = field(repr=False)
    """The answer or error as JSON; of a stream None."""
    error_message: Optional[str]
    error_type: Optional[str]
    error_code: Optional[str]
    error_param: Optional[str]
    retry_after: Optional[float]
    """Seconds."""
    model: Optional[str]
    target: Optional[str]
    """Who answered, or was asked last: "openai/gpt-4o-mini"."""
    finish_reason: Optional[str]
    request_id: str
    provider_request_id: Optional[str]
    attempts: int
    prompt_tokens: Optional[int]
    completion_tokens: Optional[int]
    total_tokens: Optional[int]
    cached_tokens: Optional[int]
    reasoning_tokens: Optional[int]
    tokens_estimated: bool
    """The provider told no usage: the tokens are a guess."""
    response_seconds: float
    """From the start of the call, without its time in the queue."""
    first_token_seconds: Optional[float]
    """Of a stream."""
    headers: Optional[Mapping[str, str]] = field(default=None, repr=False)
    """Of the answer or the refusal, by lower-case names; None where they were not asked for (with_raw_response)."""

    @property
    def ok(self) -> bool:
        return self.code == c.OK


def take_result(pointer: _Pointer[c.CResult]) -> Result:
    """A copy of a weir_result, which is freed."""
    try:
        return copy_result(pointer)
    finally:
        c.result_free(pointer)


def copy_result(pointer: _Pointer[c.CResult]) -> Result:
    """The same of one that is another's."""
    r = pointer.contents
    text = c.decode(c.bytes_at(r.text, r.text_len))
    return Result(
        code=r.code,
        code_name=c.code_name(r.code).decode(),
        status=r.status,
        text=text,
        safe_text=text if r.code == c.OK and text is not None else c.decode(r.safe_text) or "",  # a text may have a NUL in it
        body=c.bytes_at(r.body, r.body_len),
        error_message=c.decode(r.error_message),
        error_type=c.decode(r.error_type),
        error_code=c.decode(r.error_code),
        error_param=c.decode(r.error_param),
        retry_after=None if r.retry_after_ms < 0 else r.retry_after_ms / 1000,
        model=c.decode(r.model),
        target=c.decode(r.target),
        finish_reason=c.decode(r.finish_reason),
        request_id=c.decode(r.request_id) or "",
        provider_request_id=c.decode(r.provider_request_id),
        attempts=r.attempts,
        prompt_tokens=_known(r.prompt_tokens),
        completion_tokens=_known(r.completion_tokens),
        total_tokens=_known(r.total_tokens),
        cached_tokens=_known(r.cached_tokens),
        reasoning_tokens=_known(r.reasoning_tokens),
        tokens_estimated=bool(r.tokens_estimated),
        response_seconds=r.response_seconds,
        first_token_seconds=None if r.first_token_seconds < 0 else r.first_token_seconds,
        headers=_headers(r),
    )


def _headers(result: c.CResult) -> Optional[Mapping[str, str]]:
    if not result.headers:
        return None
    headers: Dict[str, str] = {}
    for i in range(result.header_count):
        name, value = (c.decode(text) or "" for text in (result.headers[i].name, result.headers[i].value))
        headers[name.lower()] = f"{headers[name.lower()]}, {value}" if name.lower() in headers else value
    return headers


def _known(tokens: int) -> Optional[int]:
    return None if tokens < 0 else tokens


class UsageSummary(TypedDict):
    """All calls of a client that have ended."""

    total_calls: int
    successful_calls: int
    failed_calls: int
    success_rate: float
    """Percent."""
    total_tokens: int
    average_response_time: float
    """Seconds, of successful calls."""
    models_used: List[str]
    prompt_tokens: int
    completion_tokens: int
    retries: int
    """Attempts beyond the first of each call."""
    cancelled_calls: int
    """Of failed_calls: those that were not let come to their end."""
    estimated_tokens: int
    """Of total_tokens: a guess, where the provider told nothing, or not all."""


# ---- JSON objects ----

AnyObject = TypeVar("AnyObject", bound="Object")


class Object:
    """A JSON object whose members are attributes."""

    weir: Result
    """Of a whole answer: what weir knows of the call."""

    _children: ClassVar[Mapping[str, Type[Object]]] = {}
    _json: Dict[str, Any]

    def __init__(self, members: Dict[str, Any]) -> None:
        names = self.__dict__
        names["_json"] = members
        for name, value in members.items():
            if name not in _TAKEN:
                names[name] = _wrapped(value, self._children.get(name, Object))

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    @property
    def _request_id(self) -> str:
        return self.weir.request_id

    def to_dict(self) -> Dict[str, Any]:
        """The members as they came, as a dict of one's own."""
        return copy.deepcopy(self._json)

    def model_dump(self, *, exclude_none: bool = False) -> Dict[str, Any]:
        """The same; exclude_none leaves out what is null."""
        return _without_none(self._json) if exclude_none else self.to_dict()

    def to_json(self, *, indent: Optional[int] = 2) -> str:
        return json.dumps(self._json, ensure_ascii=False, indent=indent)

    def model_dump_json(self, *, indent: Optional[int] = None) -> str:
        return self.to_json(indent=indent)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._json.items())})"

    def __eq__(self, other: object) -> bool:
        return self._json == other._json if isinstance(other, Object) else NotImplemented

    __hash__ = None  # type: ignore[assignment]


_TAKEN = frozenset(dir(Object)) | {"weir", "_json"}
"""Names that are the package's own and that no provider's member may hide."""


def _wrapped(value: Any, kind: Type[Object]) -> Any:
    if isinstance(value, dict):
        return kind(value)
    if isinstance(value, list):
        # Long lists of numbers (vectors) are the answer's own: nothing in them is to be wrapped.
        return [_wrapped(v, kind) for v in value] if value and isinstance(value[0], (dict, list)) else value
    return value


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_none(v) for name, v in value.items() if v is not None}
    return [_without_none(v) for v in value] if isinstance(value, list) else value


class Function(Object):
    name: Optional[str] = None
    """In a chunk only once."""
    arguments: Optional[str] = None


class ToolCall(Object):
    index: Optional[int] = None
    """Of a chunk."""
    id: Optional[str] = None
    type: Optional[str] = None
    function: Optional[Function] = None
    _children = {"function": Function}


class ChatCompletionMessage(Object):
    role: str
    content: Optional[str] = None
    refusal: Optional[str] = None
    tool_calls: Optional[List[ToolCall]] = None
    function_call: Optional[Function] = None
    _children = {"tool_calls": ToolCall, "function_call": Function}


class CompletionUsage(Object):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: Optional[Object] = None
    completion_tokens_details: Optional[Object] = None


class Choice(Object):
    index: int
    finish_reason: Optional[str] = None
    message: ChatCompletionMessage
    logprobs: Optional[Object] = None
    _children = {"message": ChatCompletionMessage}


class ChatCompletion(Object):
    id: str
    object: str
    created: int
    model: str
    choices: List[Choice]
    usage: Optional[CompletionUsage] = None
    service_tier: Optional[str] = None
    system_fingerprint: Optional[str] = None
    _children = {"choices": Choice, "usage": CompletionUsage}


class ChoiceDelta(Object):
    role: Optional[str] = None
    content: Optional[str] = None
    refusal: Optional[str] = None
    tool_calls: Optional[List[ToolCall]] = None
    function_call: Optional[Function] = None
    _children = {"tool_calls": ToolCall, "function_call": Function}


class ChunkChoice(Object):
    index: int
    delta: ChoiceDelta
    finish_reason: Optional[str] = None
    logprobs: Optional[Object] = None
    _children = {"delta": ChoiceDelta}


class ChatCompletionChunk(Object):
    id: str
    object: str
    created: int
    model: str
    choices: List[ChunkChoice]
    usage: Optional[CompletionUsage] = None
    service_tier: Optional[str] = None
    system_fingerprint: Optional[str] = None
    _children = {"choices": ChunkChoice, "usage": CompletionUsage}


class Embedding(Object):
    index: int
    object: str
    embedding: List[float]


class EmbeddingUsage(Object):
    prompt_tokens: int
    total_tokens: int


class CreateEmbeddingResponse(Object):
    object: str
    model: str
    data: List[Embedding]
    usage: Optional[EmbeddingUsage] = None
    _children = {"data": Embedding, "usage": EmbeddingUsage}


# ---- what is asked ----


class NotGiven:
    """An argument that was not given, as in the OpenAI SDK: NOT_GIVEN and not_given."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "NOT_GIVEN"


class Omit:
    """An argument that is left out, as in the OpenAI SDK: omit."""

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "omit"


NOT_GIVEN = not_given = NotGiven()
omit = Omit()



class Dumps(Protocol):
    """A model of pydantic's, as the OpenAI SDK's messages are."""

    @property
    def model_dump(self) -> Callable[..., Dict[str, Any]]: ...


Message = Union[Mapping[str, Any], ChatCompletionMessage, Dumps]
Messages = Union[str, Iterable[Message]]
"""A conversation; a str is one message of the user."""


class Fallback(TypedDict, total=False):
    """A further target, asked when those before it fail."""

    base_url: str
    api_key: str
    model: str


class ParseParams(TypedDict, total=False):
    """Parameters of a chat completion, besides messages, model, stream and response_format."""

    audio: Optional[Mapping[str, Any]]
    frequency_penalty: Optional[float]
    function_call: Any
    functions: Iterable[Mapping[str, Any]]
    logit_bias: Optional[Mapping[str, int]]
    logprobs: Optional[bool]
    max_completion_tokens: Optional[int]
    max_tokens: Optional[int]
    metadata: Optional[Mapping[str, str]]
    modalities: Optional[Sequence[str]]
    moderation: Optional[Mapping[str, Any]]
    n: Optional[int]
    parallel_tool_calls: Optional[bool]
    prediction: Optional[Mapping[str, Any]]
    presence_penalty: Optional[float]
    prompt_cache_key: Optional[str]
    prompt_cache_options: Optional[Mapping[str, Any]]
    prompt_cache_retention: Optional[str]
    reasoning_effort: Optional[str]
    safety_identifier: Optional[str]
    seed: Optional[int]
    service_tier: Optional[str]
    stop: Union[str, Sequence[str], None]
    store: Optional[bool]
    stream_options: Optional[Mapping[str, Any]]
    temperature: Optional[float]
    tool_choice: Union[str, Mapping[str, Any], None]
    tools: Optional[Iterable[Mapping[str, Any]]]
    top_logprobs: Optional[int]
    top_p: Optional[float]
    user: Optional[str]
    verbosity: Optional[str]
    web_search_options: Optional[Mapping[str, Any]]
    # of the call, not of the body
    extra_headers: Optional[Mapping[str, str]]
    extra_query: Optional[Mapping[str, Any]]
    extra_body: Optional[Mapping[str, Any]]
    timeout: Optional[float]


class ChatParams(ParseParams, total=False):
    """Parameters of a chat completion, besides messages, model and stream."""

    response_format: Optional[Mapping[str, Any]]


class EmbeddingParams(TypedDict, total=False):
    """Parameters of embeddings."""

    dimensions: Optional[int]
    encoding_format: Optional[str]
    user: Optional[str]
    extra_headers: Optional[Mapping[str, str]]
    extra_query: Optional[Mapping[str, Any]]
    extra_body: Optional[Mapping[str, Any]]
    timeout: Optional[float]
