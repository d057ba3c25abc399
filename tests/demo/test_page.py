from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from asapfill.core.offer import WORDS, Offer, State
from asapfill.demo.page import write_page
from asapfill.demo.sheets import Block, Sheet, sheet
from asapfill.sandbox.office.tables import SimulatedOffice

DAY = date(2026, 4, 14)
VOID = {"meta", "link", "br", "hr", "img", "input"}

PEOPLE = ("Quillfeather", "Zebulon", "Zeb", "5035550142", "5035550143", "Marigold", "Vandersnoot", "molars hurt")
"""Everything in the office file that says who somebody is."""

SUMMARY: dict[str, Any] = {
    "seed": 7,
    "openings": 41,
    "free_minutes": 2345,
    "filled": 3,
    "filled_minutes": 150,
    "share_recovered": 0.064,
    "refilled": 1,
    "offers": 6,
    "texts": 1234,
    "texts_per_filled": 4.0,
    "requests": 567,
    "sent_twice": 0,
    "page": ".",
    "errors": [],
}


def visit(number: int, at: str, op: int = 1, units: int = 12, **changes: Any) -> dict[str, Any]:
    """An appointment of patient 500 + number; ``at`` is a time of day, or a whole moment."""
    moment = at if len(at) > 5 else f"{DAY} {at}:00"
    row = {"AptNum": number, "PatNum": 500 + number, "Op": op, "AptDateTime": moment, "Pattern": "X" * units}
    return {**row, "ProvNum": 1, "Note": "molars hurt", "ProcDescript": "RCT", **changes}


def hours(day: date = DAY, start: str = "08:00:00", stop: str = "17:00:00") -> dict[str, Any]:
    return {"SchedDate": str(day), "StartTime": start, "StopTime": stop, "ProvNum": 1, "operatories": [1, 2]}


def blockout(start: str, stop: str, ops: list[int]) -> dict[str, Any]:
    row = {"SchedDate": str(DAY), "StartTime": f"{start}:00", "StopTime": f"{stop}:00", "operatories": ops}
    return {**row, "SchedType": "Blockout", "BlockoutType": 247, "Note": "Vandersnoot called"}


def office(*visits: dict[str, Any], schedules: list[dict[str, Any]] | None = None, **tables: Any) -> dict[str, Any]:
    """An office file: two operatories in use, one spare, people with names and phones."""
    people = sorted({row["PatNum"] for row in visits} | {555})
    return {
        "now": f"{DAY} 07:30:00",
        "operatories": [
            {"OperatoryNum": 2, "Abbrev": "HYG-2", "ItemOrder": 1},
            {"OperatoryNum": 1, "Abbrev": "OP-1", "ItemOrder": 0},
            {"OperatoryNum": 3, "Abbrev": "SPARE", "ItemOrder": 2},
        ],
        "providers": [{"ProvNum": 1, "Abbr": "VANDERSNOOT", "LName": "Vandersnoot", "FName": "Marigold"}],
        "definitions": [{"DefNum": 247, "ItemName": "Lunch", "ItemValue": "NS", "Category": 25}],
        "schedules": [hours()] if schedules is None else schedules,
        "appointments": list(visits),
        "patients": [
            {
                "PatNum": number,
                "LName": "Quillfeather",
                "FName": "Zebulon",
                "Preferred": "Zeb",
                "WirelessPhone": "5035550142",
                "HmPhone": "5035550143",
            }
            for number in people
        ],
        **tables,
    }


def offer(number: int, at: str, **changes: Any) -> Offer:
    """An accepted offer of 60 minutes in operatory 1 to patient 500 + number."""
    start = datetime.fromisoformat(at if len(at) > 5 else f"{DAY} {at}")
    values: dict[str, Any] = {
        "id": number,
        "office": "main-street",
        "clinic": 0,
        "kind": "appointment",
        "number": number,
        "patient": 500 + number,
        "phone": "a-keyed-hash",
        "operatory": 1,
        "provider": 1,
        "start": start,
        "end": start + timedelta(hours=1),
        "wave": 1,
        "opening": "an-opening",
        "made": datetime(2026, 4, 14, 9, 5),
        "state": State.ACCEPTED,
        "created": datetime(2026, 4, 14, 16, 5, tzinfo=UTC),
        "changed": datetime(2026, 4, 14, 16, 5, tzinfo=UTC),
    }
    return Offer(**{**values, **changes})


def day_sheet(before: dict[str, Any], after: dict[str, Any], *fills: Offer, day: date = DAY) -> Sheet:
    accepted = {(one.operatory, one.start): one for one in fills}
    return sheet(SimulatedOffice.load(before), SimulatedOffice.load(after), day, accepted)


