#!/usr/bin/env bash
# {"prices": dict[str, int]} with strict=True: two frameworks ask the model for a map that must have no entries, and get {}.
#
# Versions  langchain-openai 1.7.4 with langchain-core 1.8.3, pydantic-ai-slim 2.68.0, openai-agents 0.24.0, openai 3.57.0 (Python);
#           openai 7.57.0 with zod 4.6.7 (Node).
# Input     The type {name: str, prices: dict[str, int]} as a tool's parameters and as the type of an answer, with strict switched on. What
#           arrives at the server is a JSON Schema; {"name": "Bo", "prices": {"apple": 3}} and the same with "prices": {} are checked by it.
# Guess     Strict mode knows no maps, so the library says so, or sends the map and the provider says so.
# Seen      openai-agents and openai for Node raise; openai for Python and LangChain's method "json_schema" send the map as it is. LangChain's
#           tools and its method "function_calling", and pydantic-ai's tools and NativeOutput, rewrite it: additionalProperties, which
#           said {"type": "integer"}, becomes false, without a word. The schema is then a good strict one, and allows {} alone.
# Matters   The provider takes it and keeps to it, so every answer has an empty map: it passes the schema, passes the type on its way
#           back, and reads as "no prices in this document". Without strict, and in tests with scripted models, all is well.
#           A list of {name, value} says the same and may have entries.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check langchain-openai==1.7.4 langchain-core==1.8.3 \
  'pydantic-ai-slim[openai]==2.68.0' openai-agents==0.24.0 openai==3.57.0 jsonschema==4.26.0; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact openai@7.57.0 zod@4.6.7) >&2 || cannot "npm install"

cat >"$dir/ask.mjs" <<'NODE'
import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "unused", maxRetries: 0 });
const type = z.object({ name: z.string(), prices: z.record(z.string(), z.int()) });
const messages = [{ role: "user", content: "Hello" }];
const ways = {
  tool: async () => client.chat.completions.create({ model: "m", messages, tools: [zodFunction({ name: "report", parameters: type })] }),
  answer: async () => client.chat.completions.parse({ model: "m", messages, response_format: zodResponseFormat(type, "report") }),
};
const raised = {};
for (const [way, ask] of Object.entries(ways)) raised[way] = await ask().then(() => "", (fault) => fault.message);
console.log(JSON.stringify(raised));
NODE

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

import jsonschema
import openai
import pydantic
from agents import Agent as Agents, OpenAIChatCompletionsModel, Runner, set_tracing_disabled
from langchain_openai import ChatOpenAI
from pydantic_ai import Agent, NativeOutput, Tool
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

asked = []


class Report(pydantic.BaseModel):
    """Reports."""
    name: str
    prices: dict[str, int]


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        answer = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": '{"name": "Bo", "prices": {}}'}, "finish_reason": "stop"}],
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
base = f"http://127.0.0.1:{server.server_port}/v1"
sdk, later = (of(base_url=base, api_key="unused", max_retries=0) for of in (openai.OpenAI, openai.AsyncOpenAI))
langchain = ChatOpenAI(model="m", base_url=base, api_key="unused", max_retries=0)
pydantic_ai = OpenAIChatModel("m", provider=OpenAIProvider(openai_client=later))
set_tracing_disabled(True)


def report(name: str, prices: dict[str, int]) -> str:
    """Reports."""
    return "ok"


ways = {
    "openai, answer": lambda: sdk.chat.completions.parse(model="m", messages=[{"role": "user", "content": "Hello"}], response_format=Report),
    "openai-agents, answer": lambda: Runner.run_sync(
        Agents(name="a", model=OpenAIChatCompletionsModel(model="m", openai_client=later), output_type=Report), "Hello"),
    "LangChain, json_schema": lambda: langchain.with_structured_output(Report, method="json_schema", strict=True).invoke("Hello"),
    "LangChain, function_calling": lambda: langchain.with_structured_output(Report, method="function_calling", strict=True).invoke("Hello"),
    "LangChain, tool": lambda: langchain.bind_tools([report], strict=True).invoke("Hello"),
    "pydantic-ai, answer": lambda: Agent(pydantic_ai, output_type=NativeOutput(Report, strict=True)).run_sync("Hello"),
    "pydantic-ai, tool": lambda: Agent(pydantic_ai, tools=[Tool(report, strict=True)]).run_sync("Hello"),
    "pydantic-ai, tool, not strict": lambda: Agent(pydantic_ai, tools=[report]).run_sync("Hello"),
}


def allows(schema, prices):
    return jsonschema.Draft202012Validator(schema).is_valid({"name": "Bo", "prices": prices})


def what_came(ask):
    asked.clear()
    try:
        ask()
    except Exception as fault:
        if not asked:
            return f"raises {type(fault).__name__}"
    request = asked[0]
    of = request["tools"][0]["function"] if "tools" in request else request["response_format"]["json_schema"]
    schema = of.get("parameters") or of["schema"]
    what = {(True, True): "any map", (False, True): "only {}"}[allows(schema, {"apple": 3}), allows(schema, {})]
    return f"{what}, {'strict' if of.get('strict') else 'not strict'}"


seen = {way: what_came(ask) for way, ask in ways.items()}
out = subprocess.run(["node", pathlib.Path(sys.argv[0]).with_name("ask.mjs"), base], check=True, capture_output=True, text=True, timeout=60).stdout
for way, fault in json.loads(out.splitlines()[-1]).items():
    seen[f"openai for Node, {way}"] = "raises" if "additionalProperties" in fault else fault or "sent"
for way, what in seen.items():
    print(f"{way:32}{what}")
want = {
    "openai, answer": "any map, strict", "openai-agents, answer": "raises UserError",
    "LangChain, json_schema": "any map, strict", "LangChain, function_calling": "only {}, strict", "LangChain, tool": "only {}, strict",
    "pydantic-ai, answer": "only {}, strict", "pydantic-ai, tool": "only {}, strict", "pydantic-ai, tool, not strict": "any map, not strict",
    "openai for Node, tool": "raises", "openai for Node, answer": "raises",
}
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
