"""Known wrong answers to 02-backprop: what students really write, what it is called, where
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


@misconception("numerical_gradient", "To how many sides is x moved? Measure the slope of x^2 at 0.")
def forward_difference(f, x, eps=1e-5):
    """x is moved to one side only, so the curve's bend enters the slope"""
    return _differences(f, x, eps, 0.0, eps)


@misconception("numerical_gradient", "How far apart are the two places at which f was called?")
def divided_by_one_step(f, x, eps=1e-5):
    """the difference is divided by eps, though the two places are 2 eps apart"""
    return _differences(f, x, eps, -eps, eps)


@misconception("numerical_gradient", "How many entries of x are moved at a time?")
def all_entries_moved_at_once(f, x, eps=1e-5):
    """all entries of x are moved together, so every entry of the result is the sum of all slopes"""
    x = np.asarray(x, float)
    return np.full(x.shape, (f(x + eps) - f(x - eps)) / (2 * eps))


@misconception(
    "numerical_gradient", "Does the result change when the caller asks for another step?"
)
def step_hard_coded(f, x, eps=1e-5):
    """eps is never used: the step is always 1e-7"""
    return reference.numerical_gradient(f, x, 1e-7)


@misconception(
    "numerical_gradient",
    "Compare x before and after the call. And what can an array of integers hold?",
)
def x_left_perturbed(f, x, eps=1e-5):
    """x itself is moved and never put back"""
    gradient = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        x[i] = x[i] + eps
        above = f(x)
        x[i] = x[i] - 2 * eps
        gradient[i] = (above - f(x)) / (2 * eps)
    return gradient


@misconception(
    "numerical_gradient", "What kind of numbers can the array hold that you write the slopes into?"
)
def slopes_in_an_integer_array(f, x, eps=1e-5):
    """for whole numbers the slopes are written into an integer array and lose their fraction"""
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
    "Which broken layers does an upstream gradient of ones not see? Softmax has rows that sum to "
    "1.",
)
def upstream_of_ones(forward, backward, x, rng):
    """the upstream gradient is all ones, to which a layer that ignores it, or a softmax, looks
    right
    """
    return _relative(*_pair(forward, backward, x, np.ones(np.shape(forward(x)))))


@misconception(
    "gradient_check",
    "What is the error of a layer whose gradients are all about 1e-5? And about 1e4?",
)
def error_not_relative(forward, backward, x, rng):
    """the error is not divided by the size of the gradients, so small gradients are never wrong"""
    claimed, measured = _pair(forward, backward, x, rng.normal(size=np.shape(forward(x))))
    return float(np.linalg.norm(claimed - measured))


@misconception("gradient_check", "Two vectors can be equally long and yet point to opposite sides.")
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
    "Is it one and the same dy that the claimed and the measured gradient were computed with?",
)
def two_different_upstreams(forward, backward, x, rng):
    """the claimed and the measured gradient belong to two different upstream gradients"""
    first, second = (rng.normal(size=np.shape(forward(x))) for _ in range(2))
    return _relative(_pair(forward, backward, x, first)[0], _pair(forward, backward, x, second)[1])


@misconception(
    "gradient_check", "Of which function is dy the upstream gradient: what must be summed?"
)
def measured_without_the_upstream(forward, backward, x, rng):
    """the measured gradient is that of the plain sum, without the upstream gradient"""
    claimed = np.asarray(backward(rng.normal(size=np.shape(forward(x))), x))
    return _relative(claimed, reference.numerical_gradient(lambda x: np.sum(forward(x)), x))


@misconception("gradient_check", "What does NumPy do with a difference of shapes (3,) and (1, 3)?")
def shapes_left_to_broadcasting(forward, backward, x, rng):
    """a gradient of the wrong shape is stretched by broadcasting and passes"""
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


@misconception("Value", "What should the slope of a + a be? Whose share is lost?")
class GradAssigned(_Value):
    """each share of a slope replaces the one before it, instead of being added"""

    def _share(self):
        for operand, slope in zip(self._operands, self._slopes):
            operand.grad = slope * self.grad


