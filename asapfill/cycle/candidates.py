"""Step: candidates. What must be known of the people who may be asked, beside the rows of the ASAP list.

That is: the texts that they got from us and from others, their phones, and when the office last talked to them. Their
commlogs are read only when they are about to be asked. Who fits and who does not is decided by ``core.candidates``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from asapfill.clock import Now
from asapfill.core.asapcomms import contacts_of_others
from asapfill.core.offer import CLOCKS_MAY_DIFFER, Contact
from asapfill.core.policy import Policy
from asapfill.core.reasons import Reason
from asapfill.core.rows import Commlog, SchedType
from asapfill.core.values import supports
from asapfill.cycle.session import OfficeSession
from asapfill.offers.commlogs import MARK

COMMLOGS_GOOD_FOR = timedelta(minutes=5)
"""How long one reading of a patient's commlogs serves."""


def our_contacts(session: OfficeSession, now: Now) -> tuple[Contact, ...]:
    """Our own offers that limits count."""
    return session.journal.since((now.wall - timedelta(days=31)).date())


def others_contacts(session: OfficeSession, now: Now) -> tuple[Contact, ...]:
    """The texts that others sent, as far as the office tells."""
    blocks = {
        row.schedule_num: row
        for row in session.mirror.office().schedules
        if row.sched_type == SchedType.WEB_SCHED_ASAP and not row.unreadable
    }
    rows = session.mirror.asapcomms
    ours = session.journal.asapcomms([row.asap_comm_num for row in rows])
    return contacts_of_others(rows, ours, now.wall, phones=phone_hashes(session), schedules=blocks)


def phone_hashes(session: OfficeSession) -> Mapping[int, str]:
    """Keyed hash of the wireless phone per PatNum, for the patients read so far."""
    return session.mirror.phones(session.hash_phone)


def read_patients_texted_by_others(session: OfficeSession, policy: Policy, now: Now) -> None:
    """Read the patients whom others texted lately, unless that was done after their text: the phone of then counts.

    An earlier reading may tell another phone; so may one minutes later by a clock that is ahead of the office's.

    Raises OpenDentalError: a patient could not be read.
    """
    present, week = session.clock.now(), now.wall.date() - timedelta(days=7)
    texted: dict[int, datetime] = {}
    for contact in others_contacts(session, now):
        if contact.day > week and contact.patient:
            # In the hour that autumn repeats, the later showing.
            made = (contact.made or now.wall).replace(tzinfo=policy.timezone, fold=1).astimezone(UTC)
            since = min(present, made + CLOCKS_MAY_DIFFER)
            texted[contact.patient] = max(since, texted.get(contact.patient, since))
    session.mirror.read_patients_since(texted)


def without_commlogs(session: OfficeSession, policy: Policy, patients: Iterable[int]) -> frozenset[int]:
    """Those of ``patients`` whose commlogs must be read first; none when the policy does not ask for it."""
    if not policy.candidates.spoken_to:
        return frozenset()
    now = session.clock.monotonic()
    return frozenset(
        patient
        for patient in patients
        if patient not in session.talks or now - session.talks[patient][0] > COMMLOGS_GOOD_FOR.total_seconds()
    )


def read_commlogs(session: OfficeSession, policy: Policy, patients: Iterable[int]) -> None:
    """Read when the office last talked to each of ``patients``.

    Every commlog counts but our own. Which ones Open Dental wrote by itself cannot be told: what the API shows as
    their source does not differ, so those count too, on the safe side.

    Raises OpenDentalError: the office could not be read, so nobody may be asked.
    """
    now = session.now(policy.timezone)
    since = now.wall - policy.candidates.spoken_to
    filtered = supports(session.mirror.read_names(now.moment).version, "commlogs GET DateTStamp")
    with session.client.purpose("commlogs"):
        for patient in sorted(patients):
            began = session.clock.monotonic()
            rows = session.client.commlogs(patient, date_t_stamp=since if filtered else None).rows
            moments = [_moment(row, now.wall) for row in rows if not row.note.startswith(MARK)]
            session.talks[patient] = (began, max(moments, default=None))


def talked_to_lately(session: OfficeSession, policy: Policy, patient: int, now: Now) -> Reason | None:
    """Why a patient is left alone: the office talked to them lately, as far as their commlogs were read."""
    last = session.talks.get(patient, (0.0, None))[1]
    if last is None or not policy.candidates.spoken_to or last + policy.candidates.spoken_to <= now.wall:
        return None
    return Reason("spoken_to", f"on {last:%Y-%m-%d}")


def _moment(row: Commlog, wall: datetime) -> datetime:
    """When they talked; a time that cannot be read is taken as now."""
    return row.comm_date_time or row.date_t_stamp or wall
