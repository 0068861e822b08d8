"""Reload and drain under load: no call fails."""

import contextlib
import os
import re
import signal
import socket
import threading
import time
from pathlib import Path

import pytest

import bodies
import daemon
import wire
from upstream import after, reply, sse, stall

REQUEST = {"model": "m", "messages": [{"role": "user", "content": "x"}]}


class Load:
    """Clients that call again and again on kept-alive connections, half of them streaming. failures: whatever was not a whole answer.
    A connection that is closed or refused before a byte of the answer counts only where weir had taken the request to a provider:
    that is what no client can repeat by itself."""

    def __init__(self, w, clients=8):
        self.w = w
        self.answers = 0
        self.targets = set()
        self.failures = []
        self.turned_away = 0
        self.refused = []  # answers that say no before a provider was asked
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._client, args=(i % 2 == 0,)) for i in range(clients)]
        for t in self._threads:
            t.start()

    def _client(self, stream):
        connection = None
        while not self._stop.is_set():
            try:
                connection = connection or wire.connect(self.w)
                connection.request("POST", "/v1/chat/completions", {**REQUEST, "stream": stream})
                answer = connection.head()
            except OSError:
                with self._lock:
                    self.turned_away += 1
                connection = None
                if self.w.process.poll() is not None:
                    return
                time.sleep(0.01)
                continue
            for _ in connection.body_pieces(answer):
                pass
            good = answer.status == 200 and answer.complete and (answer.body.endswith(b"data: [DONE]\n\n") if stream else b'"stop"' in answer.body)
            with self._lock:
                self.answers += 1
                self.targets.add(answer.header("x-weir-target"))
                if not good and answer.header("x-weir-attempts"):
                    self.failures.append((answer.status, answer.complete, answer.body[-300:]))
                elif not good:
                    self.refused.append((answer.status, answer.body[-300:]))
            if answer.header("connection") == "close" or not answer.complete:
                connection.close()
                connection = None

    def run_until(self, ready, timeout=20):
        daemon.wait_until(ready, timeout, "the load did not get on")

    def stop(self):
        self._stop.set()
        for t in self._threads:
            t.join(20)
            assert not t.is_alive()


def answering(pace=0.002):
    def behave(request):
        if request.json().get("stream"):
            return sse(bodies.stream("a", "b", "c", "d"), pace=pace)
        return after(pace, reply(200, bodies.completion()))
    return behave


def test_reload_under_load(weir, upstreams):
    first, second = upstreams(), upstreams()
    first.always(answering()), second.always(answering())
    configs = [daemon.config_for(up, models={"*": f"main/{name}"}) for up, name in ((first, "one"), (second, "two"))]
    w = weir(configs[0])
    port = w.port
    load = Load(w)
    try:
        for i in range(1, 9):
            before = load.answers
            w.reload(configs[i % 2])
            load.run_until(lambda: load.answers >= before + 40)
        load.targets.clear()
        load.run_until(lambda: load.targets)
    finally:
        load.stop()
    assert not load.failures
    assert load.turned_away == 0
    assert w.port == port
    assert len(first.requests) > 50 and len(second.requests) > 50
    assert all(c["attempts"] == 1 for c in w.calls())


def test_reload_takes_effect(weir, upstreams):
    first, second = upstreams(), upstreams()
    first.script(reply(200, bodies.completion("first")))
    second.script(reply(200, bodies.completion("second")))
    w = weir(daemon.config_for(first))
    with wire.connect(w) as c:  # a connection that stands is served by the new configuration as well
        for expected, config in (("first", daemon.config_for(second)), ("second", None)):
            c.request("POST", "/v1/chat/completions", REQUEST)
            assert c.answer().json()["choices"][0]["message"]["content"] == expected
            if config:
                w.reload(config)


def test_file_change_reloads(weir, upstreams):
    first, second = upstreams(), upstreams()
    first.always(reply(200, bodies.completion("first")))
    second.always(reply(200, bodies.completion("second")))
    w = weir(daemon.config_for(first))
    assert wire.chat(w).json()["choices"][0]["message"]["content"] == "first"
    w.write_config(daemon.config_for(second))
    daemon.wait_until(lambda: wire.chat(w).json()["choices"][0]["message"]["content"] == "second", 10, "the changed file was not read")


