"""Fixtures for the recipes of docs/recipes.md."""

from __future__ import annotations

from tests.support.browser_fixtures import browser, driver, harness, host, reader

__all__ = ["browser", "driver", "harness", "host", "reader"]
