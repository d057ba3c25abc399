"""How the templates of all pages are read: whatever is put in is escaped, and what is missing is a mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


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
