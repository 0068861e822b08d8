"""Functions of the program that a model may call, and the runs in which it does: client.tool and client.run().

What follows what is decided in libweir (weir_run_next()); here the model is asked, and functions are called, in the client's own way
of waiting.
"""

from __future__ import annotations

import asyncio
import ctypes
import contextvars
import enum
import functools
import inspect
import json
import threading
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Awaitable, Callable, Dict, List, Literal, Mapping, Optional, Tuple, TypeVar, Union, overload

from . import _native as c
from ._errors import WeirError, error_from
from ._handle import ClientBase, Handle
from ._json import read_all, read_object
from ._request import mapping, milliseconds, whole
from ._types import Result, copy_result

if TYPE_CHECKING:
    from ctypes import _Pointer

    from ._request import Request

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Run:
    """What a run came to."""

    text: str
    """The model's answer; of a run that was stopped its last words, or a plain sentence."""
    steps: List[Dict[str, Any]]
    """The calls that were made: tool, arguments, result or error, ms."""
    stopped: Optional[str]
    """None; or by which limit: "max_steps", "max_time", "max_tokens"."""
    weir: Result
    """Of the last answer, with the tokens of all of them."""


# ---- what a function takes, as JSON Schema ----

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null", dict: "object", list: "array"}


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    """What is run: of a partial its function, of an object that can be called its __call__."""
    while isinstance(function, functools.partial):
        function = function.func
    return function if inspect.isroutine(function) or inspect.isclass(function) else function.__call__  # type: ignore[operator]


def _within(function: Callable[..., Any]) -> Callable[..., Any]:
    """What has the annotations and the docstring: what is run, or what that wraps."""
    while isinstance(function, functools.partial):
        function = function.func
    return _called(inspect.unwrap(function))


def parameters_of(function: Callable[..., Any]) -> Dict[str, Any]:
    """The JSON Schema of a function's arguments, from its annotations."""
    name_of_it = getattr(function, "__name__", type(function).__name__)
    hints = typing.get_type_hints(_within(function), include_extras=True)
    properties: Dict[str, Any] = {}
    schema: Dict[str, Any] = {"type": "object", "properties": properties, "required": [], "additionalProperties": False}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            schema["additionalProperties"] = True
            continue
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.POSITIONAL_ONLY):
            raise TypeError(f"{name_of_it}: a model calls by names, and {name} has none")
        properties[name] = _schema_of(hints.get(name, Any), f"{name_of_it}: {name}")
        if parameter.default is parameter.empty:
            schema["required"].append(name)
    return schema


def _schema_of(kind: Any, where: str) -> Dict[str, Any]:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any or kind is inspect.Parameter.empty:
        return {}
    if hasattr(kind, "__metadata__"):  # Annotated
        told = next((note for note in kind.__metadata__ if isinstance(note, str)), None)
        return {**_schema_of(kind.__origin__, where), **({"description": told} if told else {})}
    if kind in _PLAIN:
        return {"type": _PLAIN[kind]}
    if origin is Literal:
        return {"enum": list(args)}
    if _is_union(origin):
        return {"anyOf": [_schema_of(arm, where) for arm in args]}
    if origin in (list, dict) and not args:  # typing.List
        return {"type": _PLAIN[origin]}
    if origin is list:
        return {"type": "array", "items": _schema_of(args[0], where)}
    if origin is dict and args[0] is str:
        return {"type": "object", "additionalProperties": _schema_of(args[1], where)}
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return {"enum": [member.value for member in kind]}
    raise TypeError(f"{where} is a {kind!r}, of which no JSON Schema can be made; say parameters=")


def _is_union(origin: Any) -> bool:
    return origin is Union or getattr(origin, "__name__", "") == "UnionType"


# ---- tools of a client ----


@dataclass(frozen=True)
class Tool:
    name: str
    description: str
    parameters: Dict[str, Any]
    function: Callable[..., Any]
    kinds: Mapping[str, Any]
    """Annotations of its parameters; none where the schema is the program's own."""


def _is_async(name: str) -> TypeError:
    return TypeError(f"{name} is async: it can be a tool of an AsyncWeir, whose run() is awaited")


def add_tool(handle: Handle, tool: Tool) -> None:
    """Once for each C client, whichever thread is the first."""
    with handle.use():
        if tool.name in handle.tools:
            return
        why = ctypes.c_void_p()
        schema = json.dumps(tool.parameters, allow_nan=False).encode()
        done = c.client_add_tool(
            handle.pointer, tool.name.encode(), c.encode(tool.description, f"the description of {tool.name}"), schema, None, None, ctypes.byref(why)
        )
        if done:
            handle.tools.add(tool.name)
            return
    text = c.decode(ctypes.string_at(why.value)) if why.value else None
    c.string_free(why)
    raise WeirError(text or "the tool cannot be used")


