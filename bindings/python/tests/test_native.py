"""Where the library, and what it needs of the system, is looked for."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any, Dict

import pytest

from weir._native import _let_it_find_certificates


class Paths:
    def __init__(self, cafile: Any, capath: Any) -> None:
        self.cafile, self.capath = cafile, capath


@pytest.mark.parametrize(
    "given, paths, debian, set_to",
    [
        ({}, ("/etc/pki/ca.pem", None), False, {"SSL_CERT_FILE": "/etc/pki/ca.pem"}),
        ({}, (None, "/etc/pki/certs"), False, {"SSL_CERT_DIR": "/etc/pki/certs"}),
        ({}, (None, None), False, {}),
        ({}, ("/etc/pki/ca.pem", None), True, {}),
        ({"SSL_CERT_FILE": "/mine"}, ("/etc/pki/ca.pem", None), False, {"SSL_CERT_FILE": "/mine"}),
        ({"SSL_CERT_DIR": "/mine"}, ("/etc/pki/ca.pem", None), False, {"SSL_CERT_DIR": "/mine"}),
    ],
)
def test_certificates_of_a_wheel(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: Dict[str, str], paths: Any, debian: bool, set_to: Dict[str, str]
) -> None:
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: Paths(*paths))
    _let_it_find_certificates(given, str(tmp_path if debian else tmp_path / "nowhere"))
    assert given == set_to
