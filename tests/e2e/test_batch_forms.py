"""How weir batch shows its results: in the input's order, as a table, as text, whatever ended the runs before."""

import csv
import io
import json
import os
import resource
import signal
import threading

import pytest

import bodies
from batches import ask, by_id, content, echo, results, said
from daemon import wait_until
from upstream import after, error, reply

HEAD = ["custom_id", "content", "finish_reason", "model", "prompt_tokens", "completion_tokens", "total_tokens", "cost", "error_code",
        "error_message"]


def late(gate, *those):
    """Answers those only once the gate is open, the others as echo() does; "bad" is refused."""
    def behave(request):
        if said(request) == "bad":
            return error(400, "too bad", code="odd")
        return after(gate, echo) if said(request) in those else echo(request)
    return behave


def order(path):
    return [one["custom_id"] for one in results(path)]


def table(path):
    with open(path, newline="") as f:
        head, *rows = csv.reader(f)
    assert head == HEAD
    assert all(len(row) == len(HEAD) for row in rows)
    return [dict(zip(HEAD, row)) for row in rows]


def run_out_of_order(folder, upstream, *args, expect=3):
    """Lines r0 (late), r1 (refused), r2, one that is no JSON, r4."""
    folder.put(ask("r0", "first"), ask("r1", "bad"), ask("r2", "two"), "{", ask("r4", "four"))
    gate = threading.Event()
    upstream.always(late(gate, "first"))
    process = folder.start("in.jsonl", *args, "-j", "2", "--url", upstream.url)
    upstream.wait_requests(4)
    wait_until(lambda: len(results(folder.output, growing=True)) == 2, 20, "all but the first are on the disk")
    assert order(folder.output) == ["r2", "r4"]
    gate.set()
    return folder.end(process, expect)


# -- in order ----------------------------------------------------------------------------------------------------------


def test_ordered(folder, upstream):
    """Failures too are in their places, and nowhere else."""
    _, err = run_out_of_order(folder, upstream, "-o", "out.jsonl", "--ordered")
    assert order(folder.output) == ["r0", "r1", "r2", None, "r4"]
    assert sorted(os.listdir(folder.path)) == ["in.jsonl", "out.jsonl"]
    assert "answers and failures: out.jsonl (--retry-failed asks those lines again)\n" in err
    # Once more: nothing is asked, and nothing changes.
    before = folder.output.read_bytes(), folder.output.stat().st_ino
    folder.run("in.jsonl", "-o", "out.jsonl", "--ordered", "--url", upstream.url, expect=3)
    folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=3)
    assert (folder.output.read_bytes(), folder.output.stat().st_ino) == before and len(upstream.requests) == 4
    # What failed is asked again, and gets its place again.
    upstream.always(echo)
    folder.run("in.jsonl", "-o", "out.jsonl", "--ordered", "--retry-failed", "--url", upstream.url, expect=3)
    assert order(folder.output) == ["r0", "r1", "r2", None, "r4"]
    assert content(by_id(folder.output)["r1"]) == "bad" and len(upstream.requests) == 5


def test_ordered_with_failures_apart(folder, upstream):
    folder.put(ask("r0", "late"), ask("r1", "bad"), "{", ask("r3", "two"))
    gate = threading.Event()
    upstream.always(late(gate, "late"))
    process = folder.start("in.jsonl", "-o", "out.jsonl", "--ordered", "--errors", "bad.jsonl", "--url", upstream.url)
    wait_until(lambda: len(results(folder.output, growing=True)) == 1, 20, "not the first")
    gate.set()
    folder.end(process, 3)
    assert order(folder.output) == ["r0", "r3"] and order(folder.path / "bad.jsonl") == ["r1", None]


