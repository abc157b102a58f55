"""A backward that is wrong only because the forward is, is told so."""

import numpy as np
import pytest

from autograder.testing.assertions import CheckFailed
from autograder.testing.gradients import OWN_FORWARD, assert_gradient
from autograder.testing.student import Reply, Student, last_call
from autograder.testing.tensors import along, quietly

X = np.array([0.3, -1.2, 2.0])
DY = np.array([1.0, -2.0, 0.5])
EXPECTED = DY * 2 * X  # of x squared


def hint(actual, forward):
    with pytest.raises(CheckFailed) as failure:
        assert_gradient(actual, EXPECTED, "dx", forward, X, DY)
    return failure.value.hint


def test_a_right_gradient_passes_whatever_the_forward_does():
    assert_gradient(EXPECTED, EXPECTED, "dx", lambda x: x, X, DY)


def test_a_backward_that_fits_its_own_wrong_forward_points_at_the_forward():
    assert hint(DY * 3 * X**2, lambda x: x**3) == OWN_FORWARD


@pytest.mark.parametrize(
    "forward", [lambda x: x**2, lambda x: x**3, lambda x: None, lambda x: 1 / 0], ids=range(4)
)
def test_a_backward_that_fits_no_forward_does_not(forward):
    assert hint(DY * X, forward) is None


def test_a_function_of_several_inputs_is_measured_along_one_of_them():
    along_second = along(lambda a, b, c: a - b * c, [10.0, None, 3.0], 1)
    assert along_second(2.0) == 4.0


def test_calls_aside_leave_the_call_that_the_message_names():
    class Echo:
        def call(self, function, args, kwargs):
            return Reply(function)

    student = Student(Echo(), {"backward": ["dy"], "forward": ["x"]})
    student.backward(X)
    assert quietly(student).forward(X) == "forward"
    assert last_call(student) == "backward(dy (3,))"
