"""`holdfast console` on one's own machine: who is let in, and for how long."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any, NamedTuple

import pytest

from holdfast.console.answers import Answer, as_json
from holdfast_cli.console import _serving
from holdfast_cli.console_server import HOST, Server, Session


class Nothing:
    """In the place of the console: says whether a request comes with somebody's rights."""

    def answer(self, event: Any, _context: object) -> Answer:
        return as_json(200, {"known": "authorizer" in event["requestContext"]})


class Got(NamedTuple):
    status: int
    json: Any
    cookie: str


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(Nothing(), Session()) as server:  # type: ignore[arg-type]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


def ask(server: Server, method: str, path: str, body: object = None, **headers: str) -> Got:
    connection = HTTPConnection(HOST, server.server_port, timeout=30)
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, {"Host": f"{HOST}:{server.server_port}", **headers})
    answer = connection.getresponse()
    told = json.loads(answer.read())
    connection.close()
    return Got(answer.status, told, answer.headers.get("set-cookie", "").partition(";")[0])


def signed_in(server: Server) -> Got:
    return ask(server, "POST", "/session", {"token": server.session.link()})


def test_a_link_is_good_once_and_the_browser_that_used_it_stays_signed_in(server: Server) -> None:
    token = server.session.link()
    first = ask(server, "POST", "/session", {"token": token})
    assert first.status == 200
    assert ask(server, "POST", "/session", {"token": token}).status == 403
    again = ask(server, "POST", "/session", {}, Cookie=first.cookie)
    assert again.status == 200
    for bearer in (first.json["bearer"], again.json["bearer"]):
        assert ask(server, "GET", "/api/me", Authorization=f"Bearer {bearer}").json == {"known": True}


def test_a_cookie_is_no_bearer_and_opens_nothing_by_itself(server: Server) -> None:
    got = signed_in(server)
    value = got.cookie.partition("=")[2]
    assert ask(server, "GET", "/api/me", Cookie=got.cookie).json == {"known": False}
    assert ask(server, "GET", "/api/me", Authorization=f"Bearer {value}").json == {"known": False}


@pytest.mark.parametrize("cookie", ["", "holdfast-1=x", "holdfast-{port}=x", "holdfast-{port}", "\x01=;;"])
def test_without_a_cookie_of_this_server_nobody_is_let_in(server: Server, cookie: str) -> None:
    signed_in(server)
    headers = {"Cookie": cookie.format(port=server.server_port)} if cookie else {}
    assert ask(server, "POST", "/session", {}, **headers).status == 403


def test_another_page_may_not_use_the_cookie(server: Server) -> None:
    cookie = signed_in(server).cookie
    for origin in ("http://evil.example", f"http://{HOST}:1", "null"):
        assert ask(server, "POST", "/session", {}, Cookie=cookie, Origin=origin).status == 403
    assert ask(server, "POST", "/session", {}, Cookie=cookie, Origin=server.origin).status == 200
    assert ask(server, "GET", "/session", Cookie=cookie).status == 403


def test_a_session_ends_with_its_server(server: Server) -> None:
    cookie = signed_in(server).cookie
    with Server(Nothing(), Session()) as other:  # type: ignore[arg-type]
        threading.Thread(target=other.serve_forever, args=(0.01,), daemon=True).start()
        moved = cookie.replace(str(server.server_port), str(other.server_port))
        assert ask(other, "POST", "/session", {}, Cookie=moved).status == 403
        other.shutdown()


def test_the_port_is_the_same_each_time_and_another_one_where_that_is_taken(
    monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    monkeypatch.setattr("holdfast_cli.console.PORT", server.server_port)
    with _serving(Nothing(), None) as other:  # type: ignore[arg-type]
        assert other.server_port != server.server_port
    with socket.socket() as kept:  # bound, and not listened on: nobody else gets the port between two servers
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind((HOST, 0))
        port = kept.getsockname()[1]
        monkeypatch.setattr("holdfast_cli.console.PORT", port)
        for _ in range(2):
            with _serving(Nothing(), None) as same:  # type: ignore[arg-type]
                assert same.server_port == port
