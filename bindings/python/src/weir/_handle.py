"""The C client: what it is made from, who may use it, when it goes."""

from __future__ import annotations

import ctypes
import inspect
import os
import re
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, ClassVar, Dict, Iterable, List, Mapping, Optional, Set, TypedDict, TypeVar, Union, cast
from weakref import WeakSet

from . import _native as c
from ._errors import WeirError
from ._params import PARAMS
from ._request import Request, check_params, conversation, header_fields, mapping, refuses_unknown, unknown, whole
from ._types import NOT_GIVEN, Fallback, Messages, NotGiven, Omit, UsageSummary

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._tools import Tool


_WORDS = {
    r"a key \(weir_options_set_key\), a URL \(weir_options_set_url; \"simulator\": the built-in one\) or a configuration file \(weir_options_set_file\)": "give api_key, base_url or config",
    r"a client is made from a configuration file, from the text of one, or from a URL, a key and fallbacks": "a client is made from config, from config_text, "
    "or from base_url, api_key and fallbacks",
    r"^the concurrency is": "max_concurrency is",
    r"^setting retry\.retries: retry\.retries is": "max_retries is",
    r"^setting (\S+):": r"options['\1']:",
    r"^yaml:": "config_text:",
    r"^the URL \(weir_options_set_url\):": "base_url:",
    r"^the key \(weir_options_set_key\):": "api_key:",
    r"^the URL of (fallback \d+) \(weir_options_add_fallback\):": r"base_url of \1:",
    r"^the key of (fallback \d+) \(weir_options_add_fallback\):": r"api_key of \1:",
    r"weir_options_set_(\w+)": r"\1",
}
"""What the C library calls by its functions (lib/options.c), and what a Python program knows it as."""


def in_pythons_words(why: str) -> str:
    for words, pythons in _WORDS.items():
        why = re.sub(words, pythons, why, flags=re.M)
    return why


class Handle:
    """A weir_client. Outlives the Python client that made it for as long as a call needs it."""

    def __init__(self, options: int) -> None:
        why = ctypes.c_void_p()
        self._pid = os.getpid()
        self._lock = threading.RLock()  # no C function is inside the client when it is freed
        self.tools: Set[str] = set()  # names of those that the C client knows
        self._client: Optional[int] = c.client_new(options, ctypes.byref(why))
        if self._client is None:
            text = c.decode(ctypes.string_at(why.value)) if why.value else None
            c.string_free(why)
            raise WeirError(in_pythons_words(text) if text else "the client could not be made")

    def use(self) -> threading.RLock:
        """The lock to hold around what is done with `pointer`; refuses where a client cannot be used."""
        if not self.owned:
            raise RuntimeError(
                f"this client was made in process {self._pid} and does not survive fork(): make one in each process"
            )
        return self._lock

    @property
    def pointer(self) -> int:
        if self._client is None:
            raise RuntimeError("this client has been closed")
        return self._client

    @property
    def owned(self) -> bool:
        """Whether this is the process that made it. In a forked child its thread and its locks are gone."""
        return os.getpid() == self._pid

    @property
    def closed(self) -> bool:
        return self._client is None

    def close(self) -> None:
        """Cancels what runs. All calls have heard of it when this returns, or soon after where it is a signal's handler that closes it, and
        the signal came in the middle of a use()."""
        if not self.owned:
            self._client = None
            return
        within = cast(Any, self._lock)._is_owned()
        with self._lock:
            client, self._client = self._client, None
        if client is None:
            return
        if within:
            threading.Thread(target=self._free, args=(client,)).start()
        else:
            c.client_free(client)

    def _free(self, client: int) -> None:
        """When whoever uses it has done so."""
        with self._lock:
            pass
        c.client_free(client)

    def summary(self) -> UsageSummary:
        with self.use():
            pointer = c.client_summary(self.pointer)
        try:
            s = pointer.contents
            return {
                "total_calls": s.total_calls,
                "successful_calls": s.successful_calls,
                "failed_calls": s.failed_calls,
                "success_rate": s.success_rate,
                "total_tokens": s.total_tokens,
                "average_response_time": s.average_response_time,
                "models_used": [c.decode(s.models_used[i]) or "" for i in range(s.models_used_count)],
                "prompt_tokens": s.prompt_tokens,
                "completion_tokens": s.completion_tokens,
                "retries": s.retries,
                "cancelled_calls": s.cancelled_calls,
                "estimated_tokens": s.estimated_tokens,
            }
        finally:
            c.summary_free(pointer)