def test_a_key_file_that_comes_after_the_configuration_is_taken_up(weir, upstream, tmp_path):
    """As where Kubernetes turns a ConfigMap before the Secret that it names."""
    upstream.always(reply(200, bodies.completion("x")))
    w = weir(daemon.config_for(upstream))
    key = tmp_path / "key"
    w.write_config(daemon.config_for(upstream, providers={"main": {"key": {"file": str(key)}}}))
    w.wait_text("config_reload_failed")
    key.write_text("sk-a-key-that-comes-late\n")
    w.wait_text("config_reloaded")
    assert wire.chat(w).status == 200
    assert upstream.requests[-1].header("authorization") == "Bearer sk-a-key-that-comes-late"


def test_the_same_port_of_other_addresses(weir, upstream):
    upstream.always(reply(200, bodies.completion("x")))
    w = weir(daemon.config_for(upstream))
    for addresses in (["0.0.0.0"], ["127.0.0.1"], ["0.0.0.0", "127.0.0.1"]):
        listen = [f"{a}:{w.port}" for a in addresses]
        said = w.reload(daemon.config_for(upstream, listen=listen, server={"open": True}))
        assert "config_reloaded" in said
        assert wire.chat(w).status == 200
    foreign = socket.socket()
    foreign.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    foreign.bind(("127.0.0.2", 0))
    foreign.listen()
    w.write_config(daemon.config_for(upstream, listen=f"127.0.0.2:{foreign.getsockname()[1]}"))
    w.wait_text("another program does already")
    foreign.close()
    w.stop()  # nor is one of them in the other's way at a start
    w = weir(daemon.config_for(upstream, listen=listen, server={"open": True}))
    assert wire.chat(w).status == 200


@pytest.mark.parametrize("host", ["127.0.0.2", "[::1]"])
def test_another_weir_at_the_same_port_of_another_address(weir, upstream, host):
    """The kernel would let both have it, and each would get half of the calls."""
    w = weir(upstream)
    other = f"{host}:{w.port}"
    weir(upstream, listen=other)
    w.write_config(daemon.config_for(upstream, listen=[f"127.0.0.1:{w.port}", other]))
    w.wait_text(f"cannot listen on {re.escape(other)}: another program does already")


def test_a_restart_is_needed_as_long_as_the_start_had_something_else(weir, upstream):
    w = weir(daemon.config_for(upstream, server={"workers": 1}))

    def told(**over):
        before = len(w.texts())
        for _ in range(2):  # what the first one has to say is there when the second one says something
            w.reload(daemon.config_for(upstream, **over))
        return [t for t in w.texts()[before:] if "restart_needed" in t]

    assert "server.workers" in told(server={"workers": 2})[0]
    assert "server.workers" in told(server={"workers": 2}, limits={"body": "1MB"})[0]
    assert not told(server={"workers": 1})


def test_an_open_stream_survives_a_reload(weir, upstreams):
    first, second = upstreams(), upstreams()
    go_on = threading.Event()
    first.script(sse([bodies.chunk("a"), go_on, *bodies.stream("b")]))
    second.script(reply(200, bodies.completion()))
    w = weir(daemon.config_for(first))
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {**REQUEST, "stream": True})
        answer = c.head()
        pieces = c.body_pieces(answer)
        next(pieces)
        w.reload(daemon.config_for(second))
        assert wire.chat(w).status == 200
        go_on.set()
        for _ in pieces:
            pass
        assert bodies.text_of(answer.events()) == "ab" and answer.events()[-1] == "[DONE]"


