#!/usr/bin/env bash
# An MCP tool returns a line of text and a screenshot of 100 KB: the models of two frameworks read its base64 as text, those of three others nothing of it.
#
# Versions  mcp 1.30.0 (Python) as the server; pydantic-ai-slim 2.68.0, langchain 1.5.2 with langchain-openai 1.7.4 and
#           langchain-mcp-adapters 0.3.2, openai-agents 0.24.0, smolagents 1.26.0 with mcpadapt 0.1.19, llama-index-llms-openai-like
#           0.8.1 with llama-index-tools-mcp 0.6.0 and mcp 2.3.0 (Python); @openai/agents 0.20.0 with openai
#           7.57.0, ai 7.0.173 with @ai-sdk/mcp 1.0.102 and @ai-sdk/openai 4.0.118 (Node) as its clients, at a chat completions API.
# Input     A tool with two content blocks: (picture) a text and an image, a PNG of 180 by 180 pixels; (file) a text and an embedded
#           resource with the text of a file, as servers for repositories answer. A scripted model calls it once; what comes back in
#           its next request is looked at.
# Guess     A picture comes as a picture, or as words that there was one, since a tool's message takes text alone; the file's text as text.
# Seen      pydantic-ai and LangChain give the picture as an image_url, and the file as text. LlamaIndex and the AI SDK write the
#           130000 characters of base64 into the tool's message, some 90000 tokens of no meaning. openai-agents, in both languages, and
#           smolagents leave the picture out without a word to the model. smolagents leaves out the file, too; the others have its text, in
#           pydantic-ai and LangChain as it is, else inside JSON, of LlamaIndex inside Python's repr().
# Matters   Tools that take screenshots or draw charts are common. The same server costs a thousand times as much in one framework as in
#           another, on every further step of the run, or is blind; where the context is full the call fails with a length that nobody wrote. A tool
#           for all returns text that stands by itself and pictures by their address.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check mcp==1.30.0 'smolagents[mcp,openai]==1.26.0' \
  mcpadapt==0.1.19 openai-agents==0.24.0 'pydantic-ai-slim[mcp,openai]==2.68.0' langchain==1.5.2 langchain-openai==1.7.4 \
  langchain-mcp-adapters==0.3.2; } >&2 || cannot "pip install"
{ python3 -m venv "$dir/llama" && "$dir/llama/bin/pip" install --quiet --disable-pip-version-check llama-index-llms-openai-like==0.8.1 \
  llama-index-llms-openai==0.8.3 llama-index-tools-mcp==0.6.0 mcp==2.3.0; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  @openai/agents@0.20.0 openai@7.57.0 ai@7.0.173 @ai-sdk/mcp@1.0.102 @ai-sdk/openai@4.0.118) >&2 || cannot "npm install"

cat >"$dir/server.py" <<'PYTHON'
import asyncio
import base64
import random
import struct
import sys
import zlib

import mcp.types as types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def picture(side):
    noise = random.Random(1)
    rows = b"".join(b"\0" + noise.randbytes(3 * side) for _ in range(side))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + chunk(b"IDAT", zlib.compress(rows)) +
            chunk(b"IEND", b""))


server = Server("shows")


@server.list_tools()
async def list_tools():
    return [types.Tool(name="show", description="Shows it.", inputSchema={"type": "object", "properties": {}})]


@server.call_tool()
async def call_tool(name, arguments):
    if sys.argv[1] == "picture":
        image = types.ImageContent(type="image", data=base64.b64encode(picture(180)).decode(), mimeType="image/png")
        return types.CallToolResult(content=[types.TextContent(type="text", text="The page:"), image])
    text = types.TextResourceContents(uri="file:///notes.txt", mimeType="text/plain", text="Bo has paid.")
    return types.CallToolResult(content=[types.TextContent(type="text", text="The file:"), types.EmbeddedResource(type="resource", resource=text)])


async def main():
    async with stdio_server() as (reads, writes):
        await server.run(reads, writes, server.create_initialization_options())


asyncio.run(main())
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

cat >"$dir/llama.py" <<'PYTHON'
import asyncio
import os
import sys

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.llms.openai_like import OpenAILike
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec

root, command, *args = sys.argv[1:]


async def main():
    tools = await McpToolSpec(client=BasicMCPClient(command, args=args)).to_tool_list_async()
    model = OpenAILike(model="m", api_base=f"{root}/LlamaIndex", api_key="unused", is_chat_model=True, is_function_calling_model=True)
    await FunctionAgent(tools=tools, llm=model, streaming=False).run("Hello")
    os._exit(0)


asyncio.run(main())
PYTHON

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
    client = MultiServerMCPClient({"shows": {"command": command, "args": args, "transport": "stdio"}})
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


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        client = urllib.parse.unquote(self.path.split("/")[1])
        turn = asked[client] = asked.get(client, 0) + 1
        calls = [("show", "{}"), ("final_answer", '{"answer": "Done."}')][:2 if client == "smolagents" else 1]
        message = {"role": "assistant", "content": "Done."}
        if turn <= len(calls):
            function = {"name": calls[turn - 1][0], "arguments": calls[turn - 1][1]}
            message = {"role": "assistant", "content": None, "tool_calls": [{"id": f"call_{turn}", "type": "function", "function": function}]}
        if turn == 2:
            seen[client] = body["messages"]
        finish = "tool_calls" if message["content"] is None else "stop"
        answer = json.dumps({"id": f"chatcmpl-{client}-{turn}", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": message, "finish_reason": finish}], "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def parts(messages):
    """Every text and every picture of a request, in their order."""
    for message in messages:
        content = message.get("content") or []
        yield from [{"type": "text", "text": content}] if isinstance(content, str) else content


def told(messages):
    texts = [part["text"] for part in parts(messages) if part["type"] == "text"]
    picture = "image" if any(part["type"] == "image_url" for part in parts(messages)) else "nothing"
    spelled = max((len(text) for text in texts if "iVBORw0KGgo" in text), default=0)
    file = next((text for text in texts if "Bo has paid." in text), None)
    return f"{spelled // 10000 * 10000} characters" if spelled else picture, file


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
got = {}
for case in ("picture", "file"):
    seen, asked = {}, {}
    for command in (["node", HERE / "ask.mjs"], [sys.executable, "-W", "ignore", HERE / "ask.py"], [HERE / "llama/bin/python", HERE / "llama.py"]):
        arguments = [f"http://127.0.0.1:{server.server_port}", sys.executable, str(HERE / "server.py"), case]
        done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=200)
        if done.returncode:
            sys.exit(f"{command[1]}: {done.stderr[-1500:]}")
    got[case] = {client: told(messages) for client, messages in seen.items()}

for client, (picture, _) in got["picture"].items():
    print(f"{client:15} picture: {picture:20} file: {got['file'][client][1] and got['file'][client][1][:110]}")
picture = {client: seen[0] for client, seen in got["picture"].items()}
file = {client: seen[1] for client, seen in got["file"].items()}
spelled = "130000 characters"
same = (picture == {"@openai-agents": "nothing", "AI SDK": spelled, "openai-agents": "nothing", "pydantic-ai": "image", "LangChain": "image",
                    "smolagents": "nothing", "LlamaIndex": spelled} and
        file["smolagents"] is None and all(text for client, text in file.items() if client != "smolagents") and
        file["LangChain"] == "Bo has paid." and "'Bo has paid.'" in file["LlamaIndex"])
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
