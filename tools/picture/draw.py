"""Draws the dashboard's panels as SVG, with the answers that play.py has kept: draw.py ANSWERS PICTURE"""

import json
import math
import re
import sys
import time
from pathlib import Path
from xml.sax.saxutils import escape

DASHBOARD = Path(__file__).resolve().parents[2] / "packaging" / "grafana" / "weir.json"
COLUMN, ROW, GAP, HEAD = 50, 22, 6, 62  # pixels; Grafana's grid has 24 columns
NAMED = {"green": "#3a9d5d", "orange": "#d9822b", "red": "#c23b4e", "blue": "#3b7dd8"}
COLOURS = ["#3b7dd8", "#d9822b", "#3a9d5d", "#c23b4e", "#7a55c7", "#1d9aa6", "#a8892c", "#c2569b"]
LETTER = 5.6  # pixels of one of 10-pixel text, about
STYLE = """text{font:10px sans-serif;fill:#4a5260}.t{font-weight:600;font-size:11px;fill:#20252d}.r{font-weight:600;font-size:12px;fill:#20252d}
.h{font-weight:600;font-size:16px;fill:#20252d}.v{font-size:24px;font-weight:600}.p{fill:#fff;stroke:#d8dce3}.g{stroke:#e8ebf0}.l{fill:none;stroke-width:1.3}
.e{text-anchor:end}.m{text-anchor:middle}"""


# -- figures as words --------------------------------------------------------------------------------------------------


def plain(value):
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def scaled(value, steps):
    """By the largest unit that leaves a figure of one or more."""
    for size, unit in steps:
        if value >= size:
            return f"{plain(value / size)} {unit}"
    return "0"


