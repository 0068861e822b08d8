"""weir tools: what models may call, called without a model: each kind with real servers and processes, and what does not behave."""

import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

import daemon

HEAD = 'providers: {local: {url: "http://127.0.0.1:1/v1"}}\n'


def written(tmp_path, tools, more=""):
    """A configuration with these tools, as YAML or as objects."""
    path = tmp_path / "weir.yaml"
    path.write_text(HEAD + more + (tools if isinstance(tools, str) else "tools: " + json.dumps(tools) + "\n"))
    return path


def run(path, *args, stdin="", env=None):
    done = subprocess.run([daemon.WEIR, "tools", *args, "-c", path], input=stdin, capture_output=True, text=True, timeout=60,
                          env={**os.environ, **(env or {})})
    assert not daemon.DAMAGE.search(done.stderr), done.stderr
    return done.returncode, done.stdout, done.stderr.replace(str(path), "weir.yaml")


def call(path, name, arguments=None, **how):
    operands = [] if arguments is None else [arguments if isinstance(arguments, str) else json.dumps(arguments)]
    status, out, err = run(path, "call", name, *operands, "--json", **how)
    assert err == "", err
    assert out, (status, name)
    answer = json.loads(out)
    assert status == (0 if answer["outcome"] == "done" else 1)
    return answer


