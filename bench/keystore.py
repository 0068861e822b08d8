"""A store with as many clients' keys as are wanted: one made by `weir keys create`, the others written beside it, of which some have a
text that can be asked with."""

import hashlib
import hmac
import secrets
import socket
import sqlite3
import string
import subprocess
import zlib

DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase


def text():
    """What a key looks like (src/access/key_text.h)."""
    begin = "wk-" + "".join(secrets.choice(DIGITS) for _ in range(43))
    crc, check = zlib.crc32(begin.encode()), ""
    for _ in range(6):
        crc, digit = divmod(crc, 62)
        check = DIGITS[digit] + check
    return begin + check


def make(program, config, options=()):
    """weir's own: its text."""
    return subprocess.run([program, "keys", "create", "--name", "stored", "-c", config, *options], check=True, capture_output=True,
                          text=True).stdout.strip()


def fill(path, count, known=0):
    """Writes so many more; the texts of the first of them."""
    texts = [text() for _ in range(known)]
    with sqlite3.connect(path) as db:
        secret = db.execute("SELECT value FROM weir_key_secret WHERE name = 'hash'").fetchone()[0]
        first = db.execute("SELECT value FROM weir_meta WHERE name = 'keys'").fetchone()[0]
        db.execute("PRAGMA cache_size = -400000")
        db.execute("""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
            INSERT INTO weir_keys SELECT printf('key_%024x', i), printf('filler-%07d', i), 'wk-0000', '{"limits": {"requests": "100000/m"}}', 1, 0, 0, 0, ? + i
            FROM n""", (count, first))
        db.execute("""WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?)
            INSERT INTO weir_key_hashes SELECT randomblob(32) AS hash, printf('key_%024x', i), 0 FROM n ORDER BY hash""", (known + 1, count))
        db.executemany("INSERT INTO weir_key_hashes VALUES (?, printf('key_%024x', ?), 0)",
                       [(hmac.digest(secret, t.encode(), hashlib.sha256), i + 1) for i, t in enumerate(texts)])
        db.execute("UPDATE weir_meta SET value = ? WHERE name = 'keys'", (first + count,))
    db.close()
    return texts


def ask(port, texts):
    """Each once, over one connection: something that is refused when it is known whose key that is."""
    with socket.create_connection(("127.0.0.1", port)) as to:
        answers = to.makefile("rb")
        for key in texts:
            to.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n"
                       "content-type: application/json\r\ncontent-length: 1\r\n\r\n{".encode())
            status, length = answers.readline(), 0
            while (line := answers.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            answers.read(length)
            if b" 400 " not in status:
                raise RuntimeError(f"a key was answered with {status.decode().strip()}")
