#!/usr/bin/env bash
# "Write <think> before your notes and </think> after them.", plain text from any model: three libraries take a part of it for thoughts.
#
# Versions  pydantic-ai-slim 2.68.0 and agno 3.1.10 with openai 3.57.0, litellm 1.110.2, beside langchain-openai 1.7.4 with
#           langchain-core 1.8.3 (all Python).
# Input     An answer of an OpenAI-compatible server, its whole text in `content`, no reasoning_content: (mid) the sentence above and one more;
#           (open) the tag <think> alone amid a sentence; (block) a block of code with <think>2+2</think>; (begin) a sentence that begins
#           with <think>. Plain; streamed with each tag in one piece; streamed in pieces of five characters.
# Guess     Tags are looked for where a model is known to think in them, and at the beginning of its text, where such models put them.
# Seen      pydantic-ai cuts them out of any OpenAI-compatible model's text, wherever they stand: "Write  after them. …", an empty block of
#           code. An open tag loses itself when plain, and all that follows when streamed in one piece; in small pieces nothing is
#           lost. agno gives what stands behind </think> and drops the words before <think> too, when plain; streamed it
#           gives all. litellm cuts what stands at the beginning, when plain. LangChain leaves the text alone.
# Matters   Who asks about templates, parsers or prompts gets half an answer, and the same answer has three texts, by the way it comes and
#           by where a gateway or a server cuts its pieces. The rest is in a part for thoughts that few programs show; agno's words
#           before the tag are nowhere.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/agents" && "$dir/agents/bin/pip" install --quiet --disable-pip-version-check \
  'pydantic-ai-slim[openai]==2.68.0' agno==3.1.10 openai==3.57.0 &&
  python3 -m venv "$dir/lite" && "$dir/lite/bin/pip" install --quiet --disable-pip-version-check \
  litellm==1.110.2 langchain-openai==1.7.4 langchain-core==1.8.3; } >&2 || cannot "pip install"

cat >"$dir/server.py" <<'PYTHON'
import http.server
import json
import re
import threading

TEXTS = {"mid": "Write <think> before your notes and </think> after them. Then answer.",
         "open": "The tag <think> opens a block.",
         "block": "```xml\n<think>2+2</think>\n```\nThat is the form.",
         "begin": "<think> opens a block of notes, </think> ends it. Both are needed."}
now = {"name": "", "how": ""}


def event(delta, finish=None):
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}) + "\n\n"


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        text = TEXTS[now["name"]]
        if now["how"] == "plain":
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
            answer = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice],
                                 "usage": {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}})
        else:
            pieces = re.split("(</?think>)", text) if now["how"] == "tags" else re.findall("(?s).{1,5}", text)
            answer = "".join(event({"role": "assistant", "content": piece}) for piece in pieces if piece) + event({}, "stop") + "data: [DONE]\n\n"
        self.send_response(200)
        self.send_header("content-type", "application/json" if now["how"] == "plain" else "text/event-stream")
        self.send_header("content-length", str(len(answer.encode())))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


def ask(clients):
    """What each client gives back for each text, by how it comes: {client: {how: {name: text}}}; the text itself is None."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    seen = {}
    for client, (plain, streamed) in clients(f"http://127.0.0.1:{server.server_port}/v1").items():
        for how in ("plain", "tags", "fives"):
            for name in TEXTS:
                now.update(name=name, how=how)
                text = (plain if how == "plain" else streamed)()
                seen.setdefault(client, {}).setdefault(how, {})[name] = None if text == TEXTS[name] else text
    print(json.dumps(seen))
PYTHON

cat >"$dir/agents.py" <<'PYTHON'
import asyncio

from agno.agent import Agent as AgnoAgent
from agno.models.openai.like import OpenAILike
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider
from server import ask


def clients(base):
    pydantic = Agent(OpenAIChatModel("m", provider=OpenAIProvider(base_url=base, api_key="unused")))
    agno = AgnoAgent(model=OpenAILike(id="m", base_url=base, api_key="unused"), telemetry=False)

    async def stream():
        async with pydantic.run_stream("Hello") as answer:
            return "".join([piece async for piece in answer.stream_text(delta=True)])

    return {"pydantic-ai": (lambda: pydantic.run_sync("Hello").output, lambda: asyncio.run(stream())),
            "agno": (lambda: agno.run("Hello").content,
                     lambda: "".join(event.content or "" for event in agno.run("Hello", stream=True) if event.event == "RunContent"))}


ask(clients)
PYTHON

cat >"$dir/lite.py" <<'PYTHON'
import os

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm
from langchain_openai import ChatOpenAI
from server import ask


def clients(base):
    lite = {"model": "openai/m", "api_base": base, "api_key": "unused", "messages": [{"role": "user", "content": "Hello"}]}
    chain = ChatOpenAI(model="m", base_url=base, api_key="unused", max_retries=0)
    return {"litellm": (lambda: litellm.completion(**lite).choices[0].message.content,
                        lambda: "".join(chunk.choices[0].delta.content or "" for chunk in litellm.completion(**lite, stream=True))),
            "LangChain": (lambda: chain.invoke("Hello").content, lambda: "".join(chunk.content for chunk in chain.stream("Hello")))}


ask(clients)
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(sys.argv[0]).parent
seen = {}
for name in ("agents", "lite"):
    said = subprocess.run([HERE / name / "bin/python", "-W", "ignore", HERE / f"{name}.py"], check=True, capture_output=True, text=True, timeout=120)
    seen |= json.loads(said.stdout.splitlines()[-1])
same = {"mid": None, "open": None, "block": None, "begin": None}
cut = {"mid": "Write  after them. Then answer.", "block": "```xml\n\n```\nThat is the form.", "begin": " ends it. Both are needed."}
want = {
    "pydantic-ai": {"plain": {**cut, "open": "The tag  opens a block."}, "tags": {**cut, "open": "The tag "}, "fives": same},
    "agno": {"plain": {"mid": "after them. Then answer.", "open": None, "block": "```\nThat is the form.", "begin": "ends it. Both are needed."},
             "tags": same, "fives": same},
    "litellm": {"plain": {**same, "begin": " ends it. Both are needed."}, "tags": same, "fives": same},
    "LangChain": {"plain": same, "tags": same, "fives": same},
}
for client, ways in seen.items():
    for how, texts in ways.items():
        print(f"{client:12}{how:6}", "; ".join(f"{name} {'whole' if text is None else repr(text)}" for name, text in texts.items()))
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
"$dir/agents/bin/python" "$dir/run.py"
