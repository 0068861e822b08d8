"""weir batch join: the lines of an input, each beside its result, whoever has made that."""

import csv
import io
import json
import os

import pytest

from batches import ask, echo, said
from test_batch_forms import HEAD
from upstream import error

ANSWER = HEAD[1:]  # the columns that are added to a table with custom_ids


def rows(text, delimiter=","):
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))


def join(folder, *args, **options):
    return folder.run("join", *args, **options)


def put(folder, name, text):
    (folder.path / name).write_bytes(text.encode())


def refusing(request):
    return error(400, "too bad", code="odd") if said(request) == "bad" else echo(request)


TABLE = 'custom_id,prompt,team\nb,"say ""hi"",\ntwice",x\na,bad,"=y"\nc,three,\n'


def test_a_table(folder, upstream):
    put(folder, "in.csv", TABLE)
    upstream.always(refusing)
    folder.run("in.csv", "-j", "1", "--url", upstream.url, expect=3)
    out, err = join(folder, "in.csv")
    assert err == "weir: 3 lines, 3 beside a result\n"
    assert out.splitlines()[0].split(",") == ["custom_id", "prompt", "team", *ANSWER]
    first, second, third = rows(out)
    assert (first["custom_id"], first["prompt"], first["content"], first["total_tokens"]) == (
        "b", 'say "hi",\ntwice', 'say "hi",\ntwice', "12")
    assert (second["team"], second["content"], second["error_code"], second["error_message"]) == ("=y", "", "odd", "too bad")
    assert (third["team"], third["content"]) == ("", "three")
    # Into a file, of results that are named, from a table on standard input.
    join(folder, "-", "in.out.jsonl", "--input-format", "csv", "-o", "joined.csv", "-q", input=TABLE)
    assert (folder.path / "joined.csv").read_bytes().decode() == out
    assert len(upstream.requests) == 3 and set(os.listdir(folder.path)) == {"in.csv", "in.out.jsonl", "in.out.errors.jsonl", "joined.csv"}


def test_records_that_have_no_custom_id(folder, upstream):
    """They are called by their lines; columns of the same name are told apart; tabs stay tabs."""
    put(folder, "in.tsv", "content\tprompt\nx\tone\n\ny\t\"two\nlines\"\nz\tthree\n")
    upstream.always(echo)
    folder.run("in.tsv", "--url", upstream.url)
    out, _ = join(folder, "in.tsv")
    assert out.splitlines()[0].split("\t") == ["content", "prompt", "custom_id", "result_content", *ANSWER[1:]]
    assert [(row["content"], row["custom_id"], row["result_content"]) for row in rows(out, "\t")] == [
        ("x", "line-2", "one"), ("y", "line-4", "two\nlines"), ("z", "line-6", "three")]


def test_other_inputs(folder, upstream):
    lines = [ask("a", "one"), '{"messages":[{"role":"user","content":"two"}]}', "{"]
    upstream.always(echo)
    folder.put(*lines)
    folder.run("in.jsonl", "--url", upstream.url, expect=3)
    out, err = join(folder, "in.jsonl")
    assert [(row["custom_id"], row["input"], row["content"]) for row in rows(out)] == [
        ("a", lines[0], "one"), ("line-2", lines[1], "two"), ("", "{", "")]
    assert "weir: 3 lines, 2 beside a result\n" in err
    (folder.path / "p.txt").write_text("one\ntwo\n")
    folder.run("p.txt", "--url", upstream.url)
    out, _ = join(folder, "p.txt")
    assert [(row["custom_id"], row["input"], row["content"]) for row in rows(out)] == [("line-1", "one", "one"), ("line-2", "two", "two")]


OPENAI = [{"id": "batch_req_abc", "custom_id": "c", "error": None, "response": {"status_code": 200, "request_id": "r", "body": {
    "model": "gpt", "choices": [{"message": {"role": "assistant", "content": "=1+1"}, "finish_reason": "stop"}]}}},
    {"id": "batch_req_abd", "custom_id": "other", "error": None, "response": {"status_code": 200, "request_id": "r", "body": {}}},
    {"id": "batch_req_abe", "custom_id": "a", "response": None, "error": {"code": "batch_expired", "message": "too late"}}]


