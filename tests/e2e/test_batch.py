"""weir batch before a scripted provider: the forms of the input, the files of results, what fails, and how a run goes on after
whatever ended the last one."""

import json
import os
import re
import resource
import signal
import subprocess
import threading
import time

import pytest

import bodies
import daemon
from batches import ask, by_id, content, echo, results, said
from daemon import wait_until
from upstream import after, error, refused_port, reply

KEY = {"OPENAI_API_KEY": daemon.PROVIDER_KEY}


def ids(*paths):
    return sorted(by_id(*paths))


def gated(gate, of=lambda request: True):
    """Answers as echo() does; those that are meant only once the gate is open."""
    return lambda request: after(gate, echo) if of(request) else echo(request)


# -- what is asked, and what comes of it -------------------------------------------------------------------------------


def test_openai_format(folder, upstream):
    body = '{"model":"m" , "messages":[{"role":"user","content":"a\\u00e9\\/"}],"seed":12345678901234567890,"x_new":{"b":1e5}}'
    folder.put(ask("a", "first"), '{"custom_id":"b \\"2\\"","method":"POST","url":"/v1/chat/completions","body":%s}' % body, ask("c", "bad"))
    upstream.always(lambda r: error(400, "too bad", code="odd") if said(r) == "bad" else echo(r))
    out, err = folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, env=KEY, expect=3)
    assert out == ""
    found = by_id(folder.output)
    assert sorted(found) == ["a", 'b "2"']
    assert content(found["a"]) == "first"
    assert found["a"]["response"]["status_code"] == 200
    assert {r.body for r in upstream.requests if b"x_new" in r.body} == {body.encode()}, "not byte by byte"
    assert all(r.path == "/v1/chat/completions" and r.header("authorization") == f"Bearer {daemon.PROVIDER_KEY}" for r in upstream.requests)
    failed = by_id(folder.errors)["c"]
    assert failed["response"]["status_code"] == 400
    assert failed["response"]["body"]["error"]["code"] == "odd"
    assert "2 lines answered, 1 failed; 24 tokens" in err
    assert 'line 3 ("c"): invalid: too bad' in err
    assert "answers: out.jsonl; failures: out.errors.jsonl" in err


def test_every_endpoint(folder, upstream):
    places = ["/v1/chat/completions", "/v1/embeddings", "/v1/completions", "/v1/responses", "/v1/moderations"]
    folder.put(*(ask(url, url=url, body={"model": "m", "input": "x", "prompt": "x", "messages": [{}]}) for url in places))
    holds = {"choices": [{"text": "", "finish_reason": "stop"}], "data": [{}], "output": [], "results": [{}]}  # one for each
    upstream.always(lambda r: reply(200, {**holds, "path": r.path, "model": "m", "usage": bodies.USAGE}))
    folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url)
    found = by_id(folder.output)
    assert {one: found[one]["response"]["body"]["path"] for one in found} == {url: url for url in places}


def test_plain_messages(folder, upstream):
    folder.put('{"messages":[{"role":"user","content":"one"}],"model":"own"}',
               '{"messages":[{"role":"developer","content":"mine"},{"role":"user","content":"two"}]}', ask("x", "three", model="m3"))
    upstream.always(echo)
    folder.run("in.jsonl", "-m", "base", "--system", 'Be "brief".', "--url", upstream.url)
    asked = {said(r): (r.json()["model"], r.json()["messages"][0]) for r in upstream.requests}
    assert asked["one"] == ("own", {"role": "system", "content": 'Be "brief".'})
    assert asked["two"] == ("base", {"role": "developer", "content": "mine"})
    assert asked["three"][0] == "m3"
    assert ids(folder.path / "in.out.jsonl") == ["line-1", "line-2", "x"]


def test_prompts(folder, upstream):
    prompts = folder.path / "prompts.txt"
    prompts.write_text('Say "hi" \\ {now}\n\n  \t\nzwei – ✓\nlast')
    upstream.always(echo)
    folder.run("prompts.txt", "--system", "Kurz.", "-m", "base", "--url", upstream.url)
    found = by_id(folder.path / "prompts.out.jsonl")
    assert {one: content(found[one]) for one in found} == {
        "line-1": 'Say "hi" \\ {now}', "line-4": "zwei – ✓", "line-5": "last"}
    assert all(r.json()["messages"][0] == {"role": "system", "content": "Kurz."} for r in upstream.requests)


