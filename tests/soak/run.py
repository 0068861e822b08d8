#!/usr/bin/env python3
"""Hostile clients before weir, a hostile provider behind it, and trouble meanwhile: reloads, shortages, servers that go away, upgrades,
crashes. Then silence, and the books are checked: what counts things in progress is where it was before, and so are the descriptors;
the log is JSON and has one line for each answer; records are neither missing nor double, and agree with the log and with what the
provider told; weir still answers, and ends well. With --write the outcome becomes docs/soak.md.

    tests/soak/run.py --seconds 60 --seed 7        WEIR names the binary, best one with sanitizers

What each client, connection of the provider and disturbance does follows from the seed; how they meet is the machine's doing.
A failure may need more than one run with its seed."""

import argparse
import os
import secrets
import socket
import sys
import tempfile
import time
from pathlib import Path

import process  # first: it finds the parts of tests/e2e
import accounts
import postgres as postgres_server
import redis_server
import report
import wire
from hostile_clients import KEYS, Crowd
from hostile_provider import Provider
from ports import free_port
from trouble import Trouble, configuration

ROOT = Path(__file__).resolve().parents[2]
SETTLE = 30  # seconds within which all must have come back
# Gauges that say what is in progress or held, and those that may say something else afterwards. A new gauge belongs to one of them.
RETURN = {"weir_open_calls", "weir_open_connections", "weir_memory_held_bytes", "weir_memory_limit_bytes", "weir_upstream_connections", "weir_open_streams", "weir_waiting_calls",
          "weir_journal_limit_bytes", "weir_journal_unwritten_bytes", "weir_ledger_store_away", "weir_keys_store_away", "weir_cache_store_away", "weir_shared_away", "weir_shared_nodes", "weir_telemetry_queue_bytes",
          "weir_alerts_waiting", "weir_build_info"}
FREE = {"weir_cache_bytes", "weir_cache_entries", "weir_journal_bytes", "weir_breaker_open", "weir_breaker_open_clients", "weir_provider_key_refused",
        "weir_provider_key_since_timestamp_seconds", "weir_provider_key_used_timestamp_seconds"}


class Failed(AssertionError):
    pass


def check(truth, why):
    if not truth:
        raise Failed(why)


def ask(weir, key, model, stream):
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "stream": stream}
    try:
        answer = wire.call(weir, "POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {key}", "Connection": "close"}, timeout=10)
    except OSError as e:
        return None, str(e)
    return answer, 200 if answer.status == 200 else f"{answer.status} {answer.body[:300]!r}"


def answers_well(weir):
    """A plain call and a stream of each client, also to the model with several targets, until all is well."""
    for key in KEYS:
        for model in ("gpt-test", "two"):
            for stream in (False, True):
                last = None

                def good():
                    nonlocal last
                    answer, last = ask(weir, key, model, stream)
                    return last == 200 and b"there" in answer.body and (not stream or b"[DONE]" in answer.body)

                check(process.wait_until(good, SETTLE), f"no good answer of {model}, stream {stream}, client {key[-3:]}: {last}")


def gauges(weir, connection):
    values, types = weir.metrics(connection)
    kinds = {f for f, kind in types.items() if kind == "gauge" and f.startswith("weir_")}
    check(kinds == RETURN | FREE, f"gauges that the soak does not know, or misses: {sorted(kinds ^ (RETURN | FREE))}")
    return {name: v for name, v in values.items() if name.partition("{")[0] in RETURN}


def books(weir):
    """Gauges and descriptors, once nothing moves: the connection that asks is the one that is open."""
    with wire.connect(weir) as c:
        found = last = None

        def still():
            nonlocal found, last
            before, last = (found, last), weir.descriptors()
            found = gauges(weir, c)
            quiet = found["weir_open_connections"] == 1 and found['weir_upstream_connections{state="idle"}'] == 0
            return quiet and before == (found, last) and not any("too many" in kind for kind in last)

        check(process.wait_until(still, SETTLE), f"it does not come to rest: {found}, {dict(last)}")
        return found, last


def check_books(weir, before):
    with wire.connect(weir) as c:
        now = None

        def back():
            nonlocal now
            now = gauges(weir, c), weir.descriptors()
            return now == before

        if not process.wait_until(back, SETTLE):
            for was, is_ in zip(before, now):
                wrong = [k for k in sorted({*was, *is_}) if was.get(k) != is_.get(k)]
                check(not wrong, "not as before: " + ", ".join(f"{k} was {was.get(k)}, is {is_.get(k)}" for k in wrong))


def check_log(weir, answers, unwritten):
    check(not weir.foreign, "lines that are no JSON:\n" + "\n".join(weir.foreign[:100]))
    twice = [i for i, n in weir.lines.items() if n > 1]
    check(not twice, f"requests with more than one line: {twice[:5]} of {len(twice)}")
    given = [i for i, _, _ in answers]
    check(len(set(given)) == len(given), "an x-request-id was given twice")
    # A process that was killed had no time to write its last lines.
    missing = [(i, status, life) for i, status, life in answers if i not in weir.lines and life not in {None, *weir.killed}]
    # Lines of refusals are rationed; how many were not written is counted, by each process for itself.
    worse = [m for m in missing if m[1] < 400]
    refused = sum(life == weir.life for _, _, life in missing)
    check(not worse and refused <= unwritten, f"{refused} answers without a line, {unwritten:.0f} lines not written: {(worse or missing)[:5]}")


