#!/usr/bin/env bash
# The same agent, started again, asks the same: Semantic Kernel's begins its prompt with another name each time, so that no cache knows it.
#
# Versions  semantic-kernel 1.45.0, openai-agents 0.24.0, agno 3.1.10, with openai 3.57.0 (all Python).
# Input     An agent with the instructions "Be brief." and two tools, which is given no name and asked "Go": two agents in one process, and one in another
#           process, which hashes otherwise (PYTHONHASHSEED). The three requests that arrive at the server are compared byte for byte.
# Guess     Nobody has said anything else, so the three are one. What could differ is the order of the tools or of their parameters.
# Seen      openai-agents and agno send one request three times. ChatCompletionAgent draws a name for itself, "agent_" and 16 letters, and
#           writes it as the `name` of the system message, which is the first of the prompt: three agents, three requests.
# Matters   Providers give a discount for a prompt that begins as an earlier one did, and caches answer a request that was asked before. A service that
#           makes an agent a request, or runs in several processes, gets neither, pays in full for its longest text, the
#           instructions, and sees nothing but a low rate of hits. With name="anything" the three are one.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check semantic-kernel==1.45.0 openai-agents==0.24.0 \
  agno==3.1.10 openai==3.57.0; } >&2 || cannot "pip install"

cat >"$dir/ask.py" <<'PYTHON'
import asyncio
import sys

who, base, times = sys.argv[1], sys.argv[2], int(sys.argv[3])


def pay(to: str, amount: int, note: str = "") -> str:
    """Pays."""
    return "paid"


def weather(city: str, day: str) -> str:
    """Tells the weather."""
    return "sunny"


def client():
    import openai
    return openai.AsyncOpenAI(base_url=base, api_key="unused", max_retries=0)


def semantic_kernel(**named):
    from semantic_kernel.agents import ChatCompletionAgent
    from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
    from semantic_kernel.functions import kernel_function

    class Tools:
        @kernel_function
        def pay(self, to: str, amount: int, note: str = "") -> str:
            """Pays."""
            return "paid"

        @kernel_function
        def weather(self, city: str, day: str) -> str:
            """Tells the weather."""
            return "sunny"

    async def ask():
        await ChatCompletionAgent(service=OpenAIChatCompletion(ai_model_id="m", async_client=client()), plugins=[Tools()], instructions="Be brief.",
                                  **named).get_response("Go")
    asyncio.run(ask())


def agents():
    from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
    set_tracing_disabled(True)
    model = OpenAIChatCompletionsModel("m", client())
    Runner.run_sync(Agent(name="", instructions="Be brief.", tools=[function_tool(pay), function_tool(weather)], model=model), "Go")


def agno():
    from agno.agent import Agent
    from agno.models.openai import OpenAIChat
    Agent(model=OpenAIChat(id="m", base_url=base, api_key="unused"), tools=[pay, weather], telemetry=False, instructions="Be brief.").run("Go")


for _ in range(times):
    {"semantic-kernel": semantic_kernel, "named": lambda: semantic_kernel(name="anything"), "openai-agents": agents, "agno": agno}[who]()
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

USAGE = {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10}
arrived = []


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        arrived.append(body)
        message = {"role": "assistant", "content": "Yes."}
        answer = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": USAGE,
                             "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
want = {"semantic-kernel": 3, "named": 1, "openai-agents": 1, "agno": 1}
seen = {}
for who in want:
    arrived.clear()
    for seed, times in (("1", "2"), ("2", "1")):
        subprocess.run([sys.executable, "-W", "ignore", pathlib.Path(sys.argv[0]).with_name("ask.py"), who, f"http://127.0.0.1:{server.server_port}/v1", times],
                       check=True, capture_output=True, timeout=200, env={**os.environ, "PYTHONHASHSEED": seed})
    if len(arrived) != 3:
        sys.exit(f"{who}: {len(arrived)} requests")
    seen[who] = len(set(arrived))
    names = [message["name"] for body in arrived for message in json.loads(body)["messages"] if message["role"] == "system" and "name" in message]
    print(f"{'semantic-kernel, ' + who if who == 'named' else who:24}{seen[who]} distinct of 3 requests   {', '.join(names)}")
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
