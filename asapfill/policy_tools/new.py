"""``asapfill policy new``: a commented policy for one office, with the names that this office has, in ``preview``.

What is known of the office, what is asked, whether an answer can be used, and the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from asapfill.clock import Clock, office_now
from asapfill.core.errors import AsapfillError, ConfigurationError, Problem
from asapfill.core.offer import CLOCKS_MAY_DIFFER
from asapfill.core.office import OfficeNames, operatory_both
from asapfill.core.rows import Clinic, Definition
from asapfill.core.schedule import may_be_allowed
from asapfill.cycle.session import sessions_without_state
from asapfill.files import readable_as_its_folder
from asapfill.opendental.errors import OpenDentalError
from asapfill.policy.formats import US_ZONES, Unreadable, Written, hours_in_words
from asapfill.policy.hours import hours
from asapfill.policy.in_force import claim, read_folder
from asapfill.policy.model import KEYS, PolicyFile
from asapfill.policy.reading import parse_policy
from asapfill.policy.resolve import clinic_of, resolve
from asapfill.policy_tools.reference import (
    FILE_NAME,
    HOW_TO,
    Draft,
    default_words,
    policy_text,
    quoted_name,
    schema_text,
)
from asapfill.settings.settings import Settings
from asapfill.words import wrapped

Answers = Mapping[str, Written]
"""Values by path (``openings.hours``), as a person writes them."""


@dataclass(frozen=True, slots=True)
class OfficeAnswers:
    """What the office told: its lists, and its clock (naive) beside ours (aware)."""

    names: OfficeNames
    office_time: datetime | None
    now: datetime

    def zones(self) -> list[str]:
        """The time zones of the United States in which the office's clock is right."""
        if self.office_time is None:
            return []
        near = (abs(office_now(self.now, ZoneInfo(zone)) - self.office_time) <= CLOCKS_MAY_DIFFER for zone in US_ZONES)
        return [zone for zone, right in zip(US_ZONES, near, strict=True) if right]

    def operatories(self, clinic: int = 0) -> list[str]:
        """What staff call the operatories of a clinic, hidden ones left out."""
        return [
            operatory_both(row)
            for row in self.names.operatories
            if not row.is_hidden and (not clinic or row.clinic_num in {0, clinic})
        ]

    def blockouts(self, *, allowed: bool) -> list[str]:
        """The blockout types that may be offered over, or those that never may."""
        rows: Iterable[Definition] = (row for row in self.names.blockout_types if not row.is_hidden)
        return [row.item_name for row in rows if may_be_allowed(row) == allowed]


@dataclass(frozen=True, slots=True)
class Question:
    """Something asked for a new policy. ``default`` empty: there is none, and ``flag`` must be given or it is left out.

    ``several``: the answer is a list of names with commas between.
    ``explained``: what somebody must know to answer it, told before it, in one paragraph or more.
    """

    path: str
    text: str
    default: str = ""
    flag: str = ""
    several: bool = False
    explained: str = ""


class NotWritten(AsapfillError):  # noqa: N818  told to a person
    """A new policy is not wanted here: the message says what there is already. Exit code 2, as wrong usage."""

    exit_code = 2


BLOCKOUTS = (
    "Time under a blockout is never offered, unless you name its type here. Name only types that any visit may take, "
    "such as a block that you would give away. Blocks that you keep for something (hygiene, crowns, emergencies) do "
    "not belong here; for hygiene and recalls see hygiene_only_in in the file. If unsure: none."
)
MODE = (
    "preview: asapfill only shows what it would send. ask: it prepares texts and waits for somebody's yes. "
    "To send by itself comes later, when the plans have looked right for a while."
)
FIRST_MODES = ("preview", "ask")
DEFAULTS = {key.path: default_words(key) for key in KEYS}


def ask_office(settings: Settings, office: str, clock: Clock) -> OfficeAnswers | None:
    """Read what the office has; None, with the reason on standard error, when it cannot be asked."""
    try:
        with (
            sessions_without_state(settings, (office,), clock) as (session,),
            session.client.purpose("names"),
        ):
            names = session.mirror.read_names(clock.now())
            now = clock.now()
            return OfficeAnswers(names, session.client.providers().server_time, now)
    except (OpenDentalError, ConfigurationError) as error:
        click.echo(f"{error}\nThe office cannot be asked for its names, so the file has examples.\n", err=True)
        return None


