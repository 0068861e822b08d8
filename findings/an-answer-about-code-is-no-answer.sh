#!/usr/bin/env bash
# A model answers with the JSON that its schema asks for, one of its texts has a block of code in it: LangChain for Node parses the block.
#
# Versions  @langchain/openai 1.6.0 with @langchain/core 1.4.0 and zod 4.6.7, ai 7.0.173 with @ai-sdk/openai 4.0.118 (Node);
#           langchain-openai 1.7.4 with langchain-core 1.8.3 (Python).
# Input     withStructuredOutput() with the method "jsonSchema", that is response_format json_schema, for {reply, amount}. The answer is
#           such an object with amount 1200; its `reply` has (code) a block ```…``` of a shell command, (json) one of the kind ```json,
#           (empty) the words: write ```[]``` to clear it.
# Guess     The text is JSON as it stands, by the provider's own promise, and is parsed as it stands. Python and the AI SDK do.
# Seen      Node looks for a fence first and parses what is inside: (code) and (json) raise SyntaxError, as a stream they give an object
#           with half a `reply` and no amount, without an error; and of (empty) the result is [], plain and streamed. If the schema is zod's,
#           (code) and (empty) are right, and (json) raises OutputParserException, plain and streamed.
# Matters   What answers about programs, or about its own settings, fails on just those answers, and on each further try, at the full
#           price; the streamed and the empty ones go on as if they were whole. No log of the provider or of a gateway
#           shows a fault: the answer fits its schema. A Node service should take the text and JSON.parse it.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  langchain-openai==1.7.4 langchain-core==1.8.3; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact zod@4.6.7 \
  @langchain/openai@1.6.0 @langchain/core@1.4.0 ai@7.0.173 @ai-sdk/openai@4.0.118) >&2 || cannot "npm install"

cat >"$dir/ask.mjs" <<'NODE'
import { createOpenAI } from "@ai-sdk/openai";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, Output } from "ai";
import { z } from "zod";

const [root, ...answers] = process.argv.slice(2);
const zod = z.object({ reply: z.string(), amount: z.int() });
const schema = {
  title: "answer",
  type: "object",
  properties: { reply: { type: "string" }, amount: { type: "integer" } },
  required: ["reply", "amount"],
  additionalProperties: false,
};
const langchain = (base, schema) =>
  new ChatOpenAI({ model: "m", apiKey: "unused", maxRetries: 0, configuration: { baseURL: base } }).withStructuredOutput(schema, { method: "jsonSchema" });
const last = async (stream) => {
  let value;
  for await (const one of stream) value = one;
  return value;
};
const ways = {
  "LangChain, Node": (base) => langchain(base, schema).invoke("Hello"),
  "  streamed": async (base) => last(await langchain(base, schema).stream("Hello")),
  "  with zod": (base) => langchain(base, zod).invoke("Hello"),
  "  with zod, streamed": async (base) => last(await langchain(base, zod).stream("Hello")),
  "AI SDK": async (base) =>
    (await generateText({ model: createOpenAI({ baseURL: base, apiKey: "unused" }).chat("m"), output: Output.object({ schema: zod }), prompt: "Hello" })).output,
};
const seen = {};
for (const [way, ask] of Object.entries(ways)) {
  seen[way] = {};
  for (const answer of answers) seen[way][answer] = await ask(`${root}/${answer}`).catch((fault) => fault.lc_error_code ?? fault.name);
}
console.log(JSON.stringify(seen));
process.exit(0);
NODE

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

from langchain_openai import ChatOpenAI

ANSWERS = {
    "code": {"reply": "Run:\n```\nls\n```\nand look.", "amount": 1200},
    "json": {"reply": "Put this into it:\n```json\n{\"amount\": 12}\n```\nand run it.", "amount": 1200},
    "empty": {"reply": "Write ```[]``` to clear it.", "amount": 1200},
    "prose": {"reply": "Done.", "amount": 1200},
}
SCHEMA = {"title": "answer", "type": "object", "properties": {"reply": {"type": "string"}, "amount": {"type": "integer"}},
          "required": ["reply", "amount"], "additionalProperties": False}
kinds = set()  # of the response_format that was asked for


def chunk(delta, finish=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}) + "\n\n"


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        kinds.add(asked["response_format"]["type"])
        text = json.dumps(ANSWERS[self.path.split("/")[1]])
        if asked.get("stream"):
            kind, body = "text/event-stream", chunk({"role": "assistant", "content": ""}) + "".join(
                chunk({"content": text[at:at + 5]}) for at in range(0, len(text), 5)) + chunk({}, "stop") + "data: [DONE]\n\n"
        else:
            kind, body = "application/json", json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
                {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}})
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
root = f"http://127.0.0.1:{server.server_port}"


def python(name, streamed):
    model = ChatOpenAI(model="m", base_url=f"{root}/{name}", api_key="unused", max_retries=0).with_structured_output(SCHEMA, method="json_schema")
    return list(model.stream("Hello"))[-1] if streamed else model.invoke("Hello")


seen = {"LangChain, Python": {name: python(name, False) for name in ANSWERS}, "LangChain, Python, streamed": {name: python(name, True) for name in ANSWERS}}
out = subprocess.run(["node", pathlib.Path(sys.argv[0]).with_name("ask.mjs"), root, *ANSWERS], check=True, capture_output=True, text=True, timeout=100)
seen.update(json.loads(out.stdout.splitlines()[-1]))
for who, came in seen.items():
    print(who)
    for name, value in came.items():
        print(f"    {name:8}{'as it is' if value == ANSWERS[name] else json.dumps(value)}")
whole, parser = ANSWERS, "OUTPUT_PARSING_FAILURE"
want = {
    "LangChain, Python": whole, "LangChain, Python, streamed": whole, "AI SDK": whole,
    "LangChain, Node": {**whole, "code": "SyntaxError", "json": "SyntaxError", "empty": []},
    "  streamed": {**whole, "code": {"reply": "Run:"}, "json": {"reply": "Put this into it:\n"}, "empty": []},
    "  with zod": {**whole, "json": parser}, "  with zod, streamed": {**whole, "json": parser},
}
same = seen == want and kinds == {"json_schema"}
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
