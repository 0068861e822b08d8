"""An MCP server over HTTP inside the test, whose streams break off and whose sessions do not last. A `Streams` is its server; what its
attributes say holds from the next request on."""

import http.server
import json
import threading
from contextlib import contextmanager

NOTHING = {"type": "object", "properties": {}}


class Streams:
    def __init__(self, modern=False):
        self.modern = modern
        self.tools = ["first"]
        self.listening = 200  # the status that who listens for changes gets
        self.session = None  # the id that `initialize` gives; None: there are no sessions
        self.knows = True  # what is asked within the session is answered
        self.polls = 0  # so often an answer ends before it is there …
        self.retry = None  # … and says when to ask for it again, in ms
        self.moves = False  # … with another id each time
        self.closes = False  # connections, each with its answer
        self.waits = None  # an event that the next call waits for; nothing else is accepted meanwhile
        self.asked = []  # methods, and ids of events that were gone on from
        self.heard = threading.Event()  # somebody listens
        self.broken = threading.Event()  # those who listen are left

    def count(self, what):
        return self.asked.count(what)

    def break_off(self):
        """Ends the streams of those who listen."""
        self.heard.clear()
        self.broken.set()
        self.broken = threading.Event()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    about: Streams

    def log_message(self, *args):
        pass

    def say(self, status, message=None, **fields):
        body = b"" if message is None else json.dumps(message).encode()
        if self.about.closes:
            fields["Connection"] = "close"
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **{n.replace("_", "-"): v for n, v in fields.items()}}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True

    def event(self, message, *fields):
        lines = [*fields, f"data: {'' if message is None else json.dumps(message)}"]
        self.wfile.write(("\n".join(lines) + "\n\n").encode())
        self.wfile.flush()

    def listen(self, first=None):
        if self.about.listening != 200:
            self.say(self.about.listening)
            return
        broken = self.about.broken
        self.begin_stream()
        self.event(first)
        self.about.heard.set()
        broken.wait(60)

    def go_on(self):
        """A piece of an answer that is polled for, or the answer."""
        s = self.about
        self.begin_stream()
        if s.polls <= 0:
            self.event({"jsonrpc": "2.0", "id": s.number, "result": {"content": [{"type": "text", "text": "at last"}]}}, "id: last")
            return
        s.polls -= 1
        self.event(None, f"id: {s.polls if s.moves else 'same'}", *([] if s.retry is None else [f"retry: {s.retry}"]))

    def is_known(self):
        return self.about.session is None or (self.about.knows and self.headers.get("mcp-session-id") == self.about.session)

    def do_DELETE(self):
        self.say(200)

    def do_GET(self):
        last = self.headers.get("last-event-id")
        self.about.asked.append(last or "GET")
        if last:
            self.go_on()
        elif not self.is_known():
            self.say(404)
        else:
            self.listen()

    def do_POST(self):
        s = self.about
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        method, number = message.get("method"), message.get("id")
        s.asked.append(method)
        capabilities = {"tools": {"listChanged": True}}
        if method == "initialize":
            fields = {} if s.session is None else {"Mcp_Session_Id": s.session}
            result = {"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": {"name": "streams", "version": "1"}}
            self.say(200, {"jsonrpc": "2.0", "id": number, "result": result}, **fields)
        elif method == "server/discover" and s.modern:
            self.say(200, {"jsonrpc": "2.0", "id": number, "result": {"supportedVersions": ["2026-07-28"], "capabilities": capabilities}})
        elif method == "server/discover":
            self.say(400, {"jsonrpc": "2.0", "id": number, "error": {"code": -32601, "message": "Method not found"}})
        elif not self.is_known():
            self.say(404, {"jsonrpc": "2.0", "id": number, "error": {"code": -32001, "message": "Session not found"}})
        elif number is None:
            self.say(202)
        elif method == "subscriptions/listen":
            self.listen({"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": {"notifications": {"toolsListChanged": True}}})
        elif method == "tools/list":
            self.say(200, {"jsonrpc": "2.0", "id": number, "result": {"tools": [{"name": n, "inputSchema": NOTHING} for n in s.tools]}})
        elif s.polls:
            s.number = number
            self.go_on()
        else:
            if s.waits:
                self.server.shutdown()
                self.server.server_close()
                s.asked.append("waits")
                s.waits.wait(60)
            self.say(200, {"jsonrpc": "2.0", "id": number, "result": {"content": [{"type": "text", "text": f"{message['params']['name']} answers"}]}})


@contextmanager
def served(streams):
    """Its URL, for as long as it serves."""
    handler = type("Bound", (Handler,), {"about": streams})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *args: None  # who asked has left
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/mcp"
    finally:
        streams.broken.set()
        server.shutdown()
        server.server_close()
