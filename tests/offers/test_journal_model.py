"""The journal against a trivial model: whatever is tried in whatever order, both must agree."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from asapfill.clock import SteppedClock
from asapfill.core.limits import checker
from asapfill.core.offer import COUNTED, LIVE, NEVER_WAS, STEPS, IllegalStep, Key, NewOffer, State
from asapfill.core.policy import TextsPolicy
from asapfill.offers.journal import Held, Journal
from asapfill.offers.reconcile import recover
from asapfill.store.database import open_store
from tests.depth import DEPTH

START = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
DAY = datetime(2026, 11, 20)
TEXTS = TextsPolicy(per_patient_per_day=2, per_patient_per_week=3, per_opening=4)
PHONES = {1: "family", 2: "family", 3: "alone", 4: ""}


class Row:
    """One offer of the model."""

    def __init__(self, new: NewOffer, state: State) -> None:
        self.new = new
        self.state = state
        self.changed = new.made


class JournalMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.clock = SteppedClock(START)
        self.made = DAY + timedelta(hours=9)
        self.rows: dict[int, Row] = {}
        self.ever_sent: set[Key] = set()

    @initialize()
    def open(self) -> None:
        self.store = open_store(self.folder, self.clock)
        self.journal = Journal(self.store, "main-street")

    @rule()
    def restart_after_a_crash(self) -> None:
        self.store.close()
        self.open()
        recover(self.journal)
        for row in self.rows.values():
            if row.state is State.INTENT:
                row.state = State.UNKNOWN

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        self.clock.sleep(hours * 3600)
        self.made += timedelta(hours=hours)

    def _meant(self, patient: int, number: int, operatory: int, hour: int) -> NewOffer:
        start = DAY + timedelta(days=3, hours=hour)
        return NewOffer(
            clinic=0,
            kind="appointment",
            number=patient * 10 + number,
            patient=patient,
            phone=PHONES[patient],
            operatory=operatory,
            provider=1,
            start=start,
            end=start + timedelta(minutes=60),
            wave=1,
            opening=f"{operatory}",
            made=self.made,
        )

    @rule(
        patient=st.sampled_from(sorted(PHONES)),
        number=st.integers(0, 1),
        operatory=st.integers(1, 2),
        hour=st.integers(9, 10),
        ask=st.booleans(),
    )
    def try_an_offer(self, patient: int, number: int, operatory: int, hour: int, ask: bool) -> None:  # noqa: FBT001
        new = self._meant(patient, number, operatory, hour)
        check = checker(new, (), TEXTS, self.made)
        approved = [one for one in self.rows.values() if one.new.key == new.key and one.state is State.APPROVED]
        allowed = self._allowed(new, ignoring=[] if ask else approved)
        try:
            offer = (self.journal.wait if ask else self.journal.begin)(new, check=check)
        except Held:
            assert not allowed
            return
        assert allowed
        if not ask:
            assert new.key not in self.ever_sent
            self.ever_sent.add(new.key)
        self.rows[offer.id] = Row(new, State.WAITING if ask else State.INTENT)

    def _allowed(self, new: NewOffer, ignoring: list[Row]) -> bool:
        """The rules once more, as plainly as they can be said."""
        rows = [row for row in self.rows.values() if row not in ignoring]
        person = [row for row in rows if row.new.patient == new.patient]
        phone = [row for row in rows if new.phone and row.new.phone == new.phone]
        candidate = [row for row in rows if row.new.number == new.number]
        place = [row for row in rows if row.new.operatory == new.operatory and row.state in COUNTED]
        today, week = self.made.date(), self.made.date() - timedelta(days=6)
        unclear = {State.INTENT, State.UNKNOWN, State.UNSETTLED}
        same_time = [row for row in place if row.new.start == new.start and row.state in unclear]
        counts = [
            sum(row.state in COUNTED and row.new.made.date() >= since for row in some) < most
            for some in (person, phone)
            for since, most in ((today, 2), (week, 3))
        ]
        return (
            not any(row.state in LIVE for row in person + phone)
            and not any(row.new.key == new.key and row.state not in NEVER_WAS for row in candidate)
            and not any(row.state is State.STOPPED for row in candidate)
            and not same_time
            and all(counts)
            and len(place) < 4
            and not any(
                # Ten minutes more, for clocks that were set in between.
                row.state in {State.DECLINED, State.STOPPED} and row.changed + timedelta(days=7, minutes=10) > self.made
                for row in person
            )
            # Open Dental sent no text today: it would send none for another time either.
            and not any(row.state is State.SUPPRESSED and row.new.made.date() == today for row in person)
        )

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), to=st.sampled_from(sorted(set(State) - {State.INTENT})))
    def try_a_step(self, data: st.DataObject, to: State) -> None:
        number = data.draw(st.sampled_from(sorted(self.rows)))
        row = self.rows[number]
        try:
            after = self.journal.step(number, to)
        except IllegalStep:
            assert to not in STEPS[row.state]
            return
        assert to in STEPS[row.state]
        assert after.state is to
        if to is State.UNSENT:
            self.ever_sent.discard(row.new.key)
        row.state, row.changed = to, self.made

    @invariant()
    def both_agree(self) -> None:
        if not hasattr(self, "journal"):
            return
        found = {offer.id: offer.state for offer in self.journal.since(DAY.date() - timedelta(days=1))}
        assert found == {number: row.state for number, row in self.rows.items()}
        assert {offer.id for offer in self.journal.live()} == {
            number for number, row in self.rows.items() if row.state in LIVE
        }
        for number, state in found.items():
            story = self.journal.steps(number)
            assert story[-1].after is state
            assert all(after.before is before.after for before, after in pairwise(story))

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
        shutil.rmtree(self.folder)


TestJournalAgainstItsModel = JournalMachine.TestCase
TestJournalAgainstItsModel.settings = settings(max_examples=DEPTH.examples(100), stateful_step_count=30)
