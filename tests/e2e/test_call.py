"""What one call does with several targets: hedging, picking, the breaker, the retry budget, the hand-over; and what it says of
itself afterwards. Faults of a single target are in test_faults.py."""

import concurrent.futures
import json
import threading
import time

import pytest

import bodies
import daemon
import wire
from upstream import after, error, make_head, raw, reply, sse, stall

HEDGE = {"hedge": {"after": "60ms", "at_most": "100%"}}


def two(main, spare, **over):
    """weir before two providers, asked in this order unless over says otherwise. Breakers are off unless a test is about them."""
    return daemon.merged({
        "providers": {"main": {"kind": "openai", "url": main.url, "key": daemon.PROVIDER_KEY},
                      "spare": {"kind": "openai", "url": spare.url, "key": daemon.PROVIDER_KEY}},
        "models": {"m": ["main/a", "spare/b"]},
        "retry": {"base": "20ms", "cap": "100ms", "retries": 1},
        "breaker": "off",
        "server": {"workers": 1},
    }, over)


def ask(w, stream=False, model="m", **fields):
    return wire.chat(w, model=model, **({"stream": True} if stream else {}), **fields)


def text(answer):
    if (answer.header("content-type") or "").startswith("text/event-stream"):
        return bodies.text_of(answer.events())
    return answer.json()["choices"][0]["message"]["content"]


def said(words):
    return reply(200, bodies.completion(words))


def figure(w, name, **labels):
    """The sum of the series of a family that have these labels."""
    wanted = [f'{k}="{v}"' for k, v in labels.items()]
    return sum(v for key, v in w.metrics().items()
               if key.partition("{")[0] == name and all(label in key for label in wanted))


# -- hedging -----------------------------------------------------------------------------------------------------------


def telling(event, behaviour):
    """The same behaviour, once the event tells that it has been asked for it."""
    def asked(_):
        event.set()
        return behaviour

    return asked


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_the_first_to_speak_wins_and_the_other_is_cancelled(weir, upstreams, stream):
    main, spare = upstreams(), upstreams()
    main.script(stall("before_head"))
    spare.script(sse(bodies.stream("Quick.")) if stream else said("Quick."))
    w = weir(two(main, spare, **HEDGE))
    asked = time.monotonic()
    answer = ask(w, stream)
    assert (answer.status, text(answer)) == (200, "Quick.")
    assert answer.header("x-weir-target") == "spare/b" and answer.header("x-weir-attempts") == "2"
    slow, quick = main.wait_requests(1)[0], spare.wait_requests(1)[0]
    assert quick.arrived - asked >= 0.055  # not since slow.arrived: the upstream may have been late to see it
    slow.wait_closed()
    line = w.wait_call(answer.header("x-request-id"))
    assert (line["target"], line["attempts"], line["hedges"]) == ("spare/b", 2, 1)
    assert figure(w, "weir_hedges_total", target="spare/b", outcome="won") == 1
    assert figure(w, "weir_attempts_total", target="main/a", outcome="cancelled") == 1


def test_the_first_target_wins_where_it_speaks_first(weir, upstreams):
    """The hedge's head alone is no word: content decides, and only one answer reaches the client."""
    main, spare, hedged = upstreams(), upstreams(), threading.Event()
    main.script(after(hedged, sse([0.2, *bodies.stream("From", " main.")])))
    spare.script(telling(hedged, sse([bodies.chunk({"role": "assistant", "content": ""})], end="stall")))
    w = weir(two(main, spare, **HEDGE))
    answer = ask(w, True)
    assert text(answer) == "From main."
    assert answer.header("x-weir-target") == "main/a"
    spare.wait_requests(1)[0].wait_closed()
    assert figure(w, "weir_hedges_total", target="spare/b", outcome="lost") == 1


def test_no_hedge_where_the_answer_comes_in_time(weir, upstreams):
    main, spare = upstreams(), upstreams()
    main.script(said("In time."))
    w = weir(two(main, spare, hedge={"after": "2s", "at_most": "100%"}))
    assert text(ask(w)) == "In time."
    assert not spare.requests


