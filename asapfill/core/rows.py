"""Open Dental's rows as asapfill keeps them: frozen, typed, and without what asapfill has no use for.

Attribute names are Open Dental's column names in snake_case (``AptDateTime`` → ``apt_date_time``). Names, addresses,
notes and SSNs are dropped here, at the edge; the few exceptions say why.
Reading is tolerant, because the API is not uniform, and enumerations may grow. A value that cannot be read takes its
default, and its Open Dental name is listed in ``unreadable``, so that the row is taken as occupying and never as free.
All date-times are naive office wall-clock times. How single values are read is in ``values``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from enum import StrEnum
from typing import Any, ClassVar, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_pascal

from asapfill.core.values import Amount, Day, Flag, Moment, Names, Number, Numbers, Text, TimeOfDay


class AptStatus(StrEnum):
    """Appointment statuses that asapfill knows; a row may carry others (Open Dental: enum ApptStatus)."""

    SCHEDULED = "Scheduled"
    COMPLETE = "Complete"
    UNSCHEDULED = "UnschedList"
    BROKEN = "Broken"
    PLANNED = "Planned"
    NOTE = "PtNote"
    NOTE_COMPLETED = "PtNoteCompleted"


class SchedType(StrEnum):
    """Kinds of schedule rows (Open Dental: enum ScheduleType)."""

    PRACTICE = "Practice"
    PROVIDER = "Provider"
    BLOCKOUT = "Blockout"
    EMPLOYEE = "Employee"
    WEB_SCHED_ASAP = "WebSchedASAP"


class SmsSendStatus(StrEnum):
    """What became of the text itself (Open Dental: enum AutoCommStatus)."""

    DO_NOT_SEND = "DoNotSend"
    NOT_ATTEMPTED = "SendNotAttempted"
    SUCCESSFUL = "SendSuccessful"
    FAILED = "SendFailed"
    AWAITING_RECEIPT = "SentAwaitingReceipt"


class ResponseStatus(StrEnum):
    """What the patient did with the link (Open Dental: enum AsapRSVPStatus)."""

    UNABLE_TO_SEND = "UnableToSend"
    AWAITING_TRANSMIT = "AwaitingTransmit"
    PENDING = "PendingRsvp"
    VIEWED = "Viewed"
    VIEWED_NOT_AVAILABLE = "ViewedNotAvailable"
    ACCEPTED = "AcceptedAndMoved"
    ACCEPTED_NOT_AVAILABLE = "AcceptedAndNotAvailable"
    DECLINED = "Declined"
    CHOSE_DIFFERENT_SLOT = "ChoseDifferentSlot"
    EXPIRED = "Expired"
    FAILED = "Failed"
    DECLINED_STOP = "DeclinedStopComm"


class FKeyType(StrEnum):
    """What an AsapComm's FKey points to, as it was when the row was made (Open Dental: enum AsapCommFKeyType)."""

    SCHEDULED = "ScheduledAppt"
    UNSCHEDULED = "UnscheduledAppt"
    PLANNED = "PlannedAppt"
    RECALL = "Recall"
    BROKEN = "Broken"


ASAP = "ASAP"
"""The ``Priority`` of what is on the ASAP list."""


AnyRow = TypeVar("AnyRow", bound=BaseModel)
_UNTOLD: Final[set[str]] = set()


def _lean(row: AnyRow) -> AnyRow:
    """The row without pydantic's note of which columns were given: nobody asks, and it is half of a row's memory."""
    object.__setattr__(row, "__pydantic_fields_set__", _UNTOLD)
    return row


