"""candidates.spoken_to: somebody the office has just talked to is left alone, and the next is asked instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cycle.office import TODAY, office_file
from tests.daemon.serving import passed_over, serving

POLICY: dict[str, Any] = {"candidates": {"spoken_to": "2 days"}, "texts": {"wave": 1}}


def talked(patient: int, when: str, **more: Any) -> dict[str, Any]:
    row = {"CommlogNum": 1, "PatNum": patient, "CommDateTime": when, "DateTStamp": when, "Note": "Called about it."}
    return row | more


@pytest.mark.parametrize("version", ["25.2.30.0", "25.1.5.0"], ids=["filtered by DateTStamp", "not filtered"])
def test_somebody_spoken_to_lately_is_skipped_with_the_reason_and_the_next_is_asked(
    tmp_path: Path, version: str
) -> None:
    office = office_file(more_commlogs=[talked(3, f"{TODAY} 08:00:00")], version=version)
    with serving(tmp_path, office, **POLICY) as served:
        result = served.cycle()
        assert [line.offer.number for line in result.offers if line.state == "sent"] == [14]
        assert passed_over(result)[12] == "spoken_to"


@pytest.mark.parametrize(
    "row",
    [
        talked(3, "2026-04-12 09:59:00"),
        talked(3, f"{TODAY} 08:00:00", Note="[asapfill AsapCommNum=7] Texted an ASAP offer."),
        talked(4, f"{TODAY} 08:00:00"),
    ],
    ids=["long ago", "our own note", "somebody else"],
)
def test_what_is_old_our_own_or_of_somebody_else_does_not_count(tmp_path: Path, row: dict[str, Any]) -> None:
    with serving(tmp_path, office_file(more_commlogs=[row]), **POLICY) as served:
        assert [line.offer.number for line in served.cycle().offers] == [12]


def test_commlogs_are_read_only_if_the_policy_asks_and_only_of_those_about_to_be_asked(tmp_path: Path) -> None:
    with serving(tmp_path, commlog={"write": "no"}) as served:
        served.cycle()
        assert served.sandbox.log()["requests"].get("GET commlogs", 0) == 0
    with serving(tmp_path / "asked", commlog={"write": "no"}, **POLICY) as served:
        served.cycle()
        assert served.sandbox.log()["requests"]["GET commlogs"] == 1