@pytest.mark.parametrize("first", ["main", "spare"])
def test_a_lane_that_fails_leaves_the_other_alone(weir, upstreams, first):
    """Whichever fails while both run: the other's answer is the answer, and nobody is asked a third time."""
    main, spare, hedged = upstreams(), upstreams(), threading.Event()
    main.script(after(hedged, error(503) if first == "main" else after(0.2, said("Saved."))))
    spare.script(telling(hedged, error(503) if first == "spare" else after(0.2, said("Saved."))))
    w = weir(two(main, spare, **HEDGE))
    answer = ask(w)
    assert (answer.status, text(answer)) == (200, "Saved.")
    assert len(main.requests) == len(spare.requests) == 1


def test_a_hedges_refusal_does_not_hide_why_the_first_failed(weir, upstreams):
    main, spare, hedged = upstreams(), upstreams(), threading.Event()

    def later(_):
        hedged.set()
        main.wait_requests(1)[0].wait_done()
        w.wait_asleep()  # it has heard main
        return error(400, "Spare knows no such thing.", code="odd")

    main.script(after(hedged, error(503, "Main is down.", code="down")))
    spare.script(later)
    w = weir(two(main, spare, retry={"retries": 0}, **HEDGE))
    answer = ask(w)
    assert (answer.status, answer.error["code"]) == (503, "down")


def test_a_content_policy_refusal_goes_nowhere_else(weir, upstreams):
    """Not even where the other was already asked: its answer would be the very thing that was refused."""
    main, spare, hedged = upstreams(), upstreams(), threading.Event()
    main.script(after(hedged, error(400, "Refused.", code="content_filter")))
    spare.script(telling(hedged, stall("before_head")))
    w = weir(two(main, spare, **HEDGE))
    answer = ask(w)
    assert (answer.status, answer.error["code"]) == (400, "content_filter")
    spare.wait_requests(1)[0].wait_closed()


def test_hedges_are_capped(weir, upstreams):
    """at_most 10 %: of ten slow calls the first may be hedged (a quiet service may hedge at all), the others may not."""
    main, spare, hedged = upstreams(), upstreams(), threading.Event()
    main.script(after(hedged, said("Slow."))).always(after(0.12, said("Slow.")))
    spare.always(telling(hedged, after(30, said("Never."))))
    w = weir(two(main, spare, hedge={"after": "40ms", "at_most": "10%"}))
    lines = []
    for _ in range(10):
        lines.append(w.wait_call(ask(w).header("x-request-id")))
    assert [line.get("hedges", 0) for line in lines] == [1] + [0] * 9
    assert len(spare.requests) == 1


def test_a_retry_is_hedged_like_a_first_try(weir, upstreams):
    """The clock of a hedge begins with the attempt it stands beside."""
    main, spare = upstreams(), upstreams()
    main.script(error(503, headers={"retry-after-ms": "150"}), stall("before_head"))
    spare.script(said("Hedged."))
    w = weir(two(main, spare, hedge={"after": "1s", "at_most": "100%"}))
    answer = ask(w)
    assert text(answer) == "Hedged."
    refused, _ = main.wait_requests(2)
    assert spare.requests[0].arrived - refused.arrived >= 0.15 + 0.995


def test_a_hedge_whose_client_leaves_is_counted(weir, upstreams):
    main, spare = upstreams(), upstreams()
    main.script(stall("before_head"))
    spare.script(stall("before_head"))
    w = weir(two(main, spare, **HEDGE))
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}]})
        main.wait_requests(1), spare.wait_requests(1)
    for up in (main, spare):
        up.requests[0].wait_closed()
    assert w.calls(1)[0]["status"] == 499
    assert figure(w, "weir_hedges_total", target="spare/b", outcome="lost") == 1


# -- picking -----------------------------------------------------------------------------------------------------------


def test_weighted(weir, upstreams):
    main, spare = upstreams(), upstreams()
    main.always(said("Main."))
    spare.always(said("Spare."))
    targets = [{"to": "main/a", "weight": 3}, {"to": "spare/b", "weight": 1}]
    w = weir(two(main, spare, models={"m": {"pick": "weighted", "targets": targets}}))
    answers = [ask(w).header("x-weir-target") for _ in range(400)]
    assert set(answers) == {"main/a", "spare/b"}
    assert 240 <= answers.count("main/a") <= 355  # 300 expected; beyond this once in a million


