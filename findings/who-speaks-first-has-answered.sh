#!/usr/bin/env bash
# A model says "I pay Bo now." and calls the tool in the same answer: one library never runs it, another runs it and takes the sentence for the result.
#
# Versions  magentic 0.41.1, pydantic-ai-slim 2.68.0, openai-agents 0.24.0, agno 3.1.10, with openai 3.57.0 (all Python).
# Input     A run with the tool pay(to, amount). The model's first answer has a sentence as content and then one call of pay, with
#           finish_reason "tool_calls"; asked again with the tool's result it says "Done." What the program is given as the result, what was
#           paid and how often the model was asked are looked at. The same with a call and no sentence.
# Guess     Text beside a call is a word on the way, as most models speak it: the tool is run, its result goes back, "Done." is the result.
# Seen      So it is in openai-agents, in agno, whose result is both sentences, and in pydantic-ai's run(). Its run_stream() pays, ends with
#           "I pay Bo now." and never tells the model what came of it. magentic's prompt_chain(), for a function that returns str, gives
#           the sentence back and pays nothing, asked once; for a model that calls without a word it pays and says "Done."
# Matters   Whether a model speaks before it calls is its mood and its version's: the same program finishes its task, half of it or none of it, and
#           each time there is a friendly sentence and no error. A change of the model behind a gateway's name can bring it about.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check magentic==0.41.1 \
  'pydantic-ai-slim[openai]==2.68.0' openai-agents==0.24.0 agno==3.1.10 openai==3.57.0; } >&2 || cannot "pip install"

cat >"$dir/ask.py" <<'PYTHON'
import asyncio
import json
import sys

who, base = sys.argv[1:]
paid = []


def pay(to: str, amount: int) -> str:
    """Pays."""
    paid.append(amount)
    return "paid"


def magentic():
    from magentic import OpenaiChatModel, prompt_chain

    @prompt_chain("Pay Bo 12", functions=[pay], model=OpenaiChatModel("m", base_url=base, api_key="unused"))
    def ask() -> str: ...

    return ask()


def client():
    import openai
    return openai.AsyncOpenAI(base_url=base, api_key="unused", max_retries=0)


def pydantic_ai():
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider
    return Agent(OpenAIChatModel("m", provider=OpenAIProvider(openai_client=client())), tools=[pay])


async def run():
    return (await pydantic_ai().run("Pay Bo 12")).output


async def run_stream():
    async with pydantic_ai().run_stream("Pay Bo 12") as result:
        return [text async for text in result.stream_text()][-1]


async def agents():
    from agents import Agent, OpenAIChatCompletionsModel, Runner, function_tool, set_tracing_disabled
    set_tracing_disabled(True)
    model = OpenAIChatCompletionsModel(model="m", openai_client=client())
    result = Runner.run_streamed(Agent(name="agent", model=model, tools=[function_tool(pay)]), "Pay Bo 12")
    async for _ in result.stream_events():
        pass
    return result.final_output


def agno():
    from agno.agent import Agent
    from agno.models.openai import OpenAIChat
    agent = Agent(model=OpenAIChat(id="m", base_url=base, api_key="unused"), tools=[pay], telemetry=False)
    return "".join(event.content for event in agent.run("Pay Bo 12", stream=True) if isinstance(getattr(event, "content", None), str))


ask = {"magentic": magentic, "run": run, "run_stream": run_stream, "agents": agents, "agno": agno}[who]
print(json.dumps([asyncio.run(ask()) if asyncio.iscoroutinefunction(ask) else ask(), paid]))
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(sys.argv[0]).parent
SENTENCE = "I pay Bo now."
CALL = {"id": "call_1", "type": "function", "function": {"name": "pay", "arguments": '{"to":"Bo","amount":12}'}}
USAGE = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
asked = {}  # by the path's first part: how many requests came


def chunk(choices, **more):
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}) + "\n\n"


def piece(delta, finish=None):
    return chunk([{"index": 0, "delta": delta, "finish_reason": finish}])


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        key = self.path.split("/")[1]
        asked[key] = asked.get(key, 0) + 1
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        again = any(message["role"] == "tool" for message in request["messages"])
        content = "Done." if again else SENTENCE if key.endswith("speaks") else None
        message, finish = {"role": "assistant", "content": content}, "stop" if again else "tool_calls"
        if request.get("stream"):
            calls = "" if again else piece({"tool_calls": [{"index": 0, **CALL}]})
            usage = chunk([], usage=USAGE) if (request.get("stream_options") or {}).get("include_usage") else ""
            kind, body = "text/event-stream", piece(message) + calls + piece({}, finish) + usage + "data: [DONE]\n\n"
        else:
            if not again:
                message["tool_calls"] = [CALL]
            kind, body = "application/json", json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": USAGE,
                                                         "choices": [{"index": 0, "message": message, "finish_reason": finish}]})
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
NAMES = {"magentic": "magentic, prompt_chain()", "run": "pydantic-ai, run()", "run_stream": "pydantic-ai, run_stream()", "agents": "openai-agents", "agno": "agno"}
seen = {}
for who, name in NAMES.items():
    for how in ("silent", "speaks"):
        base = f"http://127.0.0.1:{server.server_port}/{who}-{how}/v1"
        out = subprocess.run([sys.executable, "-W", "ignore", HERE / "ask.py", who, base], check=True, capture_output=True, text=True, timeout=100).stdout
        result, paid = json.loads(out.splitlines()[-1])
        seen[who, how] = result, paid, asked[f"{who}-{how}"]
        print(f"{name:28}{'speaks and calls' if how == 'speaks' else 'calls':18}result: {result!r:22}paid: {paid!s:6}asked: {seen[who, how][2]}")
done = "Done.", [12], 2
want = {(who, how): done for who in NAMES for how in ("silent", "speaks")}
want.update({("magentic", "speaks"): (SENTENCE, [], 1), ("run_stream", "speaks"): (SENTENCE, [12], 1), ("agno", "speaks"): (SENTENCE + "Done.", [12], 2)})
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
