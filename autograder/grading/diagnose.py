"""Name the misconception behind the failed checks of an exercise, if only one explains them."""

from collections.abc import Sequence

from autograder.grading.outcome import Outcome
from autograder.model import fingerprint
from autograder.model.answer_key import Answers


def diagnose(answers: Answers, outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Map each failed check (by its key) to the misconception that explains it, if only one does.

    A misconception explains a check if it gives the same value there as the student. Of several,
    the one that explains most checks wins. One is ruled out if it fails a check that the student
    passed. A tie is left unnamed: no name is better than a wrong one.
    """
    failed = {o.key: o.fingerprint for o in outcomes if not o.passed}
    passed = {o.key for o in outcomes if o.passed}
    explains: dict[str, set[str]] = {}
    for key, seen in failed.items():
        for name, known in answers.fingerprints.get(key, {}).items():
            if seen is not None and known is not None and fingerprint.same(seen, known):
                explains.setdefault(name, set()).add(key)
    for name in list(explains):
        if any(name in answers.fingerprints.get(key, {}) for key in passed):
            del explains[name]
    named: dict[str, str] = {}
    for key in failed:
        candidates = sorted((len(keys), name) for name, keys in explains.items() if key in keys)
        if candidates and (len(candidates) == 1 or candidates[-1][0] > candidates[-2][0]):
            named[key] = candidates[-1][1]
    return named
