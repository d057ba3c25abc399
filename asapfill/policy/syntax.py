"""What is not YAML, in words: the parser's complaints translated for somebody who has never heard of YAML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ruamel.yaml.error import MarkedYAMLError

from asapfill.problems import Problem, problem_at

COMPARE = "Compare with policies/sample.yaml."
INDENTATION = "Lines that belong together begin in the same column; what belongs below a key is indented by two blanks."
QUOTE_IT = "Put the value in quotes."
SINGLE_QUOTES = "Use single quotes."
BACKSLASH = "A backslash has a meaning of its own inside double quotes."

# What the parser says, in words. First: part of its own sentence, which nobody should have to read. Then ours, what
# to do, and whether to look where the trouble began (True) or where it was noticed (False).
SYNTAX: tuple[tuple[str, str, str, bool], ...] = (
    ("'\\t' that cannot start", "A tab stands here.", "Use blanks instead.", False),
    ("cannot start any token", "A value cannot begin with this sign.", QUOTE_IT, False),
    ("unknown escape", BACKSLASH, SINGLE_QUOTES, False),
    ("escape sequence", BACKSLASH, SINGLE_QUOTES, False),
    ("while scanning a quoted scalar", "A quote opens here and is never closed.", "Close it, or take it out.", True),
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
    place = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
    return problem_at(path, lines, place, message, hint)


def _misplaced_colon(path: Path, lines: Sequence[str], line: int, column: int) -> Problem:
    """A colon where none can be: the second one in its line, or in a line that is indented as if it went on."""
    before = lines[line][:column]
    if re.search(r":\s", before):
        hint = 'A value with a colon and a blank in it stands in quotes: clinic: "North: Side"'
        return problem_at(path, lines, (line + 1, column + 1), "A second colon stands in this line.", hint)
    start = len(before) - len(before.lstrip())
    message = "This line is indented too far, or the line above lacks its colon."
    return problem_at(path, lines, (line + 1, start + 1), message, INDENTATION)
