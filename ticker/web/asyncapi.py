"""The description of the WebSocket: AsyncAPI 3.1, at `/v1/asyncapi.json`."""

from __future__ import annotations

from typing import Final

from ticker.core.messages import SUBPROTOCOL, CloseCode
from ticker.gateway.access import SUBPROTOCOL_PREFIX
from ticker.schemas import MESSAGES, Schema, components, reference

MEDIA_TYPE: Final = "application/vnd.aai.asyncapi+json;version=3.1.0"
_TOKEN: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The token in the header `Authorization`. A browser sends it as a subprotocol: "
    f"`{SUBPROTOCOL_PREFIX}` and the token, after `{SUBPROTOCOL}`.",
}


def asyncapi(version: str, parameters: dict[str, Schema]) -> Schema:
    """Return the description. `version` is the project's, and `parameters` are those of the OpenAPI document."""
    names = [kind.__name__ for kind in MESSAGES]
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Ticker, live",
            "version": version,
            "description": "A reader follows an edition. The gateway sends messages, and the reader sends none. "
            "Readers have to ignore fields and types of messages that they don't know. "
            "/v1/openapi.json describes everything else, including Server-Sent Events.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {"live": _live(names, parameters)},
        "operations": {
            "follow": {
                "action": "send",
                "channel": {"$ref": "#/channels/live"},
                "summary": "Send the board or the missed lines, then each change when it is published.",
                "description": "Only a private edition needs a token. When it expires, the gateway sends `bye` with "
                f"the reason `token`, and closes the connection with the code {CloseCode.TOKEN:d}.",
                "security": [{"$ref": "#/components/securitySchemes/header"}],
                "messages": [{"$ref": f"#/channels/live/messages/{name}"} for name in names],
            }
        },
        "components": {
            "messages": {
                kind.__name__: {"name": str(kind.__struct_config__.tag), "payload": reference(kind)}
                for kind in MESSAGES
            },
            "schemas": components(*MESSAGES),
            "securitySchemes": {"header": _TOKEN},
        },
    }


def _live(messages: list[str], parameters: dict[str, Schema]) -> Schema:
    query = {name: parameters[name]["schema"] for name in ("lines", "section", "region", "urgency", "lang")}
    return {
        "address": "/v1/{edition}/live",
        "description": f"One edition, as a WebSocket. The subprotocol is {SUBPROTOCOL}.",
        "parameters": {"edition": {"description": parameters["edition"]["description"]}},
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {
            "ws": {
                "method": "GET",
                "query": {"type": "object", "properties": {"after": {"type": "string"}, **query}},
                "bindingVersion": "0.1.0",
            }
        },
    }
