"""The witness: looks at the office's own database at each offer that comes in, and counts what should never happen.

It knows nothing of asapfill's journal and shares none of its rules' code: limits are reckoned here from the office's
rows alone. What changed at the office within ``GRACE`` before asapfill asked could not be known to it any more.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from asapfill.sandbox.office.columns import Row, moment
from asapfill.sandbox.wire.world import Outcome, World

GRACE = timedelta(seconds=90)
"""Between the last look and the POST; a minute for the look itself at a slow office."""

READ = timedelta(minutes=6)
"""A patient and the commlogs are read again after five minutes; so is whom staff have texted, for the phone of then."""

UNANSWERED = timedelta(hours=24)
"""Then an offer does not hold its patient any more."""

_OPEN = {"AwaitingTransmit", "PendingRsvp", "Viewed"}


@dataclass(frozen=True, slots=True)
class Rules:
    """What the office wants at this moment, as the simulated day knows it.

    ``clock_off``: how far asapfill's clock is off.
    """

    mode: str = "automatic"
    paused: bool = False
    clock_off: timedelta = timedelta(0)
    between: tuple[time, time] = (time(9), time(19))
    weekdays: frozenset[int] = frozenset(range(7))
    per_day: int = 1
    per_week: int = 3
    per_opening: int = 12
    rest: timedelta = timedelta(days=7)
    text_minors: bool = False
    blockouts_allowed: frozenset[int] = frozenset()
    except_patients: frozenset[int] = frozenset()
    spoken_to: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class _Offer:
    """An offer coming in. ``asked``: the office's wall clock when asapfill sent it, and ``rules`` those of then."""

    body: Row
    asked: datetime
    rules: Rules
    before: frozenset[int]


