"""Calls, whose events come back from C.

A call is kept in `_running` from its start until C has said that it has ended: C knows it by its number there, so
no Python object's address is ever in C's hands. Of a call's callbacks nothing escapes into C.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Callable, Dict, Optional, Type, Union

from . import _native as c
from ._errors import APIError, APIResponseValidationError, error_from
from ._handle import Handle
from ._json import read_object
from ._request import Request
from ._types import AnyObject, Result, take_result

if TYPE_CHECKING:
    from ctypes import _Pointer


_numbers = itertools.count(1)
_running: Dict[int, Call] = {}


class Call:
    """One call of a client. A client's kind of waiting is in its subclass: `arrived` and `ended` come from C."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._call: Optional[int] = None
        self.told: Optional[Callable[[_Pointer[c.CResult]], None]] = None  # what it came to, before anybody has taken it

    def start(self, request: Request, *, stream: bool) -> None:
        number = next(_numbers)
        with self._handle.use():
            client = self._handle.pointer
            _running[number] = self
            try:
                self._call = c.start(client, request.pointer, _on_event if stream else _NO_EVENTS, _on_done, number)
            except BaseException:  # Ctrl-C in this very moment: whatever comes of it finds nobody
                _running.pop(number, None)
                raise

    def cancel(self) -> None:
        """It then ends with a result that says so, unless it just had."""
        if self._call is not None and self._handle.owned:
            c.call_cancel(self._call)

    def arrived(self, event: bytes) -> bool:
        """Of a stream: one event, as JSON. False stops the stream."""
        raise NotImplementedError

    def ended(self, result: Result) -> None:
        """Once, after the last event."""
        raise NotImplementedError

    def failed(self, error: BaseException) -> None:
        """An exception inside a callback, a KeyboardInterrupt say."""
        raise NotImplementedError

    def free(self) -> None:
        call, self._call = self._call, None
        if call is not None and self._handle.owned:
            c.call_free(call)

    def __del__(self) -> None:
        self.free()


def _event(number: int, event: _Pointer[c.CEvent]) -> int:
    call = _running.get(number)
    try:
        e = event.contents
        return 0 if call and call.arrived(c.bytes_at(e.json, e.json_len) or b"") else 1
    except BaseException as error:
        if call:
            call.failed(error)
        return 1


def _done(number: int, pointer: _Pointer[c.CResult]) -> None:
    call = _running.pop(number, None)
    try:
        if call and call.told:
            call.told(pointer)
        result = take_result(pointer)
        if call:
            call.ended(result)
    except BaseException as error:
        if call:
            call.failed(error)


_on_event, _on_done, _NO_EVENTS = c.EVENT_FN(_event), c.DONE_FN(_done), c.EVENT_FN()


# ---- what came of a call ----

Item = Union[bytes, Result, BaseException]
"""What a call hands over: an event's JSON, how it ended, or an exception of a callback."""


def answer_from(kind: Type[AnyObject], result: Result) -> AnyObject:
    """The answer, or its exception raised."""
    if not result.ok:
        raise error_from(result)
    try:
        answer = read_object(result.body or b"", kind)
    except ValueError:
        raise APIResponseValidationError(result) from None
    answer.weir = result
    return answer


def outcome_from(kind: Type[AnyObject], result: Result) -> Union[AnyObject, APIError]:
    """The answer, or its exception returned."""
    try:
        return answer_from(kind, result)
    except APIError as error:
        return error
