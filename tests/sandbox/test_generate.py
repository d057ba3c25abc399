"""The generated office is one that somebody who works in an office would believe."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from asapfill.sandbox.generate.generator import make_office
from asapfill.sandbox.office.columns import KEYS
from asapfill.sandbox.office.tables import SimulatedOffice
from tests.depth import DEPTH, TEST

START = datetime(2026, 11, 16, 7, 0)  # a Monday
DAYS = 15
SEEDS = range(DEPTH.generated_offices)
NO_CHAIR = {"UnschedList", "Planned"}
ASAP_STATUSES = {"Scheduled", "UnschedList", "Planned", "Broken"}
UNIT = timedelta(minutes=5)
OVERFLOW, OLD_ROOM = 6, 7

Row = dict[str, Any]
Span = tuple[datetime, datetime]

every_seed = pytest.mark.parametrize("seed", SEEDS)


@cache
def office(seed: int, operatories: int = 5, clinics: int = 0) -> dict[str, Any]:
    return make_office(seed, start=START, operatories=operatories, days=DAYS, clinics=clinics)


def visits(made: dict[str, Any]) -> list[Row]:
    return [row for row in made["appointments"] if row["AptStatus"] not in NO_CHAIR]


def begins(row: Row) -> datetime:
    return datetime.fromisoformat(row["AptDateTime"])


def span(row: Row) -> Span:
    return begins(row), begins(row) + UNIT * len(row["Pattern"])


def provider(row: Row) -> int:
    return int(row["ProvHyg"] if row["IsHygiene"] else row["ProvNum"])


def schedule_span(row: Row) -> Span:
    return tuple(datetime.fromisoformat(f"{row['SchedDate']} {row[name]}") for name in ("StartTime", "StopTime"))  # type: ignore[return-value]  # two names, two moments


def overlapping(spans: Iterable[Span]) -> list[tuple[Span, Span]]:
    return [(one, other) for one, other in pairwise(sorted(spans)) if one[1] > other[0]]


def hours(made: dict[str, Any], op: Row, day: date) -> list[Row]:
    own = op["ProvHygienist"] if op["IsHygiene"] else op["ProvDentist"]
    return [
        row
        for row in made["schedules"]
        if row["SchedType"] == "Provider"
        and row["SchedDate"] == str(day)
        and (op["OperatoryNum"] in row["operatories"] or (not row["operatories"] and own and row["ProvNum"] == own))
    ]


def forbidden(made: dict[str, Any], op: int, day: date) -> list[Span]:
    not_over = {row["DefNum"] for row in made["definitions"] if "NS" in row["ItemValue"]}
    return [
        schedule_span(row)
        for row in made["schedules"]
        if row["SchedType"] == "Blockout"
        and row["SchedDate"] == str(day)
        and op in row["operatories"]
        and row["BlockoutType"] in not_over
    ]


def minutes(spans: Iterable[Span]) -> int:
    return sum(int((stop - start).total_seconds()) // 60 for start, stop in spans)


def open_days(made: dict[str, Any]) -> list[date]:
    closed = {row["SchedDate"] for row in made["schedules"] if row.get("Status") == "Holiday"}
    days = [START.date() + timedelta(days=ahead) for ahead in range(DAYS)]
    return [day for day in days if day.weekday() < 5 and str(day) not in closed]


def booked_and_bookable(made: dict[str, Any], day: date) -> tuple[int, int]:
    chairs = [op for op in made["operatories"] if op["OperatoryNum"] < OVERFLOW]
    bookable = 0
    for op in chairs:
        open_for = [schedule_span(row) for row in hours(made, op, day)]
        shut = forbidden(made, op["OperatoryNum"], day)
        bookable += minutes(open_for)
        bookable -= minutes(
            (max(start, shut_start), min(stop, shut_stop))
            for start, stop in open_for
            for shut_start, shut_stop in shut
            if start < shut_stop and stop > shut_start
        )
    booked = minutes(span(row) for row in visits(made) if begins(row).date() == day and row["Op"] < OVERFLOW)
    return booked, bookable


@every_seed
def test_no_provider_is_needed_in_two_places_at_once(seed: int) -> None:
    needed: Counter[tuple[int, datetime]] = Counter()
    for row in visits(office(seed)):
        needed.update(
            (provider(row), begins(row) + UNIT * place) for place, mark in enumerate(row["Pattern"]) if mark == "X"
        )
    assert len(needed) > 1000
    assert [key for key, times in needed.items() if times > 1] == []


@every_seed
def test_no_chair_has_two_visits_at_once(seed: int) -> None:
    by_chair = defaultdict(list)
    for row in visits(office(seed)):
        by_chair[row["Op"]].append(span(row))
    assert set(by_chair) >= {1, 2, 3, 4, 5}
    assert {op: overlapping(spans) for op, spans in by_chair.items() if overlapping(spans)} == {}


@every_seed
def test_nobody_sits_in_two_chairs_on_one_day(seed: int) -> None:
    days = Counter((row["PatNum"], begins(row).date()) for row in visits(office(seed)))
    assert [key for key, times in days.items() if times > 1] == []


@every_seed
def test_the_next_days_are_83_to_93_percent_booked_and_today_quite_full(seed: int) -> None:
    made = office(seed)
    by_day = {day: booked_and_bookable(made, day) for day in open_days(made)}
    booked, bookable = (sum(column) for column in zip(*by_day.values(), strict=True))
    assert 0.83 <= booked / bookable <= 0.93
    assert all(0.75 <= part / whole <= 0.93 for part, whole in by_day.values())
    today = by_day[START.date()]
    assert 0.86 <= today[0] / today[1] <= 0.93


@every_seed
def test_visits_lie_within_the_hours_of_their_provider_and_off_forbidding_blockouts(seed: int) -> None:
    made = office(seed)
    ops = {row["OperatoryNum"]: row for row in made["operatories"]}
    ahead = [row for row in visits(made) if row["Op"] != OVERFLOW and begins(row) < START + timedelta(days=9)]
    for row in ahead:
        start, stop = span(row)
        on_duty = [
            schedule_span(other)
            for other in hours(made, ops[row["Op"]], start.date())
            if other["ProvNum"] == provider(row)
        ]
        assert any(opens <= start and stop <= closes for opens, closes in on_duty), row
        shut = forbidden(made, row["Op"], start.date())
        assert not any(start < shut_stop and stop > shut_start for shut_start, shut_stop in shut), row


@every_seed
def test_every_number_that_points_to_another_row_finds_it(seed: int) -> None:
    made = office(seed, 12, 3) if seed % 2 else office(seed)
    known = {key: {row[key] for row in made[table]} for table, key in KEYS.items() if table in made}
    # FKs by column, as Open Dental names them; 0 means none.
    targets = {
        "PatNum": "PatNum", "Guarantor": "PatNum", "Op": "OperatoryNum", "ProvNum": "ProvNum", "ProvHyg": "ProvNum",
        "ProvDentist": "ProvNum", "ProvHygienist": "ProvNum", "PriProv": "ProvNum", "SecProv": "ProvNum",
        "ClinicNum": "ClinicNum", "AppointmentTypeNum": "AppointmentTypeNum", "RecallTypeNum": "RecallTypeNum",
        "NextAptNum": "AptNum", "AptNum": "AptNum", "BlockoutType": "DefNum", "Confirmed": "DefNum",
        "OperatoryType": "DefNum", "ScheduleNum": "ScheduleNum", "FKey": "AptNum",
    }  # fmt: skip
    missing = [
        (table, column, row[column])
        for table in KEYS
        for row in made.get(table, [])
        for column, target in targets.items()
        if row.get(column, 0) and row[column] not in known[target]
    ]
    assert missing == []
    ops = {number for row in made["schedules"] for number in row["operatories"]}
    assert ops <= known["OperatoryNum"]
    assert all(
        len({row[key] for row in made[table]}) == len(made[table]) for table, key in KEYS.items() if table in made
    )


@every_seed
def test_the_asap_list_has_all_statuses_and_most_of_it_far_away(seed: int) -> None:
    made = office(seed)
    listed = [row for row in made["appointments"] if row["Priority"] == "ASAP"]
    recalls = [row for row in made["recalls"] if row["Priority"] == "ASAP"]
    assert 20 <= len(listed) + len(recalls) <= 33
    assert {row["AptStatus"] for row in listed} == ASAP_STATUSES
    assert len(recalls) >= 5
    weeks = [(begins(row) - START).days / 7 for row in listed if row["AptStatus"] == "Scheduled"]
    assert sum(2 <= week <= 8 for week in weeks) >= 6
    assert sum(week * 7 > DAYS for week in weeks) >= 4


@every_seed
def test_the_asap_list_has_each_kind_of_person_to_be_careful_with(seed: int) -> None:
    made = office(seed)
    people = {row["PatNum"]: row for row in made["patients"]}
    entries = [row for table in ("appointments", "recalls") for row in made[table] if row["Priority"] == "ASAP"]
    listed = [people[row["PatNum"]] for row in entries]
    assert {"Patient", "Archived", "Inactive", "Deceased"} <= {row["PatStatus"] for row in listed}
    assert {"Unknown", "Yes", "No"} <= {row["TxtMsgOk"] for row in listed}
    assert any(not row["WirelessPhone"] for row in listed)
    assert any(row["WirelessPhone"] == "555-0199" for row in listed)
    assert any(date.fromisoformat(row["Birthdate"]) > date(2010, 1, 1) for row in listed)
    phones = defaultdict(set)
    for row in listed:
        phones[row["WirelessPhone"]].add(row["PatNum"])
    assert any(len(numbers) > 1 for phone, numbers in phones.items() if phone), "a family on one phone"
    assert max(Counter(row["PatNum"] for row in listed).values()) > 1, "somebody on the list twice"
    able = [
        row
        for row in listed
        if row["PatStatus"] == "Patient" and row["TxtMsgOk"] != "No" and len(row["WirelessPhone"]) > 10
    ]
    assert len(able) >= 12, "enough people who may be texted"


@every_seed
def test_the_asap_list_has_rows_that_cannot_be_taken_at_face_value(seed: int) -> None:
    made = office(seed)
    listed = [row for row in made["appointments"] if row["Priority"] == "ASAP"]
    recalls = [row for row in made["recalls"] if row["Priority"] == "ASAP"]
    assert any(row["Pattern"] == "" for row in listed)
    assert any(set(row["Pattern"]) - {"X", "/"} for row in listed)
    assert any(row["AptStatus"] == "Scheduled" and begins(row) < START for row in listed)
    plans = {row["AptNum"] for row in listed if row["AptStatus"] == "Planned"}
    assert plans & {row.get("NextAptNum", 0) for row in made["appointments"]}, "a plan that is scheduled already"
    empty = {row["RecallTypeNum"] for row in made["recalltypes"] if not row["TimePattern"]}
    assert any(row["RecallTypeNum"] in empty for row in recalls)
    assert any(row.get("TimePatternOverride") for row in recalls)
    assert made["asapcomms"][0]["FKey"] in {row["AptNum"] for row in listed}, "staff made an offer before us"


def test_asap_recalls_are_scattered_over_the_pages_of_the_recall_table() -> None:
    pages = Counter(
        (row["RecallNum"] - 1) // 100 for seed in SEEDS for row in office(seed)["recalls"] if row["Priority"] == "ASAP"
    )
    assert min(pages[page] for page in range(3)) > len(SEEDS)
    assert [row["RecallNum"] for row in office(1)["recalls"]] == list(range(1, len(office(1)["recalls"]) + 1))


def test_an_asap_crown_seat_still_waits_for_the_lab() -> None:
    waiting = 0
    for seed in SEEDS:
        made = office(seed)
        asap = {row["AptNum"] for row in made["appointments"] if row["Priority"] == "ASAP"}
        late = [row for row in made["labcases"] if row["DateTimeRecd"].startswith("0001")]
        assert all(row["AptNum"] in asap for row in late)
        waiting += len(late)
    assert waiting >= len(SEEDS) * 25 / 30


@every_seed
def test_the_schedule_has_oddities_besides_visits(seed: int) -> None:
    ahead = [row for row in visits(office(seed)) if row["Priority"] == "Normal" and begins(row) > START]
    assert any(row["AptStatus"] == "Broken" for row in ahead)
    assert any(row["AptStatus"] == "PtNote" for row in ahead)
    assert any(row["Pattern"] == "" for row in ahead)
    assert any(set(row["Pattern"]) - {"X", "/"} for row in ahead)
    late = [row for row in ahead if row["Op"] == OVERFLOW]
    assert [begins(row).hour for row in late] == [23]


@every_seed
def test_what_is_over_is_complete_and_what_is_to_come_is_not(seed: int) -> None:
    made = make_office(seed, start=START.replace(hour=13, minute=5), days=DAYS)
    now = datetime.fromisoformat(made["now"])
    for row in visits(made):
        if row["AptStatus"] == "Complete":
            assert span(row)[1] <= now
        if row["AptStatus"] == "Scheduled" and row["Priority"] == "Normal":
            assert span(row)[1] > now or not row["Pattern"]
    today = Counter(row["AptStatus"] for row in visits(made) if begins(row).date() == now.date())
    assert today["Complete"] > 5
    assert today["Scheduled"] > 5


@every_seed
def test_nobody_in_it_can_be_taken_for_a_real_person(seed: int) -> None:
    patients = office(seed)["patients"]
    phones = [row["WirelessPhone"] for row in patients if row["WirelessPhone"]]
    assert all(re.fullmatch(r"(\([2-9]\d\d\))?555-01\d\d", phone.replace(") ", ")")) for phone in phones)
    assert all(re.fullmatch(r"000\d{6}", row["SSN"]) for row in patients)
    assert all("Fictional" in row["Address"] for row in patients)
    assert len({row["SSN"] for row in patients}) == len(patients)


def test_patients_come_in_families_with_children_and_every_texting_status() -> None:
    patients = office(1)["patients"]
    sizes = Counter(row["Guarantor"] for row in patients)
    assert max(sizes.values()) >= 4
    minors = [row for row in patients if row["Birthdate"] > "2008-11-16"]
    assert 0.1 < len(minors) / len(patients) < 0.5
    assert {row["PatStatus"] for row in patients} >= {"Patient", "Inactive", "Archived", "Deceased", "NonPatient"}
    assert Counter(row["TxtMsgOk"] for row in patients).most_common()[0][0] == "Unknown"


def test_the_office_is_staffed_as_offices_are() -> None:
    made = office(1)
    ops = made["operatories"]
    assert [row["IsHygiene"] for row in ops] == [False, False, False, True, True, False, False]
    assert [row["IsHidden"] for row in ops] == [False] * 6 + [True]
    assert ops[0]["ProvDentist"] == ops[1]["ProvDentist"] != ops[2]["ProvDentist"], "one dentist runs two chairs"
    hygienists = {row["ProvNum"] for row in made["providers"] if row["IsSecondary"]}
    assert {ops[3]["ProvHygienist"], ops[4]["ProvHygienist"]} < hygienists
    assert ops[OVERFLOW - 1]["ProvDentist"] == ops[OVERFLOW - 1]["ProvHygienist"] == 0
    rows = [row for row in made["schedules"] if row["SchedType"] == "Provider"]
    dynamic = {row["ProvNum"] for row in rows if not row["operatories"]}
    assert dynamic == {2}
    assert dynamic.isdisjoint({row["ProvNum"] for row in rows if row["operatories"]})
    assert made["preferences"]["ScheduleProvUnassigned"] not in {str(number) for number in dynamic}
    monday = [row for row in rows if row["SchedDate"] == str(START.date())]
    assert Counter(row["ProvNum"] for row in monday)[4] == 2, "a split shift"


def test_blockouts_of_both_sorts_lie_where_an_office_puts_them() -> None:
    made = office(1)
    names = {row["DefNum"]: row["ItemName"] for row in made["definitions"] if row["Category"] == 25}
    blockouts = [row for row in made["schedules"] if row["SchedType"] == "Blockout"]
    seen = {names[row["BlockoutType"]] for row in blockouts}
    assert seen == {"Lunch", "Staff Meeting", "High Production", "Hygiene Only", "Emergency"}
    lunches = [row for row in blockouts if names[row["BlockoutType"]] == "Lunch"]
    assert {(row["StartTime"], row["StopTime"]) for row in lunches} == {("12:00:00", "13:00:00")}
    meetings = [row for row in blockouts if names[row["BlockoutType"]] == "Staff Meeting"]
    assert {date.fromisoformat(row["SchedDate"]).weekday() for row in meetings} == {3}
    hygiene_only = [row for row in blockouts if names[row["BlockoutType"]] == "Hygiene Only"]
    assert {tuple(row["operatories"]) for row in hygiene_only} == {(4, 5)}


def test_the_holiday_has_forgotten_hours_but_nobody_booked_and_a_note_looks_just_like_it() -> None:
    made = office(1)
    practice = [row for row in made["schedules"] if row["SchedType"] == "Practice"]
    assert sorted(row["Status"] for row in practice) == ["Holiday", "Open"]
    assert {(row["StartTime"], row["StopTime"], tuple(row["operatories"])) for row in practice} == {
        ("00:00:00", "00:00:00", ())
    }
    (holiday,) = [row["SchedDate"] for row in practice if row["Status"] == "Holiday"]
    assert not [row for row in visits(made) if row["AptDateTime"].startswith(holiday)]
    assert [row["ProvNum"] for row in made["schedules"] if row["SchedDate"] == holiday and row["ProvNum"]] == [2]


def test_lists_and_preferences_are_what_open_dental_would_say() -> None:
    made = office(1)
    prophy, child, _, exam = made["recalltypes"]
    assert (prophy["TimePattern"], exam["TimePattern"], exam["AppendToSpecial"]) == ("/XXXX/", "", True)
    assert made["preferences"]["RecallTypeSpecialChildProphy"] == str(child["RecallTypeNum"])
    assert made["preferences"]["ProgramVersion"] == made["version"] == "25.2.30.0"
    assert made["preferences"]["AutomaticCommunicationTimeStart"] == "01-01-0001 07:00:00"
    permitted = [row["BlockoutTypes"] for row in made["appointmenttypes"] if row["BlockoutTypes"]]
    assert permitted == ["249"]
    assert 60 * 5 <= len(made["recalls"]) <= 60 * 5 + 10


@pytest.mark.parametrize(("operatories", "clinics"), [(1, 0), (2, 0), (3, 0), (4, 2), (9, 4), (20, 3)])
def test_offices_of_other_sizes_are_consistent_too(operatories: int, clinics: int) -> None:
    made = office(5, operatories, clinics)
    loaded = SimulatedOffice.load(made)
    assert len(loaded.operatories) == operatories + 2
    assert len(loaded.clinics) == clinics
    needed: Counter[tuple[int, datetime]] = Counter()
    for row in visits(made):
        needed.update(
            (provider(row), begins(row) + UNIT * place) for place, mark in enumerate(row["Pattern"]) if mark == "X"
        )
    assert max(needed.values()) == 1
    listed = {row["AptStatus"] for row in made["appointments"] if row["Priority"] == "ASAP"}
    assert listed == ASAP_STATUSES


def test_clinics_have_their_own_chairs_people_and_visits() -> None:
    made = office(2, 10, 3)
    clinic_of = {row["OperatoryNum"]: row["ClinicNum"] for row in made["operatories"]}
    assert made["preferences"]["EasyNoClinics"] == "0"
    assert set(clinic_of.values()) == {1, 2, 3}
    people = {row["PatNum"]: row["ClinicNum"] for row in made["patients"]}
    for row in visits(made):
        assert row["ClinicNum"] == clinic_of[row["Op"]] == people[row["PatNum"]]
    at_home: dict[int, set[int]] = defaultdict(set)
    for row in visits(made):
        at_home[provider(row)].add(row["ClinicNum"])
    assert all(len(clinics) == 1 for clinics in at_home.values())
    assert any(row["ClinicNum"] == 0 for row in made["appointments"] if row["Priority"] == "ASAP")


@pytest.mark.parametrize("seed", range(5))
def test_the_sandbox_takes_the_office_as_it_is(seed: int) -> None:
    made = office(seed)
    dumped = SimulatedOffice.load(made).dump()
    for table in KEYS:
        assert len(dumped[table]) == len(made.get(table, []))
    assert dumped["preferences"].items() >= made["preferences"].items()


def test_the_same_seed_gives_the_same_office_in_every_process() -> None:
    code = (
        "import json, sys; from datetime import datetime; from asapfill.sandbox.generate.generator import make_office; "
        "json.dump(make_office(11, start=datetime(2026, 11, 16, 7), operatories=7, clinics=2), sys.stdout)"
    )
    made = {
        hashlib.sha256(
            subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, "PYTHONHASHSEED": hash_seed},
                capture_output=True,
                check=True,
            ).stdout
        ).hexdigest()
        for hash_seed in ("0", "4711", "1")[: 2 if DEPTH is TEST else 3]
    }
    again = json.dumps(make_office(11, start=START, operatories=7, clinics=2))
    assert made == {hashlib.sha256(again.encode()).hexdigest()}


def test_another_seed_gives_another_office() -> None:
    starts = {tuple(row["AptDateTime"] for row in office(seed)["appointments"]) for seed in SEEDS}
    assert len(starts) == len(SEEDS)


def test_making_an_office_is_quick() -> None:
    began = time.process_time()
    make_office(99, start=START)
    small = time.process_time()
    make_office(99, start=START, operatories=50)
    assert small - began < 0.5
    assert time.process_time() - small < 5


@pytest.mark.parametrize(
    "wrong",
    [
        {"operatories": 0},
        {"days": 0},
        {"clinics": -1},
        {"operatories": 2, "clinics": 3},
        {"start": START.astimezone()},
    ],
)
def test_sizes_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="office"):
        make_office(1, **({"start": START} | wrong))
