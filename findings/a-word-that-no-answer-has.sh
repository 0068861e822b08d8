#!/usr/bin/env bash
# Two answers are streamed side by side, "Red" and "Blue": in the trace of two libraries of five stands one, "ReBldue".
#
# Versions  langfuse 5.0.4, opik 2.2.122, langsmith 0.15.1, openinference-instrumentation-openai 0.1.66 and
#           opentelemetry-instrumentation-openai 0.62.4 (OpenLLMetry) with opentelemetry-sdk 1.45.2, with openai 3.57.0 (Python).
# Input     A stream for n=2 whose choices come in turns, as OpenAI's do, each piece with the `index` of its own: "Re", "Bl", "d", "ue";
#           choice 0 ends with finish_reason "stop", choice 1 with "length". It is read with the SDK's client as each of the five wraps or instruments it.
# Guess     The trace has both answers, as it has for the same call without a stream.
# Seen      LangSmith, OpenInference and OpenLLMetry have both. Langfuse and Opik join all pieces in the order of their coming: one answer,
#           "ReBldue", finish_reason "length", whose tokens are those of both. Opik says that this was choice 0. Plain, all five have two.
# Matters   Evaluations and reviews are made of traces, and candidates (n > 1) are asked for to be judged: a judge gets a text that no model has written
#           and that no user has seen, and marks the model down for it. Nothing in the trace says that there were two.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check langfuse==5.0.4 opik==2.2.122 langsmith==0.15.1 \
  openinference-instrumentation-openai==0.1.66 opentelemetry-instrumentation-openai==0.62.4 opentelemetry-sdk==1.45.2 openai==3.57.0; } >&2 || cannot "pip install"

cat >"$dir/run.py" <<'PYTHON'
import gzip
import http.server
import json
import os
import subprocess
import sys
import threading

USAGE = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
PIECES = [(0, {"role": "assistant", "content": "Re"}, None), (1, {"role": "assistant", "content": "Bl"}, None),
          (0, {"content": "d"}, None), (1, {"content": "ue"}, None), (0, {}, "stop"), (1, {}, "length")]
ANSWERS = [("Red", "stop"), ("Blue", "length")]
NAMES = ["langfuse", "opik", "langsmith", "openinference", "openllmetry"]
told = []  # what was sent to the server that is no call


def chunk(choices, **more):
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}) + "\n\n"


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        kind, answer = "application/json", "{}"
        if not self.path.endswith("/chat/completions"):
            told.append(json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body))
        elif json.loads(body).get("stream"):
            kind = "text/event-stream"
            answer = "".join(chunk([{"index": index, "delta": delta, "finish_reason": finish}]) for index, delta, finish in PIECES)
            answer += chunk([], usage=USAGE) + "data: [DONE]\n\n"
        else:
            choices = [{"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
                       for index, (text, finish) in enumerate(ANSWERS)]
            answer = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, "usage": USAGE})
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    do_PATCH = do_PUT = do_POST

    def do_GET(self):
        self.do_POST()

    def log_message(self, *_):
        pass


def spans():
    """A provider of tracers, and where its finished spans are."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider, lambda key: exporter.get_finished_spans()[-1].attributes[key]


def langfuse(root, call, stream):
    from langfuse import Langfuse
    provider, found = spans()
    Langfuse(public_key="pk-unused", secret_key="sk-unused", base_url=root, tracer_provider=provider)
    from langfuse.openai import OpenAI
    call(OpenAI)
    output = found("langfuse.observation.output")
    return [output] if stream else [message["content"] for message in json.loads(output)]


def opik(root, call, stream):
    os.environ["OPIK_URL_OVERRIDE"] = root
    import opik
    import openai
    from opik.integrations.openai import track_openai
    call(lambda **how: track_openai(openai.OpenAI(**how)))
    opik.flush_tracker()
    outputs = [span["output"] for message in told for span in message.get("spans", []) if span.get("output")]
    return [choice["message"]["content"] for choice in outputs[-1]["choices"]]


def langsmith(root, call, stream):
    os.environ.update(LANGSMITH_TRACING="true", LANGSMITH_ENDPOINT=root, LANGSMITH_API_KEY="unused")
    import openai
    from langsmith import Client
    from langsmith.wrappers import wrap_openai
    client = Client(api_url=root, api_key="unused", auto_batch_tracing=False)
    call(lambda **how: wrap_openai(openai.OpenAI(**how), tracing_extra={"client": client}))
    client.flush()
    outputs = [message["outputs"] for message in told if message.get("outputs")]
    return [choice["message"]["content"] for choice in outputs[-1]["choices"]]


def openinference(root, call, stream):
    from openinference.instrumentation.openai import OpenAIInstrumentor
    import openai
    provider, found = spans()
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    call(openai.OpenAI)
    return [choice["message"]["content"] for choice in json.loads(found("output.value"))["choices"]]


def openllmetry(root, call, stream):
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor
    import openai
    provider, found = spans()
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    call(openai.OpenAI)
    return [message["parts"][0]["content"] for message in json.loads(found("gen_ai.output.messages"))]


def one(name, stream):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"

    def call(client):
        how = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        answer = client(base_url=f"{root}/v1", api_key="unused", max_retries=0).chat.completions.create(
            model="m", n=2, messages=[{"role": "user", "content": "A colour?"}], **how)
        if stream:
            for _ in answer:
                pass

    print(json.dumps(globals()[name](root, call, stream)), flush=True)
    os._exit(0)  # what the library would still like to send is of no interest


if len(sys.argv) > 1:
    one(sys.argv[1], sys.argv[2] == "stream")
seen = {}
for name in NAMES:
    for how in ("plain", "stream"):
        done = subprocess.run([sys.executable, "-W", "ignore", sys.argv[0], name, how], check=True, capture_output=True, text=True, timeout=100)
        seen[name, how] = json.loads(done.stdout.splitlines()[-1])
        print(f"{name:15}{how:8}{seen[name, how]}")
want = {(name, how): ["Red", "Blue"] for name in NAMES for how in ("plain", "stream")}
want.update({(name, "stream"): ["ReBldue"] for name in ("langfuse", "opik")})
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
