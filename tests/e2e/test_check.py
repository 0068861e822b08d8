"""weir check beyond the file's own text: certificates and authorities, and what providers say when they are asked."""

import datetime
import json
import re
import subprocess

import pytest
import yaml

import bodies
import daemon
import pki
from terminal import environment
from upstream import error, refused_port, reply

GOOD, BAD = "sk-good-0123456789", "sk-bad-0123456789"


def run(folder, *args, **env):
    return subprocess.run([daemon.WEIR, *map(str, args)], cwd=folder, env=environment(folder, env), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60)


def check(folder, config, *args, **env):
    path = folder / "weir.yaml"
    path.write_text(config if isinstance(config, str) else yaml.safe_dump(config))
    path.chmod(0o600)
    return run(folder, "check", *args, **env)


# -- files -----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return pki.Authority(tmp_path_factory.mktemp("pki"))


def listener(cert, key):
    return (f"listen:\n  - 127.0.0.1:8080\n  - address: 127.0.0.1:8443\n    tls:\n      cert: {cert}\n      key: {key}\n"
            "providers: {p: {url: 'http://127.0.0.1:1/v1'}}\n")


def test_good_certificates(tmp_path, authority):
    own = authority.issue("a.example", ends=pki.NOW + 15 * pki.DAY)
    done = check(tmp_path, listener(own.cert, own.key))
    assert (done.returncode, done.stdout, done.stderr) == (0, "weir.yaml is good\n", "")


def test_what_cannot_be_served_is_told_as_serve_would(tmp_path, authority):
    one, other = authority.issue("a.example"), authority.issue("b.example")
    (tmp_path / "no.pem").write_text("no certificate\n")
    for cert, key, line, said in ((one.cert, other.key, "6:12", "tls.key: TLS key"), ("no.pem", one.key, "5:13", "tls.cert: TLS certificate"),
                                  (one.cert, "no.pem", "6:12", "tls.key: TLS key")):
        done = check(tmp_path, listener(cert, key))
        assert (done.returncode, done.stdout) == (1, "")
        first, last = done.stderr.splitlines()
        assert first.startswith(f"weir.yaml:{line}: listen 127.0.0.1:8443: {said} "), first
        assert last == "weir: 1 problem"
        assert run(tmp_path, "serve").returncode == 1


