"""``asapfill demo``: a working day in a simulated office, served by the real thing over real HTTP, in seconds.

The sandbox runs in a process of its own and keeps its own count of what was sent; asapfill's clock and the sandbox's
move together, so the same seed gives the same day. ``asapfill sandbox`` serves such an office with nothing beside it,
with settings and policies to try asapfill on it.
"""

from __future__ import annotations

import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import asapfill
from asapfill.clock import SteppedClock, instant, office_now
from asapfill.core.errors import ConfigurationError, Problem
from asapfill.core.offer import State
from asapfill.cycle.cycle import run_cycle
from asapfill.cycle.results import ClinicResult
from asapfill.cycle.session import sessions_to_send
from asapfill.demo.page import PAGE, write_page
from asapfill.files import require_writable
from asapfill.policy.reading import read_policy
from asapfill.policy_tools.reference import FILE_NAME, SAMPLE, policy_text, quoted_name, schema_text
from asapfill.report.weekly import Records, figures_of, mover_before, records_of
from asapfill.report.weekly_figures import Figures, Period
from asapfill.sandbox.generate.asap import Wishes
from asapfill.sandbox.generate.generator import make_office
from asapfill.sandbox.office.columns import Row
from asapfill.sandbox.office.tables import CUSTOMER_KEY, DEVELOPER_KEY, OfficeFileError, SimulatedOffice
from asapfill.sandbox.wire.process import Sandbox, serve, start
from asapfill.sandbox.wire.server import HOST, SandboxServer
from asapfill.sandbox.wire.world import Options, read_office_file
from asapfill.settings.settings import load_settings


@dataclass(frozen=True, slots=True)
class Summary:
    """What the day came to. ``figures``: those of the weekly report, but with the sandbox's own count of ``texts``.

    ``openings``: each that was found. The weekly report counts less: openings of one stretch of chair time, found one
    after the other, are one opening there. ``sent_twice``: the sandbox's own count.
    """

    seed: int
    figures: Figures
    openings: int
    sent_twice: int
    page: Path
    errors: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """``demo --json``."""
        figures = self.figures
        return {
            "seed": self.seed,
            "openings": self.openings,
            "free_minutes": figures.open_minutes,
            "filled": figures.filled,
            "filled_minutes": figures.filled_minutes,
            "share_recovered": self.share,
            "refilled": figures.refills,
            "offers": figures.offers,
            "texts": figures.texts,
            "texts_per_filled": figures.texts_per_filled,
            "requests": figures.requests,
            "sent_twice": self.sent_twice,
            "page": str(self.page),
            "errors": list(self.errors),
        }

    @property
    def share(self) -> float:
        """Filled minutes of all minutes that were open at some time of the day."""
        figures = self.figures
        return round(figures.filled_minutes / figures.open_minutes, 3) if figures.open_minutes else 0.0


def summary_text(summary: Summary) -> str:
    """The end of the demo, for a terminal."""
    figures = summary.figures
    hours, minutes = divmod(figures.filled_minutes, 60)
    per = f"{figures.texts_per_filled} for each" if figures.filled else "none filled"
    lines = [
        "",
        f"Openings found     {summary.openings:>5}   {figures.open_minutes} minutes of chair time",
        f"Openings filled    {figures.filled:>5}   {hours} h {minutes:02d} min recovered, {summary.share:.0%}",
        f"  of these refills {figures.refills:>5}   of places that a mover left",
        f"Texts sent         {figures.texts:>5}   {per}",
        f"Requests           {figures.requests:>5}",
        f"Anything sent twice{summary.sent_twice:>5}   counted by the simulated office",
        f"Schedule page            {summary.page}",
    ]
    return "\n".join([*lines, *(f"Trouble: {error}" for error in summary.errors)])


DAY = datetime(2026, 4, 14)
TODAY = (DAY.date(), DAY.date())
"""First and last day of the figures."""
OPENS, CLOSES = time(7, 30), time(17, 30)
TICK = timedelta(minutes=5)
OPERATORIES = 7
WISHES = Wishes(per_chair=30, near=0.6)
"""An ASAP list as long as that of an office that keeps it well."""
BOOKED = 0.99
EAGERNESS = 0.3
CALLED_OFF = 4

Say = Callable[[str], None]

KEYS = (DEVELOPER_KEY, CUSTOMER_KEY)

SETTINGS = """\
# Settings for the sandbox that `asapfill sandbox` serves. Its keys are public: there is nobody's data behind them.
policies = "policies"
state = "state"
clock = "http://{host}:{port}/sandbox/clock"   # follow the sandbox's time, which may run fast

[offices.demo]
urls = ["http://{host}:{port}/api/v1"]
developer_key = "file:developer.key"
customer_key = "file:customer.key"
"""


