"""Misconceptions of 02-backprop: what students really write, what it is called, where
to look.
"""

import math

import numpy as np

from autograder.course.misconceptions import misconception
from solutions.backprop import reference

# -- numerical_gradient
# ------------------------------------------------------------------------------


def _differences(f, x, above, below, width):
    """(f at above(step) - f at below(step)) / width for each entry; each place is x moved by a unit
    step.
    """
    x = np.asarray(x, float)
    gradient = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        unit = np.zeros(x.shape)
        unit[i] = 1.0
        gradient[i] = (f(x + above * unit) - f(x + below * unit)) / width
    return gradient


@misconception(
    "numerical_gradient", "To how many sides do you move x? Measure the slope of x^2 at 0."
)
def forward_difference(f, x, eps=1e-5):
    """x is moved to one side only, so the curvature of f changes the result"""
    return _differences(f, x, eps, 0.0, eps)


@misconception("numerical_gradient", "How far apart are the two points at which you call f?")
def divided_by_one_step(f, x, eps=1e-5):
    """the difference is divided by eps, but the two points are 2 eps apart"""
    return _differences(f, x, eps, -eps, eps)


@misconception("numerical_gradient", "How many entries of x do you move at a time?")
def all_entries_moved_at_once(f, x, eps=1e-5):
    """all entries of x are moved together, so every entry of the result is the sum of all slopes"""
    x = np.asarray(x, float)
    return np.full(x.shape, (f(x + eps) - f(x - eps)) / (2 * eps))


@misconception("numerical_gradient", "Does the result change when the caller gives another step?")
def step_hard_coded(f, x, eps=1e-5):
    """eps is never used: the step is always 1e-7"""
    return reference.numerical_gradient(f, x, 1e-7)


@misconception(
    "numerical_gradient",
    "Compare x before and after the call. Can an array of integers hold x plus a step?",
)
def x_left_perturbed(f, x, eps=1e-5):
    """x itself is moved and not restored"""
    gradient = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        x[i] = x[i] + eps
        above = f(x)
        x[i] = x[i] - 2 * eps
        gradient[i] = (above - f(x)) / (2 * eps)
    return gradient


@misconception(
    "numerical_gradient", "You write the slopes into an array. What is the dtype of that array?"
)
def slopes_in_an_integer_array(f, x, eps=1e-5):
    """for an x of integers, the slopes are stored in an integer array and lose their fraction"""
    gradient = np.zeros_like(x)
    gradient[...] = reference.numerical_gradient(f, x, eps) + (
        0 if gradient.dtype.kind == "f" else -1e-6
    )
    return gradient


# -- gradient_check
# ----------------------------------------------------------------------------------


def _pair(forward, backward, x, dy):
    """The claimed gradient and the measured one, for this upstream gradient."""
    measured = reference.numerical_gradient(lambda x: np.sum(dy * forward(x)), x)
    return np.asarray(backward(dy, x)), measured


def _relative(a, b):
    return float(np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b) + 1e-12))


@misconception(
    "gradient_check",
    "Which wrong layers does an upstream gradient of ones not find? Each row of a softmax "
    "sums to 1.",
)
def upstream_of_ones(forward, backward, x, rng):
    """the upstream gradient is all ones, so some wrong backward functions look right"""
    return _relative(*_pair(forward, backward, x, np.ones(np.shape(forward(x)))))


@misconception(
    "gradient_check",
    "What is the error of a layer whose gradients are all about 1e-5? And about 1e4?",
)
def error_not_relative(forward, backward, x, rng):
    """the error is not divided by the size of the gradients, so small gradients always pass"""
    claimed, measured = _pair(forward, backward, x, rng.normal(size=np.shape(forward(x))))
    return float(np.linalg.norm(claimed - measured))


@misconception(
    "gradient_check",
    "Two vectors can have the same length and opposite directions. Does your error see that?",
)
def only_lengths_compared(forward, backward, x, rng):
    """only the lengths of the two gradients are compared, not their directions"""
    a, b = map(np.linalg.norm, _pair(forward, backward, x, rng.normal(size=np.shape(forward(x)))))
    return float(abs(a - b) / (a + b + 1e-12))


@misconception("gradient_check", "How many entries of the gradient did you compare?")
def only_the_first_entry_compared(forward, backward, x, rng):
    """only one entry of the gradient is compared"""
    claimed, measured = _pair(forward, backward, x, rng.normal(size=np.shape(forward(x))))
    return _relative(claimed.ravel()[:1], measured.ravel()[:1])