@dataclass(slots=True)
class Witness:
    """Counts offers and violations by kind. ``changed``: when (office wall) rules were last changed in a way that takes
    effect between two POSTs only.
    """

    world: World
    rules: Rules = field(default_factory=Rules)
    violations: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)
    offers: int = 0
    made: dict[int, Row] = field(default_factory=dict)
    answered_at: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    talks: list[tuple[int, datetime]] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)
    phones: dict[int, tuple[str, datetime]] = field(default_factory=dict)
    """By PatNum the digits of the phone, and since when (office wall) they have been these."""
    _coming: _Offer | None = None

    @contextmanager
    def looking_on(self, method: str, path: str, body: bytes, asked: datetime, rules: Rules) -> Iterator[None]:
        """Look at one request while the office handles it; it may have been asked a while ago, under other rules."""
        if method == "POST" and path.endswith("/asapcomms"):
            self._coming = _Offer(json.loads(body), asked, rules, frozenset(self.world.office.asapcomms))
        try:
            yield
        finally:
            self._coming = None

    def answered(self, outcome: Outcome) -> None:
        """The office has done its work; judge the row that it made, if any."""
        coming = self._coming
        if coming is None:
            return
        for number in sorted(set(self.world.office.asapcomms) - coming.before):
            if outcome.answer.status in {200, 201, 504}:
                self._judge(self.world.office.asapcomms[number], coming)

    def note_answers(self) -> None:
        """Remember what the office's rows do not tell: when patients declined, which slots were taken by others, and
        since when a phone has been what it is.
        """
        for patient in self.world.office.patients:
            digits, now = self._digits(patient), self.world.office.now
            if self.phones.setdefault(patient, (digits, datetime.min))[0] != digits:
                self.phones[patient] = (digits, now)
        for number, row in self.world.office.asapcomms.items():
            if row["ResponseStatus"] in _OPEN and self._is_taken(row):
                self.taken.add(number)
            if row["ResponseStatus"] in {"Declined", "DeclinedStopComm"} and number not in self.answered_at:
                self.answered_at[number] = (row["ResponseStatus"], self.world.office.now)

    def count(self, kind: str, **facts: Any) -> None:
        """One violation."""
        self.violations[kind] += 1
        told = " ".join(f"{name}={value}" for name, value in facts.items())
        self.details.append(f"{self.world.office.now} {kind} {told}")

    def _judge(self, row: Row, coming: _Offer) -> None:
        """Everything that may be wrong with an offer that the office has just taken."""
        self.offers += 1
        texted = row["SmsSendStatus"] != "DoNotSend"
        place = _Place.of(row, self.world)
        facts = {"asapcomm": row["AsapCommNum"], "fkey": row["FKey"], "op": place.operatory, "start": place.start}
        for kind in self._wrongs(row, place, coming, texted=texted):
            self.count(kind, **facts)
        self.made[row["AsapCommNum"]] = {**row, "_digits": self._digits(row["PatNum"]), "_place": place}

    def _wrongs(self, row: Row, place: _Place, coming: _Offer, *, texted: bool) -> Iterator[str]:
        known = [
            other for other in self.world.office.asapcomms.values()
            if other is not row
            and (other["AsapCommNum"] in self.made or moment(other["DateTimeEntry"]) <= coming.asked - GRACE)
        ]  # fmt: skip
        yield from self._twice(row, place, known)
        yield from self._moment(place, coming)
        yield from self._place(row, place, coming)
        yield from self._person(row, place, coming)
        if texted:
            yield from self._caps(row, place, known, coming)

    def _twice(self, row: Row, place: _Place, known: list[Row]) -> Iterator[str]:
        for other in known:
            same = (other["FKey"], other["FKeyType"] == "Recall") == (row["FKey"], row["FKeyType"] == "Recall")
            theirs = self._place_of(other)
            if same and theirs.start == place.start and theirs.operatory in {place.operatory, 0}:
                yield "same candidate and slot twice"
            answer = self.answered_at.get(other["AsapCommNum"])
            if same and answer and answer[0] == "DeclinedStopComm" and answer[1] <= self.world.office.now - GRACE:
                yield "asked to stop"

    def _moment(self, place: _Place, coming: _Offer) -> Iterator[str]:
        rules, now = coming.rules, coming.asked
        if rules.paused:
            yield "sent while paused"
        if rules.mode != "automatic":
            yield f"sent in mode {rules.mode}"
        if abs(rules.clock_off) > timedelta(minutes=6):
            yield "sent with clocks apart"
        if now.weekday() not in rules.weekdays or not rules.between[0] <= now.time() < rules.between[1]:
            yield "quiet hours of the policy"
        opens, closes = (_window(self.world, name) for name in ("Start", "End"))
        if opens != closes and not opens <= now.time() <= closes:
            yield "outside the office's window"
        if place.start - now < timedelta(minutes=55):
            yield "too late to text"

    def _place(self, row: Row, place: _Place, coming: _Offer) -> Iterator[str]:
        office = self.world.office
        for other in office.appointments.values():
            occupies = other["AptStatus"] not in {"UnschedList", "Planned"}
            known = moment(other["DateTStamp"]) <= coming.asked - GRACE
            if occupies and known and place.overlaps(_Place.of_visit(other)):
                yield "over an appointment"
        for schedule in office.schedules.values():
            if schedule["SchedType"] != "Blockout" or place.operatory not in schedule["operatories"]:
                continue
            day = date.fromisoformat(schedule["SchedDate"])
            begin = datetime.combine(day, time.fromisoformat(schedule["StartTime"]))
            end = datetime.combine(day, time.fromisoformat(schedule["StopTime"]))
            allowed = schedule["BlockoutType"] in coming.rules.blockouts_allowed
            known = moment(schedule["DateTStamp"]) <= coming.asked - GRACE
            if begin < place.end and end > place.start and not allowed and known:
                yield "over a blockout"
        if office.operatories[place.operatory]["IsHidden"]:
            yield "in a hidden operatory"
        del row

    def _person(self, row: Row, place: _Place, coming: _Offer) -> Iterator[str]:
        patient = self.world.office.patients[row["PatNum"]]
        if row["PatNum"] in coming.rules.except_patients:
            yield "to an excepted patient"
        if any(who == row["PatNum"] and coming.asked - coming.rules.spoken_to < when <= coming.asked - READ
               for who, when in self.talks):  # fmt: skip
            yield "to somebody spoken to"
        if moment(patient["DateTStamp"]) > coming.asked - READ:
            return
        born = date.fromisoformat(patient["Birthdate"])
        if not coming.rules.text_minors and (place.start.date() - born).days < 18 * 365.2425:
            yield "to a minor"
        if patient["PatStatus"] != "Patient":
            yield "to a patient who is none"
        unknown = "No" if self.world.office.preferences.get("TextMsgOkStatusTreatAsNo") == "1" else "Yes"
        if {"Unknown": unknown}.get(patient["TxtMsgOk"], patient["TxtMsgOk"]) != "Yes":
            yield "to somebody without consent"
        if len(self._digits(row["PatNum"])) != 10:
            yield "to somebody without a phone"

    def _caps(self, row: Row, place: _Place, known: list[Row], coming: _Offer) -> Iterator[str]:
        """Caps over everybody's texts; a phone counts like a person."""
        texts = [
            other for other in known if other["SmsSendStatus"] != "DoNotSend" or other["ResponseStatus"] == "Failed"
        ]
        today = coming.asked.date()
        limit = self.world.office.preferences.get("WebSchedAsapTextLimit", "").strip()
        per_day = min(coming.rules.per_day, int(limit)) if limit else coming.rules.per_day
        mine = self._digits(row["PatNum"])
        for name, theirs in (
            ("patient", [other for other in texts if other["PatNum"] == row["PatNum"]]),
            ("phone", [other for other in texts if mine and self._texted_digits(other, coming) == mine]),
        ):
            days = [_day(other) for other in theirs]
            if sum(day == today for day in days) >= per_day:
                yield f"per {name} and day"
            if sum(today - timedelta(days=7) < day <= today for day in days) >= coming.rules.per_week:
                yield f"per {name} and week"
            live = [other["AsapCommNum"] for other in theirs if self._is_live(other, coming)]
            if live:
                yield f"two live offers of a {name}"
                self.details.append(f"  {live[0]} is open still")
        if any(other["PatNum"] == row["PatNum"] and self._declined_lately(other, coming) for other in known):
            yield "resting after a decline"
        asked = [other for other in texts if self._place_of(other).overlaps(place)]
        if len(asked) >= coming.rules.per_opening:
            yield "per opening"

    def _is_live(self, other: Row, coming: _Offer) -> bool:
        start = self._place_of(other).start
        fresh = moment(other["DateTimeEntry"]) > coming.asked - UNANSWERED + timedelta(minutes=10)
        left_over = other["AsapCommNum"] in self.taken or self._is_taken(other)
        return other["ResponseStatus"] in _OPEN and start > coming.asked and fresh and not left_over

    def _is_taken(self, offer: Row) -> bool:
        """Whether somebody else's visit lies in an offer's place: the offer is left over."""
        place = self._place_of(offer)
        return any(
            place.overlaps(_Place.of_visit(visit))
            for visit in self.world.office.appointments.values()
            if visit["Op"] == place.operatory
            and visit["AptStatus"] not in {"UnschedList", "Planned"}
            and visit["PatNum"] != offer["PatNum"]
        )

    def _place_of(self, offer: Row) -> _Place:
        """Where an offer was for: asapfill's as it was made, also when staff have deleted its block since."""
        made = self.made.get(offer["AsapCommNum"])
        return made["_place"] if made is not None else _Place.of(offer, self.world)

    def _declined_lately(self, other: Row, coming: _Offer) -> bool:
        answer = self.answered_at.get(other["AsapCommNum"])
        return answer is not None and coming.asked - coming.rules.rest < answer[1] <= coming.asked - GRACE

    def _texted_digits(self, other: Row, coming: _Offer) -> str:
        made = self.made.get(other["AsapCommNum"])
        if made is not None:
            digits: str = made["_digits"]
            return digits
        entered = moment(other["DateTimeEntry"])
        # To which phone a text went before it changed is not told, and what was sent just now need not be known.
        digits, since = self.phones.get(other["PatNum"], ("", datetime.min))
        return "" if since > entered or entered > coming.asked - READ else digits

    def _digits(self, patient: int) -> str:
        return re.sub(r"\D", "", self.world.office.patients[patient]["WirelessPhone"])


