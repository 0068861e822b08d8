#!/usr/bin/env bash
# "The plan costs $12.50/month." Addresses are to be hidden from the model: LangChain for Python has it read "The plan costs $[REDACTED_URL]", that for Node does not.
#
# Versions  langchain 1.5.2 with langchain-openai 1.7.4 and langchain-core 1.8.3 (Python); langchain 1.5.14 with @langchain/openai 1.6.0 and
#           @langchain/core 1.4.0 (Node).
# Input     An agent with PIIMiddleware("url"), piiMiddleware("url"), at its usual strategy, "redact", for what the user says and what the model
#           answers. The user says a sentence, the model repeats it. Five sentences without an address: a price, a mark, a dose, a division, two
#           versions of a model; and two with one, https://example.com/a and www.example.com.
# Guess     The two middlewares have one name, the one for Node was rewritten to be like Python's (langchain-ai/langchainjs#9394). An address
#           begins with https:// or www., or its last part is a word like com; a number is none.
# Seen      Node hides the two addresses and nothing else. Python hides them, and in each of the five sentences a number: an address without
#           a scheme is to it whatever has a dot between two letters or digits and a slash behind. The model is asked about "Rated [REDACTED_URL] by
#           users" and "Give [REDACTED_URL] twice a day", with the unit and the next sign gone, too. strategy="block" raises
#           PIIDetectionError instead: the price is personal data.
# Matters   Prices, marks, doses, speeds and rates are what support, shops and clinics ask about. The model answers without the figure, or makes one up, and
#           the user's own message is rewritten for the rest of the conversation. No log tells of it; tests with addresses pass, and so does
#           the same service in Node. Try a filter with sentences that it must leave alone.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check langchain==1.5.2 langchain-openai==1.7.4 \
  langchain-core==1.8.3; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact langchain@1.5.14 @langchain/openai@1.6.0 @langchain/core@1.4.0) >&2 ||
  cannot "npm install"

cat >"$dir/ask.mjs" <<'NODE'
import { createAgent, piiMiddleware } from "langchain";
import { ChatOpenAI } from "@langchain/openai";

const [, , baseURL, strategy, texts] = process.argv;
const model = new ChatOpenAI({ model: "m", apiKey: "unused", maxRetries: 0, configuration: { baseURL } });
const agent = createAgent({ model, tools: [], middleware: [piiMiddleware("url", { strategy, applyToInput: true, applyToOutput: true })] });
const read = [];
for (const text of JSON.parse(texts)) {
  try {
    read.push((await agent.invoke({ messages: [{ role: "user", content: text }] })).messages.at(-1).content);
  } catch (error) {
    read.push(error.name);
  }
}
console.log(JSON.stringify(read));
NODE

cat >"$dir/ask.py" <<'PYTHON'
import json
import sys

from langchain.agents import create_agent
from langchain.agents.middleware import PIIMiddleware
from langchain_openai import ChatOpenAI

base, strategy, texts = sys.argv[1:]
model = ChatOpenAI(model="m", base_url=base, api_key="unused", max_retries=0)
agent = create_agent(model, [], middleware=[PIIMiddleware("url", strategy=strategy, apply_to_input=True, apply_to_output=True)])
read = []
for text in json.loads(texts):
    try:
        read.append(agent.invoke({"messages": [{"role": "user", "content": text}]})["messages"][-1].content)
    except Exception as error:
        read.append(type(error).__name__)
print(json.dumps(read))
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(sys.argv[0]).parent
sent = []  # what the user says, as it arrives at the model


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        text = json.loads(self.rfile.read(int(self.headers["content-length"])))["messages"][-1]["content"]
        sent.append(text)
        body = json.dumps({"id": f"c{len(sent)}", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/v1"
HIDDEN = "[REDACTED_URL]"
TEXTS = {  # what is said: what Python's makes of it
    "The plan costs $12.50/month.": f"The plan costs ${HIDDEN}",
    "Rated 4.5/5 by users.": f"Rated {HIDDEN} by users.",
    "Give 2.5mg/kg twice a day.": f"Give {HIDDEN} twice a day.",
    "Is 3.5/2 more than 1?": f"Is {HIDDEN} more than 1?",
    "Which is dearer, GPT-4.1/GPT-4o?": f"Which is dearer, {HIDDEN}",
    "See https://example.com/a now.": f"See {HIDDEN} now.",
    "See www.example.com now.": f"See {HIDDEN} now.",
}
node = {text: text if "example" not in text else told for text, told in TEXTS.items()}
same = True
for name, command, want in (("Python", [sys.executable, "-W", "ignore", HERE / "ask.py"], TEXTS), ("Node", ["node", HERE / "ask.mjs"], node)):
    seen = {}
    for strategy in ("redact", "block"):
        sent.clear()
        out = subprocess.run([*command, base, strategy, json.dumps(list(TEXTS))], check=True, capture_output=True, text=True, timeout=100).stdout
        seen[strategy] = json.loads(out.splitlines()[-1]), list(sent)
    read, asked = seen["redact"]
    blocked = [answer == "PIIDetectionError" for answer in seen["block"][0]]
    for text, arrived, stopped in zip(TEXTS, asked, blocked, strict=True):
        print(f"{name:8}{text:34}the model reads: {arrived:36}{'block raises' if stopped else ''}")
    same &= asked == read == list(want.values()) and blocked == [text != told for text, told in want.items()]
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
