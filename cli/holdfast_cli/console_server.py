"""The server of `holdfast console`: the page, and the console's function behind it, on this machine for one person."""

from __future__ import annotations

import base64
import getpass
import hmac
import json as jsonlib
import secrets
import threading
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from holdfast.console.access import EDITOR
from holdfast.console.answers import Answer, as_json
from holdfast_cli.output import err

if TYPE_CHECKING:
    from holdfast.console.app import Console

HOST = "127.0.0.1"
MAX_BODY = 6 * 1024 * 1024
"""The size that a function takes."""


class Session:
    """Who may come in: whoever brings a link's token, which is good once, gets a bearer for the API; and so does the
    browser that did, by its cookie, after a reload and in another tab.

    All are random and live in memory alone, here and in the browser.
    """

    def __init__(self) -> None:
        self._links: set[str] = set()
        self._cookies: set[str] = set()
        self._bearers: set[str] = set()
        self._lock = threading.Lock()

    def link(self) -> str:
        return self._new(self._links)

    def use_link(self, token: str) -> str | None:
        """A new cookie for it, if the link is good still."""
        with self._lock:
            if token not in self._links:
                return None
            self._links.remove(token)
        return self._new(self._cookies)

    def bearer(self, cookie: str) -> str | None:
        with self._lock:
            known = any(hmac.compare_digest(cookie.encode(), each.encode()) for each in self._cookies)
        return self._new(self._bearers) if known else None

    def knows(self, authorization: str) -> bool:
        kind, _, given = authorization.partition(" ")
        with self._lock:
            found = [hmac.compare_digest(given.encode(), bearer.encode()) for bearer in self._bearers]
        return kind.lower() == "bearer" and any(found)

    def _new(self, of: set[str]) -> str:
        token = secrets.token_urlsafe(32)
        with self._lock:
            of.add(token)
        return token


class Server(ThreadingHTTPServer):
    """Speaks to the console as an HTTP API does, on the loopback interface only."""

    daemon_threads = True

    def __init__(self, console: Console, session: Session, port: int = 0) -> None:
        self.console = console
        self.session = session
        super().__init__((HOST, port), _Handler)

    @property
    def origin(self) -> str:
        return f"http://{HOST}:{self.server_port}"

    @property
    def cookie(self) -> str:
        """Its name: cookies know no ports, and another console may run on another one."""
        return f"holdfast-{self.server_port}"

    def link(self) -> str:
        """An address that lets one in, once. What is behind the # stays in the browser."""
        return f"{self.origin}/#token={self.session.link()}"


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    server_version = "Holdfast"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(b"")

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if length > MAX_BODY:
            self._send(_error(413, "too_large", "That is more than a function takes."))
            self.close_connection = True
            return
        self._answer(self.rfile.read(length))

    def log_message(self, *_: object) -> None:
        """Nothing: paths may name a user."""

    def _answer(self, body: bytes) -> None:
        try:
            self._send(self._answered(body))
        except Exception as error:  # noqa: BLE001 (told here, as a function's log would tell it; the server goes on)
            err.print(f"[red]✗[/] {type(error).__name__}: {error}", markup=False)
            self._send(_error(500, "failed", "The console failed: see the terminal that it runs in."))

    def _answered(self, body: bytes) -> Answer:
        # A page elsewhere that resolves its own name to 127.0.0.1 (DNS rebinding) has another Host.
        if self.headers.get("host") not in {
            f"{HOST}:{self.server.server_port}",
            f"localhost:{self.server.server_port}",
        }:
            return _error(421, "wrong_host", f"Only {self.server.origin} is served here.")
        parts = urlsplit(self.path)
        if parts.path == "/session":
            return self._session(body)
        return self.server.console.answer(self._event(parts.path, parts.query, body), None)

    def _session(self, body: bytes) -> Answer:
        """A bearer for the token of a link, or for the cookie that such a token was good for."""
        origin = self.headers.get("origin")
        if self.command != "POST" or origin not in {None, f"http://{self.headers.get('host')}"}:
            return _error(403, "elsewhere", "Only this page may ask for that.")
        try:
            given = jsonlib.loads(body).get("token")
        except (ValueError, AttributeError):
            return _error(422, "request", 'POST {"token": "…"}, the token of the address that was printed.')
        session = self.server.session
        cookie = session.use_link(str(given)) if given else self._cookie()
        bearer = session.bearer(cookie) if cookie else None
        if bearer is None:
            return _error(403, "used", "This link was used already. Press Enter in the terminal for another one.")
        answer = as_json(200, {"bearer": bearer})
        # For this path alone, and for no script: what it is good for, another page cannot read the answer to.
        kept = f"{self.server.cookie}={cookie}; HttpOnly; SameSite=Strict; Path=/session"
        return {**answer, "headers": {**answer["headers"], "set-cookie": kept}}

    def _cookie(self) -> str | None:
        try:
            found = SimpleCookie(self.headers.get("cookie", "")).get(self.server.cookie)
        except CookieError:
            return None
        return found.value if found else None

    def _event(self, path: str, query: str, body: bytes) -> dict[str, Any]:
        """The event that an HTTP API makes of a request (payload format 2.0), once its authorizer has let it pass."""
        context: dict[str, Any] = {
            "http": {"method": self.command, "path": path, "sourceIp": HOST, "protocol": "HTTP/1.1", "userAgent": ""},
            "requestId": secrets.token_hex(8),
            "stage": "$default",
        }
        if self.server.session.knows(self.headers.get("authorization", "")):
            claims = {"token_use": "access", "username": _name(), "cognito:groups": f"[{EDITOR}]"}
            context["authorizer"] = {"jwt": {"claims": claims}}
        return {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": unquote(path),
            "rawQueryString": query,
            "queryStringParameters": {name: ",".join(values) for name, values in parse_qs(query).items()},
            "headers": {name.lower(): value for name, value in self.headers.items() if name.lower() != "authorization"},
            "requestContext": context,
            "body": body.decode("utf-8", "replace"),
            "isBase64Encoded": False,
        }

    def _send(self, answer: Answer) -> None:
        body = answer.get("body", "")
        content = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        self.send_response(answer["statusCode"])
        for name, value in answer.get("headers", {}).items():
            self.send_header(name, str(value))
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def _error(status: int, code: str, message: str) -> Answer:
    return as_json(status, {"error": {"code": code, "message": message}})


def _name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a machine without a name for whoever runs this
        return "you"
