"""weir as a process: starts it with a configuration, waits until it is ready, reads its log, stops it and looks for damage."""

import copy
import json
import os
import re
import signal
import subprocess
import threading
import time
from pathlib import Path

import yaml

import wire

ROOT = Path(__file__).resolve().parents[2]
WEIR = Path(os.environ.get("WEIR", ROOT / "build" / "weir")).resolve()
DAMAGE = re.compile(r"Sanitizer|runtime error:|Assertion .* failed|\bBUG\b")

# Keys that the tests use; whoever finds one in what weir said has found a leak.
LOOKED_INTO = {"core_dumps": True}  # for `server`: its descriptors and maps can be seen by who is not root, too
PROVIDER_KEY = "sk-provider-secret"
CLIENT_KEY = "sk-client-secret"
SECRETS = (PROVIDER_KEY, CLIENT_KEY)

# What an environment may not bring into a test.
STRANGE = re.compile(r"^(OPENAI_|WEIR_|LISTEN_|NOTIFY_SOCKET$|(HTTPS?|NO|ALL)_PROXY$)", re.I)


def merged(base, over):
    """A copy of base with over laid on it, mapping by mapping. A value of None takes an option out."""
    out = copy.deepcopy(base)
    for key, value in over.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = merged(out[key], value)
        else:
            out[key] = copy.deepcopy(value)
    return out


def config_for(upstream, **over):
    """A configuration with one provider, `main`, for every model, quick to retry; over is laid on top:
    config_for(up, retry={"retries": 0}, timeouts={"first_byte": "100ms"})."""
    base = {
        "providers": {"main": {"kind": "openai", "url": upstream.url, "key": PROVIDER_KEY}},
        "models": {"*": "main"},
        "retry": {"base": "20ms", "cap": "100ms"},
    }
    return merged(base, over)


def wait_until(ready, timeout, why):
    """For what has no event to wait for: asks again and again, for timeout seconds, and never less than wire.PATIENCE."""
    timeout = max(timeout, wire.PATIENCE)
    deadline = time.monotonic() + timeout
    while not ready():
        assert time.monotonic() < deadline, f"{why} within {timeout} s"
        time.sleep(0.01)


def asleep(pid):
    """Whether no thread of the process runs or is about to."""
    try:
        return all(task.read_text().rpartition(") ")[2].startswith("S") for task in Path(f"/proc/{pid}/task").glob("*/stat"))
    except OSError:  # a thread that ended meanwhile
        return False


def sanitized():
    """Whether this build of weir has a sanitizer in it: it then is slower, and takes more memory than it promises."""
    binary = WEIR.read_bytes()
    return any(name in binary for name in (b"__asan_init", b"__tsan_init", b"__msan_init"))


