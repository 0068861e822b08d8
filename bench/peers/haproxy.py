"""HAProxy of Debian 12: one thread, keep-alive to both sides, no log."""

import os
import platform
import resource

from peers.common import CACHE, Peer, debian_packages, disk_bytes, must

CONFIGURATION = """
global
    nbthread 1
    maxconn {most}
    ssl-default-bind-options ssl-min-ver TLSv1.3
    {user}
defaults
    mode http
    timeout connect 5s
    timeout client 600s
    timeout server 600s
    http-reuse always
    option http-no-delay
frontend bench
    bind 127.0.0.1:{port} backlog 4096 {bind}
    default_backend provider
backend provider
    server provider {provider} {server}
"""


class Haproxy(Peer):
    NAME = "HAProxy"
    SETTINGS = ("plain", "provider", "listener")

    @classmethod
    def install(cls):
        debian_packages("haproxy", "haproxy", "liblua5.3-0", "libopentracing-c-wrapper0", "libopentracing1")

    def __init__(self, setting):
        super().__init__(setting)
        self.root = CACHE / "haproxy"
        pair = self.folder / "pair.pem"
        pair.write_text(setting.cert.read_text() + setting.key.read_text())
        secure = setting.name == "provider"
        (self.folder / "haproxy.cfg").write_text(CONFIGURATION.format(
            port=self.port, most=min(16384, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2 - 200), provider=f"127.0.0.1:{setting.provider_port}", user="user root" if os.geteuid() == 0 else "",
            bind=f"ssl crt {pair}" if setting.name == "listener" else "",
            server=f"ssl ca-file {setting.ca} sni str(localhost) verifyhost localhost ssl-min-ver TLSv1.3" if secure else ""))

    def environment(self):
        return dict(os.environ, LD_LIBRARY_PATH=f"{self.root}/usr/lib/{platform.machine()}-linux-gnu")

    def command(self):
        return [str(self.root / "usr/sbin/haproxy"), "-db", "-f", str(self.folder / "haproxy.cfg")]

    def complaint(self):
        return "\n" + must([*self.command(), "-c"], env=self.environment())

    def version(self):
        return must([self.command()[0], "-v"], env=self.environment()).split()[2]

    def installed_bytes(self):
        return disk_bytes(self.root)
