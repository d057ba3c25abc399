"""Compares asapfill with other ways of asking people, in simulated office-weeks: ``python -m tests.compare.compare``.

Every rule gets the same offices, drawn from seeds, with lists of 90 and 250 people and two chances that a text is
accepted: 0.11 (60,660 offers, 6,603 accepted: Fast Pass at an academic centre, JMIR 2024 e52071) and 0.083 (177,311
offers, 14,717 accepted: Fast Pass at Sutter Health, PMC7315363). The figures of 0.2 are kept in ``before.json``.
Writes ``build/compare.json`` and the figure, and prints the tables of docs/measurements.md.
"""
# ruff: noqa: T201  a command: what it prints is its answer

from __future__ import annotations

import argparse
import gc
import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import product
from multiprocessing import Pool
from pathlib import Path
from typing import Any, Final

from tests.compare.figure import figure
from tests.compare.rules import live, new_rule
from tests.compare.sums import COUNTS, Sums, mean, per_fill, ratio
from tests.compare.world import WEEKS, Tally, Terms, World

ACCEPTANCE: Final = (0.11, 0.083)
PEOPLE: Final = (250, 90)
SIMULATED: Final = ("everybody", "one", "tens", "asapfill")
BEFORE: Final = Path(__file__).with_name("before.json")
"""0.2's rule on the same offices, by office; written once by ``--before``."""
WORDS: Final[Mapping[str, str]] = {
    "everybody": "everybody who fits, Open Dental's order and stagger",
    "one": "one at a time, an hour apart",
    "tens": "groups of ten every five minutes",
    "before": "asapfill 0.2",
    "asapfill": "asapfill",
}
OFFICES: Final = 50
"""With four weeks each: 200 weeks."""

Setting = tuple[float, int]
"""Acceptance and people on the list."""
Results = dict[tuple[str, Setting], list[Tally]]
"""By rule and setting, one for each office in the order of seeds."""


def run_office(task: tuple[int, Setting, str]) -> tuple[tuple[int, Setting, str], Tally]:
    """One office under one rule."""
    seed, (acceptance, people), rule = task
    return task, live(World(Terms(seed, people, acceptance)), new_rule(rule))


def run(rules: Iterable[str], settings: Sequence[Setting], offices: int, jobs: int) -> Results:
    """Every rule in every setting on the offices of seeds 1 to ``offices``."""
    tasks = [(seed, setting, rule) for seed in range(1, offices + 1) for setting in settings for rule in rules]
    found: dict[tuple[int, Setting, str], Tally] = {}
    with Pool(jobs, initializer=gc.disable) as pool:
        for number, (task, tally) in enumerate(pool.imap_unordered(run_office, tasks, chunksize=4), start=1):
            found[task] = tally
            if number % 100 == 0:
                print(f"{number} of {len(tasks)} office-months", file=sys.stderr)
    results: Results = {}
    for seed, setting, rule in tasks:
        results.setdefault((rule, setting), []).append(found[seed, setting, rule])
    return results


def read_before(offices: int) -> Results:
    """What 0.2 came to on the first ``offices`` offices."""
    rows = json.loads(BEFORE.read_text(encoding="utf-8"))["offices"] if BEFORE.exists() else []
    results: Results = {}
    for row in rows:
        if row["seed"] <= offices:
            tally = Tally(WEEKS, **{name: row[name] for name in COUNTS})
            results.setdefault(("before", (row["acceptance"], row["people"])), []).append(tally)
    return results


def write_before(results: Results, commit: str) -> None:
    """Keep the figures of the present rule as those of 0.2."""
    rows = [
        {"seed": seed, "acceptance": acceptance, "people": people, **{name: getattr(tally, name) for name in COUNTS}}
        for (_, (acceptance, people)), tallies in results.items()
        for seed, tally in enumerate(tallies, start=1)
    ]
    lines = ",\n".join(json.dumps(row) for row in rows)
    BEFORE.write_text(f'{{"commit": "{commit}", "offices": [\n{lines}\n]}}\n', encoding="utf-8")


def document(results: Results) -> list[dict[str, Any]]:
    """The rows of ``build/compare.json``: sums over all weeks."""
    return [
        {"rule": rule, "acceptance": acceptance, "people": people, **asdict(Sums.of(tallies))}
        for (rule, (acceptance, people)), tallies in results.items()
    ]


def tables(results: Results) -> Iterator[str]:
    """The tables of docs/measurements.md, in Markdown."""
    for people, acceptance in product(PEOPLE, ACCEPTANCE):
        rows = {rule: tallies for (rule, of), tallies in results.items() if of == (acceptance, people)}
        if not rows:
            continue
        yield f"\n{people} people on the list, {acceptance:.1%} accept:\n"
        yield "| rule | minutes a week | texts a week | texts a fill | disappointed a fill |"
        yield "|---|--:|--:|--:|--:|"
        for rule in (rule for rule in WORDS if rule in rows):
            of = rows[rule]
            yield (
                f"| {WORDS[rule]} | {mean(of, 'minutes'):.0f} | {mean(of, 'texts'):.0f} "
                f"| {per_fill(of, 'texts'):.1f} | {per_fill(of, 'disappointed'):.2f} |"
            )
        yield from _bars(rows, acceptance)


def _bars(rows: Mapping[str, Sequence[Tally]], acceptance: float) -> Iterator[str]:
    """How asapfill stands to the others, with intervals."""
    ours = rows.get("asapfill")
    if ours is None:
        return
    yield ""
    for rule, name in (("everybody", "minutes"), ("everybody", "texts"), ("before", "minutes")):
        if rule in rows:
            yield f"- {name} over {rule}'s: {ratio(ours, rows[rule], name):.2f}"
    if "everybody" in rows and per_fill(rows["everybody"], "disappointed").value:
        share = per_fill(ours, "disappointed").value / per_fill(rows["everybody"], "disappointed").value
        yield f"- disappointed a fill over everybody's: {share:.2f}"
    yield f"- texts a fill over 1/p: {per_fill(ours, 'texts').value * acceptance:.2f}"


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--offices", type=int, default=OFFICES, help="seeds; each lives four measured weeks")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--rules", default=",".join(SIMULATED))
    parser.add_argument("--settings", default="all", help="all, or for example 0.11/250")
    parser.add_argument("--before", metavar="COMMIT", help="keep the present rule's figures as those of 0.2")
    parser.add_argument("--json", type=Path, default=Path("build/compare.json"))
    parser.add_argument("--figure", type=Path)
    wanted = parser.parse_args()
    settings = [*product(ACCEPTANCE, PEOPLE)]
    if wanted.settings != "all":
        settings = [(float(a), int(n)) for a, n in (text.split("/") for text in wanted.settings.split(","))]
    began = time.monotonic()
    if wanted.before:
        write_before(run(["asapfill"], settings, wanted.offices, wanted.jobs), wanted.before)
        return
    results = run(wanted.rules.split(","), settings, wanted.offices, wanted.jobs)
    results |= {key: tallies for key, tallies in read_before(wanted.offices).items() if key[1] in settings}
    print("\n".join(tables(results)))
    print(f"\n{wanted.offices * WEEKS} weeks of each rule and setting in {time.monotonic() - began:.0f} s.")
    wanted.json.parent.mkdir(parents=True, exist_ok=True)
    wanted.json.write_text(json.dumps(document(results), indent=1) + "\n", encoding="utf-8")
    if wanted.figure:
        wanted.figure.write_text(figure(results), encoding="utf-8")


if __name__ == "__main__":
    main()
