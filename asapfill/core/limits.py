"""How often, and when, a person may be texted: pure rules over what was texted before and an explicit now.

Run when planning, and again inside the transaction that writes the intent. Nothing here knows HTTP or SQL.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from asapfill.clock import minutes_until, office_now
from asapfill.core.offer import CLOCKS_MAY_DIFFER, COUNTED, LIVE, NEVER_WAS, UNCLEAR, Contact, NewOffer, Offer, State
from asapfill.core.policy import Hours, TextsPolicy
from asapfill.core.reasons import Reason

WEEK: Final = timedelta(days=7)
"""A week is today and the six office days before it."""

REST_WITHOUT_TEXT: Final = {
    "suppressed_no_phone": timedelta(days=7),
    "suppressed_opted_out": timedelta(days=7),
    "suppressed_not_preferred": timedelta(days=7),
    "suppressed_stop": timedelta(days=7),
}
"""What Open Dental says of a person when it sends no text: the next one would meet the same, and each offer puts a
block on the schedule. A week, because the office may mend it. All else (a limit, a late hour) holds for the day."""

LEAST_LEAD_MINUTES: Final = 60
"""Open Dental sends nothing later than 30 minutes before the slot; twice that leaves room for slow clocks."""

MOST_FOR_A_PLACE: Final = 30
"""``per_opening: auto``: no more people than so many are asked for a place, however likely it stays empty."""

SENDING_TAKES: Final = timedelta(minutes=5)
"""From the POST to the text leaving Open Dental, at most, clocks up to 5 minutes apart included."""


def verdict(
    new: NewOffer,
    contacts: Sequence[Contact],
    texts: TextsPolicy,
    now: datetime,
    *,
    office_limit: int | None = None,
) -> Reason | None:
    """Why ``new`` may not be offered, or None.

    Args:
        new: what is meant to be offered.
        contacts: every text that counts: our own offers, at least those of ``Journal.since``, and those of staff and
            other programs (``asapcomms``).
        texts: the policy.
        now: the office's wall clock.
        office_limit: Open Dental's WebSchedAsapTextLimit per patient and day; None: no limit.
    """
    told = rules(new, contacts, texts, now, office_limit=office_limit)
    return next((reason for _, reason in told if reason is not None), None)


def rules(
    new: NewOffer,
    contacts: Sequence[Contact],
    texts: TextsPolicy,
    now: datetime,
    *,
    office_limit: int | None = None,
) -> Iterator[tuple[str, Reason | None]]:
    """Every limit in the order of ``verdict``: its code, and why it stands against ``new``, or None."""
    yield "already_offered", _before(new, contacts)
    yield "unknown_offer", _unclear(new, contacts)
    yield "live_offer", _live(new, contacts)
    yield "resting", _resting(new, contacts, texts, now)
    yield "no_text_lately", _no_text_lately(new, contacts, now)
    yield "per_patient_per_week", _too_often(new, contacts, texts, now, office_limit)
    yield "per_opening", _enough_asked(new, contacts, texts)


def checker(
    new: NewOffer, others: Sequence[Contact], texts: TextsPolicy, now: datetime, *, office_limit: int | None = None
) -> Callable[[Sequence[Offer]], Reason | None]:
    """The verdict as ``Journal.begin`` wants it: a function of the journal's own rows, with others' texts added."""

    def check(offers: Sequence[Offer]) -> Reason | None:
        return verdict(new, [*offers, *others], texts, now, office_limit=office_limit)

    return check


def may_text_now(
    texts: TextsPolicy,
    office_window: tuple[time, time] | None,
    slot_start: datetime,
    now: datetime,
    timezone: ZoneInfo,
) -> Reason | None:
    """Why no text may be posted at this moment for a slot, or None.

    A text must be able to leave at once: nothing is posted that Open Dental would hold until its window opens, nor so
    late that it would be held until tomorrow.

    Args:
        texts: the policy's hours and days.
        office_window: AutomaticCommunicationTimeStart and End; None or equal: no restriction (Open Dental).
        slot_start: office wall clock.
        now: aware.
        timezone: the office's.
    """
    wall = office_now(now, timezone)
    leaves = wall + SENDING_TAKES
    if wall.weekday() not in texts.days:
        return Reason("quiet_hours", "not on this day")
    if not all(_inside(texts.between.start, texts.between.end, moment) for moment in (wall, leaves)):
        return Reason("quiet_hours", f"policy {texts.between.start:%H:%M}-{texts.between.end:%H:%M}")
    if office_window is not None and office_window[0] != office_window[1]:
        opens, closes = office_window
        # Their clock may be ahead of or behind ours. A closing time of 00:00 is not midnight here but an empty window.
        earliest = wall - SENDING_TAKES
        if closes == time(0) or not all(_inside(opens, closes, moment) for moment in (earliest, wall, leaves)):
            return Reason("quiet_hours", f"office's sending window {opens:%H:%M}-{closes:%H:%M}")
    if minutes_until(slot_start, now, timezone) < LEAST_LEAD_MINUTES + SENDING_TAKES.total_seconds() / 60:
        return Reason("too_late_to_text")
    return None


def last_call(slot_start: datetime, between: Hours, days: Collection[int], since: datetime) -> datetime:
    """Until when a yes to an offer still lets its text go out: the last moment that is early enough before the slot and
    within the hours and days of the policy. All are the office's wall clock; never before ``since``.
    """
    latest = slot_start - timedelta(minutes=LEAST_LEAD_MINUTES) - SENDING_TAKES
    day = latest.date()
    while day >= since.date():
        opens = datetime.combine(day, between.start)
        closes = datetime.combine(day, between.end) + (timedelta(days=1) if between.end == time(0) else timedelta(0))
        moment = min(latest, closes - SENDING_TAKES)
        if day.weekday() in days and moment >= opens:
            return max(moment, since)
        day -= timedelta(days=1)
    return since


def _inside(start: time, end: time, moment: datetime) -> bool:
    """Whether a moment lies in a stretch of the day; ``end`` is exclusive, and 00:00 is midnight at its end."""
    return start <= moment.time() and (end == time(0) or moment.time() < end)


def _before(new: NewOffer, contacts: Iterable[Contact]) -> Reason | None:
    """A stop is for ever for that candidate; the same candidate and slot is never offered again."""
    for contact in contacts:
        if (contact.kind, contact.number) != (new.kind, new.number):
            continue
        if contact.state is State.STOPPED or contact.no_text == "suppressed_stop":
            return Reason("asked_to_stop")
        # Others' rows may not tell the operatory; the same start is then taken as the same slot.
        same_slot = contact.start == new.start and contact.operatory in {0, new.operatory}
        if same_slot and contact.state not in NEVER_WAS:
            return Reason("already_offered")
    return None


def _unclear(new: NewOffer, contacts: Iterable[Contact]) -> Reason | None:
    """While it is not known what became of an offer, its person, phone and slot get nothing."""
    for contact in contacts:
        if contact.state in UNCLEAR and (
            _same_person(new, contact) or _same_phone(new, contact) or _overlaps(new, contact)
        ):
            return Reason("unknown_offer")
    return None


def _live(new: NewOffer, contacts: Iterable[Contact]) -> Reason | None:
    """At most one open offer per patient and per phone, whoever made it."""
    live = [contact for contact in contacts if contact.state in LIVE]
    if any(_same_person(new, contact) for contact in live):
        return Reason("live_offer")
    if any(_same_phone(new, contact) for contact in live):
        return Reason("phone_live_offer")
    return None


def _resting(new: NewOffer, contacts: Iterable[Contact], texts: TextsPolicy, now: datetime) -> Reason | None:
    """A patient who declined is left in peace for a while."""
    for contact in contacts:
        if not _same_person(new, contact) or contact.state not in {State.DECLINED, State.STOPPED}:
            continue
        # Our clock may have been behind the office's then, and may be ahead of it now.
        until = min(contact.answered or now, now) + texts.rest_after_decline + 2 * CLOCKS_MAY_DIFFER
        if until > now:
            return Reason("resting", f"until {until:%Y-%m-%d %H:%M}")
    return None


def _no_text_lately(new: NewOffer, contacts: Iterable[Contact], now: datetime) -> Reason | None:
    """Open Dental made an offer lately, but sent no text: for the patient's sake, or because the clinic cannot text."""
    for contact in contacts:
        if contact.state is not State.SUPPRESSED or contact.no_text == "suppressed_slot_taken":
            continue
        cannot_text = contact.no_text == "suppressed_no_texting"
        if not (contact.clinic == new.clinic if cannot_text else _same_person(new, contact)):
            continue
        made = min(contact.made or now, now)
        rest = REST_WITHOUT_TEXT.get(contact.no_text)
        until = datetime.combine(made.date() + timedelta(days=1), time(0)) if rest is None else made + rest
        if until > now:
            return Reason("no_text_lately", f"until {until:%Y-%m-%d %H:%M}")
    return None


