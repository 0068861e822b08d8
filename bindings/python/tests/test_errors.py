"""Each exception, from what a provider or the network does."""

from __future__ import annotations

import pickle
from typing import Callable, Type

import pytest

import weir
from conftest import Holder
from weir import APIConnectionError, APIError, APIStatusError, APITimeoutError, ContentFilterFinishReasonError, LengthFinishReasonError, RateLimitError, Weir

Connect = Callable[..., Weir]


@pytest.mark.parametrize(
    "status, kind",
    [
        (400, weir.BadRequestError),
        (401, weir.AuthenticationError),
        (403, weir.PermissionDeniedError),
        (404, weir.NotFoundError),
        (409, weir.ConflictError),
        (413, weir.APIStatusError),
        (422, weir.UnprocessableEntityError),
        (429, weir.RateLimitError),
        (500, weir.InternalServerError),
        (503, weir.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_statuses(connect: Connect, status: int, kind: Type[APIStatusError], stream: bool) -> None:
    with pytest.raises(APIStatusError) as raised:
        connect(max_retries=0).chat.completions.create(model=f"sim/{status}", messages="Hello", stream=stream)
    error = raised.value
    assert type(error) is kind and error.status_code == status
    assert error.message and str(error) == error.message and error.type
    assert error.request_id and error.safe_text and error.weir.attempts == 1


def test_what_an_error_tells(connect: Connect) -> None:
    with pytest.raises(RateLimitError) as raised:
        connect(max_retries=0).ask("Hello", model="sim/429-2s")
    error = raised.value
    assert error.retry_after == 2.0 and error.code == "rate_limit_exceeded"
    assert isinstance(error.body, dict) and error.body["message"] == error.message
    with pytest.raises(weir.BadRequestError) as refused:
        connect().ask("Hello", model="sim/context-length")
    assert refused.value.code == "context_length_exceeded" and refused.value.param == "messages"
    assert refused.value.retry_after is None


def test_retries_are_made_and_counted(connect: Connect) -> None:
    with pytest.raises(weir.InternalServerError) as raised:
        connect(max_retries=2).ask("Hello", model="sim/503")
    assert raised.value.weir.attempts == 3


def test_unreachable(connect: Connect, closed_port: str) -> None:
    with pytest.raises(APIConnectionError) as raised:
        connect(closed_port, max_retries=0).ask("Hello")
    assert type(raised.value) is APIConnectionError


def test_timeout_of_the_call_and_of_the_client(connect: Connect, holder: Holder) -> None:
    with pytest.raises(APITimeoutError):
        connect(holder.base_url).ask("Hello", timeout=0.1)
    with pytest.raises(APITimeoutError):
        connect(holder.base_url, timeout=0.1).ask("Hello")
    with pytest.raises(APITimeoutError):
        connect(holder.base_url, timeout=0.1).chat.completions.create(messages="Hello", stream=True)
    holder.wait_left(3)


def test_an_answer_that_is_none(connect: Connect) -> None:
    with pytest.raises(APIError) as raised:
        connect(max_retries=0).ask("Hello", model="sim/garbage")
    assert raised.value.weir.code_name == "provider"


def test_an_error_can_be_pickled(connect: Connect) -> None:
    with pytest.raises(RateLimitError) as raised:
        connect(max_retries=0).ask("Hello", model="sim/429-2s")
    again = pickle.loads(pickle.dumps(raised.value))
    assert type(again) is RateLimitError and again.retry_after == 2.0 and again.message == raised.value.message
    raised.value.steps = [{"tool": "weather"}]
    assert pickle.loads(pickle.dumps(raised.value)).steps == [{"tool": "weather"}]


def test_errors_of_parse_can_be_pickled(client: Weir) -> None:
    cut = LengthFinishReasonError(completion=client.chat.completions.create(messages="Hello"))
    again = pickle.loads(pickle.dumps(cut))
    assert type(again) is LengthFinishReasonError and str(again) == str(cut) and again.completion == cut.completion
    filtered = pickle.loads(pickle.dumps(ContentFilterFinishReasonError()))
    assert type(filtered) is ContentFilterFinishReasonError and "content filter" in str(filtered)
