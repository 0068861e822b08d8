"""weir(1) names every command and option that there is, and none that is not."""

import re
import subprocess

import pytest

import daemon

PAGE = daemon.ROOT / "docs" / "weir.1"


def weir(*args):
    return subprocess.run([daemon.WEIR, *args], capture_output=True, text=True, timeout=30, check=True).stdout


# The script of completion knows the commands that no list shows, too.
COMMANDS = [name.replace("-", " ") for name in re.findall(r"^    ([\w-]+):-\*", weir("completion", "bash"), re.M)]

# For which the screen of help has no room.
RARE = {"chat": ["ledger"], "batch": ["input-format", "id-column", "limit", "temperature", "max-tokens", "schema", "max-line"], "usage": ["ca"],
        "calls": ["ca", "status", "error-code", "endpoint", "cursor"]}
RARE_FLAGS = {"ledger"}  # of them, those that take no value


def options_there_are(command):
    """(letter or "", name, whether it takes a value) of each, from the help."""
    rows = re.findall(r"^  (?:-(\w), |    )--([\w-]+)( [A-Z]\S*)?(?:  |$)", weir(*command.split(), "--help"), re.M)
    rare = {("", name, name not in RARE_FLAGS) for name in RARE.get(command, ())}
    return {(letter, name, bool(value)) for letter, name, value in rows} - {("h", "help", False)} | rare


def sections():
    """The page's part about each command."""
    parts = re.split(r"^\.S[sh] (.*)\n", PAGE.read_text(), flags=re.M)[1:]
    return {title.removeprefix("weir "): text for title, text in zip(parts[::2], parts[1::2]) if title.startswith("weir ")}


def test_each_command_has_its_section():
    assert sorted(sections()) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_are_those_that_there_are(command):
    rows = re.findall(r"^\.It Fl (?:(\w) , )?-([\w-]+)( Ar .+)?$", sections()[command], re.M)
    told = [(letter, name, bool(value)) for letter, name, value in rows]
    assert len(told) == len(set(told))
    assert set(told) == options_there_are(command)
    # Those in the synopsis and in the text are among them too.
    synopsis = PAGE.read_text().partition(".Sh SYNOPSIS\n")[2].partition(".Sh ")[0]
    own = "".join(re.findall(rf"^\.Cm {command}\n((?!\.Nm).*\n)*", synopsis, re.M))
    known = {name for _, name, _ in told} | {letter for letter, _, _ in told} | {"h", "help", "-"}
    mentioned = re.findall(r"\bFl (-?[\w-]+)", own + sections()[command])
    assert {word.removeprefix("-") for word in mentioned} <= known


def test_the_page_has_no_fault_that_mandoc_finds():
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "style", PAGE], capture_output=True, text=True, timeout=30)
    # A machine has those manuals that it has.
    assert [line for line in done.stdout.splitlines() if "referenced manual not found" not in line] == []
