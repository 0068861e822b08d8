"""What one client's calls leave of breakers and budgets to the others: docs/shares.md."""

import pytest

import bodies
import daemon
import wire
from test_store_keys import create
from upstream import error, reply

BREAKER = {"of": 4, "window": "60s", "probe": "60s"}
KEYS = {"noisy": "sk-weir-noisy-0123456789", "quiet": "sk-weir-quiet-0123456789"}


def ask(connection, model, who="noisy"):
    body = {"model": model, "messages": [{"role": "user", "content": "x"}]}
    connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {KEYS[who]}"})
    return connection.answer()


def health(w):
    """Each target, but for what it was asked in the last minute."""
    return {t["name"]: {k: v for k, v in t.items() if k != "last_minute"} for t in wire.call(w, "GET", "/health").json()["targets"]}


def by_model(request):
    """Knows two models, is broken for those that are called so, and has never heard of any other."""
    model = request.json()["model"]
    if model in ("good", "late"):
        return reply(200, bodies.completion("Hi."))
    return error(500) if model.startswith("broken") else error(404, code="model_not_found")


@pytest.mark.parametrize("clients", [[], [{"name": name, "key": key} for name, key in KEYS.items()]], ids=["anyone", "two clients"])
def test_invented_names_shut_nobody_out(weir, upstream, clients):
    upstream.always(by_model)
    w = weir(upstream, breaker=BREAKER, retry={"retries": 0}, models={"*": "main", "fast": "main/good"}, server={"workers": 2}, clients=clients or None)
    with wire.connect(w) as noisy:
        for i in range(4200):
            assert ask(noisy, f"invented-{i}").status == 404
        for i in range(40):
            assert ask(noisy, f"broken-{i}").status == 500
        quiet = wire.connect(w)  # not before: who asks nothing for ten seconds is let go
        assert ask(quiet, "fast", "quiet").status == ask(quiet, "late", "quiet").status == 200
        assert health(w) == {"main": {"name": "main", "breaker": "closed"}, "main/good": {"name": "main/good", "breaker": "closed"}}
        assert not [name for name in w.metrics() if "invented" in name or "broken" in name]

        # What is broken rests alone, and the page says so.
        asked = len(upstream.requests)
        assert [ask(noisy, "broken").status for _ in range(6)] == [500] * 4 + [503] * 2
        assert len(upstream.requests) == asked + 4
        rests = {"breaker": "closed", "open_for_clients": 1} if clients else {"breaker": "open"}
        assert health(w)["main"] == {"name": "main", **rests}
        assert ask(quiet, "fast", "quiet").status == ask(quiet, "late", "quiet").status == 200
        quiet.close()


def test_configured_models_keep_what_is_known_of_them(weir, upstream):
    """Across a reload, and however many names were invented meanwhile."""
    upstream.always(by_model)
    config = daemon.config_for(upstream, breaker=BREAKER, retry={"retries": 0}, models={"*": "main", "slow": "main/broken"}, server={"workers": 1})
    w = weir(config)
    with wire.connect(w) as c:
        assert [ask(c, "slow").status for _ in range(5)] == [500] * 4 + [503]
        for i in range(600):
            assert ask(c, f"invented-{i}").status == 404
        w.reload({**config, "retry": {"retries": 0, "base": "30ms"}})
        assert ask(c, "slow").status == 503
        assert health(w)["main/broken"]["breaker"] == "open"


def ask_as(w, who, word="x", model="fast"):
    return wire.chat(w, model=model, headers={"Authorization": f"Bearer {KEYS[who]}"}, messages=[{"role": "user", "content": word}])


def by_word(request):
    return error(500) if request.json()["messages"][0]["content"] == "break" else reply(200, bodies.completion("Hi."))


def test_one_client_shuts_out_itself_alone(weir, upstream):
    upstream.always(by_word)
    w = weir(upstream, breaker=BREAKER, retry={"retries": 0}, models={"*": "main", "fast": "main/good"}, server={"workers": 2},
             clients=[{"name": name, "key": key} for name, key in KEYS.items()])
    statuses = [ask_as(w, "noisy", "break").status for _ in range(40)]
    assert statuses == [500] * 4 + [503] * 36
    assert ask_as(w, "noisy").error["code"] == "provider_unavailable"
    assert [ask_as(w, "quiet").status for _ in range(20)] == [200] * 20
    assert health(w)["main/good"] == {"name": "main/good", "breaker": "closed", "open_for_clients": 1}
    assert ask_as(w, "noisy", model="elsewhere").status == 200  # another target
    daemon.wait_until(lambda: w.metrics().get('weir_breaker_open_clients{target="main/good"}') == 1, 5, "the gauge did not rise")
    assert w.metrics()['weir_breaker_open{target="main/good"}'] == 0
    w.wait_text(r'"breaker_opened".*"client": *"noisy"')

    # What all see is for all.
    assert [ask_as(w, "quiet", "break", "other").status for _ in range(4)] == [500] * 4
    assert [ask_as(w, "noisy", "break", "other").status for _ in range(3)] == [500] * 2 + [503]
    assert ask_as(w, "quiet", "x", "other").status == 503
    assert health(w)["main"]["breaker"] == "open"


def test_a_key_of_the_store_is_named_where_it_shuts_itself_out(weir, upstream):
    upstream.always(by_word)
    w = weir(upstream, breaker=BREAKER, retry={"retries": 0}, keys="on", server={"workers": 1})
    noisy, quiet = ({"Authorization": f"Bearer {create(w, name)}"} for name in KEYS)
    said = [{"role": "user", "content": "break"}]
    assert [wire.chat(w, headers=noisy, messages=said).status for _ in range(6)] == [500] * 4 + [503] * 2
    assert wire.chat(w, headers=quiet).status == 200
    w.wait_text(r'"breaker_opened".*"client": *"noisy"')
