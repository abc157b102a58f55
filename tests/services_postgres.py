"""PostgreSQL as the gradebook, with two graders at once. Run by `make test-services`; needs
Debian's server.
"""

import getpass
import os
import shutil
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from notebooks import COURSE, TOPIC, solved, written

from autograder.course import course_file
from autograder.nbgrader import releasing

pytestmark = pytest.mark.filterwarnings("ignore")  # nbgrader's own
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
STUDENTS = [f"s{i:02}" for i in range(12)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of our own on loopback; its URL. PostgreSQL refuses to be run by root."""
    if not PROGRAMS:
        pytest.skip("no PostgreSQL server here: apt install postgresql")
    folder = Path(tmp_path_factory.mktemp("postgres"))
    user = "postgres" if os.getuid() == 0 else getpass.getuser()
    if os.getuid() == 0:
        for parent in [folder, *list(folder.parents)[:2]]:
            parent.chmod(0o755)
        shutil.chown(folder, user)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run(user, "initdb", "-D", folder / "data", "-A", "trust", "-U", "grader")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    run(user, "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-w", "-o", options, "start")
    run(user, "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "grader", "gradebook")
    yield f"postgresql+psycopg://grader@127.0.0.1:{port}/gradebook"
    run(user, "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop")


def run(user, program, *arguments):
    command = [str(PROGRAMS[-1] / program), *map(str, arguments)]
    if os.getuid() == 0:
        command = ["runuser", "-u", user, "--", *command]
    subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=120)


@pytest.fixture(scope="module")
def course(server, tmp_path_factory):
    root = tmp_path_factory.mktemp("course") / "course"
    releasing.copy_course(COURSE, root)
    with open(root / "nbgrader_config.py", "a", encoding="utf-8") as config:
        config.write(f"\nc.CourseDirectory.db_url = {server!r}\n")
    copy = course_file.load(root / course_file.FILE)
    releasing.release(copy, TOPIC.id)
    for i, student in enumerate(STUDENTS):
        folder = root / "submitted" / student / TOPIC.id
        folder.mkdir(parents=True)
        wrong = {"sigmoid": "def sigmoid(z):\n    return z"} if i % 2 else {}
        written(solved(**wrong, relu=f"# {student}\n" + RELU), folder)
    return copy


RELU = "def relu(z):\n    return np.maximum(z, 0)\n\n\n"
RELU += "def leaky_relu(z, slope=0.01):\n    return np.maximum(z, slope * z)"


def grading(course):
    line = [
        sys.executable,
        "-m",
        "autograder",
        "grade",
        TOPIC.id,
        "--workers",
        "1",
        "--unsafe-no-jail",
    ]
    return subprocess.Popen(
        line, cwd=course.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_two_graders_at_once_enter_every_grade_once(course, server):
    both = [grading(course), grading(course)]
    for grader in both:
        _, errors = grader.communicate(timeout=600)
        assert grader.returncode == 0, errors
    with Gradebook(server) as gradebook:
        scores = {s.student.id: s.score for s in gradebook.assignment_submissions(TOPIC.id)}
    assert sorted(scores) == STUDENTS
    assert {scores[s] for s in STUDENTS[::2]} == {20}
    assert {score < 20 for score in (scores[s] for s in STUDENTS[1::2])} == {True}


def test_manual_points_survive_another_grading(course, server):
    where = ("written-saturation", "neurons", TOPIC.id, STUDENTS[0])
    with Gradebook(server) as gradebook:
        gradebook.find_grade(*where).manual_score = 1.5
        gradebook.db.commit()
    grader = grading(course)
    grader.communicate(timeout=600)
    with Gradebook(server) as gradebook:
        assert gradebook.find_grade(*where).manual_score == 1.5
        assert gradebook.find_submission(TOPIC.id, STUDENTS[0]).score == 21.5
