"""Time passes in the simulated office: texts go out, patients react, staff work.

**Staff actions** (``people.day_events`` plans them, ``POST /sandbox/staff`` takes one): dicts with ``action`` and Open
Dental's column names; moments, days and times as in tables.py. Optional parts in brackets::

    {"action": "cancel", "AptNum": 7, ["Priority": "ASAP"]}     onto the unscheduled list: UnschedList, Op 0, time kept
    {"action": "break", "AptNum": 7, ["Priority": "ASAP"], ["charted": "Missed" | "Cancelled"]}
                                                                Broken, left where it is on the schedule
    {"action": "delete", "AptNum": 7}                           the row vanishes
    {"action": "move", "AptNum": 7, "Op": 3, "AptDateTime": "2026-11-20 10:00:00"}
    {"action": "book", "PatNum": 5, "Op": 3, "AptDateTime": "…", "Pattern": "//XXXX//", [other appointment columns]}
    {"action": "complete", "AptNum": 7}
    {"action": "priority", "AptNum": 7 | "RecallNum": 9, "Priority": "ASAP" | "Normal"}
    {"action": "blockout", "SchedDate": "2026-11-20", "StartTime": "13:00:00", "StopTime": "14:00:00",
     "operatories": [1, 2], "BlockoutType": 248, ["Note": "…"]}
    {"action": "delete_schedule", "ScheduleNum": 12}
    {"action": "patient", "PatNum": 5, any patient column: new value, ...}
    {"action": "preference", "PrefName": "WebSchedAsapTextLimit", "ValueString": "1"}
    {"action": "permission", "Permission": "ApiTextingASAP", "HasPermission": false}

What people.py plans is checked like a receptionist would: an action whose row is gone, or a booking or move onto a
taken or past place, is skipped and counted in ``Life.skipped``. What a test asks for by ``POST /sandbox/staff`` is done
as asked.

**People** (people.py, one object per office)::

    people.texted(office, asapcomm_row, at) -> list[(timedelta after at, "view" | "accept" | "decline" | "stop")]
    people.day_events(office, day)          -> list[(moment on that day, staff action dict)]

``at`` and moments are naive office wall-clock ``datetime``; ``day`` is a ``date``. ``texted`` is asked for each text;
``day_events`` once per day, at its 00:00 (on the first day at the moment the sandbox starts; earlier events of that day
are dropped). An accept implies a view; "stop" is a decline with "do not contact me about this".
"""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial

from asapfill.sandbox.office import rules, staff, web_sched
from asapfill.sandbox.office.columns import Row, moment, stamp
from asapfill.sandbox.office.people import People
from asapfill.sandbox.office.tables import Refusal, SimulatedOffice

OPEN = frozenset({"PendingRsvp", "Viewed"})
"""ResponseStatus of an offer whose link the patient may still use."""

SUNDAY = 6


