"""POST /chat/functions: a model that may call tools."""

import json
import re
import threading

import pytest

import bodies
import daemon
import wire
from test_simulator import Sim
from upstream import after, reply, sse, stall

TIME = {"tools": {"get_current_time": {"kind": "builtin"}}}
FIGURES = {"prompt_tokens": 18, "completion_tokens": 6, "total_tokens": 24}  # two answers of bodies.USAGE


def call(name, arguments="{}", number=1):
    return {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}


def calling(*calls, content=None, finish="tool_calls"):
    """A plain answer that calls tools."""
    answer = bodies.completion(content)
    answer["choices"][0]["message"]["tool_calls"] = list(calls)
    answer["choices"][0]["finish_reason"] = finish
    return reply(200, answer)


def saying(text):
    return reply(200, bodies.completion(text))


def run(w, message="What time is it?", headers=(), **fields):
    return wire.call(w, "POST", "/chat/functions", {"message": message, **fields}, headers)


def test_a_tool_is_called_and_the_model_answers(weir, upstream):
    upstream.script(calling(call("get_current_time")), saying("It is noon."))
    w = weir(upstream, **TIME)
    answer = run(w)
    assert answer.status == 200, answer.body
    said = answer.json()
    step, = said.pop("steps")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", step.pop("result"))
    assert step.pop("ms") >= 0 and step == {"tool": "get_current_time", "arguments": {}}
    assert said == {"success": True, "response": "It is noon.", "usage": FIGURES, "model": "gpt-test",
                    "request_id": answer.header("x-request-id")}
    first, second = (json.loads(r.body) for r in upstream.wait_requests(2))
    figures = w.metrics()
    assert figures['weir_tool_calls_total{tool="get_current_time",outcome="done"}'] == 1
    assert figures['weir_tool_call_duration_seconds_count{tool="get_current_time"}'] == 1
    assert [t["function"]["name"] for t in first["tools"]] == ["get_current_time"]
    assert [m["role"] for m in second["messages"]] == ["user", "assistant", "tool"]
    assert second["messages"][2]["tool_call_id"] == second["messages"][1]["tool_calls"][0]["id"]


# -- streams -----------------------------------------------------------------------------------------------------------

def called_chunks(name, *arguments, finish="tool_calls"):
    first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": name, "arguments": ""}}
    return [bodies.chunk({"tool_calls": [first]})] + [
        bodies.chunk({"tool_calls": [{"index": 0, "function": {"arguments": a}}]}) for a in arguments
    ] + [bodies.chunk(finish=finish), bodies.usage_chunk()]


def test_a_streamed_run_tells_steps_and_words_as_they_come(weir, upstream):
    gate = threading.Event()
    upstream.script(sse([bodies.chunk("Let me see."), gate, *called_chunks("get_current_time", '{"timezone": ', '"UTC"}')]),
                    sse(bodies.stream("It is ", "noon.", usage=bodies.USAGE)))
    w = weir(upstream, **TIME)
    with wire.connect(w) as c:
        c.request("POST", "/chat/functions", {"message": "What time is it?", "stream": True})
        answer = c.head()
        assert answer.status == 200 and answer.header("content-type").startswith("text/event-stream")
        for _ in c.body_pieces(answer):
            gate.set()  # the first piece is here before the model has called
    said = answer.events()
    assert said[0] == {"delta": "Let me see."}
    step = said[1]["step"]
    assert step["tool"] == "get_current_time" and step["arguments"] == {"timezone": "UTC"} and step["result"]
    assert said[2:4] == [{"delta": "It is "}, {"delta": "noon."}]
    assert said[4] == {"done": True, "success": True, "usage": FIGURES, "model": "gpt-test",
                       "request_id": answer.header("x-request-id")}
    assert len(said) == 5 and answer.complete
    assert all(json.loads(r.body)["stream"] is True for r in upstream.requests)


def test_a_step_is_one_line_of_data_however_its_arguments_are_laid_out(weir, upstream):
    upstream.script(sse(called_chunks("get_current_time", '{\n  "timezone":\r\n', '  "UTC"\n}')), sse(bodies.stream("Noon.", usage=bodies.USAGE)))
    answer = run(weir(upstream, **TIME), stream=True)
    steps = [line for line in answer.body.decode().split("\n") if "timezone" in line]
    assert len(steps) == 1 and steps[0].startswith("data: ")
    assert json.loads(steps[0][len("data: "):])["step"]["arguments"] == {"timezone": "UTC"}


