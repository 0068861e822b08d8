"""Providers that are asked whether they are up (providers.NAME.health): who is asked in their place, and who is told."""

import threading
import time

import pytest

import bodies
import daemon
import pki
import wire
from connect_proxy import ConnectProxy
from upstream import after, black_hole, error, refused_port, reply, reset, stall

CHECK = {"path": "/health", "every": "100ms", "timeout": "30s", "failures": 2}
GOOD, BAD = reply(200, {"status": "ok"}), error(503, "Loading model", type="unavailable_error")
ONCE = {"retry": {"retries": 0}, "server": {"workers": 1}}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return pki.Authority(tmp_path_factory.mktemp("pki"))


class Server:
    """A provider of which a test says what it answers to calls and to checks."""

    def __init__(self, up, health=GOOD, calls=None):
        self.up, self.health, self.calls = up, health, calls or reply(200, bodies.completion("Hello."))
        up.always(lambda request: self.health if request.method == "GET" else self.calls)

    def checks(self):
        return [r for r in self.up.requests if r.method == "GET"]

    def wait_checks(self, n):
        daemon.wait_until(lambda: len(self.checks()) >= n, 10, f"{len(self.checks())} of {n} checks came")
        return self.checks()


def pair(weir, upstreams, check=CHECK, **over):
    """main, which is asked whether it is up, and spare behind it."""
    main, spare = Server(upstreams()), Server(upstreams())
    over = daemon.merged(daemon.merged(ONCE, {
        "models": {"*": ["main", "spare"]},
        "providers": {"main": {"health": check}, "spare": {"kind": "openai", "url": spare.up.url, "key": "spare-key-123456"}}}), over)
    return main, spare, weir(main.up, **over)


def health(w):
    return wire.call(w, "GET", "/health").json()["providers"]


def wait_health(w, name, word):
    daemon.wait_until(lambda: {p["name"]: p["health"] for p in health(w)}.get(name) == word, 10, f"{name} is not {word}: {health(w)}")


def gauge(w, name="main"):
    return w.metrics().get(f'weir_provider_down{{provider="{name}"}}')


def events(w, name):
    return [line for line in w.log if line["event"] == name]


def answered_by(w, **body):
    answer = wire.chat(w, **body)
    assert answer.status == 200, answer.body
    return answer.header("x-weir-target"), answer.header("x-weir-attempts")


def test_a_provider_goes_down_and_comes_back(weir, upstreams):
    main, spare, w = pair(weir, upstreams)
    wait_health(w, "main", "up")
    assert health(w) == [{"name": "main", "health": "up"}]  # spare is not asked
    assert gauge(w) == 0 and gauge(w, "spare") is None
    assert answered_by(w) == ("main/gpt-test", "1")

    main.health = BAD
    wait_health(w, "main", "down")
    assert health(w) == [{"name": "main", "health": "down", "detail": "status 503"}]
    assert gauge(w) == 1
    for _ in range(3):  # the first choice costs nothing any more
        assert answered_by(w) == ("spare/gpt-test", "1")
    w.wait_text("provider_down")
    assert [(e["level"], e["provider"], e["detail"]) for e in events(w, "provider_down")] == [("warn", "main", "status 503")]

    main.health = GOOD
    wait_health(w, "main", "up")
    assert gauge(w) == 0
    assert answered_by(w) == ("main/gpt-test", "1")
    w.wait_text("provider_up")
    assert [(e["level"], e["provider"]) for e in events(w, "provider_up")] == [("info", "main")]
    assert not spare.checks()


def test_it_is_asked_as_a_call_would_ask(weir, upstreams):
    began = time.monotonic()
    main, _, w = pair(weir, upstreams, check={**CHECK, "path": "/up?deep=1"}, providers={"main": {"headers": {"x-team": "blue"}}})
    first, second, *_, sixth = main.wait_checks(6)[:6]
    assert (first.method, first.path, first.body) == ("GET", "/up?deep=1", b"")  # below the root, not below /v1
    assert first.header("authorization") == f"Bearer {daemon.PROVIDER_KEY}"
    assert (first.header("x-team"), first.header("user-agent")) == ("blue", "weir")
    assert first.header("host") == f"127.0.0.1:{main.up.port}"
    assert second.connection == first.connection
    assert sixth.began - began >= 0.5