Self = TypeVar("Self", bound="ClientBase")


class Options(TypedDict, total=False):
    """What with_options() takes: what a client is made from."""

    base_url: Optional[str]
    api_key: Optional[str]
    model: Optional[str]
    config: Union[str, "os.PathLike[str]", None]
    config_text: Optional[str]
    max_concurrency: Optional[int]
    adaptive: bool
    max_retries: Optional[int]
    fallbacks: Iterable[Union[str, Fallback]]
    options: Optional[Mapping[str, str]]
    timeout: Optional[float]
    default_headers: Optional[Mapping[str, str]]
    set_default_headers: Optional[Mapping[str, str]]


class ClientBase:
    """What Weir and AsyncWeir have in common: what they are made from, and what needs no waiting."""

    _foreign_loop: ClassVar[bool]
    _origin: ClientBase  # of one that with_options() made: kept alive, and with it the C client

    @refuses_unknown
    def __init__(
        self,
        *,
        base_url: Optional[str] = None,
        api_key: Optional[str] = None,
        model: Optional[str] = None,
        config: Union[str, "os.PathLike[str]", None] = None,
        config_text: Optional[str] = None,
        max_concurrency: Optional[int] = None,
        adaptive: bool = False,
        max_retries: Optional[int] = None,
        fallbacks: Iterable[Union[str, Fallback]] = (),
        options: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
        default_headers: Optional[Mapping[str, str]] = None,
    ) -> None:
        """Everything may be left out.

        base_url         as the SDKs take it, a gateway's or a provider's; default $OPENAI_BASE_URL, else OpenAI's
        api_key          default $OPENAI_API_KEY
        model            of requests that name none; default gpt-4o-mini
        config           path of a weir.yaml, instead of base_url and api_key
        config_text      the same, its text
        max_concurrency  calls at a time, further ones wait their turn; default 5
        adaptive         fewer calls at a time after a 429, more again as calls succeed
        max_retries      tries after the first one, over all targets; default 3
        fallbacks        further targets, asked when those before them fail: URLs, or dicts of base_url, api_key, model
        options          any option of the configuration by its dotted path: {"timeouts.first_token": "10s"}
        timeout          deadline of a call in seconds, its time in the queue included; default: timeouts.total
                         (30 minutes), from when it leaves the queue
        default_headers  sent with each call

        Raises WeirError where these will not do, and says all that is wrong with them.
        """
        if isinstance(fallbacks, (str, Mapping)):
            raise TypeError("fallbacks is one fallback; give a list of them")
        if fallbacks is not None and not isinstance(fallbacks, Iterable):
            raise TypeError(f"fallbacks is a list of fallbacks, not {type(fallbacks).__name__}")
        fallbacks = list(fallbacks or ())  # with_options() reads them again
        options = dict(mapping(options, "options"))
        given = dict(locals())
        self._arguments = {name: given[name] for name in _ARGUMENTS}
        self._variants: OrderedDict[str, Any] = OrderedDict()
        self._made: WeakSet[Any] = WeakSet()  # all of them
        self._lock = threading.RLock()  # of both; again in a signal's handler
        self._gives_raw = False
        self._tools: Dict[str, Tool] = {}
        calls = 5 if max_concurrency is None else whole(max_concurrency, "max_concurrency", 1)
        self._ahead = max(64, 2 * calls)
        self._timeout = timeout
        self._headers = dict(mapping(default_headers, "default_headers"))
        header_fields(self._headers, "default_headers")
        Request("/", {}, timeout=timeout)  # refuses now what each call would refuse
        o = c.options_new()
        try:
            for value, what, set_text in (
                (config_text, "config_text", c.options_set_yaml),
                (base_url, "base_url", c.options_set_url),
                (api_key, "api_key", c.options_set_key),
                (model, "model", c.options_set_model),
            ):
                if value is not None:
                    set_text(o, c.encode(value, what))
            if config is not None:
                c.options_set_file(o, c.encode_path(config, "config"))
            if max_concurrency is not None:
                c.options_set_concurrency(o, max_concurrency)
            c.options_set_adaptive(o, bool(adaptive))
            for fallback in fallbacks:
                _add_fallback(o, fallback)
            if max_retries is not None:
                c.options_set(o, b"retry.retries", str(whole(max_retries, "max_retries", 0)).encode())
            for path, value in options.items():
                c.options_set(o, c.encode(path, "a name in options"), c.encode(value, f"options[{path!r}]"))
            if self._foreign_loop:
                c.options_set_foreign_loop(o)
            self._handle = Handle(o)
        finally:
            c.options_free(o)
        self._opened()

    def _opened(self) -> None:
        """The client's own part, once `_handle` is there."""
        raise NotImplementedError

    # ---- the same client, otherwise ----

    def with_options(self: Self, **options: Unpack[Options]) -> Self:
        """The client with other options for the calls that are made through what this returns.

        timeout, default_headers (added to those there are) and set_default_headers (in their place) share its connections and
        counts. Any other argument of the client makes one of its own beside it, which is kept for the next time.
        """
        self._refuse_closed()  # which a client beside it would bring back
        known = {*_ARGUMENTS, "set_default_headers"}
        for name in options:
            if name not in known:
                raise unknown(name, "with_options()", known)
        own = {"timeout", "default_headers", "set_default_headers"}
        rest = {name: _lasting(value) for name, value in options.items() if name not in own and not isinstance(value, (NotGiven, Omit))}
        made = _shared(self._variant(rest) if rest else self)
        made._timeout, made._headers, made._tools = self._timeout, dict(self._headers), self._tools
        if not isinstance(options.get("timeout", NOT_GIVEN), (NotGiven, Omit)):
            made._timeout = options["timeout"]
        if options.get("set_default_headers") is not None:
            made._headers = dict(mapping(options["set_default_headers"], "set_default_headers"))
        made._headers.update(mapping(options.get("default_headers"), "default_headers"))
        header_fields(made._headers, "default_headers")
        Request("/", {}, timeout=made._timeout)
        made._arguments = {**made._arguments, "timeout": made._timeout, "default_headers": made._headers}
        return made

    copy = with_options

    def _variant(self: Self, changes: Mapping[str, Any]) -> Self:
        """A client that is made from other arguments. The last few are kept: their connections are worth it."""
        key = repr(sorted(changes.items()))
        with self._lock:
            made: Optional[Self] = self._variants.pop(key, None)
            if made is None or made._handle.closed:
                made = type(self)(**{**self._arguments, **changes})
            self._variants[key] = made
            self._made.add(made)
            if len(self._variants) > _VARIANTS:
                self._variants.popitem(last=False)
        self._refuse_closed()  # by a signal's handler, in the meantime
        return made

    def _refuse_closed(self) -> None:
        with self._handle.use():
            _ = self._handle.pointer

    def _take_variants(self: Self) -> List[Self]:
        """All that there are, be they kept here or by somebody else."""
        with self._lock:
            taken = list(self._made)
            self._made.clear()
            self._variants.clear()
        return taken

    def _raw(self: Self) -> Self:
        """The client whose resources give raw responses."""
        made = _shared(self)
        made._gives_raw = True
        return made

    def _refuse_raw_stream(self) -> None:
        if self._gives_raw:
            raise TypeError("with_raw_response gives whole answers; create(stream=True) without it streams")

    def usage_summary(self) -> UsageSummary:
        """Calls, tokens, times and models of all calls that have ended since the client was made."""
        return self._handle.summary()

    def _request(
        self,
        path: str,
        members: Mapping[str, Any],
        *,
        known: Optional[Iterable[str]] = None,
        method: str = "POST",
        extra_headers: Optional[Mapping[str, str]] = None,
        extra_query: Optional[Mapping[str, Any]] = None,
        extra_body: Optional[Mapping[str, Any]] = None,
        timeout: Optional[float] = None,
        **params: Any,
    ) -> Request:
        """A request from what a create() was given. known: its keywords, where the path is none of PARAMS."""
        check_params(path, params, PARAMS[path] if known is None else known)
        if params.pop("stream", None):
            raise TypeError("stream=True is for create() of chat.completions, completions and responses; this gives whole answers")
        return Request(
            path,
            {**members, **params},
            method=method,
            extra_query=extra_query,
            extra_headers={**self._headers, **mapping(extra_headers, "extra_headers")},
            extra_body=extra_body,
            timeout=self._timeout if timeout is None or isinstance(timeout, (NotGiven, Omit)) else timeout,
        )

    def _chat_request(self, messages: Messages, model: Optional[str], params: Mapping[str, Any]) -> Request:
        return self._request("/chat/completions", {"model": model, "messages": conversation(messages)}, **params)

    def _batch_request(self, what: Union[Messages, Mapping[str, Any]], model: Optional[str], params: Mapping[str, Any]) -> Request:
        """One of a batch: messages, or a mapping with messages and parameters of its own."""
        if not isinstance(what, Mapping):
            return self._chat_request(what, model, params)
        own = {"model": model, **params, **what}
        return self._chat_request(own.pop("messages", ()), own.pop("model"), own)


