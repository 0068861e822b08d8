#!/usr/bin/env bash
# A tool's price is a multiple of 0.01 by its schema. 19.99 is none, say MCP's client for Node and its server for Python, 20.50 is one.
#
# Versions  @modelcontextprotocol/sdk 1.32.2 with ajv 8.20.0 and zod 4.6.7 (Node); mcp 1.30.0 with jsonschema 4.26.0 and
#           pydantic 2.14.4 (Python).
# Input     A server each, made with the SDK, with the tool offer(price), that takes and gives back a price, both declared to the cent:
#           z.number().multipleOf(0.01), Field(multiple_of=0.01). A client of the same SDK calls it with 19.99, 0.57 and 20.50.
#           Then the four validators alone: the prices from 0.01 to 100.00 against {"type": "number", "multipleOf": 0.01}.
# Guess     What one half of an SDK writes in a schema and lets through, the other half lets through: all three prices come back.
# Seen      20.50 does. In both languages 19.99 and 0.57 pass the check on the way in, the tool runs, and then its result is
#           refused: in Node by the client, which raises McpError, in Python by the server itself, "19.99 is not a multiple of 0.01". The way in is
#           checked by zod and pydantic, which allow for what binary fractions are; the way out by ajv and jsonschema, which divide by
#           0.01 and look for an integer. Of 10000 prices they refuse 1363, the same ones; zod and pydantic none.
# Matters   One price in seven fails, after the tool has done what it does: a model that is told so calls again, and pays twice. Tests use
#           round prices. The same schema is what strict structured outputs allow for a number, so an answer that a provider has held to
#           it is refused by its reader. A price is an integer of cents, or its schema says nothing of fractions.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  mcp==1.30.0 jsonschema==4.26.0 pydantic==2.14.4; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  @modelcontextprotocol/sdk@1.32.2 ajv@8.20.0 zod@4.6.7) >&2 || cannot "npm install"

cat >"$dir/pair.mjs" <<'NODE'
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import Ajv from "ajv";
import { z } from "zod";

const cents = z.number().multipleOf(0.01);
let ran = 0;
const server = new McpServer({ name: "offers", version: "1" });
server.registerTool("offer", { inputSchema: { price: cents }, outputSchema: { price: cents } }, async ({ price }) => {
  ran++;
  return { content: [{ type: "text", text: String(price) }], structuredContent: { price } };
});
const client = new Client({ name: "shop", version: "1" });
const [here, there] = InMemoryTransport.createLinkedPair();
await server.connect(there);
await client.connect(here);
await client.listTools(); // from here on the client knows what a result has to be
const offers = {};
for (const price of [19.99, 0.57, 20.5]) {
  ran = 0;
  let got;
  try {
    got = (await client.callTool({ name: "offer", arguments: { price } })).structuredContent.price;
  } catch (error) {
    got = error.message;
  }
  offers[price] = [ran, got];
}
const valid = new Ajv().compile({ type: "number", multipleOf: 0.01 });
const prices = Array.from({ length: 10000 }, (_, at) => Number(((at + 1) / 100).toFixed(2)));
const refused = { ajv: prices.filter((price) => !valid(price)), zod: prices.filter((price) => !cents.safeParse(price).success) };
console.log(JSON.stringify({ offers, refused }));
process.exit(0);
NODE

cat >"$dir/server.py" <<'PYTHON'
import pathlib
from typing import Annotated

from mcp.server.fastmcp import FastMCP
from pydantic import BaseModel, Field

Cents = Annotated[float, Field(multiple_of=0.01)]
ran = pathlib.Path(__file__).with_name("ran")


class Offer(BaseModel):
    price: Cents


server = FastMCP("offers", log_level="ERROR")


@server.tool()
def offer(price: Cents) -> Offer:
    ran.write_text(ran.read_text() + ".")
    return Offer(price=price)


server.run()
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import asyncio
import json
import pathlib
import subprocess
import sys
from typing import Annotated

import jsonschema
import pydantic
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

HERE = pathlib.Path(sys.argv[0]).parent


async def python():
    seen = {}
    async with stdio_client(StdioServerParameters(command=sys.executable, args=[str(HERE / "server.py")])) as pipes, ClientSession(*pipes) as client:
        await client.initialize()
        await client.list_tools()
        for price in 19.99, 0.57, 20.5:
            (HERE / "ran").write_text("")
            got = await client.call_tool("offer", {"price": price})
            seen[str(price)] = [len((HERE / "ran").read_text()), got.content[0].text if got.isError else got.structuredContent["price"]]
    return seen


def passes(price):
    try:
        return bool(cents.validate_python(price))
    except pydantic.ValidationError:
        return False


node = json.loads(subprocess.run(["node", HERE / "pair.mjs"], check=True, capture_output=True, text=True, timeout=100).stdout.splitlines()[-1])
offers = {"Node": node["offers"], "Python": asyncio.run(python())}
valid = jsonschema.Draft202012Validator({"type": "number", "multipleOf": 0.01})
cents = pydantic.TypeAdapter(Annotated[float, pydantic.Field(multiple_of=0.01)])
prices = [round(at / 100, 2) for at in range(1, 10001)]
refused = {**node["refused"], "jsonschema": [one for one in prices if not valid.is_valid(one)], "pydantic": [one for one in prices if not passes(one)]}
for language, by in offers.items():
    for price, (ran, got) in by.items():
        print(f"{language:8}{price:>6} ran {ran}: {got}")
for who, some in refused.items():
    print(f"{who:11} refuses {len(some):5} of 10000: {some[:8]}")
same = (all(by["20.5"] == [1, 20.5] and all(by[price][0] == 1 and "multiple of 0.01" in str(by[price][1]) for price in ("19.99", "0.57")) for by in offers.values())
        and refused["ajv"] == refused["jsonschema"] and len(refused["ajv"]) == 1363 and not refused["zod"] and not refused["pydantic"])
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
