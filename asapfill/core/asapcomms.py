"""What the rows of AsapComms tell: what became of an offer, and the texts that others sent, which limits count too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

from asapfill.core.offer import CLOCKS_MAY_DIFFER, LINK_STAYS_OPEN, LIVE, Offer, OthersOffer, State
from asapfill.core.rows import AsapComm, FKeyType, ResponseStatus, Schedule, SmsSendStatus
from asapfill.core.waves import TIME_TO_ANSWER


def contacts_of_others(
    rows: Iterable[AsapComm],
    ours: Collection[int],
    now: datetime,
    *,
    phones: Mapping[int, str] | None = None,
    schedules: Mapping[int, Schedule] | None = None,
) -> tuple[OthersOffer, ...]:
    """Everyone else's AsapComms as contacts.

    Args:
        rows: AsapComms as read.
        ours: AsapCommNums of our journal, which counts them itself.
        now: the office's wall clock.
        phones: keyed phone hash by PatNum, as far as known.
        schedules: Web Sched ASAP rows by ScheduleNum, as far as known: they tell operatory and end.
    """
    return tuple(
        _others_offer(row, now, (phones or {}).get(row.pat_num, ""), (schedules or {}).get(row.schedule_num))
        for row in rows
        if row.asap_comm_num not in ours
    )


def _others_offer(row: AsapComm, now: datetime, phone: str, schedule: Schedule | None) -> OthersOffer:
    """One row. A status that is not known is taken as an open offer."""
    start = None if row.date_time_expire is None else row.date_time_expire - LINK_STAYS_OPEN
    end, operatory = None, 0
    if schedule is not None and schedule.sched_date is not None:
        start = datetime.combine(schedule.sched_date, schedule.start_time)
        end = datetime.combine(schedule.sched_date, schedule.stop_time)
        operatory = schedule.operatories[0] if len(schedule.operatories) == 1 else 0
    state = outcome(row) or State.SENT
    if state in LIVE and start is not None and start + CLOCKS_MAY_DIFFER <= now:
        state = State.PASSED
    if state in LIVE and row.date_time_entry is not None and now - row.date_time_entry >= TIME_TO_ANSWER:
        state = State.UNANSWERED
    goes_out = row.date_time_sms_sent or row.date_time_sms_scheduled or row.date_time_entry or now
    return OthersOffer(
        patient=row.pat_num,
        phone=phone,
        day=goes_out.date(),
        kind="recall" if row.f_key_type == FKeyType.RECALL else "appointment",
        number=row.f_key,
        state=state,
        operatory=operatory,
        start=start,
        end=end,
        # When others' patients declined is not told: at the latest when the slot began.
        answered=min(start or now, now),
        made=row.date_time_entry,
        clinic=row.clinic_num,
        no_text=suppressed_reason(row.note) if state is State.SUPPRESSED else "",
    )


_OUTCOMES: Final[Mapping[str, State]] = {
    ResponseStatus.AWAITING_TRANSMIT: State.SENT,
    ResponseStatus.PENDING: State.SENT,
    ResponseStatus.VIEWED: State.VIEWED,
    ResponseStatus.VIEWED_NOT_AVAILABLE: State.TAKEN,
    ResponseStatus.ACCEPTED: State.ACCEPTED,
    ResponseStatus.ACCEPTED_NOT_AVAILABLE: State.TAKEN,
    ResponseStatus.DECLINED: State.DECLINED,
    ResponseStatus.CHOSE_DIFFERENT_SLOT: State.OTHER_SLOT,
    ResponseStatus.EXPIRED: State.EXPIRED,
    ResponseStatus.DECLINED_STOP: State.STOPPED,
}


def outcome(row: AsapComm) -> State | None:
    """The state that a row tells; None for a status that asapfill does not know or could not read."""
    if "ResponseStatus" in row.unreadable:
        return None
    if row.response_status == ResponseStatus.UNABLE_TO_SEND:
        return State.SUPPRESSED if is_suppressed(row) else State.SENT
    if row.response_status == ResponseStatus.FAILED:
        # Open Dental looks at the slot once more before it sends; DoNotSend tells that from a failed delivery.
        return State.TAKEN if row.sms_send_status == SmsSendStatus.DO_NOT_SEND else State.FAILED
    return _OUTCOMES.get(row.response_status)


def is_about(offer: Offer, row: AsapComm) -> bool:
    """Whether an AsapComm row is for the offer's candidate; an unreadable value does not speak against it."""
    is_recall = row.f_key_type == FKeyType.RECALL
    same_number = row.f_key == offer.number or "FKey" in row.unreadable
    same_kind = is_recall == (offer.kind == "recall") or "FKeyType" in row.unreadable
    same_patient = row.pat_num == offer.patient or "PatNum" in row.unreadable
    return same_number and same_kind and same_patient


_TEXT_UNDER_WAY: Final = frozenset(
    {SmsSendStatus.NOT_ATTEMPTED, SmsSendStatus.SUCCESSFUL, SmsSendStatus.AWAITING_RECEIPT}
)


def is_suppressed(row: AsapComm) -> bool:
    """Whether Open Dental made the row but sends no text. In doubt it is taken as sent, so that it counts."""
    if "SmsSendStatus" in row.unreadable or row.sms_send_status in _TEXT_UNDER_WAY:
        return False
    unable = row.response_status == ResponseStatus.UNABLE_TO_SEND and "ResponseStatus" not in row.unreadable
    return unable or row.sms_send_status == SmsSendStatus.DO_NOT_SEND


def after_answer(row: AsapComm) -> tuple[State, str | None]:
    """State and reason of an offer whose row Open Dental made: 201 is not "texted"."""
    if is_suppressed(row):
        return State.SUPPRESSED, suppressed_reason(row.note)
    return State.SENT, None


_NOTES: Final = (
    # Order matters: "requested to not be texted" before anything about texts in general.
    ("requested to not be", "suppressed_stop"),
    ("texts today", "suppressed_daily_limit"),
    ("30 minutes before", "suppressed_too_late"),
    ("minutes before the time slot", "suppressed_too_late"),
    ("after the time slot", "suppressed_too_late"),
    ("preferred contact method", "suppressed_not_preferred"),
    ("texting is not enabled", "suppressed_no_texting"),
    ("wireless phone", "suppressed_no_phone"),
    ("set to not receive texts", "suppressed_opted_out"),
    ("opted out", "suppressed_opted_out"),
    ("has been taken", "suppressed_slot_taken"),
)
"""Words of Open Dental's Notes (3.3 of its known behaviour) and the code kept instead of them."""


def suppressed_reason(note: str) -> str:
    """The reason code for the Note of a suppressed row; the Note itself is never kept."""
    lowered = note.lower()
    return next((code for words, code in _NOTES if words in lowered), "suppressed_other")
