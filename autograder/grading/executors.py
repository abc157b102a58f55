"""Grade submissions on the cores of this machine or on a cluster."""

import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any, Protocol

from autograder.grading.batch import get_ready, grade_batch
from autograder.grading.disposable import Disposable
from autograder.model import answer_key
from autograder.model.errors import UserError
from autograder.model.no_verdict import grader_error
from autograder.model.report import Report
from autograder.model.topic import Topic

_BATCH = 8  # submissions that share one collection of the suite
_OWN_CPU = 120.0  # CPU seconds that one submission may cost the grader itself
_OPENING = 120.0  # seconds in which a process must open its jail
# times the CPU limits of all exercises: a sleeper has six, and half as much for pictures
_WALL = 20.0
Batch = Sequence[tuple[str, bytes]]  # submissions by name
Graded = Iterator[tuple[str, Report]]


class Runner(Protocol):
    """Grades submissions. Each has a name, under which its Report is returned."""

    def tier(self) -> str:
        """The tier of its jail; NoJail if it has none."""

    def run(self, answers: bytes, work: Batch) -> Graded:
        """Yield the Reports as they are ready."""

    def close(self) -> None:
        """Release processes and connections."""


def runner(submissions: int, workers: int | None, cluster: str | None, unsafe: bool) -> Runner:
    """The Runner for so many submissions: a cluster, or a pool of processes."""
    if cluster is not None:
        return Cluster(cluster, unsafe)
    return Pool(min(workers or os.cpu_count() or 1, submissions), unsafe)


class Pool:
    """Grades on processes of this machine, each of which may die of a submission.

    The batch of a process that dies is graded again, one submission at a time. Only one that kills
    its process twice gets no verdict.
    """

    def __init__(self, workers: int, unsafe: bool = False) -> None:
        self._unsafe, self._closed = unsafe, False
        self._processes = [Disposable(core) for core in _cores(workers)]
        self._threads = ThreadPoolExecutor(workers)  # one waits for each process
        # Now, so that they get ready while this process works.
        self._ready = [
            self._threads.submit(p.call, get_ready, unsafe, cpu=_OWN_CPU, wall=_OPENING)
            for p in self._processes
        ]

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    def tier(self) -> str:
        return str(self._ready[0].result())

    def run(self, answers: bytes, work: Batch) -> Graded:
        """Yield the Reports as they are ready. The processes have started when this returns."""
        topic = answer_key.from_bytes(answers).topic
        size = max(1, min(_BATCH, len(work) // (3 * len(self._processes))))
        coming, lock = _batches(work, size), threading.Lock()
        done: SimpleQueue[tuple[str, Report] | BaseException | None] = SimpleQueue()

        def take() -> Batch | None:
            with lock:
                return None if self._closed else next(coming, None)

        def labour(process: Disposable) -> None:
            try:
                while (batch := take()) is not None:
                    for named in self._graded(process, topic, answers, batch):
                        done.put(named)
                done.put(None)
            except BaseException as error:  # or it would be lost with the thread
                done.put(error)

        for process in self._processes:
            self._threads.submit(labour, process)
        return _until(done, len(self._processes))

    def _graded(self, process: Disposable, topic: Topic, answers: bytes, batch: Batch) -> Graded:
        try:
            yield from self._attempt(process, topic, answers, batch)
        except Exception:  # the process died or failed: find out which submission it was
            for one in batch:
                try:
                    yield from self._attempt(process, topic, answers, [one])
                except Exception as error:
                    if self._closed:
                        return
                    yield one[0], grader_error(topic, f"it could not be graded, twice: {error}")

    def _attempt(self, process: Disposable, topic: Topic, answers: bytes, batch: Batch) -> Graded:
        submissions, limits = [data for _, data in batch], _limits(topic, len(batch))
        texts = process.call(grade_batch, answers, submissions, self._unsafe, **limits)
        return _named([name for name, _ in batch], texts)

    def close(self) -> None:
        self._closed = True
        for process in self._processes:
            process.close()
        self._threads.shutdown(wait=False, cancel_futures=True)


class Cluster:
    """Grades on the workers of a Dask scheduler, which reruns the submissions of a lost worker."""

    def __init__(self, address: str, unsafe: bool = False, patience: float = 10) -> None:
        self._unsafe = unsafe
        try:
            from distributed import Client
        except ImportError:
            raise UserError(
                "--cluster needs Dask; install it: pip install 'first-principles-kit[cluster]'"
            ) from None
        try:
            self._client = Client(address, timeout=patience)
        except (OSError, ValueError) as error:
            raise UserError(
                f"there is no Dask scheduler at {address} ({error}); start one: dask scheduler"
            ) from None

    def wait_for(self, workers: int, seconds: float) -> None:
        """Wait for so many workers. UserError if they do not come in time."""
        try:
            self._client.wait_for_workers(workers, timeout=seconds)
        except TimeoutError:
            raise UserError(
                f"fewer than {workers} workers came to the cluster in {seconds:g} s"
            ) from None

    def tier(self) -> str:
        """The weakest tier of all workers: what the class can rely on."""
        found = self._client.run(get_ready, self._unsafe)
        if not found:
            raise UserError("the cluster has no workers; start some: dask worker ADDRESS")
        return str(max(found.values()))

    def run(self, answers: bytes, work: Batch) -> Graded:
        from distributed import as_completed

        topic = answer_key.from_bytes(answers).topic
        everywhere = self._client.scatter(answers, broadcast=True)
        futures = {
            self._client.submit(
                grade_batch, everywhere, [submission], self._unsafe, pure=False, retries=2
            ): name
            for name, submission in work
        }
        for future in as_completed(futures):
            if future.status == "finished":
                yield from _named([futures[future]], future.result())
            else:
                yield (
                    futures[future],
                    grader_error(topic, f"the cluster could not run it ({future.exception()})"),
                )

    def close(self) -> None:
        self._client.close()


def _limits(topic: Topic, submissions: int) -> dict[str, float]:
    """The grader's own limits for so many submissions. The limits on a student's code are far lower:
    these stop our own code if it never ends.
    """
    seconds = sum(e.cpu_seconds + topic.cpu_seconds for e in topic.exercises)
    return {"cpu": _OWN_CPU * submissions, "wall": (_OPENING + _WALL * seconds) * submissions}


def _until(done: "SimpleQueue[Any]", workers: int) -> Graded:
    """Yield what arrives until every worker is done."""
    while workers:
        named = done.get()
        if isinstance(named, BaseException):
            raise named
        if named is None:
            workers -= 1
        else:
            yield named


def _cores(workers: int) -> list[int | None]:
    """A core for each process if there are enough, else None for each.

    A grader and its worker take turns. On one core they hand over without waking another, which
    saved an eighth of the time.
    """
    if sys.platform == "linux" and workers == len(cores := sorted(os.sched_getaffinity(0))):
        return [*cores]
    return [None] * workers


def _named(names: Iterable[str], reports: Iterable[str]) -> Graded:
    for name, text in zip(names, reports, strict=True):
        yield name, Report.from_json(text)


def _batches(work: Batch, size: int) -> Iterator[Batch]:
    return (work[i : i + size] for i in range(0, len(work), size))
