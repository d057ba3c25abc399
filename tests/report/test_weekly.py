"""The weekly report: figures that can be counted by hand, a page without people, from a state that is only read."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from asapfill.clock import SteppedClock
from asapfill.core.offer import Offer, State
from asapfill.core.reasons import RULES
from asapfill.report import weekly_figures, weekly_page
from asapfill.report.past_days import NoDay, exactly
from asapfill.report.pictures import Bar, bars, columns
from asapfill.report.weekly import Records, figures_of, make_report, period_until
from asapfill.report.weekly_figures import Figures, OfficeFigures, Period, remarks, summed
from asapfill.report.weekly_page import days_text, page
from asapfill.settings.settings import load_settings
from asapfill.store.care import KEPT, forget_old
from asapfill.store.cycles import DayCounts, LeftPlace, OpenTime, day_counts, keep_figures, left_places, open_times
from asapfill.store.database import Store, open_store
from tests.cycle.office import CUSTOMER, DEVELOPER, FIRST_NAME, LAST_NAME, PHONES, TODAY
from tests.daemon.bench import ENVIRONMENT, Bench

MONDAY = datetime(2026, 4, 13, 9, 0)
WEEK = Period(date(2026, 4, 13), date(2026, 4, 19))
ZONE = timedelta(hours=7)


def moment(wall: datetime) -> datetime:
    """The moment at which the office's clock shows ``wall``."""
    return (wall + ZONE).replace(tzinfo=UTC)


def offer(number: int, state: State, made: datetime = MONDAY, **changes: object) -> Offer:
    """An offer of 60 minutes, five hours ahead, answered after 20 minutes."""
    settled = moment(made) + timedelta(minutes=20) if state is State.ACCEPTED else None
    values = {
        "id": number, "office": "main-street", "clinic": 0, "kind": "appointment", "number": number,
        "patient": number, "phone": "", "operatory": 1, "provider": 1, "start": made + timedelta(hours=5),
        "end": made + timedelta(hours=6), "wave": 1, "opening": "o", "made": made, "state": state,
        "created": moment(made), "changed": moment(made), "settled": settled,
    }  # fmt: skip
    return Offer(**(values | changes))  # type: ignore[arg-type]  # a builder of loose values


def test_texts_answers_and_chair_time_are_counted() -> None:
    found = OpenTime(0, 1, MONDAY + timedelta(hours=5), MONDAY + timedelta(hours=7), moment(MONDAY))
    records = Records(
        offers=(
            offer(1, State.ACCEPTED),
            offer(2, State.DECLINED, wave=2),
            offer(3, State.UNANSWERED, start=MONDAY + timedelta(days=2), end=MONDAY + timedelta(days=2, hours=1)),
            offer(4, State.SUPPRESSED, reason="suppressed_opted_out"),
            offer(5, State.UNSENT, reason="not_sent"),
            offer(6, State.UNKNOWN, reason="no_answer"),
            offer(7, State.WAITING),
            offer(8, State.ACCEPTED, MONDAY - timedelta(days=7)),
        ),
        found=((MONDAY, found), (MONDAY - timedelta(days=9), found)),
        counts=(
            (0, WEEK.first, "cycles", 600),
            (0, WEEK.first, "held:resting", 4),
            (0, WEEK.last, "held:resting", 3),
            (0, WEEK.last, "cycles", 600),
            (0, WEEK.first - timedelta(days=1), "cycles", 9),
        ),
    )
    now = figures_of(records, WEEK)
    assert (now.offers, now.texts, now.answered, now.filled, now.unclear) == (5, 3, 2, 1, 1)
    assert (now.filled_minutes, now.texts_per_filled, now.waits) == (60, 3.0, (20,))
    assert dict(now.suppressed) == {"suppressed_opted_out": 1}
    assert (dict(now.waves), dict(now.waves_accepted)) == ({1: 2, 2: 1}, {1: 1})
    assert dict(now.leads) == {"4 to 24 hours": 2, "1 to 3 days": 1}
    assert (now.openings, now.open_minutes) == (1, 120)
    assert (now.cycles, dict(now.held)) == (1200, {"resting": 4})
    assert figures_of(records, WEEK.before()).filled == 1
    both = summed([now, now])
    assert (both.filled, both.waits, both.waves[2], both.held["resting"]) == (2, (20, 20), 2, 8)


