#!/usr/bin/env bash
# An MCP server lists six tools in three pages: two agent frameworks give their models two of them, a third gives all six.
#
# Versions  google-adk 2.13.0 and llama-index-tools-mcp 0.6.0 with mcp 2.1.1; openai-agents 0.24.0 with mcp 1.30.0 (all Python).
# Input     A server over stdio, made with mcp 1.30.0, whose tools/list answers two tools and a nextCursor, twice, and two without.
# Guess     Who asks for "the tools" of a server gets all of them: nextCursor is as old as MCP is.
# Seen      McpToolset.get_tools() and McpToolSpec.to_tool_list_async() ask for one page and are done: no error, no warning, no
#           sign that there was more. MCPServerStdio.list_tools() asks three times.
# Matters   A tool that is listed late is not there: which ones, the server's order decides, and a server that begins to page
#           one day takes tools away from agents that ran well. A page as large as it may be is the kinder one: weir's own has 500.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

# The two families need different versions of mcp.
{ python3 -m venv "$dir/first" && "$dir/first/bin/pip" install --quiet --disable-pip-version-check \
  google-adk==2.13.0 llama-index-tools-mcp==0.6.0 mcp==2.1.1 &&
  python3 -m venv "$dir/all" && "$dir/all/bin/pip" install --quiet --disable-pip-version-check \
  openai-agents==0.24.0 mcp==1.30.0; } >&2 || cannot "pip install"

cat >"$dir/server.py" <<'PYTHON'
import asyncio

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

server = Server("three-pages")


@server.list_tools()
async def list_tools(request: types.ListToolsRequest) -> types.ListToolsResult:
    page = int(request.params.cursor or 0) if request.params else 0
    tools = [types.Tool(name=f"page_{page}_{name}", description="Does it.", inputSchema={"type": "object", "properties": {}})
             for name in "ab"]
    return types.ListToolsResult(tools=tools, nextCursor=str(page + 1) if page < 2 else None)


async def main():
    async with stdio_server() as (reads, writes):
        await server.run(reads, writes, server.create_initialization_options())


asyncio.run(main())
PYTHON

cat >"$dir/first.py" <<'PYTHON'
import asyncio
import json
import sys

from google.adk.tools.mcp_tool import McpToolset, StdioConnectionParams
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec
from mcp import StdioServerParameters

command, args = sys.argv[1], sys.argv[2:]


async def main():
    toolset = McpToolset(connection_params=StdioConnectionParams(server_params=StdioServerParameters(command=command, args=args)))
    adk = [tool.name for tool in await toolset.get_tools()]
    await toolset.close()
    llama = [tool.metadata.name for tool in await McpToolSpec(client=BasicMCPClient(command, args=args)).to_tool_list_async()]
    print(json.dumps([adk, llama]))


asyncio.run(main())
PYTHON

cat >"$dir/all.py" <<'PYTHON'
import asyncio
import json
import sys

from agents.mcp import MCPServerStdio


async def main():
    async with MCPServerStdio(params={"command": sys.argv[1], "args": sys.argv[2:]}) as server:
        print(json.dumps([tool.name for tool in await server.list_tools()]))


asyncio.run(main())
PYTHON

server=("$dir/all/bin/python" "$dir/server.py")
first=$(timeout 300 "$dir/first/bin/python" "$dir/first.py" "${server[@]}" 2>"$dir/errors" | tail -n 1) || { cat "$dir/errors" >&2; cannot "google-adk, llama-index"; }
all=$(timeout 300 "$dir/all/bin/python" "$dir/all.py" "${server[@]}" 2>"$dir/errors" | tail -n 1) || { cat "$dir/errors" >&2; cannot "openai-agents"; }

echo "google-adk, LlamaIndex  $first"
echo "openai-agents           $all"
page='["page_0_a", "page_0_b"]'
if [ "$first" = "[$page, $page]" ] && [ "$all" = '["page_0_a", "page_0_b", "page_1_a", "page_1_b", "page_2_a", "page_2_b"]' ]; then
  echo "as told"
else
  echo "this has changed"
  exit 1
fi
