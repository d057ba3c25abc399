from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from asapfill.core.limits import may_text_now, verdict
from asapfill.core.offer import COUNTED, LIVE, UNCLEAR, Contact, NewOffer, OthersOffer, State
from asapfill.core.policy import Hours, TextsPolicy
from asapfill.core.reasons import RULES

NOW = datetime(2026, 11, 20, 9, 0)
TODAY = NOW.date()
TOMORROW_2PM = datetime(2026, 11, 21, 14, 0)
PACIFIC = ZoneInfo("America/Los_Angeles")


def meant(**changes: Any) -> NewOffer:
    values: dict[str, Any] = {
        "clinic": 0,
        "kind": "appointment",
        "number": 11939,
        "patient": 6522,
        "phone": "family",
        "operatory": 3,
        "provider": 1,
        "start": TOMORROW_2PM,
        "end": TOMORROW_2PM + timedelta(hours=1),
        "wave": 1,
        "opening": "opening",
        "made": NOW,
    }
    return NewOffer(**{**values, **changes})


def text(*, ours: bool = True, **changes: Any) -> Contact:
    """A text that has nothing in common with the offer meant, unless told otherwise. ``ours``: it has an opening."""
    start = changes.get("start", datetime(2026, 11, 20, 8, 0))
    values: dict[str, Any] = {
        "patient": 1,
        "phone": "",
        "day": TODAY,
        "kind": "appointment",
        "number": 1,
        "state": State.PASSED,
        "operatory": 8,
        "start": start,
        "end": start and start + timedelta(hours=1),
        "opening": "another" if ours else "",
    }
    return OthersOffer(**{**values, **changes})


def judged(
    *contacts: Contact, new: NewOffer | None = None, office_limit: int | None = None, **policy: Any
) -> str | None:
    reason = verdict(new or meant(), contacts, TextsPolicy(**policy), NOW, office_limit=office_limit)
    if reason is not None:
        assert reason.code in RULES
        assert reason.sentence
    return None if reason is None else reason.code


def test_nobody_was_asked_yet_so_anybody_may_be() -> None:
    assert judged() is None


def test_texts_to_others_about_other_times_do_not_matter() -> None:
    assert judged(*(text(state=state) for state in State)) is None


# Nothing twice


@pytest.mark.parametrize("state", sorted(set(State) - {State.UNSENT, State.LAPSED} - UNCLEAR - {State.STOPPED}))
def test_nothing_twice_same_candidate_and_slot(state: State) -> None:
    same = text(state=state, number=11939, operatory=3, start=TOMORROW_2PM)
    assert judged(same) == "already_offered"


@pytest.mark.parametrize("state", [State.UNSENT, State.LAPSED])
def test_what_was_not_sent_may_be_offered_again(state: State) -> None:
    assert judged(text(state=state, patient=6522, number=11939, operatory=3, start=TOMORROW_2PM)) is None


def test_others_row_for_the_same_start_counts_as_the_same_slot_though_its_operatory_is_not_told() -> None:
    assert judged(text(ours=False, number=11939, operatory=0, start=TOMORROW_2PM)) == "already_offered"


@pytest.mark.parametrize(
    "changes",
    [{"kind": "recall"}, {"number": 2}, {"operatory": 4}, {"start": TOMORROW_2PM + timedelta(minutes=5)}],
    ids=["kind", "number", "operatory", "start"],
)
def test_another_candidate_or_slot_is_not_the_same(changes: dict[str, Any]) -> None:
    same: dict[str, Any] = {"number": 11939, "operatory": 3, "start": TOMORROW_2PM, "end": None}
    assert judged(text(**{**same, **changes})) is None


# Open Dental: DeclinedStopComm; "for ever for that FKey"


def test_a_stop_is_for_ever_for_that_candidate() -> None:
    long_ago = text(state=State.STOPPED, number=11939, day=date(2020, 1, 2), start=None)
    assert judged(long_ago) == "asked_to_stop"


