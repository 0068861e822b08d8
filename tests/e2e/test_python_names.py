"""The Python package beside the OpenAI SDK: the tables of docs/python.md are what the two packages' signatures say, both send the
same for the same call, and what they give reads the same."""

import asyncio
import io
import os
import re
import sys
import typing
from enum import Enum
from inspect import Parameter, signature

import openai
import pydantic
import pytest

import daemon
from test_library import SANITIZER
from test_simulator import Sim

PAGE = daemon.ROOT / "docs" / "python.md"
pytestmark = pytest.mark.skipif(SANITIZER != "none", reason="the library is instrumented, and Python is not")


def package():
    """weir, from its sources, over the library of this build."""
    os.environ["WEIR_LIBRARY"] = str(daemon.WEIR.parent / "libweir.so.0")
    for part in ("src", "tests"):
        sys.path.insert(0, str(daemon.ROOT / "bindings" / "python" / part))
    try:
        import weir
        return weir
    finally:
        del os.environ["WEIR_LIBRARY"]


weir = package() if SANITIZER == "none" else None
RESOURCES = ["chat.completions", "completions", "embeddings", "responses", "moderations", "images", "audio", "audio.speech",
             "audio.transcriptions", "audio.translations", "files", "models"]


def at(client, path):
    for name in path.split("."):
        client = getattr(client, name)
    return client


def public(thing):
    return {name for name in dir(thing) if not name.startswith("_")}


def keywords(method):
    """The names that a method takes; of `**params` those of its TypedDict, or of the overloads'."""
    found = set()
    for name, parameter in signature(method).parameters.items():
        if parameter.kind is not Parameter.VAR_KEYWORD:
            found.add(name)
        elif kind := re.fullmatch(r"Unpack\[(\w+)\]", str(parameter.annotation)):
            from weir import _param_types, _types
            found |= set((getattr(_types, kind[1], None) or getattr(_param_types, kind[1])).__annotations__)
        else:
            found |= keywords(typing.get_overloads(method.__func__)[0]) - {"self"}
    return found


def clients(awaited=False, **options):
    options = {"base_url": "http://127.0.0.1:9/v1", "api_key": "any", **options}
    return (openai.AsyncOpenAI if awaited else openai.OpenAI)(**options), (weir.AsyncOpenAI if awaited else weir.OpenAI)(**options)


def listed(names):
    return ", ".join(f"`{name}`" for name in sorted(names)) or "–"


def table_of_calls(awaited=False):
    theirs, ours = clients(awaited)
    rows = ["| call | keywords of both | of the SDK alone | of weir alone |", "| --- | --- | --- | --- |"]
    for path in RESOURCES:
        for name in sorted(public(at(theirs, path)) & public(at(ours, path))):
            a, b = getattr(at(theirs, path), name), getattr(at(ours, path), name)
            if callable(a) and not name.startswith("with_"):
                a, b = keywords(a), keywords(b)
                rows.append(f"| `{path}.{name}` | {len(a & b)} | {listed(a - b)} | {listed(b - a)} |")
    a, b = keywords(type(theirs)), keywords(type(ours))
    rows.append(f"| `OpenAI` | {len(a & b)} | {listed(n for n in a - b if n[0] != '_')} | {listed(b - a)} |")
    return rows


def table_of_members():
    theirs, ours = clients()
    rows = ["| of | the SDK alone | weir alone |", "| --- | --- | --- |"]
    for path in ["", *RESOURCES]:
        a, b = (public(at(client, path) if path else client) for client in (theirs, ours))
        rows.append(f"| {f'`{path}`' if path else 'the client'} | {listed(a - b)} | {listed(b - a)} |")
    return rows


@pytest.mark.parametrize("name, made", [("calls", table_of_calls), ("members", table_of_members)])
def test_the_tables_are_what_the_signatures_say(name, made):
    """WRITE_TABLES=1 writes them; read the difference before it is committed."""
    before, marker, after = PAGE.read_text().partition(f"<!-- table: {name} -->\n")
    assert marker
    old = re.match(r"(?:\|.*\n)*", after)[0]
    new = "".join(f"{row}\n" for row in made())
    if os.environ.get("WRITE_TABLES"):
        PAGE.write_text(before + marker + new + after[len(old):])
        return
    assert old == new


def test_both_clients_have_the_same_keywords():
    assert table_of_calls(awaited=True) == [row for row in table_of_calls()]


def test_the_longest_time_of_a_call_is_that_of_the_configuration():
    minutes, = re.findall(r"timeouts\.total\s+\((\d+) minutes\)", weir.Weir.__init__.__doc__)
    assert f"| `timeouts.total` | `{minutes}m` |" in (daemon.ROOT / "docs" / "configuration.md").read_text()