class Row(BaseModel):
    """One row of an Open Dental table."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_pascal, populate_by_name=True)
    key: ClassVar[str] = ""
    """Open Dental's name of the primary key, as in the JSON; empty when the rows have none."""
    needed: ClassVar[frozenset[str]] = frozenset()
    """Columns without which a row would mislead: when they are missing or null, they count as unreadable.

    An appointment without ``Op`` must not look as if it occupied nothing, a recall without ``DateScheduled`` not as if
    it were free to be offered. The primary key is always needed.
    """
    names: ClassVar[Mapping[str, str]] = {}
    """Open Dental's name of each column → its attribute here."""

    unreadable: frozenset[str] = Field(default=frozenset(), alias="asapfill.unreadable")
    """Open Dental's names of values that are missing though needed, or make no sense; they hold their defaults."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401  as pydantic declares it
        """Work out once per table what every row would ask for."""
        super().__pydantic_init_subclass__(**kwargs)
        columns = {field.alias or name: name for name, field in cls.model_fields.items() if name != "unreadable"}
        cls.names = columns
        if cls.key:
            cls.needed |= {cls.key}

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> Self:
        """Read one JSON object; values that make no sense are named in ``unreadable``.

        Raises nothing for odd values: that is what ``unreadable`` is for.
        """
        columns = {name: raw[name] for name in cls.names if name in raw}
        bad = {name for name in cls.needed if columns.get(name) is None}
        try:
            return _lean(cls.model_validate({**columns, "asapfill.unreadable": frozenset(bad)}))
        except ValidationError as error:
            bad |= {str(problem["loc"][0]) for problem in error.errors(include_url=False, include_input=False)}
        good = {name: value for name, value in columns.items() if name not in bad}
        return _lean(cls.model_validate({**good, "asapfill.unreadable": frozenset(bad)}))

    @property
    def identity(self) -> int | str | None:
        """The primary key; None when there is none or it could not be read, so that such rows are never merged."""
        return (getattr(self, self.names[self.key]) or None) if self.key else None

    @property
    def number(self) -> int:
        """The primary key as a number; 0 when there is none or it could not be read."""
        identity = self.identity
        return identity if isinstance(identity, int) else 0


class Appointment(Row):
    """``/appointments`` and its relatives. ``pattern``: one character is 5 minutes, always."""

    key = "AptNum"
    needed = frozenset({"PatNum", "AptStatus", "Op", "AptDateTime", "ClinicNum", "ProvNum"})

    apt_num: Number = 0
    pat_num: Number = 0
    apt_status: Text = ""
    pattern: Text = ""
    op: Number = 0
    prov_num: Number = 0
    prov_hyg: Number = 0
    is_hygiene: Flag = False
    apt_date_time: Moment = None
    next_apt_num: Number = 0
    clinic_num: Number = 0
    appointment_type_num: Number = 0
    priority: Text = ""
    date_t_stamp: Moment = None


class HistAppointment(Appointment):
    """``/histappointments``: an appointment as one change left it. May carry nothing but the AptNum."""

    key = "HistApptNum"
    needed = frozenset({"AptNum"})

    hist_appt_num: Number = 0
    hist_date_t_stamp: Moment = None
    hist_appt_action: Text = ""


class Slot(Row):
    """``/appointments/Slots``: a free stretch as Open Dental's simple search sees it. Has no primary key."""

    needed = frozenset({"DateTimeStart", "DateTimeEnd", "OpNum"})

    date_time_start: Moment = None
    date_time_end: Moment = None
    prov_num: Number = 0
    op_num: Number = 0


class Schedule(Row):
    """``/schedules``: a provider's hours, a blockout, a practice note or holiday, or a Web Sched ASAP block."""

    key = "ScheduleNum"
    needed = frozenset({"SchedDate", "StartTime", "StopTime", "SchedType", "operatories"})

    schedule_num: Number = 0
    sched_date: Day = None
    start_time: TimeOfDay = time(0)
    stop_time: TimeOfDay = time(0)
    sched_type: Text = ""
    prov_num: Number = 0
    blockout_type: Number = 0
    operatories: Numbers = Field(default=(), alias="operatories")
    date_t_stamp: Moment = None


class Operatory(Row):
    """``/operatories``, hidden ones included. Its names are kept: the office manager's policy uses them."""

    key = "OperatoryNum"
    needed = frozenset({"IsHidden", "ClinicNum"})

    operatory_num: Number = 0
    op_name: Text = ""
    abbrev: Text = ""
    is_hidden: Flag = False
    prov_dentist: Number = 0
    prov_hygienist: Number = 0
    is_hygiene: Flag = False
    clinic_num: Number = 0
    set_prospective: Flag = False


class Definition(Row):
    """``/definitions``: for asapfill blockout types (category 25) and commlog types (27)."""

    key = "DefNum"

    def_num: Number = 0
    item_name: Text = ""
    item_value: Text = ""
    category: Number = 0
    is_hidden: Flag = Field(default=False, alias="isHidden")


class Preference(Row):
    """``/preferences``: one setting of the office, always text."""

    key = "PrefNum"

    pref_num: Number = 0
    pref_name: Text = ""
    value_string: Text = ""


