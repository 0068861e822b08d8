"""Ports for servers that cannot be told to take any: nobody else comes by them, not even while nobody listens there."""

import random
import socket
from pathlib import Path

given = set()


def free_port():
    """One below those that the kernel gives to whoever asks for any, and to connections that go out; never the same twice."""
    first_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(1000):
        port = random.randrange(10_000, first_given) if first_given > 12_000 else 0
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            port = s.getsockname()[1]
        if port not in given:
            given.add(port)
            return port
    raise AssertionError("no port is free")
