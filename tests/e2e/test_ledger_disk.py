"""The ledger on a disk that is full or may not be written: calls go on or are refused as configured, and nothing is missing or double."""

import os
import resource
import subprocess
import threading

import pytest

import bodies
import daemon
import wire
from test_ledger import all_calls, ask
from upstream import after, reply, sse


def mounted(*command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() or not mounted("mount", "-t", "tmpfs", "-o", "size=2m,mode=0755", "none", folder):
        pytest.skip("no disk can be mounted here: that needs root and CAP_SYS_ADMIN")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder):
    """To the last byte; the result takes the room while it is there."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as f:
        try:
            for size in (65536, 4096, 512, 1):
                while True:
                    try:
                        f.write(b"x" * size)
                    except OSError:
                        break
        finally:
            f.flush()
    return path


@pytest.mark.parametrize("on_full", ["refuse", "serve"])
def test_a_disk_that_is_full_refuses_or_serves_on(weir, upstream, small_disk, on_full):
    upstream.always(reply(200, bodies.completion()))
    w = weir(upstream, ledger={"on_full": on_full, "store": f"sqlite:{small_disk}/kept/ledger.db"})
    kept = [wire.chat(w) for _ in range(3)]
    assert [a.status for a in kept] == [200] * 3
    assert ask(w, "/usage/summary")["total_calls"] == 3
    filler = fill(small_disk)
    full = [wire.chat(w, model="gpt-" + "m" * 200) for _ in range(200)]
    statuses = {a.status for a in full}
    if on_full == "refuse":
        assert statuses <= {200, 503} and 503 in statuses
        refused = [a for a in full if a.status == 503]
        assert {a.error["code"] for a in refused} == {"ledger_full"}
    else:
        assert statuses == {200}
    filler.unlink()
    daemon.wait_until(lambda: wire.chat(w, model="afterwards").status == 200, 20, "calls are taken again")
    w.stop()
    again = weir(daemon.config_for(upstream, ledger={"store": f"sqlite:{small_disk}/kept/ledger.db"}))
    calls = all_calls(again)
    ids = [c["request_id"] for c in calls]
    assert len(ids) == len(set(ids))
    wanted = [*kept, *(a for a in full if a.status == 200)] if on_full == "refuse" else kept
    assert {a.header("x-request-id") for a in wanted} <= set(ids)
    assert "afterwards" in {c["model"] for c in calls}
    summary = ask(again, "/usage/summary")
    assert summary["total_calls"] == len(calls) and summary["total_tokens"] == sum(c["total_tokens"] or 0 for c in calls)
    again.stop()


def test_a_store_that_may_not_be_written_costs_no_call(weir, upstream, tmp_path):
    """Its folder is made read-only under a running weir, by a mount, which binds root too."""
    folder = tmp_path / "kept"
    folder.mkdir()
    if os.geteuid() or not mounted("mount", "--bind", folder, folder):
        pytest.skip("no folder can be mounted here: that needs root and CAP_SYS_ADMIN")
    upstream.always(reply(200, bodies.completion()))
    store = {"store": f"sqlite:{folder}/ledger.db"}
    try:
        w = weir(upstream, ledger=store)
        assert wire.chat(w).status == 200
        assert ask(w, "/usage/summary")["total_calls"] == 1
        database = folder / "ledger.db"
        assert mounted("mount", "--bind", database, database) and mounted("mount", "-o", "remount,bind,ro", database)
        w.stop()
        # A new process cannot open it for writing, and keeps its records in the journal meanwhile.
        w = weir(daemon.config_for(upstream, ledger=store))
        for _ in range(10):
            assert wire.chat(w).status == 200
        assert "read" in w.wait_event("ledger_store_away")["reason"]
        subprocess.run(["umount", "--lazy", database], check=True)  # whoever only reads has it open
        w.wait_event("ledger_store_back")
        assert ask(w, "/usage/summary")["total_calls"] == 11
        assert len(all_calls(w)) == 11
        w.stop()
    finally:
        for running in weir.running:
            running.stop()
        subprocess.run(["umount", "--lazy", folder / "ledger.db"], check=False, capture_output=True)
        subprocess.run(["umount", "--lazy", folder], check=False, capture_output=True)


# -- a process whose files may not grow: a full disk, for whom none can be mounted ---------------------------------

def let_files_grow(w, yes):
    _, most = resource.prlimit(w.process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(w.process.pid, resource.RLIMIT_FSIZE, (most if yes else 0, most))


def in_flight(w, upstream, streams):
    """A call for each, under way at its provider, and what lets them end."""
    gate = threading.Event()
    behaviours = [sse([*bodies.stream("a", "b")[:1], gate, *bodies.stream("a", "b")[1:]]) if s else after(gate, reply(200, bodies.completion()))
                  for s in streams]
    upstream.script(*behaviours)
    answers = []
    threads = [threading.Thread(target=lambda s=s: answers.append(wire.chat(w, stream=s))) for s in streams]
    for n, thread in enumerate(threads, len(upstream.requests) + 1):
        thread.start()
        upstream.wait_requests(n)
    return gate, threads, answers


@pytest.mark.parametrize("on_full", ["refuse", "serve"])
@pytest.mark.parametrize("sync", ["process", "machine"])
def test_a_disk_that_refuses_writes_holds_up_nobody(weir, upstream, tmp_path, sync, on_full):
    """Neither the calls that are under way, streams among them, nor those that come, nor the end."""
    ledger = {"store": f"sqlite:{tmp_path}/kept/ledger.db", "sync": sync, "on_full": on_full}
    w = weir(upstream, ledger=ledger)
    upstream.always(reply(200, bodies.completion()))
    kept = [wire.chat(w)]
    assert ask(w, "/usage/summary")["total_calls"] == 1
    gate, threads, answers = in_flight(w, upstream, [False, True, True, False])
    let_files_grow(w, False)
    gate.set()
    for thread in threads:
        thread.join()
    assert [a.status for a in answers] == [200] * 4 and all(a.complete for a in answers)
    assert "large" in w.wait_event("journal_not_written")["reason"]
    full = [wire.chat(w) for _ in range(20)]
    if on_full == "refuse":
        # A worker that has not written since finds out by the record of a call, which waits in its memory.
        served, refused = [a for a in full if a.status == 200], [a for a in full if a.status == 503]
        assert len(served) < os.cpu_count() and len(served) + len(refused) == len(full)
        assert {a.error["code"] for a in refused} == {"ledger_full"}
        kept += served
    else:
        assert {a.status for a in full} == {200}
    let_files_grow(w, True)
    w.wait_event("journal_written")
    kept += [*answers, wire.chat(w)]
    assert kept[-1].status == 200
    # One worker has told; another writes what it has kept when it tries again itself.
    daemon.wait_until(lambda: {a.header("x-request-id") for a in kept} <= {c["request_id"] for c in all_calls(w)}, 20, "every call is there")
    ids = [c["request_id"] for c in all_calls(w)]
    assert len(ids) == len(set(ids))
    let_files_grow(w, False)
    w.stop()  # with nothing that waits to be written
    assert w.log[-1]["event"] == "stopped" and "records_lost" not in {r["event"] for r in w.log}
    again = weir(daemon.config_for(upstream, ledger=ledger))
    assert {a.header("x-request-id") for a in kept} <= {c["request_id"] for c in all_calls(again)}


@pytest.mark.parametrize("sync", ["process", "machine"])
def test_records_that_the_end_loses_are_counted(weir, upstream, tmp_path, sync):
    ledger = {"store": f"sqlite:{tmp_path}/kept/ledger.db", "sync": sync}
    w = weir(upstream, ledger=ledger)
    upstream.always(reply(200, bodies.completion()))
    kept = wire.chat(w)
    gate, threads, answers = in_flight(w, upstream, [False, True, False])
    let_files_grow(w, False)
    gate.set()
    for thread in threads:
        thread.join()
    w.wait_event("journal_not_written")
    daemon.wait_until(lambda: w.metrics()["weir_journal_unwritten_bytes"] > 300, 5, "what waits is shown")
    w.expect_exit = 1
    w.stop()
    assert [r["event"] for r in w.log[-2:]] == ["records_lost", "stopped"]
    lost = w.log[-2]
    assert (lost["level"], lost["calls"]) == ("error", 3)
    again = weir(daemon.config_for(upstream, ledger=ledger))
    calls = {c["request_id"]: c["outcome"] for c in all_calls(again)}
    assert calls == {kept.header("x-request-id"): "ok", **{a.header("x-request-id"): "interrupted" for a in answers}}
