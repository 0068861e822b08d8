"""weir serve as a program: what it says, where it listens, how it gets on with a service manager, what it refuses at the door."""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import threading
import time

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

import bodies
import daemon
import wire
from ports import free_port
from upstream import error, reply, sse, stall

IMAGE_BYTES = 65536
REQUEST = {"model": "m", "messages": [{"role": "user", "content": "x"}]}


def chat_text(w_or_address):
    return wire.chat(w_or_address).json()["choices"][0]["message"]["content"]


# -- without a file ----------------------------------------------------------------------------------------------------


class Bare:
    """weir serve in an empty folder, with no configuration to be found."""

    def __init__(self, folder, *args, **environment):
        clean = {k: v for k, v in os.environ.items() if not daemon.STRANGE.match(k)}
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"):
            clean[name] = str(folder)
        self.folder = folder
        self.log = folder / "stderr"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([daemon.WEIR, "serve", *args], cwd=folder, env={**clean, **environment}, stderr=log)

    def text(self):
        return self.log.read_text()

    def wait_started(self):
        def started():
            assert self.process.poll() is None, self.text()
            return "weir: try: " in self.text() and self.text().endswith("\n")
        daemon.wait_until(started, 10, "it did not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.terminate()
        assert self.process.wait(20) == 0
        assert not daemon.DAMAGE.search(self.text()), self.text()


def test_without_anything_it_serves_the_simulator_and_says_so(tmp_path):
    with Bare(tmp_path, "--listen", "127.0.0.1:0") as w:
        w.wait_started()
        assert re.search(r"^weir \d+\.\d+\.\d+$", w.text(), re.M)
        assert re.search(r"^weir: listening on 127\.0\.0\.1:\d+$", w.text(), re.M)
        assert "no configuration file and no OPENAI_API_KEY: serving the built-in simulator" in w.text()
        line = re.search(r"^weir: try: (curl .*)$", w.text(), re.M)[1]
        answer = json.loads(subprocess.run(line, shell=True, capture_output=True, check=True).stdout)  # pasted as it is
        assert answer["success"] is True and answer["response"]
        w.process.send_signal(signal.SIGHUP)  # nothing to read again, and nothing is lost
        daemon.wait_until(lambda: "config_reloaded" in w.text(), 10, "no word of the reload")
        assert json.loads(subprocess.run(line, shell=True, capture_output=True, check=True).stdout)["success"]


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0"])
def test_a_trial_is_for_anyone_and_spends_nothing(tmp_path, address):
    """As a container is tried: nobody's key is used, since anyone may call, by whatever name."""
    with Bare(tmp_path, "--try", address, OPENAI_API_KEY="sk-" + "x" * 30) as w:
        w.wait_started()
        assert "no configuration file: serving the built-in simulator, for a trial" in w.text()
        assert "lets anyone call who reaches this" in w.text()
        port = int(re.search(r"listening on \S+:(\d+)$", w.text(), re.M)[1])
        at = ("127.0.0.1" if "0.0" in address else "::1", port)
        assert [t["name"] for t in wire.call(at, "GET", "/health").json()["targets"]] == ["simulator"]
        assert wire.call(at, "GET", "/v1/models", headers={"Host": "weir.internal"}).status == 200
        line = re.search(r"^weir: try: (curl .*)$", w.text(), re.M)[1]
        assert json.loads(subprocess.run(line, shell=True, capture_output=True, check=True).stdout)["success"]  # pasted as it is


def test_a_file_ends_the_trial(tmp_path, upstream):
    (tmp_path / "weir.yaml").write_text(json.dumps({"listen": "127.0.0.1:0", **daemon.config_for(upstream)}))
    with Bare(tmp_path, "--try", "0.0.0.0:0") as w:
        w.wait_started()
        assert "listening on 127.0.0.1:" in w.text() and "trial" not in w.text()


def test_with_a_key_it_serves_openai(tmp_path):
    with Bare(tmp_path, "-l", "127.0.0.1:0", OPENAI_API_KEY="sk-" + "x" * 30) as w:
        w.wait_started()
        assert "OPENAI_API_KEY is set: serving OpenAI" in w.text()
        port = int(re.search(r"listening on 127\.0\.0\.1:(\d+)", w.text())[1])
        assert [t["name"] for t in wire.call(("127.0.0.1", port), "GET", "/health").json()["targets"]] == ["openai"]
        assert "sk-x" not in w.text() and "OPENAI_BASE_URL" not in w.text()


def test_a_base_url_for_clients_is_told_to_be_no_provider(tmp_path):
    with Bare(tmp_path, "-l", "127.0.0.1:0", OPENAI_API_KEY="sk-" + "x" * 30, OPENAI_BASE_URL="http://127.0.0.1:9/v1") as w:
        w.wait_started()
        assert "serving OpenAI itself; OPENAI_BASE_URL is for clients, and only a configuration names another provider" in w.text()


def test_a_file_is_found(tmp_path, upstream):
    (tmp_path / "weir.yaml").write_text(json.dumps({**daemon.config_for(upstream), "listen": "127.0.0.1:0"}))
    with Bare(tmp_path) as w:
        w.wait_started()
        assert "weir: configuration: weir.yaml\n" in w.text().replace("./", "")


# -- what cannot be had ------------------------------------------------------------------------------------------------


def run(*args, folder):
    return subprocess.run([daemon.WEIR, "serve", *args], cwd=folder, capture_output=True, text=True, timeout=20,
                          env={k: v for k, v in os.environ.items() if not daemon.STRANGE.match(k)} | {"OPENAI_API_KEY": "sk-" + "x" * 30})


def test_a_port_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        done = run("--listen", address, folder=tmp_path)
    assert done.returncode == 1
    assert done.stderr == f"weir: cannot listen on {address}: another program does already; stop it, or choose another address with listen: or --listen\n"


def test_two_weirs_do_not_share_a_port(tmp_path, weir, upstream):
    """The kernel would let them, and each would get half of the calls."""
    w = weir(upstream)
    done = run("--listen", f"127.0.0.1:{w.port}", folder=tmp_path)
    assert done.returncode == 1 and f"cannot listen on 127.0.0.1:{w.port}: another program" in done.stderr


@pytest.mark.parametrize("hosts", [["127.0.0.1", "[::1]"], ["127.0.0.1", "127.0.0.2"], ["0.0.0.0", "127.0.0.1"]])
def test_nor_do_they_at_several_addresses_of_one_port(weir, upstream, hosts):
    port = free_port()
    over = {"listen": [f"{host}:{port}" for host in hosts], "server": {"open": True, "workers": 2}}
    upstream.always(reply(200, bodies.completion("x")))
    assert wire.chat(weir(upstream, **over)).status == 200
    second = weir(upstream, **over, wait=False)
    second.expect_exit = 1
    second.wait_exit()
    assert f"cannot listen on {hosts[0]}:{port}: another program does already" in second.output()


@pytest.mark.parametrize("args, status, words", [
    (["-c", "nowhere.yaml"], 1, "nowhere.yaml: cannot read the file: No such file"),
    (["--listen", "0.0.0.0:0"], 1, "can be reached by other machines, but there are no clients"),
    (["--listen", "8080"], 2, "serve: --listen is '8080': there is no port; allowed: an address such as 127.0.0.1:8080"),
    (["--lisen", "127.0.0.1:0"], 2, "--listen"),
    (["extra"], 2, "extra"),
])
def test_wrong_options(tmp_path, args, status, words):
    done = run(*args, folder=tmp_path)
    assert done.returncode == status and words in done.stderr, done.stderr


def test_a_certificate_that_is_missing(tmp_path, weir, upstream):
    w = weir(upstream, listen={"address": "127.0.0.1:0", "tls": {"cert": str(tmp_path / "c.pem"), "key": str(tmp_path / "k.pem")}}, wait=False)
    w.expect_exit = 1
    w.wait_exit()
    assert "c.pem" in w.output()


# -- listeners ---------------------------------------------------------------------------------------------------------


def test_every_address_is_served_by_all(weir, upstream, tmp_path):
    upstream.always(reply(200, bodies.completion("Hi.")))
    w = weir(upstream, listen=["127.0.0.1:0", "[::1]:0", f"unix:{tmp_path}/w.sock"], server={"workers": 3})
    found = re.findall(r"listening on (\S+)", w.output())
    assert len(found) == 3 and not [a for a in found if a.endswith(":0")]
    for address in (("127.0.0.1", int(found[0].rpartition(":")[2])), ("::1", int(found[1].rpartition(":")[2])), f"{tmp_path}/w.sock"):
        for _ in range(6):
            assert chat_text(address) == "Hi."


def test_reload_opens_and_closes_listeners(weir, upstream, tmp_path):
    """A new address is served, one that is gone lets its connections live, one that cannot be had changes nothing."""
    go_on = threading.Event()
    upstream.always(lambda r: sse([bodies.chunk("a"), go_on, bodies.chunk("b", finish="stop")]) if r.json().get("stream") else reply(200, bodies.completion("Hi.")))
    path = f"{tmp_path}/w.sock"
    w = weir(upstream, server={"workers": 2})
    config, first = daemon.config_for(upstream, server={"workers": 2}), w.address
    w.reload({**config, "listen": ["127.0.0.1:0", f"unix:{path}"]})
    assert chat_text(first) == "Hi." and chat_text(path) == "Hi."  # the free port stays the one it was

    with wire.connect(first) as standing:
        standing.request("POST", "/v1/chat/completions", {**REQUEST, "stream": True})
        answer = standing.head()
        pieces = standing.body_pieces(answer)
        next(pieces)
        w.reload({**config, "listen": f"unix:{path}"})
        assert chat_text(path) == "Hi."

        def refused():
            try:
                wire.connect(first).close()
            except ConnectionRefusedError:
                return True
        daemon.wait_until(refused, 5, "the address was still served")
        go_on.set()
        for _ in pieces:
            pass
        assert answer.events()[-1] == "[DONE]"

    with socket.create_server(("127.0.0.1", 0)) as taken:
        line = w.reload({**config, "listen": [f"unix:{path}", f"unix:{path}2", "127.0.0.1:%d" % taken.getsockname()[1]]})
    assert "config_reload_failed" in line and "another program" in line
    assert chat_text(path) == "Hi."
    assert not os.path.exists(path + "2")


def test_reload_counts_and_says(weir, upstream):
    w = weir(upstream)
    config = daemon.config_for(upstream)
    w.reload(config)
    assert "config_reloaded" in w.reload({**config, "server": {"workers": 7}})
    assert "server.workers" in w.wait_text("restart_needed")
    w.reload({**config, "listne": 1})
    metrics = w.metrics()
    assert metrics['weir_config_reloads_total{outcome="ok"}'] == 2
    assert metrics['weir_config_reloads_total{outcome="failed"}'] == 1


def test_a_turned_link_reloads(weir, upstream, tmp_path):
    """As Kubernetes mounts a config map: the file is a link through ..data, and ..data is turned."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream)
    config = w.config_path.read_text()
    for name, text in (("1", config), ("2", config + "\ncors: {origins: ['https://a.example']}\n")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "weir.yaml").write_text(text)
    data = tmp_path / "..data"
    data.symlink_to("1")
    w.config_path.unlink()
    w.config_path.symlink_to(data / "weir.yaml")
    w.wait_text("config_reloaded")  # another inode

    data.with_name("..next").symlink_to("2")
    data.with_name("..next").replace(data)
    asked = {"Origin": "https://a.example"}
    daemon.wait_until(lambda: wire.call(w, "GET", "/health", headers=asked).header("access-control-allow-origin"), 10, "the link was not followed")


# -- the service manager -----------------------------------------------------------------------------------------------


def test_the_service_manager_is_told(weir, upstream, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(10)

        def told():
            while (text := manager.recv(4096).decode()) == "WATCHDOG=1":
                pass
            return text

        w = weir(upstream, env={"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"})
        assert told() == "READY=1\nSTATUS=Serving"
        assert manager.recv(4096) == b"WATCHDOG=1"
        before = time.monotonic_ns() // 1000
        w.reload(daemon.config_for(upstream))
        reloading = told().split("\n")
        assert reloading[0] == "RELOADING=1"
        assert before <= int(reloading[1].removeprefix("MONOTONIC_USEC=")) <= time.monotonic_ns() // 1000
        assert told() == "READY=1\nSTATUS=Serving"
        w.reload({**daemon.config_for(upstream), "listne": 1})
        assert told().startswith("RELOADING=1")
        assert told().startswith("READY=1\nSTATUS=Serving; the last reload failed")
        w.process.terminate()
        assert told() == "STOPPING=1"


# -- the door ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/chat", "/v1/chat/completions", "/v1/embeddings"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain; application/json"])
def test_what_any_page_may_send_is_no_json(weir, upstream, path, content_type):
    """A page of any origin may have its reader's browser send these types without being asked."""
    answer = wire.call(weir(upstream), "POST", path, b'{"message":"x"}', {"Content-Type": content_type, "Origin": "https://evil.example"})
    assert (answer.status, answer.error["code"]) == (415, "unsupported_media_type")
    assert content_type in answer.error["message"]
    assert not upstream.requests


def test_no_type_is_json_from_a_program_alone(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream)
    body = json.dumps(REQUEST).encode()
    with wire.connect(w) as c:
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n" % len(body)
        c.send(head + b"\r\n" + body)
        assert c.answer().status == 200
        c.send(head + b"Origin: https://evil.example\r\n\r\n" + body)
        assert c.answer().status == 415
    assert len(upstream.requests) == 1


def test_a_page_reaches_no_passthrough_path(weir, upstream):
    upstream.always(reply(200, b"ok"))
    w = weir(upstream, passthrough=["/v1/files"], cors={"origins": ["https://app.example"]})
    headers = {"Content-Type": "text/plain"}
    assert wire.call(w, "POST", "/v1/files", b"x", headers | {"Origin": "https://evil.example"}).status == 403
    assert wire.call(w, "POST", "/v1/files", b"x", headers | {"Origin": "https://app.example"}).status == 200
    assert wire.call(w, "POST", "/v1/files", b"x", headers).status == 200


@pytest.mark.parametrize("path", ["/v1/audio/../files", "/v1/audio/%2e%2e/files", "/v1/audio/x\\..\\y", "/v1/audio/"])
def test_passthrough_keeps_within_its_paths(weir, upstream, path):
    assert wire.call(weir(upstream, passthrough=["/v1/audio/*"]), "POST", path, b"{}").status == 404


def test_a_wrong_key_is_refused_before_the_body(weir, upstream):
    w = weir(upstream, clients=[{"name": "a", "key": daemon.CLIENT_KEY}])
    with wire.connect(w) as c:
        c.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\n"
               b"Authorization: Bearer sk-wrong\r\nExpect: 100-continue\r\n\r\n")
        answer = c.answer()  # and no 100 before it
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")


