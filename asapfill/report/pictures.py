"""The weekly report's pictures: columns and bars as inline SVG, without scripts, in the page's own colours.

Every picture has its numbers as text in it, so that it can be read in black and white and read out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template
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


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing with its heading and, below it, what to know about it. ``upright``: columns, not bars."""

    title: str
    rows: Sequence[Bar]
    remark: str = ""
    upright: bool = False

    @property
    def svg(self) -> Markup:
        """The drawing."""
        return (columns if self.upright else bars)(self.title, self.rows)


def bars(title: str, rows: Sequence[Bar]) -> Markup:
    """Horizontal bars below each other, their labels at the left."""
    scale = (WIDTH - _LABEL - _VALUE) / _longest(rows)
    parts = [_begin(title, rows, len(rows) * _ROW)]
    for index, row in enumerate(rows):
        top = index * _ROW
        length, ghost = _length(row, scale), (row.ghost or 0) * scale
        parts.append(_text(_LABEL - 10, top + 18, "label end", row.label))
        if row.ghost:
            parts.append(_rect(_LABEL, top + 5, ghost, 16, "ghost"))
        parts.append(_rect(_LABEL, top + 5, length, 16, row.tone))
        parts.append(_text(_LABEL + max(length, ghost) + 7, top + 18, "value", row.text))
    return Markup("\n").join([*parts, Markup("</svg>")])


def columns(title: str, rows: Sequence[Bar]) -> Markup:
    """Columns side by side, their labels below; a ghost stands behind each for the days before."""
    step = WIDTH / max(len(rows), 1)
    width = min(step * 0.62, 46.0)
    scale = _COLUMNS_HEIGHT / _longest(rows)
    base = _HEAD + _COLUMNS_HEIGHT
    parts = [_begin(title, rows, base + _FOOT)]
    for index, row in enumerate(rows):
        middle = step * (index + 0.5)
        height, ghost = _length(row, scale), (row.ghost or 0) * scale
        if ghost:
            parts.append(_rect(middle + width * 0.14 - width / 2, base - ghost, width, ghost, "ghost"))
        own = width * (0.86 if row.ghost is not None else 1)
        parts.append(_rect(middle - own / 2, base - height, own, height, row.tone))
        parts.append(_text(middle, base - height - 5, "value middle", row.text))
        parts.append(_text(middle, base + 16, "label middle", row.label))
    parts.append(Markup('<line x1="0" x2="{}" y1="{}" y2="{}" class="ground"/>').format(WIDTH, base, base))
    return Markup("\n").join([*parts, Markup("</svg>")])


def _longest(rows: Sequence[Bar]) -> float:
    return max([row.value for row in rows] + [row.ghost or 0 for row in rows] + [1e-9])


def _length(row: Bar, scale: float) -> float:
    """Of a bar; a small value can still be seen."""
    return max(row.value * scale, 2.0 if row.value else 0.0)


def _rect(x: float, y: float, width: float, height: float, tone: str) -> Markup:
    place = map(_number, (x, y, width, height))
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" rx="3" class="{}"/>').format(*place, tone)


def _text(x: float, y: float, tone: str, text: str) -> Markup:
    return Markup('<text x="{}" y="{}" class="{}">{}</text>').format(_number(x), _number(y), tone, text)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.1f}"


def _begin(title: str, rows: Sequence[Bar], height: float) -> Markup:
    told = ", ".join(f"{row.label} {row.text}" for row in rows)
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, height, f"{title}: {told}")


def template(name: str, package: str = "report", **filters: Callable[..., Any]) -> Template:
    """One of the ``templates`` of a package of asapfill, with its filters; each may include the report's."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("asapfill", f"{folder}/templates") for folder in (package, "report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= filters
    return environment.get_template(name)
