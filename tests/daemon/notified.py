"""What a service may tell systemd in one life, and in which order: sd_notify(3), systemd.service(5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

READY, WATCHDOG, RELOADING, STOPPING = "READY=1", "WATCHDOG=1", "RELOADING=1", "STOPPING=1"


def misplaced(words: Sequence[str], *, stopped: bool) -> Iterator[str]:
    """A sentence for each word that stands where it must not.

    ``stopped``: it ended by itself after SIGTERM (or SIGINT), so it must have said so; a killed one may be silent from
    any place on.
    """
    ready = reloading = stopping = False
    for word in words:
        if stopping:
            yield f"{word} after {STOPPING}"
        elif not ready and word != READY:
            yield f"{word} before {READY}"
        elif word == READY and ready and not reloading:
            yield f"{READY} that nobody asked for"
        elif word == RELOADING and reloading:
            yield f"{RELOADING} while reloading"
        elif word not in {READY, WATCHDOG, RELOADING, STOPPING}:
            yield f"{word}: unknown"
        ready = ready or word == READY
        reloading = word == RELOADING or (reloading and word == WATCHDOG)
        stopping = stopping or word == STOPPING
    if stopped and words and not stopping:
        yield f"stopped without {STOPPING}"
