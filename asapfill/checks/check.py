"""``check``: are the files right, and each office reachable, allowed and new enough, and do the policies make sense
there? Only reads. Findings are one line each: ok, worth a look, or wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from functools import partial
from itertools import chain
from typing import Any, Literal

from asapfill.alerts.letters import addresses_of
from asapfill.checks.gaps import clinics_without_policy, idle_days
from asapfill.clock import Clock, office_now
from asapfill.core.errors import ConfigurationError, Problem
from asapfill.core.fits import HygieneChairs, hygiene_chairs
from asapfill.core.limits import LEAST_LEAD_MINUTES
from asapfill.core.offer import CLOCKS_MAY_DIFFER
from asapfill.core.office import labels_of, preference_flag, sending_window, text_limit
from asapfill.core.policy import Policy
from asapfill.core.rows import SchedType
from asapfill.core.values import MINIMUM, supports, written
from asapfill.cycle.offices import compare_openings
from asapfill.cycle.openings import openings_now
from asapfill.cycle.session import OfficeSession, sessions_without_state
from asapfill.mirror.names import Names
from asapfill.opendental.errors import NotFound, OpenDentalError, TooOld
from asapfill.policy.for_commands import last_good_versions
from asapfill.policy.in_force import Policies, nearly_policies, no_policy, read_folder
from asapfill.policy.model import PolicyFile
from asapfill.policy.reading import read_bytes, readable_part
from asapfill.policy.resolve import resolve, resolved_names
from asapfill.policy.texting_rules import beyond_rules
from asapfill.settings.settings import Settings
from asapfill.words import counted, fitted, wrapped

Verdict = Literal["ok", "look", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. ``configuration``: settings or policy are wrong, not the office."""

    verdict: Verdict
    subject: str
    message: str
    configuration: bool = False

    def document(self) -> dict[str, str]:
        """For ``check --json`` and ``doctor --json``."""
        return {"verdict": self.verdict, "subject": self.subject, "message": self.message}


ok, look = partial(Finding, "ok"), partial(Finding, "look")
wrong = partial(Finding, "wrong")
"""Nothing is sent, or not as it should be, until it is mended."""


def exit_code_of(findings: Iterable[Finding]) -> int:
    """78 when settings, keys or policies are wrong, 1 when something else is, 0 when nothing is."""
    wrong = [finding for finding in findings if finding.verdict == "wrong"]
    return 78 if any(finding.configuration for finding in wrong) else 1 if wrong else 0


MOST_LOOKED_UP = 50
"""Patients of ``except_patients`` who are looked up: each is a request, and the remote API takes one a second."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What ``check`` found: mistakes in files, findings per office, and what keeps notices from being told."""

    problems: tuple[Problem, ...]
    findings: Mapping[str, Sequence[Finding]]
    offline: bool = False
    notices: tuple[Finding, ...] = ()

    @property
    def verdict(self) -> str:
        """The one sentence at the end."""
        wrong = len(self.problems) + len(self._found("wrong"))
        look = counted(len(self._found("look")), "thing", "things")
        if wrong:
            also = f", {look} to look at" if self._found("look") else ""
            return f"Verdict: NOT READY. {counted(wrong, 'thing is', 'things are')} wrong{also}; see above."
        if self.offline:
            also = f" {look} to look at; see above." if self._found("look") else ""
            return f"Verdict: settings and policies are right. No office was asked for its names.{also}"
        return f"Verdict: ready. {look} to look at; see above." if self._found("look") else "Verdict: all is well."

    def _found(self, verdict: Verdict) -> list[Finding]:
        findings = chain(self.notices, *self.findings.values())
        return [finding for finding in findings if finding.verdict == verdict]

    @property
    def exit_code(self) -> int:
        """78 when settings or policies are wrong, 1 when an office is, else 0."""
        return 78 if self.problems else exit_code_of(item for found in self.findings.values() for item in found)

    def document(self) -> dict[str, Any]:
        """``check --json``."""
        return {
            "verdict": self.verdict,
            "problems": [
                {
                    "file": str(item.file.with_name(item.name)),
                    "line": item.line,
                    "column": item.column,
                    "message": item.message,
                    "hint": item.hint,
                }
                for item in self.problems
            ],
            "offices": [
                {"office": office, "findings": [item.document() for item in findings]}
                for office, findings in self.findings.items()
            ],
            "notices": [item.document() for item in self.notices],
        }


