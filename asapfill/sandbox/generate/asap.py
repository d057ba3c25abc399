"""The ASAP list of a generated office, the recall table, and the loose ends that the list is made of.

The list holds all four appointment statuses and recalls, mostly people who may be texted, and some of each kind who
may not: they are what asapfill has to notice.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from asapfill.sandbox.generate.book import ADULT_AGE, CHILD_PROPHY_AGE, Book, age_on, appointment, fictional_phone
from asapfill.sandbox.generate.days import DOCTOR_KINDS, HYGIENE_KINDS, pattern
from asapfill.sandbox.generate.practice import CHILD_PROPHY, EXAM, PERIO, PROPHY, TYPE_CROWN, Site
from asapfill.sandbox.office.columns import NO_DAY, NO_MOMENT, Row, moment, stamp


@dataclass(frozen=True, slots=True)
class Wishes:
    """How many visits have a time and would rather come sooner: ``per_chair``, and which share is less than two
    weeks away.
    """

    per_chair: float = 2.2
    near: float = 0.25


RECALLS_PER_CHAIR = 60
_TRAIT_FREE = 2
"""The first entries of each kind stay ordinary, so that small offices have somebody to ask."""


class Reserve:
    """Patients without any visit, given out once each: the unscheduled, the planned, the overdue."""

    def __init__(self, households: list[list[Row]], today: date) -> None:
        self._today = today
        self._households = households
        self._used: set[int] = set()

    def adult(self) -> Row:
        """The next adult who is a patient.

        Raises:
            LookupError: the reserve was made too small for this office.
        """
        return self._take(lambda row: age_on(row, self._today) >= ADULT_AGE)

    def parent_and_child(self) -> tuple[Row, Row] | None:
        """A guarantor and a child of one household, None when no such household is left."""
        for household in self._households:
            parent, child = household[0], household[-1]
            free = not {parent["PatNum"], child["PatNum"]} & self._used
            if free and parent["PatStatus"] == "Patient" and age_on(child, self._today) < CHILD_PROPHY_AGE:
                self._used |= {parent["PatNum"], child["PatNum"]}
                return parent, child
        return None

    def _take(self, suits: Callable[[Row], bool]) -> Row:
        for household in self._households:
            for row in household:
                if row["PatNum"] not in self._used and row["PatStatus"] == "Patient" and suits(row):
                    self._used.add(row["PatNum"])
                    return row
        raise LookupError("the generated office has too few patients without visits")


def add_asap_list(
    rng: random.Random, book: Book, location: Site, reserve: Reserve, patients: dict[int, Row], wishes: Wishes
) -> None:
    """Put about six entries per chair on the ASAP list.

    ``patients``: all patients of the office by PatNum; some are changed to be what a list has to deal with.
    """
    chairs = len(location.chairs)
    scheduled = _scheduled(rng, book, location, max(3, round(wishes.per_chair * chairs)), wishes.near)
    unscheduled = [
        _loose(rng, book, location, reserve.adult(), "UnschedList") for _ in range(max(3, round(1.3 * chairs)))
    ]
    planned = [_loose(rng, book, location, reserve.adult(), "Planned") for _ in range(max(2, round(0.7 * chairs)))]
    broken = _broken(rng, book, location, max(1, round(0.4 * chairs)))
    recalls = [_recall(rng, book, reserve.adult(), asap=True) for _ in range(max(2, round(1.2 * chairs)))]
    for row in [*scheduled, *unscheduled, *planned, *broken]:
        row["Priority"] = "ASAP"
    for status in ("UnschedList", "Planned"):  # loose ends that nobody marked as urgent
        for _ in range(chairs):
            _loose(rng, book, location, reserve.adult(), status)
    _shape_people(scheduled, unscheduled, planned, recalls, patients)
    _shape_rows(rng, location, unscheduled, planned, recalls)
    _share_a_phone(unscheduled, recalls, reserve)
    _add_lab_cases(book, location, scheduled)
    _add_leftovers(rng, book, location)


def _scheduled(rng: random.Random, book: Book, location: Site, count: int, near_share: float) -> list[Row]:
    """Visits that would rather come sooner: most are two to eight weeks away, the share of ``near_share`` less.

    Among them, where the book has such, a crown seat (lab work), a crown (own blockout types) and a child.
    """
    ahead = [
        row for row in _of(book, location, "Scheduled") if row["Op"] and _day(row) > book.today + timedelta(days=3)
    ]
    far = [row for row in ahead if _day(row) >= book.today + timedelta(days=14)]
    near = [row for row in ahead if _day(row) < book.today + timedelta(days=14)]
    rng.shuffle(far)
    rng.shuffle(near)
    wanted: tuple[Callable[[Row], bool], ...] = (
        lambda row: row["ProcDescript"] == "CrSeat",
        lambda row: row["AppointmentTypeNum"] == TYPE_CROWN,
        lambda row: row["ProcDescript"].startswith("ChPro"),
    )
    firsts = [next((row for row in far if suits(row)), None) for suits in wanted]
    order = [row for row in firsts if row is not None]
    order += [row for row in far if not any(row is first for first in order)][
        : count - round(count * near_share) - len(order)
    ]
    order += near[: count - len(order)]
    seen: dict[int, Row] = {}
    for row in order:
        seen.setdefault(row["PatNum"], row)
    return list(seen.values())


def _loose(rng: random.Random, book: Book, location: Site, patient: Row, status: str) -> Row:
    """An UnschedList row (Op 0, old time kept) or a Planned one (no time at all)."""
    chair = rng.choice(location.chairs)
    kind = rng.choice(HYGIENE_KINDS[:3] if chair.is_hygiene else DOCTOR_KINDS[:6])
    row = appointment(rng, book, patient, chair, pattern(kind.lengths[0], kind.provider_minutes, 1))
    row |= {"AptStatus": status, "ProcDescript": kind.name, "AppointmentTypeNum": kind.appointment_type}
    if status == "UnschedList":
        day = book.start - timedelta(days=rng.randint(2, 90))
        row["AptDateTime"] = stamp(day.replace(hour=rng.randint(8, 15), minute=rng.choice((0, 20, 40)), second=0))
    return book.add(row)


def _broken(rng: random.Random, book: Book, location: Site, count: int) -> list[Row]:
    """Visits of the past week that did not happen and were left where they were."""
    past = _of(book, location, "Complete")
    rows = rng.sample(past, min(count, len(past)))
    for row in rows:
        row["AptStatus"] = "Broken"
    return rows


def _recall(rng: random.Random, book: Book, patient: Row, *, asap: bool) -> Row:
    """A recall by age; one in six adults comes for perio. An ASAP one is overdue. Numbered by number_recalls."""
    child = age_on(patient, book.today) < CHILD_PROPHY_AGE
    kind = CHILD_PROPHY if child else rng.choice((PROPHY, PROPHY, PROPHY, PROPHY, PROPHY, PERIO))
    due = book.today + timedelta(days=rng.randint(-180, -10) if asap else rng.randint(-150, 180))
    row: Row = {
        "PatNum": patient["PatNum"],
        "DateDue": due.isoformat(),
        "DatePrevious": (due - timedelta(days=92 if kind == PERIO else 183)).isoformat(),
        "RecallInterval": "3m1d" if kind == PERIO else "6m1d",
        "RecallTypeNum": kind,
        "DateScheduled": NO_DAY,
        "Priority": "ASAP" if asap else "Normal",
    }
    book.recalls.append(row)
    return row


def _shape_people(
    scheduled: list[Row], unscheduled: list[Row], planned: list[Row], recalls: list[Row], patients: dict[int, Row]
) -> None:
    """Opted out, without phone, with half a phone, archived, inactive, deceased."""
    traits = (
        (scheduled[3:], ({"TxtMsgOk": "No"}, {"WirelessPhone": ""})),
        (unscheduled, ({"PatStatus": "Archived"}, {"WirelessPhone": "555-0199"})),
        (planned, ({"PatStatus": "Inactive"},)),
        (recalls, ({"PatStatus": "Deceased"},)),
    )
    for entries, changes in traits:
        for entry, change in zip(entries[_TRAIT_FREE:], changes, strict=False):
            patients[entry["PatNum"]] |= change


def _shape_rows(
    rng: random.Random, location: Site, unscheduled: list[Row], planned: list[Row], recalls: list[Row]
) -> None:
    """Rows that cannot be taken at face value: patterns, recalls without length, a clinic of none."""
    for row in unscheduled[4:5]:
        row["Pattern"] = ""
    for row in unscheduled[5:6]:
        row["Pattern"] = row["Pattern"][:-3] + "?x/"
    for recall in recalls[3:4]:
        recall["RecallTypeNum"] = EXAM
    for recall in recalls[4:5]:
        recall["TimePatternOverride"] = "/XXXXXX/"
    if location.clinic:
        unscheduled[0]["ClinicNum"] = 0
    # One person is on the list twice: with a planned visit and with a recall.
    recalls[0]["PatNum"] = rng.choice(planned[:_TRAIT_FREE])["PatNum"]


def _share_a_phone(unscheduled: list[Row], recalls: list[Row], reserve: Reserve) -> None:
    """A parent and a child, both on the list, both under the parent's number."""
    family = reserve.parent_and_child()
    if family is None:
        return
    parent, child = family
    child["WirelessPhone"] = parent["WirelessPhone"] = fictional_phone(parent["PatNum"])
    parent["TxtMsgOk"] = "Yes"
    unscheduled[0]["PatNum"] = parent["PatNum"]
    recalls[1] |= {"PatNum": child["PatNum"], "RecallTypeNum": CHILD_PROPHY, "RecallInterval": "6m1d"}


