"""The figure of the comparison as SVG: minutes filled a week against texts sent, a mark for each rule and setting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

from tests.compare.sums import mean, total
from tests.compare.world import Tally

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 420, 64, 24, 50, 52
SHORT: Final[Mapping[str, str]] = {
    "everybody": "everybody",
    "one": "one an hour",
    "tens": "tens",
    "before": "0.2",
    "asapfill": "asapfill",
}
STYLE = """
  text { font-family: "Liberation Sans", Arial, Helvetica, sans-serif; font-size: 12px; fill: #43525c; }
  .title { font-size: 14px; font-weight: bold; fill: #1c2a33; }
  .axis { stroke: #7c8f99; stroke-width: 1; }
  .grid { stroke: #dfe6e9; stroke-width: 1; }
  .interval { stroke: #7c8f99; stroke-width: 1.2; }
  .other { fill: #7c8f99; }
  .ours { fill: #2f7d4b; }
  .name { fill: #1c2a33; }
"""

HEAD = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"
 aria-label="Minutes filled a week against texts a week: {{told}}">"""

Results = Mapping[tuple[str, tuple[float, int]], Sequence[Tally]]


def figure(results: Results) -> str:
    """The setting with the longest list and the highest rate: what each rule fills, and with how many texts."""
    setting = max((of for _, of in results), key=lambda of: (of[1], of[0]))
    rows = {rule: tallies for (rule, of), tallies in results.items() if of == setting and rule in SHORT}
    most = {name: max(mean(tallies, name).value for tallies in rows.values()) for name in ("texts", "minutes")}
    across, up = _step(most["texts"]), _step(most["minutes"])
    weeks = total(next(iter(rows.values())), "weeks")
    title = f"{setting[1]} people on the ASAP list, {setting[0]:.0%} accept, {weeks} simulated weeks"
    parts = [
        HEAD.format(told=escape(_told(rows))),
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text class="title" x="{LEFT}" y="24">{escape(title)}</text>',
        *_axes(across, up),
        *(line for rule, tallies in rows.items() for line in _mark(rule, tallies, 5 * across, 5 * up)),
        "</svg>",
    ]
    return "\n".join([*parts, ""])


def _told(rows: Mapping[str, Sequence[Tally]]) -> str:
    return ", ".join(
        f"{SHORT[rule]} {mean(of, 'minutes').value:.0f} minutes with {mean(of, 'texts').value:.0f} texts"
        for rule, of in rows.items()
    )


def _step(most: float) -> int:
    """A round fifth of an axis that reaches over ``most``."""
    return next(step for step in (10, 20, 25, 50, 100, 150, 200, 250, 300, 400, 500, 1000) if 5 * step >= most * 1.05)


def _x(texts: float, most: float) -> float:
    return LEFT + texts / most * (WIDTH - LEFT - RIGHT)


def _y(minutes: float, most: float) -> float:
    return HEIGHT - BOTTOM - minutes / most * (HEIGHT - TOP - BOTTOM)


def _axes(across: int, up: int) -> Iterator[str]:
    for number in range(6):
        y, x = _y(number * up, 5 * up), _x(number * across, 5 * across)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{number * up}</text>'
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{number * across}</text>'
    base = HEIGHT - BOTTOM
    yield f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base}" y2="{base}"/>'
    yield f'<text x="{LEFT}" y="{TOP - 8}">minutes filled a week</text>'
    yield f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 14}" text-anchor="end">texts a week</text>'


def _mark(rule: str, tallies: Sequence[Tally], most_texts: int, most_minutes: int) -> Iterator[str]:
    """A dot with its interval, and the rule's name."""
    texts, minutes = mean(tallies, "texts"), mean(tallies, "minutes")
    x, y = _x(texts.value, most_texts), _y(minutes.value, most_minutes)
    low, high = (_y(minutes.value + half, most_minutes) for half in (-minutes.half, minutes.half))
    if abs(high - low) < HEIGHT:
        yield f'<line class="interval" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
    kind = "ours" if rule == "asapfill" else "other"
    yield f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
    yield f'<text class="name" x="{x + 10:.1f}" y="{y + 4:.1f}">{SHORT[rule]}</text>'
