from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from asapfill.core.asapcomms import is_suppressed, suppressed_reason
from asapfill.core.offer import NewOffer, Offer, State
from asapfill.core.reasons import RULES, Reason
from asapfill.core.rows import AsapComm
from asapfill.offers.journal import Check, Journal
from asapfill.offers.sending import send
from asapfill.opendental import errors
from asapfill.store.database import Store, StoreError

Meant = Callable[..., NewOffer]
RowBuilder = Callable[..., AsapComm]


@dataclass
class Office:
    """Answers POST /asapcomms with ``answer``, or raises it; remembers what was asked and what the journal held."""

    journal: Journal
    answer: AsapComm | BaseException
    asked: list[dict[str, object]] = field(default_factory=list)
    states: list[State] = field(default_factory=list)

    def create_asapcomm(
        self, *, op: int, date_time_start: datetime, apt_num: int | None = None, recall_num: int | None = None
    ) -> AsapComm:
        self.asked.append({"op": op, "dateTimeStart": date_time_start, "aptNum": apt_num, "recallNum": recall_num})
        self.states += [offer.state for offer in self.journal.unknowns()]
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Answers:
    """Gives one answer after the other, the last for ever."""

    def __init__(self, *reasons: Reason | None) -> None:
        self.reasons = list(reasons)
        self.asked = 0

    def __call__(self) -> Reason | None:
        self.asked += 1
        return self.reasons.pop(0) if len(self.reasons) > 1 else self.reasons[0]


def sent(new: NewOffer, journal: Journal, office: Office, check: Check) -> Offer:
    result = send(new, journal=journal, api=office, check=check, look_again=Answers(None), may_go_on=Answers(None))
    assert isinstance(result, Offer)
    assert journal.get(result.id) == result
    return result


def test_the_intent_is_in_the_journal_before_the_one_post_and_the_answer_after(
    journal: Journal, meant: Meant, anything: Check, row: RowBuilder
) -> None:
    office = Office(journal, row())
    offer = sent(meant(), journal, office, anything)
    assert office.states == [State.INTENT]
    assert office.asked == [
        {"op": 3, "dateTimeStart": datetime(2026, 11, 20, 14, 0), "aptNum": 11939, "recallNum": None}
    ]
    assert (offer.state, offer.asapcomm, offer.schedule, offer.reason) == (State.SENT, 2374, 52527, None)


def test_a_recall_is_posted_as_a_recall(journal: Journal, meant: Meant, anything: Check, row: RowBuilder) -> None:
    office = Office(journal, row(FKey=40, FKeyType="Recall"))
    offer = sent(meant(kind="recall", number=40), journal, office, anything)
    assert (office.asked[0]["aptNum"], office.asked[0]["recallNum"]) == (None, 40)
    assert offer.state is State.SENT


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (errors.NotSent("x"), State.UNSENT, "not_sent"),
        (errors.Unreachable("x"), State.UNSENT, "not_sent"),
        (errors.Throttled("x", status=429), State.UNSENT, "throttled"),
        (errors.WrongKey("x", status=401), State.UNSENT, "wrong_key"),
        (errors.MissingPermission("x", status=401), State.UNSENT, "missing_permission"),
        (errors.TooOld("x", status=404), State.REFUSED, "no_such_method"),
        (errors.NotFound("x", status=404), State.REFUSED, "answered_404"),
        (errors.Refused("x", status=400), State.REFUSED, "answered_400"),
        (errors.Answered("x", status=410), State.REFUSED, "answered_no"),
        (errors.Unknown("x", status=504), State.UNKNOWN, "no_answer"),
        (errors.NotOpenDental("x"), State.UNKNOWN, "no_answer"),
        (errors.OpenDentalError("x"), State.UNKNOWN, "no_answer"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_each_error_leaves_the_offer_in_the_state_that_is_safe(
    journal: Journal, meant: Meant, anything: Check, error: Exception, state: State, reason: str
) -> None:
    office = Office(journal, error)
    offer = sent(meant(), journal, office, anything)
    assert (offer.state, offer.reason, len(office.asked)) == (state, reason, 1)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), RuntimeError("a bug")])
