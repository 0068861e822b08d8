"""The official OpenAI SDK for Python, unmodified, through weir: what works against the provider works here too."""

import asyncio
import base64
import hashlib
import json
import struct
import threading
import time

import openai
import pytest
from openai import AsyncOpenAI, OpenAI
from pydantic import BaseModel

import bodies
import daemon
import wire
from upstream import after, cut, error, reply, sse, stall

HELLO = [{"role": "user", "content": "Say hello."}]

# From the client's close to the provider's seeing it. The promise is 100 ms; the cancel itself takes one turn of the event loop.
CANCEL_WITHIN, TRIES = 0.1, 10  # a promise of a time, which is kept; now and then the machine lets nobody work meanwhile


made = []


def sdk(w, kind=OpenAI, **options):
    client = kind(base_url=w.base_url, api_key=daemon.CLIENT_KEY, **{"max_retries": 0, "timeout": 10, **options})
    made.append(client)
    return client


@pytest.fixture
def weir(weir):
    """Closes the clients before weir is stopped, which else waits a little for what they might still ask."""
    yield weir
    while made:
        client = made.pop()
        if isinstance(client, OpenAI):
            client.close()


@pytest.fixture
def client(weir, upstream):
    return sdk(weir(upstream))


def create(client, **fields):
    return client.chat.completions.create(**{"model": "gpt-test", "messages": HELLO, **fields})


# -- plain -------------------------------------------------------------------------------------------------------------


def test_plain(weir, upstream):
    upstream.script(reply(200, bodies.completion("Hello there.")))
    w = weir(upstream)
    raw = sdk(w).chat.completions.with_raw_response.create(model="gpt-test", messages=HELLO, temperature=0.5)
    answer = raw.parse()
    assert answer.choices[0].message.content == "Hello there."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == 12
    assert answer.system_fingerprint == "fp_1"
    assert answer._request_id == raw.headers["x-request-id"]
    assert raw.headers["x-weir-target"] == "main/gpt-test"
    assert raw.headers["x-weir-attempts"] == "1"
    assert float(raw.headers["x-weir-overhead-ms"]) >= 0
    (request,) = upstream.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.json() == {"model": "gpt-test", "messages": HELLO, "temperature": 0.5}


def test_keys_and_headers_stay_on_their_side(weir, upstream):
    upstream.script(reply(200, bodies.completion(), {"set-cookie": "a=1", "x-request-id": "req_theirs", "openai-processing-ms": "7"}))
    w = weir(upstream)
    raw = sdk(w, default_headers={"cookie": "b=2", "proxy-authorization": "Basic x", "x-custom": "1"}
              ).chat.completions.with_raw_response.create(model="gpt-test", messages=HELLO)
    (request,) = upstream.requests
    assert request.header("authorization") == f"Bearer {daemon.PROVIDER_KEY}"
    assert daemon.CLIENT_KEY.encode() not in request.head
    assert not [n for n, _ in request.headers if n.lower() in ("cookie", "proxy-authorization") or n.lower().startswith("x-stainless")]
    assert request.header("host") == f"127.0.0.1:{upstream.port}"
    assert daemon.PROVIDER_KEY not in str(raw.headers)
    assert "set-cookie" not in raw.headers
    assert raw.headers["x-request-id"] != "req_theirs"


