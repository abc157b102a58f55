"""Grade submissions on the cores of this machine or on a cluster."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.queues import SimpleQueue
from typing import Protocol

from autograder.grading.batch import get_ready, grade_batch
from autograder.jail import tiers
from autograder.model import answer_key
from autograder.model.errors import UserError
from autograder.model.no_verdict import grader_error
from autograder.model.report import Report
from autograder.model.topic import Topic

_BATCH = 8  # submissions that share one collection of the suite
Batch = Sequence[tuple[str, bytes]]  # submissions by name
Graded = Iterator[tuple[str, Report]]
# results as they are ready, and the batches that were lost
_Attempt = tuple[Iterator[tuple[str, Report | str]], list[Batch]]


class Runner(Protocol):
    """Grades submissions. Each has a name, under which its Report is returned."""

    def tier(self) -> str:
        """The tier of its jail; NoJail if it has none."""

    def run(self, answers: bytes, work: Batch) -> Graded:
        """Yield the Reports as they are ready."""

    def close(self) -> None:
        """Release processes and connections."""


def runner(submissions: int, workers: int | None, cluster: str | None, unsafe: bool) -> Runner:
    """The Runner for so many submissions: a cluster, a pool of processes, or this process."""
    if cluster is not None:
        return Cluster(cluster, unsafe)
    workers = min(workers or os.cpu_count() or 1, submissions)
    return Here(unsafe) if workers == 1 else Pool(workers, unsafe)


class Here:
    """Grades in this process, one submission after another."""

    def __init__(self, unsafe: bool = False) -> None:
        self._unsafe = unsafe

    def tier(self) -> str:
        return tiers.best(self._unsafe).tier

    def run(self, answers: bytes, work: Batch) -> Graded:
        for batch in _batches(work, _BATCH):
            reports = grade_batch(answers, [submission for _, submission in batch], self._unsafe)
            yield from _named([name for name, _ in batch], reports)

    def close(self) -> None:
        """There is nothing to release."""


class Pool:
    """Grades on several processes of this machine.

    The submissions of a process that dies are graded again, one at a time. Only one that kills its
    process twice gets no verdict.
    """

    def __init__(self, workers: int, unsafe: bool = False) -> None:
        self._workers, self._unsafe = workers, unsafe
        self._start()

    def _start(self) -> None:
        """Start the processes now, so that they get ready while this one works."""
        # Never fork this process: a copy would inherit the gradebook's connections and threads.
        methods = multiprocessing.get_all_start_methods()
        context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
        # imported once for all of them
        context.set_forkserver_preload(["autograder.grading.batch"])
        places = context.SimpleQueue()
        for place in range(self._workers):
            places.put(place)
        self._pool = ProcessPoolExecutor(
            self._workers, mp_context=context, initializer=_settle, initargs=(places, self._workers)
        )
        self._ready = [self._pool.submit(get_ready, self._unsafe) for _ in range(self._workers)]

    def tier(self) -> str:
        return self._ready[0].result()

    def run(self, answers: bytes, work: Batch) -> Graded:
        """Yield the Reports as they are ready. The processes have started when this returns."""
        size = max(1, min(_BATCH, len(work) // (3 * self._workers)))
        coming = _batches(work, size)
        return self._graded(answers, coming, self._attempt(answers, coming))

    def _graded(self, answers: bytes, coming: Iterator[Batch], attempt: _Attempt) -> Graded:
        topic, suspects = answer_key.from_bytes(answers).topic, list[Batch]()
        while True:
            results, lost = attempt
            yield from _reports(topic, results)
            if not lost:
                break
            suspects += lost
            self._restart()
            attempt = self._attempt(answers, coming)
        for one in ([submission] for batch in suspects for submission in batch):
            # each alone, so that no other is lost with it
            results, lost = self._attempt(answers, iter([one]))
            yield from _reports(topic, results)
            if lost:
                self._restart()
                yield (
                    one[0][0],
                    grader_error(
                        topic, "the grading process died of it, twice; is there enough memory?"
                    ),
                )

    def _attempt(self, answers: bytes, coming: Iterator[Batch]) -> _Attempt:
        """Grade until all is done or a process dies. The list then holds the unfinished batches."""
        lost: list[Batch] = []

        def submit(batch: Batch) -> Future[list[str]]:
            return self._pool.submit(
                grade_batch, answers, [submission for _, submission in batch], self._unsafe
            )

        return bounded(submit, coming, 2 * self._workers, lost), lost

    def _restart(self) -> None:
        self.close()
        self._start()

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


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


def bounded(
    submit: Callable[[Batch], Future[list[str]]],
    coming: Iterator[Batch],
    most: int,
    lost: list[Batch],
) -> Iterator[tuple[str, Report | str]]:
    """Keep at most `most` batches running, so that memory does not grow with the class.

    It starts at once and ends when a process dies; `lost` then holds the unfinished batches. Any
    other error becomes the reason of each submission in its batch.
    """
    running: dict[Future[list[str]], Batch] = {}

    def fill() -> None:
        while len(running) < most and not lost and (batch := next(coming, None)):
            try:
                running[submit(batch)] = batch
            except BrokenProcessPool:
                lost.append(batch)

    def results() -> Iterator[tuple[str, Report | str]]:
        while running and not lost:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                batch = running.pop(future)
                try:
                    yield from _named([name for name, _ in batch], future.result())
                except BrokenProcessPool:
                    lost.append(batch)
                except Exception as error:  # our own fault; the other submissions go on
                    yield from ((name, f"{type(error).__name__}: {error}") for name, _ in batch)
            fill()
        lost.extend(running.values())

    fill()
    return results()


def _reports(topic: Topic, results: Iterator[tuple[str, Report | str]]) -> Graded:
    for name, result in results:
        yield name, result if isinstance(result, Report) else grader_error(topic, result)


def _settle(places: "SimpleQueue[int]", workers: int) -> None:
    """Prepare a process: end with its parent, and use a core of its own if there are enough.

    A grader and its worker take turns. On one core they hand over without waking another, which
    saved an eighth of the time.
    """
    _end_with_parent()
    place = places.get()
    if sys.platform == "linux" and workers == len(cores := sorted(os.sched_getaffinity(0))):
        os.sched_setaffinity(0, {cores[place]})


def _end_with_parent() -> None:
    """End this process when its parent dies, so that no killed grader leaves processes behind."""

    def watch() -> None:
        parent = multiprocessing.parent_process()
        assert parent is not None
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _named(names: Iterable[str], reports: Iterable[str]) -> Graded:
    for name, text in zip(names, reports, strict=True):
        yield name, Report.from_json(text)


def _batches(work: Batch, size: int) -> Iterator[Batch]:
    return (work[i : i + size] for i in range(0, len(work), size))
