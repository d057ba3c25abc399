"""``asapfill.toml``: how the IT person says to reach Open Dental, and where policies and state lie.

Here: the settings as data, finding their file and reading it, every mistake at once, and the clock that they ask for.
Which keys there are is in ``table``, how their values are read in ``kinds``, the file's text and secrets in
``toml_file``. Not here: what may be sent (``policy``), and whether an office answers (``opendental``).
"""

from __future__ import annotations

import http.client
import json
import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from asapfill.clock import Clock, FastClock, SystemClock
from asapfill.core.errors import ConfigurationError, Problem
from asapfill.settings.kinds import NORTH_AMERICAN, Phones, authority_trouble
from asapfill.settings.table import (
    EVENTS_EXAMPLE,
    NOTIFY_EXAMPLE,
    OFFICE_EXAMPLE,
    TOP_KEYS,
    Where,
    names_in,
    settings_in,
)
from asapfill.settings.toml_file import Location, Secret, SettingsFile, looks_like_a_key, may_be_shown, read_toml
from asapfill.words import nearest

SYSTEM_SETTINGS = Path("/etc/asapfill/asapfill.toml")
SANDBOX_SECONDS = 60.0
"""How long the sandbox may take to let time pass."""


@dataclass(frozen=True, slots=True)
class OfficeSettings:
    """How to reach one office. ``urls`` are tried in this order and have no slash at the end.

    ``seconds_between_requests`` None: the client's own pace, by kind of address. ``events`` False: this office sends
    none, though the settings say where to. ``workstation`` empty: any computer that runs Open Dental sends them.
    ``ca``: an absolute path, or the authorities that this machine trusts.
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
    ca: Path | Literal["system"] | None = None
    proxy: str | None = None
    phones: Phones = NORTH_AMERICAN


@dataclass(frozen=True, slots=True)
class EventSettings:
    """Where to listen for events. ``url``: the address that Open Dental is told, without a slash at the end.

    ``certificate`` and ``certificate_key``: PEM files, absolute; None when a proxy has them, or inside the office's
    network.
    """

    host: str
    port: int
    url: str
    certificate: Path | None = None
    certificate_key: Path | None = None

    @property
    def prefix(self) -> str:
        """The path of ``url``, empty or with a slash at its beginning."""
        return urlsplit(self.url).path

    def address(self, office: str) -> str:
        """The EndPointUrl of an office's subscriptions: they are ours because they have it."""
        return f"{self.url}/{office}/"


@dataclass(frozen=True, slots=True)
class Settings:
    """A settings file that is right. ``policies``, ``state`` and ``metrics`` are absolute.

    ``clock``: the address of a sandbox's simulated clock that is to be followed, or None for the machine's own.
    ``events`` None: offices are asked every minute and nothing else. ``notify``: who is told what needs a person,
    besides those whom an office names. ``text``: of the file.
    """

    path: Path
    policies: Path
    state: Path
    offices: Mapping[str, OfficeSettings]
    clock: str | None
    metrics: Path | None
    events: EventSettings | None
    notify: tuple[Secret, ...]
    text: str = field(default="", repr=False, compare=False)


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
    if _is_there(cwd / "asapfill.toml.txt"):
        message = (
            "asapfill.toml.txt is no settings file by its name: rename it to asapfill.toml (Windows hides endings)."
        )
        raise _no_file(cwd / "asapfill.toml", message)
    raise _no_file(cwd / "asapfill.toml", "There is no settings file.")


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True  # in a folder closed to this user: reading it will say so, another file must not take its place


def _no_file(path: Path, message: str) -> ConfigurationError:
    hint = (
        "It is looked for at --config PATH, then $ASAPFILL_CONFIG, then ./asapfill.toml, then "
        f"{SYSTEM_SETTINGS}.\n    To start, write one with an office in it:\n{OFFICE_EXAMPLE}\n"
        "    To see asapfill at work without an office: asapfill demo"
    )
    return ConfigurationError([Problem(path, message, hint=hint)])


def load_settings(path: Path, environ: Mapping[str, str], *, with_secrets: bool = True) -> Settings:
    """Read and check the settings file at ``path``.

    ``with_secrets`` False leaves out whether each secret can be fetched (for a check on another machine).

    Raises:
        ConfigurationError: with everything that is wrong, not just the first thing.
    """
    try:
        raw, file = read_toml(path, environ)
    except FileNotFoundError:
        raise _no_file(path, f"There is no settings file {path}.") from None
    settings = _settings(raw, file)
    problems = list(file.problems)
    if with_secrets:
        problems += [problem for secret in file.secrets for problem in secret.problems()]
        problems += _authorities(settings, file)
    if problems:
        raise ConfigurationError(sorted(problems, key=lambda problem: (problem.line, problem.column)))
    return settings


def _authorities(settings: Settings, file: SettingsFile) -> Iterator[Problem]:
    """What is wrong with the files of authorities: an office is not served without its own."""
    for office in settings.offices.values():
        trouble = authority_trouble(office.ca) if isinstance(office.ca, Path) else ""
        if trouble:
            hint = "It must be readable for the user that runs asapfill, and hold certificates as PEM text."
            place = file.place(("offices", office.name, "ca"))
            yield Problem(file.path, f"`ca` {trouble}", *place, hint)


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


