"""Records of commands' calls (--ledger): in the store of a weir that runs or does not, each once, with its cost."""

import json
import signal
import subprocess
import threading

import pytest

import bodies
import daemon
import postgres
import wire
from batches import ask, by_id, echo
from terminal import environment
from upstream import after, error, reply, sse

PRICES = {"*": {"input": 1, "output": 2}}


def config(folder, upstream, **over):
    """-c FILE of one that keeps its records in the folder."""
    return folder.config(upstream, **{"ledger": {"store": f"sqlite:{folder.path}/kept/ledger.db"}, "prices": PRICES, **over})


def command(folder, *args, expect=0, input=None):
    done = subprocess.run([daemon.WEIR, *map(str, args)], cwd=folder.path, env=environment(folder.path, {}), input=input or "", capture_output=True,
                          text=True, timeout=30)
    assert done.returncode == expect, (done.stdout, done.stderr)
    return done.stderr if expect else done.stdout


def calls(folder, where):
    return json.loads(command(folder, "calls", *where, "--json", "--limit", "1000"))["data"]


def nano(call):
    return call["prompt_tokens"] * 1000 + call["completion_tokens"] * 2000


def lines(folder, count):
    folder.put(*(ask(f"id-{i}", f"line {i}") for i in range(count)))


def test_each_call_of_a_batch_is_recorded(folder, upstream):
    upstream.script(error(503), error(400))
    upstream.always(echo)
    where = config(folder, upstream)
    lines(folder, 20)
    folder.run("in.jsonl", "-o", "out.jsonl", *where, "--ledger", expect=3)
    kept = calls(folder, where)
    assert len(kept) == 20 and len({c["request_id"] for c in kept}) == 20
    assert sorted(c["outcome"] for c in kept) == ["failed"] + ["ok"] * 19 and max(c["attempts"] for c in kept) == 2
    assert all(c["cost_nano"] == nano(c) > 0 and c["target"] == "main/m" and c["tries"] for c in kept if c["outcome"] == "ok")
    summary = json.loads(command(folder, "usage", *where, "--json"))
    assert (summary["total_calls"], summary["cost_nano"]) == (20, sum(c["cost_nano"] for c in kept))
    assert list((folder.path / "kept/commands/0/journal").iterdir()) == []  # nothing waits


def test_without_the_option_nothing_is_recorded(folder, upstream):
    upstream.always(echo)
    where = config(folder, upstream)
    lines(folder, 2)
    folder.run("in.jsonl", "-o", "out.jsonl", *where)
    command(folder, "chat", *where, "hello")
    assert not (folder.path / "kept").exists()


def hello(request):
    return sse(bodies.stream("Hel", "lo")) if request.json().get("stream") else reply(200, bodies.completion("Hello"))


@pytest.mark.parametrize("more", [[], ["--no-stream"]], ids=["stream", "plain"])
def test_a_chat_is_recorded(folder, upstream, more):
    upstream.always(hello)
    where = config(folder, upstream)
    command(folder, "chat", *where, "--ledger", *more, "-m", "m", "hello")
    [one] = calls(folder, where)
    assert one["outcome"] == "ok" and one["stream"] is (not more) and one["cost_nano"] == nano(one) > 0 and one["endpoint"] == "chat.completions"


def test_what_is_broken_off_is_recorded(folder, upstream):
    """A client's end is that of its calls, and each has its record."""
    gate = threading.Event()
    events = bodies.stream("a", "b")
    upstream.script(sse([*events[:2], gate, *events[2:]]))
    where = config(folder, upstream)
    chat = subprocess.Popen([daemon.WEIR, "chat", *map(str, where), "--ledger", "-m", "m", "hello"], cwd=folder.path, stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(folder.path, {}))
    assert chat.stdout.read(1) == b"a"
    chat.send_signal(signal.SIGINT)
    assert chat.wait(20) == 130
    gate.set()
    chat.stdout.close()
    [one] = calls(folder, where)
    assert (one["outcome"], one["status"]) == ("cancelled", 499) and one["cost_nano"] > 0


