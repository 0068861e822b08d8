#!/usr/bin/env bash
# A model wants its signature back with the tool's result: one framework returns it if the model is called gemini, another if nothing is streamed.
#
# Versions  openai-agents 0.24.0 with openai 3.57.0, langchain 1.5.2 with langchain-openai 1.7.4, pydantic-ai-slim 2.68.0 (Python);
#           @openai/agents 0.20.0, openai 7.57.0, ai 7.0.173 with @ai-sdk/openai 4.0.118 and @ai-sdk/openai-compatible 3.0.92 (Node).
# Input     A call of a tool, as Gemini's OpenAI endpoint sends it, with extra_content.google.thought_signature, and with
#           reasoning_content beside it, as DeepSeek's; both vendors ask for theirs back in the next request, and answer 400 without
#           it. The same under the names gemini-3-pro-preview, deepseek-v4-pro and smart, plain and streamed. What is looked at
#           is the assistant's message in the request that brings the tool's result.
# Guess     A framework hands back either or neither, whatever the model's name is and whichever way the answer came.
# Seen      openai-agents for Python goes by the name: the signature comes back from "gemini…", the reasoning from "deepseek…",
#           and under the alias nothing does. @openai/agents returns the signature of a plain answer and loses a streamed one.
#           pydantic-ai and @ai-sdk/openai-compatible return both always; LangChain, @ai-sdk/openai and runTools() neither.
# Matters   An agent that works with a vendor's own name begins to fail at its second step when a gateway, or a configuration, gives
#           that model another name; and one that works when it is tested plainly fails when it streams. The 400 names a field that
#           nobody has written, so the gateway is suspected.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check openai-agents==0.24.0 openai==3.57.0 \
  langchain==1.5.2 langchain-openai==1.7.4 "pydantic-ai-slim[openai]==2.68.0"; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact zod@4.6.7 \
  @openai/agents@0.20.0 openai@7.57.0 ai@7.0.173 @ai-sdk/openai@4.0.118 @ai-sdk/openai-compatible@3.0.92) >&2 || cannot "npm install"

cat >"$dir/clients.mjs" <<'NODE'
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { Agent, OpenAIChatCompletionsModel, run, setTracingDisabled, tool as agentTool } from "@openai/agents";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";

const [root, ...names] = process.argv.slice(2);
const parameters = { type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false };
const sky = async () => "clear";
setTracingDisabled(true);

async function byAi(model, stream) {
  const asked = { model, prompt: "Hello", stopWhen: stepCountIs(3), tools: { sky: tool({ inputSchema: jsonSchema(parameters), execute: sky }) } };
  if (stream) await streamText(asked).text;
  else await generateText(asked);
}

const asks = {
  "@openai/agents": async (baseURL, name, stream) => {
    const model = new OpenAIChatCompletionsModel(new OpenAI({ baseURL, apiKey: "unused" }), name);
    const tools = [agentTool({ name: "sky", description: "The sky.", parameters, strict: true, execute: sky })];
    const result = await run(new Agent({ name: "agent", model, tools }), "Hello", { stream });
    if (stream) await result.completed;
  },
  "@ai-sdk/openai": (baseURL, name, stream) => byAi(createOpenAI({ baseURL, apiKey: "unused" }).chat(name), stream),
  "@ai-sdk/openai-compatible": (baseURL, name, stream) => byAi(createOpenAICompatible({ baseURL, apiKey: "unused", name: "some" })(name), stream),
  "runTools()": (baseURL, model, stream) => {
    const tools = [{ type: "function", function: { name: "sky", parameters, parse: JSON.parse, function: sky } }];
    const messages = [{ role: "user", content: "Hello" }];
    return new OpenAI({ baseURL, apiKey: "unused" }).chat.completions.runTools({ model, messages, tools, stream }).finalContent();
  },
};
for (const [who, ask] of Object.entries(asks))
  for (const name of names)
    for (const how of ["plain", "stream"]) await ask(`${root}/${encodeURIComponent(who)}/${how}`, name, how === "stream");
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
import urllib.parse

import openai
from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from pydantic_ai import Agent as PydanticAgent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

NAMES = "gemini-3-pro-preview", "deepseek-v4-pro", "smart"
CALL = {"id": "call_1", "type": "function", "function": {"name": "sky", "arguments": '{"city":"Rome"}'},
        "extra_content": {"google": {"thought_signature": "U0lHTkFUVVJF"}}}
