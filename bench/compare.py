"""`bench/run peers`: weir beside what people would use, all of them in one run and in turns.

All that are in a setting run at the same time, each a process tree on the proxies' core, and all but the one in its turn are stopped
(SIGSTOP): so none takes from another, and a round needs no start of what takes half a minute to start.
"""

import json
import os
import signal
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from doors import ClientDoor, ProviderDoor, make_certificate
from peers import PEERS
from peers.common import Setting
from sides import Failed, client_environment, load, load_command, tree

ROUND_SECONDS = 0.5  # that a round of calls is to take
PATIENCE = 120  # seconds; what takes longer is no figure
PACE_US = 2000  # between two events of a stream


@dataclass
class Row:
    """What was seen of one peer."""

    name: str
    version: str = ""
    figures: dict = field(default_factory=dict)  # of a workload and what is measured in it: one number a round
    notes: dict = field(default_factory=dict)  # of a workload: why there is no figure

    def median(self, key):
        found = self.figures.get(key)
        return statistics.median(found) if found else None

    def add(self, key, value):
        self.figures.setdefault(key, []).append(value)


def pause(side, paused):
    for pid in tree(side.process.pid):
        try:
            os.kill(pid, signal.SIGSTOP if paused else signal.SIGCONT)
        except ProcessLookupError:
            pass


