"""The sandbox's own endpoints, under /sandbox/: for tests, the demo and people who look inside.

=================  ==========================================================================================
GET clock          ``{"now", "office_now", "mode", "speed", "monotonic"}``
POST clock         ``{"advance": seconds}`` or ``{"now": ISO moment with offset}``: stepped mode; life goes on up to it
POST faults        ``{"faults": [fault, ...]}``: replaces all; see faults.py
GET log            writes, counts of requests, ``sent_twice``; texts really sent; what staff and patients did
GET office         the database, as an office file
POST staff         one staff action, done as asked; see life.py
POST events        ``{"producers": 0 | 1 | 2}``: how many of the office's programs send events; see events.py
POST respond       ``{"AsapCommNum": 5, "action": "view" | "accept" | "decline" | "stop"}``
=================  ==========================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from asapfill.clock import SteppedClock
from asapfill.sandbox.api.routes import Answer, error
from asapfill.sandbox.api.writes import read_body
from asapfill.sandbox.office import staff
from asapfill.sandbox.office.columns import Row, stamp
from asapfill.sandbox.office.offers import Refusal

if TYPE_CHECKING:
    from asapfill.sandbox.wire.world import World


def answer(world: World, method: str, path: str, body: bytes) -> Answer:
    """Answer a request to ``/sandbox/<path>``; 400 and 404 with a sentence when it makes no sense."""
    act = _ENDPOINTS.get((method, path))
    if act is None:
        return error(404, f"{method} /sandbox/{path} is not one of the sandbox's controls.")
    try:
        return Answer(200, json.dumps(act(world, read_body(body) if method == "POST" else {})).encode())
    except Refusal as refusal:
        return error(refusal.status, refusal.text)
    except (TypeError, ValueError) as problem:
        return error(400, str(problem))


def _show_clock(world: World, _wanted: Row) -> Row:
    return {
        "now": world.clock.now().isoformat(),
        "office_now": stamp(world.office.now),
        "mode": world.mode,
        "speed": world.speed,
        "monotonic": world.clock.monotonic(),
    }


def _move_clock(world: World, wanted: Row) -> Row:
    if not isinstance(world.clock, SteppedClock):
        raise Refusal(400, f"Time runs by itself in mode {world.mode}.")
    if "advance" in wanted:
        world.clock.sleep(float(wanted["advance"]))
    else:
        moment = datetime.fromisoformat(str(wanted.get("now")))
        if moment.tzinfo is None:
            raise Refusal(400, "The clock is set to a moment with an offset, such as 2026-04-14T07:00:00-07:00.")
        world.clock.set(moment)
    world.catch_up()
    return _show_clock(world, wanted)


def _set_faults(world: World, wanted: Row) -> Row:
    world.faults.replace(wanted.get("faults"))
    return {}


def _show_log(world: World, _wanted: Row) -> Row:
    return world.log.dump() | {
        "texts": len(world.life.sent),
        "texts_sent": world.life.sent,
        "happened": world.life.happened,
        "skipped": dict(world.life.skipped),
        "events": dict(world.feed.counts),
    }


def _show_office(world: World, _wanted: Row) -> Row:
    return world.office.dump()


def _set_events(world: World, wanted: Row) -> Row:
    world.feed.producers = max(0, min(2, int(wanted.get("producers", 1))))
    return {"producers": world.feed.producers}


def _staff(world: World, wanted: Row) -> Row:
    return staff.apply(world.office, wanted)


def _respond(world: World, wanted: Row) -> Row:
    status = world.life.respond(int(wanted.get("AsapCommNum", 0)), str(wanted.get("action")))
    return {"ResponseStatus": status}


_ENDPOINTS: dict[tuple[str, str], Callable[[World, Row], Row]] = {
    ("GET", "clock"): _show_clock,
    ("POST", "clock"): _move_clock,
    ("POST", "faults"): _set_faults,
    ("GET", "log"): _show_log,
    ("GET", "office"): _show_office,
    ("POST", "staff"): _staff,
    ("POST", "events"): _set_events,
    ("POST", "respond"): _respond,
}
