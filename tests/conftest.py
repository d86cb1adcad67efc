"""What holds for all tests."""

from __future__ import annotations

import os

from hypothesis import settings

# Under CI the examples are the same each time, so that a verdict is about the change and not about luck; elsewhere
# every run tries new ones.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("default", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "default")