def test_names_of_categories_are_pythons(sim):
    theirs, ours = (client.moderations.create(input="violence").results[0] for client in clients(base_url=sim.base_url))
    assert theirs.categories.harassment_threatening is ours.categories.harassment_threatening
    assert theirs.category_scores.self_harm_intent == ours.category_scores.self_harm_intent


def test_exceptions_and_names():
    for name in ("APIError", "APIStatusError", "APITimeoutError", "APIConnectionError", "APIResponseValidationError", "BadRequestError",
                 "AuthenticationError", "PermissionDeniedError", "NotFoundError", "ConflictError", "UnprocessableEntityError", "RateLimitError",
                 "InternalServerError", "LengthFinishReasonError", "ContentFilterFinishReasonError"):
        theirs, ours = getattr(openai, name), getattr(weir, name)
        same = {c.__name__ for c in ours.__mro__} - {"WeirError"}
        assert same <= {c.__name__ for c in theirs.__mro__} | {"OpenAIError"}, name
    assert issubclass(weir.APIError, weir.OpenAIError)


# -- what they send ----------------------------------------------------------------------------------------------------
HELLO = [{"role": "user", "content": "Hello"}]
SENT = {
    "chat": lambda c: c.chat.completions.create(model="m", messages=HELLO, temperature=0.5, stop=["a"], n=2, extra_body={"x": None}),
    "embeddings": lambda c: c.embeddings.create(model="m", input=["a"], dimensions=4, encoding_format="float"),
    "response": lambda c: c.responses.create(model="m", input="Hello", instructions="Be brief.", extra_query={"q": "a b"}),
    "retrieve": lambda c: c.responses.retrieve("resp_1"),
    "query": lambda c: c.responses.retrieve("resp_1", extra_query={"include": ["a", "b & c"], "by": {"x": {"y": True}}, "l": [{"a": 1.5}, None],
                                                                  "e": [], "s": "", "t": ("u",)}),
    "cancel": lambda c: c.responses.cancel("resp_1"),
    "image": lambda c: c.images.generate(prompt="a weir", model="m", size="1024x1024", n=1),
    "edit": lambda c: c.images.edit(image=[("a.png", b"A", "image/png"), ("b.png", b"B", "image/png")], prompt="ü", model="m", n=1),
    "one edit": lambda c: c.images.edit(image=("a.png", b"A"), mask=("m.png", b"M"), prompt="p", quality="high"),
    "variation": lambda c: c.images.create_variation(image=("a.png", b"A"), n=1),
    "speech": lambda c: c.audio.speech.create(input="Hi", model="m", voice="alloy", speed=1.5),
    "transcription": lambda c: c.audio.transcriptions.create(file=("a.wav", b"RIFF"), model="m", language="de", temperature=0.5,
                                                            timestamp_granularities=["word", "segment"]),
    "translation": lambda c: c.audio.translations.create(file=("a.wav", b"RIFF"), model="m", prompt="p"),
    "file": lambda c: c.files.create(file=("a.jsonl", io.BytesIO(b"{}")), purpose="batch", expires_after={"anchor": "created_at", "seconds": 3600}),
    "files": lambda c: c.files.list(after="f", limit=2, order="asc", purpose="batch"),
    "content": lambda c: c.files.content("file-1"),
    "delete": lambda c: c.files.delete("file-1"),
    "models": lambda c: c.models.list(),
    "model": lambda c: c.models.retrieve("m"),
    "moderation": lambda c: c.moderations.create(input=["a"], model="m"),
}


@pytest.fixture
def scripted():
    from scripted import Scripted
    made = Scripted()
    yield made
    made.close()


@pytest.mark.parametrize("awaited", [False, True], ids=["waits", "awaited"])
@pytest.mark.parametrize("name", SENT)
def test_the_same_call_sends_the_same(scripted, name, awaited):
    async def work(client):
        async with client:
            await SENT[name](client)

    for client in clients(awaited, base_url=scripted.base_url, max_retries=0):
        try:
            asyncio.run(work(client)) if awaited else SENT[name](client)
        except (openai.NotFoundError, weir.NotFoundError):
            pass
    theirs, ours = scripted.asked
    assert (theirs.method, sorted(re.split("[?&]", theirs.path))) == (ours.method, sorted(re.split("[?&]", ours.path)))
    kinds = [(asked.headers["content-type"] or "").partition(";")[0] for asked in (theirs, ours)]
    if kinds[0] == "multipart/form-data":
        assert kinds[0] == kinds[1] and sorted(map(repr, theirs.form())) == sorted(map(repr, ours.form()))
    else:
        assert (theirs.json() if theirs.body else {}) == (ours.json() if ours.body else {})


