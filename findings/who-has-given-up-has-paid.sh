#!/usr/bin/env bash
# A tool of an MCP server takes ten seconds, its caller waits five. Where the caller stands on mcp 1.x, the tool goes on and pays; a retry pays again.
#
# Versions  mcp 1.30.0 (Python) as the server and as a client; openai-agents 0.24.0, langchain-mcp-adapters 0.3.2 and
#           pydantic-ai-slim 2.68.0 on it; mcp 2.3.0 (Python), @modelcontextprotocol/sdk 1.32.2 and @modelcontextprotocol/client 2.4.0 (Node).
# Input     A server over stdio with the tool pay(to), which waits ten seconds and then notes that it has paid. Each client calls it with its own option
#           for five seconds; those of the SDKs also without, and leave the call after five (a cancelled task, an AbortSignal). The
#           connection is kept. openai-agents once as it is and once with max_retry_attempts=1.
# Guess     Who waits no longer says so: notifications/cancelled is what MCP has for it ("SHOULD", when a request times out).
# Seen      Both SDKs for Node and mcp 2.3.0 send it, and nothing is paid, whether they gave up or were told to. mcp 1.30.0 sends nothing in
#           either case: it raises "Timed out while waiting for response", and the tool pays. So do the three frameworks; pydantic-ai gives that
#           sentence to the model, which may call once more, and openai-agents' own retry pays twice for one call that "failed".
# Matters   A slow day of a server's is enough for money, mails or rows to be sent twice, each time with an error that reads as if nothing had
#           happened. Most frameworks for Python still stand on 1.x; a tool needs a key for what it has done, or a client that cancels.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/one" && "$dir/one/bin/pip" install --quiet --disable-pip-version-check mcp==1.30.0 openai-agents==0.24.0 \
  langchain-mcp-adapters==0.3.2 'pydantic-ai-slim[mcp]==2.68.0'; } >&2 || cannot "pip install"
{ python3 -m venv "$dir/two" && "$dir/two/bin/pip" install --quiet --disable-pip-version-check mcp==2.3.0; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  @modelcontextprotocol/sdk@1.32.2 @modelcontextprotocol/client@2.4.0) >&2 || cannot "npm install"

cat >"$dir/server.py" <<'PYTHON'
import pathlib
import sys

import anyio
from mcp.server.fastmcp import FastMCP

server = FastMCP("bank")


@server.tool()
async def pay(to: str) -> str:
    notes = pathlib.Path(sys.argv[1])
    with notes.open("a") as file:
        file.write("called\n")
    await anyio.sleep(10)
    with notes.open("a") as file:
        file.write("paid\n")
    return "paid"


server.run()
PYTHON

cat >"$dir/call.mjs" <<'NODE'
const [, , which, how, python, ...server] = process.argv;
const library = which === "sdk" ? "@modelcontextprotocol/sdk" : "@modelcontextprotocol/client";
const { Client } = await import(which === "sdk" ? `${library}/client/index.js` : library);
const { StdioClientTransport } = await import(which === "sdk" ? `${library}/client/stdio.js` : `${library}/stdio`);
const client = new Client({ name: "client", version: "1" });
await client.connect(new StdioClientTransport({ command: python, args: server, stderr: "ignore" }));
const options = how === "waits" ? { timeout: 5000 } : { signal: AbortSignal.timeout(5000) };
const request = { name: "pay", arguments: { to: "Bo" } };
const error = await (which === "sdk" ? client.callTool(request, undefined, options) : client.callTool(request, options)).catch((error) => error);
if (!(error instanceof Error)) throw new Error("it was not late");
await new Promise((done) => setTimeout(done, 8000));
await client.close();
process.exit(0);
NODE

cat >"$dir/call.py" <<'PYTHON'
import asyncio
import datetime
import importlib.metadata
import sys

who, how, *server = sys.argv[1:]
WAIT, REST = 5, 8


async def sdk():
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client
    one = importlib.metadata.version("mcp").startswith("1.")
    async with stdio_client(StdioServerParameters(command=server[0], args=server[1:])) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        limit = {"read_timeout_seconds": datetime.timedelta(seconds=WAIT) if one else WAIT} if how == "waits" else {}
        call = asyncio.create_task(session.call_tool("pay", {"to": "Bo"}, **limit))
        if how == "leaves":
            await asyncio.sleep(WAIT)
            call.cancel()
        await late(call)


