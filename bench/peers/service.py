"""The service of the document that weir grew from: FastAPI around the official SDK (service_app.py), by uvicorn with uvloop."""

import os

from peers.common import CACHE, HERE, Peer, disk_bytes, python_environment


class Service(Peer):
    NAME = "FastAPI service"
    SETTINGS = ("plain", "provider", "listener")
    STREAMS = False  # it has no route for them
    LARGEST = 10000  # characters of a message
    patience = 60
    asked = {"BENCH_FORM": "chat", "BENCH_CHECK": "content"}

    @classmethod
    def install(cls):
        python_environment("service")

    def environment(self):
        return dict(os.environ, OPENAI_API_KEY="sk-bench-provider-0123456789", OPENAI_BASE_URL=self.setting.provider + "/v1",
                    SSL_CERT_FILE=str(self.setting.ca))

    def command(self):
        secure = ["--ssl-certfile", str(self.setting.cert), "--ssl-keyfile", str(self.setting.key)] if self.setting.name == "listener" else []
        return [str(CACHE / "service" / "bin" / "uvicorn"), "--app-dir", str(HERE), "--host", "127.0.0.1", "--port", str(self.port),
                "--no-access-log", "--log-level", "critical", *secure, "service_app:app"]

    def version(self):
        pinned = dict(line.split("==") for line in (HERE / "service.txt").read_text().split())
        return f"FastAPI {pinned['fastapi']}, uvicorn {pinned['uvicorn']}, openai {pinned['openai']}"

    def installed_bytes(self):
        return disk_bytes(CACHE / "service")
