"""One table of keys: the schema, the samples and the reference page are made from it and say the same as the reader."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from asapfill.core.errors import ConfigurationError
from asapfill.core.office import OfficeNames
from asapfill.core.policy import CandidatesPolicy, CommlogPolicy, OpeningsPolicy, Policy, TextsPolicy
from asapfill.core.rows import Clinic, Definition, Operatory, Provider
from asapfill.demo.demo import sample_policy
from asapfill.policy.keys import keys_of
from asapfill.policy.model import KEYS, PolicyFile
from asapfill.policy.reading import parse_policy, read_policy
from asapfill.policy.resolve import resolve
from asapfill.policy_tools.reference import (
    FILE_NAME,
    MODELINE,
    SAMPLES,
    Draft,
    default_words,
    policy_page,
    policy_schema,
    policy_text,
    quoted_name,
    sample_files,
    write_samples,
    written,
)

ROOT = Path(__file__).parents[2]
HEAD = "office: main-street\ntimezone: America/Los_Angeles\n"
SECTIONS: dict[str, Any] = {
    "": Policy,
    "openings": OpeningsPolicy,
    "candidates": CandidatesPolicy,
    "texts": TextsPolicy,
    "commlog": CommlogPolicy,
}


def with_value(path: str, value: str) -> str:
    """A policy in which one key has a value."""
    section, _, name = path.rpartition(".")
    if path in {"office", "timezone"}:
        return re.sub(f"(?m)^{path}:.*$", f"{path}: {value}", HEAD)
    return f"{HEAD}{section}:\n  {name}: {value}\n" if section else f"{HEAD}{name}: {value}\n"


def test_every_key_has_its_place_in_the_resolved_policy_and_the_other_way_round() -> None:
    for section, kind in SECTIONS.items():
        keys = {key.name for key in KEYS if key.section == section}
        fields = {field.name for field in dataclasses.fields(kind)} - {"openings", "candidates", "texts", "commlog"}
        assert keys == fields, section


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_a_key_says_everything_that_is_said_of_keys(key: Any) -> None:
    assert key.meaning.endswith(".")
    assert key.says.count("{}") == 1
    assert not key.says.endswith(".")
    assert key.takes
    if key.default is not None:
        assert key.why.endswith((".", ")"))
        assert default_words(key) != key.example
    parse_policy(with_value(key.path, key.example).encode(), Path("example.yaml"))


# Samples


@pytest.mark.parametrize("name", sorted(sample_files()))
def test_the_files_in_policies_are_those_that_the_table_gives(name: str) -> None:
    assert (ROOT / "policies" / name).read_text(encoding="utf-8") == sample_files()[name], (
        "run: python -m asapfill.policy_tools.reference docs policies"
    )


def test_there_are_no_other_files_among_the_samples() -> None:
    assert {path.name for path in (ROOT / "policies").iterdir()} == set(sample_files())
    assert len([name for name in SAMPLES if name != "sample.yaml"]) == 3


def test_the_samples_are_written_into_the_folder_that_is_asked_for(tmp_path: Path) -> None:
    write_samples(tmp_path)
    assert {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()} == sample_files()


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_sample_is_a_policy_that_names_every_key_and_is_found_by_its_name(name: str) -> None:
    text = sample_policy(name).read_text(encoding="utf-8")
    read_policy(sample_policy(name))
    assert text.startswith(MODELINE + "\n")
    for key in KEYS:
        assert re.search(rf"(?m)^ *(# )?{key.name}:", text), key.path
    assert max(map(len, text.split("\n"))) <= 120


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"sample.yaml"}))
def test_a_sample_to_copy_sends_nothing_yet_and_gives_a_reason_for_whatever_differs(name: str) -> None:
    draft = SAMPLES[name]
    assert read_policy(sample_policy(name)).mode == "preview"
    told = set(draft.notes) | {"office", "timezone", "mode", "order"}
    assert {path for path in draft.values if path not in told} <= {"texts.wait", "openings.hours"}
    assert len(draft.values) >= 8


def test_the_names_in_the_samples_resolve_in_an_office_that_has_them() -> None:
    names = OfficeNames(
        operatories=(Operatory(operatory_num=1, op_name="Op 1"), Operatory(operatory_num=2, op_name="Consult Room")),
        providers=(Provider(prov_num=1, abbr="LOCUM"),),
        blockout_types=(Definition(def_num=9, item_name="Hygiene Only"),),
        commlog_types=(),
        clinics=(),
    )
    group = OfficeNames(
        names.operatories, names.providers, names.blockout_types, (), (Clinic(clinic_num=4, description="North Side"),)
    )
    hygiene = resolve(read_policy(sample_policy("hygiene-heavy.yaml")), names)
    assert hygiene.openings.hygiene_only_in == hygiene.openings.recalls_only_in == {9}
    assert resolve(read_policy(sample_policy("solo-practice.yaml")), names).texts.wave == 2
    clinic = resolve(read_policy(sample_policy("group-with-clinics.yaml")), group)
    assert (clinic.clinic, clinic.candidates.spoken_to.days) == (4, 3)
    assert clinic.openings.except_operatories == {2}


# Writing


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1), min_size=1, max_size=3)
)
def test_a_name_of_the_office_survives_being_written_into_a_policy(names: list[str]) -> None:
    text = policy_text(Draft((), {"office": "x", "timezone": "UTC", "openings.except_operatories": names}))
    try:
        policy = parse_policy(text.encode(), Path("names.yaml"))
    except ConfigurationError as error:
        # What nobody can see is refused wherever it stands; that is the reader's rule.
        assert "invisible" in str(error)  # noqa: PT017  either way is right
        return
    assert policy.openings.except_operatories == tuple(names)


@pytest.mark.parametrize(
    "name", ["Op: 1", "#2", "A, B", "[x]", "null", "Dr. O'Neil", "- 3", "all", "“Big” room", "?", "!x"]
)
def test_names_with_signs_that_mean_something_stand_in_quotes(name: str) -> None:
    assert quoted_name(name).startswith("'")
    assert written(["Op 1", name]) == f"[Op 1, {quoted_name(name)}]"


# The reference page


def test_the_reference_page_is_the_one_that_the_table_gives() -> None:
    page = (ROOT / "docs" / "policy.md").read_text(encoding="utf-8")
    assert page == policy_page(page), "run: python -m asapfill.policy_tools.reference docs"


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_the_reference_page_tells_everything_about_a_key(key: Any) -> None:
    page = policy_page("")
    start = page.index(f"# `{key.path}`")
    entry = page[start : page.find("\n#", start) if page.find("\n#", start) > 0 else None]
    for part in (key.meaning, key.why, key.takes, f"`{key.name}: {key.example}`"):
        assert part in entry
    assert f"`{default_words(key)}`" in entry or key.default is None


def test_the_reference_page_names_no_key_that_does_not_exist() -> None:
    headings = set(re.findall(r"(?m)^#{3,4} `(.*)`$", policy_page("")))
    assert headings == {key.path for key in KEYS} | {key.section for key in KEYS if key.section}


# The schema


def allowed(schema: dict[str, Any], value: Any) -> bool:  # noqa: PLR0911  one return for each word of the schema
    """Whether a value passes the part of JSON Schema that ours uses."""
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    if "anyOf" in schema and not any(allowed(piece, value) for piece in schema["anyOf"]):
        return False
    if "enum" in schema and not any(value == item and type(value) is type(item) for item in schema["enum"]):
        return False
    if "type" in schema and not any(is_a(value, kind) for kind in as_list(schema["type"])):
        return False
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        return False
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        return False
    if isinstance(value, list) and "items" in schema:
        return all(allowed(schema["items"], item) for item in value)
    if isinstance(value, dict) and "properties" in schema:
        known = schema["properties"]
        return (
            set(schema.get("required", ())) <= set(value)
            and set(value) <= set(known)
            and all(allowed(known[name], item) for name, item in value.items())
        )
    return True


KNOWN = {
    *("$schema", "title", "description", "default", "examples", "type", "properties", "additionalProperties"),
    *("required", "anyOf", "enum", "pattern", "items", "minimum", "maximum"),
}
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "object": dict, "array": list}


def is_a(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    return isinstance(value, TYPES[kind])  # type: ignore[arg-type]  # a table of types


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def as_editors_read(text: str) -> Any:
    """A policy as an editor's YAML 1.2 reader takes it: numbers and true/false have types."""
    return json.loads(json.dumps(YAML(typ="safe", pure=True).load(text)))