def test_a_refill_is_a_visit_in_the_place_that_a_mover_left_and_nothing_else() -> None:
    old = MONDAY + timedelta(days=3)
    mover = offer(1, State.ACCEPTED)
    later = MONDAY + timedelta(hours=1)
    fill = offer(2, State.ACCEPTED, later, start=old, end=old + timedelta(hours=1))
    left = (LeftPlace(1, 1, old, old + timedelta(hours=1)),)
    assert figures_of(Records((mover, fill), left=left), WEEK).refills == 1
    declined = offer(1, State.DECLINED)
    assert figures_of(Records((declined, fill), left=left), WEEK).refills == 0
    early = offer(2, State.ACCEPTED, MONDAY, start=old, end=old + timedelta(hours=1))
    assert figures_of(Records((mover, early), left=left), WEEK).refills == 0
    elsewhere = offer(2, State.ACCEPTED, later, start=old, end=old + timedelta(hours=1), operatory=2)
    assert figures_of(Records((mover, elsewhere), left=left), WEEK).refills == 0


def test_open_time_grows_and_is_never_counted_twice(tmp_path: Path) -> None:
    clock = SteppedClock(moment(MONDAY))
    with open_store(tmp_path, clock) as store:

        def see(begin: int, end: int, operatory: int = 1) -> None:
            times = [MONDAY + timedelta(hours=hour) for hour in (begin, end)]
            found = [OpenTime(0, operatory, times[0], times[1], clock.now())]
            counts = [DayCounts(0, {"cycles": 1, "cycles_failed": 0}, {"held:resting": end})]
            keep_figures(store, "main-street", MONDAY.date(), found, [LeftPlace(7, 1, times[0], times[1])], counts)
            clock.sleep(60)

        see(1, 2)
        see(1, 2)
        see(4, 5)
        see(1, 2, operatory=2)
        see(2, 4)  # touching is not overlapping
        first = clock.now() - timedelta(minutes=5)
        known = open_times(store, "main-street", first, clock.now())
        hours = sorted((item.operatory, item.start.hour - 9, item.end.hour - 9) for item in known)
        assert hours == [(1, 1, 2), (1, 2, 4), (1, 4, 5), (2, 1, 2)]
        see(1, 6)  # all of it at once: one stretch, found when its first part was
        known = open_times(store, "main-street", first, clock.now())
        assert [(item.start.hour - 9, item.end.hour - 9, item.found) for item in known if item.operatory == 1] == [
            (1, 6, first)
        ]
        assert day_counts(store, "main-street", MONDAY.date(), MONDAY.date()) == (
            (0, MONDAY.date(), "cycles", 6),
            (0, MONDAY.date(), "held:resting", 6),
        )
        assert len(left_places(store, "main-street")) == 3
        clock.sleep((KEPT + timedelta(days=1)).total_seconds())
        forget_old(store, "main-street")
        assert open_times(store, "main-street", first, clock.now()) == ()
        assert left_places(store, "main-street") == ()
        assert day_counts(store, "main-street", date(2026, 1, 1), date(2027, 1, 1)) == ()


def test_without_a_day_it_is_the_seven_before_today_and_on_mondays_last_week() -> None:
    assert period_until(date(2026, 4, 20), None) == WEEK
    assert period_until(date(2026, 4, 19), exactly(WEEK.first)) == WEEK
    assert WEEK.before() == Period(date(2026, 4, 6), date(2026, 4, 12))
    with pytest.raises(NoDay, match="to come"):
        period_until(WEEK.first, exactly(WEEK.last))
    assert days_text(WEEK) == "April 13 to 19, 2026"
    assert days_text(Period(date(2026, 12, 28), date(2027, 1, 3))) == "December 28, 2026 to January 3, 2027"
    assert days_text(Period(date(2026, 4, 27), date(2026, 5, 3))) == "April 27 to May 3, 2026"


def week(**changes: object) -> Figures:
    return Figures(**({"cycles": 7200, "texts": 40, "filled": 6, "filled_minutes": 360, "offers": 40} | changes))  # type: ignore[arg-type]  # as above


