"""`bench/run curves`: what a call of weir's costs along what may grow: workers, connections, bodies, rules of the guard, entries of
models. Flat is good; what a curve is to be flat in stands with it.

Of each point a process runs, all of a curve at once and all but the one in its turn stopped, as in compare.py.
"""

import hashlib
import json
import re
import resource
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from compare import pause
from sides import CLIENT_KEY, PROXY_CORE, Failed, Side, client_environment, cores, free_port, load, load_command

CONFIGURATION = """\
listen: 127.0.0.1:{port}
providers:
  bench: {{kind: openai, url: "http://127.0.0.1:{upstream}/v1", key: sk-bench-provider-0123456789, max_connections: 256}}
models:
{models}server: {{workers: {workers}, max_connections: 100000}}
clients:
  - {{name: bench, environment: dev, key: {{sha256: {digest}}}}}
limits: {{body: 64MB, memory: 1GB}}
ledger: off
logs: {{level: info, format: json}}
{guard}"""


@dataclass
class Curve:
    name: str
    grows: str
    unit: str  # of what is measured
    flat: str  # what it should do, in words
    at: list
    lines: dict = field(default_factory=dict)  # name → {x: [value a round]}

    def points(self, line):
        return [(x, statistics.median(values)) for x, values in sorted(self.lines[line].items())]

    def growth(self, line):
        """The last point over the first."""
        points = self.points(line)
        return points[-1][1] / points[0][1]


class Weir(Side):
    """weir as Curves wants it at one point. workers: 2 have both cores, the load's too."""

    name = "weir"
    key = CLIENT_KEY
    patience = 60

    def __init__(self, bench, folder, workers=1, rules=0, models=1):
        self.program, self.folder = str(Path(bench.options.weir).resolve()), folder
        folder.mkdir(parents=True, exist_ok=True)
        self.port = self.stream_port = free_port()
        self.core = PROXY_CORE if workers == 1 else ",".join(map(str, cores()))
        # Those that are asked stand last; a name before them is none of theirs.
        named = "".join(f'  "model-{i:05d}": bench\n' for i in range(models - 2)) + '  "bench-700": bench\n  "*": bench\n'
        (folder / "weir.yaml").write_text(CONFIGURATION.format(
            port=self.port, upstream=bench.upstream.port, models=named, workers=workers, digest=hashlib.sha256(CLIENT_KEY.encode()).hexdigest(),
            guard=self.guard(rules)))

    @staticmethod
    def guard(rules):
        if not rules:
            return ""
        words = [hashlib.sha256(str(i).encode()).hexdigest()[:8].translate(str.maketrans("0123456789", "ghijklmnop")) for i in range(rules)]
        return ("guard:\n  in: redact\n  out: redact\n  shipped: false\n  rules:\n"
                + "".join(f'    - {{name: rule_{i}, pattern: "{word}-[0-9]{{6}}", lead: "{word}-"}}\n' for i, word in enumerate(words)))

    def command(self):
        return [self.program, "serve", "-c", str(self.folder / "weir.yaml")]

    def complaint(self):
        done = subprocess.run([self.program, "check", "-c", self.command()[-1]], capture_output=True, text=True)
        return "\n" + done.stdout[-500:] + done.stderr[-500:]