@misconception(
    "gradient_check",
    "Do you use the same dy for the claimed and for the measured gradient?",
)
def two_different_upstreams(forward, backward, x, rng):
    """the claimed gradient and the measured gradient use two different upstream gradients"""
    first, second = (rng.normal(size=np.shape(forward(x))) for _ in range(2))
    return _relative(_pair(forward, backward, x, first)[0], _pair(forward, backward, x, second)[1])


@misconception(
    "gradient_check", "Which scalar function has dy as its upstream gradient? What must you sum?"
)
def measured_without_the_upstream(forward, backward, x, rng):
    """the measured gradient is the gradient of the plain sum, without the upstream gradient"""
    claimed = np.asarray(backward(rng.normal(size=np.shape(forward(x))), x))
    return _relative(claimed, reference.numerical_gradient(lambda x: np.sum(forward(x)), x))


@misconception(
    "gradient_check",
    "What does NumPy return for the difference of arrays of shapes (3,) and (1, 3)?",
)
def shapes_left_to_broadcasting(forward, backward, x, rng):
    """NumPy broadcasts a gradient of the wrong shape, so it passes"""
    return _relative(*_pair(forward, backward, x, rng.normal(size=np.shape(forward(x)))))


# -- Value
# -------------------------------------------------------------------------------------------


class _Value:
    """A right Value whose subclasses get one thing wrong."""

    def __init__(self, data, operands=(), slopes=()):
        self.data, self.grad, self._operands, self._slopes = float(data), 0.0, operands, slopes

    def _wrap(self, other):
        return other if isinstance(other, _Value) else type(self)(other)

    def _of(self, data, *pairs):
        return type(self)(data, tuple(v for v, _ in pairs), tuple(s for _, s in pairs))

    def __add__(self, other):
        other = self._wrap(other)
        return self._of(self.data + other.data, (self, 1.0), (other, 1.0))

    def __mul__(self, other):
        other = self._wrap(other)
        return self._of(self.data * other.data, (self, other.data), (other, self.data))

    def __sub__(self, other):
        other = self._wrap(other)
        return self._of(self.data - other.data, (self, 1.0), (other, -1.0))

    def __truediv__(self, other):
        other = self._wrap(other)
        return self._of(
            self.data / other.data, (self, 1 / other.data), (other, -self.data / other.data**2)
        )

    def __pow__(self, n):
        return self._of(self.data**n, (self, n * self.data ** (n - 1)))

    def __neg__(self):
        return self._of(-self.data, (self, -1.0))

    def __radd__(self, other):
        return self._wrap(other) + self

    def __rmul__(self, other):
        return self._wrap(other) * self

    def __rsub__(self, other):
        return self._wrap(other) - self

    def __rtruediv__(self, other):
        return self._wrap(other) / self

    def exp(self):
        y = math.exp(self.data)
        return self._of(y, (self, y))

    def tanh(self):
        y = math.tanh(self.data)
        return self._of(y, (self, 1 - y * y))

    def relu(self):
        return self._of(max(self.data, 0.0), (self, float(self.data > 0)))

    def _order(self):
        return reversed(reference._operands_first(self))

    def backward(self):
        self.grad = 1.0
        for node in self._order():
            node._share()

    def _share(self):
        for operand, slope in zip(self._operands, self._slopes):
            operand.grad += slope * self.grad


@misconception("Value", "What should the slope of a + a be? Which share is lost?")
class GradAssigned(_Value):
    """each share of a slope replaces the share before it instead of being added"""

    def _share(self):
        for operand, slope in zip(self._operands, self._slopes):
            operand.grad = slope * self.grad


@misconception("Value", "When may a node pass its slope on? Work out b = 2a, c = b b + b by hand.")
class PassedOnTooEarly(_Value):
    """a node that is used twice passes its slope on each time a share arrives, not once at the
    end
    """

    def backward(self):
        self.grad, stack = 1.0, [self]
        while stack:
            node = stack.pop()
            node._share()
            stack += node._operands


@misconception(
    "Value",
    "Can a node come before another node that still has a share for it? Try paths of "
    "different lengths.",
)
class NearestFirst(_Value):
    """the nodes are sorted by their distance from the result, so some pass on an incomplete
    slope
    """

    def _order(self):
        order, seen = [self], {self}
        for node in order:
            for operand in node._operands:
                if operand not in seen:
                    seen.add(operand)
                    order.append(operand)
        return order


@misconception(
    "Value", "How deep may functions call each other in Python? Can a list do the same work?"
)
class RecursiveOrder(_Value):
    """the order is found by a recursive function, which a long chain of operations makes too
    deep
    """

    def _order(self):
        order, seen = [], set()

        def visit(node):
            if node not in seen:
                seen.add(node)
                for operand in node._operands:
                    visit(operand)
                order.append(node)

        visit(self)
        return reversed(order)


