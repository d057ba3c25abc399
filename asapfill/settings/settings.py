"""``asapfill.toml``: how the IT person says to reach Open Dental, and where policies and state lie.

Here: finding the file, reading it, telling every mistake at once. How a secret is fetched is in ``secret``.
Not here: what may be sent (``policy``), and whether an office answers (``opendental``).

Values of this file are never shown in a message: a key pasted in the wrong place must not end up in a log.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from asapfill.core.errors import ConfigurationError, Problem
from asapfill.settings import addresses
from asapfill.settings.secret import PREFIXES, Secret
from asapfill.settings.webhooks import KEYS as EVENT_KEYS
from asapfill.settings.webhooks import EventSettings, read_events

SYSTEM_SETTINGS = Path("/etc/asapfill/asapfill.toml")
LARGEST_FILE = 1024 * 1024
"""Bytes. A thousand offices fit; a file beyond this is not a settings file."""

REMOTE_API = "api.opendental.com"
SHORTEST_REMOTE_INTERVAL = 0.5
"""Seconds. Open Dental: one request per second, per half second with the Enterprise permission."""
LONGEST_INTERVAL = 60
"""Seconds."""
SMALLEST_BUDGET = 12
"""Requests a minute: with fewer, the look before a text takes so long that it says nothing any more."""

OFFICE_KEYS = (
    "urls",
    "developer_key",
    "customer_key",
    "seconds_between_requests",
    "ping",
    "plain_http",
    "events",
    "workstation",
    "requests_per_minute",
    "notify",
)
TOP_KEYS = ("policies", "state", "offices", "clock", "metrics", "events", "notify")
NOTIFY_KEYS = ("urls",)
EXAMPLE = """\
      [offices.main-street]
      urls = ["http://10.0.0.5:30223/api/v1", "https://api.opendental.com/api/v1"]
      developer_key = "env:ASAPFILL_DEVELOPER_KEY"
      customer_key = "credential:main-street\""""

Location = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfficeSettings:
    """How to reach one office. ``urls`` are tried in this order and have no slash at the end.

    ``seconds_between_requests`` None: the client's own pace, by kind of address. ``ping``: the address of a watcher
    that is told of each cycle (see ``daemon.pings``), or None. ``plain_http``: addresses outside the local network may
    be asked unencrypted. ``events`` False: this office sends none, though the settings say where to. ``workstation``:
    the computer that is to send them; empty: any that runs Open Dental.
    """

    name: str
    urls: tuple[str, ...]
    developer_key: Secret
    customer_key: Secret
    seconds_between_requests: float | None = None
    ping: str | None = field(default=None, repr=False)
    events: bool = True
    workstation: str = ""
    plain_http: bool = False
    requests_per_minute: int | None = None
    notify: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """A settings file that is right. ``policies`` and ``state`` are folders, made absolute.

    ``clock``: the address of a sandbox's simulated clock that is to be followed, or None for the machine's own.
    ``metrics``: the file for Prometheus that is written after each cycle, absolute, or None.
    ``events``: where Open Dental's events arrive, or None: offices are asked every minute and nothing else.
    ``notify``: addresses for apprise that are told what needs a person (see ``notices``); an office can have its own.
    """

    path: Path
    policies: Path
    state: Path
    offices: Mapping[str, OfficeSettings]
    clock: str | None = None
    metrics: Path | None = None
    events: EventSettings | None = None
    notify: tuple[Secret, ...] = ()


def find_settings(explicit: Path | None, environ: Mapping[str, str], cwd: Path) -> Path:
    """The settings file to use: ``explicit``, else $ASAPFILL_CONFIG, else ./asapfill.toml, else the system's.

    A file that was asked for is returned whether it exists or not: another one must not take its place.

    Raises:
        ConfigurationError: nothing was asked for and none of the usual places has a file.
    """
    if explicit is not None:
        return cwd / explicit
    if environ.get("ASAPFILL_CONFIG"):
        return cwd / environ["ASAPFILL_CONFIG"]
    for usual in (cwd / "asapfill.toml", SYSTEM_SETTINGS):
        if _is_there(usual):
            return usual
    raise ConfigurationError([_no_file(cwd / "asapfill.toml", "There is no settings file.")])


def load_settings(path: Path, environ: Mapping[str, str], *, with_secrets: bool = True) -> Settings:
    """Read and check the settings file at ``path``.

    ``with_secrets`` False leaves out whether each secret can be fetched (for a check on another machine).

    Raises:
        ConfigurationError: with everything that is wrong, not just the first thing.
    """
    text = _read(path)
    try:
        raw = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError([_syntax_problem(path, text, error)]) from None
    reader = _Reader(path, _places(text), environ)
    settings = reader.settings(raw)
    problems = list(reader.problems)
    if with_secrets:
        problems += [problem for secret in reader.secrets for problem in secret.problems()]
    if problems:
        raise ConfigurationError(sorted(problems, key=lambda problem: (problem.line, problem.column)))
    return settings


