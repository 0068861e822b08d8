#!/usr/bin/env bash
# A tool takes a date: agno asks its model for an object that must be empty, LlamaIndex and Haystack ask for a date and hand the function a text.
#
# Versions  openai-agents 0.24.0, pydantic-ai-slim 2.68.0, langchain 1.5.2 with langchain-openai 1.7.4, agno 3.1.10, haystack-ai 3.4.1,
#           llama-index-llms-openai 0.8.3 with llama-index-llms-openai-like 0.8.1, ollama 0.6.3 (all Python).
# Input     Five functions with times: int and one more parameter each, as type hints say: day: date, word: Literal["yes", "no"],
#           color: Color (an enum), stop: Stop (a model of pydantic's), price: Decimal. The model calls each with the JSON of such a value: "2026-11-30",
#           "yes", "red", {"city": "Bern"}, "19.99". Looked at are the schema that it was sent, by JSON Schema itself, and the
#           type of what the function is called with; ollama calls nothing, so there the schema alone.
# Guess     pydantic makes schemas of type hints and values of JSON; who uses it for one uses it for both.
# Seen      openai-agents, pydantic-ai and LangChain do. agno's schema of a date has type object, no properties and no others allowed: what fits is
#           {} alone, which is no date; called with a date all the same it makes one of it. Haystack's and LlamaIndex's schemas are right,
#           and the functions get the text "2026-11-30", the text "red" and a dict where they say date, Color and Stop. ollama
#           leaves out which words a Literal has, takes Stop for a text, and a Decimal's type is "number, string", which is none.
# Matters   `if color is Color.RED` is never true, "19.99" * 3 is "19.9919.9919.99", and no error tells of it: the function does the wrong
#           thing. A model that is kept to its schema, as in strict mode or by a local server, cannot give agno a date at all.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/most" && "$dir/most/bin/pip" install --quiet --disable-pip-version-check openai-agents==0.24.0 \
  'pydantic-ai-slim[openai]==2.68.0' langchain==1.5.2 langchain-openai==1.7.4 agno==3.1.10 haystack-ai==3.4.1 ollama==0.6.3 jsonschema==4.26.0 &&
  python3 -m venv "$dir/llama" && "$dir/llama/bin/pip" install --quiet --disable-pip-version-check \
  llama-index-llms-openai==0.8.3 llama-index-llms-openai-like==0.8.1; } >&2 || cannot "pip install"

cat >"$dir/functions.py" <<'PYTHON'
import datetime
import decimal
import enum
import json
from typing import Literal

import pydantic


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Stop(pydantic.BaseModel):
    city: str


called = []


def on_day(day: datetime.date, times: int) -> str:
    """Goes on a day."""
    called.append(type(day).__name__)
    return "done"


def say(word: Literal["yes", "no"], times: int) -> str:
    """Says a word."""
    called.append(type(word).__name__)
    return "done"


def paint(color: Color, times: int) -> str:
    """Paints."""
    called.append(type(color).__name__)
    return "done"


def visit(stop: Stop, times: int) -> str:
    """Visits."""
    called.append(type(stop).__name__)
    return "done"


def pay(price: decimal.Decimal, times: int) -> str:
    """Pays."""
    called.append(type(price).__name__)
    return "done"


FUNCTIONS = (on_day, say, paint, visit, pay)


def run(frameworks):
    """What each framework calls each function with, if it does."""
    for name, ask in frameworks.items():
        for function in FUNCTIONS:
            called.clear()
            ask(function)
            print(json.dumps([name, function.__name__, called[0] if called else None]), flush=True)
PYTHON

cat >"$dir/most.py" <<'PYTHON'
import asyncio
import os
import sys

import agents
import openai
from agno.agent import Agent as AgnoAgent
from agno.models.openai.like import OpenAILike
from functions import run
from haystack.components.agents import Agent as HaystackAgent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import create_tool_from_function
from haystack.utils import Secret
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from ollama import Client
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

root = sys.argv[1]
agents.set_tracing_disabled(True)


def at(name):
    """A base URL of the framework's own, by which the server tells who asks."""
    return f"{root}/{name}/v1"


def openai_agents(function):
    model = agents.OpenAIChatCompletionsModel("m", openai.AsyncOpenAI(base_url=at("openai-agents"), api_key="unused"))
    asyncio.run(agents.Runner.run(agents.Agent(name="a", tools=[agents.function_tool(function)], model=model), "Hello"))


def pydantic_ai(function):
    Agent(OpenAIChatModel("m", provider=OpenAIProvider(base_url=at("pydantic-ai"), api_key="unused")), tools=[function]).run_sync("Hello")


def langchain(function):
    model = ChatOpenAI(model="m", base_url=at("LangChain"), api_key="unused", max_retries=0)
    create_agent(model, [function]).invoke({"messages": [{"role": "user", "content": "Hello"}]})


