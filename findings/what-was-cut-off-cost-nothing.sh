#!/usr/bin/env bash
# An answer of 70 tokens ends at its limit, streamed by the Responses API: OpenInference's trace has not one token of it and not one word, MLflow's has the words alone.
#
# Versions  openinference-instrumentation-openai 0.1.66 and, beside it, opentelemetry-instrumentation-openai 0.62.4 (OpenLLMetry), with
#           opentelemetry-sdk 1.45.2; mlflow-skinny 3.17.2 with numpy 2.4.6, pandas 3.1.1, sqlalchemy 2.1.9 and alembic 1.20.1; openai 3.57.0 (all Python).
# Input     responses.create(stream=True), read to its end. The same words with the same usage, 150 tokens in and 70 out, in a stream that ends with
#           response.completed (completed), or with response.incomplete, status "incomplete" and the reason max_output_tokens (incomplete), as OpenAI's API ends
#           an answer that reaches max_output_tokens.
# Guess     Both events bring the whole response with its usage, both are paid; both traces have 150 and 70, and the words.
# Seen      OpenLLMetry's do, with finish_reason "length" for the second. OpenInference: completed is right; the span of incomplete has no output and no count of tokens,
#           and its status is OK. MLflow: the words of both, of incomplete no usage, no status and no reason. Both wait for response.completed and know no other end.
# Matters   Reasoning models spend their limit on thoughts, so the answers that are cut are the dearest ones, and just these are free in the costs that are
#           made of traces; the share of answers that are cut cannot be seen either: they are calls that said nothing. A lower limit makes the
#           sums better still. Who bills by traces should compare the sum with the provider's, or the gateway's.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/otel" && "$dir/otel/bin/pip" install --quiet --disable-pip-version-check openai==3.57.0 opentelemetry-sdk==1.45.2 \
  openinference-instrumentation-openai==0.1.66 opentelemetry-instrumentation-openai==0.62.4 &&
  python3 -m venv "$dir/mlflow" && "$dir/mlflow/bin/pip" install --quiet --disable-pip-version-check openai==3.57.0 mlflow-skinny==3.17.2 numpy==2.4.6 \
  pandas==3.1.1 sqlalchemy==2.1.9 alembic==1.20.1; } >&2 || cannot "pip install"

cat >"$dir/ask.py" <<'PYTHON'
import importlib
import json
import os
import sys

import openai

name, base, which = sys.argv[1:]


def ask():
    for _ in openai.OpenAI(base_url=base, api_key="unused", max_retries=0).responses.create(model="m", input=which, stream=True):
        pass


if name == "mlflow":
    import mlflow
    mlflow.set_tracking_uri("sqlite:///" + os.path.join(os.path.dirname(os.path.abspath(__file__)), f"{which}.db"))
    mlflow.openai.autolog()
    ask()
    mlflow.flush_trace_async_logging()
    trace = mlflow.get_trace(mlflow.get_last_active_trace_id())
    usage, output = trace.info.token_usage or {}, trace.data.spans[0].outputs
    found = [usage.get("input_tokens"), usage.get("output_tokens"), trace.data.spans[0].status.status_code.value, output.get("status"), output]
else:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    spans, tracers = InMemorySpanExporter(), TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    importlib.import_module(f"{name}.instrumentation.openai").OpenAIInstrumentor().instrument(tracer_provider=tracers)
    ask()
    span = spans.get_finished_spans()[-1]
    has = span.attributes
    tokens = [has.get(at, has.get(other)) for at, other in (("gen_ai.usage.input_tokens", "llm.token_count.prompt"),
                                                            ("gen_ai.usage.output_tokens", "llm.token_count.completion"))]
    reasons = has.get("gen_ai.response.finish_reasons")
    found = [*tokens, span.status.status_code.name, reasons[0] if reasons else None, {key: str(value) for key, value in has.items() if "output" in key}]
found[-1] = "Pay Bo 12, but" in json.dumps(found[-1])
print(json.dumps(found), flush=True)
os._exit(0)
PYTHON

cat >"$dir/run.py" <<'PYTHON'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

HERE = pathlib.Path(sys.argv[0]).parent
TEXT = "Pay Bo 12, but"
USAGE = {"input_tokens": 150, "output_tokens": 70, "total_tokens": 220, "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
PART = {"type": "output_text", "text": TEXT, "annotations": []}


def response(status, output, usage=None):
    return {"id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": "m", "output": output, "parallel_tool_calls": True,
            "tool_choice": "auto", "tools": [], "error": None, "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
            "instructions": None, "metadata": {}, "temperature": 1.0, "top_p": 1.0, "usage": usage}


def message(status, content):
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": status, "content": content}


def stream(status):
    at, of = {"item_id": "msg_1", "output_index": 0, "content_index": 0}, {"output_index": 0}
    events = [
        ("response.created", {"response": response("in_progress", [])}),
        ("response.output_item.added", {**of, "item": message("in_progress", [])}),
        ("response.content_part.added", {**at, "part": {**PART, "text": ""}}),
        ("response.output_text.delta", {**at, "delta": TEXT, "logprobs": []}),
        ("response.output_text.done", {**at, "text": TEXT, "logprobs": []}),
        ("response.content_part.done", {**at, "part": PART}),
        ("response.output_item.done", {**of, "item": message(status, [PART])}),
        (f"response.{status}", {"response": response(status, [message(status, [PART])], USAGE)}),
    ]
    return "".join(f"event: {kind}\ndata: {json.dumps({'type': kind, 'sequence_number': number, **more})}\n\n" for number, (kind, more) in enumerate(events))


class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        answer = stream(json.loads(self.rfile.read(int(self.headers["content-length"])))["input"]).encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
want = {  # tokens in and out, the span's status, the answer's own, and whether the words are there
    ("openinference", "completed"): [150, 70, "OK", None, True],
    ("openinference", "incomplete"): [None, None, "OK", None, False],
    ("opentelemetry", "completed"): [150, 70, "OK", "stop", True],
    ("opentelemetry", "incomplete"): [150, 70, "OK", "length", True],
    ("mlflow", "completed"): [150, 70, "OK", "completed", True],
    ("mlflow", "incomplete"): [None, None, "OK", None, True],
}
seen = {}
for name, which in want:
    command = [HERE / ("mlflow" if name == "mlflow" else "otel") / "bin" / "python", "-W", "ignore", HERE / "ask.py", name, f"http://127.0.0.1:{server.server_port}/v1", which]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
    seen[name, which] = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    print(f"{name:15}{which:12}{seen[name, which]}", flush=True)
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
cd "$dir" && python3 "$dir/run.py"