async def late(call):
    try:
        await call
    except (Exception, asyncio.CancelledError):
        await asyncio.sleep(REST)
    else:
        raise RuntimeError("it was not late")


async def agents():
    from agents.mcp import MCPServerStdio
    async with MCPServerStdio({"command": server[0], "args": server[1:]}, client_session_timeout_seconds=WAIT,
                              max_retry_attempts=1 if how == "retries" else 0) as bank:
        await late(bank.call_tool("pay", {"to": "Bo"}))


async def langchain():
    from langchain_mcp_adapters.client import MultiServerMCPClient
    from langchain_mcp_adapters.tools import load_mcp_tools
    client = MultiServerMCPClient({"bank": {"transport": "stdio", "command": server[0], "args": server[1:],
                                            "session_kwargs": {"read_timeout_seconds": datetime.timedelta(seconds=WAIT)}}})
    async with client.session("bank") as session:
        pay, = await load_mcp_tools(session)
        await late(pay.ainvoke({"to": "Bo"}))


async def pydantic_ai():
    from fastmcp.client.transports import StdioTransport
    from pydantic_ai import Agent
    from pydantic_ai.mcp import MCPToolset
    from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
    from pydantic_ai.models.function import FunctionModel
    heard = []

    def model(messages, _):
        heard.append(str(messages[-1].parts[0].content))
        return ModelResponse([ToolCallPart("pay", {"to": "Bo"})] if len(heard) == 1 else [TextPart("I could not pay.")])

    async with Agent(FunctionModel(model), toolsets=[MCPToolset(StdioTransport(server[0], server[1:]), read_timeout=WAIT)]) as agent:
        await agent.run("Pay Bo")
        if "Timed out" not in heard[1]:
            raise RuntimeError(f"the model heard {heard[1]}")
        await asyncio.sleep(REST)


asyncio.run({"sdk": sdk, "agents": agents, "langchain": langchain, "pydantic-ai": pydantic_ai}[who]())
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import concurrent.futures
import pathlib
import subprocess
import sys

HERE = pathlib.Path(sys.argv[0]).parent
ONE, TWO = (str(HERE / name / "bin/python") for name in ("one", "two"))
CASES = {("mcp 1.30.0", "waits"): [ONE, "call.py", "sdk"], ("mcp 1.30.0", "leaves"): [ONE, "call.py", "sdk"],
         ("openai-agents", "waits"): [ONE, "call.py", "agents"], ("openai-agents", "retries"): [ONE, "call.py", "agents"],
         ("langchain", "waits"): [ONE, "call.py", "langchain"], ("pydantic-ai", "waits"): [ONE, "call.py", "pydantic-ai"],
         ("mcp 2.3.0", "waits"): [TWO, "call.py", "sdk"], ("mcp 2.3.0", "leaves"): [TWO, "call.py", "sdk"],
         ("Node, sdk", "waits"): ["node", "call.mjs", "sdk"], ("Node, sdk", "leaves"): ["node", "call.mjs", "sdk"],
         ("Node, client", "waits"): ["node", "call.mjs", "client"], ("Node, client", "leaves"): ["node", "call.mjs", "client"]}
PAYS = {("mcp 1.30.0", "waits"): 1, ("mcp 1.30.0", "leaves"): 1, ("openai-agents", "waits"): 1, ("openai-agents", "retries"): 2,
        ("langchain", "waits"): 1, ("pydantic-ai", "waits"): 1}


def tried(case):
    name, how = case
    program, script, which = CASES[case]
    notes = HERE / f"{name}, {how}"
    done = subprocess.run([program, HERE / script, which, how, ONE, HERE / "server.py", notes], cwd=HERE, capture_output=True, text=True, timeout=200)
    if done.returncode:
        sys.exit(f"{name}, {how}: {done.stderr}")
    lines = notes.read_text().split()
    return lines.count("called"), lines.count("paid")


with concurrent.futures.ThreadPoolExecutor(2) as pool:  # few, so that no start takes five seconds
    seen = dict(zip(CASES, pool.map(tried, CASES)))
for (name, how), (called, paid) in seen.items():
    print(f"{name:15}{how:9}called: {called}   paid: {paid}")
want = {case: (2 if case[1] == "retries" else 1, PAYS.get(case, 0)) for case in CASES}
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
"$dir/one/bin/python" -W ignore "$dir/run.py"
