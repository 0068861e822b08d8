#!/usr/bin/env bash
# LiteLLM's cache answers a call whose extra_body asks for another schema, or for no thinking, with what it has.
#
# Versions  litellm 1.110.2 with openai 3.57.0 (Python), and what a hit of its cache imports: fastapi 0.165.0, orjson 3.13.0,
#           soundfile 0.14.0, numpy 2.4.6.
# Input     The same question twice, the cache in memory on; the two calls differ in one member of the request alone, which
#           both times is sent to the provider where the cache is off.
# Guess     The key of an entry holds everything that is sent, so two calls that differ are two calls.
# Seen      It holds the parameters that OpenAI's API names (seed, reasoning_effort, service_tier …: two calls), and nothing else:
#           extra_body (guided_json and chat_template_kwargs of vLLM, for one), a provider's own parameter given by name
#           (min_p), extra_headers: one call, and the second is given the first one's answer.
# Matters   Everything that servers add to OpenAI's API travels this way: who asks for {"city"} and then for {"person"} of
#           the same text gets a city twice. weir's own key is the whole request but for six named members.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  litellm==1.110.2 openai==3.57.0 fastapi==0.165.0 orjson==3.13.0 soundfile==0.14.0 numpy==2.4.6; } >&2 || cannot "pip install"

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
        asked.append((json.loads(self.rfile.read(int(self.headers["content-length"]))), self.headers.get("x-tenant")))
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
litellm.cache = litellm.Cache(type="local")
city, person = ({"type": "object", "required": [name]} for name in ("city", "person"))
pairs = {
    "seed": (1, 2),
    "reasoning_effort": ("low", "high"),
    "service_tier": ("default", "flex"),
    "extra_body": ({"guided_json": city}, {"guided_json": person}),
    "extra_body ": ({"chat_template_kwargs": {"enable_thinking": True}}, {"chat_template_kwargs": {"enable_thinking": False}}),
    "min_p": (0.1, 0.9),
    "extra_headers": ({"x-tenant": "a"}, {"x-tenant": "b"}),
}


def both(name, cached):
    """Whether the two calls were given one answer, and what the provider was sent."""
    before = len(asked)
    answers = {litellm.completion(model="openai/m", api_base=f"http://127.0.0.1:{server.server_port}", api_key="unused",
                                  messages=[{"role": "user", "content": f"Who lives where? {list(pairs).index(name)}"}], max_retries=0,
                                  caching=cached, **{name.strip(): value}).choices[0].message.content for value in pairs[name]}
    return len(answers) == 1, asked[before:]


one = []
for name in pairs:
    _, (first, second) = both(name, cached=False)
    assert first != second, f"{name}: sent twice alike"
    if both(name, cached=True)[0]:
        one.append(name)
    print(f"{name.strip():<18}{'one answer for both' if name in one else 'two answers'}")
sys.exit(0 if one == ["extra_body", "extra_body ", "min_p", "extra_headers"] else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