def check_secrets(settings: Settings) -> None:
    """Fetch every key once. Addresses of notices are not needed to serve an office.

    Raises:
        ConfigurationError: with every secret that is missing, empty or unreadable.
    """
    offices = settings.offices.values()
    secrets = [secret for office in offices for secret in (office.developer_key, office.customer_key)]
    problems = [problem for secret in secrets for problem in secret.problems()]
    if problems:
        raise ConfigurationError(problems)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True  # in a folder closed to this user: reading it will say so, another file must not take its place


def _no_file(path: Path, message: str) -> Problem:
    hint = (
        "It is looked for at --config PATH, then $ASAPFILL_CONFIG, then ./asapfill.toml, then "
        f"{SYSTEM_SETTINGS}.\n    To start, write one with an office in it:\n{EXAMPLE}\n"
        "    To see asapfill at work without an office: asapfill demo"
    )
    return Problem(path, message, hint=hint)


def _read(path: Path) -> str:
    """The text of the settings file; a byte-order mark and Windows line ends are forgiven."""
    try:
        if path.exists() and not path.is_file():
            raise ConfigurationError([Problem(path, f"{path} is not a file.", hint="Name the file itself.")])
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ConfigurationError([_no_file(path, f"There is no settings file {path}.")]) from None
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}."
        hint = "The user that runs asapfill must be allowed to read it."
        raise ConfigurationError([Problem(path, message, hint=hint)]) from None
    if len(raw) > LARGEST_FILE:
        message = f"The file is larger than {LARGEST_FILE // 1024} KiB."
        raise ConfigurationError([Problem(path, message, hint="Is this the settings file?")])
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        hint = "Save it with the encoding UTF-8."
        raise ConfigurationError([Problem(path, "The file is not UTF-8 text.", line, 1, hint)]) from None


def _syntax_problem(path: Path, text: str, error: Exception) -> Problem:
    """Where TOML breaks, without showing the line: it may hold a key in plain text."""
    found = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
    line, column = (int(found[1]), int(found[2])) if found else (text.count("\n") + 1, 1)
    before = text.split("\n")[line - 1] if line <= text.count("\n") + 1 else ""
    key = re.match(r"\s*([A-Za-z0-9_-]+)\s*=", before)
    named = f" `{key[1]}`" if key else ""
    if "overwrite" in str(error) or "declare" in str(error):
        message = f"This name{named} stands twice in the file."
        hint = "Keep one of the two."
    else:
        message = f"This line{named} is not TOML as it stands."
        hint = (
            "Text and secrets stand in straight quotes, lists in brackets: "
            'customer_key = "credential:main-street", urls = ["http://10.0.0.5:30223/api/v1"].'
        )
    return Problem(path, message, line, column, hint)


_BARE_OR_QUOTED = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DOTTED = rf"{_BARE_OR_QUOTED}(?:\s*\.\s*{_BARE_OR_QUOTED})*"


def _places(text: str) -> dict[Location, tuple[int, int]]:
    """Line and column (from 1) of each key and table heading, by a scan of the lines.

    The scan is for messages only: where it misses an unusual way of writing, the message shows the table.
    """
    places: dict[Location, tuple[int, int]] = {}
    table: Location = ()
    for number, line in enumerate(text.split("\n"), start=1):
        heading = re.match(rf"\s*\[\[?\s*({_DOTTED})\s*\]", line)
        key = re.match(rf"\s*({_DOTTED})\s*=", line)
        if heading:
            table = _parts(heading[1])
            places.setdefault(table, (number, heading.start(1) + 1))
        elif key:
            location = table + _parts(key[1])
            for length in range(len(table) + 1, len(location) + 1):
                places.setdefault(location[:length], (number, key.start(1) + 1))
    return places


def _parts(dotted: str) -> Location:
    return tuple(part.strip("\"'") for part in re.findall(_BARE_OR_QUOTED, dotted))


