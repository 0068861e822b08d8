#!/usr/bin/env bash
# With LiteLLM's cache switched on, a call succeeds once; asked again, it fails although its answer is in the cache.
#
# Versions  litellm 1.110.2 (Python), installed as its page says (pip install litellm), with openai 3.57.0.
# Input     litellm.cache = litellm.Cache(type="local"), the cache in memory, and the same completion(…, caching=True) twice.
# Guess     The second call is answered from memory without the provider, as the documentation of the option says.
# Seen      The second call raises ModuleNotFoundError: No module named 'fastapi'. What looks after a hit imports parts of
#           the proxy, which the plain package does not depend on; with fastapi and orjson beside it, it is 'soundfile'.
#           The entry was found: the provider is asked once, and never again, so the call fails for as long as the entry lives.
# Matters   A cache is tried out with two calls that differ, and seen to work; what fails are the calls that it was put in
#           for. A fault of this kind turns an optional saving into an outage of the most frequent prompts.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  litellm==1.110.2 openai==3.57.0; } >&2 || cannot "pip install"

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import os
import sys
import threading

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else its import asks the network for prices
import litellm

litellm.suppress_debug_info = True
asked = []


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        answer = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
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


def ask(**more):
    try:
        return litellm.completion(model="openai/m", api_base=f"http://127.0.0.1:{server.server_port}", api_key="unused",
                                  messages=[{"role": "user", "content": "Hello"}], max_retries=0, **more).choices[0].message.content
    except Exception as fault:
        return f"{type(fault).__name__}: {fault}"


litellm.cache = litellm.Cache(type="local")
seen = [ask(caching=True) for _ in range(3)]
print("with the cache:", *seen, sep="\n  ")
print("asked of the provider:", len(asked))
without = ask(caching=False)
print("the same call past the cache:", without)
sys.exit(0 if seen == ["Hello."] + 2 * ["ModuleNotFoundError: No module named 'fastapi'"] and len(asked) == 2 and without == "Hello." else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
