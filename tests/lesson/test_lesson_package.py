"""What all lessons share: `beside` judges and prints, `swapped` lends and gives back, and one style
draws.
"""

import subprocess
import sys

import numpy as np
import pytest

from autograder import lesson
from autograder.lesson import beside, differences, digits, label, panels, pytorch, style, swapped


def test_all_public_names_are_there():
    assert lesson.__all__ == sorted(lesson.__all__)
    assert all(hasattr(lesson, name) for name in lesson.__all__)


@pytest.mark.parametrize("absent", ["matplotlib", "sklearn", "torch"])
def test_it_can_be_imported_without_what_only_some_of_it_needs(absent):
    code = f"import sys; sys.modules[{absent!r}] = None; from autograder.lesson import *"
    subprocess.run([sys.executable, "-c", code], check=True)


def marks(text):
    """The marks of the rows, without the heading."""
    return [line[0] for line in text.splitlines() if line[0] in "✓✗"]


RIGHT = {
    "a number": (2.5, 2.5, 1),
    "an integer": (3, 3.0, 1),
    "an array without axes": (np.array(2.5), 2.5, 1),
    "a row for each entry of a list": ([1, 2, 3], np.array([1.0, 2.0, 3.0]), 3),
    "a row for each row": ([[1, 2], [3, 4]], [[1, 2], [3, 4]], 2),
    "a row for each row of each image": (np.ones((2, 1, 3, 4)), np.ones((2, 1, 3, 4)), 6),
    "truth values": (np.array([True, False]), [1, 0], 2),
    "float32": (np.float32([[1 / 3, 2e-7]]), [[1 / 3, 0]], 1),
    "float16": (np.float16([1 / 3]), [1 / 3], 1),
    "rounding": ([0.1 + 0.2], [0.3], 1),
    "infinity": ([np.inf, -np.inf], [np.inf, -np.inf], 2),
}


@pytest.mark.parametrize("got, expected, rows", RIGHT.values(), ids=RIGHT)
def test_a_right_value_has_a_mark_for_each_row(got, expected, rows, capsys):
    beside(got, expected, "it")
    out = capsys.readouterr().out
    assert marks(out) == ["✓"] * rows
    assert out.splitlines()[0].split() == ["it:", "yours", "expected"]


WRONG = {
    "one row of two": ([[1, 2], [3, 5]], [[1, 2], [3, 4]], ["✓", "✗"]),
    "not a number": ([1, np.nan], [1, 1], ["✓", "✗"]),
    "off by more than float64 can be": ([1 + 1e-5], [1], ["✗"]),
    "off by more than float32 can be": (np.float32([1.001]), [1], ["✗"]),
}


@pytest.mark.parametrize("got, expected, found", WRONG.values(), ids=WRONG)
def test_a_wrong_row_is_marked(got, expected, found, capsys):
    beside(got, expected)
    assert marks(capsys.readouterr().out) == found


ODD = {
    "another shape": (
        np.ones(3),
        np.ones((3, 1)),
        "type float64, shape (3,); expected shape (3, 1)",
    ),
    "a number for an array": (1.0, [1.0, 2.0], "shape (); expected shape (2,)"),
    "nothing": (None, [1.0], "yours is None"),
    "a text": ("0.5", 0.5, "yours is a str"),
    "objects": (np.array([None]), [1.0], "type object"),
    "complex numbers": (np.array([1j]), [1.0], "type complex128"),
    "parts that do not fit together": (([1, 2], [3]), [1.0], "a tuple of unequal parts"),
}


@pytest.mark.parametrize("got, expected, says", ODD.values(), ids=ODD)
def test_what_cannot_be_laid_beside_is_named(got, expected, says, capsys):
    beside(got, expected, "it")
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("✗ it: yours ")
    assert says in line


def test_rows_stand_under_their_headings(capsys):
    beside([[-0.0, 123456.7], [1, 2]], [[0, 123457], [1, 2]], "y")
    assert capsys.readouterr().out.splitlines() == [
        "  y: yours   expected",
        "✗ 0 123457   0 123457",
        "✓ 1 2        1 2",
    ]


