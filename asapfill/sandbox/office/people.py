"""The simulated people: patients who answer texts, and (in people_staff) the staff and their day.

Everything depends on the seed, the state of the office and the question, never on the order of questions.
"""

from __future__ import annotations

import math
import random
from datetime import date, datetime, timedelta

from asapfill.sandbox.office import people_staff
from asapfill.sandbox.office.columns import Row
from asapfill.sandbox.office.people_staff import stable_random
from asapfill.sandbox.office.tables import Office

MEDIAN_DELAY = 12.0
"""Minutes until half of those who open the link at all have opened it."""
DELAY_SPREAD = 1.0
"""Sigma of the lognormal delay: one in six takes more than half an hour, some take hours."""
DECLINES, ONLY_LOOKS, STOPS = 0.14, 0.18, 0.01
"""What those who do not accept do instead, as shares of them; the rest never open the link."""


class People:
    """The patients and the staff of one office; what life.py asks when a text goes out and when a day begins.

    Args:
        seed: the same seed, office and questions give the same answers.
        eagerness: chance, 0 to 1, that a text is answered by an accept. Published rates per offer are 0.08 (Sutter
            Health 2018, PMC7315363) and 0.11 (JMIR 2024 e52071), and 0.23 on a list that people had joined themselves
            (4.4 offers per booking, doi 10.1177/11786329251326461), where 45 % ever answered.
        called_off: how many more visits than usual fall through, as a factor.

    Raises:
        ValueError: ``eagerness`` is not a chance.
    """

    def __init__(self, seed: int, *, eagerness: float = 0.2, called_off: float = 1.0) -> None:
        if not 0 <= eagerness <= 1:
            raise ValueError("eagerness is a chance between 0 and 1")
        self._seed = seed
        self._eagerness = eagerness
        self._called_off = called_off

    def texted(self, office: Office, asapcomm: Row, at: datetime) -> list[tuple[timedelta, str]]:  # noqa: ARG002
        """What a patient does about a text, and how long after it: nothing, a look, or a look and one answer.

        The same candidate offered the same slot always reacts the same way, whenever (``at``) and however often it is
        texted. The slot is read from DateTimeExpire, which Open Dental sets to seven days after it.
        """
        is_recall = asapcomm["FKeyType"] == "Recall"
        draws = stable_random(self._seed, "text", asapcomm["FKey"], is_recall, asapcomm["DateTimeExpire"])
        answer = self._answer(draws)
        if answer is None:
            return []
        looks = timedelta(seconds=round(60 * draws.lognormvariate(math.log(MEDIAN_DELAY), DELAY_SPREAD)))
        decides = looks + timedelta(seconds=draws.randint(20, 240))
        return [(looks, "view")] if answer == "view" else [(looks, "view"), (decides, answer)]

    def _answer(self, draws: random.Random) -> str | None:
        """Accept, decline, stop, only view, or nothing at all (None)."""
        if draws.random() < self._eagerness:
            return "accept"
        shares = (DECLINES, STOPS, ONLY_LOOKS, 1 - DECLINES - STOPS - ONLY_LOOKS)
        return draws.choices(("decline", "stop", "view", None), shares)[0]

    def day_events(self, office: Office, day: date) -> list[tuple[datetime, Row]]:
        """What staff do on a day, in time order; empty when the office is closed."""
        return people_staff.day_events(office, day, self._seed, called_off=self._called_off)
