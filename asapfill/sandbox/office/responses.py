"""What a patient's answer on the web page does to the database."""

from __future__ import annotations

from asapfill.sandbox.office import changes, offers, rules
from asapfill.sandbox.office.columns import NO_MOMENT, Row, moment, stamp
from asapfill.sandbox.office.offers import Refusal
from asapfill.sandbox.office.tables import Office

ASAP_STATUSES = frozenset({"Scheduled", "UnschedList", "Broken", "Planned"})
"""Appointments that the web page can still move."""

CONFIRMED_STATUSES = 2
"""The definition category of confirmation statuses."""

_STILL_OPEN = frozenset({"PendingRsvp", "Viewed", "AwaitingTransmit"})


def respond(office: Office, offer: Row, action: str) -> str:
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


def available(office: Office, offer: Row) -> bool:
    """Whether the offered slot can still be had by this patient."""
    row, slot = offers.offered_row(office, offer), offers.slot_of(office, offer)
    if row is None or slot is None or offers.slot_start(office, offer) <= office.now:
        return False
    if offer["FKeyType"] == "Recall":
        usable = row["DateScheduled"] == NO_MOMENT[:10]
    else:
        usable = row["AptStatus"] in ASAP_STATUSES and not scheduled_from(office, row)
    return usable and not rules.slot_taken(office, offer["FKeyType"], row, slot)


def scheduled_from(office: Office, planned: Row) -> bool:
    """Whether a planned appointment has been scheduled: some appointment has its number as NextAptNum."""
    return planned["AptStatus"] == "Planned" and any(
        row["NextAptNum"] == planned["AptNum"] for row in office.appointments.values()
    )


def _accept(office: Office, offer: Row) -> None:
    """First come, first served; immediate, without anybody at the office."""
    row, slot = offers.offered_row(office, offer), offers.slot_of(office, offer)
    operatory = office.operatories.get(slot["operatories"][0]) if slot else None
    if row is None or operatory is None or not available(office, offer):
        offer["ResponseStatus"] = "AcceptedAndNotAvailable"
        return
    start = offers.slot_start(office, offer)
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


def _move(office: Office, row: Row, operatory: Row, when: str) -> None:
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
    changes.change(office, row, values, source=changes.ECONNECTOR)


def _book_planned(office: Office, planned: Row, operatory: Row, when: str) -> None:
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
    changes.book(office, values, source=changes.ECONNECTOR)


def _book_recall(office: Office, recall: Row, operatory: Row, when: str) -> None:
    """A new appointment; the recall is no longer ASAP and knows its date."""
    start = moment(when)
    patient = office.patients.get(recall["PatNum"], {})
    own = patient.get("PriProv") or int(office.preferences.get("PracticeDefaultProv") or 0)
    values = rules.placed(office, operatory, start, {"ProvNum": own, "ProvHyg": 0}) | {
        "PatNum": recall["PatNum"],
        "AptDateTime": when,
        "Pattern": rules.booked_recall_pattern(office, recall, start.date()),
        "Confirmed": int(office.preferences.get("WebSchedRecallConfirmStatus") or 0),
        "ProcDescript": (rules.recall_type(office, recall) or {}).get("Description", ""),
        **_booked_online(office, "Recall"),
    }
    changes.book(office, values, source=changes.ECONNECTOR)
    recall.update(Priority="Normal", DateScheduled=when[:10], DateTStamp=stamp(office.now))


def _booked_online(office: Office, kind: str = "ASAP") -> Row:
    """What /appointments/WebSched shows; an accepted recall offer is logged as Recall."""
    return {"EServiceLogType": kind, "EServiceDate": str(office.now.date())}


def _first_confirmed(office: Office) -> int:
    """The first confirmation status of the office, usually "Not Called"; 0 when it has none."""
    kinds = (row["DefNum"] for row in office.definitions.values() if row["Category"] == CONFIRMED_STATUSES)
    return next(kinds, 0)
