"""How deep the tests go, in one place: ``make test`` takes minutes, ``make proof`` takes its time.

``TEST_DEPTH=proof`` in the environment switches to the second, which is what ``make proof`` does. Every test runs in
both, with the same assertions, but for those of an installation with all its packages, which are a proof's. In the
first, long properties, storms and matrices take fewer examples, and processes of asapfill are forked instead of started
anew (see ``tests/processes``).

Numbers of examples are written at a test as a proof has them: ``@settings(max_examples=DEPTH.examples(300))``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

VARIABLE = "TEST_DEPTH"
LEAST_EXAMPLES = 5


@dataclass(frozen=True)
class Depth:
    """One of the two depths."""

    share_of_examples: float
    """Of a property's examples, but never fewer than ``LEAST_EXAMPLES``."""
    twin_cases: int
    """Offices in which asapfill and its twin are compared; ``TWIN_CASES`` in the environment takes precedence."""
    exhausted_offices: int
    """Small offices in which packing is compared with every packing there is."""
    packed_offices: int
    """Offices in which packing is compared with the greedy one."""
    soak_days: int
    """Simulated days with every fault, a multiple of five."""
    deaths_at_each_place: int
    """How many occurrences of each place asapfill is killed at, before the last."""
    deaths_in_every_run: bool
    """Whether it is killed at a place in each run in which it reaches it, or in the first only."""
    generated_offices: int
    """Seeds of the generated office, each looked at by every test of it."""
    storm_seconds: float
    """How long the daemon is under signals at random."""
    fork: bool
    """Whether processes of asapfill are forked."""
    installs: bool
    """Whether asapfill is installed with all its packages, which takes a minute."""

    def examples(self, proof: int) -> int:
        """How many examples a property takes that takes ``proof`` of them in a proof."""
        return max(min(proof, LEAST_EXAMPLES), round(proof * self.share_of_examples))


TEST = Depth(
    share_of_examples=0.2,
    twin_cases=100,
    exhausted_offices=25,
    packed_offices=200,
    soak_days=5,
    deaths_at_each_place=1,
    deaths_in_every_run=False,
    generated_offices=6,
    storm_seconds=1.5,
    fork=True,
    installs=False,
)
PROOF = Depth(
    share_of_examples=1,
    twin_cases=2000,
    exhausted_offices=500,
    packed_offices=10_000,
    soak_days=40,
    deaths_at_each_place=1000,
    deaths_in_every_run=True,
    generated_offices=30,
    storm_seconds=20,
    fork=False,
    installs=True,
)

DEPTHS = {"test": TEST, "proof": PROOF}
DEPTH = DEPTHS[os.environ.get(VARIABLE, "test")]
