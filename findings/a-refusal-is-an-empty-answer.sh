#!/usr/bin/env bash
# A model refuses, "I cannot help with that." In the trace of the streamed call four libraries of five have an empty answer, and nothing else.
#
# Versions  langfuse 5.0.4, opik 2.2.122, langsmith 0.15.1, openinference-instrumentation-openai 0.1.66 and
#           opentelemetry-instrumentation-openai 0.62.4 (OpenLLMetry) with opentelemetry-sdk 1.45.2, with openai 3.57.0 (Python).
# Input     An answer with `refusal` and no content, as OpenAI's models give it where an answer by a schema was asked for; plain, and as a stream of two
#           pieces. It is read with the SDK's client as each of the five wraps or instruments it. What is looked for is the sentence, anywhere in the trace.
# Guess     A refusal is what the model said: it stands in the trace, whichever way the answer came.
# Seen      Plain, all but Langfuse have it. Streamed only OpenInference has: Langfuse has no output at all, Opik and LangSmith a message with
#           content "", OpenLLMetry a part with the text "". Each says finish_reason "stop" and counts the tokens.
# Matters   Who looks for refusals in traces, or for why users leave, finds answers that are empty and whole: a fault of the model's, of the
#           prompt, of the network? The same model's refusals are there for calls without a stream, so that they seem to come from these alone.
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
QUESTION = "Which way, please?"
SENTENCE = ["I cannot", " help with that."]
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
            deltas = [({"role": "assistant", "content": None, "refusal": SENTENCE[0]}, None), ({"refusal": SENTENCE[1]}, None), ({}, "stop")]
            answer = "".join(chunk([{"index": 0, "delta": delta, "finish_reason": finish}]) for delta, finish in deltas)
            answer += chunk([], usage=USAGE) + "data: [DONE]\n\n"
        else:
            choice = {"index": 0, "message": {"role": "assistant", "content": None, "refusal": "".join(SENTENCE)}, "finish_reason": "stop"}
            answer = json.dumps({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE})
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
    """A provider of tracers, and all that its finished spans say."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return provider, lambda: [span.to_json() for span in exporter.get_finished_spans()]


def langfuse(root, call):
    from langfuse import Langfuse
    provider, said = spans()
    Langfuse(public_key="pk-unused", secret_key="sk-unused", base_url=root, tracer_provider=provider)
    from langfuse.openai import OpenAI
    call(OpenAI)
    return said()


def opik(root, call):
    os.environ["OPIK_URL_OVERRIDE"] = root
    import opik
    import openai
    from opik.integrations.openai import track_openai
    call(lambda **how: track_openai(openai.OpenAI(**how)))
    opik.flush_tracker()
    return told


def langsmith(root, call):
    os.environ.update(LANGSMITH_TRACING="true", LANGSMITH_ENDPOINT=root, LANGSMITH_API_KEY="unused")
    import openai
    from langsmith import Client
    from langsmith.wrappers import wrap_openai
    client = Client(api_url=root, api_key="unused", auto_batch_tracing=False)
    call(lambda **how: wrap_openai(openai.OpenAI(**how), tracing_extra={"client": client}))
    client.flush()
    return told


def openinference(root, call):
    from openinference.instrumentation.openai import OpenAIInstrumentor
    import openai
    provider, said = spans()
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    call(openai.OpenAI)
    return said()


def openllmetry(root, call):
    from opentelemetry.instrumentation.openai import OpenAIInstrumentor
    import openai
    provider, said = spans()
    OpenAIInstrumentor().instrument(tracer_provider=provider)
    call(openai.OpenAI)
    return said()


def one(name, stream):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"

    def call(client):
        how = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
        answer = client(base_url=f"{root}/v1", api_key="unused", max_retries=0).chat.completions.create(
            model="m", messages=[{"role": "user", "content": QUESTION}], **how)
        if stream:
            for _ in answer:
                pass

    trace = json.dumps(globals()[name](root, call))
    if QUESTION not in trace or stream and "stop" not in trace:
        sys.exit(f"{name}: no trace of the call: {trace}")
    print(json.dumps("".join(SENTENCE) in trace), flush=True)
    os._exit(0)  # what the library would still like to send is of no interest


if len(sys.argv) > 1:
    one(sys.argv[1], sys.argv[2] == "stream")
seen = {}
for name in NAMES:
    for how in ("plain", "stream"):
        done = subprocess.run([sys.executable, "-W", "ignore", sys.argv[0], name, how], check=True, capture_output=True, text=True, timeout=100)
        seen[name, how] = json.loads(done.stdout.splitlines()[-1])
        print(f"{name:15}{how:8}{'the sentence' if seen[name, how] else 'nothing of it'}")
want = {(name, how): how == "plain" for name in NAMES for how in ("plain", "stream")}
want.update({("langfuse", "plain"): False, ("openinference", "stream"): True})
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
