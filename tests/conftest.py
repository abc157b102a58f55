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
