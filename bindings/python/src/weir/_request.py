"""Requests: what is asked, as C takes it."""

from __future__ import annotations

import json
from typing import Any, Iterable, List, Mapping, Optional

from . import _native as c
from ._types import Messages, Object


class Request:
    """A weir_request, made from the members of its body. None leaves a member out; extra_body is sent as it is."""

    def __init__(
        self,
        path: str,
        members: Mapping[str, Any],
        *,
        extra_headers: Optional[Mapping[str, str]] = None,
        extra_body: Optional[Mapping[str, Any]] = None,
        timeout: Optional[float] = None,
    ) -> None:
        body = {name: value for name, value in members.items() if value is not None}
        body.update(extra_body or {})
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain).encode()
        fields = [(c.encode(k, "a header's name"), c.encode(v, f"header {k!r}")) for k, v in (extra_headers or {}).items()]
        milliseconds = _milliseconds(timeout)
        self.pointer: int = c.request_new()
        c.request_set_path(self.pointer, path.encode())
        c.request_set_body(self.pointer, text, len(text))
        for name, value in fields:
            c.request_set_header(self.pointer, name, value)
        c.request_set_timeout_ms(self.pointer, milliseconds)

    def __del__(self) -> None:
        if hasattr(self, "pointer"):
            c.request_free(self.pointer)


def conversation(messages: Messages) -> List[Any]:
    """Messages as a list; a str is one message of the user."""
    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    if isinstance(messages, Mapping):
        raise TypeError("messages is one message; give a list of messages")
    return list(messages)


def _plain(value: Any) -> Any:
    if isinstance(value, Object):
        return value._json  # an answer's message goes into the next request as it came
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def _milliseconds(timeout: Optional[float]) -> int:
    """0: no deadline of its own."""
    if timeout is None:
        return 0
    if not 0 < timeout < 1e12:
        raise ValueError(f"timeout is {timeout!r}; it is a number of seconds above 0, or None")
    return max(1, round(timeout * 1000))
