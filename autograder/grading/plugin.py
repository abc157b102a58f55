"""The pytest plugin: fixtures `student`, `oracle`, `rng`, marks, and the outcome of each check.

One pytest session collects a suite once and runs it for many jobs. Each job has its own student.
"""

import hashlib
from collections.abc import Callable, Generator, Iterable
from typing import Any, Protocol, get_args

import numpy as np
import pytest

from autograder.grading.outcome import Outcome
from autograder.model import cause as causes
from autograder.model import fingerprint
from autograder.model.cause import Cause
from autograder.model.errors import KitError
from autograder.model.fingerprint import Fingerprint
from autograder.model.kind import Kind
from autograder.model.picture import Picture
from autograder.testing.assertions import CheckFailed, margins, progress
from autograder.testing.draws import Draws
from autograder.testing.student import (
    Same,
    Student,
    Unchanged,
    called,
    last_call,
    last_call_as_data,
)


class Job(Protocol):
    """One run of the suite: its student, oracle and seed, and a receiver of the outcomes."""

    seed: int
    over: bool  # the rest of this run can be skipped

    def student(self, exercise: str) -> Student: ...
    def oracle(self, key: str) -> Any: ...
    def add(self, outcome: Outcome) -> None: ...
    def strike(self, exercise: str, fault: KitError) -> None:
        """Receive a fault of ours in one exercise, whose other checks are skipped.

        Raise it to end the run.
        """

    def done(self) -> None: ...


