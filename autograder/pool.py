"""Run grading jobs on the cores of this machine, or on a cluster, and take the Reports as they come."""

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Protocol

from autograder import answers as answers_file
from autograder import jobs
from autograder.errors import UserError
from autograder.results import Report

_BATCH = 4  # submissions that share one collection of the suite
Batch = Sequence[tuple[str, bytes]]  # jobs by name
Graded = Iterator[tuple[str, Report]]


class Runner(Protocol):
    """Something that grades jobs. Each comes with a name, under which its Report is handed back."""

    def run(self, answers: bytes, work: Batch) -> Graded: ...


def runner(submissions: int, workers: int | None, cluster: str | None, unsafe: bool) -> Runner:
    """Where to grade so many submissions: on a cluster, on some cores, or right here."""
    if cluster is not None:
        return Cluster(cluster, unsafe)
    workers = min(workers or os.cpu_count() or 1, submissions)
    return Here(unsafe) if workers == 1 else Pool(workers, unsafe)


class Here:
    """In this process, one after another."""

    def __init__(self, unsafe: bool = False) -> None:
        self._unsafe = unsafe

    def run(self, answers: bytes, work: Batch) -> Graded:
        for batch in _batches(work, _BATCH):
            yield from _named(
                [name for name, _ in batch], jobs.grade_batch(answers, [job for _, job in batch], self._unsafe)
            )


class Pool:
    """On several processes of this machine. A process that dies costs a retry, and twice costs only its own jobs."""

    def __init__(self, workers: int, unsafe: bool = False) -> None:
        self._workers, self._unsafe = workers, unsafe

    def run(self, answers: bytes, work: Batch) -> Graded:
        spec = answers_file.from_bytes(answers)
        size = max(1, min(_BATCH, len(work) // (2 * self._workers)))
        left = list(_batches(work, size))
        for _attempt in (1, 2):
            failed: list[Batch] = []
            for name, result in self._attempt(answers, left, failed):
                yield name, result if isinstance(result, Report) else jobs.fault(spec, result)
            left = [[one] for batch in failed for one in batch]
            if not left:
                return
        for batch in left:
            for name, _ in batch:
                yield name, jobs.fault(spec, "the grading process ended without a word, twice; is there enough memory?")

    def _attempt(
        self, answers: bytes, batches: Iterable[Batch], failed: list[Batch]
    ) -> Iterator[tuple[str, Report | str]]:
        # Never forked: a copy of this process would carry the gradebook's connections and threads along.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self._workers, mp_context=context) as pool:

            def submit(batch: Batch) -> Future[list[str]]:
                return pool.submit(jobs.grade_batch, answers, [job for _, job in batch], self._unsafe)

            yield from bounded(submit, batches, 2 * self._workers, failed)


class Cluster:
    """On the workers of a Dask scheduler. It runs the jobs of a worker that is lost on another one."""

    def __init__(self, address: str, unsafe: bool = False) -> None:
        self._address, self._unsafe = address, unsafe

    def run(self, answers: bytes, work: Batch) -> Graded:
        try:
            from distributed import Client, as_completed
        except ImportError:
            raise UserError("--cluster needs Dask; install it: pip install 'autograder[cluster]'") from None
        try:
            client = Client(self._address, timeout=10)
        except (OSError, ValueError) as error:
            raise UserError(f"there is no Dask scheduler at {self._address} ({error}); start: dask scheduler") from None
        with client:
            everywhere = client.scatter(answers, broadcast=True)
            futures = {
                client.submit(jobs.grade_batch, everywhere, [job], self._unsafe, pure=False, retries=2): name
                for name, job in work
            }
            for future in as_completed(futures):
                if future.status == "finished":
                    yield from _named([futures[future]], future.result())
                else:
                    reason = f"the cluster could not run it ({future.exception()})"
                    yield futures[future], jobs.fault(answers_file.from_bytes(answers), reason)


def bounded(
    submit: Callable[[Batch], Future[list[str]]], batches: Iterable[Batch], most: int, failed: list[Batch]
) -> Iterator[tuple[str, Report | str]]:
    """Keep at most so many batches under way, so that memory does not grow with the class.

    What a process took with it when it died goes to `failed`; any other error becomes the reason of each job.
    """
    running: dict[Future[list[str]], Batch] = {}
    coming = iter(batches)
    broken = False
    while True:
        for batch in coming:
            if broken:
                failed.append(batch)
                continue
            try:
                running[submit(batch)] = batch
            except BrokenProcessPool:
                broken = True
                failed.append(batch)
            if len(running) >= most:
                break
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            batch = running.pop(future)
            try:
                yield from _named([name for name, _ in batch], future.result())
            except BrokenProcessPool:
                broken = True
                failed.append(batch)
            except Exception as error:  # of our own making, and it must not take the class with it
                yield from ((name, f"{type(error).__name__}: {error}") for name, _ in batch)


def _named(names: Iterable[str], reports: Iterable[str]) -> Graded:
    for name, text in zip(names, reports, strict=True):
        yield name, Report.from_json(text)


def _batches(work: Batch, size: int) -> Iterator[Batch]:
    return (work[i : i + size] for i in range(0, len(work), size))
