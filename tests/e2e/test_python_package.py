"""The Python package as its users have it: pip puts it into an environment of its own, over a weir that `meson install`
has put down. Its own tests run there, against the simulator of the same weir."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ["WEIR"]).parent


# A program that uses all of it. Its types are told, and what it gets wrong is seen (unused ignores are errors).
USAGE = """
import asyncio
from typing import List, Optional, Tuple, Union
from weir import (APIError, AsyncOpenAI, BatchProgress, ChatCompletion, ChatCompletionChunk, CreateEmbeddingResponse, FileObject, Image, OpenAI,
                  RawResponse, ResponseStreamEvent, Weir)

client = OpenAI(base_url="http://127.0.0.1:8080/v1", api_key="x")
text: Optional[str] = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}]).choices[0].message.content
for chunk in client.chat.completions.create(model="m", messages="Hi", stream=True):
    piece: ChatCompletionChunk = chunk
raw: RawResponse[ChatCompletion] = client.chat.completions.with_raw_response.create(messages="Hi")
said: str = client.responses.create(input="x", max_output_tokens=5).output_text
for event in client.responses.create(input="x", stream=True):
    happened: ResponseStreamEvent = event
pictures: Optional[List[Image]] = client.images.generate(prompt="x", size="1024x1024").data
sound: bytes = client.audio.speech.create(input="x", model="m", voice="alloy").content
files: List[FileObject] = [file for file in client.files.list(limit=2)]
other: Weir = client.with_options(timeout=3, max_retries=1)
pair: Tuple[int, Union[ChatCompletion, APIError]] = next(client.as_completed(["a"]))

def shown(progress: BatchProgress) -> None:
    print(progress.done, progress.total)

client.batch(["a", {"messages": "b", "model": "m"}], on_progress=shown)
client.ask("Hello", temprature=1)  # type: ignore[call-arg]
client.ask("Hello", temperature="hot")  # type: ignore[arg-type]
client.images.generate(prompt="x", sise="1024x1024")  # type: ignore[call-arg]
client.with_options(max_retry=1)  # type: ignore[call-arg]

async def work() -> None:
    async with AsyncOpenAI() as client:
        answer: ChatCompletion = await client.chat.completions.create(messages="Hi")
        vectors: RawResponse[CreateEmbeddingResponse] = await client.embeddings.with_raw_response.create(input="x")
        async for number, outcome in client.as_completed(["a"]):
            done: Union[ChatCompletion, APIError] = outcome
        async for event in await client.responses.create(input="x", stream=True):
            happened: ResponseStreamEvent = event

asyncio.run(work())
"""


def run(*command, **options):
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=240, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done.stdout


def is_instrumented():
    """A library with a sanitizer in it cannot be loaded into a Python without one."""
    options = json.loads(run("meson", "introspect", BUILD, "--buildoptions"))
    return next(o["value"] for o in options if o["name"] == "b_sanitize") != "none"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A copy of bindings/python, since building it leaves files behind, whose package is installed."""
    if is_instrumented():
        pytest.skip("the library is instrumented")
    there = tmp_path_factory.mktemp("package")
    shutil.copytree(TOP / "bindings" / "python", there / "python", ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"))
    run(sys.executable, "-m", "venv", "--without-pip", there / "venv")  # this one's will do
    run(sys.executable, "-m", "pip", "--python", there / "venv" / "bin" / "python", "install", "--quiet", "--disable-pip-version-check", "--no-compile",
        there / "python", "-r", there / "python" / "tests" / "requirements.txt")
    return there


@pytest.fixture(scope="module")
def python(package):
    """Runs that environment's Python in the package's folder, where the linker finds the installed library."""
    root = package / "installed"
    run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root)
    libraries = {path.parent for path in root.rglob("libweir.so.0")}
    assert len(libraries) == 1
    programs = [path for path in root.rglob("weir") if path.is_file() and os.access(path, os.X_OK)]
    assert len(programs) == 1
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "WEIR", "VIRTUAL_ENV"))}
    environment = {**kept, "LD_LIBRARY_PATH": str(libraries.pop()), "WEIR": str(programs[0])}
    return lambda *arguments: run(package / "venv" / "bin" / "python", *arguments, cwd=package / "python", env=environment)


@pytest.mark.timeout(300)
def test_its_own_tests_pass_over_the_installed_library(python, package):
    where = python("-c", "import weir._native as n; print(n.__file__); print(n.lib._name)").split()
    assert where[0].startswith(str(package / "venv")) and where[1] == "libweir.so.0"
    print(python("-m", "pytest"))


@pytest.mark.timeout(300)
def test_its_types_are_right_and_reach_its_users(package):
    mypy = [sys.executable, "-m", "mypy", "--python-executable", package / "venv" / "bin" / "python"]
    assert "no issues found" in run(*mypy, cwd=package / "python")
    program = package / "program.py"
    program.write_text(USAGE)
    assert "no issues found" in run(*mypy, "--config-file=", "--strict", program, cwd=package)
    program.write_text("from weir import AsyncWeir, Weir\n"
                       "answer = Weir().chat.completions.create(messages='Hello', temperature=0.5)\n"
                       "reveal_type(answer.choices[0].message.content)\n"
                       "for chunk in Weir().chat.completions.create(messages='Hello', stream=True):\n"
                       "    reveal_type(chunk)\n"
                       "async def ask() -> str:\n"
                       "    return await AsyncWeir().ask('Hello')\n")
    said = run(*mypy, "--config-file=", "--strict", program, cwd=package)
    assert '"str | None"' in said and '"weir._types.ChatCompletionChunk"' in said