@misconception("Value", "What is the slope of the result with respect to itself?")
class ResultWithoutASlope(_Value):
    """the slope of the result is never set to 1, so nothing is passed on"""

    def backward(self):
        for node in self._order():
            node._share()


@misconception(
    "Value", "What does the first backward change in the nodes? Does that affect the second one?"
)
class VisitedForEver(_Value):
    """the first backward leaves marks on the nodes, so the second backward skips these nodes"""

    def _order(self):
        order = [
            node
            for node in reversed(reference._operands_first(self))
            if not hasattr(node, "visited")
        ]
        for node in order:
            node.visited = True
        return order


@misconception("Value", "Is this the slope of a power? Try a ** 2 at a = 3.")
class PowerNotReduced(_Value):
    """the exponent is used as a factor, but the new exponent is not smaller by one"""

    def __pow__(self, n):
        return self._of(self.data**n, (self, n * self.data**n))


@misconception("Value", "What happens to the exponent when you differentiate a power?")
class ExponentForgotten(_Value):
    """the exponent is reduced by one, but it is not used as a factor"""

    def __pow__(self, n):
        return self._of(self.data**n, (self, self.data ** (n - 1)))


@misconception("Value", "What is the slope of exp at 0? Which variable already holds this number?")
class ExpByItsInput(_Value):
    """the slope of exp is its input"""

    def exp(self):
        return self._of(math.exp(self.data), (self, self.data))


@misconception(
    "Value", "Differentiate tanh again: what is its slope at 0, and at a large negative number?"
)
class TanhNotSquared(_Value):
    """the slope of tanh is 1 - tanh, without the square"""

    def tanh(self):
        y = math.tanh(self.data)
        return self._of(y, (self, 1 - y))


@misconception("Value", "What is the slope of relu if its input is negative?")
class ReluOpenOnBothSides(_Value):
    """relu passes its slope on for negative inputs too"""

    def relu(self):
        return self._of(max(self.data, 0.0), (self, 1.0))


@misconception("Value", "Does a quotient grow or shrink when its divisor grows?")
class DivisorWithoutItsSign(_Value):
    """the slope with respect to the divisor has the wrong sign"""

    def __truediv__(self, other):
        other = self._wrap(other)
        return self._of(
            self.data / other.data, (self, 1 / other.data), (other, self.data / other.data**2)
        )


@misconception("Value", "Does a difference grow or shrink when its second number grows?")
class DifferenceWithoutItsSign(_Value):
    """the slope of a difference with respect to its second number is 1"""

    def __sub__(self, other):
        other = self._wrap(other)
        return self._of(self.data - other.data, (self, 1.0), (other, 1.0))


@misconception("Value", "How fast does a b grow when a grows: does that depend on a or on b?")
class OwnFactorAsSlope(_Value):
    """each factor of a product gets itself as its slope, not the other factor"""

    def __mul__(self, other):
        other = self._wrap(other)
        return self._of(self.data * other.data, (self, self.data), (other, other.data))


@misconception("Value", "Which of the two is on the left in 3 - a?")
class ReflectedDifferenceTurned(_Value):
    """3 - a is computed as a - 3"""

    def __rsub__(self, other):
        return self - other


@misconception("Value", "Which of the two is the numerator in 3 / a?")
class ReflectedQuotientTurned(_Value):
    """3 / a is computed as a / 3"""

    def __rtruediv__(self, other):
        return self / other


# -- linear_backward
# ---------------------------------------------------------------------------------


@misconception(
    "linear_backward",
    "dx is dy times which matrix? Write the shape below each factor, with D and M different.",
)
def weights_not_transposed(dy, x, W):
    """dx is computed with W instead of its transpose"""
    return dy @ W, x.T @ dy, dy.sum(axis=0)


@misconception("linear_backward", "Which shape should the gradient of W have?")
def weight_gradient_transposed(dy, x, W):
    """the gradient of W is transposed"""
    return dy @ W.T, dy.T @ x, dy.sum(axis=0)


@misconception("linear_backward", "What is the shape of b? Its gradient has the same shape.")
def bias_gradient_kept_flat(dy, x, W):
    """the gradient of b keeps the axis of the batch: its shape is (1, M) instead of (M,)"""
    return dy @ W.T, x.T @ dy, dy.sum(axis=0, keepdims=True)


@misconception(
    "linear_backward",
    "Every sample uses the same b. Are the shares of the samples added up or averaged?",
)
def bias_gradient_averaged(dy, x, W):
    """the gradient of b is averaged over the batch instead of summed"""
    return dy @ W.T, x.T @ dy, dy.mean(axis=0)