class Clinic(Row):
    """``/clinics``: the visible ones. No rows at all: the office does not use clinics."""

    key = "ClinicNum"

    clinic_num: Number = 0
    description: Text = ""
    abbr: Text = ""
    is_hidden: Flag = False


class Provider(Row):
    """``/providers``: ``is_secondary`` means hygienist. Only the abbreviation is kept of the name."""

    key = "ProvNum"

    prov_num: Number = 0
    abbr: Text = ""
    is_secondary: Flag = False
    is_hidden: Flag = False
    prov_status: Text = ""


class Recall(Row):
    """``/recalls``. ``time_pattern_override``: the unit is disputed, see ``lengths``."""

    key = "RecallNum"
    needed = frozenset({"PatNum", "IsDisabled", "RecallTypeNum", "DateScheduled", "Priority"})

    recall_num: Number = 0
    pat_num: Number = 0
    date_due: Day = None
    is_disabled: Flag = False
    recall_type_num: Number = 0
    disable_until_balance: Amount = 0.0
    disable_until_date: Day = None
    date_scheduled: Day = None
    priority: Text = ""
    time_pattern_override: Text = ""
    date_t_stamp: Moment = None


class RecallType(Row):
    """``/recalltypes``. ``time_pattern``: one character is AppointmentTimeIncrement minutes; may be empty."""

    key = "RecallTypeNum"

    recall_type_num: Number = 0
    description: Text = ""
    time_pattern: Text = ""
    append_to_special: Flag = False


class AppointmentType(Row):
    """``/appointmenttypes``. ``blockout_types``: DefNums or names that this type may lie on; empty: any."""

    key = "AppointmentTypeNum"

    appointment_type_num: Number = 0
    blockout_types: Names = ()


class Patient(Row):
    """``/patients``: just what decides whether a text may go out. The phone lives in memory only."""

    key = "PatNum"
    needed = frozenset({"PatStatus", "TxtMsgOk"})

    pat_num: Number = 0
    pat_status: Text = ""
    birthdate: Day = None
    wireless_phone: Text = Field(default="", repr=False)
    txt_msg_ok: Text = "Unknown"
    clinic_num: Number = 0
    pri_prov: Number = 0
    sec_prov: Number = 0


class AsapComm(Row):
    """``/asapcomms``: one offer, ours or somebody else's. The template text is dropped; the Note gives the reason."""

    key = "AsapCommNum"
    needed = frozenset({"FKey", "FKeyType", "PatNum", "ClinicNum", "DateTimeEntry"})

    asap_comm_num: Number = 0
    f_key: Number = Field(default=0, alias="FKey")
    f_key_type: Text = Field(default="", alias="FKeyType")
    schedule_num: Number = 0
    pat_num: Number = 0
    clinic_num: Number = 0
    date_time_entry: Moment = None
    date_time_expire: Moment = None
    date_time_sms_scheduled: Moment = None
    sms_send_status: Text = ""
    date_time_sms_sent: Moment = None
    response_status: Text = ""
    date_time_orig: Moment = None
    note: Text = Field(default="", repr=False)


class Commlog(Row):
    """``/commlogs``. The note is kept only to recognise our own marker in it."""

    key = "CommlogNum"

    commlog_num: Number = 0
    pat_num: Number = 0
    comm_date_time: Moment = None
    comm_type: Number = Field(default=0, alias="CommType")
    mode: Text = Field(default="", alias="Mode_")
    sent_or_received: Text = ""
    note: Text = Field(default="", repr=False)
    date_t_stamp: Moment = None


class LabCase(Row):
    """``/labcases``: whether the lab work of an appointment is back."""

    key = "LabCaseNum"
    needed = frozenset({"AptNum", "PlannedAptNum", "DateTimeRecd"})

    lab_case_num: Number = 0
    pat_num: Number = 0
    apt_num: Number = 0
    planned_apt_num: Number = 0
    date_time_recd: Moment = None


class SecurityPerm(Row):
    """``/securityperms``: one permission of this developer and customer key."""

    key = "Permission"
    needed = frozenset({"HasPermission"})

    permission: Text = ""
    has_permission: Flag = False


class Subscription(Row):
    """``/subscriptions``. The customer key in the answer is dropped."""

    key = "SubscriptionNum"

    subscription_num: Number = 0
    end_point_url: Text = ""
    workstation: Text = ""
    watch_table: Text = ""
    ui_event_type: Text = ""
    polling_seconds: Number = 0
    date_time_start: Moment = None
    date_time_stop: Moment = None