def test_an_empty_value_has_no_rows(capsys):
    beside(np.ones((0, 3)), np.ones((0, 3)), "none")
    assert capsys.readouterr().out == "  none: yours   expected\n"


def test_a_value_stays_as_it_was():
    value = np.array([[-0.0, 1.0]])
    beside(value, value.copy())
    assert np.signbit(value[0, 0])


def test_a_name_means_another_function_inside_the_block_only():
    names = {"f": 1, "g": 2}
    with swapped(names, f=3):
        assert names == {"f": 3, "g": 2}
    assert names == {"f": 1, "g": 2}


def test_a_name_is_given_back_after_an_error_too():
    names = {"f": 1}
    with pytest.raises(ZeroDivisionError), swapped(names, f=3):
        raise ZeroDivisionError
    assert names == {"f": 1}


def test_a_name_that_is_not_there_cannot_be_swapped():
    names = {"f": 1}
    with pytest.raises(KeyError), swapped(names, relu=3):
        pass
    assert names == {"f": 1}


def test_the_digits_come_in_two_parts_in_an_order_of_the_seed():
    X, labels, X_test, labels_test = digits()
    assert (X.shape, labels.shape, X_test.shape, labels_test.shape) == (
        (1347, 64),
        (1347,),
        (450, 64),
        (450,),
    )
    assert (X.min(), X.max()) == (0, 1)
    np.testing.assert_array_equal(X, digits(0)[0])
    assert (digits(1)[0] != X).any()


def test_differences_to_pytorch_are_printed(capsys):
    differences({"relu": ([np.ones(2)], [np.array([1.0, 1.5])]), "y": ([1.0], [np.ones(3)])})
    assert capsys.readouterr().out.splitlines() == [
        "relu   largest difference 5.0e-01",
        "y      largest difference inf",
    ]


def test_a_learner_without_pytorch_is_told_so(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert pytorch() is None
    assert capsys.readouterr().out == "PyTorch is not installed: skipped\n"


@pytest.fixture
def plt(monkeypatch):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.switch_backend("agg")
    with plt.rc_context():
        yield plt
    plt.close("all")


def test_panels_are_row_by_row_and_of_one_width(plt):
    axes = panels(3, 2, height=4.0, sharey=True)
    assert axes.shape == (6,)
    assert list(axes[0].figure.get_size_inches()) == [style.WIDTH, 4.0]
    assert axes[1].get_subplotspec().colspan.start == 1


def test_the_first_line_that_is_drawn_is_of_the_palette(plt):
    (ax,) = panels(1)
    label(ax, "a", "b", "c", xlim=(0, 1))
    assert [line.get_color() for line in ax.plot(np.eye(3))] == list(lesson.COLOURS[:3])
    assert (ax.get_title(), ax.get_xlabel(), ax.get_ylabel()) == ("a", "b", "c")


def test_an_image_has_no_ticks_and_may_carry_its_numbers(plt):
    (ax,) = panels(1)
    lesson.image(ax, np.eye(2), "an image", cmap="Blues")
    lesson.numbers(ax, np.eye(2), "{:.1f}", white_above=0.5)
    assert (list(ax.get_xticks()), ax.get_title()) == ([], "an image")
    assert [t.get_text() for t in ax.texts] == ["1.0", "0.0", "0.0", "1.0"]
    assert [t.get_color() for t in ax.texts] == ["white", "black", "black", "white"]


def luminance(colour):
    """Relative luminance (WCAG 2.2) of "#rrggbb", which a reader without colours sees."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def test_the_palette_is_that_of_okabe_and_ito_and_stands_out_on_white():
    assert len(set(lesson.COLOURS)) == len(lesson.DASHES) == 6
    assert all(1.05 / (luminance(colour) + 0.05) > 2 for colour in lesson.COLOURS)