def test_bad_lines_are_told_and_stop_no_other(folder, upstream):
    good = ask("last", "no newline at the end")
    folder.put(b"\xef\xbb\xbf" + ask("first", "behind a byte order mark").encode(),
               '{"custom_id":"a",',
               ask("crlf", "with CRLF") + "\r",
               ask("first", "again"),
               ask("get", method="GET"),
               ask("place", url="/v1/files"),
               b'{"custom_id":"\xff"}',
               "",
               json.dumps({"custom_id": "nobody", "method": "POST", "url": "/v1/chat/completions"}),
               json.dumps({"method": "POST", "url": "/v1/chat/completions", "body": {}}),
               ask("stream", stream=True),
               ask("large", "x" * 10_000_000),
               "[1]",
               good, end="")
    upstream.always(echo)
    out, err = folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=3)
    assert "answers: out.jsonl; failures: out.errors.jsonl (--retry-failed asks those lines again)" in err
    found = by_id(folder.output)
    assert {one: content(found[one]) for one in found} == {
        "first": "behind a byte order mark", "crlf": "with CRLF", "last": "no newline at the end"}
    failed = {one["error"]["line"]: (one["error"]["code"], one["custom_id"], one["error"]["message"]) for one in results(folder.errors)}
    assert {n: code for n, (code, _, _) in failed.items()} == {
        2: "invalid_json_line", 4: "duplicate_custom_id", 5: "invalid_method", 6: "invalid_url", 7: "invalid_utf8", 9: "invalid_body",
        10: "invalid_custom_id", 11: "stream_not_supported", 12: "line_too_long", 13: "invalid_line"}
    assert failed[4][1:] == ("first", 'line 4: custom_id "first" is that of line 1 too')
    assert failed[2][2].startswith("line 2: is not JSON: ")
    assert failed[12][2].endswith("bytes; allowed are 8388608 (--max-line)")
    for number, (_, custom_id, message) in failed.items():
        told = message if custom_id is None else message.replace(f"line {number}:", f"line {number} ({json.dumps(custom_id)}):", 1)
        assert f"weir: {told}\n" in err, number
    # Once more: nothing of it is asked again, nor told twice.
    folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=3)
    assert len(upstream.requests) == 3
    assert len(results(folder.errors)) == len(failed)


def test_a_longer_line_can_be_allowed(folder, upstream):
    folder.put(ask("large", "x" * 25_000_000), ask("small"))
    upstream.always(lambda r: reply(200, bodies.completion(str(len(r.body)))))
    folder.run("in.jsonl", "-o", "out.jsonl", "--max-line", "30MB", "--url", upstream.url)
    assert int(content(by_id(folder.output)["large"])) > 25_000_000


def test_a_first_line_that_is_broken_makes_no_prompts(folder, upstream):
    folder.put("custom_id,method", ask("a"))
    upstream.always(echo)
    folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=3)
    assert ids(folder.output) == ["a"]
    assert results(folder.errors)[0]["error"]["code"] == "invalid_json_line"


# -- standard input and output -----------------------------------------------------------------------------------------


def test_standard_input_and_output(folder, upstream):
    upstream.always(lambda r: error(400) if said(r) == "bad" else echo(r))
    out, err = folder.run("-", "-o", "-", "--url", upstream.url, input=f"{ask('a', 'one')}\n{ask('b', 'bad')}\n{{\n", expect=3)
    found = [json.loads(line) for line in out.splitlines()]
    assert {one["custom_id"] for one in found} == {"a", "b", None}, "results alone are on standard output, all of them"
    assert "1 line answered, 2 failed" in err
    assert os.listdir(folder.path) == []


def test_answers_into_a_pipe_failures_into_a_file(folder, upstream):
    folder.put(ask("a"), ask("b", "bad"))
    upstream.always(lambda r: error(400) if said(r) == "bad" else echo(r))
    out, err = folder.run("in.jsonl", "-o", "-", "--errors", "bad.jsonl", "--url", upstream.url, expect=3)
    assert "answers: standard output; failures: bad.jsonl\n" in err, "where no answers are kept, --retry-failed is refused"
    assert [json.loads(line)["custom_id"] for line in out.splitlines()] == ["a"]
    assert ids(folder.path / "bad.jsonl") == ["b"]
    _, err = folder.run("in.jsonl", "-o", "-", "--errors", "bad.jsonl", "--url", upstream.url, expect=1)
    assert "bad.jsonl has the failures of an earlier run, whose answers are not known" in err


def test_a_pipe_that_nobody_reads_holds_calls_back(folder, upstream):
    """A slow reader slows the calls down and loses nothing; memory does not grow meanwhile."""
    large = "x" * 500_000
    folder.put(*(ask(f"r{i}", f"{i}") for i in range(60)))
    upstream.always(lambda r: reply(200, bodies.completion(large + said(r))))
    process = folder.start("in.jsonl", "-o", "-", "-j", "2", "--url", upstream.url)
    wait_until(lambda: len(upstream.requests) >= 8, 20, "no calls")
    quiet = 0
    while quiet < 25:  # nobody reads: so no new calls after a while
        before = len(upstream.requests)
        time.sleep(0.02)
        quiet = quiet + 1 if len(upstream.requests) == before else 0
    assert len(upstream.requests) < 20, "4 MB of answers wait at most"
    out, _ = folder.end(process, 0)
    assert sorted(int(content(json.loads(line))[len(large):]) for line in out.splitlines()) == list(range(60))


def test_a_reader_that_leaves_ends_the_batch(folder, upstream):
    folder.put(*(ask(f"r{i}") for i in range(1000)))
    upstream.always(echo)
    process = folder.start("in.jsonl", "-o", "-", "--url", upstream.url)
    assert json.loads(process.stdout.readline())["response"]["status_code"] == 200
    process.stdout.close()
    process.stdout = None
    _, err = folder.end(process, 1)
    assert "cannot write standard output: Broken pipe" in err