def texts_of(now: Figures, before: Figures) -> list[tuple[str, str]]:
    return [(remark.tone, remark.text) for remark in remarks(now, before)]


def test_what_stands_out_says_what_to_do_and_the_worst_comes_first() -> None:
    assert texts_of(week(), week()) == []
    held = Counter({"suppressed_opted_out": 12, "suppressed_stop": 2})
    now = week(suppressed=held, unclear=1, refills=1, filled_minutes=480, held=Counter({"resting": 9, "no_fit": 90}))
    told = texts_of(now, week())
    assert told == [
        ("bad", "Of 1 offer it is not known whether a text went out."),
        ("look", "12 offers without a text from Open Dental: the patient does not take text messages."),
        ("look", "Up to 9 people at a time not asked: the patient declined an offer lately."),
        ("good", "2.0 hours more chair time filled than in the days before."),
        ("good", "1 place that a mover left was filled again."),
    ]
    assert all(remark.todo for remark in remarks(now, week()) if remark.tone != "good")
    assert texts_of(week(filled=2), week(filled=8)) == [("look", "Fewer people accept: 5% of texts; 20% before.")]
    assert texts_of(Figures(), week()) == [("bad", "asapfill did not run in these days.")]
    ((_, failing),) = texts_of(week(cycles_failed=720), week())
    assert failing == "In 10% of the cycles the office could not be served."
    idle = Figures(cycles=7000, openings=12)
    assert texts_of(idle, idle) == [("look", "12 openings found, and nobody was asked.")]


def test_advice_is_on_reasons_that_exist() -> None:
    assert set(weekly_figures._SUPPRESSED) | set(weekly_figures._HELD) | set(weekly_page._SHORT) <= set(RULES)


@pytest.mark.parametrize("draw", [bars, columns])
def test_pictures_are_sound_svg_with_their_numbers_in_them(draw: object) -> None:
    rows = [Bar("<Mon> & Tue", 3, "3 h", ghost=4), Bar("Wed", 0, "–", ghost=0)]
    svg = ET.fromstring(str(draw("Title", rows)))  # type: ignore[operator]  # noqa: S314  our own drawing
    assert svg.get("aria-label") == "Title: <Mon> & Tue 3 h, Wed –"
    assert {"<Mon> & Tue", "3 h", "Wed", "–"} <= {text.text for text in svg.iter("text")}
    assert ET.fromstring(str(draw("Nothing", []))) is not None  # type: ignore[operator]  # noqa: S314  as above


def test_several_offices_have_a_table_of_all_and_a_section_each() -> None:
    past = [WEEK.before()]
    parts = [OfficeFigures("elm", week(filled=2), (week(),)), OfficeFigures("main-street", week(filled=3), (week(),))]
    html = page(parts, WEEK, past)
    assert re.findall(r"<h2>(.*?)</h2>", html) == ["All offices", "elm", "main-street"]
    assert re.findall(r'<tr><th scope="row">(.*?)</th><td>\d+</td><td>40</td><td>(\d)</td>', html) == [
        ("elm", "2"),
        ("main-street", "3"),
    ]
    assert "5 openings were filled with 80 texts: 12 h 00 min of chair time." in html
    many = page([OfficeFigures(f"office-{n}", week(), (week(),)) for n in range(40)], WEEK, past)
    assert re.findall(r"<h2>(.*?)</h2>", many) == ["All offices"]
    assert "office-39" in many


def test_the_page_of_an_office_at_work_has_its_figures_and_no_people(bench: Bench) -> None:
    bench.policy(texts={"wave": 3, "wait": "20 minutes"})
    assert bench.cli("once").code == 0
    out = bench.folder / "report.html"
    done = bench.cli("report", "--since", TODAY, "--out", str(out))
    assert (done.code, done.out) == (0, f"Written: {out}\n")
    assert out.stat().st_mode & 0o777 == 0o600
    html = out.read_text()
    for mark in (DEVELOPER, CUSTOMER, LAST_NAME, FIRST_NAME, PHONES, "<script", "http:", "https:"):
        assert mark not in html
    figures = bench.json("report", "--since", TODAY)["offices"][0]["figures"]
    texts = len(bench.asked())
    assert (figures["offers"], figures["texts"], figures["filled"]) == (texts, texts, 0)
    assert (figures["openings"], figures["open_minutes"], figures["cycles"]) == (1, 60, 1)
    assert figures["requests"] > 0
    assert f"{texts} text{'s' if texts > 1 else ''} went out; nobody accepted yet." in html
    settings = load_settings(bench.config, ENVIRONMENT)
    with open_store(settings.state, SteppedClock(moment(MONDAY))) as store:
        # Of those who were asked, only visit 11 had a place of its own.
        old = datetime(2026, 4, 20, 10)
        assert left_places(store, "main-street") == (LeftPlace(11, 1, old, old + timedelta(hours=1)),)