def test_streamed_calls_without_ids_of_one_number_are_several(weir, upstream):
    """One a chunk, as Gemini's API in OpenAI's form has told them: each is made, and its result is its own."""
    asked = [{"type": "function", "index": 0, "id": "", "function": {"name": name, "arguments": arguments}}
             for name, arguments in [("get_current_time", '{"timezone":"UTC"}'), ("get_current_time", '{"timezone":"Asia/Tokyo"}'), ("none", "{}")]]
    upstream.script(sse([*[bodies.chunk({"role": "assistant", "content": None, "tool_calls": [c]}) for c in asked], bodies.chunk(finish="stop")]),
                    sse(bodies.stream("It is noon.")))
    events = run(weir(upstream, **TIME), stream=True).events()
    assert sorted((e["step"]["arguments"] for e in events if "step" in e), key=str) == [{"timezone": "Asia/Tokyo"}, {"timezone": "UTC"}, {}]
    told = upstream.wait_requests(2)[1].json()["messages"]
    assert len({c["id"] for c in told[1]["tool_calls"]}) == 3
    assert [m["tool_call_id"] for m in told[2:]] == [c["id"] for c in told[1]["tool_calls"]]


def test_a_stream_that_breaks_off_says_so(weir, upstream):
    upstream.script(sse([bodies.chunk("Let me")], end="cut"))
    answer = run(weir(upstream, **TIME), stream=True)
    first, last = answer.events()
    assert first == {"delta": "Let me"}
    assert last["success"] is False and last["error"]["code"] == "stream_interrupted"


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_is_cut_off_is_not_made(weir, upstream, stream):
    """Its arguments end in the middle of a word: nobody completes them, whatever that would make a valid call of."""
    told = '{"timezone": ', '"Etc/GMT+1'
    calls = sse(called_chunks("get_current_time", *told, finish="length")) if stream else calling(
        call("get_current_time", "".join(told)), finish="length")
    upstream.script(calls, sse(bodies.stream("Sorry.")) if stream else saying("Sorry."))
    w = weir(upstream, **TIME)
    answer = run(w, stream=stream)
    step, = [event["step"] for event in answer.events() if "step" in event] if stream else answer.json()["steps"]
    assert "JSON" in step["error"] and "result" not in step
    assert step["error"] in upstream.requests[1].body.decode()
    assert 'weir_tool_calls_total{tool="get_current_time",outcome="done"}' not in w.metrics()


def test_comments_while_a_tool_takes_its_time(weir, upstream):
    upstream.script(sse(called_chunks("get_current_time", "{}")), after(0.5, sse(bodies.stream("Noon."))))
    answer = run(weir(upstream, **TIME, server={"keep_alive_comment": "100ms"}), stream=True)
    assert b": keep-alive" in answer.body and answer.events()[-1]["success"] is True


# -- models that are no pleasure ---------------------------------------------------------------------------------------

@pytest.fixture
def simulated(weir):
    """A weir before a simulator."""
    sim = Sim("--pace", "0")
    yield weir({"providers": {"sim": {"kind": "simulator", "url": sim.base_url}}, "models": {"*": "sim"}, **TIME})
    sim.stop()


def told(answer, stream):
    """What a run came to, whichever way it was told: the last object, its steps, its words."""
    if not stream:
        said = answer.json()
        return said, said["steps"], said["response"]
    *events, last = answer.events()
    return last, [e["step"] for e in events if "step" in e], "".join(e.get("delta", "") for e in events)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model, results, errors, words", [
    ("rounds-3", 3, [], "The tool says: 20"),
    ("calls-3", 3, [], "The tool says: 20"),
    ("rounds-2,calls-16", 32, [], "The tool says: 20"),
    ("no-json", 0, ["JSON"], "The tool says: Error: "),
    ("no-json,rounds-2", 1, ["JSON"], "The tool says: 20"),
    ("wrong-arguments", 0, ["no_such_member"], "The tool says: Error: "),
    ("unknown-tool", 0, ["there is no tool of the name 'no_such_tool' here; those that there are: get_current_time"],
     "The tool says: Error: there is no tool"),
    ("same-ids,calls-2", 2, [], "The tool says: 20"),
    ("no-ids,calls-2", 2, [], "The tool says: 20"),
    ("mute", 1, [], ""),
    ("text", 0, [], "You said: "),
])
def test_odd_models_come_to_an_answer(simulated, model, results, errors, words, stream):
    answer = run(simulated, model=f"sim/{model}", stream=stream)
    last, steps, said = told(answer, stream)
    assert answer.status == 200 and last["success"] is True, answer.body
    assert len([s for s in steps if "result" in s]) == results
    failed = [s["error"] for s in steps if "error" in s]
    assert len(failed) == len(errors) and all(e in f for e, f in zip(errors, failed)), failed
    assert said.startswith(words) and bool(said) == bool(words)


