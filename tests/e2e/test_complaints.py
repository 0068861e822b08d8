"""What weir says where something is wrong with its configuration or with the proxy that the environment names: no secret, wherever it stands.

tests/unit/config/test_complaints.c plays tens of thousands of broken files; here is what the program prints and logs of some."""

import signal
import subprocess

import pytest

import bodies
import daemon
import wire
from upstream import reply

SECRET = "sk-Zq7xM2pW9vB4nT6kR1yJ8hL3"

GOOD = f"""\
listen: 127.0.0.1:0
providers:
  main:
    url: "@URL@"
    key: "{SECRET}"
    headers:
      x-team: "{SECRET}"
models:
  "*": main
clients:
  - name: ci
    key: "{SECRET}"
retry: {{retries: 2}}
chat:
  model: m
"""

BROKEN = {
    "unclosed_quote": (f'key: "{SECRET}"', f'key: "{SECRET}'),
    "tab": ("    key", "\tkey"),
    "dedent": ("    key", "key"),
    "half_dedent": ("      x-team", "   x-team"),
    "no_colon": ("key: ", "key "),
    "no_blank": ("key: ", "key:"),
    "misspelt": ("    key:", "    kye:"),
    "section_misspelt": ("providers:", "provders:"),
    "section_gone": ("providers:\n", ""),
    "clients_gone": ("clients:\n", ""),
    "headers_gone": ("    headers:\n", ""),
    "mapping": (f'key: "{SECRET}"', f"key: {{{SECRET}}}"),
    "file": (f'key: "{SECRET}"', f"key: {{file: {SECRET}}}"),
    "command": (f'key: "{SECRET}"', f"key: {{command: [{SECRET}]}}"),
    "no_name": (f'key: "{SECRET}"', f'key: "${{{SECRET}}}"'),
    "no_name_elsewhere": ("model: m", f'model: "${{{SECRET}}}"'),
    "elsewhere": ("retries: 2", f"retries: {SECRET}"),
    "from_the_environment": ("retries: 2", 'retries: "${SECRET}"'),
    "provider_of_a_model": ('"*": main', f'"*": {SECRET}'),
    "login": ('"@URL@"', f'"https://user:{SECRET}@h.example"'),
    "query": ('"@URL@"', f'"https://h.example/v1?key={SECRET}"'),
    "tag": (f'key: "{SECRET}"', f"key: !{SECRET} x"),
    "alias": (f'key: "{SECRET}"', f"key: *{SECRET}"),
    "anchor": (f'key: "{SECRET}"', f'key: &{SECRET} x\n    key: "x"'),
    "escape": (f'key: "{SECRET}"', f'key: "\\{SECRET}"'),
    "twice": ("    headers:\n", f'    {SECRET}: a\n    {SECRET}: b\n    headers:\n'),
    "header_name": ("      x-team:", f'      "{SECRET}:":'),
    "sha256": (f'key: "{SECRET}"\nretry', f"key: {{sha256: {SECRET}}}\nretry"),
    "a_list": ("clients:\n  - name", "clients:\n    name"),
}


def texts(url):
    good = GOOD.replace("@URL@", url)
    for name, (old, new) in BROKEN.items():
        old, new = old.replace("@URL@", url), new.replace("@URL@", url)
        assert old in good, name
        yield name, good.replace(old, new)


def assert_silent(said, name):
    assert SECRET[3:9] not in said and SECRET[-6:] not in said, (name, said)


@pytest.mark.parametrize("command", ["check", "check --explain", "serve"])
def test_commands_quote_no_secret(tmp_path, command):
    file = tmp_path / "weir.yaml"
    clean = {"PATH": "/usr/bin:/bin", "SECRET": SECRET}
    for name, text in texts("http://127.0.0.1:9/v1"):
        file.write_text(text)
        done = subprocess.run([daemon.WEIR, *command.split(), "-c", file], env=clean, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1, (name, done)
        assert "weir.yaml:" in done.stderr, name
        assert_silent(done.stdout + done.stderr, name)


def test_the_good_one_is_good(tmp_path):
    file = tmp_path / "weir.yaml"
    file.write_text(GOOD.replace("@URL@", "http://127.0.0.1:9/v1"))
    done = subprocess.run([daemon.WEIR, "check", "--explain", "-c", file], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert_silent(done.stdout + done.stderr, "good")


def test_an_address_that_cannot_be_listened_at(tmp_path):
    file = tmp_path / "weir.yaml"
    file.write_text(GOOD.replace("@URL@", "http://127.0.0.1:9/v1").replace("127.0.0.1:0", '"unix:/nowhere/${SECRET}/x"', 1))
    clean = {"PATH": "/usr/bin:/bin", "SECRET": SECRET, "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run([daemon.WEIR, "serve", "-c", file], env=clean, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "cannot listen on an address of listen: " in done.stderr, done
    assert_silent(done.stdout + done.stderr, "listen")


def test_the_log_of_a_reload_quotes_no_secret(weir, upstream):
    upstream.always(reply(200, bodies.completion()))
    w = weir(GOOD.replace("@URL@", upstream.url), env={"SECRET": SECRET})
    refused = 0
    for name, text in texts(upstream.url):
        w.config_path.write_text(text)
        w.process.send_signal(signal.SIGHUP)
        refused += 1
        daemon.wait_until(lambda: w.output().count("config_reload_failed") >= refused, 20, f"no word of {name}")
    assert wire.chat(w, headers={"authorization": f"Bearer {SECRET}"}).status == 200  # with what was right
    health = wire.call(w, "GET", "/health").body.decode()
    assert_silent(w.output() + health + str(w.metrics()), "reload")


@pytest.mark.parametrize("value", [
    f"http://user:{SECRET}@127.0.0.1:1",
    f"{SECRET}://127.0.0.1:1",
    f"socks5://user:{SECRET}@127.0.0.1:1",
    f"http://user:{SECRET}",
    f"user:{SECRET}@:1",
])
def test_a_proxy_that_fails_is_not_told(weir, upstream, value):
    config = daemon.config_for(upstream, retry={"retries": 0})
    w = weir(config, env={"HTTP_PROXY": value, "HTTPS_PROXY": value, "ALL_PROXY": value})
    answer = wire.chat(w)
    assert answer.status >= 500
    assert "proxy" in w.wait_call(answer.header("x-request-id"))["message"]
    assert_silent(w.output() + answer.body.decode() + str(answer.headers), value)
