"""The API's answers about the present: all editions, and the board of one."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from ticker.core.board import next_change_at
from ticker.core.messages import BoardMessage, EditionInfo, encode_message
from ticker.gateway import handshake
from ticker.gateway.admission import Refusal
from ticker.gateway.framing import Framing
from ticker.gateway.hub import Hub
from ticker.web.api_response import api_response
from ticker.web.cors import ANY_ORIGIN, check_origin, readable_channel
from ticker.web.http_cache import last_modified
from ticker.web.privacy import channel_for, listed_channels


class EditionFacts(EditionInfo, frozen=True, omit_defaults=True, kw_only=True):
    """An edition, its newest position, and its vocabulary: the name for people of each section and region."""

    position: str
    sections: dict[str, str]
    regions: dict[str, str]


class EditionsAnswer(msgspec.Struct, frozen=True):
    """All editions of this server that the request may read."""

    editions: list[EditionFacts]


class Boards:
    """The handlers."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def editions(self, request: Request) -> Response:
        """Return all editions that the request may read, each with its position, its sections and its regions."""
        channels = listed_channels(self._hub, request).values()
        facts = [
            EditionFacts(
                **msgspec.structs.asdict(EditionInfo.of(channel.name, channel.edition)),
                position=str(channel.position),
                sections=channel.edition.sections,
                regions=channel.edition.regions,
            )
            for channel in channels
        ]
        modified_at = max((channel.modified_at for channel in channels), default=None)
        modified = last_modified(modified_at, self._hub.clock())
        # Without a private edition, the answer is the same for every token.
        varies = {"Vary": "Authorization"} if any(each.is_private for each in self._hub.channels.values()) else {}
        return api_response(request, msgspec.json.encode(EditionsAnswer(facts)), {**ANY_ORIGIN, **varies}, modified)

    async def board(self, request: Request) -> Response:
        """Return the current `board` message."""
        channel, cors = readable_channel(self._hub, request)
        fields = handshake.parse_fields(request.url.query)
        options = handshake.parse_options(channel.edition, Framing.WEBSOCKET, fields)
        lines = channel.board_lines(options.lines, options.selection)
        edition = EditionInfo.of(channel.name, channel.edition, options.language)
        message = BoardMessage(str(channel.position), None, edition, lines, channel.history.is_incomplete)
        now = self._hub.clock()
        # A board with an expiry or a pin changes without an entry.
        depends_on_clock = next_change_at(lines, now) is not None
        modified = None if depends_on_clock else last_modified(channel.modified_at, now)
        return api_response(request, encode_message(message), cors, modified)

    async def live(self, request: Request) -> Response:
        """Refuse plain HTTP on the WebSocket's path. Upgrade requests never reach this handler."""
        channel = channel_for(self._hub, request, request.path_params["edition"])
        raise Refusal(426, "upgrade", f"this is a WebSocket; over plain HTTP, use /v1/{channel.name}/events")

    async def events(self, request: Request) -> Response:
        """Answer HEAD as GET would be answered, without the events. GET never reaches this handler."""
        channel = channel_for(self._hub, request, request.path_params["edition"])
        origin = check_origin(self._hub, request, channel)
        channel.requests.parse(Framing.EVENTS, request.url.query, request.headers.get("last-event-id"))
        response = Response(headers=handshake.events_headers(origin))
        del response.headers["Content-Length"]
        return response
