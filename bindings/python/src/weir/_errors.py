"""What can be raised: the names and attributes of the OpenAI SDK's exceptions, and which of them a result is."""

from __future__ import annotations

import functools
from typing import Any, Dict, List, Optional, Type

from . import _native as c
from ._json import read
from ._types import Result


class WeirError(Exception):
    """Everything of this package: a configuration that will not do, a client used where it may not be, and APIError."""


class APIError(WeirError):
    """A call that came to no answer."""

    message: str
    """What went wrong, in words."""
    status_code: Optional[int]
    """Of the refusal; None where there was no answer."""
    type: Optional[str]
    code: Optional[str]
    param: Optional[str]
    body: Optional[object]
    """The member `error` of the answer, or the whole answer where it has none."""
    request_id: str
    """weir's own."""
    provider_request_id: Optional[str]
    retry_after: Optional[float]
    """The provider's hint, in seconds."""
    safe_text: str
    """A plain sentence for people (chat.say.* of the configuration)."""
    weir: Result
    """Who was asked, how many times, how long."""
    steps: Optional[List[Dict[str, Any]]] = None
    """Of a run: the calls that were made before."""

    def __init__(self, result: Result) -> None:
        self.message = result.error_message or result.code_name
        super().__init__(self.message)
        self.weir = result
        self.status_code = result.status or None
        self.type, self.code, self.param = result.error_type, result.error_code, result.error_param
        self.body = _error_of(result.body)
        self.request_id, self.provider_request_id = result.request_id, result.provider_request_id
        self.retry_after = result.retry_after
        self.safe_text = result.safe_text

    def __reduce__(self) -> Any:
        return type(self), (self.weir,), self.__dict__


class APIConnectionError(APIError):
    """The provider could not be reached: name, network, TLS."""


class APITimeoutError(APIConnectionError):
    """A deadline passed."""


class StreamInterruptedError(APIError):
    """A stream ended before its answer was complete. What had come of it is text in `error.weir.text`."""


class CallCancelledError(APIError):
    """The client was closed while the call ran."""


class APIResponseValidationError(APIError):
    """An answer, or a chunk of a stream, that is no JSON object, or one that Python does not read: with an integer of more digits than
    sys.get_int_max_str_digits(), or nested too deeply."""

    def __init__(self, result: Result) -> None:
        super().__init__(result)
        self.message = "The answer is not a JSON object that Python reads."
        self.args = (self.message,)


class APIStatusError(APIError):
    """The provider refused, or failed, with a status."""

    status_code: int


class BadRequestError(APIStatusError):
    """400."""


class AuthenticationError(APIStatusError):
    """401."""


class PermissionDeniedError(APIStatusError):
    """403."""


class NotFoundError(APIStatusError):
    """404."""


class ConflictError(APIStatusError):
    """409."""


class UnprocessableEntityError(APIStatusError):
    """422."""


class RateLimitError(APIStatusError):
    """429, after all retries."""


class InternalServerError(APIStatusError):
    """500 and above."""


class LengthFinishReasonError(WeirError):
    """parse(): the answer was cut off at its length before it was whole. It is `error.completion`."""

    def __init__(self, *, completion: Any) -> None:
        super().__init__("Could not parse the answer: its length limit was reached before it was whole")
        self.completion = completion

    def __reduce__(self) -> Any:
        return functools.partial(type(self), completion=self.completion), ()


class ContentFilterFinishReasonError(WeirError):
    """parse(): the answer was stopped by the provider's content filter."""

    def __init__(self) -> None:
        super().__init__("Could not parse the answer: it was stopped by the content filter")

    def __reduce__(self) -> Any:
        return type(self), ()


_BY_CODE: Dict[int, Type[APIError]] = {
    c.CANCELLED: CallCancelledError,
    c.UNREACHABLE: APIConnectionError,
    c.TIMEOUT: APITimeoutError,
    c.INTERRUPTED: StreamInterruptedError,
}
_BY_STATUS: Dict[int, Type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def error_from(result: Result) -> APIError:
    """The exception that a result, which is no success, is."""
    if result.code in _BY_CODE:
        return _BY_CODE[result.code](result)
    if result.status >= 500:
        return InternalServerError(result)
    if result.status >= 400:
        return _BY_STATUS.get(result.status, APIStatusError)(result)
    return APIError(result)


def _error_of(body: Optional[bytes]) -> Optional[object]:
    if not body:
        return None
    try:
        whole = read(body)
    except ValueError:
        return body.decode("utf-8", "replace")
    error: object = whole.get("error", whole) if isinstance(whole, dict) else whole
    return error
