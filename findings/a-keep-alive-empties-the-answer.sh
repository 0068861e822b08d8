#!/usr/bin/env bash
# A comment keeps a stream alive, as event streams allow: Google's SDK for Python raises on it, and LiteLLM gives an empty answer of Gemini's.
#
# Versions  openai 3.57.0, groq 1.7.0, huggingface_hub 2.4.0, google-genai 3.6.1, mistralai 3.7.0, anthropic 2.14.0, litellm 1.110.2 (Python);
#           openai 7.57.0, @google/genai 2.32.0, ai 7.0.173 with @ai-sdk/openai 4.0.118 and @ai-sdk/google 3.0.141 (Node).
# Input     The answer "One two" in the API of each client, as an event stream that the HTML standard knows: as all send it (plain); with
#           a comment before each event (comment); with the type that an event has anyway, event: message (named), and an id (id); with
#           retry: 3000 as a block of its own at the beginning, as libraries of servers write it (retry); with a block event: ping that
#           has no data, which is no event (empty); with the JSON over several lines (lines); with a byte order mark (mark).
# Guess     Official SDKs have a parser for event streams, comments and retry being its oldest parts; Google's is known to be strict.
# Seen      Only mistralai, anthropic and the AI SDK give all of it each time. openai for Python raises JSONDecodeError at retry and empty, since a block without data is
#           read as an event with empty data (for Node at empty alone); so do groq and LiteLLM. A byte order mark costs the
#           first piece of text in silence, in all of these and in huggingface_hub. groq raises at "event: message".
#           google-genai takes any line that is not data for an error of the server's, and LiteLLM's answer of Gemini's is empty in the same
#           cases, without an error; so is that of @google/genai where an event begins with another line.
# Matters   A proxy, a load balancer's module or another server's library puts such lines in, and "the model says nothing". Who serves
#           several clients sends data: lines and nothing else, where it can wait, and comments to those that read them.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/sdks" && "$dir/sdks/bin/pip" install --quiet --disable-pip-version-check \
  openai==3.57.0 groq==1.7.0 huggingface_hub==2.4.0 google-genai==3.6.1 mistralai==3.7.0 anthropic==2.14.0 &&
  python3 -m venv "$dir/lite" && "$dir/lite/bin/pip" install --quiet --disable-pip-version-check litellm==1.110.2; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  openai@7.57.0 @google/genai@2.32.0 ai@7.0.173 @ai-sdk/openai@4.0.118 @ai-sdk/google@3.0.141) >&2 || cannot "npm install"

cat >"$dir/sdks.py" <<'PYTHON'
import sys

import anthropic
import groq
import openai
from google import genai
from huggingface_hub import InferenceClient
from mistralai.client import Mistral
from said import say

ASK = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