def test_options_without_cors_names_the_methods(weir, upstream):
    w = weir(upstream)
    answer = wire.call(w, "OPTIONS", "/v1/models")
    assert (answer.status, answer.header("allow"), answer.body) == (204, "GET, HEAD, OPTIONS", b"")
    assert wire.call(w, "OPTIONS", "*").status == 204
    assert wire.call(w, "OPTIONS", "/nothing").status == 404


def test_errors_of_the_door_are_counted(weir, upstream):
    w = weir(upstream)
    wire.call(w, "GET", "/nothing"), wire.call(w, "GET", "/chat"), wire.call(w, "GET", "/chat")
    metrics = w.metrics()
    assert metrics['weir_errors_total{code="unknown_url",fault="client"}'] == 1
    assert metrics['weir_errors_total{code="method_not_allowed",fault="client"}'] == 2


# -- models ------------------------------------------------------------------------------------------------------------


def test_named_models_are_weirs_own(weir, upstream):
    w = weir(upstream, models={"fast": "main/gpt-x", "meta/llama": "main", "gpt-*": "main"}, server={"list_models": "names"})
    listed = wire.call(w, "GET", "/v1/models").json()
    assert sorted(m["id"] for m in listed["data"]) == ["fast", "meta/llama"]
    assert {m["owned_by"] for m in listed["data"]} == {"main"}
    for path in ("/v1/models/meta/llama", "/v1/models/meta%2Fllama"):
        assert wire.call(w, "GET", path).json() == [m for m in listed["data"] if m["id"] == "meta/llama"][0]
    assert wire.call(w, "GET", "/v1/models/gpt-5").json()["id"] == "gpt-5"
    assert wire.call(w, "HEAD", "/v1/models").body == b""


