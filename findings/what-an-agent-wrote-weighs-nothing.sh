#!/usr/bin/env bash
# An agent's memory is limited to 3000 tokens; it writes six files of 36000 tokens each by a tool. LlamaIndex sends all six in the next request, and counts 9 a file.
#
# Versions  llama-index-core 0.14.25 with llama-index-llms-openai 0.8.3, llama-index-llms-openai-like 0.8.1 and openai 2.54.0; langchain-core 1.8.3 (all Python).
# Input     A FunctionAgent with the tool write(path, text), run seven times with one memory: ChatMemoryBuffer.from_defaults(token_limit=3000), which is
#           what an agent has that is given none, or Memory.from_defaults(token_limit=3000); by /chat/completions (OpenAILike) and by /responses
#           (OpenAIResponses). In the first six runs the model calls write with a text of 52000 characters, "Done." (arguments); or with an empty one, and says the
#           text itself (content). Looked at are the seventh run's first request, and what the memory's own counter makes of one run. Beside it
#           LangChain's trim_messages(max_tokens=3000, token_counter=count_tokens_approximately) has the same messages.
# Guess     A limit of tokens counts what is sent: no request has a text that is twelve times as long as the limit.
# Seen      content: so it is, 36000 tokens are counted and the new question goes alone. arguments: ChatMemoryBuffer sends all six texts, 410000
#           characters, by either API; Memory does by /responses, while by /chat/completions, where the calls are noted a second time in a field of
#           the message's, it counts them. A call stands in a block of its own, and both counters leave such blocks out: a run has 9, or 18, tokens.
#           LangChain counts the arguments and keeps the new question alone. (Of Memory's counter it is told in run-llama/llama_index#21950.)
# Matters   What an agent writes it writes in arguments: files, mails, queries, patches. The limit that should keep prompts cheap counts all but that: each
#           step pays for every file again, until the provider refuses it as too long while the memory has thousands of tokens to spare. Tests
#           of the limit are made with long texts, and pass. Count what is sent, by the answers' usage or at a gateway.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check llama-index-core==0.14.25 llama-index-llms-openai==0.8.3 \
  llama-index-llms-openai-like==0.8.1 openai==2.54.0 langchain-core==1.8.3; } >&2 || cannot "pip install"

cat >"$dir/run.py" <<'PYTHON'
import asyncio
import http.server
import itertools
import json
import sys
import threading

from langchain_core.messages import convert_to_messages
from langchain_core.messages.utils import count_tokens_approximately, trim_messages
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.memory import ChatMemoryBuffer, Memory
from llama_index.llms.openai import OpenAIResponses
from llama_index.llms.openai_like import OpenAILike

TEXT = "x = x + 1;\ny\n" * 4000  # 52000 characters, 36000 tokens as LlamaIndex counts
RUNS = 6
where, asked, ids = "arguments", [], itertools.count()


class Provider(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        asked.append(body.get("messages") or body["input"])
        last = asked[-1][-1] if isinstance(asked[-1], list) else {}
        said = None
        if last.get("role") == "tool" or last.get("type") == "function_call_output":
            said = "Done." if where == "arguments" else TEXT
        called = {"name": "write", "arguments": json.dumps({"path": "a", "text": TEXT if where == "arguments" else ""})}
        number = next(ids)
        if self.path.endswith("/responses"):
            item = {"type": "function_call", "id": f"fc_{number}", "call_id": f"call_{number}", "status": "completed", **called} if said is None else {
                "type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": said, "annotations": []}]}
            answer = {"id": f"resp_{number}", "object": "response", "created_at": 1, "model": "m", "status": "completed", "output": [item], "tools": [],
                      "parallel_tool_calls": True, "tool_choice": "auto", "usage": {
                          "input_tokens": 1, "output_tokens": 1, "total_tokens": 2, "input_tokens_details": {"cached_tokens": 0},
                          "output_tokens_details": {"reasoning_tokens": 0}}}
        else:
            message = {"role": "assistant", "content": said}
            if said is None:
                message["tool_calls"] = [{"id": f"call_{number}", "type": "function", "function": called}]
            answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [
                {"index": 0, "message": message, "finish_reason": "tool_calls" if said is None else "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
        answer = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = {"api_base": f"http://127.0.0.1:{server.server_port}/v1", "api_key": "unused", "max_retries": 0, "context_window": 1000000}
models = {"OpenAILike": OpenAILike(model="m", is_chat_model=True, is_function_calling_model=True, **base), "OpenAIResponses": OpenAIResponses(model="gpt-5", **base)}


def write(path: str, text: str) -> str:
    """Writes a file."""
    return "ok"


def texts(messages):
    """How often the text stands in these messages, wherever that is."""
    return sum(message.count("x = x + 1;\\\\ny") + message.count("x = x + 1;\\ny") for message in map(json.dumps, messages)) / 4000


def counted(memory, messages):
    """What the memory's own counter makes of the messages."""
    if isinstance(memory, ChatMemoryBuffer):
        return memory._token_count_for_messages(messages)
    return sum(memory._estimate_token_count(message) for message in messages)


async def run(model, memory):
    agent = FunctionAgent(tools=[write], llm=models[model], streaming=False)
    for number in range(RUNS + 1):
        asked.clear()
        await agent.run(f"Write file {number}.", memory=memory)
        if number == 0:
            every = memory.get_all() if isinstance(memory, ChatMemoryBuffer) else await memory.aget_all()
            turn = counted(memory, every)
    sent = asked[0] if isinstance(asked[0], list) else [{"role": "user", "content": asked[0]}]
    return sent, turn


async def main():
    global where
    seen = {}
    for where in "content", "arguments":
        for model in models:
            for name, memory in (("ChatMemoryBuffer", ChatMemoryBuffer.from_defaults(token_limit=3000)),
                                 ("Memory", Memory.from_defaults(session_id=where + model, token_limit=3000))):
                sent, turn = await run(model, memory)
                seen[where, model, name] = turn, texts(sent)
                print(f"{where:11}{model:17}{name:18}one turn counts {turn:6}; the seventh request has {texts(sent):g} texts, {len(json.dumps(sent))} characters")
                if (where, model, name) == ("arguments", "OpenAILike", "ChatMemoryBuffer"):
                    every = convert_to_messages(sent)
    kept = trim_messages(every, max_tokens=3000, token_counter=count_tokens_approximately, strategy="last", start_on="human")
    print(f"{'arguments':11}{'LangChain':17}{'trim_messages':18}all of them count {count_tokens_approximately(every)}; kept: {[one.content for one in kept]}")
    nothing = {("arguments", "OpenAILike", "ChatMemoryBuffer"), ("arguments", "OpenAIResponses", "ChatMemoryBuffer"), ("arguments", "OpenAIResponses", "Memory")}
    return ([one.content for one in kept] == [f"Write file {RUNS}."] and count_tokens_approximately(every) > 60000
            and all((turn < 100 and found == RUNS) if way in nothing else (turn > 10000 and found == 0) for way, (turn, found) in seen.items()))


same = asyncio.run(main())
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
