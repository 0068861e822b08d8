"""weir batch in a terminal: the bar, its colours, another size, and Ctrl-C."""

import json
import os
import re
import threading

import pytest

import bodies
from batches import ask, by_id, content, echo, said
from upstream import after, error, reply

BAR = r"\[=*>? *\]  (\d+)/(\d+)"


@pytest.fixture
def held(upstream):
    """A provider that answers the first 10 of 40 lines, then holds the others until the gate is open. Line 3 is refused."""
    gate = threading.Event()

    def answer(request):
        if said(request) == "3":
            return error(400, "not this one")
        return echo(request) if int(said(request)) < 10 else after(gate, echo)

    upstream.always(answer)
    upstream.gate = gate
    return upstream


def start(terminal, upstream, *args, **options):
    t = terminal("batch", "in.jsonl", "-o", "out.jsonl", "-j", "4", "--url", upstream.url, *args,
                 **{"cwd": terminal.folder.path, **options})
    return t


@pytest.fixture
def terminal(terminal, folder):
    folder.put(*(ask(f"r{i}", f"{i}") for i in range(40)))
    terminal.folder = folder
    return terminal


def test_the_bar(terminal, held, folder):
    t = start(terminal, held)
    shown = t.wait_screen(BAR + r"  1 failed  108 tokens  [\d.]+/s", 20)
    assert shown.group(1, 2) == ("10", "40")
    row = next(i for i, line in enumerate(t.lines()) if "1 failed" in line)
    assert t.style(row, 1).fg == "green"
    assert t.style(row, t.lines()[row].index("1 failed")).fg == "brown", "yellow"
    assert any('weir: line 4 ("r3"): invalid: not this one' in line for line in t.lines()[:row]), "above the bar"
    held.gate.set()
    assert t.wait_exit() == 3
    text = "\n".join(t.lines())
    assert "39 lines answered, 1 failed; 468 tokens; " in text
    assert not re.search(BAR, text), "the bar is gone"
    assert len(by_id(folder.output, folder.errors)) == 40


def test_another_size(terminal, held):
    """The bar never takes more than a line, whatever the terminal's width."""
    t = start(terminal, held)
    t.wait_screen(BAR, 20)
    for columns in (120, 40, 25, 12, 80):
        before = len(t.transcript)
        t.resize(columns, 24)
        t._wait(lambda: re.search(rb"10/40", t.transcript[before:]), 20, "it was not drawn anew")
        bars = [line for line in t.lines() if "10/40" in line]
        assert len(bars) == 1, t.report()
        assert len(bars[0]) < columns, t.report()
    held.gate.set()
    t.wait_exit()


def test_ctrl_c_in_two_stages(terminal, held, folder):
    t = start(terminal, held)
    t.wait_screen(r"10/40", 20)
    t.press("ctrl-c")
    t.wait_screen(r"stopping: 4 calls are still under way; press Ctrl-C again to cancel them", 20)
    t.wait_screen(r"10/40.*stopping: 4 under way", 20)
    t.press("ctrl-c")
    assert t.wait_exit() == 130
    assert "run the same command again" in "\n".join(t.lines())
    assert len(by_id(folder.output, folder.errors)) == 10
    assert len(held.requests) == 14
    held.gate.set()
    t = start(terminal, held)
    t.expect(r"9 lines answered before, 1 failed")
    assert t.wait_exit() == 3
    assert len(by_id(folder.output, folder.errors)) == 40
    assert len(held.requests) == 44, "four were cancelled, and asked again"


def test_ctrl_c_lets_what_is_under_way_end(terminal, held, folder):
    t = start(terminal, held)
    t.wait_screen(r"10/40", 20)
    t.press("ctrl-c")
    t.wait_screen(r"stopping: 4 under way", 20)
    held.gate.set()
    assert t.wait_exit() == 130
    assert len(by_id(folder.output, folder.errors)) == 14
    assert len(held.requests) == 14


@pytest.mark.parametrize("env, colour, bar", [
    ({"NO_COLOR": "1"}, False, True), ({"NO_COLOR": ""}, True, True), ({"TERM": "dumb"}, False, False), ({"TERM": None}, False, False)])
def test_colour(terminal, held, env, colour, bar):
    t = start(terminal, held, env=env)
    if bar:
        t.wait_screen(BAR, 20)
    else:
        held.wait_requests(14)
    held.gate.set()
    assert t.wait_exit() == 3
    assert (b"\x1b[3" in t.transcript) == colour, t.report()
    assert (b"\r\x1b" in t.transcript) == bar, t.report()
    assert bar or b"\x1b" not in t.transcript


