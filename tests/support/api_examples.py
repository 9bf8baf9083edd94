"""The examples of the OpenAPI document: real answers of the handlers about lines that are always the same.

`python -m tests.support.api_examples` writes them into the files of `ticker/web/openapi`.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec

from tests.support.channels import NOW, make_channel, make_hub, make_line
from ticker.core.line import Change
from ticker.web.app import make_app

FOLDER: Final = Path(__file__).parents[2] / "ticker" / "web" / "openapi"
EXAMPLES: Final = {
    "/v1/editions": "/v1/editions",
    "/v1/{edition}/board": "/v1/en/board?lines=1",
    "/v1/{edition}/tail": "/v1/en/tail",
    "/v1/{edition}/lines": "/v1/en/lines?limit=1",
    "/v1/{edition}/lines/{id}": "/v1/en/lines/k7m2x9ab3c",
    "/v1/connection": "/v1/connection",
    "/healthz": "/healthz",
    "/readyz": "/readyz",
}
"""The request of each example, by the path in the document."""
REFUSED: Final = "/v1/xx/board"
"""The request of the example of a problem."""


async def real_answers() -> dict[str, Any]:
    """Return the answer to each request of `EXAMPLES` by its path in the document, and that to `REFUSED`."""
    first = make_line(
        1, "Storm Ada makes landfall near Port Selby", id="k7m2x9ab3c", attribution="Met office", section="environment"
    )
    second = msgspec.structs.replace(
        first,
        version=2,
        change=Change.CORRECT,
        text="Storm Ada makes landfall near Port Amery",
        correction="The port is Amery, not Selby.",
    )
    channel = make_channel("en", [first, make_line(2, "Night trains return in March", id="p4q8w1zz0d"), second])
    assert channel.modified_at == NOW
    app = make_app(make_hub({"en": channel}), "0.1.0")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ticker.example") as client:
        found = {path: (await client.get(request)).json() for path, request in EXAMPLES.items()}
        return {**found, REFUSED: (await client.get(REFUSED)).json()}


def _write(answers: dict[str, Any]) -> None:
    for file in FOLDER.glob("*.json"):
        document = json.loads(file.read_text(encoding="utf-8"))
        for path, item in document["paths"].items():
            if path in answers:
                item["get"]["responses"]["200"]["content"]["application/json"]["example"] = answers[path]
        if "components" in document:
            media = document["components"]["responses"]["NotFound"]["content"]["application/problem+json"]
            media["example"] = answers[REFUSED]
        file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    _write(asyncio.run(real_answers()))
