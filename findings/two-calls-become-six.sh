#!/usr/bin/env bash
# Two tool calls are streamed side by side: LlamaIndex sees six, and the official SDKs call them done before they have begun.
#
# Versions  llama-index-llms-openai 0.8.3 with llama-index-llms-openai-like 0.8.1, openai 3.57.0 (both Python), openai 7.57.0 and
#           ai 7.0.173 with @ai-sdk/openai 4.0.118 (Node), langchain-openai 1.7.4 (Python).
# Input     Two calls, {"x":1} for `one` and {"x":2} for `two`. Their pieces come in turns: both begin, then a piece of each, and one
#           more of each. Every piece names its call by `index`, which is what that member is for.
# Guess     All put the pieces together by index; the SDKs' event for a call that is complete comes once, when it is.
# Seen      The AI SDK and LangChain have the two calls. The SDKs' final message has them too, but their event
#           tool_calls.function.arguments.done comes for Python once a call, with empty arguments, and for Node three times a call,
#           with "", {"x": and {"x":1}: a call counts as done when another one speaks. LlamaIndex takes each change of index for
#           a new call: two that have a name and no arguments, and four without a name.
# Matters   Providers mostly stream one call after the other, so a program that acts on the event, or runs what LlamaIndex lists, has
#           never seen this until it is pointed to one that decodes calls side by side: then it runs tools without their
#           arguments. Whoever merges several answers into one stream should send each call in one piece.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/llama" && "$dir/llama/bin/pip" install --quiet --disable-pip-version-check \
  llama-index-llms-openai==0.8.3 llama-index-llms-openai-like==0.8.1 &&
  python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  openai==3.57.0 langchain-openai==1.7.4; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  openai@7.57.0 ai@7.0.173 @ai-sdk/openai@4.0.118) >&2 || cannot "npm install"

cat >"$dir/llama.py" <<'PYTHON'
import json
import sys

from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike


def one(x: int) -> int:
    """The first."""


def two(x: int) -> int:
    """The second."""


llm = OpenAILike(model="m", api_base=sys.argv[1], api_key="unused", is_chat_model=True, is_function_calling_model=True, max_retries=0)
for answer in llm.stream_chat_with_tools([FunctionTool.from_defaults(one), FunctionTool.from_defaults(two)], user_msg="Hello"):
    pass
print(json.dumps([[call.tool_name, call.tool_kwargs] for call in llm.get_tool_calls_from_response(answer)]))
PYTHON

cat >"$dir/client.mjs" <<'NODE'
import { createOpenAI } from "@ai-sdk/openai";
import { jsonSchema, streamText, tool } from "ai";
import OpenAI from "openai";

const baseURL = process.argv[2];
const parameters = { type: "object", properties: { x: { type: "integer" } } };
const tools = ["one", "two"].map((name) => ({ type: "function", function: { name, parameters } }));
const sdk = new OpenAI({ baseURL, apiKey: "unused", maxRetries: 0 });
const stream = sdk.chat.completions.stream({ model: "m", messages: [{ role: "user", content: "Hello" }], tools });
const done = [];
stream.on("tool_calls.function.arguments.done", (event) => done.push([event.name, event.arguments]));
const message = (await stream.finalChatCompletion()).choices[0].message;
const some = tool({ inputSchema: jsonSchema(parameters) });
const ai = streamText({ model: createOpenAI({ baseURL, apiKey: "unused" }).chat("m"), tools: { one: some, two: some }, prompt: "Hello" });
console.log(JSON.stringify({
  done,
  final: message.tool_calls.map((call) => [call.function.name, call.function.arguments]),
  ai: (await ai.toolCalls).map((call) => [call.toolName, call.input]),
}));
process.exit(0);
NODE

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

import openai
from langchain_openai import ChatOpenAI

HERE = pathlib.Path(sys.argv[0]).parent
TOOLS = [{"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {"x": {"type": "integer"}}}}}
         for name in ("one", "two")]


def event(delta, finish=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}) + "\n\n"


def begin(index, name):
    return event({"tool_calls": [{"index": index, "id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": ""}}]})


def more(index, arguments):
    return event({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})


STREAM = (event({"role": "assistant", "content": None}) + begin(0, "one") + begin(1, "two") + more(0, '{"x":') + more(1, '{"x":') +
          more(0, "1}") + more(1, "2}") + event({}, "tool_calls") + "data: [DONE]\n\n")


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        self.wfile.write(STREAM.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/v1"

sdk = openai.OpenAI(base_url=base, api_key="unused", max_retries=0)
with sdk.chat.completions.stream(model="m", messages=[{"role": "user", "content": "Hello"}], tools=TOOLS) as stream:
    done = [[e.name, e.arguments] for e in stream if e.type == "tool_calls.function.arguments.done"]
    final = [[call.function.name, call.function.arguments] for call in stream.get_final_completion().choices[0].message.tool_calls]

answer = None
for chunk in ChatOpenAI(model="m", base_url=base, api_key="unused", max_retries=0).bind_tools(TOOLS).stream("Hello"):
    answer = chunk if answer is None else answer + chunk
langchain = [[call["name"], call["args"]] for call in answer.tool_calls]


def said(*command):
    return json.loads(subprocess.run([*command, base], check=True, capture_output=True, text=True, timeout=120).stdout.splitlines()[-1])


node = said("node", HERE / "client.mjs")
llama = said(HERE / "llama/bin/python", HERE / "llama.py")

print("openai for Python, done ", done)
print("openai for Node, done   ", node["done"])
print("both at the end         ", final, node["final"])
print("AI SDK                  ", node["ai"])
print("LangChain               ", langchain)
print("LlamaIndex              ", llama)
texts, values = [["one", '{"x":1}'], ["two", '{"x":2}']], [["one", {"x": 1}], ["two", {"x": 2}]]
same = (final == node["final"] == texts and node["ai"] == langchain == values and done == [["one", ""], ["two", ""]] and
        node["done"] == [["one", ""], ["two", ""], ["one", '{"x":'], ["two", '{"x":'], *texts] and
        [name for name, _ in llama] == ["one", "two", "", "", "", ""] and llama[0][1] == llama[1][1] == {})
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