def test_a_stop_about_the_recall_with_the_same_number_is_about_something_else() -> None:
    assert judged(text(state=State.STOPPED, kind="recall", number=11939)) is None


# While unknown, neither that person nor that phone nor that slot gets anything


@pytest.mark.parametrize("state", sorted(UNCLEAR))
@pytest.mark.parametrize(
    "common",
    [
        {"patient": 6522},
        {"phone": "family"},
        {"operatory": 3, "start": TOMORROW_2PM + timedelta(minutes=55), "end": TOMORROW_2PM + timedelta(hours=2)},
    ],
    ids=["person", "phone", "slot"],
)
def test_an_unclear_offer_blocks_person_phone_and_slot(state: State, common: dict[str, Any]) -> None:
    assert judged(text(state=state, **common)) == "unknown_offer"


def test_an_unclear_offer_beside_the_slot_does_not_block_it_touching_edges_do_not_overlap() -> None:
    before = text(state=State.UNKNOWN, operatory=3, start=TOMORROW_2PM - timedelta(hours=1), end=TOMORROW_2PM)
    after = text(state=State.UNKNOWN, operatory=3, start=TOMORROW_2PM + timedelta(hours=1))
    assert judged(before, after) is None


# One open offer per patient and phone, whoever made it


@pytest.mark.parametrize("state", sorted(LIVE - UNCLEAR))
@pytest.mark.parametrize("ours", [True, False])
def test_one_open_offer_per_patient_and_per_phone(state: State, ours: bool) -> None:  # noqa: FBT001  a case
    assert judged(text(state=state, patient=6522, ours=ours)) == "live_offer"
    assert judged(text(state=state, phone="family", ours=ours)) == "phone_live_offer"


def test_people_without_a_phone_are_not_relatives() -> None:
    assert judged(text(state=State.SENT, phone=""), new=meant(phone="")) is None


# policy texts.per_patient_per_day, per_patient_per_week (47 CFR 64.1200: one a day, three a week)


@pytest.mark.parametrize("common", [{"patient": 6522}, {"phone": "family"}], ids=["patient", "phone"])
@pytest.mark.parametrize(
    ("days_ago", "per_day", "per_week", "expected"),
    [
        ([0], 1, 3, "per_patient_per_day"),
        ([1], 1, 3, None),
        ([0], 2, 3, None),
        ([0, 0], 2, 3, "per_patient_per_day"),
        ([1, 3, 6], 1, 3, "per_patient_per_week"),
        ([1, 3, 7], 1, 3, None),
        ([1, 2], 1, 3, None),
        ([-1], 1, 3, "per_patient_per_day"),  # held by Open Dental for tomorrow
    ],
)
def test_caps_per_day_and_per_seven_office_days(
    common: dict[str, Any], days_ago: list[int], per_day: int, per_week: int, expected: str | None
) -> None:
    texts = [text(day=TODAY - timedelta(days=ago), **common) for ago in days_ago]
    assert judged(*texts, per_patient_per_day=per_day, per_patient_per_week=per_week) == expected


@pytest.mark.parametrize("state", sorted(set(State) - LIVE - {State.DECLINED, State.STOPPED, State.SUPPRESSED}))
def test_exactly_what_may_have_produced_a_text_counts(state: State) -> None:
    assert judged(text(state=state, patient=6522)) == ("per_patient_per_day" if state in COUNTED else None)


def test_a_text_to_the_patient_and_one_to_the_relative_count_together_for_the_phone() -> None:
    own = text(patient=6522, phone="family", day=TODAY - timedelta(days=1))
    relatives = [text(phone="family", day=TODAY - timedelta(days=ago)) for ago in (2, 3)]
    assert judged(own, *relatives) == "per_patient_per_week"