class Plugin:
    """Runs the collected checks for each job in turn.

    A fault of ours strikes one exercise if the job accepts it. Otherwise it ends the session and is
    kept in `fault`.
    """

    def __init__(self, jobs: Iterable[Job], wanted: Callable[[pytest.Item], bool]) -> None:
        self._jobs, self._wanted = jobs, wanted
        self._job: Job | None = None
        self._rng = Draws(0)  # made once: making one takes twenty times as long as seeding it
        self._struck = set[str]()  # exercises of the current job
        self.fault: KitError | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        config.addinivalue_line(
            "markers", "exercise(id): the exercise that a class of checks belongs to"
        )
        config.addinivalue_line("markers", f"kind(name): one of {', '.join(get_args(Kind))}")
        config.addinivalue_line(
            "markers", "supporting: a function that computes nothing can pass this check"
        )
        config.addinivalue_line(
            "markers", "weight(number): how much a check counts within its exercise"
        )

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if self._wanted(item)]

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = session.items
        for job in self._jobs:
            self._job = job
            self._struck.clear()
            for i, item in enumerate(items):
                if exercise_of(item) in self._struck:
                    continue
                _run(item, lambda at=i: self._after(items, at))  # type: ignore[misc]
                if self.fault:
                    return True
                if job.over:
                    break
            job.done()
        return True

    def _after(self, items: list[pytest.Item], at: int) -> pytest.Item:
        """The check that runs next.

        Fixtures of the module live on from one job to the next; pytest tears them down at the end.
        """
        over = self._job is not None and self._job.over
        left = (item for item in items[at + 1 :] if exercise_of(item) not in self._struck)
        return items[0] if over else next(left, items[0])

    @pytest.fixture
    def student(self, request: pytest.FixtureRequest) -> Student:
        assert self._job is not None
        student = self._job.student(exercise_of(request.node))
        request.node.user_properties[:] = [("student", student)]
        return student

    @pytest.fixture
    def oracle(self, request: pytest.FixtureRequest) -> Any:
        assert self._job is not None
        return self._job.oracle(_key(request.node))

    @pytest.fixture
    def same(self, student: Student, oracle: Any) -> Same:
        """`same.f(x)`: the student's and the expected value of the same call."""
        return Same(student, oracle)

    @pytest.fixture
    def unchanged(self, student: Student) -> Unchanged:
        """`unchanged.f(x)`: the student's value, if the call changed no argument."""
        return Unchanged(student)

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> Draws:
        """NumPy's frozen generator, rounded alike everywhere, seeded afresh for each check."""
        assert self._job is not None
        name = f"{self._job.seed}/{_key(request.node)}".encode()
        self._rng.seed(np.frombuffer(hashlib.sha256(name).digest(), np.uint32).astype(np.int64))
        return self._rng

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """A fixture that fails is our fault: fixtures draw inputs and never call the student."""
        try:
            yield
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            self._strike(item, KitError(f"the inputs of {_key(item)} could not be made ({reason})"))
            raise

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Keep the outcome of the check. pytest sees no failure: a traceback costs 10 ms."""
        assert self._job is not None
        margins.set([])
        progress.set(None)
        failure: Exception | None = None
        try:
            yield
        except Exception as error:
            failure = error
        try:
            if isinstance(failure, KitError):
                raise failure
            self._job.add(_outcome(item, failure))
        except KitError as fault:  # of the check, or of a job that accepts no failure
            self._strike(item, fault)

    def _strike(self, item: pytest.Item, fault: KitError) -> None:
        assert self._job is not None
        try:
            self._job.strike(exercise_of(item), fault)
            self._struck.add(exercise_of(item))
        except KitError:
            self.fault = fault


def _run(item: pytest.Item, after: Callable[[], pytest.Item]) -> None:
    """Set up, call and tear down a check by pytest's own hooks, without pytest's reports."""
    assert isinstance(item, pytest.Function)
    item._initrequest()  # it runs once for each job
    try:
        item.ihook.pytest_runtest_setup(item=item)
        item.ihook.pytest_runtest_call(item=item)
    except Exception:  # kept by the hooks above
        pass
    finally:
        # If the same check runs next, for another job, tear down everything: fixtures belong to a job.
        coming = after()
        item.ihook.pytest_runtest_teardown(item=item, nextitem=None if coming is item else coming)


def exercise_of(item: pytest.Item) -> str:
    """The exercise that a check is marked with."""
    mark = item.get_closest_marker("exercise")
    if mark is None:
        raise KitError(f"{item.nodeid} has no mark exercise(id)")
    return str(mark.args[0])


def kind_of(item: pytest.Item) -> Kind:
    """The kind that a check is marked with; `value` by default."""
    kind: Kind = _mark(item, "kind", "value")
    return kind


def _is_drawn(item: pytest.Item) -> bool:
    """Whether a check judges values on inputs drawn from the seed, and no function passes it that
    computes nothing.
    """
    drawn = "rng" in getattr(item, "fixturenames", ())
    judges = kind_of(item) in ("value", "gradient", "convergence")
    return drawn and judges and item.get_closest_marker("supporting") is None


def _key(item: pytest.Item) -> str:
    return f"{exercise_of(item)}::{item.name}"


def _mark(item: pytest.Item, name: str, default: Any) -> Any:
    mark = item.get_closest_marker(name)
    return mark.args[0] if mark else default


def _outcome(item: pytest.Item, error: BaseException | None) -> Outcome:
    assert isinstance(item, pytest.Function)
    student = dict(item.user_properties).get("student")
    known: dict[str, Any] = {
        "exercise": exercise_of(item),
        "id": item.name,
        "kind": kind_of(item),
        "title": " ".join((item.function.__doc__ or "").split()),
        "weight": float(_mark(item, "weight", 1)),
        "passed": error is None,
        "drawn": _is_drawn(item),
        "compared": "oracle" in getattr(item, "fixturenames", ()),
        "margin": min(margins.get() or (), default=None),
    }
    if isinstance(student, Student):
        known |= {"functions": called(student)}
    if error is None:
        return Outcome(**known)
    if isinstance(student, Student):
        known |= {"call": last_call(student), "made": last_call_as_data(student)}
    if isinstance(error, CheckFailed):
        picture = error.picture if _worth_a_look(error.picture, known["kind"]) else None
        return Outcome(
            **known,
            message=error.message,
            hint=error.hint,
            cause=error.cause,
            picture=picture,
            fingerprint=_fingerprint(error.cause, error.saw),
        )
    # The reference passes this check, so the student's value must be the cause.
    reason = f"{type(error).__name__}: {str(error)[:200]}"
    message = f"the check cannot use the result ({reason}); compare it with the contract"
    cause = {"kind": "unusable", "error": type(error).__name__}
    return Outcome(**known, message=message, cause=cause)


def _fingerprint(cause: Cause | None, saw: object) -> Fingerprint | None:
    """Of the error that came instead of a value, or of the value that the check saw."""
    kind = causes.kind(cause)
    if cause and kind in ("raised", "cell"):
        return fingerprint.of_error(cause["error"] or "")
    if kind == "needs_stub":
        return fingerprint.of_error("NotImplementedError")
    return None if kind in causes.OF_A_CALL else fingerprint.of_value(saw)


def _worth_a_look(picture: Picture | None, kind: Kind) -> bool:
    """Whether to keep a picture. A measured quantity is drawn for convergence only."""
    return picture is not None and (picture["type"] != "measured" or kind == "convergence")
