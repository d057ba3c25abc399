"""The mirror equals the office, row for row, once it has gone round: whatever drifts while it looks.

Rows come and go between two pages, staff undo and redo, the office is restored from a backup so that its clock and its
stamps run backwards, pages are empty that should not be, asapfill is killed in the middle of a page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asapfill.clock import office_now
from asapfill.core.office import Office as Seen
from asapfill.core.rows import Appointment, AsapComm, Recall, Row, Schedule
from asapfill.cycle.session import OfficeSession
from asapfill.sandbox.api import lists, rendering
from asapfill.sandbox.office import staff
from asapfill.sandbox.office.columns import stamp
from asapfill.sandbox.office.tables import Refusal, SimulatedOffice
from tests.cycle.office import appointment, hours, office_file, unscheduled
from tests.depth import DEPTH
from tests.mirror.in_process import Served, in_process

JSON = dict[str, Any]

AHEAD = timedelta(days=3)
TODAY = date(2026, 4, 14)
DAYS = [TODAY + timedelta(days=number) for number in range(-1, 4)]
POLICY = "office: main-street\ntimezone: America/Los_Angeles\nmode: preview\n"

STEP, ROUND = 45, 9
"""Minutes from one cycle to the next, and cycles in which every part of the mirror is read again at least once: far
days are late after three hours, and each cycle reads a page of the recall table."""


class Killed(BaseException):
    """The process is dead."""


def drifting_office() -> JSON:
    """More than a page of everything: visits, schedule rows, people on the ASAP list, recalls."""
    visits = [
        appointment(
            100 + number,
            1 + number % 9,
            f"{DAYS[number % 5]} {8 + number // 60:02}:{number // 5 % 12 * 5:02}:00",
            DateTStamp=f"2026-03-{1 + number % 28:02} 09:{number % 60:02}:00",
        )
        for number in range(170)
    ]
    loose = [unscheduled(400 + number, 1 + number % 9) for number in range(103)]
    blocks = [hours(f"{DAYS[number % 5]}", f"{6 + number // 60:02}:{number % 60:02}", "18:00") for number in range(130)]
    recalls = [
        {
            "RecallNum": number,
            "PatNum": 1 + number % 9,
            "RecallTypeNum": 1,
            "Priority": "ASAP" if number % 40 == 0 else "Normal",
        }
        for number in range(30, 250)
    ]
    return office_file(more_appointments=[*visits, *loose], more_schedules=blocks, more_recalls=recalls)


@dataclass(slots=True)
class Drifting:
    """A mirror, its office, and what is going to happen to them."""

    served: Served
    backup: JSON
    behind: timedelta = timedelta(0)
    coming: dict[int, list[Callable[[], None]]] = field(default_factory=dict)
    """What happens just before which of the next requests."""
    empty_at: set[int] = field(default_factory=set)

    @property
    def session(self) -> OfficeSession:
        """Of the process that runs."""
        return self.served.now

    @property
    def office(self) -> SimulatedOffice:
        """The truth."""
        return self.served.world.office

    def look(self) -> None:
        """One cycle's reading; it may be the last of its process."""
        mirror = self.session.mirror
        wall = office_now(self.served.clock.now(), self.office.timezone)
        try:
            mirror.refresh(wall, AHEAD, (), following=False)
            mirror.keep_up()
            mirror.save()
        except Killed:
            self.served.restart()
        self.coming.clear()
        self.empty_at.clear()

    def pass_minutes(self, minutes: int) -> None:
        """Time passes here and there."""
        self.served.clock.sleep(60 * minutes)

    def happen(self, action: JSON) -> None:
        """Staff do something; a number chooses among the rows that there are."""
        for key, table in (("AptNum", "appointments"), ("ScheduleNum", "schedules"), ("RecallNum", "recalls")):
            if key in action:
                rows = sorted(self.office.table(table))
                if not rows:
                    return
                action = action | {key: rows[action[key] % len(rows)]}
        if action["action"] == "offer":
            values = {"FKey": 12, "FKeyType": "UnscheduledAppt", "PatNum": 3, "DateTimeEntry": stamp(self.office.now)}
            self.office.insert("asapcomms", values | {"ResponseStatus": action["status"]})
            return
        with suppress(Refusal):  # staff cannot do that, and nothing happens
            staff.apply(self.office, action)

    def vanish(self, number: int) -> None:
        """An appointment goes without any trace, as when somebody works on the database itself."""
        rows = sorted(self.office.appointments)
        del self.office.appointments[rows[number % len(rows)]]

    def restore(self, behind: timedelta) -> None:
        """The office is as it was when the backup was made; its clock may run ``behind`` from now on."""
        self.behind = behind
        before = SimulatedOffice.load(self.backup)
        for name in ("appointments", "schedules", "recalls", "asapcomms", "histappointments", "signalods"):
            table = self.office.table(name)
            table.clear()
            table.update(before.table(name))

    def meet(self, request: httpx.Request) -> None:
        """Something may happen just before the office sees a request."""
        del request
        for act in self.coming.pop(self._position(), []):
            act()

    def spoil(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        """A page may be empty that should not be."""
        listed = request.method == "GET" and response.status_code == 200 and response.content.startswith(b"[")
        if listed and self._position() - 1 in self.empty_at:
            return httpx.Response(200, json=[], request=request)
        return response

    def _position(self) -> int:
        return len(self.served.transport.asked) - self._asked

    _asked: int = 0

    def begin(self) -> None:
        """The next request is number 0."""
        self._asked = len(self.served.transport.asked)


@contextmanager
def drifting() -> Iterator[Drifting]:
    with TemporaryDirectory() as folder, in_process(Path(folder), POLICY, drifting_office(), page_cap=100) as served:
        drift = Drifting(served, served.world.office.dump())
        world = served.world

        def catch_up() -> None:
            """The office's clock goes wrong when it is restored."""
            world.life.advance(office_now(world.clock.now(), world.office.timezone) - drift.behind)

        world.catch_up = catch_up  # type: ignore[method-assign] # a World has no such knob
        served.transport.before, served.transport.spoil = drift.meet, drift.spoil
        served.start()
        yield drift


def shown(office: SimulatedOffice, shape: str, rows: list[JSON], row_type: type[Row]) -> set[str]:
    """Rows as asapfill reads them, to the last column that it uses."""
    return {repr(row_type.read(rendering.render(office, shape, row))) for row in rows}


def truth(office: SimulatedOffice, first: date, last: date, today: date) -> dict[str, set[str]]:
    """What the mirror should know, by the office's own tables."""
    days = (str(first), f"{last}~")
    listed = lists.asap(office, {}, None)
    asked = {row["PatNum"] for row in office.recalls.values() if row["Priority"] == "ASAP"}
    entered = (str(today - timedelta(days=8)), f"{today + timedelta(days=1)}~")
    visits = [row for row in office.appointments.values() if days[0] <= row["AptDateTime"] <= days[1]]
    rows = [row for row in office.schedules.values() if days[0] <= row["SchedDate"] <= days[1]]
    recalls = [row for row in office.recalls.values() if row["PatNum"] in asked]
    offers = [row for row in office.asapcomms.values() if entered[0] <= row["DateTimeEntry"] <= entered[1]]
    return {
        "appointments": shown(office, "appointments", visits, Appointment),
        "schedules": shown(office, "schedules", rows, Schedule),
        "asap": shown(office, "appointments", listed, Appointment),
        "recalls": shown(office, "recalls", recalls, Recall),
        "offers": shown(office, "asapcomms", offers, AsapComm),
    }


def believed(seen: Seen, offers: tuple[AsapComm, ...]) -> dict[str, set[str]]:
    """What the mirror knows."""
    return {
        "appointments": {repr(row) for row in seen.appointments},
        "schedules": {repr(row) for row in seen.schedules},
        "asap": {repr(row) for row in seen.asap},
        "recalls": {repr(row) for row in seen.recalls},
        "offers": {repr(row) for row in offers},
    }


numbers = st.integers(0, 500)
days = st.sampled_from([*DAYS, date(2026, 4, 30), date(2026, 3, 2)])
moments = st.builds(lambda day, unit: f"{day} {8 + unit // 12:02}:{unit % 12 * 5:02}:00", days, st.integers(0, 100))
operatories = st.sampled_from([1, 2])
doings = st.one_of(
    st.fixed_dictionaries(
        {"action": st.sampled_from(["cancel", "break", "delete", "delete", "complete"]), "AptNum": numbers}
    ),
    st.fixed_dictionaries({"action": st.just("move"), "AptNum": numbers, "Op": operatories, "AptDateTime": moments}),
    st.fixed_dictionaries(
        {"action": st.just("book"), "PatNum": st.integers(1, 9), "Op": operatories, "AptDateTime": moments}
    ),
    st.fixed_dictionaries(
        {"action": st.just("priority"), "AptNum": numbers, "Priority": st.sampled_from(["ASAP", "Normal"])}
    ),
    st.fixed_dictionaries(
        {"action": st.just("priority"), "RecallNum": numbers, "Priority": st.sampled_from(["ASAP", "Normal"])}
    ),
    st.fixed_dictionaries(
        {
            "action": st.just("blockout"),
            "SchedDate": days.map(str),
            "StartTime": st.just("14:00:00"),
            "StopTime": st.just("14:30:00"),
            "operatories": st.sampled_from([[1], [2], [1, 2]]),
            "BlockoutType": st.just(247),
        }
    ),
    st.fixed_dictionaries({"action": st.just("delete_schedule"), "ScheduleNum": numbers}),
    st.fixed_dictionaries({"action": st.just("offer"), "status": st.sampled_from(["PendingRsvp", "Declined"])}),
)
positions = st.integers(0, 25)
events = st.one_of(
    doings.map(lambda doing: ("now", doing)),
    st.tuples(st.just("between"), positions, doings),
    st.tuples(st.just("empty"), positions),
    st.tuples(st.just("kill"), positions),
    st.tuples(st.just("vanish"), numbers),
    st.sampled_from([("restart",), ("restore", 0), ("restore", 1), ("look", 1), ("look", 1), ("look", 30)]),
)


def take_place(drift: Drifting, event: tuple[Any, ...]) -> None:
    """One event; those with a position happen in the middle of the next reading."""
    what, *more = event
    if what == "now":
        drift.happen(more[0])
    elif what == "between":
        drift.coming.setdefault(more[0], []).append(lambda: drift.happen(more[1]))
    elif what == "empty":
        drift.empty_at.add(more[0])
    elif what == "kill":
        drift.coming.setdefault(more[0], []).append(_die)
    elif what == "vanish":
        drift.vanish(more[0])
    elif what == "restart":
        drift.served.restart()
    elif what == "restore":
        drift.restore(timedelta(days=more[0]))
    else:
        drift.pass_minutes(more[0])
        drift.begin()
        drift.look()


BOOKED = {"action": "book", "PatNum": 4, "Op": 2, "AptDateTime": "2026-04-16 15:00:00"}
AWAY = {"action": "move", "AptNum": 3, "Op": 1, "AptDateTime": "2026-04-30 09:00:00"}
BACK = {"action": "move", "AptNum": 3, "Op": 2, "AptDateTime": "2026-04-16 09:00:00"}


def _die() -> None:
    raise Killed


@settings(max_examples=DEPTH.examples(12))
@given(st.lists(events, min_size=1, max_size=14))
@example([("look", 1), ("kill", 1), ("look", 1)])
@example([("look", 1), ("restore", 1), ("look", 1)])
@example([("look", 1), ("now", AWAY), ("look", 1), ("now", BACK)])
@example([("look", 1), ("vanish", 20), ("look", 1)])
@example([("look", 1), ("now", BOOKED), ("look", 1), ("restore", 0), ("look", 1)])
@example([("between", 3, {"action": "delete", "AptNum": 20}), ("look", 1)])
@example([("empty", number) for number in range(8, 14)] + [("look", 1)])
def test_after_a_full_round_the_mirror_equals_the_office(happened: list[tuple[Any, ...]]) -> None:
    with drifting() as drift:
        for event in happened:
            take_place(drift, event)
        drift.coming.clear()
        drift.empty_at.clear()
        for _ in range(ROUND):
            drift.pass_minutes(STEP)
            drift.begin()
            drift.look()
        mirror = drift.session.mirror
        seen = mirror.office()
        today = seen.first
        assert believed(seen, mirror.asapcomms) == truth(drift.office, today - timedelta(days=1), seen.last, today)
