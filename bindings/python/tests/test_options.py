"""with_options(): the same client, otherwise."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import Any, Callable, Iterator

import pytest

from conftest import Holder
from scripted import Scripted
from weir import APITimeoutError, AsyncWeir, Fallback, InternalServerError, Weir, WeirError, omit

Connect = Callable[..., Weir]


@pytest.fixture
def provider() -> Iterator[Scripted]:
    made = Scripted()
    made.answers["POST /v1/chat/completions"] = {"id": "c", "object": "chat.completion", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}}]}
    yield made
    made.close()


def test_what_is_of_calls_shares_the_client(provider: Scripted, connect: Connect) -> None:
    client = connect(provider.base_url, default_headers={"x-one": "1"})
    other = client.with_options(default_headers={"x-two": "2"})
    assert other._handle is client._handle and type(other) is Weir
    other.ask("Hello")
    other.copy(set_default_headers={"x-three": "3"}).ask("Hello")
    client.ask("Hello")
    assert [[name for name in ("x-one", "x-two", "x-three") if name in asked.headers] for asked in provider.asked] == [
        ["x-one", "x-two"], ["x-three"], ["x-one"]]
    assert client.usage_summary() == other.usage_summary() and client.usage_summary()["total_calls"] == 3


def test_a_timeout_of_its_own(connect: Connect, holder: Holder) -> None:
    client = connect(holder.base_url)
    with pytest.raises(APITimeoutError):
        client.with_options(timeout=0.1).ask("Hello")
    assert client._timeout is None
    assert connect(holder.base_url, timeout=3).with_options(timeout=None)._timeout is None
    assert connect(holder.base_url, timeout=3).with_options(timeout=omit)._timeout == 3  # type: ignore[arg-type]


def test_what_is_of_the_client_makes_one_beside_it(connect: Connect) -> None:
    client = connect(max_retries=0, timeout=19.0)
    with pytest.raises(InternalServerError) as raised:
        client.with_options(max_retries=2).ask("Hello", model="sim/503")
    assert raised.value.weir.attempts == 3
    again = client.with_options(max_retries=2)
    assert again._handle is client.with_options(max_retries=2)._handle is not client._handle and again._timeout == 19.0
    assert again.with_options(timeout=1)._handle is again._handle
    with pytest.raises(InternalServerError) as raised:
        client.ask("Hello", model="sim/503")
    assert raised.value.weir.attempts == 1
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        again.ask("Hello")
    with pytest.raises(RuntimeError, match="closed"):
        client.with_options(max_retries=3)


def test_fallbacks_that_are_read_once_are_every_variants(sim: str, closed_port: str) -> None:
    with Weir(base_url=closed_port, api_key="any", fallbacks=(url for url in [sim])) as client:
        assert client.with_options(model="m").ask("Hello") == client.ask("Hello") == "You said: Hello"


class Named:
    """A path that shows nothing of itself, as objects of some libraries."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __fspath__(self) -> str:
        return self._name


def test_variants_are_told_apart_by_what_is_in_their_arguments(sim: str, closed_port: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"providers: {{{name}: {{url: '{sim}'}}}}\nmodels: {{'*': {name}}}\n")
    with Weir(base_url=closed_port, api_key="any", max_retries=0) as client:
        for name in ("one", "two", "three"):
            fallbacks: Iterator[Fallback] = ({"base_url": sim, "model": name} for _ in range(1))  # where the one before it stood
            answer = client.with_options(fallbacks=fallbacks).chat.completions.create(messages="Hi")
            assert answer.model == name
    with Weir(config=tmp_path / "a") as client:
        assert [client.with_options(config=Named(str(tmp_path / name))).chat.completions.create(messages="Hi").weir.target for name in "abab"] == [
            "a/gpt-4o-mini", "b/gpt-4o-mini"] * 2
        assert len(client._variants) == 2


class Secret(str):
    """A key of a type that shows none of it, as some libraries have."""

    def __repr__(self) -> str:
        return "'***'"

    __str__ = __repr__


def test_variants_are_told_apart_by_what_they_do_not_show(provider: Scripted, connect: Connect, tmp_path: Path, sim: str) -> None:
    client = connect(provider.base_url)
    for key in ("one", "two", "one"):
        client.with_options(api_key=Secret(key)).ask("Hello")
    assert [asked.headers["authorization"] for asked in provider.asked] == ["Bearer one", "Bearer two", "Bearer one"]
    assert len(client._variants) == 2
    client.with_options(fallbacks=[{"base_url": Secret("http://127.0.0.1:1/v1")}])
    client.with_options(fallbacks=[{"base_url": Secret("http://127.0.0.1:2/v1")}])
    assert len(client._variants) == 4
    for name in ("a", "b"):
        (tmp_path / name).write_text(f"providers: {{{name}: {{url: '{sim}'}}}}\nmodels: {{'*': {name}}}\n")
    with Weir(config=tmp_path / "a") as other:
        assert [other.with_options(config=Named(Secret(tmp_path / name))).chat.completions.create(messages="Hi").weir.target for name in "ab"] == [
            "a/gpt-4o-mini", "b/gpt-4o-mini"]


def test_a_variant_that_was_closed_is_made_anew(connect: Connect) -> None:
    client = connect()
    for _ in range(3):
        with client.with_options(max_retries=0) as other:
            assert other.ask("Hello") == "You said: Hello"
    assert len(client._variants) == 1


def test_a_closed_client_closes_all_that_it_made(sim: str) -> None:
    client = Weir(base_url=sim, api_key="any")
    first = client.with_options(model="m0")
    for number in range(1, 20):
        client.with_options(model=f"m{number}")
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        first.ask("Hello")


def test_many_variants_are_bounded_and_those_in_use_live_on(connect: Connect) -> None:
    client = connect()
    first = client.with_options(model="m0")
    for number in range(1, 20):
        assert client.with_options(model=f"m{number}").chat.completions.create(messages="Hi").model == f"m{number}"
    assert len(client._variants) == 8
    assert first.chat.completions.create(messages="Hi").model == "m0"


def test_what_it_returns_keeps_the_client(sim: str) -> None:
    other = Weir(base_url=sim, api_key="any").with_options(timeout=10)
    gc.collect()
    assert other.ask("Hello") == "You said: Hello"
    other.close()
    with pytest.raises(RuntimeError, match="closed"):
        other.ask("Hello")


def test_a_slip_and_a_wrong_value(connect: Connect) -> None:
    client = connect()
    with pytest.raises(TypeError, match=r"with_options\(\) has no parameter 'max_retry'; did you mean 'max_retries'"):
        client.with_options(max_retry=1)  # type: ignore[call-arg]
    with pytest.raises(WeirError, match="^max_retries is 21"):
        client.with_options(max_retries=21)
    with pytest.raises(TypeError, match="^timeout is a number"):
        client.with_options(timeout="1")  # type: ignore[arg-type]


def test_awaited(provider: Scripted, aconnect: Callable[..., AsyncWeir]) -> None:
    async def work() -> None:
        client = aconnect(provider.base_url)
        assert await client.with_options(default_headers={"x-one": "1"}).ask("Hello") == "Hi"
        assert provider.asked[0].headers["x-one"] == "1"
        other = client.with_options(max_retries=1)
        assert await other.ask("Hello") == "Hi" and other._driver is not client._driver
        await client.close()
        with pytest.raises(RuntimeError, match="closed"):
            await other.ask("Hello")

    asyncio.run(work(), debug=True)
