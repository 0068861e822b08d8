"""TLS to the provider, TLS on weir's own listener, and the way through a proxy."""

import re
import signal
import socket
import ssl
import threading

import httpx2
import pytest
from cryptography import x509
from openai import OpenAI

import bodies
import daemon
import pki
import wire
from connect_proxy import ConnectProxy
from upstream import AtAccept, reply, sse, stall


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return pki.Authority(tmp_path_factory.mktemp("pki"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return pki.Authority(tmp_path_factory.mktemp("stranger"), "somebody else")


def trusting(upstream, authority, **over):
    """A configuration whose provider is checked against the authority."""
    return daemon.config_for(upstream, providers={"main": {"ca_file": str(authority.file)}}, **over)


# -- handshakes of clients ---------------------------------------------------------------------------------------------


def test_failed_handshakes_are_counted_and_told_sparingly(weir, upstream, authority):
    """A client that speaks plain HTTP, or does not trust the certificate; one that only looks whether somebody listens has no line."""
    cert = authority.issue("127.0.0.1")
    w = weir(upstream, listen=tls_listener(cert), wait=False,
             server={"workers": 1, "header_timeout": "1s"})
    w.wait_text("listening on")
    ask = authority.client()

    def counted():
        answer = httpx2.get(f"{w.url}/metrics", verify=ask)
        return {r: int(n) for r, n in re.findall(r'^weir_tls_handshakes_failed_total\{reason="(\w+)"\} (\d+)$', answer.text, re.M)}

    assert counted() == {"failed": 0, "lost": 0, "slow": 0}
    for i in range(3):
        with socket.create_connection(w.address) as s:
            s.sendall(b"GET / HTTP/1.1\r\n\r\n")
            while s.recv(1000):
                pass
        daemon.wait_until(lambda: counted()["failed"] == i + 1, 5, "the handshake was not counted")
    socket.create_connection(w.address).close()
    daemon.wait_until(lambda: counted()["lost"] == 1, 5, "the lost handshake was not counted")
    with socket.create_connection(w.address) as s:
        assert s.recv(1) == b""
    daemon.wait_until(lambda: counted()["slow"] == 1, 5, "the slow handshake was not counted")
    w.wait_event("tls_handshake_failed")
    lines = [r for r in w.log if r["event"] == "tls_handshake_failed"]
    assert lines[0]["peer"].startswith("127.0.0.1:") and "http request" in lines[0]["detail"] and len(lines) < 4


# -- to the provider ---------------------------------------------------------------------------------------------------


def test_private_authority(weir, upstreams, authority):
    up = upstreams(tls=authority.issue("127.0.0.1").server())
    up.script(reply(200, bodies.completion("Secret.")), sse(bodies.stream("a", "b")))
    w = weir(trusting(up, authority))
    assert wire.chat(w).json()["choices"][0]["message"]["content"] == "Secret."
    assert bodies.text_of(wire.chat(w, stream=True).events()) == "ab"
    assert up.requests[0].header("authorization") == f"Bearer {daemon.PROVIDER_KEY}"


def test_the_name_is_sent_and_checked(weir, upstreams, authority):
    seen = []
    context = authority.issue("localhost").server()
    context.sni_callback = lambda sock, name, ctx: seen.append(name)
    up = upstreams(tls=context)
    up.script(reply(200, bodies.completion()))
    config = trusting(up, authority)
    config["providers"]["main"]["url"] = f"https://localhost:{up.port}/v1"
    assert wire.chat(weir(config)).status == 200
    assert seen == ["localhost"]
    assert up.requests[0].header("host") == f"localhost:{up.port}"


@pytest.mark.parametrize("what", ["another_authority", "system_store", "another_name", "expired", "self_made"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_wrong_certificate_is_refused_before_the_key_is_sent(weir, upstreams, authority, stranger, what, stream):
    identity = {
        "another_authority": lambda: stranger.issue("127.0.0.1"),
        "system_store": lambda: authority.issue("127.0.0.1"),
        "another_name": lambda: authority.issue("provider.example"),
        "expired": lambda: authority.issue("127.0.0.1", ends=pki.NOW - pki.DAY),
        "self_made": lambda: pki.Authority(authority.directory / "self", "127.0.0.1").issue("127.0.0.1"),
    }[what]()
    up = upstreams(tls=identity.server())
    w = weir(daemon.config_for(up) if what == "system_store" else trusting(up, authority))
    answer = wire.chat(w, stream=stream)
    assert answer.status == 502
    assert (answer.error["type"], answer.error["code"]) == ("server_error", "provider_tls_failed")
    assert answer.header("x-should-retry") == "false"
    assert answer.header("x-weir-attempts") == "1"
    assert not up.requests
    assert w.wait_call(answer.header("x-request-id"))["error"] == "provider_tls_failed"


@pytest.mark.parametrize("alternatives", [False, True], ids=["common_name", "alternative_name"])
def test_a_common_name_alone_names_nobody(weir, upstreams, authority, alternatives):
    up = upstreams(tls=authority.issue("localhost", alternatives=alternatives).server())
    up.script(reply(200, bodies.completion()))
    config = trusting(up, authority)
    config["providers"]["main"]["url"] = f"https://localhost:{up.port}/v1"
    w = weir(config)
    answer = wire.chat(w)
    assert answer.status == (200 if alternatives else 502)
    assert len(up.requests) == (1 if alternatives else 0)
    if not alternatives:
        assert "no subject alternative name" in w.wait_call(answer.header("x-request-id"))["message"]


def test_plain_http_where_tls_should_be(weir, upstreams, upstream, authority):
    upstream.script(AtAccept(lambda c: c.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")))
    config = trusting(upstream, authority)
    config["providers"]["main"]["url"] = f"https://127.0.0.1:{upstream.port}/v1"
    answer = wire.chat(weir(config, retry={"retries": 0}))
    assert answer.status == 502
    assert not upstream.requests


def test_a_handshake_that_never_ends_is_timed_out(weir, upstreams, authority, upstream):
    upstream.script(stall("accept"))
    config = trusting(upstream, authority, timeouts={"connect": "150ms"}, retry={"retries": 0})
    config["providers"]["main"]["url"] = f"https://127.0.0.1:{upstream.port}/v1"
    answer = wire.chat(weir(config))
    assert (answer.status, answer.error["code"]) == (504, "connect_timeout")


def test_sessions_are_resumed(weir, upstreams, authority):
    up = upstreams(tls=authority.issue("127.0.0.1").server())
    up.always(reply(200, bodies.completion(), close=True))
    w = weir(trusting(up, authority, server={"workers": 1}))
    for _ in range(3):
        assert wire.chat(w).status == 200
    assert [c.resumed for c in up.connections] == [False, True, True]


def test_a_client_that_leaves_ends_the_call_over_tls_too(weir, upstreams, authority):
    up = upstreams(tls=authority.issue("127.0.0.1").server())
    up.script(stall("in_stream"))
    w = weir(trusting(up, authority))
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
        next(c.body_pieces(c.head()))
    up.requests[0].wait_closed()


# -- on the listener ---------------------------------------------------------------------------------------------------


def tls_listener(identity, **more):
    return {"address": "127.0.0.1:0", "tls": {"cert": str(identity.cert), "key": str(identity.key)}, **more}


def serial_of(client):
    return x509.load_der_x509_certificate(client.sock.getpeercert(binary_form=True)).serial_number


def test_listener(weir, upstream, authority):
    upstream.script(reply(200, bodies.completion("Through TLS.")), sse(bodies.stream("a", "b")))
    w = weir(upstream, listen=tls_listener(authority.issue("127.0.0.1", "localhost")))
    with httpx2.Client(verify=authority.client()) as transport:
        client = OpenAI(base_url=w.base_url, api_key=daemon.CLIENT_KEY, max_retries=0, http_client=transport)
        messages = [{"role": "user", "content": "x"}]
        assert client.chat.completions.create(model="m", messages=messages).choices[0].message.content == "Through TLS."
        chunks = list(client.chat.completions.create(model="m", messages=messages, stream=True))
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == "ab"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
def test_listener_speaks_modern_tls_only(weir, upstream, authority):
    w = weir(upstream, listen=tls_listener(authority.issue("localhost")))
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context = authority.client()
        context.minimum_version = context.maximum_version = version
        with wire.connect(w, tls=context) as c:
            c.request("GET", "/health/live")
            assert c.answer().status == 200
    old = ssl._create_unverified_context()
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError, match="alert protocol version"):  # weir's word, not this library's own
        wire.connect(w, tls=old)


def test_plain_http_at_a_tls_listener(weir, upstream, authority):
    w = weir(upstream, listen=tls_listener(authority.issue("localhost")))
    with wire.Client(w.address) as c:
        c.request("GET", "/health/live")
        with pytest.raises((wire.Closed, ConnectionError)):
            c.answer()
    assert wire.call(w, "GET", "/health/live").status == 200


def test_a_big_request_and_a_slow_handshake(weir, upstream, authority):
    upstream.always(lambda r: reply(200, bodies.completion(str(len(r.body)))))
    w = weir(upstream, listen=tls_listener(authority.issue("localhost")))
    text = "x" * 3_000_000
    answer = wire.chat(w, messages=[{"role": "user", "content": text}])
    assert int(answer.json()["choices"][0]["message"]["content"]) > 3_000_000


@pytest.mark.parametrize("how", ["signal", "file"])
def test_certificate_reload(weir, upstream, authority, how):
    """A renewed certificate is shown to new connections; those that stand go on."""
    release = threading.Event()
    upstream.script(sse([bodies.chunk("a"), release, bodies.chunk(finish="stop")]))
    old, new = authority.issue("localhost", stem=f"served-{how}"), authority.issue("localhost")
    old_serial = old.serial
    w = weir(upstream, listen=tls_listener(old))
    context = authority.client()
    with wire.connect(w, tls=context) as standing:
        assert serial_of(standing) == old_serial
        standing.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
        answer = standing.head()
        pieces = standing.body_pieces(answer)
        next(pieces)
        new.key.replace(old.key)
        new.cert.replace(old.cert)
        if how == "signal":
            w.process.send_signal(signal.SIGHUP)

        def shown():
            with wire.connect(w, tls=context) as c:
                return serial_of(c)

        daemon.wait_until(lambda: shown() == new.serial, 10, "the new certificate was not shown")
        release.set()
        for _ in pieces:
            pass
        assert answer.events()[-1] == "[DONE]"


def test_a_broken_certificate_keeps_the_old_one(weir, upstream, authority):
    identity = authority.issue("localhost", stem="breaking")
    w = weir(upstream, listen=tls_listener(identity))
    identity.cert.write_text("no certificate\n")
    w.process.send_signal(signal.SIGHUP)
    w.wait_text("breaking.pem")
    with wire.connect(w, tls=authority.client()) as c:
        assert serial_of(c) == identity.serial


# -- through a proxy ---------------------------------------------------------------------------------------------------


@pytest.fixture
def behind(upstreams, authority):
    """A provider under a name that only the proxy knows, as (upstream, configuration)."""
    up = upstreams(tls=authority.issue("provider.test").server())
    config = trusting(up, authority)
    config["providers"]["main"]["url"] = f"https://provider.test:{up.port}/v1"
    return up, config


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "option"])
def test_connect_proxy(weir, behind, variable):
    up, config = behind
    up.always(reply(200, bodies.completion("Behind.")))
    with ConnectProxy({"provider.test": "127.0.0.1"}) as proxy:
        if variable == "option":
            config["providers"]["main"]["proxy"] = proxy.url
        w = weir(config, env={} if variable == "option" else {variable: proxy.url}, server={"workers": 1})
        for _ in range(2):
            assert wire.chat(w).json()["choices"][0]["message"]["content"] == "Behind."
        assert proxy.targets == [f"provider.test:{up.port}"]  # one tunnel, used twice
        assert daemon.PROVIDER_KEY.encode() not in proxy.heads[0]
        assert f"Host: provider.test:{up.port}".lower().encode() in proxy.heads[0].lower()


def test_stream_through_the_proxy(weir, behind):
    up, config = behind
    up.script(sse(bodies.stream("a", "b")))
    with ConnectProxy({"provider.test": "127.0.0.1"}) as proxy:
        w = weir(config, env={"HTTPS_PROXY": proxy.url})
        assert bodies.text_of(wire.chat(w, stream=True).events()) == "ab"


def test_no_proxy(weir, upstreams, authority):
    up = upstreams(tls=authority.issue("localhost").server())
    up.script(reply(200, bodies.completion()))
    config = trusting(up, authority)
    config["providers"]["main"]["url"] = f"https://localhost:{up.port}/v1"
    with ConnectProxy() as proxy:
        w = weir(config, env={"HTTPS_PROXY": proxy.url, "NO_PROXY": "example.com,localhost"})
        assert wire.chat(w).status == 200
        assert not proxy.heads


def test_option_none_overrules_the_environment(weir, upstreams, authority):
    up = upstreams(tls=authority.issue("localhost").server())
    up.script(reply(200, bodies.completion()))
    config = trusting(up, authority)
    config["providers"]["main"] |= {"url": f"https://localhost:{up.port}/v1", "proxy": "none"}
    with ConnectProxy() as proxy:
        assert wire.chat(weir(config, env={"HTTPS_PROXY": proxy.url})).status == 200
        assert not proxy.heads


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_proxy_that_refuses(weir, behind, status):
    up, config = behind
    with ConnectProxy(refuse=status) as proxy:
        w = weir(config, env={"HTTPS_PROXY": proxy.url})
        answer = wire.chat(w)
        assert (answer.status, answer.error["code"]) == (503, "proxy_failed")
        assert str(status) in answer.error["message"] + str(w.calls(1)[0])
        assert len(proxy.heads) == 1  # it is not asked again
    assert not up.requests


def test_a_wrong_name_behind_the_proxy(weir, upstreams, authority):
    up = upstreams(tls=authority.issue("localhost").server())
    config = trusting(up, authority)
    config["providers"]["main"]["url"] = f"https://provider.test:{up.port}/v1"
    with ConnectProxy({"provider.test": "127.0.0.1"}) as proxy:
        answer = wire.chat(weir(config, env={"HTTPS_PROXY": proxy.url}))
    assert (answer.status, answer.error["code"]) == (502, "provider_tls_failed")
    assert not up.requests
