#!/usr/bin/env bash
# A time limit of two seconds: a stream that takes five in all passes or fails, and so does one that stands still for six, by the library.
#
# Versions  openai 3.57.0 (Python); openai 7.57.0, ai 7.0.173 with @ai-sdk/openai 4.0.118, @langchain/openai 1.6.0 with
#           @langchain/core 1.4.0 (Node).
# Input     Two streams, each with a first piece at once. One is steady: a piece each 0.2 s, for 5 s. One pauses: nothing for 6 s after
#           the first piece, then all the rest. Every client has its option for time (timeout) set to two seconds, no retries.
# Guess     The option is the one of the SDKs' READMEs, for a request: all break off both, or all mean the longest silence.
# Seen      openai for Python means a silence: steady passes, the pause fails. openai for Node, and LangChain upon it, stop their clock at
#           the head of the answer: both pass. The AI SDK means all of it: both end in the middle of their text, and textStream
#           raises nothing; a reader of it alone takes the half for the whole.
# Matters   The same figure in two services of one system guards against different things: in Node a provider that falls silent in
#           mid-answer is waited for, with the AI SDK a long answer is cut off that was coming in well.
#           A server in the middle should have limits of its own for the silence, and should not count on its clients'.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check openai==3.57.0; } >&2 ||
  cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  openai@7.57.0 ai@7.0.173 @ai-sdk/openai@4.0.118 @langchain/openai@1.6.0 @langchain/core@1.4.0) >&2 || cannot "npm install"

cat >"$dir/clients.mjs" <<'NODE'
import { createOpenAI } from "@ai-sdk/openai";
import { ChatOpenAI } from "@langchain/openai";
import { streamText } from "ai";
import OpenAI from "openai";

const root = process.argv[2];
const messages = [{ role: "user", content: "Hello" }];
const apiKey = "unused";
const asks = {
  "openai for Node": async function* (baseURL) {
    const sdk = new OpenAI({ baseURL, apiKey, timeout: 2000, maxRetries: 0 });
    for await (const chunk of await sdk.chat.completions.create({ model: "m", messages, stream: true })) yield chunk.choices[0].delta.content;
  },
  "LangChain for Node": async function* (baseURL) {
    const model = new ChatOpenAI({ model: "m", apiKey, timeout: 2000, maxRetries: 0, configuration: { baseURL } });
    for await (const chunk of await model.stream("Hello")) yield chunk.content;
  },
  "AI SDK": async function* (baseURL) {
    const result = streamText({ model: createOpenAI({ baseURL, apiKey }).chat("m"), prompt: "Hello", timeout: 2000, maxRetries: 0, onError() {} });
    yield* result.textStream;
  },
};
async function read(ask, url) {
  let text = "";
  try {
    for await (const piece of ask(url)) text += piece ?? "";
  } catch (error) {
    return { text, error: error.name };
  }
  return { text };
}
const seen = {};
await Promise.all(Object.entries(asks).flatMap(([who, ask]) => ["steady", "pause"].map(async (how) => {
  (seen[who] ??= {})[how] = await read(ask, `${root}/${how}`);
})));
console.log(JSON.stringify(seen));
process.exit(0);
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

PIECES = 25


def event(delta, finish=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return ("data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}) + "\n\n").encode()


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.end_headers()
        try:
            for at in range(PIECES):
                self.wfile.write(event({"role": "assistant", "content": "."}))
                time.sleep(0.2 if "steady" in self.path else 6 if at == 0 else 0)
            self.wfile.write(event({}, "stop") + b"data: [DONE]\n\n")
        except ConnectionError:
            pass

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
root = f"http://127.0.0.1:{server.server_port}"


def python(how):
    sdk, text = openai.OpenAI(base_url=f"{root}/{how}", api_key="unused", timeout=2, max_retries=0), ""
    try:
        for chunk in sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}], stream=True):
            text += chunk.choices[0].delta.content or ""
    except Exception as fault:
        return {"text": text, "error": type(fault).__name__}
    return {"text": text}


node = subprocess.run(["node", pathlib.Path(sys.argv[0]).with_name("clients.mjs"), root], check=True, capture_output=True, text=True, timeout=100)
seen = {"openai for Python": {how: python(how) for how in ("steady", "pause")}, **json.loads(node.stdout.splitlines()[-1])}
whole = {who: {how: len(got["text"]) == PIECES and "error" not in got for how, got in by.items()} for who, by in seen.items()}
for who, by in sorted(seen.items()):
    for how in "steady", "pause":
        print(f"{who:20}{how:8}{'whole' if whole[who][how] else str(len(by[how]['text'])) + ' of 25 pieces, ' + by[how].get('error', 'no error')}")
silence, begin, all_of_it = {"steady": True, "pause": False}, {"steady": True, "pause": True}, {"steady": False, "pause": False}
same = (whole == {"openai for Python": silence, "openai for Node": begin, "LangChain for Node": begin, "AI SDK": all_of_it} and
        not any("error" in got for got in seen["AI SDK"].values()) and 0 < len(seen["AI SDK"]["steady"]["text"]) < PIECES)
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
