"""A Redis of a test's own, on a port that stays its own while it is away, and a way to it that can be slow."""

import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from ports import free_port

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")


def why_not():
    return None if PROGRAM else "no redis-server and no valkey-server here"


class Refused(Exception):
    pass


class Server:
    """redis-server with nothing on disk: what is restarted has forgotten all. `options` are lines of redis.conf."""

    def __init__(self, *options, password=None):
        self.folder = Path(tempfile.mkdtemp(prefix="redis"))
        self.port, self.password = free_port(), password
        self.options = list(options) + ([f"requirepass {password}"] if password else [])
        self.process = None
        self.start()

    @property
    def url(self):
        login = f":{self.password}@" if self.password else ""
        return f"redis://{login}127.0.0.1:{self.port}"

    @property
    def socket(self):
        return self.folder / "redis.sock"

    def start(self):
        conf = self.folder / "redis.conf"
        conf.write_text("\n".join([f"port {self.port}", "bind 127.0.0.1", f"unixsocket {self.socket}", "save ''", "appendonly no",
                                   f"dir {self.folder}", *self.options]) + "\n")
        with open(self.folder / "log", "a") as log:
            self.process = subprocess.Popen([PROGRAM, str(conf)], stdout=log, stderr=log)
        until = time.monotonic() + 20
        while True:
            try:
                return self.ask("PING")
            except Refused:
                return None
            except OSError:
                assert self.process.poll() is None and time.monotonic() < until, (self.folder / "log").read_text()
                time.sleep(0.02)

    def kill(self, how=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(20)

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def ask(self, *words):
        """The answer to one command: text, number, list or None."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as s, s.makefile("rb") as lines:
            if self.password:
                s.sendall(command("AUTH", self.password))
                read_reply(lines)
            s.sendall(command(*words))
            return read_reply(lines)

    def close(self):
        if self.process and self.process.poll() is None:
            self.resume()
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def command(*words):
    parts = [str(w).encode() for w in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts)


def read_reply(lines):
    line = lines.readline()
    if not line:
        raise ConnectionError("the connection ended")
    kind, rest = line[:1], line[1:-2].decode()
    if kind == b"-":
        raise Refused(rest)
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == "-1" else lines.read(int(rest) + 2)[:-2].decode()
    if kind == b"*":
        return [read_reply(lines) for _ in range(int(rest))]
    return rest


class Way:
    """A port behind which the server is, `delay` seconds away in each direction; none while it is cut."""

    def __init__(self, server):
        self.server, self.delay, self.is_cut = server, 0, False
        self.open = set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                if self.is_cut:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self.server.port))
            except OSError:
                return
            self.open |= {near, far}
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(a, b), daemon=True).start()

    def carry(self, a, b):
        try:
            while data := a.recv(65536):
                time.sleep(self.delay)  # how far away it is: not a wait for anything
                b.sendall(data)
        except OSError:
            pass
        self.end(a)
        self.end(b)

    @staticmethod
    def end(s):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def cut(self):
        self.is_cut = True
        for s in list(self.open):
            self.end(s)

    def mend(self):
        self.is_cut = False

    def close(self):
        self.listener.close()
        self.cut()
