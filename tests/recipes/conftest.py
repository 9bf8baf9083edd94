"""Fixtures for the recipes of docs/recipes.md."""

from __future__ import annotations

from tests.support.browser_fixtures import browser, harness, host, reader

__all__ = ["browser", "harness", "host", "reader"]
