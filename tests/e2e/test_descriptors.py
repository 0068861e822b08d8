"""Connections and descriptors: who may have how many, played with real limits of the process."""

import os
import resource
import socket
import subprocess

import bodies
import daemon
import wire
from upstream import reply

KEYS = ("sk-client-one", "sk-client-two")
CLIENTS = [{"name": f"c{i}", "key": key} for i, key in enumerate(KEYS)]
FEW = ["--nofile=64:64"]  # of which one worker leaves 8 for clients and 7 for providers
ROOM = 8


def close_each(upstream):
    """Each call needs a connection, and so a descriptor, of its own."""
    upstream.always(reply(200, bodies.completion("Hello."), close=True))


def use_up_descriptors(w):
    """Those that it has are all that it may have, from now on. Returns what gives it others."""
    pid = w.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = {int(name) for name in os.listdir(f"/proc/{pid}/fd")}
    lowest_free = next(n for n in range(len(used) + 1) if n not in used)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (lowest_free, before[1]))
    return lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def ask(c, key=None):
    headers = [("Content-Type", "application/json")] + ([("Authorization", f"Bearer {key}")] if key else [])
    c.request("POST", "/v1/chat/completions", {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}, headers)
    return c.answer()


def connections(w):
    return w.metrics()["weir_open_connections"]


def test_the_bound_follows_the_limit(upstream, weir):
    close_each(upstream)
    w = weir(upstream, rlimits=FEW, server={"workers": 1, "max_connections": 1000})
    w.wait_text(r"server.max_connections is 1000; the 64 files .* leave room for 8 for each of 1 workers: that is the bound")
    held = [wire.connect(w) for _ in range(ROOM)]
    for c in held:
        assert ask(c).status == 200
    with wire.connect(w) as c:
        answer = c.answer()
        assert answer.status == 503 and answer.error["code"] == "overloaded"
        assert answer.header("retry-after") == "1"
    for c in held:  # what is kept back for providers is there
        assert ask(c).status == 200
        c.close()
    said = subprocess.run(["prlimit", *FEW, daemon.WEIR, "check", "-c", w.config_path], capture_output=True, text=True)
    assert said.returncode == 0 and "leave room for 8 for each of 1 workers" in said.stderr, said


def test_nobody_is_lost_while_descriptors_are_short(upstream, weir):
    """A crowd that is refused and does not go takes what descriptors there are: who comes then waits, and is heard. Calls go on."""
    close_each(upstream)
    w = weir(upstream, rlimits=FEW, server={"workers": 1})
    caller = wire.connect(w)
    assert ask(caller).status == 200
    crowd = [socket.create_connection(w.address, timeout=20) for _ in range(80)]
    for _ in range(20):
        assert ask(caller).status == 200
    refused = 0
    for s in crowd[ROOM - 1:]:  # those before have a place
        first = s.recv(12)
        assert first == b"HTTP/1.1 503", first
        refused += 1
        s.close()
    assert refused == 80 - (ROOM - 1)
    for s in crowd[: ROOM - 1]:
        s.close()
    daemon.wait_until(lambda: ask(caller).status == 200 and connections_of(w, caller) == 1, 20, "places are free")
    assert wire.chat(w).status == 200


def test_who_comes_while_there_is_no_descriptor_at_all_waits(upstream, weir):
    """Nothing is left for a connection, not even what is kept: who comes waits for one, and holds up nobody who has his."""
    upstream.always(reply(200, bodies.completion("Hello.")))
    w = weir(upstream, server={"workers": 1, **daemon.LOOKED_INTO})
    caller, late = wire.connect(w), socket.socket()
    assert ask(caller).status == 200  # its connection to the provider is there, too
    give_back = use_up_descriptors(w)
    try:
        late.connect(w.address)
        for _ in range(5):
            assert ask(caller).status == 200
    finally:
        give_back()
    late.settimeout(20)
    late.sendall(wire.make_request("GET", "/health/live", b""))
    assert late.recv(12) == b"HTTP/1.1 200"
    late.close()
    caller.close()


def connections_of(w, c):
    """As told over a connection that is open already."""
    c.request("GET", "/metrics")
    lines = c.answer().body.decode().splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("weir_open_connections ")))


def test_one_client_leaves_connections_to_others(upstream, weir):
    close_each(upstream)
    w = weir(upstream, clients=CLIENTS, server={"workers": 1, "max_connections": 6}, limits={"client_share": "50%"})
    mine = [wire.connect(w) for _ in range(4)]
    assert [ask(c, KEYS[0]).status for c in mine[:3]] == [200, 200, 200]
    answer = ask(mine[3], KEYS[0])
    assert answer.status == 429 and answer.error["code"] == "too_many_connections"
    assert answer.header("retry-after") == "1" and answer.header("x-should-retry") == "true" and mine[3].at_end()
    with wire.connect(w) as yours:
        assert ask(yours, KEYS[1]).status == 200
    assert ask(mine[0], KEYS[0]).status == 200
    mine[0].close()
    daemon.wait_until(lambda: connections_of(w, mine[1]) == 2, 5, "its place is free")
    with wire.connect(w) as again:
        assert ask(again, KEYS[0]).status == 200
    for c in mine:
        c.close()
