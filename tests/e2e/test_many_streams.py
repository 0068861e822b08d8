"""Two thousand streams at once in one worker, and readers that do not read."""
# alone: two thousand streams and bodies of 50 MB take all that there is, and memory is looked at meanwhile

import asyncio
import json
import resource
import threading

import pytest

import bodies
import daemon
import wire
from upstream import chunk, event, make_head, sse

STREAMS = 2000
PER_STREAM_BYTES = 16 * 1024
SANITIZED = daemon.sanitized()


@pytest.fixture(autouse=True)
def enough_descriptors():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 3 * STREAMS + 500
    if hard < wanted:
        pytest.skip(f"needs {wanted} file descriptors, the limit is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


class Farm:
    """A provider of thousands of streams on one thread: each tells its own name, waits until all are let go, and ends."""

    def __init__(self):
        self.open = 0
        self._ready = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True).start()
        self._ready.wait()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/v1"

    async def _run(self):
        self._loop, self._go, self._stop = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=4096)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()

    async def _serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                name = json.loads(await reader.readexactly(length))["messages"][0]["content"]
                self.open += 1
                writer.write(make_head(200, {"content-type": "text/event-stream", "transfer-encoding": "chunked"}) +
                             chunk(event(bodies.chunk(name))))
                await self._go.wait()
                for data in (bodies.chunk(f"-{name}"), bodies.chunk(finish="stop"), "[DONE]"):
                    writer.write(chunk(event(data)))
                writer.write(b"0\r\n\r\n")
                await writer.drain()
                self.open -= 1
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    def let_go(self):
        self._loop.call_soon_threadsafe(self._go.set)

    def stop(self):
        self._loop.call_soon_threadsafe(self._stop.set)


@pytest.fixture
def farm():
    farm = Farm()
    yield farm
    farm.stop()


async def read_until(reader, mark, so_far=b""):
    while mark not in so_far:
        data = await reader.read(65536)
        assert data, so_far[-200:]
        so_far += data
    return so_far


@pytest.mark.timeout(120)
async def test_two_thousand_streams(weir, farm, capsys):
    w = weir({"providers": {"main": {"kind": "openai", "url": farm.url, "key": daemon.PROVIDER_KEY, "max_connections": STREAMS + 100}},
              "models": {"*": "main"}, "server": {"workers": 1}, "retry": {"retries": 0}})
    idle = w.resident_bytes()

    async def begin(i):
        reader, writer = await asyncio.open_connection(*w.address, limit=4096)
        writer.write(wire.make_request("POST", "/v1/chat/completions",
                                       {"model": "m", "messages": [{"role": "user", "content": f"stream {i}"}], "stream": True}))
        return reader, writer, await read_until(reader, b"\n\n")

    streams = []
    for at in range(0, STREAMS, 100):  # so that no accept queue overflows
        streams += await asyncio.gather(*(begin(i) for i in range(at, at + 100)))
    assert farm.open == STREAMS
    loaded = w.resident_bytes()
    assert w.metrics()["weir_open_calls"] == STREAMS
    per_stream = (loaded - idle) / STREAMS
    with capsys.disabled():
        print(f"\n  {STREAMS} open streams: {per_stream / 1024:.1f} KB each (idle {idle / 1e6:.1f} MB, loaded {loaded / 1e6:.1f} MB)")

    farm.let_go()

    async def finish(i, reader, writer, so_far):
        text = await read_until(reader, b"0\r\n\r\n", so_far)
        writer.close()
        return text.count(b"HTTP/1.1 200 OK\r\n") == 1 and f'"stream {i}"'.encode() in text and f'"-stream {i}"'.encode() in text and b"data: [DONE]\n\n" in text

    whole = await asyncio.gather(*(finish(i, *s) for i, s in enumerate(streams)))
    assert sum(whole) == STREAMS
    assert all(c["status"] == 200 for c in await asyncio.to_thread(w.calls, STREAMS))
    if not SANITIZED:
        assert per_stream <= PER_STREAM_BYTES


