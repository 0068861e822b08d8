"""What is asked through the client that is awaited: as _resources, whose words hold here."""

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
from ._raw import async_raw
from ._stream import AsyncStream
from ._types import ChatCompletion, ChatCompletionChunk, CreateEmbeddingResponse, Messages

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._async import AsyncWeir
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


class AsyncResource:
    def __init__(self, client: AsyncWeir) -> None:
        self._client = client


class AsyncChat(AsyncResource):
    @property
    def completions(self) -> AsyncCompletions:
        return AsyncCompletions(self._client)


class AsyncCompletions(AsyncResource):
    """AsyncChat completions."""

    @overload
    async def create(
        self, *, messages: Messages, model: Optional[str] = ..., stream: Optional[Literal[False]] = ..., **params: Unpack[ChatParams]
    ) -> ChatCompletion: ...

    @overload
    async def create(
        self, *, messages: Messages, model: Optional[str] = ..., stream: Literal[True], **params: Unpack[ChatParams]
    ) -> AsyncStream[ChatCompletionChunk]: ...

    @overload
    async def create(
        self, *, messages: Messages, model: Optional[str] = ..., stream: Optional[bool], **params: Unpack[ChatParams]
    ) -> Union[ChatCompletion, AsyncStream[ChatCompletionChunk]]: ...

    async def create(
        self, *, messages: Messages, model: Optional[str] = None, stream: Optional[bool] = False, **params: Any
    ) -> Union[ChatCompletion, AsyncStream[ChatCompletionChunk]]:
        """A chat completion, or with stream=True an iterator of its chunks.

        timeout: seconds, for this call; extra_headers, extra_query and extra_body: further header fields, parameters of the URL
        and members of the body. Raises the exceptions of weir._errors, which are named as the OpenAI SDK's.
        """
        ask = asks.chat(self._client, messages, model, params)
        if stream:
            return await self._client._stream(ChatCompletionChunk, ask.request)
        return await self._client._do(ask)

    async def parse(
        self, *, messages: Messages, model: Optional[str] = None, response_format: Any = None, **params: Unpack[ParseParams]
    ) -> ParsedChatCompletion:
        """A chat completion whose text is read into response_format, a pydantic model or whatever its TypeAdapter takes, and
        whose calls of tools that pydantic_function_tool() made are read into their models. Needs pydantic."""
        return await self._client._do(asks.parsed_chat(self._client, messages, model, response_format, params))

    @property
    def with_raw_response(self) -> AsyncCompletionsWithRawResponse:
        return AsyncCompletionsWithRawResponse(AsyncCompletions(self._client._raw()))


class AsyncCompletionsWithRawResponse:
    def __init__(self, completions: AsyncCompletions) -> None:
        self.create = async_raw(completions.create)
        self.parse = async_raw(completions.parse)


class AsyncTextCompletions(AsyncResource):
    """AsyncCompletions of a prompt, the older endpoint."""

    @overload
    async def create(
        self, *, prompt: Any, model: Optional[str] = ..., stream: Optional[Literal[False]] = ..., **params: Unpack[CompletionParams]
    ) -> Completion: ...

    @overload
    async def create(
        self, *, prompt: Any, model: Optional[str] = ..., stream: Literal[True], **params: Unpack[CompletionParams]
    ) -> AsyncStream[Completion]: ...

    async def create(
        self, *, prompt: Any, model: Optional[str] = None, stream: Optional[bool] = False, **params: Any
    ) -> Union[Completion, AsyncStream[Completion]]:
        """The text that follows a prompt, or with stream=True an iterator of its pieces."""
        ask = asks.completion(self._client, prompt, model, params)
        if stream:
            return await self._client._stream(Completion, ask.request)
        return await self._client._do(ask)

    @property
    def with_raw_response(self) -> AsyncTextCompletionsWithRawResponse:
        return AsyncTextCompletionsWithRawResponse(AsyncTextCompletions(self._client._raw()))


class AsyncTextCompletionsWithRawResponse:
    def __init__(self, completions: AsyncTextCompletions) -> None:
        self.create = async_raw(completions.create)


class AsyncEmbeddings(AsyncResource):
    async def create(
        self, *, input: EmbeddingInput, model: Optional[str] = None, **params: Unpack[EmbeddingParams]
    ) -> CreateEmbeddingResponse:
        """Vectors of one or more texts, as lists of numbers."""
        return await self._client._do(asks.embeddings(self._client, input, model, params))

    @property
    def with_raw_response(self) -> AsyncEmbeddingsWithRawResponse:
        return AsyncEmbeddingsWithRawResponse(AsyncEmbeddings(self._client._raw()))