def test_results_of_others(folder):
    """OpenAI's own files, in their order; lines without a result, and results without a line."""
    put(folder, "in.csv", "prompt,key\nx,a\ny,b\nz,c\nw,a\n")
    put(folder, "output.jsonl", "\n".join(json.dumps(one) for one in OPENAI[:2]))
    put(folder, "failed.jsonl", json.dumps(OPENAI[2]) + "\n")
    out, err = join(folder, "in.csv", "output.jsonl", "failed.jsonl", "--id-column", "key")
    assert [(row["key"], row["content"], row["error_code"]) for row in rows(out)] == [
        ("a", "", "batch_expired"), ("b", "", ""), ("c", "'=1+1", ""), ("a", "", "")]
    assert err == "weir: 4 lines, 2 beside a result\nweir: 1 result is of no line of the input\n"


@pytest.mark.parametrize("files", [["first.jsonl", "second.jsonl"], ["second.jsonl", "first.jsonl"]])
def test_lines_that_failed_and_were_asked_again_in_another_batch(folder, files):
    put(folder, "in.csv", "prompt,key\nx,c\ny,a\n")
    put(folder, "first.jsonl", json.dumps(OPENAI[0]) + "\n")
    put(folder, "first.errors.jsonl", json.dumps(OPENAI[2]) + "\n")
    put(folder, "second.jsonl", json.dumps({**OPENAI[0], "custom_id": "a"}) + "\n")
    out, err = join(folder, "in.csv", *files, "--id-column", "key")
    assert [(row["key"], row["content"], row["error_code"]) for row in rows(out)] == [("c", "'=1+1", ""), ("a", "'=1+1", "")]
    assert err == "weir: 2 lines, 2 beside a result\n"


@pytest.mark.parametrize("args, what", [
    (["none.csv"], "cannot open none.csv: No such file or directory"),
    (["in.csv"], "cannot open in.out.jsonl: No such file or directory"),
    (["in.csv", "notes.txt"], "notes.txt: line 1 is no result of a batch"),
    (["in.csv", "out.jsonl", "--id-column", "prompt"], "none of the results is of a line of in.csv"),
    (["in.csv", "out.jsonl", "--id-column", "nobody"], "no column is called 'nobody' (--id-column)"),
    (["in.csv", "out.jsonl", "-o", "in.csv"], "in.csv would be written while it is read"),
    (["in.csv", "out.jsonl", "-o", "out.jsonl"], "out.jsonl would be written while it is read"),
    (["in.csv", "/dev/null"], "/dev/null is no file, and results are read twice"),
    (["in.csv", "out.jsonl", "twice.jsonl"], "twice.jsonl: line 1 has the custom_id of another result"),
])
def test_nothing_is_written_of_what_does_not_belong_together(folder, args, what):
    put(folder, "in.csv", "custom_id,prompt\nc,x\n")
    put(folder, "out.jsonl", json.dumps(OPENAI[0]) + "\n")
    put(folder, "twice.jsonl", json.dumps(OPENAI[0]) + "\n")
    put(folder, "notes.txt", "my notes\n")
    before = {name: (folder.path / name).read_text() for name in os.listdir(folder.path)}
    if "-o" not in args:
        args = [*args, "-o", "joined.csv"]
    _, err = join(folder, *args, expect=1)
    assert what in err
    assert {name: (folder.path / name).read_text() for name in os.listdir(folder.path)} == before


def test_records_that_are_none_are_left_out_and_told(folder):
    put(folder, "in.csv", 'custom_id,prompt\nc,x\nb\nd,"y"z\n')
    put(folder, "out.jsonl", json.dumps(OPENAI[0]) + "\n")
    out, err = join(folder, "in.csv", "out.jsonl", "out.jsonl", "./out.jsonl", expect=3)
    assert [row["custom_id"] for row in rows(out)] == ["c"]
    assert err == ("weir: line 3: has 1 columns; the header has 2; left out\n"
                   "weir: line 4: has text behind the quote that closes a field; left out\nweir: 1 line, 1 beside a result\n")


def test_a_full_disk_is_told(folder):
    put(folder, "in.csv", "custom_id,prompt\nc,x\n")
    put(folder, "out.jsonl", json.dumps(OPENAI[0]) + "\n")
    with open("/dev/full", "wb") as full:
        _, err = join(folder, "in.csv", "out.jsonl", stdout=full, expect=1)
    assert "cannot write standard output: No space left on device" in err


def test_an_input_that_is_called_join(folder, upstream):
    upstream.always(echo)
    (folder.path / "join").write_text("one\n")
    folder.run("./join", "--url", upstream.url)
    assert (folder.path / "join.out.jsonl").exists()