@pytest.mark.parametrize("damage, words", [
    (lambda text: text.replace("retries:", "retires:"), ["retires", "retries"]),
    (lambda text: text.replace("20ms", "20 parsecs"), ["20 parsecs"]),
    (lambda text: text + "\nproviders: [\n", []),
    (lambda text: text.replace("main'", "nobody'").replace(": main\n", ": nobody\n"), ["nobody"]),
], ids=["misspelt", "bad_value", "no_yaml", "unknown_provider"])
def test_a_bad_file_keeps_the_old_configuration_and_says_why(weir, upstream, damage, words):
    upstream.always(answering())
    w = weir(upstream, retry={"retries": 2})
    good = w.config_path.read_text()
    bad = damage(good)
    assert bad != good
    load = Load(w, 4)
    try:
        load.run_until(lambda: load.answers > 20)
        w.write_config(bad)
        w.process.send_signal(signal.SIGHUP)
        line = w.wait_text("config_reload_failed")
        assert re.search(r"weir\.yaml:\d+:\d+", line)
        assert all(word in line for word in words), line
        before = load.answers
        load.run_until(lambda: load.answers > before + 20)
        w.write_config(good)
        w.process.send_signal(signal.SIGHUP)
        before = load.answers
        load.run_until(lambda: load.answers > before + 20)
    finally:
        load.stop()
    assert not load.failures and load.turned_away == 0


@pytest.mark.parametrize("text", ["", "# providers: {}\n", None], ids=["empty", "comments", "pipe"])
def test_what_is_no_configuration_any_more_is_not_one(weir, upstream, text):
    """It was cut off, or is a pipe that has given all: neither opens weir to anyone, nor holds up its end."""
    upstream.always(answering())
    w = weir(upstream)
    good = w.config_path.read_text()
    if text is None:
        w.config_path.unlink()
        os.mkfifo(w.config_path)
    else:
        w.write_config(text)
    w.process.send_signal(signal.SIGHUP)
    line = w.wait_text("config_reload_failed")
    assert ("a reload needs one" if text is None else "the file has no option in it") in line
    assert wire.chat(w).status == 200
    w.config_path.unlink()
    w.write_config(good)
    w.process.send_signal(signal.SIGHUP)
    w.wait_text("config_reloaded")


def test_a_new_client_key_is_known_after_a_reload(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, clients=[{"name": "old", "key": "sk-old"}])
    assert wire.chat(w, headers={"Authorization": "Bearer sk-old"}).status == 200
    assert wire.chat(w, headers={"Authorization": "Bearer sk-new"}).status == 401
    w.reload(daemon.config_for(upstream, clients=[{"name": "new", "key": "sk-new"}]))
    assert wire.chat(w, headers={"Authorization": "Bearer sk-old"}).status == 401
    assert wire.chat(w, headers={"Authorization": "Bearer sk-new"}).status == 200


# -- drain -------------------------------------------------------------------------------------------------------------


def test_drain_under_load(weir, upstream):
    """SIGTERM in the midst of calls: whoever had begun gets a whole answer, and weir ends by itself with status 0."""
    upstream.always(answering(0.01))
    w = weir(upstream)
    load = Load(w, 16)
    try:
        load.run_until(lambda: load.answers > 100)
        w.process.send_signal(signal.SIGTERM)
        w.wait_exit()
    finally:
        load.stop()
    assert not load.failures and not load.refused
    begun = [c for c in w.calls() if c["attempts"]]
    assert len(begun) == len(upstream.requests)
    assert all(c["status"] == 200 for c in begun)  # nothing that had begun was cancelled


def test_open_streams_end_well(weir, upstream):
    go_on = threading.Event()
    upstream.always(lambda r: sse([bodies.chunk("a"), go_on, *bodies.stream("b", "c")]))
    w = weir(upstream)
    clients = [wire.connect(w) for _ in range(50)]
    answers = []
    for c in clients:
        c.request("POST", "/v1/chat/completions", {**REQUEST, "stream": True})
        answer = c.head()
        pieces = c.body_pieces(answer)
        next(pieces)
        answers.append((answer, pieces))
    idle = wire.connect(w)
    w.process.send_signal(signal.SIGTERM)
    assert idle.at_end()  # who waits for nothing is let go at once

    def refused():
        try:
            with wire.connect(w) as c:
                c.request("POST", "/v1/chat/completions", REQUEST)
                return c.answer().status == 503
        except OSError:
            return True

    daemon.wait_until(refused, 5, "new connections were still served")
    assert w.process.poll() is None
    go_on.set()
    for answer, pieces in answers:
        for _ in pieces:
            pass
        assert answer.complete
        assert bodies.text_of(answer.events()) == "abc" and answer.events()[-1] == "[DONE]"
    w.wait_exit()
    assert len(w.calls()) == 50 and all(c["status"] == 200 for c in w.calls())
    for c in (*clients, idle):
        c.close()


