"""Files that are sent: what may be given for one, and the form (multipart/form-data, RFC 7578) that it goes in."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import IO, Any, Dict, Iterator, Mapping, Optional, Tuple, Union

from ._native import encode_any

FileContent = Union[bytes, IO[bytes], "os.PathLike[str]"]
FileTypes = Union[
    FileContent,
    Tuple[Optional[str], FileContent],
    Tuple[Optional[str], FileContent, Optional[str]],
]
"""Bytes, a file that is open for reading bytes, a path; or (name, one of these), or (name, one of these, content type)."""


class Upload:
    """A file, read."""

    def __init__(self, given: FileTypes, what: str) -> None:
        name, content, kind = (*given, None, None, None)[:3] if isinstance(given, tuple) else (None, given, None)
        if not isinstance(name, (str, type(None))):
            raise TypeError(f"the name of {what} is a str or None, not {type(name).__name__}")
        if isinstance(content, os.PathLike):
            name, self.content = name or Path(content).name, Path(content).read_bytes()
        elif isinstance(content, (bytes, bytearray)):
            self.content = bytes(content)
        elif hasattr(content, "read"):
            read = content.read()
            if not isinstance(read, bytes):
                raise TypeError(f"{what} is a file that gives text; open it in binary mode, 'rb'")
            name, self.content = name or _name_of(content), read
        else:
            raise TypeError(f"{what} is bytes, an open file, a path, or a tuple (name, one of these, content type); not {type(content).__name__}")
        self.name = name or "upload"
        self.kind = kind or mimetypes.guess_type(self.name)[0] or "application/octet-stream"


def _name_of(file: Any) -> Optional[str]:
    name = getattr(file, "name", None)
    return Path(name).name if isinstance(name, str) else None


def fields(name: str, value: Any) -> Iterator[Tuple[str, Union[str, Upload]]]:
    """A member as the fields of a form, or of a query, that the API takes it in: lists as name[], objects as name[member]."""
    if isinstance(value, Upload):
        yield name, value
    elif isinstance(value, Mapping):
        for inner, one in value.items():
            yield from fields(f"{name}[{inner}]", one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from fields(f"{name}[]", one)
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif value is not None:
        yield name, str(value)


def _quoted(text: str) -> str:
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def form(members: Dict[str, Any]) -> Tuple[str, bytes]:
    """The content type and the bytes of a form."""
    boundary = os.urandom(16).hex()  # 128 bits: in no file by chance
    parts = []
    for name, value in (pair for member, given in members.items() for pair in fields(member, given)):
        head = f'--{boundary}\r\ncontent-disposition: form-data; name="{_quoted(name)}"'
        if isinstance(value, Upload):
            head += f'; filename="{_quoted(value.name)}"\r\ncontent-type: {_quoted(value.kind)}'
        content = value.content if isinstance(value, Upload) else encode_any(value)
        parts += [encode_any(head), b"\r\n\r\n", content, b"\r\n"]
    return f"multipart/form-data; boundary={boundary}", b"".join([*parts, f"--{boundary}--\r\n".encode()])
