"""What the peers of `bench/run peers` have in common: where they are installed, and what a run tells them of its surroundings."""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sides import Failed, Side, free_port

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / ".bench-peers"


@dataclass
class Setting:
    """What a peer stands between."""

    name: str  # "plain", "provider" (TLS to the provider), "listener" (TLS to the client), "cache"
    folder: Path  # for what it writes
    build: str  # weir's build folder
    weir: str  # the program itself
    provider: str  # the provider's URL, without /v1
    ca: Path  # who signed the provider's certificate, and the listener's
    cert: Path
    key: Path

    @property
    def provider_port(self):
        return int(self.provider.rsplit(":", 1)[1])


class Peer(Side):
    """One of the rows. A subclass is a file of this folder: NAME, SETTINGS (those that it can be in), and what Side asks for."""

    NAME = ""
    SETTINGS = ("plain",)
    STREAMS = True
    LARGEST = 1 << 30  # the largest body that it takes, in bytes

    @classmethod
    def install(cls):
        """Puts it into the cache where it is not yet. Raises Failed where it cannot be had."""

    def __init__(self, setting):
        self.name, self.setting = self.NAME, setting
        self.port = self.stream_port = free_port()
        self.folder = setting.folder / self.NAME / setting.name
        self.folder.mkdir(parents=True, exist_ok=True)

    def installed_bytes(self):
        """What it takes on the disk, without what every Debian 12 has."""
        return 0


def stamped(name, wanted, make):
    """The folder of that name in the cache, made by make(folder) where it is none of wanted, a text that names versions."""
    folder, digest = CACHE / name, hashlib.sha256(wanted.encode()).hexdigest()
    stamp = folder / ".stamp"
    if not stamp.exists() or stamp.read_text() != digest:
        print(f"Installing {name} into {folder}", file=sys.stderr, flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        stamp.write_text(digest)
    return folder


def must(command, **more):
    try:
        done = subprocess.run(command, capture_output=True, text=True, **more)
    except FileNotFoundError:
        raise Failed(f"{command[0]} is not installed")
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command))}: {(done.stderr or done.stdout).strip()[-500:]}")
    return done.stdout


def python_environment(name):
    """A virtual environment with what bench/peers/NAME.txt lists, each version pinned."""
    listed = HERE / f"{name}.txt"

    def make(folder):
        must([os.environ.get("PYTHON", "python3"), "-m", "venv", folder])
        must([folder / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", listed])

    return stamped(name, listed.read_text(), make)


def node_modules(name):
    """node_modules of what bench/peers/NAME/package-lock.json pins; no package's own scripts are run."""
    pinned = [HERE / name / file for file in ("package.json", "package-lock.json")]

    def make(folder):
        for file in pinned:
            shutil.copy(file, folder)
        must(["npm", "ci", "--silent", "--no-fund", "--no-audit", "--ignore-scripts"], cwd=folder)

    return stamped(name, "".join(file.read_text() for file in pinned), make)


def debian_packages(name, *packages):
    """Debian's packages, unpacked and not installed: their services do not start."""

    def make(folder):
        must(["apt-get", "-qq", "download", *packages], cwd=folder)
        for file in sorted(folder.glob("*.deb")):
            must(["dpkg-deb", "--extract", file, "."], cwd=folder)
            file.unlink()

    return stamped(name, " ".join(packages), make)


def disk_bytes(folder):
    return sum(path.lstat().st_size for path in Path(folder).rglob("*") if path.is_file() and not path.is_symlink())
