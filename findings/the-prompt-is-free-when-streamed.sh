#!/usr/bin/env bash
# A prompt of 150 tokens and an answer of 7 from a server that speaks Anthropic's API: streamed, LangChain counts 0 and 7 in Python, 150 and 8 in Node.
#
# Versions  langchain-anthropic 1.7.10 with langchain-core 1.8.3 and anthropic 2.14.0 (Python), @langchain/anthropic 1.5.11 with
#           @langchain/core 1.4.0 (Node); pydantic-ai-slim 2.68.0 beside them.
# Input     An answer plain and as a stream whose message_start says 100 tokens of input, 30 written to the cache, 20 read from it, and
#           1 of output so far. Its message_delta says (short) the 7 of output alone, as the examples of Anthropic's reference do;
#           (whole) all four figures, as its servers do; (grown) 900 of input, since a search of the server's added its finds.
# Guess     The last word on each figure counts, as in the SDK's own final message: 150 and 7, 150 and 7, 950 and 7.
# Seen      So says pydantic-ai, streamed and plain, and so does LangChain plain. Streamed, LangChain for Python reads message_delta
#           alone: of the short one it makes a prompt of 0 tokens. LangChain for Node takes the prompt from message_start and adds both
#           figures of the output, though the second is the total: 150 and 8, also where the prompt has grown to 950.
# Matters   What is billed by usage_metadata is right in tests against Anthropic in Python, and free of charge for the prompt behind a server
#           that keeps to the reference's shorter form; in Node each search on the web is missing from the bill. Who speaks this
#           API to others should say all figures in both events.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/anthropic" && "$dir/anthropic/bin/pip" install --quiet --disable-pip-version-check langchain-anthropic==1.7.10 \
  langchain-core==1.8.3 anthropic==2.14.0 "pydantic-ai-slim[anthropic]==2.68.0"; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  @langchain/anthropic@1.5.11 @langchain/core@1.4.0) >&2 || cannot "npm install"

cat >"$dir/client.mjs" <<'NODE'
import { ChatAnthropic } from "@langchain/anthropic";
const model = new ChatAnthropic({ model: "claude-sonnet-4-5", apiKey: "unused", anthropicApiUrl: process.argv[2], maxRetries: 0 });
let answer;
if (process.argv[3] === "plain") answer = await model.invoke("Hello");
else for await (const chunk of await model.stream("Hello")) answer = answer ? answer.concat(chunk) : chunk;
console.log(JSON.stringify([answer.usage_metadata.input_tokens, answer.usage_metadata.output_tokens]));
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

import anthropic
from langchain_anthropic import ChatAnthropic
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

BEGIN = {"input_tokens": 100, "cache_creation_input_tokens": 30, "cache_read_input_tokens": 20, "output_tokens": 1}
CASES = {"short": {"output_tokens": 7}, "whole": {**BEGIN, "output_tokens": 7},
         "grown": {**BEGIN, "input_tokens": 900, "output_tokens": 7, "server_tool_use": {"web_search_requests": 1}}}
HEAD = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "stop_sequence": None}


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        end = CASES[self.path.split("/")[1]]
        if json.loads(self.rfile.read(int(self.headers["content-length"]))).get("stream"):
            events = [{"type": "message_start", "message": {**HEAD, "content": [], "stop_reason": None, "usage": BEGIN}},
                      {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
                      {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello."}},
                      {"type": "content_block_stop", "index": 0},
                      {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": end},
                      {"type": "message_stop"}]
            kind, body = "text/event-stream", "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
        else:
            kind, body = "application/json", json.dumps({**HEAD, "content": [{"type": "text", "text": "Hello."}], "stop_reason": "end_turn",
                                                         "usage": {**BEGIN, **end}})
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
root = f"http://127.0.0.1:{server.server_port}"


def python(base, how):
    model = ChatAnthropic(model="claude-sonnet-4-5", base_url=base, api_key="unused", max_retries=0)
    if how == "plain":
        answer = model.invoke("Hello")
    else:
        answer = None
        for chunk in model.stream("Hello"):
            answer = chunk if answer is None else answer + chunk
    return [answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"]]


def node(base, how):
    client = pathlib.Path(sys.argv[0]).with_name("client.mjs")
    return json.loads(subprocess.run(["node", client, base, how], check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()[-1])


def pydantic(base, how):
    async def ask():
        sdk = anthropic.AsyncAnthropic(base_url=base, api_key="unused", max_retries=0)
        agent = Agent(AnthropicModel("claude-sonnet-4-5", provider=AnthropicProvider(anthropic_client=sdk)))
        if how == "plain":
            return (await agent.run("Hello")).usage
        async with agent.run_stream("Hello") as result:
            async for _ in result.stream_text():
                pass
            return result.usage

    usage = asyncio.run(ask())
    return [usage.input_tokens, usage.output_tokens]


want = {"pydantic-ai": [150, 7, 150, 7, 950, 7], "LangChain for Python": [0, 7, 150, 7, 950, 7], "LangChain for Node": [150, 8, 150, 8, 150, 8]}
same = True
for who, ask in ("pydantic-ai", pydantic), ("LangChain for Python", python), ("LangChain for Node", node):
    plain, stream = ([figure for case in CASES for figure in ask(f"{root}/{case}", how)] for how in ("plain", "stream"))
    print(f"{who:21} plain {plain}  stream {stream}")
    same = same and plain == want["pydantic-ai"] and stream == want[who]
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/anthropic/bin/python" -W ignore "$dir/run.py"
