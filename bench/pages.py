"""What `bench/run peers --write` and `curves --write` leave: their parts of docs/benchmarks.md, between marks, and their pictures."""

import datetime
import platform
import sys
from pathlib import Path

import chart

DOCS = Path(__file__).resolve().parent.parent / "docs"
PAGE = DOCS / "benchmarks.md"
YARDSTICK, MINE = "nginx", ("weir", "weir, bare")
COST = [("call", "1 KB"), ("call16", "16 KB"), ("call200", "200 KB"), ("event", "an event"), ("tls-call", "1 KB, TLS to the provider"),
        ("tls-event", "an event, TLS to the provider"), ("tls-listener", "1 KB, TLS to the client"), ("cache", "from the cache")]
TIMES = [("lone p50", "a lone call, p50"), ("lone p99", "p99"), ("rate p50", "500 calls/s, p50"), ("rate p99", "p99"), ("rate p999", "p99.9"),
         ("token p50", "first token, p50")]
SIZES = [("start ms", "start, ms"), ("idle mb", "idle, MB"), ("stream kb", "KB an open stream"), ("tls-stream kb", "TLS to the provider"), ("size mb", "MB installed")]


def put(mark, text, page=PAGE):
    """Replaces what stands between <!-- mark --> and <!-- /mark -->."""
    whole = page.read_text()
    first, last = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
    before, found, rest = whole.partition(first)
    old, ended, after = rest.partition(last)
    if not found or not ended:
        raise ValueError(f"{page}: it has no part {mark}")
    page.write_text(before + first + text.strip("\n") + "\n" + last + after)


def table(heads, rows):
    lines = ["| " + " | ".join(heads) + " |", "| " + " | ".join("---" for _ in heads) + " |"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def said(row, key, digits=None):
    value = row.median(key)
    if value is None:
        return "–"
    return chart.number(value) if digits is None else f"{value:,.{digits}f}"


def cost(row, key, yardstick):
    """µs, and how much that is of what the yardstick takes."""
    mine, its = row.median(f"{key} cpu"), yardstick.median(f"{key} cpu")
    if mine is None:
        return "–"
    return chart.number(mine) + (f" ({mine / its:.2f} ×)" if its and row is not yardstick else "")


def how(options, machine):
    asked = " ".join(a for a in sys.argv[1:] if a != "--write")
    return f"`bench/run {asked}`, {datetime.date.today()}; {machine}; Python {platform.python_version()}; medians of {options.rounds} rounds."


def peers_text(rows, options, machine):
    seen = [row for row in rows if row.figures]
    yardstick = next(row for row in seen if row.name == YARDSTICK)
    notes = [f"* {row.name}, {key}: {why}." for row in seen for key, why in row.notes.items()]
    return "\n\n".join([
        how(options, machine),
        "CPU time of one call or event, µs, and × nginx:",
        table(["", *(words for _, words in COST)], [[row.name, *(cost(row, key, yardstick) for key, _ in COST)] for row in seen]),
        "Time added to the direct way, µs:",
        table(["", *(words for _, words in TIMES)], [[row.name, *(said(row, key, 0) for key, _ in TIMES)] for row in seen]),
        "Start, memory, size:",
        table(["", "version", *(words for _, words in SIZES)], [[row.name, row.version, *(said(row, key) for key, _ in SIZES)] for row in seen]),
        "What has no figure, and why:" if notes else "",
        "\n".join(notes)]).strip()


def write_peers(rows, options, machine):
    if not any(row.name == YARDSTICK and row.figures for row in rows):
        return
    put("peers", peers_text(rows, options, machine) + "\n\n![CPU time of a call and of an event, beside the peers](benchmarks-peers.svg)")
    groups = [(words, sorted(((row.name, row.median(f"{key} cpu")) for row in rows if row.median(f"{key} cpu")), key=lambda one: one[1]))
              for key, words in (("call", "a call of 1 KB"), ("event", "a streamed event"), ("tls-call", "a call of 1 KB, TLS to the provider"))]
    (DOCS / "benchmarks-peers.svg").write_text(chart.bars("CPU time beside the peers", "µs", [g for g in groups if g[1]], MINE))


def curves_text(made, options, machine):
    parts = [how(options, machine)]
    for curve in made:
        parts.append(f"**{curve.name}**: {curve.unit}, by {curve.grows}. It should be {curve.flat}.")
        parts.append(table(["", *(f"{x:,}" for x in curve.at), "last ÷ first"],
                           [[line, *(chart.number(y) for _, y in curve.points(line)), f"{curve.growth(line):.2f}"] for line in curve.lines]))
    return "\n\n".join(parts)


def write_curves(made, options, machine):
    put("curves", curves_text(made, options, machine) + "\n\n![The same as lines](benchmarks-curves.svg)")
    panels = [(curve.name, curve.grows, curve.unit, [(line, curve.points(line)) for line in curve.lines]) for curve in made]
    (DOCS / "benchmarks-curves.svg").write_text(chart.curves("What a call costs, along what grows", panels))
