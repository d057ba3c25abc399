"""What is not YAML, in words: the parser's complaints translated for somebody who has never heard of YAML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml.error import MarkedYAMLError

from asapfill.core.errors import Problem, problem_at

COMPARE = "Compare with policies/sample.yaml."
INDENTATION = "Lines that belong together begin in the same column; what belongs below a key is indented by two blanks."
QUOTE_IT = "Put the value in quotes."
OPEN_QUOTE = "A quote opens here and is not closed in this line."
CLOSE_IT = "Close it, or take it out."
HALF_A_NAME = re.compile(r"\s#(?=[0-9])")
"""What is taken for a note and is rather the end of a name: Op #1."""
NAME_WITH_NUMBER_SIGN = "The # begins a note: what follows it is not read."
QUOTE_NUMBER_SIGN = "A name with a # in it stands in quotes: 'Op #1'. A note has a blank behind its #."
SINGLE_QUOTES = "Use single quotes."
BACKSLASH = "A backslash has a meaning of its own inside double quotes."

# What the parser says, in words. First: part of its own sentence, which nobody should have to read. Then ours, what
# to do, and whether to look where the trouble began (True) or where it was noticed (False).
SYNTAX: tuple[tuple[str, str, str, bool], ...] = (
    ("'\\t' that cannot start", "A tab stands here.", "Use blanks instead.", False),
    ("cannot start any token", "A value cannot begin with this sign.", QUOTE_IT, False),
    ("unknown escape", BACKSLASH, SINGLE_QUOTES, False),
    ("escape sequence", BACKSLASH, SINGLE_QUOTES, False),
    ("while scanning a quoted scalar", "A quote opens here and is never closed.", CLOSE_IT, True),
    ("node content, but found ','", "Nothing stands before this comma.", "Write a value there or delete it.", False),
    ("expected the node content", "A value is missing here.", "Write it, and close every [ with ].", False),
    ("while parsing a flow sequence", "A list opens with [ here and is never closed.", "Close it with ].", True),
    ("while parsing a flow mapping", "A { opens here and is never closed.", "Write key: value lines instead.", True),
    ("expected ':'", "A colon is missing in this line.", "Write key: value, with a blank behind the colon.", True),
    ("mapping keys are not allowed", "The sign ? has a meaning of its own here.", QUOTE_IT, False),
    ("sequence entries are not allowed", "A list cannot begin with - here.", INDENTATION, False),
    ("but found '-'", "A line with - stands where a key should.", INDENTATION, False),
    ("found '<block mapping start>'", "This line is indented differently from those above.", INDENTATION, False),
    ("while parsing a block", "This line does not fit those above.", INDENTATION, False),
    ("while scanning an a", "The signs * and & have a meaning of their own here.", QUOTE_IT, True),
    ("while scanning a block scalar", "The signs | and > have a meaning of their own here.", QUOTE_IT, True),
    ("<document start>", "A line above this one begins with % or ...; that has a meaning of its own.", COMPARE, False),
    ("directive", "A line cannot begin with %.", "Take the line out.", True),
    ("tag", "The sign ! has a meaning of its own here.", QUOTE_IT, True),
)


def syntax_problem(path: Path, lines: Sequence[str], error: MarkedYAMLError) -> Problem:
    """The parser's complaint, in words, at the place where a person has to look."""
    said = f"{error.context} {error.problem}"
    mark = error.problem_mark or error.context_mark
    if "mapping values are not allowed" in said and mark is not None:
        return _misplaced_colon(path, lines, mark.line, mark.column)
    closer = _quote_or_bracket(path, lines, error)
    if closer is not None:
        return closer
    first = next((number for number, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), 0)
    if "<document start>" in said and lines[first].startswith(" "):
        message = "This line is indented, and a line below it is not."
        return problem_at(path, lines, (first + 1, 1), message, INDENTATION)
    message, hint = "This cannot be read as a policy.", COMPARE
    for part, words, advice, at_start in SYNTAX:
        if part in said:
            message, hint = words, advice
            if at_start and error.context_mark is not None:
                mark = error.context_mark
            break
    if "<block mapping start>" in said and mark is not None:
        message = _compared_with_above(lines, mark.line) or message
    place = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
    return problem_at(path, lines, place, message, hint)


def _compared_with_above(lines: Sequence[str], line: int) -> str:
    """Where a line is indented further than the one above it, either may be the wrong one."""
    above = [number for number in range(line) if lines[number].strip() and not lines[number].lstrip().startswith("#")]
    if not above or _indent(lines[above[-1]]) >= _indent(lines[line]):
        return ""
    return f"This line is indented further than line {above[-1] + 1} above it; one of the two is in the wrong column."


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def open_quote(line: str) -> int | None:
    """The column (from 0) of a quote that begins a value and is not closed in this line."""
    inside, begins, before, escaped = "", 0, ":", False
    for column, sign in enumerate(line):
        if inside:
            inside = "" if sign == inside and not escaped else inside
            escaped = inside == '"' and sign == "\\" and not escaped
        elif sign in "'\"" and before in ":,[{-":
            inside, begins = sign, column
        elif sign == "#" and (not column or line[column - 1].isspace()):
            break
        before = before if sign.isspace() else sign
    return begins if inside else None


def _quote_or_bracket(path: Path, lines: Sequence[str], error: MarkedYAMLError) -> Problem | None:
    """What went wrong with a quote, a bracket or a # in the line of the complaint, or with a quote above it."""
    mark, said = error.problem_mark or error.context_mark, str(error.context)
    if mark is None or "quoted scalar" in said or mark.line >= len(lines):
        return None
    for number, line in enumerate(lines[: mark.line + 1], start=1):
        column = open_quote(line)
        if column is not None:
            return problem_at(path, lines, (number, column + 1), OPEN_QUOTE, CLOSE_IT)
    start = error.context_mark if "flow sequence" in said else None
    note = HALF_A_NAME.search(lines[start.line], start.column) if start is not None else None
    if note is not None and start is not None:
        return problem_at(path, lines, (start.line + 1, note.end()), NAME_WITH_NUMBER_SIGN, QUOTE_NUMBER_SIGN)
    message, hint = _more_follows(lines[mark.line], mark.column, in_list=start is not None)
    if message and "parsing" in said:
        return problem_at(path, lines, (mark.line + 1, mark.column + 1), message, hint)
    return None


def _more_follows(line: str, column: int, *, in_list: bool) -> tuple[str, str]:
    """What to say of text right behind a value that is over; empty where it is not that."""
    before = line[:column].rstrip()
    if line[column:].strip() and before.endswith(("'", '"')):
        hint = "Put a comma between two values. A name with a ' in it stands in double quotes: \"Dr. O'Neil\"."
        return "The quote is closed before this place, and more follows.", hint
    if line[column:].strip() and before.endswith("]") and not in_list:
        hint = "Take it out, or begin a line of its own for it."
        return "The list is closed with ] before this place, and more follows.", hint
    return "", ""


def _misplaced_colon(path: Path, lines: Sequence[str], line: int, column: int) -> Problem:
    """A colon where none can be: the second one in its line, or in a line that is indented as if it went on."""
    before = lines[line][:column]
    if re.search(r":\s", before):
        hint = 'A value with a colon and a blank in it stands in quotes: clinic: "North: Side"'
        return problem_at(path, lines, (line + 1, column + 1), "A second colon stands in this line.", hint)
    start = len(before) - len(before.lstrip())
    message = "This line is indented too far, or the line above lacks its colon."
    return problem_at(path, lines, (line + 1, start + 1), message, INDENTATION)