class Life:
    """What is going to happen in one office, in the order of (moment, planning). Uses no randomness of its own.

    ``sent``: each text that really went out, numbers only. ``happened``: what staff and patients did, the same way.
    ``skipped``: planned staff actions that made no sense any more, counted by action.
    """

    def __init__(self, office: SimulatedOffice, people: People | None = None) -> None:
        self.office = office
        self.people = people
        self.sent: list[Row] = []
        self.happened: list[Row] = []
        self.skipped: Counter[str] = Counter()
        self._order = itertools.count()
        self._queue: list[tuple[datetime, int, Callable[[], None]]] = []
        for offer in office.asapcomms.values():
            self.offered(offer)
        self._begin_day(office.now.date())

    def advance(self, to: datetime) -> None:
        """Let everything happen that is due up to ``to`` (naive office wall-clock, inclusive).

        In the autumn night the wall clock, and the office with it, goes back an hour; nothing happens twice.
        """
        while self._queue and self._queue[0][0] <= to:
            when, _, act = heapq.heappop(self._queue)
            self.office.now = max(self.office.now, when)
            act()
        self.office.now = to

    def offered(self, offer: Row) -> None:
        """A row came into asapcomms: its text and its expiry lie ahead."""
        if offer["ResponseStatus"] == "AwaitingTransmit":
            self._at(_minute_after(moment(offer["DateTimeSmsScheduled"])), partial(self._send, offer))
        if offer["ResponseStatus"] in OPEN | {"AwaitingTransmit"}:
            self._at(moment(offer["DateTimeExpire"]), partial(self._expire, offer))

    def respond(self, number: int, action: str) -> str:
        """A patient uses the link of an offer now; returns the ResponseStatus that results.

        Args:
            number: AsapCommNum.
            action: "view", "accept", "decline" or "stop".

        Raises:
            Refusal: there is no such offer or action, or the link can no longer be used.
        """
        offer = self.office.asapcomms.get(number)
        if offer is None:
            raise Refusal(404, f"There is no asapcomm {number}.")
        if offer["ResponseStatus"] not in OPEN:
            raise Refusal(400, f"Asapcomm {number} is {offer['ResponseStatus']}; its link cannot be used.")
        status = web_sched.respond(self.office, offer, action)
        self._note("patient", action, AsapCommNum=number, ResponseStatus=status)
        return status

    def _at(self, when: datetime, act: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (max(when, self.office.now), next(self._order), act))

    def _note(self, who: str, action: str, **numbers: object) -> None:
        self.happened.append({"at": stamp(self.office.now), "who": who, "action": action, **numbers})

    def _begin_day(self, day: date) -> None:
        """Plan what staff do today; and tomorrow's planning."""
        if day.weekday() == SUNDAY:
            staff.forget_old_signals(self.office)
        events = self.people.day_events(self.office, day) if self.people else []
        for when, action in sorted(events, key=lambda event: event[0]):
            if when >= self.office.now:
                self._at(when, partial(self._staff, action))
        tomorrow = day + timedelta(days=1)
        self._at(datetime.combine(tomorrow, datetime.min.time()), partial(self._begin_day, tomorrow))

    def _staff(self, action: Row) -> None:
        """Do what staff planned, if it still makes sense."""
        if staff.sensible(self.office, action):
            result = staff.apply(self.office, action)
            self._note("staff", action["action"], **result)
        else:
            self.skipped[action["action"]] += 1

    def _send(self, offer: Row) -> None:
        """The eConnector looks at a due text: the slot is checked once more, then the text goes out."""
        if offer["ResponseStatus"] != "AwaitingTransmit":
            return
        office = self.office
        row, slot = web_sched.offered_row(office, offer), web_sched.slot_of(office, offer)
        if row is None or slot is None or rules.slot_taken(office, offer["FKeyType"], row, slot):
            offer.update(
                SmsSendStatus="DoNotSend",
                ResponseStatus="Failed",
                DateTimeSmsSent=offer["DateTimeSmsScheduled"],
                Note="Not sending because the time slot has been taken by another appointment.",
            )
            return
        patient = office.patients.get(offer["PatNum"])
        offer["DateTimeSmsSent"] = stamp(office.now)
        if patient is None or patient["SmsFails"]:
            offer.update(SmsSendStatus="SendFailed", ResponseStatus="Failed")
            return
        offer.update(SmsSendStatus="SendSuccessful", ResponseStatus="PendingRsvp")
        slot["Note"] = "1 text sent, 0 texts to be sent\r\n0 emails sent 0 emails to be sent"
        staff.touch_schedule(office, slot)
        self._sent(offer, slot)

    def _sent(self, offer: Row, slot: Row) -> None:
        """Count the text and let the patient react."""
        names = ("AsapCommNum", "FKey", "FKeyType", "PatNum")
        start = rules.schedule_span(slot)[0]
        self.sent.append(
            {"at": stamp(self.office.now), **{name: offer[name] for name in names}}
            | {"op": slot["operatories"][0], "dateTimeStart": stamp(start)}
        )
        reactions = self.people.texted(self.office, offer, self.office.now) if self.people else []
        for delay, action in reactions:
            self._at(self.office.now + delay, partial(self._react, offer, action))

    def _react(self, offer: Row, action: str) -> None:
        """A patient does what was planned, unless the link has come to an end meanwhile."""
        if offer["ResponseStatus"] in OPEN:
            self.respond(offer["AsapCommNum"], action)

    def _expire(self, offer: Row) -> None:
        if offer["ResponseStatus"] in OPEN:
            offer["ResponseStatus"] = "Expired"


def _minute_after(due: datetime) -> datetime:
    """The first whole minute after a moment: the eConnector looks for due texts about once a minute."""
    return due.replace(second=0, microsecond=0) + timedelta(minutes=1)
