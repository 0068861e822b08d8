#!/usr/bin/env bash
# An API takes "Hello, Bo." as plain text: an MCP server made from its OpenAPI document stores {"body":"Hello, Bo."}, and of ?tag=red&tag=big two such servers make one tag, "red,big".
#
# Versions  @ivotoby/openapi-mcp-server 1.16.1; openapi-mcp-generator 4.0.1, whose server runs with axios 1.21.1, zod 3.25.76 and json-schema-to-zod
#           2.8.1; @modelcontextprotocol/sdk 1.32.2 as the client (all Node); beside them fastmcp 4.1.6 (Python).
# Input     An OpenAPI 3.0.3 document with five operations: (find) GET with an array `tag` in the query, in the form that OpenAPI has where nothing is
#           said, style form with explode, tag=red&tag=big, and an object `filter` of the style deepObject; (tags) POST with a body that is a JSON
#           array; (note) POST with a body text/plain; (put) PUT /items/{id} with an `id` in the body as well, as a resource has it; (form) POST of a
#           form. Each tool is called with arguments that its own schema allows. What arrives at the API is looked at.
# Guess     The document says how each value is written, and a server that is made of it writes so; what it cannot write it does not offer.
# Seen      FastMCP is right in all of it. Both others send tag=red,big, which is one tag with a comma in it. The generated server sends filter=[object
#           Object], and wants a form as a text, ready-made. @ivotoby's, which is right in both, wraps a body that is no object: {"body":["a","b"]} for
#           the list and {"body":"Hello, Bo."}, as text/plain, for the note; and the `id` of the body, which its schema calls body_id beside the path's,
#           is sent as body_id. Each call is a success for the model.
# Matters   "Which big red ones are there?" – none, says an API that finds nothing under "red,big", and the model says so. A note, a mail or a script is
#           stored with braces and quotes around it; a renamed member is dropped by most APIs, without a word. One tag, which is how it is tried,
#           arrives as it should. Look at what arrives, once for each list and each body that is no object, before an agent is given an API.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check fastmcp==4.1.6; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  @ivotoby/openapi-mcp-server@1.16.1 openapi-mcp-generator@4.0.1 @modelcontextprotocol/sdk@1.32.2 axios@1.21.1 dotenv@16.6.1 zod@3.25.76 \
  json-schema-to-zod@2.8.1 typescript@5.9.3 @types/node@22.15.2) >&2 || cannot "npm install"

cat >"$dir/document.json" <<'JSON'
{
  "openapi": "3.0.3",
  "info": { "title": "Shop", "version": "1" },
  "servers": [{ "url": "http://127.0.0.1:9" }],
  "paths": {
    "/find": {
      "get": {
        "operationId": "find",
        "summary": "Finds",
        "parameters": [
          { "name": "tag", "in": "query", "schema": { "type": "array", "items": { "type": "string" } } },
          { "name": "filter", "in": "query", "style": "deepObject", "explode": true,
            "schema": { "type": "object", "properties": { "color": { "type": "string" } } } }
        ],
        "responses": { "200": { "description": "what there is" } }
      }
    },
    "/tags": {
      "post": {
        "operationId": "tags",
        "summary": "Sets the tags",
        "requestBody": { "required": true, "content": { "application/json": { "schema": { "type": "array", "items": { "type": "string" } } } } },
        "responses": { "200": { "description": "done" } }
      }
    },
    "/note": {
      "post": {
        "operationId": "note",
        "summary": "Writes a note",
        "requestBody": { "required": true, "content": { "text/plain": { "schema": { "type": "string" } } } },
        "responses": { "200": { "description": "done" } }
      }
    },
    "/items/{id}": {
      "put": {
        "operationId": "put",
        "summary": "Puts an item",
        "parameters": [{ "name": "id", "in": "path", "required": true, "schema": { "type": "string" } }],
        "requestBody": {
          "required": true,
          "content": { "application/json": { "schema": { "type": "object", "properties": { "id": { "type": "string" }, "name": { "type": "string" } } } } }
        },
        "responses": { "200": { "description": "done" } }
      }
    },
    "/form": {
      "post": {
        "operationId": "form",
        "summary": "Sends a form",
        "requestBody": {
          "required": true,
          "content": { "application/x-www-form-urlencoded": { "schema": { "type": "object", "properties": { "to": { "type": "string" }, "amount": { "type": "integer" } } } } }
        },
        "responses": { "200": { "description": "done" } }
      }
    }
  }
}
JSON

cat >"$dir/serve.py" <<'PYTHON'
import json
import pathlib
import sys