def test_fastest(weir, upstreams):
    """Each is measured, then the faster one gets (nearly) all."""
    main, spare = upstreams(), upstreams()
    main.always(after(0.1, said("Slow.")))
    spare.always(said("Quick."))
    w = weir(two(main, spare, models={"m": {"pick": "fastest", "targets": ["main/a", "spare/b"]}}))
    first = {ask(w).header("x-weir-target") for _ in range(2)}
    assert first == {"main/a", "spare/b"}
    later = [ask(w).header("x-weir-target") for _ in range(60)]
    assert later.count("main/a") <= 15  # one in twenty looks whether things have changed


# -- the breaker -------------------------------------------------------------------------------------------------------

BREAKER = {"breaker": {"failures": "50%", "of": 4, "window": "1h", "probe": "1m"}, "retry": {"retries": 0}}
ALONE = {"models": {"m": "main/a"}, "server": {"workers": 1}, **BREAKER}


def open_breaker(w, up, n=4):
    for _ in range(n):
        assert ask(w).status == 503
    assert len(up.requests) == n


def rest(w, up, period):
    """How long a breaker rests is the configuration's word, which one that is open follows: "10ms" are over, a minute is not."""
    w.reload(daemon.config_for(up, **daemon.merged(ALONE, {"breaker": {"probe": period}})))
    time.sleep(0.02)


def test_breaker_opens_probes_and_closes(weir, upstream):
    gate = threading.Event()
    upstream.script(*[error(503)] * 4, error(503), after(gate, said("Back.")), said("Well."))
    w = weir(upstream, **ALONE)
    open_breaker(w, upstream)
    w.wait_text("breaker_opened")

    # Open: refused at once, with a word when to come again; no provider is asked, and none is named.
    answer = ask(w)
    assert (answer.status, answer.error["code"]) == (503, "provider_unavailable")
    assert answer.header("x-should-retry") == "true" and 0 < int(answer.header("retry-after-ms")) <= 60_000
    assert answer.header("x-weir-attempts") == "0" and answer.header("x-weir-target") is None
    assert len(upstream.requests) == 4

    # Half open: one probe passes, fails, and the rest begins anew.
    rest(w, upstream, "10ms")
    assert ask(w).status == 503 and len(upstream.requests) == 5
    rest(w, upstream, "1m")
    assert ask(w).error["code"] == "provider_unavailable"

    # Again: while the probe is under way nobody else passes; its success closes the breaker.
    rest(w, upstream, "10ms")
    results = []
    probe = threading.Thread(target=lambda: results.append(ask(w)))
    probe.start()
    upstream.wait_requests(6)
    rest(w, upstream, "1m")
    assert ask(w).error["code"] == "provider_unavailable"
    gate.set()
    probe.join()
    assert results[0].status == 200
    assert ask(w).status == 200
    w.wait_text("breaker_closed")
    assert len(upstream.requests) == 7


def test_a_probe_whose_client_leaves_gives_its_place_back(weir, upstream):
    upstream.script(*[error(503)] * 4, stall("before_head"), said("Back."))
    w = weir(upstream, **ALONE)
    open_breaker(w, upstream)
    rest(w, upstream, "10ms")
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}]})
        upstream.wait_requests(5)
        rest(w, upstream, "1m")  # its place would be free after another
        assert ask(w).error["code"] == "provider_unavailable"
    upstream.requests[4].wait_closed()
    assert ask(w).status == 200


def test_an_open_breaker_sends_calls_to_the_fallback(weir, upstreams):
    main, spare = upstreams(), upstreams()
    main.script(*[error(503)] * 4)
    spare.always(said("Saved."))
    w = weir(two(main, spare, **BREAKER))
    for _ in range(8):
        assert text(ask(w)) == "Saved."
    assert len(main.requests) == 4


def test_a_long_stream_is_not_held_against_its_target(weir, upstream):
    """timeouts.total ends a stream that flows: that is the configuration's word and not the target's fault."""
    upstream.always(sse([bodies.chunk("Word ")] * 1000, pace=0.02))
    w = weir(upstream, timeouts={"total": "2s"}, **ALONE)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        at_once = list(pool.map(lambda _: ask(w, True), range(4)))
    for answer in (*at_once, ask(w, True)):
        assert answer.status == 200 and answer.events()[-1]["error"]["code"] == "total_timeout"
    assert len(upstream.requests) == 5


# -- the retry budget --------------------------------------------------------------------------------------------------


