"""Whom weir takes a request for: by the host that it names, the page that it comes from, the path and the fields that it
brings along. What does not belong here is refused before anything of it reaches a provider."""

import re
import signal

import pytest

import bodies
import daemon
import wire
from upstream import Upstream, error, reply, sse

PATHS = ["/v1/chat/completions", "/chat", "/v1/models", "/v1/models/m", "/v1/files", "/health", "/health/live", "/health/ready",
         "/metrics", "/openapi.json", "/docs", "/", "/nothing", "/openai/deployments/m/chat/completions"]


def ask(w, host, path="/v1/models", method="GET", body=None, headers=()):
    return wire.call(w, method, path, body, {"Host": host, **dict(headers)})


# -- hosts -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_a_name_that_was_turned_here_is_not_answered(weir, upstream, path):
    """A page whose name leads to 127.0.0.1 since it was loaded asks as one of weir's own origin: its Host tells."""
    w = weir(upstream, passthrough=["/v1/files"])
    rebound = f"evil.example:{w.port}"
    same = {"Origin": f"http://{rebound}", "Sec-Fetch-Site": "same-origin"}
    for method, body in (("GET", None), ("POST", bodies.completion()), ("OPTIONS", None), ("HEAD", None)):
        answer = ask(w, rebound, path, method, body, same)
        assert answer.status == 403
        assert answer.header("x-request-id") and answer.header("x-should-retry") == "false"
        assert not answer.header("access-control-allow-origin")
        if method != "HEAD":
            assert answer.error["code"] == "host_not_allowed" and answer.error["type"] == "invalid_request_error"
            assert rebound in answer.error["message"] and "server.hosts" in answer.error["message"]
    assert not upstream.requests


def test_the_server_as_a_whole_is_not_answered_either(weir, upstream):
    w = weir(upstream)
    assert ask(w, "evil.example", "*", "OPTIONS").status == 403
    assert ask(w, "localhost", "*", "OPTIONS").status == 204


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "127.0.0.1", "[::1]:{port}", "localhost:{port}", "LOCALHOST", "localhost.:{port}", "a.localhost:{port}"])
def test_addresses_and_localhost_are_answered(weir, upstream, host):
    upstream.script(reply(200, bodies.completion("Hi.")))
    w = weir(upstream)
    host = host.format(port=w.port)
    assert wire.chat(w, headers={"Host": host}).status == 200
    assert ask(w, host, "/metrics").status == 200


@pytest.mark.parametrize("host", ["weir", "localhost.evil.example", "127.0.0.1.evil.example:80", "evil.example."])
def test_nor_are_names_that_look_so(weir, upstream, host):
    assert ask(weir(upstream), host, "/health").status == 403


def test_configured_names_are_answered_and_reloaded(weir, upstream):
    upstream.always(reply(200, bodies.completion("Hi.")))
    config = daemon.config_for(upstream, server={"hosts": ["weir.internal", "*.lab.example"]})
    w = weir(config)
    assert wire.chat(w, headers={"Host": f"Weir.Internal:{w.port}"}).status == 200
    assert ask(w, "box.lab.example", "/metrics").status == 200
    assert ask(w, "lab.example", "/metrics").status == 403
    with wire.connect(w) as c:  # a name that is taken away is gone for open connections too
        c.request("GET", "/health", headers={"Host": "weir.internal"})
        assert c.answer().status == 200
        w.reload(daemon.config_for(upstream, server={"hosts": "other.internal"}))
        c.request("GET", "/health", headers={"Host": "weir.internal"})
        assert c.answer().status == 403
        c.request("GET", "/health", headers={"Host": "other.internal"})
        assert c.answer().status == 200


def test_who_has_reset_his_connection_is_known_by_his_address(weir, upstream):
    """Where he is limited, allowed or told of by it, too: it is not asked for when he has gone."""
    upstream.always(reply(200, bodies.completion("Hi.")))
    w = weir(upstream)
    w.process.send_signal(signal.SIGSTOP)
    with wire.connect(w) as c:
        name = "127.0.0.1:%d" % c.sock.getsockname()[1]
        c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "Hi"}]})
        c.abort()
    w.process.send_signal(signal.SIGCONT)
    path = f"/usage/calls/{w.calls(1)[0]['request_id']}"
    assert wire.call(w, "GET", path).json()["peer"] == name


