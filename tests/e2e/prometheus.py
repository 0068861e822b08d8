"""Prometheus' own programs: promtool, and a server of a test's own that scrapes one weir and answers queries. On the loopback alone."""

import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path

from ports import free_port

UNPACKED = Path(__file__).resolve().parents[2] / "deps" / "prometheus" / "usr" / "bin"  # by tools/deps


def program(name):
    """Its path, or None."""
    unpacked = UNPACKED / name
    return unpacked if unpacked.exists() else shutil.which(name)


def why_not():
    """Why none can run here, or None."""
    return None if program("promtool") and program("prometheus") else "Prometheus is not there (tools/deps test)"


def promtool(*arguments, **options):
    done = subprocess.run([program("promtool"), *map(str, arguments)], capture_output=True, text=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Server:
    """Scrapes the addresses every `every` as job "weir". rules: a file of rules, or None."""

    def __init__(self, folder, targets, every="1s", rules=None):
        self.port = free_port()
        settings = {"global": {"scrape_interval": every, "evaluation_interval": every},
                    "rule_files": [str(rules)] if rules else [],
                    "scrape_configs": [{"job_name": "weir", "static_configs": [{"targets": list(targets)}]}]}
        file = Path(folder) / "prometheus.yml"
        file.write_text(json.dumps(settings))  # which is YAML too
        self.log = (Path(folder) / "prometheus.log").open("wb")
        self.process = subprocess.Popen([program("prometheus"), f"--config.file={file}", f"--storage.tsdb.path={folder}/data",
                                         f"--web.listen-address=127.0.0.1:{self.port}"], stdout=self.log, stderr=self.log)

    def _get(self, path, **parameters):
        """What an answer holds. An error of the server's is a RuntimeError with its words."""
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as e:
            if e.code == 503:
                raise ConnectionError("Prometheus is starting") from None
            raise RuntimeError(e.read().decode()) from None

    def query(self, expression, **parameters):
        return self._get("/api/v1/query", query=expression, **parameters)["result"]

    def query_range(self, expression, start, end, step):
        return self._get("/api/v1/query_range", query=expression, start=start, end=end, step=step)["result"]

    def rules(self):
        return [rule for group in self._get("/api/v1/rules")["groups"] for rule in group["rules"]]

    def wait(self, expression, seconds=30):
        """What it answers, once it answers something."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.process.poll() is None, "Prometheus has ended"
            try:
                if found := self.query(expression):
                    return found
            except OSError:  # not there yet
                pass
            time.sleep(0.1)
        raise AssertionError(f"Prometheus has nothing for {expression}")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()
