"""From the names in a policy to the numbers in the office.

Operatories, providers, blockout types, the clinic and the commlog type are looked up in the lists of one office.

A name is right when exactly one row of the office can be meant. Anything else stops the policy with a problem; a name
never silently means nothing, because an exclusion that means nothing would allow what the office manager forbade.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from asapfill.core.errors import ConfigurationError, Problem
from asapfill.core.office import OfficeNames, folded, operatory_both
from asapfill.core.policy import CandidatesPolicy, CommlogPolicy, OpeningsPolicy, Policy, TextsPolicy
from asapfill.core.rows import Clinic, Definition
from asapfill.core.schedule import may_be_allowed
from asapfill.policy.model import PolicyFile
from asapfill.policy.tree import Location
from asapfill.words import nearest, turns_round

MOST_LISTED = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """One row that a name may mean.

    ``hidden``: staff do not see it in Open Dental. ``shown``: what lists call it. ``closed``: no policy may name it.
    """

    number: int
    labels: tuple[str, ...]
    hidden: bool
    shown: str
    closed: bool = False

    def __str__(self) -> str:
        return f"{f'“{self.shown}”' if self.shown.strip() else 'one without a name'} (number {self.number})"


def matching_rows(name: str, choices: Sequence[Choice]) -> list[Choice]:
    """The rows that ``name`` may mean: written exactly so, else with case and blanks forgiven; or by number."""
    exact = [choice for choice in choices if name in choice.labels]
    forgiven = [choice for choice in choices if folded(name) in {folded(label) for label in choice.labels}]
    named = exact or forgiven
    number = int(name) if re.fullmatch("[0-9]{1,18}", name) else 0
    numbered = [choice for choice in choices if choice.number == number]
    return named + [choice for choice in numbered if choice not in named]


def mistakable(name: str, choices: Sequence[Choice]) -> list[Choice]:
    """The other rows that a bare number may mean, because it is part of their names: 9 is "Op 9" to most people.

    None where the number itself is a name.
    """
    if not re.fullmatch("[0-9]{1,18}", name) or any(
        folded(name) == folded(label) for c in choices for label in c.labels
    ):
        return []
    return [
        choice
        for choice in choices
        if choice.number != int(name)
        and any(int(run) == int(name) for label in choice.labels for run in re.findall("[0-9]{1,18}", label))
    ]


def several_names(name: str, choices: Sequence[Choice]) -> str:
    """What to write instead of ``Op 1, Op 2``; empty where that is not what was meant."""
    parts = [part.strip() for part in name.split(",") if part.strip()]
    if len(parts) > 1 and all(matching_rows(part, choices) for part in parts):
        return f"Several names stand in brackets: [{', '.join(parts)}]."
    return ""


def _letters(label: str) -> str:
    """A label without the signs that people forget: HYG-4 and hyg 4 look the same."""
    return "".join(sign for sign in folded(label) if sign.isalnum())


def perhaps_meant(name: str, choices: Sequence[Choice]) -> str:
    """What was perhaps meant, and what there is, both in the names that lists show."""
    choices, everything = [choice for choice in choices if not choice.closed], choices
    shown = {folded(label): choice.shown for choice in choices for label in choice.labels if label.strip()}
    alike = nearest(folded(name), shown, most=3, cutoff=0.5)
    near = dict.fromkeys(shown[key] for key in alike if not turns_round(name, shown[key]))
    same = dict.fromkeys(shown[key] for key in shown if _letters(key) == _letters(name))
    near = same if len(same) == 1 else near
    guess = f"Did you mean {' or '.join(f'“{label}”' for label in near)}? " if near else ""
    return guess + listed(choices, "There are" if len(choices) == len(everything) else "Those that may be named")


def listed(choices: Sequence[Choice], called: str = "There are") -> str:
    """The names that staff see, as many as can be read; ``called``: what they are called."""
    names = [name for name in dict.fromkeys(choice.shown for choice in choices if not choice.hidden) if name.strip()]
    if not names:
        return "There are none."
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return f"{called}: {', '.join(names[:MOST_LISTED])}{more}."


def shown_as(name: str, choices: Sequence[Choice]) -> str:
    """What lists call the one row that ``name`` means; the name itself where that cannot be told."""
    matching = matching_rows(name, [choice for choice in choices if choice.number])
    meant = [choice for choice in matching if not choice.hidden] or matching
    return meant[0].shown if len(meant) == 1 and meant[0].shown.strip() else name


APPOINTMENT_USAGE = "APPT"
"""Open Dental marks the commlog type it uses for appointments itself with this word in ItemValue."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What sort of thing a name stands for, in words."""

    one: str
    many: str
    whose: str = "of the office"


