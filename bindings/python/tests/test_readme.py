"""The examples of the README do what they show."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from conftest import run_python

README = Path(__file__).resolve().parents[1] / "README.md"
EXAMPLES = re.findall(r"(?<! -->\n)```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S)


def runnable(example: str, base_url: str) -> str:
    """With the simulator for the address, and the client that only the first example makes."""
    example = example.replace("http://127.0.0.1:8080/v1", base_url)
    if "client = Weir(" in example or "AsyncWeir" in example:
        return example
    return "from weir import Weir\nclient = Weir()\n" + example


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_example(sim: str, number: int) -> None:
    done = run_python(runnable(EXAMPLES[number], sim), OPENAI_BASE_URL=sim, OPENAI_API_KEY="any")
    assert (done.returncode, done.stderr) == (0, "")
    expected = ["You said: Hello", "You said: Tell me a story", "You said: Hello", "The tool says: {\"city\"", "You said: one", "", "You said: What is a weir?"]
    assert done.stdout.startswith(expected[number])


def test_all_are_tried() -> None:
    assert len(EXAMPLES) == 7