def test_the_list_needs_a_key_like_a_call(weir, upstream):
    w = weir(upstream, models={"fast": "main/gpt-x"}, clients=[{"name": "a", "key": daemon.CLIENT_KEY}], server={"list_models": "names"})
    for path in ("/v1/models", "/v1/models/fast"):
        assert wire.call(w, "GET", path).error["code"] == "invalid_api_key"
        assert wire.call(w, "GET", path, headers={"Authorization": f"Bearer {daemon.CLIENT_KEY}"}).status == 200


def test_an_unknown_model_is_not_found(weir, upstream):
    w = weir(upstream, models={"*": None, "fast": "main/gpt-x"})
    answer = wire.call(w, "GET", "/v1/models/slow")
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")


def test_an_unknown_models_name_is_shown_in_whole_characters(weir, upstream):
    w = weir(upstream, models={"*": None, "fast": "main/gpt-x"})
    for before in range(97, 102):
        answer = wire.chat(w, model="a" * before + "€" * 9)
        assert answer.status == 404
        shown = answer.error["message"].split("'")[1]
        assert shown == "a" * min(before, 100) + ("€" if before == 97 else "")


def test_where_nothing_is_named_the_provider_is_asked(weir, upstream):
    upstream.script(reply(200, {"object": "list", "data": [{"id": "gpt-x"}]}))
    w = weir(upstream, server={"workers": 1})
    listed = wire.call(w, "GET", "/v1/models").json()["data"]
    assert [(m["id"], m["object"], m["owned_by"]) for m in listed] == [("gpt-x", "model", "main")]
    one = wire.call(w, "GET", "/v1/models/org%2Fgpt-x").json()
    assert (one["id"], one["object"], one["owned_by"]) == ("org/gpt-x", "model", "main")
    assert [(r.method, r.path) for r in upstream.requests] == [("GET", "/v1/models")]  # once, for a while
    assert upstream.requests[0].header("authorization") == f"Bearer {daemon.PROVIDER_KEY}"


