"""Runs the whole suite, or the files that are named: a pytest for each, several at a time, since most of a test's time is waiting.
Other arguments go to each.

A file says that it needs the machine to itself by a line `# alone: why`; those come last, one after the other. What a file's
pytest said is printed when it has ended: all of it where something failed. The last line is as pytest's own."""

import argparse
import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).parent
# Those that take longest begin first; of the others none takes half a minute.
LONG = ["test_faults.py"]
ALONE = re.compile(r"^# alone: ", re.M)
PROGRESS = re.compile(r"[.sxXFE]+ *(\[ *\d+%\])?$")
COUNTS = re.compile(r"(\d+) (passed|failed|skipped|error|deselected|xfailed|xpassed)")


class Run:
    def __init__(self, arguments):
        self.arguments = arguments
        self.counts = Counter()
        self.status = 0
        self.lock = threading.Lock()

    def file(self, path):
        began = time.monotonic()
        done = subprocess.run([sys.executable, "-m", "pytest", "--disable-warnings", *self.arguments, path.name], cwd=HERE,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        lines = done.stdout.splitlines()
        summary = next((line for line in reversed(lines) if COUNTS.search(line)), "")
        good = done.returncode == 0 or done.returncode == 5 and "deselected" in summary  # 5: none of it was asked for
        shown = [line for line in lines if not good or line.strip() and not PROGRESS.match(line) and line != summary]
        counts = Counter({what: int(number) for number, what in COUNTS.findall(summary)})
        if not good and not counts["failed"]:
            counts["error"] = counts["error"] or 1  # it ended otherwise than by its tests
        with self.lock:
            self.counts += counts
            self.status = self.status or int(not good)
            print("\n".join([f"{path.name}: {', '.join(f'{n} {what}' for what, n in counts.items())} in {time.monotonic() - began:.0f}s",
                             *(f"    {line}" if good else line for line in shown)]), flush=True)

    def files(self, waiting):
        while True:
            with self.lock:
                if not waiting:
                    return
                path = waiting.pop(0)
            self.file(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--jobs", type=int, default=1 + (os.cpu_count() or 1), help="files at a time (default: one more than processors)")
    options, arguments = parser.parse_known_args()
    began = time.monotonic()
    named = [HERE / name for name in arguments if re.fullmatch(r"test_\w+\.py", name)]
    arguments = [argument for argument in arguments if HERE / argument not in named]
    paths = sorted(named or HERE.glob("test_*.py"), key=lambda p: (p.name not in LONG, p.name))
    alone = [path for path in paths if ALONE.search(path.read_text())]
    run = Run(arguments)
    for group, at_a_time in (([p for p in paths if p not in alone], options.jobs), (alone, 1)):
        threads = [threading.Thread(target=run.files, args=(group,)) for _ in range(at_a_time)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    said = ", ".join(f"{run.counts[what]} {what}" for what in ("failed", "passed", "skipped", "error") if run.counts[what])
    print(f"{said or '0 passed'} in {time.monotonic() - began:.2f}s")
    return run.status


if __name__ == "__main__":
    sys.exit(main())
