"""The columns of the simulated database, with what an office file may leave out; and times as text.

Order as the API shows them. A column whose comment begins with "hidden" is one that the API never shows.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

Row = dict[str, Any]
"""One row: Open Dental's column names, native values (tables.py says which)."""

NO_MOMENT = "0001-01-01 00:00:00"
NO_DAY = "0001-01-01"

CONFIRMED_STATUSES, BLOCKOUT_TYPES, COMM_TYPES = 2, 25, 27
"""Definition categories."""

# Formatted by hand: a column on a line of its own would take three screens.
# fmt: off
KEYS = {
    "appointments": "AptNum", "schedules": "ScheduleNum", "operatories": "OperatoryNum", "definitions": "DefNum",
    "clinics": "ClinicNum", "providers": "ProvNum", "recalls": "RecallNum", "recalltypes": "RecallTypeNum",
    "appointmenttypes": "AppointmentTypeNum", "patients": "PatNum", "asapcomms": "AsapCommNum",
    "commlogs": "CommlogNum", "histappointments": "HistApptNum", "signalods": "SignalNum", "labcases": "LabCaseNum",
    "subscriptions": "SubscriptionNum",
}
"""The tables and their primary keys."""

_APPOINTMENT: Row = {
    "AptNum": 0, "PatNum": 0, "AptStatus": "Scheduled", "Pattern": "", "Confirmed": 0, "TimeLocked": False, "Op": 0,
    "Note": "", "ProvNum": 0, "ProvHyg": 0, "AptDateTime": NO_MOMENT, "NextAptNum": 0, "UnschedStatus": 0,
    "IsNewPatient": False, "ProcDescript": "", "ClinicNum": 0, "IsHygiene": False, "DateTStamp": NO_MOMENT,
    "DateTimeArrived": NO_MOMENT, "DateTimeSeated": NO_MOMENT, "DateTimeDismissed": NO_MOMENT, "InsPlan1": 0,
    "InsPlan2": 0, "DateTimeAskedToArrive": NO_MOMENT, "ColorOverride": "0,0,0", "AppointmentTypeNum": 0,
    "SecUserNumEntry": 0, "SecDateTEntry": NO_MOMENT, "Priority": "Normal", "PatternSecondary": "",
    "ItemOrderPlanned": 0,
    "EServiceLogType": "None",  # hidden, but for /appointments/WebSched
    "EServiceDate": NO_DAY,  # hidden: the day on which the patient booked online
}

