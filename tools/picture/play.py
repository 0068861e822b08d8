"""Plays six minutes with an outage and a store that is locked, and keeps what Prometheus answers to the dashboard: play.py FILE"""

import json
import math
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "e2e"))

from batches import Simulator  # noqa: E402
from monitored import Monitored  # noqa: E402

SECONDS, STEP, RATES = 360, 3, "15s"
OUTAGE, LOCKED = (90, 130), (200, 245)  # seconds: main does not listen; another holds the store's lock
WAVE = 120  # seconds from one rush of calls to the next


def pause(began):
    """Between a client's calls: few to many and back."""
    return 0.12 / (1.2 + math.sin(2 * math.pi * (time.monotonic() - began) / WAVE))


def wait_until(began, second):
    time.sleep(max(0, began + second - time.monotonic()))


def tell_the_story(m, began):
    wait_until(began, OUTAGE[0])
    main = m.sims[0]
    address = main.url.removeprefix("http://").removesuffix("/v1")
    main.close()
    wait_until(began, OUTAGE[1])
    m.sims[0] = Simulator("--pace", "5", "--listen", address)
    wait_until(began, LOCKED[0])
    lock = sqlite3.connect(m.weir.directory / "weir" / "ledger.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    wait_until(began, LOCKED[1])
    lock.execute("ROLLBACK")
    lock.close()
    wait_until(began, SECONDS)


def filled(expression):
    for name, value in {"$job": "weir", "$instance": ".*", "$__rate_interval": RATES, "$__range": f"{SECONDS}s"}.items():
        expression = expression.replace(name, value)
    return expression


def ask(m, start):
    """{number of a panel: [what each of its queries answers]}"""
    dashboard = json.loads((TOP / "packaging" / "grafana" / "weir.json").read_text())
    return {panel["id"]: [m.prometheus.query_range(filled(target["expr"]), start, start + SECONDS, STEP) for target in panel["targets"]]
            for panel in dashboard["panels"] if panel["type"] != "row"}


def main():
    with tempfile.TemporaryDirectory() as folder, Monitored(folder) as m:
        m.prometheus.wait("weir_build_info")
        began, start = time.monotonic(), time.time()
        with m.playing(8, lambda: pause(began)):
            tell_the_story(m, began)
        version = m.prometheus.query("weir_build_info")[0]["metric"]["version"]
        calls = sum(value for name, value in m.weir.metrics().items() if name.startswith("weir_calls_total"))
        kept = {"start": start, "seconds": SECONDS, "version": version, "calls": int(calls), "outage": OUTAGE, "locked": LOCKED, "panels": ask(m, start)}
    Path(sys.argv[1]).write_text(json.dumps(kept))


main()
