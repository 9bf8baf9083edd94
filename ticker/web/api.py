"""The routes of the JSON API over plain HTTP."""

from __future__ import annotations

from starlette.routing import Route

from ticker.gateway.hub import Hub
from ticker.web.boards import Boards
from ticker.web.connection_report import Connections
from ticker.web.history import History
from ticker.web.tail import tail_routes


def api_routes(hub: Hub) -> list[Route]:
    """Return the routes under `/v1/`, without those of the documents that describe it."""
    boards, history = Boards(hub), History(hub)
    return [
        Route("/v1/editions", boards.editions),
        Route("/v1/connection", Connections(hub).report),
        Route("/v1/{edition}/board", boards.board),
        *tail_routes(hub),
        Route("/v1/{edition}/lines", history.lines),
        Route("/v1/{edition}/lines/{id}", history.line),
        Route("/v1/{edition}/live", boards.live),
        Route("/v1/{edition}/events", boards.events),
    ]
