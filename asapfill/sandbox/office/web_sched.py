"""Web Sched ASAP: ``POST /asapcomms`` makes an offer, and the patient's answer on the web page ends it.

Open Dental does not de-duplicate offers. Whether and when a text goes out is in texting.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from asapfill.sandbox.office import rules, staff, texting
from asapfill.sandbox.office.columns import CONFIRMED_STATUSES, NO_DAY, NO_MOMENT, Row, moment, stamp
from asapfill.sandbox.office.tables import Refusal, SimulatedOffice, read_moment

OPEN_DAYS = timedelta(days=7)
"""A link stays usable until this long after the slot began, to tell the patient that it is gone."""

_KEY_TYPES = {"Scheduled": "ScheduledAppt", "UnschedList": "UnscheduledAppt", "Broken": "Broken"}
"""FKeyType by AptStatus; every other status falls back to PlannedAppt."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a POST asks for, found in the database."""

    operatory: Row
    start: datetime
    kind: str
    row: Row
    length: timedelta

    @property
    def end(self) -> datetime:
        """The end of the span that the visit would take."""
        return self.start + self.length

    @property
    def number(self) -> int:
        """The AptNum or RecallNum."""
        return int(self.row["RecallNum" if self.kind == "Recall" else "AptNum"])


def create(office: SimulatedOffice, body: Row) -> Row:
    """Make the offer that a POST body asks for; returns the asapcomms row, which may say that nothing will be sent.

    Raises:
        Refusal: 400 or 404.
    """
    wanted = _wanted(office, body)
    if wanted.row["Priority"] != "ASAP":
        raise Refusal(400, f"{'Recall' if wanted.kind == 'Recall' else 'Appointment'} Priority is not ASAP.")
    appointment = None if wanted.kind == "Recall" else wanted.row
    place = (int(wanted.operatory["OperatoryNum"]), wanted.start, wanted.end)
    if rules.blockout_forbids(office, appointment, *place) or rules.appointment_forbids(office, appointment, *place):
        raise Refusal(400, "Appointment overlaps existing appointment or blockout.")
    return _write(office, wanted)


def _wanted(office: SimulatedOffice, body: Row) -> Wanted:
    """Read the body and find what it names."""
    operatory_number = _whole(body, "op")
    if operatory_number is None:
        raise Refusal(400, "op is required.")
    if not body.get("dateTimeStart"):
        raise Refusal(400, "dateTimeStart is required.")
    apt = _whole(body, "aptNum")
    recall = _whole(body, "recallNum") if office.at_least(25, 2, 9) else None
    if (apt is None) == (recall is None):
        raise Refusal(400, "Either aptNum or recallNum is required.")
    start = read_moment(body["dateTimeStart"], "dateTimeStart")
    if not office.subscribed or office.preferences.get("WebSchedAsapEnabled") != "1":
        raise Refusal(400, "This office is not signed up for Web Sched ASAP or Integrated Texting.")
    operatory = office.operatories.get(operatory_number)
    if operatory is None:
        raise Refusal(404, "Operatory not found.")
    if apt is not None:
        row = office.appointments.get(apt)
        if row is None:
            raise Refusal(404, "Appointment not found.")
        kind = _KEY_TYPES.get(row["AptStatus"], "PlannedAppt")
        return Wanted(operatory, start, kind, row, rules.appointment_length(row))
    row = office.recalls.get(recall or 0)
    if row is None:
        raise Refusal(404, "Recall not found.")
    return Wanted(operatory, start, "Recall", row, rules.recall_length(office, row))


def _whole(body: Row, name: str) -> int | None:
    """A whole number of the body; None when it is absent."""
    value: Any = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refusal(400, f"{name} is invalid.")
    return value


