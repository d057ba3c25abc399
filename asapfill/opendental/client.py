"""What asapfill asks of an office, as typed methods: one per resource and way of asking.

Dates are ``datetime.date``, moments naive office wall-clock ``datetime``. Every method raises OpenDentalError (see
``errors``) and nothing else for whatever may go wrong on the way. Minimum versions are in
``core.values``; whoever calls checks them first where an older office would misunderstand.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from asapfill.core import rows as models
from asapfill.core.rows import ASAP
from asapfill.core.values import Version, read_version
from asapfill.opendental.errors import Unknown
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
from asapfill.opendental.requests import CountedRequests

BLOCKOUT_TYPES = 25
COMMLOG_TYPES = 27
"""Categories of ``definitions`` that asapfill reads (Open Dental: enum DefCat)."""


class OpenDental(CountedRequests):
    """One office's API. Use one per thread; threads that use the same customer key wait for each other at its gate."""

    # Appointments

    def appointments(
        self, *, date_start: date | None = None, date_end: date | None = None, date_t_stamp: datetime | None = None
    ) -> Listing[models.Appointment]:
        """Appointments of every status; both dates inclusive. ``date_t_stamp``: changed at or after; not with dates."""
        columns = (*between("AptDateTime", date_start, date_end), *since("DateTStamp", date_t_stamp))
        query = Query(models.Appointment, "/appointments", columns, ordered=True)
        return self._list(query, dateStart=date_start, dateEnd=date_end, DateTStamp=date_t_stamp)

    def asap_appointments(self, clinic_num: int | None) -> Listing[models.Appointment]:
        """The ASAP list's appointments, past ones too. With clinics on, Open Dental insists on one (0: none)."""
        columns = (*equal("Priority", ASAP), *equal("ClinicNum", clinic_num))
        return self._list(Query(models.Appointment, "/appointments/ASAP", columns), ClinicNum=clinic_num)

    def appointment(self, apt_num: int) -> models.Appointment:
        """One appointment; NotFound when it was deleted."""
        return self._one(models.Appointment, "/appointments", apt_num)

    def slots(self, *, date_start: date, date_end: date, prov_num: int, op_num: int) -> Listing[models.Slot]:
        """Free stretches of one provider, as Open Dental's simple search sees them: it ignores blockouts. No pages."""
        parameters = written(dateStart=date_start, dateEnd=date_end, ProvNum=prov_num, OpNum=op_num)
        collected = Collected(Query(models.Slot, "/appointments/Slots"))
        collected.add(self._connection.get("/appointments/Slots", parameters))
        return collected.listing()

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

    def schedules(self, *, date_start: date, date_end: date) -> Listing[models.Schedule]:
        """Schedule rows of all kinds; both dates inclusive.

        Open Dental sorts them by time of day only and without a tie-break, so a page may repeat one row and lose
        another. A range whose pages do not fit together is read in halves; a single day is then taken as it comes.
        """
        columns = between("SchedDate", date_start, date_end)
        parameters = written(dateStart=date_start, dateEnd=date_end)
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
                self.schedules(date_start=date_start, date_end=middle),
                self.schedules(date_start=middle + timedelta(days=1), date_end=date_end),
            )
        )

    def schedule(self, schedule_num: int) -> models.Schedule:
        """One schedule row; NotFound once staff deleted it."""
        return self._one(models.Schedule, "/schedules", schedule_num)

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

    def lab_cases(self, pat_num: int) -> Listing[models.LabCase]:
        """A patient's lab cases."""
        return self._list(Query(models.LabCase, "/labcases", equal("PatNum", pat_num)), PatNum=pat_num)

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
        workstation: str | None = None,
        polling_seconds: int | None = None,
        date_time_stop: datetime | None = None,
    ) -> None:
        """Change what is given; the watched table cannot be changed."""
        body = written(Workstation=workstation, PollingSeconds=polling_seconds, DateTimeStop=date_time_stop)
        self._connection.send("PUT", f"/subscriptions/{subscription_num}", body)

    def delete_subscription(self, subscription_num: int) -> None:
        """Stop the events of one subscription."""
        self._connection.send("DELETE", f"/subscriptions/{subscription_num}")