class Weir:
    """A running weir. Use the fixture `weir`, which also stops it and checks its end."""

    def __init__(self, directory, config, *, listen="127.0.0.1:0", args=(), env=None, wait=True, rlimits=()):
        """config: a dict, to which listen and JSON logs are added where missing, or YAML text as it is.
        env: added to the environment. wait: until /health/ready says yes. rlimits: of its resources, as options of
        prlimit(1): ["--nofile=64:64"]."""
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config_path = self.directory / "weir.yaml"
        self.listen = listen
        self.write_config(config)
        self.log = []  # every JSON line, parsed
        self.text = []  # every other line
        self._changed = threading.Condition()
        self.address = None  # ("127.0.0.1", port) or a socket's path
        self.expect_exit = 0  # None: any
        environment = {k: v for k, v in os.environ.items() if not STRANGE.match(k)}
        for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
            environment[name] = str(self.directory)
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
        environment.update(env or {})
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [*(["prlimit", *rlimits] if rlimits else []), str(WEIR), "serve", "-c", str(self.config_path), *args], cwd=self.directory, env=environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self._readers = [threading.Thread(target=self._read, args=(pipe,), daemon=True)
                         for pipe in (self.process.stdout, self.process.stderr)]
        for reader in self._readers:
            reader.start()
        if wait:
            self.wait_ready()

    # -- configuration -------------------------------------------------------------------------------------------
    def write_config(self, config):
        """Replaces the file in one step, as a deployment does."""
        if not isinstance(config, str):
            config = merged({"listen": self.listen, "logs": {"format": "json"}}, config)
            self.listen = config["listen"]
            config = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
        new = self.config_path.with_suffix(".new")
        new.write_text(config)
        new.chmod(0o600)  # it holds keys
        new.replace(self.config_path)

    def reload(self, config):
        """Writes a new configuration and sends SIGHUP. Returns once weir has logged what became of it."""
        before = len(self._reloads())
        self.write_config(config)
        self.process.send_signal(signal.SIGHUP)
        self._wait(lambda: len(self._reloads()) > before, "no word of the reload came")
        return self._reloads()[-1]

    def _reloads(self):
        """Log lines about a reload, good or bad, as text."""
        return [t for t in self.texts() if re.search(r"reload|configuration", t, re.I)]

    # -- start and end -------------------------------------------------------------------------------------------
    def wait_ready(self, timeout=60.0):
        deadline = time.monotonic() + timeout
        last = "it did not say where it listens"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                self._join()
                raise AssertionError(f"weir ended with status {self.process.returncode}:\n{self.output()}")
            if self.address:
                try:
                    answer = wire.call(self, "GET", "/health/ready")
                    if answer.status == 200:
                        return
                    last = f"/health/ready says {answer.status} {answer.body!r}"
                except OSError as e:
                    last = str(e)
            time.sleep(0.005)
        raise AssertionError(f"weir was not ready within {timeout} s: {last}\n{self.output()}")

    def stop(self, timeout=wire.PATIENCE):
        """SIGTERM; weir has to end with status 0 and without a sanitizer's report."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.wait_exit(timeout)

    def wait_exit(self, timeout=wire.PATIENCE):
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"weir did not end within {timeout} s\n{self.output()}") from None
        self._join()
        assert not DAMAGE.search(self.output()), self.output()
        said = "\n".join(self.texts())
        for secret in SECRETS:
            assert secret not in said, f"{secret} is in the log"
            assert not (where := self.files_with(secret)), f"{secret} is in {where}"
        assert self.expect_exit in (None, self.process.returncode), f"status {self.process.returncode}\n{self.output()}"

    def files_with(self, text):
        """Which files of its own (journal, store, audit trail, state) have that. Configurations have what they were given."""
        found = []
        for path in self.directory.rglob("*"):
            if path.is_file() and path.suffix not in (".yaml", ".new") and text.encode() in path.read_bytes():
                found.append(path.name)
        return found

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._join()

    # -- what it says --------------------------------------------------------------------------------------------
    def _read(self, pipe):
        for line in pipe:
            line = line.decode("utf-8", "replace").rstrip("\n")
            with self._changed:
                try:
                    record = json.loads(line) if line.startswith("{") else None
                except ValueError:
                    record = None
                (self.log if isinstance(record, dict) else self.text).append(record or line)
                if self.address:
                    pass
                elif found := re.search(r"listening on unix:([^\s\"]+)", line):
                    self.address = found[1]
                elif found := re.search(r"listening on (?:https?://)?([\w.:\[\]]+):(\d+)", line):
                    self.address = (found[1].strip("[]"), int(found[2]))
                self._changed.notify_all()
        pipe.close()

    def _join(self):
        for reader in self._readers:
            reader.join(wire.PATIENCE)

    def _wait(self, ready, why, timeout=wire.PATIENCE):
        with self._changed:
            if not self._changed.wait_for(ready, timeout):
                raise AssertionError(f"{why} within {timeout} s\n{self._output()}")

    def texts(self):
        """Everything it said, JSON lines too, one string a line."""
        return self.text + [json.dumps(r) for r in self.log]

    def _output(self):
        return "\n".join(self.text[-60:] + [json.dumps(r) for r in self.log[-40:]])

    def output(self):
        with self._changed:
            return self._output()

    def calls(self, n=None, timeout=wire.PATIENCE):
        """The log lines of calls; with n, waits until there are so many."""
        def found():
            return [r for r in self.log if r.get("event") == "call"]

        if n is not None:
            self._wait(lambda: len(found()) >= n, f"{len(found())} of {n} calls logged", timeout)
        return found()

    def wait_call(self, request_id, timeout=wire.PATIENCE):
        """The log line of one call, by its x-request-id."""
        def found():
            return [r for r in self.log if r.get("event") == "call" and r.get("request_id") == request_id]

        self._wait(found, f"no log line for {request_id}", timeout)
        assert len(found()) == 1, found()
        return found()[0]

    def wait_text(self, pattern, timeout=wire.PATIENCE):
        """Waits for a line (JSON or not) that matches; returns it."""
        def found():
            return [t for t in self.texts() if re.search(pattern, t)]

        self._wait(found, f"no line matches {pattern!r}", timeout)
        return found()[-1]

    def wait_event(self, name, timeout=wire.PATIENCE):
        """The last log line of that event."""
        def found():
            return [r for r in self.log if r.get("event") == name]

        self._wait(found, f"no event {name!r}", timeout)
        return found()[-1]

    def wait_asleep(self):
        """Until none of its threads runs or is about to: it has read all that it was sent so far."""
        wait_until(lambda: asleep(self.process.pid), wire.PATIENCE, "it has always something to do")

    # -- where it is ---------------------------------------------------------------------------------------------
    @property
    def port(self):
        return self.address[1]

    @property
    def tls(self):
        return isinstance(self.listen, dict) and "tls" in self.listen

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.address[0]}:{self.port}"

    @property
    def base_url(self):
        """What an SDK takes as its base URL."""
        return self.url + "/v1"

    def metrics(self):
        """/metrics as {name{labels}: value}."""
        text = wire.call(self, "GET", "/metrics").body.decode()
        lines = (line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in lines}

    def resident_bytes(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")
