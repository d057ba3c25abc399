"""The policies in force: read anew for every cycle, the last good version of a file kept while an edit has a mistake.

Which version of a file is in force, in one sentence: the file as it stands if it can be read and the office has all its
names, else the last version for which that was so and still is, else none. So a mistake never allows more than the last
good version did, and a name that vanishes from the office stops the clinic.

Whoever sends by the policies takes a changed file only when it has been still for a while: half of a file that is being
written may allow what both the old and the finished one forbid. Until then the version before it is planned with, and
nothing is sent by it either: the change may be a wish to stop.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from asapfill.core.errors import AsapfillError, ConfigurationError, Problem, problem_at
from asapfill.core.office import OfficeNames, folded
from asapfill.core.policy import Policy
from asapfill.policy.model import PolicyFile
from asapfill.policy.reading import parse_policy, read_bytes
from asapfill.policy.resolve import resolve
from asapfill.settings.settings import Settings
from asapfill.stillness import STILL, STILL_WHEN_LESS, Stillness, leaves_out
from asapfill.store.database import Store
from asapfill.store.offices import KeptPolicy, forget_policies, kept_policies
from asapfill.words import nearest

log = logging.getLogger(__name__)

SUFFIXES = (".yaml", ".yml")
NEARLY = re.compile(r"(?i)[.](ya?ml)[.](txt|docx?|rtf|bak|old|orig)$")
"""How a policy is called to whose name an editor has put its own ending."""
START_HINT = "`asapfill policy new` writes one in mode preview: it sends nothing until you change that."
A_MOMENT = 0.1
"""Seconds to wait longer than needed, so that no clock is looked at too early."""
UNREADABLE = ""
"""The fingerprint of a file that cannot be read."""
NOT_STILL = "?"
"""The fingerprint in place of the content that a file has while it is being written: equal to none."""

LastGood = Callable[[PolicyFile], PolicyFile | None]
"""The last good version of a file, if that is another one."""


@dataclass(frozen=True, slots=True)
class Policies:
    """The folder of policies at one reading.

    Attributes:
        files: what is in force as far as the files tell: good ones, and last good versions of files with mistakes.
        problems: everything wrong with the folder.
        stand_ins: the files whose last good version is among ``files``.
        settling: files that were changed just now, and for how many seconds more they must be as they are.
    """

    files: tuple[PolicyFile, ...] = ()
    problems: tuple[Problem, ...] = ()
    stand_ins: frozenset[Path] = frozenset()
    settling: Mapping[Path, float] = field(default_factory=dict)
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


_Read = tuple[str, PolicyFile | ConfigurationError | None]
"""The fingerprint of a file's content, and what it says. None: it is being written, and there is nothing before it."""


class _NotStill(AsapfillError):  # noqa: N818  not an error: nothing counts yet
    """A file is being written, and there is no version before it."""

    exit_code = None


