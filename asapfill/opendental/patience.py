"""How long asapfill has patience with an office, so that one which hangs cannot hold up the others.

Real seconds everywhere: sockets do not follow an injected clock.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from asapfill.opendental.wire import DEADLINE


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the requests of one cycle, or of one command, may take.

    Attributes:
        first: for the first read to be answered. Until then nothing is asked twice, if this is a ``probe``.
        answer: for each read after that. A write always has ``wire.DEADLINE``: breaking it off leaves a doubt.
        retrying: no further retry of a read once so much has gone into it.
        waiting: for a gate that the office had us shut.
        cycle: no request begins after so long. One that has begun may end.
        probe: whether the office failed lately, so that one request is to find out whether it answers again.
    """

    first: float = DEADLINE
    answer: float = DEADLINE
    retrying: float = 120.0
    waiting: float = math.inf
    cycle: float = math.inf
    probe: bool = False


AMPLE: Final = Patience()
"""For a command that a person waits for."""

PROMPT: Final = Patience(first=20.0, answer=20.0, retrying=20.0, waiting=20.0, cycle=120.0)
"""For an office whose last cycle was a quick one."""

SLOW: Final = Patience(first=30.0, waiting=75.0, cycle=600.0)
"""For an office that was never served, or whose last cycle took long."""

PROBE: Final = Patience(first=30.0, waiting=75.0, cycle=600.0, probe=True)
"""For an office that did not answer as it should."""