def agno(function):
    AgnoAgent(model=OpenAILike(id="m", base_url=at("agno"), api_key="unused"), tools=[function], telemetry=False).run("Hello")


def haystack(function):
    model = OpenAIChatGenerator(model="m", api_base_url=at("Haystack"), api_key=Secret.from_token("unused"))
    HaystackAgent(chat_generator=model, tools=[create_tool_from_function(function)]).run(messages=[ChatMessage.from_user("Hello")])


def ollama(function):
    Client(host=f"{root}/ollama").chat(model="m", messages=[{"role": "user", "content": "Hello"}], tools=[function])


run({"openai-agents": openai_agents, "pydantic-ai": pydantic_ai, "LangChain": langchain, "agno": agno, "Haystack": haystack, "ollama": ollama})
os._exit(0)
PYTHON

cat >"$dir/llama.py" <<'PYTHON'
import sys

from functions import run
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike

llm = OpenAILike(model="m", api_base=f"{sys.argv[1]}/LlamaIndex/v1", api_key="unused", is_chat_model=True, is_function_calling_model=True, max_retries=0)
run({"LlamaIndex": lambda function: llm.predict_and_call([FunctionTool.from_defaults(function)], user_msg="Hello")})
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

import jsonschema

HERE = pathlib.Path(sys.argv[0]).parent
VALUES = {"on_day": ("day", "2026-11-30"), "say": ("word", "yes"), "paint": ("color", "red"), "visit": ("stop", {"city": "Bern"}), "pay": ("price", "19.99")}
schemas = {}


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        name = body["tools"][0]["function"]["name"]
        schemas[self.path.split("/")[1], name] = body["tools"][0]["function"]["parameters"]
        parameter, value = VALUES[name]
        call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": json.dumps({parameter: value, "times": 1})}}
        done = any(message["role"] == "tool" for message in body["messages"])
        message = {"role": "assistant", "content": "Done."} if done else {"role": "assistant", "content": None, "tool_calls": [call]}
        answer = {"id": f"chatcmpl-{len(schemas)}-{done}", "object": "chat.completion", "created": 1, "model": "m",
                  "choices": [{"index": 0, "message": message, "finish_reason": "stop" if done else "tool_calls"}],
                  "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}}
        if self.path.endswith("/api/chat"):
            answer = {"model": "m", "created_at": "2026-11-30T06:00:00Z", "message": {"role": "assistant", "content": "Done."}, "done": True}
        raw = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass


def fits(schema, name):
    """Whether a right call fits the schema that the model was sent, by JSON Schema."""
    try:
        jsonschema.Draft202012Validator.check_schema(schema)
    except jsonschema.SchemaError:
        return "no schema"
    parameter, value = VALUES[name]
    if not jsonschema.Draft202012Validator(schema).is_valid({parameter: value, "times": 1}):
        return "refused"
    return "fits" if name != "say" or not jsonschema.Draft202012Validator(schema).is_valid({parameter: "perhaps", "times": 1}) else "any word"


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
types = {}
for name in ("most", "llama"):
    said = subprocess.run([HERE / name / "bin/python", "-W", "ignore", HERE / f"{name}.py", f"http://127.0.0.1:{server.server_port}"], check=True,
                          capture_output=True, text=True, timeout=240, env={**os.environ, "HAYSTACK_TELEMETRY_ENABLED": "False"})
    types |= {(framework, function): kind for framework, function, kind in map(json.loads, filter(lambda line: line[:1] == "[", said.stdout.splitlines()))}
seen = {}
for (framework, function), kind in types.items():
    seen.setdefault(framework, []).append((fits(schemas[framework, function], function), kind))
right = [("fits", kind) for kind in ("date", "str", "Color", "Stop", "Decimal")]
bare = [("fits", kind) for kind in ("str", "str", "str", "dict", "str")]
want = {"openai-agents": right, "pydantic-ai": right, "LangChain": right, "Haystack": bare, "LlamaIndex": bare,
        "agno": [("refused", "date"), *right[1:4], ("refused", "Decimal")],
        "ollama": [("fits", None), ("any word", None), ("fits", None), ("refused", None), ("no schema", None)]}
print(" " * 14, *(f"{name:18}" for name in ("date", "Literal", "Color", "Stop", "Decimal")))
for framework, cells in seen.items():
    print(f"{framework:14}", *(f"{fit + (', ' + kind if kind else ''):18}" for fit, kind in cells))
print("agno's date   ", json.dumps(schemas["agno", "on_day"]["properties"]["day"]))
print("ollama's Decimal", json.dumps(schemas["ollama", "pay"]["properties"]["price"]))
same = seen == want and schemas["agno", "on_day"]["properties"]["day"] == {"type": "object", "properties": {}, "additionalProperties": False}
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/most/bin/python" "$dir/run.py"