class LinkedClock(SteppedClock):
    """A clock that stands still between our steps and takes the sandbox along with each."""

    def __init__(self, moment: datetime, sandbox: Sandbox) -> None:
        super().__init__(moment)
        self._sandbox = sandbox

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Let time pass here and in the office."""
        if seconds > 0:
            super().sleep(seconds, stop)
            self._sandbox.advance(seconds)


@dataclass(slots=True)
class DayPrinter:
    """Prints what happens, a line each. ``visits``: the office's appointments as the day began, by AptNum."""

    say: Say
    visits: Mapping[int, Mapping[str, Any]]
    openings: set[str] = field(default_factory=set)
    errors: list[str] = field(default_factory=list)
    _printed: set[int] = field(default_factory=set)
    _happened: int = 0

    def called_off(self, happened: list[dict[str, Any]], names: Mapping[int, str]) -> None:
        """Visits that were called off since the last time."""
        for event in happened[self._happened :]:
            words = _CALLED_OFF.get(event["action"])
            visit = self.visits.get(event.get("AptNum", 0))
            if words is None or visit is None or not visit["Op"]:
                continue
            begin = datetime.fromisoformat(str(visit["AptDateTime"]))
            self._line(datetime.fromisoformat(event["at"]), names.get(visit["Op"], ""), begin, words)
        self._happened = len(happened)

    def cycle(self, result: ClinicResult, records: Records, wall: datetime) -> None:
        """What one cycle found, offered and learned."""
        self.openings |= {opening.id for opening in result.openings}
        self.errors += [trouble.message for trouble in result.errors]
        slots = Counter(
            (line.offer.operatory, line.offer.start, line.offer.wave) for line in result.offers if line.state == "sent"
        )
        for (operatory, begin, wave), count in slots.items():
            people = "1 person" if count == 1 else f"{count} people"
            self._line(wall, result.names.get(operatory, ""), begin, f"offered to {people}, wave {wave}")
        for offer in records.offers:
            if offer.state is not State.ACCEPTED or offer.id in self._printed:
                continue
            self._printed.add(offer.id)
            mover = mover_before(offer, records)
            where = f", in the place {mover} left" if mover is not None else ""
            words = f"FILLED by {offer.kind} {offer.number}{where}"
            self._line(wall, result.names.get(offer.operatory, ""), offer.start, words)

    def _line(self, at: datetime, operatory: str, begin: datetime, words: str) -> None:
        self.say(f"{at:%H:%M}  {operatory:<7} {begin:%a %d %H:%M}  {words}")


_CALLED_OFF = {
    "cancel": "called off",
    "delete": "called off",
    "break": "called off, left on the schedule as broken",
}


def run_demo(seed: int, out: Path, say: Say) -> Summary:
    """Run the day of ``seed`` and write its page into ``out``. ``say`` gets a line for each thing that happens.

    Raises:
        OSError: nothing can be written into ``out``; the day has not begun.
    """
    require_writable(out)
    opens = datetime.combine(DAY, OPENS)
    with (
        tempfile.TemporaryDirectory(prefix="asapfill-demo-") as folder,
        start(
            make_office(seed, start=opens, operatories=OPERATORIES, days=20, wishes=WISHES, booked=BOOKED),
            seed=seed,
            page_cap=1000,
            eagerness=EAGERNESS,
            called_off=CALLED_OFF,
        ) as sandbox,
    ):
        before = sandbox.office()
        settings = load_settings(write_settings(Path(folder), sandbox.port), {})
        policy = read_policy(sample_policy())
        clock = LinkedClock(instant(opens, policy.timezone), sandbox)
        say(f"A simulated office, {OPERATORIES} operatories, {opens:%A} {opens:%H:%M}. Seed {seed}.")
        printer = DayPrinter(say, {row["AptNum"]: row for row in before["appointments"]})
        with sessions_to_send(settings, (policy.office,), clock) as sessions:
            session = sessions[0]
            records = Records()
            moment = opens
            while moment <= datetime.combine(DAY, CLOSES):
                clock.set(instant(moment, policy.timezone))
                for result in run_cycle(session, [policy]):
                    records = records_of(session.store, session.office, policy.timezone, *TODAY)
                    printer.called_off(sandbox.log()["happened"], result.names)
                    printer.cycle(result, records, office_now(clock.now(), policy.timezone))
                moment += TICK
        log = sandbox.log()
        summary = Summary(
            seed=seed,
            figures=replace(figures_of(records, Period(*TODAY)), texts=log["texts"]),
            openings=len(printer.openings),
            sent_twice=log["sent_twice"],
            page=out / PAGE,
            errors=tuple(printer.errors),
        )
        write_page(out, before, sandbox.office(), records.offers, summary.document(), DAY.date())
    return summary


