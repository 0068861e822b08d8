"""An MCP server that does not behave, by hand: over standard streams, or with a port over HTTP (with sessions). What its tools do
is in their names. mcp_odd.py [PORT] [WORD …]; words: dies (at once), mute (never answers anything), modern, paged, endless (pages),
old (a version that nobody speaks), unlisted (no tools/list), listless (a list that is none), empty (one without tools), strange (tools
that are none), mumbles (over HTTP: what it says of its era cannot be read, and it would go on), keeps (it has two tools more: said,
which gives its arguments back, and heard, which tells the lines that it was sent), ends (two others, last and torn: it ends with the
answer, whose line has no end)."""

import http.server
import json
import os
import sys
import threading
import time

WORDS = sys.argv[1:]
NOTHING = {"type": "object", "properties": {}}
TOOLS = ["pid", "die", "hang", "ask", "elicit", "ping", "flood", "huge", "garbage", "latin", "change", "wrong", "refuse", "slow", "odd.name", "odd_name", "late", "deep", "batch"]
tools = [{"name": n, "description": f"It does: {n}", "inputSchema": NOTHING} for n in TOOLS]
tools.append({"name": "task", "inputSchema": NOTHING, "execution": {"taskSupport": "required"}})
answers = {}  # what the client says to requests of ours
cancelled = []
lines = []  # as they came
left = []  # methods whose answers the client did not want to hear to the end


def text(said, **more):
    return {"content": [{"type": "text", "text": said}], **more}


