"""What happens at the simulated office besides asapfill: staff, patients, edits of the policy, clocks, the weather.

Each event returns what the day's log tells of it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from asapfill.sandbox.office import staff
from asapfill.sandbox.office import web_sched as sandbox_offers
from asapfill.sandbox.office.columns import Row, stamp
from asapfill.sandbox.office.tables import Refusal
from asapfill.store.database import open_store
from asapfill.store.offices import pause, resume
from tests.soak.line import Weather
from tests.soak.small_office import PATIENTS

if TYPE_CHECKING:
    from tests.soak.day import Day

Event = Callable[["Day"], Row]


def _staff_books(day: Day) -> Row:
    start = _some_time(day)
    return _do(day, {"action": "book", "PatNum": day.draws.randint(1, PATIENTS), "Op": day.draws.randint(1, 2),
                     "AptDateTime": stamp(start), "Pattern": "/XXXX/"})  # fmt: skip


def _staff_changes_a_visit(day: Day) -> Row:
    kind = day.draws.choice(["cancel", "cancel", "break", "delete", "move", "complete", "priority"])
    number = _some(day, day.world.office.appointments)
    action: Row = {"action": kind, "AptNum": number}
    if kind in {"cancel", "break", "priority"}:
        action["Priority"] = day.draws.choice(["ASAP", "Normal"])
    if kind == "move":
        action |= {"Op": day.draws.randint(1, 2), "AptDateTime": stamp(_some_time(day))}
    return _do(day, action)


def _staff_blocks(day: Day) -> Row:
    start = _some_time(day)
    return _do(day, {"action": "blockout", "SchedDate": str(start.date()), "StartTime": f"{start:%H:%M:%S}",
                     "StopTime": f"{start + timedelta(hours=1):%H:%M:%S}", "operatories": [day.draws.randint(1, 2)],
                     "BlockoutType": day.draws.choice([301, 302, 303])})  # fmt: skip


def _staff_deletes_a_schedule_row(day: Day) -> Row:
    rows = [number for number, row in day.world.office.schedules.items() if row["SchedType"] != "Provider"]
    return _do(day, {"action": "delete_schedule", "ScheduleNum": day.draws.choice(sorted(rows))}) if rows else {}


def _staff_edits_a_patient(day: Day) -> Row:
    change = day.draws.choice(
        [{"TxtMsgOk": "No"}, {"TxtMsgOk": "Yes"}, {"PatStatus": "Archived"}, {"PatStatus": "Patient"},
         {"WirelessPhone": "(503)555-9999"}, {"Birthdate": "2016-01-01"}]
    )  # fmt: skip
    return _do(day, {"action": "patient", "PatNum": day.draws.randint(1, PATIENTS), **change})


def _staff_makes_an_offer(day: Day) -> Row:
    """By hand, in Open Dental itself: the row goes past the API's log."""
    office = day.world.office
    asap = [row["AptNum"] for row in office.appointments.values() if row["Priority"] == "ASAP"]
    if not asap:
        return {}
    body = {"op": day.draws.randint(1, 2), "aptNum": day.draws.choice(sorted(asap)),
            "dateTimeStart": stamp(_some_time(day))}  # fmt: skip
    try:
        row = sandbox_offers.create(office, body)
    except Refusal:
        return {"refused": True}
    day.world.life.offered(row)
    return {"asapcomm": row["AsapCommNum"], "op": body["op"], "start": body["dateTimeStart"]}


def _staff_talks(day: Day) -> Row:
    office = day.world.office
    patient = day.draws.randint(1, PATIENTS)
    office.insert("commlogs", {"PatNum": patient, "CommDateTime": stamp(office.now), "Mode_": "Phone",
                               "SentOrReceived": "Received", "Note": "Called.",
                               "DateTStamp": stamp(office.now)})  # fmt: skip
    day.witness.talks.append((patient, office.now))
    return {"patient": patient}


def _preference_changes(day: Day) -> Row:
    return _do(day, {"action": "preference", "PrefName": "SmsContractDate", "ValueString": "2020-01-01"})


def _patient_answers(day: Day) -> Row:
    open_rows = [number for number, row in day.world.office.asapcomms.items()
                 if row["ResponseStatus"] in {"PendingRsvp", "Viewed"}]  # fmt: skip
    if not open_rows:
        return {}
    number = day.draws.choice(sorted(open_rows))
    action = day.draws.choice(["view", "accept", "decline", "decline", "stop"])
    try:
        status = day.world.life.respond(number, action)
    except Refusal:
        return {"asapcomm": number, "refused": True}
    day.witness.note_answers()
    return {"asapcomm": number, "answer": action, "status": status}


