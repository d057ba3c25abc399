"""``explain``: every rule applied to one candidate or one opening, pass or fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import groupby, takewhile
from typing import Any, Literal

from asapfill.clock import Clock
from asapfill.core.candidates import (
    GROUPS,
    Candidate,
    Check,
    appointment_checks,
    find_candidates,
    first_failure,
    recall_checks,
)
from asapfill.core.fits import Fit, Ground, fits, prepare, refusal
from asapfill.core.limits import may_text_now, rules
from asapfill.core.offer import NewOffer
from asapfill.core.office import Office, operatory_both
from asapfill.core.openings import Opening
from asapfill.core.policy import Policy
from asapfill.core.reasons import RULES, Reason
from asapfill.core.rows import ASAP, Appointment, Recall
from asapfill.cycle.candidates import our_contacts, phone_hashes, read_commlogs, talked_to_lately, without_commlogs
from asapfill.cycle.cycle import plan_cycle
from asapfill.cycle.plan import limits_of, situation_of
from asapfill.cycle.results import ClinicResult
from asapfill.cycle.session import OfficeSession, sessions_to_read
from asapfill.opendental.errors import NotFound
from asapfill.policy.in_force import policies_for
from asapfill.report.documents import opening as opening_document
from asapfill.report.documents import place, wall
from asapfill.settings.settings import Settings
from asapfill.words import counted, place_text, wrapped

SHORTEST_RUN = 5
"""Fewer starts than this are told one by one."""


def explanation_text(document: dict[str, Any]) -> str:
    """The text of an explanation document, at most 80 columns wide."""
    lines = _opening(document) if "id" in document else _candidate(document)
    return "\n".join(line for part in lines for line in (wrapped(part, 26) if len(part) > 80 else [part]))  # noqa: PLR2004


def _candidate(document: dict[str, Any]) -> list[str]:
    kind, number = document["kind"], document["number"]
    minutes = f", {document['minutes']} minutes" if document["minutes"] else ""
    lines = [f"{kind.capitalize()} {number}, patient {document['patient']}{minutes} · {document['office']}", ""]
    for check in document["checks"]:
        if check["passed"]:
            lines += wrapped(f"  pass  {check['sentence']}", 8)
        else:
            sentence = check["sentence"]
            if check["detail"]:
                sentence = f"{sentence.removesuffix('.')} ({check['detail']})."
            lines += wrapped(f"  FAIL  {sentence}", 8)
            lines += wrapped(f"        Rule: {check['source']}.", 8)
    lines += ["", f"Places where the visit fits: {len(document['fits'])}"]
    for (where, day), starts in groupby(document["fits"], key=lambda fit: (place_text(fit), fit["start"][:10])):
        times = _runs([datetime.fromisoformat(fit["start"]) for fit in starts])
        lines += wrapped(f"  {date.fromisoformat(day):%a %m-%d}  {where:<18} {times}", 33)
    lines += _nowhere(document)
    reason = document["reason"]
    if document["asked"]:
        lines += ["", "One cycle now would offer a place."]
    elif reason is not None:
        lines += ["", f"Not asked now: {RULES[reason].sentence}", f"Rule: {RULES[reason].source}."]
    return lines


def _runs(starts: list[datetime]) -> str:
    """Times of one day; where many follow each other at one distance, the first and the last with that distance."""
    parts: list[str] = []
    rest = starts
    while rest:
        step = rest[1] - rest[0] if len(rest) > 1 else timedelta(0)
        even = takewhile(lambda index: rest[index] - rest[index - 1] == step, range(1, len(rest)))  # noqa: B023  used at once
        run = rest[: 1 + len(list(even))]
        if len(run) < SHORTEST_RUN:
            parts.append(f"{rest[0]:%H:%M}")
            rest = rest[1:]
            continue
        parts.append(f"{run[0]:%H:%M} to {run[-1]:%H:%M} every {step // timedelta(minutes=1)} min")
        rest = rest[len(run) :]
    return ", ".join(parts)


def _nowhere(document: dict[str, Any]) -> list[str]:
    """Why a visit fits nowhere."""
    if document["fits"]:
        return []
    if document["minutes"] is None:
        return ["  How long it takes cannot be told, or it is no visit to offer: see above."]
    if not document["openings"]:
        return ["  There is no opening at all now (`asapfill openings` says why)."]
    lines = [f"  What stands against it in the {counted(document['openings'], 'opening')} that there are:"]
    for item in document["nowhere"]:
        lines += wrapped(f"  {item['openings']:>4}  {item['detail']}", 8)
    return lines


def _opening(document: dict[str, Any]) -> list[str]:
    lines = [f"Opening {document['id']} · {document['office']}"]
    opening = document["opening"]
    if opening is not None:
        start = datetime.fromisoformat(opening["start"])
        lines.append(f"{place_text(opening)}, {start:%a %Y-%m-%d %H:%M} to {opening['end'][11:16]}")
    for reason in document["reasons"]:
        lines += ["", f"{reason['detail']}", f"Rule: {reason['source']}."]
    candidates = document.get("candidates", [])
    if candidates:
        lines.append("")
    for candidate in sorted(candidates, key=lambda item: (not item["asked"], not item["starts"], item["number"])):
        who = f"{candidate['kind']} {candidate['number']}"
        what = "would be offered now" if candidate["asked"] else RULES[candidate["reason"]].sentence
        lines.append(f"  {who:<20} {candidate['minutes']:>3} min  {what}")
    return lines


Kind = Literal["appointment", "recall"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What ``explain`` tells about one candidate. ``asked``: whether the plan made now would ask them.

    ``nowhere``: where the visit fits nowhere, in how many openings each rule stands against it, the commonest first.
    """

    kind: Kind
    number: int
    patient: int
    checks: tuple[Check, ...]
    candidate: Candidate | None
    places: tuple[Fit, ...]
    reason: Reason | None
    asked: bool
    nowhere: Mapping[str, int]


