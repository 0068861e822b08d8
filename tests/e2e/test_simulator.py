"""The simulator, `weir sim`, as users meet it: a process, the official SDK, raw bytes. Its answers and faults are tested one by
one in tests/unit/provider; here it is whether they reach a client as what they are."""

import base64
import json
import math
import os
import re
import signal
import struct
import subprocess
import time

import openai
import pytest
from openai import OpenAI
from pydantic import BaseModel

import daemon
import wire

HELLO = [{"role": "user", "content": "hi there"}]
TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": {
        "type": "object", "properties": {"place": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
        "required": ["place", "days"]}}},
    {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}},
]


class Sim:
    def __init__(self, *args):
        environment = {"ASAN_OPTIONS": "quarantine_size_mb=4", **os.environ}  # what was freed does not count as memory
        self.process = subprocess.Popen([str(daemon.WEIR), "sim", "--listen", "127.0.0.1:0", *args], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        first = self.process.stderr.readline()
        found = re.match(r"weir sim listens on http://127\.0\.0\.1:(\d+)/v1$", first)
        assert found, first + self.process.stderr.read()
        self.address = ("127.0.0.1", int(found[1]))
        self.base_url = f"http://127.0.0.1:{found[1]}/v1"

    def sdk(self, **options):
        return OpenAI(base_url=self.base_url, **{"api_key": "any", "max_retries": 0, "timeout": 10, **options})

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=wire.PATIENCE)
        assert self.process.returncode == 0, said
        assert not daemon.DAMAGE.search(said), said


@pytest.fixture
def sim():
    started = Sim("--pace", "1")
    yield started
    started.stop()


def chat(sim, model, headers=(), **fields):
    return wire.call(sim, "POST", "/v1/chat/completions", {"model": model, "messages": HELLO, **fields}, headers)


# -- the official SDK --------------------------------------------------------------------------------------------------


def test_plain_and_stream_say_the_same(sim):
    plain = sim.sdk().chat.completions.create(model="gpt-test", messages=HELLO, n=2)
    assert [c.message.content for c in plain.choices] == ["You said: hi there"] * 2
    chunks = list(sim.sdk().chat.completions.create(model="gpt-test", messages=HELLO, n=2, stream=True,
                                                    stream_options={"include_usage": True}))
    for index in (0, 1):
        said = [c.choices[0].delta.content or "" for c in chunks if c.choices and c.choices[0].index == index]
        assert "".join(said) == "You said: hi there"
    assert chunks[-1].choices == [] and chunks[-1].usage == plain.usage
    assert plain.usage.completion_tokens == 8


def test_a_round_of_tools(sim):
    client = sim.sdk()
    messages = list(HELLO)
    with client.chat.completions.stream(model="gpt-test", messages=messages, tools=TOOLS, parallel_tool_calls=True) as stream:
        message = stream.get_final_completion().choices[0].message
    assert [c.function.name for c in message.tool_calls] == ["weather", "clock"]
    assert json.loads(message.tool_calls[0].function.arguments) == {"place": "text", "days": 1}
    messages.append(message.model_dump(exclude_none=True))
    messages.extend({"role": "tool", "tool_call_id": c.id, "content": "sunny"} for c in message.tool_calls)
    answer = client.chat.completions.create(model="gpt-test", messages=messages, tools=TOOLS)
    assert answer.choices[0].message.content == "The tool says: sunny"


def test_structured_output(sim):
    class Place(BaseModel):
        name: str
        population: int

    parsed = sim.sdk().chat.completions.parse(model="gpt-test", messages=HELLO, response_format=Place)
    assert parsed.choices[0].message.parsed == Place(name="text", population=0)


def test_logprobs(sim):
    answer = sim.sdk().chat.completions.create(model="gpt-test", messages=HELLO, logprobs=True, top_logprobs=2)
    tokens = answer.choices[0].logprobs.content
    assert "".join(t.token for t in tokens) == "You said: hi there"
    assert all(bytes(t.bytes).decode() == t.token and len(t.top_logprobs) == 2 for t in tokens)