def chat(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def claude(root):
    with anthropic.Anthropic(base_url=root, api_key="unused", max_retries=0).messages.stream(max_tokens=9, **ASK) as stream:
        return "".join(stream.text_stream)


def gemini(root):
    client = genai.Client(api_key="unused", http_options=genai.types.HttpOptions(base_url=root))
    return "".join(chunk.text or "" for chunk in client.models.generate_content_stream(model="m", contents="Hello"))


def hub(root):
    client = InferenceClient(base_url=f"{root}/v1", api_key="unused")  # its stream lives as long as it does
    return chat(client.chat_completion(ASK["messages"], stream=True))


say(sys.argv[1:], {
    "openai": lambda root: chat(openai.OpenAI(base_url=f"{root}/v1", api_key="unused", max_retries=0).chat.completions.create(stream=True, **ASK)),
    "groq": lambda root: chat(groq.Groq(base_url=root, api_key="unused", max_retries=0).chat.completions.create(stream=True, **ASK)),
    "huggingface_hub": hub,
    "google-genai": gemini,
    "mistralai": lambda root: chat(event.data for event in Mistral(api_key="unused", server_url=root).chat.stream(**ASK)),
    "anthropic": claude,
})
PYTHON

cat >"$dir/lite.py" <<'PYTHON'
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm
from said import say

litellm.suppress_debug_info = True


def chat(model, base):
    answer = litellm.completion(model=model, api_base=base, api_key="unused", messages=[{"role": "user", "content": "Hello"}], stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in answer)


say(sys.argv[1:], {
    "LiteLLM, openai": lambda root: chat("openai/m", f"{root}/v1"),
    "LiteLLM, gemini": lambda root: chat("gemini/m", f"{root}/v1beta/models/m"),
})
PYTHON

cat >"$dir/said.py" <<'PYTHON'
import json
import os


def say(roots, clients):
    """What each client says at each root, that is of each form of stream."""
    said = {name: [] for name in clients}
    for root in roots:
        for name, ask in clients.items():
            try:
                said[name].append(ask(root))
            except Exception as error:
                said[name].append(type(error).__name__)
    print(json.dumps(said), flush=True)
    os._exit(0)
PYTHON

cat >"$dir/node.mjs" <<'NODE'
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { GoogleGenAI } from "@google/genai";
import { streamText } from "ai";
import OpenAI from "openai";

console.error = () => {};
async function join(chunks, text) {
  let all = "";
  for await (const chunk of await chunks) all += text(chunk) ?? "";
  return all;
}
async function ai(model) {
  return join(streamText({ model, prompt: "Hello", maxRetries: 0, onError() {} }).fullStream, (part) => {
    if (part.type === "error") throw part.error;
    return part.type === "text-delta" ? part.text : "";
  });
}
const openai = (root) => new OpenAI({ baseURL: `${root}/v1`, apiKey: "unused", maxRetries: 0 }).chat.completions;
const google = (root) => new GoogleGenAI({ apiKey: "unused", httpOptions: { baseUrl: root } }).models;
const clients = {
  "openai, Node": (root) => join(openai(root).create({ model: "m", messages: [{ role: "user", content: "Hello" }], stream: true }),
    (chunk) => chunk.choices[0].delta.content),
  "@google/genai": (root) => join(google(root).generateContentStream({ model: "m", contents: "Hello" }), (chunk) => chunk.text),
  "AI SDK, openai": (root) => ai(createOpenAI({ baseURL: `${root}/v1`, apiKey: "unused" }).chat("m")),
  "AI SDK, google": (root) => ai(createGoogleGenerativeAI({ baseURL: `${root}/v1beta`, apiKey: "unused" })("m")),
};
const said = {};
for (const root of process.argv.slice(2))
  for (const [name, ask] of Object.entries(clients)) (said[name] ??= []).push(await ask(root).catch((error) => error.constructor.name));
console.log(JSON.stringify(said));
process.exit(0);
NODE

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(sys.argv[0]).parent
FORMS = ("plain", "comment", "named", "id", "retry", "empty", "lines", "mark")
PIECES = ("One ", "two")


def openai():
    for text, finish in [*((text, None) for text in PIECES), (None, "stop")]:
        delta = {"role": "assistant", "content": text} if text else {}
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        yield None, {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    yield None, "[DONE]"


def gemini():
    for text in PIECES:
        candidate = {"index": 0, "content": {"role": "model", "parts": [{"text": text}]}}
        if text == PIECES[-1]:
            candidate["finishReason"] = "STOP"
        yield None, {"candidates": [candidate], "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}, "modelVersion": "m"}


def anthropic():
    message = {"id": "m", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None, "stop_sequence": None,
               "usage": {"input_tokens": 1, "output_tokens": 1}}
    for name, more in [("message_start", {"message": message}),
                       ("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}}),
                       *(("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": text}}) for text in PIECES),
                       ("content_block_stop", {"index": 0}),
                       ("message_delta", {"delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 2}}),
                       ("message_stop", {})]:
        yield name, {"type": name, **more}


def stream(form, events):
    text = {"mark": "\ufeff", "retry": "retry: 3000\n\n"}.get(form, "")
    for name, data in events:
        text += {"comment": ": keep-alive\n\n", "id": "id: 7\n", "empty": "event: ping\n\n"}.get(form, "")
        if name or form == "named":
            text += f"event: {name or 'message'}\n"
        data = data if isinstance(data, str) else json.dumps(data, indent=1 if form == "lines" else None)
        text += "".join(f"data: {line}\n" for line in data.split("\n")) + "\n"
    return text.encode()


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        answer = stream(self.path.split("/")[1], gemini() if "GenerateContent" in self.path else anthropic() if self.path.endswith("/messages") else openai())
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
COMMANDS = ([HERE / "sdks/bin/python", "-W", "ignore", HERE / "sdks.py"], [HERE / "lite/bin/python", "-W", "ignore", HERE / "lite.py"],
            ["node", HERE / "node.mjs"])
roots = [f"http://127.0.0.1:{server.server_port}/{form}" for form in FORMS]
seen = {}
for command in COMMANDS:
    said = subprocess.run([*command, *roots], check=True, capture_output=True, text=True, timeout=300)
    for name, texts in json.loads(said.stdout.splitlines()[-1]).items():
        seen[name] = {form: text for form, text in zip(FORMS, texts) if text != "One two"}
api, json_error = "UnknownApiResponseError", "JSONDecodeError"
want = {
    "openai": {"retry": json_error, "empty": json_error, "mark": "two"},
    "groq": {"named": "TypeError", "retry": json_error, "empty": json_error, "mark": "two"},
    "huggingface_hub": {"lines": json_error, "mark": "two"},
    "google-genai": dict.fromkeys(("comment", "named", "id", "retry", "empty", "mark"), api),
    "mistralai": {}, "anthropic": {},
    "LiteLLM, openai": {"retry": "MidStreamFallbackError", "empty": "MidStreamFallbackError", "mark": "two"},
    "LiteLLM, gemini": dict.fromkeys(("comment", "named", "id", "retry", "empty", "mark"), ""),
    "openai, Node": {"empty": "SyntaxError"},
    "@google/genai": {"named": "", "id": "", "lines": "SyntaxError"},
    "AI SDK, openai": {}, "AI SDK, google": {},
}
for name, texts in seen.items():
    print(f"{name:17}", "; ".join(f"{form} {text!r}" for form, text in texts.items()) or "all whole")
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
"$dir/sdks/bin/python" "$dir/run.py"
