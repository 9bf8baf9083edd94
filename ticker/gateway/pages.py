"""Placeholder."""

from collections.abc import Mapping
from typing import Any
from starlette.routing import BaseRoute


def page_routes(editions: Mapping[str, Any], *, version: str) -> list[BaseRoute]:
    return []
