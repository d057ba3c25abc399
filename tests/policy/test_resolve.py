"""Names in a policy become numbers of the office, or the policy stops."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from asapfill.core.errors import ConfigurationError
from asapfill.core.office import OfficeNames
from asapfill.core.policy import Policy
from asapfill.core.rows import Clinic, Definition, Operatory, Provider
from asapfill.policy.reading import parse_policy
from asapfill.policy.resolve import as_shown, claimed_twice, clinic_of, resolve, resolved_names
from asapfill.policy_tools.diff import compare

HEAD = "office: main-street\ntimezone: America/Los_Angeles\n"


def operatory(number: int, name: str, abbrev: str = "", *, clinic: int = 0, hidden: bool = False) -> Operatory:
    return Operatory(operatory_num=number, op_name=name, abbrev=abbrev, clinic_num=clinic, is_hidden=hidden)


def provider(number: int, abbr: str, *, status: str = "Active", hidden: bool = False) -> Provider:
    return Provider(prov_num=number, abbr=abbr, prov_status=status, is_hidden=hidden)


def definition(number: int, name: str, value: str = "", *, hidden: bool = False) -> Definition:
    return Definition(def_num=number, item_name=name, item_value=value, isHidden=hidden)


OFFICE = OfficeNames(
    operatories=(
        operatory(11, "Op 1", "1"),
        operatory(12, "Op 2", "2"),
        operatory(13, "Hygiene Room", "HYG"),
        operatory(14, "Consult", "hyg"),
        operatory(15, "Old Chair", "OLD", hidden=True),
    ),
    providers=(
        provider(1, "DOC1"),
        provider(2, "HYG1"),
        provider(3, "DOC9", status="Deleted"),
        provider(4, "HYG1", hidden=True),
    ),
    blockout_types=(
        definition(248, "Staff Meeting", "NS,DC"),
        definition(249, "Hygiene"),
        definition(250, "Old", hidden=True),
    ),
    commlog_types=(
        definition(235, "ApptRelated", "APPT"),
        definition(236, "Insurance"),
        definition(239, "Misc", "MISC"),
    ),
    clinics=(),
)
NORTH, SOUTH = (
    Clinic(clinic_num=4, description="North Side", abbr="N"),
    Clinic(clinic_num=5, description="South", abbr="S"),
)
GROUP = OfficeNames(
    operatories=(operatory(21, "Op 1", clinic=4), operatory(22, "Op 1", clinic=5), operatory(23, "Float", clinic=0)),
    providers=OFFICE.providers,
    blockout_types=OFFICE.blockout_types,
    commlog_types=OFFICE.commlog_types,
    clinics=(NORTH, SOUTH),
)


def resolved(text: str, names: OfficeNames = OFFICE) -> Policy:
    return resolve(parse_policy((HEAD + text).encode(), Path("main-street.yaml")), names)


def refused(text: str, names: OfficeNames = OFFICE) -> str:
    with pytest.raises(ConfigurationError) as caught:
        resolved(text, names)
    return str(caught.value)


def test_a_policy_without_names_is_the_default_policy() -> None:
    policy = resolved("")
    assert policy == Policy("main-street", policy.timezone, commlog=policy.commlog)
    assert policy.openings.operatories is None


NUMBERED = OfficeNames(
    operatories=(operatory(5, "Op 9"), operatory(9, "Hygiene"), operatory(12, "Surgery"), operatory(14, "Room 014")),
    providers=(provider(2, "DOC7"), provider(7, "HYG")),
    blockout_types=(definition(248, "Room 250"), definition(250, "Hold")),
    commlog_types=(definition(235, "ApptRelated"),),
    clinics=(),
)


@pytest.mark.parametrize("key", ["operatories", "except_operatories"])
def test_a_bare_number_that_is_part_of_another_name_is_refused(key: str) -> None:
    told = refused(f"openings:\n  {key}: [9]\n", NUMBERED)
    assert "“9” could mean 2 operatories." in told
    assert "Write the name: “Hygiene” (number 9), or “Op 9” (number 5)." in told
    assert "“7” could mean 2 providers." in refused("openings:\n  except_providers: [7]\n", NUMBERED)
    assert "“250” could mean 2 blockout types." in refused("openings:\n  blockouts_allowed: [250]\n", NUMBERED)
    for number in (12, 14):
        assert resolved(f"openings:\n  operatories: [{number}]\n", NUMBERED).openings.operatories == frozenset(
            {int(number)}
        )


def test_a_number_that_is_a_name_itself_is_that_name() -> None:
    names = OfficeNames((operatory(4, "Op 9", "9"), operatory(5, "Hygiene 9")), (), (), (), ())
    assert resolved("openings:\n  operatories: [9]\n", names).openings.operatories == frozenset({4})


def test_what_each_name_was_resolved_to_can_be_shown() -> None:
    written = parse_policy(
        (
            f"{HEAD}openings:\n  operatories: [op  9, 12]\n  blockouts_allowed: [Hold]\ncommlog:\n  type: apptrelated\n"
        ).encode(),
        Path("main.yaml"),
    )
    assert [str(name) for name in resolved_names(written, NUMBERED)] == [
        "openings.operatories: op 9 is Op 9 (number 5)",
        "openings.operatories: 12 is Surgery (number 12)",
        "openings.blockouts_allowed: Hold is Hold (number 250)",
        "commlog.type: apptrelated is ApptRelated (number 235)",
    ]


@pytest.mark.parametrize("name", ["none", "no Op 9", "all but Surgery", "not Hygiene", "except Surgery", "nothing"])
def test_no_name_is_guessed_behind_a_no(name: str) -> None:
    told = refused(f"openings:\n  except_operatories: [{name}]\n", NUMBERED)
    assert "Did you mean" not in told
    assert "There are: Op 9, Hygiene, Surgery, Room 014." in told


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("Op 1", 11),
        ("op1", 11),
        ("OP  1", 11),
        ("1", 11),
        ("11", 11),
        ("Hygiene Room", 13),
        ("hygieneroom", 13),
        ("HYG", 13),
        ("hyg", 14),
    ],
)
def test_an_operatory_is_found_by_name_abbreviation_or_number(name: str, number: int) -> None:
    assert resolved(f"openings:\n  operatories: [{name}]\n").openings.operatories == frozenset({number})


def test_every_kind_of_name_is_resolved() -> None:
    policy = resolved(
        "openings:\n  operatories: [Op 1, Op 2, HYG]\n  except_operatories: [Consult]\n  except_providers: [doc1]\n"
        "  blockouts_allowed: hygiene\ncommlog:\n  type: insurance\n"
    )
    assert policy.openings.operatories == frozenset({11, 12, 13})
    assert policy.openings.except_operatories == {14}
    assert policy.openings.except_providers == {1}
    assert policy.openings.blockouts_allowed == {249}
    assert policy.commlog.type == 236


def test_all_unknown_names_are_told_at_once_each_with_its_place_and_what_is_near() -> None:
    text = refused(
        "openings:\n  operatories: [Op 1, Opp 2]\n  except_operatories: [Laundry]\n  except_providers: [DOCC1]\n"
        "  blockouts_allowed: [Lunch]\ncommlog:\n  type: Appointment\n"
    )
    assert "main-street.yaml:4:23: “Opp 2” is no operatory of the office." in text
    assert "      operatories: [Op 1, Opp 2]\n                          ^\n    Did you mean “Op 2 (2)”" in text
    assert "main-street.yaml:5:24: “Laundry” is no operatory of the office." in text
    assert "There are: Op 1 (1), Op 2 (2), Hygiene Room (HYG), Consult (hyg)." in text
    assert "main-street.yaml:6:22: “DOCC1” is no provider of the office." in text
    assert "main-street.yaml:7:23: “Lunch” is no blockout type of the office." in text
    assert "main-street.yaml:9:9: “Appointment” is no commlog type of the office." in text


def test_a_name_that_could_mean_two_is_refused_with_both() -> None:
    text = refused("openings:\n  operatories: [Hyg]\n")
    assert "“Hyg” could mean 2 operatories." in text
    assert "“Hygiene Room (HYG)” (number 13), or “Consult (hyg)” (number 14)" in text


def test_an_operatory_may_be_written_as_the_lists_show_it() -> None:
    assert resolved("openings:\n  operatories: [Hygiene Room (HYG)]\n").openings.operatories == frozenset({13})


def test_a_guess_speaks_the_names_of_the_list_behind_it() -> None:
    text = refused("openings:\n  operatories: [Hygene Room]\n")
    assert "Did you mean “Hygiene Room (HYG)”? There are: " in text


@pytest.mark.parametrize(("written", "meant"), [("HYG1", "HYG-1"), ("hyg 1", "HYG-1"), ("Dr Lee", "Dr. Lee")])
def test_a_name_without_its_signs_is_guessed_alone(written: str, meant: str) -> None:
    labels = ("HYG-1", "HYG-2", "Dr. Lee", "Dr. Lea")
    names = OfficeNames(tuple(operatory(number, label) for number, label in enumerate(labels, start=1)), (), (), (), ())
    assert f"Did you mean “{meant}”? There are: " in refused(f"openings:\n  operatories: [{written}]\n", names)


def test_several_names_without_brackets_are_told_as_that() -> None:
    text = refused("openings:\n  except_operatories: Op 1, op 2\n")
    assert "Several names stand in brackets: [Op 1, op 2]." in text


def test_a_blockout_type_that_cannot_be_named_is_not_proposed() -> None:
    text = refused("openings:\n  blockouts_allowed: [Staff Meetin]\n")
    assert text.endswith("^\n    Those that may be named: Hygiene.")


def test_two_ways_to_write_a_name_are_shown_as_one() -> None:
    texts = (
        "openings:\n  operatories: [op 2, HYG]\n  except_providers: [doc1, Nobody]\ncommlog:\n  type: misc\n",
        "openings:\n  operatories: [2, Hygiene Room, '13']\n  except_providers: [1, Nobody]\ncommlog:\n  type: 239\n",
    )
    one, other = (as_shown(parse_policy((HEAD + text).encode(), Path("main-street.yaml")), OFFICE) for text in texts)
    assert compare(one, other) == ()
    assert one.openings.except_providers == ("DOC1", "Nobody")
    assert one.commlog.type == "Misc"


def test_a_number_that_is_another_ones_name_is_refused() -> None:
    names = OfficeNames((operatory(1, "Left"), operatory(2, "1")), (), (), (), ())
    assert "“1” could mean 2 operatories." in refused("openings:\n  operatories: [1]\n", names)


def test_hidden_and_deleted_providers_can_be_left_out_by_name() -> None:
    assert resolved("openings:\n  except_providers: [DOC9]\n").openings.except_providers == {3}


def test_leaving_out_a_name_leaves_out_hidden_rows_of_the_same_name_too() -> None:
    assert resolved("openings:\n  except_providers: [HYG1]\n").openings.except_providers == {2, 4}


def test_a_name_that_vanishes_from_the_office_stops_the_policy() -> None:
    fewer = OfficeNames(OFFICE.operatories[1:], OFFICE.providers, OFFICE.blockout_types, OFFICE.commlog_types, ())
    assert "“Op 1” is no operatory of the office." in refused("openings:\n  except_operatories: [Op 1]\n", fewer)


def test_an_office_without_any_rows_says_so() -> None:
    nothing = OfficeNames((), (), (), (), ())
    assert "There are none." in refused("openings:\n  operatories: [Op 1]\n", nothing)


def test_the_default_commlog_type_gives_way_to_the_one_the_office_uses_for_appointments() -> None:
    other = (definition(300, "Visits", "APPT"), definition(299, "Old", "APPT", hidden=True))
    names = OfficeNames((), (), (), other, ())
    assert resolved("", OFFICE).commlog.type == 235
    assert resolved("", names).commlog.type == 300
    assert resolved("", OfficeNames((), (), (), (), ())).commlog.type is None


def test_a_commlog_type_that_a_person_wrote_must_exist() -> None:
    names = OfficeNames((), (), (), (definition(300, "Visits", "APPT"),), ())
    assert "“ApptRelated” is no commlog type of the office." in refused("commlog:\n  type: ApptRelated\n", names)


@pytest.mark.parametrize("name", ["North Side", "north side", "N", "4"])
def test_a_clinic_is_found_by_name_abbreviation_or_number(name: str) -> None:
    assert resolved(f"clinic: {name}\n", GROUP).clinic == 4


def test_an_office_with_clinics_needs_one_named() -> None:
    text = refused("", GROUP)
    assert "uses clinics" in text
    assert "There are: North Side, South." in text


def test_an_office_without_clinics_has_none_to_name() -> None:
    assert "main-street.yaml:3:9: The office does not use clinics." in refused("clinic: North Side\n")


def test_operatories_are_those_of_the_clinic_or_of_none() -> None:
    policy = resolved("clinic: South\nopenings:\n  operatories: [Op 1, Float]\n", GROUP)
    assert policy.openings.operatories == frozenset({22, 23})


def test_an_operatory_of_another_clinic_is_none_of_this_one() -> None:
    names = OfficeNames((operatory(21, "Left", clinic=4), operatory(22, "Right", clinic=5)), (), (), (), (NORTH, SOUTH))
    text = refused("clinic: South\nopenings:\n  operatories: [Left]\n", names)
    assert "“Left” is no operatory of this clinic." in text
    assert "There are: Right." in text


def test_a_wrong_clinic_is_told_without_guesses_about_its_operatories() -> None:
    text = refused("clinic: Nord Side\nopenings:\n  operatories: [Op 1]\n", GROUP)
    assert "“Nord Side” is no clinic of the office." in text
    assert "Did you mean “North Side”?" in text
    assert "Op 1" not in text


def test_two_policies_that_name_one_clinic_differently_are_both_told() -> None:
    files = [
        parse_policy(f"{HEAD}clinic: {clinic}\n".encode(), Path(f"{clinic}.yaml")) for clinic in ("N", "4", "South")
    ]
    problems = claimed_twice((file, resolve(file, GROUP)) for file in files)
    assert [problem.file.name for problem in problems] == ["N.yaml", "4.yaml"]


LISTS = ("blockouts_allowed", "hygiene_only_in", "recalls_only_in")


@pytest.mark.parametrize("key", LISTS)
def test_each_list_of_blockout_types_is_resolved(key: str) -> None:
    openings = resolved(f"openings:\n  {key}: [hygiene]\n").openings
    assert [getattr(openings, name) for name in LISTS] == [{249} if name == key else set() for name in LISTS]


@pytest.mark.parametrize("key", LISTS)
def test_a_blockout_type_over_which_nothing_may_be_scheduled_cannot_be_offered_over(key: str) -> None:
    text = refused(f"openings:\n  {key}: [Hygiene, staff meeting]\n")
    assert "“staff meeting” is marked NS (nothing scheduled) in Open Dental: its time is never offered." in text
    assert f"Take it out of `{key}`" in text
    assert f"main-street.yaml:4:{len(key) + 15}: " in text


def test_a_hidden_blockout_type_cannot_be_offered_over() -> None:
    assert "“Old” is hidden in Open Dental" in refused("openings:\n  blockouts_allowed: [Old]\n")


def test_what_needs_no_names_is_taken_over_as_it_is() -> None:
    policy = resolved("candidates:\n  spoken_to: 3 days\ncommlog:\n  second_entry: yes\n  write: no\n")
    assert policy.candidates.spoken_to == timedelta(days=3)
    assert (policy.commlog.second_entry, policy.commlog.write) == (True, False)


def test_the_clinic_of_a_policy_is_told_also_when_other_names_are_wrong() -> None:
    file = parse_policy(f"{HEAD}clinic: South\nopenings:\n  operatories: [Nowhere]\n".encode(), Path("south.yaml"))
    assert clinic_of(file, GROUP) == 5
    assert clinic_of(file, OFFICE) is None
    assert clinic_of(parse_policy(HEAD.encode(), Path("main.yaml")), OFFICE) == 0
