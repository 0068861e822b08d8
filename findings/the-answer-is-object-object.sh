#!/usr/bin/env bash
# Mistral's models think and then answer "Hello.", at an endpoint as OpenAI's: an agent of @openai/agents answers "[object Object],[object Object]".
#
# Versions  openai-agents 0.24.0, pydantic-ai-slim 2.68.0, langchain-openai 1.7.4 with langchain-core 1.8.3, agno 3.1.10, haystack-ai 3.4.1,
#           litellm 1.110.2 (Python); @openai/agents 0.20.0 with openai 7.57.0, @langchain/openai 1.6.0 with @langchain/core 1.4.0, ai 7.0.173
#           with @ai-sdk/openai 4.0.118 and @ai-sdk/openai-compatible 3.0.92 (Node).
# Input     A chat completion as Mistral's API gives it where a model reasons (Magistral, Mistral Small 4 with reasoning_effort): content is no text
#           but a list, {"type": "thinking", "thinking": [{"type": "text", …}]} and {"type": "text", "text": "Hello."}. Streamed the
#           first delta has such a list, those after it have texts. Each client is pointed to it by its base URL.
# Guess     What OpenAI takes as content in a request, a list of parts, its clients read in an answer: the parts of type text are the answer.
# Seen      pydantic-ai, litellm's mistral/ and @ai-sdk/openai-compatible say Hello. LangChain, in both languages, has the list as content and Hello. as
#           text; Haystack gives a list where it says text: str. @openai/agents turns the list into a string by JavaScript's rule,
#           streamed it answers "[object Object]Hello.". agno's answer is the list's JSON, thoughts and all, when plain; streamed it ends
#           with its error event. openai-agents, litellm's openai/ and @ai-sdk/openai raise, plain and streamed.
# Matters   A model's name in the configuration, or a switch for reasoning, and an agent that worked says "[object Object]" to its users,
#           or shows them what the model thought.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/most" && "$dir/most/bin/pip" install --quiet --disable-pip-version-check openai-agents==0.24.0 \
  'pydantic-ai-slim[openai]==2.68.0' langchain-openai==1.7.4 langchain-core==1.8.3 agno==3.1.10 haystack-ai==3.4.1 &&
  python3 -m venv "$dir/lite" && "$dir/lite/bin/pip" install --quiet --disable-pip-version-check litellm==1.110.2; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact @openai/agents@0.20.0 openai@7.57.0 \
  @langchain/openai@1.6.0 @langchain/core@1.4.0 ai@7.0.173 @ai-sdk/openai@4.0.118 @ai-sdk/openai-compatible@3.0.92) >&2 || cannot "npm install"

cat >"$dir/said.py" <<'PYTHON'
import asyncio
import inspect
import json
import os


def say(clients):
    """Asks each client, and prints by its name what it says: a text, or "raises"."""
    said = {}
    for name, ask in clients.items():
        try:
            answer = ask()
            said[name] = asyncio.run(answer) if inspect.isawaitable(answer) else answer
        except Exception:
            said[name] = "raises"
    print(json.dumps(said), flush=True)
    os._exit(0)
PYTHON

cat >"$dir/most.py" <<'PYTHON'
import sys

import agents
import openai
from agno.agent import Agent as AgnoAgent
from agno.models.openai.like import OpenAILike
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.utils import Secret
from langchain_openai import ChatOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from said import say

base = sys.argv[1]
agents.set_tracing_disabled(True)
agno = AgnoAgent(model=OpenAILike(id="m", base_url=base, api_key="unused"), telemetry=False)
chain = ChatOpenAI(model="m", base_url=base, api_key="unused", max_retries=0)
haystack = OpenAIChatGenerator(model="m", api_base_url=base, api_key=Secret.from_token("unused"), max_retries=0)


def agent():
    sdk = openai.AsyncOpenAI(base_url=base, api_key="unused", max_retries=0)
    return agents.Agent(name="a", model=agents.OpenAIChatCompletionsModel("m", sdk))


def pydantic():
    return Agent(OpenAIChatModel("m", provider=OpenAIProvider(base_url=base, api_key="unused")))


async def agents_plain():
    return (await agents.Runner.run(agent(), "Hi")).final_output


async def agents_streamed():
    run = agents.Runner.run_streamed(agent(), "Hi")
    async for _ in run.stream_events():
        pass
    return run.final_output


async def pydantic_streamed():
    async with pydantic().run_stream("Hi") as answer:
        return "".join([piece async for piece in answer.stream_text(delta=True)])


def agno_streamed():
    text = ""
    for event in agno.run("Hi", stream=True):
        if event.event == "RunError":
            raise RuntimeError(event.content)
        text += event.content or ""
    return text


def chain_streamed():
    whole = None
    for chunk in chain.stream("Hi"):
        whole = chunk if whole is None else whole + chunk
    return whole


def both(message):
    return ["a list" if isinstance(message.content, list) else message.content, str(message.text)]


say({
    "openai-agents, plain": agents_plain,
    "openai-agents, streamed": agents_streamed,
    "pydantic-ai, plain": lambda: pydantic().run_sync("Hi").output,
    "pydantic-ai, streamed": pydantic_streamed,
    "LangChain, plain": lambda: both(chain.invoke("Hi")),
    "LangChain, streamed": lambda: both(chain_streamed()),
    "agno, plain": lambda: agno.run("Hi").content,
    "agno, streamed": agno_streamed,
    "Haystack, plain": lambda: haystack.run([ChatMessage.from_user("Hi")])["replies"][0].text,
})
PYTHON