def marked(mark):
    """The processes that have this word among their arguments."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except OSError:
            pass
    return found


def gone(mark):
    daemon.wait_until(lambda: not marked(mark), 20, f"{mark} is gone")


@pytest.fixture
def server():
    """Answers as its handler's `answer` says: (status, headers, body) or a function of the request."""
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            seen.append((self.command, self.path, dict(self.headers), body))
            status, headers, answer = it.answer
            self.send_response(status)
            for name, value in {"Content-Length": str(len(answer)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_PUT = do_PATCH = do_DELETE = do_POST

        def log_message(self, *_):
            pass

    it = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    it.answer, it.seen = (200, {}, b"{}"), seen
    it.url = f"http://127.0.0.1:{it.server_port}"
    threading.Thread(target=it.serve_forever, daemon=True).start()
    yield it
    it.shutdown()
    it.server_close()


# ---- the list ----------------------------------------------------------------------------------------------------------

TOOLS = """tools:
  get_current_time: {kind: builtin}
  weather: {kind: http, url: https://example.com/w, method: POST, description: Tells the weather, parameters: {type: object, properties: {city: {type: string}}}, timeout: 5s}
  disk:    {kind: command, command: [df, -h], description: Tells how full disks are, parameters: {type: object}, timeout: 5s, max_result: 64KB}
"""


def test_tools_are_listed(tmp_path):
    path = written(tmp_path, TOOLS)
    status, out, err = run(path, "list")
    assert (status, err) == (0, "") and run(path) == (status, out, err)
    assert [line.split()[:2] for line in out.splitlines()] == [["get_current_time", "builtin"], ["weather", "http"], ["disk", "command"]]
    rows = json.loads(run(path, "list", "--json")[1])
    assert rows[1] == {"name": "weather", "kind": "http", "description": "Tells the weather",
                       "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}, "timeout_ms": 5000,
                       "max_result": 65536, "parallel": True, "repeatable": False, "approve": "off", "strict": False, "clients": []}
    assert rows[0]["parameters"]["properties"].keys() == {"timezone"}
    assert run(path, "check") == (0, "3 tools are good\n", "")
    assert run(written(tmp_path, ""), "list") == (0, "", "weir: the configuration has no tools\n")


@pytest.mark.parametrize("tool, column, said", [
    ("a: {kind: http, url: http://1.1.1.1/, parameters: {properties: {x: {type: text}}}}", 53,
     'tools.a.parameters: /properties/x/type: "text" is no type'),
    ("a: {kind: http, url: http://1.1.1.1/, parameters: {$ref: 'https://example.com/x'}}", 53,
     "tools.a.parameters: /$ref: 'https://example.com/x' is not in this schema, and nothing is fetched"),
    ("a: {kind: http, url: http://1.1.1.1/, parameters: {pattern: '('}}", 53,
     "tools.a.parameters: /pattern: no pattern: missing closing parenthesis"),
    ("a: {kind: soap, url: http://1.1.1.1/}", None, "tools.a.kind is another word; allowed: builtin, http, command, mcp"),
    ("get_weather: {kind: builtin}", None, "weir has no builtin tool of that name"),
    ("a: {kind: command}", None, "tools.a.command is missing"),
    ("a: {kind: command, command: df}", None, "tools.a.command is another value; expected a list"),
    ("a: {kind: command, command: [df], url: http://a/}", None, "tools.a.url is for kind: http or mcp; this tool is command"),
    ("a: {kind: http, url: http://a/, sandbox: [read_only]}", None, "tools.a.sandbox is for kind: command or mcp; this tool is http"),
    ("a: {kind: command, command: [df], sandbox: [readonly]}", None, "expected a list of no_network and read_only"),
    ("a: {kind: command, command: [df], timeout: 5}", None, "tools.a.timeout is 5 without a unit"),
    ("a: {kind: command, command: [df], max_result: 1GB}", None, "tools.a.max_result is 1GB; allowed 1B to 64MB"),
    ("a: {kind: command, command: [df], clients: [nobody]}\nkeys: off", None, "tools.a.clients: there is no client"),
    ("a: {kind: command, command: [df], env: {a-b: x}}", None, "this is no name of a variable"),
    ("a: {kind: http, url: http://a/, headers: {Host: x}}", None, "tools.a.headers.Host is set by weir itself"),
    ("a: {kind: http, url: http://a/, headers: {X: '${NOT_SET_ANYWHERE}'}}", None, "NOT_SET_ANYWHERE"),
    ("a.b: {kind: command, command: [df]}", None, "up to 64 letters, digits, dashes or underscores"),
    (f"{'a' * 65}: {{kind: command, command: [df]}}", None, "up to 64 letters, digits, dashes or underscores"),
])
def test_what_is_wrong_is_said_with_its_place(tmp_path, tool, column, said):
    path = written(tmp_path, f"tools:\n  {tool}\n")
    checked = subprocess.run([daemon.WEIR, "check", "-c", path], capture_output=True, text=True, timeout=30)
    assert checked.returncode == 1 and said in checked.stderr
    assert re.match(rf"{re.escape(str(path))}:3:{column or ''}", checked.stderr), checked.stderr
    served = subprocess.run([daemon.WEIR, "serve", "-c", path], capture_output=True, text=True, timeout=30)
    assert served.returncode == 1 and said in served.stderr and ":3:" in served.stderr
    assert run(path, "list")[0] == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="gives a file away")
def test_a_strangers_tools_are_not_run_unasked(tmp_path):
    config = tmp_path / "weir.yaml"
    config.write_text(json.dumps({"tools": {"touch": {"kind": "command", "command": ["touch", str(tmp_path / "ran")], "description": "x",
                                                      "parameters": {"type": "object"}}}}))
    os.chown(config, 1, -1)
    for args in (["tools", "list"], ["tools", "check"], ["tools", "call", "touch"], ["prices"]):
        done = subprocess.run([daemon.WEIR, *args], cwd=tmp_path, capture_output=True, text=True, timeout=30)
        assert done.returncode == 1 and "belongs to another user" in done.stderr, (args, done)
    assert not (tmp_path / "ran").exists()


def test_check_looks_for_programs(tmp_path):
    path = written(tmp_path, {"a": {"kind": "command", "command": ["weir-none"]}, "b": {"kind": "command", "command": ["true"]},
                              "c": {"kind": "command", "command": ["true"], "folder": "/none"}})
    status, _, err = run(path, "check")
    assert status == 1 and "tools.a.command: there is no program weir-none" in err and "tools.c.command: there is no folder /none" in err
    assert [row["good"] for row in json.loads(run(path, "check", "--json")[1])] == [False, True, False]


# ---- builtin -----------------------------------------------------------------------------------------------------------

def test_the_time(tmp_path):
    path = written(tmp_path, TOOLS)
    for arguments, offset in (({}, 0), ({"timezone": "UTC"}, 0), ({"timezone": "Asia/Kathmandu"}, 345)):
        told = datetime.fromisoformat(call(path, "get_current_time", arguments)["result"].replace("Z", "+00:00"))
        assert told.utcoffset() == timedelta(minutes=offset)
        assert abs((told - datetime.now(timezone.utc)).total_seconds()) < 60
    assert call(path, "get_current_time", {"timezone": "Mars/Olympus"})["outcome"] == "bad_arguments"
    wrong = call(path, "get_current_time", '{"timezone": 5}')
    assert wrong == {"tool": "get_current_time", "arguments": {"timezone": 5}, "error": "timezone: expected a string, got 5",
                     "outcome": "bad_arguments", "ms": wrong["ms"]}


def test_results_and_failures_go_where_they_belong(tmp_path):
    path = written(tmp_path, {"say": {"kind": "command", "command": ["cat"]}, "fail": {"kind": "command", "command": ["false"]}})
    assert run(path, "call", "say", '{"a": 1}') == (0, '{"a": 1}\n', "")
    assert run(path, "call", "say", "-", stdin='{"b": 2}') == (0, '{"b": 2}\n', "")
    assert run(path, "call", "fail") == (1, "", "weir: fail: the command failed: it ended with status 1\n")
    assert run(path, "call", "none") == (1, "", "weir: the configuration has no tool none; weir tools list shows those it has\n")
    assert call(path, "say", "[1]")["error"] == "the arguments must be a JSON object"
    assert call(path, "say", "{")["outcome"] == "bad_arguments"


# ---- http --------------------------------------------------------------------------------------------------------------

def test_an_endpoint_is_asked(tmp_path, server):
    (tmp_path / "key").write_text("key-from-a-file-1\n")
    path = written(tmp_path, {"w": {"kind": "http", "url": server.url + "/weather", "allow_private": True,
                                    "headers": {"X-Key": "${WEATHER_KEY}", "X-File": {"file": "key"}}},
                              "g": {"kind": "http", "method": "GET", "url": server.url + "/g?v=1", "allow_private": True}})
    server.answer = (200, {"Content-Type": "application/json"}, b'{"sun": "key-0123456789"}')
    answer = call(path, "w", {"city": "Ulm"}, env={"WEATHER_KEY": "key-0123456789"})
    assert answer["result"] == '{"sun": "[redacted]"}'  # what was sent as a secret comes no further
    method, target, headers, body = server.seen.pop()
    assert (method, target, json.loads(body)) == ("POST", "/weather", {"city": "Ulm"})
    assert (headers["X-Key"], headers["X-File"], headers["Content-Type"]) == ("key-0123456789", "key-from-a-file-1", "application/json")
    call(path, "g", {"q": "a&b=c d", "n": 5, "all": ["x", "y"]}, env={"WEATHER_KEY": "k"})
    assert server.seen.pop()[:2] == ("GET", "/g?v=1&q=a%26b%3Dc%20d&n=5&all=x&all=y")
    explained = subprocess.run([daemon.WEIR, "check", "--explain", "-c", path], capture_output=True, text=True, timeout=30,
                               env={**os.environ, "WEATHER_KEY": "key-0123456789"}).stdout
    assert "X-Key: (set)" in explained and "key-0123456789" not in explained and "key-from" not in explained


@pytest.mark.parametrize("answer, outcome, said", [
    ((404, {}, b"no such city"), "failed", "the tool answered 404 Not Found: no such city"),
    ((302, {"Location": "/elsewhere"}, b""), "failed", "the tool answered 302, a redirect, and those are not followed"),
    ((200, {}, b"\xff\xfe"), "garbled", "the tool's answer is not text in UTF-8"),
    ((200, {}, b"x" * 65537), "too_large", "the tool's answer is larger than 64KB"),
    ((200, {"Content-Encoding": "gzip"}, b"no gzip"), "failed", "the tool's answer cannot be used: "),
])
def test_an_endpoints_failure_is_told(tmp_path, server, answer, outcome, said):
    path = written(tmp_path, {"w": {"kind": "http", "url": server.url + "/", "allow_private": True}})
    server.answer = answer
    told = call(path, "w")
    assert told["outcome"] == outcome and told["error"].startswith(said)
    assert len(server.seen) == 1


def test_private_networks_are_refused(tmp_path, server):
    hosts = [server.url, f"http://localhost:{server.server_port}", f"http://[::ffff:127.0.0.1]:{server.server_port}",
             f"http://0.0.0.0:{server.server_port}"]
    path = written(tmp_path, {f"w{i}": {"kind": "http", "url": url + "/"} for i, url in enumerate(hosts)})
    for i in range(len(hosts)):
        told = call(path, f"w{i}")
        assert told["outcome"] == "unreachable" and "is not a public address" in told["error"], told
    assert not server.seen


# ---- command -----------------------------------------------------------------------------------------------------------

def script(text, mark, **more):
    return {"kind": "command", "command": ["sh", "-c", text.replace("$", "$$"), mark], **more}


def test_hostile_arguments_are_data(tmp_path):
    path = written(tmp_path, {"say": script("cat", "say")})
    for text in ("$(touch /tmp/x)", "`id`", "; rm -rf /", "../../etc/passwd", "\x00\x1b[31m", "'\"\\", "a\nb", "\ud83d", "é" * 1000):
        arguments = json.dumps({"a": text})
        answer = call(path, "say", "-", stdin=arguments)
        assert answer["result"] == arguments
    deep = '{"a":' * 200 + "1" + "}" * 200
    assert call(path, "say", "-", stdin=deep)["outcome"] == "bad_arguments"
    assert call(path, "say", "-", stdin='{"a":1e99999}')["outcome"] == "done"


@pytest.mark.parametrize("text, more, outcome, said", [
    ("sleep 1000", {"timeout": "200ms"}, "timed_out", "the tool did not answer within 200ms"),
    ("trap '' TERM INT HUP; setsid sleep 1000 & (setsid sleep 1000 &); sleep 1000", {"timeout": "200ms"}, "timed_out", ""),
    ("kill -SEGV $$", {}, "failed", "the command failed: it was ended by signal 11"),
    ("head -c 100000000 /dev/zero", {}, "too_large", "the tool's answer is larger than 64KB"),
    ("printf '\\377\\376'", {}, "garbled", "the tool's answer is not text in UTF-8"),
    ("i=0; while [ $i -lt 1000 ]; do sleep 1000 & i=$((i+1)); done; wait", {}, "failed",
     "the command failed: it started more than 128 processes at a time"),
    ("exec python3 -c 'x = bytearray(500 << 20)'", {"memory": "100MB"}, "failed", "the command failed: it ended with status 1: "),
])
def test_a_command_that_does_not_behave(tmp_path, text, more, outcome, said):
    mark = f"marked-{tmp_path.name}"
    path = written(tmp_path, {"t": script(text, mark, **more), "say": script("cat", mark)})
    told = call(path, "t")
    assert told["outcome"] == outcome and told["error"].startswith(said), told
    gone(mark)
    assert call(path, "say", {"a": 1})["outcome"] == "done"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_nothing_is_left_when_weir_is_ended(tmp_path, how):
    mark = f"marked-{tmp_path.name}"
    path = written(tmp_path, {"t": script("setsid sh -c 'sleep 1000 & sleep 1000' $0 & sleep 1000", mark)})
    weir = subprocess.Popen([daemon.WEIR, "tools", "call", "t", "-c", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    daemon.wait_until(lambda: len(marked(mark)) >= 3, 20, "the guard and two shells run")
    weir.send_signal(how)
    weir.wait(20)
    gone(mark)


def test_its_environment_is_small(tmp_path):
    path = written(tmp_path, {"t": {"kind": "command", "command": ["env"], "env": {"A": "${OWN}"}}})
    kept = ("PATH", "HOME", "LANG", "TZ")
    names = {line.partition("=")[0] for line in call(path, "t", env={"OWN": "x", "OPENAI_API_KEY": "sk-x"})["result"].splitlines()}
    assert names <= {*kept, "A"} and {"A", "PATH"} <= names


def test_a_key_among_the_arguments_does_not_come_back(tmp_path):
    path = written(tmp_path, {
        "fails": {"kind": "command", "command": ["sh", "-c", 'echo "bad key: $1" >&2; exit 1', "x", "${OWN_TOKEN}"]},
        "tells": {"kind": "command", "command": ["echo", "--api-key=${OWN}", "--header", "Authorization: Bearer ${OWN}", "for", "${NAME}"]},
        "tells_two": {"kind": "command", "command": ["echo", "${NAME}:${OWN_TOKEN}", "--no-auth", "https://host/acme/customer-portal-2024"]}})
    env = {"OWN_TOKEN": "zq81kkfj39fj2", "OWN": "pm72bbvt51", "NAME": "somebody-else"}
    assert call(path, "fails", env=env)["error"].endswith("bad key: [redacted]")
    assert call(path, "tells", env=env)["result"] == "--api-key=[redacted] --header Authorization: [redacted] for somebody-else\n"
    assert call(path, "tells_two", env=env)["result"] == "somebody-else:[redacted] --no-auth https://host/acme/customer-portal-2024\n"


def test_what_a_tool_says_does_not_steer_the_terminal(tmp_path):
    said = b"\x1b]0;a title\x07hello \x1b[2Jand \xc2\x9b1mbye\n"
    write = f"import sys; sys.stdout.buffer.write({said!r})"
    path = written(tmp_path, {"says": {"kind": "command", "command": [sys.executable, "-c", write]}})
    command = [daemon.WEIR, "tools", "call", "says", "-c", path]
    master, slave = os.openpty()
    with open(master, "rb", buffering=0) as screen:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=slave, timeout=60, check=True)
        os.close(slave)
        assert screen.read(4096) == b"hello and bye\r\n"
    # A program gets what it said, and JSON says the same with escapes.
    assert subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True).stdout == said
    master, slave = os.openpty()
    with open(master, "rb", buffering=0) as screen:
        subprocess.run([*command, "--json"], stdin=subprocess.DEVNULL, stdout=slave, timeout=60, check=True)
        os.close(slave)
        shown = screen.read(4096).removesuffix(b"\r\n").decode()
    assert json.loads(shown)["result"] == said.decode() and shown.isprintable()


@pytest.mark.parametrize("part", ["list", "check"])
def test_what_is_told_of_tools_does_not_steer_the_terminal(tmp_path, part):
    """JSON may have controls of C1 and marks of direction as they are; a program gets them so."""
    told = "a \u009b2Jb \u202ec"
    path = written(tmp_path, {"says": {"kind": "command", "command": ["echo"], "description": told}})
    command = [daemon.WEIR, "tools", part, "-c", path, "--json"]
    plain = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True).stdout.decode()
    master, slave = os.openpty()
    with open(master, "rb", buffering=0) as screen:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=slave, timeout=60, check=True)
        os.close(slave)
        shown = screen.read(4096).removesuffix(b"\r\n").decode()
    assert shown.isprintable() and json.loads(shown) == json.loads(plain)
    assert part == "check" or (json.loads(plain)[0]["description"] == told and "\u009b" in plain and "\\u009b" in shown)


def test_a_sandbox_holds(tmp_path, server):
    target = tmp_path / "file"
    target.write_text("as it was")
    ask = f"{sys.executable} -c 'import urllib.request; print(urllib.request.urlopen(\"{server.url}\").status)'"
    path = written(tmp_path, {
        "open_ask": script(ask, "m"), "shut_ask": script(ask, "m", sandbox="no_network"),
        "open_write": script(f"echo x >> {target}", "m"), "shut_write": script(f"echo x >> {target}", "m", sandbox=["read_only"]),
        "both": script(f"cat {target}", "m", sandbox=["read_only", "no_network"])})
    assert call(path, "open_ask")["result"] == "200\n"
    assert "Permission denied" in call(path, "shut_ask")["error"]
    assert call(path, "shut_write")["outcome"] == "failed" and target.read_text() == "as it was"
    assert call(path, "both")["result"] == "as it was"
    assert call(path, "open_write")["outcome"] == "done" and target.read_text() == "as it wasx\n"
