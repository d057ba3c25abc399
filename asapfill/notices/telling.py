"""Which notices an address is to be told now, and in which words. Pure; sending them is ``sending``'s."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from asapfill.notices.notice import Notice
from asapfill.secret import Secret
from asapfill.settings import Settings
from asapfill.store.notices import KeptNotice
from asapfill.words import counted

CALM: Final = timedelta(minutes=10)
"""So long a thing must be over before anybody is told so: what comes and goes is told once."""
HOLD: Final[dict[str, timedelta]] = {"events": timedelta(minutes=30), "not_listening": timedelta(minutes=5)}
"""So long a thing must stand before anybody is told of it, by code; others are told at once."""
_MOST: Final = 20
"""Notices in one message; the others are counted."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where notices go. ``id``: a hash of where its secret comes from; ``name``: for people, without the secret.

    ``offices``: whose notices it gets; None for everything, what belongs to no office included.
    """

    id: str
    name: str
    secret: Secret
    offices: frozenset[str] | None

    def is_for(self, office: str) -> bool:
        """Whether it gets the notices of an office."""
        return self.offices is None or office in self.offices


@dataclass(frozen=True, slots=True)
class Letter:
    """One message. ``begun``: what it tells to be wrong; ``ended``: what it tells to be right again."""

    begun: tuple[Notice, ...]
    ended: tuple[Notice, ...]

    @property
    def all_right(self) -> bool:
        """Nothing in it is wrong."""
        return not self.begun

    @property
    def title(self) -> str:
        """One line; the office and the thing itself when there is one only."""
        told = [*self.begun, *self.ended]
        if len(told) == 1:
            (notice,) = told
            return f"asapfill, {notice.place}: {'all right again: ' if self.ended else ''}{notice.title}"
        parts = []
        if self.begun:
            parts.append(counted(len(self.begun), "thing needs a person", "things need a person"))
        if self.ended:
            parts.append(counted(len(self.ended), "thing is all right again", "things are all right again"))
        return f"asapfill: {', '.join(parts)}"

    @property
    def body(self) -> str:
        """Each notice with its office, its title and what to do."""
        parts = [f"{notice.place}: {notice.title}\n{notice.message}" for notice in self.begun]
        parts += [f"{notice.place}: all right again: {notice.title}" for notice in self.ended]
        more = len(parts) - _MOST
        if more > 0:
            parts[_MOST:] = [f"And {more} more: `asapfill status`."]
        return "\n\n".join(parts)


def addresses_of(settings: Settings) -> tuple[Address, ...]:
    """The addresses of the settings: of ``[notify]`` first, then of each office.

    Without ``[notify]``, what belongs to no office goes to the addresses of all offices.
    """
    found = [_address(secret, f"address {n} of [notify]", None) for n, secret in enumerate(settings.notify, start=1)]
    for office in settings.offices.values():
        for number, secret in enumerate(office.notify, start=1):
            name = f"address {number} of {office.name}"
            offices = frozenset({office.name} if settings.notify else {office.name, ""})
            found.append(_address(secret, name, offices))
    return tuple(found)


def _address(secret: Secret, name: str, offices: frozenset[str] | None) -> Address:
    whose = "*" if offices is None else "".join(sorted(offices))
    digest = hashlib.sha256(f"{whose}\0{secret.source}".encode()).hexdigest()
    return Address(digest[:16], name, secret, offices)


def letter_for(address: Address, kept: Iterable[KeptNotice], now: datetime) -> Letter | None:
    """What an address does not know yet; None when it knows all."""
    begun, ended = [], []
    for row in kept:
        if not address.is_for(row.notice.office):
            continue
        known = row.told.get(address.id)
        stands = row.gone is None and now - row.since >= HOLD.get(row.notice.code, timedelta())
        if stands and known != row.notice.about:
            begun.append(row.notice)
        elif is_over(row, now) and known is not None:
            ended.append(row.notice)
    return Letter(tuple(begun), tuple(ended)) if begun or ended else None


def is_over(row: KeptNotice, now: datetime) -> bool:
    """Whether a notice has had no reason for long enough."""
    return row.gone is not None and now - row.gone >= CALM


def forgettable(kept: Iterable[KeptNotice], addresses: Sequence[Address], now: datetime) -> list[KeptNotice]:
    """Notices that are over, and everybody knows."""
    present = {address.id for address in addresses}
    return [row for row in kept if is_over(row, now) and not present & set(row.told)]
