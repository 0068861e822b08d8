"""Tokens of an issuer's as clients' keys (auth.jwt, docs/keys.md): tokens as PyJWT makes them, keys as an issuer serves them."""

import base64
import concurrent.futures
import hashlib
import hmac
import json
import threading
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

import bodies
import daemon
import wire
from test_call import figure
from test_prices import usage
from upstream import after, error, reply

ANSWER = reply(200, bodies.completion("Hello there."))
ISSUER, AUDIENCE = "https://issuer.example/", "weir"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
KEYS = {"RS256": RSA, "RS384": RSA, "RS512": RSA, "PS256": RSA, "PS384": RSA, "PS512": RSA,
        "ES256": ec.generate_private_key(ec.SECP256R1()), "ES384": ec.generate_private_key(ec.SECP384R1()),
        "ES512": ec.generate_private_key(ec.SECP521R1()), "EdDSA": ed25519.Ed25519PrivateKey.generate()}


def jwk(key, kid=None, **more):
    """The public half, as the issuer's own library writes it."""
    algorithm = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else \
        jwt.algorithms.ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else jwt.algorithms.OKPAlgorithm
    found = json.loads(algorithm.to_jwk(key.public_key()))
    found.pop("key_ops", None)
    return {**found, **({"kid": kid} if kid else {}), **more}


ALL = {"keys": [jwk(RSA, "rsa")] + [jwk(k, a) for a, k in KEYS.items() if k is not RSA]}


def claims(**over):
    now = int(time.time())
    base = {"iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": now, "exp": now + 600}
    return {k: v for k, v in {**base, **over}.items() if v is not None}


def token(algorithm="ES256", key=None, kid="", headers=None, **over):
    kid = kid if kid != "" else "rsa" if algorithm[:2] in ("RS", "PS") else algorithm
    head = {**({"kid": kid} if kid else {}), **(headers or {})}
    return jwt.encode(claims(**over), key or KEYS[algorithm], algorithm=algorithm, headers=head)