# -- health ------------------------------------------------------------------------------------------------------------


def test_health_shows_the_breakers(weir, upstream):
    upstream.always(error(500))
    w = weir(upstream, retry={"retries": 0}, breaker={"of": 2, "window": "60s", "probe": "60s"}, models={"*": "main", "fast": "main/gpt-x"})

    def breakers():
        return [(t["name"], t["breaker"]) for t in wire.call(w, "GET", "/health").json()["targets"]]

    assert breakers() == [("main", "closed"), ("main/gpt-x", "closed")]
    for _ in range(3):
        wire.chat(w, model="some-word")
    got = wire.call(w, "GET", "/health")
    assert breakers() == [("main", "open"), ("main/gpt-x", "closed")]
    assert got.json()["status"] == "healthy" and b"some-word" not in got.body
    daemon.wait_until(lambda: w.metrics().get('weir_breaker_open{target="main"}') == 1, 5, "the gauge did not rise")
    assert w.metrics()['weir_breaker_open{target="main/gpt-x"}'] == 0


def test_a_draining_weir_is_not_ready(weir, upstream):
    upstream.script(stall("in_stream"))
    w = weir(upstream)
    with wire.connect(w) as busy:
        busy.send(b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert busy.answer().json() == {"status": "ready"}
        busy.send(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n")
        upstream_idle = wire.call(w, "GET", "/health/ready").status
        assert upstream_idle == 200
        with wire.connect(w) as asking:
            asking.send(b"GET /health/ready HTTP/1.1\r\n")  # has begun, so it is served
            w.wait_asleep()
            w.process.terminate()
            w.wait_text('"draining"')
            asking.send(b"Host: localhost\r\n\r\n")
            answer = asking.answer()
            assert (answer.status, answer.json()) == (503, {"status": "draining"})
            assert answer.header("connection") == "close"
    upstream.always(reply(200, b""))


def test_serves_on_while_it_says_that_it_leaves(weir, upstream):
    """server.drain_delay: who spreads the calls needs time to see it, and none that it sends meanwhile may fail."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, server={"drain_delay": "1h"})
    with wire.connect(w) as standing:
        standing.request("GET", "/health/ready")
        assert standing.answer().status == 200
        w.process.terminate()
        w.wait_text('"leaving"')
        for path, status in [("/health/ready", 503), ("/health", 503), ("/health/live", 200)]:
            assert wire.call(w, "GET", path).status == status  # each on a new connection
        assert wire.call(w, "GET", "/health/ready").json() == {"status": "draining"}
        assert wire.chat(w).status == 200
        standing.request("POST", "/v1/chat/completions", REQUEST)
        answer = standing.answer()
        assert (answer.status, answer.header("connection")) == (200, None)  # as ever
        w.process.terminate()  # a second signal ends at once
        w.wait_exit()


def test_drains_when_it_has_said_long_enough_that_it_leaves(weir, upstream):
    go_on = threading.Event()
    upstream.script(sse([bodies.chunk("a"), go_on, bodies.chunk(finish="stop")]))
    w = weir(upstream, server={"drain_delay": "300ms"})
    with wire.connect(w) as idle, wire.connect(w) as busy:
        busy.request("POST", "/v1/chat/completions", {**REQUEST, "stream": True})
        answer = busy.head()
        pieces = busy.body_pieces(answer)
        next(pieces)
        began = time.monotonic()
        w.process.terminate()
        w.wait_text('"draining"')
        assert time.monotonic() - began >= 0.3
        assert idle.at_end()
        go_on.set()
        for _ in pieces:
            pass
        assert answer.events()[-1] == "[DONE]"
    w.wait_exit()


def test_gauges(weir, upstream):
    go_on = threading.Event()
    upstream.always(lambda r: sse([bodies.chunk("a"), go_on, bodies.chunk(finish="stop")]))
    w = weir(upstream, server={"workers": 2})
    clients = [wire.connect(w) for _ in range(5)]
    for c in clients:
        c.request("POST", "/v1/chat/completions", {**REQUEST, "stream": True})
        c.head()
    def risen():
        metrics = w.metrics()  # those of the worker that does not answer are up to a second old
        return (metrics["weir_open_calls"] == 5 and metrics["weir_open_connections"] >= 5
                and metrics['weir_upstream_connections{state="busy"}'] == metrics["weir_upstream_connects_total"] == 5)

    daemon.wait_until(risen, 5, "the gauges did not rise")
    go_on.set()
    for c in clients:
        c.close()
    daemon.wait_until(lambda: w.metrics()["weir_open_calls"] == 0, 5, "the gauge did not fall")


# -- the description ---------------------------------------------------------------------------------------------------


@pytest.fixture
def described(weir, upstream):
    """A weir, and a function that says whether an answer is as openapi.json has it."""
    w = weir(upstream, models={"fast": "main/gpt-x", "*": "main"}, retry={"retries": 0}, server={"list_models": "names"})
    document = wire.call(w, "GET", "/openapi.json").json()

    def check(answer, path, method):
        responses = document["paths"][path][method]["responses"]
        response = responses.get(str(answer.status)) or responses["default"]
        while "$ref" in response:
            response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
        schema = response["content"]["application/json"]["schema"]
        Draft202012Validator({**schema, "components": document["components"]}).validate(answer.json())
        for name in response.get("headers", {}):
            if not name.startswith(("x-weir-", "x-client-", "x-ratelimit-", "retry-after", "x-should", "age")):
                assert answer.header(name)

    return w, document, check


def test_the_description_is_valid(described):
    validate(described[1])


def test_answers_are_as_described(described, upstream):
    w, _, check = described
    upstream.script(reply(200, bodies.completion()), error(400, "No."), error(429), reply(200, bodies.completion()))
    check(wire.call(w, "POST", "/chat", {"message": "x"}), "/chat", "post")
    check(wire.call(w, "POST", "/chat", {"message": "x"}), "/chat", "post")
    check(wire.chat(w), "/v1/chat/completions", "post")
    check(wire.chat(w), "/v1/chat/completions", "post")
    check(wire.call(w, "POST", "/chat", {"message": ""}), "/chat", "post")
    check(wire.call(w, "POST", "/v1/chat/completions", b"{"), "/v1/chat/completions", "post")
    check(wire.call(w, "POST", "/v1/embeddings", b"x", {"Content-Type": "text/plain"}), "/v1/embeddings", "post")
    for path in ("/health", "/health/live", "/health/ready", "/v1/models"):
        check(wire.call(w, "GET", path), path, "get")
    check(wire.call(w, "GET", "/v1/models/fast"), "/v1/models/{id}", "get")


def test_the_page_runs_nothing_but_its_own(weir, upstream):
    answer = wire.call(weir(upstream), "GET", "/docs")
    policy = answer.header("content-security-policy")
    assert "default-src 'none'" in policy and "script-src 'sha256-" in policy and "unsafe" not in policy
    assert answer.body.count(b"<script>") == 1 and b"innerHTML" not in answer.body


def test_signals_to_the_last_moment_do_not_kill_it(tmp_path):
    """SIGTERM as fast as it can be sent, from the first line to the end: the end is orderly each time."""
    for _ in range(20):
        process = subprocess.Popen([daemon.WEIR, "serve", "-l", "127.0.0.1:0"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
        for line in process.stderr:
            if "weir: try:" in line:
                break
        while process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.stderr.close()
        assert process.returncode == 0


# -- its memory --------------------------------------------------------------------------------------------------------


def leaves_an_image(w):
    """Whether the kernel has written one, of whatever size the limit lets it have, when weir crashes."""
    resource.prlimit(w.process.pid, resource.RLIMIT_CORE, (IMAGE_BYTES, IMAGE_BYTES))
    w.process.send_signal(signal.SIGSEGV)
    return os.WCOREDUMP(os.waitpid(w.process.pid, 0)[1])


@pytest.mark.skipif(daemon.sanitized(), reason="a sanitizer hears the signal in weir's place, and ends with a report")
def test_no_image_of_its_memory_is_left(weir, upstream):
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    if most != resource.RLIM_INFINITY and most < IMAGE_BYTES:
        pytest.skip("this machine lets nobody write one")
    if not leaves_an_image(weir(upstream, server={"core_dumps": True})):
        pytest.skip("this machine writes none")
    assert not leaves_an_image(weir(upstream))
