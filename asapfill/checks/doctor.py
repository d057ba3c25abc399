"""``asapfill doctor``: everything that could be wrong with this installation, on one page, with remedies.

Only reads, and asks the offices what ``check`` asks and how they are set up. What is wrong in one part keeps no other
from being checked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asapfill.checks.check import policy_problems
from asapfill.checks.findings import Finding, Verdict, exit_code_of, look, ok, wrong
from asapfill.checks.installation import check_events, check_files, check_keys, check_notices, check_state
from asapfill.checks.machine import check_machine, check_program, check_service
from asapfill.checks.office_setup import check_connection, check_setup
from asapfill.checks.readiness import check_office
from asapfill.clock import Clock
from asapfill.core.errors import ConfigurationError, Problem
from asapfill.cycle.session import sessions_without_state
from asapfill.policy.in_force import Policies, last_good_versions, read_folder
from asapfill.settings.settings import Settings, find_settings, load_settings
from asapfill.settings.simulated import clock_for
from asapfill.words import wrapped

_WORST: tuple[Verdict, ...] = ("wrong", "look", "ok")


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