_ARGUMENTS = tuple(name for name in inspect.signature(ClientBase.__init__).parameters if name != "self")
_VARIANTS = 8


def _lasting(value: Any) -> Any:
    """What can be read once alone, or says nothing of itself, as what it holds: clients are found again by it."""
    if isinstance(value, str):
        return str.__str__(value)  # of a type of its own, as secrets' that show asterisks: the plain text
    if isinstance(value, bytes):
        return memoryview(value).tobytes()
    if isinstance(value, (int, float, type(None))):
        return value
    if isinstance(value, os.PathLike):
        return _lasting(os.fspath(value))
    if isinstance(value, Mapping):
        return {_lasting(name) if isinstance(name, str) else name: _lasting(inner) for name, inner in value.items()}
    return [_lasting(inner) for inner in value] if isinstance(value, Iterable) else value


def _shared(client: Self) -> Self:
    """Another client over the same C client, which lives as long as either."""
    made = object.__new__(type(client))
    made.__dict__.update(client.__dict__)
    made._origin = client
    return made


def _add_fallback(options: int, fallback: Union[str, Fallback]) -> None:
    known: Fallback = {"base_url": fallback} if isinstance(fallback, str) else fallback
    if not isinstance(known, Mapping):
        raise TypeError(f"a fallback is a URL, or a dict with base_url, api_key and model; not {type(known).__name__}")
    unknown = set(known) - {"base_url", "api_key", "model"}
    if unknown or "base_url" not in known:
        raise ValueError(f"a fallback is a URL, or a dict with base_url, api_key and model; not one with {sorted(known)}")
    c.options_add_fallback(
        options,
        c.encode(known["base_url"], "base_url of a fallback"),
        c.encode_or_none(known.get("api_key"), "api_key of a fallback"),
        c.encode_or_none(known.get("model"), "model of a fallback"),
    )