came = {}  # (who, name, how): what came back


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        again = [message for message in asked["messages"] if message["role"] == "assistant"]
        if again:
            who, how = map(urllib.parse.unquote, self.path.split("/")[1:3])
            text = json.dumps(again)
            came[who, asked["model"], how] = " and ".join(
                what for what, sign in (("signature", "U0lHTkFUVVJF"), ("reasoning", "I think.")) if sign in text) or "nothing"
        said = {"role": "assistant", "content": "Clear."} if again else {"role": "assistant", "content": None, "reasoning_content": "I think."}
        calls, finish = ({}, "stop") if again else ({"tool_calls": [CALL]}, "tool_calls")
        head = {"id": "c", "created": 1, "model": asked["model"]}
        if asked.get("stream"):
            parts = [said, {"tool_calls": [{"index": 0, **CALL}]} if calls else {}, {}]
            kind, body = "text/event-stream", "".join("data: " + json.dumps({**head, "object": "chat.completion.chunk", "choices": [
                {"index": 0, "delta": part, "finish_reason": finish if at == 2 else None}]}) + "\n\n" for at, part in enumerate(parts)) + "data: [DONE]\n\n"
        else:
            kind, body = "application/json", json.dumps({**head, "object": "chat.completion", "choices": [
                {"index": 0, "message": {**said, **calls}, "finish_reason": finish}], "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}})
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


def sky(city: str) -> str:
    """The sky."""
    return "clear"


async def by_agents(base, name, stream):
    model = OpenAIChatCompletionsModel(model=name, openai_client=openai.AsyncOpenAI(base_url=base, api_key="unused"))
    agent = Agent(name="agent", model=model, tools=[function_tool(sky)])
    if stream:
        async for _ in Runner.run_streamed(agent, "Hello").stream_events():
            pass
    else:
        await Runner.run(agent, "Hello")


async def by_langchain(base, name, stream):
    agent = create_agent(ChatOpenAI(model=name, base_url=base, api_key="unused"), [sky])
    asked = {"messages": [("user", "Hello")]}
    if stream:
        async for _ in agent.astream(asked, stream_mode="messages"):
            pass
    else:
        await agent.ainvoke(asked)


async def by_pydantic(base, name, stream):
    agent = PydanticAgent(OpenAIChatModel(name, provider=OpenAIProvider(base_url=base, api_key="unused")), tools=[sky])
    if stream:
        async with agent.run_stream("Hello") as result:
            async for _ in result.stream_text():
                pass
    else:
        await agent.run("Hello")


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
root = f"http://127.0.0.1:{server.server_port}"
set_tracing_disabled(True)


async def python():
    for who, ask in ("openai-agents", by_agents), ("LangChain", by_langchain), ("pydantic-ai", by_pydantic):
        for name in NAMES:
            for how in "plain", "stream":
                await ask(f"{root}/{who}/{how}", name, how == "stream")


asyncio.run(python())
subprocess.run(["node", pathlib.Path(sys.argv[0]).with_name("clients.mjs"), root, *NAMES], check=True, timeout=100)
both, none = "signature and reasoning", "nothing"
want = {
    "openai-agents": {("gemini", "plain"): "signature", ("gemini", "stream"): "signature", ("deepseek", "plain"): "reasoning",
                      ("deepseek", "stream"): "reasoning", ("smart", "plain"): none, ("smart", "stream"): none},
    "@openai/agents": {(name, how): "signature" if how == "plain" else none for name in ("gemini", "deepseek", "smart") for how in ("plain", "stream")},
    **{who: {(name, how): what for name in ("gemini", "deepseek", "smart") for how in ("plain", "stream")} for who, what in (
        ("LangChain", none), ("pydantic-ai", both), ("@ai-sdk/openai", none), ("@ai-sdk/openai-compatible", both), ("runTools()", none))},
}
for who in want:
    for name in NAMES:
        print(f"{who:26}{name:22}plain: {came[who, name, 'plain']:25}stream: {came[who, name, 'stream']}")
same = came == {(who, name, how): want[who][name.split("-")[0], how] for who in want for name in NAMES for how in ("plain", "stream")}
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