def test_closed_standard_output_is_told(folder, upstream):
    folder.put(ask("a"))
    upstream.always(echo)
    script = f"exec '{daemon.WEIR}' batch in.jsonl -o - --url {upstream.url} >&-"
    done = subprocess.run(["sh", "-c", script], cwd=folder.path, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "cannot write standard output" in done.stderr


# -- going on ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_stopped_and_resumed(folder, upstream, first, status):
    """The first signal lets the calls under way end; nothing is asked twice."""
    folder.put(*(ask(f"r{i}", f"{i}") for i in range(30)))
    gate = threading.Event()
    upstream.always(gated(gate, lambda r: int(said(r)) >= 10))
    process = folder.start("in.jsonl", "-o", "out.jsonl", "-j", "4", "--url", upstream.url)
    wait_until(lambda: len(upstream.requests) == 14, 20, "10 were answered, 4 wait")
    process.send_signal(first)
    for line in process.stderr:
        if b"stopping: 4 calls are still under way" in line:
            break
    gate.set()
    _, err = folder.end(process, status)
    assert "run the same command again and it goes on here" in err
    assert len(upstream.requests) == 14, "nothing new was begun"
    assert len(results(folder.output)) == 14
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", "-j", "4", "--url", upstream.url)
    assert "14 lines answered before, 0 failed" in err
    assert len(by_id(folder.output)) == 30
    assert sorted(int(said(r)) for r in upstream.requests) == list(range(30)), "each was asked once"
    folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url)  # nothing is left
    assert len(upstream.requests) == 30


def test_the_second_signal_cancels(folder, upstream):
    folder.put(*(ask(f"r{i}", f"{i}") for i in range(6)))
    gate = threading.Event()
    upstream.always(gated(gate, lambda r: int(said(r)) >= 2))
    process = folder.start("in.jsonl", "-o", "out.jsonl", "-j", "3", "--url", upstream.url)
    wait_until(lambda: len(upstream.requests) == 5, 20, "2 were answered, 3 wait")
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if b"press Ctrl-C again" in line:
            break
    process.send_signal(signal.SIGINT)
    folder.end(process, 130)
    for request in upstream.requests:
        if int(said(request)) >= 2:
            request.wait_closed()
    assert ids(folder.output) == ["r0", "r1"]
    assert not folder.errors.exists(), "cancelled is not failed"
    gate.set()
    folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url)
    assert len(by_id(folder.output)) == 6


def test_a_restart_that_was_stopped_goes_on_without_restarting(folder, upstream):
    folder.put(ask("a"), ask("b"))
    gate = threading.Event()
    upstream.always(gated(gate))
    process = folder.start("in.jsonl", "-o", "out.jsonl", "-j", "1", "--restart", "--url", upstream.url)
    upstream.wait_requests(1)
    process.send_signal(signal.SIGINT)
    for line in process.stderr:
        if b"press Ctrl-C again" in line:
            break
    gate.set()
    _, err = folder.end(process, 130)
    assert "run the same command without --restart and it goes on here" in err
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", "-j", "1", "--url", upstream.url)
    assert len(upstream.requests) == 2 and ids(folder.output) == ["a", "b"]


def test_killed_and_resumed(folder, upstream):
    folder.put(*(ask(f"r{i}", f"{i}") for i in range(20)))
    gate = threading.Event()
    upstream.always(gated(gate, lambda r: int(said(r)) == 7))
    process = folder.start("in.jsonl", "-o", "out.jsonl", "-j", "2", "--url", upstream.url)
    wait_until(lambda: len(results(folder.output, growing=True)) == 19, 20, "all but one are on the disk")
    process.kill()
    folder.end(process, -signal.SIGKILL)
    with open(folder.output, "a") as f:
        f.write('{"id":"batch_req_8_00')  # as a crash in the middle of a write leaves it
    gate.set()
    folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url)
    assert len(by_id(folder.output)) == 20
    assert len(upstream.requests) == 21, "the one that was under way was asked again, no other"


def test_the_input_may_grow_but_not_change(folder, upstream):
    upstream.always(echo)
    lines = [ask("a", "1"), ask("b", "2")]
    folder.put(*lines)
    folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url)
    folder.put(*lines, ask("c", "3"))
    folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url)
    assert sorted(said(r) for r in upstream.requests) == ["1", "2", "3"]
    folder.put(lines[0], ask("b", "CHANGED"), ask("c", "3"))
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=1)
    assert "in.jsonl: line 2 is not what it was when its result was written" in err
    folder.put(lines[0])
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=1)
    assert "in.jsonl: ends with line 1, but there is a result of line 3" in err
    assert len(upstream.requests) == 3 and len(by_id(folder.output)) == 3
    folder.run("in.jsonl", "-o", "out.jsonl", "--restart", "--url", upstream.url)
    assert ids(folder.output) == ["a"] and len(upstream.requests) == 4