def _write(office: SimulatedOffice, wanted: Wanted) -> Row:
    """Insert the WebSchedASAP schedule row and the asapcomms row."""
    due = wanted.row["DateDue"] + " 00:00:00" if wanted.kind == "Recall" else wanted.row["AptDateTime"]
    offer = {
        "FKey": wanted.number,
        "FKeyType": wanted.kind,
        "PatNum": wanted.row["PatNum"],
        "ClinicNum": wanted.operatory["ClinicNum"] if office.clinics_on else 0,
        "DateTimeEntry": stamp(office.now),
        "DateTimeExpire": stamp(wanted.start + OPEN_DAYS),
        "DateTimeOrig": due,
    }
    when = texting.send_time(office, office.now)
    reason = texting.why_not_texted(office, offer, wanted.start, when)
    if reason is None:
        offer |= {
            "DateTimeSmsScheduled": stamp(when),
            "SmsSendStatus": "SendNotAttempted",
            "ResponseStatus": "AwaitingTransmit",
            "TemplateText": texting.template(office, wanted.operatory, wanted.start),
        }
    else:
        # Open Dental copies the notes before it handles recalls, so theirs stays empty.
        note = "" if wanted.kind == "Recall" else reason
        offer |= {
            "DateTimeSmsScheduled": NO_MOMENT,
            "SmsSendStatus": "DoNotSend",
            "ResponseStatus": "UnableToSend",
            "Note": note,
        }
    schedule = _slot(office, wanted, texts=int(reason is None))
    return office.insert("asapcomms", {**offer, "ScheduleNum": schedule["ScheduleNum"]})


def _slot(office: SimulatedOffice, wanted: Wanted, *, texts: int) -> Row:
    """The informational schedule row; Open Dental makes it also for an offer that is not sent."""
    last = datetime.combine(wanted.start.date(), time(23, 59, 59))
    row = {
        "SchedDate": str(wanted.start.date()),
        "StartTime": f"{wanted.start:%H:%M:%S}",
        "StopTime": f"{min(wanted.end, last):%H:%M:%S}",
        "SchedType": "WebSchedASAP",
        "Note": f"{texts} text{'' if texts == 1 else 's'} to be sent\r\n0 emails to be sent",
        "operatories": [wanted.operatory["OperatoryNum"]],
        "ClinicNum": wanted.operatory["ClinicNum"],
    }
    return staff.add_schedule(office, row)


def slot_of(office: SimulatedOffice, offer: Row) -> Row | None:
    """The schedule row that says when and where; None when staff deleted it."""
    return office.schedules.get(offer["ScheduleNum"])


def offered_row(office: SimulatedOffice, offer: Row) -> Row | None:
    """The appointment or recall that an offer is about; None when it is gone."""
    table = office.recalls if offer["FKeyType"] == "Recall" else office.appointments
    return table.get(offer["FKey"])


def slot_start(office: SimulatedOffice, offer: Row) -> datetime:
    """When the offered slot begins; from the expiry when the schedule row is gone."""
    slot = slot_of(office, offer)
    return rules.schedule_span(slot)[0] if slot else moment(offer["DateTimeExpire"]) - OPEN_DAYS


ASAP_STATUSES = frozenset({"Scheduled", "UnschedList", "Broken", "Planned"})
"""Appointments that the web page can still move."""

_STILL_OPEN = frozenset({"PendingRsvp", "Viewed", "AwaitingTransmit"})


def respond(office: SimulatedOffice, offer: Row, action: str) -> str:
    """Let the patient use the link of an open offer; returns the ResponseStatus that results.

    Raises:
        Refusal: no such action.
    """
    if action not in {"view", "accept", "decline", "stop"}:
        raise Refusal(400, f"A patient can view, accept, decline or stop, not {action!r}.")
    if action == "view":
        offer["ResponseStatus"] = "Viewed" if available(office, offer) else "ViewedNotAvailable"
    elif action == "accept":
        _accept(office, offer)
    else:
        offer["ResponseStatus"] = "Declined" if action == "decline" else "DeclinedStopComm"
    return str(offer["ResponseStatus"])


def available(office: SimulatedOffice, offer: Row) -> bool:
    """Whether the offered slot can still be had by this patient."""
    row, slot = offered_row(office, offer), slot_of(office, offer)
    if row is None or slot is None or slot_start(office, offer) <= office.now:
        return False
    if offer["FKeyType"] == "Recall":
        usable = row["DateScheduled"] == NO_DAY
    else:
        planned = row["AptStatus"] == "Planned"
        scheduled = planned and any(other["NextAptNum"] == row["AptNum"] for other in office.appointments.values())
        usable = row["AptStatus"] in ASAP_STATUSES and not scheduled
    return usable and not rules.slot_taken(office, offer["FKeyType"], row, slot)