def explain_candidate(session: OfficeSession, result: ClinicResult, kind: Kind, number: int) -> Explanation | None:
    """Every rule for one candidate; None when the office has no such appointment or recall.

    ``result``: of a cycle that only looked. Raises OpenDentalError: the office could not be read.
    """
    policy, found = result.policy, result.found
    if policy is None or found is None:
        return None
    row = _row(session, kind, number)
    if row is None:
        return None
    session.mirror.read_patients([row.pat_num])
    office = session.mirror.office()
    wall = session.now(policy.timezone).wall
    checks = (
        appointment_checks(row, office, policy, wall)
        if isinstance(row, Appointment)
        else recall_checks(row, office, policy, wall)
    )
    candidate = _as_candidate(row, office, policy, session)
    ground = prepare(office, policy, found)
    places = tuple(fits(candidate, ground)) if candidate is not None else ()
    checks += _limit_checks(session, policy, candidate, places)
    failed = first_failure(checks)
    line = next((line for line in result.offers if (line.offer.kind, line.offer.number) == (kind, number)), None)
    skipped = next((item.reason for item in result.skipped if (item.kind, item.number) == (kind, number)), None)
    return Explanation(
        kind=kind,
        number=number,
        patient=row.pat_num,
        checks=tuple(checks),
        candidate=candidate,
        places=places,
        reason=None if line is not None else failed or skipped or (None if places else Reason("no_fit")),
        asked=line is not None,
        nowhere=_why_nowhere(candidate, ground) if candidate is not None and not places else {},
    )


def _why_nowhere(candidate: Candidate, ground: Ground) -> dict[str, int]:
    """In how many openings each rule refuses a candidate who fits nowhere, the commonest first."""
    return dict(Counter(_usual_refusal(candidate, opening, ground) for opening in ground.openings).most_common())


def _usual_refusal(candidate: Candidate, opening: Opening, ground: Ground) -> str:
    """The rule that stands against most starts of a candidate in one opening."""
    first, last = opening.span[0], max(opening.span[0], opening.span[1] - len(candidate.pattern))
    codes = (refusal(candidate, opening, start, ground) for start in range(first, last + 1))
    counts = Counter(code for code in codes if code is not None)
    return counts.most_common(1)[0][0] if counts else "no_fit"


