"""Compares the scanner's verdicts with those of Python's json, made strict, on documents that are
put together at random, mutated and cut. Usage: compare_python.py PROGRAM (see verdicts.c)."""
import json
import random
import struct
import subprocess
import sys

COUNT = 20000
PIECES = [
    b"{", b"}", b"[", b"]", b",", b":", b" ", b"\n", b"\t", b"\r", b'"', b"\\", b"null", b"true", b"false",
    b"0", b"-", b"1", b"9", b".", b"e", b"E", b"+", b"-0", b"1.5e-3", b'"a"', b'"b":', b'"a":1', b'"\\u0061":2',
    b'""', b'"\\n"', b"\\u", b"\\ud83d\\ude00", b'"\\ud800"', b"\x00", b"\x1f", b"\x7f", b"\xc3\xa9", b"\xc3",
    b"\xe2\x82\xac", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xff", b"\xef\xbb\xbf",
    b"\xc2\xa0", b"NaN", b"Infinity", b"//", b"'",
]
SCALARS = [0, -1, 1.5, 1e300, 10**30, True, False, None, "", "plain", "\u00e9\u20ac\U0001f600", "\"\\\n\x01/", "\ud83d", "x" * 40]


def refuse(*_):
    raise ValueError


def as_object(pairs):
    # weir's reader takes a lone surrogate for U+FFFD, so two that differ are one name.
    names = {n.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for n, _ in pairs}
    return dict(pairs) if len(names) == len(pairs) else refuse()


def verdict(doc):
    try:
        root = json.loads(doc.decode(), parse_constant=refuse, object_pairs_hook=as_object)
    except (ValueError, RecursionError):
        return 0
    if root is None:
        return 1
    if isinstance(root, bool):
        return 3 if root else 2
    return {int: 4, float: 4, str: 5, list: 6, dict: 7}[type(root)]


def value(r, depth):
    kind = r.random()
    if depth == 0 or kind < 0.4:
        return r.choice(SCALARS)
    if kind < 0.7:
        return [value(r, depth - 1) for _ in range(r.randrange(5))]
    return {r.choice(["a", "b", "c", "\u00e9", "", "long name %d" % r.randrange(40)]): value(r, depth - 1)
            for _ in range(r.randrange(r.choice([3, 3, 3, 25])))}


def document(r):
    kind = r.random()
    if kind < 0.3:
        return b"".join(r.choice(PIECES) for _ in range(r.randrange(1, 9)))
    doc = bytearray(json.dumps(value(r, 3), ensure_ascii=r.random() < 0.5, indent=r.choice([None, None, 1]))
                    .encode("utf-8", "surrogatepass"))
    if kind < 0.4 or not doc:
        return bytes(doc)
    at = r.randrange(len(doc))
    if kind < 0.5:
        return bytes(doc[:at])
    if kind < 0.7:
        doc[at] = r.randrange(256)
    elif kind < 0.9:
        doc[at:at + r.randrange(3)] = r.choice(PIECES)
    else:
        doc[at:at] = doc[at:at + r.randrange(30)]
    return bytes(doc)


def main():
    r = random.Random(5)
    docs = [document(r) for _ in range(COUNT)]
    out = subprocess.run([sys.argv[1]], input=b"".join(struct.pack("<I", len(d)) + d for d in docs),
                         stdout=subprocess.PIPE, check=True).stdout.split()
    expected = [verdict(d) for d in docs]
    assert len(out) == len(docs)
    differing = [(d, e, int(o)) for d, e, o in zip(docs, expected, out) if e != int(o)]
    for doc, python, weir in differing[:10]:
        print(f"{doc!r}: Python {python}, weir {weir}")
    accepted = sum(1 for e in expected if e)
    print(f"{len(docs)} documents, {accepted} accepted, {len(differing)} verdicts differ")
    sys.exit(bool(differing) or not COUNT * 0.1 < accepted < COUNT * 0.9)


main()
