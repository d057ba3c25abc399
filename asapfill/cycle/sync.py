"""Step: sync. Which policies are in force, with the office's names; and a mirror that knows what changed.

Clinics that cannot be served get an error that a person can act on, and take no part in the steps that follow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from asapfill.core.errors import Problem
from asapfill.core.offer import CLOCKS_MAY_DIFFER
from asapfill.core.office import labels_of
from asapfill.core.policy import Policy
from asapfill.core.values import MINIMUM, supports, written
from asapfill.cycle.results import CLOCK_OFF, POLICY, ClinicResult, ServedClinic, Trouble
from asapfill.cycle.session import OfficeSession
from asapfill.opendental.errors import TooOld
from asapfill.policy.in_force import LastGood, in_force
from asapfill.policy.model import PolicyFile
from asapfill.policy.resolve import claimed_twice, clinic_of
from asapfill.store.offices import KnownOffice, keep_office, keep_policy, kept_policies

NAMES_DOUBTED = timedelta(minutes=5)
"""A name that the office did not have then may have been given to something since."""


def last_served_clinic(session: OfficeSession, file: PolicyFile) -> int:
    """The clinic that the file was last served for: until the office tells, and when it does not."""
    kept = kept_policies(session.store, session.office)
    return next((row.clinic for row in kept if row.office == session.office and row.file == file.source.path.name), 0)


def resolve_policies(
    session: OfficeSession, files: Sequence[PolicyFile], results: Sequence[ClinicResult], last_good: LastGood
) -> list[ServedClinic]:
    """The clinics whose policies have names that the office knows.

    Raises OpenDentalError: the office could not be read, or is too old for offers.
    """
    names = session.mirror.read_names(session.clock.now())
    if not supports(names.version, "asapcomms"):
        raise TooOld(
            f"Office {session.office} runs Open Dental {written(names.version or ())}; offers need "
            f"{written(MINIMUM['asapcomms'])} or later. Update Open Dental. Nothing was sent."
        )
    if not any(not row.is_hidden for row in names.operatories):
        for result in results:
            result.notes.append("The office has no visible operatory, so there is nothing to fill.")
    labels = labels_of(names.operatories, names.providers, names.clinics)
    clinics = []
    for file, result in zip(files, results, strict=True):
        result.labels = labels
        used, policy, problems = _in_force(session, file, last_good)
        result.errors += _wrong_policy(problems)
        if policy is None:
            result.clinic = clinic_of(file, session.mirror.read_names(session.clock.now())) or result.clinic
        else:
            result.clinic, result.policy, result.mode = policy.clinic, policy, policy.mode
            clinics.append(ServedClinic(used, policy, result))
    doubles = claimed_twice((clinic.file, clinic.policy) for clinic in clinics)
    for clinic in clinics:
        clinic.result.errors += _wrong_policy(each for each in doubles if each.file == clinic.file.source.path)
    refused = {problem.file for problem in doubles}
    return [clinic for clinic in clinics if clinic.file.source.path not in refused]


def _in_force(
    session: OfficeSession, file: PolicyFile, last_good: LastGood
) -> tuple[PolicyFile, Policy | None, tuple[Problem, ...]]:
    """The version of a policy file that is in force; the office's lists are read anew before a name is called wrong."""
    now = session.clock.now()
    found = in_force(file, session.mirror.read_names(now), last_good)
    if not found[2]:
        return found
    return in_force(file, session.mirror.read_names(now, kept=NAMES_DOUBTED), last_good)


def _wrong_policy(problems: Iterable[Problem]) -> list[Trouble]:
    return [Trouble(str(problem), configuration=True, code=POLICY) for problem in problems]


def keep_policies(session: OfficeSession, clinics: Sequence[ServedClinic]) -> None:
    """Keep the policies that are in force, for while an edit has a mistake, and the office's time zone and names.

    Raises StoreError: the state cannot be written.
    """
    first = clinics[0]
    keep_office(session.store, session.office, KnownOffice(first.policy.timezone, first.result.labels))
    for clinic in clinics:
        source = clinic.file.source
        keep_policy(session.store, session.office, clinic.policy.clinic, source.path.name, source.text)


def sync(session: OfficeSession, clinics: Sequence[ServedClinic]) -> list[ServedClinic]:
    """Bring the mirror up to date. Returns the clinics to serve: those whose clock agrees with the office's.

    Raises OpenDentalError: the office could not be read.
    """
    if not clinics:
        return []
    now = session.now(clinics[0].policy.timezone)
    following = bool(session.journal.live())
    session.mirror.refresh(
        now.wall,
        max(clinic.policy.openings.look_ahead for clinic in clinics),
        [clinic.policy.clinic for clinic in clinics if clinic.policy.clinic],
        following=following,
        waiting=following and bool(session.journal.waiting()),
    )
    skew = session.mirror.skew
    return [clinic for clinic in clinics if skew is None or _same_clock(session, clinic, now.wall + skew)]


def _same_clock(session: OfficeSession, clinic: ServedClinic, server: datetime) -> bool:
    """Whether the office's clock, which shows ``server``, and the policy's time zone belong together."""
    # Our clock, asked afresh: it may have been set while the office was read.
    ahead = server - session.now(clinic.policy.timezone).wall
    if abs(ahead) <= CLOCKS_MAY_DIFFER:
        return True
    minutes = round(ahead.total_seconds() / 60)
    clinic.result.errors.append(
        Trouble(
            f"The office's clock is {abs(minutes)} minutes {'ahead of' if minutes > 0 else 'behind'} ours in "
            f"{clinic.policy.timezone.key}, so nothing is sent. Check `timezone` in {clinic.file.source.path.name} "
            "and the clocks of both machines.",
            code=CLOCK_OFF,
        )
    )
    return False