def _limit_checks(
    session: OfficeSession, policy: Policy, candidate: Candidate | None, places: Sequence[Fit]
) -> list[Check]:
    """The limits on texting for the first place that fits; none where nothing fits."""
    if candidate is None or not places:
        return []
    now = session.now(policy.timezone)
    limits = limits_of(session, policy, now)
    first = places[0]
    new = NewOffer(
        clinic=policy.clinic,
        kind=candidate.kind,
        number=candidate.number,
        patient=candidate.patient,
        phone=phone_hashes(session).get(candidate.patient, ""),
        operatory=first.opening.operatory,
        provider=first.opening.provider,
        start=first.start,
        end=first.end,
        wave=1,
        opening=first.opening.id,
        made=now.wall,
    )
    contacts = (*our_contacts(session, now), *limits.others)
    if policy.candidates.spoken_to:
        read_commlogs(session, policy, without_commlogs(session, policy, [candidate.patient]))
    told = [
        *rules(new, contacts, policy.texts, now.wall, office_limit=limits.office_limit),
        ("quiet_hours", may_text_now(policy.texts, limits.office_window, new.start, now.moment, policy.timezone)),
        ("spoken_to", talked_to_lately(session, policy, candidate.patient, now)),
    ]
    return [Check(code if reason is None else reason.code, reason) for code, reason in told]


def explanation_document(result: ClinicResult, item: Explanation) -> dict[str, Any]:
    """``explain --json`` for a candidate; ``fits``: every place on the office's time grid."""
    return {
        "office": result.office,
        "clinic": result.clinic,
        "now": result.now.isoformat(timespec="seconds"),
        "kind": item.kind,
        "number": item.number,
        "patient": item.patient,
        "group": item.candidate.group if item.candidate is not None else None,
        "minutes": len(item.candidate.pattern) * 5 if item.candidate is not None else None,
        "asked": item.asked,
        "reason": item.reason.code if item.reason is not None else None,
        "checks": [check_document(check) for check in item.checks],
        "fits": [
            {
                **place(fit.opening.operatory, fit.opening.provider, result.labels),
                "start": wall(fit.start),
                "end": wall(fit.end),
                "opening": fit.opening.id,
            }
            for fit in item.places
        ],
        "nowhere": [
            {"reason": code, "openings": count, "detail": RULES[code].sentence} for code, count in item.nowhere.items()
        ],
        "openings": len(result.openings),
        "requests": result.requests,
    }


def check_document(check: Check) -> dict[str, Any]:
    """One rule, pass or fail."""
    rule = RULES[check.code]
    return {
        "rule": check.code,
        "passed": check.failed is None,
        "detail": check.failed.detail if check.failed is not None else "",
        "sentence": rule.holds if check.failed is None else rule.sentence,
        "source": rule.source,
    }


def explain_opening(session: OfficeSession, result: ClinicResult, opening_id: str) -> dict[str, Any] | None:
    """Every candidate against one opening: where it fits, or which rule stands against it. None: no such opening.

    Time that was left alone is explained by its reason.
    """
    policy, found = result.policy, result.found
    if policy is None or found is None:
        return None
    head = {"office": result.office, "clinic": result.clinic, "now": result.now.isoformat(timespec="seconds")}
    left = [item for item in result.skipped if item.opening == opening_id and item.kind is None]
    chosen = next((opening for opening in found.openings if opening.id == opening_id), None)
    if chosen is None:
        if not left:
            return None
        return {**head, "opening": None, "id": opening_id, "reasons": [_skip(item.reason) for item in left]}
    situation = situation_of(session, policy, found, session.now(policy.timezone))
    asked = {(line.offer.kind, line.offer.number): line.offer.opening for line in result.offers}
    skipped = {(item.kind, item.number): item.reason for item in result.skipped if item.kind is not None}
    return {
        **head,
        "opening": opening_document(chosen, result.labels),
        "id": opening_id,
        "reasons": [_skip(item.reason) for item in left],
        "candidates": [
            _against(candidate, chosen, situation.ground, asked, skipped) for candidate in situation.candidates
        ],
    }


