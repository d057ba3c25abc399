"""``asapfill sandbox``: a simulated office on loopback, with settings and a policy to try asapfill on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from asapfill.demo.samples import sample_policy
from asapfill.problems import ConfigurationError, Problem
from asapfill.sandbox.options import Options, read_office_file
from asapfill.sandbox.process import serve
from asapfill.sandbox.server import HOST, SandboxServer
from asapfill.sandbox.tables import CUSTOMER_KEY, DEVELOPER_KEY, OfficeFileError

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
    """Serve until stopped. ``folder``: settings, keys and a policy for this sandbox are written there.

    Raises:
        ConfigurationError: the office file cannot be used, the port is taken, or the folder cannot be written.
    """

    def announce(server: SandboxServer) -> None:
        say(f"A simulated office listens on http://{HOST}:{server.port}/api/v1")
        say(f"Keys: {DEVELOPER_KEY} / {CUSTOMER_KEY}. What was posted: http://{HOST}:{server.port}/sandbox/log")
        if folder is not None:
            write_settings(folder, server.port)
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
        operatories=operatories,
        clinics=clinics,
        start=start,
        mode="speed" if simulated else "system",
        speed=speed,
        page_cap=page_cap,
        throttle=throttle,
        port=port,
    )


def write_settings(folder: Path, port: int) -> Path:
    """Settings, keys and the sample policy for a sandbox on ``port``; a policy that exists is left as it is."""
    (folder / "policies").mkdir(parents=True, exist_ok=True)
    (folder / "asapfill.toml").write_text(SETTINGS.format(host=HOST, port=port), encoding="utf-8")
    for name, key in (("developer.key", DEVELOPER_KEY), ("customer.key", CUSTOMER_KEY)):
        (folder / name).write_text(key + "\n", encoding="utf-8")
        (folder / name).chmod(0o600)
    sample = sample_policy()
    # The schema lies beside the policy for editors that complete and check what is typed.
    for source, name in ((sample, "demo.yaml"), (sample.with_name("policy.schema.json"), "policy.schema.json")):
        target = folder / "policies" / name
        if not target.exists():
            target.write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    return folder / "asapfill.toml"
