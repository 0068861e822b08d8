"""The floor: bench-relay, which looks at nothing (bench/relay.c)."""

import os

from peers.common import Peer
from sides import tool


class Floor(Peer):
    NAME = "bare relay"

    def command(self):
        return [tool(self.setting.build, "bench-relay"), str(self.port), str(self.setting.provider_port)]

    def version(self):
        return "bench/relay.c"

    def installed_bytes(self):
        return os.path.getsize(self.command()[0])
