"""What all tests share: examples are drawn without a stopwatch, so that a loaded machine fails no test."""

import pytest
from attacks import tiny  # noqa: F401, a fixture
from hypothesis import HealthCheck, settings

settings.register_profile("kit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kit")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """A file's tests stay on one core, with what they set up; each lesson, which takes a minute, goes by itself."""
    for item in items:
        group = item.name if "test_the_solved_lesson" in item.name else item.path.name
        item.add_marker(pytest.mark.xdist_group(group))
