"""A PostgreSQL server of a test's own: in a folder, on a Unix socket alone, as an unprivileged user where the tests run as root."""

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path


def programs():
    """The folder of the newest server's programs, or None."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda p: int(Path(p).parts[4]))
    initdb = found[-1] if found else shutil.which("initdb")
    return Path(initdb).parent if initdb else None


def why_not():
    """Why no server can run here, or None."""
    if not programs():
        return "PostgreSQL's server is not installed (tools/deps test)"
    return None


class Server:
    def __init__(self):
        self.user = None if os.geteuid() else pwd.getpwnam("nobody").pw_uid
        self.folder = Path(tempfile.mkdtemp(prefix="weir-pg-"))  # short: a socket's path may have 107 bytes
        if self.user is not None:
            os.chown(self.folder, self.user, self.user)
        self.process = None
        self.run("initdb", "-D", self.folder / "data", "-U", "weir", "-A", "trust", "-N", "-E", "UTF8", "--locale=C.UTF-8")
        self.start()

    def _options(self):
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": self.folder}
        return options if self.user is None else {**options, "user": self.user, "group": self.user, "extra_groups": []}

    def run(self, program, *args, check=True):
        return subprocess.run([programs() / program, *map(str, args)], check=check, **self._options()).returncode

    def sql(self, text, database="postgres"):
        done = subprocess.run([programs() / "psql", "-h", self.folder, "-U", "weir", "-d", database, "-XAtqc", text], check=True,
                              capture_output=True, text=True)
        return done.stdout.strip()

    def script(self, text, database):
        """Lines for psql, with its own commands: the lines that it answers."""
        done = subprocess.run([programs() / "psql", "-h", self.folder, "-U", "weir", "-d", database, "-XAtq"], input=text, check=True,
                              capture_output=True, text=True)
        return done.stdout.split()

    def session(self, database):
        return Session([programs() / "psql", "-h", self.folder, "-U", "weir", "-d", database, "-XAtq"])

    def _begin(self):
        self.process = subprocess.Popen([programs() / "postgres", "-D", self.folder / "data", "-c", f"unix_socket_directories={self.folder}",
                                         "-c", "listen_addresses="], **self._options())

    def start(self):
        """One that was killed has processes that hold its memory until they see that: another does not begin before."""
        deadline = time.monotonic() + 60
        self._begin()
        while self.run("pg_isready", "-q", "-h", self.folder, "-U", "weir", check=False):
            assert time.monotonic() < deadline, "the server does not begin"
            time.sleep(0.02)
            if self.process.poll() is not None:
                self._begin()

    def stop(self, how=signal.SIGQUIT):
        """SIGQUIT: at once and without closing anything, as a crash. SIGINT: in order."""
        self.process.send_signal(how)
        self.process.wait(30)

    def signal_all(self, number):
        """To the server and the processes of its connections."""
        self.process.send_signal(number)
        for stat in glob.glob("/proc/[0-9]*/stat"):
            try:
                parent = int(Path(stat).read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == self.process.pid:
                os.kill(int(Path(stat).parts[2]), number)

    def database(self, name):
        """An empty one, as ledger.store names it."""
        self.sql(f"CREATE DATABASE {name}")
        return f"postgres://weir@/{name}?host={self.folder}"

    def close(self):
        if self.process.poll() is None:
            self.signal_all(signal.SIGCONT)
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Session:
    """A psql that stays."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def say(self, text, until):
        """Waits for a line that begins so."""
        self.process.stdin.write(text + "\n")
        for line in self.process.stdout:
            if line.startswith(until):
                return
        raise AssertionError("psql has ended")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)


class Relay:
    """A TCP port in front of a server, which can let a commit through and cut the connection before its answer, or keep silent."""

    def __init__(self, server):
        self.path = str(server.folder / ".s.PGSQL.5432")
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.cuts = 0  # how many more commits are to be answered by nothing
        self.cut = 0
        self.mute_after = None  # bytes of a statement after which a connection hears nothing more
        self.muted = threading.Event()
        self.end_after = None  # and after which it is ended, 0.7 s later
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.path)
            state = {"cutting": False, "muted": False}
            for source, sink, asks in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pump, args=(source, sink, asks, state), daemon=True).start()

    def _pump(self, source, sink, asks, state):
        try:
            while data := source.recv(65536):
                if asks and self.cuts and b"COMMIT\0" in data:
                    self.cuts -= 1
                    state["cutting"] = True
                if asks and self.mute_after and self.mute_after in data:
                    state["muted"] = True
                    self.muted.set()
                if asks and self.end_after and self.end_after in data:
                    time.sleep(0.7)
                    break
                if not asks and state["muted"]:
                    continue
                if not asks and state["cutting"]:
                    self.cut += 1  # it has been done
                    break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()