def checked_text(checked: Checked, *, names: bool = False) -> str:
    """The findings and the verdict for a person; the mistakes in files are shown before.

    ``names``: only what each name in the policies was resolved to, and what is wrong.
    """
    lines: list[str] = []
    notices = [("notices", checked.notices)] if checked.notices else []
    for part, findings in (*notices, *checked.findings.items()):
        lines.append(part)
        for item in findings:
            if names and item.subject != "names" and item.verdict != "wrong":
                continue
            if "\n" in item.message:
                lines.append(fitted(f"  {item.verdict}  {item.message}"))
            else:
                lines += wrapped(f"  {item.verdict:<6} {item.subject}: {item.message}", 9)
    return "\n".join([*lines, *wrapped(checked.verdict)])


def check_all(settings: Settings, offices: Collection[str], clock: Clock, *, offline: bool) -> Checked:
    """Check the policies and, unless ``offline``, every office."""
    policies = read_folder(settings, kept_rows=last_good_versions(settings, clock))
    texts = {office: [item for file in policies.of(office) for item in _beyond_rules(file)] for office in offices}
    findings: dict[str, Sequence[Finding]] = {office: found for office, found in texts.items() if found}
    stray = nearly_policies(settings.policies)
    if not offline:
        with sessions_without_state(settings, offices, clock) as sessions:
            parts = _parts_with_mistakes(policies)
            findings = {
                session.office: check_office(
                    session, policies.of(session.office), [part for part in parts if part.office == session.office]
                )
                for session in sessions
            }
    if stray and offices:
        first = next(iter(offices))
        findings[first] = [*findings.get(first, ()), look("policies", stray)]
    notices = () if offline else tuple(_untold(settings))
    return Checked(policy_problems(settings, policies, offices), findings, offline=offline, notices=notices)


def _untold(settings: Settings) -> Iterator[Finding]:
    """Addresses that cannot be told anything here. Offices are served all the same."""
    for address in addresses_of(settings):
        for problem in address.secret.problems():
            yield look("notices", f"{address.name} is told nothing, although offices are served. {problem}")


def policy_problems(settings: Settings, policies: Policies, offices: Iterable[str]) -> tuple[Problem, ...]:
    """What is wrong with the policies; without a mistake in any, which of ``offices`` have none."""
    unserved = [office for office in offices if not policies.of(office)]
    return policies.problems or ((no_policy(settings, unserved),) if unserved else ())


def _parts_with_mistakes(policies: Policies) -> list[PolicyFile]:
    """What can be understood of the files that have mistakes: the names in them are checked at once with the rest."""
    good = {file.source.path for file in policies.files}
    paths = sorted({problem.file for problem in policies.problems if problem.line} - good)
    parts = (readable_part(read_bytes(path), path) for path in paths)
    return [part for part in parts if part is not None]


def check_office(
    session: OfficeSession, files: Sequence[PolicyFile], mistaken: Sequence[PolicyFile] = ()
) -> list[Finding]:
    """Everything that can be found out about one office by reading. Raises nothing: what fails is a finding.

    ``mistaken``: what can be understood of files with mistakes; only their names are looked up.
    """
    findings: list[Finding] = []
    try:
        for finding in _check(session, files, mistaken):
            findings.append(finding)  # noqa: PERF402  what was found before an error stays
    except OpenDentalError as error:
        findings.append(wrong("connection", str(error)))
    return findings


def _check(session: OfficeSession, files: Sequence[PolicyFile], mistaken: Sequence[PolicyFile]) -> Iterator[Finding]:
    with session.client.purpose("check"):
        names = session.mirror.read_names(session.clock.now())
        yield ok("connection", "The office answers, and the keys are right.")
        yield _version(names)
        yield from _permissions(session, (*files, *mistaken))
        yield from _texting(names)
        yield from _lists(names)
        if missing := clinics_without_policy((*files, *mistaken), names):
            yield look("clinics", missing)
        for file in (*files, *mistaken):
            try:
                policy = resolve(file, names)
            except ConfigurationError as error:
                yield from (wrong("policy", str(item), configuration=True) for item in error.problems)
                continue
            if file in mistaken:
                yield ok("names", f"{file.source.path.name} has mistakes; the names in the rest of it are known.")
                continue
            yield ok("policy", f"{file.source.path.name}: every name is known; mode {policy.mode}.")
            yield from (ok("names", f"{file.source.path.name}, {name}.") for name in resolved_names(file, names))
            yield from _beyond_rules(file)
            yield from _policy(session, policy, names)