class Curves:
    def __init__(self, bench):
        self.bench, self.options, self.report = bench, bench.options, bench.report
        self.folder = Path(bench.folder) / "curves"

    def run(self):
        made = [self.workers(), self.bodies(), self.rules(), self.models(), self.connections()]
        for curve in made:
            self.tell(curve)
        return made

    def tell(self, curve):
        self.report.head(curve.name, f"{curve.unit}; {curve.grows}")
        for line in curve.lines:
            self.report.row(line, ", ".join(f"{x:g}: {y:.3g}" for x, y in curve.points(line)))

    # ---- points ----

    def calls(self, side, conns, calls, size):
        before = side.cpu_ns()
        load(self.options.build, side, "calls", conns, calls, size, 700, patience=300)
        return (side.cpu_ns() - before) / 1000 / calls

    def in_turns(self, curve, line, sides, measure):
        """sides: {x: side}, started here and stopped again."""
        curve.lines[line] = {x: [] for x in sides}
        try:
            for side in sides.values():
                side.start()
                pause(side, True)
            for i in range(-1, self.options.rounds):
                for x, side in sides.items() if i % 2 else reversed(sides.items()):
                    pause(side, False)
                    value = measure(side, x)
                    pause(side, True)
                    if i >= 0:
                        curve.lines[line][x].append(value)
        finally:
            for side in sides.values():
                if side.process:
                    pause(side, False)
                    side.stop()

    def points(self, name, curve, **fixed):
        return {x: Weir(self.bench, self.folder / f"{name}-{x}", **{**fixed, name: x}) for x in curve.at}

    # ---- curves ----

    def workers(self):
        """A call's cost, not how many there are: the load works on one of the two cores itself."""
        curve = Curve("workers", "workers", "CPU µs a call of 1 KB", "flat: workers share nothing that a call waits for", [1, 2])
        self.in_turns(curve, "a call", self.points("workers", curve), lambda side, x: self.calls(side, 32, self.options.calls // 4, 1024))
        return curve

    def bodies(self):
        curve = Curve("bodies", "bytes of the request", "CPU µs a KB of it", "falling: less and less of a call's own cost a KB, then flat",
                      [256, 1024, 8192, 65536, 524288, 4 << 20, 20_000_000])
        sides = {x: Weir(self.bench, self.folder / f"body-{x}") for x in curve.at}

        def measure(side, size):
            calls = max(4, min(self.options.calls // 4, 40_000_000 // size))
            return self.calls(side, min(8, calls), calls, size) / (size / 1024)

        self.in_turns(curve, "a KB", sides, measure)
        return curve

    def rules(self):
        curve = Curve("rules", "rules of the guard", "CPU µs a call", "flat: one pass looks for the leads of all", [1, 10, 100, 1000, 5000])
        sides = self.points("rules", curve)
        self.in_turns(curve, "1 KB", sides, lambda side, x: self.calls(side, 32, self.options.calls // 4, 1024))
        self.in_turns(curve, "16 KB", sides, lambda side, x: self.calls(side, 32, self.options.calls // 12, 16384))
        return curve

    def models(self):
        curve = Curve("models", "entries of models", "CPU µs a call; ms; MB idle", "a call flat; start and memory by what each entry is",
                      [2, 10, 100, 1000, 10000])
        sides = self.points("models", curve)
        self.in_turns(curve, "a call", sides, lambda side, x: self.calls(side, 32, self.options.calls // 4, 1024))
        curve.lines["start, ms"] = {x: [self.first_answer(side) for _ in range(self.options.rounds)] for x, side in sides.items()}
        curve.lines["idle, MB"] = {x: [self.idle_mb(side)] for x, side in sides.items()}
        return curve

    def first_answer(self, side):
        command = load_command(self.options.build, "first", side.port, *side.command())
        done = subprocess.run(command, capture_output=True, text=True, env=dict(client_environment(side), BENCH_PATIENCE="60"))
        if done.returncode:
            raise Failed(f"{side.name}: {done.stderr.strip()}")
        return json.loads(done.stdout.splitlines()[-1])["p50_us"] / 1000

    @staticmethod
    def idle_mb(side):
        side.start()
        time.sleep(0.5)
        found = side.memory_kb() / 1024
        side.stop()
        return found

    def connections(self):
        """Calls over 32 connections while so many others are open, that have each had an answer."""
        most = min(resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 1500, ports() - 2000, 50_000)
        curve = Curve("connections", "idle connections beside", "CPU µs a call; KB a connection", "flat",
                      [x for x in (10, 100, 1000, 10_000) if x < most] + [most])
        curve.lines = {"a call": {x: [] for x in curve.at}, "KB each": {x: [] for x in curve.at}}
        for i in range(self.options.rounds):
            for x in curve.at if i % 2 else reversed(curve.at):
                side = Weir(self.bench, self.folder / f"connections-{x}")
                side.start()
                try:
                    self.calls(side, 32, 2000, 1024)
                    before = side.memory_kb()
                    with self.held(side, x):
                        curve.lines["KB each"][x].append(max(0.1, (side.memory_kb() - before) / x))
                        curve.lines["a call"][x].append(self.calls(side, 32, self.options.calls // 4, 1024))
                finally:
                    side.stop()
        return curve

    def held(self, side, conns):
        command = load_command(self.options.build, "idle", side.port, conns)
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=client_environment(side))
        if not process.stdout.readline():
            process.wait()
            raise Failed(f"{conns} connections could not be opened")
        return process


def ports():
    """How many connections one address can have to one port."""
    low, high = map(int, re.findall(r"\d+", Path("/proc/sys/net/ipv4/ip_local_port_range").read_text()))
    return high - low
