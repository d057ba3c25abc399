"""The table of the settings' keys: what each means and takes, its default, an example. Here a key is added.

Reading the file (``settings``) and the reference page (``policy_tools.reference``) follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from asapfill.settings import kinds
from asapfill.settings.kinds import Kind, RawValue
from asapfill.settings.toml_file import Location, SettingsFile

Where = Literal["", "offices", "events", "notify"]
"""The table in which a key stands: the top of the file, ``[offices.NAME]``, ``[events]`` or ``[notify]``."""

OFFICE_EXAMPLE: Final = """\
      [offices.main-street]
      urls = ["http://10.0.0.5:30223/api/v1", "https://api.opendental.com/api/v1"]
      developer_key = "env:ASAPFILL_DEVELOPER_KEY"
      customer_key = "credential:main-street\""""
EVENTS_EXAMPLE: Final = """\
      [events]
      listen = "127.0.0.1:8433"                    # where a proxy with a certificate passes them on to
      url = "https://events.example.org/asapfill"  # where Open Dental sends them"""
NOTIFY_EXAMPLE: Final = """\
      [notify]
      urls = ["credential:mail"]"""


@dataclass(frozen=True, slots=True)
class Setting:
    """One key.

    Attributes:
        example: a right value, as TOML.
        default: the value as TOML gives it; None: there is none.
        left_out: what is done without it, for the page; empty where the default says it.
    """

    where: Where
    name: str
    kind: Kind
    meaning: str
    example: str
    default: object = None
    required: bool = False
    left_out: str = ""

    @property
    def written_default(self) -> str:
        """The default as it would stand in the file."""
        return f'"{self.default}"' if isinstance(self.default, str) else str(self.default).lower()

    def read(self, table: Mapping[str, Any], location: Location, file: SettingsFile) -> Any:  # noqa: ANN401  each key has its own type
        """The value in ``table``, which stands at ``location``; None where it is left out and has no default."""
        value = table.get(self.name, self.default)
        if value is None and not self.required:
            return None
        return self.kind.read(RawValue(value, (*location, self.name), table, file, self.example))