def _settings(raw: Mapping[str, Any], file: SettingsFile) -> Settings:
    """The settings in ``raw``; worth something only when no mistakes were noted."""
    values = _values("", raw, (), file)
    offices = raw.get("offices", {})
    if not isinstance(offices, dict) or not offices:
        file.problem(("offices",), "No office is named.", f"Add at least one, for example:\n{OFFICE_EXAMPLE}")
        offices = {}
    return Settings(
        path=file.path,
        text=file.text,
        offices={name: _office(name, table, file) for name, table in offices.items()},
        events=_events(raw, file),
        notify=(_table("notify", raw, file, NOTIFY_EXAMPLE) or {}).get("urls", ()),
        **values,
    )


def _office(name: str, raw: object, file: SettingsFile) -> OfficeSettings:
    location = ("offices", name)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", name):
        hint = "Use letters, digits, - and _, without blanks: [offices.main-street]"
        file.problem(location, "This name of an office cannot be used.", hint)
    elif looks_like_a_key(name):
        hint = "Call the office as people do: [offices.main-street]. If it is a key, have it replaced."
        file.problem(location, "This name of an office looks like a key: it would stand in every log.", hint)
    if not isinstance(raw, dict):
        file.problem(location, "An office is a table of its own.", f"For example:\n{OFFICE_EXAMPLE}")
        raw = {}
    return OfficeSettings(name=name, **_values("offices", raw, location, file))


def _events(raw: Mapping[str, Any], file: SettingsFile) -> EventSettings | None:
    values = _table("events", raw, file, EVENTS_EXAMPLE)
    if values is None:
        return None
    host, port = values.pop("listen")
    return EventSettings(host=host, port=port, **values)


def _table(where: Where, raw: Mapping[str, Any], file: SettingsFile, example: str) -> dict[str, Any] | None:
    """The values of a table that may be left out; None when it is, or when something else stands there."""
    table = raw.get(where)
    if table is None:
        return None
    if not isinstance(table, dict):
        file.problem((where,), f"`{where}` is a table of its own.", f"For example:\n{example}")
        return None
    return _values(where, table, (where,), file)


def _values(where: Where, raw: Mapping[str, Any], location: Location, file: SettingsFile) -> dict[str, Any]:
    """The value of every key that a table may have, by its name; what does not belong there is noted."""
    for name in raw:
        if name not in names_in(where):
            what = f"`{name}`" if may_be_shown(name) else "A name in this line"
            file.problem((*location, name), f"{what} is not a setting that asapfill knows.", _advice(where, name))
    return {setting.name: setting.read(raw, location, file) for setting in settings_in(where)}


def _advice(where: Where, name: str) -> str:
    """What to do about an unknown key."""
    if not where and name in names_in("offices"):
        return "It belongs to an office: write it below [offices.NAME]."
    if where and name in TOP_KEYS:
        return "It belongs at the top of the file, above the first [offices.NAME]."
    allowed = names_in(where)
    guess = nearest(name.lower().replace("-", "_"), allowed)
    return f"Did you mean `{guess[0]}`?" if guess else f"Allowed here: {', '.join(allowed)}."


def clock_for(settings: Settings) -> Clock:
    """The clock that the settings ask for: the machine's own, or that of a sandbox on this machine.

    Raises:
        ConfigurationError: the sandbox does not answer.
    """
    if settings.clock is None:
        return SystemClock()
    try:
        state = SandboxClock(settings.clock).ask()
    except (OSError, ValueError, http.client.HTTPException) as error:
        message = f"The sandbox whose clock is to be followed does not answer ({type(error).__name__})."
        hint = "Start `asapfill sandbox`, or remove the line `clock` from the settings."
        raise ConfigurationError([Problem(settings.path, message, hint=hint)]) from None
    if state["mode"] == "speed":
        return FastClock(datetime.fromisoformat(str(state["now"])), float(state["speed"]))
    return SystemClock() if state["mode"] == "system" else SandboxClock(settings.clock)


class SandboxClock:
    """A clock that stands still in the sandbox until somebody sleeps: every look and every wait asks there."""

    speed: float = 1.0

    def __init__(self, url: str) -> None:
        self._address = urlsplit(url)
        self._kept = threading.local()

    def now(self) -> datetime:
        """The simulated moment, aware."""
        return datetime.fromisoformat(str(self.ask()["now"]))

    def monotonic(self) -> float:
        """Simulated seconds since the sandbox began."""
        return float(self.ask()["monotonic"])

    def sleep(self, seconds: float, stop: threading.Event | None = None) -> None:
        """Let simulated time pass, with everything that happens in it."""
        if seconds > 0 and not (stop is not None and stop.is_set()):
            self.ask({"advance": seconds})

    def ask(self, body: dict[str, float] | None = None) -> dict[str, Any]:
        """GET the clock, or POST to it, over a connection that each thread keeps: a command asks some hundred times.

        Raises:
            OSError, ValueError, http.client.HTTPException: the sandbox does not answer as it should.
        """
        connection = getattr(self._kept, "connection", None)
        if connection is None:
            # On loopback: the settings accept no other address.
            connection = self._kept.connection = _Connection(
                self._address.hostname or "", self._address.port or 80, timeout=SANDBOX_SECONDS
            )
        try:
            method, payload = ("GET", None) if body is None else ("POST", json.dumps(body))
            connection.request(method, self._address.path, payload)
            response = connection.getresponse()
            answer = json.loads(response.read())
        except BaseException:
            connection.close()  # half an answer may be left in it
            raise
        if response.status != http.client.OK or not isinstance(answer, dict):
            raise ValueError(f"the sandbox's clock said no: {response.status}")
        return answer


class _Connection(http.client.HTTPConnection):
    """Closed with its last use."""

    def __del__(self) -> None:
        self.close()