# -- what they give ----------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def sim():
    started = Sim("--pace", "0")
    yield started
    started.stop()


def told(answer):
    """What an SDK object holds, without what differs from call to call."""
    if isinstance(answer, pydantic.BaseModel):
        answer = answer.model_dump(mode="json", exclude_unset=True, by_alias=True)
    elif hasattr(answer, "to_dict"):
        answer = answer.to_dict()
    if isinstance(answer, dict):
        varies = {"id", "created", "created_at", "item_id", "completed_at", "obfuscation"}
        return {name: told(value) for name, value in answer.items() if name not in varies}
    return [told(value) for value in answer] if isinstance(answer, list) else answer


@pytest.mark.parametrize("ask", [
    lambda c: c.chat.completions.create(model="m", messages=HELLO, n=2, logprobs=True),
    lambda c: c.chat.completions.create(model="m", messages=HELLO, tools=[{"type": "function", "function": {
        "name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}}}]),
    lambda c: list(c.chat.completions.create(model="m", messages=HELLO, stream=True, stream_options={"include_usage": True})),
    lambda c: c.completions.create(model="m", prompt="Hello"),
    lambda c: c.embeddings.create(model="m", input="Hello", dimensions=4, encoding_format="float"),
    lambda c: c.responses.create(model="m", input="Hello"),
    lambda c: list(c.responses.create(model="m", input="Hello", stream=True)),
    lambda c: c.responses.create(model="m", input="Hello").output_text,
    lambda c: c.moderations.create(input="Hello"),
    lambda c: c.models.list().data,
    lambda c: c.models.retrieve("gpt-4o-mini"),
    lambda c: c.chat.completions.with_raw_response.create(model="m", messages=HELLO).parse(),
    lambda c: c.with_options(timeout=10, max_retries=1).chat.completions.create(model="m", messages=HELLO),
], ids=lambda ask: str(ask.__code__.co_firstlineno))
def test_the_same_call_gives_the_same(sim, ask):
    theirs, ours = (told(ask(client)) for client in clients(base_url=sim.base_url))
    assert theirs == ours and theirs


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429, 500, 503])
def test_the_same_refusal_raises_the_same(sim, status):
    raised = []
    for module, client in zip((openai, weir), clients(base_url=sim.base_url, max_retries=0)):
        with pytest.raises(module.APIStatusError) as refused:
            client.chat.completions.create(model=f"sim/{status}", messages=HELLO)
        raised.append(refused.value)
    theirs, ours = raised
    assert type(theirs).__name__ == type(ours).__name__
    assert theirs.status_code == ours.status_code
    if status == 401:  # weir words a refusal of a key that it keeps itself
        assert (theirs.code, ours.code) == ("invalid_api_key", "provider_refused")
        return
    assert [theirs.status_code, theirs.code, theirs.type, theirs.param, theirs.body] == [ours.status_code, ours.code, ours.type, ours.param, ours.body]


# -- parse() -----------------------------------------------------------------------------------------------------------
class Kind(Enum):
    A = "a"
    B = "b"


class Inner(pydantic.BaseModel):
    """Inside."""

    kind: Kind
    note: str | None = None


class Tree(pydantic.BaseModel):
    name: str
    children: list["Tree"]
    inner: Inner = pydantic.Field(description="one")
    either: int | Inner
    pairs: dict[str, int]


class Flat(pydantic.BaseModel):
    a: int = 1
    b: list[tuple[int, str]] = []


@pytest.mark.parametrize("kind", [Inner, Tree, Flat])
def test_schemas_are_the_sdks(kind):
    from openai.lib._parsing._completions import type_to_response_format_param

    from weir._schema import response_format
    assert response_format(kind) == type_to_response_format_param(kind)
    assert weir.pydantic_function_tool(kind) == openai.pydantic_function_tool(kind)
    assert weir.pydantic_function_tool(kind, name="n", description="d") == openai.pydantic_function_tool(kind, name="n", description="d")


def test_parsed_answers_are_the_sdks(scripted):
    message = {"role": "assistant", "content": '{"kind": "a", "note": "x"}'}
    scripted.answers["POST /v1/chat/completions"] = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "finish_reason": "stop", "message": message}]}
    theirs, ours = (client.chat.completions.parse(model="m", messages=HELLO, response_format=Inner)
                    for client in clients(base_url=scripted.base_url))
    assert theirs.choices[0].message.parsed == ours.choices[0].message.parsed == Inner(kind=Kind.A, note="x")
    assert scripted.asked[0].json() == {**scripted.asked[1].json(), "stream": False}
