"""What asapfill calls a fit, the simulated office's POST must take: both judge by the facts, neither by the other."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from asapfill.clock import SteppedClock, instant
from asapfill.core.candidates import find_candidates
from asapfill.core.fits import fits, prepare
from asapfill.core.openings import find_openings
from asapfill.core.policy import CandidatesPolicy, OpeningsPolicy, Policy
from asapfill.mirror.mirror import Mirror
from asapfill.opendental.client import OpenDental
from asapfill.opendental.errors import Refused
from asapfill.sandbox.generate.generator import make_office
from asapfill.sandbox.office.tables import CUSTOMER_KEY, DEVELOPER_KEY
from tests.processes.forked import start_sandbox

ZONE = ZoneInfo("America/Los_Angeles")
START = datetime(2026, 4, 14, 7, 30)
POSTS = 60


def _policy(seed: int, blockout_types: list[int]) -> Policy:
    """Every other office allows its blockouts (those marked NS stay forbidden) and any provider."""
    loose = seed % 2 == 1
    return Policy(
        office="demo",
        timezone=ZONE,
        openings=OpeningsPolicy(
            settle=timedelta(0), blockouts_allowed=frozenset(blockout_types) if loose else frozenset()
        ),
        candidates=CandidatesPolicy(same_provider=not loose),
    )


@pytest.mark.parametrize("seed", range(1, 7))
def test_no_fit_is_refused_by_the_offices_post(seed: int) -> None:
    rows = make_office(seed, start=START, operatories=6)
    # The office then refuses any overlap itself (Open Dental: ApptsAllowOverlap).
    rows["preferences"]["ApptsAllowOverlap"] = "0"
    clock = SteppedClock(instant(START, ZONE))
    with (
        start_sandbox(rows, people=False, page_cap=1000) as sandbox,
        OpenDental("demo", [sandbox.url], DEVELOPER_KEY, CUSTOMER_KEY, clock=clock) as client,
    ):
        mirror = Mirror(client, clock)
        mirror.refresh(START, timedelta(days=14), [])
        known = mirror.office()
        mirror.read_patients({row.pat_num for row in known.asap} | {row.pat_num for row in known.recalls})
        office = mirror.office()
        policy = _policy(seed, [kind.def_num for kind in office.blockout_types])
        ground = prepare(office, policy, find_openings(office, policy, clock.now(), {}))
        candidates, _ = find_candidates(office, policy, START)
        places = [(candidate, fit) for candidate in candidates for fit in fits(candidate, ground)]
        assert len(places) > POSTS
        for candidate, fit in random.Random(seed).sample(places, POSTS):
            appointment = candidate.number if candidate.kind == "appointment" else None
            made = client.create_asapcomm(
                op=fit.opening.operatory,
                date_time_start=fit.start,
                apt_num=appointment,
                recall_num=None if appointment else candidate.number,
            )
            assert made.pat_num == candidate.patient


def test_the_same_post_does_refuse_what_is_no_fit() -> None:
    """Otherwise the test above would prove nothing."""
    rows = make_office(1, start=START)
    rows["preferences"]["ApptsAllowOverlap"] = "0"
    clock = SteppedClock(instant(START, ZONE))
    with (
        start_sandbox(rows, people=False) as sandbox,
        OpenDental("demo", [sandbox.url], DEVELOPER_KEY, CUSTOMER_KEY, clock=clock) as client,
    ):
        mirror = Mirror(client, clock)
        mirror.refresh(START, timedelta(days=14), [])
        office = mirror.office()
        visit = next(row for row in office.appointments if row.op and row.apt_status == "Scheduled" and row.pattern)
        wanted = next(row for row in office.asap if row.apt_num != visit.apt_num and row.op != visit.op)
        assert visit.apt_date_time is not None
        with pytest.raises(Refused):
            client.create_asapcomm(op=visit.op, date_time_start=visit.apt_date_time, apt_num=wanted.apt_num)
