#!/usr/bin/env bash
# A model calls pay for Bo and for Al. A voice agent on Pipecat pays Bo alone if both stand in one chunk, and if their pieces come in turns nobody, and says not a word.
#
# Versions  pipecat-ai 1.14.0, beside livekit-agents 1.8.9 with livekit-plugins-openai 1.8.9, with openai 3.57.0 (all Python).
# Input     A stream with two calls of the tool pay(to): in pieces, one call after the other, as OpenAI does (pieces); whole, both in the list
#           `tool_calls` of one chunk (whole; such servers are told of in langchain4j/langchain4j#4889); in pieces that come in turns, each with the index of its call
#           (turns). And the sentence "I pay." with one whole call in the same chunk (both). Asked again with the results the model says "Done."
#           Pipecat runs OpenAILLMService between its two aggregators; of LiveKit openai.LLM's stream is read, which its agents run the calls of.
# Guess     Both calls are made each time, the sentence is spoken: index says what belongs to what, and content and tool_calls are two members.
# Seen      pieces: both, in both libraries. Pipecat, whole: Bo is paid, Al is not, and the next request has no call for Al. turns: nobody is paid, no next request,
#           no word, no error and no warning in the log. both: Bo is paid, "I pay." is neither spoken nor kept. Only tool_calls[0] of a chunk is
#           read, content only where there is none, and a change of index is a new call. LiveKit is right but for turns: a call without
#           arguments, and one with {"to":"Bo"}{"to":"Al"}.
# Matters   On the telephone there is no spinner: after "pay both" there is silence, and no "Done." that a person could doubt. With OpenAI it works, so tests
#           pass; it begins with another provider, or with a gateway that decodes calls side by side. Who serves such agents sends each call in chunks of its own,
#           one call after the other, and text apart from them.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/pipecat" && "$dir/pipecat/bin/pip" install --quiet --disable-pip-version-check pipecat-ai==1.14.0 openai==3.57.0 &&
  python3 -m venv "$dir/livekit" && "$dir/livekit/bin/pip" install --quiet --disable-pip-version-check livekit-agents==1.8.9 \
  livekit-plugins-openai==1.8.9 openai==3.57.0; } >&2 || cannot "pip install"

cat >"$dir/pipecat.run.py" <<'PYTHON'
import asyncio
import json
import os
import sys

from loguru import logger

warnings = []
logger.remove()
logger.add(lambda message: warnings.append(str(message)), level="WARNING")
from pipecat.adapters.llm.schemas.function_schema import FunctionSchema
from pipecat.adapters.llm.schemas.tools_schema import ToolsSchema
from pipecat.frames.frames import EndFrame, ErrorFrame, LLMRunFrame, LLMTextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.runner import PipelineRunner
from pipecat.pipeline.task import PipelineTask
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.services.openai.llm import OpenAILLMService

base, which = sys.argv[1:]
spoken, errors, paid = [], [], []


class Voice(FrameProcessor):
    """Where the text goes on to be spoken."""

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMTextFrame):
            spoken.append(frame.text)
        if isinstance(frame, ErrorFrame):
            errors.append(frame.error)
        await self.push_frame(frame, direction)


async def pay(params):
    paid.append(params.arguments["to"])
    await params.result_callback("paid")


async def main():
    model = OpenAILLMService(api_key="unused", base_url=base, settings=OpenAILLMService.Settings(model="m"))
    model.register_function("pay", pay)
    tool = FunctionSchema(name="pay", description="Pays.", properties={"to": {"type": "string"}}, required=["to"])
    context = LLMContext([{"role": "user", "content": which}], tools=ToolsSchema(standard_tools=[tool]))
    pair = LLMContextAggregatorPair(context)
    task = PipelineTask(Pipeline([pair.user(), model, Voice(), pair.assistant()]))
    task.add_reached_upstream_filter((ErrorFrame,))

    @task.event_handler("on_frame_reached_upstream")
    async def reached(_, frame):
        errors.append(frame.error)

    async def talk():
        await asyncio.sleep(1)
        await task.queue_frames([LLMRunFrame()])
        await asyncio.sleep(6)
        await task.queue_frames([EndFrame()])

    await asyncio.gather(PipelineRunner(handle_sigint=False).run(task), talk())
    kept = " ".join(message["content"] for message in context.messages if message["role"] == "assistant" and message.get("content"))
    print(json.dumps({"calls": paid, "said": "".join(spoken), "kept": kept, "failed": len(errors) + len(warnings)}), flush=True)
    os._exit(0)