def test_one_prober_for_all_workers(weir, upstreams):
    main, _, w = pair(weir, upstreams, check={**CHECK, "every": "1h"}, server={"workers": 3})
    wait_health(w, "main", "up")
    for _ in range(20):  # all workers know
        assert health(w) == [{"name": "main", "health": "up"}]
    assert len(main.checks()) == 1


@pytest.mark.parametrize("answer, detail", [
    (reply(503, b""), "status 503"),
    (reply(302, b"", {"location": "/v1/models"}), "status 302"),
    (reply(404, {"detail": "Not Found"}), "status 404"),
    (reply(401, {"error": {"message": "no"}}), "status 401"),
    (stall("before_head"), "health.timeout"),
    (stall("in_body"), "health.timeout"),
    (reset("before_head"), "closed|reset|lost"),
    (after(5, reply(200, b"")), "health.timeout"),
], ids=["503", "redirect", "404", "401", "silent", "silent in its body", "reset", "slow"])
def test_what_is_no_sign_of_life(weir, upstreams, answer, detail):
    main, spare = Server(upstreams(), health=answer), Server(upstreams())
    w = weir(main.up, **daemon.merged(ONCE, {
        "models": {"*": ["main", "spare"]},
        "providers": {"main": {"health": {**CHECK, **({"timeout": "300ms"} if detail == "health.timeout" else {})}},
                      "spare": {"kind": "openai", "url": spare.up.url}}}))
    wait_health(w, "main", "down")  # by the first check alone
    w.wait_text(f"provider_down.*({detail})")
    assert answered_by(w) == ("spare/gpt-test", "1")
    assert not [r for r in main.up.requests if r.path == "/v1/models"]  # a redirect is not followed


def test_nobody_is_there(weir, upstreams):
    spare = Server(upstreams())
    kept, port = refused_port()
    held, hole = black_hole()
    w = weir({"providers": {"gone": {"kind": "openai", "url": f"http://127.0.0.1:{port}/v1", "health": dict(CHECK)},
                            "hole": {"kind": "openai", "url": f"http://127.0.0.1:{hole}/v1", "health": {**CHECK, "timeout": "300ms"}},
                            "spare": {"kind": "openai", "url": spare.up.url}},
              "models": {"*": ["gone", "hole", "spare"]}, **ONCE})
    wait_health(w, "gone", "down")
    wait_health(w, "hole", "down")
    assert answered_by(w) == ("spare/gpt-test", "1")
    assert w.metrics()['weir_attempts_total{target="gone",outcome="connection"}'] == 0
    for sock in [kept, *held]:
        sock.close()


def test_where_all_are_down_they_are_asked_as_written(weir, upstreams):
    main, spare, w = pair(weir, upstreams, providers={"spare": {"health": CHECK}})
    main.health = spare.health = BAD
    wait_health(w, "main", "down")
    wait_health(w, "spare", "down")
    assert answered_by(w) == ("main/gpt-test", "1")
    main.calls = error(500, "no")
    assert answered_by(w) == ("spare/gpt-test", "2")


def test_the_only_target_is_asked_whatever_its_checks_say(weir, upstream):
    main = Server(upstream, health=BAD)
    w = weir(upstream, providers={"main": {"health": CHECK}}, **ONCE)
    wait_health(w, "main", "down")
    assert answered_by(w) == ("main/gpt-test", "1")


def test_a_check_that_fails_opens_no_breaker(weir, upstream):
    main = Server(upstream, health=BAD)
    w = weir(upstream, providers={"main": {"health": CHECK}}, breaker={"of": 1, "failures": "1%", "probe": "1h"}, **ONCE)
    main.wait_checks(4)
    assert answered_by(w) == ("main/gpt-test", "1")
    assert breaker(w) == "closed"


def breaker(w):
    return wire.call(w, "GET", "/health").json()["targets"][0]["breaker"]


