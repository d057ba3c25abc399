"""Every JSON sample of Open Dental's documentation goes through the client and comes out right."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import httpx
import pytest

from asapfill.core import rows as models
from asapfill.core.rows import Row
from asapfill.opendental.client import OpenDental

SAMPLES = Path(__file__).parent / "samples"

DAY = date(2022, 3, 7)
LIST_SAMPLES: dict[str, tuple[Callable[[OpenDental], Any], dict[str, Any]]] = {
    "appointments_asap": (
        lambda office: office.asap_appointments(0),
        {"apt_num": 4, "pattern": "//XXXX//", "op": 2, "priority": "ASAP", "is_hygiene": False, "next_apt_num": 0},
    ),
    "appointments": (
        lambda office: office.appointments(date_start=date(2020, 7, 30), date_end=date(2020, 8, 2)),
        {"apt_num": 3, "apt_status": "Complete", "apt_date_time": datetime(2020, 7, 31, 9), "is_hygiene": True},
    ),
    "slots": (
        lambda office: office.slots(date_start=date(2022, 3, 28), date_end=date(2022, 4, 1), prov_num=1, op_num=18),
        {"date_time_start": datetime(2022, 3, 28, 8), "date_time_end": datetime(2022, 3, 28, 11), "op_num": 18},
    ),
    "schedules": (
        lambda office: office.schedules(date_start=DAY, date_end=date(2022, 3, 11)),
        {"schedule_num": 25888, "sched_date": date(2022, 3, 11), "sched_type": "Practice", "operatories": ()},
    ),
    "schedule_web_sched_asap": (
        lambda office: office.schedule(52527),
        {"sched_type": "WebSchedASAP", "start_time": time(14), "stop_time": time(14, 40), "operatories": (2,)},
    ),
    "operatories": (
        lambda office: office.operatories(),
        {"operatory_num": 1, "abbrev": "OP-1", "is_hidden": False, "prov_dentist": 1, "clinic_num": 2},
    ),
    "definitions": (
        lambda office: office.definitions(1),
        {"def_num": 293, "item_name": "Sales Tax", "item_value": "+", "category": 1, "is_hidden": False},
    ),
    "definitions_blockout_types": (
        lambda office: office.definitions(25),
        {"def_num": 248, "item_name": "Staff Meeting", "item_value": "NS,DC"},
    ),
    "preferences": (
        lambda office: office.preferences(),
        {"pref_num": 15, "pref_name": "RecallDaysPast", "value_string": "365"},
    ),
    "clinics": (lambda office: office.clinics(), {"clinic_num": 1, "abbr": "Clinic1", "is_hidden": False}),
    "providers": (
        lambda office: office.providers(),
        {"prov_num": 2, "abbr": "HYG1", "is_secondary": True, "prov_status": "Deleted"},
    ),
    "patient": (
        lambda office: office.patient(48),
        {"pat_num": 48, "pat_status": "Patient", "birthdate": date(1976, 5, 24), "txt_msg_ok": "Unknown"},
    ),
    "recalls": (
        lambda office: office.recalls(38),
        {"recall_num": 40, "date_due": date(2022, 9, 9), "date_scheduled": None, "disable_until_balance": 0.0},
    ),
    "recalltypes": (
        lambda office: office.recall_types(),
        {"recall_type_num": 1, "time_pattern": "/XXXX/", "append_to_special": False},
    ),
    "appointmenttypes": (
        lambda office: office.appointment_types(),
        {"appointment_type_num": 2, "blockout_types": ("TeleExam",)},
    ),
    "histappointments": (
        lambda office: office.hist_appointments(apt_num=266),
        {"hist_appt_num": 2754, "hist_appt_action": "Deleted", "apt_num": 266, "op": 15},
    ),
    "labcases": (
        lambda office: office.lab_cases(33),
        {"lab_case_num": 226, "apt_num": 143, "date_time_recd": datetime(2022, 10, 4, 14, 24, 12)},
    ),
    "asapcomms": (
        lambda office: office.asapcomms(date_start=date(2023, 9, 1), date_end=date(2023, 9, 14), clinic_num=4),
        {"asap_comm_num": 1224, "f_key_type": "ScheduledAppt", "sms_send_status": "DoNotSend", "schedule_num": 13651},
    ),
    "asapcomm": (
        lambda office: office.asapcomm(192),
        {"f_key": 539, "response_status": "PendingRsvp", "date_time_orig": datetime(2023, 9, 26, 10)},
    ),
    "commlogs": (
        lambda office: office.commlogs(15),
        {"commlog_num": 2, "comm_type": 239, "mode": "Phone", "sent_or_received": "Sent"},
    ),
    "commlogs_filtered": (
        lambda office: office.commlogs(15, datetime(2021, 2, 7, 3)),
        {"commlog_num": 2, "date_t_stamp": datetime(2021, 2, 7, 3, 26, 16)},
    ),
    "commlog": (lambda office: office.commlog(2), {"pat_num": 15, "note": "Left msg on answering machine"}),
    "securityperms": (
        lambda office: office.security_perms(),
        {"permission": "ApiReadAll", "has_permission": True},
    ),
}

WRITE_SAMPLES: dict[str, tuple[str, Callable[[OpenDental], Any], dict[str, Any]]] = {
    "asapcomm_request_appointment": (
        "asapcomm_created",
        lambda office: office.create_asapcomm(op=2, apt_num=11939, date_time_start=datetime(2023, 10, 18, 14)),
        {"asap_comm_num": 2374, "f_key_type": "Broken", "sms_send_status": "SendNotAttempted", "schedule_num": 52527},
    ),
    "asapcomm_request_recall": (
        "asapcomm_created_recall",
        lambda office: office.create_asapcomm(op=4, recall_num=11534, date_time_start=datetime(2025, 6, 17, 13, 30)),
        {"asap_comm_num": 4398, "f_key": 11534, "f_key_type": "Recall", "date_time_orig": datetime(2025, 5, 18)},
    ),
    "commlog_request": (
        "commlog_created",
        lambda office: office.create_commlog(
            pat_num=30,
            note="Appointment confirmed for 9:15am.",
            comm_date_time=datetime(2025, 1, 21, 11, 15),
            comm_type=235,
            sent_or_received="Received",
        ),
        {"commlog_num": 14, "comm_type": 235, "mode": "Text"},
    ),
    "subscription_request": (
        "subscription_created",
        lambda office: office.create_subscription(
            end_point_url="https://myserver/apievents/",
            watch_table="Appointment",
            workstation="MOLLYR",
            date_time_start=datetime(2022, 1, 31),
        ),
        {"subscription_num": 14, "watch_table": "Appointment", "date_time_stop": None},
    ),
}

READ_ELSEWHERE = {"webhook_appointments", "commlog_request_short", "commlog_update_request", "commlog_updated"}
READ_ELSEWHERE |= {"scheduleops", "signalods", "web_sched"}  # the simulated office's rows are compared with these


def first(result: Any) -> Row:
    row = result.rows[0] if hasattr(result, "rows") else result
    assert isinstance(row, Row)
    return row


@pytest.mark.parametrize("name", LIST_SAMPLES)
def test_reads_the_documented_answer(
    name: str, connect: Callable[..., OpenDental], sample: Callable[[str], Any]
) -> None:
    ask, expected = LIST_SAMPLES[name]
    body = sample(name)

    result = ask(connect(lambda _: httpx.Response(200, json=body)))

    row = first(result)
    assert {attribute: getattr(row, attribute) for attribute in expected} == expected
    rows = result.rows if hasattr(result, "rows") else (result,)
    assert len(rows) == (len(body) if isinstance(body, list) else 1)
    assert [row.unreadable for row in rows] == [frozenset()] * len(rows)
    assert getattr(result, "problems", ()) == ()


@pytest.mark.parametrize("name", WRITE_SAMPLES)
def test_sends_the_documented_request_and_reads_its_answer(
    name: str, connect: Callable[..., OpenDental], sample: Callable[[str], Any]
) -> None:
    answer, do, expected = WRITE_SAMPLES[name]
    sent: list[Any] = []

    def created(request: httpx.Request) -> httpx.Response:
        sent.append((request.method, json.loads(request.content)))
        return httpx.Response(201, json=sample(answer))

    row = do(connect(created))

    assert {attribute: getattr(row, attribute) for attribute in expected} == expected
    assert row.unreadable == frozenset()
    documented = sample(name)
    if name == "commlog_request":
        documented["CommType"] = int(sample(answer)["CommType"])  # asapfill names the type by number
        del documented["commType"]
    if name == "subscription_request":
        documented["DateTimeStart"] += " 00:00:00"
    assert sent == [("POST", documented)]


def test_replaces_a_commlogs_note_as_documented(
    connect: Callable[..., OpenDental], sample: Callable[[str], Any]
) -> None:
    sent: list[Any] = []

    def updated(request: httpx.Request) -> httpx.Response:
        sent.append((request.method, request.url.path, json.loads(request.content)))
        return httpx.Response(200, json=sample("commlog_updated"))

    request = sample("commlog_update_request")
    connect(updated).update_commlog(14, request["Note"])

    assert sent == [("PUT", "/api/v1/commlogs/14", request)]


def test_the_shortest_commlog_holds_what_open_dental_requires(sample: Callable[[str], Any]) -> None:
    assert set(sample("commlog_request_short")) == {"PatNum", "Note"}
    assert models.Commlog.read(sample("commlog_updated")).mode == "Phone"


def test_reads_the_rows_that_an_event_brings(sample: Callable[[str], Any]) -> None:
    rows = [models.Appointment.read(element) for element in sample("webhook_appointments")]

    assert [(row.apt_num, row.op, row.apt_date_time) for row in rows] == [(18, 3, datetime(2020, 7, 31, 8, 30))]
    assert rows[0].unreadable == frozenset()


def test_no_sample_is_forgotten() -> None:
    written = set(WRITE_SAMPLES) | {answer for answer, _, _ in WRITE_SAMPLES.values()}
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(LIST_SAMPLES) | written | READ_ELSEWHERE


def test_schedules_come_with_numbers_in_text_and_lists_of_operatories(
    connect: Callable[..., OpenDental], sample: Callable[[str], Any]
) -> None:
    office = connect(lambda _: httpx.Response(200, json=sample("schedules")))

    practice, blockout, provider = office.schedules(date_start=DAY, date_end=date(2022, 3, 11)).rows

    assert (practice.start_time, practice.stop_time) == (time(0), time(0))
    assert (blockout.blockout_type, blockout.operatories) == (248, (5, 6))
    assert (provider.prov_num, provider.start_time, provider.operatories) == (3, time(14), (2,))


def test_the_first_row_tells_the_offices_time(connect: Callable[..., OpenDental], sample: Callable[[str], Any]) -> None:
    office = connect(lambda _: httpx.Response(200, json=sample("appointments_asap")))

    assert office.asap_appointments(0).server_time == datetime(2021, 5, 4, 9, 32, 45)


def test_providers_may_come_as_one_object(connect: Callable[..., OpenDental], sample: Callable[[str], Any]) -> None:
    lone = {**sample("providers")[0], "serverDateTime": ""}
    listing = connect(lambda _: httpx.Response(200, json=lone)).providers()

    assert [row.prov_num for row in listing.rows] == [2]
    assert listing.server_time is None


@pytest.mark.parametrize(
    "dropped",
    ["Smith", "Jane", "125 Satin Heights", "smithfam@yahoo.com", "SmithJane48", "CC on file", "(536)624-5871"],
)
def test_a_patients_name_address_and_notes_are_dropped_at_the_edge(dropped: str, sample: Callable[[str], Any]) -> None:
    raw = sample("patient")
    assert dropped in json.dumps(raw)

    assert dropped not in models.Patient.read(raw).model_dump_json()


def test_secrets_of_people_and_offices_have_no_column_here() -> None:
    forbidden = {"SSN", "LName", "FName", "Address", "Email", "HmPhone", "CustomerKey", "TemplateText", "ProcDescript"}

    tables = [kind for kind in vars(models).values() if isinstance(kind, type) and issubclass(kind, Row)]

    assert len(tables) > 18
    assert [(table.__name__, forbidden & set(table.names)) for table in tables if forbidden & set(table.names)] == []


def test_phones_notes_and_keys_do_not_show_in_a_rows_repr(sample: Callable[[str], Any]) -> None:
    patient = models.Patient.read(sample("patient"))
    commlog = models.Commlog.read(sample("commlog"))
    subscription = models.Subscription.read(sample("subscription_created"))

    assert patient.wireless_phone == "(536)987-4822"
    assert "987" not in repr(patient)
    assert "answering" not in repr(commlog)
    assert sample("subscription_created")["CustomerKey"] not in repr(subscription)
