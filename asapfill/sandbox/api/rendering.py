"""How rows look in the API's JSON: which fields in which order, and the oddities of single resources.

Booleans are text everywhere (``"true"``; ``"True"`` in /appointments/WebSched), all numbers of /schedules are text, as
is ``CommType``; line breaks in stored text come out as blanks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asapfill.sandbox.office.columns import DEFAULTS, Row, stamp
from asapfill.sandbox.office.tables import SimulatedOffice

_CATEGORIES = {
    2: "ApptConfirmed",
    13: "RecallUnschedStatus",
    25: "BlockoutTypes",
    27: "CommLogTypes",
    55: "OperatoryTypes",
}

_APPOINTMENT = """
    AptNum PatNum AptStatus Pattern Confirmed confirmed TimeLocked Op Note ProvNum provAbbr ProvHyg
    AptDateTime NextAptNum UnschedStatus unschedStatus IsNewPatient ProcDescript ClinicNum IsHygiene
    DateTStamp DateTimeArrived DateTimeSeated DateTimeDismissed InsPlan1 InsPlan2 DateTimeAskedToArrive
    colorOverride AppointmentTypeNum SecUserNumEntry SecDateTEntry Priority PatternSecondary ItemOrderPlanned
"""
_PATIENT = """
    PatNum LName FName MiddleI Preferred PatStatus Gender Position Birthdate SSN Address Address2 City State
    Zip HmPhone WkPhone WirelessPhone Guarantor Email EstBalance PriProv priProvAbbr SecProv secProvAbbr
    FeeSched BillingType ImageFolder FamFinUrgNote ChartNumber MedicaidID BalTotal EmployerNum DateFirstVisit
    ClinicNum clinicAbbr Premed Ward PreferConfirmMethod PreferContactMethod PreferRecallMethod Language
    AdmitDate siteDesc DateTStamp SuperFamily TxtMsgOk SecDateEntry
"""

_FIELDS = {
    "appointments": f"serverDateTime {_APPOINTMENT}",
    "websched": """
        AptNum PatNum AptStatus Pattern Confirmed confirmed Op Note ProvNum provAbbr ProvHyg AptDateTime
        NextAptNum UnschedStatus unschedStatus ProcDescript ClinicNum IsHygiene DateTStamp DateTimeArrived
        DateTimeSeated DateTimeDismissed AppointmentTypeNum eServiceLogType serverDateTime
    """,
    "schedules": """
        ScheduleNum SchedDate StartTime StopTime SchedType ProvNum BlockoutType blockoutType Note operatories
        EmployeeNum DateTStamp
    """,
    "operatories": """
        OperatoryNum OpName Abbrev ItemOrder IsHidden ProvDentist ProvHygienist IsHygiene ClinicNum
        SetProspective IsWebSched OperatoryType operatoryType
    """,
    "definitions": "DefNum ItemName ItemValue Category category isHidden",
    "clinics": " ".join(name for name in DEFAULTS["clinics"] if name != "SmsContractDate"),
    "providers": """
        ProvNum Abbr LName FName MI Suffix FeeSched Specialty SSN StateLicense IsSecondary provColor IsHidden
        UsingTIN SigOnFile NationalProvID DateTStamp IsNotPerson ProvStatus IsHiddenReport Birthdate SchedNote
        PreferredName serverDateTime
    """,
    "recalls": """
        RecallNum PatNum DateDue DatePrevious RecallInterval RecallStatus recallStatus Note IsDisabled
        DateTStamp RecallTypeNum DisableUntilBalance DisableUntilDate DateScheduled Priority
        TimePatternOverride
    """,
    "recalltypes": " ".join(DEFAULTS["recalltypes"]),
    "appointmenttypes": """
        AppointmentTypeNum AppointmentTypeName appointmentTypeColor IsHidden Pattern CodeStr CodeStrRequired
        RequiredProcCodesNeeded BlockoutTypes
    """,
    "patient": _PATIENT,
    "patients simple": f"serverDateTime {_PATIENT}",
    "patients": """
        PatNum LName FName MiddleI Preferred PatStatus Birthdate Address City State Zip HmPhone WkPhone
        WirelessPhone Email PriProv ClinicNum clinicAbbr
    """,
    "asapcomms": " ".join(DEFAULTS["asapcomms"]),
    "commlogs": """
        CommlogNum PatNum CommDateTime CommType commType Note Mode_ SentOrReceived UserNum DateTStamp
        CommSource ProgramNum DateTEntry ReferralNum
    """,
    "histappointments": f"HistApptNum HistUserNum HistDateTStamp HistApptAction ApptSource {_APPOINTMENT}",
    "signalods": f"{' '.join(DEFAULTS['signalods'])} serverDateTime",
    "labcases": " ".join(DEFAULTS["labcases"]),
    "subscriptions": " ".join(DEFAULTS["subscriptions"]),
}
"""Fields by shape, in the order of the API's own samples, blank-separated."""