DEFAULTS: dict[str, Row] = {
    "appointments": _APPOINTMENT,
    "schedules": {
        "ScheduleNum": 0, "SchedDate": NO_DAY, "StartTime": "00:00:00", "StopTime": "00:00:00",
        "SchedType": "Provider", "ProvNum": 0, "BlockoutType": 0, "Note": "", "operatories": [], "EmployeeNum": 0,
        "DateTStamp": NO_MOMENT,
        "Status": "Open",  # hidden: Open, Closed, Holiday
        "ClinicNum": 0,  # hidden
    },
    "operatories": {
        "OperatoryNum": 0, "OpName": "", "Abbrev": "", "ItemOrder": 0, "IsHidden": False, "ProvDentist": 0,
        "ProvHygienist": 0, "IsHygiene": False, "ClinicNum": 0, "SetProspective": False, "IsWebSched": False,
        "OperatoryType": 0,
    },
    "definitions": {"DefNum": 0, "ItemName": "", "ItemValue": "", "Category": 0, "IsHidden": False},
    "clinics": {
        "ClinicNum": 0, "Description": "", "Address": "", "Address2": "", "City": "", "State": "", "Zip": "",
        "BillingAddress": "", "BillingAddress2": "", "BillingCity": "", "BillingState": "", "BillingZip": "",
        "PayToAddress": "", "PayToAddress2": "", "PayToCity": "", "PayToState": "", "PayToZip": "", "Phone": "",
        "Abbr": "", "IsHidden": False,
        "SmsContractDate": "2020-01-01",  # hidden: texting is enabled when set
    },
    "providers": {
        "ProvNum": 0, "Abbr": "", "LName": "", "FName": "", "MI": "", "Suffix": "", "FeeSched": 0, "Specialty": 0,
        "SSN": "", "StateLicense": "", "IsSecondary": False, "ProvColor": "203,151,255", "IsHidden": False,
        "UsingTIN": False, "SigOnFile": False, "NationalProvID": "", "DateTStamp": NO_MOMENT, "IsNotPerson": False,
        "ProvStatus": "Active", "IsHiddenReport": False, "Birthdate": NO_DAY, "SchedNote": "", "PreferredName": "",
        "ClinicNums": [],  # hidden: the clinics that the provider is restricted to; empty: all
    },
    "recalls": {
        "RecallNum": 0, "PatNum": 0, "DateDue": NO_DAY, "DatePrevious": NO_DAY, "RecallInterval": "6m1d",
        "RecallStatus": 0, "Note": "", "IsDisabled": False, "DateTStamp": NO_MOMENT, "RecallTypeNum": 0,
        "DisableUntilBalance": 0.0, "DisableUntilDate": NO_DAY, "DateScheduled": NO_DAY, "Priority": "Normal",
        "TimePatternOverride": "",
    },
    "recalltypes": {
        "RecallTypeNum": 0, "Description": "", "DefaultInterval": "6m1d", "TimePattern": "", "Procedures": "",
        "AppendToSpecial": False,
    },
    "appointmenttypes": {
        "AppointmentTypeNum": 0, "AppointmentTypeName": "", "AppointmentTypeColor": "0,0,0", "IsHidden": False,
        "Pattern": "", "CodeStr": "", "CodeStrRequired": "", "RequiredProcCodesNeeded": "None",
        "BlockoutTypes": "",  # comma-separated DefNums, as the database keeps them; the API shows names
    },
    "patients": {
        "PatNum": 0, "LName": "", "FName": "", "MiddleI": "", "Preferred": "", "PatStatus": "Patient",
        "Gender": "Unknown", "Position": "Single", "Birthdate": NO_DAY, "SSN": "", "Address": "", "Address2": "",
        "City": "", "State": "", "Zip": "", "HmPhone": "", "WkPhone": "", "WirelessPhone": "", "Guarantor": 0,
        "Email": "", "EstBalance": 0.0, "PriProv": 0, "SecProv": 0, "FeeSched": 0, "BillingType": "Standard Account",
        "ImageFolder": "", "FamFinUrgNote": "", "ChartNumber": "", "MedicaidID": "", "BalTotal": 0.0,
        "EmployerNum": 0, "DateFirstVisit": NO_DAY, "ClinicNum": 0, "Premed": False, "Ward": "",
        "PreferConfirmMethod": "None", "PreferContactMethod": "None", "PreferRecallMethod": "None", "Language": "",
        "AdmitDate": NO_DAY, "DateTStamp": NO_MOMENT, "SuperFamily": 0, "TxtMsgOk": "Unknown", "SecDateEntry": NO_DAY,
        "OptedOut": False,  # hidden: has an opt-out of automated messages (table commoptout)
        "SmsFails": False,  # hidden: the carrier refuses texts to this phone
    },
    "asapcomms": {
        "AsapCommNum": 0, "FKey": 0, "FKeyType": "None", "ScheduleNum": 0, "PatNum": 0, "ClinicNum": 0,
        "DateTimeEntry": NO_MOMENT, "DateTimeExpire": NO_MOMENT, "DateTimeSmsScheduled": NO_MOMENT,
        "SmsSendStatus": "Undefined", "DateTimeSmsSent": NO_MOMENT, "ResponseStatus": "UnableToSend",
        "DateTimeOrig": NO_MOMENT, "TemplateText": "", "Note": "",
    },
    "commlogs": {
        "CommlogNum": 0, "PatNum": 0, "CommDateTime": NO_MOMENT, "CommType": 0, "Note": "", "Mode_": "Phone",
        "SentOrReceived": "Sent", "UserNum": 0, "DateTStamp": NO_MOMENT, "CommSource": "User", "ProgramNum": 0,
        "DateTEntry": NO_MOMENT, "ReferralNum": 0,
    },
    "histappointments": {
        "HistApptNum": 0, "HistUserNum": 0, "HistDateTStamp": NO_MOMENT, "HistApptAction": "Changed",
        "ApptSource": "None", **_APPOINTMENT,
    },
    "signalods": {
        "SignalNum": 0, "DateViewing": NO_DAY, "SigDateTime": NO_MOMENT, "FKey": 0, "FKeyType": "Undefined",
        "IType": "Appointment", "RemoteRole": "ClientDirect", "MsgValue": "",
    },
    "labcases": {
        "LabCaseNum": 0, "PatNum": 0, "LaboratoryNum": 0, "AptNum": 0, "PlannedAptNum": 0, "DateTimeDue": NO_MOMENT,
        "DateTimeCreated": NO_MOMENT, "DateTimeSent": NO_MOMENT, "DateTimeRecd": NO_MOMENT,
        "DateTimeChecked": NO_MOMENT, "ProvNum": 0, "Instructions": "", "LabFee": 0.0, "DateTStamp": NO_MOMENT,
        "InvoiceNum": "",
    },
    "subscriptions": {
        "SubscriptionNum": 0, "EndPointUrl": "", "Workstation": "", "CustomerKey": "", "WatchTable": "",
        "PollingSeconds": 0, "UiEventType": "", "DateTimeStart": NO_MOMENT, "DateTimeStop": NO_MOMENT, "Note": "",
    },
}

