"""LiteLLM's proxy: one worker, a master key, no database, no telemetry, and its own table of prices, which it otherwise fetches."""

import os

from peers.common import CACHE, HERE, Peer, disk_bytes, python_environment
from sides import CLIENT_KEY

CONFIGURATION = """
model_list:
  - model_name: "*"
    litellm_params: {{model: "openai/*", api_base: "{provider}/v1", api_key: sk-bench-provider-0123456789}}
litellm_settings:
  telemetry: false
  cache: {cache}
  cache_params: {{type: local}}
general_settings:
  master_key: {key}
"""


class Litellm(Peer):
    NAME = "LiteLLM"
    SETTINGS = ("plain", "provider", "listener", "cache")
    patience = 180
    key = CLIENT_KEY
    asked = {"BENCH_CHECK": "content"}

    @classmethod
    def install(cls):
        python_environment("litellm")

    def __init__(self, setting):
        super().__init__(setting)
        (self.folder / "config.yaml").write_text(CONFIGURATION.format(
            provider=setting.provider, key=CLIENT_KEY, cache="true" if setting.name == "cache" else "false"))

    def environment(self):
        return dict(os.environ, LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_TELEMETRY="False", LITELLM_LOG="ERROR",
                    SSL_CERT_FILE=str(self.setting.ca), DISABLE_ADMIN_UI="True", HOME=str(self.folder))

    def command(self):
        secure = ["--ssl_certfile_path", str(self.setting.cert), "--ssl_keyfile_path", str(self.setting.key)] if self.setting.name == "listener" else []
        return [str(CACHE / "litellm" / "bin" / "litellm"), "--config", str(self.folder / "config.yaml"), "--host", "127.0.0.1",
                "--port", str(self.port), "--num_workers", "1", "--telemetry", "False", *secure]

    def version(self):
        return next(line for line in (HERE / "litellm.txt").read_text().split() if line.startswith("litellm=="))[9:]

    def installed_bytes(self):
        return disk_bytes(CACHE / "litellm")