def test_ordered_after_a_stop_and_a_kill(folder, upstream):
    """What is not whole is not put into order; the run that ends it does that over the results of all."""
    folder.put(*(ask(f"r{i}", f"{i}") for i in range(12)))
    gate = threading.Event()
    upstream.always(late(gate, "0", "7"))
    args = ["in.jsonl", "-o", "out.jsonl", "--ordered", "-j", "2", "--url", upstream.url]
    process = folder.start(*args)
    wait_until(lambda: len(results(folder.output, growing=True)) == 6, 20, "0 and 7 are waited for")
    process.send_signal(signal.SIGINT)
    process.stderr.readline()
    process.kill()
    folder.end(process, -signal.SIGKILL)
    with open(folder.output, "a") as f:
        f.write('{"id":"batch_req_1_00')
    process = folder.start(*args)
    upstream.wait_requests(10)
    process.send_signal(signal.SIGTERM)
    for line in process.stderr:
        if b"still under way" in line:
            break
    gate.set()
    folder.end(process, 143)
    assert order(folder.output)[:6] == [f"r{i}" for i in range(1, 7)]
    folder.run(*args)
    assert order(folder.output) == [f"r{i}" for i in range(12)]


def test_ordered_on_a_pipe(folder, upstream):
    gate = threading.Event()
    upstream.always(late(gate, "late"))
    folder.put(ask("a", "late"), ask("b", "bad"), ask("c", "x"))
    process = folder.start("in.jsonl", "-o", "-", "--ordered", "--url", upstream.url)
    upstream.wait_requests(3)
    gate.set()
    out, _ = folder.end(process, 3)
    assert [json.loads(line)["custom_id"] for line in out.splitlines()] == ["a", "b", "c"]
    assert os.listdir(folder.path) == ["in.jsonl"]


