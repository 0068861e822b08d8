#!/usr/bin/env bash
# A tool answers {"celsius": 21, "sky": "clear"}; the models of four agent frameworks read [].
#
# Versions  @modelcontextprotocol/server 2.4.0 (Node) as the server; @openai/agents 0.20.0 with openai 7.57.0, ai 7.0.173 with
#           @ai-sdk/mcp 1.0.102 and @ai-sdk/openai 4.0.118 (Node); openai-agents 0.24.0, langchain 1.5.2 with
#           langchain-mcp-adapters 0.3.2, and pydantic-ai-slim 2.68.0, with mcp 1.30.0 (Python) as its clients.
# Input     A tool with an outputSchema that returns what it promises, as structuredContent and nothing else. A scripted model
#           calls it once and then answers; what stands in the tool's message is noted.
# Guess     The SDK puts the same JSON into `content` too, as MCP's page on tools asks of a server (and as the SDKs for Python and
#           Go do); or else the client falls back to structuredContent.
# Seen      The server's `content` is an empty list. OpenAI's two and the AI SDK give their models the two characters [], LangChain
#           an empty list of parts; pydantic-ai alone gives them the data. Nothing is logged, and no call fails.
# Matters   The model has asked and got nothing, so it asks again or makes something up, and every trace of the tool shows the
#           answer. A server has to write its text beside its data; weir as a client reads the data where there is no text.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check openai-agents==0.24.0 \
  langchain==1.5.2 langchain-openai==1.7.4 langchain-mcp-adapters==0.3.2 "pydantic-ai-slim[mcp,openai]==2.68.0" \
  mcp==1.30.0; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact @modelcontextprotocol/server@2.4.0 zod@4.6.7 \
  @openai/agents@0.20.0 openai@7.57.0 ai@7.0.173 @ai-sdk/mcp@1.0.102 @ai-sdk/openai@4.0.118) >&2 || cannot "npm install"

cat >"$dir/server.mjs" <<'NODE'
import { McpServer } from "@modelcontextprotocol/server";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";
import * as z from "zod";

const server = new McpServer({ name: "weather", version: "1.0.0" });
server.registerTool(
  "weather",
  {
    description: "The weather of a city.",
    inputSchema: z.object({ city: z.string() }),
    outputSchema: z.object({ celsius: z.number(), sky: z.string() }),
  },
  async () => ({ structuredContent: { celsius: 21, sky: "clear" } }),
);
await server.connect(new StdioServerTransport());
NODE

cat >"$dir/clients.mjs" <<'NODE'
import { Agent, MCPServerStdio, OpenAIChatCompletionsModel, run, setTracingDisabled } from "@openai/agents";
import { createMCPClient } from "@ai-sdk/mcp";
import { Experimental_StdioMCPTransport } from "@ai-sdk/mcp/mcp-stdio";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, stepCountIs } from "ai";
import OpenAI from "openai";

const [which, baseURL, server] = process.argv.slice(2);
const stdio = { command: process.execPath, args: [server] };
if (which === "agents") {
  setTracingDisabled(true);
  const tools = new MCPServerStdio(stdio);
  await tools.connect();
  const model = new OpenAIChatCompletionsModel(new OpenAI({ baseURL, apiKey: "unused", maxRetries: 0 }), "m");
  await run(new Agent({ name: "a", model, mcpServers: [tools] }), "How is the weather in Paris?");
  await tools.close();
} else {
  const client = await createMCPClient({ transport: new Experimental_StdioMCPTransport(stdio) });
  const model = createOpenAI({ baseURL, apiKey: "unused" }).chat("m");
  await generateText({ model, tools: await client.tools(), stopWhen: stepCountIs(3), maxRetries: 0, prompt: "How is the weather in Paris?" });
  await client.close();
}
process.exit(0);
NODE

cat >"$dir/run.py" <<'PYTHON'
import asyncio
import http.server
import json
import pathlib
import subprocess
import sys
import threading

import openai
from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from agents.mcp import MCPServerStdio
from fastmcp.client.transports import StdioTransport
from langchain.agents import create_agent
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_openai import ChatOpenAI
from pydantic_ai import Agent as PydanticAgent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

HERE = pathlib.Path(sys.argv[0]).parent
SERVER = str(HERE / "server.mjs")
QUESTION = "How is the weather in Paris?"


class Model(http.server.BaseHTTPRequestHandler):
    """Calls the tool when it is asked first, and has its answer then."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append(asked)
        first = len(self.server.asked) == 1
        call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Paris"}'}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]} if first else {"role": "assistant", "content": "Fine."}
        body = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
                           "choices": [{"index": 0, "finish_reason": "tool_calls" if first else "stop", "message": message}],
                           "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


async def by_agents(base):
    set_tracing_disabled(True)
    async with MCPServerStdio(params={"command": "node", "args": [SERVER]}) as tools:
        model = OpenAIChatCompletionsModel("m", openai.AsyncOpenAI(base_url=base, api_key="unused", max_retries=0))
        await Runner.run(Agent(name="a", model=model, mcp_servers=[tools]), QUESTION)


async def by_langchain(base):
    tools = await MultiServerMCPClient({"a": {"transport": "stdio", "command": "node", "args": [SERVER]}}).get_tools()
    agent = create_agent(ChatOpenAI(model="m", base_url=base, api_key="unused", max_retries=0), tools)
    await agent.ainvoke({"messages": [("user", QUESTION)]})


async def by_pydantic(base):
    model = OpenAIChatModel("m", provider=OpenAIProvider(base_url=base, api_key="unused"))
    await PydanticAgent(model, toolsets=[MCPToolset(StdioTransport("node", [SERVER]))]).run(QUESTION)


def by_node(which):
    async def ask(base):
        subprocess.run(["node", HERE / "clients.mjs", which, base, SERVER], check=True, capture_output=True, timeout=120)
    return ask


def heard(ask):
    """What stands in the message that the model reads."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.asked = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    asyncio.run(asyncio.wait_for(ask(f"http://127.0.0.1:{server.server_port}/v1"), 120))
    return next(m["content"] for m in server.asked[1]["messages"] if m["role"] == "tool")


DATA = '{"celsius":21,"sky":"clear"}'
rows = [("OpenAI's for Python", by_agents, "[]"), ("OpenAI's for Node", by_node("agents"), "[]"), ("AI SDK", by_node("ai"), "[]"),
        ("LangChain", by_langchain, []), ("pydantic-ai", by_pydantic, DATA)]
same = True
for name, ask, told in rows:
    got = heard(ask)
    print(f"{name:20} {got!r}")
    same = same and got == told
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