import httpx2
from fastmcp import FastMCP

document = json.loads(pathlib.Path(__file__).with_name("document.json").read_text())
FastMCP.from_openapi(document, client=httpx2.AsyncClient(base_url=sys.argv[1]), name="shop").run(show_banner=False)
PYTHON

cat >"$dir/run.mjs" <<'NODE'
import http from "node:http";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";

let arrived;
const api = http.createServer(async (request, answer) => {
  let body = "";
  for await (const piece of request) body += piece;
  const [path, query] = decodeURIComponent(request.url).split("?");
  arrived = request.method === "GET" ? query : `${path} ${(request.headers["content-type"] ?? "").split(";")[0]} ${body}`;
  answer.setHeader("content-type", "application/json");
  answer.end("[]");
});
await new Promise((ready) => api.listen(0, "127.0.0.1", ready));
const base = `http://127.0.0.1:${api.address().port}`;

const given = {
  find: [{ tag: ["red", "big"] }],
  filter: [{ filter: { color: "red" } }],
  tags: [null, ["a", "b"]],
  note: [null, "Hello, Bo."],
  put: [{ id: "7" }, { id: "7", name: "Bo" }],
  form: [null, { to: "Bo", amount: 12 }],
};
// the arguments that a server's own schema has for this: the body as a whole, or its members beside the others, `id` under two names
const inOne = (properties, [named, body]) => {
  if (body === undefined) return named;
  const whole = ["requestBody", "body"].find((name) => name in properties);
  if (whole) return { ...named, [whole]: properties[whole].type === "string" && typeof body !== "string" ? new URLSearchParams(body).toString() : body };
  if ("body_id" in properties) return { ...body, id: named.id, body_id: body.id };
  if ("id__path" in properties) return { ...body, id__path: named.id };
  return { ...named, ...body };
};

async function told(command, args) {
  const client = new Client({ name: "c", version: "1" });
  await client.connect(new StdioClientTransport({ command, args, stderr: "ignore", env: { ...process.env, API_BASE_URL: base } }));
  const { tools } = await client.listTools();
  const seen = {};
  for (const [name, what] of Object.entries(given)) {
    const path = name === "filter" ? "find" : name;
    const tool = tools.find((one) => one.name === path) ?? tools.find((one) => one.name.includes(path));
    arrived = "nothing";
    const result = await client.callTool({ name: tool.name, arguments: inOne(tool.inputSchema.properties, what) });
    seen[name] = arrived + (result.isError ? `, ${result.content[0].text}` : "");
  }
  await client.close();
  return seen;
}

const own = {
  "@ivotoby/openapi-mcp-server": ["node", ["node_modules/@ivotoby/openapi-mcp-server/bin/mcp-server.js", "--api-base-url", base, "--openapi-spec", "document.json", "--transport", "stdio"]],
  "openapi-mcp-generator": ["node", ["made/build/index.js"]],
  FastMCP: ["venv/bin/python", ["serve.py", base]],
};
const put = '/items/7 application/json {"id":"7","name":"Bo"}';
const form = "/form application/x-www-form-urlencoded to=Bo&amount=12";
const expected = {
  "@ivotoby/openapi-mcp-server": {
    find: "tag=red,big", filter: "filter[color]=red", tags: '/tags application/json {"body":["a","b"]}', note: '/note text/plain {"body":"Hello, Bo."}',
    put: '/items/7 application/json {"name":"Bo","body_id":"7"}', form,
  },
  "openapi-mcp-generator": { find: "tag=red,big", filter: "filter=[object+Object]", tags: '/tags application/json ["a","b"]', note: "/note text/plain Hello, Bo.", put, form },
  FastMCP: { find: "tag=red&tag=big", filter: "filter[color]=red", tags: '/tags application/json ["a","b"]', note: "/note text/plain Hello, Bo.", put, form },
};
let same = true;
for (const [name, by] of Object.entries(own)) {
  const seen = await told(...by);
  console.log(name);
  for (const [operation, what] of Object.entries(seen)) {
    console.log(`  ${operation.padEnd(7)} ${what}`);
    same &&= what === expected[name][operation];
  }
}
console.log(same ? "as told" : "this has changed");
process.exit(same ? 0 : 1);
NODE
cd "$dir"
npx openapi-mcp-generator --input document.json --output made --transport stdio >log 2>&1 || { cat log >&2; cannot "openapi-mcp-generator"; }
(cd made && npx tsc) >&2 || cannot "tsc"
node run.mjs