PROVIDER = _Kind("provider", "providers")
BLOCKOUT = _Kind("blockout type", "blockout types")
COMMLOG = _Kind("commlog type", "commlog types")
CLINIC = _Kind("clinic", "clinics")
BLOCKOUT_KEYS = ("blockouts_allowed", "hygiene_only_in", "recalls_only_in")


def resolve(written: PolicyFile, names: OfficeNames) -> Policy:
    """The policy with every name turned into its number; what is no name is taken as it is.

    Operatories are looked up among those of the policy's clinic and those of none. Of several rows with the same name
    the one that is not hidden is meant; an exclusion takes the hidden ones with it.

    Raises:
        ConfigurationError: with every name that the office does not have or that could mean several rows.
    """
    lookup = _Lookup(written)
    clinic = _clinic(lookup, written, names.clinics)
    openings = _openings(lookup, written, names, clinic)
    commlog_type = _commlog_type(lookup, written, names.commlog_types)
    if lookup.problems:
        raise ConfigurationError(sorted(lookup.problems, key=lambda problem: (problem.line, problem.column)))
    candidates, texts = written.candidates, written.texts
    people = {"include": frozenset(candidates.include), "except_patients": frozenset(candidates.except_patients)}
    resolved = {
        "clinic": clinic or 0,
        "openings": openings,
        "candidates": CandidatesPolicy(**dict(candidates) | people),
        "texts": TextsPolicy(**dict(texts) | {"days": frozenset().union(*texts.days)}),
        "commlog": CommlogPolicy(**dict(written.commlog) | {"type": commlog_type}),
    }
    return Policy(**dict(written) | resolved)


def _openings(lookup: _Lookup, written: PolicyFile, names: OfficeNames, clinic: int | None) -> OpeningsPolicy:
    """The openings' part. ``clinic`` None: which operatories are meant cannot be told, so they are not looked up."""
    wanted = written.openings
    chosen, excepted = (wanted.operatories, wanted.except_operatories) if clinic is not None else (None, ())
    rooms = _Kind("operatory", "operatories", "of this clinic" if clinic else "of the office")
    operatories, providers = _operatories(names, clinic), _providers(names)
    resolved = {
        "operatories": None if chosen is None else lookup.numbers("operatories", chosen, operatories, rooms),
        "except_operatories": lookup.numbers("except_operatories", excepted, operatories, rooms),
        "except_providers": lookup.numbers("except_providers", wanted.except_providers, providers, PROVIDER),
        **{key: _blockouts(lookup, names.blockout_types, key, getattr(wanted, key)) for key in BLOCKOUT_KEYS},
        "days": frozenset().union(*wanted.days),
    }
    return OpeningsPolicy(**dict(wanted) | resolved)


def _operatories(names: OfficeNames, clinic: int | None) -> list[Choice]:
    return [
        Choice(row.operatory_num, (row.op_name, row.abbrev, operatory_both(row)), row.is_hidden, operatory_both(row))
        for row in names.operatories
        if not clinic or row.clinic_num in {0, clinic}
    ]


