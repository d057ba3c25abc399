"""``asapfill policy diff``: what an edit changes, in sentences, and what today's plan gains and loses by it.

Names of the office are compared as they are written; where its lists are known, by those (``resolve.as_shown``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from asapfill.clock import Clock
from asapfill.core.errors import ConfigurationError
from asapfill.core.offer import NewOffer
from asapfill.core.office import Labels, OfficeNames, folded
from asapfill.core.openings import LeftAlone
from asapfill.core.policy import Hours
from asapfill.cycle.cycle import plan_cycle
from asapfill.cycle.plan import PlanTime
from asapfill.cycle.results import ClinicResult
from asapfill.cycle.session import OfficeSession, sessions_to_read
from asapfill.policy.formats import as_written, in_words
from asapfill.policy.in_force import claim, no_policy, read_folder
from asapfill.policy.keys import Key
from asapfill.policy.model import KEYS, PolicyFile
from asapfill.policy.reading import parse_policy, read_policy
from asapfill.policy.resolve import as_shown
from asapfill.policy_tools.reference import quoted_name
from asapfill.report.documents import offered
from asapfill.settings.settings import Settings
from asapfill.store.database import moment_of, open_for_reading
from asapfill.store.offices import KeptPolicy, kept_policies
from asapfill.words import wrapped

Effect = Literal["more", "less", "both", "other"]


RANKS = ("preview", "ask", "automatic", "skip", "text")
"""Words of which a later one allows more."""


MODES = {
    "preview": "Nothing is sent any more; `asapfill plan` shows what would be.",
    "ask": "Offers wait until somebody says yes (`asapfill approve`).",
    "automatic": "Texts go out without anybody's yes.",
}
IN_MODE = MODES | {"preview": "Nothing is sent; `asapfill plan` shows what would be."}
BOTH = "Allows more in one way, less in another"
HEADINGS: dict[Effect, str] = {"more": "Allows more", "less": "Allows less", "both": BOTH, "other": "Also changes"}


@dataclass(frozen=True, slots=True)
class Change:
    """One key whose meaning changed. ``effect``: whether more or less may be sent, as far as that can be told.

    ``both``: more in one way and less in another.
    """

    key: str
    before: str
    after: str
    effect: Effect
    sentence: str


def compare(before: PolicyFile, after: PolicyFile, was: str = "Until now") -> tuple[Change, ...]:
    """Every key whose meaning differs, in the order of the reference. ``was``: what the sentences call ``before``."""
    changes = []
    for key in KEYS:
        old, new = (_meaning(key, _value(policy, key)) for policy in (before, after))
        if old != new:
            shown = words(key, _value(before, key)), words(key, _value(after, key))
            sentence = MODES[shown[1]] if key.path == "mode" else key.says.format(shown[1]) + "."
            sentence += f" {was}: {shown[0]}.{_difference(before, after, key)}"
            changes.append(Change(key.path, *shown, _effect(key, old, new), sentence))
    return tuple(changes)


def _value(policy: PolicyFile, key: Key) -> Any:  # noqa: ANN401  each key has its own type
    return getattr(getattr(policy, key.section) if key.section else policy, key.name)


def _meaning(key: Key, value: Any) -> Any:  # noqa: ANN401  as above
    """A value so that two that mean the same are equal; what is a set of things becomes one."""
    if isinstance(value, ZoneInfo):
        return value.key
    if not isinstance(value, tuple):
        return value if key.name == "office" else _folded(value)
    if key.path == "order":
        return value
    if all(isinstance(item, frozenset) for item in value):
        return frozenset().union(*value)
    return frozenset(_folded(item) for item in value)


def _folded(item: object) -> object:
    return folded(item) if isinstance(item, str) else item


def _effect(key: Key, old: Any, new: Any) -> Effect:  # noqa: ANN401  as above
    """Whether the change lets more be sent. None stands for all or auto; auto cannot be compared."""
    if key.wider == "neither" or (None in (old, new) and key.name in {"per_opening", "wave", "wait"}):
        return "other"
    grows = _within(old, new)
    if grows == _within(new, old):
        return "other" if grows else "both"
    return "more" if grows == (key.wider == "more") else "less"


def _within(one: Any, other: Any) -> bool:  # noqa: ANN401  as above
    """Whether everything that ``one`` allows or names is in ``other``, or ``one`` is at most as large."""
    if other is None:
        return True
    if one is None:
        return False
    if isinstance(one, Hours):
        return bool(other.start <= one.start and _end(one) <= _end(other))
    if isinstance(one, str) and one in RANKS:
        return RANKS.index(one) <= RANKS.index(other)
    return bool(one <= other)


def _end(hours: Hours) -> timedelta:
    """The end of a stretch of the day; 00:00 is the midnight at its end."""
    return timedelta(hours=hours.end.hour or (0 if hours.end.minute else 24), minutes=hours.end.minute)


def _difference(before: PolicyFile, after: PolicyFile, key: Key) -> str:
    """What came into a list of names and what went, where that is hard to see."""
    lists = _value(before, key), _value(after, key)
    if key.path == "order" or not all(isinstance(value, tuple) for value in lists) or key.name == "days":
        return ""
    old, new = ({_folded(item): str(item) for item in value} for value in lists)
    added = [new[item] for item in new if item not in old]
    gone = [old[item] for item in old if item not in new]
    return (f" New: {', '.join(added)}." if added and old else "") + (
        f" Gone: {', '.join(gone)}." if gone and new else ""
    )


def words(key: Key, value: Any) -> str:  # noqa: ANN401  as above
    """A value as a person writes it."""
    if value is None:
        return {"clinic": "none", "operatories": "all"}.get(key.name, "auto")
    if isinstance(value, timedelta):
        return in_words(value)
    if not isinstance(value, tuple):
        return str(as_written(value))
    if value and all(isinstance(item, frozenset) for item in value):
        value = as_written(frozenset().union(*value))
    return ", ".join(map(str, value)) or "none"


@dataclass(frozen=True, slots=True)
class Edit:
    """A policy and what it is compared with. ``before`` None: nothing was in force; the defaults are compared."""

    after: PolicyFile
    before: PolicyFile | None
    against: str

    def changes(self, plan: PlanChange | None) -> tuple[Change, ...]:
        """What differs; by the names of the office, where ``plan`` knows them."""
        names = plan.names if plan is not None else None
        versions = (self.before or _defaults(self.after), self.after)
        before, after = (version if names is None else as_shown(version, names) for version in versions)
        return compare(before, after, *(("By default",) if self.before is None else ()))


@dataclass(frozen=True, slots=True)
class PlanChange:
    """What one cycle would do differently. ``errors``: why that could not be told.

    ``planned_for``: the moment, in words; empty: now. ``quiet``: no text goes out at that moment, so nothing differs.
    ``names``: the office's lists. ``unsettled``: time that only the edit allows is too new to asapfill to be offered.
    """

    openings_before: int = 0
    openings_after: int = 0
    added: tuple[NewOffer, ...] = ()
    removed: tuple[NewOffer, ...] = ()
    labels: Labels = field(default_factory=Labels)
    planned_for: str = ""
    quiet: bool = False
    errors: tuple[str, ...] = ()
    configuration: bool = False
    names: OfficeNames | None = None
    unsettled: bool = False


def find_edits(settings: Settings, clock: Clock, file: Path | None, against: Path | None) -> list[Edit]:
    """The policies to compare: ``file``, or every one in the folder; with ``against``, or the version in force.

    Raises:
        ConfigurationError: a file has mistakes, or there is none.
    """
    with open_for_reading(settings.state, clock) as store:
        kept = kept_policies(store)
    folder = read_folder(settings, kept_rows=kept)
    if file is None and (folder.problems or not folder.files):
        raise ConfigurationError(folder.problems or (no_policy(settings, settings.offices),))
    return [_edit(after, against, kept, folder.files) for after in ([read_policy(file)] if file else folder.files)]


def _edit(after: PolicyFile, against: Path | None, kept: Sequence[KeptPolicy], folder: Iterable[PolicyFile]) -> Edit:
    """One policy with the version it takes the place of."""
    if against is not None:
        return Edit(after, read_policy(against), against.name)
    for row in kept:
        before = parse_policy(row.text.encode(), Path(row.file))
        if claim(before) == claim(after) or row.file == after.source.path.name:
            since = moment_of(row.at).astimezone(after.timezone)
            return Edit(after, before, f"the version in force since {since:%Y-%m-%d %H:%M}")
    for other in folder:
        if claim(other) == claim(after) and other.source.path.resolve() != after.source.path.resolve():
            return Edit(after, other, other.source.path.name)
    return Edit(after, None, "the defaults, because no version was in force yet")


def _defaults(policy: PolicyFile) -> PolicyFile:
    """The policy of the same clinic that says nothing else."""
    clinic = f"clinic: {quoted_name(policy.clinic)}\n" if policy.clinic else ""
    text = f"office: {quoted_name(policy.office)}\ntimezone: {policy.timezone.key}\n{clinic}"
    return parse_policy(text.encode(), Path("defaults"))


def compare_plans(
    settings: Settings, clock: Clock, edits: Sequence[Edit], at: PlanTime | None = None
) -> list[PlanChange]:
    """What one cycle now, or ``at`` another time, would do by the old and the new version of each policy. Only looks.

    Raises:
        StoreError: the state cannot be read.
    """
    offices = {edit.after.office for edit in edits}
    with sessions_to_read(settings, offices, clock) as sessions:
        by_office = {session.office: session for session in sessions}
        return [_compared(by_office.get(edit.after.office), edit, at) for edit in edits]


def _compared(session: OfficeSession | None, edit: Edit, at: PlanTime | None) -> PlanChange:
    if session is None:
        return PlanChange(errors=(f"The settings have no office {edit.after.office}.",), configuration=True)
    before, after = (_planned(session, version, at) for version in (edit.before, edit.after))
    troubles = [trouble for result in (*before, *after) for trouble in result.errors]
    if troubles:
        errors = tuple(trouble.message for trouble in troubles)
        return PlanChange(
            errors=errors, names=session.mirror.names, configuration=any(trouble.configuration for trouble in troubles)
        )
    old, new = (
        {_place(line.offer): line.offer for result in results for line in result.offers} for results in (before, after)
    )
    quiet = any(item.reason.code == "quiet_hours" for result in (*before, *after) for item in result.skipped)
    settling, settling_after = (
        {_stretch(item) for result in results for item in result.left_alone if item.reason.code == "settling"}
        for results in (before, after)
    )
    return PlanChange(
        names=session.mirror.names,
        unsettled=bool(before and settling_after - settling),
        labels=next((result.labels for result in after), Labels()),
        planned_for=next((f"{result.now:%a %Y-%m-%d %H:%M}" for result in after if result.as_if), ""),
        quiet=quiet and not old and not new,
        openings_before=sum(len(result.openings) for result in before),
        openings_after=sum(len(result.openings) for result in after),
        added=tuple(offer for place, offer in new.items() if place not in old),
        removed=tuple(offer for place, offer in old.items() if place not in new),
    )


def _stretch(item: LeftAlone) -> tuple[object, ...]:
    return item.operatory, item.provider, item.start, item.end


def _planned(session: OfficeSession, version: PolicyFile | None, at: PlanTime | None) -> list[ClinicResult]:
    """The plan by one version; none for a version that is not there, or for another office."""
    return plan_cycle(session, [version], at=at) if version is not None and version.office == session.office else []


def _place(offer: NewOffer) -> tuple[object, ...]:
    return offer.kind, offer.number, offer.operatory, offer.start


def diff_document(edits: Sequence[Edit], plans: Sequence[PlanChange | None]) -> dict[str, Any]:
    """``policy diff --json``."""
    return {
        "policies": [
            {
                "file": str(edit.after.source.path),
                "office": edit.after.office,
                "against": edit.against,
                "changes": [
                    {"key": item.key, "before": item.before, "after": item.after, "effect": item.effect,
                     "sentence": item.sentence}
                    for item in edit.changes(plan)
                ],
                "plan": None if plan is None or plan.errors else {
                    "openings_before": plan.openings_before,
                    "openings_after": plan.openings_after,
                    "added": [offered(offer, plan.labels) for offer in plan.added],
                    "removed": [offered(offer, plan.labels) for offer in plan.removed],
                    "planned_for": plan.planned_for or None,
                },
                "errors": list(plan.errors) if plan is not None else [],
            }
            for edit, plan in zip(edits, plans, strict=True)
        ]
    }  # fmt: skip


def diff_text(edits: Sequence[Edit], plans: Sequence[PlanChange | None]) -> str:
    """The same for a person."""
    return "\n\n".join("\n".join(_lines(edit, plan)) for edit, plan in zip(edits, plans, strict=True))


def _lines(edit: Edit, plan: PlanChange | None) -> Iterable[str]:
    name, changes = edit.after.source.path.name, edit.changes(plan)
    if edit.before is None:
        told = f"{name}: nothing is in force for {edit.after.office} yet, so there is nothing to compare it with."
        yield from wrapped(told, 2)
        yield from wrapped(f"  Once asapfill works by it: mode {edit.after.mode}. {IN_MODE[edit.after.mode]}", 2)
        yield "What it says otherwise than the defaults" if changes else "It says nothing otherwise than the defaults."
        for change in changes:
            yield from wrapped(f"  {change.sentence}", 4)
    else:
        yield f"{name}, compared with {edit.against}"
        if not changes:
            yield "  Nothing changes: both say the same."
        for effect, heading in HEADINGS.items():
            of_kind = [change for change in changes if change.effect == effect]
            if of_kind:
                yield heading
            for change in of_kind:
                yield from wrapped(f"  {change.sentence}", 4)
    if plan is not None and not plan.errors:
        yield from _plan_lines(plan, first=edit.before is None)


def _plan_lines(plan: PlanChange, *, first: bool) -> Iterable[str]:
    yield f"One cycle as if it were {plan.planned_for}" if plan.planned_for else "One cycle now"
    yield f"  Openings: {plan.openings_after}." + ("" if first else f" Until now: {plan.openings_before}.")
    if plan.unsettled:
        told = "Time that only the edit allows is not among them yet: it must have been free for a while (`settle`)."
        yield from wrapped(f"  {told}", 2)
    for sign, offers in (("+", plan.added), ("-", plan.removed)):
        for offer in offers:
            yield from wrapped(f"  {sign} {_offer_words(offer, plan.labels)}", 6)
    if plan.quiet:
        yield from wrapped("  No text goes out at that time. To see another time, for example: --at 10:00", 2)
    elif not plan.added and not plan.removed:
        yield "  No offer." if first else "  The same offers."


def _offer_words(offer: NewOffer, labels: Labels) -> str:
    when = f"{offer.start:%a %m-%d %H:%M}-{offer.end:%H:%M}"
    where = f"{labels.operatory(offer.operatory)}, {labels.provider(offer.provider)}"
    return f"{when}, {where}: {offer.kind} {offer.number}, patient {offer.patient}"
