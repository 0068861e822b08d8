#!/usr/bin/env bash
# A server measures the time to the first token of two models, a hundred answers and five. What reads its /metrics in Node has the five, and not whose they are.
#
# Versions  parse-prometheus-text-format 1.1.1 (Node), prometheus-client 0.26.0 (Python) as the server and as the second reader.
# Input     /metrics as prometheus-client writes it, the library that vLLM and SGLang count with: a histogram of the time to the first token by the label
#           model_name, as vLLM's has it; a summary of an answer's tokens and a counter of answers by the same label. Model a has 100 answers within half
#           a second, b five slow ones. The same once more with a alone; and without labels, as the parser's README has its example.
# Guess     A reader of the format gives back the series that are there: two histograms, each with its label, its sum and its count.
# Seen      prometheus-client's own parser does. The one for Node gives one histogram, whose buckets are b's, with no label, no sum and no count: each
#           series overwrites the one before, and the sum and the count, which have labels but no `le`, are left out. With a alone the buckets are a's;
#           label, sum and count are missing, too. The counter and the summary (which has no quantiles) are whole, and so is the histogram without labels.
# Matters   Who routes, scales or pages by these figures in Node sees the model that stands last, and takes it for all: a hundred quick answers
#           look slow, or five slow ones quick. No error tells of it, and a server with one model, or a metric without labels, shows nothing. Every histogram
#           of vLLM, of LiteLLM and of weir has labels. Take the counters, ask Prometheus, or read the lines of _bucket oneself.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check prometheus-client==0.26.0; } >&2 || cannot "pip install"
echo '{"private": true, "type": "module"}' >"$dir/package.json"
(cd "$dir" && npm install --silent --no-fund --no-audit --ignore-scripts --save-exact parse-prometheus-text-format@1.1.1) >&2 || cannot "npm install"

cat >"$dir/read.mjs" <<'NODE'
import parse from "parse-prometheus-text-format";

const text = await (await fetch(process.argv[2])).text();
const found = Object.fromEntries(parse(text).map(({ name, metrics }) => [name, metrics]));
console.log(JSON.stringify(found));
NODE

cat >"$dir/run.py" <<'PYTHON'
import json
import pathlib
import subprocess
import sys
import urllib.request

from prometheus_client import CollectorRegistry, Counter, Histogram, Summary, start_http_server
from prometheus_client.parser import text_string_to_metric_families

HERE = pathlib.Path(sys.argv[0]).parent
TIMES = {"a": [0.2] * 100, "b": [3.0] * 5}


def read(models, labels=("model_name",)):
    """What the two readers make of a server with these models: {metric: series}, by each."""
    registry = CollectorRegistry()
    first = Histogram("first_token_seconds", "Time to the first token.", labels, buckets=[0.5, 5], registry=registry)
    size = Summary("answer_tokens", "Tokens of an answer.", labels, registry=registry)
    answers = Counter("answers", "Answers.", labels, registry=registry)
    for model in models:
        def of(metric):
            return metric.labels(model) if labels else metric
        for seconds in TIMES[model]:
            of(first).observe(seconds)
            of(size).observe(10)
            of(answers).inc()
    server, thread = start_http_server(0, "127.0.0.1", registry)
    url = f"http://127.0.0.1:{server.server_port}/metrics"
    node = json.loads(subprocess.run(["node", HERE / "read.mjs", url], check=True, capture_output=True, text=True, timeout=60).stdout)
    text = urllib.request.urlopen(url).read().decode()
    python = {(sample.name, *sorted(sample.labels.items())): sample.value for family in text_string_to_metric_families(text) for sample in family.samples}
    server.shutdown()
    return node, python


def told(python, model):
    """The histogram of a model, as Python's reader has it: its buckets, sum and count."""
    label = ("model_name", model)
    return [python[("first_token_seconds_bucket", ("le", le), label)] for le in ("0.5", "5.0", "+Inf")] + [
        round(python[(f"first_token_seconds_{what}", label)], 6) for what in ("sum", "count")]


both, python = read("ab")
alone, _ = read("a")
bare, _ = read("a", ())
for what, seen in ("a and b", both), ("a alone", alone), ("no labels", bare):
    for metric in "first_token_seconds", "answer_tokens", "answers_total":
        print(f"Node    {what:10}{metric:20}{json.dumps(seen[metric])}")
for model in "ab":
    print(f"Python  a and b   first_token_seconds {model}: buckets, sum, count {told(python, model)}")
same = (both["first_token_seconds"] == [{"buckets": {"0.5": "0.0", "5.0": "5.0", "+Inf": "5.0"}}]
        and alone["first_token_seconds"] == [{"buckets": {"0.5": "100.0", "5.0": "100.0", "+Inf": "100.0"}}]
        and bare["first_token_seconds"][0].get("count") == "100.0" and "sum" in bare["first_token_seconds"][0]
        and [one["labels"]["model_name"] for one in both["answer_tokens"]] == ["a", "b"]
        and both["answers_total"] == [{"value": "100.0", "labels": {"model_name": "a"}}, {"value": "5.0", "labels": {"model_name": "b"}}]
        and told(python, "a") == [100, 100, 100, 20, 100] and told(python, "b") == [0, 5, 5, 15, 5])
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" "$dir/run.py"
