"""The weekly report's pictures: columns and bars as inline SVG, without scripts, in the page's own colours.

Every picture has its numbers as text in it, so that it can be read in black and white and read out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

WIDTH: Final = 460
_ROW, _LABEL, _VALUE = 28, 184, 86
_COLUMNS_HEIGHT, _FOOT, _HEAD = 150, 22, 18


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar or column. ``text`` stands at its end; ``ghost``: the same in the days before; ``tone``: a class."""

    label: str
    value: float
    text: str
    ghost: float | None = None
    tone: str = "plain"


def bars(title: str, rows: Sequence[Bar]) -> Markup:
    """Horizontal bars below each other, their labels at the left."""
    room = WIDTH - _LABEL - _VALUE
    scale = room / max([row.value for row in rows] + [row.ghost or 0 for row in rows] + [1e-9])
    parts = [_begin(title, rows, len(rows) * _ROW)]
    for index, row in enumerate(rows):
        top = index * _ROW
        length = max(row.value * scale, 2.0 if row.value else 0.0)
        parts.append(Markup('<text x="{}" y="{}" class="label end">{}</text>').format(_LABEL - 10, top + 18, row.label))
        if row.ghost:
            parts.append(
                Markup('<rect x="{}" y="{}" width="{:.1f}" height="16" rx="3" class="ghost"/>').format(
                    _LABEL, top + 5, row.ghost * scale
                )
            )
        parts.append(
            Markup('<rect x="{}" y="{}" width="{:.1f}" height="16" rx="3" class="{}"/>').format(
                _LABEL, top + 5, length, row.tone
            )
        )
        end = _LABEL + max(length, (row.ghost or 0) * scale)
        parts.append(Markup('<text x="{:.1f}" y="{}" class="value">{}</text>').format(end + 7, top + 18, row.text))
    return Markup("\n").join([*parts, Markup("</svg>")])


def columns(title: str, rows: Sequence[Bar]) -> Markup:
    """Columns side by side, their labels below; a ghost stands behind each for the days before."""
    step = WIDTH / max(len(rows), 1)
    width = min(step * 0.62, 46)
    scale = _COLUMNS_HEIGHT / max([row.value for row in rows] + [row.ghost or 0 for row in rows] + [1e-9])
    base = _HEAD + _COLUMNS_HEIGHT
    parts = [_begin(title, rows, base + _FOOT)]
    for index, row in enumerate(rows):
        middle = step * (index + 0.5)
        height = max(row.value * scale, 2.0 if row.value else 0.0)
        ghost = (row.ghost or 0) * scale
        if ghost:
            parts.append(_column(middle + width * 0.14, width, base, ghost, "ghost"))
        parts.append(_column(middle, width * (0.86 if row.ghost is not None else 1), base, height, row.tone))
        parts.append(
            Markup('<text x="{:.1f}" y="{:.1f}" class="value middle">{}</text>').format(
                middle, base - height - 5, row.text
            )
        )
        parts.append(
            Markup('<text x="{:.1f}" y="{}" class="label middle">{}</text>').format(middle, base + 16, row.label)
        )
    parts.append(Markup('<line x1="0" x2="{}" y1="{}" y2="{}" class="ground"/>').format(WIDTH, base, base))
    return Markup("\n").join([*parts, Markup("</svg>")])


def _column(middle: float, width: float, base: float, height: float, tone: str) -> Markup:
    return Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="3" class="{}"/>').format(
        middle - width / 2, base - height, width, height, tone
    )


def _begin(title: str, rows: Sequence[Bar], height: float) -> Markup:
    told = ", ".join(f"{row.label} {row.text}" for row in rows)
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, height, f"{title}: {told}")


def template(name: str, **filters: Callable[..., Any]) -> Template:
    """One of ``report/templates``, with the filters that it uses."""
    environment = Environment(
        loader=PackageLoader("asapfill", "report/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment.get_template(name)
