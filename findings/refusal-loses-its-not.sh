#!/usr/bin/env bash
# A streamed refusal, "I can" + "not help with that.", leaves LiteLLM as "I can".
#
# Versions  litellm 1.110.2, beside the openai 3.57.0 that it calls with (both Python).
# Input     A refusal as OpenAI streams it where structured output is asked for: chunks whose delta has `refusal` instead
#           of `content`, the first with the role too, then finish_reason "stop".
# Guess     LiteLLM speaks OpenAI's format on both sides and hands on each chunk, or drops a field that it does not know.
# Seen      It hands on the first piece alone, which comes with the role; a delta with nothing but `refusal` counts as an
#           empty chunk and is left out. What litellm's own stream_chunk_builder makes of the stream is "I can", with
#           finish_reason "stop". openai, reading the same bytes, has the whole sentence; so has litellm when not streaming.
# Matters   Half a sentence says the opposite, and nothing tells that it is half: who shows or judges refusals by their text
#           sees agreement. With a first chunk of the role alone, as OpenAI's is, there is no refusal left at all.
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
import openai

litellm.suppress_debug_info = True
TEXT = "I cannot help with that."


def event(delta, finish=None):
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                                  "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}) + "\n\n"


PIECES = event({"refusal": "not"}) + event({"refusal": " help with that."}) + event({}, "stop") + "data: [DONE]\n\n"
STREAMS = {
    "with-text": event({"role": "assistant", "refusal": "I can"}) + PIECES,
    "role-alone": event({"role": "assistant", "content": None}) + event({"refusal": "I can"}) + PIECES,
}
PLAIN = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
    {"index": 0, "message": {"role": "assistant", "content": None, "refusal": TEXT}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 6, "total_tokens": 7}}


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        streamed = body.get("stream")
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if streamed else "application/json")
        self.end_headers()
        self.wfile.write((STREAMS[self.path.split("/")[1]] if streamed else json.dumps(PLAIN)).encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
messages = [{"role": "user", "content": "Hello"}]


def by_openai(name):
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{server.server_port}/{name}", api_key="unused", max_retries=0)
    chunks = client.chat.completions.create(model="m", messages=messages, stream=True)
    return "".join(chunk.choices[0].delta.refusal or "" for chunk in chunks)


def by_litellm(name, stream=True):
    answer = litellm.completion(model="openai/m", api_base=f"http://127.0.0.1:{server.server_port}/{name}", api_key="unused",
                                messages=messages, stream=stream, max_retries=0)
    choice = (litellm.stream_chunk_builder(list(answer), messages=messages) if stream else answer).choices[0]
    return getattr(choice.message, "refusal", None), choice.message.content, choice.finish_reason


seen = {
    "openai, streamed": by_openai("with-text"),
    "litellm, plain": by_litellm("with-text", stream=False),
    "litellm, streamed": by_litellm("with-text"),
    "openai, streamed, role alone first": by_openai("role-alone"),
    "litellm, streamed, role alone first": by_litellm("role-alone"),
}
for who, what in seen.items():
    print(f"{who:36} {what!r}")
same = (seen["openai, streamed"] == seen["openai, streamed, role alone first"] == TEXT
        and seen["litellm, plain"][0] == TEXT
        and seen["litellm, streamed"][0] == "I can" and seen["litellm, streamed"][2] == "stop"
        and not seen["litellm, streamed, role alone first"][0])
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