def _policy_edit(day: Day) -> Row:
    policy = day.write_policy()
    return {"mode": policy["mode"], "per_day": policy["per_day"], "per_opening": policy["per_opening"]}


def _policy_mistake(day: Day) -> Row:
    """An edit with a mistake: the version before stays in force, or nothing is sent."""
    path = day.folder / "policies" / "main.yaml"
    text = path.read_text()
    path.write_text(day.draws.choice([text + "colour: red\n", text.replace("texts:", "texts"), ""]))
    day.judge_by_last_good()
    return {}


def _pause_or_resume(day: Day) -> Row:
    """As ``asapfill pause`` does beside a running daemon."""
    paused = not day.witness.rules.paused
    if not (day.folder / "state" / "asapfill.db").exists():
        return {}
    with open_store(day.folder / "state", day.clock) as store:
        (pause if paused else resume)(store)
    day.witness.rules = replace(day.witness.rules, paused=paused)
    return {"paused": paused}


def _clock_jumps(day: Day) -> Row:
    off = timedelta(seconds=day.draws.choice([0, 0, 0, 30, -30, 200, -200, 290, -290, 3600, -3600, -90000]))
    day.clock.off = off
    day.witness.rules = replace(day.witness.rules, clock_off=off)
    return {"off": off.total_seconds()}


def _weather_changes(day: Day) -> Row:
    """Other faults than before: none, one kind, or all."""
    kinds = ["drop_before", "drop_after", "504_before", "504_after", "500", "429", "garbage", "garbage_after",
             "truncated", "drip", "slow"]  # fmt: skip
    chosen = day.draws.choice([[], [], [day.draws.choice(kinds)], ["drop_after", "504_after"], kinds])
    faults = []
    for kind in chosen:
        only_posts = day.draws.random() < 0.5
        faults.append({
            "kind": kind, "method": "POST" if only_posts else "",
            "probability": day.draws.choice([0.2, 0.5, 1.0] if only_posts else [0.01, 0.05]),
            "seconds": day.draws.choice([5, 30, 80]),
        })  # fmt: skip
    day.world.faults.replace(faults)
    day.line.weather = Weather(
        refused=day.draws.random() < 0.08,
        late=day.draws.choice([0, 0, 0, 0.4]),
        broken_off=day.draws.choice([0, 0, 0.2]),
        seconds=day.draws.choice([0.2, 0.4, 4.0, 20.0]),
    )
    return {"faults": [(fault["kind"], fault["method"], fault["probability"]) for fault in faults],
            "weather": day.line.weather}  # fmt: skip


def _do(day: Day, action: Row) -> Row:
    """A staff action, if a receptionist would still do it."""
    if not staff.sensible(day.world.office, action):
        return {"given_up": action["action"]}
    return {"did": action["action"], **staff.apply(day.world.office, action)}


def _some(day: Day, table: dict[int, Row]) -> int:
    return day.draws.choice(sorted(table))


def _some_time(day: Day) -> datetime:
    """A time on one of these days, on the office's grid."""
    today = day.world.office.now.date() + timedelta(days=day.draws.choice([0, 0, 1, 2, 3]))
    return datetime.combine(today, time(day.draws.randint(8, 16), day.draws.choice([0, 0, 30])))


_DRAWN: tuple[tuple[str, Event, int], ...] = (
    ("staff books", _staff_books, 6),
    ("staff changes a visit", _staff_changes_a_visit, 14),
    ("staff blocks", _staff_blocks, 4),
    ("staff deletes a schedule row", _staff_deletes_a_schedule_row, 3),
    ("staff edits a patient", _staff_edits_a_patient, 4),
    ("staff makes an offer", _staff_makes_an_offer, 6),
    ("staff talks", _staff_talks, 2),
    ("preference changes", _preference_changes, 1),
    ("patient answers", _patient_answers, 10),
    ("policy edit", _policy_edit, 5),
    ("policy mistake", _policy_mistake, 2),
    ("pause or resume", _pause_or_resume, 3),
    ("clock jumps", _clock_jumps, 5),
    ("weather changes", _weather_changes, 16),
)


def draw_event(draws: random.Random) -> tuple[str, Event]:
    """One event with its name, the frequent ones more often."""
    name, act, _ = draws.choices(_DRAWN, weights=[weight for _, _, weight in _DRAWN])[0]
    return name, act
