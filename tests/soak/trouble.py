"""What an operator and a machine do to weir meanwhile: configurations good and bad, servers that go away, descriptors and a disk that
run short, a clock that is set, an upgrade, a crash."""

import collections
import copy
import json
import random
import signal
import threading

from hostile_clients import ADMIN, KEYS


def tool(*command, **over):
    return {"kind": "command", "command": list(command), "description": "A tool.", "timeout": "700ms", "max_result": "4KB", **over}


def configuration(provider, port, closed_port, redis, postgres):
    """Short deadlines, so that what hangs shows within seconds. Debug lines tell of pages, too."""
    return {
        **({"ledger": {"store": postgres.database("soak")}} if postgres else {}),
        **({"shared": redis.url} if redis else {}),
        "listen": f"127.0.0.1:{port}",
        "prices": {"*": {"input": 1.5, "output": 7}},
        "logs": {"format": "json", "level": "debug", "buffer": "256MB"},
        "providers": {
            "main": {"kind": "openai", "url": provider.url, "key": "sk-soak-provider"},
            "few": {"kind": "openai", "url": provider.url, "key": ["sk-soak-a", "sk-soak-b"], "max_connections": 2},
            "gone": {"kind": "openai", "url": f"http://127.0.0.1:{closed_port}/v1", "key": "sk-soak-c"},
        },
        "models": {"gpt-test": "main", "two": ["gone/m", "few/m", "main/m"], "none": "gone", "*": {"pick": "fastest", "targets": ["main", "few"]}},
        "passthrough": ["/v1/files", "/v1/files/*"],
        "clients": [{"name": f"c{i}", "key": key} for i, key in enumerate(KEYS)],
        "retry": {"retries": 2, "base": "10ms", "cap": "50ms", "patience": "100ms", "budget": "100%"},
        "breaker": {"failures": "90%", "of": 20, "window": "2s", "probe": "100ms"},
        "timeouts": {"connect": "1s", "first_byte": "800ms", "first_token": "900ms", "between_events": "600ms", "total": "4s"},
        "server": {"workers": 2, "core_dumps": True, "header_timeout": "1s", "body_timeout": "1s", "body_total": "3s", "idle_timeout": "2s", "keep_alive_comment": "100ms", "drain": "3s"},
        "limits": {"memory": "16MB", "body": "1MB", "answer": "2MB", "event": "1MB", "user": {"requests": "100000/s"}, "model": {"gpt*": {"parallel": 1000, "tokens": "100000000/s"}}},
        "admin": {"keys": ADMIN},
        "guard": {"in": "redact", "out": "redact", "restore": True, "rules": [{"name": "ticket", "pattern": "TICK-[0-9]{6}", "lead": "TICK-"}]},
        "cache": {"models": ["gpt*"], "memory": "1MB", "ttl": "2s", "tools": True},
        "audit": True,
        "tools": {"get_current_time": {"kind": "builtin"}, "echo": tool("cat"), "hangs": tool("sleep", "30"), "floods": tool("yes"), "fails": tool("false", repeatable=True),
                  "forks": tool("sh", "-c", "(setsid sleep 30 &) ; sleep 30 & echo done"),
                  "web": {"kind": "http", "url": provider.url + "/tool", "description": "A tool.", "allow_private": True, "timeout": "700ms", "max_result": "4KB"}},
        "functions": {"max_steps": 3, "max_time": "3s"},
    }


def valid(rng, base):
    """base with some of it changed, all of it allowed."""
    c = copy.deepcopy(base)
    for change in rng.sample([
        lambda: c["retry"].update(retries=rng.randrange(0, 5)),
        lambda: c.update(hedge={"after": rng.choice(["20ms", "p95"]), "at_most": "50%"}),
        lambda: c.update(breaker=False if rng.random() < 0.3 else {"of": 5, "probe": "50ms"}),
        lambda: c["timeouts"].update(total=rng.choice(["500ms", "2s", "6s"]), first_byte=rng.choice(["100ms", "1s"])),
        lambda: c["limits"].update(memory=rng.choice(["16MB", "64MB"]), calls=rng.choice([3, 1000]), body=rng.choice(["1KB", "2MB"])),
        lambda: c["server"].update(max_connections=rng.choice([4, 1000]), idle_timeout=rng.choice(["100ms", "5s"]), keep_alive_comment=rng.choice(["off", "20ms"])),
        lambda: c["clients"].pop(rng.randrange(len(c["clients"]))),
        lambda: c.pop("clients"),
        lambda: c["models"].pop(rng.choice(list(c["models"]))),
        lambda: c["providers"]["main"].update(max_connections=rng.choice([1, 1024]), key=rng.choice(["sk-soak-x", ["sk-soak-y", "sk-soak-z"]])),
        lambda: c["providers"].update({f"new{rng.randrange(3)}": {"kind": "openai", "url": c["providers"]["main"]["url"]}}),
        lambda: c.pop("passthrough"),
        lambda: c.pop("guard") if rng.random() < 0.3 else c["guard"].update({"in": rng.choice(["block", "flag", "off"]), "out": rng.choice(["block", "flag", "off"]), "restore": rng.random() < 0.5,
                                                                            "stream_end": rng.choice(["finish", "error"])}),
        lambda: c.pop("cache") if rng.random() < 0.3 else c["cache"].update(scope="global", pace="recorded", max_answer=rng.choice(["1KB", "1MB"])),
        lambda: c["limits"].update(wait={"clients": rng.choice([1, 10]), "time": "300ms"}, address={"requests": rng.choice(["5/s", "50/s"]), "parallel": rng.choice([1, 5])}),
        lambda: c["limits"].update(target={"main*": {"parallel": rng.choice([1, 5])}}, request={"characters": 1000, "max_tokens": {"at_most": 10, "over": rng.choice(["cap", "refuse"])}}),
        lambda: c["tools"].pop(rng.choice(list(c["tools"]))) if rng.random() < 0.7 else c.pop("tools"),
        lambda: c["functions"].update(max_steps=rng.choice([1, 20]), max_time=rng.choice(["100ms", "3s"]), max_tokens=rng.choice([1, 100])),
        lambda: c.update(keys=rng.choice(["on", "off"])),
        lambda: c.pop("admin"),
    ], rng.randrange(1, 4)):
        try:
            change()
        except (KeyError, TypeError):  # what an earlier change took out
            pass
    return json.dumps(c)


