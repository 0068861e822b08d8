#!/usr/bin/env bash
# A model calls pay for Bo and for Al, streamed. In MLflow's trace it said nothing and stopped; sent in one chunk, Braintrust has Bo alone, and Weave a call without arguments.
#
# Versions  mlflow-skinny 3.17.2 (with numpy 2.4.6, pandas 3.1.1, sqlalchemy 2.1.9 and alembic 1.20.1, which its autolog and its store ask for), weave 0.54.0,
#           braintrust 0.48.1, beside posthog 7.91.1, with openai 3.57.0 (all Python).
# Input     Two calls of one tool, plain (plain); streamed in pieces, one after the other, as OpenAI does (pieces); streamed whole, both in the one list
#           `tool_calls` of one chunk, as Mistral's API sends a call (told in microsoft/semantic-kernel#6316) and servers send several
#           (langchain4j/langchain4j#4889) (whole); and a text that ends at its limit, finish_reason "length" (cut). Usage is asked
#           for. Each is read with the SDK's client as the four instrument it.
# Guess     The trace has the calls and the finish_reason, in a stream as without.
# Seen      So it is in PostHog's, and plain in all four. MLflow: content "", no call and finish_reason "stop", for pieces and whole; cut is "stop" as well. It joins
#           the texts alone, and reads the finish_reason off the last chunk, which is the usage's and has none. Braintrust: pieces right, whole Bo's call and
#           nothing of Al's. Weave: pieces right, whole one call of pay, with the arguments "". Both read tool_calls[0]; "when streaming, we get one", says Weave's source.
# Matters   A trace is what is asked who was paid, what judges mark and what datasets are made of: here a model that did its work is
#           one that answered with silence, or paid once where it paid twice. Which it is changes with the server behind a gateway's name, and with the
#           word stream=True; the number of tokens is right each time, so that nothing looks amiss.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check mlflow-skinny==3.17.2 numpy==2.4.6 pandas==3.1.1 \
  sqlalchemy==2.1.9 alembic==1.20.1 weave==0.54.0 braintrust==0.48.1 posthog==7.91.1 openai==3.57.0; } >&2 || cannot "pip install"

cat >"$dir/run.py" <<'PYTHON'
import gzip
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time

USAGE = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
BO, AL = '{"to":"Bo"}', '{"to":"Al"}'
NAMES = ["posthog", "mlflow", "braintrust", "weave"]
told = []  # what was sent to the server that is no call


def chunk(delta, finish=None):
    return "data: " + json.dumps({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
                                  "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}) + "\n\n"


def called(index, arguments):
    return {"index": index, "id": f"call_{index}", "type": "function", "function": {"name": "pay", "arguments": arguments}}


def piece(index, arguments):
    return chunk({"tool_calls": [{"index": index, "function": {"arguments": arguments}}]})


def stream(*chunks):
    usage = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [], "usage": USAGE}
    return chunk({"role": "assistant", "content": None}) + "".join(chunks) + f"data: {json.dumps(usage)}\n\ndata: [DONE]\n\n"


STREAMS = {
    "pieces": stream(chunk({"tool_calls": [called(0, "")]}), piece(0, BO[:5]), piece(0, BO[5:]),
                     chunk({"tool_calls": [called(1, "")]}), piece(1, AL[:5]), piece(1, AL[5:]), chunk({}, "tool_calls")),
    "whole": stream(chunk({"tool_calls": [called(0, BO), called(1, AL)]}), chunk({}, "tool_calls")),
    "cut": stream(chunk({"content": "Pay Bo"}), chunk({}, "length")),
}
PLAIN = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": USAGE, "choices": [
    {"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": [called(0, BO), called(1, AL)]}, "finish_reason": "tool_calls"}]}


