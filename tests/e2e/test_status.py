"""weir status: how a running weir fares, for people, for programs, and for whoever restarts it."""

import json
import signal
import socket
import subprocess
import threading

import pytest

import bodies
import daemon
import pki
import wire
from ports import free_port
from terminal import environment
from upstream import reply, sse


def status(folder, *args, **env):
    return subprocess.run([daemon.WEIR, "status", *map(str, args)], cwd=folder, env=environment(folder, env), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30)


def test_a_weir_that_is_ready(weir, upstream, tmp_path):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, models={"gpt-test": "main/big"})
    wire.chat(w, model="gpt-test")
    done = status(tmp_path, "--url", w.url)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("weir ") and f" at {w.url}: healthy, up " in lines[0]
    assert lines[2] == "reloads: 0 ok, 0 failed"
    assert [line.split() for line in lines if line.startswith("  main/big")] == [["main/big", "closed", "1", "0"]]
    assert status(tmp_path, "--url", w.base_url).stdout.splitlines()[4:] == lines[4:]  # an API's base URL is as good


def test_json_is_what_health_says(weir, upstream, tmp_path):
    w = weir(upstream)
    done = status(tmp_path, "--url", w.url, "--json")
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
    assert json.loads(done.stdout)["targets"] == wire.call(w, "GET", "/health").json()["targets"]


@pytest.mark.parametrize("command,answer", [
    (["status"], {"service": "weir", "status": "healthy", "version": "9"}),
    (["cache", "stats"], {"entries": 1}),
    (["calls"], {"object": "list", "data": [{"request_id": "a"}], "has_more": False}),
    (["calls", "a"], {"request_id": "a"}),
    (["usage"], {"total_calls": 1}),
])
def test_json_is_one_line_though_somebody_on_the_way_has_laid_it_out(upstream, tmp_path, command, answer):
    upstream.script(reply(200, json.dumps(answer, indent=2)))
    done = subprocess.run([daemon.WEIR, *command, "--url", upstream.url, "--json"], cwd=tmp_path, env=environment(tmp_path, {}), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1 and json.loads(done.stdout) == answer


def test_no_key_is_asked_for_and_none_is_sent(upstream, tmp_path):
    upstream.script(reply(200, {"service": "weir", "status": "healthy", "version": "9"}))
    done = status(tmp_path, "--url", upstream.url, OPENAI_API_KEY=daemon.CLIENT_KEY)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"weir 9 at {upstream.url}: healthy, up 0 s\n", "")
    asked = upstream.requests[0]
    assert (asked.method, asked.path, asked.header("authorization")) == ("GET", "/health", None)


def test_a_proxy_lies_before_no_address_of_this_machine(weir, upstream, tmp_path):
    w = weir(upstream)
    assert status(tmp_path, "--url", w.url, HTTP_PROXY="http://127.0.0.1:1", http_proxy="http://127.0.0.1:1").returncode == 0


@pytest.mark.parametrize("answer, said", [
    (reply(200, {"status": "healthy"}), "is no weir: /health answered with status 200"),
    (reply(200, b"<html>", headers={"Content-Type": "text/html"}), "is no weir: /health answered with status 200"),
    (reply(404, {"error": "x"}), "is no weir: /health answered with status 404"),
    (reply(503, {"service": "weir", "status": "draining", "version": "1"}), None),
    (reply(503, {"service": "weir", "status": "healthy", "version": "1"}), None),
    (reply(200, {"service": "weir", "status": "starting", "version": "1"}), None),
])
def test_what_is_not_ready_ends_with_1(upstream, tmp_path, answer, said):
    upstream.script(answer)
    done = status(tmp_path, "--url", upstream.url)
    assert done.returncode == 1
    assert done.stderr == (f"weir: {upstream.url} {said}\n" if said else "")
    assert bool(done.stdout) == (said is None)