def test_plain_calls_end_well(weir, upstream):
    go_on = threading.Event()
    upstream.always(lambda r: after(go_on, reply(200, bodies.completion("Done."))))
    w = weir(upstream)
    clients = [wire.connect(w) for _ in range(10)]
    for c in clients:
        c.request("POST", "/v1/chat/completions", REQUEST)
    upstream.wait_requests(10)
    w.process.send_signal(signal.SIGTERM)
    w.wait_text("(?i)drain|shutting down|stopping")
    go_on.set()
    for c in clients:
        answer = c.answer()
        assert answer.json()["choices"][0]["message"]["content"] == "Done."
        assert answer.header("connection") == "close"
        c.close()
    w.wait_exit()


def test_drain_has_a_limit(weir, upstream):
    """What is not over by then is ended with an error that the client can see."""
    upstream.script(stall("in_stream", events=bodies.stream("a")[:2]))
    w = weir(upstream, server={"drain": "300ms"})
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {**REQUEST, "stream": True})
        answer = c.head()
        pieces = c.body_pieces(answer)
        next(pieces)
        began = time.monotonic()
        w.process.send_signal(signal.SIGTERM)
        for _ in pieces:
            pass
        assert time.monotonic() - began >= 0.29
        assert answer.events()[-1]["error"]["code"] == "shutting_down"
    w.wait_exit()
    assert w.calls()[0]["error"]


def test_a_second_signal_ends_at_once(weir, upstream):
    upstream.script(stall("in_stream"))
    w = weir(upstream)
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {**REQUEST, "stream": True})
        next(c.body_pieces(c.head()))
        w.process.send_signal(signal.SIGTERM)
        w.wait_text("(?i)drain|shutting down|stopping")
        w.process.send_signal(signal.SIGTERM)
        w.expect_exit = None
        w.wait_exit()


def running(word):
    """Processes that have the word on their command line."""
    found = []
    for p in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += [p] if word in p.read_text() else []
    return found


def end_within(w, seconds):
    began = time.monotonic()
    w.process.send_signal(signal.SIGTERM)
    w.wait_exit()
    assert time.monotonic() - began < seconds


def test_the_end_waits_for_no_key_command(weir, upstream, tmp_path):
    """It would take up to its own time, minutes, and what comes of it is dropped."""
    word = f"weir-key-{os.getpid()}"
    slow = tmp_path / "slow"
    script = f'if [ -e {slow} ]; then exec sh -c "sleep 40; echo {word}"; fi; echo sk-a-key-for-a-test'
    config = daemon.config_for(upstream, providers={"main": {"key": {"command": ["sh", "-c", script], "timeout": "60s"}}})
    w = weir(config)
    slow.touch()
    w.process.send_signal(signal.SIGHUP)
    daemon.wait_until(lambda: running(f"echo {word}"), 10, "the command was not run")
    end_within(w, 20)
    daemon.wait_until(lambda: not running(f"echo {word}"), 10, "the command was left behind")


def test_the_end_waits_for_no_key_of_an_issuer(weir, upstream):
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}/jwks.json"
        w = weir(daemon.config_for(upstream, auth={"jwt": {"jwks": url, "issuer": "i", "audience": "a", "timeout": "60s"}}))
        taken, _ = mute.accept()
        end_within(w, 30)
        taken.close()
    assert "stopped" in w.texts()[-1]


def test_a_reload_that_is_asked_for_before_the_start_is_over_comes_after_it(weir, upstream, tmp_path):
    begun, go_on = tmp_path / "begun", tmp_path / "go-on"
    script = f"touch {begun}; while ! [ -e {go_on} ]; do sleep 0.02; done; echo sk-a-key-for-a-test"
    w = weir(daemon.config_for(upstream, providers={"main": {"key": {"command": ["sh", "-c", script], "timeout": "60s"}}}), wait=False)
    daemon.wait_until(begun.exists, 20, "the key command was not run")
    w.process.send_signal(signal.SIGHUP)
    go_on.touch()
    w.wait_text("config_reloaded")
