"""``explain``: every rule applied to one candidate or one opening, pass or fail, as a JSON document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from asapfill.clock import Clock, Now
from asapfill.core.candidates import (
    GROUPS,
    Candidate,
    Check,
    appointment_checks,
    find_candidates,
    first_failure,
    recall_checks,
)
from asapfill.core.draft import Situation, new_offer, slots_already_offered
from asapfill.core.errors import AsapfillError, ConfigurationError
from asapfill.core.fits import Fit, Ground, fits, prepare, refusal
from asapfill.core.limits import may_text_now, rules
from asapfill.core.offer import Kind
from asapfill.core.office import Labels, Office, folded, operatory_both
from asapfill.core.openings import Opening
from asapfill.core.policy import Policy
from asapfill.core.reasons import RULES, Reason
from asapfill.core.rows import ASAP, Appointment, Recall
from asapfill.core.units import moment_of
from asapfill.core.waves import next_wave
from asapfill.cycle.candidates import our_contacts, phone_hashes, read_commlogs, talked_to_lately, without_commlogs
from asapfill.cycle.cycle import plan_cycle
from asapfill.cycle.plan import PlanTime, limits_of, situation_of
from asapfill.cycle.results import ClinicResult
from asapfill.cycle.session import OfficeSession, sessions_to_read
from asapfill.opendental.errors import NotFound
from asapfill.policy.for_commands import policies_for
from asapfill.report.documents import iso, opening_document, place
from asapfill.settings.settings import Settings

MINUTE: Final = timedelta(minutes=1)
Subject = tuple[Kind, int] | str
"""What is explained: an appointment or a recall by its number, or an opening by its id."""


def explain_one(
    settings: Settings, offices: Collection[str], clock: Clock, subject: Subject, *, at: PlanTime | None = None
) -> dict[str, Any]:
    """The explanation of one candidate or opening, from the first clinic that has it. ``at``: as if it were then.

    Raises:
        ConfigurationError: no policy is for any of these offices, or its names are wrong.
        OpenDentalError: the office could not be read.
        Unserved: none of them has it; the message says what there is.
    """
    policies = policies_for(settings, offices, clock)
    served = {file.office for file in policies.files}.intersection(offices)
    found: dict[str, Any] | None = None
    instead: tuple[str, ...] = ()
    with sessions_to_read(settings, served, clock) as sessions:
        for session in sessions:
            for result in plan_cycle(session, policies.of(session.office), at=at):
                for trouble in result.errors:
                    raise Unserved(trouble.message, configuration=trouble.configuration)
                if isinstance(subject, str):
                    document = _explain_opening(session, result, subject)
                    instead += _openings_called(session, result, subject)
                else:
                    document = _explain_candidate(session, result, *subject)
                if document is not None and "other_clinic" not in str(document.get("reason")):
                    return document
                found = found or document
    if found is None:
        raise Unserved(_not_there(subject, instead), configuration=False)
    return found


def _not_there(subject: Subject, instead: Sequence[str]) -> str:
    """What to say about something that no office has. ``instead``: the openings of the operatory that was named."""
    if not isinstance(subject, str):
        return f"No office that asapfill serves has {subject[0]} {subject[1]}."
    if not instead:
        return f"No office that asapfill serves has opening {subject}. `asapfill openings` lists them with their ids."
    ids = "".join(f"\n  {name}" for name in instead)
    return f"{subject} is an operatory, not an opening. Its openings now:{ids}"


def _explain_candidate(session: OfficeSession, result: ClinicResult, kind: Kind, number: int) -> dict[str, Any] | None:
    """Every rule for one candidate; None when the office has no such appointment or recall.

    ``result``: of a cycle that only looked. In the document: ``asked``: whether the plan made now would ask them;
    ``fits``: every place on the office's time grid; ``nowhere``: where the visit fits nowhere, in how many openings
    each rule stands against it, the commonest first.

    Raises:
        OpenDentalError: the office could not be read.
    """
    policy, found = result.policy, result.found
    if policy is None or found is None:
        return None
    row = _row(session, kind, number)
    if row is None:
        return None
    session.mirror.read_patients([row.pat_num])
    office = session.mirror.office()
    now = _moment(session, result, policy)
    wall_now = now.wall
    checks = (
        appointment_checks(row, office, policy, wall_now)
        if isinstance(row, Appointment)
        else recall_checks(row, office, policy, wall_now)
    )
    candidate = _as_candidate(row, office, policy, wall_now)
    ground = prepare(office, policy, found)
    places = tuple(fits(candidate, ground)) if candidate is not None else ()
    checks += _limit_checks(session, policy, candidate, places, now)
    lines = [line for line in result.offers if (line.offer.kind, line.offer.number) == (kind, number)]
    asked = bool(lines)
    skipped = next((item.reason for item in result.skipped if (item.kind, item.number) == (kind, number)), None)
    reason = None if asked else first_failure(checks) or skipped or (None if places else Reason("no_fit"))
    against = Counter(
        _usual_refusal(candidate, opening, ground)
        for opening in ground.openings
        if candidate is not None and not places
    )
    return {
        **_head(result),
        "kind": kind,
        "number": number,
        "patient": row.pat_num,
        "group": candidate.group if candidate is not None else None,
        "minutes": len(candidate.pattern) * 5 if candidate is not None else None,
        "asked": asked,
        "place": place(lines[0].offer, result.labels) if lines else None,
        "reason": reason.code if reason is not None else None,
        "checks": [_check(check) for check in checks],
        "fits": [_fit(fit, result.labels) for fit in places],
        "nowhere": [
            {"reason": code, "openings": count, "detail": RULES[code].sentence} for code, count in against.most_common()
        ],
        "openings": len(result.openings),
        "requests": result.requests,
    }


def _usual_refusal(candidate: Candidate, opening: Opening, ground: Ground) -> str:
    """The rule that stands against most starts of a candidate in one opening."""
    first, last = opening.span[0], max(opening.span[0], opening.span[1] - len(candidate.pattern))
    codes = (refusal(candidate, opening, start, ground) for start in range(first, last + 1))
    counts = Counter(code for code in codes if code is not None)
    return counts.most_common(1)[0][0] if counts else "no_fit"


def _limit_checks(
    session: OfficeSession, policy: Policy, candidate: Candidate | None, places: Sequence[Fit], now: Now
) -> list[Check]:
    """The limits on texting for the first place that fits; none where nothing fits."""
    if candidate is None or not places:
        return []
    limits = limits_of(session, policy, now)
    phone = phone_hashes(session).get(candidate.patient, "")
    new = new_offer(candidate, places[0], clinic=policy.clinic, phone=phone, wave=1, made=now.wall)
    contacts = (*our_contacts(session, now), *limits.others)
    if policy.candidates.spoken_to:
        read_commlogs(session, policy, without_commlogs(session, policy, [candidate.patient]))
    told = [
        *rules(new, contacts, policy.texts, now.wall, office_limit=limits.office_limit),
        ("quiet_hours", may_text_now(policy.texts, limits.office_window, new.start, now.moment, policy.timezone)),
        ("spoken_to", talked_to_lately(session, policy, candidate.patient, now)),
    ]
    return [Check(code if reason is None else reason.code, reason) for code, reason in told]


def _head(result: ClinicResult) -> dict[str, Any]:
    return {
        "office": result.office,
        "clinic": result.clinic,
        "now": iso(result.now),
        "as_if": result.as_if,
        "paused": result.paused,
    }


def _moment(session: OfficeSession, result: ClinicResult, policy: Policy) -> Now:
    """The moment for which it is explained."""
    return Now.at(result.now, policy.timezone) if result.as_if else session.now(policy.timezone)


def _fit(fit: Fit, labels: Labels) -> dict[str, Any]:
    return {**place(fit.opening, labels), "start": iso(fit.start), "end": iso(fit.end), "opening": fit.opening.id}


def _check(check: Check) -> dict[str, Any]:
    rule = RULES[check.code]
    return {
        "rule": check.code,
        "passed": check.failed is None,
        "detail": check.failed.detail if check.failed is not None else "",
        "sentence": rule.holds if check.failed is None else rule.sentence,
        "source": rule.source,
    }


def _explain_opening(session: OfficeSession, result: ClinicResult, opening_id: str) -> dict[str, Any] | None:
    """Every candidate against one opening: where it fits, or which rule stands against it. None: no such opening.

    Time that was left alone is explained by its reason.
    """
    policy, found = result.policy, result.found
    if policy is None or found is None:
        return None
    left = [item for item in result.skipped if item.opening == opening_id and item.kind is None]
    chosen = next((opening for opening in found.openings if opening.id == opening_id), None)
    if chosen is None:
        if not left:
            return None
        return {**_head(result), "opening": None, "id": opening_id, "reasons": [_skip(item.reason) for item in left]}
    situation = situation_of(session, policy, found, _moment(session, result, policy))
    asked = {(line.offer.kind, line.offer.number): line.offer.opening for line in result.offers}
    skipped = {(item.kind, item.number): item.reason for item in result.skipped if item.kind is not None}
    return {
        **_head(result),
        "opening": opening_document(chosen, result.labels),
        "id": opening_id,
        "reasons": [_skip(item.reason) for item in left],
        "asking": [*_asking(chosen, situation)],
        "candidates": [
            _against(candidate, chosen, situation.ground, asked, skipped) for candidate in situation.candidates
        ],
    }


def _asking(opening: Opening, situation: Situation) -> Iterator[dict[str, Any]]:
    """The places of an opening that people were asked about, and what decides when the next ones are; where nobody was,
    its beginning. See docs/waves.md.
    """
    policy, now = situation.policy, situation.office_now
    slots = slots_already_offered(opening, situation.contacts)
    places = [(moment_of(slot.start), slot.live) for slot in slots] or [(opening.start, ())]
    for start, live in places:
        wave = next_wave(start, live, policy.texts, situation.chances, now, notice=policy.openings.notice)
        yield {
            "start": iso(start),
            "open_offers": len(live),
            "chance_of_one": round(wave.yes, 3),
            "chance_on_its_way": round(wave.on_its_way, 3),
            "needed": round(wave.needed, 1),
            "texting_minutes_left": round(wave.left / MINUTE),
            "pause_minutes": round(wave.pause / MINUTE),
            "next_in_minutes": round(wave.again / MINUTE),
            "next": wave.size,
        }


def _openings_called(session: OfficeSession, result: ClinicResult, name: str) -> tuple[str, ...]:
    """The ids of the openings of an operatory that a person named instead of an opening; none if there is none."""
    numbers = {
        row.operatory_num
        for row in (session.mirror.office().operatories if result.found is not None else ())
        if folded(name) in map(folded, (row.op_name, row.abbrev, operatory_both(row), f"op{row.operatory_num}"))
    }
    return tuple(opening.id for opening in result.openings if opening.operatory in numbers)


def _against(
    candidate: Candidate,
    opening: Opening,
    ground: Ground,
    asked: Mapping[tuple[Kind, int], str],
    skipped: Mapping[tuple[Any, Any], Reason],
) -> dict[str, Any]:
    """One candidate against one opening. ``asked``: the opening for which the plan asks somebody."""
    key = (candidate.kind, candidate.number)
    places = [fit for fit in fits(candidate, ground) if fit.opening.id == opening.id]
    if not places:
        reason: str | None = _usual_refusal(candidate, opening, ground)
    elif key in asked:
        reason = None if asked[key] == opening.id else "asked_elsewhere"
    else:
        reason = skipped.get(key, Reason("not_needed")).code
    return {
        "kind": candidate.kind,
        "number": candidate.number,
        "minutes": 5 * len(candidate.pattern),
        "starts": [iso(fit.start) for fit in places],
        "asked": reason is None,
        "reason": reason,
    }


def _skip(reason: Reason) -> dict[str, str]:
    return {"reason": reason.code, "detail": reason.of_opening, "source": RULES[reason.code].source}


def _row(session: OfficeSession, kind: Kind, number: int) -> Appointment | Recall | None:
    """The row itself, on the ASAP list or not."""
    office = session.mirror.office()
    if kind == "recall":
        known = next((recall for recall in office.recalls if recall.recall_num == number), None)
        return known or next((recall for recall in session.client.recalls().rows if recall.recall_num == number), None)
    listed: Iterable[Appointment] = (*office.asap, *office.appointments)
    known_appointment = next((row for row in listed if row.apt_num == number), None)
    if known_appointment is not None:
        return known_appointment
    try:
        return session.client.appointment(number)
    except NotFound:
        return None


_ANY_PHONE: Final = "2015550123"
"""One that can be dialled, of those set aside for fiction; only looked at, never texted."""


def _as_candidate(row: Appointment | Recall, office: Office, policy: Policy, wall_now: datetime) -> Candidate | None:
    """The row as a candidate for fitting, whoever the patient is: where it could be placed is one thing, asking
    another.
    """
    patient = office.patients.get(row.pat_num)
    willing = {"pat_status": "Patient", "txt_msg_ok": "Yes", "wireless_phone": _ANY_PHONE, "clinic_num": policy.clinic}
    recalls: tuple[Recall, ...] = ()
    if isinstance(row, Recall):
        others = (other for other in office.recalls if other.recall_num != row.recall_num)
        recalls = (*others, row.model_copy(update={"priority": ASAP}))
    anyone = replace(
        office,
        patients={} if patient is None else {row.pat_num: patient.model_copy(update=willing)},
        lab_cases=(),
        asap=(row.model_copy(update={"priority": ASAP}),) if isinstance(row, Appointment) else (),
        recalls=recalls,
    )
    if isinstance(row, Appointment) and row.apt_status not in GROUPS:
        return None
    lenient = replace(
        policy,
        candidates=replace(
            policy.candidates,
            include=frozenset({"unscheduled", "planned", "broken", "scheduled", "recalls"}),
            except_patients=frozenset(),
            under_18="text",
        ),
    )
    candidates, _ = find_candidates(anyone, lenient, wall_now)
    number = row.apt_num if isinstance(row, Appointment) else row.recall_num
    return next((candidate for candidate in candidates if candidate.number == number), None)


class Unserved(AsapfillError):  # noqa: N818  a fact about an office, told to a person
    """An office could not be looked at, or lacks what was asked for; the message is for a person.

    Exit code 78 when the ``configuration`` keeps the office from being served, else 1.
    """

    def __init__(self, message: str, *, configuration: bool) -> None:
        super().__init__(message)
        if configuration:
            self.exit_code = ConfigurationError.exit_code
