#!/usr/bin/env bash
# A server names the role in every chunk, as Ollama does: in the official SDK for Python the final message is by an "assistantassistantassistant".
#
# Versions  openai 3.57.0 (Python), openai 7.57.0 (Node), langchain-openai 1.7.4 with langchain-core 1.8.3 (Python).
# Input     A stream of three chunks whose delta has `role` and `content`, each the same role: a delta may have it, and Ollama 0.17.4 and
#           mlx-lm 0.32.2 send it in each. It is read with the SDKs' stream() helpers; their final message goes into the next request.
# Guess     A role is a word of a closed set: the helpers keep it, as they keep `type` and `index`, and only join texts.
# Seen      Python's joins it like a text: role is "assistant" as often as there were chunks, for get_final_completion() and for every
#           snapshot on the way. It passes no check, the type of the field says Literal["assistant"] all the same, and
#           messages.append(message) sends it: the next request has a role that no API knows. Node's and LangChain have "assistant".
# Matters   The first question is answered, the second is refused with 400 for a role that the program has never written, and only with
#           some servers, only when streamed, and only by the helper: plain calls and the chunks themselves are right.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check openai==3.57.0 \
  langchain-openai==1.7.4 langchain-core==1.8.3; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact openai@7.57.0) >&2 || cannot "npm install"

cat >"$dir/client.mjs" <<'NODE'
import OpenAI from "openai";
const sdk = new OpenAI({ baseURL: process.argv[2], apiKey: "unused", maxRetries: 0 });
const stream = sdk.chat.completions.stream({ model: "m", messages: [{ role: "user", content: "Hello" }] });
console.log((await stream.finalChatCompletion()).choices[0].message.role);
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

asked = []


def event(text, finish=None):
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": finish}
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}) + "\n\n"


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        body = (event("Hel") + event("lo.") + event("", "stop") + "data: [DONE]\n\n").encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/v1"
sdk = openai.OpenAI(base_url=base, api_key="unused", max_retries=0)
messages = [{"role": "user", "content": "Hello"}]

with sdk.chat.completions.stream(model="m", messages=messages) as stream:
    for _ in stream:
        pass
    message = stream.get_final_completion().choices[0].message
messages += [message, {"role": "user", "content": "And now?"}]
chunks = list(sdk.chat.completions.create(model="m", messages=messages, stream=True))
sent = asked[-1]["messages"][1]["role"]
node = subprocess.run(["node", pathlib.Path(sys.argv[0]).with_name("client.mjs"), base], check=True, capture_output=True, text=True, timeout=60).stdout.strip()
whole = None
for chunk in ChatOpenAI(model="m", base_url=base, api_key="unused", max_retries=0).stream("Hello"):
    whole = chunk if whole is None else whole + chunk
print("Python, final message  ", message.role, repr(message.content))
print("Python, sent with it   ", sent)
print("Python, its chunks     ", [chunk.choices[0].delta.role for chunk in chunks])
print("Node, final message    ", node)
print("LangChain              ", whole.type, repr(whole.content))
same = (message.role == sent == "assistant" * 3 and message.content == "Hello." and node == "assistant" and
        [chunk.choices[0].delta.role for chunk in chunks] == ["assistant"] * 3 and whole.content == "Hello.")
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
