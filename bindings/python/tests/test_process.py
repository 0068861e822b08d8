"""What a process does to its clients: Ctrl-C, the end with a client open, fork; and where the library is found."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import weir
from conftest import Holder, run_python
from weir import _native

BLOCKED = """
import sys
from weir import Weir
client = Weir(base_url=sys.argv[1], api_key="any", max_concurrency=1)
try:
    {call}
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.stdin.readline()
"""


@pytest.mark.parametrize("call", ['client.ask("x")', 'client.chat.completions.create(messages="x", stream=True)', 'client.batch(["x", "y"])'])
def test_ctrl_c_cancels_a_blocking_call(holder: Holder, call: str) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", BLOCKED.format(call=call), holder.base_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        holder.wait_arrived()
        process.send_signal(signal.SIGINT)
        assert process.stdout and process.stdout.readline() == "interrupted\n"
        holder.wait_left()  # while the process and its client live on
        process.communicate("\n", timeout=20)
        assert process.returncode == 0


def test_ctrl_c_ends_an_event_loop(holder: Holder) -> None:
    script = "import asyncio, sys\nfrom weir import AsyncWeir\nclient = AsyncWeir(base_url=sys.argv[1], api_key='any')\nasyncio.run(client.ask('x'))"
    with subprocess.Popen([sys.executable, "-c", script, holder.base_url], stderr=subprocess.PIPE, text=True) as process:
        holder.wait_arrived()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert said.rstrip().endswith("KeyboardInterrupt") and process.returncode == -signal.SIGINT
    holder.wait_left()


def test_the_end_of_the_process_with_everything_open(sim: str, holder: Holder) -> None:
    done = run_python(
        """
import asyncio, sys, threading
from weir import AsyncWeir, CallCancelledError, Weir
client = Weir(base_url=sys.argv[1], api_key="any")
held = Weir(base_url=sys.argv[2], api_key="any")
unread = client.chat.completions.create(messages="Hello", model="sim/words-100000,pace-1", stream=True)
next(unread)
def wait():
    try:
        held.ask("Hello")
    except CallCancelledError:
        pass
    except RuntimeError as error:  # one that has not come to ask by then
        assert str(error) == "this client has been closed", error
for _ in range(4):
    threading.Thread(target=wait, daemon=True).start()
other = AsyncWeir(base_url=sys.argv[1], api_key="any")
async def work():
    global task, stream
    stream = await other.chat.completions.create(messages="Hello", model="sim/words-100000,pace-1", stream=True)
    await stream.__anext__()
loop = asyncio.new_event_loop()
loop.run_until_complete(work())
print("here")
""",
        sim,
        holder.base_url,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "here\n", "")


CLOSED_BY_A_SIGNAL = """
import inspect, signal, sys, threading
import weir._call, weir._handle, weir._stream
from weir import CallCancelledError, Weir
client = Weir(base_url=sys.argv[1], api_key="any")
here, function, text = threading.Event(), eval("weir." + sys.argv[2]), sys.argv[3]
lines, first = inspect.getsourcelines(function)
number = first + next(n for n, line in enumerate(lines) if text in line)
def close(*_):
    here.set()
    client.close()
signal.signal(signal.SIGTERM, close)
def trace(frame, event, _):
    if frame.f_code is not function.__code__:
        return None
    if event == "line" and frame.f_lineno == number and not here.is_set():
        signal.raise_signal(signal.SIGTERM)
    return trace
arrived, events = weir._stream.ThreadCall.arrived, []
def late(call, event):  # the second event comes while the reader stands in the handler
    events.append(event)
    if len(events) == 2:
        here.wait()
    return arrived(call, event)
weir._stream.ThreadCall.arrived = late
sys.settrace(trace)
try:
    if "Base" in sys.argv[2]:
        client.with_options(model="m").ask("Hello")
    for chunk in client.chat.completions.create(messages="Hello", model="sim/words-100000,pace-0", stream=True):
        pass
except (CallCancelledError, RuntimeError) as error:
    print(error)
