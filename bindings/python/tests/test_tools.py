"""Functions of a program that a model calls: client.tool and client.run()."""

from __future__ import annotations

import asyncio
import contextvars
import enum
import functools
import gc
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, Literal, Optional, Set, Union

import pytest

from weir import AsyncWeir, AuthenticationError, Weir, WeirError
from weir._tools import parameters_of

Connect = Callable[..., Weir]


class Unit(enum.Enum):
    C = "celsius"
    F = "fahrenheit"


def script(name: str, **arguments: Any) -> str:
    """What sim/script has the model call."""
    return f"{name} {json.dumps(arguments)}"


def test_a_function_is_called(client: Weir) -> None:
    asked: List[Any] = []

    @client.tool
    def weather(city: str, unit: Unit = Unit.C) -> Dict[str, Any]:
        """Tells the weather of a city."""
        asked.append((city, unit))
        return {"degrees": 18, "sky": "grün"}

    run = client.run(script("weather", city="Berlin", unit="fahrenheit"), model="sim/script")
    assert asked == [("Berlin", Unit.F)]
    (step,) = run.steps
    assert step.pop("ms") >= 0
    assert step == {"tool": "weather", "arguments": {"city": "Berlin", "unit": "fahrenheit"}, "result": '{"degrees": 18, "sky": "grün"}'}
    assert "18" in run.text and run.stopped is None and run.weir.ok and run.weir.total_tokens
    assert weather("x") and asked[-1] == ("x", Unit.C)  # it is still a function


def test_what_is_wrong_goes_to_the_model(client: Weir) -> None:
    @client.tool
    def weather(city: str) -> str:
        if city == "Bonn":
            raise ValueError("There is no weather in Bonn.")
        raise KeyError(city)

    errors = [
        client.run(said, model="sim/script").steps[0]["error"]
        for said in (script("weather", city=5), script("weather", town="x"), script("nothing"), script("weather", city="Bonn"), script("weather", city="a"))
    ]
    assert errors[0] == "city: expected a string, got 5" and "city" in errors[1]
    assert errors[2] == "there is no tool of the name 'nothing' here; those that there are: weather"
    assert errors[3:] == ["There is no weather in Bonn.", "KeyError: 'a'"]


def test_what_cannot_be_said_is_an_error_too(client: Weir) -> None:
    client.tool(name="odd", parameters={"type": "object"})(lambda **given: object())
    client.tool(name="large", parameters={"type": "object"})(lambda **given: "x" * 11)
    assert "JSON" in client.run(script("odd"), model="sim/script").steps[0]["error"]
    assert client.run(script("large"), model="sim/script", max_result=10).steps[0]["error"] == "the tool's answer is larger than 10B"