@misconception("Value", "When may a node pass its slope on? Follow b = 2a, c = b b + b by hand.")
class PassedOnTooEarly(_Value):
    """a node that is used twice passes its slope on each time something arrives, not once at the
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
    "Can a node come before one that still has a share for it? Look at ways of different length.",
)
class NearestFirst(_Value):
    """the nodes are taken by their distance from the result, so some pass on a slope that is not
    complete
    """

    def _order(self):
        order, seen = [self], {self}
        for node in order:
            for operand in node._operands:
                if operand not in seen:
                    seen.add(operand)
                    order.append(operand)
        return order


@misconception("Value", "How deep may functions call each other in Python? Can a list do the same?")
class RecursiveOrder(_Value):
    """the order is found by a function that calls itself, which a long chain of operations takes
    too deep
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
    """the result's own slope is never set to 1, so nothing is passed on"""

    def backward(self):
        for node in self._order():
            node._share()


@misconception("Value", "What does the first backward leave behind that the second one finds?")
class VisitedForEver(_Value):
    """a mark that the first backward leaves on the nodes keeps the second one from visiting them"""

    def _order(self):
        order = [
            node
            for node in reversed(reference._operands_first(self))
            if not hasattr(node, "visited")
        ]
        for node in order:
            node.visited = True
        return order


@misconception("Value", "Is it the slope of a power that stands here? Try a ** 2 at a = 3.")
class PowerNotReduced(_Value):
    """the exponent comes down in front but is not reduced by one"""

    def __pow__(self, n):
        return self._of(self.data**n, (self, n * self.data**n))


@misconception("Value", "What becomes of the exponent when a power is differentiated?")
class ExponentForgotten(_Value):
    """the exponent is reduced by one but does not come down in front"""

    def __pow__(self, n):
        return self._of(self.data**n, (self, self.data ** (n - 1)))


@misconception("Value", "What is the slope of exp at 0? And where is that number already known?")
class ExpByItsInput(_Value):
    """the slope of exp is taken to be its input"""

    def exp(self):
        return self._of(math.exp(self.data), (self, self.data))


@misconception(
    "Value", "Differentiate tanh once more: what is its slope at 0, and far out on the left?"
)
class TanhNotSquared(_Value):
    """the slope of tanh is taken to be 1 - tanh, without the square"""

    def tanh(self):
        y = math.tanh(self.data)
        return self._of(y, (self, 1 - y))


@misconception("Value", "What is the slope of relu where its input is negative?")
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


@misconception("Value", "How fast does a b grow with a: is it a or b that decides?")
class OwnFactorAsSlope(_Value):
    """in a product each factor gets itself as its slope, not the other one"""

    def __mul__(self, other):
        other = self._wrap(other)
        return self._of(self.data * other.data, (self, self.data), (other, other.data))


@misconception("Value", "Which of the two stands on the left in 3 - a?")
class ReflectedDifferenceTurned(_Value):
    """3 - a is computed as a - 3"""

    def __rsub__(self, other):
        return self - other


@misconception("Value", "Which of the two stands above the line in 3 / a?")
class ReflectedQuotientTurned(_Value):
    """3 / a is computed as a / 3"""

    def __rtruediv__(self, other):
        return self / other


# -- linear_backward
# ---------------------------------------------------------------------------------


@misconception(
    "linear_backward",
    "dx = dy times which matrix? Write the shapes below the factors, for D and M different.",
)
def weights_not_transposed(dy, x, W):
    """dx goes through W instead of its transpose"""
    return dy @ W, x.T @ dy, dy.sum(axis=0)


@misconception("linear_backward", "Which shape has the gradient of W?")
def weight_gradient_transposed(dy, x, W):
    """the gradient of W comes out transposed"""
    return dy @ W.T, dy.T @ x, dy.sum(axis=0)


@misconception("linear_backward", "Which shape has b? Its gradient has the same.")
def bias_gradient_kept_flat(dy, x, W):
    """the gradient of b keeps an axis for the batch: (1, M) instead of (M,)"""
    return dy @ W.T, x.T @ dy, dy.sum(axis=0, keepdims=True)


@misconception(
    "linear_backward", "One b is used by every sample: are the shares added up or averaged?"
)
def bias_gradient_averaged(dy, x, W):
    """the gradient of b is averaged over the batch instead of summed"""
    return dy @ W.T, x.T @ dy, dy.mean(axis=0)


@misconception(
    "linear_backward", "Is the loss already averaged over the batch? How often may 1/N enter?"
)
def divided_by_the_batch_again(dy, x, W):
    """the gradients of W and b are divided by the batch size, though the loss already is"""
    dx, dW, db = reference.linear_backward(dy, x, W)
    return dx, dW / len(x), db / len(x)


@misconception("linear_backward", "In which order do the forward's inputs stand?")
def weight_gradient_first(dy, x, W):
    """the gradient of W comes before that of x"""
    dx, dW, db = reference.linear_backward(dy, x, W)
    return dW, dx, db


