"""Writing a policy for a person, every key with its comment; and the samples in ``policies/``.

``asapfill policy new`` writes by it too, so that it knows every key and says the same. Write the samples anew with
``python -m asapfill.policy_tools.samples policies``. ``sample.yaml`` has every key with its default and is what the
demo uses. The others differ from it where an office of that kind differs, and say why.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from asapfill.core.policy import OrderLine
from asapfill.policy.formats import Written
from asapfill.policy.keys import Key, section_of
from asapfill.policy.model import KEYS, PolicyFile
from asapfill.policy_tools.reference import FILE_NAME, MODELINE, schema_text

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
    for name, info in PolicyFile.model_fields.items():
        if section_of(info) is not None:
            lines += ["", f"# {HEADINGS[name]}", f"{name}:"]
        for key in KEYS:
            if name == (key.section or key.name):
                lines += _key(draft, key)
    return "\n".join(lines) + "\n"


def _key(draft: Draft, key: Key) -> Iterator[str]:
    """The lines of one key."""
    indent = "  " if key.section else ""
    if not key.section and key.name in ABOVE:
        yield ""
    for line in (*draft.above.get(key.path, ()), *_standing_above(draft, key)):
        yield from textwrap.wrap(
            line, WIDEST - len(indent), initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )
    value = draft.values.get(key.path, key.default)
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


def _standing_above(draft: Draft, key: Key) -> Iterator[str]:
    if key.section:
        return
    for line in ABOVE.get(key.name, ()):
        if "{others}" not in line:
            yield line
            continue
        chosen = draft.values.get(key.path, key.default) or ()
        others = ", ".join(word for word in get_args(OrderLine) if word not in chosen)
        yield line.format(others=others)


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


def main(folder: Path) -> None:
    """Write the samples and the schema into ``folder``."""
    for name, text in sample_files().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
