"""Call `send_text` for each connection in turn."""

from __future__ import annotations

import contextlib

from starlette.websockets import WebSocket, WebSocketDisconnect

from benchmarks.rivals.serving import serve

connections: set[WebSocket] = set()


async def live(websocket: WebSocket) -> None:
    await websocket.accept()
    connections.add(websocket)
    try:
        async for _ in websocket.iter_text():
            pass
    finally:
        connections.discard(websocket)


async def send(text: str) -> None:
    for websocket in list(connections):
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await websocket.send_text(text)


if __name__ == "__main__":
    serve(live, send)