def test_somebody_elses_file_is_left_alone(folder, upstream):
    folder.put(ask("a"))
    for text in ["my notes\n", '{"id":"batch_req_abc","custom_id":"a","response":null,"error":null}', "{}\n"]:
        folder.output.write_text(text)
        _, err = folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=1)
        assert "out.jsonl: line 1 is no result of weir batch" in err
        assert folder.output.read_text() == text
    _, err = folder.run("in.jsonl", "-o", "in.jsonl", "--url", upstream.url, expect=1)
    assert "in.jsonl would be written while it is read" in err
    with open(folder.input, "ab") as end:
        _, err = folder.run("in.jsonl", "-o", "-", "--url", upstream.url, stdout=end, expect=1)
    assert "in.jsonl would be written while it is read" in err
    assert folder.input.read_text() == ask("a") + "\n"
    assert not upstream.requests


@pytest.mark.parametrize("how", ["--restart", "--retry-failed"])
def test_nothing_is_forgotten_for_a_run_that_cannot_begin(folder, upstream, how):
    folder.put(ask("a"), "{")
    upstream.always(echo)
    folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=3)
    before = folder.output.read_text(), folder.errors.read_text()
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", how, "-c", "none.yaml", expect=1)
    assert "none.yaml" in err
    assert (folder.output.read_text(), folder.errors.read_text()) == before and before[0] and before[1]


def test_two_batches_never_write_one_file(folder, upstream):
    folder.put(ask("a"))
    gate = threading.Event()
    upstream.always(gated(gate))
    first = folder.start("in.jsonl", "-o", "out.jsonl", "--url", upstream.url)
    upstream.wait_requests(1)
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=1)
    assert "another weir batch is writing out.jsonl" in err
    _, err = folder.run("in.jsonl", "-o", "other.jsonl", "--errors", "out.errors.jsonl", "--url", upstream.url, expect=1)
    assert "another weir batch is writing out.errors.jsonl" in err
    gate.set()
    folder.end(first, 0)
    assert len(upstream.requests) == 1 and ids(folder.output) == ["a"]


# -- disks that are full -----------------------------------------------------------------------------------------------


def test_a_file_that_takes_no_more(folder, upstream):
    """The limit of a file's size meets the same code as a full disk, in the middle of a result."""
    folder.put(*(ask(f"r{i}", f"{i}") for i in range(40)))
    upstream.always(echo)
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=1, limit={resource.RLIMIT_FSIZE: 4000})
    assert "cannot write out.jsonl: File too large; free some space and run the same command again" in err
    before = len(by_id(folder.output))  # whole results alone: results() sees to that
    assert 0 < before < 40
    folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url)
    assert len(by_id(folder.output)) == 40
    assert len(upstream.requests) <= 40 + 5 + 5, "those that could not be written, and what was under way"


def test_a_full_device(folder, upstream):
    folder.put(*(ask(f"r{i}") for i in range(1000)))
    upstream.always(echo)
    _, err = folder.run("in.jsonl", "-o", "/dev/full", "--url", upstream.url, expect=1)
    assert "cannot write /dev/full: No space left on device" in err
    assert len(upstream.requests) <= 10, "it stops asking what it cannot keep"


def test_a_disk_that_is_full(folder, upstream):
    """A real file system of 64 KB, where there may be one."""
    disk = folder.path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("needs to mount a file system")
    try:
        folder.put(*(ask(f"r{i}", f"{i}") for i in range(300)))
        upstream.always(echo)
        _, err = folder.run("in.jsonl", "-o", "disk/out.jsonl", "--url", upstream.url, expect=1)
        assert "cannot write disk/out.jsonl: No space left on device; free some space" in err
        before = len(by_id(disk / "out.jsonl"))
        assert 0 < before < 300
        assert not subprocess.run(["mount", "-o", "remount,size=1m", disk]).returncode
        folder.run("in.jsonl", "-o", "disk/out.jsonl", "--url", upstream.url)
        assert len(by_id(disk / "out.jsonl")) == 300
        assert len(upstream.requests) <= 310
    finally:
        subprocess.run(["umount", disk], check=True)


# -- providers that refuse, fail, or are slow --------------------------------------------------------------------------


def test_a_wrong_key_stops_the_batch_and_fails_no_line(folder, upstream):
    folder.put(*(ask(f"r{i}") for i in range(500)))
    upstream.always(error(401, "Incorrect API key provided", code="invalid_api_key"))
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, env=KEY, expect=1)
    assert "every line would be refused: " in err and "401 The provider 127.0.0.1 refuses the key that it is sent" in err
    assert f"asking {upstream.url} with the key of OPENAI_API_KEY, up to " in err
    assert len(upstream.requests) <= 30
    assert results(folder.output) == [] and not folder.errors.exists()
    upstream.always(echo)
    folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, env=KEY)
    assert len(by_id(folder.output)) == 500


def test_an_account_without_money_stops_the_batch_in_its_middle(folder, upstream):
    folder.put(*(ask(f"r{i}", f"{i}") for i in range(200)))
    quota = error(429, "You exceeded your current quota", "insufficient_quota", "insufficient_quota")
    upstream.always(lambda r: echo(r) if int(said(r)) < 50 else quota)
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=1)
    assert "You exceeded your current quota" in err
    # An answer that comes after the first refusals, but was asked for before them, makes no failures of them.
    assert len(by_id(folder.output)) == 50 and not folder.errors.exists()
    assert len(upstream.requests) <= 50 + 20 + 5