def _beyond_rules(file: PolicyFile) -> Iterator[Finding]:
    """Hours and numbers of texts that somebody should be sure of."""
    yield from (look("texts", f"{file.source.path.name}: {sentence}") for sentence in beyond_rules(file.texts))


def _version(names: Names) -> Finding:
    if names.version is None:
        return look("version", "The office does not tell its version (preference ProgramVersion).")
    text = written(names.version)
    if not supports(names.version, "asapcomms"):
        needed = written(MINIMUM["asapcomms"])
        return wrong("version", f"Open Dental {text} is too old: offers need {needed}. Update Open Dental.")
    if not supports(names.version, "asapcomms POST recallNum"):
        needed = written(MINIMUM["asapcomms POST recallNum"])
        return look("version", f"Open Dental {text}: recalls are left out, they need {needed}.")
    return ok("version", f"Open Dental {text}.")


def _permissions(session: OfficeSession, files: Sequence[PolicyFile]) -> Iterator[Finding]:
    try:
        rows = session.client.security_perms().rows
    except (NotFound, TooOld):
        yield look("permissions", "The office does not tell the key's permissions; the first offer will.")
        return
    granted = {row.permission for row in rows if row.has_permission}
    if "ApiTextingASAP" in granted:
        yield ok("permissions", "The key may post ASAP offers.")
    else:
        yield wrong(
            "permissions",
            "The key lacks the permission TextingASAP, so no offer can be posted. Ask Open Dental to add it to your "
            "developer key and enable it for this office; a change takes up to 15 minutes.",
        )
    if any(file.commlog.write for file in files) and not granted & {"ApiComm", "ApiAllOthers"}:
        yield look("permissions", "The key lacks Comm, so no commlogs are written. Add it, or set commlog: write: no.")


def _texting(names: Names) -> Iterator[Finding]:
    if preference_flag(names.preferences, "WebSchedAsapEnabled", default=False):
        yield ok("texting", "Web Sched ASAP is switched on.")
    else:
        yield look(
            "texting",
            "Web Sched ASAP does not seem to be switched on (preference WebSchedAsapEnabled). The office needs the "
            "eServices Web Sched ASAP and Integrated Texting.",
        )
    if text_limit(names.preferences) == 0:
        yield wrong("texting", "The office's own limit is 0 ASAP texts a day (WebSchedAsapTextLimit).")


def _lists(names: Names) -> Iterator[Finding]:
    visible = [row for row in names.operatories if not row.is_hidden]
    if not visible:
        yield wrong("operatories", "The office has no visible operatory, so there is nothing to fill.")
    else:
        yield ok(
            "operatories",
            f"{counted(len(visible), 'operatory', 'operatories')}, {counted(len(names.clinics) or 'no', 'clinic')}.",
        )
    if not names.providers:
        yield look("providers", "The office lists no providers.")


def _chairs(chairs: HygieneChairs) -> Iterator[Finding]:
    """What `hygiene_chairs` goes by where Open Dental marks no operatory."""
    if chairs.marked:
        return
    goes_by = (
        "so hygiene visits and recalls are offered in hygienists' time only, other visits in the others'"
        if chairs.hygienists
        else "and no provider is a hygienist, so every visit is offered in any of them"
    )
    yield look(
        "hygiene chairs",
        f"No operatory has the tick Is Hygiene in Open Dental, {goes_by}. Tick those that are (Setup, Appointments, "
        "Operatories), or write `hygiene_chairs: no` below `openings:`.",
    )