def test_retry_budget(weir, upstream):
    """10 calls that all fail, at most 20 % extra and a floor of 1: two retries, not ten."""
    upstream.always(error(503))
    w = weir(upstream, models={"m": "main/a"}, breaker="off", server={"workers": 1},
             retry={"retries": 1, "budget": "20%", "budget_floor": 1})
    attempts = [int(ask(w).header("x-weir-attempts")) for _ in range(10)]
    assert sum(attempts) == len(upstream.requests) == 12
    assert attempts[0] == 2
    assert figure(w, "weir_retries_total", target="main/a") == 2


# -- the hand-over of a stream -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["cut", "reset", "stall"])
def test_what_dies_before_content_is_taken_over_unseen(weir, upstreams, end):
    main, spare = upstreams(), upstreams()
    main.always(sse([bodies.chunk({"role": "assistant", "content": ""}, model="main-says")], end=end))
    spare.script(sse(bodies.stream("Saved.", model="spare-says")))
    w = weir(two(main, spare, retry={"retries": 0}, providers={"main": {"timeouts": {"first_token": "200ms" if end == "stall" else "30s"}}}))
    answer = ask(w, True)
    events = answer.events()
    assert text(answer) == "Saved." and events[-1] == "[DONE]"
    assert {e["model"] for e in events[:-1]} == {"spare-says"}
    assert answer.header("x-weir-target") == "spare/b"


def test_an_empty_finish_reason_finishes_nothing(weir, upstream):
    """Some servers write "" where OpenAI writes null: a stream of theirs that is cut has been cut."""
    upstream.always(sse([bodies.chunk("Half a", finish=""), bodies.chunk(" sentence", finish="")], end="cut"))
    w = weir(upstream)
    answer = ask(w, True)
    assert b"[DONE]" not in answer.body
    assert answer.events()[-1]["error"]["code"] == "stream_interrupted"


def test_a_passed_through_stream_is_not_held_back(weir, upstream):
    """weir does not know the events of other APIs: each is content, none is waited for, and no first token is missed."""
    gate = threading.Event()
    upstream.script(sse([b'event: message_start\ndata: {"type":"message_start"}\n\n', gate,
                         b'event: message_stop\ndata: {"type":"message_stop"}\n\n'], end="no_done"))
    w = weir(upstream, passthrough=["/v1/messages"], timeouts={"first_token": "200ms"})
    with wire.connect(w) as c:
        c.request("POST", "/v1/messages", {"model": "m", "stream": True})
        answer = c.head()
        assert answer.status == 200
        pieces = c.body_pieces(answer)
        assert b"message_start" in next(pieces)
        time.sleep(0.3)  # past the first token's deadline
        gate.set()
        assert b"message_stop" in b"".join(pieces)


def test_a_provider_that_takes_nothing_of_a_large_request_is_silent(weir, upstream):
    """It accepts the connection and reads no byte: the sockets fill, and the first byte's deadline bounds the sending too."""
    upstream.script(stall("accept"))
    w = weir(upstream, timeouts={"first_byte": "200ms"}, retry={"retries": 0})
    answer = wire.chat(w, messages=[{"role": "user", "content": "x" * 16_000_000}])
    assert (answer.status, answer.error["code"]) == (504, "first_byte_timeout")
    assert "none of the request was taken" in answer.error["message"]


# -- after a keep-alive comment ----------------------------------------------------------------------------------------


def test_chat_plain_answer_after_a_comment(weir, upstream):
    upstream.script(after(0.3, said("All at once.")))
    w = weir(upstream, server={"keep_alive_comment": "100ms"}, chat={"model": "m"})
    answer = wire.call(w, "POST", "/chat", {"message": "Hi.", "stream": True})
    events = answer.events()
    assert "".join(e.get("delta", "") for e in events) == "All at once."
    assert events[-1]["done"] is True and events[-1]["usage"]["total_tokens"] == 12


def test_plain_answer_after_a_comment_ends_like_a_stream(weir, upstream):
    upstream.script(after(0.3, said("All at once.")))
    w = weir(upstream, server={"keep_alive_comment": "100ms"})
    answer = ask(w, True)
    assert answer.events()[0]["choices"][0]["delta"]["content"] == "All at once."
    assert answer.events()[-1] == "[DONE]"


def test_audio_is_not_preceded_by_comments(weir, upstream):
    """The form of an answer on a path that is passed through is not known before its head."""
    upstream.script(after(0.3, reply(200, b"RIFF....", {"content-type": "audio/wav"})))
    w = weir(upstream, passthrough=["/v1/audio/speech"], server={"keep_alive_comment": "100ms"})
    answer = wire.call(w, "POST", "/v1/audio/speech", {"model": "m", "stream": True})
    assert (answer.header("content-type"), answer.body) == ("audio/wav", b"RIFF....")