SETTINGS: Final = (
    Setting(
        "", "policies", kinds.path_of("a folder"),
        "The folder of the policies, in which the office managers write: one file for each office or clinic.",
        '"policies"', default="policies",
    ),
    Setting(
        "", "state", kinds.path_of("a folder"),
        "The folder in which asapfill keeps what it knows: the journal of offers, what is free since when, pauses. "
        "It is made when it is not there, and belongs to one running asapfill.",
        '"state"', default="state",
    ),
    Setting(
        "", "clock", kinds.CLOCK,
        "Follow the simulated clock of a sandbox (`asapfill sandbox`). Never for a real office.",
        '"http://127.0.0.1:PORT/sandbox/clock"', left_out="the machine's own clock is used.",
    ),
    Setting(
        "", "metrics", kinds.path_of("a file that ends with .prom", suffix=".prom"),
        "Write numbers for Prometheus into this file after each cycle; see [watching.md](watching.md).",
        '"/var/lib/prometheus/node-exporter/asapfill.prom"', left_out="none are written.",
    ),
    Setting(
        "offices", "urls", kinds.URLS,
        "The addresses of Open Dental's API for this office, tried in this order: the one in the office first, the "
        "remote one last. `http://` is taken for this machine and the local network only.",
        '["http://10.0.0.5:30223/api/v1", "https://api.opendental.com/api/v1"]', required=True,
    ),
    Setting(
        "offices", "developer_key", kinds.SECRET,
        "Your developer key, from Open Dental's developer portal.",
        '"env:ASAPFILL_DEVELOPER_KEY"', required=True,
    ),
    Setting(
        "offices", "customer_key", kinds.SECRET,
        "The office's customer key. Each office (database) has its own.",
        '"credential:main-street"', required=True,
    ),
    Setting(
        "offices", "seconds_between_requests", kinds.INTERVAL,
        "How long to wait between two requests to this office. With Read All alone it must be 5.",
        "1.0", left_out="1 second for the remote API, none for an address in the office.",
    ),
    Setting(
        "offices", "ping", kinds.PING,
        "The address of a watcher (healthchecks.io or its like) that is told of each cycle, and raises the alarm when "
        "it hears nothing; see [watching.md](watching.md). `/start` and `/fail` are put behind it.",
        '"https://hc-ping.com/0b4a2c5e-0000-0000-0000-000000000000"', left_out="nobody is told.",
    ),
    Setting(
        "offices", "plain_http",
        kinds.flag("Leave it out unless an address of the office can be reached in no other way."),
        "Allow addresses of this office outside the local network to be asked unencrypted. Keys and patients' data can "
        "then be read on the way; `asapfill doctor` and the log keep saying so.",
        "true", default=False,
    ),
    Setting(
        "offices", "ca", kinds.AUTHORITY,
        "Whose certificates are trusted for this office's https addresses, beside the public authorities: the office's "
        "own, or the authorities that this machine trusts.",
        '"/etc/asapfill/office-ca.pem"', left_out="the public authorities, as browsers know them.",
    ),
    Setting(
        "offices", "proxy", kinds.PROXY,
        "The way out of a network that has no other. Only https addresses are asked through it: it passes on what it "
        "cannot read. An http address is asked directly.",
        '"http://10.0.0.2:3128"', left_out="every address is asked directly; the environment's proxy does not count.",
    ),
    Setting(
        "offices", "phones", kinds.PHONES,
        "By which rules a wireless phone is one: `north-american`, where 000-000-0000 and area codes that cannot be "
        "are no phones, or `any` for an office elsewhere, where 7 to 15 digits are one.",
        '"any"', default=kinds.NORTH_AMERICAN,
    ),
    Setting(
        "offices", "events",
        kinds.flag(
            "events = false switches them off for this office; where they arrive stands in [events].",
            whose=" of an office",
        ),
        "Whether this office sends events, where `[events]` says where to.",
        "false", default=True,
    ),
    Setting(
        "offices", "workstation", kinds.WORKSTATION,
        "The only computer of the office that is to send events.",
        '"SERVER"', default="", left_out="any computer that runs Open Dental sends them.",
    ),
    Setting(
        "offices", "requests_per_minute", kinds.BUDGET,
        "At most this many requests to this office in a minute, retries and texts included.",
        "30", left_out="there is no limit but `seconds_between_requests`.",
    ),
    Setting(
        "offices", "notify", kinds.NOTICE_ADDRESSES,
        "Who else is told when something about this office needs a person.",
        '["credential:mail"]', default=[],
    ),
    Setting(
        "events", "listen", kinds.LISTEN,
        "Where asapfill listens. Without a certificate of its own: on this machine, behind a proxy that has one, or "
        "inside the office's network. A service needs a port above 1023.",
        '"127.0.0.1:8433"', default="127.0.0.1:8433",
    ),
    Setting(
        "events", "url", kinds.EVENTS_URL,
        "The address that Open Dental is told. The office's name is put behind it.",
        '"https://events.example.org/asapfill"', required=True,
    ),
    Setting(
        "events", "certificate", kinds.pem_file("certificate_key"),
        "The certificate with its chain (PEM), when asapfill itself is to encrypt; with `certificate_key`.",
        '"tls/certificate.pem"', left_out="a proxy encrypts, or nobody inside the office's network.",
    ),
    Setting(
        "events", "certificate_key", kinds.pem_file("certificate"),
        "The certificate's private key (PEM).",
        '"tls/certificate_key.pem"', left_out="as `certificate`.",
    ),
    Setting(
        "notify", "urls", kinds.NOTICE_ADDRESSES,
        "Who is told by mail or chat when something needs a person, whatever office it concerns. How such an address "
        "looks: [watching.md](watching.md#where-notices-go).",
        '["credential:mail"]', default=[],
    ),
)  # fmt: skip
"""Every key, in the order of the page."""

TOP_KEYS: Final = ("policies", "state", "offices", "clock", "metrics", "events", "notify")
"""What may stand at the top of the file: the keys, and the tables."""


def settings_in(where: Where) -> tuple[Setting, ...]:
    """The keys of one table."""
    return tuple(setting for setting in SETTINGS if setting.where == where)


def names_in(where: Where) -> tuple[str, ...]:
    """What may stand in one table."""
    return TOP_KEYS if not where else tuple(setting.name for setting in settings_in(where))


TABLES: Final[Mapping[Where, tuple[str, str]]] = {
    "": ("At the top of the file", "Above the first line in brackets."),
    "offices": ("`[offices.NAME]`", "One table for each office (database). Policies, logs and commands call it NAME."),
    "events": (
        "`[events]`",
        "Where Open Dental's events arrive: [webhooks.md](webhooks.md). Left out: there are none.",
    ),
    "notify": ("`[notify]`", "Who is told when something needs a person: [watching.md](watching.md#notices)."),
}
"""The heading of each table on the page, and what the table is for."""
