"""The way to one office: addresses in order, retries for reads, and never a write that might arrive twice.

A single exchange is in ``exchange``, what an answer means in ``answers``, how lists are paged in ``paging``, what
there is to ask for in ``client``.
"""

from __future__ import annotations

import json
import logging
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_exponential_jitter,
)

from asapfill import __version__
from asapfill.clock import Clock, SystemClock
from asapfill.opendental.answers import Call, refusal, value
from asapfill.opendental.errors import (
    Answered,
    OpenDentalError,
    OutOfTime,
    Throttled,
    Unknown,
    Unreachable,
    WrongKey,
)
from asapfill.opendental.exchange import AMPLE, HttpClient, Network, TimeLimits
from asapfill.opendental.gate import Gate, gate_for

log = logging.getLogger(__name__)

Parameters = Mapping[str, str | int]

REMOTE_HOST = "api.opendental.com"
REMOTE_SECONDS = 1.0
REMOTE_LIMIT = 100
NEAR_LIMIT = 1000
"""Rows a page may have: 100 from the remote API, 1000 from the local and service ones (Open Dental)."""

_ATTEMPTS = 4
_COME_BACK = 300.0
"""Seconds on a later address before the first one is tried again."""
_HOLD_AFTER_429 = 5.0
"""Seconds, when a 429 names none: the longest interval that Open Dental has (a key with nothing but Read All)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A good answer to a read: its JSON, and how many rows a page could have had at the address that gave it."""

    value: Any
    limit: int


