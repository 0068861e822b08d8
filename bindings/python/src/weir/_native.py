"""libweir for ctypes: where the library is, and the functions and structs of <weir.h> that the package uses.

Structs are read by their beginning: later versions of the library only add fields at the end of theirs.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import subprocess
import sys
from ctypes import CFUNCTYPE, POINTER, Structure, c_char_p, c_double, c_int, c_int64, c_size_t, c_uint, c_uint64, c_void_p
from pathlib import Path
from typing import Any, Iterator, MutableMapping, Optional, Union

REQUIRED = (0, 1)
"""Oldest version of libweir that will do; below 1.0 another second number is another API."""

_NAMES = ("libweir.0.dylib", "libweir.dylib") if sys.platform == "darwin" else ("libweir.so.0", "libweir.so")


# ---- finding it ----


def _candidates() -> Iterator[str]:
    """What to try, in order: beside the package (a wheel may bundle it), then the system."""
    here = Path(__file__).parent
    for name in _NAMES:
        if (here / name).exists():
            yield str(here / name)
    yield from _NAMES  # the dynamic linker's own way: LD_LIBRARY_PATH, ldconfig
    found = ctypes.util.find_library("weir")
    if found and found not in _NAMES:
        yield found
    directory = _pkg_config_libdir()
    if directory:
        for name in _NAMES:
            yield str(Path(directory) / name)


def _bundled() -> bool:
    return any((Path(__file__).parent / name).exists() for name in _NAMES)


OPENSSL_OF_DEBIAN = "/usr/lib/ssl"


def _let_it_find_certificates(environment: MutableMapping[str, str], where: str) -> None:
    """A wheel brings an OpenSSL that looks for the system's certificates where Debian has them. Elsewhere they are where this
    Python's own OpenSSL finds them, which is said in the variable that both obey."""
    if os.path.exists(where) or "SSL_CERT_FILE" in environment or "SSL_CERT_DIR" in environment:
        return
    import ssl

    paths = ssl.get_default_verify_paths()
    if paths.cafile:
        environment["SSL_CERT_FILE"] = paths.cafile
    elif paths.capath:
        environment["SSL_CERT_DIR"] = paths.capath


