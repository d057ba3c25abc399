"""What a generated office is made of before anybody has an appointment: chairs, people at the chairs, settings, lists.

No times and no patients here: hours and visits are in days.py, appointments in book.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from asapfill.sandbox.office.columns import PERMISSIONS, PREFERENCES, Row

LUNCH, MEETING, HIGH_PRODUCTION, HYGIENE_ONLY, EMERGENCY, ADMIN, RETIRED_BLOCK = range(247, 254)
"""DefNum of the blockout types."""
NOT_CALLED, CONFIRMED, ARRIVED, WEB_SCHED = range(19, 23)
"""DefNum of the appointment confirmation statuses."""
PROPHY, CHILD_PROPHY, PERIO, EXAM = range(1, 5)
"""RecallTypeNum."""
TYPE_HYGIENE, TYPE_CROWN, TYPE_FILLING, TYPE_NEW_PATIENT = range(1, 5)
"""AppointmentTypeNum."""

_CLINIC_NAMES = ("North Side", "South Side", "Riverside", "Hilltop", "Old Town", "Lakeview", "Harbor", "Airport")


@dataclass(frozen=True)
class Chair:
    """One operatory in daily use, with the people who usually work in it (ProvNum; 0: nobody)."""

    op: int
    dentist: int
    hygienist: int
    is_hygiene: bool
    clinic: int

    @property
    def provider(self) -> int:
        """The one whose hours open this chair: the hygienist of a hygiene chair, else the dentist."""
        return self.hygienist if self.is_hygiene else self.dentist


@dataclass(frozen=True)
class Site:
    """A clinic, or the whole office when it has none (``clinic`` 0).

    ``substitute`` is a part-time hygienist who has the first hygiene chair on Wednesdays (0: none).
    ``dynamic`` is the provider whose schedule rows name no operatories (0: none).
    """

    clinic: int
    chairs: tuple[Chair, ...]
    dentists: tuple[int, ...]
    hygienists: tuple[int, ...]
    substitute: int
    dynamic: int

    @property
    def ops(self) -> list[int]:
        """OperatoryNum of all chairs."""
        return [chair.op for chair in self.chairs]


def make_locations(operatories: int, clinics: int) -> list[Site]:
    """Spread the chairs over the clinics and staff them.

    Two of five chairs are for hygiene, each with a hygienist of its own; a dentist runs two chairs. The last dentist
    of the first location has dynamic schedule rows, but never the very first provider, whom
    ScheduleProvUnassigned names: the room without a provider would open with him.
    """
    places = max(1, min(clinics, operatories))
    locations: list[Site] = []
    op = provider = 1
    for index in range(places):
        chairs = operatories // places + (index < operatories % places)
        hygiene = round(chairs * 0.4)
        dentists = tuple(range(provider, provider + (chairs - hygiene + 1) // 2))
        hygienists = tuple(range(dentists[-1] + 1, dentists[-1] + 1 + hygiene))
        provider = dentists[-1] + 1 + hygiene
        substitute = provider if hygiene > 1 else 0
        provider += bool(substitute)
        clinic = index + 1 if clinics else 0
        locations.append(
            Site(
                clinic=clinic,
                chairs=tuple(_chairs(op, chairs - hygiene, dentists, hygienists, clinic)),
                dentists=dentists,
                hygienists=hygienists,
                substitute=substitute,
                dynamic=([*hygienists, *dentists[1:]] or [0])[-1] if index == 0 else 0,
            )
        )
        op += chairs
    return locations


def _chairs(op: int, doctor: int, dentists: tuple[int, ...], hygienists: tuple[int, ...], clinic: int) -> list[Chair]:
    """``doctor`` chairs numbered from ``op``, two to a dentist, then one chair to each hygienist."""
    chairs = [Chair(op + place, dentists[place // 2], 0, is_hygiene=False, clinic=clinic) for place in range(doctor)]
    for place, hygienist in enumerate(hygienists):
        dentist = dentists[place % len(dentists)]
        chairs.append(Chair(op + doctor + place, dentist, hygienist, is_hygiene=True, clinic=clinic))
    return chairs


def operatory_rows(locations: list[Site]) -> list[Row]:
    """The chairs, then an overflow room without provider and a hidden old room, which nobody counts."""
    rows = []
    for chair in (chair for location in locations for chair in location.chairs):
        kind, abbrev = ("Hygiene", "HYG") if chair.is_hygiene else ("Doctor", "OP")
        row = _operatory(chair, f"{kind} {chair.op}", f"{abbrev}-{chair.op}")
        rows.append(row | {"OperatoryType": 301 if chair.is_hygiene else 300})
    first, number = locations[0], len(rows) + 1
    overflow = Chair(number, 0, 0, is_hygiene=False, clinic=first.clinic)
    old = Chair(number + 1, first.dentists[-1], 0, is_hygiene=False, clinic=first.clinic)
    return [
        *rows,
        _operatory(overflow, "Overflow", "OVER"),
        _operatory(old, "Old X-ray room", "OLD") | {"IsHidden": True},
    ]


def _operatory(chair: Chair, name: str, abbrev: str) -> Row:
    return {
        "OperatoryNum": chair.op,
        "OpName": name,
        "Abbrev": abbrev,
        "ItemOrder": chair.op - 1,
        "IsHidden": False,
        "ProvDentist": chair.dentist,
        "ProvHygienist": chair.hygienist,
        "IsHygiene": chair.is_hygiene,
        "ClinicNum": chair.clinic,
    }


def overflow_op(locations: list[Site]) -> int:
    """OperatoryNum of the room without provider."""
    return sum(len(location.chairs) for location in locations) + 1


def provider_rows(locations: list[Site]) -> list[Row]:
    """Dentists and hygienists, and a dentist who left (hidden, deleted, without hours)."""
    rows: list[Row] = []
    for location in locations:
        hygienists = [*location.hygienists, *([location.substitute] if location.substitute else [])]
        rows += [_provider(number, f"DOC{number}", is_hygienist=False) for number in location.dentists]
        rows += [_provider(number, f"HYG{number}", is_hygienist=True) for number in hygienists]
    left = _provider(len(rows) + 1, "OLDDOC", is_hygienist=False)
    return [*rows, {**left, "IsHidden": True, "ProvStatus": "Deleted"}]


def _provider(number: int, abbr: str, *, is_hygienist: bool) -> Row:
    return {
        "ProvNum": number,
        "Abbr": abbr,
        "LName": f"Provider{number}",
        "FName": "Sample",
        "SSN": f"000770{number:03d}",
        "IsSecondary": is_hygienist,
        "IsHidden": False,
        "ProvStatus": "Active",
    }


def clinic_rows(locations: list[Site], since: str) -> list[Row]:
    """One row per clinic, texting contracted at ``since``; none when the office has no clinics."""
    return [
        {
            "ClinicNum": location.clinic,
            "Description": _clinic_name(location.clinic),
            "Abbr": _clinic_name(location.clinic).replace(" ", ""),
            "IsHidden": False,
            "SmsContractDate": since,
        }
        for location in locations
        if location.clinic
    ]


def _clinic_name(number: int) -> str:
    lap, index = divmod(number - 1, len(_CLINIC_NAMES))
    return _CLINIC_NAMES[index] + (f" {lap + 1}" if lap else "")


def definition_rows() -> list[Row]:
    """The five definition categories that matter here; one blockout type is hidden and still in use."""
    by_category = {
        2: [(NOT_CALLED, "Not Called", ""), (CONFIRMED, "Confirmed", ""), (ARRIVED, "Arrived", ""),
            (WEB_SCHED, "Web Sched", "")],
        13: [(141, "Texted", ""), (142, "Mailed Postcard", "")],
        25: [(LUNCH, "Lunch", "NS"), (MEETING, "Staff Meeting", "NS,DC"), (HIGH_PRODUCTION, "High Production", ""),
             (HYGIENE_ONLY, "Hygiene Only", ""), (EMERGENCY, "Emergency", "NS"), (ADMIN, "Admin Time", "NS"),
             (RETIRED_BLOCK, "Sealed Room", "NS")],
        27: [(235, "ApptRelated", "APPT"), (236, "Insurance", ""), (237, "Financial", "FIN"),
             (238, "Recall", "RECALL"), (239, "Misc", "MISC"), (240, "Text", "TEXT")],
        55: [(300, "Doctor", ""), (301, "Hygiene", "")],
    }  # fmt: skip
    return [
        {
            "DefNum": number,
            "ItemName": name,
            "ItemValue": value,
            "Category": category,
            "IsHidden": number == RETIRED_BLOCK,
        }
        for category, items in by_category.items()
        for number, name, value in items
    ]


def recall_type_rows() -> list[Row]:
    """Patterns are in AppointmentTimeIncrement units (10 minutes here); an exam alone has none."""
    names = ("RecallTypeNum", "Description", "DefaultInterval", "TimePattern", "Procedures", "AppendToSpecial")
    types = (
        (PROPHY, "Prophy", "6m1d", "/XXXX/", "D1110", False),
        (CHILD_PROPHY, "Child Prophy", "6m1d", "XXXX", "D1120", False),
        (PERIO, "Perio", "3m1d", "/XXXX/", "D4910", False),
        (EXAM, "Exam", "6m1d", "", "D0120", True),
    )
    return [dict(zip(names, row, strict=True)) for row in types]


def appointment_type_rows() -> list[Row]:
    """Four types; a crown may lie on High Production blocks and on no others (BlockoutTypes: DefNums)."""
    names = ("AppointmentTypeNum", "AppointmentTypeName", "Pattern", "BlockoutTypes")
    types = (
        (TYPE_HYGIENE, "Hygiene", "", ""),
        (TYPE_CROWN, "Crown Prep", "//XXXXXXXX//////", str(HIGH_PRODUCTION)),
        (TYPE_FILLING, "Filling", "/XXXXX////", ""),
        (TYPE_NEW_PATIENT, "New Patient", "//XXXX//////", ""),
    )
    return [dict(zip(names, row, strict=True)) for row in types]


def preferences(locations: list[Site], version: str, since: str) -> dict[str, str]:
    """The preferences that bear on filling openings, as Open Dental writes them."""
    clinics = bool(locations[0].clinic)
    return PREFERENCES | {
        "ProgramVersion": version,
        "PracticeTitle": "Sample Dental",
        "PracticePhone": "5035550100",
        "EasyNoClinics": "0" if clinics else "1",
        "ASAPTextTemplate": "[NameF], we have an opening on [Date] at [Time]. Please call us.",
        "TextingDefaultClinicNum": str(locations[0].clinic),
        "SmsContractDate": "" if clinics else since,
        "ApptSecondaryProviderConsiderOpOnly": "0",
        "RecallDaysPast": "365",
        "RecallDaysFuture": "7",
        "RecallTypesShowingInList": f"{PROPHY},{PERIO}",
        "RecallTypeSpecialProphy": str(PROPHY),
        "RecallTypeSpecialChildProphy": str(CHILD_PROPHY),
        "RecallTypeSpecialPerio": str(PERIO),
        "WebSchedRecallConfirmStatus": str(WEB_SCHED),
        "PatientCommunicationDateFormat": "d",
        "BrokenApptProcedure": "0",
        "BrokenApptCommLog": "0",
        "ReplaceExistingBlockout": "0",
        "ProcessSigsIntervalInSecs": "6",
    }


def permissions() -> dict[str, bool]:
    """What the sandbox's key pair may do: all that asapfill needs, and not everything there is."""
    return dict.fromkeys(PERMISSIONS, True) | {"ApiDocuments": False, "ApiEnterprise": False}
