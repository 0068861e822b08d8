"""What a client may do: each refusal has a status, a code and a sentence of its own, and reaches no provider."""

import openai
import pytest

import bodies
import wire
from upstream import reply

KEY = "client-key-0123456789"


def client(**rights):
    return {"name": "app", "key": KEY, **rights}


def ask(w, path="/v1/chat/completions", key=KEY, model="gpt-4o", headers=()):
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}]}
    return wire.call(w, "POST", path, body, headers={"authorization": f"Bearer {key}", **dict(headers)})


def refusal(answer):
    assert answer.header("x-should-retry") == "false"
    return answer.status, answer.json()["error"]["code"], answer.json()["error"]["message"]


TYPO = "wk-" + "0" * 49


@pytest.mark.parametrize(
    "rights, server, asked, refused",
    [
        ({}, {}, {"key": TYPO}, (401, "api_key_mistyped", "The API key has a slip in it: its check digits do not fit.")),
        ({}, {}, {"key": "stranger-0123456789"}, (401, "invalid_api_key", "The API key is not known to this gateway.")),
        ({"expires": "2020-01-01"}, {}, {}, (401, "api_key_expired", "This API key has expired (2020-01-01T00:00:00.000000Z).")),
        (
            {"environment": "dev"},
            {"environment": "prod"},
            {},
            (403, "wrong_environment", "This API key is for the environment 'dev'; this gateway serves 'prod'."),
        ),
        ({"models": ["gpt-4o-mini", "o*"]}, {}, {}, (403, "model_not_allowed", "This API key may not be used for the model 'gpt-4o'.")),
        ({"endpoints": ["embeddings"]}, {}, {}, (403, "endpoint_not_allowed", "This API key may not be used for chat.completions.")),
        (
            {"addresses": ["192.0.2.0/24"]},
            {"trusted_proxies": "127.0.0.1"},
            {"headers": {"x-forwarded-for": "192.0.2.1, 198.51.100.7"}},
            (403, "address_not_allowed", "This API key may not be used from 198.51.100.7."),
        ),
    ],
)
def test_each_refusal_has_words_of_its_own(weir, upstream, rights, server, asked, refused):
    upstream.always(reply(200, bodies.completion("Hello.")))
    w = weir(upstream, clients=[client(**rights)], server=server)
    assert refusal(ask(w, **asked)) == refused
    assert upstream.requests == []


def test_what_is_allowed_is_answered(weir, upstream):
    upstream.always(reply(200, bodies.completion("Hello.")))
    rights = {"expires": "2100-01-01", "environment": "prod", "models": ["gpt-4*"], "endpoints": ["/v1/chat/completions"], "addresses": ["192.0.2.0/24"]}
    w = weir(upstream, clients=[client(**rights)], server={"environment": "prod", "trusted_proxies": ["127.0.0.1", "10.0.0.0/8"]})
    assert ask(w, headers={"x-forwarded-for": "198.51.100.7, 192.0.2.1, 10.1.1.1"}).status == 200
    # Nobody's word counts where no proxy is trusted.
    w = weir(upstream, clients=[client(addresses=["192.0.2.0/24"])])
    status, code, says = refusal(ask(w, headers={"x-forwarded-for": "192.0.2.1"}))
    assert (status, code) == (403, "address_not_allowed") and says.startswith("This API key may not be used from 127.0.0.1:")


def test_the_sdk_raises_its_own_classes(weir, upstream):
    upstream.always(reply(200, bodies.completion("Hello.")))
    w = weir(upstream, clients=[client(models="gpt-4o")])
    sdk = openai.OpenAI(base_url=f"{w.url}/v1", api_key=KEY)
    messages = [{"role": "user", "content": "Hi"}]
    assert sdk.chat.completions.create(model="gpt-4o", messages=messages).choices[0].message.content == "Hello."
    with pytest.raises(openai.PermissionDeniedError):
        sdk.chat.completions.create(model="o1", messages=messages)
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{w.url}/v1", api_key=TYPO).chat.completions.create(model="gpt-4o", messages=messages)
    assert len(upstream.requests) == 1


def test_models_are_those_that_a_client_may_ask_for(weir, upstream):
    w = weir(upstream, clients=[client(models=["gpt-4*"]), {"name": "free", "key": "free-key-0123456789"}],
             models={"gpt-4o": "main", "gpt-4o-mini": "main", "o1": "main"}, server={"list_models": "names"})

    def get(path, key=KEY):
        return wire.call(w, "GET", f"/v1/models{path}", headers={"authorization": f"Bearer {key}"})

    assert [m["id"] for m in get("").json()["data"]] == ["gpt-4o", "gpt-4o-mini"]
    assert [m["id"] for m in get("", "free-key-0123456789").json()["data"]] == ["gpt-4o", "gpt-4o-mini", "o1"]
    assert get("/gpt-4o").status == 200
    assert refusal(get("/o1")) == (403, "model_not_allowed", "This API key may not be used for the model 'o1'.")