@dataclass(slots=True)
class PolicyBook:
    """The folder of policies of one running asapfill. Not for two threads at once.

    A file is parsed again only when its content changed. ``stillness``: by which a changed file waits until it has been
    still; None for whoever sends nothing and wants the files as they are.
    """

    folder: Path
    offices: Collection[str]
    stillness: Stillness | None = None
    _read: dict[Path, _Read] = field(default_factory=dict)
    _told: tuple[Problem, ...] = ()
    _settling: dict[Path, float] = field(default_factory=dict)
    _first: bool = True
    _at_start: set[str] = field(default_factory=set)

    def read(self, store: Store | None = None, kept_rows: Iterable[KeptPolicy] = ()) -> Policies:
        """The policies now. ``store``: where last good versions are kept; without it files with mistakes count as none.

        ``kept_rows``: without a store, the last good versions, by which a file is known that was saved halfway.

        With a store that may be written, changes are logged, and the versions of files that are gone are forgotten.

        A clinic that two files claim is served by neither, also when one of them was in force before.
        """
        before, self._read, self._settling = self._read, {}, {}
        rows = kept_rows if store is None else kept_policies(store)
        earlier = {self.folder / row.file: row for row in rows}
        kept = {} if store is None else earlier

        def whole(path: Path) -> PolicyFile:
            return refuse_half(self._one(path, before.get(path), earlier.values()), earlier.get(path))

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
        self._first = False
        return Policies(
            files=tuple(in_force[path] for path in sorted(in_force)),
            problems=tuple(problems),
            stand_ins=frozenset(stand_ins),
            settling=dict(self._settling),
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
            return files, [Problem(self.folder, message, hint=nearly_policies(self.folder) or START_HINT)]
        for path in paths:
            try:
                files.append(read(path))
            except ConfigurationError as error:
                problems += error.problems
            except _NotStill:
                continue
        problems += [_unknown_office(file, self.offices) for file in files if file.office not in self.offices]
        return [file for file in files if file.office in self.offices], problems

    def _one(self, path: Path, before: _Read | None, kept: Collection[KeptPolicy]) -> PolicyFile:
        """One file, parsed or remembered; the version before it while it is being written.

        Raises:
            ConfigurationError: it cannot be read, or has mistakes.
            _NotStill: it is being written, and there is no version before it.
        """
        try:
            raw = read_bytes(path)
        except ConfigurationError as error:
            self._read[path] = (UNREADABLE, error)
            raise
        fingerprint = hashlib.sha256(raw).hexdigest()
        if before is None or before[0] != fingerprint:
            new = fingerprint, _verdict(raw, path)
            before = self._when_still(path, raw, new, before, kept)
        self._read[path] = before
        if isinstance(before[1], ConfigurationError):
            raise before[1]
        if before[1] is None:
            raise _NotStill
        return before[1]

    def _when_still(
        self, path: Path, raw: bytes, new: _Read, before: _Read | None, kept: Collection[KeptPolicy]
    ) -> _Read:
        """The ``new`` version if it may count, else the one before it: of this process, or as the state keeps it.

        It counts at once when it is a version that was in force before, also under another name, and when there was
        none before it and it cannot send. One that may be the beginning of a longer file waits longer.
        """
        if self.stillness is None:
            return new
        seconds = self.stillness.seconds(path, raw, first=self._first)
        file, earlier = new[1], before[1] if before is not None else _row_of(path, kept)
        sends = _sends(file)
        if self._first:
            self._at_start.add(new[0])
        if isinstance(file, PolicyFile) and any(file.source.text == row.text for row in kept):
            return new
        if earlier is None and not sends and (self._first or isinstance(file, PolicyFile)):
            return new
        stands = earlier if isinstance(earlier, PolicyFile) else _row_of(path, kept)
        less = isinstance(file, PolicyFile) and stands is not None and leaves_out(stands.source.text, file.source.text)
        begins = sends and not _sends(stands) and new[0] not in self._at_start
        needed = STILL_WHEN_LESS if less or begins else STILL
        if seconds >= needed:
            return new
        self._settling[path] = needed - seconds
        return NOT_STILL, earlier

    def _tell(self, before: Mapping[Path, tuple[str, object]], problems: tuple[Problem, ...]) -> None:
        """Log what changed since the last reading, with the same words that ``check`` prints."""
        for path in sorted(self._read):
            earlier, now = before.get(path, ("", None))[0], self._read[path][0]
            if now == NOT_STILL != earlier:
                log.info("policy.settling file=%s seconds=%.0f", path.name, self._settling[path])
            elif path in before and now not in {earlier, NOT_STILL}:
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
    guess = nearest(file.office, offices)
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


def policy_book(settings: Settings, stillness: Stillness | None = None) -> PolicyBook:
    """The folder of policies that the settings name, for an asapfill that reads it again and again."""
    return PolicyBook(settings.policies, tuple(settings.offices), stillness)


def read_folder(settings: Settings, store: Store | None = None, kept_rows: Iterable[KeptPolicy] = ()) -> Policies:
    """That folder as it is now, read once. ``store``, ``kept_rows``: see ``PolicyBook.read``."""
    return policy_book(settings).read(store, kept_rows)


def no_policy(settings: Settings, offices: Iterable[str]) -> Problem:
    """What to say when nobody wrote a policy for an office that is to be served."""
    names = ", ".join(sorted(offices))
    return Problem(
        settings.policies,
        f"There is no policy for {names}.",
        hint=nearly_policies(settings.policies) or START_HINT,
    )


def nearly_policies(folder: Path) -> str:
    """What to do about files that were meant as policies and are not read; empty when there is none."""
    try:
        names = sorted(path.name for path in folder.iterdir() if NEARLY.search(path.name))
    except OSError:
        return ""
    if not names:
        return ""
    right = NEARLY.sub(r".\1", names[0])
    return (
        f"{', '.join(names)} is not read: a policy's name ends in .yaml. Rename it to {right} (Windows hides endings)."
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


def _sends(file: object) -> bool:
    """Whether by this version, if it is one, anything may be sent."""
    return isinstance(file, PolicyFile) and file.mode != "preview"


def _row_of(path: Path, kept: Iterable[KeptPolicy]) -> PolicyFile | None:
    """The version of a file that the state keeps, if there is one."""
    return next((_parsed(row, path) for row in kept if row.file == path.name), None)


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