def _accept(office: SimulatedOffice, offer: Row) -> None:
    """First come, first served; immediate, without anybody at the office."""
    row, slot = offered_row(office, offer), slot_of(office, offer)
    operatory = office.operatories.get(slot["operatories"][0]) if slot else None
    if row is None or operatory is None or not available(office, offer):
        offer["ResponseStatus"] = "AcceptedAndNotAvailable"
        return
    start = slot_start(office, offer)
    if offer["FKeyType"] == "Recall":
        _book_recall(office, row, operatory, stamp(start))
    elif row["AptStatus"] == "Planned":
        _book_planned(office, row, operatory, stamp(start))
    else:
        _move(office, row, operatory, stamp(start))
    offer["ResponseStatus"] = "AcceptedAndMoved"
    for other in office.asapcomms.values():
        if other is not offer and other["PatNum"] == offer["PatNum"] and other["ResponseStatus"] in _STILL_OPEN:
            other["ResponseStatus"] = "ChoseDifferentSlot"
            if other["SmsSendStatus"] == "SendNotAttempted":
                other["SmsSendStatus"] = "DoNotSend"


def _move(office: SimulatedOffice, row: Row, operatory: Row, when: str) -> None:
    """The same AptNum gets the new place; its old one becomes free."""
    values = rules.placed(office, operatory, moment(when), row) | {
        "AptDateTime": when,
        "AptStatus": "Scheduled",
        "Priority": "Normal",
        **_booked_online(office),
    }
    if moment(when).date() != office.now.date():
        values["Confirmed"] = _first_confirmed(office)
    if row["DateTimeAskedToArrive"] != NO_MOMENT:
        early = moment(row["AptDateTime"]) - moment(row["DateTimeAskedToArrive"])
        values["DateTimeAskedToArrive"] = stamp(moment(when) - early)
    staff.change(office, row, values, source=staff.ECONNECTOR)


def _book_planned(office: SimulatedOffice, planned: Row, operatory: Row, when: str) -> None:
    """A planned appointment stays planned; a new one with another AptNum is made from it."""
    values = {name: value for name, value in planned.items() if name not in {"AptNum", "SecDateTEntry"}}
    values |= rules.placed(office, operatory, moment(when), planned) | {
        "AptDateTime": when,
        "AptStatus": "Scheduled",
        "NextAptNum": planned["AptNum"],
        "Priority": "Normal",
        "Confirmed": _first_confirmed(office),
        "DateTimeAskedToArrive": NO_MOMENT,
        **_booked_online(office),
    }
    staff.book(office, values, source=staff.ECONNECTOR)


def _book_recall(office: SimulatedOffice, recall: Row, operatory: Row, when: str) -> None:
    """A new appointment; the recall is no longer ASAP and knows its date."""
    start = moment(when)
    patient = office.patients.get(recall["PatNum"], {})
    own = patient.get("PriProv") or office.preferred("PracticeDefaultProv")
    values = rules.placed(office, operatory, start, {"ProvNum": own, "ProvHyg": 0}) | {
        "PatNum": recall["PatNum"],
        "AptDateTime": when,
        "Pattern": rules.booked_recall_pattern(office, recall, start.date()),
        "Confirmed": office.preferred("WebSchedRecallConfirmStatus"),
        "ProcDescript": (rules.recall_type(office, recall) or {}).get("Description", ""),
        **_booked_online(office, "Recall"),
    }
    staff.book(office, values, source=staff.ECONNECTOR)
    recall.update(Priority="Normal", DateScheduled=when[:10], DateTStamp=stamp(office.now))


def _booked_online(office: SimulatedOffice, kind: str = "ASAP") -> Row:
    """What /appointments/WebSched shows; an accepted recall offer is logged as Recall."""
    return {"EServiceLogType": kind, "EServiceDate": str(office.now.date())}


def _first_confirmed(office: SimulatedOffice) -> int:
    """The first confirmation status of the office, usually "Not Called"; 0 when it has none."""
    return next((row["DefNum"] for row in office.definitions_of(CONFIRMED_STATUSES)), 0)