def test_who_serves_anyone_still_has_a_name(weir, upstream):
    """server.open lets other machines in, not every name that leads to one."""
    upstream.always(reply(200, bodies.completion("Hi.")))
    w = weir(upstream, server={"open": True})
    assert ask(w, "evil.example", "/v1/models").status == 403
    w.reload(daemon.config_for(upstream, server={"open": True, "hosts": "*"}))
    assert wire.chat(w, headers={"Host": "evil.example"}).status == 200


def test_with_keys_the_host_does_not_matter(weir, upstream):
    upstream.always(reply(200, bodies.completion("Hi.")))
    w = weir(upstream, clients=[{"name": "a", "key": daemon.CLIENT_KEY}])
    assert wire.chat(w, headers={"Host": "weir.example.com"}).status == 401
    assert wire.chat(w, headers={"Host": "weir.example.com", "Authorization": f"Bearer {daemon.CLIENT_KEY}"}).status == 200
    assert ask(w, "weir.example.com", "/health").status == 200


@pytest.mark.parametrize("head, status", [
    ("GET /health HTTP/1.0\r\n", 200),
    ("GET /health HTTP/1.0\r\nHost: evil.example\r\n", 403),
    ("GET http://evil.example/health HTTP/1.0\r\n", 403),
    ("GET http://evil.example/health HTTP/1.1\r\nHost: evil.example\r\n", 403),
    ("GET http://evil.example/health HTTP/1.1\r\nHost: localhost\r\n", 400),
    ("GET http://localhost/health HTTP/1.1\r\nHost: localhost\r\n", 200),
])
def test_whom_a_request_means(weir, upstream, head, status):
    with wire.connect(weir(upstream)) as c:
        c.send(head.encode() + b"\r\n")
        assert c.answer().status == status


def test_a_long_host_is_told_in_part(weir, upstream):
    answer = ask(weir(upstream), "a" * 4000 + ".example", "/health")
    assert answer.status == 403 and "a" * 100 in answer.error["message"] and len(answer.body) < 600


def test_over_a_unix_socket_any_host_will_do(weir, upstream, tmp_path):
    """No page asks over one, and those who may are told by its permissions."""
    upstream.script(reply(200, bodies.completion("Hi.")))
    w = weir(upstream, listen=f"unix:{tmp_path}/w.sock")
    assert wire.chat(w, headers={"Host": "weir"}).status == 200
    assert ask(w, "app.example.com", "/metrics").status == 200


def test_a_refused_host_is_in_log_and_metrics(weir, upstream):
    w = weir(upstream)
    answer = wire.chat(w, headers={"Host": "evil.example"})
    assert w.wait_call(answer.header("x-request-id"))["error"] == "host_not_allowed"
    assert ask(w, "evil.example", "/metrics").status == 403
    assert sum(v for k, v in w.metrics().items() if k.startswith("weir_errors_total") and 'host_not_allowed' in k) == 2


# -- pages -------------------------------------------------------------------------------------------------------------

EVIL = "https://evil.example"
CALLS = [("POST", "/v1/chat/completions"), ("POST", "/chat"), ("POST", "/openai/deployments/m/chat/completions"), ("POST", "/v1/embeddings"),
         ("POST", "/v1/files"), ("PUT", "/v1/files"), ("DELETE", "/v1/files"), ("GET", "/v1/files"), ("HEAD", "/v1/files"),
         ("GET", "/v1/models"), ("GET", "/v1/models/m"), ("HEAD", "/v1/models"), ("GET", "/openai/models")]


