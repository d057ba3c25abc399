"""Whether and when Open Dental texts a patient about an opening: ``ShouldSendText`` in its known order, and the window.

All moments are naive office wall-clock.
"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from asapfill.sandbox.office.columns import NO_DAY, Row
from asapfill.sandbox.office.tables import SimulatedOffice

MINUTES_BEFORE = 30
"""Open Dental's constant TextMinMinutesBefore (the manual says 20, the source 30). Exactly 30 is allowed."""

TEN_DIGITS = 10


def send_time(office: SimulatedOffice, now: datetime) -> datetime:
    """When a text made now may go out: now, or when the window of automatic communication next opens."""
    opens = preference_time(office.preferences.get("AutomaticCommunicationTimeStart", ""))
    closes = preference_time(office.preferences.get("AutomaticCommunicationTimeEnd", ""))
    if opens == closes:  # Open Dental: equal values mean no restriction
        return now
    if now.time() < opens:
        return datetime.combine(now.date(), opens)
    if now.time() > closes:
        return datetime.combine(now.date() + timedelta(days=1), opens)
    return now


def preference_time(text: str) -> time:
    """The time of day in a preference such as ``01-01-0001 07:00:00`` or ``1/1/0001 7:00:00 AM``; else midnight."""
    found = re.search(r"(\d{1,2}):(\d\d)(?::(\d\d))?\s*([AaPp][Mm])?", text)
    if not found:
        return time(0)
    hour = int(found[1])
    if found[4]:
        hour = hour % 12 + (12 if found[4].lower() == "pm" else 0)
    return time(hour, int(found[2]), int(found[3] or 0))


def why_not_texted(office: SimulatedOffice, offer: Row, start: datetime, when: datetime) -> str | None:
    """ShouldSendText: the Note of the first reason not to send, "" for a reason without words; None: send.

    Args:
        office: The database, without the new offer.
        offer: FKey, FKeyType, PatNum and ClinicNum (of the operatory) of the new offer.
        start: When the offered slot begins.
        when: When the text would go out.
    """
    patient = office.patients.get(offer["PatNum"])
    if patient is None:
        return ""
    if _asked_to_stop(office, offer):
        about = "recall" if offer["FKeyType"] == "Recall" else "appointment"
        return f"Not sending text because this patient has requested to not be texted or emailed about this {about}."
    limit = office.preferences.get("WebSchedAsapTextLimit", "").strip()
    if limit.isdigit() and texts_on(office, offer["PatNum"], when) >= int(limit):
        return f"Not sending text because this patient has received {limit} texts today."
    if when < start and start - when < timedelta(minutes=MINUTES_BEFORE):
        return (
            f"Not sending text because the text would be sent less than {MINUTES_BEFORE} minutes before the time slot."
        )
    if when > start:
        return "Not sending text because the text would be sent after the time slot."
    return _why_not_textable(office, patient, offer["ClinicNum"])


def texts_on(office: SimulatedOffice, patient: int, when: datetime) -> int:
    """The patient's ASAP texts that count for a day: queued for it, or sent successfully on it."""
    day = str(when.date())
    return sum(
        (row["SmsSendStatus"] == "SendNotAttempted" and row["DateTimeSmsScheduled"].startswith(day))
        or (row["SmsSendStatus"] == "SendSuccessful" and row["DateTimeSmsSent"].startswith(day))
        for row in office.asapcomms.values()
        if row["PatNum"] == patient
    )


def valid_phone(text: str) -> bool:
    """A US or Canadian number: ten digits, or eleven with a leading 1."""
    digits = re.sub(r"\D", "", text)
    return len(digits) == TEN_DIGITS or (len(digits) == TEN_DIGITS + 1 and digits.startswith("1"))


def template(office: SimulatedOffice, operatory: Row, start: datetime) -> str:
    """The text with date, time and office filled in; ``[NameF]`` and ``[AsapURL]`` stay until sending."""
    clinic = office.clinics.get(operatory["ClinicNum"])
    name = clinic["Description"] if clinic else office.preferences.get("PracticeTitle", "")
    phone = clinic["Phone"] if clinic else office.preferences.get("PracticePhone", "")
    text = office.preferences.get("WebSchedAsapTextTemplate", "")
    clock = f"{start.hour % 12 or 12}:{start:%M} {start:%p}"
    tags = {"[Date]": f"{start:%m/%d/%Y}", "[Time]": clock, "[OfficeName]": name, "[OfficePhone]": phone}
    for tag, value in tags.items():
        text = text.replace(tag, value)
    return text


def _asked_to_stop(office: SimulatedOffice, offer: Row) -> bool:
    """A DeclinedStopComm for the same key and key type: by appointment or recall, not by patient."""
    return any(
        row["ResponseStatus"] == "DeclinedStopComm"
        and (row["FKey"], row["FKeyType"]) == (offer["FKey"], offer["FKeyType"])
        for row in office.asapcomms.values()
    )


def _why_not_textable(office: SimulatedOffice, patient: Row, clinic: int) -> str | None:
    """The first reason why this patient cannot be texted by the clinic of the operatory."""
    consent = patient["TxtMsgOk"]
    refusing = {"No", "Unknown"} if office.preferences.get("TextMsgOkStatusTreatAsNo") == "1" else {"No"}
    reasons = (
        (not _texting_enabled(office, clinic), "texting is not enabled for this clinic."),
        (consent in refusing, "this patient is set to not receive texts."),
        (not patient["WirelessPhone"].strip(), "this patient does not have a wireless phone entered."),
        (not valid_phone(patient["WirelessPhone"]), "this patient's wireless phone is not valid."),
        (patient["PatStatus"] == "Deceased", "this patient is not able to receive texts."),
        (patient["OptedOut"], "the patient has opted out of automated messaging."),
    )
    return next((f"Not sending text because {reason}" for found, reason in reasons if found), None)


def _texting_enabled(office: SimulatedOffice, clinic: int) -> bool:
    """Whether the sending clinic has a texting contract (the practice's own when clinics are off)."""
    if not office.clinics_on:
        return office.preferences.get("SmsContractDate", "") not in {"", NO_DAY}
    number = clinic or office.preferred("TextingDefaultClinicNum")
    row = office.clinics.get(number)
    return row is not None and row["SmsContractDate"] not in {"", NO_DAY}
