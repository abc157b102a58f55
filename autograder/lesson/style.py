"""One palette and one figure style for all lessons.

Matplotlib is imported when the first figure is drawn, so that all else works without it.
"""

from typing import Any

# Safe for colour-blind readers (Okabe and Ito, 2008); a second sign goes with each colour.
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
RED, PINK, GREY = "#D55E00", "#CC79A7", "#666666"
LIGHT = "#bbbbbb"  # the background
COLOURS = (BLUE, ORANGE, GREEN, RED, PINK, GREY)
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)))  # a line style for each colour
WIDTH = 9.5  # inches, as wide as a notebook's column
STYLE: dict[Any, Any] = {  # of matplotlib's rcParams
    "axes.prop_cycle": f"cycler('color', {list(COLOURS)})",
    "axes.titlesize": 11,
    "axes.labelsize": 10,
    "legend.fontsize": 9,
    "legend.framealpha": 0.9,
    "legend.edgecolor": LIGHT,
}


def panels(columns: int, rows: int = 1, height: float = 3.2, **options: Any) -> Any:
    """A new figure, `height` inches high, and its axes, row by row: an array (rows * columns,).

    `options` are those of matplotlib's Figure.subplots. From the first figure on, the course's
    colours and sizes hold for every figure of the notebook, for a learner's own too.
    """
    import matplotlib.pyplot as plt

    plt.rcParams.update(STYLE)
    figure = plt.figure(figsize=(WIDTH, height), layout="constrained")
    return figure.subplots(rows, columns, squeeze=False, **options).ravel()


def show() -> None:
    """End a figure: a notebook shows it here."""
    import matplotlib.pyplot as plt

    plt.show()


def label(ax: Any, title: str, xlabel: str, ylabel: str, **more: Any) -> None:
    """Name a figure's axes and what is on them; `more` goes to matplotlib's Axes.set."""
    ax.set(title=title, xlabel=xlabel, ylabel=ylabel, **more)


def image(ax: Any, pixels: Any, title: str = "", **look: Any) -> Any:
    """Show pixels (H, W) without ticks, in grey unless `look`, imshow's options, says otherwise."""
    drawn = ax.imshow(pixels, **({"cmap": "gray"} | look))
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=9)
    return drawn


def numbers(ax: Any, values: Any, form: str = "{:g}", white_above: float = float("inf")) -> None:
    """Write each of the values (H, W) on its pixel, in white on those above `white_above`."""
    for i, row in enumerate(values):
        for j, v in enumerate(row):
            colour = "white" if v > white_above else "black"
            ax.text(j, i, form.format(v), ha="center", va="center", fontsize=9, color=colour)
