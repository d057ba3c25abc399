"""The reference of all keys, in docs/policy.md and docs/settings.md, made from their two tables.

Write both anew with ``python -m asapfill.policy_tools.reference docs``. What stands above the mark on each page is
written by hand, and stays.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from asapfill.policy.keys import Key, section_of
from asapfill.policy.model import KEYS, PolicyFile
from asapfill.policy_tools.schema import default_words
from asapfill.settings.table import TABLES, Setting, settings_in

MARK = "<!-- What follows is made from the table of keys: python -m asapfill.policy_tools.reference docs -->\n"


def policy_page(page: str) -> str:
    """docs/policy.md with its reference made anew."""
    parts = []
    for name, field in PolicyFile.model_fields.items():
        if section_of(field) is not None:
            parts.append(f"### `{name}`\n\n{field.description}\n")
        parts += ["\n".join(_key(key)) for key in KEYS if name == (key.section or key.name)]
    return _below_mark(page, parts)


def _key(key: Key) -> Iterator[str]:
    """One key of the policy: heading, meaning, default with its reason, format and example."""
    yield f"{'####' if key.section else '###'} `{key.path}`\n"
    yield f"{key.meaning}\n"
    if key.default is not None:
        yield f"- Default: `{default_words(key)}`"
        yield f"- Why: {key.why}"
    else:
        yield "- Must be there." if key.required else "- May be left out."
    yield f"- Takes {key.takes}."
    yield f"- Example: `{key.name}: {key.example}`\n"


def settings_page(page: str) -> str:
    """docs/settings.md with its reference made anew."""
    parts = []
    for where, (heading, meaning) in TABLES.items():
        parts.append(f"## {heading}\n\n{meaning}\n")
        parts += ["\n".join(_setting(setting)) for setting in settings_in(where)]
    return _below_mark(page, parts)


def _setting(setting: Setting) -> Iterator[str]:
    """One key of the settings: heading, meaning, default, format and example."""
    yield f"### `{setting.name}`\n"
    yield f"{setting.meaning}\n"
    if setting.required:
        yield "- Must be there."
    elif setting.left_out:
        yield f"- Left out: {setting.left_out}"
    else:
        yield f"- Default: `{setting.written_default}`"
    yield f"- Takes {setting.kind.takes}."
    yield f"- Example: `{setting.name} = {setting.example}`\n"


def _below_mark(page: str, parts: list[str]) -> str:
    return "\n".join((page.partition(MARK)[0] + MARK, *parts))


def main(folder: Path) -> None:
    """Write both pages in ``folder`` anew."""
    for name, renewed in (("policy.md", policy_page), ("settings.md", settings_page)):
        page = folder / name
        page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