class Comparison:
    def __init__(self, bench, peers=PEERS):
        self.bench, self.options, self.report, self.peers = bench, bench.options, bench.report, peers
        self.folder = Path(bench.folder) / "peers"
        self.folder.mkdir()
        self.ca, self.cert, self.key = make_certificate(self.folder)
        self.rows = {peer.NAME: Row(peer.NAME) for peer in peers}

    # ---- all of it ----

    def run(self):
        self.report.head("peers", f"{len(self.peers)} peers in turns, {self.options.rounds} rounds, one core for each in its turn")
        for peer in list(self.peers):
            try:
                peer.install()
            except Failed as why:
                self.report.say(f"  {peer.NAME}: left out, {why}")
                self.peers = [p for p in self.peers if p is not peer]
        self.in_setting("plain", [("call", self.call(1024)), ("call16", self.call(16384)), ("call200", self.call(204800)),
                                  ("event", self.events), ("lone", self.lone), ("rate", self.rate), ("token", self.token)])
        self.in_setting("provider", [("tls-call", self.call(1024)), ("tls-event", self.events)])
        self.in_setting("listener", [("tls-listener", self.call(1024))])
        self.in_setting("cache", [("cache", self.call(1024))])
        self.alone()
        self.secure_streams()
        return list(self.rows.values())

    def in_setting(self, name, workloads):
        door = ProviderDoor(self.bench.upstream, self.folder, self.cert, self.key) if name == "provider" else None
        try:
            if door:
                door.start()
            provider = f"https://localhost:{door.port}" if door else f"http://127.0.0.1:{self.bench.upstream.port}"
            sides = self.started(name, provider)
            for key, measure in workloads:
                self.turns(key, measure, sides)
        finally:
            for side in list(self.running):
                self.end(side)
            if door:
                door.stop()

    def setting(self, name, provider):
        return Setting(name, self.folder, self.options.build, self.options.weir, provider, self.ca, self.cert, self.key)

    def started(self, name, provider):
        """Of those that have that setting, each started and then stopped until its turn."""
        self.running = []
        for peer in self.peers:
            if name in peer.SETTINGS:
                self.begin(peer(self.setting(name, provider)), name)
        return self.running

    def begin(self, side, name):
        """One that does not start is left out of the setting, with a note."""
        row = self.rows[side.name]
        row.version = side.version()
        self.running.append(side)
        try:
            side.start()
            if name == "listener":
                side.door = ClientDoor(side, self.folder, self.ca)
                side.door.start()
            pause(side, True)
        except Failed as why:
            row.notes[name] = str(why).splitlines()[0]
            self.end(side)

    def end(self, side):
        if side.process:
            pause(side, False)
        if hasattr(side, "door"):
            side.door.stop()
        side.stop()
        self.running.remove(side)

    # ---- turns ----

    def turns(self, key, measure, sides):
        """The first round of each warms it up, and says how much it can do."""
        self.report.head(key, "")
        failed = set()
        for i in range(-1, self.options.rounds):
            for side in sides if i % 2 else reversed(sides):
                if side in failed:
                    continue
                pause(side, False)
                try:
                    figures = measure(side, key, i < 0)
                except Failed as why:
                    failed.add(side)
                    self.rows[side.name].notes[key] = str(why).splitlines()[0]
                else:
                    for name, value in figures.items() if i >= 0 and figures else []:
                        self.rows[side.name].add(f"{key} {name}", value)
                pause(side, True)
        for side in sides:
            self.tell(side, key)

    def tell(self, side, key):
        row = self.rows[side.name]
        seen = [f"{name.split(' ', 1)[1]} {row.median(name):.1f}" for name in row.figures if name.split(" ", 1)[0] == key]
        self.report.row(side.name, row.notes.get(key) or ", ".join(seen))

    def fit(self, side, key, first, cap, run):
        """How many calls a round has: as many as take ROUND_SECONDS of CPU time, and no more than the cap."""
        if first:
            before = side.cpu_ns()
            run(40)
            side.__dict__.setdefault("fitting", {})[key] = max(40, min(cap, int(40 * ROUND_SECONDS * 1e9 / (side.cpu_ns() - before))))
        return run(side.fitting[key])

    def ask(self, side, what, *arguments, port=None):
        return load(self.options.build, getattr(side, "door", side), what, *arguments, port=port, patience=PATIENCE)

    # ---- workloads: measure(side, key, first) → figures of a round ----

    def call(self, size):
        def measure(side, key, first):
            if size > side.LARGEST:
                raise Failed(f"takes no more than {side.LARGEST} characters")

            def run(calls):
                before = side.cpu_ns()
                figures = self.ask(side, "calls", 32, calls, size, 700)
                return {"cpu": (side.cpu_ns() - before) / 1000 / figures["calls"]}

            return self.fit(side, key, first, self.options.calls, run)

        return measure

    def events(self, side, key, first):
        """100 streams; fewer, half of what it can do, of one that cannot keep up: it would send several events in one piece."""
        if not side.STREAMS:
            raise Failed("no streams")

        def run(streams, events):
            before = side.cpu_ns()
            figures = self.ask(side, "streams", streams, events, PACE_US, port=getattr(side, "stream_port", None))
            return {"cpu": (side.cpu_ns() - before) / 1000 / figures["events"], "streams": streams}

        if first:
            run(2, 100)  # the first of all loads certificates, and more
            cpu_us = run(2, 100)["cpu"]
            side.__dict__.setdefault("fitting", {})[key] = 100 if cpu_us < 100 else max(1, int(0.5 * PACE_US / cpu_us))
        return run(side.fitting[key], self.options.events)

    def times(self, side, what, *arguments, names=("p50", "p99"), port=None):
        figures, direct = self.ask(side, what, *arguments, port=port), load(self.options.build, self.bench.direct, what, *arguments, patience=PATIENCE)
        return {name: figures[f"{name}_us"] - direct[f"{name}_us"] for name in names}

    def lone(self, side, key, first):
        return self.fit(side, key, first, 2000, lambda calls: self.times(side, "calls", 1, calls, 1024, 700))

    def rate(self, side, key, first):
        can = 1e6 / (self.rows[side.name].median("call cpu") or 1e6)
        if can < 600:
            raise Failed(f"a core is enough for {can:.0f} calls a second")
        return self.times(side, "rate", 500, int(500 * self.options.rate_seconds), 1024, 700, names=("p50", "p99", "p999"))

    def token(self, side, key, first):
        if not side.STREAMS:
            raise Failed("no streams")
        return self.times(side, "tokens", 100, names=("p50",), port=side.stream_port)

    # ---- each by itself: start, memory, size ----

    def alone(self):
        self.report.head("alone", "start, memory, size")
        for peer in self.peers:
            row = self.rows[peer.NAME]
            side = peer(self.setting("plain", f"http://127.0.0.1:{self.bench.upstream.port}"))
            row.version = side.version()
            row.add("size mb", side.installed_bytes() / 1e6)
            try:
                for _ in range(self.options.rounds if side.patience <= 10 else 1):
                    row.add("start ms", self.first_answer(side))
                side.start()
                time.sleep(0.5)
                idle = side.memory_kb()
                row.add("idle mb", idle / 1024)
                if side.STREAMS:
                    self.open_streams(side, row, idle)
            except Failed as why:
                row.notes["alone"] = str(why).splitlines()[0]
            finally:
                side.stop()
            self.report.row(row.name, ", ".join(f"{name} {row.median(name):.1f}" for name in ("size mb", "start ms", "idle mb", "stream kb")
                                                if row.median(name) is not None))

    def first_answer(self, side):
        command = load_command(self.options.build, "first", side.port, *side.command())
        env = {**side.environment(), **{name: value for name, value in client_environment(side).items() if name.startswith("BENCH_")},
               "BENCH_PATIENCE": str(side.patience)}
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=side.patience + PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failed(f"{side.name}: no answer in {side.patience + PATIENCE} s")
        if done.returncode:
            raise Failed(f"{side.name}: {done.stderr.strip()}")
        return json.loads(done.stdout.splitlines()[-1])["p50_us"] / 1000

    def secure_streams(self):
        """What an open stream takes whose provider is reached by TLS, of those that held all of them without."""
        self.report.head("tls-stream", "memory of an open stream, TLS to the provider")
        door = ProviderDoor(self.bench.upstream, self.folder, self.cert, self.key)
        door.start()
        try:
            for peer in self.peers:
                row = self.rows[peer.NAME]
                if "provider" not in peer.SETTINGS or row.median("stream count") != self.options.streams:
                    continue
                side = peer(self.setting("provider", f"https://localhost:{door.port}"))
                try:
                    side.start()
                    time.sleep(0.5)
                    self.open_streams(side, row, side.memory_kb(), "tls-stream")
                finally:
                    side.stop()
                self.tell(side, "tls-stream")
        finally:
            door.stop()

    def open_streams(self, side, row, idle, key="stream"):
        """What each of many open streams takes; a tenth as many where it does not open them in time."""
        for streams in (self.options.streams, self.options.streams // 10):
            command = load_command(self.options.build, "hold", side.stream_port, streams)
            with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                  env=client_environment(side)) as process:
                timer = time.monotonic() + PATIENCE / 2
                os.set_blocking(process.stdout.fileno(), False)
                opened = b""
                while not opened and process.poll() is None and time.monotonic() < timer:
                    opened = process.stdout.read() or b""
                    time.sleep(0.05)
                if opened:
                    time.sleep(0.3)
                    row.add(f"{key} kb", (side.memory_kb() - idle) / streams)
                    row.add(f"{key} count", streams)
                process.kill()
            if opened:
                return
        row.notes[key] = f"not {streams} in {PATIENCE // 2} s"
