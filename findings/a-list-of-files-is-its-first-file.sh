#!/usr/bin/env bash
# An MCP tool returns list[str], three files: the model of smolagents reads one, that of @openai/agents one long name, and none is an error.
#
# Versions  mcp 1.30.0 (Python) as the server; smolagents 1.26.0 with mcpadapt 0.1.19, openai-agents 0.24.0, pydantic-ai-slim 2.68.0,
#           langchain 1.5.2 with langchain-openai 1.7.4 and langchain-mcp-adapters 0.3.2 (Python); @openai/agents 0.20.0, ai 7.0.173 with
#           @ai-sdk/mcp 1.0.102 and @ai-sdk/openai 4.0.118 (Node) as its clients.
# Input     FastMCP's @tool() def files() -> list[str], with ["a.txt", "b.txt", "c.txt"] and with []. The SDK makes a text block of each
#           element, as MCP has it, and structuredContent of the whole. A scripted model calls the tool once; what comes back in
#           its next request is noted.
# Guess     The texts come one under the other, or as a list; none is an empty result.
# Seen      smolagents gives the model a.txt and nothing of the others (its log has a warning); at [] the call fails: "returned an empty
#           content". @openai/agents gives a.txtb.txtc.txt. The others give all three: pydantic-ai as ["a.txt",…], openai-agents and LangChain as three
#           parts, the AI SDK as the JSON of three blocks. Of [] pydantic-ai's model reads nothing, the others' [].
# Matters   A search, a folder, a query: the server is right, the model sees one hit, and says so with confidence. A server that is to be read
#           by all returns one text, json.dumps() or lines.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check mcp==1.30.0 'smolagents[mcp,openai]==1.26.0' \
  mcpadapt==0.1.19 openai-agents==0.24.0 'pydantic-ai-slim[mcp,openai]==2.68.0' langchain==1.5.2 langchain-openai==1.7.4 \
  langchain-mcp-adapters==0.3.2; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  @openai/agents@0.20.0 openai@7.57.0 ai@7.0.173 @ai-sdk/mcp@1.0.102 @ai-sdk/openai@4.0.118) >&2 || cannot "npm install"

cat >"$dir/server.py" <<'PYTHON'
import sys

from mcp.server.fastmcp import FastMCP

server = FastMCP("files", log_level="ERROR")


@server.tool()
def files() -> list[str]:
    """Lists the files."""
    return sys.argv[1:]


server.run()
PYTHON

cat >"$dir/ask.mjs" <<'NODE'
import { createMCPClient } from "@ai-sdk/mcp";
import { Experimental_StdioMCPTransport } from "@ai-sdk/mcp/mcp-stdio";
import { createOpenAI } from "@ai-sdk/openai";
import { Agent, MCPServerStdio, OpenAIChatCompletionsModel, Runner, setTracingDisabled } from "@openai/agents";
import { generateText, stepCountIs } from "ai";
import OpenAI from "openai";

const [, , root, command, ...args] = process.argv;
setTracingDisabled(true);
const server = new MCPServerStdio({ command, args });
await server.connect();
const model = new OpenAIChatCompletionsModel(new OpenAI({ baseURL: `${root}/@openai-agents`, apiKey: "unused", maxRetries: 0 }), "m");
await new Runner().run(new Agent({ name: "a", mcpServers: [server], model }), "Hello");
const client = await createMCPClient({ transport: new Experimental_StdioMCPTransport({ command, args }) });
const ai = createOpenAI({ baseURL: `${root}/AI SDK`, apiKey: "unused" }).chat("m");
await generateText({ model: ai, tools: await client.tools(), prompt: "Hello", stopWhen: stepCountIs(3), maxRetries: 0 });
process.exit(0);
NODE

cat >"$dir/ask.py" <<'PYTHON'
import asyncio
import os
import sys

import agents
import openai
from agents.mcp import MCPServerStdio
from fastmcp.client.transports import StdioTransport
from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_openai import ChatOpenAI
from mcp import StdioServerParameters
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from smolagents import OpenAIServerModel, ToolCallingAgent, ToolCollection

root, command, *args = sys.argv[1:]
agents.set_tracing_disabled(True)


