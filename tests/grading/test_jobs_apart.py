"""One session of checks runs for many jobs: nothing of one is left for the next."""

import numpy as np
import pytest
from notebooks import TOPIC, public_answers

from autograder.grading.in_process import InProcess
from autograder.grading.run import Grading, run_suite


def relu(wrong):
    body = (lambda z: -np.maximum(z, 0)) if wrong else (lambda z: np.maximum(z, 0))
    return {"relu": body, "leaky_relu": lambda z, slope=0.01: np.where(z > 0, z, slope * z)}


@pytest.mark.parametrize("until_failure", [True, False])
@pytest.mark.parametrize("order", [(True, False, True, False), (False, True, False)], ids=str)
def test_each_job_is_judged_by_its_own_answers(order, until_failure):
    """Also where the first check ends a job, so that the same check is the next to run."""
    jobs = [Grading(public_answers(), InProcess(relu(wrong)), until_failure) for wrong in order]
    run_suite(TOPIC, jobs, ["relu"])
    assert [any(not o.passed for o in job.outcomes) for job in jobs] == list(order)
    if until_failure:
        assert [len(job.outcomes) == 1 for job in jobs] == list(order)
