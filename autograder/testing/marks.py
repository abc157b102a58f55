"""The marks of a suite: whose checks these are, of what kind, and how much one counts."""

import pytest

exercise = pytest.mark.exercise  # of a class: exercise("softmax")
# of a check that a function passes which computes nothing
supporting = pytest.mark.supporting
weight = pytest.mark.weight  # of a check: weight(3) counts three times within its exercise
shape = pytest.mark.kind("shape")
gradient = pytest.mark.kind("gradient")
convergence = pytest.mark.kind("convergence")
robust = pytest.mark.kind("robustness")
speed = pytest.mark.kind("speed")
