"""Finding out what became of offers without a clear answer, by reading the office. Nothing is ever sent from here."""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from asapfill.clock import Clock, office_now
from asapfill.core.asapcomms import after_answer, is_about
from asapfill.core.offer import LINK_STAYS_OPEN, Offer, State
from asapfill.core.rows import AsapComm, Schedule
from asapfill.failpoints import reach
from asapfill.offers.journal import Journal
from asapfill.opendental.errors import NotFound, OpenDentalError

log = logging.getLogger(__name__)

SERVER_LIMIT: Final = timedelta(seconds=75)
"""After this long nothing that we posted is still on its way: the server gives up after 60 seconds, and some room."""

BETWEEN_READINGS: Final = timedelta(seconds=60)
"""Two readings that do not find an offer must be this far apart."""

GIVE_UP: Final = timedelta(days=1)
"""An offer that could not be found out by then is shown to a person."""

ABANDONED: Final = timedelta(minutes=10)
"""No POST takes this long, waiting for its turn included: an intent this old has lost its answer."""

CLOCKS: Final = timedelta(minutes=10)
"""How far the office's clock and ours may be apart when rows are matched. Sending stops at 5 minutes."""


class Rows(Protocol):
    """A list as the client returns it."""

    @property
    def rows(self) -> tuple[AsapComm, ...]:
        """The rows that could be read."""

    @property
    def problems(self) -> tuple[str, ...]:
        """One sentence per row that was set aside or has values that could not be read."""


class AsapCommReader(Protocol):
    """The two reads of Open Dental that reconciling needs."""

    def asapcomms(self, *, date_start: date, date_end: date) -> Rows:
        """GET /asapcomms, all pages; ``date_end`` is exclusive."""

    def schedule(self, schedule_num: int) -> Schedule:
        """GET /schedules/{n}; raises NotFound when staff deleted it."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What one round found out.

    Attributes:
        settled: offers that are clear now.
        unclear: offers that still are not, those given up to a person included.
        error: why the office could not be read, if it could not.
    """

    settled: tuple[Offer, ...] = ()
    unclear: tuple[Offer, ...] = ()
    error: OpenDentalError | None = None


def recover(journal: Journal, *, older_than: timedelta = timedelta(0)) -> int:
    """At start, under the state's lock: intents of a process that died are unknown. Returns how many there were.

    ``older_than``: in a running daemon, intents whose answer could not be written (a full disk).
    """
    abandoned = journal.store.clock.now() - older_than
    intents = [offer for offer in journal.unknowns() if offer.state is State.INTENT and offer.changed <= abandoned]
    for offer in intents:
        journal.step(offer.id, State.UNKNOWN, "interrupted")
        reach("offers.recover.stepped")
    return len(intents)


def reconcile(journal: Journal, api: AsapCommReader, clock: Clock, timezone: ZoneInfo) -> Reconciled:
    """Look for every unknown offer of one office that is old enough to be judged.

    An offer is found if an AsapComm for its candidate, made about then, that was not seen before the intent and
    belongs to no other offer of ours, stands for the same operatory and start. Two readings at least a minute apart
    that do not find it prove that it was not sent. An office that cannot be read proves nothing.

    Raises:
        StoreError: the state cannot be written.
    """
    recover(journal, older_than=ABANDONED)
    unclear = [_waiting_anew(offer, journal, clock) for offer in journal.unknowns() if offer.state is not State.INTENT]
    due = [offer for offer in unclear if clock.now() - _unknown_since(journal, offer) >= SERVER_LIMIT]
    if not due:
        return Reconciled(unclear=tuple(unclear))
    error: OpenDentalError | None = None
    try:
        reading = api.asapcomms(
            date_start=min(offer.day for offer in due) - timedelta(days=1),
            # Exclusive, and the office's clock may be past midnight already.
            date_end=office_now(clock.now(), timezone).date() + timedelta(days=2),
        )
    except OpenDentalError as failure:
        error = failure
        log.warning(
            "reconcile.unreadable office=%s offers=%d error=%s", journal.office, len(due), type(failure).__name__
        )
    else:
        for offer in due:
            try:
                _judge(offer, reading, journal, api, clock, timezone)
            except OpenDentalError as failure:
                error = failure
                log.warning(
                    "reconcile.unreadable office=%s offer=%d error=%s", journal.office, offer.id, type(failure).__name__
                )
        journal.saw(row.asap_comm_num for row in reading.rows if row.asap_comm_num)
    give_up(journal, clock)
    after = [journal.get(offer.id) for offer in due]
    still = {offer.id for offer in journal.unknowns()}
    settled = tuple(offer for offer in after if offer.id not in still)
    return Reconciled(settled, journal.unknowns(), error)


def _waiting_anew(offer: Offer, journal: Journal, clock: Clock) -> Offer:
    """The offer; where our clock was set back, nobody can tell how long it has been unknown: from now on, then.

    Otherwise it would stay unknown until the clock is as far again, and its person would be asked nothing.
    """
    if offer.state is State.UNKNOWN and _unknown_since(journal, offer) > clock.now():
        return journal.step(offer.id, State.UNKNOWN, "clock_set_back")
    return offer