class Connection:
    """The way to one office. Use one per thread; connections with the same customer key share their gates."""

    def __init__(  # noqa: PLR0913  an office is reached through many settings
        self,
        office: str,
        urls: Sequence[str],
        developer_key: str,
        customer_key: str,
        *,
        clock: Clock,
        seconds_between_requests: float | None = None,
        requests_per_minute: int | None = None,
        stop: threading.Event | None = None,
        network: Network,
        on_request: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepare, without any network yet.

        Raises ValueError for no or malformed urls, WrongKey for keys that cannot be sent.
        """
        if not urls:
            raise ValueError(f"office {office}: the settings name no url for it")
        for key in (developer_key, customer_key):
            if not (key and key.isascii() and key.isprintable() and " " not in key):
                raise WrongKey(
                    f"Office {office}: a key is empty or holds characters that no key has (a blank, a line end?). "
                    "Check where the settings take the developer key and the customer key from."
                )
        self._office = office
        self._secrets = (customer_key, developer_key)
        self._clock = clock
        self._stop = stop
        self._on_request = on_request
        headers = {
            "Authorization": f"ODFHIR {developer_key}/{customer_key}",
            "Content-Type": "application/json",
            "Accept": "application/json",
            "User-Agent": f"asapfill/{__version__}",
        }
        self._addresses = [
            _Address(
                url,
                customer_key,
                clock,
                (seconds_between_requests, requests_per_minute),
                HttpClient(headers, network),
                office,
            )
            for url in urls
        ]
        # Writes get a fresh connection each: one that was kept open may be closed by the server just as we use it,
        # and then we could not tell whether the office got the request.
        self._writing = HttpClient(headers, network, keep_open=False)
        self._first = 0
        self._come_back_at = 0.0
        self._real = SystemClock()
        self.begin(AMPLE)

    def _clients(self) -> list[HttpClient]:
        return [self._writing, *(address.client for address in self._addresses)]

    def close(self) -> None:
        """Close the sockets."""
        for client in self._clients():
            client.close()

    def cut(self) -> None:
        """Break off the request under way, for a quick end; any thread may call it. A write is then ``Unknown``."""
        for client in self._clients():
            client.cut()

    def begin(self, limits: TimeLimits) -> None:
        """A cycle, or a command, begins: count its time anew."""
        self._limits = limits
        self._began = self._real.monotonic()
        self._answered = False
        self.failing = False

    @property
    def page_rows(self) -> int:
        """Rows that a page may have at the address that answered last."""
        return self._addresses[self._first].limit

    def get(self, path: str, parameters: Parameters | None = None, *, offset: int | None = None) -> Reply:
        """Read ``path``, at whichever address answers, again if need be.

        ``offset``: ask for the page that begins there; its size is what the address allows.

        Raises OpenDentalError: of the last attempt at the last address; OutOfTime see ``begin``.
        """
        attempts = 1 if self._limits.probe and not self._answered else _ATTEMPTS
        retrying = Retrying(
            reraise=True,
            stop=stop_after_attempt(attempts) | stop_after_delay(self._limits.retrying),
            wait=wait_exponential_jitter(multiplier=0.5, max=8, jitter=0.5),
            retry=retry_if_exception_type((Unreachable, Throttled, Unknown)),
            sleep=lambda seconds: self._clock.sleep(seconds, self._stop),
            before_sleep=self._log_retry,
        )
        try:
            reply: Reply = retrying(self._read_anywhere, path, dict(parameters or {}), offset)
        except (Unreachable, Unknown, Throttled, WrongKey):
            self.failing = not self._is_stopping()
            raise
        except OutOfTime:
            self.failing = not self._answered
            raise
        self._answered, self.failing = True, False
        return reply

    def _is_stopping(self) -> bool:
        return self._stop is not None and self._stop.is_set()

    def send(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:  # noqa: ANN401  JSON
        """Write once, and never again: at the next address only if the one before surely got nothing.

        Returns the JSON of the answer, or None if it is empty.

        Raises OpenDentalError: NotSent, Answered and Unknown tell what may have happened (see ``errors``).
        """
        content = None if body is None else json.dumps(body).encode()
        failures: list[Unreachable] = []
        for address in self._in_order():
            try:
                answered = self._exchange(address, self._writing, method, path, "", content)
            except Unreachable as failure:
                failures.append(failure)
                continue
            self._settle_on(address)
            return answered
        raise failures[-1]

    def _read_anywhere(self, path: str, parameters: dict[str, str | int], offset: int | None) -> Reply:
        """One pass over the addresses, until one answers."""
        failures: list[OpenDentalError] = []
        for address in self._in_order():
            page = {} if offset is None else {"Limit": address.limit, "Offset": offset}
            query = urlencode({**parameters, **page}, quote_via=quote, safe="")
            try:
                answered = self._exchange(address, address.client, "GET", path, query, None)
            except (Unreachable, Unknown) as failure:
                failures.append(failure)
                log.warning(
                    "office.no_answer office=%s host=%s status=%s kind=%s",
                    self._office,
                    address.host,
                    failure.status,
                    type(failure).__name__,
                )
                continue
            except Answered:
                self._settle_on(address)
                raise
            self._settle_on(address)
            return Reply(answered, address.limit)
        raise failures[-1]

    def _exchange(
        self, address: _Address, client: HttpClient, method: str, path: str, query: str, content: bytes | None
    ) -> Any:  # noqa: ANN401  JSON
        """One request to one address, through its gate."""
        call = Call(self._office, method, path, address.host)
        self._hurry(call, address)
        deadline = math.inf
        if method == "GET":
            deadline = self._limits.answer if self._answered else self._limits.first
        url = f"{address.url}{path}{'?' if query else ''}{query}"
        with address.gate.turn(self._stop):
            self._on_request()
            answer = client.exchange(call, url, content, deadline)
            log.debug("office.answered office=%s call=%s %s status=%d", self._office, method, path, answer.status)
            if answer.ok:
                return value(answer, call)
            error = refusal(answer, call, self._secrets)
            if isinstance(error, Throttled):
                address.gate.hold(_HOLD_AFTER_429 if answer.retry_after is None else answer.retry_after)
            raise error

    def _hurry(self, call: Call, address: _Address) -> None:
        """Do not begin, or wait for the gate, when the cycle has no time for it.

        Raises OutOfTime: the request has not left.
        """
        left = self._limits.cycle - (self._real.monotonic() - self._began)
        if left <= 0 or address.gate.seconds_to_wait / self._clock.speed > min(left, self._limits.waiting):
            raise OutOfTime(
                f"{call}: this cycle has taken as long as one may, so this was not asked. The office, or the network "
                "to it, is slow, or asks us to wait; the next cycle goes on."
            )

    def _in_order(self) -> list[_Address]:
        """The addresses, beginning with the one that worked last; after a while the first gets its chance again."""
        if self._first and self._clock.monotonic() >= self._come_back_at:
            self._first = 0
        first = self._addresses[self._first]
        return [first, *(address for address in self._addresses if address is not first)]

    def _settle_on(self, address: _Address) -> None:
        """Remember the address that answered."""
        position = self._addresses.index(address)
        if position != self._first:
            self._first = position
            self._come_back_at = self._clock.monotonic() + _COME_BACK
            log.info("office.address_changed office=%s host=%s", self._office, address.host)

    def _log_retry(self, state: RetryCallState) -> None:
        failure = state.outcome.exception() if state.outcome else None
        log.info(
            "office.retry office=%s attempt=%d kind=%s",
            self._office,
            state.attempt_number,
            type(failure).__name__,
        )


class _Address:
    """One url of the office, with what its mode allows."""

    def __init__(
        self,
        url: str,
        customer_key: str,
        clock: Clock,
        pace: tuple[float | None, int | None],
        client: HttpClient,
        office: str,
    ) -> None:
        try:
            parts = urlsplit(url)
            self.host = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
        except ValueError as error:
            raise ValueError(f"office {office}: the settings name a url that cannot be read: {error}") from error
        remote = parts.hostname == REMOTE_HOST
        seconds, per_minute = pace
        if seconds is None:
            seconds = REMOTE_SECONDS if remote else 0.0
        self.url = url.rstrip("/")
        self.limit = REMOTE_LIMIT if remote or seconds > 0 else NEAR_LIMIT
        self.gate: Gate = gate_for(customer_key, self.host, clock, seconds, per_minute)
        self.client = client