def test_the_breaker_of_a_target_that_is_gone_is_open_no_more(weir, upstream):
    """A reload takes it away: nobody asks it any more, and nothing would ever close it."""
    upstream.always(error(503))
    w = weir(upstream, models={"a": "main/one", "b": "main/two"}, breaker={"of": 1, "failures": "1%", "probe": "1h"}, **ONCE)
    for model in "ab":
        assert wire.call(w, "POST", "/v1/chat/completions", {"model": model, "messages": [{"role": "user", "content": "x"}]}).status == 503
    gauges = [f'weir_breaker_open{{target="main/{name}"}}' for name in ("one", "two")]
    daemon.wait_until(lambda: all(w.metrics().get(gauge) == 1 for gauge in gauges), 5, "both are open")
    w.reload(daemon.config_for(upstream, listen=w.listen, models={"b": "main/two"}, breaker={"of": 1, "failures": "1%", "probe": "1h"}, **ONCE))
    assert [w.metrics().get(gauge) for gauge in gauges] == [0, 1]


def test_who_comes_back_need_not_wait_for_its_breaker(weir, upstreams):
    main, spare, w = pair(weir, upstreams, breaker={"of": 1, "failures": "1%", "probe": "1h"})
    wait_health(w, "main", "up")
    main.health = BAD
    main.calls = error(500, "no")
    wait_health(w, "main", "down")
    spare.calls = error(500, "no")
    assert wire.chat(w).status == 500  # both are asked, and both breakers open
    spare.calls = reply(200, bodies.completion("Hello."))
    assert breaker(w) == "open" and wire.chat(w).status == 503
    main.health, main.calls = GOOD, reply(200, bodies.completion("Hello."))
    wait_health(w, "main", "up")
    assert breaker(w) == "half_open"
    assert answered_by(w) == ("main/gpt-test", "1")
    assert breaker(w) == "closed"


def test_calls_that_fail_at_a_provider_that_is_up(weir, upstream):
    main = Server(upstream, calls=error(500, "no"))
    w = weir(upstream, providers={"main": {"health": CHECK}}, breaker={"of": 1, "failures": "1%", "probe": "1h"}, **ONCE)
    wait_health(w, "main", "up")
    assert wire.chat(w).status == 500
    daemon.wait_until(lambda: breaker(w) == "half_open", 10, "no check has let a call pass")
    assert wire.chat(w).status == 500
    main.wait_checks(len(main.checks()) + 3)
    assert breaker(w) == "open"  # the checks say nothing of what calls meet, and let no more pass


def test_over_tls(weir, upstreams, authority):
    good, foreign = Server(upstreams(tls=authority.issue("127.0.0.1").server())), Server(upstreams(tls=authority.issue("elsewhere.test").server()))
    w = weir({"providers": {"good": {"kind": "openai", "url": good.up.url, "ca_file": str(authority.file), "health": dict(CHECK)},
                            "foreign": {"kind": "openai", "url": foreign.up.url, "ca_file": str(authority.file), "health": dict(CHECK)}},
              "models": {"*": ["foreign", "good"]}, **ONCE})
    wait_health(w, "good", "up")
    wait_health(w, "foreign", "down")
    assert not foreign.checks()
    assert answered_by(w) == ("good/gpt-test", "1")


def test_through_a_proxy(weir, upstream, authority):
    main = Server(upstream)
    with ConnectProxy({"provider.test": "127.0.0.1"}) as proxy:
        w = weir(upstream, providers={"main": {"url": f"http://provider.test:{upstream.port}/v1", "proxy": proxy.url, "health": CHECK}}, **ONCE)
        wait_health(w, "main", "up")
        assert proxy.targets == [f"provider.test:{upstream.port}"] and main.checks()


def test_a_proxy_that_does_not_do_its_work(weir, upstream):
    """That is weir's own way, and says nothing of the provider."""
    with ConnectProxy(refuse=502) as proxy:
        w = weir(upstream, providers={"main": {"proxy": proxy.url, "health": CHECK}}, **ONCE)
        w.wait_text('"shortage": "proxy"')
        daemon.wait_until(lambda: w.metrics()['weir_shortages_total{shortage="proxy",provider="main"}'] >= 3, 10, "no three shortages were counted")
        assert health(w) == [{"name": "main", "health": "unknown"}] and gauge(w) == 0