def questions(settings: Settings, office: str, known: OfficeAnswers | None, answers: Answers) -> Iterator[Question]:
    """What is asked for a new policy, in order; later ones depend on the ``answers`` given by then.

    Raises:
        NotWritten: every clinic of the office has a policy.
    """
    if known is None or known.names.clinics:
        yield _which_clinic(settings, office, known, answers)
    zones = known.zones() if known is not None else []
    text = "Where is the office? Region and city, for example America/Chicago, America/Los_Angeles"
    if zones:
        text = f"Where is the office? By its clock: {' or '.join(zones)}"
    yield Question("timezone", text, zones[0] if zones else "", "--timezone")
    yield Question("openings.days", "Which days may be filled?", "Mon-Fri")
    yield Question("openings.hours", "Within which hours, for example 8 to 5?", DEFAULTS["openings.hours"])
    if known is not None:
        rooms = ", ".join(known.operatories(_clinic(answers, known)))
        text = "Operatories that are never to be filled, with commas between (Enter: none)"
        yield Question("openings.except_operatories", text, several=True, explained=f"Your operatories: {rooms}")
        types = ", ".join(known.blockouts(allowed=True))
        if types:
            told = f"{BLOCKOUTS}\nYour types: {types}"
            text = "Blockout types that any visit may take, with commas between (Enter: none)"
            yield Question("openings.blockouts_allowed", text, several=True, explained=told)
    yield Question(
        "openings.notice", "How long before it begins is an opening left alone?", DEFAULTS["openings.notice"]
    )
    yield Question("texts.between", "Within which hours may texts go out?", DEFAULTS["texts.between"])
    told = "Whoever the office has just spoken to (any commlog in the chart counts) can be left alone for a while."
    yield Question(
        "candidates.spoken_to",
        "For how long? 0 days: commlogs are not looked at",
        DEFAULTS["candidates.spoken_to"],
        explained=told,
    )
    yield Question("mode", "Begin with preview or ask?", DEFAULTS["mode"], explained=MODE)


def answers_for(
    settings: Settings, given: dict[str, Written], known: OfficeAnswers | None, out: Path | None, *, asking: bool
) -> dict[str, Written]:
    """What was given, and for the rest what a person answers, or the default.

    Raises:
        NotWritten: there is such a policy already; told before anything else is asked.
    """
    answers = dict(given)
    place_is_free = False
    if asking:
        click.echo("Enter takes the answer in brackets. Ctrl-C stops, and nothing is written.\n", err=True)
    for question in questions(settings, str(given["office"]), known, answers):
        if question.path != "clinic" and not place_is_free:
            require_free(settings, out or place_for(settings, answers), answers, known)
            place_is_free = True
        if question.path in answers:
            continue
        answer = _answer(question, answers, known) if asking else question.default
        if not answer and question.flag:
            raise click.UsageError(f"Give {question.flag}. {question.text}")
        answers |= {question.path: answer} if answer else {}
        others = known.zones()[1:] if known is not None and question.path == "timezone" and not asking else []
        if others:
            also = f"{' or '.join(others)} shows the same time: --timezone says which."
            click.echo(f"The time zone is {answer}, by the office's clock. {also}", err=True)
    return answers


def which_office(settings: Settings, *, asking: bool) -> str:
    """The office that the policy is for, asked at a terminal where the settings have several."""
    offices = list(settings.offices)
    if len(offices) == 1:
        return offices[0]
    if not asking:
        raise click.UsageError(f"Give --office. The settings have: {', '.join(offices)}.")
    chosen: str = click.prompt("For which office?", type=click.Choice(offices), err=True)
    return chosen


def _answer(question: Question, answers: Mapping[str, Written], known: OfficeAnswers | None) -> Written:
    """Ask until the answer can be used."""
    before = refusals(answers, known)
    if question.explained:
        lines = [line for part in question.explained.split("\n") for line in wrapped(part, 0)]
        click.echo("\n".join(["", *lines]), err=True)
    while True:
        text: str = click.prompt(question.text, default=question.default, show_default=bool(question.default), err=True)
        parts = [part.strip() for part in text.split(",") if part.strip()]
        answer: Written = parts if question.several else text.strip()
        if not answer and question.flag:
            click.echo("This needs an answer; Ctrl-C stops.", err=True)
            continue
        wrong = [line for line in refusals({**answers, question.path: answer}, known) if line not in before]
        if not answer or not wrong:
            return answer
        click.echo("\n".join(part for line in wrong for part in wrapped(line, 0)), err=True)


def _which_clinic(settings: Settings, office: str, known: OfficeAnswers | None, answers: Answers) -> Question:
    if known is None:
        return Question("clinic", "For which clinic, as Open Dental calls it? (empty: the office does not use clinics)")
    served = {clinic_of(file, known.names) for file in read_folder(settings).of(office)}
    left = [_called(row) for row in known.names.clinics if row.clinic_num not in served]
    if not left and "clinic" not in answers:
        message = f"Every clinic of {office} has a policy already in {settings.policies}. Nothing was written."
        raise NotWritten(f"{message} Edit the one that you mean.")
    text = f"For which clinic? Without a policy yet: {', '.join(left)}"
    return Question("clinic", text, left[0] if len(left) == 1 else "", "--clinic")


def _called(clinic: Clinic) -> str:
    return clinic.description or clinic.abbr


def _clinic(answers: Answers, known: OfficeAnswers) -> int:
    """The ClinicNum that was answered; 0 in an office without clinics, or when it cannot be told."""
    return clinic_of(_bare(answers), known.names) or 0


def _bare(answers: Answers) -> PolicyFile:
    """A policy that says only for which office and clinic it is."""
    values = {path: _scalar(path, answers[path]) for path in ("office", "clinic") if path in answers}
    return parse_policy(policy_text(Draft((), {"timezone": "UTC", **values})).encode(), Path("answer"))


