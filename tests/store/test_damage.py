"""A state that is damaged anywhere, or changed by others, is told in words: no traceback, nothing sent by it."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest

from asapfill.clock import SteppedClock
from asapfill.settings.settings import clock_for, load_settings
from asapfill.store.database import FILE_NAME, StoreError, open_for_reading, open_store
from asapfill.store.notices import Notice, keep_notices, note_failing, note_told
from asapfill.store.offices import KeptEvents, ListenFailure, keep_events, keep_listen_failure, keep_rest
from asapfill.store.schema import MIGRATIONS
from asapfill.store.soundness import flaws
from tests.daemon.bench import ENVIRONMENT, Bench, bench_for
from tests.depth import DEPTH

BEGAN = datetime(2026, 4, 14, 17, tzinfo=UTC)
COMMANDS = (
    ("status",),
    ("pause",),
    ("once",),
    ("status", "--json"),
    ("plan",),
    ("history",),
    ("history", "--json"),
    ("report", "--since", "2026-04-01", "--json"),
    ("explain", "--appointment", "12"),
    ("openings",),
    ("approve", "--all"),
    ("state", "verify"),
    ("state", "settle", "1", "--sent"),
    ("doctor",),
)


def filled(bench: Bench) -> bytes:
    """A state in which most tables have something, as one file."""
    bench.policy(texts={"wave": 2, "wait": "4 minutes"})
    for _ in range(3):
        assert bench.cli("once").code == 0
        bench.pass_time(6)
    settings = load_settings(bench.config, ENVIRONMENT)
    clock = clock_for(settings)
    with open_store(settings.state, clock) as store:
        notice = Notice(office="main-street", code="wrong_key", title="A title", message="A message.")
        keep_notices(store, [notice])
        note_told(store, "address", [notice], [])
        note_failing(store, "other", "address 1 of [notify]", "no_connection")
        keep_rest(store, "main-street", 2, clock.now())
        keep_events(store, "main-street", KeptEvents(addresses=("https://x.example/main-street",), checked=clock.now()))
        keep_listen_failure(store, ListenFailure("port", "The port is taken."))
    path = settings.state / FILE_NAME
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA journal_mode = WAL")
    return path.read_bytes()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Bench, bytes]]:
    """A bench, and its state as it should be."""
    with bench_for(tmp_path_factory.mktemp("sound")) as bench:
        yield bench, filled(bench)


def put(bench: Bench, raw: bytes) -> Path:
    """Have this as the bench's state."""
    path = bench.folder / "state" / FILE_NAME
    for there in path.parent.glob(f"{FILE_NAME}*"):
        there.unlink()
    path.write_bytes(raw)
    return path


def changed(bench: Bench, raw: bytes, *statements: str) -> Path:
    """Have the state as somebody with SQLite's own program left it."""
    path = put(bench, raw)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("PRAGMA writable_schema = ON")
        for statement in statements:
            connection.execute(statement)
    return path