def worded(value, unit, decimals=None):
    if unit == "s":
        return scaled(value, [(1, "s"), (1e-3, "ms"), (1e-6, "µs")])
    if unit == "bytes":
        return scaled(value, [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B")])
    if unit == "percentunit":
        return f"{plain(value * 100)} %"
    if unit in ("reqps", "cps"):
        return f"{plain(value)} /s"
    return f"{value:.{decimals}f}" if decimals is not None else plain(value)


def legend_of(target, metric):
    named = re.sub(r"{{\s*(\w+)\s*}}", lambda m: metric.get(m[1], ""), target["legendFormat"])
    return named.strip() or "none"


# -- lines -------------------------------------------------------------------------------------------------------------


def lines_of(panel, answers):
    """[(name, {seconds: value})] of all its queries. What is not a number is left out."""
    found = []
    for target, series in zip(panel["targets"], answers):
        for one in series:
            values = {float(at): float(value) for at, value in one["values"] if math.isfinite(float(value))}
            found.append((legend_of(target, one["metric"]), values))
    return [(name, values) for name, values in found if values]


def stacked(lines):
    """Each upon those before it: [(name, {seconds: (bottom, top)})]"""
    heights, out = {}, []
    for name, values in lines:
        edges = {at: (heights.get(at, 0), heights.get(at, 0) + value) for at, value in values.items()}
        heights.update({at: top for at, (_, top) in edges.items()})
        out.append((name, edges))
    return out


def nice_top(value, unit="short"):
    """The least of 1, 2, 2.5, 5 and their tenfolds that holds it; of bytes a power of two."""
    if value <= 0:
        return 1
    if unit == "bytes":
        return 2 ** math.ceil(math.log2(value))
    power = 10 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if value <= step * power * 1.0001)


class Axis:
    """From values to pixels between top and bottom."""

    def __init__(self, values, unit, logarithmic, top, bottom):
        self.top, self.bottom, self.log = top, bottom, logarithmic
        self.low, self.high = 0, nice_top(max(values, default=0), unit)
        if logarithmic:
            base = 1024 if unit == "bytes" else 10
            self.low = base ** math.floor(math.log(max(min(values, default=1), 1), base))
            self.high = base ** math.ceil(math.log(max(max(values, default=1), base), base))

    def y(self, value):
        share = value / self.high
        if self.log:
            share = math.log(max(value, self.low) / self.low) / math.log(self.high / self.low)
        return round(self.bottom - share * (self.bottom - self.top), 1)

    def marks(self):
        return [self.low * (self.high / self.low) ** part if self.log else self.high * part for part in (0, 0.5, 1)]


def pieces(points, longest):
    """Runs of points without a hole in time."""
    run = []
    for at in sorted(points):
        if run and at - run[-1] > longest:
            yield run
            run = []
        run.append(at)
    if run:
        yield run


def corners(points):
    """Without those in the middle of a level stretch."""
    inner = (at for before, at, after in zip(points, points[1:], points[2:]) if not before[1] == at[1] == after[1])
    return [*points[:1], *inner, *points[-1:]] if len(points) > 1 else points


# -- panels ------------------------------------------------------------------------------------------------------------


class Picture:
    def __init__(self, kept):
        self.kept, self.out = kept, []

    def text(self, x, y, words, kind="", more=""):
        self.out.append(f'<text x="{x:g}" y="{y:g}"{f" class={chr(34)}{kind}{chr(34)}" if kind else ""}{more}>{escape(words)}</text>')

    def x(self, at, left, width):
        return round(left + (at - self.kept["start"]) / self.kept["seconds"] * width, 1)

    def frame(self, panel):
        place = panel["gridPos"]
        x, y = place["x"] * COLUMN + GAP / 2, place["y"] * ROW + HEAD + GAP / 2
        w, h = place["w"] * COLUMN - GAP, place["h"] * ROW - GAP
        if panel["type"] == "row":
            self.text(x + 2, y + 12, panel["title"], "r")
            return None
        self.out.append(f'<rect x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="3" class="p"/>')
        self.text(x + 8, y + 15, panel["title"], "t")
        return x, y, w, h

    def line(self, points, colour, left, width, axis, more=""):
        for run in pieces(points, 10):
            at = " ".join(f"{x:g},{y:g}" for x, y in corners([(self.x(t, left, width), axis.y(points[t])) for t in run]))
            self.out.append(f'<polyline points="{at}" class="l" stroke="{colour}"{more}/>')

    def area(self, edges, colour, left, width, axis):
        for run in pieces(edges, 10):
            above = [f"{self.x(t, left, width):g},{axis.y(edges[t][1]):g}" for t in run]
            below = [f"{self.x(t, left, width):g},{axis.y(edges[t][0]):g}" for t in reversed(run)]
            self.out.append(f'<polygon points="{" ".join(above + below)}" fill="{colour}" fill-opacity=".45"/>')

    def stat(self, panel, answers):
        x, y, w, h = self.frame(panel)
        defaults = panel["fieldConfig"]["defaults"]
        lines = lines_of(panel, answers)
        if not lines:
            return self.text(x + w / 2, y + 48, "no data", "m")
        values = lines[0][1]
        last = values[max(values)]
        colour = [NAMED[step["color"]] for step in defaults["thresholds"]["steps"] if step["value"] is None or last >= step["value"]][-1]
        if panel["options"]["graphMode"] == "area":
            axis = Axis(values.values(), defaults["unit"], False, y + h - 24, y + h - 4)
            self.line(values, colour, x + 4, w - 8, axis, ' stroke-opacity=".5"')
        self.text(x + w / 2, y + 46, worded(last, defaults["unit"], defaults.get("decimals")), "v m", f' style="fill:{colour}"')
        return None

    def legend(self, names, colours, x, y, w):
        """In two lines; how many more there are, where that is too little room."""
        at, row = x, 0
        for i, name in enumerate(names):
            wide = 16 + LETTER * len(name)
            if at + wide > x + w - (0 if row == 0 else 30) and at > x:
                row, at = row + 1, x
            if row == 2:
                return self.text(x + w, y + 12, f"+ {len(names) - i}", "e")
            self.out.append(f'<rect x="{at:g}" y="{y + row * 12 - 5:g}" width="9" height="3" fill="{colours[i]}"/>')
            self.text(at + 12, y + row * 12, name)
            at += wide + 6
        return None

    @staticmethod
    def colours(panel, names):
        fixed = {override["matcher"]["options"]: NAMED[override["properties"][0]["value"]["fixedColor"]]
                 for override in panel["fieldConfig"]["overrides"]}
        return [fixed.get(name, COLOURS[i % len(COLOURS)]) for i, name in enumerate(names)]

    def series(self, panel, answers):
        x, y, w, h = self.frame(panel)
        defaults = panel["fieldConfig"]["defaults"]
        lines = lines_of(panel, answers)
        if not lines:
            return self.text(x + w / 2, y + h / 2, "no data", "m")
        left, width, top, bottom = x + 52, w - 62, y + 26, y + h - 44
        piled = "stacking" in defaults["custom"]
        shapes = stacked(lines) if piled else lines
        tops = [value[1] if piled else value for _, values in shapes for value in values.values()]
        if "max" in defaults:
            tops.append(defaults["max"])
        axis = Axis(tops, defaults["unit"], "scaleDistribution" in defaults["custom"], top, bottom)
        colours = self.colours(panel, [name for name, _ in lines])
        for mark in axis.marks():
            self.out.append(f'<path d="M{left:g} {axis.y(mark):g}h{width:g}" class="g"/>')
            self.text(left - 4, axis.y(mark) + 3, worded(mark, defaults["unit"]), "e")
        for minute in range(0, self.kept["seconds"] // 60 + 1, 2):
            last = (minute + 2) * 60 > self.kept["seconds"]
            self.text(self.x(self.kept["start"] + minute * 60, left, width), bottom + 13, f"{minute} min" if minute else "0", "e" if last else "m")
        for (_, values), colour in zip(shapes, colours):
            if piled:
                self.area(values, colour, left, width, axis)
            else:
                self.line(values, colour, left, width, axis)
        return self.legend([name for name, _ in lines], colours, x + 8, y + h - 16, w - 16)

    def head(self, width):
        k = self.kept
        outage, locked = ("from {} to {} s".format(*k[name]) for name in ("outage", "locked"))
        day = time.strftime("%Y-%m-%d", time.gmtime(k["start"]))
        self.text(8, 18, "weir", "h")
        self.text(8, 36, f"weir {k['version']} before two simulated providers, {day}: {k['calls']:,} calls in {k['seconds'] // 60} minutes. "
                  f"The provider main did not listen {outage}; the store was locked {locked}.")
        self.text(8, 52, "Drawn by tools/dashboard-picture from what Prometheus answered to the dashboard's queries, in the manner of Grafana and not by it.")
        self.text(width - 8, 18, "packaging/grafana/weir.json", "e")


def main():
    kept, dashboard = json.loads(Path(sys.argv[1]).read_text()), json.loads(DASHBOARD.read_text())
    picture = Picture(kept)
    width = 24 * COLUMN
    height = max(p["gridPos"]["y"] + p["gridPos"]["h"] for p in dashboard["panels"]) * ROW + HEAD + GAP
    picture.head(width)
    for panel in dashboard["panels"]:
        draw = {"row": lambda p, _: picture.frame(p), "stat": picture.stat, "timeseries": picture.series}[panel["type"]]
        draw(panel, kept["panels"].get(str(panel["id"]), []))
    Path(sys.argv[2]).write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">\n'
                                 f'<style>{STYLE}</style>\n<rect width="{width}" height="{height}" fill="#f4f5f8"/>\n' + "\n".join(picture.out) + "\n</svg>\n")


if __name__ == "__main__":
    main()