def check_accounts(weir, crowd, provider, trouble):
    """Once nothing moves: each record is in the store within a second, or when that is there again."""
    kept = []

    def settled():
        nonlocal kept
        before, kept = len(kept), accounts.records(weir)
        if kept is None:
            kept = []
        return kept and len(kept) == before and not list(accounts.missing(kept, weir, trouble.done["full_disk"]))

    process.wait_until(settled, SETTLE)
    wrong = list(accounts.complaints(kept, accounts.asked(weir, "/usage/summary"), weir, crowd, provider.said, trouble.done["full_disk"]))
    check(not wrong, f"{len(wrong)} complaints about {len(kept)} records: " + "; ".join(wrong[:10]))
    return kept


def soak(binary, directory, seconds, seed, clients):
    provider = Provider(seed)
    closed = socket.socket()  # bound, and not listening: refuses
    closed.bind(("127.0.0.1", 0))
    redis = None if redis_server.why_not() else redis_server.Server()
    # The store of records is one or the other.
    postgres = None if seed % 2 or postgres_server.why_not() else postgres_server.Server()
    base = configuration(provider, free_port(), closed.getsockname()[1], redis, postgres)
    weir = process.Weir(binary, directory, base)
    try:
        provider.calm()
        answers_well(weir)
        before = books(weir)
        provider.wild()
        crowd, trouble = Crowd(weir, seed, clients), Trouble(weir, seed, base, redis, postgres)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and weir.alive():
            time.sleep(0.1)
        ended = crowd.stop()
        check(weir.alive(), f"weir ended with status {weir.process.poll()}")
        check(ended, "a client's session does not end")
        check(not crowd.fault, f"a client of the soak's own failed: {crowd.fault!r}")
        trouble.stop()
        provider.calm()
        answers_well(weir)
        check_books(weir, before)
        kept = check_accounts(weir, crowd, provider, trouble)
        check(process.wait_until(lambda: weir.children() == 0, SETTLE), f"{weir.children()} processes of tools are left")
        with wire.connect(weir) as c:
            values, _ = weir.metrics(c)
        check(values["weir_log_lines_dropped_total"] == 0, "lines of the log were dropped")
        leave_open = [wire.connect(weir) for _ in range(3)]  # an end with clients that are there
        leave_open[0].send(b"POST /v1/chat/completions HTTP/1.1\r\nContent-Le")
        status = weir.terminate(30)
        check(status is not None, "weir does not end on SIGTERM")
        check(status == 0, f"weir ended with status {status}")
        for c in leave_open:
            c.close()
        check(not (why := weir.audit()), f"the audit trail: {why}")
        check(not weir.leaks, f"lines with what is secret: {weir.leaks[:3]}")
        check_log(weir, crowd.answers, values["weir_refused_requests_unlogged_total"])
        check(crowd.answers and provider.answered, "nothing happened")
        figures = report.Figures(crowd, provider, trouble, weir, kept, "PostgreSQL" if postgres else "SQLite")
        print(f"soak: {figures.line()}: all well", flush=True)
    except (AssertionError, OSError) as e:
        weir.terminate(10)
        if damage := [line for line in weir.foreign if process.DAMAGE.search(line)]:
            e = Failed(f"{damage[0]}\n({e})")
        print(f"weir said:\n{weir.output()}\n\nsoak: {e}")
        return None
    finally:
        weir.terminate(10)
        provider.close()
        closed.close()
        for server in (redis, postgres):
            if server:
                server.close()
    return figures


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=None, help="default: a new one, printed")
    parser.add_argument("--clients", type=int, default=24, help="at a time")
    parser.add_argument("--write", action="store_true", help="write docs/soak.md")
    args = parser.parse_args()
    seed = secrets.randbelow(1 << 32) if args.seed is None else args.seed
    binary = Path(os.environ.get("WEIR", ROOT / "build" / "weir")).resolve()
    print(f"soak: seed {seed}, {args.seconds:g} s, {args.clients} clients, {binary.name} of {binary.parent.name}", flush=True)
    with tempfile.TemporaryDirectory(prefix="weir-soak-") as directory:
        figures = soak(binary, directory, args.seconds, seed, args.clients)
    if figures and args.write:
        report.write(figures, args.seconds, seed, args.clients, binary)
    if not figures:
        print(f"soak: again with: WEIR={os.environ.get('WEIR', 'build/weir')} tests/soak/run.py --seconds {args.seconds:g} --seed {seed} --clients {args.clients}")
    return 0 if figures else 1


if __name__ == "__main__":
    sys.exit(main())