@pytest.mark.parametrize("stream", [False, True])
def test_a_script_of_calls(simulated, stream):
    script = 'get_current_time {"timezone": "Europe/Berlin"}\nget_current_time {"timezone": "../../etc/passwd"}\n\nget_current_time [1]'
    last, steps, _ = told(run(simulated, script, model="sim/script", stream=stream), stream)
    assert last["success"] is True
    if stream:  # in the order in which they came about: of the first two what is refused at once
        steps[:2] = sorted(steps[:2], key=lambda s: "error" in s)
    assert [s["arguments"] for s in steps] == [{"timezone": "Europe/Berlin"}, {"timezone": "../../etc/passwd"}, "[1]"]
    assert re.search(r"\+0[12]:00$", steps[0]["result"]) and "error" in steps[1] and "error" in steps[2]


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_never_stops_is_stopped(simulated, stream):
    last, steps, words = told(run(simulated, model="sim/forever,talk", max_steps=3, stream=stream), stream)
    assert last["success"] is False and last["error"]["code"] == "max_steps" and "3 rounds" in last["error"]["message"]
    assert len(steps) == 3 and all("result" in s for s in steps) and words.endswith("Let me see.")
    assert last["usage"]["total_tokens"] > 0 and last["model"] == "sim/forever,talk" and last["request_id"]


# -- the end -----------------------------------------------------------------------------------------------------------

def test_a_run_has_its_time(weir, upstream):
    upstream.script(calling(call("get_current_time")), stall("before_head"))
    said = run(weir(upstream, **TIME, functions={"max_time": "1s"})).json()
    assert said["success"] is False and said["error"]["code"] == "max_time" and "1s" in said["response"]
    assert len(said["steps"]) == 1 and said["usage"] == bodies.USAGE
    upstream.wait_requests(2)[1].wait_closed()


def test_tokens_and_money_have_limits(weir, upstream):
    upstream.always(calling(call("get_current_time")))
    said = run(weir(upstream, **TIME, functions={"max_tokens": 20})).json()
    assert said["error"]["code"] == "max_tokens" and said["usage"]["total_tokens"] == 24 and len(said["steps"]) == 1
    prices = {"gpt-test": {"input": 1, "output": 2}}  # 15 millionths an answer
    said = run(weir(upstream, **TIME, prices=prices, functions={"max_cost": "0.00003"}), model="gpt-test").json()
    assert said["error"]["code"] == "max_cost" and len(said["steps"]) == 1


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_ends_the_model_call(weir, upstream, stream):
    upstream.script(calling(call("get_current_time")) if not stream else sse(called_chunks("get_current_time", "{}")),
                    stall("before_head"))
    w = weir(upstream, **TIME)
    with wire.connect(w) as c:
        c.request("POST", "/chat/functions", {"message": "x", "stream": stream})
        upstream.wait_requests(2)
        c.abort()
    upstream.requests[1].wait_closed()
    daemon.wait_until(lambda: any(e["endpoint"] == "chat.functions" and e["outcome"] == "cancelled" for e in w.calls()), 5,
                      "the run has no line")


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_ends_the_tools(weir, upstream, upstreams, stream):
    shop = upstreams()
    shop.always(stall("before_head"))
    calls = [{"index": i, **call("stock", number=i)} for i in range(3)]
    upstream.script(sse([bodies.chunk({"tool_calls": calls}), bodies.chunk(finish="tool_calls")]) if stream else calling(*calls))
    w = weir(upstream, tools={"stock": {"kind": "http", "url": shop.url + "/stock", "allow_private": True}})
    with wire.connect(w) as c:
        c.request("POST", "/chat/functions", {"message": "x", "stream": stream})
        shop.wait_requests(3)
        c.abort()
    for request in shop.requests:
        request.wait_closed()
    assert len(upstream.requests) == 1


