"""The notifier: each thing once until it changes, again when it is over, and nobody waits for it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asapfill.alerts.conditions import OfficeFacts, notices_of
from asapfill.alerts.letters import CALM, addresses_of, letter_for
from asapfill.alerts.notifier import FIRST_PAUSE, HARD, SPACING, Notifier
from asapfill.clock import SteppedClock
from asapfill.core.errors import ConfigurationError
from asapfill.core.offer import NewOffer, State
from asapfill.offers.journal import Journal
from asapfill.policy.in_force import policy_book
from asapfill.settings.settings import load_settings
from asapfill.store.cycles import record_tick
from asapfill.store.database import Store, open_store
from asapfill.store.notices import KeptNotice, Notice, failing_addresses
from asapfill.store.offices import KeptEvents, ListenFailure, keep_events, keep_listen_failure
from tests.alerts.receivers import TOKEN, webhook
from tests.daemon.bench import SETTINGS, Bench
from tests.daemon.running import fast_bench, running

NOTIFY = '\n[notify]\nurls = ["env:TELL_IT"]\n'
BEGAN = datetime(2026, 4, 14, 17, 0, tzinfo=UTC)
OFFICE = """
[offices.{name}]
urls = ["http://127.0.0.1:9/api/v1"]
developer_key = "env:KEY"
customer_key = "env:KEY"
"""


@dataclass
class Told:
    """Stands in for apprise: keeps each message; ``error``: what it answers."""

    messages: list[tuple[str, str, str]] = field(default_factory=list)
    error: str = ""

    def __call__(self, url: str, title: str, body: str, all_right: bool) -> str:  # noqa: ARG002, FBT001  ``Send``
        self.messages.append((url, title, body))
        return self.error

    @property
    def titles(self) -> list[str]:
        return [title for _, title, _ in self.messages]


class Machine(SteppedClock):
    """A clock that somebody sets; the monotonic one does not notice."""

    def was_set(self, by: timedelta) -> None:
        self._now += by


@dataclass
class Room:
    """Two offices' state, a clock that stands still, and a notifier that can be made anew."""

    folder: Path
    clock: Machine
    store: Store
    told: Told
    text: str = NOTIFY + OFFICE.format(name="elm") + OFFICE.format(name="main-street")
    served: set[str] = field(default_factory=lambda: {"elm", "main-street"})

    def begin(self) -> None:
        path = self.folder / "asapfill.toml"
        path.write_text(self.text)
        (self.folder / "policies").mkdir(exist_ok=True)
        for name in ("elm", "main-street"):
            policy = f"office: {name}\ntimezone: America/Los_Angeles\n"
            (self.folder / "policies" / f"{name}.yaml").write_text(policy)
        environ = {"TELL_IT": f"json://it/{TOKEN}", "TELL_ELM": "json://elm", "KEY": "a-key"}
        self.settings = load_settings(path, environ)
        self.notifier = Notifier(self.settings, self.clock, self.told)

    def tick(self, *codes: str, office: str = "main-street") -> None:
        self.served = self.served - {office} if codes else self.served | {office}
        problems = [f"Sentence of {code}." for code in codes]
        record_tick(self.store, office, 0, ok=not codes, requests=1, problems=problems, codes=codes)

    def round(self, minutes: float = 1) -> None:
        """Time passes, in which what is served is served on; then a look."""
        self.clock.sleep(minutes * 60)
        for office in self.served:
            self.tick(office=office)
        self.notifier.round(self.store, policy_book(self.settings).read())


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    clock = Machine(BEGAN)
    with open_store(tmp_path / "state", clock) as store:
        room = Room(tmp_path, clock, store, Told())
        room.begin()
        yield room


def fail(room: Room, code: str, times: int = 2) -> None:
    for _ in range(times):
        room.tick(code)
        room.clock.sleep(60)


def test_a_wrong_key_is_told_once_and_its_end_after_a_calm_while(room: Room) -> None:
    room.tick("wrong_key")
    room.round()
    assert room.told.titles == []  # once may be a key that is being changed
    fail(room, "wrong_key")
    for _ in range(20):
        room.tick("wrong_key")
        room.round()
    assert room.told.titles == ["asapfill, main-street: Open Dental does not accept the key"]
    assert "customer key" in room.told.messages[0][2]
    room.tick()
    room.round()
    assert len(room.told.titles) == 1
    room.round(CALM.total_seconds() / 60)
    assert room.told.titles[1:] == ["asapfill, main-street: all right again: Open Dental does not accept the key"]
    room.round(60)
    assert len(room.told.titles) == 2


