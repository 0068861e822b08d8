"""Keywords of calls besides chat completions and embeddings, for type checkers; where weir has no table of an endpoint
(_params), they are also what is allowed. All are OpenAI's."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Optional, Sequence, TypedDict, Union

Member = Optional[Mapping[str, Any]]


class CallParams(TypedDict, total=False):
    """Of every call, and no members of its body."""

    extra_headers: Optional[Mapping[str, str]]
    extra_query: Optional[Mapping[str, Any]]
    extra_body: Optional[Mapping[str, Any]]
    timeout: Optional[float]


class CompletionParams(CallParams, total=False):
    best_of: Optional[int]
    echo: Optional[bool]
    frequency_penalty: Optional[float]
    logit_bias: Optional[Mapping[str, int]]
    logprobs: Optional[int]
    max_tokens: Optional[int]
    n: Optional[int]
    presence_penalty: Optional[float]
    seed: Optional[int]
    stop: Union[str, Sequence[str], None]
    stream_options: Member
    suffix: Optional[str]
    temperature: Optional[float]
    top_p: Optional[float]
    user: Optional[str]


class ResponseParams(CallParams, total=False):
    access_programs: Any
    background: Optional[bool]
    background_options: Member
    context_management: Any
    conversation: Union[str, Mapping[str, Any], None]
    image: Member
    include: Optional[Sequence[str]]
    instructions: Optional[str]
    max_output_tokens: Optional[int]
    max_tool_calls: Optional[int]
    metadata: Optional[Mapping[str, str]]
    moderation: Member
    parallel_tool_calls: Optional[bool]
    previous_response_id: Optional[str]
    prompt: Member
    prompt_cache_key: Optional[str]
    prompt_cache_options: Member
    prompt_cache_retention: Optional[str]
    reasoning: Member
    safety_identifier: Optional[str]
    service_tier: Optional[str]
    store: Optional[bool]
    stream_options: Member
    temperature: Optional[float]
    text: Member
    tool_choice: Union[str, Mapping[str, Any], None]
    tools: Optional[Iterable[Mapping[str, Any]]]
    top_logprobs: Optional[int]
    top_p: Optional[float]
    truncation: Optional[str]
    user: Optional[str]


class _ImageParams(CallParams, total=False):
    background: Optional[str]
    complexity: Any
    frame_count: Optional[int]
    frame_duration_ms: Optional[int]
    n: Optional[int]
    output_compression: Optional[int]
    output_format: Optional[str]
    partial_images: Optional[int]
    quality: Optional[str]
    response_format: Optional[str]
    safety_identifier: Optional[str]
    size: Optional[str]
    svg: Any
    user: Optional[str]


class ImageParams(_ImageParams, total=False):
    moderation: Optional[str]
    style: Optional[str]


class ImageEditParams(_ImageParams, total=False):
    input_fidelity: Optional[str]
    markup: Any


class ImageVariationParams(CallParams, total=False):
    n: Optional[int]
    response_format: Optional[str]
    size: Optional[str]
    user: Optional[str]


class SpeechParams(CallParams, total=False):
    instructions: Optional[str]
    response_format: Optional[str]
    speed: Optional[float]
    stream_format: Optional[str]


class TranslationParams(CallParams, total=False):
    prompt: Optional[str]
    response_format: Optional[str]
    temperature: Optional[float]


class TranscriptionParams(TranslationParams, total=False):
    chunking_strategy: Union[str, Mapping[str, Any], None]
    include: Optional[Sequence[str]]
    keywords: Optional[Sequence[str]]
    known_speaker_names: Optional[Sequence[str]]
    known_speaker_references: Optional[Sequence[str]]
    language: Optional[str]
    languages: Optional[Sequence[str]]
    timestamp_granularities: Optional[Sequence[str]]