def _add_lab_cases(book: Book, location: Site, scheduled: list[Row]) -> None:
    """The first ASAP crown seat waits for the lab; the next ones of the location have their work back."""
    seats = [row for row in _of(book, location, "Scheduled") if row["ProcDescript"] == "CrSeat"]
    waiting = next((row for row in scheduled if row["ProcDescript"] == "CrSeat"), None)
    others = [row for row in seats if row is not waiting][:4]
    for row in [*([waiting] if waiting else []), *others]:
        sent = min(moment(row["AptDateTime"]), book.start) - timedelta(days=6)
        book.labcases.append(
            {
                "LabCaseNum": len(book.labcases) + 1,
                "PatNum": row["PatNum"],
                "LaboratoryNum": 1,
                "AptNum": row["AptNum"],
                "ProvNum": row["ProvNum"],
                "DateTimeCreated": stamp(sent),
                "DateTimeSent": stamp(sent),
                "DateTimeDue": stamp(moment(row["AptDateTime"]) - timedelta(days=2)),
                "DateTimeRecd": NO_MOMENT if row is waiting else stamp(sent + timedelta(days=4)),
            }
        )


def _add_leftovers(rng: random.Random, book: Book, location: Site) -> None:
    """An ASAP visit of last week that nobody closed, and an ASAP plan that is on the schedule already."""
    past = _of(book, location, "Complete")
    if past:
        rng.choice(past).update({"AptStatus": "Scheduled", "Priority": "ASAP"})
    ahead = [row for row in _of(book, location, "Scheduled") if row["Priority"] == "Normal" and _day(row) > book.today]
    if ahead:
        visit = rng.choice(ahead)
        plan = {**visit, "AptStatus": "Planned", "Op": 0, "AptDateTime": NO_MOMENT, "Priority": "ASAP"}
        visit["NextAptNum"] = book.add(plan)["AptNum"]


