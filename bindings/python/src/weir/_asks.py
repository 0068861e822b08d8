"""What each call of a resource asks, and how its answer is read: the same for the client that waits and the one that is awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Generic, Iterable, Mapping, Optional, Sequence, Type, TypeVar, Union

from ._call import answer_from
from ._errors import error_from
from ._files import FileTypes, Upload
from ._kinds import (
    BinaryContent,
    Completion,
    Deleted,
    FileObject,
    FilePage,
    ImagesResponse,
    Model,
    ModelPage,
    ModerationCreateResponse,
    ParsedChatCompletion,
    ParsedResponse,
    Response,
    Transcription,
)
from ._param_types import ImageEditParams, ImageParams, ImageVariationParams, SpeechParams, TranscriptionParams, TranslationParams
from ._request import Request, given, segment
from ._schema import read_completion, read_response, response_format, text_format
from ._types import AnyObject, ChatCompletion, CreateEmbeddingResponse, Messages, Result

if TYPE_CHECKING:
    from ._handle import ClientBase

T = TypeVar("T")
Params = Mapping[str, Any]
EmbeddingInput = Union[str, Sequence[str], Sequence[int], Sequence[Sequence[int]]]


class Ask(Generic[T]):
    """A request, and how its result becomes the answer or an exception."""

    def __init__(self, request: Request, read: Callable[[Result], T]) -> None:
        self.request, self.read = request, read


def _object(kind: Type[AnyObject]) -> Callable[[Result], AnyObject]:
    return lambda result: answer_from(kind, result)


def _bytes(result: Result) -> BinaryContent:
    if not result.ok:
        raise error_from(result)
    return BinaryContent(result)


# ---- text ----


def chat(client: ClientBase, messages: Messages, model: Optional[str], params: Params) -> Ask[ChatCompletion]:
    return Ask(client._chat_request(messages, model, params), _object(ChatCompletion))


def parsed_chat(client: ClientBase, messages: Messages, model: Optional[str], kind: Any, params: Params) -> Ask[ParsedChatCompletion]:
    params = {**params, "response_format": response_format(kind)}
    tools = params.get("tools")
    return Ask(
        client._chat_request(messages, model, params),
        lambda result: read_completion(answer_from(ParsedChatCompletion, result), kind, tools),
    )


def completion(client: ClientBase, prompt: Any, model: Optional[str], params: Params) -> Ask[Completion]:
    return Ask(client._request("/completions", {"model": model, "prompt": prompt}, **params), _object(Completion))


def embeddings(client: ClientBase, input: EmbeddingInput, model: Optional[str], params: Params) -> Ask[CreateEmbeddingResponse]:
    return Ask(client._request("/embeddings", {"model": model, "input": input}, **params), _object(CreateEmbeddingResponse))


def moderation(client: ClientBase, input: Any, model: Optional[str], params: Params) -> Ask[ModerationCreateResponse]:
    return Ask(client._request("/moderations", {"model": model, "input": input}, **params), _object(ModerationCreateResponse))


def response(client: ClientBase, input: Any, model: Optional[str], params: Params) -> Ask[Response]:
    return Ask(client._request("/responses", {"model": model, "input": input}, **params), _object(Response))


def parsed_response(client: ClientBase, input: Any, model: Optional[str], kind: Any, params: Params) -> Ask[ParsedResponse]:
    params = {**params, "text": text_format(kind, params.get("text"))}
    request = client._request("/responses", {"model": model, "input": input}, **params)
    return Ask(request, lambda result: read_response(answer_from(ParsedResponse, result), kind))


def kept_response(client: ClientBase, method: str, id: str, more: str, params: Params) -> Ask[Response]:
    path = f"/responses/{segment(id, 'response_id')}{more}"
    return Ask(client._request(path, {}, known=(), method=method, **params), _object(Response))


def delete_response(client: ClientBase, id: str, params: Params) -> Ask[Deleted]:
    return Ask(client._request(f"/responses/{segment(id, 'response_id')}", {}, known=(), method="DELETE", **params), _object(Deleted))


# ---- pictures ----


def image(client: ClientBase, prompt: str, model: Optional[str], params: Params) -> Ask[ImagesResponse]:
    members = {"prompt": prompt, "model": model}
    return Ask(client._request("/images/generations", members, known=ImageParams.__annotations__, **params), _object(ImagesResponse))


def _uploads(files: Any, what: str) -> Any:
    return [Upload(one, what) for one in files] if isinstance(files, list) else Upload(files, what)


def image_edit(
    client: ClientBase, image: Any, prompt: str, mask: Any, model: Optional[str], params: Params
) -> Ask[ImagesResponse]:
    members = {"image": _uploads(image, "image"), "prompt": prompt, "mask": mask and Upload(mask, "mask"), "model": model}
    return Ask(client._request("/images/edits", members, known=ImageEditParams.__annotations__, **params), _object(ImagesResponse))


def image_variation(client: ClientBase, image: FileTypes, model: Optional[str], params: Params) -> Ask[ImagesResponse]:
    members = {"image": Upload(image, "image"), "model": model}
    return Ask(client._request("/images/variations", members, known=ImageVariationParams.__annotations__, **params), _object(ImagesResponse))


# ---- sound ----


def speech(client: ClientBase, input: str, model: str, voice: Any, params: Params) -> Ask[BinaryContent]:
    members = {"input": input, "model": model, "voice": voice}
    return Ask(client._request("/audio/speech", members, known=SpeechParams.__annotations__, **params), _bytes)


def _heard(result: Result) -> Any:
    """JSON formats are an object, the others (text, srt, vtt) a str, as in the OpenAI SDK."""
    kind = (result.headers or {}).get("content-type", "")
    if result.ok and "json" not in kind:
        return (result.body or b"").decode("utf-8", "replace")
    return answer_from(Transcription, result)


def heard(client: ClientBase, path: str, file: FileTypes, model: str, params: Params) -> Ask[Any]:
    known = (TranscriptionParams if path == "/audio/transcriptions" else TranslationParams).__annotations__
    return Ask(client._request(path, {"file": Upload(file, "file"), "model": model}, known=known, **params), _heard)


# ---- files, models ----


def file_create(client: ClientBase, file: FileTypes, purpose: str, expires_after: Any, params: Params) -> Ask[FileObject]:
    members = {"file": Upload(file, "file"), "purpose": purpose, "expires_after": expires_after}
    return Ask(client._request("/files", members, known=(), **params), _object(FileObject))


def file_list(client: ClientBase, query: Mapping[str, Any], params: Params) -> Ask[FilePage]:
    params = {**params, "extra_query": {**given(query), **(params.get("extra_query") or {})}}
    return Ask(client._request("/files", {}, known=(), method="GET", **params), _object(FilePage))


def file(client: ClientBase, id: str, params: Params) -> Ask[FileObject]:
    return Ask(client._request(f"/files/{segment(id, 'file_id')}", {}, known=(), method="GET", **params), _object(FileObject))


def file_delete(client: ClientBase, id: str, params: Params) -> Ask[Deleted]:
    return Ask(client._request(f"/files/{segment(id, 'file_id')}", {}, known=(), method="DELETE", **params), _object(Deleted))


def file_content(client: ClientBase, id: str, params: Params) -> Ask[BinaryContent]:
    return Ask(client._request(f"/files/{segment(id, 'file_id')}/content", {}, known=(), method="GET", **params), _bytes)


def models(client: ClientBase, params: Params) -> Ask[ModelPage]:
    return Ask(client._request("/models", {}, known=(), method="GET", **params), _object(ModelPage))


def model(client: ClientBase, id: str, params: Params) -> Ask[Model]:
    parts = id.split("/") if isinstance(id, str) else [id]
    path = "/models/" + "/".join(segment(part, "model") for part in parts)
    return Ask(client._request(path, {}, known=(), method="GET", **params), _object(Model))


def batch_requests(
    client: ClientBase, requests: Iterable[Any], model: Optional[str], params: Params
) -> Iterable[Request]:
    if isinstance(requests, (str, Mapping)):  # which would be asked letter by letter, and name by name
        raise TypeError("requests is one request; give a list of them")
    if isinstance(requests, (bytes, bytearray)) or not isinstance(requests, Iterable):
        raise TypeError(f"requests is a list, or gives requests one by one; not {type(requests).__name__}")
    for request in requests:
        yield client._batch_request(request, model, params)
