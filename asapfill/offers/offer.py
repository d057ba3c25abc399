"""What an offer is, as plain frozen data: one that is meant, one in the journal, and one text that counts.

Times: ``start``, ``end`` and ``made`` are naive office wall-clock times; ``created``, ``changed`` and ``settled`` are
aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Final, Literal

from asapfill.offers.states import State

CLOCKS_MAY_DIFFER: Final = timedelta(minutes=5)
"""The office's clock and ours. Further apart, nothing is sent (a wrong time zone is the usual cause); within it, a
slot has surely begun at the office only when it has for us by this much.
"""

LINK_STAYS_OPEN: Final = timedelta(days=7)
"""Open Dental: DateTimeExpire is the slot's start plus seven days."""

Kind = Literal["appointment", "recall"]
Key = tuple[Kind, int, int, datetime]
"""Candidate and slot: kind, AptNum or RecallNum, operatory, start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOffer:
    """An offer that planning hands over.

    Attributes:
        clinic: ClinicNum of the policy; 0 when the office does not use clinics.
        kind: what ``number`` counts.
        number: AptNum or RecallNum.
        patient: PatNum.
        phone: keyed hash of the wireless phone; empty when there is none.
        operatory: where.
        provider: whom Open Dental would assign there.
        start: office wall clock.
        end: office wall clock.
        wave: 1 for the first people asked for this opening.
        opening: the opening's id.
        made: the office's wall clock when the offer is meant; its date is the day that caps count.
    """

    clinic: int
    kind: Kind
    number: int
    patient: int
    phone: str
    operatory: int
    provider: int
    start: datetime
    end: datetime
    wave: int
    opening: str
    made: datetime

    @property
    def key(self) -> Key:
        """Candidate and slot: there is never a second offer with the same."""
        return (self.kind, self.number, self.operatory, self.start)

    @property
    def logged_as(self) -> str:
        """The key of ``number`` in a log line: ``apt`` (AptNum) or ``recall`` (RecallNum)."""
        return "apt" if self.kind == "appointment" else "recall"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer(NewOffer):
    """An offer as the journal keeps it.

    Attributes:
        id: the journal's number, which people use in ``approve`` and ``decline``.
        office: the office's name in the settings.
        state: where it stands.
        reason: the reason code of the last step, or None.
        asapcomm: AsapCommNum, once known.
        schedule: ScheduleNum of its Web Sched ASAP block, once known.
        created: when the intent was written.
        changed: when the last step was taken.
        settled: when nothing was waited for any more.
        missing_since: the first reading that did not find an unknown offer.
        seen: up to which row others' and our AsapComms had been read when the intent was written.
    """

    id: int
    office: str
    state: State
    reason: str | None = None
    asapcomm: int | None = None
    schedule: int | None = None
    created: datetime
    changed: datetime
    settled: datetime | None = None
    missing_since: datetime | None = None
    seen: int = 0

    @property
    def office_day(self) -> date:
        """The office's calendar day on which it was made: the day that caps count."""
        return self.made.date()

    def office_time(self, moment: datetime) -> datetime:
        """The office's wall clock at an aware ``moment`` near this offer's life.

        Reckoned from ``made`` and the time passed since, so that no time zone is needed; over a change to or from
        daylight saving it is off by that hour, which no rule on texting minds.
        """
        return self.made + (moment - self.created)

    def again(self, made: datetime) -> NewOffer:
        """The same, to be sent now: an offer that a person approved."""
        copied = {field.name: getattr(self, field.name) for field in fields(NewOffer)}
        return NewOffer(**{**copied, "made": made})

    def contact(self) -> Contact:
        """This offer as one that limits count."""
        return Contact(
            patient=self.patient,
            phone=self.phone,
            day=self.office_day,
            kind=self.kind,
            number=self.number,
            state=self.state,
            operatory=self.operatory,
            start=self.start,
            end=self.end,
            opening=self.opening,
            settled=None if self.settled is None else self.office_time(self.settled),
            wave=self.wave,
            made=self.made,
            ours=True,
            clinic=self.clinic,
            reason=(self.reason or "") if self.state is State.SUPPRESSED else "",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One text that counts for limits: ours, or one that staff or another program sent.

    Attributes:
        day: the office day on which the text went out or will go out.
        state: of ours as in the journal; of others as their row tells.
        operatory: 0 when not known (others' rows do not name it).
        start: of the offered slot, office wall clock, if known.
        end: of the offered slot, office wall clock, if known.
        opening: id of our opening; empty for others.
        settled: office wall clock of the answer; for others the latest that it can have been.
        wave: of ours; 0 for others.
        made: office wall clock at which it was made.
        ours: from our journal.
        clinic: ClinicNum of the offer.
        reason: why Open Dental sends no text (suppressed), a code; empty for all else.
    """

    patient: int
    phone: str
    day: date
    kind: Kind
    number: int
    state: State
    operatory: int = 0
    start: datetime | None = None
    end: datetime | None = None
    opening: str = ""
    settled: datetime | None = None
    wave: int = 0
    made: datetime | None = None
    ours: bool = False
    clinic: int = 0
    reason: str = ""
