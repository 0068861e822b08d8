"""The answers of the endpoints besides chat: JSON objects with attributes (see _types), and bytes."""

from __future__ import annotations

import os
from typing import Any, Dict, Generic, Iterator, List, Optional, Union

from ._json import read
from ._types import AnyObject, Choice, CompletionUsage, Object, Result


class CompletionChoice(Object):
    index: int
    text: str
    finish_reason: Optional[str] = None
    logprobs: Optional[Object] = None


class Completion(Object):
    """A completion of a prompt (the older endpoint), or a piece of one."""

    id: str
    object: str
    created: int
    model: str
    choices: List[CompletionChoice]
    usage: Optional[CompletionUsage] = None
    _children = {"choices": CompletionChoice, "usage": CompletionUsage}


class ResponseUsage(Object):
    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: Optional[Object] = None
    output_tokens_details: Optional[Object] = None


class Response(Object):
    """A response of /responses."""

    id: str
    object: str
    created_at: float
    model: str
    status: Optional[str] = None
    output: List[Object]
    error: Optional[Object] = None
    incomplete_details: Optional[Object] = None
    usage: Optional[ResponseUsage] = None
    _children = {"usage": ResponseUsage}

    @property
    def output_text(self) -> str:
        """All texts of its messages, joined."""
        texts = (
            part.get("text", "")
            for item in self._json.get("output") or []
            if item.get("type") == "message"
            for part in item.get("content") or []
            if part.get("type") == "output_text"
        )
        return "".join(texts)


class ResponseStreamEvent(Object):
    """An event of a streamed response; `type` says what else it has."""

    type: str
    sequence_number: Optional[int] = None
    response: Response
    _children = {"response": Response}


class Categories(Object):
    """By kind of harm: "harassment/threatening" is harassment_threatening, "self-harm" self_harm."""

    def __init__(self, members: Dict[str, Any]) -> None:
        super().__init__(members)
        for name, value in members.items():
            setattr(self, name.replace("/", "_").replace("-", "_"), value)


class Moderation(Object):
    flagged: bool
    categories: Categories
    category_scores: Categories
    category_applied_input_types: Optional[Categories] = None
    _children = {"categories": Categories, "category_scores": Categories, "category_applied_input_types": Categories}


class ModerationCreateResponse(Object):
    id: str
    model: str
    results: List[Moderation]
    _children = {"results": Moderation}


class Image(Object):
    b64_json: Optional[str] = None
    url: Optional[str] = None
    revised_prompt: Optional[str] = None


class ImagesResponse(Object):
    created: int
    data: Optional[List[Image]] = None
    usage: Optional[Object] = None
    _children = {"data": Image}


class Transcription(Object):
    """Also what a translation is."""

    text: str
    language: Optional[str] = None
    duration: Optional[float] = None
    segments: Optional[List[Object]] = None
    words: Optional[List[Object]] = None
    usage: Optional[Object] = None


class FileObject(Object):
    id: str
    object: str
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: Optional[str] = None
    expires_at: Optional[int] = None


class Deleted(Object):
    id: str
    object: str
    deleted: bool


class Model(Object):
    id: str
    object: str
    created: Optional[int] = None
    owned_by: Optional[str] = None


class Page(Object, Generic[AnyObject]):
    """One page of a list; iterating it gives what stands on it. The next one is asked for with after=page.data[-1].id."""

    data: List[AnyObject]
    object: str
    has_more: Optional[bool] = None

    def __iter__(self) -> Iterator[AnyObject]:
        return iter(self.data)


class FilePage(Page[FileObject]):
    _children = {"data": FileObject}


class ModelPage(Page[Model]):
    _children = {"data": Model}


class BinaryContent:
    """An answer of bytes: sound, a file's content."""

    def __init__(self, result: Result) -> None:
        self.content: bytes = result.body or b""
        self.weir = result

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        return read(self.content)

    def read(self) -> bytes:
        return self.content

    async def aread(self) -> bytes:
        return self.content

    def iter_bytes(self, chunk_size: Optional[int] = None) -> Iterator[bytes]:
        size = chunk_size or 65536
        for at in range(0, len(self.content), size):
            yield self.content[at : at + size]

    def write_to_file(self, file: Union[str, "os.PathLike[str]"]) -> None:
        with open(file, "wb") as out:
            out.write(self.content)

    stream_to_file = write_to_file


# ---- answers that were parsed into a program's own types ----


class ParsedMessage(Object):
    """A message whose text, or calls for tools, were read into a program's own types."""

    role: str
    content: Optional[str] = None
    refusal: Optional[str] = None
    parsed: Any = None
    tool_calls: Optional[List[Any]] = None


class ParsedChoice(Choice):
    message: ParsedMessage  # type: ignore[assignment]
    _children = {"message": ParsedMessage}


class ParsedChatCompletion(Object):
    id: str
    object: str
    created: int
    model: str
    choices: List[ParsedChoice]
    usage: Optional[CompletionUsage] = None
    service_tier: Optional[str] = None
    system_fingerprint: Optional[str] = None
    _children = {"choices": ParsedChoice, "usage": CompletionUsage}


class ParsedResponse(Response):
    output_parsed: Any = None
