"""What can go wrong between asapfill and an office, as one small tree.

::

    OpenDentalError
    ├── NotSent                 the request never left, or never reached the office: nothing happened there
    │   ├── Unreachable         no address of the office took the request
    │   └── OutOfTime           the cycle has taken as long as one may: nothing further is asked in it
    ├── Answered                the office answered, and the answer is no: nothing happened there
    │   ├── WrongKey            401: the key is wrong, disabled, or not enabled by the office
    │   ├── MissingPermission   401: the key is right, this permission is missing
    │   ├── NotFound            404: no such row
    │   ├── TooOld              this Open Dental does not know the resource or method yet
    │   ├── Throttled           429, or words to that effect, after all retries
    │   └── Refused             400 and whatever else says no
    └── Unknown                 no clear answer: the request may or may not have taken effect
        └── NotOpenDental       an answer that no Open Dental API gives (HTML, a redirect, a broken list)

A read may be repeated after any of them. A POST may be repeated only after NotSent; after Unknown the
journal has to find out first.

The text of each error is one paragraph for a person: what happened, at which office and resource, what to do. Keys
and query values never appear in it. Which answer becomes which error is decided in ``answers``.
"""

from __future__ import annotations

from typing import ClassVar

from asapfill.core.errors import AsapfillError


class OpenDentalError(AsapfillError):
    """Anything that went wrong with a request.

    ``status`` is the HTTP status if there was an answer. ``text`` holds the server's own words: one line of at most
    200 characters, never HTML, never a key.

    ``code``: what stands for it in the state and in notices, which never quote what an office's server said; ``other``
    where a person can only read the sentence in ``status``.
    """

    code: ClassVar[str] = "other"

    def __init__(self, message: str, *, status: int | None = None, text: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.text = text


class NotSent(OpenDentalError):  # noqa: N818  the tree reads in the words of the journal: not sent, answered, unknown
    """The request never reached the office: nothing happened there."""

    code = "not_sent"


class Unreachable(NotSent):
    """No address of the office took the request."""


class OutOfTime(NotSent):
    """The cycle has taken as long as one may: nothing further is asked in it."""

    code = "out_of_time"


class Answered(OpenDentalError):  # noqa: N818  see NotSent
    """The office answered, and the answer is no: nothing happened there."""


class WrongKey(Answered):
    """401: the key is wrong, disabled, or not enabled by the office; or a key that no header can carry."""

    code = "wrong_key"


class MissingPermission(Answered):
    """401: the key is right, but it has not got this permission."""

    code = "missing_permission"


class NotFound(Answered):
    """404: no such row."""


class TooOld(Answered):
    """This version of Open Dental does not know the resource or the method yet."""

    code = "too_old"


class Throttled(Answered):
    """The office asks for fewer requests; for a GET after all retries."""

    code = "throttled"


class Refused(Answered):
    """400, and whatever else says no."""


class Unknown(OpenDentalError):  # noqa: N818  see NotSent
    """No clear answer: the request may or may not have taken effect."""

    code = "no_answer"


class NotOpenDental(Unknown):
    """An answer that no Open Dental API gives."""

    code = "not_open_dental"
