"""What all tests share: examples are drawn without a stopwatch, so that a loaded machine fails no test."""

from attacks import tiny  # noqa: F401, a fixture
from hypothesis import HealthCheck, settings

settings.register_profile("kit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("kit")