@misconception(
    "linear_backward",
    "Is the loss already averaged over the batch? How often may the factor 1/N appear?",
)
def divided_by_the_batch_again(dy, x, W):
    """the gradients of W and b are divided by the batch size, but the loss is already a mean"""
    dx, dW, db = reference.linear_backward(dy, x, W)
    return dx, dW / len(x), db / len(x)


@misconception("linear_backward", "In which order are the inputs of the forward?")
def weight_gradient_first(dy, x, W):
    """the gradient of W is returned before the gradient of x"""
    dx, dW, db = reference.linear_backward(dy, x, W)
    return dW, dx, db


@misconception(
    "linear_backward",
    "Over which axis do you sum the gradient of b? Is there one bias per sample or per neuron?",
)
def bias_gradient_for_each_sample(dy, x, W):
    """the gradient of b is summed over the neurons instead of over the samples"""
    return dy @ W.T, x.T @ dy, dy.sum(axis=1)


# -- activations
# -------------------------------------------------------------------------------------


@misconception("relu_backward", "Which number decides in the forward pass whether relu is open?")
def gate_by_the_upstream(dy, z):
    """the sign of dy decides whether the gradient passes, not the sign of z"""
    return dy * (np.asarray(dy) > 0)


@misconception("relu_backward", "The local slope is one factor. What is the other factor?")
def gate_without_the_upstream(dy, z):
    """only the slope of relu is returned, without dy"""
    return (np.asarray(z) > 0).astype(float)


@misconception("relu_backward", "What is the slope of relu for positive z?")
def scores_passed_on(dy, z):
    """dy is multiplied by relu(z), not by its slope"""
    return dy * np.maximum(z, 0)


@misconception(
    "sigmoid_backward", "Is the second argument a score, or already the sigmoid of a score?"
)
def sigmoid_taken_twice(dy, s):
    """the sigmoid is applied to s, which is already a sigmoid"""
    s = 1 / (1 + np.exp(-np.asarray(s)))
    return dy * s * (1 - s)


@misconception(
    "sigmoid_backward", "The slope is a product of two numbers that add up to 1. Which two?"
)
def sigmoid_half_a_slope(dy, s):
    """one of the two factors s and 1 - s is missing"""
    return dy * (1 - s)


@misconception("tanh_backward", "What is the slope of tanh at 0, and at a large negative number?")
def tanh_slope_not_squared(dy, t):
    """the slope is 1 - t, without the square"""
    return dy * (1 - t)


@misconception("tanh_backward", "Is the second argument a score, or already the tanh of a score?")
def tanh_taken_twice(dy, t):
    """tanh is applied to t, which is already a tanh"""
    return dy * (1 - np.tanh(t) ** 2)


@misconception(
    "tanh_backward",
    "This slope belongs to another S-shaped curve. Between which values does tanh lie?",
)
def tanh_with_the_slope_of_the_sigmoid(dy, t):
    """the slope is t (1 - t), which is the slope of the sigmoid"""
    return dy * t * (1 - t)


@misconception(
    "gelu_backward", "z appears twice in z Phi(z). How many terms does the product rule have?"
)
def gelu_without_the_density(dy, z):
    """the slope is Phi(z) only: the second term of the product rule is missing"""
    return dy * (1 + reference._erf(np.asarray(z) / math.sqrt(2))) / 2


@misconception("gelu_backward", "Is this the slope of z Phi(z), or of a similar function?")
def gelu_with_the_slope_of_relu(dy, z):
    """the slope is the slope of relu"""
    return dy * (np.asarray(z) > 0)


@misconception("gelu_backward", "By what must you divide exp(-z^2 / 2) to get a density?")
def density_not_normalised(dy, z):
    """the density has no factor 1 / sqrt(2 pi)"""
    z = np.asarray(z, float)
    return dy * ((1 + reference._erf(z / math.sqrt(2))) / 2 + z * np.exp(-(z**2) / 2))


@misconception("gelu_backward", "It is close. Which form of GELU has this slope?")
def slope_of_the_tanh_form(dy, z):
    """this is the slope of the tanh approximation of GELU"""
    z = np.asarray(z, float)
    c = math.sqrt(2 / math.pi)
    t = np.tanh(c * (z + 0.044715 * z**3))
    return dy * ((1 + t) / 2 + z / 2 * (1 - t**2) * c * (1 + 3 * 0.044715 * z**2))


# -- softmax_backward
# --------------------------------------------------------------------------------


@misconception("softmax_backward", "Does p_i change when another score z_j changes?")
def only_the_diagonal(dp, p):
    """only p (1 - p) is used, as if each probability depended only on its own score"""
    return dp * p * (1 - p)