def test_answers_on_the_terminal_itself_have_no_bar_between_them(terminal, held):
    t = terminal("batch", "in.jsonl", "-o", "-", "--url", held.url, cwd=terminal.folder.path, columns=2000, rows=60)
    held.gate.set()
    assert t.wait_exit() == 3
    assert b"\x1b" not in t.transcript
    assert sum(line.startswith('{"id":"batch_req_') for line in t.lines()) == 40


@pytest.mark.parametrize("form", ["text", "csv"])
def test_answers_on_the_terminal_do_not_steer_it(terminal, upstream, folder, form):
    folder.put(ask("a", "\x1b]0;a title\x07hello \x1b[2Jand \x9b1mbye"))
    upstream.always(echo)
    t = terminal("batch", "in.jsonl", "-o", "-", "--format", form, "--quiet", "--url", upstream.url, cwd=folder.path)
    assert t.wait_exit() == 0
    assert b"hello and bye" in t.transcript and b"title" not in t.transcript, t.report()
    assert not any(byte in t.transcript for byte in (b"\x1b", b"\x07", b"\xc2\x9b")), t.report()


STEERS = "\x9b2Jhello\x7f \u202eand\x9d0;a title\x9c bye"


def echo_raw(request):
    """JSON lets them stand as they are."""
    return reply(200, json.dumps(bodies.completion(said(request)), ensure_ascii=False).encode())


@pytest.mark.parametrize("ordered", [[], ["--ordered"]])
def test_json_on_the_terminal_does_not_steer_it(terminal, upstream, folder, ordered):
    folder.put(*(ask(f"r{i}", f"{STEERS} {'long ' * 2000}") for i in range(20)))
    upstream.always(echo_raw)
    t = terminal("batch", "in.jsonl", "-o", "-", "--quiet", *ordered, "--url", upstream.url, cwd=folder.path)
    assert t.wait_exit() == 0
    shown = [json.loads(line) for line in t.transcript.decode().splitlines()]
    assert {one["custom_id"] for one in shown} == {f"r{i}" for i in range(20)}
    assert all(content(one).startswith(STEERS) for one in shown)
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]", t.transcript.decode()), t.report()


def test_joined_rows_on_the_terminal_do_not_steer_it(terminal, upstream, folder):
    folder.put(ask("a", f"{STEERS} \x1b]0;a title\x07now"))
    upstream.always(echo_raw)
    folder.run("in.jsonl", "--url", upstream.url)
    t = terminal("batch", "join", "in.jsonl", "in.out.jsonl", "--quiet", cwd=folder.path)
    assert t.wait_exit() == 0
    assert ",hello and bye now," in t.transcript.decode(), t.report()
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e]", t.transcript.decode()), t.report()
    out, _ = folder.run("join", "in.jsonl", "in.out.jsonl")
    assert STEERS in out, "a program gets it as it is"


def test_answers_into_a_pipe_with_the_bar_on_the_terminal(terminal, held, folder):
    with open(folder.path / "piped", "wb") as out:
        t = terminal("batch", "in.jsonl", "-o", "-", "--url", held.url, cwd=folder.path, stdout=out)
        t.wait_screen(r"10/40", 20)
        held.gate.set()
        assert t.wait_exit() == 3
    assert len(by_id(folder.path / "piped")) == 40


def test_lines_typed_at_the_terminal(terminal, held, folder):
    """Standard input may be a person: each line is asked when it has come."""
    held.gate.set()
    t = terminal("batch", "-", "-o", "typed.jsonl", "--url", held.url, cwd=folder.path)
    t.expect("asking http")
    t.send("20\r")
    held.wait_requests(1)
    t.send("21\r")
    held.wait_requests(2)
    t.press("ctrl-d")
    assert t.wait_exit() == 0
    assert {content(one) for one in by_id(folder.path / "typed.jsonl").values()} == {"20", "21"}


def test_hanging_up(terminal, held, folder):
    """A terminal that goes away stops the batch as a signal does; nothing is lost."""
    t = start(terminal, held)
    t.wait_screen(r"10/40", 20)
    os.close(t._master)
    t._master = -1
    held.gate.set()
    assert t.process.wait(30) == 143
    assert len(by_id(folder.output, folder.errors)) == 14
