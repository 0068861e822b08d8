#!/usr/bin/env bash
# The server remembers the conversation, so that only what is new is sent: LlamaIndex sends all of it each time, Bo's to Al's chat too, and Strands repeats the run at each step.
#
# Versions  llama-index-llms-openai 0.8.3 with llama-index-core 0.14.25 and openai 2.54.0; strands-agents 1.62.0, pydantic-ai-slim 2.68.0, openai-agents
#           0.24.0, langchain-openai 1.7.4 with langchain-core 1.8.3, with openai 3.57.0 (all Python).
# Input     The Responses API with previous_response_id, by the option that each has for it: track_previous_responses=True, stateful=True,
#           openai_previous_response_id="auto", auto_previous_response_id=True, use_previous_response_id=True. The server keeps what was said under each
#           id, as OpenAI's does, and puts what comes before it. (chats) Two chats over one model object: "I am Bo.", in the other one "I am Al.", then
#           "Who am I?" in Bo's. (run) One question, for which the model calls the tool look three times, one after the other, and answers. Looked at is
#           what the model reads.
# Guess     Each sends what is new and the id of its own last answer. The model reads everything once, and the two chats have nothing to do with each
#           other.
# Seen      pydantic-ai, openai-agents and LangChain do so. LlamaIndex keeps the last id in the model object and sends the whole history as well: Al's
#           model reads "I am Bo." and its answer before "I am Al.", and Bo's third sentence comes behind Al's chat. At the run's fourth request the
#           question stands there four times, the first result three times. Strands' chats are apart; but in a run, until its end, each step sends the
#           run so far behind an id that has it: four times the question, too. (agno had this once: agno-agi/agno#4712, closed.)
# Matters   The option is there to pay for less. Here the prompt grows by the square of the steps, not by their number, and a long run ends at the
#           model's window. The model reads that it was asked four times and has called the tool nine times. And one model object for a whole service,
#           as examples have it, shows one customer what another one said, in the prompt and, if the model repeats it, on the screen. Neither a count of
#           messages nor the frameworks' own history shows it; input_tokens, or a gateway's log of the ids, does.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/llama" && "$dir/llama/bin/pip" install --quiet --disable-pip-version-check \
  llama-index-llms-openai==0.8.3 llama-index-core==0.14.25 openai==2.54.0; } >&2 || cannot "pip install"
{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  strands-agents==1.62.0 "pydantic-ai-slim[openai]==2.68.0" openai-agents==0.24.0 langchain-openai==1.7.4 langchain-core==1.8.3 openai==3.57.0; } >&2 || cannot "pip install"

cat >"$dir/run.py" <<'PYTHON'
import asyncio
import http.server
import json
import logging
import sys
import threading

logging.disable(logging.CRITICAL)
kept, read = {}, []


def say(item):
    """One item of a conversation, as a short text."""
    if item.get("type", "message") != "message":
        return {"function_call": "call", "function_call_output": "result"}[item["type"]] + " " + item["call_id"]
    content = item["content"]
    return item["role"] + ": " + (content if isinstance(content, str) else "".join(part["text"] for part in content))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        new = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
        all_of_it = kept.get(body.get("previous_response_id"), []) + new
        said = [say(item) for item in all_of_it]
        read.append(said)
        number = len(kept) + 1
        if body.get("tools") and len({one for one in said if one.startswith("result")}) < 3:
            item = {"type": "function_call", "id": f"fc_{number}", "call_id": f"c{number}", "name": "look", "arguments": "{}", "status": "completed"}
        else:
            item = {"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed",
                    "content": [{"type": "output_text", "text": "Yes.", "annotations": []}]}
        answer = {"id": f"resp_{number}", "object": "response", "created_at": 1, "model": body["model"], "status": "completed", "output": [item],
                  "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "error": None, "incomplete_details": None, "instructions": None,
                  "metadata": {}, "temperature": 1, "top_p": 1,
                  "usage": {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 2,
                            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 12}}
        kept[answer["id"]] = all_of_it + [item]
        data, kind = json.dumps(answer).encode(), "application/json"
        if body.get("stream"):
            events = [{"type": "response.created", "response": {**answer, "status": "in_progress", "output": [], "usage": None}}]
            at = {"item_id": item["id"], "output_index": 0}
            if item["type"] == "message":
                part = {**at, "content_index": 0}
                events += [{"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress", "content": []}},
                           {"type": "response.content_part.added", **part, "part": {"type": "output_text", "text": "", "annotations": []}},
                           {"type": "response.output_text.delta", **part, "delta": "Yes.", "logprobs": []},
                           {"type": "response.output_text.done", **part, "text": "Yes.", "logprobs": []},
                           {"type": "response.content_part.done", **part, "part": item["content"][0]}]
            else:
                events += [{"type": "response.output_item.added", "output_index": 0, "item": {**item, "status": "in_progress", "arguments": ""}},
                           {"type": "response.function_call_arguments.delta", **at, "delta": "{}"},
                           {"type": "response.function_call_arguments.done", **at, "arguments": "{}", "name": "look"}]
            events += [{"type": "response.output_item.done", "output_index": 0, "item": item}, {"type": "response.completed", "response": answer}]
            data = "".join(f"event: {one['type']}\ndata: {json.dumps({**one, 'sequence_number': at})}\n\n" for at, one in enumerate(events)).encode()
            kind = "text/event-stream"
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def look() -> str:
    """Looks."""
    return "seen"


