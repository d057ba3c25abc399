"""The policies of simulated days: drawn, written as YAML, and told to the witness."""

from __future__ import annotations

import random
from datetime import time, timedelta

from asapfill.sandbox.office.columns import Row
from tests.soak.small_office import HELD_FOR_ASAP, PATIENTS
from tests.soak.witness import Rules


def draw_policy(draws: random.Random) -> Row:
    """What an office manager may have written; some of it contradicts itself."""
    per_day = draws.choice([1, 1, 2])
    return {
        "mode": draws.choice(["automatic"] * 8 + ["preview"]),
        "per_day": per_day,
        "per_week": per_day + draws.choice([0, 1, 2]),
        "per_opening": draws.choice([2, 4, 12]),
        "wave": draws.choice(["auto", "1", "2", "4"]),
        "wait": draws.choice(["auto", "10 minutes", "30 minutes"]),
        "between": draws.choice([("09:00", "19:00"), ("08:00", "20:00"), ("10:00", "13:00")]),
        "allowed": draws.random() < 0.4,
        "under_18": draws.choice(["skip", "skip", "text"]),
        "settle": draws.choice(["0 minutes", "15 minutes"]),
        "notice": draws.choice(["1 hour", "2 hours"]),
        "rest": draws.choice([1, 7]),
        "except": sorted(draws.sample(range(1, PATIENTS + 1), 2)),
        "same_provider": draws.choice(["yes", "no"]),
        "spoken_to": draws.choice([0, 0, 2]),
        "weekdays": draws.choice(["[Mon, Tue, Wed, Thu, Fri, Sat, Sun]", "[Mon, Tue, Wed, Thu, Fri, Sat]"]),
        "look_ahead": draws.choice([1, 1, 2, 4]),
    }


def policy_text(policy: Row, timezone: str) -> str:
    """The policy as YAML."""
    begins, ends = policy["between"]
    allowed = "[Short notice]" if policy["allowed"] else "[]"
    return f"""\
office: main-street
timezone: {timezone}
mode: {policy["mode"]}
openings:
  look_ahead: {policy["look_ahead"]} days
  notice: {policy["notice"]}
  settle: {policy["settle"]}
  blockouts_allowed: {allowed}
  days: [Mon, Tue, Wed, Thu, Fri, Sat, Sun]
candidates:
  gain: 1 hour
  under_18: {policy["under_18"]}
  same_provider: {policy["same_provider"]}
  except_patients: {policy["except"]}
  spoken_to: {policy["spoken_to"]} days
texts:
  between: "{begins}-{ends}"
  days: {policy["weekdays"]}
  per_patient_per_day: {policy["per_day"]}
  per_patient_per_week: {policy["per_week"]}
  per_opening: {policy["per_opening"]}
  wave: {policy["wave"]}
  wait: {policy["wait"]}
  rest_after_decline: {policy["rest"]} days
"""


def rules_of(policy: Row, before: Rules) -> Rules:
    """What holds by a policy, as the witness wants it; pause and clock as before."""
    begins, ends = policy["between"]
    return Rules(
        mode=policy["mode"],
        paused=before.paused,
        clock_off=before.clock_off,
        between=(time.fromisoformat(begins), time.fromisoformat(ends)),
        weekdays=frozenset(range(7 if "Sun" in policy["weekdays"] else 6)),
        per_day=policy["per_day"],
        per_week=policy["per_week"],
        per_opening=policy["per_opening"],
        rest=timedelta(days=policy["rest"]),
        text_minors=policy["under_18"] == "text",
        blockouts_allowed=frozenset({HELD_FOR_ASAP}) if policy["allowed"] else frozenset(),
        except_patients=frozenset(policy["except"]),
        spoken_to=timedelta(days=policy["spoken_to"]),
    )