def sample_policy(name: str = "sample.yaml") -> Path:
    """The path of a sample policy.

    Raises:
        FileNotFoundError: this installation has none of that name.
    """
    package = Path(asapfill.__file__).parent
    for folder in (package / "samples", package.parent / "policies"):
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"asapfill came without the sample policy {name}; install it again")


def serve_sandbox(options: Options, office_file: Path | None, folder: Path | None, say: Callable[[str], None]) -> None:
    """Serve until stopped. ``folder``: settings, keys and policies for this sandbox are written there.

    Raises:
        ConfigurationError: the office file cannot be used, the port is taken, or the folder cannot be written.
    """

    def announce(server: SandboxServer) -> None:
        say(f"A simulated office listens on http://{HOST}:{server.port}/api/v1")
        office = server.world.office
        say(f"Keys: {' / '.join(keys_of(office))}. What was posted: http://{HOST}:{server.port}/sandbox/log")
        if folder is not None:
            write_settings(folder, server.port, keys_of(office), policies_for(office))
            say(f"Try it:  asapfill --verbose once --config {folder / 'asapfill.toml'}")
        say("Ctrl-C ends it.")

    try:
        serve(options, announce)
    except OfficeFileError as error:
        raise ConfigurationError([Problem(office_file or Path("office"), str(error))]) from None
    except BrokenPipeError:
        raise  # nobody reads what is said
    except OSError as error:
        raise ConfigurationError(
            [
                Problem(
                    folder or Path("sandbox"),
                    f"The sandbox cannot start: {error.strerror or error}.",
                    hint="Is the port taken? --port 0 takes a free one.",
                )
            ]
        ) from None


def options_for(
    *,
    office_file: Path | None,
    operatories: int,
    clinics: int,
    speed: float,
    start: str | None,
    **others: Any,  # noqa: ANN401  fields of Options
) -> Options:
    """The sandbox's options from the command's.

    A generated office starts in the present and keeps real time unless a start or another speed is asked for; an
    office file starts at its own ``now``.

    Raises:
        ConfigurationError: the office file cannot be read.
    """
    try:
        office = None if office_file is None else read_office_file(office_file)
    except OfficeFileError as error:
        raise ConfigurationError([Problem(office_file or Path("office"), str(error))]) from None
    mode = "system" if start is None and speed == 1 and office is None else "speed"
    operatories = max(operatories, clinics)  # each clinic has one at least
    return Options(office, operatories=operatories, clinics=clinics, start=start, mode=mode, speed=speed, **others)


def policies_for(office: SimulatedOffice) -> dict[str, str]:
    """The sample policy as an office needs it, by file name: one for each clinic, where it uses clinics."""
    values = {**SAMPLE.values, "timezone": office.timezone.key}
    if not office.clinics_on:
        return {"demo.yaml": policy_text(replace(SAMPLE, values=values))}
    return {
        f"demo-{number}.yaml": policy_text(replace(SAMPLE, values={**values, "clinic": quoted_name(_name(clinic))}))
        for number, clinic in office.clinics.items()
        if not clinic["IsHidden"]
    }


def _name(clinic: Row) -> str:
    return str(clinic["Description"] or clinic["Abbr"] or clinic["ClinicNum"])


def keys_of(office: SimulatedOffice) -> tuple[str, str]:
    """The developer key and the customer key of an office; the sandbox's own for one that takes none."""
    return office.keys[0] if office.keys else KEYS


def write_settings(
    folder: Path, port: int, keys: tuple[str, str] = KEYS, policies: Mapping[str, str] | None = None
) -> Path:
    """Settings, keys and policies (the sample) for a sandbox on ``port``; a policy that exists is left as it is."""
    (folder / "policies").mkdir(parents=True, exist_ok=True)
    (folder / "asapfill.toml").write_text(SETTINGS.format(host=HOST, port=port), encoding="utf-8")
    for name, key in zip(("developer.key", "customer.key"), keys, strict=True):
        (folder / name).write_text(key + "\n", encoding="utf-8")
        (folder / name).chmod(0o600)
    # The schema lies beside the policies for editors that complete and check what is typed.
    texts = {**(policies or {"demo.yaml": policy_text(SAMPLE)}), FILE_NAME: schema_text()}
    for name, text in texts.items():
        target = folder / "policies" / name
        if not target.exists():
            target.write_text(text, encoding="utf-8")
    return folder / "asapfill.toml"