def test_a_full_disk_keeps_the_record(folder, upstream):
    """A file that cannot be written whole takes nobody's place."""
    folder.put(*(ask(f"r{i}", "late" if i == 0 else "x" * 2000) for i in range(10)))
    gate = threading.Event()
    upstream.always(late(gate, "late"))
    process = folder.start("in.jsonl", "-o", "out.csv", "--format", "csv", "--url", upstream.url)
    wait_until(lambda: len(results(folder.output, growing=True)) == 9, 20, "all but the first")
    gate.set()
    folder.end(process, 0)
    whole = (folder.path / "out.csv").read_bytes()
    before = folder.output.read_bytes()
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", "--ordered", "--url", upstream.url, expect=1,
                        limit={resource.RLIMIT_FSIZE: len(before) // 2})
    assert "File too large; the results are in out.jsonl" in err and folder.output.read_bytes() == before
    _, err = folder.run("in.jsonl", "-o", "out.csv", "--format", "csv", "--url", upstream.url, expect=1,
                        limit={resource.RLIMIT_FSIZE: len(whole) // 2})
    assert "File too large; the results are in out.jsonl" in err and (folder.path / "out.csv").read_bytes() == whole
    assert sorted(os.listdir(folder.path)) == ["in.jsonl", "out.csv", "out.jsonl"]


# -- as a table --------------------------------------------------------------------------------------------------------


def test_csv(folder, upstream):
    _, err = run_out_of_order(folder, upstream, "-o", "out.csv", "--format", "csv")
    rows = table(folder.path / "out.csv")
    assert [row["custom_id"] for row in rows] == ["r0", "r1", "r2", "", "r4"]
    assert rows[0] == {**dict.fromkeys(HEAD, ""), "custom_id": "r0", "content": "first", "finish_reason": "stop",
                       "model": bodies.completion("")["model"], "prompt_tokens": str(bodies.USAGE["prompt_tokens"]),
                       "completion_tokens": str(bodies.USAGE["completion_tokens"]), "total_tokens": str(bodies.USAGE["total_tokens"])}
    assert rows[1] == {**dict.fromkeys(HEAD, ""), "custom_id": "r1", "error_code": "odd", "error_message": "too bad"}
    assert rows[3]["error_code"] == "invalid_json_line" and rows[3]["error_message"].startswith("line 4: is not JSON")
    assert "answers: out.csv; failures: out.errors.jsonl (--retry-failed asks those lines again)" in err
    # JSON lines are the record, of any other form too.
    assert order(folder.output) == ["r2", "r4", "r0"] and set(order(folder.errors)) == {"r1", None}
    folder.run("in.jsonl", "-o", "out.txt", "--format", "text", "--url", upstream.url, expect=3)
    assert (folder.path / "out.txt").read_text() == "first\n\ntwo\n\nfour\n" and len(upstream.requests) == 4


HOSTILE = ['=HYPERLINK("a","b")', "-1+2", "- a list", "@x", "+1", "-7", 'a,"b"\r\nc', "'=1", "\t=1", "plain", "", "ünï ✓"]


def test_csv_of_any_text(folder, upstream):
    """Read back by another program; nothing that a spreadsheet would run, and nothing lost."""
    folder.put(*(ask(f"={i}", text) for i, text in enumerate(HOSTILE)))
    upstream.always(echo)
    folder.run("in.jsonl", "--format", "csv", "--url", upstream.url)
    cells = [(row["custom_id"], row["content"]) for row in table(folder.path / "in.out.csv")]
    for number, (name, cell) in enumerate(cells):
        text = HOSTILE[number]
        assert name == f"'={number}"
        guarded = text.lstrip("'")[:1] in tuple("=+-@\t\r\n") and text not in ("+1", "-7")
        assert cell == ("'" + text if guarded else text)


def test_a_prompt_a_line_an_answer_a_line(folder, upstream):
    upstream.always(lambda r: error(400) if said(r) == "bad" else echo(r))
    out, _ = folder.run("-", "--format", "text", "--url", upstream.url, input="one\nbad\nthree\n", expect=3)
    assert out == "one\n\nthree\n" and os.listdir(folder.path) == []


def test_a_table_is_there_when_it_is_whole(folder, upstream):
    folder.put(*(ask(f"r{i}", f"{i}") for i in range(6)))
    gate = threading.Event()
    upstream.always(late(gate, "3"))
    (folder.path / "out.csv").write_text("before")
    process = folder.start("in.jsonl", "-o", "out.csv", "--format", "csv", "-j", "1", "--url", upstream.url)
    upstream.wait_requests(4)
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if b"press Ctrl-C again" in line:
            break
    process.send_signal(signal.SIGINT)
    folder.end(process, 130)
    assert (folder.path / "out.csv").read_text() == "before"
    gate.set()
    folder.run("in.jsonl", "-o", "out.csv", "--format", "csv", "--url", upstream.url)
    assert [row["custom_id"] for row in table(folder.path / "out.csv")] == [f"r{i}" for i in range(6)]


def test_who_reads_a_pipe_gets_what_there_is(folder, upstream):
    folder.put(*(ask(f"r{i}", f"{i}") for i in range(6)))
    gate = threading.Event()
    upstream.always(late(gate, "3"))
    process = folder.start("in.jsonl", "-o", "-", "--format", "csv", "-j", "1", "--url", upstream.url)
    upstream.wait_requests(4)
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if b"press Ctrl-C again" in line:
            break
    process.send_signal(signal.SIGINT)
    out, err = folder.end(process, 130)
    assert [row[0] for row in csv.reader(io.StringIO(out))] == ["custom_id", "r0", "r1", "r2"]
    assert "standard output keeps no record" in err


@pytest.mark.parametrize("args, what", [
    (["in.jsonl", "-o", "in.jsonl", "--format", "csv"], "in.jsonl is where the results are kept; name another output (--output) for csv"),
    (["in.jsonl", "-o", "in.csv", "--format", "csv"], "in.jsonl would be written while it is read"),
    (["in.csv", "-o", "in.csv", "--format", "csv"], "in.csv would be written while it is read"),
    (["in.jsonl", "-o", "out.csv", "--format", "csv", "--errors", "out.csv"], "out.csv is where results are kept"),
    (["in.jsonl", "-o", ".", "--format", "csv"], "cannot open .: Is a directory"),
    (["in.jsonl", "-o", "none/out.csv", "--format", "csv"], "cannot open none/out.jsonl: No such file or directory"),
])
def test_no_file_is_written_over(folder, upstream, args, what):
    folder.put(ask("a"))
    (folder.path / "in.csv").write_text("prompt\nx\n")
    _, err = folder.run(*args, "--url", upstream.url, expect=1)
    assert what in err and not upstream.requests
    assert folder.input.read_text() == ask("a") + "\n" and (folder.path / "in.csv").read_text() == "prompt\nx\n"


def test_the_input_s_form_has_its_own_option(folder, upstream):
    folder.put(ask("a"))
    _, err = folder.run("in.jsonl", "--format", "prompts", "--url", upstream.url, expect=2)
    assert "weir: batch: --format is 'prompts'; allowed: jsonl, csv, text" in err