def _too_often(
    new: NewOffer, contacts: Iterable[Contact], texts: TextsPolicy, now: datetime, office_limit: int | None
) -> Reason | None:
    """The caps per day and week, for the patient and for the phone."""
    per_day = texts.per_patient_per_day if office_limit is None else min(texts.per_patient_per_day, office_limit)
    counted = [contact for contact in contacts if contact.state in COUNTED]
    today = now.date()
    for concerns in (_same_person, _same_phone):
        # A text held for tomorrow counts today as well: days at or after, not equal.
        days = [contact.day for contact in counted if concerns(new, contact)]
        if sum(day >= today for day in days) >= per_day:
            return Reason("per_patient_per_day", f"{per_day} a day")
        if sum(day > today - WEEK for day in days) >= texts.per_patient_per_week:
            return Reason("per_patient_per_week", f"{texts.per_patient_per_week} a week")
    return None


def _enough_asked(new: NewOffer, contacts: Iterable[Contact], texts: TextsPolicy) -> Reason | None:
    """The cap on people asked, open offers and past ones: in auto for the place, over all time that overlaps; a number
    of the policy's for the whole opening as well.
    """
    most = MOST_FOR_A_PLACE if texts.per_opening is None else texts.per_opening
    asked = sum(
        contact.state in COUNTED
        and (_overlaps(new, contact) or (texts.per_opening is not None and contact.opening == new.opening))
        for contact in contacts
    )
    return Reason("per_opening", f"{most} asked") if asked >= most else None


def _same_person(new: NewOffer, contact: Contact) -> bool:
    return contact.patient == new.patient


def _same_phone(new: NewOffer, contact: Contact) -> bool:
    return new.phone != "" and contact.phone == new.phone


def _overlaps(new: NewOffer, contact: Contact) -> bool:
    """Same operatory and overlapping time; touching edges do not overlap (Open Dental)."""
    if contact.operatory != new.operatory or contact.start is None:
        return False
    return contact.start < new.end and (contact.end or contact.start + timedelta(minutes=5)) > new.start
