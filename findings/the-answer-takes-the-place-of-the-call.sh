#!/usr/bin/env bash
# An agent calls a tool and then answers, both under one id, as Ollama's few ids have it: LangChain for Node puts the answer where the call was.
#
# Versions  langchain 1.5.14 with @langchain/openai 1.6.0, @langchain/core 1.4.0 and @langchain/langgraph 1.7.3 (Node), langchain 1.5.2 with
#           langchain-openai 1.7.4 (Python).
# Input     createAgent() with one tool and a memory, "Look", then "Bye". The model calls the tool, has its result and answers. Its
#           chat completions are all called chatcmpl-7; those of Ollama 0.17.4 are chatcmpl- and up to three digits, drawn by lot, so that of
#           40 answers two have the same more often than not. The same with an id of its own for each, and in Python.
# Guess     The id of a completion is for logs. Messages have ids of the framework's own, and come one after the other.
# Seen      In Node a message's id is its completion's, and LangGraph takes a message with a known id for a new version of the old one.
#           The answer stands in place of the call, before the tool's result, and what the agent gives back as its last message is
#           the result's text. The next request has the result behind the answer and no call before it; its answer takes that place too, and what is
#           given back is the user's own "Bye". No error, no warning; with ids that differ all is well. In Python the
#           ids are LangChain's own, and nothing is lost.
# Matters   Once in some conversations, by chance, an agent shows the user what its tool said, and the thread is spoilt for good: a tool's
#           result without its call is what OpenAI's API refuses with 400. It comes with the server and not with the program.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  langchain==1.5.2 langchain-openai==1.7.4; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  langchain@1.5.14 @langchain/openai@1.6.0 @langchain/core@1.4.0 @langchain/langgraph@1.7.3 zod@4.6.7) >&2 || cannot "npm install"

cat >"$dir/agent.mjs" <<'NODE'
import { MemorySaver } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent, tool } from "langchain";
import * as z from "zod";

const model = new ChatOpenAI({ model: "m", apiKey: "unused", maxRetries: 0, configuration: { baseURL: process.argv[2] } });
const look = tool(() => "21 degrees", { name: "look", description: "Looks.", schema: z.object({}) });
const agent = createAgent({ model, tools: [look], checkpointer: new MemorySaver() });
const said = [];
for (const content of ["Look", "Bye"]) {
  const { messages } = await agent.invoke({ messages: [{ role: "user", content }] }, { configurable: { thread_id: "1" } });
  said.push(messages.at(-1).text);
}
console.log(JSON.stringify(said));
process.exit(0);
NODE

cat >"$dir/agent.py" <<'PYTHON'
import json
import sys

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import MemorySaver


def look() -> str:
    """Looks."""
    return "21 degrees"


agent = create_agent(ChatOpenAI(model="m", base_url=sys.argv[1], api_key="unused", max_retries=0), [look], checkpointer=MemorySaver())
said = []
for content in ("Look", "Bye"):
    answer = agent.invoke({"messages": [{"role": "user", "content": content}]}, {"configurable": {"thread_id": "1"}})
    said.append(answer["messages"][-1].text)
print(json.dumps(said))
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(sys.argv[0]).parent
CALL = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        messages = json.loads(self.rfile.read(int(self.headers["content-length"])))["messages"]
        seen.append([message["role"] if not message.get("tool_calls") else "call" for message in messages])
        message = {"role": "assistant", "content": None, "tool_calls": [CALL]}
        if messages[-1]["content"] != "Look":
            message = {"role": "assistant", "content": "It is warm." if messages[-1]["content"] != "Bye" else "Bye."}
        answer = json.dumps({"id": "chatcmpl-7" if same else f"chatcmpl-{len(seen)}", "object": "chat.completion", "created": 1, "model": "m", "choices": [
            {"index": 0, "message": message, "finish_reason": "tool_calls" if message["content"] is None else "stop"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
whole = ["user", "call", "tool", "assistant", "user"]
want = {("Node", True): (["21 degrees", "Bye"], ["user", "assistant", "tool", "user"]), ("Node", False): (["It is warm.", "Bye."], whole),
        ("Python", True): (["It is warm.", "Bye."], whole)}
got = {}
for language, same in want:
    seen = []
    command = ["node", HERE / "agent.mjs"] if language == "Node" else [HERE / "venv/bin/python", HERE / "agent.py"]
    said = subprocess.run([*command, f"http://127.0.0.1:{server.server_port}/v1"], check=True, capture_output=True, text=True, timeout=120).stdout
    got[language, same] = json.loads(said.splitlines()[-1]), seen[-1]
    print(f"{language + (', one id' if same else ', own ids'):18}given back {got[language, same][0]}, third request {got[language, same][1]}")
print("as told" if got == want else "this has changed")
sys.exit(0 if got == want else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