def test_tools_run_beside_each_other_and_one_alone(weir, upstream, upstreams):
    shop, gate = upstreams(), threading.Event()
    shop.always(lambda request: gate.wait(20) and reply(200, {"left": 3}))
    upstream.script(calling(*[call(n, number=i) for i, n in enumerate(["stock", "stock", "order", "stock"])]), saying("Done."))
    tool = {"kind": "http", "url": shop.url, "allow_private": True}
    w = weir(upstream, tools={"stock": tool, "order": {**tool, "parallel": False}})
    with wire.connect(w) as c:
        c.request("POST", "/chat/functions", {"message": "x"})
        shop.wait_requests(2)
        gate.set()
        said = c.answer().json()
    assert said["response"] == "Done." and [s["tool"] for s in said["steps"]] == ["stock", "stock", "order", "stock"]
    assert all(json.loads(s["result"]) == {"left": 3} for s in said["steps"])


def test_a_strict_schema_and_what_the_model_writes_by_it(weir, upstream):
    """It has to write null for what it leaves out; the tool does not allow that, and does not get it."""
    schema = {"type": "object", "properties": {"at": {"type": "string"}, "days": {"type": "integer", "minimum": 1},
                                               "unit": {"type": ["string", "null"]}}, "required": ["at"]}
    free = {"type": "object", "properties": {"any": {"type": "object"}}}
    upstream.script(calling(call("echo", '{"at": "Rome", "days": null, "unit": null}')), saying("Done."))
    w = weir(upstream, tools={"echo": {"kind": "command", "command": ["cat"], "parameters": schema, "strict": True},
                              "free": {"kind": "command", "command": ["cat"], "parameters": free, "strict": True},
                              "plain": {"kind": "command", "command": ["cat"], "parameters": json.loads(json.dumps(schema))}})
    step, = run(w).json()["steps"]
    assert json.loads(step["result"]) == {"at": "Rome", "unit": None}, step
    assert step["arguments"] == {"at": "Rome", "days": None, "unit": None}  # as the model wrote it
    strict, open_, plain = (t["function"] for t in json.loads(upstream.requests[0].body)["tools"])
    assert strict["strict"] is True and strict["parameters"] == {
        "type": "object", "required": ["at", "days", "unit"], "additionalProperties": False, "properties": {
            "at": {"type": "string"}, "days": {"type": ["integer", "null"], "minimum": 1}, "unit": {"type": ["string", "null"]}}}
    assert "strict" not in open_ and open_["parameters"] == free
    assert "strict" not in plain and plain["parameters"] == schema


def test_a_command_as_a_tool(weir, upstream):
    upstream.script(calling(call("shout", '{"text": "a; rm -rf $HOME"}')), saying("Done."))
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
    w = weir(upstream, tools={"shout": {"kind": "command", "command": ["tr", "a-z", "A-Z"], "parameters": json.loads(json.dumps(schema))}})
    step, = run(w).json()["steps"]
    assert step["result"] == '{"TEXT": "A; RM -RF $HOME"}' and step["arguments"] == {"text": "a; rm -rf $HOME"}


# -- failures ----------------------------------------------------------------------------------------------------------

def test_a_provider_that_fails_later_fails_the_run_with_what_was_done(weir, upstream):
    upstream.script(calling(call("get_current_time")))
    upstream.always(reply(500, {"error": {"message": "Broken."}}))
    answer = run(weir(upstream, **TIME))
    said = answer.json()
    assert answer.status == 500 and said["success"] is False and "Broken." in said["error"]["message"]
    assert len(said["steps"]) == 1 and said["usage"] == bodies.USAGE and said["request_id"] == answer.header("x-request-id")


def test_retries_hold_for_each_model_call(weir, upstream):
    broken = reply(503, {"error": {"message": "Later."}})
    upstream.script(broken, calling(call("get_current_time")), broken, saying("Noon."))
    said = run(weir(upstream, **TIME)).json()
    assert said["response"] == "Noon." and len(said["steps"]) == 1


