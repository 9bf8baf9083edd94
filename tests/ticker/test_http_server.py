from __future__ import annotations

import asyncio
import signal
import socket

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from ticker.core.errors import TickerError
from ticker.http_server import bind, make_server, serve, url_of


def test_a_taken_port_is_refused_with_the_option_that_chooses_another() -> None:
    with bind("127.0.0.1", 0, option="--metrics") as taken:
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(TickerError, match=f"can't listen on 127.0.0.1 port {port}: .*--metrics"):
            bind("127.0.0.1", port, option="--metrics")


def test_several_sockets_share_a_port_if_all_are_bound_as_shared() -> None:
    with bind("127.0.0.1", 0, option="--port", shared=True) as first:
        first.listen()
        with bind("127.0.0.1", first.getsockname()[1], option="--port", shared=True) as second:
            assert second.getsockname() == first.getsockname()


def test_tcp_options_are_set_on_the_socket() -> None:
    with bind("127.0.0.1", 0, option="--port", tcp_options={socket.TCP_NODELAY: 1}) as bound:
        assert bound.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_url_of_an_ipv6_socket_has_brackets() -> None:
    with bind("::1", 0, option="--port") as bound:
        assert url_of(bound) == f"http://[::1]:{bound.getsockname()[1]}"


async def test_serve_answers_until_cancelled_and_then_closes_the_socket() -> None:
    async def hello(request: Request) -> PlainTextResponse:
        return PlainTextResponse("hello")

    bound = bind("127.0.0.1", 0, option="--port")
    bound.listen()
    url = url_of(bound)
    handler = signal.getsignal(signal.SIGTERM)
    serving = asyncio.create_task(serve(Starlette(routes=[Route("/", hello)]), bound))
    async with httpx.AsyncClient() as client:
        assert (await client.get(url)).text == "hello"
        assert signal.getsignal(signal.SIGTERM) is handler, "signals are the caller's"
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
    assert bound.fileno() == -1
    with pytest.raises(httpx.ConnectError):
        await asyncio.to_thread(httpx.get, url)


def test_only_a_second_stop_does_not_wait_for_answers() -> None:
    server = make_server(Starlette(), on_started=lambda: None, shutdown_s=1, connections=1)
    server.stop()
    assert (server.should_exit, server.force_exit) == (True, False)
    server.stop()
    assert server.force_exit
