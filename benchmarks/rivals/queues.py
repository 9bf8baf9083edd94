"""Use one queue per connection, and one task that empties it."""

from __future__ import annotations

import asyncio

from starlette.websockets import WebSocket, WebSocketDisconnect

from benchmarks.rivals.serving import serve

queues: set[asyncio.Queue[str]] = set()


async def live(websocket: WebSocket) -> None:
    await websocket.accept()
    queue: asyncio.Queue[str] = asyncio.Queue()
    queues.add(queue)
    try:
        while True:
            await websocket.send_text(await queue.get())
    except WebSocketDisconnect:
        pass
    finally:
        queues.discard(queue)


async def send(text: str) -> None:
    for queue in queues:
        queue.put_nowait(text)


if __name__ == "__main__":
    serve(live, send)
