"""The two sides of `bench/run batch`: weir batch, and a client over aiohttp, each a process that asks a file of lines and ends."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from sides import HERE, LOAD_CORE, PROXY_CORE, Failed, Side, free_port

TOP = HERE.parent


class Simulator(Side):
    """The provider of both: weir sim, on the other core."""

    name = "simulator"
    core = LOAD_CORE

    def __init__(self, program):
        self.program, self.port = program, free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"

    def command(self):
        return [self.program, "sim", "--listen", f"127.0.0.1:{self.port}"]


@dataclass
class Cost:
    cpu_us: float  # of the whole process, its start included, for each line
    rate: float  # lines a second
    peak_mb: float  # highest resident memory


def peak_kb(pid, before):
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return max(before, int(line.split()[1]))
    except (FileNotFoundError, ProcessLookupError):
        pass
    return before


def run(name, command, lines, folder, env):
    """One run from start to end, on the core of what is measured; its cost and what it printed."""
    began = time.monotonic()
    process = subprocess.Popen(["taskset", "-c", str(PROXY_CORE), *command], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    peak, ended = 0, 0
    while not ended:
        peak = peak_kb(process.pid, peak)
        ended, status, used = os.wait4(process.pid, os.WNOHANG)
        time.sleep(0.002)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    out, err = process.communicate()
    if process.returncode:
        raise Failed(f"{name} ended with status {process.returncode}: {err.strip()}")
    return Cost((used.ru_utime + used.ru_stime) * 1e6 / lines, lines / seconds, peak / 1024), out


class WeirBatch:
    """As a user starts it: it checks every line, retries, adapts, and writes each result to a file."""

    def __init__(self, program, folder, name="weir"):
        self.program, self.folder, self.name = str(Path(program).resolve()), folder, name

    def measure(self, url, lines, concurrency):
        output = Path(self.folder) / "out.jsonl"
        output.unlink(missing_ok=True)
        env = {**os.environ, "OPENAI_API_KEY": "sk-bench"}
        command = [self.program, "batch", "in.jsonl", "-o", output.name, "-q", "-j", str(concurrency), "-m", "gpt-3.5-turbo", "--url", url]
        cost, _ = run(self.name, command, lines, self.folder, env)
        with open(output) as results:
            found = sum(1 for line in results if '"status_code":200,' in line)
        if found != lines:
            raise Failed(f"{self.name} batch has {found} answers of {lines}")
        return cost


class AiohttpClient:
    name = "aiohttp"

    def __init__(self, folder):
        self.folder = folder
        if subprocess.run([str(TOP / "tools" / "bench-env")]).returncode:
            raise Failed("tools/bench-env could not make .venv-bench")
        self.python = str(TOP / ".venv-bench" / "bin" / "python")

    def measure(self, url, lines, concurrency):
        command = [self.python, str(HERE / "aiohttp_client.py"), url, "in.jsonl", str(concurrency)]
        cost, out = run(self.name, command, lines, self.folder, dict(os.environ))
        figures = json.loads(out)
        if figures != {"answered": lines, "failed": 0}:
            raise Failed(f"the client over aiohttp has {figures}, of {lines} lines")
        return cost


def write_input(folder, lines):
    """Messages of some 200 bytes, with what the other client adds to each call in the lines themselves."""
    with open(Path(folder) / "in.jsonl", "w") as f:
        for n in range(lines):
            text = f"Question {n}: " + "what does a weir regulate, and what does it measure? " * 3
            f.write(json.dumps({"messages": [{"role": "user", "content": text}], "max_tokens": 1000, "temperature": 0.7}) + "\n")
