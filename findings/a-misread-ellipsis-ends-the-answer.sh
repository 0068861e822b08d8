#!/usr/bin/env bash
# A model repeats one odd character of its prompt: read as a stream, the answer ends there with a JSONDecodeError, in two clients of five.
#
# Versions  ollama 0.6.3, huggingface_hub 2.4.0, both with httpx 0.28.1; openai 3.57.0, mistralai 3.7.0, anthropic 2.14.0 (all Python).
# Input     A stream of three pieces, "One ", a, " two", in the API of each client, UTF-8, with a as it is in each line's JSON, which JSON
#           allows. a is "x"; or U+0085, which is what an ellipsis of an old Windows file becomes if it is read as Latin-1; or
#           U+2028, a line's end as word processors copy it.
# Guess     A line of NDJSON or of an event stream ends with CR or LF and with nothing else, as their specifications say: all have all.
# Seen      openai, mistralai and anthropic do. ollama and huggingface_hub read lines with httpx's iter_lines(), which ends them at U+0085
#           and U+2028, too, as str.splitlines() does. Half an object goes to json.loads(), and a loop that has had "One "
#           is left with JSONDecodeError: Unterminated string. Asked without a stream, both are right.
# Matters   It hangs on the document that was pasted, not on the model or the load, and each further try ends at the same place and is paid
#           again. Go's own encoder writes U+2028 as \u2028 and U+0085 as it is; Rust's serde_json and JavaScript's write both as
#           they are. Who writes streams for clients like these should escape both; who reads lines should split at LF.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  ollama==0.6.3 huggingface_hub==2.4.0 httpx==0.28.1 openai==3.57.0 mistralai==3.7.0 anthropic==2.14.0; } >&2 || cannot "pip install"

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import sys
import threading

import anthropic
import ollama
import openai
from huggingface_hub import InferenceClient
from mistralai.client import Mistral

ODD = {"x": "x", "U+0085": "\u0085", "U+2028": "\u2028"}
MESSAGES = [{"role": "user", "content": "Hello"}]


def of_openai(pieces, stream):
    if not stream:
        return {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "".join(pieces)}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}}
    deltas = [*(({"role": "assistant", "content": one}, None) for one in pieces), ({}, "stop")]
    return [("", {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [
        {"index": 0, "delta": delta, "finish_reason": finish}]}) for delta, finish in deltas]


def of_ollama(pieces, stream):
    lines = [{"model": "m", "created_at": "2026-11-30T10:00:00Z", "message": {"role": "assistant", "content": one}, "done": False} for one in pieces]
    end = {"model": "m", "created_at": "2026-11-30T10:00:01Z", "message": {"role": "assistant", "content": "" if stream else "".join(pieces)},
           "done": True, "done_reason": "stop", "prompt_eval_count": 1, "eval_count": 3}
    return [*lines, end] if stream else end


def of_anthropic(pieces):
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None, "stop_sequence": None,
               "usage": {"input_tokens": 1, "output_tokens": 1}}
    events = [{"type": "message_start", "message": message}, {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
              *({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": one}} for one in pieces),
              {"type": "content_block_stop", "index": 0},
              {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 3}},
              {"type": "message_stop"}]
    return [(f"event: {one['type']}\n", one) for one in events]


def dump(value):
    return json.dumps(value, ensure_ascii=False)


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        stream = json.loads(body).get("stream", False)
        _, odd, *_, last = self.path.split("/")
        pieces = "One ", ODD[odd], " two"
        if last == "chat":
            told = of_ollama(pieces, stream)
            kind, answer = ("application/x-ndjson", "".join(dump(one) + "\n" for one in told)) if stream else ("application/json", dump(told))
        elif stream:
            events = of_anthropic(pieces) if last == "messages" else of_openai(pieces, True)
            end = "" if last == "messages" else "data: [DONE]\n\n"
            kind, answer = "text/event-stream; charset=utf-8", "".join(f"{name}data: {dump(one)}\n\n" for name, one in events) + end
        else:
            kind, answer = "application/json", dump(of_openai(pieces, False))
        answer = answer.encode()
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()


def by_openai(base):
    sdk = openai.OpenAI(base_url=f"{base}/v1", api_key="unused", max_retries=0)
    for chunk in sdk.chat.completions.create(model="m", messages=MESSAGES, stream=True):
        yield chunk.choices[0].delta.content


def by_anthropic(base):
    sdk = anthropic.Anthropic(base_url=base, api_key="unused", max_retries=0)
    for event in sdk.messages.create(model="m", max_tokens=9, messages=MESSAGES, stream=True):
        yield event.delta.text if event.type == "content_block_delta" else ""


def by_mistral(base):
    with Mistral(server_url=base, api_key="unused") as sdk:
        for event in sdk.chat.stream(model="m", messages=MESSAGES):
            yield event.data.choices[0].delta.content


def by_ollama(base):
    for part in ollama.Client(host=base).chat(model="m", messages=MESSAGES, stream=True):
        yield part.message.content


def plain_ollama(base):
    yield ollama.Client(host=base).chat(model="m", messages=MESSAGES).message.content


def by_hugging_face(base):
    sdk = InferenceClient(base_url=f"{base}/v1", api_key="unused")
    for chunk in sdk.chat.completions.create(model="m", messages=MESSAGES, stream=True):
        yield chunk.choices[0].delta.content


def plain_hugging_face(base):
    yield InferenceClient(base_url=f"{base}/v1", api_key="unused").chat.completions.create(model="m", messages=MESSAGES).choices[0].message.content


CLIENTS = {"openai": by_openai, "mistralai": by_mistral, "anthropic": by_anthropic, "ollama": by_ollama, "ollama, plain": plain_ollama,
           "huggingface_hub": by_hugging_face, "huggingface_hub, plain": plain_hugging_face}
other = {}
for who, ask in CLIENTS.items():
    for odd, character in ODD.items():
        text, fault = "", None
        try:
            for piece in ask(f"http://127.0.0.1:{server.server_port}/{odd}"):
                text += piece or ""
        except Exception as error:
            fault = type(error).__name__
        if (text, fault) != (f"One {character} two", None):
            other[who, odd] = text, fault
        print(f"{who:24}{odd:8}{ascii(text)} {fault or ''}")
same = other == {(who, odd): ("One ", "JSONDecodeError") for who in ("ollama", "huggingface_hub") for odd in ("U+0085", "U+2028")}
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
