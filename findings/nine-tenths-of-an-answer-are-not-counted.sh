#!/usr/bin/env bash
# Gemini thinks for 90 tokens and answers with 10, all billed as output: four of six frameworks count 10.
#
# Versions  langchain-google-genai 4.4.2 and llama-index-llms-google-genai 0.11.3 with google-genai 2.34.0, google-genai-haystack 7.0.0 with
#           haystack-ai 3.4.1 and agno 3.1.10 with google-genai 3.6.1 (Python); @langchain/google-genai 2.3.2 with @langchain/core 1.4.0,
#           ai 7.0.173 with @ai-sdk/google 3.0.141 (Node).
# Input     An answer with usageMetadata as Gemini's API counts: promptTokenCount 50, 30 of them cached, toolUsePromptTokenCount 20,
#           candidatesTokenCount 10, thoughtsTokenCount 90, totalTokenCount 170. The same as a stream of three chunks, whose
#           candidatesTokenCount grows to 10 while the rest stays.
# Guess     The vendor bills thoughts as output and says the two apart, so the frameworks, which have one figure for it, add them up: 100.
# Seen      So do LangChain for Python and the AI SDK. LangChain for Node, LlamaIndex, Haystack and agno say 10, beside a total of
#           170 that 50 and 10 do not make; agno makes the total fit, 60. In the prompt's figure the tool's results are counted by LangChain
#           for Python alone (70). LangChain for Node adds up the cached tokens of a stream: 90 of a prompt of 50.
# Matters   Thinking is on in today's models, and longer than the answer. Budgets, bills and rate limits that go by these figures see a
#           tenth of the output, the dearest kind of token, and a service that moves from Python to Node gets cheaper on paper.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

install() { python3 -m venv "$dir/$1" && "$dir/$1/bin/pip" install --quiet --disable-pip-version-check "${@:2}"; }
{ install langchain langchain-google-genai==4.4.2 google-genai==2.34.0 && install llama llama-index-llms-google-genai==0.11.3 google-genai==2.34.0 &&
  install haystack google-genai-haystack==7.0.0 haystack-ai==3.4.1 google-genai==3.6.1 && install agno agno==3.1.10 google-genai==3.6.1; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  @langchain/google-genai@2.3.2 @langchain/core@1.4.0 ai@7.0.173 @ai-sdk/google@3.0.141) >&2 || cannot "npm install"

cat >"$dir/ask.mjs" <<'NODE'
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { ChatGoogleGenerativeAI } from "@langchain/google-genai";
import { generateText, streamText } from "ai";

const base = process.argv[2];
const langchain = new ChatGoogleGenerativeAI({ model: "gemini-2.5-pro", apiKey: "unused", baseUrl: base, maxRetries: 0 });
const model = createGoogleGenerativeAI({ apiKey: "unused", baseURL: `${base}/v1beta` })("gemini-2.5-pro");
const ofLangchain = (usage) => [usage.input_tokens, usage.input_token_details.cache_read, usage.output_tokens];
const ofSdk = (usage) => [usage.inputTokens, usage.inputTokenDetails.cacheReadTokens, usage.outputTokens];
let whole;
for await (const chunk of await langchain.stream("Hello")) whole = whole ? whole.concat(chunk) : chunk;
const stream = streamText({ model, prompt: "Hello", maxRetries: 0 });
await stream.consumeStream();
console.log(
  JSON.stringify({
    "LangChain, Node": [ofLangchain((await langchain.invoke("Hello")).usage_metadata), ofLangchain(whole.usage_metadata)],
    "AI SDK": [ofSdk((await generateText({ model, prompt: "Hello", maxRetries: 0 })).usage), ofSdk(await stream.usage)],
  }),
);
process.exit(0);
NODE

cat >"$dir/ask.py" <<'PYTHON'
import json
import os
import sys

who, base = sys.argv[1:]
os.environ.update(AGNO_TELEMETRY="false", HAYSTACK_TELEMETRY_ENABLED="False")


def client():
    from google import genai
    return genai.Client(api_key="unused", http_options=genai.types.HttpOptions(base_url=base))