def test_nobody_is_there(tmp_path):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{s.getsockname()[1]}"
        done = status(tmp_path, "--url", url)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"weir: {url}: connecting to ") and "refused" in done.stderr


def test_one_that_drains_is_not_ready(weir, upstream, tmp_path):
    go_on = threading.Event()
    upstream.script(sse([bodies.chunk("a"), go_on, bodies.chunk(finish="stop")]))
    w = weir(upstream)
    with wire.connect(w) as standing:
        standing.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
        next(standing.body_pieces(standing.head()))
        w.process.send_signal(signal.SIGTERM)
        w.wait_text("draining")
        assert status(tmp_path, "--url", w.url).returncode == 1
        go_on.set()


@pytest.mark.parametrize("line, said", [
    (["--url", "weir"], "status: --url is 'weir': "),
    (["--url", "http://127.0.0.1:1", "-c", "weir.yaml"], "status: --url and --config exclude each other"),
    (["http://127.0.0.1:1"], "status: takes no arguments"),
])
def test_a_wrong_line_ends_with_2(tmp_path, line, said):
    done = status(tmp_path, *line)
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith("weir: " + said)


# -- where it is -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_configuration_says_where(weir, upstream, tmp_path, host):
    w = weir(upstream, listen=f"{host}:{free_port()}", clients=[{"name": "a", "key": daemon.CLIENT_KEY}])
    for done in (status(tmp_path, "-c", w.config_path), status(w.directory)):
        assert (done.returncode, done.stderr) == (0, "") and f" at http://127.0.0.1:{w.port}: healthy" in done.stdout


def test_a_unix_socket_is_asked(weir, upstream, tmp_path):
    w = weir(upstream, listen=f"unix:{tmp_path}/s")
    assert f" at unix:{tmp_path}/s: healthy" in status(tmp_path, "-c", w.config_path).stdout
    assert status(tmp_path, "--url", f"unix:{tmp_path}/s").returncode == 0


def test_an_address_with_tls_is_asked_by_url(weir, upstream, tmp_path):
    authority = pki.Authority(tmp_path)
    own = authority.issue("127.0.0.1")
    w = weir(upstream, listen={"address": "127.0.0.1:0", "tls": {"cert": str(own.cert), "key": str(own.key)}}, wait=False)
    w.wait_text("listening on")
    assert status(tmp_path, "--url", w.url, "--ca", authority.file).returncode == 0
    done = status(tmp_path, "--url", w.url)
    assert done.returncode == 1 and "certificate" in done.stderr
    done = status(tmp_path, "-c", w.config_path)
    assert done.returncode == 1 and "--url https://NAME:PORT" in done.stderr


def test_a_configuration_that_is_wrong(tmp_path):
    (tmp_path / "weir.yaml").write_text("listne: 1\n")
    done = status(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "unknown option 'listne'" in done.stderr and done.stderr.endswith("so it is not known where weir listens; --url says it\n")


# -- watching --------------------------------------------------------------------------------------------------------------


def test_it_is_watched_until_ctrl_c(weir, upstream, terminal):
    w = weir(upstream, listen=f"127.0.0.1:{free_port()}")
    t = terminal("status", "--url", w.url, "--watch")
    t.expect("reloads: 0 ok")
    w.reload({**daemon.config_for(upstream), "hedge": {"after": "1s"}})
    t.expect("reloads: 1 ok")
    assert len([line for line in t.lines() if line.startswith("weir ")]) == 1  # drawn in the same place
    t.send("\x03")
    assert t.wait_exit() == 0


def test_it_ends_where_nobody_reads_it_any_more(weir, upstream, tmp_path):
    w = weir(upstream)
    with subprocess.Popen([daemon.WEIR, "status", "--url", w.url, "--watch"], cwd=tmp_path, env=environment(tmp_path, {}), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as p:
        try:
            assert p.stdout.readline().startswith("weir ")
            p.stdout.close()
            assert p.wait(30) == 1 and p.stderr.read() == ""
        finally:
            p.kill()