def invalid(rng, base):
    """What must not be taken, and must not hurt."""
    text = json.dumps(base)
    return rng.choice([
        text[: rng.randrange(1, len(text))], text.replace('"retries"', '"retrys"'), text.replace('"4s"', '"4 parsecs"'), text.replace('"main"', '"nobody"', 1) + "}",
        text.replace(base["listen"], "192.0.2.1:1"), text.replace('"kind": "openai"', '"kind": "nobody"'), "\x00\xff", "- a\n- b\n", "a: *b\n", text + text, "{" * 3000,
        text.replace("sk-soak-provider", "${SOAK_NOT_SET}"),
    ])


class Trouble:
    def __init__(self, weir, seed, base, redis, postgres):
        self.weir, self.base, self.redis, self.postgres = weir, base, redis, postgres
        self.rng = random.Random(f"{seed} trouble")
        self.done = collections.Counter()
        self.failure = None
        kinds = [(self.reload_valid, 36), (self.reload_invalid, 25), (self.few_files, 18), (self.full_disk, 5), (self.upgrade, 3), (self.crash, 3)]
        kinds += [(self.redis_away, 8)] if redis else []
        kinds += [(self.postgres_away, 8)] if postgres else []
        kinds += [(self.clock_set, 5)] if weir.clock.environment else []
        self._kinds, self._weights = zip(*kinds)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        try:
            while not self._stop.wait(self.rng.random() * 0.8) and self.weir.alive():
                what = self.rng.choices(self._kinds, self._weights)[0]
                what()
                self.done[what.__name__] += 1
        except (AssertionError, OSError) as e:
            self.failure = e

    def _while(self, longest):
        self._stop.wait(self.rng.random() * longest)

    def _hang_up(self):
        for _ in range(self.rng.choice([1, 1, 1, 5])):
            self.weir.hang_up()

    # -- one of these at a time, each over when it returns -----------------------------------------------------------

    def reload_valid(self):
        self.weir.write(valid(self.rng, self.base))
        self._hang_up()

    def reload_invalid(self):
        self.weir.write(invalid(self.rng, self.base))
        self._hang_up()

    def few_files(self):
        self.weir.allow_files(self.rng.choice([16, 32, 64, 128]))
        self._while(1)
        self.weir.allow_files()

    def full_disk(self):
        self.weir.allow_writing(False)
        self._while(2)
        self.weir.allow_writing(True)

    def clock_set(self):
        """Forwards or back, by less than what a key's or an answer's life is counted in, or by more."""
        self.weir.clock.set(self.rng.choice([-3600, -90, -1, 0, 1, 90, 3600]))

    def upgrade(self):
        self.weir.replace(self.base)

    def crash(self):
        self.weir.replace(self.base, kill=True)

    def redis_away(self):
        """The server of the limits in common is silent for a while, or gone, and comes back without its data."""
        how = self.rng.choice(["pause", "kill", "flush"])
        if how == "pause":
            self.redis.pause()
            self._while(2)
            self.redis.resume()
        elif how == "kill":
            self.redis.kill()
            self._while(2)
            self.redis.start()
        else:
            self.redis.ask("FLUSHALL")

    def postgres_away(self):
        """The store of records is silent for a while, or gone as after a crash or in order."""
        how = self.rng.choice(["pause", signal.SIGQUIT, signal.SIGINT])
        if how == "pause":
            self.postgres.signal_all(signal.SIGSTOP)
            self._while(2)
            self.postgres.signal_all(signal.SIGCONT)
        else:
            self.postgres.stop(how)
            self._while(2)
            self.postgres.start()

    def stop(self):
        """Returns once all is as it was before."""
        self._stop.set()
        self._thread.join()
        if self.failure:
            raise AssertionError(f"in the midst of trouble: {self.failure}")
        if self.weir.alive():
            self.weir.clock.set(0)
            self.weir.allow_files()
            self.weir.reload(self.base)
