#!/usr/bin/env bash
# A program leaves the loop over a stream after the first word. In half of the libraries the model goes on to the last one.
#
# Versions  openai 3.57.0, openai-agents 0.24.0, langchain-openai 1.7.4 (Python); openai 7.57.0, ai 7.0.173 with
#           @ai-sdk/openai 4.0.118, @openai/agents 0.20.0 (Node).
# Input     A stream of sixty words, one each 50 ms. The reader breaks out of its `for` at the first; the program goes on with
#           other things. The server counts the words that it gets rid of before the connection is closed.
# Guess     Leaving the loop closes the connection everywhere: that is what the iterators' return() and the generators' close() are for.
# Seen      At once: openai for Node, @openai/agents, LangChain's async stream, and openai for Python where nothing else holds the
#           stream. All sixty words: openai for Python while a variable still holds the stream; openai-agents for Python, whose namesake
#           for Node stops (its result.cancel() stops, too); the AI SDK, for its textStream and for the
#           response that a web route returns, when that is cancelled, as it is when the browser has gone. An AbortSignal stops it.
# Matters   Nobody reads these words, and all are paid. A server in the middle ends its call when a client closes,
#           and so cannot know of one that has only stopped listening: the library has to be told by its own means.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check openai==3.57.0 openai-agents==0.24.0 \
  langchain-openai==1.7.4; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact zod@4.6.7 \
  openai@7.57.0 ai@7.0.173 @ai-sdk/openai@4.0.118 @openai/agents@0.20.0) >&2 || cannot "npm install"

cat >"$dir/clients.mjs" <<'NODE'
import { createOpenAI } from "@ai-sdk/openai";
import { Agent, OpenAIChatCompletionsModel, run, setTracingDisabled } from "@openai/agents";
import { streamText } from "ai";
import OpenAI from "openai";

const root = process.argv[2];
const sdk = (who) => new OpenAI({ baseURL: `${root}/${encodeURIComponent(who)}`, apiKey: "unused", maxRetries: 0 });
const ask = (who, more) => streamText({ model: createOpenAI({ baseURL: `${root}/${encodeURIComponent(who)}`, apiKey: "unused" }).chat("m"), prompt: "Hello", ...more });
setTracingDisabled(true);
const leave = {
  "openai for Node": async (who) => {
    const stream = await sdk(who).chat.completions.create({ model: "m", messages: [{ role: "user", content: "Hello" }], stream: true });
    for await (const chunk of stream) if (chunk.choices[0].delta.content) break;
    return stream;
  },
  "@openai/agents": async (who) => {
    const agent = new Agent({ name: "agent", model: new OpenAIChatCompletionsModel(sdk(who), "m") });
    const result = await run(agent, "Hello", { stream: true });
    for await (const text of result.toTextStream()) if (text) break;
    return result;
  },
  "AI SDK": async (who) => {
    const result = ask(who);
    for await (const text of result.textStream) if (text) break;
    return result;
  },
  "AI SDK, response": async (who) => {
    const reader = ask(who).toTextStreamResponse().body.getReader();
    await reader.read();
    await reader.cancel();
  },
  "AI SDK, signal": async (who) => {
    const abort = new AbortController();
    for await (const text of ask(who, { abortSignal: abort.signal }).textStream) if (text) break;
    abort.abort();
  },
};
const held = await Promise.all(Object.entries(leave).map(([who, f]) => f(who)));
await new Promise((done) => setTimeout(done, 6000));
process.exit(held.length ? 0 : 1);
NODE

cat >"$dir/run.py" <<'PYTHON'
import asyncio
import http.server
import json
import pathlib
import subprocess
import sys
import threading
import time
import urllib.parse

import openai
from agents import Agent, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from langchain_openai import ChatOpenAI

WORDS = 60
MESSAGES = [{"role": "user", "content": "Hello"}]
told = {}  # by reader: the words that went out


def event(delta, finish=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return ("data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}) + "\n\n").encode()


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        who = urllib.parse.unquote(self.path.split("/")[1])
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        told[who] = 0
        try:
            for _ in range(WORDS):
                self.wfile.write(event({"role": "assistant", "content": "word "}))
                told[who] += 1
                time.sleep(0.05)
            self.wfile.write(event({}, "stop") + b"data: [DONE]\n\n")
        except ConnectionError:
            pass

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
root = f"http://127.0.0.1:{server.server_port}"


def base(who):
    return f"{root}/{urllib.parse.quote(who)}"


def stream(who):
    client = openai.OpenAI(base_url=base(who), api_key="unused", max_retries=0)
    return client.chat.completions.create(model="m", messages=MESSAGES, stream=True)


def dropped():
    for chunk in stream("openai, dropped"):
        if chunk.choices[0].delta.content:
            break


def held():
    kept = stream("openai, held")
    for chunk in kept:
        if chunk.choices[0].delta.content:
            break
    return kept


async def by_langchain():
    async for chunk in ChatOpenAI(model="m", base_url=base("LangChain, async"), api_key="unused", max_retries=0).astream("Hello"):
        if chunk.content:
            break


async def by_agents(who, cancel):
    client = openai.AsyncOpenAI(base_url=base(who), api_key="unused", max_retries=0)
    result = Runner.run_streamed(Agent(name="agent", model=OpenAIChatCompletionsModel(model="m", openai_client=client)), "Hello")
    async for event in result.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            break
    if cancel:
        result.cancel()
    return result


async def all_async():
    kept = await asyncio.gather(by_langchain(), by_agents("openai-agents", False), by_agents("openai-agents, cancel", True))
    await asyncio.sleep(6)
    return kept


set_tracing_disabled(True)
node = subprocess.Popen(["node", pathlib.Path(sys.argv[0]).with_name("clients.mjs"), root])
dropped()
kept = held()
asyncio.run(all_async())
node.wait(100)
ends = {who: count < WORDS / 2 for who, count in told.items()}
for who in sorted(told, key=lambda who: (not ends[who], who)):
    print(f"{who:24}{'closed early' if ends[who] else f'all {told[who]} words'}")
early = {"openai for Node", "@openai/agents", "LangChain, async", "openai, dropped", "openai-agents, cancel", "AI SDK, signal"}
late = {"openai, held", "openai-agents", "AI SDK", "AI SDK, response"}
same = ends == {**dict.fromkeys(early, True), **dict.fromkeys(late, False)} and all(told[who] == WORDS for who in late)
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