PREFERENCES = {
    "ProgramVersion": "",  # filled from the office's version
    "EasyNoClinics": "1", "AppointmentTimeIncrement": "10", "WebSchedAsapEnabled": "1", "WebSchedAsapTextLimit": "2",
    "WebSchedAsapTextTemplate": "[NameF], an appointment opening has become available on [Date] at [Time]"
    " at [OfficeName]. Visit [AsapURL] to reserve it.",
    "AutomaticCommunicationTimeStart": "01-01-0001 07:00:00", "AutomaticCommunicationTimeEnd": "01-01-0001 22:00:00",
    "TextMsgOkStatusTreatAsNo": "0", "TextingDefaultClinicNum": "0", "SmsContractDate": "2020-01-01",
    "ScheduleProvUnassigned": "1", "PracticeDefaultProv": "1", "PracticeTitle": "Sandbox Dental",
    "PracticePhone": "5555550100", "ApptsAllowOverlap": "1", "ApptAutoRefreshRange": "4",
    "AppointmentSearchBehavior": "0", "AppointmentWithoutProcsDefaultLength": "30", "RecallAgeAdult": "12",
    "RecallTypeSpecialProphy": "0", "RecallTypeSpecialChildProphy": "0", "RecallTypeSpecialPerio": "0",
    "WebSchedRecallConfirmStatus": "0", "AsapPromptEnabled": "1", "AutoCommUnder18SendToGuarantor": "0",
}
"""Preferences of an office that uses Web Sched ASAP, where the office file does not say otherwise."""
# fmt: on

PERMISSIONS = ("ApiReadAll", "ApiComm", "ApiAppointments", "ApiAllOthers", "ApiTextingASAP")
"""What a key pair may do where the office file does not say otherwise; ``ApiEnterprise`` is not part of it."""


def moment(text: str) -> datetime:
    """The moment that a column's text means (naive office wall-clock)."""
    return datetime.fromisoformat(text)


def stamp(value: datetime) -> str:
    """A moment as a column keeps it, cut to whole seconds."""
    return value.isoformat(" ", "seconds")[:19]


def day_of(text: str) -> date:
    """The day of a day or moment text."""
    return date.fromisoformat(text[:10])