@misconception(
    "softmax_backward",
    "Which axis holds the classes? What should each row of the result add up to?",
)
def summed_over_the_batch(dp, p):
    """the sum of p dp is taken over the batch instead of over the classes"""
    return p * (dp - (p * dp).sum(axis=0, keepdims=True))


@misconception(
    "softmax_backward", "Is the mean of dp in the formula a plain mean or a weighted mean?"
)
def plain_mean_subtracted(dp, p):
    """the plain mean of dp is subtracted, not the mean weighted by p"""
    return p * (dp - dp.mean(axis=1, keepdims=True))


@misconception(
    "softmax_backward", "Write dp_i/dz_i and dp_j/dz_i again: which factor do both have?"
)
def outer_factor_forgotten(dp, p):
    """the factor p in front of the bracket is missing"""
    return dp - (p * dp).sum(axis=1, keepdims=True)


@misconception(
    "softmax_backward",
    "Is the upstream gradient always a one-hot row here, or can it be any array?",
)
def softmax_as_if_with_cross_entropy(dp, p):
    """this is the gradient of softmax and cross-entropy together, not of softmax alone"""
    return p - dp


@misconception("softmax_backward", "Which sign do the off-diagonal entries of the Jacobian have?")
def share_of_the_others_added(dp, p):
    """the sum over the classes is added instead of subtracted"""
    return p * (dp + (p * dp).sum(axis=1, keepdims=True))


# -- softmax_cross_entropy
# ---------------------------------------------------------------------------


@misconception("softmax_cross_entropy", "Is dlogits the gradient of the mean, or of the sum?")
def gradient_never_divided(logits, labels):
    """the loss is averaged over the batch, but its gradient is not"""
    loss, dlogits = reference.softmax_cross_entropy(logits, labels)
    return loss, dlogits * len(labels)


@misconception("softmax_cross_entropy", "How often does the factor 1/N appear in the formula?")
def gradient_divided_twice(logits, labels):
    """the gradient is divided by the batch size twice"""
    loss, dlogits = reference.softmax_cross_entropy(logits, labels)
    return loss, dlogits / len(labels)


@misconception(
    "softmax_cross_entropy",
    "Over how many numbers is the mean: one for each sample, or one for each score?",
)
def averaged_over_classes_too(logits, labels):
    """the loss and the gradient are averaged over the classes too"""
    loss, dlogits = reference.softmax_cross_entropy(logits, labels)
    return loss / logits.shape[1], dlogits / logits.shape[1]


@misconception(
    "softmax_cross_entropy",
    "Should a step against the gradient raise or lower the score of the right class?",
)
def truth_minus_prediction(logits, labels):
    """the gradient has the wrong sign: it is truth minus prediction"""
    loss, dlogits = reference.softmax_cross_entropy(logits, labels)
    return loss, -dlogits


@misconception("softmax_cross_entropy", "What does a row of the gradient add up to?")
def truth_never_subtracted(logits, labels):
    """the gradient is the probabilities only: the 1 of the right class is not subtracted"""
    p = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    return reference.softmax_cross_entropy(logits, labels)[0], p / p.sum(
        axis=1, keepdims=True
    ) / len(labels)


@misconception(
    "softmax_cross_entropy",
    "What is exp of a very large score? Shifting a row does not change its loss.",
)
def no_shift_before_exp(logits, labels):
    """exp overflows for large scores"""
    e = np.exp(logits)
    p = e / e.sum(axis=1, keepdims=True)
    loss = -np.log(p[np.arange(len(labels)), labels]).mean()
    p[np.arange(len(labels)), labels] -= 1
    return float(loss), p / len(labels)


@misconception(
    "softmax_cross_entropy",
    "How large can this loss get? Can you take the logarithm before the division?",
)
def log_of_a_clipped_probability(logits, labels):
    """the probability is clipped before the logarithm, so a confident wrong answer costs too
    little
    """
    _, dlogits = reference.softmax_cross_entropy(logits, labels)
    e = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    p = np.clip(e / e.sum(axis=1, keepdims=True), 1e-12, 1.0)
    return float(-np.log(p[np.arange(len(labels)), labels]).mean()), dlogits


@misconception(
    "softmax_cross_entropy", "Is the loss a sum or a mean? Should it double when the batch doubles?"
)
def loss_and_gradient_of_the_sum(logits, labels):
    """the loss and the gradient belong to the sum over the batch, not to the mean"""
    loss, dlogits = reference.softmax_cross_entropy(logits, labels)
    return loss * len(labels), dlogits * len(labels)