def test_whatever_else_happens_during_the_post_leaves_it_unknown_and_goes_on_upwards(
    journal: Journal, meant: Meant, anything: Check, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        sent(meant(), journal, Office(journal, error), anything)
    (offer,) = journal.unknowns()
    assert (offer.state, offer.reason) == (State.UNKNOWN, "interrupted")


@pytest.mark.parametrize(
    ("note", "reason"),
    [
        (
            "Not sending text because this patient has requested to not be texted or emailed about this appointment.",
            "stop",
        ),
        ("Not sending text because this patient has requested to not be texted or emailed about this recall.", "stop"),
        ("Not sending text because this patient has received 2 texts today.", "daily_limit"),
        ("Not sending text because the text would be sent less than 30 minutes before the time slot.", "too_late"),
        ("Not sending text because the text would be sent less than 20 minutes before the time slot.", "too_late"),
        ("Not sending text because the text would be sent after the time slot.", "too_late"),
        ("Not sending text because this patient's preferred contact method is not text message.", "not_preferred"),
        ("Not sending text because texting is not enabled for this clinic.", "no_texting"),
        ("Not sending text because this patient is set to not receive texts.", "opted_out"),
        ("Not sending text because this patient does not have a wireless phone entered.", "no_phone"),
        ("Not sending text because this patient's wireless phone is not valid.", "no_phone"),
        ("Not sending text because this patient is not able to receive texts.", "other"),
        ("Not sending text because this patient opted out of receiving automated text messages.", "opted_out"),
        ("Not sending text because the patient has opted out of automated messaging.", "opted_out"),
        ("", "other"),
    ],
)
def test_201_is_not_texted_and_its_note_becomes_a_code(
    journal: Journal, meant: Meant, anything: Check, row: RowBuilder, store: Store, note: str, reason: str
) -> None:
    answer = row(SmsSendStatus="DoNotSend", ResponseStatus="UnableToSend", Note=note)
    offer = sent(meant(), journal, Office(journal, answer), anything)
    assert (offer.state, offer.reason, offer.asapcomm) == (State.SUPPRESSED, f"suppressed_{reason}", 2374)
    assert not note or note not in str(store.rows("SELECT * FROM offers") + store.rows("SELECT * FROM offer_steps"))


def test_every_suppressed_code_is_a_known_reason() -> None:
    assert suppressed_reason("something nobody has seen yet") in RULES


@pytest.mark.parametrize(
    ("sms", "response", "suppressed"),
    [
        ("DoNotSend", "UnableToSend", True),
        ("DoNotSend", "AwaitingTransmit", True),
        ("Undefined", "UnableToSend", True),
        ("SendNotAttempted", "UnableToSend", False),  # a text is queued: it counts
        ("SendSuccessful", "PendingRsvp", False),
        ("SomethingNew", "AwaitingTransmit", False),
        (7, "UnableToSend", True),
        ([], "UnableToSend", False),  # unreadable: in doubt it was sent
    ],
)
def test_in_doubt_a_text_was_sent(row: RowBuilder, sms: object, response: str, suppressed: bool) -> None:  # noqa: FBT001
    assert is_suppressed(row(SmsSendStatus=sms, ResponseStatus=response)) is suppressed


@pytest.mark.parametrize(
    "columns",
    [{"AsapCommNum": 0}, {"FKey": 5}, {"PatNum": 5}, {"FKeyType": "Recall"}],
    ids=lambda value: next(iter(value)),
)
def test_an_answer_about_something_else_leaves_the_offer_unknown(
    journal: Journal, meant: Meant, anything: Check, row: RowBuilder, columns: dict[str, object]
) -> None:
    offer = sent(meant(), journal, Office(journal, row(**columns)), anything)
    assert (offer.state, offer.reason, offer.asapcomm) == (State.UNKNOWN, "odd_answer", None)


def test_nothing_is_begun_when_paused_or_when_something_changed(
    journal: Journal, meant: Meant, anything: Check, row: RowBuilder
) -> None:
    office = Office(journal, row())
    paused, changed = Answers(Reason("paused")), Answers(Reason("changed"))
    for look, go in ((Answers(None), paused), (changed, Answers(None))):
        result = send(meant(), journal=journal, api=office, check=anything, look_again=look, may_go_on=go)
        assert result in {Reason("paused"), Reason("changed")}
    assert (office.asked, journal.live()) == ([], ())


def test_a_pause_between_intent_and_post_holds_the_post_back_and_leaves_the_slot_free(
    journal: Journal, meant: Meant, anything: Check, row: RowBuilder
) -> None:
    office = Office(journal, row())
    go = Answers(None, Reason("paused"))
    result = send(meant(), journal=journal, api=office, check=anything, look_again=Answers(None), may_go_on=go)
    assert isinstance(result, Offer)
    assert (result.state, result.reason, office.asked) == (State.UNSENT, "paused", [])
    assert sent(meant(), journal, office, anything).state is State.SENT


def test_a_limit_that_holds_inside_the_transaction_means_no_post(
    journal: Journal, meant: Meant, row: RowBuilder
) -> None:
    office = Office(journal, row())
    result = send(
        meant(),
        journal=journal,
        api=office,
        check=lambda _: Reason("per_opening"),
        look_again=Answers(None),
        may_go_on=Answers(None),
    )
    assert (result, office.asked) == (Reason("per_opening"), [])


def test_the_same_offer_sent_again_is_held_whatever_became_of_the_first(
    journal: Journal, meant: Meant, anything: Check, row: RowBuilder
) -> None:
    office = Office(journal, errors.Unknown("x", status=504))
    sent(meant(), journal, office, anything)
    office.answer = row()
    again = send(
        meant(), journal=journal, api=office, check=anything, look_again=Answers(None), may_go_on=Answers(None)
    )
    assert isinstance(again, Reason)
    assert len(office.asked) == 1


def test_an_intent_that_cannot_be_written_means_no_post(
    journal: Journal, meant: Meant, anything: Check, row: RowBuilder, store: Store
) -> None:
    office = Office(journal, row())
    store.close()
    store.path.unlink()
    with pytest.raises(StoreError):
        send(meant(), journal=journal, api=office, check=anything, look_again=Answers(None), may_go_on=Answers(None))
    assert office.asked == []
