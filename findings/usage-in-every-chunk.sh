#!/usr/bin/env bash
# The same stream costs 13 tokens or 49, by the language in which LangChain is written.
#
# Versions  langchain-openai 1.7.4 with langchain-core 1.8.3 (Python), @langchain/openai 1.6.0 with @langchain/core 1.4.0
#           (Node), openai 3.57.0 (Python) beside them.
# Input     A stream of three chunks, each with the usage so far, and the usual last chunk with the whole: 10 prompt tokens,
#           3 completion tokens. vLLM and SGLang send this for stream_options.continuous_usage_stats, others unasked.
# Guess     The figures are totals, so the last ones count: 10 and 3, in both.
# Seen      Node says 10 and 3. Python adds up the figures of all chunks: 40 and 9, since usage_metadata is summed when
#           chunks are joined with +, as a chain does to make the message of a stream. openai itself hands on what came.
# Matters   A budget or a bill that is counted from usage_metadata is some hundred times too high for a long answer, and only
#           in Python, only when streamed: plain calls of the same program are right.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  langchain-openai==1.7.4 langchain-core==1.8.3 openai==3.57.0; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  @langchain/openai@1.6.0 @langchain/core@1.4.0) >&2 || cannot "npm install"

cat >"$dir/client.mjs" <<'NODE'
import { ChatOpenAI } from "@langchain/openai";
const model = new ChatOpenAI({ model: "m", apiKey: "unused", maxRetries: 0, configuration: { baseURL: process.argv[2] } });
let answer;
for await (const chunk of await model.stream("Hello")) answer = answer ? answer.concat(chunk) : chunk;
console.log(answer.usage_metadata.input_tokens, answer.usage_metadata.output_tokens);
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


def usage(completion):
    return {"prompt_tokens": 10, "completion_tokens": completion, "total_tokens": 10 + completion}


def event(choices, completion):
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices,
                                  "usage": usage(completion)}) + "\n\n"


def piece(text, finish=None):
    return [{"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}]


STREAM = event(piece("one"), 1) + event(piece(" two"), 2) + event(piece(" three", "stop"), 3) + event([], 3) + "data: [DONE]\n\n"


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

answer = None
for chunk in ChatOpenAI(model="m", base_url=base, api_key="unused", max_retries=0, stream_usage=True).stream("Hello"):
    answer = chunk if answer is None else answer + chunk
python = (answer.usage_metadata["input_tokens"], answer.usage_metadata["output_tokens"])

sdk = openai.OpenAI(base_url=base, api_key="unused", max_retries=0)
chunks = sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}], stream=True)
came = [(chunk.usage.prompt_tokens, chunk.usage.completion_tokens) for chunk in chunks]

client = pathlib.Path(sys.argv[0]).with_name("client.mjs")
node = tuple(map(int, subprocess.run(["node", client, base], check=True, capture_output=True, text=True).stdout.split()))

print("came, by openai      ", came)
print("LangChain for Node   ", node)
print("LangChain for Python ", python)
same = came == [(10, 1), (10, 2), (10, 3), (10, 3)] and node == (10, 3) and python == (40, 9) and answer.content == "one two three"
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
