"""An HTTP proxy that knows CONNECT and nothing else."""

import socket
import threading


class ConnectProxy:
    """names: where the hosts that it knows really are, {"provider.test": "127.0.0.1"}. refuse: a status to answer with instead."""

    def __init__(self, names=None, refuse=None):
        self.names = names or {}
        self.refuse = refuse
        self.heads = []  # of the requests that came
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def targets(self):
        return [head.split()[1].decode() for head in self.heads]

    def _serve(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = client.recv(1)
            if not data:
                return client.close()
            head += data
        self.heads.append(head)
        method, target, _ = head.decode().split(" ", 2)
        host, _, port = target.rpartition(":")
        if self.refuse or method != "CONNECT":
            client.sendall(b"HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno" % (self.refuse or 405))
            return client.close()
        server = socket.create_connection((self.names.get(host, host), int(port)))
        client.sendall(b"HTTP/1.1 200 Connection established\r\nX-Proxy: test\r\n\r\n")
        threading.Thread(target=_copy, args=(server, client), daemon=True).start()
        _copy(client, server)


def _copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
