#!/usr/bin/env bash
# A tool takes a text that may be left out; given the text {"a": 1}, the official MCP server for Python says that this is no string.
#
# Versions  mcp 1.30.0 and mcp 2.3.0, beside fastmcp 4.1.6 with the mcp that it brings (all Python).
# Input     Three tools, write(path: str, content: str | None = None), plain(content: str) and either(content: str | list[int]), called
#           over stdio with texts: hello, 12, {"a": 1}, [1, 2] and null. Each is a JSON string in the call's arguments, as the
#           schemas of all three allow.
# Guess     A string is a string: the tools get each text as it was sent.
# Seen      plain does. To write, both versions of mcp hand "hello" and "12", refuse {"a": 1} and [1, 2] as "Input should be a valid
#           string", and of the text null they make None, as if nothing had been given: a text is tried as JSON first wherever
#           the type is anything but str alone, and what comes out is taken unless it is a text or a number. either gets a list for
#           [1, 2] and refuses the other two. fastmcp hands on every text.
# Matters   The tools that write files, notes or messages have such parameters. They work until the text is a configuration or an empty
#           list; then the model is told to send a string, which it did, and tries again and again; and a file that is to hold
#           null is written as if there were no content. A parameter of plain str, with "" for none, takes them all.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

for package in mcp==1.30.0 mcp==2.3.0 fastmcp==4.1.6; do
  { python3 -m venv "$dir/$package" && "$dir/$package/bin/pip" install --quiet --disable-pip-version-check "$package"; } >&2 || cannot "pip install"
done

cat >"$dir/serve.py" <<'PYTHON'
import sys

if sys.argv[1].startswith("fastmcp"):
    from fastmcp import FastMCP as Server
elif sys.argv[1].startswith("mcp==1"):
    from mcp.server.fastmcp import FastMCP as Server
else:
    from mcp.server import MCPServer as Server
server = Server("texts")


@server.tool()
def write(path: str, content: str | None = None) -> str:
    """Writes."""
    return repr(content)


@server.tool()
def plain(content: str) -> str:
    """Writes."""
    return repr(content)


@server.tool()
def either(content: str | list[int]) -> str:
    """Writes."""
    return repr(content)


server.run()
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import asyncio
import json
import pathlib
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client

HERE = pathlib.Path(sys.argv[0]).parent
TEXTS = ["hello", "12", '{"a": 1}', "[1, 2]", "null"]
schemas = {}


async def ask(package):
    """What each tool of a package's server says of each text."""
    server = StdioServerParameters(command=str(HERE / package / "bin/python"), args=["-W", "ignore", str(HERE / "serve.py"), package])
    with open(HERE / "log", "a") as log:
        async with stdio_client(server, errlog=log) as pipes, ClientSession(*pipes) as session:
            await session.initialize()
            for tool in (await session.list_tools()).tools:
                of = tool.inputSchema["properties"]["content"]
                schemas[tool.name] = {one.get("type") for one in of.get("anyOf", [of])}
            seen = {}
            for tool, more in (("plain", {}), ("write", {"path": "a"}), ("either", {})):
                for text in TEXTS:
                    result = await session.call_tool(tool, {**more, "content": text})
                    said = result.content[0].text
                    seen[tool, text] = "refused" if result.isError and "should be a valid string" in said else said
            return seen


PACKAGES = "mcp==1.30.0", "mcp==2.3.0", "fastmcp==4.1.6"
seen = {package: asyncio.run(ask(package)) for package in PACKAGES}
for package, came in seen.items():
    for tool in ("plain", "write", "either"):
        print(f"{package:15}{tool:7}", *(f"{text} -> {came[tool, text]}  " for text in TEXTS))
asis = {(tool, text): repr(text) for tool in ("plain", "write", "either") for text in TEXTS}
mcp = {**asis, **{("write", text): "refused" for text in ('{"a": 1}', "[1, 2]")}, ("write", "null"): "None",
       ("either", "[1, 2]"): "[1, 2]", **{("either", text): "refused" for text in ('{"a": 1}', "null")}}
same = (seen == {"mcp==1.30.0": mcp, "mcp==2.3.0": mcp, "fastmcp==4.1.6": asis} and
        schemas == {"plain": {"string"}, "write": {"string", "null"}, "either": {"string", "array"}})
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/mcp==1.30.0/bin/python" -W ignore "$dir/run.py"