@pytest.mark.parametrize("body, field", [
    ({}, "message"), ({"message": ""}, "message"), ({"message": "x", "tools": ["nope"]}, "tools"), ({"message": "x", "tools": "all"}, "tools"),
    ({"message": "x", "max_steps": 0}, "max_steps"), ({"message": "x", "max_steps": 9}, "max_steps"), ({"message": "x", "steps": 3}, "steps"),
    ({"messages": []}, "messages"), ({"message": "x", "temperature": 9}, "temperature"), ({"message": "x", "max_tokens": 0}, "max_tokens"),
    ({"message": "x", "stream": "yes"}, "stream"), ({"message": "x", "user": 7}, "user"),
])
def test_requests_are_refused_with_the_field_at_fault(weir, upstream, body, field):
    answer = wire.call(weir(upstream, **TIME), "POST", "/chat/functions", body)
    said = answer.json()
    assert answer.status == 422 and said["success"] is False and said["error"]["field"] == field and said["response"]


def test_what_is_no_json_and_other_methods(weir, upstream):
    w = weir(upstream, **TIME)
    assert wire.call(w, "POST", "/chat/functions", b"{").status == 400
    assert wire.call(w, "GET", "/chat/functions").status == 405
    assert wire.call(w, "POST", "/chat/functions", b"message=x", [("content-type", "text/plain")]).status == 415


# -- clients, limits, records ------------------------------------------------------------------------------------------

CLIENTS = [{"name": "ci", "key": "ci-0123456789abcdef"}, {"name": "ops", "key": "ops-0123456789abcdef"}]


def as_client(name):
    return [("authorization", f"Bearer {name}-0123456789abcdef")]


def test_a_client_has_the_tools_that_it_may_use(weir, upstream):
    upstream.always(saying("Hello."))
    w = weir(upstream, clients=CLIENTS, tools={"get_current_time": {"kind": "builtin", "clients": ["ops"]}})
    assert run(w).status == 401
    assert run(w, headers=as_client("ops"), tools=["get_current_time"]).status == 200
    assert "tools" in json.loads(upstream.requests[0].body)
    assert run(w, headers=as_client("ci")).status == 200
    assert "tools" not in json.loads(upstream.requests[1].body)
    refused = run(w, headers=as_client("ci"), tools=["get_current_time"])
    assert refused.status == 422 and "There is no tool 'get_current_time' here" in refused.json()["error"]["message"]


def test_a_tool_that_a_client_may_not_use_is_not_there_for_its_model(weir, upstream):
    upstream.script(calling(call("get_current_time")), saying("Sorry."))
    w = weir(upstream, clients=CLIENTS, tools={"get_current_time": {"kind": "builtin", "clients": ["ops"]}})
    said = run(w, headers=as_client("ci")).json()
    assert said["response"] == "Sorry." and "there is no tool of the name" in said["steps"][0]["error"]


def test_a_client_that_may_run_models_with_tools_alone(weir, upstream):
    """Whose key is for runs has leave for their model calls."""
    upstream.script(calling(call("get_current_time")), saying("Noon."))
    w = weir(upstream, clients=[{**CLIENTS[0], "endpoints": ["/chat/functions"]}], **TIME)
    assert run(w, headers=as_client("ci")).json()["response"] == "Noon."
    assert wire.chat(w, headers=as_client("ci")).status == 403


def test_a_run_is_nobody_elses(weir, upstream):
    """Not given again, and not another's that asks the same at the same time: tools may answer otherwise, and do things."""
    gate = threading.Event()
    upstream.always(lambda request: gate.wait(20) and saying("Noon."))
    w = weir(upstream, **TIME, cache={"models": ["*"]})
    with wire.connect(w) as one, wire.connect(w) as other:
        for c in (one, other):
            c.request("POST", "/chat/functions", {"message": "x", "temperature": 0})
        upstream.wait_requests(2)
        gate.set()
        assert [c.answer().json()["response"] for c in (one, other)] == ["Noon."] * 2
    assert run(w, "x", temperature=0).header("x-weir-cache") is None
    assert len(upstream.requests) == 3


