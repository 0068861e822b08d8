#!/usr/bin/env bash
# An MCP tool answers {"id": 7, "note": "refund until Friday"}. Its schema names id and lets others be: FastMCP's client has no note, if that stands there as {}.
#
# Versions  fastmcp 4.1.6 (Python) as the client and as a server; @modelcontextprotocol/sdk 1.32.2 with zod 4.6.7 (Node) as a server.
# Input     Five tools that answer with this object, or a list of such, as structuredContent, each with an outputSchema that it fits. Made with the
#           SDK for Node: (loose) z.looseObject({id}), (catchall) z.object({id}).catchall(z.string()), (rows) a list of the first. Made with
#           FastMCP: (open) a JSON Schema as it is written by hand, {type, properties, required}; (allow) a model of pydantic's with extra="allow".
#           The client calls each; looked at are result.structured_content and result.data.
# Guess     data is "structured data (automatically deserialized)", by the client's documentation: what is in the one is in the other.
# Seen      structured_content has the note each time. data has it for (allow) alone, whose schema says additionalProperties: true. zod writes
#           additionalProperties: {} or {"type": "string"}, a hand nothing at all, which by JSON Schema allow it just as well: of these the client makes a
#           class with the one field id, and the note is dropped, in (rows) from each row. No error, no warning; data looks complete.
# Matters   What a server may add, it adds where it matters: a reason, a warning, a next page, a column of the customer's. A program in Python
#           that reads data, as the client's examples do, has never had it, while the model, a log and a client in Node have. The same server
#           written in Python passes its tests. Read structured_content; or write additionalProperties: true.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check fastmcp==4.1.6; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact @modelcontextprotocol/sdk@1.32.2 zod@4.6.7) >&2 ||
  cannot "npm install"

cat >"$dir/server.mjs" <<'NODE'
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StdioServerTransport } from "@modelcontextprotocol/sdk/server/stdio.js";
import { z } from "zod";

const row = { id: 7, note: "refund until Friday" };
const server = new McpServer({ name: "orders", version: "1" });
const tool = (name, outputSchema, structuredContent) =>
  server.registerTool(name, { outputSchema }, () => ({ content: [{ type: "text", text: JSON.stringify(structuredContent) }], structuredContent }));
const loose = z.looseObject({ id: z.number() });
tool("loose", loose, row);
tool("catchall", z.object({ id: z.number() }).catchall(z.string()), row);
tool("rows", z.object({ rows: z.array(loose) }), { rows: [row, row] });
await server.connect(new StdioServerTransport());
NODE

cat >"$dir/server.py" <<'PYTHON'
from fastmcp import FastMCP
from fastmcp.tools import ToolResult
from pydantic import BaseModel, ConfigDict

row = {"id": 7, "note": "refund until Friday"}
server = FastMCP("orders")


class Order(BaseModel):
    model_config = ConfigDict(extra="allow")
    id: int


@server.tool(output_schema={"type": "object", "properties": {"id": {"type": "integer"}}, "required": ["id"]})
def open():
    return ToolResult(structured_content=row)


@server.tool
def allow() -> Order:
    return Order(**row)


server.run(show_banner=False)
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import asyncio
import json
import pathlib
import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport

HERE = pathlib.Path(sys.argv[0]).parent
WANT = {"loose": False, "catchall": False, "rows": False, "open": False, "allow": True}  # whether the note is in data


async def main():
    seen, whole = {}, True
    for command, server in (("node", "server.mjs"), (sys.executable, "server.py")):
        async with Client(StdioTransport(command, [str(HERE / server)], log_file=HERE / "log")) as client:
            for tool in await client.list_tools():
                result = await client.call_tool(tool.name, {})
                whole &= "refund" in json.dumps(result.structured_content)
                seen[tool.name] = "refund" in repr(result.data)
                print(f"{tool.name:10}{json.dumps(result.structured_content)}\n{'':10}data: {result.data!r}")
    same = whole and seen == WANT
    print("as told" if same else "this has changed")
    return 0 if same else 1


sys.exit(asyncio.run(main()))
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py" 2>/dev/null
