"""A provider of which each test says what it answers, and which keeps what it was asked."""

from __future__ import annotations

import http.server
import json
import threading
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from typing import Any, Dict, List, Tuple, Union


@dataclass
class Asked:
    method: str
    path: str
    """With the query."""
    headers: Message
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def form(self) -> List[Tuple[str, Union[str, Tuple[str, str, bytes]]]]:
        """Fields in order; a file is (its name, its type, its bytes)."""
        whole = message_from_bytes(b"content-type: " + self.headers["content-type"].encode() + b"\r\n\r\n" + self.body)
        fields: List[Tuple[str, Union[str, Tuple[str, str, bytes]]]] = []
        for part in whole.get_payload():
            assert isinstance(part, Message)
            name, content = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
            assert isinstance(name, str) and isinstance(content, bytes)
            file = part.get_filename()
            fields.append((name, (file, part.get_content_type(), content) if file else content.decode()))
        return fields


class Scripted:
    """answers: by "METHOD /path", without the query: JSON, or (content type, bytes), or (status, JSON)."""

    def __init__(self) -> None:
        self.asked: List[Asked] = []
        self.answers: Dict[str, Any] = {}
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                outer.asked.append(Asked(self.command, self.path, self.headers, body))
                found = outer.answers.get(f"{self.command} {self.path.partition('?')[0]}", (404, {"error": {"message": "not here"}}))
                status, kind, content = 200, "application/json", b""
                if isinstance(found, tuple) and isinstance(found[0], int):
                    status, content = found[0], json.dumps(found[1]).encode()
                elif isinstance(found, tuple):
                    kind, content = found
                else:
                    content = json.dumps(found).encode()
                self.send_response(status)
                for name, value in {"content-type": kind, "content-length": str(len(content)), "x-ratelimit-remaining-requests": "7"}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