def _judge(
    offer: Offer, reading: Rows, journal: Journal, api: AsapCommReader, clock: Clock, timezone: ZoneInfo
) -> None:
    """Decide one offer from one reading.

    Raises:
        OpenDentalError: a schedule row could not be read, so nothing can be decided.
    """
    row = _find(offer, reading.rows, journal, api, timezone)
    reach("offers.reconcile.read")
    if row is not None:
        state, code = after_answer(row)
        journal.step(
            offer.id,
            state,
            code or "found_at_office",
            asapcomm=row.asap_comm_num or None,
            schedule=row.schedule_num or None,
        )
        reach("offers.reconcile.settled")
        return
    if _set_aside(reading):
        # An element that is not even a row might be ours.
        return
    if offer.missing_since is not None and clock.now() - offer.missing_since >= BETWEEN_READINGS:
        journal.step(offer.id, State.UNSENT, "not_at_office")
        reach("offers.reconcile.settled")
    else:
        journal.missing(offer.id)


def give_up(journal: Journal, clock: Clock) -> None:
    """Unknown offers older than a day are a person's to settle, also at an office that cannot be read at all.

    Readings that succeed later still settle them.
    """
    for offer in journal.unknowns():
        if offer.state is State.UNKNOWN and clock.now() - offer.changed > GIVE_UP:
            journal.step(offer.id, State.UNSETTLED, "unsettled")


def _unknown_since(journal: Journal, offer: Offer) -> datetime:
    """When the POST was surely over on our side: the step to unknown (aware)."""
    return next(step.at for step in reversed(journal.steps(offer.id)) if step.after is State.UNKNOWN)


def _find(
    offer: Offer, rows: Collection[AsapComm], journal: Journal, api: AsapCommReader, timezone: ZoneInfo
) -> AsapComm | None:
    """The row that our POST made, if there is one; of several the one made nearest after the intent."""
    earlier = journal.seen_before(offer)
    linked = journal.asapcomms()
    # Our clock may have been set in between, in either direction.
    ends = (offer.created, _unknown_since(journal, offer))
    earliest, latest = min(ends) - CLOCKS, max(ends) + SERVER_LIMIT + CLOCKS
    matching: list[tuple[tuple[bool, timedelta], AsapComm]] = []
    for row in rows:
        if row.asap_comm_num in earlier or row.asap_comm_num in linked or not is_about(offer, row):
            continue
        moments = [moment for moment in _entered(row, timezone) if earliest <= moment <= latest]
        if moments:
            matching.append((min(_distance(offer, moment) for moment in moments), row))
        elif row.date_time_entry is None:
            # No stamp that can be read: it may have been made then.
            matching.append(((True, CLOCKS), row))
    matching.sort(key=lambda pair: pair[0])
    return next((row for _, row in matching if _same_slot(offer, row, api)), None)


def _entered(row: AsapComm, timezone: ZoneInfo) -> tuple[datetime, ...]:
    """The moments (aware) that a row's DateTimeEntry may mean: two in the hour that autumn repeats."""
    if row.date_time_entry is None:
        return ()
    return tuple(row.date_time_entry.replace(tzinfo=timezone, fold=fold).astimezone(UTC) for fold in (0, 1))


def _distance(offer: Offer, moment: datetime) -> tuple[bool, timedelta]:
    """Moments after the intent come first, the nearest of them before others."""
    return (moment < offer.created, abs(moment - offer.created))


def _same_slot(offer: Offer, row: AsapComm, api: AsapCommReader) -> bool:
    """Whether a row stands for the offer's operatory and start; what cannot be told apart is taken as the same.

    The slot is not in the row but in the schedule row behind it. If staff deleted that, DateTimeExpire tells the
    start: Open Dental makes it the slot's start plus seven days.

    Raises:
        OpenDentalError: the schedule row could not be read.
    """
    if row.schedule_num:
        try:
            schedule = api.schedule(row.schedule_num)
        except NotFound:
            pass
        else:
            return _is_slot(offer, schedule)
    return row.date_time_expire is None or row.date_time_expire - LINK_STAYS_OPEN == offer.start


def _is_slot(offer: Offer, schedule: Schedule) -> bool:
    """Whether a schedule row lies at the offer's operatory and start. Unreadable values do not speak against it."""
    odd = schedule.unreadable
    same_day = "SchedDate" in odd or schedule.sched_date is None or schedule.sched_date == offer.start.date()
    same_time = "StartTime" in odd or schedule.start_time == offer.start.time()
    same_operatory = "operatories" in odd or not schedule.operatories or offer.operatory in schedule.operatories
    return same_day and same_time and same_operatory


def _set_aside(reading: Rows) -> bool:
    """Whether elements of the list were no rows at all, or rows lack what would let us recognise ours."""
    odd_rows = [row for row in reading.rows if row.unreadable]
    return len(reading.problems) > len(odd_rows) or any("AsapCommNum" in row.unreadable for row in odd_rows)
