"""A weir before two simulated providers, a Prometheus that scrapes it, and clients that ask for all there is to see."""

import concurrent.futures
import contextlib
import threading
from pathlib import Path

import daemon
import prometheus
import wire
from batches import Simulator

# The models and how many in a hundred calls ask for each. A word after sim/ is what the simulator then does.
MODELS = {
    "chat": (["main/gpt-4o-mini", "spare/gpt-4o-mini"], 70),
    "large": (["main/gpt-4o", "spare/gpt-4o"], 14),
    "late": (["main/sim/ttft-400", "spare/gpt-4o"], 4),
    "left": (["main/sim/503", "spare/gpt-4o"], 4),
    "flaky": (["main/sim/flaky"], 2),
    "limited": (["main/sim/429"], 1),
    "cut": (["main/sim/cut-3"], 1),
    "house": (["spare/house-7b"], 4),
}
PRICES = {"gpt-4o-mini": {"input": "0.15", "output": "0.6"}, "gpt-4o": {"input": "2.5", "output": 10}, "sim/*": {"input": 1, "output": 4}}


def configuration(sims):
    main, spare = (sim.url for sim in sims)
    return {
        "providers": {"main": {"kind": "simulator", "url": main},
                      "spare": {"kind": "simulator", "url": spare, "health": {"path": "/v1/models", "every": "1s"}}},
        "models": {name: targets for name, (targets, _) in MODELS.items()},
        "retry": {"retries": 1, "base": "10ms"},
        "hedge": {"after": "200ms", "at_most": "50%"},
        "prices": PRICES,
    }


class Monitored:
    """Use it as a context: its end stops what it has started. every: from scrape to scrape."""

    def __init__(self, folder, every="1s"):
        self.folder = Path(folder)
        self.every = every

    def __enter__(self):
        with contextlib.ExitStack() as made:
            self.sims = [Simulator("--pace", "5"), Simulator("--pace", "5")]
            made.callback(lambda: [sim.close() for sim in self.sims])
            self.weir = daemon.Weir(self.folder / "weir", configuration(self.sims))
            made.callback(self.weir.stop)
            self.prometheus = prometheus.Server(self.folder, [f"127.0.0.1:{self.weir.port}"], self.every)
            made.callback(self.prometheus.stop)
            self._made = made.pop_all()
        return self

    def __exit__(self, *_):
        self._made.close()

    def ask(self, number):
        """The number-th call, of a sequence in which each model has its share; every other one is a stream."""
        place = number * 37 % 100
        for model, (_, share) in MODELS.items():
            if place < share:
                break
            place -= share
        words = "What is a weir? " * (1 + number % 7)
        with contextlib.suppress(OSError, wire.Closed):  # a stream that breaks off is a part of it
            wire.chat(self.weir, model=model, stream=number % 2 == 0, messages=[{"role": "user", "content": words}])

    @contextlib.contextmanager
    def playing(self, clients=6, pause=lambda: 0.02):
        """Meanwhile clients ask. pause(): seconds from one call of a client to its next."""
        over, numbers, lock = threading.Event(), iter(range(1 << 40)), threading.Lock()

        def client():
            while not over.wait(pause()):
                with lock:
                    number = next(numbers)
                self.ask(number)

        with concurrent.futures.ThreadPoolExecutor(clients) as many:
            asked = [many.submit(client) for _ in range(clients)]
            try:
                yield
            finally:
                over.set()
                for one in asked:
                    one.result()