def test_days_of_which_nothing_is_known_and_days_to_come(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.folder)
    bench.cli("once")
    done = bench.cli("report")
    assert (done.code, done.out) == (0, "Written: asapfill-report.html\n")
    assert "For today: asapfill report --since today" in done.err
    assert bench.cli("report", "--since", "2026-04-15").code == 2
    folder = bench.folder / "reports"
    folder.mkdir()
    bench.cli("report", "--out", str(folder))
    assert [path.name for path in folder.iterdir()] == ["report-2026-04-07-to-2026-04-13.html"]


def test_the_state_is_only_read(bench: Bench) -> None:
    bench.cli("once")
    settings = load_settings(bench.config, ENVIRONMENT)
    before = (settings.state / "asapfill.db").read_bytes()
    with open_store(settings.state, SteppedClock(moment(MONDAY))) as store, store.transaction():
        # A daemon in the middle of writing.
        report = make_report(settings, SteppedClock(moment(MONDAY + timedelta(days=7))), None, None)
    assert report.document["offices"][0]["figures"]["texts"] == 1
    assert (settings.state / "asapfill.db").read_bytes() == before


def one_week(store: Store, clock: SteppedClock, days: int) -> None:
    """Cycles of some days, and an open hour on each."""
    for _ in range(days):
        keep_figures(store, "main-street", clock.now().date(), [], [], [DayCounts(0, {"cycles": 600}, {})])
        clock.sleep(24 * 3600)


@pytest.mark.parametrize(("days_before", "compared"), [(0, False), (3, False), (6, False), (7, True), (20, True)])
def test_nothing_is_more_than_before_where_there_was_no_before(
    bench: Bench, days_before: int, *, compared: bool
) -> None:
    settings = load_settings(bench.config, ENVIRONMENT)
    clock = SteppedClock(moment(MONDAY - timedelta(days=days_before)))
    with open_store(settings.state, clock) as store:
        one_week(store, clock, days_before + 7)
    report = make_report(settings, clock, None, None)
    assert report.period == WEEK
    (office,) = report.document["offices"]
    assert (office["figures"]["cycles"], office["has_before"]) == (4200, compared)
    assert ("as in the days before" in report.html) is compared
    assert ("than before" in report.html) is False
    assert ("Pale" in report.html) is False, "nothing was filled"


def test_a_good_week_is_not_compared_with_nothing() -> None:
    now = Figures(filled=4, filled_minutes=240, texts=30, offers=30, cycles=4200, outcomes=Counter({"Accepted": 4}),
                  filled_by_day=Counter({WEEK.first: 240}))  # fmt: skip
    before = Figures(filled=3, filled_minutes=60, texts=30, offers=30, cycles=4200)
    past = [WEEK.before(n) for n in range(7, 0, -1)]
    for has_before in (True, False):
        office = OfficeFigures("main-street", now, (Figures(),) * 6 + (before,), has_before=has_before)
        html = page([office], WEEK, past)
        for words in ("than before", "than in the days before", "Pale: the days before"):
            assert (words in html) is has_before, words
        assert any("more chair time" in remark.text for remark in remarks(now, office.compared)) is has_before
    new = OfficeFigures("elm", now, (Figures(),) * 7, has_before=False)
    old = OfficeFigures("main-street", now, (Figures(),) * 6 + (before,))
    html = page([old, new], WEEK, past)
    together = html[: html.index("main-street</h2>") if "main-street</h2>" in html else html.index("main-street")]
    assert "than before" not in together, "an office that is new would pass for more"
