"""A person's word: pause and resume, yes and no to offers that wait, and what became of an offer nobody could tell.

Written into the state; a running daemon sees it between two POSTs.
"""

from __future__ import annotations

from collections.abc import Collection

from asapfill.clock import Clock
from asapfill.core.offer import IllegalStep, Offer, State
from asapfill.offers.journal import Journal
from asapfill.settings.settings import Settings
from asapfill.store.database import open_for_reading, open_store
from asapfill.store.lock import is_held
from asapfill.store.offices import EVERY_OFFICE, pause, paused, resume


def settle_offer(settings: Settings, clock: Clock, number: int, *, sent: bool, office: str | None = None) -> str | None:
    """A person's word on an offer that could not be found out; returns why not if that is not for a person to say.

    ``office``: only among the offers of this one; None: of all.
    """
    with open_store(settings.state, clock) as store:
        for name in settings.offices:
            if office not in {None, name}:
                continue
            journal = Journal(store, name)
            offer = next((offer for offer in journal.unknowns() if offer.id == number), None)
            if offer is None:
                continue
            if offer.state is not State.UNSETTLED:
                return f"Offer {number} is still being found out. If that fails for a day, it is yours to settle."
            journal.step(number, State.SENT if sent else State.UNSENT, "settled_by_person")
            return None
    return f"Offer {number} is not unsettled (see `asapfill status`)."


def set_pause(settings: Settings, office: str | None, clock: Clock, *, paused: bool) -> None:
    """Pause or resume one office, or all. A running daemon sees it between two POSTs."""
    with open_store(settings.state, clock) as store:
        if paused:
            pause(store, office or EVERY_OFFICE)
        else:
            resume(store, office or EVERY_OFFICE)


def what_holds_sending(settings: Settings, clock: Clock, offices: Collection[str]) -> list[str]:
    """Why nothing goes out to ``offices`` at the moment, a sentence each; empty when the next cycle sends.

    Raises:
        StoreError: the state cannot be read.
    """
    with open_for_reading(settings.state, clock) as store:
        pauses = paused(store)
    held = []
    if EVERY_OFFICE in pauses:
        held.append("Sending is PAUSED for all offices: nothing goes out before `asapfill resume`.")
    held += [
        f"Sending is PAUSED for {office}: nothing goes out before `asapfill resume {office}`."
        for office in sorted(pauses.keys() & set(offices))
    ]
    if not is_held(settings.state):
        held.append(
            "asapfill is not running: nothing goes out before it is started (`systemctl start asapfill`, or "
            "`asapfill run` where there is no systemd)."
        )
    return held


def answer_waiting(
    settings: Settings, clock: Clock, ids: Collection[int] | None, *, yes: bool, office: str | None = None
) -> tuple[list[Offer], list[str]]:
    """A person's answer to waiting offers (``ids`` None: all), of one ``office`` or of all.

    Returns those answered, and a sentence for each that was not.
    """
    answered: list[Offer] = []
    refused: list[str] = []
    with open_store(settings.state, clock) as store:
        journals = [Journal(store, name) for name in settings.offices if office in {None, name}]
        waiting = {offer.id: journal for journal in journals for offer in journal.waiting()}
        for number in waiting if ids is None else ids:
            if number not in waiting:
                refused.append(f"Offer {number} does not wait for an answer.")
                continue
            journal = waiting[number]
            try:
                answered += journal.approve([number]) if yes else journal.decline([number])
            except IllegalStep:  # a running asapfill let it lapse just now
                refused.append(f"Offer {number} does not wait for an answer any more.")
    return answered, refused
