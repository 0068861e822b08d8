#!/usr/bin/env bash
# A file of a batch's results, read with one line of code: the rows 0017 and 17 fall together, a call of a tool is gone, a text becomes a date.
#
# Versions  pandas 3.1.1, polars 2.1.0, pyarrow 26.0.1 and duckdb 2.0.1 (all Python).
# Input     Result files as OpenAI's Batch API writes them, a JSON object a line, with "custom_id", "response" and "error": (ids) two
#           lines, whose custom_id are "0017" and "17", then "1e3" and "1000"; (late) 300 lines, of which the 251st has a message
#           with tool_calls and the others do not; (failed) 300 lines, of which the 251st has an error and the others null; (dates) two
#           whose answers are the texts "2026-11-30" and "2026-12-01". Read with read_json(lines=True), read_ndjson(), read_json() and
#           read_json_auto(), without options.
# Guess     JSON says of each value what it is: a string comes out as the string that it was, and what is in the file is in the table.
# Seen      pandas makes numbers of custom_id, if all of a file can be numbers: 17 and 17, 1000.0 and 1000.0. polars takes the members
#           of the first 100 lines for all that there are: in (late) the call is not in the table and nothing is said, in
#           (failed) it raises ComputeError. pyarrow and duckdb make a timestamp and a date of the answers in (dates), deep inside `response`.
# Matters   Answers are joined to questions by custom_id: two questions then have two answers each, or none has any, since 17 is not
#           "0017". A file of ten lines, with which this is tried, shows nothing, nor does a batch without a tool's call. Whoever
#           reads results should parse each line with a JSON parser, and whoever names rows should begin each name with a letter.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1 duckdb==2.0.1; } >&2 || cannot "pip install"

cat >"$dir/run.py" <<'PYTHON'
import json
import pathlib
import sys

import duckdb
import pandas
import polars
import pyarrow.json

HERE = pathlib.Path(sys.argv[0]).parent


def row(custom_id, content="Hello", error=None, **more):
    message = {"role": "assistant", "content": content, **more}
    body = {"id": "c", "object": "chat.completion", "created": 1764460800, "model": "m", "choices": [
        {"index": 0, "message": message, "finish_reason": "tool_calls" if more else "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}}
    return {"id": f"batch_req_{custom_id}", "custom_id": custom_id, "error": error,
            "response": None if error else {"status_code": 200, "request_id": f"req_{custom_id}", "body": body}}


def many(**odd):
    return [row(f"r{at}", **(odd if at == 250 else {})) for at in range(300)]


CALL = {"id": "call_1", "type": "function", "function": {"name": "pay", "arguments": '{"to":"Bo"}'}}
FILES = {
    "ids": [row("0017"), row("17")],
    "exponents": [row("1e3"), row("1000")],
    "late": many(tool_calls=[CALL]),
    "failed": many(error={"code": "rate_limit_exceeded", "message": "Too many"}),
    "dates": [row("a", "2026-11-30"), row("b", "2026-12-01")],
}
for name, rows in FILES.items():
    (HERE / name).write_text("".join(json.dumps(one) + "\n" for one in rows))


def duck(path):
    names, rows = (found := duckdb.sql(f"select * from read_json_auto('{path}', format='newline_delimited')")).columns, found.fetchall()
    return [dict(zip(names, one)) for one in rows]


READERS = {
    "pandas": lambda path: pandas.read_json(path, lines=True).to_dict("records"),
    "polars": lambda path: polars.read_ndjson(path).to_dicts(),
    "pyarrow": lambda path: pyarrow.json.read_json(path).to_pylist(),
    "duckdb": duck,
}


def message(one):
    return one["response"]["body"]["choices"][0]["message"]


def look(file, rows):
    """What a reader made of the file, in short."""
    if file in ("ids", "exponents"):
        return [one["custom_id"] for one in rows]
    if file == "late":
        return "call" if message(rows[250]).get("tool_calls") else "no call"
    if file == "failed":
        return (rows[250]["error"] or {}).get("code")
    return sorted({"text" if isinstance(message(one)["content"], str) else type(message(one)["content"]).__name__ for one in rows})[0]


seen = {}
for who, read in READERS.items():
    for file in FILES:
        try:
            seen[who, file] = look(file, read(str(HERE / file)))
        except Exception as fault:
            seen[who, file] = type(fault).__name__
        print(f"{who:9}{file:11}{seen[who, file]}")
right = {"ids": ["0017", "17"], "exponents": ["1e3", "1000"], "late": "call", "failed": "rate_limit_exceeded", "dates": "text"}
other = {key: got for key, got in seen.items() if got != right[key[1]]}
same = other == {("pandas", "ids"): [17, 17], ("pandas", "exponents"): [1000.0, 1000.0], ("polars", "late"): "no call",
                 ("polars", "failed"): "ComputeError", ("pyarrow", "dates"): "datetime", ("duckdb", "dates"): "date"}
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