@misconception(
    "linear_backward",
    "Over which axis is the gradient of b summed? What does b belong to: samples or neurons?",
)
def bias_gradient_for_each_sample(dy, x, W):
    """the gradient of b is summed over the neurons instead of over the samples"""
    return dy @ W.T, x.T @ dy, dy.sum(axis=1)


# -- activations
# -------------------------------------------------------------------------------------


@misconception(
    "relu_backward", "Which number decided in the forward pass whether the gate was open?"
)
def gate_by_the_upstream(dy, z):
    """the gate is read from the sign of dy instead of from z"""
    return dy * (np.asarray(dy) > 0)


@misconception("relu_backward", "The local slope is one factor. What is the other?")
def gate_without_the_upstream(dy, z):
    """only relu's own slope is returned, without dy"""
    return (np.asarray(z) > 0).astype(float)


@misconception("relu_backward", "What is the slope of relu where z is positive?")
def scores_passed_on(dy, z):
    """dy is multiplied by relu(z), not by its slope"""
    return dy * np.maximum(z, 0)


@misconception("sigmoid_backward", "Is the second argument a score, or already the sigmoid of one?")
def sigmoid_taken_twice(dy, s):
    """the output s is put through the sigmoid once more"""
    s = 1 / (1 + np.exp(-np.asarray(s)))
    return dy * s * (1 - s)


@misconception(
    "sigmoid_backward", "The slope is a product of two numbers that add up to 1. Which two?"
)
def sigmoid_half_a_slope(dy, s):
    """one of the two factors s and 1 - s is missing"""
    return dy * (1 - s)


@misconception("tanh_backward", "What is the slope of tanh at 0, and far out on the left?")
def tanh_slope_not_squared(dy, t):
    """the slope is taken to be 1 - t, without the square"""
    return dy * (1 - t)


@misconception("tanh_backward", "Is the second argument a score, or already the tanh of one?")
def tanh_taken_twice(dy, t):
    """the output t is put through tanh once more"""
    return dy * (1 - np.tanh(t) ** 2)


@misconception(
    "tanh_backward",
    "This slope belongs to another S-shaped curve. Which values does tanh run between?",
)
def tanh_with_the_slope_of_the_sigmoid(dy, t):
    """the slope is t (1 - t), which is the sigmoid's"""
    return dy * t * (1 - t)


@misconception("gelu_backward", "z occurs twice in z Phi(z). How many terms has the product rule?")
def gelu_without_the_density(dy, z):
    """only Phi(z) is taken for the slope: the second term of the product rule is missing"""
    return dy * (1 + reference._erf(np.asarray(z) / math.sqrt(2))) / 2


@misconception(
    "gelu_backward", "Is this the slope of z Phi(z), or of a function that looks like it?"
)
def gelu_with_the_slope_of_relu(dy, z):
    """the slope is that of relu"""
    return dy * (np.asarray(z) > 0)


@misconception("gelu_backward", "By what must exp(-z^2 / 2) be divided to be a density?")
def density_not_normalised(dy, z):
    """the density lacks its factor 1 / sqrt(2 pi)"""
    z = np.asarray(z, float)
    return dy * ((1 + reference._erf(z / math.sqrt(2))) / 2 + z * np.exp(-(z**2) / 2))


@misconception("gelu_backward", "It comes close, but of which form of GELU is this the slope?")
def slope_of_the_tanh_form(dy, z):
    """this is the slope of the tanh approximation of GELU"""
    z = np.asarray(z, float)
    c = math.sqrt(2 / math.pi)
    t = np.tanh(c * (z + 0.044715 * z**3))
    return dy * ((1 + t) / 2 + z / 2 * (1 - t**2) * c * (1 + 3 * 0.044715 * z**2))


# -- softmax_backward
# --------------------------------------------------------------------------------


@misconception("softmax_backward", "Does p_i change when another score z_j does?")
def only_the_diagonal(dp, p):
    """only p (1 - p) is used, as if each probability depended on its own score alone"""
    return dp * p * (1 - p)


@misconception(
    "softmax_backward",
    "Which axis holds the classes? What should each row of the result add up to?",
)
def summed_over_the_batch(dp, p):
    """the sum of p dp runs over the batch instead of over the classes"""
    return p * (dp - (p * dp).sum(axis=0, keepdims=True))


