#!/usr/bin/env bash
# A DSPy program is pointed to another server with another key, and goes on answering with what the first one said.
#
# Versions  dspy 3.4.1 with litellm 1.110.2 (Python), beside langchain-openai 1.7.4 with langchain-core 1.8.3 and its own cache.
# Input     The same question from two processes, one after the other. The second has another api_base and another api_key; the
#           model's name and DSPy's usual settings are the same.
# Guess     A new base URL is a new provider: it is asked, and its key is the one that counts.
# Seen      The second process prints the first one's answer and its server hears of nothing: DSPy keeps answers on the disk
#           without being asked to, and its key leaves api_base, base_url and api_key out. A revoked key, a server that is
#           down, a gateway put in front: none of them shows while the question is an old one. LangChain's cache, once it is
#           switched on, tells two base URLs apart.
# Matters   Who moves a program by its base URL, or compares two servers, sees no call at the new one, no cost, and the old
#           answers; two users of one machine with keys of their own get each other's. dspy.LM(…, cache=False) asks.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  dspy==3.4.1 litellm==1.110.2 langchain-openai==1.7.4 langchain-core==1.8.3; } >&2 || cannot "pip install"

cat >"$dir/ask.py" <<'PYTHON'
import sys

import dspy

print(dspy.LM("openai/m", api_base=sys.argv[1], api_key=sys.argv[2], num_retries=0)("Who are you?")[0])
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

from langchain_core.caches import InMemoryCache
from langchain_core.globals import set_llm_cache
from langchain_openai import ChatOpenAI


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.server.asked += 1
        message = {"role": "assistant", "content": self.server.text}
        body = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
                           "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
                           "usage": {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(text):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.text, server.asked = text, 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}/v1"


def both(ask):
    """What the two are heard to say, and how often each was asked."""
    (first, first_url), (second, second_url) = serve("The first."), serve("The second.")
    return ask(first_url, "key-one"), ask(second_url, "key-two"), first.asked, second.asked


def by_dspy(url, key):
    here = pathlib.Path(sys.argv[0]).parent
    env = {**os.environ, "HOME": str(here), "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return subprocess.run([sys.executable, here / "ask.py", url, key], check=True, capture_output=True, text=True,
                          env=env).stdout.splitlines()[-1]


def by_langchain(url, key):
    return ChatOpenAI(model="m", base_url=url, api_key=key, max_retries=0).invoke("Who are you?").content


set_llm_cache(InMemoryCache())
dspy, langchain = both(by_dspy), both(by_langchain)
print("DSPy      ", dspy)
print("LangChain ", langchain)
same = dspy == ("The first.", "The first.", 1, 0) and langchain == ("The first.", "The second.", 1, 1)
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