def test_log_line_of_a_call(weir, upstream):
    upstream.script(reply(200, bodies.completion()))
    w = weir(upstream)
    answer = create(sdk(w))
    line = w.wait_call(answer._request_id)
    expected = {"event": "call", "endpoint": "chat.completions", "model": "gpt-test", "target": "main/gpt-test", "attempts": 1,
                "status": 200, "stream": False, "prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    assert {k: line.get(k) for k in expected} == expected
    assert line["bytes_in"] == len(upstream.requests[0].body)
    assert line["bytes_out"] > 0
    assert 0 <= line["overhead_ms"] <= line["total_ms"]
    assert line["first_byte_ms"] <= line["total_ms"]
    assert not line.get("error")


def test_tools_round_trip(client, upstream):
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Zürich","days": 1.0}'}}
    tools = [{"type": "function", "function": {"name": "weather", "description": "Ask.", "strict": True, "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}}}]
    first = bodies.completion(None)
    first["choices"][0]["message"]["tool_calls"] = [call]
    first["choices"][0]["finish_reason"] = "tool_calls"
    upstream.script(reply(200, first), reply(200, bodies.completion("It rains.")))
    answer = create(client, tools=tools, tool_choice="auto", parallel_tool_calls=False)
    message = answer.choices[0].message
    assert message.tool_calls[0].function.arguments == call["function"]["arguments"]
    conversation = HELLO + [message, {"role": "tool", "tool_call_id": "call_1", "content": "rain"}]
    assert create(client, messages=conversation, tools=tools).choices[0].message.content == "It rains."
    sent = upstream.requests[1].json()["messages"]
    assert sent[1]["tool_calls"] == [call]
    assert sent[2] == {"role": "tool", "tool_call_id": "call_1", "content": "rain"}
    assert upstream.requests[0].json()["tools"] == tools


def test_several_choices(client, upstream):
    answer = bodies.completion("one")
    answer["choices"] += [{**answer["choices"][0], "index": i, "message": {"role": "assistant", "content": w}} for i, w in ((1, "two"), (2, "three"))]
    upstream.script(reply(200, answer))
    assert [c.message.content for c in create(client, n=3).choices] == ["one", "two", "three"]
    assert upstream.requests[0].json()["n"] == 3


def test_logprobs(client, upstream):
    token = {"token": "Hé", "logprob": -0.0012345678901234567, "bytes": [72, 195, 169],
             "top_logprobs": [{"token": "H", "logprob": -9999.0, "bytes": None}]}
    answer = bodies.completion("Hé")
    answer["choices"][0]["logprobs"] = {"content": [token], "refusal": None}
    upstream.script(reply(200, answer))
    got = create(client, logprobs=True, top_logprobs=1).choices[0].logprobs.content[0]
    assert got.model_dump() == token


def test_image_parts(client, upstream):
    image = "data:image/png;base64," + base64.b64encode(bytes(range(256)) * 4000).decode()
    parts = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": image, "detail": "low"}}]
    upstream.script(reply(200, bodies.completion("Noise.")))
    assert create(client, messages=[{"role": "user", "content": parts}]).choices[0].message.content == "Noise."
    assert upstream.requests[0].json()["messages"][0]["content"] == parts


def test_structured_output(client, upstream):
    class City(BaseModel):
        name: str
        people: int

    upstream.script(reply(200, bodies.completion('{"name":"Bern","people":134000}')))
    answer = client.chat.completions.parse(model="gpt-test", messages=HELLO, response_format=City)
    assert answer.choices[0].message.parsed == City(name="Bern", people=134000)
    assert upstream.requests[0].json()["response_format"]["type"] == "json_schema"


# -- bytes that nobody needs to change ---------------------------------------------------------------------------------

ODD = (b'"x_future" : {"big":123456789012345678901234567890, "exp":1.0E+2,"neg":-0.0 ,"tiny":1e-400,'
       b'"text":"\\u00e9\xc3\xa9\\/\\ud83d\\ude00\xf0\x9f\x98\x80", "list":[ 1 ,2.50,\t{} ]}')
ODD_REQUEST = b'{ "messages":[{"role":"user","content":"hi","x":1.10}],\r\n  "model" : "fast",' + ODD + b'\n}  '


def test_unknown_fields_and_numbers_as_they_came(weir, upstream):
    odd_answer = json.dumps(bodies.completion()).encode()[:-1] + b" , " + ODD + b" }\n"
    upstream.script(reply(200, odd_answer), reply(200, odd_answer, chunked=True, pieces=7))
    w = weir(upstream, models={"fast": "main/real-model"})
    for _ in range(2):
        answer = wire.chat(w, ODD_REQUEST)
        assert answer.status == 200
        assert answer.body == odd_answer
    for request in upstream.requests:
        assert request.body == ODD_REQUEST.replace(b'"fast"', b'"real-model"')


def test_same_in_a_stream(weir, upstream):
    odd = b'{"id":"1","choices":[{"index":0,"delta":{"content":"a"},"x":1.0}], ' + ODD + b"}"
    upstream.script(sse([b"data: " + odd + b"\n\n", *bodies.stream(usage=bodies.USAGE)]))
    w = weir(upstream, models={"fast": "main/real-model"})
    request = ODD_REQUEST.replace(b'"model"', b'"stream":true, "model"')
    answer = wire.chat(w, request)
    assert answer.named_events()[0] == ("", odd.decode())
    sent = upstream.requests[0].body
    assert ODD in sent and b'{"role":"user","content":"hi","x":1.10}' in sent
    expected = json.loads(request) | {"model": "real-model", "stream_options": {"include_usage": True}}
    assert json.loads(sent) == expected
    # Nothing but the model's name and one inserted member differs.
    without = sent.replace(b'"real-model"', b'"fast"')
    start = next(i for i in range(len(request)) if request[i] != without[i])
    extra = len(without) - len(request)
    assert any(without[:i] + without[i + extra :] == request for i in range(max(0, start - extra), start + 1))


def test_unknown_fields_by_the_sdk(client, upstream):
    upstream.script(reply(200, bodies.completion(x_new={"deep": [1, {"a": None}]})))
    answer = create(client, extra_body={"x_mine": [True, 2**60]})
    assert answer.x_new == {"deep": [1, {"a": None}]}
    assert upstream.requests[0].json()["x_mine"] == [True, 2**60]


# -- streams -----------------------------------------------------------------------------------------------------------


def test_stream(weir, upstream):
    upstream.script(sse(bodies.stream("Hel", "lo.", usage=bodies.USAGE)))
    w = weir(upstream)
    chunks = list(create(sdk(w), stream=True))
    assert [c.choices[0].delta.content for c in chunks] == ["", "Hel", "lo.", None]
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert upstream.requests[0].json()["stream_options"] == {"include_usage": True}
    (line,) = w.calls(1)
    assert (line["stream"], line["status"], line["total_tokens"]) == (True, 200, 12)
    assert line["first_token_ms"] <= line["total_ms"]


@pytest.mark.parametrize("asked", [True, False, None, "other"])
def test_usage_chunk_only_where_asked(client, upstream, asked):
    """Without it clients that read choices[0] of every chunk must not meet an empty choices."""
    options = {True: {"include_usage": True}, False: {"include_usage": False}, None: None, "other": {"include_obfuscation": False}}[asked]
    upstream.script(sse(bodies.stream("Hi", usage=bodies.USAGE)))
    chunks = list(create(client, stream=True, **({"stream_options": options} if options else {})))
    if asked is True:
        assert chunks[-1].choices == [] and chunks[-1].usage.total_tokens == 12
    else:
        assert all(c.choices for c in chunks)
        assert all(c.usage is None for c in chunks)
    assert upstream.requests[0].json()["stream_options"] == {"include_usage": True, **(options or {})}  # a client's no is kept


def test_events_go_on_at_once(client, upstream):
    """Each chunk is read before the provider sends the next one."""
    gates = [threading.Event() for _ in range(3)]
    upstream.script(sse([bodies.chunk("a"), gates[0], bodies.chunk("b"), gates[1], bodies.chunk("c"), gates[2], bodies.chunk(finish="stop")]))
    got = ""
    for c in create(client, stream=True):
        got += c.choices[0].delta.content or ""
        if len(got) <= 3 and got:
            gates[len(got) - 1].set()
    assert got == "abc"


def test_streamed_tool_calls(client, upstream):
    def delta(**call):
        return bodies.chunk({"tool_calls": [call]})

    upstream.script(sse([
        delta(index=0, id="call_1", type="function", function={"name": "weather", "arguments": ""}),
        delta(index=0, function={"arguments": '{"city":'}), delta(index=0, function={"arguments": '"Zür'}),
        delta(index=1, id="call_2", type="function", function={"name": "time", "arguments": "{}"}),
        delta(index=0, function={"arguments": 'ich"}'}), bodies.chunk(finish="tool_calls")]))
    calls = {}
    for c in create(client, stream=True, tools=[{"type": "function", "function": {"name": "weather"}}]):
        for call in c.choices[0].delta.tool_calls or []:
            name, arguments = calls.get(call.index, ("", ""))
            calls[call.index] = (name + (call.function.name or ""), arguments + call.function.arguments)
    assert calls == {0: ("weather", '{"city":"Zürich"}'), 1: ("time", "{}")}


def test_streamed_choices_are_complete_when_all_have_finished(client, upstream):
    upstream.script(sse([bodies.chunk("a"), bodies.chunk("x", index=1), bodies.chunk(finish="stop"), bodies.chunk("y", index=1),
                         bodies.chunk(finish="length", index=1)]))
    text = {0: "", 1: ""}
    for c in create(client, stream=True, n=2):
        text[c.choices[0].index] += c.choices[0].delta.content or ""
    assert text == {0: "a", 1: "xy"}


def test_streamed_logprobs(client, upstream):
    token = {"token": "a", "logprob": -1e-05, "bytes": [97], "top_logprobs": []}
    chunk = bodies.chunk("a")
    chunk["choices"][0]["logprobs"] = {"content": [token], "refusal": None}
    upstream.script(sse([chunk, bodies.chunk(finish="stop")]))
    assert list(create(client, stream=True, logprobs=True))[0].choices[0].logprobs.content[0].model_dump() == token


def test_stream_helper(client, upstream):
    upstream.script(sse(bodies.stream("Hel", "lo.", usage=bodies.USAGE)))
    with client.chat.completions.stream(model="gpt-test", messages=HELLO, stream_options={"include_usage": True}) as stream:
        kinds = [e.type for e in stream]
        answer = stream.get_final_completion()
    assert "content.done" in kinds
    assert answer.choices[0].message.content == "Hello."
    assert answer.usage.total_tokens == 12


def test_cut_stream_raises(client, upstream):
    upstream.script(cut("in_stream", bodies.stream("One", "two")[:-1]))
    got = []
    with pytest.raises(openai.APIError) as raised:
        for c in create(client, stream=True):
            got.append(c.choices[0].delta.content)
    assert got == ["", "One", "two"]
    assert raised.value.code == "stream_interrupted"
    assert raised.value.type == "server_error"


def test_error_event_raises_with_the_providers_words(client, upstream):
    upstream.script(sse([bodies.chunk("a"), {"error": {"message": "The model fell over.", "type": "server_error", "param": None, "code": "odd"}}], end="no_done"))
    with pytest.raises(openai.APIError, match="The model fell over.") as raised:
        list(create(client, stream=True))
    assert raised.value.code == "odd"


# -- the other endpoints -----------------------------------------------------------------------------------------------


def embedding_answer(*vectors):
    return {"object": "list", "model": "emb", "usage": {"prompt_tokens": 4, "total_tokens": 4},
            "data": [{"object": "embedding", "index": i, "embedding": v} for i, v in enumerate(vectors)]}


def test_embeddings(weir, upstream):
    packed = base64.b64encode(struct.pack("<3f", 0.5, -2.0, 0.25)).decode()
    upstream.script(reply(200, embedding_answer(packed)), reply(200, embedding_answer([0.5, -2.0, 0.1], [1e-9, 0, 1])))
    w = weir(upstream)
    client = sdk(w)
    assert client.embeddings.create(model="emb", input="text").data[0].embedding == [0.5, -2.0, 0.25]
    both = client.embeddings.create(model="emb", input=["a", "b"], encoding_format="float", dimensions=3)
    assert [d.embedding for d in both.data] == [[0.5, -2.0, 0.1], [1e-9, 0, 1]]
    first, second = upstream.requests
    assert first.path == second.path == "/v1/embeddings"
    assert first.json()["encoding_format"] == "base64"
    assert second.json() == {"model": "emb", "input": ["a", "b"], "encoding_format": "float", "dimensions": 3}
    assert [(c["endpoint"], c["prompt_tokens"], c["total_tokens"]) for c in w.calls(2)] == [("embeddings", 4, 4)] * 2


def test_models(weir, upstream):
    w = weir(upstream, models={"gpt-4o-mini": "main", "fast": "main/llama", "*": None})
    client = sdk(w)
    listed = client.models.list()
    assert {m.id for m in listed} == {"gpt-4o-mini", "fast"}
    assert all(m.object == "model" for m in listed)
    assert client.models.retrieve("fast").id == "fast"
    with pytest.raises(openai.NotFoundError) as raised:
        client.models.retrieve("slow")
    assert raised.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError) as raised:
        create(client, model="slow")
    assert raised.value.code == "model_not_found"
    assert not upstream.requests


RESPONSE = {
    "id": "resp_1", "object": "response", "created_at": 1700000000, "status": "completed", "model": "gpt-test", "error": None,
    "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True, "temperature": 1.0, "top_p": 1.0,
    "tool_choice": "auto", "tools": [], "output": [{"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
                                                   "content": [{"type": "output_text", "text": "Hello.", "annotations": []}]}],
    "usage": {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7, "input_tokens_details": {"cached_tokens": 0},
              "output_tokens_details": {"reasoning_tokens": 0}},
}


def response_events(last="response.completed", response=RESPONSE):
    running = {**RESPONSE, "status": "in_progress", "output": [], "usage": None}
    events = [("response.created", {"response": running}),
              ("response.output_text.delta", {"item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "Hel", "logprobs": []}),
              ("response.output_text.delta", {"item_id": "msg_1", "output_index": 0, "content_index": 0, "delta": "lo.", "logprobs": []}),
              (last, {"response": response})]
    return [f"event: {name}\ndata: {json.dumps({'type': name, 'sequence_number': i, **data})}\n\n".encode()
            for i, (name, data) in enumerate(events)]


def test_responses(weir, upstream):
    upstream.script(reply(200, RESPONSE))
    w = weir(upstream)
    answer = sdk(w).responses.create(model="gpt-test", input="Say hello.")
    assert answer.output_text == "Hello."
    assert upstream.requests[0].path == "/v1/responses"
    assert upstream.requests[0].json() == {"model": "gpt-test", "input": "Say hello."}
    (line,) = w.calls(1)
    assert (line["endpoint"], line["prompt_tokens"], line["completion_tokens"], line["total_tokens"]) == ("responses", 5, 2, 7)


def test_a_stored_prompt_without_a_model(weir, upstream):
    """Which model is asked stands in the prompt, which the provider keeps: whoever answers for all models is asked."""
    upstream.script(reply(200, RESPONSE), sse(response_events(), end="no_done"))
    w = weir(upstream, models={"gpt-test": None, "*": "main"})
    client = sdk(w)
    prompt = {"id": "pmpt_1", "version": "2", "variables": {"city": "Zürich"}}
    answer = client.responses.create(prompt=prompt)
    assert answer.output_text == "Hello."
    assert [e.type for e in client.responses.create(prompt=prompt, stream=True)][-1] == "response.completed"
    assert upstream.requests[0].json() == {"prompt": prompt}
    assert w.wait_call(answer._request_id)["target"] == "main"
    assert w.metrics()['weir_calls_total{endpoint="responses",model="*",target="main",status="200",outcome="ok"}'] == 2


def test_a_stored_prompt_where_nobody_answers_for_all_models(weir, upstream):
    client = sdk(weir(upstream, models={"gpt-test": "main", "*": None}))
    with pytest.raises(openai.BadRequestError) as raised:
        client.responses.create(prompt={"id": "pmpt_1"})
    assert raised.value.code == "missing_required_parameter" and "'*'" in raised.value.message
    assert not upstream.requests


def test_responses_streamed(weir, upstream):
    upstream.script(sse(response_events(), end="no_done"))
    w = weir(upstream)
    events = list(sdk(w).responses.create(model="gpt-test", input="Say hello.", stream=True))
    assert [e.type for e in events] == ["response.created", "response.output_text.delta", "response.output_text.delta", "response.completed"]
    assert events[-1].response.output_text == "Hello."
    assert upstream.requests[0].json() == {"model": "gpt-test", "input": "Say hello.", "stream": True}
    (line,) = w.calls(1)
    assert (line["status"], line["total_tokens"], line["stream"]) == (200, 7, True)


def test_responses_bytes_and_event_names(weir, upstream):
    """No [DONE] is added to a stream that has an end of its own."""
    upstream.script(sse(response_events(), end="no_done"))
    answer = wire.call(weir(upstream), "POST", "/v1/responses", {"model": "gpt-test", "input": "x", "stream": True})
    assert answer.body == b"".join(response_events())


def test_responses_cut(client, upstream):
    upstream.script(cut("in_stream", response_events()[:2]))
    with pytest.raises(openai.APIError) as raised:
        list(client.responses.create(model="gpt-test", input="x", stream=True))
    assert raised.value.code == "stream_interrupted"


@pytest.mark.parametrize("last, status", [("response.failed", "failed"), ("response.incomplete", "incomplete")])
def test_responses_other_ends(client, upstream, last, status):
    upstream.script(sse(response_events(last, {**RESPONSE, "status": status}), end="no_done"))
    events = list(client.responses.create(model="gpt-test", input="x", stream=True))
    assert (events[-1].type, events[-1].response.status) == (last, status)


def test_completions(client, upstream):
    def text(t, **over):
        return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "instruct",
                "choices": [{"index": 0, "text": t, "logprobs": None, "finish_reason": None, **over}]}

    upstream.script(reply(200, text("Hello.", finish_reason="stop") | {"usage": bodies.USAGE}),
                    sse([text("Hel"), text("lo."), text("", finish_reason="stop")]))
    assert client.completions.create(model="instruct", prompt="x", max_tokens=3).choices[0].text == "Hello."
    assert "".join(c.choices[0].text for c in client.completions.create(model="instruct", prompt="x", stream=True)) == "Hello."
    assert [r.path for r in upstream.requests] == ["/v1/completions"] * 2


def test_moderations(client, upstream):
    upstream.script(reply(200, {"id": "modr-1", "model": "omni", "results": [{
        "flagged": True, "categories": {"violence": True}, "category_scores": {"violence": 0.97}, "category_applied_input_types": {}}]}))
    answer = client.moderations.create(model="omni", input="x")
    assert answer.results[0].flagged and answer.results[0].category_scores.violence == 0.97
    assert upstream.requests[0].path == "/v1/moderations"


# -- errors ------------------------------------------------------------------------------------------------------------

CLASSES = {
    400: openai.BadRequestError, 402: openai.APIStatusError, 404: openai.NotFoundError,
    409: openai.ConflictError, 413: openai.APIStatusError, 422: openai.UnprocessableEntityError, 429: openai.RateLimitError,
    500: openai.InternalServerError, 502: openai.InternalServerError, 503: openai.InternalServerError, 529: openai.InternalServerError,
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", CLASSES)
def test_error_classes(weir, upstream, status, stream):
    """A provider's error passes with its status and its words, and the class of the exception with it."""
    upstream.script(error(status, "No, since it is Monday.", "some_type", "some_code", "some_param"))
    w = weir(upstream, retry={"retries": 0})
    with pytest.raises(CLASSES[status]) as raised:
        create(sdk(w), stream=stream)
    e = raised.value
    assert e.status_code == status
    assert (e.body["message"], e.type, e.code, e.param) == ("No, since it is Monday.", "some_type", "some_code", "some_param")
    assert e.request_id == e.response.headers["x-request-id"]
    assert w.wait_call(e.request_id)["status"] == status


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_provider_key_is_not_the_clients(weir, upstream, status, stream):
    """Who sees AuthenticationError looks at his own key, and there is nothing wrong with it."""
    upstream.always(error(status, "Incorrect API key provided: sk-pr***cret. See the docs.", code="invalid_api_key"))
    w = weir(upstream)
    with pytest.raises(openai.InternalServerError) as raised:
        create(sdk(w), stream=stream)
    assert (raised.value.status_code, raised.value.code) == (502, "provider_refused")
    assert raised.value.body["message"] == f"The provider main refuses the key that it is sent (status {status})."
    assert len(upstream.requests) == 1


def test_a_providers_key_is_taken_out_of_its_error(weir, upstream):
    upstream.script(error(402, f"No money for {daemon.PROVIDER_KEY}. See the docs.", code="unpaid"))
    w = weir(upstream)
    with pytest.raises(openai.APIStatusError) as raised:
        create(sdk(w))
    assert daemon.PROVIDER_KEY not in str(raised.value)
    assert "No money for " in raised.value.body["message"]


def test_an_error_that_is_no_json(weir, upstream):
    upstream.script(reply(503, "<html>Bad day</html>", {"content-type": "text/html"}))
    w = weir(upstream, retry={"retries": 0})
    with pytest.raises(openai.InternalServerError) as raised:
        create(sdk(w))
    assert raised.value.status_code == 503
    assert set(raised.value.body) >= {"message", "type", "param", "code"}


MESSAGES = b'"messages":[{"role":"user","content":"x"}]'


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b'{"model":"m",' + MESSAGES + b"}x", b'{"model":"m","model":"n",' + MESSAGES + b"}", b'{"model":1,' + MESSAGES + b"}",
    b"{" + MESSAGES + b"}", b'{"model":"m","messages":{}}', b'{"model":"m"}', b'{"model":"m",' + MESSAGES + b',"stream":"yes"}',
    b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}', b'{"model":"m",' + MESSAGES + b',"x":' + b"[" * 500 + b"]" * 500 + b"}"])
def test_bad_requests_never_reach_the_provider(weir, upstream, body):
    w = weir(upstream)
    answer = wire.chat(w, body)
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error["message"]
    assert answer.header("x-request-id") and answer.header("x-should-retry") == "false"
    assert not upstream.requests


def test_client_keys(weir, upstream):
    upstream.script(reply(200, bodies.completion()))
    w = weir(upstream, clients=[{"name": "ci", "key": {"sha256": hashlib.sha256(daemon.CLIENT_KEY.encode()).hexdigest()}}])
    answer = create(sdk(w))
    assert w.wait_call(answer._request_id)["client"] == "ci"
    for wrong in ("sk-other", daemon.CLIENT_KEY + "x", daemon.CLIENT_KEY[:-1]):
        with pytest.raises(openai.AuthenticationError) as raised:
            create(sdk(w).with_options(api_key=wrong))
        assert raised.value.code == "invalid_api_key"
    assert wire.chat(w).status == 401


# -- who retries -------------------------------------------------------------------------------------------------------


def test_weir_retries_so_that_the_sdk_need_not(weir, upstream):
    upstream.script(error(503), error(429), reply(200, bodies.completion("At last.")))
    w = weir(upstream)
    raw = sdk(w, max_retries=2).chat.completions.with_raw_response.create(model="gpt-test", messages=HELLO)
    assert raw.parse().choices[0].message.content == "At last."
    assert raw.headers["x-weir-attempts"] == "3"
    assert raw.retries_taken == 0
    assert [r.began - q.arrived >= 0.02 for q, r in zip(upstream.requests, upstream.requests[1:])] == [True, True]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_retries_do_not_multiply(weir, upstream, status):
    upstream.always(error(status))
    w = weir(upstream, retry={"retries": 1})
    with pytest.raises(openai.APIStatusError) as raised:
        create(sdk(w, max_retries=2))
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert len(upstream.requests) == 2


def test_a_hint_beyond_the_deadline_is_handed_on(weir, upstream):
    """weir gives up at once and says when; the SDK waits so long and asks again."""
    upstream.script(error(429, headers={"retry-after-ms": "2100"}), reply(200, bodies.completion("Later.")))
    w = weir(upstream, timeouts={"total": "2s"})
    raw = sdk(w, max_retries=1).chat.completions.with_raw_response.create(model="gpt-test", messages=HELLO)
    assert raw.retries_taken == 1
    first, second = upstream.requests
    assert second.began - first.arrived >= 2.1
    assert [c["attempts"] for c in w.calls(2)] == [1, 1]


def test_the_hint_as_headers(weir, upstream):
    upstream.script(error(429, headers={"retry-after": "7"}))
    answer = wire.chat(weir(upstream, timeouts={"total": "2s"}))
    assert answer.status == 429
    assert 6000 < float(answer.header("retry-after-ms")) <= 7000
    assert answer.header("retry-after") == "7"
    assert answer.header("x-should-retry") == "true"


# -- clients that leave ------------------------------------------------------------------------------------------------


def test_abort_in_mid_stream(weir, upstream):
    upstream.always(stall("in_stream", events=bodies.stream("One")[:2]))
    w = weir(upstream)

    def took(n):
        stream = create(sdk(w), stream=True)
        next(stream), next(stream)
        left = time.monotonic()
        stream.close()
        return upstream.requests[n].wait_closed() - left

    assert any(took(n) < CANCEL_WITHIN for n in range(TRIES))
    line = w.calls(1)[0]
    assert (line["status"], line["attempts"]) == (499, 1)
    assert line["error"] == "client_closed_request"


async def leave(w, upstream, n=1, **fields):
    """Starts a call, cancels it when the provider has the n-th request; returns when that was."""
    client = sdk(w, AsyncOpenAI)
    task = asyncio.create_task(create(client, **fields))
    await asyncio.to_thread(upstream.wait_requests, n)
    left = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return left


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("where", ["before_head", "in_head", "after_head", "in_body"])
async def test_abort_while_waiting(weir, upstream, where, stream):
    upstream.always(stall(where))
    w = weir(upstream)
    for n in range(TRIES):
        left = await leave(w, upstream, n + 1, stream=stream)
        if await asyncio.to_thread(upstream.requests[n].wait_closed) - left < CANCEL_WITHIN:
            break
    else:
        pytest.fail(f"none of {TRIES} was cancelled within {CANCEL_WITHIN} s")
    assert w.calls(1)[0]["status"] == 499


async def test_abort_stops_retries(weir, upstream):
    upstream.script(error(503))
    w = weir(upstream, retry={"base": "1s", "cap": "1s"})
    await leave(w, upstream)
    assert w.calls(1)[0]["status"] == 499
    await asyncio.sleep(1.2)  # longer than the backoff; a second request would fail the upstream's fixture
    assert len(upstream.requests) == 1


def test_the_sdks_own_time_out_reaches_the_provider(weir, upstream):
    upstream.script(stall("before_head"))
    w = weir(upstream)
    with pytest.raises(openai.APITimeoutError):
        create(sdk(w, timeout=1))
    upstream.wait_requests(1)[0].wait_closed()


# -- many at once ------------------------------------------------------------------------------------------------------


async def test_200_parallel_streams_do_not_mix(weir, upstream):
    def answer(request):
        name = request.json()["messages"][0]["content"]
        return sse([*(bodies.chunk(f"{name}/{i} ") for i in range(20)), bodies.chunk(finish="stop")], pace=0.005)

    upstream.always(answer)
    w = weir(upstream)

    async with sdk(w, AsyncOpenAI, timeout=30) as client:
        async def one(name):
            stream = await create(client, messages=[{"role": "user", "content": name}], stream=True)
            return "".join([c.choices[0].delta.content or "" async for c in stream])

        names = [f"stream-{n}" for n in range(200)]
        texts = await asyncio.gather(*(one(n) for n in names))
    assert texts == ["".join(f"{n}/{i} " for i in range(20)) for n in names]
    assert all((c["status"], c["attempts"]) == (200, 1) for c in w.calls(200))


async def test_plain_calls_do_not_mix(weir, upstream):
    upstream.always(lambda r: after(0.005, reply(200, bodies.completion(r.json()["messages"][0]["content"] * 50))))
    w = weir(upstream)
    async with sdk(w, AsyncOpenAI) as client:
        async def one(name):
            return (await create(client, messages=[{"role": "user", "content": name}])).choices[0].message.content

        names = [f"<{n}>" for n in range(200)]
        assert await asyncio.gather(*(one(n) for n in names)) == [n * 50 for n in names]