def ask_client(out, method, params):
    """A request of the server's own, and what comes to it; its id is also one of the client's."""
    number = 1
    answers.pop(number, None)
    out({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
    deadline = time.monotonic() + 20
    while number not in answers and time.monotonic() < deadline:
        time.sleep(0.005)
    return json.dumps(answers.get(number, "nothing"), sort_keys=True)


def call(name, number, out, raw, arguments):
    if name == "said":
        return text(json.dumps(arguments))
    if name == "heard":
        return text(json.dumps(lines))
    if name == "pid":
        return text(str(os.getpid()))
    if name == "die":
        sys.stderr.write("it was too much\n")
        sys.stderr.flush()
        os._exit(3)
    if name in ("last", "torn"):
        line = json.dumps({"jsonrpc": "2.0", "id": number, "result": text("the last line")}).encode()
        raw(line if name == "last" else line[:-1])
        os._exit(4)
    if name == "hang":
        return None
    if name == "ask":
        return text(ask_client(out, "sampling/createMessage", {"messages": [], "maxTokens": 1}))
    if name == "elicit":
        return text(ask_client(out, "elicitation/create", {"message": "?", "requestedSchema": NOTHING}))
    if name == "ping":
        return text(ask_client(out, "ping", {}))
    if name == "flood":
        for i in range(20000):
            out({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x" * 500}})
        return text("flooded")
    if name == "huge":
        return text("x" * (40 << 20))
    if name == "garbage":
        for line in (b"{\n", b"[]\n", b"null\n", b'{"jsonrpc":"2.0","id":99,"result":{}}\n', b'{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"?"}}\n', b"\n\n", b"\xff\xfe\x00\n",
                     b'{"jsonrpc":"1.0","id":1,"result":7}\n'):
            raw(line)
        return text("after garbage")
    if name == "latin":
        raw(b'{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"\xe9"}]}}\n' % number)
        return None
    if name == "deep":
        raw(b'{"jsonrpc":"2.0","id":%d,"result":%s7%s}\n' % (number, b'{"a":' * 500, b"}" * 500))
        return None
    if name == "batch":
        return out([{"jsonrpc": "2.0", "id": number, "result": text("one of many")}])
    if name == "change":
        tools.append({"name": f"new_{len(tools)}", "inputSchema": NOTHING})
        for _ in range(4):
            out({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        return text("changed")
    if name == "wrong":
        return {"neither": 1}
    if name == "late":
        time.sleep(2)
        return text("late")
    if name == "left":
        return text(json.dumps(left))
    if name == "slow":
        time.sleep(0.3)
        return text("slow")
    return text(f"{name} says {json.dumps(cancelled)}")


def listed(params):
    if "listless" in WORDS:
        return {"tools": {"a": NOTHING}}
    if "empty" in WORDS:
        return {"tools": []}
    if "strange" in WORDS:
        good = {"name": "a", "inputSchema": NOTHING}
        return {"tools": [good, {**good, "description": "twice"}, {**good, "name": "a" * 129}, {**good, "name": ""}, {"inputSchema": NOTHING}, 7,
                          {**good, "name": "task", "execution": {"taskSupport": "required"}}]}
    if "endless" in WORDS:
        n = int(params.get("cursor", "0"))
        return {"tools": [{"name": f"page_{n}", "inputSchema": NOTHING}], "nextCursor": str(n + 1)}
    if "paged" in WORDS:
        at = params.get("cursor")
        return {"tools": tools[:1], "nextCursor": ""} if at is None else {"tools": tools[1:3], "nextCursor": "2"} if at == "" else {"tools": tools[3:4]}
    return {"tools": tools}


def answer(message, out, raw):
    method, number, params = message.get("method"), message.get("id"), message.get("params", {})
    if method is None:
        answers[number] = message.get("result", message.get("error"))
        return None
    if method == "notifications/cancelled":
        cancelled.append(params["reason"])
    if number is None:
        return None
    if method == "initialize":
        version = "1999-01-01" if "old" in WORDS else params["protocolVersion"]
        result = {"protocolVersion": version, "capabilities": {"tools": {"listChanged": True}}, "serverInfo": {"name": "odd", "version": "1"}}
    elif method == "server/discover" and "modern" in WORDS:
        result = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}
    elif method == "tools/list" and "unlisted" not in WORDS:
        result = listed(params)
    elif method == "tools/call" and params["name"] == "refuse":
        return {"jsonrpc": "2.0", "id": number, "error": {"code": -32602, "message": "Unknown\ntool: refuse"}}
    elif method == "tools/call":
        result = call(params["name"], number, out, raw, params.get("arguments"))
    else:
        return {"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": "Method not found"}}
    return result if result is None else {"jsonrpc": "2.0", "id": number, "result": result}


def serve_streams():
    lock = threading.Lock()

    def raw(line):
        with lock:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()

    def out(message):
        raw(json.dumps(message).encode() + b"\n")

    def handle(message):
        said = answer(message, out, raw)
        if said:
            out(said)

    sys.stderr.write("odd has started\n")
    for line in sys.stdin.buffer:
        lines.append(line.decode())
        if "mute" not in WORDS:
            threading.Thread(target=handle, args=(json.loads(line),), daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    """With a session, answers as events that have ids; one whose tool is `cut` is kept for who asks again."""

    protocol_version = "HTTP/1.1"
    sessions, kept = set(), {}

    def log_message(self, *args):
        pass

    def say(self, status, body=b"", kind="application/json", **fields):
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **{n.replace("_", "-"): v for n, v in fields.items()}}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_DELETE(self):
        self.sessions.discard(self.headers.get("mcp-session-id"))
        self.say(200)

    def do_GET(self):
        last = self.headers.get("last-event-id")
        if last not in self.kept:
            self.say(405, b"no", "text/plain")
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        self.wfile.write(b"id: 9\r\ndata: " + json.dumps(self.kept[last]).encode() + b"\r\n\r\n")
        self.wfile.flush()
        time.sleep(30)  # it stays open

    def do_POST(self):
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        method, number = message.get("method"), message.get("id")
        session = self.headers.get("mcp-session-id")
        if method == "server/discover" and "mumbles" in WORDS:
            try:
                self.stream(b'data: {"jsonrpc":"2.0","id":%d,"result":{"supportedVersions":[\n\n' % number, hold=True)
            except OSError:
                self.close_connection = True
                left.append(method)
            return
        if method == "initialize":
            session = f"session-{len(self.sessions)}-{time.monotonic_ns()}"
            self.sessions.add(session)
            body = json.dumps(answer(message, None, None)).encode()
            self.say(200, body, Mcp_Session_Id=session)
            return
        if session not in self.sessions:
            self.say(400, b'{"jsonrpc":"2.0","error":{"code":-32000,"message":"No valid session ID provided"},"id":null}', Mcp_Session_Id="good-for-nothing")
            return
        if number is None or method is None:
            answer(message, None, None)
            self.say(202)
            return
        name = message.get("params", {}).get("name")
        if name == "forget":
            self.sessions.clear()
            said = {"jsonrpc": "2.0", "id": number, "result": text("forgotten")}
        elif name == "text":
            self.say(200, b"<html>", "text/html")
            return
        elif name == "fail":
            self.say(500, b"Internal <b>error</b>\nof sorts", "text/plain")
            return
        elif name == "cut":
            self.kept["7"] = {"jsonrpc": "2.0", "id": number, "result": text("the rest")}
            self.stream(b"id: 7\ndata:\n\n")
            return
        elif name == "cut_bare":
            self.stream(b": nothing\n\n")
            return
        elif name == "hang":
            self.stream(b": begun\n\n", hold=True)
            return
        else:
            said = answer(message, None, None)
        self.stream(b"event: message\nid: 1\ndata: " + json.dumps(said).encode() + b"\n\n")

    def stream(self, body, hold=False):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        while hold:
            time.sleep(0.1)
            self.wfile.write(b": still here\n\n")
            self.wfile.flush()
        self.close_connection = True


if "keeps" in WORDS:
    tools += [{"name": n, "inputSchema": {"type": "object"}} for n in ("said", "heard")]
if "ends" in WORDS:
    tools += [{"name": n, "inputSchema": NOTHING} for n in ("last", "torn")]
if "dies" in WORDS:
    sys.exit("no such luck")
if WORDS and WORDS[0].isdigit():
    tools += [{"name": n, "inputSchema": NOTHING} for n in ("forget", "text", "fail", "cut", "cut_bare", "left")]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(WORDS[0])), Handler)
    server.daemon_threads = True
    server.serve_forever()
else:
    serve_streams()
