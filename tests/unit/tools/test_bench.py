#!/usr/bin/env python3
"""`bench/run peers` and `curves`: their tables and pictures of what was made up, and a round of what needs nothing to be installed.
test_bench.py SOURCE BUILD"""

import argparse
import re
import sys
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

SOURCE, BUILD = Path(sys.argv[1]), Path(sys.argv[2])
sys.path.insert(0, str(SOURCE / "bench"))
sys.dont_write_bytecode = True
try:
    import sides
except Exception as why:  # one core
    print(f"skipped: {why}")
    sys.exit(77)
import chart
import compare
import curves
import pages
import peers
import peers.common

OPTIONS = argparse.Namespace(rounds=1, calls=60, events=5, streams=20, rate_seconds=0.1, write=False, build=str(BUILD), weir=str(BUILD / "weir"))


class Quiet:
    section = ""

    def __init__(self):
        self.rows = {}

    def head(self, section, text):
        self.section = section

    def say(self, text=""):
        pass

    def row(self, name, text, target="", verdict=None):
        self.rows[self.section, name] = text


def made_up(name, **figures):
    row = compare.Row(name, "1.0")
    for key, value in figures.items():
        row.add(key.replace("_", " "), value)
    return row


class Pages(unittest.TestCase):
    def test_a_table_says_how_much_of_nginx(self):
        rows = [made_up("nginx", call_cpu=40.0, lone_p50=100.4), made_up("weir", call_cpu=30.0), compare.Row("absent")]
        rows[1].notes["event"] = "no streams"
        text = pages.peers_text(rows, OPTIONS, "2 cores")
        self.assertIn("| nginx | 40.0 | – |", text)
        self.assertIn("| weir | 30.0 (0.75 ×) | – |", text)
        self.assertIn("| nginx | 100 | – |", text)
        self.assertIn("* weir, event: no streams.", text)
        self.assertNotIn("absent", text)

    def test_a_part_of_the_page_is_replaced(self):
        with tempfile.TemporaryDirectory() as folder:
            page = Path(folder) / "page.md"
            page.write_text("before\n<!-- peers -->\nold\n<!-- /peers -->\nafter\n")
            pages.put("peers", "new", page)
            self.assertEqual(page.read_text(), "before\n<!-- peers -->\nnew\n<!-- /peers -->\nafter\n")
            with self.assertRaises(ValueError):
                pages.put("curves", "new", page)

    def test_the_real_page_has_both_parts(self):
        for mark in ("peers", "curves"):
            self.assertRegex(pages.PAGE.read_text(), f"(?s)<!-- {mark} -->\n.*<!-- /{mark} -->")

    def test_growth_is_of_medians(self):
        curve = curves.Curve("rules", "rules", "µs", "flat", [1, 10], {"a call": {1: [10, 20, 90], 10: [30, 40, 50]}})
        self.assertEqual(curve.points("a call"), [(1, 20), (10, 40)])
        self.assertIn("| a call | 20.0 | 40.0 | 2.00 |", pages.curves_text([curve], OPTIONS, "2 cores"))


class Charts(unittest.TestCase):
    def test_bars_grow_by_the_logarithm(self):
        drawn = chart.bars("cost", "µs", [("a call", [("a", 10), ("b", 100), ("<c>", 1000)])], ("a",))
        xml.etree.ElementTree.fromstring(drawn)
        widths = [float(w) for w in re.findall(r'width="([\d.]+)" height="14"', drawn)]
        self.assertAlmostEqual(widths[2] - widths[1], widths[1] - widths[0], delta=0.2)

    def test_curves_stay_in_their_panels(self):
        panels = [("one", "x", "y", [("l", [(1, 0.5), (10_000, 4000)])]), ("two", "x", "y", [("l", [(5, 5), (5, 5)])])]
        drawn = chart.curves("c", panels)
        xml.etree.ElementTree.fromstring(drawn)
        for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', drawn):
            self.assertTrue(0 < float(x) < 760 and 30 < float(y) < 260)


class Peers(unittest.TestCase):
    def test_a_file_is_a_row(self):
        files = {path.stem for path in peers.common.HERE.glob("*.py")} - {"__init__", "common", "service_app"}
        self.assertEqual({peer.__module__.split(".")[1] for peer in peers.PEERS}, files)

    def test_every_version_is_pinned(self):
        for listed in peers.common.HERE.glob("*.txt"):
            for line in listed.read_text().splitlines():
                self.assertRegex(line, r"^[\w.-]+==[\w.]+$")

    def test_a_round_of_the_plain_ones(self):
        report = Quiet()
        with tempfile.TemporaryDirectory() as folder:
            bench = argparse.Namespace(options=OPTIONS, report=report, folder=folder, upstream=sides.Upstream(OPTIONS.build))
            bench.direct = sides.Direct(bench.upstream)
            try:
                run = compare.Comparison(bench, [peers.Floor, peers.FullWeir, peers.BareWeir])
                run.in_setting("plain", [("call", run.call(1024)), ("event", run.events), ("lone", run.lone), ("token", run.token)])
                run.alone()
            finally:
                bench.upstream.stop()
        for row in run.rows.values():
            self.assertEqual(row.notes, {}, row.name)
            for figure in ("call cpu", "event cpu", "start ms", "idle mb", "size mb"):
                self.assertGreater(row.median(figure), 0, f"{row.name} {figure}")
            for figure in ("lone p50", "lone p99", "token p50", "stream kb"):
                self.assertIsNotNone(row.median(figure), f"{row.name} {figure}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