class AsyncEmbeddingsWithRawResponse:
    def __init__(self, embeddings: AsyncEmbeddings) -> None:
        self.create = async_raw(embeddings.create)


class AsyncModerations(AsyncResource):
    async def create(
        self, *, input: Union[str, Sequence[Any]], model: Optional[str] = None, **params: Unpack[CallParams]
    ) -> ModerationCreateResponse:
        """Whether texts or pictures are harmful, by kind of harm."""
        return await self._client._do(asks.moderation(self._client, input, model, params))

    @property
    def with_raw_response(self) -> AsyncModerationsWithRawResponse:
        return AsyncModerationsWithRawResponse(AsyncModerations(self._client._raw()))


class AsyncModerationsWithRawResponse:
    def __init__(self, moderations: AsyncModerations) -> None:
        self.create = async_raw(moderations.create)


class AsyncResponses(AsyncResource):
    @overload
    async def create(
        self, *, input: Any = ..., model: Optional[str] = ..., stream: Optional[Literal[False]] = ..., **params: Unpack[ResponseParams]
    ) -> Response: ...

    @overload
    async def create(
        self, *, input: Any = ..., model: Optional[str] = ..., stream: Literal[True], **params: Unpack[ResponseParams]
    ) -> AsyncStream[ResponseStreamEvent]: ...

    async def create(
        self, *, input: Any = None, model: Optional[str] = None, stream: Optional[bool] = False, **params: Any
    ) -> Union[Response, AsyncStream[ResponseStreamEvent]]:
        """A response, or with stream=True an iterator of its events."""
        ask = asks.response(self._client, input, model, params)
        if stream:
            return await self._client._stream(ResponseStreamEvent, ask.request)
        return await self._client._do(ask)

    async def parse(
        self, *, text_format: Any, input: Any = None, model: Optional[str] = None, **params: Unpack[ResponseParams]
    ) -> ParsedResponse:
        """A response whose text is read into text_format, a pydantic model, as `output_parsed`. Needs pydantic."""
        return await self._client._do(asks.parsed_response(self._client, input, model, text_format, params))

    async def retrieve(self, response_id: str, **params: Unpack[CallParams]) -> Response:
        """One that the provider keeps."""
        return await self._client._do(asks.kept_response(self._client, "GET", response_id, "", params))

    async def cancel(self, response_id: str, **params: Unpack[CallParams]) -> Response:
        """Ends one that is made in the background."""
        return await self._client._do(asks.kept_response(self._client, "POST", response_id, "/cancel", params))

    async def delete(self, response_id: str, **params: Unpack[CallParams]) -> Deleted:
        return await self._client._do(asks.delete_response(self._client, response_id, params))

    @property
    def with_raw_response(self) -> AsyncResponsesWithRawResponse:
        return AsyncResponsesWithRawResponse(AsyncResponses(self._client._raw()))


class AsyncResponsesWithRawResponse:
    def __init__(self, responses: AsyncResponses) -> None:
        self.create = async_raw(responses.create)
        self.parse = async_raw(responses.parse)
        self.retrieve = async_raw(responses.retrieve)
        self.cancel = async_raw(responses.cancel)
        self.delete = async_raw(responses.delete)


class AsyncImages(AsyncResource):
    async def generate(self, *, prompt: str, model: Optional[str] = None, **params: Unpack[ImageParams]) -> ImagesResponse:
        """Pictures of what a prompt says."""
        return await self._client._do(asks.image(self._client, prompt, model, params))

    async def edit(
        self,
        *,
        image: Union[FileTypes, Sequence[FileTypes]],
        prompt: str,
        mask: Optional[FileTypes] = None,
        model: Optional[str] = None,
        **params: Unpack[ImageEditParams],
    ) -> ImagesResponse:
        """A picture changed, or made of several, which are a list."""
        return await self._client._do(asks.image_edit(self._client, image, prompt, mask, model, params))

    async def create_variation(
        self, *, image: FileTypes, model: Optional[str] = None, **params: Unpack[ImageVariationParams]
    ) -> ImagesResponse:
        return await self._client._do(asks.image_variation(self._client, image, model, params))

    @property
    def with_raw_response(self) -> AsyncImagesWithRawResponse:
        return AsyncImagesWithRawResponse(AsyncImages(self._client._raw()))


class AsyncImagesWithRawResponse:
    def __init__(self, images: AsyncImages) -> None:
        self.generate = async_raw(images.generate)
        self.edit = async_raw(images.edit)
        self.create_variation = async_raw(images.create_variation)