@pytest.mark.parametrize(
    ("office_limit", "texts_today", "expected"),
    [
        (None, 2, None),
        (2, 1, None),
        (2, 2, "per_patient_per_day"),
        (0, 0, "per_patient_per_day"),
        (9, 3, "per_patient_per_day"),
    ],
)
def test_open_dentals_own_daily_limit_holds_if_lower(
    office_limit: int | None, texts_today: int, expected: str | None
) -> None:
    contacts = [text(patient=6522)] * texts_today
    assert judged(*contacts, office_limit=office_limit, per_patient_per_day=3, per_patient_per_week=9) == expected


# policy texts.per_opening


def test_the_cap_per_opening_counts_open_and_past_offers_that_overlap_ours_and_others() -> None:
    overlapping = [
        text(operatory=3, start=TOMORROW_2PM, state=State.SENT),
        text(operatory=3, start=TOMORROW_2PM - timedelta(minutes=30), end=TOMORROW_2PM + timedelta(minutes=5)),
        text(operatory=3, start=TOMORROW_2PM + timedelta(minutes=55), state=State.DECLINED, ours=False),
    ]
    assert judged(*overlapping, per_opening=3) == "per_opening"
    assert judged(*overlapping, per_opening=4) is None


def test_the_cap_per_opening_counts_other_places_in_the_same_opening() -> None:
    morning = text(operatory=3, start=TOMORROW_2PM - timedelta(hours=2), end=TOMORROW_2PM, opening="opening")
    assert judged(morning, per_opening=1) == "per_opening"


def test_suppressed_and_refused_offers_do_not_use_up_the_opening() -> None:
    nothing = [text(operatory=3, start=TOMORROW_2PM, state=state) for state in (State.SUPPRESSED, State.REFUSED)]
    assert judged(*nothing, per_opening=1) is None


# policy texts.rest_after_decline


@pytest.mark.parametrize(
    ("ago", "expected"),
    [
        (timedelta(days=6, hours=23), "resting"),
        (timedelta(days=7, minutes=9), "resting"),
        (timedelta(days=7, minutes=10), None),
        (timedelta(days=8), None),
    ],
)
def test_a_patient_who_declined_rests_also_if_clocks_were_set_meanwhile(ago: timedelta, expected: str | None) -> None:
    declined = text(patient=6522, state=State.DECLINED, day=TODAY - timedelta(days=9), answered=NOW - ago)
    assert judged(declined) == expected


def test_a_decline_at_an_unknown_time_counts_as_just_now() -> None:
    assert judged(text(patient=6522, state=State.DECLINED, day=TODAY - timedelta(days=9), answered=None)) == "resting"


def test_a_relatives_decline_does_not_rest_the_patient() -> None:
    declined = text(phone="family", state=State.DECLINED, day=TODAY - timedelta(days=9), answered=NOW)
    assert judged(declined) is None


# When


def when(
    now: datetime, *, window: tuple[time, time] | None = None, slot: datetime | None = None, **policy: Any
) -> str | None:
    moment = now.replace(tzinfo=PACIFIC).astimezone(UTC)
    reason = may_text_now(TextsPolicy(**policy), window, slot or now + timedelta(days=1), moment, PACIFIC)
    return None if reason is None else reason.code


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("08:59", "quiet_hours"),
        ("09:00", None),
        ("18:54", None),
        ("18:55", "quiet_hours"),  # the text might leave after seven
        ("19:00", "quiet_hours"),
        ("00:10", "quiet_hours"),
    ],
)
def test_policy_hours_with_time_for_the_text_to_leave(clock: str, expected: str | None) -> None:
    assert when(datetime.combine(TODAY, time.fromisoformat(clock))) == expected


@pytest.mark.parametrize(("day", "expected"), [(20, None), (21, None), (22, "quiet_hours")])
def test_policy_days_saturday_yes_sunday_no(day: int, expected: str | None) -> None:
    assert when(datetime(2026, 11, day, 12, 0)) == expected