@misconception(
    "softmax_backward", "Is the mean of dp that is subtracted a plain one, or is it weighted?"
)
def plain_mean_subtracted(dp, p):
    """the plain mean of dp is subtracted, not the mean weighted with p"""
    return p * (dp - dp.mean(axis=1, keepdims=True))


@misconception(
    "softmax_backward", "Write dp_i/dz_i and dp_j/dz_i once more: which factor have they in common?"
)
def outer_factor_forgotten(dp, p):
    """the factor p in front is missing"""
    return dp - (p * dp).sum(axis=1, keepdims=True)


@misconception("softmax_backward", "Is the upstream gradient a one-hot row here, or anything?")
def softmax_as_if_with_cross_entropy(dp, p):
    """this is the gradient of softmax and cross-entropy together, not of softmax alone"""
    return p - dp


@misconception("softmax_backward", "The off-diagonal entries of the Jacobian have a sign. Which?")
def share_of_the_others_added(dp, p):
    """the sum over the classes is added instead of subtracted"""
    return p * (dp + (p * dp).sum(axis=1, keepdims=True))


# -- softmax_cross_entropy
# ---------------------------------------------------------------------------


@misconception(
    "softmax_cross_entropy", "Of what is dlogits the gradient: of the mean, or of the sum?"
)
def gradient_never_divided(logits, labels):
    """the loss is averaged over the batch, but its gradient is not"""
    loss, dlogits = reference.softmax_cross_entropy(logits, labels)
    return loss, dlogits * len(labels)


@misconception("softmax_cross_entropy", "How often does 1/N stand in the formula?")
def gradient_divided_twice(logits, labels):
    """the gradient is divided by the batch size twice"""
    loss, dlogits = reference.softmax_cross_entropy(logits, labels)
    return loss, dlogits / len(labels)


@misconception(
    "softmax_cross_entropy",
    "Over how many numbers is the mean: one for each sample, or one for each score?",
)
def averaged_over_classes_too(logits, labels):
    """loss and gradient are averaged over the classes too"""
    loss, dlogits = reference.softmax_cross_entropy(logits, labels)
    return loss / logits.shape[1], dlogits / logits.shape[1]


@misconception(
    "softmax_cross_entropy",
    "Should the score of the right class rise or fall in a step against the gradient?",
)
def truth_minus_prediction(logits, labels):
    """the gradient is truth minus prediction: its sign is turned"""
    loss, dlogits = reference.softmax_cross_entropy(logits, labels)
    return loss, -dlogits


@misconception("softmax_cross_entropy", "What does a row of the gradient add up to?")
def truth_never_subtracted(logits, labels):
    """the gradient is the probabilities alone: the 1 of the right class is not subtracted"""
    p = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    return reference.softmax_cross_entropy(logits, labels)[0], p / p.sum(
        axis=1, keepdims=True
    ) / len(labels)


@misconception(
    "softmax_cross_entropy", "What is exp of a very large score? Shifting a row changes no loss."
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
    "How large can this loss get? Can the log be taken before the division?",
)
def log_of_a_clipped_probability(logits, labels):
    """the probability is clipped before the logarithm, so a confident mistake costs too little"""
    _, dlogits = reference.softmax_cross_entropy(logits, labels)
    e = np.exp(logits - np.max(logits, axis=1, keepdims=True))
    p = np.clip(e / e.sum(axis=1, keepdims=True), 1e-12, 1.0)
    return float(-np.log(p[np.arange(len(labels)), labels]).mean()), dlogits


@misconception(
    "softmax_cross_entropy", "Is the loss a sum or a mean? Should it double when the batch does?"
)
def loss_and_gradient_of_the_sum(logits, labels):
    """loss and gradient belong to the sum over the batch, not to the mean"""
    loss, dlogits = reference.softmax_cross_entropy(logits, labels)
    return loss * len(labels), dlogits * len(labels)


# -- initialisation
# ----------------------------------------------------------------------------------


@misconception(
    "he_normal", "How many terms add up to one score: as many as there are inputs, or outputs?"
)
def he_by_the_outputs(fan_in, fan_out, rng):
    """the variance is 2 / fan_out instead of 2 / fan_in"""
    return rng.normal(0.0, math.sqrt(2 / fan_out), size=(fan_in, fan_out))


@misconception(
    "he_normal", "What does normal want to know: the variance or the standard deviation?"
)
def variance_as_deviation(fan_in, fan_out, rng):
    """the variance is used as the standard deviation: a root is missing"""
    return rng.normal(0.0, 2 / fan_in, size=(fan_in, fan_out))


