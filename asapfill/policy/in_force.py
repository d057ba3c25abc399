"""The policies in force: read anew for every cycle, the last good version of a file kept while an edit has a mistake.

Which version of a file is in force, in one sentence: the file as it stands if it can be read and the office has all its
names, else the last version for which that was so and still is, else none. So a mistake never allows more than the last
good version did, and a name that vanishes from the office stops the clinic.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

from asapfill.clock import Clock
from asapfill.core.errors import ConfigurationError, Problem, problem_at
from asapfill.core.office import OfficeNames, folded
from asapfill.core.policy import Policy
from asapfill.policy.model import PolicyFile
from asapfill.policy.reading import parse_policy, read_bytes
from asapfill.policy.resolve import resolve
from asapfill.settings.settings import Settings
from asapfill.store.database import Store, StoreError, open_for_reading
from asapfill.store.offices import KeptPolicy, forget_policies, kept_policies

log = logging.getLogger(__name__)

SUFFIXES = (".yaml", ".yml")
START_HINT = "`asapfill policy new` writes one in mode preview: it sends nothing until you change that."
UNREADABLE = ""
"""The fingerprint of a file that cannot be read."""

LastGood = Callable[[PolicyFile], PolicyFile | None]
"""The last good version of a file, if that is another one."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The folder of policies at one reading.

    Attributes:
        files: what is in force as far as the files tell: good ones, and last good versions of files with mistakes.
        problems: everything wrong with the folder.
        stand_ins: the files whose last good version is among ``files``.
    """

    files: tuple[PolicyFile, ...] = ()
    problems: tuple[Problem, ...] = ()
    stand_ins: frozenset[Path] = frozenset()
    _fingerprints: Mapping[Path, str] = field(default_factory=dict, repr=False)
    _kept: Mapping[Path, KeptPolicy] = field(default_factory=dict, repr=False)

    def of(self, office: str) -> list[PolicyFile]:
        """The policies of one office."""
        return [file for file in self.files if file.office == office]

    def still_valid(self, file: PolicyFile) -> bool:
        """Whether the file was not touched since this reading: asked between two POSTs.

        Judged by content, so that shares and editors that replace files make no difference.
        """
        path = file.source.path
        return path in self._fingerprints and _fingerprint(path) == self._fingerprints[path]

    def last_good(self, file: PolicyFile) -> PolicyFile | None:
        """The last good version of a file, if it is another one than ``file`` and for the same office."""
        kept = self._kept.get(file.source.path)
        if kept is None or kept.text == file.source.text or kept.office != file.office:
            return None
        return _parsed(kept, file.source.path)


@dataclass(slots=True)
class PolicyBook:
    """The folder of policies of one running asapfill. Not for two threads at once.

    A file is parsed again only when its content changed.
    """

    folder: Path
    offices: Collection[str]
    _read: dict[Path, tuple[str, PolicyFile | ConfigurationError]] = field(default_factory=dict)
    _told: tuple[Problem, ...] = ()

    def read(self, store: Store | None = None, kept_rows: Iterable[KeptPolicy] = ()) -> Policies:
        """The policies now. ``store``: where last good versions are kept; without it files with mistakes count as none.

        ``kept_rows``: without a store, the last good versions, by which a file is known that was saved halfway.

        With a store that may be written, changes are logged, and the versions of files that are gone are forgotten.

        A clinic that two files claim is served by neither, also when one of them was in force before.
        """
        before, self._read = self._read, {}
        rows = kept_rows if store is None else kept_policies(store)
        earlier = {self.folder / row.file: row for row in rows}
        kept = {} if store is None else earlier

        def whole(path: Path) -> PolicyFile:
            return refuse_half(self._one(path, before.get(path)), earlier.get(path))

        right, problems = self._right_files(whole)
        doubles = dict(_claimed_twice(right))
        problems += doubles.values()
        good = {file.source.path: file for file in right if file.source.path not in doubles}
        mistaken = {problem.file for problem in problems} - set(doubles) - set(good)
        stand_ins = _stand_ins({path: row for path, row in kept.items() if path in mistaken}, good)
        if store is not None and not store.read_only:
            self._tell(before, tuple(problems))
            # An empty folder is rather a share that is gone than a wish to forget.
            forget_policies(store, [path.name for path in kept if self._read and path not in self._read])
        in_force = good | stand_ins
        return Policies(
            files=tuple(in_force[path] for path in sorted(in_force)),
            problems=tuple(problems),
            stand_ins=frozenset(stand_ins),
            _fingerprints={path: fingerprint for path, (fingerprint, _) in self._read.items()},
            _kept=kept,
        )

    def _right_files(self, read: Callable[[Path], PolicyFile]) -> tuple[list[PolicyFile], list[Problem]]:
        """Every ``*.yaml`` and ``*.yml`` that is right and for an office of ours, and what is wrong with the others."""
        files: list[PolicyFile] = []
        problems: list[Problem] = []
        try:
            names = [path for path in self.folder.iterdir() if not path.name.startswith(".")]
        except OSError as error:
            message = f"The folder of policies {self.folder} cannot be read: {error.strerror}."
            return files, [Problem(self.folder, message, hint=f"Make the folder. {START_HINT}")]
        paths = sorted(path for path in names if path.suffix.lower() in SUFFIXES)
        if not paths:
            message = f"The folder {self.folder} holds no policy (a file whose name ends in .yaml)."
            return files, [Problem(self.folder, message, hint=START_HINT)]
        for path in paths:
            try:
                files.append(read(path))
            except ConfigurationError as error:
                problems += error.problems
        problems += [_unknown_office(file, self.offices) for file in files if file.office not in self.offices]
        return [file for file in files if file.office in self.offices], problems

    def _one(self, path: Path, before: tuple[str, PolicyFile | ConfigurationError] | None) -> PolicyFile:
        """One file, parsed or remembered.

        Raises:
            ConfigurationError: it cannot be read, or has mistakes.
        """
        try:
            raw = read_bytes(path)
        except ConfigurationError as error:
            self._read[path] = (UNREADABLE, error)
            raise
        fingerprint = hashlib.sha256(raw).hexdigest()
        if before is None or before[0] != fingerprint:
            before = (fingerprint, _verdict(raw, path))
        self._read[path] = before
        if isinstance(before[1], ConfigurationError):
            raise before[1]
        return before[1]

    def _tell(self, before: Mapping[Path, tuple[str, object]], problems: tuple[Problem, ...]) -> None:
        """Log what changed since the last reading, with the same words that ``check`` prints."""
        for path in sorted(self._read):
            if path in before and before[path][0] != self._read[path][0]:
                log.info("policy.changed file=%s", path.name)
        for path in sorted(set(before) - set(self._read)):
            log.warning("policy.gone file=%s", path.name)
        for problem in problems:
            if problem not in self._told:
                log.error("policy.wrong %s", " | ".join(str(problem).split("\n")))
        self._told = problems


def claim(file: PolicyFile) -> tuple[str, str]:
    """What a policy is for: its office and clinic, as far as the file tells; two files cannot be for the same."""
    return file.office, folded(file.clinic or "")


def _unknown_office(file: PolicyFile, offices: Collection[str]) -> Problem:
    guess = get_close_matches(file.office, offices, n=1)
    named = ", ".join(sorted(offices)) or "none"
    hint = f"Did you mean {guess[0]}?" if guess else f"Offices in the settings: {named}."
    message = f"The settings have no office “{file.office}”; this policy is used for nothing."
    return file.source.problem(("office",), message, hint)


def _claimed_twice(files: Iterable[PolicyFile]) -> Iterator[tuple[Path, Problem]]:
    """Files that are for the same office and clinic, each with its problem: nobody knows which one was meant."""
    claims: dict[tuple[str, str], list[PolicyFile]] = defaultdict(list)
    for file in files:
        claims[claim(file)].append(file)
    for claimants in claims.values():
        for file in claimants if len(claimants) > 1 else ():
            others = ", ".join(other.source.path.name for other in claimants if other is not file)
            whose = f"“{file.office}”" + (f", clinic “{file.clinic}”" if file.clinic else "")
            message = f"{others} is for {whose} too. Neither is used."
            hint = "Keep one of them, or give each its own clinic."
            yield file.source.path, file.source.problem(("clinic" if file.clinic else "office",), message, hint)


def policy_book(settings: Settings) -> PolicyBook:
    """The folder of policies that the settings name, for an asapfill that reads it again and again."""
    return PolicyBook(settings.policies, tuple(settings.offices))


def read_folder(settings: Settings, store: Store | None = None, kept_rows: Iterable[KeptPolicy] = ()) -> Policies:
    """That folder as it is now, read once. ``store``, ``kept_rows``: see ``PolicyBook.read``."""
    return policy_book(settings).read(store, kept_rows)


def last_good_versions(settings: Settings, clock: Clock) -> tuple[KeptPolicy, ...]:
    """The versions that the state keeps; none where there is no state, or none that can be read (told elsewhere)."""
    try:
        with open_for_reading(settings.state, clock) as store:
            return kept_policies(store)
    except (StoreError, OSError):
        return ()


def policies_for(settings: Settings, offices: Collection[str], clock: Clock) -> Policies:
    """That folder, for a command that serves some ``offices``.

    Raises:
        ConfigurationError: no policy is for any of them.
    """
    policies = read_folder(settings, kept_rows=last_good_versions(settings, clock))
    if not any(file.office in offices for file in policies.files):
        raise ConfigurationError(policies.problems or (no_policy(settings, offices),))
    return policies


def no_policy(settings: Settings, offices: Iterable[str]) -> Problem:
    """What to say when nobody wrote a policy for an office that is to be served."""
    names = ", ".join(sorted(offices))
    return Problem(
        settings.policies,
        f"There is no policy for {names}.",
        hint=START_HINT,
    )


def in_force(
    file: PolicyFile, lists: OfficeNames, last_good: LastGood
) -> tuple[PolicyFile, Policy | None, tuple[Problem, ...]]:
    """The version of a file that is in force in this office: written and resolved, and what is wrong with the file.

    The policy is None when neither the file nor its last good version has names that the office knows.
    """
    try:
        return file, resolve(file, lists), ()
    except ConfigurationError as error:
        problems = error.problems
    earlier = last_good(file)
    if earlier is not None:
        try:
            return earlier, resolve(earlier, lists), (*problems, stands_in(file.source.path))
        except ConfigurationError:
            log.warning("policy.last_good_wrong file=%s", file.source.path.name)
    return file, None, problems


def refuse_half(file: PolicyFile, kept: KeptPolicy | None) -> PolicyFile:
    """The file, unless it is the beginning of the last good version, cut off within a line.

    What was lost behind the cut would be taken for a wish to have the defaults, which may allow more.

    Raises:
        ConfigurationError: it was saved halfway.
    """
    text = file.source.text
    lost = kept.text.removeprefix(text) if kept is not None else ""
    if kept is None or lost in {"", kept.text} or lost.startswith("\n") or text.endswith("\n"):
        return file
    lines = file.source.lines
    message = "The file ends in the middle of this line: it was saved halfway."
    hint = "Save it again. If it is meant to end here, press Enter at the end of this line."
    raise ConfigurationError([problem_at(file.source.path, lines, (len(lines), len(lines[-1]) + 1), message, hint)])


def stands_in(path: Path) -> Problem:
    """What a person is told while the last good version of a file is in force."""
    return Problem(path, "Until this is mended, the last good version of this file stays in force.")


def _stand_ins(kept: Mapping[Path, KeptPolicy], good: Mapping[Path, PolicyFile]) -> dict[Path, PolicyFile]:
    """The last good versions of files with mistakes, but for clinics that a good file claims."""
    claimed = {claim(file) for file in good.values()}
    parsed = {path: _parsed(row, path) for path, row in kept.items()}
    return {path: file for path, file in parsed.items() if file is not None and claim(file) not in claimed}


def _parsed(kept: KeptPolicy, path: Path) -> PolicyFile | None:
    """A kept version; None when this asapfill, perhaps a newer one, does not take it any more."""
    verdict = _verdict(kept.text.encode(), path)
    if isinstance(verdict, ConfigurationError):
        log.warning("policy.last_good_unusable file=%s", path.name)
        return None
    return verdict


@lru_cache(maxsize=1024)
def _verdict(raw: bytes, path: Path) -> PolicyFile | ConfigurationError:
    """What a version of a file says. Remembered: reading takes longest in a cycle, and an edit is often taken back."""
    try:
        return parse_policy(raw, path)
    except ConfigurationError as error:
        return error


def _fingerprint(path: Path) -> str:
    try:
        return hashlib.sha256(read_bytes(path)).hexdigest()
    except ConfigurationError:
        return UNREADABLE


class PolicyReader:
    """The folder of policies for the cycles of all offices; any thread may ask.

    ``kept``: real seconds after which the whole folder is read again, for files that are new or went away.
    """

    def __init__(self, book: PolicyBook, store: Store, clock: Clock, kept: float) -> None:
        self._book = book
        self._store = store
        self._clock = clock
        self._kept = kept
        self._lock = threading.Lock()
        self._last: tuple[float, Policies] | None = None

    def read(self) -> Policies:
        """The whole folder, now."""
        with self._lock:
            policies = self._book.read(self._store)
            self._last = self._clock.monotonic(), policies
            return policies

    def for_cycle(self, office: str) -> Policies:
        """The policies, with the files of ``office`` as they are now and all others as they were a moment ago."""
        last = self._last
        if last is None or self._clock.monotonic() - last[0] > self._kept:
            return self.read()
        policies = last[1]
        touched = any(not policies.still_valid(file) for file in policies.of(office))
        return self.read() if touched else policies
