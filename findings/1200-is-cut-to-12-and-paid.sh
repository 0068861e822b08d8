#!/usr/bin/env bash
# A call of a tool is cut off by its length in the middle of a number: LlamaIndex runs it with what is left, LangChain if it streams.
#
# Versions  langchain 1.5.2 with langchain-openai 1.7.4, langchain-core 1.8.3 and langgraph 1.2.24 (Python), langchain 1.5.14 with
#           @langchain/openai 1.6.0 and @langchain/core 1.4.0 (Node); llama-index-llms-openai 0.8.3 with
#           llama-index-llms-openai-like 0.8.1 (Python).
# Input     The tool pay(to, amount). The model's answer reaches the limit of its length: the call's arguments are
#           {"to":"Bo","amount":12 and no more, finish_reason is "length". The same plain and as a stream.
# Guess     Nobody runs a call that is no JSON, whichever way it came: LangChain has a list of its own for these, invalid_tool_calls.
# Seen      So it is in LangChain where the model is asked plainly. From a stream the same answer has a valid call with amount 12, since
#           what completes half a JSON for display makes the final message too, and nothing looks at finish_reason. An agent that is
#           run with invoke(), or with the stream mode "updates", ends without a call; with "messages", which shows the text as it
#           comes, it runs pay("Bo", 12). In both languages. LlamaIndex's agent completes the JSON and runs it either way.
# Matters   The number is a valid one, and a tenth or a thousandth of what was meant; a text is cut off as well. With LangChain it
#           does not happen in tests that call invoke(), only behind the page that streams. Whoever runs tools should look
#           for "length" first; whoever limits answers should know that a limit also cuts calls.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check langchain==1.5.2 \
  langchain-openai==1.7.4 langchain-core==1.8.3 langgraph==1.2.24 &&
  python3 -m venv "$dir/llama" && "$dir/llama/bin/pip" install --quiet --disable-pip-version-check \
  llama-index-llms-openai==0.8.3 llama-index-llms-openai-like==0.8.1; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  langchain@1.5.14 @langchain/openai@1.6.0 @langchain/core@1.4.0) >&2 || cannot "npm install"

cat >"$dir/llama.py" <<'PYTHON'
import asyncio
import json
import sys

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike

ran = []


def pay(to: str, amount: int) -> str:
    """Pays."""
    ran.append(amount)
    return "paid"


async def run():
    llm = OpenAILike(model="m", api_base=sys.argv[1], api_key="unused", is_chat_model=True, is_function_calling_model=True, max_retries=0)
    await FunctionAgent(tools=[FunctionTool.from_defaults(pay)], llm=llm, streaming=sys.argv[2] == "stream").run("Pay Bo 1200")


asyncio.run(run())
print(json.dumps(ran))
PYTHON

cat >"$dir/client.mjs" <<'NODE'
import { ChatOpenAI } from "@langchain/openai";
import { createAgent, tool } from "langchain";
const [base, how] = process.argv.slice(2);
const ran = [];
const pay = tool(
  (input) => {
    ran.push(input.amount);
    return "paid";
  },
  {
    name: "pay",
    description: "Pays.",
    schema: { type: "object", properties: { to: { type: "string" }, amount: { type: "integer" } }, required: ["to", "amount"] },
  },
);
const agent = createAgent({ model: new ChatOpenAI({ model: "m", apiKey: "unused", maxRetries: 0, configuration: { baseURL: base } }), tools: [pay] });
const input = { messages: [{ role: "user", content: "Pay Bo 1200" }] };
if (how === "invoke") await agent.invoke(input);
else for await (const _ of await agent.stream(input, { streamMode: how }));
console.log(JSON.stringify(ran));
process.exit(0);
NODE

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

from langchain.agents import create_agent
from langchain_openai import ChatOpenAI

HERE = pathlib.Path(sys.argv[0]).parent
CUT = '{"to":"Bo","amount":12'
ran = []


def pay(to: str, amount: int) -> str:
    """Pays."""
    ran.append(amount)
    return "paid"


def chunk(delta, finish=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}) + "\n\n"


def call(arguments, **more):
    return {"role": "assistant", "content": None, "tool_calls": [
        {**more, "id": "call_1", "type": "function", "function": {"name": "pay", "arguments": arguments}}]}


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        again = any(message["role"] == "tool" for message in asked["messages"])
        said, finish = ({"role": "assistant", "content": "Done."}, "stop") if again else (call(CUT), "length")
        if asked.get("stream"):
            pieces = [chunk(said)] if again else [chunk(call("", index=0)), *(
                chunk({"tool_calls": [{"index": 0, "function": {"arguments": text}}]}) for text in ('{"to":"Bo",', '"amount":', "12"))]
            kind, body = "text/event-stream", "".join([*pieces, chunk({}, finish), "data: [DONE]\n\n"])
        else:
            kind, body = "application/json", json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
                {"index": 0, "message": said, "finish_reason": finish}], "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}})
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/v1"
model = ChatOpenAI(model="m", base_url=base, api_key="unused", max_retries=0)


def calls(message):
    return [one["args"] for one in message.tool_calls], [one["args"] for one in message.invalid_tool_calls]


def runs(how):
    """The amounts that an agent has paid."""
    ran.clear()
    agent = create_agent(model, [pay])
    asked = {"messages": [("user", "Pay Bo 1200")]}
    if how == "invoke":
        agent.invoke(asked)
    else:
        list(agent.stream(asked, stream_mode=how))
    return list(ran)


def other(*command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=100).stdout.splitlines()[-1])


plain = calls(model.bind_tools([pay]).invoke("Pay Bo 1200"))
whole = None
for piece in model.bind_tools([pay]).stream("Pay Bo 1200"):
    whole = piece if whole is None else whole + piece
streamed = calls(whole)
ways = "invoke", "updates", "messages"
python, node = {how: runs(how) for how in ways}, {how: other("node", HERE / "client.mjs", base, how) for how in ways}
llama = {how: other(HERE / "llama/bin/python", "-W", "ignore", HERE / "llama.py", base, how) for how in ("plain", "stream")}
print("calls, valid and invalid, plain  ", plain)
print("calls, valid and invalid, stream ", streamed, whole.response_metadata["finish_reason"])
print("paid by LangChain's, Python       ", python)
print("paid by LangChain's, Node         ", node)
print("paid by LlamaIndex's agent        ", llama)
same = (plain == ([], [CUT]) and streamed == ([{"to": "Bo", "amount": 12}], []) and whole.response_metadata["finish_reason"] == "length" and
        python == node == {"invoke": [], "updates": [], "messages": [12]} and llama == {"plain": [12], "stream": [12]})
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
