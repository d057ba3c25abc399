"""What asapfill asks of an office, as typed methods: one per resource and way of asking.

Dates are ``datetime.date``, moments naive office wall-clock ``datetime``. Every method raises OpenDentalError (see
``errors``) and nothing else for whatever may go wrong on the way. Minimum versions of what is asked for are in
``versions``; whoever calls checks them first where an older office would misunderstand.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from types import TracebackType
from typing import Self, TypeVar

from asapfill.clock import Clock
from asapfill.core import rows as models
from asapfill.core.rows import ASAP, Row
from asapfill.core.values import Version, read_version
from asapfill.opendental.connection import Connection
from asapfill.opendental.errors import NotOpenDental, Unknown
from asapfill.opendental.paging import (
    Chunk,
    Collected,
    Listing,
    Query,
    Unsteady,
    between,
    chunk,
    collect,
    equal,
    joined,
    since,
    written,
)
from asapfill.opendental.wire import DEADLINE, Patience, Transport

R = TypeVar("R", bound=Row)

BLOCKOUT_TYPES = 25
COMMLOG_TYPES = 27
"""Categories of ``definitions`` that asapfill reads (Open Dental: enum DefCat)."""


class OpenDental:
    """One office's API. Use one per thread; threads that use the same customer key wait for each other at its gate."""

    def __init__(  # noqa: PLR0913  an office is reached through many settings
        self,
        name: str,
        urls: Sequence[str],
        developer_key: str,
        customer_key: str,
        *,
        clock: Clock,
        seconds_between_requests: float | None = None,
        requests_per_minute: int | None = None,
        stop: threading.Event | None = None,
        transport: Transport | None = None,
        deadline: float = DEADLINE,
    ) -> None:
        """Prepare for the office ``name``; the network is touched by the methods only.

        ``urls`` are tried in this order. ``seconds_between_requests`` None: 1.0 for the remote API, 0 for others.
        ``requests_per_minute``: never more in any 60 seconds, retries and writes included; None: no such limit.
        ``stop``: once set, requests that have not left raise NotSent. ``deadline``: seconds for a whole request.

        Raises ValueError for no or malformed urls, WrongKey for keys that no header can carry.
        """
        self.name = name
        self.requests: Counter[str] = Counter()
        """HTTP requests so far by purpose, retries included."""
        self._purpose = "other"
        self._connection = Connection(
            name,
            urls,
            developer_key,
            customer_key,
            clock=clock,
            seconds_between_requests=seconds_between_requests,
            requests_per_minute=requests_per_minute,
            stop=stop,
            transport=transport,
            deadline=deadline,
            on_request=self._count,
        )

    def __repr__(self) -> str:
        return f"OpenDental({self.name!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def cut(self) -> None:
        """Break off the request under way, for a quick end; any thread may call it. A write is then ``Unknown``."""
        self._connection.cut()

    @property
    def page_rows(self) -> int:
        """Rows that a page may have at the address that answered last."""
        return self._connection.page_rows

    def begin(self, patience: Patience) -> None:
        """A cycle begins, for which there is so much time."""
        self._connection.begin(patience)

    @property
    def failing(self) -> bool:
        """Whether the last read found no address that answers as Open Dental does, the key refused, or a throttle."""
        return self._connection.failing

    @property
    def request_total(self) -> int:
        """HTTP requests so far, retries included."""
        return self.requests.total()

    @contextmanager
    def purpose(self, name: str) -> Iterator[None]:
        """Count the requests in the ``with`` under ``name``."""
        before, self._purpose = self._purpose, name
        try:
            yield
        finally:
            self._purpose = before

    # Appointments

    def appointments(
        self,
        *,
        date_start: date | None = None,
        date_end: date | None = None,
        pat_num: int | None = None,
        op: int | None = None,
        clinic_num: int | None = None,
        apt_status: str | None = None,
        date_t_stamp: datetime | None = None,
    ) -> Listing[models.Appointment]:
        """Appointments of every status; both dates inclusive. ``date_t_stamp``: changed at or after; not with dates."""
        columns = (
            *between("AptDateTime", date_start, date_end),
            *equal("PatNum", pat_num),
            *equal("Op", op),
            *equal("ClinicNum", clinic_num),
            *equal("AptStatus", apt_status),
            *since("DateTStamp", date_t_stamp),
        )
        return self._list(
            Query(models.Appointment, "/appointments", columns, ordered=True),
            dateStart=date_start,
            dateEnd=date_end,
            PatNum=pat_num,
            Op=op,
            ClinicNum=clinic_num,
            AptStatus=apt_status,
            DateTStamp=date_t_stamp,
        )

    def asap_appointments(self, clinic_num: int | None) -> Listing[models.Appointment]:
        """The ASAP list's appointments, past ones too. With clinics on, Open Dental insists on one (0: none)."""
        columns = (*equal("Priority", ASAP), *equal("ClinicNum", clinic_num))
        return self._list(Query(models.Appointment, "/appointments/ASAP", columns), ClinicNum=clinic_num)

    def appointment(self, apt_num: int) -> models.Appointment:
        """One appointment; NotFound when it was deleted."""
        return self._one(models.Appointment, "/appointments", apt_num)

    def slots(
        self,
        *,
        date_start: date,
        date_end: date,
        prov_num: int,
        op_num: int | None = None,
        length_minutes: int | None = None,
    ) -> Listing[models.Slot]:
        """Free stretches of one provider, as Open Dental's simple search sees them: it ignores blockouts. No pages."""
        parameters = written(
            dateStart=date_start, dateEnd=date_end, ProvNum=prov_num, OpNum=op_num, lengthMinutes=length_minutes
        )
        collected = Collected(Query(models.Slot, "/appointments/Slots"))
        collected.add(self._connection.get("/appointments/Slots", parameters))
        return collected.listing()

    def web_sched_appointments(self, day: date) -> Listing[models.WebSchedAppointment]:
        """What patients booked themselves that day through Open Dental's eServices."""
        return self._list(Query(models.WebSchedAppointment, "/appointments/WebSched"), date=day)

    def hist_appointments(
        self,
        *,
        apt_num: int | None = None,
        action: str | None = None,
        date_start: date | None = None,
        date_end: date | None = None,
    ) -> Listing[models.HistAppointment]:
        """What was done to appointments. The dates (inclusive) are those of the appointment, not of the change."""
        columns = (
            *equal("AptNum", apt_num),
            *equal("HistApptAction", action),
            *between("AptDateTime", date_start, date_end),
        )
        return self._list(
            Query(models.HistAppointment, "/histappointments", columns, ordered=True),
            AptNum=apt_num,
            HistApptAction=action,
            dateStart=date_start,
            dateEnd=date_end,
        )

    # The schedule

    def schedules(self, *, date_start: date, date_end: date, sched_type: str | None = None) -> Listing[models.Schedule]:
        """Schedule rows of all kinds; both dates inclusive.

        Open Dental sorts them by time of day only and without a tie-break, so a page may repeat one row and lose
        another. A range whose pages do not fit together is read in halves; a single day is then taken as it comes.
        """
        columns = (*between("SchedDate", date_start, date_end), *equal("SchedType", sched_type))
        parameters = written(dateStart=date_start, dateEnd=date_end, SchedType=sched_type)
        fetch = lambda offset: self._connection.get("/schedules", parameters, offset=offset)  # noqa: E731  as in _list
        try:
            return collect(Query(models.Schedule, "/schedules", columns, ties=True), fetch)
        except Unsteady:
            days = (date_end - date_start).days
        if days == 0:
            return collect(Query(models.Schedule, "/schedules", columns), fetch)
        middle = date_start + timedelta(days=days // 2)
        return joined(
            (
                self.schedules(date_start=date_start, date_end=middle, sched_type=sched_type),
                self.schedules(date_start=middle + timedelta(days=1), date_end=date_end, sched_type=sched_type),
            )
        )

    def schedule(self, schedule_num: int) -> models.Schedule:
        """One schedule row; NotFound once staff deleted it."""
        return self._one(models.Schedule, "/schedules", schedule_num)

    def schedule_ops(self, schedule_num: int) -> Listing[models.ScheduleOp]:
        """The operatories of one schedule row, which rows that come by event leave out (23.2.27)."""
        query = Query(models.ScheduleOp, "/scheduleops", equal("ScheduleNum", schedule_num))
        return self._list(query, ScheduleNum=schedule_num)

    def operatories(self) -> Listing[models.Operatory]:
        """All operatories, hidden ones included."""
        return self._list(Query(models.Operatory, "/operatories"))

    # The office

    def definitions(self, category: int) -> Listing[models.Definition]:
        """Definitions of a category (BLOCKOUT_TYPES, COMMLOG_TYPES), hidden ones included."""
        query = Query(models.Definition, "/definitions", equal("Category", category))
        return self._list(query, Category=category, includeHidden="true")

    def preferences(self) -> Listing[models.Preference]:
        """All preferences: about a thousand rows."""
        return self._list(Query(models.Preference, "/preferences"))

    def preference(self, name: str) -> str | None:
        """The value of one preference; None when this version has none of that name."""
        rows = self._list(Query(models.Preference, "/preferences", equal("PrefName", name)), PrefName=name).rows
        return rows[0].value_string if rows else None

    def program_version(self) -> Version | None:
        """The office's version of Open Dental; None when it does not say."""
        return read_version(self.preference("ProgramVersion"))

    def clinics(self) -> Listing[models.Clinic]:
        """The visible clinics; no rows when the office does not use clinics."""
        return self._list(Query(models.Clinic, "/clinics"))

    def providers(self) -> Listing[models.Provider]:
        """All providers, hidden and deleted ones included."""
        return self._list(Query(models.Provider, "/providers", lone_object=True))

    def recall_types(self) -> Listing[models.RecallType]:
        """The kinds of recall."""
        return self._list(Query(models.RecallType, "/recalltypes"))

    def appointment_types(self) -> Listing[models.AppointmentType]:
        """The kinds of appointment."""
        return self._list(Query(models.AppointmentType, "/appointmenttypes"))

    def security_perms(self) -> Listing[models.SecurityPerm]:
        """What the developer and customer key may do."""
        return self._list(Query(models.SecurityPerm, "/securityperms"))

    def signalods(self, after: datetime) -> Listing[models.Signalod]:
        """Hints that something changed after that moment; kept about two days."""
        return self._list(Query(models.Signalod, "/signalods"), SigDateTime=after)

    # Patients

    def patient(self, pat_num: int) -> models.Patient:
        """One patient: just what decides whether a text may go out."""
        return self._one(models.Patient, "/patients", pat_num)

    def recalls(self, pat_num: int | None = None) -> Listing[models.Recall]:
        """Recalls of one patient, or of all: then the whole table, as there is no filter for those on the ASAP list."""
        return self._list(Query(models.Recall, "/recalls", equal("PatNum", pat_num), ordered=True), PatNum=pat_num)

    def recall_page(self, offset: int) -> Chunk[models.Recall]:
        """The page of the recall table that begins at ``offset``: one request."""
        query = Query(models.Recall, "/recalls", ordered=True)
        return chunk(query, self._connection.get(query.path, offset=offset), offset)

    def recall(self, pat_num: int, recall_num: int) -> models.Recall | None:
        """One recall of a patient; None when it is gone."""
        return next((row for row in self.recalls(pat_num).rows if row.recall_num == recall_num), None)

    def lab_cases(self, *, apt_num: int | None = None, pat_num: int | None = None) -> Listing[models.LabCase]:
        """Lab cases, of one appointment or patient or of all."""
        columns = (*equal("AptNum", apt_num), *equal("PatNum", pat_num))
        return self._list(Query(models.LabCase, "/labcases", columns), AptNum=apt_num, PatNum=pat_num)

    # Offers

    def asapcomms(self, *, date_start: date, date_end: date, clinic_num: int | None = None) -> Listing[models.AsapComm]:
        """Offers made from ``date_start`` on and before ``date_end``, by asapfill and by others.

        Both dates are always sent: Open Dental's own default for the end hides the rows of today.
        """
        columns = (
            *between("DateTimeEntry", date_start, date_end - timedelta(days=1)),
            *equal("ClinicNum", clinic_num),
        )
        return self._list(
            Query(models.AsapComm, "/asapcomms", columns, ordered=True),
            dateStart=date_start,
            dateEnd=date_end,
            ClinicNum=clinic_num,
        )

    def asapcomm(self, asap_comm_num: int) -> models.AsapComm:
        """One offer."""
        return self._one(models.AsapComm, "/asapcomms", asap_comm_num)

    def create_asapcomm(
        self,
        *,
        op: int,
        date_time_start: datetime,
        apt_num: int | None = None,
        recall_num: int | None = None,
    ) -> models.AsapComm:
        """Make one offer: Open Dental texts the patient a link. Cannot be undone, and is never repeated here.

        A row that says DoNotSend is an answer too: it was made, and no text goes out.

        Raises Unknown also when the answer does not tell the number of the new row.
        """
        if (apt_num is None) == (recall_num is None):
            raise ValueError("an offer is for an appointment or for a recall")
        body = written(op=op, aptNum=apt_num, recallNum=recall_num, dateTimeStart=date_time_start)
        row = self._created(models.AsapComm, "/asapcomms", body)
        if row is None or not row.number:
            raise Unknown(
                f"POST /asapcomms (office {self.name}): Open Dental said yes, but not which row it made. "
                "Whether a text goes out is not known until the offers are read again."
            )
        return row

    # Commlogs

    def commlogs(self, pat_num: int, date_t_stamp: datetime | None = None) -> Listing[models.Commlog]:
        """A patient's communications; ``date_t_stamp``: changed at or after (25.1.13)."""
        columns = (*equal("PatNum", pat_num), *since("DateTStamp", date_t_stamp))
        return self._list(Query(models.Commlog, "/commlogs", columns), PatNum=pat_num, DateTStamp=date_t_stamp)

    def commlog(self, commlog_num: int) -> models.Commlog:
        """One communication (25.1.13)."""
        return self._one(models.Commlog, "/commlogs", commlog_num)

    def create_commlog(
        self,
        *,
        pat_num: int,
        note: str,
        comm_date_time: datetime,
        comm_type: int | None = None,
        mode: str = "Text",
        sent_or_received: str = "Sent",
    ) -> models.Commlog | None:
        """Note something in the patient's chart. None: it was made, but this version (before 23.3.7) names no number.

        ``comm_type``: a DefNum of COMMLOG_TYPES; None: the office's own default.
        """
        body = written(
            PatNum=pat_num,
            Note=note,
            CommDateTime=comm_date_time,
            CommType=comm_type,
            Mode_=mode,
            SentOrReceived=sent_or_received,
        )
        row = self._created(models.Commlog, "/commlogs", body)
        return row if row is not None and row.number else None

    def update_commlog(self, commlog_num: int, note: str) -> None:
        """Replace the note of a communication (25.2.21); clears a signature if there is one."""
        self._connection.send("PUT", f"/commlogs/{commlog_num}", {"Note": note})

    # Subscriptions to events

    def subscriptions(self) -> Listing[models.Subscription]:
        """The subscriptions of this customer key, ours and others'."""
        return self._list(Query(models.Subscription, "/subscriptions"))

    def create_subscription(
        self,
        *,
        end_point_url: str,
        watch_table: str,
        workstation: str = "",
        polling_seconds: int = 5,
        date_time_start: datetime | None = None,
    ) -> models.Subscription:
        """Have changes of a table posted to us. Raises Unknown also when the answer does not tell the new number."""
        body = written(
            EndPointUrl=end_point_url,
            WatchTable=watch_table,
            Workstation=workstation,
            PollingSeconds=polling_seconds,
            DateTimeStart=date_time_start,
        )
        row = self._created(models.Subscription, "/subscriptions", body)
        if row is None or not row.number:
            raise Unknown(
                f"POST /subscriptions (office {self.name}): Open Dental said yes, but not which subscription it made. "
                "List the subscriptions before making another."
            )
        return row

    def update_subscription(
        self,
        subscription_num: int,
        *,
        end_point_url: str | None = None,
        workstation: str | None = None,
        polling_seconds: int | None = None,
        date_time_start: datetime | None = None,
        date_time_stop: datetime | None = None,
    ) -> None:
        """Change what is given; the watched table cannot be changed."""
        body = written(
            EndPointUrl=end_point_url,
            Workstation=workstation,
            PollingSeconds=polling_seconds,
            DateTimeStart=date_time_start,
            DateTimeStop=date_time_stop,
        )
        self._connection.send("PUT", f"/subscriptions/{subscription_num}", body)

    def delete_subscription(self, subscription_num: int) -> None:
        """Stop the events of one subscription."""
        self._connection.send("DELETE", f"/subscriptions/{subscription_num}")

    # How

    def _count(self) -> None:
        self.requests[self._purpose] += 1

    def _list(self, query: Query[R], **filters: object) -> Listing[R]:
        """A whole list; filters that are None are left out."""
        parameters = written(**filters)
        return collect(query, lambda offset: self._connection.get(query.path, parameters, offset=offset))

    def _one(self, row_type: type[R], path: str, number: int) -> R:
        """A single row, given as an object."""
        value = self._connection.get(f"{path}/{number}").value
        row = row_type.read(value) if isinstance(value, Mapping) else None
        if row is None or row.number != number:
            raise NotOpenDental(
                f"GET {path}/{number} (office {self.name}): this row was expected, and something else came back. "
                "Check the office's urls in the settings and what runs at that address."
            )
        return row

    def _created(self, row_type: type[R], path: str, body: Mapping[str, object]) -> R | None:
        """POST, and the row that Open Dental gives back; None when it gives none."""
        value = self._connection.send("POST", path, body)
        return row_type.read(value) if isinstance(value, Mapping) else None