@pytest.mark.parametrize("lines", [12, 100])
def test_or_at_its_beginning_though_there_will_be_money_tomorrow(folder, upstream, lines):
    """As a weir says of a budget. Such a refusal is no load: the next line is not kept waiting for it."""
    folder.put(*(ask(f"r{i}", f"{i}") for i in range(lines)))
    upstream.always(error(429, "You exceeded your current quota", "insufficient_quota", "insufficient_quota", headers=[("retry-after", "11000")]))
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, env=KEY, expect=1)
    assert "every line would be refused: " in err and "You exceeded your current quota" in err
    assert results(folder.output) == [] and not folder.errors.exists()


def test_a_model_that_does_not_exist(folder, upstream):
    """The run's own model is every line's problem; a line's own model is the line's."""
    missing = error(404, "The model `nope` does not exist", code="model_not_found")
    upstream.always(lambda r: missing if r.json()["model"] == "nope" else echo(r))
    folder.put('{"messages":[{"role":"user","content":"1"}]}', '{"messages":[{"role":"user","content":"2"}]}')
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", "-m", "nope", "--url", upstream.url, expect=1)
    assert "The model `nope` does not exist" in err
    assert results(folder.output) == [] and not folder.errors.exists()
    folder.put(ask("a", model="nope"), ask("b"))
    folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=3)
    assert ids(folder.output) == ["b"] and ids(folder.errors) == ["a"]


def test_a_provider_that_is_down_and_comes_back(folder, upstream):
    """Down for some tries: nobody notices. For longer: failures, which a later run asks again."""
    keep, port = refused_port()
    config = daemon.config_for(upstream)
    config["providers"]["main"]["url"] = f"http://127.0.0.1:{port}/v1"
    folder.put(ask("a"), ask("b"))
    args = ["in.jsonl", "-o", "out.jsonl", "--retries", "2", *folder.config(upstream, **config)]
    _, err = folder.run(*args, expect=3)
    assert re.search(r"line 1 \(.*\): unreachable: ", err)
    failed = by_id(folder.errors)
    assert {one["error"]["code"] for one in failed.values()} == {"unreachable"}
    keep.close()
    folder.run(*args, expect=3)  # they have their results
    assert by_id(folder.errors) == failed
    upstream.always(echo)
    upstream.script(error(503), reply(502, b"<html>"), error(500))
    args[-2:] = folder.config(upstream)
    _, err = folder.run(*args, "--retry-failed")
    assert "2 failures forgotten" in err
    assert ids(folder.output) == ["a", "b"] and not folder.errors.exists()
    assert len(upstream.requests) == 5


def test_no_more_calls_at_a_time_than_allowed(folder, upstream):
    folder.put(*(ask(f"r{i}", f"{i}") for i in range(120)))
    at_once, most, lock = 0, 0, threading.Lock()
    full = threading.Event()

    def count(request):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
            if at_once == 7:
                full.set()
        full.wait(20)
        with lock:
            at_once -= 1
        return echo(request)

    upstream.always(count)
    folder.run("in.jsonl", "-o", "out.jsonl", "-j", "7", "--url", upstream.url)
    assert most == 7
    assert len(by_id(folder.output)) == 120


def test_rate_limits_slow_the_batch_down(folder, upstream):
    """After a 429 nothing new begins before its Retry-After, then half as many calls run at a time, and no line fails."""
    folder.put(*(ask(f"r{i}", f"{i}") for i in range(400)))
    gate = threading.Event()
    upstream.always(gated(gate))
    process = folder.start("in.jsonl", "-o", "out.jsonl", "-j", "8", "--retries", "3", *folder.config(upstream))
    upstream.wait_requests(8)
    upstream.script(error(429, "slow down", "requests", "rate_limit_exceeded", headers={"retry-after": "1"}))
    upstream.always(after(0.03, echo))
    gate.set()
    folder.end(process, 0)
    requests = sorted(upstream.wait_idle(), key=lambda r: r.began)
    assert len(requests) == 401 and len(by_id(folder.output)) == 400
    refused = next(r for r in requests if sum(said(r) == said(q) for q in requests) == 2)
    pause = refused.answered, refused.answered + 1
    # Those that began before the refusal was read; without a pause there would be two hundred.
    assert sum(pause[0] < r.began < pause[1] for r in requests) <= 24, "no call begins while the provider asks for a pause"
    for r in [r for r in requests if r.began >= pause[1]][:6]:
        assert sum(q.began <= r.began < q.answered for q in requests) <= 6