def test_limits(client: Weir) -> None:
    @client.tool
    def more() -> str:
        return "more"

    run = client.run("Go on", model="sim/forever", max_steps=3)
    assert run.stopped == "max_steps" and len(run.steps) == 3 and run.text and run.weir.code_name == "stopped"
    assert client.run("Go on", model="sim/forever", max_time=0.001).stopped == "max_time"
    for wrong in ({"max_steps": 0}, {"max_time": -1}, {"max_result": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            client.run("Go on", **wrong)  # type: ignore[arg-type]


def test_a_failure_is_raised(client: Weir) -> None:
    with pytest.raises(AuthenticationError) as raised:
        client.run("Hello", model="sim/401")
    assert raised.value.steps == []


def test_an_interrupt_ends_the_run(client: Weir) -> None:
    @client.tool
    def stop() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.run(script("stop"), model="sim/script")
    assert client.ask("Hello") == "You said: Hello"


def test_a_tool_may_ask_the_same_client(client: Weir) -> None:
    @client.tool
    def ask(what: str) -> str:
        return client.ask(what)

    assert client.run(script("ask", what="Hello"), model="sim/script").steps[0]["result"] == "You said: Hello"


def test_many_threads(client: Weir) -> None:
    @client.tool
    def square(n: int) -> int:
        return n * n

    found: Dict[int, str] = {}

    def work(n: int) -> None:
        found[n] = client.run(script("square", n=n), model="sim/script").steps[0]["result"]

    threads = [threading.Thread(target=work, args=(n,)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: str(n * n) for n in range(20)}


def test_other_clients_of_the_same_options_know_it(client: Weir) -> None:
    @client.tool
    def now() -> str:
        return "noon"

    for other in (client.with_options(timeout=5), client.with_options(max_retries=1)):
        assert other.run(script("now"), model="sim/script").steps[0]["result"] == "noon"


def test_two_threads_may_be_the_first_to_need_a_tool(client: Weir) -> None:
    client.tool(name="weather", description="", parameters={"type": "object"})(lambda **given: "fine")
    other = client.with_options(model="sim/script")
    both = threading.Barrier(2)

    class Names(Set[str]):
        def __contains__(self, name: object) -> bool:
            known = super().__contains__(name)
            try:
                both.wait(0.5)  # where both may look, neither has added it
            except threading.BrokenBarrierError:
                pass
            return known

    other._handle.tools = Names()
    with ThreadPoolExecutor(2) as threads:
        runs = [threads.submit(other.run, script("weather")) for _ in range(2)]
    assert [run.result().steps[0]["result"] for run in runs] == ["fine", "fine"]


def logged(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator as most are: what it makes does not show that its function is async."""

    @functools.wraps(function)
    def wrapped(*positional: Any, **keywords: Any) -> Any:
        return function(*positional, **keywords)

    return wrapped


async def weather(city: str) -> str:
    return f"fine in {city}"


def test_async_under_a_decorator(client: Weir, aconnect: Callable[..., AsyncWeir]) -> None:
    async def asked() -> str:
        async with aconnect() as client:
            client.tool(logged(weather))
            run = await client.run(script("weather", city="Bonn"), model="sim/script")
            result: str = run.steps[0]["result"]
            return result

    assert asyncio.run(asked()) == "fine in Bonn"
    client.tool(logged(weather))
    with pytest.raises(TypeError, match="weather is async: it can be a tool of an AsyncWeir"):
        client.run(script("weather", city="Bonn"), model="sim/script")


def test_a_function_that_finds_nothing(client: Weir, aconnect: Callable[..., AsyncWeir]) -> None:
    def weather(city: str) -> str:
        return next(sky for name, sky in [("Bonn", "fine")] if name == city)  # StopIteration

    async def asked() -> str:
        async with aconnect() as client:
            client.tool(weather)
            run = await asyncio.wait_for(client.run(script("weather", city="Berlin"), model="sim/script"), 20)
            error: str = run.steps[0]["error"]
            return error

    client.tool(weather)
    assert client.run(script("weather", city="Berlin"), model="sim/script").steps[0]["error"].startswith("StopIteration")
    assert asyncio.run(asked()).startswith("StopIteration")


def test_tools_that_will_not_do(client: Weir) -> None:
    def takes(argument: bytes) -> None: ...

    def positional(*arguments: str) -> None: ...

    with pytest.raises(TypeError, match="takes: argument is a <class 'bytes'>.*say parameters="):
        client.tool(takes)
    with pytest.raises(TypeError, match="arguments has none"):
        client.tool(positional)
    with pytest.raises(WeirError, match="'a b' is no name of a tool"):
        client.tool(name="a b")(lambda: 1)
    with pytest.raises(WeirError, match="the parameters of a: "):
        client.tool(name="a", parameters={"type": "objekt"})(lambda: 1)
    client.tool(name="a")(lambda: 1)
    with pytest.raises(WeirError, match="there is a tool of the name a already"):
        client.tool(name="a")(lambda: 2)


def test_schemas() -> None:
    def f(a: str, b: int, c: float, d: bool, e: List[str], g: Dict[str, int], h: Any, i, j: Optional[str] = None,  # type: ignore[no-untyped-def]
          k: Union[int, str] = 1, m: Literal["x", "y"] = "x", n: Unit = Unit.C, o: Optional[List[Dict[str, Any]]] = None) -> None: ...

    schema = parameters_of(f)
    assert schema["required"] == ["a", "b", "c", "d", "e", "g", "h", "i"] and schema["additionalProperties"] is False
    assert schema["properties"] == {
        "a": {"type": "string"}, "b": {"type": "integer"}, "c": {"type": "number"}, "d": {"type": "boolean"},
        "e": {"type": "array", "items": {"type": "string"}}, "g": {"type": "object", "additionalProperties": {"type": "integer"}}, "h": {}, "i": {},
        "j": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "k": {"anyOf": [{"type": "integer"}, {"type": "string"}]}, "m": {"enum": ["x", "y"]},
        "n": {"enum": ["celsius", "fahrenheit"]},
        "o": {"anyOf": [{"type": "array", "items": {"type": "object", "additionalProperties": {}}}, {"type": "null"}]}}


def test_given_up_while_the_model_is_asked(aconnect: Callable[..., AsyncWeir]) -> None:
    """Its call ends behind it, and has nobody to tell."""

    async def work() -> None:
        async with aconnect() as client:
            for _ in range(5):
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(client.run("Hello", model="sim/ttft-300"), 0.05)
            assert await client.ask("Hello") == "You said: Hello"

    asyncio.run(work())


def test_a_function_that_is_cancelled_by_what_it_waits_for(aconnect: Callable[..., AsyncWeir]) -> None:
    async def work() -> None:
        async with aconnect() as client:
            begun, ended = asyncio.Event(), asyncio.Event()

            @client.tool
            async def wait(long: bool) -> str:
                if not long:
                    gone: asyncio.Future[str] = asyncio.get_running_loop().create_future()
                    gone.cancel()
                    return await gone
                try:
                    begun.set()
                    await asyncio.Event().wait()
                finally:
                    await asyncio.sleep(0)
                    ended.set()
                return "it is over"

            run = await client.run('wait {"long": false}', model="sim/script")
            assert [step["error"] for step in run.steps] == ["it was cancelled"]
            # Who cancels the run ends it, when its functions have cleaned up.
            running = asyncio.ensure_future(client.run('wait {"long": true}', model="sim/script"))
            await begun.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert ended.is_set()

    asyncio.run(work())


def test_a_function_that_is_cancelled_again_while_it_cleans_up(aconnect: Callable[..., AsyncWeir]) -> None:
    async def work() -> None:
        told: List[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        async with aconnect() as client:
            begun, cleaning, cut = asyncio.Event(), asyncio.Event(), asyncio.Event()

            @client.tool
            async def wait(fails: bool) -> None:
                try:
                    begun.set()
                    await asyncio.Event().wait()
                finally:
                    cleaning.set()
                    if fails:
                        raise ValueError("it could not be cleaned up")
                    try:
                        await asyncio.Event().wait()  # for ever, if nobody cancels that too
                    finally:
                        cut.set()

            running = asyncio.ensure_future(client.run('wait {"fails": false}', model="sim/script"))
            await begun.wait()
            running.cancel()
            await cleaning.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert cut.is_set() and asyncio.all_tasks() == {asyncio.current_task()}
            begun.clear()
            running = asyncio.ensure_future(client.run('wait {"fails": true}', model="sim/script"))
            await begun.wait()
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
        gc.collect()
        await asyncio.sleep(0)
        assert told == []

    asyncio.run(work())


def test_a_run_that_is_cancelled_waits_for_all_of_its_functions(aconnect: Callable[..., AsyncWeir]) -> None:
    async def work() -> None:
        async with aconnect() as client:
            begun: List[int] = []
            ended: List[int] = []

            @client.tool
            async def wait(turns: int) -> None:
                try:
                    begun.append(turns)
                    await asyncio.Event().wait()
                finally:
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    ended.append(turns)

            running = asyncio.ensure_future(client.run('wait {"turns": 0}\nwait {"turns": 50}', model="sim/script"))
            while len(begun) < 2:
                await asyncio.sleep(0)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert sorted(ended) == [0, 50]

    asyncio.run(work())


def test_a_plain_function_within_which_something_is_cancelled(client: Weir, aconnect: Callable[..., AsyncWeir]) -> None:
    def wait() -> None:
        async def gone() -> None:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            future.cancel()
            await future

        asyncio.run(gone())

    async def work() -> None:
        async with aconnect() as other:
            other.tool(wait)
            run = await other.run("wait {}", model="sim/script")
            assert [step["error"] for step in run.steps] == ["it was cancelled"]

    client.tool(wait)
    assert [step["error"] for step in client.run("wait {}", model="sim/script").steps] == ["it was cancelled"]
    asyncio.run(work())


def test_asyncio(aconnect: Callable[..., AsyncWeir]) -> None:
    together = 0

    async def work() -> None:
        async with aconnect() as client:
            here = asyncio.Event()

            @client.tool
            async def first() -> str:
                await asyncio.wait_for(here.wait(), 10)  # only if the other runs beside it
                return "first"

            @client.tool
            async def second() -> str:
                here.set()
                return "second"

            @client.tool
            def blocks() -> str:
                nonlocal together
                together += 1
                time.sleep(0.01)
                return "third"

            said = "\n".join(script(name) for name in ("first", "second", "blocks"))
            run = await client.run(said, model="sim/script")
            assert [step["result"] for step in run.steps] == ["first", "second", "third"]
            with pytest.raises(AuthenticationError):
                await client.run("Hello", model="sim/401")

            never = asyncio.Event()

            @client.tool
            async def hangs() -> str:
                pass
                never.set()
                await asyncio.sleep(60)
                return "never"

            task = asyncio.ensure_future(client.run(script("hangs"), model="sim/script"))
            await asyncio.wait_for(never.wait(), 10)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await client.ask("Hello") == "You said: Hello"

    asyncio.run(work())
    assert together == 1


def test_what_can_be_called_and_is_no_function(client: Weir) -> None:
    class Weather:
        """What the object is."""

        def __call__(self, city: str, unit: Unit = Unit.C) -> str:
            """Tells the weather."""
            return f"{city} {unit.name}"

        def method(self, city: str) -> str:
            return f"of {city}"

    client.tool(name="object")(Weather())
    client.tool(name="partial")(functools.partial(Weather().__call__, unit=Unit.F))
    client.tool(Weather().method)
    assert client._tools["object"].description == "Tells the weather."
    said = "\n".join((script("object", city="Bonn", unit="fahrenheit"), script("partial", city="Bonn"), script("method", city="Bonn")))
    assert [step["result"] for step in client.run(said, model="sim/script").steps] == ["Bonn F", "Bonn F", "of Bonn"]


def test_what_is_no_tool_is_refused_as_that(client: Weir) -> None:
    async def later() -> str:
        return "later"

    for wrong, says in (("x", "^a tool is a function, not str$"), (functools.partial(print), "^a partial has no name .*say name="), (later, "^later is async: .*AsyncWeir")):
        with pytest.raises(TypeError, match=says):
            client.tool(wrong)  # type: ignore[type-var]
    with pytest.raises(TypeError, match="^parameters is a mapping"):
        client.tool(name="x", parameters=[])(lambda: "")  # type: ignore[call-overload]
    for wrong_time, kind in ("5", TypeError), (float("nan"), ValueError), (True, TypeError):
        with pytest.raises(kind, match="^max_time is "):
            client.run("Hello", max_time=wrong_time)  # type: ignore[arg-type]


def test_arguments_are_as_they_are_annotated(client: Weir) -> None:
    asked: List[Any] = []

    @client.tool
    def take(one: Optional[Unit], many: List[Unit], by: Dict[str, Unit], count: int, bare: List, either: Union[str, Unit] = "") -> str:  # type: ignore[type-arg]
        asked.extend((one, many, by, count, bare, either))
        return "taken"

    said = script("take", one="celsius", many=["fahrenheit"], by={"a": "celsius"}, count=2.0, bare=[1], either="celsius")
    assert client.run(said, model="sim/script").steps[0].get("result") == "taken"
    assert asked == [Unit.C, [Unit.F], {"a": Unit.C}, 2, [1], "celsius"] and type(asked[3]) is int
    client.run(script("take", one=None, many=[], by={}, count=1, bare=[]), model="sim/script")
    assert asked[6] is None


def test_functions_in_threads_see_the_context_of_the_run(aconnect: Callable[..., AsyncWeir]) -> None:
    who = contextvars.ContextVar("who", default="nobody")

    class Waits:
        async def __call__(self) -> str:
            return "awaited"

    async def work() -> None:
        async with aconnect() as client:
            client.tool(name="whose")(lambda: who.get())
            client.tool(name="waits")(Waits())
            who.set("somebody")
            run = await client.run(script("whose") + "\n" + script("waits"), model="sim/script")
            assert [step["result"] for step in run.steps] == ["somebody", "awaited"]

    asyncio.run(work())


def test_of_a_union_the_arm_that_the_argument_fits(client: Weir) -> None:
    asked: List[Any] = []

    @client.tool
    def take(a: Union[List[str], Literal["all"]], b: Union[List[int], Dict[str, int]], c: Union[List[int], Unit], d: Union[int, Unit]) -> str:
        asked.extend((a, b, c, d))
        return "taken"

    for given in ("all", {"a": 1}, "celsius", "fahrenheit"), (["x"], [1.0], [2], 3.0):
        said = script("take", **dict(zip("abcd", given)))
        assert client.run(said, model="sim/script").steps[0].get("result") == "taken"
    assert asked == ["all", {"a": 1}, Unit.C, Unit.F, ["x"], [1], [2], 3]
    assert [type(one) for one in (asked[5][0], asked[7])] == [int, int]


def test_what_a_class_wraps_keeps_its_arguments_and_words(client: Weir) -> None:
    class Counted:
        def __init__(self, function: Callable[..., Any]) -> None:
            functools.update_wrapper(self, function)
            self.function, self.calls = function, 0

        def __call__(self, *args: Any, **more: Any) -> Any:
            self.calls += 1
            return self.function(*args, **more)

    @client.tool
    @Counted
    def weather(city: str, unit: Unit, days: int = 1) -> str:
        """Tells the weather."""
        return f"{city} {unit.name} {days + 1}"

    made = client._tools["weather"]
    assert made.description == "Tells the weather." and made.parameters["properties"]["days"] == {"type": "integer"}
    said = script("weather", city="Bonn", unit="celsius", days=2.0)
    assert client.run(said, model="sim/script").steps[0].get("result") == "Bonn C 3" and weather.calls == 1