async def openai_agents():
    model = agents.OpenAIChatCompletionsModel("m", openai.AsyncOpenAI(base_url=f"{root}/openai-agents", api_key="unused"))
    async with MCPServerStdio({"command": command, "args": args}) as server:
        await agents.Runner.run(agents.Agent(name="a", mcp_servers=[server], model=model), "Hello")


async def pydantic_ai():
    model = OpenAIChatModel("m", provider=OpenAIProvider(base_url=f"{root}/pydantic-ai", api_key="unused"))
    async with Agent(model, toolsets=[MCPToolset(StdioTransport(command, args))]) as agent:
        await agent.run("Hello")


async def langchain():
    client = MultiServerMCPClient({"files": {"command": command, "args": args, "transport": "stdio"}})
    model = ChatOpenAI(model="m", base_url=f"{root}/LangChain", api_key="unused", max_retries=0)
    await create_agent(model, await client.get_tools()).ainvoke({"messages": [{"role": "user", "content": "Hello"}]})


for ask in (openai_agents, pydantic_ai, langchain):
    asyncio.run(ask())
with ToolCollection.from_mcp(StdioServerParameters(command=command, args=args), trust_remote_code=True, structured_output=False) as tools:
    model = OpenAIServerModel("m", api_base=f"{root}/smolagents", api_key="unused")
    ToolCallingAgent([*tools.tools], model, max_steps=2, verbosity_level=0).run("Hello")
sys.stdout.flush()
os._exit(0)
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading
import urllib.parse

HERE = pathlib.Path(sys.argv[0]).parent


def texts(content):
    return "".join(texts(part["text"]) for part in content) if isinstance(content, list) and content and "text" in content[0] else content


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        client, last = urllib.parse.unquote(self.path.split("/")[1]), body["messages"][-1]
        first = client not in asked
        asked.add(client)
        call, message = ("files", "{}"), {"role": "assistant", "content": "Done."}
        if not first:
            # smolagents sends a tool's result, or why it failed, as a message of the user's.
            seen.setdefault(client, texts(last["content"]) if client == "smolagents" else last["content"])
            call = ("final_answer", '{"answer": "Done."}')
        if first or client == "smolagents":
            function = {"name": call[0], "arguments": call[1]}
            message = {"role": "assistant", "content": None, "tool_calls": [{"id": f"call_{call[0]}", "type": "function", "function": function}]}
        finish = "tool_calls" if message["content"] is None else "stop"
        answer = json.dumps({"id": f"chatcmpl-{client}-{first}", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": message, "finish_reason": finish}], "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
NAMES = ["a.txt", "b.txt", "c.txt"]
blocks = [{"type": "text", "text": name} for name in NAMES]
got = {}
for names in (NAMES, []):
    seen, asked = {}, set()
    for command in (["node", HERE / "ask.mjs"], [sys.executable, "-W", "ignore", HERE / "ask.py"]):
        arguments = [f"http://127.0.0.1:{server.server_port}", sys.executable, str(HERE / "server.py"), *names]
        subprocess.run([*command, *arguments], check=True, capture_output=True, text=True, timeout=200)
    got[len(names)] = seen


def plain(content):
    """A content part has the members that matter, without ids."""
    return [{"type": part["type"], "text": part["text"]} for part in content] if isinstance(content, list) else content


for count, seen in got.items():
    for client, content in seen.items():
        print(count, f"{client:15}", json.dumps(plain(content))[:180])
whole, none = got[3], got[0]
same = (whole["@openai-agents"] == "a.txtb.txtc.txt" and json.loads(whole["AI SDK"]) == blocks and json.loads(whole["pydantic-ai"]) == NAMES and
        plain(whole["openai-agents"]) == plain(whole["LangChain"]) == blocks and
        "a.txt" in whole["smolagents"] and not any(name in whole["smolagents"] for name in NAMES[1:]) and
        "returned an empty content" in none["smolagents"] and none["pydantic-ai"] == "" and
        none["@openai-agents"] == none["AI SDK"] == none["openai-agents"] == "[]" and none["LangChain"] in ([], "[]"))
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
