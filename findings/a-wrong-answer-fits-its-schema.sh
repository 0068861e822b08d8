#!/usr/bin/env bash
# {"to": "Bo", "amount": "twelve"} is not what the schema allows: ValidJSON(schema=schema) of autoevals for Python gives it 1 of 1, that for Node 0.
#
# Versions  autoevals 0.4.1 with jsonschema 4.26.0 (Python), autoevals 0.3.0 (Node).
# Input     A schema of an object with a text `to` and an integer `amount`, both required, no others; five answers: one that fits it, one whose amount
#           is a text, one without amount, [], and words. ValidJSON(schema=schema), as its documentation has it, and ValidJSON.partial(schema=schema)()
#           mark each answer, by eval() and by eval_async(): alone; with `expected` beside it, as a data set has the right answer, {"to": "Bo",
#           "amount": 12} (expected); with {"type": "refund", "amount": 12} (another). In Node ValidJSON({output, expected, schema}).
# Guess     "1 if valid JSON (and matches schema if provided), 0 otherwise", says the documentation; expected is of no use here and is not looked at.
# Seen      So it is in Node. In Python the schema that it is made with is kept and not looked at: all that is JSON, an object or a list, has 1.
#           `expected` is taken for the schema: {"to": …} has no word that JSON Schema knows, so each of these has 1 again; {"type": "refund"}, no type
#           of JSON Schema, raises SchemaError, for the right answer too. partial() is right by eval(), and raises TypeError by eval_async(). (That the
#           schema is passed over is told in an open pull request, braintrustdata/autoevals#221.)
# Matters   The mark is there to show whether a model, a prompt or a server without strict mode keeps to the schema. It shows 100 percent for each of
#           them, and the answers fail where they are used; a suite that is moved to Node gets worse overnight. Give a scorer a wrong answer before its
#           marks are believed; here jsonschema.validate() in a function of one's own is as short.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check autoevals==0.4.1 jsonschema==4.26.0; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact autoevals@0.3.0) >&2 || cannot "npm install"

cat >"$dir/mark.mjs" <<'NODE'
import { ValidJSON } from "autoevals";

const { schema, answers, expected } = JSON.parse(process.argv[2]);
const marks = async (beside) => Promise.all(answers.map(async (output) => (await ValidJSON({ output, schema, ...beside })).score));
console.log(JSON.stringify({ alone: await marks({}), expected: await marks({ expected: expected[0] }), another: await marks({ expected: expected[1] }) }));
process.exit(0);
NODE

cat >"$dir/run.py" <<'PYTHON'
import asyncio
import json
import pathlib
import subprocess
import sys

from autoevals import ValidJSON

SCHEMA = {"type": "object", "properties": {"to": {"type": "string"}, "amount": {"type": "integer"}}, "required": ["to", "amount"], "additionalProperties": False}
ANSWERS = ['{"to": "Bo", "amount": 12}', '{"to": "Bo", "amount": "twelve"}', '{"to": "Bo"}', "[]", "Bo gets 12."]
EXPECTED = [{"to": "Bo", "amount": 12}, {"type": "refund", "amount": 12}]


def marks(make, way, **beside):
    got = []
    for output in ANSWERS:
        try:
            mark = getattr(make(), way)(output=output, **beside)
            got.append((asyncio.run(mark) if way == "eval_async" else mark).score)
        except Exception as error:
            got.append(type(error).__name__)
    return got


whole = json.dumps({"schema": SCHEMA, "answers": ANSWERS, "expected": EXPECTED})
node = subprocess.run(["node", pathlib.Path(sys.argv[0]).with_name("mark.mjs"), whole], check=True, capture_output=True, text=True, timeout=100)
seen = {f"Node, {name}": got for name, got in json.loads(node.stdout.splitlines()[-1]).items()}
BESIDE = {"alone": {}, "expected": {"expected": EXPECTED[0]}, "another": {"expected": EXPECTED[1]}}
for name, make in {"made": lambda: ValidJSON(schema=SCHEMA), "partial": ValidJSON.partial(schema=SCHEMA)}.items():
    for way in "eval", "eval_async":
        for beside, given in BESIDE.items():
            seen[f"Python, {name}, {way}, {beside}"] = marks(make, way, **given)
for name, got in seen.items():
    print(f"{name:38}{got}")
right, any_json = [1, 0, 0, 0, 0], [1, 1, 1, 1, 0]
same = True
for beside in BESIDE:
    made = ["SchemaError"] * 4 + [0] if beside == "another" else any_json
    same &= seen[f"Node, {beside}"] == right == seen[f"Python, partial, eval, {beside}"]
    same &= seen[f"Python, made, eval, {beside}"] == made == seen[f"Python, made, eval_async, {beside}"]
    same &= seen[f"Python, partial, eval_async, {beside}"] == ["TypeError"] * 5
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