@misconception("he_normal", "How much of the mean square does relu let through?")
def he_without_the_two(fan_in, fan_out, rng):
    """the variance is 1 / fan_in: what relu takes away is not made up for"""
    return rng.normal(0.0, math.sqrt(1 / fan_in), size=(fan_in, fan_out))


@misconception(
    "he_normal", "Which of the two rules was made for relu, and looks at the inputs only?"
)
def xavier_for_he(fan_in, fan_out, rng):
    """this is Xavier's variance 2 / (fan_in + fan_out), not He's"""
    return rng.normal(0.0, math.sqrt(2 / (fan_in + fan_out)), size=(fan_in, fan_out))


@misconception("he_normal", "Which distribution does the name promise?")
def he_by_a_uniform(fan_in, fan_out, rng):
    """the variance is right, but the distribution is uniform"""
    return rng.uniform(-math.sqrt(6 / fan_in), math.sqrt(6 / fan_in), size=(fan_in, fan_out))


@misconception("he_normal", "Does the result depend on the generator that is passed in?")
def own_generator(fan_in, fan_out, rng):
    """rng is not used: the same numbers come every time"""
    return np.random.default_rng(0).normal(0.0, math.sqrt(2 / fan_in), size=(fan_in, fan_out))


@misconception("he_normal", "W is (in, out) in this course. Print the shape.")
def weights_as_out_by_in(fan_in, fan_out, rng):
    """the weights have the shape (fan_out, fan_in)"""
    return rng.normal(0.0, math.sqrt(2 / fan_in), size=(fan_out, fan_in))


@misconception(
    "xavier_uniform", "Which distribution does the name promise, and does it have bounds?"
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
    """the weights run from 0 to the bound: none is negative"""
    return rng.uniform(0.0, math.sqrt(6 / (fan_in + fan_out)), size=(fan_in, fan_out))


@misconception("xavier_uniform", "Which of the two rules looks at the inputs only?")
def xavier_by_the_inputs_alone(fan_in, fan_out, rng):
    """the bound is sqrt(6 / fan_in): fan_out is not in it"""
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
    """the gradient goes through a relu behind the last layer, where there is none"""
    depth, inputs, scores = _forward(params, x)
    loss, dz = reference.softmax_cross_entropy(scores[-1], labels)
    dz = dz * (scores[-1] > 0)
    return loss, _backward(params, depth, inputs, dz, lambda dh, i: dh * (scores[i - 2] > 0))


@misconception(
    "mlp_loss_and_gradients", "What stands between two layers, and what does it do to a gradient?"
)
def relu_left_out_of_the_way_back(params, x, labels):
    """the gradient passes the relus as if they were always open"""
    depth, inputs, scores = _forward(params, x)
    loss, dz = reference.softmax_cross_entropy(scores[-1], labels)
    return loss, _backward(params, depth, inputs, dz, lambda dh, i: dh)


@misconception(
    "mlp_loss_and_gradients", "Which number decided in the forward pass whether the gate was open?"
)
def gates_by_the_upstream(params, x, labels):
    """the relus' gates are read from the gradient that comes down instead of from the scores"""
    depth, inputs, scores = _forward(params, x)
    loss, dz = reference.softmax_cross_entropy(scores[-1], labels)
    return loss, _backward(params, depth, inputs, dz, lambda dh, i: dh * (dh > 0))


@misconception(
    "mlp_loss_and_gradients",
    "What went into layer 2 in the forward pass: the scores of layer 1, or what relu made of them?",
)
def scores_taken_for_inputs(params, x, labels):
    """the gradient of W is computed with the scores of the layer below, not with what relu made of
    them
    """
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
    "How often does 1/N enter on the whole way from the loss to the weights?",
)
def averaged_in_every_layer(params, x, labels):
    """each layer divides the gradients of its W and b by the batch size again"""
    loss, grads = reference.mlp_loss_and_gradients(params, x, labels)
    return loss, {name: part / len(x) for name, part in grads.items()}


@misconception(
    "mlp_loss_and_gradients", "How many layers does params hold? Try one, and try three."
)
def always_two_layers(params, x, labels):
    """exactly two layers are used, however many there are"""
    two = {name: params[name] for name in ("W1", "b1", "W2", "b2")}
    return reference.mlp_loss_and_gradients(two, x, labels)