def test_a_weir_that_runs_has_them_too(folder, upstream, weir):
    """Two batches at a time beside a server on the same store; each has a journal of its own."""
    gate = threading.Event()
    upstream.always(lambda r: after(gate, echo))
    store = {"ledger": {"store": f"sqlite:{folder.path}/kept/ledger.db"}}
    w = weir(upstream, **store, prices=PRICES)
    where = config(folder, upstream)
    lines(folder, 30)
    (folder.path / "two.jsonl").write_bytes(folder.input.read_bytes())
    runs = [folder.start(name, "-o", name + ".out", *where, "--ledger", "-q") for name in ("in.jsonl", "two.jsonl")]
    upstream.wait_requests(2)
    daemon.wait_until(lambda: (folder.path / "kept/commands/1/ledger.lock").exists(), 10, "a second directory")
    gate.set()
    own = wire.chat(w).header("x-request-id")
    for run in runs:
        folder.end(run, 0)
    summary = wire.call(w, "GET", "/usage/summary").json()
    assert summary["total_calls"] == 61 and summary["successful_calls"] == 61 and summary["unpriced_calls"] == 0
    assert wire.call(w, "GET", f"/usage/calls/{own}").status == 200


def test_what_a_killed_run_has_left_the_next_one_brings(folder, upstream):
    """What was written to the files of results is recorded, once; what was under way is interrupted."""
    gate = threading.Event()
    upstream.always(lambda r: after(gate, echo) if len(upstream.requests) > 12 else echo(r))
    where = config(folder, upstream)
    lines(folder, 20)
    run = folder.start("in.jsonl", "-o", "out.jsonl", *where, "--ledger")
    upstream.wait_requests(13)
    daemon.wait_until(lambda: len(by_id(folder.output, growing=True)) >= 12, 20, "12 results")
    run.send_signal(signal.SIGKILL)
    run.wait()
    gate.set()
    folder.running.clear()
    folder.run("in.jsonl", "-o", "out.jsonl", *where, "--ledger")
    kept = calls(folder, where)
    ended = [c for c in kept if c["outcome"] == "ok"]
    broken = [c for c in kept if c["outcome"] != "ok"]
    assert len(by_id(folder.output)) == 20 and len(ended) == 20, kept
    assert broken and {(c["outcome"], c["error_code"]) for c in broken} == {("interrupted", "interrupted")}


def test_what_cannot_be_recorded_is_said_before_a_call(folder, upstream):
    lines(folder, 1)
    where = config(folder, upstream, ledger="off")
    out, err = folder.run("in.jsonl", "-o", "out.jsonl", *where, "--ledger", expect=1)
    assert err == "weir: --ledger: the configuration keeps no records (ledger: off)\n"
    (folder.path / "file").write_text("")
    where = config(folder, upstream, ledger={"store": f"sqlite:{folder.path}/file/ledger.db"})
    assert "--ledger: cannot keep records in" in command(folder, "chat", *where, "--ledger", "hello", expect=1)
    assert upstream.requests == []


@pytest.mark.skipif(postgres.why_not() is not None, reason=str(postgres.why_not()))
def test_a_server_that_is_away_gets_them_from_the_next_run(folder, upstream):
    upstream.always(echo)
    server = postgres.Server()
    try:
        where = config(folder, upstream, ledger={"store": server.database("commands")})
        lines(folder, 3)
        server.stop()
        _, err = folder.run("in.jsonl", "-o", "out.jsonl", *where, "--ledger")
        assert "the store does not take the records of this run: they wait in" in err and "commands/0" in err
        server.start()
        folder.run("in.jsonl", "-o", "again.jsonl", *where, "--ledger")
        assert len(calls(folder, where)) == 6
    finally:
        server.close()
