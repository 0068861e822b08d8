#!/usr/bin/env bash
# "Come back in 150 seconds": one official SDK never does, the other does after half a second.
#
# Versions  openai 3.57.0 (Python), openai 7.57.0 (Node), ai 7.0.173 with @ai-sdk/openai 4.0.118.
# Input     Every request gets 429 with Retry-After: 150, once alone and once with x-should-retry: true.
# Guess     The official SDKs do the same: wait the 150 s, or give up because that is too long; and x-should-retry: true,
#           which both obey by their sources' own words, makes them try again.
# Seen      Python gives up after one request in both cases: a hint of more than 120 s outranks x-should-retry: true. Node and
#           the AI SDK take a hint of more than 60 s for none and ask again after their usual 0.5 and 1 s (2 and 4 s).
# Matters   Who limits callers by the minute and says so honestly gets the longest waits answered with the quickest
#           retries: three requests where the limit is exhausted, each of which may lengthen it. A server that wants both
#           SDKs to wait has to name at most 60 s, however long it takes.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check openai==3.57.0; } >&2 ||
  cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  openai@7.57.0 ai@7.0.173 @ai-sdk/openai@4.0.118) >&2 || cannot "npm install"

cat >"$dir/client.mjs" <<'NODE'
import OpenAI from "openai";
import { generateText } from "ai";
import { createOpenAI } from "@ai-sdk/openai";
const options = { baseURL: process.argv[3], apiKey: "unused" };
const asks = {
  node: () => new OpenAI(options).chat.completions.create({ model: "m", messages: [{ role: "user", content: "Hello" }] }),
  ai: () => generateText({ model: createOpenAI(options).chat("m"), prompt: "Hello" }),
};
await asks[process.argv[2]]().catch((error) => console.log(error.name));
NODE

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading
import time

import openai

came = {}  # by path: when each request came


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        came.setdefault(self.path.split("/")[1], []).append(time.monotonic())
        body = json.dumps({"error": {"message": "Too many", "type": "rate_limit_error", "param": None, "code": None}}).encode()
        self.send_response(429)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("retry-after", "150")
        if "told" in self.path:
            self.send_header("x-should-retry", "true")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = pathlib.Path(sys.argv[0]).with_name("client.mjs")


def ask(who, base):
    if who != "python":
        subprocess.run(["node", client, who, base], check=True, capture_output=True, timeout=100)
        return
    try:
        openai.OpenAI(base_url=base, api_key="unused").chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hello"}])
    except openai.RateLimitError:
        pass


seen = {}
for who in "python", "node", "ai":
    for case in "alone", "told":
        name = f"{who}-{case}"
        ask(who, f"http://127.0.0.1:{server.server_port}/{name}")
        seen[name] = [round(later - earlier, 1) for earlier, later in zip(came[name], came[name][1:])]
        print(f"{name:13} {len(came[name])} requests, waits in s: {seen[name]}")
same = all(len(seen[f"python-{case}"]) == 0 and len(seen[f"node-{case}"]) == len(seen[f"ai-{case}"]) == 2
           and max(seen[f"node-{case}"] + seen[f"ai-{case}"]) < 60 for case in ("alone", "told"))
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
