"""OpenTelemetry collectors as processes, which hand on by OTLP what they take. On the loopback alone.

Rotel's program comes in its package from PyPI (requirements.txt); OpenTelemetry's own is used too where OTELCOL names it: any
distribution with the receiver `otlp` and the exporter `otlphttp`.
"""

import importlib.util
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import daemon
from prometheus import free_port


def rotel():
    found = importlib.util.find_spec("rotel")
    return Path(found.origin).parent / "rotel-agent" if found and found.origin else None


PROGRAMS = {"rotel": rotel(), "otelcol": os.environ.get("OTELCOL")}
THERE = [name for name, program in PROGRAMS.items() if program]


def why_not():
    """Why none can run here, or None."""
    return None if THERE else "No collector is there: requirements.txt has Rotel for Python before 3.14, OTELCOL may name another"


class Collector:
    """Takes OTLP at `endpoint`, and sends it to the Receiver `to`. traces: whether it takes spans."""

    def __init__(self, name, folder, to, traces=True):
        self.name, self.folder, self.to, self.traces = name, Path(folder), to, traces
        self.log, self.process = self.folder / "collector.log", None
        self.port, self.grpc = free_port(), free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.start()

    def rotel(self):
        return ["start", f"--otlp-http-endpoint=127.0.0.1:{self.port}", f"--otlp-grpc-endpoint=127.0.0.1:{self.grpc}", "--exporter=otlp",
                "--otlp-exporter-protocol=http", f"--otlp-exporter-endpoint={self.to.endpoint}", "--batch-timeout=50ms",
                *([] if self.traces else ["--otlp-receiver-traces-disabled"])]

    def otelcol(self):
        way = {"receivers": ["otlp"], "exporters": ["otlphttp"]}
        settings = {"receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{self.port}"}}}},
                    "exporters": {"otlphttp": {"endpoint": self.to.endpoint}},
                    "service": {"telemetry": {"metrics": {"level": "none"}}, "pipelines": {"metrics": way, **({"traces": way} if self.traces else {})}}}
        file = self.folder / "collector.yaml"
        file.write_text(json.dumps(settings))  # which is YAML too
        return ["--config", file]

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([PROGRAMS[self.name], *getattr(self, self.name)()], stdout=log, stderr=log)
        daemon.wait_until(self.answers, 20, "the collector does not answer")

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(urllib.request.Request(self.endpoint, method="POST"), timeout=5):
                return True
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait(30)

    def close(self):
        if self.process.poll() is None:
            self.kill()