def refusals(answers: Answers, known: OfficeAnswers | None) -> list[str]:
    """Why these answers cannot be used, in words; empty when they can."""
    try:
        draft_policy({"timezone": "UTC", **answers}, known)
    except ConfigurationError as error:
        return [f"{problem.message} {problem.hint}".strip() for problem in error.problems]
    mode = str(answers.get("mode", FIRST_MODES[0])).strip().casefold()
    if mode not in FIRST_MODES:
        return ["A new policy begins with preview or ask. Later, write `mode: automatic` into the file."]
    return []


def draft_policy(answers: Answers, known: OfficeAnswers | None) -> str:
    """The file for these answers; ``known`` None: the office could not be asked.

    Raises:
        ConfigurationError: an answer cannot be used, or names what the office does not have.
    """
    values = {"mode": "preview", **{path: _scalar(path, value) for path, value in answers.items()}}
    top = [f"What asapfill may do for {answers['office']}. Written by `asapfill policy new`; change what you like."]
    if known is None:
        top.append(
            "The office could not be asked, so the names are examples: write your own as Open Dental shows them."
        )
    bare = parse_policy(policy_text(Draft((), values)).encode(), Path("answer"))
    above = dict(_hints(known, resolve(bare, known.names).clinic)) if known is not None else {}
    return policy_text(Draft((*top, "", *HOW_TO), values, above=above))


def _scalar(path: str, value: Written) -> Written:
    """An answer as it stands in the file: names in quotes where that is needed, hours as they were understood."""
    if isinstance(value, list):
        return value
    if path in {"office", "clinic"}:
        return quoted_name(value)
    if path in {"openings.hours", "texts.between"}:
        try:
            return hours_in_words(hours(value))
        except Unreadable:
            return value  # The reader of the file says what is wrong with it.
    return value


def _hints(known: OfficeAnswers, clinic: int) -> Iterator[tuple[str, Sequence[str]]]:
    """The office's own names, above the keys that take them."""
    names = known.names
    providers = [row.abbr for row in names.providers if not row.is_hidden and row.prov_status != "Deleted"]
    never = known.blockouts(allowed=False)
    closed = [f"Never: {_listed(never)} (nothing may be scheduled there in Open Dental)."] if never else []
    yield "openings.operatories", [f"Your operatories: {_listed(known.operatories(clinic))}"]
    yield "openings.except_providers", [f"Your providers: {_listed(providers)}"]
    yield "openings.blockouts_allowed", [f"Your blockout types: {_listed(known.blockouts(allowed=True))}", *closed]
    yield (
        "commlog.type",
        [f"Your types: {_listed([row.item_name for row in names.commlog_types if not row.is_hidden])}"],
    )
    if names.clinics:
        yield "clinic", [f"Your clinics: {_listed(map(_called, names.clinics))}"]


def _listed(names: Iterable[str]) -> str:
    """Names as they may be copied into a list; what cannot be shown in a comment is left out."""
    shown = [quoted_name(name) for name in dict.fromkeys(names) if name.strip() and name.isprintable()]
    return ", ".join(shown) or "none"


def place_for(settings: Settings, answers: Answers) -> Path:
    """Where the policy belongs: a file in the folder of policies, named after the office and clinic."""
    name = "-".join(str(answers[path]) for path in ("office", "clinic") if path in answers)
    return settings.policies / f"{re.sub(r'[^a-z0-9]+', '-', name.casefold()).strip('-') or 'policy'}.yaml"


def require_free(settings: Settings, path: Path, answers: Answers, known: OfficeAnswers | None) -> None:
    """See that a new policy is wanted at ``path``: asked before any other question.

    Raises:
        NotWritten: there is such a file, or another policy is for the same office and clinic.
    """
    if path.exists():
        raise NotWritten(f"{path} exists already. Nothing was written. Edit it, or write elsewhere with --out.")
    if path.resolve().parent != settings.policies.resolve():
        return
    new = _bare(answers)
    for file in read_folder(settings).files:
        same = known is not None and clinic_of(file, known.names) == clinic_of(new, known.names) is not None
        if claim(file) == claim(new) or (same and file.office == new.office):
            message = f"{file.source.path.name} is for the same office and clinic already. Nothing was written."
            raise NotWritten(f"{message} Edit that one; with two, neither is used.")


def write_policy(path: Path, text: str) -> None:
    """Write a new file, and the schema for editors beside it.

    Raises:
        NotWritten: there is such a file by now.
        ConfigurationError: the folder cannot be written. Nothing was written.
    """
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
            readable_as_its_folder(path.parent)
        with path.open("x", encoding="utf-8") as place:
            place.write(text)
        readable_as_its_folder(path)
    except FileExistsError:
        raise NotWritten(f"{path} exists already. Nothing was written.") from None
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}."
        raise ConfigurationError([Problem(path, message, hint="Choose another place with --out.")]) from None
    schema = path.parent / FILE_NAME
    if not schema.exists():
        schema.write_text(schema_text(), encoding="utf-8")
        readable_as_its_folder(schema)