def _pkg_config_libdir() -> str:
    try:
        asked = subprocess.run(
            ["pkg-config", "--variable=libdir", "weir"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        )
    except OSError:
        return ""
    return os.fsdecode(asked.stdout).strip()


def _load() -> ctypes.CDLL:
    given = os.environ.get("WEIR_LIBRARY")
    if given:
        try:
            return ctypes.CDLL(given)
        except OSError as error:
            raise ImportError(f"WEIR_LIBRARY is {given!r}, which cannot be loaded as libweir: {error}") from None
    refusals = []
    if _bundled():
        _let_it_find_certificates(os.environ, OPENSSL_OF_DEBIAN)
    for candidate in _candidates():
        try:
            return ctypes.CDLL(candidate)
        except OSError as error:
            refusals.append(f"  {candidate}: {error}")
    raise ImportError(
        "libweir, the C library that this package calls, was not found. Install it (in weir's sources: make install, "
        "then ldconfig), or set WEIR_LIBRARY to the path of "
        f"{_NAMES[0]}. Tried:\n" + "\n".join(refusals)
    )


def check_version(version: str) -> None:
    """Refuses a library whose API is another than the one that this package was written for."""
    major, minor = (int(part) for part in version.split(".")[:2])
    same_series = major == REQUIRED[0] and (major > 0 or minor == REQUIRED[1])
    if not same_series or (major, minor) < REQUIRED:
        wanted = ".".join(map(str, REQUIRED)) + (".x" if REQUIRED[0] == 0 else " or later")
        raise ImportError(f"libweir is {version}; this version of the Python package needs {wanted}")


# ---- structs ----

OK, CANCELLED, MISUSE, INVALID = 0, 1, 2, 3
TIMEOUT, UNREACHABLE, INTERRUPTED = 8, 7, 10
STOPPED = 12
RUN_ASK, RUN_CALLS, RUN_ENDED = 1, 2, 3


class CHeader(Structure):
    """weir_header."""

    _fields_ = [("name", c_char_p), ("value", c_char_p)]


class CResult(Structure):
    """weir_result. Texts that may hold a NUL are pointers here, to be read with their length."""

    _fields_ = [
        ("code", c_int),
        ("status", c_int),
        ("text", c_void_p),
        ("text_len", c_size_t),
        ("safe_text", c_char_p),
        ("body", c_void_p),
        ("body_len", c_size_t),
        ("error_message", c_char_p),
        ("error_type", c_char_p),
        ("error_code", c_char_p),
        ("error_param", c_char_p),
        ("retry_after_ms", c_int64),
        ("model", c_char_p),
        ("target", c_char_p),
        ("finish_reason", c_char_p),
        ("request_id", c_char_p),
        ("provider_request_id", c_char_p),
        ("attempts", c_uint),
        ("prompt_tokens", c_int64),
        ("completion_tokens", c_int64),
        ("total_tokens", c_int64),
        ("cached_tokens", c_int64),
        ("reasoning_tokens", c_int64),
        ("tokens_estimated", c_int),
        ("response_seconds", c_double),
        ("first_token_seconds", c_double),
        ("headers", POINTER(CHeader)),
        ("header_count", c_size_t),
    ]


class CEvent(Structure):
    """weir_event."""

    _fields_ = [("text", c_void_p), ("text_len", c_size_t), ("json", c_void_p), ("json_len", c_size_t)]


class CSummary(Structure):
    """weir_summary."""

    _fields_ = [
        ("total_calls", c_uint64),
        ("successful_calls", c_uint64),
        ("failed_calls", c_uint64),
        ("success_rate", c_double),
        ("total_tokens", c_int64),
        ("average_response_time", c_double),
        ("models_used", POINTER(c_char_p)),
        ("models_used_count", c_size_t),
        ("prompt_tokens", c_int64),
        ("completion_tokens", c_int64),
        ("retries", c_uint64),
        ("cancelled_calls", c_uint64),
        ("estimated_tokens", c_int64),
    ]


class CToolCall(Structure):
    """weir_tool_call."""

    _fields_ = [("tool", c_char_p), ("id", c_char_p), ("arguments", c_void_p), ("arguments_len", c_size_t), ("user", c_void_p)]


EVENT_FN = CFUNCTYPE(c_int, c_void_p, POINTER(CEvent))
DONE_FN = CFUNCTYPE(None, c_void_p, POINTER(CResult))


# ---- functions ----

lib = _load()


def _function(name: str, result: Any, *arguments: Any) -> Any:
    try:
        function = getattr(lib, name)
    except AttributeError:
        raise ImportError(f"{lib._name} is not libweir, or too old: it has no {name}()") from None
    function.restype, function.argtypes = result, list(arguments)
    return function


version = _function("weir_version", c_char_p)
code_name = _function("weir_code_name", c_char_p, c_int)

options_new = _function("weir_options_new", c_void_p)
options_free = _function("weir_options_free", None, c_void_p)
options_set_file = _function("weir_options_set_file", None, c_void_p, c_char_p)
options_set_yaml = _function("weir_options_set_yaml", None, c_void_p, c_char_p)
options_set_url = _function("weir_options_set_url", None, c_void_p, c_char_p)
options_set_key = _function("weir_options_set_key", None, c_void_p, c_char_p)
options_add_fallback = _function("weir_options_add_fallback", None, c_void_p, c_char_p, c_char_p, c_char_p)
options_set_model = _function("weir_options_set_model", None, c_void_p, c_char_p)
options_set_concurrency = _function("weir_options_set_concurrency", None, c_void_p, c_uint)
options_set_adaptive = _function("weir_options_set_adaptive", None, c_void_p, c_int)
options_set = _function("weir_options_set", None, c_void_p, c_char_p, c_char_p)
options_set_foreign_loop = _function("weir_options_set_foreign_loop", None, c_void_p)

client_new = _function("weir_client_new", c_void_p, c_void_p, POINTER(c_void_p))
client_free = _function("weir_client_free", None, c_void_p)
client_fd = _function("weir_client_fd", c_int, c_void_p)
client_timeout_ms = _function("weir_client_timeout_ms", c_int64, c_void_p)
client_step = _function("weir_client_step", None, c_void_p)
client_summary = _function("weir_client_summary", POINTER(CSummary), c_void_p)
summary_free = _function("weir_summary_free", None, POINTER(CSummary))
string_free = _function("weir_string_free", None, c_void_p)

request_new = _function("weir_request_new", c_void_p)
request_free = _function("weir_request_free", None, c_void_p)
request_set_body = _function("weir_request_set_body", None, c_void_p, c_char_p, c_size_t)
request_set_path = _function("weir_request_set_path", None, c_void_p, c_char_p)
request_set_call = _function("weir_request_set_call", None, c_void_p, c_char_p, c_char_p)
request_set_content = _function("weir_request_set_content", None, c_void_p, c_char_p, c_char_p, c_size_t)
request_keep_headers = _function("weir_request_keep_headers", None, c_void_p, c_int)
request_set_header = _function("weir_request_set_header", None, c_void_p, c_char_p, c_char_p)
request_set_timeout_ms = _function("weir_request_set_timeout_ms", None, c_void_p, c_int64)
result_free = _function("weir_result_free", None, POINTER(CResult))

start = _function("weir_start", c_void_p, c_void_p, c_void_p, EVENT_FN, DONE_FN, c_void_p)
call_cancel = _function("weir_call_cancel", None, c_void_p)
call_pause = _function("weir_call_pause", None, c_void_p)
call_resume = _function("weir_call_resume", None, c_void_p)
call_free = _function("weir_call_free", None, c_void_p)

client_add_tool = _function(
    "weir_client_add_tool", c_int, c_void_p, c_char_p, c_char_p, c_char_p, c_void_p, c_void_p, POINTER(c_void_p)
)
run_new = _function("weir_run_new", c_void_p, c_void_p, c_void_p)
run_free = _function("weir_run_free", None, c_void_p)
run_set_max_steps = _function("weir_run_set_max_steps", None, c_void_p, c_uint)
run_set_timeout_ms = _function("weir_run_set_timeout_ms", None, c_void_p, c_int64)
run_set_max_result = _function("weir_run_set_max_result", None, c_void_p, c_size_t)
run_next = _function("weir_run_next", c_int, c_void_p)
run_request = _function("weir_run_request", c_void_p, c_void_p)
run_take = _function("weir_run_take", None, c_void_p, POINTER(CResult))
run_calls = _function("weir_run_calls", POINTER(POINTER(CToolCall)), c_void_p, POINTER(c_size_t))
run_answer = _function("weir_run_answer", None, c_void_p, c_void_p, c_char_p, c_size_t)
run_fail = _function("weir_run_fail", None, c_void_p, c_void_p, c_char_p, c_size_t)
run_steps = _function("weir_run_steps", c_void_p, c_void_p, POINTER(c_size_t))
run_result = _function("weir_run_result", POINTER(CResult), c_void_p)

check_version(version().decode())


# ---- texts ----


def encode(text: str, what: str) -> bytes:
    """A str as C takes it. A NUL would end it early and unseen, so it is refused."""
    if not isinstance(text, str):
        raise TypeError(f"{what} must be a str, not {type(text).__name__}")
    if "\0" in text:
        raise ValueError(f"{what} has a NUL character in it")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{what} has half a surrogate pair in it, which is no character") from None


def encode_or_none(text: Optional[str], what: str) -> Optional[bytes]:
    return None if text is None else encode(text, what)


def encode_any(text: str) -> bytes:
    """Any str as UTF-8: halves of a surrogate pair that belong together are one character, others U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def encode_path(path: Union[str, "os.PathLike[str]"], what: str) -> bytes:
    """A path as the system has it, which need not be UTF-8."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f"{what} is a path, a str or os.PathLike; not {type(path).__name__}")
    name = os.fsencode(path)
    if b"\0" in name:
        raise ValueError(f"{what} has a NUL character in it")
    return name


def decode(text: Optional[bytes]) -> Optional[str]:
    return None if text is None else text.decode("utf-8", "replace")


def bytes_at(address: Optional[int], length: int) -> Optional[bytes]:
    return None if address is None else ctypes.string_at(address, length)
