"""What providers keep: two of them, each with two accounts, that know only what they have made themselves."""

import itertools
import threading

import pytest

import wire
from upstream import error, reply, sse

ROUNDS = 12


class Keeper:
    """A provider whose every key is an account of its own: what one has made the others do not know."""

    def __init__(self, up, name):
        self.up, self.name = up, name
        self.keys = [f"sk-{name}-{n}-0123456789" for n in (1, 2)]
        self.made = {}  # id → key
        self.numbers = itertools.count(1)
        self.lock = threading.Lock()
        up.always(self.answer)

    def make(self, kind, key):
        with self.lock:
            made = f"{kind}_{self.name}{next(self.numbers)}"
            self.made[made] = key
        return made

    def answer(self, request):
        key = request.header("authorization").removeprefix("Bearer ")
        body = request.json() if request.header("content-type") == "application/json" and request.body else {}
        names = [body[k] for k in ("previous_response_id", "conversation", "input_file_id") if k in body]
        names += [s for s in request.path.split("/") if "_" in s]
        if any(self.made.get(name) != key for name in names):
            return error(404, code="previous_response_not_found")
        if request.method == "DELETE":
            return reply(200, {"id": names[0], "object": "file", "deleted": True})
        if request.path == "/v1/responses":
            made = {"id": self.make("resp", key), "object": "response", "status": "completed", "output": [],
                    "conversation": {"id": self.make("conv", key)}}
            if not body.get("stream"):
                return reply(200, made)
            return sse([{"type": "response.created", "response": made}, {"type": "response.output_text.delta", "delta": "Hi"},
                        {"type": "response.completed", "response": made}], end="no_done")
        kind = request.path.split("/")[2].removesuffix("s").replace("batche", "batch")
        return reply(200, {"id": names[0] if names else self.make(kind, key), "object": kind})


@pytest.fixture
def keepers(upstreams):
    return [Keeper(upstreams(), name) for name in ("a", "b")]


def before(keepers):
    targets = [k.name for k in keepers]
    return {"providers": {k.name: {"kind": "openai", "url": k.up.url, "key": k.keys} for k in keepers},
            "models": {"*": {"pick": "weighted", "targets": targets}},
            "passthrough": ["/v1/files", "/v1/files/*", "/v1/batches", "/v1/batches/*", "/v1/responses/*"],
            "server": {"workers": 2}}


def respond(w, **fields):
    """Its id and its conversation's."""
    answer = wire.call(w, "POST", "/v1/responses", {"model": "m", "input": "x", **fields})
    assert answer.status == 200 and answer.header("x-weir-attempts") == "1", (answer.status, answer.headers, answer.body)
    made = answer.events()[0]["response"] if fields.get("stream") else answer.json()
    return made["id"], made["conversation"]["id"]


def test_turns_of_a_response_stay_with_its_account(weir, keepers):
    """Whichever of two workers takes a turn; a provider that is asked for what another made would cost an attempt more.
    Targets are drawn by lot, so there are as many rounds as it takes until both accounts of both providers were used."""
    w = weir(before(keepers))
    for i in range(100 * ROUNDS):
        last, conversation = respond(w, stream=i % 2 == 1)
        for turn in range(3):
            last, _ = respond(w, previous_response_id=last, stream=turn == 1)
        respond(w, conversation=conversation)
        answer = wire.call(w, "GET", f"/v1/responses/{last}")
        assert (answer.status, answer.header("x-weir-attempts")) == (200, "1")
        if i + 1 >= ROUNDS and all(set(k.made.values()) == set(k.keys) for k in keepers):
            return
    pytest.fail("an account was never used")


def test_files_and_batches_stay_with_their_account(weir, keepers):
    w = weir(before(keepers))
    for _ in range(ROUNDS):
        made = wire.call(w, "POST", "/v1/files", {"purpose": "batch"}).json()["id"]
        batch = wire.call(w, "POST", "/v1/batches", {"input_file_id": made})
        assert batch.status == 200, batch.body
        for method, path in [("GET", f"/v1/files/{made}"), ("GET", f"/v1/files/{made}/content"),
                             ("POST", f"/v1/batches/{batch.json()['id']}/cancel"), ("DELETE", f"/v1/files/{made}")]:
            answer = wire.call(w, method, path)
            assert (answer.status, answer.header("x-weir-attempts")) == (200, "1"), (method, path, answer.body)


def test_it_survives_a_reload_and_can_be_off(weir, keepers):
    config = before(keepers)
    w = weir(config)
    made = [respond(w)[0] for _ in range(ROUNDS)]
    w.reload({**config, "retry": {"retries": 0}})
    for last in made:
        respond(w, previous_response_id=last)
    w.reload({**config, "affinity": {"ids": "off"}})
    answers = [wire.call(w, "POST", "/v1/responses", {"model": "m", "input": "x", "previous_response_id": last}) for last in made * 3]
    assert any(a.status != 200 or a.header("x-weir-attempts") != "1" for a in answers)


@pytest.mark.parametrize("stream", [False, True])
def test_items_go_back_to_the_account_that_made_them(weir, upstream, stream):
    """They are named by their ids alone, as the AI SDK does; two accounts of one provider take turns otherwise."""
    said = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": []}
    made = {"id": "resp_1", "object": "response", "status": "completed", "output": [said]}
    events = [{"type": "response.created", "response": {**made, "output": []}}, {"type": "response.completed", "response": made}]
    upstream.always(sse(events, end="no_done") if stream else reply(200, made))
    w = weir(upstream, providers={"main": {"key": ["sk-first-0123456789", "sk-second-0123456789"]}}, server={"workers": 1})
    for turn in ("x", *[[{"type": "item_reference", "id": "msg_1"}, {"role": "user", "content": "y"}]] * 4):
        assert wire.call(w, "POST", "/v1/responses", {"model": "m", "input": turn, "stream": stream}).status == 200
    assert len({r.header("authorization") for r in upstream.wait_requests(5)}) == 1


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("stream", [False, True])
def test_items_of_large_answers_go_back_to_their_account(weir, upstream, stream, store):
    """Pictures, and reasoning that is sealed, are what makes answers large, and what clients name again."""
    sealed = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "E" * 300_000}
    picture = {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "A" * 300_000}
    made = {"id": "resp_1", "object": "response", "status": "completed", "output": [sealed, picture]}
    events = [{"type": "response.created", "response": {**made, "output": []}}]
    for i, item in enumerate(made["output"]):
        events.append({"type": "response.output_item.added", "output_index": i, "item": {**item, **{k: "" for k in ("encrypted_content", "result") if k in item}}})
        events.append({"type": "response.output_item.done", "output_index": i, "item": item})
    events.append({"type": "response.completed", "response": made})
    upstream.always(sse(events, end="no_done") if stream else reply(200, made))
    w = weir(upstream, providers={"main": {"key": ["sk-first-0123456789", "sk-second-0123456789"]}}, server={"workers": 1})
    again = [{"type": "image_generation_call", "id": "ig_1"} if store else {**sealed, "encrypted_content": "E"}, {"role": "user", "content": "y"}]
    for turn in ("x", *[again] * 4):
        assert wire.call(w, "POST", "/v1/responses", {"model": "m", "input": turn, "stream": stream, "store": store}).status == 200
    assert len({r.header("authorization") for r in upstream.wait_requests(5)}) == 1
