"""The JSON Schema of the policy, made from the table of keys: with it, editors explain and check while you type."""

from __future__ import annotations

import json
from typing import Any

from asapfill.policy.keys import Key, section_of
from asapfill.policy.model import KEYS, PolicyFile

FILE_NAME = "policy.schema.json"
MODELINE = f"# yaml-language-server: $schema={FILE_NAME}"
"""The first line of a policy for editors with a YAML language server: the schema lies beside the file."""


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