def test_what_comes_and_goes_is_told_once(room: Room) -> None:
    for _ in range(6):
        fail(room, "wrong_key", 2)
        room.round()
        room.tick()
        room.round()
    assert len(room.told.titles) == 1


def test_a_restart_repeats_nothing_and_forgets_no_end(room: Room) -> None:
    fail(room, "clock_off")
    room.round()
    assert room.told.titles == ["asapfill, main-street: The clocks differ"]
    room.begin()
    room.round(10)
    assert len(room.told.titles) == 1
    room.tick()
    room.round()
    room.begin()
    room.round(11)
    assert room.told.titles[1:] == ["asapfill, main-street: all right again: The clocks differ"]


def test_an_office_that_is_not_served_is_told_after_ten_cycles_and_when_the_cause_changes(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fail(room, "not_sent", 3)
    room.round(0)
    assert room.told.titles == []
    fail(room, "not_sent", 7)
    room.round(0)
    (title,) = room.told.titles
    assert title == "asapfill, main-street: Not served for 10 minutes"
    assert "Is its server on" in room.told.messages[0][2]
    assert "Sentence of" not in room.told.messages[0][2]  # what the office's server said stays here
    for code in ("no_answer", "not_sent", "out_of_time"):  # a server that is down, in its several ways
        fail(room, code, 10)
        room.round(0)
    assert len(room.told.titles) == 1
    assert len(caplog.messages) == 2
    fail(room, "throttled")
    room.round(0)
    assert len(room.told.titles) == 2
    assert "same key" in room.told.messages[1][2]


def test_a_daemon_without_finished_cycles_is_told(room: Room) -> None:
    room.served.clear()
    room.round(19)
    assert room.told.titles == []
    room.round(2)
    assert room.told.titles == ["asapfill: 2 things need a person"]
    assert "elm: No cycle has ended for 20 minutes" in room.told.messages[0][2]


@pytest.mark.parametrize("was_set", [timedelta(hours=-9), timedelta(days=-1500), timedelta(hours=9)], ids=str)
def test_a_clock_that_is_set_neither_hides_a_daemon_without_finished_cycles_nor_makes_one_of_one_that_works(
    room: Room, was_set: timedelta
) -> None:
    room.round(5)
    room.clock.was_set(was_set)
    for _ in range(30):
        room.round()
    assert room.told.titles == [], "served every minute, whatever the clock shows"
    room.served.remove("elm")
    room.round(19)
    room.clock.was_set(-was_set)
    room.round(0)
    assert room.told.titles == []
    room.round(2)
    assert room.told.titles == ["asapfill, elm: No cycle has ended for 20 minutes"]


def test_a_clock_that_is_set_back_holds_up_neither_a_notice_nor_its_end(room: Room) -> None:
    made(room, 5, State.UNKNOWN, "no_answer")
    fail(room, "wrong_key")
    room.round(0)
    assert room.told.titles == ["asapfill, main-street: Open Dental does not accept the key"]
    room.tick()
    room.round(0)
    room.clock.was_set(timedelta(days=-1500))
    room.round(6)
    assert sorted(room.told.titles[1:]) == ["asapfill: 1 thing needs a person, 1 thing is all right again"]


def test_policies_are_told_without_what_stands_in_them(room: Room) -> None:
    path = room.folder / "policies" / "main-street.yaml"
    path.write_text(path.read_text() + "candidates:\n  except_patients: [Jane Doe]  # Jane's sister\n")
    room.round()
    ((_, title, body),) = room.told.messages
    assert title == "asapfill, all offices: A policy has a mistake"
    assert "main-street.yaml:4:21: `candidates.except_patients` is" in body
    assert "Jane" not in body
    room.tick()
    room.round()
    assert len(room.told.messages) == 1


def made(room: Room, number: int, state: State, reason: str | None = None) -> int:
    """An offer in the journal, made now."""
    now = room.clock.now().replace(tzinfo=None)
    new = NewOffer(
        clinic=0, kind="appointment", number=number, patient=number, phone=f"hash{number}", operatory=1, provider=1,
        start=now + timedelta(hours=5), end=now + timedelta(hours=6), wave=1, opening="o", made=now,
    )  # fmt: skip
    journal = Journal(room.store, "main-street")
    offer = journal.begin(new, check=lambda _: None)
    if state is State.UNSETTLED:
        journal.step(offer.id, State.UNKNOWN, "no_answer")
    journal.step(offer.id, state, reason, asapcomm=number if state in {State.SUPPRESSED, State.SENT} else None)
    return offer.id


def test_unclear_offers_are_told_after_an_hour_and_again_when_there_is_a_newer_one(room: Room) -> None:
    made(room, 5, State.UNKNOWN, "no_answer")
    for _ in range(4):
        assert room.told.titles == []
        room.round(15)
    assert room.told.titles == ["asapfill, main-street: 1 offer unclear for more than an hour"]
    settle = made(room, 6, State.UNSETTLED, "unsettled")
    room.round(6)
    assert room.told.titles[1:] == ["asapfill, main-street: 1 offer to be looked up by a person"]
    assert f"asapfill state settle {settle} --sent" in room.told.messages[1][2]


def test_a_day_without_a_text_is_told_with_the_reason(room: Room) -> None:
    for number in (1, 2):
        made(room, number, State.SUPPRESSED, "suppressed_no_texting")
    room.round()
    assert room.told.titles == []
    made(room, 3, State.SUPPRESSED, "suppressed_no_texting")
    room.round()
    assert room.told.titles == ["asapfill, main-street: Open Dental has sent no text all day"]
    assert "Enable texting" in room.told.messages[0][2]
    made(room, 4, State.SENT)
    room.round()
    room.round(11)
    assert room.told.titles[1:] == ["asapfill, main-street: all right again: Open Dental has sent no text all day"]


def test_a_day_of_refusals_is_told(room: Room) -> None:
    for number in (1, 2, 3):
        made(room, number, State.REFUSED, "answered_400")
    room.round()
    assert room.told.titles == ["asapfill, main-street: Open Dental has sent no text all day"]
    assert "subscribed to Web Sched ASAP" in room.told.messages[0][2]


def test_reasons_of_their_own_are_no_notice(room: Room) -> None:
    for number, reason in enumerate(("suppressed_stop", "suppressed_no_phone", "suppressed_opted_out"), start=1):
        made(room, number, State.SUPPRESSED, reason)
    room.round()
    assert room.told.titles == []


def test_what_does_not_get_through_is_tried_again_with_growing_pauses_and_shown(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    room.told.error = "no_connection"
    fail(room, "wrong_key")
    for _ in range(60):
        room.tick("wrong_key")
        room.round()
    assert 4 <= len(room.told.messages) <= 6
    untold = [message for message in caplog.messages if message.startswith("notifier.untold")]
    assert untold == ["notifier.untold address=address_1_of_[notify] error=no_connection"]
    assert TOKEN not in caplog.text
    room.told.error = ""
    room.tick("wrong_key")
    room.round(60)
    room.round(1)
    assert room.told.titles[-1] == "asapfill, main-street: Open Dental does not accept the key"
    assert room.notifier._paces[next(iter(room.notifier._paces))].pause == FIRST_PAUSE


def test_what_comes_up_soon_after_another_goes_into_one_message(room: Room) -> None:
    fail(room, "wrong_key")
    room.round()
    for office in ("main-street", "elm"):
        for _ in range(2):
            room.tick("clock_off", office=office)
    room.round()
    assert len(room.told.titles) == 1
    room.round(SPACING / 60)
    assert room.told.titles[1:] == ["asapfill: 2 things need a person"]


def test_an_office_of_its_own_is_told_only_what_concerns_it(room: Room) -> None:
    room.text = NOTIFY + OFFICE.format(name="elm") + 'notify = ["env:TELL_ELM"]\n' + OFFICE.format(name="main-street")
    room.begin()
    fail(room, "wrong_key")
    room.round()
    for _ in range(2):
        room.tick("clock_off", office="elm")
    room.round(6)
    assert [url for url, _, _ in room.told.messages] == [f"json://it/{TOKEN}", f"json://it/{TOKEN}", "json://elm"]
    assert room.told.titles[2] == "asapfill, elm: The clocks differ"


def test_events_that_do_not_get_through_are_told_after_half_an_hour(room: Room) -> None:
    facts = OfficeFacts("elm", (), has_policy=False, unclear=(), lately=(), quiet=timedelta(0), events_fail=True)
    (notice,) = notices_of([facts], [], BEGAN)
    (address,) = addresses_of(room.settings)
    kept = KeptNotice(notice, BEGAN, None, {})
    assert letter_for(address, [kept], BEGAN + timedelta(minutes=29)) is None
    letter = letter_for(address, [kept], BEGAN + timedelta(minutes=30))
    assert letter is not None
    assert letter.title == "asapfill, elm: Open Dental's events do not get through"


def test_a_port_or_certificate_that_cannot_be_used_is_told_once_for_all_offices_until_the_cause_changes(
    room: Room,
) -> None:
    room.text += '[events]\nurl = "http://127.0.0.1:8433"\n'
    room.begin()
    keep_listen_failure(room.store, ListenFailure("port", "asapfill cannot listen at 127.0.0.1:8433."))
    for name in room.settings.offices:
        keep_events(room.store, name, KeptEvents(problem="Nothing arrives."))
    for _ in range(5):
        room.round()
    assert room.told.titles == [], "by then it may listen again"
    for _ in range(60):
        room.round()
    title = "asapfill cannot listen for Open Dental's events"
    assert room.told.titles == [f"asapfill, all offices: {title}"]
    assert "`listen`" in room.told.messages[0][2]
    keep_listen_failure(room.store, ListenFailure("certificate", "The certificate /etc/made-up.pem cannot be used."))
    room.round()
    room.round()
    assert room.told.titles[1:] == [f"asapfill, all offices: {title}"]
    assert "certificate or key" in room.told.messages[1][2]
    assert "made-up" not in room.told.messages[1][2]
    keep_listen_failure(room.store, None)
    for name in room.settings.offices:
        keep_events(room.store, name, KeptEvents())
    for _ in range(20):
        room.round()
    assert room.told.titles[2:] == [f"asapfill, all offices: all right again: {title}"]


def test_events_that_are_off_and_cannot_be_ended_are_told_as_that(room: Room) -> None:
    keep_events(room.store, "elm", KeptEvents(addresses=("https://x/elm/",), problem="Open Dental said no."))
    for _ in range(40):
        room.round()
    assert room.told.titles == ["asapfill, elm: Open Dental's events are off and cannot be ended"]


def test_a_message_of_very_many_things_stays_readable(room: Room) -> None:
    (address,) = addresses_of(room.settings)
    notices = [Notice(office=f"office-{n}", code="not_served", title="Not served", message="m") for n in range(200)]
    letter = letter_for(address, [KeptNotice(notice, BEGAN, None, {}) for notice in notices], BEGAN)
    assert letter is not None
    assert letter.title == "asapfill: 200 things need a person"
    assert letter.body.endswith("And 180 more: `asapfill status`.")


def test_an_address_written_into_the_settings_is_refused_and_not_shown(room: Room) -> None:
    wrong = f'[notify]\nurls = ["json://it/{TOKEN}"]\nurl = 3\n' + OFFICE.format(name="elm") + "notify = 5\n"
    path = room.folder / "asapfill.toml"
    path.write_text(wrong)
    with pytest.raises(ConfigurationError) as raised:
        load_settings(path, {"KEY": "a-key"})
    text = str(raised.value)
    assert TOKEN not in text
    assert "asapfill.toml:2:1: An address of `urls` must not be written here itself" in text
    assert "asapfill.toml:3:1: `url` is not a setting that asapfill knows." in text
    assert "`notify` must be a list of addresses." in text


def test_a_state_that_cannot_be_used_is_told_from_memory(room: Room) -> None:
    broken = Store(room.folder / "gone.db", room.clock)
    policies = policy_book(room.settings).read()
    for _ in range(HARD + 3):
        room.notifier.round(broken, policies)
        room.clock.sleep(SPACING)
    broken.close()
    assert room.told.titles == ["asapfill, all offices: The state cannot be used, so nothing is sent"]
    room.round(6)
    assert room.told.titles[1:] == ["asapfill, all offices: all right again: The state cannot be used"]


def test_a_daemon_tells_a_webhook_shows_it_in_its_status_and_waits_for_nobody(tmp_path: Path) -> None:
    with webhook() as hook, fast_bench(tmp_path) as bench:
        bench.settings(SETTINGS + NOTIFY)
        bench.policy(timezone="America/New_York")
        with running(bench, TELL_IT=hook.url) as daemon:
            daemon.until(lambda: hook.got, "the notice")
            assert hook.titles == ["asapfill, main-street: The clocks differ"]
            assert "Check `timezone` in main.yaml" in hook.got[0]["message"]
            daemon.until(lambda: bench.json("status", code=1)["notices"][0]["told"], "that it was told")
            text = bench.cli("status").out
            assert "Needs a person" in text
            assert [line for line in text.split("\n") if len(line) > 80] == []

            hook.hang = threading.Event()
            (bench.folder / "policies" / "odd.yaml").write_text("office: somewhere-else\n")
            daemon.until(lambda: len(hook.paths) == 2, "a message that hangs")
            cycles = daemon.said().count("cycle.done")
            daemon.until(lambda: daemon.said().count("cycle.done") > cycles + 3, "more cycles")
            code, seconds = daemon.end()
            assert (code, seconds < 5) == (0, True)
        hook.hang.set()
        assert TOKEN not in daemon.said()
        assert TOKEN.encode() not in b"".join(path.read_bytes() for path in (bench.folder / "state").iterdir())


def test_notify_test_tries_each_address(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    assert bench.cli("notify", "test").code == 78
    bench.settings(SETTINGS + '\n[notify]\nurls = ["env:TELL_IT", "env:TELL_OTHER", "env:TELL_NOBODY"]\n')
    with webhook() as hook:
        monkeypatch.setenv("TELL_IT", hook.url)
        monkeypatch.setenv("TELL_OTHER", "nonsense")
        done = bench.cli("notify", "test")
    assert done.code == 1
    assert done.out.splitlines() == [
        "address 1 of [notify]: told.",
        "address 2 of [notify]: this is no address that apprise knows. See docs/watching.md.",
        "address 3 of [notify]: its secret cannot be read here (see `asapfill doctor`).",
    ]
    assert hook.titles == ["asapfill: a test"]
    assert TOKEN not in done.out + done.err


def test_an_address_that_is_missing_stops_no_service_and_is_told_everywhere(tmp_path: Path) -> None:
    """An office's watching keys too: a file that was forgotten, a variable that is not set, a folder that is gone."""
    with fast_bench(tmp_path) as bench:
        bench.settings(
            'metrics = "gone/asapfill.prom"\n'
            + SETTINGS
            + 'notify = ["file:keys/forgotten"]\nping = "https://a..b/ping"\n'
            + '\n[notify]\nurls = ["env:TELL_NOBODY", "credential:mail"]\n'
        )
        checked = bench.cli("check")
        assert checked.code == 0, checked
        assert "address 1 of [notify] is told nothing, although offices are served" in " ".join(checked.out.split())
        assert {item["verdict"] for item in bench.json("check")["notices"]} == {"look"}
        assert bench.cli("once").code == 0
        assert bench.asked(), "texted all the same"
        with running(bench) as daemon:
            daemon.until(lambda: daemon.said().count("cycle.done") > 2, "cycles")
            daemon.until(lambda: len(bench.json("status", code=1)["untold"]) == 3, "all in its status")
            assert {item["error"] for item in bench.json("status", code=1)["untold"]} == {"no_secret"}
            assert daemon.end()[0] == 0
        said = daemon.said()
    assert said.count("notifier.no_address") == 3
    assert "address=address_1_of_main-street" in said
    assert "metrics.unwritable" in said
    assert "ping.failed office=main-street" in said
    assert "Traceback" not in said


def test_an_address_that_is_there_again_is_no_longer_told_of(room: Room) -> None:
    room.text = room.text.replace("env:TELL_IT", "file:keys/it")
    room.begin()
    room.round()
    (untold,) = failing_addresses(room.store)
    assert (untold.name, untold.error) == ("address 1 of [notify]", "no_secret")
    (room.folder / "keys").mkdir()
    (room.folder / "keys" / "it").write_text("json://it\n")
    room.round()
    assert failing_addresses(room.store) == ()
    assert room.told.titles == [], "there is nothing to tell"
