"""JSON of others: it is valid, and may be more than Python reads. An integer of more digits than sys.get_int_max_str_digits() is, and so is
what is nested deeper than its stack."""

from __future__ import annotations

import json
from typing import Any, Callable, Dict, TypeVar, Union

Made = TypeVar("Made")
Text = Union[str, bytes]


def read(text: Text) -> Any:
    """Raises ValueError, whatever is wrong with it."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_object(text: Text, kind: Callable[[Dict[str, Any]], Made]) -> Made:
    """An object, as what is made of its members; raises ValueError, also where it is none."""
    members = read(text)
    if not isinstance(members, dict):
        raise ValueError("it is no JSON object")
    try:
        return kind(members)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_all(text: Text) -> Any:
    """An integer that Python does not read is its digits."""

    def whole(digits: str) -> Union[int, str]:
        try:
            return int(digits)
        except ValueError:
            return digits

    return json.loads(text, parse_int=whole)