def test_audio_is_not_interrupted_by_comments(weir, upstream):
    head = make_head(200, {"content-type": "audio/wav", "content-length": 8})
    upstream.script(raw([head, b"RIFF", 0.3, b"...."], end="keep"))
    w = weir(upstream, passthrough=["/v1/audio/speech"], server={"keep_alive_comment": "100ms"})
    assert wire.call(w, "POST", "/v1/audio/speech", {"model": "m", "stream": True}).body == b"RIFF...."


# -- what it says of itself --------------------------------------------------------------------------------------------


def overhead(answer):
    return float(answer.header("x-weir-overhead-ms"))


def not_weirs(w, answer):
    """How much of a call's time was another's, by its record."""
    record = w.wait_call(answer.header("x-request-id"))
    assert record["overhead_ms"] <= record["total_ms"]
    return record["total_ms"] - max(record["overhead_ms"], overhead(answer))


@pytest.mark.parametrize("behaviour, stream, first_byte", [
    (sse([bodies.chunk({"role": "assistant", "content": ""}), 0.4, *bodies.stream("Late.")]), True, "30s"),
    (raw([make_head(200, {"content-type": "application/json", "content-length": len(b'{"choices":[]}')}), 0.4, b'{"choices":[]}'], end="keep"), False, "30s"),
    (stall("before_head"), False, "400ms"),
], ids=["first token late", "body late", "silence"])
def test_the_providers_time_is_not_weirs(weir, upstream, behaviour, stream, first_byte):
    upstream.script(behaviour)
    w = weir(upstream, retry={"retries": 0}, timeouts={"first_byte": first_byte})
    assert not_weirs(w, ask(w, stream)) >= 390


def test_backoff_is_not_weirs_own_time(weir, upstream):
    upstream.script(error(503, headers={"retry-after-ms": "400"}), stall("before_head"))
    w = weir(upstream, retry={"retries": 1}, timeouts={"first_byte": "1s"})
    assert not_weirs(w, ask(w)) >= 1390


def test_a_clients_model_names_are_no_labels(weir, upstream):
    upstream.always(said("Hi."))
    w = weir(upstream)
    answer = ask(w, model="made-up-by-the-client")
    assert answer.header("x-weir-target") == "main/made-up-by-the-client"
    assert w.wait_call(answer.header("x-request-id"))["target"] == "main/made-up-by-the-client"
    assert not [name for name in w.metrics() if "made-up" in name]
    assert figure(w, "weir_calls_total", target="main", model="*") == 1


def test_errors_have_one_name_in_the_metrics(weir, upstream):
    """Whether a request was refused at the door or as a call: the error table's name."""
    w = weir(upstream, models={"m": "main", "*": None})
    assert wire.call(w, "GET", "/nowhere").status == 404
    assert ask(w, model="unheard-of").status == 404
    assert figure(w, "weir_errors_total", code="unknown_url", fault="client") == 1
    assert figure(w, "weir_errors_total", code="model_not_found", fault="client") == 1


# -- secrets -----------------------------------------------------------------------------------------------------------

SLASHED = "sk-prov/ider+secret"


@pytest.mark.parametrize("behaviour, stream", [
    (error(400, f"Incorrect API key: {SLASHED}."), False),
    (reply(400, '{"error":{"message":"Bad key sk-prov\\/ider+secret","type":"t","param":null,"code":null}}'), False),
    (reply(400, '{"error":{"message":"Bad key sk-prov\\u002fider\\u002Bsecret","type":"t","param":null,"code":null}}'), False),
    (reply(500, "x" * 190 + f" {SLASHED} ", {"content-type": "text/plain"}), False),
    (sse([{"error": {"message": f"Bad key {SLASHED}", "type": "t", "param": None, "code": None}}]), True),
    (sse([bodies.chunk("Hi"), {"error": {"message": f"Bad key {SLASHED}", "type": "t", "param": None, "code": None}}]), True),
    (reply(200, bodies.completion(f"You sent {SLASHED}")), False),
    (sse(bodies.stream(f"You sent {SLASHED}")), True),
    (reply(200, bodies.completion("x"), {"x-debug": f"Bearer {SLASHED}", "x-request-id": SLASHED}), False),
    (reply(400, {"error": {"message": "x", "type": "t", "param": None, "code": None}}, {"x-debug": SLASHED}), False),
], ids=["message", "escaped slash", "escaped units", "cut off", "event", "event after content", "plain 200", "stream 200", "header", "refusal's header"])
def test_the_providers_key_stays_in_weir(weir, upstream, behaviour, stream):
    upstream.script(behaviour)
    w = weir(upstream, retry={"retries": 0}, providers={"main": {"key": SLASHED}})
    answer = ask(w, stream)
    shown = (answer.head + answer.body).decode()
    shown = shown.replace("\\/", "/").replace("\\u002f", "/").replace("\\u002B", "+")
    assert "sk-prov" not in shown
    w.wait_call(answer.header("x-request-id"))
    assert "sk-prov" not in "\n".join(w.texts())