def test_a_run_is_one_request_and_its_steps_use_tokens(weir, upstream):
    upstream.always(calling(call("get_current_time")))
    clients = [{**CLIENTS[0], "limits": {"requests": "2/h"}}, {**CLIENTS[1], "limits": {"tokens": "1000/h", "parallel": 1}}]
    w = weir(upstream, clients=clients, **TIME)
    assert [run(w, headers=as_client("ci"), max_steps=3).status for _ in range(3)] == [200, 200, 429]
    # Each model call reserves its prompt and 100 tokens, and uses 12: there is room for nine of them.
    answer = run(w, headers=as_client("ops"), max_tokens=100)
    said = answer.json()
    assert answer.status == 200 and len(said["steps"]) == 8 and said["error"]["code"] == "max_steps"
    answer = run(w, headers=as_client("ops"), max_tokens=1000)
    assert answer.status == 429 and answer.json()["success"] is False and "tokens" in answer.json()["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_is_told_what_limits_it_and_its_steps(weir, upstream, stream):
    """The run is a request, its steps use tokens and money: of these it is told what the last step had left, as a stream what the first had."""
    words = sse(bodies.stream("It is noon.", usage=bodies.USAGE)) if stream else saying("It is noon.")
    upstream.script(*([] if stream else [calling(call("get_current_time"))]), words)
    clients = [{**CLIENTS[0], "limits": {"requests": "60/m", "tokens": "10000/h", "spend": "1/d"}}, {**CLIENTS[1], "limits": {"spend": "0.00001/d"}}]
    w = weir(upstream, clients=clients, prices={"*": {"input": 100, "output": 100}}, **TIME)
    answer = run(w, headers=as_client("ci"), max_tokens=100, stream=stream)
    assert answer.status == 200, answer.body
    told = {name: int(answer.header(name)) for name in ("x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-limit-tokens",
                                                        "x-ratelimit-remaining-tokens", "x-weir-budget-limit", "x-weir-budget-remaining")}
    assert (told["x-ratelimit-limit-requests"], told["x-ratelimit-remaining-requests"]) == (60, 59)
    assert (told["x-ratelimit-limit-tokens"], told["x-weir-budget-limit"]) == (10000, 10**9)
    used = 10000 - told["x-ratelimit-remaining-tokens"]
    assert 100 < used < 300 and 10**9 - told["x-weir-budget-remaining"] == used * 100_000
    refused = run(w, headers=as_client("ops"), max_tokens=100, stream=stream)
    assert refused.status == 429 and refused.header("x-weir-budget-remaining") == "10000"


def test_records_of_a_run_and_its_steps(weir, upstream):
    upstream.script(calling(call("get_current_time")), saying("Noon."))
    w = weir(upstream, **TIME, prices={"gpt-test": {"input": 1, "output": 2}})
    answer = run(w, model="gpt-test", user="u-1")
    whole = answer.header("x-request-id")
    assert answer.header("x-weir-cost") == "30000"
    daemon.wait_until(lambda: len(wire.call(w, "GET", "/usage/calls").json()["data"]) == 3, 10, "no records")
    records = wire.call(w, "GET", "/usage/calls").json()["data"]
    parent, = [r for r in records if r["request_id"] == whole]
    steps = [r for r in records if r["parent_id"] == whole]
    assert (parent["endpoint"], parent["attempts"], parent["total_tokens"], parent["cost_nano"]) == ("chat.functions", 0, 24, 30000)
    assert [(s["endpoint"], s["attempts"], s["total_tokens"], s["cost_nano"], s["user"]) for s in steps] == [
        ("chat.functions.step", 1, 12, 15000, "u-1")] * 2
    summary = wire.call(w, "GET", "/usage/summary").json()
    assert (summary["total_calls"], summary["total_tokens"], summary["cost_nano"], summary["unpriced_calls"]) == (3, 24, 30000, 0)
    assert sum(n for name, n in w.metrics().items() if name.startswith("weir_tokens_total") and 'kind="prompt"' in name) == 18
    assert w.wait_call(whole)["total_tokens"] == 24


@pytest.mark.parametrize("stream", [False, True])
def test_fifty_runs_at_a_time(simulated, stream):
    answers = [None] * 50

    def one(i):
        answers[i] = run(simulated, f"Run {i}?", model="sim/rounds-4,calls-2", stream=stream)

    threads = [threading.Thread(target=one, args=(i,)) for i in range(len(answers))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for answer in answers:
        last, steps, words = told(answer, stream)
        assert last["success"] is True and len(steps) == 8 and words.startswith("The tool says: 20")