class AsyncAudio(AsyncResource):
    @property
    def speech(self) -> AsyncSpeech:
        return AsyncSpeech(self._client)

    @property
    def transcriptions(self) -> AsyncTranscriptions:
        return AsyncTranscriptions(self._client)

    @property
    def translations(self) -> AsyncTranslations:
        return AsyncTranslations(self._client)


class AsyncSpeech(AsyncResource):
    async def create(self, *, input: str, model: str, voice: Any, **params: Unpack[SpeechParams]) -> BinaryContent:
        """A text, spoken."""
        return await self._client._do(asks.speech(self._client, input, model, voice, params))

    @property
    def with_raw_response(self) -> AsyncSpeechWithRawResponse:
        return AsyncSpeechWithRawResponse(AsyncSpeech(self._client._raw()))


class AsyncSpeechWithRawResponse:
    def __init__(self, speech: AsyncSpeech) -> None:
        self.create = async_raw(speech.create)


class AsyncTranscriptions(AsyncResource):
    async def create(self, *, file: FileTypes, model: str, **params: Unpack[TranscriptionParams]) -> Any:
        """What is said in a recording: a Transcription, or a str where response_format is text, srt or vtt."""
        return await self._client._do(asks.heard(self._client, "/audio/transcriptions", file, model, params))

    @property
    def with_raw_response(self) -> AsyncTranscriptionsWithRawResponse:
        return AsyncTranscriptionsWithRawResponse(AsyncTranscriptions(self._client._raw()))


class AsyncTranscriptionsWithRawResponse:
    def __init__(self, transcriptions: AsyncTranscriptions) -> None:
        self.create = async_raw(transcriptions.create)


class AsyncTranslations(AsyncResource):
    async def create(self, *, file: FileTypes, model: str, **params: Unpack[TranslationParams]) -> Any:
        """The same, in English."""
        return await self._client._do(asks.heard(self._client, "/audio/translations", file, model, params))

    @property
    def with_raw_response(self) -> AsyncTranslationsWithRawResponse:
        return AsyncTranslationsWithRawResponse(AsyncTranslations(self._client._raw()))


class AsyncTranslationsWithRawResponse:
    def __init__(self, translations: AsyncTranslations) -> None:
        self.create = async_raw(translations.create)


class AsyncFiles(AsyncResource):
    async def create(
        self, *, file: FileTypes, purpose: str, expires_after: Optional[Mapping[str, Any]] = None, **params: Unpack[CallParams]
    ) -> FileObject:
        """Sends a file, which the provider keeps."""
        return await self._client._do(asks.file_create(self._client, file, purpose, expires_after, params))

    async def list(
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
        return await self._client._do(asks.file_list(self._client, query, params))

    async def retrieve(self, file_id: str, **params: Unpack[CallParams]) -> FileObject:
        """What is known of a file."""
        return await self._client._do(asks.file(self._client, file_id, params))

    async def delete(self, file_id: str, **params: Unpack[CallParams]) -> Deleted:
        return await self._client._do(asks.file_delete(self._client, file_id, params))

    async def content(self, file_id: str, **params: Unpack[CallParams]) -> BinaryContent:
        """A file's bytes, in memory as a whole (limits.answer of the configuration bounds them)."""
        return await self._client._do(asks.file_content(self._client, file_id, params))

    @property
    def with_raw_response(self) -> AsyncFilesWithRawResponse:
        return AsyncFilesWithRawResponse(AsyncFiles(self._client._raw()))


class AsyncFilesWithRawResponse:
    def __init__(self, files: AsyncFiles) -> None:
        self.create = async_raw(files.create)
        self.list = async_raw(files.list)
        self.retrieve = async_raw(files.retrieve)
        self.delete = async_raw(files.delete)
        self.content = async_raw(files.content)


class AsyncModels(AsyncResource):
    async def list(self, **params: Unpack[CallParams]) -> ModelPage:
        """The provider's models."""
        return await self._client._do(asks.models(self._client, params))

    async def retrieve(self, model: str, **params: Unpack[CallParams]) -> Model:
        return await self._client._do(asks.model(self._client, model, params))

    @property
    def with_raw_response(self) -> AsyncModelsWithRawResponse:
        return AsyncModelsWithRawResponse(AsyncModels(self._client._raw()))


class AsyncModelsWithRawResponse:
    def __init__(self, models: AsyncModels) -> None:
        self.list = async_raw(models.list)
        self.retrieve = async_raw(models.retrieve)
