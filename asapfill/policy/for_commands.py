"""The policies for one command, which reads them once."""

from __future__ import annotations

from collections.abc import Callable, Collection

from asapfill.clock import Clock, SystemClock
from asapfill.core.errors import ConfigurationError
from asapfill.policy.in_force import A_MOMENT, Policies, no_policy, policy_book
from asapfill.settings.settings import Settings
from asapfill.stillness import STILL, STILL_WHEN_LESS, Stillness
from asapfill.store.database import StoreError, open_for_reading
from asapfill.store.offices import KeptPolicy, kept_policies


def last_good_versions(settings: Settings, clock: Clock) -> tuple[KeptPolicy, ...]:
    """The versions that the state keeps; none where there is no state, or none that can be read (told elsewhere)."""
    try:
        with open_for_reading(settings.state, clock) as store:
            return kept_policies(store)
    except (StoreError, OSError):
        return ()


def policies_for(
    settings: Settings, offices: Collection[str], clock: Clock, *, waiting: Callable[[str], None] | None = None
) -> Policies:
    """That folder, for a command that serves some ``offices``.

    ``waiting``: a command that sends waits until changed files have been still, and is given a sentence for a person
    meanwhile. By a file that does not come to rest nothing is sent.

    Raises:
        ConfigurationError: no policy is for any of them.
    """
    kept, real = last_good_versions(settings, clock), SystemClock()
    book = policy_book(settings, Stillness(real) if waiting is not None else None)
    policies = book.read(kept_rows=kept)
    until = real.monotonic() + STILL + STILL_WHEN_LESS
    while waiting is not None and policies.settling and real.monotonic() < until:
        seconds = max(policies.settling.values())
        names = ", ".join(path.name for path in policies.settling)
        waiting(f"{names} changed a moment ago: waiting {seconds:.0f} seconds to see that nobody is still writing it.")
        real.sleep(seconds + A_MOMENT)
        policies = book.read(kept_rows=kept)
    if not any(file.office in offices for file in policies.files):
        raise ConfigurationError(policies.problems or (no_policy(settings, offices),))
    return policies
