"""What ``doctor`` finds out about an office beyond ``readiness``: how it is reached, and how it is set up for offers.

Everything but the speed comes from what ``check_office`` has just read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from asapfill.checks.findings import Finding, Verdict, look, ok
from asapfill.checks.readiness import closing
from asapfill.core.office import Office, operatory_name, sending_window
from asapfill.core.schedule import may_be_allowed, may_work, own_provider, provider_stretch, working_hours
from asapfill.cycle.session import OfficeSession
from asapfill.mirror.names import Names
from asapfill.opendental.errors import OpenDentalError
from asapfill.policy.model import PolicyFile
from asapfill.settings import addresses
from asapfill.settings.addresses import REMOTE_API
from asapfill.settings.settings import OfficeSettings

SLOW = 5.0
"""Seconds. A request that takes longer makes cycles late."""
MOST_NAMED = 12
"""Names in one line; an office with more of the same kind sees how many more."""


def check_connection(session: OfficeSession, office: OfficeSettings) -> Iterator[Finding]:
    """How the office is reached, and how long a small request takes, the wait at its gate included."""
    ways = ", then ".join("remote API" if REMOTE_API in url else "the office's own address" for url in office.urls)
    exposed = [parts.hostname for parts in map(addresses.split, filter(addresses.is_exposed, office.urls)) if parts]
    if exposed:
        yield look(
            "plain http",
            f"Keys and patients' data go unencrypted to {', '.join(map(str, exposed))}, as the settings allow. Put "
            "https:// or a tunnel (VPN) in its place, and take `plain_http` out.",
        )
    elif office.plain_http:
        yield look("plain http", "No address needs `plain_http`: take it out of the settings.")
    try:
        with session.client.purpose("check"):
            session.client.program_version()
            began = session.clock.monotonic()
            session.client.program_version()
            seconds = session.clock.monotonic() - began
    except OpenDentalError:
        return  # said already, under connection
    verdict: Verdict = "ok" if seconds < SLOW else "look"
    yield Finding(verdict, "speed", f"By {ways}: a request takes {seconds * 1000:.0f} ms.")


def check_setup(session: OfficeSession, files: Sequence[PolicyFile]) -> Iterator[Finding]:
    """What the office has set up in a way that leaves time unused or texts unsent."""
    try:
        names = session.mirror.read_names(session.clock.now())
    except OpenDentalError:
        return  # said already, under connection
    for file in files:
        yield from _hours(file, names)
    yield from _texting(names)
    yield from _blockout_types(names, files)
    if files and session.mirror.skew is not None:
        yield from _without_hours(session.mirror.office())


def _hours(file: PolicyFile, names: Names) -> Iterator[Finding]:
    """The policy's hours beside those in which Open Dental sends; hours that never meet are said by ``check``."""
    between, window = file.texts.between, sending_window(names.preferences)
    begins, ends = between.start, closing(between.end)
    wanted = f"{file.source.path.name} texts {begins:%H:%M}-{between.end:%H:%M}"
    if window is None:
        yield ok("hours", f"{wanted}; Open Dental sends at any hour.")
        return
    opens, closes = window[0], closing(window[1])
    sends = f"Open Dental sends {opens:%H:%M}-{window[1]:%H:%M}"
    if opens <= begins and ends <= closes:
        yield ok("hours", f"{wanted}; {sends}.")
    elif begins < closes and opens < ends:
        both = f"{max(begins, opens):%H:%M}-{min(ends, closes):%H:%M}"
        yield look("hours", f"{wanted}, but {sends}: texts go out {both} only.")


def _texting(names: Names) -> Iterator[Finding]:
    """Open Dental: without clinics texting is on when SmsContractDate is set; with clinics each has its own."""
    contract = names.preferences.get("SmsContractDate")
    if not names.clinics and contract is not None and (not contract.strip() or contract.startswith("0001")):
        yield look(
            "texting",
            "Integrated Texting does not seem to be switched on (preference SmsContractDate is empty): texts would be "
            "suppressed. In Open Dental: eServices Setup, Texting.",
        )


def _blockout_types(names: Names, files: Sequence[PolicyFile]) -> Iterator[Finding]:
    """Types without the flag NS, which staff may book over, and of which no policy says anything."""
    named = {
        name.casefold()
        for file in files
        for listed in (file.openings.blockouts_allowed, file.openings.hygiene_only_in, file.openings.recalls_only_in)
        for name in listed
    }
    unnamed = [
        row.item_name.strip()
        for row in names.blockout_types
        if may_be_allowed(row) and row.item_name.strip().casefold() not in named
    ]
    if unnamed:
        yield look(
            "blockout types",
            f"Staff may book over {_listed(unnamed)} (no flag NS); asapfill does not, unless the policy names the type "
            "in `blockouts_allowed`, `hygiene_only_in` or `recalls_only_in`.",
        )
    elif names.blockout_types:
        yield ok("blockout types", "Each has the flag NS or is named in a policy.")


def _without_hours(office: Office) -> Iterator[Finding]:
    """Visible operatories in which nobody works, and providers of operatories who do not, on all the days read."""
    visible = [row for row in office.operatories if not row.is_hidden]
    working = working_hours(office)
    idle = [operatory_name(row) for row in visible if not working.get(row.operatory_num)]
    days = f"{office.first:%b %d} to {office.last:%b %d}"
    if idle:
        yield look("operatories", f"Nobody has hours in {_listed(idle)}, {days}: nothing is free there. Is that so?")
    at_work = {row.prov_num for row in office.schedules if provider_stretch(row) is not None}
    own = {own_provider(row, office) for row in visible}
    away = [
        row.abbr.strip()
        for row in office.providers
        if row.prov_num in own and row.prov_num not in at_work and may_work(row)
    ]
    if away:
        have = "has" if len(away) == 1 else "have"
        yield look("providers", f"{_listed(away)} {have} operatories and no hours, {days}. Is that so?")


def _listed(names: Iterable[str]) -> str:
    """Names in a sentence, not too many."""
    found = list(names)
    more = len(found) - MOST_NAMED
    return ", ".join(found[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
