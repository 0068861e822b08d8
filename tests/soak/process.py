"""weir as a process that may be starved: its configuration, its log read as it comes, its gauges and descriptors.

Standard library alone, so that it runs wherever Python does; a configuration is written as JSON, which is YAML too."""

import collections
import glob
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

import wire  # noqa: E402

DAMAGE = re.compile(r"Sanitizer|runtime error:|Assertion .* failed")
STRANGE = re.compile(r"^(OPENAI_|WEIR_|LISTEN_|NOTIFY_SOCKET$|(HTTPS?|NO|ALL)_PROXY$)", re.I)
SECRET = re.compile(rb"sk-soak-|wk-\w{20}|anna@example|4111 1111")  # of the configuration, of the store, and what the clients say
# The audit trail, the store's lock, the journal's folder and its files of three threads; the store and its log for each of the three
# who keep it open once they have asked it something, and the index that they share.
STATE, STATE_FILES = "/.local/state/weir/", 1 + 1 + 1 + 3 + 3 * 2 + 1
# The lines one of which each answered request has.
ANSWERED = ("call", "request_refused", "request_answered")


class Clock:
    """The time of day that weir is told, where libfaketime is installed (Debian's package faketime). Its own clock, which only goes on,
    stays true: a machine's time is set so, too."""

    def __init__(self, directory):
        found = sorted(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1"))
        self.file = Path(directory) / "clock"
        self.environment = {"LD_PRELOAD": found[0], "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_TIMESTAMP_FILE": str(self.file), "FAKETIME_CACHE_DURATION": "1"} if found else {}
        self.set(0)

    def set(self, seconds):
        new = self.file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self.file)