class HasTools(ClientBase):
    """The part of a client that knows functions of the program."""

    @overload
    def tool(self, function: Function) -> Function: ...

    @overload
    def tool(
        self, *, name: Optional[str] = None, description: Optional[str] = None, parameters: Optional[Mapping[str, Any]] = None
    ) -> Callable[[Function], Function]: ...

    def tool(
        self,
        function: Optional[Function] = None,
        *,
        name: Optional[str] = None,
        description: Optional[str] = None,
        parameters: Optional[Mapping[str, Any]] = None,
    ) -> Any:
        """A decorator: models that run() asks may call the function, by its name.

        They are told its docstring, and a JSON Schema of its annotations; `name`, `description` and `parameters` (a schema) say otherwise.
        Arguments are held against the schema before it is called. What it returns goes to the model, as text or as JSON; an exception
        that it raises goes there as the call's error.
        """

        def add(function: Function) -> Function:
            if not callable(function):
                raise TypeError(f"a tool is a function, not {type(function).__name__}")
            called = name or getattr(function, "__name__", None)
            if called is None:
                raise TypeError(f"a {type(function).__name__} has no name that models could call it by; say name=")
            c.encode(called, "the name of a tool")
            if not self._foreign_loop and inspect.iscoroutinefunction(_called(function)):
                raise _is_async(called)
            made = Tool(
                called,
                inspect.cleandoc(_within(function).__doc__ or "") if description is None else description,
                parameters_of(function) if parameters is None else dict(mapping(parameters, "parameters")),
                function,
                typing.get_type_hints(_within(function)) if parameters is None else {},
            )
            if made.name in self._tools:
                raise WeirError(f"there is a tool of the name {made.name} already")
            add_tool(self._handle, made)
            self._tools[made.name] = made
            return function

        return add if function is None else add(function)


# ---- runs ----


class AskedBy:
    """The request of a run's next model call, which is the run's own."""

    def __init__(self, pointer: int) -> None:
        self.pointer = pointer


class Driver:
    """A weir_run, as one of the two clients drives it."""

    def __init__(
        self, client: HasTools, request: Request, max_steps: Optional[int], max_time: Optional[float], max_result: Optional[int]
    ) -> None:
        self._handle, self._tools = client._handle, dict(client._tools)
        self._lock = threading.RLock()  # a call that was given up ends later, and in another thread
        for tool in self._tools.values():
            add_tool(self._handle, tool)
        with self._handle.use():
            self._run = c.run_new(self._handle.pointer, request.pointer)
        if max_steps is not None:
            c.run_set_max_steps(self._run, whole(max_steps, "max_steps", 1))
        within = milliseconds(max_time, "max_time")
        if within:
            c.run_set_timeout_ms(self._run, within)
        if max_result is not None:
            c.run_set_max_result(self._run, whole(max_result, "max_result", 0))

    def next(self) -> int:
        with self._handle.use():
            return int(c.run_next(self._run))

    def request(self) -> Any:
        return AskedBy(c.run_request(self._run))

    def take(self, result: _Pointer[c.CResult]) -> None:
        if not self._lock.acquire(blocking=False):  # it is being freed; nobody waits for a lock here (ThreadCall)
            return
        try:
            if self._run is not None:
                c.run_take(self._run, result)
        finally:
            self._lock.release()

    def calls(self) -> List[Tuple[int, Tool, bytes]]:
        """Those that are to be answered: where the call is, the tool, its arguments as JSON."""
        count = ctypes.c_size_t()
        pointers = c.run_calls(self._run, ctypes.byref(count))
        made = []
        for i in range(count.value):
            call = pointers[i].contents
            arguments = ctypes.string_at(call.arguments, call.arguments_len)
            made.append((ctypes.addressof(call), self._tools[call.tool.decode()], arguments))
        return made

    def answer(self, call: int, said: Any) -> None:
        text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
        self._say(c.run_answer, call, text)

    def fail(self, call: int, error: BaseException) -> None:
        why = str(error) if isinstance(error, (ValueError, RuntimeError)) and str(error) else f"{type(error).__name__}: {error}"
        self._say(c.run_fail, call, why)

    def _say(self, how: Any, call: int, text: str) -> None:
        said = c.encode_any(text)
        if self._run is not None:  # a function of a run that was given up may end later
            how(self._run, call, said, len(said))

    def outcome(self) -> Run:
        length = ctypes.c_size_t()
        steps = read_all(ctypes.string_at(c.run_steps(self._run, ctypes.byref(length)), length.value))
        result = copy_result(c.run_result(self._run))
        if result.ok or result.code == c.STOPPED:
            return Run(result.safe_text, steps, None if result.ok else result.error_code, result)
        error = error_from(result)
        error.steps = steps
        raise error

    def free(self) -> None:
        with self._lock:
            run, self._run = self._run, None
            if run is not None and self._handle.owned:
                c.run_free(run)

    def __del__(self) -> None:
        if getattr(self, "_run", None) is not None:
            self.free()


