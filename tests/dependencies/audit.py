"""Asks OSV (https://osv.dev) for known vulnerabilities of every locked version: ``make audit``; CI runs it
where it is told to (``ASAPFILL_AUDIT=1``).

Names and versions of public packages are all that is sent. Ends with 1 when there is one that nobody has accepted. When
the service cannot be reached it says so and ends with 0: that a network is down must not keep a release from being
tested, and the next run asks again; ``--strict`` ends with 2 then.

Open Source Vulnerabilities, POST /v1/querybatch: answers ids in the order of the queries, without those that were
withdrawn.
"""
# ruff: noqa: T201  a command: what it prints is its answer

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.dependencies.locks import LOCKS, ROOT, read_lock

SERVICE = "https://api.osv.dev/v1/querybatch"
PATIENCE = 30.0
"""Seconds."""
ACCEPTED: Mapping[str, str] = {}
"""Ids that do not concern asapfill, each with the reason and the day it was looked at."""
FOUND, UNREACHABLE = 1, 2

Package = tuple[str, str]


class NoAnswer(Exception):  # noqa: N818  reads as the fact it states
    """The service did not answer as it should."""


def packages(locks: Iterable[Path]) -> list[Package]:
    """Name and version of everything locked, once each."""
    return sorted({(row.name, row.version) for lock in locks for row in read_lock(lock) if row.version})


def known_vulnerabilities(wanted: list[Package], service: str) -> dict[Package, list[str]]:
    """The ids known for each package that has any.

    Raises:
        NoAnswer: the service cannot be reached or says something else.
    """
    found: dict[Package, list[str]] = {}
    tokens = dict.fromkeys(wanted, "")
    while tokens:
        asked = list(tokens)
        answers = _ask(service, [_query(package, tokens[package]) for package in asked])
        tokens = {}
        for package, answer in zip(asked, answers, strict=True):
            ids = [str(vulnerability["id"]) for vulnerability in answer.get("vulns", [])]
            if ids:
                found.setdefault(package, []).extend(ids)
            if answer.get("next_page_token"):
                tokens[package] = str(answer["next_page_token"])
    return found


def _query(package: Package, token: str) -> dict[str, Any]:
    name, version = package
    query: dict[str, Any] = {"package": {"ecosystem": "PyPI", "name": name}, "version": version}
    return query | ({"page_token": token} if token else {})


def _ask(service: str, queries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    body = json.dumps({"queries": queries}).encode()
    request = urllib.request.Request(service, body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            answers = json.loads(response.read())["results"]
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
        raise NoAnswer(f"{type(error).__name__}: {error}") from error
    if not isinstance(answers, list) or len(answers) != len(queries) or not all(isinstance(a, dict) for a in answers):
        raise NoAnswer(f"{len(queries)} packages were asked about, and the answer is not about as many")
    return answers


def main(arguments: list[str]) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="audit", description="Known vulnerabilities of the locked versions.")
    parser.add_argument("--strict", action="store_true", help="end with 2 when the service cannot be reached")
    parser.add_argument("locks", nargs="*", type=Path, default=[ROOT / name for name in LOCKS])
    given = parser.parse_args(arguments)
    wanted = packages(given.locks)
    try:
        found = known_vulnerabilities(wanted, os.environ.get("ASAPFILL_AUDIT_SERVICE", SERVICE))
    except NoAnswer as error:
        print(f"NOT CHECKED: the service of known vulnerabilities did not answer ({error}).", file=sys.stderr)
        return UNREACHABLE if given.strict else 0
    bad = False
    for (name, version), ids in sorted(found.items()):
        for number in sorted(set(ids)):
            reason = ACCEPTED.get(number)
            bad = bad or reason is None
            print(f"{name} {version}: {number}" + (f" (accepted: {reason})" if reason else ""))
    if bad:
        print("Update them (`make lock`), or put the id with a reason into ACCEPTED of tests/dependencies/audit.py.")
        return FOUND
    print(f"{len(wanted)} locked packages have no known vulnerability that was not accepted.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
