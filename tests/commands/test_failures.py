"""What a command ends with when something goes wrong, whichever command it is."""

from __future__ import annotations

import errno

import pytest
from click.testing import CliRunner, Result

from asapfill.cli import cli
from asapfill.commands import policy
from asapfill.core.errors import AsapfillError, ConfigurationError


def ended(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> Result:
    """How a command of a group ends in which ``error`` is raised."""

    def fail() -> None:
        raise error

    monkeypatch.setattr(policy.schema, "callback", fail)
    return CliRunner().invoke(cli, ["policy", "schema"])


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (AsapfillError("It rains."), 1, "It rains.\n"),
        (ConfigurationError([]), 78, "\n"),
        (PermissionError(errno.EACCES, "Permission denied", "/etc/asapfill.toml"), 1, "/etc/asapfill.toml: Permission"),
        (KeyboardInterrupt(), 130, "Stopped.\n"),
    ],
)
def test_what_can_be_expected_ends_in_a_sentence_and_a_code(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, sentence: str
) -> None:
    result = ended(monkeypatch, error)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith(sentence)


def test_a_mistake_in_asapfill_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(ended(monkeypatch, ZeroDivisionError()).exception, ZeroDivisionError)
