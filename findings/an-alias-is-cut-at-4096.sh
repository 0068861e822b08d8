#!/usr/bin/env bash
# A program talks to Claude and sets no limit; a gateway gives the model another name, and its answers end at 4096 tokens, not at 128000.
#
# Versions  langchain-anthropic 1.7.10, pydantic-ai-slim 2.68.0 with anthropic 2.14.0, litellm 1.110.2 (Python);
#           @langchain/anthropic 1.5.11 with @langchain/core 1.4.0, @ai-sdk/anthropic 3.0.140 with ai 7.0.173 (Node).
# Input     One question, "Go", in the Anthropic API, without any limit, to the models claude-opus-4-8, claude-sonnet-4-5 and smart, a name
#           of a gateway's own. max_tokens, which this API must have, is read in what arrives at the server.
# Guess     A library that has to send a limit sends one and the same, a large one; or it says that it must be given.
# Seen      Each has its own, by tables of names. For a name that is not in it LangChain sends 4096, in both languages, after
#           128000 and 64000 for those that are in Python's, 16384 in Node's; the AI SDK 4096 after 128000 and 64000, with a warning in the
#           log; pydantic-ai 16384 after these two, and asks plainly where it streamed for them. litellm sends 128000 for a name that it
#           does not know. The AI SDK alone goes by a part of the name: claude-smart has 128000, smart-claude 4096.
# Matters   A long text, a file that a tool writes, a model's thoughts, which count as well, end in their middle with stop_reason
#           "max_tokens", which few programs look at; and a call that is cut is no JSON, or runs with a part of it. What has changed is a
#           name in a configuration. Who names models sets max_tokens too.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check langchain-anthropic==1.7.10 \
  langchain-core==1.8.3 'pydantic-ai-slim[anthropic]==2.68.0' anthropic==2.14.0; } >&2 || cannot "pip install"
{ python3 -m venv "$dir/litellm" && "$dir/litellm/bin/pip" install --quiet --disable-pip-version-check litellm==1.110.2; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact @langchain/anthropic@1.5.11 @langchain/core@1.4.0 \
  ai@7.0.173 @ai-sdk/anthropic@3.0.140) >&2 || cannot "npm install"

cat >"$dir/ask.mjs" <<'NODE'
import { createAnthropic } from "@ai-sdk/anthropic";
import { ChatAnthropic } from "@langchain/anthropic";
import { generateText } from "ai";

globalThis.AI_SDK_LOG_WARNINGS = false;
const [, , root, ...models] = process.argv;
for (const model of models) {
  await new ChatAnthropic({ model, anthropicApiUrl: `${root}/LangChain (Node)`, apiKey: "unused", maxRetries: 0 }).invoke("Go");
  await generateText({ model: createAnthropic({ baseURL: `${root}/AI SDK/v1`, apiKey: "unused" })(model), prompt: "Go", maxRetries: 0 });
}
NODE

cat >"$dir/ask.py" <<'PYTHON'
import sys

from langchain_anthropic import ChatAnthropic
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.providers.anthropic import AnthropicProvider

root, *models = sys.argv[1:]
for model in models:
    ChatAnthropic(model=model, base_url=f"{root}/LangChain", api_key="unused", max_retries=0).invoke("Go")
    Agent(AnthropicModel(model, provider=AnthropicProvider(base_url=f"{root}/pydantic-ai", api_key="unused"))).run_sync("Go")
PYTHON

cat >"$dir/litellm.py" <<'PYTHON'
import sys

sys.path.pop(0)
import litellm

root, *models = sys.argv[1:]
for model in models:
    litellm.completion(model=f"anthropic/{model}", api_base=f"{root}/litellm", api_key="unused", messages=[{"role": "user", "content": "Go"}])
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
MODELS = ["claude-opus-4-8", "claude-sonnet-4-5", "smart", "claude-smart", "smart-claude"]
ANSWER = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [{"type": "text", "text": "Hi."}],
          "stop_reason": "end_turn", "stop_sequence": None, "usage": {"input_tokens": 1, "output_tokens": 2}}
EVENTS = [{"type": "message_start", "message": {**ANSWER, "content": [], "stop_reason": None}},
          {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
          {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hi."}}, {"type": "content_block_stop", "index": 0},
          {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 2}},
          {"type": "message_stop"}]


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        client = urllib.parse.unquote(self.path.split("/")[1])
        limits.setdefault(client, {})[body["model"]] = body["max_tokens"]
        streamed = body.get("stream")
        text = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in EVENTS) if streamed else json.dumps(ANSWER)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if streamed else "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


limits = {}
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
for command in (["node", HERE / "ask.mjs"], [sys.executable, "-W", "ignore", HERE / "ask.py"], [HERE / "litellm/bin/python", HERE / "litellm.py"]):
    done = subprocess.run([*command, f"http://127.0.0.1:{server.server_port}", *MODELS], capture_output=True, text=True, timeout=200)
    if done.returncode:
        sys.exit(f"{command[-1]}: {done.stderr[-1500:]}")
print(f"{'':16}", *(f"{model:>17}" for model in MODELS))
for client, limit in limits.items():
    print(f"{client:16}", *(f"{limit[model]:17}" for model in MODELS))
same = {client: [limit[model] for model in MODELS] for client, limit in limits.items()} == {
    "LangChain (Node)": [16384, 16384, 4096, 4096, 4096], "AI SDK": [128000, 64000, 4096, 128000, 4096],
    "LangChain": [128000, 64000, 4096, 4096, 4096], "pydantic-ai": [128000, 64000, 16384, 16384, 16384],
    "litellm": [128000, 64000, 128000, 128000, 128000]}
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