@pytest.mark.parametrize("trouble", ["limited", "overloaded", "down"])
def test_a_target_in_trouble_holds_no_others_back(folder, upstream, trouble):
    """All lines of the one come first. Those of the other are answered while nobody may ask the one, at most so many at a time."""
    folder.put(*(ask(f"one{i}", "x", model="one") for i in range(40)), *(ask(f"other{i}", "y", model="other") for i in range(40)))
    refusals = {"limited": error(429, "later", headers={"retry-after": "600"}), "overloaded": error(503, "later", headers={"retry-after": "600"})}
    upstream.always(lambda r: refusals[trouble] if r.json()["model"] == "one" else after(0.01, echo))
    kept, port = refused_port()
    (folder.path / "weir.yaml").write_text(f"""providers:
  one: {{kind: openai, url: "{f"http://127.0.0.1:{port}/v1" if trouble == "down" else upstream.url}"}}
  other: {{kind: openai, url: "{upstream.url}"}}
models: {{one: one, other: other}}
retry: {{base: 60s, cap: 60s}}
""")
    process = folder.start("in.jsonl", "-o", "out.jsonl", "-j", "4", "-c", "weir.yaml")
    wait_until(lambda: len(results(folder.output, growing=True)) == 40, 30, "the other's lines are answered")
    process.kill()
    folder.end(process, -signal.SIGKILL)
    assert sorted(by_id(folder.output)) == sorted(f"other{i}" for i in range(40))
    requests = upstream.wait_idle()
    asked = [r for r in requests if r.json()["model"] == "one"]
    assert len(asked) <= 4 and (asked or trouble == "down")
    assert max(sum(q.began <= r.began < q.answered for q in requests) for r in requests) <= 4


def test_what_was_only_taken_beforehand_is_not_asked_after_a_ctrl_c(folder, upstream):
    folder.put(*(ask(f"one{i}", "x", model="one") for i in range(40)), ask("other", "y", model="other"))
    upstream.always(lambda r: error(429, "later", headers={"retry-after": "2"}) if r.json()["model"] == "one" and len(upstream.requests) < 6 else echo(r))
    process = folder.start("in.jsonl", "-o", "out.jsonl", "-j", "4", "--url", upstream.url)
    wait_until(lambda: len(results(folder.output, growing=True)) == 1, 30, "the other line is answered")
    process.send_signal(signal.SIGINT)
    folder.end(process, 130)
    assert len(by_id(folder.output)) <= 5, "those that had been asked, and no others"
    folder.run("in.jsonl", "-o", "out.jsonl", "-j", "4", "--url", upstream.url)
    assert len(by_id(folder.output)) == 41


def test_what_a_provider_says_does_not_steer_the_terminal(folder, upstream):
    folder.put(ask("\x1b]0;owned\x07\x9b2J", "x"), '{"custom_id":"\x9b2J","method":"POST"}')
    upstream.always(error(400, "\x1b[2J\x9b31m\x07boo"))
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=3)
    assert "boo" in err
    assert not any(c in err for c in "\x1b\x07\x9b"), repr(err)


def test_a_long_refusal_is_told_on_one_line(folder, upstream):
    folder.put(ask("a"))
    upstream.always(error(400, "no\nweir: answers: other.jsonl\n" + "ü" * 50_000))
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=3)
    told = [line for line in err.splitlines() if line.startswith('weir: line 1 ("a"): ')]
    assert len(told) == 1 and told[0].startswith('weir: line 1 ("a"): invalid: no weir: answers: other.jsonl üü') and told[0].endswith("ü…")
    assert len(err.splitlines()) == 4 and len(err) < 2000
    assert results(folder.errors)[0]["response"]["body"]["error"]["message"].endswith("ü" * 1000), "all of it is there"


def test_why_nothing_seems_to_happen_is_told_once(folder, upstream):
    folder.put(*[ask(name, name) for name in "abc"])
    upstream.script(error(500), error(500), error(500))
    upstream.always(echo)
    _, err = folder.run("in.jsonl", "-o", "out.jsonl", "-j", "3", "--url", upstream.url, expect=0)
    assert err.count(": the provider fails (status 500); each line is asked again, ever later (--retries)\n") == err.count("again") == 1
    keep, port = refused_port()
    gone = f"http://127.0.0.1:{port}/v1"
    _, err = folder.run("in.jsonl", "-o", "gone.jsonl", "--retries", "1", "--url", gone, expect=3)
    assert err.count(": there is no connection; each line is asked again, ever later (--retries)\n") == err.count("asked again,") == 1
    _, err = folder.run("in.jsonl", "-o", "gone2.jsonl", "--retries", "0", "--url", gone, expect=3)
    assert "is asked again" not in err
    keep.close()


# -- tables and arrays -------------------------------------------------------------------------------------------------


TABLE = b'\xef\xbb\xbfsku,text\r\n1,"two\r\nlines, ""q"""\r\n2,hi\r\n\r\n2,again\r\n3,a,b\r\n4,5" x\r\n5,last'