@pytest.mark.parametrize("method, path", CALLS)
@pytest.mark.parametrize("page", [
    {"Origin": EVIL},
    {"Origin": EVIL, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1", "Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
], ids=lambda page: " ".join(page.values()))
def test_a_foreign_page_reaches_no_provider(weir_for_pages, method, path, page):
    upstream, w = weir_for_pages
    body = None if method in ("GET", "HEAD") else {"model": "m", "messages": [], "message": "x"}
    answer = ask(w, f"localhost:{w.port}", path, method, body, page)
    assert answer.status == 403 and answer.header("x-should-retry") == "false"
    if method != "HEAD":
        assert answer.error["code"] == "forbidden" and "cors.origins" in answer.error["message"]
        assert page.get("Origin", "other sites") in answer.error["message"]
    assert not upstream.requests


@pytest.fixture(scope="module")
def weir_for_pages(tmp_path_factory):
    with Upstream() as up:
        w = daemon.Weir(tmp_path_factory.mktemp("pages"), daemon.config_for(up, passthrough=["/v1/files"], cors={"origins": ["https://app.example"]}))
        yield up, w
        w.stop()


@pytest.mark.parametrize("method, path", CALLS)
@pytest.mark.parametrize("page", [
    {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://localhost:{port}", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"},
    {"Sec-Fetch-Mode": "cors", "Accept-Language": "*"},  # what programs in Node send
    {},
], ids=lambda page: " ".join(page.values()))
def test_its_own_pages_those_of_cors_and_programs_do(weir, upstream, method, path, page):
    upstream.always(reply(200, {"object": "list", "data": [{"id": "m"}], **bodies.completion("Hi.")}))
    w = weir(upstream, passthrough=["/v1/files"], cors={"origins": ["https://app.example"]})
    body = None if method in ("GET", "HEAD") else {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    if path == "/chat":
        body = {"message": "x"}
    answer = ask(w, f"localhost:{w.port}", path, method, body, {n: v.format(port=w.port) for n, v in page.items()})
    assert answer.status == 200


def test_any_page_may_where_cors_says_so(weir, upstream):
    upstream.always(reply(200, bodies.completion("Hi.")))
    w = weir(upstream, passthrough=["/v1/files"], cors={"origins": "*"})
    assert wire.chat(w, headers={"Origin": EVIL}).header("access-control-allow-origin") == "*"
    assert ask(w, "localhost", "/v1/files", headers={"Sec-Fetch-Site": "cross-site"}).status == 200


def test_pages_of_apps_can_be_named(weir, upstream):
    upstream.always(reply(200, bodies.completion("Hi.")))
    w = weir(upstream, cors={"origins": ["tauri://localhost", "chrome-extension://abcdefgh"]})
    for origin in ("tauri://localhost", "chrome-extension://abcdefgh"):
        assert wire.chat(w, headers={"Origin": origin}).header("access-control-allow-origin") == origin
    assert wire.chat(w, headers={"Origin": "chrome-extension://other"}).status == 403


def test_a_foreign_page_may_see_no_more_than_that_weir_is_there(weir, upstream):
    """What asks no provider is answered, and not to be read by it."""
    w = weir(upstream)
    for path in ("/health", "/docs", "/metrics"):
        answer = ask(w, "localhost", path, headers={"Origin": EVIL, "Sec-Fetch-Site": "cross-site"})
        assert answer.status == 200 and not answer.header("access-control-allow-origin")


def test_a_page_with_a_key_is_still_a_page(weir, upstream):
    w = weir(upstream, clients=[{"name": "a", "key": daemon.CLIENT_KEY}])
    assert wire.chat(w, headers={"Authorization": f"Bearer {daemon.CLIENT_KEY}", "Origin": EVIL}).status == 403
    assert not upstream.requests


def test_an_origin_is_told_in_part(weir, upstream):
    answer = wire.chat(weir(upstream), headers={"Origin": "https://" + "\xff" + 'a"' * 2000})
    assert answer.status == 403 and len(answer.body) < 1000


# -- paths -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tail", [
    "../files", "..", ".", "./x", "%2e%2e/files", ".%2E/files", "x/..%2f..%2ffiles", "..;/files", "..;x=y/files", ".;/files", "..%3b/files",
    "%252e%252e/files", "..%252ffiles", "%25252e./files", "..%3b%2ffiles", "..%253bx/files", "..%5cfiles", "..%255cfiles", "x\\..\\..\\files",
    "..%00/files", "..%20/files", "..%3f/files", "..%23/files", "%c0%ae%c0%ae/files", "..%c0%affiles", "%u002e%u002e/files", "x%0d%0ay",
    "%25252525252e./files",
])
@pytest.mark.parametrize("base", ["/v1/audio/", "/audio/", "/openai/v1/audio/", "/openai/deployments/m/audio/"])
def test_a_path_that_leads_elsewhere_reaches_no_provider(weir_for_audio, base, tail):
    upstream, w = weir_for_audio
    for method in ("GET", "POST", "DELETE"):
        answer = wire.call(w, method, base + tail, b"{}" if method == "POST" else None)
        assert (answer.status, answer.error["code"]) == (404, "unknown_url")
    assert not upstream.requests


@pytest.fixture(scope="module")
def weir_for_audio(tmp_path_factory):
    with Upstream() as up:
        w = daemon.Weir(tmp_path_factory.mktemp("audio"), daemon.config_for(up, passthrough=["/v1/audio/*"]))
        yield up, w
        w.stop()


@pytest.mark.parametrize("tail", ["speech", "a%2Fb", "..a", "a..", "...", "a;v=1/b", "100%25", "Gr%C3%BC%C3%9Fe", "a%20b", "ft:x::y"])
def test_other_paths_go_on_as_they_are(weir, upstream, tail):
    upstream.script(reply(200, b"ok"))
    w = weir(upstream, passthrough=["/v1/audio/*"])
    assert wire.call(w, "GET", f"/v1/audio/{tail}?a=..%2f..").status == 200
    assert upstream.requests[0].path == f"/v1/audio/{tail}?a=..%2f.."


@pytest.mark.parametrize("path", [
    "/v1/chat/completion%73", "/v1/chat%2Fcompletions", "/v1//chat/completions", "/v1/chat/completions/", "/v1/chat/completions;a=b", "/v1/Chat/Completions",
    "/v1/chat/completions%3Fa", "/v1/chat/%2563ompletions", "/v1/v1/chat/completions", "/v1/deployments/m/chat/completions", "/openai/Deployments/m/chat/completions",
    "/v1/response%73", "/v1/embeddings/",
])
def test_no_call_goes_on_by_another_spelling_of_its_path(weir, upstream, path):
    """To some server it is that call, which neither the client's rights nor the guard would have been asked about."""
    w = weir(upstream, passthrough=["/v1/*"])
    answer = wire.call(w, "POST", path, {"model": "m", "messages": []})
    assert (answer.status, answer.error["code"]) == (404, "unknown_url")
    assert not upstream.requests


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "application/x-ndjson", "Application/Json+x", ""])
def test_json_by_another_name_is_json(weir, upstream, kind):
    """Servers that do not look at the type read it as that. So do weir's rules: whose model it is, what the guard finds."""
    upstream.always(reply(200, b"{}"))
    w = weir(upstream, passthrough=["/v1/*"], guard={"in": "block"}, clients=[{"name": "a", "key": "client-key-0123456789", "models": ["m"]}])
    headers = {"authorization": "Bearer client-key-0123456789", "content-type": kind}

    def ask(body):
        answer = wire.call(w, "POST", "/v1/messages", body, headers)
        return answer.status if answer.status == 200 else (answer.status, answer.error["code"])

    assert ask(b' { "model": "m", "x": "hello"}') == 200
    assert ask(b'{"model": "other"}') == (403, "model_not_allowed")
    assert ask(b'{"model": "m", "x": "AKIAIOSFODNN7EXAMPLQ"}') == (400, "content_blocked")
    for bad in NO_JSON:
        assert ask(bad) == (400, "invalid_json"), bad
    assert len(upstream.requests) == 1


