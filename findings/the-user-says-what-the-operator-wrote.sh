#!/usr/bin/env bash
# A second system message stands amid a conversation. Two of seven libraries put it into the user's mouth on the way to Anthropic, with words nobody wrote.
#
# Versions  litellm 1.110.2, langchain-anthropic 1.7.10, pydantic-ai-slim 2.68.0, anthropic-haystack 8.0.1 with haystack-ai 3.4.1, with anthropic
#           2.14.0; any-llm-sdk 1.40.2 with anthropic 0.125.0 (Python); @langchain/anthropic 1.5.11 with @langchain/core 1.4.0,
#           ai 7.0.173 with @ai-sdk/anthropic 3.0.140 (Node).
# Input     System "Be brief.", user "Hi", assistant "Hello", system "Answer in French.", user "And now?", as OpenAI's API takes it and as frameworks
#           write it when a rule changes on the way; to the model claude-sonnet-4-5. What arrives at the server is looked at.
# Guess     Anthropic's API has one `system`, before the conversation: both texts go there, or the library says that it cannot.
# Seen      any-llm and Haystack put both there: the rule of the fourth message holds from the first. LangChain raises in Python and sends a message of
#           role "system" in Node. The AI SDK allows none at all in `messages`. LiteLLM writes it into the user's turn, behind a
#           sentence of its own, "Operator note (not from the user): …". pydantic-ai does so in <system> tags, and adds to the `system` prompt
#           a paragraph of more than 100 words on what such tags mean.
# Matters   The same history is another conversation by the library, and for two of them the user is heard saying the operator's words: logs, caches,
#           counts of tokens and whoever looks at what users write see text that is in no program and in no chat window.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check litellm==1.110.2 langchain-anthropic==1.7.10 \
  'pydantic-ai-slim[anthropic]==2.68.0' anthropic-haystack==8.0.1 haystack-ai==3.4.1 anthropic==2.14.0; } >&2 || cannot "pip install"
{ python3 -m venv "$dir/any" && "$dir/any/bin/pip" install --quiet --disable-pip-version-check 'any-llm-sdk[anthropic]==1.40.2' anthropic==0.125.0; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact \
  @langchain/anthropic@1.5.11 @langchain/core@1.4.0 ai@7.0.173 @ai-sdk/anthropic@3.0.140) >&2 || cannot "npm install"

cat >"$dir/ask.mjs" <<'NODE'
import { createAnthropic } from "@ai-sdk/anthropic";
import { ChatAnthropic } from "@langchain/anthropic";
import { generateText } from "ai";

const [, , who, root, model, said] = process.argv;
const messages = JSON.parse(said).map(([role, content]) => ({ role, content }));
if (who === "LangChain, Node") await new ChatAnthropic({ model, apiKey: "unused", anthropicApiUrl: root, maxRetries: 0 }).invoke(messages);
else await generateText({ model: createAnthropic({ apiKey: "unused", baseURL: `${root}/v1` })(model), messages, maxRetries: 0 });
process.exit(0);
NODE

cat >"$dir/ask.py" <<'PYTHON'
import json
import os
import sys

who, root, model, said = sys.argv[1:]
said = json.loads(said)
messages = [{"role": role, "content": content} for role, content in said]
if who == "LiteLLM":
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    import litellm
    litellm.completion(model=f"anthropic/{model}", api_key="unused", api_base=root, messages=messages, max_retries=0)
elif who == "any-llm":
    from any_llm import completion
    completion(model=model, provider="anthropic", api_key="unused", api_base=root, messages=messages)
elif who == "LangChain, Python":
    from langchain_anthropic import ChatAnthropic
    ChatAnthropic(model=model, api_key="unused", base_url=root, max_retries=0).invoke(messages)