def by_hand(head, body, sign):
    def part(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")
    text = part(json.dumps(head).encode()) + b"." + part(json.dumps(body).encode())
    return (text + b"." + part(sign(text))).decode()


@pytest.fixture
def issuer(upstreams):
    up = upstreams()
    up.always(reply(200, ALL))
    return up


def auth(issuer, **over):
    return {"jwt": daemon.merged({"jwks": f"{issuer.url}/jwks.json", "issuer": ISSUER, "audience": AUDIENCE}, over)}


def ask(w, text, **more):
    return wire.chat(w, headers={"authorization": f"Bearer {text}"}, **more)


def refusal(answer):
    return answer.status, answer.error["code"]


@pytest.mark.parametrize("algorithm", KEYS)
def test_tokens_of_every_algorithm(weir, upstream, issuer, algorithm):
    upstream.always(ANSWER)
    w = weir(upstream, auth=auth(issuer))
    for _ in range(2):
        answer = ask(w, token(algorithm))
        assert answer.status == 200, answer.body
    assert w.wait_call(answer.header("x-request-id"))["client"] == "alice"
    assert ask(w, token(algorithm, kid=None)).status == 200  # the key is found without its name


def test_each_refusal_has_a_word_of_its_own(weir, upstream, issuer):
    w = weir(upstream, auth=auth(issuer, algorithms=["ES256", "RS256"]))
    now = int(time.time())
    public = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    good = token()
    rows = [
        (token(exp=now - 61), "token_expired"),
        (token(nbf=now + 100), "token_not_yet_valid"),
        (token(iss="https://other.example/"), "token_issuer"),
        (token(iss=None), "token_issuer"),
        (token(aud="somebody"), "token_audience"),
        (token(aud=None), "token_audience"),
        (token(exp=None), "token_claims"),
        (token(sub=None), "token_claims"),
        (token(sub=""), "token_claims"),
        (token(sub="x" * 65), "token_claims"),
        (token("RS256", key=OTHER_RSA), "token_signature"),
        (good[:-8] + "AAAAAAAA", "token_signature"),
        (token(kid="elsewhere"), "token_key_unknown"),
        (token("EdDSA"), "token_algorithm"),
        (jwt.encode(claims(), None, algorithm="none"), "token_algorithm"),
        (by_hand({"alg": "nOnE"}, claims(), lambda _: b""), "token_algorithm"),
        (by_hand({"alg": "HS256", "kid": "rsa"}, claims(), lambda t: hmac.new(public, t, hashlib.sha256).digest()), "token_algorithm"),
        (token("RS256", kid="ES256"), "token_algorithm"),  # a key of another kind
        (by_hand({"alg": "ES256", "crit": ["exp"]}, claims(), lambda _: b"x"), "token_malformed"),
        (by_hand({"alg": "ES256"}, [], lambda _: b"x"), "token_malformed"),
        (good.replace(".", ".!", 1), "token_malformed"),
    ]
    for text, code in rows:
        answer = ask(w, text)
        assert refusal(answer) == (401, code), (text, code, answer.body)
        assert answer.header("x-should-retry") == "false"
        assert text not in w.output()
    assert refusal(ask(w, "no-token")) == (401, "invalid_api_key")
    assert refusal(wire.chat(w)) == (401, "invalid_api_key")
    assert not upstream.requests


def test_clocks_may_differ_by_the_leeway(weir, upstream, issuer):
    upstream.always(ANSWER)
    w = weir(upstream, auth=auth(issuer))
    now = int(time.time())
    assert ask(w, token(exp=now - 30)).status == 200
    assert ask(w, token(nbf=now + 30)).status == 200
    w.reload(daemon.config_for(upstream, auth=auth(issuer, leeway="0s")))
    assert refusal(ask(w, token(exp=now - 1))) == (401, "token_expired")


def test_a_known_token_expires_too(weir, upstream, issuer):
    upstream.always(ANSWER)
    w = weir(upstream, auth=auth(issuer, leeway="0s"))
    text = token(exp=int(time.time()) + 4)
    assert ask(w, text).status == 200
    daemon.wait_until(lambda: ask(w, text).status != 200, 10, "it did not expire")
    assert refusal(ask(w, text)) == (401, "token_expired")


def test_what_a_token_says_of_its_client(weir, upstream, issuer):
    upstream.always(ANSWER)
    w = weir(upstream, clients=[{"name": "app", "key": daemon.CLIENT_KEY, "models": ["gpt-test"]}],
             auth=auth(issuer, claims={"client": "client_id", "user": "sub", "limits": "weir_limits", "models": "weir_models"}))
    first = token(client_id="free", weir_limits={"requests": "2/h"}, weir_models=["gpt-*"])
    answer = ask(w, first)
    line = w.wait_call(answer.header("x-request-id"))
    assert (line["client"], line["user"]) == ("free", "alice")
    assert ask(w, token(client_id="free", weir_limits={"requests": "2/h"}, weir_models=["gpt-*"], jti="other")).status == 200
    assert refusal(ask(w, first)) == (429, "rate_limit_exceeded")  # the client's, whatever its token
    free = {"client_id": "other", "weir_limits": {}}
    assert refusal(ask(w, token(**free, weir_models=["gpt-*"]), model="o9")) == (403, "model_not_allowed")
    assert refusal(ask(w, token(**free, weir_models=[]))) == (401, "token_claims"), "none is not all"
    lacking = ask(w, token(**free))
    assert refusal(lacking) == (401, "token_claims"), "none said is not all either"
    assert lacking.error["message"] == "The token lacks the claim 'weir_models', which this gateway needs."
    assert refusal(ask(w, token(client_id="other", weir_models=["*"]))) == (401, "token_claims"), "nor no limits said none"
    assert ask(w, token(**free, weir_models=["*"])).status == 200
    assert refusal(ask(w, token(client_id="app"), model="o9")) == (403, "model_not_allowed")  # as clients has it
    assert ask(w, token(client_id="app")).status == 200
    assert refusal(ask(w, token(client_id="bad", weir_models=["*"], weir_limits={"requests": "many"}))) == (401, "token_claims")
    assert refusal(ask(w, token(client_id="bad", weir_models=["*"], weir_limits={"spent": "1/d"}))) == (401, "token_claims")
    assert wire.chat(w, headers={"authorization": f"Bearer {daemon.CLIENT_KEY}"}).status == 200


def test_whoever_a_token_may_name_can_be_paused(weir, upstream, issuer):
    upstream.always(ANSWER)
    admin = "key-of-the-admin-0001"
    w = weir(upstream, admin={"keys": [admin]}, auth=auth(issuer, claims={"client": "client_id"}))
    paused = wire.call(w, "POST", "/admin/v1/clients/free/pause", headers={"authorization": f"Bearer {admin}"})
    assert paused.json() == {"client": "free", "paused": True}, "no call of it was seen yet"
    assert refusal(ask(w, token(client_id="free"))) == (403, "client_paused")
    assert ask(w, token(client_id="other")).status == 200


def test_one_of_several_audiences(weir, upstream, issuer):
    upstream.always(ANSWER)
    w = weir(upstream, auth=auth(issuer, audience=["a", "b"]))
    assert ask(w, token(aud="b")).status == 200
    assert ask(w, token(aud=["x", "a"])).status == 200
    assert refusal(ask(w, token(aud=["x"]))) == (401, "token_audience")


def test_a_new_key_is_fetched_when_a_token_names_it(weir, upstream, issuer):
    upstream.always(ANSWER)
    issuer.script(reply(200, {"keys": [jwk(RSA, "rsa")]}))
    w = weir(upstream, auth=auth(issuer))
    assert ask(w, token("RS256")).status == 200
    assert len(issuer.requests) == 1
    assert refusal(ask(w, token())) == (401, "token_key_unknown")  # they are a moment old
    daemon.wait_until(lambda: ask(w, token()).status == 200, 20, "it was not fetched")
    assert len(issuer.requests) == 2
    for i in range(20):
        assert refusal(ask(w, token(kid=f"none-{i}"))) == (401, "token_key_unknown")
    assert len(issuer.requests) == 2


def test_whose_token_is_nobodys_is_told_before_his_body_is_there(weir, upstream, issuer):
    """Also where the issuer's keys have to come first."""
    issuer.script(after(1, reply(200, ALL)))
    w = weir(upstream, auth=auth(issuer))
    with wire.connect(w) as c:
        c.send(f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token(kid='elsewhere')}\r\n"
               "Content-Type: application/json\r\nContent-Length: 8000000\r\n\r\n{".encode())
        assert refusal(c.answer()) == (401, "token_key_unknown")
        assert c.at_end()
    assert len(issuer.requests) == 1


