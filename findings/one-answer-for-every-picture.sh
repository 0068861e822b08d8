#!/usr/bin/env bash
# "What is in this picture?", asked of two pictures with LangChain's cache on: in Node the second one gets the answer to the first.
#
# Versions  @langchain/core 1.4.0 with @langchain/openai 1.6.0 (Node); langchain-core 1.8.3 with langchain-openai 1.7.4 (Python).
# Input     The cache in memory, and pairs of calls that have their text in common: another picture, another recording, another
#           file; two tools whose results are exchanged; three messages, and one message that spells the three out.
# Guess     What is sent is what the key of an entry is made of, so each of these is two calls. So it is in Python.
# Seen      In Node all five pairs are one call: the key has the texts of a conversation, one after the other, each behind the
#           word "Human: " or "AI: ", and what is no text is not in it, nor which call a tool's result belongs to. Another
#           base URL, another temperature and another tool are told apart.
# Matters   A program that reads receipts, or listens to calls, asks the same question each time. With the cache on it gives all of
#           them the first one's figures, quickly and for nothing, and a test with one picture does not show it. weir's
#           key is the whole request but for six named members, and with pictures it keeps nothing unless cache.images says so.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  langchain-openai==1.7.4 langchain-core==1.8.3; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact @langchain/openai@1.6.0 @langchain/core@1.4.0) >&2 ||
  cannot "npm install"

cat >"$dir/ask.mjs" <<'NODE'
import { InMemoryCache } from "@langchain/core/caches";
import { coerceMessageLikeToMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { readFileSync } from "node:fs";

const [base, pairs] = process.argv.slice(2);
const seen = {};
for (const [name, pair] of Object.entries(JSON.parse(readFileSync(pairs)))) {
  const model = new ChatOpenAI({ model: "m", apiKey: "unused", maxRetries: 0, cache: new InMemoryCache(), configuration: { baseURL: base } });
  seen[name] = [];
  for (const messages of pair) seen[name].push((await model.invoke(messages.map((message) => coerceMessageLikeToMessage(message)))).content);
}
console.log(JSON.stringify(seen));
NODE

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

from langchain_core.caches import InMemoryCache
from langchain_openai import ChatOpenAI

HERE = pathlib.Path(sys.argv[0]).parent
asked = []


def about(part):
    return [{"role": "user", "content": [{"type": "text", "text": "What is this?"}, part]}]


def picture(data):
    return about({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}})


def sound(data):
    return about({"type": "input_audio", "input_audio": {"data": data, "format": "wav"}})


def file(data):
    return about({"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{data}"}})


def prices(first, second):
    return [{"role": "user", "content": "Which is dearer?"},
            {"role": "assistant", "content": "", "tool_calls": [
                {"id": one, "type": "function", "function": {"name": "price", "arguments": json.dumps({"of": one})}} for one in ("apple", "pear")]},
            {"role": "tool", "tool_call_id": first, "content": "3"}, {"role": "tool", "tool_call_id": second, "content": "5"}]


def said(role, text):
    return {"role": role, "content": text}


PAIRS = {
    "another picture": (picture("AAAA"), picture("BBBB")),
    "another recording": (sound("AAAA"), sound("BBBB")),
    "another file": (file("AAAA"), file("BBBB")),
    "results exchanged": (prices("apple", "pear"), prices("pear", "apple")),
    "messages spelt out": ([said("user", "Hi"), said("assistant", "Yes?"), said("user", "Go")], [said("user", "Hi\nAI: Yes?\nHuman: Go")]),
    "another text": ([said("user", "Hi")], [said("user", "Ho")]),
    "the same": ([said("user", "Hi")], [said("user", "Hi")]),
}


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(json.loads(self.rfile.read(int(self.headers["content-length"])))["messages"])
        answer = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": f"answer {len(asked)}"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/v1"


def python():
    seen = {}
    for name, pair in PAIRS.items():
        model = ChatOpenAI(model="m", base_url=base, api_key="unused", max_retries=0, cache=InMemoryCache())
        seen[name] = [model.invoke(messages).content for messages in pair]
    return seen


def node():
    pairs = HERE / "pairs.json"
    pairs.write_text(json.dumps(PAIRS))
    out = subprocess.run(["node", HERE / "ask.mjs", base, pairs], check=True, capture_output=True, text=True, timeout=60).stdout
    return json.loads(out.splitlines()[-1])


def calls(seen):
    """How many calls each pair was."""
    return {name: len(set(answers)) for name, answers in seen.items()}


by = {"Python": calls(python()), "Node": calls(node())}
for name in PAIRS:
    print(f"{name:20}", *(f"{who}: {seen[name]} call{'s' if seen[name] > 1 else ''}  " for who, seen in by.items()))
same = (by["Python"] == {**dict.fromkeys(PAIRS, 2), "the same": 1} and by["Node"] == {**dict.fromkeys(PAIRS, 1), "another text": 2})
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