cat >"$dir/lite.py" <<'PYTHON'
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm
from said import say

litellm.suppress_debug_info = True


def chat(model, stream=False):
    answer = litellm.completion(model=model, api_base=sys.argv[1], api_key="unused", messages=[{"role": "user", "content": "Hi"}], stream=stream)
    return "".join(chunk.choices[0].delta.content or "" for chunk in answer) if stream else answer.choices[0].message.content


say({
    "litellm openai/, plain": lambda: chat("openai/m"),
    "litellm openai/, streamed": lambda: chat("openai/m", True),
    "litellm mistral/, plain": lambda: chat("mistral/m"),
    "litellm mistral/, streamed": lambda: chat("mistral/m", True),
})
PYTHON

cat >"$dir/node.mjs" <<'NODE'
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { ChatOpenAI } from "@langchain/openai";
import { Agent, OpenAIChatCompletionsModel, Runner, setTracingDisabled } from "@openai/agents";
import { generateText, streamText } from "ai";
import OpenAI from "openai";

const baseURL = process.argv[2];
console.error = () => {};
setTracingDisabled(true);
const agent = () => new Agent({ name: "a", model: new OpenAIChatCompletionsModel(new OpenAI({ baseURL, apiKey: "unused", maxRetries: 0 }), "m") });
const chain = new ChatOpenAI({ model: "m", apiKey: "unused", maxRetries: 0, configuration: { baseURL } });
const models = {
  "@ai-sdk/openai": createOpenAI({ baseURL, apiKey: "unused" }).chat("m"),
  "@ai-sdk/openai-compatible": createOpenAICompatible({ name: "mistral", baseURL, apiKey: "unused" })("m"),
};
async function streamed(model) {
  let text = "";
  for await (const part of streamText({ model, prompt: "Hi", maxRetries: 0, onError() {} }).fullStream) {
    if (part.type === "error") throw part.error;
    if (part.type === "text-delta") text += part.text;
  }
  return text;
}
const both = (message) => [Array.isArray(message.content) ? "a list" : message.content, message.text];
const clients = {
  "@openai/agents, plain": async () => (await new Runner().run(agent(), "Hi")).finalOutput,
  "@openai/agents, streamed": async () => {
    const run = await new Runner().run(agent(), "Hi", { stream: true });
    for await (const _ of run);
    await run.completed;
    return run.finalOutput;
  },
  "@langchain/openai, plain": async () => both(await chain.invoke("Hi")),
};
for (const [name, model] of Object.entries(models)) {
  clients[`${name}, plain`] = async () => (await generateText({ model, prompt: "Hi", maxRetries: 0 })).text;
  clients[`${name}, streamed`] = () => streamed(model);
}
const said = {};
for (const [name, ask] of Object.entries(clients)) said[name] = await ask().catch(() => "raises");
console.log(JSON.stringify(said));
process.exit(0);
NODE

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(sys.argv[0]).parent
THOUGHT = {"type": "thinking", "thinking": [{"type": "text", "text": "They greet."}]}
PARTS = [THOUGHT, {"type": "text", "text": "Hello."}]


def event(delta, finish=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}) + "\n\n"


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        stream = json.loads(self.rfile.read(int(self.headers["content-length"]))).get("stream")
        answer = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": PARTS}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 9, "total_tokens": 19}})
        if stream:
            answer = event({"role": "assistant", "content": [THOUGHT]}) + event({"content": "Hel"}) + event({"content": "lo."}, "stop") + "data: [DONE]\n\n"
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if stream else "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
seen = {}
for command in ([HERE / "most/bin/python", "-W", "ignore", HERE / "most.py"], [HERE / "lite/bin/python", "-W", "ignore", HERE / "lite.py"],
                ["node", HERE / "node.mjs"]):
    said = subprocess.run([*command, f"http://127.0.0.1:{server.server_port}/v1"], check=True, capture_output=True, text=True, timeout=240)
    seen |= json.loads(said.stdout.splitlines()[-1])
want = dict.fromkeys(seen, "Hello.")
want |= {
    "openai-agents, plain": "raises", "openai-agents, streamed": "raises", "litellm openai/, plain": "raises", "litellm openai/, streamed": "raises",
    "@ai-sdk/openai, plain": "raises", "@ai-sdk/openai, streamed": "raises",
    "@openai/agents, plain": "[object Object],[object Object]", "@openai/agents, streamed": "[object Object]Hello.",
    "agno, plain": json.dumps(PARTS), "agno, streamed": "raises", "Haystack, plain": PARTS,
    "LangChain, plain": ["a list", "Hello."], "LangChain, streamed": ["a list", "Hello."], "@langchain/openai, plain": ["a list", "Hello."],
}
for name, text in seen.items():
    print(f"{name:36}{text}")
print("as told" if seen == want and len(seen) == 20 else "this has changed")
sys.exit(0 if seen == want and len(seen) == 20 else 1)
PYTHON
"$dir/most/bin/python" "$dir/run.py"
