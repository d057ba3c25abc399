"""Every reason to leave something alone: a stable code, a sentence for the front desk, and the source of the rule.

The codes appear in ``plan --json``, ``explain``, ``history`` and the logs; they change only by addition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """What a reason code means to a receptionist, and where the rule comes from.

    ``holds``: the sentence for when the rule stands nothing in the way, where ``explain`` walks through it.
    ``of_opening``: the sentence about an opening, where that about a visit would not do.
    """

    sentence: str
    source: str
    holds: str = ""
    of_opening: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why not. ``detail`` holds numbers, times and codes only, never a person's name."""

    code: str
    detail: str = ""

    @property
    def sentence(self) -> str:
        """The sentence a receptionist understands, with the detail behind it."""
        return self._with_detail(RULES[self.code].sentence)

    @property
    def of_opening(self) -> str:
        """The same about an opening."""
        return self._with_detail(RULES[self.code].of_opening or RULES[self.code].sentence)

    def _with_detail(self, text: str) -> str:
        return f"{text.removesuffix('.')} ({self.detail})." if self.detail else text


RULES: dict[str, Rule] = {
    # Free time that is left alone
    "blockout": Rule(
        "A blockout lies here.", "policy openings.blockouts_allowed; Open Dental: NS blockouts forbid scheduling"
    ),
    "no_provider": Rule("No provider is scheduled here.", "Open Dental: provider schedules decide who works where"),
    "closed": Rule(
        "The practice has an entry for this day and no provider works: taken as a holiday.",
        "Open Dental's API does not tell holidays from notes",
    ),
    "too_short": Rule("The free time is shorter than the policy's shortest opening.", "policy openings.shortest"),
    "too_soon": Rule("It starts sooner than the policy's notice.", "policy openings.notice"),
    "settling": Rule("It became free only just now; the front desk may be rearranging.", "policy openings.settle"),
    "excluded_operatory": Rule(
        "The policy leaves this operatory out.", "policy openings.operatories, except_operatories"
    ),
    "excluded_provider": Rule("The policy leaves this provider out.", "policy openings.except_providers"),
    "hidden_operatory": Rule("The operatory is hidden.", "Open Dental: hidden operatories are not on the schedule"),
    "prospective_operatory": Rule(
        "The operatory is kept for prospective patients.", "Open Dental: patients placed there become prospective"
    ),
    "unreadable_row": Rule(
        "Something on the schedule here cannot be understood, so its place counts as taken.", "safe assumption"
    ),
    "two_providers": Rule(
        "Another provider would be assigned at this time.", "Open Dental: the operatory's schedule assigns the provider"
    ),
    # Candidates that are not asked
    "not_included": Rule(
        "The policy does not ask this kind of candidate.",
        "policy candidates.include",
        holds="The policy asks this kind of candidate.",
    ),
    "excluded_patient": Rule(
        "The policy leaves this patient out.",
        "policy candidates.except_patients",
        holds="The policy does not leave this patient out.",
    ),
    "wrong_status": Rule(
        "Its status cannot be offered a new time.",
        "Open Dental: Scheduled, UnschedList, Broken and Planned only",
        holds="Its status can be offered a new time.",
    ),
    "not_asap": Rule(
        "It is not on the ASAP list any more.", "Open Dental: Priority must be ASAP", holds="It is on the ASAP list."
    ),
    "other_clinic": Rule(
        "It belongs to another clinic.", "the policy is for one clinic", holds="It belongs to this clinic."
    ),
    "past_appointment": Rule(
        "The scheduled time is already past.",
        "Open Dental lists past ASAP appointments too",
        holds="Its scheduled time is not past.",
    ),
    "patient_status": Rule(
        "The patient's status is not Patient.",
        "Open Dental does not exclude these itself",
        holds="The patient's status is Patient.",
    ),
    "no_text_consent": Rule(
        "The patient does not take text messages.", "Open Dental: TxtMsgOk", holds="The patient takes text messages."
    ),
    "no_wireless_phone": Rule(
        "The patient has no valid wireless phone. The front desk can enter one: Edit Patient, Wireless Phone.",
        "Open Dental: only WirelessPhone is texted; 10 digits, or 11 with a leading 1",
        holds="The patient has a valid wireless phone.",
    ),
    "under_18": Rule(
        "The patient is under 18 or has no birthdate.",
        "policy candidates.under_18",
        holds="The patient's age is no obstacle.",
    ),
    "asked_to_stop": Rule("The patient asked not to be contacted about this.", "Open Dental: DeclinedStopComm"),
    "spoken_to": Rule(
        "The office has talked to the patient lately.",
        "policy candidates.spoken_to; commlogs",
        holds="The office has not just talked to the patient.",
    ),
    "resting": Rule(
        "The patient declined an offer lately.",
        "policy texts.rest_after_decline",
        holds="The patient did not decline lately.",
    ),
    "no_text_lately": Rule(
        "Open Dental made an offer lately but sent no text.",
        "Open Dental's answer to that offer; docs/how-it-works.md",
        holds="Open Dental did not hold back a text lately.",
    ),
    "recall_disabled": Rule(
        "The recall is disabled.",
        "Open Dental: IsDisabled, DisableUntilDate, DisableUntilBalance",
        holds="The recall is not disabled.",
    ),
    "recall_scheduled": Rule(
        "The recall already has an appointment.",
        "Open Dental: DateScheduled",
        holds="The recall has no appointment yet.",
    ),
    "recall_not_due": Rule(
        "The recall is not due by the offered day.", "Open Dental: DateDue", holds="The recall is due in time."
    ),
    "no_length": Rule(
        "The length of the visit is not known.",
        "Open Dental: an empty recall pattern has no agreed length",
        holds="The length of the visit is known.",
    ),
    "lab_case": Rule("Its lab case is not back.", "Open Dental: labcases", holds="No lab case is out."),
    "unreadable_candidate": Rule(
        "What Open Dental sends about it cannot be understood, so it is left alone.",
        "safe assumption",
        holds="What Open Dental sends about it is understood.",
    ),
    "unreadable_patient": Rule(
        "What Open Dental sends about the patient cannot be understood, so nobody is texted.",
        "safe assumption",
        holds="What Open Dental sends about the patient is understood.",
    ),
    "already_booked": Rule(
        "The planned appointment is already scheduled.",
        "Open Dental: NextAptNum",
        holds="It is not scheduled from a planned appointment already.",
    ),
    "too_old": Rule(
        "This version of Open Dental cannot offer recalls.",
        "Open Dental 25.2.9 added recallNum",
        holds="This version of Open Dental can offer it.",
    ),
    # Fits that fail
    "length": Rule("The visit is longer than the free time.", "pattern length"),
    "other_provider": Rule("It is another provider's time.", "policy candidates.same_provider"),
    "wrong_chair": Rule(
        "Hygiene visits go into hygiene chairs, other visits into the others.", "policy openings.hygiene_chairs"
    ),
    "provider_busy": Rule(
        "The provider is with another patient then.", "Open Dental: provider (X) time of two visits must not overlap"
    ),
    "appointment_type": Rule(
        "Its appointment type does not permit the blockout here.",
        "Open Dental: appointment types list permitted blockout types",
    ),
    "block_scheduling": Rule(
        "The policy keeps such visits inside certain blockouts, or keeps this blockout for others.",
        "policy openings.hygiene_only_in, recalls_only_in",
    ),
    "gain": Rule("It would not come early enough to be worth a move.", "policy candidates.gain"),
    "own_place": Rule(
        "It overlaps the visit's own present place.", "Open Dental counts the offered appointment itself as a collision"
    ),
    "own_other_appointment": Rule("The patient has another appointment then.", "a patient can be in one place only"),
    "no_fit": Rule(
        "It fits nowhere in the openings.",
        "all rules of fitting",
        of_opening="Nobody who may be asked fits here.",
    ),
    # Limits on texting
    "live_offer": Rule(
        "The patient has an open offer already.",
        "one live offer per patient",
        holds="Nobody with this phone has an open offer.",
    ),
    "phone_live_offer": Rule("Somebody with the same phone has an open offer already.", "one live offer per phone"),
    "already_offered": Rule(
        "The same time was offered before.", "nothing is sent twice", holds="This time was not offered before."
    ),
    "per_patient_per_day": Rule(
        "The patient has had the day's texts.", "policy texts.per_patient_per_day; 47 CFR 64.1200"
    ),
    "per_patient_per_week": Rule(
        "The patient has had the week's texts.",
        "policy texts.per_patient_per_week; 47 CFR 64.1200",
        holds="The day's and the week's texts are not used up.",
    ),
    "per_opening": Rule(
        "Enough people were asked for this opening.",
        "policy texts.per_opening",
        holds="Not enough people were asked for this opening yet.",
    ),
    "quiet_hours": Rule(
        "Texts are not sent at this hour or on this day.",
        "policy texts.between, texts.days; the office's own sending window",
        holds="Texts may go out at this hour.",
    ),
    "waiting_for_answers": Rule(
        "The people asked so far still have time to answer.", "policy texts.wait, texts.wave; docs/waves.md"
    ),
    "unknown_offer": Rule(
        "An earlier offer has no clear answer yet.",
        "nothing is sent until it is settled",
        holds="No earlier offer is unclear.",
    ),
    "second_witness": Rule(
        "Open Dental's own search does not find this time free, so nothing is sent.",
        "Open Dental: GET /appointments/Slots, where it is meaningful",
    ),
    "asked_elsewhere": Rule("The plan asks the patient about another time.", "one offer at a time for each patient"),
    "nobody_to_ask": Rule("Nobody who fits may be asked now.", "the limits on texting, person by person"),
    "not_needed": Rule("Others come first for this opening.", "policy order, texts.wave"),
    "too_late_to_text": Rule(
        "A text now would come less than an hour before the time.",
        "Open Dental sends none later than 30 minutes before; twice that for safety",
    ),
    # What became of the sending
    "not_sent": Rule("The request did not reach the office; nothing was sent.", "no connection"),
    "throttled": Rule("The office was asked too often; nothing was sent.", "Open Dental: one request a second"),
    "wrong_key": Rule("The office does not accept the key; nothing was sent.", "Open Dental: 401"),
    "missing_permission": Rule(
        "The key may not send ASAP texts; nothing was sent.", "Open Dental: permission TextingASAP"
    ),
    "no_such_method": Rule(
        "This version of Open Dental cannot be asked to send ASAP texts.", "Open Dental 23.3.3 added AsapComms"
    ),
    "answered_400": Rule(
        "Open Dental refused the offer.", "Open Dental: not ASAP any more, an overlap, or not subscribed"
    ),
    "answered_404": Rule("Open Dental does not find the appointment, recall or operatory.", "Open Dental: 404"),
    "answered_no": Rule("The office answered no.", "any other refusal"),
    "no_answer": Rule("No clear answer came; it is being found out.", "a POST is never repeated blindly"),
    "odd_answer": Rule("The answer does not fit the offer; it is being found out.", "a POST is never repeated blindly"),
    "interrupted": Rule(
        "asapfill ended in the middle of sending; it is being found out.", "intent first, then the POST"
    ),
    "clock_set_back": Rule(
        "Our clock was set back meanwhile, so the time to find it out begins anew.", "reconciling unknown offers"
    ),
    "found_at_office": Rule("The offer was found at the office.", "reconciling unknown offers"),
    "not_at_office": Rule(
        "Two readings a minute apart did not find it at the office: it was not sent.", "reconciling unknown offers"
    ),
    "settled_by_person": Rule("A person looked and settled it.", "asapfill state settle"),
    "unsettled": Rule(
        "It could not be found out within a day: look in Open Dental, then say so with `asapfill state settle`.",
        "reconciling unknown offers",
    ),
    "suppressed_stop": Rule(
        "The patient asked not to be contacted about this.", "Open Dental's answer: DeclinedStopComm"
    ),
    "suppressed_daily_limit": Rule(
        "The patient has had the day's texts.", "Open Dental's answer: WebSchedAsapTextLimit"
    ),
    "suppressed_too_late": Rule("It is too late for a text before the time.", "Open Dental's answer: 30 minutes"),
    "suppressed_not_preferred": Rule(
        "The patient prefers another way of contact.", "Open Dental's answer: PreferContactMethod"
    ),
    "suppressed_no_texting": Rule("Texting is not enabled for this clinic.", "Open Dental's answer"),
    "suppressed_no_phone": Rule("The patient has no valid wireless phone.", "Open Dental's answer"),
    "suppressed_opted_out": Rule("The patient does not take text messages.", "Open Dental's answer"),
    "suppressed_slot_taken": Rule("The time was taken before the text went out.", "Open Dental's answer"),
    "suppressed_other": Rule("Open Dental made the offer but sends no text.", "Open Dental's answer"),
    # How an offer ended
    "no_answer_in_time": Rule("The time came without an answer.", "the slot's start is past"),
    "no_answer_for_a_day": Rule(
        "Nobody answered for a day; the patient may be asked about another time.", "one live offer per patient, waves"
    ),
    "filled_by_another": Rule("Somebody else has the time.", "an appointment lies there now"),
    "no_longer_wanted": Rule(
        "It makes no sense any more.", "the opening or the candidate changed before a person answered"
    ),
    # The look just before sending
    "slow_look": Rule(
        "The office answered so slowly that what was seen may be out of date.", "the last look before sending"
    ),
    "changed": Rule("Something changed since the plan was made.", "the last look before sending"),
    "paused": Rule("Sending is paused.", "asapfill pause"),
    "stopping": Rule("asapfill is being stopped.", "between two offers, never in the middle of one"),
    "policy_changed": Rule("The policy was changed since the plan was made.", "the policy in force decides"),
    "preview": Rule("The policy only previews.", "policy mode"),
    "clock_off": Rule(
        "The office's clock and ours differ by more than 5 minutes.", "usually a wrong timezone in the policy"
    ),
}


def because(counts: Mapping[str, int]) -> str:
    """Why several people are not asked, for the front desk: ``2 because the patient declined an offer lately, 1 …``.

    Without the number where the same holds for all of them.
    """
    told = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if len(told) == 1:
        return f"because {_inside(RULES[told[0][0]].sentence)}"
    return ", ".join(f"{count} because {_inside(RULES[code].sentence)}" for code, count in told)


def _inside(sentence: str) -> str:
    """A sentence as a part of another."""
    return sentence[0].lower() + sentence[1:].rstrip(".")