def langchain():
    from langchain_google_genai import ChatGoogleGenerativeAI
    model = ChatGoogleGenerativeAI(model="gemini-2.5-pro", api_key="unused", base_url=base, max_retries=0)
    whole = None
    for chunk in model.stream("Hello"):
        whole = chunk if whole is None else whole + chunk
    for usage in (model.invoke("Hello").usage_metadata, whole.usage_metadata):
        yield usage["input_tokens"], usage["input_token_details"]["cache_read"], usage["output_tokens"]


def llama():
    from llama_index.llms.google_genai import GoogleGenAI
    model = GoogleGenAI(model="gemini-2.5-pro", api_key="unused", http_options=client()._api_client._http_options, context_window=9999, max_tokens=99)
    for usage in (model.complete("Hello").additional_kwargs, list(model.stream_complete("Hello"))[-1].additional_kwargs):
        yield usage["prompt_tokens"], None, usage["completion_tokens"]


def haystack():
    from haystack.dataclasses import ChatMessage
    from haystack.utils import Secret
    from haystack_integrations.components.generators.google_genai import GoogleGenAIChatGenerator
    model = GoogleGenAIChatGenerator(model="gemini-2.5-pro", api_key=Secret.from_token("unused"))
    model._client = client()  # it has no option for the server's address
    for callback in (None, lambda chunk: None):
        usage = model.run([ChatMessage.from_user("Hello")], streaming_callback=callback)["replies"][0].meta["usage"]
        yield usage["prompt_tokens"], usage["cached_content_token_count"], usage["completion_tokens"]


def agno():
    from agno.agent import Agent
    from agno.models.google import Gemini
    agent = Agent(model=Gemini(id="gemini-2.5-pro", client=client()), telemetry=False)
    last = [event.metrics for event in agent.run("Hello", stream=True, stream_events=True) if getattr(event, "metrics", None)][-1]
    for usage in (agent.run("Hello").metrics, last):
        yield usage.input_tokens, usage.cache_read_tokens, usage.output_tokens


print(json.dumps(list({"langchain": langchain, "llama": llama, "haystack": haystack, "agno": agno}[who]())))
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(sys.argv[0]).parent


def answer(text, tokens, finish=None):
    candidate = {"index": 0, "content": {"role": "model", "parts": [{"text": text}]}, **({"finishReason": finish} if finish else {})}
    return {"candidates": [candidate], "modelVersion": "gemini-2.5-pro", "responseId": "r", "usageMetadata": {
        "promptTokenCount": 50, "cachedContentTokenCount": 30, "toolUsePromptTokenCount": 20, "candidatesTokenCount": tokens,
        "thoughtsTokenCount": 90, "totalTokenCount": 160 + tokens}}


STREAM = [answer("Hello", 1), answer(" to", 5), answer(" you.", 10, "STOP")]


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        if "streamGenerateContent" in self.path:
            kind, body = "text/event-stream", "".join(f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in STREAM)
        else:
            kind, body = "application/json", json.dumps(answer("Hello to you.", 10, "STOP"))
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"


def run(*command):
    return json.loads(subprocess.run([*command, base], check=True, capture_output=True, text=True, timeout=100).stdout.splitlines()[-1])


NAMES = {"langchain": "LangChain, Python", "llama": "LlamaIndex", "haystack": "Haystack", "agno": "agno"}
seen = {name: run(HERE / who / "bin/python", "-W", "ignore", HERE / "ask.py", who) for who, name in NAMES.items()}
seen.update(run("node", HERE / "ask.mjs"))
print(f"{'prompt, of it cached, output':30}{'plain':20}stream")
for who, (plain, stream) in seen.items():
    print(f"{who:30}{str(plain):20}{stream}")
want = {
    "LangChain, Python": 2 * [[70, 30, 100]], "LlamaIndex": 2 * [[50, None, 10]], "Haystack": 2 * [[50, 30, 10]],
    "agno": 2 * [[50, 30, 10]], "LangChain, Node": [[50, 30, 10], [50, 90, 10]], "AI SDK": 2 * [[50, 30, 100]],
}
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
"$dir/langchain/bin/python" -W ignore "$dir/run.py"
