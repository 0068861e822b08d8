"""with_raw_response: the same calls, whose answers come with their status and header fields."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Generic, Iterator, Mapping, TypeVar

from ._json import read
from ._types import Result

if TYPE_CHECKING:
    from typing_extensions import ParamSpec

    P = ParamSpec("P")

T = TypeVar("T")


class Headers(Mapping[str, str]):
    """Header fields, whose names are looked up in any case."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({dict(self._fields)!r})"


class RawResponse(Generic[T]):
    """What an answer came as. parse() gives what the call itself would have."""

    def __init__(self, result: Result, read: Callable[[Result], T]) -> None:
        self.weir = result
        self._read = read

    def parse(self) -> T:
        return self._read(self.weir)

    @property
    def headers(self) -> Headers:
        return Headers(self.weir.headers or {})

    @property
    def status_code(self) -> int:
        return self.weir.status

    @property
    def request_id(self) -> str:
        """weir's own."""
        return self.weir.request_id

    @property
    def content(self) -> bytes:
        return self.weir.body or b""

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        return read(self.content)

    @property
    def retries_taken(self) -> int:
        return max(0, self.weir.attempts - 1)

    @property
    def elapsed(self) -> datetime.timedelta:
        return datetime.timedelta(seconds=self.weir.response_seconds)


def raw(method: Callable[P, T]) -> Callable[P, RawResponse[T]]:
    """For type checkers: the method belongs to a resource of a client that gives raw responses."""
    return method  # type: ignore[return-value]


def async_raw(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[RawResponse[T]]]:
    return method  # type: ignore[return-value]
