#!/usr/bin/env python3
"""Runs of a model with tools, for the section functions of bench/run: a provider whose models call get_current_time, and who asks for runs.

  provider                    prints its port. The model steps-N calls the tool N times and then answers; hold-N calls it N times and
                              answers when it is told to: GET /held says how many wait and how long their longest request is,
                              POST /release lets them go
  load PORT KIND COUNT CONNS  one after the other on each connection. KIND plain: chat completions; run: POST /chat/functions with one step.
                              Every answer is checked. Prints {"calls", "bytes"}
  hold PORT PROVIDER RUNS STEPS
                              as many runs at a time, until each waits for its last answer: then {"longest"} is printed, and they wait for
                              the end of standard input; prints {"runs"} when all have been answered

BENCH_KEY in the environment is sent as the client's key.
"""

import asyncio
import json
import os
import re
import sys

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.I)
USAGE = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}


def http(first, body, *fields):
    head = [first, "Content-Type: application/json", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


async def read_message(reader):
    """(first line, body), or None at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    found = LENGTH.search(head)
    return head.split(b"\r\n", 1)[0].decode(), await reader.readexactly(int(found[1])) if found else b""


# ---- the provider ----


def completion(message, reason):
    return json.dumps({"id": "chatcmpl-bench", "object": "chat.completion", "created": 1, "model": "bench", "usage": USAGE,
                       "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": reason}]}).encode()


def calling(number):
    function = {"name": "get_current_time", "arguments": '{"timezone": "UTC"}'}
    return completion({"content": None, "tool_calls": [{"id": f"call_{number:06}", "type": "function", "function": function}]}, "tool_calls")


class Provider:
    def __init__(self):
        self.waiting, self.longest, self.released = 0, 0, asyncio.Event()
        self.answer = completion({"content": "It is noon, and all is well."}, "stop")

    async def say(self, path, body):
        if path == "/held":
            return json.dumps({"held": self.waiting, "longest": self.longest}).encode()
        if path == "/release":
            self.released.set()
            return b"{}"
        model = re.search(rb'"model": *"(\w+)-?(\d*)"', body)
        made = body.count(b'"role":"tool"')
        if model and model[1] in (b"steps", b"hold") and made < int(model[2]):
            return calling(made)
        if model and model[1] == b"hold":
            self.waiting += 1
            self.longest = max(self.longest, len(body))
            await self.released.wait()
        return self.answer

    async def serve(self, reader, writer):
        while message := await read_message(reader):
            path = message[0].split(" ")[1]
            writer.write(http("HTTP/1.1 200 OK", await self.say(path, message[1])))
        writer.close()


async def provide():
    server = await asyncio.start_server(Provider().serve, "127.0.0.1", 0, backlog=2048, limit=1 << 22)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


# ---- who asks ----

QUESTION = "What time is it, and is all well? " * 25


def request_of(kind, model):
    path = "/v1/chat/completions" if kind == "plain" else "/chat/functions"
    body = {"model": model, "messages": [{"role": "user", "content": QUESTION}], "max_tokens": 100, "temperature": 0.5}
    return http(f"POST {path} HTTP/1.1", json.dumps(body).encode(), "Host: bench", f"Authorization: Bearer {os.environ.get('BENCH_KEY', '')}")


def check(kind, message, steps):
    said = json.loads(message[1]) if message and " 200 " in message[0] else None
    good = said and (said["choices"][0]["message"]["content"] if kind == "plain" else said["success"] and len(said["steps"]) == steps
                     and all("result" in step for step in said["steps"]))
    if not good:
        sys.exit(f"functions.py: a wrong answer: {message}")


async def ask(port, kind, model, count, steps, sizes):
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    request = request_of(kind, model)
    for _ in range(count):
        writer.write(request)
        message = await read_message(reader)
        check(kind, message, steps)
        sizes.append(len(message[1]))
    writer.close()


async def load(port, kind, count, connections):
    sizes = []
    model = "plain" if kind == "plain" else "steps-1"
    await asyncio.gather(*(ask(port, kind, model, count // connections, 1, sizes) for _ in range(connections)))
    print(json.dumps({"calls": len(sizes), "bytes": sum(sizes)}), flush=True)


async def tell(port, line):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{line} HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n\r\n".encode())
    message = await read_message(reader)
    writer.close()
    return json.loads(message[1])


async def hold(port, provider, runs, steps):
    sizes = []
    asked = [asyncio.ensure_future(ask(port, "run", f"hold-{steps}", 1, steps, sizes)) for _ in range(runs)]
    while (found := await tell(provider, "GET /held"))["held"] < runs:
        for task in asked:
            if task.done():
                task.result()
        await asyncio.sleep(0.05)
    print(json.dumps({"longest": found["longest"]}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await tell(provider, "POST /release")
    await asyncio.gather(*asked)
    print(json.dumps({"runs": len(sizes)}), flush=True)


def main():
    what, *rest = sys.argv[1:] or [""]
    if what == "provider":
        asyncio.run(provide())
    elif what == "load":
        asyncio.run(load(int(rest[0]), rest[1], int(rest[2]), int(rest[3])))
    elif what == "hold":
        asyncio.run(hold(*map(int, rest)))
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