CHANGES = {
    "a unique index is missing": (["DROP INDEX offers_once"], "it has no index offers_once"),
    "a table is missing": (["DROP TABLE paused"], "it has no table paused"),
    "a column more": (["ALTER TABLE offers ADD COLUMN more TEXT"], "the table offers is not as asapfill made it"),
    "another index of that name": (
        ["DROP INDEX offers_live_phone", "CREATE INDEX offers_live_phone ON offers (office, phone)"],
        "the index offers_live_phone is not as asapfill made it",
    ),
    "a trigger": (
        ["CREATE TRIGGER undo AFTER INSERT ON offers BEGIN DELETE FROM offers; END"],
        "it has a trigger that asapfill did not make: undo",
    ),
    "a unique index more": (["CREATE UNIQUE INDEX mine ON offers (office, id)"], "that asapfill did not make: mine"),
    "a state of an offer": (
        ["UPDATE offers SET state = 'sEnt' WHERE id = 1"],
        "a state that asapfill does not know: sEnt",
    ),
    "a state of a commlog": (
        ["UPDATE commlogs SET state = 'x'"],
        "a row of commlogs has a state that asapfill does not",
    ),
    "the key of phones": (["UPDATE meta SET value = 'zz' WHERE name = 'phone_key'"], "the key of its phones is none"),
    "an offer that is not there": (["UPDATE offer_steps SET offer = 4711 WHERE id = 1"], "refers to a row of offers"),
    "a version below zero": (["PRAGMA user_version = -3"], "its schema version is -3"),
    "a kind": (["UPDATE offers SET kind = 'x' WHERE id = 1"], " offers"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_state_that_others_changed_is_refused_and_told_with_what_to_do(
    sound: tuple[Bench, bytes], change: str
) -> None:
    bench, raw = sound
    statements, told = CHANGES[change]
    before = len(bench.posts())
    for command in (("status",), ("once",), ("pause",), ("plan",)):
        path = changed(bench, raw, *statements)
        content = path.read_bytes()
        done = bench.cli(*command)
        assert done.code == 1
        assert told in done.err
        assert "Do not delete it" in done.err
        assert "asapfill state restore" in done.err
        assert path.read_bytes() == content
    assert len(bench.posts()) == before
    verified = bench.cli("state", "verify")
    assert verified.code == 1
    assert told in " ".join(verified.out.split())


LATER = {
    "a moment": "UPDATE offers SET created = '2026-02-31T10:00:00.000000+00:00'",
    "a moment of a cycle": "UPDATE ticks SET at = 'never'",
    "a moment without a zone": "UPDATE ticks SET at = '2026-04-14T10:00:00.000000'",
    "an office's time": "UPDATE offers SET start = '2026-13-01T10:00:00', \"end\" = '2026-13-01T11:00:00'",
    "JSON": "UPDATE ticks SET problems = '[\"'",
    "JSON of another shape": "UPDATE meta SET value = '5' WHERE name = 'office main-street'",
    "a time zone": "UPDATE meta SET value = replace(value, 'Los_Angeles', '') WHERE name = 'office main-street'",
    "no UTF-8": "UPDATE offers SET phone = CAST(x'80ff' AS TEXT) WHERE id = 1",
    "a pause": "UPDATE paused SET at = ''",
    "a step": "UPDATE offer_steps SET \"to\" = 'x'",
}


@pytest.mark.parametrize("value", LATER)
def test_a_value_that_asapfill_never_writes_is_told_in_words_by_whoever_meets_it(
    sound: tuple[Bench, bytes], value: str
) -> None:
    bench, raw = sound
    told = []
    for command in COMMANDS:
        changed(bench, raw, "INSERT INTO paused VALUES ('*', '2026-04-14T17:00:00.000000+00:00')", LATER[value])
        done = bench.cli(*command)
        assert done.code in {0, 1}, (command, done)
        told += ["is damaged" in done.err]
    assert any(told)


def test_any_damage_of_any_byte_is_told_in_words(sound: tuple[Bench, bytes]) -> None:
    """Bits, bytes, zeros, a shorter file, pages in each other's place: by a fixed seed."""
    bench, raw = sound
    drawn = random.Random(4711)
    refused = 0
    for _ in range(DEPTH.examples(50)):
        hurt = bytearray(raw)
        damage(hurt, drawn)
        commands: Sequence[tuple[str, ...]] = COMMANDS
        try:
            put(bench, bytes(hurt))
            with open_for_reading(bench.folder / "state", SteppedClock(BEGAN)):
                pass
        except StoreError:
            refused, commands = refused + 1, COMMANDS[:3]
        for command in commands:
            put(bench, bytes(hurt))
            done = bench.cli(*command)
            assert done.code in {0, 1}, (command, done)
    assert refused >= 3
    offered = [repr(sorted(entry["body"].items())) for entry in bench.posts() if entry["status"] == 201]
    assert len(offered) == len(set(offered)), "nothing twice"


def damage(raw: bytearray, drawn: random.Random) -> None:
    """Hurt a file somewhere."""
    at, page = drawn.randrange(len(raw)), 4096
    match drawn.randrange(5):
        case 0:
            raw[at] ^= 1 << drawn.randrange(8)
        case 1:
            for place in range(at, min(at + 40, len(raw))):
                raw[place] = drawn.randrange(256)
        case 2:
            raw[at : at + 100] = bytes(len(raw[at : at + 100]))
        case 3:
            del raw[at:]
        case _:
            one, other = (page * drawn.randrange(len(raw) // page) for _ in range(2))
            raw[one : one + page], raw[other : other + page] = raw[other : other + page], raw[one : one + page]


def test_the_schema_of_every_version_is_found_sound(tmp_path: Path) -> None:
    for version in range(1, len(MIGRATIONS) + 1):
        with closing(sqlite3.connect(tmp_path / f"{version}.db")) as connection:
            for statement in chain.from_iterable(MIGRATIONS[:version]):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {version}")
            assert flaws(connection) == []
