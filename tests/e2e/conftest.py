import os
import signal

import pytest

import daemon
from batches import Folder
from terminal import Terminal
from upstream import Upstream

for name in [n for n in os.environ if daemon.STRANGE.match(n) and n != "WEIR" or n in ("STATE_DIRECTORY", "XDG_STATE_HOME")]:
    del os.environ[name]  # proxies, keys and records of the person who runs the tests
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has it ignored by what it starts with `&`, and weir would inherit that


@pytest.fixture(autouse=True)
def records_of_its_own(tmp_path_factory, monkeypatch):
    """What a test starts by hand keeps its records in a place that is neither a person's nor that of a test that runs beside."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@pytest.fixture
def upstream():
    """A scripted provider. The test fails if a request came that neither script nor always() provided for."""
    with Upstream() as up:
        yield up
        up_unexpected = up.unexpected
    assert not up_unexpected, f"requests beyond the script: {up_unexpected}"


@pytest.fixture
def upstreams():
    """A function that makes further scripted providers: upstreams() or upstreams(tls=context)."""
    made = []

    def make(**options):
        made.append(Upstream(**options))
        return made[-1]

    yield make
    for up in made:
        up.close()
    unexpected = [u for up in made for u in up.unexpected]
    assert not unexpected, f"requests beyond the script: {unexpected}"


@pytest.fixture
def weir(tmp_path):
    """A function that starts a weir: weir(upstream) with the usual configuration for it, weir(upstream, retry={...}) with
    options laid on top, weir(config) with a configuration of one's own. Each is stopped by SIGTERM after the test and has to end well.
    Options of the process have names of their own: listen=, args=, env=, wait=, rlimits=."""
    running = []

    def start(what, *, listen="127.0.0.1:0", args=(), env=None, wait=True, rlimits=(), **over):
        config = daemon.config_for(what, **over) if isinstance(what, Upstream) else what
        if over and not isinstance(what, Upstream):
            config = daemon.merged(what, over)
        w = daemon.Weir(tmp_path / f"weir{len(running)}", config, listen=listen, args=args, env=env, wait=False,
                        rlimits=rlimits)
        running.append(w)
        if wait:
            w.wait_ready()
        return w

    start.running = running
    yield start
    for w in running:
        w.stop()


@pytest.fixture
def terminal(tmp_path):
    """A function that starts a program in a terminal, in an empty folder: terminal("chat", "--model", "m") starts weir,
    terminal(program=["sh", "-c", "…"]) another one. Further options are those of Terminal."""
    running = []

    def start(*args, program=None, **options):
        home = tmp_path / f"terminal{len(running)}"
        home.mkdir()
        running.append(Terminal(program or [daemon.WEIR, *args], **{"home": home, **options}))
        return running[-1]

    start.running = running
    yield start
    for t in running:
        t.close()


@pytest.fixture
def folder(tmp_path):
    """An empty folder to run `weir batch` in; see batches.Folder."""
    made = Folder(tmp_path / "batch")
    made.path.mkdir()
    yield made
    made.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Puts what the weirs of a failed test said, and what its terminals showed, into its report."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and call.when == "call":
        start = item.funcargs.get("weir")
        for w in getattr(start, "running", []):
            report.sections.append((f"weir {w.directory.name}", w.output()))
        for t in getattr(item.funcargs.get("terminal"), "running", []):
            report.sections.append(("terminal", t.report()))
