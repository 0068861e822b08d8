#!/usr/bin/env bash
# One call of 12 tokens, and the same from LangChain's cache: Python counts 24 tokens, Node counts none.
#
# Versions  langchain-core 1.8.3 with langchain-openai 1.7.4 and langchain-community 0.4.2 (Python); @langchain/core 1.4.0 with
#           @langchain/openai 1.6.0 (Node).
# Input     The cache in memory, and the same invoke() twice: 10 prompt tokens and 2 of the answer. Counted are what the provider has
#           answered, the usage_metadata of the two messages, and in Python what LangChain's two counters for callbacks say.
# Guess     12 and 0: who reads the messages of an agent, or a counter, has what was spent.
# Seen      The provider is asked once. In Python the message of the hit has the 12 tokens again (beside total_cost: 0), so the sum over
#           messages is 24, and so is that of get_usage_metadata_callback() and get_openai_callback(), whose "successful
#           requests" are 2, and whose cost, by its own price table, is that of both. In Node the hit's message is the first one itself, and its
#           usage is set to 0 in place: before the second call the first message said 12, after it both say 0.
# Matters   A budget in Python cuts off clients for what their cache has saved; one in Node, if it adds up at the end of a run, has the more to
#           give away the better its cache works. A counter has to ask where an answer came from, and when.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  langchain-openai==1.7.4 langchain-core==1.8.3 langchain-community==0.4.2; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact @langchain/openai@1.6.0 @langchain/core@1.4.0) >&2 ||
  cannot "npm install"

cat >"$dir/ask.mjs" <<'NODE'
import { InMemoryCache } from "@langchain/core/caches";
import { ChatOpenAI } from "@langchain/openai";

const model = new ChatOpenAI({ model: "gpt-4o", apiKey: "unused", maxRetries: 0, cache: new InMemoryCache(), configuration: { baseURL: process.argv[2] } });
const first = await model.invoke("Hello");
const before = first.usage_metadata.total_tokens;
const second = await model.invoke("Hello");
console.log(JSON.stringify([before, first.usage_metadata.total_tokens, second.usage_metadata.total_tokens]));
NODE

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

from langchain_community.callbacks import get_openai_callback
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import get_usage_metadata_callback
from langchain_openai import ChatOpenAI

asked = []


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        answer = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 2, "total_tokens": 12}}).encode()
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
    model = ChatOpenAI(model="gpt-4o", base_url=base, api_key="unused", max_retries=0, cache=InMemoryCache())
    with get_usage_metadata_callback() as usage, get_openai_callback() as money:
        first = model.invoke("Hello")
        before, cost = first.usage_metadata["total_tokens"], money.total_cost
        second = model.invoke("Hello")
    return ([before, first.usage_metadata["total_tokens"], second.usage_metadata["total_tokens"]], second.usage_metadata["total_cost"],
            usage.usage_metadata["gpt-4o"]["total_tokens"], money.total_tokens, money.successful_requests, round(money.total_cost / cost, 3))


messages, total_cost, by_usage, by_openai, requests, times = python()
of_python = len(asked)
out = subprocess.run(["node", pathlib.Path(sys.argv[0]).with_name("ask.mjs"), base], check=True, capture_output=True, text=True, timeout=60).stdout
node, of_node = json.loads(out.splitlines()[-1]), len(asked) - of_python
print("calls that the provider has answered, Python and Node ", of_python, of_node)
print("the first message, the same after the hit, the second ", messages, node)
print("Python: total_cost of the hit                         ", total_cost)
print("        tokens by get_usage_metadata_callback()       ", by_usage)
print("        by get_openai_callback(): tokens, requests    ", by_openai, requests)
print("        its cost, in calls                            ", times)
same = ((of_python, of_node) == (1, 1) and messages == [12, 12, 12] and node == [12, 0, 0] and total_cost == 0 and
        by_usage == 24 and (by_openai, requests) == (24, 2) and times == 2)
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