@dataclass
class _Reader:
    """One reading of one settings file: collects problems and the secrets met on the way."""

    path: Path
    places: Mapping[Location, tuple[int, int]]
    environ: Mapping[str, str]
    problems: list[Problem] = field(default_factory=list)
    secrets: list[Secret] = field(default_factory=list)

    def problem(self, location: Location, message: str, hint: str = "") -> None:
        """Note a mistake at ``location``, or at the nearest place around it that the scan knows."""
        line, column = self.place(location)
        self.problems.append(Problem(self.path, message, line, column, hint))

    def place(self, location: Location) -> tuple[int, int]:
        """Line and column, from 1; zeros for the file as a whole."""
        while location and location not in self.places:
            location = location[:-1]
        return self.places.get(location, (0, 0))

    def settings(self, raw: Mapping[str, Any]) -> Settings:
        """The settings in ``raw``; worth something only when no problems were noted."""
        self._unknown(raw, (), TOP_KEYS)
        offices = raw.get("offices", {})
        read: dict[str, OfficeSettings] = {}
        if not isinstance(offices, dict) or not offices:
            self.problem(("offices",), "No office is named.", f"Add at least one, for example:\n{EXAMPLE}")
        else:
            read = {name: self._office(name, values) for name, values in offices.items()}
        clock = raw.get("clock")
        if clock is not None:
            self._check_clock(clock)
        policies, state = self._folder(raw, "policies"), self._folder(raw, "state")
        return Settings(
            self.path, policies, state, read, clock, self._metrics(raw), self._events(raw), self._notify(raw)
        )

    def _unknown(self, raw: Mapping[str, Any], location: Location, allowed: tuple[str, ...]) -> None:
        for name in raw:
            if name in allowed:
                continue
            guess = get_close_matches(name.lower().replace("-", "_"), allowed, n=1)
            hint = f"Did you mean `{guess[0]}`?" if guess else f"Allowed here: {', '.join(allowed)}."
            if not location and name in OFFICE_KEYS:
                hint = "It belongs to an office: write it below [offices.NAME]."
            elif location and name in TOP_KEYS:
                hint = "It belongs at the top of the file, above the first [offices.NAME]."
            self.problem((*location, name), f"`{name}` is not a setting that asapfill knows.", hint)

    def _folder(self, raw: Mapping[str, Any], name: str) -> Path:
        value = raw.get(name, name)
        if not isinstance(value, str) or not value.strip() or "\0" in value:
            self.problem((name,), f"`{name}` must be the path of a folder.", f'For example: {name} = "{name}"')
            return self.path.parent / name
        return (self.path.parent / value.strip()).absolute()

    def _metrics(self, raw: Mapping[str, Any]) -> Path | None:
        value = raw.get("metrics")
        if value is None:
            return None
        if not isinstance(value, str) or not value.endswith(".prom") or "\0" in value:
            hint = 'For example: metrics = "/var/lib/prometheus/node-exporter/asapfill.prom"'
            self.problem(("metrics",), "`metrics` must be the path of a file that ends with .prom.", hint)
            return None
        return (self.path.parent / value.strip()).absolute()

    def _events(self, raw: Mapping[str, Any]) -> EventSettings | None:
        if isinstance(raw.get("events"), dict):
            self._unknown(raw["events"], ("events",), EVENT_KEYS)
        return read_events(raw.get("events"), self.path.parent, self.problem)

    def _office_events(self, raw: Mapping[str, Any], location: Location) -> tuple[bool, str]:
        """Whether the office sends events, and which of its computers does."""
        on, workstation = raw.get("events", True), raw.get("workstation", "")
        if not isinstance(on, bool):
            hint = "events = false switches them off for this office; where they arrive stands in [events]."
            self.problem((*location, "events"), "`events` of an office must be true or false.", hint)
        if not isinstance(workstation, str) or not workstation.isprintable():
            hint = 'Write its Windows name, or leave the line out: workstation = "SERVER"'
            self.problem((*location, "workstation"), "`workstation` must be the name of a computer.", hint)
        return on is True, str(workstation).strip()

    def _ping(self, value: object, location: Location) -> str | None:
        if value is None:
            return None
        trouble = addresses.ping_trouble(value) if isinstance(value, str) else "is not text in quotes."
        if trouble:
            hint = 'For example: ping = "https://hc-ping.com/0b4a2c5e-0000-0000-0000-000000000000"'
            self.problem((*location, "ping"), f"`ping` {trouble}", hint)
            return None
        return str(value)

    def _office(self, name: str, raw: object) -> OfficeSettings:
        location = ("offices", name)
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
            hint = "Use letters, digits, - and _, without blanks: [offices.main-street]"
            self.problem(location, "This name of an office cannot be used.", hint)
        if not isinstance(raw, dict):
            self.problem(location, "An office is a table of its own.", f"For example:\n{EXAMPLE}")
            raw = dict.fromkeys(OFFICE_KEYS[:3])
        self._unknown(raw, location, OFFICE_KEYS)
        return OfficeSettings(
            name,
            self._urls(raw.get("urls"), (*location, "urls"), plain_http=raw.get("plain_http") is True),
            self._secret(raw, location, "developer_key"),
            self._secret(raw, location, "customer_key"),
            self._interval(raw, location),
            self._ping(raw.get("ping"), location),
            *self._office_events(raw, location),
            self._plain_http(raw, location),
            requests_per_minute=self._budget(raw.get("requests_per_minute"), location),
            notify=self._addresses(raw.get("notify", []), (*location, "notify")),
        )

    def _notify(self, raw: Mapping[str, Any]) -> tuple[Secret, ...]:
        table = raw.get("notify")
        if table is None:
            return ()
        if not isinstance(table, dict):
            hint = 'For example:\n      [notify]\n      urls = ["credential:mail"]'
            self.problem(("notify",), "`notify` is a table of its own.", hint)
            return ()
        self._unknown(table, ("notify",), NOTIFY_KEYS)
        return self._addresses(table.get("urls", []), ("notify", "urls"))

    def _addresses(self, value: object, location: Location) -> tuple[Secret, ...]:
        """Where notices go: by reference only, for passwords and tokens are part of such an address."""
        name = location[-1]
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(source, str) for source in values):
            hint = f'For example: {name} = ["credential:mail"]'
            self.problem(location, f"`{name}` must be a list of addresses.", hint)
            return ()
        place = self.place(location)
        found = [Secret(source.strip(), name, self.path, *place, environ=self.environ) for source in values]
        if not all(secret.source.startswith(PREFIXES) for secret in found):
            self.problem(
                location,
                f"An address of `{name}` must not be written here itself: it has a password or a token in it.",
                "Write env:NAME, file:PATH or credential:NAME (a systemd credential), and the address there: "
                "mailtos://USER:PASSWORD@example.com?to=it@example.com",
            )
            return ()
        self.secrets += found
        return tuple(found)

    def _secret(self, raw: Mapping[str, Any], location: Location, name: str) -> Secret:
        value = raw.get(name)
        location = (*location, name)
        source = value.strip() if isinstance(value, str) else ""
        secret = Secret(source, name, self.path, *self.place(location), environ=self.environ)
        ways = "Write env:NAME, file:PATH or credential:NAME (a systemd credential)."
        if value is None:
            self.problem(location, f"`{name}` is missing for this office.", ways)
        elif not source.startswith(PREFIXES):
            self.problem(
                location,
                f"`{name}` must not be written here itself: whoever can read this file would have it.",
                f"{ways} If it was a real key, have it replaced in the Open Dental developer portal.",
            )
        else:
            self.secrets.append(secret)
        return secret

    def _interval(self, raw: Mapping[str, Any], location: Location) -> float | None:
        name = "seconds_between_requests"
        value = raw.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_INTERVAL:
            self.problem((*location, name), f"`{name}` must be a number from 0 to 60.", f"For example: {name} = 1.0")
            return None
        if value < SHORTEST_REMOTE_INTERVAL and REMOTE_API in str(raw.get("urls")):
            self.problem(
                (*location, name),
                f"`{name}` is too short for {REMOTE_API}, which suspends keys that ask too often.",
                "Leave it out: asapfill then waits 1.0 for the remote API and 0 for an address in the office.",
            )
        return float(value)

    def _plain_http(self, raw: Mapping[str, Any], location: Location) -> bool:
        value = raw.get("plain_http", False)
        if not isinstance(value, bool):
            hint = "Leave it out unless an address of the office can be reached in no other way."
            self.problem((*location, "plain_http"), "`plain_http` must be true or false.", hint)
        return value is True

    def _budget(self, value: object, location: Location) -> int | None:
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= SMALLEST_BUDGET):
            return value
        message = f"`requests_per_minute` must be a whole number, {SMALLEST_BUDGET} or more."
        hint = "For example: requests_per_minute = 30. Fewer do not suffice to look again before a text."
        self.problem((*location, "requests_per_minute"), message, hint)
        return None

    def _urls(self, value: object, location: Location, *, plain_http: bool) -> tuple[str, ...]:
        example = 'For example: urls = ["http://10.0.0.5:30223/api/v1", "https://api.opendental.com/api/v1"]'
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not values or not all(isinstance(url, str) for url in values):
            self.problem(location, "`urls` must list at least one address of Open Dental's API.", example)
            return ()
        urls = tuple(url.strip().rstrip("/") for url in values)
        for number, url in enumerate(urls):
            trouble = addresses.url_trouble(url, plain_http=plain_http)
            if trouble:
                self.problem(location, f"Address {number + 1} of `urls` {trouble}", example)
            elif url in urls[:number]:
                self.problem(location, f"Address {number + 1} of `urls` stands there already.", "Remove one.")
        return urls

    def _check_clock(self, value: object) -> None:
        parts = addresses.split(value) if isinstance(value, str) else None
        if parts is None or parts.scheme != "http" or not addresses.is_loopback(parts.hostname or "") or parts.username:
            self.problem(
                ("clock",),
                "`clock` follows the simulated clock of a sandbox on this machine and nothing else.",
                'Take the line out for a real office; for a sandbox: clock = "http://127.0.0.1:PORT/sandbox/clock"',
            )