def _policy(session: OfficeSession, policy: Policy, names: Names) -> Iterator[Finding]:
    now = session.clock.now()
    wall = office_now(now, policy.timezone)
    session.mirror.refresh(wall, policy.openings.look_ahead, [policy.clinic] if policy.clinic else [])
    yield from _excepted_patients(session, policy)
    if session.mirror.skew is None:
        yield look("clock", "No answer told the office's clock, so the time zone could not be checked.")
    elif abs(session.mirror.skew) > CLOCKS_MAY_DIFFER:
        minutes = round(session.mirror.skew.total_seconds() / 60)
        yield wrong(
            "clock",
            f"The office's clock is {minutes:+d} minutes off ours in {policy.timezone.key}: nothing would be sent. "
            "Check `timezone` in the policy and the clocks of both machines.",
        )
    else:
        yield ok("clock", f"The clocks agree ({policy.timezone.key}).")
    window = sending_window(names.preferences)
    between = policy.texts.between
    if window is not None and (closing(between.end) <= window[0] or between.start >= window[1]):
        yield wrong(
            "hours",
            f"The policy texts {between.start:%H:%M}-{between.end:%H:%M}, Open Dental sends only "
            f"{window[0]:%H:%M}-{window[1]:%H:%M}: no text would ever go out.",
        )
    office = session.mirror.office()
    if not any(row.sched_type == SchedType.PROVIDER for row in office.schedules):
        yield look("schedules", f"No provider has hours until {office.last:%b %d}: without hours nothing is free.")
    further = lambda first, last: session.client.schedules(date_start=first, date_end=last).rows  # noqa: E731  once
    if idle := idle_days(policy, office, wall.date(), further):
        yield look("schedules", idle)
    if policy.openings.hygiene_chairs:
        yield from _chairs(hygiene_chairs(office))
    asap = len(office.asap) + sum(recall.priority == "ASAP" for recall in office.recalls)
    yield Finding(
        "ok" if asap else "look",
        "ASAP list",
        f"{counted(asap, 'appointment or recall is', 'appointments and recalls are')} on the ASAP list.",
    )
    if policy.openings.notice < timedelta(minutes=LEAST_LEAD_MINUTES):
        yield look(
            "notice", f"Texts go out at least {LEAST_LEAD_MINUTES} minutes before a slot, whatever `notice` says."
        )
    if session.mirror.skew is None or abs(session.mirror.skew) <= CLOCKS_MAY_DIFFER:
        yield from _slot_search(session, policy)


def closing(end: time) -> time:
    """The end of some hours, for comparing: 00:00 is midnight at the end of the day."""
    return time.max if end == time(0) else end


def _excepted_patients(session: OfficeSession, policy: Policy) -> Iterator[Finding]:
    """Numbers of patients that nobody has: a slip of the finger leaves out the wrong one."""
    numbers = sorted(policy.candidates.except_patients)
    for number in numbers[:MOST_LOOKED_UP]:
        try:
            session.client.patient(number)
        except NotFound:
            yield look(
                "except_patients",
                f"Open Dental has no patient with the number {number}, so nobody is left out by it. Is it right?",
            )
    if len(numbers) > MOST_LOOKED_UP:
        yield ok("except_patients", f"The first {MOST_LOOKED_UP} of {len(numbers)} numbers were looked up.")


def _slot_search(session: OfficeSession, policy: Policy) -> Iterator[Finding]:
    """Our free time beside Open Dental's own search, where that can judge."""
    found = openings_now(session, policy, session.now(policy.timezone)).found
    differences, compared = compare_openings(session, policy, found)
    labels = labels_of(session.mirror.office().operatories, (), ())
    unexplained = [item for item in differences if item.cause is None]
    openings = counted(len(found.openings), "opening", "openings")
    if not compared:
        yield ok("openings", f"{openings}. Open Dental's own search cannot judge them here.")
    elif not unexplained:
        yield ok(
            "openings",
            f"{openings}. Open Dental's own search agrees on {counted(compared, 'day')} of single providers; "
            f"{counted(len(differences), 'difference is', 'differences are')} explained (asapfill openings --compare).",
        )
    for item in unexplained:
        finds, not_ = ("asapfill", "Open Dental") if item.ours else ("Open Dental", "asapfill")
        when = f"{item.start:%Y-%m-%d %H:%M}-{item.end:%H:%M}"
        where = labels.operatory(item.operatory)
        yield look("openings", f"{where}, {when}: {finds} finds it free, {not_} does not.")
