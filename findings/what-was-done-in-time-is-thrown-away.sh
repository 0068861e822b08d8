#!/usr/bin/env bash
# A batch of three ends as "expired", two of its answers are in the output file and are paid: a helper's three calls all fail, another raises, and neither has read the file.
#
# Versions  autobatcher 0.12.0, batch-openai 0.4.0, openai-batch 0.3.4, with openai 2.54.0 (all Python).
# Input     A batch of three requests, as OpenAI's Batch API has it: (done) "completed", all three in the output file; (failed) "completed", two in the
#           output file, the third in the error file with status 400 and "Too long"; (expired) "expired" and (cancelled) "cancelled", each with
#           output_file_id and two answers, and the third in the error file: batch_expired, batch_cancelled. OpenAI's guide says of an expired batch
#           that what is done is to be had in the output file and is charged. autobatcher's BatchOpenAI(completion_window="24h") is called as
#           AsyncOpenAI is, three times side by side; batch-openai's job.wait() waits for the same three, and openai-batch's download(), as its --resume
#           does, takes them by the batch's id.
# Guess     Who has waited a day for answers has those that are there, and of the third the reason why not.
# Seen      openai-batch saves both files each time. batch-openai has all of (done) and (failed), with the reason; (expired) and (cancelled) raise
#           BatchJobError, which has the batch's id and its status, no answer. autobatcher: (expired) and (cancelled) are three exceptions, "Batch …
#           expired"; in (failed) the third's is "No result for request …", since it reads the output file alone: "Too long" is in a file that nothing
#           asks for. The output file of an expired batch is asked for by neither.
# Matters   A batch expires when it is nearly done: 24 hours of a provider's queue, 49000 of 50000 answers. A program that meets the exception sends all
#           of it again and pays for it twice, and may expire again; one that retries "No result" sends what is too long as often as it may try. Keep
#           the batch's id, and read both files by the SDK whatever the status is.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cannot() { echo "could not be tried: $1" >&2; exit 2; }

{ python3 -m venv "$dir/venv" && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check \
  autobatcher==0.12.0 batch-openai==0.4.0 openai-batch==0.3.4 openai==2.54.0; } >&2 || cannot "pip install"

cat >"$dir/run.py" <<'PYTHON'
import asyncio
import http.server
import json
import os
import pathlib
import re
import sys
import threading

os.environ["OPENAI_API_KEY"] = "x"
os.environ["LOGURU_LEVEL"] = "CRITICAL"
import autobatcher
import batch_openai
import openai
import openai_batch

STATUS = {"done": "completed", "failed": "completed", "expired": "expired", "cancelled": "cancelled"}
case, ids, read = "done", [], []


def answered(number):
    body = {"id": f"c{number}", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": f"Answer {number}."}, "finish_reason": "stop", "logprobs": None}],
            "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}}
    return {"id": f"r{number}", "custom_id": ids[number], "response": {"status_code": 200, "request_id": "q", "body": body}, "error": None}


def not_answered(number):
    line = {"id": f"r{number}", "custom_id": ids[number], "response": None, "error": None}
    if case == "failed":
        error = {"message": "Too long", "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded"}
        return {**line, "response": {"status_code": 400, "request_id": "q", "body": {"error": error}}}
    return {**line, "error": {"code": f"batch_{case}", "message": "This request could not be executed before the batch ended."}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/files"):
            ids[:] = re.findall(r'"custom_id": ?"([^"]+)"', body.decode())
            return self.answer({"id": "file-in", "object": "file", "bytes": len(body), "created_at": 1, "filename": "b.jsonl", "purpose": "batch", "status": "processed"})
        return self.answer(self.batch("validating"))

    def do_GET(self):
        if not self.path.endswith("/content"):
            return self.answer(self.batch(STATUS[case]))
        name = self.path.split("/")[-2]
        read.append(name)
        lines = [not_answered(2)] if name == "file-error" else [answered(number) for number in range(3 if case == "done" else 2)]
        return self.answer("".join(json.dumps(line) + "\n" for line in lines))

    def batch(self, status):
        over = status != "validating"
        return {"id": "batch_7", "object": "batch", "endpoint": "/v1/chat/completions", "errors": None, "input_file_id": "file-in", "completion_window": "24h",
                "status": status, "output_file_id": "file-output" if over else None, "error_file_id": "file-error" if over and case != "done" else None,
                "created_at": 1, "expires_at": 86401, "metadata": None, "request_counts": {"total": 3, "completed": 3 if case == "done" else 2, "failed": case == "failed"}}

    def answer(self, what):
        data = (what if isinstance(what, str) else json.dumps(what)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream" if isinstance(what, str) else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def question(number):
    return [{"role": "user", "content": f"Question {number}?"}]


def by_autobatcher():
    async def run():
        client = autobatcher.BatchOpenAI(api_key="x", base_url=url, completion_window="24h", batch_window_seconds=0.5, poll_interval_seconds=0.2)
        calls = [client.chat.completions.create(model="m", messages=question(number)) for number in range(3)]
        got = await asyncio.gather(*calls, return_exceptions=True)
        await client.close()
        return [repr(one).replace(next((name for name in ids if name in str(one)), "?"), "…") if isinstance(one, Exception) else one.choices[0].message.content for one in got]

    return asyncio.run(run())


def by_batch_openai():
    builder = batch_openai.BatchRequestBuilder()
    for number in range(3):
        builder.add(question(number), model="m")
    try:
        got = builder.submit(openai.OpenAI(api_key="x", base_url=url)).wait(poll_interval=0.2)
    except batch_openai.BatchJobError as error:
        return [repr(error)]
    return [one.content or one.error["message"] for one in got]


def by_openai_batch():
    here = pathlib.Path(sys.argv[0]).parent
    provider = openai_batch.providers.Provider(base_url=url, api_key="x")
    with openai_batch.Batch(output_file=here / "out.jsonl", error_file=here / "error.jsonl", batch_id="batch_7", provider=provider) as batch:
        assert batch.status().status == STATUS[case]
        files = batch.download()
    lines = [json.loads(line) for path in files if path for line in path.read_text().splitlines()]
    return ["reason in the file" if line["error"] or "error" in line["response"]["body"] else line["response"]["body"]["choices"][0]["message"]["content"] for line in lines]


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/v1"
seen = {}
for ask in by_autobatcher, by_batch_openai, by_openai_batch:
    print(ask.__name__)
    for case in STATUS:
        read.clear()
        got = ask()
        seen[ask.__name__, case] = got, sorted(set(read))
        print(f"  {case:10}{got} files read: {sorted(set(read)) or 'none'}")
two, out, both = ["Answer 0.", "Answer 1."], ["file-output"], ["file-error", "file-output"]
three = [*two, "Answer 2."]
same = all(seen[name, "done"] == (three, out) for name in ("by_autobatcher", "by_batch_openai", "by_openai_batch"))
same &= seen["by_autobatcher", "failed"] == ([*two, "Exception('No result for request …')"], out)
same &= seen["by_batch_openai", "failed"] == ([*two, "Too long"], both)
for case in "expired", "cancelled":
    got, files = seen["by_autobatcher", case]
    same &= len(got) == 3 and all(case in one and "Exception" in one for one in got) and not files
    got, files = seen["by_batch_openai", case]
    same &= len(got) == 1 and "BatchJobError" in got[0] and not files
    same &= seen["by_openai_batch", case] == ([*two, "reason in the file"], both)
print("as told" if same else "this has changed")
sys.exit(0 if same else 1)
PYTHON
"$dir/venv/bin/python" -W ignore "$dir/run.py"
