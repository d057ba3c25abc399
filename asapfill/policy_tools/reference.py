"""What the tables of keys give: the JSON Schema of the policy, and the lists of keys in docs/policy.md and settings.md.

Write both pages anew with ``python -m asapfill.policy_tools.reference docs``. What stands above the mark on each page
is written by hand, and stays.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from asapfill.policy.keys import Key, section_of
from asapfill.policy.model import KEYS, PolicyFile
from asapfill.settings.table import TABLES, Setting, settings_in

FILE_NAME = "policy.schema.json"
MODELINE = f"# yaml-language-server: $schema={FILE_NAME}"
"""The first line of a policy for editors with a YAML language server: the schema lies beside the file."""
MARK = "<!-- What follows is made from the table of keys: python -m asapfill.policy_tools.reference docs -->\n"


def policy_schema() -> dict[str, Any]:
    """The schema as JSON Schema, draft 2020-12."""
    properties: dict[str, Any] = {}
    for name, field in PolicyFile.model_fields.items():
        if section_of(field) is None:
            properties[name] = next(_property(key) for key in KEYS if (key.section, key.name) == ("", name))
        else:
            inner = {key.name: _property(key) for key in KEYS if key.section == name}
            properties[name] = {**_object(inner), "description": field.description}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "asapfill policy",
        "description": "What asapfill may do for one office, or one clinic of it.",
        **_object(properties),
        "required": [key.name for key in KEYS if key.required],
    }


def schema_text() -> str:
    """The schema as the file that editors read."""
    return json.dumps(policy_schema(), indent=2, ensure_ascii=False) + "\n"


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _property(key: Key) -> dict[str, Any]:
    """One key: what it means and takes, its default and the reason for it."""
    why = f" Default: {default_words(key)}. {key.why}" if key.default is not None else ""
    found: dict[str, Any] = {"description": f"{key.meaning} Takes {key.takes}.{why}"}
    if key.default is not None:
        found["default"] = _as_editors_read(key.default)
    return {**found, "examples": [_example(key.example)], **key.schema}


def default_words(key: Key) -> str:
    """A default as it is written in a sentence or on one line of a policy."""
    if isinstance(key.default, list):
        return f"[{', '.join(key.default)}]"
    return str(key.default)


def _as_editors_read(value: str | list[str]) -> str | int | list[str]:
    """A number is a number to an editor, everything else a text."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


def _example(text: str) -> str | int | list[str | int]:
    if text.startswith("["):
        return [int(part) if part.isdecimal() else part for part in text.strip("[]").split(", ")]
    return int(text) if text.isdecimal() else text


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
