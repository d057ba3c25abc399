"""What a notice is, as plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass

Key = tuple[str, str, str]
"""Office, code and subject: there is one notice of each at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something that needs a person. No names of patients, no phones, no texts, no words of an office's server.

    Attributes:
        office: the office's name in the settings; empty for the whole installation.
        code: what kind of thing it is; a stable word.
        subject: which one, where an office can have several of a kind: a policy's file, a reason; else empty.
        about: what makes it another thing to tell: a new value is told again, a new ``message`` alone is not.
        title: in a few words.
        message: what it means and what to do.
    """

    office: str
    code: str
    subject: str = ""
    about: str = ""
    title: str
    message: str

    @property
    def key(self) -> Key:
        """What there is only one of."""
        return (self.office, self.code, self.subject)

    @property
    def place(self) -> str:
        """Whose it is, for a list."""
        return self.office or "all offices"