def test_whose_token_has_to_wait_for_its_keys_has_his_share(weir, upstream, issuer):
    """As one that is verified at once: with the heads of his bodies alone."""
    upstream.always(ANSWER)
    arrived = threading.Event()
    issuer.script(after(arrived, reply(200, ALL)))
    w = weir(upstream, auth=auth(issuer), server={"workers": 1}, limits={"memory": "64MB", "client_share": "25%"})
    mine = [wire.connect(w) for _ in range(4)]
    for c in mine:
        c.send(f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token()}\r\n"
               "Content-Type: application/json\r\nContent-Length: 15000000\r\n\r\n{".encode())
    try:
        daemon.wait_until(lambda: w.metrics()["weir_memory_held_bytes"] == 60_000_000, 10, "they do not wait")
    finally:
        arrived.set()
    daemon.wait_until(lambda: w.metrics()["weir_memory_held_bytes"] == 15_000_000, 10, "he holds more than his share")
    refused = [c for c in mine if not c.silent(0.1)]
    assert [refusal(c.answer()) for c in refused] == [(429, "too_many_bytes")] * 3
    assert ask(w, token(sub="bob"), padding="x" * 8_000_000).status == 200
    for c in mine:
        c.close()


def test_an_issuer_that_is_away(weir, upstream, issuer):
    upstream.always(ANSWER)
    issuer.script(error(503))
    w = weir(upstream, auth=auth(issuer))
    answer = ask(w, token())
    if answer.status != 200:  # the first fetch is a moment old
        assert (refusal(answer), answer.header("x-should-retry")) == ((503, "token_keys_unavailable"), "true")
    daemon.wait_until(lambda: ask(w, token()).status == 200, 20, "its keys were not fetched")
    w.wait_event("token_keys_not_fetched")


def test_keys_in_a_file(weir, upstream, tmp_path):
    upstream.always(ANSWER)
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [jwk(RSA, "rsa"), {"kty": "oct", "k": "AAAA"}, {"kty": "EC", "crv": "P-0"}]}))
    config = daemon.config_for(upstream, auth={"jwt": {"jwks": str(file), "issuer": ISSUER, "audience": AUDIENCE}})
    w = weir(config)
    assert ask(w, token("RS256")).status == 200
    assert refusal(ask(w, token())) == (401, "token_key_unknown")
    file.write_text(json.dumps(ALL))
    w.reload(config)
    assert ask(w, token()).status == 200
    file.write_text('{"keys": []}')
    w.reload(config)
    w.wait_text("it has no key that could verify a token")
    assert ask(w, token()).status == 200