@dataclass(frozen=True, slots=True)
class _Place:
    """Where and when an offer lies; operatory 0: staff deleted the row that tells."""

    operatory: int
    start: datetime
    end: datetime

    @classmethod
    def of(cls, offer: Row, world: World) -> _Place:
        """From the schedule row, or from the expiry when that is gone."""
        schedule = world.office.schedules.get(offer["ScheduleNum"])
        if schedule is None:
            start = moment(offer["DateTimeExpire"]) - timedelta(days=7)
            return cls(0, start, start)
        start = moment(f"{schedule['SchedDate']} {schedule['StartTime']}")
        return cls(schedule["operatories"][0], start, moment(f"{schedule['SchedDate']} {schedule['StopTime']}"))

    @classmethod
    def of_visit(cls, visit: Row) -> _Place:
        """Of an appointment."""
        start = moment(visit["AptDateTime"])
        return cls(visit["Op"], start, start + timedelta(minutes=5 * len(visit["Pattern"])))

    def overlaps(self, other: _Place) -> bool:
        """Touching edges do not."""
        return self.operatory == other.operatory and self.start < other.end and self.end > other.start


def _day(offer: Row) -> date:
    return max(moment(offer["DateTimeEntry"]), moment(offer["DateTimeSmsScheduled"])).date()


def _window(world: World, name: str) -> time:
    return time.fromisoformat(world.office.preferences[f"AutomaticCommunicationTime{name}"][-8:])