def add_recalls(rng: random.Random, book: Book, location: Site, patients: list[Row]) -> None:
    """The rest of the recall table: about sixty per chair, with DateScheduled where a hygiene visit is booked."""
    booked: dict[int, str] = {}
    for row in book.appointments:
        if row["IsHygiene"] and row["AptStatus"] == "Scheduled" and row["Op"] and _day(row) >= book.today:
            booked.setdefault(row["PatNum"], row["AptDateTime"][:10])
    on_list = {recall["PatNum"] for recall in book.recalls}
    others = [row for row in patients if row["PatNum"] not in on_list]
    count = RECALLS_PER_CHAIR * len(location.chairs)
    for patient in rng.sample(others, min(count, len(others))):
        row = _recall(rng, book, patient, asap=False)
        row["DateScheduled"] = booked.get(patient["PatNum"], NO_DAY)
        row["IsDisabled"] = rng.random() < 0.02  # noqa: PLR2004  one in fifty was switched off by staff


def number_recalls(rng: random.Random, book: Book) -> None:
    """Give all recalls their numbers in no order, so that ASAP ones are found only by reading the whole table."""
    rng.shuffle(book.recalls)
    for number, row in enumerate(book.recalls, start=1):
        row["RecallNum"] = number


def _of(book: Book, location: Site, status: str) -> list[Row]:
    return [row for row in book.appointments if row["ClinicNum"] == location.clinic and row["AptStatus"] == status]


def _day(row: Row) -> date:
    return moment(row["AptDateTime"]).date()
