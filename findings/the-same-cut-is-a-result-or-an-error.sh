#!/usr/bin/env bash
# An answer ends at its limit of length. openai-agents gives the text as the result, or raises, by which of the two APIs it asks; the SDK's helpers raise in Python, not in Node.
#
# Versions  openai 3.57.0, openai-agents 0.24.0, pydantic-ai-slim 2.68.0, langchain-openai 1.7.4 with langchain-core 1.8.3 (Python); openai 7.57.0 (Node).
# Input     "One two", cut by the limit that was asked for: finish_reason "length" from /chat/completions, status "incomplete" with
#           incomplete_details.reason "max_output_tokens" from /responses, plain and as a stream that ends in response.incomplete.
# Guess     All have the text, and say how it ended, whichever API it was: the two words mean the same.
# Seen      LangChain, pydantic-ai and the SDK for Node have it everywhere. openai-agents has "One two" as the final output of chat completions, without a
#           word; of responses it raises ModelBehaviorError, plain and streamed, and text and usage are gone. The SDK for Python has it by create(); its
#           helpers for streams raise at the end, that of chat completions LengthFinishReasonError, though no schema was asked for, that of
#           responses RuntimeError, "Didn't receive a `response.completed` event.", when every event has been handed on.
# Matters   Who moves from one API to the other finds answers that were short before to be failures, paid and not counted; those who retry on
#           errors pay for the same cut again. Nobody sees it in tests, whose answers are short.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check openai==3.57.0 openai-agents==0.24.0 \
  'pydantic-ai-slim[openai]==2.68.0' langchain-openai==1.7.4 langchain-core==1.8.3; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact openai@7.57.0) >&2 || cannot "npm install"

cat >"$dir/ask.mjs" <<'NODE'
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "unused", maxRetries: 0 });
const messages = [{ role: "user", content: "Go" }];
const text = process.argv[3] === "responses"
  ? client.responses.stream({ model: "m", input: "Go" }).finalResponse().then((answer) => answer.output_text)
  : client.chat.completions.stream({ model: "m", messages }).finalContent();
console.log(await text.catch((error) => error.constructor.name));
NODE

cat >"$dir/run.py" <<'PYTHON'
import asyncio
import http.server
import json
import logging
import pathlib
import subprocess
import sys
import threading

import openai

TEXT = {"type": "output_text", "text": "One two", "annotations": []}
ITEM = {"id": "msg_1", "type": "message", "role": "assistant", "status": "incomplete", "content": [TEXT]}
RESPONSE = {"id": "resp_1", "object": "response", "created_at": 1, "model": "m", "output": [ITEM], "parallel_tool_calls": True, "tool_choice": "auto", "tools": [],
            "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"},
            "usage": {"input_tokens": 9, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2, "output_tokens_details": {"reasoning_tokens": 0},
                      "total_tokens": 11}}
BEGUN = {**RESPONSE, "output": [], "status": "in_progress", "incomplete_details": None, "usage": None}
PLACE = {"output_index": 0, "content_index": 0, "item_id": "msg_1"}
EVENTS = [("created", {"response": BEGUN}), ("output_item.added", {"output_index": 0, "item": {**ITEM, "status": "in_progress", "content": []}}),
          ("content_part.added", {**PLACE, "part": {**TEXT, "text": ""}}), ("output_text.delta", {**PLACE, "delta": "One two", "logprobs": []}),
          ("output_text.done", {**PLACE, "text": "One two", "logprobs": []}), ("content_part.done", {**PLACE, "part": TEXT}),
          ("output_item.done", {"output_index": 0, "item": ITEM}), ("incomplete", {"response": RESPONSE})]
USAGE = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
MESSAGE = {"role": "assistant", "content": "One two"}


def chunk(choices, **more):
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}) + "\n\n"


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        stream = json.loads(self.rfile.read(int(self.headers["content-length"]))).get("stream")
        responses = self.path.endswith("/responses")
        if responses and stream:
            body = "".join(f"event: response.{name}\ndata: " + json.dumps({"type": f"response.{name}", "sequence_number": number, **event}) + "\n\n"
                           for number, (name, event) in enumerate(EVENTS))
        elif responses:
            body = json.dumps(RESPONSE)
        elif stream:
            body = (chunk([{"index": 0, "delta": MESSAGE, "finish_reason": None}]) + chunk([{"index": 0, "delta": {}, "finish_reason": "length"}])
                    + chunk([], usage=USAGE) + "data: [DONE]\n\n")
        else:
            body = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": USAGE,
                               "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "length"}]})
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if stream else "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


logging.disable()
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}/v1"


def client():
    return openai.AsyncOpenAI(base_url=base, api_key="unused", max_retries=0)


async def sdk(responses, stream):
    asked = client()
    if not responses:
        if not stream:
            return (await asked.chat.completions.create(model="m", messages=[{"role": "user", "content": "Go"}])).choices[0].message.content
        async with asked.chat.completions.stream(model="m", messages=[{"role": "user", "content": "Go"}]) as events:
            return (await events.get_final_completion()).choices[0].message.content
    if not stream:
        return (await asked.responses.create(model="m", input="Go")).output_text
    async with asked.responses.stream(model="m", input="Go") as events:
        return (await events.get_final_response()).output_text


async def agents(responses, stream):
    from agents import Agent, OpenAIChatCompletionsModel, OpenAIResponsesModel, Runner, set_tracing_disabled
    set_tracing_disabled(True)
    agent = Agent(name="agent", model=(OpenAIResponsesModel if responses else OpenAIChatCompletionsModel)("m", client()))
    if not stream:
        return (await Runner.run(agent, "Go")).final_output
    result = Runner.run_streamed(agent, "Go")
    async for _ in result.stream_events():
        pass
    return result.final_output


async def pydantic_ai(responses, stream):
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider
    agent = Agent((OpenAIResponsesModel if responses else OpenAIChatModel)("m", provider=OpenAIProvider(openai_client=client())))
    if not stream:
        return (await agent.run("Go")).output
    async with agent.run_stream("Go") as result:
        return await result.get_output()


async def langchain(responses, stream):
    from langchain_openai import ChatOpenAI
    model = ChatOpenAI(model="m", base_url=base, api_key="unused", max_retries=0, use_responses_api=responses)
    return "".join([str(piece.text) async for piece in model.astream("Go")]) if stream else str((await model.ainvoke("Go")).text)


async def node(responses, stream):
    return subprocess.run(["node", pathlib.Path(sys.argv[0]).with_name("ask.mjs"), base, "responses" if responses else "chat"], check=True, capture_output=True, text=True, timeout=100).stdout.strip()


async def outcome(ask, responses, stream):
    try:
        return await ask(responses, stream)
    except Exception as error:
        return type(error).__name__


ASKS = {"openai": sdk, "openai-agents": agents, "pydantic-ai": pydantic_ai, "langchain": langchain}
CASES = [(name, responses, stream) for name in ASKS for responses in (False, True) for stream in (False, True)] + [("openai, Node", False, True), ("openai, Node", True, True)]
seen = {}
for name, responses, stream in CASES:
    seen[name, responses, stream] = asyncio.run(outcome(ASKS.get(name, node), responses, stream))
    print(f"{name:15}{'responses' if responses else 'chat':11}{'stream' if stream else 'plain':8}{seen[name, responses, stream]}")
want = {case: "One two" for case in CASES}
want.update({("openai", False, True): "LengthFinishReasonError", ("openai", True, True): "RuntimeError", ("openai-agents", True, False): "ModelBehaviorError", ("openai-agents", True, True): "ModelBehaviorError"})
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