elif who == "Haystack":
    os.environ.update(ANTHROPIC_BASE_URL=root, HAYSTACK_TELEMETRY_ENABLED="False")
    from haystack.dataclasses import ChatMessage
    from haystack.utils import Secret
    from haystack_integrations.components.generators.anthropic import AnthropicChatGenerator
    AnthropicChatGenerator(api_key=Secret.from_token("unused"), model=model).run([getattr(ChatMessage, f"from_{role}")(content) for role, content in said])
else:
    from anthropic import AsyncAnthropic
    from pydantic_ai import Agent
    from pydantic_ai.messages import ModelRequest, ModelResponse, SystemPromptPart, TextPart, UserPromptPart
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider
    first, hi, hello, second, now = (content for _, content in said)
    history = [ModelRequest([SystemPromptPart(first), UserPromptPart(hi)]), ModelResponse([TextPart(hello)]),
               ModelRequest([SystemPromptPart(second), UserPromptPart(now)])]
    client = AsyncAnthropic(api_key="unused", base_url=root, max_retries=0)
    Agent(AnthropicModel(model, provider=AnthropicProvider(anthropic_client=client))).run_sync(message_history=history)
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(sys.argv[0]).parent
SAID = [("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"), ("system", "Answer in French."), ("user", "And now?")]
NAMES = ["any-llm", "Haystack", "LangChain, Python", "LangChain, Node", "AI SDK", "LiteLLM", "pydantic-ai"]
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None, "stop_sequence": None,
           "usage": {"input_tokens": 9, "output_tokens": 1}}
TEXT = {"type": "text", "text": "Bien."}
EVENTS = [{"type": "message_start", "message": MESSAGE}, {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
          {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Bien."}}, {"type": "content_block_stop", "index": 0},
          {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 2}}, {"type": "message_stop"}]
arrived = []


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        arrived.append(request)
        if request.get("stream"):
            kind, body = "text/event-stream", "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in EVENTS)
        else:
            kind, body = "application/json", json.dumps({**MESSAGE, "content": [TEXT], "stop_reason": "end_turn"})
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        pass


def words(content):
    """Its texts, one behind the other."""
    return content if isinstance(content, str) else " ".join(block["text"] for block in content)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
root = f"http://127.0.0.1:{server.server_port}"
RULE, seen = SAID[3][1], {}
for name in NAMES:
    arrived.clear()
    program = ["node", HERE / "ask.mjs"] if name in ("LangChain, Node", "AI SDK") else [HERE / ("any" if name == "any-llm" else "venv") / "bin/python", "-W", "ignore", HERE / "ask.py"]
    done = subprocess.run([*program, name, root, "claude-sonnet-4-5", json.dumps(SAID)], cwd=HERE, capture_output=True, text=True, timeout=200)
    if done.returncode and not any(word in done.stderr for word in ("Received multiple non-consecutive system messages", "System messages are not allowed")):
        sys.exit(f"{name}: {done.stderr}")
    if not arrived:
        seen[name] = "an error"
        print(f"{name:19}an error")
        continue
    system, turns = words(arrived[0]["system"]) if "system" in arrived[0] else "", [(turn["role"], words(turn["content"])) for turn in arrived[0]["messages"]]
    where = ["system"] * (RULE in system) + [role for role, text in turns if RULE in text]
    own = len(" ".join([system, *(text for _, text in turns)]).split()) - sum(len(text.split()) for _, text in SAID)
    seen[name] = ("system prompt" if where == ["system"] and RULE in system else f"{where[0]}'s message", "no word" if own == 0 else "a sentence" if own < 100 else "a paragraph")
    print(f"{name:19}{seen[name][0]:17}added: {seen[name][1]:13}{system[:60]!r}, {turns[-2:]}")
want = {"any-llm": ("system prompt", "no word"), "Haystack": ("system prompt", "no word"), "LangChain, Python": "an error",
        "LangChain, Node": ("system's message", "no word"), "AI SDK": "an error", "LiteLLM": ("user's message", "a sentence"),
        "pydantic-ai": ("user's message", "a paragraph")}
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
