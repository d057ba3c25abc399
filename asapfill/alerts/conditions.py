"""What needs a person: the notices that there are now, by the facts about each office. Pure.

Who is told of them, and when, is the business of ``letters`` and ``notifier``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from asapfill.clock import elapsed
from asapfill.core.offer import Offer, State
from asapfill.core.reasons import RULES
from asapfill.cycle.results import CLOCK_OFF, POLICY
from asapfill.store.cycles import Tick
from asapfill.store.notices import Notice
from asapfill.words import counted

SURE: Final = 2
"""Cycles in a row: one refusal may be a key that is being changed just then."""
NOT_SERVED: Final = 10
"""Cycles in a row, or as many minutes: what heals by itself has done so by then."""
SILENT: Final = timedelta(minutes=20)
"""Without any finished cycle. The first one of a large office takes minutes, and one that hangs is not waited for."""
UNKNOWN_FOR: Final = timedelta(hours=1)
"""Nearly every unclear offer is found out within two minutes."""
LEAST_SUPPRESSED: Final = 3
"""Offers of a day without a text: fewer may be about these people."""
_MOST_NAMED: Final = 10
_UNREACHABLE: Final = frozenset({"not_sent", "no_answer", "out_of_time", "not_open_dental"})


@dataclass(frozen=True, slots=True)
class OfficeFacts:
    """One office. ``lately``: the offers of the last day on which any was made. ``quiet``: how long no cycle has ended,
    by a clock that nobody sets.

    ``events_fail``: Open Dental's events do not get through, or, when they are off, cannot be ended.
    """

    name: str
    ticks: tuple[Tick, ...]
    has_policy: bool
    unclear: tuple[Offer, ...]
    lately: tuple[Offer, ...]
    quiet: timedelta
    events_fail: bool = False
    events_on: bool = True


@dataclass(frozen=True, slots=True)
class PolicyMistake:
    """What is wrong with a policy file, in the words of ``check``. ``office``: empty when the file does not tell."""

    office: str
    file: str
    text: str


def notices_of(
    offices: Sequence[OfficeFacts], mistakes: Sequence[PolicyMistake], now: datetime, not_listening: str = ""
) -> tuple[Notice, ...]:
    """Every notice there is at ``now`` (aware), one for each key.

    ``not_listening``: why asapfill cannot listen for deliveries, a key of ``_NOT_LISTENING``; empty when nothing is
    wrong.
    """
    found = {notice.key: notice for notice in (*_policies(mistakes), *_not_listening(not_listening))}
    for office in offices:
        found |= {notice.key: notice for notice in _office(office, now)}
    return tuple(found[key] for key in sorted(found))


def _office(office: OfficeFacts, now: datetime) -> Iterator[Notice]:
    yield from _unknown_names(office)
    known = list(_known_causes(office))
    yield from known
    if not known:
        yield from _not_served(office, now)
    yield from _unclear(office, now)
    yield from _suppressed(office)
    if office.events_fail:
        yield _events_fail(office)


_NOT_LISTENING: Final[dict[str, str]] = {
    "port": "The port cannot be used. Has another program taken it, and is the address one of this machine's? See "
    "`listen` below [events] in the settings.",
    "certificate": "Its certificate or key cannot be used. Was it renewed? Both must belong together and be readable "
    "for the user that runs asapfill. See [events] in the settings.",
}


def _not_listening(why: str) -> Iterator[Notice]:
    """One for all offices: there is one listener."""
    if why:
        yield Notice(
            office="",
            code="not_listening",
            about=why,
            title="asapfill cannot listen for Open Dental's events",
            message=f"{_NOT_LISTENING[why]} asapfill tries again every minute and asks every office meanwhile, so "
            "nothing is lost but time. `asapfill status` says more.",
        )


def _events_fail(office: OfficeFacts) -> Notice:
    if office.events_on:
        title = "Open Dental's events do not get through"
        message = "asapfill asks every minute instead, so nothing is lost but time. `asapfill status` says why."
        return Notice(office=office.name, code="events", title=title, message=message)
    title = "Open Dental's events are off and cannot be ended"
    message = (
        "asapfill's subscriptions are still in Open Dental. `asapfill status` says why; asapfill goes on trying to "
        "remove them."
    )
    return Notice(office=office.name, code="events", about="off", title=title, message=message)


_NOTHING_OFFERED: Final = "Nothing is offered meanwhile; offers already sent are not followed."
_KNOWN_CAUSES: Final[dict[str, tuple[str, str]]] = {
    "wrong_key": (
        "Open Dental does not accept the key",
        (
            f"{_NOTHING_OFFERED} See in the Open Dental developer portal whether the office's customer key is enabled, "
            "and compare both keys with the settings. A change takes up to 15 minutes to be in force."
        ),
    ),
    "missing_permission": (
        "The key lacks a permission",
        (
            "`asapfill doctor` says which. Permissions are given to a key in the Open Dental developer portal; a "
            "change takes up to 15 minutes to be in force."
        ),
    ),
    "too_old": (
        "This version of Open Dental is too old",
        f"{_NOTHING_OFFERED} `asapfill doctor` says which version is needed.",
    ),
    CLOCK_OFF: ("The clocks differ", ""),
}
"""What only a person can mend, by the code of a cycle's problem: title and message; empty: the problem's own text."""


def _known_causes(office: OfficeFacts) -> Iterator[Notice]:
    """Told as soon as it is sure."""
    sure = {
        code: problem
        for tick in office.ticks
        if tick.failed >= SURE
        for code, problem in zip(tick.codes, tick.problems, strict=False)
    }
    for code, (title, message) in _KNOWN_CAUSES.items():
        if code in sure:
            yield Notice(office=office.name, code=code, title=title, message=message or sure[code])


_CAUSES: Final[dict[str, str]] = {
    "throttled": "Open Dental asks for fewer requests. Does another program use the same key?",
    "out_of_time": "It answers so slowly that a cycle does not end in its time. Look at its server and network.",
    "not_sent": "None of its addresses can be reached. Is its server on, with the Open Dental API service running, and "
    "its port open to this machine?",
    "not_open_dental": "What answers at its address is not Open Dental's API. Check `urls` in the settings, and what "
    "stands between (a proxy, a firewall's page).",
    "no_answer": "It gives no clear answers. Look at its server and network.",
    "commlogs": "Offers go out, but their notes in the chart cannot be written. Has the key the permission Comm?",
    POLICY: "Its policy has mistakes.",
    "other": "Open Dental refuses what it is asked.",
}
"""What keeps an office from being served for a while, with what to look at."""


def _not_served(office: OfficeFacts, now: datetime) -> Iterator[Notice]:
    """Nobody can tell at once whether such a thing heals by itself."""
    failing = [tick for tick in office.ticks if _failing_long(tick, now)]
    if failing:
        codes = sorted({code for tick in failing for code in tick.codes if code != POLICY})
        if not codes:
            return  # the policies' own notices tell it
        causes = " ".join(_CAUSES.get(code, _CAUSES["other"]) for code in codes)
        only_notes = codes == ["commlogs"]
        yield Notice(
            office=office.name,
            code="commlogs" if only_notes else "not_served",
            about="" if only_notes else _kind(codes),
            title=f"{'Notes in the chart not written' if only_notes else 'Not served'} for {NOT_SERVED} minutes",
            message=f"{causes} `asapfill status` has the details; asapfill goes on trying.",
        )
    elif office.has_policy and office.quiet > SILENT:
        yield Notice(
            office=office.name,
            code="not_served",
            about="silent",
            title=f"No cycle has ended for {int(SILENT.total_seconds()) // 60} minutes",
            message="The log says why: `journalctl -u asapfill -n 100`. `asapfill doctor` looks at the state, its "
            "disk and the office.",
        )


def _kind(codes: Sequence[str]) -> str:
    """What is told again when it changes: a server that is down fails in several ways by turns."""
    if set(codes) & _UNREACHABLE:
        return "unreachable"
    return "throttled" if "throttled" in codes else "refused"


def _failing_long(tick: Tick, now: datetime) -> bool:
    """Cycles come less often to an office that fails, so minutes count too."""
    long = tick.failing_since is not None and elapsed(tick.failing_since, now) >= timedelta(minutes=NOT_SERVED)
    return tick.failed >= NOT_SERVED or (tick.failed > SURE and long)


def _unknown_names(office: OfficeFacts) -> Iterator[Notice]:
    """Names in a policy that the office does not have: found in a cycle only."""
    for tick in office.ticks:
        pairs = zip(tick.codes, tick.problems, strict=False)
        texts = [text for code, text in pairs if code == POLICY]
        if texts:
            yield _policy(PolicyMistake(office.name, f"clinic {tick.clinic}" if tick.clinic else "", "\n".join(texts)))


def _policies(mistakes: Sequence[PolicyMistake]) -> Iterator[Notice]:
    for place in dict.fromkeys((mistake.office, mistake.file) for mistake in mistakes):
        texts = [mistake.text for mistake in mistakes if (mistake.office, mistake.file) == place]
        yield _policy(PolicyMistake(*place, "\n".join(texts)))


def _policy(mistake: PolicyMistake) -> Notice:
    text = without_quotes(mistake.text)
    return Notice(
        office=mistake.office,
        code=POLICY,
        subject=mistake.file,
        about=hashlib.sha256(text.encode()).hexdigest()[:16],
        title="A policy has a mistake",
        message=f"{text}\n`asapfill check` shows the lines.",
    )


def without_quotes(text: str) -> str:
    """A problem's text without what the file says: somebody may have written a patient's name there.

    The line that ``Problem`` shows goes, with its mark, and so does what stands in “ ”.
    """
    text = re.sub(r"\n    [^\n]*\n +\^(?=\n|$)", "", text)
    return re.sub(r"“[^”]*”", "“…”", text)


def _unclear(office: OfficeFacts, now: datetime) -> Iterator[Notice]:
    unsettled = [offer for offer in office.unclear if offer.state is State.UNSETTLED]
    unknown = [
        offer for offer in office.unclear if offer not in unsettled and elapsed(offer.created, now) >= UNKNOWN_FOR
    ]
    if unknown:
        yield Notice(
            office=office.name,
            code="unknown_offers",
            about=str(max(offer.id for offer in unknown)),
            title=f"{counted(len(unknown), 'offer')} unclear for more than an hour",
            message=f"Whether a text went out is not known for {_numbers(unknown)}. asapfill goes on looking and sends "
            "nothing to these people and places meanwhile. Can the office be reached? `asapfill status`.",
        )
    if unsettled:
        yield Notice(
            office=office.name,
            code="unsettled",
            about=str(max(offer.id for offer in unsettled)),
            title=f"{counted(len(unsettled), 'offer')} to be looked up by a person",
            message=f"asapfill could not find out whether a text went out for {_numbers(unsettled)}. Look in Open "
            f"Dental, then say so: `asapfill state settle {unsettled[0].id} --sent` or `--not-sent`. Their people and "
            "places get nothing until then.",
        )


def _numbers(offers: Sequence[Offer]) -> str:
    named = ", ".join(f"#{offer.id}" for offer in offers[:_MOST_NAMED])
    more = len(offers) - _MOST_NAMED
    return f"{named} and {more} more" if more > 0 else named


_ADVICE: Final[dict[str, str]] = {
    "suppressed_no_texting": "Enable texting for the clinic in Open Dental (eServices, Texting).",
    "suppressed_too_late": "Give people more time: a longer `openings.notice` in the policy.",
    "suppressed_daily_limit": "Open Dental's own limit of ASAP texts a day (Web Sched ASAP, text limit) is lower than "
    "the policy's.",
    "suppressed_opted_out": "See to the patients' consent to texts in Open Dental.",
    "suppressed_no_phone": "See to the patients' wireless phones in Open Dental.",
    "answered_400": "Is the office still subscribed to Web Sched ASAP?",
}


def _suppressed(office: OfficeFacts) -> Iterator[Notice]:
    """A whole day's offers without one text. It stands until a text goes out: nights and Sundays are no remedy."""
    tried = [offer for offer in office.lately if offer.asapcomm is not None or offer.state is State.REFUSED]
    reasons = {offer.reason or "suppressed_other" for offer in tried}
    texted = any(offer.state not in {State.SUPPRESSED, State.REFUSED} for offer in tried)
    if texted or len(tried) < LEAST_SUPPRESSED or len(reasons) != 1:
        return
    (reason,) = reasons
    rule = RULES.get(reason, RULES["suppressed_other"])
    yield Notice(
        office=office.name,
        code="suppressed",
        about=reason,
        title="Open Dental has sent no text all day",
        message=f"{counted(len(tried), 'offer')} on {tried[0].day:%a %Y-%m-%d}, all held back for the same "
        f"reason: {rule.sentence} {_ADVICE.get(reason, 'See `asapfill history`.')}",
    )
