"""The sample policies that come with asapfill: beside the package in a checkout, inside it when installed."""

from __future__ import annotations

from pathlib import Path

import asapfill


def sample_policy(name: str = "sample.yaml") -> Path:
    """The path of a sample policy.

    Raises:
        FileNotFoundError: this installation has none of that name.
    """
    package = Path(asapfill.__file__).parent
    for folder in (package / "samples", package.parent / "policies"):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"asapfill came without the sample policy {name}; install it again")