def render(office: SimulatedOffice, shape: str, row: Row) -> Row:
    """One row as the API shows it."""
    shown = {name: _plain(derive(office, row) if derive else row[name]) for name, derive in _PLANS[shape]}
    if shape == "schedules" and not office.at_least(24, 4):  # the column came to the API after 24.3
        del shown["DateTStamp"]
    return shown


def _plain(value: Any) -> Any:  # noqa: ANN401 - a JSON value
    if isinstance(value, str):
        return value.replace("\r\n", " ").replace("\n", " ") if "\n" in value else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _definition(column: str) -> Callable[[SimulatedOffice, Row], str]:
    """The ItemName of the definition that a column points to."""
    return lambda office, row: office.definitions.get(row[column], {}).get("ItemName", "")


def _provider(column: str) -> Callable[[SimulatedOffice, Row], str]:
    return lambda office, row: office.providers.get(row[column], {}).get("Abbr", "")


def _column(column: str) -> Callable[[SimulatedOffice, Row], Any]:
    return lambda _office, row: row[column]


def _text(column: str) -> Callable[[SimulatedOffice, Row], str]:
    return lambda _office, row: str(row[column])


def _blockout_names(office: SimulatedOffice, row: Row) -> str:
    """The API shows the names of permitted blockout types where the database keeps numbers."""
    numbers = [int(number) for number in row["BlockoutTypes"].split(",") if number.strip()]
    return ",".join(office.definitions.get(number, {}).get("ItemName", str(number)) for number in numbers)


def _zip_number(_office: SimulatedOffice, row: Row) -> int | str:
    """Zip is a number in /patients and text in /patients/{n}."""
    return int(row["Zip"]) if row["Zip"].isdigit() else row["Zip"]


_DERIVED: dict[str, Callable[[SimulatedOffice, Row], Any]] = {
    "serverDateTime": lambda office, _row: stamp(office.now),
    "confirmed": _definition("Confirmed"),
    "unschedStatus": _definition("UnschedStatus"),
    "recallStatus": _definition("RecallStatus"),
    "blockoutType": _definition("BlockoutType"),
    "operatoryType": _definition("OperatoryType"),
    "commType": _definition("CommType"),
    "provAbbr": _provider("ProvNum"),
    "priProvAbbr": _provider("PriProv"),
    "secProvAbbr": _provider("SecProv"),
    "clinicAbbr": lambda office, row: office.clinics.get(row["ClinicNum"], {}).get("Abbr", ""),
    "siteDesc": lambda _office, _row: "",
    "colorOverride": _column("ColorOverride"),
    "provColor": _column("ProvColor"),
    "appointmentTypeColor": _column("AppointmentTypeColor"),
    "isHidden": _column("IsHidden"),
    "eServiceLogType": _column("EServiceLogType"),
    "category": lambda _office, row: _CATEGORIES.get(row["Category"], ""),
    "operatories": lambda _office, row: ",".join(str(number) for number in row["operatories"]),
    "appointmenttypes.BlockoutTypes": _blockout_names,
    "commlogs.CommType": _text("CommType"),
    "patients.Zip": _zip_number,
    "websched.IsHygiene": lambda _office, row: str(row["IsHygiene"]),
    **{f"schedules.{name}": _text(name) for name in ("ScheduleNum", "ProvNum", "BlockoutType", "EmployeeNum")},
}

_PLANS: dict[str, list[tuple[str, Callable[[SimulatedOffice, Row], Any] | None]]] = {
    shape: [(name, _DERIVED.get(f"{shape}.{name}") or _DERIVED.get(name)) for name in names.split()]
    for shape, names in _FIELDS.items()
}
"""What to show per shape: the column itself, or what is derived for it."""