def _providers(names: OfficeNames) -> list[Choice]:
    return [
        Choice(row.prov_num, (row.abbr,), row.is_hidden or row.prov_status == "Deleted", row.abbr)
        for row in names.providers
    ]


def as_shown(written: PolicyFile, names: OfficeNames) -> PolicyFile:
    """The file with its names as the lists show them, so that files that mean the same say the same. To compare only.

    A name that could not be used stays as it is written.
    """
    lookup = _Lookup(written)
    operatories = _operatories(names, _clinic(lookup, written, names.clinics))
    lists = {
        "operatories": operatories,
        "except_operatories": operatories,
        "except_providers": _providers(names),
        **dict.fromkeys(BLOCKOUT_KEYS, _definitions(names.blockout_types)),
    }
    openings = {
        key: None if value is None else tuple(dict.fromkeys(shown_as(name, choices) for name in value))
        for key, choices in lists.items()
        for value in [getattr(written.openings, key)]
    }
    kind = shown_as(written.commlog.type, _definitions(names.commlog_types))
    return written.model_copy(
        update={
            "openings": written.openings.model_copy(update=openings),
            "commlog": written.commlog.model_copy(update={"type": kind}),
        }
    )


def claimed_twice(policies: Iterable[tuple[PolicyFile, Policy]]) -> tuple[Problem, ...]:
    """A problem for each resolved policy whose clinic another one claims too: by number here, by name there."""
    pairs = list(policies)
    problems = []
    for written, policy in pairs:
        others = [
            other.source.path.name
            for other, claim in pairs
            if other is not written and (claim.office, claim.clinic) == (policy.office, policy.clinic)
        ]
        if others:
            message = f"{', '.join(others)} is for the same clinic. Neither is used."
            problems.append(written.source.problem(("clinic",), message, "Keep one of them."))
    return tuple(problems)


def _blockouts(lookup: _Lookup, types: Sequence[Definition], key: str, names: Sequence[str]) -> frozenset[int]:
    """The blockout types below ``openings`` that may be offered over, each of which must be one that can be.

    Open Dental: nothing may be scheduled over a type marked NS; whatever the policy says, its time stays closed.
    """
    rows = {row.def_num: row for row in types}
    choices = [replace(choice, closed=not may_be_allowed(rows[choice.number])) for choice in _definitions(types)]
    numbers = set()
    for position, name in enumerate(names):
        location = ("openings", key, position)
        for number in lookup.found(location, name, choices, BLOCKOUT)[:1]:
            numbers.add(number)
            if not may_be_allowed(rows[number]):
                why = "hidden" if rows[number].is_hidden else "marked NS (nothing scheduled)"
                hint = f"Take it out of `{key}`, or change the type in Open Dental: Setup, Definitions, Blockout Types."
                lookup.note(location, f"“{name}” is {why} in Open Dental: its time is never offered.", hint)
    return frozenset(numbers)


def clinic_of(written: PolicyFile, names: OfficeNames) -> int | None:
    """The ClinicNum a policy is for (0 in an office without clinics), None when it cannot be told."""
    return _clinic(_Lookup(written), written, names.clinics)


def _definitions(rows: Iterable[Definition]) -> list[Choice]:
    return [Choice(row.def_num, (row.item_name,), row.is_hidden, row.item_name) for row in rows]


def _clinic(lookup: _Lookup, written: PolicyFile, clinics: Sequence[Clinic]) -> int | None:
    """The ClinicNum, 0 for an office without clinics, None when it could not be told (and was noted)."""
    choices = [
        Choice(row.clinic_num, (row.description, row.abbr), row.is_hidden, row.description.strip() or row.abbr)
        for row in clinics
    ]
    if written.clinic is None and not choices:
        return 0
    if written.clinic is None:
        hint = f"Add a line clinic: NAME, one policy file per clinic. {listed(choices)}"
        lookup.note(("office",), "The office uses clinics, and this policy does not say for which it is.", hint)
        return None
    if not choices:
        hint = "Take the line out. (In Open Dental, clinics are off or this key may not see them.)"
        lookup.note(("clinic",), "The office does not use clinics.", hint)
        return None
    return next(iter(lookup.found(("clinic",), written.clinic, choices, CLINIC)), None)