def llama(url):
    from llama_index.core.agent.workflow import FunctionAgent
    from llama_index.core.chat_engine import SimpleChatEngine
    from llama_index.llms.openai import OpenAIResponses

    model = OpenAIResponses(model="gpt-5", api_base=url, api_key="x", track_previous_responses=True)
    bo, al = SimpleChatEngine.from_defaults(llm=model), SimpleChatEngine.from_defaults(llm=model)
    yield bo.chat("I am Bo."), al.chat("I am Al."), bo.chat("Who am I?")
    model = OpenAIResponses(model="gpt-5", api_base=url, api_key="x", track_previous_responses=True)

    async def run():
        return await FunctionAgent(tools=[look], llm=model).run("Go")

    yield asyncio.run(run())


def strands(url):
    from strands import Agent, tool
    from strands.models.openai_responses import OpenAIResponsesModel

    model = OpenAIResponsesModel(client_args={"api_key": "x", "base_url": url}, model_id="gpt-5", stateful=True)
    bo, al = (Agent(model=model, callback_handler=None) for _ in range(2))
    yield bo("I am Bo."), al("I am Al."), bo("Who am I?")
    yield Agent(model=model, tools=[tool(look)], callback_handler=None)("Go")


def pydantic_ai(url):
    from pydantic_ai import Agent
    from pydantic_ai.models.openai import OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    model = OpenAIResponsesModel("gpt-5", provider=OpenAIProvider(base_url=url, api_key="x"), settings={"openai_previous_response_id": "auto"})
    agent = Agent(model)
    bo = agent.run_sync("I am Bo.")
    yield agent.run_sync("I am Al."), agent.run_sync("Who am I?", message_history=bo.all_messages())
    yield Agent(model, tools=[look]).run_sync("Go")


def openai_agents(url):
    from agents import Agent, OpenAIResponsesModel, Runner, function_tool, set_tracing_disabled
    from openai import AsyncOpenAI

    set_tracing_disabled(True)
    model = OpenAIResponsesModel("gpt-5", AsyncOpenAI(base_url=url, api_key="x"))

    async def run():
        agent, keep = Agent("a", model=model), {"auto_previous_response_id": True}
        bo = await Runner.run(agent, "I am Bo.", **keep)
        await Runner.run(agent, "I am Al.", **keep)
        await Runner.run(agent, "Who am I?", previous_response_id=bo.last_response_id, **keep)
        yield
        await Runner.run(Agent("a", model=model, tools=[function_tool(look)]), "Go", **keep)
        yield

    steps, loop = run(), asyncio.new_event_loop()
    yield loop.run_until_complete(anext(steps))
    yield loop.run_until_complete(anext(steps))


def langchain(url):
    from langchain_core.messages import HumanMessage, ToolMessage
    from langchain_core.tools import tool
    from langchain_openai import ChatOpenAI

    model = ChatOpenAI(model="gpt-5", base_url=url, api_key="x", use_responses_api=True, use_previous_response_id=True)
    bo = [HumanMessage("I am Bo.")]
    bo += [model.invoke(bo), HumanMessage("Who am I?")]
    yield model.invoke([HumanMessage("I am Al.")]), model.invoke(bo)
    run = [HumanMessage("Go")]
    while True:
        run.append(model.bind_tools([tool(look)]).invoke(run))
        if not run[-1].tool_calls:
            break
        run.append(ToolMessage("seen", tool_call_id=run[-1].tool_calls[0]["id"]))
    yield


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
seen = {}
for ask in [llama] if sys.argv[1] == "llama" else [strands, pydantic_ai, openai_agents, langchain]:
    steps, name = ask(f"http://127.0.0.1:{server.server_port}/v1"), ask.__name__
    next(steps)
    of_al = next(said for said in read if said[-1].endswith("I am Al."))
    of_bo = next(said for said in read if said[-1].endswith("Who am I?"))
    read.clear()
    next(steps)
    run = [said.count("user: Go") for said in read], [len(said) for said in read]
    read.clear()
    kept.clear()
    print(f"{name:14} Al's chat: {of_al}\n{'':14} Bo's chat: {of_bo}\n{'':14} run: the question {run[0]} times, {run[1]} items", flush=True)
    seen[name] = [len(of_al), len(of_bo), *run]
told = {"llama": [3, 7, [1, 2, 3, 4], [1, 5, 11, 19]], "strands": [1, 3, [1, 2, 3, 4], [1, 5, 11, 19]]}
right = [1, 3, [1, 1, 1, 1], [1, 3, 5, 7]]
same = all(by == told.get(name, right) for name, by in seen.items())
print("as told" if same else f"this has changed: {seen}")
sys.exit(0 if same else 1)
PYTHON
code=0
"$dir/llama/bin/python" -W ignore "$dir/run.py" llama || code=$?
"$dir/venv/bin/python" -W ignore "$dir/run.py" others 2>"$dir/log" || { code=$?; cat "$dir/log" >&2; }
exit "$code"
