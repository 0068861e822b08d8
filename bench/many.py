"""`bench/run many`: so many streams at once through one process of weir's, each checked to its end.

They are begun evenly over two of the pauses between their events, so that all are open when the third comes. That they are is asked
of weir itself; that nothing was lost, doubled or mixed up is what bench-load checks of each event.
"""

import re
import resource
import threading
import urllib.request

from curves import ports
from sides import Failed, Upstream, Weir

EVENTS = 4
STREAMS_A_PROVIDER = 10_000  # as bench-load has of an address, for the same reason
BEGUN_A_SECOND = 500
COMPLAINTS = 5  # that are shown where the run fails
FILES = 1500  # besides those of the streams

# How soon a machine is at its end (tools/machine) is not what is asked, nor what comments cost that keep so many streams alive.
SERVER = ", keep_alive_comment: 1h"
SETTINGS = """\
limits: {{calls: {most}, memory: 4GB, client_share: 100%}}
timeouts: {{connect: 5m, between_events: 1h, total: 2h}}
"""


def enough(streams):
    """A stream has two sockets in weir, and a port of its own on each side of it, among those of an address."""
    files, free = resource.getrlimit(resource.RLIMIT_NOFILE)[0], ports()
    if files < 2 * streams + FILES:
        raise Failed(f"{streams} streams take {2 * streams + FILES} open files, and this process may have {files}: see ulimit -n, or tools/machine")
    if free < min(streams, STREAMS_A_PROVIDER) + FILES:
        raise Failed(f"{STREAMS_A_PROVIDER} streams take as many ports, and there are {free}: see the kernel's net.ipv4.ip_local_port_range")


def complaints(weir, log):
    """Whether weir has ended, and the first lines of its log that tell of calls which are not well."""
    with log.open() as lines:
        amiss = [line for line in lines if '"event":"call"' in line and '"outcome":"ok"' not in line][:COMPLAINTS]
    ended = weir.process.poll()
    return "".join(amiss) if ended is None else "".join([f"weir has ended with status {ended}\n", *amiss])


class Many:
    def __init__(self, bench):
        self.bench, self.options, self.report = bench, bench.options, bench.report
        self.streams = self.options.many
        enough(self.streams)

    def run(self):
        pause = self.options.pause or max(1, self.streams // BEGUN_A_SECOND)
        self.report.head("many", f"{self.streams} streams at once through one process, {EVENTS} events each, one every {pause} s")
        most = self.streams + FILES
        others = [Upstream(self.options.build) for _ in range((self.streams - 1) // STREAMS_A_PROVIDER)]
        weir = Weir(self.bench.upstream, self.bench.folder, self.options.weir, extra=SETTINGS.format(most=most), name="weir-many", most=most,
                    server=SERVER, more=others)
        log = weir.folder / "log"
        with log.open("w") as weir.log:
            self.bench.start(weir)
        try:
            idle = weir.memory_kb()
            seen = {"streams": 0}
            ended = threading.Event()
            watcher = threading.Thread(target=self.watch, args=(weir, seen, ended, pause / 20))
            watcher.start()
            try:
                before = weir.cpu_ns()
                figures = self.bench.load(weir, "streams", self.streams, EVENTS, pause * 1_000_000)
                cpu = (weir.cpu_ns() - before) / 1000
            except Failed as error:
                raise Failed(f"{error}\n{complaints(weir, log)}")
            finally:
                ended.set()
                watcher.join()
            held = (weir.memory_kb("VmHWM") - idle) / self.streams
        finally:
            self.bench.stop(weir)
            for one in others:
                one.stop()
        self.report.row("open at once", f"{seen['streams']:,}", f"target {self.streams:,}", seen["streams"] == self.streams)
        self.report.row("events", f"{figures['events']:,} of {self.streams * EVENTS:,}, each checked", "target all", figures["events"] == self.streams * EVENTS)
        self.report.row("memory", f"{held:.1f} KB a stream, at its peak")
        self.report.row("CPU time", f"{cpu / self.streams:.0f} µs a stream, {EVENTS} events")
        self.report.row("first token", f"after {figures['p50_us'] / 1000:.1f} ms, p99 {figures['p99_us'] / 1000:.1f} ms")

    @staticmethod
    def watch(weir, seen, ended, every):
        while not ended.wait(every):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{weir.port}/metrics", timeout=60) as answer:
                    found = re.search(r"^weir_open_streams (\d+)", answer.read().decode(), re.M)
            except OSError:  # busy, or stopped meanwhile
                continue
            seen["streams"] = max(seen["streams"], int(found[1]))
