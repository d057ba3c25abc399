"""Draws docs/architecture.svg: the folders of asapfill in the layers of the import contract, and who imports whom.

    python -m tests.structure.picture

An import that follows from others (commands use the cycle, the cycle uses the store, so commands may use the store) is
left out, and so is what leads to the lowest layer, which all may use. ``test_picture.py`` holds the file to it.
"""

from __future__ import annotations

import sys
from html import escape
from textwrap import wrap

from tests.structure.house import ROOT, Edge, layers, package_edges, purpose

FILE = ROOT / "docs" / "architecture.svg"

MARGIN, BOX, HEIGHT, GAP, ROW = 24, 258, 66, 24, 104
WIDTH = 2 * MARGIN + 4 * BOX + 3 * GAP
CHARACTERS = 38
"""Of the small text in a line of a box."""

COLUMNS = {"daemon": 0, "demo": 3, "webhooks": 2, "opendental": 2, "core": 1, "sandbox": 3}
"""Where a folder stands that shares its layer with others, if not in their order; whoever has a layer alone: 1."""

HEAD = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
 aria-label="The folders of asapfill and the imports between them">
<style>{style}</style>
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
<path d="M0 0L8 4L0 8z" fill="#7c8f99"/></marker></defs>
<rect width="{width}" height="{height}" fill="#ffffff"/>"""

STYLE = """
  text { font-family: "Liberation Sans", Arial, Helvetica, sans-serif; }
  .name { font-size: 15px; font-weight: bold; fill: #1c2a33; }
  .purpose { font-size: 11.5px; fill: #43525c; }
  .box { fill: #f4f7f8; stroke: #7c8f99; }
  .pure { fill: #e6f2ea; stroke: #4f8a63; }
  .edge { fill: none; stroke: #7c8f99; stroke-width: 1.2; }
"""


def needed(edges: set[Edge]) -> set[Edge]:
    """The imports that do not follow from others: the fewest that tell the same order."""
    after: dict[str, set[str]] = {}
    for start, end in edges:
        after.setdefault(start, set()).add(end)

    def leads(start: str, end: str) -> bool:
        return any(step == end or leads(step, end) for step in after.get(start, ()))

    return {(start, end) for start, end in edges if not any(step != end and leads(step, end) for step in after[start])}


def picture() -> str:
    """The picture as SVG."""
    rows = layers()
    places: dict[str, tuple[int, int]] = {}
    for number, row in enumerate(rows):
        for position, name in enumerate(row):
            column = COLUMNS.get(name, position if len(row) > 1 else 1)
            places[name] = (MARGIN + column * (BOX + GAP), MARGIN + number * ROW)
    height = 2 * MARGIN + (len(rows) - 1) * ROW + HEIGHT
    edges = {(start, end) for start, end in package_edges() if end not in rows[-1]}
    parts = [HEAD.format(width=WIDTH, height=height, style=STYLE)]
    parts += [_arrow(places[start], places[end]) for start, end in sorted(needed(edges))]
    parts += [_box(name, *places[name]) for row in rows for name in row]
    return "\n".join([*parts, "</svg>", ""])


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1 = start[0] + BOX / 2, start[1] + HEIGHT
    x2, y2 = end[0] + BOX / 2, end[1] - 1
    # Towards the other one, so that arrows from one box part at once.
    lean = max(-BOX * 0.4, min(BOX * 0.4, (x2 - x1) * 0.35))
    x1, x2, middle = x1 + lean, x2 - lean, (y2 - y1) / 2
    path = f"M{x1:.0f} {y1:.0f}C{x1:.0f} {y1 + middle:.0f} {x2:.0f} {y2 - middle:.0f} {x2:.0f} {y2:.0f}"
    return f'<path class="edge" d="{path}" marker-end="url(#head)"/>'


def _box(name: str, x: int, y: int) -> str:
    lines = wrap(purpose(name).replace("``", ""), CHARACTERS)[:3]
    kind = "box pure" if name == "core" else "box"
    text = "".join(
        f'<text class="purpose" x="{x + 10}" y="{y + 34 + 13 * number}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    return (
        f'<g><rect class="{kind}" x="{x}" y="{y}" width="{BOX}" height="{HEIGHT}" rx="6"/>'
        f'<text class="name" x="{x + 10}" y="{y + 19}">{escape(name)}</text>{text}</g>'
    )


if __name__ == "__main__":
    FILE.write_text(picture(), encoding="utf-8")
    sys.stdout.write(f"Written: {FILE.relative_to(ROOT)}\n")
