"""Values that are right each by itself and make no sense together, or that leave nothing to do.

Each finding names the keys involved, so that it is not told when one of them could not be read in the first place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time, timedelta

from asapfill.core.policy import Hours
from asapfill.policy.formats import in_words
from asapfill.policy.model import PolicyFile
from asapfill.policy.tree import Location

DAY = 24 * 60
"""Minutes."""
OPPOSITES = (
    ("recalls first", "recalls last"),
    ("furthest out first", "soonest first"),
    ("longest first", "shortest first"),
)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """What does not go together. The first of ``keys`` is where a person should look."""

    keys: tuple[Location, ...]
    message: str
    hint: str


def contradictions(policy: PolicyFile) -> tuple[Contradiction, ...]:
    """Everything in ``policy`` that contradicts itself or leaves nothing to do."""
    return (*_openings(policy), *_texts(policy), *_never_in_time(policy), *_order(policy), *_empty_lists(policy))


def _openings(policy: PolicyFile) -> Iterator[Contradiction]:
    openings = policy.openings
    notice, ahead, shortest = ("openings", "notice"), ("openings", "look_ahead"), ("openings", "shortest")
    if openings.notice >= openings.look_ahead:
        message = (
            f"`notice` ({in_words(openings.notice)}) reaches as far as `look_ahead` "
            f"({in_words(openings.look_ahead)}): nothing is left to fill."
        )
        yield Contradiction((notice, ahead), message, "Make `notice` shorter or `look_ahead` longer.")
    if openings.shortest > _length(openings.hours):
        message = f"No opening of {in_words(openings.shortest)} fits between the `hours`."
        yield Contradiction((shortest, ("openings", "hours")), message, "Make `shortest` shorter.")
    both = {name.casefold() for name in openings.operatories or ()}
    for number, name in enumerate(openings.except_operatories):
        if name.casefold() in both:
            place = ("openings", "except_operatories", number)
            message = f"“{name}” is both in `operatories` and in `except_operatories`."
            yield Contradiction((place, ("openings", "operatories")), message, "Keep it in one of the two.")


def _texts(policy: PolicyFile) -> Iterator[Contradiction]:
    texts = policy.texts
    if texts.wave is not None and texts.wave > texts.per_opening:
        message = f"`wave` asks {texts.wave} at a time, and `per_opening` allows {texts.per_opening} in all."
        keys: tuple[Location, ...] = (("texts", "wave"), ("texts", "per_opening"))
        yield Contradiction(keys, message, "Make `wave` smaller or `per_opening` larger.")
    if texts.per_patient_per_day > texts.per_patient_per_week:
        message = f"{texts.per_patient_per_day} texts a day are more than {texts.per_patient_per_week} in a week."
        keys = (("texts", "per_patient_per_day"), ("texts", "per_patient_per_week"))
        yield Contradiction(keys, message, "Make `per_patient_per_day` smaller.")


def _never_in_time(policy: PolicyFile) -> Iterator[Contradiction]:
    """Whether no opening can ever be texted about: texts go out at no time between look-ahead and notice before it.

    Reckoned in minutes of an endless row of weeks without changes of the clock.
    """
    openings, texts = policy.openings, policy.texts
    ahead, notice = (round(length.total_seconds() / 60) for length in (openings.look_ahead, openings.notice))
    last = _minutes(openings.hours.start) + round((_length(openings.hours) - openings.shortest).total_seconds() / 60)
    begin, end = (
        _minutes(texts.between.start),
        _minutes(texts.between.start) + round(_length(texts.between).total_seconds() / 60),
    )
    for day in frozenset().union(*openings.days):
        first, until = day * DAY + _minutes(openings.hours.start) - ahead, day * DAY + last - notice
        for texting in range(first // DAY, until // DAY + 1):
            if (
                texting % 7 in frozenset().union(*texts.days)
                and texting * DAY + end > first
                and (texting * DAY + begin <= until)
            ):
                return
    if (
        openings.notice < openings.look_ahead
        and last >= _minutes(openings.hours.start)
        and openings.days
        and texts.days
    ):
        message = (
            f"No text can go out in time: between {in_words(openings.look_ahead)} and {in_words(openings.notice)} "
            "before an opening it is never an hour and day for texts."
        )
        hint = "Widen `texts.between` or `texts.days`, or make `look_ahead` longer or `notice` shorter."
        keys = (("texts", "between"), ("texts", "days"), ("openings", "look_ahead"), ("openings", "notice"))
        yield Contradiction((*keys, ("openings", "hours"), ("openings", "days")), message, hint)


def _minutes(moment: time) -> int:
    return moment.hour * 60 + moment.minute


def _order(policy: PolicyFile) -> Iterator[Contradiction]:
    for number, line in enumerate(policy.order):
        before = policy.order[:number]
        against = {one for pair in OPPOSITES if line in pair for one in pair if one != line}
        if line in before:
            yield Contradiction((("order", number),), f"“{line}” stands twice.", "Keep one of the two.")
        elif against.intersection(before):
            message = f"“{line}” is the opposite of “{against.intersection(before).pop()}”."
            yield Contradiction((("order", number),), message, "Keep one of the two.")


def _empty_lists(policy: PolicyFile) -> Iterator[Contradiction]:
    lists = (
        (("openings", "operatories"), policy.openings.operatories, "operatory", "Write all, or name some."),
        (("openings", "days"), policy.openings.days, "day", "Write for example Mon-Fri."),
        (("candidates", "include"), policy.candidates.include, "candidate", "Name at least one group."),
        (("texts", "days"), policy.texts.days, "day for texts", "Write for example Mon-Sat."),
    )
    for location, value, what, hint in lists:
        if value == ():
            message = f"`{location[-1]}` is an empty list: no {what} is left."
            yield Contradiction((location,), message, f"{hint} To stop sending, use mode: preview.")


def _length(hours: Hours) -> timedelta:
    """How long a stretch of the day is; an end of 00:00 is the midnight at its end."""
    return timedelta(minutes=(_minutes(hours.end) or DAY) - _minutes(hours.start))
