"""How a mistake in a file is shown to the person who made it."""

from __future__ import annotations

from pathlib import Path

from asapfill.core.errors import ConfigurationError, Problem, problem_at

FILE = Path("/somewhere/main-street.yaml")


def test_a_problem_shows_place_line_mark_and_what_to_do() -> None:
    problem = problem_at(FILE, ["office: demo", "mode: loud"], (2, 7), "`mode` cannot be “loud”.", "Allowed: ask.")
    assert str(problem).splitlines() == [
        "main-street.yaml:2:7: `mode` cannot be “loud”.",
        "    mode: loud",
        "          ^",
        "    Allowed: ask.",
    ]


def test_a_problem_of_a_whole_file_has_no_line() -> None:
    assert (
        str(problem_at(FILE, ["office: demo"], (0, 0), "The file is empty.")) == "main-street.yaml: The file is empty."
    )


def test_a_long_line_is_cut_around_the_mark() -> None:
    line = "a" * 150 + "HERE" + "b" * 150
    _, shown, mark = str(Problem(FILE, "Odd.", 1, 151, excerpt=line)).splitlines()
    assert len(shown) <= 104
    assert shown[mark.index("^") :].startswith("HERE")
    assert shown.strip().startswith("…")
    assert shown.endswith("…")


def test_nothing_in_a_line_can_steer_a_terminal() -> None:
    text = str(Problem(FILE, "Odd.", 1, 1, excerpt="\x1b[2J\tmode\x07\u202e"))
    assert "·[2J→mode··" in text


def test_an_error_carries_every_problem_one_below_the_other() -> None:
    error = ConfigurationError([Problem(FILE, "One.", 1, 1), Problem(FILE, "Two.", 2, 1)])
    assert str(error) == "main-street.yaml:1:1: One.\nmain-street.yaml:2:1: Two."
    assert len(error.problems) == 2