def test_any_name_may_be_paused_and_an_id_is_that_of_a_key_beside(weir, upstream, issuer, tmp_path):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, auth=auth(issuer), admin={"keys": ["an-admin-key"]}, ledger={"store": f"sqlite:{tmp_path}/weir.db"})

    def admin(path, body=None):
        return wire.call(w, "POST", "/admin/v1/" + path, body, headers={"authorization": "Bearer an-admin-key"}).json()

    made = admin("keys", {"name": "ci"})
    assert admin(f"clients/{made['id']}/pause") == {"client": "ci", "paused": True}
    assert refusal(ask(w, made["key"])) == (403, "client_paused")
    assert admin(f"clients/{made['id']}/resume") == {"client": "ci", "paused": False}
    assert ask(w, made["key"]).status == 200
    assert admin("clients/somebody/pause") == {"client": "somebody", "paused": True}


def test_tokens_of_one_client_wait_each_for_their_own_limit(weir, upstream, issuer):
    """Plans: a call by a lesser one's token puts out nobody who waits by another's."""
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, auth=auth(issuer, claims={"client": "azp", "user": "sub", "limits": "weir_limits", "models": "weir_models"}),
             limits={"wait": {"clients": 100, "time": "2s"}}, server={"workers": 1})
    much, little = (token(azp="app", sub=sub, weir_limits={"requests": rate}, weir_models=["*"]) for sub, rate in (("much", "10/s"), ("little", "1/s")))
    for known in (much, little):
        ask(w, known)
    time.sleep(1.2)
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        calls = [pool.submit(ask, w, much) for _ in range(24)]
        daemon.wait_until(lambda: figure(w, "weir_waiting_calls") >= 8, 10, "nobody waits")
        assert ask(w, little).status == 429
        assert [c.result().status for c in calls] == [200] * 24


def test_people_with_tokens_share_what_clients_do(weir, upstream, issuer):
    """Nobody is named in the file, and yet they are several: none has more than limits.client_share."""
    let_go = threading.Event()
    upstream.always(ANSWER)
    w = weir(upstream, auth=auth(issuer), server={"workers": 1}, limits={"calls": 4})
    daemon.wait_until(lambda: ask(w, token()).status == 200, 20, "its keys were not fetched")
    upstream.always(after(let_go, ANSWER))
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        alices = [pool.submit(ask, w, token()) for _ in range(2)]
        upstream.wait_requests(3)
        answer = ask(w, token())
        bobs = pool.submit(ask, w, token(sub="bob"))
        try:
            assert refusal(answer) == (429, "too_many_calls")
            upstream.wait_requests(4)
        finally:
            let_go.set()
        assert [f.result().status for f in [*alices, bobs]] == [200] * 3


def test_what_users_and_clients_of_tokens_have_spent_outlives_the_process(weir, upstream, issuer, tmp_path):
    """Of each budget 0.6 of 1 is spent. The same user of another client, and another client, have theirs."""
    options = dict(auth=auth(issuer, claims={"client": "azp", "user": "sub", "limits": "limits"}), limits={"user": {"spend": "1/d"}},
                   clients=[{"name": "of-the-file", "key": "sk-of-the-file"}],
                   ledger={"store": f"sqlite:{tmp_path}/ledger.db"}, prices={"*": {"input": 1000, "output": 1000}})

    def start():
        w = weir(upstream, **options)
        daemon.wait_until(lambda: ask(w, token(azp="first", sub=None, limits={})).status == 200, 20, "its keys were not fetched")
        return w

    def spend(w, client, user, limits):
        answer = ask(w, token(azp=client, sub=user, limits=limits), max_tokens=400)
        return answer.status if answer.status == 200 else (answer.status, answer.error["code"])

    over = (429, "insufficient_quota")
    upstream.always(reply(200, bodies.completion(usage=usage(590, 10))))
    w = start()
    assert spend(w, "portal", "ada", {}) == 200
    assert spend(w, "shop", None, {"spend": "1/d"}) == 200
    w.expect_exit = None
    w.process.kill()
    w.wait_exit()
    w = start()
    assert spend(w, "portal", "ada", {}) == over
    assert spend(w, "shop", None, {"spend": "1/d"}) == over
    assert spend(w, "other", "ada", {}) == 200
    assert spend(w, "portal", "bob", {}) == 200
    assert spend(w, "stall", None, {"spend": "1/d"}) == 200


@pytest.mark.parametrize("over, says", [
    ({}, "a token of the issuer that auth.jwt names"),
    ({"keys": "on"}, "a token of the issuer that auth.jwt names, or a key of the store (weir keys list)"),
    ({"clients": [{"name": "file", "key": "sk-file"}]}, "the key of one of 1 client, or a token of the issuer that auth.jwt names"),
])
def test_the_banner_says_whose_tokens_a_call_needs(weir, upstream, issuer, over, says):
    w = weir(upstream, auth=auth(issuer), logs={"format": "text"}, **over)
    assert f"weir: calls need {says}" in w.text