def test_an_authority_that_is_none(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing\n")
    done = check(tmp_path, "providers:\n  p:\n    url: https://127.0.0.1:1/v1\n    ca_file: ca.pem\n  q: {url: 'https://127.0.0.1:2/v1'}\n")
    assert done.returncode == 1
    assert done.stderr.startswith("weir.yaml:4:14: providers.p.ca_file: CA certificates ca.pem: ") and done.stderr.endswith("\nweir: 1 problem\n")


HTTPS = "https://127.0.0.1:1"
TOKENS = {"issuer": "https://issuer.example/", "audience": "weir"}
# Each option that names authorities, as a configuration that uses it.
TRUSTING = {
    "providers.NAME.ca_file": {"providers": {"p": {"url": f"{HTTPS}/v1", "ca_file": "x.pem"}}},
    "tools.NAME.ca_file": {"tools": {"t": {"kind": "http", "description": "t", "url": HTTPS, "ca_file": "x.pem", "allow_private": True}}},
    "alerts.webhooks[].ca_file": {"alerts": {"webhooks": [{"url": "http://127.0.0.1:1", "allow_private": True},
                                                          {"url": HTTPS, "ca_file": "x.pem", "allow_private": True}]}},
    "telemetry.ca_file": {"telemetry": {"endpoint": HTTPS, "ca_file": "x.pem"}},
    "shared.ca_file": {"shared": {"url": "rediss://127.0.0.1:1", "ca_file": "x.pem"}},
    "cache.store.ca_file": {"cache": {"models": ["*"], "store": {"url": "rediss://127.0.0.1:1", "ca_file": "x.pem"}}},
    "functions.approval.ca_file": {"functions": {"approval": {"url": HTTPS, "ca_file": "x.pem", "allow_private": True, "secret": "0123456789abcdef"}},
                                   "tools": {"get_current_time": {"kind": "builtin", "approve": "webhook"}}},
    "auth.jwt.ca_file": {"auth": {"jwt": {"jwks": f"{HTTPS}/keys.json", "ca_file": "x.pem", **TOKENS}}},
    "an MCP server's": {"tools": {"m": {"kind": "mcp", "url": f"{HTTPS}/mcp", "ca_file": "x.pem"}}},
}


def test_every_option_that_names_authorities_is_tried():
    scope, found = "", set()
    for line in run(".", "reference").stdout.splitlines():
        scope = re.sub(r"^##+ .*?`(.*)`.*|^##.*", r"\1", line) + "." if line.startswith("##") else scope
        found |= {scope.lstrip(".") + name for name in re.findall(r"^\| `((?:\S+\.)?ca_file)` ", line)}
    assert found == {name for name in TRUSTING if "." in name}


@pytest.mark.parametrize("option", TRUSTING)
def test_authorities_that_are_none_are_refused_by_both(tmp_path, authority, option):
    base = {"listen": "127.0.0.1:0", "ledger": "off", "providers": {"p": {"kind": "simulator", "url": "http://127.0.0.1:1/v1"}}}
    config = {**base, **TRUSTING[option]}
    (tmp_path / "x.pem").write_text("nothing\n")
    done = check(tmp_path, config)
    assert (done.returncode, done.stdout) == (1, ""), done.stderr
    assert re.match(r"weir\.yaml:\d+:\d+: (\S+ca_file|tools\.\w): CA certificates \S*x\.pem", done.stderr) and done.stderr.endswith("weir: 1 problem\n"), done.stderr
    assert run(tmp_path, "serve").returncode == 1
    (tmp_path / "x.pem").write_bytes(authority.file.read_bytes())
    good = check(tmp_path, config)
    assert (good.returncode, good.stdout) == (0, "weir.yaml is good\n"), good.stderr


@pytest.mark.parametrize("text, said", [("nothing", "it is no JSON"), ("{}", ""), ('{"keys": []}', "it has no key that could verify a token")])
def test_keys_of_an_issuer_that_are_none_are_refused_by_both(tmp_path, text, said):
    (tmp_path / "keys.json").write_text(text)
    config = {"listen": "127.0.0.1:0", "ledger": "off", "providers": {"p": {"url": "http://127.0.0.1:1/v1"}},
              "auth": {"jwt": {"jwks": "keys.json", **TOKENS}}}
    done = check(tmp_path, config)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.match(r"weir\.yaml:\d+:\d+: auth\.jwt\.jwks: \S*keys\.json cannot be used: ", done.stderr) and said in done.stderr, done.stderr
    assert run(tmp_path, "serve").returncode == 1


@pytest.mark.parametrize("days, said", [(15.5, None), (13.5, "expires on {}, in 13 days"), (1.5, "expires on {}, in 1 day"), (-0.5, "expired on {}")])
def test_a_certificate_that_ends_soon_is_warned_of(tmp_path, authority, days, said):
    ends = datetime.datetime.now(datetime.timezone.utc) + days * pki.DAY
    own = authority.issue("a.example", ends=ends)
    done = check(tmp_path, listener(own.cert, own.key))
    assert (done.returncode, done.stdout) == (0, "weir.yaml is good\n")
    wanted = said and f"weir.yaml:5:13: warning: listen 127.0.0.1:8443: tls.cert: the certificate {said.format(ends.date())}\n"
    assert done.stderr == (wanted or "")


def test_a_client_whose_key_has_expired_is_warned_of(tmp_path):
    some = {"providers": {"p": {"url": "http://127.0.0.1:1/v1"}},
            "clients": [{"name": n, "key": {"sha256": n * 64}, "expires": at} for n, at in (("a", "2020-01-02T12:00:00Z"), ("b", "2200-01-01"), ("c", "never"))]}
    done = check(tmp_path, some)
    assert (done.returncode, done.stdout) == (0, "weir.yaml is good\n")
    assert re.fullmatch(r"weir\.yaml:\d+:\d+: warning: clients\[0\]\.expires was 2020-01-02: its key is refused\n", done.stderr), done.stderr


def test_of_authorities_the_last_counts(tmp_path, authority):
    """A bundle in which one is out of date is as good as any."""
    old = authority.issue("old.example", ends=pki.NOW - pki.DAY)
    (tmp_path / "ca.pem").write_bytes(old.cert.read_bytes() + authority.file.read_bytes())
    config = "providers: {p: {url: 'https://127.0.0.1:1/v1', ca_file: ca.pem}}\n"
    assert check(tmp_path, config).stderr == ""
    (tmp_path / "ca.pem").write_bytes(old.cert.read_bytes())
    assert "warning: providers.p.ca_file: the certificate expired on" in check(tmp_path, config).stderr


# -- asking ----------------------------------------------------------------------------------------------------------------


def lists(*ids):
    return reply(200, {"object": "list", "data": [{"id": i, "object": "model"} for i in ids]})


def untimed(text):
    """Without the time that each answer took, which is checked to be there."""
    lines = text.splitlines()
    return [line.rpartition(", ")[0] if line.endswith(" ms") else line for line in lines]


def test_providers_are_asked(tmp_path, upstream):
    upstream.always(lambda r: lists("big", "small") if r.header("authorization") == f"Bearer {GOOD}" else error(401, code="invalid_api_key"))
    config = {"providers": {"main": {"url": upstream.url, "key": [GOOD, BAD]}}, "models": {"fast": ["main/small", "main/gone"], "*": "main"}}
    done = check(tmp_path, config, "--ask")
    assert (done.returncode, done.stderr) == (1, "")
    assert untimed(done.stdout) == ["weir.yaml is good", "main, key 1: accepted, 2 models", "main, key 2: refused (status 401 invalid_api_key)",
                                    "main/small: listed", "main/gone: not listed"]
    assert [(r.method, r.path) for r in upstream.requests] == [("GET", "/v1/models")] * 2
    assert GOOD not in done.stdout + done.stderr


def test_all_is_well(tmp_path, upstream):
    upstream.script(lists("one"))
    done = check(tmp_path, {"providers": {"main": {"url": upstream.url}}}, "--ask")
    assert done.returncode == 0 and untimed(done.stdout)[1:] == ["main, no key: accepted, 1 model"]


def test_nobody_is_called_unasked(tmp_path, upstream):
    assert check(tmp_path, {"providers": {"main": {"url": upstream.url}}}).returncode == 0
    assert not upstream.requests


@pytest.mark.parametrize("answer, status, said", [
    (error(404), 0, "answered, but does not list its models (status 404)"),
    (reply(200, b"<html>"), 0, "answered, but with no list of models"),
    (error(503, code="busy"), 1, "failed (status 503 busy)"),
    (error(403, code=GOOD), 1, "refused (status 403 [redacted])"),
    (error(402, code="\033[2J"), 1, "refused (status 402  [2J)"),
])
def test_what_is_no_list(tmp_path, upstream, answer, status, said):
    upstream.script(answer)
    done = check(tmp_path, {"providers": {"main": {"url": upstream.url, "key": GOOD}}}, "--ask")
    assert (done.returncode, untimed(done.stdout)[1:]) == (status, [f"main, key 1: {said}"])


def test_one_that_is_not_reached_does_not_hide_the_others(tmp_path, upstream):
    upstream.script(lists("a"))
    kept, port = refused_port()
    with kept:
        config = {"providers": {"down": {"url": f"http://127.0.0.1:{port}/v1"}, "main": {"url": upstream.url}}}
        done = check(tmp_path, config, "--ask")
    assert done.returncode == 1
    first, second = done.stdout.splitlines()[1:]
    assert first.startswith("down, no key: not reached: ") and "refused" in first and second.startswith("main, no key: accepted, 1 model, ")


# -- weir models -----------------------------------------------------------------------------------------------------------


def test_models_of_a_gateway(weir, upstream, tmp_path):
    upstream.script(lists("b", "c"))
    w = weir(upstream, server={"workers": 1}, models={"a": "main/x", "*": "main"}, clients=[{"name": "a", "key": daemon.CLIENT_KEY}])
    done = run(tmp_path, "models", "--url", w.base_url, OPENAI_API_KEY=daemon.CLIENT_KEY)
    assert (done.returncode, done.stdout, done.stderr) == (0, "a\nb\nc\n", "")
    done = run(tmp_path, "models", "--json", OPENAI_BASE_URL=w.base_url, OPENAI_API_KEY=daemon.CLIENT_KEY)
    assert [m["id"] for m in json.loads(done.stdout)["data"]] == ["a", "b", "c"]
    done = run(tmp_path, "models", "--url", w.base_url)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"weir: {w.base_url} answered with status 401; the key is that of OPENAI_API_KEY\n")


def test_models_of_a_configuration(tmp_path, upstream, upstreams):
    """Names, then what patterns let through; one that does not answer leaves the others as they are."""
    down = upstreams()
    down.script(error(500))
    upstream.script(lists("gpt-x", "other", "gpt-y\033[2J"))
    config = {"providers": {"main": {"url": upstream.url, "key": GOOD}, "down": {"url": down.url}},
              "models": {"mine": "main/real", "gpt-*": ["down", "main"]}}
    (tmp_path / "w.yaml").write_text(yaml.safe_dump(config))
    done = run(tmp_path, "models", "-c", "w.yaml")
    assert (done.returncode, done.stdout) == (0, "mine\ngpt-x\n")
    assert done.stderr == "weir: down does not tell its models: it answered with status 500\n"
    assert upstream.requests[0].header("authorization") == f"Bearer {GOOD}"


def test_models_of_nobody(tmp_path):
    done = run(tmp_path, "models")
    assert (done.returncode, done.stdout) == (1, "") and "the built-in simulator takes every name" in done.stderr
