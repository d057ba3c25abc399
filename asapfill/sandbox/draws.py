"""Randomness that depends on what it is for, and not on what was drawn before."""

from __future__ import annotations

import random


def stable_random(*key: object) -> random.Random:
    """A generator that is the same for the same key in every process, whatever PYTHONHASHSEED says.

    Seeding with text hashes it with SHA-512, which Python promises to keep.
    """
    return random.Random("|".join(str(part) for part in key))
