"""What an edit changes: told in sentences, with whether more or less may be sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from asapfill.policy.model import KEYS, PolicyFile
from asapfill.policy.reading import parse_policy
from asapfill.policy_tools.diff import compare

HEAD = "office: main-street\ntimezone: America/Los_Angeles\n"


def parse(text: str) -> PolicyFile:
    return parse_policy((HEAD + text).encode(), Path("main-street.yaml"))


def effects(before: str, after: str) -> dict[str, str]:
    return {change.key: change.effect for change in compare(parse(before), parse(after))}


EDITS = [
    ("mode: preview", "mode: ask", "more"),
    ("mode: automatic", "mode: ask", "less"),
    ("openings:\n  look_ahead: 7 days", "openings:\n  look_ahead: 8 days", "more"),
    ("openings:\n  notice: 3 hours", "openings:\n  notice: 90 minutes", "more"),
    ("openings:\n  settle: 3 minutes", "openings:\n  settle: 1 hour", "less"),
    ("openings:\n  operatories: all", "openings:\n  operatories: [Op 1]", "less"),
    ("openings:\n  operatories: [Op 1]", "openings:\n  operatories: [Op 2, Op 1]", "more"),
    ("openings:\n  operatories: [Op 1]", "openings:\n  operatories: [Op 2]", "both"),
    ("openings:\n  except_operatories: [Op 1]", "openings:\n  except_operatories: []", "more"),
    ("openings:\n  blockouts_allowed: []", "openings:\n  blockouts_allowed: [Hold]", "more"),
    ("openings:\n  hygiene_only_in: []", "openings:\n  hygiene_only_in: [Hold]", "other"),
    ("openings:\n  days: Mon-Fri", "openings:\n  days: [Mon, Tue]", "less"),
    ("openings:\n  hours: 8am-5pm", "openings:\n  hours: 7am-5pm", "more"),
    ("openings:\n  hours: 8am-5pm", "openings:\n  hours: 7am-3pm", "both"),
    ("openings:\n  hours: 8am-24:00", "openings:\n  hours: 8am-5pm", "less"),
    ("candidates:\n  include: [planned]", "candidates:\n  include: [planned, recalls]", "more"),
    ("candidates:\n  same_provider: yes", "candidates:\n  same_provider: no", "more"),
    ("candidates:\n  under_18: text", "candidates:\n  under_18: skip", "less"),
    ("candidates:\n  except_patients: [1]", "candidates:\n  except_patients: [1, 2]", "less"),
    ("candidates:\n  spoken_to: 0 days", "candidates:\n  spoken_to: 3 days", "less"),
    ("order: [longest first]", "order: [shortest first]", "other"),
    ("texts:\n  per_patient_per_day: 1", "texts:\n  per_patient_per_day: 2", "more"),
    ("texts:\n  wave: 3", "texts:\n  wave: auto", "other"),
    ("texts:\n  wave: 3", "texts:\n  wave: 2", "less"),
    ("texts:\n  rest_after_decline: 3 days", "texts:\n  rest_after_decline: 2 days", "more"),
    ("commlog:\n  write: yes", "commlog:\n  write: no", "other"),
]


@pytest.mark.parametrize(("before", "after", "effect"), EDITS, ids=lambda value: value.split("\n")[-1].strip())
def test_an_edit_allows_more_or_less_or_cannot_be_told(before: str, after: str, effect: str) -> None:
    assert list(effects(before, after).values()) == [effect]
    back = {"more": "less", "less": "more", "both": "both", "other": "other"}[effect]
    assert list(effects(after, before).values()) == [back]


def test_how_something_is_written_is_no_change() -> None:
    before = "openings:\n  days: [Tue, Mon]\n  notice: 2 hours\n  except_operatories: [Op 1, HYG]\n  hours: 8am-5pm\n"
    after = "openings:\n  hours: 08:00-17:00\n  days: Mon-Tue\n  notice: 120 min\n  except_operatories: [hyg, op1]\n"
    assert effects(before, after) == {}


def test_a_sentence_says_what_holds_now_and_what_held_before() -> None:
    (change,) = compare(parse("openings:\n  notice: 2 hours\n"), parse("openings:\n  notice: 1 hour 30 minutes\n"))
    assert change.sentence == "Openings that start in less than 1 hour 30 minutes are left alone. Until now: 2 hours."
    assert (change.key, change.before, change.after) == ("openings.notice", "2 hours", "1 hour 30 minutes")


def test_a_list_tells_what_came_and_what_went() -> None:
    before, after = (
        "openings:\n  except_operatories: [Op 1, Op 2]\n",
        "openings:\n  except_operatories: [op 1, Op 3]\n",
    )
    (change,) = compare(parse(before), parse(after))
    assert change.sentence.endswith("op 1, Op 3. Until now: Op 1, Op 2. New: Op 3. Gone: Op 2.")
    (change,) = compare(parse(after), parse(""))
    assert change.sentence == "Operatories that are never filled: none. Until now: op 1, Op 3."


def test_a_change_of_mode_says_what_will_happen() -> None:
    (change,) = compare(parse("mode: preview\n"), parse("mode: automatic\n"))
    assert change.sentence == "Texts go out without anybody's yes. Until now: preview."


@pytest.mark.parametrize("key", [key for key in KEYS if key.default is not None], ids=lambda key: key.path)
def test_every_key_can_change_and_is_told(key: object) -> None:
    path, name, section, example = (getattr(key, part) for part in ("path", "name", "section", "example"))
    text = f"{section}:\n  {name}: {example}\n" if section else f"{name}: {example}\n"
    (change,) = compare(parse(""), parse(text))
    assert change.key == path
    assert "{}" not in change.sentence
