"""Past one machine: a scheduler and its workers, as processes of their own, and one of them killed
on the way.
"""

import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from classes import Here
from notebooks import ROOT, TOPIC, public_answers, solved, written

from autograder.grading.batch import Code
from autograder.grading.executors import Cluster
from autograder.model import notebook
from autograder.model.errors import UserError

pytestmark = pytest.mark.filterwarnings("ignore")  # Dask's own
DASK = [sys.executable, "-m", "dask"]


@pytest.fixture
def start():
    """Start commands of Dask; all of them are ended with the test."""
    started = []

    def run(*arguments):
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        started.append(subprocess.Popen([*DASK, *arguments], cwd=ROOT, **quiet))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def address():
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{free.getsockname()[1]}"


def submission(folder, **answers):
    path = written(solved(**answers), folder)
    return Code(tuple(notebook.submission(notebook.read(path), TOPIC))).to_bytes()


def connected(address, workers):
    """A Cluster of so many workers, once they are there."""
    deadline = time.monotonic() + 90
    while True:
        try:
            cluster = Cluster(address, unsafe=True)
            cluster.wait_for(workers, 60)
            return cluster
        except UserError:
            if time.monotonic() > deadline:
                raise


def test_the_submissions_of_a_worker_that_is_lost_run_elsewhere(start, address, tmp_path):
    port = address.rpartition(":")[2]
    start("scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", "--no-show")
    workers = [
        start("worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        for _ in range(2)
    ]
    right, wrong = (
        submission(tmp_path),
        submission(tmp_path, sigmoid="def sigmoid(z):\n    return z"),
    )
    answers = public_answers().to_bytes()
    work = [(f"s{i}", wrong if i % 3 else right) for i in range(12)]
    reports = {}
    with closing(connected(address, 2)) as cluster:
        assert cluster.tier() in "ABC"
        for name, report in cluster.run(answers, work):
            reports[name] = report
            if len(reports) == 3:
                workers[0].kill()
    assert {r.status for r in reports.values()} == {"graded"}
    here = dict(Here(unsafe=True).run(answers, work[:2]))
    assert [reports[f"s{i}"].score for i in range(12)] == [
        here[f"s{bool(i % 3):d}"].score for i in range(12)
    ]


def test_an_address_without_a_scheduler_is_named(address):
    with pytest.raises(
        UserError, match=r"there is no Dask scheduler at tcp://127\.0\.0\.1:\d+ .*dask scheduler"
    ):
        Cluster(address, patience=0.5)


def test_the_embedded_default_needs_no_dask():
    code = "import sys; sys.modules['distributed'] = None; "
    code += "import autograder.grading.executors, autograder.nbgrader.grade_class"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, cwd=Path(ROOT))
