"""A lane: a bounded number of threads in which cycles run, for APScheduler to hand them to.

Threads of a lane do not keep the process alive: one that waits for a name server or for a connection to a dead machine
cannot be broken off, and has nothing to lose.
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
    """An executor of APScheduler with at most ``workers`` threads, made when they are needed.

    ``leave``: called in each thread when it ends.
    """

    def __init__(self, name: str, workers: int, leave: Callable[[], None]) -> None:
        super().__init__()
        self.name = name
        self.workers = workers
        self._leave = leave
        self._work: SimpleQueue[tuple[Any, Sequence[datetime]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._unfinished = 0
        self._count = threading.Lock()
        self._ended = False

    @property
    def busy(self) -> bool:
        """Whether every worker has something to do, so that whoever comes must wait."""
        with self._count:
            return self._unfinished >= self.workers

    def shutdown(self, wait: bool = True) -> None:  # noqa: FBT001, FBT002  APScheduler's own signature
        """Begin nothing more; with ``wait`` return when the last thread has ended."""
        with self._count:
            self._ended = True
        for _ in self._threads:
            self._work.put(None)
        if wait:
            for thread in self._threads:
                thread.join()

    def alive(self) -> int:
        """How many threads have not ended."""
        return sum(thread.is_alive() for thread in self._threads)

    def _do_submit_job(self, job: Any, run_times: Sequence[datetime]) -> None:  # noqa: ANN401  APScheduler's job
        with self._count:
            self._unfinished += 1
            if self._unfinished > len(self._threads) < self.workers:
                self._add_thread()
        self._work.put((job, run_times))

    def _add_thread(self) -> None:
        """One worker more. If the machine has no thread left, the work waits for those that there are."""
        thread = threading.Thread(target=self._serve, name=f"{self.name} {len(self._threads) + 1}", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            log.warning("daemon.no_thread lane=%s threads=%d", self.name, len(self._threads))
        else:
            self._threads.append(thread)

    def _serve(self) -> None:
        """One worker: a job after the other, until the lane is shut down."""
        try:
            while (item := self._work.get()) is not None:
                if not self._ended:
                    self._run(*item)
        finally:
            self._leave()

    def _run(self, job: Any, run_times: Sequence[datetime]) -> None:  # noqa: ANN401  APScheduler's job
        try:
            events = run_job(job, job._jobstore_alias, run_times, self._logger.name)  # noqa: SLF001  as its own executors do
        finally:
            with self._count:
                self._unfinished -= 1
        self._run_job_success(job.id, events)
