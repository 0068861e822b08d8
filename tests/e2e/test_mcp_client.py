"""Tools of kind mcp: servers of npm and PyPI, asked by weir and by the official client; and one that does not behave."""

import asyncio
import base64
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import daemon
import wire
from ports import free_port
from test_functions import call as calling_of, calling, run as ask, saying
from test_tools import call, gone, marked, run, written

HERE = Path(__file__).parent
NODE = HERE / "node" / "node_modules" / ".bin"
PYTHON = Path(sys.executable).parent
NODE_PROGRAM = PYTHON / "node"
ODD = [sys.executable, str(HERE / "mcp_odd.py")]
PATH = {"env": {"PATH": f"{PYTHON}:{os.environ['PATH']}"}}


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def served():
    """A function that starts a server which listens on the port that its command is told, and gives its URL."""
    running = []

    def start(command, env=None, port=None):
        port = port or free_port()
        command = [str(port) if c == "PORT" else str(c) for c in command]
        running.append(subprocess.Popen(command, env={**os.environ, "PORT": str(port), **(env or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        start_new_session=True))
        daemon.wait_until(lambda: listens(port), 60, f"{command} listens")
        return f"http://127.0.0.1:{port}/mcp"

    start.running = running
    yield start
    for p in running:
        if p.poll() is None:
            os.killpg(p.pid, signal.SIGKILL)  # Node's program of the wheel starts another
        p.wait()


def stdio(program, *args, **more):
    return {"kind": "mcp", "command": [str(program), *map(str, args)], **PATH, **more}


# -- what the official client gets -------------------------------------------------------------------------------------

def text_of(result):
    """A result as docs/tools.md says that a model is told it."""
    lines = []
    for block in result.content:
        if block.type == "text":
            lines.append(block.text)
        elif block.type == "resource_link":
            lines.append(f"[resource {block.name}: {block.uri}]")
        elif block.type == "resource" and hasattr(block.resource, "text"):
            lines.append(block.resource.text)
        elif block.type == "image":
            lines.append(f"[image {block.mime_type}, {len(base64.b64decode(block.data))} bytes, which cannot be shown here]")
        else:
            raise AssertionError(block)
    return "\n".join(lines) if lines or result.structured_content is None else json.dumps(result.structured_content, separators=(",", ":"))


def official(place, calls):
    """(names, [(failed, text)]) by the official client for Python."""
    from mcp import Client
    from mcp.client.stdio import StdioServerParameters

    async def ask_all():
        where = place if isinstance(place, str) else StdioServerParameters(command=place[0], args=place[1:], env=PATH["env"])
        async with Client(where) as client:
            listed = [t.name for t in (await client.list_tools()).tools]
            results = [await client.call_tool(name, arguments) for name, arguments in calls]
            return listed, [(bool(r.is_error), text_of(r)) for r in results]

    return asyncio.run(ask_all())


def ours(path, calls):
    status, out, err = run(path, "list", "--json")
    assert (status, err) == (0, "")
    said = [call(path, name, arguments) for name, arguments in calls]
    return [t["name"] for t in json.loads(out)], [(s["outcome"] == "failed", s.get("result", s.get("error"))) for s in said]


EVERYTHING = [("echo", {"message": 'ä "quoted"\n'}), ("get-sum", {"a": 2, "b": 3.5}), ("get-tiny-image", {}), ("get-structured-content", {"location": "New York"}),
              ("get-resource-links", {"count": 2}), ("get-annotated-message", {"messageType": "error", "includeImage": True}), ("trigger-long-running-operation", {"duration": 1, "steps": 2})]
SERVED = [("add", {"a": 2}), ("add", {"a": -1, "b": 10**12}), ("words", {"text": "a ä 字"}), ("fail", {})]
STREAMS = {
    "everything": ([NODE / "mcp-server-everything"], EVERYTHING),
    "filesystem": ([NODE / "mcp-server-filesystem", "FOLDER"], [("read_text_file", {"path": "FOLDER/a.txt"}), ("list_directory", {"path": "FOLDER"}), ("read_text_file", {"path": "/etc/passwd"})]),
    "memory": ([NODE / "mcp-server-memory"], [("read_graph", {}), ("search_nodes", {"query": "nobody"})]),
    "sequential-thinking": ([NODE / "mcp-server-sequential-thinking"], [("sequentialthinking", {"thought": "x", "nextThoughtNeeded": False, "thoughtNumber": 1, "totalThoughts": 1})]),
    "time": ([PYTHON / "mcp-server-time"], [("convert_time", {"source_timezone": "nowhere", "time": "12:00", "target_timezone": "UTC"})]),
    "git": ([PYTHON / "mcp-server-git"], [("git_log", {"repo_path": "FOLDER", "max_count": 1}), ("git_status", {"repo_path": "/nowhere"})]),
    "fetch": ([PYTHON / "mcp-server-fetch"], [("fetch", {"url": "http://127.0.0.1:1/"})]),
}


@pytest.mark.parametrize("name", STREAMS)
def test_servers_over_streams_say_what_they_say_to_the_official_client(tmp_path, name):
    (tmp_path / "a.txt").write_text("Zeile ä\n")
    for command in (["init", "-q"], ["add", "a.txt"], ["-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    command, calls = STREAMS[name]
    command = [str(c).replace("FOLDER", str(tmp_path)) for c in command]
    calls = [(n, json.loads(json.dumps(a).replace("FOLDER", str(tmp_path)))) for n, a in calls]
    path = written(tmp_path, {"it": stdio(*command, max_result="1MB")})
    names, said = official(command, calls)
    assert ours(path, calls) == ([n for n in names if n not in TASKS], said)


TASKS = ["simulate-research-query"]  # which can be called as tasks alone


@pytest.mark.parametrize("name,command,calls", [
    ("everything", [NODE / "mcp-server-everything", "streamableHttp"], EVERYTHING),
    ("sdk", [sys.executable, HERE / "mcp_servers.py", "sdk", "PORT"], SERVED),
    ("fastmcp", [sys.executable, HERE / "mcp_servers.py", "fastmcp", "PORT"], SERVED),
    ("typescript", [NODE_PROGRAM, HERE / "node" / "mcp_server.mjs", "PORT"], [("join", {"a": "ä\n", "b": "b"}), ("join", {"a": "plain", "b": ""}), ("only_structure", {})]),
])
def test_servers_over_http_say_what_they_say_to_the_official_client(tmp_path, served, name, command, calls):
    url = served(command, env=PATH["env"])
    path = written(tmp_path, {"it": {"kind": "mcp", "url": url, "max_result": "1MB"}})
    names, said = official(url, calls)
    assert ours(path, calls) == ([n for n in names if n not in TASKS], said)


# -- weir tools --------------------------------------------------------------------------------------------------------

def test_names_that_two_have_and_names_that_models_may_not_have(tmp_path):
    path = written(tmp_path, {"one": stdio(*ODD), "get_current_time": {"kind": "builtin"}, "two": stdio(*ODD)})
    status, out, err = run(path, "list", "--json")
    names = [t["name"] for t in json.loads(out)]
    assert (status, err) == (0, "") and len(names) == len(set(names)) == 2 * 19 + 1
    assert names[0] == "get_current_time" and {"pid", "two_pid", "odd_name", "two_odd_name"} < set(names)
    assert "task" not in names
    first, other = (call(path, n)["result"] for n in ("odd_name", "two_odd_name"))
    assert first.startswith("odd.name says") and other.startswith("odd.name says")
    again, = (n for n in names if n.startswith("odd_name_"))
    assert call(path, again)["result"].startswith("odd_name says")


def test_how_many_real_tools_have_a_strict_form(tmp_path):
    """Of each of these servers' tools, whether its schema can be told as strict mode wants it; docs/functions.md has the figure."""
    listed = []
    for name, (command, _) in STREAMS.items():  # one after the other: a start waits for its lists, and not for ever
        place = [str(c).replace("FOLDER", str(tmp_path)) for c in command]
        status, out, err = run(written(tmp_path, {name: {**stdio(*place), "strict": True}}), "list", "--json")
        assert (status, err) == (0, "")
        listed += json.loads(out)
    strict = [t["name"] for t in listed if t["strict"]]
    print(f"{len(strict)} of {len(listed)}; not: {[t['name'] for t in listed if not t['strict']]}")
    told = re.search(r"Of the (\d+) tools of seven servers of npm and PyPI that the tests run (\d+) have one", (daemon.ROOT / "docs" / "functions.md").read_text())
    assert told and [int(n) for n in told.groups()] == [len(listed), len(strict)]


def test_check_asks_servers_for_their_tools(tmp_path):
    good = {"a": stdio(*ODD, "paged"), "get_current_time": {"kind": "builtin"}}
    assert run(written(tmp_path, good), "check") == (0, "5 tools are good\n", "")
    status, out, err = run(written(tmp_path, {"a": stdio(*ODD, "strange")}), "check")
    assert (status, out) == (0, "1 tool is good\n")
    assert err.endswith("warning: tools.a: some that it lists are left out: 4 without a name of 1 to 128 bytes; 1 whose name another has; "
                        "1 that can be called as a task alone\n")
    assert run(written(tmp_path, {"a": stdio(*ODD, "empty")}), "list") == (0, "", "weir: what the configuration has under tools brings none\n")
    bad = {"f": stdio(*ODD, "listless"), "a": stdio(*ODD, "dies"), "b": stdio(tmp_path / "none"), "c": {"kind": "mcp", "url": f"http://127.0.0.1:{free_port()}/mcp"},
           "d": stdio(*ODD, "old"), "e": stdio(*ODD, "unlisted")}
    status, out, err = run(written(tmp_path, bad), "check", "--json")
    problems = {t["name"]: t["problem"] for t in json.loads(out)}
    assert status == 1 and len(problems) == 6
    assert problems["a"] == "tools.a: its process is not there any more: it ended with status 1: no such luck"
    assert problems["f"] == "tools.f: its list of tools is none"
    assert "there is no program" in problems["b"] and "it cannot be reached" in problems["c"]
    assert problems["d"].endswith("it speaks a version of the protocol that weir does not")
    assert problems["e"].endswith("it refused with error -32601: Method not found")


@pytest.mark.parametrize("tool,said", [
    ({"kind": "mcp"}, "command or tools.x.url is missing"),
    ({"kind": "mcp", "command": ["a"], "url": "http://a/"}, "tools.x.url is for an MCP server with a url; this one has a command"),
    ({"kind": "mcp", "url": "http://a/", "env": {"A": "b"}}, "tools.x.env is for an MCP server with a command; this one has a url"),
    ({"kind": "mcp", "url": "http://a/", "method": "GET"}, "tools.x.method is for kind: http; this tool is mcp"),
    ({"kind": "mcp", "url": "http://a/", "description": "d"}, "tools.x.description: the tools of an MCP server have their own"),
    ({"kind": "mcp", "url": "ftp://a/"}, "tools.x.url"),
])
def test_what_cannot_be_configured(tmp_path, tool, said):
    status, out, err = run(written(tmp_path, {"x": tool}), "list")
    assert status == 1 and said in err


def test_private_addresses_may_be_refused(tmp_path, served):
    url = served([*ODD, "PORT"])
    tool = {"kind": "mcp", "url": url}
    assert call(written(tmp_path, {"x": tool}), "odd_name")["outcome"] == "done"
    status, out, err = run(written(tmp_path, {"x": {**tool, "allow_private": False}}), "list")
    assert "its tools are not known: it cannot be reached" in err


# -- one that does not behave ------------------------------------------------------------------------------------------

@pytest.mark.parametrize("name,outcome,said", [
    ("die", "failed", r"the MCP server failed: its process is not there any more: it ended with status 3: .*it was too much"),
    ("last", "done", r"the last line"),
    ("torn", "failed", r"the MCP server failed: its process is not there any more: it ended with status 4.*"),
    ("hang", "timed_out", r"the tool did not answer within 3s"),
    ("ask", "done", r'\{"code": -32601, "message": "this client does not serve that"\}'),
    ("elicit", "done", r'\{"action": "decline"\}'),
    ("ping", "done", r"\{\}"),
    ("huge", "too_large", r"the MCP server failed: its answer is larger than it may be"),
    ("garbage", "done", r"after garbage"),
    ("latin", "failed", r"the MCP server failed: its answer is no message of JSON-RPC that can be read"),
    ("deep", "failed", r"the MCP server failed: its answer is no message of JSON-RPC that can be read"),
    ("batch", "failed", r"the MCP server failed: its answer is no message of JSON-RPC that can be read"),
    ("wrong", "failed", r"the MCP server's answer is no result of a call"),
    ("refuse", "failed", r"the MCP server failed: it refused with error -32602: Unknown tool: refuse"),
])
def test_a_call_of_one_that_does_not_behave_ends(tmp_path, name, outcome, said):
    limit = "3s" if outcome == "timed_out" else "30s"
    path = written(tmp_path, {"odd": stdio(*ODD, "ends", tmp_path.name, timeout=limit)})
    answer = call(path, name)
    assert answer["outcome"] == outcome and re.fullmatch(said, answer.get("result", answer.get("error"))), answer
    gone(tmp_path.name)


def test_one_that_floods_is_read(tmp_path):
    path = written(tmp_path, {"odd": stdio(*ODD, tmp_path.name)})
    assert call(path, "flood")["result"] == "flooded"
    gone(tmp_path.name)


def test_pages_without_end_and_one_that_never_answers(tmp_path):
    status, out, err = run(written(tmp_path, {"odd": stdio(*ODD, "endless")}), "list", "--json")
    assert status == 0 and len(json.loads(out)) == 100
    status, out, err = run(written(tmp_path, {"odd": stdio(*ODD, "mute", tmp_path.name)}), "list", "--json")
    assert (status, json.loads(out)) == (0, []) and "tools.odd: its tools are not known: it has not answered yet" in err
    gone(tmp_path.name)


@pytest.mark.parametrize("name,outcome,said", [
    ("forget", "done", "forgotten"),
    ("text", "failed", "the MCP server failed: its answer is neither JSON nor a stream of events"),
    ("fail", "failed", "the MCP server failed: it answered 500 Internal Server Error: Internal <b>error</b> of sorts"),
    ("cut", "done", "the rest"),
    ("cut_bare", "failed", "the MCP server failed: its stream ended without an answer"),
    ("hang", "timed_out", "the tool did not answer within 2s"),
    ("refuse", "failed", "the MCP server failed: it refused with error -32602: Unknown tool: refuse"),
])
def test_a_call_over_http_of_one_that_does_not_behave_ends(tmp_path, served, name, outcome, said):
    path = written(tmp_path, {"odd": {"kind": "mcp", "url": served([*ODD, "PORT"]), "timeout": "2s" if outcome == "timed_out" else "30s"}})
    answer = call(path, name)
    assert (answer["outcome"], answer.get("result", answer.get("error"))) == (outcome, said)


@pytest.fixture
def mark(tmp_path):
    """A word among the arguments of what is started, and of nothing else."""
    return f"mark-{tmp_path.name}"


# -- in a gateway ------------------------------------------------------------------------------------------------------

def tool_of(w, upstream, name, arguments="{}"):
    """The step of a run in which a model calls that tool."""
    upstream.script(calling(calling_of(name, arguments)), saying("Done."))
    answer = ask(w).json()
    assert answer["success"], answer
    step, = answer["steps"]
    return step.get("result", step.get("error"))


def test_a_model_calls_tools_of_a_server_that_all_workers_share(weir, upstream, mark):
    w = weir(upstream, tools={"odd": stdio(*ODD, mark)}, server={"workers": 3})
    pids = {tool_of(w, upstream, "pid") for _ in range(6)}
    assert len(pids) == 1 and len(marked(mark)) == 2  # its guard, and it
    w.stop()
    gone(mark)


# Line ends are blanks to JSON and ends of a message to the server: the second value, cut there, has a call of another tool.
LAID_OUT = {
    "pretty": '{\n  "a": 1,\n  "b": [\n    "x"\n  ]\n}',
    "a call": '{"a": 1, "b":\n{"jsonrpc": "2.0", "id": 9001, "method": "tools/call", "params": {"name": "die", "arguments": {}}}\n}',
    "a note": '{"a": 1, "b":\r{"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"reason": "x"}}\r\n}',
}


def heard_by(lines):
    """What the server was asked to call, of lines that are a message each."""
    return [m["params"]["name"] for m in map(json.loads, lines) if m["method"] == "tools/call"]


@pytest.mark.parametrize("arguments", LAID_OUT.values(), ids=LAID_OUT)
def test_a_call_is_one_line_to_its_server_however_its_arguments_are_laid_out(weir, upstream, mark, arguments):
    w = weir(upstream, tools={"odd": stdio(*ODD, "keeps", mark)})
    assert json.loads(tool_of(w, upstream, "said", arguments)) == json.loads(arguments)
    assert heard_by(json.loads(tool_of(w, upstream, "heard"))) == ["said", "heard"]
    body = '{"jsonrpc": "2.0", "id": 1, "method": "tools/call",\n "params": {"name": "said", "arguments": %s}}' % arguments
    answer = wire.call(w, "POST", "/mcp", body.encode(), {"content-type": "application/json", "mcp-protocol-version": "2025-11-25"}).json()
    assert json.loads(answer["result"]["content"][0]["text"]) == json.loads(arguments)
    lines = json.loads(tool_of(w, upstream, "heard"))
    assert heard_by(lines) == ["said", "heard", "said", "heard"] and not any("\r" in line for line in lines)


@pytest.mark.parametrize("strict", [True, False])
def test_schemas_of_a_server_are_told_in_strict_form_where_asked(weir, upstream, mark, strict):
    w = weir(upstream, tools={"odd": {**stdio(*ODD, mark), "strict": strict}})
    tool_of(w, upstream, "pid")
    told = next(t["function"] for t in json.loads(upstream.requests[0].body)["tools"] if t["function"]["name"] == "pid")
    assert told.get("strict", False) is strict
    assert told["parameters"].get("additionalProperties") is (False if strict else None)


def test_a_server_that_dies_in_mid_call_is_started_anew(weir, upstream, mark):
    w = weir(upstream, tools={"odd": stdio(*ODD, mark)})
    first = tool_of(w, upstream, "pid")
    for _ in range(2):
        assert "it ended with status 3" in tool_of(w, upstream, "die")
        again = tool_of(w, upstream, "pid")  # waits for the start
        assert again.isdigit() and again != first
        first = again
    os.kill(int(first), signal.SIGKILL)
    daemon.wait_until(lambda: tool_of(w, upstream, "pid") not in ("", first), 20, "it is there again")


def test_a_list_that_changes(weir, upstream, mark):
    w = weir(upstream, tools={"odd": stdio(*ODD, mark)})
    assert "there is no tool" in tool_of(w, upstream, "new_20")
    assert tool_of(w, upstream, "change") == "changed"
    daemon.wait_until(lambda: tool_of(w, upstream, "new_20").startswith("new_20 says"), 20, "the new tool is there")


def test_a_reload_that_does_not_change_it_leaves_a_server_alone(weir, upstream, mark):
    tools = {"odd": stdio(*ODD, mark)}
    config = daemon.config_for(upstream, tools=tools)
    w = weir(upstream, tools=tools)
    first = tool_of(w, upstream, "pid")
    config["functions"] = {"max_steps": 3}
    w.reload(json.loads(json.dumps(config)))
    assert tool_of(w, upstream, "pid") == first
    config["tools"]["odd"]["env"] = {**config["tools"]["odd"]["env"], "OTHER": "1"}
    w.reload(json.loads(json.dumps(config)))
    assert tool_of(w, upstream, "pid") not in ("", first)
    del config["tools"]
    w.reload(json.loads(json.dumps(config)))
    gone(mark)


def test_a_call_that_nobody_waits_for_is_cancelled(weir, upstream, mark):
    w = weir(upstream, tools={"odd": stdio(*ODD, mark, timeout="1s")})
    assert tool_of(w, upstream, "hang") == "the tool did not answer within 1s"
    assert tool_of(w, upstream, "odd_name") == 'odd.name says ["nobody waits for it any more"]'
    assert tool_of(w, upstream, "late") == "the tool did not answer within 1s"
    assert "nobody waits" in tool_of(w, upstream, "odd_name")  # and what came late was dropped


def test_a_session_that_the_server_forgets_is_opened_anew(weir, upstream, served):
    w = weir(upstream, tools={"odd": {"kind": "mcp", "url": served([*ODD, "PORT"])}})
    assert tool_of(w, upstream, "forget") == "forgotten"
    assert tool_of(w, upstream, "odd_name") == "odd.name says []"


def test_an_answer_that_cannot_be_read_is_not_listened_to_any_longer(weir, upstream, served):
    w = weir(upstream, tools={"odd": {"kind": "mcp", "url": served([*ODD, "PORT", "mumbles"])}})
    daemon.wait_until(lambda: tool_of(w, upstream, "left") == '["server/discover"]', 20, "its connection is kept")


def test_a_server_over_http_that_comes_back(weir, upstream, served):
    port = free_port()
    url = served([*ODD, "PORT"], port=port)
    w = weir(upstream, tools={"odd": {"kind": "mcp", "url": url}})
    assert tool_of(w, upstream, "odd_name") == "odd.name says []"
    served.running[0].kill()
    served.running[0].wait()
    assert "it cannot be reached" in tool_of(w, upstream, "odd_name")
    served([*ODD, "PORT"], port=port)
    daemon.wait_until(lambda: tool_of(w, upstream, "odd_name") == "odd.name says []", 30, "it is there again")


def figure(w, name, server="odd"):
    return w.metrics().get(f'{name}{{server="{server}"}}')


def test_a_server_that_is_away_is_told(weir, upstream, served):
    port = free_port()
    url = served([*ODD, "PORT"], port=port)
    tools = {"odd": {"kind": "mcp", "url": url}, "never": stdio("/bin/false")}
    w = weir(upstream, tools=tools)
    assert w.wait_event("mcp_server_down")["server"] == "never"
    daemon.wait_until(lambda: figure(w, "weir_mcp_server_down", "never") == 1 and figure(w, "weir_mcp_server_down") == 0, 10, "it is not told")
    assert figure(w, "weir_mcp_server_losses_total", "never") >= 1 and not figure(w, "weir_mcp_server_losses_total")
    served.running[0].kill()
    served.running[0].wait()
    assert "it cannot be reached" in tool_of(w, upstream, "odd_name")
    daemon.wait_until(lambda: figure(w, "weir_mcp_server_down") == 1, 10, "the figure says that it is there")
    daemon.wait_until(lambda: [e for e in w.log if e.get("event") == "mcp_server_down" and e["server"] == "odd"], 5, "not logged")
    (line,) = [e for e in w.log if e.get("event") == "mcp_server_down" and e["server"] == "odd"]
    assert line["level"] == "warn" and line["reason"] and url not in line["reason"]
    served([*ODD, "PORT"], port=port)
    daemon.wait_until(lambda: tool_of(w, upstream, "odd_name") == "odd.name says []", 30, "it is there again")
    assert w.wait_event("mcp_server_up")["server"] == "odd"
    daemon.wait_until(lambda: figure(w, "weir_mcp_server_down") == 0, 10, "the figure says that it is away")
    config = daemon.config_for(upstream, tools={"odd": tools["odd"]})
    w.reload(json.loads(json.dumps(config)))
    daemon.wait_until(lambda: figure(w, "weir_mcp_server_down", "never") == 0, 10, "what is gone is told as away")


def test_a_server_that_is_back_at_once_is_told_too(weir, upstream, mark):
    w = weir(upstream, tools={"odd": stdio(*ODD, mark)})
    assert "it ended with status 3" in tool_of(w, upstream, "die")
    assert w.wait_event("mcp_server_down")["reason"] and w.wait_event("mcp_server_up")["server"] == "odd"
    daemon.wait_until(lambda: figure(w, "weir_mcp_server_losses_total") == 1, 10, "it is not counted")


def test_what_a_server_lists_and_is_none_of_its_tools_is_told_once(weir, upstream, mark):
    w = weir(upstream, tools={"odd": stdio(*ODD, "strange", mark)})
    line = w.wait_event("mcp_tools_left_out")
    assert (line["level"], line["server"], line["tools"]) == ("warn", "odd", 6)
    assert line["reason"] == "4 without a name of 1 to 128 bytes; 1 whose name another has; 1 that can be called as a task alone"
    assert figure(w, "weir_mcp_tools_left_out") == 6
    w.reload(daemon.config_for(upstream, tools={"odd": stdio(*ODD, "strange", mark)}, retry={"retries": 1}))  # leaves it alone
    config = daemon.config_for(upstream, tools={"good": stdio(*ODD, mark)})
    w.reload(config)
    daemon.wait_until(lambda: figure(w, "weir_mcp_tools_left_out") == 0, 10, "what is gone is told as there")

    def told():
        return [(e["server"], e["tools"]) for e in w.log if e.get("event") == "mcp_tools_left_out"]

    daemon.wait_until(lambda: len(told()) > 1, 10, "the other's is not told")
    assert told() == [("odd", 6), ("good", 1)]


def test_nothing_is_left_where_weir_is_killed(weir, upstream, mark):
    w = weir(upstream, tools={"odd": stdio(*ODD, mark)})
    assert tool_of(w, upstream, "pid").isdigit()
    w.expect_exit = None
    w.kill()
    gone(mark)
