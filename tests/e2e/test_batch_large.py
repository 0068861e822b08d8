"""A hundred thousand lines before a simulator that refuses, fails and cuts: each has exactly one result, whatever was killed
meanwhile, and memory stays where it was."""

import os
import random
import signal
import time
from pathlib import Path

import pytest
import yaml

import daemon
from batches import Simulator, ask, by_id, content, results

LINES = 20_000 if daemon.sanitized() else 100_000
# Of each 1000 lines: how many meet what; all but the last of these succeed when asked again.
FAULTS = {"sim/flaky,429-2ms": 10, "sim/flaky,500": 10, "sim/flaky-2,503": 5, "sim/flaky,reset": 5, "sim/flaky,cut-before": 5,
          "sim/flaky,bad-json": 5, "sim/400": 10}
MODELS = [model for model, share in FAULTS.items() for _ in range(share)]
BAD = 50  # each so many lines one is no JSON
ANSWER_BYTES = 500  # a little less than an answer takes in the output


@pytest.fixture(scope="module")
def simulator():
    started = Simulator()
    yield started
    started.close()


def model_of(number):
    return MODELS[number % 1000] if number % 1000 < len(MODELS) else "sim/echo"


def is_bad(number):
    return number % 1000 >= 900 and number % BAD == 0


def put(folder, lines, seed):
    with open(folder.input, "w") as f:
        for n in range(lines):
            f.write("{\n" if is_bad(n) else ask(f"r{n}", f"{seed} {n}", model=model_of(n)) + "\n")


def config(folder, simulator):
    """Quick to retry."""
    path = folder.path / "batch.yaml"
    path.write_text(yaml.safe_dump({
        "providers": {"sim": {"kind": "simulator", "url": simulator.url}}, "models": {"*": "sim"},
        "retry": {"base": "2ms", "cap": "20ms"}}))
    return ["in.jsonl", "-o", "out.jsonl", "-j", "64", "-c", path]


def check(folder, lines, seed):
    """Every line has exactly one result, and it is its own."""
    answered = by_id(folder.output)
    wrong = [n for n in range(lines) if model_of(n) == "sim/400" and not is_bad(n)]
    bad = [n for n in range(lines) if is_bad(n)]
    for name, one in answered.items():
        assert content(one) == f"You said: {seed} {name[1:]}", one
    failed = results(folder.errors)
    assert sorted(one["error"]["line"] - 1 for one in failed if one["error"]) == bad
    assert sorted(int(one["custom_id"][1:]) for one in failed if one["response"]) == wrong
    assert all(one["response"]["status_code"] == 400 for one in failed if one["response"])
    assert len(answered) == lines - len(wrong) - len(bad)
    assert not {f"r{n}" for n in wrong + bad} & set(answered)


def memory(pid):
    """Resident now, and at its highest, in KB; None: it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    found = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if line.startswith(("VmRSS", "VmHWM"))}
    return (int(found["VmRSS"]), int(found["VmHWM"])) if found else None


def watch(folder, process):
    """Memory over the run: [(bytes of answers, resident KB, highest KB)] until it ends."""
    seen = []
    while process.poll() is None:
        now = memory(process.pid)
        if now and folder.output.exists():
            seen.append((folder.output.stat().st_size, *now))
        time.sleep(0.01)
    return seen


@pytest.mark.timeout(300)
def test_a_hundred_thousand_lines_at_constant_memory(folder, simulator, capsys):
    put(folder, LINES, "A")
    process = folder.start(*config(folder, simulator), "-q")
    began = time.monotonic()
    seen = watch(folder, process)
    folder.end(process, 3)
    took = time.monotonic() - began
    check(folder, LINES, "A")
    end = folder.output.stat().st_size
    at = {share: max(high for size, _, high in seen if size <= end * share / 100) for share in (10, 50, 100)}
    with capsys.disabled():
        print(f"\n{LINES} lines in {took:.1f} s; peak memory in KB after 10 %, 50 %, all: {at[10]}, {at[50]}, {at[100]}")
    if not daemon.sanitized():
        assert at[100] <= at[10] + 4096, "memory grows with the lines"
        assert at[100] <= 32 * 1024


@pytest.mark.timeout(300)
def test_killed_ten_times_at_random(folder, simulator, capsys):
    seed = int(os.environ.get("BATCH_TEST_SEED", time.time_ns() % 1_000_000))
    chance = random.Random(seed)
    put(folder, LINES, "B")
    args = config(folder, simulator)
    torn = 0
    for kill in range(10):
        # Somewhere in each eleventh of the way, at any instant of what it does there.
        place = (kill + chance.random()) / 11 * LINES * ANSWER_BYTES
        process = folder.start(*args, "-q")
        deadline = time.monotonic() + 60
        while not (folder.output.exists() and folder.output.stat().st_size >= place):
            assert process.poll() is None and time.monotonic() < deadline, "it does not get there"
            time.sleep(0.001)
        time.sleep(chance.random() * 0.01)
        process.kill()
        folder.end(process, -signal.SIGKILL)
        torn += not folder.output.read_bytes().endswith(b"\n")
    done = len(folder.output.read_bytes().splitlines())
    with capsys.disabled():
        print(f"\nkilled ten times (BATCH_TEST_SEED={seed}), {torn} times in the middle of a result; {done} answers so far")
    assert 0 < done < LINES
    folder.run(*args, "-q", expect=3, timeout=200)
    check(folder, LINES, "B")