@misconception(
    "mlp_loss_and_gradients",
    "Through which matrix does the gradient go down? What if all layers are square?",
)
def down_through_w_itself(params, x, labels):
    """the gradient goes down through W instead of its transpose"""
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
    """only the weights are trained: the biases stay where they began"""
    params = _start(X, n_classes, hidden, rng)
    return _train(
        params, X, labels, lr, _batches(len(X), epochs, batch_size, rng), frozen=("b1", "b2")
    )


@misconception(
    "train_mlp", "What is the gradient of W1 if W2 is zero? And if all hidden neurons are alike?"
)
def started_from_zeros(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """all weights start at zero, where all hidden neurons are alike and stay alike"""
    params = {name: 0 * part for name, part in _start(X, n_classes, hidden, rng).items()}
    return _train(params, X, labels, lr, _batches(len(X), epochs, batch_size, rng))


@misconception("train_mlp", "In which order do the samples come in the second epoch?")
def never_shuffled(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """the batches are the same in every epoch, in the order in which the samples came"""
    params = _start(X, n_classes, hidden, rng)
    return _train(params, X, labels, lr, _batches(len(X), epochs, batch_size, rng, shuffled=False))


@misconception("train_mlp", "How often is each sample used in one epoch? Count them.")
def drawn_with_replacement(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """each batch is drawn afresh, so in one epoch some samples come twice and others never"""
    params, steps = _start(X, n_classes, hidden, rng), epochs * math.ceil(len(X) / batch_size)
    batches = (rng.integers(0, len(X), size=min(batch_size, len(X))) for _ in range(steps))
    return _train(params, X, labels, lr, batches)


@misconception("train_mlp", "What becomes of the samples that do not fill a batch?")
def last_batch_dropped(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """a last batch that is not full is left out"""
    params = _start(X, n_classes, hidden, rng)
    return _train(params, X, labels, lr, _batches(len(X), epochs, batch_size, rng, last=False))


@misconception("train_mlp", "The loss is a mean already. How often may 1/N enter?")
def rate_divided_by_the_batch(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """the step is divided by the batch size, though the loss is a mean already"""
    return reference.train_mlp(
        X, labels, n_classes, hidden, lr / min(batch_size, len(X)), epochs, batch_size, rng
    )


@misconception("train_mlp", "Which samples does one epoch see: one batch, or all?")
def one_batch_an_epoch(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """each epoch makes one step on one batch"""
    params = _start(X, n_classes, hidden, rng)
    return _train(
        params, X, labels, lr, (rng.permutation(len(X))[:batch_size] for _ in range(epochs))
    )


@misconception(
    "train_mlp", "On which numbers will the network be used: on X as it was given, or on others?"
)
def inputs_standardised(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """the network is trained on standardised inputs, but it will be used on plain ones"""
    X = (X - X.mean(axis=0)) / (X.std(axis=0) + 1e-8)
    return reference.train_mlp(X, labels, n_classes, hidden, lr, epochs, batch_size, rng)


@misconception("predict", "Which axis holds the classes? How many labels should come out?")
def best_sample_of_each_class(params, X):
    """the greatest score is looked for along the samples, not along the classes"""
    h = np.maximum(X @ params["W1"] + params["b1"], 0)
    return np.argmax(h @ params["W2"] + params["b2"], axis=0)


@misconception("predict", "Is this the network that was trained? What stands between its layers?")
def predicted_without_relu(params, X):
    """the relu between the layers is left out"""
    return np.argmax((X @ params["W1"] + params["b1"]) @ params["W2"] + params["b2"], axis=1)


@misconception("predict", "A label is the number of a class. What are these?")
def scores_for_labels(params, X):
    """the greatest score itself is returned, not the class that it belongs to"""
    h = np.maximum(X @ params["W1"] + params["b1"], 0)
    return np.max(h @ params["W2"] + params["b2"], axis=1)


@misconception(
    "train_mlp",
    "How many samples does the last batch hold? Divide by their number, not by another.",
)
def short_batch_weighs_less(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """the sum over a short batch is divided by the full batch size"""
    params = _start(X, n_classes, hidden, rng)
    for batch in _batches(len(X), epochs, batch_size, rng):
        params = _train(params, X, labels, lr * len(batch) / batch_size, [batch])
    return params


@misconception("train_mlp", "When is the order drawn: once, or in every epoch?")
def shuffled_once(X, labels, n_classes, hidden, lr, epochs, batch_size, rng):
    """the samples are shuffled before the first epoch only, so the batches are always the same"""
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
