"""The audit of a topic: seeds in parallel, then mutants, then gradients, in one table."""

import math
import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from autograder.audit import mutation
from autograder.audit.findings import Audit, Finding
from autograder.audit.missing import missing
from autograder.audit.seeded import Seeded, elsewhere, examine
from autograder.audit.trivial import Trivial, trivial_answers
from autograder.course import proofs, record
from autograder.course.course_file import FILE, Course
from autograder.model.answer_key import Answers
from autograder.model.topic import Topic

FIRST_SEED = 1001
LEAST_MARGIN = 3.0  # standard deviations
NAMED_SHARE = 0.9
MUTANTS_A_LINE = 100
Say = Callable[[str], None]


def audit(
    course: Course,
    topic_id: str,
    seeds: int,
    with_mutants: bool = True,
    say: Say = lambda text: None,
) -> Audit:
    """Prove a topic's suite under that many seeds. It takes minutes and reports progress to `say`."""
    started = time.perf_counter()
    topic, cores = course.topic(topic_id), os.cpu_count() or 1
    parts, unwritten = missing(course, topic)
    if unwritten:
        return Audit(topic_id, 0, round(time.perf_counter() - started, 1), [parts])
    path, numbers = course.root / FILE, range(FIRST_SEED, FIRST_SEED + seeds)
    with ProcessPoolExecutor(cores) as pool:
        strayed = pool.submit(elsewhere, path, topic_id, FIRST_SEED)
        trivial = pool.submit(trivial_answers, path, topic_id, FIRST_SEED)
        results = []
        for result in pool.map(examine, [path] * seeds, [topic_id] * seeds, numbers):
            results.append(result)
            say(f"{topic_id}: {len(results)} of {seeds} seeds")
        stray, nothing = strayed.result(), _nothing(trivial.result())
    findings = [parts, _right(course, topic, results), _stub(results), nothing]
    findings.append(_known(results, stray))
    if not findings[1].problems:
        failed = {key for r in results for key in r.failed}
        findings += _unknown(course, topic, results[0], failed, cores, say) if with_mutants else []
        findings += [_flakes(results), _gradients(course, topic)]
    return Audit(topic_id, seeds, round(time.perf_counter() - started, 1), findings)


def _right(course: Course, topic: Topic, results: list[Seeded]) -> Finding:
    solutions = 1 + len(record.alternatives(course, topic))
    problems = _problems(results, "right")
    summary = f"{solutions} solutions x {len(results)} seeds, worker and live alike, {len(problems)} refused"
    return Finding("right answers pass", summary, problems)


def _stub(results: list[Seeded]) -> Finding:
    return Finding(
        "the stub gets nothing", "0 points, not attempted throughout", _problems(results, "stub")
    )


def _nothing(found: Trivial) -> Finding:
    """Answers that compute nothing: whatever form they have, they earn nothing."""
    summary = f"{found.tried} answers without a computation, {len(found.earned)} earn points"
    return Finding("trivial answers get nothing", summary, found.earned)


def _known(results: list[Seeded], stray: list[str]) -> Finding:
    """The confusion matrix of the misconceptions over all seeds: named right, as another, or not."""
    problems = [*_problems(results, "misconceptions"), *stray]
    counts = Counter({"itself": 0, "another": 0, "": 0})
    unnamed: Counter[str] = Counter()
    for result in results:
        for name, title in result.named.items():
            counts["itself" if title == name else "another" if title else ""] += 1
            unnamed[name] += not title
            if title and title != name:
                problems.append(f"{name} is taken for: {title}, seed {result.seed}")
    total = sum(counts.values())
    if total and counts["itself"] < NAMED_SHARE * total:
        problems.append(f"only {counts['itself']} of {total} are named, expected {NAMED_SHARE:.0%}")
    kinds = len({name for r in results for name in r.named})
    summary = f"{kinds} misconceptions: {counts['itself']} of {total} named, {counts['another']} as another"
    notes = [
        f"not named: {name} ({count} of {len(results)})" for name, count in unnamed.items() if count
    ]
    return Finding("misconceptions are named", summary, problems, notes)