def test_embeddings_in_both_forms(sim):
    client = sim.sdk()
    as_base64 = client.embeddings.create(model="e", input=["a", "b"], dimensions=256)
    as_floats = client.embeddings.create(model="e", input=["a", "b"], dimensions=256, encoding_format="float")
    for one, other in zip(as_base64.data, as_floats.data):
        assert one.embedding == pytest.approx(other.embedding, abs=1e-7)
        assert math.fsum(x * x for x in one.embedding) == pytest.approx(1)
    raw = wire.call(sim, "POST", "/v1/embeddings", {"model": "e", "input": "a", "encoding_format": "base64"}).json()
    assert len(struct.unpack("<1536f", base64.b64decode(raw["data"][0]["embedding"], validate=True))) == 1536


def test_responses(sim):
    client = sim.sdk()
    assert client.responses.create(model="gpt-test", input="hi").output_text == "You said: hi"
    with client.responses.stream(model="gpt-test", input="hi") as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert events[-1].type == "response.completed" and final.output_text == "You said: hi"
    assert [e.sequence_number for e in events if hasattr(e, "sequence_number")] == sorted(
        e.sequence_number for e in events if hasattr(e, "sequence_number"))
    call = client.responses.create(model="gpt-test", input="hi", tools=[{**TOOLS[0]["function"], "type": "function", "strict": False}])
    assert call.output[0].name == "weather"


def test_completions_moderations_models(sim):
    client = sim.sdk()
    assert client.completions.create(model="m", prompt="hi").choices[0].text == "You said: hi"
    assert "".join(c.choices[0].text for c in client.completions.create(model="m", prompt="hi", stream=True)) == "You said: hi"
    verdicts = client.moderations.create(input=["peace", "Violence!"]).results
    assert [v.flagged for v in verdicts] == [False, True] and verdicts[1].categories.violence
    assert client.models.retrieve("sim/429").id == "sim/429"
    assert "sim/echo" in [m.id for m in client.models.list()]


@pytest.mark.parametrize("model, kind", [
    ("sim/400", openai.BadRequestError), ("sim/401", openai.AuthenticationError), ("sim/403", openai.PermissionDeniedError),
    ("sim/404", openai.NotFoundError), ("sim/409", openai.ConflictError), ("sim/422", openai.UnprocessableEntityError),
    ("sim/429", openai.RateLimitError), ("sim/quota", openai.RateLimitError), ("sim/503", openai.InternalServerError),
    ("sim/529", openai.InternalServerError), ("sim/html-502", openai.InternalServerError),
    ("sim/context-length", openai.BadRequestError), ("sim/nonsense", openai.NotFoundError),
    ("sim/reset", openai.APIConnectionError), ("sim/slow", openai.APITimeoutError), ("sim/silent", openai.APITimeoutError),
])
def test_faults_are_the_sdks_errors(sim, model, kind):
    client = sim.sdk(timeout=0.3 if kind is openai.APITimeoutError else 10)
    for stream in (False, True):
        with pytest.raises(kind) as caught:
            client.chat.completions.create(model=model, messages=HELLO, stream=stream)
        assert type(caught.value) is kind


def test_the_sdk_retries_a_flaky_one(sim):
    answer = sim.sdk(max_retries=2).chat.completions.with_raw_response.create(model="sim/flaky-2,503-10ms", messages=HELLO)
    assert answer.retries_taken == 2
    assert answer.parse().choices[0].message.content == "You said: hi there"


def test_an_error_in_the_stream_is_raised(sim):
    said = []
    with pytest.raises(openai.APIError):
        for chunk in sim.sdk().chat.completions.create(model="sim/error-event-2", messages=HELLO, stream=True):
            said.append(chunk.choices[0].delta.content or "")
    assert "".join(said) == "You said:"


# -- bytes -------------------------------------------------------------------------------------------------------------


def test_a_cut_stream_is_no_clean_end(sim):
    answer = chat(sim, "sim/cut-2", stream=True)
    assert answer.status == 200 and not answer.complete
    assert answer.events()[-1]["choices"][0]["delta"] == {"content": " said:"}


def test_a_stream_keeps_its_pace(sim):
    began = time.monotonic()
    answer = chat(sim, "sim/words-20", stream=True, headers=[("x-sim-pace-ms", "20")])
    times = [t for t, _ in answer.pieces]
    assert times[-1] - began >= 0.36  # 20 tokens and the end, 19 pauses at least of 20 ms, less the clock's grain
    assert len(times) >= 4  # they did not come in one gush, though who reads may be slow


