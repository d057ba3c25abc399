"""docs/how-it-works.md tells every state of an offer, and every step between them."""

from __future__ import annotations

import re
from pathlib import Path

from asapfill.core.offer import STEPS

PAGE = (Path(__file__).parents[2] / "docs" / "how-it-works.md").read_text(encoding="utf-8")


def test_the_table_of_states_is_the_state_machine() -> None:
    table = PAGE.partition("| state | means | what may follow |\n|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [re.fullmatch(r"\| ([a-z_]+) \| .+? \|(.*)\|", line) for line in table.splitlines()]
    told = {row[1]: set(re.findall(r"[a-z_]+", row[2])) for row in rows if row is not None}
    assert told == {str(before): {str(after) for after in allowed} for before, allowed in STEPS.items()}