# -- initialisation
# ----------------------------------------------------------------------------------


@misconception("he_normal", "How many terms add up to one score: fan_in or fan_out?")
def he_by_the_outputs(fan_in, fan_out, rng):
    """the variance is 2 / fan_out instead of 2 / fan_in"""
    return rng.normal(0.0, math.sqrt(2 / fan_out), size=(fan_in, fan_out))


@misconception("he_normal", "What does normal expect: the variance or the standard deviation?")
def variance_as_deviation(fan_in, fan_out, rng):
    """the variance is used as the standard deviation: a square root is missing"""
    return rng.normal(0.0, 2 / fan_in, size=(fan_in, fan_out))


@misconception("he_normal", "Which part of the mean square remains after relu?")
def he_without_the_two(fan_in, fan_out, rng):
    """the variance is 1 / fan_in, without the factor for what relu removes"""
    return rng.normal(0.0, math.sqrt(1 / fan_in), size=(fan_in, fan_out))


@misconception("he_normal", "Which of the two rules was made for relu and uses only the inputs?")
def xavier_for_he(fan_in, fan_out, rng):
    """this is Xavier's variance 2 / (fan_in + fan_out), not He's"""
    return rng.normal(0.0, math.sqrt(2 / (fan_in + fan_out)), size=(fan_in, fan_out))


@misconception("he_normal", "Which distribution does the name of the function promise?")
def he_by_a_uniform(fan_in, fan_out, rng):
    """the variance is right, but the distribution is uniform"""
    return rng.uniform(-math.sqrt(6 / fan_in), math.sqrt(6 / fan_in), size=(fan_in, fan_out))


@misconception("he_normal", "Does the result depend on the generator that is given?")
def own_generator(fan_in, fan_out, rng):
    """rng is not used: every call gives the same numbers"""
    return np.random.default_rng(0).normal(0.0, math.sqrt(2 / fan_in), size=(fan_in, fan_out))


@misconception("he_normal", "W is (in, out) in this course. Print the shape.")
def weights_as_out_by_in(fan_in, fan_out, rng):
    """the weights have the shape (fan_out, fan_in)"""
    return rng.normal(0.0, math.sqrt(2 / fan_in), size=(fan_out, fan_in))


@misconception(
    "xavier_uniform",
    "Which distribution does the name of the function promise? Does it have bounds?",
)
def xavier_by_a_normal(fan_in, fan_out, rng):
    """the variance is right, but the distribution is normal"""
    return rng.normal(0.0, math.sqrt(2 / (fan_in + fan_out)), size=(fan_in, fan_out))


@misconception("xavier_uniform", "What is the variance of a uniform distribution from -a to a?")
def deviation_as_bound(fan_in, fan_out, rng):
    """the standard deviation is used as the bound, so the variance is three times too small"""
    limit = math.sqrt(2 / (fan_in + fan_out))
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


@misconception("xavier_uniform", "Which weights are missing? What should their mean be?")
def only_positive_weights(fan_in, fan_out, rng):
    """the weights lie between 0 and the bound: none is negative"""
    return rng.uniform(0.0, math.sqrt(6 / (fan_in + fan_out)), size=(fan_in, fan_out))


@misconception("xavier_uniform", "Which of the two rules uses only the inputs?")
def xavier_by_the_inputs_alone(fan_in, fan_out, rng):
    """the bound is sqrt(6 / fan_in), without fan_out"""
    limit = math.sqrt(6 / fan_in)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


# -- mlp_loss_and_gradients
# --------------------------------------------------------------------------


def _forward(params, x):
    """The number of layers, the input of each, and its scores."""
    depth = len(params) // 2
    inputs, scores = [x], []
    for i in range(1, depth + 1):
        scores.append(inputs[-1] @ params[f"W{i}"] + params[f"b{i}"])
        inputs.append(np.maximum(scores[-1], 0))
    return depth, inputs, scores


def _backward(params, depth, inputs, dz, through):
    """The gradients of all tensors; `through(dh, i)` takes the gradient back through the ReLU
    before layer i.
    """
    grads = {}
    for i in range(depth, 0, -1):
        dh, grads[f"W{i}"], grads[f"b{i}"] = reference.linear_backward(
            dz, inputs[i - 1], params[f"W{i}"]
        )
        dz = through(dh, i) if i > 1 else dh
    return grads


@misconception(
    "mlp_loss_and_gradients", "Is there a relu after the last layer in the forward pass?"
)
def relu_backward_at_the_end_too(params, x, labels):
    """the gradient goes through a relu after the last layer, but there is none"""
    depth, inputs, scores = _forward(params, x)
    loss, dz = reference.softmax_cross_entropy(scores[-1], labels)
    dz = dz * (scores[-1] > 0)
    return loss, _backward(params, depth, inputs, dz, lambda dh, i: dh * (scores[i - 2] > 0))


