#!/usr/bin/env bash
# A tool's JSON Schema allows 100 at most. Made into zod's by zod itself it lets 5000 pass, if the limit stands beside $ref, anyOf or allOf.
#
# Versions  zod 4.6.7 (its z.fromJSONSchema(), "semi-experimental"), json-schema-to-zod 2.8.1, zod-from-json-schema 0.5.6, and ajv 8.20.0 for
#           JSON Schema's own word (all Node).
# Input     Schemas of a tool's arguments in JSON Schema 2020-12, which is MCP's dialect, and for each an object that fits and one
#           that does not: amount with maximum 100 beside its type, beside a $ref, beside anyOf of integer and null, in an allOf beside
#           its type; {properties, required} without "type"; email or phone, by anyOf of two `required`; a name with the pattern
#           ^\p{L}+$, once as z.toJSONSchema() itself writes it for z.string().regex(/^\p{L}+$/u).
# Guess     What a converter cannot express it refuses, as zod's does "not" and "if" with an error; what it converts is as strict.
# Seen      Only the limit beside its type is kept by all. z.fromJSONSchema() and json-schema-to-zod drop it in the other three
#           places and in the schema without "type", and take an object with neither email nor phone: no error, no warning.
#           zod-from-json-schema keeps all of these. All three make the pattern without its flag u: no name fits, not even Zoe, only
#           "p{L}" does, and zod cannot read back what it has written.
# Matters   The zod schema is what a Node program checks a model's arguments with before it runs a tool, when the tool is somebody else's: the
#           limit is in what the model is shown, the model mostly keeps to it, and the day that it does not, 5000 is paid.
#           A schema that came as JSON is checked as JSON, by ajv; a name's pattern is tried with a name.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  zod@4.6.7 json-schema-to-zod@2.8.1 zod-from-json-schema@0.5.6 ajv@8.20.0) >&2 || cannot "npm install"

cat >"$dir/run.mjs" <<'NODE'
import Ajv from "ajv/dist/2020.js";
import { jsonSchemaToZod } from "json-schema-to-zod";
import { z } from "zod";
import { convertJsonSchemaToZod } from "zod-from-json-schema";

const converters = {
  "z.fromJSONSchema()": (schema) => z.fromJSONSchema(schema),
  "json-schema-to-zod": (schema) => new Function("z", `return ${jsonSchemaToZod(schema)}`)(z),
  "zod-from-json-schema": (schema) => convertJsonSchemaToZod(schema),
};
const limit = (amount, more = {}) => [
  { type: "object", properties: { amount }, required: ["amount"], additionalProperties: false, ...more },
  { amount: 5 },
  { amount: 5000 },
];
const text = { type: "string" };
const { $schema, ...letters } = z.toJSONSchema(z.object({ name: z.string().regex(/^\p{L}+$/u) }));
const cases = {
  "beside type": limit({ type: "integer", maximum: 100 }),
  "beside $ref": limit({ $ref: "#/$defs/amount", maximum: 100 }, { $defs: { amount: { type: "integer" } } }),
  "beside anyOf": limit({ anyOf: [{ type: "integer" }, { type: "null" }], maximum: 100 }),
  "in allOf": limit({ type: "integer", allOf: [{ minimum: 0 }, { maximum: 100 }] }),
  "no type": [{ properties: { amount: { type: "integer", maximum: 100 } }, required: ["amount"] }, { amount: 5 }, { amount: 5000 }],
  "one of two": [
    { type: "object", properties: { email: text, phone: text }, anyOf: [{ required: ["email"] }, { required: ["phone"] }] },
    { email: "bo@example.com" },
    {},
  ],
  pattern: [{ type: "object", properties: { name: { type: "string", pattern: "^\\p{L}+$" } }, required: ["name"] }, { name: "Zoe" }, { name: "7" }],
  "zod's own": [letters, { name: "Zoe" }, { name: "7" }],
};
const told = {
  "z.fromJSONSchema()": ["beside $ref", "beside anyOf", "in allOf", "no type", "one of two"],
  "json-schema-to-zod": ["beside $ref", "beside anyOf", "in allOf", "no type", "one of two"],
  "zod-from-json-schema": [],
};
let same = true;
for (const [name, [schema, good, bad]] of Object.entries(cases)) {
  const valid = new Ajv({ strict: false }).compile(schema);
  if (!valid(good) || valid(bad)) throw new Error(`${name}: the two objects are not what they should be`);
  for (const [who, convert] of Object.entries(converters)) {
    let takes;
    try {
      const converted = convert(schema);
      takes = [good, bad].map((value) => converted.safeParse(value).success);
    } catch (error) {
      takes = [error.message, null];
    }
    const says = takes[1] === null ? takes[0] : `${takes[0] ? "takes" : "REFUSES"} ${JSON.stringify(good)}, ${takes[1] ? "TAKES" : "refuses"} ${JSON.stringify(bad)}`;
    console.log(`${name.padEnd(14)}${who.padEnd(22)}${says}`);
    const lax = told[who].includes(name);
    const deaf = name === "pattern" || name === "zod's own";
    same &&= takes[0] === !deaf && takes[1] === lax;
  }
}
const odd = Object.values(converters).map((convert) => convert(cases.pattern[0]).safeParse({ name: "p{L}" }).success);
console.log("as a name, p{L}:", ...odd);
same &&= odd.every(Boolean);
for (const schema of [{ not: text }, { if: text, then: text }]) {
  let fault = "none";
  try {
    z.fromJSONSchema(schema);
  } catch (error) {
    fault = error.message;
  }
  console.log(`${JSON.stringify(schema)}: z.fromJSONSchema() says:`, fault);
  same &&= /not supported/.test(fault);
}
console.log(same ? "as told" : "this has changed");
process.exit(same ? 0 : 1);
NODE
node "$dir/run.mjs"
