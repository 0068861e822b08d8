"""Requests: what is asked, as C takes it, and what may be asked at all."""

from __future__ import annotations

import difflib
import functools
import inspect
import json
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, TypeVar, cast
from urllib.parse import quote, urlencode

from . import _native as c
from ._files import Upload, fields, form
from ._params import PARAMS
from ._types import Messages, NotGiven, Object, Omit


class Request:
    """A weir_request, made from the members of its body. None leaves a member out; extra_body is sent as it is."""

    def __init__(
        self,
        path: str,
        members: Mapping[str, Any],
        *,
        extra_headers: Optional[Mapping[str, str]] = None,
        extra_query: Optional[Mapping[str, Any]] = None,
        extra_body: Optional[Mapping[str, Any]] = None,
        timeout: Optional[float] = None,
        method: str = "POST",
    ) -> None:
        """A path of PARAMS is an endpoint that weir knows, with a query or without; any other is asked as it is, by the method."""
        body = given(members)
        body.update(mapping(extra_body, "extra_body"))
        kind, content = _content(body, method)
        headers = header_fields(extra_headers, "extra_headers")
        query = urlencode([field for k, v in given(mapping(extra_query, "extra_query")).items() for field in fields(k, v)])
        deadline = milliseconds(timeout, "timeout")
        self.path = path
        target = (f"{path}?{query}" if query else path).encode()
        self.pointer: int = c.request_new()
        if path in PARAMS and method == "POST":
            c.request_set_path(self.pointer, target)
            c.request_set_body(self.pointer, content, len(content))
        else:
            c.request_set_call(self.pointer, method.encode(), target)
            if kind:
                c.request_set_content(self.pointer, kind.encode(), content, len(content))
        for name, value in headers:
            c.request_set_header(self.pointer, name, value)
        c.request_set_timeout_ms(self.pointer, deadline)

    def keep_headers(self) -> None:
        """Its answer's headers are wanted."""
        c.request_keep_headers(self.pointer, 1)

    def __del__(self) -> None:
        if hasattr(self, "pointer"):
            c.request_free(self.pointer)


# ---- keywords ----

CALL_PARAMS = ("extra_body", "extra_headers", "extra_query", "timeout")
"""Keywords of every call that are no members of its body."""


def check_params(path: str, params: Mapping[str, Any], known: Iterable[str]) -> None:
    """Refuses a keyword that no member of the path's requests is named as: a slip would else be a setting that does nothing."""
    known = tuple(known)
    for name in params:
        if name not in known and name not in CALL_PARAMS:
            raise unknown(name, path, [*known, *CALL_PARAMS], "; what else the provider takes goes into extra_body")


def unknown(name: str, of: str, known: Iterable[str], more: str = "") -> TypeError:
    """The refusal of a keyword, with the nearest one that there is."""
    near = difflib.get_close_matches(name, known, 1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return TypeError(f"{of} has no parameter {name!r}{meant or more}")


Init = TypeVar("Init", bound=Callable[..., None])


def refuses_unknown(init: Init) -> Init:
    """An __init__ whose refusal of an unknown keyword says the nearest one."""
    known = inspect.signature(init).parameters

    @functools.wraps(init)
    def checked(self: object, *positional: Any, **keywords: Any) -> None:
        for name in keywords:
            if name not in known:
                raise unknown(name, type(self).__name__, known)
        init(self, *positional, **keywords)

    return cast(Init, checked)


def given(members: Mapping[str, Any]) -> Dict[str, Any]:
    """Without those that were left out."""
    return {name: value for name, value in members.items() if value is not None and not isinstance(value, (NotGiven, Omit))}


def conversation(messages: Messages) -> List[Any]:
    """Messages as a list; a str is one message of the user."""
    if isinstance(messages, str):
        return [{"role": "user", "content": messages}]
    if isinstance(messages, Mapping):
        raise TypeError("messages is one message; give a list of messages")
    if isinstance(messages, (bytes, bytearray)) or not isinstance(messages, Iterable):
        raise TypeError(f"messages is a str or a list of messages, not {type(messages).__name__}")
    return list(messages)


# ---- bodies ----


def _content(body: Dict[str, Any], method: str) -> Tuple[str, bytes]:
    """The type and the bytes of a body: JSON, or a form where there is a file in it."""
    if any(isinstance(value, Upload) for value in _flat(body.values())):
        return form(body)
    if not body and method != "POST":
        return "", b""
    text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    # Half a surrogate pair, as a model's cut emoji is read, has no UTF-8; what Python replaces it by is JSON's escape.
    return "application/json", text.encode(errors="backslashreplace")


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list):
            yield from value
        else:
            yield value


# ---- values ----


def segment(value: str, what: str) -> str:
    """A part of a path: an id, which may not lead elsewhere."""
    if not isinstance(value, str) or not value or value in (".", "..") or any(char in "/\\" or not char.isprintable() for char in value):
        raise ValueError(f"{what} is {value!r}; it is an id, which is not empty and has no slash")
    return quote(value, safe="")


def mapping(value: Optional[Mapping[str, Any]], what: str) -> Mapping[str, Any]:
    if value is None or isinstance(value, (NotGiven, Omit)):
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{what} is a mapping from names to values, not {type(value).__name__}")
    return value


def header_fields(headers: Optional[Mapping[str, str]], what: str) -> List[Any]:
    """Header fields as C takes them; those that are none are refused here, under the name of the argument."""
    made = []
    for name, value in mapping(headers, what).items():
        if value is None or isinstance(value, (NotGiven, Omit)):
            continue
        field = c.encode(name, f"a header's name in {what}"), c.encode(value, f"{what}[{name!r}]")
        if not _is_token(name) or any(byte < 32 and byte != 9 or byte == 127 for byte in field[1]):
            raise ValueError(f"{what} has {name!r}: a header is a name of letters, digits and -, and a value without control characters")
        made.append(field)
    return made


def _is_token(name: str) -> bool:
    return name != "" and all(char.isascii() and (char.isalnum() or char in "!#$%&'*+-.^_`|~") for char in name)


def _plain(value: Any) -> Any:
    if isinstance(value, Object):
        return value._json  # an answer's message goes into the next request as it came
    if isinstance(value, Mapping):
        return dict(value)
    if callable(getattr(value, "model_dump", None)):  # of pydantic: a message of the OpenAI SDK's, which iterates over pairs
        return value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray)):
        return list(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def whole(value: int, what: str, least: int, most: int = 0x7FFFFFFF) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{what} is {value!r}; it is a whole number from {least} to {most}")
    return value


def milliseconds(seconds: Optional[float], what: str) -> int:
    """0: no deadline of its own."""
    if seconds is None or isinstance(seconds, (NotGiven, Omit)):
        return 0
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"{what} is a number of seconds, or None; not {type(seconds).__name__}")
    if not 0 < seconds < 1e12:
        raise ValueError(f"{what} is {seconds!r}; it is a number of seconds above 0, or None")
    return max(1, round(seconds * 1000))