def blocks(drawn: Sheet, kind: str, name: str = "OP-1") -> list[Block]:
    """The blocks of one kind in one operatory, afterwards."""
    return [block for column in drawn.after if column.name == name for block in column.blocks if block.kind == kind]


class Reader(HTMLParser):
    """Reads a page: checks that every element is closed in order, and keeps texts by class and the cells of rows."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.crossed: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.rows: list[list[str]] = []
        self.ids: list[str] = []
        self.labels: list[str] = []
        self.plain = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.ids += [named["id"]] if "id" in named else []
        self.labels += [named["aria-labelledby"]] if "aria-labelledby" in named else []
        if tag not in VOID:
            self.open.append((tag, named.get("class", "")))
            for name in named.get("class", "").split():
                self.texts.setdefault(name, []).append("")
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        found, _classes = self.open.pop() if self.open else ("nothing", "")
        if found != tag:
            self.crossed.append(f"</{tag}> ends <{found}>")

    def handle_data(self, data: str) -> None:
        if any(tag == "style" for tag, _classes in self.open):
            return
        self.plain += data
        for name in {name for _tag, classes in self.open for name in classes.split()}:
            self.texts[name][-1] += data
        if any(tag in {"td", "th"} for tag, _classes in self.open):
            self.rows[-1][-1] += data


def words(text: str) -> str:
    return " ".join(text.split())


def read(path: Path) -> Reader:
    return Reader(path.read_text(encoding="utf-8"))


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """The page of a day on which appointment 20 moved up from May, beside one declined and one suppressed offer."""
    before = office(
        visit(10, "08:00"), visit(20, "2026-05-01 14:00:00"), schedules=[hours(), blockout("12:00", "13:00", [1])]
    )
    after = office(visit(10, "08:00"), visit(20, "10:00"), schedules=[hours(), blockout("12:00", "13:00", [1])])
    offers = [
        offer(20, "10:00", made=datetime(2026, 4, 14, 9, 30), wave=2),
        offer(30, "10:00", state=State.DECLINED),
        offer(41, "10:00", state=State.SUPPRESSED, reason="suppressed_daily_limit", kind="recall"),
    ]
    return write_page(tmp_path / "deep" / "demo", before, after, offers, SUMMARY, DAY)


def test_the_page_lies_in_the_folder_that_was_asked_for(filled: Path, tmp_path: Path) -> None:
    assert filled.parent == tmp_path / "deep" / "demo"
    assert filled.name == "index.html"


def test_an_older_page_is_replaced(filled: Path) -> None:
    write_page(filled.parent, office(), office(), [], {**SUMMARY, "seed": 99}, DAY)
    assert "demo, seed 99" in read(filled).plain


def test_every_element_is_closed_in_order_and_labels_point_to_something(filled: Path) -> None:
    page = read(filled)
    assert page.crossed == []
    assert page.open == []
    assert len(set(page.ids)) == len(page.ids)
    assert set(page.labels) <= set(page.ids)


def test_the_page_has_a_language_and_a_title_and_needs_nothing_from_elsewhere(filled: Path) -> None:
    html = filled.read_text(encoding="utf-8")
    assert '<html lang="en">' in html
    assert "<title>asapfill demo · Tuesday, April 14, 2026</title>" in html
    assert re.findall(r"<script|https?:|//[a-z]|src=|href=|@import|url\(", html) == []


def test_the_figures_are_on_the_page(filled: Path) -> None:
    figures = [words(text) for text in read(filled).texts["figure"]]
    assert figures == [
        "Openings filled 3 of 41 found",
        "Chair time recovered 2 h 30 min 150 minutes",
        "Share recovered 6.4% of 2,345 minutes that stood open",
        "Refills 1 places that a mover left, filled again",
        "Texts sent 1,234 counted by the simulated office",
        "Texts per filled opening 4.0 all texts, by openings filled",
        "Sent twice 0 counted by the simulated office",
        "Requests 567 to the office’s API, over HTTP",
    ]


def test_a_day_without_anything_filled_has_a_page_too(tmp_path: Path) -> None:
    nothing = {**SUMMARY, "filled": 0, "filled_minutes": 0, "share_recovered": 0.0, "texts_per_filled": None}
    page = read(write_page(tmp_path, office(), office(), [], nothing, DAY))
    assert "Texts per filled opening – all texts" in words(page.plain)
    assert "No opening of this day was filled." in page.plain
    assert "No offer was made." in page.plain


def test_anything_sent_twice_is_shown_as_bad(tmp_path: Path, filled: Path) -> None:
    page = read(write_page(tmp_path, office(), office(), [], {**SUMMARY, "sent_twice": 2}, DAY))
    assert [words(text) for text in page.texts["bad"]] == ["Sent twice 2 counted by the simulated office"]
    assert "bad" not in read(filled).texts


def test_trouble_is_told_and_escaped(tmp_path: Path, filled: Path) -> None:
    path = write_page(tmp_path, office(), office(), [], {**SUMMARY, "errors": ["<b>office</b> did not answer"]}, DAY)
    assert "&lt;b&gt;office&lt;/b&gt; did not answer" in path.read_text(encoding="utf-8")
    assert "trouble" not in read(filled).texts


def test_what_the_office_wrote_is_escaped(tmp_path: Path) -> None:
    chairs = [{"OperatoryNum": 1, "Abbrev": '<i>"&</i>'}]
    kinds = [{"DefNum": 247, "ItemName": "<script>alert(1)</script>", "Category": 25}]
    file = office(schedules=[hours(), blockout("12:00", "13:00", [1])], operatories=chairs, definitions=kinds)
    path = write_page(tmp_path, file, file, [offer(20, "10:00", state=State.SENT)], SUMMARY, DAY)
    html = path.read_text(encoding="utf-8")
    assert "<script" not in html
    assert '<i>"' not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2
    assert read(path).crossed == []


def test_nobody_can_be_recognised(filled: Path) -> None:
    html = filled.read_text(encoding="utf-8").lower()
    assert [word for word in PEOPLE if word.lower() in html] == []
    assert "a-keyed-hash" not in html
    assert "520" not in read(filled).plain  # the PatNum


def test_a_visit_that_was_brought_in_is_highlighted_afterwards_only(filled: Path) -> None:
    page = read(filled)
    brought_in = [words(text) for text in page.texts["filled"] if text.strip()]
    assert brought_in == ["Brought in by asapfill: ✓ 20 10:00–11:00"]
    assert "OP-1 10:00–11:00 appointment 20, was on Fri, May 1 at 14:00" in words(page.plain)


def test_every_offer_stands_in_the_table_in_the_order_in_which_it_was_made(filled: Path) -> None:
    head, *rows = [[words(cell) for cell in row] for row in read(filled).rows]
    assert head == ["Made", "Operatory", "Slot", "Who", "Wave", "Outcome"]
    assert rows == [
        ["09:05", "OP-1", "Tue, Apr 14 10:00–11:00", "appointment 30", "1", "Declined"],
        [
            "09:05",
            "OP-1",
            "Tue, Apr 14 10:00–11:00",
            "recall 41",
            "1",
            "No text was sentThe patient has had the day's texts.",
        ],
        ["09:30", "OP-1", "Tue, Apr 14 10:00–11:00", "appointment 20", "2", "✓ Accepted"],
    ]


def test_every_state_of_an_offer_has_words() -> None:
    assert set(WORDS) == set(State)


def test_days_with_filled_openings_follow_the_demo_day_and_four_are_shown_at_most(tmp_path: Path) -> None:
    days = [DAY + timedelta(days=number) for number in (5, 1, 3, 2, 4)]
    fills = [offer(20 + index, f"{day} 10:00") for index, day in enumerate(days)]
    visits = [visit(20 + index, f"{day} 10:00:00") for index, day in enumerate(days)]
    file = office(*visits, schedules=[hours(day) for day in [DAY, *days]])
    page = read(write_page(tmp_path, office(), file, fills, SUMMARY, DAY))
    shown = [re.search(r"\w+day, \w+ \d+, \d+", text) for text in page.texts["day"]]
    assert [match[0] for match in shown if match] == [
        "Tuesday, April 14, 2026",
        "Wednesday, April 15, 2026",
        "Thursday, April 16, 2026",
        "Friday, April 17, 2026",
    ]
    assert "2 more filled openings lie on later days" in words(page.plain)


@pytest.mark.parametrize(
    ("before", "origin"),
    [
        ([visit(20, "2026-05-01 14:00:00", AptStatus="Scheduled")], "was on Fri, May 1 at 14:00"),
        ([visit(20, "2026-04-01 14:00:00", AptStatus="Broken")], "a broken appointment"),
        ([visit(20, "2026-04-01 14:00:00", AptStatus="UnschedList")], "an unscheduled appointment"),
        ([visit(20, "0001-01-01 00:00:00", AptStatus="Planned")], "a planned appointment that had no time"),
        ([], "an appointment made during the day"),
    ],
)
def test_a_filled_slot_tells_where_the_visit_came_from(
    tmp_path: Path, before: list[dict[str, Any]], origin: str
) -> None:
    page = read(write_page(tmp_path, office(*before), office(visit(20, "10:00")), [offer(20, "10:00")], SUMMARY, DAY))
    assert words(page.texts["fills"][0]) == f"OP-1 10:00–11:00 appointment 20, {origin}"


def test_a_filled_slot_whose_visit_has_gone_since_says_so(tmp_path: Path) -> None:
    gone = visit(20, "10:00", AptStatus="UnschedList")
    page = read(write_page(tmp_path, office(gone), office(gone), [offer(20, "10:00")], SUMMARY, DAY))
    assert "an unscheduled appointment; changed by the office since" in words(page.texts["fills"][0])


def test_an_accepted_recall_is_shown_with_its_recall_number() -> None:
    after = office(visit(900, "10:00", PatNum=555))
    drawn = day_sheet(office(), after, replace(offer(20, "10:00"), kind="recall", number=66, patient=555))
    (block,) = blocks(drawn, "filled")
    assert (block.label, block.note, block.times) == ("66", "recall", "10:00–11:00")


def test_somebody_else_at_an_accepted_time_is_not_highlighted() -> None:
    drawn = day_sheet(office(), office(visit(77, "10:00")), offer(20, "10:00"))
    assert blocks(drawn, "filled") == []
    assert [block.label for block in blocks(drawn, "visit")] == ["77"]


def test_free_time_is_what_hours_leave_without_visits_and_blockouts() -> None:
    file = office(
        visit(10, "08:00"), visit(11, "13:00", units=48), schedules=[hours(), blockout("12:00", "13:00", [1])]
    )
    drawn = day_sheet(file, file)
    assert [(block.times, block.label) for block in blocks(drawn, "free")] == [("09:00–12:00", "180 min")]
    assert [block.times for block in blocks(drawn, "free", "HYG-2")] == ["08:00–17:00"]
    assert [column.hours for column in drawn.after] == [((480, 1020),), ((480, 1020),)]


def test_visits_not_on_the_schedule_are_not_drawn_and_broken_ones_are() -> None:
    file = office(
        visit(10, "08:00", AptStatus="UnschedList"),
        visit(11, "09:00", AptStatus="Planned"),
        visit(12, "10:00", AptStatus="Broken"),
    )
    drawn = day_sheet(file, file)
    assert blocks(drawn, "visit") == []
    assert [(block.label, block.note) for block in blocks(drawn, "broken")] == [("12", "broken")]


def test_operatories_stand_in_the_offices_order_and_unused_ones_are_left_out() -> None:
    drawn = day_sheet(office(), office())
    assert [column.name for column in drawn.before] == ["OP-1", "HYG-2"]
    booked = day_sheet(office(), office(visit(10, "09:00", op=3)))
    assert [column.name for column in booked.before] == ["OP-1", "HYG-2", "SPARE"]
    assert [column.name for column in booked.after] == ["OP-1", "HYG-2", "SPARE"]


def test_visits_at_the_same_time_stand_side_by_side() -> None:
    file = office(visit(10, "08:00"), visit(11, "08:30"), visit(12, "09:30"))
    found = [(block.label, block.lane, block.lanes) for block in blocks(day_sheet(file, file), "visit")]
    assert found == [("10", 0, 2), ("11", 1, 2), ("12", 0, 1)]


def test_a_blockouts_label_stands_where_no_visit_lies_over_it() -> None:
    lunch = blockout("12:00", "13:00", [1, 2])
    file = office(visit(10, "11:50", units=6), visit(11, "12:00", op=2), schedules=[hours(), lunch])
    drawn = day_sheet(file, file)
    assert [(block.label, block.clear) for block in blocks(drawn, "blockout")] == [("Lunch", 20)]
    assert [(block.label, block.clear) for block in blocks(drawn, "blockout", "HYG-2")] == [("Lunch", None)]
    free_of_visits = office(schedules=[hours(), lunch])
    assert [block.clear for block in blocks(day_sheet(file, free_of_visits), "blockout")] == [0]


def test_the_drawing_goes_from_seven_to_six_and_further_where_a_provider_works() -> None:
    usual = day_sheet(office(), office())
    assert (usual.first, usual.last) == (7, 18)
    file = office(schedules=[hours(start="06:30:00", stop="19:15:00")])
    late = day_sheet(file, file)
    assert (late.first, late.last) == (6, 20)


def test_a_visit_outside_the_drawn_hours_is_told_beside_the_drawing(tmp_path: Path) -> None:
    file = office(visit(10, "23:30", op=3))
    drawn = day_sheet(file, file)
    assert [(name, block.label, block.times) for name, block in drawn.outside] == [("SPARE", "10", "23:30–24:00")]
    assert [column.name for column in drawn.after] == ["OP-1", "HYG-2"]
    page = read(write_page(tmp_path, file, file, [], SUMMARY, DAY))
    assert "Outside these hours: SPARE 23:30–24:00 appointment 10." in words(page.plain)
