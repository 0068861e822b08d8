"""The wheel of the Python package: what tools/wheel makes of this build stands alone. (That it does so on a machine which has nothing
else of it is tried by `tools/wheel --try`.)"""

import json
import os
import sys
import zipfile

import pytest

import daemon
from test_library import SANITIZER, output_of
from test_simulator import Sim

pytestmark = [pytest.mark.skipif(SANITIZER != "none", reason="the library is instrumented, and Python is not"), pytest.mark.timeout(300)]

# Which libraries of its own the process has loaded, after a call.
LOADED = """
import json, sys, weir
said = weir.Weir(base_url=sys.argv[1], api_key="any").ask("Hello")
files = {line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}
print(json.dumps([said, weir._native.lib._name, sorted(files)]))
"""
BUNDLED = ["libbrotlicommon", "libbrotlidec", "libcrypto", "libfyaml", "libpcre2", "libssl", "libuv", "libzstd"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    made = output_of(daemon.ROOT / "tools" / "wheel", "--build", daemon.WEIR.parent, "--out", out).strip()
    assert os.listdir(out) == [os.path.basename(made)]
    return made


def test_what_is_in_it(wheel):
    assert "-py3-none-manylinux_2_" in wheel
    names = zipfile.ZipFile(wheel).namelist()
    assert "weir/libweir.so.0" in names and "weir/py.typed" in names
    bundled = sorted(name.split("/")[1].split("-")[0] for name in names if name.startswith("weir.libs/") and ".so" in name)
    assert bundled == BUNDLED
    assert not [name for name in names if "test" in name]


def test_it_uses_nothing_but_its_own(wheel, tmp_path):
    output_of(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    output_of(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--disable-pip-version-check", "--no-index", wheel)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "WEIR", "LD_"))}
    sim = Sim("--pace", "0")
    try:
        said, library, files = json.loads(output_of(python, "-c", LOADED, sim.base_url, env=plain, cwd=tmp_path))
    finally:
        sim.stop()
    assert said == "You said: Hello" and library.startswith(str(tmp_path / "venv"))
    for name in BUNDLED:
        loaded = [file for file in files if os.path.basename(file).startswith(name)]
        own = [file for file in loaded if file.startswith(str(tmp_path / "venv"))]
        assert own and (own == loaded or name in ("libcrypto", "libssl")), (name, loaded)  # of those Python's own modules may bring others
