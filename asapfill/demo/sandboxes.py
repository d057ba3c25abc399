"""``asapfill sandbox``: a simulated office on loopback, with settings and policies to try asapfill on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import asapfill
from asapfill.core.errors import ConfigurationError, Problem
from asapfill.policy_tools.reference import FILE_NAME, SAMPLE, policy_text, quoted_name, schema_text
from asapfill.sandbox.office.columns import Row
from asapfill.sandbox.office.tables import CUSTOMER_KEY, DEVELOPER_KEY, OfficeFileError, SimulatedOffice
from asapfill.sandbox.wire.options import Options, read_office_file
from asapfill.sandbox.wire.process import serve
from asapfill.sandbox.wire.server import HOST, SandboxServer


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


def options_for(  # noqa: PLR0913  the command's own options
    *,
    port: int,
    office_file: Path | None,
    seed: int,
    operatories: int,
    clinics: int,
    speed: float,
    start: str | None,
    throttle: float,
    page_cap: int,
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
    simulated = start is not None or speed != 1 or office is not None
    return Options(
        office=office,
        seed=seed,
        operatories=max(operatories, clinics),  # each clinic has one at least
        clinics=clinics,
        start=start,
        mode="speed" if simulated else "system",
        speed=speed,
        page_cap=page_cap,
        throttle=throttle,
        port=port,
    )


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
