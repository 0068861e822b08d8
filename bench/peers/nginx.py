"""nginx, the yardstick: bench/sides.py has what it is, beside it TLS on either side."""

import subprocess

from peers.common import Peer
from sides import Nginx as PlainNginx

TO_PROVIDER = """proxy_ssl_trusted_certificate {ca};
    proxy_ssl_verify on;
    proxy_ssl_name localhost;
    proxy_ssl_server_name on;
    proxy_ssl_protocols TLSv1.3;"""


class Nginx(PlainNginx, Peer):
    NAME = "nginx"
    SETTINGS = ("plain", "provider", "listener", "cache")

    def __init__(self, setting):
        self.setting = setting
        where = setting.folder / "nginx" / setting.name
        upstream = type("Upstream", (), {"port": setting.provider_port})
        PlainNginx.__init__(self, upstream, where, cache=setting.name == "cache")
        file = self.folder / "nginx.conf"
        text = file.read_text().replace("client_body_buffer_size 64k", "client_body_buffer_size 1m")
        if setting.name == "provider":
            text = text.replace("proxy_http_version 1.1;", "proxy_http_version 1.1;\n    " + TO_PROVIDER.format(ca=setting.ca))
            text = text.replace("proxy_pass http://provider", "proxy_pass https://provider")
        if setting.name == "listener":
            text = text.replace(" backlog=4096;", f" backlog=4096 ssl;\n        ssl_certificate {setting.cert}; ssl_certificate_key {setting.key};"
                                                  "\n        ssl_protocols TLSv1.3;")
        file.write_text(text)

    def installed_bytes(self):
        """Of Debian's packages; the shared libraries that it needs beside them are on every system."""
        asked = subprocess.run(["dpkg-query", "-W", "-f=${Installed-Size}\n", "nginx-light", "nginx-common"], capture_output=True, text=True)
        return 1024 * sum(int(line) for line in asked.stdout.split())
