"""What becomes of offers, and what that means for the next ones: outcomes, caps, families, other people's texts."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from tests.cycle.office import MONDAY, TODAY, Row, hours, office_file, patient, unscheduled
from tests.daemon.serving import left, openings, passed_over, serving

NEXT_MONDAY = "2026-04-27"
SLOT = {"PatNum": 9, "Op": 1, "AptDateTime": f"{TODAY} 14:00:00", "Pattern": "X" * 12}


def others_text(patient: int, *, entry: str = f"{TODAY} 09:00:00", status: str = "Declined", fkey: int = 999) -> Row:
    """An AsapComm that staff made by hand, for another visit at another time."""
    return {
        "FKey": fkey,
        "FKeyType": "UnscheduledAppt",
        "PatNum": patient,
        "DateTimeEntry": entry,
        "DateTimeExpire": "2026-04-22 09:30:00",
        "DateTimeSmsScheduled": entry,
        "DateTimeSmsSent": entry,
        "SmsSendStatus": "SendSuccessful",
        "ResponseStatus": status,
    }


def test_whoever_accepts_leaves_a_place_that_is_offered_when_it_has_settled(tmp_path: Path) -> None:
    with serving(tmp_path, candidates={"except_patients": "[3, 5]"}) as office:
        office.cycle()
        assert office.bench.asked() == [11]
        office.wait(minutes=2)
        office.sandbox.respond(1, "accept")
        result = office.cycle()
        assert office.states() == {11: "accepted"}
        assert (openings(result), left(result, "settling")) == ([], ["op1 20 10:00-11:00"])
        office.bench.policy()
        office.wait(minutes=14)
        assert office.cycle().offers == []
        office.wait(minutes=1)
        (line,) = office.cycle().offers
        assert (line.offer.number, line.state, f"{line.offer.start}") == (12, "sent", f"{MONDAY} 10:00:00")
        assert office.bench.asked() == [11, 12]
        assert office.sandbox.log()["sent_twice"] == 0


def test_whoever_declines_is_left_in_peace_for_a_week(tmp_path: Path) -> None:
    schedules = [hours(MONDAY, "12:00", "13:00"), hours("2026-04-22", "12:00", "13:00")]
    with serving(tmp_path, office_file(more_schedules=schedules), candidates={"include": "[unscheduled]"}) as office:
        office.cycle()
        office.wait(minutes=2)
        office.sandbox.respond(1, "decline")
        assert passed_over(office.cycle())[12] == "resting"
        assert office.states() == {12: "declined"}
        office.wait(days=6, hours=23)
        assert passed_over(office.cycle())[12] == "resting"
        office.wait(hours=1, minutes=13)
        (line,) = office.cycle().offers
        assert (line.state, f"{line.offer.start}") == ("sent", "2026-04-22 12:00:00")


def test_whoever_asks_to_stop_is_not_asked_about_it_again(tmp_path: Path) -> None:
    rows = office_file(more_schedules=[hours(NEXT_MONDAY, "12:00", "13:00")])
    sections: dict[str, Any] = {"candidates": {"include": "[unscheduled]"}, "texts": {"rest_after_decline": "1 day"}}
    with serving(tmp_path, rows, **sections) as office:
        office.cycle()
        office.wait(minutes=2)
        office.sandbox.respond(1, "stop")
        office.cycle()
        assert office.states() == {12: "stopped"}
        office.wait(days=9)
        result = office.cycle()
        assert openings(result) == ["op1 27 12:00-13:00"]
        assert passed_over(result)[12] == "asked_to_stop"
        assert office.bench.asked() == [12]


def test_somebody_elses_booking_closes_the_offers_that_are_left_over(tmp_path: Path) -> None:
    with serving(tmp_path, texts={"wave": 2}) as office:
        office.cycle()
        assert office.bench.asked() == [12, 14]
        office.wait(minutes=2)
        office.sandbox.staff(action="book", **SLOT)
        result = office.cycle()
        assert office.states() == {12: "closed", 14: "closed"}
        assert openings(result) == []
        # The link still works, and Open Dental tells the patient; late news is kept, some minutes later.
        office.sandbox.respond(1, "accept")
        office.wait(minutes=21)
        office.cycle()
        assert office.states() == {12: "taken", 14: "closed"}


def test_an_accepted_slot_closes_the_other_offers_for_it(tmp_path: Path) -> None:
    with serving(tmp_path, texts={"wave": 2}) as office:
        office.cycle()
        office.wait(minutes=2)
        office.sandbox.respond(2, "accept")
        office.cycle()
        assert office.states() == {12: "closed", 14: "accepted"}


def test_an_offer_passes_when_its_time_comes_without_an_answer(tmp_path: Path) -> None:
    with serving(tmp_path) as office:
        office.cycle()
        office.wait(hours=4, minutes=6)
        office.cycle()
        assert office.states() == {12: "passed"}


def test_a_commlog_is_written_once_and_changed_once(tmp_path: Path) -> None:
    with serving(tmp_path) as office:
        for minutes in (0, 1, 1):
            office.wait(minutes=minutes)
            office.cycle()
        office.sandbox.respond(1, "accept")
        for _ in range(3):
            office.wait(minutes=1)
            office.cycle()
        writes = [entry for entry in office.sandbox.log()["writes"] if entry["path"].startswith("commlogs")]
        assert [entry["method"] for entry in writes] == ["POST", "PUT"]
        (row,) = office.sandbox.office()["commlogs"]
        assert row["Note"].endswith("Outcome: accepted.")


def test_a_commlog_without_a_clear_answer_is_found_out_and_written_once(tmp_path: Path) -> None:
    with serving(tmp_path) as office:
        office.sandbox.faults([{"kind": "504_after", "method": "POST", "path": "commlogs", "count": 1}])
        assert "Commlogs" in office.cycle().errors[0].message
        for _ in range(5):
            office.wait(minutes=1)
            assert office.cycle().errors == []
        assert len(office.sandbox.office()["commlogs"]) == 1


def test_a_text_that_staff_sent_today_counts_for_the_day(tmp_path: Path) -> None:
    with serving(tmp_path, office_file(asapcomms=[others_text(3, status="Expired")])) as office:
        assert passed_over(office.cycle())[12] == "per_patient_per_day"
        assert office.bench.asked() == [14]


def test_whoever_declined_an_offer_of_staff_is_left_in_peace_too(tmp_path: Path) -> None:
    with serving(tmp_path, office_file(asapcomms=[others_text(3, entry="2026-04-13 09:00:00")])) as office:
        assert passed_over(office.cycle())[12] == "resting"
        assert office.bench.asked() == [14]


def test_a_text_of_yesterday_counts_for_the_week(tmp_path: Path) -> None:
    rows = [others_text(3, entry=f"2026-04-{day} 09:00:00", status="Expired", fkey=day) for day in (10, 11, 13)]
    with serving(tmp_path, office_file(asapcomms=rows)) as office:
        assert passed_over(office.cycle())[12] == "per_patient_per_week"
        assert office.bench.asked() == [14]


def test_an_open_offer_that_staff_made_blocks_its_patient(tmp_path: Path) -> None:
    rows = [others_text(3, entry="2026-04-13 12:00:00", status="PendingRsvp")]
    with serving(tmp_path, office_file(asapcomms=rows)) as office:
        assert passed_over(office.cycle())[12] == "live_offer"
        assert office.bench.asked() == [14]


def test_a_family_on_one_phone_gets_one_offer(tmp_path: Path) -> None:
    family = "503-555-0177"
    people = [patient(number, WirelessPhone=family if number in {3, 5} else "5035550190") for number in range(1, 10)]
    with serving(tmp_path, office_file(patients=people), texts={"wave": 3}) as office:
        assert passed_over(office.cycle())[14] == "phone_live_offer"
        assert office.bench.asked() == [12, 11]


def test_a_text_to_a_relative_who_is_no_candidate_counts_for_the_phone(tmp_path: Path) -> None:
    people = [patient(number, WirelessPhone=f"503555017{number % 5}") for number in range(1, 10)]
    with serving(tmp_path, office_file(patients=people, asapcomms=[others_text(8)])) as office:
        assert passed_over(office.cycle())[12] == "per_patient_per_day"
        assert office.bench.asked() == [14]


def test_the_phone_that_counts_is_the_one_of_when_the_relative_was_texted(tmp_path: Path) -> None:
    """Read before, the relative had another phone; read since, it need not be read again."""
    office_now = office_file(
        now=f"{TODAY} 08:30:00",
        asapcomms=[others_text(8, entry="2026-04-13 12:00:00")],
        more_appointments=[unscheduled(30, 8)],
    )
    with serving(tmp_path, office_now, candidates={"except_patients": "[8]"}) as office:

        def known() -> str:
            return office.session.mirror.office().patients[8].wireless_phone

        office.cycle()
        assert known() == patient(8)["WirelessPhone"]
        office.sandbox.staff(action="patient", PatNum=8, WirelessPhone=patient(3)["WirelessPhone"])
        # Somebody at the front desk makes an offer by hand.
        office.session.client.create_asapcomm(op=2, date_time_start=datetime(2026, 4, 15, 9, 0), apt_num=30)
        office.wait(minutes=30)
        assert passed_over(office.cycle())[12] == "phone_live_offer"
        assert office.bench.asked() == [30, 14]
        office.sandbox.staff(action="patient", PatNum=8, WirelessPhone="(503)555-0199")
        office.wait(hours=8)
        office.cycle()
        assert known() == patient(3)["WirelessPhone"]


def test_only_patients_about_to_be_asked_are_read_and_those_of_recalls(tmp_path: Path) -> None:
    """A recall's length, clinic and providers depend on its patient; an appointment tells them itself."""
    with serving(tmp_path) as office:
        office.cycle()
        assert office.bench.asked() == [12]
        assert sorted(office.session.mirror.office().patients) == [3, 6]
        assert office.sandbox.log()["requests"]["GET patients"] == 2


def test_whoever_may_not_be_texted_is_passed_over_for_the_next(tmp_path: Path) -> None:
    people = [patient(number, TxtMsgOk="No" if number == 3 else "Unknown") for number in range(1, 10)]
    with serving(tmp_path, office_file(patients=people)) as office:
        assert passed_over(office.cycle())[12] == "no_text_consent"
        assert office.bench.asked() == [14]


def test_no_text_goes_out_at_night(tmp_path: Path) -> None:
    with serving(tmp_path, office_file(now=f"{TODAY} 08:30:00")) as office:
        result = office.cycle()
        assert (result.offers, passed_over(result)[12]) == ([], "quiet_hours")
        office.wait(minutes=30)
        assert [line.state for line in office.cycle().offers] == ["sent"]
