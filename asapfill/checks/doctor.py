"""``asapfill doctor``: everything that could be wrong with this installation, on one page, with remedies.

Only reads. An office is asked what ``check`` asks, and then how it is reached and how it is set up for offers. What is
wrong in one part keeps no other from being checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asapfill.checks.check import (
    Finding,
    Verdict,
    check_office,
    closing,
    exit_code_of,
    look,
    ok,
    policy_problems,
    wrong,
)
from asapfill.checks.installation import (
    check_events,
    check_files,
    check_keys,
    check_machine,
    check_notices,
    check_program,
    check_service,
    check_state,
)
from asapfill.clock import Clock
from asapfill.core.errors import ConfigurationError, Problem
from asapfill.core.office import Office, folded, operatory_name, sending_window
from asapfill.core.schedule import may_be_allowed, may_work, own_provider, provider_stretch, working_hours
from asapfill.cycle.session import OfficeSession, sessions_without_state
from asapfill.mirror.names import Names
from asapfill.opendental.errors import OpenDentalError
from asapfill.policy.for_commands import last_good_versions
from asapfill.policy.in_force import Policies, read_folder
from asapfill.policy.model import PolicyFile
from asapfill.settings.kinds import REMOTE_API, is_exposed, split_address
from asapfill.settings.settings import OfficeSettings, Settings, clock_for, find_settings, load_settings
from asapfill.words import wrapped

_WORST: tuple[Verdict, ...] = ("wrong", "look", "ok")

SLOW = 5.0
"""Seconds. A request that takes longer makes cycles late."""

MOST_NAMED = 12
"""Names in one line; an office with more of the same kind sees how many more."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One part of the page: of the installation, or an office."""

    name: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The whole page."""

    parts: tuple[Topic, ...]

    @property
    def findings(self) -> list[Finding]:
        """Every line."""
        return [finding for part in self.parts for finding in part.findings]

    @property
    def worst(self) -> Verdict:
        """The verdict of the worst line."""
        return next(verdict for verdict in _WORST if verdict in {"ok", *(f.verdict for f in self.findings)})

    @property
    def exit_code(self) -> int:
        """By the worst line, see ``exit_code_of``."""
        return exit_code_of(self.findings)

    def document(self) -> dict[str, Any]:
        """``doctor --json``."""
        return {
            "verdict": self.worst,
            "parts": [
                {"part": part.name, "findings": [item.document() for item in part.findings]} for part in self.parts
            ],
        }


def examine(
    config: Path | None, environ: Mapping[str, str], cwd: Path, office: str | None, *, offline: bool
) -> Diagnosis:
    """Look at everything. ``offline``: ask no office. ``office``: only this one; None for all."""
    parts = [Topic("program", tuple(check_program())), Topic("machine", tuple(check_machine()))]
    try:
        settings = load_settings(find_settings(config, environ, cwd), environ, with_secrets=False)
        clock = clock_for(settings)
    except ConfigurationError as error:
        parts += [Topic("settings", _mistakes("settings", error.problems)), Topic("service", tuple(check_service()))]
        return Diagnosis(tuple(parts))
    policies = read_folder(settings, kept_rows=last_good_versions(settings, clock))
    parts += [
        Topic("settings", (ok("settings", f"{settings.path} is right."), *check_files(settings))),
        Topic("keys", tuple(check_keys(settings))),
        Topic("policies", tuple(_policies(settings, policies))),
        Topic("state", tuple(check_state(settings, clock))),
        Topic("notices", tuple(check_notices(settings, clock))),
        Topic("service", tuple(check_service())),
    ]
    events = tuple(check_events(settings, clock))
    parts += [Topic("events", events)] if events else []
    wanted = [name for name in settings.offices if office in {None, name}]
    if not wanted:
        known = ", ".join(settings.offices)
        unknown = wrong("offices", f"The settings have no office {office}. They have: {known}.", configuration=True)
        parts.append(Topic("offices", (unknown,)))
    if not offline:
        parts += _offices(settings, wanted, policies, clock)
    return Diagnosis(tuple(parts))


def _mistakes(subject: str, problems: Iterable[Problem]) -> tuple[Finding, ...]:
    return tuple(wrong(subject, str(problem), configuration=True) for problem in problems)


def _policies(settings: Settings, policies: Policies) -> Iterator[Finding]:
    yield from _mistakes("policies", policy_problems(settings, policies, settings.offices))
    for file in policies.files:
        yield ok("policies", f"{file.source.path.name} for {file.office}: mode {file.mode}.")


def _offices(settings: Settings, wanted: Collection[str], policies: Policies, clock: Clock) -> Iterator[Topic]:
    for name in wanted:
        office = settings.offices[name]
        if any(secret.problems() for secret in (office.developer_key, office.customer_key)):
            reason = "It was not asked, because its keys cannot be read here (see keys)."
            yield Topic(name, (look("connection", reason),))
            continue
        with sessions_without_state(settings, [name], clock) as (session,):
            findings = check_office(session, policies.of(name))
            yield Topic(name, (*findings, *check_setup(session, policies.of(name)), *check_connection(session, office)))


def diagnosis_text(diagnosis: Diagnosis) -> str:
    """The page for a person."""
    lines: list[str] = []
    for part in diagnosis.parts:
        lines += ["", part.name] if lines else [part.name]
        for item in part.findings:
            if "\n" in item.message:
                first, *rest = item.message.split("\n")
                lines += [f"  {item.verdict:<6} {first}", *(f"         {line}" for line in rest)]
            else:
                lines += wrapped(f"  {item.verdict:<6} {item.subject}: {item.message}", 9)
    counts = Counter(item.verdict for item in diagnosis.findings)
    lines += ["", f"{counts['wrong']} wrong, {counts['look']} to look at, {counts['ok']} ok."]
    return "\n".join(lines)


def check_connection(session: OfficeSession, office: OfficeSettings) -> Iterator[Finding]:
    """How the office is reached, and how long a small request takes, the wait at its gate included."""
    ways = ", then ".join("remote API" if REMOTE_API in url else "the office's own address" for url in office.urls)
    exposed = [parts.hostname for parts in map(split_address, filter(is_exposed, office.urls)) if parts]
    if exposed:
        yield look(
            "plain http",
            f"Keys and patients' data go unencrypted to {', '.join(map(str, exposed))}, as the settings allow. Put "
            "https:// or a tunnel (VPN) in its place, and take `plain_http` out.",
        )
    elif office.plain_http:
        yield look("plain http", "No address needs `plain_http`: take it out of the settings.")
    try:
        with session.client.purpose("check"):
            session.client.program_version()
            began = session.clock.monotonic()
            session.client.program_version()
            seconds = session.clock.monotonic() - began
    except OpenDentalError:
        return  # said already, under connection
    yield (ok if seconds < SLOW else look)("speed", f"By {ways}: a request takes {seconds * 1000:.0f} ms.")


def check_setup(session: OfficeSession, files: Sequence[PolicyFile]) -> Iterator[Finding]:
    """What the office has set up in a way that leaves time unused or texts unsent."""
    try:
        names = session.mirror.read_names(session.clock.now())
    except OpenDentalError:
        return  # said already, under connection
    for file in files:
        yield from _hours(file, names)
    yield from _texting(names)
    yield from _blockout_types(names, files)
    if files and session.mirror.skew is not None:
        yield from _without_hours(session.mirror.office())


def _hours(file: PolicyFile, names: Names) -> Iterator[Finding]:
    """The policy's hours beside those in which Open Dental sends; hours that never meet are said by ``check``."""
    between, window = file.texts.between, sending_window(names.preferences)
    begins, ends = between.start, closing(between.end)
    wanted = f"{file.source.path.name} texts {begins:%H:%M}-{between.end:%H:%M}"
    if window is None:
        yield ok("hours", f"{wanted}; Open Dental sends at any hour.")
        return
    opens, closes = window[0], closing(window[1])
    sends = f"Open Dental sends {opens:%H:%M}-{window[1]:%H:%M}"
    if opens <= begins and ends <= closes:
        yield ok("hours", f"{wanted}; {sends}.")
    elif begins < closes and opens < ends:
        both = f"{max(begins, opens):%H:%M}-{min(ends, closes):%H:%M}"
        yield look("hours", f"{wanted}, but {sends}: texts go out {both} only.")


