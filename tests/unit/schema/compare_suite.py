"""Compares the checker's verdicts with those of the public JSON-Schema-Test-Suite, as Debian has it (json-schema-test-suite), and
prints how many tests of each draft are passed. Usage: compare_suite.py PROGRAM [FOLDER [DRAFT…]] (PROGRAM: verdicts.c)."""
import json
import pathlib
import struct
import subprocess
import sys

FOLDER = "/usr/share/json-schema-test-suite/tests"
DIALECTS = {"draft6": "http://json-schema.org/draft-06/schema#", "draft7": "http://json-schema.org/draft-07/schema#",
            "draft2020-12": "https://json-schema.org/draft/2020-12/schema"}
# Optional, and of another kind: what only describes (format, content), and readings that the standard leaves open.
PASSED_OVER = {"format", "format.json", "content.json", "cross-draft.json", "format-assertion.json", "no-schema.json"}
REFUSED = {"draft6": 19, "draft7": 19}  # of Debian's copy: what lies elsewhere
EXCEPT = {"ECMA 262 regex non-compliance"}  # of format: regex

program = sys.argv[1]
folder = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else FOLDER)
drafts = sys.argv[3:] or ["draft6", "draft7"]
if not folder.is_dir():
    print(f"{folder} is not there: install json-schema-test-suite")
    sys.exit(77)


def text(value):
    return json.dumps(value, ensure_ascii=True).encode()


def with_dialect(schema, draft):
    """What the folder says, a schema by itself does not."""
    if isinstance(schema, dict) and "$schema" not in schema:
        return {"$schema": DIALECTS[draft], **schema}
    return schema


def tests_of(draft):
    for path in sorted((folder / draft).rglob("*.json")):
        name = path.relative_to(folder / draft)
        if PASSED_OVER & set(name.parts):
            continue
        for group in json.loads(path.read_text()):
            for test in group["tests"] if group["description"] not in EXCEPT else []:
                yield f"{name}: {group['description']}: {test['description']}", with_dialect(group["schema"], draft), test


failed = False
for draft in drafts:
    tests = list(tests_of(draft))
    pairs = b"".join(struct.pack("<I", len(part)) + part for _, schema, test in tests for part in (text(schema), text(test["data"])))
    verdicts = subprocess.run([program], input=pairs, stdout=subprocess.PIPE, check=True).stdout.decode(errors="replace").splitlines()
    assert len(verdicts) == len(tests) > 300, (len(verdicts), len(tests))
    right = refused = 0
    for (name, _, test), verdict in zip(tests, verdicts):
        if verdict.startswith("R "):
            # Nothing is fetched: that alone may be refused.
            refused += 1
            if "nothing is fetched" not in verdict:
                failed = True
                print(f"{draft}: {name}: refused: {verdict[2:]}")
        elif verdict == str(int(test["valid"])):
            right += 1
        else:
            failed = True
            print(f"{draft}: {name}: expected {test['valid']}")
    if str(folder) == FOLDER and refused > REFUSED[draft]:
        failed = True
        print(f"{draft}: more is refused than lies elsewhere")
    print(f"{draft}: {right} of {len(tests)} tests are passed; {refused} are refused")
sys.exit(failed)