def test_a_table_by_its_columns(folder, upstream):
    (folder.path / "in.csv").write_bytes(TABLE)
    upstream.always(lambda r: error(400, "no") if said(r) == "hi" else echo(r))
    command = ["in.csv", "-o", "out.jsonl", "--prompt-column", "text", "--id-column", "sku", "--url", upstream.url]
    _, err = folder.run(*command, "--limit", "1", expect=0)
    assert list(by_id(folder.output)) == ["1"] and "1 line answered, 0 failed" in err
    _, err = folder.run(*command, expect=3)
    found = by_id(folder.output)
    assert {name: content(one) for name, one in found.items()} == {"1": 'two\r\nlines, "q"', "5": "last"}
    assert [one["id"].split("_")[2] for one in found.values()] == ["2", "9"], "the line in which the record begins"
    codes = {one["error"]["code"] if one["error"] else "refused": one["error"] and one["error"]["line"] for one in results(folder.errors)}
    assert codes == {"refused": None, "duplicate_custom_id": 6, "invalid_record": 8}
    assert 'line 4 ("2"): invalid: no' in err and 'line 6 ("2"): custom_id' in err and "line 7: has 3 columns; the header has 2" in err
    assert len(upstream.requests) == 3
    folder.run(*command, expect=3)
    assert len(upstream.requests) == 3, "all is done"
    (folder.path / "in.csv").write_bytes(TABLE.replace(b"two", b"2"))
    _, err = folder.run(*command, expect=1)
    assert "in.csv: line 2 is not what it was when its result was written" in err


def test_a_table_with_tabs_and_its_own_names(folder, upstream):
    (folder.path / "in.tsv").write_text("prompt\tcustom_id\nhi, there\ta\n")
    upstream.always(echo)
    folder.run("in.tsv", "-o", "out.jsonl", "--url", upstream.url)
    assert content(by_id(folder.output)["a"]) == "hi, there"


def test_an_array_grows_and_goes_on(folder, upstream):
    one, two = ask("a", "x]}, ["), ask("b", "y")
    upstream.always(echo)
    (folder.path / "in.json").write_text(f"[\n  {one}\n]\n")
    folder.run("in.json", "-o", "out.jsonl", "--url", upstream.url)
    (folder.path / "in.json").write_text(f"[\n  {one},\n  {two}\n]\n")
    folder.run("in.json", "-o", "out.jsonl", "--url", upstream.url)
    assert {name: content(r) for name, r in by_id(folder.output).items()} == {"a": "x]}, [", "b": "y"}
    assert len(upstream.requests) == 2


def test_an_array_that_is_cut_short_is_no_whole_one(folder, upstream):
    whole = f"[\n  {ask('a', '1')},\n  {ask('b', '2')}\n]\n"
    upstream.always(echo)
    for bytes_lost in (2, 20):  # its bracket, and a piece of an element
        (folder.path / "in.json").write_text(whole[:-bytes_lost])
        _, err = folder.run("in.json", "-o", "out.jsonl", "--url", upstream.url, expect=1)
        assert "in.json: the array that it holds is not closed: a ] is missing behind element 2" in err
        assert not folder.errors.exists() or not results(folder.errors), "what is missing is no failure of a line"
        _, err = folder.run("in.json", "-o", "out.jsonl", "-n", "--url", upstream.url, expect=1)
        assert "not closed" in err
    (folder.path / "in.json").write_text(whole)
    folder.run("in.json", "-o", "out.jsonl", "--url", upstream.url)
    assert {name: content(r) for name, r in by_id(folder.output).items()} == {"a": "1", "b": "2"}


def test_an_array_behind_white_space(folder, upstream):
    upstream.always(echo)
    (folder.path / "in.json").write_bytes(b"\xef\xbb\xbf\n\t [" + ask("a", "1").encode() + b",\n" + ask("b", "2").encode() + b"]")
    folder.run("in.json", "-o", "out.jsonl", "--url", upstream.url)
    assert {name: content(r) for name, r in by_id(folder.output).items()} == {"a": "1", "b": "2"}


@pytest.mark.parametrize("form,text", [("csv", 'custom_id,prompt\na,"x\ny"\n'), ("tsv", 'custom_id\tprompt\na\t"x\ny"\n'),
                                       ("json", "\n[" + ask("a", "x\ny") + "]")])
def test_a_form_that_no_name_tells(folder, upstream, form, text):
    upstream.always(echo)
    folder.run("-", "-o", "out.jsonl", "--input-format", form, "--url", upstream.url, input=text)
    assert content(by_id(folder.output)["a"]) == "x\ny" and ids(folder.output, folder.errors) == ["a"]


@pytest.mark.parametrize("name,what", [("in.parquet", "a Parquet file"), ("in.XLSX", "a workbook")])
def test_what_is_no_text_is_refused_with_the_remedy(folder, upstream, name, what):
    (folder.path / name).write_bytes(b"PAR1")
    _, err = folder.run(name, "--url", upstream.url, expect=1)
    assert f"{name} is {what}, which is not read; write it as .csv" in err and not upstream.requests
    assert [p.name for p in folder.path.glob("*out*")] == []


