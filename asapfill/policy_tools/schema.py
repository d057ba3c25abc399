"""The reference page of the policy, made from the table of keys.

Write it anew with ``python -m asapfill.policy_tools.schema > docs/policy.md``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
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


INTRODUCTION = """\
# The policy

A policy says what asapfill may do for one office, or for one clinic of it. It is a text file in the folder `policies`,
and it is yours: change it whenever you like, also while asapfill runs. Two lines are enough, everything else has a
careful default:

```yaml
office: main-street
timezone: America/Los_Angeles
```

## The first ten minutes

1. `asapfill policy new` asks a few questions and writes a file with the names of your operatories, providers and
   blockout types in it. Enter takes the careful answer; the mode is `preview`, which sends nothing.
2. Open the file in any text editor. Lines that begin with `#` are notes.
3. `asapfill check` reads the file as asapfill would, and tells every mistake with its line and what to write. Its last
   line is the verdict.
4. `asapfill plan` shows who would be asked about what, now, and why others would not. Outside the hours for texts
   that is nobody: `asapfill plan --at 10:00` shows what it would be at ten.
5. When the plans look right, write `mode: ask`. Offers then wait until somebody says yes: `asapfill status` shows them,
   `asapfill approve` and `asapfill decline` answer. When you approve everything anyway, write `mode: automatic`.

## Changing it later

- `asapfill policy diff` tells in sentences what your change does, and who would be asked that is not asked today; with
  `--at 10:00`, at ten. Try a change in a copy first, if you like: `asapfill policy diff my-draft.yaml`.
- asapfill notices a saved file within a minute. What it was about to send under the old one is planned anew.
- If the file has a mistake, the last good version stays in force, also after a restart, and `asapfill status` says so.
  If there is none, nothing is offered; what patients answer to offers already sent is found out all the same. A file
  that ends in the middle of a line of the last good version was saved halfway, and counts as a mistake too.
- If a name disappears from Open Dental, that clinic is not served until the policy is changed. A mistake never allows
  more than you wrote.
- Two files for the same clinic are both refused. To stop at once, `asapfill pause` is quicker than editing; so is any
  blockout that you put on the schedule.

## How to write it

- `key: value`, with a blank behind the colon. What belongs below a key is indented by two blanks, never by tabs.
- Names of operatories, providers, blockout types and clinics are written as you see them in Open Dental, in capitals or
  not; abbreviations and numbers work too. A name with a colon, comma, bracket or # in it stands in quotes: `'Op: 1'`.
- Lists: `[Op 1, Op 2]`, or one name alone.
- Hours of the day: `08:00-17:00`, `8am-5pm`, `8 to 5`. An hour alone is the morning's when something begins, and the
  next such hour when it ends; `1 to 5` is refused: morning or afternoon?
- Lengths of time: `15 minutes`, `90 min`, `2 hours`, `1 hour 30 minutes`, `14 days`, `1 week`. A number alone is
  refused: minutes or days?
- Days: `[Mon, Tue, Wed]`, `Mon-Fri`, `weekdays`, `every day`.
- `yes` or `no`.
- `asapfill policy schema > policies/policy.schema.json` lets editors that know YAML explain and check while you type.
"""
KEYS_FOLLOW = """\

## Every key

The same in one file: `sample.yaml` (the demo's, so its mode is `automatic`). Three offices that differ for a reason:
`solo-practice.yaml`, `hygiene-heavy.yaml`, `group-with-clinics.yaml`. All of them lie in the folder `policies`.

An **opening** is free time that may be offered; an **offer** is one text to one patient about one time; a **wave** is
those who are asked at the same time. **Blockouts** are the blocks that your office puts on the schedule. A **hygiene
visit** is an appointment with the tick *Is Hygiene*, and every recall.
"""


def reference_page() -> str:
    """The whole page, Markdown."""
    parts = [INTRODUCTION, KEYS_FOLLOW]
    for name, field in PolicyFile.model_fields.items():
        if section_of(field) is not None:
            parts.append(f"### `{name}`\n\n{field.description}\n")
        parts += ["\n".join(_key(key)) for key in KEYS if name == (key.section or key.name)]
    return "\n".join(parts)


def _key(key: Key) -> Iterator[str]:
    """One key: heading, meaning, default with its reason, format and example."""
    yield f"{'####' if key.section else '###'} `{key.path}`\n"
    yield f"{key.meaning}\n"
    if key.default is not None:
        yield f"- Default: `{default_words(key)}`"
        yield f"- Why: {key.why}"
    else:
        yield "- Must be there." if key.required else "- May be left out."
    yield f"- Takes {key.takes}."
    yield f"- Example: `{key.name}: {key.example}`\n"


if __name__ == "__main__":
    sys.stdout.write(reference_page())
