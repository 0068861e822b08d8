"""What the tests speak to: the simulator, `weir sim`, and a provider that only holds a call.

$WEIR is the program (default: the checkout's build/weir). The library is found as it is for everyone (weir/_native.py).
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

for name in [n for n in os.environ if re.match(r"(OPENAI_|(HTTPS?|NO|ALL)_PROXY$)", n, re.I)]:
    del os.environ[name]  # keys and proxies of the person who runs the tests

from scripted import Scripted
from weir import AsyncWeir, Weir

PROGRAM = Path(os.environ.get("WEIR") or Path(__file__).resolve().parents[3] / "build" / "weir")
QUICK = {"retry.base": "5ms", "retry.cap": "20ms", "breaker": "off"}
TIMEOUT = 20.0


@pytest.fixture(scope="session")
def sim() -> Iterator[str]:
    """The simulator's base URL."""
    process = subprocess.Popen(
        [str(PROGRAM), "sim", "--listen", "127.0.0.1:0", "--pace", "0"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    first = process.stderr.readline()
    found = re.search(r"http://\S+", first)
    assert found, first + process.stderr.read()
    drain = threading.Thread(target=process.stderr.read, daemon=True)
    drain.start()
    yield found[0]
    process.send_signal(signal.SIGTERM)
    assert process.wait(TIMEOUT) == 0


@pytest.fixture
def provider() -> Iterator[Scripted]:
    """One whose answers the test writes."""
    made = Scripted()
    yield made
    made.close()


@pytest.fixture
def connect(sim: str) -> Iterator[Callable[..., Weir]]:
    """Makes clients of the simulator, or of another base_url, that are quick to retry."""
    made: List[Weir] = []

    def make(base_url: str = sim, **options: Any) -> Weir:
        made.append(Weir(**quick(base_url, **options)))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(connect: Callable[..., Weir]) -> Weir:
    return connect()


@pytest.fixture
def aconnect(sim: str) -> Callable[..., AsyncWeir]:
    """The same for asyncio; the test closes them."""
    return lambda base_url=sim, **options: AsyncWeir(**quick(base_url, **options))


def quick(base_url: str, **options: Any) -> Dict[str, Any]:
    return {"base_url": base_url, "api_key": "any", **options, "options": {**QUICK, **options.get("options", {})}}


class Holder:
    """A provider that takes one call after another, says `says` at most, and waits until the peer leaves."""

    says = b""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/v1"
        self._changed = threading.Condition()
        self._arrived = self._left = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            read = b""
            while b"\r\n\r\n" not in read:
                piece = connection.recv(65536)
                if not piece:
                    return
                read += piece
            connection.sendall(self.says)
            with self._changed:
                self._arrived += 1
                self._changed.notify_all()
            try:
                while connection.recv(65536):
                    pass
            except OSError:
                pass
            with self._changed:
                self._left += 1
                self._changed.notify_all()

    def wait_arrived(self, calls: int = 1) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._arrived >= calls, TIMEOUT), f"{self._arrived} of {calls} calls came"

    def wait_left(self, calls: int = 1) -> None:
        """Until so many calls were given up."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._left >= calls, TIMEOUT), f"{self._left} of {calls} calls were given up"

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


@pytest.fixture
def holder() -> Iterator[Holder]:
    holding = Holder()
    yield holding
    holding.close()


CHUNK = b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}'


@pytest.fixture
def stream_holder(holder: Holder) -> Holder:
    """Says the first chunk of a stream, and no more."""
    event = b"data: " + CHUNK + b"\n\n"
    holder.says = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n" % (len(event), event)
    return holder


@pytest.fixture
def closed_port() -> Iterator[str]:
    """A base URL that refuses connections."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}/v1"


def run_python(script: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A script in a process of its own; one that crashes or hangs is seen."""
    return subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", script, *arguments],
        env={**os.environ, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=False,
    )