"""


@pytest.mark.parametrize(
    "function, line",
    [
        ("_call.Call.start", "c.start("),
        ("_stream.ThreadCall.get", "if self._paused"),
        ("_handle.ClientBase._variant", "self._variants.pop("),
        ("_handle.ClientBase._variant", "self._made.add("),
    ],
)
def test_a_signals_handler_may_close_the_client(sim: str, function: str, line: str) -> None:
    done = run_python(CLOSED_BY_A_SIGNAL, sim, function, line)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout in ("The call was cancelled.\n", "this client has been closed\n")


def test_fork(sim: str) -> None:
    done = run_python(
        """
import asyncio, os, sys, warnings
from weir import AsyncWeir, Weir
warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 warns of a fork beside a thread
client = Weir(base_url=sys.argv[1], api_key="any")
other = AsyncWeir(base_url=sys.argv[1], api_key="any")
stream = client.chat.completions.create(messages="Hello", model="sim/words-100000,pace-1", stream=True)
child = os.fork()
if not child:
    for use in (lambda: client.ask("x"), client.usage_summary, lambda: asyncio.run(other.ask("x"))):
        try:
            use()
        except RuntimeError as error:
            assert "fork" in str(error), error
        else:
            raise AssertionError("used after fork")
    stream.close()
    client.close()
    with Weir(base_url=sys.argv[1], api_key="any") as own:
        print(own.ask("child"), flush=True)
    sys.exit(7)   # with all that an interpreter does at its end
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
assert next(stream).choices
print(client.ask("parent"), asyncio.run(other.ask("parent")))
""",
        sim,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "You said: child\nYou said: parent You said: parent\n"


# ---- where the library is found ----

LOADED = "import weir._native; print(weir._native.lib._name)"
NOWHERE = """
import ctypes, ctypes.util
load = ctypes.CDLL
def only_paths(name, *rest, **more):
    if name and "weir" in name and "/" not in name:
        raise OSError(f"{name}: not on this system")
    return load(name, *rest, **more)
ctypes.CDLL = only_paths
ctypes.util.find_library = lambda name: None
"""


def library_path() -> Path:
    """The libweir that this process runs with."""
    maps = Path("/proc/self/maps").read_text()
    found = re.search(r"/\S*libweir[^\s/]*\.so\S*", maps)
    assert found
    return Path(found[0])


def test_no_library(tmp_path: Path) -> None:
    done = run_python(NOWHERE + LOADED, WEIR_LIBRARY="", PATH=str(tmp_path))
    assert done.returncode == 1
    last = done.stderr[done.stderr.index("ImportError"):]
    assert "libweir" in last and "WEIR_LIBRARY" in last and "make install" in last and "not on this system" in last


def test_weir_library_names_it() -> None:
    path = str(library_path())
    assert run_python(NOWHERE + LOADED, WEIR_LIBRARY=path).stdout == path + "\n"


@pytest.mark.parametrize("path, says", [("/nowhere/libweir.so", "/nowhere/libweir.so"), ("libc.so.6", "is not libweir")])
def test_weir_library_names_something_else(path: str, says: str) -> None:
    done = run_python(LOADED, WEIR_LIBRARY=path)
    assert done.returncode == 1 and "ImportError" in done.stderr and says in done.stderr


def test_library_beside_the_package(tmp_path: Path) -> None:
    package = tmp_path / "weir"
    shutil.copytree(Path(weir.__file__).parent, package)
    (package / "libweir.so.0").symlink_to(library_path())
    done = run_python(NOWHERE + LOADED, WEIR_LIBRARY="", PYTHONPATH=str(tmp_path))
    assert done.stdout == f"{package / 'libweir.so.0'}\n", done.stderr


def test_library_where_pkg_config_says(tmp_path: Path) -> None:
    (tmp_path / "libweir.so.0").symlink_to(library_path())
    tool = tmp_path / "pkg-config"
    tool.write_text(f'#!/bin/sh\n[ "$*" = "--variable=libdir weir" ] && echo {tmp_path}\n')
    tool.chmod(0o755)
    done = run_python(NOWHERE + LOADED, WEIR_LIBRARY="", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.stdout == f"{tmp_path / 'libweir.so.0'}\n", done.stderr


@pytest.mark.parametrize("version", ["0.0.9", "0.2.0", "1.0.0"])
def test_a_library_with_another_api_is_refused(version: str) -> None:
    with pytest.raises(ImportError, match=re.escape(version)):
        _native.check_version(version)
    _native.check_version("0.1.99")
