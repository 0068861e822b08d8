"""The page at /docs in a real browser: it draws the API description, and asks nobody else for anything."""

import json
import re
import subprocess

import pytest

import wire

BROWSER = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
           "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--disable-dev-shm-usage"]


@pytest.fixture
def drawn(weir, upstream, tmp_path):
    """The page's document after its script has run, and what the browser's console said."""
    w = weir(upstream)
    done = subprocess.run([*BROWSER, f"--user-data-dir={tmp_path}/browser", "--enable-logging=stderr", "--log-level=0",
                           "--virtual-time-budget=10000", "--dump-dom", f"{w.url}/docs"],
                          capture_output=True, text=True, timeout=120, check=True)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    return w, done.stdout, console


def test_every_path_is_drawn_and_nothing_is_amiss(drawn):
    w, dom, console = drawn
    api = json.loads(wire.call(w, "GET", "/openapi.json").body)
    shown = re.sub(r"<[^>]+>", " ", dom)
    for path, methods in api["paths"].items():
        assert path in shown, f"{path} is not on the page"
        for method, operation in methods.items():
            if method in ("get", "post"):
                assert operation["summary"] in shown
    assert console == [], "the browser complained"
    assert not re.search(r"""(?:src|href)=["']?https?://""", dom), "the page refers to another host"
