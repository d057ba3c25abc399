"""Texts that others sent (staff in Open Dental, another program), as contacts that limits count."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from asapfill.offers.following import outcome
from asapfill.offers.offer import CLOCKS_MAY_DIFFER, LINK_STAYS_OPEN, Contact
from asapfill.offers.sending import suppressed_reason
from asapfill.offers.states import LIVE, State
from asapfill.opendental.models import AsapComm, FKeyType, Schedule
from asapfill.planning.waves import TIME_TO_ANSWER


def contacts_of_others(
    rows: Iterable[AsapComm],
    ours: Collection[int],
    now: datetime,
    *,
    phones: Mapping[int, str] | None = None,
    schedules: Mapping[int, Schedule] | None = None,
) -> tuple[Contact, ...]:
    """Everyone else's AsapComms as contacts.

    Args:
        rows: AsapComms as read.
        ours: AsapCommNums of our journal, which counts them itself.
        now: the office's wall clock.
        phones: keyed phone hash by PatNum, as far as known.
        schedules: Web Sched ASAP rows by ScheduleNum, as far as known: they tell operatory and end.
    """
    return tuple(
        _contact(row, now, (phones or {}).get(row.pat_num, ""), (schedules or {}).get(row.schedule_num))
        for row in rows
        if row.asap_comm_num not in ours
    )


def _contact(row: AsapComm, now: datetime, phone: str, schedule: Schedule | None) -> Contact:
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
    return Contact(
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
        settled=min(start or now, now),
        made=row.date_time_entry,
        clinic=row.clinic_num,
        reason=suppressed_reason(row.note) if state is State.SUPPRESSED else "",
    )