def _unknown(
    course: Course, topic: Topic, first: Seeded, failed: set[str], cores: int, say: Say
) -> list[Finding]:
    answers, fates = record.record(course, topic, first.seed), []
    for fate in mutation.fates(course, topic, answers, cores):
        fates.append(fate)
        if len(fates) % MUTANTS_A_LINE == 0:
            say(f"{topic.id}: {len(fates)} mutants")
    unknown = caught(fates, mutation.explained(course, topic))
    return [
        unknown,
        _idle(
            course,
            topic,
            answers,
            first.checks,
            failed | {k for f in fates for k in f.failed},
            cores,
        ),
    ]


def caught(fates: list[mutation.Fate], reasons: Mapping[str, str]) -> Finding:
    """Whether every mutant is caught or listed with a reason, and every listed one survives."""
    survivors = {fate.mutant.name: fate.mutant for fate in fates if not fate.failed}
    problems = [
        f"{name}, line {m.line}: {m.change}" for name, m in survivors.items() if name not in reasons
    ]
    # Another way to train is listed as the student's choice, even if it learns a little less.
    standing = {fate.mutant.name for fate in fates if not fate.beaten}
    problems += [
        f"{name} is listed as equivalent, but it is caught or gone"
        for name in reasons.keys() - standing
    ]
    summary = f"{len(fates)} mutants: {len(fates) - len(survivors)} caught"
    known = survivors.keys() & reasons.keys()
    summary += f", {len(known)} equivalent, {len(survivors) - len(known)} unexplained"
    return Finding("mutants are caught", summary, problems)


def _idle(
    course: Course, topic: Topic, answers: Answers, checks: list[str], failed: set[str], cores: int
) -> Finding:
    """Checks that nothing wrong fails. If some are left, run all mutants through all checks."""
    idle = [key for key in checks if key not in failed]
    if idle:
        complete = mutation.fates(course, topic, answers, cores, complete=True)
        failed = failed | {key for fate in complete for key in fate.failed}
        idle = [key for key in checks if key not in failed]
    summary = f"{len(checks)} checks, {len(idle)} that nothing wrong fails"
    return Finding(
        "checks pull their weight", summary, notes=[f"redundant or vacuous: {key}" for key in idle]
    )


def _flakes(results: list[Seeded]) -> Finding:
    """Margins of measured quantities, in standard deviations over the seeds."""
    problems, notes = [], []
    for key in sorted({key for r in results for key in r.margins}):
        margins = [float(r.margins[key]) for r in results if key in r.margins]
        if math.inf in margins:
            # any error is expected, and it is infinite: the largest margin possible
            notes.append(f"{key}: infinite in {margins.count(math.inf)} of {len(margins)}")
            margins = [m for m in margins if m != math.inf]
            if not margins:
                continue
        spread = statistics.stdev(margins) if len(margins) > 1 else 0.0
        deviations = statistics.mean(margins) / spread if spread else float("inf")
        notes.append(
            f"{key}: margin {statistics.mean(margins):.3g} ± {spread:.2g}, least {min(margins):.3g}"
        )
        if deviations < LEAST_MARGIN:
            problems.append(
                f"{key} has a margin of {deviations:.1f} standard deviations, expected "
                f"{LEAST_MARGIN:g}"
            )
    return Finding(
        "no flakes",
        f"{len(notes)} measured checks, {LEAST_MARGIN:g} standard deviations or more",
        problems,
        notes,
    )


def _gradients(course: Course, topic: Topic) -> Finding:
    """The reference's own gradients, tested by central differences and by PyTorch."""
    claims = record.load_proofs(course, topic)
    found = (
        [pair for p in claims(np.random.RandomState(FIRST_SEED)) for pair in proofs.errors(p)]
        if claims
        else []
    )
    problems = [
        f"{name}: relative error {error:.1e}"
        for name, error in found
        if not error <= proofs.TOLERANCE
    ]
    worst = max((error for _, error in found), default=0.0)
    torch = sum(name.endswith("PyTorch") for name, _ in found)
    summary = f"{len(found) - torch} by central differences, {torch} by PyTorch, largest error {worst:.1e}"
    return Finding("the reference is right", summary, problems)


def _problems(results: list[Seeded], kind: str) -> list[str]:
    return [problem for r in results for problem in r.problems.get(kind, [])]
