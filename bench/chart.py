"""Charts as plain SVG: bars on a logarithmic scale, and lines along what grows. Colours hold on a white ground and on a dark one."""

import math
from html import escape

FONT = 'font-family="system-ui, sans-serif" font-size="12"'
INK, FAINT, MINE, OTHER = "#24292f", "#d0d7de", "#0969da", "#8c959f"
COLOURS = ["#0969da", "#bf3989", "#1a7f37", "#9a6700"]


class Svg:
    def __init__(self, width, height, title):
        self.width, self.height = width, height
        self.parts = [f"<title>{escape(title)}</title>", f'<rect width="{width}" height="{height}" fill="#ffffff"/>']

    def text(self, x, y, text, anchor="start", colour=INK, weight="normal"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-weight="{weight}">{escape(text)}</text>')

    def bar(self, x, y, width, height, colour):
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1):.1f}" height="{height}" fill="{colour}"/>')

    def line(self, points, colour, width=1):
        self.parts.append(f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}" fill="none" stroke="{colour}" stroke-width="{width}"/>')

    def dot(self, x, y, colour):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>')

    def whole(self):
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}" {FONT}>\n'
                + "\n".join(self.parts) + "\n</svg>\n")


def number(value):
    """Three digits of it, as people write them."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def scale(low, high, width):
    """value → where it stands, logarithmic, from 0 to width; and the powers of ten between."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    last = max(last, first + 1)
    return lambda value: (math.log10(value) - first) / (last - first) * width, [10.0**n for n in range(first, last + 1)]


def bars(title, unit, groups, mine):
    """groups: [(heading, [(name, value)])]; the bars named in mine are weir's. One scale for all of them."""
    left, right, row, gap = 150, 90, 18, 34
    values = [value for _, some in groups for _, value in some]
    height = 30 + sum(gap + row * len(some) for _, some in groups) + 24
    svg = Svg(760, height, title)
    at, ticks = scale(min(values) / 1.5, max(values), 760 - left - right)
    svg.text(10, 20, f"{title} ({unit}, logarithmic: shorter is better)", weight="bold")
    for tick in ticks:
        svg.line([(left + at(tick), 30), (left + at(tick), height - 22)], FAINT)
        svg.text(left + at(tick), height - 8, number(tick), "middle", OTHER)
    y = 30
    for heading, some in groups:
        svg.text(10, y + 22, heading, weight="bold")
        y += gap
        for name, value in some:
            colour = MINE if name in mine else OTHER
            svg.text(left - 8, y + 12, name, "end", weight="bold" if name in mine else "normal")
            svg.bar(left, y, at(value), row - 4, colour)
            svg.text(left + at(value) + 6, y + 12, number(value))
            y += row
    return svg.whole()


def curves(title, panels):
    """panels: [(heading, what grows, unit, [(name, [(x, y)])])], each with its own scales, two in a row."""
    width, height, left, bottom = 380, 230, 56, 46
    rows = (len(panels) + 1) // 2
    svg = Svg(2 * width, 30 + rows * height, title)
    svg.text(10, 20, title, weight="bold")
    for i, (heading, grows, unit, lines) in enumerate(panels):
        draw_panel(svg, (i % 2) * width, 30 + (i // 2) * height, (width, height, left, bottom), heading, f"{grows}; {unit}", lines)
    return svg.whole()


def draw_panel(svg, x0, y0, measures, heading, axis, lines):
    width, height, left, bottom = measures
    xs, ys = [x for _, points in lines for x, _ in points], [y for _, points in lines for _, y in points]
    across, x_ticks = scale(min(xs), max(xs), width - left - 20)
    up, y_ticks = scale(min(ys), max(ys), height - bottom - 30)
    base = y0 + height - bottom
    svg.text(x0 + 10, y0 + 16, heading, weight="bold")
    svg.text(x0 + left, y0 + height - 12, axis, colour=OTHER)
    for tick in x_ticks:
        svg.line([(x0 + left + across(tick), y0 + 26), (x0 + left + across(tick), base)], FAINT)
        svg.text(x0 + left + across(tick), base + 14, short(tick), "middle", OTHER)
    for tick in y_ticks:
        svg.line([(x0 + left, base - up(tick)), (x0 + width - 20, base - up(tick))], FAINT)
        svg.text(x0 + left - 6, base - up(tick) + 4, short(tick), "end", OTHER)
    for colour, (name, points) in zip(COLOURS, lines):
        placed = [(x0 + left + across(x), base - up(y)) for x, y in points]
        svg.line(placed, colour, 2)
        for x, y in placed:
            svg.dot(x, y, colour)
    for i, (colour, (name, _)) in enumerate(zip(COLOURS, lines)):
        svg.text(x0 + width - 24, y0 + 16 + 14 * i, name, "end", colour)


def short(value):
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:g}{unit}"
    return f"{value:g}"
