"""The recall table read a page at a time, while rows come and go in it."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from asapfill.core.rows import ASAP, Recall
from asapfill.mirror.known import Numbered
from asapfill.mirror.recalls import Sweep
from asapfill.opendental.paging import Chunk
from tests.depth import DEPTH

LIMIT = 5


def recall(number: int, *, asap: bool) -> Recall:
    return Recall(recall_num=number, pat_num=number % 4, priority=ASAP if asap else "Normal")


@dataclass
class Table:
    """The office's recalls, and what was read of them."""

    rows: dict[int, Recall] = field(default_factory=dict)
    known: Numbered[Recall] = field(default_factory=Numbered)
    sweep: Sweep = field(default_factory=Sweep)

    def read_page(self) -> None:
        """The next page."""
        rows = [self.rows[number] for number in sorted(self.rows)]
        page = tuple(rows[self.sweep.offset :][:LIMIT])
        chunk = Chunk(page, (), last=len(page) < LIMIT, limit=LIMIT)
        self.sweep.take(chunk, self.known, lambda patient: [row for row in rows if row.pat_num == patient])

    def wanted(self) -> dict[int, Recall]:
        """The recalls of everybody who has one on the ASAP list."""
        asked = {row.pat_num for row in self.rows.values() if row.priority == ASAP}
        return {number: row for number, row in self.rows.items() if row.pat_num in asked}


changes = st.one_of(
    st.tuples(st.just("put"), st.integers(1, 40), st.booleans()),
    st.tuples(st.just("delete"), st.integers(1, 40), st.none()),
    st.tuples(st.just("page"), st.none(), st.none()),
)


@settings(max_examples=DEPTH.examples(200))
@given(st.sets(st.integers(1, 40)), st.lists(changes, max_size=40))
def test_after_two_rounds_the_recalls_are_those_of_the_office(
    first: set[int], drawn: list[tuple[str, int, bool | None]]
) -> None:
    table = Table({number: recall(number, asap=number % 7 == 0) for number in first})
    for what, number, asap in drawn:
        if what == "put":
            table.rows[number] = recall(number, asap=bool(asap))
        elif what == "delete":
            table.rows.pop(number, None)
        else:
            table.read_page()
    for _ in range(3 * 40 // (LIMIT - 1)):
        table.read_page()
    assert table.known.rows == table.wanted()


def test_a_page_that_begins_too_late_is_looked_for_earlier() -> None:
    table = Table({number: recall(number, asap=True) for number in range(1, 13)})
    table.read_page()
    for number in range(1, 6):
        del table.rows[number]
    table.read_page()
    assert table.sweep.offset == 0
    for _ in range(2):
        table.read_page()
    assert {6, 7, 8} <= table.known.rows.keys()


def test_a_server_that_does_not_page_ends_the_round() -> None:
    table = Table()
    rows = tuple(recall(number, asap=True) for number in range(1, LIMIT + 1))
    for _ in range(2):
        table.sweep.take(Chunk(rows, (), last=False, limit=LIMIT), table.known, lambda _: ())
    assert (table.sweep.offset, table.sweep.whole) == (0, False)
    assert table.known.rows.keys() == set(range(1, LIMIT + 1))