@pytest.mark.parametrize(
    ("clock", "window", "expected"),
    [
        ("12:00", ("07:00", "22:00"), None),
        ("12:00", ("12:03", "22:00"), "quiet_hours"),
        ("12:00", ("11:57", "22:00"), "quiet_hours"),  # their clock may be five minutes behind
        ("12:00", ("11:55", "22:00"), None),
        ("12:00", ("07:00", "12:04"), "quiet_hours"),
        ("12:00", ("07:00", "07:00"), None),  # equal values: no restriction (Open Dental)
        ("12:00", ("00:00", "00:00"), None),
        ("12:00", ("20:00", "08:00"), "quiet_hours"),
        ("12:00", ("07:00", "00:00"), "quiet_hours"),
    ],
)
def test_open_dentals_own_sending_window(clock: str, window: tuple[str, str], expected: str | None) -> None:
    opens, closes = (time.fromisoformat(edge) for edge in window)
    assert when(datetime.combine(TODAY, time.fromisoformat(clock)), window=(opens, closes)) == expected


@pytest.mark.parametrize(("minutes", "expected"), [(65, None), (64, "too_late_to_text"), (-5, "too_late_to_text")])
def test_an_hour_before_the_slot_from_the_latest_time_at_which_the_text_leaves(
    minutes: int, expected: str | None
) -> None:
    now = datetime(2026, 11, 20, 12, 0)
    assert when(now, slot=now + timedelta(minutes=minutes)) == expected


def test_the_lead_is_real_time_on_the_night_in_spring_when_an_hour_is_missing() -> None:
    night: dict[str, Any] = {"between": Hours(time(0), time(0)), "days": frozenset(range(7))}
    now = datetime(2026, 3, 8, 1, 30)
    assert when(now, slot=datetime(2026, 3, 8, 3, 20), **night) == "too_late_to_text"
    assert when(now, slot=datetime(2026, 3, 8, 3, 35), **night) is None


def held_back(reason: str, *, made: datetime = NOW - timedelta(hours=1), **changes: Any) -> Contact:
    """An offer of ours that Open Dental made without sending a text."""
    return text(state=State.SUPPRESSED, no_text=reason, made=made, **changes)


@pytest.mark.parametrize("reason", ["suppressed_no_phone", "suppressed_opted_out", "suppressed_not_preferred"])
def test_a_patient_whom_open_dental_does_not_text_is_left_alone_for_a_week(reason: str) -> None:
    assert judged(held_back(reason, patient=6522)) == "no_text_lately"
    assert judged(held_back(reason, patient=6522, made=NOW - timedelta(days=6, hours=23))) == "no_text_lately"
    assert judged(held_back(reason, patient=6522, made=NOW - timedelta(days=7))) is None
    assert judged(held_back(reason, patient=7)) is None
    assert judged(held_back(reason, patient=6522, ours=False)) == "no_text_lately"


@pytest.mark.parametrize("reason", ["suppressed_daily_limit", "suppressed_too_late", "suppressed_other"])
def test_what_holds_for_the_day_is_over_at_midnight(reason: str) -> None:
    assert judged(held_back(reason, patient=6522)) == "no_text_lately"
    assert judged(held_back(reason, patient=6522, made=datetime(2026, 11, 19, 23, 59))) is None


def test_a_clinic_without_texting_is_left_alone_for_the_day() -> None:
    assert judged(held_back("suppressed_no_texting", clinic=3), new=meant(clinic=3)) == "no_text_lately"
    assert judged(held_back("suppressed_no_texting", clinic=4), new=meant(clinic=3)) is None


def test_a_slot_that_was_taken_says_nothing_about_the_patient() -> None:
    assert judged(held_back("suppressed_slot_taken", patient=6522)) is None


def test_a_stop_that_open_dental_knows_of_is_for_ever() -> None:
    long_ago = datetime(2025, 1, 1)
    assert judged(held_back("suppressed_stop", number=11939, made=long_ago)) == "asked_to_stop"
    assert judged(held_back("suppressed_stop", patient=6522, number=5, made=long_ago)) is None
