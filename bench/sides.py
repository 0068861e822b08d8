"""The sides of the benchmark: weir, nginx, and no proxy at all, each over the same canned upstream.

A side is a process tree pinned to one core; the load generator and the upstream share another.
"""

import hashlib
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "e2e"))
from ports import free_port  # noqa: E402

CLIENT_KEY = "sk-bench-client-0123456789abcdef"


class Failed(Exception):
    """The benchmark cannot go on; the text says why."""


def cores():
    """(the proxies' core, the core of load and upstream), one where there is one."""
    usable = sorted(os.sched_getaffinity(0))
    return usable[-1], usable[0]


PROXY_CORE, LOAD_CORE = cores()


def raise_descriptor_limit():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def tool(build, name):
    path = Path(build) / "bench" / name
    if not path.exists():
        raise Failed(f"{path} is missing; build it with: ninja -C {build} bench-tools")
    return str(path)


def children(pid):
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(c) for t in tasks for c in (t / "children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def tree(pid):
    found = [pid]
    for one in found:
        found.extend(children(one))
    return found


class Upstream:
    def __init__(self, build):
        command = ["taskset", "-c", str(LOAD_CORE), tool(build, "bench-upstream")]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        if not line:
            raise Failed("the upstream did not start")
        self.port = int(line)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Helper:
    """A program of this folder's, on the core of load and upstream. line: the first that it says, JSON; port: of one that serves."""

    def __init__(self, program, *arguments, key=None):
        environment = {**os.environ, "BENCH_KEY": key or ""}
        self.process = subprocess.Popen(["taskset", "-c", str(LOAD_CORE), sys.executable, str(HERE / program), *map(str, arguments)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)
        self.line = self.next_line()
        self.port = self.line

    def next_line(self):
        said = self.process.stdout.readline()
        if not said:
            raise Failed(f"{' '.join(self.process.args)} ended with status {self.process.wait()}")
        return json.loads(said)

    def last(self):
        """What it says at the end of its standard input."""
        self.process.stdin.close()
        return self.next_line()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def helper_says(side, program, *arguments):
    with Helper(program, *arguments, key=side.key) as helper:
        return helper.line


class Direct:
    """No proxy: what the traffic itself takes."""

    name = "direct"
    key = None

    def __init__(self, upstream):
        self.port = self.stream_port = upstream.port


class Side:
    """A proxy. Subclasses give command(), port and stream_port."""

    key = None
    process = None
    core = PROXY_CORE
    patience = 10  # seconds until it listens
    asked = {}  # what bench-load is told of it, of the variables that bench/load.c names
    log = subprocess.DEVNULL  # a file where what it says is to be kept

    def environment(self):
        return dict(os.environ)

    def start(self):
        self.process = subprocess.Popen(["taskset", "-c", str(self.core), *self.command()], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=self.log, env=self.environment())
        self.wait_until_listening()
        return self

    def wait_until_listening(self):
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failed(f"{self.name} ended with status {self.process.returncode}: {' '.join(self.command())}{self.complaint()}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise Failed(f"{self.name} does not listen on port {self.port} after {self.patience} s")

    def complaint(self):
        return ""

    def stop(self):
        if not self.process:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def cpu_ns(self):
        """User and system time of the whole tree: sum_exec_runtime of every thread, from schedstat."""
        total = 0
        for pid in tree(self.process.pid):
            for task in Path(f"/proc/{pid}/task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
        return total

    def memory_kb(self, field="VmRSS"):
        """Resident memory of the whole tree; VmHWM for its peak."""
        total = 0
        for pid in tree(self.process.pid):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith(field + ":"):
                    total += int(line.split()[1])
        return total


NGINX_CONF = """
daemon off;
worker_processes 1;
worker_rlimit_nofile 65536;
pid {dir}/nginx.pid;
error_log stderr crit;
{user}
events {{ worker_connections 16384; }}
http {{
    access_log off;
    server_tokens off;
    tcp_nodelay on;
    client_body_buffer_size 64k;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    client_body_temp_path {dir}/body;
    proxy_temp_path {dir}/proxy;
    fastcgi_temp_path {dir}/fastcgi;
    uwsgi_temp_path {dir}/uwsgi;
    scgi_temp_path {dir}/scgi;
    upstream provider {{
        server 127.0.0.1:{upstream};
        keepalive 1024;
        keepalive_requests 100000000;
        keepalive_timeout 600s;
    }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_read_timeout 600s;
    {zone}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ proxy_pass http://provider; {cached} }}
    }}
    server {{
        listen 127.0.0.1:{stream_port} backlog=4096;
        location / {{ proxy_pass http://provider; proxy_buffering off; }}
    }}
}}
"""


class Nginx(Side):
    """Debian's nginx-light as a plain proxy: keep-alive both ways, no log, bodies of 16 KB kept in memory (the default puts
    them into files, at four times the cost); a second port does not buffer answers, for streams."""

    def __init__(self, upstream, folder, name="nginx", cache=False):
        self.name = name
        self.program = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        if not self.program:
            raise Failed("nginx is not installed; tools/deps bench installs it")
        self.folder = Path(folder) / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.stream_port = free_port(), free_port()
        zone = f"proxy_cache_path {self.folder}/cache keys_zone=answers:16m;" if cache else ""
        cached = ('proxy_cache answers; proxy_cache_methods POST; proxy_cache_key "$http_authorization|$request_uri|$request_body"; '
                  "proxy_cache_valid 200 1h;" if cache else "")
        text = NGINX_CONF.format(zone=zone, cached=cached, dir=self.folder, upstream=upstream.port, port=self.port, stream_port=self.stream_port,
                                 user="user root;" if os.geteuid() == 0 else "")
        (self.folder / "nginx.conf").write_text(text)

    def command(self):
        return [self.program, "-e", "stderr", "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]

    def version(self):
        return subprocess.run([self.program, "-v"], capture_output=True, text=True).stderr.strip().split("/")[-1]


PROVIDER = '  {name}: {{kind: openai, url: "http://127.0.0.1:{port}/v1", key: sk-bench-provider-0123456789, max_connections: {most}}}'
WEIR_YAML = """\
listen: 127.0.0.1:{port}
providers:
{providers}
models:
  "*": {targets}
server: {{workers: 1, max_connections: {most}{server}}}
clients:
  - {{name: bench, environment: dev, key: {{sha256: {sha256}}}}}
logs: {{level: info, format: json}}
"""


class Weir(Side):
    """weir as it runs in production: client keys checked, requests validated, limits and metrics on, one log line a call. ledger: of the
    configuration, where the program knows it. most: connections, of clients and to the provider. server: more of that section. more:
    upstreams beside the first, which have the same share of the calls."""

    key = CLIENT_KEY

    def __init__(self, upstream, folder, program, extra="", name="weir", ledger="off", most=16384, server="", more=()):
        self.name = name
        self.program = str(Path(program).resolve())
        if not os.access(self.program, os.X_OK):
            raise Failed(f"{program} is missing; build it with: make")
        self.folder = Path(folder) / name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = self.stream_port = free_port()
        digest = hashlib.sha256(CLIENT_KEY.encode()).hexdigest()
        if "`ledger`" in subprocess.run([self.program, "reference"], capture_output=True, text=True).stdout:
            extra += f"ledger: {ledger}\n".replace("STORE", f"sqlite:{self.folder}/ledger.db")
        ports = {"bench": upstream.port, **{f"bench-{i}": one.port for i, one in enumerate(more)}}
        providers = "\n".join(PROVIDER.format(name=name, port=port, most=most) for name, port in ports.items())
        targets = f"{{pick: weighted, targets: [{', '.join(ports)}]}}" if more else "bench"
        (self.folder / "weir.yaml").write_text(WEIR_YAML.format(port=self.port, providers=providers, targets=targets, sha256=digest, most=most, server=server) + extra)

    def command(self):
        return [self.program, "serve", "-c", str(self.folder / "weir.yaml")]

    def complaint(self):
        """Its log goes to /dev/null; what is wrong with the configuration can be asked for."""
        check = subprocess.run([self.program, "check", "-c", self.command()[-1]], capture_output=True, text=True)
        return "\n" + check.stdout + check.stderr

    def version(self):
        return subprocess.run([self.program, "--version"], capture_output=True, text=True).stdout.strip().split(" ")[-1]


def client_environment(side):
    env = {name: value for name, value in os.environ.items() if not name.startswith("BENCH_")}
    env.update(getattr(side, "asked", {}), BENCH_CHILD_CPU=str(PROXY_CORE))
    if side.key:
        env["BENCH_KEY"] = side.key
    return env


def load_command(build, what, port, *arguments):
    return ["taskset", "-c", str(LOAD_CORE), tool(build, "bench-load"), what, str(port), *map(str, arguments)]


def load(build, side, what, *arguments, port=None, patience=None):
    """One run of the load generator against a side; its figures. patience: seconds that it may take."""
    command = load_command(build, what, port or side.port, *arguments)
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=client_environment(side), timeout=patience)
    except subprocess.TimeoutExpired:
        raise Failed(f"{side.name}: not within {patience} s\n  {' '.join(command)}")
    if done.returncode:
        raise Failed(f"{side.name}: {done.stderr.strip()}\n  {' '.join(command)}")
    return json.loads(done.stdout.splitlines()[-1])