def test_what_the_command_line_says_of_bodies(folder, upstream):
    folder.put('{"messages":[{"role":"user","content":"1"}],"temperature":1}', ask("a", "2"))
    (folder.path / "schema.json").write_text('{"type": "object"}\n')
    upstream.always(echo)
    folder.run("in.jsonl", "-o", "out.jsonl", "--temperature", ".5", "--max-tokens", "9", "--schema", "schema.json", "--url", upstream.url)
    bodies_sent = {said(r): r.json() for r in upstream.requests}
    assert bodies_sent["1"]["temperature"] == 1 and bodies_sent["1"]["max_completion_tokens"] == 9
    assert bodies_sent["1"]["response_format"] == {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
    assert sorted(bodies_sent["2"]) == ["messages", "model"], "as it stands"
    (folder.path / "schema.json").write_text("{")
    _, err = folder.run("in.jsonl", "-o", "other.jsonl", "--schema", "schema.json", "--url", upstream.url, expect=1)
    assert "batch: --schema: schema.json is no JSON" in err


# -- asking nothing ----------------------------------------------------------------------------------------------------


def test_dry_run(folder, upstream):
    folder.put(ask("a", "x" * 400), "{", ask("b", model="other\x1b[2J"), "", ask("a"), '{"messages":[{"role":"user","content":"?"}]}')
    out, err = folder.run("in.jsonl", "-o", "out.jsonl", "--dry-run", "--url", upstream.url, expect=3)
    assert "in.jsonl: 5 lines and 1 blank\n" in out
    for row in ["0  answered before", "0  failed before", "2  bad", "3  /v1/chat/completions", "1  m", "1  other?[2J", "1  (none named: the default)"]:
        assert any(line.strip() == row for line in out.splitlines()), (row, out)
    assert "3  to be asked, about " in out
    assert "line 2: is not JSON" in err and 'line 5: custom_id "a" is that of line 1 too' in err
    assert sorted(os.listdir(folder.path)) == ["in.jsonl"] and not upstream.requests
    upstream.always(echo)
    folder.run("in.jsonl", "-o", "out.jsonl", "--url", upstream.url, expect=3)
    out, _ = folder.run("in.jsonl", "-o", "out.jsonl", "-n")
    assert "3  answered before" in out and "2  failed before" in out and "0  to be asked" in out
    out, _ = folder.run("in.jsonl", "-o", "out.jsonl", "-n", "--retry-failed", expect=3)
    assert "3  answered before" in out and "2  bad" in out
    assert len(results(folder.errors)) == 2, "a dry run forgets nothing"


def test_a_dry_run_shows_long_names_in_whole_characters(folder):
    folder.put(ask("a", model="m" * 79 + "é"), ask("b", model="n" * 78 + "éé"))
    out, _ = folder.run("in.jsonl", "-o", "out.jsonl", "--dry-run")
    rows = {line.strip() for line in out.splitlines()}
    assert {"1  " + "m" * 79, "1  " + "n" * 78 + "é"} <= rows


def test_the_name_of_a_file_does_not_steer_the_terminal(folder):
    name = "\x1b[2J\x9b31m\n.txt"
    (folder.path / name).write_text("hi\n")
    out, _ = folder.run(name, "--dry-run")
    assert out.startswith("?[2J?31m?.txt: 1 line\n")


# -- what it says ------------------------------------------------------------------------------------------------------


def test_lines_of_progress_where_there_is_no_terminal(folder, upstream):
    folder.put(*(ask(f"r{i}", f"{i}") for i in range(4)))
    gate = threading.Event()
    upstream.always(gated(gate, lambda r: said(r) == "3"))
    process = folder.start("in.jsonl", "-o", "out.jsonl", "--url", upstream.url)
    seen = []
    for line in process.stderr:
        seen.append(line.decode())
        if "of 4 lines" in seen[-1]:
            break
    assert seen[-1].startswith("weir: 3 of 4 lines, 0 failed, 36 tokens, "), seen
    gate.set()
    _, err = folder.end(process, 0)
    assert "\x1b" not in "".join(seen) + err and "\r" not in "".join(seen) + err


def test_quiet_says_nothing(folder, upstream):
    folder.put(ask("a"))
    upstream.always(echo)
    assert folder.run("in.jsonl", "-q", "--url", upstream.url) == ("", "")


@pytest.mark.parametrize("args, status, message", [
    ([], 2, "weir: batch: INPUT is missing; usage: weir batch INPUT"),
    (["in.jsonl", "more"], 2, "weir: batch: 'more' is one too many; usage: weir batch INPUT"),
    (["in.jsonl", "-j", "0"], 2, "weir: batch: --concurrency is '0'; allowed: a whole number from 1 to 10000"),
    (["in.jsonl", "--max-line", "8"], 2, "weir: batch: --max-line is '8'; allowed: a size from 64B to 512MB, such as 16MB"),
    (["in.jsonl", "--restart", "--retry-failed"], 2,
     "weir: batch: --restart and --retry-failed exclude each other; give one of them"),
    (["in.jsonl", "--url", "http://127.0.0.1:1/v1", "-c", "x"], 2, "weir: batch: --config and --url exclude each other; give one of them"),
    (["none.jsonl"], 1, "weir: cannot open none.jsonl: No such file or directory"),
    (["."], 1, "weir: . is a directory"),
    (["in.jsonl", "-o", "no/out.jsonl"], 1, "weir: cannot open no/out.jsonl: No such file or directory"),
])
def test_messages(folder, args, status, message):
    folder.put(ask("a"))
    _, err = folder.run(*args, expect=status)
    assert err == message + "\n"
    assert sorted(os.listdir(folder.path)) == ["in.jsonl"]


def test_help_fits_a_terminal(folder):
    out, _ = folder.run("--help")
    assert len(out.splitlines()) < 24 and max(map(len, out.splitlines())) <= 80, out