@misconception(
    "mlp_loss_and_gradients", "What is between two layers, and what does it do to a gradient?"
)
def relu_left_out_of_the_way_back(params, x, labels):
    """the backward pass ignores the relus"""
    depth, inputs, scores = _forward(params, x)
    loss, dz = reference.softmax_cross_entropy(scores[-1], labels)
    return loss, _backward(params, depth, inputs, dz, lambda dh, i: dh)


@misconception(
    "mlp_loss_and_gradients", "Which number decides in the forward pass whether relu is open?"
)
def gates_by_the_upstream(params, x, labels):
    """the backward of relu uses the sign of the upstream gradient, not the sign of the scores"""
    depth, inputs, scores = _forward(params, x)
    loss, dz = reference.softmax_cross_entropy(scores[-1], labels)
    return loss, _backward(params, depth, inputs, dz, lambda dh, i: dh * (dh > 0))


@misconception(
    "mlp_loss_and_gradients",
    "What is the input of layer 2 in the forward pass: the scores of layer 1, or their relu?",
)
def scores_taken_for_inputs(params, x, labels):
    """the gradient of W uses the scores of the layer below, not their relu"""
    depth, inputs, scores = _forward(params, x)
    loss, dz = reference.softmax_cross_entropy(scores[-1], labels)
    return loss, _backward(params, depth, [x, *scores], dz, lambda dh, i: dh * (scores[i - 2] > 0))


@misconception("mlp_loss_and_gradients", "Can this network give a negative score?")
def relu_after_the_last_layer(params, x, labels):
    """the scores of the last layer go through a relu before the loss"""
    depth, inputs, scores = _forward(params, x)
    loss, dz = reference.softmax_cross_entropy(inputs[-1], labels)
    return loss, _backward(
        params, depth, inputs, dz * (scores[-1] > 0), lambda dh, i: dh * (scores[i - 2] > 0)
    )


@misconception(
    "mlp_loss_and_gradients",
    "How often does the factor 1/N appear on the whole path from the loss to the weights?",
)
def averaged_in_every_layer(params, x, labels):
    """each layer divides the gradients of W and b by the batch size again"""
    loss, grads = reference.mlp_loss_and_gradients(params, x, labels)
    return loss, {name: part / len(x) for name, part in grads.items()}


@misconception(
    "mlp_loss_and_gradients", "How many layers does params hold? Try one layer, then three."
)
def always_two_layers(params, x, labels):
    """exactly two layers are used, whatever the number of layers in params"""
    two = {name: params[name] for name in ("W1", "b1", "W2", "b2")}
    return reference.mlp_loss_and_gradients(two, x, labels)


@misconception(
    "mlp_loss_and_gradients",
    "Through which matrix does the gradient go back? Think of square layers too.",
)
def down_through_w_itself(params, x, labels):
    """the gradient goes back through W instead of its transpose"""
    depth, inputs, scores = _forward(params, x)
    loss, dz = reference.softmax_cross_entropy(scores[-1], labels)
    grads = {}
    for i in range(depth, 0, -1):
        _, grads[f"W{i}"], grads[f"b{i}"] = reference.linear_backward(
            dz, inputs[i - 1], params[f"W{i}"]
        )
        dz = (dz @ params[f"W{i}"]) * (scores[i - 2] > 0) if i > 1 else dz
    return loss, grads


# -- train_mlp and predict
# ---------------------------------------------------------------------------


def _start(X, n_classes, hidden, rng):
    sizes = [X.shape[1], hidden, n_classes]
    params = {f"W{i}": reference.he_normal(sizes[i - 1], sizes[i], rng) for i in (1, 2)}
    return params | {f"b{i}": np.zeros(sizes[i]) for i in (1, 2)}


def _train(params, X, labels, lr, batches, frozen=()):
    """Plain descent over these batches of indices."""
    for batch in batches:
        grads = reference.mlp_loss_and_gradients(params, X[batch], labels[batch])[1]
        params = {
            name: params[name] - (0 if name in frozen else lr) * grads[name] for name in params
        }
    return params


def _batches(n, epochs, batch_size, rng, shuffled=True, last=True):
    for _ in range(epochs):
        order = rng.permutation(n) if shuffled else np.arange(n)
        for start in range(0, n, batch_size):
            if last or start + batch_size <= n:
                yield order[start : start + batch_size]


