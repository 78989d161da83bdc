"""What holds for all tests."""

import os

from hypothesis import HealthCheck, settings

# A busy machine must not fail a test: no example has a time limit, pytest-timeout alone ends what hangs. Where nobody
# looks at a surprise, in the continuous integration, each run tries the same examples.
settings.register_profile(
    "neurorave",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("neurorave")
