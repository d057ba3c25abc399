"""``POST /asapcomms``: what Open Dental refuses, and the two rows it writes otherwise. It does not de-duplicate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from asapfill.sandbox.office import changes, rules, texting
from asapfill.sandbox.office.columns import NO_MOMENT, Row, moment, stamp
from asapfill.sandbox.office.tables import Office

OPEN_DAYS = timedelta(days=7)
"""A link stays usable until this long after the slot began, to tell the patient that it is gone."""

_KEY_TYPES = {"Scheduled": "ScheduledAppt", "UnschedList": "UnscheduledAppt", "Broken": "Broken"}
"""FKeyType by AptStatus; every other status falls back to PlannedAppt."""


class Refusal(Exception):  # noqa: N818 - an answer of Open Dental, not an error of ours
    """Open Dental says no: a status and an explaining sentence. Nothing was written."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        self.text = text
        super().__init__(text)


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


def create(office: Office, body: Row) -> Row:
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


def _wanted(office: Office, body: Row) -> Wanted:
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


def read_moment(text: object, name: str) -> datetime:
    """A ``yyyy-MM-dd HH:mm:ss`` input. Raises Refusal naming the field."""
    try:
        found = datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S")
    except ValueError as error:
        raise Refusal(400, f"{name} format must be yyyy-MM-dd HH:mm:ss.") from error
    if stamp(found) != text:  # such as 2026-4-14 9:00:00
        raise Refusal(400, f"{name} format must be yyyy-MM-dd HH:mm:ss.")
    return found


def _whole(body: Row, name: str) -> int | None:
    """A whole number of the body; None when it is absent."""
    value: Any = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise Refusal(400, f"{name} is invalid.")
    return value


def _write(office: Office, wanted: Wanted) -> Row:
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
    schedule = _slot(office, wanted, texts=0 if reason is not None else 1)
    return office.insert("asapcomms", {**offer, "ScheduleNum": schedule["ScheduleNum"]})


def _slot(office: Office, wanted: Wanted, *, texts: int) -> Row:
    """The informational schedule row; Open Dental makes it also for an offer that is not sent."""
    last = datetime.combine(wanted.start.date(), time(23, 59, 59))
    words = f"{texts} text{'' if texts == 1 else 's'} to be sent\r\n0 emails to be sent"
    return changes.add_schedule(
        office,
        {
            "SchedDate": str(wanted.start.date()),
            "StartTime": f"{wanted.start:%H:%M:%S}",
            "StopTime": f"{min(wanted.end, last):%H:%M:%S}",
            "SchedType": "WebSchedASAP",
            "Note": words,
            "operatories": [wanted.operatory["OperatoryNum"]],
            "ClinicNum": wanted.operatory["ClinicNum"],
        },
    )


def slot_of(office: Office, offer: Row) -> Row | None:
    """The schedule row that says when and where; None when staff deleted it."""
    return office.schedules.get(offer["ScheduleNum"])


def offered_row(office: Office, offer: Row) -> Row | None:
    """The appointment or recall that an offer is about; None when it is gone."""
    table = office.recalls if offer["FKeyType"] == "Recall" else office.appointments
    return table.get(offer["FKey"])


def slot_start(office: Office, offer: Row) -> datetime:
    """When the offered slot begins; from the expiry when the schedule row is gone."""
    slot = slot_of(office, offer)
    return rules.schedule_span(slot)[0] if slot else moment(offer["DateTimeExpire"]) - OPEN_DAYS
