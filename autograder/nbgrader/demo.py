"""Run a made-up class through nbgrader's own commands, from release to feedback."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

from autograder.course.course_file import FILE, Course, load
from autograder.course.made_up_class import TOPIC, Made, Maker
from autograder.jail.tiers import MEANING, survey
from autograder.model.errors import KitError
from autograder.model.topic import Topic
from autograder.nbgrader import api
from autograder.nbgrader.releasing import copy_course

Say = Callable[[str], None]


def run(course: Course, students: int, say: Say) -> bool:
    """Run all steps for that many students. Return whether every grade in the gradebook is right."""
    work = Path(tempfile.mkdtemp(prefix="autograder-demo-"))
    copy_course(course, work / "course")
    copy = load(work / "course" / FILE)
    nbgrader = Nbgrader(copy, work / "exchange")
    say(f"a class of {students} in {work}")
    say("releasing: nbgrader generate_assignment, release_assignment")
    nbgrader.run("generate_assignment", TOPIC)
    nbgrader.run("release_assignment", TOPIC)
    maker = Maker(copy)
    kinds = list(islice(cycle(maker.all()), students))
    names = [f"student{i:02}" for i in range(1, students + 1)]
    say("fetching: nbgrader fetch_assignment, once, as all get the same")
    fetched = nbgrader.fetch(work / "fetched")
    say("handing in, each from a folder of their own: nbgrader submit")
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                lambda name, made: nbgrader.hand_in(
                    fetched, work / "homes" / name, made, maker.topic
                ),
                names,
                kinds,
            )
        )
    say("collecting: nbgrader collect")
    nbgrader.run("collect", TOPIC)
    tier = survey().jail.tier
    say(f"grading: autograder grade, in a jail of tier {tier}: {MEANING[tier]}")
    # The code is our own, so it may run without a jail.
    line = [sys.executable, "-m", "autograder", "grade", TOPIC, "--unsafe-no-jail"]
    done = subprocess.run(line, cwd=copy.root, capture_output=True, text=True, check=False)
    if done.returncode:
        say(f"{done.stdout}{done.stderr}")
    say("feedback: nbgrader generate_feedback, release_feedback\n")
    nbgrader.run("generate_feedback", TOPIC)
    nbgrader.run("release_feedback", TOPIC)
    return _compare(copy, names, kinds, maker.topic, say)


class Nbgrader:
    """nbgrader's commands, as instructors and students type them."""

    def __init__(self, course: Course, exchange: Path) -> None:
        self.course = course
        api.make_tools_reachable()
        exchange.mkdir(mode=0o777)
        exchange.chmod(0o777)
        self.common = [f"--course={course.file.course}", f"--Exchange.root={exchange}"]

    def run(self, *command: str, cwd: Path | None = None) -> None:
        """Run one command. If it fails, KitError quotes the end of its output."""
        line = [sys.executable, "-m", "nbgrader", *command, *self.common]
        done = subprocess.run(
            line, cwd=cwd or self.course.root, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise KitError(f"nbgrader {command[0]} failed: {done.stderr.strip()[-800:]}")

    def fetch(self, home: Path) -> Path:
        """Fetch the assignment as a student and return its folder."""
        home.mkdir()
        self.run("fetch_assignment", TOPIC, cwd=home)
        return home / TOPIC

    def hand_in(self, fetched: Path, home: Path, made: Made, topic: Topic) -> None:
        """Replace the fetched notebook by the made-up one in a student's home, and submit it."""
        shutil.copytree(fetched, home / topic.id)
        (home / topic.id / f"{topic.name}.ipynb").write_text(made.text, encoding="utf-8")
        self.run("submit", topic.id, f"--student={home.name}", cwd=home)
        shutil.rmtree(home)


def _compare(course: Course, names: list[str], kinds: list[Made], topic: Topic, say: Say) -> bool:
    say(f"{'submission':<36} {'right':>6} {'graded':>7}   feedback")
    agree = True
    with api.opened(course) as nbgrader, nbgrader.gradebook as gradebook:
        for name, made in zip(names, kinds):
            score = gradebook.find_submission(topic.id, name).score
            page = course.root / "feedback" / name / topic.id / f"{topic.name}.html"
            good = abs(score - made.right) < 1e-3 and page.is_file()
            agree &= good
            shown = page if page.is_file() else "missing"
            say(
                f"{'✓' if good else '✗'} {made.kind:<34} {made.right:>6.2f} {score:>7.2f}   {shown}"
            )
    say("\nall grades are right" if agree else "\n✗ the gradebook and the right grades differ")
    return agree
