#!/usr/bin/env bash
# A program reads a stream up to its finish_reason and leaves the loop: OpenTelemetry's own instrumentation counts the call as failed.
#
# Versions  opentelemetry-instrumentation-genai-openai 1.3b0, openinference-instrumentation-openai 0.1.66 and
#           opentelemetry-instrumentation-openai 0.62.4 (OpenLLMetry), with opentelemetry-sdk 1.45.2 and openai 3.57.0 (Python).
# Input     A whole stream with usage asked for. Its reader goes on to the end; or breaks off at the chunk with finish_reason "stop",
#           the function that held the stream returns; or does so and calls stream.close() while it still holds it.
# Guess     Nothing has failed: each span ends when its reader is done, without an error, in all three.
# Seen      OpenTelemetry's: read to the end no error; left at finish_reason status ERROR and error.type "_OTHER", in the span and in the
#           histogram of durations; closed first no error. OpenInference's: never an error. OpenLLMetry's: status OK, but
#           after close() there is no span yet: it ends when the stream's memory is freed. Who leaves gets no
#           token counts from any, since the chunk with the usage comes behind finish_reason.
# Matters   "Read until finish_reason" is how many loops are written. The share of failed calls on the dashboard is then that of one
#           program's style, and no provider's or gateway's; and the tokens of just these calls are missing.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/otel" && "$dir/otel/bin/pip" install --quiet --disable-pip-version-check openai==3.57.0 opentelemetry-sdk==1.45.2 \
  opentelemetry-instrumentation-genai-openai==1.3b0 opentelemetry-instrumentation-openai==0.62.4 \
  openinference-instrumentation-openai==0.1.66; } >&2 || cannot "pip install"

cat >"$dir/ask.py" <<'PYTHON'
import importlib
import json
import sys

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

module, base = sys.argv[1:]
spans, reader, tracers = InMemorySpanExporter(), InMemoryMetricReader(), TracerProvider()
tracers.add_span_processor(SimpleSpanProcessor(spans))
importlib.import_module(module).OpenAIInstrumentor().instrument(tracer_provider=tracers, meter_provider=MeterProvider([reader]))
import openai

sdk = openai.OpenAI(base_url=base, api_key="unused", max_retries=0)


def ask():
    return sdk.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hello"}], stream=True,
                                       stream_options={"include_usage": True})


def read(stream):
    for chunk in stream:
        if chunk.choices and chunk.choices[0].finish_reason:
            break


def ended():
    """The spans that have ended since: status, error.type and tokens of each."""
    seen = [[span.status.status_code.name, span.attributes.get("error.type"),
             sum(value for name, value in span.attributes.items() if name in (
                 "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "llm.token_count.total"))] for span in spans.get_finished_spans()]
    spans.clear()
    return seen


seen = {}
for _ in ask():
    pass
seen["to the end"] = ended()
read(ask())
seen["left"] = ended()
kept = ask()
read(kept)
kept.close()
seen["closed"] = ended()
del kept
seen["freed"] = ended()
data = reader.get_metrics_data()
seen["failed durations"] = sum(point.count for r in (data.resource_metrics if data else []) for s in r.scope_metrics for m in s.metrics
                               if m.name == "gen_ai.client.operation.duration" for point in m.data.data_points if "error.type" in point.attributes)
print(json.dumps(seen))
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading


def event(choices, **more):
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more}) + "\n\n"


def piece(delta, finish=None):
    return event([{"index": 0, "delta": delta, "finish_reason": finish}])


STREAM = (piece({"role": "assistant", "content": "Hello."}) + piece({}, "stop") +
          event([], usage={"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}) + "data: [DONE]\n\n").encode()


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(STREAM)))
        self.end_headers()
        self.wfile.write(STREAM)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()


def ask(module):
    command = [sys.executable, "-W", "ignore", pathlib.Path(sys.argv[0]).with_name("ask.py"), module, f"http://127.0.0.1:{server.server_port}/v1"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout.splitlines()[-1])


want = {
    "opentelemetry.instrumentation.genai.openai": {"to the end": [["UNSET", None, 13]], "left": [["ERROR", "_OTHER", 0]],
                                                   "closed": [["UNSET", None, 0]], "freed": [], "failed durations": 1},
    "openinference.instrumentation.openai": {"to the end": [["OK", None, 13]], "left": [["UNSET", None, 0]],
                                             "closed": [["UNSET", None, 0]], "freed": [], "failed durations": 0},
    "opentelemetry.instrumentation.openai": {"to the end": [["OK", None, 13]], "left": [["OK", None, 0]], "closed": [],
                                             "freed": [["OK", None, 0]], "failed durations": 0},
}
seen = {module: ask(module) for module in want}
for module, by in seen.items():
    print(module)
    for what, came in by.items():
        print(f"    {what:18}{came}")
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
"$dir/otel/bin/python" "$dir/run.py"