def _texting(names: Names) -> Iterator[Finding]:
    """Open Dental: without clinics texting is on when SmsContractDate is set; with clinics each has its own."""
    contract = names.preferences.get("SmsContractDate")
    if not names.clinics and contract is not None and (not contract.strip() or contract.startswith("0001")):
        yield look(
            "texting",
            "Integrated Texting does not seem to be switched on (preference SmsContractDate is empty): texts would be "
            "suppressed. In Open Dental: eServices Setup, Texting.",
        )


def _blockout_types(names: Names, files: Sequence[PolicyFile]) -> Iterator[Finding]:
    """Types without the flag NS, which staff may book over, and of which no policy says anything."""
    named = {
        folded(name)
        for file in files
        for listed in (file.openings.blockouts_allowed, file.openings.hygiene_only_in, file.openings.recalls_only_in)
        for name in listed
    }
    unnamed = [
        row.item_name.strip()
        for row in names.blockout_types
        if may_be_allowed(row) and folded(row.item_name) not in named
    ]
    if unnamed:
        yield look(
            "blockout types",
            f"Staff may book over {_listed(unnamed)} (no flag NS); asapfill does not, unless the policy names the type "
            "in `blockouts_allowed`, `hygiene_only_in` or `recalls_only_in`.",
        )
    elif names.blockout_types:
        yield ok("blockout types", "Each has the flag NS or is named in a policy.")


def _without_hours(office: Office) -> Iterator[Finding]:
    """Visible operatories in which nobody works, and providers of operatories who do not, on all the days read."""
    visible = [row for row in office.operatories if not row.is_hidden]
    working = working_hours(office)
    idle = [operatory_name(row) for row in visible if not working.get(row.operatory_num)]
    days = f"{office.first:%b %d} to {office.last:%b %d}"
    if idle:
        yield look("operatories", f"Nobody has hours in {_listed(idle)}, {days}: nothing is free there. Is that so?")
    at_work = {row.prov_num for row in office.schedules if provider_stretch(row) is not None}
    own = {own_provider(row, office) for row in visible}
    away = [
        row.abbr.strip()
        for row in office.providers
        if row.prov_num in own and row.prov_num not in at_work and may_work(row)
    ]
    if away:
        have = "has" if len(away) == 1 else "have"
        yield look("providers", f"{_listed(away)} {have} operatories and no hours, {days}. Is that so?")


def _listed(names: Iterable[str]) -> str:
    """Names in a sentence, not too many."""
    found = list(names)
    more = len(found) - MOST_NAMED
    return ", ".join(found[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