class Server(http.server.BaseHTTPRequestHandler):
    """The model, and what the four look for at their own services."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        kind, here = "application/json", f"http://{self.headers['host']}"
        if self.path.endswith("/chat/completions"):
            which = json.loads(body)["messages"][0]["content"]
            kind = kind if which == "plain" else "text/event-stream"
            answer = json.dumps(PLAIN) if which == "plain" else STREAMS[which]
        else:
            try:
                told.append(json.loads(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body))
            except ValueError:
                pass
            user = {"username": "e", "defaultEntity": {"name": "e"}, "teams": {"edges": []}}
            answer = json.dumps({
                "id": "p", "name": "p", "org_id": "o", "org_info": [{"id": "o", "name": "o", "api_url": here, "proxy_url": here}],
                "data": {"project": {"name": "p", "entityName": "e"}, "viewer": user}, "min_required_weave_python_version": "0.0.1",
                "digest": "d", "object_id": "o"})
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


def until(find):
    """What `find` finds in a message to the server, which may still be on its way."""
    for _ in range(300):
        for message in list(told):
            if isinstance(message, dict) and (found := find(message)):
                return found
        time.sleep(0.1)
    raise SystemExit("no trace came")


def posthog(root, call):
    from posthog import Posthog
    from posthog.ai.openai import OpenAI
    client = Posthog("unused", host=root, sync_mode=True)
    call(lambda **how: OpenAI(posthog_client=client, **how))

    def find(message):
        for event in message.get("batch", [message]):
            if event.get("event") == "$ai_generation":
                return event["properties"]

    got = until(find)
    content = got["$ai_output_choices"][0]["content"]
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    return {"content": "".join(part.get("text", "") for part in parts), "tool_calls": [part for part in parts if "function" in part]}, got["$ai_stop_reason"]


def mlflow(root, call):
    import mlflow
    import openai
    mlflow.set_tracking_uri("sqlite:///" + os.path.join(tempfile.mkdtemp(dir=os.path.dirname(os.path.abspath(__file__))), "store.db"))
    mlflow.openai.autolog()
    call(openai.OpenAI)
    mlflow.flush_trace_async_logging()
    choice = mlflow.get_trace(mlflow.get_last_active_trace_id()).data.spans[0].outputs["choices"][0]
    return choice["message"], choice["finish_reason"]


def braintrust(root, call):
    os.environ.update(BRAINTRUST_APP_URL=root, BRAINTRUST_API_URL=root, BRAINTRUST_API_KEY="unused")
    import braintrust
    import openai
    braintrust.init_logger(project="p")
    call(lambda **how: braintrust.wrap_openai(openai.OpenAI(**how)))
    braintrust.flush()
    choice = until(lambda message: next((row["output"] for row in message.get("rows", []) if row.get("output")), None))[0]
    return choice["message"], choice["finish_reason"]


def weave(root, call):
    os.environ.update(WANDB_BASE_URL=root, WF_TRACE_SERVER_URL=root, WANDB_API_KEY="a" * 40)
    import openai
    import weave
    weave.init("e/p")
    call(openai.OpenAI)
    choice = until(lambda message: next((one["output"] for one in message.get("batch", []) if one.get("output")), None))["choices"][0]
    return choice["message"], choice["finish_reason"]


def one(name, which):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    root = f"http://127.0.0.1:{server.server_port}"

    def call(client):
        tool = {"type": "function", "function": {"name": "pay", "parameters": {"type": "object", "properties": {"to": {"type": "string"}}}}}
        how = {} if which == "plain" else {"stream": True, "stream_options": {"include_usage": True}}
        answer = client(base_url=f"{root}/v1", api_key="unused", max_retries=0).chat.completions.create(
            model="m", tools=[tool], messages=[{"role": "user", "content": which}], **how)
        if how:
            for _ in answer:
                pass

    message, finish = globals()[name](root, call)
    calls = [call["function"]["arguments"] for call in message.get("tool_calls") or []]
    print(json.dumps([message.get("content") or "", calls, finish]), flush=True)
    os._exit(0)  # what the library would still like to send is of no interest


if len(sys.argv) > 1:
    one(*sys.argv[1:])
right = {"plain": ["", [BO, AL], "tool_calls"], "pieces": ["", [BO, AL], "tool_calls"], "whole": ["", [BO, AL], "tool_calls"], "cut": ["Pay Bo", [], "length"]}
want = {(name, which): right[which] for name in NAMES for which in right}
want.update({("mlflow", "pieces"): ["", [], "stop"], ("mlflow", "whole"): ["", [], "stop"], ("mlflow", "cut"): ["Pay Bo", [], "stop"],
             ("braintrust", "whole"): ["", [BO], "tool_calls"], ("weave", "whole"): ["", [""], "tool_calls"]})
seen = {}
for name, which in want:
    done = subprocess.run([sys.executable, "-W", "ignore", sys.argv[0], name, which], capture_output=True, text=True, timeout=200)
    if done.returncode:
        print(done.stderr[-2000:], file=sys.stderr)
    seen[name, which] = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    print(f"{name:12}{which:8}{seen[name, which]}", flush=True)
print("as told" if seen == want else "this has changed")
sys.exit(0 if seen == want else 1)
PYTHON
cd "$dir" && "$dir/venv/bin/python" -W ignore "$dir/run.py"