def test_the_schema_accepts_every_sample_and_every_example_and_default() -> None:
    schema = policy_schema()
    for name in SAMPLES:
        assert allowed(schema, as_editors_read(sample_policy(name).read_text(encoding="utf-8"))), name
    for key in KEYS:
        for value in (key.example, default_words(key)) if key.default is not None else (key.example,):
            assert allowed(schema, as_editors_read(with_value(key.path, value))), (key.path, value)


def test_the_schema_knows_every_key_with_description_and_default() -> None:
    properties = policy_schema()["properties"]
    for key in KEYS:
        found = (properties[key.section]["properties"] if key.section else properties)[key.name]
        assert key.meaning in found["description"]
        assert ("default" in found) == (key.default is not None)
        assert found["examples"]


FORMS = {
    "openings.notice": ["2 hours", "90min", "1 Hour and 30 minutes", "1.5 h", "1 WEEK", "1h30m", "0 minutes"],
    "openings.hours": [
        "8am-5pm",
        "8:00 - 17:30",
        "8 AM to 5 PM",
        "8:30 a.m. – 5:15 p.m.",
        "noon-8pm",
        "8-5",
        "from 8 to 4pm",
    ],
    "openings.days": [
        "Mon",
        "[Monday, Tues]",
        "Mon-Fri",
        "Mon, Wed-Fri",
        "weekdays",
        "Every Day",
        "Monday to Thursday",
    ],
    "candidates.same_provider": ["yes", "No", "TRUE", "off", "true", "On"],
    "candidates.except_patients": ["12", "[12, 0123]", '["12"]', "[]"],
    "candidates.include": ["planned", "[Unscheduled, recalls]", "unscheduled, planned"],
    "order": ["[Furthest out first]", "furthest-out_first", "recalls first, longest first"],
    "mode": ["Preview", "AUTOMATIC", "ask"],
    "texts.wave": ["auto", "Auto", "3", '"3"'],
    "texts.wait": ["auto", "10", "20 minutes", "1 hour"],
    "texts.per_opening": ["5", '"7"', "05", "auto"],
    "openings.operatories": ["all", "ALL", "Op 1", "[Op 1, 3]", "[3]"],
    "timezone": ["america/los angeles", "US/Pacific", "utc"],
    "commlog.type": ["5", "Appt Related", "yes"],
}
WRONG = {
    "openings.notice": ["2", "two hours", "2 months", "[2 hours]", "1:30"],
    "openings.hours": ["480", "8am", "8.00-9.00"],
    "openings.days": ["Montag", "M", "1"],
    "candidates.same_provider": ["maybe", "1", "y"],
    "candidates.except_patients": ["Smith", "[-1]"],
    "mode": ["auto", "loud"],
    "texts.wave": ["0", "many", "200"],
    "texts.per_opening": ["0", "1000", "many"],
    "timezone": ["EST", "Pacific"],
}


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in FORMS.items() for value in values])
def test_the_schema_takes_every_form_that_the_reader_takes(path: str, value: str) -> None:
    text = with_value(path, value)
    parse_policy(text.encode(), Path("form.yaml"))
    assert allowed(policy_schema(), as_editors_read(text))


@pytest.mark.parametrize(("path", "value"), [(path, value) for path, values in WRONG.items() for value in values])
def test_the_schema_and_the_reader_refuse_the_usual_mistakes(path: str, value: str) -> None:
    text = with_value(path, value)
    with pytest.raises(ConfigurationError):
        parse_policy(text.encode(), Path("form.yaml"))
    assert not allowed(policy_schema(), as_editors_read(text))


def test_the_schema_refuses_unknown_keys_and_a_missing_office() -> None:
    schema = policy_schema()
    assert not allowed(schema, as_editors_read(HEAD + "openings:\n  notices: 2 hours\n"))
    assert not allowed(schema, as_editors_read("timezone: UTC\n"))
    assert FILE_NAME in MODELINE


def test_the_table_has_no_key_twice() -> None:
    assert keys_of(PolicyFile) == KEYS
    assert len({key.path for key in KEYS}) == len(KEYS)
