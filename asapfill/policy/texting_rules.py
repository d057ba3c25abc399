"""The rules for texts about appointments in the United States, and where a policy goes beyond them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from typing import Final

from asapfill.core.policy import Hours
from asapfill.policy.formats import hours_in_words
from asapfill.policy.model import TextsSection

EARLIEST: Final = time(8)
LATEST: Final = time(21)
A_DAY: Final = 1
A_WEEK: Final = 3


def beyond_rules(texts: TextsSection) -> Iterator[str]:
    """What somebody should look at, each with the rule. An office may have consent that allows more."""
    if _begins_or_ends_outside(texts.between):
        yield (
            f"`texts.between` is {hours_in_words(texts.between)}: the federal rule allows {EARLIEST:%H:%M} to "
            f"{LATEST:%H:%M} at the patient's place (47 CFR 64.1200(c)(1)), and some states less."
        )
    if texts.per_patient_per_day > A_DAY:
        yield (
            f"`texts.per_patient_per_day` is {texts.per_patient_per_day}: without further consent the federal rule "
            f"allows {A_DAY} message of a healthcare provider a day (47 CFR 64.1200(a)(9)(iv))."
        )
    if texts.per_patient_per_week > A_WEEK:
        yield (
            f"`texts.per_patient_per_week` is {texts.per_patient_per_week}: without further consent the federal rule "
            f"allows {A_WEEK} messages of a healthcare provider a week (47 CFR 64.1200(a)(9)(iv))."
        )


def _begins_or_ends_outside(hours: Hours) -> bool:
    """An end of 0:00 is midnight."""
    return hours.start < EARLIEST or hours.end > LATEST or hours.end == time(0)
