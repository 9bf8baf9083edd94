"""The Hypothesis profile of the core's tests: enough examples to find faults, and fast on a shared machine."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("core", deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("core")
