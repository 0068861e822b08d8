"""weir, twice: with everything on that it is for, and as bare as its peers are."""

import hashlib
import os
from pathlib import Path

from peers.common import Peer, must
from sides import CLIENT_KEY, Failed

CONFIGURATION = """\
listen: [{{address: "127.0.0.1:{port}"{secure}}}]
providers:
  bench: {{kind: openai, url: "{provider}/v1", key: sk-bench-provider-0123456789, max_connections: 16384, ca_file: "{ca}"}}
models: {{"*": bench}}
server: {{workers: 1}}
{more}{cache}"""
FULL = """\
clients:
  - {{name: bench, environment: dev, key: {{sha256: {digest}}}}}
limits: {{model: {{"*": {{requests: 1000000000/d, tokens: 900000000000/d, parallel: 16384}}}}}}
guard: {{in: redact, out: redact, restore: true}}
ledger: {{store: "sqlite:{folder}/ledger.db"}}
logs: {{level: info, format: json}}
"""
BARE = """\
ledger: off
logs: {{level: error}}
"""


class FullWeir(Peer):
    """Keys, limits, the guard both ways, a ledger on the disk, metrics, and a line of log for each call."""

    NAME = "weir"
    SETTINGS = ("plain", "provider", "listener", "cache")
    key = CLIENT_KEY
    more = FULL

    def __init__(self, setting):
        super().__init__(setting)
        self.program = str(Path(setting.weir).resolve())
        if not os.access(self.program, os.X_OK):
            raise Failed(f"{self.program} is missing; build it with: make")
        more = self.more.format(digest=hashlib.sha256(CLIENT_KEY.encode()).hexdigest(), folder=self.folder)
        (self.folder / "weir.yaml").write_text(CONFIGURATION.format(
            port=self.port, provider=setting.provider, ca=setting.ca, more=more,
            secure=f', tls: {{cert: "{setting.cert}", key: "{setting.key}"}}' if setting.name == "listener" else "",
            cache="cache: {models: ['*'], memory: 64MB}\n" if setting.name == "cache" else ""))

    def command(self):
        return [self.program, "serve", "-c", str(self.folder / "weir.yaml")]

    def complaint(self):
        return "\n" + must([self.program, "check", "-c", self.command()[-1]])

    def version(self):
        return must([self.program, "--version"]).strip().split(" ")[-1]

    def installed_bytes(self):
        """As `make install` leaves it: without debug information."""
        stripped = self.folder / "stripped"
        must(["strip", "-o", stripped, self.program])
        return stripped.stat().st_size


class BareWeir(FullWeir):
    """No keys, no limits, no guard, no ledger, no lines of log: it still validates requests and counts its metrics."""

    NAME = "weir, bare"
    key = None
    more = BARE
