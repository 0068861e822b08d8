"""A short run of the soak (tests/soak), which otherwise goes on for as long as it is told: hostile clients and a hostile provider at once."""
# alone: it has as many clients as the machine bears

import os
import subprocess
import sys

import pytest

import daemon


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", ["11", "12"], ids=["SQLite", "PostgreSQL"])
def test_all_returns_to_where_it_was(seed):
    done = subprocess.run([sys.executable, daemon.ROOT / "tests/soak/run.py", "--seconds", "8", "--seed", seed],
                          env={**os.environ, "WEIR": str(daemon.WEIR)}, capture_output=True, text=True)
    assert done.returncode == 0 and "all well" in done.stdout, done.stdout + done.stderr
