"""Runs node/sdk.test.mjs, the suite of the official OpenAI SDK for Node, and is its provider: the model's name says what is answered."""

import base64
import json
import os
import struct
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

import bodies
import daemon
from test_sdk_python import RESPONSE, embedding_answer, response_events
from upstream import cut, error, reply, sse, stall

NODE = Path(__file__).parent / "node"
ODD = json.dumps(bodies.chunk("Grüße 😀"), ensure_ascii=False).encode()
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Zürich"}'}}


def tool_delta(**call):
    return bodies.chunk({"tool_calls": [call]})


def tools():
    answer = bodies.completion(None)
    answer["choices"][0] |= {"finish_reason": "tool_calls", "message": {"role": "assistant", "content": None, "tool_calls": [TOOL_CALL]}}
    return answer


def rich():
    answer = bodies.completion("one", x_new={"deep": [1, None]})
    answer["choices"][0]["logprobs"] = {"content": [{"token": "one", "logprob": -0.0012345678901234567, "bytes": None, "top_logprobs": []}], "refusal": None}
    answer["choices"].append({"index": 1, "message": {"role": "assistant", "content": "two"}, "finish_reason": "stop", "logprobs": None})
    return answer


class Provider:
    def __init__(self, upstream):
        self.upstream = upstream
        self.later = [error(429, headers={"retry-after-ms": "3500"}), reply(200, bodies.completion())]

    def model_of(self, request):
        return json.loads(request.body)["model"] if request.body else ""

    def __call__(self, request):
        if request.path.startswith("/seen"):
            return self.seen(request)
        if request.path == "/v1/models":
            return reply(200, {"object": "list", "data": [{"id": "theirs", "object": "model", "created": 1, "owned_by": "them"}]})
        body = request.json()
        model, stream = body["model"], body.get("stream", False)
        if model.startswith("turned-"):  # in the other form than is asked for
            model, stream = {"turned-chat": "rich"}.get(model, model[7:]), not stream
        if model.startswith("plain"):
            return reply(200, bodies.completion())
        if model.startswith("error-") and model[6:].isdigit():
            return error(int(model[6:]), "No, since it is Monday.", "some_type", "some_code", "some_param")
        if model == "emb":
            vector = [0.5, -2.0, 0.1] if body["encoding_format"] == "float" else base64.b64encode(struct.pack("<3f", 0.5, -2.0, 0.25)).decode()
            return reply(200, embedding_answer(vector))
        if model == "resp":
            return sse(response_events(), end="no_done") if stream else reply(200, RESPONSE)
        if model == "echo":
            name = body["messages"][0]["content"]
            return sse([*(bodies.chunk(f"{name}/{i} ") for i in range(20)), bodies.chunk(finish="stop")], pace=0.005)
        if model == "later":
            return self.later.pop(0)
        return {
            "stream": sse(bodies.stream("Hel", "lo.", usage=bodies.USAGE)),
            "odd": sse([bytes([b]) for b in b"\xef\xbb\xbf: hi\r\rid: 1\rretry: 5\revent: ping\r\rdata:" + ODD + b"\r\rdata: {bad\r\rdata: " +
                        json.dumps(bodies.chunk(finish="stop")).encode() + b"\r\r"], end="no_done"),
            "tools": reply(200, tools()),
            "stream-tools": sse([
                bodies.chunk({"role": "assistant", "content": None}),
                tool_delta(index=0, id="call_1", type="function", function={"name": "weather", "arguments": ""}),
                tool_delta(index=0, function={"arguments": '{"city":"Zür'}),
                tool_delta(index=1, id="call_2", type="function", function={"name": "time", "arguments": "{}"}),
                tool_delta(index=0, function={"arguments": 'ich"}'}), bodies.chunk(finish="tool_calls")]),
            "rich": reply(200, rich()),
            "instruct": reply(200, {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "instruct", "usage": bodies.USAGE,
                                    "choices": [{"index": 0, "text": "Hello.", "logprobs": None, "finish_reason": "stop"}]}),
            "omni": reply(200, {"id": "modr-1", "model": "omni", "results": [{"flagged": True, "categories": {}, "category_scores": {}}]}),
            "cut": cut("in_stream", [bodies.chunk("One")]),
            "error-event": sse([bodies.chunk("a"), {"error": {"message": "The model fell over.", "type": "server_error", "param": None, "code": None}}], end="no_done"),
            "always-503": error(503),
            "hang-stream": stall("in_stream"),
            "hang-false": stall("before_head"),
            "hang-true": stall("before_head"),
        }[model]

    def seen(self, request):
        query = parse_qs(urlsplit(request.path).query)
        model, n = query["model"][0], int(query.get("n", ["1"])[0])

        def found():
            return [r for r in self.upstream.requests if not r.path.startswith("/seen") and self.model_of(r) == model]

        daemon.wait_until(lambda: len(found()) >= n, 5, f"{n} requests for {model} did not come")
        if "closed" in query:
            found()[0].wait_closed()
        return reply(200, [{"path": r.path, "headers": {k.lower(): v for k, v in r.headers}, "body": r.body.decode(), "began": r.began,
                            "closed": r.closed_at} for r in found()])


@pytest.mark.timeout(120)
def test_node_sdk(weir, upstream, capsys):
    upstream.always(Provider(upstream))
    # The breaker is off: the errors of one case would be held against the next.
    w = weir(upstream, models={"fast": "main"}, retry={"retries": 1}, timeouts={"total": "3s"}, breaker=False)
    node = Path(os.environ.get("NODE", daemon.ROOT / ".venv" / "bin" / "node"))
    environment = {**os.environ, "WEIR_URL": w.url, "UPSTREAM_URL": upstream.url.removesuffix("/v1")}
    run = subprocess.run([node, "--test", "--test-reporter=spec", "sdk.test.mjs"], cwd=NODE, env=environment, capture_output=True, text=True, timeout=110)
    if run.returncode:
        pytest.fail(f"{run.stdout}\n{run.stderr}", pytrace=False)
    summary = [line for line in run.stdout.splitlines() if "pass " in line or "tests " in line]
    with capsys.disabled():
        print("\n  Node:", *summary)
