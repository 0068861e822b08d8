#!/usr/bin/env bash
# Two choices in a stream, one cut off by its length: LiteLLM says that both ended by themselves.
#
# Versions  litellm 1.110.2, beside the openai 3.57.0 that it calls with (both Python).
# Input     A stream for n=2 whose choices come interleaved, as OpenAI's do: choice 0 ends with finish_reason "stop", choice 1
#           goes on and ends with "length". The same as a plain answer beside it.
# Guess     Each choice keeps its own finish_reason, as in the plain answer.
# Seen      The stream that litellm hands on has one finish_reason in all, that of the choice which ended first; the other's
#           is left out, though its text goes on behind it. Its own stream_chunk_builder then says "stop" for that choice
#           too. openai, reading the same bytes, has both.
# Matters   Who asks for several answers and keeps those that are whole keeps one that breaks off in mid-sentence,
#           and only when streaming. A reader that takes a stream for whole once every choice has ended
#           waits for an end that never comes.
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
USAGE = {"prompt_tokens": 10, "completion_tokens": 4, "total_tokens": 14}


def event(index, delta, finish=None):
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                                  "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}) + "\n\n"


def stream(first, second):
    return (event(0, {"role": "assistant", "content": "Yes."}) + event(1, {"role": "assistant", "content": "No,"})
            + event(0, {}, first) + event(1, {"content": " because"}) + event(1, {"content": " of"}) + event(1, {}, second)
            + "data: [DONE]\n\n")


def plain(first, second):
    return json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": USAGE, "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": first},
        {"index": 1, "message": {"role": "assistant", "content": "No, because of"}, "finish_reason": second}]})


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        ends = self.path.split("/")[1].split("-")
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if body.get("stream") else "application/json")
        self.end_headers()
        self.wfile.write((stream if body.get("stream") else plain)(*ends).encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
messages = [{"role": "user", "content": "Hello"}]


def by_openai(base):
    ends = {}
    for chunk in openai.OpenAI(base_url=base, api_key="unused", max_retries=0).chat.completions.create(
            model="m", messages=messages, n=2, stream=True):
        ends.update({choice.index: choice.finish_reason for choice in chunk.choices if choice.finish_reason})
    return ends


def by_litellm(base, streamed):
    answer = litellm.completion(model="openai/m", api_base=base, api_key="unused", messages=messages, n=2, stream=streamed,
                                max_retries=0)
    handed_on = {}
    if streamed:
        chunks = list(answer)
        for chunk in chunks:
            handed_on.update({choice.index: choice.finish_reason for choice in chunk.choices if choice.finish_reason})
        answer = litellm.stream_chunk_builder(chunks, messages=messages)
    return handed_on, [(choice.message.content, choice.finish_reason) for choice in answer.choices]


base = f"http://127.0.0.1:{server.server_port}/stop-length"
sdk, (_, whole), (handed_on, built) = by_openai(base), by_litellm(base, False), by_litellm(base, True)
print("openai, streamed      ", sdk)
print("litellm, plain        ", whole)
print("litellm, streamed     ", handed_on)
print("  put together by it  ", built)
same = (sdk == {0: "stop", 1: "length"} and whole == [("Yes.", "stop"), ("No, because of", "length")]
        and handed_on == {0: "stop"} and built == [("Yes.", "stop"), ("No, because of", "stop")])
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
