"""What the tables of keys give: the policy's JSON Schema, docs/policy.md and settings.md, and policies to begin with.

``python -m asapfill.policy_tools.reference docs`` writes the pages anew, ``... reference docs policies`` the samples
too. What stands above the mark on each page is written by hand, and stays. ``asapfill policy new`` writes its policies
here too, so that it knows every key. ``sample.yaml`` has every key with its default and is what the demo uses; the
other samples differ where an office of that kind differs, and say why.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from asapfill.core.policy import OrderLine
from asapfill.policy.formats import Written
from asapfill.policy.keys import Key, section_of
from asapfill.policy.model import KEYS, PolicyFile
from asapfill.settings.table import TABLES, Setting, settings_in

FILE_NAME = "policy.schema.json"
MODELINE = f"# yaml-language-server: $schema={FILE_NAME}"
"""The first line of a policy for editors with a YAML language server: the schema lies beside the file."""
MARK = "<!-- What follows is made from the table of keys: python -m asapfill.policy_tools.reference docs -->\n"
COMMENTS = 34
"""The column, from 0, in which comments behind a value begin."""
WIDEST = 110
HEADINGS = {
    "openings": "Which free time on the schedule may be offered",
    "candidates": "Who on the ASAP list may be asked",
    "texts": "When and how often people are texted",
    "commlog": "What is noted in the patient's chart",
}
ABOVE = {
    "mode": (
        "preview:   only show what would be sent (asapfill plan). Begin with this.",
        "ask:       prepare texts, and wait until somebody says yes (asapfill approve)",
        "automatic: send them",
    ),
    "order": ("Who is asked first. Earlier lines count more. There are also: {others}",),
}
"""What stands above a key at the left margin instead of behind it."""
PLAIN = re.compile(r"\w[^:#,\[\]{}\"'\\\\“”„«»]*")
"""Names that need no quotes."""
NOT_NAMES = frozenset({"null", "all", "auto"})


def _table() -> Iterator[tuple[str, str, list[Key]]]:
    """The table of keys part by part: its name, what a section is for (empty for a key without one), and its keys."""
    for name, info in PolicyFile.model_fields.items():
        about = info.description or "" if section_of(info) is not None else ""
        yield name, about, [key for key in KEYS if name == (key.section or key.name)]


def policy_schema() -> dict[str, Any]:
    """The schema as JSON Schema, draft 2020-12."""
    properties: dict[str, Any] = {}
    for name, about, keys in _table():
        inner = {key.name: _property(key) for key in keys}
        properties |= {name: {**_object(inner), "description": about}} if about else inner
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
    for name, about, keys in _table():
        parts += [f"### `{name}`\n\n{about}\n"] if about else []
        parts += ["\n".join(_key(key)) for key in keys]
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


@dataclass(frozen=True, slots=True)
class Draft:
    """A policy that is to be written.

    Attributes:
        top: lines of the comment at the top, without ``#``.
        values: what differs from the defaults, by path (``openings.notice``), as a person writes it.
        notes: other words than usual behind a key, by path.
        above: comment lines above a key, by path: the names that the office has.
    """

    top: Sequence[str]
    values: Mapping[str, Written]
    notes: Mapping[str, str] = field(default_factory=dict)
    above: Mapping[str, Sequence[str]] = field(default_factory=dict)


def policy_text(draft: Draft) -> str:
    """The file. Keys without a default that are not among the values are there as comments."""
    lines = [MODELINE, *(f"# {line}".rstrip() for line in draft.top), ""]
    for name, about, keys in _table():
        lines += ["", f"# {HEADINGS[name]}", f"{name}:"] if about else []
        lines += [line for key in keys for line in _sample_key(draft, key)]
    return "\n".join(lines) + "\n"


def _sample_key(draft: Draft, key: Key) -> Iterator[str]:
    """The lines of one key."""
    indent = "  " if key.section else ""
    value = draft.values.get(key.path, key.default)
    if key.path in ABOVE:
        yield ""
    others = ", ".join(word for word in get_args(OrderLine) if word not in (value or ()))
    for line in (*draft.above.get(key.path, ()), *(line.format(others=others) for line in ABOVE.get(key.path, ()))):
        mark = f"{indent}# "
        yield from textwrap.wrap(line, WIDEST - len(indent), initial_indent=mark, subsequent_indent=mark)
    note = draft.notes.get(key.path, key.note)
    if key.path == "order" and isinstance(value, list):
        yield f"{key.name}:"
        yield from (f"  - {item}" for item in value)
        return
    if value is None or (key.path == "commlog.type" and key.path not in draft.values):
        # Left out, the office's own commlog type is found; written, the name must exist.
        text = f"{indent}# {key.name}: {value or key.example}"
    else:
        text = f"{indent}{key.name}: {written(value)}"
    yield f"{text:<{COMMENTS - 2}}  # {note}" if note else text


def written(value: Written) -> str:
    """A value as it stands in a policy: lists in brackets, the names in them in quotes where that is needed."""
    return f"[{', '.join(quoted_name(item) for item in value)}]" if isinstance(value, list) else value


def quoted_name(name: str) -> str:
    """A name of the office as it may stand in a policy.

    YAML has a meaning for some signs; a name that has one of them, or is a word with a meaning here, stands in quotes.
    """
    name = " ".join(name.split())
    if PLAIN.fullmatch(name) and name.casefold() not in NOT_NAMES:
        return name
    return "'" + name.replace("'", "''") + "'"


HOW_TO = (
    "Lines that begin with # are notes. Every key but `office` and `timezone` may be left out. Indent with blanks,",
    "never with tabs. After a change, run:  asapfill check",
)


SAMPLE = Draft(
    top=(
        "Every key with the value that asapfill uses when it is left out. Only `mode` differs: this is the policy of",
        "the demo, which SENDS BY ITSELF. For your office let `asapfill policy new` write one, in preview and with",
        "your own names in it; or copy this file, name the copy after your office, and write `mode: preview` first.",
        "",
        *HOW_TO,
    ),
    values={"office": "demo", "timezone": "America/Los_Angeles", "mode": "automatic"},
)


SOLO = Draft(
    top=(
        "A solo practice: one dentist, a hygienist, three chairs, and one person at the front desk.",
        "",
        "The person at the desk fills most gaps by phone and needs time for it. asapfill takes what is left, asks few",
        "people, and shows them first. When the plans look right, change the mode to: ask",
        "",
        *HOW_TO,
    ),
    values={
        "office": "main-street",
        "timezone": "America/Chicago",
        "mode": "preview",
        "openings.look_ahead": "7 days",
        "openings.notice": "90 minutes",
        "openings.settle": "45 minutes",
        "openings.days": ["Mon", "Tue", "Wed", "Thu"],
        "openings.hours": "8am-4pm",
        "texts.between": "9am-5pm",
        "texts.days": ["Mon", "Tue", "Wed", "Thu"],
        "texts.per_opening": "5",
        "texts.wave": "2",
        "texts.wait": "30 minutes",
        "texts.rest_after_decline": "14 days",
    },
    notes={
        "openings.look_ahead": "next week's gaps are filled at the desk",
        "openings.notice": "patients live in town and can be here soon",
        "openings.settle": "one person, and the phone rings: leave them time to fill a gap themselves",
        "openings.days": "closed on Fridays",
        "texts.between": "only while somebody is here to answer questions",
        "texts.days": "as above",
        "texts.per_opening": "the ASAP list is short; do not ask all of it for every gap",
        "texts.wave": "two at a time: hardly ever will somebody find the time gone",
        "texts.rest_after_decline": "we know our patients; do not push",
    },
)


HYGIENE = Draft(
    top=(
        "A hygiene-heavy office: two dentists, five hygienists, and a schedule built from blocks.",
        "",
        "Hygiene has blockouts of its own (here: Hygiene Only), and nothing else may slip in there. Recalls are many,",
        "and most patients take any hygienist. Write your own blockout types: `asapfill policy new` lists them.",
        "",
        *HOW_TO,
    ),
    values={
        "office": "lakeside",
        "timezone": "America/New_York",
        "mode": "preview",
        "openings.look_ahead": "21 days",
        "openings.shortest": "50 minutes",
        "openings.hygiene_only_in": ["Hygiene Only"],
        "openings.recalls_only_in": ["Hygiene Only"],
        "openings.hours": "07:00-19:00",
        "candidates.include": ["recalls", "unscheduled", "planned", "broken"],
        "candidates.same_provider": "no",
        "order": ["recalls first", "longest first", "least recently texted first"],
        "texts.per_opening": "20",
    },
    notes={
        "openings.look_ahead": "recalls are asked well ahead",
        "openings.shortest": "a cleaning takes 50 minutes; shorter gaps stay breathing space",
        "openings.hygiene_only_in": "hygiene visits only inside these blockouts, and nothing else inside them",
        "openings.recalls_only_in": "recalls too",
        "openings.hours": "early and late chairs; each provider's own hours in Open Dental count too",
        "candidates.include": "not those with an appointment: moving them opens another gap",
        "candidates.same_provider": "any hygienist will do",
        "texts.per_opening": "a long list, and recalls answer less often",
    },
)


GROUP = Draft(
    top=(
        "A group with clinics: one file like this for each clinic. This one is for North Side.",
        "",
        "A call center works the ASAP list by phone too, so people to whom it has just spoken are left alone, and",
        "nobody gets more than two texts in a week from the whole group. Rooms not for patients are left out.",
        "",
        *HOW_TO,
    ),
    values={
        "office": "riverside-group",
        "timezone": "America/Denver",
        "clinic": "North Side",
        "mode": "preview",
        "openings.notice": "3 hours",
        "openings.except_operatories": ["Consult Room"],
        "openings.except_providers": ["LOCUM"],
        "openings.days": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat"],
        "openings.hours": "07:00-18:00",
        "candidates.gain": "5 days",
        "candidates.spoken_to": "3 days",
        "texts.per_patient_per_week": "2",
    },
    notes={
        "clinic": "as it is called in Open Dental; the other clinics have files of their own",
        "openings.notice": "people come from further away",
        "openings.except_operatories": "not for treatment",
        "openings.except_providers": "comes only now and then; the call center fills that time",
        "openings.days": "open on Saturdays",
        "candidates.gain": "moving somebody is work for the call center: only if it is worth it",
        "candidates.spoken_to": "the call center may have offered them something already",
        "texts.per_patient_per_week": "other clinics of the group text too",
    },
)


SAMPLES: Mapping[str, Draft] = {
    "sample.yaml": SAMPLE,
    "solo-practice.yaml": SOLO,
    "hygiene-heavy.yaml": HYGIENE,
    "group-with-clinics.yaml": GROUP,
}


def sample_files() -> dict[str, str]:
    """The text of every file in the folder of samples, by name."""
    return {name: policy_text(draft) for name, draft in SAMPLES.items()} | {FILE_NAME: schema_text()}


def write_pages(folder: Path) -> None:
    """Write both pages in ``folder`` anew."""
    for name, renewed in (("policy.md", policy_page), ("settings.md", settings_page)):
        page = folder / name
        page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")


def write_samples(folder: Path) -> None:
    """Write the samples and the schema into ``folder``."""
    for name, text in sample_files().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
    for samples in sys.argv[2:]:
        write_samples(Path(samples))
