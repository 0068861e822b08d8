"""TLS at the two ends of `bench/run peers`: an nginx before the provider that speaks TLS 1.3, one behind the load that asks over it. Both
are on the load's core, so what they take is in no figure."""

import subprocess

from sides import LOAD_CORE, NGINX_CONF, Failed, Nginx

HOST = "localhost"


def make_certificate(folder):
    """(authority, certificate, key): the certificate of HOST and 127.0.0.1 is its own authority."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    done = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                           "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1", "-keyout", key, "-out", cert],
                          capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"openssl made no certificate: {done.stderr.strip()}")
    return cert, cert, key


class Door(Nginx):
    """nginx as a TLS end. behind: what it passes calls to, with a port; secure: what of its configuration makes it one."""

    core = LOAD_CORE

    def __init__(self, behind, folder, name):
        super().__init__(behind, folder, name)
        file = self.folder / "nginx.conf"
        file.write_text(self.secured(file.read_text()).replace("client_body_buffer_size 64k", "client_body_buffer_size 1m"))


class ProviderDoor(Door):
    """TLS before the provider; nothing is held back, streams come as they are. On port alone."""

    def __init__(self, upstream, folder, cert, key):
        self.cert, self.key = cert, key
        super().__init__(upstream, folder, "provider-door")

    def secured(self, text):
        listen = f"listen 127.0.0.1:{self.port} backlog=4096"
        return text.replace(listen, f"listen [::1]:{self.port} backlog=4096 ssl; {listen} ssl; ssl_certificate {self.cert}; "
                                    f"ssl_certificate_key {self.key}; ssl_protocols TLSv1.3; proxy_buffering off")


class ClientDoor(Door):
    """Asks a proxy over TLS what it is asked without."""

    def __init__(self, side, folder, ca):
        self.ca = ca
        super().__init__(side, folder, f"client-door-{side.name}".replace(" ", "-"))
        self.key, self.asked = side.key, side.asked

    def secured(self, text):
        return text.replace("proxy_http_version 1.1;", f"proxy_http_version 1.1; proxy_ssl_trusted_certificate {self.ca}; proxy_ssl_verify on; "
                                                       f"proxy_ssl_name {HOST}; proxy_ssl_protocols TLSv1.3; proxy_set_header Host {HOST};").replace("http://provider", "https://provider")


assert "proxy_http_version 1.1;" in NGINX_CONF and "http://provider" in NGINX_CONF
