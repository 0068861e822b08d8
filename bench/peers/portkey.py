"""Portkey's gateway, by Node: it asks the provider that each request's own headers name, and knows no clients."""

import json
import os

from peers.common import CACHE, HERE, Peer, disk_bytes, node_modules


class Portkey(Peer):
    NAME = "Portkey"
    SETTINGS = ("plain", "provider")
    patience = 60
    key = "sk-bench-provider-0123456789"  # goes on to the provider

    @classmethod
    def install(cls):
        node_modules("portkey")

    def __init__(self, setting):
        super().__init__(setting)
        self.asked = {"BENCH_CHECK": "content",
                      "BENCH_HEADERS": f"x-portkey-provider: openai\r\nx-portkey-custom-host: {setting.provider}/v1\r\n"}

    def environment(self):
        return dict(os.environ, NODE_ENV="production", NODE_EXTRA_CA_CERTS=str(self.setting.ca), TRUSTED_CUSTOM_HOSTS="127.0.0.1,localhost")

    def command(self):
        server = CACHE / "portkey" / "node_modules" / "@portkey-ai" / "gateway" / "build" / "start-server.js"
        return ["node", str(server), f"--port={self.port}", "--headless"]

    def version(self):
        return json.loads((HERE / "portkey" / "package.json").read_text())["dependencies"]["@portkey-ai/gateway"]

    def installed_bytes(self):
        """Without Node itself, which another 100 MB are."""
        return disk_bytes(CACHE / "portkey")
