"""A learner who opens several topics in one kernel finds each topic's own files."""

import subprocess
import sys

import pytest
from notebooks import ROOT

TWO = ("01-neurons", "02-backprop")


def ran(code, cwd=ROOT):
    """What a fresh Python says that runs the code as a kernel would."""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


OPENED = """
from autograder import start
for topic in {topics}:
    start(topic)
    import given, figures
    print(given.__file__, figures.__file__)
"""


@pytest.mark.parametrize("topics", [TWO, TWO[::-1], (*TWO, TWO[0])])
def test_each_topic_brings_its_own_given_and_figures(topics):
    wanted = [
        str(ROOT / "release" / topic / f"{name}.py")
        for topic in topics
        for name in ("given", "figures")
    ]
    assert ran(OPENED.format(topics=topics)) == wanted


def test_figures_of_the_second_topic_use_the_second_topics_data():
    code = """
from autograder import start
start("01-neurons")
import figures
start("02-backprop")
import figures
print(figures.rings is __import__("given").rings)
"""
    assert ran(code) == ["True"]


def test_to_start_again_keeps_what_is_loaded_and_the_path_short():
    code = """
import sys
from autograder import start
start("01-neurons")
import given
before, places = given, list(sys.path)
start("01-neurons")
import given
print(given is before, sys.path == places)
"""
    assert ran(code) == ["True", "True"]


@pytest.mark.parametrize("topic", TWO)
def test_figures_need_no_matplotlib_before_they_draw(topic):
    code = f"""
import sys
sys.modules["matplotlib"] = None
from autograder import start
start({topic!r})
import figures, given
print("well")
"""
    assert ran(code) == ["well"]
