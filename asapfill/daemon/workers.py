"""The threads in which cycles run: a bounded number of them, to which APScheduler hands what is due.

They do not keep the process alive, as those of APScheduler's own executors do: a thread that waits for a name server or
for a connection to a dead machine cannot be interrupted, and has nothing to lose.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from queue import SimpleQueue
from typing import Any

from apscheduler.executors.base import BaseExecutor, run_job

log = logging.getLogger(__name__)


class WorkerPool(BaseExecutor):  # type: ignore[misc]  # APScheduler ships no types
    """An executor of APScheduler with at most ``workers`` threads, started when they are needed.

    ``at_end``: called in each thread when it ends.
    """

    def __init__(self, name: str, workers: int, at_end: Callable[[], None]) -> None:
        super().__init__()
        self.name = name
        self.workers = workers
        self._at_end = at_end
        self._queue: SimpleQueue[tuple[Any, Sequence[datetime]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._unfinished: set[str] = set()
        self._guard = threading.Lock()
        self._ended = False

    @property
    def busy(self) -> bool:
        """Whether every worker has something to do, so that the next job must wait."""
        with self._guard:
            return len(self._unfinished) >= self.workers

    def has(self, job_id: str) -> bool:
        """Whether a job waits for a worker here, or runs."""
        with self._guard:
            return job_id in self._unfinished

    def alive(self) -> int:
        """How many threads have not ended."""
        return sum(thread.is_alive() for thread in self._threads)

    def shutdown(self, wait: bool = True) -> None:  # noqa: FBT001, FBT002  APScheduler's own signature
        """Begin nothing more; with ``wait`` return when the last thread has ended."""
        with self._guard:
            self._ended = True
        for _ in self._threads:
            self._queue.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def _do_submit_job(self, job: Any, run_times: Sequence[datetime]) -> None:  # noqa: ANN401  APScheduler's job
        with self._guard:
            self._unfinished.add(job.id)
            if len(self._threads) < min(len(self._unfinished), self.workers):
                self._add_thread()
        self._queue.put((job, run_times))

    def _add_thread(self) -> None:
        """Start one more worker. If the machine has no thread left, the work waits for those that there are."""
        thread = threading.Thread(target=self._serve, name=f"{self.name} {len(self._threads) + 1}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            log.warning("daemon.no_thread lane=%s threads=%d", self.name, len(self._threads))
        else:
            self._threads.append(thread)

    def _serve(self) -> None:
        """One worker: one job after the other, until the pool is shut down."""
        try:
            while (item := self._queue.get()) is not None:
                if not self._ended:
                    self._run(*item)
        finally:
            self._at_end()

    def _run(self, job: Any, run_times: Sequence[datetime]) -> None:  # noqa: ANN401  APScheduler's job
        try:
            events = run_job(job, "default", run_times, f"apscheduler.executors.{self.name}")
        finally:
            with self._guard:
                self._unfinished.discard(job.id)
        self._run_job_success(job.id, events)
