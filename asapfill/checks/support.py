"""``asapfill support``: what somebody who helps needs to know, and nothing that they must not.

Everything in the bundle is chosen, nothing is taken out afterwards: versions, verdicts, counts, codes, lengths of time.
Names (of offices, operatories, people), addresses, keys, patients' numbers and sentences about a certain office are
never put in; offices are numbered in the order of the settings.
"""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import timedelta
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from asapfill import __version__
from asapfill.checks.doctor import Diagnosis, examine
from asapfill.clock import Clock
from asapfill.core.errors import ConfigurationError
from asapfill.core.policy import Hours
from asapfill.policy.in_force import read_folder
from asapfill.policy.keys import Section
from asapfill.policy.model import PolicyFile
from asapfill.report.documents import iso
from asapfill.settings.kinds import REMOTE_API
from asapfill.settings.settings import OfficeSettings, Settings, clock_for, find_settings, load_settings
from asapfill.store.cycles import last_ticks, totals
from asapfill.store.database import EmptyStore, StoreError, open_for_reading
from asapfill.store.offices import paused
from asapfill.store.schema import VERSION

_TOLD_IN_FULL: Final = {"program", "service"}
"""Parts of the diagnosis whose sentences are about this machine only."""
_WORDS: Final = {"mode", "openings.days", "texts.days", "candidates.include", "candidates.under_18", "order"}
"""Keys of a policy whose values are words of ours."""


def bundle(config: Path | None, environ: Mapping[str, str], cwd: Path) -> dict[str, Any]:
    """The bundle, as a JSON document. What cannot be read is said so; no office is asked."""
    packages = sorted(metadata.distributions(), key=lambda found: found.name.lower())
    document: dict[str, Any] = {
        "asapfill": __version__,
        "schema": VERSION,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "packages": {found.name: found.version for found in packages},
        "doctor": _diagnosis(examine(config, environ, cwd, None, offline=True)),
    }
    try:
        settings = load_settings(find_settings(config, environ, cwd), environ, with_secrets=False)
        clock = clock_for(settings)
    except ConfigurationError as error:
        places = [{"line": problem.line, "column": problem.column} for problem in error.problems]
        return document | {"settings": {"wrong": places}}
    numbers = {name: f"office {number}" for number, name in enumerate(settings.offices, start=1)}
    return document | {
        "made": iso(clock.now()),
        "settings": {numbers[office.name]: _office(office) for office in settings.offices.values()},
        "policies": list(_policies(settings, numbers)),
        "state": _state(settings, clock, numbers),
    }


def _diagnosis(diagnosis: Diagnosis) -> list[dict[str, str]]:
    return [
        {"part": part.name, "verdict": item.verdict, "subject": item.subject}
        | ({"message": item.message} if part.name in _TOLD_IN_FULL else {})
        for part in diagnosis.parts
        for item in part.findings
    ]


def _office(office: OfficeSettings) -> dict[str, Any]:
    return {
        "addresses": ["remote" if REMOTE_API in url else url.split(":", 1)[0] for url in office.urls],
        "keys": [secret.source.split(":", 1)[0] for secret in (office.developer_key, office.customer_key)],
        "seconds_between_requests": office.seconds_between_requests,
        "ping": office.ping is not None,
        "plain_http": office.plain_http,
    }


def _policies(settings: Settings, numbers: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    policies = read_folder(settings)
    for file in policies.files:
        yield {"office": numbers.get(file.office, "other"), "timezone": file.timezone.key} | dict(_values(file))
    for problem in policies.problems:
        yield {"wrong": {"line": problem.line, "column": problem.column}}


def _values(section: PolicyFile | Section, path: str = "") -> Iterator[tuple[str, Any]]:
    """What is set, by its path: numbers, times and our own words as they are, of anything else how much there is."""
    for name, value in section:
        place = f"{path}{name}"
        if isinstance(value, Section):
            yield from _values(value, f"{place}.")
        elif value is None or isinstance(value, bool | int):
            yield place, value
        elif isinstance(value, timedelta):
            yield place, f"{value.total_seconds() / 60:g} minutes"
        elif isinstance(value, Hours):
            yield place, f"{value.start:%H:%M}-{value.end:%H:%M}"
        elif place in _WORDS:
            yield place, value if isinstance(value, str) else sorted(map(str, value))
        elif isinstance(value, list | tuple | set | frozenset):
            yield place, f"{len(value)} given"


def _state(settings: Settings, clock: Clock, numbers: Mapping[str, str]) -> dict[str, Any]:
    try:
        store = open_for_reading(settings.state, clock)
    except (StoreError, OSError) as error:
        return {"unreadable": type(error).__name__}
    with store:
        if isinstance(store, EmptyStore):
            return {"unreadable": "there is none"}
        offers: Counter[str] = Counter()
        for total in totals(store):
            offers[" ".join([numbers.get(total.office, "other"), total.state, total.reason]).strip()] += total.offers
        ticks = [
            {
                "office": numbers.get(tick.office, "other"),
                "at": iso(tick.at),
                "ok": tick.ok,
                "requests": tick.requests,
                "problems": len(tick.problems),
            }
            for tick in last_ticks(store)
        ]
        return {"offers": dict(offers), "ticks": ticks, "paused": [numbers.get(name, "all") for name in paused(store)]}