def _commlog_type(lookup: _Lookup, written: PolicyFile, types: Sequence[Definition]) -> int | None:
    """The DefNum of the commlog type.

    A type that the person wrote must exist. The default gives way to the type that the office itself uses for
    appointments, if it has one.
    """
    choices = _definitions(types)
    name = written.commlog.type
    if "commlog" in written.model_fields_set and "type" in written.commlog.model_fields_set:
        return next(iter(lookup.found(("commlog", "type"), name, choices, COMMLOG)), None)
    visible = [choice for choice in choices if not choice.hidden and choice.number]
    named = matching_rows(name, visible)
    usual = [row.def_num for row in types if APPOINTMENT_USAGE in row.item_value.upper() and not row.is_hidden]
    return named[0].number if len(named) == 1 else min((number for number in usual if number), default=None)


@dataclass(frozen=True, slots=True)
class ResolvedName:
    """What a name in a policy was resolved to. ``key``: where it stands. ``shown``: as lists of the office call it."""

    key: str
    written: str
    shown: str
    number: int

    def __str__(self) -> str:
        return f"{self.key}: {self.written} is {self.shown or 'one without a name'} (number {self.number})"


def resolved_names(written: PolicyFile, names: OfficeNames) -> tuple[ResolvedName, ...]:
    """What each name in a policy was resolved to, in the order of the keys; names with a problem are left out."""
    lookup = _Lookup(written)
    clinic = _clinic(lookup, written, names.clinics)
    _openings(lookup, written, names, clinic)
    _commlog_type(lookup, written, names.commlog_types)
    return tuple(lookup.resolved)


@dataclass
class _Lookup:
    """One resolution of one policy file: looks names up and collects what is wrong."""

    written: PolicyFile
    problems: list[Problem] = field(default_factory=list)
    resolved: list[ResolvedName] = field(default_factory=list)

    def note(self, location: Location, message: str, hint: str) -> None:
        """Note a problem at a place of the file."""
        self.problems.append(self.written.source.problem(location, message, hint))

    def numbers(self, key: str, names: Iterable[str], choices: Sequence[Choice], kind: _Kind) -> frozenset[int]:
        """The numbers meant by a list of names below ``openings``: one for each name.

        Exclusions take the hidden rows of the same name with them: leaving out more is safe.
        """
        most = None if key.startswith("except_") else 1
        found = [self.found(("openings", key, position), name, choices, kind) for position, name in enumerate(names)]
        return frozenset(number for numbers in found for number in numbers[:most])

    def found(self, location: Location, name: str, choices: Sequence[Choice], kind: _Kind) -> tuple[int, ...]:
        """The number ``name`` means, then those of hidden rows of the same name; empty when noted as wrong."""
        matching = matching_rows(name, [choice for choice in choices if choice.number])
        visible = [choice for choice in matching if not choice.hidden]
        meant = visible or matching
        if not matching:
            hint = several_names(name, choices) or perhaps_meant(name, choices)
            self.note(location, f"“{name}” is no {kind.one} {kind.whose}.", hint)
            return ()
        others = [choice for choice in mistakable(name, choices) if choice not in matching]
        if len(meant) > 1 or others:
            both = [*meant, *others]
            either = ", or ".join(str(choice) for choice in both)
            hint = f"Write what only one of them has: {either}."
            if others:
                hint = f"Write the name: {either}."
            self.note(location, f"“{name}” could mean {len(both)} {kind.many}.", hint)
            return ()
        key = ".".join(part for part in location if isinstance(part, str))
        self.resolved.append(ResolvedName(key, name, meant[0].shown.strip(), meant[0].number))
        return (meant[0].number, *(choice.number for choice in matching if choice is not meant[0]))
