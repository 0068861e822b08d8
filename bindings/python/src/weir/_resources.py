"""What is asked through the client that waits: client.chat.completions, client.responses … _async_resources has the same, awaited."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Mapping, Optional, Sequence, Union, overload

from . import _asks as asks
from ._asks import EmbeddingInput
from ._files import FileTypes
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
    ResponseStreamEvent,
)
from ._raw import raw
from ._stream import Stream
from ._types import ChatCompletion, ChatCompletionChunk, CreateEmbeddingResponse, Messages

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._client import Weir
    from ._param_types import (
        CallParams,
        CompletionParams,
        ImageEditParams,
        ImageParams,
        ImageVariationParams,
        ResponseParams,
        SpeechParams,
        TranscriptionParams,
        TranslationParams,
    )
    from ._types import ChatParams, EmbeddingParams, ParseParams


class Resource:
    def __init__(self, client: Weir) -> None:
        self._client = client


class Chat(Resource):
    @property
    def completions(self) -> Completions:
        return Completions(self._client)


class Completions(Resource):
    """Chat completions."""

    @overload
    def create(
        self, *, messages: Messages, model: Optional[str] = ..., stream: Optional[Literal[False]] = ..., **params: Unpack[ChatParams]
    ) -> ChatCompletion: ...

    @overload
    def create(
        self, *, messages: Messages, model: Optional[str] = ..., stream: Literal[True], **params: Unpack[ChatParams]
    ) -> Stream[ChatCompletionChunk]: ...

    @overload
    def create(
        self, *, messages: Messages, model: Optional[str] = ..., stream: Optional[bool], **params: Unpack[ChatParams]
    ) -> Union[ChatCompletion, Stream[ChatCompletionChunk]]: ...

    def create(
        self, *, messages: Messages, model: Optional[str] = None, stream: Optional[bool] = False, **params: Any
    ) -> Union[ChatCompletion, Stream[ChatCompletionChunk]]:
        """A chat completion, or with stream=True an iterator of its chunks.

        timeout: seconds, for this call; extra_headers, extra_query and extra_body: further header fields, parameters of the URL
        and members of the body. Raises the exceptions of weir._errors, which are named as the OpenAI SDK's.
        """
        ask = asks.chat(self._client, messages, model, params)
        if stream:
            return self._client._stream(ChatCompletionChunk, ask.request)
        return self._client._do(ask)

    def parse(
        self, *, messages: Messages, model: Optional[str] = None, response_format: Any = None, **params: Unpack[ParseParams]
    ) -> ParsedChatCompletion:
        """A chat completion whose text is read into response_format, a pydantic model or whatever its TypeAdapter takes, and
        whose calls of tools that pydantic_function_tool() made are read into their models. Needs pydantic."""
        return self._client._do(asks.parsed_chat(self._client, messages, model, response_format, params))

    @property
    def with_raw_response(self) -> CompletionsWithRawResponse:
        return CompletionsWithRawResponse(Completions(self._client._raw()))


class CompletionsWithRawResponse:
    def __init__(self, completions: Completions) -> None:
        self.create = raw(completions.create)
        self.parse = raw(completions.parse)


class TextCompletions(Resource):
    """Completions of a prompt, the older endpoint."""

    @overload
    def create(
        self, *, prompt: Any, model: Optional[str] = ..., stream: Optional[Literal[False]] = ..., **params: Unpack[CompletionParams]
    ) -> Completion: ...

    @overload
    def create(
        self, *, prompt: Any, model: Optional[str] = ..., stream: Literal[True], **params: Unpack[CompletionParams]
    ) -> Stream[Completion]: ...

    def create(
        self, *, prompt: Any, model: Optional[str] = None, stream: Optional[bool] = False, **params: Any
    ) -> Union[Completion, Stream[Completion]]:
        """The text that follows a prompt, or with stream=True an iterator of its pieces."""
        ask = asks.completion(self._client, prompt, model, params)
        if stream:
            return self._client._stream(Completion, ask.request)
        return self._client._do(ask)

    @property
    def with_raw_response(self) -> TextCompletionsWithRawResponse:
        return TextCompletionsWithRawResponse(TextCompletions(self._client._raw()))


class TextCompletionsWithRawResponse:
    def __init__(self, completions: TextCompletions) -> None:
        self.create = raw(completions.create)


class Embeddings(Resource):
    def create(
        self, *, input: EmbeddingInput, model: Optional[str] = None, **params: Unpack[EmbeddingParams]
    ) -> CreateEmbeddingResponse:
        """Vectors of one or more texts, as lists of numbers."""
        return self._client._do(asks.embeddings(self._client, input, model, params))

    @property
    def with_raw_response(self) -> EmbeddingsWithRawResponse:
        return EmbeddingsWithRawResponse(Embeddings(self._client._raw()))


class EmbeddingsWithRawResponse:
    def __init__(self, embeddings: Embeddings) -> None:
        self.create = raw(embeddings.create)


class Moderations(Resource):
    def create(
        self, *, input: Union[str, Sequence[Any]], model: Optional[str] = None, **params: Unpack[CallParams]
    ) -> ModerationCreateResponse:
        """Whether texts or pictures are harmful, by kind of harm."""
        return self._client._do(asks.moderation(self._client, input, model, params))

    @property
    def with_raw_response(self) -> ModerationsWithRawResponse:
        return ModerationsWithRawResponse(Moderations(self._client._raw()))


class ModerationsWithRawResponse:
    def __init__(self, moderations: Moderations) -> None:
        self.create = raw(moderations.create)


class Responses(Resource):
    @overload
    def create(
        self, *, input: Any = ..., model: Optional[str] = ..., stream: Optional[Literal[False]] = ..., **params: Unpack[ResponseParams]
    ) -> Response: ...

    @overload
    def create(
        self, *, input: Any = ..., model: Optional[str] = ..., stream: Literal[True], **params: Unpack[ResponseParams]
    ) -> Stream[ResponseStreamEvent]: ...

    def create(
        self, *, input: Any = None, model: Optional[str] = None, stream: Optional[bool] = False, **params: Any
    ) -> Union[Response, Stream[ResponseStreamEvent]]:
        """A response, or with stream=True an iterator of its events."""
        ask = asks.response(self._client, input, model, params)
        if stream:
            return self._client._stream(ResponseStreamEvent, ask.request)
        return self._client._do(ask)

    def parse(
        self, *, text_format: Any, input: Any = None, model: Optional[str] = None, **params: Unpack[ResponseParams]
    ) -> ParsedResponse:
        """A response whose text is read into text_format, a pydantic model, as `output_parsed`. Needs pydantic."""
        return self._client._do(asks.parsed_response(self._client, input, model, text_format, params))

    def retrieve(self, response_id: str, **params: Unpack[CallParams]) -> Response:
        """One that the provider keeps."""
        return self._client._do(asks.kept_response(self._client, "GET", response_id, "", params))

    def cancel(self, response_id: str, **params: Unpack[CallParams]) -> Response:
        """Ends one that is made in the background."""
        return self._client._do(asks.kept_response(self._client, "POST", response_id, "/cancel", params))

    def delete(self, response_id: str, **params: Unpack[CallParams]) -> Deleted:
        return self._client._do(asks.delete_response(self._client, response_id, params))

    @property
    def with_raw_response(self) -> ResponsesWithRawResponse:
        return ResponsesWithRawResponse(Responses(self._client._raw()))


class ResponsesWithRawResponse:
    def __init__(self, responses: Responses) -> None:
        self.create = raw(responses.create)
        self.parse = raw(responses.parse)
        self.retrieve = raw(responses.retrieve)
        self.cancel = raw(responses.cancel)
        self.delete = raw(responses.delete)


class Images(Resource):
    def generate(self, *, prompt: str, model: Optional[str] = None, **params: Unpack[ImageParams]) -> ImagesResponse:
        """Pictures of what a prompt says."""
        return self._client._do(asks.image(self._client, prompt, model, params))

    def edit(
        self,
        *,
        image: Union[FileTypes, Sequence[FileTypes]],
        prompt: str,
        mask: Optional[FileTypes] = None,
        model: Optional[str] = None,
        **params: Unpack[ImageEditParams],
    ) -> ImagesResponse:
        """A picture changed, or made of several, which are a list."""
        return self._client._do(asks.image_edit(self._client, image, prompt, mask, model, params))

    def create_variation(
        self, *, image: FileTypes, model: Optional[str] = None, **params: Unpack[ImageVariationParams]
    ) -> ImagesResponse:
        return self._client._do(asks.image_variation(self._client, image, model, params))

    @property
    def with_raw_response(self) -> ImagesWithRawResponse:
        return ImagesWithRawResponse(Images(self._client._raw()))


class ImagesWithRawResponse:
    def __init__(self, images: Images) -> None:
        self.generate = raw(images.generate)
        self.edit = raw(images.edit)
        self.create_variation = raw(images.create_variation)


class Audio(Resource):
    @property
    def speech(self) -> Speech:
        return Speech(self._client)

    @property
    def transcriptions(self) -> Transcriptions:
        return Transcriptions(self._client)

    @property
    def translations(self) -> Translations:
        return Translations(self._client)


class Speech(Resource):
    def create(self, *, input: str, model: str, voice: Any, **params: Unpack[SpeechParams]) -> BinaryContent:
        """A text, spoken."""
        return self._client._do(asks.speech(self._client, input, model, voice, params))

    @property
    def with_raw_response(self) -> SpeechWithRawResponse:
        return SpeechWithRawResponse(Speech(self._client._raw()))


class SpeechWithRawResponse:
    def __init__(self, speech: Speech) -> None:
        self.create = raw(speech.create)


class Transcriptions(Resource):
    def create(self, *, file: FileTypes, model: str, **params: Unpack[TranscriptionParams]) -> Any:
        """What is said in a recording: a Transcription, or a str where response_format is text, srt or vtt."""
        return self._client._do(asks.heard(self._client, "/audio/transcriptions", file, model, params))

    @property
    def with_raw_response(self) -> TranscriptionsWithRawResponse:
        return TranscriptionsWithRawResponse(Transcriptions(self._client._raw()))


class TranscriptionsWithRawResponse:
    def __init__(self, transcriptions: Transcriptions) -> None:
        self.create = raw(transcriptions.create)


class Translations(Resource):
    def create(self, *, file: FileTypes, model: str, **params: Unpack[TranslationParams]) -> Any:
        """The same, in English."""
        return self._client._do(asks.heard(self._client, "/audio/translations", file, model, params))

    @property
    def with_raw_response(self) -> TranslationsWithRawResponse:
        return TranslationsWithRawResponse(Translations(self._client._raw()))


class TranslationsWithRawResponse:
    def __init__(self, translations: Translations) -> None:
        self.create = raw(translations.create)


class Files(Resource):
    def create(
        self, *, file: FileTypes, purpose: str, expires_after: Optional[Mapping[str, Any]] = None, **params: Unpack[CallParams]
    ) -> FileObject:
        """Sends a file, which the provider keeps."""
        return self._client._do(asks.file_create(self._client, file, purpose, expires_after, params))

    def list(
        self,
        *,
        after: Optional[str] = None,
        limit: Optional[int] = None,
        order: Optional[str] = None,
        purpose: Optional[str] = None,
        **params: Unpack[CallParams],
    ) -> FilePage:
        """One page of the files that the provider keeps."""
        query = {"after": after, "limit": limit, "order": order, "purpose": purpose}
        return self._client._do(asks.file_list(self._client, query, params))

    def retrieve(self, file_id: str, **params: Unpack[CallParams]) -> FileObject:
        """What is known of a file."""
        return self._client._do(asks.file(self._client, file_id, params))

    def delete(self, file_id: str, **params: Unpack[CallParams]) -> Deleted:
        return self._client._do(asks.file_delete(self._client, file_id, params))

    def content(self, file_id: str, **params: Unpack[CallParams]) -> BinaryContent:
        """A file's bytes, in memory as a whole (limits.answer of the configuration bounds them)."""
        return self._client._do(asks.file_content(self._client, file_id, params))

    @property
    def with_raw_response(self) -> FilesWithRawResponse:
        return FilesWithRawResponse(Files(self._client._raw()))


class FilesWithRawResponse:
    def __init__(self, files: Files) -> None:
        self.create = raw(files.create)
        self.list = raw(files.list)
        self.retrieve = raw(files.retrieve)
        self.delete = raw(files.delete)
        self.content = raw(files.content)


class Models(Resource):
    def list(self, **params: Unpack[CallParams]) -> ModelPage:
        """The provider's models."""
        return self._client._do(asks.models(self._client, params))

    def retrieve(self, model: str, **params: Unpack[CallParams]) -> Model:
        return self._client._do(asks.model(self._client, model, params))

    @property
    def with_raw_response(self) -> ModelsWithRawResponse:
        return ModelsWithRawResponse(Models(self._client._raw()))


class ModelsWithRawResponse:
    def __init__(self, models: Models) -> None:
        self.list = raw(models.list)
        self.retrieve = raw(models.retrieve)