def test_an_error_event_of_a_response_keeps_its_code(weir, upstream):
    upstream.script(sse([b'event: error\ndata: {"type":"error","code":"rate_limit_exceeded","message":"Slower.","param":null}\n\n'], end="no_done"))
    w = weir(upstream, retry={"retries": 0})
    answer = wire.call(w, "POST", "/v1/responses", {"model": "m", "input": "Hi.", "stream": True})
    assert answer.error["code"] == "rate_limit_exceeded"
    assert "Slower." in answer.error["message"]


def response_events(*words, end="completed", error=None):
    """A stream of /v1/responses as bytes."""
    events = [{"type": "response.created", "response": {"id": "r", "error": None}}]
    events += [{"type": "response.output_text.delta", "delta": word} for word in words]
    events.append({"type": f"response.{end}", "response": {"id": "r", "error": error, "usage": None}})
    return [b"event: %s\ndata: %s\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in events]


FAILED = {"code": "server_error", "message": "Broken."}


def test_a_response_that_fails_before_content_is_taken_over(weir, upstreams):
    main, spare = upstreams(), upstreams()
    main.script(sse(response_events(end="failed", error=FAILED), end="no_done"))
    spare.script(sse(response_events("Saved."), end="no_done"))
    w = weir(two(main, spare, retry={"retries": 0}))
    answer = wire.call(w, "POST", "/v1/responses", {"model": "m", "input": "Hi.", "stream": True})
    assert [name for name, _ in answer.named_events()] == ["response.created", "response.output_text.delta", "response.completed"]
    assert answer.header("x-weir-target") == "spare/b"


def test_a_response_that_fails_after_content_is_handed_on(weir, upstream):
    upstream.script(sse(response_events("Half", end="failed", error=FAILED), end="no_done"))
    w = weir(upstream)
    answer = wire.call(w, "POST", "/v1/responses", {"model": "m", "input": "Hi.", "stream": True})
    assert answer.named_events()[-1][0] == "response.failed"


def test_a_response_that_only_fails_is_an_error(weir, upstream):
    upstream.script(sse(response_events(end="failed", error=FAILED), end="no_done"))
    w = weir(upstream, retry={"retries": 0})
    answer = wire.call(w, "POST", "/v1/responses", {"model": "m", "input": "Hi.", "stream": True})
    assert answer.status == 502 and answer.error["code"] == "server_error" and "Broken." in answer.error["message"]


@pytest.mark.parametrize("path, form", [("/v1/chat/completions", "chat.completions"), ("/chat", "chat")])
def test_a_call_refused_at_the_door_is_logged(weir, upstream, path, form):
    """A key that is not known, a type that is no JSON: refused before the body comes, and still one line and one count."""
    w = weir(upstream, clients=[{"name": "ci", "key": daemon.CLIENT_KEY}])
    unknown = wire.call(w, "POST", path, {"model": "m"}, {"Authorization": "Bearer wrong"})
    form_data = wire.call(w, "POST", path, "x=1", {"Authorization": f"Bearer {daemon.CLIENT_KEY}", "Content-Type": "text/plain"})
    assert (unknown.status, form_data.status) == (401, 415)
    line = w.wait_call(unknown.header("x-request-id"))
    assert (line["status"], line["error"], line["endpoint"]) == (401, "invalid_api_key", form)
    assert w.wait_call(form_data.header("x-request-id"))["error"] == "unsupported_media_type"
    assert figure(w, "weir_calls_total", endpoint=form, status="401") == 1
    assert figure(w, "weir_errors_total", code="invalid_api_key") == 1
