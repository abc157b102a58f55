"""What a notebook imports besides `check` and `hint`: the helpers that all lessons share.

A lesson's own data and layers are in its `given.py`, its figures in its `figures.py`. While a
submission is graded, the names of this package exist and calling them does nothing.
"""

from autograder.lesson.beside import beside
from autograder.lesson.data import digits
from autograder.lesson.pytorch import differences, pytorch
from autograder.lesson.style import (
    BLUE,
    COLOURS,
    DASHES,
    GREEN,
    GREY,
    LIGHT,
    ORANGE,
    PINK,
    RED,
    STYLE,
    image,
    label,
    numbers,
    panels,
    show,
)
from autograder.lesson.swapped import swapped

__all__ = [
    "BLUE",
    "COLOURS",
    "DASHES",
    "GREEN",
    "GREY",
    "LIGHT",
    "ORANGE",
    "PINK",
    "RED",
    "STYLE",
    "beside",
    "differences",
    "digits",
    "image",
    "label",
    "numbers",
    "panels",
    "pytorch",
    "show",
    "swapped",
]