def test_a_reload(weir, upstreams):
    main, spare = Server(upstreams(), health=BAD), Server(upstreams())
    def config(check, spare_check=None):
        entry = {"kind": "openai", "url": spare.up.url, **({"health": spare_check} if spare_check else {})}
        return daemon.config_for(main.up, **daemon.merged(ONCE, {
            "models": {"*": ["main", "spare"]}, "providers": {"main": {"health": check} if check else {}, "spare": entry}}))
    w = weir(config(None))
    assert health(w) == [] and gauge(w) is None and not main.checks()
    assert answered_by(w) == ("main/gpt-test", "1")

    w.reload(config(CHECK))  # asked from now on
    wait_health(w, "main", "down")
    assert answered_by(w) == ("spare/gpt-test", "1")

    w.reload(config({**CHECK, "every": "200ms"}, CHECK))  # what is known stays known
    assert [p["health"] for p in health(w) if p["name"] == "main"] == ["down"]
    wait_health(w, "spare", "up")
    assert len(events(w, "provider_down")) == 1

    main.health = lambda request: GOOD if request.path == "/up" else BAD
    w.reload(config({**CHECK, "path": "/up"}))
    wait_health(w, "main", "up")
    assert gauge(w) == 0 and gauge(w, "spare") == 0
    assert answered_by(w) == ("main/gpt-test", "1")

    w.reload(config(None))  # no more
    assert health(w) == []
    main.up.wait_idle()
    asked = len(main.checks())
    time.sleep(0.5)
    assert len(main.checks()) <= asked + 1  # one may have been on its way


def test_it_is_asked_no_more_while_weir_drains(weir, upstreams):
    gate = threading.Event()
    main, spare, w = pair(weir, upstreams)
    wait_health(w, "main", "up")
    main.calls = after(gate, reply(200, bodies.completion("Hello.")))
    answers = []
    call = threading.Thread(target=lambda: answers.append(wire.chat(w)))
    call.start()
    daemon.wait_until(lambda: any(r.method == "POST" for r in main.up.requests), 10, "the call did not come")
    w.process.terminate()
    w.wait_text("draining")
    asked = len(main.checks())
    time.sleep(0.5)
    assert len(main.checks()) <= asked + 1  # one may have been on its way
    gate.set()
    call.join()
    assert answers[0].status == 200
    w.wait_exit()


def test_the_end_in_the_middle_of_a_check(weir, upstreams):
    main = Server(upstreams(), health=stall("before_head"))
    w = weir(main.up, providers={"main": {"health": {**CHECK, "timeout": "1m"}}}, **ONCE)
    check = main.wait_checks(1)[0]
    w.stop()
    check.wait_closed()


def test_its_key_is_in_nothing_that_is_said(weir, upstreams):
    main = Server(upstreams())
    w = weir(main.up, providers={"main": {"health": CHECK, "headers": {"x-secret": "header-secret-123456"}}}, **ONCE)
    main.health = reply(503, {"error": daemon.PROVIDER_KEY + " header-secret-123456"}, {"x-echo": "header-secret-123456"})
    wait_health(w, "main", "down")
    w.wait_text("provider_down")
    said = "\n".join(w.texts()) + wire.call(w, "GET", "/health").body.decode()
    assert "header-secret" not in said and daemon.PROVIDER_KEY not in said


def test_one_that_comes_and_goes_does_not_fill_the_log(weir, upstream):
    main = Server(upstream)
    count = iter(range(10 ** 9))
    main.health = lambda request: GOOD if next(count) % 2 else BAD
    w = weir(upstream, providers={"main": {"health": {**CHECK, "failures": 1}}}, **ONCE)
    def told():
        return len(events(w, "provider_down")) + len(events(w, "provider_up"))

    daemon.wait_until(lambda: told() >= 6, 10, "six changes are told")
    main.wait_checks(len(main.checks()) + 10)
    assert told() == 6
