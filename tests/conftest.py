"""What all tests share: examples are drawn without a stopwatch, so that a loaded machine fails no
test.
"""

import atexit
import os
import shutil
import tempfile

from attacks import tiny  # noqa: F401, a fixture
from hypothesis import HealthCheck, settings

settings.register_profile("kit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kit")

os.environ["AUTOGRADER_HOME"] = (
    tempfile.mkdtemp()
)  # no test, and no kernel that one starts, touches anybody's progress
atexit.register(shutil.rmtree, os.environ["AUTOGRADER_HOME"], ignore_errors=True)

# The files that take minutes. Each runs on one core, so they begin first: or the other core waits
# for the last of them. (pytest-xdist keeps this order with --no-loadscope-reorder.)
LONG = (
    "learner/test_lesson.py",
    "audit/test_audit.py",
    "nbgrader/test_class.py",
    "course/test_new.py",
    "nbgrader/test_class_faults.py",
    "cli/test_guides.py",
    "export/test_kit.py",
)


def pytest_collection_modifyitems(items):
    """Sort the long files to the front, the longest first; the others keep their order."""
    order = {name: i for i, name in enumerate(LONG)}

    def place(item):
        return order.get("/".join(item.path.parts[-2:]), len(LONG))

    items.sort(key=place)