class Weir:
    """One state directory and one port, and the processes that have them, one after the other."""

    def __init__(self, binary, directory, config):
        self.directory = Path(directory)
        self.config_path = self.directory / "weir.yaml"
        self.write(json.dumps(config))
        self.address = None
        self.foreign = []  # lines of its output that are no JSON
        self.leaks = []  # lines that hold a key, or what was said
        self.lines = collections.Counter()  # of these by request
        self.calls = {}  # the line of each call
        self.events = collections.Counter()
        self.tail = collections.deque(maxlen=40)
        self._changed = threading.Condition()
        self._between = False  # two processes
        self.life = 0  # which process it is
        self.killed = set()  # those that had no time to say what they knew
        self.environment = environment = {k: v for k, v in os.environ.items() if not STRANGE.match(k) and k not in ("STATE_DIRECTORY", "XDG_STATE_HOME")}
        # With its allocator locked ASan (clang 14) asks what time it is before it gives memory back; libfaketime 0.9.10 allocates where it is
        # asked first, and both wait for ever. Nothing given back is nothing asked.
        environment.update(HOME=str(directory), ASAN_OPTIONS="detect_leaks=1:quarantine_size_mb=16:allocator_release_to_os_interval_ms=-1",
                           UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1")
        self.command = [str(binary)]
        self.clock = Clock(self.directory)
        self._start()

    def _start(self):
        listening = self.events["listening"]
        self.process = subprocess.Popen([*self.command, "serve", "-c", str(self.config_path)], cwd=self.directory,
                                        env={**self.environment, **self.clock.environment}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.files = resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE)
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()
        with self._changed:
            self._changed.wait_for(lambda: self.events["listening"] > listening or self.process.poll() is not None, 60)
            well = self.events["listening"] > listening
        if not well:
            raise AssertionError("weir did not start:\n" + self.output())

    # -- what it says ---------------------------------------------------------------------------------------------
    def _read(self, output):
        for raw in output:
            if SECRET.search(raw):
                self.leaks.append(raw)
            line = raw.decode("utf-8", "replace").rstrip("\n")
            try:
                record = json.loads(line)
                event = record["event"]
            except (ValueError, KeyError, TypeError):
                self.foreign.append(line)
                continue
            with self._changed:
                self.events[event] += 1
                if event in ANSWERED:
                    self.lines[record["request_id"]] += 1
                    if event == "call":
                        self.calls[record["request_id"]] = record
                elif not event.startswith("try_"):
                    self.tail.append(line)
                if event == "listening":
                    host, _, port = record["address"].rpartition("/")[2].rpartition(":")
                    self.address = (host, int(port))
                self._changed.notify_all()

    def output(self):
        return "\n".join([*self.foreign[-200:], *self.tail])

    # -- what is done to it ---------------------------------------------------------------------------------------
    def write(self, text):
        """Replaces the configuration in one step."""
        new = self.config_path.with_suffix(".new")
        new.write_text(text)
        new.chmod(0o600)
        new.replace(self.config_path)

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def reload(self, config, timeout=20):
        """Returns once a configuration has been taken after this one was written."""
        with self._changed:
            before = self.events["config_reloaded"]
        self.write(json.dumps(config))
        self.hang_up()
        with self._changed:
            if not self._changed.wait_for(lambda: self.events["config_reloaded"] > before, timeout):
                raise AssertionError("no reload within %d s" % timeout)

    def allow_files(self, most=None):
        """Lowers the bound of its descriptors, which may be below what is open; None: as at the start."""
        soft, hard = self.files
        resource.prlimit(self.process.pid, resource.RLIMIT_NOFILE, (soft if most is None else most, hard))

    def allow_writing(self, yes):
        """Without it a disk that is full, as far as this process can tell: none of its files may grow."""
        _, most = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (most if yes else 0, most))

    def replace(self, config, kill=False):
        """Another process over the same state, as an upgrade has it, or what starts weir again after a crash."""
        self.write(json.dumps(config))
        self._between = True
        try:
            if kill:
                self.killed.add(self.life)
                self.process.kill()
                self.process.wait()
                self._reader.join(10)
            else:
                status = self.terminate(60)
                if status != 0:
                    raise AssertionError(f"weir ended with status {status}")
            self.life += 1
            self._start()
        finally:
            self._between = False

    def terminate(self, timeout):
        """SIGTERM; returns the status, or None where it did not end in time and was killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self._reader.join(10)
            return None
        self._reader.join(10)
        return self.process.returncode

    def audit(self):
        """Why its audit trail is not whole; None where it is. Once it has ended."""
        done = subprocess.run([*self.command, "audit", "verify", "-c", str(self.config_path)], env=self.environment, capture_output=True, text=True)
        return None if done.returncode == 0 and done.stdout.startswith("whole: ") else done.stdout + done.stderr

    # -- what can be seen of it -----------------------------------------------------------------------------------
    def alive(self):
        return self._between or self.process.poll() is None

    def descriptors(self):
        """What each open descriptor is, without the numbers of its kind. A loop's spare one, which it gives up where there are no
        others, is /dev/null to begin with and / once it was had again: one kind. Files of the state directory are opened by who first wants them,
        and stay: all of them are at most so many, but for those of a question that is under way."""
        kinds, kept = collections.Counter(), 0
        folder = f"/proc/{self.process.pid}/fd"
        for name in os.listdir(folder):
            try:
                kind = re.sub(r"\[\d+\]$", "", os.readlink(f"{folder}/{name}"))
                if "/faketime_shm" in kind:  # not weir's
                    continue
                if STATE in kind:
                    kept += 1
                    continue
                kinds["/dev/null" if kind == "/" else kind] += 1
            except FileNotFoundError:
                pass
        if kept > STATE_FILES:
            kinds["files of the state directory, too many"] = kept
        return kinds

    def children(self):
        """How many processes it has: tools that run, and who holds them."""
        return sum(len((task / "children").read_text().split()) for task in Path(f"/proc/{self.process.pid}/task").iterdir())

    def metrics(self, connection):
        """({series: value}, {family: type}). Over one connection, which is counted: each new one would go to any worker, and be seen
        in the gauges of another for a second after its end."""
        connection.request("GET", "/metrics")
        answer = connection.answer()
        values, types = {}, {}
        for line in answer.body.decode().splitlines():
            if line.startswith("# TYPE "):
                _, _, family, kind = line.split(" ")
                types[family] = kind
            elif line and not line.startswith("#"):
                name, _, value = line.rpartition(" ")
                values[name] = float(value)
        return values, types


def wait_until(ready, timeout):
    """Asks again and again; whether it came true in time."""
    deadline = time.monotonic() + timeout
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
