"""A bench: a sandbox in a process of its own, settings and a policy beside it, and asapfill's commands run on them.

asapfill follows the sandbox's clock, which stands still between the test's steps (mode "stepped").
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from asapfill.cli import cli
from asapfill.sandbox.wire.process import Sandbox
from tests.cycle.office import CUSTOMER, DEVELOPER, office_file
from tests.processes.forked import popen, start_sandbox

Row = dict[str, Any]

COMMAND = (sys.executable, "-c", "from asapfill.cli import main; main()")
"""The console script, without the need for it to be on the path."""

SETTINGS = """\
policies = "policies"
state = "state"
clock = "http://127.0.0.1:{clock}/sandbox/clock"

[offices.main-street]
urls = ["http://127.0.0.1:{port}/api/v1"]
developer_key = "file:developer.key"
customer_key = "env:ASAPFILL_TEST_CUSTOMER"
"""

ENVIRONMENT = {"ASAPFILL_TEST_CUSTOMER": CUSTOMER}


def policy_text(**sections: Any) -> str:
    """A policy that asks one at a time and writes at once; ``sections`` set top-level keys, whole or as dicts.

    The small office has one operatory, for every kind of visit.
    """
    keys: Row = {"office": "main-street", "timezone": "America/Los_Angeles", "mode": "automatic"}
    keys |= {"texts": {"wave": 1, "wait": "20 minutes"}} | sections
    if isinstance(keys.get("openings", {}), dict):
        keys["openings"] = {"hygiene_chairs": "no", **keys.get("openings", {})}
    lines = []
    for name, value in keys.items():
        if isinstance(value, dict):
            lines += [f"{name}:", *(f"  {key}: {item}" for key, item in value.items())]
        else:
            lines.append(f"{name}: {value}")
    return "\n".join(lines) + "\n"


def finished(path: Path) -> None:
    """Make a file look as if it had been written an hour ago: a new one counts only when it has been still."""
    written = time.time() - 3600
    os.utime(path, (written, written))


@dataclass(frozen=True)
class Done:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


class Bench:
    """One office being served. ``folder`` holds asapfill.toml, developer.key, policies/ and, once made, state/."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.folder = folder
        self.config = folder / "asapfill.toml"
        (folder / "policies").mkdir(parents=True)
        (folder / "developer.key").write_text(DEVELOPER + "\n")
        self.settings()
        self.policy()

    def settings(self, text: str = SETTINGS, *, port: int | None = None) -> None:
        """Write the settings. ``port``: of the office, when it is not the sandbox itself."""
        self.config.write_text(text.format(clock=self.sandbox.port, port=port or self.sandbox.port))
        finished(self.config)

    def policy(self, **sections: Any) -> Path:
        """Write the policy; see ``policy_text``."""
        path = self.folder / "policies" / "main.yaml"
        path.write_text(policy_text(**sections))
        finished(path)
        return path

    def cli(self, *arguments: str) -> Done:
        """Run a command in this process."""
        runner = CliRunner(env=ENVIRONMENT)
        done = runner.invoke(cli, [*arguments, "--config", str(self.config)], catch_exceptions=False)
        return Done(done.exit_code, done.stdout, done.stderr)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """The JSON document of a command in this process that ends with ``code``."""
        done = self.cli(*arguments, "--json")
        assert done.code == code, done
        return done.json

    def clinic(self, command: str, code: int = 0) -> Any:
        """The one clinic in the document of ``plan``, ``once`` or ``openings``."""
        (found,) = self.json(command, code=code)["offices"]
        return found

    def process(self, *arguments: str, **environment: str) -> Done:
        """Run a command as a process of its own."""
        with popen(
            [*COMMAND, *arguments, "--config", str(self.config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(environment),
            cwd=self.folder,
        ) as running:
            try:
                out, err = running.communicate(timeout=60)
            finally:
                running.kill()
        return Done(running.returncode, out, err)

    def environment(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a child: ours without what could redirect it."""
        ours = {name: value for name, value in os.environ.items() if not name.startswith("ASAPFILL")}
        return {**ours, **ENVIRONMENT, "PYTHONPATH": str(Path(__file__).parents[2]), **(more or {})}

    def posts(self, path: str = "asapcomms") -> list[Row]:
        """What was posted to the office, as its own log has it."""
        return [entry for entry in self.sandbox.log()["writes"] if entry["path"] == path and entry["method"] == "POST"]

    def asked(self) -> list[int]:
        """AptNums (recalls as negative numbers) of the offers that the office made rows of, in order."""
        made = [entry["body"] for entry in self.posts() if entry["status"] == 201]
        return [body.get("aptNum") or -body["recallNum"] for body in made]

    def pass_time(self, minutes: float) -> None:
        """Let time pass in the office, with everything that happens in it."""
        self.sandbox.advance(minutes=minutes)


@contextmanager
def bench_for(folder: Path, office: Row | None = None, **options: Any) -> Iterator[Bench]:
    """A bench in ``folder`` around a sandbox with ``office`` (default: the small one) and nobody acting in it."""
    sandbox = start_sandbox(office or office_file(), **({"people": False} | options))
    try:
        yield Bench(sandbox, folder / "bench")
    finally:
        # Nothing of it is needed any more, and a polite end takes half a second.
        sandbox._process.kill()
        sandbox.stop()