@pytest.mark.parametrize("limit", ["reads later", "never reads"])
def test_a_client_that_does_not_read_stops_the_provider(weir, upstream, limit):
    """The kernel's socket buffers fill, then weir stops reading: its own memory does not grow, and others are served."""
    big = [json.dumps(bodies.chunk(f"{i:06d}" + "x" * 10_000)) for i in range(3000)]  # 30 MB
    upstream.always(sse([*big, bodies.chunk(finish="stop")]))
    w = weir(upstream, server={"workers": 1})
    before = w.resident_bytes()
    c = wire.connect(w, receive_buffer=8192)
    c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
    (request,) = upstream.wait_requests(1)
    written = upstream.wait_held(request, w.process.pid)
    grown = w.resident_bytes() - before
    print(f"the provider wrote {written / 1e6:.1f} MB, weir grew by {grown / 1e6:.2f} MB")
    assert written < 20_000_000
    if not SANITIZED:
        assert grown < 1_500_000
    assert wire.call(w, "GET", "/health/live").status == 200
    if limit == "reads later":
        answer = c.answer()
        assert answer.complete
        assert [d for _, d in answer.named_events()[:-2]] == big
        assert answer.events()[-1] == "[DONE]"
    else:
        c.close()
        request.wait_closed()
    c.close()


@pytest.mark.parametrize("reads", ["at once", "later"])
def test_a_picture_in_one_event(weir, upstream, reads):
    """It crosses whole, is held once while its reader is slow, and not at all when it has gone out."""
    size = 40_000_000
    big = json.dumps(bodies.chunk({"images": [{"b64_json": "A" * size}]}))
    upstream.script(sse([bodies.chunk({"role": "assistant"}), big, bodies.chunk(finish="stop")]))
    w = weir(upstream, server={"workers": 1})
    before = w.resident_bytes()
    c = wire.connect(w, receive_buffer=8192 if reads == "later" else None)
    c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
    answer = c.head(60)
    if reads == "later":
        (request,) = upstream.wait_requests(1)
        request.wait_done()
        w.wait_asleep()
        if not SANITIZED:
            assert w.resident_bytes() - before < 1.2 * size
    for _ in c.body_pieces(answer):
        pass
    assert answer.complete
    data = [d for _, d in answer.named_events()]
    assert len(data) == 4 and data[1] == big and data[-1] == "[DONE]"
    w.wait_call(answer.header("x-request-id"))
    if not SANITIZED:
        daemon.wait_until(lambda: w.resident_bytes() - before < 0.2 * size, 10, "what is large is not given back")
    c.close()


def test_pictures_in_one_request(weir, upstream):
    """As many as OpenAI takes cross by default, and are held once, while the provider thinks and while it tells."""
    size = 50 * 1024 * 1024
    frame = json.dumps({"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}]}], "stream": True, "stream_options": {"include_usage": True}})
    body = frame.replace("base64,", "base64," + "A" * (size - len(frame))).encode()
    told = threading.Event()
    upstream.script(sse([told, *bodies.stream("A cat.")]))
    w = weir(upstream, server={"workers": 1})
    before = w.resident_bytes()
    with wire.connect(w) as c:
        c.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        (request,) = upstream.wait_requests(1)
        assert request.body == body
        w.wait_asleep()
        if not SANITIZED:
            assert w.resident_bytes() - before < 1.2 * size
        told.set()
        answer = c.answer(timeout=30)
    assert (answer.status, bodies.text_of(answer.events())) == (200, "A cat.")
    assert wire.call(w, "POST", "/v1/chat/completions", body + b" ", timeout=30).status == 413


def test_many_clients_that_do_not_read(weir, upstream):
    data = json.dumps(bodies.chunk("x" * 10_000))
    upstream.always(sse([data] * 2000, end="stall"))
    w = weir(upstream, server={"workers": 1})
    before = w.resident_bytes()
    clients = []
    for _ in range(20):
        clients.append(wire.connect(w, receive_buffer=8192))
        clients[-1].request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True})
    for request in upstream.wait_requests(20):
        upstream.wait_held(request, w.process.pid)
    if not SANITIZED:
        assert w.resident_bytes() - before < 20 * 300_000
    for c in clients:
        c.close()
    for request in upstream.requests:
        request.wait_closed()