def openings_called(session: OfficeSession, result: ClinicResult, name: str) -> tuple[str, ...]:
    """The ids of the openings of an operatory that a person named instead of an opening; none if there is none."""

    def folded(text: str) -> str:
        return "".join(text.casefold().split())

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
        "starts": [wall(fit.start) for fit in places],
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


def _as_asap(row: Recall, recalls: Iterable[Recall]) -> tuple[Recall, ...]:
    """The patient's recalls with ``row`` on the ASAP list."""
    others = [other for other in recalls if other.recall_num != row.recall_num]
    return *others, row.model_copy(update={"priority": ASAP})


def _as_candidate(
    row: Appointment | Recall, office: Office, policy: Policy, session: OfficeSession
) -> Candidate | None:
    """The row as a candidate for fitting, whoever the patient is: where it could be placed is one thing, asking
    another.
    """
    patient = office.patients.get(row.pat_num)
    willing = {"pat_status": "Patient", "txt_msg_ok": "Yes", "wireless_phone": "0" * 10, "clinic_num": policy.clinic}
    anyone = replace(
        office,
        patients={} if patient is None else {row.pat_num: patient.model_copy(update=willing)},
        lab_cases=(),
        asap=(row.model_copy(update={"priority": ASAP}),) if isinstance(row, Appointment) else (),
        recalls=_as_asap(row, office.recalls) if isinstance(row, Recall) else (),
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
    candidates, _ = find_candidates(anyone, lenient, session.now(policy.timezone).wall)
    number = row.apt_num if isinstance(row, Appointment) else row.recall_num
    return next((candidate for candidate in candidates if candidate.number == number), None)


def explain_one(
    settings: Settings,
    offices: Collection[str],
    clock: Clock,
    *,
    appointment: int | None = None,
    recall: int | None = None,
    opening: str | None = None,
) -> dict[str, Any]:
    """The explanation of one candidate or opening, from the first clinic that has it.

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
            for result in plan_cycle(session, policies.of(session.office)):
                for trouble in result.errors:
                    raise Unserved(trouble.message, configuration=trouble.configuration)
                document = _explain(session, result, appointment, recall, opening)
                if document is not None and "other_clinic" not in str(document.get("reason")):
                    return document
                found = found or document
                instead += openings_called(session, result, opening) if opening is not None else ()
    if found is None:
        raise Unserved(_not_there(appointment, recall, opening, instead), configuration=False)
    return found


def _not_there(appointment: int | None, recall: int | None, opening: str | None, instead: Sequence[str]) -> str:
    """What to say about something that no office has. ``instead``: the openings of the operatory that was named."""
    if opening is None:
        what = f"appointment {appointment}" if appointment is not None else f"recall {recall}"
        return f"No office that asapfill serves has {what}."
    if not instead:
        return f"No office that asapfill serves has opening {opening}. `asapfill openings` lists them with their ids."
    ids = "".join(f"\n  {name}" for name in instead)
    return f"{opening} is an operatory, not an opening. Its openings now:{ids}"


def _explain(
    session: OfficeSession, result: ClinicResult, appointment: int | None, recall: int | None, opening: str | None
) -> dict[str, Any] | None:
    if opening is not None:
        return explain_opening(session, result, opening)
    kind: Kind = "appointment" if appointment is not None else "recall"
    item = explain_candidate(session, result, kind, appointment or recall or 0)
    return None if item is None else explanation_document(result, item)


class Unserved(Exception):  # noqa: N818  a fact about an office, told to a person
    """An office could not be looked at, or lacks what was asked for; the message is for a person."""

    def __init__(self, message: str, *, configuration: bool) -> None:
        self.configuration = configuration
        super().__init__(message)