# What begins as JSON and is none that weir takes: lines, a data set's, of another coding, a text.
NO_JSON = [
    b'{"model": "m", "model": "m"}', b'\xef\xbb\xbf{"model": "m"}', b'{"model": "m", "x": NaN}', b'{"model": "m"}\n{"model": "m"}', b'{"x":' * 200 + b"1" + b"}" * 200,
    b'{"x": "caf\xe9"}', b'{"Quote"} is how it starts', *('{"model": "m"}'.encode(c) for c in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")),
]


@pytest.mark.parametrize("options, asked", [
    ({}, False), ({"guard": {"in": "off", "out": "block"}}, False), ({"limits": {"user": {"requests": "90/m"}}}, False), ({"clients": [{"models": []}]}, False),
    ({"guard": {"in": "block"}, "models": {"*": {"targets": "main", "guard": {"in": "off"}}}}, False),
    ({"guard": {"in": "redact"}}, True), ({"guard": {"rules": [{"name": "mine", "pattern": "TICK-[0-9]{6}", "lead": "TICK-", "action": "block"}]}}, True),
    ({"models": {"*": "main", "m": {"targets": "main", "guard": {"in": "flag"}}}}, True),
    ({"clients": [{"guard": {"in": "block"}}]}, True), ({"clients": [{"models": ["*"]}]}, True), ({"limits": {"model": {"m": {"requests": "90/m"}}}}, True),
])
@pytest.mark.parametrize("size", [0, 400_000])
def test_what_is_no_json_goes_on_where_nobody_would_look_at_it(weir, upstream, options, asked, size):
    """Lines of JSON for a batch, a data set, a text: uploads. Where somebody would, it may be JSON to the server behind."""
    upstream.always(reply(200, b"ok"))
    options = dict(options)
    if "clients" in options:
        options["clients"] = [{"name": "a", "key": "client-key-0123456789", **c} for c in options["clients"]]
    w = weir(upstream, passthrough=["/v1/*"], **options)
    headers = {"authorization": "Bearer client-key-0123456789", "content-type": "application/x-ndjson"}
    bodies_ = [b + b" " * (size - size % 4) for b in NO_JSON]
    for body in bodies_:
        answer = wire.call(w, "PUT", "/v1/uploads/u1", body, headers)
        assert answer.status == (400 if asked else 200), body[:50]
        if asked:
            assert answer.error["code"] == "invalid_json" and "cannot be looked at" in answer.error["message"]
    assert [r.body for r in upstream.requests] == ([] if asked else bodies_)


def test_lines_of_json_are_no_json(weir, upstream):
    upstream.always(reply(200, b"ok"))
    w = weir(upstream, passthrough=["/v1/*"])
    lines = b'{"custom_id": "1"}\n{"custom_id": "2"}\n'

    def ask(body, kind):
        return wire.call(w, "PUT", "/v1/uploads/u1", body, {"content-type": kind}).status

    assert [ask(lines, kind) for kind in ("application/jsonl", "application/json-seq")] == [200, 200]
    assert [ask(lines, kind) for kind in ("application/json", "application/json ; a=b", "application/vnd.api+json", "")] == [400] * 4
    assert [ask(b'{"n": 500}', kind) for kind in ("application/octet-stream", "application/json")] == [200, 200]


def test_a_model_that_the_path_names_is_judged_without_the_body(weir, upstream):
    """But for one that would be JSON to many, which weir cannot look into: its model may be the one that is asked."""
    upstream.always(reply(200, b"ok"))
    w = weir(upstream, passthrough=["/v1/audio/*"], clients=[{"name": "a", "key": "client-key-0123456789", "models": ["m"]}])
    headers = {"authorization": "Bearer client-key-0123456789", "content-type": "text/plain"}
    for body, status in ((b"text", 200), (b'{"model": "other"}', 200), (b'{"model": "other", "x": NaN}', 400)):
        assert [wire.call(w, "POST", f"/openai/deployments/{m}/audio/speech", body, headers).status for m in ("m", "other")] == [status, 403 if status == 200 else 400], body
    assert [r.body for r in upstream.requests] == [b"text", b'{"model": "m"}']


@pytest.mark.parametrize("body", [b'["AKIAIOSFODNN7EXAMPLQ"]', b' "AKIAIOSFODNN7EXAMPLQ"'])
def test_a_list_by_another_name_is_looked_at(weir, upstream, body):
    w = weir(upstream, passthrough=["/v1/*"], guard={"in": "block"})
    for kind in ("text/plain", "application/json"):
        answer = wire.call(w, "POST", "/v1/messages", body, {"content-type": kind})
        assert (answer.status, answer.error["code"]) == (400, "content_blocked")
    for coded in (body.decode().encode("utf-16"), b"\xef\xbb\xbf" + body):
        answer = wire.call(w, "POST", "/v1/messages", coded, {"content-type": "text/plain"})
        assert (answer.status, answer.error["code"]) == (400, "invalid_json")
    assert not upstream.requests


@pytest.mark.parametrize("options", [{}, {"guard": {"in": "block"}}, {"limits": {"model": {"m": {"requests": "90/m"}}}}])
def test_what_is_text_goes_on_as_it_is(weir, upstream, options):
    upstream.always(reply(200, b"ok"))
    w = weir(upstream, passthrough=["/v1/parse"], **options)
    texts = [b"{\\rtf1 x}", b"{name}", b"[Verse]", b"[1] Knuth", b'"A", he said. "B"', b"--b\r\n\r\n{}\r\n--b--", b"{", b"", b"\0\0\0 ftypisom"]
    for text in texts:
        assert wire.call(w, "POST", "/v1/parse", text, {"content-type": "application/octet-stream"}).status == 200
    assert [r.body for r in upstream.requests] == texts


@pytest.mark.parametrize("model", ["..", ".", "../..", "a/../../b", "..;x=y", "%2e%2e", "..\\x", "..\0"])
def test_a_model_that_leads_elsewhere_is_none_at_azure(weir, upstream, model):
    """Its name is a segment of the path there."""
    w = weir(upstream, providers={"main": {"api_version": "2024-10-21", "url": upstream.url.removesuffix("/v1")}})
    answer = wire.chat(w, model=model)
    assert (answer.status, answer.error["code"]) == (404, "model_not_found")
    assert "deployment" in answer.error["message"]
    assert not upstream.requests
    upstream.script(reply(200, bodies.completion("Hi.")))
    assert wire.chat(w, model="gpt/4").status == 200
    assert upstream.requests[0].path.startswith("/openai/deployments/gpt%2F4/chat/completions?")


def test_another_target_may_serve_such_a_model(weir, upstream, upstreams):
    other = upstreams()
    other.script(reply(200, bodies.completion("Hi.")))
    w = weir(upstream, providers={"main": {"api_version": "2024-10-21", "url": upstream.url.removesuffix("/v1")},
                                    "other": {"kind": "openai", "url": other.url, "key": "k"}},
             models={"*": ["main", "other"]})
    assert wire.chat(w, model="..").status == 200
    assert other.requests[0].json()["model"] == ".."
    assert not upstream.requests


# -- fields ------------------------------------------------------------------------------------------------------------


def test_fields_that_could_be_taken_for_others_do_not_cross(weir, upstream):
    """Servers that make variables of fields take X_Real_Ip for X-Real-Ip."""
    upstream.script(reply(200, bodies.completion("Hi."), {"x_request_id": "r", "x_weir_target": "t", "set_cookie": "a=b", "content.type": "text/html", "x-mine": "1"}))
    w = weir(upstream)
    own = {"x_forwarded_for": "1", "Content_Length": "9", "x_api_key": "k", "X.Real.Ip": "1", "transfer_encoding": "chunked", "Host_": "h", "x~y": "z",
           "X-Original-URL": "/v1/files", "Proxy": "http://evil.example", "x-mine": "1"}
    answer = wire.chat(w, headers=own)
    assert answer.status == 200 and answer.header("x-mine") == "1"
    sent = {name.lower() for name, _ in upstream.requests[0].headers}
    assert "x-mine" in sent and not sent & {name.lower() for name in own if name != "x-mine"}
    assert all(re.fullmatch(r"[A-Za-z0-9-]+", name) for name in sent)
    assert all(re.fullmatch(r"[A-Za-z0-9-]+", name) for name, _ in answer.headers)


LINES = [("Connection", "x-first, X-Both"), ("x-first", "1"), ("X-Second", "2"), ("connection", "x-second ,\tx-third"), ("x-third", "3"),
         ("X-Both", "4"), ("CONNECTION", ""), ("x-stays", "5")]


@pytest.mark.parametrize("stream", [False, True])
def test_all_lines_of_connection_are_one_list(weir, upstream, stream):
    upstream.script(sse(bodies.stream("Hi."), headers=LINES) if stream else reply(200, bodies.completion("Hi."), LINES), error(400, headers=LINES))
    w = weir(upstream)
    for status in (200, 400):
        answer = wire.chat(w, headers=LINES, stream=stream)
        assert answer.status == status and answer.header("x-stays") == "5"
        assert not {n.lower() for n, _ in answer.headers} & {"x-first", "x-second", "x-third", "x-both"}
    for request in upstream.requests:
        assert request.header("x-stays") == "5"
        assert not {n.lower() for n, _ in request.headers} & {"x-first", "x-second", "x-third", "x-both", "connection"}


@pytest.mark.parametrize("lines", ["Connection: keep-alive\r\nConnection: close\r\n", "Connection: close\r\nConnection: x-a\r\n",
                                   "Connection:\r\nX-A: b\r\nconnection: x-a,\tCLOSE\r\n"])
def test_any_line_of_connection_closes(weir, upstream, lines):
    w = weir(upstream)
    with wire.connect(w) as c:
        c.send(f"GET /health/live HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n".encode())
        assert c.answer().header("connection") == "close"
        assert c.at_end()


@pytest.mark.parametrize("lines", [[("Connection", "keep-alive"), ("Connection", "close")], [("Connection", "close"), ("connection", "x-a")]])
def test_a_provider_that_closes_in_any_line_is_not_asked_there_again(weir, upstream, lines):
    upstream.always(reply(200, bodies.completion("Hi."), lines))
    w = weir(upstream, server={"workers": 1})
    for _ in range(3):
        assert wire.chat(w).status == 200
    assert len({r.connection for r in upstream.requests}) == 3