asyncio.run(main())
PYTHON

cat >"$dir/livekit.run.py" <<'PYTHON'
import asyncio
import json
import os
import sys

from livekit.agents import function_tool, llm
from livekit.plugins import openai

base, which = sys.argv[1:]


@function_tool
async def pay(to: str) -> str:
    """Pays."""
    return "paid"


async def main():
    model = openai.LLM(model="m", api_key="unused", base_url=base)
    context = llm.ChatContext.empty()
    context.add_message(role="user", content=which)
    calls, said = [], ""
    async with model.chat(chat_ctx=context, tools=[pay]) as stream:
        async for chunk in stream:
            if chunk.delta:
                said += chunk.delta.content or ""
                calls += [call.arguments for call in chunk.delta.tool_calls or []]
    print(json.dumps({"calls": calls, "said": said}), flush=True)
    os._exit(0)


asyncio.run(main())
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(sys.argv[0]).parent
BO, AL = '{"to":"Bo"}', '{"to":"Al"}'
asked = []


def chunk(delta, finish=None):
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                                  "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}) + "\n\n"


def called(*calls, **more):
    return chunk({**more, "tool_calls": [{"index": index, "id": f"call_{index}", "type": "function", "function": {"name": "pay", "arguments": arguments}}
                                         for index, arguments in calls]})


def piece(index, arguments):
    return chunk({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})


STREAMS = {
    "pieces": called((0, "")) + piece(0, BO[:5]) + piece(0, BO[5:]) + called((1, "")) + piece(1, AL[:5]) + piece(1, AL[5:]),
    "whole": called((0, BO), (1, AL)),
    "turns": called((0, "")) + called((1, "")) + piece(0, BO) + piece(1, AL),
    "both": called((0, BO), content="I pay."),
}


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        messages = json.loads(self.rfile.read(int(self.headers["content-length"])))["messages"]
        asked.append(messages)
        which = messages[-1]["content"]
        answer = STREAMS[which] + chunk({}, "tool_calls") if which in STREAMS else chunk({"content": "Done."}) + chunk({}, "stop")
        answer = chunk({"role": "assistant", "content": None}) + answer + "data: [DONE]\n\n"
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()


def ask(name, which):
    asked.clear()
    done = subprocess.run([HERE / name / "bin" / "python", "-W", "ignore", HERE / f"{name}.run.py", f"http://127.0.0.1:{server.server_port}/v1", which],
                          capture_output=True, text=True, timeout=200)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
        return None
    return {**json.loads(done.stdout.splitlines()[-1]), "asked": len(asked)}


def pipecat(calls, said, asked):
    return {"calls": calls, "said": said, "kept": said, "failed": 0, "asked": asked}


want = {
    ("pipecat", "pieces"): pipecat(["Bo", "Al"], "Done.", 2),
    ("pipecat", "whole"): pipecat(["Bo"], "Done.", 2),
    ("pipecat", "turns"): pipecat([], "", 1),
    ("pipecat", "both"): pipecat(["Bo"], "Done.", 2),
    ("livekit", "pieces"): {"calls": [BO, AL], "said": "", "asked": 1},
    ("livekit", "whole"): {"calls": [BO, AL], "said": "", "asked": 1},
    ("livekit", "turns"): {"calls": ["", BO + AL], "said": "", "asked": 1},
    ("livekit", "both"): {"calls": [BO], "said": "I pay.", "asked": 1},
}
seen = {}
for name, which in want:
    seen[name, which] = ask(name, which)
    print(f"{name:9}{which:8}{seen[name, which]}", flush=True)
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
python3 "$dir/run.py"
