"""The description of the HTTP API: OpenAPI 3.2, at `/v1/openapi.json`.

The paths are written by hand, in the files of the folder `openapi`, one file per area. The schemas are generated from
the types that the handlers encode. A test compares the paths with the routes in both directions, and each example with
the answer of a real handler.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Final

import msgspec
from starlette.routing import BaseRoute, Route

from ticker.core.status import SystemStatus
from ticker.core.tail import Tail
from ticker.problems import Problem
from ticker.schemas import MESSAGES, Schema, components
from ticker.web.boards import EditionsAnswer
from ticker.web.connection_report import ConnectionReport
from ticker.web.history import HistoryPage, LineAnswer
from ticker.web.operations import Health, Readiness

MEDIA_TYPE: Final = "application/vnd.oai.openapi+json;version=3.2"
_ANSWERS: Final = (
    *(Problem, EditionsAnswer, Tail, HistoryPage, LineAnswer, Health, Readiness, ConnectionReport, SystemStatus),
)


def openapi(version: str, routes: Iterable[BaseRoute]) -> Schema:
    """Return the description of an application with these routes. `version` is the project's.

    A path without a route is left out, such as the metrics of a gateway that has them on a port of its own.
    """
    served = {route.path_format for route in routes if isinstance(route, Route)}
    folder = files("ticker.web") / "openapi"
    document: Schema = msgspec.json.decode((folder / "document.json").read_bytes())
    document["info"]["version"] = version
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        paths = msgspec.json.decode(file.read_bytes())["paths"]
        document["paths"] |= {path: item for path, item in paths.items() if path in served}
    document["components"]["schemas"] |= components(*MESSAGES, *_ANSWERS)
    return document