def test_a_stall_holds_the_connection(sim):
    with wire.connect(sim) as c:
        c.request("POST", "/v1/chat/completions", {"model": "sim/stall-1", "messages": HELLO, "stream": True})
        head = c.head()
        pieces = c.body_pieces(head)
        while b'"You"' not in head.body:
            next(pieces)
        with pytest.raises(TimeoutError):
            c.sock.settimeout(0.3)
            next(pieces)


def test_headers_make_faults_too(sim):
    answer = chat(sim, "gpt-test", [("x-sim-status", "429"), ("x-sim-retry-after", "Fri, 01 Jan 2100 00:00:00 GMT")])
    assert (answer.status, answer.header("retry-after")) == (429, "Fri, 01 Jan 2100 00:00:00 GMT")
    assert answer.error["code"] == "rate_limit_exceeded"
    times = [("x-sim-status", "500"), ("x-sim-times", "2"), ("x-sim-key", "one")]
    assert [chat(sim, "gpt-test", times).status for _ in range(4)] == [500, 500, 200, 500]
    wrong = chat(sim, "gpt-test", [("x-sim-fault", "cutt")])
    assert wrong.status == 400 and "Did you mean 'cut'?" in wrong.error["message"]


def test_many_streams_at_once(sim):
    """A thousand, each with its own text: none is lost or mixed up."""
    clients = [wire.connect(sim) for _ in range(1000)]
    for i, c in enumerate(clients):
        c.request("POST", "/v1/chat/completions",
                  {"model": "sim/pace-20", "stream": True, "messages": [{"role": "user", "content": f"number {i} of many"}]})
    for i, c in enumerate(clients):
        events = c.answer().events()
        assert events.pop() == "[DONE]"
        assert "".join(e["choices"][0]["delta"].get("content", "") for e in events) == f"You said: number {i} of many"
        c.close()


def test_a_reader_that_reads_nothing_does_not_grow_memory(sim):
    def resident_kb():
        with open(f"/proc/{sim.process.pid}/status") as f:
            return int(re.search(r"VmRSS:\s+(\d+)", f.read())[1])

    def pass_by():
        """A whole stream to one who reads: in as many turns of the simulator's loop the others could have grown by as much."""
        assert chat(sim, "sim/words-100000,pace-0", stream=True).body.endswith(b"data: [DONE]\n\n")

    chat(sim, "gpt-test")
    before = resident_kb()
    clients = [wire.connect(sim, receive_buffer=4096) for _ in range(20)]
    for c in clients:
        c.request("POST", "/v1/chat/completions", {"model": "sim/words-100000,pace-0", "messages": HELLO, "stream": True})
    daemon.wait_until(lambda: all(c.sock.recv(1, 2) for c in clients), 10, "streams did not begin")  # 2: MSG_PEEK
    pass_by()
    held = resident_kb()
    assert held - before < 50 * 1024  # 27 MB each, if they were kept
    pass_by()
    assert resident_kb() - held < 1024
    for c in clients:
        c.close()


# -- the process -------------------------------------------------------------------------------------------------------


def test_it_ends_at_once_with_streams_open():
    sim = Sim("--pace", "1")
    with wire.connect(sim) as c:
        c.request("POST", "/v1/chat/completions", {"model": "sim/words-100000,pace-50", "messages": HELLO, "stream": True})
        c.head()
        sim.stop()


def test_a_key_is_demanded():
    sim = Sim("--key", "sk-rehearsal")
    try:
        with pytest.raises(openai.AuthenticationError):
            sim.sdk().models.list()
        assert sim.sdk(api_key="sk-rehearsal").models.list().data
    finally:
        sim.stop()


@pytest.mark.parametrize("args, said", [
    (["--listen", "nowhere"], "--listen is 'nowhere': there is no port"),
    (["--pace", "fast"], "--pace is 'fast'; allowed: a whole number from 0 to 3600000 milliseconds"),
    (["--paec", "1"], "did you mean --pace?"),
])
def test_wrong_options_are_told(args, said):
    done = subprocess.run([str(daemon.WEIR), "sim", *args], capture_output=True, text=True, timeout=10)
    assert done.returncode == 2 and said in done.stderr


def test_a_taken_port_is_told(sim):
    done = subprocess.run([str(daemon.WEIR), "sim", "--listen", f"127.0.0.1:{sim.address[1]}"], capture_output=True, text=True,
                          timeout=10)
    assert done.returncode == 1 and "another program does already; stop it, or choose another address with --listen" in done.stderr
