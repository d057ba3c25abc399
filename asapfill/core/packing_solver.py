"""The integer programs of packing, solved by HiGHS: always the same way, and bounded by nodes instead of by time.

``highspy`` is imported when something is to be solved, so that commands that plan nothing do not wait for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import highspy

SMALL: Final = 400
"""In programs of up to so many columns the first objective is pursued to the end."""

VERY_SMALL: Final = 240
"""In programs of up to so many columns all of them are."""

NEAR_ENOUGH: Final = 0.005
"""How far from its bound, as a share, the first objective of a larger one may stay without a search."""

NODES: Final = 200
"""How many nodes a search may take; the best found so far stands then."""

FEW_NODES: Final = 25
"""How many nodes are looked at before a search with all that HiGHS has begins, in a small program."""

_TOLERANCE: Final = 0.5
"""All coefficients are whole numbers, so a solution is the best when none can be better by this."""

Terms = tuple[tuple[int, int], ...]
"""Columns, each with its coefficient."""

Row = tuple[Terms, int | None, int | None]
"""Terms whose sum lies from the second to the third; None: no limit."""

Bounds = dict[int, tuple[int, int]]
"""Columns that are confined further than the program does: from and to."""


@dataclass(frozen=True, slots=True)
class Program:
    """Columns are whole numbers from 0 to ``upper``. ``objectives``: each to be as large as possible, an earlier one
    before a later. ``choices``: columns that decide, those of a stretch together: when they are whole, others are too.
    """

    upper: tuple[int, ...]
    rows: tuple[Row, ...]
    objectives: tuple[Terms, ...]
    choices: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Solution:
    """The whole numbers found, if any, and what the objective cannot exceed: of all, the first."""

    values: tuple[int, ...] | None
    bound: float


def solve(program: Program) -> Solution:
    """The best solution found. The same program is solved once, as long as it is among the last."""
    return _small_ones(program) if len(program.upper) <= SMALL else _large_ones(program)


def forget() -> None:
    """Solve everything anew: for tests and measurements."""
    _small_ones.cache_clear()
    _large_ones.cache_clear()


def _solve(program: Program) -> Solution:
    rows = list(program.rows)
    found: Solution | None = None
    for objective in program.objectives:
        best = _branch(program, rows, objective)
        if len(program.upper) <= (SMALL if found is None else VERY_SMALL) and _missing(objective, best) > 0:
            best = _search(program, rows, objective, best)
        if best.values is None:
            break
        found = Solution(best.values, best.bound if found is None else found.bound)
        # What this objective has reached is kept while the next is pursued.
        rows.append((objective, reached(objective, best.values), None))
    return best if found is None else found


_small_ones = lru_cache(maxsize=256)(_solve)
_large_ones = lru_cache(maxsize=4)(_solve)  # one may have megabytes


def reached(objective: Terms, values: tuple[int, ...]) -> int:
    """What an objective comes to."""
    return sum(coefficient * values[column] for column, coefficient in objective)


def _missing(objective: Terms, solution: Solution) -> float:
    """By how much a solution may be short of the best; 0: it is the best."""
    if solution.values is None:
        return math.inf if solution.bound > -math.inf else 0
    return solution.bound - reached(objective, solution.values)


def _branch(program: Program, rows: list[Row], objective: Terms) -> Solution:
    """Solve without whole numbers, make broken ones whole, upwards first, and again: depth first, for so many nodes.

    Most of these programs are whole at once or after a few steps, long before a search would have begun.
    """
    relaxed = _Relaxed(program, rows, objective)
    small = len(program.upper) <= SMALL
    choice_of = {column: number for number, columns in enumerate(program.choices) for column in columns}
    nodes: list[Bounds] = [{}]
    best: Solution | None = None
    for _ in range(FEW_NODES if small else NODES):
        if not nodes:
            break
        node = nodes.pop()
        ceiling = relaxed.ceiling(node)
        best = best or Solution(None, ceiling)
        if _missing(objective, Solution(best.values, ceiling)) <= 0:
            continue
        broken = _broken(relaxed.solution, choice_of)
        if broken:
            nodes += _children(program, node, relaxed.solution, broken[: 1 if small else 1 + len(broken) // 3])
            continue
        best = Solution(tuple(round(one) for one in relaxed.solution), best.bound)
        if _missing(objective, best) <= (0 if small else NEAR_ENOUGH * best.bound):
            break
    assert best is not None  # noqa: S101  for mypy: the first node is always looked at
    if small and not nodes and best.values is not None:
        return Solution(best.values, reached(objective, best.values))  # everything was looked at
    return best


class _Relaxed:
    """A program without whole numbers, to be solved again and again with some columns confined further."""

    def __init__(self, program: Program, rows: list[Row], objective: Terms) -> None:
        self._highs = _highs(program, rows, objective, whole=False)
        self._upper = program.upper
        self._objective = objective
        self._node: Bounds = {}
        self.solution: Sequence[float] = ()

    def ceiling(self, node: Bounds) -> float:
        """What the objective can come to at most, with whole numbers, in a node; -inf: there is no solution."""
        for column in sorted(self._node.keys() - node.keys()):
            self._highs.changeColBounds(column, 0, self._upper[column])
        for column, bounds in node.items():
            if self._node.get(column) != bounds:
                self._highs.changeColBounds(column, *bounds)
        self._node = node
        self._highs.run()
        if not _feasible(self._highs):
            return -math.inf
        self.solution = self._highs.getSolution().col_value
        return _at_most(self._objective, self._highs.getInfo().objective_function_value)


def _at_most(objective: Terms, bound: float) -> int:
    """The largest that an objective can come to below a bound: all coefficients are multiples of a whole number."""
    step = math.gcd(*(coefficient for _, coefficient in objective)) or 1
    return math.floor(bound / step + _WHOLE) * step


def _broken(solution: Sequence[float], choice_of: Mapping[int, int]) -> list[int]:
    """Columns that are not whole: of each choice the one that is nearest to the next number above, nearest first.

    Those of no choice, of which one is taken, only when nothing else is broken.
    """
    parts = [(math.ceil(one) - one, column) for column, one in enumerate(solution) if abs(one - round(one)) > _WHOLE]
    nearest: dict[int, int] = {}
    for _, column in sorted(parts):
        if column in choice_of:
            nearest.setdefault(choice_of[column], column)
    return list(nearest.values()) or [column for _, column in sorted(parts)][:1]


def _children(program: Program, node: Bounds, solution: Sequence[float], columns: list[int]) -> list[Bounds]:
    """What is looked at next, the last first: all columns not below what they are, half of them, … only the first of
    them; and the first not above what it is.
    """

    def now(column: int) -> tuple[int, int]:
        return node.get(column, (0, program.upper[column]))

    first = columns[0]
    children: list[Bounds] = [{**node, first: (now(first)[0], math.floor(solution[first]))}]
    count = 1
    while count < 2 * len(columns):
        above = {column: (math.ceil(solution[column]), now(column)[1]) for column in columns[:count]}
        children.append({**node, **above})
        count *= 2
    return children


def _search(program: Program, rows: list[Row], objective: Terms, known: Solution) -> Solution:
    """Branch and bound with all that HiGHS has, for as many nodes as may be."""
    highs = _highs(program, rows, objective, whole=True)
    highs.run()
    if not _feasible(highs):
        return known
    values = tuple(round(one) for one in highs.getSolution().col_value)
    bound = min(known.bound, _at_most(objective, highs.getInfo().mip_dual_bound))
    if known.values is not None and reached(objective, known.values) >= reached(objective, values):
        values = known.values
    return Solution(values, bound)


_WHOLE: Final = 1e-6
"""So near to a whole number is one."""

_OPTIONS: Final[Mapping[str, bool | int | float | str]] = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    "random_seed": 0,
    "solver": "simplex",
    "presolve": "off",
    "mip_max_nodes": NODES,
    "mip_rel_gap": 0.0,
    "mip_abs_gap": _TOLERANCE,
    # What follows costs more than it brings with programs as small as ours.
    "mip_detect_symmetry": False,
    "mip_heuristic_effort": 0.0,
    "mip_heuristic_run_feasibility_jump": False,
}


def _highs(program: Program, rows: list[Row], objective: Terms, *, whole: bool) -> highspy._core._Highs:
    """HiGHS with the program loaded. ``whole``: columns are whole numbers."""
    import highspy  # noqa: PLC0415  0.1 s, and only planning needs it

    # The class of the public name prints two lines on standard output when it is made; its base does not.
    highs = highspy._core._Highs()  # noqa: SLF001
    for option, setting in _OPTIONS.items():
        if whole or option != "solver":
            highs.setOptionValue(option, setting)
    model = _model(program, rows, objective)
    if whole:
        model.integrality_ = [highspy.HighsVarType.kInteger] * len(program.upper)
    highs.passModel(model)
    return highs


def _feasible(highs: highspy._core._Highs) -> bool:
    import highspy  # noqa: PLC0415  as above

    return bool(highs.getInfo().primal_solution_status == int(highspy.SolutionStatus.kSolutionStatusFeasible))


def _model(program: Program, rows: list[Row], objective: Terms) -> highspy.HighsLp:
    """The program with one objective, in HiGHS's own words. Zeros are left out: it does not expect them."""
    import highspy  # noqa: PLC0415  as above

    infinity = highspy.kHighsInf
    model = highspy.HighsLp()
    columns = len(program.upper)
    costs = [0.0] * columns
    for column, coefficient in objective:
        costs[column] = float(coefficient)
    model.num_col_, model.num_row_ = columns, len(rows)
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_, model.col_lower_ = costs, [0.0] * columns
    model.col_upper_ = [float(most) for most in program.upper]
    model.row_lower_ = [-infinity if least is None else float(least) for _, least, _ in rows]
    model.row_upper_ = [infinity if most is None else float(most) for _, _, most in rows]
    starts, index, coefficients = [0], [], []
    for terms, _, _ in rows:
        index += [column for column, coefficient in terms if coefficient]
        coefficients += [float(coefficient) for _, coefficient in terms if coefficient]
        starts.append(len(index))
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = starts, index, coefficients
    return model