def _may_be(kind: Any, value: Any) -> bool:
    """Whether a value of JSON is one of the kind, as _schema_of() has it."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return value in args
    if _is_union(origin):
        return any(_may_be(arm, value) for arm in args)
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return any(value == member.value for member in kind)
    if kind in (int, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool) and (kind is float or value == int(value))
    if (origin or kind) is list:
        return isinstance(value, list) and all(_may_be(args[0] if args else Any, one) for one in value)
    if (origin or kind) is dict:
        return isinstance(value, dict) and all(_may_be(args[1] if args else Any, one) for one in value.values())
    return kind not in _PLAIN or isinstance(value, kind)


def _as(kind: Any, value: Any) -> Any:
    """An argument as its annotation has it: JSON has no enums, and for it 2.0 is a whole number."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if inspect.isclass(kind) and issubclass(kind, enum.Enum):
        return kind(value)
    if kind is int and isinstance(value, float):
        return int(value)
    if origin is list and args:
        return [_as(args[0], one) for one in value]
    if origin is dict and args:
        return {name: _as(args[1], one) for name, one in value.items()}
    if _is_union(origin) and type(value) not in args:
        return next((_as(arm, value) for arm in args if _may_be(arm, value)), value)
    return value


def _keywords(tool: Tool, arguments: bytes) -> Dict[str, Any]:
    """Raises a ValueError that the model is told."""
    try:
        members = read_object(arguments, dict)
    except ValueError:
        raise ValueError("the arguments are more than can be read here: an integer has too many digits, or they are nested too deeply") from None
    return {name: _as(tool.kinds.get(name, Any), value) for name, value in members.items()}


def _was_cancelled() -> Exception:
    """What the model is told in the place of a CancelledError."""
    return RuntimeError("it was cancelled")


def call_waiting(driver: Driver) -> None:
    """Calls what is to be called, one after the other."""
    for call, tool, arguments in driver.calls():
        said: Any = None
        try:
            said = tool.function(**_keywords(tool, arguments))
            if not inspect.isawaitable(said):
                driver.answer(call, said)
        except asyncio.CancelledError:
            driver.fail(call, _was_cancelled())
        except Exception as error:
            driver.fail(call, error)
        if inspect.isawaitable(said):  # under a decorator that does not show it
            if inspect.iscoroutine(said):
                said.close()
            raise _is_async(tool.name)


def _outcome(function: Callable[..., Any], keywords: Mapping[str, Any]) -> Tuple[Any, Optional[Exception]]:
    """What it returns or raises. As a thread's exception a StopIteration would never arrive: before Python 3.12 no future takes it."""
    try:
        return function(**keywords), None
    except asyncio.CancelledError:  # of a loop of its own; that of the run would take it for its own
        return None, _was_cancelled()
    except Exception as error:
        return None, error


async def _awaited(said: Awaitable[Any]) -> Any:
    """What it comes to, in a task of its own: that it was cancelled, as by what it waited for, is told from the end of the run."""
    task = asyncio.ensure_future(said)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        while not task.done():
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError:  # once more, of a task that still cleans up
                task.cancel()
        if not task.cancelled():
            task.exception()  # nobody is to be told any more, nor asyncio's log
        raise
    if task.cancelled():
        raise _was_cancelled()
    return task.result()


async def _call_one(driver: Driver, call: int, tool: Tool, arguments: bytes) -> None:
    wrong: Optional[Exception] = None
    try:
        keywords = _keywords(tool, arguments)
        if inspect.iscoroutinefunction(_called(tool.function)):
            said = tool.function(**keywords)
        else:
            context = contextvars.copy_context()
            said, wrong = await asyncio.get_running_loop().run_in_executor(None, context.run, _outcome, tool.function, keywords)
        if inspect.isawaitable(said):  # a decorator may hide that its function is async
            said = await _awaited(said)
        if wrong is None:
            driver.answer(call, said)
    except Exception as error:
        wrong = error
    if wrong is not None:
        driver.fail(call, wrong)


async def call_awaiting(driver: Driver) -> None:
    """The same beside each other; a plain function in a thread, so that the loop goes on."""
    ended = await asyncio.gather(*(_call_one(driver, *call) for call in driver.calls()), return_exceptions=True)  # which waits for all
    for error in ended:
        if error is not None:
            raise error
