"""``check`` over files and offices, and the verdict at its end. What is asked of one office is in ``readiness``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from asapfill.checks.findings import Finding, Verdict, exit_code_of
from asapfill.checks.readiness import check_office
from asapfill.clock import Clock
from asapfill.core.errors import Problem
from asapfill.cycle.session import sessions_without_state
from asapfill.policy.in_force import Policies, last_good_versions, no_policy, read_folder
from asapfill.policy.model import PolicyFile
from asapfill.policy.reading import read_bytes, readable_part
from asapfill.settings.settings import Settings
from asapfill.words import counted, fitted, wrapped


@dataclass(frozen=True, slots=True)
class Checked:
    """What ``check`` found: mistakes in files, and findings per office."""

    problems: tuple[Problem, ...]
    findings: Mapping[str, Sequence[Finding]]
    offline: bool = False

    @property
    def verdict(self) -> str:
        """The one sentence at the end."""
        wrong = len(self.problems) + len(self._found("wrong"))
        look = counted(len(self._found("look")), "thing", "things")
        if wrong:
            also = f", {look} to look at" if self._found("look") else ""
            return f"Verdict: NOT READY. {counted(wrong, 'thing is', 'things are')} wrong{also}; see above."
        if self.offline:
            return "Verdict: settings and policies are right. No office was asked for its names."
        return f"Verdict: ready. {look} to look at; see above." if self._found("look") else "Verdict: all is well."

    def _found(self, verdict: Verdict) -> list[Finding]:
        return [finding for findings in self.findings.values() for finding in findings if finding.verdict == verdict]

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
                    "file": str(item.file),
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
        }


def checked_text(checked: Checked) -> str:
    """The findings and the verdict for a person; the mistakes in files are shown before."""
    lines: list[str] = []
    for office, findings in checked.findings.items():
        lines.append(office)
        for item in findings:
            if "\n" in item.message:
                lines.append(fitted(f"  {item.verdict}  {item.message}"))
            else:
                lines += wrapped(f"  {item.verdict:<6} {item.subject}: {item.message}", 9)
    return "\n".join([*lines, checked.verdict])


def check_all(settings: Settings, offices: Collection[str], clock: Clock, *, offline: bool) -> Checked:
    """Check the policies and, unless ``offline``, every office."""
    policies = read_folder(settings, kept_rows=last_good_versions(settings, clock))
    findings: dict[str, Sequence[Finding]] = {}
    if not offline:
        with sessions_without_state(settings, offices, clock) as sessions:
            parts = _parts_with_mistakes(policies)
            findings = {
                session.office: check_office(
                    session, policies.of(session.office), [part for part in parts if part.office == session.office]
                )
                for session in sessions
            }
    return Checked(policy_problems(settings, policies, offices), findings, offline=offline)


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
