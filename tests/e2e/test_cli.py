"""The program before a newcomer: help, what is not understood, streams that are closed, full or left."""

import json
import os
import re
import signal
import subprocess

import pytest

import daemon
from terminal import environment

COMMANDS = re.findall(r"^    (\w+):-\*", subprocess.run([daemon.WEIR, "completion", "bash"], capture_output=True, text=True,
                                                      check=True).stdout, re.M)


def shell(command, folder, **env):
    """The command by bash, with weir in the path; whatever fails in a pipeline is its status."""
    path = f"{daemon.WEIR.parent}:{os.environ['PATH']}"
    return subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder, env=environment(folder, {"PATH": path, **env}),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)


# ---- help --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_fills_a_screen_at_most(terminal, command):
    t = terminal(*command.split(), "--help")
    assert t.wait_exit() == 0
    assert t.history() == t.lines()  # nothing scrolled out, and the cursor has a line for the prompt
    assert re.search(r"^Example:( weir .+|(\n  \S.+)+)\Z", "\n".join(t.lines()).rstrip(), re.M)
    bold = [line for row, line in enumerate(t.lines()) if line and t.style(row, 0).bold]
    assert [line.partition(":")[0] for line in bold if line.startswith(("Usage", "Example"))] == ["Usage", "Example"]
    usage = next(row for row, line in enumerate(t.lines()) if line.startswith("Usage: "))
    assert not t.style(usage, 8).bold


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": None}])
def test_help_is_plain_where_colours_are_not_wanted(terminal, env):
    t = terminal("--help", env=env)
    assert t.wait_exit() == 0
    assert b"\nUsage: weir " in t.transcript and b"\033" not in t.transcript


def test_help_is_plain_beside_a_terminal(terminal, tmp_path):
    with open(tmp_path / "out", "wb") as out:
        assert terminal("help", "serve", stdout=out).wait_exit() == 0
    assert "\033" not in (tmp_path / "out").read_text()


def test_the_list_on_stderr_follows_stderr(terminal, tmp_path):
    with open(tmp_path / "err", "wb") as err:
        assert terminal(stderr=err).wait_exit() == 2
    assert "Usage: weir COMMAND" in (tmp_path / "err").read_text() and "\033" not in (tmp_path / "err").read_text()
    t = terminal()
    assert t.wait_exit() == 2 and b"\033[1mUsage:\033[0m" in t.transcript


# ---- what is not understood --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_option_leads_to_the_help(tmp_path, command):
    done = shell(f"weir {command} --frobnicate", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"weir: {command}: unknown option --frobnicate; see weir {command} --help\n"
    done = shell(f"weir {command} --frobnicate --help", tmp_path)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith(f"weir {command}: ")


@pytest.mark.parametrize("line, said", [
    ("versoin", "unknown command 'versoin'; weir --help lists them"),
    ("version", "unknown command 'version'; did you mean --version?"),
    ("Serve", "unknown command 'Serve'; did you mean 'serve'?"),
    ("serve -c", "serve: --config needs a value: --config FILE"),
    ("serve -c ''", "serve: --config is empty; a path is needed"),
    ("serve weir.yaml", "serve: takes no arguments, but was given 'weir.yaml'; see weir serve --help"),
    ("sim --pace 1s", "sim: --pace is '1s'; allowed: a whole number from 0 to 3600000 milliseconds"),
    ("completion", "completion: SHELL is missing; usage: weir completion SHELL"),
    ("completion tcsh", "completion: SHELL is 'tcsh'; allowed: bash, zsh, fish"),
    ("help serve check", "help: 'check' is one too many; usage: weir help [COMMAND]"),
    ("help $'\\033[2Jx'", "unknown command '?[2Jx'; weir --help lists them"),
])
def test_a_wrong_line_is_told(tmp_path, line, said):
    done = shell(f"weir {line}", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"weir: {said}\n")


@pytest.mark.parametrize("line, said", [
    ("check -c $'a\\033[2J.yaml'", "a?[2J.yaml: cannot read the file: No such file or directory\nweir: 1 problem\n"),
    ("serve -c $'a\\u009b2J.yaml'", "a??2J.yaml: cannot read the file: No such file or directory\n"),
    ("check -c strange.yaml", "strange.yaml:1:1: unknown option 'retr??y'; did you mean 'retry'?\n    retr??y: {}\n    ^\nweir: 1 problem\n"),
])
def test_what_is_quoted_does_not_steer_the_terminal(tmp_path, line, said):
    (tmp_path / "strange.yaml").write_text("retr\u009by: {}\n")
    done = shell(f"weir {line}", tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)


@pytest.mark.parametrize("command, at, or_else", [("serve", "cannot", "listen: or --listen"), ("sim", "sim: cannot", "--listen")])
def test_a_file_where_a_socket_should_be_is_told_and_kept(tmp_path, command, at, or_else):
    (tmp_path / "file").write_text("kept")
    for there in ("file", "."):
        path = f"{tmp_path}/{there}"
        done = shell(f"weir {command} --listen unix:{path}", tmp_path)
        assert done.returncode == 1
        assert done.stderr == f"weir: {at} listen on unix:{path}: what is there is no socket; remove it, or choose another path with {or_else}\n"
    assert (tmp_path / "file").read_text() == "kept"


# ---- streams -----------------------------------------------------------------------------------------------------------

LONG = ["weir --help", "weir reference", "weir reference --example", "weir sim --words", "weir completion zsh", "weir check --explain"]


@pytest.mark.parametrize("command", LONG)
def test_output_that_is_not_taken_is_a_failure(tmp_path, command):
    assert shell(command, tmp_path).returncode == 0
    for where, why in (("/dev/full", "No space left on device"), ("&-", "Bad file descriptor")):
        done = shell(f"{command} >{where}", tmp_path)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == f"weir: cannot write to standard output: {why}"


@pytest.mark.parametrize("command", LONG)
def test_a_reader_that_has_read_enough_is_told_nothing(tmp_path, command):
    done = shell(f"{command} 2>err | true; echo $PIPESTATUS; cat err", tmp_path)
    status, _, said = done.stdout.partition("\n")
    assert int(status) in (0, 128 + signal.SIGPIPE)  # it was faster, or was ended as every program is
    assert "cannot write" not in said


def test_closed_standard_streams_are_not_given_to_sockets(tmp_path):
    """Else a connection would be number 2, and what is meant for people would be sent to it."""
    (tmp_path / "weir.yaml").write_text(json.dumps({"models": {"*": "sim"}, "providers": {"sim": {"kind": "simulator", "url": "http://127.0.0.1:9"}},
                                                    "server": daemon.LOOKED_INTO}))
    script = 'exec weir serve -c weir.yaml --listen "unix:$PWD/socket" <&- >&- 2>&-'
    path = f"{daemon.WEIR.parent}:{os.environ['PATH']}"
    process = subprocess.Popen(["bash", "-c", script], cwd=tmp_path, env=environment(tmp_path, {"PATH": path}))
    try:
        daemon.wait_until((tmp_path / "socket").exists, 20, "weir did not listen")
        assert [os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in range(3)] == ["/dev/null"] * 3
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
