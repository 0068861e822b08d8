#!/usr/bin/env bash
# Arguments of a call, cut off inside a text: what completes them makes a member of a word in quotes, or loses how a block of code began.
#
# Versions  jsonrepair 3.15.0, partial-json 0.1.7, best-effort-json-parser 1.5.1, ai 7.0.173 (its parsePartialJson) (Node);
#           json-repair 0.64.6, partial-json-parser 0.2.1.1.post7, jiter 0.19.0 (Python).
# Input     Four objects as JSON.stringify() writes them: {file, text} with the text in plain prose; with two words in quotes; with a
#           block ```json; and {rate, text} with a rate of 1.5e-7. Each is cut at every place inside the string `text`, as a stream or
#           a limit cuts it, and completed. "right" is an object that has no member of its own and whose `text`
#           is a beginning of the text; a backslash too many at the end is let pass.
# Guess     Up to the cut all of it is valid JSON, so nothing has to be guessed but a quote and a brace: all are right at each cut.
# Seen      partial-json, the AI SDK, partial-json-parser and jiter are. jsonrepair takes an escaped quote for one that
#           somebody forgot: of {"file":…,"text":"She said \"pay\", and then \"now\", it makes a text 'She said "pay"' and a member
#           'and then \' of 'now\', and in the block of code it raises an error at 7 of 24 cuts. best-effort-json-parser ends a
#           number at its "e": from there on the text belongs to a member 'e-7,"text"', and what a reader finds as `text` is
#           undefined; the block of code is an error for it. json-repair, if the text is cut just behind the fence that ends the block,
#           loses what the block begins with: 'n{"x": 1}…'.
# Matters   With prose, which is what these are tried with, all seven are right. A page that shows arguments while they come flickers
#           or stands still on code; a call that is run with repaired arguments is short of a text, and has a member that no one
#           wrote, which many schemas allow. A repairer is for what a model wrote wrong, a completer for what was cut; and
#           whoever has the finish_reason "length" should run neither's result.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  json-repair==0.64.6 partial-json-parser==0.2.1.1.post7 jiter==0.19.0; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  jsonrepair@3.15.0 partial-json@0.1.7 best-effort-json-parser@1.5.1 ai@7.0.173) >&2 || cannot "npm install"

cat >"$dir/complete.mjs" <<'NODE'
import { readFileSync, writeFileSync } from "node:fs";
import { parsePartialJson } from "ai";
import { parse as bestEffort } from "best-effort-json-parser";
import { jsonrepair } from "jsonrepair";
import { parse as partial } from "partial-json";

console.error = () => {}; // best-effort-json-parser says there what it does not know
const completers = {
  jsonrepair: (cut) => JSON.parse(jsonrepair(cut)),
  "partial-json": (cut) => partial(cut),
  "best-effort-json-parser": (cut) => bestEffort(cut),
  "AI SDK": async (cut) => (await parsePartialJson(cut)).value,
};
const [asked, answer] = process.argv.slice(2);
const all = {};
for (const [who, complete] of Object.entries(completers)) {
  all[who] = {};
  for (const cut of JSON.parse(readFileSync(asked))) {
    try {
      all[who][cut] = { value: await complete(cut) };
    } catch (error) {
      all[who][cut] = { error: error.message };
    }
  }
}
writeFileSync(answer, JSON.stringify(all));
NODE

cat >"$dir/run.py" <<'PYTHON'
import json
import pathlib
import subprocess
import sys
from collections import Counter

import jiter
import json_repair
import partial_json_parser

HERE = pathlib.Path(sys.argv[0]).parent
OBJECTS = {
    "prose": {"file": "a.md", "text": "The first line.\nIt says: all is well, and so on."},
    "quotes": {"file": "a.md", "text": 'She said "pay", and then "now", twice.'},
    "code": {"file": "a.md", "text": '```json\n{"x": 1}\n```'},
    "rate": {"rate": 1.5e-7, "text": "Hello, all"},
}
PYTHON = {
    "json-repair": json_repair.loads,
    "partial-json-parser": partial_json_parser.loads,
    "jiter": lambda cut: jiter.from_json(cut.encode(), partial_mode="trailing-strings"),
}


def cuts(value):
    whole = json.dumps(value, separators=(",", ":")).replace("e-07", "e-7")
    assert json.loads(whole) == value
    return [whole[:end] for end in range(whole.index('"text":"') + len('"text":"') + 1, len(whole) - 1)]


def attempt(complete, cut):
    try:
        return {"value": complete(cut)}
    except Exception as fault:
        return {"error": str(fault)}


def judge(value, got):
    if "error" in got:
        return "error"
    if set(got["value"]) - set(value):
        return "a member more"
    text = got["value"].get("text")
    return "right" if isinstance(text, str) and value["text"].startswith(text.rstrip("\\")) else "another text"


(HERE / "cuts").write_text(json.dumps([cut for value in OBJECTS.values() for cut in cuts(value)]))
subprocess.run(["node", HERE / "complete.mjs", HERE / "cuts", HERE / "completed"], check=True, capture_output=True, timeout=100)
completed = json.loads((HERE / "completed").read_text())
completed |= {who: {cut: attempt(complete, cut) for value in OBJECTS.values() for cut in cuts(value)} for who, complete in PYTHON.items()}
other = {}
for who, by in completed.items():
    for name, value in OBJECTS.items():
        verdicts = {cut: judge(value, by[cut]) for cut in cuts(value)}
        print(f"{who:25}{name:8}{dict(Counter(verdicts.values()))}")
        wrong = [cut for cut, verdict in verdicts.items() if verdict != "right"]
        if wrong:
            other[who, name] = set(verdicts[cut] for cut in wrong)
            print(f"    {wrong[-1]}  =>  {json.dumps(by[wrong[-1]])}")
same = other == {("jsonrepair", "quotes"): {"a member more"}, ("jsonrepair", "code"): {"error"}, ("json-repair", "code"): {"another text"},
                 ("best-effort-json-parser", "code"): {"error"}, ("best-effort-json-parser", "rate"): {"a member more"}}
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
