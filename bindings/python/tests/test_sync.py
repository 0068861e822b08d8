"""The client that waits: every form of a call, and one client in many threads."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List

import pytest

import weir
from conftest import Holder
from weir import AuthenticationError, BadRequestError, CallCancelledError, ChatCompletion, RateLimitError, Weir, WeirError

HELLO = [{"role": "user", "content": "Hello"}]
Connect = Callable[..., Weir]


def test_chat_completion_reads_like_the_sdks(client: Weir) -> None:
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=HELLO, temperature=0.2)
    assert answer.choices[0].message.content == "You said: Hello"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.choices[0].message.refusal is None and answer.choices[0].message.tool_calls is None
    assert answer.usage and answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens > 0
    assert answer.object == "chat.completion" and answer.model == "gpt-4o-mini"
    assert answer.model_dump()["choices"][0]["message"]["content"] == "You said: Hello"
    assert json.loads(answer.model_dump_json()) == answer.to_dict()


def test_answer_says_how_it_came_about(client: Weir) -> None:
    answer = client.chat.completions.create(model="sim/flaky-2", messages=HELLO)
    assert answer.weir.ok and answer.weir.attempts == 3
    assert answer._request_id == answer.weir.request_id != ""
    assert answer.weir.target and answer.weir.response_seconds > 0
    assert answer.weir.total_tokens and not answer.weir.tokens_estimated


def test_ask_and_model_of_the_client(connect: Connect) -> None:
    client = connect(model="sim/words-3")
    assert len(client.ask("anything").split()) == 3
    assert client.ask("Grüße 😀", model="sim/echo") == "You said: Grüße 😀"
    assert client.ask([{"role": "system", "content": "Be kind."}, *HELLO], model="sim/echo") == "You said: Hello"


def test_an_answers_message_goes_into_the_next_request(client: Weir) -> None:
    messages: List[Any] = list(HELLO)
    messages.append(client.chat.completions.create(messages=messages).choices[0].message)
    messages.append({"role": "user", "content": "And again"})
    assert client.ask(messages) == "You said: And again"


def test_tools(client: Weir) -> None:
    parameters = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
    tools = [{"type": "function", "function": {"name": "weather", "parameters": parameters}}]
    choice = client.chat.completions.create(messages=HELLO, tools=tools).choices[0]
    assert choice.finish_reason == "tool_calls" and choice.message.content is None
    assert choice.message.tool_calls and choice.message.tool_calls[0].function
    assert choice.message.tool_calls[0].function.name == "weather"
    assert "place" in json.loads(choice.message.tool_calls[0].function.arguments or "")
    assert client.ask("Hello", tools=tools) == ""


def test_embeddings(client: Weir) -> None:
    answer = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"], dimensions=8)
    assert [vector.index for vector in answer.data] == [0, 1]
    assert len(answer.data[0].embedding) == 8 and all(isinstance(x, float) for x in answer.data[0].embedding)
    assert answer.usage and answer.usage.total_tokens > 0 and answer.weir.ok


def test_none_is_left_out_and_extra_body_is_not(client: Weir) -> None:
    assert client.ask("Hello", temperature=None, max_tokens=None) == "You said: Hello"
    with pytest.raises(BadRequestError):
        client.ask("Hello", extra_body={"messages": None})


def test_headers(connect: Connect) -> None:
    assert connect().ask("Hello") == "You said: Hello"
    with pytest.raises(RateLimitError):
        connect(max_retries=0).ask("Hello", extra_headers={"x-sim-fault": "429"})
    with pytest.raises(AuthenticationError):
        connect(default_headers={"x-sim-fault": "401"}).ask("Hello")


def test_safe_completion_never_raises(connect: Connect, closed_port: str) -> None:
    assert connect().safe_completion(HELLO) == "You said: Hello"
    client = connect(max_retries=0, options={"chat.say.failed": "Sorry: {error}"})
    assert client.safe_completion(HELLO, model="sim/500").startswith("Sorry: ")
    assert connect(max_retries=0).safe_completion(HELLO, model="sim/400").startswith("Invalid request: ")
    assert connect(max_retries=0).safe_completion(HELLO, model="sim/429").startswith("Service temporarily unavailable due to rate limits")
    assert connect(closed_port, max_retries=0).safe_completion(HELLO).startswith("Unable to connect")


def test_batch_keeps_the_order_and_every_failure(connect: Connect) -> None:
    requests: List[Any] = [f"number {i}" for i in range(20)]
    requests[3] = {"messages": HELLO, "model": "sim/400"}
    requests[7] = [{"role": "user", "content": "a list"}]
    outcomes = connect().batch(requests, model="sim/echo")
    assert isinstance(outcomes[3], BadRequestError)
    said = [o.choices[0].message.content if isinstance(o, ChatCompletion) else None for o in outcomes]
    assert said == [None if i == 3 else "You said: a list" if i == 7 else f"You said: number {i}" for i in range(20)]


def test_fallback_takes_over(connect: Connect, sim: str, closed_port: str) -> None:
    client = connect(closed_port, fallbacks=[closed_port, {"base_url": sim, "api_key": "k", "model": "sim/echo"}])
    answer = client.chat.completions.create(messages=HELLO)
    assert answer.choices[0].message.content == "You said: Hello" and answer.weir.attempts >= 3


def test_client_from_a_file_and_from_its_text(sim: str, tmp_path: Path) -> None:
    text = f"providers: {{there: {{kind: openai, url: '{sim}', key: k}}}}\nchat: {{model: sim/echo}}\n"
    file = tmp_path / "weir.yaml"
    file.write_text(text)
    file.chmod(0o600)
    sources: List[Dict[str, Any]] = [{"config": file}, {"config": str(file)}, {"config_text": text}]
    for source in sources:
        with Weir(**source) as client:
            assert client.ask("Hello") == "You said: Hello"


@pytest.mark.parametrize(
    "options, says",
    [
        ({"config": "/nowhere/weir.yaml"}, "/nowhere/weir.yaml"),
        ({"config_text": "retry: {retries: many}"}, "retry.retries"),
        ({"options": {"retry.retires": "1"}}, "retires"),
        ({"base_url": "ftp://x"}, "a URL begins with https://"),
    ],
)
def test_what_is_wrong_with_a_configuration_is_said(options: Dict[str, Any], says: str) -> None:
    with pytest.raises(WeirError, match=says):
        Weir(**{"api_key": "k", **options} if "config" not in options and "config_text" not in options else options)


@pytest.mark.parametrize(
    "options",
    [{"max_concurrency": 0}, {"max_retries": -1}, {"timeout": 0}, {"timeout": float("nan")}, {"fallbacks": [{"url": "x"}]}, {"base_url": "a\0b"}],
)
def test_what_python_can_see_is_refused_by_python(options: Dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Weir(**options)


def test_what_cannot_be_sent_is_refused(client: Weir) -> None:
    with pytest.raises(TypeError, match="cannot be sent as JSON"):
        client.ask([{"role": "user", "content": object()}])
    with pytest.raises(ValueError):
        client.ask("Hello", temperature=float("nan"))
    with pytest.raises(ValueError, match="timeout"):
        client.ask("Hello", timeout=-1)
    with pytest.raises(TypeError, match="one message"):
        client.ask({"role": "user", "content": "Hello"})  # type: ignore[dict-item]


def test_usage_summary(connect: Connect) -> None:
    client = connect(max_retries=1)
    assert client.usage_summary()["total_calls"] == 0
    tokens = sum(client.chat.completions.create(messages=HELLO, model=m).weir.total_tokens or 0 for m in ("sim/echo", "sim/words-3"))
    client.safe_completion(HELLO, model="sim/500")
    summary = client.usage_summary()
    assert (summary["total_calls"], summary["successful_calls"], summary["failed_calls"]) == (3, 2, 1)
    assert summary["success_rate"] == pytest.approx(200 / 3) and summary["total_tokens"] == tokens > 0
    assert summary["prompt_tokens"] + summary["completion_tokens"] == tokens
    assert summary["average_response_time"] > 0 and summary["retries"] == 1
    assert (summary["cancelled_calls"], summary["estimated_tokens"]) == (0, 0)
    assert summary["models_used"][:2] == ["sim/echo", "sim/words-3"]


def test_eight_threads_on_one_client(connect: Connect) -> None:
    client = connect(max_concurrency=4)
    wrong: List[str] = []

    def work(name: int) -> None:
        for i in range(25):
            said = client.ask(f"{name}/{i}") if i % 2 else "".join(
                c.choices[0].delta.content or "" for c in client.chat.completions.create(messages=f"{name}/{i}", stream=True) if c.choices
            )
            if said != f"You said: {name}/{i}":
                wrong.append(said)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and client.usage_summary()["successful_calls"] == 200


def test_closing_ends_what_runs_and_the_client(connect: Connect, holder: Holder) -> None:
    client = connect(holder.base_url)
    raised: List[BaseException] = []

    def work() -> None:
        try:
            client.ask("Hello")
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    holder.wait_arrived()
    client.close()
    thread.join()
    assert [type(error) for error in raised] == [CallCancelledError]
    holder.wait_left()
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.ask("Hello")
    with pytest.raises(RuntimeError, match="closed"):
        client.usage_summary()


def test_names_and_versions() -> None:
    assert weir.Client is weir.Weir and weir.AsyncClient is weir.AsyncWeir
    assert weir.library_version.startswith("0.1.")
    assert set(weir.__all__) >= {"Weir", "AsyncWeir", "RateLimitError", "Stream"}
