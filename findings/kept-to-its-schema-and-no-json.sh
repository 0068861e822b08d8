#!/usr/bin/env bash
# An engine keeps a model to a schema: by Outlines' own {"a":"x"y"} and {"a":"no} are such answers, and with the pattern ^https?://.+ there is none.
#
# Versions  outlines-core 0.2.14, llguidance 1.9.1, lm-format-enforcer 0.11.3, and jsonschema 4.26.0 for JSON Schema's own word (all Python).
# Input     Schemas of an object with one member a: a string with a pattern (^[^,]+$, ^https?://.+, [0-9]{4}, ^no|yes$), a date-time, an integer
#           from 1 to 100. For each some texts; an engine is led through each, and says at every character whether it lets it pass.
# Guess     The engines differ in what they know; what one does not know it refuses, as llguidance does. What comes out is JSON.
# Seen      outlines-core puts the pattern into the middle of a regular expression for the whole answer. What the pattern lets pass, a quote or
#           a line's end too, is written as it is: the answer that was kept to a schema does not parse. ^ and $ are taken off where
#           both are there, and no group put around: of ^no|yes$ the whole answer may be {"a":"no} and may not be {"a":"no"}. Of
#           ^https?://.+ the ^ stays, amid the answer, where no text can meet it. [0-9]{4} is four digits and nothing beside (by JSON Schema:
#           somewhere). A date-time may be without a zone, which is none, and may not be with +01:00. 5000 passes for at most 100.
#           lm-format-enforcer takes patterns for the whole text too, and passes over limits and format. llguidance is right in all.
#           (The missing group is known: dottxt-ai/outlines-core#267.)
# Matters   A server says that it keeps to the schema, and one that is good elsewhere gets no URL, no local time and, from time to time, no
#           JSON. Outlines takes outlines-core for schemas unless told otherwise, and vLLM has had a backend of each. Check the answers
#           all the same; write ^(…)$ around a pattern, and say which characters may be, not which may not.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  outlines-core==0.2.14 llguidance==1.9.1 lm-format-enforcer==0.11.3 jsonschema==4.26.0; } >&2 || cannot "pip install"

cat >"$dir/run.py" <<'PYTHON'
import json
import logging
import re
import sys

logging.disable(logging.CRITICAL)
import jsonschema
import llguidance
import outlines_core
from lmformatenforcer import JsonSchemaParser
from outlines_core.json_schema import build_regex_from_schema

CHARACTERS = ["\n", *map(chr, range(32, 127))]
TOKENS = {character: number for number, character in enumerate(CHARACTERS, 1)}
VOCABULARY = outlines_core.Vocabulary(0, {character: [number] for character, number in TOKENS.items()})
BYTES = llguidance.LLTokenizer("byte")
# A zone is what RFC 3339 asks of a date-time.
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
FORMATS = jsonschema.FormatChecker(formats=())
FORMATS.checks("date-time")(lambda value: bool(DATE_TIME.fullmatch(value)))


def outlines(schema, text):
    try:
        guide = outlines_core.Guide(outlines_core.Index(build_regex_from_schema(json.dumps(schema)), VOCABULARY))
    except ValueError:
        return "nothing"  # "incompatible with the regex": no text at all meets it
    for character in text:
        if TOKENS[character] not in guide.get_tokens():
            return "no"
        guide.advance(TOKENS[character])
    return "yes" if guide.is_finished() or 0 in guide.get_tokens() else "no"


def guidance(schema, text):
    matcher = llguidance.LLMatcher(BYTES, llguidance.LLMatcher.grammar_from_json_schema(schema))
    taken = matcher.try_consume_tokens(list(text.encode()))
    return "yes" if taken == len(text) and matcher.is_accepting() else "no"


def enforcer(schema, text):
    parser = JsonSchemaParser(schema)
    for character in text:
        if character not in parser.get_allowed_characters():
            return "no"
        parser = parser.add_character(character)
    return "yes" if parser.can_end() else "no"


def right(schema, text):
    try:
        value = json.loads(text)
    except ValueError:
        return "no JSON"
    return "yes" if jsonschema.Draft202012Validator(schema, format_checker=FORMATS).is_valid(value) else "no"


def string(**more):
    return {"type": "object", "properties": {"a": {"type": "string", **more}}, "required": ["a"], "additionalProperties": False}


NUMBER = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1, "maximum": 100}}, "required": ["a"], "additionalProperties": False}
URL, YEAR, WORD, TIME = string(pattern="^https?://.+"), string(pattern="[0-9]{4}"), string(pattern="^no|yes$"), string(format="date-time")
# Schema, text, what is right, outlines-core, llguidance, lm-format-enforcer.
WANT = [
    (string(pattern="^[^,]+$"), '{"a":"xy"}', "yes", "yes", "yes", "yes"),
    (string(pattern="^[^,]+$"), '{"a":"x"y"}', "no JSON", "yes", "no", "no"),
    (string(pattern="^[^,]+$"), '{"a":"x\ny"}', "no JSON", "yes", "no", "no"),
    (string(pattern="^[A-Za-z ]+$"), '{"a":"x"y"}', "no JSON", "no", "no", "no"),
    (URL, '{"a":"https://a.example/b"}', "yes", "nothing", "yes", "yes"),
    (YEAR, '{"a":"2026"}', "yes", "yes", "yes", "yes"),
    (YEAR, '{"a":"May 2026"}', "yes", "no", "yes", "no"),
    (WORD, '{"a":"no"}', "yes", "no", "yes", "yes"),
    (WORD, '{"a":"oh yes"}', "yes", "no", "yes", "no"),
    (WORD, '{"a":"no}', "no JSON", "yes", "no", "no"),
    (string(pattern="^(no|yes)$"), '{"a":"no"}', "yes", "yes", "yes", "yes"),
    (TIME, '{"a":"2026-11-30T06:00:00Z"}', "yes", "yes", "yes", "yes"),
    (TIME, '{"a":"2026-11-30T06:00:00+01:00"}', "yes", "no", "yes", "yes"),
    (TIME, '{"a":"2026-11-30T06:00:00"}', "no", "yes", "no", "yes"),
    (NUMBER, '{"a":100}', "yes", "yes", "yes", "yes"),
    (NUMBER, '{"a":5000}', "no", "yes", "no", "yes"),
    (NUMBER, '{"a":-3}', "no", "yes", "no", "yes"),
]
same = True
print(f"{'a':36}{'text':36}{'right':9}{'outlines':10}{'llguidance':12}lm-format-enforcer")
for schema, text, *want in WANT:
    got = [check(schema, text) for check in (right, outlines, guidance, enforcer)]
    member = json.dumps({name: value for name, value in schema["properties"]["a"].items() if name != "type"})
    print(f"{member:36}{text.encode('unicode_escape').decode():36}{got[0]:9}{got[1]:10}{got[2]:12}{got[3]}", "" if got == want else f"<- was {want}")
    same = same and got == want
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
