"""The simulated people: patients who answer texts, and what staff do on a day, planned at its beginning.

Five to ten in a hundred visits fall through, some on the morning itself and some days ahead; visits are completed;
a few are moved, booked by hand, blocked out or put on the ASAP list. Everything depends on the seed, the state of the
office and the question, never on the order of questions. All times are naive office wall-clock.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

from asapfill.sandbox.office import rules
from asapfill.sandbox.office.columns import BLOCKOUT_TYPES, NO_DAY, Row, moment, stamp
from asapfill.sandbox.office.rules import Gap, find_place, gaps, is_open, provider_of
from asapfill.sandbox.office.tables import SimulatedOffice

Event = tuple[datetime, Row]

DESK_OPENS, DESK_CLOSES = time(7, 30), time(17, 30)
CALLED_OFF_TODAY, NOT_COME, CALLED_OFF_AHEAD = 0.055, 0.01, 0.0035
"""Chances of one visit: to be called off on its own day, to be missed, and on each day before, to be called off."""
LOOK_AHEAD_DAYS = 14
MEDIAN_DELAY = 12.0
"""Minutes until half of those who open the link at all have opened it."""
DELAY_SPREAD = 1.0
"""Sigma of the lognormal delay: one in six takes more than half an hour, some take hours."""
DECLINES, ONLY_LOOKS, STOPS = 0.14, 0.18, 0.01
"""What those who do not accept do instead, as shares of them; the rest never open the link."""


def stable_random(*key: object) -> random.Random:
    """A generator that is the same for the same key in every process, whatever PYTHONHASHSEED says.

    Seeding with text hashes it with SHA-512, which Python promises to keep.
    """
    return random.Random("|".join(str(part) for part in key))


class People:
    """The patients and the staff of one office; what life.py asks when a text goes out and when a day begins.

    Args:
        seed: the same seed, office and questions give the same answers.
        eagerness: chance, 0 to 1, that a text is answered by an accept. Published rates per offer are 0.08 (Sutter
            Health 2018, PMC7315363) and 0.11 (JMIR 2024 e52071), and 0.23 on a list that people had joined themselves
            (4.4 offers per booking, doi 10.1177/11786329251326461), where 45 % ever answered.
        called_off: how many more visits than usual fall through, as a factor.

    Raises:
        ValueError: ``eagerness`` is not a chance.
    """

    def __init__(self, seed: int, *, eagerness: float = 0.2, called_off: float = 1.0) -> None:
        if not 0 <= eagerness <= 1:
            raise ValueError("eagerness is a chance between 0 and 1")
        self._seed = seed
        self._eagerness = eagerness
        self._called_off = called_off

    def texted(self, office: SimulatedOffice, asapcomm: Row, at: datetime) -> list[tuple[timedelta, str]]:  # noqa: ARG002
        """What a patient does about a text, and how long after it: nothing, a look, or a look and one answer.

        The same candidate offered the same slot always reacts the same way, whenever (``at``) and however often it is
        texted. The slot is read from DateTimeExpire, which Open Dental sets to seven days after it.
        """
        is_recall = asapcomm["FKeyType"] == "Recall"
        draws = stable_random(self._seed, "text", asapcomm["FKey"], is_recall, asapcomm["DateTimeExpire"])
        answer = self._answer(draws)
        if answer is None:
            return []
        looks = timedelta(seconds=round(60 * draws.lognormvariate(math.log(MEDIAN_DELAY), DELAY_SPREAD)))
        decides = looks + timedelta(seconds=draws.randint(20, 240))
        return [(looks, "view")] if answer == "view" else [(looks, "view"), (decides, answer)]

    def _answer(self, draws: random.Random) -> str | None:
        """Accept, decline, stop, only view, or nothing at all (None)."""
        if draws.random() < self._eagerness:
            return "accept"
        shares = (DECLINES, STOPS, ONLY_LOOKS, 1 - DECLINES - STOPS - ONLY_LOOKS)
        return draws.choices(("decline", "stop", "view", None), shares)[0]

    def day_events(self, office: SimulatedOffice, day: date) -> list[Event]:
        """Everything that staff do on ``day``, in time order; nothing on a closed day.

        Nothing is promised to be possible still when its time comes: others change the schedule meanwhile.
        """
        if not is_open(office, day):
            return []
        planned: list[Row] = []
        events = [
            *_left_open(office, day),
            *_visits_today(office, day, self._seed, CALLED_OFF_TODAY * self._called_off),
            *_called_off_ahead(office, day, self._seed, CALLED_OFF_AHEAD * self._called_off),
            *_moves(office, day, self._seed, planned),
            *_bookings(office, day, self._seed, planned),
            *_blockouts(office, day, self._seed, planned),
            *_wishes(office, day, self._seed),
        ]
        return sorted(events, key=lambda event: event[0])


def _left_open(office: SimulatedOffice, day: date) -> Iterator[Event]:
    """First thing, the visits of the last days are closed that nobody closed then, such as those booked on the day.

    What is on the ASAP list stays for somebody to look into.
    """
    for row in _scheduled(office, day - timedelta(days=3), day - timedelta(days=1)):
        if row["Priority"] == "Normal":
            yield datetime.combine(day, DESK_OPENS), {"action": "complete", "AptNum": row["AptNum"]}


def _visits_today(office: SimulatedOffice, day: date, seed: int, chance: float) -> Iterator[Event]:
    """Every visit of today is called off beforehand, or missed, or completed when it is over."""
    for row in _scheduled(office, day, day):
        draws = stable_random(seed, "visit", day, row["AptNum"])
        start, stop = rules.appointment_span(row)
        fate = draws.random()
        latest = start - timedelta(minutes=20)
        opens, closes = datetime.combine(day, DESK_OPENS), datetime.combine(day, DESK_CLOSES)
        if fate < chance and latest > opens:
            # Most call early: the lesser of two uniform draws.
            share = min(draws.random(), draws.random())
            yield (
                _whole(opens + share * (min(latest, closes) - opens)),
                _called_off(row, draws.random(), draws.random()),
            )
        elif fate < chance + NOT_COME and start < closes:
            yield (
                min(start + timedelta(minutes=15), closes),
                {"action": "break", "AptNum": row["AptNum"], "charted": "Missed"},
            )
        else:
            yield stop, {"action": "complete", "AptNum": row["AptNum"]}


def _called_off_ahead(office: SimulatedOffice, day: date, seed: int, chance: float) -> Iterator[Event]:
    """Calls about the next two weeks."""
    for row in _scheduled(office, day + timedelta(days=1), day + timedelta(days=LOOK_AHEAD_DAYS)):
        draws = stable_random(seed, "ahead", day, row["AptNum"])
        if draws.random() < chance:
            yield _in_desk_hours(day, draws.random()), _called_off(row, draws.random(), draws.random())


def _called_off(row: Row, way: float, urgent: float) -> Row:
    """Half go to the unscheduled list, a third stay broken on the schedule, the rest are deleted.

    Some of them ask for another time soon.
    """
    if way < 0.16:  # noqa: PLR2004  see the docstring
        return {"action": "delete", "AptNum": row["AptNum"]}
    action: Row = {"action": "break" if way < 0.5 else "cancel", "AptNum": row["AptNum"]}  # noqa: PLR2004  as above
    if urgent < 0.3:  # noqa: PLR2004  three in ten
        action["Priority"] = "ASAP"
    return action


def _moves(office: SimulatedOffice, day: date, seed: int, planned: list[Row]) -> Iterator[Event]:
    """One or two patients of the next days ask for another day and get one with the same provider."""
    draws = stable_random(seed, "moves", day)
    rows = list(_scheduled(office, day + timedelta(days=1), day + timedelta(days=7)))
    for row in draws.sample(rows, min(draws.randint(1, 2), len(rows))):
        first = moment(row["AptDateTime"]).date()
        engaged = {
            other["AptDateTime"][:10] for other in office.appointments.values() if other["PatNum"] == row["PatNum"]
        }
        for other in (first + timedelta(days=ahead) for ahead in range(1, LOOK_AHEAD_DAYS)):
            if str(other) in engaged:
                continue
            found = find_place(office, other, row["Pattern"], ops=[row["Op"]], provider=provider_of(row), also=planned)
            if found is not None:
                place = {"Op": found.op, "AptDateTime": stamp(found.start)}
                planned.append({**row, **place})
                yield _in_desk_hours(day, draws.random()), {"action": "move", "AptNum": row["AptNum"], **place}
                break


def _blockouts(office: SimulatedOffice, day: date, seed: int, planned: list[Row]) -> Iterator[Event]:
    """Up to two free stretches of today or the next days are closed for something else."""
    draws = stable_random(seed, "blockouts", day)
    kinds = [
        row["DefNum"]
        for row in office.definitions_of(BLOCKOUT_TYPES)
        if "NS" in row["ItemValue"] and not row["IsHidden"]
    ]
    for _ in range(draws.randint(0, 2) if kinds else 0):
        when = _in_desk_hours(day, draws.random())
        free = [gap for gap in gaps(office, day + timedelta(days=draws.randint(0, 4)), planned) if gap.start > when]
        if free:
            yield when, _blockout(draws.choice(free), timedelta(minutes=draws.choice((30, 60))), kinds[-1])


def _blockout(gap: Gap, longest: timedelta, kind: int) -> Row:
    stop = min(gap.stop, gap.start + longest)
    return {
        "action": "blockout",
        "SchedDate": str(gap.start.date()),
        "StartTime": str(gap.start.time()),
        "StopTime": str(stop.time()),
        "operatories": [gap.op],
        "BlockoutType": kind,
        "Note": "Put in by the front desk",
    }


def _bookings(office: SimulatedOffice, day: date, seed: int, planned: list[Row]) -> Iterator[Event]:
    """One or two patients who call are put into a gap by hand, at their own clinic if there are clinics."""
    draws = stable_random(seed, "bookings", day)
    today = str(day)
    booked = {row["PatNum"] for row in office.appointments.values() if row["AptDateTime"][:10] >= today}
    callers = [
        number for number, row in office.patients.items() if row["PatStatus"] == "Patient" and number not in booked
    ]
    for number in draws.sample(callers, min(draws.randint(1, 2), len(callers))):
        when = _in_desk_hours(day, draws.random())
        pattern = draws.choice(("/XX///", "/XXXX///", "/XXXX/////"))
        wanted = day + timedelta(days=draws.randint(0, 4))
        clinic = office.patients[number]["ClinicNum"]
        ops = [op for op, chair in office.operatories.items() if chair["ClinicNum"] == clinic]
        found = find_place(office, wanted, pattern, ops=ops, after=when, also=planned) if ops else None
        if found is not None:
            action = _booking(office, number, found, pattern)
            planned.append({**action, "AptStatus": "Scheduled", "ProvNum": found.provider, "IsHygiene": False})
            yield when, action


def _booking(office: SimulatedOffice, patient: int, place: Gap, pattern: str) -> Row:
    hygiene = office.operatories[place.op]["IsHygiene"]
    return {
        "action": "book",
        "PatNum": patient,
        "Op": place.op,
        "AptDateTime": stamp(place.start),
        "Pattern": pattern,
        "ProcDescript": "PerioMaint" if hygiene else "LimEx, PA",
    }


def _wishes(office: SimulatedOffice, day: date, seed: int) -> Iterator[Event]:
    """Now and then somebody with a far visit, or with an overdue recall, asks to come as soon as possible."""
    draws = stable_random(seed, "wishes", day)
    far = list(_scheduled(office, day + timedelta(days=10), day + timedelta(days=60)))
    normal = [row for row in far if row["Priority"] == "Normal"]
    if normal:
        number = draws.choice(normal)["AptNum"]
        yield _in_desk_hours(day, draws.random()), {"action": "priority", "AptNum": number, "Priority": "ASAP"}
    due = [
        number
        for number, row in office.recalls.items()
        if row["Priority"] == "Normal" and row["DateDue"] < str(day) and row["DateScheduled"] == NO_DAY
    ]
    if due and draws.random() < 0.3:  # noqa: PLR2004  not every day
        wish = {"action": "priority", "RecallNum": draws.choice(due), "Priority": "ASAP"}
        yield _in_desk_hours(day, draws.random()), wish


def _scheduled(office: SimulatedOffice, first: date, last: date) -> list[Row]:
    """Scheduled visits on the days from ``first`` to ``last``, by AptNum."""
    begin, end = str(first), str(last)
    rows = [
        row
        for row in office.appointments.values()
        if row["AptStatus"] == "Scheduled" and row["Op"] and begin <= row["AptDateTime"][:10] <= end
    ]
    return sorted(rows, key=lambda row: int(row["AptNum"]))


def _in_desk_hours(day: date, share: float) -> datetime:
    """A moment while somebody sits at the front desk; ``share`` 0 to 1."""
    opens, closes = datetime.combine(day, DESK_OPENS), datetime.combine(day, DESK_CLOSES)
    return _whole(opens + share * (closes - opens))


def _whole(value: datetime) -> datetime:
    return value.replace(microsecond=0)