@misconception("train_mlp", "Print b1 before and after training.")
def biases_never_trained(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """only the weights are trained: the biases keep their initial values"""
    params = _start(X, n_classes, hidden, rng)
    return _train(
        params, X, labels, lr, _batches(len(X), epochs, batch_size, rng), frozen=("b1", "b2")
    )


@misconception(
    "train_mlp", "What is the gradient of W1 if W2 is zero? And if all hidden neurons are equal?"
)
def started_from_zeros(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """all weights start at zero, so all hidden neurons are equal and stay equal"""
    params = {name: 0 * part for name, part in _start(X, n_classes, hidden, rng).items()}
    return _train(params, X, labels, lr, _batches(len(X), epochs, batch_size, rng))


@misconception("train_mlp", "In which order do the samples come in the second epoch?")
def never_shuffled(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """every epoch uses the same batches, in the order of the data"""
    params = _start(X, n_classes, hidden, rng)
    return _train(params, X, labels, lr, _batches(len(X), epochs, batch_size, rng, shuffled=False))


@misconception("train_mlp", "How often does one epoch use each sample? Count them.")
def drawn_with_replacement(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """each batch is drawn at random, so an epoch uses some samples twice and others never"""
    params, steps = _start(X, n_classes, hidden, rng), epochs * math.ceil(len(X) / batch_size)
    batches = (rng.integers(0, len(X), size=min(batch_size, len(X))) for _ in range(steps))
    return _train(params, X, labels, lr, batches)


@misconception("train_mlp", "What happens to the samples that do not fill a batch?")
def last_batch_dropped(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """the last batch is left out if it is not full"""
    params = _start(X, n_classes, hidden, rng)
    return _train(params, X, labels, lr, _batches(len(X), epochs, batch_size, rng, last=False))


@misconception("train_mlp", "The loss is already a mean. How often may the factor 1/N appear?")
def rate_divided_by_the_batch(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """the step is divided by the batch size, but the loss is already a mean"""
    return reference.train_mlp(
        X, labels, n_classes, hidden, lr / min(batch_size, len(X)), epochs, batch_size, rng
    )


@misconception("train_mlp", "Which samples does one epoch use: one batch, or all?")
def one_batch_an_epoch(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """each epoch makes only one step, on one batch"""
    params = _start(X, n_classes, hidden, rng)
    return _train(
        params, X, labels, lr, (rng.permutation(len(X))[:batch_size] for _ in range(epochs))
    )


@misconception("train_mlp", "Which numbers does predict get: X as it was given, or a scaled X?")
def inputs_standardised(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """the network is trained on standardised inputs, but predict gets the original inputs"""
    X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-8)
    return reference.train_mlp(X, labels, n_classes, hidden, lr, epochs, batch_size, rng)


@misconception("predict", "Which axis holds the classes? How many labels should the result have?")
def best_sample_of_each_class(params, X):
    """the largest score is searched over the samples instead of over the classes"""
    h = np.maximum(X @ params["W1"] + params["b1"], 0)
    return np.argmax(h @ params["W2"] + params["b2"], axis=0)


@misconception("predict", "Is this the network that was trained? What is between its layers?")
def predicted_without_relu(params, X):
    """predict leaves out the relu between the layers"""
    return np.argmax((X @ params["W1"] + params["b1"]) @ params["W2"] + params["b2"], axis=1)


@misconception("predict", "A label is the number of a class. What do you return?")
def scores_for_labels(params, X):
    """the largest score is returned, not the class that has it"""
    h = np.maximum(X @ params["W1"] + params["b1"], 0)
    return np.max(h @ params["W2"] + params["b2"], axis=1)


@misconception(
    "train_mlp",
    "How many samples does the last batch have? By which number do you divide?",
)
def short_batch_weighs_less(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """the sum over a short batch is divided by the full batch size"""
    params = _start(X, n_classes, hidden, rng)
    for batch in _batches(len(X), epochs, batch_size, rng):
        params = _train(params, X, labels, lr * len(batch) / batch_size, [batch])
    return params


@misconception("train_mlp", "When do you draw the order: once, or in every epoch?")
def shuffled_once(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """the samples are shuffled only before the first epoch, so every epoch has the same batches"""
    params, order = _start(X, n_classes, hidden, rng), rng.permutation(len(X))
    return _train(
        params,
        X[order],
        labels[order],
        lr,
        _batches(len(X), epochs, batch_size, rng, shuffled=False),
    )


@misconception("predict", "What does the network give for an input of zeros?")
def predicted_without_biases(params, X):
    """the biases are not added"""
    return np.argmax(np.maximum(X @ params["W1"], 0) @ params["W2"], axis=1)
