"""tools/picture/draw.py: figures as words, lines with holes, axes; and a drawing of answers that hold nothing.

    test_picture.py SOURCE_ROOT
"""

import importlib.util
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

TOP = pathlib.Path(sys.argv.pop(1))
DRAW = TOP / "tools" / "picture" / "draw.py"
sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("draw", DRAW)
draw = importlib.util.module_from_spec(spec)
spec.loader.exec_module(draw)


class Figures(unittest.TestCase):
    def test_as_words(self):
        for value, unit, words in [(0, "s", "0"), (0.0000125, "s", "12.5 µs"), (0.95, "s", "950 ms"), (12, "s", "12 s"), (1536, "bytes", "1.5 KiB"),
                                   (268435456, "bytes", "256 MiB"), (0.0312, "percentunit", "3.12 %"), (0.5, "reqps", "0.5 /s"), (12345, "short", "12,345")]:
            self.assertEqual(draw.worded(value, unit), words)
        self.assertEqual(draw.worded(0.0300004, "short", 4), "0.0300")

    def test_tops(self):
        for value, top in [(0, 1), (0.7, 1), (1, 1), (1.1, 2), (2.3, 2.5), (26, 50), (99, 100), (0.0003, 0.0005)]:
            self.assertAlmostEqual(draw.nice_top(value), top)
        self.assertEqual((draw.nice_top(9 << 20, "bytes"), draw.nice_top(1 << 20, "bytes")), (16 << 20, 1 << 20))


class Lines(unittest.TestCase):
    def test_what_is_no_number_is_left_out(self):
        panel = {"targets": [{"legendFormat": "{{a}}: {{b}}"}]}
        answers = [[{"metric": {"a": "x"}, "values": [[1, "NaN"], [2, "3"], [3, "+Inf"]]}, {"metric": {}, "values": [[1, "NaN"]]}]]
        self.assertEqual(draw.lines_of(panel, answers), [("x:", {2.0: 3.0})])

    def test_holes_part_a_line(self):
        self.assertEqual(list(draw.pieces({1: 0, 4: 0, 30: 0, 33: 0}, 10)), [[1, 4], [30, 33]])
        self.assertEqual(list(draw.pieces({}, 10)), [])

    def test_a_level_stretch_has_its_ends(self):
        self.assertEqual(draw.corners([(0, 5), (1, 5), (2, 5), (3, 7), (4, 7)]), [(0, 5), (2, 5), (3, 7), (4, 7)])
        self.assertEqual((draw.corners([]), draw.corners([(0, 1)]), draw.corners([(0, 1), (1, 1)])), ([], [(0, 1)], [(0, 1), (1, 1)]))

    def test_stacks_stand_on_each_other(self):
        self.assertEqual(draw.stacked([("a", {1: 2.0}), ("b", {1: 3.0, 2: 1.0})]), [("a", {1: (0, 2.0)}), ("b", {1: (2.0, 5.0), 2: (0, 1.0)})])

    def test_a_logarithmic_axis_has_its_ends(self):
        axis = draw.Axis([150, 2e8], "short", True, 0, 100)
        self.assertEqual((axis.y(100), axis.y(1e9), axis.y(1)), (100, 0, 100))
        self.assertEqual(draw.Axis([150, 2e8], "bytes", True, 0, 100).marks(), [1, 32768, 1 << 30])


class Drawing(unittest.TestCase):
    def test_is_whole_without_an_answer(self):
        with tempfile.TemporaryDirectory() as folder:
            kept, picture = pathlib.Path(folder, "kept"), pathlib.Path(folder, "picture.svg")
            kept.write_text(json.dumps({"start": 0, "seconds": 360, "version": "1", "calls": 0, "outage": [1, 2], "locked": [3, 4], "panels": {}}))
            subprocess.run([sys.executable, "-B", DRAW, kept, picture], check=True)
            found = xml.etree.ElementTree.parse(picture).getroot()
            dashboard = json.loads((TOP / "packaging" / "grafana" / "weir.json").read_text())
            words = [text.text for text in found.iter("{http://www.w3.org/2000/svg}text")]
            for panel in dashboard["panels"]:
                self.assertIn(panel["title"], words)
            self.assertEqual(words.count("no data"), sum(panel["type"] != "row" for panel in dashboard["panels"]))


unittest.main()
